-- Large objects live outside every schema and every policy: so nothing of ours is
-- ever in one, and the server's files stay the server's.
begin;
select plan(8);

select tests.two_organizations();

select is_empty('select oid from pg_largeobject_metadata', 'nothing of ours is in a large object');
select is_empty(
  $$
    select oid::regprocedure
    from pg_proc
    where pronamespace = current_schema()::regnamespace
      and case prokind when 'f' then pg_get_functiondef(oid) end ~* '\m(lo_\w+|loread|lowrite)\s*\('
  $$,
  'no function of ours makes one'
);
select lo_from_bytea(4711, 'the superuser''s');

select tests.act_as('zoe', 'zenith');
select throws_ok('select lo_get(4711)', '42501', null, 'zoe reads none of others'' by number');
select throws_ok($$ select lo_put(4711, 0, 'hers') $$, '42501', null, 'nor writes one');
select throws_ok('select data from pg_largeobject', '42501', null, 'nor reads the table they are in');
select throws_ok($$ select lo_import('/etc/passwd') $$, '42501', null, 'nor brings a file of the server in');
select throws_ok($$ select lo_export(4711, '/tmp/exported') $$, '42501', null, 'nor writes one out');

select tests.act_as_superuser();
grant select on large object 4711 to safetypin_app;
select tests.act_as('zoe', 'zenith');
select is(
  lo_get(4711), 'the superuser''s'::bytea,
  'granted, it is read in whatever organization: no row-level security holds there'
);

select finish();
rollback;
