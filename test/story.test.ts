import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What differs from one telling to the next. */
const varying = [
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<id>"],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>"],
  [/\$2a\$12\$[./A-Za-z0-9]+/g, "<salt>"],
  [/\d\d:\d\d:\d\d\.\d{3}/g, "<time>"],
  [/not before \d+ s/g, "not before <n> s"],
] as const;

const settle = (line: string) =>
  varying.reduce((text, [pattern, name]) => text.replace(pattern, name), line).trim();

describe("npm start -- --once", () => {
  let output: string;

  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), "safetypin-story-"));
    try {
      ({ stdout: output } = await run(
        process.execPath,
        ["dist/story/main.js", "--once", "--directory", directory],
        { env: { ...process.env, NO_COLOR: "1" } },
      ));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }, 180_000);

  it("tells the story to its end", () => {
    const chapters = output.split("\n").filter((line) => /^\d\. /.test(line));
    expect(chapters).toEqual([
      "1. Two organizations are founded",
      "2. Passwords",
      "3. Sessions and a stolen token",
      "4. Permissions",
      "5. Zenith tries to read Acme's rows",
      "6. The audit trail, as the auditor reads it",
    ]);
    expect(output).toContain("What to try next");
    expect(output).toMatch(/postgres:\/\/safetypin_app_login:/);
  });

  it("shows the attacks working on the naive twin and failing on SafetyPin", () => {
    expect(output).toContain("the twin gives away 2 people of Acme Clinic, and their password hashes");
    expect(output).toContain("SafetyPin: 0 rows. The injection ran, and made Zoe nobody");
    expect(output).toContain("the caller is null and sees 0 people");
    expect(output).toContain("the twin's application makes the token and keeps its digest: Ann's password is his now");
    expect(output).toContain("SafetyPin: with the application's login and without its keys he cannot even ask");
  });

  it("is what the README shows", async () => {
    const readme = await readFile("README.md", "utf8");
    const shown = /<!-- story -->\n+```text\n([\s\S]*?)```\n+<!-- \/story -->/.exec(readme)?.[1] ?? "";
    const told = new Set(output.split("\n").map(settle));
    const claims = shown.split("\n").map(settle).filter((line) => line !== "" && line !== "…");

    expect(claims.length).toBeGreaterThan(20);
    expect(claims.filter((line) => !told.has(line))).toEqual([]);
  });
});
