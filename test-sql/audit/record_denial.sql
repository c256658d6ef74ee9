-- record_denial(): what was refused rolled back; that it was refused is kept.
begin;
select plan(19);

select tests.two_organizations();

-- Bob is refused, the refusal takes everything with it, and the client comes back.
select tests.act_as('bob', 'acme');
select throws_ok($$ select create_role('Mine') $$, 'SP201', null, 'bob may not make a role');
select is_empty(
  $$ select id from auth_audit_logs where user_id = tests.user_id('bob') $$,
  '... which leaves no trace by itself'
);
select lives_ok($$ select record_denial('roles.create', 'SP201') $$, 'so the client says it was refused');
select results_eq(
  $$ select event_type, user_id, organization_id, result, failure_reason, additional_data from auth_audit_logs $$,
  $$
    values (
      'access.denied', tests.user_id('bob'), tests.organization_id('acme'), 'denied', 'SP201',
      '{"action": "roles.create"}'::jsonb
    )
  $$,
  'and it is recorded: whom, where, what and why'
);

select tests.act_as('zoe', 'zenith');
select lives_ok($$ select record_denial('roles.create', 'SP306') $$, 'zoe''s refusal is recorded as hers');
select tests.act_as_nobody();
select lives_ok($$ select record_denial('begin_request', 'SP101') $$, 'that of nobody is recorded as nobody''s');
select results_eq(
  $$ select user_id, organization_id from tests.events('access.denied') order by seq $$,
  $$
    values
      (tests.user_id('bob'), tests.organization_id('acme')),
      (tests.user_id('zoe'), tests.organization_id('zenith')),
      (null, null)
  $$,
  'nobody denies in the name of another'
);

-- Words, and no room for a story
select throws_ok($$ select record_denial('', 'SP201') $$, 'SP503', null, 'an action is not empty');
select throws_ok($$ select record_denial('roles.create', '') $$, 'SP503', null, '... nor is a reason');
select throws_ok($$ select record_denial(null, 'SP201') $$, 'SP503', null, 'an action is not left out');
select throws_ok($$ select record_denial('roles.create', null) $$, 'SP503', null, '... nor is a reason');
select throws_ok($$ select record_denial('two words', 'SP201') $$, 'SP503', null, 'an action is one word');
select throws_ok($$ select record_denial(E'roles\ncreate', 'SP201') $$, 'SP503', null, '... on one line');
select lives_ok(
  $$ select record_denial(repeat('a', 100), repeat('b', 100)) $$,
  'a word may have a hundred letters'
);
select throws_ok($$ select record_denial(repeat('a', 101), 'x') $$, 'SP503', null, '... and no more');
select throws_ok($$ select record_denial('x', repeat('b', 101)) $$, 'SP503', null, '... in a reason neither');

-- Who may say so: the application
select tests.act_as_operator();
select throws_ok($$ select record_denial('x', 'y') $$, '42501', null, 'a job denies nothing');
select tests.act_as_auditor();
select throws_ok($$ select record_denial('x', 'y') $$, '42501', null, 'an auditor neither');
select tests.act_as_nobody();
select throws_ok(
  $$ select _log_event('session.opened') $$,
  '42501', null,
  'and nobody records an event of their choosing'
);

select finish();
rollback;
