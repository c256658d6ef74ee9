-- auth_audit_logs: what people did, read by few, changed by nobody at all.
begin;
select plan(75);

select tests.two_organizations();

select tests.act_as('ann', 'acme');
select create_role('Night shift', 'Works at night', md5('role:night')::uuid);
select tests.act_as('bob', 'acme');
select begin_request(tests.token('bob', 'acme'), '203.0.113.7', E'curl\r\nforged: entry\x07');
select set_session_data('{"theme": "dark"}');
select tests.act_as('zoe', 'zenith');
select create_role('Day shift', 'Works by day');


-- What an entry says, and that it says it by the signed context
select tests.act_as_auditor();
select results_eq(
  $$
    select event_type, user_id, acting_user_id, organization_id, session_id, result, resource_type, resource_id
    from auth_audit_logs
    where event_type = 'role.created' and organization_id = tests.organization_id('acme')
  $$,
  $$
    values (
      'role.created', tests.user_id('ann'), tests.user_id('ann'), tests.organization_id('acme'),
      md5('session:ann:acme')::uuid, 'success', 'role', md5('role:night')::uuid
    )
  $$,
  'an auditor reads that ann made a role in acme, in which session and which role'
);
select results_eq(
  $$
    select ip_address, user_agent
    from auth_audit_logs
    where event_type = 'session.data_set'
  $$,
  $$ values ('203.0.113.7'::inet, 'curl??forged: entry?') $$,
  'what bob''s user agent says stays on one line, and cannot pass for an entry of its own'
);
select ok(
  (
    select bool_and(
      xid = txid_current()
      and recorded_at between now() and clock_timestamp()
      and event_time between now() and clock_timestamp()
    )
    from auth_audit_logs
    where event_type in ('role.created', 'session.data_set')
  ),
  'the server says in which transaction and when'
);
select ok(
  (
    select min(seq) filter (where organization_id = tests.organization_id('acme'))
      < min(seq) filter (where organization_id = tests.organization_id('zenith'))
    from auth_audit_logs
    where event_type = 'role.created'
  ),
  '... and in which order: ann before zoe'
);


-- Who reads it
select tests.act_as('ann', 'acme');
select results_eq(
  $$ select distinct organization_id from auth_audit_logs $$,
  $$ select tests.organization_id('acme') $$,
  'ann, who may read the audit, reads that of acme and no other'
);
select ok(
  exists (select from auth_audit_logs where user_id = tests.user_id('bob')),
  '... with what bob did'
);
select tests.act_as('bob', 'acme');
select results_eq(
  $$ select event_type, user_id from auth_audit_logs $$,
  $$ values ('session.data_set', tests.user_id('bob')) $$,
  'bob, who may not, reads what he did himself'
);
select tests.act_as('zoe', 'zenith');
select is_empty(
  $$ select id from auth_audit_logs where organization_id = tests.organization_id('acme') $$,
  'zoe, a stranger, reads nothing of acme'
);
select tests.act_as_nobody();
select is_empty($$ select id from auth_audit_logs $$, 'nobody reads nothing');
select tests.act_as_operator();
select throws_ok($$ select id from auth_audit_logs $$, '42501', null, 'a job reads nothing');
select tests.act_as_monitor();
select throws_ok($$ select id from auth_audit_logs $$, '42501', null, 'a monitor reads nothing');
select tests.act_as_backup();
select ok(exists (select from auth_audit_logs), 'a backup reads all of it');
select tests.act_as_owner();
select is_empty($$ select id from auth_audit_logs $$, 'the owner of the table finds it empty');


-- Nobody changes it: not the application, no job, not those who read it
select tests.act_as('ann', 'acme');
select throws_ok($$ update auth_audit_logs set result = 'success' $$, '42501', null, 'ann, who owns acme, does not update the evidence');
select throws_ok($$ delete from auth_audit_logs $$, '42501', null, 'ann, who owns acme, does not delete it');
select throws_ok($$ truncate auth_audit_logs $$, '42501', null, 'ann, who owns acme, does not truncate it');
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result) values ('role.created', 'success') $$,
  '42501', null,
  'ann, who owns acme, does not write into it'
);
select tests.act_as('bob', 'acme');
select throws_ok($$ update auth_audit_logs set result = 'success' $$, '42501', null, 'bob does not update the evidence');
select throws_ok($$ delete from auth_audit_logs $$, '42501', null, 'bob does not delete it');
select throws_ok($$ truncate auth_audit_logs $$, '42501', null, 'bob does not truncate it');
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result) values ('role.created', 'success') $$,
  '42501', null,
  'bob does not write into it'
);
select tests.act_as('zoe', 'zenith');
select throws_ok($$ update auth_audit_logs set result = 'success' $$, '42501', null, 'zoe does not update the evidence');
select throws_ok($$ delete from auth_audit_logs $$, '42501', null, 'zoe does not delete it');
select throws_ok($$ truncate auth_audit_logs $$, '42501', null, 'zoe does not truncate it');
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result) values ('role.created', 'success') $$,
  '42501', null,
  'zoe does not write into it'
);
select tests.act_as_nobody();
select throws_ok($$ update auth_audit_logs set result = 'success' $$, '42501', null, 'nobody updates the evidence');
select throws_ok($$ delete from auth_audit_logs $$, '42501', null, 'nobody deletes it');
select throws_ok($$ truncate auth_audit_logs $$, '42501', null, 'nobody truncates it');
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result) values ('role.created', 'success') $$,
  '42501', null,
  'nobody writes into it'
);
select tests.act_as_operator();
select throws_ok($$ update auth_audit_logs set result = 'success' $$, '42501', null, 'a job does not update the evidence');
select throws_ok($$ delete from auth_audit_logs $$, '42501', null, 'a job does not delete it');
select throws_ok($$ truncate auth_audit_logs $$, '42501', null, 'a job does not truncate it');
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result) values ('role.created', 'success') $$,
  '42501', null,
  'a job does not write into it'
);
select tests.act_as_auditor();
select throws_ok($$ update auth_audit_logs set result = 'success' $$, '42501', null, 'an auditor does not update the evidence');
select throws_ok($$ delete from auth_audit_logs $$, '42501', null, 'an auditor does not delete it');
select throws_ok($$ truncate auth_audit_logs $$, '42501', null, 'an auditor does not truncate it');
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result) values ('role.created', 'success') $$,
  '42501', null,
  'an auditor does not write into it'
);
select tests.act_as_monitor();
select throws_ok($$ update auth_audit_logs set result = 'success' $$, '42501', null, 'a monitor does not update the evidence');
select throws_ok($$ delete from auth_audit_logs $$, '42501', null, 'a monitor does not delete it');
select throws_ok($$ truncate auth_audit_logs $$, '42501', null, 'a monitor does not truncate it');
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result) values ('role.created', 'success') $$,
  '42501', null,
  'a monitor does not write into it'
);
select tests.act_as_backup();
select throws_ok($$ update auth_audit_logs set result = 'success' $$, '42501', null, 'a backup does not update the evidence');
select throws_ok($$ delete from auth_audit_logs $$, '42501', null, 'a backup does not delete it');
select throws_ok($$ truncate auth_audit_logs $$, '42501', null, 'a backup does not truncate it');
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result) values ('role.created', 'success') $$,
  '42501', null,
  'a backup does not write into it'
);


-- ... and not those who own the tables and the functions. What row-level security
-- lets nobody see, an update does not find; what finds it meets the trigger.
select tests.act_as_owner();
select is_empty($$ update auth_audit_logs set result = 'success' returning id $$, 'the owner''s update finds no row');
select is_empty($$ delete from auth_audit_logs returning id $$, 'the owner''s delete finds none');
select throws_ok($$ truncate auth_audit_logs $$, 'SP203', null, 'the owner''s truncate is refused');
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result) values ('role.created', 'success') $$,
  '42501', null,
  'the owner writes no entry'
);
set local role safetypin_definer;
select throws_ok($$ update auth_audit_logs set result = 'success' $$, '42501', null, 'the functions'' owner updates nothing');
select throws_ok($$ delete from auth_audit_logs $$, '42501', null, '... deletes nothing');
select throws_ok($$ truncate auth_audit_logs $$, '42501', null, '... and truncates nothing');
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result, xid) values ('role.created', 'success', 1) $$,
  '42501', null,
  '... it writes entries, but not in which transaction'
);
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result, recorded_at) values ('role.created', 'success', now()) $$,
  '42501', null,
  '... not when'
);
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result, seq) overriding system value values ('role.created', 'success', 1) $$,
  '42501', null,
  '... and not in which place'
);
select tests.act_as_superuser();
select throws_ok($$ update auth_audit_logs set result = 'success' $$, 'SP203', null, 'a superuser''s update is refused');
select throws_ok($$ delete from auth_audit_logs $$, 'SP203', null, '... so is a delete');
select throws_ok($$ truncate auth_audit_logs $$, 'SP203', null, '... and a truncate');
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result, seq) values ('role.created', 'success', 1) $$,
  '428C9', null,
  'the place of an entry is always the server''s to say'
);
set local session_replication_role = replica;
select throws_ok($$ update auth_audit_logs set result = 'success' $$, 'SP203', null, 'an update that says it is a replica''s is refused too');
select throws_ok($$ truncate auth_audit_logs $$, 'SP203', null, '... and so is such a truncate');
set local session_replication_role = origin;


-- The same of a single month
select set_config('tests.month', 'auth_audit_logs' || to_char(now() at time zone 'UTC', '_YYYY_MM'), true);
select tests.act_as('ann', 'acme');
select throws_ok(
  format('select id from %I', current_setting('tests.month')),
  '42501', null,
  'ann does not read around the fence, from a month directly'
);
select tests.act_as_auditor();
select throws_ok(
  format('select id from %I', current_setting('tests.month')),
  '42501', null,
  'an auditor reads the whole and not the parts'
);
select tests.act_as_owner();
select is_empty(
  format($$ update %I set result = 'success' returning id $$, current_setting('tests.month')),
  'the owner''s update of a month finds no row'
);
select is_empty(
  format($$ delete from %I returning id $$, current_setting('tests.month')),
  'the owner''s delete finds none'
);
select throws_ok(
  format('truncate %I', current_setting('tests.month')),
  'SP203', null,
  'the owner''s truncate of a month is refused'
);
select tests.act_as_superuser();
select throws_ok(
  format($$ update %I set result = 'success' $$, current_setting('tests.month')),
  'SP203', null,
  'a superuser''s update of a month is refused'
);
select throws_ok(
  format($$ delete from %I $$, current_setting('tests.month')),
  'SP203', null,
  '... so is a delete'
);
select throws_ok(
  format($$ truncate %I $$, current_setting('tests.month')),
  'SP203', null,
  '... and a truncate'
);


-- What cannot be recorded does not happen
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result) values ('role.dreamt', 'success') $$,
  '23503', null,
  'what is recorded has a name in event_types'
);
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result) values ('role.created', 'denied') $$,
  '23514', null,
  'what was refused says why'
);
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result, user_agent) values ('role.created', 'success', E'a\nb') $$,
  '23514', null,
  'a user agent is one line'
);
select throws_ok(
  $$ insert into auth_audit_logs (event_type, result, additional_data) values ('role.created', 'success', '[]') $$,
  '23514', null,
  'what more is said is an object'
);
do $$
begin
  execute format('alter table auth_audit_logs detach partition %I', current_setting('tests.month'));
end;
$$;
select tests.act_as('ann', 'acme');
select throws_ok(
  $$ select create_role('Unrecorded') $$,
  '23514', null,
  'where there is no month to record it in, ann makes no role'
);
select is_empty($$ select id from roles where name = 'Unrecorded' $$, '... and none was made');

select finish();
rollback;
