-- record_export(): evidence that leaves the database leaves a trace.
begin;
select plan(13);

select tests.two_organizations();

create function pg_temp.exports()
  returns bigint
  language sql
as $$ select count(*) from auth_audit_logs where event_type = 'audit.exported' $$;

-- Who may
select tests.act_as('amy', 'acme');
select lives_ok(
  $$ select record_export('events', 'csv', now() - interval '1 day', now()) $$,
  'amy, who may read the evidence, begins an export'
);
select lives_ok(
  $$ select record_export('events', 'csv', now() - interval '1 day', now(), 42) $$,
  '... and ends it'
);
select results_eq(
  $$
    select acting_user_id, organization_id, additional_data ->> 'rows'
    from auth_audit_logs
    where event_type = 'audit.exported'
    order by seq
  $$,
  $$
    values
      (tests.user_id('amy'), tests.organization_id('acme'), null),
      (tests.user_id('amy'), tests.organization_id('acme'), '42')
  $$,
  'who, where and how many stand in the evidence'
);
select throws_ok(
  $$ select record_export('passwords', 'csv', null, null) $$,
  'SP503', null,
  'there is no export of passwords'
);
select throws_ok(
  $$ select record_export('events', null, null, null) $$,
  'SP503', null,
  'an export has a format'
);
select throws_ok($$ select record_export('events', 'csv', null, null, -5) $$, 'SP504', null, '... not fewer rows than none');
select throws_ok(
  $$ select record_export('events', 'csv', 'infinity', '-infinity') $$,
  'SP504', null,
  '... and a period that begins before it ends'
);

-- Who may not
select tests.act_as('bob', 'acme');
select throws_ok($$ select record_export('events', 'csv', null, null) $$, 'SP201', null, 'bob, a member, exports nothing');
select tests.act_as_nobody();
select throws_ok($$ select record_export('events', 'csv', null, null) $$, 'SP102', null, 'nobody exports nothing');
select throws_ok(
  $$ select record_auditor_export('events', 'csv', null, null) $$,
  '42501', null,
  'an application does not pass for an auditor'
);

-- The auditor
select tests.act_as_auditor();
select throws_ok(
  $$ select record_export('events', 'csv', null, null) $$,
  '42501', null,
  'an auditor does not pass for an application'
);
select lives_ok(
  $$ select record_auditor_export('attempts', 'jsonl', null, null, 7) $$,
  'an auditor exports attempts'
);
select is(pg_temp.exports(), 3::bigint, 'and all of it stands in the evidence');

select finish();
rollback;
