-- Evidence is written by the server's order, changed by nobody, and has room.
begin;
select plan(6);

-- Row triggers are cloned to partitions, truncate triggers made for each.
select is_empty(
  $$
    select pg_class.relname, wanted
    from pg_class
    left join pg_inherits on inhrelid = pg_class.oid
    cross join unnest(array['_500_append_only', '_500_no_truncate']) as wanted
    where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p')
      and coalesce(inhparent, pg_class.oid)::regclass::text
        in ('auth_audit_logs', 'access_attempt_logs', 'data_change_logs', 'shreddings')
      and not exists (
        select from pg_trigger
        where tgrelid = pg_class.oid
          and tgname = wanted
          and tgfoid = 'tg__append_only'::regproc
          and tgenabled = 'A'
      )
  $$,
  'every log and every partition of it refuses update, delete and truncate, always'
);

select is_empty(
  $$
    select tgrelid::regclass, tgname
    from pg_trigger
    join pg_class on pg_class.oid = tgrelid
    where relnamespace = current_schema()::regnamespace
      and tgname ~ '^_900_'
      and tgenabled <> 'A'
  $$,
  'what records changes does so always, also in a session that says it is a replica'
);

select is_empty(
  $$
    select tgrelid::regclass, tgname
    from pg_trigger
    join pg_class on pg_class.oid = tgrelid
    where relnamespace = current_schema()::regnamespace
      and not tgisinternal
      and tgname !~ '^_(100|500|900)_[a-z_]+$'
  $$,
  'a trigger prepares (100), enforces (500) or tells (900)'
);

-- Rows that people and services bring about; the others are evidence themselves,
-- are written by the minute, or die with a row that is recorded.
select is_empty(
  $$
    select relname, operation
    from pg_class
    cross join unnest(array['insert', 'update', 'delete']) as operation
    where relnamespace = current_schema()::regnamespace
      and relkind = 'r'
      and not relispartition
      and relname not in (
        'blind_indexes', 'cell_incarnations', 'cloud_providers', 'context_keys', 'digest_keys', 'event_types', 'messages', 'migrations',
        'one_time_tokens', 'password_attempts', 'password_blocklist', 'password_costs', 'password_history', 'password_history_indexes',
        'refresh_tokens', 'sealed_fields', 'security_alerts', 'session_activities', 'sessions', 'shreddings',
        'sign_in_throttles', 'subject_salts', 'user_email_indexes'
      )
      and not exists (
        select from pg_trigger
        where tgrelid = pg_class.oid and tgname = '_900_record_' || operation
      )
  $$,
  'changes of every row that people and services bring about are recorded'
);

select cmp_ok(
  count_partitions_ahead(), '>=', 2,
  'every log has partitions for at least two months beyond this one'
);

select is_empty(
  $$
    select relname
    from pg_partitioned_table
    join pg_class on pg_class.oid = partrelid
    where relnamespace = current_schema()::regnamespace
      and partdefid <> 0
  $$,
  'no log has a default partition, which would keep its month from being attached'
);

select finish();
rollback;
