-- PostgreSQL counts the rows that a transaction writes to each table, and shows every
-- login the counts of its own: exact, and without a clock.
begin;
select plan(11);

select tests.two_organizations();
create function tests._writes()
  returns table (relation text, counts bigint[])
  language sql
  volatile
as $$
  select relname::text, array[n_tup_ins, n_tup_upd, n_tup_del]
  from pg_stat_xact_user_tables
$$;
-- What a call writes to which table, as whoever makes it sees it.
create function tests.writes_of(p_sql text)
  returns text
  language plpgsql
as $$
declare
  v_before jsonb := (select jsonb_object_agg(relation, to_jsonb(counts)) from tests._writes());
  v_found  text;
begin
  execute p_sql;
  select string_agg(
    relation || ' ' || (counts[1] - (v_before -> relation ->> 0)::bigint)
      || ' ' || (counts[2] - (v_before -> relation ->> 1)::bigint)
      || ' ' || (counts[3] - (v_before -> relation ->> 2)::bigint),
    ', ' order by relation
  )
  into v_found
  from tests._writes()
  where to_jsonb(counts) <> v_before -> relation;
  return v_found;
end;
$$;
create function tests.registering(p_email text)
  returns text
  language sql
as $$
  select format(
    'select tests.register_user(new_id(), %L, %L, %L, %L, %L, (select version from read_password_policy()))',
    p_email, 'Some', 'Body', tests.other_password_digest(), tests.other_history_digest()
  )
$$;
grant execute on all functions in schema tests to public;

-- Who comes first of all makes the keys, whoever they are.
select tests.act_as_nobody();
select begin_password_check('first@example.com');
select is(
  tests.writes_of(format('select %s(%L)', name, tests.email('bob'))),
  tests.writes_of(format('select %s(%L)', name, 'nobody@example.com')),
  name || '() writes as much for bob as for nobody'
)
from unnest(array['begin_password_check', 'request_password_reset', 'request_email_verification']) as name;
select is(
  tests.writes_of(tests.registering(tests.email('amy'))), tests.writes_of(tests.registering('new@example.com')),
  'so does register_user()'
);
select begin_password_check(address) from unnest(array[tests.email('ann'), 'newer@example.com']) as address;
select is(
  tests.writes_of(tests.registering(tests.email('ann'))), tests.writes_of(tests.registering('newer@example.com')),
  '... of an address that was tried before, too'
);

select tests.act_as('ann', 'acme');
select is(
  tests.writes_of($$ select add_member('zoe@example.com') $$),
  tests.writes_of($$ select add_member('nobody@example.com') $$),
  'ann writes as much by inviting zoe as by inviting nobody'
);
select is(
  tests.writes_of($$ select add_member('zoe@example.com') $$),
  tests.writes_of($$ select add_member('nobody@example.com') $$),
  '... again'
);
select is(
  tests.writes_of($$ select withdraw_invitation('zoe@example.com') $$),
  tests.writes_of($$ select withdraw_invitation('nobody@example.com') $$),
  '... and by taking it back'
);
select tests.act_as_superuser();
select is((select count(*) from users), 6::bigint, 'nobody was invented for good');
select is_empty(
  $$ select from organization_users where user_id = tests.user_id('zoe') and organization_id = tests.organization_id('acme') $$,
  '... and zoe is invited no more'
);

-- The counts are there to be seen: one that only writes for somebody.
create function tests.naive_invitation(p_email text)
  returns void
  language sql
as $$
  insert into organization_users (organization_id, user_id, role, status)
  select tests.organization_id('acme'), id, 'member', 'invited' from users where id = _find_user_by_email(p_email)
$$;
select isnt(
  tests.writes_of($$ select tests.naive_invitation('zoe@example.com') $$),
  tests.writes_of($$ select tests.naive_invitation('nobody@example.com') $$),
  'an invitation that is only written for somebody would tell'
);

select finish();
rollback;
