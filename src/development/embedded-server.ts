import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { ConfigurationError } from "../errors.js";
import { stageServer } from "./server-binaries.js";
import { isThere, keptHome, serverUser, throwAwayHome } from "./server-home.js";
import { endOrphan, guardServer, isReady, rememberParent, type ServerInUseError, stopProcess } from "./server-process.js";

const run = promisify(execFile);

const HOST = "127.0.0.1";
const SUPERUSER = "postgres";

/** Nothing in a database that is thrown away is worth waiting for the disk. */
const THROW_AWAY_SETTINGS = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  autovacuum_naptime: "1h",
};

/** How an embedded server is started. */
export interface ServerOptions {
  /**
   * Where the server keeps its data, password and log, made if need be.
   * Without it the server lives in a temporary folder and is gone once stopped.
   */
  readonly directory?: string | undefined;

  /** @defaultValue 0, which takes one that is free */
  readonly port?: number | undefined;

  /** What to add to postgresql.conf, for this start only. */
  readonly settings?: Readonly<Record<string, string>> | undefined;

  /**
   * How logins prove who they are; decided when the data are made.
   *
   * @defaultValue `scram-sha-256` for a kept server, `trust` for one that is thrown away
   */
  readonly authentication?: "scram-sha-256" | "trust" | undefined;

  /**
   * A PostgreSQL installed some other way: the folder that has `bin/postgres`.
   *
   * @defaultValue the one npm brought
   */
  readonly installation?: string | undefined;

  /**
   * Whether SIGINT, SIGTERM and SIGHUP stop the server before they end us.
   *
   * @defaultValue true for a kept server
   */
  readonly stopOnSignal?: boolean | undefined;
}

/** A PostgreSQL that runs as long as we do. */
export interface EmbeddedServer {
  readonly host: string;
  readonly port: number;

  /** The superuser. */
  readonly user: string;

  /** The superuser's password, where the server asks for one. */
  readonly password: string | undefined;

  /** The folder with everything of this server. */
  readonly directory: string;

  /** Tables, write-ahead log and settings. */
  readonly dataDirectory: string;

  /** What the server says; a kept server's log goes on where it ended. */
  readonly logFile: string;

  /** The superuser's way into a database. */
  connectionString(database?: string): string;

  /** Stops the server in order; a second call changes nothing. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL of our own, on the loopback interface only.
 *
 * Needs no installed PostgreSQL, no psql, no network and no install scripts. Root
 * may call it: the server then runs as `nobody`. However we end, the server ends
 * with us; one that was left behind all the same is ended first.
 *
 * @throws {@link ConfigurationError} when the folder is in use or not ours, its
 * data are another version's, or the server refuses to start: then with its log.
 */
export async function startServer(options: ServerOptions = {}): Promise<EmbeddedServer> {
  if (options.directory !== undefined) {
    return startIn(await keptHome(options.directory), true, options);
  }
  const home = await throwAwayHome();
  try {
    return await startIn(home, false, options);
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(
  home: string,
  isKept: boolean,
  options: ServerOptions,
): Promise<EmbeddedServer> {
  const installation = options.installation ?? (await stageServer(home));
  const authentication = options.authentication ?? (isKept ? "scram-sha-256" : "trust");
  const dataDirectory = join(home, "data");
  const logFile = join(home, "server.log");

  if (await isThere(dataDirectory)) {
    await refuseForeignData(home, dataDirectory, installation);
    await endOrphan(home, dataDirectory);
  } else {
    await makeData(home, dataDirectory, installation, authentication);
  }
  const password = authentication === "trust" ? undefined : await readPassword(home);

  const { port, pid, isGone } = await launch(installation, home, {
    dataDirectory,
    logFile,
    port: options.port ?? 0,
    settings: {
      listen_addresses: HOST,
      unix_socket_directories: "",
      ...(isKept ? {} : THROW_AWAY_SETTINGS),
      ...options.settings,
    },
  });
  await rememberParent(home);

  const release = guardServer(pid, isKept ? undefined : home);
  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= end());
  const forgetSignals = (options.stopOnSignal ?? isKept) ? stopOnSignals(stop) : () => undefined;

  async function end() {
    await stopProcess(pid, isGone);
    release();
    forgetSignals();
    if (!isKept) await rm(home, { recursive: true, force: true });
  }

  return {
    host: HOST,
    port,
    user: SUPERUSER,
    password,
    directory: home,
    dataDirectory,
    logFile,
    connectionString: (database = "postgres") => superuserAddress(port, password, database),
    stop,
  };
}

/** The superuser's way into a kept server that somebody else started. */
export async function connectionStringOf({ home, port }: ServerInUseError, database: string): Promise<string> {
  return superuserAddress(port, await readPassword(home), database);
}

async function readPassword(home: string): Promise<string> {
  return (await readFile(join(home, "superuser-password"), "utf8")).trim();
}

function superuserAddress(port: number, password: string | undefined, database: string): string {
  return `postgres://${SUPERUSER}${password === undefined ? "" : `:${password}`}@${HOST}:${String(port)}/${database}`;
}

async function makeData(
  home: string,
  dataDirectory: string,
  installation: string,
  authentication: string,
): Promise<void> {
  const user = serverUser();
  const passwordFile = join(home, "superuser-password");
  await writeFile(passwordFile, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600 });
  await chmod(passwordFile, 0o600);

  // Under another name until it is whole: who is killed here leaves no half database.
  const unfinished = `${dataDirectory}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  if (user !== undefined) {
    for (const path of [passwordFile, unfinished]) await chown(path, user.uid, user.gid);
  }

  await run(
    join(installation, "bin", "initdb"),
    [
      `--pgdata=${unfinished}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      `--auth=${authentication}`,
      "--encoding=UTF8",
      `--locale=${process.platform === "linux" ? "C.UTF-8" : "en_US.UTF-8"}`,
      "--no-sync",
    ],
    { ...user, cwd: home, env: environment() },
  );
  await rename(unfinished, dataDirectory);
}

async function refuseForeignData(
  home: string,
  dataDirectory: string,
  installation: string,
): Promise<void> {
  const { uid } = await stat(dataDirectory);
  const user = serverUser()?.uid ?? process.getuid?.();
  if (uid !== user) {
    throw new ConfigurationError(`The data in ${home} belong to user ${uid}, not to user ${user}`, {
      remedy: `Start it as who started it first, or remove ${home}`,
    });
  }

  const dataVersion = (await readFile(join(dataDirectory, "PG_VERSION"), "utf8")).trim();
  const { stdout } = await run(join(installation, "bin", "postgres"), ["--version"], {
    ...serverUser(),
    cwd: home,
    env: environment(),
  });
  const version = /\d+/.exec(stdout)?.[0];
  if (dataVersion !== version) {
    throw new ConfigurationError(
      `The data in ${home} are PostgreSQL ${dataVersion}'s, the server is ${version}`,
      { remedy: `Dump what is worth keeping with PostgreSQL ${dataVersion}, then remove ${home}` },
    );
  }
}

interface Launch {
  readonly dataDirectory: string;
  readonly logFile: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly port: number;
}

interface RunningServer {
  readonly port: number;
  readonly pid: number;
  readonly isGone: () => boolean;
}

async function launch(
  installation: string,
  home: string,
  { dataDirectory, logFile, settings, port: wanted }: Launch,
): Promise<RunningServer> {
  const startOfLog = await stat(logFile).then(
    ({ size }) => size,
    () => 0,
  );

  // Between finding a free port and taking it, somebody else may: then another.
  for (let attempt = 1; ; attempt += 1) {
    const port = wanted === 0 ? await findFreePort() : wanted;
    const log = openSync(logFile, "a", 0o600);
    const server = spawn(
      join(installation, "bin", "postgres"),
      [
        "-D",
        dataDirectory,
        "-p",
        String(port),
        ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      {
        ...serverUser(),
        cwd: home,
        env: environment(),
        // A terminal's Ctrl-C reaches us; the server then hears of it from us.
        detached: true,
        stdio: ["ignore", log, log],
      },
    );
    closeSync(log);

    let isGone = false;
    let failure: Error | undefined;
    server.on("exit", () => (isGone = true));
    server.on("error", (error) => {
      failure = error;
      isGone = true;
    });

    const { pid } = server;
    while (!isGone) {
      if (pid !== undefined && isReady(dataDirectory, pid)) return { port, pid, isGone: () => isGone };
      await sleep(10);
    }

    const said = (await readFile(logFile)).subarray(startOfLog).toString();
    if (failure === undefined && wanted === 0 && attempt < 5 && /could not bind/.test(said)) continue;
    throw new ConfigurationError(`PostgreSQL did not start in ${home}`, {
      remedy: `Its log, ${logFile}, ends: ${said.trim().split("\n").slice(-5).join(" / ")}`,
      cause: failure,
    });
  }
}

/** Nothing of our own environment: PGDATA or PGOPTIONS would steer the server. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"], TZ: process.env["TZ"], LC_ALL: "C" };
}

function stopOnSignals(stop: () => Promise<void>): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const onSignal = (signal: NodeJS.Signals) => {
    // What is under way on this server breaks off now, and that is no news.
    process.on("uncaughtException", () => undefined);
    void stop().finally(() => process.kill(process.pid, signal));
  };
  // Not once: of a Ctrl-C we hear from the terminal and again from npm, while we stop.
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}

/** A port nobody listens on right now. */
export async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", reject);
    probe.listen(0, HOST, resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
