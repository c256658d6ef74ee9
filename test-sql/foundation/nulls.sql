-- Nulls: what has to be given is asked for by its name, and no constraint of a table
-- that the caller never heard of answers in its place.
begin;
select plan(21);

select tests.two_organizations();

select tests.act_as('ann', 'acme');
select throws_ok($$ select create_organization(null, 'Acme') $$, 'SP509', 'slug is missing', 'founding takes a slug');
select throws_ok($$ select create_organization('acme', null) $$, 'SP509', 'name is missing', '... a name');
select throws_ok($$ select create_organization('acme', 'Acme', null) $$, 'SP509', 'organization_id is missing', '... and an id, if one is passed');
select throws_ok($$ select create_role(null) $$, 'SP509', 'name is missing', 'a role has a name');
select throws_ok($$ select create_role('Nurse', null) $$, 'SP509', 'description is missing', '... and a description, if one is passed');
select throws_ok($$ select create_role('Nurse', '', null) $$, 'SP509', 'role_id is missing', '... and an id');
select lives_ok($$ select create_role('Nurse', p_role_id => md5('role:nurse')::uuid) $$, 'ann makes one');
select throws_ok($$ select update_role(md5('role:nurse')::uuid, null, '') $$, 'SP509', 'name is missing', 'its name is not taken away');
select throws_ok($$ select update_role(md5('role:nurse')::uuid, 'Nurse', null) $$, 'SP509', 'description is missing', '... nor its description');
select throws_ok($$ select update_role(null, null, null) $$, 'SP306', null, 'of no role there is nothing to say');
select throws_ok($$ select claim_domain(null, sha256('token')) $$, 'SP509', 'domain is missing', 'a claim names a domain');
select throws_ok($$ select claim_domain('acme.example', null) $$, 'SP509', 'token_hash is missing', '... and what proves it');
select throws_ok($$ select set_session_data(null) $$, 'SP509', 'session_data is missing', 'a session''s data is an object, perhaps an empty one');

-- Whoever may not is told that, whatever they pass.
select tests.act_as('bob', 'acme');
select throws_ok($$ select create_role(null) $$, 'SP201', null, 'bob, who may not make roles, is told that');
select throws_ok($$ select claim_domain(null, null) $$, 'SP201', null, '... nor claim domains');
select tests.act_as_nobody();
select throws_ok($$ select create_organization(null, null) $$, 'SP102', null, 'nobody is told that they are nobody');
select tests.unlock();
select throws_ok($$ select begin_password_check(null) $$, 'SP509', 'email is missing', 'signing in begins with an address');

select tests.act_as_operator();
select throws_ok(
  $$ select set_subscription(tests.organization_id('acme'), null, 5) $$, 'SP509', 'subscription_tier is missing',
  'a subscription has a tier'
);
select lives_ok($$ select set_subscription(tests.organization_id('acme'), 'standard', null) $$, '... and any number of members');

-- Every function that a login may call, with nothing but nulls.
select tests.act_as_superuser();
create function tests.answers_to_nulls(p_role text)
  returns table (function regprocedure, code text, said text)
  language plpgsql
as $$
begin
  for function in
    select oid
    from pg_proc
    where pronamespace = current_schema()::regnamespace
      and prokind = 'f'
      and pronargs > 0
      and has_function_privilege(p_role, oid, 'execute')
    order by oid
  loop
    begin
      execute format(
        'select %I(%s)',
        (select proname from pg_proc where oid = function),
        (
          select string_agg('null::' || format_type(type, null), ', ' order by place)
          from pg_proc, unnest(proargtypes) with ordinality as arguments (type, place)
          where pg_proc.oid = function
        )
      );
      raise triggered_action_exception;
    exception
      when triggered_action_exception then
        null;
      when others then
        code := sqlstate;
        said := sqlerrm;
        return next;
    end;
  end loop;
end;
$$;

select tests.act_as('ann', 'acme');
select is_empty(
  $$ select * from tests.answers_to_nulls('safetypin_app') where code ~ '^(23|22|42|XX)' and code <> '42501' $$,
  'no function of the application''s breaks a constraint over a null'
);
select tests.act_as_operator();
select is_empty(
  $$ select * from tests.answers_to_nulls('safetypin_operator') where code ~ '^(23|22|42|XX)' and code <> '42501' $$,
  'nor does one of the operator''s'
);

select tests.act_as_superuser();
select finish();
rollback;
