import { createHmac } from "node:crypto";

import type pg from "pg";

import { useDatabase } from "./support/database.js";

/*
 * A value is written in the transaction that sealed it. What pgTAP, which has one transaction,
 * shows with values made as others make them, is shown here with others: committed before, at the
 * same time, and in the same message. As a superuser throughout, whom nothing else holds back.
 */

jest.setTimeout(120_000);

const db = useDatabase({ template: "pgtap" });
const REFUSED = "It was sealed for another row or column, or in another transaction.";

interface Place {
  readonly name: string;
  readonly table: string;
  readonly column: string;
  readonly rowColumn: string;
  readonly rowId: string;
  readonly isEvidence: boolean;
  /** An expression that seals what the row holds anew, and one that opens a value as the row's. */
  readonly sealedAnew: string;
  readonly value: Buffer;
}

async function inTransaction<Result>(work: (client: pg.ClientBase) => Promise<Result>): Promise<Result> {
  const client = await db.admin.connect();
  try {
    await client.query("begin");
    await client.query(
      "select tests.unlock(); select tests.unlock('acme') from organizations where id = tests.organization_id('acme')",
    );
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

/** What is said when a statement fails, and null when it does not; undone either way. */
async function complaintOf(client: pg.ClientBase, sql: string, values: unknown[]): Promise<string | null> {
  await client.query("savepoint attempt");
  try {
    await client.query(sql, values);
    return null;
  } catch (error) {
    const { code, detail } = error as { code?: string; detail?: string };
    return `${code ?? ""} ${detail ?? ""}`.trim();
  } finally {
    await client.query("rollback to attempt");
  }
}

let places: Place[];

/** One row of every field that is declared, as it now is. */
async function gather(client: pg.ClientBase): Promise<Place[]> {
  const { rows: fields } = await client.query<Record<string, string | null>>(
    `select sealed_as::text, table_name, column_name, row_column, organization_column, subject_column,
            _is_append_only(table_name)::text as is_evidence
     from sealed_fields
     where algorithm = 1
     order by field_id`,
  );
  const found: Place[] = [];
  for (const field of fields) {
    const { sealed_as, table_name, column_name, row_column, organization_column, subject_column } = field;
    const at = `${organization_column ?? "null"}, ${row_column ?? ""}`;
    const subject = subject_column ?? "null";
    const { rows } = await client.query<{ row_id: string; value: Buffer }>(
      `select ${row_column} as row_id, ${column_name} as value
       from ${table_name} where ${column_name} is not null order by 1 limit 1`,
    );
    if (rows[0] === undefined) continue;
    found.push({
      name: `${table_name}.${column_name}`,
      table: table_name ?? "",
      column: column_name ?? "",
      rowColumn: row_column ?? "",
      rowId: rows[0].row_id,
      isEvidence: field["is_evidence"] === "true",
      sealedAnew: `_seal(${sealed_as}, ${at}, _open(${sealed_as}, ${at}, ${column_name}, ${subject}), ${subject})`,
      value: rows[0].value,
    });
  }
  return found;
}

const update = (place: Place, value: string) =>
  `update ${place.table} set ${place.column} = ${value} where ${place.rowColumn} = $1`;

beforeAll(async () => {
  await inTransaction(async (client) => {
    await client.query(`
      select tests.two_organizations();
      select tests.act_as('ann', 'acme');
      select tests.unlock('acme');
      select set_own_phone_number('+431234567');
      select set_billing_email('bills@acme.test');
      select set_technical_contact_email('it@acme.test');
      select tests.act_as_nobody();
      select tests.sign_in('ann', p_token => 'ann signed in', p_ip_address => '203.0.113.7');
      select tests.prove_password('ann', p_ip_address => '203.0.113.7');
      select tests.act_as_superuser()`);
  });
  places = await inTransaction(gather);
});

it("has a value of every field that is declared, sealed in a transaction that is over", async () => {
  const { rows } = await db.admin.query<{ name: string }>(
    "select table_name || '.' || column_name as name from sealed_fields where algorithm = 1 order by 1",
  );
  expect(places.map(({ name }) => name).sort()).toEqual(rows.map(({ name }) => name));
});

describe("an older value of the same row and column", () => {
  let current: Map<string, Buffer>;

  beforeAll(async () => {
    // Each is sealed anew, and so what stood there is an older value.
    await inTransaction(async (client) => {
      for (const place of places.filter(({ isEvidence }) => !isEvidence)) {
        const { rowCount } = await client.query(update(place, place.sealedAnew), [place.rowId]);
        expect(rowCount).toBe(1);
      }
    });
    current = new Map((await inTransaction(gather)).map(({ name, value }) => [name, value]));
  });

  it("opens where it was, so that nothing but the refusal keeps it out", async () => {
    await inTransaction(async (client) => {
      for (const place of places.filter(({ isEvidence }) => !isEvidence)) {
        expect(current.get(place.name)).not.toEqual(place.value);
        await client.query("savepoint past_the_trigger");
        await client.query("set local session_replication_role = replica");
        await client.query(update(place, "$2"), [place.rowId, place.value]);
        await client.query(`select ${place.sealedAnew} from ${place.table} where ${place.rowColumn} = $1`, [place.rowId]);
        await client.query("rollback to past_the_trigger");
      }
    });
  });

  it("is not put back, in any field", async () => {
    const outcomes = await inTransaction(async (client) => {
      const said: [string, string | null][] = [];
      for (const place of places) {
        said.push([place.name, await complaintOf(client, update(place, "$2"), [place.rowId, place.value])]);
      }
      return said;
    });
    const expected = places.map(({ name, isEvidence }) => [
      name,
      // Evidence is never changed: its older value is the one it has.
      isEvidence ? "SP203" : `SP525 ${REFUSED}`,
    ]);
    expect(outcomes).toEqual(expected);
  });

  it("does not come back as evidence once the attempt that it was taken from is gone", async () => {
    const evidence = places.filter(({ isEvidence }) => isEvidence);
    expect(evidence.map(({ name }) => name)).toEqual(["access_attempt_logs.email", "access_attempt_logs.ip_address"]);
    await inTransaction(async (client) => {
      for (const { table, column, rowId, value } of evidence) {
        const insert = `insert into ${table} (id, email_digest, ${column}, result) values ($1, sha256('x'), $2, 'invalid')`;
        await client.query("delete from password_attempts where id = $1", [rowId]);
        expect(await complaintOf(client, insert, [rowId, value])).toBe(`SP525 ${REFUSED}`);
      }
      await client.query("rollback; begin");
    });
  });

  it("stays where it stands, and may be sealed anew", async () => {
    await inTransaction(async (client) => {
      for (const place of places.filter(({ isEvidence }) => !isEvidence)) {
        expect(await complaintOf(client, update(place, place.column), [place.rowId])).toBeNull();
        expect(await complaintOf(client, update(place, place.sealedAnew), [place.rowId])).toBeNull();
      }
    });
  });
});

describe("transactions at the same time", () => {
  it("write what they sealed themselves, and not what one of seven others sealed for the same row", async () => {
    const users = places.find(({ name }) => name === "users.email") as Place;
    const clients = await Promise.all(Array.from({ length: 8 }, () => db.admin.connect()));
    try {
      const sealed = await Promise.all(
        clients.map(async (client) => {
          await client.query("begin");
          await client.query("select tests.unlock()");
          const { rows } = await client.query<{ value: Buffer }>(
            `select ${users.sealedAnew} as value from users where id = $1`,
            [users.rowId],
          );
          return (rows[0] as { value: Buffer }).value;
        }),
      );
      // All are open while each tries each.
      const said = await Promise.all(
        clients.map(async (client) => {
          const outcomes: (string | null)[] = [];
          for (const value of sealed) {
            outcomes.push(await complaintOf(client, update(users, "$2"), [users.rowId, value]));
          }
          return outcomes;
        }),
      );
      expect(said).toEqual(
        clients.map((_, mine) => sealed.map((_, whose) => (whose === mine ? null : `SP525 ${REFUSED}`))),
      );
      // One after the other gets at the row.
      await Promise.all(
        clients.map(async (client, mine) => {
          await client.query(update(users, "$2"), [users.rowId, sealed[mine]]);
          await client.query("commit");
        }),
      );
    } finally {
      for (const client of clients) client.release(true);
    }
  });

  it("... nor does the next in one message, which begins in the same microsecond", async () => {
    const users = places.find(({ name }) => name === "users.email") as Place;
    const client = await db.admin.connect();
    try {
      const message = (between: string) => `
        begin;
        select tests.unlock();
        create temporary table kept as
          select ${users.sealedAnew} as value, transaction_timestamp() as start from users where id = '${users.rowId}';
        ${between}
        select 1 / (start = transaction_timestamp())::integer from kept;
        update users set email = kept.value from kept where users.id = '${users.rowId}';
        commit`;
      await client.query("drop table if exists kept");
      await expect(client.query(message("commit; begin;"))).rejects.toMatchObject({ code: "SP525", detail: REFUSED });
      await client.query("rollback; drop table if exists kept");
      await client.query(message(""));
    } finally {
      client.release(true);
    }
  });
});

describe("the iv", () => {
  it("ends as the page about the bytes says", async () => {
    const { rows } = await inTransaction((client) =>
      client.query<Record<"value" | "db_share" | "place" | "xid" | "start", Buffer>>(
        `select
           _seal_text(1, null, person.id, 'somebody@example.com', person.id) as value,
           db_share,
           int4send(1) || uuid_send('00000000-0000-0000-0000-000000000000') || uuid_send(person.id) as place,
           int8send(pg_current_xact_id()::text::bigint) as xid,
           int8send((extract(epoch from transaction_timestamp() - '2000-01-01 00:00:00Z') * 1000000)::bigint) as start
         from tests.user_id('ann') as person (id), tenant_keys
         where tenant_id = '00000000-0000-0000-0000-000000000000' and state = 'active'`,
      ),
    );
    const { value, db_share, place, xid, start } = rows[0] as (typeof rows)[0];
    const random = value.subarray(6, 14);
    const stamp = createHmac("sha256", db_share)
      .update(Buffer.concat([Buffer.from("iv\0"), random, place, xid, start]))
      .digest();
    expect(value.subarray(14, 22)).toEqual(stamp.subarray(0, 8));
  });

  it("is never twice the same, in one transaction and for one place, either", async () => {
    const { rows } = await inTransaction((client) =>
      client.query<{ count: number }>(
        `select count(distinct substr(_seal_text(1, null, id, 'somebody@example.com', id), 7, 16))::integer
         from tests.user_id('ann') as id, generate_series(1, 2000)`,
      ),
    );
    expect(rows).toEqual([{ count: 2000 }]);
  });
});
