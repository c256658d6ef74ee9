import { setTimeout as sleep } from "node:timers/promises";

import type { LogEntry } from "../src/query-report.js";
import { takeTurn, turnAtMaintenance } from "../src/turns.js";
import { connectForTest } from "./support/client.js";
import { useDatabase } from "./support/database.js";

jest.setTimeout(60_000);

const database = useDatabase();

/** How often the cell was looked after since the beginning. */
async function rounds(): Promise<number> {
  const { rows } = await database.admin.query<{ count: number }>(
    "select count(*)::integer as count from auth_audit_logs where event_type = 'alerts.checked'",
  );
  return rows[0]?.count ?? 0;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await isSo()) return;
    await sleep(50);
  }
  throw new Error("it never came");
}

const maintenance = () => ({ connectionString: database.connectionString("operator"), everyMs: 100 });

it("looks after the cell again and again, until it is closed", async () => {
  const { rows: dropped } = await database.admin.query<{ name: string }>(
    `select max(relname) as name from pg_class where relname like 'auth_audit_logs_20__\\___'`,
  );
  await database.admin.query(`drop table ${dropped[0]?.name as string}`);
  const log: LogEntry[] = [];
  const before = await rounds();
  const safetypin = await connectForTest(database, { maintenance: maintenance(), log: (entry) => log.push(entry) });
  await until(async () => (await rounds()) >= before + 2);
  await safetypin.close();

  expect(log.filter(({ level }) => level !== "info")).toEqual([]);
  expect(log.map(({ message }) => message)).toContain(`${database.cell}: make_partitions() 1`);
  const after = await rounds();
  await sleep(400);
  expect(await rounds()).toBe(after);
});

it("leaves the work to whoever is at it", async () => {
  const holder = await database.pool("operator").connect();
  const leave = await takeTurn(holder, turnAtMaintenance(database.cell), { waitMs: 0 });
  const before = await rounds();
  const safetypin = await connectForTest(database, { maintenance: maintenance() });
  await sleep(500);
  expect(await rounds()).toBe(before);

  await leave();
  holder.release();
  await until(async () => (await rounds()) > before);
  await safetypin.close();
});

it("tells the log what keeps it, and goes on", async () => {
  const log: LogEntry[] = [];
  const safetypin = await connectForTest(database, {
    maintenance: { ...maintenance(), connectionString: database.connectionString("app") },
    log: (entry) => log.push(entry),
  });
  await until(async () => log.length >= 2);
  await safetypin.close();

  expect(log[0]).toMatchObject({ level: "error", event: "maintenance_failed", error: { code: "42501" } });
});

