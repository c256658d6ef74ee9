import type { ClientBase } from "pg";

import { ConfigurationError } from "../errors.js";
import type { ListedKey } from "./cell-keys.js";
import { NIL_ID } from "./sealed-place.js";

/** How far a key is on its way. */
export type KeyState = "pending" | "active" | "decrypt_only" | "retired" | "destroyed";

/** A key as the operator sees it. */
export interface AdministeredKey extends Omit<ListedKey, "bytes"> {
  readonly id: string;
  readonly organizationId: string | null;
  readonly state: KeyState;

  /** The wrapped share; `null` once destroyed. */
  readonly bytes: Buffer | null;
  readonly creationTime: Date;
  readonly activationTime: Date | null;
  readonly decryptOnlyTime: Date | null;
  readonly retirementTime: Date | null;
  readonly destructionTime: Date | null;
}

const PAGE = 1_000;

/** Every key of the cell and of its organizations, oldest first. */
export async function listKeys(client: ClientBase): Promise<AdministeredKey[]> {
  return listKeysOfTenant(client, null);
}

/** Those of one organization, or of the cell for `null`, by number; however many others there are. */
export async function listKeysOf(client: ClientBase, organizationId: string | null): Promise<AdministeredKey[]> {
  const keys = await listKeysOfTenant(client, organizationId ?? NIL_ID);
  return keys.sort((one, other) => one.keyId - other.keyId);
}

/** Those of a tenant, or of all for `null`. */
async function listKeysOfTenant(client: ClientBase, tenantId: string | null): Promise<AdministeredKey[]> {
  const keys: AdministeredKey[] = [];
  for (;;) {
    const { rows } = await client.query<AdministeredKey>(
      `select id, organization_id as "organizationId", key_id as "keyId", state, provider, key_name as "keyName",
         wrapped as bytes, creation_time as "creationTime", activation_time as "activationTime",
         decrypt_only_time as "decryptOnlyTime", retirement_time as "retirementTime",
         destruction_time as "destructionTime"
       from list_keys($1, $2, $3)`,
      [keys.at(-1)?.id ?? null, PAGE, tenantId],
    );
    keys.push(...rows);
    if (rows.length < PAGE) return keys;
  }
}

/** Whether it has a share to unwrap. */
export function isWhole(key: AdministeredKey): key is AdministeredKey & ListedKey {
  return key.bytes !== null;
}

/**
 * Passes where a tenant has no key yet, or one that works or is to.
 *
 * @throws {@link ConfigurationError} where all that it had are gone
 */
export function requireNotShredded(keys: readonly AdministeredKey[]): void {
  const [first] = keys;
  if (first === undefined || keys.some(({ state }) => state !== "destroyed")) return;
  throw new ConfigurationError(`${ownerOf(first.organizationId)} was shredded: it gets no key any more`, {
    remedy: "Whoever comes back founds another organization",
  });
}

/** Whose a key is, in words. */
export function ownerOf(organizationId: string | null): string {
  return organizationId === null ? "the cell" : `organization ${organizationId}`;
}
