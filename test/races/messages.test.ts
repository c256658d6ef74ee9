import { deliverMessages } from "../../src/mailer.js";
import { email, userId } from "../support/actors.js";
import { mailerOptions } from "../support/client.js";
import { useDatabase } from "../support/database.js";
import { race, refusals, sabotage, winners } from "../support/race.js";

const CLIENTS = 8;
const ROUNDS = [1, 2, 3, 4, 5];

describe("messages, and eight who are at them at once", () => {
  const database = useDatabase({ template: "pgtap" });

  /** So many people who ask for a reset. */
  async function asked(prefix: string, count: number): Promise<string[]> {
    const names = Array.from({ length: count }, (_, number) => `${prefix}${number}`);
    await database.admin.query("select tests.person(name) from unnest($1::text[]) as name", [names]);
    await database.admin.query("select request_password_reset(tests.email(name)) from tests.unlock(), unnest($1::text[]) as name", [names]);
    return names.map(email).sort();
  }

  const take = (limit: number) =>
    race(database.pool("mailer"), CLIENTS, async (client) => {
      const { rows } = await client.query<{ email: string }>("select (take_messages($1)).email from tests.unlock()", [limit]);
      return rows.map((row) => row.email);
    });

  it.each(ROUNDS)("takes each message once (round %i)", async (round) => {
    const emails = await asked(`ann${round}x`, 40);
    const outcomes = await take(5);

    expect(refusals(outcomes)).toEqual([]);
    expect(winners(outcomes).flat().sort()).toEqual(emails);
  });

  it("would take messages twice, if it looked and then took", async () => {
    const repair = await sabotage(database.admin, "take_messages", "for update skip locked", "");
    const emails = await asked("naive", 40);
    const outcomes = await take(40);
    await repair();

    // Whoever waits for the first finds its messages taken, and takes them all the same.
    expect(winners(outcomes).flat().length).toBeGreaterThan(emails.length);
  });

  it("delivers each message once, though eight mailers are at it", async () => {
    const emails = await asked("bob", 60);
    const sent: string[] = [];
    const deliveries = await Promise.all(
      Array.from({ length: CLIENTS }, () =>
        deliverMessages(mailerOptions(database, async (message) => void sent.push(message.email))),
      ),
    );

    expect(sent.sort()).toEqual(emails);
    expect(deliveries.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(60);
  });

  it.each(ROUNDS)("sends one message to somebody for whom eight ask at once (round %i)", async (round) => {
    const name = `cleo${round}`;
    await database.admin.query("select tests.person($1)", [name]);
    const outcomes = await race(database.app, CLIENTS, (client) =>
      client.query("select request_password_reset($1) from tests.unlock()", [email(name)]),
    );
    expect(refusals(outcomes)).toEqual([]);

    expect(winners(await take(5)).flat()).toEqual([email(name)]);
  });

  /** Eight ask within one second, and each is done only once the message of the one before was taken. */
  async function askOneAfterTheOther(name: string): Promise<number> {
    await database.admin.query("select tests.person($1)", [name]);
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => database.app.connect()));
    for (const client of clients) {
      await client.query("begin");
      await client.query("select request_password_reset($1) from tests.unlock()", [email(name)]);
    }
    let taken = 0;
    for (const client of clients) {
      await client.query("commit");
      client.release();
      const { rowCount } = await database.pool("mailer").query("select take_messages(1000) from tests.unlock()");
      taken += rowCount ?? 0;
    }
    return taken;
  }

  it("sends one message to somebody for whom eight asked within a minute, whenever they are done", async () => {
    expect(await askOneAfterTheOther("cora")).toBe(1);
  });

  it("would fill their mailbox, if only whoever asks looked", async () => {
    const repair = await sabotage(database.admin, "_is_answered_by_another", "and attempt_count > 0", "and false");
    expect(await askOneAfterTheOther("cleon")).toBe(CLIENTS);
    await repair();
  });

  it.each(ROUNDS)("uses one of the tokens that somebody was sent, though all come at once (round %i)", async (round) => {
    const name = `dora${round}`;
    await database.admin.query("select tests.person($1)", [name]);
    await database.admin.query("update users set status = 'pending' where id = $1", [userId(name)]);
    await database.admin.query("select request_email_verification($1) from tests.unlock()", [email(name)]);
    const tokens: Buffer[] = [];
    for (let attempt = 1; attempt <= CLIENTS; attempt += 1) {
      const { rows } = await database.pool("mailer").query<{ token: Buffer }>("select (take_messages()).token from tests.unlock()");
      tokens.push(rows[0]?.token as Buffer);
      await database.admin.query("update messages set next_attempt_time = now() where user_id = $1", [userId(name)]);
    }

    const outcomes = await race(database.app, CLIENTS, async (client, index) => {
      const { rows } = await client.query<{ answer: string }>("select verify_email($1) as answer", [tokens[index]]);
      return rows[0]?.answer;
    });
    expect(refusals(outcomes)).toEqual([]);
    expect(winners(outcomes).filter((answer) => answer === "verified")).toHaveLength(1);
  });

  it("would use several, if the person were not locked", async () => {
    const repair = await sabotage(
      database.admin,
      "_use_token",
      /perform from users[\s\S]*?returning \* into v_token;/,
      `update one_time_tokens set used_time = v_now
       where token_hash = sha256(p_token) and used_time is null returning * into v_token;
       perform pg_sleep(0.1);`,
    );
    await database.admin.query("select tests.person('emma')");
    const tokens = Array.from({ length: CLIENTS }, (_, number) => Buffer.alloc(32, number + 1));
    await database.admin.query(
      `insert into one_time_tokens (purpose, user_id, token_hash, expiration_time)
       select 'verify_email', $1, sha256(token), now() + interval '1 hour' from unnest($2::bytea[]) as token`,
      [userId("emma"), tokens],
    );
    const outcomes = await race(database.app, CLIENTS, async (client, index) => {
      const { rows } = await client.query<{ answer: string }>("select verify_email($1) as answer", [tokens[index]]);
      return rows[0]?.answer;
    });
    await repair();

    // Each waits for the rows of the others: they deadlock, or several win.
    const used = winners(outcomes).filter((answer) => answer === "verified").length;
    expect(used > 1 || refusals(outcomes).includes("40P01")).toBe(true);
  });
});
