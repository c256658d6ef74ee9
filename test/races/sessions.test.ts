import { setTimeout as sleep } from "node:timers/promises";

import {
  beginRequest,
  email,
  finishAttempt,
  newToken,
  openSessions,
  proveAttempt,
  sessionToken,
  sha256,
  signIn,
  userId,
} from "../support/actors.js";
import { useDatabase } from "../support/database.js";
import { race, refusals, sabotage, winners } from "../support/race.js";
import { remember } from "../support/secrets.js";

const CLIENTS = 8;
const ROUNDS = [1, 2, 3, 4, 5];
const ISOLATIONS = ["read committed", "repeatable read"] as const;

/** What PostgreSQL says to whoever waits for a lock and may not. */
const LOCK_NOT_AVAILABLE = "55P03";

describe("a refresh token in the hands of eight", () => {
  const database = useDatabase({ template: "pgtap" });

  async function refreshAtOnce(name: string) {
    await database.admin.query("select tests.person($1)", [name]);
    const { refreshToken, sessionId } = await signIn(database.app, email(name));
    const outcomes = await race(database.app, CLIENTS, async (client) => {
      const { rows } = await client.query<{ status: string; session_token: Buffer; refresh_token: Buffer }>(
        "select status, session_token, refresh_token from refresh_session($1)",
        [refreshToken],
      );
      return rows[0];
    });
    const { rows } = await database.admin.query<{ generations: number[]; alerts: number; current: Buffer }>(
      `select
         (select array_agg(generation order by generation) from refresh_tokens where session_id = $1) as generations,
         (select count(*)::integer from security_alerts where session_id = $1) as alerts,
         (select token_hash from sessions where id = $1) as current`,
      [sessionId],
    );
    return { outcomes, after: rows[0], refreshToken };
  }

  it.each(ROUNDS)("has one successor, the same for all (round %i)", async (round) => {
    const { outcomes, after } = await refreshAtOnce(`rhea${round}`);

    expect(refusals(outcomes)).toEqual([]);
    const replies = winners(outcomes);
    expect(new Set(replies.map((reply) => reply?.status))).toEqual(new Set(["refreshed"]));
    expect(new Set(replies.map((reply) => reply?.refresh_token.toString("hex"))).size).toBe(1);
    expect(new Set(replies.map((reply) => reply?.session_token.toString("hex"))).size).toBe(1);
    const token = remember(replies[0]?.session_token ?? Buffer.alloc(0));
    remember(replies[0]?.refresh_token ?? Buffer.alloc(0));
    expect(after).toEqual({ generations: [0, 1], alerts: 0, current: sha256(token) });
  });

  it("would have several, if it were read without being held", async () => {
    const repair = await sabotage(
      database.admin,
      "refresh_session",
      /where token_hash = sha256\(p_refresh_token\)\s+for update;/,
      "where token_hash = sha256(p_refresh_token); perform pg_sleep(0.1);",
    );
    const { outcomes } = await refreshAtOnce("rolf");
    await repair();

    // The key of the table stops them: as an error, where two tabs are to get an answer.
    expect(refusals(outcomes)).toContain("refresh_tokens_token_hash_key");
  });

  it("is refreshed although a request of the session goes on", async () => {
    await database.admin.query("select tests.person('ruby')");
    const { refreshToken, sessionId, token } = await signIn(database.app, email("ruby"));
    await database.admin.query(
      "update session_activities set last_activity_time = now() - interval '5 minutes' where session_id = $1",
      [sessionId],
    );
    const running = await database.app.connect();
    try {
      await running.query("begin");
      await beginRequest(running, token);

      const [outcome] = await race(database.app, 1, async (client) => {
        await client.query("set local lock_timeout = '1s'");
        const { rows } = await client.query<{ status: string }>("select status from refresh_session($1)", [
          refreshToken,
        ]);
        return rows[0]?.status;
      });

      expect(outcome).toEqual({ value: "refreshed" });
    } finally {
      await running.query("rollback");
      running.release();
    }
  });
});

describe("one proof of a password", () => {
  const database = useDatabase({ template: "pgtap" });

  it.each(ROUNDS)("opens one session, however many hand it in (round %i)", async (round) => {
    const name = `paul${round}`;
    await database.admin.query("select tests.person($1)", [name]);
    const attempt = await proveAttempt(database.app, email(name));

    const outcomes = await race(database.app, CLIENTS, async (client) => (await finishAttempt(client, attempt)).status);

    expect(winners(outcomes).sort()).toEqual([...Array.from({ length: CLIENTS - 1 }, () => "invalid"), "signed_in"]);
  });

  it("would open several, if it were judged without being held", async () => {
    await database.admin.query("select tests.person('petra')");
    const attempt = await proveAttempt(database.app, email("petra"));
    const repair = await sabotage(
      database.admin,
      "_judge_attempt",
      /and expiration_time > v_now\s+for update;/,
      "and expiration_time > v_now; perform pg_sleep(0.1);",
    );

    const outcomes = await race(database.app, CLIENTS, async (client) => (await finishAttempt(client, attempt)).status);
    await repair();

    expect(winners(outcomes).filter((status) => status === "signed_in").length).toBeGreaterThan(1);
  });
});

describe("the sessions a person may have", () => {
  const database = useDatabase({ template: "pgtap" });

  async function signInAtOnce(name: string) {
    await database.admin.query("select tests.person($1)", [name]);
    const attempts = await Promise.all(Array.from({ length: CLIENTS }, () => proveAttempt(database.app, email(name))));
    const outcomes = await race(
      database.app,
      CLIENTS,
      async (client, index) => (await finishAttempt(client, attempts[index] as (typeof attempts)[number])).status,
    );
    const { rows } = await database.admin.query<{ live: number }>(
      "select count(*)::integer as live from live_sessions where user_id = $1",
      [userId(name)],
    );
    return { outcomes, live: rows[0]?.live };
  }

  beforeAll(() => database.admin.query("update password_policies set max_sessions = 3, lockout_threshold = 20"));

  it.each(ROUNDS)("are never more, when eight are opened at once (round %i)", async (round) => {
    const { outcomes, live } = await signInAtOnce(`mona${round}`);

    expect(winners(outcomes)).toEqual(Array.from({ length: CLIENTS }, () => "signed_in"));
    expect(live).toBe(3);
  });

  it("would be more, if sign-ins of one person did not take turns", async () => {
    const repairs = [
      await sabotage(
        database.admin,
        "_open_session",
        /update users\s+set last_login_time = _now\(\)\s+where id = p_user_id;/,
        "",
      ),
      await sabotage(database.admin, "_open_session", "insert into sessions (", "perform pg_sleep(0.1); insert into sessions ("),
      await sabotage(database.admin, "_judge_attempt", "for no key update", ""),
      await sabotage(database.admin, "_release_attempt", /begin[\s\S]*end;/, "begin end;"),
    ];
    const { live } = await signInAtOnce("milo");
    for (const repair of repairs.reverse()) await repair();

    expect(live).toBeGreaterThan(3);
  });
});

describe("a session that is ended", () => {
  const database = useDatabase({ template: "pgtap" });

  /** What ends a session, and as whom: oneself in another session, or an administrator. */
  const ENDINGS = [
    ["by its own owner", "bob", "select revoke_session($1)", "session"],
    ["with all the others", "bob", "select revoke_other_sessions()", undefined],
    ["with all there are", "bob", "select revoke_all_sessions()", undefined],
    ["by an administrator", "ann", "select revoke_member_sessions($1)", "user"],
    ["with the membership, by an administrator", "ann", "select remove_member($1)", "user"],
    ["with the membership, by leaving", "bob", "select leave_organization()", undefined],
    ["with the account", "bob", "select close_account()", undefined],
    ["by suspending the member", "ann", "select suspend_member($1)", "user"],
  ] as const;

  let organization = "";
  let round = 0;
  let running: Awaited<ReturnType<typeof signIn>>;

  beforeEach(async () => {
    round += 1;
    organization = `acme${round}`;
    for (const name of ["ann", "bob"]) await database.admin.query("select tests.person($1)", [`${name}${round}`]);
    await database.admin.query("select tests.organization($1, $2)", [organization, `ann${round}`]);
    await database.admin.query("select tests.member($1, $2)", [organization, `bob${round}`]);
    await openSessions(database.admin, [`ann${round}`, `bob${round}`], organization);
    running = await signIn(database.app, email(`bob${round}`));
    await database.admin.query(
      "update session_activities set last_activity_time = now() - interval '5 minutes' where session_id = $1",
      [running.sessionId],
    );
  });

  async function end(who: string, sql: string, whom: "session" | "user" | undefined) {
    const [outcome] = await race(
      database.app,
      1,
      async (client) => {
        await client.query("set local lock_timeout = '1s'");
        const argument = whom === "session" ? running.sessionId : userId(`bob${round}`);
        await client.query(sql, whom === undefined ? [] : [argument]);
        return "ended";
      },
      { prepare: (client) => beginRequest(client, sessionToken(`${who}${round}`, organization)) },
    );
    return outcome;
  }

  it.each(ENDINGS)("%s waits for no request that slid its limit", async (_, who, sql, whom) => {
    const request = await database.app.connect();
    try {
      await request.query("begin");
      await beginRequest(request, running.token);

      expect(await end(who, sql, whom)).toEqual({ value: "ended" });
    } finally {
      await request.query("commit");
      request.release();
    }
    const [next] = await race(database.app, 1, (client) => beginRequest(client, running.token));
    expect(next?.code).toBe("SP101");
  });

  it("would wait, if the limit were slid in the session's own row", async () => {
    const repair = await sabotage(
      database.admin,
      "begin_request",
      "-- Whoever holds the row",
      "update sessions set session_data = '{}' where id = begin_request.session_id;\n-- Whoever holds the row",
    );
    const request = await database.app.connect();
    try {
      await request.query("begin");
      await beginRequest(request, running.token);

      const outcome = await end("bob", "select revoke_session($1)", "session");

      expect(outcome?.code).toBe(LOCK_NOT_AVAILABLE);
    } finally {
      await request.query("rollback");
      request.release();
      await repair();
    }
  });

  it("slides once, when eight requests of it begin at once, and none waits", async () => {
    const outcomes = await race(database.app, CLIENTS, async (client) => {
      await client.query("set local lock_timeout = '1s'");
      await beginRequest(client, running.token);
      await sleep(50);
    });

    expect(refusals(outcomes)).toEqual([]);
  });

  it.each(ISOLATIONS)("stays ended, when it is refreshed at the same moment (%s)", async (isolation) => {
    for (let again = 0; again < ROUNDS.length; again += 1) {
      const { sessionId, refreshToken } = await signIn(database.app, email(`bob${round}`));
      const outcomes = await race(
        database.app,
        2,
        async (client, index) => {
          if (index === 0) await client.query("select revoke_session($1)", [sessionId]);
          const { rows } = await client.query<{ session_token: Buffer | null }>(
            index === 0
              ? "select null::bytea as session_token"
              : "select session_token from refresh_session($1)",
            index === 0 ? [] : [refreshToken],
          );
          return rows[0]?.session_token ?? undefined;
        },
        { isolation, prepare: (client) => beginRequest(client, sessionToken(`bob${round}`, organization)) },
      );
      const fresh = winners(outcomes).filter((token) => token !== undefined);

      const { rows } = await database.admin.query<{ revoked: boolean }>("select revoked from sessions where id = $1", [
        sessionId,
      ]);
      // Under repeatable read the loser may have to begin again: then it was the revocation.
      const wasRevoked = outcomes[0]?.code === undefined;
      expect(rows[0]?.revoked).toBe(wasRevoked);
      for (const token of wasRevoked ? fresh : []) {
        const [next] = await race(database.app, 1, (client) => beginRequest(client, remember(token)));
        expect(next?.code).toBe("SP101");
      }
    }
  });
});

describe("keys that change while requests are under way", () => {
  const database = useDatabase({ template: "pgtap" });

  it.each(["context", "refresh"])("fail none of them (%s)", async (purpose) => {
    const names = Array.from({ length: CLIENTS }, (_, index) => `kim${purpose}${index}`);
    for (const name of names) await database.admin.query("select tests.person($1)", [name]);
    const operator = database.pool("operator");

    let isOver = false;
    const requests = names.map(async (name) => {
      let { token, refreshToken } = await signIn(database.app, email(name));
      let served = 0;
      for (; !isOver || served < 5; served += 1) {
        const [outcome] = await race(database.app, 1, async (client) => {
          await beginRequest(client, token);
          await client.query("select pg_sleep(0.002)");
          const { rows } = await client.query<{ id: string }>("select current_user_id() as id");
          return rows[0]?.id;
        });
        expect(outcome).toEqual({ value: userId(name) });

        const { rows } = await database.app.query<{ status: string; session_token: Buffer; refresh_token: Buffer }>(
          "select status, session_token, refresh_token from refresh_session($1)",
          [refreshToken],
        );
        // The reply was lost: asked again, after the key may have changed.
        const { rows: again } = await database.app.query("select status, session_token, refresh_token from refresh_session($1)", [
          refreshToken,
        ]);
        expect(rows[0]?.status).toBe("refreshed");
        expect(again).toEqual(rows);
        token = remember(rows[0]?.session_token ?? newToken());
        refreshToken = remember(rows[0]?.refresh_token ?? newToken());
      }
      return served;
    });

    for (let rotation = 0; rotation < 20; rotation += 1) {
      await operator.query("select rotate_context_key($1)", [purpose]);
    }
    isOver = true;
    const served = await Promise.all(requests);

    expect(Math.min(...served)).toBeGreaterThanOrEqual(5);
  });

  it("change one after the other, when eight operators change them at once", async () => {
    const outcomes = await race(database.pool("operator"), CLIENTS, async (client) => {
      await client.query("select rotate_context_key()");
    });

    expect(refusals(outcomes)).toEqual([]);
    const { rows } = await database.admin.query(
      "select from context_keys where purpose = 'context' and retired_time is null",
    );
    expect(rows).toHaveLength(1);
  });
});

describe("a request that is under way when its session ends", () => {
  const database = useDatabase({ template: "pgtap" });

  beforeAll(() => database.admin.query("select tests.two_organizations()"));

  it.each([
    ["read committed", "revoked", { holds: true, is: true }],
    ["read committed", "suspended", { holds: false, is: true }],
    ["repeatable read", "revoked", { holds: true, is: true }],
    ["repeatable read", "suspended", { holds: true, is: true }],
  ] as const)("goes on (%s) when it was %s, and is the last one", async (isolation, ending, expected) => {
    await database.admin.query("update organization_users set status = 'active', sessions_valid_from = '-infinity'");
    await database.admin.query("delete from sessions");
    await openSessions(database.admin, ["ann", "amy"], "acme");
    const client = await database.app.connect();
    try {
      await client.query(`begin isolation level ${isolation}`);
      await beginRequest(client, sessionToken("amy", "acme"));
      const [ended] = await race(
        database.app,
        1,
        async (owner) => {
          const end = ending === "revoked" ? "revoke_member_sessions" : "suspend_member";
          await owner.query(`select ${end}($1)`, [userId("amy")]);
          return true;
        },
        { prepare: (owner) => beginRequest(owner, sessionToken("ann", "acme")) },
      );
      expect(ended).toEqual({ value: true });

      const { rows } = await client.query(
        `select has_permission('members.manage') as holds, current_user_id() = $1 as is`,
        [userId("amy")],
      );
      expect(rows).toEqual([expected]);
      await client.query("commit");

      await client.query("begin");
      await expect(beginRequest(client, sessionToken("amy", "acme"))).rejects.toMatchObject({ code: "SP101" });
    } finally {
      await client.query("rollback");
      client.release();
    }
  });
});
