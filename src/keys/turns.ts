import type { ClientBase } from "pg";

const LOCK = "safetypin keys ";

/** One who rotates at a time; another is waited for. It ends with the connection, however that ends. */
export async function takeTurns(client: ClientBase, cell: string, onWait: () => void): Promise<void> {
  const name = `${LOCK}${cell}`;
  const { rows } = await client.query<{ taken: boolean }>("select pg_try_advisory_lock(hashtextextended($1, 0)) as taken", [name]);
  if (rows[0]!.taken) return;
  onWait();
  await client.query("select pg_advisory_lock(hashtextextended($1, 0))", [name]);
}

/** Whether somebody has the turn just now: one row, `is_now`. `$1` is the cell. */
export const TURN_IS_TAKEN = `
  select exists (
    select from pg_catalog.pg_locks
    where locktype = 'advisory'
      and granted
      and database = (select oid from pg_catalog.pg_database where datname = current_database())
      and (classid::bigint << 32) | objid::bigint = hashtextextended('${LOCK}' || $1, 0)
  ) as is_now`;
