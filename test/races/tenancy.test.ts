import type pg from "pg";

import { beginRequest, openSessions, organizationId, sessionToken, signIn, userId, email } from "../support/actors.js";
import { useDatabase } from "../support/database.js";
import { race, refusals, sabotage, winners, type RaceOptions } from "../support/race.js";

const CLIENTS = 8;
const ROUNDS = [1, 2, 3, 4, 5];
const ISOLATIONS = ["read committed", "repeatable read"] as const;

/** What an owner can do to stop an organization from having them or another as owner. */
const DEPARTURES: Record<string, (client: pg.ClientBase, other: string) => Promise<unknown>> = {
  "demote the other": (client, other) => client.query("select set_member_role($1, 'member')", [other]),
  "suspend the other": (client, other) => client.query("select suspend_member($1)", [other]),
  "remove the other": (client, other) => client.query("select remove_member($1)", [other]),
  "leave": (client) => client.query("select leave_organization()"),
  "close their account": (client) => client.query("select close_account()"),
};

describe("the last owner", () => {
  const database = useDatabase({ template: "pgtap" });
  let round = 0;

  /** An organization with two owners, both signed in; the round makes their names new. */
  async function twoOwners() {
    round += 1;
    const organization = `acme${round}`;
    const owners = [`ann${round}`, `bob${round}`] as const;
    for (const owner of owners) await database.admin.query("select tests.person($1)", [owner]);
    await database.admin.query("select tests.organization($1, $2)", [organization, owners[0]]);
    await database.admin.query("select tests.member($1, $2, 'owner')", [organization, owners[1]]);
    await openSessions(database.admin, owners, organization);
    return { organization, owners };
  }

  async function ownersOf(organization: string) {
    const { rows } = await database.admin.query<{ counted: number; there: number }>(
      `select
         owner_count as counted,
         (
           select count(*)::integer from organization_users
           where organization_id = organizations.id and role = 'owner' and status = 'active'
         ) as there
       from organizations where id = $1`,
      [organizationId(organization)],
    );
    return rows[0];
  }

  async function bothDepart(
    departures: readonly ((client: pg.ClientBase, other: string) => Promise<unknown>)[],
    isolation: RaceOptions["isolation"],
  ) {
    const { organization, owners } = await twoOwners();
    const outcomes = await race(
      database.app,
      2,
      async (client, index) => {
        await departures[index]?.(client, userId(owners[1 - index] as string));
        return index;
      },
      {
        isolation,
        prepare: (client, index) => beginRequest(client, sessionToken(owners[index] as string, organization)),
      },
    );
    return { outcomes, organization };
  }

  const pairs = Object.keys(DEPARTURES).flatMap((first, index, all) =>
    all.slice(index).map((second) => [first, second] as const),
  );

  it.each(ISOLATIONS.flatMap((isolation) => pairs.map((pair) => [...pair, isolation] as const)))(
    "stays, when one owner is to %s and the other to %s (%s)",
    async (first, second, isolation) => {
      const departures = [first, second].map((name) => DEPARTURES[name] as (typeof DEPARTURES)[string]);

      const { organization, outcomes } = await bothDepart(departures, isolation);

      // Both are fine where both did away with the same owner, or one was too late to have anybody.
      const owners = await ownersOf(organization);
      expect(owners?.there).toBe(1);
      expect(owners?.counted).toBe(1);
      expect(winners(outcomes).length).toBeGreaterThanOrEqual(1);
    },
  );

  it.each(ISOLATIONS)("is exactly one, when both owners give way to each other (%s)", async (isolation) => {
    for (let again = 0; again < ROUNDS.length; again += 1) {
      const transfer = (client: pg.ClientBase, other: string) =>
        client.query("select transfer_ownership($1)", [other]);
      const { organization, outcomes } = await bothDepart([transfer, transfer], isolation);

      // One after the other is as good as one alone. Nobody is the victim of a deadlock.
      expect(winners(outcomes).length).toBeGreaterThanOrEqual(1);
      expect(refusals(outcomes)).not.toContain("40P01");
      expect(await ownersOf(organization)).toEqual({ counted: 1, there: 1 });
    }
  });

  it.each(ISOLATIONS)("gives ownership away once, however many want it at once (%s)", async (isolation) => {
    const { organization, owners } = await twoOwners();
    const heirs = Array.from({ length: CLIENTS }, (_, index) => `heir${round}x${index}`);
    for (const heir of heirs) {
      await database.admin.query("select tests.person($1)", [heir]);
      await database.admin.query("select tests.member($1, $2)", [organization, heir]);
    }

    const outcomes = await race(
      database.app,
      CLIENTS,
      (client, index) => client.query("select transfer_ownership($1)", [userId(heirs[index] as string)]),
      { isolation, prepare: (client) => beginRequest(client, sessionToken(owners[0], organization)) },
    );

    expect(winners(outcomes)).toHaveLength(1);
    expect(new Set(refusals(outcomes))).toEqual(new Set([isolation === "read committed" ? "SP204" : "40001"]));
    expect(await ownersOf(organization)).toEqual({ counted: 2, there: 2 });
  });

  it("would go, if the count were not a check on one row", async () => {
    await database.admin.query("alter table organizations drop constraint organizations_keep_an_owner");
    const demote = DEPARTURES["demote the other"] as (typeof DEPARTURES)[string];

    // One may be done before the other begins: then there is no race, and another is run.
    let owners: Awaited<ReturnType<typeof ownersOf>>;
    for (let again = 0; again < 20 && owners?.there !== 0; again += 1) {
      const { organization } = await bothDepart([demote, demote], "read committed");
      owners = await ownersOf(organization);
    }
    await database.admin.query(
      `alter table organizations add constraint organizations_keep_an_owner
         check (owner_count > 0 or status in ('inactive', 'deleted')) not valid`,
    );

    expect(owners).toEqual({ counted: 0, there: 0 });
  });
});

describe("the members an organization may have", () => {
  const database = useDatabase({ template: "pgtap" });
  let round = 0;

  /** Eight are invited to an organization with room for three more, and accept at once. */
  async function acceptAtOnce(isolation: RaceOptions["isolation"]) {
    round += 1;
    const organization = `full${round}`;
    const guests = Array.from({ length: CLIENTS }, (_, index) => `guest${round}x${index}`);
    const owner = `owner${round}`;
    for (const name of [owner, ...guests]) await database.admin.query("select tests.person($1)", [name]);
    await database.admin.query("select tests.organization($1, $2)", [organization, owner]);
    await database.admin.query("update organizations set max_users = 4 where id = $1", [
      organizationId(organization),
    ]);
    await database.admin.query(
      `insert into organization_users (organization_id, user_id, role, status)
       select $1, guest, 'member', 'invited' from unnest($2::uuid[]) as guest`,
      [organizationId(organization), guests.map(userId)],
    );
    await openSessions(database.admin, guests);

    const outcomes = await race(
      database.app,
      CLIENTS,
      (client) => client.query("select accept_membership($1)", [organizationId(organization)]),
      { isolation, prepare: (client, index) => beginRequest(client, sessionToken(guests[index] as string)) },
    );
    const { rows } = await database.admin.query<{ counted: number; there: number }>(
      `select
         member_count as counted,
         (
           select count(*)::integer from organization_users
           where organization_id = organizations.id and status <> 'invited'
         ) as there
       from organizations where id = $1`,
      [organizationId(organization)],
    );
    return { outcomes, members: rows[0] };
  }

  it.each(ROUNDS)("are never more, when eight accept at once (round %i)", async () => {
    const { outcomes, members } = await acceptAtOnce("read committed");

    expect(winners(outcomes)).toHaveLength(3);
    expect(new Set(refusals(outcomes))).toEqual(new Set(["organizations_have_room"]));
    expect(members).toEqual({ counted: 4, there: 4 });
  });

  it("are never more under repeatable read, where whoever was too late begins again", async () => {
    const { outcomes, members } = await acceptAtOnce("repeatable read");

    expect(winners(outcomes).length).toBeGreaterThanOrEqual(1);
    expect(new Set([...refusals(outcomes), "40001"])).toEqual(
      new Set(refusals(outcomes).includes("organizations_have_room") ? ["40001", "organizations_have_room"] : ["40001"]),
    );
    expect(members).toEqual({ counted: 1 + winners(outcomes).length, there: 1 + winners(outcomes).length });
  });

  it("would be more, if they were counted first and let in then", async () => {
    await database.admin.query("alter table organizations drop constraint organizations_have_room");
    const repair = await sabotage(
      database.admin,
      "accept_membership",
      /begin\n/,
      `begin
         if (select count(*) from organization_users
             where organization_id = p_organization_id and status <> 'invited')
            >= (select max_users from organizations where id = p_organization_id) then
           raise check_violation;
         end if;
         perform pg_sleep(0.1);
      `,
    );
    const { members } = await acceptAtOnce("read committed");
    await repair();

    expect(members?.there).toBeGreaterThan(4);
  });
});

describe("an organization that is suspended while its members sign in", () => {
  const database = useDatabase({ template: "pgtap" });

  it.each(ROUNDS)("keeps every one of them out, and those from before also once it is open again (round %i)", async (round) => {
    const organization = `acme${round}`;
    const members = Array.from({ length: CLIENTS }, (_, index) => `mia${round}x${index}`);
    for (const name of members) await database.admin.query("select tests.person($1)", [name]);
    await database.admin.query("select tests.organization($1, $2)", [organization, members[0]]);
    for (const name of members.slice(1)) {
      await database.admin.query("select tests.member($1, $2)", [organization, name]);
    }
    const operator = database.pool("operator");

    let isSuspended = false;
    const signIns = members.map(async (name) => {
      const opened = [];
      while (!isSuspended) opened.push(await signIn(database.app, email(name), { organization }));
      return opened;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await operator.query("select suspend_organization($1, 'unpaid')", [organizationId(organization)]);
    isSuspended = true;
    const opened = (await Promise.all(signIns)).flat().filter(({ status }) => status === "signed_in");

    const stillIn = async () => {
      const inside: string[] = [];
      for (const { token } of opened) {
        const [outcome] = await race(database.app, 1, async (client) => {
          const { rows } = await client.query<{ organization_id: string | null }>(
            "select organization_id from begin_request($1)",
            [token],
          );
          return rows[0]?.organization_id;
        });
        if (outcome?.value === organizationId(organization)) inside.push(outcome.value);
      }
      return inside;
    };

    expect(opened.length).toBeGreaterThan(0);
    expect(await stillIn()).toEqual([]);
    await operator.query("select reactivate_organization($1)", [organizationId(organization)]);
    expect(await stillIn()).toEqual([]);
    // It is not shut for good.
    const again = await signIn(database.app, email(members[0] as string), { organization });
    opened.push(again);
    expect(await stillIn()).toHaveLength(1);
  });
});

describe("an invitation", () => {
  const database = useDatabase({ template: "pgtap" });

  /** Somebody invited to an organization, with a session outside, and an owner with one inside. */
  async function invite(round: string) {
    const [organization, owner, guest] = [`acme-${round}`, `owner-${round}`, `guest-${round}`];
    for (const name of [owner, guest]) await database.admin.query("select tests.person($1)", [name]);
    await database.admin.query("select tests.organization($1, $2)", [organization, owner]);
    await database.admin.query(
      "insert into organization_users (organization_id, user_id, status) values ($1, $2, 'invited')",
      [organizationId(organization), userId(guest)],
    );
    await openSessions(database.admin, [guest]);
    await openSessions(database.admin, [owner], organization);
    return { organization, owner, guest };
  }

  async function counted(organization: string) {
    const { rows } = await database.admin.query<{ counted: number; there: number }>(
      `select
         member_count as counted,
         (select count(*)::integer from organization_users where organization_id = organizations.id) as there
       from organizations where id = $1`,
      [organizationId(organization)],
    );
    return rows[0];
  }

  it.each(ISOLATIONS.flatMap((isolation) => ROUNDS.map((round) => [isolation, round] as const)))(
    "is accepted or withdrawn, when both are tried at once, and never half (%s, round %i)",
    async (isolation, round) => {
      const { organization, owner, guest } = await invite(`${isolation.replace(" ", "-")}-${round}`);

      const outcomes = await race(
        database.app,
        CLIENTS,
        async (client, index) => {
          if (index === 0) await client.query("select accept_membership($1)", [organizationId(organization)]);
          else await client.query("select withdraw_invitation($1) from tests.unlock()", [email(guest)]);
          return index;
        },
        {
          isolation,
          prepare: (client, index) =>
            beginRequest(client, index === 0 ? sessionToken(guest) : sessionToken(owner, organization)),
        },
      );

      const isAccepted = winners(outcomes).includes(0);
      expect(await counted(organization)).toEqual(isAccepted ? { counted: 2, there: 2 } : { counted: 1, there: 1 });
      expect(refusals(outcomes).every((code) => code === "SP302" || code === "40001")).toBe(true);
    },
  );

  it("is not accepted into an organization that is suspended at that moment", async () => {
    const { organization, guest } = await invite("suspended");
    const operator = await database.pool("operator").connect();
    const client = await database.app.connect();
    try {
      await operator.query("begin");
      await operator.query("select suspend_organization($1, 'unpaid')", [organizationId(organization)]);
      await client.query("begin");
      await beginRequest(client, sessionToken(guest));

      // It waits for what the suspension holds, and then sees it.
      const accepted = client.query("select accept_membership($1)", [organizationId(organization)]);
      const refused = expect(accepted).rejects.toMatchObject({ code: "SP305" });
      await new Promise((resolve) => setTimeout(resolve, 50));
      await operator.query("commit");
      await refused;
    } finally {
      await client.query("rollback");
      client.release();
      operator.release();
    }
    expect(await counted(organization)).toEqual({ counted: 1, there: 2 });
  });
});
