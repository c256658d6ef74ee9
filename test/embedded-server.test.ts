import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { chmod, lstat, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import pg from "pg";

import { startServer, type EmbeddedServer } from "../src/development/embedded-server.js";
import { isRunning } from "./support/processes.js";

const isRoot = process.getuid?.() === 0;

describe("a server that is thrown away", () => {
  it("is a real PostgreSQL, and leaves nothing", async () => {
    const server = await startServer();
    expect(await ask(server.connectionString(), "select 1 + 1 as answer")).toEqual([{ answer: 2 }]);

    await server.stop();
    await server.stop();
    expect(existsSync(server.directory)).toBe(false);
  });

  it("says why it did not start, and leaves nothing", async () => {
    const { TMPDIR: usual } = process.env;
    const parent = await mkdtemp(join(tmpdir(), "parent-"));
    await chmod(parent, 0o755);
    process.env["TMPDIR"] = parent;
    try {
      await expect(startServer({ settings: { shared_buffers: "a lot" } })).rejects.toMatchObject({
        name: "ConfigurationError",
        remedy: expect.stringContaining("shared_buffers"),
      });
      expect(readdirSync(parent)).toEqual([]);
    } finally {
      if (usual === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = usual;
      await rm(parent, { recursive: true });
    }
  });
});

describe("a kept server", () => {
  let directory: string;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "kept-server-"));
    await chmod(directory, 0o755);
  });

  afterAll(async () => {
    for (const child of children) child.kill("SIGKILL");
    await rm(directory, { recursive: true, force: true });
  });

  /** Another process that holds the server of our folder. */
  async function hold() {
    const child = spawn(process.execPath, [join(__dirname, "support", "hold-server.mjs"), directory], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    const { dataDirectory, port } = JSON.parse(line) as { dataDirectory: string; port: number };
    const pid = Number(readFileSync(join(dataDirectory, "postmaster.pid"), "utf8").split("\n")[0]);
    return { child, dataDirectory, port, pid };
  }

  async function restart<Result>(work: (server: EmbeddedServer) => Promise<Result>): Promise<Result> {
    const server = await startServer({ directory });
    try {
      return await work(server);
    } finally {
      await server.stop();
    }
  }

  it("asks for a password, which only its owner can read", async () => {
    await restart(async (server) => {
      expect(server.password).toMatch(/^[\w-]{32}$/);
      expect(statSync(join(server.directory, "superuser-password")).mode & 0o777).toBe(0o600);
      await ask(server.connectionString(), "create table kept as select 'still here' as note");

      const wrong = new URL(server.connectionString());
      wrong.password = "wrong";
      await expect(ask(wrong.href, "select 1")).rejects.toMatchObject({ code: "28P01" });
    });
  });

  it("keeps its data and its password", async () => {
    const rows = await restart((server) => ask(server.connectionString(), "select note from kept"));
    expect(rows).toEqual([{ note: "still here" }]);
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("stops in order on %s", async (signal) => {
    const { child, dataDirectory, pid } = await hold();
    child.kill(signal);
    await once(child, "exit");

    expect(isRunning(pid)).toBe(false);
    expect(existsSync(join(dataDirectory, "postmaster.pid"))).toBe(false);
    expect(readFileSync(join(dataDirectory, "..", "server.log"), "utf8")).toMatch(
      /database system is shut down\n$/,
    );
  });

  it("does not outlive whoever is killed while holding it", async () => {
    const { child, pid } = await hold();
    child.kill("SIGKILL");
    await until(() => !isRunning(pid));
  });

  it("is not shared: the second to ask is told who has it, and where", async () => {
    const { child, port, pid } = await hold();
    await expect(startServer({ directory })).rejects.toMatchObject({
      name: "ConfigurationError",
      message: expect.stringContaining(`process ${child.pid}`),
      remedy: expect.stringContaining(`port ${port}`),
    });
    expect(isRunning(pid)).toBe(true);
    child.kill("SIGTERM");
    await once(child, "exit");
  });

  it("is ended by the next start when it was left behind all the same", async () => {
    const { child, pid } = await hold();
    process.kill(findGuard(pid), "SIGKILL");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(isRunning(pid)).toBe(true);

    const rows = await restart((server) => ask(server.connectionString(), "select note from kept"));
    expect(rows).toEqual([{ note: "still here" }]);
    expect(isRunning(pid)).toBe(false);
  });

  it("starts over the pid file of a crash, though another process has that pid by now", async () => {
    const dataDirectory = await restart(({ dataDirectory }) => Promise.resolve(dataDirectory));
    await writeFile(
      join(dataDirectory, "postmaster.pid"),
      `${process.pid}\n${dataDirectory}\n0\n1\n\n\n\nready\n`,
    );
    const rows = await restart((server) => ask(server.connectionString(), "select note from kept"));
    expect(rows).toEqual([{ note: "still here" }]);
  });

  it("refuses data of another version", async () => {
    const dataDirectory = await restart(({ dataDirectory }) => Promise.resolve(dataDirectory));
    const file = join(dataDirectory, "PG_VERSION");
    const version = await readFile(file, "utf8");
    await writeFile(file, "12\n");
    await expect(startServer({ directory })).rejects.toMatchObject({
      name: "ConfigurationError",
      message: expect.stringContaining("PostgreSQL 12's"),
    });
    await writeFile(file, version);
  });
});

// For others the server runs as themselves, who can enter what they made.
if (isRoot) {
  it("lives elsewhere when root keeps it in a folder that is closed to others", async () => {
    const closed = await mkdtemp(join(tmpdir(), "closed-"));
    const asked = join(closed, ".safetypin");
    const server = await startServer({ directory: asked });
    try {
      expect(server.directory).toMatch(/^\/var\/lib\/safetypin\//);
      expect((await lstat(join(asked, "server"))).isSymbolicLink()).toBe(true);
      expect(await ask(server.connectionString(), "select 1 as answer")).toEqual([{ answer: 1 }]);
    } finally {
      await server.stop();
      await rm(server.directory, { recursive: true });
      await rm(closed, { recursive: true });
    }
  });
}

async function ask(connectionString: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(connectionString);
  await client.connect();
  try {
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end();
  }
}

function findGuard(serverPid: number): number {
  const guard = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .find((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
        return command.includes("safetypin-guard") && command.includes(String(serverPid));
      } catch {
        return false;
      }
    });
  return Number(guard);
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(20);
}
