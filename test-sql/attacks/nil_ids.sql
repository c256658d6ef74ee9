-- The nil id: among keys it is the cell's, and nobody is looked for under it where there is nobody.
-- Whoever had it would have the cell shredded in their place, and be sent what is asked for addresses
-- that nobody has.
begin;
select plan(9);

select tests.two_organizations();
select tests.unlock();
create function tests.nil() returns uuid language sql immutable return '00000000-0000-0000-0000-000000000000'::uuid;

select tests.act_as('zoe');
select throws_ok(
  $$ select create_organization('cell', 'Cell', tests.nil()) $$,
  '23514', 'new row for relation "organizations" violates check constraint "organizations_id_is_not_the_cells"',
  'zoe founds no organization under it'
);
select throws_ok($$ select choose_organization(tests.nil()) $$, 'SP305', null, '... and enters none');

select tests.act_as_nobody();
select throws_ok(
  $$ select tests.register_user(tests.nil(), tests.email('new'), 'No', 'Body', tests.other_password_digest(), tests.other_history_digest(), (select version from read_password_policy())) $$,
  '23514', 'new row for relation "users" violates check constraint "users_id_is_somebodys"',
  'nobody registers under it'
);
select throws_ok(
  $$ select tests.register_user(tests.nil(), tests.email('bob'), 'No', 'Body', tests.other_password_digest(), tests.other_history_digest(), (select version from read_password_policy())) $$,
  '23514', 'new row for relation "users" violates check constraint "users_id_is_somebodys"',
  '... and is told the same for an address that somebody has'
);

select tests.act_as_operator();
select throws_ok($$ select shred_organization(tests.nil()) $$, 'SP305', null, 'a job shreds none');
select throws_ok(
  $$ select add_key(tests.nil(), 2, 'local-key-file', 'test', '\x00', tests.mask(tests.share(), 0, tests.nil(), 2)) $$,
  '23514', 'new row for relation "tenant_keys" violates check constraint "tenant_keys_organization_is_not_the_cell"',
  '... and gives it no key'
);

-- As if there were one all the same
select tests.act_as_superuser();
select is(_shred_tenant(tests.nil()), 0, 'were it shredded, no key would go');
select results_eq(
  $$ select state from tenant_keys where organization_id is null $$, $$ values ('active') $$, '... the cell''s still seals'
);
select results_eq(
  $$ select phase from blind_index_versions where organization_id is null $$, $$ values ('steady') $$,
  '... and its addresses are found'
);

select finish();
rollback;
