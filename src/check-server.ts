import type { PoolClient } from "pg";

import { ConfigurationError } from "./errors.js";
import { checkIsolation } from "./doctor/isolation.js";
import type { Environment } from "./limits.js";
import { findExtensionsSchema, quoteIdentifier, type CellName } from "./migrations/cell.js";
import type { Log } from "./query-report.js";
import { requireEncryption, type Tls } from "./tls.js";

/** What a client has to know of a server before it serves a cell from it. */
export interface ServerFacts {
  /** Where pgcrypto and pg_trgm are. */
  readonly extensionsSchema: string;

  /** Whether something between us and the server hands our statements to connections of its own. */
  readonly hasPooler: boolean;

  /** The cell's id, to which its keys are bound. */
  readonly cellId: string;

  /** What the cell says it is. */
  readonly cellEnvironment: Environment;
}

/** What a process logs in as. */
export type ServerLogin = "app" | "mailer";

/** What each is called in a sentence, and a function that it is there to call. */
const LOGINS = {
  app: { called: "an application", calls: "begin_password_check" },
  mailer: { called: "a mailer", calls: "take_messages" },
} as const satisfies Record<ServerLogin, unknown>;

/** How strictly to look. */
export interface ServerChecks {
  readonly cell: CellName;
  readonly login: ServerLogin;
  readonly environment: Environment;
  readonly tls: Tls;
  readonly log: Log;

  /** Whether to serve in spite of a server with known flaws: whoever says so has seen to them. */
  readonly allowVulnerableServer: boolean | undefined;
}

/**
 * Looks at the server, the login and the cell before anybody is served.
 *
 * In production this includes doctor's checks of isolation: whatever is critical there
 * lets one organization see another's rows.
 *
 * @throws {@link ConfigurationError} with the first thing that is not as it has to be,
 * and what mends it.
 */
export async function checkServer(client: PoolClient, checks: ServerChecks): Promise<ServerFacts> {
  const { cell, login, environment, tls, log, allowVulnerableServer } = checks;
  const { rows } = await client.query<{
    version: number;
    login: string;
    pid: number;
    is_encrypted: boolean;
    has_cell: boolean;
    may_use: boolean;
    is_member: boolean;
    is_migrated: boolean;
  }>(
    `select
       current_setting('server_version_num')::integer as version,
       session_user as login,
       pg_backend_pid() as pid,
       inet_client_addr() is null
         or coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as is_encrypted,
       to_regnamespace(quote_ident($1)) is not null as has_cell,
       coalesce(has_schema_privilege(to_regnamespace(quote_ident($1)), 'usage'), false) as may_use,
       coalesce(pg_has_role(to_regrole('safetypin_' || $2), 'usage'), false) as is_member,
       exists (
         select from pg_proc
         where pronamespace = to_regnamespace(quote_ident($1)) and proname = $3
       ) as is_migrated`,
    [cell, login, LOGINS[login].calls],
  );
  const [server] = rows;
  if (server === undefined) throw new ConfigurationError("The server said nothing about itself");

  if (server.version < 150_000) {
    throw new ConfigurationError(
      `The server is PostgreSQL ${Math.floor(server.version / 10_000)}, and SafetyPin needs 15 or later`,
      { remedy: "Upgrade the server" },
    );
  }
  requireEncryption(server.is_encrypted, tls);
  if (!server.has_cell) {
    throw new ConfigurationError(`There is no cell "${cell}" in this database`, {
      remedy: `Pass another cell, or make it: safetypin bootstrap --cell ${cell}, then safetypin migrate up --cell ${cell}`,
    });
  }
  if (!server.may_use || !server.is_member) {
    throw new ConfigurationError(`"${server.login}" is not let into cell "${cell}" as ${LOGINS[login].called}`, {
      remedy: `Connect as ${cell}_${login}_login, which safetypin bootstrap makes for this`,
    });
  }
  const extensionsSchema = await findExtensionsSchema(client);
  if (!server.is_migrated) {
    throw new ConfigurationError(`Cell "${cell}" is not migrated`, {
      remedy: `Run: safetypin migrate up --cell ${cell}`,
    });
  }
  if (environment === "production") await requireIsolation(client, cell, allowVulnerableServer, log);
  await requireNotRestored(client, cell);

  const cellFacts = await client.query<{ id: string; environment: Environment }>(
    `select id, environment from ${quoteIdentifier(cell)}.cell_settings`,
  );
  const { id: cellId, environment: cellEnvironment } = cellFacts.rows[0]!;
  const processId = (client as { readonly processID?: number | null }).processID;
  return { extensionsSchema, hasPooler: processId !== server.pid, cellId, cellEnvironment };
}

/** Sessions of people who were shredded since the backup are in it, and would go on. */
async function requireNotRestored(client: PoolClient, cell: CellName): Promise<void> {
  try {
    await client.query(`select from ${quoteIdentifier(cell)}.list_wrapped_shares()`);
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== "SP527") throw error;
    throw new ConfigurationError(`Nobody is served: ${(error as Error).message}`, {
      remedy: `Run: safetypin keys replay FILE --cell ${cell}, with the ledger that was exported last`,
      cause: error,
    });
  }
}

async function requireIsolation(
  client: PoolClient,
  cell: CellName,
  allowVulnerableServer: boolean | undefined,
  log: Log,
): Promise<void> {
  const findings = await checkIsolation(client, {
    cell,
    environment: "production",
    ...(allowVulnerableServer === undefined ? {} : { allowVulnerableServer }),
  });
  for (const { severity, object, problem, remedy } of findings) {
    if (severity === "critical") {
      throw new ConfigurationError(
        `In production nobody is served while one organization may see another's rows: ${object} ${problem}`,
        { remedy },
      );
    }
    if (severity === "warning") {
      log({ level: "warning", event: "finding", message: `${object} ${problem}. ${remedy}` });
    }
  }
}
