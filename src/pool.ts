import pg from "pg";

import { readAddress } from "./address.js";
import { createCredentialPool, type Connections } from "./credentials/credential-pool.js";
import type { CredentialSource } from "./credentials/credential-source.js";
import { ConfigurationError } from "./errors.js";
import type { Environment, Limits } from "./limits.js";
import type { Log } from "./query-report.js";
import { requiredTls, withTls, type Tls, type TlsOptions } from "./tls.js";

/** Where a cell's server is: an address, the driver's options, or a pool of the application's own. */
export interface PoolSource {
  /** `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. @defaultValue the `PG*` variables */
  readonly connectionString?: string | undefined;

  /**
   * The driver's options, beside or in place of the address; or a pool, which is used as
   * it is, sends its statements one after the other unless it was made with
   * `pipeline: true`, and is not closed.
   */
  readonly pool?: pg.Pool | pg.PoolConfig | undefined;

  /**
   * Where each new connection's login or password comes from: Secrets Manager, RDS IAM, a
   * file, the environment, a function. It goes before what the address says.
   *
   * @defaultValue the address, or `PGPASSWORD`
   */
  readonly credentials?: CredentialSource | undefined;
}

/** How the connections of a source are made. */
export interface PoolSettings {
  readonly limits: Limits;
  readonly environment: Environment;
  readonly tls: Tls | TlsOptions | undefined;
  readonly log: Log;
}

/** A pool, and whose it is. */
export interface OpenPool {
  readonly pool: Connections;

  /** What it was made with, to name in errors. */
  readonly config: pg.PoolConfig;

  /** What is asked of TLS. */
  readonly tls: Tls;

  /** Whether closing it is ours. */
  readonly isOurs: boolean;
}

/**
 * The pool of a source. No connection is made yet.
 *
 * @throws {@link ConfigurationError} when the address cannot be one, or asks for too little TLS.
 */
export function openPool(
  { connectionString, pool, credentials }: PoolSource,
  { limits, environment, tls, log }: PoolSettings,
): OpenPool {
  if (isPool(pool)) {
    if (credentials !== undefined) {
      throw new ConfigurationError("A pool of the application's own logs in as it was made to: no credentials can be given to it", {
        remedy: "Pass its options in place of the pool, or leave credentials out",
      });
    }
    const { config } = readAddress(pool.options);
    return { pool, config, tls: requiredTls(tls, environment, config), isOurs: false };
  }

  const { config: given, tls: said } = readAddress({
    ...pool,
    ...(connectionString === undefined ? {} : { connectionString }),
  });
  const required = requiredTls(tls, environment, given);
  const config = withTls(
    {
      application_name: "safetypin",
      max: limits.poolSize,
      connectionTimeoutMillis: limits.connectionTimeoutMs,
      idleTimeoutMillis: limits.idleTimeoutMs,
      maxLifetimeSeconds: limits.maxLifetimeSeconds,
      pipeline: true,
      ...given,
    },
    said,
    required,
    typeof tls === "object" ? tls : {},
  );
  if (credentials !== undefined) {
    const { password, ...others } = config;
    const open = createCredentialPool(others, credentials, log);
    return {
      pool: open,
      get config() {
        return { ...others, user: open.login };
      },
      tls: required,
      isOurs: true,
    };
  }

  const open = new pg.Pool(config);
  // A connection that is lost while nobody uses it leaves the pool; the next one is made anew.
  open.on("error", () => undefined);
  const { password, ...others } = config;
  return { pool: open, config: others, tls: required, isOurs: true };
}

function isPool(pool: PoolSource["pool"]): pool is pg.Pool {
  return pool !== undefined && "connect" in pool && "totalCount" in pool;
}
