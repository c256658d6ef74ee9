import type { OrganizationId, UserId } from "../src/ids.js";
import type { Repositories } from "../src/repositories.js";
import { organizationId, userId } from "./support/actors.js";
import { useTwoOrganizations } from "./support/world.js";

const BOB = userId("bob") as UserId;
const ACME = organizationId("acme") as OrganizationId;

describe("organizations in PostgreSQL", () => {
  const world = useTwoOrganizations();
  const asAnn = <Result>(work: (repositories: Repositories) => Promise<Result>) => world.as("ann", "acme", work);

  it.each([
    ["an id that is none", ({ organizations }: Repositories) => organizations.find("acme" as OrganizationId), "id_malformed"],
    ["an invitation to no address", ({ organizations }: Repositories) => organizations.addMember({ email: "zoe" }), "email_malformed"],
    ["a withdrawal from no address", ({ organizations }: Repositories) => organizations.withdrawInvitation("zoe"), "email_malformed"],
    ["a slug with spaces", ({ organizations }: Repositories) => organizations.create({ slug: "a clinic", name: "Clinic" }), "organization_slug_malformed"],
    ["a name that is empty", ({ organizations }: Repositories) => organizations.create({ slug: "clinic", name: "" }), "organization_name_malformed"],
    ["a setting nobody knows", ({ organizations }: Repositories) => organizations.update({ settings: { colour: "red" } as never }), "organization_settings_unknown"],
    ["a domain that is none", ({ organizations }: Repositories) => organizations.claimDomain("localhost"), "domain_malformed"],
    ["ownership given to oneself", ({ organizations }: Repositories) => organizations.transferOwnership(userId("ann") as UserId), "transfer_to_oneself"],
    ["counting without end", ({ organizations }: Repositories) => organizations.countActiveMembers({ upTo: 1e9 }), "limit_out_of_range"],
  ] as const)("refuse %s", async (_, work, code) => {
    await expect(asAnn(work as (repositories: Repositories) => Promise<unknown>)).rejects.toMatchObject({
      name: "RuleError",
      code,
    });
  });

  it("refuse a token of a domain that was cut off, before asking", async () => {
    const { token } = await asAnn(({ organizations }) => organizations.claimDomain("cut.example"));
    await expect(
      asAnn(({ organizations }) => organizations.verifyDomain(token.reveal().slice(0, -3))),
    ).rejects.toMatchObject({ name: "AuthenticationError", code: "token_malformed" });
  });

  it("say which one holds the domain of one's own address, and of no other", async () => {
    expect(await asAnn(({ organizations }) => organizations.findOfOwnDomain())).toBeNull();

    const { token } = await asAnn(({ organizations }) => organizations.claimDomain("example.com"));
    await asAnn(({ organizations }) => organizations.verifyDomain(token));
    expect(await world.as("zoe", "zenith", ({ organizations }) => organizations.findOfOwnDomain())).toEqual({
      id: ACME,
      name: "Acme",
    });
  });

  it("list domains by name, page by page", async () => {
    for (const domain of ["c.example", "a.example", "b.example"]) {
      await asAnn(({ organizations }) => organizations.claimDomain(domain));
    }
    await asAnn(async ({ organizations }) => {
      const first = await organizations.listDomains({ limit: 2 });
      expect(first.items.map(({ domain }) => domain)).toEqual(["a.example", "b.example"]);
      const second = await organizations.listDomains({ limit: 2, after: first.next! });
      expect(second.items[0]?.domain).toBe("c.example");
    });
  });

  it("enter another of one's own, for later requests too", async () => {
    await asAnn(({ organizations }) => organizations.addMember({ email: "zoe@example.com", role: "admin" }));
    await world.as("zoe", "zenith", async ({ organizations }) => {
      expect((await organizations.listOwn()).map(({ name, status }) => [name, status])).toEqual([
        ["Acme", "invited"],
        ["Zenith", "active"],
      ]);
    });
    await expect(
      world.as("zoe", "zenith", ({ organizations }) => organizations.choose(ACME)),
    ).rejects.toMatchObject({ name: "NotFoundError", code: "organization_not_found" });

    await world.as("zoe", "zenith", async ({ organizations }) => {
      await organizations.acceptMembership(ACME);
      await organizations.choose(ACME);
    });
    await world.as("zoe", "zenith", async ({ organizations }) => {
      expect((await organizations.getCurrent()).id).toBe(ACME);
      await organizations.choose(organizationId("zenith") as OrganizationId);
    });
  });

  it("keep one owner when two owners leave at once", async () => {
    await asAnn(({ organizations }) => organizations.setMemberRole(BOB, "owner"));
    await world.token("bob", "acme");

    const left = await Promise.allSettled([
      asAnn(({ organizations }) => organizations.leave()),
      world.as("bob", "acme", ({ organizations }) => organizations.leave()),
    ]);
    expect(left.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(left.find((one) => one.status === "rejected")).toMatchObject({ reason: { code: "last_owner" } });
  });
});
