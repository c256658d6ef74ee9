import type { ClientBase } from "pg";

import type { Environment } from "../migrations/environment.js";
import type { Finding } from "./finding.js";
import { findServerFlaws, safeVersion } from "./server-versions.js";

/** How strictly a server with known flaws is judged. */
export interface ServerPolicy {
  readonly environment: Environment;

  /**
   * Serve on a server with flaws that break isolation, also in production: for
   * one that was mended by its vendor under its old number.
   *
   * @defaultValue false
   */
  readonly allowVulnerableServer?: boolean | undefined;
}

/** The server, as it names itself. */
export interface ServerVersion {
  readonly version: string;

  /** `server_version_num`, such as 180004. */
  readonly versionNumber: number;
}

export const SERVER_VERSION = "server-version";

/** Which PostgreSQL this is. */
export async function readServerVersion(client: ClientBase): Promise<ServerVersion> {
  const { rows } = await client.query<ServerVersion>(
    `select
       current_setting('server_version') as version,
       current_setting('server_version_num')::integer as "versionNumber"`,
  );
  return rows[0] as ServerVersion;
}

/** What is known against this version. */
export function judgeServerVersion(
  { version, versionNumber }: ServerVersion,
  { environment, allowVulnerableServer = false }: ServerPolicy,
): Finding[] {
  const object = `server ${version}`;
  if (versionNumber < 150_000) {
    return [
      {
        check: SERVER_VERSION,
        severity: "critical",
        object,
        problem: "is older than PostgreSQL 15: views cannot run as their caller",
        remedy: "Upgrade to a newer major release with pg_upgrade",
      },
    ];
  }

  const flaws = findServerFlaws(versionNumber);
  return flaws.map(({ cve, effect, breaksIsolation }) => ({
    check: SERVER_VERSION,
    severity:
      breaksIsolation && environment === "production" && !allowVulnerableServer ? "critical" : "warning",
    object,
    problem: `has ${cve}: ${effect}`,
    remedy: `Install PostgreSQL ${safeVersion(versionNumber, flaws)} or a later minor release, and restart the server`,
  }));
}
