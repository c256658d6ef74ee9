import { randomBytes } from "node:crypto";

import { userId } from "../support/actors.js";
import { useDatabase } from "../support/database.js";
import { race, refusals, winners } from "../support/race.js";

const CLIENTS = 8;
const ROWS = 1000;
const BATCH = 60;

/** What each sweep finds to sweep: as many rows as there are, none of them young. */
const SWEEPS = [
  {
    sweep: "sweep_sessions",
    table: "sessions",
    fill: `insert into sessions (
             user_id, token_hash, assurance_level, authentication_methods, creation_time, expiration_time, idle_limit
           )
           select $1, sha256(int4send(number)), 1, '{password}', now() - interval '90 days',
             now() - interval '60 days', '1 hour'
           from generate_series(1, ${ROWS}) as number`,
  },
  {
    sweep: "end_sessions",
    table: "(select from sessions where not revoked) as open_sessions",
    fill: `insert into sessions (
             user_id, token_hash, assurance_level, authentication_methods, creation_time, expiration_time, idle_limit
           )
           select $1, sha256(int4send(number)), 1, '{password}', now() - interval '1 day', now() + interval '20 days', '1 day'
           from generate_series(1, ${ROWS}) as number`,
  },
  {
    sweep: "sweep_refresh_tokens",
    table: "refresh_tokens",
    fill: `with session as (
             insert into sessions (
               user_id, token_hash, assurance_level, authentication_methods, expiration_time, idle_limit
             )
             values ($1, sha256('one session'), 1, '{password}', now() + interval '60 days', '1 hour')
             returning id
           )
           insert into refresh_tokens (
             session_id, user_id, family_id, generation, token_hash, creation_time, expiration_time, is_used, used_time
           )
           select session.id, $1, session.id, number, sha256(int4send(number)), now() - interval '30 days',
             now() + interval '30 days', true, now() - interval '20 days'
           from session, generate_series(1, ${ROWS}) as number`,
  },
  {
    sweep: "sweep_messages",
    table: "messages",
    fill: `insert into messages (purpose, user_id, email_digest, next_attempt_time, creation_time, expiration_time)
           select 'verify_email', $1, sha256(int4send(number)), now() - interval '9 days', now() - interval '9 days',
             now() - interval '8 days'
           from generate_series(1, ${ROWS}) as number`,
  },
  {
    sweep: "sweep_one_time_tokens",
    table: "one_time_tokens",
    fill: `insert into one_time_tokens (purpose, user_id, token_hash, creation_time, expiration_time)
           select 'verify_email', $1, sha256(int4send(number)), now() - interval '9 days', now() - interval '8 days'
           from generate_series(1, ${ROWS}) as number`,
  },
  {
    sweep: "sweep_password_attempts",
    table: "password_attempts",
    fill: `insert into password_attempts (user_id, account_id, email_digest, nonce, salt, creation_time, expiration_time)
           select $1, new_id(), sha256(int4send(number)), sha256(int4send(number)), left(tests.password_digest(), 29), now() - interval '1 hour',
             now() - interval '58 minutes'
           from generate_series(1, ${ROWS}) as number`,
  },
  {
    sweep: "sweep_sign_in_throttles",
    table: "sign_in_throttles",
    fill: `insert into sign_in_throttles (id, kind, last_failure_time)
           select md5($1::uuid || number::text)::uuid, 'address', now() - interval '3 days'
           from generate_series(1, ${ROWS}) as number`,
  },
] as const;

describe.each(SWEEPS)("$sweep(), by eight operators at once", ({ sweep, table, fill }) => {
  const database = useDatabase({ template: "pgtap" });

  beforeAll(async () => {
    await database.admin.query("select tests.person('ann')");
    await database.admin.query(fill, [userId("ann")]);
    if (table === "sessions") {
      await database.admin.query("insert into session_activities (session_id) select id from sessions");
    }
  });

  const count = async () => {
    const { rows } = await database.admin.query<{ count: number }>(`select count(*)::integer as count from ${table}`);
    return rows[0]?.count ?? 0;
  };

  it("takes nothing twice, waits for nobody, and never more than a batch", async () => {
    const before = await count();

    const outcomes = await race(database.pool("operator"), CLIENTS, async (client) => {
      await client.query("set local lock_timeout = '1s'");
      const { rows } = await client.query<{ swept: number }>(`select ${sweep}($1) as swept`, [BATCH]);
      return rows[0]?.swept ?? 0;
    });

    const swept = winners(outcomes);
    expect(refusals(outcomes)).toEqual([]);
    expect(Math.max(...swept)).toBe(BATCH);
    expect(before - (await count())).toBe(swept.reduce((sum, one) => sum + one, 0));
  });

  it("keeps to its batch whatever the plan", async () => {
    const before = await count();
    const [outcome] = await race(database.pool("operator"), 1, async (client) => {
      for (const method of ["hashjoin", "mergejoin", "hashagg", "sort", "material"]) {
        await client.query(`set local enable_${method} = off`);
      }
      const { rows } = await client.query<{ swept: number }>(`select ${sweep}(7) as swept`);
      return rows[0]?.swept;
    });

    expect(outcome).toEqual({ value: 7 });
    expect(before - (await count())).toBe(7);
  });

  it("is done when it says 0", async () => {
    const operator = database.pool("operator");
    const sweepAll = async () => {
      for (;;) {
        const { rows } = await operator.query<{ swept: number }>(`select ${sweep}($1) as swept`, [BATCH]);
        if (rows[0]?.swept === 0) return;
      }
    };
    await Promise.all([sweepAll(), sweepAll()]);

    expect(await count()).toBe(0);
    const { rows } = await database.admin.query<{ abandoned: number }>(
      "select count(*)::integer as abandoned from access_attempt_logs where result = 'abandoned'",
    );
    expect(rows[0]?.abandoned).toBe(table === "password_attempts" ? ROWS : 0);
  });
});

describe("make_partitions(), by eight operators at once", () => {
  const database = useDatabase({ template: "pgtap" });

  it("makes each month once, while rows are written", async () => {
    let isOver = false;
    const writers = Array.from({ length: 2 }, async () => {
      let written = 0;
      for (; !isOver; written += 1) {
        await database.app.query("select record_denial('test', $1)", [randomBytes(4).toString("hex")]);
      }
      return written;
    });

    const outcomes = await race(database.pool("operator"), CLIENTS, async (client) => {
      const { rows } = await client.query<{ made: number }>("select make_partitions(20) as made");
      return rows[0]?.made ?? 0;
    });
    isOver = true;
    const written = (await Promise.all(writers)).reduce((sum, one) => sum + one, 0);

    expect(refusals(outcomes)).toEqual([]);
    // Twelve were ahead from the start: eight more of each of the three logs.
    expect(winners(outcomes).filter((made) => made > 0)).toEqual([24]);
    const { rows } = await database.admin.query<{ denials: number; ahead: number }>(
      `select
         (select count(*)::integer from auth_audit_logs where event_type = 'access.denied') as denials,
         count_partitions_ahead() as ahead`,
    );
    expect(rows).toEqual([{ denials: written, ahead: 20 }]);
  });
});
