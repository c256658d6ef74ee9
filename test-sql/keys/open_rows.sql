-- open_rows(): what is about the same people is opened together, and nothing opens for another.
begin;
select plan(30);

select tests.two_organizations();
select tests.notes();
select tests.unlock();

update users
set phone_number = _seal_text(2, null, id, case first_name when 'Ann' then '+15550001' else '+15550002' end, id)
where first_name in ('Ann', 'Bob');

create temporary table lists on commit drop as
select
  array_agg(id order by first_name) as ids,
  array_agg(email order by first_name) as emails,
  array_agg(phone_number order by first_name) as numbers
from users
where first_name in ('Amy', 'Ann', 'Bob');
grant select on lists to public;

create function tests.opening_rows(p_fields integer[], p_ids uuid[], p_values bytea[], p_subjects uuid[] default null)
  returns text
  language sql
as $body$
  select tests.outcome(format('select open_rows(%L, %L, %L, %L)', p_fields, p_ids, p_values, p_subjects))
$body$;

create function tests.opened_rows() returns table (texts text[]) language sql as $body$
  select opened.texts from lists, open_rows('{1,2}', ids, emails || numbers) as opened
$body$;

-- Who may
select tests.act_as('ann', 'acme');
select results_eq(
  $$ select opened.id, opened.texts from lists, open_rows('{1,2}', ids, emails || numbers) as opened $$,
  $$ values
       (tests.user_id('amy'), array['amy@example.com', null]),
       (tests.user_id('ann'), array['ann@example.com', '+15550001']),
       (tests.user_id('bob'), array['bob@example.com', '+15550002']) $$,
  'ann opens addresses and numbers, in the order of the rows and of the fields'
);
select results_eq(
  $$ select opened.texts from lists, open_rows('{2,1}', ids, numbers || emails) as opened $$,
  $$ values
       (array[null, 'amy@example.com']),
       (array['+15550001', 'ann@example.com']),
       (array['+15550002', 'bob@example.com']) $$,
  '... the other way round, too'
);
select results_eq(
  $$ select opened.texts from lists, open_rows('{1,2}', ids, emails || numbers, ids) as opened $$,
  $$ select texts from tests.opened_rows() $$,
  '... and where it is said of whom they are'
);
select results_eq(
  $$ select opened.texts[1] from lists, open_rows('{1}', ids, emails) as opened $$,
  $$ select unnest(open_fields(1, ids, emails)) from lists $$,
  'one field opens as open_fields() opens it'
);
select results_eq(
  $$ select opened.texts from lists, open_rows('{1,1}', ids, emails || emails) as opened $$,
  $$ select array[email, email] from lists, unnest(open_fields(1, ids, emails)) as email $$,
  'the same field twice is opened twice'
);
select is_empty($$ select open_rows('{1,2}', '{}', '{}') $$, 'of no rows there are none');
select results_eq(
  $$ select open_rows.texts from lists, open_rows('{1,2}', ids, array[null, null, null, null, null, null]::bytea[]) $$,
  $$ values ('{NULL,NULL}'::text[]), ('{NULL,NULL}'), ('{NULL,NULL}') $$,
  'where there is nothing there is nothing'
);
select tests.act_as_auditor();
select is((select tests.opening_rows('{1,2}', ids, emails || numbers) from lists), '42501', 'an auditor opens nothing');
select tests.act_as_backup();
select is((select tests.opening_rows('{1,2}', ids, emails || numbers) from lists), '42501', 'a backup opens nothing');
select tests.act_as('bob', 'acme');
select throws_ok(
  $$ select _open_values('{1,2}', ids, emails || numbers, null) from lists $$, '42501', null,
  'bob does not come by what it is made of'
);

-- Which fields
select is((select tests.opening_rows('{1,5}', ids, emails || emails) from lists), 'SP222', 'what the database alone opens is not opened');
select is((select tests.opening_rows('{90009,1}', ids, emails || emails) from lists), 'SP222', '... nor what is not declared');
select is((select tests.opening_rows('{1,null}', ids, emails || emails) from lists), 'SP222', '... nor what is not named');
select is(
  (select tests.opening_rows('{1,90001}', ids, emails || emails) from lists), 'SP526', 'fields of two tables do not go together'
);
select is(
  (select tests.opening_rows('{90001,90002}', ids, emails || emails) from lists), 'SP526',
  '... nor of a person and of an organization'
);
select tests.act_as_nobody();
select is(
  (select tests.opening_rows('{90002}', ids, emails) from lists), 'SP103',
  'nobody opens what is an organization''s'
);

-- What is wrong
select tests.act_as('bob', 'acme');
select is(
  (select tests.opening_rows('{1,2}', ids, numbers || emails) from lists), 'SP521', 'the values of one field do not open as another'
);
select is(
  (select tests.opening_rows('{1,2}', array[ids[2], ids[1], ids[3]], emails || numbers) from lists), 'SP521',
  '... nor in another row'
);
select is(
  (select tests.opening_rows('{1,2}', ids, emails || numbers, array[ids[2], ids[1], ids[3]]) from lists), 'SP521',
  '... nor as somebody else''s'
);
select is(
  (select tests.opening_rows('{1,2}', ids, emails || array[numbers[1], set_byte(numbers[2], 40, 7), numbers[3]]) from lists),
  'SP521', '... nor when a byte was changed, in any field'
);
select is((select tests.opening_rows('{1,2}', ids, emails) from lists), 'SP526', 'a field too few is refused');
select is((select tests.opening_rows('{1,2}', ids, emails || numbers || numbers) from lists), 'SP526', '... and one too many');
select is((select tests.opening_rows('{1,2}', ids, array[emails, numbers]) from lists), 'SP526', '... and a list of lists');
select is((select tests.opening_rows('{1,2}', ids, emails || numbers, ids[1:2]) from lists), 'SP526', '... and a subject too few');
select is((select tests.opening_rows(null, ids, emails || numbers) from lists), 'SP526', '... and no fields');
select is((select tests.opening_rows('{}', ids, '{}') from lists), 'SP526', '... and an empty list of them');

-- Under several keys, and after a person was shredded
select tests.act_as_superuser();
select tests.add_key();
select tests.unlock();
update lists
set emails[2] = _seal_text(1, null, ids[2], 'ann@example.com', ids[2]),
    numbers[3] = _seal_text(2, null, ids[3], '+15550002', ids[3]);
select tests.act_as('bob', 'acme');
select results_eq(
  $$ select texts from tests.opened_rows() $$,
  $$ values
       (array['amy@example.com', null]),
       (array['ann@example.com', '+15550001']),
       (array['bob@example.com', '+15550002']) $$,
  'each opens under the key that it is under, and nobody''s key is taken for another'
);
select tests.act_as_superuser();
update subject_salts set salt = null where user_id = tests.user_id('ann');
select tests.act_as('bob', 'acme');
select results_eq(
  $$ select texts from tests.opened_rows() $$,
  $$ values
       (array['amy@example.com', null]),
       (array[null, null]),
       (array['bob@example.com', '+15550002']) $$,
  'who was shredded leaves nothing to show in any field, and the others as they are'
);
select set_config(
  'safetypin.shares', regexp_replace(current_setting('safetypin.shares'), '[0-9-]{36}:1=[0-9a-f]{64};', ''), true
);
select is(
  (select tests.opening_rows('{1,2}', ids, emails || numbers) from lists), 'SP522', 'nothing opens under a key that was not unlocked'
);
select set_config('safetypin.shares', '', true);
select is((select tests.opening_rows('{1,2}', ids, emails || numbers) from lists), 'SP522', '... nor where none was');

select finish();
rollback;
