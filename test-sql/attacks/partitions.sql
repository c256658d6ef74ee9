-- A partition is a table too: whoever names it must not get around its parent.
begin;
select plan(7);

-- Autovacuum keeps off what is locked; it would wait for the grant below, and the change
-- of the table after it would wait for autovacuum.
lock table auth_audit_logs in access exclusive mode;

select tests.two_organizations();
create function tests.this_month(p_table text) returns text language sql stable
  return quote_ident(p_table || to_char(now() at time zone 'UTC', '_YYYY_MM'));
grant execute on function tests.this_month(text) to public;

select tests.act_as('ann', 'acme');
select record_denial('users.list', 'SP201');
select isnt_empty(
  $$ select from auth_audit_logs where event_type = 'access.denied' $$,
  'ann, who owns acme, reads its events'
);

select tests.act_as('zoe', 'zenith');
select is_empty(
  $$ select from auth_audit_logs where event_type = 'access.denied' $$,
  'zoe, who owns zenith, does not'
);
select throws_ok(
  'select from ' || tests.this_month('auth_audit_logs'), '42501', null,
  'zoe is refused the events'' partition by its name'
);
select throws_ok(
  'select from ' || tests.this_month('access_attempt_logs'), '42501', null,
  'and the attempts'''
);
select throws_ok(
  'select from ' || tests.this_month('data_change_logs'), '42501', null,
  'and the changes'''
);

-- Two locks: somebody who grants a partition by mistake opens nothing yet.
select tests.act_as_superuser();
do $$ begin execute 'grant select on ' || tests.this_month('auth_audit_logs') || ' to safetypin_app'; end $$;
select tests.act_as('zoe', 'zenith');
select is_empty(
  'select from ' || tests.this_month('auth_audit_logs'),
  'a grant on the partition alone shows zoe no row'
);

select tests.act_as_superuser();
do $$ begin execute 'alter table ' || tests.this_month('auth_audit_logs') || ' disable row level security'; end $$;
select tests.act_as('zoe', 'zenith');
select isnt_empty(
  'select from ' || tests.this_month('auth_audit_logs'),
  'without row-level security of its own the partition shows her what ann did'
);

select finish();
rollback;
