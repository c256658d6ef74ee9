import { createHash } from "node:crypto";

import type pg from "pg";

import { beginRequest, openSessions, organizationId, sessionToken, userId } from "./support/actors.js";
import { useDatabase } from "./support/database.js";

/*
 * The context belongs to one transaction of one backend. Tried here: everything by
 * which it, or what was read under it, might live longer. ann owns acme; zoe owns
 * zenith; both come over the application's one login, as behind a pool.
 */

const db = useDatabase({ template: "pgtap" });
const ANN = () => sessionToken("ann", "acme");
const ZOE = () => sessionToken("zoe", "zenith");

let client: pg.PoolClient;

beforeAll(async () => {
  await db.admin.query("select tests.two_organizations()");
  await openSessions(db.admin, ["ann"], "acme");
  await openSessions(db.admin, ["zoe"], "zenith");
});

beforeEach(async () => {
  client = await db.app.connect();
});

afterEach(() => client.release(true));

/** A transaction in somebody's name, or in nobody's. */
async function as<Result>(token: Buffer | undefined, work: () => Promise<Result>): Promise<Result> {
  await client.query("begin");
  try {
    if (token !== undefined) await beginRequest(client, token);
    return await work();
  } finally {
    await client.query("commit");
  }
}

async function scalar(text: string, values: unknown[] = [], on: pg.ClientBase = client): Promise<unknown> {
  const { rows } = await on.query({ text, values, rowMode: "array" });
  return rows[0]?.[0];
}

const readContext = () => scalar("select current_setting('safetypin.context', true)") as Promise<string>;
const say = (context: string, isLocal: boolean, on: pg.ClientBase = client) =>
  on.query("select set_config('safetypin.context', $1, $2)", [context, isLocal]);
const whoAmI = (on: pg.ClientBase = client) => scalar("select current_user_id()", [], on);
const organizations = async () => (await client.query("select id from organizations")).rows;

describe("a context that is replayed", () => {
  test("is good once more where it was made, so what is replayed is right", async () => {
    await as(ANN(), async () => {
      const context = await readContext();
      await say("", true);
      expect(await whoAmI()).toBeNull();
      await say(context, true);
      expect(await whoAmI()).toBe(userId("ann"));
    });
  });

  test.each([
    ["for the transaction", true],
    ["for the session", false],
  ])("in the next transaction, set %s, is nobody's", async (_what, isLocal) => {
    const context = await as(ANN(), readContext);
    await as(undefined, async () => {
      await say(context, isLocal);
      expect(await whoAmI()).toBeNull();
      expect(await organizations()).toEqual([]);
    });
    await as(undefined, async () => expect(await whoAmI()).toBeNull());
  });

  test("under somebody else's session is nobody's", async () => {
    const context = await as(ANN(), readContext);
    await as(ZOE(), async () => {
      await say(context, true);
      expect(await whoAmI()).toBeNull();
    });
  });

  test("by another backend at the same time is nobody's", async () => {
    const other = await db.app.connect();
    try {
      await as(ANN(), async () => {
        const context = await readContext();
        await other.query("begin");
        await say(context, true, other);
        expect(await whoAmI(other)).toBeNull();
        await other.query("rollback");
        expect(await whoAmI()).toBe(userId("ann"));
      });
    } finally {
      other.release(true);
    }
  });

  test("by a DO block that commits in between is nobody's", async () => {
    await expect(
      client.query(`
        do $$
        declare
          v_context text;
        begin
          perform begin_request('\\x${ANN().toString("hex")}');
          if current_user_id() is null then raise exception 'nobody' using errcode = 'ZZ001'; end if;
          v_context := current_setting('safetypin.context');
          commit;
          perform set_config('safetypin.context', v_context, true);
          if current_user_id() is not null then raise exception 'replayed' using errcode = 'ZZ002'; end if;
          rollback;
          perform set_config('safetypin.context', v_context, true);
          if current_user_id() is not null then raise exception 'replayed' using errcode = 'ZZ002'; end if;
        end;
        $$`),
    ).resolves.toBeDefined();
  });

  // To PostgreSQL the transactions of one simple query begin at the same moment. Who
  // sends the message has shown the token in it, and could have made it one transaction.
  test("in one and the same message is good to its end, and in the next message is nobody's", async () => {
    const answers = (await client.query(`
      begin;
      select begin_request('\\x${ANN().toString("hex")}');
      select set_config('replay.context', current_setting('safetypin.context'), false);
      commit;
      begin;
      select set_config('safetypin.context', current_setting('replay.context'), true);
      select current_user_id() as id;
      commit`)) as unknown as pg.QueryResult[];
    expect(answers.at(-2)?.rows).toEqual([{ id: userId("ann") }]);

    await as(undefined, async () => {
      await client.query("select set_config('safetypin.context', current_setting('replay.context'), true)");
      expect(await whoAmI()).toBeNull();
    });
  });

  test("after its key was rotated is good until the transaction ends, and not beyond", async () => {
    await client.query("begin");
    await beginRequest(client, ANN());
    await db.pool("operator").query("select rotate_context_key()");
    expect(await whoAmI()).toBe(userId("ann"));
    const context = await readContext();
    await client.query("commit");
    await as(undefined, async () => {
      await say(context, true);
      expect(await whoAmI()).toBeNull();
    });
  });
});

describe("a context that is forged with a key", () => {
  const sha256 = (...parts: Buffer[]) => createHash("sha256").update(Buffer.concat(parts)).digest();

  /** What `_set_context()` of the cell that has this key would write for ann, here and now. */
  async function forge(key: { id: string; secret: Buffer }): Promise<string> {
    const nonce = (await scalar(
      "select int4send(pg_backend_pid()) || timestamptz_send(transaction_timestamp())",
    )) as Buffer;
    const payload = `${key.id}|${userId("ann")}|${organizationId("acme")}|${userId("session")}|3`;
    const signed = sha256(key.secret.subarray(0, 32), nonce, Buffer.from(payload));
    return `${payload}#${sha256(key.secret.subarray(32), signed).toString("hex")}`;
  }

  const keyOf = async (admin: pg.Pool) => {
    const { rows } = await admin.query<{ id: string; secret: Buffer }>(
      "select id, secret from context_keys where purpose = 'context' and retired_time is null",
    );
    return rows[0]!;
  };

  test("of another cell is nobody's, whichever key it names", async () => {
    const other = await keyOf((await db.addCell()).pool("admin"));
    const own = await keyOf(db.admin);

    for (const key of [other, { id: own.id, secret: other.secret }, { id: other.id, secret: own.secret }]) {
      await as(undefined, async () => {
        await say(await forge(key), true);
        expect(await whoAmI()).toBeNull();
        expect(await organizations()).toEqual([]);
      });
    }
  }, 60_000);

  test("of this cell is ann's: so it is forged right, and the key is what keeps it out", async () => {
    const own = await keyOf(db.admin);
    await as(undefined, async () => {
      await say(await forge(own), true);
      expect(await whoAmI()).toBe(userId("ann"));
    });
  });
});

describe("what outlives a transaction", () => {
  test("is not the context, set by the function itself", async () => {
    await as(ANN(), async () => expect(await whoAmI()).toBe(userId("ann")));
    await as(undefined, async () => expect(await whoAmI()).toBeNull());
  });

  test("is not the context of a transaction that failed", async () => {
    await client.query("begin");
    await beginRequest(client, ANN());
    await expect(client.query("select 1 / 0")).rejects.toMatchObject({ code: "22012" });
    await client.query("rollback");
    expect(await whoAmI()).toBeNull();
  });

  test("a naive context set for the session is: the next who gets the connection has it", async () => {
    await client.query("select set_config('app.organization_id', $1, false)", [organizationId("acme")]);
    await as(ZOE(), async () => {
      expect(await scalar("select current_setting('app.organization_id')")).toBe(organizationId("acme"));
    });
  });

  test("a cursor that is held shows what was there when it was made, and nothing of whoever comes next", async () => {
    await as(ZOE(), () => client.query("declare spy cursor with hold for select id from organizations"));
    await as(undefined, () => client.query("declare nobodys cursor with hold for select id from organizations"));

    await as(ANN(), async () => {
      expect((await client.query("fetch all from spy")).rows).toEqual([{ id: organizationId("zenith") }]);
      expect((await client.query("fetch all from nobodys")).rows).toEqual([]);
      expect(await organizations()).toEqual([{ id: organizationId("acme") }]);
    });
  });

  test("a cursor that is not held is gone", async () => {
    await as(ANN(), () => client.query("declare mine cursor for select id from organizations"));
    await as(ZOE(), async () => {
      await client.query("savepoint here");
      await expect(client.query("fetch all from mine")).rejects.toMatchObject({ code: "34000" });
      await client.query("rollback to here");
    });
  });

  test("a cursor that is being read keeps to whom it began with, also when the next token is shown", async () => {
    await client.query("begin");
    await beginRequest(client, ZOE());
    await client.query("declare spy scroll cursor for select id from organizations");
    await client.query("fetch next from spy");
    await beginRequest(client, ANN());
    const { rows } = await client.query("fetch all from spy");
    expect(rows).toEqual([]);
    await client.query("rollback");
  });

  test.each(["force_generic_plan", "force_custom_plan", "auto"])(
    "a plan that is kept (%s) asks anew who is asking",
    async (mode) => {
      await client.query(`set plan_cache_mode = ${mode}`);
      const seen = () => client.query<{ id: string }>({ name: "seen", text: "select id from organizations" });

      for (let round = 0; round < 8; round += 1) {
        await as(ANN(), async () => expect((await seen()).rows).toEqual([{ id: organizationId("acme") }]));
        await as(ZOE(), async () => expect((await seen()).rows).toEqual([{ id: organizationId("zenith") }]));
        await as(undefined, async () => expect((await seen()).rows).toEqual([]));
      }
    },
  );

  test("a plan over a context that calls itself immutable does not: it shows the first's rows to the next", async () => {
    await db.admin.query(`
      create function naive_organization_id() returns uuid language sql immutable
        return current_setting('app.organization_id', true)::uuid;
      create table naive_notes (organization_id uuid, note text);
      insert into naive_notes values ('${organizationId("acme")}', 'acme''s');
      alter table naive_notes enable row level security;
      create policy tenant_fence on naive_notes using (organization_id = naive_organization_id());
      grant select on naive_notes to safetypin_app;
      grant execute on function naive_organization_id() to safetypin_app;
    `);
    await client.query("set plan_cache_mode = force_generic_plan");
    const seen = () => client.query({ name: "naive", text: "select note from naive_notes" });

    await client.query("select set_config('app.organization_id', $1, false)", [organizationId("acme")]);
    expect((await seen()).rows).toEqual([{ note: "acme's" }]);
    await client.query("select set_config('app.organization_id', $1, false)", [organizationId("zenith")]);
    expect((await seen()).rows).toEqual([{ note: "acme's" }]);
  });
});

describe("a token that is guessed", () => {
  const bit = (token: Buffer) => Buffer.concat([token.subarray(0, 31), Buffer.from([token[31]! ^ 1])]);

  test.each<[string, () => Buffer | null | Promise<Buffer>]>([
    ["nothing", () => null],
    ["no bytes", () => Buffer.alloc(0)],
    ["noughts", () => Buffer.alloc(32)],
    ["ann's but for one bit", () => bit(ANN())],
    ["ann's without its last byte", () => ANN().subarray(0, 31)],
    ["ann's and one byte more", () => Buffer.concat([ANN(), Buffer.alloc(1)])],
    [
      "the digest that the database keeps",
      async () => {
        const { rows } = await db.admin.query<{ token_hash: Buffer }>(
          "select token_hash from sessions where user_id = $1",
          [userId("ann")],
        );
        return rows[0]!.token_hash;
      },
    ],
  ])("%s is refused as unknown", async (_what, guess) => {
    const answer = client.query("select * from begin_request($1)", [await guess()]);
    await expect(answer).rejects.toMatchObject({
      code: "SP101",
      message: "the session is not good, or is no more",
    });
  });

  test("a thousand of them in one DO block are all refused, and change nothing", async () => {
    await client.query(`
      do $$
      begin
        for v_try in 1..1000 loop
          begin
            perform begin_request(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
            raise exception 'guessed' using errcode = 'ZZ001';
          exception when sqlstate 'SP101' then null;
          end;
          if current_user_id() is not null then raise exception 'somebody' using errcode = 'ZZ001'; end if;
        end loop;
      end;
      $$`);
  });

  test("a token that was good gets the words that an unknown one gets", async () => {
    await openSessions(db.admin, ["bob"], "acme");
    const token = sessionToken("bob", "acme");
    await as(token, () => client.query("select revoke_session()"));
    await expect(beginRequest(client, token)).rejects.toMatchObject({
      code: "SP101",
      message: "the session is not good, or is no more",
    });
  });

  test("ann's own is good", async () => {
    await as(ANN(), async () => expect(await whoAmI()).toBe(userId("ann")));
  });
});
