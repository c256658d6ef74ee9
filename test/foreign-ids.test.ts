import { newId } from "../src/ids.js";
import { createRepositories, type Repositories } from "../src/repositories.js";
import { OneTimeToken, tagOf } from "../src/tokens.js";
import type { Transaction } from "../src/transaction.js";
import { organizationId, userId } from "./support/actors.js";
import { useTwoOrganizations } from "./support/world.js";

/** What something is called: an id, an address, a name. Each kind has one that Zenith has, and one that nobody has. */
type Kind =
  | "user" | "email" | "organization" | "session" | "device" | "role" | "role name" | "alert" | "event" | "row" | "domain"
  | "domain token";

/** A call that names something. Ann makes it, who owns Acme and may do everything there. */
type Call = (repositories: Repositories, it: never, own: { readonly roleId: never }) => unknown;

const BOB = userId("bob") as never;

/** Every method of every repository that is told of something by name, with each way to tell it. */
const CALLS: Readonly<Record<string, readonly [Kind, Call][]>> = {
  "users.find": [["user", ({ users }, it) => users.find(it)]],
  "users.get": [["user", ({ users }, it) => users.get(it)]],
  "users.exists": [["user", ({ users }, it) => users.exists(it)]],
  "users.findByEmail": [["email", ({ users }, it) => users.findByEmail(it)]],
  "users.search": [["email", ({ users }, it) => users.search(it)]],
  "users.requirePasswordChange": [["user", ({ users }, it) => users.requirePasswordChange(it)]],
  "organizations.find": [["organization", ({ organizations }, it) => organizations.find(it)]],
  "organizations.get": [["organization", ({ organizations }, it) => organizations.get(it)]],
  "organizations.choose": [["organization", ({ organizations }, it) => organizations.choose(it)]],
  "organizations.acceptMembership": [["organization", ({ organizations }, it) => organizations.acceptMembership(it)]],
  "organizations.findMember": [["user", ({ organizations }, it) => organizations.findMember(it)]],
  "organizations.getMember": [["user", ({ organizations }, it) => organizations.getMember(it)]],
  "organizations.isMember": [["user", ({ organizations }, it) => organizations.isMember(it)]],
  "organizations.addMember": [["email", ({ organizations }, it) => organizations.addMember({ email: it })]],
  "organizations.addMembers": [["email", ({ organizations }, it) => organizations.addMembers([{ email: it }])]],
  "organizations.withdrawInvitation": [["email", ({ organizations }, it) => organizations.withdrawInvitation(it)]],
  "organizations.setMemberRole": [["user", ({ organizations }, it) => organizations.setMemberRole(it, "admin")]],
  "organizations.setMemberRoles": [
    ["user", ({ organizations }, it) => organizations.setMemberRoles([{ userId: it, role: "admin" }])],
  ],
  "organizations.suspendMember": [["user", ({ organizations }, it) => organizations.suspendMember(it)]],
  "organizations.reactivateMember": [["user", ({ organizations }, it) => organizations.reactivateMember(it)]],
  "organizations.removeMember": [["user", ({ organizations }, it) => organizations.removeMember(it)]],
  "organizations.removeMembers": [["user", ({ organizations }, it) => organizations.removeMembers([it])]],
  "organizations.transferOwnership": [["user", ({ organizations }, it) => organizations.transferOwnership(it)]],
  "organizations.findDomain": [["domain", ({ organizations }, it) => organizations.findDomain(it)]],
  "organizations.releaseDomain": [["domain", ({ organizations }, it) => organizations.releaseDomain(it)]],
  "organizations.verifyDomain": [["domain token", ({ organizations }, it) => organizations.verifyDomain(it)]],
  "sessions.find": [["session", ({ sessions }, it) => sessions.find(it)]],
  "sessions.get": [["session", ({ sessions }, it) => sessions.get(it)]],
  "sessions.isLive": [["session", ({ sessions }, it) => sessions.isLive(it)]],
  "sessions.listOwn": [["device", ({ sessions }, it) => sessions.listOwn({ deviceId: it })]],
  "sessions.listForMember": [
    ["user", ({ sessions }, it) => sessions.listForMember(it)],
    ["device", ({ sessions }, it) => sessions.listForMember(BOB, { deviceId: it })],
  ],
  "sessions.list": [["device", ({ sessions }, it) => sessions.list({ deviceId: it })]],
  "sessions.revoke": [["session", ({ sessions }, it) => sessions.revoke(it)]],
  "sessions.revokeOthers": [["session", ({ sessions }, it) => sessions.revokeOthers({ except: [it] })]],
  "sessions.revokeAllOfMember": [["user", ({ sessions }, it) => sessions.revokeAllOfMember(it)]],
  "permissions.listOfMember": [["user", ({ permissions }, it) => permissions.listOfMember(it)]],
  "permissions.findRole": [["role", ({ permissions }, it) => permissions.findRole(it)]],
  "permissions.getRole": [["role", ({ permissions }, it) => permissions.getRole(it)]],
  "permissions.findRoleByName": [["role name", ({ permissions }, it) => permissions.findRoleByName(it)]],
  "permissions.getRoleWithPermissions": [["role", ({ permissions }, it) => permissions.getRoleWithPermissions(it)]],
  "permissions.listRolePermissions": [["role", ({ permissions }, it) => permissions.listRolePermissions(it)]],
  "permissions.updateRole": [["role", ({ permissions }, it) => permissions.updateRole(it, { name: "Mine" })]],
  "permissions.deleteRole": [["role", ({ permissions }, it) => permissions.deleteRole(it)]],
  "permissions.setRolePermissions": [
    ["role", ({ permissions }, it) => permissions.setRolePermissions(it, ["audit.read"])],
  ],
  "permissions.addRolePermissions": [
    ["role", ({ permissions }, it) => permissions.addRolePermissions(it, ["audit.read"])],
  ],
  "permissions.removeRolePermissions": [
    ["role", ({ permissions }, it) => permissions.removeRolePermissions(it, ["audit.read"])],
  ],
  "permissions.assignRole": [
    ["role", ({ permissions }, it) => permissions.assignRole({ userId: BOB, roleId: it })],
    ["user", ({ permissions }, it, { roleId }) => permissions.assignRole({ userId: it, roleId })],
  ],
  "permissions.assignRoles": [
    ["role", ({ permissions }, it) => permissions.assignRoles([{ userId: BOB, roleId: it }])],
    ["user", ({ permissions }, it, { roleId }) => permissions.assignRoles([{ userId: it, roleId }])],
  ],
  "permissions.removeRole": [
    ["role", ({ permissions }, it) => permissions.removeRole(BOB, it)],
    ["user", ({ permissions }, it, { roleId }) => permissions.removeRole(it, roleId)],
  ],
  "permissions.listMemberRoles": [["user", ({ permissions }, it) => permissions.listMemberRoles(it)]],
  "permissions.listRoleHolders": [["role", ({ permissions }, it) => permissions.listRoleHolders(it)]],
  "audit.findEvent": [["event", ({ audit }, it) => audit.findEvent(it)]],
  "audit.getEvent": [["event", ({ audit }, it) => audit.getEvent(it)]],
  "audit.listEvents": [
    ["user", ({ audit }, it) => audit.listEvents({ userId: it })],
    ["user", ({ audit }, it) => audit.listEvents({ actingUserId: it })],
    ["organization", ({ audit }, it) => audit.listEvents({ organizationId: it })],
    ["row", ({ audit }, it) => audit.listEvents({ resourceId: it })],
  ],
  "audit.listAttemptsOfUser": [["user", ({ audit }, it) => audit.listAttemptsOfUser(it)]],
  "audit.listChanges": [
    ["row", ({ audit }, it) => audit.listChanges({ rowId: it })],
    ["user", ({ audit }, it) => audit.listChanges({ actingUserId: it })],
    ["organization", ({ audit }, it) => audit.listChanges({ organizationId: it })],
  ],
  "audit.findAlert": [["alert", ({ audit }, it) => audit.findAlert(it)]],
  "audit.getAlert": [["alert", ({ audit }, it) => audit.getAlert(it)]],
  "audit.listOpenAlerts": [["organization", ({ audit }, it) => audit.listOpenAlerts({ organizationId: it })]],
  "audit.listAlertsAbout": [["user", ({ audit }, it) => audit.listAlertsAbout(it)]],
  "audit.reportAlert": [
    ["user", ({ audit }, it) => audit.reportAlert({ reason: "rumour", severity: "low", userId: it })],
  ],
  "audit.acknowledgeAlert": [["alert", ({ audit }, it) => audit.acknowledgeAlert(it)]],
  "audit.resolveAlert": [["alert", ({ audit }, it) => audit.resolveAlert(it, "not mine")]],
};

/** Those that are told of nothing that another organization could have. */
const WITHOUT_NAMES = [
  "users.getSelf", "users.list", "users.listRecentlyActive", "users.updateOwnProfile", "users.closeOwnAccount", "users.eraseOwnAccount",
  "organizations.findCurrent", "organizations.getCurrent", "organizations.listOwn", "organizations.findOfOwnDomain",
  "organizations.create", "organizations.update", "organizations.close", "organizations.listMembers",
  "organizations.countMembers", "organizations.countActiveMembers", "organizations.leave", "organizations.listDomains",
  "organizations.getPasswordPolicy", "organizations.setPasswordPolicy", "organizations.clearPasswordPolicy",
  // Two may claim one domain; who proves it has it: one-time-tokens.test.ts among the races.
  "organizations.claimDomain",
  "sessions.getCurrent", "sessions.revokeAll", "sessions.setData",
  "permissions.has", "permissions.require", "permissions.hasAny", "permissions.hasAll", "permissions.listOwn",
  "permissions.find", "permissions.findByResourceAndAction", "permissions.listNamed", "permissions.list",
  "permissions.listSystemRoles", "permissions.listRoles", "permissions.createRole",
  "audit.countEventsByType", "audit.countEventsByResult", "audit.countEventsByUser", "audit.summarize",
  "audit.listOwnAttempts", "audit.listAttemptsFrom", "audit.recordDenial", "audit.export",
];

const NOBODYS = "there is nothing here";

describe("what belongs to another organization", () => {
  const world = useTwoOrganizations();
  const { db } = world;
  let theirs: Readonly<Record<Kind, string>>;
  let own: { readonly roleId: never };

  beforeAll(async () => {
    const role = await world.as("zoe", "zenith", async ({ organizations, permissions }) => {
      const id = await permissions.createRole({ name: "Night watch" });
      await permissions.setRolePermissions(id, ["audit.read"]);
      await permissions.assignRole({ userId: userId("zoe") as never, roleId: id });
      await organizations.claimDomain("zenith.example");
      return id;
    });
    const token = await world.as("zoe", "zenith", async ({ organizations }) => {
      const { token } = await organizations.claimDomain("other.zenith.example");
      return token.reveal();
    });
    const device = newId();
    await db.admin.query("update sessions set device_id = $1 where user_id = $2", [device, userId("zoe")]);
    const one = async (sql: string) => (await db.admin.query<{ id: string }>(sql, [organizationId("zenith")])).rows[0]!.id;
    theirs = {
      user: userId("zoe"),
      email: "zoe@example.com",
      organization: organizationId("zenith"),
      session: await one("select id from sessions where organization_id = $1"),
      device,
      role,
      "role name": "Night watch",
      alert: await one(
        `insert into security_alerts (organization_id, user_id, alert_type, severity)
         values ($1, tests.user_id('zoe'), 'refresh_token_reused', 'high') returning id`,
      ),
      event: await one("select id from auth_audit_logs where organization_id = $1 order by recorded_at limit 1"),
      row: role,
      domain: "zenith.example",
      "domain token": token,
    };
    own = {
      roleId: (await world.as("ann", "acme", ({ permissions }) => permissions.createRole({ name: "Reception" }))) as never,
    };
  });

  const nobodys = (kind: Kind): string => {
    if (kind === "email") return "nobody.at.all@example.com";
    if (kind === "role name") return "No such role";
    if (kind === "domain") return "nobody.example";
    if (kind === "domain token") return OneTimeToken.of(tagOf(db.cell)).reveal();
    return newId();
  };

  /** How a call ends, without what it was told. */
  async function outcome(call: Call, it: string): Promise<unknown> {
    const result = await world
      .as("ann", "acme", async (repositories) => call(repositories, it as never, own))
      .then(
        (value) => ({ value: value ?? NOBODYS }),
        ({ name, code, message, remedy }: Record<string, string>) => ({ name, code, message, remedy }),
      );
    return JSON.parse(JSON.stringify(result).replaceAll(it, "<it>"));
  }

  /** Everything that is Zenith's or Zoe's, but for the logs. */
  async function zenith(): Promise<unknown> {
    const { rows: tables } = await db.admin.query<{ name: string; column: string; id: string }>(
      `select relname as name, attname as column,
         case attname when 'user_id' then tests.user_id('zoe') else tests.organization_id('zenith') end as id
       from pg_class
       join pg_attribute on attrelid = pg_class.oid and attname in ('organization_id', 'user_id')
       where relnamespace = $1::regnamespace and relkind = 'r' and not relispartition
         -- To be asked to join Acme is Acme's row.
         and not (relname = 'organization_users' and attname = 'user_id')
       order by 1, 2`,
      [db.cell],
    );
    const state: Record<string, unknown> = {};
    for (const { name, column, id } of tables) {
      const { rows } = await db.admin.query(
        `select jsonb_agg(to_jsonb(found) order by to_jsonb(found)::text) as rows from ${name} as found where ${column} = $1`,
        [id],
      );
      state[`${name} ${column}`] = rows[0];
    }
    const { rows } = await db.admin.query(
      `select to_jsonb(organizations) as organization, (select to_jsonb(users) from users where id = tests.user_id('zoe')) as zoe
       from organizations where id = tests.organization_id('zenith')`,
    );
    return { ...state, itself: rows };
  }

  it("is asked for by every method there is, unless it cannot be", () => {
    const methods = Object.entries(createRepositories({} as Transaction)).flatMap(([name, repository]) =>
      Object.keys(repository as object).map((method) => `${name}.${method}`),
    );
    expect([...Object.keys(CALLS), ...WITHOUT_NAMES].sort()).toEqual(methods.sort());
  });

  for (const [method, calls] of Object.entries(CALLS)) {
    it.each(calls)(`is to ${method} what nobody has (by %s)`, async (kind, call) => {
      const before = await zenith();
      const answer = await outcome(call, theirs[kind]);

      expect(answer).toEqual(await outcome(call, nobodys(kind)));
      expect([
        { value: NOBODYS }, { value: false }, { value: 0 }, { value: [] }, { value: { items: [], next: null } },
        expect.objectContaining({ name: "NotFoundError", remedy: expect.any(String) as string }),
      ]).toContainEqual(answer);
      expect(await zenith()).toEqual(before);
    });
  }

  it("is there for those whose it is, so that these are the right names", async () => {
    await world.as("zoe", "zenith", async ({ users, organizations, sessions, permissions, audit }) => {
      const there = theirs as never as Record<Kind, never>;
      expect(await users.find(there.user)).not.toBeNull();
      expect(await users.findByEmail(there.email)).not.toBeNull();
      expect(await organizations.find(there.organization)).not.toBeNull();
      expect(await organizations.findDomain(there.domain)).not.toBeNull();
      expect(await organizations.verifyDomain(there["domain token"])).toBe(true);
      expect(await sessions.find(there.session)).not.toBeNull();
      expect((await sessions.list({ deviceId: there.device })).items).not.toEqual([]);
      expect(await permissions.findRole(there.role)).not.toBeNull();
      expect(await permissions.findRoleByName(there["role name"])).not.toBeNull();
      expect((await audit.listEvents({ resourceId: there.row })).items).not.toEqual([]);
      expect(await audit.findEvent(there.event)).not.toBeNull();
      expect(await audit.findAlert(there.alert)).not.toBeNull();
    });
  });
});
