-- users: whoever looks sees themselves and the people of the organization they are
-- in, and changes nobody but themselves.
begin;
select plan(64);

select tests.two_organizations();
select tests.person('iva');
select tests.act_as_superuser();
insert into organization_users (organization_id, user_id, status)
values (tests.organization_id('acme'), tests.user_id('iva'), 'invited');

-- Who sees whom
select tests.act_as('ann', 'acme');
select results_eq(
  $$ select first_name from users order by first_name $$,
  $$ values ('Amy'), ('Ann'), ('Bob') $$,
  'ann sees the people of acme: not zoe, and not iva, who is only invited'
);
select tests.act_as('bob', 'acme');
select results_eq(
  $$ select first_name from users order by first_name $$,
  $$ values ('Amy'), ('Ann'), ('Bob') $$,
  'bob, a member, sees the same'
);
select tests.act_as('bob');
select results_eq(
  $$ select first_name from users $$,
  $$ values ('Bob') $$,
  '... and in no organization only himself'
);
select tests.act_as('zoe', 'zenith');
select results_eq(
  $$ select first_name from users $$,
  $$ values ('Zoe') $$,
  'zoe sees the people of zenith, which is herself'
);
select is_empty(
  $$ select id from users where id = find_user_by_email(tests.email('ann')) $$,
  '... and nobody of acme, also when she knows the address'
);
select tests.act_as('iva');
select results_eq(
  $$ select first_name from users $$,
  $$ values ('Iva') $$,
  'iva, who has not accepted, sees nobody of acme'
);
select tests.act_as_nobody();
select is_empty($$ select id from users $$, 'nobody sees nobody');
select tests.act_as_operator();
select throws_ok($$ select id from users $$, '42501', null, 'a job sees nobody');
select tests.act_as_auditor();
select throws_ok($$ select id from users $$, '42501', null, 'an auditor reads evidence and no people');
select tests.act_as_owner();
select is_empty($$ select id from users $$, 'the owner of the table finds it empty');

-- Which columns
select tests.act_as('ann', 'acme');
select lives_ok(
  $$
    select
      id, email, first_name, last_name, job_title, status, email_verified_time, phone_number,
      avatar_url, timezone, locale, last_login_time, creation_time, last_update_time
    from users
  $$,
  'ann reads what people say of themselves'
);
select throws_ok($$ select sessions_valid_from from users $$, '42501', null, '... not from when their sessions count');
select throws_ok($$ select search_text from users $$, '42501', null, '... nor what searches look in');
select throws_ok($$ select from user_email_indexes $$, '42501', null, '... nor by what addresses are found');


-- Whose address is opened, and who is found by one
select results_eq(
  $$
    select opened.email, opened.phone_number
    from open_users(
      (select array_agg(id order by first_name) from users),
      (select array_agg(email order by first_name) from users),
      (select array_agg(phone_number order by first_name) from users)
    ) as opened
  $$,
  $$ values ('amy@example.com', null::text), ('ann@example.com', null), ('bob@example.com', null) $$,
  'ann opens the addresses of those she sees'
);
select is_empty($$ select from open_users(null, null, null) $$, '... and of no one, nothing');
select results_eq(
  $$ select find_user_by_email(address) from unnest(array['BOB@example.com ', 'ann@example.com']) as address $$,
  $$ values (tests.user_id('bob')), (tests.user_id('ann')) $$,
  'she finds bob by his, however it is written, and herself'
);
select is(
  (select array_agg(find_user_by_email(address)) from unnest(array['zoe@example.com', 'iva@example.com', 'no one', '']) as address),
  array[null, null, null, null]::uuid[],
  '... and nobody she may not see, and nobody by what is no address'
);
select tests.act_as('zoe', 'zenith');
select is(find_user_by_email('bob@example.com'), null, 'zoe does not find bob');
select tests.act_as_nobody();
select is(find_user_by_email('bob@example.com'), null, 'nobody does');
select tests.act_as_operator();
select throws_ok($$ select find_user_by_email('bob@example.com') $$, '42501', null, 'a job asks for nobody');
select throws_ok($$ select open_users('{}', '{}', '{}') $$, '42501', null, '... and opens nothing');


-- Who changes whom
select tests.act_as('bob', 'acme');
select results_eq(
  $$
    update users
    set first_name = 'Robert', last_name = 'Builder', job_title = 'Nurse',
      avatar_url = 'https://example.com/bob.png', timezone = 'Europe/Berlin', locale = 'de'
    returning first_name, last_name
  $$,
  $$ values ('Robert', 'Builder') $$,
  'bob changes what is said of him, and by the same statement of nobody else'
);
select is_empty(
  $$ update users set first_name = 'Mine' where id = tests.user_id('ann') returning id $$,
  'bob does not rename ann'
);
select tests.act_as('ann', 'acme');
select is_empty(
  $$ update users set first_name = 'Bobby' where id = tests.user_id('bob') returning id $$,
  'ann, who owns acme, does not rename bob'
);
select tests.act_as('zoe', 'zenith');
select is_empty(
  $$ update users set first_name = 'Mine' where id = tests.user_id('bob') returning id $$,
  'zoe does not either'
);
select tests.act_as_nobody();
select is_empty($$ update users set first_name = 'Mine' returning id $$, 'nobody renames nobody');

select tests.act_as('bob', 'acme');
select throws_ok($$ update users set email = '\x00' $$, '42501', null, 'bob does not change his address by hand');
select throws_ok($$ update users set phone_number = '\x00' $$, '42501', null, '... nor his number');
select throws_ok($$ update users set status = 'active' $$, '42501', null, '... nor his status');
select throws_ok($$ update users set email_verified_time = now() $$, '42501', null, '... nor what is verified');
select throws_ok($$ update users set sessions_valid_from = '-infinity' $$, '42501', null, '... nor which sessions count');
select throws_ok($$ update users set last_login_time = now() $$, '42501', null, '... nor when he came');
select throws_ok($$ update users set id = new_id() $$, '42501', null, '... nor who he is');
select throws_ok($$ delete from users $$, '42501', null, '... nor does he delete a row');
select throws_ok(
  $$ insert into users (email, first_name, last_name) values ('\x00', 'Eve', 'Example') $$,
  '42501', null,
  '... nor invent a person'
);


-- What a person can be
select throws_ok($$ update users set first_name = '' $$, '23514', null, 'a name is not empty');
select throws_ok($$ update users set first_name = repeat('a', 101) $$, '23514', null, '... and not endless');
select lives_ok($$ update users set first_name = repeat('ä', 100) $$, '... a hundred letters are a name, whatever they weigh');
select throws_ok($$ update users set job_title = repeat('a', 101) $$, '23514', null, 'a title is not endless');
select throws_ok(
  $$ select set_own_phone_number('0301234567') $$,
  '23514', 'a value for phone_number of users breaks the rule "users_phone_number_is_e164"',
  'a number begins with a plus, and one that does not is not repeated'
);
select throws_ok($$ select set_own_phone_number('+1234567890123456') $$, '23514', null, '... and has fifteen digits at most');
select lives_ok($$ select set_own_phone_number('+123456789012345') $$, '... fifteen will do');
select results_eq(
  $$ select phone_number from published_users where id = current_user_id() $$, $$ values ('+123456789012345') $$,
  '... and are kept'
);
select lives_ok($$ select set_own_phone_number(null) $$, '... as is that there is none');
select is((select phone_number from users where id = current_user_id()), null, '... any more');
select throws_ok($$ update users set avatar_url = 'http://example.com/a.png' $$, '23514', null, 'a picture comes by https');
select throws_ok($$ update users set avatar_url = 'javascript:alert(1)' $$, '23514', null, '... and is no script');
select throws_ok(
  $$ update users set avatar_url = 'https://example.com/a b.png' $$,
  '23514', null,
  '... and holds no space'
);
select lives_ok(
  $$ update users set avatar_url = 'https://' || repeat('a', 1992) $$,
  'its address may have two thousand letters'
);
select throws_ok(
  $$ update users set avatar_url = 'https://' || repeat('a', 1993) $$,
  '23514', null,
  '... and not one more'
);
select throws_ok($$ update users set timezone = 'no where' $$, '23514', null, 'a time zone is a name');
select throws_ok($$ update users set locale = 'German' $$, '23514', null, 'a language is a tag');

select tests.act_as_superuser();
select is(
  _open_text(1, null, tests.user_id('bob'), _seal_email(tests.user_id('bob'), ' Bob@Example.COM '), tests.user_id('bob')),
  'bob@example.com',
  'an address is kept folded'
);
select throws_ok(
  $$ select tests.give_email('bob', tests.email('ann')) $$,
  '23505', null,
  'an address is one person''s'
);
select is(
  (
    select count(*)
    from unnest(array['bob', 'bob@', '@example.com', 'bob@example', 'bob@@example.com', 'bob@.com', 'b ob@example.com', E'bob\n@example.com', 'bob@example.com.']) as address
    where address ~ (select pattern from sealed_fields where field_id = 1)
  ),
  0::bigint,
  'what is no address does not look like one'
);
select throws_ok(
  $$ select tests.give_email('bob', 'bob') $$,
  '23514', 'a value for email of users breaks the rule "users_email_is_an_address"',
  '... and is refused'
);
select lives_ok(
  $$ select tests.give_email('bob', repeat('a', 242) || '@example.com') $$,
  'an address has up to 254 octets'
);
select throws_ok(
  $$ select tests.give_email('bob', repeat('a', 243) || '@example.com') $$,
  '23514', null,
  '... and not one more'
);
select throws_ok(
  $$ update users set email = null where id = tests.user_id('bob') $$,
  '23514', null,
  'who is there has an address'
);
select throws_ok(
  $$ update users set email_verified_time = null where id = tests.user_id('bob') $$,
  '23514', null,
  'who is active has proven their address'
);
select throws_ok(
  $$ update users set status = 'asleep' where id = tests.user_id('bob') $$,
  '23514', null,
  'a status is one that is known'
);

-- When a row last changed moves forward, also twice in a moment
select set_config(
  'tests.changed',
  (select last_update_time::text from users where id = tests.user_id('amy')),
  true
);
update users set job_title = 'Nurse' where id = tests.user_id('amy');
select ok(
  (select last_update_time > current_setting('tests.changed')::timestamptz from users where id = tests.user_id('amy')),
  'a change moves last_update_time forward'
);
select set_config(
  'tests.changed',
  (select last_update_time::text from users where id = tests.user_id('amy')),
  true
);
update users set job_title = 'Doctor', last_update_time = '2000-01-01' where id = tests.user_id('amy');
select ok(
  (select last_update_time > current_setting('tests.changed')::timestamptz from users where id = tests.user_id('amy')),
  '... and a second one in the same instant too, whatever it says itself'
);

select finish();
rollback;
