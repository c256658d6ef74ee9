-- Owning a table, owning a function, or looking through a view opens nothing.
begin;
select plan(10);

select tests.two_organizations();
select tests.act_as('zoe', 'zenith');

select tests.act_as_owner();
select is_empty(
  $$
    select from users
    union all select from organizations
    union all select from organization_users
    union all select from organization_domains
    union all select from sessions
    union all select from password_credentials
    union all select from auth_audit_logs
    union all select from data_change_logs
    union all select from user_roles
  $$,
  'the owner of the tables sees no row of any organization'
);

select tests.act_as_superuser();
alter table users no force row level security;
select tests.act_as_owner();
select isnt_empty('select from users', 'and would see them all, were it not forced');
select tests.act_as_superuser();
alter table users force row level security;

insert into roles (organization_id, name) values (tests.organization_id('acme'), 'Reader');
set local role safetypin_definer;
select is_empty(
  $$ select from roles where organization_id is not null union all select from user_roles $$,
  'the owner of the functions sees no role of an organization before one is chosen'
);
select tests.act_as_superuser();
alter table roles disable row level security;
set local role safetypin_definer;
select isnt_empty(
  $$ select from roles where organization_id is not null $$,
  'and would, were there no fence'
);
select tests.act_as_superuser();
alter table roles enable row level security;

select tests.act_as('zoe', 'zenith');
select results_eq(
  'select id from published_users',
  array[tests.user_id('zoe')],
  'zoe sees herself and nobody else through the view'
);
select throws_ok(
  'select from live_sessions', '42501', null,
  'zoe looks at no session through the view that functions use'
);

select tests.act_as_superuser();
create view naive_users as select id, email from users;
grant select on naive_users to public;
select tests.act_as('zoe', 'zenith');
select isnt_empty(
  $$ select from naive_users where id <> tests.user_id('zoe') $$,
  'a view that runs as its owner shows her everybody'
);

-- Whoever may define functions shows themselves what the conditions of a view
-- hide, unless the view is a barrier.
select tests.act_as_superuser();
create function tests.tell(p_name text) returns boolean language plpgsql cost 0.0000001 as $$
begin
  if p_name = 'Ann' then raise exception 'seen: %', p_name using errcode = 'ZZ001'; end if;
  return true;
end;
$$;
grant execute on function tests.tell(text) to public;
create view naive_self as
  select id, first_name from users where lower(last_name || id::text) = lower('Example' || tests.user_id('zoe')::text);
grant select on naive_self to public;

select tests.act_as('zoe', 'zenith');
select throws_ok(
  'select from naive_self where tests.tell(first_name)', 'ZZ001', null,
  'a function looks past the conditions of a view that is no barrier'
);
select lives_ok(
  'select from published_users where tests.tell(first_name)',
  'and not past those of ours'
);
select throws_ok(
  'create view stolen as select * from password_credentials', '42501', null,
  'zoe makes no view of her own'
);

select finish();
rollback;
