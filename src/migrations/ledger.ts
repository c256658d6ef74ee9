import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { MigrationError } from "../errors.js";
import { SQL_DIRECTORY, type Chapter } from "./chapters.js";
import type { CellSession } from "./session.js";

/** A chapter that the ledger says was applied. */
export interface LedgerEntry {
  readonly id: number;
  readonly name: string;
  readonly hash: string;
  readonly executionTime: Date | null;
}

/** What the ledger and the files say of each other. */
export interface LedgerComparison {
  /** Applied, and the file is still the one that was. */
  readonly applied: readonly Chapter[];

  /** Not applied yet. */
  readonly pending: readonly Chapter[];

  /** Applied, but the file was edited or renamed since. */
  readonly changed: readonly Chapter[];

  /** Applied by a newer release, or from other files: there is no such chapter here. */
  readonly unknown: readonly LedgerEntry[];

  /** Not applied although a later one is. */
  readonly skipped: readonly Chapter[];
}

/** Whether the cell has a ledger. */
export async function hasLedger({ client, cell }: CellSession): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    `select exists (
       select
       from pg_catalog.pg_class
       where relnamespace = to_regnamespace($1)
         and relname = 'migrations'
         and relkind = 'r'
     ) as found`,
    [cell],
  );
  return rows[0]?.found === true;
}

/** Makes the cell's ledger where there is none. Call it under the migration lock. */
export async function ensureLedger(session: CellSession): Promise<void> {
  if (await hasLedger(session)) return;

  const { client } = session;
  const ledger = await readFile(join(SQL_DIRECTORY, "ledger.sql"), "utf8");
  await client.query("begin");
  try {
    await client.query(ledger);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}

/** What the ledger holds, oldest first; nothing where there is no ledger. */
export async function readLedger(session: CellSession): Promise<LedgerEntry[]> {
  if (!(await hasLedger(session))) return [];

  const { rows } = await session.client.query<LedgerEntry>(
    `select
       id,
       name,
       hash,
       executed_at at time zone 'UTC' as "executionTime"
     from migrations
     where id > 0
     order by id`,
  );
  return rows;
}

/** Holds the ledger against the files. */
export function compareLedger(
  chapters: readonly Chapter[],
  ledger: readonly LedgerEntry[],
): LedgerComparison {
  const entries = new Map(ledger.map((entry) => [entry.id, entry]));
  const newest = Math.max(0, ...entries.keys());
  const isApplied = ({ id }: Chapter) => entries.has(id);
  const isUnchanged = ({ id, hash }: Chapter) => entries.get(id)?.hash === hash;

  return {
    applied: chapters.filter((chapter) => isApplied(chapter) && isUnchanged(chapter)),
    pending: chapters.filter((chapter) => !isApplied(chapter)),
    changed: chapters.filter((chapter) => isApplied(chapter) && !isUnchanged(chapter)),
    unknown: ledger.filter(({ id }) => !chapters.some((chapter) => chapter.id === id)),
    skipped: chapters.filter((chapter) => !isApplied(chapter) && chapter.id < newest),
  };
}

/**
 * Refuses to go on from a ledger that the files do not explain.
 *
 * @throws {@link MigrationError} `changed` or `unknown`.
 */
export function assertExplained(
  { changed, unknown, skipped }: LedgerComparison,
  { cell }: Pick<CellSession, "cell">,
): void {
  if (changed.length > 0) {
    throw new MigrationError(
      "changed",
      `${listFiles(changed)} changed since cell "${cell}" had ${changed.length === 1 ? "it" : "them"}`,
      { remedy: "Restore the text that was applied, and put what is new into a new chapter" },
    );
  }
  if (unknown.length > 0) {
    throw new MigrationError(
      "unknown",
      `Cell "${cell}" had ${unknown.map(({ id, name }) => `${String(id).padStart(4, "0")}_${name}`).join(", ")}, which this release does not know`,
      { remedy: "Run this with the release that applied it, or a newer one" },
    );
  }
  if (skipped.length > 0) {
    throw new MigrationError(
      "unknown",
      `Cell "${cell}" never had ${listFiles(skipped)} although it had later ones: its ledger was edited`,
      { remedy: "If the chapter was applied by hand, write the ledger anew: safetypin migrate adopt" },
    );
  }
}

/** The files' names, for a sentence. */
export function listFiles(files: readonly { readonly fileName: string }[]): string {
  return files.map(({ fileName }) => fileName).join(", ");
}
