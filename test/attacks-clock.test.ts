import { openSessions, sessionToken } from "./support/actors.js";
import { useDatabase } from "./support/database.js";

/*
 * The cell's clock. Its mark does not roll back, so whoever moves it need not be
 * allowed to: put forward by hours, it would end everybody's session, and throttles
 * would not lift until the clock had caught up.
 */

const db = useDatabase({ template: "pgtap" });

beforeAll(async () => {
  await db.admin.query("select tests.two_organizations()");
  await openSessions(db.admin, ["bob"], "acme");
  await openSessions(db.admin, ["zoe"], "zenith");
});

const readMark = async () => {
  const { rows } = await db.admin.query<{ mark: string }>("select last_value as mark from clock_high_water");
  return BigInt(rows[0]?.mark ?? 0);
};

/** Calls a function over and over, each time in a transaction of its own within one, and goes on when it is refused. */
const repeat = (times: number, ...calls: readonly string[]) =>
  `do $$ begin
     for i in 1..${times} loop
       ${calls.map((call) => `begin perform ${call}; exception when others then null; end;`).join("\n")}
     end loop;
   end $$`;

// Ahead of the clock is where it was driven from: after the clock was set back, as by a time server.
beforeEach(() => db.admin.query("select setval('clock_high_water', _mark_of(clock_timestamp() + interval '1 minute'))"));

test("is not driven forward by nobody", async () => {
  const before = await readMark();
  await db.app.query(
    repeat(
      500,
      "suspend_member(null)", "reactivate_member(null)", "revoke_member_sessions(null)", "close_organization()",
      "close_account()", "suspend_user(null, null)", "suspend_organization(null, null)", "revoke_all_sessions()",
    ),
  );
  expect(await readMark()).toBe(before);
});

test("nor by a member who may not, with functions that are rolled back", async () => {
  const before = await readMark();
  const client = await db.app.connect();
  try {
    await client.query("begin");
    await client.query("select begin_request($1)", [sessionToken("bob", "acme")]);
    await client.query(repeat(500, "suspend_member(gen_random_uuid())", "revoke_member_sessions(null)", "close_organization()"));
    await client.query("rollback");
  } finally {
    client.release();
  }
  expect(await readMark()).toBe(before);
});

test("what anybody may void moves it by less than it takes", async () => {
  const before = await readMark();
  const client = await db.app.connect();
  const start = process.hrtime.bigint();
  try {
    await client.query("begin");
    await client.query("select begin_request($1)", [sessionToken("zoe", "zenith")]);
    await client.query(repeat(500, "revoke_all_sessions()"));
    await client.query("rollback");
  } finally {
    client.release();
  }
  const microseconds = (process.hrtime.bigint() - start) / 1000n;

  // It does move, since the sessions after it must be told from those before.
  expect(await readMark()).toBe(before + 500n);
  expect(microseconds).toBeGreaterThan(500n);
});
