import { randomBytes } from "node:crypto";

import pg from "pg";

import { prepareDatabase } from "../../src/development/prepare-database.js";
import { currentRun } from "./run.js";
import {
  CELL_LOGINS,
  connect,
  copyDatabase,
  ensureTemplate,
  loginPassword,
  setLoginPasswords,
  TEST_CELL,
  withClusterLock,
  withDatabase,
  type TemplateName,
} from "./template.js";

/** Whom a test connects as: a superuser, who migrates, or one of a cell's own logins. */
export type Login = "admin" | "migrator" | (typeof CELL_LOGINS)[number];

/** A cell of the test's database. */
export interface TestCell {
  /** The cell's name, which is its schema's. */
  readonly cell: string;

  /** The URL by which a login reaches the database; its path is the server's own. */
  connectionString(login: Login): string;

  /** Connections of a login whose path is the cell. One pool per login, closed by itself. */
  pool(login: Login): pg.Pool;
}

/** A database that only one test file uses. */
export interface TestDatabase extends TestCell {
  readonly name: string;

  /** The superuser's pool, for what a test has to prepare or look up behind the rules. */
  readonly admin: pg.Pool;

  /** The application login's pool. */
  readonly app: pg.Pool;

  /** Makes another cell in this database, bootstrapped, migrated and seeded. */
  addCell(): Promise<TestCell>;
}

/** What the database is to be. */
export interface UseDatabaseOptions {
  /** @defaultValue `seeded` */
  readonly template?: TemplateName | undefined;
}

/**
 * A database of one's own for the tests of a `describe` or a file: a copy of the
 * template, made before the first test and dropped after the last. What it returns
 * is to be used inside tests and hooks only.
 */
export function useDatabase({ template = "seeded" }: UseDatabaseOptions = {}): TestDatabase {
  const run = currentRun();
  const name = `safetypin_test_${run.id}_${randomBytes(5).toString("hex")}`;
  const pools = new Map<string, pg.Pool>();
  const extraCells: string[] = [];

  const cellNamed = (cell: string): TestCell => {
    const connectionString = (login: Login) => {
      const url = new URL(withDatabase(run.adminUrl, name));
      if (login !== "admin") {
        url.username = login === "migrator" ? "safetypin_migrator" : `${cell}_${login}_login`;
        url.password = loginPassword(run, url.username);
      }
      return url.href;
    };
    const pool = (login: Login) => {
      const key = `${cell} ${login}`;
      const open = pools.get(key) ?? openPool(connectionString(login), cell);
      pools.set(key, open);
      return open;
    };
    return { cell, connectionString, pool };
  };

  beforeAll(async () => {
    const source = await ensureTemplate(run, template);
    await asAdmin((admin) => copyDatabase(admin, source, name));
  }, 120_000);

  afterAll(async () => {
    await Promise.all([...pools.values()].map((pool) => pool.end()));
    await asAdmin(async (admin) => {
      await admin.query(`drop database if exists ${name} with (force)`);
      if (extraCells.length > 0) await withClusterLock(admin, () => dropLogins(admin, extraCells));
    });
  });

  const main = cellNamed(TEST_CELL);
  return {
    name,
    ...main,
    get admin() {
      return main.pool("admin");
    },
    get app() {
      return main.pool("app");
    },
    async addCell() {
      const cell = uniqueCellName();
      extraCells.push(cell);
      await asAdmin((admin) =>
        withClusterLock(admin, async () => {
          const client = await connect(main.connectionString("admin"));
          try {
            await prepareDatabase(client, { cell, environment: "test" });
            await setLoginPasswords(client, run, cell);
          } finally {
            await client.end();
          }
        }),
      );
      return cellNamed(cell);
    },
  };
}

/** A cell's name that no other test has: its logins belong to the whole server. */
export function uniqueCellName(): string {
  return `cell_${randomBytes(5).toString("hex")}`;
}

/** A superuser's connection to the server, beside any test's database. */
export async function asAdmin<Result>(work: (admin: pg.Client) => Promise<Result>): Promise<Result> {
  const admin = await connect(currentRun().adminUrl);
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

/** Does the work while no other test makes, alters or grants roles of this server. */
export async function aloneWithRoles<Result>(work: () => Promise<Result>): Promise<Result> {
  return asAdmin((admin) => withClusterLock(admin, work));
}

/** Drops the logins of cells whose database is gone. */
export async function dropLogins(admin: pg.Client, cells: readonly string[]): Promise<void> {
  for (const cell of cells) {
    for (const login of CELL_LOGINS) await admin.query(`drop role if exists ${cell}_${login}_login, ${cell}_${login}_login_b`);
  }
}

function openPool(connectionString: string, cell: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    options: `-c search_path=${cell},extensions,pg_temp`,
    max: 10,
  });
  // A test may end its own backend; the next query tells.
  pool.on("error", () => undefined);
  return pool;
}
