import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import pg from "pg";

import { prepareDatabase } from "../../src/development/prepare-database.js";
import { stageServer } from "../../src/development/server-binaries.js";
import { startServer, type EmbeddedServer } from "../../src/development/embedded-server.js";
import { SQL_DIRECTORY } from "../../src/migrations/chapters.js";
import { useDatabase, type Login } from "./database.js";
import { connect, copyDatabase, TEST_CELL, withDatabase } from "./template.js";

/** A cell whose clock a test moves. */
export interface TimeTraveller {
  pool(login: Login): pg.Pool;

  /** Lets so much time pass: an interval as PostgreSQL reads it. */
  advance(interval: string): Promise<void>;

  /** Sets the clock back by so much. */
  setBack(interval: string): Promise<void>;
}

/** A way to move the clock, for the tests of a `describe`; each test gets a cell of the present. */
export interface ClockMover {
  readonly name: string;
  use(): { readonly traveller: TimeTraveller };
}

/**
 * Every way this machine has. PostgreSQL asks the system for the time: libfaketime
 * (Debian's `faketime`) stands between the two where it is installed. Everywhere,
 * the calendar can be moved instead: what is written down moves the other way.
 */
export function findClockMovers(): ClockMover[] {
  const library = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
    .map((machine) => `/usr/lib/${machine}/faketime/libfaketime.so.1`)
    .find((path) => existsSync(path));
  return [
    { name: "what is written down moves the other way", use: useMovedCalendar },
    ...(library === undefined
      ? []
      : [{ name: "the server's clock moves", use: () => useMovedClock(library) }]),
  ];
}

function useMovedCalendar(): { readonly traveller: TimeTraveller } {
  const context = {} as { traveller: TimeTraveller };
  const database = useDatabase({ template: "pgtap" });

  const move = (interval: string) =>
    database.admin.query(
      `do $$
       declare
         v_by constant interval := '${interval}';
       begin
         set local session_replication_role = replica;
         update sessions set creation_time = creation_time - v_by, expiration_time = expiration_time - v_by;
         update session_activities set last_activity_time = last_activity_time - v_by;
         update users set sessions_valid_from = sessions_valid_from - v_by;
         update password_attempts set expiration_time = expiration_time - v_by;
         perform setval('clock_high_water', greatest(0, last_value - (extract(epoch from v_by) * 1000000)::bigint))
         from clock_high_water;
       end;
       $$`,
    );

  beforeEach(async () => {
    await database.admin.query("delete from security_alerts; select make_partitions()");
    context.traveller = {
      pool: (login) => database.pool(login),
      async advance(interval) {
        await move(interval);
        // The months that are gone are months that are no longer ahead.
        const passed = Number(/^(\d+) months?$/.exec(interval)?.[1] ?? 0);
        await database.admin.query(
          `do $$
           declare
             v_partition text;
           begin
             for v_partition in
               select distinct on (inhparent, rank) inhrelid::regclass::text
               from (
                 select inhparent, inhrelid, row_number() over (partition by inhparent order by relname desc) as rank
                 from pg_inherits join pg_class on pg_class.oid = inhrelid
                 where relkind = 'r'
               ) as partitions
               where rank <= ${passed}
             loop
               execute format('drop table %s', v_partition);
             end loop;
           end;
           $$`,
        );
      },
      async setBack(interval) {
        await move(`-${interval}`);
      },
    };
  });

  return context;
}

function useMovedClock(library: string): { readonly traveller: TimeTraveller } {
  const context = {} as { traveller: TimeTraveller };
  let home: string;
  let server: EmbeddedServer;
  let admin: pg.Client;
  let offset = 0;
  let count = 0;
  let pools: pg.Pool[] = [];

  const writeOffset = (seconds: number) => {
    offset = seconds;
    return writeFile(join(home, "clock"), `${seconds < 0 ? "" : "+"}${seconds}\n`);
  };

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "safetypin-clock-"));
    await chmod(home, 0o755);
    await writeOffset(0);
    const installation = process.env["SAFETYPIN_TEST_INSTALLATION"] || (await stageServer(home));
    server = await startServer({ installation: await wrap(home, installation, library) });
    admin = await connect(server.connectionString());
    await admin.query("create database prepared");
    const client = await connect(server.connectionString("prepared"));
    await prepareDatabase(client, { cell: TEST_CELL, environment: "test" });
    await client.query(`set search_path = ${TEST_CELL}, extensions`);
    await client.query(await readFile(join(SQL_DIRECTORY, "..", "test-sql", "setup.sql"), "utf8"));
    // The vocabulary makes a key that it knows.
    await client.query("select tests.empty_keys()");
    await client.end();
  }, 120_000);

  afterAll(async () => {
    await admin.end();
    await server.stop();
    await rm(home, { recursive: true, force: true });
  });

  beforeEach(async () => {
    await writeOffset(0);
    count += 1;
    await copyDatabase(admin, "prepared", `travelling_${count}`);
    const opened = new Map<Login, pg.Pool>();
    const pool = (login: Login) => {
      const url = new URL(withDatabase(server.connectionString(), `travelling_${count}`));
      if (login !== "admin") url.username = `${TEST_CELL}_${login}_login`;
      const made =
        opened.get(login) ??
        new pg.Pool({ connectionString: url.href, options: `-c search_path=${TEST_CELL},extensions,pg_temp` });
      opened.set(login, made);
      pools = [...opened.values()];
      return made;
    };
    const move = async (interval: string, direction: 1 | -1) => {
      const { rows } = await admin.query<{ seconds: number }>(
        `select extract(epoch from now() + $1::interval * $2::integer - now())::integer as seconds`,
        [interval, direction],
      );
      await writeOffset(offset + (rows[0]?.seconds ?? 0));
    };
    context.traveller = {
      pool,
      advance: (interval) => move(interval, 1),
      setBack: (interval) => move(interval, -1),
    };
  });

  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.end()));
  });

  return context;
}

/** A PostgreSQL that is started with the library in front of the system's clock. */
async function wrap(home: string, installation: string, library: string): Promise<string> {
  const bin = join(home, "wrapped", "bin");
  await mkdir(bin, { recursive: true });
  for (const program of ["postgres", "initdb"]) {
    await writeFile(
      join(bin, program),
      [
        "#!/bin/sh",
        `FAKETIME_TIMESTAMP_FILE=${home}/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \\`,
        `  LD_PRELOAD=${library} exec ${installation}/bin/${program} "$@"`,
        "",
      ].join("\n"),
      { mode: 0o755 },
    );
  }
  return join(home, "wrapped");
}
