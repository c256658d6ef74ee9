-- new_id(): a uuid of version 7, in the order of time, and never the same twice.
begin;
select plan(9);

select matches(
  new_id()::text,
  '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
  'an id carries version 7 and the variant of RFC 9562'
);
select is(
  (
    select count(*)
    from generate_series(1, 2000)
    where new_id()::text !~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
  ),
  0::bigint,
  'so do two thousand of them'
);
select is(
  (select count(distinct id) from (select new_id() as id from generate_series(1, 20000)) as ids),
  20000::bigint,
  'of twenty thousand ids no two are the same'
);

create temp table moments as
select clock_timestamp() as before, new_id() as id, clock_timestamp() as after;
select ok(
  (
    select ('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint
      between floor(extract(epoch from before) * 1000) and ceil(extract(epoch from after) * 1000)
    from moments
  ),
  'its first 48 bits are the milliseconds since 1970 at which it was made'
);
select pg_sleep(0.002);
select ok(
  new_id() > (select id from moments),
  'an id that is made later sorts later'
);

-- Who may make one.
select tests.act_as_nobody();
select lives_ok($$ select new_id() $$, 'the application makes ids before anybody is signed in');

select tests.act_as_operator();
select lives_ok($$ select new_id() $$, 'so do jobs');

select tests.act_as_auditor();
select throws_ok($$ select new_id() $$, '42501', null, 'an auditor, who writes nothing, makes none');

select tests.act_as_monitor();
select throws_ok($$ select new_id() $$, '42501', null, 'a monitor makes none either');

select finish();
rollback;
