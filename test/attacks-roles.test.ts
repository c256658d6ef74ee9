import { aloneWithRoles, useDatabase, type Login } from "./support/database.js";
import { beginRequest, openSessions, organizationId, sessionToken, userId } from "./support/actors.js";

/*
 * Becoming somebody else: as a role of the database, for which a login would need a
 * membership it does not have; and as a member of an organization, for which a
 * person would need what they do not hold.
 */

const db = useDatabase({ template: "pgtap" });

beforeAll(async () => {
  await db.admin.query("select tests.two_organizations()");
  await openSessions(db.admin, ["ann", "amy", "bob"], "acme");
  await openSessions(db.admin, ["zoe"], "zenith");
});

const LOGINS: Login[] = ["app", "mailer", "operator", "auditor", "monitor", "backup"];
const GROUPS = ["owner", "definer", "keyholder", "app", "mailer", "operator", "auditor", "monitor", "backup"];

describe.each(LOGINS)("the %s's login", (login) => {
  const refused = async (statement: string) => {
    const outcome = await db.pool(login).query(statement).then(() => "done", (error: { code: string }) => error.code);
    expect([statement, outcome]).toEqual([statement, "42501"]);
  };

  test("becomes no role but its own", async () => {
    for (const group of GROUPS.filter((name) => name !== login)) {
      await refused(`set role safetypin_${group}`);
      await refused(`select set_config('role', 'safetypin_${group}', true)`);
    }
    for (const other of LOGINS.filter((name) => name !== login)) {
      await refused(`set role safetypin_${other}_login`);
    }
    await refused("set role safetypin_migrator");
    await refused("set role postgres");
    await refused("set session authorization postgres");
    await refused("set session authorization safetypin_owner");
  });

  test("makes itself no more than it is", async () => {
    const self = `safetypin_${login}_login`;
    await aloneWithRoles(async () => {
      for (const attribute of ["superuser", "bypassrls", "createrole", "createdb", "replication"]) {
        await refused(`alter role ${self} ${attribute}`);
      }
      for (const group of GROUPS.filter((name) => name !== login)) {
        await refused(`grant safetypin_${group} to ${self}`);
      }
      await refused(`grant safetypin_${login} to ${self} with admin option`);
      await refused(`create role more_${login}`);
      await refused("alter role safetypin_owner login");
      await refused("alter role safetypin_migrator password 'mine'");
    });
  });

  test("turns nothing off that protects others", async () => {
    await refused("set session_replication_role = replica");
    await refused("set log_statement = 'all'");
    await refused("alter system set ssl = off");
    await refused("alter database postgres set row_security = off");
    await refused("alter function _set_context(uuid, uuid, uuid, smallint) owner to current_user");
    await refused("reassign owned by safetypin_owner to current_user");
    await refused("drop owned by safetypin_owner");
    await refused("alter default privileges for role safetypin_definer grant execute on functions to public");
  });

  test("calls no function that is for functions of ours", async () => {
    await refused("select _set_context(null, null, null, null)");
    await refused("select _open_session(null, null, null, null, null::smallint, null, null, null, null, null)");
    await refused("select _judge_attempt(null)");
    await refused("select _set_password(null, null, null, null)");
    await refused("select _log_event('user.closed')");
    await refused("select _keyed_digest('ann@example.com', 'a key')");
    await refused("select _open_digest_keys('address')");
    await refused("select _void_sessions(null, null)");
    await refused("select _release_attempt(null, null)");
    await refused("select _forgive_account('ann@example.com')");
    await refused("select _derive_tokens(null, null, null)");
  });

  test("reads no key", async () => {
    if (login === "backup") return;
    await refused("select secret from context_keys");
    await refused("select secret from digest_keys");
    await refused("select digest from password_credentials");
    await refused("select token_hash from sessions");
    await refused("select token_hash from one_time_tokens");
  });
});

test("row-level security that is asked to be off refuses rather than shows", async () => {
  const client = await db.app.connect();
  try {
    await client.query("set row_security = off");
    await expect(client.query("select email from users")).rejects.toMatchObject({ code: "42501" });
  } finally {
    client.release(true);
  }
});

test("operators' functions are not the application's, nor the application's the operator's", async () => {
  const answer = (login: Login, call: string) =>
    db.pool(login).query(`select ${call}`).then(() => "done", (error: { code: string }) => error.code);

  expect(await answer("app", `suspend_user('${userId("ann")}', 'x')`)).toBe("42501");
  expect(await answer("app", `suspend_organization('${organizationId("acme")}', 'x')`)).toBe("42501");
  expect(await answer("app", "rotate_context_key()")).toBe("42501");
  expect(await answer("app", "make_partitions()")).toBe("42501");
  expect(await answer("app", "declare_environment('test')")).toBe("42501");
  expect(await answer("operator", "begin_password_check('ann@example.com')")).toBe("42501");
  expect(await answer("auditor", "begin_request('')")).toBe("42501");
  expect(await answer("monitor", "begin_request('')")).toBe("42501");
  expect(await answer("operator", "make_partitions()")).toBe("done");
});

test("the operator and the monitor see nobody, and the auditor no secret", async () => {
  for (const login of ["operator", "monitor"] as const) {
    await expect(db.pool(login).query("select id from users")).rejects.toMatchObject({ code: "42501" });
  }
  await expect(db.pool("auditor").query("select id from users")).rejects.toMatchObject({ code: "42501" });
});

test.each([
  ["operator", `suspend_user('${userId("zoe")}', 'x')`, "user.suspended"],
  ["auditor", "record_auditor_export('events', 'csv', null, null)", "audit.exported"],
  ["app", "record_denial('x', 'y')", "access.denied"],
] as const)("the %s's login stands in the evidence, and tenants do not see it", async (login, call, eventType) => {
  const client = await db.pool(login).connect();
  try {
    // Whatever it calls itself.
    await client.query("set application_name = 'somebody else'");
    await client.query(`select ${call}`);
  } finally {
    client.release(true);
  }

  const { rows } = await db.pool("auditor").query(
    "select login_name, acting_user_id from auth_audit_logs where event_type = $1 order by recorded_at desc limit 1",
    [eventType],
  );
  expect(rows).toEqual([{ login_name: `safetypin_${login}_login`, acting_user_id: null }]);
  for (const log of ["auth_audit_logs", "access_attempt_logs", "data_change_logs"]) {
    await expect(db.app.query(`select login_name from ${log}`)).rejects.toMatchObject({ code: "42501" });
  }
});

test("a login that may become the owner of the functions walks through everything: these are the right doors", async () => {
  const client = await db.pool("migrator").connect();
  try {
    await client.query("begin");
    await expect(client.query("set local role safetypin_definer")).resolves.toBeDefined();
    const { rows } = await client.query("select digest from password_credentials");
    expect(rows).not.toEqual([]);
  } finally {
    await client.query("rollback");
    client.release(true);
  }
});

describe("in an organization", () => {
  /** What a call of somebody in acme comes to; nothing of it stays. */
  const call = async (who: string, statement: string) => {
    const client = await db.app.connect();
    try {
      await client.query("begin");
      await beginRequest(client, sessionToken(who, "acme"));
      return await client.query(statement).then(() => "done", (error: { code: string }) => error.code);
    } finally {
      await client.query("rollback");
      client.release();
    }
  };
  const system = (name: string) => `(select id from roles where organization_id is null and name = '${name}')`;
  const id = (name: string) => `'${userId(name)}'`;

  test("a member makes themselves nothing more", async () => {
    expect(await call("bob", `select set_member_role(${id("bob")}, 'admin')`)).toBe("SP201");
    expect(await call("bob", `select assign_role(${id("bob")}, ${system("admin")})`)).toBe("SP201");
    expect(await call("bob", "select create_role('Mine')")).toBe("SP201");
    expect(await call("bob", `select transfer_ownership(${id("bob")})`)).toBe("SP204");
    expect(await call("bob", `update organization_users set role = 'owner' where user_id = ${id("bob")}`)).toBe("42501");
    expect(await call("bob", `insert into user_roles (organization_id, user_id, role_id) select organization_id, user_id, ${system("owner")} from organization_users`)).toBe("42501");
    expect(await call("bob", `insert into role_permissions select ${system("member")}, id from permissions`)).toBe("42501");
    expect(await call("bob", "update permissions set held_by = 'everyone'")).toBe("42501");
  });

  test("an administrator does not make an owner, nor touches one", async () => {
    expect(await call("amy", `select set_member_role(${id("amy")}, 'owner')`)).toBe("SP204");
    expect(await call("amy", `select set_member_role(${id("bob")}, 'owner')`)).toBe("SP204");
    expect(await call("amy", `select set_member_role(${id("ann")}, 'member')`)).toBe("SP204");
    expect(await call("amy", `select remove_member(${id("ann")})`)).toBe("SP204");
    expect(await call("amy", `select suspend_member(${id("ann")})`)).toBe("SP204");
    expect(await call("amy", `select assign_role(${id("amy")}, ${system("owner")})`)).toBe("SP204");
    expect(await call("amy", "select add_member('zoe@example.com', 'owner')")).toBe("SP204");
    expect(await call("amy", "select close_organization()")).toBe("SP204");
  });

  test("nobody rewrites the package's roles", async () => {
    expect(await call("ann", `select set_role_permissions(${system("member")}, '{members.manage}')`)).toBe("SP205");
    expect(await call("ann", `select update_role(${system("member")}, 'mine', '')`)).toBe("SP205");
    expect(await call("ann", `select delete_role(${system("owner")})`)).toBe("SP205");
  });

  test("who holds little grants little", async () => {
    const client = await db.admin.connect();
    try {
      await client.query("begin");
      await client.query("select tests.act_as('ann', 'acme')");
      await client.query(`select assign_role(${id("bob")}, create_role('Granter'))`);
      await client.query(
        "select set_role_permissions((select id from roles where name = 'Granter'), '{roles.assign,roles.manage}')",
      );
      await client.query("select tests.act_as('bob', 'acme')");
      await client.query("savepoint before");
      for (const statement of [
        `select assign_role(${id("bob")}, ${system("admin")})`,
        `select assign_role(${id("bob")}, ${system("auditor")})`,
        "select set_role_permissions((select id from roles where name = 'Granter'), '{roles.assign,roles.manage,audit.read}')",
        "select change_role_permissions((select id from roles where name = 'Granter'), '{audit.read}', '{}')",
      ]) {
        await expect(client.query(statement)).rejects.toMatchObject({ code: "SP202" });
        await client.query("rollback to before");
      }
      await client.query(`select assign_role(${id("bob")}, ${system("member")})`);
    } finally {
      await client.query("rollback");
      client.release();
    }
  });

  test("the owner may what the others may not, so these are the right doors", async () => {
    expect(await call("ann", `select set_member_role(${id("bob")}, 'admin')`)).toBe("done");
    expect(await call("ann", `select assign_role(${id("bob")}, ${system("admin")})`)).toBe("done");
    expect(await call("ann", `select transfer_ownership(${id("bob")})`)).toBe("done");
    expect(await call("ann", `select suspend_member(${id("amy")})`)).toBe("done");
  });
});
