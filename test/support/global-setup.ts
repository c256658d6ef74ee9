import "./resolve-sources.cjs";

import { randomBytes } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startServer } from "../../src/development/embedded-server.js";
import { publishRun } from "./run.js";
import { gatherSecretsIn } from "./secrets.js";
import { stopServers } from "./servers.js";

/**
 * Finds or starts the server of this run. Databases are made by whoever needs one.
 *
 * `SAFETYPIN_TEST_DATABASE_URL` names a server to use: a superuser's URL. Without
 * it a server is started, and thrown away at the end.
 */
export default async function globalSetup(): Promise<void> {
  const id = randomBytes(4).toString("hex");
  // Every process of the run takes its keys from here, those of the command too.
  process.env["SAFETYPIN_KEY_FILE"] = join(await mkdtemp(join(tmpdir(), "safetypin-keys-")), "keys.json");
  // The whole suite ends with a hunt for the secrets it used.
  const report = process.env["SAFETYPIN_TEST_HUNT_REPORT"];
  if (report !== undefined) gatherSecretsIn(`${report}.secrets`);
  const given = process.env["SAFETYPIN_TEST_DATABASE_URL"];

  if (given !== undefined && given !== "") {
    publishRun({
      id,
      adminUrl: given,
      logFile: process.env["SAFETYPIN_TEST_SERVER_LOG"],
      isOurs: false,
    });
    return;
  }

  const server = await startServer({
    settings: { max_connections: "300", ...(report === undefined ? {} : { wal_keep_size: "4GB" }) },
  });
  stopServers.push(() => server.stop());
  publishRun({
    id,
    adminUrl: server.connectionString(),
    logFile: server.logFile,
    isOurs: true,
  });
}
