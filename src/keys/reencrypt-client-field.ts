import type { ClientBase } from "pg";

import { ConfigurationError } from "../errors.js";
import type { SealedField } from "../sealed-fields.js";
import { isWhole, listKeysOf } from "./administered-keys.js";
import { unwrapListed } from "./cell-keys.js";
import { openInClient, sealInClient } from "./client-sealing.js";
import { inTransaction } from "./in-transaction.js";
import { inPasses, type BatchOptions } from "./reencrypt.js";
import { keyIdOf } from "./sealed-place.js";

/** A value as it was taken. */
interface TakenValue {
  readonly rowId: string;
  readonly value: Buffer;
}

/**
 * Seals the values that clients sealed (algorithm 2) anew under the active key, as
 * {@link reencryptField} does those that the database seals: here, because the database has
 * nothing that opens them. They are held for as long, and replaced only where they are
 * still what was taken.
 *
 * @returns how many
 * @throws {@link KeyProviderError}; {@link ConfigurationError} for a value that does not open
 */
export async function reencryptClientField(client: ClientBase, field: SealedField<string, 2>, options: BatchOptions): Promise<number> {
  const { organizationId, batchSize } = options;
  return inPasses(field.name, options, (after) =>
    inTransaction(client, async () => {
      const { rows } = await client.query<TakenValue>(
        `select row_id as "rowId", value from take_client_sealed($1, $2, $3, $4)`,
        [field.fieldId, organizationId, batchSize, after],
      );
      if (rows.length === 0) return { rowCount: 0, lastRowId: null };

      const sealed = await sealAnew(client, field, rows, options);
      const answer = await client.query<{ replaced: number }>(
        "select replace_client_sealed($1, $2, $3, $4, $5) as replaced",
        [field.fieldId, organizationId, rows.map(({ rowId }) => rowId), rows.map(({ value }) => value), sealed],
      );
      return { rowCount: answer.rows[0]!.replaced, lastRowId: rows.at(-1)!.rowId };
    }),
  );
}

async function sealAnew(
  client: ClientBase,
  field: SealedField<string, 2>,
  rows: readonly TakenValue[],
  { provider, cellId, organizationId }: BatchOptions,
): Promise<Buffer[]> {
  const keys = (await listKeysOf(client, organizationId)).filter(isWhole);
  const active = keys.find(({ state }) => state === "active")!;
  const needed = new Set([active.keyId, ...rows.map(({ value }) => keyIdOf(value, 2))]);

  const shares = new Map<number, Buffer>();
  try {
    for (const key of keys.filter(({ keyId }) => needed.has(keyId))) {
      shares.set(key.keyId, (await unwrapListed(key, { provider, cellId, organizationId })).share);
    }
    return rows.map(({ rowId, value }) => {
      const place = { field, organizationId, rowId };
      const share = shares.get(keyIdOf(value, 2) ?? 0);
      const plaintext = share === undefined ? null : openInClient(share, place, value);
      if (plaintext === null) {
        throw new ConfigurationError(`a value cannot be opened. It is ${field.name} of row ${rowId}`, {
          remedy: "Compare it with a backup, write it anew or set it to null, and rotate once more",
        });
      }
      try {
        return sealInClient(shares.get(active.keyId)!, active.keyId, place, plaintext);
      } finally {
        plaintext.fill(0);
      }
    });
  } finally {
    for (const share of shares.values()) share.fill(0);
  }
}
