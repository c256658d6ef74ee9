-- choose_organization(), and where a sign-in leads: into the one organization there
-- is, the one asked for, or none; and past a second factor where one is required.
begin;
select plan(41);

select tests.two_organizations();
select tests.person('max');
select tests.member('zenith', 'bob');

-- Where a sign-in leads
select tests.act_as_nobody();
select is(tests.sign_in('ann', p_token => 'ann'), 'signed_in', 'ann signs in');
select is((select organization_id from begin_request(tests.token('ann'))), tests.organization_id('acme'), 'she is in acme, the only one she belongs to');
select tests.act_as_nobody();
select is(tests.sign_in('bob', p_token => 'bob'), 'signed_in', 'bob signs in');
select is((select organization_id from begin_request(tests.token('bob'))), null, 'he, who belongs to two, is in neither');
select tests.act_as_nobody();
select is(tests.sign_in('max', p_token => 'max'), 'signed_in', 'max signs in');
select is((select organization_id from begin_request(tests.token('max'))), null, 'he, who belongs to none, is in none');
select tests.act_as_nobody();
select results_eq(
  $$ select status, organization_id from finish_password_check(tests.prove_password('bob'), sha256(tests.token('bob in zenith')), p_organization_id => tests.organization_id('zenith')) $$,
  $$ values ('signed_in', tests.organization_id('zenith')) $$,
  'bob asks for zenith and is there'
);
select results_eq(
  $$ select status, organization_id from finish_password_check(tests.prove_password('max'), sha256(tests.token('max in acme')), p_organization_id => tests.organization_id('acme')) $$,
  $$ values ('signed_in', null::uuid) $$,
  'max asks for acme and is nowhere'
);

-- Choosing
select tests.act_as_nobody();
select throws_ok($$ select choose_organization(tests.organization_id('acme')) $$, 'SP102', null, 'nobody chooses nothing');
select tests.act_as_operator();
select throws_ok($$ select choose_organization(tests.organization_id('acme')) $$, '42501', null, 'a job chooses nothing');
select tests.act_as_nobody();
select begin_request(tests.token('max'));
select throws_ok($$ select choose_organization(tests.organization_id('acme')) $$, 'SP305', null, 'max does not enter acme');
select throws_ok($$ select choose_organization(tests.organization_id('none')) $$, 'SP305', null, '... nor what does not exist: the answer is the same');
select throws_ok($$ select choose_organization(null) $$, 'SP305', null, '... nor nothing');
select is(current_organization_id(), null, 'he is where he was');
select tests.act_as_nobody();
select begin_request(tests.token('bob'));
select lives_ok($$ select choose_organization(tests.organization_id('acme')) $$, 'bob chooses acme');
select is(current_organization_id(), tests.organization_id('acme'), 'he is there at once');
select is((select count(*) from users), 3::bigint, '... and sees who else is');
select tests.act_as_nobody();
select is((select organization_id from begin_request(tests.token('bob'))), tests.organization_id('acme'), '... and at his next request');
select lives_ok($$ select choose_organization(tests.organization_id('zenith')) $$, 'he goes over to zenith');
select results_eq($$ select first_name from users order by 1 $$, $$ values ('Bob'), ('Zoe') $$, '... and sees who is there');
select is(current_session_id(), (select session_id from begin_request(tests.token('bob'))), '... in the session he was in');
select results_eq(
  $$ select organization_id, user_id from tests.events('session.organization_chosen') where user_id = tests.user_id('bob') $$,
  $$ values (tests.organization_id('acme'), tests.user_id('bob')), (tests.organization_id('zenith'), tests.user_id('bob')) $$,
  'both are recorded'
);

-- Nothing is no organization, also for somebody who has only one: it is not left by choosing
select tests.act_as_nobody();
select begin_request(tests.token('ann'));
select throws_ok($$ select choose_organization(null) $$, 'SP305', null, 'ann chooses nothing');
select is(current_organization_id(), tests.organization_id('acme'), '... and is where she was');
select tests.act_as_nobody();
select is((select organization_id from begin_request(tests.token('ann'))), tests.organization_id('acme'), '... at her next request too');

-- What an organization has voided does not come in by a detour: a session of his that
-- stood in zenith, or outside, is void in acme too
select tests.act_as('amy', 'acme');
select lives_ok($$ select revoke_member_sessions(tests.user_id('bob')) $$, 'amy ends bob''s sessions in acme');
select tests.act_as_nobody();
select begin_request(tests.token('bob'));
select is(current_organization_id(), tests.organization_id('zenith'), 'the one in zenith is good');
select throws_ok($$ select choose_organization(tests.organization_id('acme')) $$, 'SP305', null, '... and does not enter acme');
select is(current_organization_id(), tests.organization_id('zenith'), '... not even for this transaction');
select tests.act_as_nobody();
select results_eq(
  $$ select status, organization_id from finish_password_check(tests.prove_password('bob'), sha256(tests.token('bob anew')), p_organization_id => tests.organization_id('acme')) $$,
  $$ values ('signed_in', tests.organization_id('acme')) $$,
  'with a new one bob does'
);
select begin_request(tests.token('bob anew'));
select lives_ok($$ select choose_organization(tests.organization_id('zenith')) $$, '... and goes over');
select lives_ok($$ select choose_organization(tests.organization_id('acme')) $$, '... and comes back');
select tests.act_as_operator();
select suspend_organization(tests.organization_id('acme'), 'Unpaid'), reactivate_organization(tests.organization_id('acme'));
select tests.act_as_nobody();
select begin_request(tests.token('bob'));
select throws_ok($$ select choose_organization(tests.organization_id('acme')) $$, 'SP305', null, 'nor does an old one after acme was suspended');
-- From here on bob is who he was
select tests.act_as_superuser();
update organization_users set sessions_valid_from = '-infinity' where user_id = tests.user_id('bob');
update organizations set sessions_valid_from = '-infinity' where id = tests.organization_id('acme');

-- Where a second factor is required, a password does not lead
select tests.act_as_superuser();
select tests.act_as('ann', 'acme');
select tests.act_as_superuser();
update sessions
set is_mfa_complete = true, assurance_level = 2, authentication_methods = '{password,otp}'
where id = md5('session:ann:acme')::uuid;
select tests.act_as('ann', 'acme');
insert into password_policies (organization_id, mfa_required) values (tests.organization_id('acme'), true);
select tests.act_as_nobody();
select is(tests.sign_in('ann', p_token => 'ann with a password'), 'signed_in', 'ann signs in with her password alone');
select is((select organization_id from begin_request(tests.token('ann with a password'))), null, '... which does not lead into acme any more');
select throws_ok($$ select choose_organization(tests.organization_id('acme')) $$, 'SP305', null, '... nor does asking for it');
select is_empty($$ select id from organizations $$, '... and she sees nothing of it');
select tests.act_as_superuser();
update sessions set is_mfa_complete = true, assurance_level = 2, authentication_methods = '{password,otp}'
where token_hash = sha256(tests.token('ann with a password'));
select tests.act_as_nobody();
select begin_request(tests.token('ann with a password'));
select lives_ok($$ select choose_organization(tests.organization_id('acme')) $$, 'with a second factor she enters');
select is(current_assurance_level(), 2::smallint, '... at the level that gives');
-- The cell may require it of those who say nothing themselves
select tests.act_as_superuser();
update password_policies set mfa_required = true, min_length = 15 where organization_id is null;
update password_policies set mfa_required = false where organization_id is not null;
select tests.act_as_nobody();
select begin_request(tests.token('bob'));
select throws_ok($$ select choose_organization(tests.organization_id('zenith')) $$, 'SP305', null, 'zenith, which goes by the cell''s policy, is not entered without one');
select lives_ok($$ select choose_organization(tests.organization_id('acme')) $$, '... acme, which says itself that it needs none, is');

select finish();
rollback;
