import { createCell, type Cell } from "./cell.js";
import { checkServer, type ServerLogin } from "./check-server.js";
import type { CellOptions, ConnectOptions, MaintenanceOptions } from "./connect-options.js";
import { createStatementNames } from "./connection.js";
import { openKeys } from "./keys/open-keys.js";
import { LIMITS, type Environment } from "./limits.js";
import { startMaintenance, type MaintenanceWorker } from "./maintenance-worker.js";
import type { CellName } from "./migrations/cell.js";
import { explainNoConnection } from "./no-connection.js";
import { openPool } from "./pool.js";
import type { Log, QueryReport } from "./query-report.js";

/** What {@link ConnectOptions} come to once what they leave out is filled in. */
export interface Settings extends ConnectOptions {
  readonly environment: Environment;
  readonly log: Log;
}

/**
 * Connects to a cell's server as this login and looks whether it can serve.
 *
 * @throws {@link ConfigurationError} with what is not as it has to be, and what mends it.
 */
export async function openCell(
  name: CellName,
  source: CellOptions,
  settings: Settings,
  login: ServerLogin = "app",
): Promise<Cell> {
  const { environment, log, allowVulnerableServer } = settings;
  const limits = { ...LIMITS[environment], ...settings.limits };
  const open = openPool(source, { limits, environment, log, tls: settings.tls });

  try {
    const client = await open.pool.connect().catch((error: unknown) => {
      throw explainNoConnection(error, open.config);
    });
    const checks = { cell: name, login, environment, tls: open.tls, log, allowVulnerableServer };
    const { extensionsSchema, hasPooler, cellId, cellEnvironment } = await checkServer(client, checks).finally(
      () => client.release(),
    );
    if (hasPooler && settings.statementNames === undefined) {
      log({
        level: "info",
        event: "pooler_detected",
        message: `A pooler is in the way to cell "${name}": statements get no names. Pass statementNames: true if it passes them on`,
      });
    }
    const names = createStatementNames(name, settings.statementNames ?? !hasPooler);
    const onQuery = watch(settings, log);
    const { keys, close: closeKeys } = openKeys(settings, {
      cellId,
      environment: cellEnvironment === "production" ? cellEnvironment : environment,
    });
    return createCell({
      name,
      extensionsSchema,
      open,
      limits,
      log,
      keys,
      closeKeys,
      // A pool that was given may be anything.
      isDirect: open.isOurs && !hasPooler,
      connection: { cell: name, names, onQuery },
    });
  } catch (error) {
    if (open.isOurs) await open.pool.end();
    throw error;
  }
}

/** Lets this process look after a cell, where that was asked for. */
export function openWorker(
  cell: CellName,
  maintenance: MaintenanceOptions | undefined,
  { environment, log, limits, tls }: Settings,
): MaintenanceWorker | undefined {
  if (maintenance === undefined) return undefined;
  const ownLimits = { ...LIMITS[environment], ...limits, poolSize: 1 };
  const open = openPool(maintenance, { limits: ownLimits, environment, log, tls });
  return startMaintenance({ cell, open, everyMs: maintenance.everyMs ?? 600_000, log });
}

function watch(
  { onQuery, onSlowQuery, slowQueryMs = 500 }: Pick<ConnectOptions, "onQuery" | "onSlowQuery" | "slowQueryMs">,
  log: Log,
): (report: QueryReport) => void {
  return (report) => {
    onQuery?.(report);
    if (report.durationMs < slowQueryMs) return;

    const { name, durationMs, rows } = report;
    const outcome = rows === undefined ? "failed" : `${rows} rows`;
    log({
      level: "warning",
      event: "slow_query",
      message: `${name} took ${Math.round(durationMs)} ms: ${outcome}`,
      report,
    });
    onSlowQuery?.(report);
  };
}

/** Where the log goes unless somebody says otherwise. */
export const logToConsole: Log = ({ level, message, error }) => {
  if (level === "info") return;
  console.warn(`safetypin: ${message}${error instanceof Error ? ` (${error.message})` : ""}`);
};
