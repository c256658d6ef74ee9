-- roles: the package's own, the same for all and written by none; and each
-- organization's, made by who may.
begin;
select plan(48);

select tests.two_organizations();
create function pg_temp.system_role(p_name text)
  returns uuid
  language sql
as $$ select id from roles where organization_id is null and name = p_name $$;
select tests.act_as_superuser();
select set_config('tests.auditor', pg_temp.system_role('auditor')::text, true);

-- Making
select tests.act_as('bob', 'acme');
select throws_ok($$ select create_role('Mine') $$, 'SP201', null, 'bob makes no role');
select tests.act_as_nobody();
select throws_ok($$ select create_role('Mine') $$, 'SP102', null, 'nobody makes none');
select tests.act_as('ann');
select throws_ok($$ select create_role('Mine') $$, 'SP103', null, 'ann outside makes none');
select tests.act_as_operator();
select throws_ok($$ select create_role('Mine') $$, '42501', null, 'a job makes none');
select tests.act_as('amy', 'acme');
select is(
  create_role('Night shift', 'Works at night', md5('role:night')::uuid), md5('role:night')::uuid,
  'amy makes one for acme'
);
select results_eq(
  $$ select organization_id, name, description, is_system_role, created_by, updated_by from roles where id = md5('role:night')::uuid $$,
  $$ values (tests.organization_id('acme'), 'Night shift', 'Works at night', false, tests.user_id('amy'), tests.user_id('amy')) $$,
  'it is acme''s, and hers'
);
select throws_ok($$ select create_role('Night shift') $$, '23505', null, 'a name is given once in an organization');
select lives_ok($$ select create_role('owner') $$, '... though the package has one of that name');
select throws_ok($$ select create_role('') $$, '23514', null, 'a name is not empty');
select throws_ok($$ select create_role(' Night') $$, '23514', null, '... does not begin with a space');
select throws_ok($$ select create_role(E'Night\nshift') $$, '23514', null, '... is on one line');
select lives_ok($$ select create_role(repeat('n', 100)) $$, '... may have a hundred letters');
select throws_ok($$ select create_role(repeat('n', 101)) $$, '23514', null, '... and no more');
select tests.act_as('zoe', 'zenith');
select lives_ok($$ select create_role('Night shift', '', md5('role:zenith')::uuid) $$, 'zoe makes one of the same name in zenith');

-- Seeing
select results_eq(
  $$ select name from roles where not is_system_role $$, $$ values ('Night shift') $$,
  'zoe sees zenith''s'
);
select is(
  (select count(*) from roles where is_system_role), 5::bigint,
  '... and the package''s five'
);
select is_empty($$ select id from roles where id = md5('role:night')::uuid $$, '... and not acme''s');
select tests.act_as('bob', 'acme');
select ok(exists (select from roles where id = md5('role:night')::uuid), 'bob sees acme''s');
select is_empty($$ select id from roles where id = md5('role:zenith')::uuid $$, '... and not zenith''s');
select tests.act_as_nobody();
select is((select count(*) from roles where not is_system_role), 0::bigint, 'nobody sees no organization''s');
select tests.act_as_auditor();
select ok((select count(*) > 6 from roles), 'an auditor sees all');
select tests.act_as_owner();
select is((select count(*) from roles), 5::bigint, 'the owner of the table sees the package''s');

-- Writing by hand
select tests.act_as('ann', 'acme');
select throws_ok($$ insert into roles (organization_id, name) values (tests.organization_id('acme'), 'x') $$, '42501', null, 'ann inserts none');
select throws_ok($$ update roles set name = 'x' $$, '42501', null, '... updates none');
select throws_ok($$ delete from roles $$, '42501', null, '... deletes none');
select throws_ok($$ insert into role_permissions select id, id from roles $$, '42501', null, '... gives none a permission');
select throws_ok($$ delete from role_permissions $$, '42501', null, '... takes none away');
select tests.act_as_owner();
select throws_ok(
  $$ insert into roles (organization_id, name) values (tests.organization_id('acme'), 'x') $$,
  '42501', null,
  'the owner of the table writes the package''s roles and no organization''s'
);
-- The functions' owner is fenced as well: in nobody's name it sees no organization's role.
select tests.act_as('ann', 'acme');
set local role safetypin_definer;
select is_empty($$ select id from roles where id = md5('role:zenith')::uuid $$, 'the functions'' owner, at work for ann, sees no role of zenith');
select is_empty($$ delete from roles where id = md5('role:zenith')::uuid returning id $$, '... and deletes none');
select is_empty($$ delete from roles where organization_id is null returning id $$, '... and none of the package''s');

-- Changing
select tests.act_as('bob', 'acme');
select throws_ok($$ select update_role(md5('role:night')::uuid, 'x', 'x') $$, 'SP201', null, 'bob renames none');
select throws_ok($$ select delete_role(md5('role:night')::uuid) $$, 'SP201', null, '... and deletes none');
select tests.act_as_nobody();
select throws_ok($$ select update_role(md5('role:night')::uuid, 'x', 'x') $$, 'SP102', null, 'nobody renames one');
select throws_ok($$ select delete_role(md5('role:night')::uuid) $$, 'SP102', null, '... or deletes one');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select update_role(md5('role:night')::uuid, 'x', 'x') $$, 'SP306', null, 'to zoe of zenith it is not there');
select throws_ok($$ select delete_role(md5('role:night')::uuid) $$, 'SP306', null, '... to delete either');
select throws_ok($$ select delete_role(md5('role:none')::uuid) $$, 'SP306', null, '... no more than one that does not exist');
select tests.act_as('ann', 'acme');
select throws_ok(
  format($$ select update_role(%L, 'x', 'x') $$, current_setting('tests.auditor')),
  'SP205', null,
  'ann does not rename a role of the package'
);
select throws_ok(
  format($$ select delete_role(%L) $$, current_setting('tests.auditor')),
  'SP205', null,
  '... nor deletes one'
);
select throws_ok(
  format($$ select set_role_permissions(%L, '{}') $$, current_setting('tests.auditor')),
  'SP205', null,
  '... nor changes what it holds'
);
select lives_ok($$ select update_role(md5('role:night')::uuid, 'Night watch', 'Watches') $$, 'ann renames acme''s');
select results_eq(
  $$ select name, description, created_by, updated_by from roles where id = md5('role:night')::uuid $$,
  $$ values ('Night watch', 'Watches', tests.user_id('amy'), tests.user_id('ann')) $$,
  '... which says that it was she'
);

-- Deleting takes it from everybody
select lives_ok($$ select assign_role(tests.user_id('bob'), md5('role:night')::uuid) $$, 'bob holds it');
select lives_ok($$ select delete_role(md5('role:night')::uuid) $$, 'ann deletes it');
select is_empty($$ select user_id from user_roles $$, '... and bob holds nothing');
select throws_ok($$ select delete_role(md5('role:night')::uuid) $$, 'SP306', null, 'what is deleted is not deleted again');
select results_eq(
  $$ select event_type, acting_user_id from auth_audit_logs where resource_id = md5('role:night')::uuid order by seq $$,
  $$
    values
      ('role.created', tests.user_id('amy')), ('role.updated', tests.user_id('ann')),
      ('role.assigned', tests.user_id('ann')), ('role.deleted', tests.user_id('ann'))
  $$,
  'all of its life is recorded'
);

select finish();
rollback;
