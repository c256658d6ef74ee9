import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import pg, { type ClientBase } from "pg";

import { ConfigurationError } from "./errors.js";
import { bootstrap } from "./migrations/bootstrap.js";
import { quoteIdentifier, type CellName } from "./migrations/cell.js";
import { readChapters, SQL_DIRECTORY } from "./migrations/chapters.js";
import type { Environment } from "./migrations/environment.js";
import { fill, type ResetOptions } from "./reset.js";

/** Makes a connection to the database, or to another one of the same server. */
export type Connect = (database?: string) => Promise<pg.Client>;

const SWAP_ATTEMPTS = 10;

/** Why the database cannot be copied from a template, or `undefined` when it can. */
export async function whyNoTemplate(
  client: ClientBase,
  cell: CellName,
): Promise<string | undefined> {
  const { rows } = await client.query<{
    may_create: boolean;
    may_bootstrap: boolean;
    owns: boolean;
    neighbours: string[];
  }>(
    `select
       rolsuper or rolcreatedb as may_create,
       rolsuper or rolcreaterole as may_bootstrap,
       rolsuper or pg_has_role(datdba, 'usage') as owns,
       array(
         select distinct nspname::text
         from pg_class
           join pg_namespace on pg_namespace.oid = relnamespace
         where nspname not in ($1, 'pg_catalog', 'information_schema')
           and nspname not like 'pg\\_%'
           and not exists (
             select from pg_depend where objid = pg_class.oid and deptype = 'e'
           )
         order by 1
       ) as neighbours
     from pg_roles, pg_database
     where rolname = current_user and datname = current_database()`,
    [cell],
  );
  const login = rows[0];
  if (login === undefined) return "nothing is known of the login";

  if (!login.may_create) return "the login may not make databases";
  if (!login.owns) return "the login does not own the database";
  if (!login.may_bootstrap) return "the login may not bootstrap";
  if (login.neighbours.length > 0) {
    return `the database also holds ${login.neighbours.join(", ")}`;
  }
  return undefined;
}

/**
 * Puts a fresh copy of a template in the place of the database, in one moment:
 * until then the old one is there, whole. The template is made by the first who
 * needs it, and anew when the chapters or the seeds have changed since.
 */
export async function resetByTemplate(
  connect: Connect,
  environment: Environment,
  options: ResetOptions,
): Promise<void> {
  const { onStep } = options;
  const database = await nameOfDatabase(connect);
  const template = `${database.slice(0, 50)}_template`;
  const fresh = `${database.slice(0, 50)}_fresh`;

  const server = await connectBeside(connect, database);
  try {
    const digest = await digestOf(environment, options);
    if ((await commentOn(server, template)) !== digest) {
      onStep?.("make the template");
      await makeTemplate(server, connect, { database, template, digest, environment }, options);
    }
    onStep?.("copy the template");
    await server.query(`drop database if exists ${quoteIdentifier(fresh)} with (force)`);
    await server.query(`create database ${quoteIdentifier(fresh)} template ${quoteIdentifier(template)}`);
    await copyPrivileges(server, database, fresh);
    await swap(server, database, fresh);
  } finally {
    await server.end().catch(() => undefined);
  }
}

async function nameOfDatabase(connect: Connect): Promise<string> {
  const client = await connect();
  try {
    const { rows } = await client.query<{ name: string }>("select current_database() as name");
    return rows[0]?.name ?? "";
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A database cannot be replaced from within. */
async function connectBeside(connect: Connect, database: string): Promise<pg.Client> {
  const other = ["postgres", "template1"].find((name) => name !== database) ?? "postgres";
  return connect(other).catch(() => connect("template1"));
}

/** Everything that the template is made of. */
async function digestOf(environment: Environment, options: ResetOptions): Promise<string> {
  const { cell, seedDirectory = join(SQL_DIRECTORY, "seeds") } = options;
  const digest = createHash("sha256").update(JSON.stringify([cell, environment]));
  for (const file of ["bootstrap.sql", "ledger.sql"]) {
    digest.update(await readFile(join(SQL_DIRECTORY, file)));
  }
  for (const { fileName, hash } of await readChapters(options)) digest.update(fileName + hash);

  const files = await readdir(seedDirectory, { recursive: true });
  for (const file of files.filter((name) => name.endsWith(".sql")).sort()) {
    digest.update(file).update(await readFile(join(seedDirectory, file)));
  }
  return `safetypin template ${digest.digest("hex")}`;
}

async function commentOn(server: ClientBase, database: string): Promise<string | undefined> {
  const { rows } = await server.query<{ comment: string | null }>(
    "select shobj_description(oid, 'pg_database') as comment from pg_database where datname = $1",
    [database],
  );
  return rows[0]?.comment ?? undefined;
}

async function makeTemplate(
  server: ClientBase,
  connect: Connect,
  named: { database: string; template: string; digest: string; environment: Environment },
  options: ResetOptions,
): Promise<void> {
  const { database, template, digest, environment } = named;
  const found = await commentOn(server, template);
  if (found !== undefined && !found.startsWith("safetypin template ")) {
    throw new ConfigurationError(`Database "${template}" exists and is not ours to replace`, {
      remedy: `Rename or drop it: alter database ${quoteIdentifier(template)} rename to …;`,
    });
  }

  // Under another name until it is whole.
  const unfinished = `${template}_new`;
  await server.query(`drop database if exists ${quoteIdentifier(unfinished)} with (force)`);
  await createLike(server, database, unfinished);
  const client = await connect(unfinished);
  try {
    await bootstrap(client, options);
    await fill(client, options.cell, environment, options);
  } finally {
    await client.end().catch(() => undefined);
  }
  await server.query(`comment on database ${quoteIdentifier(unfinished)} is '${digest}'`);
  await server.query(`drop database if exists ${quoteIdentifier(template)} with (force)`);
  await server.query(
    `alter database ${quoteIdentifier(unfinished)} rename to ${quoteIdentifier(template)}`,
  );
}

/** An empty database with the encoding, the language and the owner of another. */
async function createLike(server: ClientBase, model: string, name: string): Promise<void> {
  const { rows } = await server.query<{ statement: string }>(
    `select concat_ws(
       ' ',
       format('create database %I template template0', $2::text),
       format('owner %I', pg_get_userbyid(datdba)),
       format('encoding %L', pg_encoding_to_char(encoding)),
       format('lc_collate %L lc_ctype %L', datcollate, datctype),
       case datlocprovider
         when 'i' then format('locale_provider icu icu_locale %L', locale)
         when 'b' then format('locale_provider builtin builtin_locale %L', locale)
         else 'locale_provider libc'
       end
     ) as statement
     from pg_database
       cross join lateral (
         select coalesce(to_jsonb(pg_database) ->> 'datlocale', to_jsonb(pg_database) ->> 'daticulocale') as locale
       ) as named
     where datname = $1`,
    [model, name],
  );
  await server.query(rows[0]?.statement ?? "");
}

/** PostgreSQL copies neither a database's privileges and settings nor its comment. */
async function copyPrivileges(server: ClientBase, from: string, to: string): Promise<void> {
  const { rows } = await server.query<{ statement: string }>(
    `with source as (
       select oid, datdba, coalesce(datacl, acldefault('d', datdba)) as privileges
       from pg_database
       where datname = $1
     )
     select format('alter database %I owner to %I', $2::text, pg_get_userbyid(datdba)) as statement
     from source
     union all
     select format('revoke all on database %I from public', $2::text)
     union all
     select format(
       'grant %s on database %I to %s%s',
       privilege_type,
       $2::text,
       case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end,
       case when is_grantable and grantee <> 0 then ' with grant option' end
     )
     from source
       cross join lateral aclexplode(privileges)
     union all
     select format('comment on database %I is %L', $2::text, shobj_description(oid, 'pg_database'))
     from source
     where shobj_description(oid, 'pg_database') is not null
     union all
     select format(
       'alter %s set %I = %s',
       case setrole
         when 0 then format('database %I', $2::text)
         else format('role %I in database %I', pg_get_userbyid(setrole), $2::text)
       end,
       split_part(setting, '=', 1),
       case
         when split_part(setting, '=', 1) = 'search_path' then substr(setting, strpos(setting, '=') + 1)
         else quote_literal(substr(setting, strpos(setting, '=') + 1))
       end
     )
     from source
       join pg_db_role_setting on setdatabase = oid
       cross join unnest(setconfig) as setting`,
    [from, to],
  );
  for (const { statement } of rows) await server.query(statement);
}

/** Whoever is connected is sent away: a database in use cannot be renamed. */
async function swap(server: ClientBase, database: string, fresh: string): Promise<void> {
  const old = `${database.slice(0, 50)}_old`;
  await server.query(`drop database if exists ${quoteIdentifier(old)} with (force)`);

  for (let attempt = 1; ; attempt += 1) {
    await server.query(
      "select pg_terminate_backend(pid, 1000) from pg_stat_activity where datname = any ($1) and pid <> pg_backend_pid()",
      [[database, fresh]],
    );
    try {
      await server.query("begin");
      await server.query(`alter database ${quoteIdentifier(database)} rename to ${quoteIdentifier(old)}`);
      await server.query(`alter database ${quoteIdentifier(fresh)} rename to ${quoteIdentifier(database)}`);
      await server.query("commit");
      break;
    } catch (error) {
      await server.query("rollback").catch(() => undefined);
      const isInUse = error instanceof pg.DatabaseError && error.code === "55006";
      if (!isInUse || attempt === SWAP_ATTEMPTS) throw error;
    }
  }
  await server.query(`drop database if exists ${quoteIdentifier(old)} with (force)`);
}
