import { randomBytes } from "node:crypto";

import type pg from "pg";

import {
  email,
  finishAttempt,
  newToken,
  PASSWORD,
  proofOf,
  proveAttempt,
  sha256,
  signIn,
  userId,
} from "./support/actors.js";
import { useDatabase } from "./support/database.js";

/*
 * Signing in as somebody whose password one does not know: with the application's
 * login, which may call every function of a sign-in, and begin and roll back
 * whatever it likes.
 */

const db = useDatabase({ template: "pgtap" });

beforeAll(async () => {
  await db.admin.query("select tests.two_organizations()");
  // Longer than these tests take.
  await db.admin.query("update password_policies set lockout_base = '5 minutes', lockout_limit = '15 minutes' where organization_id is null");
});

/** Whatever was charged so far is forgotten. */
beforeEach(async () => {
  await db.admin.query("delete from sign_in_throttles");
});

interface Begun {
  readonly status: string;
  readonly attempt_id: string;
  readonly nonce: Buffer;
  readonly salt: string;
}

async function begin(client: pg.ClientBase | pg.Pool, address = email("ann")): Promise<Begun> {
  const { rows } = await client.query<Begun>(
    `select (begun).status, (begun).attempt_id, (begun).nonce, (begun).salt
     from (select begin_password_check($1) as begun from tests.unlock() offset 0) as attempts`,
    [address],
  );
  if (rows[0] === undefined) throw new Error("begin_password_check() said nothing");
  return rows[0];
}

const submit = (client: pg.ClientBase | pg.Pool, id: string, proof: Buffer) =>
  client.query("select submit_password_proof($1, $2)", [id, proof]);

async function finish(client: pg.ClientBase | pg.Pool, id: string): Promise<string> {
  return (await finishAttempt(client, { status: "ready", id })).status;
}

const right = ({ attempt_id: id, nonce }: Begun) => proofOf(PASSWORD.digest, id, nonce);
const wrong = ({ attempt_id: id, nonce }: Begun) => proofOf("a guess", id, nonce);

/** Work in one transaction, and whatever came of it undone. */
async function undone<Result>(work: (client: pg.ClientBase) => Promise<Result>): Promise<Result> {
  const client = await db.app.connect();
  try {
    await client.query("begin");
    return await work(client);
  } finally {
    await client.query("rollback");
    client.release();
  }
}

const failures = async (name: string) => {
  const { rows } = await db.admin.query<{ count: number }>(
    "select failure_count as count from sign_in_throttles where id = tests.throttle_id($1::text)",
    [email(name)],
  );
  return rows[0]?.count ?? 0;
};

describe("signing in", () => {
  test("with the password works, so these attacks are made right", async () => {
    expect((await signIn(db.app, email("ann"))).status).toBe("signed_in");
    expect((await signIn(db.app, email("ann"), { digest: "a guess" })).status).toBe("invalid");
  });

  test.each<[string, (begun: Begun) => Buffer]>([
    ["the salt", ({ attempt_id: id, nonce, salt }) => proofOf(salt, id, nonce)],
    ["an empty digest", ({ attempt_id: id, nonce }) => proofOf("", id, nonce)],
    ["the nonce", ({ nonce }) => nonce],
    ["noughts", () => Buffer.alloc(32)],
    ["the right digest for another attempt", ({ attempt_id: id }) => proofOf(PASSWORD.digest, id, Buffer.alloc(32))],
  ])("without it, by %s, does not", async (_what, forge) => {
    const begun = await begin(db.app);
    await submit(db.app, begun.attempt_id, forge(begun));
    expect(await finish(db.app, begun.attempt_id)).toBe("invalid");
  });

  test("without any proof does not", async () => {
    expect(await finish(db.app, (await begin(db.app)).attempt_id)).toBe("invalid");
    expect(await finish(db.app, userId("ann"))).toBe("invalid");
  });

  test("by somebody else's attempt signs in somebody else", async () => {
    const attempt = await proveAttempt(db.app, email("bob"));
    const { sessionId } = await finishAttempt(db.app, attempt);
    const { rows } = await db.admin.query("select user_id from sessions where id = $1", [sessionId]);
    expect(rows).toEqual([{ user_id: userId("bob") }]);
  });

  test("twice by one proof does not", async () => {
    const attempt = await proveAttempt(db.app, email("ann"));
    expect((await finishAttempt(db.app, attempt)).status).toBe("signed_in");
    expect((await finishAttempt(db.app, attempt)).status).toBe("invalid");
  });

  test("hands no digest out: what is answered is a salt", async () => {
    const { salt } = await begin(db.app);
    expect(salt).toHaveLength(29);
    expect(PASSWORD.digest.startsWith(salt)).toBe(true);
  });
});

describe("a guess that is rolled back", () => {
  test("in one transaction is judged by nobody, not even the right one", async () => {
    const status = await undone(async (client) => {
      const begun = await begin(client);
      await submit(client, begun.attempt_id, right(begun));
      return finish(client, begun.attempt_id);
    });
    expect(status).toBe("invalid");
  });

  test("whose attempt was begun before is judged by nobody", async () => {
    const begun = await begin(db.app);
    const status = await undone(async (client) => {
      await submit(client, begun.attempt_id, right(begun));
      return finish(client, begun.attempt_id);
    });
    expect(status).toBe("invalid");
    expect(await failures("ann")).toBe(1);
  });

  test("in a transaction under a savepoint is judged by nobody", async () => {
    const begun = await begin(db.app);
    const status = await undone(async (client) => {
      await client.query("savepoint guess");
      await submit(client, begun.attempt_id, right(begun));
      await client.query("release guess");
      await client.query("savepoint judged");
      const answer = await finish(client, begun.attempt_id);
      await client.query("rollback to judged");
      return answer;
    });
    expect(status).toBe("invalid");
  });

  test("whose attempt is rolled back is a guess at nothing", async () => {
    const begun = await undone((client) => begin(client));
    await submit(db.app, begun.attempt_id, right(begun));
    expect(await finish(db.app, begun.attempt_id)).toBe("invalid");
  });

  test("leaves the one proof of its attempt: the next guess does not replace it", async () => {
    const begun = await begin(db.app);
    await submit(db.app, begun.attempt_id, wrong(begun));
    expect(await undone((client) => finish(client, begun.attempt_id))).toBe("invalid");

    await submit(db.app, begun.attempt_id, right(begun));
    expect(await undone((client) => finish(client, begun.attempt_id))).toBe("invalid");
    expect(await finish(db.app, begun.attempt_id)).toBe("invalid");
    expect(await failures("ann")).toBe(1);
  });

  test("is charged all the same: after five there are no more", async () => {
    const statuses: string[] = [];
    for (let guess = 0; guess < 7; guess += 1) {
      const begun = await begin(db.app);
      statuses.push(begun.status);
      if (begun.status !== "ready") continue;
      await submit(db.app, begun.attempt_id, wrong(begun));
      await undone((client) => finish(client, begun.attempt_id));
    }
    expect(statuses.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => "ready"));
    expect(statuses.slice(5)).toEqual(["throttled", "throttled"]);
  });

  test("by a DO block that commits and rolls back as it likes is charged too", async () => {
    await db.app.query(`
      do $$
      declare
        v_attempt record;
        v_found   integer := 0;
        v_status  text;
      begin
        for v_guess in 1..20 loop
          perform tests.unlock();
          select * into v_attempt from begin_password_check('ann@example.com');
          commit;
          continue when v_attempt.status <> 'ready';
          perform submit_password_proof(v_attempt.attempt_id, sha256(int4send(v_guess)));
          commit;
          select status into v_status from tests.finish_password_check(v_attempt.attempt_id, sha256('a'));
          if v_status <> 'invalid' then raise exception 'guessed'; end if;
          v_found := v_found + 1;
          rollback;
        end loop;
        if v_found > 5 then raise exception '% free guesses', v_found; end if;
      end;
      $$`);
    expect(await failures("ann")).toBe(5);
  });

  test("would cost nothing, were it compared where it is counted", async () => {
    await db.admin.query(`
      create table naive_failures (email text primary key, failure_count integer not null default 0);
      insert into naive_failures values ('ann@example.com');
      create function naive_sign_in(p_email text, p_digest text) returns text
        language plpgsql security definer set search_path = safetypin, extensions, pg_temp
      as $$
      begin
        if (select failure_count from naive_failures where email = p_email) >= 5 then return 'throttled'; end if;
        if exists (
          select from users where id = _find_user_by_email(p_email) and tests.opened_digest(id) = p_digest
        ) then return 'signed_in'; end if;
        update naive_failures set failure_count = failure_count + 1 where email = p_email;
        return 'invalid';
      end;
      $$;
      grant execute on function naive_sign_in(text, text) to safetypin_app`);

    const guess = (digest: string) =>
      undone(async (client) => {
        const { rows } = await client.query<{ status: string }>(
          "select naive_sign_in($1, $2) as status from tests.unlock()",
          [email("ann"), digest],
        );
        return rows[0]?.status;
      });
    for (let number = 0; number < 20; number += 1) expect(await guess(`guess ${number}`)).toBe("invalid");
    expect(await guess(PASSWORD.digest)).toBe("signed_in");
  });
});

describe("how long it takes", () => {
  const ROUNDS = 400;
  let addresses = 0;

  /** Somebody new, with a password, whom nobody has tried to be. */
  const people = async (count: number, status = "active") => {
    const names = Array.from({ length: count }, () => `person${(addresses += 1)}`);
    await db.admin.query("select tests.person(name) from unnest($1::text[]) as name", [names]);
    await db.admin.query("update users set status = $2 where id = any ($1)", [names.map(userId), status]);
    return names.map(email);
  };
  const strangers = (count: number) =>
    Array.from({ length: count }, () => email(`nobody${(addresses += 1)}`));

  /** Addresses that somebody has tried before. */
  interface Tried {
    readonly known: readonly string[];
    readonly unknown: readonly string[];
  }

  /** Milliseconds that somebody who asks for this address waits. */
  type Timed = (client: pg.ClientBase, address: string) => Promise<number>;

  /** From the first to the last of the three steps, with a wrong password. */
  const signingIn = (first: string): Timed => async (client, address) => {
    const proof = randomBytes(32);
    const token = sha256(newToken());
    await client.query("begin");
    await client.query("select tests.unlock()");
    const start = process.hrtime.bigint();
    const { rows } = await client.query<{ attempt_id: string }>({
      name: first,
      text: `select attempt_id from ${first}($1, $2)`,
      values: [address, `2001:db8:${randomBytes(2).toString("hex")}:${randomBytes(2).toString("hex")}::1`],
    });
    const id = rows[0]?.attempt_id;
    await client.query("commit");
    await client.query({ name: "submit", text: "select submit_password_proof($1, $2)", values: [id, proof] });
    await client.query({ name: "finish", text: "select status from tests.finish_password_check($1, $2)", values: [id, token] });
    return Number(process.hrtime.bigint() - start) / 1e6;
  };

  /** One call, timed where nothing else takes time: by SQL of the attacker's own, beside it. What it takes is masked before. */
  const asking = (name: string): Timed => async (client, address) => {
    await client.query("begin");
    await client.query("select tests.unlock()");
    const { rows } = await client.query<{ time: number }>({ name, text: `select tests.time_${name}($1) as time`, values: [address] });
    await client.query("commit");
    return rows[0]!.time;
  };
  const timeInside = (name: string, call = `${name}(p_address)`) =>
    db.admin.query(`
      create function tests.time_${name}(p_address text) returns float8 language plpgsql as $$
      declare
        v_digest  bytea := tests.masked_digest(tests.password_digest());
        v_history bytea := tests.masked_history(tests.history_digest());
        v_version text := (read_password_policy()).version;
        v_start   timestamptz;
      begin
        perform tests.unlock();
        v_start := clock_timestamp();
        perform ${call};
        return extract(epoch from clock_timestamp() - v_start) * 1000;
      end;
      $$;
      grant execute on function tests.time_${name}(text) to public`);

  const median = (values: readonly number[]) => {
    const sorted = [...values].sort((left, right) => left - right);
    return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
  };

  /**
   * How far apart the medians of the two are, as a share of the smaller: the two
   * are timed in turn, in an order that chance decides, over one connection.
   */
  async function difference(time: Timed, status?: string, tried?: Tried): Promise<number> {
    const known = tried?.known ?? (await people(ROUNDS, status));
    const unknown = tried?.unknown ?? strangers(ROUNDS);
    const times = { known: [] as number[], unknown: [] as number[] };
    const client = await db.app.connect();
    try {
      // The first calls make plans and fill caches.
      for (const address of [...(await people(20, status)), ...strangers(20)]) await time(client, address);
      for (let round = 0; round < ROUNDS; round += 1) {
        const turns: ("known" | "unknown")[] = Math.random() < 0.5 ? ["known", "unknown"] : ["unknown", "known"];
        for (const who of turns) {
          const address = (who === "known" ? known : unknown)[round]!;
          times[who].push(await time(client, address));
        }
      }
    } finally {
      client.release(true);
    }
    const [one, other] = [median(times.known), median(times.unknown)];
    return Math.abs(one - other) / Math.min(one, other);
  }

  /** The least of ten measurements: chance alone hardly keeps two medians apart ten times. */
  async function leastDifference(time: Timed, enough: number, status?: string, tried?: Tried, measurements = 10): Promise<number> {
    let least = Infinity;
    for (let measurement = 0; measurement < measurements && least > enough; measurement += 1) {
      least = Math.min(least, await difference(time, status, measurement === 0 ? tried : undefined));
    }
    return least;
  }

  test("to be refused is the same for an address nobody has, within a twentieth", async () => {
    expect(await leastDifference(signingIn("begin_password_check"), 0.05)).toBeLessThan(0.05);
  }, 400_000);

  test("... also while what was counted under the digest key before is moved", async () => {
    // Known and unknown, tried before the key was rotated and after.
    const known = await people(ROUNDS);
    const unknown = strangers(ROUNDS);
    for (const address of [...known, ...unknown]) await begin(db.app, address);
    await db.pool("operator").query("select rotate_digest_key()");

    const time = signingIn("begin_password_check");
    expect(await leastDifference(time, 0.05, "active", { known, unknown })).toBeLessThan(0.05);
    await db.admin.query("delete from digest_keys where retired_time is not null");
  }, 400_000);

  test.each([
    { what: "ask for a reset", name: "request_password_reset", status: "active", call: undefined },
    { what: "ask for another message", name: "request_email_verification", status: "pending", call: undefined },
    {
      what: "register",
      name: "register_user",
      status: "active",
      call: `register_user(gen_random_uuid(), p_address, 'Some', 'Body', v_digest, v_history, v_version)`,
    },
  ])("to $what is the same for an address nobody has, within a twentieth", async ({ name, status, call }) => {
    await timeInside(name, call);
    expect(await leastDifference(asking(name), 0.05, status)).toBeLessThan(0.05);
  }, 400_000);

  test("would differ, were an address nobody has answered before the work is done", async () => {
    await db.admin.query(`
      create function naive_password_check(p_email text, p_ip_address inet, out attempt_id uuid)
        language plpgsql security definer set search_path = safetypin, extensions, pg_temp
      as $$
      begin
        if _find_user_by_email(p_email) is null then
          attempt_id := new_id();
          return;
        end if;
        attempt_id := (begin_password_check(p_email, p_ip_address)).attempt_id;
      end;
      $$;
      alter function naive_password_check(text, inet) owner to safetypin_definer;
      grant execute on function naive_password_check(text, inet) to safetypin_app`);
    expect(await leastDifference(signingIn("naive_password_check"), 0.05, undefined, undefined, 3)).toBeGreaterThan(0.05);
  }, 400_000);

  test("would differ, were a message written for whoever has the address only", async () => {
    await db.admin.query(`
      create function naive_reset(p_email text) returns void
        language plpgsql security definer set search_path = safetypin, extensions, pg_temp
      as $$
      declare
        v_user_id uuid;
      begin
        select id into v_user_id from users
        where id = _find_user_by_email(p_email) and status in ('pending', 'active');
        if v_user_id is not null then
          perform _request_message('reset_password', p_email, v_user_id, '1 hour');
        end if;
        perform _log_event('password.reset_requested', v_user_id);
      end;
      $$;
      alter function naive_reset(text) owner to safetypin_definer;
      grant execute on function naive_reset(text) to safetypin_app`);
    await timeInside("naive_reset");
    expect(await leastDifference(asking("naive_reset"), 0.05, undefined, undefined, 3)).toBeGreaterThan(0.05);
  }, 400_000);
});
