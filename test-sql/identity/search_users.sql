-- search_users(): people of one's own organization, by a part of a name or a title, or
-- by all of an address or its domain; what is typed is text and never a pattern.
begin;
select plan(51);

create function pg_temp.time_to_refuse(p_query text)
  returns interval
  language plpgsql
as $$
declare
  v_start timestamptz := clock_timestamp();
begin
  perform search_users(p_query);
exception
  when sqlstate 'SP506' then return clock_timestamp() - v_start;
end;
$$;

select tests.two_organizations();
select tests.person(name) from unnest(array['gus', 'hal', 'iva']) as name;
select tests.member('acme', 'gus');
select tests.member('acme', 'hal');
select tests.act_as_superuser();
insert into organization_users (organization_id, user_id, status)
values (tests.organization_id('acme'), tests.user_id('iva'), 'invited');
update users set job_title = 'Head nurse' where id = tests.user_id('gus');
update users set last_name = '100%_sure\really' where id = tests.user_id('hal');
update users set job_title = 'Head nurse' where id in (tests.user_id('zoe'), tests.user_id('iva'));

-- What is found
select tests.act_as('bob', 'acme');
select results_eq(
  $$ select user_id, email, first_name, job_title, role from search_users('gus') $$,
  $$ values (tests.user_id('gus'), tests.email('gus'), 'Gus', 'Head nurse', 'member') $$,
  'bob finds gus by his name'
);
select results_eq($$ select first_name from search_users('US') $$, $$ values ('Gus') $$, '... by a part of it, however written');
select results_eq($$ select first_name from search_users('  gus  ') $$, $$ values ('Gus') $$, '... with room around it');
select results_eq($$ select first_name from search_users('ead nur') $$, $$ values ('Gus') $$, '... by a part of his title');
select results_eq($$ select first_name from search_users('nurse head') $$, $$ values ('Gus') $$, '... by its words in any order');
select results_eq($$ select first_name, email from search_users(' Gus@Example.com ') $$, $$ values ('Gus', 'gus@example.com') $$, '... by his address');
select is_empty($$ select first_name from search_users('gus@example') $$, '... and not by a part of it');
select tests.give_email('hal', U&'H\00C4L@example.com');
select tests.act_as('bob', 'acme');
select results_eq(
  $$ select first_name from search_users(U&'h\00C4l@Example.com') $$, $$ values ('Hal') $$,
  'an address is folded as mail folds it: A to Z, and no other letter'
);
select is_empty(
  $$ select first_name from search_users(U&'h\00E4l@example.com') $$, '... so another letter is another address'
);
select is((select count(*) from search_users('@example.com')), 5::bigint, 'everybody of acme is found by their domain');
select results_eq(
  $$ select first_name from search_users('@example.com', 2) $$, $$ values ('Hal'), ('Bob') $$,
  '... by name, and no more than were asked for'
);
select is_empty($$ select first_name from search_users('@example.org') $$, '... and nobody by another one');
select is((select count(*) from search_users('example')), 4::bigint, 'everybody of acme is found by what they share');
select is((select count(*) from search_users('example', 2)), 2::bigint, '... as many as were asked for');
select is_empty($$ select user_id from search_users('nobody at all') $$, 'who is not there is not found');
select results_eq(
  $$ select first_name from search_users('bob example') limit 1 $$,
  $$ values ('Bob') $$,
  'the best match comes first'
);

-- Wildcards, quotes and operators are letters
select results_eq($$ select first_name from search_users('100%') $$, $$ values ('Hal') $$, 'a percent sign is a percent sign');
select results_eq($$ select first_name from search_users('%_') $$, $$ values ('Hal') $$, 'an underscore is an underscore');
select results_eq($$ select first_name from search_users('sure\r') $$, $$ values ('Hal') $$, 'a backslash is a backslash');
select is_empty($$ select user_id from search_users('%%') $$, 'two percent signs are not everybody');
select is_empty($$ select user_id from search_users('__') $$, 'two underscores neither');
select is_empty($$ select user_id from search_users('\\\\') $$, 'four backslashes neither');
select lives_ok($$ select search_users('gus'' or true --') $$, 'a quote ends nothing');
select lives_ok($$ select search_users('a & | ! ( <-> :*') $$, 'what means something to a text search means nothing here');

-- Inside the organization and nowhere else
select is_empty($$ select user_id from search_users('zoe') $$, 'bob does not find zoe of zenith');
select is_empty($$ select user_id from search_users('iva') $$, '... nor iva, who is only invited');
select is_empty(
  $$ select user_id from unnest(array['zoe@example.com', 'iva@example.com']) as address cross join search_users(address) $$,
  '... also when he knows their addresses'
);
select tests.act_as('ann', 'acme');
select is_empty($$ select user_id from search_users('zoe') $$, 'ann, who owns acme, does not find zoe');
select tests.act_as('zoe', 'zenith');
select results_eq(
  $$ select user_id from search_users('nurse') $$,
  $$ select tests.user_id('zoe') $$,
  'zoe, asking for nurses, finds the one of zenith'
);
select tests.act_as('bob');
select throws_ok($$ select search_users('bob') $$, 'SP103', null, 'bob in no organization searches nothing');
select tests.act_as_nobody();
select throws_ok($$ select search_users('bob') $$, 'SP102', null, 'nobody searches nothing');
select tests.act_as_operator();
select throws_ok($$ select search_users('bob') $$, '42501', null, 'a job searches nobody');

-- Bounds
select tests.act_as('bob', 'acme');
select throws_ok($$ select search_users('b') $$, 'SP506', null, 'one letter is too little to look for');
select lives_ok($$ select search_users('bo') $$, '... two will do');
select throws_ok($$ select search_users('  b  ') $$, 'SP506', null, '... spaces are not letters');
select lives_ok($$ select search_users(repeat('b', 100)) $$, 'a hundred letters will do');
select throws_ok($$ select search_users(repeat('b', 101)) $$, 'SP506', null, '... a hundred and one are too many');
select throws_ok($$ select search_users(null) $$, 'SP506', null, '... nothing is too little');
-- Two hundred thousand letters took two seconds to parse, and more the square of that.
select ok(pg_temp.time_to_refuse(repeat('x ', 500000)) < '1 second', 'a million letters are refused before they are parsed');
select throws_ok($$ select search_users('bob', 0) $$, 'SP504', null, 'nobody asks for no one');
select lives_ok($$ select search_users('bob', 1) $$, '... one may be asked for');
select lives_ok($$ select search_users('bob', 100) $$, '... and a hundred');
select throws_ok($$ select search_users('bob', 101) $$, 'SP504', null, '... and no more');


-- Both indexes carry it: in an organization of many, on the very query of the function
select tests.act_as_superuser();
-- Addresses that open to nothing will do: past the trigger.
alter table users disable trigger _500_email_is_sealed;
insert into users (id, email, first_name, last_name)
select
  md5('crowd:' || n)::uuid, '\x0101'::bytea || int4send(1) || decode(repeat('00', 64), 'hex'), 'Crowd' || n,
  left(md5(n::text), 12)
from generate_series(1, 12000) as n;
alter table users enable trigger _500_email_is_sealed;
insert into user_email_indexes (user_id, version, email_index, domain_index)
select md5('crowd:' || n)::uuid, 1, uuid_send(md5('crowd:' || n)::uuid), uuid_send(md5('domain:' || n % 100)::uuid)
from generate_series(1, 12000) as n;
insert into organization_users (organization_id, user_id)
select tests.organization_id('acme'), md5('crowd:' || n)::uuid
from generate_series(1, 12000) as n;
select gin_clean_pending_list('users_search_text_idx'), gin_clean_pending_list('users_search_words_idx');
analyze users;
analyze user_email_indexes;
analyze organization_users;

create function pg_temp.plan_of(p_query text)
  returns text
  language plpgsql
as $$
declare
  v_line text;
  v_plan text := '';
begin
  for v_line in execute 'explain ' || p_query loop
    v_plan := v_plan || v_line || E'\n';
  end loop;
  return v_plan;
end;
$$;
select set_config(
  'tests.plan',
  pg_temp.plan_of($$
    select users.id
    from organization_users
    join users on users.id = organization_users.user_id
    where organization_users.organization_id = tests.organization_id('acme')
      and organization_users.status <> 'invited'
      and (
        users.search_text like '%crowd11999%'
        or users.search_words @@ plainto_tsquery('simple', 'crowd11999')
      )
    limit 20
  $$),
  true
);
select matches(current_setting('tests.plan'), 'users_search_text_idx', 'a part of a word is looked up in the trigram index');
select matches(current_setting('tests.plan'), 'users_search_words_idx', 'words are looked up in the full-text index');
select doesnt_match(current_setting('tests.plan'), 'Seq Scan on users', '... and the table is not read through');
select matches(
  (select prosrc from pg_proc where oid = 'search_users(text,integer)'::regprocedure),
  'users\.search_text like v_pattern or users\.search_words @@ v_words',
  'the function asks in those words'
);
select set_config(
  'tests.plan',
  pg_temp.plan_of($$
    select users.id
    from user_email_indexes
    join organization_users on organization_users.user_id = user_email_indexes.user_id
    join users on users.id = user_email_indexes.user_id
    where user_email_indexes.version = 1
      and (user_email_indexes.email_index = '\x00' or user_email_indexes.domain_index = '\x00')
      and organization_users.organization_id = tests.organization_id('acme')
      and organization_users.status <> 'invited'
    order by users.last_name, users.id
    limit 20
  $$),
  true
);
select matches(
  current_setting('tests.plan'),
  'user_email_indexes_version_email_index_key.*user_email_indexes_version_domain_index_idx',
  'an address and a domain are looked up in their indexes'
);
select doesnt_match(current_setting('tests.plan'), 'Seq Scan', '... and nothing is read through');
select tests.act_as('bob', 'acme');
select results_eq(
  $$ select first_name from search_users('crowd11999') $$,
  $$ values ('Crowd11999') $$,
  'bob finds the one he means among twelve thousand'
);
select tests.act_as('zoe', 'zenith');
select is_empty($$ select user_id from search_users('crowd11999') $$, 'zoe finds none of them');

select finish();
rollback;
