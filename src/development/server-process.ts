import { spawn, spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { ConfigurationError } from "../errors.js";

/** The server of a folder runs already, and whoever started it still does. */
export class ServerInUseError extends ConfigurationError {
  constructor(
    readonly home: string,
    readonly startedBy: number,
    readonly port: number,
  ) {
    super(`The PostgreSQL in ${home} is in use by process ${String(startedBy)}`, {
      remedy: `It listens on port ${String(port)}. Stop that process first, or connect to it`,
    });
  }
}

/** How long a server may take to close its connections and write its last checkpoint. */
const STOP_TIMEOUT_MS = 30_000;

/** The line of postmaster.pid in which the server says how far it is. */
const STATUS_LINE = 7;

/**
 * Runs beside the server and outlives us: when the pipe from us closes, however
 * we died, it stops the server and removes what was to be thrown away.
 */
const GUARD = `
trap '' INT TERM HUP
while read -r line; do :; done
kill -INT "$1" 2>/dev/null
tries=0
while kill -0 "$1" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
[ -z "$2" ] || rm -rf "$2"
`;

/** Sees to it that the server does not outlive us. Call the result once it has stopped. */
export function guardServer(pid: number, throwAway: string | undefined): () => void {
  const guard = spawn("/bin/sh", ["-c", GUARD, "safetypin-guard", String(pid), throwAway ?? ""], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    cwd: "/",
  });
  guard.unref();
  // A pipe is a socket to Node; as such it would keep us alive.
  (guard.stdin as unknown as { unref(): void }).unref();
  guard.on("error", () => undefined);
  guard.stdin.on("error", () => undefined);
  return () => void guard.kill("SIGKILL");
}

/** Whether this process's server on these files accepts connections. */
export function isReady(dataDirectory: string, pid: number): boolean {
  const lines = readPidFile(dataDirectory);
  return lines?.[0] === String(pid) && lines[STATUS_LINE]?.trim() === "ready";
}

/** Remembers who started the server, so that {@link endOrphan} can tell an orphan. */
export async function rememberParent(home: string): Promise<void> {
  await writeFile(join(home, "started-by"), `${process.pid}\n`);
}

/**
 * Ends a server that was left running on these files by somebody who is gone, and
 * removes the pid file of one that is itself gone.
 *
 * @throws {@link ServerInUseError} when whoever started it still runs.
 */
export async function endOrphan(home: string, dataDirectory: string): Promise<void> {
  const lines = readPidFile(dataDirectory);
  if (lines === undefined) return;

  const pid = Number(lines[0]);
  const running = findProcess(pid);
  if (running === undefined || !running.command.includes(dataDirectory)) {
    rmSync(join(dataDirectory, "postmaster.pid"), { force: true });
    return;
  }

  const parent = await readFile(join(home, "started-by"), "utf8").catch(() => "");
  if (running.parent === Number(parent)) {
    throw new ServerInUseError(home, running.parent, Number(lines[3]));
  }
  await stopProcess(pid, () => readPidFile(dataDirectory) === undefined);
}

/** Asks a server to stop: at once, but in order; after a while, just at once. */
export async function stopProcess(pid: number, isGone: () => boolean): Promise<void> {
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    if (isGone()) return;
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    for (let waited = 0; waited < STOP_TIMEOUT_MS && !isGone(); waited += 10) await sleep(10);
  }
}

function readPidFile(dataDirectory: string): string[] | undefined {
  try {
    return readFileSync(join(dataDirectory, "postmaster.pid"), "utf8").split("\n");
  } catch {
    return undefined;
  }
}

function findProcess(pid: number): { command: string; parent: number } | undefined {
  if (process.platform !== "linux") {
    const { stdout } = spawnSync("ps", ["-ww", "-o", "ppid=,command=", "-p", String(pid)], {
      encoding: "utf8",
    });
    const [, parent, command] = /^\s*(\d+)\s+(.*)/.exec(stdout ?? "") ?? [];
    return command === undefined ? undefined : { command, parent: Number(parent) };
  }

  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    // pid (program) state parent …; the program's name may hold anything.
    const [, parent] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return { command, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
