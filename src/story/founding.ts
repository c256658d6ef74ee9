import type { SafetyPin } from "../index.js";
import { createRepositories } from "../repositories.js";
import type { Mailboxes } from "./mailboxes.js";
import { chapter, good, insist, say } from "./narrator.js";
import { type Actor, type castStory, PASSWORD, type Person, type Place } from "./people.js";

/** Who is there once the first chapter is told. */
export interface Founded {
  readonly ann: Actor;
  readonly ben: Actor;
  readonly zoe: Actor;
  readonly acme: Place;
  readonly zenith: Place;
}

/** People register, verify their addresses, sign in, and found two organizations. */
export async function tellFounding(
  safetypin: SafetyPin,
  mailboxes: Mailboxes,
  cast: ReturnType<typeof castStory>,
): Promise<Founded> {
  chapter("1. Two organizations are founded");
  const [ann, ben, zoe] = [
    await join(safetypin, mailboxes, cast.ann),
    await join(safetypin, mailboxes, cast.ben),
    await join(safetypin, mailboxes, cast.zoe),
  ];
  good("Ann, Ben and Zoe registered, verified their addresses and signed in");
  say("    what they were sent was read by the mailer's login and by them: the application saw no token");

  await safetypin.register({ ...cast.ann, password: PASSWORD });
  const { purpose } = await mailboxes.read(ann.email);
  insist(purpose === "already_registered", "Ann had an account");
  good("Somebody registers Ann's address again: they learn nothing; Ann's mailbox learns of it");

  const acme = await found(safetypin, ann, "acme", "Acme Clinic");
  const zenith = await found(safetypin, zoe, "zenith", "Zenith Hospital");
  good(`Ann founded ${acme.name}, Zoe founded ${zenith.name}; each owns what they founded`);

  await safetypin.withSession(ann.sessionToken, (tx) =>
    createRepositories(tx).organizations.addMember({ email: ben.email }),
  );
  await safetypin.withSession(ben.sessionToken, async (tx) => {
    const { organizations } = createRepositories(tx);
    await organizations.acceptMembership(acme.id);
    await organizations.choose(acme.id);
  });
  const { items } = await safetypin.withSession(ann.sessionToken, (tx) =>
    createRepositories(tx).users.list(),
  );
  insist(items.length === 2, "Acme has two members");
  good("Ben accepted Ann's invitation. Ann lists her people with no filter in the query:");
  say(`    ${items.map(({ firstName, lastName }) => `${firstName} ${lastName}`).join(", ")}. No Zoe: row-level security does the filtering`);
  return { ann, ben, zoe, acme, zenith };
}

async function join(safetypin: SafetyPin, mailboxes: Mailboxes, person: Person): Promise<Actor> {
  await safetypin.register({ ...person, password: PASSWORD });
  const { token } = await mailboxes.read(person.email);
  insist(token !== null, `${person.firstName} was sent a token`);
  await safetypin.verifyEmail(token);
  const signedIn = await safetypin.signIn({
    email: person.email,
    password: PASSWORD,
    ipAddress: "192.0.2.10",
    userAgent: "story/1.0",
  });
  return { ...person, ...signedIn };
}

async function found(
  safetypin: SafetyPin,
  owner: Actor,
  slug: string,
  name: string,
): Promise<Place> {
  const id = await safetypin.withSession(owner.sessionToken, async (tx) => {
    const { organizations } = createRepositories(tx);
    const founded = await organizations.create({ slug, name });
    await organizations.choose(founded);
    return founded;
  });
  return { id, name };
}
