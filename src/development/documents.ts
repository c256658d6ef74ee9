/**
 * `npm run docs:generate`: writes the pages of `docs/` that the catalog can tell
 * better than we. A test compares them with it.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import pg from "pg";

import { DEFAULT_CELL } from "../migrations/cell.js";
import { startServer } from "./embedded-server.js";
import { DOCUMENTS, PAGES } from "./pages.js";
import { prepareDatabase } from "./prepare-database.js";

const server = await startServer({ stopOnSignal: true });
try {
  const client = new pg.Client(server.connectionString());
  await client.connect();
  try {
    await prepareDatabase(client, { cell: DEFAULT_CELL, environment: "test" });
    await client.query(`set search_path = ${DEFAULT_CELL}, extensions, pg_temp`);
    for (const [page, render] of Object.entries(PAGES)) {
      await writeFile(join(DOCUMENTS, page), await render(client));
      console.log(`wrote docs/${page}`);
    }
  } finally {
    await client.end();
  }
} finally {
  await server.stop();
}
