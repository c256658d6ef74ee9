-- begin_request(): the one way in. A token that is unknown, ended, idle for too long
-- or void is nobody's; which of these it is, nobody is told.
begin;
select plan(28);

select tests.two_organizations();
select tests.act_as('bob', 'acme');
select tests.act_as_superuser();
create function pg_temp.age(p_created interval, p_active interval, p_expires interval, p_idle interval)
  returns void
  language sql
as $$
  update sessions
  set
    creation_time = clock_timestamp() - p_created,
    expiration_time = clock_timestamp() + p_expires,
    idle_limit = p_idle
  where id = md5('session:bob:acme')::uuid;
  update session_activities
  set last_activity_time = clock_timestamp() - p_active
  where session_id = md5('session:bob:acme')::uuid
$$;

-- Who comes in
select tests.act_as_nobody();
select results_eq(
  $$ select session_id, user_id, organization_id, assurance_level from begin_request(tests.token('bob', 'acme')) $$,
  $$ values (md5('session:bob:acme')::uuid, tests.user_id('bob'), tests.organization_id('acme'), 1::smallint) $$,
  'with his token bob comes in, and is told who and where he is'
);
select is(current_user_id(), tests.user_id('bob'), 'from then on he is bob');
select throws_ok($$ select begin_request(tests.token('eve')) $$, 'SP101', 'the session is not good, or is no more', 'a token that nobody has is refused');
select throws_ok($$ select begin_request('') $$, 'SP101', null, 'so is an empty one');
select throws_ok($$ select begin_request(null) $$, 'SP101', null, 'so is none');
select throws_ok($$ select begin_request(sha256(tests.token('bob', 'acme'))) $$, 'SP101', null, 'so is the digest that the table keeps');
select throws_ok($$ select begin_request(tests.token('bob', 'acme') || '\x00') $$, 'SP101', null, 'so is the token and a byte more');
select tests.act_as_operator();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, '42501', null, 'a job comes in for nobody');
select tests.act_as_auditor();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, '42501', null, 'an auditor neither');
select tests.act_as_owner();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, '42501', null, 'nor the owner of the tables');

-- In the same transaction somebody else may come in: then it is them.
select tests.act_as('zoe', 'zenith');
select begin_request(tests.token('bob', 'acme'));
select is(current_user_id(), tests.user_id('bob'), 'who comes in last is who is asking');


-- Until when: both sides of both limits, at each level
select tests.act_as_superuser();
update sessions set assurance_level = 1 where id = md5('session:bob:acme')::uuid;
select pg_temp.age('30 days', '0', '2 seconds', '7 days');
select tests.act_as_nobody();
select lives_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'at level 1, two seconds before the end of its 30 days, the session is good');
select tests.act_as_superuser();
select pg_temp.age('30 days 1 second', '0', '-1 seconds', '7 days');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, '... a second after, it is not, however busy');
select tests.act_as_superuser();
select pg_temp.age('30 days', interval '7 days' - interval '2 seconds', '1 day', '7 days');
select tests.act_as_nobody();
select lives_ok($$ select begin_request(tests.token('bob', 'acme')) $$, '... idle for two seconds less than 7 days it is good');
select tests.act_as_superuser();
select pg_temp.age('30 days', interval '7 days' + interval '1 second', '1 day', '7 days');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, '... for a second more it is not');
select tests.act_as_superuser();
update sessions set assurance_level = 2 where id = md5('session:bob:acme')::uuid;
select pg_temp.age('24 hours', '0', '2 seconds', '1 hour');
select tests.act_as_nobody();
select lives_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'at level 2, two seconds before the end of its 24 hours, the session is good');
select tests.act_as_superuser();
select pg_temp.age('24 hours 1 second', '0', '-1 seconds', '1 hour');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, '... a second after, it is not, however busy');
select tests.act_as_superuser();
select pg_temp.age('24 hours', interval '1 hour' - interval '2 seconds', '1 day', '1 hour');
select tests.act_as_nobody();
select lives_ok($$ select begin_request(tests.token('bob', 'acme')) $$, '... idle for two seconds less than 1 hour it is good');
select tests.act_as_superuser();
select pg_temp.age('24 hours', interval '1 hour' + interval '1 second', '1 day', '1 hour');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, '... for a second more it is not');
select tests.act_as_superuser();
update sessions set assurance_level = 3 where id = md5('session:bob:acme')::uuid;
select pg_temp.age('12 hours', '0', '2 seconds', '15 minutes');
select tests.act_as_nobody();
select lives_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'at level 3, two seconds before the end of its 12 hours, the session is good');
select tests.act_as_superuser();
select pg_temp.age('12 hours 1 second', '0', '-1 seconds', '15 minutes');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, '... a second after, it is not, however busy');
select tests.act_as_superuser();
select pg_temp.age('12 hours', interval '15 minutes' - interval '2 seconds', '1 day', '15 minutes');
select tests.act_as_nobody();
select lives_ok($$ select begin_request(tests.token('bob', 'acme')) $$, '... idle for two seconds less than 15 minutes it is good');
select tests.act_as_superuser();
select pg_temp.age('12 hours', interval '15 minutes' + interval '1 second', '1 day', '15 minutes');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, '... for a second more it is not');


-- Activity: once a minute, and not when it was refused
select tests.act_as_superuser();
select pg_temp.age('1 hour', '50 seconds', '1 day', '7 days');
select set_config('tests.active', (select last_activity_time::text from session_activities where session_id = md5('session:bob:acme')::uuid), true);
select tests.act_as_nobody();
select begin_request(tests.token('bob', 'acme'));
select is(
  (select last_activity_time::text from session_activities where session_id = current_session_id()),
  current_setting('tests.active'),
  'within a minute of the last request nothing is written'
);
select tests.act_as_superuser();
select pg_temp.age('1 hour', '61 seconds', '1 day', '7 days');
select tests.act_as_nobody();
select begin_request(tests.token('bob', 'acme'));
select ok(
  (select last_activity_time >= now() from session_activities where session_id = current_session_id()),
  'after more than a minute the idle limit slides'
);
select tests.act_as_superuser();
select pg_temp.age('1 hour', '2 hours', '1 day', '1 hour');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, 'who comes too late');
select tests.act_as_superuser();
select ok(
  (select last_activity_time < now() - interval '1 hour' from session_activities where session_id = md5('session:bob:acme')::uuid),
  '... does not keep the session alive by trying'
);
select pg_temp.age('1 hour', '61 seconds', '1 day', '7 days');
select tests.act_as_nobody();
set local transaction_read_only = on;
select lives_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'who only reads comes in without writing');


select finish();
rollback;
