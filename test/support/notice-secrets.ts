/*
 * Runs before each file of tests. Whatever secret a test hands over is noted where it
 * passes: passwords where they are digested, tokens where they are sent to the
 * database or come from it. So a test need not say what its secrets are, and a
 * leak cannot hide behind a test that forgot to.
 */
import crypto from "node:crypto";

import pg from "pg";

import { remember, secretsFile } from "./secrets.js";

/** The functions whose first argument is a token, not its digest. */
const TAKES_A_TOKEN =
  /\b(begin_request|refresh_session|verify_email|verify_domain|prepare_password_reset|reset_password)\s*\(/;

/** What those that answer with tokens call them. */
const TOKEN_COLUMNS = ["session_token", "refresh_token"];

const TOKEN_BYTES = 32;

type Row = Record<string, unknown>;

if (secretsFile() !== undefined) {
  noticePasswords();
  noticeTokens();
}

type CreateHmac = typeof crypto.createHmac & { builtIn?: typeof crypto.createHmac };

function noticePasswords(): void {
  // Node's modules are the same for all files of a process: the one before us was here.
  const found: CreateHmac = crypto.createHmac;
  const createHmac = found.builtIn ?? found;
  const noticing: CreateHmac = (algorithm, key, options) => {
    const hmac = createHmac(algorithm, key, options);
    // What a password goes through before bcrypt, and nothing else does.
    if (algorithm !== "sha384") return hmac;
    const update = hmac.update.bind(hmac) as (...input: unknown[]) => crypto.Hmac;
    hmac.update = (data: string | Buffer, ...rest: unknown[]) => {
      remember(data);
      return update(data, ...rest);
    };
    return hmac;
  };
  noticing.builtIn = createHmac;
  crypto.createHmac = noticing;
}

function noticeTokens(): void {
  const query = pg.Client.prototype.query as (...input: unknown[]) => unknown;
  pg.Client.prototype.query = function (this: pg.Client, ...input: unknown[]): unknown {
    const [first, second] = input;
    const config = typeof first === "object" && first !== null ? (first as pg.QueryConfig) : undefined;
    const text = config?.text ?? (typeof first === "string" ? first : "");
    const values: unknown = config?.values ?? second;
    if (TAKES_A_TOKEN.test(text) && Array.isArray(values)) values.forEach(noticeToken);

    if (!/refresh_session/.test(text)) return query.apply(this, input);

    // A pool hands over a callback, everybody else waits for a promise.
    const last = input.at(-1);
    if (typeof last === "function") {
      return query.apply(this, [
        ...input.slice(0, -1),
        (error: unknown, result?: pg.QueryResult<Row>) => {
          noticeRows(result);
          (last as (error: unknown, result: unknown) => void)(error, result);
        },
      ]);
    }
    const answer = query.apply(this, input);
    if (answer instanceof Promise) void answer.then(noticeRows, () => undefined);
    return answer;
  } as typeof pg.Client.prototype.query;
}

function noticeRows(result: pg.QueryResult<Row> | undefined): void {
  for (const row of result?.rows ?? []) TOKEN_COLUMNS.forEach((column) => noticeToken(row[column]));
}

function noticeToken(value: unknown): void {
  if (Buffer.isBuffer(value) && value.length === TOKEN_BYTES) remember(value);
  if (typeof value === "string" && /^\\x[0-9a-f]{64}$/i.test(value)) remember(Buffer.from(value.slice(2), "hex"));
}
