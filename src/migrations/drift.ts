import {
  compareCatalogs,
  filterCatalog,
  readCatalog,
  type Catalog,
  type CatalogDifference,
} from "./catalog.js";
import type { Chapter } from "./chapters.js";
import { replayChapters } from "./replay.js";
import type { CellSession } from "./session.js";

/**
 * What is in the cell and not in its chapters, and the other way round: somebody
 * changed something by hand. Empty when nobody did.
 */
export async function findDrift(
  session: CellSession,
  applied: readonly Chapter[],
): Promise<CatalogDifference[]> {
  const found = comparable(await readCatalog(session.client, session.cell, session.extensionsSchema));

  let expected: Catalog = new Map();
  for await (const { chapter, read } of replayChapters(session, applied)) {
    if (chapter === applied.at(-1)) expected = await read();
  }
  return compareCatalogs(comparable(expected), found);
}

/** Without the schema itself, which bootstrap makes and a scratch schema is not. */
export function comparable(catalog: Catalog): Catalog {
  return filterCatalog(catalog, (object) => object !== "schema");
}

/** Without the ledger too: who ran the chapters by hand has none. */
export function withoutLedger(catalog: Catalog): Catalog {
  return filterCatalog(
    catalog,
    (object) => object !== "table migrations" && !/^\S+ migrations\./.test(object),
  );
}
