-- set_role_permissions(): the whole set at once, of what one holds oneself.
begin;
select plan(25);

select tests.two_organizations();

create function pg_temp.held(p_role text)
  returns text[]
  language sql
as $$
  select array_agg(permissions.name order by permissions.name)
  from role_permissions
  join permissions on permissions.id = permission_id
  where role_id = md5('role:' || p_role)::uuid
$$;

select tests.act_as('ann', 'acme');
select create_role('Night shift', '', md5('role:night')::uuid);
select create_role('Clerk', '', md5('role:clerk')::uuid);
select set_role_permissions(md5('role:clerk')::uuid, '{roles.manage,roles.assign,sessions.read}');
select assign_role(tests.user_id('bob'), md5('role:clerk')::uuid);
select create_role('Strong', '', md5('role:strong')::uuid);
select set_role_permissions(md5('role:strong')::uuid, '{audit.read,sessions.read}');

-- Who may not
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select set_role_permissions(md5('role:night')::uuid, '{}') $$, 'SP306', null, 'to zoe of zenith the role is not there');
select tests.act_as_nobody();
select throws_ok($$ select set_role_permissions(md5('role:night')::uuid, '{}') $$, 'SP102', null, 'nobody sets nothing');
select tests.person('max');
select tests.member('acme', 'max');
select tests.act_as('max', 'acme');
select throws_ok($$ select set_role_permissions(md5('role:night')::uuid, '{}') $$, 'SP201', null, 'max, a member, sets nothing');
select tests.act_as_operator();
select throws_ok($$ select set_role_permissions(md5('role:night')::uuid, '{}') $$, '42501', null, 'a job sets nothing');

-- Bob makes roles, and holds three permissions
select tests.act_as('bob', 'acme');
select lives_ok(
  $$ select set_role_permissions(md5('role:night')::uuid, '{sessions.read}') $$,
  'bob, a clerk, gives a role what he holds'
);
select throws_ok(
  $$ select set_role_permissions(md5('role:night')::uuid, '{sessions.read,audit.read}') $$,
  'SP202', 'nobody grants, takes or manages what they do not hold: audit.read',
  '... and not what he does not'
);
select throws_ok(
  $$ select set_role_permissions(md5('role:clerk')::uuid, '{roles.manage,roles.assign,sessions.read,members.manage}') $$,
  'SP202', null,
  '... not to the role he holds himself'
);
select throws_ok(
  $$ select set_role_permissions(md5('role:strong')::uuid, '{sessions.read}') $$,
  'SP202', null,
  '... nor does he take from a role what he does not hold'
);
select lives_ok(
  $$ select set_role_permissions(md5('role:strong')::uuid, '{audit.read}') $$,
  'he may take what he holds, and leave the other'
);
select throws_ok(
  $$ select delete_role(md5('role:strong')::uuid) $$,
  'SP202', null,
  'deleting a role is taking everything in it'
);
select throws_ok(
  $$ select set_role_permissions(md5('role:night')::uuid, '{no.such,sessions.read}') $$,
  'SP307', 'there is no permission no.such',
  'what does not exist is not given'
);
select throws_ok(
  $$ select set_role_permissions(md5('role:night')::uuid, '{organization.own}') $$,
  'SP307', null,
  '... nor what no role can hold: owning'
);
select throws_ok(
  $$ select set_role_permissions(md5('role:night')::uuid, '{cell.maintain}') $$,
  'SP307', null,
  '... or what is a database role''s'
);
select tests.act_as_superuser();
select is(pg_temp.held('night'), '{sessions.read}'::text[], 'the role holds what was given, and nothing that was refused');
select is(pg_temp.held('strong'), '{audit.read}'::text[], '... the other what was left');
select is(pg_temp.held('clerk'), '{roles.assign,roles.manage,sessions.read}'::text[], '... and bob''s own what it did');

-- Ann holds everything
select tests.act_as('ann', 'acme');
select lives_ok(
  $$ select set_role_permissions(md5('role:night')::uuid, '{audit.read,audit.read,members.manage}') $$,
  'ann sets another set, saying one twice'
);
select tests.act_as_superuser();
select is(pg_temp.held('night'), '{audit.read,members.manage}'::text[], 'the role holds exactly that');
select tests.act_as('ann', 'acme');
select throws_ok(
  $$ select set_role_permissions(md5('role:night')::uuid, array[null]::text[]) $$,
  'SP307', 'there is no permission null',
  'a null is no permission'
);
select throws_ok(
  $$ select set_role_permissions(md5('role:night')::uuid, array['audit.read', null]) $$,
  'SP307', null,
  '... nor beside others'
);
select throws_ok($$ select set_role_permissions(md5('role:night')::uuid, null) $$, 'SP307', null, '... nor for all of them');
select tests.act_as_superuser();
select is(pg_temp.held('night'), '{audit.read,members.manage}'::text[], '... and the role holds what it held');
select tests.act_as('ann', 'acme');
select lives_ok($$ select set_role_permissions(md5('role:night')::uuid, '{}') $$, 'she empties it');
select tests.act_as_superuser();
select is(pg_temp.held('night'), null, 'it holds nothing');
select results_eq(
  $$
    select acting_user_id, additional_data
    from tests.events('role.permissions_set')
    where resource_id = md5('role:night')::uuid
  $$,
  $$
    values
      (tests.user_id('bob'), '{"permissions": ["sessions.read"]}'::jsonb),
      (tests.user_id('ann'), '{"permissions": ["audit.read", "audit.read", "members.manage"]}'),
      (tests.user_id('ann'), '{"permissions": []}')
  $$,
  'what was done is recorded, by whom and what'
);

select finish();
rollback;
