import pg from "pg";

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
    say("Attempts to sign in, addresses kept as keyed digests only:");
    table(["result", "number"], attempts.map(({ result, number }) => [result, number]));

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
