import type pg from "pg";

import { maintain } from "../src/maintenance.js";
import { parseCellName } from "../src/migrations/cell.js";
import { beginRequest, email, signIn, userId, type SignIn } from "./support/actors.js";
import { findClockMovers } from "./support/moved-clock.js";
import { race } from "./support/race.js";
import { TEST_CELL } from "./support/template.js";

/** What PostgreSQL says when a row belongs to no partition. */
const NO_PARTITION = "23514";

describe.each(findClockMovers())("as time passes ($name)", ({ use }) => {
  const context = use();
  const app = () => context.traveller.pool("app");
  const operator = () => context.traveller.pool("operator");

  beforeEach(async () => {
    await context.traveller.pool("admin").query(
      `select tests.person('ann')
       where not exists (select from users where id = tests.user_id('ann'))`,
    );
  });

  async function runMaintenance() {
    const client: pg.PoolClient = await operator().connect();
    try {
      return await maintain(client, { cell: parseCellName(TEST_CELL) });
    } finally {
      client.release();
    }
  }

  async function monthsAhead(): Promise<number | undefined> {
    const { rows } = await operator().query<{ ahead: number }>("select count_partitions_ahead() as ahead");
    return rows[0]?.ahead;
  }

  /** The alerts that are open about the cell itself. */
  async function openAlerts(): Promise<string[]> {
    await operator().query("select raise_operational_alerts()");
    const { rows } = await context.traveller
      .pool("admin")
      .query<{ alert: string }>("select alert_type as alert from security_alerts where status = 'open' order by 1");
    return rows.map(({ alert }) => alert);
  }

  async function codeOf(work: Promise<unknown>): Promise<string> {
    return work.then(
      () => "done",
      ({ code }: { code: string }) => code,
    );
  }

  /** The code a session is refused with; none while it is good. */
  async function refusalOf({ token }: SignIn): Promise<string | undefined> {
    const [outcome] = await race(app(), 1, (client) => beginRequest(client, token));
    return outcome?.code;
  }

  describe("the logs", () => {
    it("are twelve months ahead three months on, where somebody looks after them", async () => {
      for (let month = 1; month <= 3; month += 1) {
        await context.traveller.advance("1 month");
        expect(await monthsAhead()).toBe(11);

        const made = (await runMaintenance()).find(({ task }) => task.name === "make_partitions")?.count;

        expect(made).toBe(3);
        expect(await monthsAhead()).toBe(12);
      }
      await expect(signIn(app(), email("ann"))).resolves.toMatchObject({ status: "signed_in" });
      const { rows } = await context.traveller.pool("admin").query(
        `select
           tableoid::regclass::text = 'auth_audit_logs' || to_char(clock_timestamp() at time zone 'UTC', '_YYYY_MM')
             as is_this_month
         from auth_audit_logs
         order by recorded_at desc
         limit 1`,
      );
      expect(rows).toEqual([{ is_this_month: true }]);
      expect(await openAlerts()).toEqual([]);
    });

    it("still take everything three months on, where nobody does", async () => {
      await context.traveller.advance("3 months");

      expect(await monthsAhead()).toBe(9);
      await expect(signIn(app(), email("ann"))).resolves.toMatchObject({ status: "signed_in" });
      expect(await openAlerts()).toEqual([]);
    });

    it("are an alarm, once, when only one month is ahead", async () => {
      await context.traveller.advance("10 months");
      expect(await openAlerts()).toEqual([]);

      await context.traveller.advance("1 month");

      expect(await monthsAhead()).toBe(1);
      expect(await openAlerts()).toEqual(["partitions_running_out"]);
      expect(await openAlerts()).toEqual(["partitions_running_out"]);
      await expect(signIn(app(), email("ann"))).resolves.toMatchObject({ status: "signed_in" });
    });

    it("fail the work when their month is missing, and leave no half of it", async () => {
      await context.traveller.advance("13 months");
      const state = async () => {
        const { rows } = await context.traveller.pool("admin").query(
          `select
             (select count(*)::integer from sessions) as sessions,
             (select count(*)::integer from users) as users,
             (select array_agg(status) from users) as statuses`,
        );
        return rows[0] as unknown;
      };
      const before = await state();

      expect(await monthsAhead()).toBe(0);
      expect(await codeOf(signIn(app(), email("ann")))).toBe(NO_PARTITION);
      expect(await codeOf(app().query("select record_denial('test', 'reason')"))).toBe(NO_PARTITION);
      expect(await codeOf(operator().query("select suspend_user($1, 'reason')", [userId("ann")]))).toBe(NO_PARTITION);
      expect(await codeOf(operator().query("select sweep_sessions()"))).toBe(NO_PARTITION);
      expect(await state()).toEqual(before);

      // The one way out is the usual one.
      await runMaintenance();
      expect(await monthsAhead()).toBe(12);
      await expect(signIn(app(), email("ann"))).resolves.toMatchObject({ status: "signed_in" });
    });
  });

  describe("a session", () => {
    it("lives as long as it is used, and no longer than its idle limit when it is not", async () => {
      const session = await signIn(app(), email("ann"));
      for (let week = 1; week <= 3; week += 1) {
        await context.traveller.advance("6 days 23 hours");
        expect(await refusalOf(session)).toBeUndefined();
      }

      await context.traveller.advance("7 days 1 minute");
      expect(await refusalOf(session)).toBe("SP101");
    });

    it("ends at its absolute limit, however much it is used", async () => {
      const session = await signIn(app(), email("ann"));
      for (let day = 5; day < 30; day += 5) {
        await context.traveller.advance("5 days");
        expect(await refusalOf(session)).toBeUndefined();
      }
      await context.traveller.advance("4 days 23 hours");
      expect(await refusalOf(session)).toBeUndefined();

      await context.traveller.advance("1 hour 1 second");
      expect(await refusalOf(session)).toBe("SP101");
    });

    it.each([
      ["idle", "7 days 1 minute"],
      ["absolute", "31 days"],
    ])("that was seen to have ended by its %s limit does not come back when the clock is set back", async (_, limit) => {
      const session = await signIn(app(), email("ann"));
      await context.traveller.advance(limit);
      expect(await refusalOf(session)).toBe("SP101");

      await context.traveller.setBack("8 days");

      expect(await refusalOf(session)).toBe("SP101");
    });

    it("that ended while others were at work does not come back either, and the clock is an alert", async () => {
      const session = await signIn(app(), email("ann"));
      await context.traveller.advance("31 days");
      await expect(signIn(app(), email("ann"))).resolves.toMatchObject({ status: "signed_in" });

      await context.traveller.setBack("30 days 23 hours");

      expect(await refusalOf(session)).toBe("SP101");
      const { rows } = await app().query("select status from refresh_session($1)", [session.refreshToken]);
      expect(rows).toEqual([{ status: "invalid" }]);
      expect(await openAlerts()).toContain("clock_went_back");
    });

    it("that is good goes on when the clock is set back, and new ones are opened", async () => {
      const session = await signIn(app(), email("ann"));
      await context.traveller.advance("2 hours");
      expect(await refusalOf(session)).toBeUndefined();

      await context.traveller.setBack("1 hour");

      expect(await refusalOf(session)).toBeUndefined();
      const next = await signIn(app(), email("ann"));
      expect(next.status).toBe("signed_in");
      expect(await refusalOf(next)).toBeUndefined();
    });
  });
});
