import type { ClientBase } from "pg";

import { quoteIdentifier } from "../migrations/cell.js";
import type { Finding } from "./finding.js";

export const SLOW_QUERIES = "slow-queries";

/**
 * The five queries of the cell's logins that took longest on average, where
 * pg_stat_statements is there and may be read; `undefined` where not.
 */
export async function checkSlowQueries(client: ClientBase, cell: string): Promise<Finding[] | undefined> {
  const { rows: extensions } = await client.query<{ schema: string }>(
    `select nspname as schema
     from pg_catalog.pg_extension
       join pg_catalog.pg_namespace on pg_namespace.oid = extnamespace
     where extname = 'pg_stat_statements'
       and has_schema_privilege(extnamespace, 'usage')
       and pg_has_role('pg_read_all_stats', 'usage')`,
  );
  const [extension] = extensions;
  if (extension === undefined) return undefined;

  const statements = `${quoteIdentifier(extension.schema)}.pg_stat_statements`;
  const { rows } = await client
    .query<Finding>(
      `select
         'info' as severity,
         'query ' || queryid as object,
         format(
           'took %s ms on average over %s calls: %s',
           round(mean_exec_time::numeric, 1),
           calls,
           left(regexp_replace(query, '\\s+', ' ', 'g'), 120)
         ) as problem,
         'See its plan: explain (analyze, buffers) …' as remedy
       from ${statements}
         join pg_catalog.pg_roles on pg_roles.oid = userid
       where rolname ~ ('^' || $1 || '_[a-z]+_login(_b)?$')
         and dbid = (select oid from pg_catalog.pg_database where datname = current_database())
         and calls >= 5
         and mean_exec_time > 100
       order by mean_exec_time desc
       limit 5`,
      [cell],
    )
    // Installed here, and not loaded by the server.
    .catch(() => ({ rows: undefined }));
  return rows?.map((row) => ({ ...row, check: SLOW_QUERIES }));
}
