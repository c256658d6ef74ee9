import { tmpdir } from "node:os";
import { join } from "node:path";

import type pg from "pg";

import { bootstrap } from "../src/migrations/bootstrap.js";
import { assertDirectServer } from "../src/migrations/session.js";
import { useCellNames } from "./support/cell-names.js";
import { runCli } from "./support/cli.js";
import { aloneWithRoles, useDatabase } from "./support/database.js";
import { findPoolers, freePort } from "./support/pooler.js";
import { connect } from "./support/template.js";

const database = useDatabase({ template: "empty" });
const cell = useCellNames()();
let client: pg.Client;

beforeAll(async () => {
  client = await connect(database.connectionString("admin"));
  await aloneWithRoles(() => bootstrap(client, { cell }));
});

afterAll(() => client.end());

const status = (url: string, ...args: string[]) =>
  runCli(["migrate", "status", "--cell", cell, ...args], { env: { DATABASE_URL: url } });

const changed = (change: (url: URL) => void) => {
  const url = new URL(database.connectionString("admin"));
  change(url);
  return url.href;
};

/** One error: a sentence that names the input, then the remedy. */
async function expectError(
  running: ReturnType<typeof runCli>,
  sentence: RegExp,
  remedy: RegExp,
  code = 1,
): Promise<void> {
  const found = await running;
  const [first = "", ...rest] = found.stderr.trimEnd().split("\n");
  expect(first).toMatch(/^safetypin: /);
  expect(first).toMatch(sentence);
  expect(rest.join(" ")).toMatch(remedy);
  expect(found.stdout).toBe("");
  expect(found.stderr).not.toMatch(/\bat .*\.js:\d+/);
  expect(found.code).toBe(code);
}

describe("the server", () => {
  test("an address of something else, its password not repeated", async () => {
    const url = "mysql://me:hunter2@db.internal/clinic";
    await expectError(
      status(url),
      /DATABASE_URL is no address of a PostgreSQL: "mysql:\/\/…@db\.internal\/clinic"/,
      /postgres:\/\/USER:PASSWORD@HOST:PORT\/DATABASE/,
    );
    expect((await status(url)).stderr).not.toContain("hunter2");
  });

  test("an address that cannot be read", async () => {
    await expectError(
      status("postgres://me:a/b#c@db.internal:port/clinic"),
      /DATABASE_URL cannot be read: "postgres:\/\/…@db\.internal:port\/clinic"/,
      /write @ .* as %40/,
    );
  });

  test("nobody listens there", async () => {
    const port = await freePort();
    await expectError(
      status(changed((url) => (url.port = String(port)))),
      new RegExp(`No server listens at 127\\.0\\.0\\.1:${String(port)}`),
      /Start it, or name another with DATABASE_URL, or PGHOST/,
    );
  });

  test("no such host", async () => {
    await expectError(
      status("postgres://me@no-such-host.invalid/clinic"),
      /There is no host "no-such-host\.invalid"/,
      /DATABASE_URL/,
    );
  });

  test("no such database", async () => {
    await expectError(
      status(changed((url) => (url.pathname = "/no_such_database"))),
      /has no database "no_such_database"/,
      /DATABASE_URL, or PGHOST/,
    );
  });

  test("no such login", async () => {
    await expectError(
      status(changed((url) => (url.username = "no_such_login"))),
      /(refuses "no_such_login"|refuses the password of "no_such_login")/,
      /DATABASE_URL/,
    );
  });

  test("it is named by the PG variables too", async () => {
    const { hostname, port, username, password, pathname } = new URL(database.connectionString("admin"));
    const found = await runCli(["migrate", "status", "--cell", cell, "--json"], {
      env: {
        PGHOST: hostname,
        PGPORT: port,
        PGUSER: username,
        PGPASSWORD: decodeURIComponent(password),
        PGDATABASE: pathname.slice(1),
      },
    });
    expect(found.stderr).toBe("");
    expect(JSON.parse(found.stdout)).toMatchObject({ cells: [{ cell }] });
  });

  test("too old", async () => {
    // No such server is to be had here: this is all that is asked of one.
    const old = { query: () => Promise.resolve({ rows: [{ version: "14.9", major: 14, pid: 1 }] }) };
    await expect(assertDirectServer(old as unknown as pg.Client)).rejects.toMatchObject({
      message: "This server is PostgreSQL 14.9; SafetyPin needs 15 or newer",
      remedy: expect.stringContaining("Upgrade"),
    });
  });
});

describe.each(findPoolers())("through $name", ({ start }) => {
  test("what needs one session is refused, and says where to connect", async () => {
    const pooler = await start(database.connectionString("admin"));
    try {
      for (const args of [
        ["migrate", "up"],
        ["migrate", "status"],
        ["migrate", "plan"],
        ["migrate", "adopt"],
        ["bootstrap"],
        ["seed"],
        ["keys", "status"],
        ["keys", "rotate", "--dry-run"],
        ["credentials", "rotate", "app", "--file", join(tmpdir(), `credentials-${cell}.json`), "--yes"],
      ]) {
        await expectError(
          runCli([...args, "--cell", cell], { env: { DATABASE_URL: pooler.url } }),
          /A pooler stands between here and the server/,
          /Connect to the server's own port: .*longer than a transaction/,
        );
      }
    } finally {
      await pooler.stop();
    }
  }, 120_000);
});

test.each(findPoolers().filter(({ keepsSessions }) => keepsSessions))(
  "$name keeps one session per connection and may stand there, if somebody says so",
  async ({ start }) => {
    const pooler = await start(database.connectionString("admin"));
    try {
      await expect(status(pooler.url, "--allow-proxy")).resolves.toMatchObject({ code: 0 });
    } finally {
      await pooler.stop();
    }
  },
);

describe("the cell", () => {
  test("unknown: those that there are, and how to make it", async () => {
    await expectError(
      runCli(["migrate", "up", "--cell", "nowhere"], {
        env: { DATABASE_URL: database.connectionString("admin") },
      }),
      new RegExp(`There is no cell "nowhere" in database "${database.name}"; there is .*${cell}`),
      /safetypin bootstrap --cell nowhere/,
    );
  });

  test.each(["Acme", "1st", "a".repeat(41), "pg_cell", "public", "acme; drop schema x"])(
    "no cell can be called %s",
    async (name) => {
      const found = await runCli(["migrate", "up", "--cell", name]);
      expect(found.stderr).toContain(name);
      expect(found.stderr).toMatch(/cannot be a cell/);
      expect(found.stderr).toMatch(/Try: safetypin migrate up --help/);
      expect(found.code).toBe(2);
    },
  );
});

describe("the login", () => {
  test("may not become the owners", async () => {
    await expectError(
      status(appUrl()),
      new RegExp(`${cell}_app_login may not become safetypin_owner, safetypin_definer, safetypin_keyholder`),
      /Connect as safetypin_migrator/,
    );
  });

  test("may not maintain", async () => {
    await client.query(`grant usage on schema ${cell} to public`);
    await expectError(
      runCli(["maintain", "--once", "--cell", cell], { env: { DATABASE_URL: appUrl() } }),
      new RegExp(`(may not maintain cell "${cell}"|lacks a function)`),
      new RegExp(`(Connect as ${cell}_operator_login|safetypin migrate up)`),
    );
    await client.query(`revoke usage on schema ${cell} from public`);
  });

  function appUrl(): string {
    const url = new URL(database.connectionString("admin"));
    url.username = `${cell}_app_login`;
    return url.href;
  }

  beforeAll(async () => {
    const { password } = new URL(database.connectionString("admin"));
    await client.query(`alter role ${cell}_app_login password '${decodeURIComponent(password)}'`);
  });
});

describe("the extensions", () => {
  test("one is missing", async () => {
    await client.query("drop extension pg_trgm cascade");
    try {
      await expectError(
        status(database.connectionString("admin")),
        /The database lacks the extension pg_trgm/,
        /safetypin bootstrap/,
      );
    } finally {
      await client.query("create extension pg_trgm with schema extensions");
    }
  });

  test("they are apart", async () => {
    await client.query("create schema elsewhere; alter extension pg_trgm set schema elsewhere");
    try {
      await expectError(
        status(database.connectionString("admin")),
        /pgcrypto and pg_trgm are in two schemas: (extensions, elsewhere|elsewhere, extensions)/,
        /alter extension pg_trgm set schema/,
      );
    } finally {
      await client.query("alter extension pg_trgm set schema extensions; drop schema elsewhere");
    }
  });
});

describe("the command line", () => {
  test.each([
    [["migrate", "sideways"], /unknown command 'sideways'/],
    [["migrate", "up", "--too", "3"], /unknown option '--too'/],
    [["migrate", "up", "--to", "three"], /"three" is not a whole number/],
    [["migrate", "up", "--lock-timeout", "soon"], /"soon" is no length of time/],
    [["migrate", "up", "--environment", "staging"], /"staging" is no environment/],
    [["migrate", "down"], /required option '--to <number>' not specified/],
    [["maintain", "--every", "0"], /"0" is no time to rest\. Write 10s or 5min/],
    [["maintain", "--every", "0ms"], /"0ms" is no time to rest/],
    [["maintain", "--every", "99999min"], /"99999min" is no time to rest/],
  ])("%j makes no sense", async (args, sentence) => {
    const found = await runCli(args);
    expect(found.stderr).toMatch(sentence);
    expect(found.stderr).toMatch(/Try: safetypin (migrate|maintain) .*--help/);
    expect(found.stdout).toBe("");
    expect(found.code).toBe(2);
  });

  test.each([
    [["migrate", "sideways"], "unknown command 'sideways'"],
    [["migrate", "up", "--too", "3"], "unknown option '--too'"],
    [["maintain", "--every", "0"], "\"0\" is no time to rest. Write 10s or 5min"],
  ])("%j with --json is told in JSON", async (args, sentence) => {
    const found = await runCli([...args, "--json"]);
    expect(JSON.parse(found.stdout)).toEqual({
      error: { message: expect.stringContaining(sentence), remedy: expect.stringContaining("--help"), code: "usage" },
    });
    expect(found.code).toBe(2);
  });

  test.each([["up"], ["plan"], ["up", "--dry-run"], ["down", "--yes"], ["adopt"]])(
    "migrate %s --to a chapter that nobody has names the last, and makes no sense either",
    async (...args) => {
      const found = await runCli(["migrate", ...args, "--to", "99", "--cell", cell, "--json"], {
        env: { DATABASE_URL: database.connectionString("admin") },
      });
      expect(JSON.parse(found.stdout)).toEqual({
        error: {
          message: "There is no chapter 99",
          remedy: expect.stringMatching(/^The last one is \d{4}_\w+\.sql$/),
          code: "no_such_chapter",
        },
      });
      expect(found.stderr).toContain("There is no chapter 99");
      expect(found.code).toBe(2);
    },
  );

  test("with --json an error is JSON too", async () => {
    const found = await runCli(["migrate", "status", "--cell", "nowhere", "--json"], {
      env: { DATABASE_URL: database.connectionString("admin") },
    });
    expect(JSON.parse(found.stdout)).toEqual({
      error: {
        message: expect.stringContaining('There is no cell "nowhere"'),
        remedy: expect.stringContaining("safetypin bootstrap"),
        code: "failed",
      },
    });
    expect(found.code).toBe(1);
  });
});
