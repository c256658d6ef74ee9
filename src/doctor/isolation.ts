import type { ClientBase } from "pg";

import type { CatalogCheck } from "./catalog-check.js";
import { runCatalogChecks } from "./catalog-check.js";
import { sortFindings, type Finding } from "./finding.js";
import {
  fences,
  functions,
  ownership,
  powers,
  rowSecurity,
  schemas,
  views,
} from "./isolation-checks.js";
import { memberships, roleAttributes } from "./role-checks.js";
import { judgeServerVersion, readServerVersion, type ServerPolicy } from "./server-version-check.js";

export type { Finding, Severity } from "./finding.js";

/** What has to hold for one organization never to see another's rows. */
export const ISOLATION_CHECKS: readonly CatalogCheck[] = [
  roleAttributes,
  memberships,
  rowSecurity,
  fences,
  functions,
  views,
  ownership,
  schemas,
  powers,
];

/** Whether who is connected is somebody whom the fences bind. */
const CONNECTED_LOGIN: CatalogCheck = {
  id: "connected-login",
  about: "an application is not connected as somebody above row-level security",
  sql: `
    select
      'critical',
      'role ' || quote_ident(session_user),
      flaw.problem,
      'Connect as ' || subject.cell || '_app_login, which safetypin bootstrap makes for this'
    from subject
      join pg_catalog.pg_roles on rolname = session_user
      cross join lateral (
        values
          (rolsuper, 'is who the application connects as, and is a superuser'),
          (
            not rolsuper and rolbypassrls,
            'is who the application connects as, and has BYPASSRLS'
          ),
          (
            not rolsuper and exists (
              select
              from reaches
                join groups on to_regrole(name)::oid = reaches.role
              where is_above
                and reaches.member = pg_roles.oid
                and is_usable
            ),
            'is who the application connects as, and may become one of those for whom there are no fences'
          )
      ) as flaw (is_found, problem)
    where flaw.is_found`,
};

/** Which cell an application is about to serve, and how strictly to look. */
export interface IsolationOptions extends Partial<ServerPolicy> {
  readonly cell: string;
}

/**
 * Looks, with the privileges of an application's own login, for whatever lets one
 * organization see another's rows: roles above row-level security, memberships,
 * missing fences, functions and views that can be turned around, a server with
 * known flaws. Two short queries of the catalog; changes nothing.
 *
 * What comes back is sorted, the gravest first. With any `critical` finding an
 * application must not serve.
 */
export async function checkIsolation(
  client: ClientBase,
  { cell, environment = "production", allowVulnerableServer }: IsolationOptions,
): Promise<Finding[]> {
  const server = await readServerVersion(client);
  const findings = await runCatalogChecks(client, { cell, environment }, [
    CONNECTED_LOGIN,
    ...ISOLATION_CHECKS,
  ]);
  return sortFindings([
    ...judgeServerVersion(server, { environment, allowVulnerableServer }),
    ...findings,
  ]);
}
