import { quoteIdentifier } from "./cell.js";
import type { Chapter } from "./chapters.js";
import type { CellSession } from "./session.js";
import { parseStatements } from "./statements.js";

/**
 * Drops what a run that was killed left of a chapter outside a transaction: an
 * index that was being built concurrently stays behind invalid, under its name,
 * and `if not exists` would take it for the real one.
 */
export async function dropInvalidIndexes(
  { client, cell }: CellSession,
  { fileName, sql }: Chapter,
): Promise<void> {
  const statements = await parseStatements(fileName, sql);
  const names = statements.flatMap(({ tree }) =>
    "IndexStmt" in tree && tree.IndexStmt.concurrent === true ? [tree.IndexStmt.idxname ?? ""] : [],
  );

  const { rows } = await client.query<{ name: string }>(
    `select relname as name
     from pg_index
       join pg_class on pg_class.oid = indexrelid
     where relnamespace = to_regnamespace($1)
       and relname = any ($2)
       and not indisvalid`,
    [cell, names],
  );
  for (const { name } of rows) {
    await client.query(`drop index concurrently ${quoteIdentifier(cell)}.${quoteIdentifier(name)}`);
  }
}
