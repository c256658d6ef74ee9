-- Keys say what a row is, foreign keys say it to the planner too, and every
-- constraint has a name that a client can know.
begin;
select plan(10);

select is_empty(
  $$
    select relname
    from pg_class
    where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p')
      and not exists (
        select from pg_constraint where conrelid = pg_class.oid and contype = 'p'
      )
  $$,
  'every table has a primary key'
);

-- The ledger counts chapters, as the package underneath has it; a log is cut by
-- recorded_at, which PostgreSQL wants in its key.
select is_empty(
  $$
    select conrelid::regclass, attname, format_type(atttypid, atttypmod)
    from pg_constraint
    join pg_class on pg_class.oid = conrelid
    join pg_attribute on attrelid = conrelid and attnum = any (conkey)
    where relnamespace = current_schema()::regnamespace
      and contype = 'p'
      and atttypid <> 'uuid'::regtype
      and relname <> 'migrations'
      and not (relname ~ '^(auth_audit|access_attempt|data_change)_logs' and attname = 'recorded_at')
  $$,
  'every key is a uuid, except in the ledger'
);

select is_empty(
  $$
    select conrelid::regclass, pg_get_constraintdef(pg_constraint.oid)
    from pg_constraint
    join pg_class on pg_class.oid = conrelid
    where relnamespace = current_schema()::regnamespace
      and contype = 'p'
      and not relispartition
      and cardinality(conkey) > 1
      and relname not in (
        'organization_users', 'role_permissions', 'user_roles',
        'auth_audit_logs', 'access_attempt_logs', 'data_change_logs'
      )
  $$,
  'a key is one column, except of link tables and of logs'
);

-- An id is made by new_id() or given by the client. A throttle's is a digest of
-- what is throttled, so that it can be found without keeping it.
select is_empty(
  $$
    select relname
    from pg_class
    join pg_attribute on attrelid = pg_class.oid and attname = 'id' and atttypid = 'uuid'::regtype
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p')
      and pg_get_expr(adbin, adrelid) is distinct from 'new_id()'
      and relname <> 'sign_in_throttles'
  $$,
  'every id comes from new_id(), unless the client gives one'
);

-- Event types are never deleted and never renamed: nobody may.
select is_empty(
  $$
    select conrelid::regclass, conname
    from pg_constraint
    join pg_class on pg_class.oid = conrelid
    where relnamespace = current_schema()::regnamespace
      and contype = 'f'
      and not relispartition
      and not exists (
        select from pg_index
        where indrelid = conrelid
          and indpred is null
          and indisvalid
          and (
            select array_agg(column_number order by column_number)
            from unnest(indkey) with ordinality as indexed (column_number, place)
            where place <= cardinality(conkey)
          ) = (select array_agg(key order by key) from unnest(conkey) as key)
      )
      and conname <> 'auth_audit_logs_event_type_fkey'
  $$,
  'every foreign key has an index that begins with its columns'
);

-- A role may be the package's own, of no organization, which no key can say: a
-- trigger does (tg_user_roles__role_belongs_here). A key may be the cell's own: its
-- tenant_id says so in place of organization_id. A person's hold, which is of no
-- organization, points to the organization's that they left under.
select is_empty(
  $$
    select conrelid::regclass, conname
    from pg_constraint
    join pg_class on pg_class.oid = conrelid
    join pg_attribute as ours
      on ours.attrelid = conrelid and ours.attname = 'organization_id' and not ours.attisdropped
    join pg_attribute as theirs
      on theirs.attrelid = confrelid and theirs.attname = 'organization_id' and not theirs.attisdropped
    where relnamespace = current_schema()::regnamespace
      and contype = 'f'
      and not (ours.attnum = any (conkey) and theirs.attnum = any (confkey))
      and conname not in (
        'user_roles_role_id_fkey', 'blind_index_versions_tenant_id_key_id_fkey', 'legal_holds_held_through_id_fkey'
      )
  $$,
  'a row of a tenant points to a row of a tenant by both their organization and their id'
);

select is_empty(
  $$
    select conrelid::regclass, conname
    from pg_constraint
    join pg_class on pg_class.oid = conrelid
    left join pg_inherits on inhrelid = pg_class.oid
    where relnamespace = current_schema()::regnamespace
      and not (
        starts_with(conname, relname || '_')
        or (relispartition and starts_with(conname, inhparent::regclass::text || '_'))
      )
      and contype <> 'n'
  $$,
  'every constraint is called after its table'
);

select is_empty(
  $$
    select conrelid::regclass, conname, pg_get_constraintdef(pg_constraint.oid)
    from pg_constraint
    join pg_class on pg_class.oid = conrelid
    where relnamespace = current_schema()::regnamespace
      and contype = 'c'
      and conname ~ '_check[0-9]*$'
  $$,
  'no check is anonymous: its name says what is asserted'
);

select is_empty(
  $$
    select conrelid::regclass, conname
    from pg_constraint
    join pg_class on pg_class.oid = conrelid
    where relnamespace = current_schema()::regnamespace
      and contype in ('p', 'u', 'f', 'x')
      and conname !~ case contype
        when 'p' then '_pkey$'
        when 'u' then '_key$'
        when 'f' then '_fkey[0-9]*$'
        when 'x' then '_excl$'
      end
  $$,
  'keys are called as PostgreSQL calls them'
);

select is_empty(
  $$
    select conrelid::regclass, conname
    from pg_constraint
    join pg_class on pg_class.oid = conrelid
    where relnamespace = current_schema()::regnamespace
      and not convalidated
  $$,
  'no constraint waits to be validated'
);

select finish();
rollback;
