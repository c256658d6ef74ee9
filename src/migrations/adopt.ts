import type { ClientBase } from "pg";
import { loadMigrationFiles } from "postgres-migrations";

import { MigrationError } from "../errors.js";
import { compareCatalogs, readCatalog, type CatalogDifference } from "./catalog.js";
import type { CellName } from "./cell.js";
import {
  assertChapter,
  chapterDirectories,
  readChapters,
  type Chapter,
  type ChapterDirectories,
} from "./chapters.js";
import { comparable, withoutLedger } from "./drift.js";
import { compareLedger, ensureLedger, hasLedger, listFiles, readLedger } from "./ledger.js";
import { withMigrationLock, type LockOptions } from "./lock.js";
import { replayChapters } from "./replay.js";
import { inCell, type CellSession, type SessionOptions } from "./session.js";

/** Which cell to recognise. */
export interface AdoptOptions extends ChapterDirectories, LockOptions, SessionOptions {
  readonly cell: CellName;

  /** The newest chapter that was run by hand. @defaultValue found by comparing */
  readonly to?: number | undefined;

  /** Compare, and write nothing. @defaultValue false */
  readonly dryRun?: boolean | undefined;
}

/** What was recognised. */
export interface AdoptResult {
  readonly cell: CellName;

  /** The newest chapter the cell has, or is nearest to; `undefined` for an empty cell. */
  readonly newest: Chapter | undefined;

  /** The chapters that the ledger did not have: written now, unless something differs. */
  readonly adopted: readonly Chapter[];

  /** What is not as the chapters make it. Not empty: nothing was written. */
  readonly differences: readonly CatalogDifference[];
}

/**
 * Recognises a cell to which somebody applied the chapters with psql: runs them
 * again in a scratch schema that is rolled back, compares the catalogs, and only
 * where they are the same writes the ledger that the runner would have written.
 *
 * @throws {@link MigrationError} `changed` or `unknown` when the ledger speaks of
 * other chapters than these; `unknown` when two chapters leave the same catalog
 * and nobody said which; `no_such_chapter` for a number nobody has.
 */
export async function adopt(client: ClientBase, options: AdoptOptions): Promise<AdoptResult> {
  const chapters = await readChapters(options);
  assertChapter(chapters, options.to);

  return inCell(client, options.cell, options, (session) =>
    withMigrationLock(client, options, async () => {
      const { newest, differences } = await recognise(session, chapters, options.to);
      const ledger = compareLedger(chapters, await readLedger(session));
      assertSameChapters(ledger, session, newest);

      const adopted = ledger.pending.filter(({ id }) => id <= (newest?.id ?? 0));
      if (differences.length === 0 && !options.dryRun && adopted.length > 0) {
        await writeLedger(session, adopted, options);
      }
      return { cell: options.cell, newest, adopted, differences };
    }),
  );
}

interface Candidate {
  readonly newest: Chapter | undefined;
  readonly differences: readonly CatalogDifference[];
}

/** The chapter after which the catalog is as it is, or the nearest one. */
async function recognise(
  session: CellSession,
  chapters: readonly Chapter[],
  to: number | undefined,
): Promise<Candidate> {
  const { client, cell, extensionsSchema } = session;
  const found = withoutLedger(comparable(await readCatalog(client, cell, extensionsSchema)));

  const candidates: Candidate[] = [];
  const replayed = chapters.filter(({ id }) => to === undefined || id <= to);
  for await (const { chapter, read } of replayChapters(session, replayed)) {
    const differences = compareCatalogs(withoutLedger(comparable(await read())), found);
    candidates.push({ newest: chapter, differences });
  }
  if (to !== undefined) return candidates.at(-1) as Candidate;

  const same = candidates.filter(({ differences }) => differences.length === 0);
  if (same.length > 1) {
    throw new MigrationError(
      "unknown",
      `Cell "${cell}" looks the same after ${same.map(({ newest }) => newest?.fileName ?? "nothing").join(" and after ")}`,
      { remedy: "Say which it has had, with --to" },
    );
  }
  // Of two that are as near, the later: more of it is there.
  return candidates.reduce((nearest, candidate) =>
    candidate.differences.length <= nearest.differences.length ? candidate : nearest,
  );
}

function assertSameChapters(
  { changed, unknown, applied }: ReturnType<typeof compareLedger>,
  { cell }: CellSession,
  newest: Chapter | undefined,
): void {
  const beyond = applied.filter(({ id }) => id > (newest?.id ?? 0));
  if (changed.length === 0 && unknown.length === 0 && beyond.length === 0) return;

  const files = [
    ...changed.map(({ fileName }) => fileName),
    ...unknown.map(({ id, name }) => `${String(id).padStart(4, "0")}_${name}`),
    ...beyond.map(({ fileName }) => fileName),
  ];
  throw new MigrationError(
    changed.length > 0 ? "changed" : "unknown",
    `The ledger of cell "${cell}" speaks of ${files.join(", ")}, and the cell is at ${newest === undefined ? "nothing" : listFiles([newest])}`,
    { remedy: "Adopt with the release whose chapters were applied" },
  );
}

async function writeLedger(
  session: CellSession,
  adopted: readonly Chapter[],
  options: AdoptOptions,
): Promise<void> {
  const { client } = session;
  // Number 0 is the package's own: the ledger itself.
  const files = await loadMigrationFiles(chapterDirectories(options).directory);
  const lines = files.filter(({ id }) => id === 0 || adopted.some((chapter) => chapter.id === id));

  if (!(await hasLedger(session))) await ensureLedger(session);
  await client.query("begin");
  try {
    for (const { id, name, hash } of lines) {
      await client.query(
        "insert into migrations (id, name, hash) values ($1, $2, $3) on conflict (id) do nothing",
        [id, name, hash],
      );
    }
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}
