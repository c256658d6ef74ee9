/*
 * How an application tests its own code without a database: it gives that code a
 * UserRepository of its own making. Nothing here is mocked by name or by path; the interface
 * is all that the code under test knows.
 *
 * Such a repository keeps no rule: it says what an application does with people, never
 * whether somebody may see them. For that there is the real one.
 */
import {
  NotFoundError,
  newId,
  parseEmail,
  type Page,
  type User,
  type UserId,
  type UserRepository,
} from "../src/index.js";

/** The application's own code: how a letter to somebody begins. */
async function salutation(users: UserRepository, id: UserId): Promise<string> {
  const { jobTitle, lastName } = await users.get(id);
  return jobTitle === null ? `Dear ${lastName},` : `Dear ${jobTitle} ${lastName},`;
}

/** The application's own code: everybody's address, whatever their number. */
async function allAddresses(users: UserRepository): Promise<string[]> {
  const addresses: string[] = [];
  let page: Page<User> | undefined;
  do {
    page = await users.list({ after: page?.next ?? undefined, limit: 2 });
    addresses.push(...page.items.flatMap(({ email }) => email ?? []));
  } while (page.next !== null);
  return addresses;
}

/** People in a list. What the code under test does not use may refuse. */
function inMemoryUsers(people: readonly User[], self: User): UserRepository {
  const isNotHere = (what: string) => () => Promise.reject(new Error(`${what} is not part of this test`));
  const find = async (id: UserId) => people.find((user) => user.id === id) ?? null;

  return {
    find,
    async get(id) {
      const user = await find(id);
      if (user === null) throw new NotFoundError("user_not_found", `there is no user ${id}`);
      return user;
    },
    exists: async (id) => (await find(id)) !== null,
    findByEmail: async (email) => people.find((user) => user.email === parseEmail(email)) ?? null,
    getSelf: async () => self,
    async list({ after = "0", limit = 50 } = {}) {
      const end = Number(after) + limit;
      return {
        items: people.slice(Number(after), end),
        next: end < people.length ? (String(end) as Page<User>["next"]) : null,
      };
    },
    async search(query) {
      return people
        .filter(({ lastName }) => lastName.toLowerCase().includes(query.toLowerCase()))
        .map(({ id, email, firstName, lastName, jobTitle }) => ({
          id, email, firstName, lastName, jobTitle, role: "member",
        }));
    },
    listRecentlyActive: isNotHere("listRecentlyActive"),
    updateOwnProfile: isNotHere("updateOwnProfile"),
    requirePasswordChange: isNotHere("requirePasswordChange"),
    closeOwnAccount: isNotHere("closeOwnAccount"),
    eraseOwnAccount: isNotHere("eraseOwnAccount"),
  };
}

/** Somebody, as far as a test has to say. */
function person(known: Partial<User>): User {
  return {
    id: newId<"user">(),
    email: "somebody@example.com",
    firstName: "Some",
    lastName: "Body",
    jobTitle: null,
    status: "active",
    emailVerifiedTime: new Date(),
    phoneNumber: null,
    avatarUrl: null,
    timezone: "UTC",
    locale: "en",
    lastLoginTime: null,
    creationTime: new Date(),
    lastUpdateTime: new Date(),
    ...known,
  };
}

describe("an application's own code, with people in memory", () => {
  const ann = person({ email: "ann@example.com", lastName: "Weber", jobTitle: "Dr." });
  const bob = person({ email: "bob@example.com", lastName: "Novak" });
  const eve = person({ email: "eve@example.com", lastName: "Horvat" });
  const users = inMemoryUsers([ann, bob, eve], ann);

  it("addresses people by their title, if they have one", async () => {
    expect(await salutation(users, ann.id)).toBe("Dear Dr. Weber,");
    expect(await salutation(users, bob.id)).toBe("Dear Novak,");
  });

  it("passes on that somebody is not there", async () => {
    await expect(salutation(users, newId())).rejects.toThrow(NotFoundError);
  });

  it("reads every page", async () => {
    expect(await allAddresses(users)).toEqual(["ann@example.com", "bob@example.com", "eve@example.com"]);
  });
});
