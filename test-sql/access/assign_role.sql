-- assign_role() and remove_role(): who holds what, until when, given by somebody who
-- holds it too.
begin;
select plan(39);

select tests.two_organizations();
select tests.person(name) from unnest(array['gus', 'iva']) as name;
select tests.member('acme', 'gus');
select tests.act_as_superuser();
insert into organization_users (organization_id, user_id, status)
values (tests.organization_id('acme'), tests.user_id('iva'), 'invited');
select set_config('tests.' || name, id::text, true) from roles where organization_id is null;
select tests.act_as('zoe', 'zenith');
select create_role('Night shift', '', md5('role:zenith')::uuid);
select tests.act_as('ann', 'acme');
select create_role('Night shift', '', md5('role:night')::uuid);
select set_role_permissions(md5('role:night')::uuid, '{sessions.read,roles.assign}');

-- Who may not
select tests.act_as('bob', 'acme');
select throws_ok(
  $$ select assign_role(tests.user_id('bob'), md5('role:night')::uuid) $$,
  'SP201', null,
  'bob gives himself nothing'
);
select throws_ok($$ select remove_role(tests.user_id('gus'), md5('role:night')::uuid) $$, 'SP201', null, '... and takes nothing');
select tests.act_as('zoe', 'zenith');
select throws_ok(
  $$ select assign_role(tests.user_id('zoe'), md5('role:night')::uuid) $$,
  'SP306', null,
  'to zoe of zenith the role is not there'
);
select throws_ok(
  $$ select assign_role(tests.user_id('bob'), md5('role:zenith')::uuid) $$,
  'SP302', null,
  '... nor is bob'
);
select tests.act_as_nobody();
select throws_ok($$ select assign_role(tests.user_id('bob'), md5('role:night')::uuid) $$, 'SP102', null, 'nobody gives nothing');
select throws_ok($$ select remove_role(tests.user_id('bob'), md5('role:night')::uuid) $$, 'SP102', null, '... and takes nothing');
select tests.act_as('ann');
select throws_ok($$ select assign_role(tests.user_id('bob'), md5('role:night')::uuid) $$, 'SP103', null, 'ann outside gives nothing');
select tests.act_as_operator();
select throws_ok($$ select assign_role(tests.user_id('bob'), md5('role:night')::uuid) $$, '42501', null, 'a job gives nothing');

-- Ann
select tests.act_as('ann', 'acme');
select throws_ok($$ select assign_role(tests.user_id('bob'), md5('role:zenith')::uuid) $$, 'SP306', null, 'ann gives no role of zenith');
select throws_ok($$ select assign_role(tests.user_id('bob'), md5('role:none')::uuid) $$, 'SP306', null, '... nor one that does not exist: the answer is the same');
select throws_ok($$ select assign_role(tests.user_id('zoe'), md5('role:night')::uuid) $$, 'SP302', null, '... nothing to a stranger');
select throws_ok($$ select assign_role(tests.user_id('iva'), md5('role:night')::uuid) $$, 'SP302', null, '... nor to iva, who has not accepted');
select throws_ok(
  $$ select assign_role(tests.user_id('bob'), md5('role:night')::uuid, now()) $$,
  '23514', null,
  '... nothing that ends as it begins'
);
select lives_ok(
  $$ select assign_role(tests.user_id('bob'), md5('role:night')::uuid, now() + interval '1 hour', 'Covers for gus') $$,
  'ann gives bob the night shift for an hour'
);
select results_eq(
  $$ select user_id, role_id, granted_by, expiration_time = now() + interval '1 hour', reason from user_roles $$,
  $$ values (tests.user_id('bob'), md5('role:night')::uuid, tests.user_id('ann'), true, 'Covers for gus') $$,
  'it says who gave it, until when and why'
);
select lives_ok($$ select assign_role(tests.user_id('bob'), md5('role:night')::uuid) $$, 'given again, it is given for good');
select results_eq(
  $$ select expiration_time, reason from user_roles $$,
  $$ values (null::timestamptz, null::text) $$,
  '... on the new terms, and once'
);

-- Bob, who may assign, gives what he holds and nothing else
select tests.act_as('bob', 'acme');
select ok(has_permission('roles.assign'), 'bob may assign roles now');
select lives_ok($$ select assign_role(tests.user_id('gus'), md5('role:night')::uuid) $$, '... the one he holds');
select lives_ok(
  format($$ select assign_role(tests.user_id('gus'), %L) $$, current_setting('tests.member')),
  '... one that holds nothing'
);
select throws_ok(
  format($$ select assign_role(tests.user_id('gus'), %L) $$, current_setting('tests.auditor')),
  'SP202', null,
  '... not one that holds more'
);
select throws_ok(
  format($$ select assign_role(tests.user_id('bob'), %L) $$, current_setting('tests.admin')),
  'SP202', null,
  '... not to himself'
);
select throws_ok(
  format($$ select assign_role(tests.user_id('bob'), %L) $$, current_setting('tests.owner')),
  'SP204', null,
  '... and owning is an owner''s to give'
);
select tests.act_as('amy', 'acme');
select throws_ok(
  format($$ select assign_role(tests.user_id('amy'), %L) $$, current_setting('tests.owner')),
  'SP204', null,
  'amy, who holds everything but owning, does not give it to herself'
);
select lives_ok(
  format($$ select assign_role(tests.user_id('gus'), %L) $$, current_setting('tests.auditor')),
  'amy makes gus an auditor'
);
select tests.act_as('gus', 'acme');
select ok(has_permission('audit.read'), '... which he is at once');
select tests.act_as('bob', 'acme');
select throws_ok(
  format($$ select remove_role(tests.user_id('gus'), %L) $$, current_setting('tests.auditor')),
  'SP202', null,
  'bob does not take from gus what he does not hold'
);
select tests.act_as('amy', 'acme');
select lives_ok(
  format($$ select remove_role(tests.user_id('gus'), %L) $$, current_setting('tests.auditor')),
  'amy does'
);
select throws_ok(
  format($$ select remove_role(tests.user_id('gus'), %L) $$, current_setting('tests.auditor')),
  'SP306', null,
  '... once'
);
select tests.act_as('gus', 'acme');
select ok(not has_permission('audit.read'), '... and gus is none at once');

-- Who sees who holds what
select results_eq(
  $$ select user_id from user_roles where role_id = md5('role:night')::uuid order by user_id $$,
  $$ select tests.user_id(name) from unnest(array['bob', 'gus']) as name order by 1 $$,
  'gus sees who holds what in acme'
);
select throws_ok($$ insert into user_roles (organization_id, user_id, role_id) values (new_id(), new_id(), new_id()) $$, '42501', null, '... and gives nothing by hand');
select throws_ok($$ delete from user_roles $$, '42501', null, '... nor takes');
select tests.act_as('zoe', 'zenith');
select is_empty($$ select user_id from user_roles $$, 'zoe sees nothing of acme');
select tests.act_as_nobody();
select is_empty($$ select user_id from user_roles $$, 'nobody sees nothing');
select tests.act_as_auditor();
select is((select count(*) from user_roles), 3::bigint, 'an auditor sees all of it');

-- Behind the functions' back a role of another organization is refused too
select tests.act_as_superuser();
select throws_ok(
  $$ insert into user_roles (organization_id, user_id, role_id) values (tests.organization_id('acme'), tests.user_id('bob'), md5('role:zenith')::uuid) $$,
  'SP306', null,
  'a superuser gives nobody of acme a role of zenith'
);
select throws_ok(
  $$ update user_roles set role_id = md5('role:zenith')::uuid where role_id = md5('role:night')::uuid $$,
  'SP306', null,
  '... nor makes one of it'
);
select results_eq(
  $$ select event_type, count(*) from auth_audit_logs where event_type in ('role.assigned', 'role.removed') group by 1 order by 1 $$,
  $$ values ('role.assigned', 5::bigint), ('role.removed', 1::bigint) $$,
  'what was given and taken is recorded'
);

select finish();
rollback;
