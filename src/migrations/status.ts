import type { ClientBase } from "pg";

import type { CatalogDifference } from "./catalog.js";
import type { CellName } from "./cell.js";
import { readChapters, type ChapterDirectories } from "./chapters.js";
import { findDrift } from "./drift.js";
import { readEnvironment, type Environment } from "./environment.js";
import { compareLedger, readLedger, type LedgerEntry } from "./ledger.js";
import { inCell, type SessionOptions } from "./session.js";

/** Which cell, and how closely to look. */
export interface StatusOptions extends ChapterDirectories, SessionOptions {
  readonly cell: CellName;

  /**
   * Also run the applied chapters in a scratch schema that is rolled back, and
   * compare the catalogs.
   *
   * @defaultValue false
   */
  readonly lookForDrift?: boolean | undefined;
}

/** Where one chapter stands in one cell. */
export interface ChapterStatus {
  readonly id: number;
  readonly fileName: string;

  /** `changed`: the file is not the one that was applied. `skipped`: a later one was applied. */
  readonly state: "applied" | "pending" | "changed" | "skipped";

  /** `null` for a chapter that was not applied. */
  readonly executionTime: Date | null;
}

/** Where a cell stands. */
export interface CellStatus {
  readonly cell: CellName;

  /** `undefined` before the first chapter. */
  readonly environment: Environment | undefined;

  readonly chapters: readonly ChapterStatus[];

  /** Applied by another release. */
  readonly unknown: readonly LedgerEntry[];

  /** What was changed by hand; `undefined` when nobody looked. */
  readonly drift: readonly CatalogDifference[] | undefined;
}

/** Where the cell stands. Changes nothing, and waits for nobody. */
export async function status(client: ClientBase, options: StatusOptions): Promise<CellStatus> {
  const chapters = await readChapters(options);

  return inCell(client, options.cell, options, async (session) => {
    const ledger = await readLedger(session);
    const { applied, changed, skipped, unknown } = compareLedger(chapters, ledger);
    const isComparable = changed.length + skipped.length + unknown.length === 0;

    const stateOf = (id: number) => {
      if (applied.some((chapter) => chapter.id === id)) return "applied";
      if (changed.some((chapter) => chapter.id === id)) return "changed";
      return skipped.some((chapter) => chapter.id === id) ? "skipped" : "pending";
    };

    return {
      cell: options.cell,
      environment: await readEnvironment(session),
      chapters: chapters.map(({ id, fileName }) => ({
        id,
        fileName,
        state: stateOf(id),
        executionTime: ledger.find((entry) => entry.id === id)?.executionTime ?? null,
      })),
      unknown,
      drift:
        options.lookForDrift === true && isComparable && applied.length > 0
          ? await findDrift(session, applied)
          : undefined,
    };
  });
}
