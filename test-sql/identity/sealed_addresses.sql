-- Addresses and numbers are sealed for one column of one row and open nowhere else; an
-- address is found by its blind index, in whichever version is looked up.
begin;
select plan(21);

select tests.two_organizations();
select tests.act_as('ann', 'acme');
select set_own_phone_number('+431234567');
select tests.act_as('bob', 'acme');
select set_own_phone_number('+497654321');
select tests.act_as_superuser();

select is_empty(
  $$
    select from users
    where position('example.com'::bytea in email) > 0 or position('1234567'::bytea in phone_number) > 0
  $$,
  'nothing of an address or a number is in its column'
);
select is(
  (select count(distinct (email_index, domain_index)) from user_email_indexes), 4::bigint,
  'each address has an index of its own'
);
select is((select count(distinct domain_index) from user_email_indexes), 1::bigint, '... and one domain the same');

-- Written in another way it is the same address, with the same throttle
select is(
  (
    select count(distinct (_fold_email(address), tests.throttle_id(address), _find_user_by_email(address)))
    from unnest(array[
      'ann@example.com', ' ANN@example.com ', 'Ann@Example.COM', '   ann@example.com' || repeat(' ', 400)
    ]) as address
  ),
  1::bigint,
  'there is one ann, however her address is written'
);
select is(
  (
    select array_agg(_find_user_by_email(address))
    from unnest(array['ａnn@example.com', E'a\u0300nn@example.com', E'\u00A0ann@example.com', E'bob\u0130@example.com']) as address
  ),
  array[null, null, null, null]::uuid[],
  '... and whose address only looks like hers is somebody else'
);

-- Every way to alter a value of either column, and what comes of reading it
create function pg_temp.read_by_ann(p_column text, p_value bytea)
  returns text
  language plpgsql
as $$
begin
  perform tests.act_as_superuser();
  -- As who writes into the file of the table would: past the trigger.
  set local session_replication_role = replica;
  execute format('alter table users disable trigger _500_%s_is_sealed', p_column);
  execute format('update users set %I = $1 where id = tests.user_id(''ann'')', p_column) using p_value;
  set local session_replication_role = origin;
  perform tests.act_as('ann', 'acme');
  return tests.outcome(format('select %I from published_users where id = tests.user_id(''ann'')', p_column));
end;
$$;
create temporary table kept as
select id, 'email' as name, email as value, phone_number as other from users
union all
select id, 'phone_number', phone_number, email from users;
grant select on kept to public;
create function pg_temp.kept(p_name text, p_column text) returns bytea language sql
  as $$ select value from kept where id = tests.user_id(p_name) and name = p_column $$;

select is(pg_temp.read_by_ann(name, pg_temp.kept('bob', name)), 'SP521', 'bob''s ' || name || ' does not open in ann''s row')
from unnest(array['email', 'phone_number']) as name;
select is(pg_temp.read_by_ann(name, pg_temp.kept('ann', other)), 'SP521', 'her own ' || other || ' does not open as her ' || name)
from (values ('email', 'phone_number'), ('phone_number', 'email')) as columns (name, other);
select is(
  (
    select array_agg(distinct pg_temp.read_by_ann(name, substr(pg_temp.kept('ann', name), 1, length)))
    from generate_series(0, octet_length(pg_temp.kept('ann', name)) - 1, 3) as length
  ),
  array['SP521'],
  'no ' || name || ' that is cut short opens'
)
from unnest(array['email', 'phone_number']) as name;
select is(
  (
    select array_agg(distinct pg_temp.read_by_ann(name, set_bit(value, bit, 1 - get_bit(value, bit))))
    from (select pg_temp.kept('ann', name) as value) as sealed
    cross join lateral generate_series(0, 8 * octet_length(value) - 1, 29) as bit
  ),
  array['SP521'],
  '... nor one with a bit that is another'
)
from unnest(array['email', 'phone_number']) as name;
select is(pg_temp.read_by_ann(name, pg_temp.kept('ann', name)), 'done', '... and her own does')
from unnest(array['email', 'phone_number']) as name;

-- One value of hers in place of another that she had: the same place, and so it opens.
-- That it was replaced is told by what changed, in data_change_logs.
select tests.act_as('ann', 'acme');
select set_own_phone_number('+439999999');
select is(
  pg_temp.read_by_ann('phone_number', pg_temp.kept('ann', 'phone_number')), 'done',
  'an older number of hers is still hers'
);

-- While another version takes over
select tests.act_as_superuser();
select tests.add_key();
select tests.unlock();
insert into blind_index_versions (version, key_id, phase) values (2, 2, 'dual');
select tests.newcomer('new');
select results_eq(
  $$ select version from user_email_indexes where user_id = tests.user_id('new') order by version $$,
  array[1, 2],
  'in the dual phase an address is indexed in both versions'
);
select is(_find_user_by_email(tests.email('new')), tests.user_id('new'), '... and found in the first');
select throws_ok($$ select _index_email(tests.user_id('ann'), tests.email('new')) $$, '23505', null, '... and one person''s in each');
update blind_index_versions set phase = 'backfill' where version = 2;
update blind_index_versions set phase = 'fading' where version = 1;
update blind_index_versions set phase = 'cutover' where version = 2;
select is(_find_user_by_email(tests.email('new')), tests.user_id('new'), 'once the second is looked up, it is found there');
select is(_find_user_by_email(tests.email('ann')), null, '... and who was not indexed in it is not');

select finish();
rollback;
