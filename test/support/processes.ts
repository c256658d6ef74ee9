import { readFileSync } from "node:fs";

/** Whether the process still does something: one that nobody has buried yet does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
