import { spawn } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { bootstrap } from "../src/migrations/bootstrap.js";
import { DEFAULT_CELL, parseCellName } from "../src/migrations/cell.js";
import { readChapters } from "../src/migrations/chapters.js";
import { down } from "../src/migrations/down.js";
import { CLI, outcome, type CliResult } from "./support/cli.js";
import { aloneWithRoles, useDatabase } from "./support/database.js";
import { connect } from "./support/template.js";

const PAGE = fileURLToPath(new URL("../docs/ci-cd.md", import.meta.url));
const cell = parseCellName(DEFAULT_CELL);

const scratch = useDatabase({ template: "empty" });
const production = useDatabase({ template: "migrated" });
let folder: string;
let jobs: string[];
let newest: number;

beforeAll(async () => {
  // "safetypin" on the path, as `npx` puts it there.
  folder = await mkdtemp(join(tmpdir(), "safetypin-test-pipeline-"));
  const command = join(folder, "safetypin");
  await writeFile(command, `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`);
  await chmod(command, 0o755);

  const page = await readFile(PAGE, "utf8");
  jobs = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text]) => text as string);
  newest = (await readChapters()).length;

  // The migration login is the whole server's; its password is set beside the template.
  await withAdmin(scratch, async (client) => {
    await aloneWithRoles(() => bootstrap(client, { cell }));
  });
}, 180_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

async function withAdmin<Result>(
  database: typeof scratch,
  work: (client: Awaited<ReturnType<typeof connect>>) => Promise<Result>,
): Promise<Result> {
  const client = await connect(database.connectionString("admin"));
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function runJob(place: number, env: Readonly<Record<string, string>> = {}): Promise<CliResult> {
  return outcome(
    spawn("sh", ["-c", jobs[place] ?? "exit 99"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: `${folder}:${process.env["PATH"] ?? ""}`,
        SCRATCH_ADMIN_URL: scratch.connectionString("admin"),
        SCRATCH_URL: scratch.connectionString("migrator"),
        PRODUCTION_URL: production.connectionString("migrator"),
        PRODUCTION_OPERATOR_URL: production.connectionString("operator"),
        ...env,
      },
    }),
  );
}

/** A job's end, with what it said where it ended badly. */
async function expectCode(job: Promise<CliResult>, code: number): Promise<CliResult> {
  const found = await job;
  expect({ ...found, code }).toEqual(found);
  return found;
}

test("the page has five jobs", () => {
  expect(jobs).toHaveLength(5);
});

test("1: the chapters run, and run back", async () => {
  await aloneWithRoles(() => expectCode(runJob(0), 0));
}, 180_000);

test("2 to 4: production gets the newest chapter, once somebody has approved what would be noticed", async () => {
  await withAdmin(production, (client) => down(client, { cell, to: newest - 1 }));

  const planned = await expectCode(runJob(1), 0);
  expect(planned.stdout).toContain("safetypin: 00");
  const plan = JSON.parse(await readFile(join(folder, "plan.json"), "utf8")) as {
    cells: { isDangerous: boolean; chapters: unknown[] }[];
  };
  expect(plan.cells[0]?.chapters).toHaveLength(1);

  await expectCode(runJob(2), 0);

  await writeFile(join(folder, "verdict"), "choose the hour\n");
  await expectCode(runJob(3), 1);
  await withAdmin(production, async (client) => {
    const { rows } = await client.query(`select max(id) as newest from ${cell}.migrations`);
    expect(rows).toEqual([{ newest: newest - 1 }]);
  });

  await expectCode(runJob(3, { APPROVED: "yes" }), 0);
  await withAdmin(production, async (client) => {
    const { rows } = await client.query(`select max(id) as newest from ${cell}.migrations`);
    expect(rows).toEqual([{ newest }]);
  });
}, 180_000);

test("5: the nightly job ends well, and badly on drift", async () => {
  await expectCode(runJob(4), 0);
  await withAdmin(production, (client) => client.query(`alter table ${cell}.roles no force row level security`));
  await expectCode(runJob(4), 5);
  const { cells } = JSON.parse(await readFile(join(folder, "status.json"), "utf8")) as {
    cells: { drift: unknown[] }[];
  };
  expect(cells[0]?.drift).toEqual([
    {
      object: "table roles",
      property: "row level security is forced",
      expected: "true",
    },
  ]);
}, 180_000);

test("3: production that somebody changed by hand stops the deployment", async () => {
  await expectCode(runJob(2), 1);
});
