-- A key that is unique, a key that points somewhere and a conflict all answer
-- whether a row is there. Across organizations they must answer nothing.
begin;
select plan(27);

select tests.two_organizations();
insert into organization_domains (organization_id, domain, verified_time)
values (tests.organization_id('zenith'), 'zenith.example', now());
insert into password_policies (organization_id) values (tests.organization_id('zenith'));

create function tests.error_of(p_sql text) returns text language plpgsql as $$
declare
  v_message text;
  v_constraint text;
begin
  execute p_sql;
  return 'none';
exception when others then
  get stacked diagnostics v_message = message_text, v_constraint = constraint_name;
  return sqlstate || ' ' || v_message || ' ' || v_constraint;
end;
$$;
grant execute on function tests.error_of(text) to public;

select tests.act_as('ann', 'acme');

-- Zenith has a policy of its own, and the organization with this id does not exist.
select throws_ok(
  $$ insert into password_policies (organization_id) values (tests.organization_id('zenith')) $$,
  '42501', null,
  'ann makes no policy for zenith, which has one'
);
select is(
  tests.error_of($$ insert into password_policies (organization_id) values (tests.organization_id('zenith')) $$),
  tests.error_of($$ insert into password_policies (organization_id) values (tests.organization_id('nobody')) $$),
  'and is refused in the same words where there is no such organization'
);
select throws_ok(
  $$
    insert into password_policies (organization_id) values (tests.organization_id('zenith'))
    on conflict (organization_id) do nothing
  $$,
  '42501', null,
  'on conflict do nothing tells her as little'
);
select throws_ok(
  $$
    insert into password_policies (organization_id) values (tests.organization_id('zenith'))
    on conflict (organization_id) do update set min_length = 64
  $$,
  '42501', null,
  'and on conflict do update changes nothing'
);
select throws_ok(
  $$ insert into users (email, first_name, last_name) values ('zoe@example.com', 'Z', 'Z') $$, '42501', null,
  'ann tries no address by inserting it'
);
select throws_ok(
  $$ insert into organizations (slug, name) values ('zenith-0000', 'Zenith') $$, '42501', null,
  'nor a slug'
);
select throws_ok(
  $$ insert into organization_domains (organization_id, domain) values (tests.organization_id('acme'), 'zenith.example') $$,
  '42501', null,
  'nor a domain'
);
select throws_ok(
  $$ update users set email = 'zoe@example.com' $$, '42501', null,
  'nor an address by taking it'
);
select throws_ok(
  $$ update organizations set slug = 'zenith-0000' $$, '42501', null,
  'nor a slug by taking it'
);

-- Where only the cell can say what is unique, a function answers, and always the same.
select is(
  tests.error_of($$ select claim_domain('zenith.example', sha256('a')) $$),
  tests.error_of($$ select claim_domain('free.example', sha256('b')) $$),
  'ann claims a domain that zenith holds as easily as one that nobody does'
);
select is(
  (select verify_domain(sha256('wrong'))), false,
  'a wrong token proves nothing'
);
select tests.act_as_superuser();
insert into one_time_tokens (purpose, organization_domain_id, token_hash, expiration_time)
select 'verify_domain', id, sha256('right'), now() + interval '1 day'
from organization_domains
where organization_id = tests.organization_id('acme') and domain = 'zenith.example';
delete from one_time_tokens where token_hash <> sha256('right') and purpose = 'verify_domain';
select tests.act_as('ann', 'acme');
select is(
  (select verify_domain('right'::bytea)), false,
  'and the right token for a domain that zenith holds gets the same answer'
);
select is(
  tests.error_of($$ select create_organization('zenith', 'Zenith') $$), 'none',
  'ann founds a zenith of her own: a slug never clashes'
);
select is(
  tests.error_of($$ select add_member('zoe@example.com') $$),
  tests.error_of($$ select add_member('nobody@example.com') $$),
  'ann invites zoe as she invites nobody'
);
select is_empty(
  $$ select from organization_users where user_id in (tests.user_id('zoe')) $$,
  'and does not see that zoe was there to be invited'
);

select tests.act_as_nobody();
select is(
  tests.error_of($$
    select tests.register_user(
      gen_random_uuid(), 'zoe@example.com', 'Z', 'Z', tests.password_digest(), tests.history_digest(),
      (read_password_policy()).version
    )
  $$),
  tests.error_of($$
    select tests.register_user(
      gen_random_uuid(), 'new@example.com', 'N', 'N', tests.password_digest(), tests.history_digest(),
      (read_password_policy()).version
    )
  $$),
  'whoever registers learns nothing from the answer'
);
select is(
  tests.error_of($$ select request_password_reset('zoe@example.com') $$),
  tests.error_of($$ select request_password_reset('nobody@example.com') $$),
  'nor who asks for a reset'
);
select is(
  tests.error_of($$ select request_email_verification('zoe@example.com') $$),
  tests.error_of($$ select request_email_verification('nobody@example.com') $$),
  'nor who asks for a verification'
);

select is(
  tests.error_of($$ select request_password_reset(null) $$),
  tests.error_of($$ select request_email_verification(null) $$),
  'nor is nobody''s address a special one'
);

-- What is wrong, what comes of it for zoe's address, and for nobody's.
select tests.act_as_superuser();
create table tests.registrations as
select
  wrong,
  format(
    'select tests.register_user(%L, %%L, %L, %L, %L, %L, %s)',
    id, first_name, 'Example', digest, history, version
  ) as call
from (
  values
    (1, 'nothing', gen_random_uuid(), 'Z', tests.password_digest(), tests.history_digest(), '(read_password_policy()).version'),
    (2, 'an id that is taken', tests.user_id('bob'), 'Z', tests.password_digest(), tests.history_digest(), '(read_password_policy()).version'),
    (3, 'a name that is none', gen_random_uuid(), '', tests.password_digest(), tests.history_digest(), '(read_password_policy()).version'),
    (4, 'rules of yesterday', gen_random_uuid(), 'Z', tests.password_digest(), tests.history_digest(), '''old'''),
    (5, 'a cheap digest', gen_random_uuid(), 'Z', replace(tests.password_digest(), '$12$', '$04$'), tests.history_digest(), '(read_password_policy()).version'),
    (6, 'no digest', gen_random_uuid(), 'Z', 'password', tests.history_digest(), '(read_password_policy()).version')
) as registrations (number, wrong, id, first_name, digest, history, version)
order by number;
grant select on tests.registrations to public;

select tests.act_as_nobody();
select is(
  tests.error_of(format(call, 'zoe@example.com')),
  tests.error_of(format(call, md5(wrong) || '@example.com')),
  format('whoever registers zoe''s address with %s gets the answer of a new one', wrong)
)
from (select wrong, replace(call, '%L', '%1$L') as call from tests.registrations) as registrations;

-- The same behind a fence that is right and a key that is not.
select tests.act_as_superuser();
create table naive_projects (organization_id uuid, code text unique);
alter table naive_projects enable row level security;
create policy tenant_fence on naive_projects
  using (organization_id = (select current_organization_id()));
grant select, insert on naive_projects to public;
insert into naive_projects values (tests.organization_id('zenith'), 'merger');
select tests.act_as('ann', 'acme');
select is_empty('select from naive_projects', 'ann sees no project of zenith');
select throws_ok(
  $$ insert into naive_projects values (tests.organization_id('acme'), 'merger') $$,
  '23505', null,
  'and is told by a key without a tenant that there is a merger'
);

select finish();
rollback;
