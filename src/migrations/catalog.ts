import type { ClientBase } from "pg";

import { searchPathOf } from "./cell.js";
import { CATALOG_QUERY } from "./catalog-queries.js";

/** Everything a schema holds: by object, by property, as text. */
export type Catalog = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** One property of one object that is not the same on both sides. */
export interface CatalogDifference {
  /** `function begin_session(p_token text)`, `policy sessions.select_self`, … */
  readonly object: string;

  /** Which of its properties; `undefined` when the object itself is missing or extra. */
  readonly property: string | undefined;

  /** `undefined` when it should not be there. */
  readonly expected: string | undefined;

  /** `undefined` when it is not there. */
  readonly found: string | undefined;
}

interface CatalogRow {
  readonly kind: string;
  readonly name: string;
  readonly relation: string | null;
  readonly counterpart: string | null;
  readonly properties: Readonly<Record<string, unknown>>;
}

/**
 * Reads the whole catalog of a schema, in words that do not name the schema, so
 * that two schemas made by the same chapters read the same.
 *
 * Partitions come and go with time, so their number and bounds are left out:
 * partitions that are alike are told once, under their parent, and one that is
 * not like its siblings is told apart.
 */
export async function readCatalog(
  client: ClientBase,
  schema: string,
  extensionsSchema: string,
): Promise<Catalog> {
  const { rows: settings } = await client.query<{ path: string }>(
    "select current_setting('search_path') as path",
  );
  await client.query("select set_config('search_path', $1, false)", [
    searchPathOf(schema, extensionsSchema),
  ]);
  try {
    const { rows } = await client.query<CatalogRow>(CATALOG_QUERY, [schema]);
    const parents = await readPartitions(client, schema);
    const isOfPartition = ({ relation }: CatalogRow) => relation !== null && parents.has(relation);

    const objects = [
      ...objectsOf(rows.filter((row) => !isOfPartition(row))),
      ...partitionsOf(rows.filter(isOfPartition), parents),
    ];
    return new Map(objects.sort(([one], [other]) => (one < other ? -1 : 1)));
  } finally {
    await client
      .query("select set_config('search_path', $1, false)", [settings[0]?.path])
      .catch(() => undefined);
  }
}

/** What has to change for `found` to be what was `expected`, object by object. */
export function compareCatalogs(expected: Catalog, found: Catalog): CatalogDifference[] {
  const objects = [...new Set([...expected.keys(), ...found.keys()])].sort();

  return objects.flatMap((object): CatalogDifference[] => {
    const here = expected.get(object);
    const there = found.get(object);
    if (here === undefined || there === undefined) {
      const word = (side: unknown) => (side === undefined ? undefined : "there");
      return [{ object, property: undefined, expected: word(here), found: word(there) }];
    }
    const properties = [...new Set([...here.keys(), ...there.keys()])].sort();
    return properties
      .filter((property) => here.get(property) !== there.get(property))
      .map((property) => ({
        object,
        property,
        expected: here.get(property),
        found: there.get(property),
      }));
  });
}

/** The catalog without the objects for which the answer is no. */
export function filterCatalog(catalog: Catalog, keep: (object: string) => boolean): Catalog {
  return new Map([...catalog].filter(([object]) => keep(object)));
}

function objectsOf(rows: readonly CatalogRow[]): Map<string, ReadonlyMap<string, string>> {
  return new Map(
    rows.map(({ kind, name, properties }) => [`${kind} ${name}`.trim(), textOf(properties)]),
  );
}

/** Each partition's name, and the name of the table at the top of its tree. */
async function readPartitions(client: ClientBase, schema: string): Promise<Map<string, string>> {
  const { rows } = await client.query<{ partition: string; parent: string }>(
    `select
       relname as partition,
       (select root.relname from pg_class as root where root.oid = pg_partition_root(pg_class.oid)) as parent
     from pg_class
     where relnamespace = to_regnamespace(quote_ident($1))
       and relispartition
       and relkind in ('r', 'p')
     order by relname`,
    [schema],
  );
  return new Map(rows.map(({ partition, parent }) => [partition, parent]));
}

/** One entry for the partitions of a table that are alike, and one for each that is not. */
function partitionsOf(
  rows: readonly CatalogRow[],
  parents: ReadonlyMap<string, string>,
): Map<string, ReadonlyMap<string, string>> {
  const shapes = new Map<string, { partitions: string[]; properties: Map<string, string> }>();

  for (const [partition, parent] of parents) {
    const properties = shapeOf(
      partition,
      rows.filter(({ relation }) => relation === partition),
    );
    const key = JSON.stringify([parent, [...properties].sort()]);
    const shape = shapes.get(key) ?? { partitions: [], properties };
    shape.partitions.push(partition);
    shapes.set(key, shape);
  }

  const byCommonness = [...shapes.values()].sort(
    (one, other) => other.partitions.length - one.partitions.length,
  );
  const told = new Map<string, ReadonlyMap<string, string>>();
  for (const { partitions, properties } of byCommonness) {
    const usual = `partitions of ${parents.get(partitions[0] ?? "") ?? ""}`;
    if (!told.has(usual)) {
      told.set(usual, properties);
      continue;
    }
    for (const partition of partitions) {
      told.set(`partition ${partition}, unlike its siblings`, properties);
    }
  }
  return told;
}

/** A partition and all that belongs to it; its names and its comment, which tell of its time, left out. */
function shapeOf(partition: string, rows: readonly CatalogRow[]): Map<string, string> {
  const anonymous = (text: string) => text.replaceAll(partition, "<partition>");

  return new Map(
    rows.flatMap(({ kind, name, counterpart, properties }) => {
      const called = counterpart ?? anonymous(name.slice(partition.length + 1));
      return [...textOf(properties)]
        .filter(([property]) => kind !== "table" || property !== "comment")
        .map(([property, text]) => [`${kind} ${called}: ${property}`, anonymous(text)] as const);
    }),
  );
}

/** Null and false say nothing: a property that is absent is the habit. */
function textOf(properties: CatalogRow["properties"]): Map<string, string> {
  return new Map(
    Object.entries(properties)
      .filter(([, value]) => value !== null && value !== false && value !== "")
      .map(([property, value]) => [
        property,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
  );
}
