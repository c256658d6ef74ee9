-- Text that comes from people has a bound, and no control character in it: it is read
-- by others, and each change of it is kept in evidence that nobody may delete.
begin;
select plan(5);

-- What only our functions, chapters and seeds write, in words of their own or in bytes
-- of a length that follows from what they are made of.
create temporary table ours (relation text, attribute text) on commit drop;
insert into ours
values
  ('access_attempt_logs', 'additional_data'),
  ('access_attempt_logs', 'login_name'),
  ('auth_audit_logs', 'additional_data'),
  ('auth_audit_logs', 'event_type'),
  ('auth_audit_logs', 'failure_reason'),
  ('auth_audit_logs', 'login_name'),
  ('auth_audit_logs', 'resource_type'),
  ('cloud_providers', 'api_version'),
  ('cloud_providers', 'capabilities'),
  ('cloud_providers', 'display_name'),
  ('data_change_logs', 'login_name'),
  ('data_change_logs', 'new_values'),
  ('data_change_logs', 'old_values'),
  ('data_change_logs', 'table_name'),
  ('event_types', 'description'),
  ('event_types', 'functions'),
  ('event_types', 'name'),
  -- A copy of what organization_domains bounds.
  ('organizations', 'domain'),
  ('password_attempts', 'email_digest'),
  ('permissions', 'action'),
  ('permissions', 'database_role'),
  ('permissions', 'description'),
  ('permissions', 'functions'),
  ('permissions', 'name'),
  ('permissions', 'policies'),
  ('permissions', 'resource_type'),
  ('refresh_tokens', 'client_id'),
  ('refresh_tokens', 'scope'),
  ('security_alerts', 'evidence'),
  ('sessions', 'revocation_reason');
insert into ours
select relname, attname
from pg_attribute
join pg_class on pg_class.oid = attrelid
where attrelid in ('sealed_fields'::regclass, 'blind_indexes'::regclass) and attnum > 0;

create temporary table texts on commit drop as
select
  relname::text as relation,
  attname::text as attribute,
  coalesce(
    (
      select string_agg(pg_get_constraintdef(pg_constraint.oid), ' ')
      from pg_constraint
      where conrelid = pg_class.oid and contype = 'c' and attnum = any (conkey)
    ),
    ''
  ) as checks,
  has_column_privilege('safetypin_app', pg_class.oid, attnum, 'insert')
    or has_column_privilege('safetypin_app', pg_class.oid, attnum, 'update') as is_the_applications
from pg_attribute
join pg_class on pg_class.oid = attrelid
where relnamespace = current_schema()::regnamespace
  and relkind in ('r', 'p')
  and not relispartition
  and relname <> 'migrations'
  and attnum > 0
  and not attisdropped
  and attgenerated = ''
  and atttypid in ('text'::regtype, 'text[]'::regtype, 'jsonb'::regtype, 'json'::regtype, 'bytea'::regtype, 'varchar'::regtype);

select is_empty(
  $$
    select relation, attribute
    from texts
    where checks !~ '(length\(|cardinality\(| = ANY |\{[0-9]+(,[0-9]+)?\})'
      and (relation, attribute) not in (select relation, attribute from ours)
      -- A sealed one has the bound of what is sealed in it.
      and (relation, attribute) not in (select table_name, column_name from sealed_fields)
  $$,
  'each has a bound, or is written by us alone'
);
select is_empty(
  $$ select relation, attribute from texts natural join ours where is_the_applications $$,
  'what is written by us alone is granted to no application'
);
select is_empty(
  $$
    select relation, attribute
    from ours
    where (relation, attribute) not in (select relation, attribute from texts)
      and relation not in ('sealed_fields', 'blind_indexes')
  $$,
  '... and is there'
);
-- A pattern that lists what may be in it is as good as a list of what may not.
select is_empty(
  $$
    select relation, attribute
    from texts
    where (is_the_applications or attribute in ('user_agent', 'reason', 'resolution_note', 'name'))
      and checks !~ 'is_printable\(|~ ''\^'
      and (relation, attribute) not in (select relation, attribute from ours)
      and (relation, attribute) not in (select table_name, column_name from sealed_fields)
  $$,
  'what people write has no control character in it'
);
select is(
  (
    select string_agg(format('%s', code), ' ' order by code)
    from generate_series(1, 65535) as code
    where code not between 55296 and 57343
      and is_printable(chr(code)) is distinct from (_printable(chr(code)) = chr(code))
  ),
  null,
  'what is_printable() refuses is just what _printable() replaces'
);

select finish();
rollback;
