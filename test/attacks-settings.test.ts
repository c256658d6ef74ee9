import pg from "pg";

import { createRepositories } from "../src/repositories.js";
import type { SafetyPin } from "../src/safetypin.js";
import { connectForTest, newPerson, type Person } from "./support/client.js";
import { aloneWithRoles, useDatabase } from "./support/database.js";

/*
 * Settings that outlive the query that set them. A pool hands the connection to the
 * next person, so an injection in one person's query, which is all that set_config()
 * takes, would be everybody's; and a login may give itself settings for its next
 * connections. One connection for all, so that nobody gets another.
 */

const db = useDatabase({ template: "seeded" });
let safetypin: SafetyPin;
let att: Person;
let zoe: Person;
let amy: Person;

beforeAll(async () => {
  att = await newPerson(db, "att");
  zoe = await newPerson(db, "zoe");
  amy = await newPerson(db, "amy");
});

const ofItsOwn = () => connectForTest(db, { limits: { poolSize: 1, idleTimeoutMs: 60_000 } });

afterEach(() => safetypin.close());

const backend = () =>
  safetypin.withSession(zoe.sessionToken, async (tx) => {
    const { rows } = await tx.query("select pg_backend_pid() as pid");
    return (rows[0] as { pid: number }).pid;
  });

const injectAs = (person: Person, name: string, value: string) =>
  safetypin.withSession(person.sessionToken, (tx) => tx.query(`select set_config('${name}', '${value}', false)`));

/** What is done on a connection: zoe reads, times too, and writes; amy signs in. */
async function work() {
  const self = await safetypin.withSession(zoe.sessionToken, (tx) => createRepositories(tx).users.getSelf());
  const title = String(Math.random());
  await safetypin.withSession(zoe.sessionToken, (tx) => createRepositories(tx).users.updateOwnProfile({ jobTitle: title }));
  const signedIn = await safetypin.signIn({ email: amy.email, password: amy.password });
  return { email: self.email, creationTime: self.creationTime, expirationTime: signedIn.expirationTime };
}

const POISON: readonly (readonly [name: string, value: string])[] = [
  ["row_security", "off"],
  ["role", "safetypin_app"],
  ["default_transaction_read_only", "on"],
  ["default_transaction_isolation", "serializable"],
  ["default_transaction_deferrable", "on"],
  ["statement_timeout", "5000"],
  ["search_path", "pg_catalog"],
  ["DateStyle", "German, DMY"],
  ["IntervalStyle", "iso_8601"],
  ["bytea_output", "escape"],
  ["TimeZone", "Pacific/Kiritimati"],
  ["extra_float_digits", "-15"],
  ["client_encoding", "LATIN1"],
  ["standard_conforming_strings", "off"],
  ["transform_null_equals", "on"],
  ["array_nulls", "off"],
  ["enable_indexscan", "off"],
  ["work_mem", "64kB"],
  ["safetypin.context", "forged"],
  ["safetypin.ip_address", "no address"],
];

/** That nothing of what one person's query set is there for the next. */
function testEverySetting() {
  test.each(POISON)("%s = %s, set by one person's query, is nobody else's", async (name, value) => {
    const before = await backend();
    await injectAs(att, name, value);

    const { email, creationTime, expirationTime } = await work();
    expect(email).toBe(zoe.email);
    expect(creationTime).toBeInstanceOf(Date);
    expect(expirationTime?.getTime()).toBeGreaterThan(Date.now());
    const { rows } = await safetypin.withSession(zoe.sessionToken, (tx) =>
      tx.query("select current_setting($1, true) as value, current_setting('role') as role", [name]),
    );
    expect(rows).not.toEqual([expect.objectContaining({ value })]);
    expect(rows).toEqual([expect.objectContaining({ role: "none" })]);
    // On that very connection, and not because it was thrown away.
    expect(await backend()).toBe(before);
  });
}

describe("on a pool of the client's, whose connections keep a pad", () => {
  beforeEach(async () => {
    safetypin = await ofItsOwn();
  });

  testEverySetting();
});

describe("on a pool of the application's, which may be a pooler's", () => {
  let pool: pg.Pool;

  beforeEach(async () => {
    pool = new pg.Pool({ connectionString: db.connectionString("app"), max: 1 });
    safetypin = await connectForTest(db, { pool });
  });

  afterEach(() => pool.end());

  testEverySetting();
});

test("a timeout that ends the next transaction before it is open costs the connection, and nobody more than one request", async () => {
  safetypin = await ofItsOwn();
  const before = await backend();
  await injectAs(att, "statement_timeout", "1");

  const holder = await db.admin.connect();
  await holder.query("begin; lock table sessions in access exclusive mode");
  const next = safetypin.withSession(zoe.sessionToken, (tx) => tx.query("select"));
  await expect(next).rejects.toMatchObject({ code: "57014" });
  await holder.query("rollback");
  holder.release();

  expect(await work()).toMatchObject({ email: zoe.email });
  expect(await backend()).not.toBe(before);
});

test("a pad that is not the connection's own costs the connection, and nobody more than one request", async () => {
  safetypin = await ofItsOwn();
  const before = await backend();
  await injectAs(att, "safetypin.pad", "00".repeat(64));
  await expect(
    safetypin.withSession(zoe.sessionToken, (tx) => tx.query("do $$ begin raise exception 'no' using errcode = 'SP221'; end $$")),
  ).rejects.toMatchObject({ code: "key_share_refused" });
  expect(await backend()).not.toBe(before);
});

test("a timeout for transactions, where the server has one", async () => {
  safetypin = await ofItsOwn();
  const { rows } = await db.admin.query("select from pg_settings where name = 'transaction_timeout'");
  if (rows.length === 0) return;
  await injectAs(att, "transaction_timeout", "60000");
  const { rows: after } = await safetypin.withSession(zoe.sessionToken, (tx) =>
    tx.query("select current_setting('transaction_timeout') as value"),
  );
  expect(after).toEqual([{ value: "0" }]);
});

test("what a server, a database or a login has for a style makes no other times", async () => {
  await aloneWithRoles(async () => {
    for (const setting of ["datestyle = 'German, DMY'", "intervalstyle = iso_8601", "default_transaction_read_only = on"]) {
      await db.app.query(`alter role current_user in database ${db.name} set ${setting}`);
    }
    safetypin = await ofItsOwn();
    try {
      expect(await work()).toMatchObject({ email: zoe.email, creationTime: expect.any(Date) as Date });
    } finally {
      await db.admin.query(`alter role safetypin_app_login in database ${db.name} reset all`);
    }
  });
});
