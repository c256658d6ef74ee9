-- verify_email() and request_email_verification(): an address is proven by who reads
-- it, and asking tells nobody whose it is.
begin;
select plan(20);

select tests.two_organizations();
select tests.act_as_superuser();
select tests.newcomer('new');

-- The same answer for everybody
select tests.act_as_nobody();
select lives_ok($$ select request_email_verification('NEW@example.com') $$, 'somebody asks for a message to new, who waits for one');
select lives_ok($$ select request_email_verification(tests.email('bob')) $$, '... to bob, whose address is proven, with the same answer');
select lives_ok($$ select request_email_verification('nobody@example.com') $$, '... to nobody, with the same answer');
select is((select count(*) from tests.events('email.verification_requested')), 3::bigint, 'all three are recorded');
select tests.act_as_superuser();
select results_eq(
  $$
    select purpose, user_id, next_attempt_time, expiration_time - creation_time
    from messages
    order by user_id
  $$,
  $$
    select 'verify_email', tests.user_id('new'), creation_time, interval '1 day' from messages where user_id is not null
    union all
    values
      ('verify_email', null::uuid, 'infinity'::timestamptz, interval '1 day'),
      ('verify_email', null, 'infinity', '1 day')
  $$,
  'one message is to be sent, within a day; for the others there is a row that never is'
);
select is_empty($$ select from one_time_tokens $$, '... and no token yet');
select tests.act_as_operator();
select throws_ok($$ select request_email_verification('new@example.com') $$, '42501', null, 'a job asks for none');
select throws_ok($$ select verify_email('new 1') $$, '42501', null, '... and verifies nothing');

-- Nobody but the reader
select tests.act_as_superuser();
create temporary table new_mail on commit drop as
select tests.read_message('new', 'verify_email') as token, (select id from messages where user_id = tests.user_id('new')) as id;
grant select on new_mail to public;
select tests.act_as_nobody();
select is(tests.sign_in('new'), 'invalid', 'before the address is proven new does not sign in');
select is(verify_email('new 1'), 'invalid', 'a token that is guessed verifies nothing');
select is(verify_email((select uuid_send(id) from new_mail)), 'invalid', '... nor does the id of the message');
select is(verify_email(null), 'invalid', '... nor does none');
select is(verify_email(tests.read_message('bob', 'verify_email')), 'invalid', 'to bob, whose address is proven, nothing was sent');
select results_eq(
  $$ select result, failure_reason, count(*) from tests.events('email.verified') group by 1, 2 $$,
  $$ values ('failure', 'unknown_token', 4::bigint) $$,
  'each failure is recorded, and stays'
);
select is(verify_email(token), 'verified', 'who reads the message proves the address') from new_mail;
select is(verify_email(token), 'invalid', '... once') from new_mail;
select tests.act_as_superuser();
select results_eq(
  $$ select status, email_verified_time between now() and clock_timestamp() from users where id = tests.user_id('new') $$,
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

select finish();
rollback;
