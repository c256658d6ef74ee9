-- Opening a session: as many as the policy says, the oldest ends for one more; it
-- lasts as long as the policy says, and says where it began.
begin;
select plan(19);

select tests.two_organizations();
select tests.act_as_superuser();
insert into password_policies (organization_id, max_sessions, aal1_absolute_limit, aal1_idle_limit)
values (tests.organization_id('acme'), 3, '8 hours', '1 hour');

select tests.act_as_nobody();
select is(
  array(select tests.sign_in('bob', p_token => 'bob ' || n, p_ip_address => '203.0.113.7') from generate_series(1, 3) as n),
  '{signed_in,signed_in,signed_in}'::text[],
  'bob signs in three times, which acme allows'
);
select lives_ok($$ select begin_request(tests.token('bob 1')) $$, 'the first is good');
select results_eq(
  $$
    select
      organization_id, assurance_level, authentication_methods, is_mfa_complete, revoked, ip_address,
      expiration_time - creation_time, idle_limit
    from sessions
    where id = current_session_id()
  $$,
  $$
    values (
      tests.organization_id('acme'), 1::smallint, '{password}'::text[], false, false, '203.0.113.7'::inet,
      interval '8 hours', interval '1 hour'
    )
  $$,
  'it is in acme, of level 1, and lasts as acme says'
);
select tests.act_as_nobody();
select is(tests.sign_in('bob', p_token => 'bob 4'), 'signed_in', 'he signs in a fourth time');
select throws_ok($$ select begin_request(tests.token('bob 1')) $$, 'SP101', null, '... and the first has ended');
select lives_ok($$ select begin_request(tests.token('bob 2')) $$, '... the second has not');
select lives_ok($$ select begin_request(tests.token('bob 3')) $$, '... nor the third');
select lives_ok($$ select begin_request(tests.token('bob 4')) $$, '... and the fourth is good');
select results_eq(
  $$ select revocation_reason from sessions where revoked $$,
  $$ values ('too_many_sessions') $$,
  'it says why'
);
select tests.act_as_superuser();
update sessions
set creation_time = creation_time - interval '9 hours', expiration_time = expiration_time - interval '9 hours'
where token_hash = sha256(tests.token('bob 2'));
select tests.act_as_nobody();
select is(tests.sign_in('bob', p_token => 'bob 5'), 'signed_in', 'one that is over does not count: he signs in a fifth time');
select lives_ok($$ select begin_request(tests.token('bob 3')) $$, '... and the third is good');
select tests.act_as_superuser();
update password_policies set max_sessions = 1 where organization_id is not null;
select tests.act_as_nobody();
select is(tests.sign_in('bob', p_token => 'bob 6'), 'signed_in', 'when one is all he may have, a sixth');
select tests.act_as_superuser();
select is(
  (select count(*) from live_sessions where user_id = tests.user_id('bob') and end_time > now()), 1::bigint,
  '... is the only one'
);
select tests.act_as_nobody();
select is(tests.sign_in('amy', p_token => 'amy'), 'signed_in', 'amy has hers besides');
select lives_ok($$ select begin_request(tests.token('bob 6')) $$, '... which ends none of bob''s');

-- When somebody last signed in, and that it is recorded
select tests.act_as('bob', 'acme');
select ok((select last_login_time between now() and clock_timestamp() from users where id = tests.user_id('bob')), 'bob''s last sign-in is now');
select results_eq(
  $$ select acting_user_id, organization_id, ip_address, additional_data from tests.events('session.opened') limit 1 $$,
  $$ values (null::uuid, tests.organization_id('acme'), '203.0.113.7'::inet, '{"methods": ["password"], "assurance_level": 1}'::jsonb) $$,
  'every session is recorded, with how it was opened'
);
select is((select count(*) from tests.events('session.opened')), 7::bigint, '... seven of them');

-- A token is one session's
select tests.act_as_nobody();
select throws_ok($$ select tests.sign_in('amy', p_token => 'bob 6') $$, '23505', null, 'nobody opens one with a token that is taken');

select finish();
rollback;
