import type { ClientBase } from "pg";

import { quoteIdentifier } from "../migrations/cell.js";
import { TURN_AT_KEYS_IS_TAKEN } from "../turns.js";
import { asKeyholder, asRole } from "./as-role.js";
import type { Subject } from "./catalog-check.js";
import { findContextKeys } from "./context-keys-check.js";
import type { Finding } from "./finding.js";

export const KEYS = "keys";

/** After how many days a key is said to be old, where nobody says otherwise. */
export const KEY_AGE_DAYS = 365;

/** For how long a rotation that nobody is at may have been interrupted. */
const PATIENCE = "15 minutes";

/** For how long anything sealed under a key that only opens is looked for: every sealed table is read. */
const SEARCH_TIMEOUT_MS = 30_000;

/** How old keys may be. */
export interface KeyAgeOptions {
  readonly keyAgeDays?: number | undefined;
}

/**
 * Keys that are missing, old, on their way for too long, or left over. Reads as the
 * keyholder, so it needs a login that may become it; `undefined` for others.
 */
export async function checkKeys(
  client: ClientBase,
  { cell }: Pick<Subject, "cell">,
  { keyAgeDays = KEY_AGE_DAYS }: KeyAgeOptions = {},
): Promise<Finding[] | undefined> {
  const sealing = await asKeyholder(client, cell, async () => [
    ...(await findUnfinished(client, cell, keyAgeDays)),
    ...(await findBareCell(client, cell)),
    ...(await findKeyless(client, cell)),
    ...(await findLeftOver(client, cell)),
  ]);
  const own = await asRole(client, { cell, role: "safetypin_definer", table: "context_keys" }, () =>
    findContextKeys(client, { cell, keyAgeDays, patience: PATIENCE }),
  );
  return sealing && own && [...sealing, ...own.map((finding) => ({ ...finding, check: KEYS }))];
}

/** What every query about keys says of them: `key 3 of organization …`, and how the command is told of whom. */
const WORDS = `
  case when organization_id is null then 'the cell' else 'organization ' || organization_id end as owner,
  case when organization_id is null then '' else ' --organization ' || organization_id end || ' --cell ' || $1 as options`;

/** What is on its way for too long, and what has lasted too long. */
async function findUnfinished(client: ClientBase, cell: string, keyAgeDays: number): Promise<Finding[]> {
  const { rows } = await client.query<Omit<Finding, "check">>(
    `with
       rotated as (${TURN_AT_KEYS_IS_TAKEN}),
       keys as (select tenant_keys.*, ${WORDS} from tenant_keys),
       versions as (select blind_index_versions.*, ${WORDS} from blind_index_versions)
     select
       'warning' as severity,
       format('key %s of %s', key_id, owner) as object,
       format(
         'is pending since %s, and %s: a rotation is not over',
         to_char(creation_time at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'),
         case when check_value = '\\x0000000000000000' then 'was never proven' else 'was never activated' end
       ) as problem,
       'safetypin keys rotate' || options as remedy
     from keys, rotated
     where state = 'pending'
       and creation_time < now() - interval '${PATIENCE}'
       and not is_now
     union all
     select
       'warning',
       format('version %s of the blind indexes of %s', version, owner),
       format(
         'is in its phase %s since %s, and nobody rotates: each write makes indexes twice',
         phase, to_char(phase_time at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
       ),
       'safetypin keys rotate' || options
     from versions, rotated
     where phase not in ('steady', 'ended')
       and phase_time < now() - interval '${PATIENCE}'
       and not is_now
     union all
     select
       'warning',
       format('key %s of %s', key_id, owner),
       format('seals for %s days, and was to for %s at most', extract(day from now() - activation_time), $2::integer),
       'safetypin keys rotate' || options
     from keys
     where state = 'active'
       and activation_time < now() - make_interval(days => $2::integer)
     union all
     select
       'critical',
       'cell ' || quote_ident($1),
       'has keys, and none that seals: nobody registers or changes a password',
       'safetypin keys rotate --cell ' || $1
     from tenant_keys
     where organization_id is null
     having count(*) > 0 and count(*) filter (where state = 'active') = 0`,
    [cell, keyAgeDays],
  );
  return rows.map((row) => ({ ...row, check: KEYS }));
}

interface Field {
  readonly table: string;
  readonly column: string;
  readonly organization: string;
}

/** A cell that has no key of its own: because nobody has made it, or because it is gone. */
async function findBareCell(client: ClientBase, cell: string): Promise<Finding[]> {
  const { rows: keys } = await client.query("select from tenant_keys where organization_id is null limit 1");
  if (keys.length > 0) return [];

  const finding = { check: KEYS, object: `cell ${quoteIdentifier(cell)}` };
  const { rows: fields } = await client.query<Pick<Field, "table" | "column">>(
    `select table_name as table, column_name as column from sealed_fields where scope = 'cell' order by field_id`,
  );
  for (const { table, column } of fields) {
    const { rows } = await client.query(
      `select from ${quoteIdentifier(table)} where ${quoteIdentifier(column)} is not null limit 1`,
    );
    if (rows.length === 0) continue;
    return [{ ...finding, severity: "critical", problem: `has sealed values, such as ${table}.${column}, and ${GONE}`, remedy: BRING_BACK }];
  }
  return [{ ...finding, severity: "warning", problem: "has no key: nobody can register", remedy: `safetypin keys init --cell ${cell}` }];
}

const GONE = "its keys are not in tenant_keys: they open no more";
const BRING_BACK = "Take its rows of tenant_keys from a backup of this cell (docs/disaster-recovery.md)";

/** Organizations about which something is sealed, and that have nothing to seal with. */
async function findKeyless(client: ClientBase, cell: string): Promise<Finding[]> {
  const { rows: fields } = await client.query<Field>(
    `select table_name as table, column_name as column, organization_column as organization
     from sealed_fields where scope = 'organization' order by field_id`,
  );
  const findings = new Map<string, Finding>();
  for (const { table, column, organization } of fields) {
    const { rows } = await client.query<{ id: string; hasKeys: boolean }>(
      `select distinct
         sealed.${quoteIdentifier(organization)} as id,
         exists (select from tenant_keys where tenant_id = sealed.${quoteIdentifier(organization)}) as "hasKeys"
       from ${quoteIdentifier(table)} as sealed
       where sealed.${quoteIdentifier(column)} is not null
         and not exists (
           select from tenant_keys
           where tenant_id = sealed.${quoteIdentifier(organization)} and state in ('active', 'destroyed')
         )
       order by id
       limit 100`,
    );
    for (const { id, hasKeys } of rows) {
      findings.set(id, {
        check: KEYS,
        severity: "critical",
        object: `organization ${id}`,
        problem: hasKeys
          ? `has sealed values, such as ${table}.${column}, and no key that seals`
          : `has sealed values, such as ${table}.${column}, and ${GONE}`,
        remedy: hasKeys
          ? `safetypin keys rotate --organization ${id} --cell ${cell}`
          : BRING_BACK,
      });
    }
  }
  return [...findings.values()];
}

/** Keys that only open, and under which nothing is left to open. */
async function findLeftOver(client: ClientBase, cell: string): Promise<Finding[]> {
  await client.query("savepoint search");
  try {
    await client.query("select set_config('statement_timeout', $1, true)", [String(SEARCH_TIMEOUT_MS)]);
    const { rows } = await client.query<Omit<Finding, "check">>(
      `select
         'info' as severity,
         format('key %s of %s', key_id, owner) as object,
         format(
           'only opens since %s, and nothing is sealed under it any more',
           to_char(decrypt_only_time at time zone 'UTC', 'YYYY-MM-DD')
         ) as problem,
         format('safetypin keys retire %s%s', key_id, options) as remedy
       from (select tenant_keys.*, ${WORDS} from tenant_keys) as keys
       where state = 'decrypt_only'
         and decrypt_only_time < now() - interval '${PATIENCE}'
         and _find_sealed_under(organization_id, key_id) is null`,
      [cell],
    );
    return rows.map((row) => ({ ...row, check: KEYS }));
  } catch (error) {
    // Too much to read for a look in passing: the next rotation looks for as long as it takes.
    if ((error as { code?: unknown }).code !== "57014") throw error;
    await client.query("rollback to savepoint search");
    return [];
  }
}
