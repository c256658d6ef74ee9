import type { ClientBase } from "pg";

import { quoteIdentifier, type CellName } from "./migrations/cell.js";

/** One thing that has to be done again and again, by a function of `safetypin_operator`. */
export interface MaintenanceTask {
  /** The function, which returns how much it did. */
  readonly name: string;

  /** What it does, for a reader of a log. */
  readonly description: string;

  /** Whether one call is one batch: call it until it returns 0. */
  readonly isBatched: boolean;
}

/** Everything there is to do, in order. The only list. */
export const MAINTENANCE_TASKS: readonly MaintenanceTask[] = [
  {
    name: "make_partitions",
    description: "makes the months ahead in the logs",
    isBatched: false,
  },
  {
    name: "sweep_refresh_tokens",
    description: "deletes refresh tokens used long ago",
    isBatched: true,
  },
  {
    name: "sweep_sessions",
    description: "deletes sessions that ended long ago",
    isBatched: true,
  },
  {
    name: "sweep_messages",
    description: "deletes messages that were sent, or came too late",
    isBatched: true,
  },
  {
    name: "sweep_one_time_tokens",
    description: "deletes tokens that were sent and have ended",
    isBatched: true,
  },
  {
    name: "sweep_password_attempts",
    description: "deletes attempts that are over, records the abandoned",
    isBatched: true,
  },
  {
    name: "sweep_sign_in_throttles",
    description: "forgets failures that are long past",
    isBatched: true,
  },
  {
    name: "sweep_context_keys",
    description: "deletes keys that sign, derive and count nothing any more",
    isBatched: false,
  },
  {
    name: "raise_operational_alerts",
    description: "opens an alert where something is about to go wrong",
    isBatched: false,
  },
  {
    name: "raise_message_alerts",
    description: "opens an alert where messages wait and nobody takes them",
    isBatched: false,
  },
];

/** What one task did. */
export interface MaintenanceResult {
  readonly task: MaintenanceTask;

  /** Partitions made, rows deleted, alerts opened. */
  readonly count: number;
}

/** Which cell to look after. */
export interface MaintenanceOptions {
  readonly cell: CellName;

  /** Told after each task. */
  readonly onTask?: ((result: MaintenanceResult) => void) | undefined;
}

/**
 * Does once what has to be done regularly, each call in a transaction of its own.
 * Connect as the cell's operator login. Two at once do no harm: rows that one has
 * are left to it.
 */
export async function maintain(
  client: ClientBase,
  { cell, onTask }: MaintenanceOptions,
): Promise<MaintenanceResult[]> {
  const results: MaintenanceResult[] = [];
  for (const task of MAINTENANCE_TASKS) {
    const result = { task, count: await runTask(client, cell, task) };
    results.push(result);
    onTask?.(result);
  }
  return results;
}

async function runTask(
  client: ClientBase,
  cell: CellName,
  { name, isBatched }: MaintenanceTask,
): Promise<number> {
  let total = 0;
  for (;;) {
    const { rows } = await client.query<{ count: number }>(
      `select ${quoteIdentifier(cell)}.${quoteIdentifier(name)}() as count`,
    );
    const count = rows[0]?.count ?? 0;
    total += count;
    if (!isBatched || count === 0) return total;
  }
}
