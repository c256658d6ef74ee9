import { newId, type OrganizationId, type UserId } from "../../src/ids.js";
import type { Repositories } from "../../src/repositories.js";

/** What an implementation brings so that its promises can be tested. */
export interface RepositoryWorld {
  /** Makes somebody who may sign in, `<name>@example.com`. */
  person(name: string): Promise<UserId>;

  /** Makes an active organization. */
  organization(name: string, owner: string): Promise<OrganizationId>;

  /** Makes somebody a member. @defaultValue as `member` */
  member(organization: string, name: string, role?: "owner" | "admin" | "member"): Promise<void>;

  /** Does work as somebody, in an organization or in none, in one transaction. */
  as<Result>(
    name: string,
    organization: string | undefined,
    work: (repositories: Repositories) => Promise<Result>,
  ): Promise<Result>;
}

/** Who is in a story: an owner, an administrator and a member, and somebody else's owner. */
interface Cast {
  readonly ann: string;
  readonly amy: string;
  readonly bob: string;
  readonly zoe: string;
  readonly acme: string;
  readonly zenith: string;
  readonly ids: Readonly<Record<"ann" | "amy" | "bob" | "zoe", UserId>>;
  readonly acmeId: OrganizationId;
  readonly zenithId: OrganizationId;
}

/**
 * What every implementation of the repositories promises, told through the interfaces
 * alone: it names neither PostgreSQL nor a table. Each story has people of its own.
 */
export function describeRepositories(implementation: string, makeWorld: () => RepositoryWorld): void {
  describe(`repositories in ${implementation}`, () => {
    const world = makeWorld();

    async function cast(story: string): Promise<Cast> {
      const [ann, amy, bob, zoe] = ["ann", "amy", "bob", "zoe"].map((name) => `${story}-${name}`) as [
        string, string, string, string,
      ];
      const [acme, zenith] = [`${story}-acme`, `${story}-zenith`];
      const ids = {
        ann: await world.person(ann),
        amy: await world.person(amy),
        bob: await world.person(bob),
        zoe: await world.person(zoe),
      };
      const acmeId = await world.organization(acme, ann);
      await world.member(acme, amy, "admin");
      await world.member(acme, bob);
      const zenithId = await world.organization(zenith, zoe);
      return { ann, amy, bob, zoe, acme, zenith, ids, acmeId, zenithId };
    }

    describe("users", () => {
      it("shows oneself and one's colleagues, and nobody else", async () => {
        const { bob, acme, ids, ann, zoe } = await cast("see");

        await world.as(bob, acme, async ({ users }) => {
          expect(await users.find(ids.ann)).toMatchObject({ id: ids.ann, email: `${ann}@example.com` });
          expect(await users.findByEmail(`${ann.toUpperCase()}@Example.com`)).toMatchObject({ id: ids.ann });
          expect(await users.getSelf()).toMatchObject({ id: ids.bob });
          expect(await users.exists(ids.amy)).toBe(true);

          expect(await users.find(ids.zoe)).toBeNull();
          expect(await users.findByEmail(`${zoe}@example.com`)).toBeNull();
          expect(await users.exists(ids.zoe)).toBe(false);
        });
        await world.as(bob, undefined, async ({ users }) => {
          expect(await users.find(ids.ann)).toBeNull();
          expect((await users.getSelf()).id).toBe(ids.bob);
        });
      });

      it("tells a stranger from nobody in no way", async () => {
        const { bob, acme, ids } = await cast("stranger");
        const notFound = { name: "NotFoundError", code: "user_not_found" };

        await expect(world.as(bob, acme, ({ users }) => users.get(ids.zoe))).rejects.toMatchObject(notFound);
        await expect(world.as(bob, acme, ({ users }) => users.get(newId()))).rejects.toMatchObject(notFound);
      });

      it("lists everybody once, page by page", async () => {
        const { bob, acme, ids } = await cast("pages");

        await world.as(bob, acme, async ({ users }) => {
          const first = await users.list({ limit: 2 });
          expect(first.items).toHaveLength(2);
          expect(first.next).not.toBeNull();

          const second = await users.list({ limit: 2, after: first.next! });
          expect(second.next).toBeNull();
          const seen = [...first.items, ...second.items].map(({ id }) => id);
          expect(seen.sort()).toEqual([ids.ann, ids.amy, ids.bob].sort());
        });
      });

      it("finds people by parts of what is known of them", async () => {
        const { bob, acme, ids } = await cast("search");

        await world.as(bob, acme, async ({ users }) => {
          expect(await users.search("search-am")).toMatchObject([{ id: ids.amy, role: "admin" }]);
          expect(await users.search("search-zo")).toEqual([]);
        });
        await expect(world.as(bob, acme, ({ users }) => users.search("x"))).rejects.toMatchObject({
          code: "search_length_out_of_range",
        });
      });

      it("lets people say what is said of them, and leaves the rest", async () => {
        const { bob, acme } = await cast("profile");

        const changed = await world.as(bob, acme, ({ users }) =>
          users.updateOwnProfile({ jobTitle: "Nurse", timezone: "Europe/Vienna" }),
        );
        expect(changed).toMatchObject({ jobTitle: "Nurse", timezone: "Europe/Vienna", lastName: "Example" });

        const cleared = await world.as(bob, acme, ({ users }) => users.updateOwnProfile({ jobTitle: null }));
        expect(cleared).toMatchObject({ jobTitle: null, timezone: "Europe/Vienna" });
      });

      it("ends an account for good", async () => {
        const { bob, ann, acme, ids } = await cast("close");

        await world.as(bob, acme, ({ users }) => users.closeOwnAccount());

        expect(await world.as(ann, acme, ({ organizations }) => organizations.isMember(ids.bob))).toBe(false);
        await expect(world.as(bob, acme, ({ users }) => users.getSelf())).rejects.toMatchObject({
          name: "AuthenticationError",
        });
        await expect(world.as(ann, acme, ({ users }) => users.closeOwnAccount())).rejects.toMatchObject({
          code: "last_owner",
        });
      });

      it("shreds whoever asks for it, and says when backups have forgotten them", async () => {
        const { bob, ann, acme, ids } = await cast("erase");

        const effectiveTime = await world.as(bob, acme, ({ users }) => users.eraseOwnAccount());

        expect(effectiveTime.getTime()).toBeGreaterThan(Date.now());
        expect(await world.as(ann, acme, ({ organizations }) => organizations.isMember(ids.bob))).toBe(false);
        await expect(world.as(bob, acme, ({ users }) => users.getSelf())).rejects.toMatchObject({
          name: "AuthenticationError",
        });
        await expect(world.as(ann, acme, ({ users }) => users.eraseOwnAccount())).rejects.toMatchObject({
          code: "last_owner",
        });
      });
    });

    describe("organizations", () => {
      it("shows the one that is acted in, and no other", async () => {
        const { bob, acme, acmeId, zenithId } = await cast("where");

        await world.as(bob, acme, async ({ organizations }) => {
          expect(await organizations.getCurrent()).toMatchObject({ id: acmeId, memberCount: 3, ownerCount: 1 });
          expect(await organizations.find(zenithId)).toBeNull();
          await expect(organizations.get(zenithId)).rejects.toMatchObject({ code: "organization_not_found" });
        });
        expect(await world.as(bob, undefined, ({ organizations }) => organizations.findCurrent())).toBeNull();
      });

      it("is owned by whoever founds it", async () => {
        const { bob, ids } = await cast("found");

        const id = await world.as(bob, undefined, async ({ organizations, users }) => {
          const founded = await organizations.create({ slug: "found-clinic", name: "Clinic" });
          await organizations.choose(founded);
          expect(await organizations.getMember(ids.bob)).toMatchObject({ isOwner: true, role: "owner" });
          expect((await users.list()).items.map((user) => user.id)).toEqual([ids.bob]);
          return founded;
        });
        expect(await world.as(bob, undefined, ({ organizations }) => organizations.listOwn())).toContainEqual(
          expect.objectContaining({ id, name: "Clinic", role: "owner", status: "active" }),
        );
      });

      it("asks people in, and they come", async () => {
        const { amy, acme, acmeId, zoe, ids } = await cast("invite");

        await world.as(amy, acme, async ({ organizations }) => {
          await organizations.addMember({ email: `${zoe}@example.com` });
          await organizations.addMember({ email: "nobody-at-all@example.com" });
          expect(await organizations.findMember(ids.zoe)).toBeNull();
        });
        await world.as(amy, acme, async ({ organizations }) => {
          await organizations.withdrawInvitation(`${zoe}@example.com`);
          await organizations.withdrawInvitation("nobody-at-all@example.com");
        });
        await expect(
          world.as(zoe, undefined, ({ organizations }) => organizations.acceptMembership(acmeId)),
        ).rejects.toMatchObject({ name: "NotFoundError", code: "member_not_found" });

        await world.as(amy, acme, ({ organizations }) => organizations.addMember({ email: `${zoe}@example.com` }));
        await world.as(zoe, undefined, ({ organizations }) => organizations.acceptMembership(acmeId));
        await world.as(amy, acme, async ({ organizations }) => {
          expect(await organizations.getMember(ids.zoe)).toMatchObject({ role: "member", status: "active" });
          expect(await organizations.countMembers()).toBe(4);
          expect(await organizations.countActiveMembers()).toBe(4);
          expect(await organizations.countActiveMembers({ upTo: 2 })).toBe(2);
        });
      });

      it("keeps an owner, whatever is tried", async () => {
        const { ann, acme, ids } = await cast("owner");
        const lastOwner = { name: "RuleError", code: "last_owner" };
        const attempt = (work: (repositories: Repositories) => Promise<void>) => world.as(ann, acme, work);

        await expect(attempt(({ organizations }) => organizations.leave())).rejects.toMatchObject(lastOwner);
        await expect(
          attempt(({ organizations }) => organizations.setMemberRole(ids.ann, "member")),
        ).rejects.toMatchObject(lastOwner);
        await expect(
          attempt(({ organizations }) => organizations.suspendMember(ids.ann)),
        ).rejects.toMatchObject(lastOwner);

        await attempt(({ organizations }) => organizations.transferOwnership(ids.bob));
        await attempt(({ organizations }) => organizations.leave());
      });

      it("is managed by those who may, and nobody above themselves", async () => {
        const { amy, bob, acme, ids } = await cast("manage");

        await expect(
          world.as(bob, acme, ({ organizations }) => organizations.removeMember(ids.amy)),
        ).rejects.toMatchObject({ name: "RuleError", code: "permission_required" });
        await expect(
          world.as(amy, acme, ({ organizations }) => organizations.removeMember(ids.ann)),
        ).rejects.toMatchObject({ name: "RuleError", code: "owner_required" });
        await expect(
          world.as(amy, acme, ({ organizations }) => organizations.removeMember(ids.zoe)),
        ).rejects.toMatchObject({ name: "NotFoundError", code: "member_not_found" });

        await world.as(amy, acme, async ({ organizations }) => {
          await organizations.suspendMember(ids.bob);
          expect(await organizations.getMember(ids.bob)).toMatchObject({ status: "suspended" });
          await organizations.reactivateMember(ids.bob);
          await organizations.setMemberRole(ids.bob, "admin");
          expect(await organizations.getMember(ids.bob)).toMatchObject({ status: "active", role: "admin" });
        });
      });

      it("is managed in numbers: all of them or none", async () => {
        const { ann, amy, bob, zoe, acme, ids } = await cast("several");

        await world.as(amy, acme, async ({ organizations }) => {
          await organizations.addMembers([]);
          await organizations.addMembers([
            { email: `${zoe}@example.com` },
            { email: "nobody-at-all@example.com", role: "admin" },
          ]);
        });
        await world.as(zoe, undefined, async ({ organizations }) => {
          const [invitation] = (await organizations.listOwn()).filter(({ status }) => status === "invited");
          await organizations.acceptMembership(invitation!.id);
        });

        const roles = (work: (repositories: Repositories) => Promise<void>) => world.as(ann, acme, work);
        await expect(
          roles(({ organizations }) =>
            organizations.setMemberRoles([
              { userId: ids.bob, role: "admin" },
              { userId: newId(), role: "admin" },
            ]),
          ),
        ).rejects.toMatchObject({ name: "NotFoundError", code: "member_not_found" });
        expect(await world.as(ann, acme, ({ organizations }) => organizations.getMember(ids.bob))).toMatchObject({
          role: "member",
        });
        await roles(({ organizations }) =>
          organizations.setMemberRoles([
            { userId: ids.bob, role: "admin" },
            { userId: ids.amy, role: "member" },
          ]),
        );
        await world.as(ann, acme, async ({ organizations }) => {
          expect(await organizations.getMember(ids.bob)).toMatchObject({ role: "admin" });
          expect(await organizations.getMember(ids.amy)).toMatchObject({ role: "member" });
        });

        await expect(
          roles(({ organizations }) => organizations.removeMembers([ids.bob, ids.ann])),
        ).rejects.toMatchObject({ code: "last_owner" });
        expect(await world.as(bob, acme, ({ organizations }) => organizations.countMembers())).toBe(4);
        await roles(({ organizations }) => organizations.removeMembers([ids.bob, ids.amy]));
        expect(await world.as(ann, acme, ({ organizations }) => organizations.countMembers())).toBe(2);

        const many = Array.from({ length: 1001 }, () => ids.zoe);
        await expect(
          roles(({ organizations }) => organizations.removeMembers(many)),
        ).rejects.toMatchObject({ name: "RuleError", code: "batch_out_of_range" });
      });

      it("changes what it says of itself, when somebody may", async () => {
        const { amy, bob, acme } = await cast("update");

        await expect(
          world.as(bob, acme, ({ organizations }) => organizations.update({ name: "Mine" })),
        ).rejects.toMatchObject({ name: "RuleError", code: "permission_required" });
        const changed = await world.as(amy, acme, ({ organizations }) =>
          organizations.update({ name: "Acme Health", settings: { locale: "de" } }),
        );
        expect(changed).toMatchObject({ name: "Acme Health", billingEmail: null, settings: { locale: "de" } });
      });

      it("says where its bills go, and no more, from the moment it is founded", async () => {
        const { ann } = await cast("contacts");
        const billingEmail = "bills@example.com";

        await world.as(ann, undefined, async ({ organizations }) => {
          await organizations.choose(await organizations.create({ slug: "contacts", name: "Contacts" }));
          expect(await organizations.update({ billingEmail })).toMatchObject({ name: "Contacts", billingEmail });
          expect(await organizations.update({ name: "Others" })).toMatchObject({ name: "Others", billingEmail });
          expect(await organizations.update({ billingEmail: null })).toMatchObject({ name: "Others", billingEmail: null });
        });
      });

      it("claims domains, proves them and gives them up", async () => {
        const { amy, bob, acme, zoe, zenith } = await cast("domain");

        const claim = await world.as(amy, acme, ({ organizations }) => organizations.claimDomain("Domain.example"));
        await world.as(zoe, zenith, async ({ organizations }) => {
          expect(await organizations.findDomain("domain.example")).toBeNull();
          expect(await organizations.verifyDomain(claim.token)).toBe(false);
        });
        await world.as(amy, acme, async ({ organizations }) => {
          expect(await organizations.verifyDomain(claim.token.reveal())).toBe(true);
          expect(await organizations.verifyDomain(claim.token)).toBe(false);
          expect((await organizations.listDomains()).items).toMatchObject([
            { id: claim.id, domain: "domain.example", verifiedTime: expect.any(Date) },
          ]);
          expect(await organizations.getCurrent()).toMatchObject({ domain: "domain.example" });
        });
        await expect(
          world.as(bob, acme, ({ organizations }) => organizations.releaseDomain("domain.example")),
        ).rejects.toMatchObject({ code: "permission_required" });
        await world.as(amy, acme, ({ organizations }) => organizations.releaseDomain("domain.example"));
        await expect(
          world.as(amy, acme, ({ organizations }) => organizations.releaseDomain("domain.example")),
        ).rejects.toMatchObject({ code: "domain_not_found" });
      });

      it("may be stricter about passwords, never laxer", async () => {
        const { amy, bob, acme } = await cast("policy");

        await world.as(bob, acme, async ({ organizations }) => {
          expect(await organizations.getPasswordPolicy()).toMatchObject({ isDefault: true, minLength: 15 });
        });
        await expect(
          world.as(bob, acme, ({ organizations }) => organizations.setPasswordPolicy({ minLength: 20 })),
        ).rejects.toMatchObject({ code: "permission_required" });
        await world.as(amy, acme, async ({ organizations }) => {
          expect(await organizations.setPasswordPolicy({ minLength: 20, aal1IdleMinutes: 60 })).toMatchObject({
            isDefault: false,
            minLength: 20,
            maxLength: 128,
            aal1IdleMinutes: 60,
          });
          expect(await organizations.setPasswordPolicy({ minLength: 16 })).toMatchObject({ aal1IdleMinutes: 60 });
        });
        await expect(
          world.as(amy, acme, ({ organizations }) => organizations.setPasswordPolicy({ minLength: 6 })),
        ).rejects.toMatchObject({ name: "RuleError" });
        await world.as(amy, acme, async ({ organizations }) => {
          expect(await organizations.clearPasswordPolicy()).toBe(true);
          expect(await organizations.clearPasswordPolicy()).toBe(false);
        });
      });
    });

    describe("sessions", () => {
      it("are one's own, wherever; others' only with the permission", async () => {
        const { amy, bob, acme, zenith, zoe, ids } = await cast("whose");
        const inNone = await world.as(bob, undefined, ({ sessions }) => sessions.getCurrent());

        await world.as(bob, acme, async ({ sessions }) => {
          const own = (await sessions.listOwn()).items;
          expect(own).toHaveLength(2);
          expect(own.filter(({ isCurrent }) => isCurrent)).toHaveLength(1);
          expect(own.map(({ id }) => id)).toContain(inNone.id);
          expect(await sessions.isLive(inNone.id)).toBe(true);
        });
        await world.as(bob, acme, async ({ sessions }) => {
          expect((await sessions.listForMember(ids.amy)).items).toEqual([]);
        });
        await world.as(amy, acme, async ({ sessions }) => {
          const bobs = (await sessions.listForMember(ids.bob)).items;
          expect(bobs).toHaveLength(1);
          expect(bobs[0]).toMatchObject({ userId: ids.bob, revoked: false, isCurrent: false });
          expect((await sessions.list()).items.map(({ userId }) => userId).sort()).toEqual(
            [ids.amy, ids.bob].sort(),
          );
          expect(await sessions.find(inNone.id)).toBeNull();
        });
        await world.as(zoe, zenith, async ({ sessions }) => {
          expect((await sessions.listForMember(ids.bob)).items).toEqual([]);
          expect(await sessions.find(inNone.id)).toBeNull();
        });
      });

      it("end when their owner says so", async () => {
        const { bob, amy, acme } = await cast("end");
        const other = await world.as(bob, undefined, ({ sessions }) => sessions.getCurrent());

        await expect(
          world.as(amy, acme, ({ sessions }) => sessions.revoke(other.id)),
        ).rejects.toMatchObject({ name: "NotFoundError", code: "session_not_found" });
        await world.as(bob, acme, async ({ sessions }) => {
          await sessions.revoke(other.id);
          expect(await sessions.get(other.id)).toMatchObject({ revoked: true, revocationReason: "revoked_by_user" });
          expect(await sessions.isLive(other.id)).toBe(false);
          expect(await sessions.revokeOthers()).toBe(0);
          expect(await sessions.revokeOthers({ except: [other.id] })).toBe(0);
        });
        await expect(
          world.as(bob, undefined, ({ sessions }) => sessions.getCurrent()),
        ).rejects.toMatchObject({ name: "AuthenticationError" });

        expect(await world.as(bob, acme, ({ sessions }) => sessions.revokeAll())).toBe(1);
        await expect(world.as(bob, acme, ({ users }) => users.getSelf())).rejects.toMatchObject({
          name: "AuthenticationError",
        });
      });

      it("end when somebody who may says so", async () => {
        const { bob, amy, acme, ids } = await cast("member-end");
        await world.as(bob, acme, ({ users }) => users.getSelf());

        await expect(
          world.as(bob, acme, ({ sessions }) => sessions.revokeAllOfMember(ids.amy)),
        ).rejects.toMatchObject({ code: "permission_required" });
        await world.as(amy, acme, ({ sessions }) => sessions.revokeAllOfMember(ids.bob));
        await expect(world.as(bob, acme, ({ users }) => users.getSelf())).rejects.toMatchObject({
          name: "AuthenticationError",
        });
      });

      it("keep a small object", async () => {
        const { bob, acme } = await cast("data");

        await world.as(bob, acme, ({ sessions }) => sessions.setData({ theme: "dark", open: [1, 2] }));
        expect(await world.as(bob, acme, ({ sessions }) => sessions.getCurrent())).toMatchObject({
          sessionData: { theme: "dark", open: [1, 2] },
        });
        await expect(
          world.as(bob, acme, ({ sessions }) => sessions.setData({ text: "x".repeat(5000) })),
        ).rejects.toMatchObject({ name: "RuleError" });
      });
    });

    describe("permissions", () => {
      it("are held through the membership", async () => {
        const { amy, bob, acme, ids } = await cast("held");

        await world.as(amy, acme, async ({ permissions }) => {
          expect(await permissions.has("roles.manage")).toBe(true);
          expect(await permissions.hasAny(["no.such", "roles.manage"])).toBe(true);
          expect(await permissions.hasAll(["roles.manage", "no.such"])).toBe(false);
          expect(await permissions.listOwn()).toContain("members.manage");
          expect(await permissions.listOfMember(ids.amy)).toEqual(await permissions.listOwn());
          expect(await permissions.listOfMember(ids.bob)).toEqual([]);
          await permissions.require("roles.manage");
        });
        await world.as(bob, acme, async ({ permissions }) => {
          expect(await permissions.has("roles.manage")).toBe(false);
          expect(await permissions.hasAny([])).toBe(false);
          expect(await permissions.hasAll([])).toBe(false);
        });
        await expect(
          world.as(bob, acme, ({ permissions }) => permissions.require("roles.manage")),
        ).rejects.toMatchObject({ name: "RuleError", code: "permission_required" });
      });

      it("are a catalogue", async () => {
        const { bob, acme } = await cast("catalogue");

        await world.as(bob, acme, async ({ permissions }) => {
          const found = await permissions.find("roles.manage");
          expect(found).toMatchObject({ resourceType: "roles", action: "manage", heldBy: "role" });
          expect(await permissions.findByResourceAndAction("roles", "manage")).toEqual(found);
          expect(await permissions.find("no.such")).toBeNull();
          expect(await permissions.listNamed(["no.such", "roles.manage"])).toEqual([found]);
          const { items, next } = await permissions.list({ limit: 5 });
          const following = await permissions.list({ limit: 5, after: next! });
          expect(following.items[0]!.name > items.at(-1)!.name).toBe(true);
          expect((await permissions.listSystemRoles()).map(({ name }) => name)).toContain("auditor");
        });
      });

      it("are gathered in roles, and given at once", async () => {
        const { ann, bob, acme, zoe, zenith, ids } = await cast("roles");

        const roleId = await world.as(ann, acme, async ({ permissions }) => {
          const id = await permissions.createRole({ name: "Reception", description: "Front desk" });
          await permissions.setRolePermissions(id, ["sessions.read"]);
          await permissions.addRolePermissions(id, ["members.manage", "audit.read"]);
          await permissions.removeRolePermissions(id, ["audit.read"]);
          await permissions.updateRole(id, { name: "Front desk" });
          expect(await permissions.getRoleWithPermissions(id)).toMatchObject({
            name: "Front desk",
            description: "Front desk",
            isSystemRole: false,
            permissions: [{ name: "members.manage" }, { name: "sessions.read" }],
          });
          await permissions.assignRole({ userId: ids.bob, roleId: id, reason: "holiday" });
          return id;
        });

        await world.as(bob, acme, async ({ permissions }) => {
          expect(await permissions.hasAll(["members.manage", "sessions.read"])).toBe(true);
          expect((await permissions.listMemberRoles(ids.bob)).items).toMatchObject([
            { roleId, roleName: "Front desk", grantedBy: ids.ann, reason: "holiday", expirationTime: null },
          ]);
          expect((await permissions.listRoleHolders(roleId)).items).toMatchObject([{ userId: ids.bob }]);
          expect(await permissions.findRoleByName("Front desk")).toMatchObject({ id: roleId });
          expect((await permissions.listRoles()).items).toMatchObject([{ id: roleId }]);
        });
        await world.as(ann, acme, async ({ permissions }) => {
          const expirationTime = new Date(Date.now() + 3_600_000);
          await permissions.assignRoles([
            { userId: ids.bob, roleId, reason: "for good" },
            { userId: ids.amy, roleId, expirationTime },
          ]);
          expect((await permissions.listMemberRoles(ids.bob)).items).toMatchObject([
            { reason: "for good", expirationTime: null },
          ]);
          expect((await permissions.listMemberRoles(ids.amy)).items).toMatchObject([{ reason: null, expirationTime }]);
        });
        await expect(
          world.as(ann, acme, ({ permissions }) =>
            permissions.assignRoles([
              { userId: ids.ann, roleId },
              { userId: ids.zoe, roleId },
            ]),
          ),
        ).rejects.toMatchObject({ code: "member_not_found" });
        expect(
          (await world.as(ann, acme, ({ permissions }) => permissions.listMemberRoles(ids.ann))).items,
        ).toEqual([]);
        await world.as(zoe, zenith, async ({ permissions }) => {
          expect(await permissions.findRole(roleId)).toBeNull();
          expect(await permissions.listRolePermissions(roleId)).toEqual([]);
        });
        await expect(
          world.as(zoe, zenith, ({ permissions }) => permissions.deleteRole(roleId)),
        ).rejects.toMatchObject({ code: "role_not_found" });

        await world.as(ann, acme, ({ permissions }) => permissions.removeRole(ids.bob, roleId));
        await world.as(bob, acme, async ({ permissions }) => {
          expect(await permissions.has("members.manage")).toBe(false);
        });
        await world.as(ann, acme, ({ permissions }) => permissions.deleteRole(roleId));
        expect(await world.as(ann, acme, ({ permissions }) => permissions.findRole(roleId))).toBeNull();
      });

      it("are granted by those who hold them", async () => {
        const { ann, bob, acme, ids } = await cast("beyond");

        const roleId = await world.as(ann, acme, async ({ permissions }) => {
          const id = await permissions.createRole({ name: "Clerk" });
          await permissions.setRolePermissions(id, ["roles.manage", "roles.assign"]);
          await permissions.assignRole({ userId: ids.bob, roleId: id });
          return id;
        });
        await expect(
          world.as(bob, acme, ({ permissions }) => permissions.addRolePermissions(roleId, ["audit.read"])),
        ).rejects.toMatchObject({ name: "RuleError", code: "grant_beyond_own" });
        await expect(
          world.as(bob, acme, async ({ permissions }) => {
            const admin = await permissions.findRoleByName("admin");
            await permissions.assignRole({ userId: ids.bob, roleId: admin!.id });
          }),
        ).rejects.toMatchObject({ code: "grant_beyond_own" });
        await expect(
          world.as(ann, acme, ({ permissions }) => permissions.setRolePermissions(roleId, ["no.such"])),
        ).rejects.toMatchObject({ name: "NotFoundError", code: "permission_not_found" });
        await expect(
          world.as(ann, acme, async ({ permissions }) => {
            const admin = await permissions.findRoleByName("admin");
            await permissions.deleteRole(admin!.id);
          }),
        ).rejects.toMatchObject({ code: "system_role_is_fixed" });
      });
    });

    describe("audit", () => {
      it("has what was done, for those who may read it", async () => {
        const { ann, amy, bob, acme, zoe, zenith, ids } = await cast("evidence");
        await world.as(ann, acme, ({ organizations }) => organizations.setMemberRole(ids.bob, "admin"));
        await world.as(ann, acme, ({ organizations }) => organizations.setMemberRole(ids.bob, "member"));

        const event = await world.as(amy, acme, async ({ audit }) => {
          const { items } = await audit.listEvents({ eventType: "member.role_set" });
          expect(items).toHaveLength(2);
          expect(items[0]).toMatchObject({
            userId: ids.bob,
            actingUserId: ids.ann,
            result: "success",
            additionalData: { role: "member" },
          });
          expect((await audit.listEvents({ userId: ids.bob, actingUserId: ids.ann })).items).toEqual(items);
          expect(await audit.getEvent(items[0]!.id)).toEqual(items[0]);
          expect((await audit.listChanges({ tableName: "organization_users" })).items[0]).toMatchObject({
            rowId: ids.bob,
            operation: "update",
            newValues: { role: "member" },
          });
          return items[0]!;
        });
        await world.as(bob, acme, async ({ audit }) => {
          expect((await audit.listEvents({ eventType: "member.role_set" })).items).toHaveLength(2);
          expect((await audit.listChanges()).items).toEqual([]);
        });
        await world.as(zoe, zenith, async ({ audit }) => {
          expect(await audit.findEvent(event.id)).toBeNull();
          expect((await audit.listEvents({ userId: ids.bob })).items).toEqual([]);
        });
      });

      it("goes on page by page, and no event is lost between them", async () => {
        const { ann, acme } = await cast("trail");
        await world.as(ann, acme, async ({ permissions }) => {
          for (let number = 0; number < 7; number += 1) await permissions.createRole({ name: `Role ${number}` });
        });

        await world.as(ann, acme, async ({ audit }) => {
          const all = (await audit.listEvents({ eventType: "role.created" })).items;
          expect(all).toHaveLength(7);

          const seen = [];
          let after: string | undefined;
          do {
            const page = await audit.listEvents({ eventType: "role.created", limit: 3, after });
            seen.push(...page.items);
            after = page.next ?? undefined;
          } while (after !== undefined);
          expect(seen).toEqual(all);
        });
      });

      it("counts a period", async () => {
        const { ann, bob, acme, ids } = await cast("numbers");
        const since = new Date(Date.now() - 60_000);
        await world.as(ann, acme, ({ organizations }) => organizations.setMemberRole(ids.bob, "admin"));
        await world.as(bob, acme, ({ audit }) => audit.recordDenial({ action: "invoice.delete", reason: "not_mine" }));

        await world.as(ann, acme, async ({ audit }) => {
          const period = { since, until: new Date(Date.now() + 60_000) };
          expect(await audit.countEventsByResult(period)).toEqual(new Map([["denied", 1], ["success", 1]]));
          expect((await audit.countEventsByType(period)).get("member.role_set")).toBe(1);
          expect((await audit.countEventsByUser(period)).get(ids.bob)).toBe(2);
          expect(await audit.summarize(period)).toMatchObject({
            events: 2,
            denials: 1,
            permissionChanges: 1,
            openAlerts: 0,
          });
          await expect(audit.summarize({ since, until: since })).rejects.toMatchObject({ code: "period_invalid" });
        });
      });

      it("leaves as a file, and says so", async () => {
        const { ann, bob, acme } = await cast("export");
        const period = { since: new Date(Date.now() - 60_000), until: new Date(Date.now() + 60_000) };
        await world.as(ann, acme, ({ permissions }) => permissions.createRole({ name: "Nurse" }));

        const lines = await world.as(ann, acme, async ({ audit }) => {
          let text = "";
          for await (const piece of audit.export({ stream: "events", format: "jsonl", ...period })) text += piece;
          return text.trimEnd().split("\n").map((line) => JSON.parse(line) as { eventType: string });
        });
        expect(lines.map(({ eventType }) => eventType)).toEqual(["audit.exported", "role.created"]);
        await world.as(ann, acme, async ({ audit }) => {
          const { items } = await audit.listEvents({ eventType: "audit.exported" });
          expect(items.map(({ additionalData }) => additionalData["rows"])).toEqual([2, null]);
        });
        await expect(
          world.as(bob, acme, async ({ audit }) => {
            for await (const _ of audit.export({ stream: "events", format: "csv", ...period })) return;
          }),
        ).rejects.toMatchObject({ code: "permission_required" });
      });
    });
  });
}
