import type { UserId } from "../src/ids.js";
import type { Repositories } from "../src/repositories.js";
import { email, signIn, userId } from "./support/actors.js";
import { useTwoOrganizations } from "./support/world.js";

const BOB = userId("bob") as UserId;

describe("users in PostgreSQL", () => {
  const world = useTwoOrganizations();
  const asAnn = <Result>(work: (repositories: Repositories) => Promise<Result>) => world.as("ann", "acme", work);

  it("are plain data, with an id of their own kind", async () => {
    const bob = await asAnn(({ users }) => users.get(BOB));

    expect(Object.getPrototypeOf(bob)).toBe(Object.prototype);
    expect(Object.keys(bob).sort()).toEqual([
      "avatarUrl", "creationTime", "email", "emailVerifiedTime", "firstName", "id", "jobTitle", "lastLoginTime",
      "lastName", "lastUpdateTime", "locale", "phoneNumber", "status", "timezone",
    ]);
    expect(JSON.stringify(bob)).not.toContain("$2a$");
  });

  it.each([
    ["an id that is none", ({ users }: Repositories) => users.find("1 or 1=1" as UserId), "id_malformed"],
    ["an id that is nothing", ({ users }: Repositories) => users.get(undefined as never), "id_malformed"],
    ["an address that is none", ({ users }: Repositories) => users.findByEmail("ann"), "email_malformed"],
    ["a search for a letter", ({ users }: Repositories) => users.search("a"), "search_length_out_of_range"],
    ["a search with a NUL", ({ users }: Repositories) => users.search("an\0n"), "text_invalid"],
    ["a search for too many", ({ users }: Repositories) => users.search("ann", { limit: 101 }), "limit_out_of_range"],
    ["a time that is none", ({ users }: Repositories) => users.listRecentlyActive({ since: "today" as never }), "time_invalid"],
    ["a name that is empty", ({ users }: Repositories) => users.updateOwnProfile({ firstName: "" }), "first_name_malformed"],
    ["a name with a NUL", ({ users }: Repositories) => users.updateOwnProfile({ firstName: "A\0nn" }), "text_malformed"],
    ["a name that is endless", ({ users }: Repositories) => users.updateOwnProfile({ lastName: "x".repeat(10_000) }), "last_name_malformed"],
  ] as const)("refuse %s", async (_, work, code) => {
    await expect(asAnn(work as (repositories: Repositories) => Promise<unknown>)).rejects.toMatchObject({
      name: "RuleError",
      code,
    });
  });

  it("are searched for what was typed: wildcards mean themselves", async () => {
    expect(await asAnn(({ users }) => users.search("%%"))).toEqual([]);
    expect(await asAnn(({ users }) => users.search("b_b"))).toEqual([]);
    expect(await asAnn(({ users }) => users.search("\\\\"))).toEqual([]);
    expect(await asAnn(({ users }) => users.search("'; drop table users; --"))).toEqual([]);
  });

  it("are searched for by address and domain as mail takes them, in whichever script", async () => {
    await world.person("hans");
    await world.member("acme", "hans");
    await world.db.admin.query("select tests.give_email('hans', 'hans@xn--mller-kva.example')");
    for (const typed of ["hans@müller.example", " Hans@MÜLLER.example ", "@müller.example", "hans@xn--mller-kva.example"]) {
      expect(await asAnn(({ users }) => users.search(typed))).toMatchObject([{ id: userId("hans"), email: "hans@xn--mller-kva.example" }]);
    }
  });

  it("are told to be shredded, where a list has somebody who was", async () => {
    const max = await world.person("max");
    await world.organization("clinic", "max");
    await world.person("ivy");
    await world.member("clinic", "ivy");
    // As a ledger does it that is replayed over a backup in which max was the last owner.
    await world.db.admin.query("select _erase_person($1, true)", [max]);

    const shredded = { email: null, firstName: "Shredded", lastName: "Person" };
    await world.as("ivy", "clinic", async ({ users, organizations }) => {
      expect(await users.get(max)).toMatchObject({ ...shredded, status: "shredded", phoneNumber: null, jobTitle: null });
      const { items } = await users.list();
      expect(items.map(({ id, email: address, status }) => ({ id, address, status }))).toEqual(
        expect.arrayContaining([
          { id: max, address: null, status: "shredded" },
          { id: userId("ivy"), address: email("ivy"), status: "active" },
        ]),
      );
      expect(await users.search("shredded")).toMatchObject([{ id: max, ...shredded }]);
      expect(await organizations.getMember(max)).toMatchObject({ ...shredded, role: "owner" });
      expect((await organizations.listMembers()).items).toContainEqual(expect.objectContaining({ userId: max, ...shredded }));
      expect(await users.findByEmail(email("max"))).toBeNull();
    });
  });

  it("are listed by when they last came in", async () => {
    await signIn(world.db.app, email("bob"), { organization: "acme" });
    await signIn(world.db.app, email("amy"), { organization: "acme" });

    const since = new Date(Date.now() - 60_000);
    const recent = await asAnn(({ users }) => users.listRecentlyActive({ since }));
    expect(recent.map(({ id }) => id)).toEqual([userId("amy"), userId("bob")]);
    expect(await asAnn(({ users }) => users.listRecentlyActive({ since: new Date(Date.now() + 60_000) }))).toEqual([]);
    expect(await asAnn(({ users }) => users.listRecentlyActive({ since, limit: 1 }))).toHaveLength(1);
  });

  it("must choose a new password when somebody who may says so", async () => {
    await expect(
      world.as("bob", "acme", ({ users }) => users.requirePasswordChange(userId("amy") as UserId)),
    ).rejects.toMatchObject({ code: "permission_required" });

    await asAnn(({ users }) => users.requirePasswordChange(BOB));
    expect(await signIn(world.db.app, email("bob"))).toMatchObject({ status: "password_change_required" });
  });
});
