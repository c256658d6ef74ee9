import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as connectTo, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const PGBOUNCER = "/usr/sbin/pgbouncer";

/** Something that stands between a client and the server. */
export interface Pooler {
  /** The same login and database, through it. */
  readonly url: string;
  stop(): Promise<void>;
}

/** A pooler that can be tried here. */
export interface PoolerKind {
  readonly name: string;

  /** Whether a client keeps its connection to the server until it leaves. */
  readonly keepsSessions: boolean;

  /** Starts it before the server of this URL, for its login. */
  readonly start: (url: string) => Promise<Pooler>;
}

/** PgBouncer in its modes, where it is installed. */
function findPgBouncers(): PoolerKind[] {
  if (!existsSync(PGBOUNCER)) return [];
  return (["transaction", "session"] as const).map((mode) => ({
    name: `PgBouncer in ${mode} mode`,
    keepsSessions: mode === "session",
    start: (url) => startPgBouncer(mode, url),
  }));
}

/** The poolers that can be tried here: ours, which makes up process numbers, and PgBouncer's. */
export function findPoolers(): PoolerKind[] {
  const pretender = { name: "something that makes up process numbers", keepsSessions: true, start: startPretender };
  return [pretender, ...findPgBouncers()];
}

/** Forwards everything, and changes the number of the process, as every pooler does. */
async function startPretender(url: string): Promise<Pooler> {
  const { hostname, port } = new URL(url);
  const server = createServer((client) => {
    const backend = connectTo(Number(port), hostname);
    client.on("error", () => backend.destroy()).pipe(backend);
    backend.on("error", () => client.destroy());
    backend.on("data", (data) => {
      // BackendKeyData: K, its length, the process, the secret. 18 may use longer secrets.
      const at = data.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
      if (at >= 0) data.writeInt32BE(4711, at + 5);
      client.write(data);
    });
    backend.on("close", () => client.destroy());
    client.on("close", () => backend.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: through(url, (server.address() as AddressInfo).port),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** PgBouncer, with two connections to the server for each login. It will not run as root. */
async function startPgBouncer(mode: "transaction" | "session", url: string): Promise<Pooler> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const folder = await mkdtemp(join(tmpdir(), "safetypin-test-pgbouncer-"));
  await chmod(folder, 0o755);
  const free = await freePort();
  await writeFile(join(folder, "users"), `"${username}" "${decodeURIComponent(password)}"\n`);
  await writeFile(
    join(folder, "pgbouncer.ini"),
    `[databases]
${pathname.slice(1)} = host=${hostname} port=${port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${String(free)}
unix_socket_dir =
auth_type = trust
auth_file = ${join(folder, "users")}
pool_mode = ${mode}
default_pool_size = 2
ignore_startup_parameters = extra_float_digits,options
`,
  );

  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const child = spawn(PGBOUNCER, ["-q", join(folder, "pgbouncer.ini")], { ...user, stdio: "ignore" });
  await answers(free);
  return {
    url: through(url, free),
    stop: async () => {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function through(url: string, port: number): string {
  const changed = new URL(url);
  changed.hostname = "127.0.0.1";
  changed.port = String(port);
  return changed.href;
}

/** A port that nobody listens at. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(port: number): Promise<void> {
  for (;;) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connectTo(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (isThere) return;
    await delay(20);
  }
}
