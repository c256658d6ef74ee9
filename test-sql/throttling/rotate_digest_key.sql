-- rotate_digest_key(): failures, messages and network addresses are known by digests under
-- a key. Under the next one they are the same: nobody gets a guess more by a rotation, and
-- nobody is told by it which addresses there are.
begin;
select plan(53);

select tests.two_organizations();
select tests.person('dora');
select tests.person('amos');
update password_policies
set lockout_threshold = 5, lockout_base = '30 seconds', lockout_limit = '15 minutes', address_threshold = 10
where organization_id is null;

create function tests.try(p_name text, p_ip_address inet default null)
  returns text
  language sql
as $$
  select status || coalesce(' ' || ceil(extract(epoch from retry_after)), '')
  from begin_password_check(tests.email(p_name), p_ip_address)
$$;
create function tests.salt_of(p_name text)
  returns text
  language sql
as $$ select salt from begin_password_check(tests.email(p_name)) $$;
create function tests.counted(p_name text)
  returns integer
  language sql
  security definer
as $$
  select sum(failure_count)::integer
  from sign_in_throttles
  where id in (tests.throttle_id(tests.email(p_name)), tests.throttle_id(tests.email(p_name), true))
$$;
create function tests.messages_to(p_name text)
  returns bigint
  language sql
  security definer
as $$ select count(*) from messages where user_id = tests.user_id(p_name) and purpose = 'reset_password' $$;

-- What a job without the cell's key is told, and the key is there again after
create function tests.locked()
  returns text
  language plpgsql
as $$
begin
  perform forget_settings();
  perform move_sign_in_throttles();
  return 'moved';
exception
  when others then return sqlstate;
end;
$$;


-- What has happened before
select tests.act_as_nobody();
select tests.unlock();
select is(array(select tests.try('bob') from generate_series(1, 3)), '{ready,ready,ready}'::text[], 'three tries at bob');
select is(array(select tests.try('nemo') from generate_series(1, 4)), '{ready,ready,ready,ready}'::text[], 'four at somebody who is nobody');
select is(array(select tests.try('dora') from generate_series(1, 5)), '{ready,ready,ready,ready,ready}'::text[], 'five at dora, who is throttled then');
select is(
  (select array_agg(distinct tests.try('person' || n, '203.0.113.7')) from generate_series(1, 9) as n), '{ready}'::text[],
  'nine from one network address'
);
select set_config('tests.salt', tests.salt_of('nessie'), true);
select is(tests.try('late'), 'ready', 'one at an address that will register');
select request_password_reset(tests.email('bob'));
select set_config(
  'tests.under_way', tests.prove_password('amos', p_ip_address => '203.0.113.8')::text, true
);
select set_config(
  'tests.under_way_too', tests.prove_password('zoe', p_ip_address => '203.0.113.9')::text, true
);
select tests.act_as_superuser();
update sign_in_throttles set failure_count = 3 where id = tests.throttle_id(tests.email('amos'));
update sign_in_throttles set failure_count = 7 where id = tests.throttle_id(inet '203.0.113.8');
insert into sign_in_throttles (id, kind, user_id, failure_count, last_failure_time)
values (tests.throttle_id(tests.email('ann')), 'account', tests.user_id('ann'), 100, now());
select set_config('tests.key', _digest_key_id()::text, true);


-- Whose business it is
select tests.act_as('ann', 'acme');
select throws_ok($$ select rotate_digest_key() $$, '42501', null, 'ann, who owns acme, rotates no key of the cell');
select throws_ok($$ select move_sign_in_throttles() $$, '42501', null, '... moves no failures');
select throws_ok($$ select read_digest_rotation() $$, '42501', null, '... and is told of no keys');
select tests.act_as_nobody();
select throws_ok($$ select rotate_digest_key() $$, '42501', null, 'nobody rotates it');
select throws_ok($$ select move_sign_in_throttles() $$, '42501', null, '... or moves failures');
select throws_ok($$ select sweep_context_keys() $$, '42501', null, '... or deletes keys');
select throws_ok($$ select _keyed_digest('email|ann@example.com', 'key') $$, '42501', null, '... or has an address digested');
select throws_ok($$ select _open_digest_keys('salt') $$, '42501', null, '... or opens a key');
select tests.act_as_monitor();
select throws_ok($$ select rotate_digest_key() $$, '42501', null, 'a monitor rotates none');


-- The rotation
select tests.act_as_operator();
select results_eq(
  $$ select key_id, earlier_key_id, people_count, other_count from read_digest_rotation() $$,
  $$ values (current_setting('tests.key')::uuid, null::uuid, 0::bigint, 0::bigint) $$,
  'one key digests'
);
select set_config('tests.next_key', rotate_digest_key()::text, true);
select isnt(current_setting('tests.next_key'), current_setting('tests.key'), 'a job makes another');
select results_eq(
  $$ select additional_data ->> 'purpose', resource_id::text from tests.events('context_key.rotated') $$,
  $$ values ('digest', current_setting('tests.next_key')) $$,
  '... which is recorded'
);
select results_eq(
  $$ select key_id::text, earlier_key_id::text, people_count, other_count > 10, drained_time between now() + interval '29 days' and clock_timestamp() + interval '30 days' from read_digest_rotation() $$,
  $$ values (current_setting('tests.next_key'), current_setting('tests.key'), 5::bigint, true, true) $$,
  '... and the one before is left, for as long as failures of nobody are remembered'
);
select throws_ok($$ select rotate_digest_key() $$, 'SP424', null, 'two are in use at once, and not three');
select is(sweep_context_keys(), 0, 'maintenance leaves what is needed');


-- Nobody gets a guess more
select tests.act_as_nobody();
select tests.unlock();
select is(
  array(select tests.try('bob') from generate_series(1, 3)), '{ready,ready,"throttled 30"}'::text[],
  'two more tries at bob make five'
);
select is(tests.counted('bob'), 5, '... which is what is counted');
select is(
  array(select tests.try('nemo') from generate_series(1, 2)), '{ready,"throttled 30"}'::text[],
  'one more at somebody who is nobody makes five'
);
select is(tests.counted('nemo'), 5, '... which is what is counted');
select matches(tests.try('dora'), '^throttled (2\d|30)$', 'dora, who was throttled, still is');
select is(tests.counted('dora'), 5, '... and nothing was charged');
select is(tests.try('ann'), 'disabled', 'a hundred failures are a hundred');
select is(
  array(select tests.try('person' || n, '203.0.113.7') from generate_series(10, 11) as n), '{ready,"throttled 30"}'::text[],
  'the tenth from one network address is the last'
);
select is(tests.salt_of('nessie'), current_setting('tests.salt'), 'an address nobody has is answered the salt it always was');
select request_password_reset(tests.email('bob'));
select is(tests.messages_to('bob'), 1::bigint, 'who asked for a message a moment ago is not sent another');


-- Attempts that were begun under the key before
select is(
  (select status from tests.finish_password_check(current_setting('tests.under_way')::uuid, sha256('amos'))), 'signed_in',
  'amos, who proved his password under the key before, signs in'
);
select is(tests.counted('amos'), 0, '... and has no failures');
select tests.act_as_superuser();
select is(
  (select failure_count from sign_in_throttles where id = tests.throttle_id(inet '203.0.113.8', true)), 6,
  '... and where he came from one less'
);
select tests.act_as_nobody();
select tests.unlock();
select is(tests.try('zoe', '203.0.113.9'), 'ready', 'somebody tries to be zoe meanwhile, and moves her count');
select is(
  (select status from tests.finish_password_check(current_setting('tests.under_way_too')::uuid, sha256('zoe'))), 'signed_in',
  '... zoe, who proved her password before, signs in'
);
select is(tests.counted('zoe'), 0, '... and has no failures either');


-- A password that is bound anew starts with none, whichever key counted them
select tests.unlock();
select tests.register_user(
  tests.user_id('late'), tests.email('late'), 'Late', 'Comer', tests.password_digest(), tests.history_digest(),
  (select version from read_password_policy())
);
select is(tests.counted('late'), 0, 'who registers starts with no failures');


-- What is left moves
select tests.act_as_operator();
select is(tests.locked(), 'SP522', 'who moves failures has to have the key');
select tests.unlock();
select is((select people_count from read_digest_rotation()), 1::bigint, 'of people, amos is left');
select is(move_sign_in_throttles(), 1, 'he is moved');
select is(move_sign_in_throttles(), 0, '... and then nobody is left');
select is((select people_count from read_digest_rotation()), 0::bigint, '... says the cell too');
select is(
  (select sum((additional_data ->> 'moved')::integer) from tests.events('sign_in_throttles.moved')), 1::bigint,
  'each batch is recorded'
);

-- A day and a month later
select is(sweep_context_keys(), 0, 'the key stays while anything is counted under it');
select tests.act_as_superuser();
update digest_keys set retired_time = now() - interval '31 days' where retired_time is not null;
select tests.act_as_operator();
select is(sweep_context_keys(), 0, '... however old it is');
select tests.act_as_superuser();
update sign_in_throttles set last_failure_time = now() - interval '31 days' where key_id = current_setting('tests.key')::uuid;
select tests.act_as_operator();
select ok(sweep_sign_in_throttles() > 0, 'what nobody had is forgotten');
select is(sweep_context_keys(), 1, '... and then the key goes');
select is(sweep_context_keys(), 0, '... once');
select is((select earlier_key_id from read_digest_rotation()), null, 'one key digests');
select tests.act_as_superuser();
select is((select count(*) from sign_in_throttles where key_id <> current_setting('tests.next_key')::uuid), 0::bigint, '... and everything is counted under it');
select tests.act_as_nobody();
select tests.unlock();
select matches(tests.try('bob'), '^throttled ', 'bob is throttled still');
select is(tests.salt_of('nessie'), current_setting('tests.salt'), 'the salt of nobody is what it was');
select tests.act_as_operator();
select lives_ok($$ select rotate_digest_key() $$, 'and the next rotation may begin');

select finish();
rollback;
