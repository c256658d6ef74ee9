/*
 * npm run bench [-- --rows a,b] [--quick] [--users N] [--json FILE] [--charts FOLDER]
 *
 * Every row is a ratio to a floor, measured side by side. Absolute numbers are
 * printed beside it and mean nothing on another machine.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import Table from "cli-table3";

import { drawRatios } from "./charts.mjs";
import { openDatabase } from "./database.mjs";
import { countProcessorTime } from "./measure.mjs";
import { processorClock } from "./processor.mjs";
import { authenticatedRequest } from "./rows/authenticated-request.mjs";
import { coveringIndexes } from "./rows/covering-indexes.mjs";
import { auditEvent, changeTrigger } from "./rows/evidence.mjs";
import { growth } from "./rows/growth.mjs";
import { migrateCells, migrateUp } from "./rows/migrate.mjs";
import { permissionCheck, policyList, searchUsers } from "./rows/policies.mjs";
import { refresh } from "./rows/refresh.mjs";
import { sealed } from "./rows/sealed.mjs";
import { sessionCheck } from "./rows/session-check.mjs";
import { signIn, unknownUser } from "./rows/sign-in.mjs";

const ROWS = [
  sessionCheck,
  ...authenticatedRequest,
  policyList,
  permissionCheck,
  signIn,
  unknownUser,
  refresh,
  auditEvent,
  ...changeTrigger,
  migrateUp,
  searchUsers,
  ...sealed,
  // Asked for by name: what takes a database of another size, and why an index holds what it holds.
  ...growth,
  ...coveringIndexes,
  migrateCells,
];

const { values: options } = parseArgs({
  options: {
    rows: { type: "string" },
    quick: { type: "boolean", default: false },
    users: { type: "string", default: "100000" },
    json: { type: "string" },
    charts: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (options.help) {
  console.log(`npm run bench -- [options]

  --rows a,b       only these: ${ROWS.map(({ name }) => name).join(", ")}
  --quick          shorter rounds: to see that it works, not to quote
  --users N        people in the database (100000; the design speaks of 1000000)
  --json FILE      where to write what was measured (test/bench/results/latest.json)
  --charts FOLDER  where to draw it (beside the JSON)`);
  process.exit();
}

const users = Number(options.users);
if (!Number.isInteger(users) || users < 2_500) {
  console.error(`--users must be a whole number from 2500, not ${options.users}`);
  process.exit(2);
}
const wanted = options.rows?.split(",") ?? ROWS.filter(({ isOptional }) => !isOptional).map(({ name }) => name);
const unknown = wanted.filter((name) => !ROWS.some((row) => row.name === name));
if (unknown.length > 0) {
  console.error(`There is no row ${unknown.join(", ")}: see --help`);
  process.exit(2);
}

const results = fileURLToPath(new URL("results/", import.meta.url));
const file = options.json ?? join(results, "latest.json");
const folder = options.charts ?? dirname(file);
const effort = options.quick ? { pairs: 5, roundMs: 150 } : { pairs: 7, roundMs: 400 };

const database = await openDatabase({ users, say: console.log });
const measured = [];
try {
  countProcessorTime(await processorClock(database.server));
  for (const row of ROWS.filter(({ name }) => wanted.includes(name))) {
    const { measure, ...described } = row;
    const loadBefore = loadavg()[0];
    const result = await measure(database, effort);
    measured.push({ ...described, ...result, load: Math.max(loadBefore, loadavg()[0]) });
    console.log(`${row.name}: ${result.ratio.toFixed(2)}`);
  }
} finally {
  await database.close();
}

const report = {
  date: new Date().toISOString(),
  quick: options.quick,
  node: process.version,
  cores: availableParallelism(),
  processor: cpus()[0]?.model,
  users,
  ...effort,
  rows: measured,
};
for (const path of [dirname(file), folder]) await mkdir(path, { recursive: true });
await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
await writeFile(join(folder, "ratios.svg"), drawRatios(report));

const table = new Table({
  head: ["work", "floor", "ratio", "lowest–highest", "processor", "reach", "note"],
  style: { head: [], border: [], compact: true },
});
for (const { title, floorTitle, ratio, lowest, highest, processorRatio, reach, note = "" } of measured) {
  table.push([
    title,
    floorTitle,
    ratio.toFixed(2),
    `${lowest.toFixed(2)}–${highest.toFixed(2)}`,
    processorRatio?.toFixed(2) ?? "",
    reach === undefined ? "" : `≥ ${reach.toFixed(2)}`,
    note,
  ]);
}
console.log(table.toString());
console.log(`Written to ${file}; drawn in ${folder}.`);
