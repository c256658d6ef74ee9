-- sweep_password_attempts(): what is over goes, in batches; what was begun and never
-- finished is an attempt all the same.
begin;
select plan(10);

select tests.two_organizations();
select tests.act_as_superuser();
select tests.unlock();
insert into password_attempts (id, user_id, account_id, email, email_digest, nonce, salt, ip_address, creation_time, expiration_time, finished_time, succeeded)
select
  id, user_id, md5('account')::uuid, _seal_text(7, null, id, 'bob@example.com', user_id), sha256('bob'), sha256('nonce'), left(tests.password_digest(), 29), _seal_text(8, null, id, '203.0.113.7', user_id),
  now() - interval '1 hour', now() - interval '50 minutes' - make_interval(mins => n),
  case when n > 4 then now() - interval '1 hour' end, case when n > 4 then n = 5 end
from generate_series(1, 6) as n
cross join lateral (select md5('attempt:' || n)::uuid, case when n > 2 then tests.user_id('bob') end) as attempt (id, user_id)
union all
select md5('just over')::uuid, null, md5('account')::uuid, null, sha256('x'), sha256('nonce'), left(tests.password_digest(), 29), null, now() - interval '3 minutes', now() - interval '50 seconds', null, null
union all
select md5('alive')::uuid, null, md5('account')::uuid, null, sha256('x'), sha256('nonce'), left(tests.password_digest(), 29), null, now(), now() + interval '2 minutes', null, null;

select tests.act_as('ann', 'acme');
select throws_ok($$ select sweep_password_attempts() $$, '42501', null, 'ann sweeps nothing');
select tests.act_as('bob', 'acme');
select throws_ok($$ select sweep_password_attempts() $$, '42501', null, 'nor does bob');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select sweep_password_attempts() $$, '42501', null, 'nor zoe');
select tests.act_as_nobody();
select throws_ok($$ select sweep_password_attempts() $$, '42501', null, 'nor nobody');

select tests.act_as_operator();
select set_config('safetypin.shares', '', true);
select is(sweep_password_attempts(4), 4, 'a job, which has no key, sweeps four, the oldest first');
select is(sweep_password_attempts(4), 2, '... and the two that are left');
select tests.unlock();
select tests.act_as_operator();
select is(sweep_password_attempts(4), 0, '... and then none');
select tests.act_as_superuser();
select results_eq(
  $$ select id from password_attempts order by expiration_time $$,
  $$ values (md5('just over')::uuid), (md5('alive')::uuid) $$,
  'one that ended within the minute stays, and so does the one under way'
);
select tests.act_as_auditor();
select results_eq(
  $$
    select result, user_id, opened.ip_address, opened.email, email_digest is not distinct from sha256('bob'), attempt_time = now() - interval '1 hour', count(*)
    from access_attempt_logs as log
    cross join lateral open_attempts(array[log.id], array[user_id], array[log.email], array[log.ip_address]) as opened
    where xid = txid_current()
    group by 1, 2, 3, 4, 5, 6
    order by 2 nulls last
  $$,
  $$
    values
      ('abandoned', tests.user_id('bob'), '203.0.113.7', 'bob@example.com', false, true, 2::bigint),
      ('abandoned', null, '203.0.113.7', 'bob@example.com', true, true, 2)
  $$,
  'the four that were never finished are in the log as abandoned, bob''s and nobody''s'
);
select is((select sum((additional_data ->> 'swept')::integer) from tests.events('password_attempts.swept')), 6::bigint, 'each batch is recorded');

select finish();
rollback;
