import type { ClientBase } from "pg";

import { awaitHolders, awaitWriters, type Patience } from "./await-writers.js";
import { inTransaction } from "./in-transaction.js";
import { listIndexVersionsOf, type IndexPhase } from "./index-versions.js";
import { inPasses, unlockForRotation, type Batch, type BatchOptions } from "./reencrypt.js";

/** How the indexes are made anew, and what is told of it. */
export interface IndexRotationOptions extends BatchOptions, Patience {
  /** The active key. */
  readonly keyId: number;

  /** Told of each phase that a version enters. */
  readonly onPhase?: ((version: number, phase: IndexPhase) => void) | undefined;
}

/**
 * Has the blind indexes made under the active key: a version of their own beside the one
 * that is looked up, which takes over once every row is in it. Goes on where the database
 * says it is.
 */
export async function rotateBlindIndexes(client: ClientBase, options: IndexRotationOptions): Promise<void> {
  const { organizationId, keyId, onPhase } = options;
  for (;;) {
    const versions = await listIndexVersionsOf(client, organizationId);
    const next = versions.find(({ phase }) => ["dual", "backfill", "cutover"].includes(phase));
    const steady = versions.find(({ phase }) => phase === "steady");

    if (next === undefined) {
      if (steady === undefined || steady.keyId === keyId) return;
      await step("begin_index_rotation", "dual");
    } else if (next.phase === "dual") {
      await step("begin_index_backfill", "backfill");
    } else if (next.phase === "backfill") {
      // A row that somebody held was passed over: once more, and for so long.
      await awaitHolders(async () => {
        for (const table of await listIndexTables(client, organizationId)) await backfill(client, table, options);
        await step("cut_over_index", "cutover");
      }, options);
    } else {
      await step("finish_index_rotation", "steady");
    }
  }

  async function step(name: string, phase: IndexPhase): Promise<void> {
    const version = await awaitWriters(async () => {
      const { rows } = await client.query<{ version: number }>(`select ${name}($1) as version`, [organizationId]);
      return rows[0]!.version;
    }, options);
    onPhase?.(version, phase);
  }
}

/**
 * Deletes the rows of versions that ended.
 *
 * @returns how many
 */
export async function sweepBlindIndexes(client: ClientBase, options: BatchOptions & Patience): Promise<number> {
  let total = 0;
  for (const table of await listIndexTables(client, options.organizationId)) {
    for (;;) {
      const count = await awaitWriters(async () => {
        const { rows } = await client.query<{ count: number }>("select delete_index_batch($1, $2, $3) as count", [
          table,
          options.organizationId,
          options.batchSize,
        ]);
        return rows[0]!.count;
      }, options);
      if (count === 0) break;
      total += count;
      options.onBatch?.(`${table}, swept`, count);
      await options.throttle(count);
    }
  }
  return total;
}

async function backfill(client: ClientBase, table: string, options: IndexRotationOptions): Promise<void> {
  const batch = async (after: string | null) => {
    await unlockForRotation(client, options);
    const { rows } = await client.query<Batch>(
      `select indexed as "rowCount", last_row_id as "lastRowId" from backfill_index_batch($1, $2, $3, $4)`,
      [table, options.organizationId, options.batchSize, after],
    );
    return rows[0]!;
  };
  await inPasses(table, options, (after) => awaitWriters(() => inTransaction(client, () => batch(after)), options));
}

async function listIndexTables(client: ClientBase, organizationId: string | null): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select blind_indexes.table_name as name
     from blind_indexes join sealed_fields using (field_id)
     where scope = $1 order by 1`,
    [organizationId === null ? "cell" : "organization"],
  );
  return rows.map(({ name }) => name);
}
