import "./resolve-sources.cjs";

import { writeFile } from "node:fs/promises";

import { currentRun, type TestRun } from "./run.js";
import { describeEscape, huntSecrets } from "./secret-hunt.js";
import { stopServers } from "./servers.js";
import { dropDatabasesOf } from "./template.js";

/** Leaves the server as it was found, or no server at all. */
export default async function globalTeardown(): Promise<void> {
  const run = currentRun();
  const report = process.env["SAFETYPIN_TEST_HUNT_REPORT"];
  if (report !== undefined) await writeFile(report, await hunt(run).catch((error: Error) => error.stack ?? ""));
  if (!run.isOurs) await dropDatabasesOf(run);
  await Promise.all(stopServers.map((stop) => stop()));
}

/** What the hunt for the suite's secrets found; nothing is what there should be. */
async function hunt(run: TestRun): Promise<string> {
  const { secrets, bytes, missedPlants, escapes } = await huntSecrets(run);
  console.log(`\nLooked for ${secrets} secrets in ${Math.round(bytes / 2 ** 20)} MB.`);
  return [
    ...missedPlants.map((place) => `The secret that was hidden in the ${place} was not found`),
    ...(secrets === 0 ? ["No test has used any secret"] : []),
    ...new Set(escapes.map(describeEscape)),
  ].join("\n");
}
