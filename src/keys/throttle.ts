import { setTimeout as delay } from "node:timers/promises";

/** Rests after a batch, for as long as so many rows may take. */
export type Throttle = (rows: number) => Promise<void>;

/** A pace that is not exceeded, from batch to batch; none for `undefined`. */
export function createThrottle(rowsPerSecond: number | undefined): Throttle {
  let since = performance.now();
  return async (rows) => {
    if (rowsPerSecond !== undefined) {
      const restMs = (rows / rowsPerSecond) * 1_000 - (performance.now() - since);
      if (restMs > 0) await delay(restMs);
    }
    since = performance.now();
  };
}
