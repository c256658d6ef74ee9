-- After a cell's cost was raised, accounts answer their old cost until their owner signs
-- in. An address nobody has does so too, and goes up as they do.
begin;
select plan(20);

select tests.unlock();
-- A hundred accounts, and three hundred addresses that nobody has.
create table tests.addresses as
select 'somebody' || n || '@example.com' as address, true as is_there from generate_series(1, 100) as n
union all
select 'nobody' || n || '@example.com', false from generate_series(1, 300) as n;
insert into users (id, email, first_name, last_name, status, email_verified_time)
select md5(address)::uuid, _seal_email(md5(address)::uuid, address), 'Some', 'Body', 'active', now()
from tests.addresses
where is_there;
select _index_email(md5(address)::uuid, address) from tests.addresses where is_there;
select tests.give_password(
  md5(address)::uuid,
  '$2a$12$' || translate(left(encode(sha256(address::bytea), 'base64'), 21), '+/', '..') || 'u' || repeat('x', 31)
)
from tests.addresses
where is_there;
create table tests.answers (question integer, address text, salt text, target_cost integer);
grant select on tests.addresses to public;
grant select, insert on tests.answers to public;

-- What somebody without a session learns by asking for each of them
create function tests.ask(p_question integer)
  returns void
  language plpgsql
as $$
begin
  perform tests.act_as_nobody();
  insert into tests.answers
  select p_question, address, salt, target_cost
  from tests.addresses
  cross join lateral begin_password_check(address);
  perform tests.act_as_superuser();
end;
$$;
create function tests.share(p_question integer, p_is_there boolean)
  returns numeric
  language sql
as $$
  select avg((salt like '$2a$12$%')::integer)
  from tests.answers
  join tests.addresses using (address)
  where question = p_question and is_there = p_is_there
$$;
create function tests.sign_in_some(p_first integer, p_last integer)
  returns void
  language sql
as $$
  update password_credentials
  set salt = '$2a$13$' || translate(left(encode(sha256(digest), 'base64'), 21), '+/', '..') || 'u'
  where user_id in (select md5('somebody' || n || '@example.com')::uuid from generate_series(p_first, p_last) as n)
$$;

-- The cost is raised
update password_policies set bcrypt_cost = 13 where organization_id is null;
select tests.ask(1);
select is(tests.share(1, true), 1::numeric, 'right after the cost was raised accounts answer the old one');
select is(tests.share(1, false), 1::numeric, '... and so do all addresses that nobody has');
select is((select count(distinct target_cost) from tests.answers), 1::bigint, '... and what a new digest should cost is the same for all');
-- The naive twin: an address nobody has is answered what the cell asks for now.
select results_eq(
  $$
    select is_there, count(*)
    from tests.addresses
    left join password_credentials on user_id = md5(address)::uuid
    where coalesce(password_credentials.salt, _salt_for_nobody(address, 13, (_open_digest_keys('salt'))[1])) like '$2a$12$%'
    group by is_there
  $$,
  $$ values (true, 100::bigint) $$,
  'a twin that answers the new one for them gives all hundred accounts away, and nobody else'
);

-- Half of them sign in. Six standard deviations of three hundred even chances are 52.
select tests.sign_in_some(1, 50);
select tests.ask(2);
select is(tests.share(2, true), 0.5, 'half of the accounts have signed in and answer the new one');
select cmp_ok(tests.share(2, false), '>', 0.32, '... and so does about half of nobody''s');
select cmp_ok(tests.share(2, false), '<', 0.68, '... and not more');

-- Three quarters
select tests.sign_in_some(51, 75);
select tests.ask(3);
select is(tests.share(3, true), 0.25, 'of the accounts a quarter is left');
select cmp_ok(tests.share(3, false), '>', 0.09, '... and about a quarter of nobody''s');
select cmp_ok(tests.share(3, false), '<', 0.41, '... and not more');

-- All of them
select tests.sign_in_some(76, 100);
select tests.ask(4);
select is(tests.share(4, true), 0::numeric, 'once all have signed in, no account is left');
select is(tests.share(4, false), 0::numeric, '... and none of nobody''s');

-- Over time: each goes up once and stays there; the salt changes with the cost and never else
create table tests.paths as
select
  is_there,
  address,
  count(distinct left(salt, 7)) as costs,
  count(distinct salt) as salts,
  array_agg(left(salt, 7) order by question) = array_agg(left(salt, 7) order by left(salt, 7)) as goes_up,
  count(distinct substr(salt, 8)) as random_parts
from tests.answers
join tests.addresses using (address)
group by is_there, address;
select is_empty($$ select address from tests.paths where not goes_up $$, 'no address ever answers a lower cost than before');
select results_eq(
  $$ select is_there, costs, salts, random_parts, count(*) from tests.paths group by 1, 2, 3, 4 order by 1 $$,
  $$ values (false, 2::bigint, 2::bigint, 2::bigint, 300::bigint), (true, 2, 2, 2, 100) $$,
  'each, somebody''s or nobody''s, has two salts that have nothing in common, one of each cost'
);

-- The counts behind it
create function tests.miscounted()
  returns setof integer
  language sql
as $$
  select cost
  from password_costs
  where credential_count <> (
    select count(*) from password_credentials where substr(salt, 5, 2)::integer = cost
  )
$$;
select is_empty('select tests.miscounted()', 'the counts are those of the credentials');
select tests.two_organizations();
select tests.act_as_superuser();
delete from users where id in (select md5(address)::uuid from tests.addresses where address like 'somebody1%');
update password_credentials set salt = replace(salt, '$13$', '$31$') where user_id = md5('somebody2@example.com')::uuid;
select results_eq(
  $$ select cost, credential_count from password_costs where credential_count > 0 order by cost $$,
  $$ values (12, 4::bigint), (13, 87), (31, 1) $$,
  '... also when people come, go and change'
);
select is_empty('select tests.miscounted()', '... to the last one');

-- A cell without a credential answers its own cost; and nobody reads the counts
delete from password_credentials;
select is(_cost_for_nobody('nobody@example.com', 13, (_open_digest_keys('salt'))[1]), 13, 'where there are no accounts an address answers the cell''s cost');
select tests.act_as_nobody();
select throws_ok($$ select cost from password_costs $$, '42501', null, 'the counts are not for callers');
select throws_ok($$ select _cost_for_nobody('nobody@example.com', 12, 'key') $$, '42501', null, '... nor is the function');

select finish();
rollback;
