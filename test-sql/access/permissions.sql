-- permissions: everything that can be allowed, the same for all, written by none.
begin;
select plan(14);

select tests.two_organizations();

select tests.act_as('ann', 'acme');
select ok((select count(*) > 20 from permissions), 'ann reads what can be allowed');
select throws_ok(
  $$ insert into permissions (name, description, resource_type, action) values ('all.do', 'x', 'all', 'do') $$,
  '42501', null,
  '... and adds nothing'
);
select throws_ok($$ update permissions set held_by = 'everyone' $$, '42501', null, '... changes nothing');
select throws_ok($$ delete from permissions $$, '42501', null, '... deletes nothing');
select tests.act_as('bob', 'acme');
select ok(exists (select from permissions), 'so does bob');
select tests.act_as('zoe', 'zenith');
select ok(exists (select from permissions), 'so does zoe');
select tests.act_as_nobody();
select ok(exists (select from permissions), 'so does nobody');
select throws_ok($$ update permissions set held_by = 'everyone' $$, '42501', null, '... who changes nothing');
select tests.act_as_monitor();
select throws_ok($$ select id from permissions $$, '42501', null, 'a monitor reads no rows');

select tests.act_as_superuser();
select throws_ok(
  $$ insert into permissions (name, description, resource_type, action) values ('roles.do', 'x', 'all', 'do') $$,
  '23514', null,
  'a name is made of what it is about and what may be done'
);
select throws_ok(
  $$ insert into permissions (name, description, resource_type, action) values ('roles.manage', 'x', 'roles', 'manage') $$,
  '23505', null,
  'a name is given once'
);
select throws_ok(
  $$ update permissions set held_by = 'chance' where name = 'roles.manage' $$,
  '23514', null,
  'who holds it is known'
);

-- What the seeds promise
select is(
  (
    select count(*) from role_permissions
    join roles on roles.id = role_id and roles.organization_id is null
    join permissions on permissions.id = permission_id
    where held_by <> 'role'
  ),
  0::bigint,
  'no role holds what is not for roles'
);
select results_eq(
  $$
    select roles.name collate "C", count(permission_id)
    from roles
    left join role_permissions on role_id = roles.id
    where roles.organization_id is null
    group by 1
    order by 1
  $$,
  $$
    select role collate "C", held
    from (values
      ('admin', (select count(*) from permissions where held_by = 'role')), ('auditor', 3), ('help_desk', 4),
      ('member', 0), ('owner', (select count(*) from permissions where held_by = 'role'))
    ) as expected (role, held)
    order by 1
  $$,
  'the five roles of the package hold what they are for'
);

select finish();
rollback;
