import { setTimeout as sleep } from "node:timers/promises";

import type pg from "pg";

import {
  type Attempt,
  beginRequest,
  email,
  finishAttempt,
  newToken,
  openSessions,
  OTHER_PASSWORD,
  PASSWORD,
  proveAttempt,
  sessionToken,
  sha256,
  userId,
} from "../support/actors.js";
import { useDatabase } from "../support/database.js";
import { race, refusals, sabotage, winners } from "../support/race.js";

/** "yet another horse than these", digested as the vocabulary's passwords are. */
const THIRD_PASSWORD = {
  digest: "$2a$12$abcdefghijklmnopqrstuuesbEASzxTCuX.qo9KUJogrVtlZaexZe",
  historyDigest: "$2a$12$zyxwvutsrqponmlkjihgfeEzDt/KAsrsmItCTuPkVhgRCm/Jwjg1e",
} as const;

const CLIENTS = 8;
const ROUNDS = [1, 2, 3, 4, 5];

describe("what is used once, and eight who try at once", () => {
  const database = useDatabase({ template: "pgtap" });

  async function issueToken(purpose: string, name: string): Promise<Buffer> {
    const token = newToken();
    await database.admin.query(
      `insert into one_time_tokens (purpose, user_id, token_hash, expiration_time)
       values ($1, $2, $3, now() + interval '1 hour')`,
      [purpose, userId(name), sha256(token)],
    );
    return token;
  }

  async function policyVersion(name: string): Promise<string> {
    const { rows } = await database.admin.query<{ version: string }>(
      "select (_effective_policy($1)).version",
      [userId(name)],
    );
    return rows[0]?.version ?? "";
  }

  const verify = (token: Buffer) =>
    race(database.app, CLIENTS, async (client) => {
      const { rows } = await client.query<{ answer: string }>("select verify_email($1) as answer", [token]);
      return rows[0]?.answer;
    });

  it.each(ROUNDS)("verifies an address once (round %i)", async (round) => {
    const name = `vera${round}`;
    await database.admin.query("select tests.person($1)", [name]);
    await database.admin.query("update users set status = 'pending' where id = $1", [userId(name)]);

    const answers = winners(await verify(await issueToken("verify_email", name)));

    expect(answers.filter((answer) => answer === "verified")).toHaveLength(1);
    expect(answers.filter((answer) => answer === "invalid")).toHaveLength(CLIENTS - 1);
    const { rows } = await database.admin.query(
      "select result from auth_audit_logs where event_type = 'email.verified' and result = 'success' and user_id = $1",
      [userId(name)],
    );
    expect(rows).toHaveLength(1);
  });

  it("would see it verified twice, if the token were looked at and then used", async () => {
    const repair = await sabotage(
      database.admin,
      "_use_token",
      /perform from users[\s\S]*?returning \* into v_token;/,
      `select * into v_token from one_time_tokens
       where token_hash = sha256(p_token) and used_time is null;
       perform pg_sleep(0.1);
       update one_time_tokens set used_time = v_now where id = v_token.id;`,
    );
    await database.admin.query("select tests.person('victor')");

    const answers = winners(await verify(await issueToken("verify_email", "victor")));
    await repair();

    expect(answers.filter((answer) => answer === "verified").length).toBeGreaterThan(1);
  });

  it.each(ROUNDS)("resets a password once with a token (round %i)", async (round) => {
    const name = `rosa${round}`;
    await database.admin.query("select tests.person($1)", [name]);
    const token = await issueToken("reset_password", name);
    const version = await policyVersion(name);

    const outcomes = await race(database.app, CLIENTS, async (client) => {
      const { rows } = await client.query<{ answer: string }>(
        "select tests.reset_password($1, $2, $3, $4) as answer",
        [token, OTHER_PASSWORD.digest, [OTHER_PASSWORD.historyDigest], version],
      );
      return rows[0]?.answer;
    });

    expect(refusals(outcomes)).toEqual([]);
    expect(winners(outcomes).filter((answer) => answer === "reset")).toHaveLength(1);
    const { rows } = await database.admin.query("select from password_history where user_id = $1", [userId(name)]);
    expect(rows).toHaveLength(2);
  });

  it.each(ROUNDS)("resets a password once with whatever its owner was sent (round %i)", async (round) => {
    const name = `olga${round}`;
    await database.admin.query("select tests.person($1)", [name]);
    const tokens = await Promise.all(Array.from({ length: CLIENTS }, () => issueToken("reset_password", name)));
    const version = await policyVersion(name);

    const outcomes = await race(database.app, CLIENTS, async (client, index) => {
      const { rows } = await client.query<{ answer: string }>(
        "select tests.reset_password($1, $2, $3, $4) as answer",
        [tokens[index], OTHER_PASSWORD.digest, [OTHER_PASSWORD.historyDigest], version],
      );
      return rows[0]?.answer;
    });

    expect(refusals(outcomes)).toEqual([]);
    expect(winners(outcomes).sort()).toEqual([...Array.from({ length: CLIENTS - 1 }, () => "invalid"), "reset"]);
  });

  /** Somebody who has to choose another password, and a proof of the one they have. */
  async function stale(name: string) {
    await database.admin.query("select tests.person($1)", [name]);
    await database.admin.query("update password_credentials set must_change = true where user_id = $1", [userId(name)]);
    return { attempt: await proveAttempt(database.app, email(name)), changeToken: newToken() };
  }

  /** What whoever proved such a password is given, by a token of their own. */
  async function change(client: pg.ClientBase | pg.Pool, attempt: Attempt, changeToken: Buffer) {
    const { rows } = await client.query<{ status: string }>(
      "select status from tests.finish_password_check($1, $2, p_change_token_hash => $3)",
      [attempt.id, sha256(newToken()), sha256(changeToken)],
    );
    return rows[0]?.status;
  }

  async function reset(token: Buffer, name: string): Promise<string | undefined> {
    const { rows } = await database.app.query<{ answer: string }>("select tests.reset_password($1, $2, $3, $4) as answer", [
      token,
      THIRD_PASSWORD.digest,
      [THIRD_PASSWORD.historyDigest],
      await policyVersion(name),
    ]);
    return rows[0]?.answer;
  }

  /** A password is found to be known to others by whoever looked before it was proven. */
  async function markUnderSnapshot(name: string) {
    const { attempt, changeToken } = await stale(name);
    const operator = await database.pool("operator").connect();
    await operator.query("begin isolation level repeatable read");
    await operator.query("select from cell_settings");
    expect(await change(database.app, attempt, changeToken)).toBe("password_change_required");
    await operator.query("select mark_password_compromised($1, 'seen')", [userId(name)]);
    await operator.query("commit");
    operator.release();
    return reset(changeToken, name);
  }

  /** A password is reset while somebody proves the one before, who may change that. */
  async function resetWhileProven(name: string) {
    const { attempt, changeToken } = await stale(name);
    const mailed = await issueToken("reset_password", name);
    const version = await policyVersion(name);
    const proving = await database.app.connect();
    await proving.query("begin");
    expect(await change(proving, attempt, changeToken)).toBe("password_change_required");
    const resetting = database.app.query<{ answer: string }>("select tests.reset_password($1, $2, $3, $4) as answer", [
      mailed,
      OTHER_PASSWORD.digest,
      [OTHER_PASSWORD.historyDigest],
      version,
    ]);
    await sleep(300);
    await proving.query("commit");
    proving.release();
    expect((await resetting).rows).toEqual([{ answer: "reset" }]);
    return reset(changeToken, name);
  }

  it("sets no password for whoever proved one that is found to be known, though it was not seen", async () => {
    expect(await markUnderSnapshot("mara")).toBe("invalid");
  });

  it("sets no password for whoever proved the one that was reset at that moment", async () => {
    expect(await resetWhileProven("mona")).toBe("invalid");
  });

  it("would set one, if it were good for any password", async () => {
    const repair = await sabotage(database.admin, "_is_token_good", /and not exists \([\s\S]*?creation_time\s+\)/, "");
    expect(await markUnderSnapshot("mila")).toBe("reset");
    await repair();
  });

  /** Somebody signs in while their password is reset, or they are shredded: each takes so long that the other comes between. */
  async function signInMeanwhile(name: string, other: (name: string) => Promise<unknown>) {
    await database.admin.query("select tests.person($1)", [name]);
    const attempt = await proveAttempt(database.app, email(name));
    const repair = await sabotage(database.admin, "finish_password_check", "session_id := _open_session(", "perform pg_sleep(0.5); session_id := _open_session(");
    const signingIn = finishAttempt(database.app, attempt).then(({ status }) => status, (error: pg.DatabaseError) => error.code);
    await sleep(200);
    const done = await other(name).then(() => "done", (error: pg.DatabaseError) => error.code);
    const status = await signingIn;
    await repair();
    return { status, done };
  }

  it("is waited for by nobody who waits for it: a sign-in and a reset, a sign-in and a shredding", async () => {
    expect(
      await signInMeanwhile("dirk", async (name) => reset(await issueToken("reset_password", name), name)),
    ).toEqual({ status: "signed_in", done: "done" });
    expect(
      await signInMeanwhile("doris", (name) => database.pool("operator").query("select shred_person($1)", [userId(name)])),
    ).toEqual({ status: "signed_in", done: "done" });
  });

  async function registerAs(client: pg.ClientBase, address: string, who: string, version: string): Promise<string> {
    const { rows } = await client.query("select tests.register_user($1, $2, 'Rita', 'Example', $3, $4, $5) as answer", [
      userId(`${address}-${who}`),
      address,
      PASSWORD.digest,
      PASSWORD.historyDigest,
      version,
    ]);
    return JSON.stringify(rows);
  }

  const register = (address: string, version: string) =>
    race(database.app, CLIENTS, (client, index) => registerAs(client, address, String(index), version));

  it.each(ROUNDS)("registers an address for one, and tells the others nothing (round %i)", async (round) => {
    const address = email(`rita${round}`);
    const outcomes = await register(address, await policyVersion("nobody"));

    expect(refusals(outcomes)).toEqual([]);
    expect(new Set(winners(outcomes)).size).toBe(1);
    const { rows } = await database.admin.query<{ users: string; messages: string[]; successes: string; disabled: string }>(
      `select
         (select count(*) from users where first_name = 'Rita' and id = any ($2)) as users,
         array(select purpose from messages where user_id = users.id order by purpose desc) as messages,
         (select count(*) from password_credentials where user_id = users.id and disabled_time is not null) as disabled,
         (
           select count(*) from auth_audit_logs
           where event_type = 'user.registered' and result = 'success' and user_id = users.id
         ) as successes
       from users where id = (select _find_user_by_email($1) from tests.unlock())`,
      [address, Array.from({ length: CLIENTS }, (_, index) => userId(`${address}-${index}`))],
    );
    // Those to verify the address, of which one is sent; and no password that several chose.
    expect(rows).toMatchObject([{ users: "1", successes: "1", disabled: "1" }]);
    expect([...new Set(rows[0]?.messages)]).toEqual(["verify_email"]);
    const { rows: taken } = await database.pool("mailer").query<{ purpose: string }>(
      `select (taken).purpose
       from (select take_messages(1000) as taken from tests.unlock() offset 0) as messages
       where (taken).email = $1
       order by 1`,
      [address],
    );
    expect(taken.map(({ purpose }) => purpose)).toEqual(["verify_email"]);
  });

  it("is told to try again who does not see that somebody registered the address, and nothing is recorded", async () => {
    const address = email("rona");
    const version = await policyVersion("nobody");
    const late = await database.app.connect();
    await late.query("begin isolation level repeatable read");
    await late.query("select tests.unlock()");
    const [first] = await race(database.app, 1, (client) => registerAs(client, address, "first", version));
    expect(first?.code).toBeUndefined();

    await expect(registerAs(late, address, "late", version)).rejects.toMatchObject({ code: "40001" });
    await late.query("rollback");
    late.release();
    const { rows } = await database.admin.query(
      "select from auth_audit_logs where event_type = 'user.registered' and user_id = $1",
      [userId(`${address}-late`)],
    );
    expect(rows).toHaveLength(0);
  });

  it("would see errors that tell, if registering took no heed of who was first", async () => {
    const repair = await sabotage(
      database.admin,
      "_register_user",
      "v_constraint <> 'user_email_indexes_version_email_index_key'",
      "true",
    );
    const outcomes = await register(email("ruth"), await policyVersion("nobody"));
    await repair();

    expect(refusals(outcomes)).toContain("user_email_indexes_version_email_index_key");
  });

  it.each(ROUNDS)("gives a domain to one of two organizations (round %i)", async (round) => {
    const domain = `contested${round}.example`;
    const owners = [`dora${round}`, `dina${round}`];
    const tokens = [newToken(), newToken()];
    for (const [index, owner] of owners.entries()) {
      const token = tokens[index] as Buffer;
      await database.admin.query("select tests.person($1)", [owner]);
      await database.admin.query("select tests.organization($1, $1)", [owner]);
      await openSessions(database.admin, [owner], owner);
      await race(database.app, 1, async (client) => {
        await beginRequest(client, sessionToken(owner, owner));
        await client.query("select claim_domain($1, $2)", [domain, sha256(token)]);
      });
    }

    const outcomes = await race(
      database.app,
      CLIENTS,
      async (client, index) => {
        const { rows } = await client.query<{ verified: boolean }>("select verify_domain($1) as verified", [
          tokens[index % 2],
        ]);
        return rows[0]?.verified;
      },
      {
        prepare: (client, index) => {
          const owner = owners[index % 2] as string;
          return beginRequest(client, sessionToken(owner, owner));
        },
      },
    );

    expect(refusals(outcomes)).toEqual([]);
    expect(winners(outcomes).filter((verified) => verified)).toHaveLength(1);
    const { rows } = await database.admin.query<{ holders: string; names: string }>(
      `select
         (select count(*) from organization_domains where domain = $1 and verified_time is not null) as holders,
         (select count(*) from organizations where domain = $1) as names`,
      [domain],
    );
    expect(rows).toEqual([{ holders: "1", names: "1" }]);
  });

  it("leaves an organization its token when a stranger reads it in the DNS and shows it first", async () => {
    const token = newToken();
    const actAs = async <Result>(name: string, sql: string, values: unknown[]) => {
      const [outcome] = await race(database.app, 1, async (client) => {
        await beginRequest(client, sessionToken(name, name));
        const { rows } = await client.query<{ answer: Result }>(sql, values);
        return rows[0]?.answer;
      });
      return outcome?.value;
    };
    for (const name of ["owen", "sven"]) {
      await database.admin.query("select tests.person($1)", [name]);
      await database.admin.query("select tests.organization($1, $1)", [name]);
      await openSessions(database.admin, [name], name);
    }
    await actAs("owen", "select claim_domain('owen.example', $1) as answer", [sha256(token)]);

    await expect(actAs("sven", "select verify_domain($1) as answer", [token])).resolves.toBe(false);
    await expect(actAs("owen", "select verify_domain($1) as answer", [token])).resolves.toBe(true);
  });
});
