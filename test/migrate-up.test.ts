import type pg from "pg";

import { bootstrap } from "../src/migrations/bootstrap.js";
import { compareCatalogs, readCatalog } from "../src/migrations/catalog.js";
import type { CellName } from "../src/migrations/cell.js";
import { readChapters } from "../src/migrations/chapters.js";
import { MIGRATION_LOCK } from "../src/migrations/lock.js";
import { status } from "../src/migrations/status.js";
import { up } from "../src/migrations/up.js";
import { useCellNames } from "./support/cell-names.js";
import { writeChapters, type ChapterFiles } from "./support/chapter-files.js";
import { outcome, startCli } from "./support/cli.js";
import { aloneWithRoles, useDatabase } from "./support/database.js";
import { connect } from "./support/template.js";

const database = useDatabase({ template: "empty" });
const newCellName = useCellNames();
let client: pg.Client;
let files: ChapterFiles;
let cell: CellName;

beforeAll(async () => {
  client = await connect(database.connectionString("admin"));
});

beforeEach(async () => {
  files = await writeChapters();
  cell = await newCell();
});

afterEach(() => files.dispose());

afterAll(() => client.end());

async function newCell(): Promise<CellName> {
  const name = newCellName();
  await aloneWithRoles(() => bootstrap(client, { cell: name }));
  return name;
}

const run = (more: Partial<Parameters<typeof up>[1]> = {}) =>
  up(client, { cell, directory: files.directory, ...more });

async function tablesOf(name: CellName): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = to_regnamespace($1) and relkind = 'r' order by 1",
    [name],
  );
  return rows.map((row) => row.name);
}

const isLockFree = async () => {
  const { rows } = await client.query<{ holders: number }>(
    "select count(*)::integer as holders from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
  );
  return rows[0]?.holders === 0;
};

describe("migrate up", () => {
  test("from an empty cell applies every chapter, in order, and again nothing", async () => {
    const told: string[] = [];
    const first = await run({ onChapter: ({ fileName }) => told.push(fileName) });
    expect(told).toEqual(["0001_animals.sql", "0002_feedings.sql", "0003_animal_age.sql"]);
    expect(first.applied.map(({ fileName }) => fileName)).toEqual(told);
    expect(first.alreadyApplied).toBe(0);
    await expect(tablesOf(cell)).resolves.toEqual(["animals", "feedings", "migrations"]);

    const again = await run();
    expect(again.applied).toEqual([]);
    expect(again.alreadyApplied).toBe(3);
    await expect(isLockFree()).resolves.toBe(true);
  });

  test("leaves the connection as it was", async () => {
    const standing = async () => {
      const { rows } = await client.query(
        "select current_user, current_setting('search_path') as path, current_setting('timezone') as zone, current_setting('lock_timeout') as timeout",
      );
      return rows;
    };
    const before = await standing();
    await run();
    expect(await standing()).toEqual(before);
  });

  test("stops after the chapter it is told, and goes on from there", async () => {
    await run({ to: 2 });
    await expect(status(client, { cell, directory: files.directory })).resolves.toMatchObject({
      chapters: [{ state: "applied" }, { state: "applied" }, { state: "pending" }],
    });
    const rest = await run();
    expect(rest.applied.map(({ id }) => id)).toEqual([3]);
    await expect(run({ to: 7 })).rejects.toMatchObject({ message: "There is no chapter 7" });
  });

  test("a chapter that fails leaves nothing, those before it stay, and the place is told", async () => {
    await files.write(
      "migrations/0003_animal_age.sql",
      "alter table animals add column age integer;\n\ninsert into animals (id, nom)\nvalues (null, 'x');\n",
    );
    await expect(run()).rejects.toMatchObject({
      name: "MigrationError",
      code: "failed",
      message: expect.stringMatching(
        /^0003_animal_age\.sql:3:26: column "nom" of relation "animals" does not exist\. Nothing of this file was kept\.$/,
      ),
      cause: expect.objectContaining({ code: "42703" }),
    });
    await expect(tablesOf(cell)).resolves.toEqual(["animals", "feedings", "migrations"]);
    const { rows } = await client.query(
      "select attname from pg_attribute where attrelid = $1::regclass and attname = 'age'",
      [`${cell}.animals`],
    );
    expect(rows).toEqual([]);
    await expect(isLockFree()).resolves.toBe(true);

    await files.write("migrations/0003_animal_age.sql", "alter table animals add column age integer;");
    await expect(run()).resolves.toMatchObject({ alreadyApplied: 2 });
  });

  test("a chapter that was changed after it was applied is refused before anything runs", async () => {
    await run({ to: 2 });
    await files.write("migrations/0001_animals.sql", "create table beasts (id uuid);");
    await expect(run()).rejects.toMatchObject({
      code: "changed",
      message: `0001_animals.sql changed since cell "${cell}" had it`,
      remedy: expect.stringContaining("new chapter"),
    });
    await expect(status(client, { cell, directory: files.directory })).resolves.toMatchObject({
      chapters: [{ state: "changed" }, { state: "applied" }, { state: "pending" }],
    });
  });

  test("a renamed chapter is a changed one", async () => {
    await run();
    await files.remove("migrations/0003_animal_age.sql");
    await files.write("migrations/0003_age.sql", "alter table animals add column age integer;");
    await expect(run()).rejects.toMatchObject({ code: "changed" });
  });

  test("a chapter of a newer release is refused, and so are chapters with a gap", async () => {
    await run();
    await files.remove("migrations/0003_animal_age.sql");
    await expect(run()).rejects.toMatchObject({
      code: "unknown",
      message: expect.stringContaining("had 0003_animal_age, which this release does not know"),
    });

    await files.remove("migrations/0001_animals.sql");
    await expect(run()).rejects.toMatchObject({ code: "incomplete" });
  });

  test("two cells of one database have ledgers of their own", async () => {
    const other = await newCell();
    await run();
    await expect(up(client, { cell: other, directory: files.directory, to: 1 })).resolves.toMatchObject({
      applied: [{ id: 1 }],
    });
    await expect(tablesOf(other)).resolves.toEqual(["animals", "migrations"]);
    await expect(tablesOf(cell)).resolves.toEqual(["animals", "feedings", "migrations"]);
  });

  test("five runners at once, in processes of their own: one applies", async () => {
    const runners = Array.from({ length: 5 }, () =>
      startCli(["migrate", "up", "--cell", cell, "--chapters", files.directory, "--json"], {
        env: { DATABASE_URL: database.connectionString("admin") },
      }),
    );
    const outcomes = await Promise.all(runners.map(outcome));
    const applied = outcomes.map(({ stdout }) => {
      const { cells } = JSON.parse(stdout) as { cells: { applied: string[] }[] };
      return cells[0]?.applied.length;
    });
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    expect(applied.sort()).toEqual([0, 0, 0, 0, 3]);
  }, 60_000);

  test("waits for another runner without blocking in the lock, and says for whom", async () => {
    const other = await connect(database.connectionString("admin"));
    await other.query(`select pg_try_advisory_lock(${MIGRATION_LOCK})`);

    let told = "";
    const waiting = run({ onWait: (holder) => (told = holder) });
    await expect(
      up(await connectAgain(), { cell, directory: files.directory, waitMs: 200 }),
    ).rejects.toMatchObject({
      code: "locked",
      message: expect.stringMatching(/^Another runner is at work: process \d+/),
    });
    const { rows } = await other.query<{ waiting: number }>(
      "select count(*)::integer as waiting from pg_locks where locktype = 'advisory' and not granted",
    );
    expect(rows).toEqual([{ waiting: 0 }]);

    await other.end();
    await expect(waiting).resolves.toMatchObject({ alreadyApplied: 0 });
    expect(told).toMatch(/^process \d+ /);
  });

  test("an index is built concurrently while another runner waits, and neither waits for ever", async () => {
    await files.write(
      "migrations/0004_index.sql",
      "-- postgres-migrations disable-transaction\ncreate index concurrently animals_age_idx on animals (age);\n",
    );
    const second = await connectAgain();
    const results = await Promise.all([
      run(),
      up(second, { cell, directory: files.directory }),
    ]);
    expect(results.map(({ applied }) => applied.length).sort()).toEqual([0, 4]);
  });

  test("an index that is built concurrently waits for whoever was there before, however long", async () => {
    await files.write(
      "migrations/0004_index.sql",
      "-- postgres-migrations disable-transaction\ncreate index concurrently animals_age_idx on animals (age);\n",
    );
    await run({ to: 3 });
    const writer = await connectAgain();
    await writer.query(`begin; update ${cell}.animals set name = name`);
    const building = run({ lockTimeoutMs: 1 });
    for (let isWaiting = false; !isWaiting; ) {
      const { rowCount } = await writer.query(
        "select from pg_locks where locktype = 'virtualxid' and not granted",
      );
      isWaiting = rowCount === 1;
    }
    await writer.query("select pg_sleep(0.1); commit");
    await expect(building).resolves.toMatchObject({ applied: [{ id: 4 }] });
  });

  test("a chapter does not wait for ever for a table in use", async () => {
    await run({ to: 2 });
    const reader = await connectAgain();
    await reader.query(`begin; select count(*) from ${cell}.animals`);
    await expect(run({ lockTimeoutMs: 100 })).rejects.toMatchObject({
      code: "failed",
      message: expect.stringContaining("canceling statement due to lock timeout"),
      remedy: expect.stringContaining("--lock-timeout"),
    });
    await reader.query("commit");
    await expect(run({ lockTimeoutMs: 100 })).resolves.toMatchObject({ applied: [{ id: 3 }] });
  });

  test("every chapter of the package, as the migration login, makes the same in every cell", async () => {
    const other = await newCell();
    const migrator = await connect(database.connectionString("admin"));
    try {
      // No superuser from here on: what this login may is what the migration login may.
      await migrator.query("set session authorization safetypin_migrator");
      const chapters = await readChapters();
      for (const name of [cell, other]) {
        await expect(up(migrator, { cell: name })).resolves.toMatchObject({
          applied: chapters.map(({ id }) => ({ id })),
        });
      }
    } finally {
      await migrator.end();
    }
    const [one, two] = [
      await readCatalog(client, cell, "extensions"),
      await readCatalog(client, other, "extensions"),
    ];
    const differing = compareCatalogs(one, two).map(({ object }) => object);
    // The logins of a cell are its own.
    expect(differing.filter((object) => object !== "schema")).toEqual([]);
    expect(one.size).toBeGreaterThan(300);
  }, 60_000);

  async function connectAgain(): Promise<pg.Client> {
    const again = await connect(database.connectionString("admin"));
    extra.push(again);
    return again;
  }
});

const extra: pg.Client[] = [];

afterEach(async () => {
  await Promise.all(extra.splice(0).map((one) => one.end()));
});
