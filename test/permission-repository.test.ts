import type { RoleId, UserId } from "../src/ids.js";
import type { Repositories } from "../src/repositories.js";
import { userId } from "./support/actors.js";
import { useTwoOrganizations } from "./support/world.js";

const BOB = userId("bob") as UserId;
const ALL = [
  "alerts.manage", "audit.read", "credentials.manage", "domains.manage", "members.manage", "policies.manage",
  "roles.assign", "sessions.read",
];

describe("permissions in PostgreSQL", () => {
  const world = useTwoOrganizations();
  const asAnn = <Result>(work: (repositories: Repositories) => Promise<Result>) => world.as("ann", "acme", work);
  const namesOf = (id: RoleId) =>
    asAnn(async ({ permissions }) => (await permissions.listRolePermissions(id)).map(({ name }) => name));

  it("lose nothing when eight administrators add one each at once, or take one each", async () => {
    const roleId = await asAnn(({ permissions }) => permissions.createRole({ name: "Raced" }));
    await asAnn(({ permissions }) => permissions.getRole(roleId));

    await Promise.all(ALL.map((name) => asAnn(({ permissions }) => permissions.addRolePermissions(roleId, [name]))));
    expect(await namesOf(roleId)).toEqual(ALL);

    await Promise.all(
      ALL.slice(1).map((name) => asAnn(({ permissions }) => permissions.removeRolePermissions(roleId, [name]))),
    );
    expect(await namesOf(roleId)).toEqual(ALL.slice(0, 1));
  });

  it("end when their time is over, at the next statement", async () => {
    const roleId = await asAnn(async ({ permissions }) => {
      const id = await permissions.createRole({ name: "For a while" });
      await permissions.setRolePermissions(id, ["audit.read"]);
      await permissions.assignRole({ userId: BOB, roleId: id, expirationTime: new Date(Date.now() + 3_600_000) });
      return id;
    });
    const may = () => world.as("bob", "acme", ({ permissions }) => permissions.has("audit.read"));
    expect(await may()).toBe(true);
    expect(await asAnn(({ permissions }) => permissions.listOfMember(BOB))).toEqual(["audit.read"]);

    // As if two hours had passed, without the trigger that asks in whose organization.
    await world.db.admin.query(`
      begin;
      set local session_replication_role = replica;
      update user_roles
      set granted_time = now() - interval '2 hours', expiration_time = now() - interval '1 hour'
      where role_id = '${roleId}';
      commit;
    `);
    expect(await may()).toBe(false);
    expect(await asAnn(({ permissions }) => permissions.listOfMember(BOB))).toEqual([]);
    expect((await asAnn(({ permissions }) => permissions.listMemberRoles(BOB))).items).toHaveLength(1);
  });

  it("keep a name to one role of an organization, and find its own before the system's", async () => {
    await asAnn(({ permissions }) => permissions.createRole({ name: "Nurse" }));
    await expect(asAnn(({ permissions }) => permissions.createRole({ name: "Nurse" }))).rejects.toMatchObject({
      code: "role_name_taken",
    });
    await world.as("zoe", "zenith", ({ permissions }) => permissions.createRole({ name: "Nurse" }));

    const own = await asAnn(({ permissions }) => permissions.createRole({ name: "auditor" }));
    expect(await asAnn(({ permissions }) => permissions.findRoleByName("auditor"))).toMatchObject({ id: own });
    expect(await world.as("zoe", "zenith", ({ permissions }) => permissions.findRoleByName("auditor"))).toMatchObject({
      isSystemRole: true,
    });
  });

  it("update what is named and leave the rest", async () => {
    const id = await asAnn(({ permissions }) => permissions.createRole({ name: "Old", description: "kept" }));
    await asAnn(({ permissions }) => permissions.updateRole(id, { name: "New" }));
    expect(await asAnn(({ permissions }) => permissions.getRole(id))).toMatchObject({ name: "New", description: "kept" });
    await asAnn(({ permissions }) => permissions.updateRole(id, { description: "" }));
    expect(await asAnn(({ permissions }) => permissions.getRole(id))).toMatchObject({ name: "New", description: "" });
  });

  it.each([
    ["a role without a name", ({ permissions }: Repositories) => permissions.createRole({ name: " " }), "role_name_malformed"],
    ["an id that is none", ({ permissions }: Repositories) => permissions.deleteRole("admin" as RoleId), "id_malformed"],
    ["a time that is none", ({ permissions }: Repositories) =>
      permissions.assignRole({ userId: BOB, roleId: BOB as never, expirationTime: new Date(Number.NaN) }), "time_invalid"],
    ["a permission with a NUL", ({ permissions }: Repositories) => permissions.has("audit\0"), "text_invalid"],
    ["a grant that ends before it begins", async ({ permissions }: Repositories) => {
      const role = await permissions.findRoleByName("help_desk");
      await permissions.assignRole({ userId: BOB, roleId: role!.id, expirationTime: new Date(0) });
    }, "role_expiration_in_the_past"],
  ] as const)("refuse %s", async (_, work, code) => {
    await expect(asAnn(work as (repositories: Repositories) => Promise<unknown>)).rejects.toMatchObject({ code });
  });
});
