import { createHash, createHmac } from "node:crypto";

import type pg from "pg";

import { email, newToken, OTHER_PASSWORD, proveAttempt, sha256, userId } from "./support/actors.js";
import { useDatabase } from "./support/database.js";

/*
 * Getting at the token of somebody else's reset: with the application's login, which
 * may ask for anybody's. It is sent by a mailer with a login of its own, which here has
 * sent ann hers already, and has bob's still to send.
 */

const db = useDatabase({ template: "pgtap" });

let sent: { readonly id: string; readonly token: Buffer };

beforeAll(async () => {
  await db.admin.query("select tests.two_organizations()");
  await db.app.query("select request_password_reset($1) from tests.unlock()", [email("ann")]);
  const { rows } = await db.pool("mailer").query<typeof sent>(
    "select (taken).id, (taken).token from (select take_messages() as taken from tests.unlock() offset 0) as messages",
  );
  sent = rows[0]!;
  await db.app.query("select request_password_reset($1) from tests.unlock()", [email("bob")]);
});

/** What PostgreSQL refuses a statement of the application's with, or its rows. */
async function attempt(sql: string, values: unknown[] = [], login: pg.Pool = db.app): Promise<unknown> {
  return login.query(sql, values).then(
    ({ rows }: { rows: unknown[] }) => rows,
    (error: unknown) => (error as pg.DatabaseError).code,
  );
}

const DENIED = "42501";

/** Whether a token resets a password, in a transaction that is undone. */
async function resets(token: Buffer): Promise<string | undefined> {
  const client = await db.app.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query<{ answer: string }>(
      // As text: among what is forged is a digest, and that is kept where the hunt for tokens would find it.
      "select tests.reset_password(decode($1, 'base64'), $2, $3, (read_password_policy()).version) as answer",
      [token.toString("base64"), OTHER_PASSWORD.digest, [OTHER_PASSWORD.historyDigest]],
    );
    return rows[0]?.answer;
  } finally {
    await client.query("rollback");
    client.release();
  }
}

describe("somebody else's reset", () => {
  test("is made with the token that was sent, so these attacks are made right", async () => {
    expect(await resets(sent.token)).toBe("reset");
  });

  test.each([
    ["asking for it", "select request_password_reset($1) as answer from tests.unlock()", [{ answer: "" }]],
    ["asking for another message", "select request_email_verification($1) as answer from tests.unlock()", [{ answer: "" }]],
  ])("is not had by %s, which answers nothing", async (_what, sql, answer) => {
    expect(await attempt(sql, [email("bob")])).toEqual(answer);
  });

  test.each([
    ["the messages", "select * from messages"],
    ["their ids", "select id from messages"],
    ["how many there are", "select count(*) from messages"],
    ["copying them", "copy messages to stdout"],
    ["locking them", "select from messages for update"],
    ["taking one", "select token from take_messages()"],
    ["taking all, for a second", "select * from take_messages(1000, '1 second')"],
    ["saying that it was not sent", "select finish_message(new_id(), 1, false)"],
    ["the digests of tokens", "select token_hash from one_time_tokens"],
    ["a token of his own", "insert into one_time_tokens (purpose, user_id, token_hash, expiration_time) values ('reset_password', null, sha256('mine'), now() + interval '1 hour')"],
    ["another digest in place of hers", "update one_time_tokens set token_hash = sha256('mine')"],
    ["a message that names somebody else", "update messages set user_id = null"],
    ["another address for her", "update users set email = '\\x00'"],
    ["asking the inner way", "select _request_message('reset_password', 'ann@example.com', null, '1 hour')"],
    ["using one the inner way", "select _use_token('{reset_password}', 'mine')"],
    ["the keys", "select secret from context_keys"],
    ["the sealed keys", "select secret from digest_keys"],
    ["a key of digests", "select _open_digest_keys('address')"],
    ["the mailer's role", "set role safetypin_mailer"],
    ["the mailer's login", "set role safetypin_mailer_login"],
    ["the mailer's session", "set session authorization safetypin_mailer_login"],
    ["becoming a mailer", "grant safetypin_mailer to current_user"],
    ["letting himself take", "grant execute on function take_messages(integer, interval) to public"],
    ["another function of that name", "create or replace function take_messages(p_limit integer, p_lease interval) returns void language sql as 'select'"],
    ["a trigger on the messages", "create trigger mine after update on messages execute function tg__touch_last_update_time()"],
    ["a trigger on the tokens", "create trigger mine after insert on one_time_tokens execute function tg__touch_last_update_time()"],
    ["a rule on the tokens", "create rule mine as on insert to one_time_tokens do also notify mine"],
  ])("is not had by %s", async (_what, sql) => {
    expect(await attempt(sql.replaceAll("safetypin_mailer_login", `${db.cell}_mailer_login`))).toBe(DENIED);
  });

  test("is not had by a function that takes messages for him, or keeps a digest of his for her", async () => {
    const { rows } = await db.admin.query<{ name: string }>(
      `select distinct proname as name
       from pg_proc
       cross join lateral aclexplode(proacl)
       where pronamespace = current_schema()::regnamespace
         and grantee = any (array[0, 'safetypin_app'::regrole::oid])
         and prosrc ~ '(take_messages|into one_time_tokens)'
       order by 1`,
    );
    // A domain's, under a permission of one's own; and one for whoever proved the password: see below.
    expect(rows).toEqual([{ name: "claim_domain" }, { name: "finish_password_check" }]);
  });

  test.each<[string, () => Buffer]>([
    ["the id of its message", () => Buffer.from(sent.id.replaceAll("-", ""), "hex")],
    ["the digest of that id", () => createHash("sha256").update(sent.id).digest()],
    ["a keyed digest of it", () => createHmac("sha256", "reset_password").update(sent.id).digest()],
    ["the digest of her id", () => sha256(Buffer.from(userId("ann").replaceAll("-", ""), "hex"))],
    ["the digest of the token, as a backup has it", () => sha256(sent.token)],
    ["most of the token", () => Buffer.concat([sent.token.subarray(0, 31), Buffer.of((sent.token[31] ?? 0) ^ 1)])],
    ["nothing", () => Buffer.alloc(0)],
    ["noughts", () => Buffer.alloc(32)],
    ["a guess", () => newToken()],
  ])("is not made with %s", async (_what, forge) => {
    expect(await resets(forge())).toBe("invalid");
  });

  test("is not had by having a digest of his own kept where his own password was right", async () => {
    const proveAndKeep = async (name: string, digest: string | undefined, token: Buffer) => {
      const proven = await proveAttempt(db.app, email(name), digest);
      if (proven.status !== "ready") throw new Error(`${name} cannot try`);
      const { rows } = await db.app.query<{ status: string }>(
        "select status from tests.finish_password_check($1, $2, null, null, $3)",
        [proven.id, sha256(newToken()), sha256(token)],
      );
      return rows[0]?.status;
    };
    const mine = newToken();
    await db.admin.query("update password_credentials set must_change = true where user_id = $1", [userId("zoe")]);
    expect(await proveAndKeep("zoe", undefined, mine)).toBe("password_change_required");
    const { rows } = await db.admin.query("select user_id from one_time_tokens where token_hash = $1", [sha256(mine)]);
    expect(rows).toEqual([{ user_id: userId("zoe") }]);

    // With a wrong password nothing is kept.
    const other = newToken();
    expect(await proveAndKeep("ann", "a guess", other)).toBe("invalid");
    expect(await resets(other)).toBe("invalid");
  });

  test("is not had by claiming a domain with a digest of his own", async () => {
    expect(await attempt("select claim_domain('mine.example', $1)", [sha256("mine")])).toBe("SP102");
    const client = await db.admin.connect();
    try {
      await client.query("begin");
      await client.query("select tests.act_as('zoe', 'zenith')");
      await client.query("select claim_domain('mine.example', sha256('mine'))");
      const { rows } = await client.query(
        "select tests.reset_password('mine', $1, $2, (read_password_policy()).version) as answer, verify_email('mine') as verified",
        [OTHER_PASSWORD.digest, [OTHER_PASSWORD.historyDigest]],
      );
      expect(rows).toEqual([{ answer: "invalid", verified: "invalid" }]);
    } finally {
      await client.query("rollback");
      client.release();
    }
  });

  test("leaves no token in what a backup holds: neither of one that was sent, nor of one that was not", async () => {
    const { rows } = await db.admin.query<{ name: string }>(
      `select relname as name from pg_class
       where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition`,
    );
    const holds = async (bytes: Buffer) => {
      const found: string[] = [];
      for (const { name } of rows) {
        const { rowCount } = await db.admin.query(`select from "${name}" as held where strpos(held::text, $1) > 0`, [
          bytes.toString("hex"),
        ]);
        if (rowCount !== 0) found.push(name);
      }
      return found;
    };
    expect(await holds(sent.token)).toEqual([]);
    expect(await holds(sha256(sent.token))).toEqual(["one_time_tokens"]);

    const bobs = await db.admin.query("select from one_time_tokens where user_id = $1", [userId("bob")]);
    expect(bobs.rowCount).toBe(0);
  });

  test("would be had, were the digest of the token the application's to give", async () => {
    await db.admin.query(`
      create function naive_request_password_reset(p_email text, p_token_hash bytea) returns void
        language sql security definer set search_path = safetypin, extensions, pg_temp
      as $$
        insert into one_time_tokens (purpose, user_id, token_hash, expiration_time)
        select 'reset_password', id, p_token_hash, now() + interval '1 hour' from users where id = _find_user_by_email(p_email)
      $$;
      grant execute on function naive_request_password_reset(text, bytea) to safetypin_app`);
    const mine = newToken();
    await db.app.query("select naive_request_password_reset($1, $2) from tests.unlock()", [email("bob"), sha256(mine)]);
    expect(await resets(mine)).toBe("reset");
  });
});
