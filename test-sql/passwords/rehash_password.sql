-- rehash_password(): where the cell's cost has risen, a digest of just that cost, right
-- after the password itself was proven, from the session that came of it, once.
begin;
select plan(33);

select tests.two_organizations();
create function tests.dearer(p_cost integer default 13)
  returns text
  language sql
as $$ select replace(tests.password_digest(), '$12$', '$' || p_cost || '$') $$;
create function tests.raise_cost(p_cost integer)
  returns void
  language sql
  security definer
as $$ update password_policies set bcrypt_cost = p_cost where organization_id is null $$;

select tests.raise_cost(13);
select tests.act_as_nobody();
select set_config('tests.attempt', tests.prove_password('bob')::text, true);
select is((select status from finish_password_check(current_setting('tests.attempt')::uuid, sha256(tests.token('bob')))), 'signed_in', 'bob signs in');
select throws_ok($$ select tests.rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()) $$, 'SP102', null, 'nobody sets a digest');
select tests.act_as_operator();
select throws_ok($$ select tests.rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()) $$, '42501', null, 'a job sets none');
select tests.act_as('amy', 'acme');
select is(tests.rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), false, 'amy does not set bob''s');
select tests.act_as('bob', 'acme');
select is(tests.rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), false, 'nor does another session of bob''s, which may be stolen');
select tests.act_as_nobody();
select begin_request(tests.token('bob'));
select is(tests.rehash_password(new_id(), tests.dearer()), false, 'nor is it done for an attempt that was not');
select is(tests.rehash_password(null, tests.dearer()), false, '... or none');
savepoint signed_in;
select is(tests.rehash_password(current_setting('tests.attempt')::uuid, tests.other_password_digest()), false, 'a digest that is not dearer is not taken');
select is(tests.opened_digest('bob'), tests.password_digest(), '... and the old one stays');
select is(tests.rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), false, '... and the chance is gone');
rollback to signed_in;
select is(tests.rehash_password(current_setting('tests.attempt')::uuid, tests.dearer(14)), false, 'nor is one dearer than the cell asks for, which would be slow for good');
rollback to signed_in;
select is(tests.rehash_password(current_setting('tests.attempt')::uuid, null), false, 'nor is none');
rollback to signed_in;
select tests.raise_cost(12);
select is(tests.rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), false, 'where the cost has not risen nothing is due');
select is(tests.rehash_password(current_setting('tests.attempt')::uuid, tests.other_password_digest()), false, '... not even a digest of the same cost');
rollback to signed_in;

-- What was proven is what gives way: not a password that was set since
select tests.act_as_superuser();
select tests.give_password(
  tests.user_id('bob'),
  replace(tests.other_password_digest(), 'abcdefghijklmnopqrstuu', 'zyxwvutsrqponmlkjihgfe'),
  tests.other_history_digest()
);
select tests.act_as_nobody();
select begin_request(tests.token('bob'));
select is(tests.rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), false, 'once bob''s password is another, what was proven of the old one counts for nothing');
select isnt(tests.opened_digest('bob'), tests.dearer(), '... and the old one does not come back');
rollback to signed_in;
select throws_ok($$ select tests.rehash_password(current_setting('tests.attempt')::uuid, '$2a$13$nonsense') $$, '23514', null, 'what is no digest is refused');
savepoint a_minute;
select tests.act_as_superuser();
update password_attempts set finished_time = clock_timestamp() - interval '61 seconds';
select tests.act_as_nobody();
select begin_request(tests.token('bob'));
select is(tests.rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), false, 'after a minute it is too late');
select tests.act_as_superuser();
update password_attempts set finished_time = clock_timestamp() - interval '58 seconds';
select tests.act_as_nobody();
select begin_request(tests.token('bob'));
select is(tests.rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), true, '... within it is not');
rollback to a_minute;
select is(tests.rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), true, 'from the session he signed in to, at once, bob''s digest becomes dearer');
select is(tests.opened_digest('bob'), tests.dearer(), '... the new one is kept');
select is(tests.rehash_password(current_setting('tests.attempt')::uuid, tests.dearer(14)), false, '... once');
select results_eq(
  $$
    select result, failure_reason, additional_data, count(*)
    from tests.events('password.rehashed')
    group by 1, 2, 3
    order by 1, 3
  $$,
  $$
    values
      ('failure', 'no_fresh_attempt', '{"to": "13", "from": null}'::jsonb, 4::bigint),
      ('failure', 'no_fresh_attempt', '{"to": "14", "from": null}', 1),
      ('success', null, '{"to": "13", "from": "12"}', 1)
  $$,
  'each try is recorded, with the cost it came from and went to'
);
select tests.act_as_superuser();
select results_eq(
  $$ select tests.opened_history(tests.user_id('bob')) $$,
  $$ values (array[tests.history_digest()]) $$,
  'the history says what it said: the password is the same'
);
select results_eq(
  $$ select set_time = now(), must_change from password_credentials where user_id = tests.user_id('bob') $$,
  $$ values (true, false) $$,
  '... and was not set anew'
);

-- Once for each rise: the next sign-in has nothing to make dearer
select tests.act_as_nobody();
savepoint next_time;
select set_config('tests.attempt', tests.prove_password('bob', tests.dearer())::text, true);
select is((select status from finish_password_check(current_setting('tests.attempt')::uuid, sha256(tests.token('bob next')))), 'signed_in', 'bob signs in again');
select begin_request(tests.token('bob next'));
select is(
  tests.rehash_password(current_setting('tests.attempt')::uuid, replace(tests.other_password_digest(), '$12$', '$13$')), false,
  '... and sets no other digest of that cost'
);
select is(
  (select failure_reason from tests.events('password.rehashed') order by xid desc, seq desc limit 1), 'not_due',
  '... which is recorded'
);
rollback to next_time;
select tests.act_as_nobody();
select is(tests.sign_in('bob', tests.dearer(), 'bob later'), 'signed_in', 'he signs in by the new one');
select is(tests.sign_in('bob'), 'invalid', '... and not by the old');

-- A failed attempt is no chance
select tests.act_as_superuser();
select _forgive_account(tests.email('amy'));
select tests.act_as_nobody();
select set_config('tests.attempt', tests.prove_password('amy', 'wrong')::text, true);
select is((select status from finish_password_check(current_setting('tests.attempt')::uuid, sha256(tests.token('amy')))), 'invalid', 'somebody who says she is amy does not sign in');
select tests.act_as('amy', 'acme');
select is(tests.rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), false, '... and sets no digest');
select is(tests.opened_digest('amy'), tests.password_digest(), 'amy''s is what it was');

select finish();
rollback;
