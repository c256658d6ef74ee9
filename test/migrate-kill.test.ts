import { setTimeout as delay } from "node:timers/promises";

import type pg from "pg";

import { bootstrap } from "../src/migrations/bootstrap.js";
import { compareCatalogs, readCatalog, type Catalog } from "../src/migrations/catalog.js";
import { readChapters } from "../src/migrations/chapters.js";
import { down } from "../src/migrations/down.js";
import { up } from "../src/migrations/up.js";
import { useCellNames } from "./support/cell-names.js";
import { SMALL_CHAPTERS, writeChapters, type ChapterFiles } from "./support/chapter-files.js";
import { outcome, startCli } from "./support/cli.js";
import { aloneWithRoles, useDatabase } from "./support/database.js";
import { startStatementProxy, type Moment } from "./support/statement-proxy.js";
import { connect } from "./support/template.js";

const database = useDatabase({ template: "empty" });
const cell = useCellNames()();
let client: pg.Client;

beforeAll(async () => {
  client = await connect(database.connectionString("admin"));
  await aloneWithRoles(() => bootstrap(client, { cell }));
});

afterAll(() => client.end());

/** Who dies: the connection of the runner, its whole process, or its backend. */
type Victim = "connection" | "process" | "backend";

/** The work that is interrupted. */
interface Work {
  readonly args: readonly string[];
  run(runner: pg.Client): Promise<unknown>;
}

/** Runs the work to its end, through a proxy, and tells every moment there was. */
async function momentsOf(work: Work): Promise<readonly Moment[]> {
  const proxy = await startStatementProxy(database.connectionString("admin"), () => "go on");
  const runner = await connect(proxy.url);
  try {
    await work.run(runner);
    return [...proxy.moments];
  } finally {
    await runner.end();
    await proxy.close();
  }
}

/** Runs the work until the moment, and kills the victim there. */
async function killAt(index: number, victim: Victim, work: Work): Promise<Moment> {
  const proxy = await startStatementProxy(database.connectionString("admin"), (moment) =>
    moment.index === index ? "stop" : "go on",
  );
  const child =
    victim === "process" ? startCli(work.args, { env: { DATABASE_URL: proxy.url } }) : undefined;
  const runner = child === undefined ? await connect(proxy.url) : undefined;
  const ending =
    child === undefined ? work.run(runner as pg.Client).catch((error: unknown) => error) : outcome(child);

  const moment = await proxy.stopped;
  await untilReached(moment);
  if (victim === "backend") await terminate();
  if (victim === "connection") await proxy.close();
  child?.kill("SIGKILL");

  await ending;
  await proxy.close();
  await runner?.end().catch(() => undefined);
  await untilGone();
  return moment;
}

const OTHERS = `
  from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`;

/** A backend that is to be found in the middle of a file sleeps there. */
async function untilReached({ when }: Moment): Promise<void> {
  if (when !== "within") return;
  for (;;) {
    const { rowCount } = await client.query(`select ${OTHERS} and wait_event = 'PgSleep'`);
    if (rowCount === 1) return;
    await delay(5);
  }
}

async function terminate(): Promise<void> {
  await client.query(`select pg_terminate_backend(pid) ${OTHERS}`);
}

async function untilGone(): Promise<void> {
  for (;;) {
    const { rowCount } = await client.query(`select ${OTHERS}`);
    if (rowCount === 0) return;
    await delay(5);
  }
}

/** How many chapters the ledger has, or `undefined` where there is no ledger. */
async function ledgerLength(): Promise<number | undefined> {
  const { rows: found } = await client.query(
    "select from pg_class where relname = 'migrations' and relnamespace = to_regnamespace($1)",
    [cell],
  );
  if (found.length === 0) return undefined;
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::integer as count from ${cell}.migrations where id > 0`,
  );
  return rows[0]?.count;
}

const read = () => readCatalog(client, cell, "extensions");

/** The catalog after each number of chapters; `undefined` is a cell without a ledger. */
async function catalogsOf(count: number, directory?: string): Promise<Map<number | undefined, Catalog>> {
  const catalogs = new Map<number | undefined, Catalog>([[undefined, await read()]]);
  for (let to = 0; to <= count; to += 1) {
    await up(client, { cell, directory, to });
    catalogs.set(to, await read());
  }
  return catalogs;
}

/** Whatever was interrupted, the cell has so many chapters whole, and nothing more. */
async function expectWhole(catalogs: ReadonlyMap<number | undefined, Catalog>, moment: Moment): Promise<void> {
  const length = await ledgerLength();
  const expected = catalogs.get(length) as Catalog;
  expect({ moment, length, differences: compareCatalogs(expected, await read()) }).toEqual({
    moment,
    length,
    differences: [],
  });
}

async function clear(directory?: string): Promise<void> {
  await down(client, { cell, directory, to: 0 });
  await client.query(`drop table ${cell}.migrations`);
}

describe.each<Victim>(["connection", "backend"])("a runner whose %s dies at every statement in turn", (victim) => {
  let files: ChapterFiles;
  let work: Work;

  beforeEach(async () => {
    files = await writeChapters();
    const { directory } = files;
    work = {
      args: ["migrate", "up", "--cell", cell, "--chapters", directory],
      run: (runner) => up(runner, { cell, directory }),
    };
  });

  afterEach(() => files.dispose());

  test("leaves nothing half-done going up, and the next run completes", async () => {
    const { directory } = files;
    const catalogs = await catalogsOf(3, directory);
    await clear(directory);
    const moments = await momentsOf(work);
    await clear(directory);
    expect(moments.filter(({ when }) => when === "within").length).toBeGreaterThan(10);
    expect(moments.map(({ statement }) => statement)).toEqual(
      expect.arrayContaining(["START TRANSACTION", "COMMIT", "alter table animals add column age integer"]),
    );

    const reached = new Set<number | undefined>();
    for (const { index } of moments) {
      const moment = await killAt(index, victim, work);
      reached.add(await ledgerLength());
      await expectWhole(catalogs, moment);

      await up(client, { cell, directory });
      expect(compareCatalogs(catalogs.get(3) as Catalog, await read())).toEqual([]);
      const { rows } = await client.query(`select name from ${cell}.animals`);
      expect(rows).toEqual([{ name: "Ada" }]);
      await clear(directory);
    }
    // Before the ledger, and with none, one, two and three chapters.
    expect(reached).toEqual(new Set([undefined, 0, 1, 2, 3]));
  }, 300_000);

  test("leaves nothing half-done going down, and the next run completes", async () => {
    const { directory } = files;
    const catalogs = await catalogsOf(3, directory);
    const downwards: Work = {
      args: ["migrate", "down", "--to", "0", "--yes", "--cell", cell, "--chapters", directory],
      run: (runner) => down(runner, { cell, directory, to: 0 }),
    };
    const moments = await momentsOf(downwards);

    const reached = new Set<number | undefined>();
    for (const { index } of moments) {
      await up(client, { cell, directory });
      const moment = await killAt(index, victim, downwards);
      reached.add(await ledgerLength());
      await expectWhole(catalogs, moment);
      await down(client, { cell, directory, to: 0 });
      expect(compareCatalogs(catalogs.get(0) as Catalog, await read())).toEqual([]);
    }
    expect(reached).toEqual(new Set([0, 1, 2, 3]));
    await client.query(`drop table ${cell}.migrations`);
  }, 300_000);
});

test("a process that is killed leaves nothing half-done either", async () => {
  const files = await writeChapters(SMALL_CHAPTERS);
  const { directory } = files;
  const work: Work = {
    args: ["migrate", "up", "--cell", cell, "--chapters", directory],
    run: (runner) => up(runner, { cell, directory }),
  };
  const catalogs = await catalogsOf(3, directory);
  await clear(directory);
  const moments = await momentsOf(work);
  await clear(directory);

  // In the middle of each chapter; the command asks a few questions first.
  const indexes = moments
    .filter(({ when, statement }) => when === "within" && /^(create|alter) table/.test(statement))
    .map(({ index }) => index);
  expect(indexes.length).toBeGreaterThan(3);
  for (const index of indexes) {
    await expectWhole(catalogs, await killAt(index, "process", work));
    await up(client, { cell, directory });
    await clear(directory);
  }
  await files.dispose();
}, 120_000);

test("an index whose building was killed is built by the next run", async () => {
  const files = await writeChapters({
    ...SMALL_CHAPTERS,
    "migrations/0004_index.sql":
      "-- postgres-migrations disable-transaction\ncreate index concurrently if not exists animals_age_idx on animals (age);\n",
    "down/0004_index.sql": "drop index animals_age_idx;",
  });
  const { directory } = files;
  const isValid = async () => {
    const { rows } = await client.query<{ valid: boolean }>(
      "select indisvalid as valid from pg_index where indexrelid = to_regclass($1)",
      [`${cell}.animals_age_idx`],
    );
    return rows[0]?.valid;
  };
  await up(client, { cell, directory, to: 3 });

  // Somebody else's transaction holds the building up, in its midst.
  const [writer, runner] = [
    await connect(database.connectionString("admin")),
    await connect(database.connectionString("admin")),
  ];
  await writer.query(`begin; update ${cell}.animals set name = name`);
  const ending = up(runner, { cell, directory }).catch((error: unknown) => error);
  while ((await isValid()) === undefined) await delay(5);
  await client.query(`select pg_terminate_backend(pid) ${OTHERS} and wait_event = 'virtualxid'`);
  await expect(ending).resolves.toMatchObject({
    code: "failed",
    message: expect.stringContaining("This file runs outside a transaction: look at what it left."),
  });
  await writer.query("rollback");
  await Promise.all([writer.end(), runner.end().catch(() => undefined)]);
  await untilGone();
  expect(await isValid()).toBe(false);

  await expect(up(client, { cell, directory })).resolves.toMatchObject({ applied: [{ id: 4 }] });
  expect(await isValid()).toBe(true);
  await clear(directory);
  await files.dispose();
}, 60_000);

test("the chapters of the package: a backend killed here and there leaves them whole", async () => {
  const work: Work = { args: [], run: (runner) => up(runner, { cell }) };
  const catalogs = await catalogsOf((await readChapters()).length);
  await clear();
  const moments = await momentsOf(work);
  await clear();
  expect(moments.filter(({ when }) => when === "within").length).toBeGreaterThan(500);

  const stride = Math.ceil(moments.length / 8);
  for (let index = 3; index < moments.length; index += stride) {
    await expectWhole(catalogs, await killAt(index, "backend", work));
    await up(client, { cell });
    expect(compareCatalogs([...catalogs.values()].at(-1) as Catalog, await read())).toEqual([]);
    await clear();
  }
}, 300_000);
