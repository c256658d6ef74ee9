-- cell_settings: what this cell is for. Invented people never come into production,
-- and a cell that holds people does not change what it is.
begin;
select plan(24);

select tests.act_as_superuser();
select is((select count(*) from cell_settings), 1::bigint, 'a cell knows itself by one row');
select throws_ok(
  $$ insert into cell_settings (environment) values ('test') $$,
  '23505', null,
  'there is no second row'
);
select throws_ok(
  $$ insert into cell_settings (is_only_row) values (false) $$,
  '23514', null,
  '... nor one that says it is another'
);
select throws_ok(
  $$ update cell_settings set environment = 'staging' $$,
  '23514', null,
  'an environment is one of three'
);

-- This one is a test, with nobody in it yet.
select tests.act_as_operator();
select lives_ok($$ select declare_environment('development') $$, 'an empty test cell may become a development cell');
select tests.act_as_superuser();
select lives_ok($$ select _require_not_production() $$, '... where invented people are welcome');
select tests.act_as_operator();
select lives_ok($$ select declare_environment('production') $$, '... and a production cell');
select is(
  (select count(*) from tests.events('cell.environment_declared') where xid = txid_current()),
  2::bigint,
  'both are recorded'
);
select throws_ok(
  $$ select declare_environment('nonsense') $$,
  'SP503', 'there is no environment nonsense',
  'there are three environments'
);
select throws_ok($$ select declare_environment(null) $$, 'SP503', null, '... and nothing is none of them');
select lives_ok($$ select declare_environment('production') $$, 'to say it again changes nothing');
select is(
  (select count(*) from tests.events('cell.environment_declared') where xid = txid_current()),
  2::bigint,
  '... and records nothing'
);
select tests.act_as_superuser();
select throws_ok($$ select _require_not_production() $$, 'SP206', null, 'production gets no invented people');

select tests.two_organizations();
select tests.act_as_operator();
select throws_ok(
  $$ select declare_environment('test') $$,
  'SP405', null,
  'production with people in it does not become a test'
);
select throws_ok(
  $$ select declare_environment('development') $$,
  'SP405', null,
  '... nor a playground'
);

select tests.act_as('ann', 'acme');
select is(
  (select environment from cell_settings), 'production',
  'ann may read what the cell is'
);
select throws_ok($$ select declare_environment('test') $$, '42501', null, '... and not declare it');
select throws_ok($$ update cell_settings set environment = 'test' $$, '42501', null, '... nor write it');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select declare_environment('test') $$, '42501', null, 'nor does zoe');
select tests.act_as_nobody();
select throws_ok($$ select declare_environment('test') $$, '42501', null, 'nor nobody');
select throws_ok($$ delete from cell_settings $$, '42501', null, 'nobody deletes the row');
select tests.act_as_operator();
select throws_ok($$ delete from cell_settings $$, '42501', null, 'a job does not delete it');
select tests.act_as_owner();
select is_empty(
  $$ update cell_settings set environment = 'test' returning id $$,
  'the owner of the table, behind the function''s back, changes no row'
);
select is_empty($$ delete from cell_settings returning id $$, '... and deletes none');

select finish();
rollback;
