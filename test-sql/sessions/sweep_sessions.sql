-- sweep_sessions(), sweep_refresh_tokens(): what ended long ago goes, in batches;
-- nothing that is alive does.
begin;
select plan(23);

select tests.two_organizations();
select tests.act_as('bob', 'acme');
select tests.act_as_superuser();
-- Ten of ann's that ended forty days ago, one that ended two days ago, and bob's.
insert into sessions (id, user_id, token_hash, assurance_level, authentication_methods, creation_time, expiration_time, idle_limit)
select md5('old:' || n)::uuid, tests.user_id('ann'), sha256(convert_to('old ' || n, 'UTF8')), 1, array['password'], now() - interval '70 days', now() - interval '40 days' - make_interval(mins => n), interval '1 day'
from generate_series(1, 10) as n
union all
select md5('recent')::uuid, tests.user_id('ann'), sha256('recent'), 1, array['password'], now() - interval '30 days', now() - interval '2 days', interval '1 day';
insert into session_activities (session_id) select id from sessions where user_id = tests.user_id('ann');
insert into refresh_tokens (session_id, user_id, family_id, token_hash, creation_time, expiration_time, is_used, used_time)
select id, user_id, id, token_hash, creation_time, expiration_time, true, creation_time from sessions where user_id = tests.user_id('ann');
insert into refresh_tokens (session_id, user_id, family_id, generation, token_hash, creation_time, expiration_time, is_used, used_time)
select
  md5('session:bob:acme')::uuid, tests.user_id('bob'), md5('family')::uuid, age, sha256(convert_to('bob ' || age, 'UTF8')),
  now() - interval '20 days', now() + interval '1 day', age > 0, case when age > 0 then now() + interval '1 hour' - make_interval(days => age) end
from generate_series(0, 10) as age;

-- Who may
select tests.act_as('ann', 'acme');
select throws_ok($$ select sweep_sessions() $$, '42501', null, 'ann sweeps nothing');
select throws_ok($$ select sweep_refresh_tokens() $$, '42501', null, '... no tokens either');
select tests.act_as('bob', 'acme');
select throws_ok($$ select sweep_sessions() $$, '42501', null, 'nor does bob');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select sweep_sessions() $$, '42501', null, 'nor zoe');
select tests.act_as_nobody();
select throws_ok($$ select sweep_sessions() $$, '42501', null, 'nor nobody');
select tests.act_as_monitor();
select throws_ok($$ select sweep_sessions() $$, '42501', null, 'nor a monitor');

-- Tokens: used more than a week ago
select tests.act_as_operator();
select is(sweep_refresh_tokens(4), 4, 'a job sweeps four used tokens');
select is(sweep_refresh_tokens(100), 10, '... and the ten that are left: eleven of ann''s, and bob''s of eight, nine and ten days ago');
select is(sweep_refresh_tokens(), 0, '... and then none');
select tests.act_as_superuser();
select is(
  (select count(*) from refresh_tokens where user_id = tests.user_id('bob')), 8::bigint,
  'those of the last week stay, to know a thief by, and so does the one not used'
);
select tests.act_as_operator();
select is(sweep_refresh_tokens(100, '0'), 6, 'however little is to be kept, a day is');
select tests.act_as_superuser();
select results_eq(
  $$ select generation from refresh_tokens where user_id = tests.user_id('bob') order by 1 $$,
  $$ values (0), (1) $$,
  '... and the one that is not used always'
);

-- Sessions: ended more than thirty days ago, in batches
select tests.act_as_operator();
select is(sweep_sessions(4), 4, 'a job sweeps four sessions');
select tests.act_as_superuser();
select results_eq(
  $$ select id from sessions where user_id = tests.user_id('ann') and expiration_time < now() - interval '40 days' order by expiration_time $$,
  $$ select md5('old:' || n)::uuid from generate_series(6, 1, -1) as n $$,
  '... the oldest first'
);
select tests.act_as_operator();
select is(sweep_sessions(4), 4, 'four more');
select is(sweep_sessions(4), 2, 'the last two');
select is(sweep_sessions(4), 0, 'and none');
select is(sweep_sessions(4, '0'), 1, 'however little is to be kept, what ended two days ago may go');
select tests.act_as_superuser();
insert into sessions (id, user_id, token_hash, assurance_level, authentication_methods, creation_time, expiration_time, idle_limit)
values (md5('yesterday')::uuid, tests.user_id('ann'), sha256('y'), 1, '{password}', now() - interval '9 days', now() - interval '23 hours', '1 day');
select tests.act_as_operator();
select is(sweep_sessions(4, '0'), 0, '... and what ended within a day stays');
select is(
  (select sum((additional_data ->> 'swept')::integer) from tests.events('sessions.swept')), 11::bigint,
  'each batch is recorded, with how many'
);
select is(
  (select sum((additional_data ->> 'swept')::integer) from tests.events('refresh_tokens.swept')), 20::bigint,
  '... of tokens too'
);
select tests.act_as_nobody();
select lives_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'bob''s session is alive');
select tests.act_as_superuser();
select is_empty(
  $$ select session_id from session_activities where session_id not in (select id from sessions) $$,
  'and nothing is left of what was swept'
);

select finish();
rollback;
