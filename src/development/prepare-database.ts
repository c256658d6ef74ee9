import type { ClientBase } from "pg";

import { keysForSeeds } from "../keys/open-keys.js";
import { bootstrap } from "../migrations/bootstrap.js";
import { parseCellName } from "../migrations/cell.js";
import { up } from "../migrations/up.js";
import { declareEnvironment, seed } from "../seeds.js";

/** What a database is prepared for. */
export interface PrepareOptions {
  readonly cell: string;

  /** What the cell is for, and so which seeds it gets. Without it: none at all. */
  readonly environment?: "development" | "test" | undefined;
}

/** Makes a cell in a database, as an administrator: what the command line does in four steps. */
export async function prepareDatabase(
  client: ClientBase,
  { cell: name, environment }: PrepareOptions,
): Promise<void> {
  const cell = parseCellName(name);
  await bootstrap(client, { cell });
  await up(client, { cell });
  if (environment === undefined) return;

  await declareEnvironment(client, environment, { cell });
  await seed(client, { cell, keys: keysForSeeds });
}
