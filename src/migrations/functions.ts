import type { Node } from "libpg-query";

import { wordsOf } from "./relations.js";
import type { CellSession } from "./session.js";

/** The functions of a cell: bare name to everything their bodies say. */
export type Functions = Map<string, string>;

/** Words without which a body reads and writes rows, and does nothing stronger. */
const STRONG_WORDS =
  /\b(alter|cluster|comment|create|drop|execute|grant|lock|refresh|reindex|revoke|truncate)\b/i;

/** The functions that the cell has now. */
export async function readFunctions({ client, cell }: CellSession): Promise<Functions> {
  const { rows } = await client.query<{ name: string; body: string }>(
    `select
       proname as name,
       string_agg(coalesce(pg_get_function_sqlbody(pg_proc.oid), prosrc), E'\\n') as body
     from pg_proc
     where pronamespace = to_regnamespace($1)
       and prokind in ('f', 'p')
     group by proname`,
    [cell],
  );
  return new Map(rows.map(({ name, body }) => [name, body]));
}

/** The body of a function or block that a statement brings. */
export function bodyOf(options: readonly Node[]): string {
  return options
    .flatMap((option) =>
      "DefElem" in option && option.DefElem.defname === "as" ? wordsOf(option.DefElem.arg) : [],
    )
    .join("\n");
}

/**
 * Whether a body may do more than read and write rows: it executes statements it
 * makes up, or calls a function that does. Comments are not read; a word in a
 * string is taken for the word, which is the careful side.
 */
export function mayLockTables(body: string, functions: Functions, seen = new Set<string>()): boolean {
  const code = body.replace(/--.*$/gm, "").replace(/\/\*[\s\S]*?\*\//g, "");
  if (STRONG_WORDS.test(code)) return true;

  const called = [...code.matchAll(/\b([a-z_][a-z0-9_]*)\s*\(/gi)].map(([, name]) => name as string);
  return called.some((name) => {
    const other = functions.get(name);
    if (other === undefined || seen.has(name)) return false;
    seen.add(name);
    return mayLockTables(other, functions, seen);
  });
}
