import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import pg from "pg";

import { EXIT } from "../src/cli/exit-codes.js";
import { quoteIdentifier } from "../src/migrations/cell.js";
import type { Transaction } from "../src/transaction.js";
import { startAwsKms, type AwsKmsServer } from "./support/aws-kms-server.js";
import { outcome, runCli, startCli, type CliResult } from "./support/cli.js";
import { connectForTest, newPerson } from "./support/client.js";
import { useDatabase, type TestDatabase } from "./support/database.js";
import { inUnlockedCell } from "./support/keys.js";

jest.setTimeout(300_000);

const FIELD = 9101;

/** A table of an application of ours: a sealed column that is found by a blind index. */
const NOTES = `
  begin;
    set local role safetypin_owner;
    create table notes (id uuid primary key, note bytea);
    comment on column notes.note is 'What it says. [sealed]';
    alter table notes enable row level security;
    select _declare_sealed_field('notes', 'note', ${FIELD}, 'cell', 'application', 200, 'For this test.');
    create table note_indexes (
      note_id uuid not null references notes (id) on delete cascade,
      version integer not null,
      note_index bytea not null,
      primary key (note_id, version),
      unique (version, note_index)
    );
    alter table note_indexes enable row level security;
    grant select, insert, update on notes, note_indexes to safetypin_definer;
    grant select on notes to safetypin_app;
    create policy all_definer on notes to safetypin_definer using (true);
    create policy all_definer on note_indexes to safetypin_definer using (true);
    create policy select_app on notes for select to safetypin_app using (true);
    set local role safetypin_definer;
    create function _index_note(p_row_id uuid, p_version integer) returns void
      language plpgsql security definer set search_path from current
      as $$
      declare
        v_note text := (select _open_text(${FIELD}, null, id, note) from notes where id = p_row_id);
      begin
        insert into note_indexes (note_id, version, note_index)
        values (p_row_id, p_version, _blind_index(${FIELD}, null, p_version, v_note))
        on conflict (note_id, version) do update set note_index = excluded.note_index;
      end $$;
    create function keep_note(p_id uuid, p_note text) returns void
      language plpgsql security definer set search_path from current
      as $$
      declare
        v_version integer;
      begin
        insert into notes as kept (id, note) values (p_id, _seal_text(${FIELD}, null, p_id, p_note))
        on conflict (id) do update set note = excluded.note;
        foreach v_version in array _written_versions(null) loop
          perform _index_note(p_id, v_version);
        end loop;
      end $$;
    create function find_note(p_note text) returns uuid
      language plpgsql security definer set search_path from current
      as $$ begin
        return (
          select note_id from note_indexes
          where version = _looked_up_version(null)
            and note_index = _blind_index(${FIELD}, null, _looked_up_version(null), p_note)
        );
      end $$;
    grant execute on function keep_note(uuid, text), find_note(text) to safetypin_app;
    set local role safetypin_owner;
    select _declare_blind_index('note_indexes', ${FIELD}, 'note_id', '_index_note');
  commit`;

const keyFile = () => process.env["SAFETYPIN_KEY_FILE"]!;

const environmentOf = (db: TestDatabase, login: "operator" | "app" | "auditor" = "operator") => ({
  DATABASE_URL: db.connectionString(login),
  SAFETYPIN_KEY_FILE: keyFile(),
});

const keys = (db: TestDatabase, ...args: string[]): Promise<CliResult> =>
  runCli(["keys", ...args], { env: environmentOf(db) });

async function jsonOf<Answer>(result: Promise<CliResult>): Promise<Answer> {
  const { code, stdout, stderr } = await result;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout) as Answer;
}

const keepMany = (db: TestDatabase, count: number) =>
  inUnlockedCell(db.admin, async (client) => {
    for (let number = 1; number <= count; number += 1) {
      await client.query("select keep_note($1, $2)", [randomUUID(), `note ${number}`]);
    }
  });

/** Everything opens, to what it was, and is found. */
async function expectWhole(db: TestDatabase, count: number): Promise<void> {
  await inUnlockedCell(db.admin, async (client) => {
    const { rows } = await client.query<{ id: string; note: string; found: string }>(
      `select id, text as note, find_note(text) as found
       from notes, lateral _open_text(${FIELD}, null, id, note) as text order by 2`,
    );
    expect(rows).toHaveLength(count);
    expect(rows.filter(({ id, found }) => id !== found)).toEqual([]);
    expect(new Set(rows.map(({ note }) => note)).size).toBe(count);
  });
}

async function under(db: TestDatabase): Promise<Record<number, number>> {
  const { rows } = await db.admin.query<{ key: number; count: number }>(
    "select _key_id_of(note) as key, count(*)::integer as count from notes group by 1",
  );
  return Object.fromEntries(rows.map(({ key, count }) => [key, count]));
}

/** How many rows the batches say they did, in all. */
async function told(db: TestDatabase, event: string, where: string): Promise<number> {
  const { rows } = await db.admin.query<{ sum: number }>(
    `select coalesce(sum((additional_data ->> 'count')::integer), 0)::integer as sum
     from auth_audit_logs where event_type = $1 and additional_data @> $2`,
    [event, where],
  );
  return rows[0]!.sum;
}

const age = (db: TestDatabase) => db.admin.query("update tenant_keys set creation_time = now() - interval '2 minutes' where state = 'pending'");

describe("the first key", () => {
  const db = useDatabase({ template: "pgtap" });

  it("is made once", async () => {
    expect(await keys(db, "rotate")).toMatchObject({ code: EXIT.failed, stderr: expect.stringContaining("safetypin keys init") });
    expect(await jsonOf(keys(db, "init", "--dry-run", "--json"))).toEqual({ cell: "safetypin", organizationId: null, made: false });
    expect(await jsonOf(keys(db, "init", "--json"))).toEqual({ cell: "safetypin", organizationId: null, made: true });
    expect(await jsonOf(keys(db, "init", "--json"))).toEqual({ cell: "safetypin", organizationId: null, made: false });
    const status = await jsonOf<{ keys: unknown[] }>(keys(db, "status", "--json"));
    expect(status.keys).toMatchObject([
      { organizationId: null, keyId: 1, state: "active", provider: "local-key-file", indexes: [{ version: 1, phase: "steady" }] },
    ]);
    expect((await keys(db, "status")).stdout).toContain("the cell");
  });

  it("is made, and everything else done, by the operator alone", async () => {
    for (const login of ["app", "auditor"] as const) {
      for (const args of [["init"], ["status"], ["rotate"], ["rewrap"], ["retire", "1"], ["destroy", "1", "--yes"]]) {
        const result = await runCli(["keys", ...args], { env: environmentOf(db, login) });
        expect([args, result]).toMatchObject([args, { code: EXIT.failed, stderr: expect.stringContaining("operator_login") }]);
      }
    }
  });

  it("is neither retired nor destroyed while it seals, and nothing that there is not", async () => {
    for (const args of [["retire", "1"], ["retire", "7"], ["destroy", "1", "--yes"], ["destroy", "7", "--yes"]]) {
      expect([args, (await keys(db, ...args)).code]).toEqual([args, EXIT.failed]);
    }
    for (const args of [["retire", "one"], ["rotate", "--batch", "0"], ["rotate", "--organization", "acme"]]) {
      expect([args, (await keys(db, ...args)).code]).toEqual([args, EXIT.usage]);
    }
    expect(await keys(db, "rotate", "--organization", randomUUID())).toMatchObject({ code: EXIT.failed });
  });
});

describe("a rotation that is killed at every batch", () => {
  const db = useDatabase({ template: "pgtap" });
  const COUNT = 40;

  /** Runs it until it says so, kills it, and waits for the server to notice. */
  async function killedAt(sign: RegExp, delayMs: number, ...args: string[]): Promise<CliResult> {
    const child = startCli(["keys", "rotate", "--batch", "5", ...args], { env: environmentOf(db) });
    let said = "";
    child.stderr?.on("data", (text) => {
      said += String(text);
      if (sign.test(said)) setTimeout(() => child.kill("SIGKILL"), delayMs);
    });
    return outcome(child);
  }

  it("goes on where it was, loses nothing and does nothing twice", async () => {
    await db.admin.query(NOTES);
    expect(await keys(db, "init")).toMatchObject({ code: 0 });
    await keepMany(db, COUNT);
    expect((await keys(db, "rotate", "--dry-run")).stdout).toContain(`would rotate  to key 2 of the cell: ${COUNT} values`);

    // While the key is made, and while it waits until everybody lists it.
    expect((await killedAt(/^add/m, 0)).code).toBeNull();
    expect((await killedAt(/^activate/m, 100)).code).toBeNull();
    const { rows } = await db.admin.query("select key_id, state from tenant_keys order by 1");
    expect(rows).toEqual([
      { key_id: 1, state: "active" },
      { key_id: 2, state: "pending" },
    ]);
    expect(await jsonOf(keys(db, "rotate", "--dry-run", "--json"))).toMatchObject({ keyId: 2, resumed: true, rotated: false });
    await age(db);

    let kills = 0;
    let last: CliResult;
    let before = 0;
    for (;;) {
      // Between batches, and anywhere in the next.
      const isBetween = kills % 2 === 0;
      last = isBetween
        ? await killedAt(/rows\n/, 0, "--rows-per-second", "20")
        : await killedAt(/rows\n/, 1 + Math.floor(Math.random() * 25), "--rows-per-second", "250");
      if (last.code !== null) break;
      kills += 1;
      await expectWhole(db, COUNT);
      const { 2: done = 0 } = await under(db);
      expect(done).toBeGreaterThanOrEqual(before);
      before = done;
    }

    expect(last).toMatchObject({ code: 0, stdout: expect.stringContaining("key 2 of the cell seals") });
    expect(kills).toBeGreaterThan(8);
    await expectWhole(db, COUNT);
    expect(await under(db)).toEqual({ 2: COUNT });
    expect(await told(db, "key.reencrypted", `{"field_id": ${FIELD}}`)).toBe(COUNT);
    expect(await told(db, "blind_index.backfilled", '{"table": "note_indexes"}')).toBe(COUNT);
    expect(await told(db, "blind_index.swept", '{"table": "note_indexes"}')).toBe(COUNT);
    expect((await db.admin.query("select version, count(*)::integer from note_indexes group by 1")).rows).toEqual([
      { version: 2, count: COUNT },
    ]);
    const status = await jsonOf<{ keys: unknown[] }>(keys(db, "status", "--json"));
    expect(status.keys).toMatchObject([
      { keyId: 1, state: "retired", values: [], indexes: [] },
      { keyId: 2, state: "active", values: [{ field: "notes.note", count: COUNT }], indexes: [{ version: 2, phase: "steady" }] },
    ]);
  });

  it("and one that is over is begun anew, with the next key", async () => {
    expect(await jsonOf(keys(db, "rotate", "--dry-run", "--json"))).toMatchObject({ keyId: 3, resumed: false, values: COUNT });
  });

  it("leaves a key that is destroyed once somebody says yes", async () => {
    expect(await keys(db, "destroy", "1")).toMatchObject({ code: EXIT.refused });
    expect((await keys(db, "destroy", "1", "--dry-run")).stdout).toContain("would destroy");
    expect(await keys(db, "destroy", "1", "--yes")).toMatchObject({ code: 0 });
    expect(await keys(db, "destroy", "1", "--yes")).toMatchObject({ code: EXIT.failed });
    const { rows } = await db.admin.query("select state, wrapped, db_share from tenant_keys where key_id = 1");
    expect(rows).toEqual([{ state: "destroyed", wrapped: null, db_share: null }]);
    await expectWhole(db, COUNT);
  });
});

describe("a value that does not open", () => {
  const db = useDatabase({ template: "pgtap" });

  it("ends a rotation, which says where it is, and goes on once it is settled", async () => {
    await db.admin.query(NOTES);
    await keys(db, "init");
    await keepMany(db, 4);
    const { rows } = await db.admin.query<{ id: string }>("select id from notes order by id offset 2 limit 1");
    const { id } = rows[0]!;
    // As a disk would: past the trigger, which lets nothing in that was not sealed just now.
    await db.admin.query(`
      begin;
      set local session_replication_role = replica;
      update notes set note = set_byte(note, 40, get_byte(note, 40) # 1) where id = '${id}';
      commit`);

    const rotation = keys(db, "rotate", "--batch", "1");
    while ((await db.admin.query("select from tenant_keys where state = 'pending'")).rowCount === 0) await sleep(50);
    const { code, stderr } = await rotation;
    expect({ code, stderr }).toMatchObject({ code: EXIT.failed, stderr: expect.stringContaining(`Field ${FIELD} of row ${id}`) });
    expect(await under(db)).toEqual({ 1: 2, 2: 2 });
    expect(await keys(db, "retire", "1")).toMatchObject({ code: EXIT.failed, stderr: expect.stringContaining("still needed") });

    await inUnlockedCell(db.admin, (client) => client.query("select keep_note($1, 'said again')", [id]));
    expect(await jsonOf(keys(db, "rotate", "--json"))).toMatchObject({ resumed: true, reencrypted: 1, retired: [1] });
    await expectWhole(db, 4);
  });
});

describe("a row that somebody holds", () => {
  const db = useDatabase({ template: "pgtap" });

  it("is waited for, and no other", async () => {
    await db.admin.query(NOTES);
    await keys(db, "init");
    await keepMany(db, 6);
    const holder = await db.admin.connect();
    const child = startCli(["keys", "rotate", "--batch", "2"], { env: environmentOf(db) });
    const ended = outcome(child);
    // Once the new key seals, and knowing nothing of keys, so that it is not waited for before.
    while ((await db.admin.query("select from tenant_keys where state = 'pending'")).rowCount === 0) await sleep(50);
    await age(db);
    await holder.query("begin");
    await holder.query("select id from notes order by id limit 1 for update");
    while ((await under(db))[2] !== 5) await sleep(50);
    await sleep(500);
    expect(await under(db)).toEqual({ 1: 1, 2: 5 });
    await holder.query("commit");
    holder.release();
    expect(await ended).toMatchObject({ code: 0, stdout: expect.stringContaining("retired: 1") });
    expect(await under(db)).toEqual({ 2: 6 });
    await expectWhole(db, 6);
  });
});

describe("eight who write and read while a key rotates", () => {
  const db = useDatabase();

  it("notice nothing: no read fails, no write, and nothing is missed", async () => {
    await db.admin.query(NOTES);
    await keepMany(db, 100);
    const ann = await newPerson(db, "ann");
    const clients = await Promise.all([connectForTest(db), connectForTest(db)]);
    const kept = new Map<string, string>();
    let isOver = false;
    const counts = { reads: 0, writes: 0, lookups: 0, signIns: 0 };

    const read = async (tx: Transaction, id: string): Promise<string | undefined> => {
      const { rows } = await tx.query(`select (open_fields(${FIELD}, array[id], array[note]))[1] as note from notes where id = $1`, [id]);
      return (rows[0] as { note: string } | undefined)?.note;
    };
    async function work(number: number): Promise<void> {
      const client = clients[number % clients.length]!;
      for (let turn = 0; !isOver; turn += 1) {
        const id = turn % 3 === 2 ? [...kept.keys()].find((one) => kept.get(one)?.startsWith(`${number}:`)) ?? randomUUID() : randomUUID();
        const note = `${number}: ${turn}`;
        await client.withSession(ann.sessionToken, async (tx) => {
          await tx.unlock();
          await tx.query("select keep_note($1, $2)", [id, note]);
        });
        kept.set(id, note);
        counts.writes += 1;
        await client.withSession(ann.sessionToken, async (tx) => {
          await tx.unlock();
          expect(await read(tx, id)).toBe(note);
          counts.reads += 1;
          const { rows } = await tx.query("select find_note($1) as id", [note]);
          expect(rows).toEqual([{ id }]);
          counts.lookups += 1;
          // What nobody changes, from before it all.
          const [{ id: old }] = (await tx.query("select find_note($1) as id", [`note ${1 + (turn % 100)}`])).rows as [{ id: string | null }];
          expect(old).not.toBeNull();
          expect(await read(tx, old!)).toBe(`note ${1 + (turn % 100)}`);
        });
      }
    }

    // And one who signs in, whose attempts become evidence under the key they began under.
    const bea = await newPerson(db, "bea");
    async function signInAgainAndAgain(): Promise<void> {
      for (; !isOver; counts.signIns += 1) {
        const { email, password } = bea;
        await clients[0].signIn({ email, password, ipAddress: "203.0.113.7" });
        await sleep(500);
      }
    }

    const workers = Array.from({ length: 8 }, (_, number) => work(number));
    const working = Promise.all([...workers, signInAgainAndAgain()]);
    const rotation = await Promise.race([keys(db, "rotate", "--batch", "10", "--json"), working.then(() => undefined)]);
    isOver = true;
    await working;
    for (const client of clients) await client.close();

    expect(rotation).toMatchObject({ code: 0 });
    expect(JSON.parse(rotation!.stdout)).toMatchObject({ keyId: 2, rotated: true });
    expect(counts.writes).toBeGreaterThan(50);
    expect(counts.signIns).toBeGreaterThan(5);
    await inUnlockedCell(db.admin, async (client) => {
      const { rows } = await client.query<{ email: string; from: string; keys: number[]; found: boolean }>(
        `select opened.email, opened.ip_address as from, array[_key_id_of(log.email), _key_id_of(log.ip_address)] as keys,
           ip_index = any (ip_address_indexes('203.0.113.7')) as found
         from access_attempt_logs as log
         cross join lateral open_attempts(array[log.id], array[user_id], array[log.email], array[log.ip_address]) as opened
         where user_id = $1`,
        [bea.userId],
      );
      expect(rows).toHaveLength(counts.signIns);
      expect(rows.filter(({ email, from, found }) => email !== bea.email || from !== "203.0.113.7" || !found)).toEqual([]);
      expect(new Set(rows.flatMap(({ keys }) => keys))).toEqual(new Set([1, 2]));
    });
    expect(await under(db)).toEqual({ 2: 100 + kept.size });
    await expectWhole(db, 100 + kept.size);
    for (const [id, note] of kept) {
      const [row] = await inUnlockedCell(db.admin, async (client) => (await client.query("select find_note($1) as id", [note])).rows as { id: string }[]);
      expect(row).toEqual({ id });
    }
  });
});

describe("somebody who reads keys, and does not end", () => {
  const db = useDatabase({ template: "pgtap" });

  it("is named to whoever rotates, without a word of what they do, and ended by a DBA", async () => {
    expect(await keys(db, "init")).toMatchObject({ code: 0 });
    const held = new pg.Client({ connectionString: db.connectionString("app"), application_name: "clinic api" });
    held.on("error", () => undefined);
    await held.connect();
    await held.query(`begin; select count(*) as what_it_does from ${quoteIdentifier(db.cell)}.list_wrapped_shares()`);
    const { rows } = await held.query<{ pid: number; login: string }>("select pg_backend_pid() as pid, session_user as login");
    const { pid, login } = rows[0]!;

    const child = startCli(["keys", "rotate"], { env: environmentOf(db) });
    let said = "";
    child.stderr?.on("data", (text) => (said += String(text)));
    const ended = outcome(child);
    const isSaid = async (what: string) => {
      while (!said.includes(what)) await sleep(50);
    };
    await isSaid("activate");
    await isSaid("pg_terminate_backend");
    expect(said).toContain(`waiting for transactions that began earlier: process ${String(pid)} of ${login} ('clinic api')`);
    expect(said).not.toContain("what_it_does");

    await db.admin.query("select pg_terminate_backend($1)", [pid]);
    expect(await ended).toMatchObject({ code: 0, stdout: expect.stringContaining("rotated  key 2 of the cell seals") });
    await held.end().catch(() => undefined);
  });
});

describe("another master key", () => {
  const db = useDatabase({ template: "pgtap" });
  const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
  let kms: AwsKmsServer;
  let directory: string;

  beforeAll(async () => {
    kms = await startAwsKms();
    kms.addIdentity(credentials);
    directory = await mkdtemp(join(tmpdir(), "safetypin-test-rewrap-"));
  });
  afterAll(async () => {
    await kms.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const withKms = (...args: string[]) =>
    runCli(["keys", ...args], {
      env: {
        DATABASE_URL: db.connectionString("operator"),
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        AWS_CONFIG_FILE: join(directory, "none"),
        AWS_SHARED_CREDENTIALS_FILE: join(directory, "none"),
      },
    });

  it("wraps every share, and touches no value", async () => {
    const [old, next] = [kms.createKey("eu-central-1"), kms.createKey("eu-central-1")];
    const address = (key: string, also = "") => `aws-kms://${key}?endpoint=${encodeURIComponent(kms.url)}${also}`;
    const to = address(next, `&also=${old}`);
    expect(await withKms("init", "--keys", address(old))).toMatchObject({ code: 0 });
    const wrappedBy = async () => (await db.admin.query<{ name: string }>("select key_name as name from tenant_keys")).rows;
    expect(await wrappedBy()).toEqual([{ name: old }]);

    expect(await withKms("rewrap", "--keys", address(next))).toMatchObject({ code: EXIT.left });
    expect((await withKms("rewrap", "--keys", address(old), "--to", to, "--dry-run")).stdout).toContain("would rewrap");
    expect(await wrappedBy()).toEqual([{ name: old }]);
    kms.requests.length = 0;
    expect(await jsonOf(withKms("rewrap", "--to", to, "--json"))).toMatchObject({ keys: [{ keyId: 1, from: old, to: next, rewrapped: true }] });
    // Proven: what is kept was unwrapped by the service, by the new key.
    expect(kms.requests.map(({ operation }) => operation)).toEqual(["ReEncrypt", "Decrypt"]);
    expect(await wrappedBy()).toEqual([{ name: next }]);
    expect(await jsonOf(withKms("rewrap", "--to", to, "--json"))).toMatchObject({ keys: [{ rewrapped: false }] });

    // The old one may go.
    kms.setState(old, "gone");
    const { rows } = await db.admin.query("select count(*)::integer as rewrapped from auth_audit_logs where event_type = 'key.rewrapped'");
    expect(rows).toEqual([{ rewrapped: 1 }]);
    const rotated = withKms("rotate", "--keys", address(next), "--json");
    while ((await db.admin.query("select from tenant_keys where state = 'pending'")).rowCount === 0) await sleep(50);
    expect(await jsonOf(rotated)).toMatchObject({ keyId: 2, retired: [1] });
  });
});
