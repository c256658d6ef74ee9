-- What the application was never given: to empty a table, to point at one, to hang
-- a trigger on one, to count with a sequence, to write what only functions write.
begin;
select plan(26);

select tests.two_organizations();
select tests.act_as('ann', 'acme');

select throws_ok('truncate organizations', '42501', null, 'ann empties no table');
select throws_ok('truncate auth_audit_logs', '42501', null, 'nor the evidence');
select throws_ok(
  $$ create trigger mine before update on users for each row execute function tsvector_update_trigger() $$,
  '42501', null, 'ann hangs no trigger on a table'
);
select throws_ok('create table mine (user_id uuid references users)', '42501', null, 'nor makes one that points at users');
select throws_ok('create schema mine', '42501', null, 'nor a schema to make it in');
select throws_ok('create table public.mine (id uuid)', '42501', null, 'nor one in public');
select throws_ok('create rule mine as on select to users do instead select 1', '42501', null, 'nor a rule');
select throws_ok('create policy mine on users using (true)', '42501', null, 'nor a policy');
select throws_ok('alter table users disable row level security', '42501', null, 'nor turns row-level security off');
select throws_ok('alter table users no force row level security', '42501', null, 'nor spares the owner');
select throws_ok('alter table auth_audit_logs disable trigger all', '42501', null, 'nor lets evidence be changed');
select throws_ok('drop table sessions', '42501', null, 'nor drops a table');
select throws_ok('create extension file_fdw', '42501', null, 'nor brings an extension');
select throws_ok('grant select on users to public', '42501', null, 'nor grants what is not hers');

select throws_ok($$ select nextval('clock_high_water') $$, '42501', null, 'ann moves no clock');
select throws_ok($$ select setval('clock_high_water', 1) $$, '42501', null, 'in no direction');
select throws_ok('select last_value from clock_high_water', '42501', null, 'nor reads it');
select throws_ok('select last_value from auth_audit_logs_seq_seq', '42501', null, 'a sequence does not tell her how busy others are');
select is(
  pg_sequence_last_value('auth_audit_logs_seq_seq'::regclass)::text is null
    or has_sequence_privilege('auth_audit_logs_seq_seq', 'select'),
  current_setting('server_version_num')::integer >= 170000,
  'nor does the function for it, from PostgreSQL 17 on'
) where current_setting('server_version_num')::integer >= 170000
union all
select throws_ok(
  $$ select pg_sequence_last_value('auth_audit_logs_seq_seq'::regclass) $$, '42501', null,
  'nor does the function for it, before PostgreSQL 17'
) where current_setting('server_version_num')::integer < 170000;

select throws_ok($$ insert into auth_audit_logs (event_type, result) values ('user.closed', 'success') $$, '42501', null, 'ann invents no evidence');
select throws_ok($$ update auth_audit_logs set result = 'success' $$, '42501', null, 'nor changes any');
select throws_ok('delete from auth_audit_logs', '42501', null, 'nor deletes any');
select throws_ok('select token_hash from sessions', '42501', null, 'ann reads no digest of a token, not even her own');
select throws_ok('select digest from password_credentials', '42501', null, 'nor of a password');
select throws_ok('select secret from context_keys', '42501', null, 'nor the keys');

select tests.act_as_superuser();
grant truncate on session_activities to safetypin_app;
select tests.act_as('zoe', 'zenith');
truncate session_activities;
select tests.act_as_superuser();
select is_empty(
  'select from session_activities',
  'row-level security does not bind a truncate: one grant and zoe has ended everybody''s sessions'
);

select finish();
rollback;
