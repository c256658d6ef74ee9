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
