import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import pg, { type ClientBase } from "pg";
import { migrate } from "postgres-migrations";

import { MigrationError } from "../errors.js";
import type { CellName } from "./cell.js";
import {
  assertChapter,
  chapterDirectories,
  readChapters,
  type Chapter,
  type ChapterDirectories,
} from "./chapters.js";
import { describeDatabaseError } from "./database-error.js";
import { assertExplained, compareLedger, ensureLedger, readLedger } from "./ledger.js";
import { dropInvalidIndexes } from "./leftovers.js";
import { withMigrationLock, type LockOptions } from "./lock.js";
import { inCell, withoutLockTimeout, type CellSession, type SessionOptions } from "./session.js";

/** What to apply, and how. */
export interface UpOptions extends ChapterDirectories, LockOptions, SessionOptions {
  readonly cell: CellName;

  /** Stop after the chapter of this number. @defaultValue the last one */
  readonly to?: number | undefined;

  /** Told before each chapter. */
  readonly onChapter?: ((chapter: Chapter) => void) | undefined;
}

/** What a run did. */
export interface UpResult {
  readonly cell: CellName;

  /** The chapters this run applied, in order. */
  readonly applied: readonly Chapter[];

  /** How many the cell had before. */
  readonly alreadyApplied: number;
}

/**
 * Brings a cell up to date: each chapter and its line in the ledger in one
 * transaction, in order, by one runner at a time. The others wait, and find
 * nothing left to do.
 *
 * @throws {@link MigrationError} `failed` when a chapter fails: that chapter left
 * nothing, those before it stay. `changed` or `unknown` when the ledger and the
 * files disagree, before anything runs; `no_such_chapter` for a number nobody has.
 * @throws {@link ConfigurationError} when the connection cannot be used for this.
 */
export async function up(client: ClientBase, options: UpOptions): Promise<UpResult> {
  const chapters = await readChapters(options);
  const { to } = options;
  assertChapter(chapters, to);

  return inCell(client, options.cell, options, (session) =>
    withMigrationLock(client, options, async () => {
      await ensureLedger(session);
      const comparison = compareLedger(chapters, await readLedger(session));
      assertExplained(comparison, session);

      const pending = comparison.pending.filter(({ id }) => to === undefined || id <= to);
      if (pending.length > 0) {
        await runChapters(session, options, chapters, pending);
      }

      return {
        cell: options.cell,
        applied: pending,
        alreadyApplied: comparison.applied.length,
      };
    }),
  );
}

async function runChapters(
  session: CellSession,
  options: UpOptions,
  chapters: readonly Chapter[],
  pending: readonly Chapter[],
): Promise<void> {
  const { directory } = chapterDirectories(options);
  const last = pending.at(-1)?.id ?? 0;
  const isEverything = last === chapters.at(-1)?.id;

  // The package runs all there is in a folder; to stop earlier, show it less.
  const shown = isEverything ? directory : await mkdtemp(join(tmpdir(), "safetypin-chapters-"));
  const listener = listen(session, pending, options.onChapter);

  try {
    if (!isEverything) {
      for (const { id, fileName } of chapters) {
        if (id <= last) await copyFile(join(directory, fileName), join(shown, fileName));
      }
    }
    await migrate({ client: listener.client }, shown);
  } catch (error) {
    throw listener.explain(error);
  } finally {
    if (!isEverything) await rm(shown, { recursive: true, force: true });
  }
}

/**
 * The client, overheard: `postgres-migrations` keeps only the message of an
 * error, and says nothing before a chapter begins.
 */
function listen(
  session: CellSession,
  pending: readonly Chapter[],
  onChapter: UpOptions["onChapter"],
): { client: pg.Client; explain: (error: unknown) => unknown } {
  const { client } = session;
  let running: Chapter | undefined;
  let failure: unknown;
  let wasCommitting = false;

  const query = async (statement: string | pg.QueryConfig): Promise<pg.QueryResult> => {
    const chapter = pending.find(({ sql }) => sql === statement);
    if (chapter !== undefined) {
      running = chapter;
      onChapter?.(chapter);
    }
    try {
      const send = () => client.query(statement);
      const result =
        chapter === undefined || chapter.inTransaction
          ? await send()
          : await withoutLockTimeout(client, async () => {
              await dropInvalidIndexes(session, chapter);
              return send();
            });
      if (statement === "COMMIT") running = undefined;
      return result;
    } catch (error) {
      wasCommitting ||= failure === undefined && statement === "COMMIT";
      failure ??= error;
      throw error;
    }
  };

  const explain = (error: unknown) => {
    if (running === undefined || failure === undefined) return failure ?? error;
    if (wasCommitting && !(failure instanceof pg.DatabaseError)) {
      return new MigrationError(
        "failed",
        `The connection was lost while ${running.fileName} was being committed: it is there whole, or not at all`,
        { remedy: "See which: safetypin migrate status", cause: failure },
      );
    }
    return chapterError(running, failure);
  };

  return { client: { query } as unknown as pg.Client, explain };
}

/** The error of a file, with its place in the file. */
export function chapterError(
  file: Pick<Chapter, "fileName" | "sql" | "inTransaction">,
  cause: unknown,
): MigrationError {
  const { sentence, place, remedy } = describeDatabaseError(cause, file.sql);
  const kept = file.inTransaction
    ? "Nothing of this file was kept."
    : "This file runs outside a transaction: look at what it left.";

  return new MigrationError("failed", `${file.fileName}${place}: ${sentence}. ${kept}`, {
    remedy,
    cause,
  });
}
