import type { ClientBase } from "pg";

import { NIL_ID } from "./sealed-place.js";

/** Where a version of the blind indexes is on its way. */
export type IndexPhase = "dual" | "backfill" | "cutover" | "steady" | "fading" | "ended";

/** A version of the blind indexes of the cell, or of an organization. */
export interface IndexVersion {
  readonly organizationId: string | null;
  readonly version: number;
  readonly keyId: number;
  readonly phase: IndexPhase;
  readonly phaseTime: Date;
}

/** Every version of the cell and of its organizations. */
export async function listIndexVersions(client: ClientBase): Promise<IndexVersion[]> {
  return listVersionsOfTenant(client, null);
}

/** Those of one organization, or of the cell for `null`. */
export async function listIndexVersionsOf(client: ClientBase, organizationId: string | null): Promise<IndexVersion[]> {
  return listVersionsOfTenant(client, organizationId ?? NIL_ID);
}

async function listVersionsOfTenant(client: ClientBase, tenantId: string | null): Promise<IndexVersion[]> {
  const { rows } = await client.query<IndexVersion>(
    `select organization_id as "organizationId", version, key_id as "keyId", phase, phase_time as "phaseTime"
     from list_index_versions($1)`,
    [tenantId],
  );
  return rows;
}
