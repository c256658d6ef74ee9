-- Every sealed field that the catalog declares, on rows as the product writes them: a value
-- opens in its place, and nowhere else, and not once a bit of it is another; and in its place it
-- is written by the transaction that sealed it, and by none that comes later.
begin;
select plan(19);

select tests.two_organizations();
select tests.unlock('acme');
select tests.unlock('zenith');

-- Two rows for each field, at least
select tests.act_as('ann', 'acme');
select set_own_phone_number('+431234567');
select set_billing_email('bills@acme.test');
select set_technical_contact_email('it@acme.test');
select tests.act_as('zoe', 'zenith');
select set_own_phone_number('+497654321');
select set_billing_email('bills@zenith.test');
select set_technical_contact_email('it@zenith.test');
select tests.act_as_nobody();
select tests.sign_in(name, p_token => name || ' signed in', p_ip_address => '203.0.113.7')
from unnest(array['ann', 'bob', 'nobody']) as name;
select tests.prove_password(name, p_ip_address => '203.0.113.7') from unnest(array['ann', 'bob', 'nobody']) as name;
select tests.act_as_superuser();

create temporary table places (
  name text, field_id integer, scope text, organization_id uuid, row_id uuid, subject_id uuid, value bytea
) on commit drop;
create function tests.gather(p_field sealed_fields) returns void language plpgsql as $body$
begin
  execute format(
    'insert into places
     select %L, %s, %L, %s, %I, %s, %I from %I where %I is not null order by %I limit 3',
    p_field.table_name || '.' || p_field.column_name, p_field.sealed_as, p_field.scope,
    coalesce(quote_ident(p_field.organization_column), 'null'), p_field.row_column,
    coalesce(quote_ident(p_field.subject_column), 'null'), p_field.column_name, p_field.table_name,
    p_field.column_name, p_field.row_column
  );
end;
$body$;
select tests.gather(sealed_fields) from sealed_fields;

create function tests.opening(p_place places, p_value bytea) returns text language plpgsql as $body$
begin
  perform _open(p_place.field_id, p_place.organization_id, p_place.row_id, p_value, p_place.subject_id);
  return 'opened';
exception
  when others then return sqlstate;
end;
$body$;

select is_empty(
  $$ select table_name, column_name from sealed_fields
     where (select count(*) from places where name = table_name || '.' || column_name) < 2 $$,
  'there are two values of every field that is declared'
);
select is_empty(
  $$ select name, row_id from places where tests.opening(places, value) <> 'opened' $$, '... and each opens in its place'
);

-- Elsewhere
select is_empty(
  $$ select here.name, tests.opening(here, there.value)
     from places as here join places as there using (name)
     where here.row_id <> there.row_id and tests.opening(here, there.value) <> 'SP521' $$,
  'what is another row''s does not open in this one'
);
select is_empty(
  $$ select here.name, there.name, tests.opening(here, there.value)
     from places as here join places as there on there.field_id <> here.field_id
     where tests.opening(here, there.value) <> 'SP521' $$,
  '... nor what is another field''s'
);
select is_empty(
  $$ select here.name, other.field_id
     from places as here, (select distinct field_id from places) as other
     where other.field_id <> here.field_id
       and tests.opening(row(here.name, other.field_id, here.scope, here.organization_id, here.row_id, here.subject_id, null), here.value)
         <> 'SP521' $$,
  '... not in the same row, either'
);
select is_empty(
  $$ select here.name
     from places as here, unnest(array[null, tests.organization_id('acme'), tests.organization_id('zenith')]) as owner
     where owner is distinct from here.organization_id
       and tests.opening(row(here.name, here.field_id, here.scope, owner, here.row_id, here.subject_id, null), here.value) <> 'SP521' $$,
  '... nor for another organization, or the cell'
);
select is_empty(
  $$ select here.name
     from places as here, unnest(array[null, tests.user_id('zoe')]) as subject
     where here.subject_id is not null and subject is distinct from here.subject_id
       and tests.opening(row(here.name, here.field_id, here.scope, here.organization_id, here.row_id, subject, null), here.value) <> 'SP521' $$,
  '... nor as if it were about somebody else, or nobody'
);

-- Cut, and altered
select is_empty(
  $$ select name, length from places, generate_series(0, octet_length(value) - 1) as length
     where tests.opening(places, substr(value, 1, length)) <> 'SP521' $$,
  'cut anywhere it does not open'
);
select is_empty(
  $$ select name from places
     where tests.opening(places, value || '\x00') <> 'SP521' or tests.opening(places, substr(value, 2)) <> 'SP521' $$,
  '... nor with a byte more, or without its first'
);
create temporary table flips on commit drop as
select
  name,
  case
    when at < 2 then 'header' when at < 6 then 'key id' when at < 22 then 'iv'
    when at < octet_length(value) - 32 then 'ciphertext' else 'tag'
  end as part,
  tests.opening(places, set_byte(value, at, get_byte(value, at) # (1 << at % 8))) as outcome
from places, generate_series(0, octet_length(value) - 1) as at;
select is_empty(
  format($$ select name, outcome from flips where part = %L and outcome <> 'SP521' $$, part),
  format('a bit of its %s that is another is seen', part)
)
from unnest(array['header', 'key id', 'iv', 'ciphertext']) as part;
select is_empty(
  $$ select name, outcome from flips where part = 'tag' and outcome <> 'SP521' $$, '... and of its tag'
);

-- Put back. Of each value an older one, as another transaction sealed it: it opens, where it stands.
create temporary table olders on commit drop as
select
  places as place,
  tests.sealed_before(
    field_id, organization_id, row_id,
    _open(field_id, organization_id, row_id, value, subject_id), subject_id
  ) as older,
  _seal(
    field_id, organization_id, row_id, _open(field_id, organization_id, row_id, value, subject_id), subject_id
  ) as newer
from places;
select is_empty(
  $$ select (place).name from olders where tests.opening(place, older) <> 'opened' or older in ((place).value, newer) $$,
  'an older value is another one, and opens in its place'
);

-- As a superuser, whom no policy binds; and what is tried is undone.
create function tests.trying(p_sql text, p_value bytea, p_row_id uuid) returns text language plpgsql as $body$
declare
  v_detail text;
begin
  execute p_sql using p_value, p_row_id;
  raise exception 'to be undone' using errcode = 'SPDON';
exception
  when sqlstate 'SPDON' then return 'written';
  when others then
    get stacked diagnostics v_detail = pg_exception_detail;
    return sqlstate || ' ' || v_detail;
end;
$body$;
create function tests.updating(p_place places, p_value bytea) returns text language sql as $body$
  select tests.trying(
    format(
      'update %1$I set %2$I = $1 where %3$I = $2', table_name, column_name, row_column
    ),
    p_value, (p_place).row_id
  )
  from sealed_fields where table_name || '.' || column_name = (p_place).name
$body$;
-- The row as it is but for this value, in place of the one that was. Foreign keys let nobody delete who is
-- referred to, and evidence is never deleted: it comes a second time, as recorded later.
create function tests.inserting(p_place places, p_value bytea) returns text language plpgsql as $body$
declare
  v_field   sealed_fields;
  v_columns text;
  v_outcome text;
begin
  select * into v_field from sealed_fields where table_name || '.' || column_name = (p_place).name;
  select string_agg(quote_ident(attname), ', ') into v_columns
  from pg_attribute
  where attrelid = v_field.table_name::regclass and attnum > 0 and not attisdropped
    and attgenerated = '' and attidentity = '';
  execute format('create temporary table spare on commit drop as select * from %I where %I = $1', v_field.table_name, v_field.row_column)
  using (p_place).row_id;
  execute format('update spare set %I = $1', v_field.column_name) using p_value;
  if v_field.table_name <> 'access_attempt_logs' then
    set local session_replication_role = replica;
    execute format('delete from %I where %I = $1', v_field.table_name, v_field.row_column) using (p_place).row_id;
    set local session_replication_role = origin;
  end if;
  v_outcome := tests.trying(
    format('insert into %1$I (%2$s) select %2$s from spare', v_field.table_name, v_columns), p_value, (p_place).row_id
  );
  raise exception '%', v_outcome using errcode = 'SPDON';
exception
  when sqlstate 'SPDON' then return sqlerrm;
end;
$body$;
select is_empty(
  $$ select (place).name, tests.updating(place, older) from olders
     where tests.updating(place, older) <> all (array[
       'SP525 It was sealed for another row or column, or in another transaction.',
       case when _is_append_only(split_part((place).name, '.', 1)) then 'SP203 ' end
     ]) $$,
  'an older value is not put back where it was'
);
select is_empty(
  $$ select (place).name, tests.inserting(place, older) from olders
     where tests.inserting(place, older) <> 'SP525 It was sealed for another row or column, or in another transaction.' $$,
  '... nor with its row, once that is deleted'
);
select is_empty(
  $$ select (place).name, tests.updating(place, newer) from olders
     where tests.updating(place, newer) <> 'written' and not _is_append_only(split_part((place).name, '.', 1)) $$,
  'a value that this transaction sealed is written'
);
select is_empty(
  $$ select (place).name, tests.inserting(place, newer) from olders
     where tests.inserting(place, newer) like 'SP525%' $$,
  '... and comes with its row'
);

select finish();
rollback;
