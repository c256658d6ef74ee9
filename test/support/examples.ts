import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runInThisContext } from "node:vm";

import { transform } from "@swc/core";

import * as safetypin from "../../src/index.js";

const ROOT = join(__dirname, "..", "..");

/** A block of TypeScript on a page. */
export interface Example {
  /** The line it begins at. */
  readonly line: number;
  readonly code: string;
}

/** The blocks of a page, whose path is the project's. */
export function examplesOf(page: string): Example[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  return [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map((block) => ({
    line: text.slice(0, block.index).split("\n").length + 1,
    code: block[1]!,
  }));
}

/** What a block says it prints: the comment behind each console.log, in order. */
export function promised(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].flatMap(([, text]) => text!.split(" | "));
}

/**
 * Runs a block as the body of a function that has what the page says there is, and
 * returns what it prints. What it imports is what an application would have.
 */
export async function runExample(
  code: string,
  given: Readonly<Record<string, unknown>>,
  exports: Readonly<Record<string, unknown>> = safetypin,
): Promise<string[]> {
  const printed: string[] = [];
  const log = (...values: unknown[]) => printed.push(values.map(String).join(" "));
  const names = Object.keys(given);
  const body = code.replace(
    /^import (\{[^}]*\}) from "safetypin(?:\/queries\/(\w+))?";$/gm,
    (_, imported: string, table: string | undefined) =>
      `const ${imported.replace(/\btype \w+,? ?/g, "")} = ${table === undefined ? "$exports" : `await $queries("${table}")`};`,
  );
  // In a block of its own: an example may call its own what the page calls so elsewhere.
  const { code: script } = await transform(
    `(async function ($exports, $queries, console, ${names.join(", ")}) {{\n${body}\n}})`,
    { jsc: { target: "es2022", parser: { syntax: "typescript" } } },
  );
  const example = runInThisContext(script) as (...values: unknown[]) => Promise<void>;
  const queries = (table: string) => import(`../../src/queries/${table}`);
  await example(exports, queries, { log }, ...names.map((name) => given[name]));
  return printed;
}
