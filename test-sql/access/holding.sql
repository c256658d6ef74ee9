-- What is held, for how long, and what may be given away of it: whoever holds a
-- role for an hour gives nothing for longer, and nobody suspended holds anything.
begin;
select plan(9);

select tests.two_organizations();

-- Bob is admin for an hour.
select tests.act_as('ann', 'acme');
select lives_ok(
  $$ select assign_role(tests.user_id('bob'), (select id from roles where name = 'admin'), now() + interval '1 hour') $$,
  'ann makes bob an admin for an hour'
);

select tests.act_as('bob', 'acme');
select ok(has_permission('roles.assign'), 'bob holds what an admin holds');
select throws_ok(
  $$ select assign_role(tests.user_id('bob'), (select id from roles where name = 'admin'), null, 'for good') $$,
  'SP202',
  null,
  'bob cannot make himself an admin for good'
);
select throws_ok(
  $$ select set_member_role(tests.user_id('bob'), 'admin') $$,
  'SP202',
  null,
  'nor by the role of his membership'
);
select lives_ok(
  $$ select assign_role(tests.user_id('amy'), (select id from roles where name = 'auditor'), now() + interval '30 minutes') $$,
  'bob gives amy, for half an hour, what he holds for an hour'
);
select throws_ok(
  $$ select assign_role(tests.user_id('amy'), (select id from roles where name = 'auditor'), now() + interval '2 hours') $$,
  'SP202',
  null,
  'and not for two hours'
);

-- Suspended in the middle of a request, he holds nothing from the next statement on.
select set_config('role', 'none', true);
update organization_users set status = 'suspended' where user_id = tests.user_id('bob');
select set_config('role', tests.login('app'), true);
select ok(not has_permission('roles.assign'), 'bob is suspended while his request goes on, and holds nothing');

select tests.act_as('ann', 'acme');

-- An invitation tells nobody whether the address belongs to anybody.
select lives_ok($$ select add_member(tests.email('zoe')) $$, 'ann invites zoe');
select is(
  (select count(*)::integer from data_change_logs
   where table_name = 'organization_users' and row_id = tests.user_id('zoe')),
  0,
  'and does not learn from the changes that zoe exists'
);

select finish();
rollback;
