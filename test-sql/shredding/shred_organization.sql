-- shred_organization(): all of its keys are destroyed, and nothing sealed under them opens.
begin;
select plan(23);

select tests.two_organizations();
select tests.notes();
select tests.unlock('acme');
select tests.unlock('zenith');
insert into notes (id, organization_id, remark)
select md5(name)::uuid, tests.organization_id(name), _seal_text(90002, tests.organization_id(name), md5(name)::uuid, 'of ' || name)
from unnest(array['acme', 'zenith']) as name;
select tests.add_key('acme');
select add_key(tests.organization_id('acme'), 3, 'local-key-file', 'test', '\x00', tests.masked_share('acme', 3));
update organizations set billing_email = null where id = tests.organization_id('acme');
select tests.act_as('bob', 'acme');

-- One that is at work is not shredded by a slip
select tests.act_as_operator();
select throws_ok(
  $$ select shred_organization(tests.organization_id('acme')) $$, 'SP427', null, 'an organization that is at work is not shredded'
);
select throws_ok($$ select shred_organization(tests.organization_id('nowhere')) $$, 'SP305', null, '... nor one that there is not');
select throws_ok($$ select shred_organization(null) $$, 'SP305', null, '... nor none');
select suspend_organization(tests.organization_id('acme'), 'to be shredded');
select lives_ok($$ select shred_organization(tests.organization_id('acme')) $$, 'one that is suspended is');
select is(
  shred_organization(tests.organization_id('acme')), (select shred_time + interval '35 days' from list_shreddings()), '... once'
);
select results_eq(
  $$ select seq, user_id, organization_id, acting_user_id from list_shreddings() $$,
  $$ values (1::bigint, null::uuid, tests.organization_id('acme'), null::uuid) $$,
  '... and so it stands in the ledger'
);
select results_eq(
  $$ select organization_id, resource_id from tests.events('organization.shredded') $$,
  $$ values (tests.organization_id('acme'), tests.organization_id('acme')) $$,
  '... and in the evidence'
);
select throws_ok(
  $$ select reactivate_organization(tests.organization_id('acme')) $$, 'SP305', null, 'it is never opened again'
);

select throws_ok(
  $$ select add_key(tests.organization_id('acme'), 4, 'local-key-file', 'test', '\x00', tests.masked_share('acme', 4)) $$,
  'SP425', null,
  '... and gets no other key'
);

select tests.act_as_superuser();
select results_eq(
  $$ select key_id, state, wrapped, db_share from tenant_keys where organization_id = tests.organization_id('acme') order by 1 $$,
  $$ values (1, 'destroyed', null::bytea, null::bytea), (2, 'destroyed', null, null), (3, 'destroyed', null, null) $$,
  'both halves of all of its keys are gone'
);
select results_eq(
  $$ select distinct phase from blind_index_versions where organization_id = tests.organization_id('acme') $$,
  array['ended'], 'its blind indexes have ended'
);
select results_eq(
  $$ select state, db_share is not null from tenant_keys where organization_id = tests.organization_id('zenith') $$,
  $$ values ('active', true) $$,
  'zenith''s are what they were'
);
select results_eq(
  $$ select status, owner_count, member_count from organizations where id = tests.organization_id('acme') $$,
  $$ values ('shredded', 1, 3) $$,
  'its row and its members stay'
);
select throws_ok(
  $$ select _open_text(90002, organization_id, id, remark) from notes where organization_id = tests.organization_id('acme') $$,
  'SP521', null,
  'what is sealed under its keys opens no more'
);
select is(
  (select _open_text(90002, organization_id, id, remark) from notes where organization_id = tests.organization_id('zenith')),
  'of zenith', '... and zenith''s does'
);
select throws_ok(
  $$ select _seal_text(90002, tests.organization_id('acme'), new_id(), 'again') $$, 'SP321', null, 'nothing is sealed for it any more'
);
select ok(not unlock(tests.organization_id('acme'), 2, tests.masked_share('acme', 2)), 'no key of it is unlocked, whoever has a share');

select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, 'its sessions are void');

-- A request that was let in before goes on to its end, and is shown nothing instead of an error.
select tests.act_as_superuser();
select _set_context(tests.user_id('bob'), tests.organization_id('acme'), null, 1::smallint);
select results_eq(
  $$ select open_fields(90002, array[id], array[remark]) from notes where organization_id = tests.organization_id('acme') $$,
  $$ values (array[null]::text[]) $$,
  'a list that is read meanwhile is of nulls'
);
select _set_context(tests.user_id('zoe'), tests.organization_id('zenith'), null, 1::smallint);
select results_eq(
  $$ select open_fields(90002, array[id], array[remark]) from notes where organization_id = tests.organization_id('zenith') $$,
  $$ values (array['of zenith']) $$,
  '... and zenith''s is whole'
);
select throws_ok(
  $$ select open_fields(90002, array[id], array[remark]) from notes where organization_id = tests.organization_id('acme') $$,
  'SP521', null,
  '... and a value of another organization is refused there as ever'
);

-- Closed by its owner, too
select tests.act_as('zoe', 'zenith');
select close_organization();
select tests.act_as_operator();
select lives_ok($$ select shred_organization(tests.organization_id('zenith')) $$, 'one that its owner closed is shredded');
select results_eq(
  $$ select seq, organization_id from list_shreddings(1) $$,
  $$ values (2::bigint, tests.organization_id('zenith')) $$,
  '... as the second entry'
);

select finish();
rollback;
