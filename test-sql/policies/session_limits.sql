-- _session_limits(): how long sessions last and how many there are, by the strictest
-- of a person's organizations and of the cell.
begin;
select plan(7);

select tests.two_organizations();
select tests.member('zenith', 'bob');
select tests.act_as_superuser();

select results_eq(
  $$
    select level, absolute_limit, idle_limit, max_sessions
    from generate_series(1, 3) as level
    cross join _session_limits(tests.user_id('bob'), level::smallint)
  $$,
  $$
    values
      (1, interval '30 days', interval '7 days', 10),
      (2, interval '24 hours', interval '1 hour', 10),
      (3, interval '12 hours', interval '15 minutes', 10)
  $$,
  'by the cell''s policy a session lasts as NIST allows, by its level'
);
insert into password_policies (organization_id, aal1_absolute_limit, aal1_idle_limit, aal2_idle_limit, max_sessions)
values
  (tests.organization_id('acme'), '8 hours', '8 hours', '10 minutes', 3),
  (tests.organization_id('zenith'), '30 days', '30 minutes', '20 minutes', 100);
select results_eq(
  $$
    select level, absolute_limit, idle_limit, max_sessions
    from generate_series(1, 3) as level
    cross join _session_limits(tests.user_id('bob'), level::smallint)
  $$,
  $$
    values
      (1, interval '8 hours', interval '30 minutes', 3),
      (2, interval '24 hours', interval '10 minutes', 3),
      (3, interval '12 hours', interval '15 minutes', 3)
  $$,
  'bob, in two, has the shorter and the fewer of both'
);
select results_eq(
  $$ select absolute_limit, max_sessions from _session_limits(tests.user_id('zoe'), 1::smallint) $$,
  $$ values (interval '30 days', 10) $$,
  'zenith, which allows a hundred, allows zoe the cell''s ten'
);
select results_eq(
  $$ select absolute_limit, max_sessions from _session_limits(tests.user_id('nobody'), 1::smallint) $$,
  $$ values (interval '30 days', 10) $$,
  'who is in none has the cell''s'
);
update organization_users set status = 'suspended' where organization_id = tests.organization_id('acme') and user_id = tests.user_id('bob');
select is(
  (select max_sessions from _session_limits(tests.user_id('bob'), 1::smallint)), 10,
  'acme, where bob is suspended, does not bind him'
);

select tests.act_as('bob', 'zenith');
select throws_ok(
  $$ select _session_limits(tests.user_id('ann'), 1::smallint) $$,
  '42501', null,
  'bob does not ask how long ann''s sessions last'
);
select tests.act_as_nobody();
select throws_ok($$ select _session_limits(tests.user_id('ann'), 1::smallint) $$, '42501', null, 'nor does nobody');

select finish();
rollback;
