-- organization_users: who belongs where, how many that is, and that one of them
-- owns it. The counters are checked on one row, and a check cannot be raced.
begin;
select plan(28);

select tests.two_organizations();
select tests.person(name) from unnest(array['gus', 'hal', 'iva']) as name;
select tests.act_as_superuser();
insert into organization_users (organization_id, user_id, status)
values (tests.organization_id('acme'), tests.user_id('iva'), 'invited');

-- Who sees it
select tests.act_as('ann', 'acme');
select results_eq(
  $$ select user_id, role from organization_users order by role $$,
  $$
    values
      (tests.user_id('amy'), 'admin'), (tests.user_id('bob'), 'member'), (tests.user_id('ann'), 'owner')
  $$,
  'ann sees who belongs to acme; iva, only invited, does not yet'
);
select tests.act_as('bob', 'acme');
select is((select count(*) from organization_users), 3::bigint, 'bob sees the same');
select tests.act_as('zoe', 'zenith');
select results_eq($$ select user_id from organization_users $$, $$ select tests.user_id('zoe') $$, 'zoe sees who belongs to zenith');
select tests.act_as('iva');
select is_empty($$ select user_id from organization_users $$, 'iva sees nobody');
select tests.act_as_nobody();
select is_empty($$ select user_id from organization_users $$, 'nobody sees nobody');
select tests.act_as_owner();
select is_empty($$ select user_id from organization_users $$, 'the owner of the table finds it empty');

-- Who writes it: functions
select tests.act_as('ann', 'acme');
select throws_ok(
  $$ insert into organization_users (organization_id, user_id) values (tests.organization_id('acme'), tests.user_id('gus')) $$,
  '42501', null,
  'ann adds nobody by hand'
);
select throws_ok($$ update organization_users set role = 'owner' $$, '42501', null, '... promotes nobody by hand');
select throws_ok($$ delete from organization_users $$, '42501', null, '... and removes nobody by hand');
select tests.act_as('bob', 'acme');
select throws_ok($$ update organization_users set role = 'owner' $$, '42501', null, 'nor does bob make himself an owner');
select tests.act_as_nobody();
select throws_ok($$ delete from organization_users $$, '42501', null, 'nor does nobody remove somebody');

-- The counters
select tests.act_as_superuser();
prepare counters as
  select member_count, owner_count from organizations where id = tests.organization_id('acme');
select results_eq('counters', $$ values (3, 1) $$, 'acme has three members, iva not counted, and one owner');
update organization_users set status = 'active' where user_id = tests.user_id('iva');
select results_eq('counters', $$ values (4, 1) $$, 'iva accepts and is counted');
insert into organization_users (organization_id, user_id, role)
select tests.organization_id('acme'), tests.user_id(name), 'owner' from unnest(array['gus', 'hal']) as name;
select results_eq('counters', $$ values (6, 3) $$, 'two owners come at once');
update organization_users set status = 'suspended' where user_id = tests.user_id('gus');
select results_eq('counters', $$ values (6, 2) $$, 'an owner who is suspended is a member and owns nothing');
update organization_users set role = 'member' where user_id = tests.user_id('hal');
select results_eq('counters', $$ values (6, 1) $$, 'an owner who is made a member owns nothing');
delete from organization_users where user_id in (tests.user_id('gus'), tests.user_id('hal'), tests.user_id('iva'));
select results_eq('counters', $$ values (3, 1) $$, 'three leave at once');
update organization_users
set role = case user_id when tests.user_id('ann') then 'admin' else 'owner' end
where organization_id = tests.organization_id('acme') and user_id in (tests.user_id('ann'), tests.user_id('amy'));
select results_eq('counters', $$ values (3, 1) $$, 'ann and amy change places in one statement');
update organization_users
set role = case user_id when tests.user_id('ann') then 'owner' else 'admin' end
where organization_id = tests.organization_id('acme') and user_id in (tests.user_id('ann'), tests.user_id('amy'));

-- The last owner
select throws_ok(
  $$ delete from organization_users where user_id = tests.user_id('ann') $$,
  '23514', 'new row for relation "organizations" violates check constraint "organizations_keep_an_owner"',
  'the last owner is not deleted, by a superuser either'
);
select throws_ok(
  $$ update organization_users set role = 'admin' where user_id = tests.user_id('ann') $$,
  '23514', null,
  '... not demoted'
);
select throws_ok(
  $$ update organization_users set status = 'suspended' where user_id = tests.user_id('ann') $$,
  '23514', null,
  '... not suspended'
);
select throws_ok(
  $$ update organization_users set status = 'invited' where user_id = tests.user_id('ann') $$,
  '23514', null,
  '... not invited again'
);
select throws_ok(
  $$ delete from users where id = tests.user_id('ann') $$,
  '23514', null,
  '... and not erased'
);
select throws_ok(
  $$ delete from organization_users where organization_id = tests.organization_id('acme') $$,
  '23514', null,
  'nor do all leave at once'
);
select lives_ok(
  $$ delete from organizations where id = tests.organization_id('acme') $$,
  'with the organization itself they all go'
);

-- What a place can be
select throws_ok(
  $$ update organization_users set role = 'king' where user_id = tests.user_id('zoe') $$,
  '23514', null,
  'a role is owner, admin or member'
);
select throws_ok(
  $$ update organization_users set status = 'asleep' where user_id = tests.user_id('zoe') $$,
  '23514', null,
  'a status is one that is known'
);
select throws_ok(
  $$ insert into organization_users (organization_id, user_id) values (tests.organization_id('zenith'), tests.user_id('zoe')) $$,
  '23505', null,
  'nobody belongs twice'
);

select finish();
rollback;
