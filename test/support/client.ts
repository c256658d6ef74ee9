import { randomBytes, randomUUID } from "node:crypto";

import type { ClientBase } from "pg";

import { newId, type SessionId, type UserId } from "../../src/ids.js";
import type { ConnectOptions } from "../../src/connect-options.js";
import { deliverMessages, type MailerOptions } from "../../src/mailer.js";
import type { Message } from "../../src/messages.js";
import { SafetyPin } from "../../src/safetypin.js";
import type { SignedIn } from "../../src/sign-in.js";
import { digestOf, type OneTimeToken, RefreshToken, SessionToken, tagOf, type Token } from "../../src/tokens.js";
import { PASSWORD } from "./actors.js";
import type { TestCell } from "./database.js";
import { inUnlockedCell } from "./keys.js";
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

/** How a mailer of a test's own cell connects. What it sends is noted as a secret. */
export function mailerOptions(cell: TestCell, send: MailerOptions["send"]): MailerOptions {
  return {
    environment: "test",
    log: () => undefined,
    cell: cell.cell,
    connectionString: cell.connectionString("mailer"),
    send: async (message, signal) => {
      if (message.token !== null) reveal(message.token);
      await send(message, signal);
    },
  };
}

/** Sends what waits in a cell, and returns it. */
export async function deliverMail(cell: TestCell): Promise<Message[]> {
  const sent: Message[] = [];
  await deliverMessages(mailerOptions(cell, async (message) => void sent.push(message)));
  return sent;
}

/** Sends what waits in a cell, and returns the token that came for one address. */
export async function readToken(cell: TestCell, email: string): Promise<OneTimeToken> {
  const token = (await deliverMail(cell)).find((message) => message.email === email)?.token;
  if (token === undefined || token === null) throw new Error(`No token was sent to ${email}`);
  return token;
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

  const userId = newId<"user">();
  await inUnlockedCell(admin, async (client) => {
    await client.query(
      `insert into users (id, email, first_name, last_name, status, email_verified_time)
       values ($1, _seal_email($1, $2), initcap($3), 'Example', 'active', now())`,
      [userId, email, name],
    );
    await client.query("select _index_email($1, $2)", [userId, email]);
    await givePassword(client, userId);
  });
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

async function givePassword(client: ClientBase, userId: UserId): Promise<void> {
  await client.query(
    `with credential as (
       insert into password_credentials (user_id, digest, salt, history_salt)
       values ($1, _seal_text(5, null, $1, $2, $1), left($2, 29), substr($3, 8, 22))
     ),
     history as (
       insert into password_history (id, user_id, digest, salt)
       values ($4, $1, _seal_text(6, null, $4, $3, $1), left($3, 29))
     )
     insert into password_history_indexes (password_history_id, user_id, version, digest_index)
     select $4, $1, version, _blind_index(6, null, version, $3) from unnest(_written_versions(null)) as version`,
    [userId, PASSWORD.digest, PASSWORD.historyDigest, randomUUID()],
  );
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
