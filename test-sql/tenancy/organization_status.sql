-- close_organization(), suspend_organization(), reactivate_organization(): the door
-- shuts for everybody at once, and what was void stays void.
begin;
select plan(35);

select tests.two_organizations();
select tests.act_as('ann', 'acme');
select tests.act_as('bob', 'acme');
select tests.act_as('zoe', 'zenith');

-- Who may suspend
select tests.act_as('ann', 'acme');
select throws_ok(
  $$ select suspend_organization(tests.organization_id('zenith'), 'x') $$,
  '42501', null,
  'ann suspends no organization'
);
select tests.act_as('bob', 'acme');
select throws_ok($$ select suspend_organization(tests.organization_id('acme'), 'x') $$, '42501', null, 'bob neither');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select suspend_organization(tests.organization_id('acme'), 'x') $$, '42501', null, 'zoe neither');
select tests.act_as_nobody();
select throws_ok($$ select suspend_organization(tests.organization_id('acme'), 'x') $$, '42501', null, 'nobody neither');
select throws_ok($$ select reactivate_organization(tests.organization_id('acme')) $$, '42501', null, 'nobody opens one');

select tests.act_as_operator();
select throws_ok($$ select suspend_organization(tests.organization_id('none'), 'x') $$, 'SP305', null, 'what does not exist is not suspended');
select throws_ok($$ select reactivate_organization(tests.organization_id('acme')) $$, 'SP305', null, 'what is open is not opened');
select lives_ok($$ select suspend_organization(tests.organization_id('acme'), 'Unpaid') $$, 'a job suspends acme');
select throws_ok($$ select suspend_organization(tests.organization_id('acme'), 'Unpaid') $$, 'SP305', null, '... once');
select results_eq(
  $$ select organization_id, additional_data from tests.events('organization.suspended') $$,
  $$ values (tests.organization_id('acme'), '{"reason": "Unpaid"}'::jsonb) $$,
  'it is recorded, with its reason'
);

-- What it does
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('ann', 'acme')) $$, 'SP101', null, 'ann''s session in acme is void');
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, '... and bob''s');
select lives_ok($$ select begin_request(tests.token('zoe', 'zenith')) $$, 'zoe''s in zenith is not');
select tests.act_as('bob');
select is(current_user_id(), tests.user_id('bob'), 'bob outside acme is still bob');
select is_empty($$ select organization_id from list_own_organizations() $$, '... with no organization to enter');
select throws_ok($$ select choose_organization(tests.organization_id('acme')) $$, 'SP305', null, '... and acme is not entered');
select tests.act_as_nobody();
select is(tests.sign_in('ann', p_token => 'ann outside'), 'signed_in', 'ann signs in');
select is(
  (select organization_id from begin_request(tests.token('ann outside'))), null,
  '... to nowhere'
);

select tests.act_as_operator();
select lives_ok($$ select reactivate_organization(tests.organization_id('acme')) $$, 'a job opens acme again');
select is((select count(*) from tests.events('organization.reactivated')), 1::bigint, '... which is recorded');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, 'bob''s session of before stays void');
select is(tests.sign_in('bob', p_token => 'bob again'), 'signed_in', 'he signs in anew');
select is(
  (select organization_id from begin_request(tests.token('bob again'))),
  tests.organization_id('acme'),
  '... and is in acme'
);


-- Closing is the owner's
select throws_ok($$ select close_organization() $$, 'SP204', null, 'bob, a member, does not close acme');
select tests.act_as('amy', 'acme');
select throws_ok($$ select close_organization() $$, 'SP204', null, 'amy, who administers it, does not either');
select tests.act_as_nobody();
select throws_ok($$ select close_organization() $$, 'SP102', null, 'nobody closes nothing');
select tests.act_as('ann');
select throws_ok($$ select close_organization() $$, 'SP103', null, 'ann, outside, closes nothing');
select tests.act_as_operator();
select throws_ok($$ select close_organization() $$, '42501', null, 'a job closes nothing');
select tests.act_as('zoe', 'zenith');
select lives_ok($$ select close_organization() $$, 'zoe closes zenith');
select results_eq(
  $$ select acting_user_id, organization_id from tests.events('organization.closed') $$,
  $$ values (tests.user_id('zoe'), tests.organization_id('zenith')) $$,
  'it is recorded'
);
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('zoe', 'zenith')) $$, 'SP101', null, 'her session there is void');
select tests.act_as('zoe');
select throws_ok($$ select choose_organization(tests.organization_id('zenith')) $$, 'SP305', null, 'she does not enter it again');
select tests.act_as_superuser();
select is(
  (select status from organizations where id = tests.organization_id('zenith')), 'deleted',
  'the row stays, as evidence'
);
select is(
  (select status from organizations where id = tests.organization_id('acme')), 'active',
  'acme is as it was'
);
select tests.act_as_operator();
select throws_ok(
  $$ select reactivate_organization(tests.organization_id('zenith')) $$,
  'SP305', null,
  'what its owner closed no job opens'
);

select finish();
rollback;
