-- submit_password_proof() and finish_password_check(): only the password makes the
-- proof, one for each attempt, judged once, by a transaction of its own.
begin;
select plan(40);

select tests.two_organizations();
select tests.act_as_superuser();
update password_policies set lockout_threshold = 20 where organization_id is null;
create function tests.begin(p_name text)
  returns uuid
  language plpgsql
as $$
declare
  v_check record;
begin
  select * into v_check from begin_password_check(tests.email(p_name), '203.0.113.7', E'curl\n');
  perform set_config('tests.nonce', encode(v_check.nonce, 'hex'), true);
  perform set_config('tests.attempt', v_check.attempt_id::text, true);
  return v_check.attempt_id;
end;
$$;
create function tests.submit(p_digest text default tests.password_digest())
  returns void
  language sql
as $$
  select submit_password_proof(
    current_setting('tests.attempt')::uuid,
    tests.proof(p_digest, current_setting('tests.attempt')::uuid, decode(current_setting('tests.nonce'), 'hex'))
  )
$$;
create function tests.finish(p_token text)
  returns text
  language sql
as $$
  select status from finish_password_check(current_setting('tests.attempt')::uuid, sha256(tests.token(p_token)))
$$;

-- All in one transaction: no
select tests.act_as_nobody();
select tests.begin('bob');
select tests.submit();
select is(tests.finish('one'), 'invalid', 'begun, proven and judged in one transaction, the right password is refused: who can roll back has no free guesses');
select tests.act_as_superuser();
select is((select proof from password_attempts where id = current_setting('tests.attempt')::uuid), null, '... the proof was not even taken');
select tests.committed();
select tests.act_as_nobody();
select is(tests.finish('one'), 'invalid', '... and a commit afterwards does not make it good');
select tests.submit();
select is(tests.finish('one'), 'invalid', 'proven and judged in one transaction it is refused too');
select tests.committed();
select results_eq(
  $$ select status, user_id, organization_id from finish_password_check(current_setting('tests.attempt')::uuid, sha256(tests.token('one'))) $$,
  $$ values ('signed_in', tests.user_id('bob'), tests.organization_id('acme')) $$,
  'in three transactions bob signs in'
);
select results_eq(
  $$ select user_id, organization_id from begin_request(tests.token('one')) $$,
  $$ values (tests.user_id('bob'), tests.organization_id('acme')) $$,
  '... and his session is good'
);
select results_eq(
  $$ select ip_address, user_agent from sessions where id = current_session_id() $$,
  $$ values ('203.0.113.7'::inet, 'curl?') $$,
  '... and came from where the attempt did'
);

-- Once
select tests.act_as_nobody();
select is(tests.finish('again'), 'invalid', 'an attempt is judged once');
select tests.submit();
select tests.committed();
select is(tests.finish('again'), 'invalid', '... also when it is proven again');

-- One proof
select tests.begin('bob');
select tests.committed();
select tests.submit(tests.other_password_digest());
select tests.submit();
select tests.committed();
select is(tests.finish('two'), 'invalid', 'the first proof counts: a right one after a wrong one is not taken');

-- What is no proof
select tests.begin('bob');
select tests.committed();
select throws_ok($$ select submit_password_proof(current_setting('tests.attempt')::uuid, '\x00') $$, '23514', null, 'a proof has 32 bytes');
select throws_ok($$ select submit_password_proof(current_setting('tests.attempt')::uuid, null) $$, '23514', null, '... and is not left out');
select is(tests.finish('two'), 'invalid', 'nothing proves nothing');
select tests.submit(tests.history_digest());
select tests.committed();
select is(tests.finish('two'), 'invalid', 'the digest of the history proves nothing');
select is(tests.sign_in('bob', left(tests.password_digest(), 29)), 'invalid', '... nor does the salt, which everybody is given');
select is(tests.sign_in('bob', ''), 'invalid', '... nor nothing');
select is(tests.sign_in('bob', upper(tests.password_digest())), 'invalid', '... nor nearly');
select is(tests.sign_in('bob', tests.other_password_digest()), 'invalid', '... nor another password');
select is(tests.sign_in('nobody', tests.password_digest()), 'invalid', '... nor is anything nobody''s');
select is(tests.sign_in('nobody', ''), 'invalid', '... not even nothing');

-- A proof of one attempt is good for no other
select set_config('tests.first', tests.begin('bob')::text, true);
select set_config('tests.first_nonce', current_setting('tests.nonce'), true);
select tests.begin('bob');
select tests.committed();
select lives_ok(
  $$
    select submit_password_proof(
      current_setting('tests.attempt')::uuid,
      tests.proof(tests.password_digest(), current_setting('tests.first')::uuid, decode(current_setting('tests.first_nonce'), 'hex'))
    )
  $$,
  'a proof made for one attempt is handed in for another'
);
select tests.committed();
select is(tests.finish('two'), 'invalid', '... and proves nothing');
select tests.begin('amy');
select tests.committed();
select lives_ok(
  $$
    select submit_password_proof(
      current_setting('tests.first')::uuid,
      tests.proof(tests.password_digest(), current_setting('tests.first')::uuid, decode(current_setting('tests.nonce'), 'hex'))
    )
  $$,
  'or one made with another''s nonce'
);
select tests.committed();
select is(
  (select status from finish_password_check(current_setting('tests.first')::uuid, sha256(tests.token('two')))), 'invalid',
  '... which proves nothing either'
);
select is((select status from finish_password_check(new_id(), sha256('x'))), 'invalid', 'an attempt that nobody began');
select is((select status from finish_password_check(null, sha256('x'))), 'invalid', '... or none');

-- Two minutes
select tests.begin('bob');
select tests.committed();
select tests.act_as_superuser();
select ok(
  (select expiration_time - creation_time between interval '2 minutes' and interval '2 minutes 30 seconds' from password_attempts where id = current_setting('tests.attempt')::uuid),
  'an attempt is good for two minutes'
);
update password_attempts set expiration_time = clock_timestamp() - interval '1 second' where id = current_setting('tests.attempt')::uuid;
select tests.act_as_nobody();
select tests.submit();
select tests.act_as_superuser();
select is((select proof from password_attempts where id = current_setting('tests.attempt')::uuid), null, '... after which no proof is taken');
update password_attempts set expiration_time = clock_timestamp() + interval '2 seconds' where id = current_setting('tests.attempt')::uuid;
select tests.act_as_nobody();
select tests.submit();
select tests.committed();
savepoint proven;
select is(tests.finish('in time'), 'signed_in', '... two seconds before the end it is');
rollback to proven;
select tests.act_as_superuser();
update password_attempts set expiration_time = clock_timestamp() where id = current_setting('tests.attempt')::uuid;
select tests.act_as_nobody();
select is(tests.finish('too late'), 'invalid', '... and what was proven in time is not judged after it');

-- Who does not sign in, with the right password: the answer is that of a wrong one
select tests.act_as_superuser();
select _forgive_account(tests.email('bob'));
savepoint active;
update users set status = 'suspended' where id = tests.user_id('bob');
select tests.act_as_nobody();
select is(tests.sign_in('bob'), 'invalid', 'somebody suspended');
rollback to active;
update users set status = 'pending', email_verified_time = null where id = tests.user_id('bob');
select tests.act_as_nobody();
select is(tests.sign_in('bob'), 'invalid', '... somebody whose address is not proven');
rollback to active;
update users set status = 'deleted' where id = tests.user_id('bob');
select tests.act_as_nobody();
select is(tests.sign_in('bob'), 'invalid', '... somebody who left');
rollback to active;
update password_credentials set disabled_time = now() where user_id = tests.user_id('bob');
select tests.act_as_nobody();
select is(tests.sign_in('bob'), 'invalid', '... somebody whose password is disabled');
rollback to active;
delete from password_credentials where user_id = tests.user_id('bob');
select tests.act_as_nobody();
select is(tests.sign_in('bob'), 'invalid', '... somebody without a password');
select is(
  (select (status, session_id, user_id, organization_id, expiration_time)::text from finish_password_check(tests.prove_password('bob'), sha256('x'))),
  (select (status, session_id, user_id, organization_id, expiration_time)::text from finish_password_check(tests.prove_password('nobody'), sha256('x'))),
  'nobody is told which'
);
rollback to active;

-- Every judgement is in the log, known or not
select tests.act_as_auditor();
select ok(
  (
    select count(*) filter (where result = 'success' and user_id = tests.user_id('bob')) = 1
      and count(*) filter (where result = 'invalid' and user_id = tests.user_id('bob')) >= 8
      and count(*) filter (where result = 'invalid' and user_id is null and email_digest is not null) = 2
    from access_attempt_logs
    where xid = txid_current()
  ),
  'one success of bob''s, his failures, and nobody''s two are in the log'
);
select ok(
  exists (select from access_attempt_logs where additional_data ->> 'reason' = 'no_such_attempt'),
  '... and so are those that were no attempts'
);
select tests.act_as_operator();
select throws_ok($$ select submit_password_proof(new_id(), sha256('x')) $$, '42501', null, 'a job proves nothing');
select throws_ok($$ select finish_password_check(new_id(), sha256('x')) $$, '42501', null, '... and signs nobody in');

select finish();
rollback;
