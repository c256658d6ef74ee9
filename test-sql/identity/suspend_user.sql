-- suspend_user(), reactivate_user(), close_account(): how a person ends.
begin;
select plan(31);

select tests.two_organizations();
select tests.person('max');

-- Who may suspend: a job of the cell, and nobody in it
select tests.act_as('ann', 'acme');
select throws_ok(
  $$ select suspend_user(tests.user_id('bob'), 'A whim') $$,
  '42501', null,
  'ann, who owns acme, suspends no person: bob is more than her member'
);
select tests.act_as('bob', 'acme');
select throws_ok($$ select suspend_user(tests.user_id('ann'), 'A whim') $$, '42501', null, 'bob suspends nobody');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select suspend_user(tests.user_id('bob'), 'A whim') $$, '42501', null, 'zoe suspends nobody');
select tests.act_as_nobody();
select throws_ok($$ select suspend_user(tests.user_id('bob'), 'A whim') $$, '42501', null, 'nobody suspends nobody');
select tests.act_as_auditor();
select throws_ok($$ select suspend_user(tests.user_id('bob'), 'A whim') $$, '42501', null, 'an auditor suspends nobody');

select tests.act_as_operator();
select throws_ok(
  $$ select suspend_user(tests.user_id('eve'), 'x') $$,
  'SP301', null,
  'who does not exist is not suspended'
);
select throws_ok($$ select reactivate_user(tests.user_id('bob')) $$, 'SP301', null, 'who is not suspended is not reactivated');
select lives_ok(
  $$ select suspend_user(tests.user_id('bob'), E'A court''s\norder') $$,
  'a job suspends bob'
);
select results_eq(
  $$ select user_id, additional_data from tests.events('user.suspended') $$,
  $$ values (tests.user_id('bob'), '{"reason": "A court''s?order"}'::jsonb) $$,
  'it is recorded with its reason, on one line'
);
select throws_ok($$ select suspend_user(tests.user_id('bob'), 'x') $$, 'SP301', null, 'he is suspended once');

-- What it does
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, 'bob''s session is void at once');
select is(tests.sign_in('bob'), 'invalid', 'bob does not sign in, with the right password');
select lives_ok($$ select tests.act_as('ann', 'acme') $$, 'ann is not touched');

select tests.act_as_operator();
select lives_ok($$ select reactivate_user(tests.user_id('bob')) $$, 'a job lets him back in');
select is((select count(*) from tests.events('user.reactivated')), 1::bigint, '... which is recorded');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, 'his old session stays void');
select is(tests.sign_in('bob', p_token => 'bob again'), 'signed_in', '... and he opens a new one');
select lives_ok($$ select begin_request(tests.token('bob again')) $$, '... which is good');


-- Closing an account is one's own to do
select tests.act_as_nobody();
select throws_ok($$ select close_account() $$, 'SP102', null, 'nobody closes an account');
select tests.act_as_operator();
select throws_ok($$ select close_account() $$, '42501', null, 'a job closes none');
select tests.act_as('ann', 'acme');
select throws_ok(
  $$ select close_account() $$,
  '23514', null,
  'ann, the last owner of acme, cannot: acme would be without'
);
select ok(
  (select status = 'active' from users where id = tests.user_id('ann')),
  '... and nothing of it is done'
);
select tests.act_as('max');
select lives_ok($$ select close_account() $$, 'max, who owns nothing, closes his account');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('max')) $$, 'SP101', null, 'his session is void');
select is(tests.sign_in('max'), 'invalid', 'he does not sign in');
select tests.act_as('amy', 'acme');
select lives_ok($$ select close_account() $$, 'amy, an admin of acme, closes hers');
select tests.act_as_superuser();
select results_eq(
  $$ select status from users where id in (tests.user_id('max'), tests.user_id('amy')) $$,
  $$ values ('deleted'), ('deleted') $$,
  'the rows stay, so that the evidence speaks of somebody'
);
select is_empty(
  $$ select user_id from organization_users where user_id in (tests.user_id('max'), tests.user_id('amy')) $$,
  '... and belong nowhere'
);
select is(
  (select member_count from organizations where id = tests.organization_id('acme')), 2,
  'acme has two members left'
);
select is((select count(*) from tests.events('user.closed')), 2::bigint, 'both are recorded');
select tests.act_as_operator();
select throws_ok($$ select reactivate_user(tests.user_id('max')) $$, 'SP301', null, 'no job brings a closed account back');

select finish();
rollback;
