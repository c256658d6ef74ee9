-- Throttling: each failure beyond the fifth doubles the wait; a hundred in a row end
-- the password; by account, whether anybody has it or not, and by network address.
begin;
select plan(62);

select tests.two_organizations();
select tests.act_as_superuser();
update password_policies
set lockout_threshold = 5, lockout_base = '30 seconds', lockout_limit = '15 minutes', address_threshold = 10
where organization_id is null;

-- One try: what was answered, and how long to wait, in seconds
create function tests.try(p_name text, p_ip_address inet default null)
  returns text
  language sql
as $$
  select status || coalesce(' ' || ceil(extract(epoch from retry_after)), '')
  from begin_password_check(tests.email(p_name), p_ip_address)
$$;
-- As if the wait were over
create function tests.waited()
  returns void
  language sql
  security definer
as $$ update sign_in_throttles set blocked_until = '-infinity' $$;
create function tests.failures(p_name text)
  returns integer
  language sql
  security definer
as $$ select failure_count from sign_in_throttles where id = tests.throttle_id(tests.email(p_name)) $$;

-- Bob
select tests.act_as_nobody();
select is(
  array(select tests.try('bob') from generate_series(1, 5)), '{ready,ready,ready,ready,ready}'::text[],
  'five tries at bob are answered'
);
select is(tests.try('bob'), 'throttled 30', 'the sixth waits half a minute');
select is(tests.try('bob'), 'throttled 30', '... and so does the next');
select is(tests.failures('bob'), 5, 'what was not answered is not charged');
select tests.waited();
select is(tests.try('bob') || ', ' || tests.try('bob'), 'ready, throttled 60', 'failure 6 makes the next wait 60 seconds');
select tests.waited();
select is(tests.try('bob') || ', ' || tests.try('bob'), 'ready, throttled 120', 'failure 7 makes the next wait 120 seconds');
select tests.waited();
select is(tests.try('bob') || ', ' || tests.try('bob'), 'ready, throttled 240', 'failure 8 makes the next wait 240 seconds');
select tests.waited();
select is(tests.try('bob') || ', ' || tests.try('bob'), 'ready, throttled 480', 'failure 9 makes the next wait 480 seconds');
select tests.waited();
select is(tests.try('bob') || ', ' || tests.try('bob'), 'ready, throttled 900', 'failure 10 makes the next wait 900 seconds');
select tests.waited();
select is(tests.try('bob') || ', ' || tests.try('bob'), 'ready, throttled 900', 'failure 11 makes the next wait 900 seconds');
select tests.waited();
select tests.act_as_auditor();
select results_eq(
  $$ select result, count(*) from access_attempt_logs where user_id = tests.user_id('bob') and xid = txid_current() group by 1 $$,
  $$ values ('throttled', 8::bigint) $$,
  'those that waited are in the log'
);

-- The right password starts from nothing
select tests.act_as_nobody();
select is(tests.sign_in('bob'), 'signed_in', 'bob signs in');
select is(tests.failures('bob'), 0, '... and has no failures');
select is(
  array(select tests.try('bob') from generate_series(1, 6)), '{ready,ready,ready,ready,ready,"throttled 30"}'::text[],
  '... and five tries again'
);
select is(tests.sign_in('bob'), 'invalid', 'who is throttled does not sign in with the right password');
select tests.waited();

-- Nobody at all
select tests.act_as_nobody();
select is(
  array(select tests.try('nobody') from generate_series(1, 5)), '{ready,ready,ready,ready,ready}'::text[],
  'five tries at nobody at all are answered'
);
select is(tests.try('nobody'), 'throttled 30', 'the sixth waits half a minute');
select is(tests.try('nobody'), 'throttled 30', '... and so does the next');
select is(tests.failures('nobody'), 5, 'what was not answered is not charged');
select tests.waited();
select is(tests.try('nobody') || ', ' || tests.try('nobody'), 'ready, throttled 60', 'failure 6 makes the next wait 60 seconds');
select tests.waited();
select is(tests.try('nobody') || ', ' || tests.try('nobody'), 'ready, throttled 120', 'failure 7 makes the next wait 120 seconds');
select tests.waited();
select is(tests.try('nobody') || ', ' || tests.try('nobody'), 'ready, throttled 240', 'failure 8 makes the next wait 240 seconds');
select tests.waited();
select is(tests.try('nobody') || ', ' || tests.try('nobody'), 'ready, throttled 480', 'failure 9 makes the next wait 480 seconds');
select tests.waited();
select is(tests.try('nobody') || ', ' || tests.try('nobody'), 'ready, throttled 900', 'failure 10 makes the next wait 900 seconds');
select tests.waited();
select is(tests.try('nobody') || ', ' || tests.try('nobody'), 'ready, throttled 900', 'failure 11 makes the next wait 900 seconds');
select tests.waited();


-- The edge of a wait
select tests.act_as_superuser();
select _forgive_account(tests.email('bob'));
update sign_in_throttles set failure_count = 5, blocked_until = clock_timestamp() + interval '2 seconds' where id = tests.throttle_id(tests.email('bob'));
select tests.act_as_nobody();
select is(tests.try('bob'), 'throttled 2', 'two seconds before the wait is over it is not');
select tests.act_as_superuser();
update sign_in_throttles set blocked_until = clock_timestamp() where id = tests.throttle_id(tests.email('bob'));
select tests.act_as_nobody();
select is(tests.try('bob'), 'ready', '... and when it is over it is');


-- A hundred
select tests.act_as_superuser();
update sign_in_throttles set failure_count = 98, blocked_until = '-infinity' where kind = 'account';
select tests.act_as_nobody();
select is(tests.sign_in('bob', tests.other_password_digest()), 'invalid', 'the ninety-ninth failure');
select tests.waited();
select tests.act_as_superuser();
select is((select disabled_time from password_credentials where user_id = tests.user_id('bob')), null, '... leaves the password working');
savepoint ninety_nine;
select tests.act_as_nobody();
select is(tests.sign_in('bob', p_token => 'at last'), 'signed_in', '... with the right one, the hundredth try signs in');
select is(tests.failures('bob'), 0, '... and all is forgotten');
rollback to ninety_nine;
select tests.act_as_nobody();
select is(tests.sign_in('bob', tests.other_password_digest()), 'invalid', 'the hundredth failure');
select tests.waited();
select is(tests.try('bob'), 'disabled', '... disables the password');
select is(tests.sign_in('bob'), 'invalid', '... also for who knows it');
select tests.act_as_superuser();
select ok((select disabled_time is not null from password_credentials where user_id = tests.user_id('bob')), '... which says since when');
select results_eq(
  $$ select alert_type, severity, user_id from security_alerts $$,
  $$ values ('password_disabled', 'high', tests.user_id('bob')) $$,
  'an alert is open'
);
select is((select count(*) from tests.events('password.disabled')), 1::bigint, 'and it is recorded, once');
select tests.act_as_nobody();
select is(tests.try('nobody'), 'ready', 'the ninety-ninth try at nobody at all');
select tests.waited();
select is(tests.try('nobody'), 'ready', '... and the hundredth');
select tests.waited();
select is(tests.try('nobody'), 'disabled', '... disable nobody''s password, just so');
select tests.act_as_auditor();
select ok(
  exists (select from access_attempt_logs where result = 'disabled' and user_id = tests.user_id('bob')),
  'tries at a disabled password are in the log'
);
-- Whoever has an attempt under way while it is disabled does not get in by it
select tests.act_as_superuser();
update sign_in_throttles set failure_count = 0;
select tests.act_as_nobody();
select is(tests.sign_in('bob'), 'invalid', 'with the count put back by hand, a disabled password is disabled still');
-- A new password is a new start
select request_password_reset(tests.email('bob'));
select is(
  tests.reset_password(tests.read_message('bob', 'reset_password'), tests.other_password_digest(), array[tests.other_history_digest()], (select version from read_password_policy())),
  'reset',
  'bob resets his password'
);
select is(tests.failures('bob'), 0, '... and has no failures');
select is(tests.sign_in('bob', tests.other_password_digest(), 'with the new one'), 'signed_in', '... and signs in with the new one');


-- By network address: whatever accounts it tries
select tests.act_as_nobody();
select is(
  (select array_agg(distinct tests.try('person' || n, '203.0.113.7')) from generate_series(1, 10) as n), '{ready}'::text[],
  'ten tries at ten accounts from one address are answered'
);
select is(tests.try('ann', '203.0.113.7'), 'throttled 30', 'the eleventh waits, whoever it is for');
select is(tests.try('ann', '203.0.113.8'), 'ready', '... from another address it does not');
select is(tests.try('ann'), 'ready', '... nor where no address is given');
select is(
  (select array_agg(distinct tests.try('host' || n, ('2001:db8::' || to_hex(n))::inet)) from generate_series(1, 10) as n), '{ready}'::text[],
  'ten tries from ten addresses of one /64'
);
select is(tests.try('ann', '2001:db8::ffff'), 'throttled 30', '... are one customer''s');
select is(tests.try('ann', '2001:db8:0:1::1'), 'ready', '... and not the neighbour''s');
-- One success takes one failure off, so that a thief with an account of his own gains nothing
select tests.act_as_superuser();
update sign_in_throttles set failure_count = 8, blocked_until = '-infinity' where id = tests.throttle_id(inet '203.0.113.7');
update sign_in_throttles set failure_count = 0, blocked_until = '-infinity' where kind = 'account';
select tests.act_as_nobody();
select is(tests.sign_in('zoe', p_token => 'zoe', p_ip_address => '203.0.113.7'), 'signed_in', 'zoe signs in from an address with eight failures');
select tests.act_as_superuser();
select is((select failure_count from sign_in_throttles where id = tests.throttle_id(inet '203.0.113.7')), 8, '... which has eight still');
select is((select count(*) from sign_in_throttles where kind = 'address' and user_id is not null), 0::bigint, 'an address is nobody''s account');


-- Sweeping: addresses after a day, nobody's accounts after a month, somebody's never
delete from sign_in_throttles;
insert into sign_in_throttles (id, kind, user_id, failure_count, last_failure_time)
values
  (md5('a')::uuid, 'address', null, 50, now() - interval '25 hours'),
  (md5('b')::uuid, 'address', null, 50, now() - interval '23 hours'),
  (md5('c')::uuid, 'account', null, 50, now() - interval '31 days'),
  (md5('d')::uuid, 'account', null, 50, now() - interval '29 days'),
  (md5('e')::uuid, 'account', tests.user_id('bob'), 50, now() - interval '10 years'),
  (md5('f')::uuid, 'account', tests.user_id('ann'), 0, now() - interval '25 hours'),
  (md5('g')::uuid, 'account', tests.user_id('amy'), 0, now() - interval '23 hours');
select tests.act_as('ann', 'acme');
select throws_ok($$ select sweep_sign_in_throttles() $$, '42501', null, 'ann sweeps nothing');
select tests.act_as_nobody();
select throws_ok($$ select sweep_sign_in_throttles() $$, '42501', null, 'nobody sweeps nothing');
select tests.act_as_operator();
select is(sweep_sign_in_throttles(2), 2, 'a job sweeps two');
select is(sweep_sign_in_throttles(2), 1, '... and the one that is left');
select is(sweep_sign_in_throttles(2), 0, '... and then none');
select tests.act_as_superuser();
select results_eq(
  $$ select user_id, failure_count from sign_in_throttles order by last_failure_time $$,
  $$
    values
      (tests.user_id('bob'), 50), (null, 50), (null, 50), (tests.user_id('amy'), 0)
  $$,
  'bob''s fifty failures are not forgiven in ten years'
);
select is((select sum((additional_data ->> 'swept')::integer) from tests.events('sign_in_throttles.swept')), 3::bigint, 'each batch is recorded');

select finish();
rollback;
