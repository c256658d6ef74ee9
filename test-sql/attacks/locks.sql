-- A lock on a whole table stops everybody, until whoever holds it is done. To take
-- one needs no more than the right to delete from it: so no login has that right.
begin;
select plan(5);

select tests.two_organizations();

create function tests.locked_by_caller() returns setof text language plpgsql as $$
declare
  v_table text;
  v_mode  text;
begin
  for v_table, v_mode in
    select relname, mode
    from pg_class
    cross join unnest(array[
      'row exclusive', 'share update exclusive', 'share', 'share row exclusive', 'exclusive', 'access exclusive'
    ]) as mode
    where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p', 'v')
      and not relispartition
  loop
    begin
      execute format('lock table %I in %s mode', v_table, v_mode);
      return next v_table || ' in ' || v_mode || ' mode';
    exception when insufficient_privilege then null;
    end;
  end loop;
end;
$$;
grant execute on function tests.locked_by_caller() to public;

select tests.act_as('ann', 'acme');
select is_empty('select * from tests.locked_by_caller()', 'ann, who owns acme, locks no table');
select tests.act_as_operator();
select is_empty('select * from tests.locked_by_caller()', 'nor does a job');
select tests.act_as_auditor();
select is_empty('select * from tests.locked_by_caller()', 'nor an auditor');
select tests.act_as_backup();
select is_empty('select * from tests.locked_by_caller()', 'nor a backup, but for reading');

select tests.act_as_superuser();
grant delete on password_policies to safetypin_app;
select tests.act_as('ann', 'acme');
select isnt_empty(
  $$ select locked from tests.locked_by_caller() as locked where locked = 'password_policies in access exclusive mode' $$,
  'with one right to delete she would keep everybody from signing in'
);

select finish();
rollback;
