import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import pg from "pg";

import { ConfigurationError } from "../errors.js";
import { readCatalog, type Catalog } from "./catalog.js";
import { quoteIdentifier, searchPathOf } from "./cell.js";
import { SQL_DIRECTORY, type Chapter } from "./chapters.js";
import type { CellSession } from "./session.js";
import { withoutConcurrently } from "./statements.js";
import { chapterError } from "./up.js";

/** A scratch schema in which a chapter has just run. */
export interface ReplayedChapter {
  /** `undefined` for a cell that has its ledger and no chapter. */
  readonly chapter: Chapter | undefined;

  /** The catalog as it is now; ask before going on. */
  read(): Promise<Catalog>;
}

/**
 * Runs the chapters in a schema of their own, in a transaction that is always
 * rolled back, and lets the catalog be read after the ledger and after each of
 * them. Nothing of the cell is locked, and nothing is left.
 *
 * Keep iterating or `return()`: the transaction ends with the iteration.
 *
 * @throws {@link ConfigurationError} when the login may not create a schema.
 * @throws {@link MigrationError} `failed` when a chapter fails.
 */
export async function* replayChapters(
  { client, extensionsSchema }: CellSession,
  chapters: readonly Chapter[],
): AsyncGenerator<ReplayedChapter, void, void> {
  const scratch = `safetypin_scratch_${randomBytes(6).toString("hex")}`;
  const become = async () => {
    await client.query("set local role safetypin_owner");
    await client.query("select set_config('search_path', $1, true)", [
      searchPathOf(scratch, extensionsSchema),
    ]);
  };

  const read = () => readCatalog(client, scratch, extensionsSchema);

  await client.query("begin");
  try {
    await createScratch(scratch);
    await become();
    await client.query(await readFile(join(SQL_DIRECTORY, "ledger.sql"), "utf8"));
    yield { chapter: undefined, read };

    for (const chapter of chapters) {
      await become();
      const sql = chapter.inTransaction ? chapter.sql : await withoutConcurrently(chapter.sql);
      await client.query(sql).catch((error: unknown) => {
        throw chapterError({ ...chapter, inTransaction: true }, error);
      });
      yield { chapter, read };
    }
  } finally {
    await client.query("rollback").catch(() => undefined);
  }

  async function createScratch(name: string): Promise<void> {
    try {
      await client.query("set local role safetypin_owner");
      await client.query(`create schema ${quoteIdentifier(name)}`);
    } catch (cause) {
      if (!(cause instanceof pg.DatabaseError) || cause.code !== "42501") throw cause;

      throw new ConfigurationError("safetypin_owner may not make the scratch schema of a comparison", {
        remedy:
          "Let the database's owner run safetypin bootstrap again, or: grant create on database … to safetypin_owner;",
        cause,
      });
    }
    await client.query(
      `grant usage, create on schema ${quoteIdentifier(name)} to safetypin_definer, safetypin_keyholder`,
    );
  }
}
