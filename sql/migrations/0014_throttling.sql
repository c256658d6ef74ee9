/*
 * 0014 throttling: how guessing is counted, and made hopeless
 *
 * Failures in a row are counted by account and by network address, before an attempt
 * is made and in one row each, which is locked while it counts. Accounts that nobody
 * has are counted like those that somebody has. What is counted has no name: its id
 * is a digest under a key of the cell, and that key rotates without anybody being
 * forgiven.
 */

set local role safetypin_owner;


--
-- The table
--

create table sign_in_throttles (
  id                uuid not null,
  key_id            uuid not null default _digest_key_id(),
  kind              text not null,
  user_id           uuid,
  failure_count     integer not null default 1,
  last_failure_time timestamptz not null,
  blocked_until     timestamptz not null default '-infinity',

  constraint sign_in_throttles_pkey primary key (id),
  constraint sign_in_throttles_user_id_fkey
    foreign key (user_id) references users (id) on delete cascade,
  constraint sign_in_throttles_kind_is_known check (kind in ('account', 'address')),
  constraint sign_in_throttles_failures_are_counted check (failure_count between 0 and 1000000)
) with (fillfactor = 80);

create index sign_in_throttles_last_failure_time_idx on sign_in_throttles (last_failure_time);
create index sign_in_throttles_user_id_idx on sign_in_throttles (user_id);
-- What is left under a key that drains.
create index sign_in_throttles_key_id_idx on sign_in_throttles (key_id);

comment on table sign_in_throttles is
  'Failures in a row, by account and by network address. Accounts that do not exist are counted too, so that the two look alike.';
comment on column sign_in_throttles.id is
  'Half of the keyed digest of what is throttled, as a uuid. [internal]';
comment on column sign_in_throttles.key_id is
  'The key of that digest, in digest_keys: while the key before drains, both are looked for. [internal]';
comment on column sign_in_throttles.kind is 'account or address. [internal]';
comment on column sign_in_throttles.user_id is
  'Whose account; null for a network address and for an account nobody has. [internal]';
comment on column sign_in_throttles.failure_count is
  'Attempts charged since the last success. [internal]';
comment on column sign_in_throttles.last_failure_time is 'When the last one was charged. [internal]';
comment on column sign_in_throttles.blocked_until is 'Until when no attempt is begun. [internal]';


--
-- Who sees it: nobody
--

alter table sign_in_throttles enable row level security;
alter table sign_in_throttles force row level security;

create policy select_definer on sign_in_throttles
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on sign_in_throttles is
  'Whether an attempt may begin is asked before anybody is signed in.';

create policy insert_definer on sign_in_throttles
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on sign_in_throttles is 'The first failure is counted.';

create policy update_definer on sign_in_throttles
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on sign_in_throttles is
  'Further failures are counted, and a success forgives.';

create policy delete_definer on sign_in_throttles
  for delete
  to safetypin_definer
  using (true);
comment on policy delete_definer on sign_in_throttles is
  'Failures that are long past are swept.';

create policy select_backup on sign_in_throttles
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on sign_in_throttles is 'A backup holds every row.';

grant select on sign_in_throttles to safetypin_definer, safetypin_backup;
grant insert (id, kind, failure_count, last_failure_time) on sign_in_throttles to safetypin_definer;
grant update (user_id, failure_count, last_failure_time, blocked_until)
  on sign_in_throttles to safetypin_definer;
grant delete on sign_in_throttles to safetypin_definer;


--
-- Names for what is counted
--

set local role safetypin_definer;

-- Half of a digest: a name, and unique enough. In plpgsql, which assigns: what would be a
-- query could show the keys in its plan.
create function _throttle_ids(
  p_subject text,
  p_keys bytea[]
)
  returns uuid[]
  language plpgsql
  stable
  set search_path from current
as $$
declare
  v_key bytea;
  v_ids uuid[] := array[]::uuid[];
begin
  foreach v_key in array p_keys loop
    v_ids := array_append(v_ids, encode(substr(_keyed_digest(p_subject, v_key), 1, 16), 'hex')::uuid);
  end loop;
  return v_ids;
end;
$$;

comment on function _throttle_ids(text, bytea[]) is
  'What something is throttled by, under each of these digest keys; null for nothing.';


create function _account_ids(
  p_email text,
  p_keys bytea[]
)
  returns uuid[]
  language plpgsql
  stable
  set search_path from current
as $$
begin
  return _throttle_ids('account|' || _fold_email(p_email), p_keys);
end;
$$;

comment on function _account_ids(text, bytea[]) is
  'What an account is throttled by, whether it exists or not, under each of these digest keys.';


-- 128 bits of IPv6 are one customer's 64. An IPv4 address that a socket of both
-- families writes as ::ffff:203.0.113.7 is the IPv4 address it is: by its /64 it
-- would be the same as all the others.
create function _address_ids(
  p_ip_address inet,
  p_keys bytea[]
)
  returns uuid[]
  language plpgsql
  stable
  set search_path from current
as $$
begin
  return _throttle_ids(
    'address|' || case
      when family(p_ip_address) = 4 then host(p_ip_address)
      when set_masklen(p_ip_address, 128) << '::ffff:0:0/96'
        then host('0.0.0.0'::inet + (set_masklen(p_ip_address, 128) - '::ffff:0.0.0.0'::inet))
      else text(network(set_masklen(p_ip_address, 64)))
    end,
    p_keys
  );
end;
$$;

comment on function _address_ids(inet, bytea[]) is
  'What a network address is throttled by, IPv4 alone and IPv6 by its /64, under each of these digest keys; null for none.';


--
-- Counting
--

-- The first thing that whoever counts does, before a key is read: rotating the digest key
-- waits for those who hold this, and they wait for it. So nobody counts under the key
-- before once there is another, and what was counted under it is found and moved. With a
-- snapshot of earlier days the key of earlier days is read: then this fails with 40001.
create function _lock_throttles()
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  lock table sign_in_throttles in row exclusive mode;

  if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
    -- One that is not made yet is held by one alone, who makes it: two who share it would
    -- wait for each other.
    perform from digest_keys where purpose = 'address' and retired_time is null and secret is null for no key update;
    if not found then
      perform from digest_keys where purpose = 'address' and retired_time is null for share;
    end if;
  end if;
end;
$$;

comment on function _lock_throttles() is
  'Keeps the digest key as it is until this transaction ends.';


-- One row per account or address, locked for as long as it takes to count: of
-- eight guesses sent at once, eight are charged. What was counted under the digest key
-- before goes on counting: it is moved here, under the lock of the row that it is moved to,
-- so that rotating the key forgives nobody anything.
create function _hold_throttle(
  p_throttle_id uuid,
  p_earlier_id uuid,
  p_kind text,
  out failure_count integer,
  out blocked_until timestamptz
)
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now     timestamptz := _now();
  v_earlier sign_in_throttles;
begin
  -- Again, where a sweep forgot the row between the two statements.
  loop
    insert into sign_in_throttles as throttle (id, kind, last_failure_time, failure_count)
    values (p_throttle_id, p_kind, v_now, 0)
    on conflict (id) do nothing;

    select throttle.failure_count, throttle.blocked_until
    into failure_count, blocked_until
    from sign_in_throttles as throttle
    where throttle.id = p_throttle_id
    for update;
    exit when found;
  end loop;

  if p_earlier_id is null then
    return;
  end if;

  delete from sign_in_throttles as throttle
  where throttle.id = p_earlier_id
  returning throttle.* into v_earlier;

  if v_earlier.id is null then
    return;
  end if;

  update sign_in_throttles as throttle
  set
    user_id = coalesce(throttle.user_id, v_earlier.user_id),
    failure_count = least(throttle.failure_count + v_earlier.failure_count, 1000000),
    blocked_until = greatest(throttle.blocked_until, v_earlier.blocked_until),
    last_failure_time = case throttle.failure_count
      when 0 then v_earlier.last_failure_time
      else greatest(throttle.last_failure_time, v_earlier.last_failure_time)
    end
  where throttle.id = p_throttle_id
  returning throttle.failure_count, throttle.blocked_until
  into failure_count, blocked_until;
end;
$$;

comment on function _hold_throttle(uuid, uuid, text) is
  'Locks the count of an account or an address, with what was counted of it under the key before.';


create function _charge_attempt(
  p_throttle_id uuid,
  p_earlier_id uuid,
  p_kind text,
  p_user_id uuid,
  p_threshold integer,
  p_base interval,
  p_limit interval,
  out is_charged boolean,
  out failure_count integer,
  out blocked_until timestamptz
)
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now timestamptz;
begin
  select held.failure_count, held.blocked_until
  into failure_count, blocked_until
  from _hold_throttle(p_throttle_id, p_earlier_id, p_kind) as held;

  -- The clock is read now: waiting for the lock takes time.
  v_now := _now();
  is_charged := blocked_until <= v_now and (p_kind = 'address' or failure_count < 100);
  if not is_charged then
    return;
  end if;

  failure_count := least(failure_count + 1, 1000000);
  blocked_until := case
    when failure_count >= p_threshold then
      v_now + least(p_limit, p_base * (2 ^ least(failure_count - p_threshold, 20)))
    else '-infinity'
  end;

  update sign_in_throttles
  set
    user_id = p_user_id,
    failure_count = _charge_attempt.failure_count,
    blocked_until = _charge_attempt.blocked_until,
    last_failure_time = v_now
  where id = p_throttle_id;
end;
$$;

comment on function _charge_attempt(uuid, uuid, text, uuid, integer, interval, interval) is
  'Counts an attempt before it is made, unless its account or address is blocked; from the threshold on each one blocks the next for twice as long.';


create function _release_attempt(
  p_account_ids uuid[],
  p_address_ids uuid[],
  p_user_id uuid default null
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_is_draining boolean := exists (select from digest_keys where purpose = 'address' and retired_time is not null);
begin
  -- While a key drains, a count may be moved under our eyes: then it is found when it is
  -- looked for once more, since only now and then a row moves, and only once.
  for v_look in 1 .. 2 loop
    update sign_in_throttles
    set
      failure_count = 0,
      blocked_until = '-infinity'
    where id = any (p_account_ids)
      or user_id = p_user_id;
    exit when found or not v_is_draining;
  end loop;

  update sign_in_throttles
  set failure_count = greatest(failure_count - 1, 0)
  where id = any (p_address_ids);
end;
$$;

comment on function _release_attempt(uuid[], uuid[], uuid) is
  'After a success: the account starts from nothing, and the address has one failure less. Each under whichever key it is counted.';


-- For a password that is bound anew, by whichever way.
create function _forgive_account(
  p_email text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_account_ids uuid[];
begin
  perform _lock_throttles();
  v_account_ids := _account_ids(p_email, _open_digest_keys('address'));
  perform _release_attempt(v_account_ids, '{}');
end;
$$;

comment on function _forgive_account(text) is
  'Lets an account start with no failures. Raises SP522 when the cell''s key is not unlocked.';


--
-- Forgetting
--

-- Network addresses are forgiven after a day, accounts that nobody has are
-- forgotten after a month. An account that somebody has is never forgiven by
-- time (NIST SP 800-63B-4, 3.2.2): only by the right password or a new one.
create function sweep_sign_in_throttles(
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

  delete from sign_in_throttles
  where id = any (array(
    select id
    from sign_in_throttles
    where last_failure_time < _now() - interval '1 day'
      and (
        kind = 'address'
        or failure_count = 0
        or (user_id is null and last_failure_time < _now() - interval '30 days')
      )
    order by last_failure_time
    limit p_batch
    for update skip locked
  ));
  get diagnostics v_swept = row_count;

  perform _log_event('sign_in_throttles.swept', p_additional_data => jsonb_build_object('swept', v_swept));

  return v_swept;
end;
$$;

comment on function sweep_sign_in_throttles(integer) is
  'Forgets one batch of failures that are long past and returns how many. Call it until it returns 0. Those of accounts that somebody has are kept. Raises SP504 for a batch out of range.';

grant execute on function sweep_sign_in_throttles(integer) to safetypin_operator;


--
-- Rotating the key of the digests
--

-- The key before stays for as long as anything is counted under it: what is counted again
-- moves to the new one, people's counts are moved by move_sign_in_throttles(), and what is
-- left is forgotten in time. Two are in use at once, and never three.
create function rotate_digest_key()
  returns uuid
  language plpgsql
  volatile
  security definer
  set search_path from current
  set lock_timeout = '2s'
as $$
declare
  v_now       timestamptz := _now();
  v_key_id    uuid := new_id();
  v_relations oid[] := array['sign_in_throttles'::regclass, 'digest_keys'::regclass];
begin
  -- What is under the key before could not be moved.
  perform _require_not_restored();

  -- Those who count at this moment end first, and who comes after them waits for us: not
  -- for long, so that nobody who signs in waits behind somebody who never ends.
  begin
    lock table sign_in_throttles in share row exclusive mode;
    lock table digest_keys in share row exclusive mode;
  exception
    when lock_not_available then
      raise exception 'sign-ins that began earlier are still running'
        using errcode = 'SP423',
          detail = _describe_transactions(array(
            select virtualtransaction
            from pg_locks
            where database = (select oid from pg_database where datname = current_database())
              and relation = any (v_relations)
              and mode not in ('AccessShareLock', 'RowShareLock')
              and granted
              and pid is distinct from pg_backend_pid()
          )),
          hint = 'Try again when they are done. Who does not end is ended by a DBA: select pg_terminate_backend(pid).';
  end;

  if exists (select from digest_keys where purpose = 'address' and retired_time is not null) then
    raise exception 'failures are still counted under the digest key before'
      using errcode = 'SP424',
        hint = 'Move those of people with move_sign_in_throttles(); the others are forgotten within 30 days, when maintenance deletes the key.';
  end if;

  update digest_keys
  set retired_time = v_now
  where purpose = 'address'
    and retired_time is null;

  -- Made by whoever digests next, who has the cell's key.
  insert into digest_keys (id, purpose)
  values (v_key_id, 'address');

  perform _log_event(
    'context_key.rotated',
    p_resource_type => 'digest_key',
    p_resource_id => v_key_id,
    p_additional_data => jsonb_build_object('purpose', 'digest')
  );

  return v_key_id;
end;
$$;

comment on function rotate_digest_key() is
  'Calls for a new key for digests of addresses, which whoever digests next makes; what was counted and asked for under the one before is found, and goes on counting. Returns the new key''s id. Raises SP423 while sign-ins that began earlier are running, SP424 while the key before is needed, SP527 in a database that was restored, until what was shredded since is shredded again.';

grant execute on function rotate_digest_key() to safetypin_operator;


create function move_sign_in_throttles(
  p_batch integer default 500
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_throttle    record;
  v_email       text;
  v_keys        bytea[];
  v_account_ids uuid[];
  v_moved       integer := 0;
begin
  perform _require_batch(p_batch);
  perform _lock_throttles();

  for v_throttle in
    select id, user_id
    from sign_in_throttles
    where key_id = (select id from digest_keys where purpose = 'address' and retired_time is not null)
      and user_id is not null
    order by id
    limit p_batch
  loop
    v_email := _email_of(v_throttle.user_id);
    if v_email is null then
      -- Nobody signs in by it any more.
      delete from sign_in_throttles where id = v_throttle.id;
    else
      v_keys := coalesce(v_keys, _open_digest_keys('address'));
      v_account_ids := _account_ids(v_email, v_keys);
      perform _hold_throttle(v_account_ids[1], v_throttle.id, 'account');
    end if;
    v_moved := v_moved + 1;
  end loop;

  perform _log_event('sign_in_throttles.moved', p_additional_data => jsonb_build_object('moved', v_moved));

  return v_moved;
end;
$$;

comment on function move_sign_in_throttles(integer) is
  'Moves one batch of people''s failures from the digest key before to the one in use, and returns how many. Call it until it returns 0. Raises SP504 for a batch out of range, SP521 for an address that does not open, SP522 when the cell''s key is not unlocked.';

grant execute on function move_sign_in_throttles(integer) to safetypin_operator;


create function read_digest_rotation(
  out key_id uuid,
  out creation_time timestamptz,
  out earlier_key_id uuid,
  out earlier_retired_time timestamptz,
  out people_count bigint,
  out other_count bigint,
  out drained_time timestamptz
)
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  select digest_keys.id, digest_keys.creation_time
  into key_id, creation_time
  from digest_keys
  where purpose = 'address'
    and retired_time is null;

  select digest_keys.id, retired_time
  into earlier_key_id, earlier_retired_time
  from digest_keys
  where purpose = 'address'
    and retired_time is not null;

  select
    count(*) filter (where user_id is not null),
    count(*) filter (where user_id is null),
    greatest(
      max(last_failure_time + case kind when 'address' then interval '1 day' else '30 days' end)
        filter (where user_id is null),
      earlier_retired_time + interval '2 days'
    )
  into people_count, other_count, drained_time
  from sign_in_throttles
  where sign_in_throttles.key_id = earlier_key_id;
end;
$$;

comment on function read_digest_rotation() is
  'The key that digests addresses; the one before, if it is left, with how many failures of people and of others are counted under it, and when the last of the others is forgotten.';

grant execute on function read_digest_rotation() to safetypin_operator;


-- No context outlives its transaction, no grace of a refresh token lasts a day, and
-- nobody waits for a message that was asked for two days ago.
create function sweep_context_keys()
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now     timestamptz := _now();
  v_swept   integer;
  v_drained integer;
begin
  delete from context_keys
  where retired_time < v_now - interval '1 day';
  get diagnostics v_swept = row_count;

  delete from digest_keys
  where retired_time < v_now - interval '2 days'
    and not exists (select from sign_in_throttles where key_id = digest_keys.id);
  get diagnostics v_drained = row_count;
  v_swept := v_swept + v_drained;

  perform _log_event('context_keys.swept', p_additional_data => jsonb_build_object('swept', v_swept));

  return v_swept;
end;
$$;

comment on function sweep_context_keys() is
  'Deletes the keys under which nothing is signed, derived or counted any more, and returns how many.';

grant execute on function sweep_context_keys() to safetypin_operator;

set local role safetypin_owner;
