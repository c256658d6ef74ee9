-- password_credentials and password_history: no digest is ever seen; bcrypt of the
-- one kind that pgcrypto knows.
begin;
select plan(32);

select tests.two_organizations();

-- Who sees what
select tests.act_as('bob', 'acme');
select results_eq(
  $$ select user_id, set_time = now(), must_change from password_credentials $$,
  $$ values (tests.user_id('bob'), true, false) $$,
  'bob sees when his password was set, and nobody else''s'
);
select throws_ok($$ select digest from password_credentials $$, '42501', null, '... not its digest');
select throws_ok($$ select history_salt from password_credentials $$, '42501', null, '... nor the salt of its history');
select throws_ok($$ select disabled_time from password_credentials $$, '42501', null, '... nor whether it is disabled');
select throws_ok($$ select compromised_time from password_credentials $$, '42501', null, '... or known to others');
select throws_ok($$ select count(*) from password_history $$, '42501', null, '... nor which came before');
select throws_ok($$ update password_credentials set must_change = false $$, '42501', null, '... and changes nothing');
select throws_ok($$ insert into password_history (user_id, digest) values (tests.user_id('bob'), 'x') $$, '42501', null, '... and adds nothing');
select throws_ok($$ delete from password_history $$, '42501', null, '... and forgets nothing');
select tests.act_as('ann', 'acme');
select results_eq($$ select user_id from password_credentials $$, $$ select tests.user_id('ann') $$, 'ann, who owns acme, sees nothing of bob''s');
select throws_ok($$ select digest from password_credentials $$, '42501', null, '... and no digest');
select tests.act_as('zoe', 'zenith');
select results_eq($$ select user_id from password_credentials $$, $$ select tests.user_id('zoe') $$, 'nor does zoe');
select tests.act_as_nobody();
select is_empty($$ select user_id from password_credentials $$, 'nobody sees nothing');
select throws_ok($$ select digest from password_credentials $$, '42501', null, '... and no digest');
select tests.act_as_operator();
select throws_ok($$ select user_id from password_credentials $$, '42501', null, 'a job sees nothing');
select tests.act_as_auditor();
select throws_ok($$ select user_id from password_credentials $$, '42501', null, 'an auditor sees nothing');
select tests.act_as_owner();
select is_empty($$ select digest from password_credentials $$, 'the owner of the table finds it empty');
select is_empty($$ select digest from password_history $$, '... and the history');
select is_empty($$ select proof from password_attempts $$, '... and the attempts');

-- What a digest can be
select tests.act_as_superuser();
create function pg_temp.refused(p_digest text)
  returns boolean
  language plpgsql
as $$
begin
  begin
    update password_credentials
    set digest = _seal_text(5, null, user_id, p_digest, user_id)
    where user_id = tests.user_id('bob');
  exception
    when check_violation then return true;
  end;
  return false;
end;
$$;
select ok(not pg_temp.refused(tests.other_password_digest()), 'a digest is bcrypt');
select ok(pg_temp.refused(replace(tests.password_digest(), '$2a$', '$2b$')), '... not $2b$, which pgcrypto would take for DES');
select ok(pg_temp.refused(replace(tests.password_digest(), '$2a$', '$2y$')), '... not $2y$');
select ok(pg_temp.refused(replace(tests.password_digest(), '$12$', '$11$')), '... not cheaper than twelve');
select ok(not pg_temp.refused(replace(tests.password_digest(), '$12$', '$31$')), '... as dear as thirty-one');
select ok(pg_temp.refused(replace(tests.password_digest(), '$12$', '$32$')), '... not dearer');
select ok(pg_temp.refused(left(tests.password_digest(), -1)), '... not cut short');
select ok(pg_temp.refused(tests.password_digest() || 'a'), '... not drawn out');
select ok(pg_temp.refused(tests.password_digest() || E'\n'), '... not followed by anything');
select ok(pg_temp.refused(tests.password()), '... and not the password itself');
select throws_ok(
  $$ update password_history set digest = _seal_text(6, null, id, tests.password(), user_id) where user_id = tests.user_id('bob') $$,
  '23514', null,
  'nor is a password in the history'
);
select throws_ok(
  $$ select tests.give_password(tests.user_id('bob')) $$,
  '23505', 'duplicate key value violates unique constraint "password_history_indexes_user_id_version_digest_index_key"',
  'equal passwords of one person have equal indexes, and clash'
);
select throws_ok(
  $$ update password_credentials set history_salt = 'short' where user_id = tests.user_id('bob') $$,
  '23514', null,
  'a salt has 22 letters'
);

select finish();
rollback;
