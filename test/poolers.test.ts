import pg from "pg";

import { newId } from "../src/ids.js";
import type { LogEntry } from "../src/query-report.js";
import { createRepositories } from "../src/repositories.js";
import type { SafetyPin } from "../src/safetypin.js";
import type { Transaction } from "../src/transaction.js";
import { connectForTest, newPerson, type Person } from "./support/client.js";
import { useDatabase } from "./support/database.js";
import { findPoolers, type Pooler } from "./support/pooler.js";

/*
 * A real PgBouncer between the client and the server, where it is installed, with two
 * connections for all. That a migration refuses it is in cli-errors.test.ts.
 */

jest.setTimeout(60_000);

const database = useDatabase();
const NAMES = ["ann", "ben", "cleo", "dan"];

describe.each(findPoolers())(
  "through $name",
  ({ start, keepsSessions }) => {
    let pooler: Pooler;
    let safetypin: SafetyPin;
    let people: Person[];
    const log: LogEntry[] = [];

    beforeAll(async () => {
      people = await Promise.all(NAMES.map((name) => newPerson(database, name)));
      pooler = await start(database.connectionString("app"));
      safetypin = await connectForTest(database, {
        connectionString: pooler.url,
        // Whoever keeps a connection keeps others from it.
        limits: { poolSize: keepsSessions ? 2 : 8, statementTimeoutMs: 2_000 },
        log: (entry) => log.push(entry),
      });
    });
    afterAll(async () => {
      await safetypin.close();
      await pooler.stop();
    });

    const whoAmI = (tx: Transaction) => createRepositories(tx).users.getSelf();

    it("is noticed, and gives statements no names", async () => {
      expect(log.map(({ event }) => event)).toEqual(["pooler_detected"]);
      const { rows } = await safetypin.withSession(people[0]!.sessionToken, async (tx) => {
        await tx.query("select $1::integer", [1]);
        return tx.query("select count(*)::integer as named from pg_prepared_statements where name <> ''");
      });
      expect(rows).toEqual([{ named: 0 }]);
    });

    it("everybody is themselves, however many share a connection", async () => {
      const backends = new Set<number>();
      const work = Array.from({ length: 80 }, async (_, turn) => {
        const person = people[turn % people.length]!;
        return safetypin.withSession(person.sessionToken, async (tx) => {
          const before = await whoAmI(tx);
          const { rows } = await tx.query("select pg_backend_pid() as pid, pg_sleep(0.002)");
          backends.add((rows as [{ pid: number }])[0].pid);
          const after = await whoAmI(tx);
          expect([before.email, after.email]).toEqual([person.email, person.email]);
        });
      });
      await Promise.all(work);
      expect(backends.size).toBe(2);
    });

    it("work that fails leaves nothing, and nothing of whoever was there is found on the connection", async () => {
      const [ann] = people as [Person];
      await expect(
        safetypin.withSession(
          ann.sessionToken,
          async (tx) => {
            await createRepositories(tx).users.updateOwnProfile({ jobTitle: "Gone" });
            await createRepositories(tx).users.get(newId());
          },
          { ipAddress: "192.0.2.9" },
        ),
      ).rejects.toMatchObject({ code: "user_not_found" });
      expect(await safetypin.withSession(ann.sessionToken, whoAmI)).toMatchObject({ jobTitle: null });

      if (keepsSessions) await safetypin.close();
      const next = new pg.Client({ connectionString: pooler.url });
      await next.connect();
      try {
        for (let turn = 0; turn < 4; turn += 1) {
          const { rows } = await next.query(
            `select
               coalesce(current_setting('safetypin.context', true), '') as context,
               coalesce(current_setting('safetypin.ip_address', true), '') as address,
               current_setting('statement_timeout') as timeout,
               current_setting('search_path') as path,
               (select count(*)::integer from ${database.cell}.users) as people`,
          );
          expect(rows).toEqual([{ context: "", address: "", timeout: "0", path: '"$user", public', people: 0 }]);
        }
      } finally {
        await next.end();
      }
      if (keepsSessions) {
        safetypin = await connectForTest(database, {
          connectionString: pooler.url,
          limits: { poolSize: 2, statementTimeoutMs: 2_000 },
        });
      }
    });

    it("limits hold, and a session is opened, goes on and ends", async () => {
      const [, ben] = people as [Person, Person];
      await expect(
        safetypin.withSession(ben.sessionToken, (tx) => tx.query("select pg_sleep(20)")),
      ).rejects.toMatchObject({ code: "57014" });

      const signedIn = await safetypin.signIn({ email: ben.email, password: ben.password });
      const next = await safetypin.refresh(signedIn.refreshToken);
      expect(await safetypin.withSession(next.sessionToken, whoAmI)).toMatchObject({ id: ben.userId });
      await safetypin.signOut(next.sessionToken);
      await expect(safetypin.withSession(next.sessionToken, whoAmI)).rejects.toMatchObject({ code: "session_invalid" });
    });
  },
);
