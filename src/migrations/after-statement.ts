import type { AlterTableStmt, Node } from "libpg-query";

import { bodyOf, type Functions } from "./functions.js";
import { nameOf, wordsOf, type Relation, type Relations } from "./relations.js";
import { foreignKeysOf } from "./table-locks.js";

/** Lets a statement take effect on what is known of the cell. */
export function applyStatement(tree: Node, relations: Relations, functions: Functions): void {
  const add = (name: string, kind: Relation["kind"], more: Partial<Relation> = {}) => {
    if (name !== "" && !relations.has(name)) {
      relations.set(name, { name, kind, isOld: false, foreignKeys: [], ...more });
    }
  };

  if ("CreateStmt" in tree) {
    const { relation, tableElts = [], partbound, inhRelations = [] } = tree.CreateStmt;
    const name = nameOf(relation);
    const [parent] = inhRelations.map((node) => ("RangeVar" in node ? nameOf(node.RangeVar) : ""));
    add(name, "table", {
      parent: partbound === undefined ? undefined : parent,
      foreignKeys: foreignKeysOf(name, tableElts),
    });
  } else if ("IndexStmt" in tree) {
    add(tree.IndexStmt.idxname ?? "", "index", { parent: nameOf(tree.IndexStmt.relation) });
  } else if ("ViewStmt" in tree) {
    add(nameOf(tree.ViewStmt.view), "view");
  } else if ("CreateSeqStmt" in tree) {
    add(nameOf(tree.CreateSeqStmt.sequence), "sequence");
  } else if ("CreateTableAsStmt" in tree) {
    const isView = tree.CreateTableAsStmt.objtype === "OBJECT_MATVIEW";
    add(nameOf(tree.CreateTableAsStmt.into?.rel), isView ? "materialized view" : "table");
  } else if ("AlterTableStmt" in tree) {
    alterTable(tree.AlterTableStmt, relations);
  } else if ("DropStmt" in tree) {
    for (const object of tree.DropStmt.objects ?? []) relations.delete(wordsOf(object).join("."));
  } else if ("RenameStmt" in tree) {
    rename(nameOf(tree.RenameStmt.relation), tree.RenameStmt.newname ?? "", tree, relations);
  } else if ("CreateFunctionStmt" in tree) {
    const { funcname = [], options = [], sql_body } = tree.CreateFunctionStmt;
    const name = wordsOf(funcname).at(-1) ?? "";
    const body = bodyOf(options) + (sql_body === undefined ? "" : JSON.stringify(sql_body));
    functions.set(name, `${functions.get(name) ?? ""}\n${body}`);
  }
}

function alterTable({ relation, cmds = [] }: AlterTableStmt, relations: Relations): void {
  const table = relations.get(nameOf(relation));
  if (table === undefined) return;

  for (const node of cmds) {
    const { subtype, name, def } = "AlterTableCmd" in node ? node.AlterTableCmd : {};
    if (def !== undefined) table.foreignKeys.push(...foreignKeysOf(table.name, [def]));

    if (subtype === "AT_DropConstraint") {
      const place = table.foreignKeys.findIndex((key) => key.name === name);
      if (place >= 0) table.foreignKeys.splice(place, 1);
    }
    if (def !== undefined && "PartitionCmd" in def) {
      const partition = relations.get(nameOf(def.PartitionCmd.name));
      if (partition !== undefined) {
        const parent = subtype === "AT_AttachPartition" ? table.name : undefined;
        relations.set(partition.name, { ...partition, parent });
      }
    }
  }
}

function rename(from: string, to: string, tree: Node, relations: Relations): void {
  if (!("RenameStmt" in tree)) return;
  const relation = relations.get(from);
  const isOfWhole = /^OBJECT_(TABLE|VIEW|MATVIEW|SEQUENCE|INDEX)$/.test(tree.RenameStmt.renameType ?? "");
  if (relation === undefined || !isOfWhole) return;

  relations.delete(from);
  relations.set(to, { ...relation, name: to });
}
