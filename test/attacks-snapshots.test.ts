import { randomUUID } from "node:crypto";

import type pg from "pg";

import { beginRequest, openSessions, organizationId, sessionToken, userId } from "./support/actors.js";
import { useDatabase } from "./support/database.js";

/*
 * Rights that were taken, used by a transaction that does not know it yet: one that
 * goes on seeing what it saw at first, or one that was kept waiting until they were
 * gone. amy administers acme, ann owns it, bob works there, lea holds a role of acme's.
 */

const db = useDatabase({ template: "pgtap" });
const clients: pg.PoolClient[] = [];
const ROLE = randomUUID();
const OTHER_ROLE = randomUUID();
const ALERT = randomUUID();

beforeEach(async () => {
  await db.admin.query("select tests.two_organizations(), tests.person('lea'), tests.person('zed')");
  await db.admin.query("select tests.member('acme', 'lea')");
  await openSessions(db.admin, ["ann", "amy", "bob", "lea"], "acme");
  await asAnn(
    `select create_role('manager', '', '${ROLE}'), create_role('other', '', '${OTHER_ROLE}')`,
    `select set_role_permissions('${ROLE}', array['members.manage', 'roles.manage', 'roles.assign', 'policies.manage', 'organization.update'])`,
    `select assign_role('${userId("lea")}', '${ROLE}')`,
    "insert into password_policies (organization_id, max_sessions) values (current_organization_id(), 9)",
    "select claim_domain('acme.example', sha256('acme'))",
    "select add_member('zed@example.com') from tests.unlock()",
  );
  await db.admin.query("insert into security_alerts (id, organization_id, alert_type, severity) values ($1, $2, 'reported', 'high')", [
    ALERT,
    organizationId("acme"),
  ]);
});

afterEach(async () => {
  for (const client of clients.splice(0)) {
    await client.query("rollback");
    client.release();
  }
  await db.admin.query("delete from security_alerts; delete from organizations; delete from users");
});

/** Opens a transaction as somebody in acme, to stay open. */
async function open(name: string, isolation: string): Promise<pg.PoolClient> {
  const client = await db.app.connect();
  clients.push(client);
  await client.query(`begin isolation level ${isolation}`);
  await beginRequest(client, sessionToken(name, "acme"));
  return client;
}

async function asAnn(...statements: readonly string[]): Promise<void> {
  const client = await open("ann", "read committed");
  // Nothing that amy does may keep ann waiting.
  await client.query("set local lock_timeout = '2s'");
  for (const statement of statements) await client.query(statement);
  await client.query("commit");
}

const codeOf = (answer: Promise<unknown>) => answer.then(() => "done", (error: { code: string }) => error.code);

/** What the state of acme is, whoever changed it. */
async function state(): Promise<unknown> {
  const { rows } = await db.admin.query(
    `select
       (select array_agg((user_id, role, status) order by user_id) from organization_users where organization_id = $1) as members,
       (select array_agg((id, name) order by id) from roles where organization_id = $1) as roles,
       (select array_agg((user_id, role_id) order by user_id, role_id) from user_roles where organization_id = $1) as held,
       (select max_sessions from password_policies where organization_id = $1) as sessions,
       (select name from organizations where id = $1) as name,
       (select array_agg((domain, verified_time) order by domain) from organization_domains where organization_id = $1) as domains,
       (select array_agg((status, alert_type) order by id) from security_alerts where organization_id = $1) as alerts`,
    [organizationId("acme")],
  );
  return rows[0];
}

const DEEDS: Record<string, string> = {
  "makes a member an admin": `select set_member_role('${userId("bob")}', 'admin')`,
  "removes a member": `select remove_member('${userId("bob")}')`,
  "suspends a member": `select suspend_member('${userId("bob")}')`,
  "asks somebody to join": "select add_member('zoe@example.com', 'admin') from tests.unlock()",
  "takes an invitation back": "select withdraw_invitation('zed@example.com') from tests.unlock()",
  "claims a domain": "select claim_domain('mine.example', sha256('mine'))",
  "proves a domain": "select verify_domain('acme')",
  "gives a domain up": "select release_domain('acme.example')",
  "opens an alert": `select report_alert('noise', 'low', '${userId("bob")}')`,
  "acknowledges an alert": `select acknowledge_alert('${ALERT}')`,
  "resolves an alert": `select resolve_alert('${ALERT}', 'nothing to see')`,
  "gives the policy up": "select clear_password_policy()",
  "demands another password": `select require_password_change('${userId("bob")}')`,
  "makes a role": "select create_role('mine')",
  "deletes a role": `select delete_role('${OTHER_ROLE}')`,
  "gives a role what it did not hold": `select set_role_permissions('${OTHER_ROLE}', array['roles.manage'])`,
  "grants a role": `select assign_role('${userId("bob")}', '${OTHER_ROLE}')`,
  "changes the policy, where only row-level security asks": "update password_policies set max_sessions = 5 where organization_id is not null",
  "renames the organization, where only row-level security asks": "update organizations set name = 'Amy''s'",
};

const LOSSES: Record<string, readonly [loser: string, statement: string]> = {
  "who was removed": ["amy", `select remove_member('${userId("amy")}')`],
  "who was suspended": ["amy", `select suspend_member('${userId("amy")}')`],
  "who was made a member": ["amy", `select set_member_role('${userId("amy")}', 'member')`],
  "whose role was taken back": ["lea", `select remove_role('${userId("lea")}', '${ROLE}')`],
  "whose role holds less": ["lea", `select set_role_permissions('${ROLE}', '{}')`],
  "whose role is gone": ["lea", `select delete_role('${ROLE}')`],
};

describe.each(["repeatable read", "serializable"])("in a transaction that is %s", (isolation) => {
  test.each(Object.entries(DEEDS))("amy, who was removed, no longer %s", async (_what, deed) => {
    const amy = await open("amy", isolation);
    await asAnn(LOSSES["who was removed"]![1]);
    const before = await state();

    // What she sees is what she saw: it is what she may write that is asked anew.
    expect((await amy.query("select has_permission('members.manage') as may")).rows).toEqual([{ may: true }]);
    expect(await codeOf(amy.query(deed))).toBe("40001");
    await amy.query("commit");
    expect(await state()).toEqual(before);
  });

  test.each(Object.entries(LOSSES))("nobody %s does what they could", async (_what, [loser, loss]) => {
    const client = await open(loser, isolation);
    for (const deed of [DEEDS["makes a role"]!, "update organizations set name = 'Mine'"]) {
      await client.query("savepoint before");
      await client.query(deed);
      await client.query("rollback to before");
    }
    await asAnn(loss);
    for (const deed of [DEEDS["makes a role"]!, "update organizations set name = 'Mine'"]) {
      expect(await codeOf(client.query(deed))).toBe("40001");
      await client.query("rollback to before");
    }
  });

  const FOR_LEA: Record<string, readonly string[]> = {
    "who was granted a role": [`select assign_role('${userId("bob")}', '${OTHER_ROLE}')`],
    "whose role holds more": [`select set_role_permissions('${OTHER_ROLE}', array['audit.read'])`],
  };

  test.each(Object.entries(FOR_LEA))("nobody acts on a member %s, and holds more than they do", async (_whom, gains) => {
    // OTHER_ROLE is bob's before or after; what it holds in the end lea does not.
    const [gain] = gains as [string];
    const isGrant = gain.includes("assign_role");
    await asAnn(isGrant ? FOR_LEA["whose role holds more"]![0]! : FOR_LEA["who was granted a role"]![0]!);
    const lea = await open("lea", isolation);
    for (const deed of [DEEDS["removes a member"]!, DEEDS["suspends a member"]!]) {
      await lea.query("savepoint before");
      await lea.query(deed);
      await lea.query("rollback to before");
    }
    await asAnn(gain);

    for (const deed of [DEEDS["removes a member"]!, DEEDS["suspends a member"]!]) {
      expect(await codeOf(lea.query(deed))).toBe("40001");
      await lea.query("rollback to before");
    }
    const now = await open("lea", "read committed");
    expect(await codeOf(now.query(DEEDS["suspends a member"]!))).toBe("SP202");
  });

  test("to have used a right keeps nobody from taking it", async () => {
    const amy = await open("amy", isolation);
    await amy.query(DEEDS["makes a role"]!);
    await asAnn(LOSSES["who was removed"]![1]);
  });
});

describe("in a transaction that waited until the right was gone", () => {
  // amy holds what the deed needs in another transaction of hers, lets go of it when ann
  // has removed her, and would be through: the permission was asked for before the wait.
  test.each([
    ["makes a member an admin", DEEDS["suspends a member"]!],
    ["suspends a member", DEEDS["makes a member an admin"]!],
    ["asks somebody to join", DEEDS["asks somebody to join"]!],
    ["takes an invitation back", DEEDS["takes an invitation back"]!],
    ["claims a domain", DEEDS["claims a domain"]!],
    ["proves a domain", DEEDS["gives a domain up"]!],
    ["gives a domain up", DEEDS["gives a domain up"]!],
    ["opens an alert", DEEDS["suspends a member"]!],
    ["acknowledges an alert", DEEDS["resolves an alert"]!],
    ["resolves an alert", DEEDS["acknowledges an alert"]!],
    ["gives the policy up", "update password_policies set max_sessions = 8 where organization_id is not null"],
    ["demands another password", DEEDS["suspends a member"]!],
    ["makes a role", DEEDS["makes a role"]!],
    ["gives a role what it did not hold", `select update_role('${OTHER_ROLE}', 'held', '')`],
    ["deletes a role", `select update_role('${OTHER_ROLE}', 'held', '')`],
    ["grants a role", DEEDS["suspends a member"]!],
    ["changes the policy, where only row-level security asks", "update password_policies set max_sessions = 8 where organization_id is not null"],
    ["renames the organization, where only row-level security asks", "update organizations set settings = '{}'"],
  ])("amy no longer %s", async (what, hold) => {
    const holder = await open("amy", "read committed");
    await holder.query("savepoint before");
    await holder.query(hold);
    const waiter = await open("amy", "read committed");
    const outcome = codeOf(waiter.query(DEEDS[what]!));
    await expect(Promise.race([outcome, new Promise((resolve) => setTimeout(resolve, 200, "waits"))])).resolves.toBe("waits");

    // Behind the curtain, since removing her by the front door would wait for the counters of acme.
    await db.admin.query("update organization_users set role = 'member' where user_id = $1", [userId("amy")]);
    const before = await state();
    await holder.query("rollback");

    expect(await outcome).toMatch(/^SP20[12]$/);
    await waiter.query("rollback");
    expect(await state()).toEqual(before);
  });
});
