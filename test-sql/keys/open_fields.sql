-- open_fields(): a list is opened in one call, for those who may see it.
begin;
select plan(34);

select tests.two_organizations();
select tests.notes();
select tests.unlock();
select tests.unlock('acme');
select tests.unlock('zenith');

insert into notes (id, organization_id, user_id, about, remark)
select
  tests.user_id(name), tests.organization_id('acme'), tests.user_id('of ' || name),
  _seal_text(90001, null, tests.user_id(name), 'about ' || name, tests.user_id('of ' || name)),
  _seal_text(90002, tests.organization_id('acme'), tests.user_id(name), 'remark on ' || name)
from unnest(array['one', 'two', 'three']) as name;

create function tests.opening_list(p_ids uuid[], p_values bytea[], p_subjects uuid[]) returns text language sql as $body$
  select tests.outcome(format('select open_fields(90001, %L, %L, %L)', p_ids, p_values, p_subjects))
$body$;

create temporary table lists on commit drop as
select
  array_agg(id order by id) as ids,
  array_agg(user_id order by id) as subjects,
  array_agg(about order by id) as abouts,
  array_agg(remark order by id) as remarks,
  array_agg(_open_text(90001, null, id, about, user_id) order by id) as opened
from notes;
grant select on lists to public;

create function tests.asking(p_value bytea) returns setof text language sql as $body$
  select tests.opening_list(array[ids[1]], array[p_value], array[subject])
  from lists, unnest(array[subjects[1], md5('never was')::uuid]) as subject
$body$;

select tests.act_as('ann', 'acme');
select is(
  (select open_fields(90001, ids, abouts, subjects) from lists), (select opened from lists),
  'ann opens a list, in its order'
);
select is(
  (select open_fields(90002, ids, remarks) from lists),
  (select array_agg('remark on ' || substr(text, 7) order by place) from lists, unnest(opened) with ordinality as o (text, place)),
  '... of her organization, too'
);
select is(open_fields(90001, '{}', '{}', '{}'), '{}'::text[], 'an empty list is empty');
select is(
  (select open_fields(90001, ids, array[null, abouts[2], null], subjects) from lists),
  (select array[null, opened[2], null] from lists),
  'where there is nothing there is nothing'
);
select is(
  (select open_fields(90001, ids[2:3], abouts[2:3], subjects[2:3]) from lists), (select opened[2:3] from lists),
  'a part of a list opens by itself, wherever it begins to count'
);

-- Who may
select throws_ok(
  $$ select open_fields(90003, array[new_id()], array['x'::bytea]) $$, 'SP222', null,
  'what the database alone opens is not opened for ann'
);
select throws_ok(
  $$ select open_fields(90004, array[new_id()], array['x'::bytea]) $$, 'SP222', null, '... nor what clients seal'
);
select throws_ok(
  $$ select open_fields(90009, array[new_id()], array['x'::bytea]) $$, 'SP222', null, '... nor what is not declared'
);
select tests.act_as_nobody();
select throws_ok(
  $$ select open_fields(90002, ids, remarks) from lists $$, 'SP103', null,
  'nobody opens what is an organization''s, whatever was unlocked'
);
select tests.act_as('zoe', 'zenith');
select throws_ok(
  $$ select open_fields(90002, ids, remarks) from lists $$, 'SP521', null,
  'zoe, who got hold of what is acme''s, opens none of it'
);
select tests.act_as_auditor();
select throws_ok(
  $$ select open_fields(90001, ids, abouts, subjects) from lists $$, '42501', null, 'an auditor opens nothing'
);
select tests.act_as_monitor();
select throws_ok(
  $$ select open_fields(90001, ids, abouts, subjects) from lists $$, '42501', null, 'a monitor opens nothing'
);
select tests.act_as_backup();
select throws_ok(
  $$ select open_fields(90001, ids, abouts, subjects) from lists $$, '42501', null, 'a backup opens nothing'
);

-- Of whom something is about, nothing is said to those who have no key: somebody who never
-- was is answered as somebody who is.
select tests.act_as_nobody();
select results_eq(
  $$ select tests.asking(abouts[1]) from lists $$, $$ values ('done'), ('done') $$,
  'who unlocked the key is answered, with nothing about who never was'
);
select set_config('tests.shares', current_setting('safetypin.shares'), true);
select set_config('safetypin.shares', '', true);
select results_eq(
  $$ select tests.asking(abouts[1]) from lists $$, $$ values ('SP522'), ('SP522') $$, '... and who did not is told that'
);
select results_eq(
  $$ select tests.asking(value) from lists, unnest(array['\x', '\x0101000000ff'::bytea || sha512('made up')]) as value $$,
  $$ values ('SP521'), ('SP521'), ('SP521'), ('SP521') $$, '... whichever key is named'
);
select set_config(
  'safetypin.shares', regexp_replace(current_setting('tests.shares'), '=[0-9a-f]{64};', '=made up;', 'g'), true
);
select results_eq(
  $$ select tests.asking(abouts[1]) from lists $$, $$ values ('SP521'), ('SP521') $$, '... and whoever says that they have a share'
);
select set_config('safetypin.shares', current_setting('tests.shares'), true);

-- What is wrong
select tests.act_as('ann', 'acme');
select is((select tests.opening_list(ids, abouts, subjects) from lists), 'done', 'what is as it was opens');
select is(
  (select tests.opening_list(array[ids[2], ids[1], ids[3]], abouts, subjects) from lists), 'SP521', '... in the order it was in'
);
select is(
  (select tests.opening_list(ids, array[abouts[2], abouts[1], abouts[3]], subjects) from lists), 'SP521', '... with its own values'
);
select is(
  (select tests.opening_list(ids, abouts, array[subjects[2], subjects[1], subjects[3]]) from lists), 'SP521', '... and subjects'
);
select is((select tests.opening_list(ids, abouts, null) from lists), 'SP521', '... and not without them');
select is((select tests.opening_list(ids[1:2], abouts, subjects) from lists), 'SP526', 'a row too few is refused');
select is((select tests.opening_list(ids, abouts, subjects[1:2]) from lists), 'SP526', '... and a subject too few');
select is((select tests.opening_list(ids, null, subjects) from lists), 'SP526', '... and no values');
select is((select tests.opening_list(null, abouts, subjects) from lists), 'SP526', '... and no rows');
select is(
  (select tests.opening_list(array[ids[1], null, ids[3]], abouts, subjects) from lists), 'SP521', '... and a row that is none'
);
select results_eq(
  $$ select outcome, count(*)
     from lists
     cross join generate_series(0, octet_length(abouts[2]) - 1) as at
     cross join lateral tests.opening_list(
       ids, array[abouts[1], set_byte(abouts[2], at, get_byte(abouts[2], at) # 64), abouts[3]], subjects
     ) as outcome
     group by 1 $$,
  $$ values ('SP521', 70::bigint) $$,
  'a bit of any byte of one of them that was changed is seen'
);
select results_eq(
  $$ select distinct tests.opening_list(ids, array[abouts[1], substr(abouts[2], 1, length), abouts[3]], subjects)
     from lists, generate_series(0, 69) as length $$,
  array['SP521'],
  '... and each byte that is missing'
);
select is(
  (select tests.opening_list(ids, array[abouts[1], abouts[2] || '\x00', abouts[3]], subjects) from lists), 'SP521',
  '... and one too many'
);

-- Under several keys, and after a person was shredded
select tests.act_as_superuser();
select tests.add_key();
select tests.unlock();
update lists
set abouts[2] = _seal_text(90001, null, ids[2], opened[2], subjects[2]);
select tests.act_as('ann', 'acme');
select is(
  (select open_fields(90001, ids, abouts, subjects) from lists), (select opened from lists),
  'a list under an old and a new key opens'
);
select set_config(
  'safetypin.shares', regexp_replace(current_setting('safetypin.shares'), '[0-9-]{36}:1=[0-9a-f]{64};', ''), true
);
select is((select tests.opening_list(ids, abouts, subjects) from lists), 'SP522', '... unless the old one was not unlocked');
select tests.unlock();
select tests.act_as_superuser();
delete from subject_salts where user_id = (select subjects[3] from lists);
select tests.act_as('ann', 'acme');
select is(
  (select open_fields(90001, ids, abouts, subjects) from lists), (select array[opened[1], opened[2], null] from lists),
  'who was shredded leaves nothing to show, and the others as they are'
);
select is(
  (select open_fields(90001, ids, abouts, subjects) from lists where false), null, 'of no list nothing is asked'
);

select finish();
rollback;
