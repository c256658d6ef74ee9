import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import type pg from "pg";

import { maskShare } from "../../src/keys/mask.js";
import { organizationId, userId } from "../support/actors.js";
import { useDatabase } from "../support/database.js";
import { race, refusals, sabotage, winners } from "../support/race.js";

const CLIENTS = 8;
const ISOLATIONS = ["read committed", "repeatable read"] as const;

/** What PostgreSQL says to whoever would write what an older snapshot let them. */
const SERIALIZATION_FAILURE = "40001";

async function masked(client: pg.ClientBase, share: Buffer, keyId: number): Promise<Buffer> {
  const { rows } = await client.query<{ pad: Buffer }>("select hello(true) as pad");
  return maskShare(rows[0]?.pad ?? Buffer.alloc(0), share, null, keyId);
}

/** Adds a key, or one step more: it seals. */
async function addKey(client: pg.ClientBase, share: Buffer, keyId: number, activate = true): Promise<void> {
  const wrapped = await masked(client, share, keyId);
  await client.query("select add_key(null, $1, 'local-key-file', 'test', '\\x00', $2)", [keyId, wrapped]);
  if (activate) await client.query("select activate_key(null, $1, $2)", [keyId, wrapped]);
}

async function inTransaction<Result>(pool: pg.Pool, work: (client: pg.ClientBase) => Promise<Result>) {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

describe.each(ISOLATIONS)("eight operators at once (%s)", (isolation) => {
  const database = useDatabase({ template: "pgtap" });
  const shares = Array.from({ length: CLIENTS }, () => randomBytes(32));

  it("add one key of a number, with the share of whoever won", async () => {
    const outcomes = await race(
      database.pool("operator"),
      CLIENTS,
      async (client, index) => {
        await addKey(client, shares[index] as Buffer, 1, false);
        return index;
      },
      { isolation },
    );

    expect(winners(outcomes)).toHaveLength(1);
    for (const refusal of refusals(outcomes)) {
      expect(["SP422", "tenant_keys_tenant_id_key_id_key", SERIALIZATION_FAILURE]).toContain(refusal);
    }

    const winner = shares[winners(outcomes)[0] as number] as Buffer;
    await inTransaction(database.pool("operator"), async (client) => {
      await client.query("select activate_key(null, 1, $1)", [await masked(client, winner, 1)]);
    });
  });

  it("activate a key once", async () => {
    const [share] = shares as [Buffer];
    await inTransaction(database.pool("operator"), (client) => addKey(client, share, 2, false));
    const outcomes = await race(
      database.pool("operator"),
      CLIENTS,
      async (client) => client.query("select activate_key(null, 2, $1)", [await masked(client, share, 2)]),
      { isolation },
    );

    expect(winners(outcomes)).toHaveLength(1);
    for (const refusal of refusals(outcomes)) expect(["SP221", SERIALIZATION_FAILURE]).toContain(refusal);
    const { rows } = await database.admin.query("select key_id, state from tenant_keys order by key_id");
    expect(rows).toEqual([
      { key_id: 1, state: "decrypt_only" },
      { key_id: 2, state: "active" },
    ]);
  });
});

describe("eight who seal about somebody for the first time", () => {
  const database = useDatabase({ template: "pgtap" });

  it("seal with one salt, and all of it opens", async () => {
    const share = randomBytes(32);
    await database.admin.query("select tests.notes()");
    await inTransaction(database.admin, (client) => addKey(client, share, 1));

    const outcomes = await race(database.admin, CLIENTS, async (client) => {
      const id = randomUUID();
      await client.query("select unlock(null, 1, $1)", [await masked(client, share, 1)]);
      const { rows } = await client.query<{ sealed: Buffer }>("select _seal_text(90001, null, $1, 'a note', $2) as sealed", [
        id, userId("bob"),
      ]);
      return { id, sealed: rows[0]?.sealed };
    });

    expect(refusals(outcomes)).toEqual([]);
    await inTransaction(database.admin, async (client) => {
      await client.query("select unlock(null, 1, $1)", [await masked(client, share, 1)]);
      for (const { id, sealed } of winners(outcomes)) {
        const { rows } = await client.query("select _open_text(90001, null, $1, $2, $3) as opened", [
          id, sealed, userId("bob"),
        ]);
        expect(rows).toEqual([{ opened: "a note" }]);
      }
    });
    const { rowCount } = await database.admin.query("select from subject_salts");
    expect(rowCount).toBe(1);
  });
});

describe("somebody who is shredded while what is said of them is written and indexed", () => {
  const database = useDatabase({ template: "pgtap" });

  beforeAll(async () => {
    await database.admin.query("select tests.two_organizations()");
    await database.admin.query(
      `begin;
         set local role safetypin_owner;
         create table letters (id uuid primary key, user_id uuid, letter bytea);
         comment on column letters.letter is 'What somebody wrote. [sealed]';
         select _declare_sealed_field(
           'letters', 'letter', 90021, 'cell', 'application', 100, 'It is of a person.', p_subject_column => 'user_id'
         );
         create table letter_indexes (
           letter_id uuid not null references letters (id), version integer not null, letter_index bytea not null,
           primary key (letter_id, version)
         );
         reset role;
         create function _index_letter(p_id uuid, p_version integer) returns void language sql as 'select';
         create function keep_letter(p_id uuid, p_user_id uuid, p_letter text) returns void language plpgsql as $$
         begin
           insert into letters as kept (id, user_id, letter)
           values (p_id, p_user_id, _seal_text(90021, null, p_id, p_letter, p_user_id))
           on conflict (id) do update set letter = excluded.letter;
           delete from letter_indexes where letter_id = p_id;
           insert into letter_indexes (letter_id, version, letter_index)
           select p_id, version, _blind_index(90021, null, version, p_letter) from unnest(_written_versions(null)) as version;
         end $$;
         set local role safetypin_owner;
         select _declare_blind_index('letter_indexes', 90021, 'letter_id', '_index_letter');
       commit`,
    );
  });

  /** How much is left that they are found by. */
  async function shredWhileWritten(name: string): Promise<number> {
    const id = randomUUID();
    const keep = (client: pg.ClientBase, letter: string) => client.query("select keep_letter($1, $2, $3)", [id, userId(name), letter]);
    await inTransaction(database.admin, async (client) => {
      await client.query("select tests.unlock()");
      await keep(client, "the first");
    });
    const writer = await database.admin.connect();
    await writer.query("begin");
    await writer.query("select tests.unlock()");
    await keep(writer, "the second");
    const shredding = inTransaction(database.admin, (client) => client.query("select _shred_subject($1)", [userId(name)]));
    await sleep(300);
    await writer.query("commit");
    writer.release();
    await shredding;
    const { rowCount } = await database.admin.query("select from letter_indexes where letter_id = $1", [id]);
    return rowCount ?? 0;
  }

  it("is found by nothing afterwards", async () => {
    expect(await shredWhileWritten("bob")).toBe(0);
  });

  it("would be, were the rows not waited for", async () => {
    const mend = await sabotage(database.admin, "_shred_subject", "for no key update", "");
    expect(await shredWhileWritten("amy")).toBe(1);
    await mend();
  });
});

describe("an organization that is shredded while it is given a key", () => {
  const database = useDatabase({ template: "pgtap" });
  const share = randomBytes(32);

  it("stays shredded: the key never seals", async () => {
    await database.admin.query("select tests.two_organizations()");
    const id = organizationId("acme");
    const handOver = async (client: pg.ClientBase, keyId: number) => {
      const { rows } = await client.query<{ pad: Buffer }>("select hello(true) as pad");
      return maskShare(rows[0]!.pad, share, id, keyId);
    };
    await inTransaction(database.pool("operator"), async (client) => {
      const first = await handOver(client, 1);
      await client.query("select add_key($1, 1, 'local-key-file', 'test', '\\x00', $2)", [id, first]);
      await client.query("select activate_key($1, 1, $2)", [id, first]);
      await client.query("select suspend_organization($1, 'Matter 7')", [id]);
    });

    const shredding = await database.pool("operator").connect();
    await shredding.query("begin");
    await shredding.query("select shred_organization($1)", [id]);
    const adding = inTransaction(database.pool("operator"), async (client) => {
      await client.query("select add_key($1, 2, 'local-key-file', 'test', '\\x00', $2)", [id, await handOver(client, 2)]);
    });
    await sleep(300);
    await shredding.query("commit");
    shredding.release();
    await adding;

    await expect(
      inTransaction(database.pool("operator"), async (client) => {
        await client.query("select activate_key($1, 2, $2)", [id, await handOver(client, 2)]);
      }),
    ).rejects.toMatchObject({ code: "SP425" });
    const { rows } = await database.admin.query("select _is_tenant_shredded($1) as shredded", [id]);
    expect(rows).toEqual([{ shredded: true }]);
  });
});

describe("a writer and a key that goes", () => {
  const database = useDatabase({ template: "pgtap" });
  const share = randomBytes(32);
  let nextKeyId = 1;

  beforeAll(() => database.admin.query("select tests.notes()"));

  /** Two keys, the second yet to be activated; nothing is indexed under the first. */
  async function twoKeys(): Promise<{ old: number; next: number }> {
    const old = nextKeyId;
    nextKeyId += 2;
    await inTransaction(database.admin, (client) => addKey(client, share, old));
    await inTransaction(database.admin, (client) => addKey(client, share, old + 1, false));
    await database.admin.query(
      `alter table blind_index_versions disable trigger _500_only_forward;
       update blind_index_versions set phase = 'ended';
       alter table blind_index_versions enable always trigger _500_only_forward`,
    );
    return { old, next: old + 1 };
  }

  // activate_key() would wait for a writer; who begins a moment later meets this all the same.
  const activate = (keyId: number) =>
    inTransaction(database.admin, async (client) => {
      await client.query("select _activate_key(null, $1, $2)", [keyId, await masked(client, share, keyId)]);
    });

  const retire = (keyId: number) =>
    database.pool("operator").query("select retire_key(null, $1)", [keyId]).then(
      () => "retired",
      (error: pg.DatabaseError) => error.code,
    );

  async function writer(isolation: string, keyId: number): Promise<pg.PoolClient> {
    const client = await database.admin.connect();
    await client.query(`begin isolation level ${isolation}`);
    await client.query("select unlock(null, $1, $2)", [keyId, await masked(client, share, keyId)]);
    return client;
  }

  async function write(client: pg.ClientBase): Promise<void> {
    const id = randomUUID();
    await client.query("insert into notes (id, about) values ($1, _seal_text(90001, null, $1, 'a note'))", [id]);
  }

  it("is waited for, and what it wrote keeps the key", async () => {
    const { old, next } = await twoKeys();
    const client = await writer("read committed", old);
    await write(client);
    await activate(next);

    const retiring = retire(old);
    await sleep(300);
    await client.query("commit");
    client.release();
    expect(await retiring).toBe("SP424");

    await database.admin.query("delete from notes");
    expect(await retire(old)).toBe("retired");
  });

  it("would lose what it wrote, were it not waited for", async () => {
    const mend = await sabotage(database.admin, "retire_key", "perform _await_writers();", "");
    const { old, next } = await twoKeys();
    const client = await writer("read committed", old);
    await write(client);
    await activate(next);

    expect(await retire(old)).toBe("retired");
    await client.query("commit");
    client.release();
    await mend();
    await database.admin.query("delete from notes");
  });

  it("is not waited for longer than five seconds", async () => {
    const { old, next } = await twoKeys();
    const client = await writer("read committed", old);
    await write(client);
    await activate(next);

    expect(await retire(old)).toBe("SP423");
    await client.query("rollback");
    client.release();
    expect(await retire(old)).toBe("retired");
  });

  it("writes nothing under it once another seals", async () => {
    const { old, next } = await twoKeys();
    const client = await writer("read committed", old);
    await activate(next);

    // The new one was not unlocked here.
    await expect(write(client)).rejects.toMatchObject({ code: "SP522" });
    await client.query("rollback");
    client.release();
  });

  it("is let in with what it had sealed a moment before", async () => {
    const { old, next } = await twoKeys();
    const client = await writer("read committed", old);
    const id = randomUUID();
    const { rows } = await client.query<{ sealed: Buffer }>("select _seal_text(90001, null, $1, 'a note') as sealed", [id]);
    await activate(next);

    await client.query("insert into notes (id, about) values ($1, $2)", [id, rows[0]?.sealed]);
    await client.query("commit");
    client.release();
    expect(await retire(old)).toBe("SP424");

    await database.admin.query("select tests.age_keys('decrypt_only', 'decrypt_only_time', '1 minute')");
    await expect(
      database.admin.query("insert into notes (id, about) values ($1, $2)", [randomUUID(), rows[0]?.sealed]),
    ).rejects.toMatchObject({ code: "SP525" });
    await database.admin.query("delete from notes");
    expect(await retire(old)).toBe("retired");
  });

  it("leaves a key that is made anew meanwhile with the share that it is made of", async () => {
    const { next } = await twoKeys();
    const renewing = await database.pool("operator").connect();
    await renewing.query("begin");
    await renewing.query("select renew_key(null, $1, 'local-key-file', 'anew', '\\xaa', $2)", [
      next,
      await masked(renewing, randomBytes(32), next),
    ]);
    const rewrapping = inTransaction(database.pool("operator"), async (client) => {
      await client.query("select rewrap_key(null, $1, 'local-key-file', 'moved', '\\xbb', $2)", [next, await masked(client, share, next)]);
    }).then(() => "rewrapped", (error: pg.DatabaseError) => error.code);
    await sleep(300);
    await renewing.query("commit");
    renewing.release();

    expect(await rewrapping).toBe("SP221");
    const { rows } = await database.admin.query("select key_name from tenant_keys where key_id = $1", [next]);
    expect(rows).toEqual([{ key_name: "anew" }]);
  });

  it("is waited for by the activation of a key that it cannot have", async () => {
    const { old, next } = await twoKeys();
    const client = await writer("read committed", old);
    const activation = inTransaction(database.pool("operator"), async (operator) => {
      await operator.query("select activate_key(null, $1, $2)", [next, await masked(operator, share, next)]);
    });
    await sleep(300);
    await write(client);
    await client.query("commit");
    client.release();
    await activation;

    expect(await retire(old)).toBe("SP424");
    await database.admin.query("delete from notes");
    expect(await retire(old)).toBe("retired");
  });

  it("is told to try again when its snapshot is from before", async () => {
    const { old, next } = await twoKeys();
    const client = await writer("repeatable read", old);
    await activate(next);

    await expect(write(client)).rejects.toMatchObject({ code: SERIALIZATION_FAILURE });
    await client.query("rollback");
    client.release();
    expect(await retire(old)).toBe("retired");
  });

  it.each(["repeatable read", "serializable"])("is not overlooked by whoever would retire a key under a snapshot (%s)", async (isolation) => {
    const { old, next } = await twoKeys();
    const client = await writer("read committed", old);
    await write(client);
    await activate(next);
    const operator = await database.pool("operator").connect();
    await operator.query(`begin isolation level ${isolation}`);
    await operator.query("select from list_keys()");
    await client.query("commit");
    client.release();

    await expect(operator.query("select retire_key(null, $1)", [old])).rejects.toMatchObject({ code: "SP510" });
    await operator.query("rollback");
    operator.release();
    expect(await retire(old)).toBe("SP424");
    await database.admin.query("delete from notes");
    expect(await retire(old)).toBe("retired");
  });

  describe("that a client sealed under", () => {
    const sealed = (keyId: number) => Buffer.concat([Buffer.of(1, 2, 0, 0, 0, keyId), randomBytes(40)]);
    const insert = (keyId: number) => database.admin.query("insert into early_tokens values ($1, $2)", [randomUUID(), sealed(keyId)]);

    beforeAll(async () => {
      for (const [table, fieldId] of [["early_tokens", 91_001], ["late_tokens", 91_002]] as const) {
        await database.admin.query(
          `begin;
             set local role safetypin_owner;
             create table ${table} (id uuid primary key, token bytea);
             comment on column ${table}.token is 'What another service takes. [sealed]';
             alter table ${table} enable row level security;
             select _declare_sealed_field('${table}', 'token', ${String(fieldId)}, 'cell', 'application', 200, 'For this test.', p_algorithm => 2);
           commit`,
        );
      }
    });

    /** Retires a key, and somebody writes a value under it where it was looked for already. */
    async function writeWhileItRetires({ old, next }: { old: number; next: number }) {
      const holder = await database.admin.connect();
      await activate(next);
      await holder.query("begin; lock table late_tokens in access exclusive mode");
      const retiring = retire(old);
      const isAt = async () => {
        const { rowCount } = await database.admin.query(
          "select from pg_locks where not granted and relation = 'late_tokens'::regclass and mode = 'AccessShareLock'",
        );
        return rowCount === 1;
      };
      while (!(await isAt())) await sleep(20);
      const writing = insert(old).then(() => "written", (error: pg.DatabaseError) => error.code);
      await sleep(200);
      await holder.query("commit");
      holder.release();
      return [await retiring, await writing];
    }

    it("comes too late where it was looked for already", async () => {
      expect(await writeWhileItRetires(await twoKeys())).toEqual(["retired", "SP525"]);
    });

    it("would be let in, and open no more, were the key not held while it is looked for", async () => {
      const mend = await sabotage(database.admin, "retire_key", /perform from tenant_keys where [^;]+ for no key update;/, "");
      expect(await writeWhileItRetires(await twoKeys())).toEqual(["retired", "written"]);
      await mend();
      await database.admin.query("delete from early_tokens");
    });

    it("is found where it was let in a moment before, and waited for", async () => {
      const { old, next } = await twoKeys();
      await activate(next);
      const client = await database.admin.connect();
      await client.query("begin");
      await client.query("insert into early_tokens values ($1, $2)", [randomUUID(), sealed(old)]);
      const retiring = retire(old);
      await sleep(300);
      await client.query("commit");
      client.release();
      expect(await retiring).toBe("SP424");
      await database.admin.query("delete from early_tokens");
      expect(await retire(old)).toBe("retired");
    });
  });

  it("is somebody who knows of keys: others are not waited for", async () => {
    const { old, next } = await twoKeys();
    const bystander = await database.admin.connect();
    await bystander.query("begin");
    await bystander.query("select pg_current_xact_id()");
    await activate(next);

    expect(await retire(old)).toBe("retired");
    await bystander.query("rollback");
    bystander.release();
  });
});
