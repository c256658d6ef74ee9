import pg from "pg";

import { requireAddress } from "./address.js";
import type { Limits } from "./limits.js";
import { withTls, type Tls } from "./tls.js";

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
}

/** A pool, and whose it is. */
export interface OpenPool {
  readonly pool: pg.Pool;

  /** What it was made with, to name in errors. */
  readonly config: pg.PoolConfig;

  /** Whether closing it is ours. */
  readonly isOurs: boolean;
}

/**
 * The pool of a source. No connection is made yet.
 *
 * @throws {@link ConfigurationError} when the address cannot be one, or asks for too little TLS.
 */
export function openPool(
  { connectionString, pool }: PoolSource,
  { limits, tls }: { readonly limits: Limits; readonly tls: Tls },
): OpenPool {
  if (isPool(pool)) return { pool, config: pool.options, isOurs: false };

  const given: pg.PoolConfig = {
    ...pool,
    ...(connectionString === undefined ? {} : { connectionString }),
  };
  requireAddress(given);

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
    tls,
  );
  const open = new pg.Pool(config);
  // A connection that is lost while nobody uses it leaves the pool; the next one is made anew.
  open.on("error", () => undefined);
  return { pool: open, config, isOurs: true };
}

function isPool(pool: PoolSource["pool"]): pool is pg.Pool {
  return pool !== undefined && "connect" in pool && "totalCount" in pool;
}
