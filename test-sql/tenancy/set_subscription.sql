-- set_subscription() and max_users: an organization has as much room as it pays for.
begin;
select plan(21);

select tests.two_organizations();
select tests.person(name) from unnest(array['gus', 'hal']) as name;

select tests.act_as('ann', 'acme');
select throws_ok(
  $$ select set_subscription(tests.organization_id('acme'), 'free', 1000) $$,
  '42501', null,
  'ann does not say what acme pays for'
);
select tests.act_as('bob', 'acme');
select throws_ok($$ select set_subscription(tests.organization_id('acme'), 'free', 1000) $$, '42501', null, 'bob neither');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select set_subscription(tests.organization_id('acme'), 'free', 1) $$, '42501', null, 'zoe neither');
select tests.act_as_nobody();
select throws_ok($$ select set_subscription(tests.organization_id('acme'), 'free', 1) $$, '42501', null, 'nobody neither');

select tests.act_as_operator();
select throws_ok($$ select set_subscription(tests.organization_id('none'), 'team', 4) $$, 'SP305', null, 'what does not exist pays for nothing');
select throws_ok($$ select set_subscription(tests.organization_id('acme'), 'Two words', 4) $$, '23514', null, 'a tier is a word');
select throws_ok($$ select set_subscription(tests.organization_id('acme'), 'team', 0) $$, '23514', null, 'room is for one at least');
select throws_ok(
  $$ select set_subscription(tests.organization_id('acme'), 'team', 2) $$,
  '23514', null,
  'an organization of three does not shrink to two'
);
select lives_ok($$ select set_subscription(tests.organization_id('acme'), 'team', 4) $$, 'a job gives acme room for four');
select results_eq(
  $$ select organization_id, additional_data from tests.events('organization.subscription_set') $$,
  $$ values (tests.organization_id('acme'), '{"tier": "team", "max_users": 4}'::jsonb) $$,
  'it is recorded'
);

-- The fourth comes in, the fifth does not
select tests.act_as('ann', 'acme');
select results_eq(
  $$ select subscription_tier, max_users, member_count from organizations $$,
  $$ values ('team', 4, 3) $$,
  'ann sees that there is room for one more'
);
select lives_ok($$ select add_member(tests.email('gus')) $$, 'she invites gus');
select lives_ok($$ select add_member(tests.email('hal')) $$, '... and hal: an invitation takes no room');
select tests.act_as('gus');
select lives_ok($$ select accept_membership(tests.organization_id('acme')) $$, 'gus accepts, and is the fourth');
select tests.act_as('hal');
select throws_ok(
  $$ select accept_membership(tests.organization_id('acme')) $$,
  '23514', 'new row for relation "organizations" violates check constraint "organizations_have_room"',
  'hal would be the fifth'
);
select tests.act_as('ann', 'acme');
select lives_ok($$ select suspend_member(tests.user_id('bob')) $$, 'bob is suspended');
select tests.act_as('hal');
select throws_ok(
  $$ select accept_membership(tests.organization_id('acme')) $$,
  '23514', null,
  '... and takes room all the same'
);
select tests.act_as('ann', 'acme');
select lives_ok($$ select remove_member(tests.user_id('bob')) $$, 'bob is removed');
select tests.act_as('hal');
select lives_ok($$ select accept_membership(tests.organization_id('acme')) $$, '... and hal comes in');

select tests.act_as_operator();
select lives_ok($$ select set_subscription(tests.organization_id('acme'), 'enterprise', null) $$, 'no limit is a limit too');
select tests.act_as_superuser();
select lives_ok(
  $$
    insert into organization_users (organization_id, user_id)
    values (tests.organization_id('acme'), tests.user_id('bob'))
  $$,
  '... under which there is always room'
);

select finish();
rollback;
