-- A right password that opens nothing: it must be changed, is known to others, or is
-- too old. Who says so, and how it is mended.
begin;
select plan(34);

select tests.two_organizations();
select tests.person('gus');
select tests.member('acme', 'gus');

-- require_password_change(): by who manages credentials, not from below
select tests.act_as('bob', 'acme');
select throws_ok($$ select require_password_change(tests.user_id('gus')) $$, 'SP201', null, 'bob, a member, demands nothing');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select require_password_change(tests.user_id('bob')) $$, 'SP302', null, 'to zoe of zenith bob is no member');
select tests.act_as_nobody();
select throws_ok($$ select require_password_change(tests.user_id('bob')) $$, 'SP102', null, 'nobody demands nothing');
select tests.act_as('amy', 'acme');
select throws_ok($$ select require_password_change(tests.user_id('ann')) $$, 'SP204', null, 'amy does not demand it of ann, an owner');
select tests.act_as_operator();
select throws_ok($$ select require_password_change(tests.user_id('bob')) $$, '42501', null, 'a job demands nothing');
select tests.act_as_superuser();
insert into user_roles (organization_id, user_id, role_id)
select tests.organization_id('acme'), tests.user_id('gus'), id from roles where organization_id is null and name = 'help_desk';
select tests.act_as('bob', 'acme');
select tests.act_as('gus', 'acme');
select throws_ok($$ select require_password_change(tests.user_id('amy')) $$, 'SP202', null, 'gus at the help desk does not demand it of amy, who could more than he');
select lives_ok($$ select require_password_change(tests.user_id('bob')) $$, '... of bob he does');
select results_eq(
  $$ select user_id, acting_user_id from tests.events('password.change_demanded') $$,
  $$ values (tests.user_id('bob'), tests.user_id('gus')) $$,
  'it is recorded'
);
select tests.act_as_nobody();
select lives_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'bob''s session goes on');
select tests.act_as_nobody();
select is(tests.sign_in('bob', tests.other_password_digest()), 'invalid', 'a wrong password is told nothing of it');
select is(tests.sign_in('bob', p_token => 'bob'), 'password_change_required', 'the right one must be changed');
select throws_ok($$ select begin_request(tests.token('bob')) $$, 'SP101', null, '... and opens no session');
select tests.act_as_superuser();
select results_eq(
  $$ select purpose, user_id, token_hash, expiration_time between now() + interval '15 minutes' and clock_timestamp() + interval '15 minutes 1 second' from one_time_tokens $$,
  $$ values ('reset_password', tests.user_id('bob'), sha256(tests.token('bob', 'change')), true) $$,
  'it opens the way to a new one, for a quarter of an hour'
);
select tests.act_as_nobody();
select is(
  (select (status, session_id)::text from finish_password_check(tests.prove_password('bob'), sha256(tests.token('bob')))), '(password_change_required,)',
  'who brings no token for that is only told'
);
select is((select count(*) from tests.events('password.change_required')), 2::bigint, 'both are recorded');
select is(
  tests.reset_password(tests.token('bob', 'change'), tests.other_password_digest(), array[tests.other_history_digest()], (select version from read_password_policy())), 'reset',
  'bob chooses a new one'
);
select is(tests.sign_in('bob', tests.other_password_digest(), 'bob again'), 'signed_in', '... and signs in');

-- mark_password_compromised(): by a job, and at once
select tests.act_as('ann', 'acme');
select throws_ok($$ select mark_password_compromised(tests.user_id('bob'), 'x') $$, '42501', null, 'ann marks nobody''s');
select tests.act_as_nobody();
select throws_ok($$ select mark_password_compromised(tests.user_id('bob'), 'x') $$, '42501', null, 'nobody marks nobody''s');
select tests.act_as('amy', 'acme');
select tests.act_as_operator();
select throws_ok($$ select mark_password_compromised(tests.user_id('none'), 'x') $$, 'SP301', null, 'somebody without a password has none to mark');
select lives_ok($$ select mark_password_compromised(tests.user_id('amy'), E'In a\nlist') $$, 'a job marks amy''s');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('amy', 'acme')) $$, 'SP101', null, 'her session ends at once');
select is(tests.sign_in('amy', p_token => 'amy'), 'password_compromised', '... and her password opens none');
select is(
  tests.reset_password(tests.token('amy', 'change'), tests.other_password_digest(), array[tests.other_history_digest()], (select version from read_password_policy())), 'invalid',
  '... nor does it set another'
);
select tests.act_as_superuser();
select results_eq(
  $$ select alert_type, severity, user_id from security_alerts $$,
  $$ values ('password_compromised', 'high', tests.user_id('amy')) $$,
  'an alert is open'
);
select results_eq(
  $$ select user_id, additional_data from tests.events('password.compromised') $$,
  $$ values (tests.user_id('amy'), '{"reason": "In a?list"}'::jsonb) $$,
  'and it is recorded, with the reason on one line'
);
update password_credentials set must_change = false where user_id = tests.user_id('amy');
select tests.act_as_nobody();
select is(tests.sign_in('amy', p_token => 'amy 2'), 'password_compromised', 'known to others is enough by itself');
select request_password_reset(tests.email('amy'));
select is(
  tests.reset_password(tests.read_message('amy', 'reset_password'), tests.other_password_digest(), array[tests.other_history_digest()], (select version from read_password_policy())), 'reset',
  'what is mailed to her sets another'
);

-- Too old, where a policy asks for it
select tests.act_as_superuser();
update password_credentials set set_time = now() - interval '10 years' where user_id = tests.user_id('gus');
select tests.act_as_nobody();
select is(tests.sign_in('gus', p_token => 'gus 1'), 'signed_in', 'a password of ten years is good, as NIST wants it');
select tests.act_as_superuser();
insert into password_policies (organization_id, maximum_age_days) values (tests.organization_id('acme'), 90);
update password_credentials set set_time = clock_timestamp() - interval '90 days' + interval '1 minute' where user_id = tests.user_id('gus');
select tests.act_as_nobody();
select is(tests.sign_in('gus', p_token => 'gus 2'), 'signed_in', 'where ninety days are the most, one of ninety days is good');
select tests.act_as_superuser();
update password_credentials set set_time = now() - interval '90 days 1 second' where user_id = tests.user_id('gus');
select tests.act_as_nobody();
select is(tests.sign_in('gus', p_token => 'gus 3'), 'password_change_required', '... a second older is not');
select tests.act_as_superuser();
update password_credentials set set_time = now() - interval '10 years' where user_id = tests.user_id('zoe');
select tests.act_as_nobody();
select is(tests.sign_in('zoe', p_token => 'zoe'), 'signed_in', '... and zoe, who is not in acme, is asked nothing');

-- The clock is set back, by longer than a token lives: what was too old is too old, and the
-- token to change it with is made all the same.
select tests.act_as_superuser();
update password_credentials set set_time = clock_timestamp() - interval '60 days' where user_id = tests.user_id('gus');
select setval('clock_high_water', _mark_of(clock_timestamp() + interval '40 days'));
select tests.act_as_nobody();
select is(
  tests.sign_in('gus', p_token => 'gus 4'), 'password_change_required',
  'a password that was too old is so when the clock says otherwise'
);
select tests.act_as_superuser();
select is(
  (select count(*) from one_time_tokens where token_hash = sha256(tests.token('gus 4', 'change')) and creation_time > now() + interval '39 days'),
  1::bigint,
  '... and is changed by a token of that time'
);
select setval('clock_high_water', _mark_of(clock_timestamp()));

select finish();
rollback;
