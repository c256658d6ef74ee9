-- take_client_sealed(), replace_client_sealed(): what clients seal is sealed anew by whoever
-- rotates, with shares of their own; the database sees to all that it can see to.
begin;
select plan(35);

select tests.two_organizations();
select tests.notes();
select tests.act_as_superuser();
select tests.unlock('acme');
select tests.unlock('zenith');

create function tests.sealed(p_number integer, p_key_id integer, p_length integer default 32) returns bytea language sql as $$
  select '\x0102'::bytea || int4send(p_key_id) || substr(sha256(int4send(p_number)) || sha256(int4send(-p_number)), 1, p_length)
$$;
create function tests.row(p_number integer) returns uuid language sql as $$ select md5('note:' || p_number)::uuid $$;
insert into notes (id, organization_id, token)
select tests.row(n), tests.organization_id('acme'), tests.sealed(n, 1) from generate_series(1, 5) as n
union all
select tests.row(n), tests.organization_id('zenith'), tests.sealed(n, 1) from generate_series(6, 7) as n;
create function tests.under(p_organization text) returns setof text language sql security definer as $$
  select format('%s: %s', _key_id_of(token), count(*))
  from notes
  where organization_id = tests.organization_id(p_organization)
  group by _key_id_of(token)
  order by 1
$$;
create function tests.replace(p_numbers integer[], p_key_id integer default 2, p_organization text default 'acme', p_length integer default 32)
  returns integer language sql as $$
  select replace_client_sealed(
    90004, tests.organization_id(p_organization),
    array(select tests.row(n) from unnest(p_numbers) as n),
    array(select tests.sealed(n, 1) from unnest(p_numbers) as n),
    array(select tests.sealed(n + 100, p_key_id, p_length) from unnest(p_numbers) as n)
  )
$$;


-- Whose business it is
create function tests.sealing_anew() returns setof text language sql as $body$
  select tests.outcome(call)
  from unnest(array[
    $$ select take_client_sealed(90004, tests.organization_id('acme')) $$,
    $$ select tests.replace(array[1]) $$
  ]) as call
$body$;
select tests.act_as('ann', 'acme');
select results_eq($$ select distinct tests.sealing_anew() $$, array['42501'], 'ann, who owns acme, takes and replaces nothing');
select tests.act_as('zoe', 'zenith');
select results_eq($$ select distinct tests.sealing_anew() $$, array['42501'], 'nor does zoe, of another');
select tests.act_as_nobody();
select results_eq($$ select distinct tests.sealing_anew() $$, array['42501'], 'nobody does');
select tests.act_as_auditor();
select results_eq($$ select distinct tests.sealing_anew() $$, array['42501'], 'an auditor does not');
select tests.act_as_backup();
select results_eq($$ select distinct tests.sealing_anew() $$, array['42501'], 'a backup does not');


-- Under one key there is nothing to do
select tests.act_as_operator();
select is_empty($$ select * from take_client_sealed(90004, tests.organization_id('acme')) $$, 'under one key nothing is taken');
select is(tests.replace('{1}', 1), 1, 'a value may be sealed anew under the same key');
select is(tests.replace('{1}', 1), 0, '... once: then it is not what it was');
select tests.act_as_superuser();
update notes set token = tests.sealed(1, 1) where id = tests.row(1);


-- What is no field for this
select tests.act_as_operator();
select throws_ok($$ select take_client_sealed(90009, null) $$, 'SP526', null, 'of no field there is anything to take');
select throws_ok($$ select take_client_sealed(90001, null) $$, 'SP526', null, '... nor of one that is sealed in SQL');
select throws_ok($$ select take_client_sealed(90004, null) $$, 'SP526', null, '... nor in another scope');
select throws_ok($$ select take_client_sealed(90004, tests.organization_id('acme'), 0) $$, 'SP526', null, '... in batches of nothing');
select throws_ok($$ select take_client_sealed(90004, tests.organization_id('acme'), null) $$, 'SP526', null, '... or without end');
select throws_ok($$ select take_client_sealed(90004, tests.organization_id('nowhere')) $$, 'SP321', null, '... or where there is no key');
select throws_ok($$ select replace_client_sealed(90001, null, '{}', '{}', '{}') $$, 'SP526', null, 'what is sealed in SQL is not replaced');
select throws_ok(
  $$ select replace_client_sealed(90004, tests.organization_id('acme'), array[tests.row(1)], '{}', '{}') $$, 'SP526', null,
  '... and for each row there is a value before and one after'
);


-- Another key
select tests.act_as_superuser();
select tests.add_key('acme');
select tests.act_as_operator();
select results_eq(
  $$ select row_id, value from take_client_sealed(90004, tests.organization_id('acme'), 3) $$,
  $$ select tests.row(n), tests.sealed(n, 1) from generate_series(1, 5) as n order by 1 limit 3 $$,
  'a batch is taken, in the order of its rows'
);
select results_eq(
  $$ select row_id from take_client_sealed(90004, tests.organization_id('acme'), 3, (select tests.row(n) from generate_series(1, 5) as n order by 1 offset 2 limit 1)) $$,
  $$ select tests.row(n) from generate_series(1, 5) as n order by 1 offset 3 $$,
  '... and the next'
);
select results_eq(
  $$ select additional_data ->> 'count' from tests.events('key.values_taken') $$, array['3', '2'],
  '... and that is recorded'
);
select is_empty(
  $$ select * from take_client_sealed(90004, tests.organization_id('zenith')) $$, 'of zenith, whose key did not change, nothing is taken'
);
select is(tests.replace('{1,2,3}'), 3, 'what was sealed anew takes its place');
select results_eq($$ select tests.under('acme') $$, array['1: 2', '2: 3'], '... under the new key');
select results_eq(
  $$ select additional_data ->> 'field_id', additional_data ->> 'key_id', additional_data ->> 'count' from tests.events('key.reencrypted') order by recorded_at desc, seq desc limit 1 $$,
  $$ values ('90004', '2', '3') $$,
  '... and that is recorded too'
);
select is(tests.replace('{1,2,3}'), 0, '... once');
select is(tests.replace('{4}', 1, 'zenith'), 0, 'a row is not another organization''s');
select is(tests.replace('{6}'), 0, '... nor the other way round');
select throws_ok($$ select tests.replace('{4}', 1) $$, 'SP525', null, 'nothing is sealed anew under the key before');
select throws_ok($$ select tests.replace('{4}', 3) $$, 'SP525', null, '... or under one that there is not');
select throws_ok($$ select tests.replace('{4}', 2, 'acme', 33) $$, 'SP526', null, 'what is sealed anew is as long as it was');
select throws_ok($$ select tests.replace('{4}', 2, 'acme', 31) $$, 'SP526', null, '... and no shorter');
select throws_ok(
  $$ select replace_client_sealed(90004, tests.organization_id('acme'), array[tests.row(4)], array[tests.sealed(4, 1)], array[null]::bytea[]) $$,
  'SP526', null, '... and not taken away'
);
select results_eq($$ select tests.under('acme') $$, array['1: 2', '2: 3'], 'nothing of that was kept');
select throws_ok($$ select retire_key(tests.organization_id('acme'), 1) $$, 'SP424', null, 'the key before stays while something is under it');
select is(tests.replace('{4,5}'), 2, 'what is left is sealed anew');
select is_empty($$ select * from take_client_sealed(90004, tests.organization_id('acme')) $$, '... and then there is nothing');

select tests.act_as_superuser();
select finish();
rollback;
