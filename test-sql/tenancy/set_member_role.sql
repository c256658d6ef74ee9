-- set_member_role(), suspend_member(), reactivate_member(), remove_member(): what is
-- done to a member, by whom, and never from below.
begin;
select plan(76);

select tests.two_organizations();
select tests.person('iva');
select tests.act_as_superuser();
insert into organization_users (organization_id, user_id, status)
values (tests.organization_id('acme'), tests.user_id('iva'), 'invited');
insert into user_roles (organization_id, user_id, role_id)
select tests.organization_id('acme'), tests.user_id('bob'), id from roles where organization_id is null and name = 'auditor';

-- Who may not: a member, a stranger, somebody outside, nobody
select tests.act_as('bob', 'acme');
select throws_ok($$ select set_member_role(tests.user_id('bob'), 'admin') $$, 'SP201', null, 'bob does not promote himself');
select throws_ok($$ select suspend_member(tests.user_id('amy')) $$, 'SP201', null, '... suspends nobody');
select throws_ok($$ select reactivate_member(tests.user_id('amy')) $$, 'SP201', null, '... reactivates nobody');
select throws_ok($$ select remove_member(tests.user_id('amy')) $$, 'SP201', null, '... and removes nobody');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select set_member_role(tests.user_id('bob'), 'admin') $$, 'SP302', null, 'to zoe of zenith bob is no member');
select throws_ok($$ select suspend_member(tests.user_id('bob')) $$, 'SP302', null, '... to suspend');
select throws_ok($$ select reactivate_member(tests.user_id('bob')) $$, 'SP302', null, '... to reactivate');
select throws_ok($$ select remove_member(tests.user_id('bob')) $$, 'SP302', null, '... or to remove');
select throws_ok($$ select remove_member(tests.user_id('none')) $$, 'SP302', null, '... no more than one who does not exist');
select tests.act_as('ann');
select throws_ok($$ select set_member_role(tests.user_id('bob'), 'admin') $$, 'SP103', null, 'ann outside promotes nobody');
select tests.act_as_nobody();
select throws_ok($$ select set_member_role(tests.user_id('bob'), 'admin') $$, 'SP102', null, 'nobody promotes nobody');
select throws_ok($$ select suspend_member(tests.user_id('bob')) $$, 'SP102', null, '... suspends nobody');
select throws_ok($$ select reactivate_member(tests.user_id('bob')) $$, 'SP102', null, '... reactivates nobody');
select throws_ok($$ select remove_member(tests.user_id('bob')) $$, 'SP102', null, '... and removes nobody');
select tests.act_as_operator();
select throws_ok($$ select remove_member(tests.user_id('bob')) $$, '42501', null, 'a job removes nobody');

-- From below
select tests.act_as('amy', 'acme');
select throws_ok($$ select set_member_role(tests.user_id('ann'), 'member') $$, 'SP204', null, 'amy, an administrator, does not demote ann, an owner');
select throws_ok($$ select suspend_member(tests.user_id('ann')) $$, 'SP204', null, '... nor suspends her');
select throws_ok($$ select remove_member(tests.user_id('ann')) $$, 'SP204', null, '... nor removes her');
select throws_ok($$ select set_member_role(tests.user_id('bob'), 'owner') $$, 'SP204', null, '... nor makes bob an owner');
select throws_ok($$ select set_member_role(tests.user_id('amy'), 'owner') $$, 'SP204', null, '... nor herself');
select throws_ok($$ select set_member_role(tests.user_id('iva'), 'admin') $$, 'SP302', null, '... nor touches iva, who has not accepted');
select throws_ok($$ select remove_member(tests.user_id('iva')) $$, 'SP302', null, '... of whom she does not even learn');

-- Who may
select lives_ok($$ select set_member_role(tests.user_id('bob'), 'admin') $$, 'amy makes bob an administrator');
select tests.act_as('bob', 'acme');
select ok(has_permission('members.manage'), '... which he is at once');
select tests.act_as('amy', 'acme');
select lives_ok($$ select set_member_role(tests.user_id('bob'), 'member') $$, '... and a member again');
select tests.act_as('bob', 'acme');
select ok(not has_permission('members.manage'), '... which he is at once');
select tests.act_as('ann', 'acme');
select throws_ok($$ select set_member_role(tests.user_id('bob'), 'king') $$, 'SP306', null, 'a king there is not');
select results_eq(
  $$ select user_id, acting_user_id, additional_data ->> 'role' from tests.events('member.role_set') $$,
  $$
    values
      (tests.user_id('bob'), tests.user_id('amy'), 'admin'),
      (tests.user_id('bob'), tests.user_id('amy'), 'member')
  $$,
  'both are recorded'
);

-- Suspension
select tests.act_as('bob');
select tests.act_as('amy', 'acme');
select lives_ok($$ select suspend_member(tests.user_id('bob')) $$, 'amy suspends bob');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, 'his session in acme is void');
select lives_ok($$ select begin_request(tests.token('bob')) $$, '... the one outside is not');
select throws_ok($$ select choose_organization(tests.organization_id('acme')) $$, 'SP305', null, '... and does not let him in');
select tests.act_as('amy', 'acme');
select lives_ok($$ select reactivate_member(tests.user_id('bob')) $$, 'amy lets him back in');
select throws_ok(
  $$ select reactivate_member(tests.user_id('bob')) $$,
  'SP302', format('there is no suspended member %s', tests.user_id('bob')),
  '... once: who is not suspended is not let back in'
);
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, 'his old session stays void');
select begin_request(tests.token('bob'));
select throws_ok(
  $$ select choose_organization(tests.organization_id('acme')) $$,
  'SP305', null,
  '... one that stood outside does not come in by a detour'
);
select tests.act_as_nobody();
select is(tests.sign_in('bob', p_token => 'bob anew'), 'signed_in', 'he signs in anew');
select is((select organization_id from begin_request(tests.token('bob anew'))), tests.organization_id('acme'), '... and is in acme');
select results_eq(
  $$ select event_type from auth_audit_logs where event_type like 'member.%activated' or event_type = 'member.suspended' order by seq $$,
  $$ values ('member.suspended'), ('member.reactivated') $$,
  'both are recorded, where he reads it'
);

-- From below, by what is granted besides. Hugo at the help desk may manage members, and
-- holds none of what an auditor does.
savepoint besides;
select tests.person('hugo');
select tests.member('acme', 'hugo');
select tests.act_as_superuser();
insert into user_roles (organization_id, user_id, role_id)
select tests.organization_id('acme'), tests.user_id('hugo'), id
from roles where organization_id is null and name = 'help_desk';
update user_roles set granted_time = now() - interval '1 day' where user_id = tests.user_id('bob');
select tests.act_as('hugo', 'acme');
select throws_ok($$ select set_member_role(tests.user_id('bob'), 'member') $$, 'SP202', null, 'hugo sets no role of bob''s, who holds audit.read');
select throws_ok($$ select suspend_member(tests.user_id('bob')) $$, 'SP202', null, '... does not suspend him');
select throws_ok($$ select remove_member(tests.user_id('bob')) $$, 'SP202', null, '... does not remove him');
select throws_ok($$ select revoke_member_sessions(tests.user_id('bob')) $$, 'SP202', null, '... does not end his sessions');
select throws_ok($$ select require_password_change(tests.user_id('bob')) $$, 'SP202', null, '... and demands no new password of him');
select tests.act_as_superuser();
update organization_users set status = 'suspended' where user_id = tests.user_id('bob');
select tests.act_as('hugo', 'acme');
select throws_ok($$ select reactivate_member(tests.user_id('bob')) $$, 'SP202', null, '... nor lets him back in to what he would hold');
select tests.act_as_superuser();
update organization_users set status = 'active' where user_id = tests.user_id('bob');
update user_roles set expiration_time = now() - interval '1 second' where user_id = tests.user_id('bob');
select tests.act_as('hugo', 'acme');
select lives_ok($$ select suspend_member(tests.user_id('bob')) $$, 'what has ended is held no more: now hugo suspends bob');
select lives_ok($$ select reactivate_member(tests.user_id('bob')) $$, '... and lets him back in');
select lives_ok($$ select revoke_member_sessions(tests.user_id('bob')) $$, '... and ends his sessions');
select lives_ok($$ select revoke_member_sessions(tests.user_id('hugo')) $$, '... and his own');
select tests.act_as_superuser();
update organization_users set sessions_valid_from = '-infinity' where user_id = tests.user_id('hugo');

-- For as long: hugo is an auditor for an hour, bob for two
update user_roles set expiration_time = now() + interval '2 hours' where user_id = tests.user_id('bob');
insert into user_roles (organization_id, user_id, role_id, expiration_time)
select tests.organization_id('acme'), tests.user_id('hugo'), id, now() + interval '1 hour'
from roles where organization_id is null and name = 'auditor';
select tests.act_as('hugo', 'acme');
select throws_ok($$ select suspend_member(tests.user_id('bob')) $$, 'SP202', null, 'who audits for an hour does not suspend who audits for two');
select tests.act_as_superuser();
update user_roles set expiration_time = now() + interval '3 hours'
from roles where roles.id = role_id and name = 'auditor' and user_id = tests.user_id('hugo');
select tests.act_as('hugo', 'acme');
select lives_ok($$ select suspend_member(tests.user_id('bob')) $$, '... who audits for three does');

-- An application's own permission, which no administrator holds
select tests.act_as_superuser();
insert into permissions (name, resource_type, action, is_system_permission, description)
values ('charts.sign', 'charts', 'sign', false, 'Sign charts.');
insert into roles (id, organization_id, name) values (md5('role:doctor')::uuid, tests.organization_id('acme'), 'Doctor');
insert into role_permissions (role_id, permission_id)
select md5('role:doctor')::uuid, id from permissions where name = 'charts.sign';
select tests.act_as('ann', 'acme');
set local role none;
insert into user_roles (organization_id, user_id, role_id)
select tests.organization_id('acme'), tests.user_id(name), md5('role:doctor')::uuid
from unnest(array['hugo', 'ann']) as name;
select tests.act_as('amy', 'acme');
select throws_ok(
  $$ select suspend_member(tests.user_id('hugo')) $$,
  'SP202', 'nobody grants, takes or manages what they do not hold: charts.sign',
  'amy, an administrator, does not suspend hugo, who may sign charts, and is told why'
);
select throws_ok($$ select revoke_member_sessions(tests.user_id('hugo')) $$, 'SP202', null, '... nor end his sessions');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select suspend_member(tests.user_id('hugo')) $$, 'SP302', null, 'to zoe of zenith he is no member, whatever he holds');
select tests.act_as('ann', 'acme');
select assign_role(tests.user_id('amy'), md5('role:doctor')::uuid);
select tests.act_as('amy', 'acme');
select lives_ok($$ select suspend_member(tests.user_id('hugo')) $$, 'once ann made a doctor of her too, she does');

-- Who was given the owner's role is an owner to whom they are managed by
select tests.act_as_superuser();
update organization_users set status = 'active' where user_id = tests.user_id('hugo');
insert into user_roles (organization_id, user_id, role_id)
select tests.organization_id('acme'), tests.user_id('hugo'), id
from roles where organization_id is null and name = 'owner';
select tests.act_as('amy', 'acme');
select throws_ok($$ select remove_member(tests.user_id('hugo')) $$, 'SP204', null, 'amy does not remove who was given the role of owners');
select throws_ok($$ select revoke_member_sessions(tests.user_id('ann')) $$, 'SP204', null, '... nor end the sessions of ann, an owner');
select throws_ok($$ select revoke_member_sessions(tests.user_id('iva')) $$, 'SP302', null, '... nor of iva, who has not accepted');
select tests.act_as('ann', 'acme');
select lives_ok($$ select revoke_member_sessions(tests.user_id('amy')) $$, 'ann, an owner and a doctor, ends amy''s');
select lives_ok($$ select remove_member(tests.user_id('hugo')) $$, '... and removes hugo');
select throws_ok($$ select revoke_member_sessions(tests.user_id('hugo')) $$, 'SP302', null, '... who has none there after that');
rollback to besides;

-- Removal
select tests.act_as('amy', 'acme');
select lives_ok($$ select remove_member(tests.user_id('bob')) $$, 'amy removes bob');
select throws_ok($$ select remove_member(tests.user_id('bob')) $$, 'SP302', null, '... once');
select is_empty($$ select user_id from user_roles where user_id = tests.user_id('bob') $$, 'the roles he held are gone');
select is_empty($$ select id from users where id = tests.user_id('bob') $$, 'amy sees him no more');
select is(
  (select user_id from tests.events('member.removed')), tests.user_id('bob'),
  'it is recorded'
);
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, 'his sessions there are gone');
select is(tests.sign_in('bob', p_token => 'bob later'), 'signed_in', 'he still signs in');
select is((select organization_id from begin_request(tests.token('bob later'))), null, '... to nowhere');

-- Amy on herself, and the last owner
select tests.act_as('amy', 'acme');
select lives_ok($$ select set_member_role(tests.user_id('amy'), 'member') $$, 'amy steps down');
select throws_ok($$ select set_member_role(tests.user_id('amy'), 'admin') $$, 'SP201', null, '... and does not step up again');
select tests.act_as('ann', 'acme');
select throws_ok($$ select set_member_role(tests.user_id('ann'), 'admin') $$, '23514', null, 'ann, the last owner, does not step down');
select throws_ok($$ select suspend_member(tests.user_id('ann')) $$, '23514', null, '... does not suspend herself');
select throws_ok($$ select remove_member(tests.user_id('ann')) $$, '23514', null, '... and does not remove herself');
select lives_ok($$ select set_member_role(tests.user_id('amy'), 'owner') $$, 'with amy as a second owner');
select lives_ok($$ select set_member_role(tests.user_id('ann'), 'admin') $$, '... she may');

select finish();
rollback;
