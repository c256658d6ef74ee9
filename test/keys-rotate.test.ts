import { randomBytes, randomUUID } from "node:crypto";
import { chmod, copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import pg from "pg";

import { EXIT } from "../src/cli/exit-codes.js";
import { inTransaction } from "../src/keys/in-transaction.js";
import { createKeyFile, rotateKeyFile } from "../src/keys/key-file.js";
import { localKeyFile } from "../src/keys/local-key-file.js";
import { activateKey, addKey } from "../src/keys/new-key.js";
import { rotateKey } from "../src/keys/rotate-key.js";
import { quoteIdentifier } from "../src/migrations/cell.js";
import { startAwsKms, type AwsKmsServer } from "./support/aws-kms-server.js";
import { outcome, runCli, startCli, type CliResult } from "./support/cli.js";
import { connectForTest, newPerson, reveal, type Person } from "./support/client.js";
import { useDatabase, type TestDatabase } from "./support/database.js";
import { expectWhole, FIELD, FOUND_NOTES, keepMany, under } from "./support/found-notes.js";
import { inUnlockedCell } from "./support/keys.js";

jest.setTimeout(300_000);

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

const isPending = async (db: TestDatabase): Promise<boolean> =>
  (await db.admin.query("select from tenant_keys where state = 'pending'")).rowCount !== 0;

/**
 * Begins a rotation, so that another goes on with it: its key was added a while ago, and
 * everybody lists it. That this is waited for is what test/races/rotation.test.ts shows.
 */
async function begin(db: TestDatabase, env: Readonly<Record<string, string>> = environmentOf(db), ...args: string[]): Promise<void> {
  const child = startCli(["keys", "rotate", ...args], { env });
  const ended = outcome(child);
  while (!(await isPending(db))) await sleep(20);
  child.kill("SIGKILL");
  await ended;
  await db.admin.query("select tests.age_keys('pending', 'creation_time', '2 minutes')");
}

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

    // Three at once, all of whom are kept from it until each has begun: one makes it, the others find it made.
    const organizationId = randomUUID();
    const holder = await db.admin.connect();
    await holder.query("insert into organizations (id, slug, name, status) values ($1, 'acme-1234', 'Acme', 'inactive')", [organizationId]);
    await holder.query("begin");
    await holder.query("select from organizations where id = $1 for update", [organizationId]);
    const making = Array.from({ length: 3 }, () => jsonOf<{ made: boolean }>(keys(db, "init", "--organization", organizationId, "--json")));
    await sleep(2_000);
    await holder.query("commit");
    holder.release();
    expect((await Promise.all(making)).filter(({ made }) => made)).toHaveLength(1);
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
    for (const args of [
      ["retire", "one"], ["rotate", "--batch", "0"], ["rotate", "--organization", "acme"],
      ["rewrap", "--keys", "aws-kms://alias/x"], ["rewrap", "--to", "vault:transit"], ["init", "--keys", "gcp-kms://?endpoint=x"],
    ]) {
      expect([args, (await keys(db, ...args)).code]).toEqual([args, EXIT.usage]);
    }
    expect(await keys(db, "rotate", "--organization", randomUUID())).toMatchObject({ code: EXIT.failed });
  });
});

describe("a value that does not open", () => {
  const db = useDatabase({ template: "pgtap" });

  it("ends a rotation, which says where it is, and goes on once it is settled", async () => {
    await db.admin.query(FOUND_NOTES);
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

    await begin(db);
    const { code, stderr } = await keys(db, "rotate", "--batch", "1");
    expect({ code, stderr }).toMatchObject({ code: EXIT.failed, stderr: expect.stringContaining(`Field ${FIELD} of row ${id}`) });
    expect(await under(db)).toEqual({ 1: 2, 2: 2 });
    expect(await keys(db, "retire", "1")).toMatchObject({ code: EXIT.failed, stderr: expect.stringContaining("still needed") });

    await inUnlockedCell(db.admin, (client) => client.query("select keep_note($1, 'said again')", [id]));
    // Under a snapshot no key is retired: the command has none, whatever its login begins otherwise.
    const env = { ...environmentOf(db), PGOPTIONS: "-c default_transaction_isolation=serializable" };
    expect(await jsonOf(runCli(["keys", "rotate", "--json"], { env }))).toMatchObject({ resumed: true, reencrypted: 1, retired: [1] });
    await expectWhole(db, 4);
  });
});

describe("a row that somebody holds", () => {
  const db = useDatabase({ template: "pgtap" });

  it("is waited for, and no other", async () => {
    await db.admin.query(FOUND_NOTES);
    await keys(db, "init");
    await keepMany(db, 6);
    const holder = await db.admin.connect();
    await begin(db);
    // Knowing nothing of keys, so that it is not waited for before.
    await holder.query("begin");
    await holder.query("select id from notes order by id limit 1 for update");
    const child = startCli(["keys", "rotate", "--batch", "2"], { env: environmentOf(db) });
    const ended = outcome(child);
    while ((await under(db))[2] !== 5) await sleep(50);
    await sleep(500);
    expect(await under(db)).toEqual({ 1: 1, 2: 5 });
    await holder.query("commit");
    holder.release();
    const { code, stdout, stderr } = await ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("retired: 1") });
    expect(await under(db)).toEqual({ 2: 6 });

    const progress = [...stderr.matchAll(/^(\d+)\/(\d+) \S+: (\d+) rows$/gm)].map((line) => line.slice(1).map(Number));
    let sealed = 0;
    for (const [done, total, rows] of progress) expect([done, total]).toEqual([(sealed += rows!), progress[0]![1]]);
    expect(sealed).toBe(progress[0]![1]);
    expect(stderr.match(/^\d+\/\d+ /gm)).toHaveLength(progress.length);
    await expectWhole(db, 6);
  });

  it("and what is under no key any more is destroyed once somebody says yes", async () => {
    const status = await jsonOf<{ keys: unknown[] }>(keys(db, "status", "--json"));
    expect(status.keys).toMatchObject([
      { keyId: 1, state: "retired", values: [], indexes: [] },
      { keyId: 2, state: "active", indexes: [{ version: 2, phase: "steady" }] },
    ]);
    expect(await keys(db, "destroy", "1")).toMatchObject({ code: EXIT.refused });
    expect((await keys(db, "destroy", "1", "--dry-run")).stdout).toContain("would destroy");
    expect(await keys(db, "destroy", "1", "--yes")).toMatchObject({ code: 0 });
    expect(await keys(db, "destroy", "1", "--yes")).toMatchObject({ code: EXIT.failed });
    const { rows } = await db.admin.query("select state, wrapped, db_share from tenant_keys where key_id = 1");
    expect(rows).toEqual([{ state: "destroyed", wrapped: null, db_share: null }]);
    await expectWhole(db, 6);
  });
});

describe("somebody who holds a row, and does not end", () => {
  const db = useDatabase({ template: "pgtap" });

  /** Stays in a transaction of a session, with a row of that person's held, until it is told to end. */
  async function hold(name: string, statement: string): Promise<{ pid: string; release: () => Promise<void> }> {
    const client = await connectForTest(db);
    const { sessionToken } = await newPerson(db, name);
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let ended: Promise<unknown> = Promise.resolve();
    const pid = await new Promise<string>((resolve, reject) => {
      ended = client.withSession(sessionToken, async (tx) => {
        await tx.query(statement);
        const { rows } = await tx.query("select pg_backend_pid() as pid");
        resolve(String((rows[0] as { pid: number }).pid));
        await released;
      });
      ended.catch(reject);
    });
    return {
      pid,
      release: async () => {
        release();
        await ended;
        await client.close();
      },
    };
  }

  it("is passed over, also where an index refers to the row; is named, and waited for only so long", async () => {
    expect(await keys(db, "init")).toMatchObject({ code: 0 });
    await newPerson(db, "cleo");
    await begin(db);

    const bea = await hold("bea", "select id from users where id = (select current_user_id()) for update");
    const ann = await hold("ann", "update users set first_name = 'Anna' where id = (select current_user_id())");
    const operator = await db.pool("operator").connect();
    const { rows } = await db.admin.query<{ cellId: string }>('select id as "cellId" from cell_settings');
    const waited: (string | undefined)[] = [];
    const began = performance.now();
    const failure: unknown = await rotateKey(operator, {
      provider: localKeyFile({ environment: "test" }),
      cellId: rows[0]!.cellId,
      organizationId: null,
      patienceMs: 1_500,
      onWait: (whom) => waited.push(whom),
    }).catch((error: unknown) => error);
    operator.release();
    expect(failure).toMatchObject({ code: "SP424", message: "1 rows of password_history are not indexed in version 2" });
    expect(performance.now() - began).toBeLessThan(15_000);
    for (const said of [...waited, (failure as pg.DatabaseError).detail]) {
      for (const { pid } of [ann, bea]) expect(said).toContain(`process ${pid} of ${db.cell}_app_login`);
    }

    const child = startCli(["keys", "rotate"], { env: environmentOf(db) });
    let said = "";
    child.stderr?.on("data", (text) => (said += String(text)));
    const ended = outcome(child);
    while (!said.includes("pg_terminate_backend")) await sleep(50);
    expect(said).toContain(`process ${bea.pid} of`);
    await ann.release();
    // Bea's row is all that is left: everybody else is sealed anew and indexed.
    await sleep(1_000);
    await bea.release();
    expect(await ended).toMatchObject({ code: 0, stdout: expect.stringContaining("retired: 1") });
    const { rows: indexed } = await db.admin.query("select version, count(distinct user_id)::integer as people from password_history_indexes group by 1");
    expect(indexed).toEqual([{ version: 2, people: 3 }]);
  });

  it("is named where it holds what a phase is read from, under a snapshot", async () => {
    const client = await db.admin.connect();
    await client.query("begin isolation level repeatable read");
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid, _written_versions(null)");
    const refusal = { code: "SP423", detail: expect.stringContaining(`process ${String(rows[0]!.pid)} of`) };
    for (const call of ["begin_index_rotation()", "cut_over_index()"]) {
      await expect(db.pool("operator").query(`select ${call}`)).rejects.toMatchObject(refusal);
    }
    await client.query("rollback");
    client.release();
    await expect(db.pool("operator").query("select cut_over_index()")).rejects.toMatchObject({ code: "SP421" });
  });

  it("is named where it holds an index of a version that ended", async () => {
    await db.admin.query(
      `insert into user_email_indexes (user_id, version, email_index, domain_index)
       select user_id, 1, email_index, domain_index from user_email_indexes where version = 2`,
    );
    const client = await db.admin.connect();
    await client.query("begin");
    await client.query("delete from user_email_indexes where version = 1");
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    const sweep = () => db.pool("operator").query("select delete_index_batch('user_email_indexes', null) as count");
    await expect(sweep()).rejects.toMatchObject({
      code: "SP423",
      detail: expect.stringContaining(`process ${String(rows[0]!.pid)} of`),
    });
    await client.query("rollback");
    client.release();
    expect((await sweep()).rows).toEqual([{ count: 3 }]);
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

    await begin(db);
    // It is waited for longer than the login lets a statement take.
    const child = startCli(["keys", "rotate"], { env: { ...environmentOf(db), PGOPTIONS: "-c statement_timeout=3s" } });
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

describe("a key that does not open", () => {
  const db = useDatabase();
  let folder: string;
  let ann: Person;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "safetypin-test-closed-"));
    ann = await newPerson(db, "ann");
  });
  afterAll(() => rm(folder, { recursive: true }));

  const states = async () =>
    (
      await db.admin.query<{ key: string }>(
        "select key_id || ' ' || state as key from tenant_keys where organization_id is null order by key_id",
      )
    ).rows.map(({ key }) => key);

  /** By a process that has nothing in memory. */
  async function signIn(): Promise<void> {
    const safetypin = await connectForTest(db);
    try {
      const { sessionToken, refreshToken } = await safetypin.signIn({ email: ann.email, password: ann.password });
      [sessionToken, refreshToken].forEach(reveal);
    } finally {
      await safetypin.close();
    }
  }

  async function asOperator<Result>(work: (client: pg.PoolClient, cellId: string) => Promise<Result>): Promise<Result> {
    const client = await db.pool("operator").connect();
    try {
      const { rows } = await client.query<{ id: string }>("select id from cell_settings");
      return await inTransaction(client, () => work(client, rows[0]!.id));
    } finally {
      client.release();
    }
  }

  it("begins nothing by a master key that applications do not have, and does not say that it would", async () => {
    const other = join(folder, "other.json");
    await createKeyFile(other);
    const both = join(folder, "both.json");
    await copyFile(keyFile(), both);
    await chmod(both, 0o600);
    await rotateKeyFile(both);

    for (const [file, says] of [
      [other, /Key 1 of the cell does not open, and it is the one that seals: there is no key .*Name the master key that applications have/s],
      [both, /Key 1 of the cell was wrapped by .*, and these keys wrap by another: .*safetypin keys rewrap, then rotate/s],
    ] as const) {
      for (const args of [[], ["--dry-run"]]) {
        const { code, stdout, stderr } = await keys(db, "rotate", ...args, "--keys", `file:${file}`);
        expect({ code, stdout, stderr }).toEqual({ code: EXIT.failed, stdout: "", stderr: expect.stringMatching(says) });
      }
    }
    expect(await states()).toEqual(["1 active"]);
    await signIn();
  });

  it("is made anew where it is pending, and nobody notices", async () => {
    const provider = localKeyFile({ environment: "test", path: join(folder, "other.json") });
    await asOperator((client, cellId) => addKey(client, { provider, cellId, organizationId: null }));
    await signIn();
    expect(await jsonOf(keys(db, "rotate", "--dry-run", "--json"))).toMatchObject({
      keyId: 2, resumed: true, steps: ["renew", "activate", "reencrypt", "index", "retire"], closed: [],
    });

    // Who has listed it as it was goes on while it is made anew, and after it seals.
    const safetypin = await connectForTest(db);
    const rotation = keys(db, "rotate");
    try {
      let isOver = false;
      const ended = rotation.finally(() => (isOver = true));
      let count = 0;
      while (!isOver) {
        const { sessionToken, refreshToken } = await safetypin.signIn({ email: ann.email, password: ann.password });
        [sessionToken, refreshToken].forEach(reveal);
        count += 1;
        await sleep(200);
      }
      const { code, stdout, stderr } = await ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^renew {2}key 2/m) });
      expect(stdout).toContain("rotated  key 2 of the cell seals");
      expect(count).toBeGreaterThan(5);
    } finally {
      await safetypin.close();
    }
    // Evidence of who signed in stays under the first.
    expect(await states()).toEqual(["1 decrypt_only", "2 active"]);
    const { rows } = await db.admin.query("select additional_data ->> 'key_id' as key from auth_audit_logs where event_type = 'key.renewed'");
    expect(rows).toEqual([{ key: "2" }]);
    await signIn();
  });

  it("stops no rotation where only evidence is under it, and is named", async () => {
    await db.admin.query("update tenant_keys set wrapped = $1 where organization_id is null and key_id = 1", [randomBytes(61)]);
    await signIn();
    const provider = localKeyFile({ environment: "test" });
    await asOperator((client, cellId) => addKey(client, { provider, cellId, organizationId: null }));
    await db.admin.query(`
      alter table tenant_keys disable trigger _500_only_forward;
      update tenant_keys set creation_time = now() - interval '2 minutes' where state = 'pending';
      alter table tenant_keys enable always trigger _500_only_forward`);

    const planned = await keys(db, "rotate", "--dry-run", "--json");
    expect(planned.code).toBe(EXIT.left);
    expect(JSON.parse(planned.stdout)).toMatchObject({
      keyId: 3, closed: [{ keyId: 1, failure: expect.stringContaining("does not open this share") }], rotated: false,
    });
    const { code, stdout } = await keys(db, "rotate");
    expect({ code, stdout }).toEqual({
      code: EXIT.left,
      stdout: expect.stringMatching(/rotated {2}key 3 of the cell seals.*left {2}key 1 of the cell does not open/s),
    });
    expect((await states()).filter((key) => !key.startsWith("2"))).toEqual(["1 decrypt_only", "3 active"]);
    await signIn();
  });

  it("is not begun with where values are to be sealed anew from it", async () => {
    await asOperator(async (client, cellId) => {
      const key = { provider: localKeyFile({ environment: "test" }), cellId, organizationId: null };
      await activateKey(client, await addKey(client, key), key);
    });
    const before = await states();
    expect(before.slice(2)).toEqual(["3 decrypt_only", "4 active"]);
    const { rows } = await db.admin.query<{ wrapped: Buffer }>("select wrapped from tenant_keys where organization_id is null and key_id = 3");
    const replace = (bytes: Buffer) =>
      db.admin.query("update tenant_keys set wrapped = $1 where organization_id is null and key_id = 3", [bytes]);
    await replace(randomBytes(61));
    for (const args of [[], ["--dry-run"]]) {
      expect(await keys(db, "rotate", ...args)).toMatchObject({
        code: EXIT.failed,
        stderr: expect.stringMatching(/Key 3 of the cell does not open, and values of \S+ are to be sealed anew from it.*rewrap --copy/s),
      });
    }
    expect(await states()).toEqual(before);
    await replace(rows[0]!.wrapped);
    expect((await keys(db, "rotate")).code).toBe(EXIT.left);
    await signIn();
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

  const environmentOfKms = () => ({
    DATABASE_URL: db.connectionString("operator"),
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_CONFIG_FILE: join(directory, "none"),
    AWS_SHARED_CREDENTIALS_FILE: join(directory, "none"),
  });
  const withKms = (...args: string[]) => runCli(["keys", ...args], { env: environmentOfKms() });

  it("wraps every share, and touches no value", async () => {
    const [old, next] = [kms.createKey("eu-central-1"), kms.createKey("eu-central-1")];
    const address = (key: string, also = "") => `aws-kms://${key}?endpoint=${encodeURIComponent(kms.url)}${also}`;
    const to = address(next, `&also=${old}`);
    // What the service refuses is told with what to do about it.
    kms.setState(old, "Disabled");
    expect(await withKms("init", "--keys", address(old))).toMatchObject({
      code: EXIT.failed,
      stderr: expect.stringContaining(`safetypin: the key ${old} is disabled\n  aws kms enable-key --key-id ARN\n`),
    });
    expect(JSON.parse((await withKms("init", "--keys", address(old), "--json")).stdout)).toMatchObject({
      error: { code: "master_key_disabled", remedy: "aws kms enable-key --key-id ARN" },
    });
    kms.setState(old, "Enabled");
    expect(await withKms("init", "--keys", address(old))).toMatchObject({ code: 0 });
    const wrappedBy = async () => (await db.admin.query<{ name: string }>("select key_name as name from tenant_keys")).rows;
    expect(await wrappedBy()).toEqual([{ name: old }]);

    expect(await withKms("rewrap", "--keys", address(next))).toMatchObject({ code: EXIT.left });
    expect((await withKms("rewrap", "--keys", address(old), "--to", to, "--dry-run")).stdout).toContain("would rewrap");
    expect(await wrappedBy()).toEqual([{ name: old }]);
    kms.requests.length = 0;
    expect(await jsonOf(withKms("rewrap", "--to", to, "--json"))).toMatchObject({ keys: [{ keyId: 1, from: old, to: next, rewrapped: true }] });
    // Proven: what is wrapped anew is the key's share, and what is kept was unwrapped by the service, by the new key.
    expect(kms.requests.map(({ operation }) => operation)).toEqual(["Decrypt", "ReEncrypt", "Decrypt"]);
    expect(await wrappedBy()).toEqual([{ name: next }]);
    expect(await jsonOf(withKms("rewrap", "--to", to, "--json"))).toMatchObject({ keys: [{ rewrapped: false }] });

    // The old one may go.
    kms.setState(old, "gone");
    const { rows } = await db.admin.query("select count(*)::integer as rewrapped from auth_audit_logs where event_type = 'key.rewrapped'");
    expect(rows).toEqual([{ rewrapped: 1 }]);
    await begin(db, environmentOfKms(), "--keys", address(next));
    expect(await jsonOf(withKms("rotate", "--keys", address(next), "--json"))).toMatchObject({ keyId: 2, retired: [1] });
  });
});
