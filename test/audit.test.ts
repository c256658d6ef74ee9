import { postgresAudit, type AuditRepository, type PostgresAuditOptions } from "../src/audit.js";
import { createConnection, createStatementNames } from "../src/connection.js";
import type { OrganizationId, UserId } from "../src/ids.js";
import { createRepositories } from "../src/repositories.js";
import { runUnitOfWork } from "../src/unit-of-work.js";
import {
  email,
  finishAttempt,
  organizationId,
  OTHER_PASSWORD,
  proveAttempt,
  userId,
} from "./support/actors.js";
import { keysOfCell } from "./support/keys.js";
import { useTwoOrganizations } from "./support/world.js";

const BOB = userId("bob") as UserId;
const ACME = organizationId("acme") as OrganizationId;
const around = () => ({ since: new Date(Date.now() - 3_600_000), until: new Date(Date.now() + 3_600_000) });

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

describe("the evidence", () => {
  const world = useTwoOrganizations();
  const { db } = world;

  /** Work over a connection of the auditor's login: nobody's session. */
  async function asAuditor<Result>(
    work: (audit: AuditRepository) => Promise<Result>,
    options: PostgresAuditOptions = {},
  ): Promise<Result> {
    const client = await db.pool("auditor").connect();
    const names = createStatementNames(db.cell, false);
    try {
      return await runUnitOfWork(
        createConnection(client, { cell: db.cell, names, onQuery: () => undefined }),
        { begin: "begin", context: [{ text: "select 1" }], readCaller: () => undefined as never },
        { keys: await keysOfCell(db), pad: undefined },
        (tx) => work(postgresAudit(tx, { as: "auditor", ...options })),
      ).catch((failure: { error: unknown }) => {
        throw failure.error;
      });
    } finally {
      client.release();
    }
  }

  beforeAll(async () => {
    await world.as("ann", "acme", ({ organizations }) => organizations.setMemberRole(BOB, "admin"));
    await world.as("zoe", "zenith", ({ permissions }) => permissions.createRole({ name: "Zenith's own" }));
    // A wrong password and a right one.
    await finishAttempt(db.app, await proveAttempt(db.app, email("bob"), OTHER_PASSWORD.digest));
    await finishAttempt(db.app, await proveAttempt(db.app, email("bob")));
  });

  it("of the cell is the auditor's: every organization's", async () => {
    await asAuditor(async (audit) => {
      const { items } = await audit.listEvents();
      expect(new Set(items.map((event) => event.organizationId))).toContain(ACME);
      expect(new Set(items.map((event) => event.organizationId))).toContain(organizationId("zenith"));
      expect((await audit.listEvents({ organizationId: ACME })).items.every((event) => event.organizationId === ACME)).toBe(true);
      expect((await audit.listAttemptsOfUser(BOB)).items.map(({ result }) => result)).toEqual(["success", "invalid"]);
      expect((await audit.listAttemptsOfUser(BOB, { result: "invalid" })).items).toHaveLength(1);
      const failed = ["invalid", "throttled", "disabled", "abandoned"] as const;
      expect((await audit.listAttemptsOfUser(BOB, { result: failed })).items).toHaveLength(1);
      expect((await audit.listAttemptsOfUser(BOB, { result: [] })).items).toEqual([]);
    });
  });

  it("of attempts to sign in is one's own, for everybody else", async () => {
    await world.as("bob", "acme", async ({ audit }) => {
      expect((await audit.listOwnAttempts()).items).toHaveLength(2);
    });
    await world.as("ann", "acme", async ({ audit }) => {
      expect((await audit.listOwnAttempts()).items).toEqual([]);
      expect((await audit.listAttemptsOfUser(BOB)).items).toEqual([]);
    });
  });

  it("says to an auditor which login it came from, and to nobody else", async () => {
    const app = `${db.cell}_app_login`;
    await asAuditor(async (audit) => {
      const { items } = await audit.listEvents({ eventType: "member.role_set" });
      expect(items.map(({ loginName }) => loginName)).toEqual([app]);
      expect((await audit.getEvent(items[0]!.id)).loginName).toBe(app);
      expect((await audit.listAttemptsOfUser(BOB)).items.map(({ loginName }) => loginName)).toEqual([app, app]);
      const changes = await audit.listChanges({ tableName: "organization_users", rowId: BOB });
      expect(changes.items[0]?.loginName).toBe(app);
      for (const stream of ["events", "attempts", "changes"] as const) {
        const lines = (await textOf(audit.export({ stream, format: "jsonl", ...around() }))).trimEnd().split("\n");
        expect(lines.map((line) => (JSON.parse(line) as { loginName: string }).loginName)).toContain(app);
        const [head] = (await textOf(audit.export({ stream, format: "csv", ...around() }))).split("\r\n");
        expect(head).toMatch(/,loginName$/);
      }
    });
    await world.as("ann", "acme", async ({ audit }) => {
      const { items } = await audit.listEvents({ eventType: "member.role_set" });
      expect(items.map(({ loginName }) => loginName)).toEqual([null]);
      const text = await textOf(audit.export({ stream: "events", format: "jsonl", ...around() }));
      expect(text).toContain('"loginName":null');
      expect(text).not.toContain(app);
    });
  });

  it("is exported by an auditor, who leaves a record of it too", async () => {
    const lines = await asAuditor((audit) =>
      textOf(audit.export({ stream: "attempts", format: "jsonl", ...around() })),
    );
    expect(lines.trimEnd().split("\n").map((line) => (JSON.parse(line) as { result: string }).result)).toEqual([
      "invalid",
      "success",
    ]);

    await asAuditor(async (audit) => {
      const { items } = await audit.listEvents({ eventType: "audit.exported", limit: 2 });
      expect(items.map(({ additionalData }) => [additionalData["stream"], additionalData["rows"]])).toEqual([
        ["attempts", 2],
        ["attempts", null],
      ]);
      expect(items[0]?.actingUserId).toBeNull();
    });
  });

  it("of attempts says what was typed, and where, to whoever is shown them and has keys", async () => {
    const from = "2001:db8::7";
    await db.app.query("begin; select tests.begin_password_check('bob@example.com', '2001:db8::7'); commit");
    await db.app.query("begin; select tests.begin_password_check('Nobody@Example.com', '2001:db8::7'); commit");
    await db.admin.query("update password_attempts set expiration_time = now() - interval '1 hour'");
    await db.pool("operator").query("select sweep_password_attempts()");

    const seen = (items: readonly { email: string | null; ipAddress: string | null }[]) =>
      items.map(({ email: typed, ipAddress }) => [typed, ipAddress]).sort();
    const both = [["bob@example.com", from], ["nobody@example.com", from]];
    await asAuditor(async (audit) => {
      expect(seen((await audit.listAttemptsFrom(from)).items)).toEqual(both);
      expect((await audit.listAttemptsFrom(from, { result: "success" })).items).toEqual([]);
      expect((await audit.listAttemptsFrom("2001:db8::8")).items).toEqual([]);
      const first = await audit.listAttemptsFrom(from, { limit: 1 });
      const second = await audit.listAttemptsFrom(from, { limit: 1, after: first.next! });
      expect(seen([...first.items, ...second.items])).toEqual(both);
      expect(await textOf(audit.export({ stream: "attempts", format: "csv", ...around() }))).toContain(`nobody@example.com,${from},`);
    });
    await world.as("bob", "acme", async ({ audit }) => {
      expect(seen((await audit.listAttemptsFrom(from)).items)).toEqual(both.slice(0, 1));
      expect(seen((await audit.listOwnAttempts({ result: "abandoned" })).items)).toEqual(both.slice(0, 1));
    });
    await world.as("ann", "acme", async ({ audit }) => {
      expect((await audit.listAttemptsFrom(from)).items).toEqual([]);
    });

    // Who has no keys reads that there was an attempt, and whose.
    await asAuditor(
      async (audit) => {
        expect(seen((await audit.listAttemptsOfUser(BOB, { result: "abandoned" })).items)).toEqual([[null, null]]);
        const text = await textOf(audit.export({ stream: "attempts", format: "jsonl", ...around() }));
        expect(text.trimEnd().split("\n")).toHaveLength(4);
        expect(text).not.toContain("@");
        await expect(audit.listAttemptsFrom(from)).rejects.toMatchObject({ code: "key_locked" });
      },
      { opens: false },
    ).catch((error: unknown) => expect(error).toMatchObject({ message: expect.stringMatching(/^Nothing was kept/) }));
  });

  it("is not exported as an auditor's by an application's login", async () => {
    await expect(
      world.withTransaction("ann", "acme", (tx) =>
        textOf(postgresAudit(tx, { as: "auditor" }).export({ stream: "events", format: "csv", ...around() })),
      ),
    ).rejects.toMatchObject({ code: "42501" });
    await expect(
      world.as("ann", "acme", ({ audit }) => textOf(audit.export({ stream: "attempts", format: "csv", ...around() }))),
    ).rejects.toMatchObject({ code: "permission_required" });
  });

  it("is exported whole, however much there is, and a reader who stops early is recorded", async () => {
    await db.admin.query(
      `insert into auth_audit_logs (event_type, organization_id, result, user_agent)
       select 'member.joined', $1, 'success', case n when 7 then '=cmd()' end
       from generate_series(1, 2500) as n`,
      [ACME],
    );

    const text = await world.as("ann", "acme", ({ audit }) =>
      textOf(audit.export({ stream: "events", format: "csv", ...around() })),
    );
    const [head, ...records] = text.trimEnd().split("\r\n");
    expect(head).toContain("id,recordedAt,eventType");
    expect(records.filter((record) => record.includes("member.joined"))).toHaveLength(2500);
    expect(new Set(records.map((record) => record.split(",")[0])).size).toBe(records.length);
    expect(text).toContain("'=cmd()");

    await world.as("ann", "acme", async ({ audit }) => {
      let pieces = 0;
      for await (const _ of audit.export({ stream: "events", format: "jsonl", ...around() })) {
        pieces += 1;
        break;
      }
      expect(pieces).toBe(1);
      const { items } = await audit.listEvents({ eventType: "audit.exported", limit: 1 });
      expect(items[0]?.additionalData["rows"]).toBe(1000);
    });
  });

  it("is not forged by line breaks: an entry stays one line", async () => {
    await world.safetyPin.withSession(
      await world.token("ann", "acme"),
      (tx) => createRepositories(tx).organizations.setMemberRole(BOB, "member"),
      { userAgent: "Browser\r\n2026-11-23 ann forged this" },
    );
    const text = await world.as("ann", "acme", ({ audit }) =>
      textOf(audit.export({ stream: "events", format: "jsonl", ...around() })),
    );
    expect(text).toContain("Browser??2026-11-23 ann forged this");
  });

  it("has a refusal, though what was refused was rolled back", async () => {
    await expect(
      world.as("bob", "acme", ({ organizations }) => organizations.update({ name: "Mine" })),
    ).rejects.toMatchObject({ code: "permission_required" });

    await world.as("ann", "acme", async ({ audit }) => {
      const { items } = await audit.listEvents({ result: "denied", actingUserId: BOB });
      expect(items[0]).toMatchObject({ eventType: "access.denied", failureReason: "permission_required" });
    });
  });

  it("opens alerts that somebody sees to", async () => {
    await db.admin.query(
      `insert into security_alerts (organization_id, user_id, alert_type, severity)
       values ($1, $2, 'refresh_token_reused', 'high'), ($1, $2, 'refresh_token_reused', 'low')`,
      [ACME, BOB],
    );

    await world.as("ann", "acme", async ({ audit }) => {
      const { items } = await audit.listOpenAlerts();
      expect(items).toHaveLength(2);
      const [high] = (await audit.listOpenAlerts({ severity: "high" })).items;
      await audit.acknowledgeAlert(high!.id);
      expect(await audit.getAlert(high!.id)).toMatchObject({ status: "acknowledged", userId: BOB });
      await audit.resolveAlert(high!.id, "Bob changed his password");
      expect(await audit.getAlert(high!.id)).toMatchObject({
        status: "resolved",
        resolvedBy: userId("ann"),
        resolutionNote: "Bob changed his password",
      });
      expect((await audit.listOpenAlerts()).items).toHaveLength(1);
      expect((await audit.listAlertsAbout(BOB)).items).toHaveLength(2);
      expect((await audit.summarize(around())).openAlerts).toBe(1);
    });
    await world.as("bob", "acme", async ({ audit }) => {
      expect((await audit.listOpenAlerts()).items).toEqual([]);
    });
  });
});
