-- add_member(), accept_membership(), list_own_organizations(): an invitation says
-- nothing about whether anybody is there to be invited.
begin;
select plan(35);

select tests.two_organizations();
select tests.person(name) from unnest(array['gus', 'hal']) as name;
select tests.act_as_superuser();
update users set status = 'suspended' where id = tests.user_id('hal');

-- Who may invite
select tests.act_as('bob', 'acme');
select throws_ok($$ select add_member(tests.email('gus')) $$, 'SP201', null, 'bob, a member, invites nobody');
select tests.act_as('ann');
select throws_ok($$ select add_member(tests.email('gus')) $$, 'SP103', null, 'ann, outside, invites nobody');
select tests.act_as_nobody();
select throws_ok($$ select add_member(tests.email('gus')) $$, 'SP102', null, 'nobody invites nobody');
select tests.act_as_operator();
select throws_ok($$ select add_member(tests.email('gus')) $$, '42501', null, 'a job invites nobody');

-- The same answer, whoever is there
select tests.act_as('amy', 'acme');
select lives_ok($$ select add_member('GUS@example.com') $$, 'amy, who administers acme, invites gus, however she writes him');
select lives_ok($$ select add_member('unknown@example.com') $$, '... an address nobody has, with the same answer');
select lives_ok($$ select add_member(tests.email('hal')) $$, '... hal, who is suspended, with the same answer');
select lives_ok($$ select add_member(tests.email('bob')) $$, '... bob, who is a member already');
select lives_ok($$ select add_member(tests.email('gus')) $$, '... and gus once more');
select is(
  (select count(*) from organization_users), 3::bigint,
  'she sees three members as before'
);
select results_eq(
  $$
    select user_id, resource_id, additional_data
    from tests.events('member.invited')
    group by user_id, resource_id, additional_data
    having count(*) = 5
  $$,
  $$ values (tests.user_id('amy'), null::uuid, '{"role": "member"}'::jsonb) $$,
  'five invitations are recorded, none of which tells whom it reached'
);
select tests.act_as_superuser();
select results_eq(
  $$ select status, role from organization_users where user_id = tests.user_id('bob') $$,
  $$ values ('active', 'member') $$,
  'bob is what he was'
);
select is_empty(
  $$ select user_id from organization_users where user_id = tests.user_id('hal') $$,
  'hal is not invited'
);

-- Nobody invites above themselves
select tests.act_as('amy', 'acme');
select throws_ok($$ select add_member(tests.email('hal'), 'owner') $$, 'SP204', null, 'amy invites no owner');
select throws_ok($$ select add_member('unknown@example.com', 'owner') $$, 'SP204', null, '... whoever it would be');
select lives_ok($$ select add_member('unknown@example.com', 'admin') $$, '... an administrator she may');
select throws_ok($$ select add_member(tests.email('gus'), 'king') $$, 'SP306', null, '... a king there is not');
select throws_ok($$ select add_member(tests.email('gus'), null) $$, 'SP306', null, '... nor a member as nothing');
select tests.act_as('ann', 'acme');
select lives_ok($$ select add_member('unknown@example.com', 'owner') $$, 'ann, an owner, may invite one');

-- Who only helps people sign in may manage members, and makes no administrators
select tests.act_as_superuser();
insert into user_roles (organization_id, user_id, role_id)
select tests.organization_id('acme'), tests.user_id('bob'), id from roles where organization_id is null and name = 'help_desk';
select tests.act_as('bob', 'acme');
select lives_ok($$ select add_member('unknown@example.com') $$, 'bob at the help desk invites members');
select throws_ok($$ select add_member('unknown@example.com', 'admin') $$, 'SP202', null, '... and nobody who could more than he');


-- Gus
select tests.act_as('gus');
select results_eq(
  $$ select organization_id, name, role, status from list_own_organizations() $$,
  $$ values (tests.organization_id('acme'), 'Acme', 'member', 'invited') $$,
  'gus sees that acme invites him'
);
select throws_ok(
  $$ select choose_organization(tests.organization_id('acme')) $$,
  'SP305', null,
  '... and does not enter before he accepts'
);
select throws_ok(
  $$ select accept_membership(tests.organization_id('zenith')) $$,
  'SP302', null,
  'he joins nothing that did not invite him'
);
select throws_ok(
  $$ select accept_membership(tests.organization_id('none')) $$,
  'SP302', null,
  '... nor what does not exist: the answer is the same'
);
select tests.act_as('zoe');
select throws_ok(
  $$ select accept_membership(tests.organization_id('acme')) $$,
  'SP302', null,
  'zoe does not accept for him'
);
select tests.act_as_nobody();
select throws_ok($$ select accept_membership(tests.organization_id('acme')) $$, 'SP102', null, 'nor does nobody');
select throws_ok($$ select list_own_organizations() $$, 'SP102', null, '... who has no list');
select tests.act_as('gus');
select lives_ok($$ select accept_membership(tests.organization_id('acme')) $$, 'gus accepts');
select throws_ok($$ select accept_membership(tests.organization_id('acme')) $$, 'SP302', null, '... once');
select lives_ok($$ select choose_organization(tests.organization_id('acme')) $$, '... and enters');
select is((select count(*) from users), 4::bigint, '... and sees his colleagues');
select results_eq(
  $$ select user_id, organization_id from tests.events('member.joined') $$,
  $$ values (tests.user_id('gus'), tests.organization_id('acme')) $$,
  'that he joined is recorded'
);

-- The list is one's own, and without what is closed
select tests.act_as('zoe', 'zenith');
select results_eq(
  $$ select name from list_own_organizations() $$,
  $$ values ('Zenith') $$,
  'zoe''s list has zenith and nothing of others'
);
select tests.act_as_operator();
select suspend_organization(tests.organization_id('zenith'), 'Unpaid');
select tests.act_as('zoe');
select is_empty($$ select organization_id from list_own_organizations() $$, 'what is suspended is not on it');

select finish();
rollback;
