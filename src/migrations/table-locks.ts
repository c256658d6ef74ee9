import type { AlterTableCmd, AlterTableStmt, ColumnDef, Constraint, Node } from "libpg-query";

import type { LockMode, PlannedLock, Work } from "./lock-modes.js";
import { findCalls } from "./query-locks.js";
import { nameOf, partitionsOf, wordsOf, type ForeignKey, type Relations } from "./relations.js";

/** Functions whose answer is one for a whole statement, so that a new column needs no rewrite. */
const STEADY = new Set([
  "current_setting",
  "now",
  "statement_timestamp",
  "to_timestamp",
  "transaction_timestamp",
]);

/** Options of a table that autovacuum and the planner read, and queries do not. */
const QUIET_OPTION = /^(autovacuum_|toast\.|fillfactor|parallel_workers|log_autovacuum|vacuum_)/;

type Effect = readonly [mode: LockMode, work: Work];

/** What each action of `alter table` asks of the table, where it depends on nothing else. */
const EFFECTS: Readonly<Partial<Record<NonNullable<AlterTableCmd["subtype"]>, Effect>>> = {
  AT_SetStatistics: ["SHARE UPDATE EXCLUSIVE", "catalog"],
  AT_SetOptions: ["SHARE UPDATE EXCLUSIVE", "catalog"],
  AT_ResetOptions: ["SHARE UPDATE EXCLUSIVE", "catalog"],
  AT_ClusterOn: ["SHARE UPDATE EXCLUSIVE", "catalog"],
  AT_DropCluster: ["SHARE UPDATE EXCLUSIVE", "catalog"],
  AT_ValidateConstraint: ["SHARE UPDATE EXCLUSIVE", "scan"],
  AT_EnableTrig: ["SHARE ROW EXCLUSIVE", "catalog"],
  AT_EnableAlwaysTrig: ["SHARE ROW EXCLUSIVE", "catalog"],
  AT_EnableReplicaTrig: ["SHARE ROW EXCLUSIVE", "catalog"],
  AT_EnableTrigAll: ["SHARE ROW EXCLUSIVE", "catalog"],
  AT_EnableTrigUser: ["SHARE ROW EXCLUSIVE", "catalog"],
  AT_DisableTrig: ["SHARE ROW EXCLUSIVE", "catalog"],
  AT_DisableTrigAll: ["SHARE ROW EXCLUSIVE", "catalog"],
  AT_DisableTrigUser: ["SHARE ROW EXCLUSIVE", "catalog"],
  AT_AlterColumnType: ["ACCESS EXCLUSIVE", "rewrite"],
  AT_SetNotNull: ["ACCESS EXCLUSIVE", "scan"],
  AT_SetExpression: ["ACCESS EXCLUSIVE", "rewrite"],
  AT_SetLogged: ["ACCESS EXCLUSIVE", "rewrite"],
  AT_SetUnLogged: ["ACCESS EXCLUSIVE", "rewrite"],
  AT_SetAccessMethod: ["ACCESS EXCLUSIVE", "rewrite"],
  AT_SetTableSpace: ["ACCESS EXCLUSIVE", "rewrite"],
};

/** Actions that reach the partitions of a table too. */
const REACHES_PARTITIONS = new Set<AlterTableCmd["subtype"]>([
  "AT_AddColumn",
  "AT_AddConstraint",
  "AT_AddIdentity",
  "AT_AlterColumnType",
  "AT_AlterConstraint",
  "AT_ColumnDefault",
  "AT_DisableTrig",
  "AT_DisableTrigAll",
  "AT_DisableTrigUser",
  "AT_DropColumn",
  "AT_DropConstraint",
  "AT_DropExpression",
  "AT_DropIdentity",
  "AT_DropNotNull",
  "AT_EnableAlwaysTrig",
  "AT_EnableReplicaTrig",
  "AT_EnableTrig",
  "AT_EnableTrigAll",
  "AT_EnableTrigUser",
  "AT_SetCompression",
  "AT_SetIdentity",
  "AT_SetNotNull",
  "AT_SetOptions",
  "AT_SetStatistics",
  "AT_SetStorage",
  "AT_ValidateConstraint",
]);

/** What `alter table` locks, action by action. */
export function findAlterTableLocks(
  { relation, cmds = [], objtype }: AlterTableStmt,
  relations: Relations,
): PlannedLock[] {
  const table = nameOf(relation);

  return cmds.flatMap((node) => {
    const command = "AlterTableCmd" in node ? node.AlterTableCmd : {};
    const [mode, work] = effectOf(command, objtype !== "OBJECT_TABLE");
    const reached =
      relation?.inh === true && REACHES_PARTITIONS.has(command.subtype)
        ? partitionsOf(relations, table).map(({ name }) => name)
        : [];

    return [
      ...[table, ...reached].map((name) => ({ relation: name, mode, work })),
      ...findOtherTables(command, table, relations),
    ];
  });
}

/** The foreign keys that a column or constraint of a statement brings. */
export function foreignKeysOf(table: string, elements: readonly Node[]): ForeignKey[] {
  return elements.flatMap((element) => {
    if ("Constraint" in element) return foreignKeyOf(table, element.Constraint, []);
    if (!("ColumnDef" in element)) return [];

    const { colname = "", constraints = [] } = element.ColumnDef;
    return constraints.flatMap((constraint) =>
      "Constraint" in constraint ? foreignKeyOf(table, constraint.Constraint, [colname]) : [],
    );
  });
}

function foreignKeyOf(table: string, constraint: Constraint, column: string[]): ForeignKey[] {
  const { contype, conname, pktable, fk_attrs = [] } = constraint;
  if (contype !== "CONSTR_FOREIGN") return [];

  const columns = fk_attrs.length > 0 ? wordsOf(fk_attrs) : column;
  const name = conname ?? `${table}_${columns.join("_")}_fkey`;
  return [{ name, columns, references: nameOf(pktable) }];
}

function effectOf({ subtype, def }: AlterTableCmd, isNoTable: boolean): Effect {
  if (subtype === "AT_AddConstraint" && def !== undefined && "Constraint" in def) {
    return effectOfConstraint(def.Constraint);
  }
  if (subtype === "AT_AddColumn" && def !== undefined && "ColumnDef" in def) {
    return ["ACCESS EXCLUSIVE", workOfColumn(def.ColumnDef)];
  }
  if (subtype === "AT_SetRelOptions" || subtype === "AT_ResetRelOptions") {
    return optionsOf(def).every((option) => QUIET_OPTION.test(option))
      ? ["SHARE UPDATE EXCLUSIVE", "catalog"]
      : ["ACCESS EXCLUSIVE", "catalog"];
  }
  if (subtype === "AT_AttachPartition") return ["SHARE UPDATE EXCLUSIVE", "catalog"];
  if (subtype === "AT_DetachPartition" && isConcurrent(def)) {
    return ["SHARE UPDATE EXCLUSIVE", "catalog"];
  }

  const effect = subtype === undefined ? undefined : EFFECTS[subtype];
  return effect === undefined || isNoTable ? ["ACCESS EXCLUSIVE", "catalog"] : effect;
}

function effectOfConstraint(constraint: Constraint): Effect {
  const { contype, skip_validation: isNotValid = false, indexname } = constraint;
  switch (contype) {
    case "CONSTR_FOREIGN":
      return ["SHARE ROW EXCLUSIVE", isNotValid ? "catalog" : "scan"];
    case "CONSTR_PRIMARY":
    case "CONSTR_UNIQUE":
      return ["ACCESS EXCLUSIVE", indexname === undefined ? "index" : "catalog"];
    case "CONSTR_EXCLUSION":
      return ["ACCESS EXCLUSIVE", "index"];
    default:
      return ["ACCESS EXCLUSIVE", isNotValid ? "catalog" : "scan"];
  }
}

/** A default that is the same for every row is kept once, in the catalog. */
function workOfColumn({ constraints = [], typeName }: ColumnDef): Work {
  const works = constraints.map((node): Work => {
    const { contype, raw_expr } = "Constraint" in node ? node.Constraint : {};
    switch (contype) {
      case "CONSTR_DEFAULT":
        return findCalls(raw_expr).every(({ name }) => STEADY.has(name)) ? "catalog" : "rewrite";
      case "CONSTR_GENERATED":
      case "CONSTR_IDENTITY":
        return "rewrite";
      case "CONSTR_PRIMARY":
      case "CONSTR_UNIQUE":
        return "index";
      case "CONSTR_CHECK":
      case "CONSTR_FOREIGN":
        return "scan";
      default:
        return "catalog";
    }
  });
  const isSerial = wordsOf(typeName?.names).some((word) => /^(small|big)?serial\d?$/.test(word));
  if (isSerial || works.includes("rewrite")) return "rewrite";
  if (works.includes("index")) return "index";
  return works.includes("scan") ? "scan" : "catalog";
}

/** The tables at the other end of what an action adds, checks or removes. */
function findOtherTables(
  { subtype, name, def }: AlterTableCmd,
  table: string,
  relations: Relations,
): PlannedLock[] {
  if (subtype === "AT_AddConstraint" || subtype === "AT_AddColumn") {
    const targets = foreignKeysOf(table, def === undefined ? [] : [def]);
    return targets.flatMap(({ references }) =>
      withPartitions(references, relations, "SHARE ROW EXCLUSIVE", "catalog"),
    );
  }

  if (subtype === "AT_DropConstraint" || subtype === "AT_DropColumn") {
    const keys = relations.get(table)?.foreignKeys ?? [];
    return keys
      .filter((key) => key.name === name || (subtype === "AT_DropColumn" && key.columns.includes(name ?? "")))
      .map(({ references }) => ({ relation: references, mode: "ACCESS EXCLUSIVE", work: "catalog" }));
  }

  if (def !== undefined && "PartitionCmd" in def) {
    const partition = nameOf(def.PartitionCmd.name);
    if (subtype === "AT_AttachPartition") {
      return [
        ...withPartitions(partition, relations, "ACCESS EXCLUSIVE", "scan"),
        ...referencedBy(table, relations, "SHARE ROW EXCLUSIVE"),
      ];
    }
    return [
      {
        relation: partition,
        mode: isConcurrent(def) ? "SHARE UPDATE EXCLUSIVE" : "ACCESS EXCLUSIVE",
        work: "catalog",
      },
      ...referencedBy(table, relations, "SHARE ROW EXCLUSIVE"),
    ];
  }

  if ((subtype === "AT_AddInherit" || subtype === "AT_DropInherit") && def !== undefined && "RangeVar" in def) {
    return [{ relation: nameOf(def.RangeVar), mode: "SHARE UPDATE EXCLUSIVE", work: "catalog" }];
  }
  return [];
}

/** A partition gets and loses the foreign keys of its parent, and with them the other end's triggers. */
function referencedBy(table: string, relations: Relations, mode: LockMode): PlannedLock[] {
  const keys = relations.get(table)?.foreignKeys ?? [];
  return keys.map(({ references }) => ({ relation: references, mode, work: "catalog" }));
}

/** The lock on a table, and the same on each of its partitions. */
export function withPartitions(
  table: string,
  relations: Relations,
  mode: LockMode,
  work: Work,
): PlannedLock[] {
  return [table, ...partitionsOf(relations, table).map(({ name }) => name)].map((relation) => ({
    relation,
    mode,
    work,
  }));
}

function isConcurrent(def: Node | undefined): boolean {
  return def !== undefined && "PartitionCmd" in def && def.PartitionCmd.concurrent === true;
}

function optionsOf(def: Node | undefined): string[] {
  const items = def !== undefined && "List" in def ? (def.List.items ?? []) : [];
  return items.map((item) => {
    if (!("DefElem" in item)) return "";
    const { defname = "", defnamespace } = item.DefElem;
    return defnamespace === undefined ? defname : `${defnamespace}.${defname}`;
  });
}
