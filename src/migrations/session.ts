import type { ClientBase } from "pg";

import { ConfigurationError } from "../errors.js";
import { requireOneSession } from "../one-session.js";
import { findExtensionsSchema, listCells, searchPathOf, type CellName } from "./cell.js";

/** The oldest PostgreSQL that the chapters are written for. */
export const OLDEST_SERVER = 15;

/** How a runner treats the connection it was given. */
export interface SessionOptions {
  /**
   * Trust that whatever stands between here and the server keeps one session
   * per connection, as a forwarding proxy does and a transaction pooler does not.
   *
   * @defaultValue false
   */
  readonly allowProxy?: boolean | undefined;

  /**
   * How long a chapter may wait for a table that somebody uses, in milliseconds.
   * While it waits for a strong lock, everybody behind it waits too.
   *
   * @defaultValue 10 000
   */
  readonly lockTimeoutMs?: number | undefined;
}

/** A connection that is the owner of one cell, and whose path is that cell. */
export interface CellSession {
  readonly client: ClientBase;
  readonly cell: CellName;

  /** The schema in which the database keeps pgcrypto and pg_trgm. */
  readonly extensionsSchema: string;
}

interface Standing {
  version: string;
  major: number;
  login: string;
  database: string;
  missing_roles: string[];
  forbidden_roles: string[];
}

/**
 * Refuses a server that is too old, and a pooler between here and the server.
 *
 * A migration needs one session from its lock to its last statement.
 *
 * @throws {@link ConfigurationError}
 */
export async function assertDirectServer(
  client: ClientBase,
  { allowProxy = false }: SessionOptions = {},
): Promise<void> {
  const { rows } = await client.query<Pick<Standing, "version" | "major">>(
    `select
       current_setting('server_version') as version,
       current_setting('server_version_num')::integer / 10000 as major`,
  );
  const { version, major } = rows[0] as Standing;

  if (major < OLDEST_SERVER) {
    throw new ConfigurationError(
      `This server is PostgreSQL ${version}; SafetyPin needs ${OLDEST_SERVER} or newer`,
      { remedy: "Upgrade the server, or connect to another" },
    );
  }

  if (!allowProxy) {
    await requireOneSession(
      client,
      "migrations hold a lock, a role and a path for longer than a transaction. If what stands there keeps one session per connection, say --allow-proxy",
    );
  }
}

/**
 * Does the work as `safetypin_owner`, with the cell as its path, and leaves the
 * connection as it found it.
 *
 * @throws {@link ConfigurationError} when the server is too old, a pooler is in
 * the way, the login may not become the owners, or there is no such cell.
 */
export async function inCell<Result>(
  client: ClientBase,
  cell: CellName,
  options: SessionOptions,
  work: (session: CellSession) => Promise<Result>,
): Promise<Result> {
  await assertDirectServer(client, options);
  await assertMayMigrate(client);
  await assertCell(client, cell);
  const extensionsSchema = await findExtensionsSchema(client);

  const settings: Readonly<Record<string, string>> = {
    search_path: searchPathOf(cell, extensionsSchema),
    lock_timeout: String(options.lockTimeoutMs ?? 10_000),
    // The package underneath makes its table again each time, if it does not exist.
    client_min_messages: "warning",
    // What a chapter does with time does not depend on where the runner stands.
    timezone: "UTC",
  };
  const before = await exchangeSettings(client, settings);

  try {
    await client.query("set role safetypin_owner");
    await noticeDeadClients(client);
    return await work({ client, cell, extensionsSchema });
  } finally {
    // A connection that was lost has nothing to restore; let the real error through.
    await exchangeSettings(client, { role: "none", ...before }).catch(() => undefined);
  }
}

/**
 * Does the work with no limit to how long it waits for a lock. What runs outside a
 * transaction keeps nobody waiting while it waits: an index that is built
 * concurrently waits for every older transaction, and giving up leaves it invalid.
 */
export async function withoutLockTimeout<Result>(
  client: ClientBase,
  work: () => Promise<Result>,
): Promise<Result> {
  const before = await exchangeSettings(client, { lock_timeout: "0" });
  try {
    return await work();
  } finally {
    await exchangeSettings(client, before).catch(() => undefined);
  }
}

/** Sets the settings for the session, and answers with what they were. */
async function exchangeSettings(
  client: ClientBase,
  settings: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const { rows } = await client.query<{ name: string; before: string }>(
    `with wanted as materialized (
       select name, value, current_setting(name) as before
       from unnest($1::text[], $2::text[]) as wanted (name, value)
     )
     select name, before, set_config(name, value, false)
     from wanted`,
    [Object.keys(settings), Object.values(settings)],
  );
  return Object.fromEntries(rows.map(({ name, before }) => [name, before]));
}

/**
 * A backend whose runner was killed would otherwise go on with the chapter until
 * it has something to say, and hold the lock meanwhile. Not every platform can.
 */
async function noticeDeadClients(client: ClientBase): Promise<void> {
  await client.query("set client_connection_check_interval = '1s'").catch(() => undefined);
}

async function assertMayMigrate(client: ClientBase): Promise<void> {
  const { rows } = await client.query<Standing>(
    `with owners (name) as (
       values ('safetypin_owner'), ('safetypin_definer'), ('safetypin_keyholder')
     )
     select
       session_user as login,
       array(
         select name
         from owners
         where to_regrole(name) is null
       ) as missing_roles,
       array(
         select name
         from owners
         where to_regrole(name) is not null
           and not pg_has_role(
             session_user,
             name,
             case when current_setting('server_version_num')::integer >= 160000
               then 'set'
               else 'member'
             end
           )
       ) as forbidden_roles`,
  );
  const { login, missing_roles, forbidden_roles } = rows[0] as Standing;

  if (missing_roles.length > 0) {
    throw new ConfigurationError(`This server has no role ${missing_roles.join(", ")}`, {
      remedy: "Run, as an administrator: safetypin bootstrap",
    });
  }
  if (forbidden_roles.length > 0) {
    throw new ConfigurationError(`${login} may not become ${forbidden_roles.join(", ")}`, {
      remedy: "Connect as safetypin_migrator, the login that safetypin bootstrap makes for this",
    });
  }
}

async function assertCell(client: ClientBase, cell: CellName): Promise<void> {
  const cells = await listCells(client);
  if (cells.includes(cell)) return;

  const { rows } = await client.query<{ database: string }>("select current_database() as database");
  throw new ConfigurationError(
    `There is no cell "${cell}" in database "${rows[0]?.database ?? ""}"` +
      (cells.length > 0 ? `; there is ${cells.join(", ")}` : ""),
    { remedy: `Name another with --cell, or make it: safetypin bootstrap --cell ${cell}` },
  );
}
