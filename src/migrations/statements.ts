import { parse, scan, type Node } from "libpg-query";

import { MigrationError } from "../errors.js";

/** One statement of a file. */
export interface Statement {
  /** Where it starts, counted from 1, comments before it not included. */
  readonly line: number;

  /** Its text, without the comments before it and the semicolon after. */
  readonly sql: string;

  /** What PostgreSQL's own parser makes of it: one key, the statement's kind. */
  readonly tree: Node;
}

/**
 * The statements of a file, by PostgreSQL's own grammar.
 *
 * @throws {@link MigrationError} `failed` when the grammar refuses it.
 */
export async function parseStatements(fileName: string, sql: string): Promise<Statement[]> {
  const { stmts = [] } = await parse(sql).catch((cause: unknown) => {
    throw new MigrationError("failed", `${fileName}: ${messageOf(cause)}`, { cause });
  });

  // The parser counts bytes.
  const bytes = Buffer.from(sql);
  return stmts.map(({ stmt, stmt_location: from = 0, stmt_len: length }) => ({
    line: bytes.subarray(0, from).toString().split("\n").length,
    sql: bytes.subarray(from, length === undefined ? bytes.length : from + length).toString().trim(),
    tree: stmt as Node,
  }));
}

/**
 * The text without the word `concurrently`, by which an index asks to be built
 * outside a transaction. On an empty table both ways make the same index.
 */
export async function withoutConcurrently(sql: string): Promise<string> {
  const { tokens } = await scan(sql);
  const bytes = Buffer.from(sql);
  for (const { text, start, end, keywordKind } of tokens) {
    if (keywordKind > 0 && text.toLowerCase() === "concurrently") bytes.fill(" ", start, end);
  }
  return bytes.toString();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
