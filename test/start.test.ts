import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";

import pg from "pg";

import { outcome } from "./support/cli.js";
import { isRunning } from "./support/processes.js";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/*
 * What ends `npm start` ends the server, though npm and a shell stand between: how a
 * server ends with the process that holds it is in embedded-server.test.ts.
 */
describe("npm start", () => {
  let directory: string;
  let npm: ChildProcess;
  let output: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "safetypin-start-"));
    await chmod(directory, 0o755);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  beforeEach(() => {
    output = "";
    // As a terminal starts it: at the head of a group of its own.
    npm = spawn("npm", ["start", "--", "--directory", directory], {
      cwd: ROOT,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    for (const stream of [npm.stdout, npm.stderr]) stream?.on("data", (text) => (output += String(text)));
  });
  afterEach(() => {
    try {
      process.kill(-npm.pid!, "SIGKILL");
    } catch {
      // Everybody has left.
    }
  });

  const pidFile = () => join(directory, "data", "postmaster.pid");
  const log = () => readFileSync(join(directory, "server.log"), "utf8");

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (npm.exitCode !== null && !isSo()) throw new Error(`npm start ended: ${output}`);
      await sleep(50);
    }
  }

  /** The server, in the midst of the story. */
  async function serverPid(): Promise<number> {
    await until(() => output.includes("PostgreSQL is up"));
    return Number(readFileSync(pidFile(), "utf8").split("\n")[0]);
  }

  it.each([
    ["Ctrl-C, which goes to everybody in the terminal", "SIGINT", (pid: number) => -pid],
    ["SIGTERM to npm, which a service manager knows", "SIGTERM", (pid: number) => pid],
  ] as const)("is stopped in order by %s", async (_, signal, whom) => {
    const pid = await serverPid();
    const closed = once(npm, "close");
    process.kill(whom(npm.pid!), signal);
    await closed;

    // In the midst of the story, and not at its end.
    expect(output).not.toContain("until Ctrl-C");
    expect(output).not.toMatch(/error/i);
    expect(isRunning(pid)).toBe(false);
    expect(existsSync(pidFile())).toBe(false);
    expect(log()).toMatch(/database system is shut down\n$/);
  }, 120_000);

  /** Started a second time in the same folder, it says so in a sentence and ends. */
  async function isToldOf(pid: number): Promise<void> {
    const port = readFileSync(pidFile(), "utf8").split("\n")[3];
    const second = await outcome(
      spawn(process.execPath, [join(ROOT, "dist/story/main.js"), "--directory", directory], {
        stdio: ["ignore", "pipe", "pipe"],
      }),
    );
    expect(second.code).toBe(1);
    expect(second.stderr).toBe("");
    expect(second.stdout).toMatch(/It is running already: process \d+ keeps a server in /);
    expect(second.stdout).toContain(`It listens on port ${port}`);

    // What it says to connect with connects.
    const address = /psql '(postgres:[^']+)'/.exec(second.stdout)?.[1];
    const client = new pg.Client({ connectionString: address });
    await client.connect();
    try {
      const { rows } = await client.query("select count(*)::integer as users from safetypin.users");
      expect(rows).toEqual([{ users: expect.any(Number) }]);
    } finally {
      await client.end();
    }
    expect(isRunning(pid)).toBe(true);
  }

  it("is told of when it is started again, and stops when its story is told and npm is no more: killed, it could pass nothing on", async () => {
    await until(() => output.includes("until Ctrl-C"));
    const pid = await serverPid();
    await isToldOf(pid);

    const closed = once(npm, "close");
    npm.kill("SIGKILL");
    await closed;

    while (isRunning(pid)) await sleep(50);
    expect(log()).toMatch(/database system is shut down\n$/);
  }, 120_000);
});
