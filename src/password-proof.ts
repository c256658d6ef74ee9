import { bcryptQueue } from "./bcrypt-queue.js";
import type { Cell } from "./cell.js";
import type { EmailAddress } from "./email.js";
import { AuthenticationError } from "./errors.js";
import { readIpAddress, readUserAgent, type Origin } from "./origin.js";
import { digestPassword, provePassword } from "./password-digests.js";
import type { Password } from "./passwords.js";
import { beginPasswordCheck, submitPasswordProof } from "./queries/password_attempts.js";

/** An attempt whose proof is handed in, for a transaction after this one to judge. */
export interface ProvenAttempt {
  readonly id: string;

  /** Of the digest that the proof was made with. */
  readonly cost: number;

  /** Of digests that are made from now on. */
  readonly targetCost: number;
}

/**
 * Has an attempt charged and hands its proof in, in two transactions: judged in the same,
 * guesses would be free, since whoever judges could roll back.
 *
 * @throws {@link AuthenticationError} `throttled` or `account_disabled`, before a digest is
 * made.
 * @throws {@link AuthenticationBusyError} when there is no room for one, before an attempt is
 * charged.
 */
export async function provePasswordOf(
  cell: Cell,
  email: EmailAddress,
  password: Password,
  origin: Origin,
): Promise<ProvenAttempt> {
  // Whoever is turned away because we are busy has not guessed wrong.
  bcryptQueue.requireRoom();

  const ipAddress = readIpAddress(origin);
  const userAgent = readUserAgent(origin);
  const [begun] = await cell.withNobody(async (tx) => {
    await tx.unlock();
    return beginPasswordCheck.run({ email, ipAddress, userAgent }, tx);
  });
  if (begun?.status === "throttled") throw throttled(begun.retryAfterMs ?? 0);
  if (begun?.status === "disabled") throw disabled();

  const { attemptId, nonce, salt, targetCost } = begun as {
    attemptId: string;
    nonce: Buffer;
    salt: string;
    targetCost: number;
  };
  const digest = await digestPassword(password, salt);
  const proof = provePassword(digest, attemptId, nonce);
  await cell.withNobody((tx) => submitPasswordProof.run({ attemptId, proof }, tx));
  return { id: attemptId, cost: Number(salt.slice(4, 6)), targetCost };
}

function throttled(retryAfterMs: number): AuthenticationError {
  const seconds = Math.ceil(retryAfterMs / 1000);
  return new AuthenticationError("throttled", "There were too many failures in a row", {
    remedy: `Try again in ${seconds} seconds`,
    retryAfterMs,
  });
}

function disabled(): AuthenticationError {
  return new AuthenticationError(
    "account_disabled",
    "A hundred failures in a row have disabled the password",
    { remedy: "Reset it: requestPasswordReset sends a token to its owner" },
  );
}
