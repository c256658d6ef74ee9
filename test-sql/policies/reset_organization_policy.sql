-- reset_organization_policy(): the way out for an organization whose own policy keeps
-- its members out.
begin;
select plan(12);

select tests.two_organizations();
select tests.act_as_superuser();
insert into password_policies (organization_id, min_length)
values (tests.organization_id('acme'), 20), (tests.organization_id('zenith'), 16);

-- Who may not
select tests.act_as('ann', 'acme');
select throws_ok($$ select reset_organization_policy(current_organization_id(), 'x') $$, '42501', null, 'ann has clear_password_policy()');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select reset_organization_policy(tests.organization_id('acme'), 'x') $$, '42501', null, 'zoe takes nothing from acme');
select tests.act_as_nobody();
select throws_ok($$ select reset_organization_policy(tests.organization_id('acme'), 'x') $$, '42501', null, 'nor does nobody');
select tests.act_as_auditor();
select throws_ok($$ select reset_organization_policy(tests.organization_id('acme'), 'x') $$, '42501', null, 'nor an auditor');

-- Who may
select tests.act_as_operator();
select throws_ok($$ select reset_organization_policy(tests.organization_id('none'), 'x') $$, 'SP305', null, 'a job takes none from what does not exist');
select throws_ok($$ select reset_organization_policy(null, 'x') $$, 'SP305', null, '... nor from the cell');
select lives_ok($$ select reset_organization_policy(tests.organization_id('acme'), E'locked out,\nsays ann') $$, 'it takes acme''s');
select throws_ok($$ select reset_organization_policy(tests.organization_id('acme'), 'x') $$, 'SP305', null, '... which then has none');
select tests.act_as('bob', 'acme');
select is((select min_length from read_password_policy()), 15, 'bob lives by the cell''s');
select tests.act_as('zoe', 'zenith');
select is((select min_length from read_password_policy()), 16, 'zenith''s is what it was');
select results_eq(
  $$ select organization_id, acting_user_id, resource_id, additional_data ->> 'reason' from tests.events('policy.reset') $$,
  $$ values (tests.organization_id('acme'), null::uuid, tests.organization_id('acme'), 'locked out,?says ann') $$,
  'it is recorded, with why'
);
select tests.act_as_superuser();
select is((select count(*) from password_policies where organization_id is null), 1::bigint, 'the cell''s is there for all');

select finish();
rollback;
