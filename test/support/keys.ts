import { createCellKeys, type CellKeys } from "../../src/keys/cell-keys.js";
import type { KeyProvider } from "../../src/keys/key-provider.js";
import { localKeyFile } from "../../src/keys/local-key-file.js";
import type { TestDatabase } from "./database.js";

/** The keys of this run's cells, for a client that takes itself for production. */
export function keysOfProduction(): KeyProvider {
  return { ...localKeyFile({ environment: "test" }), isForDevelopment: false };
}

/** The keys of a test's cell, for work over a connection of one's own. */
export async function keysOfCell(db: TestDatabase): Promise<CellKeys> {
  const { rows } = await db.admin.query<{ id: string }>("select id from cell_settings");
  return createCellKeys(rows[0]!.id, localKeyFile({ environment: "test" }));
}
