-- Accounts that are taken before, or after, they are their owner's.
begin;
select plan(22);

select tests.two_organizations();
create function tests.register(p_email text, p_first_name text, p_digest text, p_history_digest text)
  returns void
  language sql
as $$
  select tests.register_user(
    new_id(), p_email, p_first_name, 'Example', p_digest, p_history_digest,
    (select version from read_password_policy())
  )
$$;
create function tests.reset(p_token bytea)
  returns text
  language sql
as $$
  select tests.reset_password(
    p_token, tests.other_password_digest(), array[tests.other_history_digest()],
    (select version from read_password_policy())
  )
$$;

-- Somebody registers vic's address, and waits
select tests.act_as_nobody();
select tests.register(tests.email('vic'), 'Mallory', tests.password_digest(), tests.history_digest());
select tests.register(tests.email('vic'), 'Vic', replace(tests.password_digest(), 'abc', 'abd'), tests.history_digest());
select tests.register(tests.email('vic'), 'Mallory', tests.password_digest(), tests.history_digest());
select is(
  verify_email(tests.read_message('vic', 'verify_email')), 'verified_without_password',
  'vic verifies an address that was registered by others, too'
);
select is(tests.sign_in('vic'), 'invalid', '... and the password of whoever was first opens nothing');
select is(tests.sign_in('vic', replace(tests.password_digest(), 'abc', 'abd')), 'invalid', '... nor does that of whoever was last');
select request_password_reset(tests.email('vic'));
select is(
  tests.reset_password(
    tests.read_message('vic', 'reset_password'), tests.other_password_digest(), array[tests.other_history_digest()],
    (select version from read_password_policy())
  ),
  'reset',
  'vic is mailed what sets one'
);
select is(tests.sign_in('vic'), 'invalid', '... whoever was first stays out');
select is(tests.sign_in('vic', tests.other_password_digest()), 'signed_in', '... and vic is in');
select tests.register(tests.email('vic'), 'Mallory', tests.password_digest(), tests.history_digest());
select tests.act_as_superuser();
select results_eq(
  $$ select first_name, disabled_time from users join password_credentials on user_id = id where id = _find_user_by_email(tests.email('vic')) $$,
  $$ values ('Mallory', null::timestamptz) $$,
  'once it is verified nobody registers it away'
);

-- A token made by whoever knew the password, before it was known that they do
update password_credentials set must_change = true where user_id = tests.user_id('bob');
select tests.act_as_nobody();
select is(tests.sign_in('bob', p_token => 'thief'), 'password_change_required', 'somebody who knows bob''s password is to change it');
select tests.act_as_operator();
select lives_ok($$ select mark_password_compromised(tests.user_id('bob'), 'in a list') $$, 'it is found in a list');
select tests.act_as_nobody();
select is(tests.reset(tests.token('thief', 'change')), 'invalid', '... and they change nothing any more');
select is(tests.sign_in('bob', p_token => 'thief 2'), 'password_compromised', '... nor are they offered to');
select is(tests.reset(tests.token('thief 2', 'change')), 'invalid', '... with whatever token');

-- In a transaction that was open all the time
select tests.act_as_superuser();
create temporary table attempt on commit drop as select tests.prove_password('amy') as id;
grant select on attempt to public;
update password_credentials set compromised_time = now() where user_id = tests.user_id('amy');
select tests.act_as('amy', 'acme');
select is(
  tests.change_password(
    (select id from attempt), tests.other_password_digest(), array[tests.other_history_digest()],
    (select version from read_password_policy())
  ),
  'invalid',
  'a session that is still there changes no password that was marked'
);

-- A letter that looks like, and folds into, another
select tests.act_as_superuser();
select is(lower(U&'\212A' collate "und-x-icu"), 'k', 'to lower() the sign for kelvin is a k');
select tests.person('kate');
select tests.act_as_nobody();
select request_password_reset(U&'\212Aate@example.com');
select tests.act_as_superuser();
select is_empty(
  $$ select from messages where user_id = tests.user_id('kate') $$,
  'to us it is not: whoever asks for its reset asks for nobody''s'
);
select tests.act_as_nobody();
select request_password_reset('KATE@EXAMPLE.COM');
select tests.act_as_superuser();
select isnt_empty(
  $$ select from messages where user_id = tests.user_id('kate') $$,
  'A to Z are what mail takes for a to z'
);
select tests.act_as_nobody();
select lives_ok(
  $$ select tests.register(U&'\212Aate@example.com', 'Other', tests.password_digest(), tests.history_digest()) $$,
  'and the two are two people'
);
select throws_ok(
  $$ select tests.register(U&'kate@\212Aate.example', 'Other', tests.password_digest(), tests.history_digest()) $$,
  '23514', null,
  'a domain is as the DNS has it: in ASCII'
);
select tests.act_as_superuser();
select is_empty(
  $$
    select proname
    from pg_proc
    where pronamespace = current_schema()::regnamespace
      and prosrc ~ 'lower\(p_email'
  $$,
  'no function folds an address in another way'
);

-- What was sent to an account that was closed
select tests.person('dora');
select tests.act_as_nobody();
select request_password_reset(tests.email('dora'));
select tests.act_as_superuser();
create temporary table mail on commit drop as select tests.read_message('dora', 'reset_password') as token;
grant select on mail to public;
select tests.act_as('dora');
select close_account();
select tests.act_as_superuser();
select is_empty(
  $$ select from one_time_tokens where user_id = tests.user_id('dora') $$,
  'with an account go its tokens'
);
insert into one_time_tokens (purpose, user_id, token_hash, expiration_time)
select 'reset_password', tests.user_id('dora'), sha256(token), now() + interval '1 hour' from mail;
select tests.act_as_nobody();
select is((select email from prepare_password_reset((select token from mail))), null, '... and one that was left says nothing of her');
select is(tests.reset((select token from mail)), 'invalid', '... and resets nothing');

select finish();
rollback;
