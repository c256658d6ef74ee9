-- An operator that fails, or tells, must not be asked about a row before the
-- fence has been: the error itself would be the answer.
begin;
select plan(11);

select tests.two_organizations();
insert into password_policies (organization_id) values (tests.organization_id('acme'));
select tests.act_as('zoe', 'zenith');

select lives_ok(
  $$ select from users where 1 / (case when first_name = 'Ann' then 0 else 1 end) = 1 $$,
  'no division by zero tells zoe of ann'
);
select lives_ok(
  $$ select from users where (case when first_name = 'Ann' then first_name else '1' end)::integer = 1 $$,
  'nor does a cast'
);
select lives_ok(
  $$
    select from organizations
    where (case when name = 'Acme' then '[' || name else '{}' end)::jsonb is not null
  $$,
  'nor a document that cannot be read'
);
select lives_ok(
  $$
    select from organization_users
    where sqrt(case when user_id = tests.user_id('ann') then -1 else 1 end) = 1
  $$,
  'nor a root'
);
select lives_ok(
  $$
    select from sessions
    where 1 / (case when user_id = tests.user_id('ann') then 0 else 1 end) = 1
  $$,
  'nor of her sessions'
);
select lives_ok(
  $$
    update organizations set name = name
    where 1 / (case when id = tests.organization_id('acme') then 0 else 1 end) = 1
  $$,
  'nor on the way to an update'
);
select lives_ok(
  $$
    update password_policies set min_length = 64
    where 1 / (case when organization_id = tests.organization_id('acme') then 0 else 1 end) = 1
  $$,
  'nor to another one'
);
select throws_ok(
  $$ create function tell(text) returns boolean language sql return true $$, '42501', null,
  'zoe makes no function that tells what it is shown'
);
select throws_ok(
  $$ create operator === (leftarg = text, rightarg = text, function = texteq) $$, '42501', null,
  'nor an operator'
);

-- What "leakproof" would do, said of a function that is not.
select tests.act_as_superuser();
create function tests.liar(p_name text) returns boolean language plpgsql leakproof cost 0.0000001 as $$
begin
  if p_name = 'Ann' then raise exception 'seen' using errcode = 'ZZ001'; end if;
  return true;
end;
$$;
grant execute on function tests.liar(text) to public;
select tests.act_as('zoe', 'zenith');
select throws_ok(
  'select first_name from users where tests.liar(first_name)', 'ZZ001', null,
  'a function that says it is leakproof is shown ann: so none of ours says it'
);

select tests.act_as_superuser();
alter table users disable row level security;
select tests.act_as('zoe', 'zenith');
select throws_ok(
  $$ select from users where 1 / (case when first_name = 'Ann' then 0 else 1 end) = 1 $$,
  '22012', null,
  'without row-level security the division tells'
);

select finish();
rollback;
