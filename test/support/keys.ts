import type pg from "pg";

import { createCellKeys, type CellKeys } from "../../src/keys/cell-keys.js";
import type { KeyProvider } from "../../src/keys/key-provider.js";
import { localKeyFile } from "../../src/keys/local-key-file.js";
import { unlockCell } from "../../src/keys/new-key.js";
import type { TestCell, TestDatabase } from "./database.js";

/** The keys of this run's cells, for a client that takes itself for production. */
export function keysOfProduction(): KeyProvider {
  return { ...localKeyFile({ environment: "test" }), isForDevelopment: false };
}

/** The keys of a test's cell, for work over a connection of one's own. */
export async function keysOfCell(db: TestDatabase): Promise<CellKeys> {
  const { rows } = await db.admin.query<{ id: string }>("select id from cell_settings");
  return createCellKeys(rows[0]!.id, localKeyFile({ environment: "test" }));
}

/** Takes every key away, as only a superuser who goes out of their way can: the cell is as before its first. */
export async function emptyKeys(admin: pg.Pool | pg.Client): Promise<void> {
  const tables = ["tenant_keys", "blind_index_versions"];
  const triggers = (how: string) => tables.map((table) => `alter table ${table} ${how} trigger _500_no_truncate`);
  await admin.query([...triggers("disable"), `truncate ${tables.join(", ")}`, ...triggers("enable always")].join(";"));
}

/** One transaction in which the cell's key works, for what is sealed behind the curtain. */
export async function inUnlockedCell<Result>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query<{ id: string }>("select id from cell_settings");
    await unlockCell(client, { provider: localKeyFile({ environment: "test" }), cellId: rows[0]!.id });
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

/** Whose an address is. */
export async function findUserId(cell: TestCell, email: string): Promise<string | null> {
  return inUnlockedCell(cell.pool("admin"), async (client) => {
    const { rows } = await client.query<{ id: string | null }>("select _find_user_by_email($1) as id", [email]);
    return rows[0]!.id;
  });
}
