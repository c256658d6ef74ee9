-- access_attempt_logs: who tried to sign in, known or not; what was typed, and where, is sealed.
begin;
select plan(87);

select tests.two_organizations();
select tests.act_as_nobody();
select is(tests.sign_in('bob', p_ip_address => '203.0.113.7'), 'signed_in', 'bob signs in');
select is(tests.sign_in('bob', tests.other_password_digest()), 'invalid', '... and somebody who says he is bob does not');
select is(tests.sign_in('stranger'), 'invalid', 'nor does a stranger');

select tests.act_as_auditor();
select results_eq(
  $$ select result, user_id, ip_address is null, ip_index is null from access_attempt_logs where xid = txid_current() order by seq $$,
  $$
    values
      ('success', tests.user_id('bob'), false, false),
      ('invalid', tests.user_id('bob'), true, true),
      ('invalid', null, true, true)
  $$,
  'an auditor reads three attempts: two at bob''s account and one at nobody''s'
);
select ok(
  (
    select bool_and((user_id is null) = (octet_length(email_digest) is not distinct from 32))
      and count(email_digest) = 1
    from access_attempt_logs
    where xid = txid_current()
  ),
  '... and only of nobody''s the keyed digest of what was typed, the same for the same'
);
select is_empty(
  $$ select id from access_attempt_logs where access_attempt_logs::text like '%@%' $$,
  '... and nowhere an address'
);
select is_empty(
  $$
    select id from access_attempt_logs
    where position('@'::bytea in email) > 0 and position('example'::bytea in email) > 0
      or position('203.0.113'::bytea in ip_address) > 0
  $$,
  '... not in the bytes either'
);


-- Who opens it
select tests.act_as_superuser();
create function pg_temp.opened() returns table (email text, ip_address text) language sql
  as $$
    select opened.email, opened.ip_address
    from (
      select
        array_agg(id order by recorded_at), array_agg(user_id order by recorded_at),
        array_agg(email order by recorded_at), array_agg(ip_address order by recorded_at)
      from access_attempt_logs
      where attempt_time >= now()
    ) as page (ids, user_ids, emails, ip_addresses)
    cross join lateral open_attempts(ids, user_ids, emails, ip_addresses) as opened
  $$;
select tests.act_as_auditor();
select results_eq(
  $$ select * from pg_temp.opened() $$,
  $$ values ('bob@example.com', '203.0.113.7'), ('bob@example.com', null), ('stranger@example.com', null) $$,
  'an auditor who unlocks opens what was typed, and where'
);
select results_eq(
  $$ select result from access_attempt_logs where ip_index = any (ip_address_indexes('203.0.113.7')) $$,
  $$ values ('success') $$,
  '... and finds attempts by it'
);
select is_empty(
  $$ select result from access_attempt_logs where ip_index = any (ip_address_indexes('203.0.113.8')) $$,
  '... and by no other'
);
select tests.act_as_superuser();
select tests.add_key();
select tests.unlock();
select tests.act_as_nobody();
select is(tests.sign_in('bob', p_token => 'later', p_ip_address => '203.0.113.7'), 'signed_in', 'bob signs in once there is another key');
select tests.act_as_auditor();
select is(
  (select count(*) from access_attempt_logs where ip_index = any (ip_address_indexes('203.0.113.7'))), 2::bigint,
  '... and his address finds both, each under the key of its time'
);
select is(
  (select array_agg(email) from pg_temp.opened()),
  '{bob@example.com,bob@example.com,stranger@example.com,bob@example.com}',
  '... and both open'
);
select set_config('tests.shares', current_setting('safetypin.shares'), true);
select set_config('safetypin.shares', '', true);
select throws_ok($$ select pg_temp.opened() $$, 'SP522', null, 'without a key an auditor opens nothing');
select throws_ok($$ select ip_address_indexes('203.0.113.7') $$, 'SP522', null, '... and looks nothing up');
select set_config('safetypin.shares', current_setting('tests.shares'), true);
select throws_ok(
  $$ select open_fields(7, array[id], array[email], array[user_id]) from access_attempt_logs $$, '42501', null,
  'of other fields an auditor opens none'
);
select tests.act_as_nobody();
select throws_ok($$ select ip_address_indexes('203.0.113.7') $$, '42501', null, 'applications make no indexes');
select tests.act_as_operator();
select throws_ok($$ select ip_address_indexes('203.0.113.7') $$, '42501', null, '... and jobs neither');
select throws_ok($$ select open_attempts('{}', '{}', '{}', '{}') $$, '42501', null, '... nor open attempts');

-- Every way to alter a value, and what comes of reading it: the evidence cannot be
-- changed, so what is altered is what is handed in.
select tests.act_as_superuser();
create temporary table taken as
select row_number() over (order by seq) as number, id, user_id, email, ip_address
from access_attempt_logs
where xid = txid_current()
order by seq
limit 3;
grant select on taken to public;
create function pg_temp.opens(p_number integer, p_email bytea, p_ip_address bytea) returns text language plpgsql as $$
begin
  perform open_attempts(array[id], array[user_id], array[p_email], array[p_ip_address])
  from taken where number = p_number;
  return 'done';
exception
  when others then return sqlstate;
end;
$$;
select tests.act_as_auditor();
select is(pg_temp.opens(1, email, ip_address), 'done', 'a value opens in its row') from taken where number = 1;
select is(pg_temp.opens(2, email, null), 'SP521', 'another attempt''s value of the same person does not') from taken where number = 1;
select is(pg_temp.opens(2, null, ip_address), 'SP521', '... nor where it came from') from taken where number = 1;
select is(pg_temp.opens(3, email, null), 'SP521', 'bob''s does not open as nobody''s') from taken where number = 2;
select is(pg_temp.opens(1, ip_address, email), 'SP521', '... nor one column''s in the other') from taken where number = 1;
select is(
  (
    select array_agg(distinct pg_temp.opens(1, set_bit(email, place, 1 - get_bit(email, place)), null))
      || array_agg(distinct pg_temp.opens(1, null, set_bit(ip_address, place, 1 - get_bit(ip_address, place))))
    from taken
    cross join generate_series(0, 8 * octet_length(ip_address) - 1, 7) as place
    where number = 1
  ),
  '{SP521,SP521}',
  'with any bit changed, neither opens'
);
select is(
  (
    select array_agg(distinct pg_temp.opens(1, substr(email, 1, length), null))
      || array_agg(distinct pg_temp.opens(1, null, substr(ip_address, 1, length)))
    from taken
    cross join generate_series(0, octet_length(ip_address) - 1, 5) as length
    where number = 1
  ),
  '{SP521,SP521}',
  '... nor cut, anywhere'
);
select tests.act_as_superuser();
select throws_ok(
  $$ insert into access_attempt_logs (result, email) values ('invalid', 'bob@example.com') $$, 'SP525', null,
  'nothing in clear gets into the log'
);
set local session_replication_role = replica;
select throws_ok(
  $$ insert into access_attempt_logs (result, ip_address) values ('invalid', '203.0.113.7') $$, 'SP525', null,
  '... not by way of a replica either'
);
set local session_replication_role = origin;

-- Who reads it
select tests.act_as('bob', 'acme');
select results_eq(
  $$ select result from access_attempt_logs where attempt_time >= now() order by recorded_at $$,
  $$ values ('success'), ('invalid'), ('success') $$,
  'bob reads what was tried at his account'
);
select is(
  (select array_agg(ip_address) from pg_temp.opened()), '{203.0.113.7,NULL,203.0.113.7}', '... and where from'
);
select throws_ok($$ select ip_index from access_attempt_logs $$, '42501', null, '... but reads no indexes');
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
