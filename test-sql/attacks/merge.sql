-- MERGE is three statements in one, and each is fenced like the one it is.
begin;
select plan(12);

select tests.two_organizations();
select tests.act_as('zoe', 'zenith');

select throws_ok(
  $$
    merge into organizations using (select 1) as always on true
    when matched then update set name = 'Mine'
  $$,
  '42501', null, 'a merge that looks at nothing comes upon acme, and is refused whole'
);
merge into organizations using (select 1) as always on id is not null
when matched then update set name = 'Mine';
select tests.act_as_superuser();
select results_eq(
  'select slug, name from organizations order by slug',
  $$ values ('acme-0000'::text, 'Acme'::text), ('zenith-0000', 'Mine') $$,
  'zoe renames zenith, which is hers, and no other'
);

select tests.act_as('bob', 'acme');
select throws_ok(
  $$
    merge into organizations using (select 1) as always on id is not null
    when matched then update set name = 'Mine'
  $$,
  '42501', null, 'bob sees acme and may not rename it'
);
select tests.act_as_superuser();
select is_empty($$ select from organizations where slug = 'acme-0000' and name = 'Mine' $$, 'bob renames nothing');

select tests.act_as('zoe', 'zenith');
select throws_ok(
  $$
    merge into password_policies using (select tests.organization_id('acme') as id) as acme
    on password_policies.organization_id = acme.id
    when not matched then insert (organization_id, min_length) values (acme.id, 64)
  $$,
  '42501', null, 'zoe makes no policy for acme'
);
select throws_ok(
  $$
    merge into organization_users using (select 1) as always on true
    when matched then update set role = 'owner'
  $$,
  '42501', null, 'nor anybody an owner'
);
select throws_ok(
  $$ merge into sessions using (select 1) as always on true when matched then delete $$, '42501', null,
  'nor ends sessions'
);
select throws_ok(
  $$
    merge into users using (select 1) as always on true
    when matched then update set first_name = 'Nobody'
  $$,
  '42501', null, 'zoe does not rename everybody'
);
merge into users using (select 1) as always on id is not null
when matched then update set first_name = 'Nobody';
select tests.act_as_superuser();
select results_eq(
  $$ select id from users where first_name = 'Nobody' $$, array[tests.user_id('zoe')],
  'zoe renames herself alone'
);

-- The cell's own policy is seen by all.
select tests.act_as('zoe', 'zenith');
select throws_ok(
  $$
    merge into password_policies using (select 1) as always on organization_id is null
    when matched then delete
  $$,
  '42501', null, 'and is deleted by none'
);
select tests.act_as_superuser();
select isnt_empty('select from password_policies where organization_id is null', 'it is still there');

drop policy tenant_fence on organizations;
drop policy update_administrator on organizations;
create policy update_administrator on organizations for update to safetypin_app using (true);
select tests.act_as('zoe', 'zenith');
merge into organizations using (select 1) as always on true
when matched then update set name = 'Mine';
select tests.act_as_superuser();
select is_empty($$ select from organizations where name <> 'Mine' $$, 'without fence and policy zoe renames them all');

select finish();
rollback;
