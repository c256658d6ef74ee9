import type { ClientBase } from "pg";

import {
  differenceOf,
  FIRST_FIELD_ID_OF_APPLICATIONS,
  SEALED_FIELDS,
  type AnySealedField,
  type DeclaredInDatabase,
} from "../sealed-fields.js";
import { asKeyholder } from "./as-role.js";
import type { Subject } from "./catalog-check.js";
import type { Finding } from "./finding.js";

export const SEALED = "sealed-fields";

/** What the client has to know of a field, as the database has it. */
export interface DatabaseField extends DeclaredInDatabase {
  readonly name: string;
}

/**
 * Whether this client and the database mean the same by each sealed column of SafetyPin's.
 * Those of applications are their own clients' to know. Reads as the keyholder, so it needs
 * a login that may become it; `undefined` for others.
 */
export async function checkSealedFields(client: ClientBase, { cell }: Pick<Subject, "cell">): Promise<Finding[] | undefined> {
  return asKeyholder(client, cell, async () => {
    const { rows } = await client.query<DatabaseField>(
      `select table_name || '.' || column_name as name, field_id as "fieldId", sealed_as as "sealedAs", scope, algorithm
       from sealed_fields order by field_id`,
    );
    return compareSealedFields(rows, Object.values<AnySealedField>(SEALED_FIELDS));
  });
}

/** The differences, both ways. */
export function compareSealedFields(
  declared: readonly DatabaseField[],
  known: readonly AnySealedField[],
): Finding[] {
  const finding = { check: SEALED, severity: "critical" as const };
  const inDatabase = new Map(declared.map((field) => [field.name, field]));
  const names = new Set(known.map(({ name }) => name));

  const different = known.flatMap((field) => {
    const problem = differenceOf(field, inDatabase.get(field.name));
    return problem === undefined ? [] : [{ ...finding, object: `column ${field.name}`, problem, remedy: ALIKE }];
  });
  const unknown = declared
    .filter(({ name, fieldId }) => fieldId < FIRST_FIELD_ID_OF_APPLICATIONS && !names.has(name))
    .map(({ name, fieldId }) => ({
      ...finding,
      object: `column ${name}`,
      problem: `is sealed as field ${fieldId}, of which this client does not know`,
      remedy: `Run the release of SafetyPin that the chapters are of. A field of your own has a number from ${FIRST_FIELD_ID_OF_APPLICATIONS} on`,
    }));
  return [...different, ...unknown];
}

const ALIKE = "Apply the chapters of this release (safetypin migrate up), or run the release that the chapters are of";
