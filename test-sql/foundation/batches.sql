-- Every sweep takes a batch of a size that makes sense: a limit of null is none at all,
-- and would lock whatever there is.
begin;

create temporary table sweeps on commit drop as
select proname::text as name, pronargs = 2 as keeps
from pg_proc
where pronamespace = current_schema()::regnamespace
  and proargnames[1] = 'p_batch'
  and proname ~ '^(sweep|move)_';
grant select on sweeps to public;

select plan(2 + (6 * count(*) + 3 * count(*) filter (where keeps))::integer) from sweeps;

select ok((select count(*) from sweeps) >= 5, 'there are sweeps');
select is_empty(
  $$
    select proname
    from pg_proc
    where pronamespace = current_schema()::regnamespace
      and 'p_batch' = any (proargnames)
      and proname not in ('_require_batch', 'take_messages', 'end_sessions')
      and proname not in (select name from sweeps)
  $$,
  '... and nothing else that takes a batch'
);

select tests.act_as_operator();
select throws_ok(
  format('select %I(%s)', name, batch), 'SP504', null,
  format('%s() takes no batch of %s', name, batch)
)
from sweeps cross join unnest(array['null', '0', '-1', '100001']) as batch
order by name, batch;
select lives_ok(
  format('select %I(%s)', name, batch),
  format('%s() takes one of %s', name, batch)
)
from sweeps cross join unnest(array[1, 100000]) as batch
order by name, batch;
select throws_ok(
  format('select %I(1, %L)', name, keep), 'SP504', null,
  format('%s() keeps nothing for %s', name, coalesce(keep, 'null'))
)
from sweeps cross join unnest(array['-1 second', '100000000 years', null]) as keep
where keeps
order by name, keep;

select finish();
rollback;
