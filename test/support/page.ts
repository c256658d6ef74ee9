import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type pg from "pg";

import { DOCUMENTS, PAGES } from "../../src/development/pages.js";
import { useDatabase } from "./database.js";

/** A page of `docs/` that the catalog writes. */
export interface GeneratedPage {
  /** What is committed. */
  written(): Promise<string>;

  /** What the catalog says now, or would say after a statement that is rolled back. */
  rendered(after?: string): Promise<string>;
}

/** A page, and a database whose catalog writes it. */
export function usePage(name: string): GeneratedPage {
  const db = useDatabase({ template: "seeded" });

  const render = (client: pg.PoolClient) => {
    const page = PAGES[name];
    if (page === undefined) throw new Error(`There is no page ${name}`);
    return page(client);
  };

  return {
    written: () => readFile(join(DOCUMENTS, name), "utf8"),
    async rendered(after = "select") {
      const client = await db.admin.connect();
      try {
        await client.query("begin");
        await client.query(after);
        return await render(client);
      } finally {
        await client.query("rollback");
        client.release();
      }
    },
  };
}
