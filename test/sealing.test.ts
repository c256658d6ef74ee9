import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import pg from "pg";

import { ConfigurationError } from "../src/errors.js";
import type { OrganizationId } from "../src/ids.js";
import { LISTED_FOR_MS } from "../src/keys/cell-keys.js";
import { createKeyCache } from "../src/keys/key-cache.js";
import type { KeyProvider } from "../src/keys/key-provider.js";
import { localKeyFile } from "../src/keys/local-key-file.js";
import { activateKey, addKey, makeFirstKey } from "../src/keys/new-key.js";
import { createRepositories } from "../src/repositories.js";
import type { SafetyPin } from "../src/safetypin.js";
import { declareSealedFields, type SealedField, type SealedFieldDeclarations } from "../src/sealed-fields.js";
import type { Transaction } from "../src/transaction.js";
import { connectForTest, newPerson, type Person } from "./support/client.js";
import { useDatabase } from "./support/database.js";

const FIELD = 9001;
const {
  "notes.note": NOTE,
  "service_tokens.of_cell": OF_CELL,
  "service_tokens.of_organization": OF_ORGANIZATION,
} = declareSealedFields({
  "notes.note": { fieldId: FIELD, scope: "cell" },
  "service_tokens.of_cell": { fieldId: 9002, scope: "cell", algorithm: 2 },
  "service_tokens.of_organization": { fieldId: 9003, scope: "organization", algorithm: 2 },
});

describe("where keys come from", () => {
  const db = useDatabase();

  it("is a key management service in production, and nothing else", async () => {
    const production = { environment: "production", tls: "as-configured", allowVulnerableServer: true } as const;
    await expect(connectForTest(db, production)).rejects.toThrow(/production cell needs a key management service/);
    await expect(
      connectForTest(db, { ...production, keys: localKeyFile({ environment: "test" }) }),
    ).rejects.toThrow(/cannot take its keys from local-key-file/);
  });

  it("is said in a word that can be read", async () => {
    await expect(connectForTest(db, { keys: "vault://here" })).rejects.toThrow(/"vault:\/\/here" is no address of a key/);
  });
});

describe("a cache that is passed as keys", () => {
  const db = useDatabase({ template: "pgtap" });

  it("is the only one: what it forgets is asked for again", async () => {
    const file = localKeyFile({ environment: "test" });
    let unwraps = 0;
    const provider: KeyProvider = {
      ...file,
      unwrap(wrapped, context, options) {
        unwraps += 1;
        return file.unwrap(wrapped, context, options);
      },
    };
    const { rows } = await db.admin.query<{ id: string }>("select id from cell_settings");
    const whose = { provider, cellId: rows[0]!.id, organizationId: null };
    const operator = await db.pool("operator").connect();
    await operator.query("begin");
    await makeFirstKey(operator, whose);
    await operator.query("commit");
    operator.release();

    const cache = createKeyCache(provider);
    await expect(connectForTest(db, { keys: cache, keyCache: { lifetimeMs: 1 } })).rejects.toThrow(/is a cache already/);
    const client = await connectForTest(db, { keys: cache });
    unwraps = 0;
    const guess = () =>
      expect(client.signIn({ email: "nobody@example.com", password: "a guess at it" })).rejects.toMatchObject({ code: "invalid_credentials" });
    for (let time = 0; time < 3; time += 1) await guess();
    expect(unwraps).toBe(1);
    cache.forget(whose);
    await guess();
    expect(unwraps).toBe(2);
    await client.close();

    // Whoever made it closes it.
    expect(cache.metrics()["safetypin.key_cache.size"]).toBe(1);
    await cache.close();
    expect(cache.metrics()["safetypin.key_cache.size"]).toBe(0);
  });
});

describe("sealed fields in a transaction", () => {
  const db = useDatabase();
  const provider = localKeyFile({ environment: "test" });
  let safetyPin: SafetyPin;
  let ann: Person;

  beforeAll(async () => {
    // A table of an application of ours, sealed as any column is: by declaring it.
    await db.admin.query(`
      begin;
      set local role safetypin_owner;
      create table notes (id uuid primary key, note bytea);
      comment on column notes.note is 'What it says. [sealed]';
      alter table notes enable row level security;
      select _declare_sealed_field('notes', 'note', ${FIELD}, 'cell', 'application', 200, 'For this test.');
      grant select, insert on notes to safetypin_definer;
      grant select on notes to safetypin_app;
      create policy insert_definer on notes for insert to safetypin_definer with check (true);
      create policy select_everyone on notes for select to safetypin_definer, safetypin_app using (true);
      set local role safetypin_definer;
      create function keep_note(p_id uuid, p_masked bytea) returns void
        language plpgsql security definer set search_path from current
        as $$ begin
          insert into notes (id, note) values (p_id, _seal(${FIELD}, null, p_id, _unmask(p_masked, ${FIELD})));
        end $$;
      grant execute on function keep_note(uuid, bytea) to safetypin_app;
      set local role safetypin_owner;
      create table service_tokens (id uuid primary key, organization_id uuid, of_cell bytea, of_organization bytea);
      comment on column service_tokens.of_cell is 'What a service of everybody takes. [sealed]';
      comment on column service_tokens.of_organization is 'What a service of an organization takes. [sealed]';
      alter table service_tokens enable row level security;
      select _declare_sealed_field(
        'service_tokens', 'of_cell', 9002, 'cell', 'application', 200, 'For this test.', p_algorithm => 2
      );
      select _declare_sealed_field(
        'service_tokens', 'of_organization', 9003, 'organization', 'application', 200, 'For this test.', p_algorithm => 2
      );
      grant select, insert on service_tokens to safetypin_app;
      create policy all_app on service_tokens to safetypin_app using (true) with check (true);
      commit`);
    safetyPin = await connectForTest(db);
    ann = await newPerson(db, "ann");
  }, 60_000);
  afterAll(() => safetyPin.close());

  async function keep(tx: Transaction, text: string): Promise<string> {
    const id = randomUUID();
    await tx.unlock();
    await tx.query("select keep_note($1, $2)", [id, await tx.mask(NOTE, text)]);
    return id;
  }

  async function read(tx: Transaction, id: string): Promise<string | undefined> {
    await tx.unlock();
    const { rows } = await tx.query(
      `select (open_fields(${FIELD}, array[id], array[note]))[1] as note from notes where id = $1`,
      [id],
    );
    return (rows[0] as { note: string } | undefined)?.note;
  }

  const inSession = <Result>(work: (tx: Transaction) => Promise<Result>, client = safetyPin) =>
    client.withSession(ann.sessionToken, work);

  it("seals what one transaction writes, for another to open", async () => {
    const id = await inSession((tx) => keep(tx, "Grüße, 😀"));
    const { rows } = await db.admin.query<{ note: Buffer }>("select note from notes where id = $1", [id]);
    expect(rows[0]!.note.subarray(0, 6).toString("hex")).toBe("010100000001");
    expect(rows[0]!.note.includes("Gr")).toBe(false);
    await expect(inSession((tx) => read(tx, id))).resolves.toBe("Grüße, 😀");
  });

  it("opens nothing in a transaction that did not unlock, and says what to do", async () => {
    const id = await inSession((tx) => keep(tx, "locked"));
    await expect(
      inSession((tx) => tx.query(`select open_fields(${FIELD}, array[id], array[note]) from notes where id = $1`, [id])),
    ).rejects.toMatchObject({ code: "key_locked" });
  });

  it("costs no round trip where statements are pipelined", async () => {
    const sent: string[] = [];
    const client = await connectForTest(db, { onQuery: ({ name }) => sent.push(name) });
    try {
      await inSession((tx) => read(tx, randomUUID()), client);
      sent.length = 0;
      const answered: string[] = [];
      await inSession(async (tx) => {
        const unlocked = tx.unlock().then(() => answered.push("unlock sent"));
        await unlocked;
        await tx.query("select 1");
        answered.push("query");
      }, client);
      // What unlocks had not answered when the next statement was sent: it is told of first all the same.
      expect(answered).toEqual(["unlock sent", "query"]);
      expect(sent.filter((name) => name === "list_wrapped_shares")).toEqual([]);
      expect(sent).toContain("unlock");
    } finally {
      await client.close();
    }
  });

  it("keeps its pad when a transaction on the connection is rolled back", async () => {
    const client = await connectForTest(db, { limits: { poolSize: 1 } });
    try {
      await expect(
        inSession(async (tx) => {
          await keep(tx, "gone");
          throw new Error("changed my mind");
        }, client),
      ).rejects.toThrow("changed my mind");
      const id = await inSession((tx) => keep(tx, "here"), client);
      await expect(inSession((tx) => read(tx, id), client)).resolves.toBe("here");
    } finally {
      await client.close();
    }
  });

  it("asks for a pad in each transaction where the pool is the application's own", async () => {
    const pool = new pg.Pool({ connectionString: db.connectionString("app"), max: 1 });
    const client = await connectForTest(db, { connectionString: undefined, pool });
    try {
      const id = await inSession((tx) => keep(tx, "through a pool"), client);
      await expect(inSession((tx) => read(tx, id), client)).resolves.toBe("through a pool");
      const { rows } = await pool.query("select current_setting('safetypin.pad', true) as pad");
      expect(rows).toEqual([{ pad: "" }]);
    } finally {
      await client.close();
      await pool.end();
    }
  });

  it("leaves nothing of a key behind for the next who gets the connection", async () => {
    const client = await connectForTest(db, { limits: { poolSize: 1 } });
    try {
      await inSession((tx) => keep(tx, "mine"), client);
      const { rows } = await inSession((tx) => tx.query("select current_setting('safetypin.shares', true) as shares"), client);
      expect(rows).toEqual([{ shares: "" }]);
    } finally {
      await client.close();
    }
  });

  it("says why there is no key, whatever is asked afterwards", async () => {
    const broken: KeyProvider = {
      ...provider,
      // A share of another key: right in length, and in nothing else.
      unwrap: () => Promise.resolve(Buffer.alloc(32, 1)),
    };
    const client = await connectForTest(db, { keys: broken });
    try {
      await expect(inSession((tx) => read(tx, randomUUID()), client)).rejects.toMatchObject({ code: "key_share_refused" });
    } finally {
      await client.close();
    }
  });

  it("names both services when keys come from elsewhere than they did", async () => {
    const client = await connectForTest(db, { keys: { ...provider, name: "aws-kms" } });
    try {
      await expect(inSession((tx) => read(tx, randomUUID()), client)).rejects.toThrow(
        /Key 1 of the cell was wrapped by local-key-file, and keys come from aws-kms/,
      );
    } finally {
      await client.close();
    }
  });

  it("unlocks an organization's own key, and none where no organization is chosen", async () => {
    await expect(inSession((tx) => tx.unlock("organization"))).rejects.toMatchObject({ code: "organization_not_chosen" });
    const organizationId = await inSession(async (tx) => {
      return createRepositories(tx).organizations.create({ slug: "acme", name: "Acme" });
    });
    await safetyPin.withSession(
      ann.sessionToken,
      async (tx) => {
        await tx.unlock("organization");
        const { rows } = await tx.query("select current_setting('safetypin.shares') like $1 as has", [`${organizationId}:1=%`]);
        expect(rows).toEqual([{ has: true }]);
      },
      { organizationId: organizationId },
    );
  });

  describe("of which the database never has the plaintext", () => {
    const inOrganization = <Result>(organizationId: OrganizationId, work: (tx: Transaction) => Promise<Result>) =>
      safetyPin.withSession(ann.sessionToken, work, { organizationId });
    let acme: OrganizationId;
    let zenith: OrganizationId;

    beforeAll(async () => {
      const found = (slug: string) => inSession((tx) => createRepositories(tx).organizations.create({ slug, name: slug }));
      acme = await found("tokens-of-acme");
      zenith = await found("tokens-of-zenith");
    });

    const give = (tx: Transaction, id: string, value: Buffer) =>
      tx.query("insert into service_tokens (id, organization_id, of_organization) values ($1, current_organization_id(), $2)", [id, value]);

    it("are sealed here for one row, and opened here", async () => {
      const id = randomUUID();
      await inOrganization(acme, async (tx) => give(tx, id, await tx.seal(OF_ORGANIZATION, id, "Zugang, 😀")));
      const { rows } = await db.admin.query<{ value: Buffer }>("select of_organization as value from service_tokens where id = $1", [id]);
      const { value } = rows[0]!;
      expect(value.subarray(0, 6).toString("hex")).toBe("010200000001");
      expect(value.includes("Zugang")).toBe(false);

      const opened = await inOrganization(acme, (tx) =>
        tx.open(OF_ORGANIZATION, [{ rowId: randomUUID(), value: null }, { rowId: id, value }]),
      );
      expect(opened).toEqual([null, "Zugang, 😀"]);
    });

    it("open for no other row, organization or field, and not once they were changed", async () => {
      const rowId = randomUUID();
      const value = await inOrganization(acme, (tx) => tx.seal(OF_ORGANIZATION, rowId, "a token"));
      const changed = Buffer.from(value);
      changed.writeUInt8(changed.readUInt8(20) ^ 1, 20);
      const refusal = { code: "value_cannot_be_opened" };
      for (const row of [{ rowId: randomUUID(), value }, { rowId, value: changed }, { rowId, value: Buffer.alloc(0) }]) {
        await expect(inOrganization(acme, (tx) => tx.open(OF_ORGANIZATION, [row]))).rejects.toMatchObject(refusal);
      }
      await expect(inOrganization(zenith, (tx) => tx.open(OF_ORGANIZATION, [{ rowId, value }]))).rejects.toMatchObject(refusal);
      await expect(inOrganization(acme, (tx) => tx.open(OF_CELL, [{ rowId, value }]))).rejects.toMatchObject(refusal);
      await expect(inOrganization(zenith, (tx) => give(tx, rowId, Buffer.from("a token")))).rejects.toMatchObject({ code: "sealed_value_refused" });
    });

    it("are of an organization that is chosen", async () => {
      const work = (tx: Transaction) => tx.seal(OF_ORGANIZATION, randomUUID(), "a token");
      const bea = await newPerson(db, "bea");
      await expect(safetyPin.withSession(bea.sessionToken, work)).rejects.toMatchObject({ code: "organization_not_chosen" });
    });

    it("are sealed under no number, scope or algorithm that the database does not declare", async () => {
      const otherwise = [
        [{ "service_tokens.of_cell": { fieldId: 9004, scope: "cell", algorithm: 2 } }, /is field 9004.*for this client, and field 9002.*in the database/],
        [{ "service_tokens.of_cell": { fieldId: 9002, scope: "organization", algorithm: 2 } }, /keys of organizations for this client, and .*of the cell in the database/],
        [{ "service_tokens.gone": { fieldId: 9005, scope: "cell", algorithm: 2 } }, /service_tokens.gone is field 9005.*, and not sealed in the database/],
        [{ "notes.note": { fieldId: FIELD, scope: "cell", algorithm: 2 } }, /of algorithm 2 .* for this client, and .*of algorithm 1 .*in the database/],
      ] as const;
      for (const [declarations, sentence] of otherwise) {
        const field = Object.values(declareSealedFields<SealedFieldDeclarations>(declarations))[0] as SealedField<string, 2>;
        const rowId = randomUUID();
        const works: ((tx: Transaction) => Promise<unknown>)[] = [
          (tx) => tx.seal(field, rowId, "a token"),
          (tx) => tx.open(field, [{ rowId, value: null }]),
        ];
        for (const work of works) {
          const refused = inOrganization(acme, work);
          await expect(refused).rejects.toThrow(ConfigurationError);
          await expect(refused).rejects.toThrow(sentence);
        }
      }
    });
  });

  it("works on while a key takes over from another", async () => {
    const client = await connectForTest(db);
    try {
      const before = await inSession((tx) => keep(tx, "under the first"), client);
      const rowId = randomUUID();
      const token = await inSession((tx) => tx.seal(OF_CELL, rowId, "a token"), client);
      const key = { provider, cellId: await cellId(), organizationId: null };
      const second = await withOperator((operator) => addKey(operator, key));
      await new Promise((resolve) => setTimeout(resolve, LISTED_FOR_MS + 500));
      await inSession((tx) => tx.unlock(), client);
      await withOperator((operator) => activateKey(operator, second, key));

      const after = await inSession((tx) => keep(tx, "under the second"), client);
      const { rows } = await db.admin.query<{ note: Buffer }>("select note from notes where id = $1", [after]);
      expect(rows[0]!.note.readInt32BE(2)).toBe(second.keyId);
      await expect(inSession((tx) => read(tx, before), client)).resolves.toBe("under the first");
      await expect(inSession((tx) => read(tx, after), client)).resolves.toBe("under the second");

      const next = await inSession((tx) => tx.seal(OF_CELL, rowId, "another"), client);
      expect([token, next].map((value) => value.readInt32BE(2))).toEqual([1, second.keyId]);
      const values = [token, next].map((value) => ({ rowId, value }));
      await expect(inSession((tx) => tx.open(OF_CELL, values), client)).resolves.toEqual(["a token", "another"]);
    } finally {
      await client.close();
    }
  }, 30_000);

  it("passes over a key that does not open, and stops where it is the one that seals", async () => {
    const { rows: keys } = await db.admin.query<{ key_id: number; state: string; wrapped: Buffer }>(
      "select key_id, state, wrapped from tenant_keys where organization_id is null order by 1",
    );
    const [first, second] = keys as [(typeof keys)[0], (typeof keys)[0]];
    expect(keys.map(({ state }) => state)).toEqual(["decrypt_only", "active"]);
    const { rows: kept } = await db.admin.query<{ id: string }>(
      `select distinct on (_key_id_of(note)) id from notes order by _key_id_of(note)`,
    );
    const [underFirst, underSecond] = kept.map(({ id }) => id) as [string, string];
    const replace = (keyId: number, wrapped: Buffer) =>
      db.admin.query("update tenant_keys set wrapped = $2 where organization_id is null and key_id = $1", [keyId, wrapped]);
    const context = { cellId: await cellId(), organizationId: null, keyId: first.key_id };
    const rubbish = randomBytes(first.wrapped.length);
    const failures: unknown[] = [];
    const open = () =>
      connectForTest(db, { keyCache: { failureMs: 0, onUnwrap: ({ errorCode }) => errorCode && failures.push(errorCode) } });
    const { wrapped: another } = await provider.generate(context);

    // What does not open, and what opens and is another's: told of once, not at each transaction.
    for (const [bytes, told] of [[rubbish, ["share_refused"]], [another.bytes, []]] as const) {
      await replace(first.key_id, bytes);
      const client = await open();
      try {
        for (let time = 0; time < 3; time += 1) {
          await expect(inSession((tx) => read(tx, underSecond), client)).resolves.toEqual(expect.any(String));
          await expect(inSession((tx) => read(tx, underFirst), client)).rejects.toMatchObject({ code: "key_locked" });
        }
        const id = await inSession((tx) => keep(tx, "goes on"), client);
        await expect(inSession((tx) => read(tx, id), client)).resolves.toBe("goes on");
      } finally {
        await client.close();
      }
      expect(failures.splice(0)).toEqual(told);
    }
    await replace(first.key_id, first.wrapped);

    // One that is still to seal, by a master key that nobody here has.
    const folder = await mkdtemp(join(tmpdir(), "safetypin-other-"));
    try {
      const other = localKeyFile({ environment: "test", path: join(folder, "keys.json") });
      await withOperator((operator) => addKey(operator, { provider: other, cellId: context.cellId, organizationId: null }));
      const client = await open();
      try {
        await expect(inSession((tx) => read(tx, underFirst), client)).resolves.toEqual(expect.any(String));
        await expect(inSession((tx) => read(tx, underSecond), client)).resolves.toEqual(expect.any(String));
      } finally {
        await client.close();
      }
      expect(failures.splice(0)).toEqual(["master_key_not_found"]);
    } finally {
      await rm(folder, { recursive: true });
    }

    await replace(second.key_id, rubbish);
    const client = await open();
    try {
      await expect(inSession((tx) => read(tx, underSecond), client)).rejects.toMatchObject({ code: "share_refused" });
      await replace(second.key_id, second.wrapped);
      await expect(inSession((tx) => read(tx, underSecond), client)).resolves.toEqual(expect.any(String));
    } finally {
      await client.close();
    }
  });

  async function cellId(): Promise<string> {
    const { rows } = await db.admin.query<{ id: string }>("select id from cell_settings");
    return rows[0]!.id;
  }

  async function withOperator<Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
    const client = await db.pool("operator").connect();
    try {
      await client.query("begin");
      const result = await work(client);
      await client.query("commit");
      return result;
    } finally {
      client.release();
    }
  }
});
