import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type pg from "pg";

import { bootstrap } from "../src/migrations/bootstrap.js";
import { DEFAULT_CELL, parseCellName } from "../src/migrations/cell.js";
import { status } from "../src/migrations/status.js";
import { up } from "../src/migrations/up.js";
import { declareEnvironment, listScenarios, seed } from "../src/seeds.js";
import { localKeyFile } from "../src/keys/local-key-file.js";
import { useCellNames } from "./support/cell-names.js";
import { runCli } from "./support/cli.js";
import { aloneWithRoles, asAdmin, useDatabase, type TestDatabase } from "./support/database.js";
import { connect } from "./support/template.js";

const cell = parseCellName(DEFAULT_CELL);

async function withClient<Result>(
  database: TestDatabase,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = await connect(database.connectionString("admin"));
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Somebody whom a reset takes with it. */
async function addPerson(database: TestDatabase): Promise<void> {
  await withClient(database, (client) =>
    client.query(
      `insert into ${cell}.users (id, status, first_name, last_name)
       values ('00000000-0000-0000-0000-0000000000aa', 'deleted', 'Gone', 'Tomorrow')`,
    ),
  );
}

async function isThere(database: TestDatabase): Promise<boolean> {
  return withClient(database, async (client) => {
    const { rowCount } = await client.query(
      `select from ${cell}.users where id = '00000000-0000-0000-0000-0000000000aa'`,
    );
    return rowCount === 1;
  });
}

const reset = (database: TestDatabase, login: "admin" | "migrator", ...args: string[]) =>
  runCli(["db", "reset", ...args], { env: { DATABASE_URL: database.connectionString(login) } });

describe("db reset, where the login may make databases", () => {
  const database = useDatabase({ template: "seeded" });

  afterAll(() =>
    asAdmin(async (admin) => {
      for (const name of ["template", "template_new", "fresh", "old"]) {
        await admin.query(`drop database if exists ${database.name}_${name} with (force)`);
      }
    }),
  );

  test("copies a template, and the second time copies the same one", async () => {
    await withClient(database, async (client) => {
      await client.query(`alter database ${database.name} set statement_timeout = '7s'`);
      await client.query(`comment on database ${database.name} is 'Mine.'`);
    });
    const privileges = () =>
      withClient(database, async (client) => {
        const { rows } = await client.query(
          `select
             datdba::regrole::text as owner,
             (select array_agg(item::text order by item::text) from unnest(datacl) as item) as privileges,
             shobj_description(oid, 'pg_database') as comment,
             current_setting('statement_timeout') as timeout
           from pg_database
           where datname = current_database()`,
        );
        return rows;
      });
    const before = await privileges();

    await addPerson(database);
    const first = await aloneWithRoles(() => reset(database, "admin", "--yes"));
    expect(first).toMatchObject({ code: 0, stdout: "reset  safetypin, test: copied from a template\n" });
    expect(first.stderr).toContain("make the template");
    await expect(isThere(database)).resolves.toBe(false);
    expect(await privileges()).toEqual(before);

    await addPerson(database);
    const second = await reset(database, "admin", "--yes", "--json");
    expect(second.stderr).toBe("");
    expect(JSON.parse(second.stdout)).toEqual({
      cell,
      database: database.name,
      environment: "test",
      reset: true,
      by: "template",
      reason: null,
    });
    await expect(isThere(database)).resolves.toBe(false);

    await withClient(database, async (client) => {
      await expect(status(client, { cell, lookForDrift: true })).resolves.toMatchObject({
        environment: "test",
        drift: [],
      });
      const { rows } = await client.query(`select count(*)::integer as permissions from ${cell}.permissions`);
      expect(rows[0]).not.toEqual({ permissions: 0 });
    });
  }, 180_000);

  test("does so although somebody is connected, whose next question fails", async () => {
    const other = await connect(database.connectionString("admin"));
    await other.query("begin; select 1");
    await expect(reset(database, "admin", "--yes")).resolves.toMatchObject({ code: 0 });
    await expect(other.query("select 1")).rejects.toThrow();
    await other.end().catch(() => undefined);
  }, 180_000);

  test("not where the database holds something else: chapter by chapter then", async () => {
    await withClient(database, (client) => client.query("create schema mine; create table mine.things (id integer)"));
    await addPerson(database);
    const found = await reset(database, "admin", "--yes");
    expect(found.stdout).toBe(
      "reset  safetypin, test: chapter by chapter, because the database also holds mine\n",
    );
    await expect(isThere(database)).resolves.toBe(false);
    await withClient(database, (client) => client.query("select id from mine.things; drop schema mine cascade"));
  }, 180_000);
});

describe("db reset, as the migration login", () => {
  const database = useDatabase({ template: "seeded" });

  test("undoes every chapter and runs them again", async () => {
    await addPerson(database);
    const found = await reset(database, "migrator", "--yes");
    expect(found).toMatchObject({
      code: 0,
      stdout: "reset  safetypin, test: chapter by chapter, because the login may not make databases\n",
    });
    await expect(isThere(database)).resolves.toBe(false);
    await withClient(database, async (client) => {
      await expect(status(client, { cell, lookForDrift: true })).resolves.toMatchObject({
        environment: "test",
        drift: [],
      });
    });
  }, 180_000);

  test("asks first, and refuses where nobody is there", async () => {
    await addPerson(database);
    await expect(reset(database, "migrator")).resolves.toMatchObject({
      code: 7,
      stderr: expect.stringContaining("Say --yes if it is meant"),
    });
    await expect(reset(database, "migrator", "--dry-run")).resolves.toMatchObject({
      code: 0,
      stdout: `would reset  safetypin of database ${database.name}, test\n`,
    });
    await expect(isThere(database)).resolves.toBe(true);
  });
});

describe("where the database says it is production", () => {
  const database = useDatabase({ template: "migrated" });

  test.each(["admin", "migrator"] as const)("nothing is reset by %s, with --yes or without", async (login) => {
    if (!(await isThere(database))) await addPerson(database);
    for (const args of [[], ["--yes"], ["--yes", "--json"], ["--dry-run"]]) {
      const found = await reset(database, login, ...args);
      expect({ args, code: found.code, stderr: found.stderr }).toEqual({
        args,
        code: 7,
        stderr: expect.stringContaining('Cell "safetypin" is production: it is not reset'),
      });
    }
    await expect(isThere(database)).resolves.toBe(true);
  });

  test("it gets the seeds of production, and no scenario", async () => {
    const seed = (...args: string[]) =>
      runCli(["seed", ...args], { env: { DATABASE_URL: database.connectionString("migrator") } });

    const loaded = await seed("--json");
    const { environment, files } = JSON.parse(loaded.stdout) as { environment: string; files: string[] };
    expect(environment).toBe("production");
    expect(files.filter((file) => !/^(base|production)/.test(file))).toEqual([]);

    const { stdout } = await seed("--list");
    for (const scenario of stdout.split("\n").filter(Boolean)) {
      await expect(seed("--scenario", scenario)).resolves.toMatchObject({
        code: 7,
        stderr: expect.stringContaining("it gets no invented people"),
      });
    }
    await expect(seed("--scenario", "small-clinic")).resolves.toMatchObject({ code: 7 });
  }, 180_000);
});

describe("seed", () => {
  const database = useDatabase({ template: "empty" });
  const cellNames = useCellNames();
  const other = cellNames();
  const cellOfDevelopers = cellNames();
  const run = (...args: string[]) =>
    runCli(["seed", "--cell", other, ...args], { env: { DATABASE_URL: database.connectionString("admin") } });

  /** Everything that seeds write, without when. */
  const contents = (ofCell = other) =>
    withClient(database, async (client) => {
      const { rows: tables } = await client.query<{ name: string }>(
        `select relname as name
         from pg_class
         where relnamespace = to_regnamespace($1)
           and relkind in ('r', 'p')
           and not relispartition
           and relname !~ '_logs$'
         order by relname`,
        [ofCell],
      );
      const found: Record<string, string> = {};
      for (const { name } of tables) {
        const { rows } = await client.query<{ digest: string }>(
          `select md5(coalesce(string_agg(line, '|' order by line), '')) as digest
           from (select (to_jsonb(t) - '{creation_time,last_update_time}'::text[])::text as line from ${ofCell}.${name} as t) as lines`,
        );
        found[name] = rows[0]?.digest ?? "";
      }
      return found;
    });

  beforeAll(async () => {
    await withClient(database, async (client) => {
      await aloneWithRoles(() => bootstrap(client, { cell: other }));
    });
  });

  test("says that there are no chapters yet", async () => {
    await expect(run()).resolves.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`Cell "${other}" has no chapters yet`),
    });
  });

  test("twice is once", async () => {
    await withClient(database, async (client) => {
      await up(client, { cell: other });
      await declareEnvironment(client, "test", { cell: other });
    });
    const empty = await contents();
    await expect(run("--dry-run")).resolves.toMatchObject({
      code: 0,
      stdout: expect.stringContaining("would seed"),
    });
    expect(await contents()).toEqual(empty);

    await expect(run()).resolves.toMatchObject({ code: 0 });
    const once = await contents();
    await expect(run()).resolves.toMatchObject({ code: 0 });
    expect(await contents()).toEqual(once);
    expect(Object.keys(once)).toEqual(expect.arrayContaining(["permissions", "roles", "event_types"]));
  }, 180_000);

  describe("a file that includes another", () => {
    /** A folder of seeds with one file of base's, and one for it to include. */
    async function seedWith(base: string, included: string) {
      const directory = await mkdtemp(join(tmpdir(), "safetypin-seeds-"));
      await mkdir(join(directory, "base"));
      await mkdir(join(directory, "scenarios"));
      await writeFile(join(directory, "base", "10_one.sql"), base);
      await writeFile(join(directory, "scenarios", "01_two.sql"), included);
      return withClient(database, (client) => seed(client, { cell: other, directory })).finally(() =>
        rm(directory, { recursive: true }),
      );
    }

    const clouds = () =>
      withClient(database, async (client) => {
        const { rows } = await client.query<{ name: string }>(
          `select name from ${other}.cloud_providers where name in ('nimbus', 'stratus') order by name`,
        );
        return rows.map(({ name }) => name);
      });
    const insert = (name: string) => `insert into cloud_providers (name, display_name) values ('${name}', 'A cloud');\n`;
    const INCLUDE = "\\ir ../scenarios/01_two.sql\n";

    test("is loaded with it, as psql would load it", async () => {
      const { files } = await seedWith(`${insert("nimbus")}${INCLUDE}`, insert("stratus"));

      expect(files).toEqual(["base/10_one.sql"]);
      expect(await clouds()).toEqual(["nimbus", "stratus"]);
      await withClient(database, (client) => client.query(`delete from ${other}.cloud_providers where display_name = 'A cloud'`));
    });

    test("leaves nothing when that one fails, which is named with the line", async () => {
      await expect(seedWith(`${insert("nimbus")}${INCLUDE}`, "select\n  no_such_column;\n")).rejects.toMatchObject({
        name: "MigrationError",
        code: "failed",
        message: expect.stringMatching(/^scenarios\/01_two\.sql:2:3: /),
      });
      expect(await clouds()).toEqual([]);
    });

    test("has to end with it", async () => {
      await expect(seedWith(`${INCLUDE}${insert("nimbus")}`, insert("stratus"))).rejects.toMatchObject({
        name: "ConfigurationError",
        message: "base/10_one.sql goes on after \\ir ../scenarios/01_two.sql",
      });
      expect(await clouds()).toEqual([]);
    });
  });

  test("gives a development cell the small clinic, once", async () => {
    await withClient(database, async (client) => {
      await aloneWithRoles(() => bootstrap(client, { cell: cellOfDevelopers }));
      await up(client, { cell: cellOfDevelopers });
      await declareEnvironment(client, "development", { cell: cellOfDevelopers });
      for (let time = 1; time <= 2; time += 1) await seed(client, { cell: cellOfDevelopers, keys: (environment) => localKeyFile({ environment }) });
      const { rows } = await client.query(`select count(*)::integer as people from ${cellOfDevelopers}.users`);
      expect(rows).toEqual([{ people: 3 }]);
      const { rows: keys } = await client.query(
        `select slug like 'small-clinic-%' as "isOfTheClinic", key_id as "keyId", state
         from ${cellOfDevelopers}.tenant_keys left join ${cellOfDevelopers}.organizations on organizations.id = organization_id
         order by organization_id nulls first`,
      );
      expect(keys).toEqual([
        { isOfTheClinic: null, keyId: 1, state: "active" },
        { isOfTheClinic: true, keyId: 1, state: "active" },
      ]);
    });
  }, 180_000);

  test("every scenario, and twice is once", async () => {
    const scenarios = await listScenarios();
    expect(scenarios).toContain("hospital");
    const loadAll = async () => {
      await withClient(database, async (client) => {
        for (const scenario of scenarios) {
          await seed(client, { cell: cellOfDevelopers, scenario, keys: (environment) => localKeyFile({ environment }) });
        }
      });
      return contents(cellOfDevelopers);
    };
    const once = await loadAll();
    expect(await loadAll()).toEqual(once);
    await withClient(database, async (client) => {
      const { rows } = await client.query<{ slug: string; roles: number; granted: number }>(
        `select regexp_replace(slug, '-[^-]*$', '') as slug, count(distinct roles.id)::integer as roles,
           count(distinct role_permissions.permission_id)::integer as granted
         from ${cellOfDevelopers}.organizations
         join ${cellOfDevelopers}.roles on roles.organization_id = organizations.id and not is_system_role
         join ${cellOfDevelopers}.role_permissions on role_permissions.role_id = roles.id
         where organizations.name = 'Hospital of Five Hundred Roles'
         group by 1`,
      );
      expect(rows).toEqual([{ slug: "hospital", roles: 500, granted: 4 }]);
    });
  }, 180_000);

  test("a scenario that is not there: those that are", async () => {
    await expect(run("--scenario", "no-such-thing")).resolves.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no scenario "no-such-thing"'),
    });
  });
});
