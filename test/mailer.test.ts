import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";

import { deliverMessages, Mailer, type MailerOptions } from "../src/mailer.js";
import type { Message } from "../src/messages.js";
import type { LogEntry } from "../src/query-report.js";
import type { SafetyPin } from "../src/safetypin.js";
import { OneTimeToken, tagOf } from "../src/tokens.js";
import { connectForTest, mailerOptions, newPassword, newPerson } from "./support/client.js";
import { useDatabase } from "./support/database.js";
import { findUserId, inUnlockedCell } from "./support/keys.js";

jest.setTimeout(60_000);

const database = useDatabase();
let safetypin: SafetyPin;

beforeAll(async () => {
  safetypin = await connectForTest(database);
});
afterAll(() => safetypin.close());

/** Nobody waits for a message that another test asked for. */
beforeEach(() => database.admin.query("delete from messages"));

/** Somebody who asked for a reset. */
async function asker(name: string): Promise<string> {
  const { email } = await newPerson(database, name);
  await safetypin.requestPasswordReset(email);
  return email;
}

const options = (send: MailerOptions["send"], changes: Partial<MailerOptions> = {}): MailerOptions => ({
  ...mailerOptions(database, send),
  restMs: 100,
  ...changes,
});

async function statusOf(email: string): Promise<unknown> {
  const { rows } = await database.admin.query(
    `select messages.status, attempt_count as attempts, problem
     from messages where user_id = $1`,
    [await findUserId(database, email)],
  );
  return rows[0];
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await isSo()) return;
    await sleep(50);
  }
  throw new Error("it never came");
}

const isDue = "update messages set next_attempt_time = now() where status = 'waiting' and user_id is not null";

describe("sending once", () => {
  it("gives each message, with a token of this cell, and says how many there were", async () => {
    const emails = [await asker("ann"), await asker("ben"), await asker("cleo")];
    const sent: Message[] = [];
    const delivery = await deliverMessages(options(async (message) => void sent.push(message), { concurrency: 2 }));

    expect(delivery).toEqual({ delivered: 3, failed: 0 });
    expect(sent.map(({ email }) => email).sort()).toEqual([...emails].sort());
    const [message] = sent;
    expect(message).toMatchObject({
      attempt: 1, purpose: "reset_password", lastName: "Example", locale: "en", timezone: "UTC",
    });
    expect(message?.token).toBeInstanceOf(OneTimeToken);
    expect(message?.token?.cellTag).toBe(tagOf(database.cell));
    expect(message?.expirationTime?.getTime()).toBeGreaterThan(Date.now() + 3_500_000);
    expect(inspect(message, { depth: 9 }) + JSON.stringify(message)).not.toContain(message?.token?.reveal());
    expect(await statusOf(message!.email)).toEqual({ status: "delivered", attempts: 1, problem: null });

    await safetypin.resetPassword(message!.token as OneTimeToken, newPassword());
  });

  it("has nothing to do where nobody asked, or nobody is there", async () => {
    await safetypin.requestPasswordReset("nobody@example.com");
    expect(await deliverMessages(options(() => Promise.reject(new Error("never"))))).toEqual({ delivered: 0, failed: 0 });
  });

  it("tries again later what could not be sent, and tells the log without the token", async () => {
    const email = await asker("dora");
    const log: LogEntry[] = [];
    const texts: string[] = [];
    const failing = options(
      async ({ token }) => {
        texts.push(token?.reveal() ?? "");
        throw new Error(`554 refused: your link is https://clinic.example/reset?token=${texts.at(-1)}`);
      },
      { log: (entry) => log.push(entry) },
    );

    expect(await deliverMessages(failing)).toEqual({ delivered: 0, failed: 1 });
    expect(await statusOf(email)).toEqual({
      status: "waiting", attempts: 1, problem: "554 refused: your link is https://clinic.example/reset?token=[one-time token]",
    });
    expect(log).toMatchObject([{ level: "warning", event: "message_not_sent" }]);
    expect(log[0]?.message).toMatch(/^Message [0-9a-f-]+ \(reset_password\), attempt 1, was not sent, and is waiting$/);
    expect(inspect(log, { depth: 9 })).not.toContain(texts[0]);

    // A little later it goes out, with a token of its own; whichever is used is the only one.
    expect(await deliverMessages(failing)).toEqual({ delivered: 0, failed: 0 });
    await database.admin.query(isDue);
    const sent: Message[] = [];
    expect(await deliverMessages(options(async (message) => void sent.push(message)))).toEqual({ delivered: 1, failed: 0 });
    expect(sent).toMatchObject([{ email, attempt: 2 }]);
    await safetypin.resetPassword(texts[0] as string, newPassword());
    await expect(safetypin.resetPassword(sent[0]?.token as OneTimeToken, newPassword())).rejects.toMatchObject({
      code: "one_time_token_invalid",
    });
  });

  it("gives up after ten times, and tells the log that", async () => {
    const email = await asker("emma");
    await database.admin.query("update messages set attempt_count = 9 where user_id is not null");
    const log: LogEntry[] = [];
    await deliverMessages(options(() => Promise.reject(new Error("no")), { log: (entry) => log.push(entry) }));

    expect(await statusOf(email)).toEqual({ status: "failed", attempts: 10, problem: "no" });
    expect(log).toMatchObject([{ level: "error", event: "message_not_sent" }]);
    const { rows } = await database.admin.query("select severity from security_alerts where alert_type = 'messages_undelivered'");
    expect(rows).toEqual([{ severity: "medium" }]);
  });

  it("stops waiting for a message when its lease is over", async () => {
    const email = await asker("fay");
    let wasAborted = false;
    const never = (_message: Message, signal: AbortSignal) =>
      new Promise<void>(() => signal.addEventListener("abort", () => (wasAborted = true)));

    expect(await deliverMessages(options(never, { leaseMs: 1_000 }))).toEqual({ delivered: 0, failed: 1 });
    expect(wasAborted).toBe(true);
    expect(await statusOf(email)).toMatchObject({ status: "waiting", problem: "it took longer than the lease" });
  });

  it.each<[string, Partial<MailerOptions>, string]>([
    ["a lease of no time", { leaseMs: 10 }, "number_out_of_range"],
    ["no messages at once", { concurrency: 0 }, "number_out_of_range"],
  ])("refuses %s", async (_, changes, code) => {
    await expect(deliverMessages(options(() => Promise.resolve(), changes))).rejects.toMatchObject({ name: "RuleError", code });
  });
});

describe("a mailer", () => {
  it("sends what is asked for while it runs, and finishes what it has when it is closed", async () => {
    const sent: string[] = [];
    let isLetThrough: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (isLetThrough = resolve));
    const slow = new Set<string>();
    const mailer = await Mailer.connect(
      options(async ({ email }) => {
        if (slow.has(email)) await gate;
        sent.push(email);
      }),
    );
    const first = await asker("gina");
    await until(() => sent.includes(first));

    const { email: last } = await newPerson(database, "hugo");
    slow.add(last);
    await safetypin.requestPasswordReset(last);
    await until(async () => ((await statusOf(last)) as { attempts: number } | undefined)?.attempts === 1);
    const closing = mailer.close();
    await sleep(200);
    expect(sent).not.toContain(last);
    isLetThrough();
    await closing;
    expect(sent).toContain(last);
    expect(await statusOf(last)).toMatchObject({ status: "delivered" });

    const tooLate = await asker("ida");
    await sleep(500);
    expect(await statusOf(tooLate)).toMatchObject({ status: "waiting", attempts: 0 });
  });

  it("tells the log what keeps it, and goes on", async () => {
    const log: LogEntry[] = [];
    const sent: string[] = [];
    const mailer = await Mailer.connect(
      options(async ({ email }) => void sent.push(email), { log: (entry) => log.push(entry) }),
    );
    await database.admin.query("revoke execute on function take_messages(integer, interval) from safetypin_mailer");
    await until(() => log.some(({ event }) => event === "delivery_failed"));
    await database.admin.query("grant execute on function take_messages(integer, interval) to safetypin_mailer");

    const email = await asker("jack");
    await until(() => sent.includes(email));
    await mailer.close();
    expect(log[0]).toMatchObject({ level: "error", event: "delivery_failed" });
  });

  it("delivers again, after the lease, what another was killed with", async () => {
    const email = await asker("kim");
    // Killed between taking and finishing: all that is left of it is what it committed.
    await inUnlockedCell(database.pool("mailer"), (client) =>
      client.query("select id from take_messages(10, '1 second')"),
    );
    const sent: Message[] = [];
    expect(await deliverMessages(options(async (message) => void sent.push(message)))).toEqual({ delivered: 0, failed: 0 });

    await sleep(1_100);
    expect(await deliverMessages(options(async (message) => void sent.push(message)))).toEqual({ delivered: 1, failed: 0 });
    expect(sent).toMatchObject([{ email, attempt: 2 }]);
  });

  it.each(["app", "operator"] as const)("is not the %s's login, and says which", async (login) => {
    const changes = { connectionString: database.connectionString(login) };
    await expect(Mailer.connect(options(() => Promise.resolve(), changes))).rejects.toMatchObject({
      name: "ConfigurationError",
      message: `"${database.cell}_${login}_login" is not let into cell "${database.cell}" as a mailer`,
      remedy: `Connect as ${database.cell}_mailer_login, which safetypin bootstrap makes for this`,
    });
  });

  it("is no application: its login serves nobody", async () => {
    await expect(
      connectForTest(database, { connectionString: database.connectionString("mailer") }),
    ).rejects.toMatchObject({ message: expect.stringContaining("as an application") as unknown });
  });
});
