-- A row stays in its organization: nobody moves one in, out or away.
begin;
select plan(11);

select tests.two_organizations();
select tests.act_as('ann', 'acme');
insert into password_policies (organization_id, min_length) values (tests.organization_id('acme'), 20);

select throws_ok(
  $$ update password_policies set organization_id = tests.organization_id('zenith') $$, '42501', null,
  'ann moves no policy to zenith'
);
select throws_ok($$ update organizations set id = gen_random_uuid() $$, '42501', null, 'nor acme to another id');
select throws_ok(
  $$ update organization_users set organization_id = tests.organization_id('zenith') $$, '42501', null,
  'nor a member to zenith'
);
select throws_ok(
  $$ update sessions set organization_id = tests.organization_id('zenith') $$, '42501', null,
  'nor her session to zenith'
);
select throws_ok(
  $$ update user_roles set organization_id = tests.organization_id('zenith') $$, '42501', null,
  'nor a role that somebody holds'
);
select throws_ok($$ update users set id = tests.user_id('zoe') $$, '42501', null, 'nor herself to zoe''s id');

-- Two locks again: were the column granted, the fence would still refuse.
select tests.act_as_superuser();
grant update (organization_id) on password_policies to safetypin_app;
select tests.act_as('ann', 'acme');
select throws_ok(
  $$ update password_policies set organization_id = tests.organization_id('zenith') where organization_id is not null $$,
  '42501', null,
  'with the column granted the fence keeps the row'
);
select throws_ok(
  $$ update password_policies set organization_id = null where organization_id is not null $$,
  '42501', null,
  'also from becoming the cell''s'
);

select tests.act_as_superuser();
drop policy tenant_fence on password_policies;
select tests.act_as('ann', 'acme');
update password_policies set organization_id = tests.organization_id('zenith') where organization_id is not null;
select tests.act_as_superuser();
select results_eq(
  'select organization_id from password_policies where organization_id is not null',
  array[tests.organization_id('zenith')],
  'without the fence ann decides how strict zenith is'
);

-- And definer functions cannot either, where the fence binds them.
insert into roles (id, organization_id, name)
values (md5('role:acme')::uuid, tests.organization_id('acme'), 'Reader');
grant update (organization_id) on roles to safetypin_definer;
select tests.act_as('ann', 'acme');
select set_config('role', 'none', true);
set local role safetypin_definer;
select throws_ok(
  $$ update roles set organization_id = tests.organization_id('zenith') where id = md5('role:acme')::uuid $$,
  '42501', null,
  'the owner of the functions moves no role out of the current organization'
);
select throws_ok(
  $$ insert into user_roles (organization_id, user_id, role_id)
     select tests.organization_id('zenith'), tests.user_id('zoe'), id from roles where name = 'admin' $$,
  '42501', null,
  'nor grants one elsewhere'
);

select finish();
rollback;
