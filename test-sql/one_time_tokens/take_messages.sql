-- take_messages() and finish_message(): a mailer is given what is to be sent, with a
-- token that stands nowhere else, until it says that it is sent.
begin;
select plan(59);

select tests.two_organizations();
select tests.act_as_superuser();
update users set locale = 'fr-CH', timezone = 'Europe/Zurich', last_name = 'Müller' where id = tests.user_id('bob');
select tests.newcomer('new');
create temporary table taken (
  n integer generated always as identity, id uuid, attempt integer, purpose text, email text, first_name text,
  last_name text, locale text, timezone text, token bytea, expiration_time timestamptz
) on commit drop;
grant all on taken to public;
-- What a mailer takes now.
create function tests.take(p_limit integer default 10, p_lease interval default '5 minutes')
  returns bigint
  language sql
as $$
  with rows as (
    insert into taken (id, attempt, purpose, email, first_name, last_name, locale, timezone, token, expiration_time)
    select * from take_messages(p_limit, p_lease)
    returning 1
  )
  select count(*) from rows
$$;
-- The lease, or the pause, is over.
create function tests.wait() returns void language sql security definer as $$
  update messages set next_attempt_time = _now() where status = 'waiting' and user_id is not null
$$;
create function tests.last() returns taken language sql as $$ select * from taken order by n desc limit 1 $$;
create function tests.of(p_id uuid) returns messages language sql security definer as $$ select * from messages where id = p_id $$;

-- What a mailer gets
select tests.act_as_mailer();
select is(tests.take(), 0::bigint, 'where nobody asked there is nothing to take');
select is((select count(*) from tests.events('message.taken')), 0::bigint, '... and nothing to record');
select tests.act_as_nobody();
select request_password_reset(tests.email(name)) from unnest(array['bob', 'nobody']) as name;
select tests.act_as_mailer();
select is(tests.take(), 1::bigint, 'bob''s message is taken, and nobody''s is not');
select results_eq(
  $$ select attempt, purpose, email, first_name, last_name, locale, timezone, octet_length(token), expiration_time between clock_timestamp() + interval '59 minutes' and clock_timestamp() + interval '1 hour' from taken $$,
  $$ values (1, 'reset_password', 'bob@example.com', 'Bob', 'Müller', 'fr-CH', 'Europe/Zurich', 32, true) $$,
  'it says whom to write to, in which language, and has a token for an hour'
);
select is(tests.take(), 0::bigint, 'while one has it nobody else takes it');
select results_eq(
  $$ select user_id, acting_user_id, resource_type, resource_id, additional_data from tests.events('message.taken') $$,
  $$ select tests.user_id('bob'), null::uuid, 'message', id, '{"purpose": "reset_password", "attempt": 1}'::jsonb from taken $$,
  'that it was taken is recorded'
);
select tests.act_as_superuser();
select results_eq(
  $$ select purpose, user_id, token_hash, one_time_tokens.expiration_time = taken.expiration_time from one_time_tokens join taken using (purpose) $$,
  $$ select 'reset_password', tests.user_id('bob'), sha256(token), true from taken $$,
  'the table has the digest of the token'
);
select is_empty(
  $$
    select from messages, taken
    where strpos(messages::text, encode(taken.token, 'hex')) > 0
    union all
    select from auth_audit_logs, taken
    where strpos(auth_audit_logs::text, encode(taken.token, 'hex')) > 0
  $$,
  '... and nothing else has the token'
);
select ok(
  (select strpos(taken::text, encode(taken.token, 'hex')) > 0 from taken),
  '... which would be found so'
);

-- What is not finished is taken again
select tests.act_as_mailer();
select is(finish_message((tests.last()).id, 1, false, E'550 no such\r\nmailbox'), 'waiting', 'the mailer could not send it');
select tests.act_as_superuser();
select results_eq(
  $$ select status, attempt_count, problem, next_attempt_time between clock_timestamp() + interval '25 seconds' and clock_timestamp() + interval '30 seconds' from messages where user_id is not null $$,
  $$ values ('waiting', 1, '550 no such??mailbox', true) $$,
  '... so it waits for half a minute'
);
select tests.act_as_mailer();
select is(tests.take(), 0::bigint, '... during which nobody takes it');
select tests.wait();
select is(tests.take(), 1::bigint, '... and then is taken again');
select is((tests.last()).attempt, 2, '... for the second time');
select is((select count(distinct token) from taken), 2::bigint, '... with another token');
select is(finish_message((tests.last()).id, 1, false, 'late'), 'waiting', 'who took it first has no say any more');
select ok((tests.of((tests.last()).id)).next_attempt_time > clock_timestamp() + interval '4 minutes', '... in when the second is over');
select is(finish_message((tests.last()).id, 2, false), 'waiting', 'the second could not send it either');
select ok(
  (tests.of((tests.last()).id)).next_attempt_time between clock_timestamp() + interval '55 seconds' and clock_timestamp() + interval '60 seconds',
  '... and it waits for twice as long'
);
select is((tests.of((tests.last()).id)).problem, 'late', '... with the last problem that was told');
select tests.wait();
select is(tests.take(), 1::bigint, 'a mailer takes it, and is killed');
select tests.wait();
select is(tests.take(10, '1 hour'), 1::bigint, '... so it is taken once more when the lease is over');
select is(finish_message((tests.last()).id, 3, true), 'delivered', 'the one that seemed killed had sent it');
select is(finish_message((tests.last()).id, 4, false, 'no'), 'delivered', '... so it is sent, whatever the other says');
select is(finish_message((tests.last()).id, 4, true), 'delivered', '... also twice');
select tests.wait();
select is(tests.take(), 0::bigint, '... and is taken no more');

-- Whichever of its tokens comes first, it is the only one
select tests.act_as_nobody();
select ok(prepare_password_reset((select token from taken where n = 1)) is not null, 'the first token that was sent is good');
select is(
  tests.reset_password(token, tests.other_password_digest(), array[tests.other_history_digest()], (read_password_policy()).version),
  case n when 2 then 'reset' else 'invalid' end,
  format('the second is used, and the others go with it: %s', n)
)
from taken
order by n <> 2, n;

-- Ten times at most
select request_email_verification(tests.email('new'));
select tests.act_as_mailer();
select is((select array_agg(tests.take() || finish_message((tests.last()).id, n, false, 'no') || coalesce(tests.wait()::text, '')) from generate_series(1, 9) as n),
  array_fill('1waiting'::text, array[9]), 'nine times a message is tried again');
select is((select count(distinct token) from taken where purpose = 'verify_email' and expiration_time > clock_timestamp() + interval '23 hours'), 9::bigint, '... each time with a token for a day');
select is(tests.take(), 1::bigint, 'the tenth');
select is(finish_message((tests.last()).id, 10, false, 'no'), 'failed', '... is the last');
select is(tests.take(), 0::bigint, '... and it is taken no more');
select results_eq(
  $$ select result, failure_reason, count(*) from tests.events('message.delivered') where user_id = tests.user_id('new') group by 1, 2 order by 3 $$,
  $$ values ('failure', 'given_up', 1::bigint), ('failure', 'tried_again_later', 9) $$,
  'all of it is recorded'
);
select tests.act_as_auditor();
select results_eq(
  $$ select alert_type, severity, evidence ->> 'purpose' from security_alerts $$,
  $$ values ('messages_undelivered', 'medium', 'verify_email') $$,
  '... and somebody is told'
);
select tests.act_as_mailer();
select is(finish_message((tests.last()).id, 10, true), 'delivered', 'one that arrived after all has arrived');

-- Whose mailer was killed ten times
select tests.act_as_superuser();
delete from messages;
select tests.act_as_nobody();
select request_password_reset(tests.email(name)) from unnest(array['ann', 'amy', 'zoe', 'new']) as name;
select tests.act_as_superuser();
update messages set attempt_count = 10 where user_id = tests.user_id('ann');
update messages set creation_time = creation_time - interval '2 hours', expiration_time = clock_timestamp() where user_id = tests.user_id('amy');
update users set status = 'deleted' where id = tests.user_id('zoe');
update messages set creation_time = creation_time - interval '2 minutes' where user_id = tests.user_id('new');
select tests.act_as_nobody();
select request_password_reset(tests.email('new'));
select tests.act_as_mailer();
select is(tests.take(), 1::bigint, 'of five messages one is taken');
select is((tests.last()).email, tests.email('new'), '... to new, once, though she asked twice');
select tests.act_as_superuser();
select results_eq(
  $$ select coalesce(first_name, 'nobody'), messages.status, finished_time is null from messages left join users on users.id = user_id order by 1, 2 $$,
  $$
    values
      ('Amy', 'failed', false),
      ('Ann', 'failed', false),
      ('New', 'superseded', false),
      ('New', 'waiting', true),
      ('Zoe', 'failed', false)
  $$,
  'what was tried ten times, came too late, or is for somebody who is gone is closed'
);
select is((select count(*) from security_alerts), 1::bigint, 'one alert is enough while it is open');
select tests.act_as_mailer();
select is(finish_message((tests.of((tests.last()).id)).id, 2, true), 'unknown', 'an attempt that nobody made is unknown');
select is(finish_message(gen_random_uuid(), 1, true), 'unknown', '... and so is a message that is not there');
select is(finish_message(null, null, null), 'unknown', '... and nothing');
select results_eq(
  $$ select distinct failure_reason from tests.events('message.delivered') where resource_id is null $$, array['unknown_message'],
  '... which is recorded'
);

-- Telling the owner of an address carries no token
select tests.act_as_superuser();
delete from messages;
select _request_message('already_registered', tests.email('bob'), tests.user_id('bob'), '1 day');
select tests.act_as_mailer();
select is(tests.take(), 1::bigint, 'bob is told that his address was registered again');
select results_eq(
  $$ select (tests.last()).purpose, (tests.last()).token, (tests.last()).expiration_time $$,
  $$ values ('already_registered', null::bytea, null::timestamptz) $$,
  '... with nothing to use'
);

-- How many, and for how long
select throws_ok($$ select * from take_messages(0) $$, 'SP504', null, 'none is not a number of messages');
select throws_ok($$ select * from take_messages(1001) $$, 'SP504', null, '... and more than a thousand is too many');
select throws_ok($$ select * from take_messages(null) $$, 'SP504', null, '... and some number there is');
select throws_ok($$ select * from take_messages(1, '0.9 seconds') $$, 'SP504', null, 'a lease is a second at least');
select throws_ok($$ select * from take_messages(1, '61 minutes') $$, 'SP504', null, '... and an hour at most');
select tests.act_as_superuser();
delete from messages;
select _request_message('reset_password', tests.email(name), tests.user_id(name), '1 hour') from unnest(array['ann', 'amy', 'bob']) as name;
select tests.act_as_mailer();
select is(array[tests.take(2), tests.take(2), tests.take(2)], array[2, 1, 0]::bigint[], 'three messages are taken two at a time');

-- Where nobody takes them
select tests.act_as_superuser();
update security_alerts set status = 'resolved', resolution_time = now(), resolution_note = 'seen';
update messages set next_attempt_time = now() - interval '14 minutes';
select tests.act_as_operator();
select is(raise_message_alerts(), 0, 'what waits for fourteen minutes is not late yet');
select tests.act_as_superuser();
update messages set next_attempt_time = now() - interval '16 minutes' where user_id = tests.user_id('bob');
select tests.act_as_operator();
select is(raise_message_alerts(), 1, 'what waits for sixteen is, and somebody is told');
select is(raise_message_alerts(), 0, '... once');
select tests.act_as_auditor();
select results_eq(
  $$ select evidence ->> 'waiting', (evidence ->> 'seconds_overdue')::integer between 960 and 1000 from security_alerts where status = 'open' $$,
  $$ values ('1', true) $$,
  '... how many and for how long'
);

select finish();
rollback;
