-- verify_email() and request_email_verification(): an address is proven by who reads
-- it, and asking tells nobody whose it is.
begin;
select plan(22);

select tests.two_organizations();
select tests.act_as_superuser();
insert into users (id, email, first_name, last_name)
values (tests.user_id('new'), tests.email('new'), 'New', 'Example');

-- The same answer for everybody
select tests.act_as_nobody();
select lives_ok($$ select request_email_verification('NEW@example.com', sha256('new 1')) $$, 'somebody asks for a message to new, who waits for one');
select lives_ok($$ select request_email_verification(tests.email('bob'), sha256('bob 1')) $$, '... to bob, whose address is proven, with the same answer');
select lives_ok($$ select request_email_verification('nobody@example.com', sha256('nobody 1')) $$, '... to nobody, with the same answer');
select is((select count(*) from tests.events('email.verification_requested')), 3::bigint, 'all three are recorded');
select tests.act_as_superuser();
select results_eq(
  $$ select purpose, user_id, token_hash, expiration_time between now() + interval '1 day' and clock_timestamp() + interval '1 day 1 second' from one_time_tokens $$,
  $$ values ('verify_email', tests.user_id('new'), sha256('new 1'), true) $$,
  'one token was made, for a day'
);
select tests.act_as_operator();
select throws_ok($$ select request_email_verification('new@example.com', sha256('x')) $$, '42501', null, 'a job asks for none');
select throws_ok($$ select verify_email('new 1') $$, '42501', null, '... and verifies nothing');

-- Nobody but the reader
select tests.act_as_nobody();
select is(tests.sign_in('new'), 'invalid', 'before the address is proven new does not sign in');
select is(verify_email('bob 1'), 'invalid', 'a token for a proven address was never made');
select is(verify_email('nobody 1'), 'invalid', '... nor for nobody''s');
select is(verify_email('new 2'), 'invalid', '... nor is one guessed');
select is(verify_email(null), 'invalid', '... nor is none');
select results_eq(
  $$ select result, failure_reason, count(*) from tests.events('email.verified') group by 1, 2 $$,
  $$ values ('failure', 'unknown_token', 4::bigint) $$,
  'each failure is recorded, and stays'
);
select is(verify_email('new 1'), 'verified', 'who reads the message proves the address');
select is(verify_email('new 1'), 'invalid', '... once');
select tests.act_as_superuser();
select results_eq(
  $$ select status, email_verified_time = now() from users where id = tests.user_id('new') $$,
  $$ values ('active', true) $$,
  'new is active'
);
select results_eq(
  $$ select user_id from tests.events('email.verified') where result = 'success' $$,
  $$ select tests.user_id('new') $$,
  '... and it is recorded'
);

-- It wakes nobody who was put to sleep
update users set status = 'suspended' where id = tests.user_id('new');
insert into one_time_tokens (purpose, user_id, token_hash, expiration_time)
values ('verify_email', tests.user_id('new'), sha256('new 3'), now() + interval '1 day');
select tests.act_as_nobody();
select is(verify_email('new 3'), 'verified', 'somebody suspended may prove their address');
select tests.act_as_superuser();
select is((select status from users where id = tests.user_id('new')), 'suspended', '... and is suspended still');

-- A token that tells the owner of an address that it was registered again
insert into one_time_tokens (purpose, user_id, token_hash, expiration_time)
values ('already_registered', tests.user_id('bob'), sha256('bob 2'), now() + interval '1 day');
select tests.act_as_nobody();
select is(verify_email('bob 2'), 'already_registered', 'bob learns that somebody registered his address');
select is(verify_email('bob 2'), 'invalid', '... once');
select is((select count(*) from tests.events('email.registered_again')), 1::bigint, '... which is recorded');

select finish();
rollback;
