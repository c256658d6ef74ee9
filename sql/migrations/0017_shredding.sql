/*
 * 0017 shredding: a person or an organization is made unreadable, for good
 *
 * Rows and ids stay, so that foreign keys hold and evidence means somebody. What
 * goes is what everything sealed about them is opened with: a person's salt, an
 * organization's keys. What is kept of a person in clear is overwritten, and
 * what they signed in with is deleted.
 *
 * A backup that is older has it all still. So each shredding says from when on
 * no backup does, by how old backups get. And whoever restores one shreds again
 * what was shredded since: for that there is a ledger, without a word about
 * anybody, whose entries are chained under a key that never rotates. It is exported
 * to where backups are not, and replayed before any key is unlocked again.
 */

set local role safetypin_owner;


--
-- Tables
--

create table shreddings (
  id                   uuid not null default new_id(),
  seq                  bigint not null,
  user_id              uuid,
  organization_id      uuid,
  acting_user_id       uuid,
  login_name           text not null default session_user,
  shred_time           timestamptz not null default now(),
  shred_effective_time timestamptz not null,
  digest               bytea not null,
  replay_time          timestamptz,

  constraint shreddings_pkey primary key (id),
  constraint shreddings_seq_key unique (seq),
  -- No foreign keys: a ledger that is replayed names people who registered after the backup.
  constraint shreddings_user_id_key unique (user_id),
  constraint shreddings_organization_id_key unique (organization_id),
  constraint shreddings_seq_is_positive check (seq > 0),
  constraint shreddings_are_of_one_thing check ((user_id is null) <> (organization_id is null)),
  constraint shreddings_login_name_is_short check (octet_length(login_name) between 1 and 63),
  constraint shreddings_take_effect_afterwards check (shred_effective_time >= shred_time),
  constraint shreddings_digest_is_32_bytes check (octet_length(digest) = 32)
);

comment on table shreddings is
  'Who and what was shredded, when and by whom, and nothing about them: append-only, and replayed after a restore.';
comment on column shreddings.id is 'The id of the entry. [internal]';
comment on column shreddings.seq is '1, 2, 3 …, without a gap. [internal]';
comment on column shreddings.user_id is 'Which person; null for an organization. [internal]';
comment on column shreddings.organization_id is 'Which organization; null for a person. [internal]';
comment on column shreddings.acting_user_id is 'Who did it; null for an operator. [internal]';
comment on column shreddings.login_name is 'From which login of the database. [internal]';
comment on column shreddings.shred_time is 'When. [internal]';
comment on column shreddings.shred_effective_time is
  'From when on no backup undoes it, as was known then: list_shreddings() says what is known now. [internal]';
comment on column shreddings.digest is
  'The keyed digest of the entry and of the digest before it: what makes a chain of them. [internal]';
comment on column shreddings.replay_time is
  'When it was done again in this database, after a restore; null where it was done first. [internal]';


create table legal_holds (
  id              uuid not null default new_id(),
  user_id         uuid,
  organization_id uuid,
  reason          text not null,
  creation_time   timestamptz not null default now(),
  release_time    timestamptz,
  held_through_id uuid,

  constraint legal_holds_pkey primary key (id),
  constraint legal_holds_user_id_fkey foreign key (user_id) references users (id),
  constraint legal_holds_organization_id_fkey foreign key (organization_id) references organizations (id),
  constraint legal_holds_held_through_id_fkey foreign key (held_through_id) references legal_holds (id),
  constraint legal_holds_are_of_one_thing check ((user_id is null) <> (organization_id is null)),
  constraint legal_holds_held_through_another_are_of_people
    check (held_through_id is null or user_id is not null),
  constraint legal_holds_reason_is_short
    check (is_printable(reason) and char_length(reason) between 1 and 1000)
);

create index legal_holds_user_id_idx on legal_holds (user_id);
create index legal_holds_organization_id_idx on legal_holds (organization_id);
create index legal_holds_held_through_id_idx on legal_holds (held_through_id);

comment on table legal_holds is
  'Who is not to be shredded, because a court, an authority or an agreement wants what is kept about them kept.';
comment on column legal_holds.id is 'The id of the hold. [internal]';
comment on column legal_holds.user_id is 'Which person; null for an organization. [internal]';
comment on column legal_holds.organization_id is
  'Which organization, and with it everybody who belongs to it or did since; null for a person. [internal]';
comment on column legal_holds.reason is 'Why: the number of a matter, not its story. [internal]';
comment on column legal_holds.creation_time is 'Since when. [internal]';
comment on column legal_holds.release_time is 'Until when; null while it holds. [internal]';
comment on column legal_holds.held_through_id is
  'The hold on an organization that this person left under, and with which it is released; null for one that was placed. [internal]';

create trigger _500_append_only
  before update or delete on shreddings
  for each row execute function tg__append_only('shreddings');
create trigger _500_no_truncate
  before truncate on shreddings
  for each statement execute function tg__append_only('shreddings');
alter table shreddings enable always trigger _500_append_only;
alter table shreddings enable always trigger _500_no_truncate;

select _record_changes_of('legal_holds');


--
-- Who sees what: functions, and the auditor
--

alter table shreddings enable row level security;
alter table shreddings force row level security;
alter table legal_holds enable row level security;
alter table legal_holds force row level security;

create policy tenant_fence on shreddings
  as restrictive
  to safetypin_app
  using (organization_id = (select current_organization_id()))
  with check (false);
comment on policy tenant_fence on shreddings is
  'What was shredded is the cell''s to know; applications are granted none of it.';

create policy tenant_fence on legal_holds
  as restrictive
  to safetypin_app
  using (organization_id = (select current_organization_id()))
  with check (false);
comment on policy tenant_fence on legal_holds is
  'Holds are the cell''s to know; applications are granted none of them.';

create policy select_definer on shreddings
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on shreddings is
  'The ledger is read by the functions that add to it, export and replay it.';

create policy insert_definer on shreddings
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on shreddings is
  'The ledger is written by the functions that shred.';

create policy select_auditor on shreddings
  for select
  to safetypin_auditor
  using (true);
comment on policy select_auditor on shreddings is
  'An auditor reads what was shredded, of every organization.';

create policy select_backup on shreddings
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on shreddings is 'A backup holds every row.';

create policy select_definer on legal_holds
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on legal_holds is
  'Whoever is to be shredded is looked for here.';

create policy insert_definer on legal_holds
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on legal_holds is
  'Holds are placed by a function.';

create policy update_definer on legal_holds
  for update
  to safetypin_definer
  using (release_time is null)
  with check (true);
comment on policy update_definer on legal_holds is
  'Holds are released by a function, once.';

create policy select_auditor on legal_holds
  for select
  to safetypin_auditor
  using (true);
comment on policy select_auditor on legal_holds is
  'An auditor reads which holds there are, and were.';

create policy select_backup on legal_holds
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on legal_holds is 'A backup holds every row.';

grant select on shreddings, legal_holds to safetypin_definer, safetypin_auditor, safetypin_backup;
grant insert (
  id, seq, user_id, organization_id, acting_user_id, login_name, shred_time, shred_effective_time,
  digest, replay_time
) on shreddings to safetypin_definer;
grant insert (id, user_id, organization_id, reason, held_through_id) on legal_holds to safetypin_definer;
grant update (release_time) on legal_holds to safetypin_definer;


--
-- How old backups get
--

set local role safetypin_definer;

create function declare_backup_age(
  p_age interval
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  if p_age is null or p_age not between '0' and interval '100 years' then
    raise exception 'a backup is kept for up to 100 years, not %', coalesce(p_age::text, 'null')
      using errcode = 'SP504', hint = 'Pass the age at which the oldest backup is deleted, for instance 35 days.';
  end if;

  update cell_settings
  set
    oldest_backup_age = p_age,
    backup_age_time = _now();

  perform _log_event(
    'cell.backup_age_declared',
    p_additional_data => jsonb_build_object('age', p_age::text)
  );
end;
$$;

comment on function declare_backup_age(interval) is
  'Says how old the oldest backup of this cell gets: dumps, snapshots, archived WAL and copies of them. Raises SP504.';

grant execute on function declare_backup_age(interval) to safetypin_operator;


-- Kept for longer than was known then, a backup undoes it for longer; one that is over was
-- over already. Kept for a shorter time, what was promised then stands.
create function _current_effective_time(
  p_shred_time timestamptz,
  p_shred_effective_time timestamptz,
  p_backup_age interval,
  p_backup_age_time timestamptz
)
  returns timestamptz
  language sql
  stable
  parallel safe
  return case
    when p_shred_effective_time <= p_backup_age_time then p_shred_effective_time
    else greatest(p_shred_effective_time, p_shred_time + p_backup_age)
  end;

comment on function _current_effective_time(timestamptz, timestamptz, interval, timestamptz) is
  'From when on no backup undoes a shredding, as is known now.';


--
-- Turns
--

-- The row of the cell is what those take turns by who hold, who shred, who export what
-- was shredded and who replay it. Written and not only locked: who looked before that turn was over
-- must not go on with what they saw, also under repeatable read.
create function _await_shredding()
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
begin
  update cell_settings set exported_shredding = exported_shredding;
end;
$$;

comment on function _await_shredding() is
  'Waits for whoever holds, shreds, exports or replays. Raises 40001 in a transaction that looked before they were done.';


--
-- Holds
--

create function place_legal_hold(
  p_user_id uuid,
  p_organization_id uuid,
  p_reason text
)
  returns uuid
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_id uuid := new_id();
begin
  perform _require_given('reason', p_reason is not null);

  -- Behind whoever shreds at this moment; and, by the row that counts members, behind
  -- whoever leaves. Who comes after that leaves under the hold, or not at all in a
  -- transaction that cannot see it: the row is written for that, with what it says.
  perform _await_shredding();

  if p_user_id is not null
     and not exists (select from users where id = p_user_id and status <> 'shredded')
  then
    raise exception 'there is no user % to hold', p_user_id
      using errcode = 'SP301', hint = 'Pass the id of somebody who was not shredded.';
  end if;
  if p_organization_id is not null then
    update organizations
    set status = status
    where id = p_organization_id
      and status <> 'shredded';

    if not found then
      raise exception 'there is no organization % to hold', p_organization_id
        using errcode = 'SP305', hint = 'Pass the id of an organization that was not shredded.';
    end if;
  end if;

  insert into legal_holds (id, user_id, organization_id, reason)
  values (v_id, p_user_id, p_organization_id, p_reason);

  perform _log_event(
    'legal_hold.placed',
    p_user_id,
    p_organization_id => p_organization_id,
    p_resource_type => 'legal_hold',
    p_resource_id => v_id
  );
  return v_id;
end;
$$;

comment on function place_legal_hold(uuid, uuid, text) is
  'Keeps a person, or an organization with everybody who belongs to it and whoever leaves from then on, from being shredded. Raises SP301 and SP305 when there is none, SP509 without a reason.';


create function release_legal_hold(
  p_id uuid
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_hold record;
begin
  -- Behind whoever leaves at this moment under the hold, as in place_legal_hold(): theirs is
  -- released with it, and not by a transaction that cannot see it.
  update organizations
  set status = status
  where id = (select organization_id from legal_holds where id = p_id);

  update legal_holds
  set release_time = _now()
  where id = p_id
    and release_time is null
  returning user_id, organization_id into v_hold;

  if not found then
    raise exception 'there is no legal hold %', p_id
      using errcode = 'SP310', hint = 'Pass the id of a hold that was not released.';
  end if;

  update legal_holds
  set release_time = _now()
  where held_through_id = p_id
    and release_time is null;

  perform _log_event(
    'legal_hold.released',
    v_hold.user_id,
    p_organization_id => v_hold.organization_id,
    p_resource_type => 'legal_hold',
    p_resource_id => p_id
  );
end;
$$;

comment on function release_legal_hold(uuid) is
  'Ends a hold; with one on an organization, those of who left under it. Raises SP310 when there is none that holds.';

create function list_legal_holds()
  returns table (
    id uuid,
    user_id uuid,
    organization_id uuid,
    reason text,
    creation_time timestamptz
  )
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  return query
    select
      legal_holds.id,
      legal_holds.user_id,
      legal_holds.organization_id,
      legal_holds.reason,
      legal_holds.creation_time
    from legal_holds
    where legal_holds.release_time is null
    order by legal_holds.id;
end;
$$;

comment on function list_legal_holds() is
  'The holds that were not released, oldest first.';

grant execute on function
  place_legal_hold(uuid, uuid, text),
  release_legal_hold(uuid),
  list_legal_holds()
to safetypin_operator;


-- Who is held is not free by leaving, or by being removed: the hold goes with them.
create function tg_organization_users__keep_held()
  returns trigger
  language plpgsql
  security definer
  set search_path from current
as $$
begin
  -- Before the hold is released, or after.
  perform
  from legal_holds
  where organization_id in (select old_rows.organization_id from old_rows)
    and release_time is null
  order by id
  for share;

  insert into legal_holds (id, user_id, reason, held_through_id)
  select new_id(), old_rows.user_id, legal_holds.reason, legal_holds.id
  from old_rows
  join legal_holds on legal_holds.organization_id = old_rows.organization_id
  where old_rows.status <> 'invited'
    and legal_holds.release_time is null
    and not exists (
      select from legal_holds as carried
      where carried.held_through_id = legal_holds.id
        and carried.user_id = old_rows.user_id
        and carried.release_time is null
    );
  return null;
end;
$$;

comment on function tg_organization_users__keep_held() is
  'Holds whoever stops belonging to an organization that is held.';

grant execute on function tg_organization_users__keep_held() to safetypin_owner;

set local role safetypin_owner;

-- After those who leave were counted, which is what place_legal_hold() is waited for by.
create trigger _500_keep_held
  after delete on organization_users
  referencing old table as old_rows
  for each statement
  execute function tg_organization_users__keep_held();

set local role safetypin_definer;


create function _require_no_hold(
  p_user_id uuid,
  p_organization_id uuid
)
  returns void
  language plpgsql
  stable
  set search_path from current
as $$
begin
  if exists (
    select from legal_holds
    where release_time is null
      and (
        user_id = p_user_id
        or organization_id = p_organization_id
        or organization_id in (
          select organization_users.organization_id
          from organization_users
          where organization_users.user_id = p_user_id
            and organization_users.status <> 'invited'
        )
      )
  ) then
    raise exception 'a legal hold keeps % %',
      case when p_user_id is null then 'organization' else 'person' end,
      coalesce(p_user_id, p_organization_id)
      using errcode = 'SP426', hint = 'An operator releases it once it is over: safetypin keys hold --release HOLD.';
  end if;
end;
$$;

comment on function _require_no_hold(uuid, uuid) is
  'Passes for a person or an organization that no legal hold keeps. Raises SP426.';


--
-- The ledger
--

-- Over values and not over how they are written: a number of microseconds, a uuid in lower
-- case. What a name may hold stands last. Under a key of its own, which no rotation touches:
-- a backup of before and a ledger of after have it in common, whenever each was made.
create function _shredding_digest(
  p_previous bytea,
  p_entry shreddings
)
  returns bytea
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  return hmac(
    convert_to(
      format(
        'shredding|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s',
        (select id from cell_settings),
        encode(p_previous, 'hex'),
        p_entry.seq,
        p_entry.id,
        p_entry.user_id,
        p_entry.organization_id,
        p_entry.acting_user_id,
        _mark_of(p_entry.shred_time),
        _mark_of(p_entry.shred_effective_time),
        p_entry.login_name
      ),
      'UTF8'
    ),
    (select secret from context_keys where purpose = 'ledger' and retired_time is null),
    'sha256'
  );
end;
$$;

comment on function _shredding_digest(bytea, shreddings) is
  'The digest of an entry of the ledger behind the one that has the other digest: 32 bytes, which only this cell makes.';


create function _last_shredding(
  out seq bigint,
  out digest bytea
)
  language plpgsql
  stable
  set search_path from current
as $$
begin
  select shreddings.seq, shreddings.digest
  into seq, digest
  from shreddings
  order by shreddings.seq desc
  limit 1;

  seq := coalesce(seq, 0);
  digest := coalesce(digest, '\x');
end;
$$;

comment on function _last_shredding() is
  'Where the ledger of this database ends: entry 0, with an empty digest, before the first.';


create function _write_shredding(
  p_entry shreddings
)
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
begin
  insert into shreddings (
    id, seq, user_id, organization_id, acting_user_id, login_name, shred_time,
    shred_effective_time, digest, replay_time
  )
  values (
    p_entry.id, p_entry.seq, p_entry.user_id, p_entry.organization_id, p_entry.acting_user_id,
    p_entry.login_name, p_entry.shred_time, p_entry.shred_effective_time, p_entry.digest,
    p_entry.replay_time
  );
end;
$$;

comment on function _write_shredding(shreddings) is
  'Writes an entry of the ledger.';


-- Once is enough.
create function _find_effective_time(
  p_user_id uuid,
  p_organization_id uuid
)
  returns timestamptz
  language plpgsql
  stable
  set search_path from current
as $$
begin
  return (
    select _current_effective_time(shred_time, shred_effective_time, oldest_backup_age, backup_age_time)
    from shreddings
    cross join cell_settings
    where user_id = p_user_id
      or organization_id = p_organization_id
  );
end;
$$;

comment on function _find_effective_time(uuid, uuid) is
  'From when on no backup has a person or an organization; null for what was not shredded.';


-- One who shreds at a time, in the whole cell: an entry names the one before it.
create function _append_shredding(
  p_user_id uuid,
  p_organization_id uuid
)
  returns timestamptz
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now   timestamptz := _now();
  v_last  record;
  v_entry shreddings;
begin
  v_last := _last_shredding();

  v_entry.id := new_id();
  v_entry.seq := v_last.seq + 1;
  v_entry.user_id := p_user_id;
  v_entry.organization_id := p_organization_id;
  v_entry.acting_user_id := current_user_id();
  v_entry.login_name := session_user;
  v_entry.shred_time := v_now;
  v_entry.shred_effective_time := v_now + (select oldest_backup_age from cell_settings);
  v_entry.digest := _shredding_digest(v_last.digest, v_entry);

  perform _write_shredding(v_entry);
  return v_entry.shred_effective_time;
end;
$$;

comment on function _append_shredding(uuid, uuid) is
  'Writes what is shredded into the ledger, and says from when on no backup undoes it.';


create function _require_whole_ledger()
  returns void
  language plpgsql
  stable
  set search_path from current
as $$
begin
  if _is_restored() then
    raise exception 'this database was restored from a backup, and its ledger may lack entries'
      using errcode = 'SP527', hint = 'Run "safetypin keys replay FILE" first: see "safetypin keys replay --help".';
  end if;
end;
$$;

comment on function _require_whole_ledger() is
  'Passes where the ledger has all that was shredded. Raises SP527 in a database that was restored, until it was replayed.';


create function _begin_shredding()
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _require_read_committed();
  perform _await_shredding();
  perform _require_whole_ledger();
end;
$$;

comment on function _begin_shredding() is
  'Waits for whoever else shreds, or exports the ledger. Raises SP510 in a transaction that is not read committed, SP527 in a database that was restored, until its ledger is whole.';


--
-- People
--

create function _erase_person(
  p_user_id uuid,
  p_is_replay boolean
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now             timestamptz;
  v_organization_id uuid;
begin
  -- In the order in which whoever signs in holds them, so that nobody waits in a circle.
  perform from password_attempts where user_id = p_user_id order by id for update;
  perform from password_credentials where user_id = p_user_id for update;
  perform from sign_in_throttles where user_id = p_user_id order by id for update;
  perform from users where id = p_user_id for update;
  v_now := _now();

  for v_organization_id in
    select organization_users.organization_id
    from organization_users
    join organizations on organizations.id = organization_users.organization_id
    where organization_users.user_id = p_user_id
      -- Where they are the last owner in an old backup, their place is kept: the members go on.
      and not (
        p_is_replay
        and organization_users.role = 'owner'
        and organization_users.status = 'active'
        and organizations.owner_count = 1
        and organizations.status in ('active', 'suspended')
      )
    order by organization_users.organization_id
  loop
    perform _end_memberships(p_user_id, v_organization_id, 'person_shredded');
  end loop;

  update sessions
  set
    revoked = true,
    revocation_time = coalesce(revocation_time, v_now),
    revocation_reason = coalesce(revocation_reason, 'person_shredded'),
    ip_address = null,
    user_agent = null,
    session_data = '{}'
  where user_id = p_user_id;

  delete from one_time_tokens where user_id = p_user_id;
  delete from messages where user_id = p_user_id;
  delete from password_attempts where user_id = p_user_id;
  delete from sign_in_throttles where user_id = p_user_id;
  delete from password_history where user_id = p_user_id;
  delete from password_credentials where user_id = p_user_id;
  update organization_domains set claimed_by = null where claimed_by = p_user_id;
  if p_is_replay then
    -- Where it was done first, none held.
    update legal_holds set release_time = v_now where user_id = p_user_id and release_time is null;
  end if;

  update users
  set
    status = 'shredded',
    email = null,
    phone_number = null,
    first_name = 'Shredded',
    last_name = 'Person',
    job_title = null,
    avatar_url = null,
    timezone = 'UTC',
    locale = 'en',
    last_login_time = null,
    sessions_valid_from = _voiding_time()
  where id = p_user_id;

  perform _shred_subject(p_user_id);
end;
$$;

comment on function _erase_person(uuid, boolean) is
  'Ends whatever a person has here, overwrites what is said of them in clear, and takes the salt away that everything sealed about them opens with. Breaks organizations_keep_an_owner for a last owner, whose place is kept in a replay; a replay also ends what holds them.';


create function _shred_person(
  p_user_id uuid
)
  returns timestamptz
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_effective_time timestamptz;
begin
  perform _begin_shredding();

  v_effective_time := _find_effective_time(p_user_id, null);
  if v_effective_time is not null then
    return v_effective_time;
  end if;

  if not exists (select from users where id = p_user_id) then
    raise exception 'there is no user %', coalesce(p_user_id::text, 'null')
      using errcode = 'SP301', hint = 'Pass the id of a user.';
  end if;
  perform _require_no_hold(p_user_id, null);

  perform _erase_person(p_user_id, false);
  -- Who joined an organization that is held since we asked has left it now, and the hold went with them.
  perform _require_no_hold(p_user_id, null);
  v_effective_time := _append_shredding(p_user_id, null);

  perform _log_event(
    'user.shredded',
    p_user_id,
    p_additional_data => jsonb_build_object('effective_time', v_effective_time)
  );
  return v_effective_time;
end;
$$;

comment on function _shred_person(uuid) is
  'Shreds a person once, and says from when on no backup undoes it. Breaks organizations_keep_an_owner for a last owner. Raises SP301 when there is nobody, SP426 for whom a legal hold keeps, SP527 in a database that was restored.';


create function shred_person(
  p_user_id uuid
)
  returns timestamptz
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  return _shred_person(p_user_id);
end;
$$;

comment on function shred_person(uuid) is
  'Makes everything sealed about a person unreadable for good, overwrites their name, ends their account, sessions and memberships, and frees their address. Their row and id stay. Returns from when on no backup undoes it. Breaks organizations_keep_an_owner for a last owner. Raises SP301 when there is nobody, SP426 for whom a legal hold keeps, SP527 in a database that was restored.';

grant execute on function shred_person(uuid) to safetypin_operator;


-- What cannot be undone takes a sign-in of just now: a session that somebody found open, or
-- stole, closes the account at most.
create function erase_own_account()
  returns timestamptz
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_user_id uuid := _require_user();
begin
  if not exists (
    select from sessions
    where id = current_session_id()
      and creation_time > _now() - interval '10 minutes'
  ) then
    raise exception 'this takes a session that began within the last ten minutes'
      using errcode = 'SP104', hint = 'Sign in again, then repeat the request.';
  end if;

  return _shred_person(v_user_id);
end;
$$;

comment on function erase_own_account() is
  'Shreds the caller: see shred_person(). Returns from when on no backup undoes it. Breaks organizations_keep_an_owner for a last owner. Raises SP102 when nobody is signed in, SP104 in a session that began more than ten minutes ago, SP426 for whom a legal hold keeps, SP527 in a database that was restored.';

grant execute on function erase_own_account() to safetypin_app;


--
-- Organizations
--

create function _erase_organization(
  p_organization_id uuid
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  update organizations
  set
    status = 'shredded',
    billing_email = null,
    technical_contact_email = null,
    sessions_valid_from = _voiding_time()
  where id = p_organization_id;

  perform _shred_tenant(p_organization_id);
end;
$$;

comment on function _erase_organization(uuid) is
  'Voids an organization''s sessions, forgets whom to write to, and destroys all of its keys.';


-- In two steps, of which the first can be undone: a slip in an id shreds no hospital that
-- is at work.
create function shred_organization(
  p_organization_id uuid
)
  returns timestamptz
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_status         text;
  v_effective_time timestamptz;
begin
  perform _begin_shredding();

  v_effective_time := _find_effective_time(null, p_organization_id);
  if v_effective_time is not null then
    return v_effective_time;
  end if;

  select status into v_status from organizations where id = p_organization_id for update;
  if not found then
    raise exception 'there is no organization %', coalesce(p_organization_id::text, 'null')
      using errcode = 'SP305', hint = 'Pass the id of an organization.';
  end if;
  if v_status not in ('deleted', 'suspended') then
    raise exception 'organization % is %: only one that was closed or suspended is shredded', p_organization_id, v_status
      using errcode = 'SP427', hint = 'Let an owner close it, or call suspend_organization() first.';
  end if;
  perform _require_no_hold(null, p_organization_id);

  perform _erase_organization(p_organization_id);
  v_effective_time := _append_shredding(null, p_organization_id);

  perform _log_event(
    'organization.shredded',
    p_organization_id => p_organization_id,
    p_resource_type => 'organization',
    p_resource_id => p_organization_id,
    p_additional_data => jsonb_build_object('effective_time', v_effective_time)
  );
  return v_effective_time;
end;
$$;

comment on function shred_organization(uuid) is
  'Destroys all keys of an organization that was closed or suspended, so that nothing sealed under them opens ever again. Rows and ids stay. Returns from when on no backup undoes it. Raises SP305 when there is none, SP426 for one that a legal hold keeps, SP427 for one that is at work, SP527 in a database that was restored.';

grant execute on function shred_organization(uuid) to safetypin_operator;


--
-- Reading and exporting the ledger
--

create function list_shreddings(
  p_after bigint default 0,
  p_limit integer default 1000
)
  returns table (
    seq bigint,
    user_id uuid,
    organization_id uuid,
    acting_user_id uuid,
    login_name text,
    shred_time timestamptz,
    effective_time timestamptz,
    is_effective boolean,
    replay_time timestamptz
  )
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_now timestamptz := _clock_time();
begin
  return query
    select
      shreddings.seq,
      shreddings.user_id,
      shreddings.organization_id,
      shreddings.acting_user_id,
      shreddings.login_name,
      shreddings.shred_time,
      known.effective_time,
      known.effective_time <= v_now,
      shreddings.replay_time
    from shreddings
    cross join cell_settings
    cross join lateral (
      select _current_effective_time(
        shreddings.shred_time, shreddings.shred_effective_time,
        cell_settings.oldest_backup_age, cell_settings.backup_age_time
      ) as effective_time
    ) as known
    where shreddings.seq > p_after
    order by shreddings.seq
    limit least(p_limit, 10000);
end;
$$;

comment on function list_shreddings(bigint, integer) is
  'What was shredded, oldest first, after the entry that is given: and from when on no backup undoes it, as backups are kept now.';


-- What was read is believed to be kept: the doctor warns of what was not. A database that
-- was restored has less than what was exported before: it must not take the place of that.
create function export_shreddings(
  p_after bigint default 0,
  p_limit integer default 1000
)
  returns table (
    seq bigint,
    entry jsonb
  )
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_last bigint;
begin
  perform _begin_shredding();

  v_last := (
    select max(page.seq)
    from (
      select shreddings.seq
      from shreddings
      where shreddings.seq > p_after
      order by shreddings.seq
      limit least(p_limit, 10000)
    ) as page
  );
  update cell_settings set exported_shredding = v_last where exported_shredding < v_last;

  if p_after = 0 then
    perform _log_event(
      'shreddings.exported',
      p_additional_data => jsonb_build_object('last', (select max(shreddings.seq) from shreddings))
    );
  end if;

  return query
    select shreddings.seq, to_jsonb(shreddings) - 'replay_time'
    from shreddings
    where shreddings.seq > p_after
      and shreddings.seq <= v_last
    order by shreddings.seq;
end;
$$;

comment on function export_shreddings(bigint, integer) is
  'The entries of the ledger as replay_shreddings() takes them, oldest first, after the entry that is given; those count as exported from then on. Nobody shreds until the transaction ends. Raises SP527 in a database that was restored, until its ledger is whole.';


-- Under another label than an entry's, so that neither passes for the other.
create function _ledger_end_digest(
  p_seq bigint,
  p_digest bytea
)
  returns bytea
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  return hmac(
    convert_to(
      format('end of ledger|%s|%s|%s', (select id from cell_settings), p_seq, encode(p_digest, 'hex')),
      'UTF8'
    ),
    (select secret from context_keys where purpose = 'ledger' and retired_time is null),
    'sha256'
  );
end;
$$;

comment on function _ledger_end_digest(bigint, bytea) is
  'The digest by which a ledger is known to have ended with this entry when it was exported: 32 bytes, which only this cell makes.';


-- Of the end that there is and of no other: it cannot be asked about an entry further up.
create function read_ledger_end()
  returns table (
    seq bigint,
    digest bytea,
    end_digest bytea
  )
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  perform _require_whole_ledger();

  return query
    select last.seq, last.digest, _ledger_end_digest(last.seq, last.digest)
    from _last_shredding() as last;
end;
$$;

comment on function read_ledger_end() is
  'What a ledger ends with that is exported now: the number and the digest of the last entry, and the keyed digest of both. Raises SP527 in a database that was restored, until its ledger is whole.';

grant execute on function
  list_shreddings(bigint, integer),
  export_shreddings(bigint, integer),
  read_ledger_end()
to safetypin_operator;


--
-- After a restore
--

create function read_restore_state()
  returns table (
    is_restored boolean,
    last_seq bigint,
    last_digest bytea,
    exported_seq bigint,
    oldest_backup_age interval
  )
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  return query
    select
      _is_restored(),
      last.seq,
      last.digest,
      cell_settings.exported_shredding,
      cell_settings.oldest_backup_age
    from cell_settings
    cross join _last_shredding() as last;
end;
$$;

comment on function read_restore_state() is
  'Whether this database waits for its ledger to be replayed, where the ledger ends and up to where it was exported, and how old backups get.';

-- The doctor asks.
grant execute on function read_restore_state() to safetypin_keyholder;


create function _parse_shredding(
  p_entry jsonb
)
  returns shreddings
  language plpgsql
  stable
  set search_path from current
as $$
begin
  return jsonb_populate_record(null::shreddings, p_entry);
exception
  when data_exception then
    raise exception 'the ledger has an entry that is none'
      using errcode = 'SP428', hint = 'Take the file as "safetypin keys ledger --export" wrote it.';
end;
$$;

comment on function _parse_shredding(jsonb) is
  'An entry of a ledger as the table has it. Raises SP428 for what is none.';


create function _require_ledger(
  p_entries jsonb
)
  returns void
  language plpgsql
  immutable
  set search_path from current
as $$
begin
  if jsonb_typeof(p_entries) is distinct from 'array' then
    raise exception 'the ledger is no list of entries'
      using errcode = 'SP428', hint = 'Take the file as "safetypin keys ledger --export" wrote it.';
  end if;
end;
$$;

comment on function _require_ledger(jsonb) is
  'Passes for a list of entries. Raises SP428 for everything else.';


create function _require_next_shredding(
  p_cell_id uuid,
  p_entry shreddings,
  p_seq bigint,
  p_digest bytea
)
  returns void
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  if p_cell_id is distinct from (select id from cell_settings) then
    raise exception 'the ledger is of cell %, not of this one', coalesce(p_cell_id::text, 'null')
      using errcode = 'SP428', hint = 'Take the ledger that was exported from this cell, before it was restored.';
  end if;
  if p_entry.seq is distinct from p_seq + 1 then
    raise exception 'the ledger goes from entry % to %', p_seq, coalesce(p_entry.seq::text, 'null')
      using errcode = 'SP428', hint = 'Entries are missing: take the file as "safetypin keys ledger --export" wrote it.';
  end if;
  if p_entry.digest is distinct from _shredding_digest(p_digest, p_entry) then
    raise exception 'entry % of the ledger was changed, or stands behind another than it was written behind', p_entry.seq
      using errcode = 'SP428', hint = 'Take the file as "safetypin keys ledger --export" wrote it.';
  end if;
end;
$$;

comment on function _require_next_shredding(uuid, shreddings, bigint, bytea) is
  'Passes for an entry of this cell''s ledger that was written behind the one with this number and digest. Raises SP428.';


create function verify_shreddings(
  p_cell_id uuid,
  p_entries jsonb,
  p_previous_digest bytea default '\x'
)
  returns bytea
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_entry  jsonb;
  v_parsed shreddings;
  v_seq    bigint;
  v_digest bytea := p_previous_digest;
begin
  perform _require_ledger(p_entries);
  v_parsed := _parse_shredding(p_entries -> 0);
  v_seq := coalesce(v_parsed.seq, 1) - 1;
  for v_entry in select value from jsonb_array_elements(p_entries) loop
    v_parsed := _parse_shredding(v_entry);
    perform _require_next_shredding(p_cell_id, v_parsed, v_seq, v_digest);
    v_seq := v_parsed.seq;
    v_digest := v_parsed.digest;
  end loop;
  return v_digest;
end;
$$;

comment on function verify_shreddings(uuid, jsonb, bytea) is
  'Looks at some entries of a ledger, behind one that has this digest, and answers the digest of the last. Changes nothing. Raises SP428 where one was changed, is missing, or is another cell''s.';


create function verify_ledger_end(
  p_cell_id uuid,
  p_seq bigint,
  p_digest bytea,
  p_end_digest bytea
)
  returns void
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  if p_cell_id is distinct from (select id from cell_settings)
     or p_end_digest is distinct from _ledger_end_digest(p_seq, p_digest)
  then
    raise exception 'the ledger did not end with entry % when it was exported', coalesce(p_seq::text, 'null')
      using errcode = 'SP428', hint = 'Entries are missing: take the file as "safetypin keys ledger --export" wrote it.';
  end if;
end;
$$;

comment on function verify_ledger_end(uuid, bigint, bytea, bytea) is
  'Passes for a ledger of this cell that ended with this entry when it was exported, and not for one that was cut off there since. Raises SP428.';


-- In order, and all of these or none: what was done stays done, and is passed over when the
-- same comes again.
create function replay_shreddings(
  p_cell_id uuid,
  p_entries jsonb
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_entry  jsonb;
  v_parsed shreddings;
  v_known  bytea;
  v_last   record;
  v_count  integer := 0;
  v_now    timestamptz;
begin
  perform _require_read_committed();
  perform _require_ledger(p_entries);
  perform _await_shredding();
  v_now := _now();

  for v_entry in select value from jsonb_array_elements(p_entries) loop
    v_parsed := _parse_shredding(v_entry);

    select digest into v_known from shreddings where seq = v_parsed.seq;
    if found then
      if v_known is distinct from v_parsed.digest then
        raise exception 'the ledger and this database tell two stories from entry % on', v_parsed.seq
          using errcode = 'SP428',
            hint = 'Take the ledger that was exported last from the database that this is a restore of.';
      end if;
      continue;
    end if;

    v_last := _last_shredding();
    perform _require_next_shredding(p_cell_id, v_parsed, v_last.seq, v_last.digest);

    if v_parsed.user_id is not null then
      perform _erase_person(v_parsed.user_id, true);
      perform _log_event(
        'user.shredded',
        v_parsed.user_id,
        p_additional_data => jsonb_build_object('replayed', v_parsed.seq)
      );
    else
      perform _erase_organization(v_parsed.organization_id);
      perform _log_event(
        'organization.shredded',
        p_organization_id => v_parsed.organization_id,
        p_resource_type => 'organization',
        p_resource_id => v_parsed.organization_id,
        p_additional_data => jsonb_build_object('replayed', v_parsed.seq)
      );
    end if;

    v_parsed.replay_time := v_now;
    perform _write_shredding(v_parsed);
    v_count := v_count + 1;
  end loop;

  return v_count;
end;
$$;

comment on function replay_shreddings(uuid, jsonb) is
  'Shreds again what a ledger says was shredded, and was not in this database; passes over what was. Returns how many that was. The last owner of an organization keeps their place there, without an account. Raises SP428 where an entry was changed, is missing, is another cell''s or contradicts this database.';


create function finish_replay(
  p_cell_id uuid,
  p_seq bigint,
  p_digest bytea,
  p_end_digest bytea
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_last     record;
  v_shredded bigint;
begin
  perform _await_shredding();
  perform verify_ledger_end(p_cell_id, p_seq, p_digest, p_end_digest);

  v_last := _last_shredding();
  if v_last.seq is distinct from p_seq
     or v_last.digest is distinct from p_digest
  then
    raise exception 'the ledger ends with entry %, and this database with entry %', p_seq, v_last.seq
      using errcode = 'SP428',
        hint = 'Take the ledger that was exported last. If nothing was shredded since the backup: safetypin keys replay --not-needed.';
  end if;

  -- None where the ledger had nothing that this database did not: whoever reads the evidence
  -- is to see that.
  select count(*)
  into v_shredded
  from shreddings
  where replay_time >= coalesce(_incarnation_time(), '-infinity');

  -- It came out of a file that is kept.
  update cell_settings set exported_shredding = p_seq where exported_shredding < p_seq;
  perform _begin_incarnation('replayed');
  perform _log_event(
    'cell.ledger_replayed',
    p_additional_data => jsonb_build_object('last', p_seq, 'shredded', v_shredded)
  );
end;
$$;

comment on function finish_replay(uuid, bigint, bytea, bytea) is
  'Lets keys be unlocked again, once this database has shredded all that the ledger says; the evidence says how many that were which it did not know. Raises SP428 where the ledger ends elsewhere, or was cut off.';


create function confirm_restore()
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _begin_incarnation('confirmed');
  perform _log_event('cell.restore_confirmed');
end;
$$;

comment on function confirm_restore() is
  'Lets keys be unlocked again without a ledger, on the operator''s word that nothing was shredded since the backup.';


create function declare_restored()
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _begin_incarnation('declared_restored');
  perform _log_event('cell.declared_restored');
end;
$$;

comment on function declare_restored() is
  'Says that this database was restored, where it cannot see so itself: from a snapshot, a base backup, to a point in time. No key is unlocked from then on until the ledger is replayed.';

grant execute on function
  read_restore_state(),
  verify_shreddings(uuid, jsonb, bytea),
  replay_shreddings(uuid, jsonb),
  verify_ledger_end(uuid, bigint, bytea, bytea),
  finish_replay(uuid, bigint, bytea, bytea),
  confirm_restore(),
  declare_restored()
to safetypin_operator;

set local role safetypin_owner;
