import { availableParallelism } from "node:os";

const typescript = {
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      {
        jsc: { target: "es2022", parser: { syntax: "typescript" } },
        module: { type: "commonjs" },
      },
    ],
  },
  // The sources name each other as Node will find them once compiled.
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  modulePathIgnorePatterns: ["<rootDir>/dist/", "<rootDir>/.safetypin/"],
};

export default {
  globalSetup: "<rootDir>/test/support/global-setup.ts",
  globalTeardown: "<rootDir>/test/support/global-teardown.ts",
  // Most tests wait for the server, not for a core.
  maxWorkers: 1 + Math.max(2, availableParallelism()),
  testTimeout: 30_000,
  projects: [
    {
      ...typescript,
      displayName: "typescript",
      testEnvironment: "node",
      setupFiles: ["<rootDir>/test/support/notice-secrets.ts"],
      testMatch: ["<rootDir>/test/**/*.test.ts"],
    },
    {
      ...typescript,
      displayName: "pgtap",
      runner: "<rootDir>/test/support/pgtap-runner.ts",
      testMatch: ["<rootDir>/test-sql/*/**/*.sql"],
      moduleFileExtensions: ["sql", "ts", "js", "json"],
    },
  ],
};
