import type { ResolveCell } from "./cells.js";
import type { KeyCacheOptions } from "./keys/key-cache.js";
import type { KeyProvider } from "./keys/key-provider.js";
import type { Environment, Limits } from "./limits.js";
import type { PasswordChecks } from "./new-password.js";
import type { PoolSource } from "./pool.js";
import type { Log, QueryReport } from "./query-report.js";
import type { Tls, TlsOptions } from "./tls.js";

/** How a cell is looked after while the application runs. */
export interface MaintenanceOptions extends PoolSource {
  /**
   * How long it rests in between, about.
   *
   * @defaultValue 600 000: ten minutes
   */
  readonly everyMs?: number | undefined;
}

/** Where a cell is. */
export interface CellOptions extends PoolSource {
  /**
   * Connections of the cell's operator login, by which this process looks after the
   * cell: partitions ahead, sweeping, alerts.
   *
   * @defaultValue none: `safetypin maintain` is run by something else
   */
  readonly maintenance?: MaintenanceOptions | undefined;
}

/** How to connect. */
export interface ConnectOptions extends CellOptions, PasswordChecks {
  /**
   * What this process runs in: it decides the limits, whether TLS is asked for, and
   * whether the server is looked at for holes before anybody is served.
   *
   * @defaultValue `production`
   */
  readonly environment?: Environment | undefined;

  /** The cell that is meant where nothing says otherwise. @defaultValue `safetypin` */
  readonly cell?: string | undefined;

  /** More cells, by name. What one does not say of its server is as for the first. */
  readonly cells?: Readonly<Record<string, CellOptions>> | undefined;

  /** In which cell somebody lives who is not signed in yet. @defaultValue the first */
  readonly resolveCell?: ResolveCell | undefined;

  /**
   * Where the keys of sealed fields are: a key management service, or its address as
   * `SAFETYPIN_KEYS` has it. What it unwraps is kept in memory for some minutes; a cache that
   * `createKeyCache()` made is taken as it is, and closed by whoever made it.
   *
   * @defaultValue `SAFETYPIN_KEYS`; without it a key file, which production refuses
   */
  readonly keys?: KeyProvider | string | undefined;

  /** Limits of the memory for keys, where `keys` is no cache itself. */
  readonly keyCache?: KeyCacheOptions | undefined;

  /** Limits of one's own, in place of the environment's. */
  readonly limits?: Partial<Limits> | undefined;

  /**
   * What is asked of TLS, and with which certificates.
   *
   * @defaultValue `verify-full` in production, and in tests of a server on another machine;
   * else `as-configured`
   */
  readonly tls?: Tls | TlsOptions | undefined;

  /**
   * Whether statements are prepared under names, which halves what they cost the server.
   * PgBouncer before 1.21 cannot pass them on.
   *
   * @defaultValue true; false where a pooler is seen to be in the way
   */
  readonly statementNames?: boolean | undefined;

  /** From how long on a statement is slow. @defaultValue 500 */
  readonly slowQueryMs?: number | undefined;

  /** Told of each slow statement, beside the log. */
  readonly onSlowQuery?: ((report: QueryReport) => void) | undefined;

  /** Told of every statement, for metrics. */
  readonly onQuery?: ((report: QueryReport) => void) | undefined;

  /** Where to write what is worth writing. @defaultValue warnings and errors to the console */
  readonly log?: Log | undefined;

  /** Whether to serve in production from a server with known flaws. @defaultValue false */
  readonly allowVulnerableServer?: boolean | undefined;
}
