/*
 * 0008 identity: people
 *
 * A person is one row in a cell, however many organizations they work for.
 * Whoever looks sees themselves and the members of the organization they act
 * in, nobody else. The address is unique in the cell, and that is the one fact
 * about strangers that a careless database would give away: so no caller may
 * insert here, and the functions that do (register_user() and its kin) answer
 * the same whether an address was new or not.
 *
 * Addresses and numbers are sealed: a dump of this table says who works where
 * under which name, and how to reach nobody. Whoever is looked for by address is
 * found by its blind index, in a table beside this one.
 *
 * Nothing secret lives in this table. What proves a password is in
 * password_credentials, which nobody is granted.
 */

set local role safetypin_owner;

create table users (
  id                  uuid not null default new_id(),
  email               bytea,
  first_name          text not null,
  last_name           text not null,
  job_title           text,
  status              text not null default 'pending',
  email_verified_time timestamptz,
  phone_number        bytea,
  avatar_url          text,
  timezone            text not null default 'UTC',
  locale              text not null default 'en',
  sessions_valid_from timestamptz not null default '-infinity',
  last_login_time     timestamptz,
  creation_time       timestamptz not null default now(),
  last_update_time    timestamptz not null default now(),
  search_text         text not null generated always as (
    lower(first_name || ' ' || last_name || ' ' || coalesce(job_title, ''))
  ) stored,
  search_words        tsvector not null generated always as (
    to_tsvector('simple', first_name || ' ' || last_name || ' ' || coalesce(job_title, ''))
  ) stored,

  constraint users_pkey primary key (id),
  -- Where nobody is looked for as somebody is, this is whom.
  constraint users_id_is_somebodys check (id <> '00000000-0000-0000-0000-000000000000'),
  constraint users_first_name_is_a_name
    check (is_printable(first_name) and char_length(first_name) between 1 and 100 and btrim(first_name) <> ''),
  constraint users_last_name_is_a_name
    check (is_printable(last_name) and char_length(last_name) between 1 and 100 and btrim(last_name) <> ''),
  constraint users_job_title_is_short
    check (is_printable(job_title) and char_length(job_title) <= 100),
  constraint users_status_is_known check (status in ('pending', 'active', 'suspended', 'deleted', 'shredded')),
  constraint users_active_ones_have_a_verified_email
    check (status <> 'active' or email_verified_time is not null),
  constraint users_who_are_not_deleted_have_an_email
    check (email is not null or status in ('deleted', 'shredded')),
  constraint users_who_are_shredded_have_no_address
    check (status <> 'shredded' or (email is null and phone_number is null)),
  constraint users_avatar_url_is_https
    check (avatar_url ~ '^https://[^[:space:]]+$' and char_length(avatar_url) <= 2000),
  constraint users_timezone_is_a_name check (timezone ~ '^[A-Za-z0-9_+/-]{1,64}$'),
  -- BCP 47, whose 4.4.1 counts 35 characters for the longest that is of use.
  constraint users_locale_is_a_language_tag
    check (locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' and char_length(locale) <= 35)
);

comment on table users is 'A person who signs in: one row in a cell, whatever organizations they belong to.';
comment on column users.id is 'The id of the person. Never used again, also after erasure. [internal]';
comment on column users.email is
  'The address they sign in with: A to Z in lower case, the domain in ASCII; null once there is none any more. Unique in the cell by its blind index. [sealed]';
comment on column users.first_name is 'Given name. [personal]';
comment on column users.last_name is 'Family name. [personal]';
comment on column users.job_title is 'What they do; null when they do not say. [personal]';
comment on column users.status is
  'pending until the address is verified, then active; suspended by an operator; deleted by themselves; shredded for good. Only active people sign in. [internal]';
comment on column users.email_verified_time is
  'When they proved that the address is theirs; null until then. [internal]';
comment on column users.phone_number is 'E.164; null when they give none. [sealed]';
comment on column users.avatar_url is 'An https address of a picture. [personal]';
comment on column users.timezone is 'An IANA time zone name. [personal]';
comment on column users.locale is 'A BCP 47 language tag. [personal]';
comment on column users.sessions_valid_from is
  'Sessions that began earlier are void: how all of them end at once. [internal]';
comment on column users.last_login_time is 'When they last signed in; null before the first time. [personal]';
comment on column users.creation_time is 'When they registered. [internal]';
comment on column users.last_update_time is 'When this row last changed. [internal]';
comment on column users.search_text is 'What search_users() looks for parts of words in. [personal]';
comment on column users.search_words is 'What search_users() looks for words in. [personal]';

-- The domain as it stands in the DNS: labels of other scripts come as IDNA writes them
-- (xn--…). RFC 5321, 4.5.3.1.3: 256 octets with the angle brackets.
select _declare_sealed_field(
  'users', 'email', 1, 'cell', 'application', 254,
  'It names a person, and is where everything that is sent to them goes.',
  p_subject_column => 'id',
  p_pattern => '^[^@[:space:][:cntrl:]]+@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$',
  p_constraint_name => 'users_email_is_an_address',
  p_is_folded => true
);
-- E.164: a plus and up to fifteen digits.
select _declare_sealed_field(
  'users', 'phone_number', 2, 'cell', 'application', 16,
  'It names a person, and codes will be sent to it.',
  p_subject_column => 'id',
  p_pattern => '^\+[1-9][0-9]{6,14}$',
  p_constraint_name => 'users_phone_number_is_e164'
);

create index users_search_text_idx on users using gin (search_text gin_trgm_ops);
create index users_search_words_idx on users using gin (search_words);

create trigger _100_touch_last_update_time
  before update on users
  for each row
  execute function tg__touch_last_update_time();

alter table users enable row level security;
alter table users force row level security;

-- Whom a person sees, themselves included, is said in 0005, beside organization_users:
-- people are seen through their membership.

-- A request that was let in before somebody was shredded writes nothing back.
create policy update_self on users
  for update
  to safetypin_app
  using (id = (select current_user_id()) and status <> 'shredded');
comment on policy update_self on users is
  'Everybody changes what is said of them, in the columns that are granted.';

-- Sign-in looks people up before anyone is signed in.
create policy select_definer on users
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on users is
  'Sign-in looks people up before anybody is signed in.';

create policy insert_definer on users
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on users is 'People begin in register_user().';

create policy update_definer on users
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on users is
  'What people may not change of themselves changes in functions.';

create policy select_backup on users
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on users is 'A backup holds every row.';

grant select (
  id, email, first_name, last_name, job_title, status, email_verified_time, phone_number,
  avatar_url, timezone, locale, last_login_time, creation_time, last_update_time
) on users to safetypin_app;
grant update (first_name, last_name, job_title, avatar_url, timezone, locale)
  on users to safetypin_app;
-- No insert and no delete: people begin in register_user() and end in close_account(), and
-- their rows stay when they are shredded.

grant select on users to safetypin_definer, safetypin_backup;
grant insert (id, email, first_name, last_name, status, email_verified_time, timezone, locale)
  on users to safetypin_definer;
grant update (
  email, first_name, last_name, job_title, phone_number, avatar_url, timezone, locale, status,
  email_verified_time, sessions_valid_from, last_login_time
) on users to safetypin_definer;

select _record_changes_of(
  'users',
  p_ignored => '{last_update_time, last_login_time, search_text, search_words}'
);


-- One row for each version of the blind indexes that is written: while one takes over
-- from another, a person has two.
create table user_email_indexes (
  id           uuid not null default new_id(),
  user_id      uuid not null,
  version      integer not null,
  email_index  bytea not null,
  domain_index bytea not null,

  constraint user_email_indexes_pkey primary key (id),
  constraint user_email_indexes_user_id_version_key unique (user_id, version),
  -- What makes an address one person's, in every version.
  constraint user_email_indexes_version_email_index_key unique (version, email_index),
  constraint user_email_indexes_user_id_fkey
    foreign key (user_id) references users (id) on delete cascade,
  constraint user_email_indexes_email_index_is_16_bytes check (octet_length(email_index) = 16),
  constraint user_email_indexes_domain_index_is_16_bytes check (octet_length(domain_index) = 16)
);

comment on table user_email_indexes is
  'The blind indexes of addresses: what people are found by, whose address nobody reads here.';
comment on column user_email_indexes.id is 'The id of this row. [internal]';
comment on column user_email_indexes.user_id is 'Whose address. [internal]';
comment on column user_email_indexes.version is 'Which version of the blind indexes. [internal]';
comment on column user_email_indexes.email_index is 'The blind index of the address. [secret]';
comment on column user_email_indexes.domain_index is
  'The blind index of what comes after its name, @ and all: those of one domain have the same. [secret]';

create index user_email_indexes_version_domain_index_idx on user_email_indexes (version, domain_index);

alter table user_email_indexes enable row level security;
alter table user_email_indexes force row level security;

create policy select_definer on user_email_indexes
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on user_email_indexes is
  'Sign-in looks people up before anybody is signed in.';

create policy insert_definer on user_email_indexes
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on user_email_indexes is
  'An address is indexed by the function that seals it.';

create policy select_backup on user_email_indexes
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on user_email_indexes is 'A backup holds every row.';

grant select on user_email_indexes to safetypin_definer, safetypin_backup;
grant insert (user_id, version, email_index, domain_index)
  on user_email_indexes to safetypin_definer;
-- No update: an index is of one address in one version, or goes with the person. The
-- keyholder deletes it when the person is shredded.


--
-- Addresses
--

set local role safetypin_definer;

-- As the blind index folds it. Whatever is known by an address, an account, its
-- throttle or a message that is on its way, is known by this form of it: otherwise
-- one that is only written differently would get guesses of its own. What is longer than
-- any address is cut before anything is made of it.
create function _fold_email(
  p_email text
)
  returns text
  language sql
  immutable
  parallel safe
  return btrim(_fold_ascii(left(btrim(p_email), 320)));

comment on function _fold_email(text) is
  'An address without the differences that make no other address of it: A to Z in small letters, no space around.';


create function _seal_email(
  p_user_id uuid,
  p_email text
)
  returns bytea
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  return _seal_text(1, null, p_user_id, _fold_email(p_email), p_user_id);
end;
$$;

comment on function _seal_email(uuid, text) is
  'Seals an address for users.email of this person. Breaks users_email_is_an_address for what is none. Raises SP221, SP321 and SP522 when the cell''s key does not work here.';


-- What is indexed is moved by assignment: a statement would show it in its plan.
create function _index_email(
  p_user_id uuid,
  p_email text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_email        text := _fold_email(p_email);
  v_domain       text := substr(v_email, strpos(v_email, '@'));
  v_version      integer;
  v_email_index  bytea;
  v_domain_index bytea;
begin
  -- In one order, so that two who register one address do not wait in a circle.
  foreach v_version in array _written_versions(null) loop
    v_email_index := _blind_index(1, null, v_version, v_email);
    v_domain_index := _blind_index(1, null, v_version, v_domain);

    insert into user_email_indexes (user_id, version, email_index, domain_index)
    values (p_user_id, v_version, v_email_index, v_domain_index);
  end loop;
end;
$$;

comment on function _index_email(uuid, text) is
  'Writes the blind indexes of an address, in every version that is written. Breaks user_email_indexes_version_email_index_key for an address that somebody has. Raises SP321 and SP522 when the cell''s key does not work here.';


create function _find_user_by_email(
  p_email text
)
  returns uuid
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_version integer := _looked_up_version(null);
  v_index   bytea;
begin
  if v_version is null then
    raise exception 'the cell has no active key'
      using errcode = 'SP321', hint = 'The operator makes the first: "safetypin keys init".';
  end if;
  v_index := _blind_index(1, null, v_version, _fold_email(p_email));

  return (
    select user_id
    from user_email_indexes
    where version = v_version
      and email_index = v_index
  );
end;
$$;

comment on function _find_user_by_email(text) is
  'Who has this address, however it is written; null when nobody does. Raises SP321 and SP522 when the cell''s key does not work here.';


create function _email_of(
  p_user_id uuid
)
  returns text
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_email bytea;
begin
  select email into v_email from users where id = p_user_id;

  return _open_text(1, null, p_user_id, v_email, p_user_id);
end;
$$;

comment on function _email_of(uuid) is
  'The address of a person, opened. Raises SP521 when it does not open and SP522 when the cell''s key is not unlocked.';


-- For rotation, which has locked the person.
create function _index_user_email(
  p_user_id uuid,
  p_version integer
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_email        text := _email_of(p_user_id);
  v_email_index  bytea;
  v_domain_index bytea;
begin
  if v_email is null then
    return;
  end if;

  v_email_index := _blind_index(1, null, p_version, v_email);
  v_domain_index := _blind_index(1, null, p_version, substr(v_email, strpos(v_email, '@')));
  insert into user_email_indexes (user_id, version, email_index, domain_index)
  values (p_user_id, p_version, v_email_index, v_domain_index)
  on conflict (user_id, version) do nothing;
end;
$$;

comment on function _index_user_email(uuid, integer) is
  'Indexes a person''s address in a version that takes over. Raises SP521 for an address that does not open, SP522 when a key is not unlocked.';


-- One call for all of a list, and nothing of what is opened in a statement.
create function open_users(
  p_ids uuid[],
  p_emails bytea[],
  p_phone_numbers bytea[]
)
  returns table (
    id uuid,
    email text,
    phone_number text
  )
  language plpgsql
  stable
  rows 100
  security definer
  set search_path from current
as $$
declare
  v_count integer := cardinality(p_ids);
  v_texts text[];
begin
  if p_ids is null then
    return;
  end if;
  v_texts := _open_values(array[1, 2], p_ids, p_emails || p_phone_numbers, null);

  for v_at in 1 .. v_count loop
    id := p_ids[v_at];
    email := v_texts[v_at];
    phone_number := v_texts[v_count + v_at];
    return next;
  end loop;
end;
$$;

comment on function open_users(uuid[], bytea[], bytea[]) is
  'Opens the addresses and phone numbers of people, whom row-level security showed the caller before; nothing for no one. Raises SP521 for one that does not open and SP522 when the cell''s key is not unlocked.';

grant execute on function open_users(uuid[], bytea[], bytea[]) to safetypin_app;


create function set_own_phone_number(
  p_phone_number text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_user_id uuid := _require_user();
  v_sealed  bytea := _seal_text(2, null, v_user_id, p_phone_number, v_user_id);
begin
  update users
  set phone_number = v_sealed
  where id = v_user_id;

  perform _log_event('user.phone_number_set', v_user_id);
end;
$$;

comment on function set_own_phone_number(text) is
  'Sets the caller''s phone number, or clears it for null. Breaks users_phone_number_is_e164 for what is none. Raises SP102 when nobody is signed in, SP221, SP321 and SP522 when the cell''s key does not work here.';

grant execute on function set_own_phone_number(text) to safetypin_app;


--
-- Rules
--

-- PostgreSQL counts what a transaction writes to each table and shows every login the
-- counts of its own. So what is done for an address that somebody has is done for one
-- that nobody has, about a person who is nobody, and undone.
create function _invent_person()
  returns uuid
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_id     uuid := new_id();
  v_sealed bytea := _seal_email(v_id, v_id || '@nobody.invalid');
begin
  insert into users (id, email, first_name, last_name, timezone, locale)
  values (v_id, v_sealed, 'No', 'Body', 'UTC', 'en');
  return v_id;
end;
$$;

comment on function _invent_person() is
  'Makes a person who is nobody, for whoever calls it to undo: so that the same is written whether an address is somebody''s or not. Raises SP522 when the cell''s key is not unlocked.';


-- Voids every session at once, whatever their number: begin_request() compares.
create function suspend_user(
  p_user_id uuid,
  p_reason text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  update users
  set
    status = 'suspended',
    sessions_valid_from = _voiding_time()
  where id = p_user_id
    and status = 'active';

  if not found then
    raise exception 'there is no active user %', p_user_id
      using errcode = 'SP301', hint = 'Pass the id of an active user.';
  end if;

  perform _log_event(
    'user.suspended',
    p_user_id,
    p_additional_data => jsonb_build_object('reason', _printable(p_reason))
  );
end;
$$;

comment on function suspend_user(uuid, text) is
  'Stops a person from signing in anywhere and voids their sessions at once. Raises SP301 when there is no such active user.';

grant execute on function suspend_user(uuid, text) to safetypin_operator;


create function reactivate_user(
  p_user_id uuid
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  update users
  set
    status = 'active',
    sessions_valid_from = _voiding_time()
  where id = p_user_id
    and status = 'suspended';

  if not found then
    raise exception 'there is no suspended user %', p_user_id
      using errcode = 'SP301', hint = 'Pass the id of a suspended user.';
  end if;

  perform _log_event('user.reactivated', p_user_id);
end;
$$;

comment on function reactivate_user(uuid) is
  'Lets a suspended person sign in again. Sessions voided by the suspension stay void. Raises SP301 when there is no such suspended user.';

grant execute on function reactivate_user(uuid) to safetypin_operator;


-- A cell that holds people keeps its environment: nobody turns production into
-- a test by a slip, and then resets it.
create function declare_environment(
  p_environment text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_environment text;
begin
  if p_environment is null or p_environment not in ('production', 'test', 'development') then
    raise exception 'there is no environment %', coalesce(p_environment, 'null')
      using errcode = 'SP503', hint = 'Pass production, test or development.';
  end if;

  select environment into v_environment from cell_settings for update;

  if v_environment = p_environment then
    return;
  end if;
  if p_environment <> 'production' then
    perform _require_read_committed();

    if exists (select from users) then
      raise exception 'this cell holds users and is %: it cannot become %', v_environment, p_environment
        using errcode = 'SP405', hint = 'Make a new cell for development and tests.';
    end if;
  end if;

  update cell_settings set environment = p_environment;

  perform _log_event(
    'cell.environment_declared',
    p_additional_data => jsonb_build_object('from', v_environment, 'to', p_environment)
  );
end;
$$;

comment on function declare_environment(text) is
  'Says whether this cell is production, test or development. Raises SP405 when a cell that holds users would leave production or become a test, and SP503 for another word, SP510 where it would leave production in a transaction that is not read committed.';

grant execute on function declare_environment(text) to safetypin_owner, safetypin_operator;

set local role safetypin_owner;

select _declare_blind_index('user_email_indexes', 1, 'user_id', '_index_user_email');
