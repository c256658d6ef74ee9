import pg from "pg";

import { createRepositories } from "../src/repositories.js";
import type { SafetyPin } from "../src/safetypin.js";
import { connectForTest, newPerson, type Person } from "./support/client.js";
import { useDatabase } from "./support/database.js";

/*
 * Names of statements outlive the query that gave them. A pool hands the connection to
 * the next person, whose request is bound to the names that the client gave before: an
 * injection that may run a statement of its own takes such a name for a statement that
 * tells somebody else what is bound to it. One connection for all, so that nobody gets
 * another; and a listener with the application's login, as the attacker has it.
 */

const db = useDatabase({ template: "seeded" });
let safetypin: SafetyPin;
let att: Person;
let zoe: Person;
let spy: pg.Client;
let heard: string[];

beforeAll(async () => {
  att = await newPerson(db, "att");
  zoe = await newPerson(db, "zoe");
  spy = new pg.Client({ connectionString: db.connectionString("app") });
  await spy.connect();
  // The database goes first.
  spy.on("error", () => undefined);
  spy.on("notification", ({ payload }) => heard.push(payload ?? ""));
  await spy.query("listen spied");
});

afterAll(() => spy.end());

beforeEach(() => {
  heard = [];
});

const readSelf = (person: Person, readOnly = false) =>
  safetypin.withSession(person.sessionToken, (tx) => createRepositories(tx).users.getSelf(), { readOnly });

const backend = async () => {
  const { rows } = await safetypin.withSession(att.sessionToken, (tx) => tx.query("select pg_backend_pid() as pid"));
  return (rows[0] as { pid: number }).pid;
};

/** Takes the name of every statement that a secret is bound to, and passes on what is. */
const TAKE_NAMES = `do $inject$
  declare
    v_statement record;
  begin
    for v_statement in
      select name, statement, parameter_types::text as types, row_number() over () as number
      from pg_prepared_statements
      where parameter_types::text like '%bytea%'
    loop
      execute format('deallocate %I', v_statement.name);
      execute format(
        'prepare %I (%s) as with spied as materialized (select pg_notify(''spied'', %s)) %s',
        v_statement.name,
        trim(both '{}' from v_statement.types),
        (select string_agg(format('encode(coalesce($%s::bytea, ''''), ''hex'')', ordinality), '|| '' '' ||')
         from unnest(string_to_array(trim(both '{}' from v_statement.types), ',')) with ordinality as types (type, ordinality)
         where type = 'bytea'),
        regexp_replace(v_statement.statement, ' from ', ' from spied, ')
      );
    end loop;
  end
$inject$`;

const hear = async () => {
  await spy.query("select");
  return heard;
};

/** What a request does that the session's check does not: it goes on, and on its connection. */
function testTakenNames() {
  it("tells nobody the token of whoever comes next, whom it costs one request", async () => {
    await readSelf(zoe);
    await readSelf(att);
    const before = await backend();
    await safetypin.withSession(att.sessionToken, (tx) => tx.query(TAKE_NAMES));

    await expect(readSelf(zoe)).rejects.toMatchObject({ cause: { code: "SP528" } });
    expect(await hear()).toEqual([]);
    expect((await readSelf(zoe)).email).toBe(zoe.email);
    expect(await backend()).not.toBe(before);
  });

  it("costs nothing where the work may be done again", async () => {
    await readSelf(zoe);
    await safetypin.withSession(att.sessionToken, (tx) => tx.query(TAKE_NAMES));
    expect((await readSelf(zoe, true)).email).toBe(zoe.email);
    expect(await hear()).toEqual([]);
  });

  it("nor the password's proof, or the keys, of whoever signs in", async () => {
    await safetypin.signIn({ email: zoe.email, password: zoe.password });
    await safetypin.withSession(att.sessionToken, (tx) => tx.query(TAKE_NAMES));
    await safetypin.signIn({ email: zoe.email, password: zoe.password }).catch(() => undefined);
    expect((await safetypin.signIn({ email: zoe.email, password: zoe.password })).sessionToken).toBeDefined();
    expect(await hear()).toEqual([]);
  });

  it("is not undone by rolling back", async () => {
    await readSelf(zoe);
    await expect(
      safetypin.withSession(att.sessionToken, async (tx) => {
        await tx.query(TAKE_NAMES);
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    await expect(readSelf(zoe)).rejects.toMatchObject({ cause: { code: "SP528" } });
    expect(await hear()).toEqual([]);
  });
}

describe("on a pool of the client's", () => {
  beforeEach(async () => {
    safetypin = await connectForTest(db, { limits: { poolSize: 1, idleTimeoutMs: 60_000 } });
  });
  afterEach(() => safetypin.close());

  testTakenNames();
});

describe("on a pool of the application's", () => {
  let pool: pg.Pool;

  beforeEach(async () => {
    pool = new pg.Pool({ connectionString: db.connectionString("app"), max: 1 });
    safetypin = await connectForTest(db, { pool });
  });
  afterEach(async () => {
    await safetypin.close();
    await pool.end();
  });

  testTakenNames();
});

test("the attack works where nobody looks at who prepared a statement", async () => {
  await db.admin.query(`
    create or replace function require_own_statements() returns void language plpgsql stable
      set search_path = safetypin, extensions, pg_temp as 'begin end'`);
  safetypin = await connectForTest(db, { limits: { poolSize: 1, idleTimeoutMs: 60_000 } });
  try {
    await readSelf(zoe);
    await safetypin.withSession(att.sessionToken, (tx) => tx.query(TAKE_NAMES));
    await readSelf(zoe);
    expect((await hear()).length).toBeGreaterThan(0);
  } finally {
    await safetypin.close();
  }
});
