-- sealed_fields: declared once, and then the column takes nothing but what is sealed for it.
begin;
select plan(53);

select tests.two_organizations();
select tests.notes();
select tests.unlock();
select tests.unlock('acme');
select tests.unlock('zenith');

select results_eq(
  $$ select column_name, row_column, scope, organization_column, subject_column, algorithm
     from sealed_fields where table_name = 'notes' order by field_id $$,
  $$ values
       ('about', 'id', 'cell', null, 'user_id', 1::smallint),
       ('remark', 'id', 'organization', 'organization_id', null, 1::smallint),
       ('digest', 'id', 'cell', null, null, 1::smallint),
       ('token', 'id', 'organization', 'organization_id', null, 2::smallint) $$,
  'what was declared stands in one place'
);
select tests.act_as('ann', 'acme');
select isnt_empty($$ select field_id from sealed_fields $$, 'ann may know what is sealed');
select throws_ok($$ delete from sealed_fields $$, '42501', null, '... and changes nothing of it');
select tests.act_as_owner();
select throws_ok(
  $$ insert into sealed_fields (field_id) values (1) $$, '42501', null, 'the owner of the tables declares by the function'
);
select tests.act_as_operator();
select throws_ok($$ delete from sealed_fields $$, '42501', null, 'a job takes no declaration back');


-- Declaring
select tests.act_as_superuser();
select throws_ok(
  $$ select _declare_sealed_field('users', 'first_name', 90010, 'cell', 'application', 100, 'A reason.') $$,
  '42804', null,
  'a column in clear cannot be declared'
);
select throws_ok(
  $$ select _declare_sealed_field('notes', 'about', 90010, 'cell', 'application', 100, 'A reason.') $$,
  '23505', null,
  'a column is declared once'
);
select tests.act_as_superuser();
set local role safetypin_owner;
alter table notes add column other bytea;
select throws_ok(
  $$ select _declare_sealed_field('notes', 'other', 90010, 'cell', 'application', 100, 'A reason.') $$,
  '42804', null,
  'a column that is not said to be sealed cannot be declared'
);
comment on column notes.other is 'Another. [sealed]';
select throws_ok(
  $$ select _declare_sealed_field('notes', 'other', 90001, 'cell', 'application', 100, 'A reason.') $$,
  '23505', null,
  'a number is never used again'
);
select throws_ok(
  $$ select _declare_sealed_field('notes', 'other', 0, 'cell', 'application', 100, 'A reason.') $$,
  '23514', null,
  '... and 0 is for what is handed over'
);
select throws_ok(
  $$ select _declare_sealed_field('notes', 'other', 90010, 'cell', 'database', 100, 'A reason.', p_algorithm => 2) $$,
  '23514', null,
  'what only clients can open is not for functions of the database'
);
select throws_ok(
  $$ select _declare_sealed_field('notes', 'other', 90010, 'cell', 'application', 100, '') $$,
  '23514', null,
  'a declaration has its reason'
);
select lives_ok(
  $$ select _declare_sealed_field('notes', 'other', 90010, 'cell', 'application', 100, 'A reason.') $$,
  'the owner declares a column'
);
select is(current_setting('role'), 'safetypin_owner', '... and is the owner still');
select lives_ok($$ select _retract_sealed_field('notes', 'other') $$, '... and takes it back');
select is(current_setting('role'), 'safetypin_owner', '... and is the owner still');
select is_empty(
  $$ select from pg_trigger where tgrelid = 'notes'::regclass and tgname like '%other%' $$,
  '... with its trigger'
);
select is_empty($$ select from sealed_fields where column_name = 'other' $$, '... and its row');


-- Writing
select tests.act_as_superuser();
create function pg_temp.write(p_column text, p_value bytea) returns text language sql as $body$
  select tests.outcome(format(
    'insert into notes (id, organization_id, %I) values (tests.user_id(%L), tests.organization_id(%L), %L)
     on conflict (id) do update set %1$I = excluded.%1$I',
    p_column, 'note', 'acme', p_value
  ))
$body$;
create function pg_temp.alg2(p_key_id integer, p_length integer default 40) returns bytea language sql as $body$
  select '\x0102'::bytea || int4send(p_key_id) || substr(gen_random_bytes(200), 1, p_length)
$body$;
create function pg_temp.sealed(p_text text default 'plain') returns bytea language sql as $body$
  select _seal_text(90001, null, tests.user_id('note'), p_text)
$body$;

select is(pg_temp.write('about', null), 'done', 'nothing needs no seal');
select is(pg_temp.write('about', pg_temp.sealed()), 'done', 'a sealed value is taken');
select is(pg_temp.write('about', 'Ann has the flu'), 'SP525', 'text in clear is refused');
select is(pg_temp.write('about', ''), 'SP525', '... and an empty one');
select is(pg_temp.write('about', '\x01'), 'SP525', '... and the beginning of a value');
select is(pg_temp.write('about', set_byte(pg_temp.sealed(), 0, 2)), 'SP525', '... and another version');
select is(pg_temp.write('about', set_byte(pg_temp.sealed(), 1, 2)), 'SP525', '... and another algorithm');
select is(pg_temp.write('about', set_byte(pg_temp.sealed(), 5, 9)), 'SP525', '... and a key that there is not');
select is(pg_temp.write('about', pg_temp.sealed() || '\x00'), 'SP525', '... and a length that no value has');
select is(
  pg_temp.write('about', pg_temp.sealed() || gen_random_bytes(112)), 'SP525', '... and more than the field may hold'
);
select is(pg_temp.write('about', pg_temp.sealed(repeat('x', 100))), 'done', 'as much as it may hold is taken');
select is(
  pg_temp.write('about', tests.sealed_before(90001, null, tests.user_id('note'), 'plain')), 'SP525',
  '... and what another transaction sealed'
);
select is(
  pg_temp.write('about', _seal_text(90001, null, tests.user_id('other'), 'plain')), 'SP525', '... or was sealed for another row'
);
select is(
  pg_temp.write('about', _seal_text(90003, null, tests.user_id('note'), 'plain')), 'SP525', '... or another column'
);
select is(
  pg_temp.write('remark', _seal_text(90002, tests.organization_id('zenith'), tests.user_id('note'), 'plain')), 'SP525',
  '... or another organization'
);
select is(
  (
    select array_agg(distinct pg_temp.write('about', set_bit(sealed, bit, 1 - get_bit(sealed, bit))))
    from pg_temp.sealed() as sealed cross join generate_series(6 * 8, 22 * 8 - 1, 3) as bit
  ),
  '{SP525}',
  '... or has another iv, in whichever bit'
);
select is(pg_temp.write('token', pg_temp.alg2(1)), 'done', 'what a client sealed is taken');
select is(pg_temp.write('token', pg_temp.alg2(1, 28)), 'done', '... and nothing, sealed');
select is(pg_temp.write('token', pg_temp.alg2(1, 27)), 'SP525', '... and nothing shorter');
select is(pg_temp.write('token', pg_temp.alg2(1, 129)), 'SP525', '... or longer than the field may hold');
select is(pg_temp.write('token', pg_temp.alg2(2)), 'SP525', '... or under a key that there is not');
select is(pg_temp.write('token', pg_temp.sealed()), 'SP525', '... or sealed in SQL');

-- A savepoint is of its transaction, released or not.
delete from notes;
savepoint inner_one;
create temporary table sealed_inside (value bytea) on commit drop;
insert into sealed_inside values (pg_temp.sealed());
release savepoint inner_one;
select is((select pg_temp.write('about', value) from sealed_inside), 'done', 'what a savepoint sealed is taken after it');
select set_config('tests.outside', encode(pg_temp.sealed('outside'), 'hex'), true);
savepoint inner_one;
select is(
  pg_temp.write('about', decode(current_setting('tests.outside'), 'hex')), 'done', '... and inside one what was sealed before it'
);
rollback to inner_one;
select is(
  pg_temp.write('about', decode(current_setting('tests.outside'), 'hex')), 'done', '... and again, once that is undone'
);
delete from notes;

-- The key of the cell is not that of acme, though both are number 1.
insert into notes (id, organization_id, about)
values (tests.user_id('note'), tests.organization_id('acme'), pg_temp.sealed());
-- As an older transaction left it.
set local session_replication_role = replica;
update notes set about = tests.sealed_before(90001, null, id, 'plain');
set local session_replication_role = origin;
select tests.add_key();
select tests.act_as_superuser();
select is(
  tests.outcome($$ update notes set about = about || '' where id = tests.user_id('note') $$), 'done',
  'a value stays under a key that only opens'
);
create function pg_temp.write_outside() returns text language sql as $body$
  select tests.outcome($$ update notes set about = decode(current_setting('tests.outside'), 'hex') where id = tests.user_id('note') $$)
$body$;
savepoint inner_one;
select is(pg_temp.write_outside(), 'done', '... and one that was sealed a moment before the change is taken');
rollback to inner_one;
select tests.age_keys('decrypt_only', 'decrypt_only_time', '1 minute');
select is(pg_temp.write_outside(), 'SP525', '... but a minute later nothing new is written under it');
select is(
  tests.outcome($$ update notes set id = tests.user_id('elsewhere') where id = tests.user_id('note') $$), 'SP525',
  'a row does not change its id and lose what is sealed in it'
);
update notes set token = pg_temp.alg2(1) where id = tests.user_id('note');
select is(
  tests.outcome($$ update notes set organization_id = tests.organization_id('zenith') where id = tests.user_id('note') $$),
  'SP525',
  '... or its organization'
);
select is(
  tests.outcome($$ update notes set user_id = tests.user_id('ann') where id = tests.user_id('note') $$), 'SP525',
  '... or whom it is about, whose salt it opens with'
);
select is(
  tests.outcome($$ update notes set user_id = tests.user_id('ann'), about = null where id = tests.user_id('note') $$), 'done',
  '... but what is not sealed may change'
);

-- Where a value waits is declared before where it goes: the trigger there asks for it.
set local role safetypin_owner;
select throws_ok(
  $$ select _declare_sealed_field('notes', 'other', 90010, 'cell', 'database', 100, 'A reason.', p_sealed_as => 90001) $$,
  '42804', 'field 90001 is declared already, and takes nothing over from notes.other',
  'nothing is sealed as a field that was declared before'
);
select tests.act_as_superuser();
select ok(
  (select prosrc from pg_proc where oid = 'tg_access_attempt_logs__email_is_sealed'::regproc)
    like '%exists (select from password_attempts where id = new.id and email = new.email)%',
  'what is handed over is handed over by the row of its id'
);

-- A detail says what is wrong and never what was written.
create function pg_temp.complaint() returns text language plpgsql as $body$
declare
  v_detail text;
begin
  insert into notes (about) values ('Ann has the flu');
  return null;
exception
  when others then
    get stacked diagnostics v_detail = pg_exception_detail;
    return sqlerrm || ' ' || v_detail;
end;
$body$;
select ok(
  pg_temp.complaint() like '%version 1%' and pg_temp.complaint() not like '%flu%',
  'what is refused is not repeated'
);

select finish();
rollback;
