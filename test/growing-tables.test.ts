import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { MAINTENANCE_TASKS } from "../src/maintenance.js";
import { SQL_DIRECTORY } from "../src/migrations/chapters.js";
import { useDatabase } from "./support/database.js";

const PAGE = join(SQL_DIRECTORY, "..", "docs", "decisions", "0014-growing-tables.md");

describe("the decision on tables that grow", () => {
  const database = useDatabase({ template: "migrated" });

  async function namesInFirstColumn(): Promise<string[]> {
    const page = await readFile(PAGE, "utf8");
    return page
      .split("\n")
      .map((line) => /^\| (`.*?`) \|/.exec(line)?.[1])
      .flatMap((cell) => cell?.split(", ") ?? [])
      .map((name) => name.replaceAll("`", ""))
      .filter((name) => !name.endsWith("()"));
  }

  it("speaks of every table that somebody's work adds rows to", async () => {
    const { rows } = await database.admin.query<{ name: string }>(
      `select relname as name
       from pg_class
       where relnamespace = current_schema()::regnamespace
         and relkind in ('r', 'p')
         and not relispartition
         and (
           has_any_column_privilege('safetypin_definer', oid, 'insert')
           or has_any_column_privilege('safetypin_app', oid, 'insert')
           -- What its functions write, but for what chapters declare.
           or (relowner = 'safetypin_keyholder'::regrole and relname <> 'sealed_fields')
         )
       order by relname`,
    );

    expect((await namesInFirstColumn()).sort()).toEqual(rows.map(({ name }) => name));
  });

  it("calls the months what is cut into months", async () => {
    const { rows } = await database.admin.query<{ name: string }>(
      `select relname as name from pg_class
       where relnamespace = current_schema()::regnamespace and relkind = 'p' order by relname`,
    );
    const page = await readFile(PAGE, "utf8");
    const partitioned = page.split("\n").filter((line) => /\| months.*\|$/.test(line));

    expect(partitioned.map((line) => line.split("`")[1]).sort()).toEqual(rows.map(({ name }) => name));
  });

  it("names every sweep, and maintenance runs them all", async () => {
    const page = await readFile(PAGE, "utf8");
    const { rows } = await database.admin.query<{ name: string }>(
      `select proname as name from pg_proc
       where pronamespace = current_schema()::regnamespace and proname like 'sweep\\_%' order by proname`,
    );
    const tasks = MAINTENANCE_TASKS.map(({ name }) => name);

    expect(rows.length).toBeGreaterThan(0);
    for (const { name } of rows) {
      expect(page).toContain(`${name}()`);
      expect(tasks).toContain(name);
    }
  });
});
