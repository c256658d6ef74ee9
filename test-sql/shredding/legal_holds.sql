-- A legal hold keeps whom it is of, and everybody who belongs to it, from being shredded.
begin;
select plan(38);

select tests.two_organizations();
select tests.person('max');

select tests.act_as_operator();
select throws_ok($$ select place_legal_hold(tests.user_id('eve'), null, 'x') $$, 'SP301', null, 'nobody is held whom there is not');
select throws_ok($$ select place_legal_hold(null, tests.organization_id('nowhere'), 'x') $$, 'SP305', null, '... and no organization');
select throws_ok($$ select place_legal_hold(null, null, 'x') $$, '23514', null, '... and not nothing');
select throws_ok(
  $$ select place_legal_hold(tests.user_id('bob'), tests.organization_id('acme'), 'x') $$, '23514', null, '... and not two at once'
);
select throws_ok($$ select place_legal_hold(tests.user_id('bob'), null, '') $$, '23514', null, '... and not for no reason');
select throws_ok(
  $$ select place_legal_hold(tests.user_id('bob'), null, E'a\nb') $$, '23514', null, '... or one of two lines'
);

select lives_ok($$ select place_legal_hold(tests.user_id('max'), null, 'Matter 7') $$, 'max is held');
select lives_ok($$ select place_legal_hold(null, tests.organization_id('acme'), 'Matter 8') $$, '... and acme');
select results_eq(
  $$ select user_id, organization_id, reason from list_legal_holds() $$,
  $$ values (tests.user_id('max'), null::uuid, 'Matter 7'), (null, tests.organization_id('acme'), 'Matter 8') $$,
  '... and the operator sees which holds there are'
);
select throws_ok($$ select shred_person(tests.user_id('max')) $$, 'SP426', null, 'max is not shredded');
select throws_ok($$ select shred_person(tests.user_id('bob')) $$, 'SP426', null, 'nor bob, who works for acme');
select suspend_organization(tests.organization_id('acme'), 'x');
select throws_ok($$ select shred_organization(tests.organization_id('acme')) $$, 'SP426', null, 'nor acme');
select tests.act_as('max');
select throws_ok($$ select erase_own_account() $$, 'SP426', null, 'max does not erase himself');
select tests.act_as_superuser();
select results_eq(
  $$ select status from users where id in (tests.user_id('max'), tests.user_id('bob')) $$, array['active', 'active'],
  'both are who they were'
);

select tests.act_as_auditor();
select results_eq(
  $$ select reason, release_time from legal_holds order by reason $$,
  $$ values ('Matter 7', null::timestamptz), ('Matter 8', null) $$,
  'an auditor reads which holds there are'
);
select tests.act_as('ann');
select throws_ok($$ select from legal_holds $$, '42501', null, 'ann does not, not even that of acme');

select tests.act_as_operator();
select throws_ok($$ select release_legal_hold(tests.user_id('max')) $$, 'SP310', null, 'no hold is released that there is not');
select tests.act_as_superuser();
create temporary table holds on commit drop as select id, user_id from legal_holds;
grant select on holds to public;
select tests.act_as_operator();
select lives_ok($$ select release_legal_hold(id) from holds $$, 'holds are released');
select throws_ok($$ select release_legal_hold(id) from holds $$, 'SP310', null, '... once');
select results_eq(
  $$ select count(*)::integer from tests.events('legal_hold.released') $$, array[2], '... which is recorded'
);
select is_empty('select from list_legal_holds()', '... and no more listed');
select lives_ok($$ select shred_person(tests.user_id('max')) $$, 'then max is shredded');
select lives_ok($$ select shred_person(tests.user_id('bob')) $$, '... and bob');
select lives_ok($$ select shred_organization(tests.organization_id('acme')) $$, '... and acme');
select throws_ok($$ select place_legal_hold(tests.user_id('max'), null, 'too late') $$, 'SP301', null, '... and nobody holds what is gone');

-- A hold on an organization goes with whoever leaves under it.
select tests.act_as_superuser();
select tests.person(name) from unnest(array['lea', 'ray', 'cleo', 'guest', 'early']) as name;
insert into organization_users (organization_id, user_id, role, status)
select tests.organization_id('zenith'), tests.user_id(name), 'member', status
from (values ('lea', 'active'), ('ray', 'suspended'), ('cleo', 'active'), ('guest', 'invited'), ('early', 'active')) as member (name, status);
delete from organization_users where user_id = tests.user_id('early');
select tests.act_as_operator();
select place_legal_hold(null, tests.organization_id('zenith'), 'Matter 9');
select tests.act_as('lea', 'zenith');
select lives_ok('select leave_organization()', 'lea leaves zenith, which is held');
select tests.act_as('zoe', 'zenith');
select lives_ok($$ select remove_member(tests.user_id('ray')) $$, '... which ray is removed from');
select tests.act_as('cleo');
select lives_ok('select close_account()', '... and cleo closes her account');
select tests.act_as_superuser();
delete from organization_users where user_id = tests.user_id('guest');
select tests.act_as('lea');
select throws_ok('select erase_own_account()', 'SP426', null, 'lea is held still');
select tests.act_as_operator();
select throws_ok($$ select shred_person(tests.user_id('ray')) $$, 'SP426', null, '... and so is ray');
select throws_ok($$ select shred_person(tests.user_id('cleo')) $$, 'SP426', null, '... and so is cleo');
select results_eq(
  $$ select user_id, organization_id, reason from list_legal_holds() order by user_id nulls first $$,
  $$ select null::uuid, tests.organization_id('zenith'), 'Matter 9'
     union all (select tests.user_id(name), null, 'Matter 9' from unnest(array['lea', 'ray', 'cleo']) as name order by 1) $$,
  '... which the operator sees'
);
select lives_ok($$ select shred_person(tests.user_id('guest')) $$, 'who was invited, and never came, is not held');
select lives_ok($$ select shred_person(tests.user_id('early')) $$, '... nor who left before the hold');
select lives_ok($$ select release_legal_hold(id) from list_legal_holds() where organization_id is not null $$, 'the hold on zenith is released');
select is_empty('select from list_legal_holds()', '... and with it those of who left');
select tests.act_as('lea');
select lives_ok('select erase_own_account()', 'then lea erases herself');
select tests.act_as_operator();
select lives_ok($$ select shred_person(tests.user_id('ray')) $$, '... and ray is shredded');

select finish();
rollback;
