-- The mark of the clock does not roll back: whoever is refused must not have moved it.
begin;

select tests.two_organizations();
select tests.act_as('bob', 'acme');
select tests.act_as('bob');
select tests.act_as('zoe', 'zenith');
select tests.act_as_superuser();

-- Each function that voids, called with something that is there.
create temporary table voiding (name text, call text, is_for_everybody boolean) on commit drop;
insert into voiding
values
  ('suspend_user', $$ suspend_user(tests.user_id('ann'), 'x') $$, false),
  ('reactivate_user', $$ reactivate_user(tests.user_id('ann')) $$, false),
  ('close_organization', 'close_organization()', false),
  ('suspend_organization', $$ suspend_organization(tests.organization_id('acme'), 'x') $$, false),
  ('reactivate_organization', $$ reactivate_organization(tests.organization_id('acme')) $$, false),
  ('suspend_member', $$ suspend_member(tests.user_id('amy')) $$, false),
  ('reactivate_member', $$ reactivate_member(tests.user_id('amy')) $$, false),
  ('close_account', 'close_account()', true),
  ('_void_sessions', $$ _void_sessions(tests.user_id('ann'), 'x') $$, false),
  ('revoke_member_sessions', $$ revoke_member_sessions(tests.user_id('amy')) $$, false),
  ('_erase_person', $$ _erase_person(tests.user_id('ann'), false) $$, false),
  ('_erase_organization', $$ _erase_organization(tests.organization_id('acme')) $$, false);
grant select on voiding to public;

select plan(2 + 3 * count(*)::integer) from voiding;

select set_eq(
  $$
    select proname::text
    from pg_proc
    where pronamespace = current_schema()::regnamespace
      and prosrc ~ '\m_voiding_time\('
      and proname <> '_voiding_time'
  $$,
  'select name from voiding',
  'these are the functions that void'
);

-- Ahead of the clock, where a voiding moves it.
select setval('clock_high_water', _mark_of(clock_timestamp() + interval '10 minutes'));
create temporary table mark on commit drop as select last_value from clock_high_water;

create function pg_temp.moved()
  returns bigint
  language sql
  security definer
as $$ select clock.last_value - mark.last_value from clock_high_water as clock, mark $$;

create function pg_temp.refused(p_call text)
  returns void
  language plpgsql
as $$
begin
  execute 'select ' || p_call;
  raise exception 'was not refused';
exception
  when raise_exception then raise;
  when others then null;
end;
$$;

select tests.act_as_nobody();
select is(
  (select pg_temp.moved() from pg_temp.refused(call)), 0::bigint,
  name || '() refuses nobody, and the mark stays where it is'
)
from voiding order by name;

select tests.act_as('bob', 'acme');
select is(
  (select pg_temp.moved() from pg_temp.refused(call)), 0::bigint,
  name || '() refuses a member who may not, and the mark stays'
)
from voiding where not is_for_everybody order by name;
select pass('close_account() is everybody''s own');

select tests.act_as('zoe', 'zenith');
select is(
  (select pg_temp.moved() from pg_temp.refused(call)), 0::bigint,
  name || '() refuses a stranger, and the mark stays'
)
from voiding where not is_for_everybody and name <> 'close_organization' order by name;
select pass('zoe may close what is hers');
select pass('... and her account');

-- By a microsecond for each that is done, so that no number of them gets ahead of the clock.
select tests.act_as('ann', 'acme');
select suspend_member(tests.user_id('bob')), revoke_member_sessions(tests.user_id('amy'));
select tests.act_as_superuser();
select is(pg_temp.moved(), 2::bigint, 'two voidings move it by two microseconds');

select setval('clock_high_water', _mark_of(clock_timestamp()));
select finish();
rollback;
