-- one_time_tokens: what is sent once is used once, within its time, by ten tries at
-- most; and nobody reads the table.
begin;
select plan(50);

select tests.two_organizations();

-- Nobody reads or writes it
select tests.act_as('ann', 'acme');
select throws_ok($$ select id from one_time_tokens $$, '42501', null, 'ann reads none');
select throws_ok(
  $$ insert into one_time_tokens (purpose, user_id, token_hash, expiration_time) values ('reset_password', tests.user_id('bob'), sha256('x'), now() + interval '1 hour') $$,
  '42501', null,
  '... and makes none'
);
select throws_ok($$ update one_time_tokens set used_time = null $$, '42501', null, '... and revives none');
select throws_ok($$ delete from one_time_tokens $$, '42501', null, '... and deletes none');
select throws_ok($$ select _request_message('reset_password', tests.email('bob'), tests.user_id('bob'), '1 hour') $$, '42501', null, '... nor asks for one by the inner way');
select throws_ok($$ select _use_token('{reset_password}', 'x') $$, '42501', null, '... uses none by the inner way');
select throws_ok($$ select _show_token('reset_password', 'x') $$, '42501', null, '... nor looks at one');
select tests.act_as('bob', 'acme');
select throws_ok($$ select id from one_time_tokens $$, '42501', null, 'bob reads none, not even his own');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select id from one_time_tokens $$, '42501', null, 'nor does zoe');
select tests.act_as_nobody();
select throws_ok($$ select id from one_time_tokens $$, '42501', null, 'nor nobody');
select tests.act_as_mailer();
select throws_ok($$ select id from one_time_tokens $$, '42501', null, 'nor a mailer');
select tests.act_as_operator();
select throws_ok($$ select id from one_time_tokens $$, '42501', null, 'nor a job');
select tests.act_as_owner();
select is_empty($$ select id from one_time_tokens $$, 'the owner of the table finds it empty');

select tests.act_as_superuser();
create function tests.issue(p_purpose text, p_name text, p_token text)
  returns void
  language sql
as $$
  insert into one_time_tokens (purpose, user_id, token_hash, expiration_time)
  values (p_purpose, tests.user_id(p_name), sha256(convert_to(p_token, 'UTF8')), now() + interval '1 hour')
$$;

-- Used once, for what it is for
select tests.issue('reset_password', 'bob', token) from unnest(array['one', 'two']) as token;
select tests.issue('verify_email', 'bob', 'three');
select tests.issue('reset_password', 'amy', 'four');
select is((_use_token('{verify_email}', 'two')).id, null, 'a token is good for its purpose and for no other');
select is((_use_token('{reset_password}', sha256('two'))).id, null, 'its digest, which the table keeps, is not the token');
select is((_use_token('{reset_password}', null)).id, null, 'nothing is not a token');
select is((_use_token('{reset_password}', 'two')).user_id, tests.user_id('bob'), 'bob''s is bob''s');
select is((_use_token('{reset_password}', 'two')).id, null, '... once');
select is((_use_token('{reset_password}', 'one')).id, null, '... and with it the other that he was sent');
select results_eq(
  $$ select purpose, token_hash from one_time_tokens where used_time is null order by purpose $$,
  $$ values ('reset_password', sha256('four')), ('verify_email', sha256('three')) $$,
  '... but not what he was sent for something else, nor amy''s'
);
select _request_message('reset_password', tests.email('amy'), tests.user_id('amy'), '1 hour');
select _request_message('verify_email', tests.email('amy'), tests.user_id('amy'), '1 hour');
savepoint asked;
select is((_use_token('{reset_password}', 'four')).user_id, tests.user_id('amy'), 'amy uses hers, and has asked for another');
select results_eq(
  $$ select purpose from messages where user_id = tests.user_id('amy') $$, array['verify_email'],
  '... which is not sent any more'
);
rollback to asked;
select tests.issue('reset_password', 'bob', 'five');

-- Ten shows
select is(
  (select count((_show_token('reset_password', 'five')).id) from generate_series(1, 10)), 10::bigint,
  'it may be shown ten times'
);
select is((_show_token('reset_password', 'five')).id, null, '... not eleven');
select is((_use_token('{reset_password}', 'five')).id, null, '... and is then good for nothing');
select is((_show_token('reset_password', 'two')).id, null, 'a used one shows nothing');
update one_time_tokens set attempt_count = 9 where token_hash = sha256('four');
select is((_use_token('{reset_password}', 'four')).user_id, tests.user_id('amy'), 'after nine shows it may still be used');

-- Of the password that there is
delete from one_time_tokens;
select tests.issue('reset_password', 'bob', 'older'), tests.issue('verify_email', 'bob', 'address');
update password_credentials set set_time = clock_timestamp() where user_id = tests.user_id('bob');
select is((_show_token('reset_password', 'older')).id, null, 'what was made before another password was set shows nothing');
select is((_use_token('{reset_password}', 'older')).id, null, '... and resets none');
update password_credentials set set_time = now() - interval '1 day', compromised_time = clock_timestamp() where user_id = tests.user_id('bob');
select is((_use_token('{reset_password}', 'older')).id, null, 'nor what was made before the password was found to be known to others');
select is((_use_token('{verify_email}', 'address')).user_id, tests.user_id('bob'), 'an address is verified all the same');
update password_credentials set compromised_time = null where user_id = tests.user_id('bob');

-- Within its time
delete from one_time_tokens;
select tests.issue('reset_password', 'bob', 'six');
update one_time_tokens set creation_time = creation_time - interval '1 hour', expiration_time = clock_timestamp() + interval '2 seconds';
savepoint nearly;
select is((_use_token('{reset_password}', 'six')).user_id, tests.user_id('bob'), 'two seconds before its end it is good');
rollback to nearly;
update one_time_tokens set expiration_time = clock_timestamp();
select is((_use_token('{reset_password}', 'six')).id, null, 'at its end it is not');
select is((_show_token('reset_password', 'six')).id, null, '... nor shows anything');

-- What a token can be
select throws_ok(
  $$ insert into one_time_tokens (purpose, user_id, token_hash, expiration_time) values ('charm', tests.user_id('bob'), sha256('x'), now() + interval '1 hour') $$,
  '23514', null, 'a purpose is one that is known'
);
select throws_ok(
  $$ insert into one_time_tokens (purpose, token_hash, expiration_time) values ('reset_password', sha256('x'), now() + interval '1 hour') $$,
  '23514', null, 'it is about somebody'
);
select throws_ok(
  $$ insert into one_time_tokens (purpose, user_id, token_hash, expiration_time) values ('verify_domain', tests.user_id('bob'), sha256('x'), now() + interval '1 hour') $$,
  '23514', null, '... or about a domain'
);
select throws_ok(
  $$ insert into one_time_tokens (purpose, user_id, token_hash, expiration_time) values ('reset_password', tests.user_id('bob'), '\x00', now() + interval '1 hour') $$,
  '23514', null, 'a digest has 32 bytes'
);
select lives_ok(
  $$ insert into one_time_tokens (purpose, user_id, token_hash, expiration_time) values ('verify_email', tests.user_id('bob'), sha256('x'), now() + interval '31 days') $$,
  'a month is the longest it lasts'
);
select throws_ok(
  $$ insert into one_time_tokens (purpose, user_id, token_hash, expiration_time) values ('verify_email', tests.user_id('bob'), sha256('y'), now() + interval '31 days 1 second') $$,
  '23514', null, '... not a second more'
);
select throws_ok(
  $$ insert into one_time_tokens (purpose, user_id, token_hash, expiration_time) values ('verify_email', tests.user_id('bob'), sha256('y'), now()) $$,
  '23514', null, '... and some time it does'
);
select throws_ok(
  $$ update one_time_tokens set attempt_count = 11 $$,
  '23514', null, 'nothing is shown eleven times'
);
select throws_ok(
  $$ insert into one_time_tokens (purpose, user_id, token_hash, expiration_time) values ('verify_email', tests.user_id('amy'), sha256('x'), now() + interval '1 day') $$,
  '23505', null, 'no two have the same digest'
);

-- Sweeping
delete from one_time_tokens;
insert into one_time_tokens (purpose, user_id, token_hash, creation_time, expiration_time)
select 'verify_email', tests.user_id('bob'), sha256(convert_to('old ' || n, 'UTF8')), now() - interval '10 days', now() - interval '1 day' - make_interval(mins => n)
from generate_series(0, 6) as n;
insert into one_time_tokens (purpose, user_id, token_hash, creation_time, expiration_time)
values
  ('verify_email', tests.user_id('bob'), sha256('yesterday'), now() - interval '10 days', now() - interval '23 hours'),
  ('verify_email', tests.user_id('bob'), sha256('alive'), now(), now() + interval '1 day');
select tests.act_as('ann', 'acme');
select throws_ok($$ select sweep_one_time_tokens() $$, '42501', null, 'ann sweeps nothing');
select tests.act_as_nobody();
select throws_ok($$ select sweep_one_time_tokens() $$, '42501', null, 'nobody sweeps nothing');
select tests.act_as_operator();
select is(sweep_one_time_tokens(5), 5, 'a job sweeps five that ended more than a day ago');
select is(sweep_one_time_tokens(5), 2, '... and the two that are left');
select is(sweep_one_time_tokens(5), 0, '... and then none');
select tests.act_as_superuser();
select results_eq(
  $$ select token_hash from one_time_tokens order by expiration_time $$,
  $$ values (sha256('yesterday')), (sha256('alive')) $$,
  'one that ended within a day stays, and so does the one alive'
);
select is((select sum((additional_data ->> 'swept')::integer) from tests.events('one_time_tokens.swept')), 7::bigint, 'each batch is recorded');

select finish();
rollback;
