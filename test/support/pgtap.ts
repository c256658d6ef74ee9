import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

import pg from "pg";

const TAR_BLOCK = 512;

/** One line of TAP, with what pgTAP said about it. */
export interface Assertion {
  readonly number: number;
  readonly description: string;
  readonly isOk: boolean;
  readonly directive: "todo" | "skip" | undefined;
  readonly diagnostics: string[];
}

/** What a file of tests said, until it ended or broke. */
export interface TapReport {
  readonly planned: number | undefined;
  readonly assertions: readonly Assertion[];

  /** Why the file is not whole: an SQL error, or a plan that was not kept. */
  readonly failure: string | undefined;
}

/** pgTAP as plain SQL: what `create extension pgtap` would run. */
export async function pgtapSql(): Promise<string> {
  const main = createRequire(import.meta.url).resolve("@electric-sql/pglite-pgtap");
  const archive = await promisify(gunzip)(await readFile(join(dirname(main), "pgtap.tar.gz")));

  for (let at = 0; at < archive.length; ) {
    const name = archive.toString("utf8", at, at + 100).replace(/\0.*$/s, "");
    const size = Number.parseInt(archive.toString("utf8", at + 124, at + 136), 8) || 0;
    const body = at + TAR_BLOCK;
    if (name.endsWith("/extension/pgtap.sql")) return archive.toString("utf8", body, body + size);
    at = body + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
  throw new Error("The package @electric-sql/pglite-pgtap holds no pgtap.sql");
}

/** Runs one file as psql would, and reads the TAP it prints. */
export async function runTapFile(client: pg.Client, path: string): Promise<TapReport> {
  const sql = await readFile(path, "utf8");
  const command = sql.split("\n").findIndex((line) => line.startsWith("\\"));
  if (command >= 0) {
    return { planned: undefined, assertions: [], failure: `${path}:${command + 1}: a command of psql` };
  }

  const lines: string[] = [];
  const error = await new Promise<pg.DatabaseError | undefined>((resolve) => {
    const query = new pg.Query<unknown[]>({ text: sql, rowMode: "array", types: AS_TEXT } as never);
    query.on("row", (row) => {
      for (const cell of row as unknown as (string | null)[]) lines.push(...(cell ?? "").split("\n"));
    });
    query.on("end", () => resolve(undefined));
    query.on("error", (cause) => resolve(cause as pg.DatabaseError));
    client.query(query);
  });
  const { planned, assertions } = parseTap(lines);
  return { planned, assertions, failure: explain(path, sql, error, planned, assertions) };
}

const AS_TEXT = { getTypeParser: () => (value: string) => value };

function explain(
  path: string,
  sql: string,
  error: pg.DatabaseError | undefined,
  planned: number | undefined,
  assertions: readonly Assertion[],
): string | undefined {
  if (error !== undefined) {
    const line = error.position === undefined
      ? ""
      : `:${sql.slice(0, Number(error.position)).split("\n").length}`;
    const last = assertions.at(-1);
    return [
      `${path}${line}: ${error.message} (${error.code})`,
      last === undefined ? "before the first assertion" : `after: ${last.description}`,
      ...[error.detail, error.hint, error.where].filter((part) => part !== undefined),
    ].join("\n");
  }
  if (planned === undefined) return `${path}: no plan`;
  if (planned !== assertions.length) {
    return `${path}: planned ${planned} assertions, ran ${assertions.length}`;
  }
  return undefined;
}

const PLAN = /^1\.\.(\d+)/;
// pgTAP writes a # of the description as \#.
const RESULT = /^(not )?ok\b\s*(\d+)?\s*(?:- )?(.*?)(?:\s*(?<!\\)# (todo|skip)\b.*)?$/i;

/** Reads what a file of tests printed. Lines that are not TAP mean nothing, as to pg_prove. */
export function parseTap(lines: readonly string[]): Pick<TapReport, "planned" | "assertions"> {
  let planned: number | undefined;
  const assertions: Assertion[] = [];

  for (const line of lines) {
    const plan = PLAN.exec(line);
    const result = RESULT.exec(line);
    if (plan !== null) planned = Number(plan[1]);
    else if (result !== null) {
      const [, not, number, description = "", directive] = result;
      assertions.push({
        number: Number(number ?? assertions.length + 1),
        description: description.replaceAll("\\#", "#"),
        isOk: not === undefined,
        directive: directive?.toLowerCase() as Assertion["directive"],
        diagnostics: [],
      });
    } else if (line.startsWith("#")) {
      assertions.at(-1)?.diagnostics.push(line.slice(1).trimStart());
    }
  }
  return { planned, assertions };
}
