/*
 * One query per kind of object that a schema can hold, $1 being the schema. Each
 * answers
 *
 *   kind        what it is, in words
 *   name        what it is called within its kind
 *   relation    the table it belongs to, or null
 *   counterpart the name of what it was derived from, where a partition got it
 *               from its parent; or null
 *   properties  everything that can differ, as words and text
 *
 * They run with the schema first in the path, so that PostgreSQL prints what is
 * inside it unqualified and the same text means the same in any schema.
 */

const SCHEMA = "to_regnamespace(quote_ident($1))";

/** The comment on an object, as a property. */
const comment = (oid: string, catalog: string) =>
  `jsonb_build_object('comment', obj_description(${oid}, '${catalog}'))`;

/** Privileges as one property per grantee, defaults spelled out. */
const grants = (acl: string) =>
  `coalesce(
    (
      select jsonb_object_agg('granted to ' || grantee, privileges)
      from (
        select
          case when granted.grantee = 0 then 'public' else pg_get_userbyid(granted.grantee)::text end as grantee,
          string_agg(
            lower(granted.privilege_type)
              || case when granted.is_grantable then ' with grant option' else '' end
              || ' by ' || pg_get_userbyid(granted.grantor),
            ', '
            order by granted.privilege_type, pg_get_userbyid(granted.grantor)
          ) as privileges
        from aclexplode(${acl}) as granted
        group by granted.grantee
      ) as by_grantee
    ),
    '{}'
  )`;

const schema = `
  select
    'schema' as kind,
    '' as name,
    null::text as relation,
    null::text as counterpart,
    jsonb_build_object('owner', pg_get_userbyid(nspowner))
      || ${comment("pg_namespace.oid", "pg_namespace")}
      || ${grants("coalesce(nspacl, acldefault('n', nspowner))")} as properties
  from pg_namespace
  where oid = ${SCHEMA}`;

const defaultPrivileges = `
  select
    'default privileges',
    concat(
      'of ', pg_get_userbyid(defaclrole),
      ' on ', case defaclobjtype
        when 'r' then 'tables'
        when 'S' then 'sequences'
        when 'f' then 'functions'
        when 'T' then 'types'
        when 'n' then 'schemas'
        else defaclobjtype::text
      end,
      case when defaclnamespace = 0 then '' else ' here' end
    ),
    null,
    null,
    ${grants("defaclacl")}
  from pg_default_acl
  where defaclnamespace = ${SCHEMA}
    or (defaclnamespace = 0 and pg_get_userbyid(defaclrole) like 'safetypin\\_%')`;

const relations = `
  select
    case relkind
      when 'v' then 'view'
      when 'm' then 'materialized view'
      when 'S' then 'sequence'
      when 'c' then 'type'
      when 'f' then 'foreign table'
      else 'table'
    end,
    relname,
    case when relkind in ('r', 'p') then relname end,
    null,
    jsonb_build_object(
      'owner', pg_get_userbyid(relowner),
      'persistence', relpersistence,
      'access method', (select amname from pg_am where pg_am.oid = relam),
      'tablespace', (select spcname from pg_tablespace where pg_tablespace.oid = reltablespace),
      'row level security', relrowsecurity,
      'row level security is forced', relforcerowsecurity,
      'options', (select jsonb_agg(option order by option) from unnest(reloptions) as option),
      'replica identity', relreplident,
      'partitioned by', case when relkind = 'p' then pg_get_partkeydef(pg_class.oid) end,
      'inherits', (
        select jsonb_agg(inhparent::regclass::text order by inhseqno)
        from pg_inherits
        where inhrelid = pg_class.oid and relkind <> 'S'
      ),
      'definition', case when relkind in ('v', 'm') then pg_get_viewdef(pg_class.oid, true) end,
      'numbers', (
        select concat(
          seqtypid::regtype, ' from ', seqstart, ' by ', seqincrement,
          ' within ', seqmin, ' and ', seqmax, ' cache ', seqcache,
          case when seqcycle then ' cycling' else '' end
        )
        from pg_sequence
        where seqrelid = pg_class.oid
      ),
      'belongs to', (
        select concat(refobjid::regclass, '.', attname, case when deptype = 'i' then ' as identity' end)
        from pg_depend
          join pg_attribute on attrelid = refobjid and attnum = refobjsubid
        where classid = 'pg_class'::regclass
          and objid = pg_class.oid
          and relkind = 'S'
          and refclassid = 'pg_class'::regclass
          and deptype in ('a', 'i')
      )
    )
      || ${comment("pg_class.oid", "pg_class")}
      || ${grants("coalesce(relacl, acldefault(case when relkind = 'S' then 's' else 'r' end::\"char\", relowner))")}
  from pg_class
  where relnamespace = ${SCHEMA}
    and relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c')`;

const columns = `
  select
    'column',
    relname || '.' || attname,
    relname,
    null,
    jsonb_build_object(
      'place', row_number() over (partition by attrelid order by attnum),
      'type', format_type(atttypid, atttypmod),
      'collation', (
        select collname
        from pg_collation
          join pg_type on pg_type.oid = atttypid
        where pg_collation.oid = attcollation and attcollation <> typcollation
      ),
      'not null', attnotnull,
      'default', pg_get_expr(adbin, adrelid, true),
      'generated', attgenerated,
      'identity', attidentity,
      'storage', attstorage,
      'compression', attcompression,
      'statistics target', nullif(attstattarget, -1),
      -- The later minors of 15 keep a version of their own among the options.
      'options', (
        select jsonb_agg(option order by option)
        from unnest(attoptions) as option
        where option not like 'pg\\_attver=%'
      ),
      'comment', col_description(attrelid, attnum)
    )
      || ${grants("attacl")}
  from pg_attribute
    join pg_class on pg_class.oid = attrelid
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
  where relnamespace = ${SCHEMA}
    and relkind in ('r', 'p', 'v', 'm', 'f', 'c')
    and attnum > 0
    and not attisdropped`;

/*
 * A foreign key to a partitioned table has one more constraint per partition
 * behind it; those come and go with the partitions. That a column is not null the column
 * says: from 18 on there is a constraint for it as well, which has another name in a cell that
 * comes from an older server, or out of a dump.
 */
const constraints = `
  select
    'constraint',
    coalesce(relname, typname) || '.' || conname,
    relname,
    (select conname from pg_constraint as parent where parent.oid = pg_constraint.conparentid),
    jsonb_build_object(
      'definition', pg_get_constraintdef(pg_constraint.oid, true),
      'validated', convalidated,
      'is local', conislocal
    )
      || ${comment("pg_constraint.oid", "pg_constraint")}
  from pg_constraint
    left join pg_class on pg_class.oid = conrelid
    left join pg_type on pg_type.oid = contypid
  where connamespace = ${SCHEMA}
    and contype <> 't'
    and not (contype = 'n' and convalidated)
    and not exists (
      select
      from pg_class as referenced
      where referenced.oid = confrelid
        and referenced.relispartition
        and conparentid <> 0
    )`;

const indexes = `
  select
    'index',
    indexed.relname || '.' || pg_class.relname,
    indexed.relname,
    (
      select parent.relname
      from pg_inherits
        join pg_class as parent on parent.oid = inhparent
      where inhrelid = pg_class.oid
    ),
    jsonb_build_object(
      'definition', pg_get_indexdef(pg_class.oid, 0, true),
      'is valid', indisvalid,
      'is clustered', indisclustered,
      'is replica identity', indisreplident,
      'tablespace', (select spcname from pg_tablespace where pg_tablespace.oid = pg_class.reltablespace)
    )
      || ${comment("pg_class.oid", "pg_class")}
  from pg_index
    join pg_class on pg_class.oid = indexrelid
    join pg_class as indexed on indexed.oid = indrelid
  where pg_class.relnamespace = ${SCHEMA}`;

const triggers = `
  select
    'trigger',
    relname || '.' || tgname,
    relname,
    (select tgname from pg_trigger as parent where parent.oid = pg_trigger.tgparentid),
    jsonb_build_object(
      'definition', pg_get_triggerdef(pg_trigger.oid, true),
      'enabled', tgenabled
    )
      || ${comment("pg_trigger.oid", "pg_trigger")}
  from pg_trigger
    join pg_class on pg_class.oid = tgrelid
  where relnamespace = ${SCHEMA}
    and not tgisinternal`;

const rules = `
  select
    'rule',
    relname || '.' || rulename,
    relname,
    null,
    jsonb_build_object(
      'definition', pg_get_ruledef(pg_rewrite.oid, true),
      'enabled', ev_enabled
    )
      || ${comment("pg_rewrite.oid", "pg_rewrite")}
  from pg_rewrite
    join pg_class on pg_class.oid = ev_class
  where relnamespace = ${SCHEMA}
    and rulename <> '_RETURN'`;

const policies = `
  select
    'policy',
    relname || '.' || polname,
    relname,
    null,
    jsonb_build_object(
      'is restrictive', not polpermissive,
      'for', case polcmd
        when 'r' then 'select'
        when 'a' then 'insert'
        when 'w' then 'update'
        when 'd' then 'delete'
        else 'all'
      end,
      'to', (
        select string_agg(
          case when role = 0 then 'public' else pg_get_userbyid(role)::text end,
          ', '
          order by pg_get_userbyid(role)
        )
        from unnest(polroles) as role
      ),
      'using', pg_get_expr(polqual, polrelid, true),
      'with check', pg_get_expr(polwithcheck, polrelid, true)
    )
      || ${comment("pg_policy.oid", "pg_policy")}
  from pg_policy
    join pg_class on pg_class.oid = polrelid
  where relnamespace = ${SCHEMA}`;

/* The path a function pins names the schema it was born in: <cell> here. */
const functions = `
  select
    case prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
    format('%s(%s)', proname, pg_get_function_identity_arguments(pg_proc.oid)),
    null,
    null,
    jsonb_build_object(
      'owner', pg_get_userbyid(proowner),
      'arguments', pg_get_function_arguments(pg_proc.oid),
      'returns', pg_get_function_result(pg_proc.oid),
      'language', (select lanname from pg_language where pg_language.oid = prolang),
      'volatility', case provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
      'strict', proisstrict,
      'parallel', case proparallel when 's' then 'safe' when 'r' then 'restricted' else 'unsafe' end,
      'security definer', prosecdef,
      'leakproof', proleakproof,
      'cost', procost,
      'rows', prorows,
      'support', nullif(prosupport, 0::regproc)::text,
      'set', (
        select jsonb_agg(
          case when setting like 'search\\_path=%'
            then 'search_path=' || (
              select string_agg(
                case when trim(entry, '"') = $1 then '<cell>' else trim(entry, '"') end,
                ', '
                order by place
              )
              from unnest(string_to_array(substr(setting, 13), ', '))
                with ordinality as path (entry, place)
            )
            else setting
          end
          order by setting
        )
        from unnest(proconfig) as setting
      ),
      'body', coalesce(pg_get_function_sqlbody(pg_proc.oid), prosrc),
      'aggregates', (
        select concat_ws(
          ' ', aggtransfn::text, aggtranstype::regtype::text, nullif(aggfinalfn, 0::regproc)::text,
          agginitval, nullif(aggcombinefn, 0::regproc)::text
        )
        from pg_aggregate
        where aggfnoid = pg_proc.oid
      )
    )
      || ${comment("pg_proc.oid", "pg_proc")}
      || ${grants("coalesce(proacl, acldefault('f', proowner))")}
  from pg_proc
  where pronamespace = ${SCHEMA}`;

/* Neither arrays nor the row types that tables bring: those say nothing of their own. */
const types = `
  select
    case typtype when 'd' then 'domain' when 'e' then 'enum' when 'r' then 'range' else 'type' end,
    typname,
    null,
    null,
    jsonb_build_object(
      'owner', pg_get_userbyid(typowner),
      'base type', case when typtype = 'd' then format_type(typbasetype, typtypmod) end,
      'not null', typnotnull,
      'default', typdefault,
      'labels', (
        select jsonb_agg(enumlabel order by enumsortorder)
        from pg_enum
        where enumtypid = pg_type.oid
      ),
      'range of', (select rngsubtype::regtype::text from pg_range where rngtypid = pg_type.oid)
    )
      || ${comment("pg_type.oid", "pg_type")}
      || ${grants("coalesce(typacl, acldefault('T', typowner))")}
  from pg_type
  where typnamespace = ${SCHEMA}
    and typtype <> 'c'
    and not (typcategory = 'A' and typelem <> 0)`;

const statistics = `
  select
    'statistics',
    stxname,
    relname,
    null,
    jsonb_build_object(
      'owner', pg_get_userbyid(stxowner),
      'of', pg_get_statisticsobjdef_columns(pg_statistic_ext.oid),
      'kinds', stxkind,
      'target', nullif(stxstattarget, -1)
    )
      || ${comment("pg_statistic_ext.oid", "pg_statistic_ext")}
  from pg_statistic_ext
    join pg_class on pg_class.oid = stxrelid
  where stxnamespace = ${SCHEMA}`;

/* Whatever else may live in a schema, at least by name. */
const others = `
  select
    'object',
    identified.type || ' ' || replace(identified.identity, quote_ident($1) || '.', ''),
    null,
    null,
    '{}'::jsonb
  from pg_depend
    cross join lateral pg_identify_object(classid, objid, objsubid) as identified
  where refclassid = 'pg_namespace'::regclass
    and refobjid = ${SCHEMA}
    and deptype = 'n'
    and classid not in (
      'pg_class'::regclass,
      'pg_proc'::regclass,
      'pg_type'::regclass,
      'pg_constraint'::regclass,
      'pg_statistic_ext'::regclass,
      'pg_default_acl'::regclass
    )`;

/** Everything in the schema `$1`, one row per object. */
export const CATALOG_QUERY = [
  schema,
  defaultPrivileges,
  relations,
  columns,
  constraints,
  indexes,
  triggers,
  rules,
  policies,
  functions,
  types,
  statistics,
  others,
].join("\n  union all\n");
