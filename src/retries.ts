import { setTimeout as sleep } from "node:timers/promises";

import { sqlstateOf } from "./translate-error.js";
import type { FailedWork } from "./unit-of-work.js";

const MAXIMUM_TRIES = 3;

/** serialization_failure, deadlock_detected: somebody else went first, and all of it was rolled back. */
const LOST_RACES = new Set(["40001", "40P01"]);

/** Whether trying again may well end better. That it is safe is for the caller to say. */
export function isWorthRetrying({ error, isConnectionLost }: FailedWork, tries: number): boolean {
  if (tries >= MAXIMUM_TRIES) return false;
  return isConnectionLost || LOST_RACES.has(sqlstateOf(error) ?? "");
}

/** Waits a moment, each time for longer, and never for as long as whoever lost the same race. */
export async function pauseBeforeRetry(tries: number): Promise<void> {
  await sleep(20 * 2 ** tries * (0.5 + Math.random()));
}
