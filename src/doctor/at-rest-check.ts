import type { ClientBase } from "pg";

import { quoteIdentifier } from "../migrations/cell.js";
import type { Finding } from "./finding.js";

export const AT_REST = "at-rest";

/** Each vendor's own settings, by which its service is known, and who can say what PostgreSQL cannot. */
const VENDORS: readonly { readonly setting: string; readonly name: string; readonly ask: string }[] = [
  {
    setting: "rds.extensions",
    name: "Amazon RDS or Aurora",
    ask: "aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,StorageEncrypted,KmsKeyId]'",
  },
  {
    setting: "azure.extensions",
    name: "Azure Database, which always encrypts",
    ask: "az postgres flexible-server show --query dataEncryption tells whose key it is",
  },
  {
    setting: "cloudsql.iam_authentication",
    name: "Cloud SQL, which always encrypts",
    ask: "gcloud sql instances describe INSTANCE --format='value(diskEncryptionConfiguration.kmsKeyName)' tells whose key it is",
  },
];

const OWN_SERVER = "PostgreSQL cannot say whether its volume is encrypted. On a server of your own: lsblk -o NAME,TYPE,MOUNTPOINT (docs/tls.md)";

/** What is known of encryption at rest, and what of it cannot be judged from here, with who can. */
export interface AtRest {
  readonly findings: readonly Finding[];
  readonly unseen: string;
}

/**
 * Asks Percona's `pg_tde` about each table that says something of people, where it is
 * installed. Volumes nobody can see from here: who is to be asked about this server is named.
 */
export async function checkAtRest(client: ClientBase, cell: string): Promise<AtRest> {
  const unseen = await explainVolume(client);
  const tables = await askPgTde(client, cell);
  if (tables === undefined) return { findings: [], unseen };
  return judgePgTde(tables, unseen);
}

/** A table that says something of people, and what pg_tde says of its files; null where it does not. */
export interface TableAtRest {
  /** With its schema, as SQL has it. */
  readonly name: string;
  readonly isEncrypted: boolean | null;
}

/** What pg_tde says of a cell's tables, and whether it encrypts the write-ahead log. */
export interface PgTde {
  readonly tables: readonly TableAtRest[];
  readonly encryptsWal: boolean;
}

export function judgePgTde({ tables, encryptsWal }: PgTde, volume: string): AtRest {
  const bare = tables.filter(({ isEncrypted }) => isEncrypted === false);
  const encrypted = tables.filter(({ isEncrypted }) => isEncrypted === true);
  const said = `pg_tde encrypts ${String(encrypted.length)} of the ${String(tables.length)} tables that say something of people`;
  const unseen = `${said}${encryptsWal ? ", and the write-ahead log" : ""}; not temporary files, and not a dump. ${volume}`;
  // It may be another application's in this database.
  if (encrypted.length === 0) return { findings: [], unseen };

  const findings = bare.map(({ name }): Finding => ({
    check: AT_REST,
    severity: "warning",
    object: `table ${name}`,
    problem: "says something of people, and pg_tde does not encrypt it, as it does others of this cell",
    remedy: `alter table ${name} set access method tde_heap;`,
  }));
  if (!encryptsWal) {
    findings.push({
      check: AT_REST,
      severity: "warning",
      object: "setting pg_tde.wal_encrypt",
      problem: "is off: what is encrypted in tables stands in the write-ahead log in the clear",
      remedy: "alter system set pg_tde.wal_encrypt = on; and restart the server, once it has a server key",
    });
  }
  return { findings, unseen };
}

/**
 * The function is pg_tde's own, or it is not asked. `undefined` where pg_tde is not installed
 * in this database, or whoever asks may not ask it.
 */
async function askPgTde(client: ClientBase, cell: string): Promise<PgTde | undefined> {
  const { rows: functions } = await client.query<{ schema: string }>(
    `select nspname as schema
     from pg_catalog.pg_extension
       join pg_catalog.pg_depend
         on refclassid = 'pg_catalog.pg_extension'::regclass and refobjid = pg_extension.oid and deptype = 'e'
         and classid = 'pg_catalog.pg_proc'::regclass
       join pg_catalog.pg_proc on pg_proc.oid = objid
       join pg_catalog.pg_namespace on pg_namespace.oid = pronamespace
     where extname = 'pg_tde'
       and proname = 'pg_tde_is_encrypted'
       and proargtypes::text = 'pg_catalog.regclass'::regtype::oid::text
       and prorettype = 'pg_catalog.bool'::regtype
       and prokind = 'f'
       and not proretset
       and has_schema_privilege(pronamespace, 'usage')
       and has_function_privilege(pg_proc.oid, 'execute')`,
  );
  const [found] = functions;
  if (found === undefined) return undefined;

  const { rows } = await client
    .query<TableAtRest & { encryptsWal: boolean }>(
      `with delicate as (
         select pg_class.oid
         from pg_catalog.pg_class
         where relnamespace = (select oid from pg_catalog.pg_namespace where nspname = $1)
           and relkind in ('r', 'p')
           and not relispartition
           and exists (
             select
             from pg_catalog.pg_attribute
             where attrelid = pg_class.oid
               and attnum > 0
               and not attisdropped
               and col_description(attrelid, attnum) ~ '\\[(personal|sealed|secret)\\]$'
           )
       )
       select
         format('%I.%I', nspname, relname) as name,
         ${quoteIdentifier(found.schema)}.pg_tde_is_encrypted(stored.oid::regclass) as "isEncrypted",
         coalesce(current_setting('pg_tde.wal_encrypt', true), 'off') = 'on' as "encryptsWal"
       from delicate
         cross join lateral (
           select oid from pg_catalog.pg_class where oid = delicate.oid
           union
           select relid from pg_catalog.pg_partition_tree(delicate.oid)
         ) as stored
         join pg_catalog.pg_class on pg_class.oid = stored.oid and relkind = 'r'
         join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
       order by 1`,
      [cell],
    )
    // Installed here, and not loaded by the server.
    .catch(() => ({ rows: [] }));
  return rows.length === 0 ? undefined : { tables: rows, encryptsWal: rows[0]?.encryptsWal === true };
}

/** Why volume encryption cannot be judged from here, and who is to be asked about this very server. */
async function explainVolume(client: ClientBase): Promise<string> {
  const { rows } = await client.query<{ place: number }>(
    `select place::integer
     from unnest($1::text[]) with ordinality as vendor (setting, place)
     where current_setting(setting, true) is not null
     order by place
     limit 1`,
    [VENDORS.map(({ setting }) => setting)],
  );
  const vendor = VENDORS[(rows[0]?.place ?? 0) - 1];
  if (vendor === undefined) return OWN_SERVER;
  return `PostgreSQL cannot say whether its volume is encrypted. This is ${vendor.name}: ${vendor.ask}`;
}
