-- From when on no backup undoes a shredding: by how old backups got, and get.
begin;
select plan(15);

select tests.two_organizations();

select tests.act_as_operator();
select throws_ok($$ select declare_backup_age(null) $$, 'SP504', null, 'backups get some age');
select throws_ok($$ select declare_backup_age('-1 day') $$, 'SP504', null, '... and no negative one');
select throws_ok($$ select declare_backup_age('101 years') $$, 'SP504', null, '... nor one beyond all keeping');
select is((select oldest_backup_age from read_restore_state()), '35 days', 'nothing was said: 35 days');
select lives_ok($$ select declare_backup_age('30 days') $$, 'the operator says how old');
select results_eq(
  $$ select additional_data from tests.events('cell.backup_age_declared') $$, $$ values ('{"age": "30 days"}'::jsonb) $$,
  '... which is recorded'
);
select shred_person(tests.user_id('bob'));
select results_eq(
  $$ select effective_time - shred_time, shred_time between now() and clock_timestamp() from list_shreddings() $$,
  $$ values (interval '30 days', true) $$,
  'a shredding takes effect when the oldest backup of then is gone'
);

-- As the present has it: (shredded, effective as was known then, age of backups, declared) → effective
select tests.act_as_superuser();
create function tests.effective(p_shred integer, p_effective integer, p_age integer, p_declared integer) returns integer
language sql as $$
  select extract(day from
    _current_effective_time(
      '2026-01-01Z'::timestamptz + make_interval(days => p_shred), '2026-01-01Z'::timestamptz + make_interval(days => p_effective),
      make_interval(days => p_age), '2026-01-01Z'::timestamptz + make_interval(days => p_declared)
    ) - '2026-01-01Z'
  )::integer
$$;
select is(tests.effective(0, 35, 35, -5), 35, 'as declared before');
select is(tests.effective(0, 35, 90, 10), 90, 'kept for longer from then on, while it was not effective: later');
select is(tests.effective(0, 35, 90, 35), 35, '... and once it was: as it was');
select is(tests.effective(0, 35, 7, 10), 35, 'kept for a shorter time: what was said stands');
select is(tests.effective(5, 12, 30, 11), 35, 'it counts from the shredding');

-- Through the functions
update cell_settings set oldest_backup_age = '60 days', backup_age_time = _now();
select tests.act_as_operator();
select results_eq(
  $$ select effective_time - shred_time, is_effective from list_shreddings() $$, $$ values (interval '60 days', false) $$,
  'the list says what is known now'
);
select is(shred_person(tests.user_id('bob')), (select effective_time from list_shreddings()), '... and so does whoever asks again');
select declare_backup_age('0');
select shred_person(tests.user_id('amy'));
select results_eq(
  $$ select is_effective from list_shreddings(1) $$, $$ values (true) $$, 'where there are no backups it is effective at once'
);

select finish();
rollback;
