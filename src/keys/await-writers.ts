import { setTimeout as delay } from "node:timers/promises";

import type { DatabaseError } from "pg";

/** What the database says when transactions that began earlier are still running. */
const WRITERS_STILL_RUNNING = "SP423";

/** How those are waited for. */
export interface Patience {
  /** For how long, in all. @defaultValue 600 000: ten minutes, as a dump may take */
  readonly patienceMs?: number | undefined;

  /** Told each time that they are still running, and who they are where the database says. */
  readonly onWait?: ((whom?: string) => void) | undefined;
}

/**
 * Does what has to wait for whoever is at work, again and again until they are done.
 *
 * @throws the database's error, when they are not done in time.
 */
export async function awaitWriters<Result>(
  work: () => Promise<Result>,
  { patienceMs = 600_000, onWait }: Patience,
): Promise<Result> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const { code, detail } = error as Partial<DatabaseError>;
      if (code !== WRITERS_STILL_RUNNING || performance.now() > end) throw error;
      onWait?.(detail);
      await delay(500);
    }
  }
}
