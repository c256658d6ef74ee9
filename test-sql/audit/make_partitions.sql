-- make_partitions(): twelve months ahead, each as closed as the one before it.
begin;
select plan(33);

select tests.two_organizations();

create function pg_temp.month(p_table text, p_ahead integer)
  returns text
  language sql
as $$
  select p_table || to_char(date_trunc('month', now() at time zone 'UTC') + make_interval(months => p_ahead), '_YYYY_MM')
$$;
create function pg_temp.logs()
  returns setof text
  language sql
as $$ values ('access_attempt_logs'), ('auth_audit_logs'), ('data_change_logs') $$;


select tests.act_as_superuser();
select is_empty(
  $$
    select pg_temp.month(log, ahead)
    from pg_temp.logs() as log
    cross join generate_series(0, 12) as ahead
    where to_regclass(pg_temp.month(log, ahead)) is null
  $$,
  'from the start there is this month and twelve more, of each log'
);
select is_empty(
  $$
    select partition.relname
    from pg_inherits
    join pg_class as partition on partition.oid = pg_inherits.inhrelid
    where partition.relkind = 'r'
      and pg_get_expr(partition.relpartbound, partition.oid) = 'DEFAULT'
  $$,
  'and none is for whatever fits nowhere else'
);

-- Who may make them
select tests.act_as_operator();
select is(make_partitions(), 0, 'a job finds nothing missing');
select is(make_partitions(14), 6, 'asked for two months more, it makes them for three logs');
select is(make_partitions(14), 0, '... once');
select is(
  (select count(*) from tests.events('partitions.made') where xid = txid_current()),
  3::bigint,
  'each time is recorded'
);
select throws_ok($$ select make_partitions(1) $$, 'SP504', null, 'one month ahead is too few');
select lives_ok($$ select make_partitions(2) $$, 'two are enough');
select throws_ok($$ select make_partitions(null) $$, 'SP504', null, '... and no number is none');
select throws_ok($$ select make_partitions(121) $$, 'SP504', null, 'eleven years ahead are too many');
select tests.act_as('ann', 'acme');
select throws_ok($$ select make_partitions() $$, '42501', null, 'ann makes none, though she owns acme');
select tests.act_as('bob', 'acme');
select throws_ok($$ select make_partitions() $$, '42501', null, 'bob makes none');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select make_partitions() $$, '42501', null, 'zoe makes none');
select tests.act_as_nobody();
select throws_ok($$ select make_partitions() $$, '42501', null, 'nobody makes one');
select throws_ok(
  $$ lock table event_types in share update exclusive mode $$,
  '42501', null,
  '... nor takes the lock that would keep a job from making them'
);
select tests.act_as_auditor();
select throws_ok($$ select make_partitions() $$, '42501', null, 'an auditor makes none');


-- A month is as closed as the log it is of
select tests.act_as_superuser();
select is_empty(
  $$
    select pg_class.relname
    from pg_class
    join pg_inherits on inhrelid = pg_class.oid
    join pg_class as parent on parent.oid = inhparent
    where pg_class.relkind = 'r'
      and parent.relname in (select pg_temp.logs())
      and not (pg_class.relrowsecurity and pg_class.relforcerowsecurity)
  $$,
  'every month has row-level security, for its owner too'
);
select is_empty(
  $$
    select pg_class.relname
    from pg_class
    join pg_inherits on inhrelid = pg_class.oid
    cross join aclexplode(coalesce(relacl, acldefault('r', relowner)))
    where pg_class.relkind = 'r'
      and relnamespace = current_schema()::regnamespace
      and grantee <> relowner
      and (grantee::regrole::text, privilege_type) <> ('safetypin_backup', 'SELECT')
  $$,
  'no month is granted to anybody but dumps, which name it'
);
select is_empty(
  $$
    select pg_temp.month(log, 14)
    from pg_temp.logs() as log
    where (
      select array_agg(tgname::text || tgenabled::text order by tgname)
      from pg_trigger
      where not tgisinternal and tgrelid = to_regclass(pg_temp.month(log, 14))
    ) is distinct from case log
      when 'access_attempt_logs'
        then '{_500_append_onlyA,_500_email_is_sealedA,_500_ip_address_is_sealedA,_500_no_truncateA}'
      else '{_500_append_onlyA,_500_no_truncateA}'
    end::text[]
  $$,
  'the newest has the triggers that keep it from being changed, always'
);
select is(
  (
    select pg_get_expr(relpartbound, oid)
    from pg_class
    where oid = to_regclass(pg_temp.month('auth_audit_logs', 14))
  ),
  (
    select format(
      'FOR VALUES FROM (%L) TO (%L)',
      (date_trunc('month', now() at time zone 'UTC') + interval '14 months') at time zone 'UTC',
      (date_trunc('month', now() at time zone 'UTC') + interval '15 months') at time zone 'UTC'
    )
  ),
  'it holds one month, by UTC'
);


-- How many are ahead
select tests.act_as_monitor();
select is(count_partitions_ahead(), 14, 'a monitor counts fourteen months ahead');
select tests.act_as_nobody();
select is(count_partitions_ahead(), 14, '... and so does a health check of the application');
select tests.act_as_backup();
select throws_ok($$ select count_partitions_ahead() $$, '42501', null, 'a backup counts nothing');

-- A month of one log goes missing: that log decides.
select tests.act_as_superuser();
do $$
begin
  execute format('drop table %I', pg_temp.month('data_change_logs', 2));
end;
$$;
select tests.act_as_monitor();
select is(count_partitions_ahead(), 1, 'when one log lacks the month after next, one month is ahead');
select tests.act_as_operator();
select is(raise_operational_alerts(), 1, 'fewer than two is an alarm');
select is(raise_operational_alerts(), 0, '... that sounds once');
select tests.act_as_superuser();
select results_eq(
  $$ select alert_type, severity, organization_id, evidence from security_alerts $$,
  $$ values ('partitions_running_out', 'critical', null::uuid, '{"months_ahead": 1}'::jsonb) $$,
  'it is critical, the cell''s, and says how many are left'
);
select tests.act_as_operator();
select is(make_partitions(), 1, 'the job makes what is missing, and nothing else');
select is(count_partitions_ahead(), 14, '... and all are there again');


-- Without this month there is no work
select tests.act_as_superuser();
do $$
begin
  execute format('alter table auth_audit_logs detach partition %I', pg_temp.month('auth_audit_logs', 0));
end;
$$;
select tests.act_as('ann', 'acme');
select throws_ok($$ select create_role('Night shift') $$, '23514', null, 'in a month that was not made ann makes no role');
select throws_ok($$ select create_organization('second', 'Second') $$, '23514', null, '... and founds nothing');
select tests.act_as_nobody();
select throws_ok(
  $$ select tests.sign_in('bob') $$,
  '23514', null,
  '... and nobody signs in'
);
select is_empty($$ select id from tests.events('role.created') $$, 'nothing was recorded');

select finish();
rollback;
