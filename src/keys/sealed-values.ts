import type { ClientBase } from "pg";

/** A column that is sealed, as it is declared. */
export interface SealedField {
  readonly fieldId: number;

  /** Which field it is sealed for: its own, or that of the evidence it becomes. */
  readonly sealedAs: number;

  /** `users.email` */
  readonly name: string;
  readonly scope: "cell" | "organization";

  /** 1 is sealed in SQL, 2 by clients. */
  readonly algorithm: 1 | 2;

  /** Whether it is about a person, and gone when they are shredded. */
  readonly hasSubject: boolean;
}

/** How many values of a field are under a key. */
export interface SealedCount {
  readonly field: SealedField;
  readonly organizationId: string | null;
  readonly keyId: number;
  readonly count: number;

  /** Evidence is never sealed anew: it keeps its key. */
  readonly isEvidence: boolean;
}

/** The columns that are sealed. */
export async function listSealedFields(client: ClientBase): Promise<SealedField[]> {
  const { rows } = await client.query<SealedField>(
    `select field_id as "fieldId", sealed_as as "sealedAs", table_name || '.' || column_name as name, scope, algorithm,
       subject_column is not null as "hasSubject"
     from sealed_fields order by field_id`,
  );
  return rows;
}

/** How many values are under which key. Every table is read. */
export async function countSealedValues(client: ClientBase, fields: readonly SealedField[]): Promise<SealedCount[]> {
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
