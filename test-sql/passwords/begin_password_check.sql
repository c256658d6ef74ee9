-- begin_password_check(): charges the attempt before anything else, and answers an
-- address nobody has as it answers one that somebody has.
begin;
select plan(33);

select tests.two_organizations();

-- What is answered
select tests.act_as_nobody();
select results_eq(
  $$ select status, attempt_id is not null, octet_length(nonce), salt, target_cost, retry_after from begin_password_check('BOB@example.com') $$,
  $$ values ('ready', true, 32, left(tests.password_digest(), 29), 12, null::interval) $$,
  'for bob: the salt of his password, what a new one should cost, and a nonce'
);
select results_eq(
  $$ select status, attempt_id is not null, octet_length(nonce), length(salt), target_cost, retry_after from begin_password_check('nobody@example.com') $$,
  $$ values ('ready', true, 32, 29, 12, null::interval) $$,
  'for nobody: the same'
);
select isnt(
  (select nonce from begin_password_check(tests.email('bob'))), (select nonce from begin_password_check(tests.email('bob'))),
  'a nonce is never given twice'
);
select tests.act_as_superuser();
select is(
  (select count(*) from password_attempts where proof is null and finished_time is null), 4::bigint,
  'four attempts are under way'
);
select results_eq(
  $$ select user_id, failure_count from sign_in_throttles where kind = 'account' order by failure_count $$,
  $$ values (null, 1), (tests.user_id('bob'), 3) $$,
  'each is charged already, bob''s and nobody''s'
);
select is_empty(
  $$ select id from password_attempts where password_attempts::text like '%@%' $$,
  'and nowhere is what was typed'
);
select is(
  (select count(*) from access_attempt_logs where xid = txid_current()), 0::bigint,
  'what is under way is not in the log yet'
);

-- A salt for nobody looks like any other, is always the same, and is nobody else's
select tests.act_as_nobody();
select is_empty(
  $$
    select address, salt
    from (select 'nobody' || n || '@example.com' as address from generate_series(1, 200) as n) as addresses
    cross join lateral begin_password_check(address)
    where salt !~ '^\$2a\$12\$[./A-Za-z0-9]{21}[.Oeu]$'
  $$,
  'of two hundred salts for nobody each is one that bcrypt could have made, to the last letter'
);
select is(
  (
    select count(distinct salt)
    from (select 'nobody' || n || '@example.com' as address from generate_series(1, 200) as n) as addresses
    cross join lateral begin_password_check(address)
  ),
  200::bigint,
  '... and no two are the same'
);
select is(
  (select salt from begin_password_check('nobody1@example.com')), (select salt from begin_password_check('Nobody1@EXAMPLE.com')),
  'asked again, however written, the same address has the same salt'
);
select tests.act_as_superuser();
select tests.newcomer('new');
select set_config('tests.salt', (select salt from begin_password_check('nobody2@example.com')), true);
select tests.give_email('new', 'nobody2@example.com');
select is((select salt from begin_password_check('nobody2@example.com')), current_setting('tests.salt'), 'somebody without a password has the salt that nobody had');
update users set status = 'suspended' where id = tests.user_id('bob');
select tests.act_as_nobody();
select results_eq(
  $$ select status, salt from begin_password_check(tests.email('bob')) $$,
  $$ values ('ready', left(tests.password_digest(), 29)) $$,
  'that bob is suspended is not told here'
);

-- Odd addresses are nobody's
select is(
  (select array_agg(status) from unnest(array['', ' ', 'no address', repeat('a', 10000) || '@example.com', '''; drop table users; --']) as address cross join lateral begin_password_check(address)),
  '{ready,ready,ready,ready,ready}'::text[],
  'what is no address is nobody''s'
);

-- Network addresses: IPv4 alone, IPv6 by its 64, and IPv4 in the clothes of IPv6
select lives_ok(
  $$
    select begin_password_check('nobody@example.com', address)
    from unnest(array['203.0.113.7', '203.0.113.8', '::ffff:203.0.113.7', '::ffff:203.0.113.8', '2001:db8::1', '2001:db8::ffff:1', '2001:db8:0:1::1']::inet[]) as address
  $$,
  'seven come from seven addresses'
);
select tests.act_as_superuser();
create function pg_temp.same_place(p_one inet, p_other inet)
  returns boolean
  language sql
as $$ select tests.throttle_id(p_one) = tests.throttle_id(p_other) $$;
select ok(not pg_temp.same_place('203.0.113.7', '203.0.113.8'), 'two addresses of IPv4 are two places');
select ok(pg_temp.same_place('203.0.113.7', '203.0.113.7/24'), 'one is one, whatever its mask');
select ok(pg_temp.same_place('2001:db8::1', '2001:db8::ffff:ffff:ffff:ffff'), 'a /64 of IPv6 is one place');
select ok(not pg_temp.same_place('2001:db8::1', '2001:db8:0:1::1'), 'the next /64 is another');
select ok(pg_temp.same_place('203.0.113.7', '::ffff:203.0.113.7'), 'an IPv4 address that a socket of both families reports is that IPv4 address');
select ok(not pg_temp.same_place('::ffff:203.0.113.7', '::ffff:203.0.113.8'), '... and not the same as every other');
select is((select count(*) from sign_in_throttles where kind = 'address'), 4::bigint, 'the seven came from four places');
select is(tests.throttle_id(null::inet), null, 'no address is no place');

-- Whose business it is
select tests.act_as_operator();
select throws_ok($$ select begin_password_check('bob@example.com') $$, '42501', null, 'a job checks no password');
select tests.act_as_auditor();
select throws_ok($$ select begin_password_check('bob@example.com') $$, '42501', null, 'an auditor neither');
select tests.act_as('ann', 'acme');
select lives_ok($$ select begin_password_check(tests.email('ann')) $$, 'ann, signed in, may prove her password once more');
select throws_ok($$ select id from password_attempts $$, '42501', null, '... and reads no attempts');
select throws_ok($$ select id from sign_in_throttles $$, '42501', null, '... nor how often anybody failed');
select throws_ok($$ delete from sign_in_throttles $$, '42501', null, '... and forgives nobody');
select throws_ok($$ select _release_attempt(array[new_id()], array[new_id()]) $$, '42501', null, '... by no function');
select throws_ok($$ select _account_ids('bob@example.com', '{}') $$, '42501', null, '... nor computes whose count is whose');
select tests.act_as_nobody();
select throws_ok($$ select nonce from password_attempts $$, '42501', null, 'nobody reads a nonce');
select throws_ok($$ select _salt_for_nobody('a', 12, 'key') $$, '42501', null, '... or asks which salts are nobody''s');
select throws_ok($$ select _judge_attempt(new_id()) $$, '42501', null, '... or has an attempt judged by the inner way');

select finish();
rollback;
