-- Where bills go and whom to ask: sealed under the organization's own key, written by
-- whoever may describe it, read by its members and opened nowhere else.
begin;
select plan(44);

select tests.two_organizations();

-- Without a key
select tests.act_as('ann', 'acme');
select lives_ok($$ select set_billing_email(null) $$, 'what is not said takes no key');
select throws_ok(
  $$ select set_billing_email('bills@acme.test') $$, 'SP321', null, 'an organization without a key seals nothing'
);
select tests.unlock('acme');
select tests.unlock('zenith');

-- Who writes them
select tests.act_as('ann', 'acme');
select lives_ok($$ select set_billing_email('bills@acme.test') $$, 'ann, the owner, says where bills go');
select lives_ok($$ select set_technical_contact_email('it@acme.test') $$, '... and whom to ask');
select tests.act_as('amy', 'acme');
select lives_ok($$ select set_technical_contact_email('helpdesk@acme.test') $$, 'amy, an administrator, says so anew');
select tests.act_as('bob', 'acme');
select throws_ok($$ select set_billing_email('bob@acme.test') $$, 'SP201', null, 'bob, a member, says nothing of bills');
select throws_ok($$ select set_technical_contact_email(null) $$, 'SP201', null, '... and takes nothing back');
select tests.act_as('zoe', 'zenith');
select lives_ok($$ select set_billing_email('bills@zenith.test') $$, 'zoe says so of zenith');
select lives_ok($$ select set_technical_contact_email('it@zenith.test') $$, '... and whom to ask there');
select tests.act_as('zoe');
select throws_ok($$ select set_billing_email('a@b.test') $$, 'SP103', null, '... and of nothing before she chose');
select tests.act_as_nobody();
select throws_ok($$ select set_billing_email('a@b.test') $$, 'SP102', null, 'nobody says anything');
select throws_ok($$ select set_technical_contact_email('a@b.test') $$, 'SP102', null, '... of anybody');
select tests.act_as_operator();
select throws_ok($$ select set_billing_email('a@b.test') $$, '42501', null, 'a job does not either');
select tests.act_as_auditor();
select throws_ok($$ select billing_email from organizations $$, '42501', null, 'an auditor reads not even what is sealed');
select tests.act_as_superuser();
select is(
  (select count(*) from tests.events('organization.contact_set') where organization_id = tests.organization_id('acme')),
  4::bigint,
  'each of these is an event'
);
select is_empty(
  $$ select from auth_audit_logs where additional_data::text like '%acme.test%' $$, '... that does not say what was said'
);
select is_empty(
  $$ select from data_change_logs where coalesce(new_values, '{}')::text like '%acme.test%' $$, '... and neither do changes'
);

-- What is kept of them
select is_empty(
  $$
    select from organizations
    where position('acme.test'::bytea in billing_email || technical_contact_email) > 0
  $$,
  'nothing of an address is in its column'
);

-- Who reads them
select tests.act_as_superuser();
create function pg_temp.contacts() returns text[] language sql
  as $$
    select array[
      (open_fields(3, array[id], array[billing_email]))[1],
      (open_fields(4, array[id], array[technical_contact_email]))[1]
    ]
    from organizations
  $$;
select tests.act_as('ann', 'acme');
select is(pg_temp.contacts(), '{bills@acme.test,helpdesk@acme.test}', 'ann reads both');
select tests.act_as('bob', 'acme');
select is(pg_temp.contacts(), '{bills@acme.test,helpdesk@acme.test}', 'bob, a member, too');
select tests.act_as('zoe', 'zenith');
select is(pg_temp.contacts(), '{bills@zenith.test,it@zenith.test}', 'zoe reads zenith''s and no other''s');
select tests.act_as('ann');
select is(pg_temp.contacts(), null, 'ann, who has not chosen, reads none');
select tests.act_as_superuser();
create temporary table kept as select id, slug, billing_email, technical_contact_email from organizations;
grant select on kept to public;
select tests.act_as('zoe', 'zenith');
select throws_ok(
  $$ select open_fields(3, array[id], array[billing_email]) from kept where slug = 'acme-0000' $$,
  'SP521', null,
  'what zoe gets hold of does not open for her'
);
select set_config('safetypin.shares', '', true);
select throws_ok($$ select pg_temp.contacts() $$, 'SP522', null, 'and nothing opens where nothing was unlocked');
select throws_ok(
  $$ select set_billing_email('bills@zenith.test') $$, 'SP522', null, '... and nothing is sealed'
);
select tests.unlock('acme');
select tests.unlock('zenith');

-- What they can be
select tests.act_as('ann', 'acme');
select throws_ok($$ select set_billing_email('bills') $$, '23514', null, 'bills go to an address');
select throws_ok($$ select set_technical_contact_email('x y@z') $$, '23514', null, 'questions too');
select throws_ok(
  $$ select set_billing_email(repeat('b', 250) || '@acme.test') $$, '23514', null, '... no longer than one can be'
);
select is(
  tests.complaint($$ select set_billing_email('no address of ours') $$),
  'a value for billing_email of organizations breaks the rule "organizations_billing_email_is_an_address"',
  'what is refused is not repeated'
);
select lives_ok($$ select set_billing_email(null) $$, 'what was said is taken back');
select is(pg_temp.contacts(), '{NULL,helpdesk@acme.test}', '... and is not there any more');

-- Every way to alter a value, and what comes of reading it
select tests.act_as_superuser();
create function pg_temp.read_by_ann(p_column text, p_value bytea)
  returns text
  language plpgsql
as $$
begin
  perform tests.act_as_superuser();
  -- As who writes into the file of the table would: past the trigger.
  execute format('alter table organizations disable trigger _500_%s_is_sealed', p_column);
  execute format('update organizations set %I = $1 where id = tests.organization_id(''acme'')', p_column) using p_value;
  execute format('alter table organizations enable trigger _500_%s_is_sealed', p_column);
  perform tests.act_as('ann', 'acme');
  return tests.outcome('select pg_temp.contacts()');
end;
$$;
create temporary table given as
select slug, column_name as name, value, other
from kept
cross join lateral (
  values ('billing_email', billing_email, technical_contact_email), ('technical_contact_email', technical_contact_email, billing_email)
) as columns (column_name, value, other);
grant select on given to public;

select is(pg_temp.read_by_ann(name, value), 'done', 'a value of ' || name || ' opens in its place')
from given where slug = 'acme-0000' order by name;
select is(pg_temp.read_by_ann(name, value), 'SP521', 'zenith''s ' || name || ' does not open in acme''s row')
from given where slug = 'zenith-0000' order by name;
select is(pg_temp.read_by_ann(name, other), 'SP521', 'another column''s value does not open in ' || name)
from given where slug = 'acme-0000' order by name;
select is(
  (
    select array_agg(distinct pg_temp.read_by_ann(name, set_bit(value, place, 1 - get_bit(value, place))))
    from given
    cross join generate_series(0, 8 * octet_length(value) - 1, 7) as place
    where slug = 'acme-0000'
  ),
  '{SP521}',
  'with any bit changed, neither opens'
);
select is(
  (
    select array_agg(distinct pg_temp.read_by_ann(name, substr(value, 1, length)))
    from given
    cross join generate_series(0, octet_length(value) - 1, 5) as length
    where slug = 'acme-0000'
  ),
  '{SP521}',
  '... nor cut, anywhere'
);
-- What is older opens: it is in its place.
select tests.act_as('ann', 'acme');
select set_billing_email('newer@acme.test');
select set_technical_contact_email('newer@acme.test');
select is(pg_temp.read_by_ann(name, value), 'done', 'an older value of ' || name || ' that is put back is read again')
from given where slug = 'acme-0000' order by name;
select tests.act_as_superuser();
select throws_ok(
  $$ update organizations set billing_email = 'bills@acme.test' where id = tests.organization_id('acme') $$,
  'SP525', null,
  'nothing in clear gets into the column'
);

-- Another key
select pg_temp.read_by_ann(name, value) from given where slug = 'acme-0000';
select tests.add_key('acme');
select tests.unlock('acme');
select tests.act_as_operator();
select results_eq(
  $$
    select reencrypted from reencrypt_batch(3, tests.organization_id('acme'))
    union all
    select reencrypted from reencrypt_batch(4, tests.organization_id('acme'))
  $$,
  $$ values (1), (1) $$,
  'both are sealed anew under another key'
);
select tests.act_as('bob', 'acme');
select is(pg_temp.contacts(), '{bills@acme.test,helpdesk@acme.test}', '... and say what they said');

select finish();
rollback;
