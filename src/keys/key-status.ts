import type { ClientBase } from "pg";

import { listKeys, type AdministeredKey } from "./administered-keys.js";
import { listIndexVersions, type IndexVersion } from "./index-versions.js";
import { countSealedValues, listSealedFields, type SealedCount } from "./sealed-values.js";

/** A key, and what is under it. */
export interface KeyStatus extends Omit<AdministeredKey, "bytes"> {
  readonly values: readonly SealedCount[];
  readonly indexes: readonly IndexVersion[];
}

/** Every key of the cell and of its organizations, and how much is under each. Reads every sealed table. */
export async function readKeyStatus(client: ClientBase): Promise<KeyStatus[]> {
  const keys = await listKeys(client);
  const counts = await countSealedValues(client, await listSealedFields(client));
  const versions = await listIndexVersions(client);

  const isOf = (key: AdministeredKey) => (one: { readonly organizationId: string | null; readonly keyId: number }) =>
    one.organizationId === key.organizationId && one.keyId === key.keyId;
  return keys
    .sort((one, other) => (one.organizationId ?? "").localeCompare(other.organizationId ?? "") || one.keyId - other.keyId)
    .map((key) => {
      const { bytes: _, ...rest } = key;
      return {
        ...rest,
        values: counts.filter(isOf(key)),
        indexes: versions.filter(isOf(key)).filter(({ phase }) => phase !== "ended"),
      };
    });
}
