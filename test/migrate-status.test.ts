import type pg from "pg";

import { bootstrap } from "../src/migrations/bootstrap.js";
import type { CellName } from "../src/migrations/cell.js";
import { status } from "../src/migrations/status.js";
import { up } from "../src/migrations/up.js";
import { declareEnvironment } from "../src/seeds.js";
import { useCellNames } from "./support/cell-names.js";
import { writeChapters } from "./support/chapter-files.js";
import { aloneWithRoles, useDatabase } from "./support/database.js";
import { connect } from "./support/template.js";

const database = useDatabase({ template: "empty" });
const newCellName = useCellNames();
let client: pg.Client;
let cell: CellName;

beforeAll(async () => {
  client = await connect(database.connectionString("admin"));
});

beforeEach(async () => {
  cell = newCellName();
  await aloneWithRoles(() => bootstrap(client, { cell }));
});

afterAll(() => client.end());

const look = async (options: { directory?: string } = {}) => {
  const { drift } = await status(client, { cell, lookForDrift: true, ...options });
  return drift;
};

test("a cell that only its chapters made has no drift, and looking leaves nothing behind", async () => {
  const schemas = async () => {
    const { rows } = await client.query("select nspname from pg_namespace order by 1");
    return rows;
  };
  await up(client, { cell });
  const before = await schemas();
  await expect(look()).resolves.toEqual([]);
  expect(await schemas()).toEqual(before);
});

test("nor has one that maintenance and time have changed", async () => {
  await up(client, { cell });
  await declareEnvironment(client, "development", { cell });
  await client.query(`select ${cell}.make_partitions(20)`);
  await expect(look()).resolves.toEqual([]);
});

test("what was changed by hand is named, with what it was", async () => {
  await up(client, { cell });
  await client.query(
    `set search_path = ${cell};
     grant select on context_keys to safetypin_app;
     alter policy select_everyone on cell_settings using (false);
     alter table event_types no force row level security;
     create table forgotten (id integer)`,
  );
  const drift = (await look()) ?? [];
  expect(drift.map(({ object, property }) => [object, property])).toEqual([
    ["column forgotten.id", undefined],
    ["policy cell_settings.select_everyone", "using"],
    ["table context_keys", "granted to safetypin_app"],
    ["table event_types", "row level security is forced"],
    ["table forgotten", undefined],
  ]);
  expect(drift[1]).toMatchObject({ expected: "true", found: "false" });
});

test("nobody is looked for where the chapters are not those that were applied", async () => {
  const files = await writeChapters();
  await up(client, { cell, directory: files.directory });
  await files.write("migrations/0001_animals.sql", "select 1;");
  await expect(look({ directory: files.directory })).resolves.toBeUndefined();
  await files.dispose();
});

test("a cell before its first chapter has neither an environment nor a ledger", async () => {
  const found = await status(client, { cell, lookForDrift: true });
  expect(found).toMatchObject({ environment: undefined, unknown: [], drift: undefined });
  expect(new Set(found.chapters.map(({ state }) => state))).toEqual(new Set(["pending"]));
});

test("a new cell is production, and stays what it is once it holds people", async () => {
  await up(client, { cell });
  await expect(status(client, { cell })).resolves.toMatchObject({ environment: "production" });
  await declareEnvironment(client, "test", { cell });
  await expect(status(client, { cell })).resolves.toMatchObject({ environment: "test" });

  await client.query(
    `insert into ${cell}.users (id, status, first_name, last_name)
     values ('00000000-0000-0000-0000-000000000001', 'deleted', 'Ada', 'Lovelace')`,
  );
  await declareEnvironment(client, "production", { cell });
  await expect(declareEnvironment(client, "development", { cell })).rejects.toMatchObject({
    name: "ConfigurationError",
    message: expect.stringContaining(`Cell "${cell}" stays production`),
  });
});
