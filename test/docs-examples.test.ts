import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runInThisContext } from "node:vm";

import { transform } from "@swc/core";

import * as safetypin from "../src/index.js";
import { userId } from "./support/actors.js";
import { useTwoOrganizations } from "./support/world.js";

const DIRECTORY = join(__dirname, "..", "docs", "repositories");

interface Example {
  readonly line: number;
  readonly code: string;
}

/** The blocks of a page, with the line each begins at. */
function examplesOf(page: string): Example[] {
  const text = readFileSync(join(DIRECTORY, page), "utf8");
  return [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map((block) => ({
    line: text.slice(0, block.index).split("\n").length + 1,
    code: block[1]!,
  }));
}

/** What a block says it prints: the comment behind each console.log, in order. */
function promised(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].flatMap(([, text]) => text!.split(" | "));
}

/** Runs a block as the body of a function that has what the page says there is. */
async function run(code: string, given: Readonly<Record<string, unknown>>): Promise<string[]> {
  const printed: string[] = [];
  const log = (...values: unknown[]) => printed.push(values.map(String).join(" "));
  const names = Object.keys(given);
  const body = code.replace(/^import (\{[^}]*\}) from "safetypin";$/gm, "const $1 = safetypin;");
  const { code: script } = await transform(
    `(async function (safetypin, console, ${names.join(", ")}) {\n${body}\n})`,
    { jsc: { target: "es2022", parser: { syntax: "typescript" } } },
  );
  const example = runInThisContext(script) as (...values: unknown[]) => Promise<void>;
  await example(safetypin, { log }, ...names.map((name) => given[name]));
  return printed;
}

for (const page of readdirSync(DIRECTORY)) {
  describe(`docs/repositories/${page}`, () => {
    const world = useTwoOrganizations();
    let given: Record<string, unknown>;

    beforeAll(async () => {
      given = {
        safetyPin: world.safetyPin,
        token: await world.token("ann", "acme"),
        bobToken: await world.token("bob", "acme"),
        founderToken: await world.token("zoe"),
        bob: userId("bob"),
        stranger: userId("zoe"),
      };
    });

    const examples = examplesOf(page);
    it("has examples", () => {
      expect(examples.length).toBeGreaterThan(5);
    });

    for (const { line, code } of examples) {
      it(`prints what it says, at line ${line}`, async () => {
        expect(await run(code, given)).toEqual(promised(code));
      });
    }
  });
}
