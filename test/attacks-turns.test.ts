import { setTimeout as sleep } from "node:timers/promises";

import type pg from "pg";

import { EXIT } from "../src/cli/exit-codes.js";
import { takeTurn, tryTurn, turnAtCredentials, turnAtKeys, turnAtMaintenance, TURN_AT_KEYS_IS_TAKEN } from "../src/turns.js";
import { runCli } from "./support/cli.js";
import { useDatabase } from "./support/database.js";
import { connect } from "./support/template.js";

/*
 * Work that one does at a time, against whoever has the application's login and holds
 * every advisory lock that they can think of or see.
 */

jest.setTimeout(60_000);

const db = useDatabase();
const CELL = "safetypin";
const TURNS = [
  ["the keys", turnAtKeys(CELL), "operator"],
  ["maintenance", turnAtMaintenance(CELL), "operator"],
  // Of a cell that no other test of this server has, since this turn is the whole server's.
  ["credentials", turnAtCredentials("attacked", "app"), "admin"],
] as const;

let attacker: pg.Client;
const clients: pg.PoolClient[] = [];

async function as(login: "app" | "operator" | "admin"): Promise<pg.PoolClient> {
  const client = await db.pool(login).connect();
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}

beforeAll(async () => {
  attacker = await connect(db.connectionString("app"));
  const names = TURNS.map(([, { name }]) => name);
  await attacker.query("select pg_advisory_lock(hashtextextended(name, 0)) from unnest($1::text[]) as name", [names]);
  await attacker.query(
    "select pg_advisory_lock(hashtext(name), number) from unnest($1::text[]) as name, generate_series(-100, 1000) as number",
    [names],
  );
});

// A session whose connection is closed may live on for a moment, and its turn with it.
afterEach(() =>
  Promise.all(
    clients.splice(0).map(async (client) => {
      await client.query("select pg_advisory_unlock_all()").catch(() => undefined);
      client.release(true);
    }),
  ),
);

afterAll(() => attacker.end());

const isAtKeys = async () => (await db.admin.query<{ is_now: boolean }>(TURN_AT_KEYS_IS_TAKEN, [CELL])).rows[0]?.is_now;

describe.each(TURNS)("the turn at %s", (_, turn, login) => {
  test("is had in spite of every lock that bears its name", async () => {
    expect(await tryTurn(await as(login), turn)).toMatchObject({ isOurs: true });
  });

  test("is had in spite of whoever plays by its rules, and may not do the work", async () => {
    expect(await tryTurn(attacker, turn)).toMatchObject({ isOurs: true });
    expect(await tryTurn(await as(login), turn)).toMatchObject({ isOurs: true });
  });

  test("is had again, though somebody waits for the very lock that was seen while it was held", async () => {
    const holder = await as(login);
    const before = await tryTurn(holder, turn);
    const thief = await as("app");
    const { rows } = await thief.query<{ first: number; second: number }>(
      `select distinct classid::bigint::bit(32)::integer as first, objid::bigint::bit(32)::integer as second
       from pg_locks
       where locktype = 'advisory' and objsubid = 2 and pid = $1`,
      [(await holder.query<{ pid: number }>("select pg_backend_pid() as pid")).rows[0]?.pid],
    );
    expect(rows).toHaveLength(1);
    const waiting = thief.query("select pg_advisory_lock($1, $2)", [rows[0]?.first, rows[0]?.second]);
    await sleep(50);
    if (before.isOurs) await before.leave();
    await waiting;
    expect(await tryTurn(await as(login), turn)).toMatchObject({ isOurs: true });
  });

  test("is one's: another is told who has it, and has it when that session ends, however it does", async () => {
    const holder = await as(login);
    expect(await tryTurn(holder, turn)).toMatchObject({ isOurs: true });
    const { rows } = await holder.query<{ pid: number; login: string }>("select pg_backend_pid() as pid, session_user as login");
    const { pid, login: name } = rows[0]!;

    const other = await as(login);
    await expect(takeTurn(other, turn, { waitMs: 0 })).rejects.toMatchObject({
      name: "ConfigurationError",
      message: expect.stringMatching(new RegExp(`^${turn.isTaken}: process ${pid} of ${name}, connected since \\d{4}-`)),
      remedy: expect.stringContaining(`select pg_terminate_backend(${pid});`),
    });
    const told: number[] = [];
    const waiting = takeTurn(other, turn, { waitMs: 30_000, onWait: (whom) => told.push(whom.pid) });
    await sleep(100);
    await db.admin.query("select pg_terminate_backend($1)", [pid]);
    await waiting;
    expect(told).toEqual([pid]);
  });

  test("of eight at once is one's at a time, and each has it", async () => {
    let [inside, most, done] = [0, 0, 0];
    const work = async () => {
      const client = await as(login);
      const leave = await takeTurn(client, turn, { waitMs: 50_000 });
      inside += 1;
      most = Math.max(most, inside);
      await client.query("select pg_sleep(0.02)");
      inside -= 1;
      await leave();
      done += 1;
    };
    await Promise.all(Array.from({ length: 8 }, work));
    expect({ most, done }).toEqual({ most: 1, done: 8 });
  });
});

test("a lock on a number that is known would be the attacker's", async () => {
  const operator = await as("operator");
  const { rows } = await operator.query("select pg_try_advisory_lock(hashtextextended($1, 0)) as is_ours", [turnAtKeys(CELL).name]);
  expect(rows).toEqual([{ is_ours: false }]);
});

test("the doctor takes no attacker for somebody who rotates, and does not miss who does", async () => {
  expect(await tryTurn(attacker, turnAtKeys(CELL))).toMatchObject({ isOurs: true });
  expect(await isAtKeys()).toBe(false);
  const taken = await tryTurn(await as("operator"), turnAtKeys(CELL));
  expect(await isAtKeys()).toBe(true);
  if (taken.isOurs) await taken.leave();
  expect(await isAtKeys()).toBe(false);
});

test("the turn of one cell is not another's", async () => {
  const operator = await as("operator");
  expect(await tryTurn(operator, turnAtKeys("another"))).toMatchObject({ isOurs: true });
  expect(await isAtKeys()).toBe(false);
});

test("the command waits as long as it was told to, and says for whom", async () => {
  const env = { DATABASE_URL: db.connectionString("operator"), SAFETYPIN_KEYS: `file:${process.env["SAFETYPIN_KEY_FILE"]!}` };
  // The attacker's locks keep it from nothing.
  expect(await runCli(["keys", "rotate", "--dry-run"], { env })).toMatchObject({ code: EXIT.done });

  const operator = await as("operator");
  const taken = await tryTurn(operator, turnAtKeys(CELL));
  const { rows } = await operator.query<{ pid: number }>("select pg_backend_pid() as pid");
  for (const command of [["rotate", "--dry-run"], ["rotate", "--digest", "--dry-run"], ["rewrap", "--dry-run"], ["retire", "1"], ["destroy", "1"], ["replay", "--not-needed"]]) {
    const { code, stderr } = await runCli(["keys", ...command, "--wait", "0s"], { env });
    expect([command, code]).toEqual([command, EXIT.failed]);
    expect(stderr).toContain(`Somebody else works on the keys of cell "${CELL}": process ${String(rows[0]?.pid)} of ${CELL}_operator_login`);
    expect(stderr).toContain(`select pg_terminate_backend(${String(rows[0]?.pid)});`);
  }
  if (taken.isOurs) await taken.leave();
});
