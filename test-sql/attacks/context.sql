-- Who is asking is not what a caller says. Every way of saying it is tried here.
begin;
select plan(30);

select tests.two_organizations();

-- A key of another cell, of the right shape: what its owner could sign.
create temporary table foreign_key as
select gen_random_uuid() as id, gen_random_bytes(64) as secret;
grant select on foreign_key to public;

create function tests.context_of(p_key uuid, p_secret bytea, p_name text, p_organization text) returns text
language sql volatile security definer set search_path from current as $$
  select payload || '#' || _context_mac(p_secret, payload)
  from concat(
    p_key, '|', tests.user_id(p_name), '|', tests.organization_id(p_organization), '|', gen_random_uuid(), '|3'
  ) as payload
$$;

-- What the caller sees after saying who they are.
create function tests.sees_as(p_context text) returns bigint language plpgsql as $$
begin
  perform set_config('safetypin.context', p_context, true);
  return (select count(*) from users) + (select count(*) from organizations);
end;
$$;
grant execute on all functions in schema tests to public;

-- Nobody, and in every way of being nobody.
select tests.act_as_nobody();
select is(current_user_id(), null, 'nobody is nobody');
select is(current_assurance_level(), 0::smallint, 'of no assurance');
select is_empty(
  $$
    select from users union all select from organizations union all select from organization_users
    union all select from organization_domains union all select from sessions
    union all select from auth_audit_logs union all select from access_attempt_logs
    union all select from data_change_logs union all select from security_alerts
    union all select from user_roles union all select from published_users
    union all select from session_activities
    union all select from roles where organization_id is not null
    union all select from password_policies where organization_id is not null
  $$,
  'and sees no row of anybody'
);
update users set first_name = 'Mine';
update organizations set name = 'Mine';
update password_policies set min_length = 64;
select tests.act_as_superuser();
select is_empty(
  $$ select from users where first_name = 'Mine' union all select from organizations where name = 'Mine' $$,
  'and changes none'
);
select is_empty('select from password_policies where min_length = 64', 'also none of the cell''s');
select tests.act_as_nobody();
select throws_ok(
  $$ insert into password_policies (organization_id) values (null) $$, '42501', null, 'and makes none'
);
select throws_ok($$ select create_organization('mine', 'Mine') $$, 'SP102', null, 'and founds nothing');


-- Said by hand.
select is(tests.sees_as(''), 0::bigint, 'an empty context shows nothing');
select is(tests.sees_as(' '), 0::bigint, 'nor a blank one');
select is(tests.sees_as('|||||'), 0::bigint, 'nor one of bars');
select is(tests.sees_as('null'), 0::bigint, 'nor a word');
select is(tests.sees_as(tests.organization_id('acme')::text), 0::bigint, 'nor the id of an organization');
select is(
  tests.sees_as(concat('|', tests.user_id('ann'), '|', tests.organization_id('acme'), '||3|')),
  0::bigint, 'nor ann''s without key and signature'
);
select is(
  tests.sees_as(concat('|', tests.user_id('ann'), '|', tests.organization_id('acme'), '||3#', repeat('0', 64))),
  0::bigint, 'nor with a signature of noughts'
);
select is(
  (
    select count(*)
    from set_config('safetypin.context', tests.organization_id('acme')::text, true), users
  ),
  0::bigint, 'nor inside the very statement that reads'
);
select is_empty(
  $$
    select from organizations
    where set_config('safetypin.context', concat('|||', id, '|'), true) is not null
  $$,
  'nor row by row'
);

-- Signed with a key, but not of this cell.
select is(
  (select tests.sees_as(tests.context_of(id, secret, 'ann', 'acme')) from foreign_key),
  0::bigint, 'a context signed with another cell''s key shows nothing'
);
select tests.act_as('zoe', 'zenith');
select is(
  (
    select tests.sees_as(
      tests.context_of(split_part(current_setting('safetypin.context'), '|', 1)::uuid, secret, 'ann', 'acme')
    )
    from foreign_key
  ),
  0::bigint, 'nor under the name of this cell''s key'
);

-- One's own, altered.
select tests.act_as('zoe', 'zenith');
select is(tests.sees_as(current_setting('safetypin.context')), 2::bigint, 'zoe''s own context shows what is zoe''s');
select is(
  tests.sees_as(replace(
    current_setting('safetypin.context'), tests.organization_id('zenith')::text, tests.organization_id('acme')::text
  )),
  0::bigint, 'and nothing with acme in zenith''s place'
);
select tests.act_as('zoe', 'zenith');
select is(
  tests.sees_as(replace(
    current_setting('safetypin.context'), tests.user_id('zoe')::text, tests.user_id('ann')::text
  )),
  0::bigint, 'nor with ann in zoe''s'
);
select tests.act_as('zoe', 'zenith');
select is(
  tests.sees_as(regexp_replace(current_setting('safetypin.context'), '[|]1#', '|3#')),
  0::bigint, 'nor at a higher assurance'
);
select tests.act_as('zoe', 'zenith');
select is(
  tests.sees_as(current_setting('safetypin.context') || 'a'),
  0::bigint, 'nor with a letter more'
);
select tests.act_as('zoe', 'zenith');
select is(
  tests.sees_as(upper(current_setting('safetypin.context'))),
  0::bigint, 'nor in capitals'
);

-- The functions that write it, sign it and know the keys.
select tests.act_as('zoe', 'zenith');
select throws_ok(
  $$ select _set_context(tests.user_id('ann'), tests.organization_id('acme'), gen_random_uuid(), 3::smallint) $$,
  '42501', null, 'zoe does not have a context written'
);
select throws_ok($$ select _context_mac('\x00', '') $$, '42501', null, 'nor signed');
select throws_ok(
  $$ select _open_session(tests.user_id('ann'), null, sha256('a'), null, 3::smallint, '{password}', true, null, null, null) $$,
  '42501', null, 'nor a session opened'
);
select is_empty(
  $$
    select oid::regprocedure
    from pg_proc
    where pronamespace = current_schema()::regnamespace
      and (proname like '\_%' or prorettype = 'trigger'::regtype)
      and (
        has_function_privilege(tests.login('app'), oid, 'execute')
        or has_function_privilege(tests.login('operator'), oid, 'execute')
        or has_function_privilege(tests.login('auditor'), oid, 'execute')
        or has_function_privilege(tests.login('monitor'), oid, 'execute')
        or has_function_privilege(tests.login('backup'), oid, 'execute')
      )
  $$,
  'no login calls a function that is for functions of ours'
);

-- Planted: the naive context, which is what the caller says; and the real key.
select tests.act_as_superuser();
create table naive_notes (organization_id uuid, note text);
alter table naive_notes enable row level security;
create policy tenant_fence on naive_notes
  using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);
insert into naive_notes values (tests.organization_id('acme'), 'acme''s');
grant select on naive_notes to public;
select tests.act_as('zoe', 'zenith');
select results_eq(
  $$
    select note
    from naive_notes
    where (select set_config('app.organization_id', tests.organization_id('acme')::text, true)) is not null
  $$,
  array['acme''s'],
  'a context that is what the caller says is forged inside one select'
);
select tests.act_as_superuser();
create temporary table stolen_key as
select id, secret from context_keys where purpose = 'context' and retired_time is null;
grant select on stolen_key to public;
select tests.act_as('zoe', 'zenith');
select cmp_ok(
  (select tests.sees_as(tests.context_of(id, secret, 'ann', 'acme')) from stolen_key), '>', 2::bigint,
  'and whoever had this cell''s key could forge ours, so these tests forge it right'
);

select finish();
rollback;
