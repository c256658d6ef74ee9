import { setTimeout as sleep } from "node:timers/promises";

import type pg from "pg";

import { prepareDatabase } from "../src/development/prepare-database.js";
import { localKeyFile } from "../src/keys/local-key-file.js";
import { unlockCell } from "../src/keys/new-key.js";
import { parseCellName } from "../src/migrations/cell.js";
import { useServer } from "./support/server.js";
import { connect } from "./support/template.js";

/*
 * A database that is upgraded by a copy and logical replication: what the old one sealed arrives
 * in the new one, in transactions of the subscription's, and nothing older comes by any other way.
 */

jest.setTimeout(120_000);

const cell = parseCellName("safetypin");
const context = useServer({ settings: { wal_level: "logical" } });
const REFUSED = { code: "SP525", detail: "It was sealed for another row or column, or in another transaction." };

let blue: pg.Client;
let green: pg.Client;

async function open(database: string): Promise<pg.Client> {
  const client = await connect(context.server.connectionString(database));
  await client.query(`set search_path = ${cell}, extensions, pg_temp`);
  return client;
}

async function inUnlockedTransaction(client: pg.Client, sql: string): Promise<pg.QueryResult[]> {
  await client.query("begin");
  try {
    const { rows } = await client.query<{ id: string }>("select id from cell_settings");
    await unlockCell(client, { provider: localKeyFile({ environment: "test" }), cellId: rows[0]?.id ?? "" });
    const results = (await client.query(sql)) as unknown as pg.QueryResult | pg.QueryResult[];
    await client.query("commit");
    return [results].flat();
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

/** The value that one row has, once it is in the new database too. */
async function arrived(sql: string): Promise<Buffer> {
  const { rows } = await blue.query<{ value: Buffer }>(sql);
  const value = (rows[0] as { value: Buffer }).value;
  for (let waited = 0; waited < 20_000; waited += 50) {
    const { rows: there } = await green.query<{ value: Buffer | null }>(sql);
    if (there[0]?.value?.equals(value) === true) return value;
    await sleep(50);
  }
  throw new Error(`Nothing arrived of: ${sql}`);
}

const PERSON = "00000000-0000-7000-8000-000000000001";
const ATTEMPT = "00000000-0000-7000-8000-000000000002";
const EMAIL_OF_EVIDENCE = `select email as value from access_attempt_logs where id = '${ATTEMPT}'`;
const PHONE_NUMBER = `select phone_number as value from users where id = '${PERSON}'`;
const seal = (number: string) => `update users set phone_number = _seal_text(2, null, id, '${number}', id) where id = '${PERSON}'`;

beforeAll(async () => {
  const server = await connect(context.server.connectionString());
  await server.query("create database blue");
  blue = await connect(context.server.connectionString("blue"));
  await prepareDatabase(blue, { cell, environment: "test" });
  await blue.query(`set search_path = ${cell}, extensions, pg_temp`);
  await inUnlockedTransaction(
    blue,
    `insert into users (id, email, first_name, last_name) values ('${PERSON}', _seal_email('${PERSON}', 'replicated@example.com'), 'Ann', 'Example');
     ${seal("+431111111")}`,
  );
  await blue.query("create publication everything for all tables");
  await blue.query("select pg_create_logical_replication_slot('green', 'pgoutput')");
  await blue.end();
  await server.query("create database green template blue");
  await server.end();
  blue = await open("blue");
  green = await open("green");
  const { rows } = await green.query<{ is_choice: boolean }>(
    "select current_setting('server_version_num')::integer >= 160000 as is_choice",
  );
  // Elsewise the worker becomes the owner of each table, whom row-level security binds; before 16 it never does.
  const asSubscriber = rows[0]?.is_choice === true ? ", run_as_owner = true" : "";
  await green.query(
    `create subscription green connection '${context.server.connectionString("blue")}'
     publication everything with (create_slot = false, slot_name = 'green', copy_data = false${asSubscriber})`,
  );
}, 120_000);

afterAll(async () => {
  await green.end();
  await blue.end();
});

it("what is sealed arrives as it is", async () => {
  const before = await arrived(PHONE_NUMBER);
  await inUnlockedTransaction(blue, seal("+432222222"));
  expect(await arrived(PHONE_NUMBER)).not.toEqual(before);
});

it("evidence arrives too, whose trigger fires there: sealed just now, and what waited elsewhere", async () => {
  await inUnlockedTransaction(
    blue,
    `insert into password_attempts (id, account_id, email_digest, nonce, salt, expiration_time, email)
     values ('${ATTEMPT}', new_id(), sha256('x'), sha256('y'), '$2a$12$abcdefghijklmnopqrstuu', now() + interval '1 minute',
             _seal_text(7, null, '${ATTEMPT}', 'typed@example.com'))`,
  );
  await blue.query(
    `with judged as (select * from password_attempts where id = '${ATTEMPT}')
     insert into access_attempt_logs (id, email, result) select id, email, 'invalid' from judged`,
  );
  await blue.query(`delete from password_attempts where id = '${ATTEMPT}'`);
  await arrived(EMAIL_OF_EVIDENCE);

  const id = ATTEMPT.replace(/2$/, "3");
  await inUnlockedTransaction(
    blue,
    `insert into access_attempt_logs (id, email, result) values ('${id}', _seal_text(7, null, '${id}', 'typed@example.com'), 'invalid')`,
  );
  await arrived(EMAIL_OF_EVIDENCE.replace(ATTEMPT, id));
});

it("and what is older is put back in neither", async () => {
  const older = await arrived(PHONE_NUMBER);
  const evidence = await arrived(EMAIL_OF_EVIDENCE);
  await inUnlockedTransaction(blue, seal("+433333333"));
  await arrived(PHONE_NUMBER);
  for (const client of [blue, green]) {
    await expect(
      client.query(`update users set phone_number = $1 where id = '${PERSON}'`, [older]),
    ).rejects.toMatchObject(REFUSED);
    await expect(
      client.query(`insert into access_attempt_logs (id, email, result) values ('${ATTEMPT}', $1, 'invalid')`, [evidence]),
    ).rejects.toMatchObject(REFUSED);
  }
});
