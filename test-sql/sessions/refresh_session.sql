-- refresh_session(): a refresh token is used once; its successor is the same however
-- often it is asked for, for ten seconds; after that a second use is theft.
begin;
select plan(51);

select tests.two_organizations();
select tests.act_as_nobody();
select is(tests.sign_in('bob', p_token => 'bob'), 'signed_in', 'bob signs in');
select is(tests.sign_in('amy', p_token => 'amy'), 'signed_in', '... and so does amy');

-- What a client is given, kept for the next step
select tests.act_as_superuser();
create function pg_temp.refresh(p_refresh_token bytea, p_as text)
  returns text
  language plpgsql
as $$
declare
  v_answer record;
begin
  select * into v_answer from refresh_session(p_refresh_token, '203.0.113.7', E'curl\n');
  perform set_config('tests.' || p_as || '_session', coalesce(encode(v_answer.session_token, 'hex'), ''), true);
  perform set_config('tests.' || p_as || '_refresh', coalesce(encode(v_answer.refresh_token, 'hex'), ''), true);
  return v_answer.status;
end;
$$;
create function pg_temp.kept(p_name text)
  returns bytea
  language sql
as $$ select decode(current_setting('tests.' || p_name), 'hex') $$;

-- Rotation. These run as a superuser, whom the functions serve like anybody; that
-- the application may call them is shown at the end.
select is(pg_temp.refresh(tests.token('bob', 'refresh'), 'first'), 'refreshed', 'bob refreshes');
select is(octet_length(pg_temp.kept('first_session')), 32, 'he gets a session token of 32 bytes');
select is(octet_length(pg_temp.kept('first_refresh')), 32, '... and a refresh token of 32');
select isnt(current_setting('tests.first_session'), current_setting('tests.first_refresh'), '... which are not the same');
select throws_ok($$ select begin_request(tests.token('bob')) $$, 'SP101', null, 'the session token of before is nobody''s');
select is((select user_id from begin_request(pg_temp.kept('first_session'))), tests.user_id('bob'), 'the one of now is bob''s');
select is(
  (select count(*) from sessions where user_id = tests.user_id('bob')), 1::bigint,
  'it is the same session'
);

-- Another tab, or a reply that was lost
select is(pg_temp.refresh(tests.token('bob', 'refresh'), 'again'), 'refreshed', 'his other tab refreshes with the same token');
select is(current_setting('tests.again_session'), current_setting('tests.first_session'), '... and gets the same session token');
select is(current_setting('tests.again_refresh'), current_setting('tests.first_refresh'), '... and the same refresh token');
select is(
  (select count(*) from refresh_tokens where user_id = tests.user_id('bob')), 2::bigint,
  'there is one successor, and no fork'
);
select tests.act_as_operator();
select rotate_context_key('refresh');
select tests.act_as_superuser();
select is(pg_temp.refresh(tests.token('bob', 'refresh'), 'again'), 'refreshed', 'also while the key changes');
select is(current_setting('tests.again_refresh'), current_setting('tests.first_refresh'), '... the successor is the one that was given');
select is(pg_temp.refresh(pg_temp.kept('first_refresh'), 'second'), 'refreshed', 'the successor is refreshed in its turn, under the new key');
select isnt(current_setting('tests.second_refresh'), current_setting('tests.first_refresh'), '... for another');
select results_eq(
  $$ select generation, is_used from refresh_tokens where user_id = tests.user_id('bob') order by generation $$,
  $$ values (0, true), (1, true), (2, false) $$,
  'a line of three, of which the last is not used'
);
select is((select count(distinct family_id) from refresh_tokens where user_id = tests.user_id('bob')), 1::bigint, '... of one family');
select ok(
  (select bool_and(refresh_tokens.expiration_time = sessions.expiration_time) from refresh_tokens join sessions on sessions.id = session_id),
  'no token outlives its session'
);

-- Nine seconds later it is still grace; eleven later it is theft
savepoint before_theft;
update refresh_tokens set used_time = clock_timestamp() - interval '9 seconds' where generation = 1;
select is(pg_temp.refresh(pg_temp.kept('first_refresh'), 'again'), 'refreshed', 'nine seconds after, the same token has the same successor');
select is(current_setting('tests.again_refresh'), current_setting('tests.second_refresh'), '... the same');
update refresh_tokens set used_time = clock_timestamp() - interval '11 seconds' where generation = 1;
select is(pg_temp.refresh(pg_temp.kept('first_refresh'), 'thief'), 'reused', 'eleven seconds after, a second use is theft');
select is(current_setting('tests.thief_session'), '', '... which gets no session token');
select is(current_setting('tests.thief_refresh'), '', '... and no refresh token');
select throws_ok($$ select begin_request(pg_temp.kept('second_session')) $$, 'SP101', null, 'the session is over for both');
select is(pg_temp.refresh(pg_temp.kept('second_refresh'), 'victim'), 'invalid', '... and so is every token of the family');
select ok((select bool_and(is_revoked) from refresh_tokens where user_id = tests.user_id('bob')), '... all of which are dead');
select results_eq(
  $$ select alert_type, severity, status, organization_id, user_id, session_id is not null, evidence ->> 'ip_address' from security_alerts $$,
  $$ values ('refresh_token_reused', 'high', 'open', tests.organization_id('acme'), tests.user_id('bob'), true, '203.0.113.7') $$,
  'an alert is open, in acme, about bob, with where the thief came from'
);
select results_eq(
  $$ select user_id, result, failure_reason, user_agent from tests.events('session.refresh_reused') $$,
  $$ values (tests.user_id('bob'), 'denied', 'refresh_token_reused', 'curl?') $$,
  'and it is recorded'
);
select is(pg_temp.refresh(pg_temp.kept('first_refresh'), 'thief'), 'invalid', 'the thief who tries again');
select is((select count(*) from security_alerts), 1::bigint, '... raises no second alert');
select lives_ok($$ select begin_request(tests.token('amy')) $$, 'amy is not touched');
select is(pg_temp.refresh(tests.token('amy', 'refresh'), 'amy'), 'refreshed', '... and refreshes');
rollback to before_theft;

-- What is over is not refreshed
select is(pg_temp.refresh(tests.token('eve', 'refresh'), 'x'), 'invalid', 'a token that nobody has');
select is(pg_temp.refresh(null, 'x'), 'invalid', '... none at all');
select is(pg_temp.refresh(pg_temp.kept('second_session'), 'x'), 'invalid', '... a session token');
savepoint alive;
update refresh_tokens set creation_time = now() - interval '2 days', expiration_time = now() - interval '1 second' where not is_used;
select is(pg_temp.refresh(pg_temp.kept('second_refresh'), 'x'), 'invalid', '... one that has expired');
rollback to alive;
update sessions set creation_time = now() - interval '2 days', expiration_time = now() - interval '1 second' where user_id = tests.user_id('bob');
select is(pg_temp.refresh(pg_temp.kept('second_refresh'), 'x'), 'invalid', '... of a session that has ended');
rollback to alive;
update session_activities set last_activity_time = now() - interval '8 days';
select is(pg_temp.refresh(pg_temp.kept('second_refresh'), 'x'), 'invalid', '... of one idle for too long');
rollback to alive;
update sessions set revoked = true, revocation_time = now(), revocation_reason = 'x' where user_id = tests.user_id('bob');
select is(pg_temp.refresh(pg_temp.kept('second_refresh'), 'x'), 'invalid', '... of one that was revoked');
rollback to alive;
update users set status = 'suspended' where id = tests.user_id('bob');
select is(pg_temp.refresh(pg_temp.kept('second_refresh'), 'x'), 'invalid', '... of somebody who is suspended');
rollback to alive;
update organizations set sessions_valid_from = clock_timestamp() where id = tests.organization_id('acme');
select is(pg_temp.refresh(pg_temp.kept('second_refresh'), 'x'), 'invalid', '... in an organization whose sessions are void');
select results_eq(
  $$ select user_id, result, failure_reason from tests.events('session.refresh_refused') order by seq desc limit 1 $$,
  $$ values (tests.user_id('bob'), 'failure', 'session_ended') $$,
  'that it was refused is recorded'
);
rollback to alive;

-- Refreshing is using: the idle limit slides
update session_activities set last_activity_time = now() - interval '1 day';
select is(pg_temp.refresh(pg_temp.kept('second_refresh'), 'third'), 'refreshed', 'a day later bob refreshes');
select ok(
  (select last_activity_time >= now() from session_activities join sessions on sessions.id = session_id where user_id = tests.user_id('bob')),
  '... which counts as activity'
);
select is((select count(*) from tests.events('session.refreshed')), 3::bigint, 'each rotation is recorded, and no repetition');

-- Who may: the application, before anybody is known
select tests.act_as_nobody();
select is((select status from refresh_session(tests.token('amy', 'refresh'))), 'refreshed', 'the application refreshes for amy');
select throws_ok($$ select _derive_tokens('a', 0, 'b') $$, '42501', null, '... and derives no tokens itself');
select tests.act_as_operator();
select throws_ok($$ select refresh_session(tests.token('amy', 'refresh')) $$, '42501', null, 'a job refreshes nothing');
select tests.act_as_auditor();
select throws_ok($$ select refresh_session(tests.token('amy', 'refresh')) $$, '42501', null, 'an auditor neither');

select finish();
rollback;
