import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { DOCUMENTS } from "../src/development/pages.js";

const ROOT = join(DOCUMENTS, "..");

test("docs/attacks.md names every file of attacks, and no other", () => {
  const page = readFileSync(join(DOCUMENTS, "attacks.md"), "utf8");
  const named = [...page.matchAll(/`(test[^`]*\.(?:sql|ts))`/g)].map(([, file = ""]) => file);
  const there = [
    ...readdirSync(join(ROOT, "test-sql", "attacks")).map((file) => `test-sql/attacks/${file}`),
    ...readdirSync(join(ROOT, "test"))
      .filter((file) => file.startsWith("attacks-") && file !== "attacks-page.test.ts")
      .map((file) => `test/${file}`),
  ];

  expect(new Set(named)).toEqual(new Set(there));
  expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});
