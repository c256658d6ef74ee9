-- A column says what it holds, and holds it in a type that means it.
begin;
select plan(9);

select is_empty(
  $$
    select attrelid::regclass, attname, col_description(attrelid, attnum)
    from pg_class
    join pg_attribute on attrelid = pg_class.oid
    where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p', 'v', 'm', 'f')
      and attnum > 0
      and not attisdropped
      and coalesce(col_description(attrelid, attnum), '')
        !~ '^[^[].* \[(public|internal|personal|secret|sealed)\]$'
  $$,
  'every column of every table, partition and view says what it is and which class of data it holds'
);

select is_empty(
  $$
    select relname
    from pg_class
    where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p', 'v', 'm', 'f')
      and obj_description(oid, 'pg_class') is null
  $$,
  'every table, partition and view has a comment'
);

-- A secret shows nowhere but to the functions that need it, and in a backup. What is
-- sealed may be read, sealed, by whoever is to have it opened.
select is_empty(
  $$
    select attrelid::regclass, attname, grantee::regrole
    from pg_class
    join pg_attribute on attrelid = pg_class.oid
    cross join lateral (
      select grantee, privilege_type from aclexplode(relacl)
      union all
      select grantee, privilege_type from aclexplode(attacl)
    ) as granted
    where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p', 'v')
      and attnum > 0
      and col_description(attrelid, attnum) ~ '\[(secret|sealed)\]$'
      and privilege_type = 'SELECT'
      and grantee <> relowner
      and grantee not in (
        'safetypin_definer'::regrole, 'safetypin_keyholder'::regrole, 'safetypin_backup'::regrole
      )
      -- Auditors compare keyed digests of addresses, which say nothing else.
      and (relname, attname, grantee) not in (
        ('access_attempt_logs', 'email_digest', 'safetypin_auditor'::regrole),
        ('access_attempt_logs', 'ip_index', 'safetypin_auditor'::regrole)
      )
      and not exists (
        select from sealed_fields
        where table_name = relname and column_name = attname and opened_by = 'application'
      )
  $$,
  'no secret is granted to a role that people or programs log in as'
);

select set_eq(
  $$
    select relname::text, attname::text, atttypid::regtype
    from pg_class
    join pg_attribute on attrelid = pg_class.oid
    where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p')
      and not relispartition
      and attnum > 0
      and not attisdropped
      and col_description(attrelid, attnum) ~ '\[sealed\]$'
  $$,
  $$ select table_name, column_name, 'bytea'::regtype from sealed_fields $$,
  'every sealed column is declared, and every declared one is sealed'
);

-- A trigger of a partitioned table is cloned to its partitions.
select is_empty(
  $$
    select table_name, column_name
    from sealed_fields
    where not exists (
      select from pg_trigger
      where tgrelid = table_name::regclass
        and tgname = '_500_' || column_name || '_is_sealed'
        and tgenabled in ('O', 'A')
        and tgfoid = ('tg_' || table_name || '__' || column_name || '_is_sealed')::regproc
        and (tgtype & 30) = 22
    )
  $$,
  'every declared column has the trigger that lets only sealed values in, at every insert and update'
);

-- The ledger's columns are those of the package underneath.
select is_empty(
  $$
    select attrelid::regclass, attname, format_type(atttypid, atttypmod)
    from pg_class
    join pg_attribute on attrelid = pg_class.oid
    where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p', 'v', 'c')
      and attnum > 0
      and not attisdropped
      and atttypid in ('timestamp'::regtype, 'time'::regtype, 'timetz'::regtype)
      and relname <> 'migrations'
  $$,
  'every time has a time zone'
);

select is_empty(
  $$
    select attrelid::regclass, attname, format_type(atttypid, atttypmod)
    from pg_class
    join pg_attribute on attrelid = pg_class.oid
    where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p', 'v', 'c')
      and attnum > 0
      and not attisdropped
      and (
        atttypid in (
          'json'::regtype, 'money'::regtype, 'xml'::regtype, 'bpchar'::regtype, 'varchar'::regtype
        )
        or format_type(atttypid, atttypmod) like '%citext'
      )
      and relname <> 'migrations'
  $$,
  'text is text and documents are jsonb'
);

select is_empty(
  $$
    select adrelid::regclass, attname
    from pg_attrdef
    join pg_class on pg_class.oid = adrelid
    join pg_attribute on attrelid = adrelid and attnum = adnum
    where relnamespace = current_schema()::regnamespace
      and pg_get_expr(adbin, adrelid) like '%nextval(%'
  $$,
  'no column is serial: what counts is an identity the server alone sets'
);

-- "always" cannot be overridden by an insert that names the column.
select is_empty(
  $$
    select attrelid::regclass, attname
    from pg_class
    join pg_attribute on attrelid = pg_class.oid
    where relnamespace = current_schema()::regnamespace
      and attidentity = 'd'
  $$,
  'an identity is generated always'
);

select finish();
rollback;
