-- Every sealed field that the catalog declares, on rows as the product writes them: a value
-- opens in its place, and nowhere else, and not once a bit of it is another. (Put back in its
-- own place an older value opens: it is in its place. See sealed_values.sql.)
begin;
select plan(14);

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

select finish();
rollback;
