-- mfa_required: demanded by those who have given a second factor, so that they can
-- come back. Demanded by anybody else it would keep out whoever could undo it.
begin;
select plan(17);

select tests.two_organizations();

-- Who has given none
select tests.act_as_nobody();
select throws_ok(
  $$ insert into password_policies (organization_id, mfa_required) values (tests.organization_id('acme'), true) $$,
  'SP207', null,
  'nobody demands none'
);
select tests.act_as('bob', 'acme');
select throws_ok(
  $$ insert into password_policies (organization_id, mfa_required) values (tests.organization_id('acme'), true) $$,
  'SP207', null,
  'bob, a member, demands none'
);
select tests.act_as('amy', 'acme');
select throws_ok(
  $$ insert into password_policies (organization_id, mfa_required) values (current_organization_id(), true) $$,
  'SP207', 'a second factor is demanded by those who have given one',
  'amy, who administers acme, demands none while she has given none'
);
select lives_ok(
  $$ insert into password_policies (organization_id, min_length) values (current_organization_id(), 16) $$,
  '... and sets what else there is'
);
select throws_ok(
  $$ update password_policies set mfa_required = true $$,
  'SP207', null,
  '... nor does she demand it afterwards'
);
select is((select mfa_required from password_policies where organization_id is not null), false, 'acme demands none');
select tests.act_as_operator();
select throws_ok(
  $$ update password_policies set mfa_required = true $$,
  'SP207', null,
  'a job demands none of the whole cell while nobody in it has given one'
);

-- Who has
select tests.act_as_superuser();
update sessions
set is_mfa_complete = true, assurance_level = 2, authentication_methods = '{password,otp}'
where id = md5('session:amy:acme')::uuid;
select tests.act_as('ann', 'acme');
select throws_ok(
  $$ update password_policies set mfa_required = true $$,
  'SP207', null,
  'ann owns acme and demands none either: that amy has given one lets amy back in'
);
select tests.act_as('zoe', 'zenith');
select throws_ok(
  $$ insert into password_policies (organization_id, mfa_required) values (current_organization_id(), true) $$,
  'SP207', null,
  'nor does zoe in zenith'
);
select tests.act_as('bob', 'acme');
select is_empty($$ update password_policies set mfa_required = true returning id $$, 'bob, a member, has none to change');
select tests.act_as('amy', 'acme');
select results_eq(
  $$ update password_policies set mfa_required = true, min_length = 8 returning mfa_required $$,
  $$ values (true) $$,
  'amy, who has given one, demands it'
);
select tests.act_as('ann', 'acme');
select lives_ok($$ update password_policies set mfa_required = true, max_sessions = 3 $$, 'demanded already, ann need not have given one to change the rest');
select lives_ok($$ update password_policies set mfa_required = false, min_length = 15 $$, '... nor to take it back');
select throws_ok($$ update password_policies set mfa_required = true $$, 'SP207', null, '... though to demand it anew');
select tests.act_as_operator();
select results_eq(
  $$ update password_policies set mfa_required = true returning organization_id $$,
  $$ values (null::uuid) $$,
  'for the cell a job demands it, once somebody has given one'
);

-- Whoever demanded it comes back
select tests.act_as('amy', 'acme');
select lives_ok($$ update password_policies set mfa_required = true where organization_id is not null $$, 'amy demands it of acme again');
select lives_ok($$ select choose_organization(tests.organization_id('acme')) $$, '... and enters it with hers');

select finish();
rollback;
