import "./resolve-sources.cjs";

import { currentRun } from "./run.js";
import { stopServers } from "./servers.js";
import { dropDatabasesOf } from "./template.js";

/** Leaves the server as it was found, or no server at all. */
export default async function globalTeardown(): Promise<void> {
  const run = currentRun();
  if (!run.isOurs) await dropDatabasesOf(run);
  await Promise.all(stopServers.map((stop) => stop()));
}
