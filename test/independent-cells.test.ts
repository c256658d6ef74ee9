import type pg from "pg";

import { compareCatalogs, readCatalog } from "../src/migrations/catalog.js";
import {
  beginRequest,
  email,
  openSessions,
  organizationId,
  PASSWORD,
  proofOf,
  sessionToken,
  signIn,
  userId,
  type SignIn,
} from "./support/actors.js";
import { useDatabase, type TestCell } from "./support/database.js";
import { emptyKeys } from "./support/keys.js";
import { race, type Outcome } from "./support/race.js";

const LOGINS = ["app", "mailer", "operator", "auditor", "monitor", "backup"] as const;

/** What PostgreSQL says to whoever may not enter a schema, or call a function. */
const INSUFFICIENT_PRIVILEGE = "42501";

describe("two cells in one database", () => {
  const database = useDatabase({ template: "pgtap" });
  let other: TestCell;

  beforeAll(async () => {
    other = await database.addCell();
    await withoutKeys(other);
    // The same people, by the same ids, in both: nothing tells the cells apart but themselves.
    for (const cell of [database, other]) {
      await cell.pool("admin").query("select tests.two_organizations()");
    }
  }, 60_000);

  async function once<Result>(
    pool: pg.Pool,
    work: (client: pg.ClientBase) => Promise<Result>,
  ): Promise<Outcome<Result> | undefined> {
    const [outcome] = await race(pool, 1, work);
    return outcome;
  }

  const organizationNames = async (client: pg.ClientBase) => {
    const { rows } = await client.query<{ name: string }>("select name from organizations order by name");
    return rows.map(({ name }) => name);
  };

  it("hold the same objects, each its own", async () => {
    const client = await database.admin.connect();
    try {
      const here = await readCatalog(client, database.cell, "extensions");
      const there = await readCatalog(client, other.cell, "extensions");

      // But for the logins that may enter, of which each has two for each duty.
      const differences = compareCatalogs(here, there).map(({ object, property }) => `${object}: ${property}`);
      const entries = [database.cell, other.cell].flatMap((cell) =>
        LOGINS.flatMap((login) => ["", "_b"].map((turn) => expect.stringMatching(`granted to ${cell}_${login}_login${turn}$`) as unknown)),
      );
      expect(differences).toEqual(expect.arrayContaining(entries));
      expect(differences).toHaveLength(entries.length);
      expect(here.size).toBeGreaterThan(100);
    } finally {
      client.release();
    }
  });

  it("know nothing of each other's sessions", async () => {
    await openSessions(database.admin, ["ann"], "acme");
    const token = sessionToken("ann", "acme");

    const here = await once(database.app, async (client) => {
      await beginRequest(client, token);
      return organizationNames(client);
    });
    const there = await once(other.pool("app"), (client) => beginRequest(client, token));

    expect(here).toEqual({ value: ["Acme"] });
    expect(there?.code).toBe("SP101");
  });

  it("know nothing of each other's refresh tokens, one-time tokens and attempts", async () => {
    const { refreshToken } = await signIn(database.app, email("bob"));
    const { rows: refreshed } = await other.pool("app").query("select status from refresh_session($1)", [refreshToken]);
    expect(refreshed).toEqual([{ status: "invalid" }]);

    const { rows: verified } = await other.pool("app").query("select verify_email($1) as answer", [refreshToken]);
    expect(verified).toEqual([{ answer: "invalid" }]);

    const { rows } = await database.app.query<{ id: string; nonce: Buffer }>(
      "select attempt_id as id, nonce from tests.begin_password_check($1)",
      [email("bob")],
    );
    const { id = "", nonce = Buffer.alloc(0) } = rows[0] ?? {};
    await other.pool("app").query("select submit_password_proof($1, $2)", [id, proofOf(PASSWORD.digest, id, nonce)]);
    const { rows: finished } = await other
      .pool("app")
      .query("select status from tests.finish_password_check($1, sha256('a'))", [id]);
    expect(finished).toEqual([{ status: "invalid" }]);
  });

  it("count failures each for itself", async () => {
    const guess = (cell: TestCell) => signIn(cell.pool("app"), email("zoe"), { digest: "wrong" });
    for (let tries = 0; tries < 25; tries += 1) await guess(database);

    expect((await guess(database)).status).toBe("throttled");
    await expect(signIn(other.pool("app"), email("zoe"))).resolves.toMatchObject({ status: "signed_in" });
  });

  it("refuse each other's contexts, also in one transaction of one backend", async () => {
    await openSessions(database.admin, ["ann"], "acme");

    // A superuser reaches both cells in one transaction: as near as a forger can come.
    const outcome = await once(database.admin, async (client) => {
      await client.query("select set_config('role', $1, true)", [`${database.cell}_app_login`]);
      await beginRequest(client, sessionToken("ann", "acme"));
      const { rows: mine } = await client.query<{ id: string | null }>("select current_user_id() as id");
      await client.query("reset role");
      await client.query(`set local search_path = ${other.cell}, extensions, pg_temp`);
      const { rows: theirs } = await client.query<{ id: string | null }>("select current_user_id() as id");
      await client.query("select set_config('role', $1, true)", [`${other.cell}_app_login`]);
      return { mine: mine[0]?.id, theirs: theirs[0]?.id, seen: await organizationNames(client) };
    });

    expect(outcome).toEqual({ value: { mine: userId("ann"), theirs: null, seen: [] } });
  });

  it("refuse a context whose key is named after the other cell's", async () => {
    const { rows } = await other.pool("admin").query<{ id: string }>(
      "select id from context_keys where purpose = 'context' and retired_time is null",
    );
    await openSessions(database.admin, ["ann"], "acme");

    const outcome = await once(database.admin, async (client) => {
      await client.query("select set_config('role', $1, true)", [`${database.cell}_app_login`]);
      await beginRequest(client, sessionToken("ann", "acme"));
      const { rows: context } = await client.query<{ text: string }>("select current_setting('safetypin.context') as text");
      const forged = (context[0]?.text ?? "").replace(/^[^|]*/, rows[0]?.id ?? "");
      await client.query("reset role");
      await client.query(`set local search_path = ${other.cell}, extensions, pg_temp`);
      await client.query("select set_config('role', $1, true)", [`${other.cell}_app_login`]);
      await client.query("select set_config('safetypin.context', $1, true)", [forged]);
      const { rows: who } = await client.query<{ id: string | null }>("select current_user_id() as id");
      return { forged: forged.length, id: who[0]?.id, seen: await organizationNames(client) };
    });

    expect(outcome?.value).toEqual({ forged: expect.any(Number), id: null, seen: [] });
    expect(outcome?.value?.forged).toBeGreaterThan(100);
  });

  it.each(LOGINS)(
    "let no %s login of the one enter the other",
    async (login) => {
      const pool = database.pool(login);
      for (const sql of [
        `select ${other.cell}.current_user_id()`,
        `select count(*) from ${other.cell}.users`,
        `select count(*) from ${other.cell}.auth_audit_logs`,
        `select ${other.cell}.count_partitions_ahead()`,
        `select ${other.cell}.make_partitions()`,
      ]) {
        expect((await once(pool, (client) => client.query(sql)))?.code).toBe(INSUFFICIENT_PRIVILEGE);
      }
      for (const role of [`${other.cell}_${login}_login`, "safetypin_owner", "safetypin_definer", "safetypin_keyholder"]) {
        expect((await once(pool, (client) => client.query(`set role ${role}`)))?.code).toBe(INSUFFICIENT_PRIVILEGE);
      }
    },
  );

  it("put nothing of the one into the other", async () => {
    const counts = async (cell: TestCell) => {
      const { rows } = await cell.pool("admin").query<{ sessions: number; events: number; changes: number }>(
        `select
           (select count(*)::integer from sessions) as sessions,
           (select count(*)::integer from auth_audit_logs) as events,
           (select count(*)::integer from data_change_logs) as changes`,
      );
      return rows[0];
    };
    const before = await counts(other);

    await signIn(database.app, email("amy"), { organization: "acme" });
    await database.pool("operator").query("select suspend_organization($1, 'unpaid')", [organizationId("acme")]);

    expect(await counts(other)).toEqual(before);
    await expect(signIn(other.pool("app"), email("amy"), { organization: "acme" })).resolves.toMatchObject({
      status: "signed_in",
    });
  });
});

describe("a cell whose neighbour is dropped", () => {
  const database = useDatabase({ template: "pgtap" });

  it("stays whole, with its catalog, its sessions and its people", async () => {
    const neighbour = await database.addCell();
    await withoutKeys(neighbour);
    for (const cell of [database, neighbour]) await cell.pool("admin").query("select tests.two_organizations()");
    const session: SignIn = await signIn(database.app, email("ann"));
    const client = await database.admin.connect();
    try {
      const before = await readCatalog(client, database.cell, "extensions");

      await client.query("set client_min_messages = warning");
      await client.query(`drop schema ${neighbour.cell} cascade`);
      await client.query(LOGINS.map((login) => `drop owned by ${neighbour.cell}_${login}_login`).join(";"));

      expect(compareCatalogs(before, await readCatalog(client, database.cell, "extensions"))).toEqual([]);
    } finally {
      client.release();
    }
    const [outcome] = await race(database.app, 1, (app) => beginRequest(app, session.token));
    expect(outcome?.code).toBeUndefined();
    await expect(signIn(database.app, email("bob"))).resolves.toMatchObject({ status: "signed_in" });
  }, 60_000);
});

/** Takes the keys of a new cell from it: the vocabulary makes one that it knows. */
async function withoutKeys(cell: TestCell): Promise<void> {
  await emptyKeys(cell.pool("admin"));
}
