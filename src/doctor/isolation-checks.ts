import type { CatalogCheck } from "./catalog-check.js";

/** Row-level security on every table, and binding its owner too. */
export const rowSecurity: CatalogCheck = {
  id: "row-security",
  about: "row-level security is enabled and forced on every table, partitions too",
  sql: `
    select
      'critical',
      (case when is_partition then 'partition ' else 'table ' end) || relations.name,
      flaw.problem,
      format('alter table %s %s row level security;', relations.called, flaw.mend)
    from relations
      join pg_catalog.pg_class on pg_class.oid = relations.oid
      cross join lateral (
        values
          (not relrowsecurity, 'has no row-level security: whoever may select from it reads every row', 'enable'),
          (not relforcerowsecurity, 'does not force row-level security: its owner walks through', 'force')
      ) as flaw (is_found, problem, mend)
    where kind in ('r', 'p')
      and flaw.is_found
    union all
    select
      'critical',
      (case kind when 'm' then 'materialized view ' else 'foreign table ' end) || relations.name,
      'cannot have row-level security, and an application may read it',
      format('revoke all on %s from public, %I;', relations.called, rolname)
    from relations
      cross join (
        select pg_roles.oid as role, rolname
        from pg_catalog.pg_roles
        where rolname in ('safetypin_app', 'safetypin_mailer', 'safetypin_operator', 'safetypin_monitor')
      ) as readers
    where kind in ('m', 'f')
      and has_any_column_privilege(readers.role, relations.oid, 'select')`,
};

/*
 * A fence is known by what it depends on, not by its name or text: its condition
 * has to ask current_organization_id(), or another table that is fenced.
 */
const FENCED = `
  select polrelid
  from pg_catalog.pg_policy
    join pg_catalog.pg_depend
      on classid = 'pg_catalog.pg_policy'::regclass
      and objid = pg_policy.oid
  where not polpermissive
    and polcmd = '*'
    and (0 = any (polroles) or to_regrole('safetypin_app')::oid = any (polroles))
    and (
      (
        refclassid = 'pg_catalog.pg_proc'::regclass
        and refobjid in (
          select pg_proc.oid
          from pg_catalog.pg_proc, subject
          where pronamespace = subject.schema and proname = 'current_organization_id'
        )
      )
      or (
        refclassid = 'pg_catalog.pg_class'::regclass
        and refobjid <> polrelid
        and refobjid in (select oid from relations)
      )
    )`;

/** Every tenant's table has a fence that no permissive policy can open. */
export const fences: CatalogCheck = {
  id: "fences",
  about:
    "every table with an organization in it has its restrictive fence; no policy is for everybody or without a condition where there is something personal",
  sql: `
    select
      'critical',
      'table ' || relations.name,
      'has no fence: a permissive policy alone decides whose rows an application sees',
      case
        when fenced_by_its_own.is_true or relations.name = 'organizations' then format(
          'drop policy if exists tenant_fence on %1$s; create policy tenant_fence on %1$s as restrictive to safetypin_app using (%2$s = (select %3$I.current_organization_id())) with check (false);',
          relations.called,
          case relations.name when 'organizations' then 'id' else 'organization_id' end,
          subject.cell
        )
        else 'Restore the policy tenant_fence from the chapter that makes the table: safetypin migrate status --check'
      end
    from subject
      cross join relations
      cross join lateral (
        select exists (
          select
          from pg_catalog.pg_attribute
          where attrelid = relations.oid and attname = 'organization_id' and not attisdropped
        ) as is_true
      ) as fenced_by_its_own
    where kind in ('r', 'p')
      and not is_partition
      and (
        (
          fenced_by_its_own.is_true
          and to_regrole('safetypin_app') is not null
          and has_any_column_privilege(to_regrole('safetypin_app'), relations.oid, 'select, insert, update')
        )
        or relations.name in ('organizations', 'role_permissions', 'session_activities')
      )
      and relations.oid not in (${FENCED})
    union all
    -- A partition is reached through its parent, where the policies are; but pg_dump names it.
    select
      'critical',
      'partition ' || relations.name,
      'may be read around its parent, which has the policies, by ' || case grantee when 0 then 'everybody' else pg_get_userbyid(grantee) end,
      format(
        'revoke all on %s from %s;',
        relations.called,
        case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end
      )
    from relations
      cross join lateral aclexplode(acl)
    where is_partition
      and grantee <> relations.owner
      and (grantee, privilege_type) is distinct from (to_regrole('safetypin_backup')::oid, 'SELECT')
    group by relations.called, relations.name, grantee
    union all
    select
      'critical',
      'policy ' || relations.name || '.' || polname,
      'is for everybody and not for a role',
      format('alter policy %I on %s to safetypin_app;', polname, relations.called)
    from pg_catalog.pg_policy
      join relations on relations.oid = polrelid
    where 0 = any (polroles)
    union all
    select
      'critical',
      'policy ' || relations.name || '.' || polname,
      'shows applications every row of a table that holds something personal',
      format('drop policy %I on %s;', polname, relations.called)
    from pg_catalog.pg_policy
      join relations on relations.oid = polrelid
    where polpermissive
      and polcmd in ('*', 'r')
      and to_regrole('safetypin_app')::oid = any (polroles)
      and pg_get_expr(polqual, polrelid) = 'true'
      and relations.oid not in (${FENCED})
      and exists (
        select
        from pg_catalog.pg_attribute
        where attrelid = relations.oid
          and attnum > 0
          and not attisdropped
          and (
            attname in ('organization_id', 'user_id')
            or col_description(attrelid, attnum) ~ '\\[(personal|secret|sealed)\\]$'
          )
          and has_column_privilege(to_regrole('safetypin_app'), attrelid, attnum, 'select')
      )
      and relations.name not in ('password_blocklist')`,
};

/** Functions that act for others cannot be made to run somebody else's code. */
export const functions: CatalogCheck = {
  id: "functions",
  about:
    "functions pin their path, with pg_temp last; security definer functions belong to our roles; none is executable by everybody, now or by default, or called leakproof",
  sql: `
    with found as (
      select
        pg_proc.oid,
        prosecdef,
        proleakproof,
        prosqlbody is not null as is_bound,
        prokind,
        proacl,
        proowner,
        format('%I(%s)', proname, pg_get_function_identity_arguments(pg_proc.oid)) as signature,
        format('%I.%I(%s)', subject.cell, proname, pg_get_function_identity_arguments(pg_proc.oid)) as called,
        array(
          select trim(entry, ' "')
          from unnest(proconfig) as setting
            cross join lateral unnest(string_to_array(substr(setting, 13), ',')) with ordinality as path (entry, place)
          where setting like 'search\\_path=%'
          order by place
        ) as path,
        array[
          subject.cell,
          (select nspname::text from pg_catalog.pg_namespace where pg_namespace.oid = subject.extensions),
          'pg_temp'
        ] as wanted_path,
        subject.extensions
      from pg_catalog.pg_proc, subject
      where pronamespace = subject.schema
        and prokind <> 'a'
    )
    select
      case when prosecdef then 'critical' else 'warning' end,
      'function ' || signature,
      case
        when cardinality(path) = 0 then 'pins no search_path: whoever calls it chooses what its names mean'
        when path[cardinality(path)] <> 'pg_temp'
          then 'pins a search_path that does not end with pg_temp: temporary tables come first'
        else 'pins the search_path ' || array_to_string(path, ', ') || ', which is not its cell''s'
      end,
      format(
        'alter function %s set search_path = %s;',
        called,
        (select string_agg(quote_ident(entry), ', ' order by place) from unnest(wanted_path) with ordinality as wanted (entry, place))
      )
    from found
    where path <> wanted_path
      and extensions is not null
      and (prosecdef or not is_bound)
    union all
    select
      'critical',
      'function ' || signature,
      'runs with the rights of ' || pg_get_userbyid(proowner) || ', which is none of ours',
      format('alter function %s owner to safetypin_definer;', called)
    from found
    where prosecdef
      and proowner not in (select to_regrole(name)::oid from groups where is_above and to_regrole(name) is not null)
    union all
    select
      'critical',
      'function ' || signature,
      'may be called by everybody',
      format('revoke execute on function %s from public;', called)
    from found
    where exists (
      select
      from aclexplode(coalesce(proacl, acldefault('f', proowner)))
      where grantee = 0
    )
    union all
    select
      'critical',
      'function ' || signature,
      'is called leakproof: it may be asked about rows before the policies are',
      format('alter function %s not leakproof;', called)
    from found
    where proleakproof
    union all
    select
      'critical',
      'default privileges of ' || name || ' on functions',
      'let everybody call each function that is yet to be made',
      format('alter default privileges for role %I revoke execute on functions from public;', name)
    from groups
    where is_above
      and to_regrole(name) is not null
      and exists (
        select
        from aclexplode(
          coalesce(
            (
              select defaclacl
              from pg_catalog.pg_default_acl
              where defaclrole = to_regrole(name)
                and defaclnamespace = 0
                and defaclobjtype = 'f'
            ),
            acldefault('f', to_regrole(name)::oid)
          )
        )
        where grantee = 0
      )`,
};

/** Views show the caller's rows and not their owner's. */
export const views: CatalogCheck = {
  id: "views",
  about: "views run as their caller (security_invoker) and behind a barrier (security_barrier)",
  sql: `
    select
      flaw.severity,
      'view ' || relations.name,
      flaw.problem,
      format('alter view %s set (%s = true);', relations.called, flaw.option)
    from relations
      join pg_catalog.pg_class on pg_class.oid = relations.oid
      cross join (
        values
          ('critical', 'security_invoker', 'reads with its owner''s rights and not its caller''s'),
          ('warning', 'security_barrier', 'lets a caller''s function see rows before its condition does')
      ) as flaw (severity, option, problem)
    where kind = 'v'
      and not exists (
        select
        from pg_options_to_table(reloptions)
        where option_name = flaw.option
          and option_value in ('true', 'on', 'yes', '1')
      )`,
};

/** Tables whose rows not even the owner of the others may reach: see 0003 keys. */
const KEY_TABLES = [
  "sealed_fields", "tenant_keys", "subject_salts", "blind_index_versions", "blind_indexes", "cell_incarnations",
];

/** What the cell is made of belongs to its owner, and what its keys are made of to the keyholder. */
export const ownership: CatalogCheck = {
  id: "ownership",
  about:
    "the schema and its tables belong to safetypin_owner, those of the keys to safetypin_keyholder, its functions to our three owners",
  sql: `
    select
      'critical',
      (case kind when 'v' then 'view ' when 'm' then 'materialized view ' when 'S' then 'sequence ' when 'f' then 'foreign table ' else 'table ' end)
        || relations.name,
      'belongs to ' || pg_get_userbyid(relations.owner) || ', who may turn its policies off',
      format(
        'alter %s %s owner to %s;',
        case kind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table' else 'table' end,
        relations.called,
        rightful.owner
      )
    from relations
      cross join lateral (
        select case
          when relations.name in (${KEY_TABLES.map((name) => `'${name}'`).join(", ")}) then 'safetypin_keyholder'
          else 'safetypin_owner'
        end
      ) as rightful (owner)
    where relations.owner is distinct from to_regrole(rightful.owner)::oid
      and not (kind = 'S' and relations.owner in (select to_regrole(name)::oid from groups where is_above and to_regrole(name) is not null))
    union all
    select
      'critical',
      'schema ' || quote_ident(nspname),
      'belongs to ' || pg_get_userbyid(nspowner),
      format('alter schema %I owner to safetypin_owner;', nspname)
    from pg_catalog.pg_namespace, subject
    where pg_namespace.oid = subject.schema
      and nspowner is distinct from to_regrole('safetypin_owner')::oid
`,
};

/** Nobody else can put something into a schema that our functions look into. */
export const schemas: CatalogCheck = {
  id: "schemas",
  about:
    "the cell's schema is there; nobody else creates in it, in that of the extensions, or for everybody in public; no login opens two cells; no TEMP for everybody",
  sql: `
    select
      'critical',
      'schema ' || quote_ident(nspname),
      case grantee when 0 then 'everybody' else pg_get_userbyid(grantee) end
        || ' may create in it, and so stand before what our functions call',
      format(
        'revoke create on schema %I from %s;',
        nspname,
        case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end
      )
    from pg_catalog.pg_namespace
      cross join subject
      cross join lateral aclexplode(nspacl)
    where privilege_type = 'CREATE'
      and grantee <> nspowner
      and (
        (
          pg_namespace.oid = subject.schema
          and grantee not in (select to_regrole(name)::oid from groups where is_above and to_regrole(name) is not null)
        )
        or (
          pg_namespace.oid = subject.extensions
          and (grantee = 0 or not (select rolsuper from pg_catalog.pg_roles where pg_roles.oid = grantee))
        )
      )
    union all
    select
      'critical',
      'schema ' || quote_ident(subject.cell),
      'is open to ' || case grantee when 0 then 'everybody' else pg_get_userbyid(grantee) end
        || ': one credential must not open every cell',
      format(
        'revoke usage on schema %I from %s;',
        subject.cell,
        case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end
      )
    from pg_catalog.pg_namespace
      join subject on subject.schema = pg_namespace.oid
      cross join lateral aclexplode(nspacl)
    where privilege_type = 'USAGE'
      and (
        grantee = 0
        or grantee in (select to_regrole(name)::oid from groups where not is_above)
        or (
          pg_get_userbyid(grantee) ~ '^[a-z].*_(app|mailer|operator|auditor|monitor|backup)_login(_b)?$'
          and pg_get_userbyid(grantee) not in (select name from logins)
        )
      )
    union all
    select
      'warning',
      'schema public',
      'lets everybody create in it',
      'revoke create on schema public from public;'
    from pg_catalog.pg_namespace
      cross join lateral aclexplode(nspacl)
    where nspname = 'public'
      and privilege_type = 'CREATE'
      and grantee = 0
    union all
    select
      'warning',
      'database ' || quote_ident(datname),
      'lets ' || case grantee when 0 then 'everybody' else pg_get_userbyid(grantee) end
        || case privilege_type when 'CREATE' then ' create schemas in it' else ' make temporary tables in it' end,
      format(
        'revoke %s on database %I from %s;',
        lower(privilege_type),
        datname,
        case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end
      )
    from pg_catalog.pg_database
      cross join lateral aclexplode(coalesce(datacl, acldefault('d', datdba)))
    where datname = current_database()
      and privilege_type in ('CREATE', 'TEMPORARY')
      and (grantee = 0 or (grantee <> datdba and grantee in (select role from applications)))
    union all
    select
      'critical',
      'schema ' || quote_ident(subject.cell),
      'does not exist, and so there is no such cell in database ' || current_database(),
      'safetypin bootstrap --cell ' || subject.cell
    from subject
    where subject.schema is null
    union all
    select
      'critical',
      'schema ' || quote_ident(subject.cell),
      'has no tables of ours',
      'safetypin migrate up --cell ' || subject.cell
    from subject
    where subject.schema is not null
      and not exists (select from relations where name = 'organizations')`,
};

/** No power over a table that goes round its policies. */
export const powers: CatalogCheck = {
  id: "powers",
  about:
    "nobody but the owner truncates, references, triggers or maintains; nothing is granted to everybody; no application reads a secret column",
  sql: `
    select
      'critical',
      (case kind when 'S' then 'sequence ' when 'v' then 'view ' else 'table ' end) || relations.name,
      case grantee when 0 then 'everybody' else pg_get_userbyid(grantee) end
        || ' may ' || string_agg(lower(privilege_type), ', ' order by privilege_type)
        || ' it' || case when grantee = 0 then '' else ', which row-level security does not see' end,
      format(
        'revoke %s on %s%s from %s;',
        string_agg(lower(privilege_type), ', ' order by privilege_type),
        case kind when 'S' then 'sequence ' else '' end,
        relations.called,
        case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end
      )
    from relations
      cross join lateral aclexplode(acl)
    where grantee <> relations.owner
      and not is_partition
      and (grantee = 0 or privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'))
    group by relations.called, relations.name, kind, grantee
    union all
    select
      'critical',
      'column ' || relations.name || '.' || attname,
      'is secret, and ' || rolname || ' may read it',
      format('revoke select on %1$s from %3$I; revoke select (%2$I) on %1$s from %3$I;', relations.called, attname, rolname)
    from relations
      join pg_catalog.pg_attribute on attrelid = relations.oid and attnum > 0 and not attisdropped
      cross join pg_catalog.pg_roles
    where kind in ('r', 'p')
      and not is_partition
      and rolname in ('safetypin_app', 'safetypin_mailer', 'safetypin_operator', 'safetypin_monitor')
      and col_description(attrelid, attnum) ~ '\\[(secret|sealed)\\]$'
      and has_column_privilege(pg_roles.oid, attrelid, attnum, 'select')
      -- Sealed, it may be read by the application that has it opened: ours to grant.
      and not (
        rolname = 'safetypin_app'
        and col_description(attrelid, attnum) ~ '\\[sealed\\]$'
        and exists (
          select
          from pg_catalog.pg_proc
          where proname = format('tg_%s__%s_is_sealed', relations.name, attname)
            and pronamespace = (select schema from subject)
            and obj_description(pg_proc.oid, 'pg_proc') ~ ' Applications open it\\.'
        )
      )`,
};
