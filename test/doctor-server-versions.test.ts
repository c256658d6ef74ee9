import { readFile } from "node:fs/promises";

import { judgeServerVersion } from "../src/doctor/server-version-check.js";
import { findServerFlaws, SERVER_FLAWS } from "../src/doctor/server-versions.js";

const server = (versionNumber: number) => ({
  version: `${String(Math.floor(versionNumber / 10_000))}.${String(versionNumber % 10_000)}`,
  versionNumber,
});

const CACHED_POLICIES = /CVE-2026-14666/;

describe("the flaw of cached policies", () => {
  test.each([
    [150018, 150019],
    [160014, 160015],
    [170010, 170011],
    [180004, 180006],
  ])("is in %i and mended in %i", (flawed, mended) => {
    const [found] = judgeServerVersion(server(flawed), { environment: "production" });
    expect(found).toMatchObject({ severity: "critical", problem: expect.stringMatching(CACHED_POLICIES) });
    expect(found?.remedy).toContain(`PostgreSQL ${server(mended).version} `);
    expect(judgeServerVersion(server(mended), { environment: "production" })).toEqual([]);
  });

  test("is a warning where it is no production, or somebody said that the server was mended", () => {
    for (const policy of [
      { environment: "test" },
      { environment: "development" },
      { environment: "production", allowVulnerableServer: true },
    ] as const) {
      const [found] = judgeServerVersion(server(180004), policy);
      expect(found).toMatchObject({ severity: "warning", problem: expect.stringMatching(CACHED_POLICIES) });
    }
  });
});

test("a flaw of pgcrypto is a warning in production: it opens the server and no fence", () => {
  const found = judgeServerVersion(server(180001), { environment: "production" });
  expect(found.find(({ problem }) => problem.includes("CVE-2026-2005"))?.severity).toBe("warning");
});

test("the older a minor release, the more is known against it; each names the one that has it all mended", () => {
  expect(findServerFlaws(150002)).toHaveLength(SERVER_FLAWS.length);
  const found = judgeServerVersion(server(150002), { environment: "test" });
  expect(new Set(found.map(({ remedy }) => remedy))).toEqual(
    new Set(["Install PostgreSQL 15.19 or a later minor release, and restart the server"]),
  );
  expect(findServerFlaws(160010).length).toBeGreaterThan(findServerFlaws(160012).length);
});

test("a release before 15 is refused, and one after all of these is not known to have any", () => {
  expect(judgeServerVersion(server(140024), { environment: "development" })).toEqual([
    expect.objectContaining({ severity: "critical" }),
  ]);
  expect(findServerFlaws(190000)).toEqual([]);
});

test("the page of server versions has each flaw with the releases that mended it", async () => {
  const page = await readFile("docs/server-versions.md", "utf8");
  for (const { cve, fixedIn, breaksIsolation } of SERVER_FLAWS) {
    const row = page.split("\n").find((line) => line.startsWith(`| ${cve} `)) ?? "";
    const fixes = Object.entries(fixedIn).map(([major, minor]) => `${major}.${String(minor)}`);
    for (const fix of fixes) expect(row.split(/[ |,]+/)).toContain(fix);
    expect(row.includes("| yes |")).toBe(breaksIsolation);
  }
});
