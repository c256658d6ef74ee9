import type { LockMode, PlannedLock } from "./lock-modes.js";
import { nameOf } from "./relations.js";

type Tree = Readonly<Record<string, unknown>>;
type Target = { relname?: string; schemaname?: string };

/** The key under which a kind of statement names the table it writes. */
const WRITERS = new Set(["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"]);

/** The tables that a query reads and writes, wherever in the tree it names them. */
export function findQueryLocks(tree: unknown): PlannedLock[] {
  const withNames = new Set<string>();
  walk(tree, (key, node) => {
    if (key === "CommonTableExpr" && typeof node.ctename === "string") withNames.add(node.ctename);
  });

  const modes = new Map<string, LockMode>();
  const note = (relation: Target, mode: LockMode) => {
    const name = nameOf(relation);
    if (!withNames.has(name) && modes.get(name) !== "ROW EXCLUSIVE") modes.set(name, mode);
  };

  walk(tree, (key, node) => {
    if (isRelation(node) && !modes.has(nameOf(node))) note(node, "ACCESS SHARE");
    if (WRITERS.has(key) && isRelation(node.relation)) note(node.relation, "ROW EXCLUSIVE");
    if (key === "SelectStmt" && node.lockingClause !== undefined) {
      walk(node.fromClause, (_key, item) => {
        if (isRelation(item)) note(item, "ROW SHARE");
      });
    }
  });
  return [...modes].map(([relation, mode]) => ({ relation, mode, work: "rows" }));
}

/** The functions that a query calls, by their bare names. */
export function findCalls(tree: unknown): { readonly name: string; readonly call: Tree }[] {
  const calls: { name: string; call: Tree }[] = [];
  walk(tree, (key, node) => {
    if (key !== "FuncCall" || !Array.isArray(node.funcname)) return;
    const last = node.funcname.at(-1) as { String?: { sval?: string } } | undefined;
    calls.push({ name: last?.String?.sval ?? "", call: node });
  });
  return calls;
}

function isRelation(value: unknown): value is Target {
  return (
    typeof value === "object" && value !== null && "relname" in value && "relpersistence" in value
  );
}

/** Visits every object of a parse tree, with the key it was found under. */
function walk(value: unknown, visit: (key: string, node: Tree) => void, key = ""): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit, key);
    return;
  }
  if (typeof value !== "object" || value === null) return;

  visit(key, value as Tree);
  for (const [childKey, child] of Object.entries(value)) walk(child, visit, childKey);
}
