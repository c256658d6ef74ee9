import type pg from "pg";

import { beginRequest, openSessions, organizationId, sessionToken, userId } from "../support/actors.js";
import { useDatabase } from "../support/database.js";
import { race, refusals, sabotage, type Outcome, type RaceOptions } from "../support/race.js";

const LEAVERS = 7;
const ROUNDS = 4;
const ISOLATIONS = ["read committed", "repeatable read"] as const;

/** What PostgreSQL says to whoever would write what an older snapshot let them. */
const SERIALIZATION_FAILURE = "40001";

/** What the database says to whoever would shred on the strength of what there was. */
const READ_COMMITTED_REQUIRED = "SP510";

/** What it says of whoever is held. */
const LEGAL_HOLD = "SP426";

/** How somebody stops belonging to an organization. */
const DEPARTURES = {
  leaves: { by: "self", sql: "select leave_organization()" },
  "closes their account": { by: "self", sql: "select close_account()" },
  "is removed": { by: "owner", sql: "select remove_member($1)" },
} as const;
type Departure = keyof typeof DEPARTURES;

const database = useDatabase({ template: "pgtap" });
let round = 0;

/** An organization, its owner, and those who will leave it, all of them signed in. */
async function membersOf() {
  round += 1;
  const organization = `clinic${round}`;
  const owner = `owner${round}`;
  const members = Array.from({ length: LEAVERS }, (_, index) => `member${round}x${index}`);
  for (const name of [owner, ...members]) await database.admin.query("select tests.person($1)", [name]);
  await database.admin.query("select tests.organization($1, $2)", [organization, owner]);
  for (const name of members) await database.admin.query("select tests.member($1, $2)", [organization, name]);
  await openSessions(database.admin, [owner, ...members], organization);
  return { organization, owner, members };
}

const actorOf = (how: Departure, member: string, owner: string) => (DEPARTURES[how].by === "owner" ? owner : member);

const depart = (client: pg.ClientBase, how: Departure, member: string) =>
  client.query(DEPARTURES[how].sql, DEPARTURES[how].by === "owner" ? [userId(member)] : []);

/** Who belongs to it once the hold is placed and nobody can leave before it any more. */
async function hold(client: pg.ClientBase | pg.Pool, organization: string): Promise<string[]> {
  await client.query("select place_legal_hold(null, $1, 'Matter 7')", [organizationId(organization)]);
  const { rows } = await client.query<{ id: string }>("select user_id as id from organization_users where organization_id = $1", [
    organizationId(organization),
  ]);
  return rows.map(({ id }) => id);
}

/** Whom nothing may shred. */
async function areHeld(names: readonly string[]): Promise<string[]> {
  const held: string[] = [];
  for (const name of names) {
    const client = await database.pool("operator").connect();
    try {
      await client.query("begin");
      await client.query("select shred_person($1)", [userId(name)]);
    } catch (error) {
      // An account that is not closed is not the operator's to shred; the hold is asked about first.
      if ((error as pg.DatabaseError).code === "SP426") held.push(userId(name));
    } finally {
      await client.query("rollback");
      client.release();
    }
  }
  return held.sort();
}

/** Begun, and as far as to wait for a lock. */
async function untilItWaits(): Promise<void> {
  for (let waiting = 0; waiting === 0; ) {
    const { rows } = await database.admin.query<{ waiting: number }>(
      `select count(*)::integer as waiting
       from pg_locks join pg_stat_activity using (pid)
       where not granted and datname = current_database()`,
    );
    waiting = rows[0]!.waiting;
  }
}

describe.each(Object.keys(DEPARTURES) as Departure[])("who %s while a hold is placed", (how) => {
  async function begun(actor: string, organization: string): Promise<pg.PoolClient> {
    const client = await database.app.connect();
    await client.query("begin");
    await beginRequest(client, sessionToken(actor, organization));
    return client;
  }

  it("is waited for: free where they left before it, held where they stayed", async () => {
    for (const end of ["commit", "rollback"]) {
      const { organization, owner, members } = await membersOf();
      const [member] = members as [string];
      const leaving = await begun(actorOf(how, member, owner), organization);
      await depart(leaving, how, member);
      const placing = hold(database.admin, organization);
      await untilItWaits();
      await leaving.query(end);
      leaving.release();

      const bound = await placing;
      expect(bound.includes(userId(member))).toBe(end === "rollback");
      expect(await areHeld([owner, ...members])).toEqual(bound.sort());
    }
  });

  it("waits for it, and leaves under the hold, unless it is not placed after all", async () => {
    for (const end of ["commit", "rollback"]) {
      const { organization, owner, members } = await membersOf();
      const [member] = members as [string];
      const operator = await database.admin.connect();
      await operator.query("begin");
      await hold(operator, organization);
      const leaving = await begun(actorOf(how, member, owner), organization);
      const left = depart(leaving, how, member).then(() => leaving.query("commit"));
      await untilItWaits();
      await operator.query(end);
      operator.release();
      await left;
      leaving.release();

      const all = [owner, ...members].map(userId).sort();
      expect(await areHeld([owner, ...members])).toEqual(end === "commit" ? all : []);
    }
  });

  it("does not, in a transaction that looked before the hold was there", async () => {
    const { organization, owner, members } = await membersOf();
    const [member] = members as [string];
    const client = await database.app.connect();
    await client.query("begin isolation level repeatable read");
    await beginRequest(client, sessionToken(actorOf(how, member, owner), organization));

    const bound = await hold(database.admin, organization);

    await expect(depart(client, how, member)).rejects.toMatchObject({ code: SERIALIZATION_FAILURE });
    await client.query("rollback");
    client.release();
    expect(await areHeld([owner, ...members])).toEqual(bound.sort());
  });

  it("would be lost to the hold, did it not wait for them", async () => {
    const mend = await sabotage(database.admin, "place_legal_hold", /update organizations\s+set status = status\s+where/, "perform from organizations where");
    try {
      const { organization, owner, members } = await membersOf();
      const [member] = members as [string];
      const leaving = await begun(actorOf(how, member, owner), organization);
      await depart(leaving, how, member);
      const bound = await hold(database.admin, organization);
      await leaving.query("commit");
      leaving.release();
      expect(bound).toContain(userId(member));
      expect(await areHeld([member])).toEqual([]);
    } finally {
      await mend();
    }
  });
});

describe("who shreds in a transaction that looked before the hold was there", () => {
  it.each([
    ["a person", "select place_legal_hold($1, null, 'Matter 7')", "select shred_person($1)", (member: string) => userId(member)],
    [
      "an organization",
      "select place_legal_hold(null, $1, 'Matter 7')",
      "select shred_organization($1)",
      (_member: string, organization: string) => organizationId(organization),
    ],
  ] as const)("does not shred %s", async (_whom, place, shred, idOf) => {
    const { organization, members } = await membersOf();
    const id = idOf(members[0] as string, organization);
    await database.admin.query("select suspend_organization($1, 'Matter 7')", [organizationId(organization)]);
    const client = await database.pool("operator").connect();
    await client.query("begin isolation level repeatable read");
    await client.query("select from cell_settings");

    await database.admin.query(place, [id]);

    await expect(client.query(shred, [id])).rejects.toMatchObject({ code: READ_COMMITTED_REQUIRED });
    await client.query("rollback");
    client.release();
  });
});

describe("who joins an organization that is held, while they are shredded", () => {
  async function joinWhileShredded() {
    const { organization } = await membersOf();
    const guest = `guest${round}`;
    await database.admin.query("select tests.person($1)", [guest]);
    await openSessions(database.admin, [guest]);
    await database.admin.query("insert into organization_users (organization_id, user_id, status) values ($1, $2, 'invited')", [
      organizationId(organization),
      userId(guest),
    ]);
    await database.admin.query("select place_legal_hold(null, $1, 'Matter 8')", [organizationId(organization)]);

    const joining = await database.app.connect();
    await joining.query("begin");
    await beginRequest(joining, sessionToken(guest));
    await joining.query("select accept_membership($1)", [organizationId(organization)]);
    const shredding = database
      .pool("operator")
      .query("select shred_person($1)", [userId(guest)])
      .then(() => "shredded", (error: pg.DatabaseError) => error.code);
    await untilItWaits();
    await joining.query("commit");
    joining.release();
    return { outcome: await shredding, held: await areHeld([guest]), guest };
  }

  it("is held: they joined first", async () => {
    const { outcome, held, guest } = await joinWhileShredded();
    expect(outcome).toBe(LEGAL_HOLD);
    expect(held).toEqual([userId(guest)]);
  });

  it("would be shredded, were it not asked once more", async () => {
    const mend = await sabotage(database.admin, "_shred_person", /_erase_person\([^;]*;[\s\S]*?perform _require_no_hold[^;]*;/, "_erase_person(p_user_id, true);");
    const { outcome } = await joinWhileShredded();
    await mend();
    expect(outcome).toBe("shredded");
  });
});

describe("a hold that is released in a transaction that looked before somebody left under it", () => {
  it("is not, for whoever released it could not release theirs", async () => {
    const { organization, members } = await membersOf();
    const [member] = members as [string];
    const { rows } = await database.admin.query<{ id: string }>("select place_legal_hold(null, $1, 'Matter 9') as id", [organizationId(organization)]);
    const release = "select release_legal_hold($1)";
    const client = await database.pool("operator").connect();
    await client.query("begin isolation level repeatable read");
    await client.query("select from cell_settings");
    const leaving = await database.app.connect();
    await leaving.query("begin");
    await beginRequest(leaving, sessionToken(member, organization));
    await leaving.query("select leave_organization()");
    await leaving.query("commit");
    leaving.release();

    await expect(client.query(release, [rows[0]!.id])).rejects.toMatchObject({ code: SERIALIZATION_FAILURE });
    await client.query("rollback");
    client.release();
    expect(await areHeld([member])).toEqual([userId(member)]);
    await database.pool("operator").query(release, [rows[0]!.id]);
    expect(await areHeld([member])).toEqual([]);
  });
});

describe.each(ISOLATIONS)("seven who leave at once while an organization and one of them are held (%s)", (isolation) => {
  /** One round: what became of each, and whom the hold was to bind. */
  async function leaveWhileHeld(options: RaceOptions) {
    const { organization, owner, members } = await membersOf();
    let bound: string[] | undefined;
    const outcomes: Outcome<unknown>[] = await race(
      database.admin,
      LEAVERS + 2,
      async (client, index) => {
        const member = members[index];
        if (member !== undefined) return depart(client, index % 2 === 0 ? "leaves" : "closes their account", member);
        if (index === LEAVERS) return client.query("select place_legal_hold($1, null, 'Matter 8')", [userId(members[0] as string)]);
        bound = await hold(client, organization);
      },
      {
        ...options,
        prepare: async (client, index) => {
          if (index < LEAVERS) await beginRequest(client, sessionToken(members[index] as string, organization));
        },
      },
    );
    return { owner, members, outcomes, bound };
  }

  it("are each free or held, as the order was, and nobody's hold is lost", async () => {
    for (let again = 0; again < ROUNDS; again += 1) {
      const { owner, members, outcomes, bound } = await leaveWhileHeld({ isolation });

      const ofOrganization = outcomes[LEAVERS + 1]!.code === undefined ? bound! : [];
      const ofPerson = outcomes[LEAVERS]!.code === undefined ? [userId(members[0] as string)] : [];
      expect(await areHeld([owner, ...members])).toEqual([...new Set([...ofOrganization, ...ofPerson])].sort());
      for (const refusal of refusals(outcomes)) expect(refusal).toBe(SERIALIZATION_FAILURE);
      if (isolation === "read committed") expect(refusals(outcomes)).toEqual([]);
    }
  });
});
