-- A function says where it looks, what it is, what it raises, and whom it serves.
begin;
select plan(17);

select is_empty(
  $$
    select pg_proc.oid::regprocedure, proconfig
    from pg_proc
    join pg_language on pg_language.oid = prolang
    where pronamespace = current_schema()::regnamespace
      and not (
        -- Bound when it was made, and run as whoever calls it.
        (lanname = 'sql' and prosqlbody is not null and not prosecdef)
        or (
          select setting = concat_ws(
            ', ',
            quote_ident(current_schema()),
            (
              select quote_ident(nspname)
              from pg_extension
              join pg_namespace on pg_namespace.oid = extnamespace
              where extname = 'pgcrypto'
            ),
            'pg_temp'
          )
          from (
            -- As it was written: with spaces after the commas, or without.
            select regexp_replace(substr(setting, length('search_path=') + 1), ', *', ', ', 'g') as setting
            from unnest(proconfig) as setting
            where setting like 'search_path=%'
          ) as pinned
        )
      )
  $$,
  'every function pins its path to the cell, the extensions and pg_temp, in that order, or was bound at creation'
);

-- A definer function in `language sql` plans its query at every call.
select is_empty(
  $$
    select pg_proc.oid::regprocedure
    from pg_proc
    join pg_language on pg_language.oid = prolang
    where pronamespace = current_schema()::regnamespace
      and (lanname not in ('sql', 'plpgsql') or (lanname = 'sql' and prosecdef))
  $$,
  'functions are sql or plpgsql, and definer functions plpgsql'
);

-- make_partitions() alters tables, which only their owner may.
select is_empty(
  $$
    select oid::regprocedure, proowner::regrole
    from pg_proc
    where pronamespace = current_schema()::regnamespace
      and prosecdef
      and proowner not in ('safetypin_definer'::regrole, 'safetypin_keyholder'::regrole)
      and (proname, proowner) <> ('make_partitions', 'safetypin_owner'::regrole)
  $$,
  'definer functions belong to safetypin_definer, whom row-level security binds'
);

select is_empty(
  $$
    select oid::regprocedure, proowner::regrole
    from pg_proc
    where pronamespace = current_schema()::regnamespace
      and proowner not in (
        'safetypin_owner'::regrole, 'safetypin_definer'::regrole, 'safetypin_keyholder'::regrole
      )
  $$,
  'every function belongs to a role that nobody logs in as'
);

select is_empty(
  $$
    select oid::regprocedure
    from pg_proc
    where pronamespace = current_schema()::regnamespace
      and proleakproof
  $$,
  'no function says that it leaks nothing: the planner would let it see rows before the fence'
);

select is_empty(
  $$
    select oid::regprocedure
    from pg_proc
    where pronamespace = current_schema()::regnamespace
      and exists (
        select from aclexplode(coalesce(proacl, acldefault('f', proowner))) where grantee = 0
      )
  $$,
  'nothing is executable by everybody'
);

select is_empty(
  $$
    select oid::regprocedure, grantee::regrole
    from pg_proc
    cross join lateral aclexplode(proacl) as granted
    where pronamespace = current_schema()::regnamespace
      and (proname like '\_%' or prorettype = 'trigger'::regtype)
      and grantee not in (
        proowner, 'safetypin_owner'::regrole, 'safetypin_definer'::regrole,
        'safetypin_keyholder'::regrole
      )
  $$,
  'what begins with an underscore, and what is a trigger, is for functions of ours alone'
);

select is_empty(
  $$
    select grantee::regrole, granted.is_grantable, relname
    from (
      select relname, relowner as owner, relacl as acl
      from pg_class
      where relnamespace = current_schema()::regnamespace
      union all
      select proname, proowner, proacl
      from pg_proc
      where pronamespace = current_schema()::regnamespace
    ) as objects
    cross join lateral aclexplode(acl) as granted
    where granted.is_grantable and grantee <> owner
  $$,
  'nobody may grant on what they were granted'
);

select is_empty(
  $$
    select oid::regprocedure, name
    from pg_proc
    cross join unnest(proargnames, proargmodes) as argument (name, mode)
    where pronamespace = current_schema()::regnamespace
      and (proargmodes is null or mode in ('i', 'b', 'v'))
      and coalesce(name, '') !~ '^p_[a-z]'
    union all
    select oid::regprocedure, 'unnamed'
    from pg_proc
    where pronamespace = current_schema()::regnamespace
      and proargnames is null
      and pronargs > 0
  $$,
  'every parameter is called p_…'
);

-- What is declared two spaces further in, and what a loop declares.
select is_empty(
  $$
    select oid::regprocedure, name
    from pg_proc
    cross join lateral (
      select (regexp_match(line, '^ *([a-z]\w*)\s'))[1] as name
      from regexp_matches(prosrc, '\n( *?)declare\n(.*?)\n *?begin\n', 'g') as declared
      cross join regexp_split_to_table(declared[2], '\n') as line
      where line ~ ('^' || declared[1] || '  [a-z]')
      union all
      select found[1]
      from regexp_matches(prosrc, '\n\s*for(?:each)? (\w+)(?:, \w+)* in\s', 'g') as found
    ) as locals
    where pronamespace = current_schema()::regnamespace
      and name !~ '^v_[a-z]'
  $$,
  'every local is called v_…'
);

select is_empty(
  $$
    select oid::regprocedure
    from pg_proc
    where pronamespace = current_schema()::regnamespace
      and coalesce(obj_description(oid, 'pg_proc'), '') !~ '^[A-Z0-9].*\.$'
  $$,
  'every function says what it does, in a sentence'
);

-- Which functions call which, by the names in their bodies.
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

create temporary table raises (function oid, code text) on commit drop;
insert into raises
select distinct oid, found[1]
from pg_proc
cross join regexp_matches(prosrc, '''(SP[0-9]{3})''', 'g') as found
where pronamespace = current_schema()::regnamespace;

select is_empty(
  $$
    select function::regprocedure, code
    from raises
    where coalesce(
        substring(obj_description(function, 'pg_proc') from '[Rr]aises (.*)$'), ''
      ) !~ code
  $$,
  'a comment names every code that the function raises itself'
);

select is_empty(
  $$
    with recursive reached as (
      select oid as function, oid as callee
      from pg_proc
      where pronamespace = current_schema()::regnamespace
      union
      select reached.function, calls.callee
      from reached
      join calls on calls.caller = reached.callee
    )
    select pg_proc.oid::regprocedure, promised[1]
    from pg_proc
    cross join regexp_matches(obj_description(pg_proc.oid, 'pg_proc'), '(SP[0-9]{3})', 'g') as promised
    where pronamespace = current_schema()::regnamespace
      and not exists (
        select from reached
        join raises on raises.function = reached.callee
        where reached.function = pg_proc.oid and raises.code = promised[1]
      )
  $$,
  'a comment names no code that neither the function nor what it calls can raise'
);

select is_empty(
  $$
    select oid::regprocedure
    from pg_proc
    where pronamespace = current_schema()::regnamespace
      and obj_description(oid, 'pg_proc') ~ 'SP[0-9]{3}'
      and (
        obj_description(oid, 'pg_proc') !~ '[Rr]aises .*SP[0-9]{3}'
        or substring(obj_description(oid, 'pg_proc') from '.*[Rr]aises (.*)$') ~ '[.] [A-Z]'
      )
  $$,
  'the codes end the comment'
);

-- random() is no secret and repeats: tokens and ids come from elsewhere.
select is_empty(
  $$
    select oid::regprocedure::text as what
    from pg_proc
    where pronamespace = current_schema()::regnamespace
      and case prokind when 'f' then pg_get_functiondef(oid) end ~ '\m(random|setseed)\s*\('
    union all
    select adrelid::regclass::text
    from pg_attrdef
    join pg_class on pg_class.oid = adrelid
    where relnamespace = current_schema()::regnamespace
      and pg_get_expr(adbin, adrelid) ~ '\m(random|setseed)\s*\('
  $$,
  'nothing uses random()'
);

-- What has ended stays ended when somebody sets the clock back: so the clock is read by
-- _now(), and bare only for what is not about time that has passed.
create temporary table reads_the_clock (proname, why) on commit drop as
values
  ('_now', 'what the others read'),
  ('_clock_time', 'its cheap half'),
  ('_voiding_time', 'whether the mark is ahead of the clock'),
  ('raise_operational_alerts', 'whether the mark is ahead of the clock'),
  ('refresh_session', 'whether the mark is ahead of the clock'),
  ('new_id', 'an id is a name'),
  ('_context_nonce', 'a transaction is known by its start'),
  ('_iv_stamp', 'a transaction is known by its start'),
  ('add_first_key', 'a transaction is known by its start'),
  ('tg__touch_last_update_time', 'moves forward by itself'),
  ('make_partitions', 'rows are recorded in the month that the clock shows'),
  ('count_partitions_ahead', 'rows are recorded in the month that the clock shows'),
  ('tg_tenant_keys__only_forward', 'when a transaction began is compared with it'),
  ('tg_blind_index_versions__only_forward', 'when a transaction began is compared with it'),
  ('_require_sealed', 'when a transaction began is compared with it'),
  ('_await_writers', 'how long to wait');

select is_empty(
  $$
    with read as (
      select distinct pg_proc.oid, proname
      from pg_proc
      cross join lateral regexp_matches(
        regexp_replace(
          coalesce(prosrc, '') || case when prosqlbody is not null then pg_get_functiondef(pg_proc.oid) else '' end,
          '--[^\n]*', '', 'g'
        ),
        '\m(now|clock_timestamp|transaction_timestamp|statement_timestamp|timeofday)\s*\(|\m(current_timestamp|current_date|current_time|localtimestamp|localtime)\M',
        'gi'
      ) as clock
      where pronamespace = current_schema()::regnamespace
        and prokind <> 'a'
    )
    select oid::regprocedure::text, 'reads the clock' as problem
    from read
    where proname not in (select proname from reads_the_clock)
    union all
    select proname, 'does not' from reads_the_clock
    where proname not in (select proname from read)
  $$,
  'who asks for the time asks _now(), which does not go back'
);

-- A worker has another backend's number, and the context is bound to it.
select is_empty(
  $$
    with recursive readers as (
      select oid
      from pg_proc
      where pronamespace = current_schema()::regnamespace
        and proname in ('verified_context', '_context_nonce')
      union
      select calls.caller
      from readers
      join calls on calls.callee = readers.oid
    )
    select oid::regprocedure
    from pg_proc
    where proparallel = 's'
      and oid in (select oid from readers)
  $$,
  'nothing that reads the context is parallel safe'
);

select finish();
rollback;
