import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The command as it is installed; `npm test` has built it. */
export const CLI = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** What a command did. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command is run. */
export interface CliOptions {
  /** Beside a clean environment: nothing of ours names a server unless it says so. */
  readonly env?: Readonly<Record<string, string>> | undefined;

  /** Where it is run. @defaultValue the project */
  readonly cwd?: string | undefined;
}

/** Starts `safetypin` in a process of its own. */
export function startCli(args: readonly string[], { env = {}, cwd = ROOT }: CliOptions = {}): ChildProcess {
  return spawn(process.execPath, [CLI, ...args], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs `safetypin` to its end. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return outcome(startCli(args, options));
}

/** What a started process says until it ends. */
export function outcome(child: ChildProcess): Promise<CliResult> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (text) => (stdout += String(text)));
  child.stderr?.on("data", (text) => (stderr += String(text)));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}
