import { chmod, chown, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type pg from "pg";

import { startServer, type EmbeddedServer } from "../../src/development/embedded-server.js";
import { prepareDatabase } from "../../src/development/prepare-database.js";
import { examine } from "../../src/doctor/doctor.js";
import { deliverMessages } from "../../src/mailer.js";
import { parseCellName } from "../../src/migrations/cell.js";
import { createRepositories } from "../../src/repositories.js";
import { SafetyPin } from "../../src/safetypin.js";
import type { SignedIn } from "../../src/sign-in.js";
import { startAwsKms, type AwsKmsServer } from "../support/aws-kms-server.js";
import { newPassword, reveal } from "../support/client.js";
import { hasProgram, openShell, readPage, type Shell } from "../support/page-steps.js";
import { connect } from "../support/template.js";

/*
 * The drill of docs/disaster-recovery.md: its own steps, one after another, on fresh servers,
 * with keys that a key management service unwraps.
 */

jest.setTimeout(180_000);

const cell = parseCellName("safetypin");
const DATABASE = "clinic";
const GUESSES = 3;
const PHONE = "+15550123456";
const BILLS = "bills@acme.example";
const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
const page = readPage("docs/disaster-recovery.md");

let kms: AwsKmsServer;
let shell: Shell;
let folder: string;
let lost: EmbeddedServer;
let keys: string;
let ann: SignedIn & { readonly email: string; readonly password: string };
const servers: EmbeddedServer[] = [];

/** What a database is, to compare it with what it was. */
interface Contents {
  readonly tables: Readonly<Record<string, { readonly count: string; readonly digest: string }>>;
  readonly partitions: readonly string[];
  readonly sequences: Readonly<Record<string, string>>;
}

let contents: Contents;

async function start(settings: Record<string, string> = {}, directory?: string): Promise<EmbeddedServer> {
  const server = await startServer({
    installation: process.env["SAFETYPIN_TEST_INSTALLATION"] || undefined,
    authentication: "trust",
    stopOnSignal: false,
    settings: { fsync: "off", ...settings },
    directory,
  });
  servers.push(server);
  return server;
}

const urlOf = (server: EmbeddedServer, login: string, database = DATABASE) => {
  const url = new URL(server.connectionString(database));
  url.username = login;
  return url.href;
};

async function asSuperuser<Result>(server: EmbeddedServer, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = await connect(server.connectionString(DATABASE));
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The variables that the page begins with; a test holds the page to their names. */
const variables = (from: EmbeddedServer, to: EmbeddedServer) => ({
  CELL: cell,
  BACKUP: urlOf(from, `${cell}_backup_login`),
  ADMIN: urlOf(to, "clinic_admin"),
  MIGRATOR: urlOf(to, "safetypin_migrator"),
  OPERATOR: urlOf(to, `${cell}_operator_login`),
  OLD_OPERATOR: urlOf(from, `${cell}_operator_login`),
  LEDGER: join(folder, "shredded.jsonl"),
  SAFETYPIN_KEYS: keys,
});

const AWS = { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey };

/** Runs what the page says below a heading. */
async function follow(heading: string, environment: Readonly<Record<string, string>>, block = 0): Promise<string> {
  return shell.run(page.blocks(heading, "sh")[block]!, { ...AWS, ...environment });
}

/** Somebody guesses, at an address that nobody has. */
async function guess(safetypin: SafetyPin): Promise<void> {
  const attempt = { email: "nemo@example.com", password: "a guess at a password", ipAddress: "203.0.113.7" };
  await expect(safetypin.signIn(attempt)).rejects.toMatchObject({ code: "invalid_credentials" });
}

async function open(server: EmbeddedServer): Promise<SafetyPin> {
  return SafetyPin.connect({
    connectionString: urlOf(server, `${cell}_app_login`),
    environment: "test",
    keys,
    log: () => undefined,
  });
}

/** Every row of every table, by a digest; where counting is, and which months there are. */
async function readContents(server: EmbeddedServer): Promise<Contents> {
  return asSuperuser(server, async (client) => {
    const { rows: tables } = await client.query<{ name: string }>(
      "select relname as name from pg_class where relnamespace = $1::regnamespace and relkind = 'r' order by relname",
      [cell],
    );
    const digests: [string, { count: string; digest: string }][] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ count: string; digest: string }>(
        `select count(*), coalesce(md5(string_agg(row_text, '|' order by row_text)), '') as digest
         from (select t::text as row_text from ${cell}.${name} as t) as texts`,
      );
      digests.push([name, rows[0]!]);
    }
    const { rows: partitions } = await client.query<{ name: string }>(
      `select inhparent::regclass || ' ' || relname || ' ' || pg_get_expr(relpartbound, pg_class.oid) as name
       from pg_inherits join pg_class on pg_class.oid = inhrelid
       where relnamespace = $1::regnamespace and relkind = 'r' order by 1`,
      [cell],
    );
    const { rows: sequences } = await client.query<{ name: string; value: string }>(
      "select sequencename as name, last_value::text as value from pg_sequences where schemaname = $1 order by 1",
      [cell],
    );
    return {
      tables: Object.fromEntries(digests),
      partitions: partitions.map(({ name }) => name),
      sequences: Object.fromEntries(sequences.map(({ name, value }) => [name, value])),
    };
  });
}

/** How many rows each table has, as the page has them counted, by the backup's login. */
async function countRows(server: EmbeddedServer): Promise<Readonly<Record<string, string>>> {
  const client = await connect(urlOf(server, `${cell}_backup_login`));
  try {
    const { rows } = await client.query<{ name: string; count: string }>(page.blocks("Taking it", "sql")[0]!);
    return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
  } finally {
    await client.end();
  }
}

/** What has to be true of a cell that is back. */
async function expectItIsBack(server: EmbeddedServer): Promise<void> {
  expect(await readContents(server)).toEqual(contents);
  expect(await countRows(server)).toEqual(Object.fromEntries(Object.entries(contents.tables).map(([name, { count }]) => [name, count])));

  const asked = kms.requests.length;
  const said = await follow("Before anybody works on it", variables(server, server));
  expect(said).toContain("is  key 1 of the cell: arn:aws:kms:");
  expect(said).toMatch(/is {2}key 1 of organization [-0-9a-f]+: arn:aws:kms:/);
  expect(kms.requests.slice(asked).map(({ operation }) => operation)).toContain("ReEncrypt");
  await asSuperuser(server, async (client) => {
    const { findings } = await examine(client, { cell });
    expect(findings.filter(({ check }) => check !== "server-version")).toEqual([]);
  });

  const safetypin = await open(server);
  try {
    // By her sealed address and her sealed digest; then by a session from before.
    const { email, password } = ann;
    const again = await safetypin.signIn({ email, password });
    reveal(again.sessionToken);
    reveal(again.refreshToken);
    const organization = await safetypin.withSession(ann.sessionToken, (tx) => createRepositories(tx).organizations.getCurrent());
    expect(organization).toMatchObject({ name: "Acme Clinic", billingEmail: BILLS });
    for (const token of [again.sessionToken, ann.sessionToken]) {
      const self = await safetypin.withSession(token, (tx) => createRepositories(tx).users.getSelf());
      expect(self).toMatchObject({ email, phoneNumber: PHONE, firstName: "Ann" });
    }
    await expect(safetypin.signIn({ email, password: `${password}!` })).rejects.toMatchObject({ code: "invalid_credentials" });
    await guess(safetypin);
  } finally {
    await safetypin.close();
  }
  // Whoever was signed in when the backup was made need not be any more.
  await follow("What comes back that had gone", variables(server, server));
  const safetypinAfter = await open(server);
  try {
    const { email, password } = ann;
    await expect(safetypinAfter.withSession(ann.sessionToken, (tx) => createRepositories(tx).users.getSelf())).rejects.toMatchObject({
      code: "session_invalid",
    });
    reveal((await safetypinAfter.signIn({ email, password })).sessionToken);
  } finally {
    await safetypinAfter.close();
  }
  await asSuperuser(server, async (client) => {
    // What addresses were throttled by they are throttled by: the key came back with them.
    const { rows: counts } = await client.query(
      `select kind, failure_count as failures from ${cell}.sign_in_throttles where user_id is null order by kind`,
    );
    expect(counts).toEqual([{ kind: "account", failures: GUESSES + 1 }, { kind: "address", failures: GUESSES + 1 }]);
    const { rows } = await client.query<{ doubles: string; newest: string }>(
      `select count(*) - count(distinct seq) as doubles, max(seq) as newest from ${cell}.auth_audit_logs`,
    );
    expect(rows[0]!.doubles).toBe("0");
    expect(Number(rows[0]!.newest)).toBeGreaterThan(Number(contents.sequences["auth_audit_logs_seq_seq"]));
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "safetypin-recovery-"));
  await chmod(folder, 0o755);
  shell = await openShell();
  kms = await startAwsKms();
  kms.addIdentity(credentials);
  keys = `aws-kms://${kms.createKey("eu-central-1")}?endpoint=${encodeURIComponent(kms.url)}`;
  Object.assign(process.env, AWS, { SAFETYPIN_KEYS: keys });

  lost = await start({ wal_level: "replica" }, join(folder, "lost"));
  const admin = await connect(lost.connectionString());
  await admin.query(`create database ${DATABASE}`);
  await admin.end();
  await asSuperuser(lost, (client) => prepareDatabase(client, { cell, environment: "test" }));

  const safetypin = await open(lost);
  try {
    const [email, password] = ["ann@example.com", newPassword()];
    await safetypin.register({ email, password, firstName: "Ann", lastName: "Archer" });
    await deliverMessages({
      connectionString: urlOf(lost, `${cell}_mailer_login`),
      environment: "test",
      keys,
      log: () => undefined,
      send: async ({ token }) => {
        if (token !== null) await safetypin.verifyEmail(reveal(token));
      },
    });
    ann = { ...(await safetypin.signIn({ email, password })), email, password };
    reveal(ann.sessionToken);
    reveal(ann.refreshToken);
    await safetypin.withSession(ann.sessionToken, async (tx) => {
      const { organizations, users } = createRepositories(tx);
      await organizations.choose(await organizations.create({ slug: "acme", name: "Acme Clinic" }));
      await organizations.update({ billingEmail: BILLS });
      await users.updateOwnProfile({ phoneNumber: PHONE });
    });
    for (let guesses = 0; guesses < GUESSES; guesses += 1) await guess(safetypin);
  } finally {
    await safetypin.close();
  }
  await follow("The ledger of what was shredded", variables(lost, lost));
  contents = await readContents(lost);
});

afterAll(async () => {
  for (const server of servers) await server.stop();
  await kms.stop();
  await shell.close();
  await rm(folder, { recursive: true, force: true });
  for (const name of [...Object.keys(AWS), "SAFETYPIN_KEYS"]) delete process.env[name];
});

test("the page's variables are those that its steps are run with", () => {
  const [block = ""] = page.blocks("What has to survive", "sh");
  const names = [...block.matchAll(/^export (\w+)=/gm)].map(([, name]) => name);
  expect(names).toEqual(Object.keys(variables(lost, lost)));
});

describe("a cell that is lost", () => {
  async function restore(): Promise<EmbeddedServer> {
    const fresh = await start();
    const client = await connect(fresh.connectionString());
    await client.query("create role clinic_admin login createrole");
    await client.query(`create database ${DATABASE} owner clinic_admin`);
    await client.end();
    await follow("Restoring it", variables(lost, fresh));
    return fresh;
  }

  test("is back from a dump by the backup's login, restored by an administrator who is no superuser", async () => {
    await follow("Taking it", variables(lost, lost));
    const fresh = await restore();
    await asSuperuser(fresh, async (client) => {
      const { rows } = await client.query(
        "select from pg_auth_members where member = 'clinic_admin'::regrole and to_jsonb(pg_auth_members) ->> 'set_option' <> 'false'",
      );
      expect(rows).toEqual([]);
    });
    await expectItIsBack(fresh);
  });

  test("is not said to be back where the dump leaves rows out, as one does that no policy shows it", async () => {
    const { rows } = await asSuperuser(lost, (client) =>
      client.query<{ name: string }>(
        `select tableoid::regclass::text as name from ${cell}.auth_audit_logs group by 1 order by count(*) desc limit 1`,
      ),
    );
    const partition = rows[0]!.name;
    await asSuperuser(lost, (client) => client.query(`drop policy select_backup on ${partition}`));
    try {
      await follow("Taking it", variables(lost, lost));
    } finally {
      await asSuperuser(lost, (client) =>
        client.query(
          `create policy select_backup on ${partition} for select to safetypin_backup using (true);
           comment on policy select_backup on ${partition} is 'A dump reads partitions by their own names.'`,
        ),
      );
    }
    const fresh = await restore();
    const counted = await countRows(fresh);
    const missing = Object.entries(await countRows(lost)).filter(([name, count]) => counted[name] !== count);
    expect(missing.map(([name]) => `${cell}.${name}`)).toEqual([partition]);
    await expect(expectItIsBack(fresh)).rejects.toThrow();
  });

  test("is dumped by its own login only as row-level security has it", async () => {
    const [block = ""] = page.blocks("Taking it", "sh");
    const careless = block.replace("--enable-row-security ", "");
    expect(careless).not.toBe(block);
    await expect(shell.run(careless, variables(lost, lost))).rejects.toThrow(/row-level security/);
  });
});

test("sessions are not waited to end where nobody can end them", async () => {
  const nowhere = { ...variables(lost, lost), OPERATOR: "postgres://safetypin_operator_login@127.0.0.1:1/clinic" };
  await expect(follow("What comes back that had gone", nowhere)).rejects.toThrow();
});

describe("a server that is lost", () => {
  async function startCopy(name: string): Promise<EmbeddedServer> {
    const home = join(folder, name);
    // Copied by root, the files are root's.
    if (process.getuid?.() === 0) await giveAway(join(home, "data"));
    await chmod(join(home, "data"), 0o700);
    const server = await start({}, home);
    await asSuperuser(server, (client) => client.query("create role clinic_admin login createrole superuser"));
    return server;
  }

  async function giveAway(path: string): Promise<void> {
    await chown(path, 65534, 65534);
    for (const entry of await readdir(path, { withFileTypes: true, recursive: true })) {
      await chown(join(entry.parentPath, entry.name), 65534, 65534);
    }
  }

  (hasProgram("pg_basebackup") ? test : test.skip)("is back from a base backup of a server at work", async () => {
    await mkdir(join(folder, "base"));
    const [block = ""] = page.blocks("A copy of the server", "sh");
    await shell.run(block, { SERVER: lost.connectionString(), COPY: join(folder, "base", "data") });
    await expectItIsBack(await startCopy("base"));
  });

  // Last: it stops the server.
  test("is back from the folder of a server that was stopped", async () => {
    await mkdir(join(folder, "cold"));
    await lost.stop();
    const [, block = ""] = page.blocks("A copy of the server", "sh");
    await shell.run(block, { DATA: lost.dataDirectory, COPY: join(folder, "cold", "data") });
    await expectItIsBack(await startCopy("cold"));
  });
});
