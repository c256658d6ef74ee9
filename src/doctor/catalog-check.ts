import type { ClientBase } from "pg";

import type { Environment } from "../migrations/environment.js";
import type { Finding } from "./finding.js";

/**
 * A check that one query answers from the catalog and the settings, which every
 * login may read. Its rows are findings: `severity`, `object`, `problem`,
 * `remedy`, all text. It may use the tables of {@link SUBJECT}, and no others of
 * the cell: whoever asks need not be allowed to read them.
 */
export interface CatalogCheck {
  /** The check's stable name. */
  readonly id: string;

  /** What it looks for, as a line of `docs/doctor.md`. */
  readonly about: string;

  readonly sql: string;
}

/** What the checks are about. */
export interface Subject {
  readonly cell: string;

  /** Some things that may pass in development are critical in production. */
  readonly environment: Environment;
}

/*
 * What every check is about, as tables:
 *
 *   subject       the cell, its schema, the schema of the extensions
 *   groups        the eight group roles; above are those that applications never are
 *   logins        the migration login and those of this cell, two for each group, which take turns
 *   edges         who is a member of what; usable when the member has its rights, or
 *                 may take them: an administrator of 16 and later who made a role
 *                 is a member who can do neither
 *   reaches       edges, followed to the end; first is where the way begins
 *   applications  the five lower groups, the cells' logins, and who else belongs to them
 *   relations     what the cell's schema holds, and partitions that are elsewhere;
 *                 called with its schema, for statements that work on any path
 */
const SUBJECT = `
with recursive
  subject (cell, environment, schema, extensions) as (
    select
      $1::text,
      $2::text,
      to_regnamespace(quote_ident($1::text)),
      (select extnamespace::regnamespace from pg_catalog.pg_extension where extname = 'pgcrypto')
  ),
  groups (name, is_above) as (
    values
      ('safetypin_owner', true),
      ('safetypin_definer', true),
      ('safetypin_keyholder', true),
      ('safetypin_app', false),
      ('safetypin_mailer', false),
      ('safetypin_operator', false),
      ('safetypin_backup', false),
      ('safetypin_auditor', false),
      ('safetypin_monitor', false)
  ),
  logins (name, group_name, is_second) as (
    values ('safetypin_migrator', null, false)
    union all
    select
      subject.cell || '_' || substr(groups.name, 11) || '_login' || case when is_second then '_b' else '' end,
      groups.name,
      is_second
    from subject, groups, unnest(array[false, true]) as is_second
    where not is_above
  ),
  edges (member, role, is_usable) as (
    select
      member,
      roleid,
      coalesce((to_jsonb(pg_auth_members) ->> 'inherit_option')::boolean, true)
        or coalesce((to_jsonb(pg_auth_members) ->> 'set_option')::boolean, true)
    from pg_catalog.pg_auth_members
  ),
  reaches (member, role, first, is_usable) as (
    select member, role, role, is_usable
    from edges
    union
    select reaches.member, edges.role, reaches.first, reaches.is_usable and edges.is_usable
    from reaches
      join edges on edges.member = reaches.role
  ),
  applications (role) as (
    select pg_roles.oid
    from pg_catalog.pg_roles
    where not rolsuper
      and (
        rolname in (select name from groups where not is_above)
        or rolname in (select name from logins where group_name is not null)
        or oid in (
          select member
          from reaches
          where is_usable
            and role in (select to_regrole(name)::oid from groups where not is_above)
        )
      )
      and rolname <> 'safetypin_migrator'
  ),
  relations (oid, name, called, kind, owner, acl, is_partition) as (
    select
      pg_class.oid,
      case when relnamespace = subject.schema then quote_ident(relname) else format('%I.%I', nspname, relname) end,
      format('%I.%I', nspname, relname),
      relkind,
      relowner,
      relacl,
      relispartition
    from pg_catalog.pg_class
      join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
      cross join subject
    where relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and (
        relnamespace = subject.schema
        or (
          relispartition
          and exists (
            select
            from pg_catalog.pg_class as root
            where root.oid = pg_partition_root(pg_class.oid)
              and root.relnamespace = subject.schema
          )
        )
      )
  )`;

/** Asks all the checks in one round trip. */
export async function runCatalogChecks(
  client: ClientBase,
  { cell, environment }: Subject,
  checks: readonly CatalogCheck[],
): Promise<Finding[]> {
  const answers = checks.map(
    ({ id, sql }) =>
      `select '${id}' as "check", found.* from (${sql}) as found (severity, object, problem, remedy)`,
  );
  const { rows } = await client.query<Finding>(`${SUBJECT}\n${answers.join("\nunion all\n")}`, [
    cell,
    environment,
  ]);
  return rows;
}
