import pg from "pg";

import { CERTIFICATE, withoutPassword } from "../address.js";
import { ConfigurationError } from "../errors.js";

const TIMEOUT_MS = 10_000;

/**
 * Does the work on a connection to the server that `DATABASE_URL` names, or the
 * `PG*` variables, and closes it.
 *
 * @throws {@link ConfigurationError} when there is no such server, or it will not
 * have us: what was tried, and what to change.
 */
export async function withConnection<Result>(
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = await connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A connection, to another database of the same server where one is named. */
export async function connect(database?: string): Promise<pg.Client> {
  const url = readUrl();
  const client = new pg.Client({
    ...(url === undefined ? {} : { connectionString: inDatabase(url, database) }),
    ...(url === undefined && database !== undefined ? { database } : {}),
    application_name: "safetypin",
    connectionTimeoutMillis: TIMEOUT_MS,
  });
  // A backend that ends while nothing is asked of it would end this process too;
  // the next question tells.
  client.on("error", () => undefined);

  try {
    await client.connect();
  } catch (error) {
    throw explain(error, client);
  }
  return client;
}

/** The address, checked, or `undefined` where the `PG*` variables say it. */
function readUrl(): string | undefined {
  const url = process.env["DATABASE_URL"];
  if (url === undefined || url === "") return undefined;

  const remedy = "Write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE, or use PGHOST, PGUSER, …";
  if (!/^(postgres(ql)?|socket):/.test(url)) {
    throw new ConfigurationError(`DATABASE_URL is no address of a PostgreSQL: "${withoutPassword(url)}"`, {
      remedy,
    });
  }
  // What Node says of it would quote it, password and all.
  if (!URL.canParse(url)) {
    throw new ConfigurationError(`DATABASE_URL cannot be read: "${withoutPassword(url)}"`, {
      remedy: `${remedy}. In a password, write @ / : ? # % as %40 %2F %3A %3F %23 %25`,
    });
  }
  return url;
}

function inDatabase(url: string, database: string | undefined): string {
  if (database === undefined) return url;
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}

function explain(error: unknown, { host, port, user, database }: pg.Client): ConfigurationError {
  const cause = innermost(error);
  const { code = "", message } = cause as Error & { code?: string };
  const where = host.startsWith("/") ? `the socket in ${host}` : `${host}:${String(port)}`;
  const settings = "DATABASE_URL, or PGHOST, PGPORT, PGUSER, PGDATABASE and PGPASSWORD";
  const because = (sentence: string, remedy: string) =>
    new ConfigurationError(sentence, { remedy, cause });

  switch (code) {
    case "ECONNREFUSED":
    case "ENOENT":
      return because(`No server listens at ${where}`, `Start it, or name another with ${settings}`);
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return because(`There is no host "${host}"`, `Name another with ${settings}`);
    case "28P01":
      return because(
        `The server at ${where} refuses the password of "${user ?? ""}"`,
        "Give the right one in DATABASE_URL, PGPASSWORD or ~/.pgpass",
      );
    case "28000":
      return because(`The server at ${where} refuses "${user ?? ""}": ${message}`, `Connect as another with ${settings}`);
    case "3D000":
      return because(`The server at ${where} has no database "${database ?? ""}"`, `Name another with ${settings}`);
    case "42501":
      return because(
        `"${user ?? ""}" may not connect to database "${database ?? ""}": ${message}`,
        `Let its owner run: grant connect on database ${database ?? "…"} to ${user ?? "…"};`,
      );
    case "53300":
      return because(`The server at ${where} has no connection left: ${message}`, "Run this again when it has");
    case "57P03":
      return because(`The server at ${where} is not ready: ${message}`, "Run this again in a moment");
  }
  if (/timeout/i.test(message)) {
    return because(
      `The server at ${where} did not answer within ${String(TIMEOUT_MS / 1000)} s`,
      `See whether a firewall is in the way, or name another with ${settings}`,
    );
  }
  if (/password must be a string/.test(message)) {
    return because(`The server at ${where} asks for a password of "${user ?? ""}", and there is none`, "Give it in DATABASE_URL, PGPASSWORD or ~/.pgpass");
  }
  if (/does not support SSL/.test(message)) {
    return because(`The server at ${where} does not speak TLS`, "Turn TLS on there, or say sslmode=disable where the network is yours");
  }
  if (CERTIFICATE.test(code)) {
    return because(
      `The certificate of ${where} cannot be believed: ${message}`,
      "Name the authority with sslrootcert=FILE in DATABASE_URL, or NODE_EXTRA_CA_CERTS",
    );
  }
  return because(`No connection to ${where}: ${message}`, `It is named by ${settings}`);
}

/** Node tries every address of a host and wraps what each of them said. */
function innermost(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}
