import type pg from "pg";

import { applyStatement } from "../src/migrations/after-statement.js";
import { bootstrap } from "../src/migrations/bootstrap.js";
import { parseCellName } from "../src/migrations/cell.js";
import { readChapters } from "../src/migrations/chapters.js";
import { readFunctions, type Functions } from "../src/migrations/functions.js";
import { isAtLeast, parseLockMode } from "../src/migrations/lock-modes.js";
import { findLocks } from "../src/migrations/locks.js";
import { plan, planChapters } from "../src/migrations/plan.js";
import { readRelations, type Relations } from "../src/migrations/relations.js";
import { parseStatements, type Statement } from "../src/migrations/statements.js";
import { up } from "../src/migrations/up.js";
import { useCellNames } from "./support/cell-names.js";
import { writeChapters } from "./support/chapter-files.js";
import { SAMPLE_SCHEMA, SAMPLES, UNSEEN } from "./support/lock-samples.js";
import { aloneWithRoles, useDatabase } from "./support/database.js";
import { connect } from "./support/template.js";

const newCellName = useCellNames();
const cell = newCellName();

describe("a plan of locks", () => {
  const database = useDatabase({ template: "empty" });
  let client: pg.Client;

  beforeAll(async () => {
    client = await connect(database.connectionString("admin"));
    await aloneWithRoles(() => bootstrap(client, { cell }));
    await client.query(`set role safetypin_owner; set search_path = ${cell}, extensions, pg_temp`);
  });

  afterAll(() => client.end());

  const session = () => ({ client, cell, extensionsSchema: "extensions" });

  /** Runs one statement and holds what the plan said to what `pg_locks` shows. */
  async function findMistakes(
    statement: Statement,
    relations: Relations,
    functions: Functions,
  ): Promise<string[]> {
    const names = await relationNames(client);
    const indexes = await indexNames(client);
    const before = await heldLocks(client, names);
    const { locks, unseen } = findLocks(statement.tree, relations, functions);
    await client.query(statement.sql);
    const after = await heldLocks(client, names);
    applyStatement(statement.tree, relations, functions);
    if (unseen !== undefined) return [`unseen: ${unseen}`];

    const notHeld = locks
      .filter(({ relation, mode }) => !after.has(`${relation}: ${mode}`))
      .map(({ relation, mode }) => `planned and not held: ${relation}: ${mode}`);
    const notPlanned = [...after]
      .filter((lock) => !before.has(lock))
      .filter((lock) => {
        const [relation, mode = ""] = lock.split(": ");
        return (
          // An index is locked with its table, which is what others wait for.
          !indexes.has(relation ?? "") &&
          isAtLeast(parseLockMode(mode), "SHARE UPDATE EXCLUSIVE") &&
          !locks.some((planned) => planned.relation === relation && isAtLeast(planned.mode, parseLockMode(mode)))
        );
      })
      .map((lock) => `held and not planned: ${lock}`);
    return [...notHeld, ...notPlanned];
  }

  test("of every statement of every chapter is what pg_locks shows while it runs", async () => {
    const mistakes: string[] = [];
    let count = 0;

    for (const { fileName, sql } of await readChapters()) {
      const relations = await readRelations(session());
      const functions = await readFunctions(session());
      await client.query("begin");
      for (const statement of await parseStatements(fileName, sql)) {
        count += 1;
        const found = await findMistakes(statement, relations, functions);
        mistakes.push(...found.map((mistake) => `${fileName}:${String(statement.line)} ${mistake}`));
      }
      await client.query("commit");
    }
    expect(mistakes).toEqual([]);
    expect(count).toBeGreaterThan(500);
  }, 120_000);

  test("notices a chapter that locks more than the plan says, and one that locks less", async () => {
    const relations = await readRelations(session());
    const functions = await readFunctions(session());
    const [statement] = await parseStatements("x", "alter table cell_settings alter environment set statistics 10");
    const [other] = await parseStatements("x", "alter table cell_settings add column more integer");
    const planted = (tree: Statement["tree"], sql: string) =>
      findMistakes({ ...(statement as Statement), tree, sql }, relations, functions);

    await client.query("begin");
    await expect(planted((statement as Statement).tree, (other as Statement).sql)).resolves.toEqual([
      "planned and not held: cell_settings: SHARE UPDATE EXCLUSIVE",
      "held and not planned: cell_settings: ACCESS EXCLUSIVE",
    ]);
    await client.query("rollback");
  });

  describe("of a statement by itself", () => {
    const schema = parseCellName("samples");

    beforeAll(async () => {
      await client.query(`reset role; create schema ${schema}; set search_path = ${schema}`);
      await client.query(SAMPLE_SCHEMA);
    });

    afterAll(async () => {
      await client.query(`reset role; drop schema ${schema} cascade`);
    });

    beforeEach(async () => {
      await client.query(`begin; set local search_path = ${schema}`);
    });

    afterEach(async () => {
      await client.query("rollback");
    });

    test.each(SAMPLES)("%s", async (sql) => {
      const here = { ...session(), cell: schema };
      const relations = await readRelations(here);
      const functions = await readFunctions(here);
      const [statement] = await parseStatements("sample", sql);
      await expect(findMistakes(statement as Statement, relations, functions)).resolves.toEqual([]);
    });

    test.each(UNSEEN)("says that it cannot see what is locked by: %s", async (sql) => {
      const here = { ...session(), cell: schema };
      const [statement] = await parseStatements("sample", sql);
      const { unseen } = findLocks(
        (statement as Statement).tree,
        await readRelations(here),
        await readFunctions(here),
      );
      expect(unseen).toBeDefined();
    });
  });
});

describe("what is dangerous", () => {
  /** The reasons a chapter is dangerous, where these tables are in use. */
  async function dangersOf(sql: string): Promise<(string | undefined)[]> {
    const relations: Relations = new Map(
      ["animals", "feedings"].map((name) => [
        name,
        { name, kind: "table", isOld: true, foreignKeys: [] },
      ]),
    );
    const [chapter] = await planChapters(
      [{ id: 1, name: "x", fileName: "0001_x.sql", hash: "", sql, inTransaction: true }],
      relations,
      new Map(),
    );
    return (chapter?.statements ?? []).map(({ danger }) => danger);
  }

  test.each([
    ["alter table animals add column age integer", "keeps waiting everybody on animals for a moment"],
    [
      "alter table animals add column token uuid default gen_random_uuid()",
      "keeps waiting everybody on animals while it writes every row again",
    ],
    ["alter table animals add column at timestamptz default now()", "keeps waiting everybody on animals for a moment"],
    [
      "alter table animals alter age type bigint",
      "keeps waiting everybody on animals while it writes every row again",
    ],
    [
      "alter table animals add constraint animals_are_young check (age < 9)",
      "keeps waiting everybody on animals while it reads every row",
    ],
    [
      "alter table animals add constraint animals_are_young check (age < 9) not valid",
      "keeps waiting everybody on animals for a moment",
    ],
    ["create index animals_age_idx on animals (age)", "keeps waiting writers on animals while it builds an index"],
    ["drop table feedings", "keeps waiting everybody on feedings for a moment"],
    ["do $$ begin execute 'drop table animals'; end $$", "cannot be told: it runs code"],
  ])("%s", async (sql, danger) => {
    await expect(dangersOf(sql)).resolves.toEqual([danger]);
  });

  test.each([
    "create index concurrently animals_age_idx on animals (age)",
    "alter table animals validate constraint animals_are_young",
    "comment on table animals is 'Who lives here.'",
    "create table visits (id uuid, animal_id uuid references animals)",
    "create table visits (id uuid); create index on visits (id); alter table visits enable row level security",
    "insert into animals (name) values ('Ada')",
    "do $$ begin perform 1; end $$",
  ])("is not: %s", async (sql) => {
    for (const danger of await dangersOf(sql)) expect(danger).toBeUndefined();
  });
});

describe("a plan of what is pending", () => {
  const database = useDatabase({ template: "empty" });
  const here = newCellName();

  test("shows the chapters that up would run, runs nothing, and knows what is in use", async () => {
    const files = await writeChapters();
    const client = await connect(database.connectionString("admin"));
    try {
      await aloneWithRoles(() => bootstrap(client, { cell: here }));
      await up(client, { cell: here, directory: files.directory, to: 2 });

      const planned = await plan(client, { cell: here, directory: files.directory });
      expect(planned.ledger.applied.map(({ fileName }) => fileName)).toEqual([
        "0001_animals.sql",
        "0002_feedings.sql",
      ]);
      expect(planned.chapters).toEqual([
        {
          id: 3,
          fileName: "0003_animal_age.sql",
          inTransaction: true,
          statements: [
            {
              line: 3,
              summary: "alter table animals add column age integer",
              locks: [{ relation: "animals", mode: "ACCESS EXCLUSIVE", work: "catalog", isOld: true }],
              unseen: undefined,
              danger: "keeps waiting everybody on animals for a moment",
            },
            {
              line: 4,
              summary: "create index animals_name_idx on animals (name)",
              locks: [{ relation: "animals", mode: "SHARE", work: "index", isOld: true }],
              unseen: undefined,
              danger: "keeps waiting writers on animals while it builds an index",
            },
          ],
        },
      ]);
      expect(planned.isDangerous).toBe(true);

      await up(client, { cell: here, directory: files.directory });
      await expect(plan(client, { cell: here, directory: files.directory })).resolves.toMatchObject({
        chapters: [],
        isDangerous: false,
      });
    } finally {
      await client.end();
      await files.dispose();
    }
  });
});

async function relationNames(client: pg.Client): Promise<Map<number, string>> {
  const { rows } = await client.query<{ oid: number; name: string }>(
    `select oid, relname as name
     from pg_class
     where relnamespace = current_schema()::regnamespace
       and relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'i', 'I')`,
  );
  return new Map(rows.map(({ oid, name }) => [oid, name]));
}

async function indexNames(client: pg.Client): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = current_schema()::regnamespace and relkind in ('i', 'I')",
  );
  return new Set(rows.map(({ name }) => name));
}

async function heldLocks(client: pg.Client, names: ReadonlyMap<number, string>): Promise<Set<string>> {
  const { rows } = await client.query<{ relation: number; mode: string }>(
    "select relation, mode from pg_locks where pid = pg_backend_pid() and locktype = 'relation'",
  );
  return new Set(
    rows.flatMap(({ relation, mode }) => {
      const name = names.get(relation);
      return name === undefined ? [] : [`${name}: ${parseLockMode(mode)}`];
    }),
  );
}
