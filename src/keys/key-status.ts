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

  const valuesOf = groupByKey(counts);
  const indexesOf = groupByKey(versions.filter(({ phase }) => phase !== "ended"));
  return keys
    .sort((one, other) => (one.organizationId ?? "").localeCompare(other.organizationId ?? "") || one.keyId - other.keyId)
    .map((key) => {
      const { bytes: _, ...rest } = key;
      return {
        ...rest,
        values: valuesOf(key),
        indexes: indexesOf(key),
      };
    });
}

/** What belongs to a key, found without looking at what belongs to others. */
function groupByKey<Item extends Pick<AdministeredKey, "organizationId" | "keyId">>(items: readonly Item[]) {
  const nameOf = ({ organizationId, keyId }: Pick<AdministeredKey, "organizationId" | "keyId">) => `${organizationId ?? ""}/${String(keyId)}`;
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(nameOf(item));
    if (group === undefined) groups.set(nameOf(item), [item]);
    else group.push(item);
  }
  return (key: Pick<AdministeredKey, "organizationId" | "keyId">): readonly Item[] => groups.get(nameOf(key)) ?? [];
}
