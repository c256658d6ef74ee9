-- Whatever can be called is recorded when it changes something, and covered by a
-- permission that something honours. Names written in rows are held to the catalog.
begin;
select plan(13);

-- Who logs in: to these, and to no others, a function is an entry point.
create temporary view entry_points as
select distinct
  pg_proc.oid as function,
  proname,
  prosecdef,
  provolatile,
  grantee::regrole::text as role
from pg_proc
cross join lateral aclexplode(proacl) as granted
where pronamespace = current_schema()::regnamespace
  and grantee::regrole::text in (
    'safetypin_app', 'safetypin_mailer', 'safetypin_operator', 'safetypin_auditor', 'safetypin_monitor',
    'safetypin_backup'
  );

create temporary table calls (caller oid, callee oid) on commit drop;
with bodies as materialized (
  select oid, proname, case prokind when 'f' then pg_get_functiondef(oid) end as definition
  from pg_proc
  where pronamespace = current_schema()::regnamespace
)
insert into calls
select caller.oid, callee.oid
from bodies as caller
join bodies as callee
  on callee.oid <> caller.oid
  and strpos(caller.definition, callee.proname || '(') > 0
  and caller.definition ~ ('\m' || callee.proname || '\(');

create temporary table reached on commit drop as
with recursive reached as (
  select oid as function, oid as callee
  from pg_proc
  where pronamespace = current_schema()::regnamespace
  union
  select reached.function, calls.callee
  from reached
  join calls on calls.caller = reached.callee
)
select function, proname as name, pg_get_functiondef(callee) as definition
from reached
join pg_proc on pg_proc.oid = callee;


--
-- Events
--

-- These read and change nothing, but for the context and the keys of the transaction
-- and the time of last activity.
create temporary table mere_readers (name text) on commit drop;
insert into mere_readers
values
  ('begin_request'),
  ('check_share'),
  ('count_sealed_values'),
  ('find_organization_of_own_domain'),
  ('find_user_by_email'),
  ('has_all_permissions'),
  ('has_any_permission'),
  ('has_permission'),
  ('hello'),
  ('list_index_versions'),
  ('list_keys'),
  ('list_legal_holds'),
  ('list_own_organizations'),
  ('list_own_permissions'),
  ('list_shreddings'),
  ('list_wrapped_shares'),
  ('next_key_id'),
  ('ip_address_indexes'),
  ('open_attempts'),
  ('open_fields'),
  ('open_rows'),
  ('open_users'),
  ('prepare_password_change'),
  ('read_digest_rotation'),
  ('read_ledger_end'),
  ('read_password_policy'),
  ('read_restore_state'),
  ('require_permission'),
  ('search_users'),
  ('unlock'),
  ('verified_context'),
  ('verify_ledger_end'),
  ('verify_shreddings');

-- Steps of one sign-in: finish_password_check() records its outcome in
-- access_attempt_logs, or sweep_password_attempts() that there was none.
create temporary table steps_of_sign_in (name text) on commit drop;
insert into steps_of_sign_in
values ('begin_password_check'), ('submit_password_proof');

select is_empty(
  $$
    select function::regprocedure
    from entry_points
    where prosecdef
      and proname not in (select unnest(functions) from event_types)
      and proname not in (select name from mere_readers)
      and proname not in (select name from steps_of_sign_in)
  $$,
  'every definer function that somebody may call is recorded as an event, or merely reads'
);

select is_empty(
  $$
    select function::regprocedure
    from entry_points
    where not prosecdef
      and provolatile = 'v'
      -- The settings of a connection are the caller's own.
      and proname not in ('new_id', 'forget_settings')
  $$,
  'what changes something is a definer function'
);

select is_empty(
  $$
    select name from mere_readers
    where name not in (select proname from entry_points where provolatile <> 'v')
      and name not in ('begin_request', 'hello', 'unlock')
    union all
    select name from steps_of_sign_in
    where name not in (select proname from entry_points)
  $$,
  'what is said to read merely cannot write'
);

select is_empty(
  $$
    select event_types.name, recorder
    from event_types
    cross join unnest(functions) as recorder
    where recorder not in (select proname from entry_points)
  $$,
  'an event names functions that there are'
);

select is_empty(
  $$ select name from event_types where functions = '{}' $$,
  'every event is recorded by something'
);

select is_empty(
  $$
    select event_types.name, recorder
    from event_types
    cross join unnest(functions) as recorder
    where recorder in (select proname from entry_points) and not exists (
      select
      from reached
      join pg_proc on pg_proc.oid = reached.function
      where proname = recorder
        and definition like '%''' || event_types.name || '''%'
    )
  $$,
  'the functions that an event names do record it'
);

select is_empty(
  $$
    select proname, found[1]
    from pg_proc
    cross join regexp_matches(prosrc, '_log_event\(\s*''([a-z_.]+)''', 'g') as found
    where pronamespace = current_schema()::regnamespace
      and found[1] not in (select name from event_types)
  $$,
  'every event that a function records is one of those there are'
);


--
-- Permissions
--

select is_empty(
  $$
    select function::regprocedure, role
    from entry_points
    where not exists (select from permissions where proname = any (functions))
  $$,
  'every entry point is covered by a permission'
);

-- The backup reads everything and honours nothing: that is its role.
select is_empty(
  $$
    select relname || '.' || polname
    from pg_policy
    join pg_class on pg_class.oid = polrelid
    cross join unnest(polroles) as role
    where relnamespace = current_schema()::regnamespace
      and polpermissive
      and role::regrole::text in (
        'safetypin_app', 'safetypin_mailer', 'safetypin_operator', 'safetypin_auditor', 'safetypin_monitor'
      )
      and not exists (
        select from permissions where relname || '.' || polname = any (policies)
      )
  $$,
  'every policy that opens something to somebody is covered by a permission'
);

select is_empty(
  $$
    select name
    from permissions
    where is_system_permission
      and functions = '{}'
      and policies = '{}'
  $$,
  'every permission is honoured by something'
);

select is_empty(
  $$
    select permissions.name, honouring
    from permissions
    cross join unnest(functions) as honouring
    where not exists (
      select from entry_points where proname = honouring and role = database_role
    )
  $$,
  'a permission names functions that its database role may call'
);

select is_empty(
  $$
    select permissions.name, policy
    from permissions
    cross join unnest(policies) as policy
    where not exists (
      select
      from pg_policy
      join pg_class on pg_class.oid = polrelid
      where relnamespace = current_schema()::regnamespace
        and relname || '.' || polname = policy
        and database_role::regrole = any (polroles)
    )
  $$,
  'a permission names policies that are for its database role'
);

-- The name of a permission alone keeps nobody out.
select is_empty(
  $$
    select permissions.name, honouring
    from permissions
    cross join unnest(functions) as honouring
    where honouring in (select proname from entry_points) and not exists (
      select
      from reached
      join pg_proc on pg_proc.oid = reached.function
      where proname = honouring
        and case held_by
          when 'role' then definition ~ ('_require_(permission|manageable_member)\(''' || permissions.name || '''[,)]')
          when 'owner' then reached.name = '_require_owner'
          when 'signed_in' then reached.name = '_require_user'
          else true
        end
    )
    union all
    select permissions.name, policy
    from permissions
    cross join unnest(policies) as policy
    where held_by = 'role'
      and not exists (
        select
        from pg_policy
        join pg_class on pg_class.oid = polrelid
        where relnamespace = current_schema()::regnamespace
          and relname || '.' || polname = policy
          and coalesce(pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
            like '%has_permission(''' || permissions.name || '''%'
      )
  $$,
  'what honours a permission asks for it: by its name, for an owner, or for whoever is signed in'
);

select finish();
rollback;
