import type { ClientBase } from "pg";

import { MigrationError } from "../errors.js";
import type { CellName } from "./cell.js";
import { assertChapter, readChapters, readDownFiles, type Chapter, type ChapterDirectories, type DownFile } from "./chapters.js";
import { assertExplained, compareLedger, listFiles, readLedger } from "./ledger.js";
import { withMigrationLock, type LockOptions } from "./lock.js";
import { inCell, withoutLockTimeout, type CellSession, type SessionOptions } from "./session.js";
import { chapterError } from "./up.js";

/** What to undo, and how. */
export interface DownOptions extends ChapterDirectories, LockOptions, SessionOptions {
  readonly cell: CellName;

  /** The chapter that stays the newest; 0 leaves an empty cell. */
  readonly to: number;

  /** Told before each chapter is undone. */
  readonly onChapter?: ((chapter: Chapter) => void) | undefined;
}

/** A table that a down-migration takes with it. */
export interface DoomedTable {
  readonly name: string;

  /** What the statistics say; -1 when nobody has counted. */
  readonly estimatedRows: number;

  /** With its indexes, in bytes. */
  readonly size: number;
}

/** What a run would undo. */
export interface DownPlan {
  readonly cell: CellName;

  /** Newest first. */
  readonly chapters: readonly Chapter[];

  /** The tables of the cell as they are now, largest first. */
  readonly tables: readonly DoomedTable[];
}

/**
 * What {@link down} would undo, having refused what it would refuse.
 *
 * @throws {@link MigrationError} as {@link down} does.
 */
export async function planDown(client: ClientBase, options: DownOptions): Promise<DownPlan> {
  return inCell(client, options.cell, options, async (session) => {
    const steps = await readSteps(session, options);
    return {
      cell: options.cell,
      chapters: steps.map(({ chapter }) => chapter),
      tables: steps.length > 0 ? await readTables(session) : [],
    };
  });
}

/**
 * Undoes the chapters after `to`, newest first: each down file and the removal of
 * the ledger's line in one transaction. This destroys data; ask somebody first.
 *
 * @returns the chapters that were undone, newest first.
 * @throws {@link MigrationError} `changed` or `unknown` when the ledger and the
 * files disagree, `incomplete` when a down file is missing, all before anything
 * runs; `no_such_chapter` when `to` is not one the cell has; `failed` when a file
 * fails: that chapter stays, those after it are gone.
 */
export async function down(client: ClientBase, options: DownOptions): Promise<readonly Chapter[]> {
  return inCell(client, options.cell, options, (session) =>
    withMigrationLock(client, options, async () => {
      const steps = await readSteps(session, options);

      for (const { chapter, file } of steps) {
        options.onChapter?.(chapter);
        await undo(session, chapter, file);
      }
      return steps.map(({ chapter }) => chapter);
    }),
  );
}

interface Step {
  readonly chapter: Chapter;
  readonly file: DownFile;
}

async function readSteps(session: CellSession, options: DownOptions): Promise<Step[]> {
  const chapters = await readChapters(options);
  assertChapter(chapters, options.to);
  const files = await readDownFiles(options);
  const comparison = compareLedger(chapters, await readLedger(session));
  assertExplained(comparison, session);

  const { to } = options;
  if (to !== 0 && !comparison.applied.some(({ id }) => id === to)) {
    throw new MigrationError("no_such_chapter", `Cell "${options.cell}" does not have chapter ${to}`, {
      remedy: `Its newest is ${comparison.applied.at(-1)?.fileName ?? "none"}`,
    });
  }

  const doomed = comparison.applied.filter(({ id }) => id > to).reverse();
  const missing = doomed.filter(({ id }) => !files.has(id));
  if (missing.length > 0) {
    throw new MigrationError("incomplete", `Nothing says how to undo ${listFiles(missing)}`, {
      remedy: "Write the file of the same number in sql/down, or restore a backup instead",
    });
  }
  return doomed.map((chapter) => ({ chapter, file: files.get(chapter.id) as DownFile }));
}

async function undo({ client }: CellSession, chapter: Chapter, file: DownFile): Promise<void> {
  try {
    const send = () => client.query(file.sql);
    if (file.inTransaction) {
      await client.query("begin");
      await send();
    } else {
      await withoutLockTimeout(client, send);
    }

    const { rowCount } = await client.query(
      "delete from migrations where id = $1 and id = (select max(id) from migrations)",
      [chapter.id],
    );
    if (rowCount !== 1) throw new Error("the ledger's newest line is another chapter's");

    if (file.inTransaction) await client.query("commit");
  } catch (error) {
    if (file.inTransaction) await client.query("rollback").catch(() => undefined);
    throw chapterError(file, error);
  }
}

/** As the catalog has it: the owner itself sees no row to count. */
async function readTables({ client, cell }: CellSession): Promise<DoomedTable[]> {
  const { rows } = await client.query<DoomedTable>(
    `select
       root.relname as name,
       sum(leaf.reltuples)::float8 as "estimatedRows",
       sum(pg_total_relation_size(leaf.oid))::float8 as size
     from pg_catalog.pg_class as root
       left join lateral pg_partition_tree(root.oid) as tree on tree.isleaf
       join pg_catalog.pg_class as leaf on leaf.oid = coalesce(tree.relid, root.oid)
     where root.relnamespace = to_regnamespace($1)
       and root.relkind in ('r', 'p')
       and not root.relispartition
       and root.relname <> 'migrations'
     group by root.relname
     order by size desc, name`,
    [cell],
  );
  return rows;
}
