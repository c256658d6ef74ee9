import type { CatalogCheck } from "./catalog-check.js";

/** Passwords that are about to end, and rotations that are not over. */
export const credentials: CatalogCheck = {
  id: "credentials",
  about: "no login's password ends soon, and of two logins that take turns one may log in",
  sql: `
    select
      'warning',
      'role ' || quote_ident(role.rolname),
      case when role.rolvaliduntil <= now() then 'has a password that ended on ' else 'has a password that ends on ' end
        || to_char(role.rolvaliduntil at time zone 'utc', 'YYYY-MM-DD HH24:MI "UTC"'),
      case
        when logins.group_name is null then 'Set another from psql: \\password ' || quote_ident(role.rolname)
        else format('safetypin credentials rotate %s --cell %s', substr(logins.group_name, 11), subject.cell)
      end
    from logins
      cross join subject
      join pg_catalog.pg_roles as role on role.rolname in (logins.name, logins.name || '_b')
    where not logins.is_second
      and role.rolcanlogin
      and isfinite(role.rolvaliduntil)
      and role.rolvaliduntil < now() + interval '14 days'
      -- That one of two ends is what a rotation does.
      and not exists (
        select
        from pg_catalog.pg_roles as other
        where other.rolname in (logins.name, logins.name || '_b')
          and other.rolname <> role.rolname
          and other.rolcanlogin
      )
    union all
    select
      'warning',
      'role ' || quote_ident(second.rolname),
      'logs in beside ' || quote_ident(first.rolname) || ': a rotation of its password is not over',
      format('safetypin credentials rotate %s --cell %s', substr(logins.group_name, 11), subject.cell)
    from logins
      cross join subject
      join pg_catalog.pg_roles as first on first.rolname = logins.name
      join pg_catalog.pg_roles as second on second.rolname = logins.name || '_b'
    where logins.group_name is not null
      and not logins.is_second
      and first.rolcanlogin
      and second.rolcanlogin`,
};
