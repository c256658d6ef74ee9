/*
 * 0001 foundation: the cell, its clock, its ids, and who is asking
 *
 * A cell is one schema with everything in it. Nothing in these chapters names
 * that schema: a chapter runs under `search_path = <cell>, <extensions>,
 * pg_temp`, every function pins the path it was born with, and so one text
 * serves any number of cells.
 *
 * Every rule in the chapters that follow asks "who is asking?", and the answer
 * must not be something a caller can simply say. An application hands over a
 * session token; the database looks it up and writes down, for this
 * transaction only, a context signed with a key that no caller can read. The
 * signature covers the backend and the start of the transaction, so a context
 * that is copied is worth nothing anywhere else. No context, an empty one or a
 * false one all mean the same: nobody, who sees no row and can write none.
 *
 * The roles this chapter speaks of are made by `sql/bootstrap.sql`.
 */

do $$
begin
  if current_setting('server_version_num')::integer < 150000 then
    raise exception 'SafetyPin needs PostgreSQL 15 or later, this server is %',
      current_setting('server_version')
      using errcode = 'SP501';
  end if;
  if not exists (select from pg_roles where rolname = 'safetypin_definer') then
    raise exception 'the roles of SafetyPin do not exist yet'
      using errcode = 'SP502', hint = 'Run "safetypin bootstrap" first.';
  end if;
  if to_regproc('gen_random_bytes') is null then
    raise exception 'pgcrypto is not on the search_path'
      using errcode = 'SP502', hint = 'Run "safetypin bootstrap" first.';
  end if;
end;
$$;

set local role safetypin_owner;


--
-- Ids
--

-- Version 7 of RFC 9562: 48 bits of milliseconds, then 74 random bits. Ids made
-- one after another land beside each other in an index. PostgreSQL 18 has
-- uuidv7() of its own; this one says the same on 15 to 18. An id is a name and
-- never a secret: whoever knows one may do nothing with it.
create function new_id()
  returns uuid
  language sql
  volatile
  parallel safe
  return encode(
    set_bit(
      set_bit(
        overlay(
          uuid_send(gen_random_uuid())
          placing substring(
            int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3
          )
          from 1 for 6
        ),
        52, 1
      ),
      53, 1
    ),
    'hex'
  )::uuid;

comment on function new_id() is
  'A new time-ordered uuid (version 7 of RFC 9562). A name, never a secret.';

grant execute on function new_id()
  to safetypin_app, safetypin_definer, safetypin_keyholder, safetypin_operator;


--
-- Text from people
--

-- What people write is read by others, in lists, in terminals and in evidence. So it
-- holds no control character, which could pass for another line; and nothing that
-- turns the direction of what is read around, or that nobody sees. What joins letters
-- (U+200C, U+200D) is part of how some languages are written.
create function is_printable(
  p_text text
)
  returns boolean
  language sql
  immutable
  parallel safe
  return p_text !~ '[\x01-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]';

comment on function is_printable(text) is
  'Whether a text is on one line: no control characters, no marks of direction, nothing of no width. Null for null.';

grant execute on function is_printable(text)
  to safetypin_app, safetypin_definer, safetypin_mailer, safetypin_keyholder, safetypin_operator;


--
-- Triggers shared by many tables
--

create function tg__touch_last_update_time()
  returns trigger
  language plpgsql
  set search_path from current
as $$
begin
  new.last_update_time := greatest(now(), old.last_update_time + interval '1 microsecond');
  return new;
end;
$$;

comment on function tg__touch_last_update_time() is
  'Keeps last_update_time moving forward on every update, also when the clock does not.';


--
-- What the cell knows about itself
--

create table cell_settings (
  id            uuid not null default new_id(),
  is_only_row   boolean not null default true,
  environment   text not null default 'production',
  refuses_logged_secrets boolean,
  oldest_backup_age interval not null default '35 days',
  backup_age_time timestamptz not null default now(),
  exported_shredding bigint not null default 0,
  creation_time timestamptz not null default now(),
  last_update_time timestamptz not null default now(),

  constraint cell_settings_pkey primary key (id),
  constraint cell_settings_is_only_row_key unique (is_only_row),
  constraint cell_settings_is_one_row check (is_only_row),
  constraint cell_settings_environment_is_known
    check (environment in ('production', 'test', 'development')),
  constraint cell_settings_oldest_backup_age_is_sane
    check (oldest_backup_age between '0' and interval '100 years')
);

comment on table cell_settings is
  'One row: what this cell is for. Seeds and resets that destroy data ask here first.';
comment on column cell_settings.id is 'The id of the cell. [internal]';
comment on column cell_settings.is_only_row is 'Always true, and unique: there is one row. [internal]';
comment on column cell_settings.environment is
  'production, test or development. A cell is production until somebody says otherwise, and can only be said otherwise while it holds no users. [internal]';
comment on column cell_settings.refuses_logged_secrets is
  'Whether unlock() refuses to work where the server would write secrets into its log; null for what the environment says, which is yes in production. [internal]';
comment on column cell_settings.oldest_backup_age is
  'How old the oldest backup of this cell gets, before it is deleted: for as long, a backup undoes what was shredded. [internal]';
comment on column cell_settings.backup_age_time is 'When that was last declared. [internal]';
comment on column cell_settings.exported_shredding is
  'The last shredding that stands in a ledger which was exported; 0 for none. [internal]';
comment on column cell_settings.creation_time is 'When the cell was made. [internal]';
comment on column cell_settings.last_update_time is 'When this row last changed. [internal]';

create trigger _100_touch_last_update_time
  before update on cell_settings
  for each row
  execute function tg__touch_last_update_time();

alter table cell_settings enable row level security;
alter table cell_settings force row level security;

create policy select_everyone on cell_settings
  for select
  to safetypin_app, safetypin_definer, safetypin_keyholder, safetypin_owner,
     safetypin_operator, safetypin_auditor, safetypin_monitor, safetypin_mailer, safetypin_backup
  using (true);
comment on policy select_everyone on cell_settings is
  'Everybody may know what the cell is for.';

create policy insert_owner on cell_settings
  for insert
  to safetypin_owner
  with check (true);
comment on policy insert_owner on cell_settings is 'The one row is made by its chapter.';

create policy update_definer on cell_settings
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on cell_settings is
  'declare_environment() says what the cell is for.';

grant select on cell_settings
  to safetypin_app, safetypin_definer, safetypin_keyholder, safetypin_operator,
     safetypin_auditor, safetypin_monitor, safetypin_mailer, safetypin_backup;
grant update (environment, refuses_logged_secrets, oldest_backup_age, backup_age_time, exported_shredding)
  on cell_settings to safetypin_definer;
-- No insert and no delete for anyone: the row is made here and stays.

insert into cell_settings default values;


-- The first line of every seed that invents people, so that it is safe in psql too.
create function _require_not_production()
  returns void
  language plpgsql
  stable
  set search_path from current
as $$
begin
  if (select environment from cell_settings) = 'production' then
    raise exception 'this cell is production: it gets no invented people'
      using errcode = 'SP206', hint = 'Load this into a cell that was declared development or test.';
  end if;
end;
$$;

comment on function _require_not_production() is
  'Passes in a cell that was declared development or test. Raises SP206 in production.';


--
-- The clock that does not go back
--

-- Sessions end by the clock, and a clock can be set back. This sequence is not
-- a counter but a high-water mark, in microseconds since 1970: it moves forward
-- with the clock, it does not roll back with a transaction, and whoever asks whether
-- something has expired asks _now(), which is never earlier than the mark.
--
-- What does not roll back must not be moved by whoever is then refused. So the mark
-- is only ever set to a time that the clock has shown, never rounded up and never
-- ahead; and while it is ahead, because the clock was set back, one voiding moves it
-- by one microsecond, which is less than the voiding takes.
create sequence clock_high_water as bigint minvalue 0 start 0;
comment on sequence clock_high_water is
  'The latest time this cell has seen, in microseconds since 1970: expired things stay expired when the clock is set back.';
revoke all on sequence clock_high_water from public;
grant select, update on sequence clock_high_water to safetypin_definer;
grant select on sequence clock_high_water to safetypin_backup;


--
-- Keys
--

-- Owned by nobody a caller can become, read by the definer functions below.
create table context_keys (
  id            uuid not null default new_id(),
  purpose       text not null,
  secret        bytea not null,
  creation_time timestamptz not null default now(),
  retired_time  timestamptz,

  constraint context_keys_pkey primary key (id),
  constraint context_keys_purpose_is_known
    check (purpose in ('context', 'ledger', 'refresh')),
  constraint context_keys_secret_is_64_bytes check (octet_length(secret) = 64)
);

-- At most one key of a purpose signs; retired ones may still verify.
create unique index context_keys_purpose_key
  on context_keys (purpose)
  where retired_time is null;

comment on table context_keys is
  'Keys that sign the request context, derive refresh tokens and chain the ledger of what was shredded. No role that an application uses can read them. What confirms a guess at an address is under none of these: see digest_keys.';
comment on column context_keys.id is 'The id of the key, written into each context it signs. [internal]';
comment on column context_keys.purpose is
  'context signs contexts; refresh derives the successor of a refresh token; ledger chains what was shredded. [internal]';
comment on column context_keys.secret is '64 random bytes, made here. [secret]';
comment on column context_keys.creation_time is 'When the key was made. [internal]';
comment on column context_keys.retired_time is 'When the key stopped signing; null while it signs. [internal]';

alter table context_keys enable row level security;
alter table context_keys force row level security;

create policy select_definer on context_keys
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on context_keys is
  'The functions that sign and verify read the keys, and nobody who calls them.';

create policy insert_definer on context_keys
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on context_keys is
  'Keys are made by their chapter and by rotation.';

create policy update_definer on context_keys
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on context_keys is 'A key is retired by rotation.';

create policy delete_definer on context_keys
  for delete
  to safetypin_definer
  using (retired_time is not null);
comment on policy delete_definer on context_keys is 'Only a key that signs no more is deleted.';

create policy select_backup on context_keys
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on context_keys is
  'A backup holds the keys, or nothing signed under them could be verified.';

grant select, delete on context_keys to safetypin_definer;
grant insert (id, purpose, secret) on context_keys to safetypin_definer;
grant update (retired_time) on context_keys to safetypin_definer;
grant select on context_keys to safetypin_backup;

set local role safetypin_definer;

insert into context_keys (purpose, secret)
values
  ('context', gen_random_bytes(64)),
  ('ledger', gen_random_bytes(64)),
  ('refresh', gen_random_bytes(64));


-- lower() joins letters that mail keeps apart: the Kelvin sign and k, a dotted capital I
-- and i. What RFC 5321 and RFC 6531 let everybody take for the same are A to Z.
create function _fold_ascii(
  p_text text
)
  returns text
  language sql
  immutable
  strict
  parallel safe
  return translate(p_text, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz');

comment on function _fold_ascii(text) is
  'A text with the capitals A to Z as small letters, and every other character as it is.';

grant execute on function _fold_ascii(text) to safetypin_keyholder;


-- To the microsecond both ways: a double carries that until the year 2106.
create function _mark_of(
  p_time timestamptz
)
  returns bigint
  language sql
  stable
  parallel safe
  return (extract(epoch from p_time) * 1000000)::bigint;

comment on function _mark_of(timestamptz) is
  'A time as clock_high_water keeps it: microseconds since 1970.';


create function _time_of(
  p_mark bigint
)
  returns timestamptz
  language sql
  immutable
  parallel safe
  return to_timestamp(p_mark / 1000000::double precision);

comment on function _time_of(bigint) is
  'The time that clock_high_water keeps as this.';


-- What _now() says, without moving the mark: the cheap half, for the one function
-- that every request calls. Inlined into its caller, because it is an expression and
-- not a query.
create function _clock_time()
  returns timestamptz
  language sql
  volatile
  return greatest(
    clock_timestamp(),
    _time_of(pg_sequence_last_value('clock_high_water'))
  );

comment on function _clock_time() is
  'The time, never earlier than the mark that _now() moves.';


create function _now()
  returns timestamptz
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_clock timestamptz := clock_timestamp();
  v_mark  timestamptz;
begin
  select _time_of(last_value) into v_mark from clock_high_water;

  -- Once a second is enough, and never where nothing is written: on a replica, and
  -- in a transaction that only reads.
  if v_clock >= v_mark + interval '1 second'
     and current_setting('transaction_read_only') = 'off'
  then
    perform setval('clock_high_water', _mark_of(v_clock));
    return v_clock;
  end if;

  return greatest(v_clock, v_mark);
end;
$$;

comment on function _now() is
  'The time, never earlier than the latest time this cell has seen (to the second).';

grant execute on function _now() to safetypin_keyholder;


-- While the clock is behind its mark the time stands still, and a voiding at that
-- time would take the sessions opened after it with those opened before. So a voiding
-- then moves the time on by a microsecond. To be called behind the guards, where a
-- voiding is certain: what it moves stays moved when the transaction rolls back.
create function _voiding_time()
  returns timestamptz
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now timestamptz := _now();
begin
  if v_now > clock_timestamp() and current_setting('transaction_read_only') = 'off' then
    perform setval('clock_high_water', _mark_of(v_now) + 1);
  end if;

  return v_now + interval '1 microsecond';
end;
$$;

comment on function _voiding_time() is
  'Later than every session that was opened before, and no later than any that is opened from now on. Moves a mark that is ahead of the clock by a microsecond: for what has passed its guards.';


--
-- The signed context
--

-- What ties a context to one transaction of one backend. One function, because
-- a database that is sharded needs another answer here and nowhere else. Twelve
-- bytes as the server sends them: written as text they took three times as long.
create function _context_nonce()
  returns bytea
  language sql
  stable
  parallel restricted
  return int4send(pg_backend_pid()) || timestamptz_send(transaction_timestamp());

comment on function _context_nonce() is
  'The backend and the start of its transaction: what a context is bound to.';

grant execute on function _context_nonce() to safetypin_keyholder;


-- The nested keyed hash H(k2, H(k1, m)) with two independent keys: NMAC
-- (Bellare, Canetti, Krawczyk 1996) over the built-in sha256(). The nonce has
-- one length, so nonce and payload cannot be cut in another place.
create function _context_mac(
  p_secret bytea,
  p_payload text
)
  returns text
  language sql
  stable
  parallel restricted
  return encode(
    sha256(
      substr(p_secret, 33)
      || sha256(substr(p_secret, 1, 32) || _context_nonce() || convert_to(p_payload, 'UTF8'))
    ),
    'hex'
  );

comment on function _context_mac(bytea, text) is
  'The signature of a context: 64 hexadecimal digits.';


-- Called by assignment, which makes no query of it.
create function _set_context(
  p_user_id uuid,
  p_organization_id uuid,
  p_session_id uuid,
  p_assurance_level smallint
)
  returns text
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_key_id  uuid;
  v_secret  bytea;
  v_payload text;
begin
  select id, secret
  into v_key_id, v_secret
  from context_keys
  where purpose = 'context'
    and retired_time is null;

  v_payload := concat(
    v_key_id, '|', p_user_id, '|', p_organization_id, '|', p_session_id, '|', p_assurance_level
  );
  return set_config(
    'safetypin.context',
    v_payload || '#' || _context_mac(v_secret, v_payload),
    true
  );
end;
$$;

comment on function _set_context(uuid, uuid, uuid, smallint) is
  'Writes the signed context of this transaction, and returns it. Only functions that have looked a token up may call it.';


-- Every current_…() below is one field of this. Returns null rather than
-- raising, so that a forged context is nobody and not an error to learn from.
--
-- Policies ask it once a statement each, so its microseconds are everybody's. Cut
-- at its separators rather than counted from its end, and signed over bytes, it
-- takes 5.1 where it took 6.8: half of that is reading the key. Nothing of it is
-- kept for the next call, since a caller can write whatever a call could be kept in.
create function verified_context()
  returns text[]
  language plpgsql
  stable
  parallel restricted
  security definer
  set search_path from current
as $$
declare
  v_context text := current_setting('safetypin.context', true);
  v_payload text := split_part(v_context, '#', 1);
  v_secret  bytea;
begin
  if v_payload is null or v_payload = '' then
    return null;
  end if;

  -- As text: what a forger wrote need not be a uuid.
  select secret
  into v_secret
  from context_keys
  where purpose = 'context'
    and id::text = split_part(v_payload, '|', 1);

  -- The whole of it: what is not as we write it is not ours.
  if v_secret is null
     or v_context is distinct from v_payload || '#' || _context_mac(v_secret, v_payload)
  then
    return null;
  end if;

  return string_to_array(v_payload, '|', '');
end;
$$;

comment on function verified_context() is
  'The fields of this transaction''s context (key, user, organization, session, assurance level), or null when there is none or it is not ours.';

grant execute on function verified_context() to
  safetypin_app, safetypin_owner, safetypin_keyholder, safetypin_operator, safetypin_auditor;

set local role safetypin_owner;


create function current_user_id()
  returns uuid
  language sql
  stable
  parallel restricted
  return (verified_context())[2]::uuid;

comment on function current_user_id() is
  'The user this transaction acts for, or null for nobody. Write it as (select current_user_id()) in policies: once a statement, not once a row.';


create function current_organization_id()
  returns uuid
  language sql
  stable
  parallel restricted
  return (verified_context())[3]::uuid;

comment on function current_organization_id() is
  'The organization this transaction acts in, or null when none is chosen or nobody is signed in.';


create function current_session_id()
  returns uuid
  language sql
  stable
  parallel restricted
  return (verified_context())[4]::uuid;

comment on function current_session_id() is
  'The session whose token began this transaction, or null for nobody.';


create function current_assurance_level()
  returns smallint
  language sql
  stable
  parallel restricted
  return coalesce((verified_context())[5]::smallint, 0::smallint);

comment on function current_assurance_level() is
  'How well the user has proven who they are: 1 to 3 as in NIST SP 800-63B-4, 0 for nobody.';


-- What the application says of the request: an assertion, kept as evidence, and
-- never a reason to let anyone do anything.
create function current_ip_address()
  returns inet
  language sql
  stable
  parallel restricted
  return nullif(current_setting('safetypin.ip_address', true), '')::inet;

comment on function current_ip_address() is
  'The address the application says this request came from, or null.';


create function current_user_agent()
  returns text
  language sql
  stable
  parallel restricted
  return nullif(current_setting('safetypin.user_agent', true), '');

comment on function current_user_agent() is
  'The user agent the application says this request came with, or null.';


grant execute on function
  current_user_id(),
  current_organization_id(),
  current_session_id(),
  current_assurance_level(),
  current_ip_address(),
  current_user_agent()
to safetypin_app, safetypin_definer, safetypin_keyholder, safetypin_operator, safetypin_auditor;


--
-- Guards
--

set local role safetypin_definer;

-- The first line of every function that acts for somebody.
create function _require_user()
  returns uuid
  language plpgsql
  stable
  parallel restricted
  set search_path from current
as $$
declare
  v_user_id uuid := current_user_id();
begin
  if v_user_id is null then
    raise exception 'nobody is signed in'
      using errcode = 'SP102', hint = 'Call begin_request() with a session token first.';
  end if;
  return v_user_id;
end;
$$;

comment on function _require_user() is
  'The user who is asking. Raises SP102 when nobody is signed in.';


create function _require_organization()
  returns uuid
  language plpgsql
  stable
  parallel restricted
  set search_path from current
as $$
declare
  v_organization_id uuid := current_organization_id();
begin
  perform _require_user();

  if v_organization_id is null then
    raise exception 'no organization is chosen'
      using errcode = 'SP103', hint = 'Call choose_organization() or create_organization() first.';
  end if;
  return v_organization_id;
end;
$$;

comment on function _require_organization() is
  'The organization the caller acts in. Raises SP102 when nobody is signed in and SP103 when no organization is chosen.';


-- Some things are done once, and on the strength of a look at everything: nothing is under a
-- key any more, every row is indexed, nobody holds this person. Who has to wait before they look
-- must see what was committed meanwhile, and under a snapshot nobody does: not even after the
-- first of all statements, which takes its snapshot before it waits.
create function _require_read_committed()
  returns void
  language plpgsql
  stable
  set search_path from current
as $$
begin
  if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
    raise exception 'this looks at what there is, and a transaction that is % sees what there was',
      current_setting('transaction_isolation')
      using errcode = 'SP510', hint = 'Begin the transaction with "begin isolation level read committed".';
  end if;
end;
$$;

comment on function _require_read_committed() is
  'Passes in a transaction that sees what others have committed meanwhile. Raises SP510 under repeatable read and serializable.';

grant execute on function _require_read_committed() to safetypin_keyholder;


-- Where a null would break a constraint of a table, whoever calls would be told of a
-- column they never heard of.
create function _require_given(
  p_input text,
  p_is_given boolean
)
  returns void
  language plpgsql
  immutable
  set search_path from current
as $$
begin
  if not p_is_given then
    raise exception '% is missing', p_input
      using errcode = 'SP509', hint = format('Pass %s, and not null.', p_input);
  end if;
end;
$$;

comment on function _require_given(text, boolean) is
  'Passes for an input that was given. Raises SP509, which names it, for one that is null.';


-- The first line of every sweep: a limit of null would be none at all.
create function _require_batch(
  p_batch integer,
  p_keep interval default '0'
)
  returns void
  language plpgsql
  immutable
  set search_path from current
as $$
begin
  if p_batch is null or p_batch not between 1 and 100000 then
    raise exception 'a batch has 1 to 100000 rows, not %', coalesce(p_batch::text, 'null')
      using errcode = 'SP504', hint = 'Pass a number in that range, and call again until 0 is returned.';
  end if;
  if p_keep is null or p_keep not between '0' and interval '100 years' then
    raise exception 'what has ended is kept for up to 100 years, not %', coalesce(p_keep::text, 'null')
      using errcode = 'SP504', hint = 'Pass an interval in that range.';
  end if;
end;
$$;

comment on function _require_batch(integer, interval) is
  'Passes for a number of rows to sweep at once and a time to keep them for. Raises SP504.';

set local role safetypin_owner;
