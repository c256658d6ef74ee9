-- register_user(): says nothing, whether the address was new or not.
begin;
select plan(34);

select tests.two_organizations();
create function tests.register(p_name text, p_token text, p_change text[] default '{}')
  returns text
  language sql
as $$
  select tests.register_user(
    md5('registered:' || p_token)::uuid, tests.email(p_name), coalesce(p_change[1], 'Given'), 'Name',
    coalesce(p_change[2], tests.other_password_digest()), coalesce(p_change[3], tests.other_history_digest()),
    coalesce(p_change[4], (select version from read_password_policy()))
  )::text
$$;

select tests.act_as_nobody();
select lives_ok($$ select tests.register('new', 'new 1') $$, 'new registers');
select lives_ok($$ select tests.register('bob', 'bob 1') $$, 'somebody registers bob''s address');
select is(tests.register('new', 'new 2'), tests.register('bob', 'bob 2'), 'the answer is the same, and says nothing');
select lives_ok(
  $$ select tests.register_user(new_id(), 'BOB@Example.com', 'X', 'Y', tests.other_password_digest(), tests.other_history_digest(), (select version from read_password_policy())) $$,
  '... however the address is written'
);

-- What was done
select tests.act_as_superuser();
select results_eq(
  $$ select id, first_name, status, email_verified_time from users where id = _find_user_by_email(tests.email('new')) $$,
  $$ values (md5('registered:new 1')::uuid, 'Given', 'pending', null::timestamptz) $$,
  'new is there, under the id that was given first, and waits for the address to be proven'
);
select results_eq(
  $$ select id, first_name, status from users where id = _find_user_by_email(tests.email('bob')) $$,
  $$ values (tests.user_id('bob'), 'Bob', 'active') $$,
  'bob is who he was'
);
select is(
  tests.opened_digest('bob'), tests.password_digest(),
  '... with the password he had'
);
select results_eq(
  $$ select purpose, user_id from messages order by creation_time $$,
  $$
    values
      ('verify_email', md5('registered:new 1')::uuid),
      ('already_registered', tests.user_id('bob'))
  $$,
  'new is sent a message to prove the address, and whoever has an account one that says so, one a minute'
);
select is_empty($$ select from one_time_tokens $$, '... and there is no token yet');
select results_eq(
  $$ select user_id, result, failure_reason, count(*) from tests.events('user.registered') group by 1, 2, 3 order by 2, 4 $$,
  $$
    values
      (md5('registered:new 1')::uuid, 'failure', 'registered_before', 1::bigint),
      (tests.user_id('bob'), 'failure', 'already_registered', 3),
      (md5('registered:new 1')::uuid, 'success', null, 1)
  $$,
  'each time is recorded'
);
select results_eq(
  $$ select tests.opened_digest(user_id), left(salt, 7) || history_salt = left(tests.other_history_digest(), 29) from password_credentials where user_id = md5('registered:new 1')::uuid $$,
  $$ values (tests.other_password_digest(), true) $$,
  'new has a password, and the history salt that came with it'
);
select results_eq(
  $$ select tests.opened_history(md5('registered:new 1')::uuid) $$,
  $$ values (array[tests.other_history_digest()]) $$,
  '... and it is the first of the history'
);

-- Not before the address is proven
select tests.act_as_nobody();
select is(tests.sign_in('new', tests.other_password_digest()), 'invalid', 'new does not sign in yet');
select is(verify_email(tests.read_message('new', 'verify_email')), 'verified_without_password', '... reads the message');
select is(tests.sign_in('new', tests.other_password_digest(), 'new'), 'invalid', '... and does not either, since the address was registered twice');
select tests.register('hal', 'hal 1');
select is(verify_email(tests.read_message('hal', 'verify_email')), 'verified', 'hal, whose address was registered once, reads the message');
select is(tests.sign_in('hal', tests.other_password_digest(), 'hal'), 'signed_in', '... and signs in');

-- What is refused is refused for both
select throws_ok($$ select tests.register('fay', 'fay 1', array[null, null, null, 'stale']) $$, 'SP402', null, 'rules that no longer hold are refused');
select throws_ok($$ select tests.register('bob', 'bob 4', array[null, null, null, 'stale']) $$, 'SP402', null, '... for bob''s address too');
select throws_ok(
  $$ select tests.register('fay', 'fay 1', array[null, replace(tests.other_password_digest(), '$12$', '$11$')]) $$,
  'SP507', null, 'a cheap digest is refused'
);
select throws_ok(
  $$ select tests.register('bob', 'bob 4', array[null, replace(tests.other_password_digest(), '$12$', '$11$')]) $$,
  'SP507', null, '... for bob''s address too'
);
select throws_ok(
  $$ select tests.register('fay', 'fay 1', array[null, null, replace(tests.other_history_digest(), '$12$', '$13$')]) $$,
  'SP508', null, 'a history digest at another cost is refused'
);
select throws_ok(
  $$ select tests.register('bob', 'bob 4', array[null, null, replace(tests.other_history_digest(), '$12$', '$13$')]) $$,
  'SP508', null, '... for bob''s address too'
);
select throws_ok(
  $$ select tests.register('fay', 'fay 1', array[null, replace(tests.other_password_digest(), '$2a$', '$2b$')]) $$,
  '23514', null, 'a digest of another kind is refused'
);
select throws_ok(
  $$ select tests.register('bob', 'bob 4', array[null, replace(tests.other_password_digest(), '$2a$', '$2b$')]) $$,
  '23514', null, '... for bob''s address too'
);
select throws_ok($$ select tests.register('fay', 'fay 1', array['']) $$, '23514', null, 'a name is not empty');
select throws_ok($$ select tests.register('bob', 'bob 4', array['']) $$, '23514', null, '... for bob''s address too');
select throws_ok(
  $$ select tests.register_user(tests.user_id('ann'), tests.email('fay'), 'X', 'Y', tests.other_password_digest(), tests.other_history_digest(), (select version from read_password_policy())) $$,
  '23505', null, 'an id that is taken is refused'
);
select throws_ok(
  $$ select tests.register_user(tests.user_id('ann'), tests.email('bob'), 'X', 'Y', tests.other_password_digest(), tests.other_history_digest(), (select version from read_password_policy())) $$,
  '23505', null, '... for bob''s address too'
);
select throws_ok(
  $$ select tests.register_user(new_id(), 'no address', 'X', 'Y', tests.other_password_digest(), tests.other_history_digest(), (select version from read_password_policy())) $$, '23514', null, 'what is no address is refused');
select tests.act_as_superuser();
select is(
  (select count(*) from users), 6::bigint,
  'four, and new and hal: what was done for nobody is undone, and what was refused left nothing'
);
select tests.act_as_nobody();

-- Nobody puts themselves into the table
select throws_ok($$ select _set_password(tests.user_id('bob'), tests.other_password_digest(), array[tests.other_history_digest()], 'x') $$, '42501', null, 'nobody sets a password by the inner way');
select tests.act_as_operator();
select throws_ok($$ select tests.register('fay', 'x') $$, '42501', null, 'a job registers nobody');
select tests.act_as_auditor();
select throws_ok($$ select tests.register('fay', 'x') $$, '42501', null, 'an auditor neither');

select finish();
rollback;
