-- What the planner knows of everybody's rows, and what it says of it. That a plan
-- counts the rows it discarded is PostgreSQL's own (see the docs): a number, no value.
begin;
select plan(13);

select tests.two_organizations();
insert into users (id, email, first_name, last_name, job_title)
select md5('many' || n)::uuid, _seal_email(md5('many' || n)::uuid, 'many' || n || '@example.com'), 'Many', 'Example', 'surgeon'
from generate_series(1, 500) as n;
analyze users;
analyze organization_users;
analyze sessions;

create function tests.plan_of(p_sql text) returns text language plpgsql as $$
declare
  v_line text;
  v_plan text := '';
begin
  for v_line in execute 'explain (verbose, costs) ' || p_sql loop
    v_plan := v_plan || v_line || chr(10);
  end loop;
  return v_plan;
end;
$$;
create function tests.rows_expected(p_sql text) returns text language sql
  return substring(tests.plan_of(p_sql) from 'rows=(\d+)');
grant execute on function tests.plan_of(text), tests.rows_expected(text) to public;

select isnt_empty(
  $$
    select from pg_stats
    where schemaname = current_schema() and tablename = 'users' and attname = 'job_title'
      and most_common_vals::text like '%surgeon%'
  $$,
  'the statistics know that many are surgeons'
);

select tests.act_as('zoe', 'zenith');
select is_empty(
  $$ select from pg_stats where schemaname = current_schema() and tablename in ('users', 'organization_users', 'sessions') $$,
  'zoe is shown no statistics of tables with row-level security'
);
select throws_ok('select from pg_statistic', '42501', null, 'nor those they are made from');
select throws_ok('select stxdndistinct from pg_statistic_ext_data', '42501', null, 'nor extended ones');
select throws_ok('select from pg_authid', '42501', null, 'nor the passwords of logins');
select throws_ok($$ create statistics mine on email, job_title from users $$, '42501', null, 'zoe makes no statistics');
select throws_ok($$ select pg_read_file('PG_VERSION') $$, '42501', null, 'and reads no file of the server');
select lives_ok('analyze users', 'asking for an analysis of users does nothing: it warns');

select unalike(
  tests.plan_of('select email from users'), '%@example.com%',
  'a plan names no address'
);
select is(
  tests.rows_expected($$ select from users where job_title like 'surg%' $$),
  tests.rows_expected($$ select from users where job_title like 'dent%' $$),
  'a plan expects as many surgeons as dentists'
);
select is(
  tests.rows_expected($$ select from users where lower(last_name) > 'm' $$),
  tests.rows_expected($$ select from users where lower(last_name) > 'zz' $$),
  'and as many names on either side of a letter'
);

select tests.act_as_superuser();
select isnt(
  tests.rows_expected($$ select from users where job_title like 'surg%' $$),
  tests.rows_expected($$ select from users where job_title like 'dent%' $$),
  'whoever row-level security does not bind is told the difference'
);
alter table users disable row level security;
select tests.act_as('zoe', 'zenith');
select isnt_empty(
  $$ select from pg_stats where schemaname = current_schema() and tablename = 'users' and attname = 'job_title' $$,
  'and zoe, were it not there, the values'
);

select finish();
rollback;
