import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import pg from "pg";

import { prepareDatabase } from "../../src/development/prepare-database.js";
import { quoteIdentifier } from "../../src/migrations/cell.js";
import { localKeyFile } from "../../src/keys/local-key-file.js";
import { SQL_DIRECTORY } from "../../src/migrations/chapters.js";
import { pgtapSql } from "./pgtap.js";
import type { TestRun } from "./run.js";

/** The cell that every test has, unless it makes another. */
export const TEST_CELL = "safetypin";

/** What a test's database starts as. */
export type TemplateName =
  /** As PostgreSQL makes it: for tests of bootstrap and migrations. */
  | "empty"
  /** Bootstrapped and migrated, without a row. */
  | "migrated"
  /** With the base and test seeds. */
  | "seeded"
  /** As `seeded`, with pgTAP and the vocabulary of `test-sql/setup.sql`. */
  | "pgtap";

/** The logins that bootstrap makes for a cell, and what the client calls them. */
export const CELL_LOGINS = ["app", "mailer", "operator", "auditor", "monitor", "backup"] as const;

/**
 * The template's database, built by the first who asks and copied by everybody.
 *
 * @throws whatever kept it from being built, each time anew.
 */
export async function ensureTemplate(run: TestRun, template: TemplateName): Promise<string> {
  if (template === "empty") return "template0";
  const name = `safetypin_test_${run.id}_${template}`;

  const admin = await connect(run.adminUrl);
  try {
    await withClusterLock(admin, async () => {
      const { rowCount } = await admin.query("select from pg_database where datname = $1", [name]);
      if (rowCount === 0) await build(run, admin, template, name);
    });
  } finally {
    await admin.end();
  }
  return name;
}

async function build(
  run: TestRun,
  admin: pg.Client,
  template: Exclude<TemplateName, "empty">,
  name: string,
): Promise<void> {
  // Under another name until it is whole: who finds the name may copy it.
  const unfinished = `${name}_unfinished`;
  await admin.query(`drop database if exists ${unfinished} with (force)`);

  if (template === "pgtap") {
    const seeded = `safetypin_test_${run.id}_seeded`;
    const { rowCount } = await admin.query("select from pg_database where datname = $1", [seeded]);
    if (rowCount === 0) await build(run, admin, "seeded", seeded);
    await copyDatabase(admin, seeded, unfinished);
  } else {
    await admin.query(`create database ${unfinished} template template0`);
  }

  const client = await connect(withDatabase(run.adminUrl, unfinished));
  try {
    if (template === "pgtap") await loadVocabulary(client);
    else {
      const environment = template === "seeded" ? "test" : undefined;
      await prepareDatabase(client, { cell: TEST_CELL, environment });
      await setLoginPasswords(client, run, TEST_CELL);
    }
  } finally {
    await client.end();
  }
  await admin.query(`alter database ${unfinished} rename to ${name}`);
}

async function loadVocabulary(client: pg.Client): Promise<void> {
  await client.query(
    "create schema tap; grant usage on schema tap to public; set search_path = tap, pg_catalog",
  );
  await client.query(await pgtapSql());
  await client.query(`set search_path = ${TEST_CELL}, extensions, tap`);
  const vocabulary = join(SQL_DIRECTORY, "..", "test-sql", "setup.sql");
  await client.query(await readFile(vocabulary, "utf8"));
  // The template's key is in a file that SQL cannot read: the vocabulary makes one that it knows,
  // and that clients know by the same file.
  await client.query("select tests.empty_keys()");
  const { rows } = await client.query<{ id: string }>("select id from cell_settings");
  const { share, wrapped } = await localKeyFile({ environment: "test" }).generate({
    cellId: rows[0]!.id,
    organizationId: null,
    keyId: 1,
  });
  const [shown, bytes] = [share.toString("hex"), wrapped.bytes.toString("hex")];
  await client.query(
    `create or replace function tests.first_key(out share bytea, out key_name text, out wrapped bytea)
       language sql immutable
       return ('\\x${shown}'::bytea, '${wrapped.keyName}'::text, '\\x${bytes}'::bytea)`,
  );
}

/** Makes a database like another, with the privileges and settings that PostgreSQL does not copy. */
export async function copyDatabase(admin: pg.Client, from: string, to: string): Promise<void> {
  // File by file: nobody's restart depends on it, and the hunt for secrets need not read each copy in the write-ahead log.
  await admin.query(`create database ${to} template ${from} strategy file_copy`);
  if (from === "template0") return;

  const { rows } = await admin.query<{ statement: string }>(
    `with source as (
       select oid, coalesce(datacl, acldefault('d', datdba)) as privileges
       from pg_database
       where datname = $1
     )
     select format('revoke all on database %I from public', $2::text) as statement
     union all
     select format(
       'grant %s on database %I to %s',
       privilege_type,
       $2::text,
       case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end
     )
     from source, aclexplode(privileges)
     union all
     select format(
       'alter %s set %s = %s',
       case setrole
         when 0 then format('database %I', $2::text)
         else format('role %I in database %I', pg_get_userbyid(setrole), $2::text)
       end,
       split_part(setting, '=', 1),
       case split_part(setting, '=', 1)
         when 'search_path' then substr(setting, strpos(setting, '=') + 1)
         else quote_literal(substr(setting, strpos(setting, '=') + 1))
       end
     )
     from source
       join pg_db_role_setting on setdatabase = oid
       cross join unnest(setconfig) as setting`,
    [from, to],
  );
  for (const { statement } of rows) await admin.query(statement);
}

/** Gives the logins of a cell the passwords that {@link loginPassword} knows. */
export async function setLoginPasswords(client: pg.Client, run: TestRun, cell: string): Promise<void> {
  const logins = ["safetypin_migrator", ...CELL_LOGINS.map((login) => `${cell}_${login}_login`)];
  for (const login of logins) {
    await client.query(
      `alter role ${quoteIdentifier(login)} password '${loginPassword(run, login)}'`,
    );
  }
}

/** Roles belong to the whole server: two runs on one server must agree on their passwords. */
export function loginPassword(run: TestRun, login: string): string {
  const { password } = new URL(run.adminUrl);
  return createHash("sha256").update(`${password}:${login}`).digest("base64url");
}

/**
 * Does the work while no other test of this server makes, alters or grants roles:
 * PostgreSQL answers two at once with "tuple concurrently updated".
 */
export async function withClusterLock<Result>(
  admin: pg.Client,
  work: () => Promise<Result>,
): Promise<Result> {
  const key = "hashtextextended('safetypin tests', 0)";
  const attempt = async () => {
    const { rows } = await admin.query<{ held: boolean }>(
      `select pg_try_advisory_lock(${key}) as held`,
    );
    return rows[0]?.held === true;
  };
  // Asked again and again: to wait inside PostgreSQL would hold up an index built concurrently.
  while (!(await attempt())) await sleep(50);
  try {
    return await work();
  } finally {
    await admin.query(`select pg_advisory_unlock(${key})`);
  }
}

/** Drops what this run has made on a server that goes on without us. */
export async function dropDatabasesOf(run: TestRun): Promise<void> {
  const admin = await connect(run.adminUrl);
  try {
    const { rows } = await admin.query<{ name: string }>(
      `select datname as name from pg_database where datname like 'safetypin\\_test\\_' || $1 || '%'`,
      [run.id],
    );
    for (const { name } of rows) await admin.query(`drop database if exists ${name} with (force)`);
  } finally {
    await admin.end();
  }
}

/** The same server and login, another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

/** A connection whose loss is told by the next query and not by a crash. */
export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on("error", () => undefined);
  await client.connect();
  return client;
}
