-- rehash_password(): a dearer digest, right after the password itself was proven, from
-- the session that came of it, once.
begin;
select plan(22);

select tests.two_organizations();
create function tests.dearer(p_cost integer default 13)
  returns text
  language sql
as $$ select replace(tests.password_digest(), '$12$', '$' || p_cost || '$') $$;
create function tests.digest_of(p_name text)
  returns text
  language sql
  security definer
as $$ select digest from password_credentials where user_id = tests.user_id(p_name) $$;

select tests.act_as_nobody();
select set_config('tests.attempt', tests.prove_password('bob')::text, true);
select is((select status from finish_password_check(current_setting('tests.attempt')::uuid, sha256(tests.token('bob')))), 'signed_in', 'bob signs in');
select throws_ok($$ select rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()) $$, 'SP102', null, 'nobody sets a digest');
select tests.act_as_operator();
select throws_ok($$ select rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()) $$, '42501', null, 'a job sets none');
select tests.act_as('amy', 'acme');
select is(rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), false, 'amy does not set bob''s');
select tests.act_as('bob', 'acme');
select is(rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), false, 'nor does another session of bob''s, which may be stolen');
select tests.act_as_nobody();
select begin_request(tests.token('bob'));
select is(rehash_password(new_id(), tests.dearer()), false, 'nor is it done for an attempt that was not');
select is(rehash_password(null, tests.dearer()), false, '... or none');
savepoint signed_in;
select is(rehash_password(current_setting('tests.attempt')::uuid, tests.other_password_digest()), false, 'a digest that is not dearer is not taken');
select is(tests.digest_of('bob'), tests.password_digest(), '... and the old one stays');
select is(rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), false, '... and the chance is gone');
rollback to signed_in;
select throws_ok($$ select rehash_password(current_setting('tests.attempt')::uuid, '$2a$13$nonsense') $$, '23514', null, 'what is no digest is refused');
savepoint a_minute;
select tests.act_as_superuser();
update password_attempts set finished_time = clock_timestamp() - interval '61 seconds';
select tests.act_as_nobody();
select begin_request(tests.token('bob'));
select is(rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), false, 'after a minute it is too late');
select tests.act_as_superuser();
update password_attempts set finished_time = clock_timestamp() - interval '58 seconds';
select tests.act_as_nobody();
select begin_request(tests.token('bob'));
select is(rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), true, '... within it is not');
rollback to a_minute;
select is(rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), true, 'from the session he signed in to, at once, bob''s digest becomes dearer');
select is(tests.digest_of('bob'), tests.dearer(), '... the new one is kept');
select is(rehash_password(current_setting('tests.attempt')::uuid, tests.dearer(14)), false, '... once');
select results_eq(
  $$ select result, failure_reason, count(*) from tests.events('password.rehashed') group by 1, 2 order by 1 $$,
  $$ values ('failure', 'not_dearer_or_too_late', 5::bigint), ('success', null, 1) $$,
  'each try is recorded'
);
select tests.act_as_nobody();
select is(tests.sign_in('bob', tests.dearer(), 'bob later'), 'signed_in', 'he signs in by the new one');
select is(tests.sign_in('bob'), 'invalid', '... and not by the old');

-- A failed attempt is no chance
select tests.act_as_superuser();
select _release_attempt(_account_id(tests.email('amy')), null);
select tests.act_as_nobody();
select set_config('tests.attempt', tests.prove_password('amy', 'wrong')::text, true);
select is((select status from finish_password_check(current_setting('tests.attempt')::uuid, sha256(tests.token('amy')))), 'invalid', 'somebody who says she is amy does not sign in');
select tests.act_as('amy', 'acme');
select is(rehash_password(current_setting('tests.attempt')::uuid, tests.dearer()), false, '... and sets no digest');
select is(tests.digest_of('amy'), tests.password_digest(), 'amy''s is what it was');

select finish();
rollback;
