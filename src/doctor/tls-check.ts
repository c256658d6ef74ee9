import type { ClientBase } from "pg";

import type { Subject } from "./catalog-check.js";
import type { Finding } from "./finding.js";

export const TLS = "tls";

/**
 * Whether what crosses a network is encrypted, and well: this connection, those of the
 * cell's logins as far as whoever asks may see them, and what the server would accept.
 */
export async function checkTls(client: ClientBase, { cell, environment }: Subject): Promise<Finding[]> {
  const { rows } = await client.query<Omit<Finding, "check">>(
    `with
       -- Without those that only a superuser, or who belongs to pg_read_all_settings, may see.
       settings as (
         select name, setting from pg_catalog.pg_settings where name in ('ssl_min_protocol_version', 'ssl_ciphers')
       ),
       connections as (
         select
           activity.pid,
           usename,
           client_addr,
           pg_stat_ssl.ssl,
           pg_stat_ssl.version,
           activity.pid = pg_backend_pid() as is_ours
         from pg_catalog.pg_stat_activity as activity
           join pg_catalog.pg_stat_ssl using (pid)
         where datname = current_database()
           and client_addr is not null
           and not client_addr <<= any (array['127.0.0.0/8', '::1/128']::inet[])
       ),
       ciphers as (
         select cipher
         from regexp_split_to_table((select setting from settings where name = 'ssl_ciphers'), '[:, ]+') as cipher
         where cipher ~* '^(all|complementofall|[ae]?null|exp|low|adh|aecdh|rc4|des|md5)'
       )
     select
       case when $2 = 'production' then 'critical' else 'warning' end as severity,
       'connection of ' || quote_ident(usename) || case when bool_or(is_ours) then ', this one' else '' end as object,
       'crosses the network in the clear, from ' || string_agg(distinct host(client_addr), ', ') as problem,
       'Connect with sslmode=verify-full, and let pg_hba.conf say hostssl' as remedy
     from connections
     where ssl is false
       and (is_ours or usename = 'safetypin_migrator' or usename ~ ('^' || $1 || '_[a-z]+_login(_b)?$'))
     group by usename
     union all
     select
       'warning',
       'connection of ' || quote_ident(usename),
       'is encrypted with ' || version || ', which is broken',
       'Upgrade what connects from there, and: alter system set ssl_min_protocol_version = ''TLSv1.2''; select pg_reload_conf();'
     from connections
     where version in ('SSLv3', 'TLSv1', 'TLSv1.1')
     group by usename, version
     union all
     select
       'warning',
       'setting ssl_min_protocol_version',
       'lets connections be made with TLS 1.0 or 1.1, which are broken',
       'alter system set ssl_min_protocol_version = ''TLSv1.2''; select pg_reload_conf();'
     from settings
     where name = 'ssl_min_protocol_version' and setting in ('', 'TLSv1', 'TLSv1.1')
     union all
     select
       'warning',
       'setting ssl_ciphers',
       'takes ciphers that protect nothing, or not for long: ' || string_agg(cipher, ', '),
       'alter system reset ssl_ciphers; select pg_reload_conf();'
     from ciphers
     having count(*) > 0`,
    [cell, environment],
  );
  return rows.map((row) => ({ ...row, check: TLS }));
}
