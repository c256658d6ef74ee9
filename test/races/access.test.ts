import { randomUUID } from "node:crypto";

import { beginRequest, openSessions, sessionToken, userId } from "../support/actors.js";
import { useDatabase } from "../support/database.js";
import { race, refusals, sabotage, type RaceOptions } from "../support/race.js";

const ISOLATIONS = ["read committed", "repeatable read"] as const;

describe("a role that gains a permission while somebody grants it who does not hold that permission", () => {
  const database = useDatabase({ template: "pgtap" });
  let round = 0;

  /**
   * ann owns the organization. A role of its own lets lea assign roles, and nothing
   * more. While ann gives the role that lea assigns the permission to read the
   * audit, lea assigns it to bob.
   */
  async function grantWhileItGrows(isolation: RaceOptions["isolation"], whoIsFirst: "ann" | "lea") {
    round += 1;
    const name = (person: string) => `${person}${round}`;
    const acme = name("acme");
    for (const person of ["ann", "lea", "bob"]) await database.admin.query("select tests.person($1)", [name(person)]);
    await database.admin.query("select tests.organization($1, $2)", [acme, name("ann")]);
    for (const person of ["lea", "bob"]) await database.admin.query("select tests.member($1, $2)", [acme, name(person)]);
    await openSessions(database.admin, ["ann", "lea", "bob"].map(name), acme);

    const assigner = randomUUID();
    const growing = randomUUID();
    await race(
      database.app,
      1,
      async (client) => {
        await client.query("select create_role('assigner', '', $1), create_role('growing', '', $2)", [assigner, growing]);
        await client.query("select set_role_permissions($1, array['roles.assign'])", [assigner]);
        await client.query("select assign_role($1, $2)", [userId(name("lea")), assigner]);
      },
      { prepare: (client) => beginRequest(client, sessionToken(name("ann"), acme)) },
    );

    const first = await database.app.connect();
    const grow = "select set_role_permissions($1, array['audit.read'])";
    const assign = "select assign_role($2, $1)";
    try {
      await first.query("begin");
      await beginRequest(first, sessionToken(name(whoIsFirst), acme));

      const [second] = await race(
        database.app,
        1,
        async (client) => {
          const waiting = client.query(
            whoIsFirst === "ann" ? assign : grow,
            whoIsFirst === "ann" ? [growing, userId(name("bob"))] : [growing],
          );
          await first.query("select pg_sleep(0.05)");
          await first.query("commit");
          await waiting;
        },
        {
          isolation,
          prepare: async (client) => {
            await beginRequest(client, sessionToken(name(whoIsFirst === "ann" ? "lea" : "ann"), acme));
            await first.query(
              whoIsFirst === "ann" ? grow : assign,
              whoIsFirst === "ann" ? [growing] : [growing, userId(name("bob"))],
            );
          },
        },
      );
      const { rows: held } = await database.admin.query(
        `select from user_roles join role_permissions using (role_id)
         where user_id = $1`,
        [userId(name("bob"))],
      );
      return { second, bobHolds: held.length };
    } finally {
      first.release();
    }
  }

  it.each([
    ["read committed", "SP202"],
    ["repeatable read", "40001"],
  ] as const)("is not granted, when it grew first (%s)", async (isolation, code) => {
    const { second, bobHolds } = await grantWhileItGrows(isolation, "ann");

    expect(second?.code).toBe(code);
    expect(bobHolds).toBe(0);
  });

  // ann holds the permission, and sees who has the role: that bob gains it is her doing.
  it.each(ISOLATIONS)("grows, when it was granted first (%s)", async (isolation) => {
    const { second, bobHolds } = await grantWhileItGrows(isolation, "lea");

    expect(refusals(second === undefined ? [] : [second])).toEqual([]);
    expect(bobHolds).toBe(1);
  });

  it("would be granted, if it were not held while it is looked at", async () => {
    const repair = await sabotage(
      database.admin,
      "assign_role",
      /perform from roles where id = p_role_id and organization_id is not null for share;/,
      "",
    );
    const { second, bobHolds } = await grantWhileItGrows("read committed", "ann");
    await repair();

    expect(second?.code).toBeUndefined();
    expect(bobHolds).toBe(1);
  });

  it("would be granted under repeatable read, if growing were not written in the role", async () => {
    const repair = await sabotage(
      database.admin,
      "set_role_permissions",
      /update roles\s+set updated_by = current_user_id\(\)\s+where id = p_role_id;/,
      "",
    );
    const { second, bobHolds } = await grantWhileItGrows("repeatable read", "ann");
    await repair();

    expect(second?.code).toBeUndefined();
    expect(bobHolds).toBe(1);
  });
});
