import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import pg from "pg";

import { AuthenticationError, NotFoundError, RuleError, SafetyPinError } from "../src/errors.js";
import { newId, type OrganizationId } from "../src/ids.js";
import { removeMember } from "../src/queries/organization_users.js";
import { chooseOrganization, createOrganization } from "../src/queries/organizations.js";
import { createRole } from "../src/queries/roles.js";
import type { LogEntry, QueryReport } from "../src/query-report.js";
import { createRepositories } from "../src/repositories.js";
import { SafetyPin } from "../src/safetypin.js";
import { SessionToken, tagOf } from "../src/tokens.js";
import type { Transaction } from "../src/transaction.js";
import { connectForTest, newPerson, type Person } from "./support/client.js";
import { useDatabase } from "./support/database.js";
import { openRelay, type Relay } from "./support/relay.js";

const database = useDatabase();
const log: LogEntry[] = [];
const reports: QueryReport[] = [];
let safetypin: SafetyPin;
let ann: Person;
let bob: Person;

beforeAll(async () => {
  safetypin = await connectForTest(database, {
    log: (entry) => log.push(entry),
    onQuery: (report) => reports.push(report),
    limits: { poolSize: 2 },
  });
  [ann, bob] = await Promise.all([newPerson(database, "ann"), newPerson(database, "bob")]);
}, 60_000);

afterAll(() => safetypin.close());

beforeEach(() => {
  log.length = 0;
  reports.length = 0;
});

/** Founds an organization. */
async function found(tx: Transaction, name: string): Promise<OrganizationId> {
  const [row] = await createOrganization.run({ slug: name, name }, tx);
  return row?.organizationId as OrganizationId;
}

/** Of nothing sealed, so that it is one statement. */
const whoAmI = async (tx: Transaction) => {
  const { rows } = await tx.query("select id from users where id = (select current_user_id())");
  return (rows[0] as { id: string } | undefined)?.id;
};

/** How many transactions of the cell's application were left open. */
async function openTransactions(): Promise<number> {
  const { rowCount } = await database.admin.query(
    `select from pg_stat_activity
     where datname = $1 and usename = $2 and state like 'idle in transaction%'`,
    [database.name, `${database.cell}_app_login`],
  );
  return rowCount ?? 0;
}

describe("work in the name of a session", () => {
  it("is its holder's, and what it returns is returned", async () => {
    expect(await safetypin.withSession(ann.sessionToken, whoAmI)).toBe(ann.userId);
    expect(await safetypin.withSession(ann.sessionToken.reveal(), whoAmI)).toBe(ann.userId);
  });

  it("learns who is asking", async () => {
    const caller = await safetypin.withSession(ann.sessionToken, (tx) => tx.caller());

    expect(caller).toEqual({
      sessionId: ann.sessionId,
      userId: ann.userId,
      organizationId: null,
      assuranceLevel: 1,
    });
  });

  it("is kept when it is done, and not when it throws", async () => {
    const rename = (lastName: string) => async (tx: Transaction) => {
      await tx.query("update users set last_name = $1 where id = $2", [lastName, ann.userId]);
    };
    const lastName = () =>
      safetypin.withSession(ann.sessionToken, async (tx) => (await createRepositories(tx).users.getSelf()).lastName);

    await safetypin.withSession(ann.sessionToken, rename("Kept"));
    const failure = new Error("the application's own");
    await expect(
      safetypin.withSession(ann.sessionToken, async (tx) => {
        await rename("Lost")(tx);
        throw failure;
      }),
    ).rejects.toBe(failure);

    expect(await lastName()).toBe("Kept");
    expect(await openTransactions()).toBe(0);
  });

  it("runs no statement for a session that is not good", async () => {
    const stranger = SessionToken.of(tagOf(database.cell));
    const { rows: before } = await database.admin.query("select count(*) from data_change_logs");

    await expect(
      safetypin.withSession(stranger, async (tx) => {
        await tx.query("select set_config('safetypin.ran', 'yes', false)");
        throw new Error("never reached");
      }),
    ).rejects.toMatchObject({ name: "AuthenticationError", code: "session_invalid" });

    const { rows: after } = await database.admin.query("select count(*) from data_change_logs");
    expect(after).toEqual(before);
    // Both connections of the pool: had it run, one of them would remember.
    const memories = await Promise.all(
      [ann, bob].map(({ sessionToken }) =>
        safetypin.withSession(sessionToken, async (tx) => {
          const { rows } = await tx.query("select current_setting('safetypin.ran', true) as ran");
          await sleep(50);
          return rows;
        }),
      ),
    );
    expect(JSON.stringify(memories)).not.toContain("yes");
  });

  it("answers for the session also when the work asks nothing, or swallows what it is told", async () => {
    const stranger = SessionToken.of(tagOf(database.cell));

    await expect(safetypin.withSession(stranger, async () => "done")).rejects.toMatchObject({
      code: "session_invalid",
    });
    await expect(
      safetypin.withSession(stranger, async (tx) => whoAmI(tx).catch(() => "done")),
    ).rejects.toMatchObject({ code: "session_invalid" });
  });

  it("keeps nothing when the work goes on after a statement that failed", async () => {
    const attempt = safetypin.withSession(ann.sessionToken, async (tx) => {
      await tx.query("update users set last_name = 'Half' where id = $1", [ann.userId]);
      await tx.query("select 1 / 0").catch(() => undefined);
    });

    await expect(attempt).rejects.toThrow(SafetyPinError);
    await expect(attempt).rejects.toThrow("Nothing was kept");
  });

  it("is over when it is over", async () => {
    let kept: Transaction | undefined;
    await safetypin.withSession(ann.sessionToken, async (tx) => {
      kept = tx;
    });

    await expect(kept?.query("select 1")).rejects.toThrow("The transaction is over");
  });

  it("runs statements that were asked for together, each with its own answer", async () => {
    const numbers = await safetypin.withSession(ann.sessionToken, (tx) =>
      Promise.all([1, 2, 3, 4].map(async (n) => (await tx.query("select $1::integer as n", [n])).rows)),
    );

    expect(numbers.flat()).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
  });

  it("leaves nothing on the connection: no path, no limits, no one", async () => {
    await safetypin.withSession(ann.sessionToken, whoAmI, { ipAddress: "192.0.2.7", userAgent: "Test" });
    const own = new pg.Pool({ connectionString: database.connectionString("app"), max: 1 });
    const client = await SafetyPin.connect({ environment: "test", cell: database.cell, pool: own });
    try {
      // plpgsql brings settings of its own along, whenever it is first asked for something.
      const listed = "select name, setting from pg_settings where name not like 'plpgsql.%' order by name";
      const { rows: before } = await own.query(listed);
      await client.withSession(ann.sessionToken, whoAmI, { ipAddress: "192.0.2.7" });
      const { rows: after } = await own.query(listed);
      expect(after).toEqual(before);
      const { rows } = await own.query(
        "select current_setting('safetypin.context', true) as context, current_setting('safetypin.ip_address', true) as ip",
      );
      expect(rows).toEqual([{ context: "", ip: "" }]);
    } finally {
      await client.close();
      await own.end();
    }
  });

  it("refuses to write when it only reads", async () => {
    const attempt = safetypin.withSession(
      ann.sessionToken,
      (tx) => tx.query("update users set last_name = 'x' where id = $1", [ann.userId]),
      { readOnly: true },
    );

    await expect(attempt).rejects.toMatchObject({ code: "25006" });
    expect(await safetypin.withSession(ann.sessionToken, whoAmI, { readOnly: true })).toBe(ann.userId);
  });

  it("enters the organization it asks for, and stays out of others", async () => {
    const organizationId = await safetypin.withSession(bob.sessionToken, (tx) => found(tx, "acme"));

    const where = (tx: Transaction) => tx.query("select current_organization_id() as id");
    const { rows } = await safetypin.withSession(bob.sessionToken, where, { organizationId });
    expect(rows).toEqual([{ id: organizationId }]);
    await expect(
      safetypin.withSession(ann.sessionToken, where, { organizationId }),
    ).rejects.toMatchObject({ name: "NotFoundError", code: "organization_not_found" });
  });
});

describe("one round trip", () => {
  let relay: Relay;
  beforeAll(async () => {
    relay = await openRelay(database.connectionString("app"));
  });
  afterAll(() => relay.close());

  /** How often the client waited for an answer before it went on, up to the first statement's. */
  async function exchanges(options: { pipeline: boolean }): Promise<number> {
    const pool = new pg.Pool({ connectionString: relay.connectionString, max: 1, ...options });
    const client = await SafetyPin.connect({ environment: "test", cell: database.cell, pool });
    try {
      await client.withSession(ann.sessionToken, whoAmI);
      relay.reset();
      return await client.withSession(ann.sessionToken, async (tx) => {
        await whoAmI(tx);
        return relay.exchanges();
      });
    } finally {
      await client.close();
      await pool.end();
    }
  }

  it("carries begin, the session's check and the first statement", async () => {
    expect(await exchanges({ pipeline: true })).toBe(1);
  });

  it("leaves in one packet, and the commit in another", async () => {
    let packets = 0;
    /** A socket that counts what it hands to the system. */
    class CountingSocket extends Socket {
      override _write(...parameters: Parameters<Socket["_write"]>) {
        packets += 1;
        super._write(...parameters);
      }
      override _writev(...parameters: Parameters<NonNullable<Socket["_writev"]>>) {
        packets += 1;
        super._writev?.(...parameters);
      }
    }
    const client = await connectForTest(database, { pool: { max: 1, stream: () => new CountingSocket() } });
    try {
      // The connection is made, and its pad asked for, once.
      await client.withSession(ann.sessionToken, whoAmI);
      for (const _time of ["second", "third"]) {
        packets = 0;
        await client.withSession(ann.sessionToken, async (tx) => {
          await whoAmI(tx);
          expect(packets).toBe(1);
        });
        expect(packets).toBe(2);
      }
    } finally {
      await client.close();
    }
  });

  it("is three where the application's pool sends one statement at a time", async () => {
    expect(await exchanges({ pipeline: false })).toBe(3);
  });
});

describe("what the caller may not", () => {
  it("is refused with a code, rolled back, and recorded", async () => {
    const organizationId = await safetypin.withSession(bob.sessionToken, (tx) => found(tx, "rolls"));
    await safetypin.withSession(bob.sessionToken, async (tx) => {
      await chooseOrganization.run({ organizationId }, tx);
      await tx.unlock();
      await tx.query("select add_member($1)", [ann.email]);
    });
    await safetypin.withSession(ann.sessionToken, (tx) => tx.query("select accept_membership($1)", [organizationId]));

    const attempt = safetypin.withSession(
      ann.sessionToken,
      async (tx) => {
        await tx.query("update users set last_name = 'Denied' where id = $1", [ann.userId]);
        await createRole.run({ name: "Everything", description: "" }, tx);
      },
      { organizationId },
    );

    await expect(attempt).rejects.toBeInstanceOf(RuleError);
    await expect(attempt).rejects.toMatchObject({ code: "permission_required" });
    const { rows } = await database.admin.query(
      `select user_id, organization_id, result, failure_reason, additional_data ->> 'action' as action
       from auth_audit_logs where event_type = 'access.denied'`,
    );
    expect(rows).toEqual([
      {
        user_id: ann.userId,
        organization_id: organizationId,
        result: "denied",
        failure_reason: "permission_required",
        action: "create_role",
      },
    ]);
    const { rows: users } = await database.admin.query("select last_name from users where id = $1", [ann.userId]);
    expect(users).not.toEqual([{ last_name: "Denied" }]);
  });

  it("is told from what does not exist", async () => {
    const organizationId = await safetypin.withSession(bob.sessionToken, (tx) => found(tx, "gone"));
    const attempt = safetypin.withSession(
      bob.sessionToken,
      (tx) => removeMember.run({ userId: newId() }, tx),
      { organizationId },
    );

    await expect(attempt).rejects.toBeInstanceOf(NotFoundError);
    await expect(attempt).rejects.toMatchObject({ code: "member_not_found" });
  });
});

describe("a connection", () => {
  it("is not used again once it is lost", async () => {
    const attempt = safetypin.withSession(ann.sessionToken, async (tx) => {
      const { rows } = await tx.query("select pg_backend_pid() as pid");
      const [{ pid }] = rows as [{ pid: number }];
      await database.admin.query("select pg_terminate_backend($1)", [pid]);
      await tx.query("select pg_sleep(1)");
    });

    await expect(attempt).rejects.toThrow();
    expect(await safetypin.withSession(ann.sessionToken, whoAmI)).toBe(ann.userId);
    expect(await openTransactions()).toBe(0);
  });

  it("is made anew for work that may be done twice, and for no other", async () => {
    const endOnce = () => {
      let tries = 0;
      return async (tx: Transaction) => {
        tries += 1;
        const { rows } = await tx.query("select pg_backend_pid() as pid");
        const [{ pid }] = rows as [{ pid: number }];
        if (tries === 1) await database.admin.query("select pg_terminate_backend($1)", [pid]);
        await tx.query("select 1");
        return tries;
      };
    };

    expect(await safetypin.withSession(ann.sessionToken, endOnce(), { idempotent: true })).toBe(2);
    expect(await safetypin.withSession(ann.sessionToken, endOnce(), { readOnly: true })).toBe(2);
    await expect(safetypin.withSession(ann.sessionToken, endOnce())).rejects.toThrow();
    expect(log.filter(({ event }) => event === "retry")).toHaveLength(2);
  });

  it("serializes work that asks for it, trying again what lost the race", async () => {
    const bump = async (tx: Transaction) => {
      const { rows } = await tx.query("select last_name from users where id = $1", [ann.userId]);
      await sleep(50);
      const [{ last_name: name }] = rows as [{ last_name: string }];
      await tx.query("update users set last_name = $1 where id = $2", [`${name}+`, ann.userId]);
    };
    await safetypin.withSession(ann.sessionToken, (tx) =>
      updateOwnName(tx, "Start"),
    );
    const options = { isolation: "serializable", idempotent: true } as const;

    await Promise.all([
      safetypin.withSession(ann.sessionToken, bump, options),
      safetypin.withSession(ann.sessionToken, bump, options),
    ]);

    const { rows } = await database.admin.query("select last_name from users where id = $1", [ann.userId]);
    expect(rows).toEqual([{ last_name: "Start++" }]);
  });
});

async function updateOwnName(tx: Transaction, lastName: string): Promise<void> {
  await tx.query("update users set last_name = $1 where id = current_user_id()", [lastName]);
}

describe("closing", () => {
  it("waits for work under way and refuses more", async () => {
    const client = await connectForTest(database);
    const steps: string[] = [];
    const work = client
      .withSession(ann.sessionToken, async (tx) => {
        await tx.query("select pg_sleep(0.2)");
        return whoAmI(tx);
      })
      .then(() => steps.push("work is done"));
    const closed = client.close().then(() => steps.push("closed"));

    await expect(client.withSession(ann.sessionToken, whoAmI)).rejects.toThrow("The client is closed");
    await Promise.all([work, closed]);
    expect(steps).toEqual(["work is done", "closed"]);
  });

  it("leaves a pool of the application's own open", async () => {
    const pool = new pg.Pool({ connectionString: database.connectionString("app") });
    const client = await SafetyPin.connect({ environment: "test", cell: database.cell, pool });
    await client.close();

    expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });
});

it("reports every statement by name, and none of its parameters", async () => {
  await safetypin.withSession(ann.sessionToken, (tx) =>
    tx.query("select search_users($1)", ["a most secret query".repeat(9)]).catch(() => undefined),
  ).catch(() => undefined);
  await safetypin.withSession(ann.sessionToken, whoAmI);

  expect(reports.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["begin", "begin_request", "search_users", "select users", "commit"]),
  );
  expect(reports.find(({ name }) => name === "search_users")).toMatchObject({
    failure: "SP506",
    rows: undefined,
    statementName: expect.stringMatching(/^sp_[0-9a-f]{24}$/) as string,
  });
  expect(JSON.stringify(reports)).not.toContain("most secret");
});

it("tells of slow statements only", async () => {
  const slow: QueryReport[] = [];
  const client = await connectForTest(database, {
    slowQueryMs: 200,
    onSlowQuery: (report) => slow.push(report),
    log: (entry) => log.push(entry),
  });
  try {
    await client.withSession(ann.sessionToken, async (tx) => {
      await whoAmI(tx);
      await tx.query("select pg_sleep($1), $2::text as note", [0.3, "a most secret note"]);
    });
  } finally {
    await client.close();
  }

  expect(slow.map(({ name }) => name)).toEqual(["pg_sleep"]);
  expect(log.filter(({ event }) => event === "slow_query").map(({ message }) => message)).toEqual([
    expect.stringMatching(/^pg_sleep took \d+ ms: 1 rows$/),
  ]);
  expect(JSON.stringify([slow, log])).not.toContain("most secret");
});

it("does not let a hook that fails into the work", async () => {
  const client = await connectForTest(database, {
    onQuery: () => {
      throw new Error("the hook's own");
    },
  });
  expect(await client.withSession(ann.sessionToken, whoAmI)).toBe(ann.userId);
  await client.close();
});

it("refuses a text that is no session token before anything is asked", async () => {
  reports.length = 0;
  await expect(safetypin.withSession("let me in", whoAmI)).rejects.toBeInstanceOf(AuthenticationError);
  expect(reports).toEqual([]);
});
