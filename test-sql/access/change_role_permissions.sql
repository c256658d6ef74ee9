-- change_role_permissions(): adding and taking a few leaves the rest as it was.
begin;
select plan(15);

select tests.two_organizations();

create function pg_temp.held()
  returns text[]
  language sql
as $$
  select array_agg(permissions.name order by permissions.name)
  from role_permissions
  join permissions on permissions.id = permission_id
  where role_id = md5('role:night')::uuid
$$;

select tests.act_as('ann', 'acme');
select create_role('Night shift', '', md5('role:night')::uuid);
select set_role_permissions(md5('role:night')::uuid, '{audit.read,sessions.read}');

-- Who may
select lives_ok(
  $$ select change_role_permissions(md5('role:night')::uuid, '{roles.assign}', '{audit.read}') $$,
  'ann adds one permission and takes another'
);
select is(pg_temp.held(), '{roles.assign,sessions.read}', '... and the third stays');
select change_role_permissions(md5('role:night')::uuid, '{roles.assign}', '{domains.manage}');
select is(pg_temp.held(), '{roles.assign,sessions.read}', 'adding what is held and taking what is not changes nothing');
select change_role_permissions(md5('role:night')::uuid, '{audit.read}', '{audit.read}');
select is(pg_temp.held(), '{roles.assign,sessions.read}', 'what is in both lists is taken');
select throws_ok(
  $$ select change_role_permissions(md5('role:night')::uuid, '{no.such}', '{}') $$,
  'SP307', null,
  'there is no permission no.such'
);
select throws_ok(
  $$ select change_role_permissions((select id from roles where name = 'admin' and is_system_role), '{}', '{audit.read}') $$,
  'SP205', null,
  'system roles belong to the package'
);

-- Who may not
select tests.act_as('bob', 'acme');
select throws_ok(
  $$ select change_role_permissions(md5('role:night')::uuid, '{audit.read}', '{}') $$,
  'SP201', null,
  'bob, a member, changes no role'
);
select tests.act_as('zoe', 'zenith');
select throws_ok(
  $$ select change_role_permissions(md5('role:night')::uuid, '{}', '{sessions.read}') $$,
  'SP306', null,
  'to zoe of zenith the role is not there'
);
select tests.act_as_nobody();
select throws_ok(
  $$ select change_role_permissions(md5('role:night')::uuid, '{}', '{sessions.read}') $$,
  'SP102', null,
  'nobody changes nothing'
);

-- Who holds less
select tests.act_as('ann', 'acme');
select create_role('Clerk', '', md5('role:clerk')::uuid);
select set_role_permissions(md5('role:clerk')::uuid, '{roles.manage}');
select assign_role(tests.user_id('bob'), md5('role:clerk')::uuid);
select tests.act_as('bob', 'acme');
select throws_ok(
  $$ select change_role_permissions(md5('role:night')::uuid, '{audit.read}', '{}') $$,
  'SP202', null,
  'bob, a clerk by now, adds nothing he does not hold'
);
select throws_ok(
  $$ select change_role_permissions(md5('role:night')::uuid, '{}', '{sessions.read}') $$,
  'SP202', null,
  '... nor takes it'
);
select tests.act_as('ann', 'acme');
select is(pg_temp.held(), '{roles.assign,sessions.read}', 'and the role is as ann left it');

-- A null takes nothing, and says so
select throws_ok(
  $$ select change_role_permissions(md5('role:night')::uuid, array[null]::text[], '{sessions.read}') $$,
  'SP307', 'there is no permission null',
  'ann adds no null'
);
select throws_ok(
  $$ select change_role_permissions(md5('role:night')::uuid, '{}', array[null, 'sessions.read']) $$,
  'SP307', null,
  '... and takes none'
);
select is(pg_temp.held(), '{roles.assign,sessions.read}', 'the role is as it was');

select finish();
rollback;
