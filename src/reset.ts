import type { ClientBase } from "pg";

import { ConfigurationError, MigrationError } from "./errors.js";
import { keysForSeeds } from "./keys/open-keys.js";
import type { CellName } from "./migrations/cell.js";
import type { ChapterDirectories } from "./migrations/chapters.js";
import { down } from "./migrations/down.js";
import { readEnvironment, type Environment } from "./migrations/environment.js";
import type { LockOptions } from "./migrations/lock.js";
import { inCell, type SessionOptions } from "./migrations/session.js";
import { up } from "./migrations/up.js";
import { resetByTemplate, whyNoTemplate, type Connect } from "./reset-by-template.js";
import { declareEnvironment, seed, type SeedOptions } from "./seeds.js";

/** Which cell to reset. */
export interface ResetOptions extends ChapterDirectories, LockOptions, SessionOptions {
  readonly cell: CellName;

  /** Where the seeds are. @defaultValue `sql/seeds` of this package */
  readonly seedDirectory?: SeedOptions["directory"];

  /** Told before each part of the work. */
  readonly onStep?: ((step: string) => void) | undefined;
}

/** What a reset did. */
export interface ResetResult {
  readonly cell: CellName;
  readonly environment: Environment;

  /** How: the database copied from a template, or each chapter undone and run again. */
  readonly by: "template" | "chapters";

  /** Why it was not by template; `undefined` when it was. */
  readonly reason: string | undefined;
}

/**
 * What a reset would destroy, having refused what it would refuse.
 *
 * @throws {@link MigrationError} `production` where the cell says it is production.
 * @throws {@link ConfigurationError} where the cell does not say what it is.
 */
export async function assertMayReset(
  client: ClientBase,
  { cell, ...options }: ResetOptions,
): Promise<Environment> {
  const environment = await inCell(client, cell, options, readEnvironment);

  if (environment === "production") {
    throw new MigrationError("production", `Cell "${cell}" is production: it is not reset, with --yes or without`, {
      remedy: "A cell for development or tests says so from its first day: safetypin migrate up --environment development",
    });
  }
  if (environment === undefined) {
    throw new ConfigurationError(`Cell "${cell}" does not say yet what it is for`, {
      remedy: "Say so: safetypin migrate up --environment development, then safetypin seed",
    });
  }
  return environment;
}

/**
 * Returns a cell to migrated and seeded, whatever is in it. The database is copied
 * from a template where the login may make databases and the cell is alone in its
 * own; otherwise every chapter is undone and run again.
 *
 * @param connect makes a connection to the database, or to another of the server.
 * @throws as {@link assertMayReset}, and what migrations and seeds throw.
 */
export async function reset(connect: Connect, options: ResetOptions): Promise<ResetResult> {
  const { cell } = options;
  const client = await connect();
  let environment: Environment;
  let reason: string | undefined;
  try {
    environment = await assertMayReset(client, options);
    reason = await whyNoTemplate(client, cell);
    if (reason !== undefined) await resetByChapters(client, environment, options);
  } finally {
    await client.end().catch(() => undefined);
  }

  if (reason === undefined) await resetByTemplate(connect, environment, options);
  return { cell, environment, by: reason === undefined ? "template" : "chapters", reason };
}

async function resetByChapters(
  client: ClientBase,
  environment: Environment,
  options: ResetOptions,
): Promise<void> {
  const { cell, onStep } = options;
  onStep?.("undo every chapter");
  await down(client, { ...options, to: 0 });
  await fill(client, cell, environment, options);
}

/** Chapters, environment and seeds, in a cell that has none of them. */
export async function fill(
  client: ClientBase,
  cell: CellName,
  environment: Environment,
  { onStep, seedDirectory, ...options }: ResetOptions,
): Promise<void> {
  onStep?.("run every chapter");
  await up(client, { ...options, cell });
  onStep?.("load the seeds");
  await declareEnvironment(client, environment, { ...options, cell, directory: seedDirectory });
  await seed(client, { ...options, cell, directory: seedDirectory, keys: keysForSeeds });
}
