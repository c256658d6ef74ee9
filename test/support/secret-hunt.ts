import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import type pg from "pg";

import { listCells, quoteIdentifier } from "../../src/migrations/cell.js";
import { SQL_DIRECTORY } from "../../src/migrations/chapters.js";
import type { TestRun } from "./run.js";
import { matchSecrets, type SecretMatcher } from "./secret-matcher.js";
import { secretsFile } from "./secrets.js";
import { CELL_LOGINS, connect, copyDatabase, ensureTemplate, loginPassword, TEST_CELL, withDatabase } from "./template.js";

/** A secret where it must not be. */
export interface Escape {
  readonly kind: Place;

  /** Which file, or which table of which database. */
  readonly where: string;

  readonly secret: Buffer;
}

/** What came of a hunt. */
export interface HuntResult {
  readonly secrets: number;
  readonly bytes: number;

  /** How much was read of each place. */
  readonly searched: Readonly<Record<Place, number>>;

  /** Where the secret that was hidden on purpose was not found. Then the hunt proves nothing. */
  readonly missedPlants: readonly Place[];
  readonly escapes: readonly Escape[];
}

const PLACES = ["log", "tables", "heap", "wal", "dump", "temporary files"] as const;

/** Where secrets are looked for. */
export type Place = (typeof PLACES)[number];

const CHUNK = 4 << 20;

/** What is looked for, and in what. */
export interface HuntOptions {
  readonly run: TestRun;
  readonly secrets: readonly Buffer[];

  /** In which a secret is hidden, and which is dumped. */
  readonly database: string;

  /** What may be in files and dumps, and nowhere else, of each database. */
  readonly keptIn?: ((url: string) => Promise<readonly Buffer[]>) | undefined;
}

/**
 * Looks for every secret of the run in the server's log, in all tables of all its
 * databases, in the heap files, in the write-ahead log, in temporary files and in a dump.
 * One is hidden in each of these places first.
 */
export async function huntSecrets(run: TestRun): Promise<HuntResult> {
  const admin = await connect(run.adminUrl);
  const planted = `safetypin_test_${run.id}_hunt`;
  try {
    await copyDatabase(admin, await ensureTemplate(run, "seeded"), planted);
    // A cell's keys stand in its own table of keys, and so in files and backups.
    return await hunt({ run, secrets: await readSecrets(run), database: planted, keptIn: readKeys });
  } finally {
    await admin.query(`drop database if exists ${planted} with (force)`);
    await admin.end();
  }
}

/** Looks for secrets in every place of a server, and for one that it hides there itself. */
export async function hunt({ run, secrets, database, keptIn = async () => [] }: HuntOptions): Promise<HuntResult> {
  const plant = randomBytes(32);
  const matcher = matchSecrets([plant, ...secrets]);
  const escapes: Escape[] = [];
  const searched = Object.fromEntries(PLACES.map((place) => [place, 0])) as Record<Place, number>;

  const search = (kind: Place, where: string, content: Buffer, forWhat = matcher) => {
    searched[kind] += content.length;
    for (const secret of forWhat.find(content)) escapes.push({ kind, where, secret });
  };

  const admin = await connect(run.adminUrl);
  const hiding = await connect(withDatabase(run.adminUrl, database));
  try {
    await hide(hiding, plant);
    await admin.query("checkpoint");

    const { rows } = await admin.query<{ name: string }>(
      "select datname as name from pg_database where datallowconn and datname like 'safetypin%' order by datname",
    );
    const urls = rows.map(({ name }) => [name, withDatabase(run.adminUrl, name)] as const);
    const keys = matchSecrets((await Promise.all(urls.map(([, url]) => keptIn(url)))).flat());

    for (const [name, url] of urls) {
      for (const [where, content] of await readTables(url)) {
        search("tables", `${name}: ${where}`, content);
        search("tables", `${name}: ${where}`, content, keys);
      }
    }
    for await (const [where, content] of readLog(admin, run, matcher)) {
      search("log", where, content);
      search("log", where, content, keys);
    }
    for await (const [kind, where, content] of readDataDirectory(admin, matcher)) search(kind, where, content);
    search("dump", database, await dump(run, database));
  } finally {
    await hiding.end();
    await admin.end();
  }

  const isPlant = ({ secret }: Escape) => secret.equals(plant);
  const found = new Set(escapes.filter(isPlant).map(({ kind }) => kind));
  return {
    secrets: matcher.size - 1,
    bytes: Object.values(searched).reduce((total, bytes) => total + bytes),
    searched,
    missedPlants: PLACES.filter((place) => !found.has(place)),
    escapes: escapes.filter((escape) => !isPlant(escape)),
  };
}

/** The text of every row of every table, but for the keys in the table of keys. */
async function readTables(url: string): Promise<[table: string, content: Buffer][]> {
  const client = await connect(url);
  try {
    const { rows } = await client.query<{ name: string; columns: string }>(
      `select
         format('%I.%I', nspname, relname) as name,
         string_agg(format('t.%I', attname), ', ' order by attnum) as columns
       from pg_class
         join pg_namespace on pg_namespace.oid = relnamespace
         join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
       where relkind in ('r', 'm') and nspname !~ '^pg_' and nspname <> 'information_schema'
         and (relname, attname) <> ('context_keys', 'secret')
       group by pg_class.oid, nspname, relname`,
    );
    const contents: [string, Buffer][] = [];
    for (const { name, columns } of rows) {
      const { rows: lines } = await client.query<{ line: string }>(
        `select concat_ws('|', ${columns}) as line from ${name} as t`,
      );
      contents.push([name, Buffer.from(lines.map(({ line }) => line).join("\n"))]);
    }
    return contents;
  } finally {
    await client.end();
  }
}

async function readKeys(url: string): Promise<Buffer[]> {
  const client = await connect(url);
  try {
    const keys: Buffer[] = [];
    for (const cell of await listCells(client)) {
      const { rows } = await client.query<{ secret: Buffer }>(
        `select secret from ${quoteIdentifier(cell)}.context_keys`,
      );
      keys.push(...rows.map(({ secret }) => secret));
    }
    return keys;
  } finally {
    await client.end();
  }
}

/** Says where a secret escaped to, without saying what it is. */
export function describeEscape({ kind, where, secret }: Escape): string {
  const text = secret.toString("utf8");
  const isText = /^[\x20-\x7e\u00a0-\uffff]+$/.test(text) && !text.includes("\ufffd");
  return `a ${isText ? `password of ${text.length} characters, ${text.slice(0, 4)}…` : `token, ${secret.toString("hex", 0, 4)}…`} in the ${kind}, ${where}`;
}

async function readSecrets(run: TestRun): Promise<Buffer[]> {
  const path = secretsFile();
  const noted = path === undefined ? "" : await readFile(path, "utf8").catch(() => "");
  const logins = CELL_LOGINS.map((login) => `${TEST_CELL}_${login}_login`);
  return [
    ...noted.split("\n").filter((line) => line !== "").map((line) => Buffer.from(line, "hex")),
    ...["safetypin_migrator", ...logins].map((login) => Buffer.from(loginPassword(run, login))),
  ];
}

/** Hides a secret in each place; in temporary files for as long as the connection is open. */
async function hide(client: pg.Client, plant: Buffer): Promise<void> {
  await client.query("create table public.planted (secret bytea)");
  await client.query("insert into public.planted values ($1)", [plant]);
  await client.query("set client_min_messages = error");
  await client.query("select set_config('log_min_messages', 'log', false)");
  await client.query(`do $$ begin raise log 'planted: ${plant.toString("base64")}'; end $$`);
  await spill(client, "select secret from public.planted cross join generate_series(1, 20000) as place order by md5(place::text)");
}

/** Begins a query whose sort does not fit into memory, and leaves it open. */
export async function spill(client: pg.ClientBase, query: string): Promise<void> {
  await client.query("begin");
  await client.query("set local work_mem = '64kB'");
  await client.query(`declare spilled no scroll cursor for ${query}`);
  await client.query("fetch 1 from spilled");
}

async function* readLog(
  admin: pg.Client,
  run: TestRun,
  matcher: SecretMatcher,
): AsyncGenerator<[where: string, content: Buffer]> {
  if (run.logFile !== undefined) {
    for await (const chunk of readChunks(run.logFile, matcher)) yield [run.logFile, chunk];
    return;
  }
  const { rows } = await admin.query<{ name: string; content: Buffer }>(
    `select pg_current_logfile() as name, pg_read_binary_file(pg_current_logfile()) as content
     where pg_current_logfile() is not null`,
  );
  for (const { name, content } of rows) yield [name, content];
}

/** Heap, indexes, maps and write-ahead log, read behind PostgreSQL's back where we may. */
async function* readDataDirectory(
  admin: pg.Client,
  matcher: SecretMatcher,
): AsyncGenerator<[kind: Place, where: string, content: Buffer]> {
  const { rows } = await admin.query<{ path: string }>("select current_setting('data_directory') as path");
  const root = rows[0]?.path ?? "";
  const databases = await admin.query<{ oid: string }>(
    "select oid::text from pg_database where datname like 'safetypin%'",
  );
  const folders: (readonly [kind: Place, folder: string])[] = [
    ["wal", "pg_wal"],
    ["heap", "global"],
    ["temporary files", "base/pgsql_tmp"],
    ...databases.rows.map(({ oid }) => ["heap", `base/${oid}`] as const),
  ];

  for (const [kind, folder] of folders) {
    for (const name of await listFiles(admin, root, folder)) {
      const where = `${folder}/${name}`;
      for await (const chunk of readServerFile(admin, root, where, matcher)) yield [kind, where, chunk];
    }
  }
}

async function listFiles(admin: pg.Client, root: string, folder: string): Promise<string[]> {
  try {
    const entries = await readdir(join(root, folder), { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  } catch {
    const { rows } = await admin.query<{ name: string }>(
      `select name from pg_ls_dir($1, true, false) as name where not (pg_stat_file($1 || '/' || name)).isdir`,
      [folder],
    );
    return rows.map(({ name }) => name);
  }
}

async function* readServerFile(
  admin: pg.Client,
  root: string,
  path: string,
  matcher: SecretMatcher,
): AsyncGenerator<Buffer> {
  try {
    yield* readChunks(join(root, path), matcher);
  } catch {
    for (let at = 0; ; at += CHUNK - matcher.overlap) {
      const { rows } = await admin.query<{ content: Buffer | null }>(
        "select pg_read_binary_file($1, $2, $3, true) as content",
        [path, at, CHUNK],
      );
      const content = rows[0]?.content;
      if (content === null || content === undefined || content.length === 0) return;
      yield content;
      if (content.length < CHUNK) return;
    }
  }
}

async function* readChunks(path: string, { overlap }: SecretMatcher): AsyncGenerator<Buffer> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(CHUNK);
    for (let at = 0; ; at += CHUNK - overlap) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK, at);
      if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
      if (bytesRead < CHUNK) return;
    }
  } finally {
    await file.close();
  }
}

async function dump(run: TestRun, database: string): Promise<Buffer> {
  const { hostname, port, username, password } = new URL(run.adminUrl);
  const source = {
    host: hostname,
    port: Number(port || 5432),
    user: decodeURIComponent(username),
    password: password === "" ? undefined : decodeURIComponent(password),
    database,
  };
  const args = ["--data-only", "--exclude-table=*.password_blocklist"];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(SQL_DIRECTORY, "..", "test", "support", "dump.mjs"), JSON.stringify({ source, args })],
    { encoding: "buffer", maxBuffer: 1 << 30 },
  );
  return stdout;
}
