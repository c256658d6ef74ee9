import type { PoolConfig } from "pg";

import type { Environment } from "./limits.js";
import { ConfigurationError } from "./errors.js";

/**
 * How the way to the server is kept private.
 *
 * `verify-full`: encrypted, and the server's certificate is by an authority we trust
 * and for the name we asked for. `as-configured`: whatever the address or the pool's
 * options say, which may be nothing.
 */
export type Tls = "verify-full" | "as-configured";

/** What an environment asks for: passwords and medical records do not cross a network in the clear. */
export function defaultTls(environment: Environment): Tls {
  return environment === "production" ? "verify-full" : "as-configured";
}

/**
 * The pool's options, with TLS as asked for.
 *
 * @throws {@link ConfigurationError} when they ask for less than that.
 */
export function withTls(config: PoolConfig, tls: Tls): PoolConfig {
  if (tls === "as-configured" || isLocal(config)) return config;

  if (config.connectionString !== undefined) {
    const url = new URL(config.connectionString);
    const mode = url.searchParams.get("sslmode");
    if ((mode !== null && mode !== "verify-full") || url.searchParams.get("ssl") === "false") {
      throw tooLittle(`sslmode=${mode ?? "disable"}`);
    }
    url.searchParams.set("sslmode", "verify-full");
    return { ...config, connectionString: url.href };
  }
  if (config.ssl === false) throw tooLittle("ssl: false");
  if (typeof config.ssl === "object" && config.ssl.rejectUnauthorized === false) {
    throw tooLittle("rejectUnauthorized: false");
  }
  return { ...config, ssl: config.ssl ?? true };
}

/**
 * Refuses a connection that turned out not to be encrypted, as one of a pool that
 * somebody else configured may be.
 *
 * @throws {@link ConfigurationError}
 */
export function requireEncryption(isEncrypted: boolean, tls: Tls): void {
  if (tls === "verify-full" && !isEncrypted) throw tooLittle("a connection without TLS");
}

function tooLittle(what: string): ConfigurationError {
  return new ConfigurationError(`Passwords and tokens would cross the network in the clear: ${what}`, {
    remedy:
      'Use sslmode=verify-full, with sslrootcert=FILE for an authority of your own; or pass tls: "as-configured" where the network itself is private',
  });
}

/** A Unix socket crosses no network. */
function isLocal({ connectionString, host }: PoolConfig): boolean {
  if (connectionString === undefined) return (host ?? process.env["PGHOST"] ?? "").startsWith("/");
  if (connectionString.startsWith("/") || connectionString.startsWith("socket:")) return true;
  return new URL(connectionString).searchParams.get("host")?.startsWith("/") ?? false;
}
