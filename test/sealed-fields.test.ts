import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type pg from "pg";

import { examine } from "../src/doctor/doctor.js";
import { compareSealedFields, SEALED, type DatabaseField } from "../src/doctor/sealed-fields-check.js";
import { ConfigurationError } from "../src/errors.js";
import { parseCellName } from "../src/migrations/cell.js";
import { SQL_DIRECTORY } from "../src/migrations/chapters.js";
import { declareSealedFields, SEALED_FIELDS, type AnySealedField, type SealedFieldDeclarations } from "../src/sealed-fields.js";
import type { Transaction } from "../src/transaction.js";
import { useDatabase } from "./support/database.js";
import { NOTES } from "./support/notes.js";

const PAGE = join(SQL_DIRECTORY, "..", "docs", "decisions", "0026-two-algorithms.md");

const db = useDatabase({ template: "pgtap" });

async function rolledBack<Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
  const client = await db.admin.connect();
  try {
    await client.query("begin");
    return await work(client);
  } finally {
    await client.query("rollback");
    client.release();
  }
}

describe("the client and the database", () => {
  const known = Object.values<AnySealedField>(SEALED_FIELDS);

  /** Every field that the database declares, as the client writes its own. */
  async function declared(client: pg.ClientBase | pg.Pool) {
    const { rows } = await client.query<DatabaseField & { readonly table: string; readonly column: string }>(
      `select table_name || '.' || column_name as name, table_name as table, column_name as column,
         field_id as "fieldId", sealed_as as "sealedAs", scope, algorithm
       from sealed_fields order by field_id`,
    );
    return rows;
  }

  test("declare the same columns, each under one number, scope and algorithm", async () => {
    expect(known).toEqual(await declared(db.admin));
  });

  test("... and so does an application, in its own client", async () => {
    await rolledBack(async (client) => {
      await client.query("select tests.notes()");
      const its = (await declared(client)).filter(({ table }) => table === "notes");
      expect(Object.values(NOTES)).toEqual(its);
    });
  });

  test("a field that one of the two does not know, or knows otherwise, is what the doctor says", async () => {
    const examined = async () => {
      const client = await db.admin.connect();
      try {
        const { findings, skipped } = await examine(client, { cell: parseCellName(db.cell) });
        expect(skipped.map(({ check }) => check)).not.toContain(SEALED);
        return findings.filter(({ check }) => check === SEALED).map(({ severity, object, problem }) => ({ severity, object, problem }));
      } finally {
        client.release();
      }
    };
    expect(await examined()).toEqual([]);

    await db.admin.query(`
      update sealed_fields set field_id = 77, sealed_as = 77 where column_name = 'phone_number';
      update sealed_fields set column_name = 'id' where column_name = 'billing_email'`);
    try {
      expect(await examined()).toEqual([
        {
          severity: "critical",
          object: "column organizations.billing_email",
          problem: "is field 3, of algorithm 1 under the keys of organizations for this client, and not sealed in the database",
        },
        { severity: "critical", object: "column organizations.id", problem: "is sealed as field 3, of which this client does not know" },
        {
          severity: "critical",
          object: "column users.phone_number",
          problem:
            "is field 2, of algorithm 1 under the keys of the cell for this client, and field 77, of algorithm 1 under the keys of the cell in the database",
        },
      ]);
    } finally {
      await db.admin.query(`
        update sealed_fields set field_id = 2, sealed_as = 2 where column_name = 'phone_number';
        update sealed_fields set column_name = 'billing_email' where field_id = 3`);
    }
  });

  test("another algorithm or scope, or what it is sealed for, is a difference, and a field of an application none", () => {
    const email: DatabaseField = { name: "users.email", fieldId: 1, sealedAs: 1, scope: "cell", algorithm: 1 };
    const said = (changes: Partial<DatabaseField>) => compareSealedFields([{ ...email, ...changes }], [SEALED_FIELDS["users.email"]]);
    expect(said({})).toEqual([]);
    for (const changes of [{ algorithm: 2 }, { scope: "organization" }, { sealedAs: 7 }]) expect(said(changes)).toHaveLength(1);
    const ours: DatabaseField = { name: "patients.diagnosis", fieldId: 4711, sealedAs: 4711, scope: "organization", algorithm: 1 };
    expect(compareSealedFields([email, ours], [SEALED_FIELDS["users.email"]])).toEqual([]);
  });
});

describe("a declaration", () => {
  test("says what is sealed for the evidence that it becomes", () => {
    const { "password_attempts.email": email } = SEALED_FIELDS;
    expect(email).toMatchObject({ table: "password_attempts", column: "email", fieldId: 9, sealedAs: 7 });
  });

  test.each<[string, SealedFieldDeclarations]>([
    ["a number of SafetyPin's own", { "patients.diagnosis": { fieldId: 999, scope: "cell" } }],
    ["a number that is no integer of PostgreSQL's", { "patients.diagnosis": { fieldId: 2 ** 31, scope: "cell" } }],
    ["a number that is none", { "patients.diagnosis": { fieldId: 4711.5, scope: "cell" } }],
    ["a name that is no column's", { "clinic.patients.diagnosis": { fieldId: 4711, scope: "cell" } }],
    ["two columns under one number", { "patients.diagnosis": { fieldId: 4711, scope: "cell" }, "patients.history": { fieldId: 4711, scope: "cell" } }],
    ["what is sealed for a field that is not declared", { "patients.diagnosis": { fieldId: 4711, scope: "cell", sealedAs: "cases.diagnosis" } }],
  ])("takes %s for a mistake", (_, declarations) => {
    expect(() => declareSealedFields(declarations)).toThrow(ConfigurationError);
  });

  test("is what seals and opens: no number, nothing of its shape, and each algorithm where it belongs", () => {
    // Never run: the compiler is asked.
    const refused = async (tx: Transaction) => {
      const email = SEALED_FIELDS["users.email"];
      // @ts-expect-error a number is no field
      await tx.mask(1, "a secret");
      // @ts-expect-error what has its shape was not declared
      await tx.mask({ name: "users.email", table: "users", column: "email", fieldId: 1, sealedAs: 1, scope: "cell", algorithm: 1 }, "a secret");
      // @ts-expect-error the database seals it
      await tx.seal(email, "a row", "a text");
      // @ts-expect-error the database opens it
      await tx.open(email, []);
      // @ts-expect-error the client seals it
      await tx.mask(NOTES["notes.token"], "a secret");
      // @ts-expect-error there is no such field
      await tx.mask(SEALED_FIELDS["users.diary"], "a secret");
      await tx.open(NOTES["notes.token"], [{ rowId: "a row", value: await tx.seal(NOTES["notes.token"], "a row", "a text") }]);
    };
    expect(refused).toBeInstanceOf(Function);
  });
});

describe("the page that says when algorithm 2 may be", () => {
  /** The fields that only clients open, as SQL has them. */
  async function clientSealed(client: pg.ClientBase | pg.Pool): Promise<string[]> {
    const { rows } = await client.query<{ field: string }>(
      "select table_name || '.' || column_name as field from sealed_fields where algorithm = 2 order by 1",
    );
    return rows.map(({ field }) => field);
  }

  test("has a reason for every field that only clients open", async () => {
    const page = await readFile(PAGE, "utf8");
    const written = [...page.matchAll(/^\| `([a-z_]+\.[a-z_]+)` \|/gm)].map(([, field]) => field as string);

    expect(await clientSealed(db.admin)).toEqual(written.sort());
  });

  test("... and one that has none would be seen", async () => {
    await rolledBack(async (client) => {
      await client.query("select tests.notes()");
      expect(await clientSealed(client)).toContain("notes.token");
    });
  });
});
