-- A temporary table or type comes first on a path that does not say otherwise: a
-- function that trusts such a path runs what its caller put there.
begin;
select plan(12);

select tests.two_organizations();
select tests.act_as('bob', 'acme');

select throws_ok('create temporary table users (id uuid)', '42501', null, 'bob makes no temporary table');
select throws_ok('create temporary view users as select 1', '42501', null, 'nor a temporary view');
select throws_ok('create domain pg_temp.text as pg_catalog.text', '42501', null, 'nor a temporary type');
select throws_ok(
  'create function pg_temp.lower(text) returns text language sql return null', '42501', null,
  'nor a temporary function'
);
select throws_ok('create temporary sequence mine', '42501', null, 'nor a sequence');
select throws_ok('create domain text as pg_catalog.text', '42501', null, 'nor a type in the cell');

-- Should a DBA give temporary tables back, our functions still look elsewhere.
select tests.act_as_superuser();
do $$ begin execute format('grant temporary on database %I to safetypin_app', current_database()); end $$;
create function naive_count_members() returns bigint
  language plpgsql security definer set search_path = safetypin
as $$ begin return (select count(*) from organization_users where role = 'owner'); end $$;
do $$ begin execute format('alter function naive_count_members() set search_path = %I', current_schema()); end $$;
create function naive_shout(p_word text) returns boolean
  language plpgsql security definer set search_path = ''
as $$ declare v_word text := p_word; begin return v_word is not null; end $$;
grant execute on function naive_count_members() to public;
grant execute on function naive_shout(pg_catalog.text) to public;

select tests.act_as('bob', 'acme');
create temporary table organization_users as
select organization_id, user_id, 'owner'::text as role, 'active'::text as status, '-infinity'::timestamptz as sessions_valid_from
from organization_users;
grant all on organization_users to public;
create function pg_temp.take_note(p_word pg_catalog.text) returns boolean language plpgsql as $$
begin
  if current_user not like '%\_login' then
    raise exception 'ran as %', current_user using errcode = 'ZZ001';
  end if;
  return true;
end;
$$;
grant execute on function pg_temp.take_note(pg_catalog.text) to public;
create domain pg_temp.text as pg_catalog.text check (pg_temp.take_note(value));

select is(has_permission('members.manage'), false, 'bob does not become an owner by a table of his own');
select throws_ok(
  $$ select set_member_role(tests.user_id('amy'), 'member') $$, 'SP201', null,
  'nor may what owners may'
);
select lives_ok($$ select record_denial('users.list', 'SP201') $$, 'no function of ours meets his type');
select results_eq(
  'select slug, role from list_own_organizations()',
  $$ values ('acme-0000'::pg_catalog.text, 'member'::pg_catalog.text) $$,
  'and they still read the real tables'
);

select isnt(
  naive_count_members(), 2::bigint,
  'a function whose path does not end in pg_temp counts the rows of bob''s table'
);
select throws_ok(
  $$ select naive_shout('x'::pg_catalog.text) $$, 'ZZ001', null,
  'and one with an empty path runs his code as its owner'
);

select finish();
rollback;
