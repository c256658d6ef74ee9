import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import pg from "pg";

import { destinationOf, isSocket, isThisMachine, readAddress, type TlsParameters } from "../address.js";
import { explainNoConnection, type Wording } from "../no-connection.js";
import { authorities, modeOf, parseTlsMode, sslOf, type TlsMode } from "../tls.js";

const TIMEOUT_MS = 10_000;

/** Whom to connect as, where it is not whom the address names. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

/**
 * Does the work on a connection to the server that `DATABASE_URL` names, or the
 * `PG*` variables, and closes it; to another database of it where one is named.
 *
 * @throws {@link ConfigurationError} when there is no such server, or it will not
 * have us: what was tried, and what to change.
 */
export async function withConnection<Result>(
  work: (client: pg.Client) => Promise<Result>,
  database?: string,
): Promise<Result> {
  const client = await connect(database);
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A connection, to another database of the same server or as another login where one is named. */
export async function connect(database?: string, login?: Login): Promise<pg.Client> {
  const { config, tls } = readSettings();
  const settings: pg.ClientConfig = {
    ...config,
    ...(database === undefined ? {} : { database }),
    ...login,
    application_name: "safetypin",
    connectionTimeoutMillis: TIMEOUT_MS,
  };
  const mode = tlsMode(tls, settings);
  const ssl = sslOf(mode, certificateFiles(tls));
  try {
    return await open({ ...settings, ssl });
  } catch (error) {
    // As psql: encrypted if the server can, else not.
    const isAbsent = error instanceof Error && /does not support SSL/.test(error.message);
    if (mode === "prefer" && isAbsent) {
      return open({ ...settings, ssl: false }).catch((reason: unknown) => {
        throw explainNoConnection(reason, settings, WORDING);
      });
    }
    throw explainNoConnection(error, { ...settings, ssl }, WORDING);
  }
}

async function open(settings: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(settings);
  // A backend that ends while nothing is asked of it would end this process too;
  // the next question tells.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** The address, checked and taken apart; nothing where the `PG*` variables say it. */
function readSettings(): { readonly config: pg.ClientConfig; readonly tls: TlsParameters } {
  const url = process.env["DATABASE_URL"];
  return url === undefined || url === "" ? { config: {}, tls: {} } : readAddress({ connectionString: url }, "DATABASE_URL");
}

/**
 * As psql reads it: the address, then `PGSSLMODE`. Where neither says anything, another
 * machine has to show a certificate that we believe, and this one need not.
 */
function tlsMode(said: TlsParameters, settings: pg.ClientConfig): TlsMode {
  const { PGSSLMODE } = process.env;
  const { host } = destinationOf(settings);
  if (isSocket(host)) return "disable";
  return modeOf(said) ?? (PGSSLMODE ? parseTlsMode(PGSSLMODE) : isThisMachine(host) ? "prefer" : "verify-full");
}

/** Where psql looks for them too: the address, the variables, `~/.postgresql`. */
function certificateFiles(said: TlsParameters) {
  const { PGSSLROOTCERT, PGSSLCERT, PGSSLKEY } = process.env;
  const certificate = said.sslcert ?? (PGSSLCERT || atHome("postgresql.crt"));
  return {
    ca: authorities(said.sslrootcert ?? (PGSSLROOTCERT || atHome("root.crt"))),
    certificate,
    key: said.sslkey ?? (PGSSLKEY || (certificate === undefined ? undefined : atHome("postgresql.key"))),
  };
}

function atHome(name: string): string | undefined {
  const path = join(homedir(), ".postgresql", name);
  return existsSync(path) ? path : undefined;
}

const WORDING: Wording = {
  another: "name another with DATABASE_URL, or PGHOST, PGPORT, PGUSER, PGDATABASE and PGPASSWORD",
  password: "Give the right one in DATABASE_URL, PGPASSWORD or ~/.pgpass",
  authority: "sslrootcert=FILE in DATABASE_URL, or PGSSLROOTCERT",
  clientCertificate: "sslcert=FILE and sslkey=FILE in DATABASE_URL, or PGSSLCERT and PGSSLKEY",
  noTls: "say sslmode=disable in DATABASE_URL, or PGSSLMODE",
};
