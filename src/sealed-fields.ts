import { ConfigurationError } from "./errors.js";

declare const isDeclared: unique symbol;

/** Whose keys: the cell's own, or those of the organization that the caller acts in. */
export type KeyScope = "cell" | "organization";

/** Who seals: 1 is SQL, 2 the client, of whose plaintext the database never hears. */
export type SealingAlgorithm = 1 | 2;

/**
 * A column that is sealed, as it is declared. Only a declaration makes one: a bare number,
 * which would be authenticated with whatever is sealed, does not type-check.
 */
export interface SealedField<Name extends string = string, Algorithm extends SealingAlgorithm = SealingAlgorithm> {
  readonly [isDeclared]: true;

  /** `users.email` */
  readonly name: Name;
  readonly table: string;
  readonly column: string;

  /** The number that is authenticated with its values: the same in every cell, and never used again. */
  readonly fieldId: number;

  /** The number of the field it is sealed for: its own, or that of the evidence it becomes. */
  readonly sealedAs: number;
  readonly scope: KeyScope;
  readonly algorithm: Algorithm;
}

/** A field of either algorithm, which `algorithm` tells apart. */
export type AnySealedField = SealedField<string, 1> | SealedField<string, 2>;

/** What a declaration in SQL says that the client has to know. */
export interface SealedFieldDeclaration {
  /** From 1000 on: those below are SafetyPin's. */
  readonly fieldId: number;
  readonly scope: KeyScope;

  /** @defaultValue 1 */
  readonly algorithm?: SealingAlgorithm;

  /** The name, among those declared with it, of the field it is sealed for. @defaultValue its own */
  readonly sealedAs?: string;
}

/** Declarations by the names of their columns. */
export type SealedFieldDeclarations = Readonly<Record<`${string}.${string}`, SealedFieldDeclaration>>;

/** What is declared by them. */
export type SealedFields<Declarations extends SealedFieldDeclarations> = {
  readonly [Name in keyof Declarations & string]: SealedField<Name, AlgorithmOf<Declarations[Name]>>;
};

type AlgorithmOf<Declaration> = Declaration extends {
  readonly algorithm: infer Algorithm extends SealingAlgorithm;
}
  ? Algorithm
  : Declaration extends { readonly fieldId: number; readonly algorithm?: undefined }
    ? 1
    : SealingAlgorithm;

/** A column's name, in two words: `users.email`. */
const COLUMN_NAME = /^([a-z_][a-z0-9_]*)\.([a-z_][a-z0-9_]*)$/;

/** PostgreSQL's integer. */
const HIGHEST_FIELD_ID = 2 ** 31 - 1;

/** The first number that is not SafetyPin's own. */
export const FIRST_FIELD_ID_OF_APPLICATIONS = 1000;

/**
 * The sealed columns of SafetyPin: the one place in the client that names them, as
 * `_declare_sealed_field()` does in SQL. A test holds the two to each other.
 */
export const SEALED_FIELDS = fieldsOf({
  "users.email": { fieldId: 1, scope: "cell" },
  "users.phone_number": { fieldId: 2, scope: "cell" },
  "organizations.billing_email": { fieldId: 3, scope: "organization" },
  "organizations.technical_contact_email": { fieldId: 4, scope: "organization" },
  "password_credentials.digest": { fieldId: 5, scope: "cell" },
  "password_history.digest": { fieldId: 6, scope: "cell" },
  "access_attempt_logs.email": { fieldId: 7, scope: "cell" },
  "access_attempt_logs.ip_address": { fieldId: 8, scope: "cell" },
  "password_attempts.email": { fieldId: 9, scope: "cell", sealedAs: "access_attempt_logs.email" },
  "password_attempts.ip_address": { fieldId: 10, scope: "cell", sealedAs: "access_attempt_logs.ip_address" },
  "digest_keys.secret": { fieldId: 11, scope: "cell" },
});

/**
 * Declares the sealed columns of an application to its client, each as its chapter declares
 * it to SQL. What is sealed in a field that the database has declared otherwise is refused.
 *
 * @throws {@link ConfigurationError} for a name that is no column's, or a number that is not
 * the application's or declared twice.
 */
export function declareSealedFields<const Declarations extends SealedFieldDeclarations>(
  declarations: Declarations,
): SealedFields<Declarations> {
  for (const [name, { fieldId }] of Object.entries(declarations)) {
    if (fieldId >= FIRST_FIELD_ID_OF_APPLICATIONS) continue;
    throw new ConfigurationError(`Field ${fieldId} of ${name} is one of SafetyPin's own numbers`, {
      remedy: `Declare it under one from ${FIRST_FIELD_ID_OF_APPLICATIONS} on, in SQL as well`,
    });
  }
  return fieldsOf(declarations);
}

function fieldsOf<const Declarations extends SealedFieldDeclarations>(
  declarations: Declarations,
): SealedFields<Declarations> {
  const names = new Map<number, string>();
  const fields = Object.entries<SealedFieldDeclaration>(declarations).map(([name, declaration]) => {
    const { fieldId, scope, algorithm = 1, sealedAs = name } = declaration;
    const [, table, column] = COLUMN_NAME.exec(name) ?? [];
    const of = (declarations as Readonly<Record<string, SealedFieldDeclaration>>)[sealedAs];
    if (table === undefined || column === undefined) {
      throw new ConfigurationError(`"${name}" is no sealed column`, { remedy: 'Name its table and itself: "users.email"' });
    }
    if (!Number.isInteger(fieldId) || fieldId < 1 || fieldId > HIGHEST_FIELD_ID) {
      throw new ConfigurationError(`${fieldId} is no number of a field`, { remedy: `Declare ${name} as SQL declares it: see sealed_fields` });
    }
    if (names.has(fieldId)) {
      throw new ConfigurationError(`${name} and ${names.get(fieldId)} are both declared as field ${fieldId}`, {
        remedy: "Give each a number of its own: values of the one would open as the other's",
      });
    }
    if (of === undefined) {
      throw new ConfigurationError(`${name} is declared to be sealed as ${sealedAs}, which is not declared`, {
        remedy: "Declare the two together",
      });
    }
    names.set(fieldId, name);
    return [name, { name, table, column, fieldId, sealedAs: of.fieldId, scope, algorithm }];
  });
  return Object.freeze(Object.fromEntries(fields)) as SealedFields<Declarations>;
}

/** A field as the database has it, in the columns of `sealed_fields`. */
export interface DeclaredInDatabase {
  readonly fieldId: number;
  readonly sealedAs: number;
  readonly scope: string;
  readonly algorithm: number;
}

/**
 * How the database declares a field otherwise than the client, as the end of a sentence that
 * begins with its name; `undefined` where it does not.
 */
export function differenceOf(field: SealedField, declared: DeclaredInDatabase | undefined): string | undefined {
  if (declared === undefined) return `is ${wordsOf(field)} for this client, and not sealed in the database`;
  const [here, there] = [wordsOf(field), wordsOf(declared)];
  return here === there ? undefined : `is ${here} for this client, and ${there} in the database`;
}

function wordsOf({ fieldId, sealedAs, scope, algorithm }: DeclaredInDatabase): string {
  const as = sealedAs === fieldId ? "" : `, sealed as ${sealedAs}`;
  return `field ${fieldId}${as}, of algorithm ${algorithm} under the keys of ${scope === "cell" ? "the cell" : "organizations"}`;
}
