import { randomBytes } from "node:crypto";

import type { SessionId, UserId } from "../../src/ids.js";
import type { ConnectOptions } from "../../src/connect-options.js";
import { SafetyPin } from "../../src/safetypin.js";
import type { SignedIn } from "../../src/sign-in.js";
import { digestOf, RefreshToken, SessionToken, tagOf, type Token } from "../../src/tokens.js";
import { PASSWORD } from "./actors.js";
import type { TestCell } from "./database.js";
import { remember } from "./secrets.js";

/** Somebody who is signed in through a client. */
export interface Person extends SignedIn {
  readonly email: string;
  readonly password: string;
}

/** A client of a test's own cell, as its application would make it. Close it. */
export async function connectForTest(
  cell: TestCell,
  options: ConnectOptions = {},
): Promise<SafetyPin> {
  return SafetyPin.connect({
    environment: "test",
    log: () => undefined,
    cell: cell.cell,
    connectionString: cell.connectionString("app"),
    ...options,
  });
}

/** A password that no other test has. */
export function newPassword(): string {
  return remember(`${randomBytes(6).toString("hex")} horses in a row`);
}

/** Notes a token as a secret and returns its text. */
export function reveal(token: Token): string {
  const text = token.reveal();
  remember(Buffer.from(text.slice(11, 54), "base64url"));
  remember(text);
  return text;
}

/**
 * Somebody of this name who is signed in, made behind the curtain: to register through
 * the client takes three digests, and most tests are about something else.
 */
export async function newPerson(cell: TestCell, name: string): Promise<Person> {
  const admin = cell.pool("admin");
  const email = `${name}.${randomBytes(3).toString("hex")}@example.com`;
  const sessionToken = SessionToken.of(tagOf(cell.cell));
  const refreshToken = RefreshToken.of(tagOf(cell.cell));
  reveal(sessionToken);
  reveal(refreshToken);

  const { rows } = await admin.query<{ id: UserId }>(
    `with person as (
       insert into users (email, first_name, last_name, status, email_verified_time)
       values ($1, initcap($2), 'Example', 'active', now())
       returning id
     ),
     credential as (
       insert into password_credentials (user_id, digest, history_salt)
       select id, $3, substr($4, 8, 22) from person
     ),
     history as (
       insert into password_history (user_id, digest) select id, $4 from person
     )
     select id from person`,
    [email, name, PASSWORD.digest, PASSWORD.historyDigest],
  );
  const userId = rows[0]?.id as UserId;
  const opened = await admin.query<{ id: SessionId; expiration_time: Date }>(
    "select id, expiration_time from sessions where id = $1",
    [await openSession(cell, userId, sessionToken, refreshToken)],
  );
  const session = opened.rows[0];
  return {
    email,
    password: PASSWORD.text,
    userId,
    sessionId: session?.id as SessionId,
    organizationId: null,
    expirationTime: session?.expiration_time as Date,
    sessionToken,
    refreshToken,
  };
}

async function openSession(
  cell: TestCell,
  userId: UserId,
  sessionToken: SessionToken,
  refreshToken: RefreshToken,
): Promise<string | undefined> {
  const { rows } = await cell.pool("admin").query<{ id: string }>(
    "select _open_session($1, null, $2, $3, 1::smallint, array['password'], false, null, null, null) as id",
    [userId, digestOf(sessionToken), digestOf(refreshToken)],
  );
  return rows[0]?.id;
}
