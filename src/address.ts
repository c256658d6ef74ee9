import type { PoolConfig } from "pg";

import { ConfigurationError } from "./errors.js";

/** Certificates that cannot be believed, as Node names them. */
export const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/;

/**
 * Checks an address before it is tried.
 *
 * @throws {@link ConfigurationError} when it is none, without the password in it.
 */
export function requireAddress({ connectionString }: PoolConfig): void {
  if (connectionString === undefined || /^(socket:|\/)/.test(connectionString)) return;

  const remedy =
    "Write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE; in a password, write @ / : ? # % as %40 %2F %3A %3F %23 %25";
  const shown = withoutPassword(connectionString);
  if (!/^postgres(ql)?:/.test(connectionString)) {
    throw new ConfigurationError(`"${shown}" is no address of a PostgreSQL`, { remedy });
  }
  // What Node says of it would quote it, password and all: it is no cause of ours.
  if (!URL.canParse(connectionString)) {
    throw new ConfigurationError(`The address "${shown}" cannot be read`, { remedy });
  }
}

/** What kept us from connecting, in a sentence that names the address, and what to change. */
export function explainNoConnection(error: unknown, config: PoolConfig): ConfigurationError {
  if (error instanceof ConfigurationError) return error;
  const cause = error instanceof AggregateError ? (error.errors[0] as unknown) : innermost(error);
  const { code = "", message = "" } = cause as Error & { code?: string };
  const { where, user, database } = describe(config);
  const because = (sentence: string, remedy: string) =>
    new ConfigurationError(sentence, { remedy, cause });

  switch (code) {
    case "ECONNREFUSED":
    case "ENOENT":
      return because(`No server listens at ${where}`, "Start it, or pass another connectionString");
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return because(`The name in ${where} is no host's`, "Pass another connectionString");
    case "28P01":
      return because(`The server at ${where} refuses the password of "${user}"`, "Pass the right one");
    case "28000":
      return because(
        `The server at ${where} refuses "${user}"`,
        "Pass another user, or let pg_hba.conf admit this one",
      );
    case "3D000":
      return because(`The server at ${where} has no database "${database}"`, "Pass another database");
    case "42501":
      return because(
        `"${user}" may not connect to database "${database}"`,
        `Let its owner run: grant connect on database ${database} to ${user};`,
      );
    case "53300":
      return because(
        `The server at ${where} has no connection left`,
        "Make the pools smaller, put a pooler between, or raise max_connections",
      );
    case "57P03":
      return because(`The server at ${where} is not ready yet`, "Try again in a moment");
  }
  if (CERTIFICATE.test(code)) {
    return because(
      `The certificate of ${where} cannot be believed (${code})`,
      "Name its authority with sslrootcert=FILE, and the host as the certificate does",
    );
  }
  return because(`No connection to ${where}: ${message}`, "See whether a firewall is in the way, or TLS is off there");
}

/** An address as it may be shown: everything between the scheme and the last @ may be a secret. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z]+:(\/\/)?)?.*@/is, "$1…@").replace(/([?&]password=)[^&]*/gi, "$1…");
}

function describe({ connectionString, host, port, user, database }: PoolConfig) {
  const url = connectionString === undefined ? undefined : new URL(connectionString, "postgres://");
  const env = process.env;
  const named = url?.searchParams.get("host") ?? (url?.hostname || host || env["PGHOST"] || "localhost");
  const isSocket = named.startsWith("/");
  const number = url?.port || port || env["PGPORT"] || 5432;
  return {
    where: isSocket ? `the socket in ${named}` : `${named}:${number}`,
    user: decodeURIComponent(url?.username ?? "") || user || env["PGUSER"] || "",
    database: decodeURIComponent(url?.pathname.slice(1) ?? "") || database || env["PGDATABASE"] || "",
  };
}

/** The pool wraps what ran into its time limit. */
function innermost(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? error.cause : error;
}
