import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import type pg from "pg";

import { adopt } from "../src/migrations/adopt.js";
import { bootstrap } from "../src/migrations/bootstrap.js";
import type { CellName } from "../src/migrations/cell.js";
import { chapterDirectories, readChapters } from "../src/migrations/chapters.js";
import { status } from "../src/migrations/status.js";
import { up } from "../src/migrations/up.js";
import { useCellNames } from "./support/cell-names.js";
import { writeChapters, type ChapterFiles } from "./support/chapter-files.js";
import { aloneWithRoles, useDatabase } from "./support/database.js";
import { findInstallations } from "./support/fresh-servers.js";
import { connect } from "./support/template.js";

const run = promisify(execFile);
const database = useDatabase({ template: "empty" });
const newCellName = useCellNames();
const psql = findInstallations()
  .map(({ installation }) => join(installation ?? "/nowhere", "bin", "psql"))
  .find((path) => existsSync(path));

let client: pg.Client;
let cell: CellName;
let files: ChapterFiles;

beforeAll(async () => {
  client = await connect(database.connectionString("admin"));
});

beforeEach(async () => {
  files = await writeChapters();
  cell = newCellName();
  await aloneWithRoles(() => bootstrap(client, { cell }));
});

afterEach(() => files.dispose());

afterAll(() => client.end());

/** Applies chapters as docs/migrations.md tells a DBA to: with psql where there is one. */
async function applyByHand(count: number, directory?: string): Promise<void> {
  const chapters = (await readChapters({ directory })).slice(0, count);
  for (const { fileName, sql } of chapters) {
    const statements = [
      "set role safetypin_owner",
      `set search_path = ${cell}, extensions, pg_temp`,
    ];
    if (psql === undefined) {
      await client.query(["begin", ...statements, sql.replace(/;?\s*$/, ""), "commit"].join(";\n"));
      await client.query("reset role; reset search_path");
      continue;
    }
    await run(psql, [
      "-X",
      "-q",
      "-d",
      database.connectionString("admin"),
      "-v",
      "ON_ERROR_STOP=1",
      "--single-transaction",
      ...statements.flatMap((statement) => ["-c", statement]),
      "-f",
      join(chapterDirectories({ directory }).directory, fileName),
    ]);
  }
}

const small = () => ({ cell, directory: files.directory });

async function ledger(): Promise<unknown> {
  const { rows } = await client.query(`select id, name, hash from ${cell}.migrations order by id`);
  return rows;
}

test("the chapters of the package, applied by hand, are adopted, and the runner agrees", async () => {
  const chapters = await readChapters();
  await applyByHand(chapters.length);

  const adopted = await adopt(client, { cell });
  expect(adopted.differences).toEqual([]);
  expect(adopted.adopted.map(({ fileName }) => fileName)).toEqual(chapters.map(({ fileName }) => fileName));

  await expect(up(client, { cell })).resolves.toMatchObject({ applied: [], alreadyApplied: chapters.length });
  await expect(status(client, { cell, lookForDrift: true })).resolves.toMatchObject({ drift: [] });
  await expect(adopt(client, { cell })).resolves.toMatchObject({ adopted: [], differences: [] });
}, 120_000);

test("the ledger is the one that the runner would have written", async () => {
  await applyByHand(3, files.directory);
  await adopt(client, small());
  const byHand = await ledger();

  cell = newCellName();
  await aloneWithRoles(() => bootstrap(client, { cell }));
  await up(client, small());
  expect(byHand).toEqual(await ledger());
});

test("some of the chapters are recognised, and the runner goes on from there", async () => {
  await applyByHand(2, files.directory);
  await expect(adopt(client, small())).resolves.toMatchObject({
    newest: { fileName: "0002_feedings.sql" },
    adopted: [{ id: 1 }, { id: 2 }],
    differences: [],
  });
  await expect(up(client, small())).resolves.toMatchObject({ applied: [{ id: 3 }] });
});

test("a dry run compares and writes nothing", async () => {
  await applyByHand(2, files.directory);
  await expect(adopt(client, { ...small(), dryRun: true })).resolves.toMatchObject({
    adopted: [{ id: 1 }, { id: 2 }],
  });
  const { rows } = await client.query("select to_regclass($1) as ledger", [`${cell}.migrations`]);
  expect(rows).toEqual([{ ledger: null }]);
});

test("a cell that is not what its chapters make is not adopted: what differs is told", async () => {
  await applyByHand(2, files.directory);
  await client.query(`alter table ${cell}.animals drop constraint animals_pkey cascade`);
  const found = await adopt(client, small());
  expect(found.newest?.fileName).toBe("0002_feedings.sql");
  expect(found.differences.map(({ object }) => object)).toEqual(
    expect.arrayContaining(["constraint animals.animals_pkey", "constraint feedings.feedings_animal_id_fkey"]),
  );
  const { rows } = await client.query("select to_regclass($1) as ledger", [`${cell}.migrations`]);
  expect(rows).toEqual([{ ledger: null }]);
});

test("an edited text is found, however small the edit", async () => {
  await applyByHand(3, files.directory);
  await client.query(
    `create or replace function ${cell}.feed() returns integer language plpgsql security definer
       set search_path = ${cell}, extensions, pg_temp as $$ begin return 2; end; $$`,
  );
  await expect(adopt(client, small())).resolves.toMatchObject({
    differences: [{ object: "function feed()", property: "body" }],
  });
});

test("two chapters that leave the same catalog: somebody has to say which", async () => {
  await files.write("migrations/0004_words.sql", "update animals set name = 'Eve';");
  await applyByHand(3, files.directory);
  await expect(adopt(client, small())).rejects.toMatchObject({
    message: expect.stringContaining("looks the same after 0003_animal_age.sql and after 0004_words.sql"),
    remedy: "Say which it has had, with --to",
  });
  await expect(adopt(client, { ...small(), to: 3 })).resolves.toMatchObject({ newest: { id: 3 } });
  await expect(up(client, small())).resolves.toMatchObject({ applied: [{ id: 4 }] });
});

test("an index that was built concurrently is recognised", async () => {
  await files.write(
    "migrations/0004_index.sql",
    "-- postgres-migrations disable-transaction\ncreate index concurrently animals_age_idx on animals (age);\n",
  );
  await applyByHand(3, files.directory);
  await client.query(`create index concurrently animals_age_idx on ${cell}.animals (age)`);
  await expect(adopt(client, small())).resolves.toMatchObject({ newest: { id: 4 }, differences: [] });
});

test("a ledger that speaks of other chapters is not overwritten", async () => {
  await up(client, small());
  await client.query(`update ${cell}.migrations set hash = 'other' where id = 2`);
  await expect(adopt(client, small())).rejects.toMatchObject({ code: "changed" });
});

test("who may not make a schema is told how to mend it", async () => {
  await up(client, small());
  const name = database.name;
  await client.query(`revoke create on database ${name} from safetypin_owner`);
  await expect(adopt(client, small())).rejects.toMatchObject({
    name: "ConfigurationError",
    remedy: expect.stringContaining("grant create on database"),
  });
  await client.query(`grant create on database ${name} to safetypin_owner`);
});
