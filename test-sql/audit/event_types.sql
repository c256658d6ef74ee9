-- event_types: every kind of event there is, for all to read and for none to write.
begin;
select plan(13);

select tests.two_organizations();

select tests.act_as('ann', 'acme');
select ok((select count(*) > 50 from event_types), 'ann reads what can happen');
select throws_ok(
  $$ insert into event_types (name, description) values ('role.dreamt', 'x') $$,
  '42501', null,
  '... and invents nothing'
);
select throws_ok($$ update event_types set severity = 'info' $$, '42501', null, '... plays nothing down');
select throws_ok($$ delete from event_types $$, '42501', null, '... and deletes nothing');
select tests.act_as('bob', 'acme');
select ok(exists (select from event_types), 'so does bob');
select tests.act_as('zoe', 'zenith');
select ok(exists (select from event_types), 'so does zoe');
select tests.act_as_nobody();
select ok(exists (select from event_types), 'so does nobody');
select throws_ok($$ update event_types set severity = 'info' $$, '42501', null, '... who changes nothing');
select tests.act_as_monitor();
select throws_ok($$ select id from event_types $$, '42501', null, 'a monitor reads no rows');

select tests.act_as_superuser();
select throws_ok(
  $$ insert into event_types (name, description) values ('Role Dreamt', 'x') $$,
  '23514', null,
  'a name is a subject and a verb'
);
select throws_ok(
  $$ insert into event_types (name, description) values ('role.created', 'x') $$,
  '23505', null,
  'a name is given once'
);
select throws_ok(
  $$ update event_types set severity = 'fatal' where name = 'role.created' $$,
  '23514', null,
  'a severity is one that is known'
);
select is_empty(
  $$
    select name, function
    from event_types
    cross join unnest(functions) as function
    where not exists (
      select from pg_proc
      where proname = function and pronamespace = current_schema()::regnamespace
    )
  $$,
  'every function that is said to record an event exists'
);

select finish();
rollback;
