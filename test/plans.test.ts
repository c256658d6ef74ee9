import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { PreparedQuery } from "@pgtyped/runtime";
import type pg from "pg";

import { sessionToken, userId } from "./support/actors.js";
import { useDatabase } from "./support/database.js";
import { PLAN_EXPECTATIONS, type PlanExpectation } from "./support/plan-expectations.js";
import { collectPlans, watchPlans, type ObservedPlan } from "./support/plans.js";
import { populate } from "./support/population.js";
import { connect } from "./support/template.js";

const QUERIES = join(__dirname, "..", "src", "queries");

/** Tables that have as many rows as the release that brings them, whatever the customers do. */
const TABLES_THAT_DO_NOT_GROW = [
  "blind_indexes",
  "cell_incarnations",
  "cell_settings",
  "clock_high_water",
  "cloud_providers",
  "context_keys",
  "digest_keys",
  "sealed_fields",
  "event_types",
  "password_blocklist",
  "permissions",
  "sealed_fields",
];

type Query = PreparedQuery<unknown, unknown>;

async function loadQueries(): Promise<ReadonlyMap<string, Query>> {
  const queries = new Map<string, Query>();
  for (const file of (await readdir(QUERIES)).sort()) {
    const exports = (await import(join(QUERIES, file))) as Record<string, unknown>;
    for (const [name, value] of Object.entries(exports)) {
      if (value instanceof PreparedQuery) queries.set(`${file.replace(/\.ts$/, "")}.${name}`, value as Query);
    }
  }
  return queries;
}

describe("the plan of every query", () => {
  const db = useDatabase({ template: "pgtap" });
  let client: pg.Client;
  let queries: ReadonlyMap<string, Query>;

  beforeAll(async () => {
    queries = await loadQueries();
    client = await connect(db.connectionString("admin"));
    await client.query(`set search_path = ${db.cell}, extensions, pg_temp`);
    await populate(client);
    await client.query("select tests.act_as('ann', 'acme')");
    await client.query("select tests.act_as('7', 'acme')");
    await watchPlans(client);
  }, 180_000);
  afterAll(() => client.end());

  /** What is sealed where it is kept: no plan is to show it to whoever reads the log. */
  const SEALED_PARAMETERS = ["email", "emails", "ipAddress", "phoneNumber"];

  /** What happens when the query is run, by whom the expectation says, and undone again. */
  async function observe(
    name: string,
    { as = "ann", params }: PlanExpectation,
  ): Promise<readonly ObservedPlan[]> {
    const query = queries.get(name)!;
    await client.query("begin");
    try {
      await client.query("select tests.unlock()");
      await client.query(`set local role ${db.cell}_${as === "auditor" || as === "mailer" ? as : "app"}_login`);
      if (as === "ann" || as === "member") {
        const token = sessionToken(as === "ann" ? "ann" : "7", "acme");
        await client.query("select from begin_request($1)", [token]);
      }
      const given = typeof params === "function" ? ((await params(client)) as unknown) : params;
      const sealed = SEALED_PARAMETERS.flatMap((key) => (given as Record<string, unknown> | undefined)?.[key] ?? []).map(String);
      const plans = await collectPlans(client, async () => {
        await query.run(given, {
          query: async (text: string, values: unknown[]) => {
            const { rows, rowCount } = await client.query({ name, text, values });
            return { rows, rowCount: rowCount ?? 0 };
          },
        });
        // A plan is told when its portal is closed, and the next statement does that.
        await client.query("show server_version");
      });
      expect(plans.filter(({ told }) => sealed.some((value) => told.includes(value))).map(({ text }) => text)).toEqual([]);
      return plans;
    } finally {
      await client.query("rollback");
    }
  }

  it("is expected: a new query says how it is to be found", () => {
    expect(Object.keys(PLAN_EXPECTATIONS).sort()).toEqual([...queries.keys()].sort());
  });

  for (const [name, expectation] of Object.entries(PLAN_EXPECTATIONS)) {
    it(`${name} touches what it must and no more`, async () => {
      check(await observe(name, expectation), expectation);

      // After five times PostgreSQL may keep a plan that fits any parameters.
      for (let time = 2; time <= 6; time += 1) await observe(name, expectation);
      check(await observe(name, expectation), expectation);
    });
  }

  // Not a generated query: the client sends it in front of every one of them.
  it("a session is judged by one row of each table, and of its own the index alone", async () => {
    const judge = async () => {
      await client.query("begin");
      try {
        await client.query(`set local role ${db.cell}_app_login`);
        return await collectPlans(client, async () => {
          await client.query({
            name: "judge",
            text: "select from begin_request($1)",
            values: [sessionToken("7", "acme")],
          });
          await client.query("show server_version");
        });
      } finally {
        await client.query("rollback");
      }
    };
    const expectation: PlanExpectation = {
      uses: [
        "session_activities_pkey",
        "organizations_pkey",
        "organization_users_pkey|organization_users_user_id_idx",
        "users_pkey",
      ],
      alone: ["sessions_token_hash_key"],
      rows: 10,
    };

    check(await judge(), expectation);
    for (let time = 2; time <= 6; time += 1) await judge();
    check(await judge(), expectation);
  });

  it("would be seen to ask the table besides an index", async () => {
    await client.query("begin");
    const plans = await collectPlans(client, () =>
      client.query(`select users.id, users.email from users where id = '${userId("7")}'`),
    );
    await client.query("rollback");

    expect(plans.flatMap(({ indexes }) => indexes)).toEqual(["users_pkey"]);
    expect(plans.flatMap(({ indexesAlone }) => indexesAlone)).toEqual([]);
  });

  it("would be seen to read a table from end to end", async () => {
    await client.query("begin");
    const plans = await collectPlans(client, () =>
      client.query("select count(*) from users where job_title = 'Title7'"),
    );
    await client.query("rollback");

    expect(plans.flatMap(({ sequentialScans }) => sequentialScans)).toEqual(["users"]);
    expect(plans[0]?.rowsTouched).toBeGreaterThan(20_000);
  });
});

function check(plans: readonly ObservedPlan[], { uses, alone = [], rows = 500 }: PlanExpectation): void {
  const explanation = plans
    .filter(({ rowsTouched }) => rowsTouched > 0)
    .map(({ text, rowsTouched, indexes }) => `${rowsTouched} rows by ${indexes.join(", ")}: ${text}`)
    .join("\n");
  const scanned = plans
    .flatMap(({ sequentialScans }) => sequentialScans)
    .filter((table) => !TABLES_THAT_DO_NOT_GROW.includes(table) && !table.startsWith("pg_"));
  const used = plans.flatMap(({ indexes }) => indexes.map(withoutMonth));
  const missing = uses.filter((names) => !names.split("|").some((name) => used.includes(name)));
  const answering = plans.flatMap(({ indexesAlone }) => indexesAlone);
  const notAlone = alone.filter((names) => !names.split("|").some((name) => answering.includes(name)));
  const touched = plans.reduce((sum, plan) => sum + plan.rowsTouched, 0);

  expect(plans.length).toBeGreaterThan(0);
  expect(scanned.length === 0 || `reads all of ${scanned.join(", ")}:\n${explanation}`).toBe(true);
  expect(missing.length === 0 || `does not use ${missing.join(", ")} but ${used.join(", ")}`).toBe(true);
  expect(notAlone.length === 0 || `asks the table besides ${notAlone.join(", ")}:\n${explanation}`).toBe(true);
  expect(touched <= rows || `touches ${touched} rows, more than ${rows}:\n${explanation}`).toBe(true);
}

/** A partition's index by the name of its table's. */
function withoutMonth(index: string): string {
  return index.replace(/_\d{4}_\d{2}_/, "_");
}
