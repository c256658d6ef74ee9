import type { ClientBase } from "pg";

import { quoteIdentifier } from "../migrations/cell.js";
import type { Finding } from "./finding.js";

export const CLOCK = "clock";
export const ALERTS = "alerts";

/** How far a clock may be behind before somebody is told; the mark is kept to the minute. */
const CLOCK_TOLERANCE_S = 5;

/**
 * What the cell itself has noticed: a clock that went back, alerts that nobody
 * has resolved. Reads as the definer, so it needs a login that may become it;
 * `undefined` for others.
 */
export async function checkEvidence(client: ClientBase, cell: string): Promise<Finding[] | undefined> {
  const { rows } = await client.query<{ may: boolean }>(
    `select
       to_regrole('safetypin_definer') is not null
       and pg_has_role(
         to_regrole('safetypin_definer'),
         case when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end
       ) as may`,
  );
  if (rows[0]?.may !== true) return undefined;

  const schema = quoteIdentifier(cell);
  await client.query("begin read only");
  try {
    await client.query("set local role safetypin_definer");
    const clock = await client.query<Finding>(
      `select
         'warning' as severity,
         'server''s clock' as object,
         format('is %s s behind the latest time the cell has seen', round(behind)) as problem,
         'See to the machine''s time synchronisation (chronyc tracking). Expired sessions stay expired meanwhile' as remedy
       from (
         select last_value - extract(epoch from clock_timestamp()) as behind
         from ${schema}.clock_high_water
       ) as mark
       where behind > $1`,
      [CLOCK_TOLERANCE_S],
    );
    const alerts = await client.query<Finding>(
      `select
         'warning' as severity,
         'alert ' || alert_type as object,
         format(
           '%s critical alert%s nobody resolved, the oldest of %s',
           count(*),
           case when count(*) = 1 then '' else 's' end,
           to_char(min(creation_time) at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
         ) as problem,
         format(
           'Read them as %1$s_auditor_login: select * from %2$s.security_alerts where alert_type = %3$L and status <> ''resolved'';',
           $1::text, quote_ident($1::text), alert_type
         ) as remedy
       from ${schema}.security_alerts
       where severity = 'critical'
         and status <> 'resolved'
       group by alert_type`,
      [cell],
    );
    return [
      ...clock.rows.map((row) => ({ ...row, check: CLOCK })),
      ...alerts.rows.map((row) => ({ ...row, check: ALERTS })),
    ];
  } finally {
    await client.query("rollback").catch(() => undefined);
  }
}
