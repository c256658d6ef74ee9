import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import pg from "pg";

import { runCli } from "./support/cli.js";
import { useDatabase } from "./support/database.js";
import { inUnlockedCell } from "./support/keys.js";
import { parseTap, runTapFile, type TapReport } from "./support/pgtap.js";

describe("what a pgTAP file prints", () => {
  it("is read as pg_prove reads it", () => {
    const { planned, assertions } = parseTap([
      "",
      "1..5",
      "ok 1 - ann founds acme",
      "not ok 2 - bob cannot see it",
      '# Failed test 2: "bob cannot see it"',
      "#     found: 1",
      "ok 3 # SKIP: not on this version",
      "not ok 4 - a wish # TODO some day",
      "ok 5 - the \\# is part of it",
    ]);

    expect(planned).toBe(5);
    expect(assertions.map(({ isOk, description, directive }) => [isOk, description, directive])).toEqual([
      [true, "ann founds acme", undefined],
      [false, "bob cannot see it", undefined],
      [true, "", "skip"],
      [false, "a wish", "todo"],
      [true, "the # is part of it", undefined],
    ]);
    expect(assertions[1]?.diagnostics).toEqual([
      'Failed test 2: "bob cannot see it"',
      "found: 1",
    ]);
  });
});

describe("a pgTAP file", () => {
  const db = useDatabase({ template: "pgtap" });

  async function run(sql: string): Promise<TapReport> {
    const directory = await mkdtemp(join(tmpdir(), "pgtap-"));
    const file = join(directory, "story.sql");
    await writeFile(file, sql);
    const client = new pg.Client({
      connectionString: db.connectionString("admin"),
      options: "-c search_path=safetypin,extensions,tap",
    });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return await runTapFile(client, file);
    } finally {
      await client.end();
      await rm(directory, { recursive: true });
    }
  }

  it("passes when all it planned is so", async () => {
    const report = await run("begin; select plan(1); select ok(true, 'so'); select finish(); rollback;");
    expect(report).toMatchObject({ planned: 1, failure: undefined, assertions: [{ isOk: true }] });
  });

  it("fails where one assertion fails", async () => {
    const report = await run("begin; select plan(1); select is(1, 2, 'one is two'); rollback;");
    expect(report.assertions).toMatchObject([{ isOk: false, description: "one is two" }]);
    expect(report.assertions[0]?.diagnostics.join("\n")).toMatch(/have: 1\nwant: 2/);
  });

  it.each([
    ["does not keep its plan", "select plan(2); select ok(true, 'one');", /planned 2 assertions, ran 1/],
    ["has no plan", "select 1;", /no plan/],
    ["talks to psql", "\\echo hello", /:1: a command of psql/],
    ["raises", "select plan(1);\n\nselect no_such();", /:3: function no_such\(\) does not exist \(42883\)/],
    ["loses its connection", "select pg_terminate_backend(pg_backend_pid());", /terminating connection/],
  ])("fails when it %s", async (_what, sql, sentence) => {
    expect((await run(sql)).failure).toMatch(sentence);
  });

  it("signs people in where a client made the cell's key, and digested addresses under it", async () => {
    const env = { DATABASE_URL: db.connectionString("operator"), SAFETYPIN_KEY_FILE: process.env["SAFETYPIN_KEY_FILE"]! };
    expect(await runCli(["keys", "init"], { env })).toMatchObject({ code: 0 });
    await inUnlockedCell(db.app, (client) => client.query("select begin_password_check('nobody@example.com')"));
    const { rows: before } = await db.admin.query("select id, secret from digest_keys order by id");
    expect(before.map(({ secret }) => secret as Buffer | null)).not.toContain(null);

    const report = await run(`
      begin; select plan(1); select tests.person('ann'); select tests.act_as_nobody();
      select is(tests.sign_in('ann'), 'signed_in', 'ann signs in'); select finish(); rollback;`);
    expect(report).toMatchObject({ failure: undefined, assertions: [{ isOk: true }] });
    expect((await db.admin.query("select id, secret from digest_keys order by id")).rows).toEqual(before);
  });

  it("says how far it came before it raised", async () => {
    const report = await run("select plan(2); select ok(true, 'ann is here'); select 1 / 0;");
    expect(report.assertions).toHaveLength(1);
    expect(report.failure).toMatch(/division by zero \(22012\)\nafter: ann is here/);
  });
});
