import { execFile } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import type pg from "pg";

import { EXIT } from "../src/cli/exit-codes.js";
import { exportLedger, readLedger } from "../src/keys/shredding-ledger.js";
import { createRepositories } from "../src/repositories.js";
import type { SafetyPin } from "../src/safetypin.js";
import { outcome, runCli, startCli, type CliResult } from "./support/cli.js";
import { connectForTest, newPerson, type Person } from "./support/client.js";
import { aloneWithRoles, asAdmin, useDatabase, type Login } from "./support/database.js";
import { inUnlockedCell } from "./support/keys.js";
import "./support/errors-of-node.js";
import { connect } from "./support/template.js";

/*
 * The command, and a restore: people are shredded after a dump was taken, the dump is
 * restored, and nobody is readable in it who is not to be.
 */

jest.setTimeout(180_000);

const PHONE = "+12025550123";
const OTHERS = 60;

/** What is kept of bob in clear, and is in no dump once he is shredded. */
const MARKS = { firstName: "Bobmark", lastName: "Lastmark", jobTitle: "Titlemark", avatarUrl: "https://pictures.example/bobmark" };
const AGENT = "Agentmark/1.0";
const db = useDatabase();
const run = promisify(execFile);

let folder: string;
let restored: string | undefined;
let ann: Person;
let bob: Person;
let dora: Person;
let eve: Person;
let clinic: string;
let ledger: string;
let dump: string;
const others: string[] = [];

/** The address of a login in the restored database, or in the one that was dumped. */
function urlOf(login: Login, database = db.name): string {
  const url = new URL(db.connectionString(login));
  url.pathname = `/${database}`;
  return url.href;
}

const safetypin = (args: readonly string[], database = db.name, login: Login = "operator"): Promise<CliResult> =>
  runCli(args, {
    env: { DATABASE_URL: urlOf(login, database), SAFETYPIN_KEY_FILE: process.env["SAFETYPIN_KEY_FILE"]! },
  });

async function asSuperuser<Result>(database: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = await connect(urlOf("admin", database));
  try {
    await client.query("set search_path = safetypin, extensions, pg_temp");
    return await work(client);
  } finally {
    await client.end();
  }
}

async function jsonOf<Answer>(result: Promise<CliResult>): Promise<Answer> {
  const { code, stdout, stderr } = await result;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout) as Answer;
}

/** All rows of a database by schema, as `insert` statements. */
async function takeDump(): Promise<string> {
  const { hostname, port, username, password } = new URL(urlOf("admin"));
  const source = { host: hostname, port: Number(port), user: username, password: password || undefined, database: db.name };
  const { stdout } = await run(
    process.execPath,
    [join(__dirname, "support", "dump.mjs"), JSON.stringify({ source, args: ["--schema=safetypin"] })],
    { maxBuffer: 1 << 28 },
  );
  // The program is of PostgreSQL 18, the server may be older; the schema is bootstrap's.
  return stdout.replace(/^(\\(un)?restrict .*|SET transaction_timeout .*|(CREATE|ALTER) SCHEMA safetypin[ ;].*)$/gm, "");
}

/** A fresh database out of the dump. */
async function restore(): Promise<string> {
  const name = `safetypin_test_restored_${randomBytes(5).toString("hex")}`;
  await asAdmin((admin) => admin.query(`create database ${name}`));
  await aloneWithRoles(async () => {
    const { code, stderr } = await safetypin(["bootstrap"], name, "admin");
    expect({ code, stderr }).toMatchObject({ code: 0 });
  });
  await asSuperuser(name, (client) => client.query(`begin; ${dump}; commit`));
  return name;
}

async function drop(database: string): Promise<void> {
  await asAdmin((admin) => admin.query(`drop database if exists ${database} with (force)`));
}

/** Whether this person signs in to a database with their password. */
async function signsIn(person: Person, database: string): Promise<true | { readonly name: string; readonly code?: string; readonly message: string }> {
  let client: SafetyPin | undefined;
  try {
    client = await connectForTest(db, { connectionString: urlOf("app", database) });
    const { sessionToken } = await client.signIn({ email: person.email, password: person.password });
    const self = await client.withSession(sessionToken, (tx) => createRepositories(tx).users.getSelf());
    expect(self.email).toBe(person.email);
    return true;
  } catch (error) {
    return error as Error & { code?: string };
  } finally {
    await client?.close();
  }
}

/** Evidence and its order, to see that none is changed. */
async function readEvidence(client: Pick<pg.Client, "query">): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ id: string; row: string }>(
    `select id::text, to_jsonb(log)::text as row from auth_audit_logs as log
     union all select id::text, to_jsonb(log)::text from data_change_logs as log
     union all select id::text, to_jsonb(log)::text from access_attempt_logs as log`,
  );
  return new Map(rows.map(({ id, row }) => [id, row]));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "safetypin-shredding-"));
  ledger = join(folder, "shredded.jsonl");
  ann = await newPerson(db, "ann");
  bob = await newPerson(db, "bob");
  dora = await newPerson(db, "dora");
  eve = await newPerson(db, "eve");
  const client = await connectForTest(db);
  try {
    for (const person of [ann, bob]) {
      await client.withSession(person.sessionToken, (tx) => createRepositories(tx).users.updateOwnProfile({ phoneNumber: PHONE }));
    }
    await client.withSession(bob.sessionToken, async (tx) => {
      const { sessions, users } = createRepositories(tx);
      await users.updateOwnProfile(MARKS);
      await sessions.setData({ theme: "Datamark" });
    });
    for (const { email } of [dora, dora, dora, eve]) {
      await expect(client.signIn({ email, password: "a guess at it" })).rejects.toMatchObject({ code: "invalid_credentials" });
    }
    await db.admin.query("update sessions set user_agent = $1, ip_address = '203.0.113.77' where user_id = $2", [AGENT, bob.userId]);
    clinic = await client.withSession(ann.sessionToken, async (tx) => {
      const { organizations } = createRepositories(tx);
      const id = await organizations.create({ slug: "acme", name: "Acme Clinic" });
      await organizations.choose(id);
      await organizations.update({ billingEmail: "bills@acme.example" });
      return id;
    });
  } finally {
    await client.close();
  }
  const { rows } = await db.admin.query<{ id: string }>(
    `insert into users (first_name, last_name, status) select 'No', 'Body', 'deleted' from generate_series(1, ${OTHERS}) returning id`,
  );
  others.push(...rows.map(({ id }) => id));
  dump = await takeDump();
});

afterAll(async () => {
  if (restored !== undefined) await drop(restored);
  await rm(folder, { recursive: true, force: true });
});

describe("safetypin keys shred", () => {
  it("says what would be lost, and what keeps it, and does nothing", async () => {
    expect(await jsonOf(safetypin(["keys", "shred", "--user", bob.userId, "--dry-run", "--json"]))).toMatchObject({
      userId: bob.userId,
      organizationId: null,
      shredded: false,
      fields: expect.arrayContaining(["users.email", "users.phone_number", "password_credentials.digest"]),
    });
    expect((await safetypin(["keys", "shred", "--user", bob.userId, "--dry-run"])).stdout).toContain("users.email");
    // The last owner; one that is at work; nobody.
    for (const [args, reason] of [
      [["--user", ann.userId], "at least one owner"],
      [["--organization", clinic], "closed or suspended"],
      [["--user", randomUUID()], "there is no user"],
    ] as const) {
      const result = await safetypin(["keys", "shred", ...args, "--dry-run"]);
      expect(result).toMatchObject({ code: EXIT.failed, stderr: expect.stringContaining(reason) });
      expect(await safetypin(["keys", "shred", ...args, "--yes"])).toMatchObject({ code: EXIT.failed });
    }
    expect(await signsIn(bob, db.name)).toBe(true);
    expect(await jsonOf(safetypin(["keys", "ledger", "--json"]))).toMatchObject({ shreddings: [], exported: null });
  });

  it("asks, and is the operator's alone", async () => {
    expect(await safetypin(["keys", "shred", "--user", bob.userId])).toMatchObject({ code: EXIT.refused });
    expect(await safetypin(["keys", "replay", "--not-needed"])).toMatchObject({ code: EXIT.refused });
    expect(await safetypin(["keys", "restored"])).toMatchObject({ code: EXIT.refused });
    for (const args of [
      ["shred", "--user", bob.userId, "--yes"], ["ledger"], ["ledger", "--backup-age", "1"],
      ["replay", "--not-needed", "--yes"], ["restored", "--yes"],
    ]) {
      for (const login of ["app", "auditor", "monitor"] as const) {
        expect([args, await safetypin(["keys", ...args], db.name, login)]).toMatchObject([
          args, { code: EXIT.failed, stderr: expect.stringContaining("operator_login") },
        ]);
      }
    }
    for (const args of [
      ["shred", "--user", "bob"], ["shred", "--organization", "acme"], ["shred", "--user", bob.userId, "--organization", clinic],
      ["ledger", "--backup-age", "long"], ["ledger", "--backup-age", "9", "--export", ledger, "--dry-run"],
      ["shred"], ["replay"], ["replay", ledger, "--not-needed"],
    ]) {
      expect([args, (await safetypin(["keys", ...args])).code]).toEqual([args, EXIT.usage]);
    }
  });

  it("is told what every command would do, which does nothing then", async () => {
    const placing = ["hold", "--user", bob.userId, "--reason", "Matter 7", "--dry-run"];
    expect((await safetypin(["keys", ...placing])).stdout).toBe(`would hold  ${bob.userId}\nNobody is held.\n`);
    expect(await jsonOf(safetypin(["keys", ...placing, "--json"]))).toMatchObject({ placed: null, holds: [] });
    const { placed } = await jsonOf<{ placed: string }>(safetypin(["keys", ...placing.slice(0, -1), "--json"]));
    const releasing = ["keys", "hold", "--release", placed];
    expect((await safetypin([...releasing, "--dry-run"])).stdout).toMatch(new RegExp(`^would release  ${placed}\n[^]*Matter 7`));
    expect(await jsonOf(safetypin([...releasing, "--dry-run", "--json"]))).toMatchObject({ released: null, holds: [{ id: placed }] });
    expect(await jsonOf(safetypin([...releasing, "--json"]))).toMatchObject({ released: placed, holds: [] });

    const before = await jsonOf<{ backupAgeDays: number }>(safetypin(["keys", "ledger", "--json"]));
    const { stdout } = await safetypin(["keys", "ledger", "--backup-age", "77", "--dry-run"]);
    expect(stdout).toContain("would declare  that backups are kept for 77 days");
    expect(await jsonOf(safetypin(["keys", "ledger", "--json"]))).toEqual(before);

    expect((await safetypin(["keys", "restored", "--dry-run"])).stdout).toContain("would declare  that this database was restored");
    expect((await safetypin(["keys", "replay", "--not-needed", "--dry-run"])).stdout).toContain("keys are unlocked");
    expect(await jsonOf(safetypin(["keys", "status", "--json"]))).toMatchObject({ restored: false });
    // What would be refused is refused.
    for (const args of [
      ["hold", "--user", randomUUID(), "--reason", "x"], ["hold", "--release", placed], ["ledger", "--backup-age", "99999"],
    ]) {
      expect([args, (await safetypin(["keys", ...args, "--dry-run"])).code]).toEqual([args, EXIT.failed]);
    }
  });

  it("is kept from it by a legal hold, until that is released", async () => {
    const held = await jsonOf<{ placed: string; holds: unknown[] }>(
      safetypin(["keys", "hold", "--user", bob.userId, "--reason", "Matter 7", "--json"]),
    );
    expect(held.holds).toEqual([
      { id: held.placed, userId: bob.userId, organizationId: null, reason: "Matter 7", creationTime: expect.any(String) },
    ]);
    expect(await safetypin(["keys", "shred", "--user", bob.userId, "--yes"])).toMatchObject({
      code: EXIT.failed, stderr: expect.stringContaining("legal hold"),
    });
    expect((await safetypin(["keys", "hold"])).stdout).toContain("Matter 7");
    expect((await safetypin(["keys", "hold", "--release", held.placed])).stdout).toContain("Nobody is held");
    expect(await safetypin(["keys", "hold", "--release", held.placed])).toMatchObject({ code: EXIT.failed });
    expect(await safetypin(["keys", "hold", "--user", randomUUID(), "--reason", "x"])).toMatchObject({ code: EXIT.failed });
    for (const args of [["--reason", "x"], ["--user", bob.userId], ["--release", held.placed, "--reason", "x"]]) {
      expect([args, (await safetypin(["keys", "hold", ...args])).code]).toEqual([args, EXIT.usage]);
    }
    expect(await safetypin(["keys", "hold"], db.name, "auditor")).toMatchObject({
      code: EXIT.failed, stderr: expect.stringContaining("operator_login"),
    });
  });

  it("looks at what there is, whatever the server begins transactions as", async () => {
    const login = new URL(db.connectionString("operator")).username;
    const setting = `alter role ${login} in database ${db.name}`;
    await db.admin.query(`${setting} set default_transaction_isolation = 'repeatable read'`);
    try {
      for (const args of [["shred", "--user", bob.userId, "--dry-run"], ["ledger"], ["rotate", "--dry-run"]]) {
        expect(await safetypin(["keys", ...args])).toMatchObject({ code: EXIT.done });
      }
    } finally {
      await db.admin.query(`${setting} reset default_transaction_isolation`);
    }
  });

  it("shreds people and organizations, and leaves evidence as it was", async () => {
    const before = await readEvidence(db.admin);
    await jsonOf(safetypin(["keys", "ledger", "--backup-age", "10", "--json"]));
    const shredded = await jsonOf<{ effectiveTime: string }>(safetypin(["keys", "shred", "--user", bob.userId, "--yes", "--json"]));
    expect(await jsonOf(safetypin(["keys", "ledger", "--json"]))).toMatchObject({ shreddings: [{ effectiveTime: shredded.effectiveTime }] });
    const days = (Date.parse(shredded.effectiveTime) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(9.9);
    expect(days).toBeLessThan(10.1);

    const operator = db.pool("operator");
    await operator.query("select suspend_organization($1, 'to be shredded')", [clinic]);
    expect(await safetypin(["keys", "shred", "--organization", clinic, "--yes"])).toMatchObject({ code: 0 });
    for (const verb of ["rotate", "init"]) {
      expect(await safetypin(["keys", verb, "--organization", clinic])).toMatchObject({
        code: EXIT.failed, stderr: expect.stringContaining(`organization ${clinic} was shredded`),
      });
    }
    // The dump of before, and entries on both sides of a rotation, are of one chain.
    expect(await safetypin(["keys", "rotate", "--digest"])).toMatchObject({ code: 0 });
    for (const id of others) await operator.query("select shred_person($1)", [id]);

    expect(await signsIn(bob, db.name)).toMatchObject({ code: "invalid_credentials" });
    expect(await signsIn(ann, db.name)).toBe(true);
    const after = await readEvidence(db.admin);
    for (const [id, row] of before) expect(after.get(id)).toBe(row);

    // A dump of before has what he said of himself; one of now has none of it, evidence included.
    const marks = [...Object.values(MARKS), AGENT, "203.0.113.77", "Datamark"];
    const now = await takeDump();
    expect(marks.filter((mark) => !dump.includes(mark))).toEqual([]);
    expect(marks.filter((mark) => now.toLowerCase().includes(mark.toLowerCase()))).toEqual([]);

    const { stdout } = await safetypin(["keys", "ledger"]);
    expect(stdout).toContain(`person ${bob.userId}`);
    expect(stdout).toContain(`organization ${clinic}`);
    expect(stdout).toContain("may have it until");
    expect((await safetypin(["keys", "status"])).stdout).toContain(`${OTHERS + 2} that backups may still have`);
  });

  it("says so in what it exports, and says nothing about anybody", async () => {
    const shreddings = async () => (await jsonOf<{ shreddings: unknown }>(safetypin(["keys", "status", "--json"]))).shreddings;
    expect(await shreddings()).toMatchObject({ total: OTHERS + 2, exported: 0, inBackups: OTHERS + 2, backupAgeDays: 10 });
    expect((await safetypin(["keys", "status"])).stdout).toContain(`not exported  ${OTHERS + 2}`);
    const pipe = join(folder, "pipe");
    await run("mkfifo", [pipe]);
    const [link, dangling] = [join(folder, "link.jsonl"), join(folder, "dangling.jsonl")];
    await symlink(ledger, link);
    await symlink(join(folder, "not mounted", "x.jsonl"), dangling);
    for (const path of [join(folder, "nowhere", "x.jsonl"), folder, pipe, dangling, link]) {
      expect(await safetypin(["keys", "ledger", "--export", path])).toMatchObject({
        code: EXIT.failed, stderr: expect.stringContaining("cannot be written"),
      });
    }
    expect((await stat(pipe)).isFIFO()).toBe(true);
    expect((await lstat(dangling)).isSymbolicLink()).toBe(true);
    expect(await shreddings()).toMatchObject({ exported: 0 });
    const exported = await safetypin(["keys", "ledger", "--export", ledger]);
    expect(exported).toMatchObject({ code: 0, stdout: expect.stringContaining(`${OTHERS + 2} entries`) });
    expect(await shreddings()).toMatchObject({ total: OTHERS + 2, exported: OTHERS + 2 });
    expect((await safetypin(["keys", "status"])).stdout).not.toContain("not exported");
    expect((await stat(ledger)).mode & 0o777).toBe(0o600);
    const text = await readFile(ledger, "utf8");
    const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(OTHERS + 4);
    expect(lines[1]).toMatchObject({ seq: 1, user_id: bob.userId, organization_id: null, login_name: "safetypin_operator_login" });
    expect(text).not.toMatch(/example\.com|Bob|Acme|\+1202/);

    // By a link it is written where that leads; and what a run that was killed left behind, of the same number as a process, is in nobody's way.
    await writeFile(`${ledger}.${process.pid}.part`, "");
    const before = await stat(ledger);
    const client = await db.pool("operator").connect();
    expect(await exportLedger(client, link).finally(() => client.release())).toBe(OTHERS + 2);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect((await stat(ledger)).ino).not.toBe(before.ino);
    await rm(`${ledger}.${process.pid}.part`);
  });
});

describe("a database that is restored from a dump of before", () => {
  const keys = (...args: string[]) => safetypin(["keys", ...args], restored);

  /** The ledger, changed: as a file beside it. */
  async function changed(name: string, change: (lines: string[]) => string[]): Promise<string> {
    const path = join(folder, name);
    const lines = (await readFile(ledger, "utf8")).trimEnd().split("\n");
    await writeFile(path, `${change([...lines]).join("\n")}\n`);
    return path;
  }

  it("knows it, and lets nobody in", async () => {
    restored = await restore();
    expect((await keys("status")).stdout).toContain("this database came out of a backup");
    expect(await jsonOf(keys("status", "--json"))).toMatchObject({ restored: true });
    for (const person of [ann, bob]) {
      expect(await signsIn(person, restored)).toMatchObject({
        name: "ConfigurationError",
        message: expect.stringContaining("restored from a backup"),
      });
    }
    expect(await keys("shred", "--user", bob.userId, "--yes")).toMatchObject({
      code: EXIT.failed, stderr: expect.stringContaining("keys replay"),
    });
    // What is exported every hour, by a job that was pointed at it, is not exchanged for what it has.
    const exported = await readFile(ledger, "utf8");
    expect(await keys("ledger", "--export", ledger)).toMatchObject({ code: EXIT.failed, stderr: expect.stringContaining("keys replay") });
    expect(await readFile(ledger, "utf8")).toBe(exported);
    // All of bob is in it, and would open.
    await asSuperuser(restored, async (client) => {
      const { rows } = await client.query(
        `select users.status, email is not null as email, salt is not null as salt
         from users join subject_salts on user_id = id where id = $1`,
        [bob.userId],
      );
      expect(rows).toEqual([{ status: "active", email: true, salt: true }]);
    });
    // The one that was dumped goes on.
    expect(await signsIn(ann, db.name)).toBe(true);
  });

  it("refuses a ledger that is not what was exported, and does nothing of it", async () => {
    const swap = (line: string, from: string, to: string) => {
      expect(line).toContain(from);
      return line.replace(from, to);
    };
    const endedAt = (lines: string[], entries: number) => {
      const { digest } = entries === 0 ? { digest: "\\x" } : (JSON.parse(lines[entries]!) as { digest: string });
      return lines.with(-1, JSON.stringify({ ...(JSON.parse(lines.at(-1)!) as object), entries, digest }));
    };
    const files = [
      ["a person exchanged", (lines: string[]) => lines.with(1, swap(lines[1]!, bob.userId, ann.userId))],
      ["an entry taken out", (lines: string[]) => lines.toSpliced(20, 1)],
      ["an entry taken out, and counted", (lines: string[]) => lines.toSpliced(20, 1).with(-1, swap(lines.at(-1)!, `${OTHERS + 2}`, `${OTHERS + 1}`))],
      ["two exchanged", (lines: string[]) => lines.with(5, lines[6]!).with(6, lines[5]!)],
      ["cut off", (lines: string[]) => lines.slice(0, 30)],
      ["cut off in a line", (lines: string[]) => [...lines.slice(0, 30), lines[30]!.slice(0, 40)]],
      ["another cell's", (lines: string[]) => lines.with(0, JSON.stringify({ ...(JSON.parse(lines[0]!) as object), cellId: randomUUID() }))],
      ["another format", (lines: string[]) => lines.with(0, "{}")],
      ["an empty one", () => []],
      ["cut off behind an entry, and counted", (lines: string[]) => endedAt(lines.toSpliced(31, OTHERS - 28), 30)],
      ["cut off before the first, and counted", (lines: string[]) => endedAt([lines[0]!, lines.at(-1)!], 0)],
      ["without the digest of its end", (lines: string[]) => lines.with(-1, lines.at(-1)!.replace(/,"endDigest":"[^"]*"/, ""))],
      ["one with another end", (lines: string[]) => lines.with(-1, swap(lines.at(-1)!, "\\\\x", "\\\\x00"))],
    ] as const;
    for (const [name, change] of files) {
      const path = await changed(`${name}.jsonl`, change);
      for (const args of [["replay", path], ["replay", path, "--dry-run"]]) {
        expect([name, await keys(...args)]).toMatchObject([name, { code: EXIT.failed }]);
      }
    }
    expect(await keys("replay", join(folder, "not there.jsonl"))).toMatchObject({ code: EXIT.failed });
    expect(await jsonOf(keys("ledger", "--json"))).toMatchObject({ shreddings: [] });
    expect(await jsonOf(keys("status", "--json"))).toMatchObject({ restored: true });
  });

  it("shreds again what the ledger says, also when it is killed at it, and then lets people in", async () => {
    expect((await keys("replay", ledger, "--dry-run")).stdout).toContain(`${OTHERS + 2} entries, of which this database has 0`);
    expect((await keys("replay", "--not-needed", "--dry-run")).stdout).toContain("would confirm  that nothing was shredded");
    expect(await jsonOf(keys("status", "--json"))).toMatchObject({ restored: true });
    expect(await jsonOf(keys("ledger", "--json"))).toMatchObject({ shreddings: [] });
    const before = await asSuperuser(restored!, readEvidence);

    const child = startCli(["keys", "replay", ledger], { env: { DATABASE_URL: urlOf("operator", restored) } });
    child.stderr?.on("data", (text) => {
      if (/replayed 25 of/.test(String(text))) child.kill("SIGKILL");
    });
    expect(await outcome(child)).toMatchObject({ code: null });
    const { shreddings } = await jsonOf<{ shreddings: unknown[] }>(keys("ledger", "--json"));
    expect(shreddings.length).toBeGreaterThanOrEqual(25);
    expect(await signsIn(ann, restored!)).toMatchObject({ name: "ConfigurationError" });

    const again = await jsonOf<{ shredded: number }>(keys("replay", ledger, "--json"));
    expect(await jsonOf(keys("status", "--json"))).toMatchObject({ shreddings: { exported: OTHERS + 2 } });
    expect(again).toMatchObject({ entries: OTHERS + 2, shredded: OTHERS + 2 - shreddings.length, restored: false });
    expect(await signsIn(ann, restored!)).toBe(true);
    expect(await signsIn(bob, restored!)).toMatchObject({ code: "invalid_credentials" });

    await asSuperuser(restored!, async (client) => {
      const { rows } = await client.query(
        "select status, email, phone_number, first_name from users where id = any ($1::uuid[]) order by 1",
        [[bob.userId, ...others.slice(0, 2)]],
      );
      expect(rows).toEqual(Array(3).fill({ status: "shredded", email: null, phone_number: null, first_name: "Shredded" }));
      const organization = await client.query(
        "select status, billing_email from organizations where id = $1",
        [clinic],
      );
      expect(organization.rows).toEqual([{ status: "shredded", billing_email: null }]);
      const held = await client.query("select state from tenant_keys where organization_id = $1", [clinic]);
      expect(held.rows.length).toBeGreaterThan(0);
      expect(held.rows.every((row) => (row as { state: string }).state === "destroyed")).toBe(true);

      const after = await readEvidence(client);
      for (const [id, row] of before) expect(after.get(id)).toBe(row);

      // Every foreign key, looked at again row by row.
      const { rows: constraints } = await client.query<{ relation: string; name: string; definition: string }>(
        `select conrelid::regclass::text as relation, conname as name, pg_get_constraintdef(oid) as definition
         from pg_constraint where contype = 'f' and connamespace = 'safetypin'::regnamespace and conparentid = 0
           and conrelid::regclass::text not like '%\\_logs%'`,
      );
      expect(constraints.length).toBeGreaterThan(20);
      await client.query("begin");
      for (const { relation, name, definition } of constraints) {
        await client.query(`alter table ${relation} drop constraint ${name}, add constraint ${name} ${definition}`);
      }
      await client.query("rollback");
    });
  });

  it("changes nothing the second time, and goes on with the same ledger", async () => {
    const count = () => asSuperuser(restored!, async (client) => (await client.query("select from data_change_logs")).rowCount);
    const before = await count();
    expect(await jsonOf(keys("replay", ledger, "--json"))).toMatchObject({ shredded: 0, restored: false });
    expect(await count()).toBe(before);

    // What comes after stands behind it; the ledger of before is an old one.
    const carol = await asSuperuser(restored!, async (client) => {
      const { rows } = await client.query<{ id: string }>(
        "insert into users (first_name, last_name, status) values ('Carol', 'Closed', 'deleted') returning id",
      );
      return rows[0]!.id;
    });
    expect(await keys("shred", "--user", carol, "--yes")).toMatchObject({ code: 0 });
    expect(await keys("replay", ledger)).toMatchObject({ code: EXIT.failed, stderr: expect.stringContaining("exported last") });
    expect(await signsIn(ann, restored!)).toBe(true);
  });

  it("replaces no ledger that does not go on in it, as a copy would that cannot know what it is", async () => {
    const exporting = (path: string, database = restored) => safetypin(["keys", "ledger", "--export", path], database);
    const longer = await changed("longer.jsonl", (lines) => lines);
    expect(await exporting(longer)).toMatchObject({ code: 0, stdout: expect.stringContaining(`${OTHERS + 3} entries`) });
    const swapped = { ...(JSON.parse((await readFile(ledger, "utf8")).split("\n")[5]!) as object), digest: `\\x${"00".repeat(32)}` };
    const files = [
      [longer, `has ${OTHERS + 3} entries, and this database ${OTHERS + 2}`],
      [await changed("apart.jsonl", (lines) => lines.with(5, JSON.stringify(swapped))), "two stories from entry 5 on"],
      [await changed("of another.jsonl", (lines) => lines.with(0, lines[0]!.replace(/"cellId":"[^"]*"/, `"cellId":"${randomUUID()}"`))), "is of cell"],
      [await changed("half.jsonl", (lines) => lines.slice(0, 9)), "cut off"],
      [await changed("letter.txt", () => ["Dear Ann,"]), "no entry of a ledger"],
      [await changed("nothing.jsonl", () => []), "no ledger"],
    ] as const;
    for (const [path, reason] of files) {
      const before = await readFile(path, "utf8");
      const result = await exporting(path, db.name);
      expect(result).toMatchObject({ code: EXIT.failed, stderr: expect.stringContaining(reason) });
      expect(result.stderr).toMatch(/It is not replaced/);
      expect(await readFile(path, "utf8")).toBe(before);
    }
    expect(await exporting(ledger, db.name)).toMatchObject({ code: 0 });
    // Whatever a login has its times and bytes written like.
    const environment = { DATABASE_URL: urlOf("operator"), PGOPTIONS: "-c bytea_output=escape -c datestyle=German" };
    for (const args of [["ledger", "--export", ledger], ["status"]]) {
      expect([args, await runCli(["keys", ...args], { env: environment })]).toMatchObject([args, { code: 0 }]);
    }
    expect((await readdir(folder)).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  it("is restored again, from a copy that cannot know it, when the operator says so", async () => {
    expect(await keys("restored", "--yes")).toMatchObject({ code: 0 });
    expect(await signsIn(ann, restored!)).toMatchObject({ name: "ConfigurationError" });
    expect(await keys("replay", "--not-needed", "--yes")).toMatchObject({ code: 0 });
    expect(await signsIn(ann, restored!)).toBe(true);
    const { rows } = await asSuperuser(restored!, (client) => client.query("select origin from cell_incarnations order by number"));
    expect(rows.map((row) => (row as { origin: string }).origin)).toEqual([
      "made", "replayed", "replayed", "declared_restored", "confirmed",
    ]);
  });
});

describe("a restored database in which the digest key is rotated, the ledger replayed and a person shredded at once", () => {
  const databases: string[] = [];
  afterAll(async () => {
    for (const database of databases) await drop(database);
  });

  /** What one of them came to: done, or refused in a sentence that says what to do first. */
  const isDone = ({ code, stderr }: CliResult): boolean => {
    if (code !== 0) expect({ code, stderr }).toMatchObject({ code: EXIT.failed, stderr: expect.stringContaining("keys replay") });
    return code === 0;
  };

  it.each(["the replay is begun first", "the replay is under way", "the replay is begun last"])(
    "has each done or refused, and nothing by half: %s",
    async (order) => {
      const database = await restore();
      databases.push(database);
      const keys = (...args: string[]) => safetypin(["keys", ...args], database);
      const others = () => [keys("rotate", "--digest"), keys("shred", "--user", eve.userId, "--yes"), keys("shred", "--user", bob.userId, "--yes")];

      const early = order === "the replay is begun last" ? others() : [];
      if (early.length > 0) await sleep(200);
      const child = startCli(["keys", "replay", ledger], { env: { DATABASE_URL: urlOf("operator", database) } });
      const replaying = outcome(child);
      if (order === "the replay is under way") {
        await new Promise<void>((resolve) => child.stderr?.once("data", () => resolve()));
      }
      const late = early.length > 0 ? [] : others();
      const [rotated, shredded] = (await Promise.all([...early, ...late])).map(isDone);
      expect(await replaying).toMatchObject({ code: 0, stdout: expect.stringContaining(`${OTHERS + 2} entries, `) });
      // Behind the replay's turn, or refused before it.
      if (order === "the replay is under way") expect(rotated).toBe(true);

      await asSuperuser(database, async (client) => {
        const { rows: entries } = await client.query<{ seq: string; user_id: string | null; replayed: boolean }>(
          "select seq, user_id, replay_time is not null as replayed from shreddings order by seq",
        );
        const count = OTHERS + 2 + (shredded === true ? 1 : 0);
        expect(entries.map(({ seq }) => Number(seq))).toEqual(Array.from({ length: count }, (_, index) => index + 1));
        expect(entries.filter(({ replayed }) => replayed)).toHaveLength(OTHERS + 2);
        expect(entries.filter(({ user_id }) => user_id === bob.userId)).toHaveLength(1);

        const { rows: people } = await client.query(
          `select users.id, status, email is null and salt is null as gone, coalesce(failures, 0)::integer as failures
           from users
           join subject_salts on user_id = users.id
           left join (select user_id, sum(failure_count) as failures from sign_in_throttles group by 1) as counted
             on counted.user_id = users.id
           where users.id = any ($1::uuid[]) order by first_name`,
          [[bob.userId, dora.userId, eve.userId]],
        );
        const gone = { status: "shredded", gone: true, failures: 0 };
        expect(Object.fromEntries(people.map(({ id, ...state }: { id: string }) => [id, state]))).toEqual({
          [bob.userId]: gone,
          [dora.userId]: { status: "active", gone: false, failures: 3 },
          [eve.userId]: shredded === true ? gone : { status: "active", gone: false, failures: 1 },
        });

        const { rows: digestKeys } = await client.query<{ now: number; under: number }>(
          `select count(*) filter (where retired_time is null)::integer as now,
             (select count(*)::integer from sign_in_throttles where user_id is not null and key_id is distinct from _digest_key_id()) as under
           from digest_keys where purpose = 'address'`,
        );
        expect(digestKeys[0]).toMatchObject({ now: 1, under: 0 });
        const { rowCount: rotations } = await client.query(
          "select from auth_audit_logs where event_type = 'context_key.rotated' and additional_data @> '{\"purpose\": \"digest\"}'",
        );
        expect(rotations).toBe(rotated === true ? 1 : 0);
      });

      // The chain is whole, and goes on.
      const whole = join(folder, `${database}.jsonl`);
      expect(await keys("ledger", "--export", whole)).toMatchObject({ code: 0 });
      expect(await keys("replay", whole, "--dry-run")).toMatchObject({ code: 0 });
      expect(await signsIn(dora, database)).toBe(true);
      if (shredded === false) expect(await keys("shred", "--user", eve.userId, "--yes")).toMatchObject({ code: 0 });
      if (rotated === false) expect(await keys("rotate", "--digest")).toMatchObject({ code: 0 });
    },
  );
});

describe("a database that is kept up", () => {
  it.each([
    "vacuum full cell_incarnations",
    "cluster cell_incarnations using cell_incarnations_pkey",
    "reindex table concurrently cell_incarnations",
    "vacuum (freeze, analyze) cell_incarnations",
  ])("is the one it was after: %s", async (upkeep) => {
    await db.admin.query(upkeep);
    expect((await db.admin.query("select _is_restored() as restored")).rows).toEqual([{ restored: false }]);
  });
});

describe("somebody who is shredded while others seal about them", () => {
  it("is shredded: nothing of it opens, whoever was first", async () => {
    for (let round = 0; round < 10; round += 1) {
      const subject = randomUUID();
      const sealed = await Promise.all(
        Array.from({ length: 8 }, (_, place) =>
          inUnlockedCell(db.admin, async (client) => {
            if (place === 3) {
              await client.query("select _shred_subject($1)", [subject]);
              return undefined;
            }
            const { rows } = await client.query<{ value: Buffer }>("select _seal_text(1, null, $1, 'x@example.com', $1) as value", [subject]);
            return rows[0]!.value;
          }).catch((error: unknown) => {
            expect(error).toMatchObject({ code: "SP425" });
            return undefined;
          }),
        ),
      );
      expect((await db.admin.query("select salt from subject_salts where user_id = $1", [subject])).rows).toEqual([{ salt: null }]);
      for (const value of sealed.filter((one) => one !== undefined)) {
        await inUnlockedCell(db.admin, async (client) => {
          const { rows } = await client.query("select open_fields(1, array[$1::uuid], array[$2::bytea]) as texts", [subject, value]);
          expect(rows).toEqual([{ texts: [null] }]);
        });
      }
    }
  });

  it("is told so where they wrote at that moment", async () => {
    const dan = await newPerson(db, "dan");
    const client = await connectForTest(db);
    try {
      await inUnlockedCell(db.admin, async (admin) => {
        await admin.query("select _erase_person($1, false)", [dan.userId]);
        const written = client.withSession(dan.sessionToken, (tx) => createRepositories(tx).users.updateOwnProfile({ phoneNumber: PHONE }));
        written.catch(() => undefined);
        for (let waiting = 0; waiting === 0; ) {
          const { rows } = await db.admin.query<{ waiting: number }>(
            // A lock on a transaction says no database; who waits for it does.
            `select count(*)::integer as waiting
             from pg_locks
             join pg_stat_activity using (pid)
             where not granted and datname = current_database()`,
          );
          waiting = rows[0]!.waiting;
        }
        await admin.query("commit; begin");
        await expect(written).rejects.toMatchObject({ name: "RuleError", code: "account_shredded" });
      });
    } finally {
      await client.close();
    }
  });

  it("is in the ledger once, however many shred at once", async () => {
    const { rows } = await db.admin.query<{ id: string }>(
      "insert into users (first_name, last_name, status) select 'No', 'Body', 'deleted' from generate_series(1, 4) returning id",
    );
    const operator = db.pool("operator");
    const racing = join(folder, "racing.jsonl");
    const [counts] = await Promise.all([
      Promise.all(Array.from({ length: 8 }, async () => {
        const client = await operator.connect();
        return exportLedger(client, racing).finally(() => client.release());
      })),
      ...rows.flatMap(({ id }) => [id, id]).map((id) => operator.query("select shred_person($1)", [id])),
    ]);
    expect((await readLedger(racing)).entries).toHaveLength(Math.max(...counts));
    const { rows: counted } = await db.admin.query<{ entries: string; last: string }>(
      "select count(*) as entries, max(seq) as last from shreddings",
    );
    expect(counted).toEqual([{ entries: String(OTHERS + 6), last: String(OTHERS + 6) }]);
    const whole = join(folder, "whole.jsonl");
    await safetypin(["keys", "ledger", "--export", whole]);
    expect(await safetypin(["keys", "replay", whole, "--dry-run"])).toMatchObject({ code: 0 });
  });
});
