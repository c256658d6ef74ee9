import type { Node } from "libpg-query";

import type { CellSession } from "./session.js";

/** A foreign key, from the side that has it. */
export interface ForeignKey {
  readonly name: string;
  readonly columns: readonly string[];

  /** The table it points at. */
  readonly references: string;
}

/** What has to be known of a relation to tell who locks it. */
export interface Relation {
  readonly name: string;
  readonly kind: "table" | "view" | "materialized view" | "sequence" | "index";

  /** Whether it was there before any of the planned chapters. */
  readonly isOld: boolean;

  /** An index's table, or a partition's parent. */
  readonly parent?: string | undefined;
  readonly foreignKeys: ForeignKey[];
}

/** The relations of a cell, by name: as they are, then as each statement leaves them. */
export type Relations = Map<string, Relation>;

/** The relations that the cell has now. */
export async function readRelations({ client, cell }: CellSession): Promise<Relations> {
  const { rows } = await client.query<Omit<Relation, "isOld" | "parent"> & { parent: string | null }>(
    `select
       relname as name,
       case
         when relkind in ('r', 'p', 'f') then 'table'
         when relkind = 'v' then 'view'
         when relkind = 'm' then 'materialized view'
         when relkind = 'S' then 'sequence'
         else 'index'
       end as kind,
       coalesce(
         (
           select parent.relname
           from pg_index
             join pg_class as parent on parent.oid = indrelid
           where indexrelid = pg_class.oid
         ),
         (
           select parent.relname
           from pg_inherits
             join pg_class as parent on parent.oid = inhparent
           where inhrelid = pg_class.oid and pg_class.relispartition
         )
       ) as parent,
       coalesce(
         (
           select jsonb_agg(
             jsonb_build_object(
               'name', conname,
               'columns', (
                 select jsonb_agg(attname)
                 from pg_attribute
                 where attrelid = conrelid and attnum = any (conkey)
               ),
               'references', target.relname
             )
           )
           from pg_constraint
             join pg_class as target on target.oid = confrelid
           where conrelid = pg_class.oid and contype = 'f'
         ),
         '[]'
       ) as "foreignKeys"
     from pg_class
     where relnamespace = to_regnamespace($1)
       and relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'i', 'I')`,
    [cell],
  );
  return new Map(
    rows.map((row) => [row.name, { ...row, isOld: true, parent: row.parent ?? undefined }]),
  );
}

/** The partitions of a table, and theirs. */
export function partitionsOf(relations: Relations, table: string): Relation[] {
  const children = [...relations.values()].filter(
    ({ kind, parent }) => kind === "table" && parent === table,
  );
  return children.flatMap((child) => [child, ...partitionsOf(relations, child.name)]);
}

/** A name in a statement, as {@link Relations} knows it. */
export function nameOf(relation: { relname?: string; schemaname?: string } | undefined): string {
  const { relname = "", schemaname } = relation ?? {};
  return schemaname === undefined ? relname : `${schemaname}.${relname}`;
}

/** The words of a dotted name, as the parser gives them. */
export function wordsOf(node: Node | readonly Node[] | undefined): string[] {
  if (node === undefined) return [];
  const nodes = "List" in node ? (node.List.items ?? []) : Array.isArray(node) ? node : [node];
  return nodes.map((item: Node) => ("String" in item ? (item.String.sval ?? "") : ""));
}
