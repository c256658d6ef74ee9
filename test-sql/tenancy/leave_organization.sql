-- leave_organization() and transfer_ownership(): going, and giving away.
begin;
select plan(21);

select tests.two_organizations();

-- Giving away is the owner's
select tests.act_as('bob', 'acme');
select throws_ok($$ select transfer_ownership(tests.user_id('bob')) $$, 'SP204', null, 'bob does not give himself acme');
select tests.act_as('amy', 'acme');
select throws_ok($$ select transfer_ownership(tests.user_id('amy')) $$, 'SP204', null, 'amy, who administers it, does not either');
select tests.act_as_nobody();
select throws_ok($$ select transfer_ownership(tests.user_id('amy')) $$, 'SP102', null, 'nobody gives nothing away');
select tests.act_as('ann');
select throws_ok($$ select transfer_ownership(tests.user_id('amy')) $$, 'SP103', null, 'ann outside gives nothing away');
select tests.act_as_operator();
select throws_ok($$ select transfer_ownership(tests.user_id('amy')) $$, '42501', null, 'a job neither');

select tests.act_as('ann', 'acme');
select throws_ok($$ select transfer_ownership(tests.user_id('ann')) $$, 'SP505', null, 'ann does not give acme to herself');
select throws_ok($$ select transfer_ownership(tests.user_id('zoe')) $$, 'SP302', null, '... nor to a stranger');
select throws_ok($$ select leave_organization() $$, '23514', null, '... nor does she leave it without an owner');
select lives_ok($$ select transfer_ownership(tests.user_id('amy')) $$, 'ann gives acme to amy');
select results_eq(
  $$ select user_id, role from organization_users order by role $$,
  $$
    values
      (tests.user_id('ann'), 'admin'), (tests.user_id('bob'), 'member'), (tests.user_id('amy'), 'owner')
  $$,
  'amy owns it, ann administers it, bob works there'
);
select throws_ok($$ select transfer_ownership(tests.user_id('bob')) $$, 'SP204', null, 'what ann gave away she does not give again');
select results_eq(
  $$ select user_id, acting_user_id from tests.events('organization.ownership_transferred') $$,
  $$ values (tests.user_id('amy'), tests.user_id('ann')) $$,
  'it is recorded, from whom to whom'
);
select tests.act_as('amy', 'acme');
select suspend_member(tests.user_id('bob'));
select throws_ok($$ select transfer_ownership(tests.user_id('bob')) $$, 'SP302', null, 'who is suspended is given nothing');

-- Going
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select leave_organization() $$, '23514', null, 'zoe, who is alone, does not leave zenith without an owner');
select tests.act_as_nobody();
select throws_ok($$ select leave_organization() $$, 'SP102', null, 'nobody leaves nothing');
select tests.act_as('ann');
select throws_ok($$ select leave_organization() $$, 'SP103', null, 'ann outside leaves nothing');
select tests.act_as('ann', 'acme');
select lives_ok($$ select leave_organization() $$, 'ann, who owns nothing any more, leaves acme');
select is((select count(*) from tests.events('member.left') where user_id = tests.user_id('ann')), 1::bigint, 'it is recorded');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('ann', 'acme')) $$, 'SP101', null, 'her session there is gone');
select lives_ok($$ select begin_request(tests.token('ann')) $$, '... the one outside is not');
select throws_ok($$ select choose_organization(tests.organization_id('acme')) $$, 'SP305', null, '... and does not let her in');

select finish();
rollback;
