import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

import pg from "pg";

import { EXIT } from "../src/cli/exit-codes.js";
import { email, OTHER_PASSWORD, signIn, userId } from "./support/actors.js";
import { outcome, runCli, startCli, type CliResult } from "./support/cli.js";
import { useDatabase } from "./support/database.js";

jest.setTimeout(120_000);

const PEOPLE = 24;
const FAILURES = 2;

describe("the key that digests addresses, rotated by somebody who is killed at every batch", () => {
  const db = useDatabase({ template: "pgtap" });
  const names = Array.from({ length: PEOPLE }, (_, number) => `somebody${number}`);

  const environment = () => ({
    DATABASE_URL: db.connectionString("operator"),
    SAFETYPIN_KEY_FILE: process.env["SAFETYPIN_KEY_FILE"]!,
  });
  const run = (...args: string[]): Promise<CliResult> => runCli(args, { env: environment() });

  async function jsonOf<Answer>(...args: string[]): Promise<Answer> {
    const { code, stdout, stderr } = await run(...args, "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout) as Answer;
  }

  /** Slow enough to be killed between two batches, however busy the machine is. */
  async function killedAt(sign: RegExp): Promise<CliResult> {
    const child = startCli(["keys", "rotate", "--digest", "--batch", "5", "--rows-per-second", "2"], { env: environment() });
    let said = "";
    child.stderr?.on("data", (text) => {
      said += String(text);
      if (sign.test(said)) setTimeout(() => child.kill("SIGKILL"), Math.random() * 20);
    });
    return outcome(child);
  }

  /** How many failures each has, under whichever key. */
  async function failures(): Promise<number[]> {
    const { rows } = await db.admin.query<{ count: number }>(
      "select failure_count as count from sign_in_throttles where user_id = any ($1) order by user_id",
      [names.map(userId)],
    );
    return rows.map(({ count }) => count);
  }

  async function countUnder(): Promise<{ now: number; before: number }> {
    const { rows } = await db.admin.query<{ now: number; before: number }>(
      `select count(*) filter (where key_id = _digest_key_id())::integer as now,
         count(*) filter (where key_id <> _digest_key_id())::integer as before
       from sign_in_throttles where user_id is not null`,
    );
    return rows[0]!;
  }

  beforeAll(async () => {
    await db.admin.query("select tests.person(name) from unnest($1::text[]) as name", [names]);
    for (const name of [...names, "nobody-at-all"]) {
      for (let tries = 0; tries < FAILURES; tries += 1) await signIn(db.app, email(name), { digest: OTHER_PASSWORD.digest });
    }
  });

  it("counts on: nobody's failures are lost, and none is counted twice", async () => {
    const everybody = names.map(() => FAILURES);
    expect(await failures()).toEqual(everybody);
    expect(await jsonOf("keys", "rotate", "--digest", "--dry-run")).toMatchObject({
      resumed: false,
      earlierKeyId: null,
      steps: ["replace", "move", "sweep"],
      rotated: false,
    });

    expect((await killedAt(/^move/m)).code).toBeNull();
    expect(await jsonOf("keys", "rotate", "--digest", "--dry-run")).toMatchObject({ resumed: true, steps: ["move", "sweep"] });

    let kills = 0;
    let last: CliResult;
    for (;;) {
      last = await killedAt(/rows\n/);
      expect(await failures()).toEqual(everybody);
      if (last.code !== null) break;
      kills += 1;
    }
    expect(last).toMatchObject({ code: 0, stdout: expect.stringMatching(/^rotated {2}another key.*\nkept {2}the key before: 1 counts/) });
    expect(kills).toBeGreaterThan(2);
    expect(await countUnder()).toEqual({ now: PEOPLE, before: 0 });
    const { rows } = await db.admin.query(
      "select sum((additional_data ->> 'moved')::integer)::integer as moved from auth_audit_logs where event_type = 'sign_in_throttles.moved'",
    );
    expect(rows).toEqual([{ moved: PEOPLE }]);
  });

  it("and counts further from there, as if nothing had been", async () => {
    const statuses = [];
    for (let tries = FAILURES; tries < 6; tries += 1) {
      statuses.push((await signIn(db.app, email(names[0]!), { digest: OTHER_PASSWORD.digest })).status);
    }
    expect(statuses).toEqual(["invalid", "invalid", "invalid", "throttled"]);
    expect((await signIn(db.app, email(names[1]!))).status).toBe("signed_in");
  });

  it("begins nothing new while the key before is needed, and says until when", async () => {
    const { digest } = await jsonOf<{ digest: { drainedTime: string; otherCount: number } }>("keys", "status");
    expect(digest).toMatchObject({ peopleCount: 0, otherCount: 1 });
    expect(Date.parse(digest.drainedTime) - Date.now()).toBeGreaterThan(29 * 86_400_000);
    expect((await run("keys", "status")).stdout).toMatch(/The digest key of the cell.* is 0 d old\.\nThe one before has 1 counts of others, and goes after 2/);
    expect(await jsonOf("keys", "rotate", "--digest")).toMatchObject({ resumed: true, moved: 0, others: 1 });
  });

  it("is over when maintenance has forgotten the last, and may be begun again, once a sign-in under way is over", async () => {
    await db.admin.query(
      `update sign_in_throttles set last_failure_time = now() - interval '31 days' where user_id is null;
       update digest_keys set retired_time = now() - interval '31 days' where retired_time is not null`,
    );
    expect(await run("maintain", "--once")).toMatchObject({ code: 0, stdout: expect.stringContaining("sweep_context_keys() 1") });
    const { digest } = await jsonOf<{ digest: unknown }>("keys", "status");
    expect(digest).toMatchObject({ earlierKeyId: null, drainedTime: null });

    // Somebody stays in the midst of a sign-in: they are named, without a word of what they do, and ended by a DBA.
    const held = new pg.Client({ connectionString: db.connectionString("app"), application_name: "clinic api" });
    held.on("error", () => undefined);
    await held.connect();
    await held.query(`set search_path = ${db.cell}, extensions, pg_temp; begin; select from tests.begin_password_check('slow@example.com')`);
    const { rows } = await held.query<{ pid: number; login: string }>("select pg_backend_pid() as pid, session_user as login");
    const { pid, login } = rows[0]!;
    const child = startCli(["keys", "rotate", "--digest"], { env: environment() });
    let said = "";
    child.stderr?.on("data", (text) => (said += String(text)));
    const ended = outcome(child);
    while (!said.includes("pg_terminate_backend")) await sleep(50);
    expect(said).toContain(`waiting for sign-ins that began earlier: process ${String(pid)} of ${login} ('clinic api')`);
    expect(said).not.toContain("slow@");
    await db.admin.query("select pg_terminate_backend($1)", [pid]);
    expect(await ended).toMatchObject({ code: 0, stdout: expect.stringContaining(`${String(PEOPLE)} counts of people moved`) });
    await held.end().catch(() => undefined);
  });

  it("is not of one organization, and not for an application to rotate", async () => {
    expect(await run("keys", "rotate", "--digest", "--organization", userId("acme"))).toMatchObject({ code: EXIT.usage });
    const asApp = runCli(["keys", "rotate", "--digest"], {
      env: { ...environment(), DATABASE_URL: db.connectionString("app") },
    });
    expect(await asApp).toMatchObject({ code: EXIT.failed, stderr: expect.stringContaining("operator_login") });
  });

  it("is one of the keys that the database makes, of each of which the page says how it rotates", async () => {
    const { rows } = await db.admin.query<{ key: string }>(
      "select distinct format('`context_keys`, `%s`', purpose) as key from context_keys union select format('`digest_keys`, `%s`', purpose) from digest_keys",
    );
    const page = await readFile(new URL("../docs/keys.md", import.meta.url), "utf8");
    const told = page.matchAll(/^\|[^|]*\| (`(?:context|digest)_keys`, `\w+`) \| (?:`[^`]+`|never: \[why\]\(decisions\/[\w-]+\.md\)) \|/gm);
    expect([...told].map(([, key]) => key).sort()).toEqual(rows.map(({ key }) => key).sort());
  });
});
