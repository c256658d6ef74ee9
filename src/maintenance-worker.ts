import { setTimeout as sleep } from "node:timers/promises";

import type { PoolClient } from "pg";

import { maintain } from "./maintenance.js";
import type { CellName } from "./migrations/cell.js";
import { explainNoConnection } from "./no-connection.js";
import type { OpenPool } from "./pool.js";
import type { Log } from "./query-report.js";
import { tryTurn, turnAtMaintenance } from "./turns.js";

/** What looks after a cell while an application runs. */
export interface MaintenanceWorker {
  /** Ends it, once what it is doing is done. */
  stop(): Promise<void>;
}

/** Which cell it looks after, and how often. */
export interface MaintenanceWorkerOptions {
  readonly cell: CellName;

  /** Connections of the cell's operator login. */
  readonly open: OpenPool;

  readonly everyMs: number;
  readonly log: Log;
}

/**
 * Does what `safetypin maintain` does, again and again, beginning at once.
 *
 * Every process of an application may have one: each round belongs to whoever gets the
 * cell's advisory lock, and the others let it pass. Rounds are up to a quarter apart from
 * their time, so that processes started together do not ask together.
 */
export function startMaintenance({ cell, open, everyMs, log }: MaintenanceWorkerOptions): MaintenanceWorker {
  const stopping = new AbortController();

  async function work(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await maintainAlone(open, cell, log);
      } catch (error) {
        log({ level: "error", event: "maintenance_failed", message: `Maintenance of cell "${cell}" failed`, error });
      }
      const rest = everyMs * (0.75 + 0.5 * Math.random());
      // Nothing waits for it: a process that has nothing else to do may end.
      await sleep(rest, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  }
  const done = work();

  return {
    async stop() {
      stopping.abort();
      await done;
      if (open.isOurs && !open.pool.ending) await open.pool.end();
    },
  };
}

async function maintainAlone(open: OpenPool, cell: CellName, log: Log): Promise<void> {
  const client = await connect(open);
  let isClean = false;
  try {
    const turn = await tryTurn(client, turnAtMaintenance(cell));
    if (turn.isOurs) {
      await maintain(client, {
        cell,
        onTask: ({ task, count }) => {
          if (count > 0) log({ level: "info", event: "maintained", message: `${cell}: ${task.name}() ${count}` });
        },
      });
      await turn.leave();
    }
    isClean = true;
  } finally {
    // Closed after a failure, and the lock is given back with it.
    client.release(!isClean);
  }
}

async function connect({ pool, config }: OpenPool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw explainNoConnection(error, config);
  }
}
