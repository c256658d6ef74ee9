import type { ClientBase } from "pg";

import { quoteIdentifier } from "../migrations/cell.js";
import { asRole } from "./as-role.js";
import type { Finding } from "./finding.js";

export const CLOCK = "clock";
export const ALERTS = "alerts";

/** How far a clock may be behind before somebody is told; the mark is kept to the minute. */
const CLOCK_TOLERANCE_S = 5;

/** How far before it is rather the mark that is wrong: while it is ahead, sessions do not age and throttles do not lift. */
const MARK_TOLERANCE_S = 3600;

/**
 * What the cell itself has noticed: a clock that went back, alerts that nobody
 * has resolved. Reads as the definer, so it needs a login that may become it;
 * `undefined` for others.
 */
export async function checkEvidence(client: ClientBase, cell: string): Promise<Finding[] | undefined> {
  const schema = quoteIdentifier(cell);
  return asRole(client, { cell, role: "safetypin_definer", table: "security_alerts" }, async () => {
    const clock = await client.query<Finding>(
      `select
         case when is_far then 'critical' else 'warning' end as severity,
         case when is_far then 'sequence clock_high_water' else 'server''s clock' end as object,
         case
           when is_far then format('is %s h ahead of the clock: until then sessions do not age and throttles do not lift', round(behind / 3600))
           else format('is %s s behind the latest time the cell has seen', round(behind))
         end as problem,
         case
           when is_far then format(
             'See to the machine''s time first. When its clock is right, as safetypin_migrator: select setval(%L, (extract(epoch from clock_timestamp()) * 1000000)::bigint);',
             $3::text || '.clock_high_water'
           )
           else 'See to the machine''s time synchronisation (chronyc tracking). Expired sessions stay expired meanwhile'
         end as remedy
       from (
         select last_value / 1000000.0 - extract(epoch from clock_timestamp()) as behind
         from ${schema}.clock_high_water
       ) as mark
         cross join lateral (select behind > $2::integer) as far (is_far)
       where behind > $1::integer`,
      [CLOCK_TOLERANCE_S, MARK_TOLERANCE_S, schema],
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
  });
}
