-- messages: asking writes a row, the same for everybody; nobody reads it, and no
-- token is in it.
begin;
select plan(41);

select tests.two_organizations();

-- Nobody reads or writes it
select tests.act_as('ann', 'acme');
select throws_ok($$ select id from messages $$, '42501', null, 'ann reads none');
select throws_ok(
  $$ insert into messages (purpose, user_id, email_digest, next_attempt_time, creation_time, expiration_time) values ('reset_password', tests.user_id('bob'), sha256('x'), now(), now(), now() + interval '1 hour') $$,
  '42501', null, '... and makes none'
);
select throws_ok($$ update messages set status = 'waiting' $$, '42501', null, '... and sends none again');
select throws_ok($$ delete from messages $$, '42501', null, '... and deletes none');
select throws_ok($$ select * from take_messages() $$, '42501', null, '... and takes none');
select throws_ok($$ select finish_message(new_id(), 1, true) $$, '42501', null, '... nor finishes one');
select throws_ok($$ select _close_messages(10) $$, '42501', null, '... nor closes any');
select throws_ok($$ select _alert_undelivered('{}') $$, '42501', null, '... nor raises the alarm');
select throws_ok($$ select raise_message_alerts() $$, '42501', null, '... nor looks whether to');
select throws_ok($$ select sweep_messages() $$, '42501', null, '... nor sweeps');
select tests.act_as('bob', 'acme');
select throws_ok($$ select id from messages $$, '42501', null, 'bob reads none, not even his own');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select id from messages $$, '42501', null, 'nor does zoe');
select tests.act_as_nobody();
select throws_ok($$ select id from messages $$, '42501', null, 'nor nobody');
select throws_ok($$ select * from take_messages() $$, '42501', null, '... who takes none');
select tests.act_as_operator();
select throws_ok($$ select id from messages $$, '42501', null, 'a job reads none');
select throws_ok($$ select * from take_messages() $$, '42501', null, '... and takes none');
select tests.act_as_auditor();
select throws_ok($$ select id from messages $$, '42501', null, 'nor does an auditor');
select tests.act_as_mailer();
select throws_ok($$ select id from messages $$, '42501', null, 'a mailer reads none but what it takes');
select throws_ok($$ select request_password_reset(tests.email('bob')) $$, '42501', null, '... and asks for none');
select throws_ok($$ select email from users $$, '42501', null, '... and reads no address');
select tests.act_as_owner();
select is_empty($$ select id from messages $$, 'the owner of the table finds it empty');

-- One a minute, for whoever has the address and for nobody alike
select tests.act_as_nobody();
select lives_ok($$ select request_password_reset(tests.email('bob')) from generate_series(1, 3) $$, 'somebody asks three times for bob');
select lives_ok($$ select request_password_reset(tests.email('nobody')) from generate_series(1, 3) $$, '... and three times for nobody');
select request_email_verification(tests.email('bob'));
select tests.act_as_superuser();
create function tests.asked() returns text[] language sql as $$
  select array_agg(purpose || ' ' || case when user_id is null then 'for nobody' else 'for somebody' end order by creation_time) from messages
$$;
select is(
  tests.asked(), '{reset_password for somebody,reset_password for nobody,verify_email for nobody}',
  'one row for each, and one more for what is asked besides'
);
update messages set creation_time = creation_time - interval '58 seconds';
select request_password_reset(tests.email(name)) from unnest(array['bob', 'nobody']) as name;
select is(cardinality(tests.asked()), 3, 'fifty-eight seconds later it is a minute still');
update messages set creation_time = creation_time - interval '3 seconds';
select request_password_reset(tests.email(name)) from unnest(array['bob', 'nobody']) as name;
select is(cardinality(tests.asked()), 5, '... three more, and it is not');
select is(
  (select count(distinct email_digest) from messages), 2::bigint,
  'the address is there as a keyed digest'
);
select is_empty(
  $$ select from messages where messages::text like '%example%' $$, '... and in no other form'
);

-- What a message can be
select throws_ok(
  $$ update messages set purpose = 'charm' $$, '23514', null, 'a purpose is one that is known'
);
select throws_ok($$ update messages set status = 'lost' $$, '23514', null, '... and so is a status');
select throws_ok(
  $$ update messages set status = 'delivered' $$, '23514', null, 'what is finished says when'
);
select throws_ok(
  $$ update messages set next_attempt_time = now() $$, '23514', null, 'a message for nobody is never taken'
);
select throws_ok($$ update messages set attempt_count = 11 where user_id is not null $$, '23514', null, 'nothing is tried eleven times');
select throws_ok($$ update messages set expiration_time = creation_time $$, '23514', null, 'a message has some time');
select throws_ok($$ update messages set expiration_time = creation_time + interval '32 days' $$, '23514', null, '... a month at most');
select throws_ok($$ update messages set problem = repeat('x', 1001) $$, '23514', null, 'a problem is told in a thousand characters');
select throws_ok($$ update messages set email_digest = '\x00' $$, '23514', null, 'a digest has 32 bytes');

-- Sweeping
update messages
set
  creation_time = creation_time - interval '3 days',
  expiration_time = case when user_id is null then now() - interval '25 hours' else now() - interval '23 hours' end;
select tests.act_as_operator();
select is(sweep_messages(2), 2, 'a job sweeps two that ended more than a day ago');
select is(sweep_messages(2) + sweep_messages(2), 1, '... and the one that is left');
select tests.act_as_superuser();
select is(tests.asked(), '{reset_password for somebody,reset_password for somebody}', 'what ended within a day stays');
select is((select sum((additional_data ->> 'swept')::integer) from tests.events('messages.swept')), 3::bigint, 'each batch is recorded');

select finish();
rollback;
