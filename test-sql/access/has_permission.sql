-- has_permission() and its kin: what one may do here, as of this statement.
begin;
select plan(41);

select tests.two_organizations();
select tests.person('gus');
select tests.member('acme', 'gus');

-- By membership
select tests.act_as('ann', 'acme');
select ok(has_permission('members.manage'), 'ann, the owner, manages members');
select is(
  array(select list_own_permissions()),
  array(select name from permissions where held_by = 'role' order by name),
  '... and holds everything a role can hold'
);
select tests.act_as('amy', 'acme');
select ok(has_permission('audit.read'), 'amy, an administrator, reads the audit');
select tests.act_as('bob', 'acme');
select ok(not has_permission('members.manage'), 'bob, a member, manages nobody');
select is_empty($$ select list_own_permissions() $$, '... and holds nothing');
select tests.act_as('ann');
select ok(not has_permission('members.manage'), 'ann outside manages nobody');
select is_empty($$ select list_own_permissions() $$, '... and holds nothing');
select tests.act_as('zoe', 'zenith');
select ok(has_permission('members.manage'), 'zoe manages the members of zenith');
select tests.act_as_nobody();
select ok(not has_permission('members.manage'), 'nobody manages nobody');
select is_empty($$ select list_own_permissions() $$, '... and holds nothing');
select ok(not has_any_permission('{members.manage}'), '... not any');
select ok(not has_all_permissions('{members.manage}'), '... not all');
select tests.act_as_operator();
select throws_ok($$ select has_permission('members.manage') $$, '42501', null, 'a job is not asked');

-- Of one, of any, of all
select tests.act_as_superuser();
insert into user_roles (organization_id, user_id, role_id)
select tests.organization_id('acme'), tests.user_id('bob'), id
from roles where organization_id is null and name = 'auditor';
select tests.act_as('bob', 'acme');
select is(
  array(select list_own_permissions()), '{alerts.manage,audit.read,sessions.read}'::text[],
  'bob as an auditor holds three'
);
select ok(has_permission('audit.read'), 'he holds one of them');
select ok(not has_permission('members.manage'), '... and not another');
select ok(not has_permission('no.such'), '... nor one that does not exist');
select ok(not has_permission(''), '... nor one without a name');
select is(has_permission(null), null, 'of an unknown one nothing is known');
select ok(has_any_permission('{members.manage,audit.read}'), 'of two he holds any');
select ok(not has_all_permissions('{members.manage,audit.read}'), '... and not all');
select ok(has_all_permissions('{sessions.read,audit.read}'), 'of two others he holds all');
select ok(has_all_permissions('{audit.read,audit.read}'), '... also when one is said twice');
select ok(not has_any_permission('{members.manage,no.such}'), 'of two more he holds none');
select ok(not has_any_permission('{}'), 'of none he holds not any');
select ok(not has_all_permissions('{}'), '... and not all');
select ok(not has_all_permissions('{audit.read,null}'), 'nor all where one is unknown');

-- Only where the role was given
select tests.member('zenith', 'bob');
select tests.act_as('bob', 'zenith');
select ok(not has_permission('audit.read'), 'an auditor of acme is none in zenith');

-- Until it ends
select tests.act_as_superuser();
update user_roles
set granted_time = now() - interval '2 hours', expiration_time = now() + interval '1 second'
where user_id = tests.user_id('bob');
select tests.act_as('bob', 'acme');
select ok(has_permission('audit.read'), 'a second before his role ends bob still holds it');
select tests.act_as_superuser();
update user_roles set expiration_time = now() where user_id = tests.user_id('bob');
select tests.act_as('bob', 'acme');
select ok(not has_permission('audit.read'), '... and when it ends he does not');
select is_empty($$ select list_own_permissions() $$, '... nor is it listed');
select ok(not has_any_permission('{audit.read}'), '... nor any of it');
select is_empty($$ select id from data_change_logs $$, '... and what it opened is shut');
select tests.act_as_superuser();
update user_roles set expiration_time = null where user_id = tests.user_id('bob');
select tests.act_as('bob', 'acme');
select isnt_empty($$ select id from data_change_logs $$, 'without an end it opens again');

-- From the next statement on
select set_config('tests.bob', current_setting('safetypin.context'), true);
select tests.act_as_superuser();
delete from user_roles where user_id = tests.user_id('bob');
select tests.act_as_nobody();
select set_config('safetypin.context', current_setting('tests.bob'), true);
select is(current_user_id(), tests.user_id('bob'), 'in a request that is under way');
select ok(not has_permission('audit.read'), '... what was taken is gone at the next statement');
select tests.act_as_superuser();
insert into role_permissions (role_id, permission_id)
select roles.id, permissions.id from roles, permissions
where roles.organization_id is null and roles.name = 'member' and permissions.name = 'audit.read';
select tests.act_as_nobody();
select set_config('safetypin.context', current_setting('tests.bob'), true);
select ok(has_permission('audit.read'), '... and what a role gained is there');
select tests.act_as('gus', 'acme');
select ok(has_permission('audit.read'), '... for gus, a member, too');

-- Names that only look like a membership: an organization's own role called owner
select tests.act_as('ann', 'acme');
select create_role('owner', '', md5('role:owner')::uuid);
select set_role_permissions(md5('role:owner')::uuid, '{roles.manage}');
select assign_role(tests.user_id('gus'), md5('role:owner')::uuid);
select tests.act_as('gus', 'acme');
select ok(has_permission('roles.manage'), 'gus holds what the role that is called owner holds');
select ok(not has_permission('members.manage'), '... and not what an owner does');
select throws_ok($$ select close_organization() $$, 'SP204', null, '... and owns nothing');

select finish();
rollback;
