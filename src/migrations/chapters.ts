import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { loadMigrationFiles } from "postgres-migrations";

import { MigrationError } from "../errors.js";

/** Where this package keeps its SQL. */
export const SQL_DIRECTORY = fileURLToPath(new URL("../../sql/", import.meta.url));

/** The line by which a file asks to run outside a transaction, alone. */
const OUTSIDE_TRANSACTION = "-- postgres-migrations disable-transaction";

const DOWN_FILE = /^(\d+)[-_].*\.sql$/;

/** One numbered file of `sql/migrations`. */
export interface Chapter {
  /** Its number, from 1 without gaps. */
  readonly id: number;

  /** The rest of its name: `sessions` of `0006_sessions.sql`. */
  readonly name: string;

  readonly fileName: string;

  /** What the ledger remembers of it: a digest of its name and text. */
  readonly hash: string;

  readonly sql: string;

  /** False for a file that says it cannot run in a transaction. */
  readonly inTransaction: boolean;
}

/** The file of `sql/down` that undoes one chapter. */
export interface DownFile {
  readonly id: number;
  readonly fileName: string;
  readonly sql: string;
  readonly inTransaction: boolean;
}

/** Where chapters are read from; both default to what the package ships. */
export interface ChapterDirectories {
  /** @defaultValue `sql/migrations` of this package */
  readonly directory?: string | undefined;

  /** @defaultValue the folder `down` beside `directory` */
  readonly downDirectory?: string | undefined;
}

/** The two folders, with defaults in place. */
export function chapterDirectories({ directory, downDirectory }: ChapterDirectories = {}): {
  directory: string;
  downDirectory: string;
} {
  const up = directory ?? join(SQL_DIRECTORY, "migrations");
  return { directory: up, downDirectory: downDirectory ?? join(up, "..", "down") };
}

/**
 * The chapters of a folder, in the order they run.
 *
 * @throws {@link MigrationError} `incomplete` when a number is missing or twice there.
 */
export async function readChapters(directories: ChapterDirectories = {}): Promise<Chapter[]> {
  const { directory } = chapterDirectories(directories);

  const files = await loadMigrationFiles(directory).catch((cause: unknown) => {
    throw new MigrationError("incomplete", `The chapters in ${directory} cannot be read: ${messageOf(cause)}`, {
      remedy: "Number them 0001, 0002, … without gaps, one file each",
      cause,
    });
  });

  // The package brings a number 0 of its own, which makes its table.
  return files
    .filter(({ id }) => id > 0)
    .map(({ id, name, fileName, hash, sql }) => ({
      id,
      name,
      fileName,
      hash,
      sql,
      inTransaction: !sql.includes(OUTSIDE_TRANSACTION),
    }));
}

/**
 * Passes for the number of a chapter, for 0, and for none.
 *
 * @throws {@link MigrationError} `no_such_chapter`, with the last there is.
 */
export function assertChapter(chapters: readonly Chapter[], to: number | undefined): void {
  if (to === undefined || to === 0 || chapters.some(({ id }) => id === to)) return;
  throw new MigrationError("no_such_chapter", `There is no chapter ${to}`, {
    remedy: `The last one is ${chapters.at(-1)?.fileName ?? "none"}`,
  });
}

/** The files that undo chapters, by the number of the chapter. */
export async function readDownFiles(
  directories: ChapterDirectories = {},
): Promise<Map<number, DownFile>> {
  const { downDirectory } = chapterDirectories(directories);
  const names = await readdir(downDirectory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });

  const files = new Map<number, DownFile>();
  for (const fileName of names.sort()) {
    const id = Number(DOWN_FILE.exec(fileName)?.[1] ?? NaN);
    if (Number.isNaN(id)) continue;

    const sql = await readFile(join(downDirectory, fileName), "utf8");
    files.set(id, { id, fileName, sql, inTransaction: !sql.includes(OUTSIDE_TRANSACTION) });
  }
  return files;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
