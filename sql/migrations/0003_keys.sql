/*
 * 0003 keys: the two halves of a key, and the cipher that they serve
 *
 * A sealed value is ciphertext that knows where it belongs. It is authenticated
 * together with its field, its organization and its row, so one that is copied
 * anywhere else does not open, and neither does one of which a bit was changed.
 * Its first six bytes say how it was sealed and under which key.
 *
 * No one place holds a key. One half, the share, is wrapped by a key management
 * service and reaches the database for the length of one transaction; the other
 * half is in tenant_keys, which only safetypin_keyholder reads. Neither a dump,
 * nor a log, nor an injection has both. A share is handed over masked, under a
 * pad that the database made for this connection and that is never a parameter.
 *
 * Here and in the chapters that follow, secrets are moved by plain assignment. An
 * assignment is no query: it has no plan, and what has no plan is not explained,
 * printed or logged, whatever the server was told to log.
 */

set local role safetypin_keyholder;


--
-- Keys
--

-- The cell is a tenant like any other, under the nil uuid: so a look-up is one
-- equality that an index answers, and "at most one active" holds for it too.
create table tenant_keys (
  id                uuid not null default new_id(),
  organization_id   uuid,
  tenant_id         uuid not null generated always as (
    coalesce(organization_id, '00000000-0000-0000-0000-000000000000'::uuid)
  ) stored,
  key_id            integer not null,
  state             text not null default 'pending',
  provider          text not null,
  key_name          text not null,
  wrapped           bytea,
  db_share          bytea default gen_random_bytes(32),
  check_value       bytea not null default '\x0000000000000000',
  creation_time     timestamptz not null default now(),
  activation_time   timestamptz,
  decrypt_only_time timestamptz,
  retirement_time   timestamptz,
  destruction_time  timestamptz,

  constraint tenant_keys_pkey primary key (id),
  constraint tenant_keys_tenant_id_key_id_key unique (tenant_id, key_id),
  constraint tenant_keys_organization_is_not_the_cell
    check (organization_id <> '00000000-0000-0000-0000-000000000000'),
  constraint tenant_keys_key_id_is_positive check (key_id > 0),
  constraint tenant_keys_state_is_known
    check (state in ('pending', 'active', 'decrypt_only', 'retired', 'destroyed')),
  constraint tenant_keys_provider_is_a_word check (provider ~ '^[a-z][a-z0-9-]{0,39}$'),
  -- Whoever founds an organization names its first key, and operators read the name on a terminal.
  constraint tenant_keys_key_name_is_short
    check (key_name ~ '^[\x21-\x7e]+$' and char_length(key_name) between 1 and 2048),
  constraint tenant_keys_wrapped_is_short check (octet_length(wrapped) between 1 and 8192),
  constraint tenant_keys_db_share_is_32_bytes check (octet_length(db_share) = 32),
  constraint tenant_keys_check_value_is_8_bytes check (octet_length(check_value) = 8),
  constraint tenant_keys_destroyed_ones_are_gone
    check (
      (state = 'destroyed') = (wrapped is null)
      and (state = 'destroyed') = (db_share is null)
    ),
  constraint tenant_keys_states_have_their_times
    check (
      (state <> 'pending') = (activation_time is not null)
      and (state in ('decrypt_only', 'retired', 'destroyed')) = (decrypt_only_time is not null)
      and (state in ('retired', 'destroyed')) = (retirement_time is not null)
      and (state = 'destroyed') = (destruction_time is not null)
    )
);

comment on table tenant_keys is
  'The database''s half of each key, and the other half as the key management service wrapped it. A destroyed key leaves its row.';
comment on column tenant_keys.id is 'The id of this row, for the record. [internal]';
comment on column tenant_keys.organization_id is 'Whose key; null for the cell''s own. [internal]';
comment on column tenant_keys.tenant_id is
  'The organization as sealed values know it: the nil uuid for the cell. [internal]';
comment on column tenant_keys.key_id is
  'The number that a sealed value carries: 1, 2, 3 … for each organization. [internal]';
comment on column tenant_keys.state is
  'pending until it is proven, then active; decrypt_only once another is active; retired when nothing is sealed under it; destroyed. Only forward, one at a time. [internal]';
comment on column tenant_keys.provider is 'Which key management service wrapped the share. [internal]';
comment on column tenant_keys.key_name is 'Under which of its keys. [internal]';
comment on column tenant_keys.wrapped is 'The share, wrapped; null once destroyed. [secret]';
comment on column tenant_keys.db_share is '32 random bytes, made here; null once destroyed. [secret]';
comment on column tenant_keys.check_value is
  'The first 8 bytes of a key made of both halves: a wrong share neither seals nor opens anything. [secret]';
comment on column tenant_keys.creation_time is 'When it was added, or made anew while it was pending. [internal]';
comment on column tenant_keys.activation_time is 'When it was proven and began to seal; null before. [internal]';
comment on column tenant_keys.decrypt_only_time is 'When it ceased to seal; null before. [internal]';
comment on column tenant_keys.retirement_time is 'When it ceased to open; null before. [internal]';
comment on column tenant_keys.destruction_time is
  'When both halves were taken out of this table; null before. Backups have them for as long as backups are kept. [internal]';

create unique index tenant_keys_active_key on tenant_keys (tenant_id) where state = 'active';
create index tenant_keys_organization_id_idx on tenant_keys (organization_id);


-- A row is not deleted by anybody, and a table is not emptied by its owner.
create function tg__never_emptied()
  returns trigger
  language plpgsql
  set search_path from current
as $$
begin
  raise exception 'table % is never emptied', tg_table_name
    using errcode = 'SP421',
      hint = 'Destroy a key that is retired, shred a person or an organization: the rows stay.';
end;
$$;

comment on function tg__never_emptied() is
  'Refuses to truncate what everything sealed is opened or found with. Raises SP421.';


create function tg_tenant_keys__only_forward()
  returns trigger
  language plpgsql
  set search_path from current
as $$
declare
  v_states     text[] := array['pending', 'active', 'decrypt_only', 'retired', 'destroyed'];
  v_is_renewed boolean;
begin
  if tg_op = 'DELETE' then
    raise exception 'a key is never deleted'
      using errcode = 'SP421', hint = 'Retire it and destroy it: its row stays, both halves go.';
  end if;

  if tg_op = 'INSERT' then
    if new.state <> 'pending' then
      raise exception 'a key begins as pending, not as %', new.state
        using errcode = 'SP421', hint = 'Add it with add_key(), then activate it.';
    end if;
    if current_setting('session_replication_role') <> 'replica' then
      new.creation_time := now();
    end if;
    return new;
  end if;

  -- One that is pending is made anew, of two other halves and not of one.
  v_is_renewed := (old.state, new.state) = ('pending', 'pending')
    and new.db_share <> old.db_share
    and new.wrapped <> old.wrapped
    and new.check_value = '\x0000000000000000';

  if (new.id, new.organization_id, new.key_id) is distinct from (old.id, old.organization_id, old.key_id)
     or old.state = 'destroyed'
     or (new.db_share is distinct from old.db_share and new.state <> 'destroyed' and v_is_renewed is not true)
     or (new.check_value <> old.check_value and old.check_value <> '\x0000000000000000' and v_is_renewed is not true)
  then
    raise exception 'key % keeps what it is made of', old.key_id
      using errcode = 'SP421', hint = 'Add another key.';
  end if;

  -- What a publisher's clock said, a subscriber writes as well.
  if current_setting('session_replication_role') <> 'replica' then
    if (
      new.creation_time, new.activation_time, new.decrypt_only_time, new.retirement_time, new.destruction_time
    ) is distinct from (
      old.creation_time, old.activation_time, old.decrypt_only_time, old.retirement_time, old.destruction_time
    ) then
      raise exception 'key % keeps the times it has', old.key_id
        using errcode = 'SP421', hint = 'Each is set by the change of state that it tells of, to the clock.';
    end if;
    if v_is_renewed then
      new.creation_time := now();
    end if;
  end if;

  if new.state <> old.state then
    if array_position(v_states, new.state) is distinct from array_position(v_states, old.state) + 1 then
      raise exception 'key % is %: it cannot become %', old.key_id, old.state, new.state
        using errcode = 'SP421',
          hint = 'A key goes from pending to active, decrypt_only, retired and destroyed, one at a time.';
    end if;

    case new.state
      when 'active' then new.activation_time := now();
      when 'decrypt_only' then new.decrypt_only_time := now();
      when 'retired' then new.retirement_time := now();
      else new.destruction_time := now();
    end case;
  end if;

  return new;
end;
$$;

comment on function tg_tenant_keys__only_forward() is
  'Lets a key go from pending to active, decrypt_only, retired and destroyed, one at a time and at the time there is, and never otherwise. What it is made of stays, unless both halves are made anew while it is pending. Raises SP421.';

create trigger _500_only_forward
  before insert or update or delete on tenant_keys
  for each row
  execute function tg_tenant_keys__only_forward();

create trigger _500_no_truncate
  before truncate on tenant_keys
  execute function tg__never_emptied();

alter table tenant_keys enable always trigger _500_only_forward;
alter table tenant_keys enable always trigger _500_no_truncate;

alter table tenant_keys enable row level security;
alter table tenant_keys force row level security;

create policy tenant_fence on tenant_keys
  as restrictive
  to safetypin_app
  using (organization_id = (select current_organization_id()))
  with check (false);
comment on policy tenant_fence on tenant_keys is
  'An organizations keys are its own; applications are granted none of them.';

create policy select_keyholder on tenant_keys
  for select
  to safetypin_keyholder
  using (true);
comment on policy select_keyholder on tenant_keys is
  'Keys are read by the functions that work under them, and by nobody who calls those.';

create policy insert_keyholder on tenant_keys
  for insert
  to safetypin_keyholder
  with check (true);
comment on policy insert_keyholder on tenant_keys is
  'Keys are added by functions.';

create policy update_keyholder on tenant_keys
  for update
  to safetypin_keyholder
  using (true);
comment on policy update_keyholder on tenant_keys is
  'Keys go from state to state in functions, and are rewrapped there.';

create policy select_backup on tenant_keys
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on tenant_keys is
  'A dump without the halves of its keys could never be read.';

-- A dump has the wrapped share and the other half: together worth nothing without
-- the key management service, and without either nothing is ever opened again.
grant select on tenant_keys to safetypin_backup;


-- A person's salt is part of the key of everything sealed about them. Taking it away
-- shreds all of it at once, wherever it is, and leaves every row and id. The row of the
-- salt stays too: who seals about this person at the same moment meets it, waits, and
-- finds that there is no salt and never will be.
create table subject_salts (
  user_id       uuid not null,
  salt          bytea default gen_random_bytes(32),
  creation_time timestamptz not null default now(),

  constraint subject_salts_pkey primary key (user_id),
  constraint subject_salts_salt_is_32_bytes check (octet_length(salt) = 32)
);

comment on table subject_salts is
  'One row per person about whom something is sealed. Without the salt nothing of that opens: taking it away shreds the person.';
comment on column subject_salts.user_id is 'Whose. [internal]';
comment on column subject_salts.salt is '32 random bytes, made here; null once the person is shredded. [secret]';
comment on column subject_salts.creation_time is 'When something was first sealed about them. [internal]';

create trigger _500_no_truncate
  before truncate on subject_salts
  execute function tg__never_emptied();

alter table subject_salts enable always trigger _500_no_truncate;

alter table subject_salts enable row level security;
alter table subject_salts force row level security;

create policy select_keyholder on subject_salts
  for select
  to safetypin_keyholder
  using (true);
comment on policy select_keyholder on subject_salts is
  'Salts are read by the functions that seal and open.';

create policy insert_keyholder on subject_salts
  for insert
  to safetypin_keyholder
  with check (true);
comment on policy insert_keyholder on subject_salts is
  'A salt is made when something is first sealed about somebody.';

create policy update_keyholder on subject_salts
  for update
  to safetypin_keyholder
  using (true)
  with check (salt is null);
comment on policy update_keyholder on subject_salts is
  'A salt is taken away, and never changed or given back.';

create policy select_backup on subject_salts
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on subject_salts is
  'A dump without salts could never be read.';

grant select on subject_salts to safetypin_backup;


-- A database that comes out of a dump is told from the one that was dumped by this: a row
-- keeps the number of the transaction that wrote it and of the table it was written to, and
-- where it is written again, both are others. No right is needed to see either, a disk
-- that is moved or copied and an upgrade by pg_upgrade leave both alone, and so do VACUUM and
-- REINDEX. The newest row speaks.
create table cell_incarnations (
  id            uuid not null default new_id(),
  number        integer not null,
  origin        text not null,
  relation_id   oid not null,
  xid           bigint not null,
  timeline_id   integer,
  creation_time timestamptz not null default now(),

  constraint cell_incarnations_pkey primary key (id),
  constraint cell_incarnations_number_key unique (number),
  constraint cell_incarnations_number_is_positive check (number > 0),
  constraint cell_incarnations_origin_is_known
    check (origin in ('made', 'declared_restored', 'replayed', 'confirmed'))
);

comment on table cell_incarnations is
  'What this database knows itself by: one row since the cell was made, and one more for each time it was restored from a backup.';
comment on column cell_incarnations.id is 'The id of the row. [internal]';
comment on column cell_incarnations.number is '1, 2, 3 … [internal]';
comment on column cell_incarnations.origin is
  'made with the cell; declared_restored by the operator, until what was shredded since is shredded again; replayed when it was; confirmed when there is nothing to shred again. [internal]';
comment on column cell_incarnations.relation_id is
  'The table that the row was written to, as the server numbers it: another, once it was restored. [internal]';
comment on column cell_incarnations.xid is
  'The transaction that wrote the row: not the one that did, once it was restored. [internal]';
comment on column cell_incarnations.timeline_id is
  'The server''s timeline then: another after a failover, or after a physical backup was restored. Null where nobody may ask. [internal]';
comment on column cell_incarnations.creation_time is 'When. [internal]';

alter table cell_incarnations enable row level security;
alter table cell_incarnations force row level security;

create policy select_keyholder on cell_incarnations
  for select
  to safetypin_keyholder
  using (true);
comment on policy select_keyholder on cell_incarnations is
  'unlock() asks whether this is the database that it was.';

create policy insert_keyholder on cell_incarnations
  for insert
  to safetypin_keyholder
  with check (true);
comment on policy insert_keyholder on cell_incarnations is
  'An incarnation begins in a function.';

create policy update_keyholder on cell_incarnations
  for update
  to safetypin_keyholder
  using (true);
comment on policy update_keyholder on cell_incarnations is
  'A row is told which transaction wrote it once it is written.';

create policy select_backup on cell_incarnations
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on cell_incarnations is
  'A restored database has to know that it was another.';

grant select on cell_incarnations to safetypin_backup;


-- The number of a transaction of its own stands in what a savepoint wrote: so it is read off
-- the row and not asked for.
create function _begin_incarnation(
  p_origin text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_timeline_id integer;
  v_number      integer := (select coalesce(max(number), 0) + 1 from cell_incarnations);
  v_xid         bigint;
begin
  begin
    v_timeline_id := (select timeline_id from pg_control_checkpoint());
  exception
    -- Some clouds let nobody ask, or have no such file.
    when insufficient_privilege or undefined_function or feature_not_supported or internal_error then
      v_timeline_id := null;
  end;

  insert into cell_incarnations (number, origin, relation_id, xid, timeline_id, creation_time)
  values (v_number, p_origin, 'cell_incarnations'::regclass, 0, v_timeline_id, _now())
  returning xmin::text::bigint into v_xid;

  if p_origin <> 'declared_restored' then
    update cell_incarnations set xid = v_xid where number = v_number;
  end if;
end;
$$;

comment on function _begin_incarnation(text) is
  'Lets the database know itself by what it is now; or, for declared_restored, not know itself.';


create function _is_restored()
  returns boolean
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  return coalesce(
    (
      select (xid, relation_id) is distinct from (xmin::text::bigint, tableoid)
      from cell_incarnations
      order by number desc
      limit 1
    ),
    true
  );
end;
$$;

comment on function _is_restored() is
  'Whether this database came out of a dump, or was declared to be restored, and nobody has said since that what was shredded is shredded here.';

create function _incarnation_time()
  returns timestamptz
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  return (select creation_time from cell_incarnations order by number desc limit 1);
end;
$$;

comment on function _incarnation_time() is
  'Since when this database is what it is by its own account: since it was made, or was said to be restored or to be whole.';

grant execute on function _begin_incarnation(text), _is_restored(), _incarnation_time() to safetypin_definer;

-- What was shredded after the backup would open again.
create function _require_not_restored()
  returns void
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  if _is_restored() then
    raise exception 'this database was restored from a backup, and what was shredded since may be in it'
      using errcode = 'SP527',
        hint = 'Run "safetypin keys replay FILE" with the ledger exported last: see "safetypin keys replay --help".';
  end if;
end;
$$;

comment on function _require_not_restored() is
  'Passes in a database that is the one it was, or whose ledger is replayed. Raises SP527.';

grant execute on function _require_not_restored() to safetypin_definer;

select _begin_incarnation('made');

select _record_changes_of('tenant_keys');

set local role safetypin_keyholder;


--
-- The cipher
--

-- RFC 7518, 5.2: the first half of the key authenticates, the second encrypts.
--
-- What is `language sql` around keys is one expression, no more volatile than it
-- says, and so plpgsql evaluates it in place. It has to: a function that is called
-- for each value of a list costs four times what its work does, and one in SQL that is
-- not evaluated in place is a query, whose plan would show the key it was called with.
create function _a256cbc_hs512_tag(
  p_key bytea,
  p_aad bytea,
  p_ciphertext bytea
)
  returns bytea
  language sql
  immutable
  parallel safe
  return substr(
    hmac(
      p_aad || p_ciphertext || int8send(8::bigint * octet_length(p_aad)), substr(p_key, 1, 32), 'sha512'
    ),
    1, 32
  );

comment on function _a256cbc_hs512_tag(bytea, bytea, bytea) is
  'What authenticates an iv with its ciphertext, and what else belongs to them, in A256CBC-HS512: 32 bytes.';


-- Compared as digests under a nonce that nobody knows: how long the comparison takes
-- says nothing of how much of a guess was right.
create function _is_same_tag(
  p_one bytea,
  p_other bytea,
  p_nonce bytea
)
  returns boolean
  language sql
  immutable
  parallel safe
  return sha256(p_nonce || p_one) = sha256(p_nonce || p_other);

comment on function _is_same_tag(bytea, bytea, bytea) is
  'Whether two tags are the same, in a time that does not say how much of them is.';


create function _a256cbc_hs512_seal(
  p_key bytea,
  p_iv bytea,
  p_aad bytea,
  p_plaintext bytea
)
  returns bytea
  language plpgsql
  immutable
  strict
  parallel safe
  set search_path from current
as $$
declare
  v_ciphertext bytea := p_iv || encrypt_iv(p_plaintext, substr(p_key, 33, 32), p_iv, 'aes-cbc/pad:pkcs');
begin
  return v_ciphertext || _a256cbc_hs512_tag(p_key, p_aad, v_ciphertext);
end;
$$;

comment on function _a256cbc_hs512_seal(bytea, bytea, bytea, bytea) is
  'AES-256-CBC with HMAC-SHA-512 (RFC 7518, A256CBC-HS512) under a key of 64 bytes: iv, ciphertext and tag.';


-- Nothing is decrypted before the tag is right: there is no padding to learn from.
create function _a256cbc_hs512_open(
  p_key bytea,
  p_aad bytea,
  p_sealed bytea
)
  returns bytea
  language plpgsql
  stable
  strict
  parallel safe
  set search_path from current
as $$
declare
  v_length integer := octet_length(p_sealed);
  v_nonce  bytea := gen_random_bytes(16);
begin
  -- An iv, at least one block, a tag.
  if v_length < 64
     or v_length % 16 <> 0
     or not _is_same_tag(
       _a256cbc_hs512_tag(p_key, p_aad, substr(p_sealed, 1, v_length - 32)),
       substr(p_sealed, v_length - 31),
       v_nonce
     )
  then
    return null;
  end if;

  return decrypt_iv(
    substr(p_sealed, 17, v_length - 48), substr(p_key, 33, 32), substr(p_sealed, 1, 16),
    'aes-cbc/pad:pkcs'
  );
end;
$$;

comment on function _a256cbc_hs512_open(bytea, bytea, bytea) is
  'Undoes _a256cbc_hs512_seal(); null, and nothing more, for everything that it did not make so.';


-- The number of the key that a sealed value says it is under.
create function _key_id_of(
  p_value bytea
)
  returns integer
  language sql
  immutable
  strict
  parallel safe
  return (get_byte(p_value, 2) << 24)
    | (get_byte(p_value, 3) << 16)
    | (get_byte(p_value, 4) << 8)
    | get_byte(p_value, 5);

comment on function _key_id_of(bytea) is
  'The key that a sealed value names in its header.';


-- What a value is authenticated with besides its header: 36 bytes, each part of a
-- fixed width, so that no two places read the same.
create function _sealed_place(
  p_field_id integer,
  p_tenant_id uuid,
  p_row_id uuid
)
  returns bytea
  language sql
  immutable
  parallel safe
  return int4send(p_field_id) || uuid_send(p_tenant_id) || uuid_send(p_row_id);

comment on function _sealed_place(integer, uuid, uuid) is
  'Field, organization and row, as they are authenticated with a sealed value.';


--
-- The key schedule
--

-- NIST SP 800-108, counter mode, one block: the counter, a label, a zero, the
-- context, the length in bits.
create function _purpose_key(
  p_purpose text,
  p_share bytea,
  p_tenant_id uuid,
  p_key_id integer,
  p_db_share bytea
)
  returns bytea
  language sql
  immutable
  parallel safe
  return hmac(
    '\x00000001'::bytea || decode(p_purpose, 'escape') || '\x00'::bytea
      || uuid_send(p_tenant_id) || int4send(p_key_id) || p_db_share || '\x00000200'::bytea,
    p_share, 'sha512'
  );

comment on function _purpose_key(text, bytea, uuid, integer, bytea) is
  'The key for one purpose (enc, bidx, audit, kcv) made of both halves (NIST SP 800-108): 64 bytes.';


create function _check_value(
  p_share bytea,
  p_tenant_id uuid,
  p_key_id integer,
  p_db_share bytea
)
  returns bytea
  language sql
  immutable
  parallel safe
  return substr(_purpose_key('kcv', p_share, p_tenant_id, p_key_id, p_db_share), 1, 8);

comment on function _check_value(bytea, uuid, integer, bytea) is
  'By which two halves are known to belong together: 8 bytes.';


create function _subject_key(
  p_key bytea,
  p_salt bytea,
  p_subject_id uuid
)
  returns bytea
  language sql
  immutable
  parallel safe
  return hmac('\x7375626a65637400'::bytea || p_salt || uuid_send(p_subject_id), p_key, 'sha512');

comment on function _subject_key(bytea, bytea, uuid) is
  'The key for what is sealed about one person: 64 bytes, gone with their salt.';


-- What a share is masked with while it waits in a setting of the transaction: an
-- injection that reads the setting holds nothing, and in another transaction
-- nobody does.
create function _setting_mask(
  p_db_share bytea
)
  returns bytea
  language sql
  stable
  parallel restricted
  return hmac('\x677563'::bytea || _context_nonce(), p_db_share, 'sha512');

comment on function _setting_mask(bytea) is
  'What a share is masked with in the settings of this transaction: key and iv of one AES-256-CBC.';


-- Null when the share that waits there is not this key's.
create function _unlocked_key(
  p_purpose text,
  p_tenant_id uuid,
  p_key_id integer,
  p_db_share bytea,
  p_check_value bytea
)
  returns bytea
  language plpgsql
  stable
  set search_path from current
as $$
declare
  v_shares text := current_setting('safetypin.shares', true);
  v_name   text := p_tenant_id::text || ':' || p_key_id::text || '=';
  v_at     integer := strpos(v_shares, v_name);
  v_masked text;
  v_mask   bytea;
  v_share  bytea;
begin
  if coalesce(v_at, 0) = 0 then
    raise exception 'key % of % is not unlocked in this transaction', p_key_id,
      case p_tenant_id
        when '00000000-0000-0000-0000-000000000000' then 'the cell'
        else 'organization ' || p_tenant_id::text
      end
      using errcode = 'SP522', hint = 'Call unlock() with its share first, in the same transaction.';
  end if;

  v_masked := substr(v_shares, v_at + length(v_name), 64);
  if length(v_masked) <> 64 or translate(v_masked, '0123456789abcdef', '') <> '' then
    return null;
  end if;

  v_mask := _setting_mask(p_db_share);
  v_share := decrypt_iv(
    decode(v_masked, 'hex'), substr(v_mask, 1, 32), substr(v_mask, 33, 16), 'aes-cbc/pad:none'
  );
  if _check_value(v_share, p_tenant_id, p_key_id, p_db_share) <> p_check_value then
    return null;
  end if;
  return _purpose_key(p_purpose, v_share, p_tenant_id, p_key_id, p_db_share);
end;
$$;

comment on function _unlocked_key(text, uuid, integer, bytea, bytea) is
  'The key for a purpose, made of this transaction''s share and the half that it is given; null when the two do not belong together. Raises SP522 when nothing was unlocked.';


create function _derive_key(
  p_purpose text,
  p_organization_id uuid,
  p_key_id integer
)
  returns bytea
  language plpgsql
  stable
  set search_path from current
as $$
declare
  v_tenant_id   uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_db_share    bytea;
  v_check_value bytea;
  v_key         bytea;
begin
  select db_share, check_value
  into v_db_share, v_check_value
  from tenant_keys
  where tenant_id = v_tenant_id
    and key_id = p_key_id
    and state in ('active', 'decrypt_only');

  if v_db_share is not null then
    v_key := _unlocked_key(p_purpose, v_tenant_id, p_key_id, v_db_share, v_check_value);
  end if;
  if v_key is null then
    raise exception 'there is no key % to work with', p_key_id
      using errcode = 'SP321', hint = 'Ask list_keys() which keys there are and in which state.';
  end if;
  return v_key;
end;
$$;

comment on function _derive_key(text, uuid, integer) is
  'The key for a purpose, of an organization or of the cell: 64 bytes. Raises SP321 when there is no such key that works, SP522 when it is not unlocked.';


--
-- Handing a share over
--

-- Read once per unlock, so one expression and no query.
create function _log_findings()
  returns text[]
  language plpgsql
  stable
  set search_path from current
as $$
declare
  v_logs_statements boolean := current_setting('log_statement') in ('all', 'mod')
    or current_setting('log_min_duration_statement') <> '-1'
    or current_setting('log_min_duration_sample') <> '-1'
    or current_setting('log_transaction_sample_rate') <> '0';
  v_explains boolean := coalesce(current_setting('auto_explain.log_min_duration', true), '-1') <> '-1';
begin
  return array_remove(
    array[
      case
        when v_logs_statements and current_setting('log_parameter_max_length') <> '0'
          then 'log_parameter_max_length'
      end,
      case
        when current_setting('log_parameter_max_length_on_error') <> '0'
          then 'log_parameter_max_length_on_error'
      end,
      case when current_setting('debug_print_parse') = 'on' then 'debug_print_parse' end,
      case when current_setting('debug_print_rewritten') = 'on' then 'debug_print_rewritten' end,
      case when current_setting('debug_print_plan') = 'on' then 'debug_print_plan' end,
      case
        when v_explains
             and coalesce(nullif(current_setting('auto_explain.log_parameter_max_length', true), ''), '0') <> '0'
          then 'auto_explain.log_parameter_max_length'
      end,
      case
        when v_explains
             and coalesce(current_setting('auto_explain.log_verbose', true), 'off') in ('on', 'true', 'yes', '1')
          then 'auto_explain.log_verbose'
      end,
      case
        when v_explains
             and coalesce(current_setting('auto_explain.log_nested_statements', true), 'off') in ('on', 'true', 'yes', '1')
          then 'auto_explain.log_nested_statements'
      end,
      case
        when coalesce(current_setting('pgaudit.log_parameter', true), 'off') in ('on', 'true', 'yes', '1')
          then 'pgaudit.log_parameter'
      end
    ],
    null
  );
end;
$$;

comment on function _log_findings() is
  'The settings of this session under which the server would write what it is given, or what it computes, into its log.';


-- Behind a pooler that changes connections between transactions the pad has to go
-- with the transaction; elsewhere one lasts as long as the connection.
create function hello(
  p_for_transaction boolean default false
)
  returns bytea
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_pad     bytea := gen_random_bytes(64);
  v_written text;
begin
  v_written := set_config('safetypin.pad', encode(v_pad, 'hex'), coalesce(p_for_transaction, false));
  return v_pad;
end;
$$;

comment on function hello(boolean) is
  'A pad of 64 random bytes, under which whoever holds this connection hands secrets over. It lasts for the connection, or for the transaction.';


-- A connection is many people's, one after the other, and what a query of one of them
-- has set for the session would be everybody's. Whoever shares connections begins each
-- transaction with this; or with "reset all", where there is no pad to keep.
create function forget_settings()
  returns text
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_pad text := current_setting('safetypin.pad', true);
begin
  reset all;
  if v_pad <> '' then
    v_pad := set_config('safetypin.pad', v_pad, false);
  end if;
  return null;
end;
$$;

comment on function forget_settings() is
  'Puts every setting of this connection back, but the pad. The role is none of them: set role none. Returns null, for what has to come after it to depend on.';


-- Drivers name their statements in the protocol. A name that SQL gave may have been
-- taken from one of them by a query of whoever had the connection before: what is
-- bound to it next, a session's token or a share, would be theirs.
create function require_own_statements()
  returns void
  language plpgsql
  stable
  set search_path from current
as $$
begin
  if exists (select from pg_prepared_statements where from_sql) then
    raise exception 'a statement was prepared by SQL on this connection'
      using errcode = 'SP528', hint = 'Close the connection: names of statements on it may be somebody else''s.';
  end if;
end;
$$;

comment on function require_own_statements() is
  'Refuses a connection on which SQL prepared a statement, before anything is bound to a name. Raises SP528.';


-- Opens what was handed over masked; null when it was not masked under this pad,
-- or for something else.
create function _unmask_for(
  p_masked bytea,
  p_field_id integer,
  p_tenant_id uuid,
  p_key_id integer
)
  returns bytea
  language plpgsql
  stable
  set search_path from current
as $$
declare
  v_pad    text := current_setting('safetypin.pad', true);
  v_header bytea := '\x0101'::bytea || int4send(p_key_id);
begin
  if coalesce(length(v_pad), 0) <> 128
     or translate(v_pad, '0123456789abcdef', '') <> ''
     or substr(p_masked, 1, 6) is distinct from v_header
  then
    return null;
  end if;

  return _a256cbc_hs512_open(
    decode(v_pad, 'hex'),
    v_header || _sealed_place(p_field_id, p_tenant_id, '00000000-0000-0000-0000-000000000000'),
    substr(p_masked, 7)
  );
end;
$$;

comment on function _unmask_for(bytea, integer, uuid, integer) is
  'What was masked under this connection''s pad for one purpose, or null.';


create function _unmask(
  p_masked bytea,
  p_field_id integer
)
  returns bytea
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_plaintext bytea;
begin
  if p_masked is null then
    return null;
  end if;

  v_plaintext := _unmask_for(p_masked, p_field_id, '00000000-0000-0000-0000-000000000000', 0);
  if v_plaintext is null then
    raise exception 'the value cannot be opened'
      using errcode = 'SP521', hint = 'Call hello() and mask the value under the pad it answers.';
  end if;
  return v_plaintext;
end;
$$;

comment on function _unmask(bytea, integer) is
  'What a client handed over masked for a field. Raises SP521 for everything that was not masked so, under this pad.';

grant execute on function _unmask(bytea, integer) to safetypin_definer;


-- The share that was handed over for a key, or null. The one place where a share is
-- seen bare.
create function _share_of(
  p_masked bytea,
  p_tenant_id uuid,
  p_key_id integer
)
  returns bytea
  language plpgsql
  stable
  set search_path from current
as $$
declare
  v_share bytea := _unmask_for(p_masked, 0, p_tenant_id, p_key_id);
begin
  if octet_length(v_share) = 32 then
    return v_share;
  end if;
  return null;
end;
$$;

comment on function _share_of(bytea, uuid, integer) is
  'The 32 bytes that were handed over masked as the share of a key, or null.';


-- One answer, whatever is wrong: the pad, the mask, the key or the share.
create function _proven_share(
  p_masked bytea,
  p_tenant_id uuid,
  p_key_id integer,
  p_db_share bytea,
  p_check_value bytea
)
  returns bytea
  language plpgsql
  stable
  set search_path from current
as $$
declare
  v_share bytea := _share_of(p_masked, p_tenant_id, p_key_id);
begin
  if _check_value(v_share, p_tenant_id, p_key_id, p_db_share) = p_check_value then
    return v_share;
  end if;
  return null;
end;
$$;

comment on function _proven_share(bytea, uuid, integer, bytea, bytea) is
  'The share that was handed over for a key, once the check value has shown that it belongs to the half that is given; or null.';


create function _require_share(
  p_masked bytea,
  p_organization_id uuid,
  p_key_id integer,
  p_states text[]
)
  returns bytea
  language plpgsql
  stable
  set search_path from current
as $$
declare
  v_tenant_id   uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_share       bytea;
  v_db_share    bytea;
  v_check_value bytea;
begin
  select db_share, check_value
  into v_db_share, v_check_value
  from tenant_keys
  where tenant_id = v_tenant_id
    and key_id = p_key_id
    and state = any (p_states);

  if v_db_share is not null then
    v_share := _proven_share(p_masked, v_tenant_id, p_key_id, v_db_share, v_check_value);
  end if;
  if v_share is null then
    raise exception 'this is not the share of key %', p_key_id
      using errcode = 'SP221',
        hint = 'Unwrap it anew, and mask it under the pad that hello() answered on this connection.';
  end if;
  return v_share;
end;
$$;

comment on function _require_share(bytea, uuid, integer, text[]) is
  'The share that was handed over for a key, once its check value has shown that it is the right one. Raises SP221.';


create function unlock(
  p_organization_id uuid,
  p_key_id integer,
  p_masked bytea
)
  returns boolean
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_name      text := v_tenant_id::text || ':' || p_key_id::text || '=';
  v_shares    text := coalesce(current_setting('safetypin.shares', true), '');
  v_is_strict boolean;
  v_findings  text[];
  v_state     text;
  v_db_share  bytea;
  v_check     bytea;
  v_share     bytea;
  v_mask      bytea;
  v_at        integer;
  v_written   text;
begin
  perform _require_not_restored();

  v_findings := _log_findings();
  if cardinality(v_findings) > 0 then
    select coalesce(refuses_logged_secrets, environment = 'production')
    into v_is_strict
    from cell_settings;

    if v_is_strict then
      raise exception 'this server would write secrets into its log: %', array_to_string(v_findings, ', ')
        using errcode = 'SP524',
          hint = 'Change these settings for the login, or call declare_log_strictness(false): see "safetypin doctor".';
    end if;
  end if;

  -- Retired since the caller listed it: whatever is left to open is under another.
  select state, db_share, check_value
  into v_state, v_db_share, v_check
  from tenant_keys
  where tenant_id = v_tenant_id
    and key_id = p_key_id
    and state in ('pending', 'active', 'decrypt_only');

  if v_db_share is null then
    return false;
  end if;

  v_share := _proven_share(p_masked, v_tenant_id, p_key_id, v_db_share, v_check);
  if v_share is null then
    -- Nothing is under a key that is pending, and what is under one that only opens is
    -- refused where it is opened. Everybody else's work goes on.
    if v_state <> 'active' then
      return false;
    end if;
    raise exception 'this is not the share of key %', p_key_id
      using errcode = 'SP221',
        hint = 'Unwrap it anew, and mask it under the pad that hello() answered on this connection.';
  end if;

  v_mask := _setting_mask(v_db_share);
  v_at := strpos(v_shares, v_name);
  if v_at > 0 then
    v_shares := left(v_shares, v_at - 1) || substr(v_shares, v_at + length(v_name) + 65);
  end if;
  v_written := set_config(
    'safetypin.shares',
    v_shares || v_name || encode(
      encrypt_iv(v_share, substr(v_mask, 1, 32), substr(v_mask, 33, 16), 'aes-cbc/pad:none'), 'hex'
    ) || ';',
    true
  );
  return true;
end;
$$;

comment on function unlock(uuid, integer, bytea) is
  'Lets this transaction, and no other, seal and open under a key whose share is handed over masked, and says whether: not under one that is retired, nor, where it does not seal, by a share that is not its own. A pending one may be unlocked, so that its activation finds every transaction prepared. A null organization is the cell. Raises SP221 for a share that is not that of the key that seals, SP524 where the server would log secrets and the cell is strict, SP527 in a database that was restored, until what was shredded since is shredded again.';


-- Null for the cell. Wrapped, a share is worth nothing to whoever cannot ask the key
-- management service; of another organization the application gets not even that.
create function list_wrapped_shares(
  p_organization_id uuid default null
)
  returns table (
    key_id integer,
    state text,
    provider text,
    key_name text,
    wrapped bytea
  )
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  perform _require_not_restored();
  return query
    select
      tenant_keys.key_id,
      tenant_keys.state,
      tenant_keys.provider,
      tenant_keys.key_name,
      tenant_keys.wrapped
    from tenant_keys
    where tenant_keys.tenant_id = coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000')
      and (p_organization_id is null or p_organization_id = current_organization_id())
      and tenant_keys.state in ('pending', 'active', 'decrypt_only')
    order by tenant_keys.key_id desc;
end;
$$;

comment on function list_wrapped_shares(uuid) is
  'The keys that seal and open for the cell, or soon will, or for the organization the caller acts in: newest first, each with its share as the key management service wrapped it. Raises SP527 in a database that was restored, until what was shredded since is shredded again.';

grant execute on function list_wrapped_shares(uuid) to safetypin_app, safetypin_mailer, safetypin_auditor;

grant execute on function
  forget_settings(),
  hello(boolean),
  require_own_statements(),
  unlock(uuid, integer, bytea)
to safetypin_app, safetypin_mailer, safetypin_operator, safetypin_auditor;

set local role safetypin_definer;


create function declare_log_strictness(
  p_refuses boolean
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  update cell_settings set refuses_logged_secrets = p_refuses;

  perform _log_event(
    'cell.log_strictness_declared',
    p_additional_data => jsonb_build_object('refuses', p_refuses)
  );
end;
$$;

comment on function declare_log_strictness(boolean) is
  'Says whether unlock() refuses to work where the server would write secrets into its log; null for what the environment says, which is yes in production.';

grant execute on function declare_log_strictness(boolean) to safetypin_owner, safetypin_operator;

set local role safetypin_owner;
