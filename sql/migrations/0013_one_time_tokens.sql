/*
 * 0013 one-time tokens: what is sent once, to be used once
 *
 * Verifying an address, resetting a password and proving a domain all work the
 * same way: somebody is sent 256 random bits by a way that only the right
 * person can read, and brings them back. The database keeps the digest. Using a
 * token is one guarded update, never a look and then an update: of any number
 * who try at once, one wins.
 *
 * Asking for a token and being given one are two things, done by two logins.
 * The application asks: a row of `messages` says whom to write to and why. A
 * mailer takes the message, and only then is its token made, for the mailer's
 * eyes: so whoever holds the application's credentials may ask for anybody's
 * reset and is told nothing, and neither a table nor a backup holds what was
 * not sent yet.
 *
 * Whoever asks learns nothing from the answer, nor from how long it takes: for
 * an address that nobody has the same row is written, and never taken.
 */

set local role safetypin_owner;

create table one_time_tokens (
  id                     uuid not null default new_id(),
  purpose                text not null,
  user_id                uuid,
  organization_domain_id uuid,
  token_hash             bytea not null,
  creation_time          timestamptz not null default now(),
  expiration_time        timestamptz not null,
  used_time              timestamptz,
  attempt_count          integer not null default 0,

  constraint one_time_tokens_pkey primary key (id),
  constraint one_time_tokens_token_hash_key unique (token_hash),
  constraint one_time_tokens_user_id_fkey
    foreign key (user_id) references users (id) on delete cascade,
  constraint one_time_tokens_organization_domain_id_fkey
    foreign key (organization_domain_id) references organization_domains (id) on delete cascade,
  constraint one_time_tokens_purpose_is_known
    check (purpose in ('verify_email', 'reset_password', 'verify_domain')),
  constraint one_time_tokens_are_about_one_thing
    check (
      case purpose
        when 'verify_domain' then organization_domain_id is not null and user_id is null
        else user_id is not null and organization_domain_id is null
      end
    ),
  constraint one_time_tokens_token_hash_is_a_digest check (octet_length(token_hash) = 32),
  constraint one_time_tokens_end_within_a_month
    check (expiration_time > creation_time and expiration_time <= creation_time + interval '31 days'),
  constraint one_time_tokens_attempts_are_limited check (attempt_count between 0 and 10)
);

create index one_time_tokens_user_id_idx on one_time_tokens (user_id, purpose, creation_time);
create index one_time_tokens_organization_domain_id_idx on one_time_tokens (organization_domain_id);
create index one_time_tokens_expiration_time_idx on one_time_tokens (expiration_time);

comment on table one_time_tokens is
  'Digests of tokens that were sent to somebody and may be used once.';
comment on column one_time_tokens.id is 'The id of the token: a name, not the token. [internal]';
comment on column one_time_tokens.purpose is 'verify_email, reset_password or verify_domain. [internal]';
comment on column one_time_tokens.user_id is 'About whom; null when it is about a domain. [internal]';
comment on column one_time_tokens.organization_domain_id is
  'About which domain; null when it is about a person. [internal]';
comment on column one_time_tokens.token_hash is 'The SHA-256 digest of the token. [secret]';
comment on column one_time_tokens.creation_time is 'When it was made. [internal]';
comment on column one_time_tokens.expiration_time is 'When it ends. [internal]';
comment on column one_time_tokens.used_time is 'When it was used; null until then. [internal]';
comment on column one_time_tokens.attempt_count is
  'How often it was shown without being used; ten times at most. [internal]';

alter table one_time_tokens enable row level security;
alter table one_time_tokens force row level security;

-- A token is looked up by its digest, before anybody is known.
create policy select_definer on one_time_tokens
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on one_time_tokens is
  'A token is looked up by its digest before anybody is known.';

create policy insert_definer on one_time_tokens
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on one_time_tokens is
  'Tokens are made when a mailer takes the message they go into, or by whoever proved something else just now.';

create policy update_definer on one_time_tokens
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on one_time_tokens is
  'Tokens are shown and used in functions, once.';

create policy delete_definer on one_time_tokens
  for delete
  to safetypin_definer
  using (true);
comment on policy delete_definer on one_time_tokens is
  'Tokens go when another of the same purpose is used, and when they ended long ago.';

create policy select_backup on one_time_tokens
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on one_time_tokens is 'A backup holds every row.';

grant select, delete on one_time_tokens to safetypin_definer;
grant insert (purpose, user_id, organization_domain_id, token_hash, creation_time, expiration_time)
  on one_time_tokens to safetypin_definer;
grant update (used_time, attempt_count) on one_time_tokens to safetypin_definer;
grant select on one_time_tokens to safetypin_backup;
-- Nothing for the application: it brings back what comes. Nothing for the mailer:
-- what it is to send it is given by take_messages().


--
-- Messages
--

create table messages (
  id                uuid not null default new_id(),
  purpose           text not null,
  user_id           uuid,
  email_digest      bytea not null,
  status            text not null default 'waiting',
  attempt_count     integer not null default 0,
  next_attempt_time timestamptz not null,
  creation_time     timestamptz not null,
  expiration_time   timestamptz not null,
  finished_time     timestamptz,
  problem           text,

  constraint messages_pkey primary key (id),
  -- No foreign key to users: asking for an address that somebody has would take longer
  -- by its check. What is for somebody who is gone is closed in place of being taken.
  constraint messages_purpose_is_known
    check (purpose in ('verify_email', 'already_registered', 'reset_password')),
  constraint messages_email_digest_is_32_bytes check (octet_length(email_digest) = 32),
  constraint messages_status_is_known
    check (status in ('waiting', 'delivered', 'superseded', 'failed')),
  constraint messages_finished_ones_say_when
    check ((status = 'waiting') = (finished_time is null)),
  constraint messages_for_nobody_wait_for_ever
    check (user_id is not null or (next_attempt_time = 'infinity' and attempt_count = 0)),
  constraint messages_attempts_are_limited check (attempt_count between 0 and 10),
  constraint messages_end_within_a_month
    check (expiration_time > creation_time and expiration_time <= creation_time + interval '31 days'),
  constraint messages_problem_is_short check (length(problem) <= 1000)
);

create index messages_email_digest_idx on messages (email_digest, purpose, creation_time);
create index messages_next_attempt_time_idx on messages (next_attempt_time) where status = 'waiting';
create index messages_user_id_idx on messages (user_id);
create index messages_expiration_time_idx on messages (expiration_time);

comment on table messages is
  'Messages that were asked for, until a mailer has sent them. Their tokens are made when they are taken, and stand nowhere.';
comment on column messages.id is 'The id of the message. [internal]';
comment on column messages.purpose is
  'verify_email or reset_password, which carry a token; or already_registered, which tells the owner of an address that somebody registered it again. [internal]';
comment on column messages.user_id is
  'Whom it is for; null when the address is nobody''s: such a row is written so that asking takes as long, and is never taken. [internal]';
comment on column messages.email_digest is
  'The keyed digest of the address that was typed: what is limited to one message a minute. [secret]';
comment on column messages.status is
  'waiting; delivered; superseded by another of its kind; or failed, which nobody tries again. [internal]';
comment on column messages.attempt_count is 'How often it was taken; ten times at most. [internal]';
comment on column messages.next_attempt_time is
  'When it may be taken: at once, when the lease of whoever took it ends, or after a pause. [internal]';
comment on column messages.creation_time is 'When it was asked for. [internal]';
comment on column messages.expiration_time is 'Until when it is worth sending. [internal]';
comment on column messages.finished_time is 'When it stopped waiting; null until then. [internal]';
comment on column messages.problem is
  'What the mailer said when it could not be sent, on one line; null when it has not said. [personal]';

alter table messages enable row level security;
alter table messages force row level security;

create policy select_definer on messages
  for select
  to safetypin_definer
  using (true);

comment on policy select_definer on messages is
  'Messages are asked for before anybody is known, and taken by a login that is nobody.';

create policy insert_definer on messages
  for insert
  to safetypin_definer
  with check (true);

comment on policy insert_definer on messages is
  'Messages are written by the functions that ask for one.';

create policy update_definer on messages
  for update
  to safetypin_definer
  using (true);

comment on policy update_definer on messages is
  'Messages are taken and finished in functions, each by one at a time.';

create policy delete_definer on messages
  for delete
  to safetypin_definer
  using (true);

comment on policy delete_definer on messages is
  'Messages go when what they were to bring was used, and when they ended long ago.';

create policy select_backup on messages
  for select
  to safetypin_backup
  using (true);

comment on policy select_backup on messages is 'A backup holds every row.';

grant select, delete on messages to safetypin_definer;
grant insert (purpose, user_id, email_digest, next_attempt_time, creation_time, expiration_time)
  on messages to safetypin_definer;
grant update (email_digest, status, attempt_count, next_attempt_time, finished_time, problem)
  on messages to safetypin_definer;
grant select on messages to safetypin_backup;


--
-- Asking
--

set local role safetypin_definer;

-- Says nothing, and does the same for an address that nobody has. One a minute:
-- whoever asks again and again for somebody else cannot fill their mailbox, and
-- takes no token from them, since those that were sent stay good.
create function _request_message(
  p_purpose text,
  p_email text,
  p_user_id uuid,
  p_deadline interval
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now            timestamptz := _now();
  v_keys           bytea[];
  v_email_digest   bytea;
  v_earlier_digest bytea;
begin
  perform _require_given('email', p_email is not null);

  v_keys := _open_digest_keys('address');
  v_email_digest := _keyed_digest('email|' || _fold_email(p_email), v_keys[1]);
  v_earlier_digest := _keyed_digest('email|' || _fold_email(p_email), v_keys[2]);

  -- Asked for under the key before, it counts as asked for, and is not sent twice.
  if v_earlier_digest is not null then
    update messages
    set email_digest = v_email_digest
    where email_digest = v_earlier_digest;
  end if;

  if exists (
    select from messages
    where email_digest = v_email_digest
      and purpose = p_purpose
      and creation_time > v_now - interval '1 minute'
  ) then
    return;
  end if;

  insert into messages (
    purpose, user_id, email_digest, next_attempt_time, creation_time, expiration_time
  )
  values (
    p_purpose,
    p_user_id,
    v_email_digest,
    case when p_user_id is null then 'infinity' else v_now end,
    v_now,
    v_now + p_deadline
  );
end;
$$;

comment on function _request_message(text, text, uuid, interval) is
  'Asks for a message to whoever has this address, to be sent before the deadline; for an address nobody has, writes a row that is never taken. One a minute. Raises SP509 without an address, SP522 when the cell''s key is not unlocked.';


--
-- Sending
--

-- Once for all of them: addresses that do not exist are not a reason for alarm
-- each, a mailer that sends nothing is.
create function _alert_undelivered(
  p_evidence jsonb
)
  returns boolean
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  if exists (
    select from security_alerts
    where alert_type = 'messages_undelivered' and status <> 'resolved'
  ) then
    return false;
  end if;

  perform _raise_alert('messages_undelivered', 'medium', p_evidence => p_evidence);
  return true;
end;
$$;

comment on function _alert_undelivered(jsonb) is
  'Opens an alert that messages are not delivered, unless one is open. Says whether it did.';


-- Whoever asks looks whether somebody did within the minute, and does not see what others have
-- not committed yet: so it is looked at once more when a message is taken.
create function _is_answered_by_another(
  p_message messages
)
  returns boolean
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  return exists (
    select from messages
    where email_digest = p_message.email_digest
      and purpose = p_message.purpose
      and id <> p_message.id
      and (
        (creation_time, id) > (p_message.creation_time, p_message.id)
        or (
          p_message.attempt_count = 0
          and attempt_count > 0
          and creation_time > p_message.creation_time - interval '1 minute'
        )
      )
  );
end;
$$;

comment on function _is_answered_by_another(messages) is
  'Whether the same was asked for again since, or was taken already for whoever asked within the minute before.';


-- What nobody is to take any more: too late, tried ten times, for somebody who is
-- gone, or asked for again, when one message is enough.
create function _close_messages(
  p_limit integer
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now     timestamptz := _now();
  v_message record;
begin
  for v_message in
    update messages
    set
      status = case when _is_answered_by_another(messages) then 'superseded' else 'failed' end,
      finished_time = v_now
    where id = any (array(
      select due.id
      from messages as due
      where due.status = 'waiting'
        and due.next_attempt_time <= v_now
        and (
          due.expiration_time <= v_now
          or due.attempt_count >= 10
          or coalesce((select users.status from users where users.id = due.user_id), 'deleted')
            in ('deleted', 'shredded')
          or _is_answered_by_another(due)
        )
      order by due.next_attempt_time
      limit p_limit
      for update skip locked
    ))
    returning id, purpose, user_id, status
  loop
    continue when v_message.status = 'superseded';
    perform _log_event(
      'message.delivered',
      v_message.user_id,
      p_result => 'failure',
      p_failure_reason => 'given_up',
      p_resource_type => 'message',
      p_resource_id => v_message.id,
      p_additional_data => jsonb_build_object('purpose', v_message.purpose)
    );
    perform _alert_undelivered(
      jsonb_build_object('message_id', v_message.id, 'purpose', v_message.purpose)
    );
  end loop;
end;
$$;

comment on function _close_messages(integer) is
  'Closes one batch of messages that are due and not to be sent any more, and says of those that were not sent that they were not.';


-- At least once: what is not finished before the lease ends is taken again, with
-- another token. The one before stays good, since it may have been sent; of all
-- that a person was sent for one purpose, one is used. Taken by one of any number
-- who take at once.
create function take_messages(
  p_limit integer default 10,
  p_lease interval default '5 minutes'
)
  returns table (
    id uuid,
    attempt integer,
    purpose text,
    email text,
    first_name text,
    last_name text,
    locale text,
    timezone text,
    token bytea,
    expiration_time timestamptz
  )
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now     timestamptz := _now();
  v_message record;
begin
  if p_limit is null or p_limit not between 1 and 1000 then
    raise exception 'cannot take % messages', coalesce(p_limit::text, 'null')
      using errcode = 'SP504', hint = 'Pass a number from 1 to 1000.';
  end if;
  if p_lease is null or p_lease not between interval '1 second' and interval '1 hour' then
    raise exception 'cannot take messages for %', coalesce(p_lease::text, 'null')
      using errcode = 'SP504', hint = 'Pass a lease from 1 second to 1 hour.';
  end if;

  perform _close_messages(1000);

  for v_message in
    update messages
    set
      attempt_count = messages.attempt_count + 1,
      next_attempt_time = v_now + p_lease
    from users
    where users.id = messages.user_id
      and messages.id = any (array(
        select due.id
        from messages as due
        where due.status = 'waiting'
          and due.next_attempt_time <= v_now
          and due.expiration_time > v_now
          and due.attempt_count < 10
          and not _is_answered_by_another(due)
        order by due.next_attempt_time
        limit p_limit
        for update skip locked
      ))
    returning
      messages.id, messages.purpose, messages.user_id, messages.attempt_count,
      users.email as sealed_email, users.first_name, users.last_name, users.locale, users.timezone
  loop
    id := v_message.id;
    attempt := v_message.attempt_count;
    purpose := v_message.purpose;
    email := _open_text(1, null, v_message.user_id, v_message.sealed_email, v_message.user_id);
    first_name := v_message.first_name;
    last_name := v_message.last_name;
    locale := v_message.locale;
    timezone := v_message.timezone;
    token := null;
    expiration_time := null;

    if v_message.purpose <> 'already_registered' then
      token := gen_random_bytes(32);
      expiration_time := v_now + case v_message.purpose
        when 'reset_password' then interval '1 hour'
        else interval '1 day'
      end;
      insert into one_time_tokens (purpose, user_id, token_hash, creation_time, expiration_time)
      values (
        v_message.purpose, v_message.user_id, sha256(take_messages.token), v_now,
        take_messages.expiration_time
      );
    end if;

    perform _log_event(
      'message.taken',
      v_message.user_id,
      p_resource_type => 'message',
      p_resource_id => v_message.id,
      p_additional_data => jsonb_build_object(
        'purpose', v_message.purpose, 'attempt', v_message.attempt_count
      )
    );
    return next;
  end loop;
end;
$$;

comment on function take_messages(integer, interval) is
  'Takes messages to be sent, for as long as the lease: whom to write to, in which language, and the token, which is made here and shown to nobody else. Tell finish_message() how it went; what it is not told of is taken again. Raises SP504 for a number or a lease out of range, SP522 when the cell''s key is not unlocked.';

grant execute on function take_messages(integer, interval) to safetypin_mailer;


-- After half a minute it is tried again, then after twice as long each time. Whose
-- lease ended while another took the message has no say in when that one is over;
-- but sent is sent, also when it was given up or asked for again meanwhile.
create function finish_message(
  p_id uuid,
  p_attempt integer,
  p_delivered boolean,
  p_problem text default null
)
  returns text
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now     timestamptz := _now();
  v_message messages;
  v_status  text;
begin
  select *
  into v_message
  from messages
  where id = p_id
    and p_attempt between 1 and attempt_count
  for update;

  v_status := case
    when v_message.id is null then 'unknown'
    when p_delivered then 'delivered'
    when v_message.status = 'waiting'
      and v_message.attempt_count = p_attempt
      and (p_attempt >= 10 or v_message.expiration_time <= v_now) then 'failed'
    else v_message.status
  end;

  update messages
  set
    status = v_status,
    finished_time = case when v_status <> 'waiting' then coalesce(finished_time, v_now) end,
    next_attempt_time = case
      when attempt_count = p_attempt then v_now + interval '30 seconds' * (2 ^ (p_attempt - 1))
      else next_attempt_time
    end,
    problem = coalesce(_printable(p_problem), problem)
  where id = v_message.id;

  perform _log_event(
    'message.delivered',
    v_message.user_id,
    p_result => case when v_status = 'delivered' then 'success' else 'failure' end,
    p_failure_reason => case v_status
      when 'delivered' then null
      when 'waiting' then 'tried_again_later'
      when 'failed' then 'given_up'
      when 'unknown' then 'unknown_message'
      else v_status
    end,
    p_resource_type => 'message',
    p_resource_id => v_message.id,
    p_additional_data => jsonb_strip_nulls(
      jsonb_build_object('purpose', v_message.purpose, 'attempt', p_attempt)
    )
  );
  if v_status = 'failed' then
    perform _alert_undelivered(
      jsonb_build_object('message_id', v_message.id, 'purpose', v_message.purpose)
    );
  end if;

  return v_status;
end;
$$;

comment on function finish_message(uuid, integer, boolean, text) is
  'Says how sending a message went, by the attempt it was taken in, and answers what becomes of it: delivered; waiting, when it is tried again later; failed, when this was the tenth time or it is too late; superseded by a later one; or unknown.';

grant execute on function finish_message(uuid, integer, boolean, text) to safetypin_mailer;


-- Without a mailer nobody can register or reset a password, and nobody would be told.
create function raise_message_alerts()
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now     timestamptz := _now();
  v_waiting bigint;
  v_oldest  timestamptz;
  v_raised  integer := 0;
begin
  select count(*), min(next_attempt_time)
  into v_waiting, v_oldest
  from messages
  where status = 'waiting'
    and next_attempt_time < v_now - interval '15 minutes';

  if v_waiting > 0 and _alert_undelivered(
    jsonb_build_object(
      'waiting', v_waiting,
      'seconds_overdue', round(extract(epoch from v_now - v_oldest))
    )
  ) then
    v_raised := 1;
  end if;

  perform _log_event('alerts.checked', p_additional_data => jsonb_build_object('raised', v_raised));

  return v_raised;
end;
$$;

comment on function raise_message_alerts() is
  'Opens an alert when messages are due for a quarter of an hour and no mailer takes them, unless one is open already. Returns how many it opened.';

grant execute on function raise_message_alerts() to safetypin_operator;


create function sweep_messages(
  p_batch integer default 1000
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_swept integer;
begin
  perform _require_batch(p_batch);

  delete from messages
  where id = any (array(
    select id
    from messages
    where expiration_time < _now() - interval '1 day'
    order by expiration_time
    limit p_batch
    for update skip locked
  ));
  get diagnostics v_swept = row_count;

  perform _log_event('messages.swept', p_additional_data => jsonb_build_object('swept', v_swept));

  return v_swept;
end;
$$;

comment on function sweep_messages(integer) is
  'Deletes one batch of messages that ended more than a day ago, sent or not, and returns how many. Call it until it returns 0. Raises SP504 for a batch out of range.';

grant execute on function sweep_messages(integer) to safetypin_operator;


--
-- Using
--

-- Whose account was closed is sent nothing and brings nothing back. And what resets a password
-- is of the password that was set when it was made: once that is another, or is known to
-- others, it is void. What is made at the same moment is not there yet for whoever would delete
-- it; the times tell all the same.
create function _is_token_good(
  p_token one_time_tokens
)
  returns boolean
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  return p_token.user_id is null or (
    exists (
      select from users where id = p_token.user_id and status not in ('deleted', 'shredded')
    )
    and not exists (
      select from password_credentials
      where user_id = p_token.user_id
        and p_token.purpose = 'reset_password'
        and greatest(set_time, compromised_time) > p_token.creation_time
    )
  );
end;
$$;

comment on function _is_token_good(one_time_tokens) is
  'Whether a token is about nobody, or about somebody whose account was not closed and, where it resets a password, whose password is neither another nor known to others since.';


-- What somebody is sent for one purpose is one chance, however many messages it
-- comes in: the person is locked, one token is used, and the others are gone, also
-- those that were not sent yet.
create function _use_token(
  p_purposes text[],
  p_token bytea
)
  returns one_time_tokens
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now   timestamptz := _now();
  v_token one_time_tokens;
begin
  -- In the order in which whoever signs in holds them: the password, and then the person.
  if 'reset_password' = any (p_purposes) then
    perform from password_credentials
    where user_id = (select user_id from one_time_tokens where token_hash = sha256(p_token))
    for no key update;
  end if;
  perform from users
  where id = (select user_id from one_time_tokens where token_hash = sha256(p_token))
  for no key update;

  update one_time_tokens
  set used_time = v_now
  where token_hash = sha256(p_token)
    and purpose = any (p_purposes)
    and used_time is null
    and attempt_count < 10
    and expiration_time > v_now
    and _is_token_good(one_time_tokens)
  returning * into v_token;

  delete from one_time_tokens
  where user_id = v_token.user_id
    and purpose = v_token.purpose
    and used_time is null;
  delete from messages
  where user_id = v_token.user_id
    and purpose = v_token.purpose
    and status = 'waiting';

  return v_token;
end;
$$;

comment on function _use_token(text[], bytea) is
  'Uses a token, once, and with it whatever else its owner was sent for the same purpose: returns its row to one caller and null to all others.';


create function _show_token(
  p_purpose text,
  p_token bytea
)
  returns one_time_tokens
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now   timestamptz := _now();
  v_token one_time_tokens;
begin
  update one_time_tokens
  set attempt_count = attempt_count + 1
  where token_hash = sha256(p_token)
    and purpose = p_purpose
    and used_time is null
    and attempt_count < 10
    and expiration_time > v_now
    and _is_token_good(one_time_tokens)
  returning * into v_token;

  return v_token;
end;
$$;

comment on function _show_token(text, bytea) is
  'Looks a token up without using it, ten times at most: returns its row, or null.';


--
-- E-mail addresses
--

-- A result and not an exception, so that its record stays.
create function verify_email(
  p_token bytea
)
  returns text
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_token       one_time_tokens := _use_token(array['verify_email'], p_token);
  v_is_disabled boolean;
begin
  if v_token.id is null then
    perform _log_event('email.verified', p_result => 'failure', p_failure_reason => 'unknown_token');
    return 'invalid';
  end if;

  select disabled_time is not null
  into v_is_disabled
  from password_credentials
  where user_id = v_token.user_id;

  update users
  set
    email_verified_time = coalesce(email_verified_time, _now()),
    status = case status when 'pending' then 'active' else status end
  where id = v_token.user_id;

  perform _log_event(
    'email.verified',
    v_token.user_id,
    p_additional_data => jsonb_build_object('password', case when v_is_disabled then 'disabled' else 'good' end)
  );
  return case when v_is_disabled then 'verified_without_password' else 'verified' end;
end;
$$;

comment on function verify_email(bytea) is
  'Takes a token that was sent to an address and makes its owner active. Answers verified; verified_without_password, when the password has to be reset before it opens anything, as after a second registration; or invalid.';

grant execute on function verify_email(bytea) to safetypin_app;


create function request_email_verification(
  p_email text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_owner_id uuid := _find_user_by_email(p_email);
  v_user_id  uuid;
begin
  -- Nobody is looked for too: a null would not be.
  select id
  into v_user_id
  from users
  where id = coalesce(v_owner_id, '00000000-0000-0000-0000-000000000000')
    and status = 'pending';

  perform _request_message('verify_email', p_email, v_user_id, '1 day');
  perform _log_event('email.verification_requested', v_user_id);
end;
$$;

comment on function request_email_verification(text) is
  'Asks for a message by which an address is verified, if somebody waits to verify it. Says nothing, and does the same if nobody does. Raises SP522 when the cell''s key is not unlocked.';

grant execute on function request_email_verification(text) to safetypin_app;


--
-- Domains
--

create function claim_domain(
  p_domain text,
  p_token_hash bytea
)
  returns uuid
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
  v_now             timestamptz := _now();
  v_domain_id       uuid;
begin
  perform _require_permission('domains.manage');
  perform _require_given('domain', p_domain is not null);
  perform _require_given('token_hash', p_token_hash is not null);

  insert into organization_domains (organization_id, domain, claimed_by)
  values (v_organization_id, lower(p_domain), current_user_id())
  on conflict (organization_id, domain) do nothing;

  select id
  into v_domain_id
  from organization_domains
  where organization_id = v_organization_id
    and domain = lower(p_domain)
  for update;

  delete from one_time_tokens
  where organization_domain_id = v_domain_id
    and used_time is null;

  insert into one_time_tokens (
    purpose, organization_domain_id, token_hash, creation_time, expiration_time
  )
  values ('verify_domain', v_domain_id, p_token_hash, v_now, v_now + interval '30 days')
  on conflict (token_hash) do nothing;

  -- And once more behind the lock.
  perform _require_permission('domains.manage');

  perform _log_event(
    'domain.claimed', p_resource_type => 'domain', p_resource_id => v_domain_id
  );

  return v_domain_id;
end;
$$;

comment on function claim_domain(text, bytea) is
  'Claims an e-mail domain for the current organization and returns the claim''s id. The token with this digest, published in the domain''s DNS, proves it within 30 days. Any number may claim; raises SP201 without domains.manage, SP509 for a null.';

grant execute on function claim_domain(text, bytea) to safetypin_app;


-- That the token stood in the DNS is the application's word; that it is the
-- right token, used once, and that nobody else holds the domain, is ours.
create function verify_domain(
  p_token bytea
)
  returns boolean
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
  v_token           one_time_tokens;
  v_verified        boolean := false;
begin
  perform _require_permission('domains.manage');

  -- The DNS is read by everybody: a stranger who shows the token does not use it up.
  if exists (
    select
    from one_time_tokens
    join organization_domains on organization_domains.id = one_time_tokens.organization_domain_id
    where one_time_tokens.token_hash = sha256(p_token)
      and organization_domains.organization_id = v_organization_id
  ) then
    v_token := _use_token(array['verify_domain'], p_token);
  end if;

  -- Whether it fails because another organization holds the domain or because
  -- the token is wrong, the answer is the same.
  begin
    update organization_domains
    set verified_time = coalesce(verified_time, _now())
    where id = v_token.organization_domain_id
      and organization_id = v_organization_id;
    v_verified := found;

    update organizations
    set domain = (
      select domain from organization_domains where id = v_token.organization_domain_id
    )
    where id = v_organization_id
      and domain is null
      and v_verified;
  exception
    when unique_violation then
      v_verified := false;
  end;

  -- And once more behind the lock.
  perform _require_permission('domains.manage');

  perform _log_event(
    'domain.verified',
    p_result => case when v_verified then 'success' else 'failure' end,
    p_failure_reason => case when not v_verified then 'not_verified' end,
    p_resource_type => 'domain',
    p_resource_id => v_token.organization_domain_id
  );

  return v_verified;
end;
$$;

comment on function verify_domain(bytea) is
  'Proves a claimed domain with the token found in its DNS, and says whether it is now the organization''s. Raises SP201 without domains.manage.';

grant execute on function verify_domain(bytea) to safetypin_app;


create function release_domain(
  p_domain text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
  v_domain_id       uuid;
begin
  perform _require_permission('domains.manage');

  delete from organization_domains
  where organization_id = v_organization_id
    and domain = lower(p_domain)
  returning id into v_domain_id;

  if v_domain_id is null then
    raise exception 'the organization does not claim %', p_domain
      using errcode = 'SP309', hint = 'Pass one of the domains of the current organization.';
  end if;

  update organizations
  set domain = (
    select domain
    from organization_domains
    where organization_id = v_organization_id
      and verified_time is not null
    order by verified_time
    limit 1
  )
  where id = v_organization_id
    and domain = lower(p_domain);

  -- And once more behind the lock.
  perform _require_permission('domains.manage');

  perform _log_event(
    'domain.released', p_resource_type => 'domain', p_resource_id => v_domain_id
  );
end;
$$;

comment on function release_domain(text) is
  'Gives a claimed or proven domain up. Raises SP201 without domains.manage and SP309 when the organization does not claim it.';

grant execute on function release_domain(text) to safetypin_app;


-- Only for the domain of one's own, verified address: asked of any domain, this
-- would tell strangers who is a customer.
create function find_organization_of_own_domain(
  out organization_id uuid,
  out name text
)
  language plpgsql
  stable
  parallel restricted
  security definer
  set search_path from current
as $$
declare
  v_user_id uuid := _require_user();
  v_domain  text := split_part(_email_of(v_user_id), '@', 2);
begin
  select organizations.id, organizations.name
  into organization_id, name
  from users
  join organization_domains
    on organization_domains.domain = v_domain
    and organization_domains.verified_time is not null
  join organizations on organizations.id = organization_domains.organization_id
  where users.id = v_user_id
    and users.email_verified_time is not null
    and organizations.status = 'active';
end;
$$;

comment on function find_organization_of_own_domain() is
  'The organization that holds the domain of the caller''s own verified address; nulls when there is none. Raises SP102, and SP522 when the cell''s key is not unlocked.';

grant execute on function find_organization_of_own_domain() to safetypin_app;


create function sweep_one_time_tokens(
  p_batch integer default 1000
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_swept integer;
begin
  perform _require_batch(p_batch);

  delete from one_time_tokens
  where id = any (array(
    select id
    from one_time_tokens
    where expiration_time < _now() - interval '1 day'
    order by expiration_time
    limit p_batch
    for update skip locked
  ));
  get diagnostics v_swept = row_count;

  perform _log_event('one_time_tokens.swept', p_additional_data => jsonb_build_object('swept', v_swept));

  return v_swept;
end;
$$;

comment on function sweep_one_time_tokens(integer) is
  'Deletes one batch of tokens that ended more than a day ago and returns how many. Call it until it returns 0. Raises SP504 for a batch out of range.';

grant execute on function sweep_one_time_tokens(integer) to safetypin_operator;

set local role safetypin_owner;
