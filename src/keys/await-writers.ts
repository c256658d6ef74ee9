import { setTimeout as delay } from "node:timers/promises";

import type { DatabaseError } from "pg";

/** What the database says when transactions that began earlier are still running. */
const WRITERS_STILL_RUNNING = "SP423";

/** What PostgreSQL says when a lock was waited for as long as its function lets. */
const LOCK_NOT_AVAILABLE = "55P03";

/** What the database says when something is still under a key, or not indexed yet. */
const KEY_STILL_NEEDED = "SP424";

/** How those are waited for. */
export interface Patience {
  /** For how long after they were first met. @defaultValue 600 000: ten minutes, as a dump may take */
  readonly patienceMs?: number | undefined;

  /** Told each time that they are still running, and who they are where the database says. */
  readonly onWait?: ((whom?: string) => void) | undefined;
}

/**
 * Does what has to wait for whoever is at work, again and again until they are done.
 *
 * @throws the database's error, when they are not done in time.
 */
export async function awaitWriters<Result>(work: () => Promise<Result>, patience: Patience): Promise<Result> {
  return awaitThoseOf([WRITERS_STILL_RUNNING, LOCK_NOT_AVAILABLE], work, patience);
}

/**
 * Does what passes over rows that somebody holds, again and again until none is left.
 *
 * @throws the database's error, when they are held for longer.
 */
export async function awaitHolders<Result>(work: () => Promise<Result>, patience: Patience): Promise<Result> {
  return awaitThoseOf([KEY_STILL_NEEDED], work, patience);
}

/** Whether the database says that something is still under a key, or not indexed yet. */
export function isStillNeeded(error: unknown): error is DatabaseError {
  return (error as Partial<DatabaseError>).code === KEY_STILL_NEEDED;
}

async function awaitThoseOf<Result>(
  codes: readonly string[],
  work: () => Promise<Result>,
  { patienceMs = 600_000, onWait }: Patience,
): Promise<Result> {
  // Not from the beginning: what there is to do may take longer than anybody is waited for.
  let end: number | undefined;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const { code, detail } = error as Partial<DatabaseError>;
      if (code === undefined || !codes.includes(code)) throw error;
      end ??= performance.now() + patienceMs;
      if (performance.now() > end) throw error;
      onWait?.(detail === "" ? undefined : detail);
      await delay(500);
    }
  }
}
