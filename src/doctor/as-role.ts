import type { ClientBase } from "pg";

import { quoteIdentifier } from "../migrations/cell.js";

/** Whom a check reads as, and a table of the cell without which there is nothing to read. */
export interface Reader {
  readonly cell: string;
  readonly role: "safetypin_keyholder" | "safetypin_definer";
  readonly table: string;
}

/**
 * Does the work as a role that sees more, in a transaction that changes nothing and whose
 * path is the cell; `undefined` where one may not become it, or there is no such table.
 */
export async function asRole<Result>(
  client: ClientBase,
  { cell, role, table }: Reader,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  const { rows } = await client.query<{ may: boolean }>(
    `select
       to_regrole($2) is not null
       and exists (
         select from pg_catalog.pg_class where relnamespace = to_regnamespace(quote_ident($1)) and relname = $3
       )
       and pg_has_role(
         to_regrole($2),
         case when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end
       ) as may`,
    [cell, role, table],
  );
  if (rows[0]?.may !== true) return undefined;

  await client.query("begin read only");
  try {
    await client.query("select set_config('role', $1, true)", [role]);
    await client.query("select set_config('search_path', $1, true)", [`${quoteIdentifier(cell)}, pg_temp`]);
    return await work();
  } finally {
    await client.query("rollback").catch(() => undefined);
  }
}

/** Does the work as the keyholder. */
export async function asKeyholder<Result>(
  client: ClientBase,
  cell: string,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  return asRole(client, { cell, role: "safetypin_keyholder", table: "tenant_keys" }, work);
}
