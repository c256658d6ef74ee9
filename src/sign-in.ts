import type { Cell } from "./cell.js";
import type { Cells } from "./cells.js";
import { parseEmail } from "./email.js";
import { AuthenticationError } from "./errors.js";
import { parseOrganizationId, type DeviceId, type OrganizationId, type SessionId, type UserId } from "./ids.js";
import type { Origin } from "./origin.js";
import { handOverDigest } from "./new-password.js";
import { hashPassword } from "./password-digests.js";
import { provePasswordOf, type ProvenAttempt } from "./password-proof.js";
import { toPassword, type Password } from "./passwords.js";
import { finishPasswordCheck } from "./queries/password_attempts.js";
import { rehashPassword } from "./queries/password_credentials.js";
import { revokeSession } from "./queries/sessions.js";
import type { Log } from "./query-report.js";
import { digestOf, OneTimeToken, RefreshToken, SessionToken } from "./tokens.js";

/** Who signs in, and where. */
export interface Credentials extends Origin {
  readonly email: string;
  readonly password: Password | string;

  /** Which organization to enter. @defaultValue the only one they belong to; none, if there are more */
  readonly organizationId?: OrganizationId | undefined;

  readonly deviceId?: DeviceId | undefined;
}

/** Somebody who is signed in. */
export interface SignedIn {
  /** What their requests carry from now on. */
  readonly sessionToken: SessionToken;

  /** What renews it. */
  readonly refreshToken: RefreshToken;

  readonly sessionId: SessionId;
  readonly userId: UserId;

  /** `null` when none was entered: choose one of theirs first. */
  readonly organizationId: OrganizationId | null;

  /** When the session ends at the latest. */
  readonly expirationTime: Date;
}

/**
 * Signs somebody in with their password.
 *
 * It takes a quarter of a second of one core, as bcrypt must; more than the queue has
 * room for are refused at once. A password digested at a cost of earlier days is
 * digested anew.
 *
 * @throws {@link AuthenticationError} `invalid_credentials`, whatever of the two was wrong;
 * `throttled`, with `retryAfterMs`; `account_disabled`; `password_change_required`, with a
 * `changeToken` for `resetPassword`; `password_compromised`.
 * @throws {@link RuleError} `email_malformed`, `password_has_nul` and their like.
 * @throws {@link AuthenticationBusyError} when too many passwords are being checked.
 */
export async function signIn(cells: Cells, log: Log, credentials: Credentials): Promise<SignedIn> {
  const email = parseEmail(credentials.email);
  const password = toPassword(credentials.password);
  const { organizationId, deviceId = null } = credentials;
  const wanted = organizationId === undefined ? null : parseOrganizationId(organizationId);

  const cell = await cells.ofEmail(email);
  const attempt = await provePasswordOf(cell, email, password, credentials);
  const sessionToken = SessionToken.of(cell.tag);
  const refreshToken = RefreshToken.of(cell.tag);
  const changeToken = OneTimeToken.of(cell.tag);
  const [row] = await cell.withNobody(async (tx) => {
    // The digest that the proof is compared with is sealed.
    await tx.unlock();
    return finishPasswordCheck.run(
      {
        attemptId: attempt.id,
        sessionTokenHash: digestOf(sessionToken),
        refreshTokenHash: digestOf(refreshToken),
        changeTokenHash: digestOf(changeToken),
        organizationId: wanted,
        deviceId,
      },
      tx,
    );
  });
  if (row?.status === "password_change_required") {
    throw new AuthenticationError(
      "password_change_required",
      "The password is right and has to be changed before it opens a session",
      { remedy: "Ask for a new one and pass it to resetPassword with changeToken", changeToken },
    );
  }
  if (row?.status === "password_compromised") {
    throw new AuthenticationError("password_compromised", "The password is known to others and opens nothing", {
      remedy: "Reset it: requestPasswordReset sends a token to its owner",
    });
  }
  if (row?.status !== "signed_in") throw invalidCredentials();

  await rehash(cell, log, sessionToken, attempt, password);
  return {
    sessionToken,
    refreshToken,
    sessionId: row.sessionId as SessionId,
    userId: row.userId as UserId,
    organizationId: row.organizationId as OrganizationId | null,
    expirationTime: row.expirationTime as Date,
  };
}

/**
 * Ends the session of a token. One that is over already is as it should be.
 *
 * @throws {@link AuthenticationError} `token_malformed`
 */
export async function signOut(
  cells: Cells,
  text: SessionToken | string,
  origin: Origin,
): Promise<void> {
  const token = typeof text === "string" ? SessionToken.parse(text) : text;
  try {
    await cells.ofToken(token).withSession(
      token,
      async (tx) => {
        const { sessionId } = await tx.caller();
        await revokeSession.run({ sessionId }, tx);
      },
      origin,
    );
  } catch (error) {
    if (!(error instanceof AuthenticationError) || error.code !== "session_invalid") throw error;
  }
}

/** The one answer to an address and a password that do not go together. */
export function invalidCredentials(): AuthenticationError {
  return new AuthenticationError("invalid_credentials", "Address and password do not go together", {
    remedy: "Try again, or reset the password",
  });
}

/** Good to have, and no reason to keep somebody from signing in. */
async function rehash(
  cell: Cell,
  log: Log,
  token: SessionToken,
  { id: attemptId, cost, targetCost }: ProvenAttempt,
  password: Password,
): Promise<void> {
  if (cost >= targetCost) return;
  try {
    const digest = await hashPassword(password, { cost: targetCost });
    await cell.withSession(token, async (tx) => {
      const passwordDigest = await handOverDigest(tx, digest);
      await rehashPassword.run({ attemptId, passwordDigest }, tx);
    });
  } catch (error) {
    log({
      level: "warning",
      event: "password_not_rehashed",
      message: `A password stays at bcrypt's cost ${cost} until its owner signs in again`,
      error,
    });
  }
}
