import type { ClientBase } from "pg";

import type { AnySealedField } from "../sealed-fields.js";

/** A column that is sealed, as the database has it: also those of applications. */
export type CatalogField = AnySealedField & {
  /** Whether it is about a person, and gone when they are shredded. */
  readonly hasSubject: boolean;
};

/** How many values of a field are under a key. */
export interface SealedCount {
  readonly field: CatalogField;
  readonly organizationId: string | null;
  readonly keyId: number;
  readonly count: number;

  /** Evidence is never sealed anew: it keeps its key. */
  readonly isEvidence: boolean;
}

/** The columns that are sealed. */
export async function listSealedFields(client: ClientBase): Promise<CatalogField[]> {
  const { rows } = await client.query<CatalogField>(
    `select table_name || '.' || column_name as name, table_name as table, column_name as column,
       field_id as "fieldId", sealed_as as "sealedAs", scope, algorithm, subject_column is not null as "hasSubject"
     from sealed_fields order by field_id`,
  );
  return rows;
}

/** How many values are under which key. Every table is read. */
export async function countSealedValues(client: ClientBase, fields: readonly CatalogField[]): Promise<SealedCount[]> {
  const counts: SealedCount[] = [];
  for (const field of fields) {
    const { rows } = await client.query<Omit<SealedCount, "field" | "count"> & { readonly count: string }>(
      `select organization_id as "organizationId", key_id as "keyId", value_count as count, is_evidence as "isEvidence"
       from count_sealed_values($1)`,
      [field.fieldId],
    );
    counts.push(...rows.map((row) => ({ ...row, field, count: Number(row.count) })));
  }
  return counts;
}

/** Whether rotation seals them anew: whoever sealed them, but not evidence. */
export function isSealedAnew({ isEvidence }: SealedCount): boolean {
  return !isEvidence;
}
