import type { ClientBase } from "pg";

import { TURN_AT_KEYS_IS_TAKEN } from "../turns.js";
import type { Finding } from "./finding.js";

/** For how long after the last of what a digest key counted may be forgotten it may still be there. */
const GRACE = "3 days";

/**
 * The keys that the database makes for itself: those that are old, and a digest key before
 * that should have gone. Reads as the definer; what the problems are of, the caller says.
 */
export async function findContextKeys(
  client: ClientBase,
  { cell, keyAgeDays, patience }: { readonly cell: string; readonly keyAgeDays: number; readonly patience: string },
): Promise<Omit<Finding, "check">[]> {
  const { rows } = await client.query<Omit<Finding, "check">>(
    `with
       rotated as (${TURN_AT_KEYS_IS_TAKEN}),
       earlier as (
         select
           id,
           retired_time,
           (select count(*) from sign_in_throttles where key_id = digest_keys.id and user_id is not null) as people
         from digest_keys
         where retired_time is not null
       ),
       rotating as (
         select purpose, creation_time from context_keys where purpose <> 'ledger' and retired_time is null
         union all
         select 'digest', creation_time from digest_keys where purpose = 'address' and retired_time is null
       )
     select
       'warning' as severity,
       'key for ' || case purpose when 'digest' then 'digests' when 'context' then 'contexts' else 'refresh tokens' end as object,
       format('is in use for %s days, and was to be for %s at most', extract(day from now() - creation_time), $2::integer) as problem,
       case purpose
         when 'digest' then 'safetypin keys rotate --digest --cell ' || $1
         else format('as %s_operator_login: select %I.rotate_context_key(%L);', $1, $1, purpose)
       end as remedy
     from rotating
     where creation_time < now() - make_interval(days => $2::integer)
     union all
     select
       'warning',
       'key for digests',
       format('was rotated, and failures of %s people are counted under the one before: a rotation is not over', people),
       'safetypin keys rotate --digest --cell ' || $1
     from earlier, rotated
     where people > 0
       and retired_time < now() - interval '${patience}'
       and not is_now
     union all
     select
       'warning',
       'key for digests',
       format('was rotated %s days ago, and the one before is still there', extract(day from now() - retired_time)),
       'safetypin maintain --once --cell ' || $1
     from earlier
     where people = 0
       and retired_time < now() - interval '30 days' - interval '${GRACE}'
     order by object, problem`,
    [cell, keyAgeDays],
  );
  return rows;
}
