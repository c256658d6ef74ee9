import type { PlannedLock } from "./lock-modes.js";
import { partitionsOf, type Relations } from "./relations.js";

type Call = Readonly<Record<string, unknown>>;

/**
 * Functions that chapters call and that a parser cannot see into, because they
 * write statements and execute them. What they lock is told here, and held to
 * `pg_locks` by the same test as the rest.
 */
const FUNCTIONS: Readonly<Record<string, (call: Call, relations: Relations) => PlannedLock[]>> = {
  // Generates the audit triggers of the table it is given.
  _record_changes_of: (call, relations) => {
    const table = firstWord(call);
    return [table, ...partitionsOf(relations, table).map(({ name }) => name)].map((relation) => ({
      relation,
      mode: "SHARE ROW EXCLUSIVE",
      work: "catalog",
    }));
  },

  // Makes the column's trigger, and the policies by which keys rotate.
  _declare_sealed_field: (call, relations) => {
    const table = firstWord(call);
    return [
      { relation: table, mode: "ACCESS EXCLUSIVE", work: "catalog" },
      ...partitionsOf(relations, table).map(({ name }): PlannedLock => ({
        relation: name,
        mode: "SHARE ROW EXCLUSIVE",
        work: "catalog",
      })),
    ];
  },
  _retract_sealed_field: (call, relations) =>
    [firstWord(call), ...partitionsOf(relations, firstWord(call)).map(({ name }) => name)].map((relation) => ({
      relation,
      mode: "ACCESS EXCLUSIVE",
      work: "catalog",
    })),

  // Grants on the table of indexes, and makes the policies by which they are rotated.
  _declare_blind_index: (call) => [{ relation: firstWord(call), mode: "ACCESS EXCLUSIVE", work: "catalog" }],

  // Makes tables of their own and attaches them.
  make_partitions: (_call, relations) => {
    const partitioned = new Set(
      [...relations.values()]
        .filter(({ kind, parent }) => kind === "table" && parent !== undefined)
        .map(({ parent }) => parent as string),
    );
    return ["event_types", ...partitioned].map((relation) => ({
      relation,
      mode: "SHARE UPDATE EXCLUSIVE",
      work: "catalog",
    }));
  },
};

/** What a call of one of our own functions locks, or `undefined` where nobody said. */
export function functionLocks(
  name: string,
  call: Call,
  relations: Relations,
): PlannedLock[] | undefined {
  return Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name]?.(call, relations) : undefined;
}

/** The first argument, where it is a plain word. */
function firstWord({ args }: Call): string {
  const first = (Array.isArray(args) ? args[0] : undefined) as
    | { A_Const?: { sval?: { sval?: string } } }
    | undefined;
  return first?.A_Const?.sval?.sval ?? "";
}
