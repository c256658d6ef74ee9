import { newId, type OrganizationId, type RoleId, type SessionId, type UserId } from "../../src/ids.js";
import { createRepositories, type Repositories } from "../../src/repositories.js";
import type { Transaction } from "../../src/transaction.js";
import { digestOf, type OneTimeToken, type SessionToken } from "../../src/tokens.js";
import { useWorld } from "../support/world.js";

/** Who and what there is in a round: everything of it is new. */
interface Round {
  readonly organizationId: OrganizationId;
  readonly amy: UserId;
  readonly bob: UserId;
  readonly cat: UserId;
  readonly emailOf: (name: string) => string;
  readonly roleId: RoleId;
  readonly alertId: string;
  readonly otherSession: SessionId;
  readonly domainToken: OneTimeToken;
}

interface Everything {
  /** Who the two are: two owners, or one person twice. @defaultValue ann and amy, who own the organization */
  readonly who?: readonly ["ann" | "bob" | "zoe", "ann" | "amy" | "bob" | "zoe"];

  /** Whether they act in no organization. */
  readonly outside?: true;

  /** What has to be so before. */
  readonly given?: (repositories: Repositories, round: Round) => Promise<unknown>;

  /** What each does: the second may say it the other way about. */
  readonly work: (repositories: Repositories, round: Round, isSecond: boolean) => Promise<unknown>;

  /** How the two end, in alphabetical order. */
  readonly ends: readonly [string, string];

  /** What happened once, also where both are told that it has. */
  readonly once?: string;
}

const BOTH = ["done", "done"] as const;

/** Everything that changes something, done by two at once. */
const EVERYTHING: Readonly<Record<string, Everything>> = {
  "users.updateOwnProfile": {
    who: ["bob", "bob"],
    work: ({ users }, _, second) => users.updateOwnProfile({ lastName: second ? "Second" : "First" }),
    ends: BOTH,
  },
  "users.requirePasswordChange": { work: ({ users }, { bob }) => users.requirePasswordChange(bob), ends: BOTH },
  "users.closeOwnAccount": { who: ["bob", "bob"], work: ({ users }) => users.closeOwnAccount(), ends: BOTH, once: "user.closed" },
  "users.eraseOwnAccount": { who: ["bob", "bob"], work: ({ users }) => users.eraseOwnAccount(), ends: BOTH, once: "user.shredded" },
  "organizations.create": {
    who: ["bob", "zoe"],
    outside: true,
    work: ({ organizations }) => organizations.create({ slug: "night-clinic", name: "Night clinic" }),
    ends: BOTH,
  },
  "organizations.choose": {
    who: ["bob", "bob"],
    outside: true,
    work: ({ organizations }, { organizationId }) => organizations.choose(organizationId),
    ends: BOTH,
  },
  "organizations.update": {
    work: ({ organizations }, _, second) => organizations.update({ name: second ? "Second" : "First" }),
    ends: BOTH,
  },
  "organizations.close": { work: ({ organizations }) => organizations.close(), ends: BOTH, once: "organization.closed" },
  "organizations.addMember": {
    work: ({ organizations }, { emailOf }) => organizations.addMember({ email: emailOf("zoe") }),
    ends: BOTH,
  },
  "organizations.withdrawInvitation": {
    given: ({ organizations }, { emailOf }) => organizations.addMember({ email: emailOf("zoe") }),
    work: ({ organizations }, { emailOf }) => organizations.withdrawInvitation(emailOf("zoe")),
    ends: BOTH,
  },
  "organizations.addMembers": {
    work: ({ organizations }, { emailOf }, second) => {
      const both = [{ email: emailOf("yan") }, { email: emailOf("zoe") }];
      return organizations.addMembers(second ? both.reverse() : both);
    },
    ends: BOTH,
  },
  "organizations.acceptMembership": {
    who: ["zoe", "zoe"],
    outside: true,
    given: ({ organizations }, { emailOf }) => organizations.addMember({ email: emailOf("zoe") }),
    work: ({ organizations }, { organizationId }) => organizations.acceptMembership(organizationId),
    ends: ["done", "member_not_found"],
  },
  "organizations.setMemberRole": { work: ({ organizations }, { bob }) => organizations.setMemberRole(bob, "admin"), ends: BOTH },
  "organizations.setMemberRoles": {
    work: ({ organizations }, { bob, cat }, second) => {
      const both = [bob, cat].map((userId) => ({ userId, role: second ? "owner" : "admin" }) as const);
      return organizations.setMemberRoles(second ? both.reverse() : both);
    },
    ends: BOTH,
  },
  "organizations.suspendMember": { work: ({ organizations }, { bob }) => organizations.suspendMember(bob), ends: BOTH },
  "organizations.reactivateMember": {
    given: ({ organizations }, { bob }) => organizations.suspendMember(bob),
    work: ({ organizations }, { bob }) => organizations.reactivateMember(bob),
    ends: ["done", "member_not_found"],
  },
  "organizations.removeMember": { work: ({ organizations }, { bob }) => organizations.removeMember(bob), ends: ["done", "member_not_found"], once: "member.removed" },
  "organizations.removeMembers": {
    work: ({ organizations }, { bob, cat }, second) => organizations.removeMembers(second ? [cat, bob] : [bob, cat]),
    ends: ["done", "member_not_found"],
  },
  "organizations.leave": { who: ["bob", "bob"], work: ({ organizations }) => organizations.leave(), ends: BOTH, once: "member.left" },
  "organizations.transferOwnership": {
    who: ["ann", "ann"],
    work: ({ organizations }, { bob, cat }, second) => organizations.transferOwnership(second ? cat : bob),
    ends: ["done", "owner_required"], once: "organization.ownership_transferred",
  },
  "organizations.claimDomain": { work: ({ organizations }) => organizations.claimDomain("acme.example"), ends: BOTH },
  "organizations.verifyDomain": {
    work: ({ organizations }, { domainToken }) => organizations.verifyDomain(domainToken),
    ends: BOTH,
  },
  "organizations.releaseDomain": {
    work: ({ organizations }, { emailOf }) => organizations.releaseDomain(`${emailOf("clinic").split("@")[0]}.example`),
    ends: ["domain_not_found", "done"],
  },
  "organizations.setPasswordPolicy": {
    work: ({ organizations }, _, second) => organizations.setPasswordPolicy({ minLength: second ? 18 : 20 }),
    ends: BOTH,
  },
  "organizations.clearPasswordPolicy": {
    given: ({ organizations }) => organizations.setPasswordPolicy({ minLength: 20 }),
    work: ({ organizations }) => organizations.clearPasswordPolicy(),
    ends: BOTH,
  },
  "sessions.revoke": {
    who: ["bob", "bob"],
    work: ({ sessions }, { otherSession }) => sessions.revoke(otherSession),
    ends: ["done", "session_not_found"],
  },
  "sessions.revokeOthers": { who: ["bob", "bob"], work: ({ sessions }) => sessions.revokeOthers(), ends: BOTH },
  "sessions.revokeAll": { who: ["bob", "bob"], work: ({ sessions }) => sessions.revokeAll(), ends: BOTH },
  "sessions.revokeAllOfMember": { work: ({ sessions }, { bob }) => sessions.revokeAllOfMember(bob), ends: BOTH },
  "sessions.setData": {
    who: ["bob", "bob"],
    work: ({ sessions }, _, second) => sessions.setData({ second }),
    ends: BOTH,
  },
  "permissions.createRole": { work: ({ permissions }) => permissions.createRole({ name: "Night watch" }), ends: ["done", "role_name_taken"] },
  "permissions.updateRole": {
    work: ({ permissions }, { roleId }, second) => permissions.updateRole(roleId, { name: second ? "Second" : "First" }),
    ends: BOTH,
  },
  "permissions.deleteRole": { work: ({ permissions }, { roleId }) => permissions.deleteRole(roleId), ends: ["done", "role_not_found"], once: "role.deleted" },
  "permissions.setRolePermissions": {
    work: ({ permissions }, { roleId }, second) =>
      permissions.setRolePermissions(roleId, second ? ["audit.read"] : ["sessions.read"]),
    ends: BOTH,
  },
  "permissions.addRolePermissions": {
    work: ({ permissions }, { roleId }) => permissions.addRolePermissions(roleId, ["audit.read", "members.manage"]),
    ends: BOTH,
  },
  "permissions.removeRolePermissions": {
    work: ({ permissions }, { roleId }) => permissions.removeRolePermissions(roleId, ["sessions.read"]),
    ends: BOTH,
  },
  "permissions.assignRole": {
    work: ({ permissions }, { bob, roleId }) => permissions.assignRole({ userId: bob, roleId }),
    ends: BOTH,
  },
  "permissions.assignRoles": {
    work: ({ permissions }, { bob, cat, roleId }, second) => {
      const both = [{ userId: bob, roleId }, { userId: cat, roleId }];
      return permissions.assignRoles(second ? both.reverse() : both);
    },
    ends: BOTH,
  },
  "permissions.removeRole": {
    given: ({ permissions }, { bob, roleId }) => permissions.assignRole({ userId: bob, roleId }),
    work: ({ permissions }, { bob, roleId }) => permissions.removeRole(bob, roleId),
    ends: ["done", "role_not_found"],
  },
  "audit.reportAlert": {
    work: ({ audit }, { bob }) => audit.reportAlert({ reason: "shared_password", severity: "low", userId: bob }),
    ends: BOTH,
  },
  "audit.acknowledgeAlert": { work: ({ audit }, { alertId }) => audit.acknowledgeAlert(alertId as never), ends: ["alert_not_found", "done"] },
  "audit.resolveAlert": {
    work: ({ audit }, { alertId }) => audit.resolveAlert(alertId as never, "seen to"),
    ends: ["alert_not_found", "done"],
  },
  "audit.recordDenial": {
    work: ({ audit }) => audit.recordDenial({ action: "invoice.delete", reason: "not_the_author" }),
    ends: BOTH,
  },
  "audit.export": {
    work: async ({ audit }) => {
      const period = { since: new Date(Date.now() - 3_600_000), until: new Date(Date.now() + 3_600_000) };
      for await (const _ of audit.export({ stream: "events", format: "csv", ...period })) continue;
    },
    ends: BOTH,
  },
};

/** What only looks: two who look see the same. */
const LOOKING =
  /^\w+\.(find\w*|get\w*|list\w*|count\w*|is\w+|exists|search|summarize|has\w*|require)$/;

describe("two of everything at once", () => {
  const world = useWorld();
  const { db } = world;
  let rounds = 0;

  async function newRound(given: Everything["given"]): Promise<{ round: Round; acme: string; named: (name: string) => string }> {
    rounds += 1;
    const named = (name: string) => `${name}${rounds}`;
    const acme = named("acme");
    const ids = new Map<string, UserId>();
    for (const name of ["ann", "amy", "bob", "cat", "yan", "zoe"]) ids.set(name, await world.person(named(name)));
    const organizationId = await world.organization(acme, named("ann"));
    await world.member(acme, named("amy"), "owner");
    for (const name of ["bob", "cat"]) await world.member(acme, named(name));

    const prepared = await world.as(named("ann"), acme, async ({ organizations, permissions }) => {
      const roleId = await permissions.createRole({ name: "Reception" });
      await permissions.setRolePermissions(roleId, ["sessions.read"]);
      const { token } = await organizations.claimDomain(`clinic${rounds}.example`);
      return { roleId, domainToken: token };
    });
    const otherSession = await world.as(named("bob"), undefined, ({ sessions }) => sessions.getCurrent());
    const { rows } = await db.admin.query<{ id: string }>(
      `insert into security_alerts (organization_id, alert_type, severity)
       values ($1, 'refresh_token_reused', 'high') returning id`,
      [organizationId],
    );
    const round: Round = {
      ...prepared,
      organizationId,
      amy: ids.get("amy")!,
      bob: ids.get("bob")!,
      cat: ids.get("cat")!,
      emailOf: (name) => `${named(name)}@example.com`,
      alertId: rows[0]!.id,
      otherSession: otherSession.id,
    };
    if (given !== undefined) await world.as(named("ann"), acme, (repositories) => given(repositories, round));
    return { round, acme, named };
  }

  /** How somebody's work ends; both are let go once both are known. */
  async function end(token: SessionToken, ready: () => Promise<void>, work: (tx: Transaction) => Promise<unknown>) {
    return world.safetyPin
      .withSession(token, async (tx) => {
        await tx.caller();
        await ready();
        await work(tx);
      })
      .then(
        () => "done",
        (error: { name: string; code: string }) =>
          /^(RuleError|NotFoundError|AuthenticationError)$/.test(error.name) ? error.code : `${error.name} ${error.code}: ${String(error)}`,
      );
  }

  /** What is kept beside what it counts. */
  async function miscounted(): Promise<unknown> {
    const { rows } = await db.admin.query(`
      select organizations.id
      from organizations
      left join lateral (
        select
          count(*) filter (where status <> 'invited') as members,
          count(*) filter (where status = 'active' and role = 'owner') as owners
        from organization_users where organization_id = organizations.id
      ) as counted on true
      where (member_count, owner_count) <> (counted.members, counted.owners)
         or (organizations.status = 'active' and owner_count = 0)`);
    return rows;
  }

  async function sessionsOf(tokens: readonly SessionToken[]): Promise<string[]> {
    const { rows } = await db.admin.query<{ id: string }>(
      "select id from sessions where token_hash = any ($1)",
      [tokens.map((token) => digestOf(token))],
    );
    return rows.map(({ id }) => id);
  }

  it("is everything there is", () => {
    const methods = Object.entries(createRepositories({} as Transaction)).flatMap(([name, repository]) =>
      Object.keys(repository as object).map((method) => `${name}.${method}`),
    );
    expect(Object.keys(EVERYTHING).sort()).toEqual(methods.filter((method) => !LOOKING.test(method)).sort());
  });

  it.each(Object.entries(EVERYTHING))("%s", async (_, { who = ["ann", "amy"], outside, given, work, ends, once }) => {
    const { round, acme, named } = await newRound(given);
    const tokens = [];
    for (const name of who) tokens.push(await world.token(named(name), outside ? undefined : acme));

    let waiting = 2;
    let letGo: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    const ready = () => {
      waiting -= 1;
      if (waiting === 0) letGo();
      return gate;
    };
    const outcomes = await Promise.all(
      tokens.map((token, index) =>
        end(token, ready, (tx) => work(createRepositories(tx), round, index === 1)),
      ),
    );

    expect(outcomes.sort()).toEqual(ends);
    if (once !== undefined) {
      const { rows } = await db.admin.query<{ times: number }>(
        "select count(*)::integer as times from auth_audit_logs where event_type = $1 and session_id = any ($2)",
        [once, await sessionsOf(tokens)],
      );
      expect(rows).toEqual([{ times: 1 }]);
    }
    expect(await miscounted()).toEqual([]);
  });

  it("would be seen to fail in words that are not ours", async () => {
    const { named, acme } = await newRound(undefined);
    const token = await world.token(named("ann"), acme);
    const outcome = await end(token, () => Promise.resolve(), (tx) => tx.query("select no_such_function($1)", [newId()]));
    expect(outcome).toMatch(/42883/);
  });
});
