import type { ClientBase } from "pg";

import { ConfigurationError, KeyProviderError } from "../errors.js";
import { ownerOf, type AdministeredKey } from "../keys/administered-keys.js";
import type { ListedKey } from "../keys/cell-keys.js";
import type { KeyProvider } from "../keys/key-provider.js";
import { openKeyProvider, type KeySource } from "../keys/open-keys.js";
import { tryKey } from "../keys/try-key.js";
import { asKeyholder } from "./as-role.js";
import type { Subject } from "./catalog-check.js";
import type { Finding } from "./finding.js";
import { areKeysGiven, KEYS_NOT_GIVEN, type MasterKeysAnswer } from "./master-keys-check.js";

export const KEY_SHARES = "key-shares";

/** Of how many keys of organizations the share is unwrapped: each is a request. */
const SAMPLE = 20;

type TriedKey = AdministeredKey & ListedKey & { readonly cellId: string };

/**
 * Whether shares open, and are those of their keys: has the service unwrap every one of the
 * cell, and those of the newest keys of organizations.
 */
export async function checkKeyShares(
  client: ClientBase,
  { cell, environment }: Subject,
  { keys = process.env["SAFETYPIN_KEYS"] }: Pick<KeySource, "keys">,
): Promise<MasterKeysAnswer> {
  const listed = await asKeyholder(client, cell, () => listTried(client));
  if (listed === undefined) return { reason: "connect as safetypin_migrator" };
  if (!areKeysGiven(keys, environment)) return { reason: KEYS_NOT_GIVEN };

  let provider: KeyProvider | undefined;
  try {
    provider = openKeyProvider({ keys }, environment);
    const findings: Finding[] = [];
    for (const key of listed) {
      // One that is wrapped by what is not configured is what another check tells of.
      if ((await provider.relationTo?.(key.keyName)) === "none") continue;
      const failure = await tryKey(client, key, { cellId: key.cellId, provider }, async (work) => {
        await asKeyholder(client, cell, work);
      });
      if (failure instanceof KeyProviderError && failure.code === "master_key_access_denied") throw failure;
      if (failure !== undefined) findings.push(findingOf(key, failure, { cell, environment }));
    }
    return { findings };
  } catch (error) {
    // Of the doctor's own way to the service, which is not that of applications.
    if (!(error instanceof ConfigurationError || error instanceof KeyProviderError)) throw error;
    return { reason: `no share could be unwrapped from here: ${error.message}` };
  } finally {
    await provider?.close?.();
  }
}

function findingOf({ organizationId, keyId, state }: TriedKey, failure: Error, { cell, environment }: Subject): Finding {
  const isStopping = organizationId === null && state === "active";
  const options = organizationId === null ? "" : ` --organization ${organizationId}`;
  return {
    check: KEY_SHARES,
    severity: isStopping && environment === "production" ? "critical" : "warning",
    object: `key ${keyId} of ${ownerOf(organizationId)}`,
    problem: `is ${state}, and its share does not open: ${failure.message}`,
    remedy:
      state === "pending"
        ? `safetypin keys rotate${options} --cell ${cell}`
        : `Restore a backup of this cell beside it, then: safetypin keys rewrap --copy DATABASE --cell ${cell} (docs/disaster-recovery.md)`,
  };
}

async function listTried(client: ClientBase): Promise<TriedKey[]> {
  const { rows } = await client.query<TriedKey>(
    `with tried as (
       (select * from tenant_keys where organization_id is null and state <> 'destroyed')
       union all
       (
         select * from tenant_keys
         where organization_id is not null and state in ('pending', 'active', 'decrypt_only')
         order by id desc
         limit ${SAMPLE}
       )
     )
     select
       tried.id,
       organization_id as "organizationId",
       key_id as "keyId",
       state,
       provider,
       key_name as "keyName",
       wrapped as bytes,
       cell_settings.id as "cellId"
     from tried
     cross join cell_settings
     order by organization_id nulls first, key_id`,
  );
  return rows;
}
