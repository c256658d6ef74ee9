import type pg from "pg";

import {
  beginRequest,
  email,
  finishAttempt,
  openSessions,
  OTHER_PASSWORD,
  proveAttempt,
  sessionToken,
  signIn,
  userId,
  type Attempt,
  type SignIn,
} from "../support/actors.js";
import { useDatabase } from "../support/database.js";
import { race, refusals, sabotage, winners, type RaceOptions } from "../support/race.js";

const CLIENTS = 8;
const ROUNDS = [1, 2, 3, 4, 5];
const ISOLATIONS = ["read committed", "repeatable read"] as const;

/** What each of two transactions that write the same row is told, where one came too late. */
const SERIALIZATION_FAILURE = "40001";

describe("guessing with eight clients", () => {
  const database = useDatabase({ template: "pgtap" });

  // Whoever waits as long as they are told loses nothing but time: here time passes at once.
  beforeAll(async () => {
    await database.admin.query(
      `create function tests.let_time_pass() returns trigger language plpgsql as $$
         begin
           new.blocked_until := '-infinity';
           return new;
         end;
       $$;
       create trigger _999_let_time_pass before update on sign_in_throttles
         for each row execute function tests.let_time_pass()`,
    );
  });

  /** Guesses as fast as it goes, until every client was told that it is over. */
  async function guess(address: string) {
    const counts = { charged: 0, disabled: 0, invalid: 0 };
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const client = await database.app.connect();
        try {
          for (let tries = 0; tries < 150; tries += 1) {
            const attempt = await proveAttempt(client, address, OTHER_PASSWORD.digest);
            if (attempt.status === "disabled") {
              counts.disabled += 1;
              return;
            }
            counts.charged += 1;
            if ((await finishAttempt(client, attempt)).status === "invalid") counts.invalid += 1;
          }
        } finally {
          client.release();
        }
      }),
    );
    return counts;
  }

  it.each([1, 2, 3])("ends after exactly a hundred attempts, also for who knows the password (round %i)", async (round) => {
    const name = `gwen${round}`;
    await database.admin.query("select tests.person($1)", [name]);

    expect(await guess(email(name))).toEqual({ charged: 100, invalid: 100, disabled: CLIENTS });

    const { rows } = await database.admin.query<{ disabled: boolean; alerts: number; failures: number; refused: number }>(
      `select
         (select disabled_time is not null from password_credentials where user_id = $1) as disabled,
         (select count(*)::integer from security_alerts where user_id = $1 and alert_type = 'password_disabled') as alerts,
         (select failure_count from sign_in_throttles where user_id = $1) as failures,
         (select count(*)::integer from access_attempt_logs where user_id = $1 and result = 'invalid') as refused`,
      [userId(name)],
    );
    expect(rows).toEqual([{ disabled: true, alerts: 1, failures: 100, refused: 100 }]);
    await expect(signIn(database.app, email(name))).resolves.toMatchObject({ status: "disabled" });
  });

  it("ends after exactly a hundred attempts for an address nobody has", async () => {
    const counts = await guess("nobody-at-all@example.com");

    expect(counts).toEqual({ charged: 100, invalid: 100, disabled: CLIENTS });
  });

  it("lets nobody in with the right password who was charged before it was disabled and judged after", async () => {
    await database.admin.query("select tests.person('greta')");
    const early = await proveAttempt(database.app, email("greta"));
    await guess(email("greta"));

    await expect(finishAttempt(database.app, early)).resolves.toMatchObject({ status: "invalid" });
  });

  /** The digest key is rotated when so many were charged; once the one before is not needed any more. */
  async function rotateAt(failures: number, address: string): Promise<void> {
    const counted = async () => {
      const { rows } = await database.admin.query<{ count: number }>(
        `select coalesce(sum(failure_count), 0)::integer as count from sign_in_throttles
         where id in (tests.throttle_id($1::text), tests.throttle_id($1::text, true))`,
        [address],
      );
      return rows[0]!.count;
    };
    while ((await counted()) < failures) await new Promise((resolve) => setImmediate(resolve));
    await database.pool("operator").query("select rotate_digest_key()");
  }

  /** What still counts under the key before is forgotten, as after a month. */
  const drain = () =>
    database.admin.query(
      `delete from sign_in_throttles where key_id <> _digest_key_id();
       delete from digest_keys where retired_time is not null`,
    );

  it.each([
    ["somebody", "glen1", 40],
    ["somebody, at once", "glen2", 1],
    ["nobody", undefined, 40],
    ["nobody, nearly at the end", undefined, 95],
  ])("ends after exactly a hundred attempts at %s while the digest key is rotated", async (_whom, name, failures) => {
    if (name !== undefined) await database.admin.query("select tests.person($1)", [name]);
    const address = name === undefined ? `nobody-at-${failures}@example.com` : email(name);

    const [counts] = await Promise.all([guess(address), rotateAt(failures, address)]);
    await drain();

    expect(counts).toEqual({ charged: 100, invalid: 100, disabled: CLIENTS });
    await expect(signIn(database.app, address)).resolves.toMatchObject({ status: "disabled" });
  });

  it("ends after exactly a hundred attempts while the cell's key rotates too, and seals the digest keys anew", async () => {
    const address = "nobody-through-both@example.com";
    const operator = database.pool("operator");
    const sealAnew = async () => {
      const client = await database.admin.connect();
      try {
        await client.query("begin; select tests.unlock()");
        const { rows } = await client.query<{ reencrypted: number }>("select reencrypted from reencrypt_batch(11, null)");
        await client.query("commit");
        return rows[0]!.reencrypted;
      } finally {
        client.release();
      }
    };
    let sealed = 0;
    const rotateBoth = async () => {
      const { rows } = await operator.query<{ next: number }>("select next_key_id() as next");
      const next = rows[0]!.next;
      const share = `tests.masked_share(null, ${String(next)})`;
      await operator.query(`select add_key(null, ${String(next)}, 'local-key-file', 'test', '\\x00', ${share})`);
      await rotateAt(30, address);
      await operator.query(`select activate_key(null, ${String(next)}, ${share})`);
      // One is made meanwhile, by whoever needs it first: under the one key or the other.
      sealed += await sealAnew();
      sealed += await sealAnew();
    };

    const [counts] = await Promise.all([guess(address), rotateBoth()]);
    sealed += await sealAnew();
    const { rows } = await database.admin.query<{ keys: number[] }>("select array_agg(distinct _key_id_of(secret)) as keys from digest_keys");
    await drain();

    expect(counts).toEqual({ charged: 100, invalid: 100, disabled: CLIENTS });
    expect(sealed).toBeGreaterThan(0);
    expect(rows[0]!.keys).toHaveLength(1);
    await expect(signIn(database.app, address)).resolves.toMatchObject({ status: "disabled" });
  });

  it("would begin anew, if what was counted under the key before were not moved", async () => {
    const address = "nobody-is-moved@example.com";
    const repair = await sabotage(database.admin, "_hold_throttle", "if p_earlier_id is null then", "if true then");
    const [{ charged }] = await Promise.all([guess(address), rotateAt(40, address)]);
    await repair();
    await drain();

    expect(charged).toBeGreaterThan(100);
  });

  /** Eight who are the first to need a digest key: how many were let in, and how many of those are counted under it. */
  async function firstOfAll(name: string, isolation: RaceOptions["isolation"]) {
    await database.admin.query("delete from sign_in_throttles; update digest_keys set secret = null");
    const addresses = Array.from({ length: CLIENTS }, (_, index) => `${name}${index}@example.com`);
    const outcomes = await race(
      database.app,
      CLIENTS,
      async (client, index) => {
        const { rows } = await client.query<{ status: string }>("select status from begin_password_check($1)", [addresses[index]]);
        return [addresses[index]!, rows[0]!.status];
      },
      { isolation, prepare: (client) => client.query("select tests.unlock()") },
    );
    const { rows } = await database.admin.query<{ count: number }>(
      "select count(*)::integer as count from unnest($1::text[]) as address join sign_in_throttles on id = tests.throttle_id(address)",
      [winners(outcomes).map(([address]) => address)],
    );
    return { refused: refusals(outcomes), let: winners(outcomes).map(([, status]) => status), counted: rows[0]!.count };
  }

  it.each(ROUNDS)("counts under one key whoever is the first to need it (round %i)", async (round) => {
    const { refused, let: statuses, counted } = await firstOfAll(`first${round}`, "read committed");
    expect({ refused, statuses, counted }).toEqual({ refused: [], statuses: Array.from({ length: CLIENTS }, () => "ready"), counted: CLIENTS });
  });

  it("... and tells whoever saw none before that they came too late", async () => {
    const { refused, let: statuses, counted } = await firstOfAll("snapshot", "repeatable read");
    expect(statuses.length).toBeGreaterThan(0);
    expect(counted).toBe(statuses.length);
    // None of them waited for one who waited for them.
    expect(new Set(refused)).toEqual(new Set([SERIALIZATION_FAILURE]));
  });

  it("would count under several, if each kept the key that they made", async () => {
    const repair = await sabotage(database.admin, "_make_digest_key", /and secret is null/, "");
    const { counted } = await firstOfAll("careless", "read committed");
    await repair();
    expect(counted).toBeLessThan(CLIENTS);
  });

  it("waits for whoever is counting to rotate the digest key, and not for long", async () => {
    const client = await database.app.connect();
    try {
      await client.query("begin");
      await client.query("select tests.unlock()");
      await client.query("select begin_password_check('slow@example.com')");
      const rotating = database.pool("operator").query("select rotate_digest_key()");
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      const error = (await rotating.then(() => undefined, (refused: unknown) => refused)) as pg.DatabaseError;
      expect(error).toMatchObject({ code: "SP423", hint: expect.stringContaining("pg_terminate_backend(pid)") });
      expect(error.detail).toMatch(new RegExp(`^process ${String(rows[0]!.pid)} of ${database.cell}_app_login \\([^;]*$`));
      await client.query("rollback");
    } finally {
      client.release(true);
    }
    await expect(database.pool("operator").query("select rotate_digest_key()")).resolves.toMatchObject({ rowCount: 1 });
    await drain();
  });

  it("would give a guess more to whoever read the key before, if it did not wait", async () => {
    const address = "nobody-waits@example.com";
    await database.admin.query(
      "insert into sign_in_throttles (id, kind, failure_count, last_failure_time) values (tests.throttle_id($1::text), 'account', 100, now())",
      [address],
    );
    const repairs = [
      await sabotage(database.admin, "_lock_throttles", /lock table \w+ in row exclusive mode;/, ""),
      await sabotage(
        database.admin,
        "_hold_throttle",
        "-- Again, where a sweep",
        "if p_earlier_id is null then perform pg_advisory_xact_lock(4711); end if; -- Again, where a sweep",
      ),
    ];
    const gate = await database.admin.connect();
    await gate.query("select pg_advisory_lock(4711)");
    const early = proveAttempt(database.app, address);
    await waitUntilBlocked(database.admin);
    await database.pool("operator").query("select rotate_digest_key()");
    const late = await proveAttempt(database.app, address);
    await gate.query("select pg_advisory_unlock(4711)");
    gate.release();
    const statuses = [late.status, (await early).status];
    for (const repair of repairs) await repair();
    await drain();

    expect(statuses).toEqual(["disabled", "ready"]);
  });

  it("is not begun under a key of earlier days by whoever still sees earlier days", async () => {
    const client = await database.app.connect();
    try {
      await client.query("begin isolation level repeatable read");
      await client.query("select tests.unlock()");
      await database.pool("operator").query("select rotate_digest_key()");
      await expect(client.query("select begin_password_check('late@example.com')")).rejects.toMatchObject({
        code: SERIALIZATION_FAILURE,
      });
    } finally {
      client.release(true);
      await drain();
    }
  });

  it("would go on, if the count were read without being held", async () => {
    const repair = await sabotage(database.admin, "_hold_throttle", /for update;\s+exit when found/, "; perform pg_sleep(0.001); exit when true");
    await database.admin.query("select tests.person('gus')");

    const { charged } = await guess(email("gus"));
    await repair();

    expect(charged).toBeGreaterThan(100);
  });

  it("is charged although the count is swept away between its two statements", async () => {
    const address = "forgotten@example.com";
    await database.admin.query(
      `create function tests.wait() returns trigger language plpgsql as $$
         begin
           perform pg_advisory_xact_lock(4711);
           return null;
         end;
       $$;
       create trigger _999_wait after insert on sign_in_throttles
         for each statement execute function tests.wait()`,
    );
    await proveAttempt(database.app, address);
    await database.admin.query(
      `update sign_in_throttles set last_failure_time = now() - interval '60 days'
       where id = tests.throttle_id($1::text)`,
      [address],
    );

    // Held here: whoever inserts stops behind the statement that inserted nothing.
    const gate = await database.admin.connect();
    await gate.query("select pg_advisory_lock(4711)");
    const charging = proveAttempt(database.app, address);
    await waitUntilBlocked(database.admin);
    const { rows } = await database.pool("operator").query<{ swept: number }>(
      "select sweep_sign_in_throttles() as swept",
    );
    await gate.query("select pg_advisory_unlock(4711)");
    gate.release();

    expect(rows).toEqual([{ swept: 1 }]);
    await expect(charging).resolves.toMatchObject({ status: "ready" });
    await database.admin.query("drop trigger _999_wait on sign_in_throttles");
    const { rows: counted } = await database.admin.query(
      "select failure_count from sign_in_throttles where id = tests.throttle_id($1::text)",
      [address],
    );
    expect(counted).toEqual([{ failure_count: 1 }]);
  });
});

describe("a password that is changed", () => {
  const database = useDatabase({ template: "pgtap" });

  async function changePassword(client: pg.ClientBase, attempt: Attempt) {
    const { rows } = await client.query<{ answer: string }>(
      "select tests.change_password($1, $2, $3, (read_password_policy()).version) as answer",
      [attempt.id, OTHER_PASSWORD.digest, [OTHER_PASSWORD.historyDigest]],
    );
    return rows[0]?.answer;
  }

  async function isGood({ token }: SignIn) {
    const [outcome] = await race(database.app, 1, (client) => beginRequest(client, token));
    return outcome?.code === undefined;
  }

  /** The person, their session, and an attempt of theirs to change the password with. */
  async function arrange(name: string) {
    await database.admin.query("select tests.person($1)", [name]);
    await openSessions(database.admin, [name]);
    return proveAttempt(database.app, email(name));
  }

  it.each(ROUNDS)("is changed once by eight who prove the old one and choose the same new one (round %i)", async (round) => {
    const name = `carl${round}`;
    await arrange(name);
    await database.admin.query("update password_policies set lockout_threshold = 20 where organization_id is null");
    const attempts = await Promise.all(Array.from({ length: CLIENTS }, () => proveAttempt(database.app, email(name))));

    const outcomes = await race(
      database.app,
      CLIENTS,
      (client, index) => changePassword(client, attempts[index] as Attempt),
      { prepare: (client) => beginRequest(client, sessionToken(name)) },
    );

    expect(refusals(outcomes)).toEqual([]);
    expect(winners(outcomes).filter((answer) => answer === "changed")).toHaveLength(1);
    const { rows } = await database.admin.query("select from password_history where user_id = $1", [userId(name)]);
    expect(rows).toHaveLength(2);
  });

  /** Seven sign in with the old password while it is changed. */
  async function changeWhileOthersSignIn(name: string, isolation: RaceOptions["isolation"]) {
    const change = await arrange(name);
    const attempts = await Promise.all(
      Array.from({ length: CLIENTS - 1 }, () => proveAttempt(database.app, email(name))),
    );
    const opened: SignIn[] = [];
    const outcomes = await race(
      database.app,
      CLIENTS,
      async (client, index) => {
        if (index === 3) return changePassword(client, change);
        const signedIn = await finishAttempt(client, attempts[index > 3 ? index - 1 : index] as Attempt);
        if (signedIn.status === "signed_in") opened.push(signedIn);
        return signedIn.status;
      },
      { isolation, prepare: (client, index) => (index === 3 ? beginRequest(client, sessionToken(name)) : Promise.resolve()) },
    );
    const surviving = [];
    for (const session of opened) if (await isGood(session)) surviving.push(session);
    return { change: outcomes[3], outcomes, opened, surviving };
  }

  it.each(ISOLATIONS.flatMap((isolation) => ROUNDS.map((round) => [isolation, round] as const)))(
    "leaves no session that was opened with the old one (%s, round %i)",
    async (isolation, round) => {
      await database.admin.query("update password_policies set lockout_threshold = 20 where organization_id is null");
      const { change, surviving, outcomes } = await changeWhileOthersSignIn(
        `cleo${round}${isolation.length}`,
        isolation,
      );

      expect(new Set([...refusals(outcomes), SERIALIZATION_FAILURE])).toEqual(new Set([SERIALIZATION_FAILURE]));
      if (change?.code === undefined) expect(surviving).toEqual([]);
    },
  );

  it("leaves none either, when the sign-in is done between the change's first look and its last", async () => {
    for (const isolation of ISOLATIONS) {
      const name = `cora${isolation.length}`;
      const change = await arrange(name);
      const attempt = await proveAttempt(database.app, email(name));
      let signedIn: SignIn | undefined;

      const [outcome] = await race(database.app, 1, (client) => changePassword(client, change), {
        isolation,
        prepare: async (client) => {
          await beginRequest(client, sessionToken(name));
          signedIn = await finishAttempt(database.app, attempt);
        },
      });

      expect(signedIn?.status).toBe("signed_in");
      if (isolation === "read committed") expect(outcome).toEqual({ value: "changed" });
      else expect(outcome?.code).toBe(SERIALIZATION_FAILURE);
      // Changed, and the session is gone; or not changed, and the password is the old one still.
      expect(await isGood(signedIn as SignIn)).toBe(outcome?.code !== undefined);
    }
  });

  it("would leave one, if what proves a password could change while it is compared", async () => {
    const repairs = [
      await sabotage(database.admin, "_judge_attempt", "for no key update", ""),
      await sabotage(database.admin, "_release_attempt", /begin[\s\S]*end;/, "begin end;"),
      await sabotage(
        database.admin,
        "finish_password_check",
        "session_id := _open_session(",
        "perform pg_sleep(0.2); session_id := _open_session(",
      ),
    ];
    const { change, surviving } = await changeWhileOthersSignIn("cyril", "read committed");
    for (const repair of repairs) await repair();

    expect(change).toEqual({ value: "changed" });
    expect(surviving.length).toBeGreaterThan(0);
  });

  it.each(ISOLATIONS)("that is found out leaves no session that is opened with the old one at that moment (%s)", async (isolation) => {
    for (const round of ROUNDS) {
      const name = `cody${round}${isolation.length}`;
      await arrange(name);
      const attempts = await Promise.all(
        Array.from({ length: CLIENTS - 1 }, () => proveAttempt(database.app, email(name))),
      );
      const operator = database.pool("operator");
      const opened: SignIn[] = [];
      const [marked] = await Promise.all([
        race(operator, 1, (client) => client.query("select mark_password_compromised($1, 'seen')", [userId(name)]), {
          isolation,
        }),
        race(
          database.app,
          CLIENTS - 1,
          async (client, index) => {
            const signedIn = await finishAttempt(client, attempts[index] as Attempt);
            if (signedIn.status === "signed_in") opened.push(signedIn);
          },
          { isolation },
        ),
      ]);

      const surviving = [];
      for (const session of opened) if (await isGood(session)) surviving.push(session);
      if (marked[0]?.code === undefined) expect(surviving).toEqual([]);
    }
  });
});

async function waitUntilBlocked(admin: pg.Pool): Promise<void> {
  for (;;) {
    const { rowCount } = await admin.query(
      "select from pg_locks where not granted and locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
    );
    if (rowCount !== 0) return;
  }
}

describe("a password that is used again while the blind indexes change", () => {
  const database = useDatabase({ template: "pgtap" });

  it.each(ROUNDS)("is taken once of eight times, whatever the phase (round %i)", async (round) => {
    const name = `rita${round}`;
    await database.admin.query("select tests.person($1)", [name]);
    const version = 1 + round;
    await database.admin.query("select tests.add_key()");

    const step = async (phase: string) => {
      if (phase === "dual") {
        await database.admin.query("insert into blind_index_versions (version, key_id, phase) values ($1, $1, 'dual')", [version]);
        return;
      }
      if (phase === "cutover") {
        await database.admin.query("update blind_index_versions set phase = 'fading' where version = $1", [version - 1]);
      }
      await database.admin.query("update blind_index_versions set phase = $2 where version = $1", [version, phase]);
    };
    const [outcomes] = await Promise.all([
      race(database.admin, CLIENTS, async (client) => {
        await client.query("select tests.unlock()");
        await client.query(
          "select _set_password($1, $2, array[$3], (_effective_policy($1)).version)",
          [userId(name), OTHER_PASSWORD.digest, OTHER_PASSWORD.historyDigest],
        );
      }),
      ["dual", "backfill", "cutover"].reduce((before, phase) => before.then(() => step(phase)), Promise.resolve()),
    ]);
    await step("steady");
    await database.admin.query("update blind_index_versions set phase = 'ended' where version = $1", [version - 1]);

    expect(winners(outcomes)).toHaveLength(1);
    expect(new Set(refusals(outcomes))).toEqual(
      new Set(["password_history_indexes_user_id_version_digest_index_key"]),
    );
    const { rows } = await database.admin.query("select from password_history where user_id = $1", [userId(name)]);
    expect(rows).toHaveLength(2);
  });
});

describe("the counts of credentials by cost", () => {
  const database = useDatabase({ template: "pgtap" });

  const MISCOUNTED = `
    select cost from password_costs
    where credential_count <> (
      select count(*) from password_credentials where substr(salt, 5, 2)::integer = cost
    )`;
  const rename = (from: number, to: number, name: string) => ({
    text: "update password_credentials set salt = replace(salt, $1, $2) where user_id = $3",
    values: [`$2a$${from}$`, `$2a$${to}$`, userId(name)],
  });

  beforeAll(async () => {
    await database.admin.query(
      `select tests.person('up' || n), tests.person('down' || n) from generate_series(0, $1 - 1) as n`,
      [CLIENTS],
    );
  });

  it.each(ROUNDS)("are exact, when eight costs go up and down at once, and nobody is in a deadlock (round %i)", async () => {
    const outcomes = await race(database.admin, CLIENTS, async (client, index) => {
      const [from, to] = index % 2 === 0 ? [12, 13] : [13, 12];
      await client.query(rename(from, to, `up${index}`));
      await client.query(rename(to, from, `down${index}`));
      await client.query(rename(from, to, `down${index}`));
    });

    expect(refusals(outcomes)).toEqual([]);
    expect((await database.admin.query(MISCOUNTED)).rows).toEqual([]);
  });

  it("would end in a deadlock, if each locked its old cost first", async () => {
    const repair = await sabotage(
      database.admin,
      "tg_password_credentials__count_cost",
      /perform\s+from password_costs\s+where cost in \(v_old_cost, v_new_cost\)\s+order by cost\s+for no key update;/,
      `update password_costs set credential_count = credential_count where cost = v_old_cost;
       perform pg_sleep(0.1);
       update password_costs set credential_count = credential_count where cost = v_new_cost;`,
    );
    await database.admin.query("update password_credentials set salt = replace(salt, '$2a$13$', '$2a$12$')");
    await database.admin.query(rename(12, 13, "down0"));

    const outcomes = await race(database.admin, 2, (client, index) =>
      client.query(index === 0 ? rename(12, 13, "up0") : rename(13, 12, "down0")),
    );
    await repair();

    expect(refusals(outcomes)).toEqual(["40P01"]);
  });
});
