-- _require_read_committed(): nobody does what cannot be undone on the strength of what there was.
begin isolation level repeatable read;
select plan(12);

select tests.two_organizations();
select tests.unlock();

select tests.act_as_operator();
select throws_ok($$ select retire_key(null, 1) $$, 'SP510', null, 'no key is retired');
select throws_ok($$ select begin_index_rotation() $$, 'SP510', null, 'no other indexes are begun');
select throws_ok($$ select begin_index_backfill() $$, 'SP510', null, '... or made for older rows');
select throws_ok(
  $$ select backfill_index_batch('user_email_indexes', null) $$, 'SP510', null, '... which no batch of is indexed'
);
select throws_ok($$ select cut_over_index() $$, 'SP510', null, 'they are not looked up in');
select throws_ok($$ select finish_index_rotation() $$, 'SP510', null, '... and the ones before not ended');
select throws_ok($$ select shred_person(tests.user_id('bob')) $$, 'SP510', null, 'no person is shredded');
select throws_ok(
  $$ select shred_organization(tests.organization_id('acme')) $$, 'SP510', null, 'no organization is shredded'
);
select throws_ok($$ select export_shreddings() $$, 'SP510', null, 'no ledger is exported');

select throws_ok(
  $$ select replay_shreddings((select id from cell_settings), '[]') $$, 'SP510', null, '... or replayed'
);

select throws_ok($$ select declare_environment('development') $$, 'SP510', null, 'no cell is said to hold nobody');

select tests.act_as('bob');
select throws_ok(
  $$ select erase_own_account() $$, 'SP510', null, 'nobody shreds themselves: they may have joined whom a hold keeps'
);

select finish();
rollback;
