import pg from "pg";

import { unlockCell } from "../keys/new-key.js";
import { keysForSeeds } from "../keys/open-keys.js";
import { chapter, good, insist, say, table } from "./narrator.js";
import type { Founded } from "./founding.js";
import { CELL } from "./stage.js";

/** Everything that happened, as the auditor's login reads it from the tables. */
export async function tellAuditTrail(connectionString: string, founded: Founded, since: Date): Promise<void> {
  chapter("6. The audit trail, as the auditor reads it");
  const auditor = new pg.Client({ connectionString, application_name: "auditor" });
  await auditor.connect();
  try {
    await auditor.query(`set search_path = ${CELL}, extensions, pg_temp`);
    const people = new Map([founded.ann, founded.ben, founded.zoe].map((person) => [person.userId as string, person.firstName]));
    const places = new Map([founded.acme, founded.zenith].map(({ id, name }) => [id as string, name]));

    const { rows: events } = await auditor.query(
      `select recorded_at, event_type, user_id, acting_user_id, organization_id, result, failure_reason
       from auth_audit_logs where recorded_at >= $1 order by recorded_at, seq`,
      [since],
    );
    table(
      ["time", "event", "whom", "by", "where", "result"],
      events.map((event) => [
        (event.recorded_at as Date).toISOString().slice(11, 23),
        event.event_type,
        people.get(event.user_id) ?? "",
        people.get(event.acting_user_id) ?? "",
        places.get(event.organization_id) ?? "",
        event.failure_reason === null ? event.result : `${event.result}: ${event.failure_reason}`,
      ]),
    );
    insist(events.some(({ event_type }) => event_type === "session.refresh_reused"), "the theft is in the trail");
    insist(events.some(({ result }) => result === "denied"), "the denial is in the trail");

    const { rows: attempts } = await auditor.query(
      "select result, count(*)::int as number from access_attempt_logs where recorded_at >= $1 group by result order by result",
      [since],
    );
    say();
    say("Attempts to sign in, each address sealed:");
    table(["result", "number"], attempts.map(({ result, number }) => [result, number]));
    await tellWhatOpens(auditor, since);

    const { rows: alerts } = await auditor.query(
      "select alert_type, severity, status, evidence->>'ip_address' as address from security_alerts where creation_time >= $1",
      [since],
    );
    say();
    say("And what somebody has to look at:");
    table(["alert", "severity", "status", "from"], alerts.map((row) => [row.alert_type, row.severity, row.status, row.address]));

    const refusal = await auditor.query("delete from auth_audit_logs").then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    insist(refusal !== undefined, "the auditor cannot delete");
    good(`The auditor tries to delete it → ${refusal.message}`);
  } finally {
    await auditor.end();
  }
}

/** What was typed is opened in a transaction that has the cell's key, and in no other. */
async function tellWhatOpens(auditor: pg.Client, since: Date): Promise<void> {
  const open = `
    select opened.email, opened.ip_address, result, count(*)::int as number
    from access_attempt_logs as log
    cross join lateral open_attempts(array[log.id], array[user_id], array[log.email], array[log.ip_address]) as opened
    where recorded_at >= $1
    group by 1, 2, 3
    order by number desc, 1, 3
    limit 3`;
  const refusal = await auditor.query(open, [since]).then(
    () => undefined,
    (error: unknown) => error as Error & { code?: string },
  );
  insist(refusal?.code === "SP522", "without a key nothing opens");
  good(`The auditor opens them without a key → ${refusal.message.replace(/ in this transaction$/, "")}`);

  await auditor.query("begin");
  const { rows: cells } = await auditor.query<{ id: string }>("select id from cell_settings");
  await unlockCell(auditor, { provider: keysForSeeds("development"), cellId: cells[0]!.id });
  const { rows } = await auditor.query(open, [since]);
  await auditor.query("commit");
  good("With it, for one transaction:");
  table(["typed", "from", "result", "number"], rows.map((row) => [row.email, row.ip_address, row.result, row.number]));
}
