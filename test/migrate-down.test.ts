import type pg from "pg";

import { bootstrap } from "../src/migrations/bootstrap.js";
import { compareCatalogs, readCatalog } from "../src/migrations/catalog.js";
import type { CellName } from "../src/migrations/cell.js";
import { readChapters, readDownFiles } from "../src/migrations/chapters.js";
import { describeDifference } from "../src/migrations/describe-difference.js";
import { down, planDown } from "../src/migrations/down.js";
import { status } from "../src/migrations/status.js";
import { up } from "../src/migrations/up.js";
import { useCellNames } from "./support/cell-names.js";
import { writeChapters, type ChapterFiles } from "./support/chapter-files.js";
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
  cell = newCellName();
  await aloneWithRoles(() => bootstrap(client, { cell }));
});

afterEach(() => files.dispose());

afterAll(() => client.end());

const settings = () => ({ cell, directory: files.directory });
const appliedIds = async () => {
  const { chapters } = await status(client, settings());
  return chapters.filter(({ state }) => state === "applied").map(({ id }) => id);
};

describe("migrate down", () => {
  test("undoes chapters newest first, and the ledger with them", async () => {
    await up(client, settings());
    const told: number[] = [];
    const undone = await down(client, { ...settings(), to: 1, onChapter: ({ id }) => told.push(id) });
    expect(undone.map(({ id }) => id)).toEqual([3, 2]);
    expect(told).toEqual([3, 2]);
    await expect(appliedIds()).resolves.toEqual([1]);
    await expect(up(client, settings())).resolves.toMatchObject({ applied: [{ id: 2 }, { id: 3 }] });
    await expect(down(client, { ...settings(), to: 3 })).resolves.toEqual([]);
  });

  test("says beforehand what would go, and changes nothing", async () => {
    await up(client, settings());
    await client.query(`insert into ${cell}.feedings select id, 'hay' from ${cell}.animals`);
    await client.query(`analyze ${cell}.feedings`);
    const planned = await planDown(client, { ...settings(), to: 0 });
    expect(planned.chapters.map(({ id }) => id)).toEqual([3, 2, 1]);
    expect(planned.tables).toContainEqual(
      expect.objectContaining({ name: "feedings", estimatedRows: 1, size: expect.any(Number) }),
    );
    await expect(appliedIds()).resolves.toEqual([1, 2, 3]);
  });

  test("a down file that fails leaves its chapter whole; those after it are gone", async () => {
    await up(client, settings());
    await files.write("down/0002_feedings.sql", "drop table feedings;\ndrop table nowhere;\n");
    await expect(down(client, { ...settings(), to: 0 })).rejects.toMatchObject({
      code: "failed",
      message: expect.stringMatching(/^0002_feedings\.sql: table "nowhere" does not exist/),
    });
    await expect(appliedIds()).resolves.toEqual([1, 2]);
    await client.query(`select animal_id from ${cell}.feedings`);
  });

  test("refuses, before anything runs, a chapter that was changed", async () => {
    await up(client, settings());
    await files.write("migrations/0001_animals.sql", "select 1;");
    await expect(down(client, { ...settings(), to: 2 })).rejects.toMatchObject({ code: "changed" });
    await client.query(`select age from ${cell}.animals`);
  });

  test("refuses a missing down file", async () => {
    await up(client, settings());
    await files.remove("down/0002_feedings.sql");
    await expect(down(client, { ...settings(), to: 0 })).rejects.toMatchObject({
      code: "incomplete",
      message: "Nothing says how to undo 0002_feedings.sql",
    });
    await client.query(`select age from ${cell}.animals`);
  });

  test("refuses a ledger with a gap, and one with a chapter of another release", async () => {
    await up(client, settings());
    await client.query(`delete from ${cell}.migrations where id = 2`);
    await expect(down(client, { ...settings(), to: 0 })).rejects.toMatchObject({ code: "unknown" });
    await client.query(`insert into ${cell}.migrations (id, name, hash) values (2, 'x', 'x'), (4, 'y', 'y')`);
    await expect(down(client, { ...settings(), to: 0 })).rejects.toMatchObject({ code: "changed" });
    await client.query(`select age from ${cell}.animals`);
  });

  test("refuses to stop at a chapter that the cell does not have", async () => {
    await up(client, { ...settings(), to: 2 });
    await expect(down(client, { ...settings(), to: 3 })).rejects.toMatchObject({
      message: `Cell "${cell}" does not have chapter 3`,
      remedy: "Its newest is 0002_feedings.sql",
    });
  });

  test("a down file may ask to run outside a transaction", async () => {
    await up(client, settings());
    await files.write(
      "down/0003_animal_age.sql",
      "-- postgres-migrations disable-transaction\ndrop index concurrently animals_name_idx",
    );
    await down(client, { ...settings(), to: 2 });
    await expect(appliedIds()).resolves.toEqual([1, 2]);
  });
});

describe("the chapters of the package", () => {
  test("each has the file that undoes it, and no other", async () => {
    const [chapters, downFiles] = [await readChapters(), await readDownFiles()];
    expect([...downFiles.values()].map(({ fileName }) => fileName)).toEqual(
      chapters.map(({ fileName }) => fileName),
    );
  });

  test("each, done and undone, leaves the catalog as it was", async () => {
    const differences: string[] = [];
    const read = () => readCatalog(client, cell, "extensions");

    await up(client, { cell, to: 0 });
    for (const { id, fileName } of await readChapters()) {
      const before = await read();
      await up(client, { cell, to: id });
      const between = await read();
      await down(client, { cell, to: id - 1 });
      differences.push(
        ...compareCatalogs(before, await read()).map(
          (difference) => `${fileName}, undone: ${describeDifference(difference)}`,
        ),
      );
      await up(client, { cell, to: id });
      differences.push(
        ...compareCatalogs(between, await read()).map(
          (difference) => `${fileName}, done again: ${describeDifference(difference)}`,
        ),
      );
    }
    expect(differences).toEqual([]);
  }, 120_000);

  test("all of them undone at once leave the ledger and nothing else", async () => {
    await up(client, { cell, to: 0 });
    const before = await readCatalog(client, cell, "extensions");
    await up(client, { cell });
    await down(client, { cell, to: 0 });
    expect(compareCatalogs(before, await readCatalog(client, cell, "extensions"))).toEqual([]);
  }, 60_000);
});
