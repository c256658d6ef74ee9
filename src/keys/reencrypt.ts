import type { ClientBase } from "pg";

import type { SealedField } from "../sealed-fields.js";
import { isWhole, listKeysOf } from "./administered-keys.js";
import { inTransaction } from "./in-transaction.js";
import { unlockKeys, type NewKeyOptions } from "./new-key.js";
import type { Throttle } from "./throttle.js";
import { failureOfKey } from "./try-key.js";

/** How large a batch is, and what is told of it. */
export interface BatchOptions extends NewKeyOptions {
  readonly batchSize: number;
  readonly throttle: Throttle;

  /** Told after each batch, once it is committed: what was done, and to how many rows. */
  readonly onBatch?: ((what: string, rows: number) => void) | undefined;
}

/**
 * Lets the transaction the connection is in work under every key that opens or seals. One
 * that only opens, and does not, is passed over: what is under it says itself that it is
 * locked.
 */
export async function unlockForRotation(client: ClientBase, options: NewKeyOptions): Promise<void> {
  const keys = (await listKeysOf(client, options.organizationId)).filter(isWhole);
  await unlockKeys(client, keys.filter(({ state }) => state === "active"), options);
  for (const key of keys.filter(({ state }) => state === "decrypt_only")) {
    await unlockKeys(client, [key], options).catch(failureOfKey);
  }
}

/**
 * Seals the values of a field anew under the active key, a batch a transaction, until a
 * pass from the beginning finds nothing. What is left is what the database says is left: a
 * run that was ended anywhere is begun again.
 *
 * @returns how many
 */
export async function reencryptField(client: ClientBase, { fieldId, name }: SealedField, options: BatchOptions): Promise<number> {
  return inPasses(name, options, (after) =>
    inTransaction(client, async () => {
      await unlockForRotation(client, options);
      const { rows } = await client.query<Batch>(
        `select reencrypted as "rowCount", last_row_id as "lastRowId" from reencrypt_batch($1, $2, $3, $4)`,
        [fieldId, options.organizationId, options.batchSize, after],
      );
      return rows[0]!;
    }),
  );
}

/** What one batch did. */
export interface Batch {
  readonly rowCount: number;

  /** The last that was looked at, also where it was passed over; `null` when there is none left in this pass. */
  readonly lastRowId: string | null;
}

/**
 * Batch after batch in the order of the rows, and from the beginning again, since a row
 * that somebody held was passed over.
 */
export async function inPasses(
  what: string,
  { throttle, onBatch }: Pick<BatchOptions, "throttle" | "onBatch">,
  batch: (after: string | null) => Promise<Batch>,
): Promise<number> {
  let total = 0;
  let inPass = 0;
  let after: string | null = null;
  for (;;) {
    const { rowCount, lastRowId }: Batch = await batch(after);
    if (lastRowId !== null) {
      after = lastRowId;
      if (rowCount === 0) continue;
      total += rowCount;
      inPass += rowCount;
      onBatch?.(what, rowCount);
      await throttle(rowCount);
    } else if (inPass > 0) {
      inPass = 0;
      after = null;
    } else {
      return total;
    }
  }
}
