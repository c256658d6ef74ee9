import type { CommentStmt, CreateStmt, DropStmt, Node, RenameStmt } from "libpg-query";

import { functionLocks } from "./chapter-functions.js";
import { bodyOf, mayLockTables, type Functions } from "./functions.js";
import { LOCK_MODES, strongestLocks, type LockMode, type PlannedLock, type Work } from "./lock-modes.js";
import { findCalls, findQueryLocks } from "./query-locks.js";
import { nameOf, partitionsOf, wordsOf, type Relations } from "./relations.js";
import { findAlterTableLocks, foreignKeysOf, withPartitions } from "./table-locks.js";

/** What a statement asks of the tables that are there when it runs. */
export interface StatementLocks {
  /** One per relation, the strongest. Relations that the statement makes are not among them. */
  readonly locks: readonly PlannedLock[];

  /** Why there may be more than these; `undefined` when there are not. */
  readonly unseen: string | undefined;
}

/** Statements that lock no relation, or only those that they make. */
const HARMLESS = new Set([
  "AlterDefaultPrivilegesStmt",
  "AlterEnumStmt",
  "AlterFunctionStmt",
  "AlterObjectDependsStmt",
  "AlterOwnerStmt",
  "AlterRoleSetStmt",
  "AlterRoleStmt",
  "AlterStatsStmt",
  "AlterTypeStmt",
  "CompositeTypeStmt",
  "ConstraintsSetStmt",
  "CreateCastStmt",
  "CreateDomainStmt",
  "CreateEnumStmt",
  "CreateExtensionStmt",
  "CreateFunctionStmt",
  "CreateRangeStmt",
  "CreateRoleStmt",
  "CreateSchemaStmt",
  "CreateSeqStmt",
  "DefineStmt",
  "DiscardStmt",
  "GrantRoleStmt",
  "GrantStmt",
  "ListenStmt",
  "NotifyStmt",
  "TransactionStmt",
  "VariableSetStmt",
  "VariableShowStmt",
]);

const QUERIES = new Set(["SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CallStmt"]);

/**
 * The locks that a statement takes on relations that exist when it runs: all from
 * SHARE UPDATE EXCLUSIVE on, which somebody may have to wait for, and of the
 * weaker ones those on tables whose rows it reads or writes.
 *
 * Follows the lock levels of PostgreSQL 15 to 18 (`AlterTableGetLockLevel` and
 * its neighbours), held to `pg_locks` by a test.
 */
export function findLocks(tree: Node, relations: Relations, functions: Functions): StatementLocks {
  const kind = Object.keys(tree)[0] ?? "";
  const own = isPlainBlock(tree, functions) ? [] : findOwnLocks(tree, kind, relations);
  const code = QUERIES.has(kind) ? findCode(tree, relations, functions) : undefined;

  const locks = [...(own ?? []), ...(code?.locks ?? [])].filter(({ relation }) => relations.has(relation));
  return {
    locks: strongestLocks(locks),
    unseen: own === undefined || isCascading(tree) ? whyUnseen(tree, kind) : code?.unseen,
  };
}

/** `undefined` where the grammar cannot tell. */
function findOwnLocks(tree: Node, kind: string, relations: Relations): PlannedLock[] | undefined {
  const lock = (relation: string, mode: LockMode, work: Work = "catalog"): PlannedLock[] => [
    { relation, mode, work },
  ];

  if (HARMLESS.has(kind)) return [];
  if (QUERIES.has(kind)) return findQueryLocks(tree);

  if ("CreateStmt" in tree) return findCreateTableLocks(tree.CreateStmt, relations);
  if ("AlterTableStmt" in tree) return findAlterTableLocks(tree.AlterTableStmt, relations);
  if ("DropStmt" in tree) return findDropLocks(tree.DropStmt, relations);
  if ("RenameStmt" in tree) return findRenameLocks(tree.RenameStmt);
  if ("CommentStmt" in tree) return findCommentLocks(tree.CommentStmt);

  if ("IndexStmt" in tree) {
    const { relation, concurrent = false } = tree.IndexStmt;
    const mode = concurrent ? "SHARE UPDATE EXCLUSIVE" : "SHARE";
    return relation?.inh === true
      ? withPartitions(nameOf(relation), relations, mode, "index")
      : lock(nameOf(relation), mode);
  }
  if ("CreateTrigStmt" in tree) {
    const { relation, row = false } = tree.CreateTrigStmt;
    return row
      ? withPartitions(nameOf(relation), relations, "SHARE ROW EXCLUSIVE", "catalog")
      : lock(nameOf(relation), "SHARE ROW EXCLUSIVE");
  }
  if ("CreatePolicyStmt" in tree) return lock(nameOf(tree.CreatePolicyStmt.table), "ACCESS EXCLUSIVE");
  if ("AlterPolicyStmt" in tree) return lock(nameOf(tree.AlterPolicyStmt.table), "ACCESS EXCLUSIVE");
  if ("RuleStmt" in tree) return lock(nameOf(tree.RuleStmt.relation), "ACCESS EXCLUSIVE");
  if ("ViewStmt" in tree) return lock(nameOf(tree.ViewStmt.view), "ACCESS EXCLUSIVE");
  if ("CreateTableAsStmt" in tree) return findQueryLocks(tree.CreateTableAsStmt.query);
  if ("ExplainStmt" in tree) return findQueryLocks(tree);
  if ("AlterSeqStmt" in tree) return lock(nameOf(tree.AlterSeqStmt.sequence), "SHARE ROW EXCLUSIVE");
  if ("AlterObjectSchemaStmt" in tree) {
    return lock(nameOf(tree.AlterObjectSchemaStmt.relation), "ACCESS EXCLUSIVE");
  }
  if ("RefreshMatViewStmt" in tree) {
    const { relation, concurrent = false } = tree.RefreshMatViewStmt;
    return lock(nameOf(relation), concurrent ? "EXCLUSIVE" : "ACCESS EXCLUSIVE", "rewrite");
  }
  if ("CopyStmt" in tree) {
    const { relation, query, is_from: isFrom = false } = tree.CopyStmt;
    if (relation === undefined) return findQueryLocks(query);
    return lock(nameOf(relation), isFrom ? "ROW EXCLUSIVE" : "ACCESS SHARE", "rows");
  }
  if ("CreateStatsStmt" in tree) {
    const tables = (tree.CreateStatsStmt.relations ?? []).flatMap(relationNames);
    return tables.flatMap((table) => lock(table, "SHARE UPDATE EXCLUSIVE"));
  }
  if ("TruncateStmt" in tree) {
    const tables = (tree.TruncateStmt.relations ?? []).flatMap(relationNames);
    return tables.flatMap((table) => withPartitions(table, relations, "ACCESS EXCLUSIVE", "rows"));
  }
  if ("LockStmt" in tree) {
    const { relations: nodes = [], mode: level = 8 } = tree.LockStmt;
    const mode = LOCK_MODES[level - 1] ?? "ACCESS EXCLUSIVE";
    return nodes.flatMap(relationNames).flatMap((table) => withPartitions(table, relations, mode, "catalog"));
  }
  if ("ReindexStmt" in tree && tree.ReindexStmt.kind === "REINDEX_OBJECT_TABLE") {
    const isConcurrent = (tree.ReindexStmt.params ?? []).some(
      (node) => "DefElem" in node && node.DefElem.defname === "concurrently",
    );
    return lock(nameOf(tree.ReindexStmt.relation), isConcurrent ? "SHARE UPDATE EXCLUSIVE" : "SHARE", "index");
  }
  if ("ClusterStmt" in tree && tree.ClusterStmt.relation !== undefined) {
    return lock(nameOf(tree.ClusterStmt.relation), "ACCESS EXCLUSIVE", "rewrite");
  }
  return undefined;
}

function findCreateTableLocks(
  { relation, tableElts = [], inhRelations = [], partbound }: CreateStmt,
  relations: Relations,
): PlannedLock[] {
  const parents = inhRelations.flatMap(relationNames);
  const inherited = parents.flatMap((parent) => relations.get(parent)?.foreignKeys ?? []);
  const keys = [...foreignKeysOf(nameOf(relation), tableElts), ...(partbound === undefined ? [] : inherited)];

  return [
    ...keys.flatMap(({ references }) =>
      withPartitions(references, relations, "SHARE ROW EXCLUSIVE", "catalog"),
    ),
    ...parents.map((parent) => ({
      relation: parent,
      mode: partbound === undefined ? ("SHARE UPDATE EXCLUSIVE" as const) : ("ACCESS EXCLUSIVE" as const),
      work: "catalog" as const,
    })),
  ];
}

function findDropLocks(
  { removeType, objects = [], concurrent = false }: DropStmt,
  relations: Relations,
): PlannedLock[] | undefined {
  const exclusive = (relation: string): PlannedLock => ({ relation, mode: "ACCESS EXCLUSIVE", work: "catalog" });
  const names = objects.map((object) => wordsOf(object));

  switch (removeType) {
    case "OBJECT_TABLE":
      return names.flatMap((words) => {
        const table = words.join(".");
        const gone = [table, ...partitionsOf(relations, table).map(({ name }) => name)];
        const { parent, foreignKeys = [] } = relations.get(table) ?? {};
        // A partition's foreign keys are its parent's, which stay.
        const others = parent === undefined ? foreignKeys.map(({ references }) => references) : [parent];
        return [...gone, ...others].map(exclusive);
      });
    case "OBJECT_INDEX":
      return names.flatMap((words) => {
        const table = relations.get(words.join("."))?.parent;
        const mode = concurrent ? "SHARE UPDATE EXCLUSIVE" : "ACCESS EXCLUSIVE";
        return table === undefined ? [] : withPartitions(table, relations, mode, "catalog");
      });
    case "OBJECT_TRIGGER":
      return names.flatMap((words) =>
        withPartitions(words.slice(0, -1).join("."), relations, "ACCESS EXCLUSIVE", "catalog"),
      );
    case "OBJECT_POLICY":
    case "OBJECT_RULE":
      return names.map((words) => exclusive(words.slice(0, -1).join(".")));
    case "OBJECT_VIEW":
    case "OBJECT_MATVIEW":
    case "OBJECT_SEQUENCE":
      return names.map((words) => exclusive(words.join(".")));
    case "OBJECT_STATISTIC_EXT":
      return undefined;
    default:
      return [];
  }
}

function findRenameLocks({ renameType, relation }: RenameStmt): PlannedLock[] {
  if (relation === undefined) return [];
  const mode = renameType === "OBJECT_INDEX" ? "SHARE UPDATE EXCLUSIVE" : "ACCESS EXCLUSIVE";
  return [{ relation: nameOf(relation), mode, work: "catalog" }];
}

function findCommentLocks({ objtype, object }: CommentStmt): PlannedLock[] {
  const words = wordsOf(object);
  const quiet = (relation: string): PlannedLock[] => [
    { relation, mode: "SHARE UPDATE EXCLUSIVE", work: "catalog" },
  ];
  switch (objtype) {
    case "OBJECT_TABLE":
    case "OBJECT_VIEW":
    case "OBJECT_MATVIEW":
    case "OBJECT_SEQUENCE":
    case "OBJECT_INDEX":
      return quiet(words.join("."));
    case "OBJECT_COLUMN":
      return quiet(words.slice(0, -1).join("."));
    default:
      return [];
  }
}

/** What the functions do that a query calls, as far as it is known. */
function findCode(tree: Node, relations: Relations, functions: Functions): StatementLocks {
  const calls = findCalls(tree).filter(({ name }) =>
    mayLockTables(`${name}(`, functions),
  );
  const known = calls.map(({ name, call }) => functionLocks(name, call, relations));
  const unknown = calls.filter((_call, place) => known[place] === undefined);

  return {
    locks: known.flatMap((locks) => locks ?? []),
    unseen:
      unknown.length > 0
        ? `calls ${[...new Set(unknown.map(({ name }) => `${name}()`))].join(", ")}`
        : undefined,
  };
}

/** A block of code that only reads and writes rows. */
function isPlainBlock(tree: Node, functions: Functions): boolean {
  return "DoStmt" in tree && !mayLockTables(bodyOf(tree.DoStmt.args ?? []), functions);
}

/** Whether it takes along whatever depends on what it drops. */
function isCascading(tree: Node): boolean {
  if ("DropStmt" in tree) return tree.DropStmt.behavior === "DROP_CASCADE";
  return (
    "AlterTableStmt" in tree &&
    (tree.AlterTableStmt.cmds ?? []).some(
      (node) => "AlterTableCmd" in node && node.AlterTableCmd.behavior === "DROP_CASCADE",
    )
  );
}

function whyUnseen(tree: Node, kind: string): string {
  if ("DoStmt" in tree) return "runs code";
  if (isCascading(tree)) return "drops whatever depends on it";
  if ("DropStmt" in tree) return "drops what the grammar does not place on a table";
  return `${kind.replace(/Stmt$/, "")} is not known to this plan`;
}

function relationNames(node: Node): string[] {
  return "RangeVar" in node ? [nameOf(node.RangeVar)] : [];
}
