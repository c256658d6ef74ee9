-- _seal() and _open(): a value opens where it was sealed, and nowhere else.
begin;
select plan(40);

select tests.two_organizations();
select tests.notes();
select tests.unlock();
select tests.unlock('acme');
select tests.unlock('zenith');

create function pg_temp.opening(
  p_value bytea,
  p_field_id integer default 90001,
  p_organization text default null,
  p_row text default 'row',
  p_subject text default null
) returns text language sql as $body$
  select tests.outcome(format(
    'select _open(%s, %L, %L, %L, %L)',
    p_field_id, tests.organization_id(p_organization), tests.user_id(p_row), p_value, tests.user_id(p_subject)
  ))
$body$;
create function pg_temp.sealed(
  p_field_id integer default 90001,
  p_organization text default null,
  p_row text default 'row',
  p_subject text default null,
  p_text text default 'the flu'
) returns bytea language sql as $body$
  select _seal_text(
    p_field_id, tests.organization_id(p_organization), tests.user_id(p_row), p_text, tests.user_id(p_subject)
  )
$body$;

select is(
  _open_text(90001, null, tests.user_id('row'), pg_temp.sealed()), 'the flu', 'what was sealed is opened'
);
select is(
  _open_text(90002, tests.organization_id('acme'), tests.user_id('row'), pg_temp.sealed(90002, 'acme')), 'the flu',
  '... of an organization, too'
);
select is(octet_length(pg_temp.sealed()), 70, 'a short value takes 70 bytes');
select is(substr(pg_temp.sealed(), 1, 6), '\x010100000001', '... of which the first six say how and under which key');
select isnt(pg_temp.sealed(), pg_temp.sealed(), 'the same is never sealed to the same');
select is(_seal(90001, null, tests.user_id('row'), null), null, 'nothing is sealed to nothing');
select is(_open(90001, null, tests.user_id('row'), null), null, '... and opened to nothing');
select is(
  _open(90001, null, tests.user_id('row'), _seal(90001, null, tests.user_id('row'), '')), ''::bytea,
  'an empty value is not nothing'
);
select results_eq(
  $$ select distinct _open(90001, null, tests.user_id('row'), _seal(90001, null, tests.user_id('row'), value)) = value
     from (select substr(gen_random_bytes(100), 1, length) from generate_series(0, 100) as length) as values (value) $$,
  array[true],
  'every length that the field may have is opened again'
);


-- Elsewhere
select is(pg_temp.opening(pg_temp.sealed()), 'done', 'in its place a value opens');
select is(pg_temp.opening(pg_temp.sealed(), p_row => 'other'), 'SP521', '... in another row it does not');
select is(pg_temp.opening(pg_temp.sealed(), 90003), 'SP521', '... nor in another field');
select is(pg_temp.opening(pg_temp.sealed(), 90009), 'SP521', '... nor in one that is not declared');
select is(pg_temp.opening(pg_temp.sealed(), 90004), 'SP521', '... nor where clients seal');
select is(pg_temp.opening(pg_temp.sealed(), p_organization => 'acme'), 'SP521', '... nor in an organization');
select is(pg_temp.opening(pg_temp.sealed(), p_row => null), 'SP521', '... nor in no row');
select is(
  pg_temp.opening(pg_temp.sealed(90002, 'acme'), 90002, 'zenith'), 'SP521', 'what is acme''s does not open in zenith'
);
select is(pg_temp.opening(pg_temp.sealed(90002, 'acme'), 90002), 'SP521', '... nor in the cell');


-- Changed
create function pg_temp.flipped(p_value bytea, p_mask integer) returns setof text language plpgsql as $body$
begin
  for v_at in 0 .. octet_length(p_value) - 1 loop
    return next pg_temp.opening(set_byte(p_value, v_at, get_byte(p_value, v_at) # p_mask));
  end loop;
end;
$body$;
select results_eq(
  $$ select outcome, count(*)
     from generate_series(0, 7) as bit, pg_temp.flipped(pg_temp.sealed(), 1 << bit) as outcome
     group by 1 $$,
  $$ values ('SP521', 560::bigint) $$,
  'each bit of a value that was changed is seen: of header, iv, ciphertext and tag'
);
select results_eq(
  $$ select distinct pg_temp.opening(substr(pg_temp.sealed(), 1, length)) from generate_series(0, 69) as length $$,
  array['SP521'],
  '... and each byte that is missing at its end'
);
select results_eq(
  $$ select distinct pg_temp.opening(substr(pg_temp.sealed(), 1 + length)) from generate_series(1, 69) as length $$,
  array['SP521'],
  '... or its beginning'
);
select is(pg_temp.opening(pg_temp.sealed() || '\x00'), 'SP521', '... and one too many');
select is(pg_temp.opening(pg_temp.sealed() || gen_random_bytes(16)), 'SP521', '... and a block too many');
select is(
  pg_temp.opening(
    overlay(pg_temp.sealed(p_text => 'one') placing substr(pg_temp.sealed(p_text => 'two'), 39) from 39)
  ),
  'SP521',
  '... and two values made one'
);
select is(
  (
    select count(distinct sqlerrm_of)::integer
    from (
      values
        (pg_temp.sealed(p_row => 'other')), (set_byte(pg_temp.sealed(), 69, 0)), ('\x'::bytea),
        (set_byte(pg_temp.sealed(), 5, 77)), (set_byte(pg_temp.sealed(), 0, 3))
    ) as bad (value)
    cross join lateral (select tests.complaint(format('select _open(90001, null, %L, %L)', tests.user_id('row'), value))) as said (sqlerrm_of)
  ),
  1,
  'whatever is wrong, the same is said'
);


-- Of somebody
select is(
  octet_length(pg_temp.sealed(p_subject => 'bob')), 70, 'what is about bob is sealed with his salt'
);
select is(
  (select count(*)::integer from subject_salts where user_id = tests.user_id('bob')), 1, '... of which there is one'
);
select is(pg_temp.opening(pg_temp.sealed(p_subject => 'bob'), p_subject => 'bob'), 'done', '... and opened with it');
select is(pg_temp.opening(pg_temp.sealed(p_subject => 'bob')), 'SP521', '... and not without');
select is(pg_temp.opening(pg_temp.sealed(), p_subject => 'bob'), 'SP521', '... nor what was sealed without');
select is(pg_temp.opening(pg_temp.sealed(p_subject => 'bob'), p_subject => 'amy'), 'SP521', '... or with amy''s');
create temporary table kept (value bytea) on commit drop;
insert into kept values (pg_temp.sealed(p_subject => 'bob'));
delete from subject_salts where user_id = tests.user_id('bob');
select is((select pg_temp.opening(value, p_subject => 'bob') from kept), 'SP521', 'without his salt it never opens again');
select tests.unlock();
select is(
  (select pg_temp.opening(value, p_subject => 'bob') from kept, lateral (select pg_temp.sealed(p_subject => 'bob')) as again),
  'SP521',
  '... also when he gets another'
);


-- Not as declared
create function pg_temp.sealing(p_call text) returns text language sql as $body$
  select tests.outcome('select _seal(' || p_call || ')')
$body$;
select is(
  array[
    pg_temp.sealing($$ 90009, null, new_id(), 'x' $$),
    pg_temp.sealing($$ 90004, tests.organization_id('acme'), new_id(), 'x' $$),
    pg_temp.sealing($$ 90001, tests.organization_id('acme'), new_id(), 'x' $$),
    pg_temp.sealing($$ 90002, null, new_id(), 'x' $$),
    pg_temp.sealing($$ 90002, '00000000-0000-0000-0000-000000000000', new_id(), 'x' $$),
    pg_temp.sealing($$ 90003, null, new_id(), 'x', tests.user_id('bob') $$),
    pg_temp.sealing($$ 90001, null, null, 'x' $$),
    pg_temp.sealing($$ 90001, null, new_id(), convert_to(repeat('x', 101), 'UTF8') $$)
  ],
  array_fill('SP526'::text, array[8]),
  'an undeclared field, a client''s, another scope, the cell in disguise, a needless subject, no row and too much are refused'
);
select is(
  pg_temp.sealing($$ 90002, tests.organization_id('nowhere'), new_id(), 'x' $$), 'SP321',
  'where there is no key nothing is sealed'
);


-- A rule about the text
create function pg_temp.complaint_about(p_text text) returns text[] language plpgsql as $body$
declare
  v_state      text;
  v_constraint text;
  v_table      text;
  v_column     text;
  v_detail     text;
begin
  perform _seal_text(90001, null, tests.user_id('row'), p_text);
  return array['sealed'];
exception
  when others then
    get stacked diagnostics
      v_state = returned_sqlstate, v_constraint = constraint_name, v_table = table_name,
      v_column = column_name, v_detail = pg_exception_detail;
    return array[
      v_state, v_constraint, v_table, v_column, v_detail, (strpos(sqlerrm || v_detail, 'ann@') > 0)::text
    ];
end;
$body$;
select is(
  pg_temp.complaint_about('ann@example.com'),
  array['23514', 'notes_about_is_plain', 'notes', 'about', '', 'false'],
  'a text against the rule breaks the constraint of that name, and is not repeated'
);
select is(
  (pg_temp.complaint_about(repeat('ä', 51)))[1:2], array['23514', 'notes_about_is_plain'],
  '... one that is too long, in bytes, too'
);
select is(pg_temp.complaint_about(repeat('ä', 50)), array['sealed'], '... and one that is not is sealed');


-- When its key goes
truncate kept;
insert into kept values (pg_temp.sealed());
select tests.add_key();
select tests.unlock();
select is((select pg_temp.opening(value) from kept), 'done', 'under a key that only opens a value is opened');
update tenant_keys set state = 'retired' where organization_id is null and state = 'decrypt_only';
select is((select pg_temp.opening(value) from kept), 'SP521', '... under a retired one not, though it was unlocked');

select finish();
rollback;
