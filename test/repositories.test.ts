import { readFileSync } from "node:fs";
import { join } from "node:path";

import { createRepositories } from "../src/repositories.js";
import type { Transaction } from "../src/transaction.js";
import { describeRepositories } from "./contract/repository-contract.js";
import { useWorld } from "./support/world.js";

describeRepositories("PostgreSQL", useWorld);

describe("createRepositories", () => {
  it("makes those of PostgreSQL, unless told otherwise", () => {
    const tx = {} as Transaction;
    const names = ["audit", "organizations", "permissions", "sessions", "users"];

    expect(Object.keys(createRepositories(tx)).sort()).toEqual(names);
    expect(Object.keys(createRepositories(tx, { implementation: "postgres" })).sort()).toEqual(names);
  });

  it("says which there are when asked for another", () => {
    expect(() => createRepositories({} as Transaction, { implementation: "mongodb" as "postgres" })).toThrow(
      expect.objectContaining({ name: "ConfigurationError", remedy: "Pass postgres" }),
    );
  });
});

describe("the interfaces", () => {
  const SOURCES = join(__dirname, "..", "src");

  it.each(["users", "organizations", "sessions", "permissions", "audit", "pages", "repositories"])(
    "of %s name neither the driver nor a generated type",
    (name) => {
      const text = readFileSync(join(SOURCES, `${name}.ts`), "utf8");
      const interfaces = [...text.matchAll(/^export (?:interface|type) [^]*?^}|^export type .*;$/gm)].join("\n");

      expect(text).not.toMatch(/from "(pg|@pgtyped\/[^"]*)"/);
      expect(interfaces).not.toMatch(/\b(queries|events|attempts|changes|alerts|roles|grants|members|domains|policies)\.\w+Result/);
    },
  );
});
