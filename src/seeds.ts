import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { ClientBase } from "pg";

import { ConfigurationError, MigrationError } from "./errors.js";
import type { KeyProvider } from "./keys/key-provider.js";
import { makeFirstKey, unlockCell } from "./keys/new-key.js";
import type { CellName } from "./migrations/cell.js";
import { SQL_DIRECTORY } from "./migrations/chapters.js";
import { describeDatabaseError } from "./migrations/database-error.js";
import { readEnvironment, type Environment } from "./migrations/environment.js";
import { withMigrationLock, type LockOptions } from "./migrations/lock.js";
import { inCell, type CellSession, type SessionOptions } from "./migrations/session.js";

/** The folder of `sql/seeds` that belongs to each environment, after `base`. */
const FOLDERS: Readonly<Record<Environment, string>> = {
  development: "dev",
  test: "test",
  production: "production",
};

const SEED_FILE = /^\d+[-_](.+)\.sql$/;

/** What to fill, and with what. */
export interface SeedOptions extends LockOptions, SessionOptions {
  readonly cell: CellName;

  /** Load this scenario and nothing else. @defaultValue base, then the cell's environment */
  readonly scenario?: string | undefined;

  /**
   * Where the cell's keys are, for seeds that invent people: what they say of them is
   * sealed. The first key is made if there is none.
   *
   * @defaultValue none: a seed that seals something fails
   */
  readonly keys?: ((environment: Environment) => KeyProvider) | undefined;

  /** @defaultValue `sql/seeds` of this package */
  readonly directory?: string | undefined;

  /** Say which files, and load none. @defaultValue false */
  readonly dryRun?: boolean | undefined;

  /** Told before each file. */
  readonly onFile?: ((file: string) => void) | undefined;
}

/** What was loaded. */
export interface SeedResult {
  readonly cell: CellName;
  readonly environment: Environment;

  /** The files, relative to the folder of seeds, in order. */
  readonly files: readonly string[];
}

/**
 * Fills a cell: what every cell needs, then what the environment needs that the
 * cell says it is. Each file is one transaction and may be loaded again.
 *
 * @throws {@link MigrationError} `production` when a scenario is asked for where
 * the cell says it is production; `failed` when a file fails: it left nothing.
 * @throws {@link ConfigurationError} when there is no such scenario, or the cell
 * has no chapters yet.
 */
export async function seed(client: ClientBase, options: SeedOptions): Promise<SeedResult> {
  const { cell, scenario } = options;

  return inCell(client, cell, options, (session) =>
    withMigrationLock(client, options, async () => {
      const environment = await readEnvironment(session);
      if (environment === undefined) throw hasNoChapters(cell);
      const files =
        scenario === undefined
          ? await findSeeds(environment, options)
          : [await findScenario(scenario, environment, options)];

      for (const file of files) {
        options.onFile?.(file);
        if (options.dryRun !== true) await runSeed(session, file, options, environment);
      }
      return { cell, environment, files };
    }),
  );
}

/**
 * Says what the cell is for. One that holds people stays what it is, unless it
 * becomes production. The declaration is recorded, and its kind of event is among
 * the seeds that every cell needs: those are loaded first.
 *
 * @throws {@link ConfigurationError} when the cell refuses, or has no chapters yet.
 */
export async function declareEnvironment(
  client: ClientBase,
  environment: Environment,
  options: SeedOptions,
): Promise<void> {
  const { cell } = options;

  await inCell(client, cell, options, (session) =>
    withMigrationLock(client, options, async () => {
      const before = await readEnvironment(session);
      if (before === environment) return;
      if (before === undefined) throw hasNoChapters(cell);

      for (const file of await listFiles("base", options)) {
        options.onFile?.(file);
        await runSeed(session, file, options, before);
      }
      await client.query("select declare_environment($1)", [environment]).catch((cause: unknown) => {
        throw new ConfigurationError(
          `Cell "${cell}" stays ${before}: ${cause instanceof Error ? cause.message : String(cause)}`,
          { remedy: "Make another cell for another purpose: safetypin bootstrap --cell NAME", cause },
        );
      });
    }),
  );
}

/** The scenarios there are, as `--scenario` names them. */
export async function listScenarios(
  options: Pick<SeedOptions, "directory"> = {},
): Promise<string[]> {
  const files = await listFiles("scenarios", options);
  return files.map(nameOfScenario);
}

function hasNoChapters(cell: CellName): ConfigurationError {
  return new ConfigurationError(`Cell "${cell}" has no chapters yet`, {
    remedy: "Run: safetypin migrate up",
  });
}

async function findSeeds(environment: Environment, options: SeedOptions): Promise<string[]> {
  return [
    ...(await listFiles("base", options)),
    ...(await listFiles(FOLDERS[environment], options)),
  ];
}

async function findScenario(
  name: string,
  environment: Environment,
  options: SeedOptions,
): Promise<string> {
  if (environment === "production") {
    throw new MigrationError(
      "production",
      `Cell "${options.cell}" is production: it gets no invented people`,
      { remedy: "Load scenarios into a cell that was declared development or test" },
    );
  }

  const files = await listFiles("scenarios", options);
  const file = files.find((candidate) => nameOfScenario(candidate) === name.replaceAll("_", "-"));
  if (file === undefined) {
    throw new ConfigurationError(`There is no scenario "${name}"`, {
      remedy: `There is ${files.map(nameOfScenario).join(", ")}`,
    });
  }
  return file;
}

async function listFiles(
  folder: string,
  { directory = join(SQL_DIRECTORY, "seeds") }: Pick<SeedOptions, "directory">,
): Promise<string[]> {
  const names = await readdir(join(directory, folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.filter((name) => SEED_FILE.test(name)).sort().map((name) => join(folder, name));
}

/** `scenarios/02_small_clinic.sql` is called small-clinic. */
function nameOfScenario(file: string): string {
  const [, name = ""] = SEED_FILE.exec(file.replace(/^.*[\\/]/, "")) ?? [];
  return name.replaceAll("_", "-");
}

async function runSeed(
  { client }: CellSession,
  file: string,
  { directory = join(SQL_DIRECTORY, "seeds"), keys }: SeedOptions,
  environment: Environment,
): Promise<void> {
  const parts = await readSeed(file, directory);
  let part: SeedPart = { file, sql: "" };
  // What every cell needs says nothing of anybody, and is there before a key is made.
  const isAboutPeople = environment !== "production" && !file.startsWith("base");
  try {
    await client.query("begin");
    if (keys !== undefined && isAboutPeople) await unlock(client, keys(environment));
    for (part of parts) await client.query(part.sql);
    if (keys !== undefined && isAboutPeople) await giveFirstKeys(client, keys(environment));
    await client.query("commit");
  } catch (cause) {
    await client.query("rollback").catch(() => undefined);
    const { sentence, place, remedy } = describeDatabaseError(cause, part.sql);
    throw new MigrationError("failed", `${part.file}${place}: ${sentence}. Nothing of this file was kept.`, {
      remedy,
      cause,
    });
  }
}

interface SeedPart {
  readonly file: string;
  readonly sql: string;
}

/** A line that psql reads too: another file, as seen from the one it stands in. */
const INCLUDE = /^\\ir +(\S+) *$/m;

/** The text of a seed, cut where another file comes in. */
async function readSeed(file: string, directory: string): Promise<SeedPart[]> {
  const [before = "", included, ...after] = (await readFile(join(directory, file), "utf8")).split(INCLUDE);
  if (included === undefined) return [{ file, sql: before }];
  if (after.join("").trim() !== "") {
    throw new ConfigurationError(`${file} goes on after \\ir ${included}`, {
      remedy: "Let the file that is included come last",
    });
  }
  return [{ file, sql: before }, ...(await readSeed(join(dirname(file), included), directory))];
}

/** Organizations that were founded in SQL get what founding them through the client gives. */
async function giveFirstKeys(client: ClientBase, provider: KeyProvider): Promise<void> {
  await client.query("set local role safetypin_definer");
  const { rows } = await client.query<{ id: string; cellId: string }>(
    'select organizations.id, cell_settings.id as "cellId" from organizations cross join cell_settings order by 1',
  );
  await client.query("set local role safetypin_keyholder");
  for (const { id: organizationId, cellId } of rows) {
    await makeFirstKey(client, { provider, cellId, organizationId });
  }
  await client.query("set local role safetypin_owner");
}

/** Unlocks the cell for the transaction that was just begun. */
async function unlock(client: ClientBase, provider: KeyProvider): Promise<void> {
  const { rows } = await client.query<{ id: string }>("select id from cell_settings");
  const key = { provider, cellId: rows[0]!.id, organizationId: null };
  await client.query("set local role safetypin_keyholder");
  await makeFirstKey(client, key);
  await unlockCell(client, key);
  await client.query("set local role safetypin_owner");
}
