/** PostgreSQL's table locks, weakest first, as its documentation spells them. */
export const LOCK_MODES = [
  "ACCESS SHARE",
  "ROW SHARE",
  "ROW EXCLUSIVE",
  "SHARE UPDATE EXCLUSIVE",
  "SHARE",
  "SHARE ROW EXCLUSIVE",
  "EXCLUSIVE",
  "ACCESS EXCLUSIVE",
] as const;

/** A table lock. */
export type LockMode = (typeof LOCK_MODES)[number];

/** What a statement does to a table while it holds the lock. */
export type Work =
  /** Only the catalog: moments, whatever the table's size. */
  | "catalog"
  /** Rows are read or written as the statement says. */
  | "rows"
  /** Every row is read once. */
  | "scan"
  /** An index is built from every row. */
  | "index"
  /** Every row is written again, and every index built again. */
  | "rewrite";

/** One lock that a statement takes. */
export interface PlannedLock {
  /** The relation, unqualified when it is the cell's. */
  readonly relation: string;
  readonly mode: LockMode;
  readonly work: Work;
}

/** Whether the one lock is stronger than the other, or as strong. */
export function isAtLeast(mode: LockMode, other: LockMode): boolean {
  return LOCK_MODES.indexOf(mode) >= LOCK_MODES.indexOf(other);
}

/** The mode that `pg_locks` calls `AccessExclusiveLock`. */
export function parseLockMode(name: string): LockMode {
  const words = name.replace(/Lock$/, "").replace(/(?<=[a-z])(?=[A-Z])/g, " ").toUpperCase();
  const mode = LOCK_MODES.find((known) => known === words);
  if (mode === undefined) throw new TypeError(`no lock is called ${name}`);
  return mode;
}

/** Whom the lock keeps waiting, in words. */
export function blockedBy(mode: LockMode): "nobody" | "other changes" | "writers" | "everybody" {
  if (mode === "ACCESS EXCLUSIVE") return "everybody";
  if (isAtLeast(mode, "SHARE")) return "writers";
  return mode === "SHARE UPDATE EXCLUSIVE" ? "other changes" : "nobody";
}

const WORKS: readonly Work[] = ["catalog", "rows", "scan", "index", "rewrite"];

/** One lock per relation: the strongest, with the heaviest work. */
export function strongestLocks(locks: Iterable<PlannedLock>): PlannedLock[] {
  const strongest = new Map<string, PlannedLock>();
  for (const lock of locks) {
    const other = strongest.get(lock.relation) ?? lock;
    strongest.set(lock.relation, {
      relation: lock.relation,
      mode: isAtLeast(lock.mode, other.mode) ? lock.mode : other.mode,
      work: WORKS.indexOf(lock.work) >= WORKS.indexOf(other.work) ? lock.work : other.work,
    });
  }
  return [...strongest.values()];
}
