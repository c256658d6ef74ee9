import type { ClientBase } from "pg";

import { applyStatement } from "./after-statement.js";
import type { CellName } from "./cell.js";
import { assertChapter, readChapters, type Chapter, type ChapterDirectories } from "./chapters.js";
import { readFunctions, type Functions } from "./functions.js";
import { compareLedger, readLedger, type LedgerComparison } from "./ledger.js";
import { blockedBy, isAtLeast, type PlannedLock, type Work } from "./lock-modes.js";
import { findLocks } from "./locks.js";
import { readRelations, type Relations } from "./relations.js";
import { inCell, type SessionOptions } from "./session.js";
import { parseStatements } from "./statements.js";

/** Which cell, and how far. */
export interface PlanOptions extends ChapterDirectories, SessionOptions {
  readonly cell: CellName;

  /** Stop after the chapter of this number. @defaultValue the last one */
  readonly to?: number | undefined;
}

/** A lock, and whether somebody may be using what it is on. */
export interface StatementLock extends PlannedLock {
  /** False for what an earlier statement of these chapters makes: nobody can be waiting there. */
  readonly isOld: boolean;
}

/** What one statement would do. */
export interface StatementPlan {
  readonly line: number;

  /** Its first words. */
  readonly summary: string;
  readonly locks: readonly StatementLock[];

  /** Why it may lock more than that; `undefined` when it does not. */
  readonly unseen: string | undefined;

  /** Who waits for what, in a sentence; `undefined` when nobody waits long enough to notice. */
  readonly danger: string | undefined;
}

/** What one chapter would do. */
export interface ChapterPlan {
  readonly id: number;
  readonly fileName: string;
  readonly inTransaction: boolean;
  readonly statements: readonly StatementPlan[];
}

/** What `up` would do to one cell. */
export interface Plan {
  readonly cell: CellName;
  readonly ledger: LedgerComparison;
  readonly chapters: readonly ChapterPlan[];

  /** Whether any statement is dangerous. */
  readonly isDangerous: boolean;
}

/**
 * What {@link up} would run, statement by statement, with the locks each takes.
 * Reads the files and the catalog; runs nothing.
 *
 * @throws {@link MigrationError} `failed` when PostgreSQL's grammar refuses a file.
 */
export async function plan(client: ClientBase, options: PlanOptions): Promise<Plan> {
  const all = await readChapters(options);
  assertChapter(all, options.to);

  return inCell(client, options.cell, options, async (session) => {
    const ledger = compareLedger(all, await readLedger(session));
    const pending = ledger.pending.filter(({ id }) => options.to === undefined || id <= options.to);
    const chapters = await planChapters(
      pending,
      await readRelations(session),
      await readFunctions(session),
    );
    return {
      cell: options.cell,
      ledger,
      chapters,
      isDangerous: chapters.some(({ statements }) =>
        statements.some(({ danger }) => danger !== undefined),
      ),
    };
  });
}

/** The plan of some chapters, for a cell with these relations and functions. Changes both. */
export async function planChapters(
  chapters: readonly Chapter[],
  relations: Relations,
  functions: Functions,
): Promise<ChapterPlan[]> {
  const plans: ChapterPlan[] = [];

  for (const { id, fileName, sql, inTransaction } of chapters) {
    const statements: StatementPlan[] = [];
    for (const { line, sql: text, tree } of await parseStatements(fileName, sql)) {
      const { locks: found, unseen } = findLocks(tree, relations, functions);
      const locks = found.map((lock) => ({
        ...lock,
        isOld: relations.get(lock.relation)?.isOld === true,
      }));
      const danger = dangerOf(locks, unseen, relations);
      statements.push({ line, summary: summaryOf(text), locks, unseen, danger });
      applyStatement(tree, relations, functions);
    }
    plans.push({ id, fileName, inTransaction, statements });
  }
  return plans;
}

const WHILE: Readonly<Record<Work, string>> = {
  catalog: "for a moment",
  rows: "while it works",
  scan: "while it reads every row",
  index: "while it builds an index",
  rewrite: "while it writes every row again",
};

/**
 * Dangerous is what others notice on a table they may be using: everybody waits,
 * however shortly, since all who come after the waiting statement wait behind it;
 * or writers wait for as long as the table is large; or nobody can tell.
 */
function dangerOf(
  locks: readonly StatementLock[],
  unseen: string | undefined,
  relations: Relations,
): string | undefined {
  const reasons = locks
    .filter(({ isOld }) => isOld)
    .filter(
      ({ mode, work }) =>
        isAtLeast(mode, "EXCLUSIVE") ||
        (isAtLeast(mode, "SHARE") && ["scan", "index", "rewrite"].includes(work)),
    )
    .map(({ relation, mode, work }) => `${blockedBy(mode)} on ${relation} ${WHILE[work]}`);
  if (reasons.length > 0) return `keeps waiting ${reasons.join(", and ")}`;

  const hasOld = [...relations.values()].some(({ isOld, name }) => isOld && name !== "migrations" && !name.startsWith("migrations_"));
  return unseen !== undefined && hasOld ? `cannot be told: it ${unseen}` : undefined;
}

function summaryOf(text: string): string {
  const [first = ""] = text.replace(/\s+/g, " ").match(/^.{0,100}/) ?? [];
  return first.trim();
}
