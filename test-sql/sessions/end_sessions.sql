-- end_sessions(): after a restore everybody signs in anew.
begin;
select plan(17);

select tests.two_organizations();
select tests.act_as('bob', 'acme');
select tests.act_as('zoe', 'zenith');
select tests.act_as('ann', 'acme');
select isnt(current_user_id(), null, 'ann is signed in');

-- Who may
select throws_ok($$ select end_sessions() $$, '42501', null, 'ann, who owns acme, ends not even its sessions so');
select tests.act_as('bob', 'acme');
select throws_ok($$ select end_sessions() $$, '42501', null, 'nor does bob');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select end_sessions() $$, '42501', null, 'nor zoe');
select tests.act_as_nobody();
select throws_ok($$ select end_sessions() $$, '42501', null, 'nor nobody');
select tests.act_as_monitor();
select throws_ok($$ select end_sessions() $$, '42501', null, 'nor a monitor');

select tests.act_as_operator();
select throws_ok($$ select end_sessions(0) $$, 'SP504', null, 'a job says how many at once');

-- Ann's and bob's are an hour old, zoe's began a moment ago.
select tests.act_as_superuser();
update sessions set creation_time = now() - interval '1 hour' where user_id <> tests.user_id('zoe');
select tests.act_as_operator();
select is(end_sessions(p_begun_before => now() - interval '1 day'), 0, 'none began a day ago');
select is(end_sessions(1, now() - interval '30 minutes'), 1, 'a job ends one of those from before');
select is(end_sessions(1, now() - interval '30 minutes'), 1, '... and the other');
select is(end_sessions(1, now() - interval '30 minutes'), 0, '... and then there is none');
select tests.act_as_superuser();
select results_eq(
  $$ select user_id from live_sessions $$,
  $$ values (tests.user_id('zoe')) $$,
  'zoe goes on'
);
select tests.act_as_operator();
select is(end_sessions(), 1, 'without a time everybody''s end');
select is(end_sessions(p_begun_before => 'infinity'), 0, '... which are all there can be');

select tests.act_as_superuser();
select is_empty($$ select from live_sessions $$, 'nobody is signed in any more');
select results_eq(
  $$ select distinct revoked, revocation_reason, revocation_time >= creation_time from sessions $$,
  $$ values (true, 'ended_by_operator', true) $$,
  'each session says why it ended'
);
select results_eq(
  $$
    select (additional_data ->> 'ended')::integer
    from auth_audit_logs
    where event_type = 'sessions.ended'
    order by seq
  $$,
  $$ values (0), (1), (1), (0), (1), (0) $$,
  'and each call is on record'
);

select finish();
rollback;
