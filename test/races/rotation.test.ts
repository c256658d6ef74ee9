import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { EXIT } from "../../src/cli/exit-codes.js";
import { localKeyFile } from "../../src/keys/local-key-file.js";
import { planKeyRotation } from "../../src/keys/rotate-key.js";
import type { SafetyPin } from "../../src/safetypin.js";
import type { Transaction } from "../../src/transaction.js";
import { outcome, runCli, startCli, type CliResult } from "../support/cli.js";
import { connectForTest, newPerson, type Person } from "../support/client.js";
import { useDatabase } from "../support/database.js";
import { expectWhole, FIELD, FOUND_NOTES, keepMany, told, under } from "../support/found-notes.js";
import { inUnlockedCell } from "../support/keys.js";

jest.setTimeout(180_000);

/** Notes that nobody writes, and how many each of eight writes over and over. */
const QUIET = 24;
const WORKERS = 8;
const OWN = 2;
const COUNT = QUIET + WORKERS * OWN;
const BATCH = 8;

/** What is done to a row, by whom: a rotation is the operator's, and everything else an application's. */
const HISTORY = `
  begin;
    create table done (seq bigint generated always as identity, about text, id uuid, before integer, after integer, by name);
    create function note_done() returns trigger language plpgsql security definer set search_path from current
      as $$ begin
        if tg_table_name = 'notes' then
          insert into done (about, id, before, after, by)
          values ('sealed', new.id, _key_id_of(old.note), _key_id_of(new.note), session_user);
        elsif tg_op = 'DELETE' then
          insert into done (about, id, before, by) values ('swept', old.note_id, old.version, session_user);
        else
          insert into done (about, id, after, by) values ('indexed', new.note_id, new.version, session_user);
        end if;
        return null;
      end $$;
    create trigger _999_done after update on notes for each row when (old.note <> new.note) execute function note_done();
    create trigger _999_done after insert or update or delete on note_indexes for each row execute function note_done();
  commit`;

describe("a rotation that is killed at every batch, and eight who write and read meanwhile", () => {
  const db = useDatabase();
  const notes = new Map<string, string>();
  let clients: SafetyPin[];
  let ann: Person;
  let bea: Person;
  let isOver = false;
  const counts = { writes: 0, signIns: 0 };

  const environment = () => ({
    DATABASE_URL: db.connectionString("operator"),
    SAFETYPIN_KEY_FILE: process.env["SAFETYPIN_KEY_FILE"]!,
  });
  const keys = (...args: string[]): Promise<CliResult> => runCli(["keys", ...args], { env: environment() });

  /** The login that rotates, and nobody else. */
  const operator = () => new URL(db.connectionString("operator")).username;

  /** Kills the process itself, or the server's process that works for it. */
  const WAYS = {
    process: (child: { kill(signal: "SIGKILL"): boolean }) => void child.kill("SIGKILL"),
    backend: () =>
      void db.admin.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = $1 and application_name = 'safetypin'", [operator()]),
  };

  async function killedAt(sign: RegExp, way: keyof typeof WAYS, delayMs: number): Promise<CliResult> {
    const child = startCli(["keys", "rotate", "--batch", String(BATCH), "--rows-per-second", "100"], { env: environment() });
    let said = "";
    let isKilled = false;
    child.stderr?.on("data", (text) => {
      said += String(text);
      if (isKilled || !sign.test(said)) return;
      isKilled = true;
      setTimeout(() => WAYS[way](child), delayMs);
    });
    return outcome(child);
  }

  async function read(tx: Transaction, id: string): Promise<string | undefined> {
    const { rows } = await tx.query(`select (open_fields(${FIELD}, array[id], array[note]))[1] as note from notes where id = $1`, [id]);
    return (rows[0] as { note: string } | undefined)?.note;
  }

  const find = async (tx: Transaction, note: string): Promise<string | null> =>
    ((await tx.query("select find_note($1) as id", [note])).rows as [{ id: string | null }])[0].id;

  /** Writes its own notes over and over; reads and finds them, those it replaced, and one that nobody writes. */
  async function work(number: number): Promise<void> {
    const client = clients[number % clients.length]!;
    const own = Array.from({ length: OWN }, () => randomUUID());
    for (let turn = 0; !isOver; turn += 1) {
      const id = own[turn % OWN]!;
      const before = notes.get(id);
      const note = `${number}: ${turn}`;
      await client.withSession(ann.sessionToken, async (tx) => {
        await tx.unlock();
        await tx.query("select keep_note($1, $2)", [id, note]);
      });
      notes.set(id, note);
      counts.writes += 1;
      await client.withSession(ann.sessionToken, async (tx) => {
        await tx.unlock();
        expect(await read(tx, id)).toBe(note);
        expect(await find(tx, note)).toBe(id);
        if (before !== undefined) expect(await find(tx, before)).toBeNull();

        const quiet = `note ${1 + (turn % QUIET)}`;
        const found = await find(tx, quiet);
        expect(found).not.toBeNull();
        expect(await read(tx, found!)).toBe(quiet);
      });
      await sleep(100);
    }
  }

  /** Attempts become evidence under the key they began under. */
  async function signInAgainAndAgain(): Promise<void> {
    for (; !isOver; counts.signIns += 1) {
      const { email, password } = bea;
      await clients[0]!.signIn({ email, password, ipAddress: "203.0.113.7" });
      await sleep(1_500);
    }
  }

  /** Until nothing is left of it: a run that is begun then would be another rotation. */
  async function rotateAndDie(kills: Record<keyof typeof WAYS, number>): Promise<void> {
    // While the key is made, and while it waits until everybody lists it.
    expect((await killedAt(/^add/m, "process", 0)).code).toBeNull();
    expect((await killedAt(/^activate/m, "backend", 100)).code).toBe(EXIT.failed);
    const { rows } = await db.admin.query("select key_id, state from tenant_keys where organization_id is null order by 1");
    expect(rows).toEqual([
      { key_id: 1, state: "active" },
      { key_id: 2, state: "pending" },
    ]);
    expect(await planned()).toMatchObject({ keyId: 2, isResumed: true });

    let done = 0;
    for (let number = 0; await isUnfinished(); number += 1) {
      // Between batches, and anywhere in the next.
      const way = number % 2 === 0 ? "process" : "backend";
      const { code, stderr } = await killedAt(/rows\n/, way, number % 4 < 2 ? 0 : 1 + Math.floor(Math.random() * 25));
      if (code === EXIT.done) continue;
      expect({ code, stderr }).toMatchObject({ code: way === "process" ? null : EXIT.failed });
      kills[way] += 1;
      const { 2: sealed = 0 } = await under(db);
      expect(sealed).toBeGreaterThanOrEqual(done);
      done = sealed;
    }
  }

  const planned = async () => {
    const client = await db.pool("operator").connect();
    try {
      const { rows } = await client.query<{ id: string }>("select id from cell_settings");
      const provider = localKeyFile({ environment: "test" });
      return await planKeyRotation(client, { provider, cellId: rows[0]!.id, organizationId: null });
    } finally {
      client.release();
    }
  };

  async function isUnfinished(): Promise<boolean> {
    const { rowCount } = await db.admin.query("select from note_indexes where version = 1 limit 1");
    return rowCount !== 0 || (await planned()).keyId === 2;
  }

  beforeAll(async () => {
    await db.admin.query(FOUND_NOTES);
    await keepMany(db, QUIET);
    await db.admin.query(HISTORY);
    ann = await newPerson(db, "ann");
    bea = await newPerson(db, "bea");
    clients = await Promise.all([connectForTest(db), connectForTest(db)]);
  });
  afterAll(() => Promise.all(clients.map((client) => client.close())));

  it("fails no read and misses no lookup, loses nothing and does nothing twice", async () => {
    expect((await keys("rotate", "--dry-run")).stdout).toMatch(/would rotate {2}to key 2 of the cell: \d+ values/);
    const working = Promise.all([...Array.from({ length: WORKERS }, (_, number) => work(number)), signInAgainAndAgain()]);
    const kills = { process: 0, backend: 0 };
    try {
      await Promise.race([working, rotateAndDie(kills)]);
    } finally {
      isOver = true;
      await working;
    }

    expect(kills.process).toBeGreaterThan(4);
    expect(kills.backend).toBeGreaterThan(4);
    expect(counts.writes).toBeGreaterThan(50);
    expect(counts.signIns).toBeGreaterThan(5);

    await expectWhole(db, COUNT);
    expect(await under(db)).toEqual({ 2: COUNT });
    await inUnlockedCell(db.admin, async (client) => {
      for (const [id, note] of notes) {
        expect((await client.query("select find_note($1) as id", [note])).rows).toEqual([{ id }]);
      }
    });
    expect((await db.admin.query("select version, count(*)::integer from note_indexes group by 1")).rows).toEqual([
      { version: 2, count: COUNT },
    ]);
  });

  it("and what its batches say they did is what was done, to each row once", async () => {
    const { rows } = await db.admin.query<{ about: string; rows: number; ids: number; quiet: number; wrong: number }>(
      `select about, count(*)::integer as rows, count(distinct id)::integer as ids,
         (count(distinct id) filter (where id not in (select unnest($2::uuid[]))))::integer as quiet,
         (count(*) filter (where (before, after) is distinct from case about
           when 'sealed' then (1, 2) when 'indexed' then (null::integer, 2) else (1, null::integer) end))::integer as wrong
       from done where by = $1 group by about order by about`,
      [operator(), [...notes.keys()]],
    );
    const [indexed, sealed, swept] = rows;
    expect(rows.map(({ about }) => about)).toEqual(["indexed", "sealed", "swept"]);
    for (const { rows: count, ids, quiet, wrong } of rows) expect({ count, quiet, wrong }).toEqual({ count: ids, quiet: QUIET, wrong: 0 });
    expect(await told(db, "key.reencrypted", `{"field_id": ${FIELD}}`)).toBe(sealed!.rows);
    expect(await told(db, "blind_index.backfilled", '{"table": "note_indexes"}')).toBe(indexed!.rows);
    expect(await told(db, "blind_index.swept", '{"table": "note_indexes"}')).toBe(swept!.rows);
  });

  it("leaves evidence as it was, under the key of its time, and found", async () => {
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
      expect(new Set(rows.flatMap((row) => row.keys))).toEqual(new Set([1, 2]));
    });
  });

  it("and once it is over, another begins anew, with the next key", async () => {
    expect(JSON.parse((await keys("rotate", "--dry-run", "--json")).stdout)).toMatchObject({ keyId: 3, resumed: false });
  });
});
