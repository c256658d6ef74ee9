-- request_password_reset(), prepare_password_reset(), reset_password(): for who reads
-- the message; asking tells nobody who has an account.
begin;
select plan(36);

select tests.two_organizations();
select tests.act_as_superuser();
select tests.newcomer('new');
select tests.person('hal');
select tests.act_as_superuser();
update users set status = 'suspended' where id = tests.user_id('hal');
select tests.act_as('bob', 'acme');

-- Asking: the same answer for everybody
select tests.act_as_nobody();
select lives_ok($$ select request_password_reset('BOB@example.com') $$, 'somebody asks for a message to bob');
select lives_ok($$ select request_password_reset(tests.email('nobody')) $$, '... to nobody, with the same answer');
select lives_ok($$ select request_password_reset(tests.email('hal')) $$, '... to hal, who is suspended');
select lives_ok($$ select request_password_reset(tests.email('new')) $$, '... to new, whose address is not proven');
select lives_ok($$ select request_password_reset(tests.email('bob')) $$, '... and to bob once more');
select tests.act_as_superuser();
select results_eq(
  $$ select purpose, user_id, expiration_time - creation_time, next_attempt_time = creation_time from messages order by creation_time $$,
  $$
    values
      ('reset_password', tests.user_id('bob'), interval '1 hour', true),
      ('reset_password', null, '1 hour', false),
      ('reset_password', null, '1 hour', false),
      ('reset_password', tests.user_id('new'), '1 hour', true)
  $$,
  'bob and new are sent a message each, within an hour: one a minute; for nobody and hal there is a row that never is'
);
select is_empty($$ select from one_time_tokens $$, '... and there is no token yet');
select is((select count(*) from tests.events('password.reset_requested')), 5::bigint, 'each time is recorded');
select tests.act_as_operator();
select throws_ok($$ select request_password_reset('bob@example.com') $$, '42501', null, 'a job asks for none');
select throws_ok($$ select tests.reset_password('bob 1', 'x', '{}', 'x') $$, '42501', null, '... and resets none');

-- What the reader needs to know
select tests.act_as_superuser();
create temporary table mail on commit drop as
select name, tests.read_message(name, 'reset_password') as token
from unnest(array['bob', 'new', 'nobody', 'hal']) as name;
grant select on mail to public;
create function tests.mail(p_name text) returns bytea language sql stable as $$ select token from mail where name = p_name $$;
select tests.act_as_nobody();
select results_eq(
  $$ select email, first_name, organization_names, history_salts from prepare_password_reset(tests.mail('bob')) $$,
  $$ values (tests.email('bob'), 'Bob', '{Acme}'::text[], array[left(tests.history_digest(), 29)]) $$,
  'who reads bob''s message is told what a new password needs'
);
select ok(prepare_password_reset('bob 2') is null, 'a token that was not made tells nothing');
select ok(tests.mail('nobody') is null and tests.mail('hal') is null and prepare_password_reset(sha256('nobody')) is null, '... and none was made for nobody, nor for hal');
select ok(prepare_password_reset(null) is null, '... nor none');
select results_eq(
  $$ select result, count(*) from tests.events('password.reset_prepared') group by 1 order by 1 $$,
  $$ values ('failure', 3::bigint), ('success', 1) $$,
  'each time is recorded'
);

-- Resetting
select is(
  tests.reset_password('nobody 1', tests.other_password_digest(), array[tests.other_history_digest()], (select version from read_password_policy())), 'invalid',
  'nobody''s token resets nothing'
);
select throws_ok(
  $$ select tests.reset_password(tests.mail('bob'), tests.other_password_digest(), array[tests.other_history_digest()], 'stale') $$,
  'SP402', null, 'rules that no longer hold are refused'
);
select throws_ok(
  $$ select tests.reset_password(tests.mail('bob'), replace(tests.other_password_digest(), '$12$', '$11$'), array[tests.other_history_digest()], (select version from read_password_policy())) $$,
  'SP507', null, 'a cheap digest is refused'
);
select throws_ok(
  $$ select tests.reset_password(tests.mail('bob'), tests.other_password_digest(), '{}', (select version from read_password_policy())) $$,
  'SP508', null, 'a salt left out is refused'
);
select throws_ok(
  $$ select tests.reset_password(tests.mail('bob'), tests.password_digest(), array[tests.history_digest()], (select version from read_password_policy())) $$,
  '23505', 'the password was used before', 'the password he has is refused'
);
select lives_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'until then his session is good');
select tests.act_as_superuser();
update password_credentials set disabled_time = now(), must_change = true, compromised_time = now() where user_id = tests.user_id('bob');
select tests.act_as_nobody();
select is(
  tests.reset_password(tests.mail('bob'), tests.other_password_digest(), array[tests.other_history_digest()], (select version from read_password_policy())), 'reset',
  'bob resets his password: what was refused did not use his token up'
);
select is(
  tests.reset_password(tests.mail('bob'), tests.password_digest(), array[tests.history_digest()], (select version from read_password_policy())), 'invalid',
  '... once'
);
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, 'all his sessions end');
select is(current_user_id(), null, 'it opens none');
select is(tests.sign_in('bob'), 'invalid', 'the old password does not sign in');
select is(tests.sign_in('bob', tests.other_password_digest(), 'bob'), 'signed_in', '... the new one does, though the old one was disabled');
select tests.act_as_superuser();
select results_eq(
  $$ select disabled_time, must_change, compromised_time from password_credentials where user_id = tests.user_id('bob') $$,
  $$ values (null::timestamptz, false, null::timestamptz) $$,
  'nothing is held against the new one'
);
select results_eq(
  $$ select user_id, result, failure_reason from tests.events('password.reset') $$,
  $$ values (null::uuid, 'failure', 'unknown_token'), (tests.user_id('bob'), 'success', null), (null, 'failure', 'unknown_token') $$,
  'all of it is recorded'
);

-- Whoever read the message owns the address
select tests.act_as_nobody();
select is(
  tests.reset_password(tests.mail('new'), tests.other_password_digest(), array[tests.other_history_digest()], (select version from read_password_policy())), 'reset',
  'new, who never proved the address and had no password, sets one'
);
select is(tests.sign_in('new', tests.other_password_digest(), 'new'), 'signed_in', '... and signs in');
select tests.act_as_superuser();
select ok((select email_verified_time is not null from users where id = tests.user_id('new')), '... having proven it so');
insert into one_time_tokens (purpose, user_id, token_hash, expiration_time) values ('reset_password', tests.user_id('hal'), sha256('hal 2'), now() + interval '1 hour');
select tests.act_as_nobody();
select is(
  tests.reset_password('hal 2', tests.other_password_digest(), array[tests.other_history_digest()], (select version from read_password_policy())), 'reset',
  'hal, with a token of before his suspension, sets one'
);
select is(tests.sign_in('hal', tests.other_password_digest()), 'invalid', '... and is suspended still');

-- An hour
select request_password_reset(tests.email('amy'));
select tests.act_as_superuser();
create temporary table late on commit drop as select tests.read_message('amy', 'reset_password') as token;
grant select on late to public;
select ok(
  (select expiration_time between clock_timestamp() + interval '59 minutes' and clock_timestamp() + interval '1 hour' from one_time_tokens where user_id = tests.user_id('amy')),
  'amy has an hour from when she was sent it'
);
update one_time_tokens set creation_time = creation_time - interval '2 hours', expiration_time = clock_timestamp() where user_id = tests.user_id('amy');
select tests.act_as_nobody();
select is(
  tests.reset_password((select token from late), tests.other_password_digest(), array[tests.other_history_digest()], (select version from read_password_policy())), 'invalid',
  'an hour later it is too late'
);

select finish();
rollback;
