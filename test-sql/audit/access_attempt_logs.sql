-- access_attempt_logs: who tried to sign in, known or not; never the address typed.
begin;
select plan(63);

select tests.two_organizations();
select tests.act_as_nobody();
select is(tests.sign_in('bob', p_ip_address => '203.0.113.7'), 'signed_in', 'bob signs in');
select is(tests.sign_in('bob', tests.other_password_digest()), 'invalid', '... and somebody who says he is bob does not');
select is(tests.sign_in('stranger'), 'invalid', 'nor does a stranger');

select tests.act_as_auditor();
select results_eq(
  $$ select result, user_id, ip_address from access_attempt_logs where xid = txid_current() order by seq $$,
  $$
    values
      ('success', tests.user_id('bob'), '203.0.113.7'::inet),
      ('invalid', tests.user_id('bob'), null),
      ('invalid', null, null)
  $$,
  'an auditor reads three attempts: two at bob''s account and one at nobody''s'
);
select ok(
  (
    select bool_and(octet_length(email_digest) = 32)
      and count(distinct email_digest) = 2
    from access_attempt_logs
    where xid = txid_current()
  ),
  '... each with the keyed digest of what was typed, the same for the same'
);
select is_empty(
  $$ select id from access_attempt_logs where access_attempt_logs::text like '%@%' $$,
  '... and nowhere an address'
);

-- Who reads it
select tests.act_as('bob', 'acme');
select results_eq(
  $$ select result from access_attempt_logs where attempt_time >= now() order by recorded_at $$,
  $$ values ('success'), ('invalid') $$,
  'bob reads what was tried at his account'
);
select throws_ok(
  $$ select email_digest from access_attempt_logs $$,
  '42501', null,
  '... but no digests'
);
select tests.act_as('ann', 'acme');
select is_empty($$ select id from access_attempt_logs $$, 'ann, who owns acme, reads nothing of bob''s');
select tests.act_as('zoe', 'zenith');
select is_empty($$ select id from access_attempt_logs $$, 'zoe reads nothing');
select tests.act_as_nobody();
select is_empty($$ select id from access_attempt_logs $$, 'nobody reads nothing, not even the attempts at nobody''s account');


-- Nobody changes it
select tests.act_as('ann', 'acme');
select throws_ok($$ update access_attempt_logs set xid = 0 $$, '42501', null, 'ann, who owns acme, does not update it');
select throws_ok($$ delete from access_attempt_logs $$, '42501', null, 'ann, who owns acme, does not delete it');
select throws_ok($$ truncate access_attempt_logs $$, '42501', null, 'ann, who owns acme, does not truncate it');
select throws_ok($$ insert into access_attempt_logs (result) values ('invalid') $$, '42501', null, 'ann, who owns acme, does not write into it');
select tests.act_as('bob', 'acme');
select throws_ok($$ update access_attempt_logs set xid = 0 $$, '42501', null, 'bob does not update it');
select throws_ok($$ delete from access_attempt_logs $$, '42501', null, 'bob does not delete it');
select throws_ok($$ truncate access_attempt_logs $$, '42501', null, 'bob does not truncate it');
select throws_ok($$ insert into access_attempt_logs (result) values ('invalid') $$, '42501', null, 'bob does not write into it');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ update access_attempt_logs set xid = 0 $$, '42501', null, 'zoe does not update it');
select throws_ok($$ delete from access_attempt_logs $$, '42501', null, 'zoe does not delete it');
select throws_ok($$ truncate access_attempt_logs $$, '42501', null, 'zoe does not truncate it');
select throws_ok($$ insert into access_attempt_logs (result) values ('invalid') $$, '42501', null, 'zoe does not write into it');
select tests.act_as_nobody();
select throws_ok($$ update access_attempt_logs set xid = 0 $$, '42501', null, 'nobody updates it');
select throws_ok($$ delete from access_attempt_logs $$, '42501', null, 'nobody deletes it');
select throws_ok($$ truncate access_attempt_logs $$, '42501', null, 'nobody truncates it');
select throws_ok($$ insert into access_attempt_logs (result) values ('invalid') $$, '42501', null, 'nobody writes into it');
select tests.act_as_operator();
select throws_ok($$ update access_attempt_logs set xid = 0 $$, '42501', null, 'a job does not update it');
select throws_ok($$ delete from access_attempt_logs $$, '42501', null, 'a job does not delete it');
select throws_ok($$ truncate access_attempt_logs $$, '42501', null, 'a job does not truncate it');
select throws_ok($$ insert into access_attempt_logs (result) values ('invalid') $$, '42501', null, 'a job does not write into it');
select tests.act_as_auditor();
select throws_ok($$ update access_attempt_logs set xid = 0 $$, '42501', null, 'an auditor does not update it');
select throws_ok($$ delete from access_attempt_logs $$, '42501', null, 'an auditor does not delete it');
select throws_ok($$ truncate access_attempt_logs $$, '42501', null, 'an auditor does not truncate it');
select throws_ok($$ insert into access_attempt_logs (result) values ('invalid') $$, '42501', null, 'an auditor does not write into it');
select tests.act_as_monitor();
select throws_ok($$ update access_attempt_logs set xid = 0 $$, '42501', null, 'a monitor does not update it');
select throws_ok($$ delete from access_attempt_logs $$, '42501', null, 'a monitor does not delete it');
select throws_ok($$ truncate access_attempt_logs $$, '42501', null, 'a monitor does not truncate it');
select throws_ok($$ insert into access_attempt_logs (result) values ('invalid') $$, '42501', null, 'a monitor does not write into it');
select tests.act_as_backup();
select throws_ok($$ update access_attempt_logs set xid = 0 $$, '42501', null, 'a backup does not update it');
select throws_ok($$ delete from access_attempt_logs $$, '42501', null, 'a backup does not delete it');
select throws_ok($$ truncate access_attempt_logs $$, '42501', null, 'a backup does not truncate it');
select throws_ok($$ insert into access_attempt_logs (result) values ('invalid') $$, '42501', null, 'a backup does not write into it');
select tests.act_as_owner();
select is_empty($$ update access_attempt_logs set xid = 0 returning id $$, 'the owner''s update finds no row');
select is_empty($$ delete from access_attempt_logs returning id $$, 'the owner''s delete finds none');
select throws_ok($$ truncate access_attempt_logs $$, 'SP203', null, 'the owner''s truncate is refused');
select throws_ok($$ insert into access_attempt_logs (result) values ('invalid') $$, '42501', null, 'the owner writes no entry');
set local role safetypin_definer;
select throws_ok($$ update access_attempt_logs set xid = 0 $$, '42501', null, 'the functions'' owner updates nothing');
select throws_ok($$ delete from access_attempt_logs $$, '42501', null, '... deletes nothing');
select throws_ok($$ truncate access_attempt_logs $$, '42501', null, '... truncates nothing');
select throws_ok($$ insert into access_attempt_logs (result, xid) values ('invalid', 1) $$, '42501', null, '... and does not say in which transaction it writes');
select throws_ok($$ insert into access_attempt_logs (result, recorded_at) values ('invalid', now()) $$, '42501', null, '... nor when');
select throws_ok(
  $$ insert into access_attempt_logs (result, seq) overriding system value values ('invalid', 1) $$,
  '42501', null,
  '... nor in which place'
);
select tests.act_as_superuser();
select throws_ok($$ update access_attempt_logs set xid = 0 $$, 'SP203', null, 'a superuser''s update is refused');
select throws_ok($$ delete from access_attempt_logs $$, 'SP203', null, '... so is a delete');
select throws_ok($$ truncate access_attempt_logs $$, 'SP203', null, '... and a truncate');
set local session_replication_role = replica;
select throws_ok($$ delete from access_attempt_logs $$, 'SP203', null, '... and a delete that says it is a replica''s');
set local session_replication_role = origin;


-- The same of a single month
select set_config('tests.month', 'access_attempt_logs' || to_char(now() at time zone 'UTC', '_YYYY_MM'), true);
select tests.act_as('ann', 'acme');
select throws_ok(
  format('select id from %I', current_setting('tests.month')),
  '42501', null,
  'ann does not read around the fence, from a month directly'
);
select tests.act_as_owner();
select is_empty(
  format('delete from %I returning id', current_setting('tests.month')),
  'the owner''s delete from a month finds no row'
);
select throws_ok(
  format('truncate %I', current_setting('tests.month')),
  'SP203', null,
  'the owner''s truncate of a month is refused'
);
select tests.act_as_superuser();
select throws_ok(
  format('update %I set xid = 0', current_setting('tests.month')),
  'SP203', null,
  'a superuser''s update of a month is refused'
);
select throws_ok(
  format('delete from %I', current_setting('tests.month')),
  'SP203', null,
  '... so is a delete'
);
select throws_ok(
  format('truncate %I', current_setting('tests.month')),
  'SP203', null,
  '... and a truncate'
);

select finish();
rollback;
