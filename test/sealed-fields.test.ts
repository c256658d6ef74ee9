import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type pg from "pg";

import { SQL_DIRECTORY } from "../src/migrations/chapters.js";
import { useDatabase } from "./support/database.js";

const PAGE = join(SQL_DIRECTORY, "..", "docs", "decisions", "0026-two-algorithms.md");

const db = useDatabase({ template: "pgtap" });

/** The fields that only clients open, as SQL has them. */
async function declared(client: pg.ClientBase | pg.Pool): Promise<string[]> {
  const { rows } = await client.query<{ field: string }>(
    "select table_name || '.' || column_name as field from sealed_fields where algorithm = 2 order by 1",
  );
  return rows.map(({ field }) => field);
}

test("every field that only clients open has its reason on the page that says when that may be", async () => {
  const page = await readFile(PAGE, "utf8");
  const written = [...page.matchAll(/^\| `([a-z_]+\.[a-z_]+)` \|/gm)].map(([, field]) => field as string);

  expect(await declared(db.admin)).toEqual(written.sort());
});

test("... and one that has none would be seen", async () => {
  const client = await db.admin.connect();
  try {
    await client.query("begin");
    await client.query("select tests.notes()");
    expect(await declared(client)).toContain("notes.token");
  } finally {
    await client.query("rollback");
    client.release();
  }
});
