import type { CatalogCheck } from "./catalog-check.js";

const ABOVE = "(select to_regrole(name)::oid from groups where is_above and to_regrole(name) is not null)";
const BELOW = "(select to_regrole(name)::oid from groups where not is_above and to_regrole(name) is not null)";

/** Roles that are there, and none above row-level security. */
export const roleAttributes: CatalogCheck = {
  id: "role-attributes",
  about:
    "group roles and logins exist; none is a superuser, has BYPASSRLS, makes roles or replicates; groups do not log in",
  sql: `
    select
      case when flaw.is_grave then 'critical' else 'warning' end,
      'role ' || quote_ident(rolname),
      flaw.problem,
      format('alter role %I %s;', rolname, flaw.mend)
    from pg_catalog.pg_roles
      cross join lateral (
        values
          (rolsuper, true, 'is a superuser, whom row-level security does not bind', 'nosuperuser'),
          (rolbypassrls, true, 'has BYPASSRLS: row-level security does not bind it', 'nobypassrls'),
          (rolcreaterole, true, 'may make roles, and so give itself others', 'nocreaterole'),
          (rolreplication, true, 'may replicate, which is to read every row', 'noreplication'),
          (
            rolcreatedb and rolname <> 'safetypin_migrator',
            false,
            'may make databases, and nothing of ours needs it',
            'nocreatedb'
          ),
          (
            rolcanlogin and rolname in (select name from groups),
            true,
            'is a group and may log in',
            'nologin'
          )
      ) as flaw (is_found, is_grave, problem, mend)
    where flaw.is_found
      and (
        rolname in (select name from groups union all select name from logins)
        or oid in (select role from applications)
      )
    union all
    select
      case when exists (select from groups where groups.name = expected.name) then 'critical' else 'warning' end,
      'role ' || quote_ident(expected.name),
      'does not exist',
      'safetypin bootstrap --cell ' || subject.cell
    from (select name from groups union all select name from logins) as expected, subject
    where to_regrole(quote_ident(expected.name)) is null`,
};

/** Nobody is a member of what would let them past the fences. */
export const memberships: CatalogCheck = {
  id: "memberships",
  about:
    "no login of an application reaches the owner, the definer, the keyholder, another group or a powerful role; nobody may become a login; the migrator inherits the owner only",
  sql: `
    -- What an application is must not lead upwards, by whatever way; told once, where the way begins.
    select
      'critical',
      'role ' || quote_ident(pg_get_userbyid(member)),
      'is a member of ' || pg_get_userbyid(role)
        || case when first = role then '' else ', by way of ' || pg_get_userbyid(first) end
        || case
          when role in ${ABOVE} then ', for which there are no fences'
          when pg_roles.rolsuper or pg_roles.rolbypassrls then ', whom row-level security does not bind'
          else ', which no login of ours needs'
        end,
      format('revoke %I from %I;', pg_get_userbyid(first), pg_get_userbyid(member))
    from reaches
      join pg_catalog.pg_roles on pg_roles.oid = reaches.role
    where member in (select role from applications)
      and first not in (select role from applications)
      and (
        role in ${ABOVE}
        or pg_roles.rolsuper
        or pg_roles.rolbypassrls
        or rolname = 'safetypin_migrator'
        -- PostgreSQL's own roles; a scraper may have those for scrapers.
        or (
          pg_roles.oid < 16384
          and not (
            rolname in ('pg_monitor', 'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables')
            and exists (
              select
              from reaches as scraper
              where scraper.member = reaches.member
                and scraper.role = to_regrole('safetypin_monitor')
            )
          )
        )
      )
    union all
    -- One login, one duty.
    select
      'critical',
      'role ' || quote_ident(pg_get_userbyid(member)),
      'is a member of ' || pg_get_userbyid(role) || ' besides ' || own.name,
      format('revoke %I from %I;', pg_get_userbyid(first), pg_get_userbyid(member))
    from reaches
      cross join lateral (
        select coalesce(
          (select group_name from logins where name = pg_get_userbyid(member)),
          (select name from groups where not is_above and to_regrole(name)::oid = member),
          (
            select 'safetypin_app'
            from reaches as other
            where other.member = reaches.member
              and other.is_usable
              and other.role = to_regrole('safetypin_app')
            limit 1
          )
        ) as name
      ) as own
    where member in (select role from applications)
      and role in ${BELOW}
      and own.name is not null
      and pg_get_userbyid(role) <> own.name
    union all
    select
      'warning',
      'role ' || quote_ident(name),
      'is not a member of ' || group_name || ', and so may do nothing',
      format('grant %I to %I;', group_name, name)
    from logins
    where to_regrole(quote_ident(name)) is not null
      and to_regrole(group_name) is not null
      and not pg_has_role(to_regrole(quote_ident(name)), to_regrole(group_name), 'usage')
    union all
    -- Who may become a login sets its password, and has it when it is another's no more.
    select
      'warning',
      'role ' || quote_ident(rolname),
      'may become ' || logins.name || ', and so set its password',
      format('revoke %I from %I;', logins.name, rolname)
        || case
          when rolname in (logins.name || '_b', regexp_replace(logins.name, '_b$', '')) then ''
          else format(' grant %I to %I; grant usage on schema %I, %s to %I;', group_name, rolname, subject.cell, subject.extensions, rolname)
        end
    from edges
      cross join subject
      join logins on to_regrole(quote_ident(logins.name))::oid = edges.role
      join pg_catalog.pg_roles on pg_roles.oid = edges.member
    where group_name is not null
      and edges.is_usable
      and not rolsuper
    union all
    -- The migrator takes what it needs for as long as it needs it.
    select
      'critical',
      'role safetypin_migrator',
      'inherits ' || name || ', and so walks through row-level security',
      case
        when current_setting('server_version_num')::integer >= 160000
          then format('revoke inherit option for %I from safetypin_migrator;', name)
        else 'alter role safetypin_migrator noinherit;'
      end
    from groups
    where to_regrole('safetypin_migrator') is not null
      and to_regrole(name) is not null
      and name <> 'safetypin_owner'
      and is_above
      and not (select rolsuper from pg_catalog.pg_roles where rolname = 'safetypin_migrator')
      and pg_has_role(to_regrole('safetypin_migrator'), to_regrole(name), 'usage')
    union all
    select
      'critical',
      'role safetypin_migrator',
      'is a member of ' || pg_get_userbyid(role) || ', and so sees rows',
      format('revoke %I from safetypin_migrator;', pg_get_userbyid(first))
    from reaches
    where member = to_regrole('safetypin_migrator')
      and role in ${BELOW}
    union all
    select
      'warning',
      'role ' || quote_ident(rolname),
      'may become ' || pg_get_userbyid(role) || ', which only the migration login needs',
      format('revoke %I from %I;', pg_get_userbyid(first), rolname)
    from reaches
      join pg_catalog.pg_roles on pg_roles.oid = member
    where role in ${ABOVE}
      and reaches.is_usable
      and not rolsuper
      and rolname <> 'safetypin_migrator'
      and member not in ${ABOVE}
      and member not in (select applications.role from applications)
    union all
    -- None of the three above is to be had by way of another.
    select
      'critical',
      'role ' || quote_ident(pg_get_userbyid(member)),
      'is a member of ' || pg_get_userbyid(role),
      format('revoke %I from %I;', pg_get_userbyid(first), pg_get_userbyid(member))
    from reaches
    where member in ${ABOVE}`,
};
