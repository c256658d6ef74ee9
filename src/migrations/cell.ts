import type { ClientBase } from "pg";

import { ConfigurationError } from "../errors.js";

/** The cell everybody has until they ask for another. */
export const DEFAULT_CELL = "safetypin";

declare const cellName: unique symbol;

/** The name of a cell, known to be one: safe to print, and to quote as an identifier. */
export type CellName = string & { readonly [cellName]: true };

const CELL_NAME = /^(?!pg_)[a-z][a-z0-9_]{0,39}$/;
const TAKEN = new Set(["public", "extensions", "information_schema"]);

/**
 * The name, if it can be a cell's.
 *
 * @throws {@link ConfigurationError} when it cannot.
 */
export function parseCellName(name: string): CellName {
  if (!CELL_NAME.test(name)) {
    throw new ConfigurationError(`"${name}" cannot be a cell's name`, {
      remedy:
        "Take a lower-case letter, then up to 39 lower-case letters, digits or underscores; not pg_…",
    });
  }
  if (TAKEN.has(name)) {
    throw new ConfigurationError(`"${name}" is taken by something else and cannot be a cell`, {
      remedy: `Choose another name, for instance ${DEFAULT_CELL}`,
    });
  }
  return name as CellName;
}

/** Every cell of the database, by name: the schemas that `safetypin_owner` owns. */
export async function listCells(client: ClientBase): Promise<CellName[]> {
  const { rows } = await client.query<{ name: CellName }>(
    `select nspname as name
     from pg_catalog.pg_namespace
     where nspowner = pg_catalog.to_regrole('safetypin_owner')
     order by nspname`,
  );
  return rows.map(({ name }) => name);
}

/**
 * The schema that holds pgcrypto and pg_trgm, wherever the database has them.
 *
 * @throws {@link ConfigurationError} when one is missing, or the two are apart.
 */
export async function findExtensionsSchema(client: ClientBase): Promise<string> {
  const { rows } = await client.query<{ extension: string; schema: string | null }>(
    `select wanted.extension, nspname as schema
     from unnest(array['pgcrypto', 'pg_trgm']) as wanted (extension)
       left join pg_catalog.pg_extension on extname = wanted.extension
       left join pg_catalog.pg_namespace on pg_namespace.oid = extnamespace`,
  );

  const missing = rows.filter(({ schema }) => schema === null).map(({ extension }) => extension);
  if (missing.length > 0) {
    throw new ConfigurationError(`The database lacks the extension ${missing.join(" and ")}`, {
      remedy: "Run: safetypin bootstrap",
    });
  }

  const schemas = [...new Set(rows.map(({ schema }) => schema as string))];
  const [schema, other] = schemas;
  if (schema === undefined || other !== undefined) {
    throw new ConfigurationError(`pgcrypto and pg_trgm are in two schemas: ${schemas.join(", ")}`, {
      remedy: `Run as their owner: alter extension pg_trgm set schema ${schema ?? "extensions"};`,
    });
  }
  return schema;
}

/** The text as an SQL identifier, quoted where it has to be. */
export function quoteIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** The path under which the text of a chapter means this schema and no other. */
export function searchPathOf(schema: string, extensionsSchema: string): string {
  return [schema, extensionsSchema, "pg_temp"].map(quoteIdentifier).join(", ");
}
