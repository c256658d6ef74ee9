import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import type { ClientBase } from "pg";

import { inCell } from "../migrations/session.js";
import { parseCellName } from "../migrations/cell.js";
import { SQL_DIRECTORY } from "../migrations/chapters.js";
import { up } from "../migrations/up.js";

/** What a database is prepared for. */
export interface PrepareOptions {
  readonly cell: string;

  /** Which seeds it gets, after the base ones. Without it: none at all. */
  readonly environment?: "dev" | "test" | undefined;
}

/** Makes a cell in an empty or already prepared database, as an administrator. */
export async function prepareDatabase(
  client: ClientBase,
  { cell: name, environment }: PrepareOptions,
): Promise<void> {
  const cell = parseCellName(name);
  await client.query("select set_config('safetypin.cell', $1, false)", [cell]);
  await client.query(await readFile(join(SQL_DIRECTORY, "bootstrap.sql"), "utf8"));
  await up(client, { cell });
  if (environment === undefined) return;

  await inCell(client, cell, {}, async () => {
    for (const folder of ["base", environment]) {
      const directory = join(SQL_DIRECTORY, "seeds", folder);
      for (const file of (await readdir(directory)).sort()) {
        await client.query(await readFile(join(directory, file), "utf8"));
      }
    }
  });
}
