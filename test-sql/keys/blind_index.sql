-- _blind_index(): found by equality, and by nothing else.
begin;
select plan(27);

select tests.two_organizations();
select tests.notes();
select tests.unlock();
select tests.unlock('acme');
select tests.unlock('zenith');

select is(octet_length(_blind_index(90003, null, 1, 'ann')), 16, 'an index has 16 bytes');
select is(_blind_index(90003, null, 1, 'ann'), _blind_index(90003, null, 1, 'ann'), 'the same has the same');
select isnt(_blind_index(90003, null, 1, 'ann'), _blind_index(90003, null, 1, 'bob'), '... and another another');
select is(_blind_index(90003, null, 1, null), null, '... and nothing none');
select is(
  _blind_index(90003, null, 1, ' ANN@Example.com '), _blind_index(90003, null, 1, 'ann@example.com'),
  'a field that folds takes A to Z, capitals or not, and spaces at the ends for the same'
);
select ok(
  _blind_index(90003, null, 1, letter || 'nn') not in (_blind_index(90003, null, 1, 'ann'), _blind_index(90003, null, 1, 'knn')),
  '... and no other letter, wide or the sign of a unit: ' || letter
)
from unnest(array[U&'\FF21', U&'\212A']) as letter;
select isnt(
  _blind_index(90001, null, 1, 'Ann'), _blind_index(90001, null, 1, 'ann'), '... and one that does not, does not'
);
select isnt(_blind_index(90001, null, 1, 'ann'), _blind_index(90003, null, 1, 'ann'), 'another field has others');
select isnt(
  _blind_index(90002, tests.organization_id('acme'), 1, 'ann'),
  _blind_index(90002, tests.organization_id('zenith'), 1, 'ann'),
  'another organization has others'
);
select throws_ok($$ select _blind_index(90009, null, 1, 'ann') $$, 'SP526', null, 'an undeclared field has none');
select throws_ok($$ select _blind_index(90002, null, 1, 'ann') $$, 'SP526', null, '... nor one of another scope');
select throws_ok($$ select _blind_index(90003, null, 2, 'ann') $$, 'SP526', null, 'a version there is not has none');


-- A version takes over
select is(_looked_up_version(null), 1, 'version 1 is looked up');
select is(_written_versions(null), array[1], '... and written');
select is(_looked_up_version(tests.organization_id('nowhere')), null, 'where there is no key there is none');
select is(_written_versions(tests.organization_id('nowhere')), '{}'::integer[], '... to be written either');

select tests.add_key();
select tests.unlock();
insert into blind_index_versions (version, key_id, phase) values (2, 2, 'dual');
select results_eq(
  $$ select _looked_up_version(null), _written_versions(null) $$, $$ values (1, array[1, 2]) $$,
  'dual: both are written, the old is looked up'
);
select isnt(_blind_index(90003, null, 2, 'ann'), _blind_index(90003, null, 1, 'ann'), '... and they are not the same');
select throws_ok(
  $$ update blind_index_versions set phase = 'cutover' where version = 2 $$, 'SP421', null, 'no phase is skipped'
);
update blind_index_versions set phase = 'backfill' where version = 2;
select throws_ok(
  $$ update blind_index_versions set phase = 'cutover' where version = 2 $$, '23505', null,
  'two are never looked up at once'
);
update blind_index_versions set phase = 'fading' where version = 1 and organization_id is null;
update blind_index_versions set phase = 'cutover' where version = 2;
select results_eq(
  $$ select _looked_up_version(null), _written_versions(null) $$, $$ values (2, array[1, 2]) $$,
  'cutover: both are written, the new is looked up'
);
select throws_ok(
  $$ update blind_index_versions set phase = 'dual' where version = 2 $$, 'SP421', null, 'nothing goes back'
);
update blind_index_versions set phase = 'ended' where version = 1 and organization_id is null;
update blind_index_versions set phase = 'steady' where version = 2;
select results_eq(
  $$ select _looked_up_version(null), _written_versions(null) $$, $$ values (2, array[2]) $$,
  'steady: the new alone'
);
select lives_ok(
  $$ select _blind_index(90003, null, 1, 'ann') $$, '... and whoever asked for the old a moment ago is not failed'
);
select throws_ok(
  $$ update blind_index_versions set key_id = 1 where version = 2 $$, 'SP421', null, 'a version keeps its key'
);
select set_config('safetypin.shares', '', true);
select throws_ok($$ select _blind_index(90003, null, 2, 'ann') $$, 'SP522', null, 'what is locked indexes nothing');

select finish();
rollback;
