-- create_organization(): whoever founds an organization owns it, and nobody else
-- sees it.
begin;
select plan(25);

select tests.two_organizations();
select tests.person('max');

select tests.act_as_nobody();
select throws_ok($$ select create_organization('clinic', 'Clinic') $$, 'SP102', null, 'nobody founds nothing');
select tests.act_as_operator();
select throws_ok($$ select create_organization('clinic', 'Clinic') $$, '42501', null, 'a job founds nothing');

select tests.act_as('max');
select is(
  create_organization('clinic', 'Clinic', tests.organization_id('clinic')),
  tests.organization_id('clinic'),
  'max founds a clinic, under the id he gives'
);
select is_empty($$ select id from organizations $$, 'to see it he enters it first');
select lives_ok($$ select choose_organization(tests.organization_id('clinic')) $$, 'he enters');
select results_eq(
  $$ select name, status, member_count, owner_count from organizations $$,
  $$ values ('Clinic', 'active', 1, 1) $$,
  'it is active and has one member, who owns it'
);
select results_eq(
  $$ select user_id, role, is_owner, status from organization_users $$,
  $$ values (tests.user_id('max'), 'owner', true, 'active') $$,
  '... max'
);
select matches((select slug from organizations), '^clinic-[0-9a-f]{4}$', 'its address ends in four digits of the database''s');
select results_eq(
  $$ select acting_user_id, organization_id, resource_id from tests.events('organization.created') $$,
  $$ values (tests.user_id('max'), tests.organization_id('clinic'), tests.organization_id('clinic')) $$,
  'it is recorded'
);

select tests.act_as('bob', 'acme');
select is_empty($$ select id from organizations where id = tests.organization_id('clinic') $$, 'bob of acme does not see it');
select throws_ok(
  $$ select choose_organization(tests.organization_id('clinic')) $$,
  'SP305', null,
  '... nor enters it'
);
select tests.act_as('zoe', 'zenith');
select throws_ok(
  $$ select choose_organization(tests.organization_id('clinic')) $$,
  'SP305', null,
  'nor does zoe'
);
select isnt(
  create_organization('clinic', 'Another clinic'), tests.organization_id('clinic'),
  'zoe founds another of the same name, and learns nothing of the first'
);

-- What makes no sense
select throws_ok($$ select create_organization('Clinic', 'Clinic') $$, '23514', null, 'an address is in lower case');
select throws_ok($$ select create_organization('-', 'Clinic') $$, '23514', null, '... made of words');
select throws_ok($$ select create_organization(repeat('a', 56), 'Clinic') $$, '23514', null, '... and short');
select lives_ok($$ select create_organization(repeat('a', 55), 'Clinic') $$, '... fifty-five letters of one''s own will do');
select throws_ok($$ select create_organization('clinic', '') $$, '23514', null, 'a name is not empty');
select throws_ok($$ select create_organization(null, 'Clinic') $$, 'SP509', null, 'an address is not left out');
select throws_ok(
  $$ select create_organization('clinic', 'Clinic', tests.organization_id('clinic')) $$,
  '23505', null,
  'an id is used once'
);
select is(
  (select count(*) from tests.events('organization.created')), 3::bigint,
  'what was not founded is not recorded'
);


-- Every name of four digits is taken: nobody sees a clash, by which they would know
select tests.act_as_superuser();
set local session_replication_role = replica;
insert into organizations (slug, name)
select 'taken-' || substr(to_hex(65536 + digits), 2), 'Taken' from generate_series(0, 65535) as digits;
reset session_replication_role;
select tests.act_as('zoe');
select lives_ok($$ select create_organization('taken', 'Mine') $$, 'zoe founds one of a name whose digits are all taken');
select tests.act_as_superuser();
select matches((select slug from organizations where name = 'Mine'), '^taken-[0-9a-f]{5}$', '... with a digit more');
delete from organizations where slug between 'taken-0400' and 'taken-ffff';
select tests.act_as('zoe');
select lives_ok(
  $$ select create_organization('taken', 'Mine too') from generate_series(1, 200) $$,
  'where one in sixty-four is taken, she founds two hundred and meets no clash'
);
select tests.act_as_superuser();
select is(
  (select count(*) from organizations where name = 'Mine too' and slug ~ '^taken-[0-9a-f]{4}$'), 200::bigint,
  '... each with four digits, which tell nothing of the others'
);

select finish();
rollback;
