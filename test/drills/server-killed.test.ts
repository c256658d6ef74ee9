import { readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import pg from "pg";

import { startServer, type EmbeddedServer } from "../../src/development/embedded-server.js";
import { prepareDatabase } from "../../src/development/prepare-database.js";
import { SQL_DIRECTORY } from "../../src/migrations/chapters.js";
import { email, signIn } from "../support/actors.js";
import { connect } from "../support/template.js";

const CLIENTS = 8;
const CELL = "safetypin";
const PATH = `-c search_path=${CELL},extensions,pg_temp`;

/** Sign-ins as the application was told of them. */
interface Acknowledged {
  readonly sessions: string[];

  /** Refused with a wrong password: the refusal is evidence too. */
  refusals: number;
}

describe("a server that is killed while people sign in", () => {
  let directory: string;
  const servers: EmbeddedServer[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "safetypin-drill-"));
    await chmod(directory, 0o755);
  });

  afterEach(async () => {
    await clear();
  });

  async function clear(): Promise<void> {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
    await rm(directory, { recursive: true, force: true });
  }

  /** A server that keeps its word: fsync and synchronous_commit as PostgreSQL has them. */
  async function start(settings: Record<string, string> = {}): Promise<EmbeddedServer> {
    const server = await startServer({
      directory,
      settings,
      authentication: "trust",
      stopOnSignal: false,
      installation: process.env["SAFETYPIN_TEST_INSTALLATION"] || undefined,
    });
    servers.push(server);
    return server;
  }

  async function prepare(server: EmbeddedServer): Promise<void> {
    const client = await connect(server.connectionString());
    try {
      await prepareDatabase(client, { cell: CELL, environment: "test" });
      await client.query(`set search_path = ${CELL}, extensions`);
      await client.query(await readFile(join(SQL_DIRECTORY, "..", "test-sql", "setup.sql"), "utf8"));
      await client.query("select tests.person('ann' || number) from generate_series(0, $1 - 1) as number", [CLIENTS]);
    } finally {
      await client.end();
    }
  }

  /** Signs in until the server is gone, and notes what it said was done. */
  async function signInUntilKilled(server: EmbeddedServer, acknowledged: Acknowledged): Promise<void> {
    const url = new URL(server.connectionString());
    url.username = `${CELL}_app_login`;
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, index) => {
        const client = new pg.Client({ connectionString: url.href, options: PATH });
        client.on("error", () => undefined);
        await client.connect();
        try {
          for (let tries = 0; ; tries += 1) {
            if (tries % 3 === 2) {
              const { status } = await signIn(client, email(`ann${index}`), { digest: "wrong" });
              if (status === "invalid") acknowledged.refusals += 1;
            }
            const { sessionId } = await signIn(client, email(`ann${index}`));
            if (sessionId !== null) acknowledged.sessions.push(sessionId);
          }
        } catch {
          // The server is gone.
        }
      }),
    );
  }

  /** As a power failure would, but for the disk: nobody is asked, nobody says goodbye. */
  async function kill(server: EmbeddedServer): Promise<void> {
    const postmaster = Number(readFileSync(join(server.dataDirectory, "postmaster.pid"), "utf8").split("\n")[0]);
    const children = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .filter((name) => {
        try {
          return readFileSync(`/proc/${name}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1] === String(postmaster);
        } catch {
          return false;
        }
      })
      .map(Number);
    for (const pid of [postmaster, ...children]) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // A backend that had just ended.
      }
    }
    await server.stop();
  }

  async function runDrill(settings: Record<string, string> = {}) {
    const first = await start();
    await prepare(first);
    await first.stop();

    const loaded = await start(settings);
    const acknowledged: Acknowledged = { sessions: [], refusals: 0 };
    const load = signInUntilKilled(loaded, acknowledged);
    while (acknowledged.sessions.length < 150) await sleep(20);
    await kill(loaded);
    await load;

    const admin = new pg.Client({ connectionString: (await start()).connectionString(), options: PATH });
    await admin.connect();
    try {
      const { rows } = await admin.query<{
        lost: number;
        lost_events: number;
        refusals: number;
        sessions: number;
        half: number;
      }>(
        `select
           (select count(*)::integer from unnest($1::uuid[]) as id where not exists (select from sessions where sessions.id = id.id)) as lost,
           (
             select count(*)::integer from unnest($1::uuid[]) as id
             where not exists (
               select from auth_audit_logs where event_type = 'session.opened' and session_id = id.id
             )
           ) as lost_events,
           (select count(*)::integer from access_attempt_logs where result = 'invalid') as refusals,
           (select count(*)::integer from sessions) as sessions,
           (
             select count(*)::integer
             from sessions
             full join (select session_id from auth_audit_logs where event_type = 'session.opened') as event
               on event.session_id = sessions.id
             full join session_activities as activity on activity.session_id = sessions.id
             full join refresh_tokens as token on token.session_id = sessions.id
             full join password_attempts as attempt on attempt.session_id = sessions.id
             where (attempt.id is null or attempt.session_id is not null)
               and num_nulls(sessions.id, event.session_id, activity.session_id, token.session_id, attempt.session_id) > 0
           ) as half`,
        [acknowledged.sessions],
      );
      const { rows: successes } = await admin.query<{ count: number }>(
        "select count(*)::integer as count from access_attempt_logs where result = 'success'",
      );
      return { acknowledged, found: rows[0], successes: successes[0]?.count };
    } finally {
      await admin.end();
    }
  }

  it("has lost nothing it acknowledged, and has no half of a sign-in", async () => {
    const { acknowledged, found, successes } = await runDrill();

    expect(acknowledged.sessions.length).toBeGreaterThanOrEqual(150);
    expect(acknowledged.refusals).toBeGreaterThan(0);
    expect(found).toMatchObject({ lost: 0, lost_events: 0, half: 0 });
    expect(found?.refusals).toBeGreaterThanOrEqual(acknowledged.refusals);
    // Every session has the attempt that opened it, and every success its session.
    expect(successes).toBe(found?.sessions);
  }, 60_000);

  it("would have lost some, if it acknowledged before it wrote", async () => {
    const settings = {
      synchronous_commit: "off",
      wal_writer_delay: "10s",
      wal_writer_flush_after: "1GB",
      wal_buffers: "64MB",
    };
    // What is written may have been written just before the kill, by whoever needed the room.
    let found = (await runDrill(settings)).found;
    for (let again = 0; again < 2 && found?.lost === 0; again += 1) {
      await clear();
      await mkdir(directory, { mode: 0o755 });
      found = (await runDrill(settings)).found;
    }

    expect(found?.lost).toBeGreaterThan(0);
    // Lost, but not torn.
    expect(found?.half).toBe(0);
  }, 120_000);
});
