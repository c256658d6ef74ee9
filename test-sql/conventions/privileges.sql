-- Privileges are given one by one, to roles, and never to everybody. What each
-- role may do is written in docs/privileges.md, which a test compares.
begin;
select plan(10);

select is_empty(
  $$
    select relname, grantee::regrole, privilege_type
    from pg_class
    cross join lateral aclexplode(relacl) as granted
    where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p', 'v', 'm', 'f')
      and grantee <> relowner
      and privilege_type in ('INSERT', 'UPDATE')
  $$,
  'insert and update are granted by column'
);

select is_empty(
  $$
    select relname, grantee::regrole, privilege_type
    from pg_class
    left join pg_attribute on attrelid = pg_class.oid
    cross join lateral (
      select grantee, privilege_type from aclexplode(relacl)
      union all
      select grantee, privilege_type from aclexplode(attacl)
    ) as granted
    where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p', 'v', 'm', 'f')
      and grantee <> relowner
      and privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN')
  $$,
  'nobody is granted truncate, references, trigger or maintain'
);

-- It is a right to lock the whole table, too.
select is_empty(
  $$
    select relname, grantee::regrole
    from pg_class
    cross join lateral aclexplode(relacl) as granted
    where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p', 'v', 'm', 'f')
      and privilege_type = 'DELETE'
      and grantee not in (
        relowner, 'safetypin_definer'::regrole, 'safetypin_keyholder'::regrole
      )
  $$,
  'to delete is granted to functions alone'
);

select is_empty(
  $$
    select relname, privilege_type
    from pg_class
    left join pg_attribute on attrelid = pg_class.oid
    cross join lateral (
      select grantee, privilege_type from aclexplode(relacl)
      union all
      select grantee, privilege_type from aclexplode(attacl)
    ) as granted
    where relnamespace = current_schema()::regnamespace
      and grantee = 0
    union
    select nspname, privilege_type
    from pg_namespace
    cross join lateral aclexplode(nspacl) as granted
    where oid = current_schema()::regnamespace
      and grantee = 0
  $$,
  'nothing is granted to everybody'
);

-- Functions that a later chapter makes are callable by nobody until it says by whom.
select results_eq(
  $$
    select defaclrole::regrole::text
    from pg_default_acl
    where defaclobjtype = 'f'
      and defaclnamespace = 0
      and defaclrole::regrole::text ~ '^safetypin_(definer|keyholder|owner)$'
      and not exists (select from aclexplode(defaclacl) where grantee = 0)
    order by 1
  $$,
  array['safetypin_definer', 'safetypin_keyholder', 'safetypin_owner'],
  'functions of the three owners begin executable by nobody else'
);

select is_empty(
  $$
    select relname, reloptions
    from pg_class
    where relnamespace = current_schema()::regnamespace
      and relkind in ('v', 'm')
      and not (
        relkind = 'v'
        and 'security_invoker=true' = any (coalesce(reloptions, '{}'))
        and 'security_barrier=true' = any (coalesce(reloptions, '{}'))
      )
  $$,
  'every view runs as its caller and shows nothing to a function before its conditions'
);

select is_empty(
  $$
    select relname, relowner::regrole
    from pg_class
    where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p', 'v', 'm', 'S', 'f')
      and relowner not in ('safetypin_owner'::regrole, 'safetypin_keyholder'::regrole)
  $$,
  'every table belongs to a role that nobody logs in as'
);

-- A number from a sequence tells how busy others are.
select is_empty(
  $$
    select relname, grantee::regrole, privilege_type
    from pg_class
    cross join lateral aclexplode(relacl) as granted
    where relnamespace = current_schema()::regnamespace
      and relkind = 'S'
      and grantee not in (
        relowner, 'safetypin_definer'::regrole, 'safetypin_backup'::regrole
      )
  $$,
  'no sequence is granted to a role that people or programs log in as'
);

select is_empty(
  $$
    select relname, attname, grantee::regrole
    from pg_class
    join pg_attribute on attrelid = pg_class.oid
    cross join lateral (
      select grantee, privilege_type from aclexplode(relacl)
      union all
      select grantee, privilege_type from aclexplode(attacl)
    ) as granted
    where relnamespace = current_schema()::regnamespace
      and attname in ('xid', 'recorded_at', 'seq')
      and relname ~ '_logs$'
      and grantee <> relowner
      and privilege_type in ('INSERT', 'UPDATE')
  $$,
  'what evidence is ordered by is set by the server and granted to nobody'
);

select is_empty(
  $$
    select grantee::regrole, privilege_type
    from pg_namespace
    cross join lateral aclexplode(nspacl) as granted
    where oid = current_schema()::regnamespace
      and (
        (
          privilege_type = 'CREATE'
          and grantee::regrole::text not in (
            'safetypin_owner', 'safetypin_definer', 'safetypin_keyholder'
          )
        )
        -- One credential must not open every cell.
        or grantee::regrole::text ~ '^safetypin_(app|mailer|operator|auditor|monitor|backup)$'
      )
  $$,
  'the cell opens to its own logins, and only owners create in it'
);

select finish();
rollback;
