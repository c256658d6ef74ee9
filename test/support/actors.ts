import { createHash, createHmac, randomBytes } from "node:crypto";

import type pg from "pg";

import { remember } from "./secrets.js";

/*
 * The names of test-sql/setup.sql, by the same arithmetic. What they do behind the
 * curtain (`tests.person`, `tests.organization`, …) is called there.
 */

/** Everybody's password in the vocabulary, and what to change it to. */
export const PASSWORD = {
  text: "correct horse battery staple",
  digest: "$2a$12$abcdefghijklmnopqrstuuXxytZM3ml4cIrUhX.MkZ/PiAmI9VF/u",
  historyDigest: "$2a$12$zyxwvutsrqponmlkjihgfeOmA3FdgIUvyGEVLcZnarCbHprFurHtW",
} as const;

/** Another password, digested under the same salts. */
export const OTHER_PASSWORD = {
  text: "a different horse altogether",
  digest: "$2a$12$abcdefghijklmnopqrstuu/8Yx5IgHnlwWuD4oXLwBJzAtnq3YwXO",
  historyDigest: "$2a$12$zyxwvutsrqponmlkjihgfeyDGApqFdFc6ud8.YeMEgDIb20UeAuYO",
} as const;

/** The id of a person. */
export const userId = (name: string) => idOf(`user:${name}`);

/** The id of an organization. */
export const organizationId = (name: string) => idOf(`organization:${name}`);

/** The address of a person. */
export const email = (name: string) => `${name}@example.com`;

/** The secret bytes of the session that {@link openSessions} opens. */
export function sessionToken(name: string, organization = ""): Buffer {
  return remember(sha256(`token:${name}:${organization}`));
}

/** A secret of 32 bytes, as a client makes them. */
export const newToken = () => remember(randomBytes(32));

/** The digest by which the database knows a token. */
export function sha256(text: string | Buffer): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Opens a session for each of these people in an organization, or in none. */
export async function openSessions(
  admin: pg.Pool,
  names: readonly string[],
  organization?: string,
): Promise<void> {
  for (const name of names) {
    sessionToken(name, organization);
    await admin.query("select tests.act_as($1, $2)", [name, organization ?? null]);
  }
}

/** Begins acting as the holder of a session, until the transaction ends. */
export async function beginRequest(client: pg.ClientBase, token: Buffer): Promise<void> {
  await client.query("select from begin_request($1)", [token]);
}

/** What proves a password to an attempt. */
export function proofOf(digest: string, attemptId: string, nonce: Buffer): Buffer {
  return createHmac("sha256", digest)
    .update(Buffer.concat([Buffer.from(attemptId.replaceAll("-", ""), "hex"), nonce]))
    .digest();
}

/** An attempt with its proof handed in, for others to judge. */
export interface Attempt {
  readonly status: string;
  readonly id: string;
}

/** The first two of the three transactions of a sign-in: charged, and proven. */
export async function proveAttempt(
  client: pg.ClientBase | pg.Pool,
  address: string,
  digest: string = PASSWORD.digest,
): Promise<Attempt> {
  const { rows } = await client.query<{ status: string; attempt_id: string; nonce: Buffer }>(
    "select status, attempt_id, nonce from tests.begin_password_check($1)",
    [address],
  );
  const [attempt] = rows;
  if (attempt === undefined) throw new Error("begin_password_check() said nothing");
  const { status, attempt_id: id, nonce } = attempt;
  if (status === "ready") {
    await client.query("select submit_password_proof($1, $2)", [id, proofOf(digest, id, nonce)]);
  }
  return { status, id };
}

/** What came of a sign-in. */
export interface SignIn {
  readonly status: string;
  readonly sessionId: string | null;
  readonly token: Buffer;
  readonly refreshToken: Buffer;
}

/** The third transaction: judges the attempt and opens the session. */
export async function finishAttempt(
  client: pg.ClientBase | pg.Pool,
  attempt: Attempt,
  organization?: string,
): Promise<SignIn> {
  const token = newToken();
  const refreshToken = newToken();
  const { rows } = await client.query<{ status: string; session_id: string | null }>(
    "select status, session_id from tests.finish_password_check($1, $2, $3, $4)",
    [
      attempt.id,
      sha256(token),
      sha256(refreshToken),
      organization === undefined ? null : organizationId(organization),
    ],
  );
  const { status, session_id: sessionId } = rows[0] ?? { status: "nothing", session_id: null };
  return { status, sessionId, token, refreshToken };
}

/** A whole sign-in: three transactions, when given a pool. */
export async function signIn(
  client: pg.ClientBase | pg.Pool,
  address: string,
  { digest, organization }: { digest?: string; organization?: string } = {},
): Promise<SignIn> {
  const attempt = await proveAttempt(client, address, digest);
  if (attempt.status !== "ready") {
    return { status: attempt.status, sessionId: null, token: newToken(), refreshToken: newToken() };
  }
  return finishAttempt(client, attempt, organization);
}

function idOf(text: string): string {
  const digits = createHash("md5").update(text).digest("hex");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
