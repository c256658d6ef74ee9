/*
 * 0003 keys: values that only their place opens, and the two halves of a key
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
 * Inside these functions everything secret is moved by plain assignment. An
 * assignment is no query: it has no plan, and what has no plan is not explained,
 * printed or logged, whatever the server was told to log.
 */

set local role safetypin_keyholder;


--
-- Which columns are sealed
--

create table sealed_fields (
  id                  uuid not null default new_id(),
  field_id            integer not null,
  sealed_as           integer not null,
  table_name          text not null,
  column_name         text not null,
  row_column          text not null,
  algorithm           smallint not null,
  scope               text not null,
  organization_column text,
  subject_column      text,
  opened_by           text not null,
  max_bytes           integer not null,
  pattern             text,
  constraint_name     text not null,
  is_folded           boolean not null,
  reason              text not null,

  constraint sealed_fields_pkey primary key (id),
  constraint sealed_fields_field_id_key unique (field_id),
  constraint sealed_fields_table_name_column_name_key unique (table_name, column_name),
  -- 0 is the field of what is handed over masked and kept nowhere.
  constraint sealed_fields_field_id_is_positive check (field_id > 0),
  constraint sealed_fields_algorithm_is_known check (algorithm in (1, 2)),
  constraint sealed_fields_scope_is_known check (scope in ('cell', 'organization')),
  constraint sealed_fields_scope_has_its_column
    check ((scope = 'organization') = (organization_column is not null)),
  constraint sealed_fields_opened_by_is_known check (opened_by in ('application', 'database')),
  constraint sealed_fields_only_sql_compares check (algorithm = 1 or opened_by = 'application'),
  constraint sealed_fields_max_bytes_is_sane check (max_bytes between 1 and 65536),
  constraint sealed_fields_constraint_name_is_of_the_table
    check (constraint_name ~ '^[a-z][a-z0-9_]{0,62}$' and starts_with(constraint_name, table_name || '_')),
  constraint sealed_fields_reason_is_a_sentence check (reason ~ '^[A-Z].*\.$')
);

comment on table sealed_fields is
  'The one place that names each sealed column. Filled by _declare_sealed_field() in the chapter that makes the column.';
comment on column sealed_fields.id is 'The id of the declaration. [public]';
comment on column sealed_fields.field_id is
  'The number that is authenticated with every value of the column: the same in every cell, and never used again. [public]';
comment on column sealed_fields.sealed_as is
  'The field whose number is authenticated with the values: another than its own where values wait for a row of the same id elsewhere, and go there as they are. [public]';
comment on column sealed_fields.table_name is 'Which table. [public]';
comment on column sealed_fields.column_name is 'Which column. [public]';
comment on column sealed_fields.row_column is 'The column whose uuid is authenticated with each value: the table''s key. [public]';
comment on column sealed_fields.algorithm is
  '1: AES-256-CBC with HMAC-SHA-512 (RFC 7518, A256CBC-HS512), in SQL. 2: AES-256-GCM, in the client alone. [public]';
comment on column sealed_fields.scope is
  'cell: under the cell''s own key. organization: under the key of the row''s organization. [public]';
comment on column sealed_fields.organization_column is
  'The column that names the organization; null in the scope of the cell. [public]';
comment on column sealed_fields.subject_column is
  'The column that names the person whose salt is part of the key; null when values are nobody''s. [public]';
comment on column sealed_fields.opened_by is
  'application: open_fields() opens it, or the client does. database: only functions of ours do, and compare. [public]';
comment on column sealed_fields.max_bytes is 'How many bytes the plaintext may have. [public]';
comment on column sealed_fields.pattern is
  'What a text has to match before it is sealed; null when anything goes. [public]';
comment on column sealed_fields.constraint_name is
  'The constraint that a text which is too long, or does not match, is said to break. [public]';
comment on column sealed_fields.is_folded is
  'Whether the blind index takes the capitals A to Z and their small letters for the same, and no space around. [public]';
comment on column sealed_fields.reason is
  'Why it is sealed, and why so: one sentence. Algorithm 2 has a page in docs/decisions besides. [public]';

alter table sealed_fields enable row level security;
alter table sealed_fields force row level security;

create policy select_everyone on sealed_fields
  for select
  to safetypin_app, safetypin_owner, safetypin_definer, safetypin_keyholder,
     safetypin_operator, safetypin_auditor, safetypin_backup
  using (true);
comment on policy select_everyone on sealed_fields is
  'What is sealed, and how, is the same for everybody and no secret.';

create policy insert_keyholder on sealed_fields
  for insert
  to safetypin_keyholder
  with check (true);
comment on policy insert_keyholder on sealed_fields is
  'Fields are declared by the chapters that make them.';

create policy delete_keyholder on sealed_fields
  for delete
  to safetypin_keyholder
  using (true);
comment on policy delete_keyholder on sealed_fields is
  'A chapter that is undone takes its fields with it.';

grant select on sealed_fields
  to safetypin_app, safetypin_owner, safetypin_definer, safetypin_operator,
     safetypin_auditor, safetypin_backup;


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
  constraint tenant_keys_key_name_is_short check (char_length(key_name) between 1 and 2048),
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
comment on column tenant_keys.creation_time is 'When it was added. [internal]';
comment on column tenant_keys.activation_time is 'When it was proven and began to seal; null before. [internal]';
comment on column tenant_keys.decrypt_only_time is 'When it ceased to seal; null before. [internal]';
comment on column tenant_keys.retirement_time is 'When it ceased to open; null before. [internal]';
comment on column tenant_keys.destruction_time is
  'When both halves were taken out of this table; null before. Backups have them for as long as backups are kept. [internal]';

create unique index tenant_keys_active_key on tenant_keys (tenant_id) where state = 'active';
create index tenant_keys_organization_id_idx on tenant_keys (organization_id);


create function tg_tenant_keys__only_forward()
  returns trigger
  language plpgsql
  set search_path from current
as $$
declare
  v_states text[] := array['pending', 'active', 'decrypt_only', 'retired', 'destroyed'];
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
    return new;
  end if;

  if (new.id, new.organization_id, new.key_id) is distinct from (old.id, old.organization_id, old.key_id)
     or (new.db_share is distinct from old.db_share and new.state <> 'destroyed')
     or (new.check_value <> old.check_value and old.check_value <> '\x0000000000000000')
     or old.state = 'destroyed'
  then
    raise exception 'key % keeps what it is made of', old.key_id
      using errcode = 'SP421', hint = 'Add another key.';
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
  'Lets a key go from pending to active, decrypt_only, retired and destroyed, one at a time, and never otherwise. Raises SP421.';

create trigger _500_only_forward
  before insert or update or delete on tenant_keys
  for each row
  execute function tg_tenant_keys__only_forward();

alter table tenant_keys enable always trigger _500_only_forward;

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

select _begin_incarnation('made');


-- A blind index outlives the key it was made under: its versions are counted by
-- themselves, and several may stand side by side while one takes over.
create table blind_index_versions (
  id              uuid not null default new_id(),
  organization_id uuid,
  tenant_id       uuid not null generated always as (
    coalesce(organization_id, '00000000-0000-0000-0000-000000000000'::uuid)
  ) stored,
  version         integer not null,
  key_id          integer not null,
  phase           text not null,
  creation_time   timestamptz not null default now(),
  phase_time      timestamptz not null default now(),

  constraint blind_index_versions_pkey primary key (id),
  constraint blind_index_versions_tenant_id_version_key unique (tenant_id, version),
  constraint blind_index_versions_tenant_id_key_id_fkey
    foreign key (tenant_id, key_id) references tenant_keys (tenant_id, key_id),
  constraint blind_index_versions_version_is_positive check (version > 0),
  constraint blind_index_versions_phase_is_known
    check (phase in ('dual', 'backfill', 'cutover', 'steady', 'fading', 'ended'))
);

comment on table blind_index_versions is
  'Which versions of the blind indexes are written and which one is looked up.';
comment on column blind_index_versions.id is 'The id of this row, for the record. [internal]';
comment on column blind_index_versions.organization_id is 'Whose; null for the cell''s own. [internal]';
comment on column blind_index_versions.tenant_id is
  'The organization as sealed values know it: the nil uuid for the cell. [internal]';
comment on column blind_index_versions.version is 'The number that an index row carries: 1, 2, 3 … [internal]';
comment on column blind_index_versions.key_id is 'The key that its indexes are made under. [internal]';
comment on column blind_index_versions.phase is
  'dual: written beside the one that is looked up. backfill: written, and being made for older rows. cutover: looked up, the one before still written. steady: written and looked up alone. fading: still written, no longer looked up. ended: neither. [internal]';
comment on column blind_index_versions.creation_time is 'When it was begun. [internal]';
comment on column blind_index_versions.phase_time is 'Since when it is in this phase. [internal]';

create unique index blind_index_versions_looked_up_key
  on blind_index_versions (tenant_id)
  where phase in ('steady', 'cutover');
create index blind_index_versions_organization_id_idx on blind_index_versions (organization_id);
create index blind_index_versions_tenant_id_key_id_idx on blind_index_versions (tenant_id, key_id);


create function tg_blind_index_versions__only_forward()
  returns trigger
  language plpgsql
  set search_path from current
as $$
begin
  if (new.organization_id, new.version, new.key_id) is distinct from (old.organization_id, old.version, old.key_id)
     or (
       new.phase <> old.phase
       and (old.phase, new.phase) not in (
         ('dual', 'backfill'), ('backfill', 'cutover'), ('cutover', 'steady'),
         ('steady', 'fading'), ('fading', 'ended'),
         -- A rotation that is given up before anything was looked up in it.
         ('dual', 'ended'), ('backfill', 'ended')
       )
     )
  then
    raise exception 'version % of the blind indexes is in phase %: it cannot go to %', old.version, old.phase, new.phase
      using errcode = 'SP421',
        hint = 'A version goes from dual to backfill, cutover, steady, fading and ended.';
  end if;

  if new.phase <> old.phase then
    new.phase_time := now();
  end if;
  return new;
end;
$$;

comment on function tg_blind_index_versions__only_forward() is
  'Lets a version go from dual to backfill, cutover, steady, fading and ended, or be given up before cutover. Raises SP421.';

create trigger _500_only_forward
  before update on blind_index_versions
  for each row
  execute function tg_blind_index_versions__only_forward();

alter table blind_index_versions enable always trigger _500_only_forward;

alter table blind_index_versions enable row level security;
alter table blind_index_versions force row level security;

create policy tenant_fence on blind_index_versions
  as restrictive
  to safetypin_app
  using (organization_id = (select current_organization_id()))
  with check (false);
comment on policy tenant_fence on blind_index_versions is
  'An organizations versions are its own; applications are granted none of them.';

create policy select_keyholder on blind_index_versions
  for select
  to safetypin_keyholder
  using (true);
comment on policy select_keyholder on blind_index_versions is
  'The functions that index and look up ask which versions there are.';

create policy insert_keyholder on blind_index_versions
  for insert
  to safetypin_keyholder
  with check (true);
comment on policy insert_keyholder on blind_index_versions is
  'A version is begun by a function.';

create policy update_keyholder on blind_index_versions
  for update
  to safetypin_keyholder
  using (true);
comment on policy update_keyholder on blind_index_versions is
  'A version goes from phase to phase in functions.';

create policy select_backup on blind_index_versions
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on blind_index_versions is
  'A dump without versions could not be looked up in.';

grant select on blind_index_versions to safetypin_backup;


-- The rows of an index stand beside what they index, one for each version that is
-- written. Only who made the table knows what is in a row: rotation calls the writer.
create table blind_indexes (
  id                  uuid not null default new_id(),
  table_name          text not null,
  field_id            integer not null,
  row_column          text not null,
  organization_column text,
  writer              text not null,

  constraint blind_indexes_pkey primary key (id),
  constraint blind_indexes_table_name_key unique (table_name),
  constraint blind_indexes_field_id_fkey foreign key (field_id) references sealed_fields (field_id)
);

comment on table blind_indexes is
  'The one place that names each table of blind indexes. Filled by _declare_blind_index() in the chapter that makes the table.';
comment on column blind_indexes.id is 'The id of the declaration. [public]';
comment on column blind_indexes.table_name is 'Which table. Its column version says which version a row is of. [public]';
comment on column blind_indexes.field_id is 'Which sealed field it finds values of. [public]';
comment on column blind_indexes.row_column is 'The column that names the row whose value is indexed. [public]';
comment on column blind_indexes.organization_column is
  'The column that names the organization; null in the scope of the cell. [public]';
comment on column blind_indexes.writer is
  'The function that makes, or makes anew, the index of one row in one version. [public]';

create index blind_indexes_field_id_idx on blind_indexes (field_id);

alter table blind_indexes enable row level security;
alter table blind_indexes force row level security;

create policy select_everyone on blind_indexes
  for select
  to safetypin_owner, safetypin_keyholder, safetypin_operator, safetypin_auditor, safetypin_backup
  using (true);
comment on policy select_everyone on blind_indexes is
  'What is indexed is the same for everybody and no secret.';

create policy insert_keyholder on blind_indexes
  for insert
  to safetypin_keyholder
  with check (true);
comment on policy insert_keyholder on blind_indexes is
  'Indexes are declared by the chapters that make them.';

create policy delete_keyholder on blind_indexes
  for delete
  to safetypin_keyholder
  using (true);
comment on policy delete_keyholder on blind_indexes is
  'A chapter that is undone takes its indexes with it.';

grant select on blind_indexes
  to safetypin_owner, safetypin_operator, safetypin_auditor, safetypin_backup;

select _record_changes_of('tenant_keys');
select _record_changes_of('blind_index_versions', p_ignored => '{phase_time}');

set local role safetypin_keyholder;


--
-- The cipher
--

-- RFC 7518, 5.2: the first half of the key authenticates, the second encrypts.
--
-- What is `language sql` in this chapter is one expression, no more volatile than it
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
  if substr(_purpose_key('kcv', v_share, p_tenant_id, p_key_id, p_db_share), 1, 8) <> p_check_value then
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


-- One error, whatever is wrong: the pad, the mask, the key or the share.
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
    v_share := _share_of(p_masked, v_tenant_id, p_key_id);
  end if;
  if v_share is null
     or substr(_purpose_key('kcv', v_share, v_tenant_id, p_key_id, v_db_share), 1, 8) <> v_check_value
  then
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
  v_db_share  bytea;
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
  select db_share
  into v_db_share
  from tenant_keys
  where tenant_id = v_tenant_id
    and key_id = p_key_id
    and state in ('pending', 'active', 'decrypt_only');

  if v_db_share is null then
    return false;
  end if;

  v_share := _require_share(
    p_masked, p_organization_id, p_key_id, array['pending', 'active', 'decrypt_only']
  );

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
  'Lets this transaction, and no other, seal and open under a key whose share is handed over masked, and says whether: not under one that is retired. A pending one may be unlocked, so that its activation finds every transaction prepared. A null organization is the cell. Raises SP221 for a share that is not the key''s, SP524 where the server would log secrets and the cell is strict, SP527 in a database that was restored, until what was shredded since is shredded again.';


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


--
-- Sealing and opening, for functions of ours
--

create function _seal(
  p_field_id integer,
  p_organization_id uuid,
  p_row_id uuid,
  p_plaintext bytea,
  p_subject_id uuid default null
)
  returns bytea
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_field     record;
  v_header    bytea;
  v_salt      bytea;
  v_key       bytea;
begin
  if p_plaintext is null then
    return null;
  end if;

  select
    sealed_fields.algorithm,
    sealed_fields.max_bytes,
    sealed_fields.subject_column is not null as has_subject,
    (sealed_fields.scope = 'cell') = (p_organization_id is null) as is_in_scope,
    tenant_keys.key_id,
    tenant_keys.db_share,
    tenant_keys.check_value,
    subject_salts.salt
  into v_field
  from sealed_fields
  left join tenant_keys
    on tenant_keys.tenant_id = v_tenant_id and tenant_keys.state = 'active'
  left join subject_salts
    on subject_salts.user_id = p_subject_id
  where sealed_fields.field_id = p_field_id;

  if v_field.is_in_scope is not true
     or v_field.algorithm <> 1
     or (p_subject_id is not null and not v_field.has_subject)
     or p_row_id is null
     or p_organization_id = '00000000-0000-0000-0000-000000000000'
     or octet_length(p_plaintext) > v_field.max_bytes
  then
    raise exception 'field % is not declared to be sealed like this', p_field_id
      using errcode = 'SP526',
        hint = 'See sealed_fields: its algorithm, scope, subject and length have to be those of the call.';
  end if;
  if v_field.key_id is null then
    raise exception '% has no active key',
      case when p_organization_id is null then 'the cell' else 'organization ' || p_organization_id::text end
      using errcode = 'SP321', hint = 'The operator makes the first: "safetypin keys init", of an organization with --organization.';
  end if;

  v_key := _unlocked_key('enc', v_tenant_id, v_field.key_id, v_field.db_share, v_field.check_value);
  if v_key is null then
    raise exception 'this is not the share of key %', v_field.key_id
      using errcode = 'SP221', hint = 'Call unlock() with its share first, in the same transaction.';
  end if;

  if p_subject_id is not null then
    v_salt := coalesce(v_field.salt, _make_subject_salt(p_subject_id));
    v_key := _subject_key(v_key, v_salt, p_subject_id);
  end if;

  v_header := '\x0101'::bytea || int4send(v_field.key_id);
  return v_header || _a256cbc_hs512_seal(
    v_key, gen_random_bytes(16), v_header || _sealed_place(p_field_id, v_tenant_id, p_row_id), p_plaintext
  );
end;
$$;

comment on function _seal(integer, uuid, uuid, bytea, uuid) is
  'Seals a value for one field of one row, under the active key of its organization, or of the cell for null. Raises SP221 and SP522 when that key is not unlocked, SP321 when there is none, SP425 about somebody who was shredded, SP526 for a field that is not declared so.';


-- Two who seal about a person for the first time get the same salt.
create function _make_subject_salt(
  p_subject_id uuid
)
  returns bytea
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_salt bytea;
begin
  insert into subject_salts (user_id)
  values (p_subject_id)
  on conflict (user_id) do nothing
  returning salt into v_salt;

  if not found then
    select salt into v_salt from subject_salts where user_id = p_subject_id;
  end if;
  if v_salt is null then
    raise exception 'person % was shredded: nothing is sealed about them any more', p_subject_id
      using errcode = 'SP425', hint = 'Somebody who comes back registers anew, and has another id.';
  end if;
  return v_salt;
end;
$$;

comment on function _make_subject_salt(uuid) is
  'The salt of a person, made if there is none. Raises SP425 for somebody who was shredded.';


create function _open(
  p_field_id integer,
  p_organization_id uuid,
  p_row_id uuid,
  p_value bytea,
  p_subject_id uuid default null
)
  returns bytea
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_field     record;
  v_key_id    integer;
  v_key       bytea;
  v_plaintext bytea;
begin
  if p_value is null then
    return null;
  end if;

  if octet_length(p_value) >= 70 and substr(p_value, 1, 2) = '\x0101' then
    v_key_id := _key_id_of(p_value);

    select
      sealed_fields.subject_column is not null as has_subject,
      tenant_keys.db_share,
      tenant_keys.check_value,
      subject_salts.salt
    into v_field
    from sealed_fields
    join tenant_keys
      on tenant_keys.tenant_id = v_tenant_id
      and tenant_keys.key_id = v_key_id
      and tenant_keys.state in ('active', 'decrypt_only')
    left join subject_salts
      on subject_salts.user_id = p_subject_id
    where sealed_fields.field_id = p_field_id
      and sealed_fields.algorithm = 1
      and (sealed_fields.scope = 'cell') = (p_organization_id is null);

    if v_field.db_share is not null then
      v_key := _unlocked_key('enc', v_tenant_id, v_key_id, v_field.db_share, v_field.check_value);
      if v_field.has_subject and p_subject_id is not null then
        v_key := _subject_key(v_key, v_field.salt, p_subject_id);
      end if;
      v_plaintext := _a256cbc_hs512_open(
        v_key,
        substr(p_value, 1, 6) || _sealed_place(p_field_id, v_tenant_id, p_row_id),
        substr(p_value, 7)
      );
    end if;
  end if;

  if v_plaintext is null then
    raise exception 'the value cannot be opened'
      using errcode = 'SP521',
        detail = format('Field %s of row %s.', p_field_id, p_row_id),
        hint = 'It was changed, or belongs to another place, or its key or its subject is gone.';
  end if;
  return v_plaintext;
end;
$$;

comment on function _open(integer, uuid, uuid, bytea, uuid) is
  'Opens a value of one field of one row. Raises SP521, and nothing more telling, for everything that was not sealed for this place; SP522 when its key is not unlocked.';


-- What a check constraint would say of a column in clear. PostgreSQL's own would
-- print the whole row; this names the constraint and never the value.
create function _seal_text(
  p_field_id integer,
  p_organization_id uuid,
  p_row_id uuid,
  p_text text,
  p_subject_id uuid default null
)
  returns bytea
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_field record;
begin
  select table_name, column_name, pattern, max_bytes, constraint_name
  into v_field
  from sealed_fields
  where field_id = p_field_id;

  if octet_length(p_text) > v_field.max_bytes or p_text !~ v_field.pattern then
    raise exception 'a value for % of % breaks the rule "%"',
      v_field.column_name, v_field.table_name, v_field.constraint_name
      using errcode = '23514',
        schema = current_schema(), table = v_field.table_name, column = v_field.column_name,
        constraint = v_field.constraint_name;
  end if;

  return _seal(p_field_id, p_organization_id, p_row_id, convert_to(p_text, 'UTF8'), p_subject_id);
end;
$$;

comment on function _seal_text(integer, uuid, uuid, text, uuid) is
  'Seals a text once it matches what its field is declared to hold; one that does not breaks the constraint of that name (23514). Raises what _seal() raises.';


create function _open_text(
  p_field_id integer,
  p_organization_id uuid,
  p_row_id uuid,
  p_value bytea,
  p_subject_id uuid default null
)
  returns text
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  return convert_from(_open(p_field_id, p_organization_id, p_row_id, p_value, p_subject_id), 'UTF8');
end;
$$;

comment on function _open_text(integer, uuid, uuid, bytea, uuid) is
  'Opens what _seal_text() sealed. Raises what _open() raises.';


-- Sixteen bytes: enough that two values never meet by chance, and no more than it
-- takes to look something up.
create function _blind_index(
  p_field_id integer,
  p_organization_id uuid,
  p_version integer,
  p_value text
)
  returns bytea
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_is_folded boolean;
  v_key_id    integer;
  v_key       bytea;
  v_value     text := p_value;
begin
  if p_value is null then
    return null;
  end if;

  -- One that ended a moment ago is made for whoever asked before: nobody looks it up.
  select sealed_fields.is_folded, blind_index_versions.key_id
  into v_is_folded, v_key_id
  from sealed_fields
  left join blind_index_versions
    on tenant_id = coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000')
    and version = p_version
  where field_id = p_field_id
    and (scope = 'cell') = (p_organization_id is null);

  if v_key_id is null then
    raise exception 'field % has no version % of a blind index', p_field_id, p_version
      using errcode = 'SP526', hint = 'See sealed_fields and blind_index_versions.';
  end if;

  v_key := _derive_key('bidx', p_organization_id, v_key_id);
  if v_is_folded then
    v_value := _fold_ascii(btrim(p_value));
  end if;
  return substr(
    hmac(int4send(p_field_id) || convert_to(v_value, 'UTF8'), substr(v_key, 1, 32), 'sha256'), 1, 16
  );
end;
$$;

comment on function _blind_index(integer, uuid, integer, text) is
  'The blind index of a value: 16 bytes of HMAC-SHA-256, the same for the same value of the same field, organization and version. Raises SP526 for a version there is not, SP321 and SP522 when its key does not work here.';


create function _index_under(
  p_field_id integer,
  p_key_id integer,
  p_value text
)
  returns bytea
  language plpgsql
  stable
  set search_path from current
as $$
declare
  v_key bytea := _derive_key('bidx', null, p_key_id);
begin
  return substr(
    hmac(int4send(p_field_id) || convert_to(p_value, 'UTF8'), substr(v_key, 1, 32), 'sha256'), 1, 16
  );
end;
$$;

comment on function _index_under(integer, integer, text) is
  'The blind index of a value under one key of the cell''s: 16 bytes of HMAC-SHA-256. Raises SP321 and SP522 when that key does not work here.';


-- Evidence is indexed once and never again. So it is indexed under the very key that its
-- value is sealed under, which works for as long as that value is kept, and looked up
-- under every key that works.
create function _index_evidence(
  p_field_id integer,
  p_sealed bytea,
  p_value text
)
  returns bytea
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  if p_value is null then
    return null;
  end if;
  return _index_under(p_field_id, _key_id_of(p_sealed), p_value);
end;
$$;

comment on function _index_evidence(integer, bytea, text) is
  'The blind index of a value of evidence, under the key that it is sealed under. Raises SP321 and SP522 when that key does not work here.';


create function _evidence_indexes(
  p_field_id integer,
  p_value text
)
  returns bytea[]
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_key_id  integer;
  v_indexes bytea[] := '{}';
begin
  for v_key_id in
    select key_id
    from tenant_keys
    where tenant_id = '00000000-0000-0000-0000-000000000000'
      and state in ('active', 'decrypt_only')
    order by key_id
  loop
    v_indexes := array_append(v_indexes, _index_under(p_field_id, v_key_id, p_value));
  end loop;
  return v_indexes;
end;
$$;

comment on function _evidence_indexes(integer, text) is
  'The blind indexes that a value of evidence may have: one for each key of the cell''s that works. Raises SP522 when one of them is not unlocked.';


-- Null when the tenant has no key yet.
create function _looked_up_version(
  p_organization_id uuid
)
  returns integer
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  return (
    select version
    from blind_index_versions
    where tenant_id = coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000')
      and phase in ('steady', 'cutover')
  );
end;
$$;

comment on function _looked_up_version(uuid) is
  'The version of the blind indexes in which values are looked up, or null when there is none yet.';


-- _await_writers() waits for whoever asked here; one whose snapshot is older than a
-- change of phase is told to try again.
create function _written_versions(
  p_organization_id uuid
)
  returns integer[]
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform
    from blind_index_versions
    where tenant_id = v_tenant_id
    for share;
  end if;

  return array(
    select version
    from blind_index_versions
    where tenant_id = v_tenant_id
      and phase <> 'ended'
    order by version
  );
end;
$$;

comment on function _written_versions(uuid) is
  'The versions of the blind indexes that whoever writes a value has to write.';

grant execute on function
  _seal(integer, uuid, uuid, bytea, uuid),
  _open(integer, uuid, uuid, bytea, uuid),
  _seal_text(integer, uuid, uuid, text, uuid),
  _open_text(integer, uuid, uuid, bytea, uuid),
  _blind_index(integer, uuid, integer, text),
  _index_evidence(integer, bytea, text),
  _evidence_indexes(integer, text),
  _looked_up_version(uuid),
  _written_versions(uuid)
to safetypin_definer;


--
-- Opening, for the application
--

-- A key is retired before it is destroyed, and another seals in its place: so where none is
-- left that is not destroyed, the organization was shredded.
create function _is_tenant_shredded(
  p_tenant_id uuid
)
  returns boolean
  language plpgsql
  stable
  set search_path from current
as $$
begin
  return (
    select coalesce(bool_and(state = 'destroyed'), false)
    from tenant_keys
    where tenant_id = p_tenant_id
  );
end;
$$;

comment on function _is_tenant_shredded(uuid) is
  'Whether an organization had keys and every one of them was destroyed.';


-- A list is opened in one call: the key is made once, not once a row. Whose values
-- they are is settled before: row-level security shows the caller only those that
-- they may see, and a value opens nowhere but in its own row.
create function open_fields(
  p_field_id integer,
  p_row_ids uuid[],
  p_values bytea[],
  p_subject_ids uuid[] default null
)
  returns text[]
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_tenant_id   uuid := '00000000-0000-0000-0000-000000000000';
  v_field       record;
  v_count       integer := cardinality(p_values);
  v_subject_ids uuid[] := p_subject_ids;
  v_salts       bytea[];
  v_nonce       bytea := gen_random_bytes(16);
  v_place       bytea;
  v_value       bytea;
  v_length      integer;
  v_aad         bytea;
  v_header      bytea;
  v_db_share    bytea;
  v_check_value bytea;
  v_key         bytea;
  v_is_shredded boolean;
  v_value_key   bytea;
  v_texts       text[] := array_fill(null::text, array[coalesce(v_count, 0)]);
begin
  select scope, row_column, subject_column
  into v_field
  from sealed_fields
  where field_id = p_field_id
    and algorithm = 1
    and opened_by = 'application';

  if not found then
    raise exception 'field % is not opened for applications', p_field_id
      using errcode = 'SP222', hint = 'See sealed_fields.opened_by.';
  end if;
  if p_values is null
     or cardinality(p_row_ids) is distinct from v_count
     or (p_subject_ids is not null and cardinality(p_subject_ids) <> v_count)
  then
    raise exception 'there are not as many rows as values'
      using errcode = 'SP526', hint = 'Pass the ids of the rows, and of their subjects, in the order of the values.';
  end if;

  if v_field.scope = 'organization' then
    v_tenant_id := current_organization_id();
    if v_tenant_id is null then
      raise exception 'no organization is chosen'
        using errcode = 'SP103', hint = 'Call choose_organization() or create_organization() first.';
    end if;
  end if;

  if v_field.subject_column is not null then
    if v_subject_ids is null and v_field.subject_column = v_field.row_column then
      v_subject_ids := p_row_ids;
    end if;
    v_salts := array(
      select subject_salts.salt
      from unnest(v_subject_ids) with ordinality as subject (user_id, place)
      left join subject_salts on subject_salts.user_id = subject.user_id
      order by subject.place
    );
  else
    v_subject_ids := null;
  end if;

  v_place := int4send(p_field_id) || uuid_send(v_tenant_id);

  for v_at in 1 .. v_count loop
    v_value := p_values[v_at];
    continue when v_value is null;

    -- Few keys, one after the other: mostly one.
    if substr(v_value, 1, 6) is distinct from v_header then
      v_header := substr(v_value, 1, 6);
      v_db_share := null;
      v_key := null;
      v_is_shredded := false;
      if octet_length(v_header) = 6 and substr(v_header, 1, 2) = '\x0101' then
        select db_share, check_value
        into v_db_share, v_check_value
        from tenant_keys
        where tenant_id = v_tenant_id
          and key_id = _key_id_of(v_header)
          and state in ('active', 'decrypt_only');
      end if;
      if v_db_share is not null then
        v_key := _unlocked_key('enc', v_tenant_id, _key_id_of(v_header), v_db_share, v_check_value);
      else
        v_is_shredded := _is_tenant_shredded(v_tenant_id);
      end if;
    end if;
    continue when v_is_shredded;

    -- Of whom a value is about, nothing is said to those without its key: not even
    -- whether there is such a person.
    v_value_key := v_key;
    if v_key is not null and v_subject_ids[v_at] is not null then
      -- Shredded a moment ago: there is nothing to show, and nothing wrong.
      continue when v_salts[v_at] is null;
      v_value_key := _subject_key(v_key, v_salts[v_at], v_subject_ids[v_at]);
    end if;

    -- _a256cbc_hs512_open(), in place.
    v_length := octet_length(v_value);
    v_aad := v_header || v_place || uuid_send(p_row_ids[v_at]);
    if v_length < 70
       or _is_same_tag(
         _a256cbc_hs512_tag(v_value_key, v_aad, substr(v_value, 7, v_length - 38)),
         substr(v_value, v_length - 31),
         v_nonce
       ) is not true
    then
      raise exception 'the value cannot be opened'
        using errcode = 'SP521',
          detail = format('Field %s of row %s.', p_field_id, p_row_ids[v_at]),
          hint = 'It was changed, or belongs to another place, or its key or its subject is gone.';
    end if;
    v_texts[v_at] := convert_from(
      decrypt_iv(
        substr(v_value, 23, v_length - 54), substr(v_value_key, 33, 32), substr(v_value, 7, 16),
        'aes-cbc/pad:pkcs'
      ),
      'UTF8'
    );
  end loop;

  return v_texts;
end;
$$;

comment on function open_fields(integer, uuid[], bytea[], uuid[]) is
  'Opens the values of one field of many rows, in their order; null where there is none, or where its subject or its organization was shredded. Raises SP222 for a field that is not for applications, SP526 when the arrays do not match, SP103 when no organization is chosen, SP521 for a value that does not open, SP522 when its key is not unlocked.';

grant execute on function open_fields(integer, uuid[], bytea[], uuid[])
  to safetypin_app, safetypin_operator, safetypin_definer;


--
-- Guarding what is written
--

-- What seals itself cannot be checked by what it says: these bytes may still open to
-- nothing. They cannot be plaintext that somebody forgot to seal, and they cannot be
-- under a key that is about to go. The transaction takes its id before it asks, so
-- that _await_writers() knows of it.
create function _require_sealed(
  p_field_id integer,
  p_algorithm integer,
  p_max_bytes integer,
  p_organization_id uuid,
  p_value bytea,
  p_states text[]
)
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_length    integer := octet_length(p_value);
  v_state     text;
  v_flaw      text;
begin
  if v_length < 6 or get_byte(p_value, 0) <> 1 or get_byte(p_value, 1) <> p_algorithm then
    v_flaw := 'It does not begin like one of version 1 and algorithm ' || p_algorithm || '.';
  elsif p_algorithm = 1
        and not (
          v_length between 70 and 54 + 16 * (p_max_bytes / 16 + 1)
          and (v_length - 54) % 16 = 0
        )
     or p_algorithm = 2
        and v_length not between 34 and 34 + p_max_bytes
  then
    v_flaw := 'It has ' || v_length || ' bytes, as no value of this field has.';
  else
    -- Sealed a moment ago under a key that then ceased to seal: rotation seals it anew, and
    -- the key is not retired before this transaction has ended.
    if current_setting('transaction_isolation') = 'read committed' then
      select
        case
          when state = 'decrypt_only' and decrypt_only_time + interval '1 minute' > now() then 'active'
          else state
        end
      into v_state
      from tenant_keys
      where tenant_id = v_tenant_id
        and key_id = _key_id_of(p_value);
    else
      select state
      into v_state
      from tenant_keys
      where tenant_id = v_tenant_id
        and key_id = _key_id_of(p_value)
      for share;
    end if;
    if (v_state = any (p_states)) is not true then
      v_flaw := 'It is under key ' || _key_id_of(p_value) || ', which is '
        || coalesce(v_state, 'not there') || '.';
    end if;
  end if;

  if v_flaw is not null then
    raise exception 'field % takes sealed values only', p_field_id
      using errcode = 'SP525', detail = v_flaw,
        hint = 'Seal the value for this field and row under the active key.';
  end if;
end;
$$;

comment on function _require_sealed(integer, integer, integer, uuid, bytea, text[]) is
  'Passes for what looks like a value sealed as its field is declared, under a key in one of these states: the active one, or the one that was a minute ago; for evidence, also one that only opens. Raises SP525.';

set local role safetypin_owner;


-- Called in the chapter that makes the column, after the column has its comment. It
-- writes one trigger function for the column: a generic one would have to find the
-- column in every row anew.
create function _declare_sealed_field(
  p_table text,
  p_column text,
  p_field_id integer,
  p_scope text,
  p_opened_by text,
  p_max_bytes integer,
  p_reason text,
  p_subject_column text default null,
  p_pattern text default null,
  p_constraint_name text default null,
  p_is_folded boolean default false,
  p_algorithm integer default 1,
  p_organization_column text default 'organization_id',
  p_sealed_as integer default null
)
  returns void
  language plpgsql
  volatile
  set search_path from current
as $outer$
declare
  v_function     text := format('tg_%s__%s_is_sealed', p_table, p_column);
  v_trigger      text := format('_500_%s_is_sealed', p_column);
  v_role         text := current_setting('role');
  v_organization text := case p_scope when 'organization' then p_organization_column end;
  v_is_evidence  boolean := exists (
    select from pg_trigger
    where tgrelid = p_table::regclass and tgname = '_500_append_only'
  );
  v_owner        name;
  v_row_column   name;
  v_class        text;
begin
  select
    pg_get_userbyid(relowner),
    (
      select attname
      from pg_index
      join pg_attribute as key on key.attrelid = indrelid and key.attnum = indkey[0]
      where indrelid = pg_class.oid
        and indisprimary
        and key.atttypid = 'uuid'::regtype
    ),
    substring(col_description(attrelid, attnum) from '\[(\w+)\]$')
  into v_owner, v_row_column, v_class
  from pg_class
  join pg_attribute on attrelid = pg_class.oid
  where pg_class.oid = p_table::regclass
    and attname = p_column
    and atttypid = 'bytea'::regtype;

  if v_class is distinct from 'sealed' or v_row_column is null then
    raise exception 'column % of % cannot be sealed', p_column, p_table
      using errcode = '42804',
        hint = 'It has to be a bytea whose comment ends with [sealed], in a table whose key begins with a uuid.';
  end if;

  set local role safetypin_keyholder;
  insert into sealed_fields (
    field_id, sealed_as, table_name, column_name, row_column, algorithm, scope, organization_column,
    subject_column, opened_by, max_bytes, pattern, constraint_name, is_folded, reason
  )
  values (
    p_field_id, coalesce(p_sealed_as, p_field_id), p_table, p_column, v_row_column, p_algorithm, p_scope, v_organization,
    p_subject_column, p_opened_by, p_max_bytes, p_pattern,
    coalesce(p_constraint_name, format('%s_%s_is_sealed', p_table, p_column)), p_is_folded, p_reason
  );
  execute format(
    $body$
      create function %1$I()
        returns trigger
        language plpgsql
        security definer
        set search_path from current
      as $trigger$
      begin
        if new.%2$I is null then
          return new;
        end if;
        if tg_op = 'UPDATE' and new.%2$I = old.%2$I then
          if (new.%3$I, %4$s) is distinct from (old.%3$I, %5$s) then
            raise exception 'a sealed value is bound to its row'
              using errcode = 'SP525', detail = 'It would open nowhere else.',
                hint = 'Open it, and seal it for the row it goes to.';
          end if;
          return new;
        end if;
        perform _require_sealed(%6$s, %7$s, %8$s, %4$s, new.%2$I, %9$L);
        return new;
      end;
      $trigger$
    $body$,
    v_function, p_column, v_row_column,
    coalesce('new.' || quote_ident(v_organization), 'null::uuid'),
    coalesce('old.' || quote_ident(v_organization), 'null::uuid'),
    p_field_id, p_algorithm, p_max_bytes,
    -- What waited for it may be under a key that has ceased to seal meanwhile.
    case when v_is_evidence then '{active,decrypt_only}' else '{active}' end
  );
  execute format(
    'comment on function %I() is %L',
    v_function,
    format(
      'Lets only sealed values into %s of %s.%s Raises SP525.',
      p_column, p_table, case p_opened_by when 'application' then ' Applications open it.' else '' end
    )
  );
  execute format('grant execute on function %I() to %I', v_function, v_owner);

  perform set_config('role', v_owner, true);
  execute format(
    'create trigger %I before insert or update on %I for each row execute function %I()',
    v_trigger, p_table, v_function
  );

  if v_is_evidence then
    execute format('alter table %I enable always trigger %I', p_table, v_trigger);
  end if;

  -- What rotation and retirement have to read, and to seal anew.
  execute format(
    'grant select (%s) on %I to safetypin_keyholder',
    (
      select string_agg(quote_ident(name), ', ' order by name)
      from (
        select distinct name
        from unnest(array[v_row_column::text, p_column, v_organization, p_subject_column]) as name
        where name is not null
      ) as names
    ),
    p_table
  );
  if not exists (
    select from pg_policy
    where polrelid = p_table::regclass and polname = 'select_keyholder'
  ) then
    execute format(
      'create policy select_keyholder on %I for select to safetypin_keyholder using (true)', p_table
    );
    execute format(
      'comment on policy select_keyholder on %I is %L',
      p_table, 'Before a key is retired it is looked for in what is sealed.'
    );
  end if;
  if not v_is_evidence then
    execute format('grant update (%I) on %I to safetypin_keyholder', p_column, p_table);
    if not exists (
      select from pg_policy
      where polrelid = p_table::regclass and polname = 'update_keyholder'
    ) then
      execute format(
        'create policy update_keyholder on %I for update to safetypin_keyholder using (true)', p_table
      );
      execute format(
        'comment on policy update_keyholder on %I is %L',
        p_table, 'What is sealed is sealed anew when keys rotate.'
      );
    end if;
  end if;

  perform set_config('role', v_role, true);
end;
$outer$;

comment on function _declare_sealed_field(text, text, integer, text, text, integer, text, text, text, text, boolean, integer, text, integer) is
  'Declares a column to be sealed, gives it the trigger that lets only sealed values in, and lets the keyholder seal it anew. For migrations: called as safetypin_owner by a login that may become safetypin_keyholder. The trigger raises SP525.';


-- Called by the file that undoes such a chapter, before the table goes.
create function _retract_sealed_field(
  p_table text,
  p_column text
)
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_role text := current_setting('role');
begin
  execute format('drop trigger %I on %I', format('_500_%s_is_sealed', p_column), p_table);

  set local role safetypin_keyholder;
  execute format('drop function %I()', format('tg_%s__%s_is_sealed', p_table, p_column));
  delete from sealed_fields where table_name = p_table and column_name = p_column;

  perform set_config('role', v_role, true);
end;
$$;

comment on function _retract_sealed_field(text, text) is
  'Takes back what _declare_sealed_field() made, except for privileges and policies of the table. For the files that undo chapters.';


-- Called in the chapter that makes the table, after the field is declared. The writer
-- is a function of (row, version) that reads the row's value as it is and makes its
-- index in that version, whether there is one already or not.
create function _declare_blind_index(
  p_table text,
  p_field_id integer,
  p_row_column text,
  p_writer text,
  p_organization_column text default 'organization_id'
)
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_role         text := current_setting('role');
  v_owner        name := (select pg_get_userbyid(relowner) from pg_class where oid = p_table::regclass);
  v_writer       regprocedure := to_regprocedure(format('%I(uuid, integer)', p_writer));
  v_writer_owner name := (select pg_get_userbyid(proowner) from pg_proc where oid = v_writer);
  v_organization text := (
    select case scope when 'organization' then p_organization_column end
    from sealed_fields
    where field_id = p_field_id
  );
begin
  if v_writer is null then
    raise exception 'table % has no writer', p_table
      using errcode = '42883', hint = format('Make %s(uuid, integer) first.', p_writer);
  end if;

  set local role safetypin_keyholder;
  insert into blind_indexes (table_name, field_id, row_column, organization_column, writer)
  values (p_table, p_field_id, p_row_column, v_organization, p_writer);

  perform set_config('role', v_writer_owner, true);
  execute format('grant execute on function %I(uuid, integer) to safetypin_keyholder', p_writer);

  perform set_config('role', v_owner, true);
  execute format(
    'grant select (%s), delete on %I to safetypin_keyholder',
    concat_ws(', ', quote_ident(p_row_column), 'version', quote_ident(v_organization)), p_table
  );
  if not exists (
    select from pg_policy
    where polrelid = p_table::regclass and polname = 'select_keyholder'
  ) then
    execute format('create policy select_keyholder on %I for select to safetypin_keyholder using (true)', p_table);
    execute format(
      'comment on policy select_keyholder on %I is %L',
      p_table, 'A rotation looks for what is not indexed yet.'
    );
  end if;
  if not exists (
    select from pg_policy
    where polrelid = p_table::regclass and polname = 'delete_keyholder'
  ) then
    execute format('create policy delete_keyholder on %I for delete to safetypin_keyholder using (true)', p_table);
    execute format(
      'comment on policy delete_keyholder on %I is %L',
      p_table, 'The rows of a version that ended go.'
    );
  end if;

  perform set_config('role', v_role, true);
end;
$$;

comment on function _declare_blind_index(text, integer, text, text, text) is
  'Declares a table of blind indexes, which has a column version, and lets rotation make and delete its rows. For migrations: called as safetypin_owner by a login that may become the owner of the table and of the writer.';


-- Called by the file that undoes such a chapter, before the table goes.
create function _retract_blind_index(
  p_table text
)
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_role text := current_setting('role');
begin
  set local role safetypin_keyholder;
  delete from blind_indexes where table_name = p_table;
  perform set_config('role', v_role, true);
end;
$$;

comment on function _retract_blind_index(text) is
  'Takes back what _declare_blind_index() made, except for privileges and policies of the table. For the files that undo chapters.';

set local role safetypin_keyholder;


--
-- Administering keys
--

-- The other half never passes through a statement: it is the default of its column,
-- and is only handed back.
create function _add_key(
  p_organization_id uuid,
  p_key_id integer,
  p_provider text,
  p_key_name text,
  p_wrapped bytea,
  p_masked bytea
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_tenant_id   uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_next_key_id integer := next_key_id(p_organization_id);
  v_share       bytea;
  v_id          uuid;
  v_db_share    bytea;
  v_check_value bytea;
begin
  if p_key_id is distinct from v_next_key_id then
    raise exception 'the next key has the number %, not %', v_next_key_id, p_key_id
      using errcode = 'SP422', hint = 'Ask next_key_id(), and have the share wrapped for that number.';
  end if;
  if _is_tenant_shredded(v_tenant_id) then
    raise exception 'organization % was shredded: it gets no key any more', p_organization_id
      using errcode = 'SP425', hint = 'Whoever comes back founds another organization.';
  end if;

  v_share := _share_of(p_masked, v_tenant_id, p_key_id);
  if v_share is null then
    raise exception 'this is not the share of key %', p_key_id
      using errcode = 'SP221',
        hint = 'Mask its 32 bytes under the pad that hello() answered on this connection.';
  end if;

  insert into tenant_keys (organization_id, key_id, provider, key_name, wrapped)
  values (p_organization_id, p_key_id, p_provider, p_key_name, p_wrapped)
  returning id, db_share into v_id, v_db_share;

  v_check_value := substr(_purpose_key('kcv', v_share, v_tenant_id, p_key_id, v_db_share), 1, 8);
  update tenant_keys set check_value = v_check_value where id = v_id;

  perform _log_event(
    'key.added',
    p_organization_id => p_organization_id,
    p_resource_type => 'key',
    p_resource_id => v_id,
    p_additional_data => jsonb_build_object('key_id', p_key_id, 'provider', p_provider, 'key_name', p_key_name)
  );
end;
$$;

comment on function _add_key(uuid, integer, text, text, bytea, bytea) is
  'Adds a key that is pending. Raises SP422 when its number is not the next, SP425 to an organization that was shredded, SP221 when its share was not masked under this pad.';


create function _activate_key(
  p_organization_id uuid,
  p_key_id integer,
  p_masked bytea
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_share     bytea;
  v_id        uuid;
begin
  -- One who rotates at a time.
  perform from tenant_keys where tenant_id = v_tenant_id order by key_id for no key update;

  v_share := _require_share(p_masked, p_organization_id, p_key_id, array['pending']);

  update tenant_keys
  set state = 'decrypt_only'
  where tenant_id = v_tenant_id
    and state = 'active';

  update tenant_keys
  set state = 'active'
  where tenant_id = v_tenant_id
    and key_id = p_key_id
  returning id into v_id;

  insert into blind_index_versions (organization_id, version, key_id, phase)
  select p_organization_id, 1, p_key_id, 'steady'
  where not exists (select from blind_index_versions where tenant_id = v_tenant_id);

  perform _log_event(
    'key.activated',
    p_organization_id => p_organization_id,
    p_resource_type => 'key',
    p_resource_id => v_id,
    p_additional_data => jsonb_build_object('key_id', p_key_id)
  );
end;
$$;

comment on function _activate_key(uuid, integer, bytea) is
  'Makes a pending key the one that seals, once its share, unwrapped anew, has proven to be the right one; the one before only opens from then on. Raises SP221.';

grant execute on function
  _add_key(uuid, integer, text, text, bytea, bytea),
  _activate_key(uuid, integer, bytea)
to safetypin_definer;


create function next_key_id(
  p_organization_id uuid default null
)
  returns integer
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  return (
    select coalesce(max(key_id), 0) + 1
    from tenant_keys
    where tenant_id = coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000')
  );
end;
$$;

comment on function next_key_id(uuid) is
  'The number that the next key of an organization, or of the cell for null, will have.';


create function add_key(
  p_organization_id uuid,
  p_key_id integer,
  p_provider text,
  p_key_name text,
  p_wrapped bytea,
  p_masked bytea
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _add_key(p_organization_id, p_key_id, p_provider, p_key_name, p_wrapped, p_masked);
end;
$$;

comment on function add_key(uuid, integer, text, text, bytea, bytea) is
  'Adds a key to an organization, or to the cell for null: its share, wrapped by a key management service and masked. It is pending until activate_key(). Raises SP422 when its number is not the next, SP425 to an organization that was shredded, SP221 when its share was not masked under this pad.';


create function activate_key(
  p_organization_id uuid,
  p_key_id integer,
  p_masked bytea
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  -- Who unlocked before this key was listed could seal nothing under it.
  if p_key_id > 1 then
    perform _await_writers();
  end if;
  perform _activate_key(p_organization_id, p_key_id, p_masked);
end;
$$;

comment on function activate_key(uuid, integer, bytea) is
  'Makes a pending key the one that seals. Unwrap its share anew for this: what proves to be right here is what the key management service gives back. The one before only opens from then on. Who is at work is waited for: they may not have this key. Raises SP221, and SP423 when they do not end.';


create function rewrap_key(
  p_organization_id uuid,
  p_key_id integer,
  p_provider text,
  p_key_name text,
  p_wrapped bytea,
  p_masked bytea
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_share bytea;
  v_id    uuid;
begin
  v_share := _require_share(
    p_masked, p_organization_id, p_key_id, array['pending', 'active', 'decrypt_only', 'retired']
  );

  update tenant_keys
  set
    provider = p_provider,
    key_name = p_key_name,
    wrapped = p_wrapped
  where tenant_id = coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000')
    and key_id = p_key_id
  returning id into v_id;

  perform _log_event(
    'key.rewrapped',
    p_organization_id => p_organization_id,
    p_resource_type => 'key',
    p_resource_id => v_id,
    p_additional_data => jsonb_build_object('key_id', p_key_id, 'provider', p_provider, 'key_name', p_key_name)
  );
end;
$$;

comment on function rewrap_key(uuid, integer, text, text, bytea, bytea) is
  'Keeps a share as another key of a key management service, or another service, wrapped it. Unwrap that anew for this, so that what is kept is known to open. Nothing is sealed anew. Raises SP221.';


-- Names those who are waited for, and never what they do. Since when is known of logins
-- whose statistics one may read; who they are, of all.
create function _describe_transactions(
  p_transactions text[]
)
  returns text
  language plpgsql
  stable
  set search_path from current
as $$
begin
  return (
    select string_agg(
      case
        when holder.pid is null then 'a prepared transaction (pg_prepared_xacts)'
        else concat(
          format('process %s of %s', holder.pid, coalesce(quote_ident(pg_stat_activity.usename), 'a login that is gone')),
          ' (' || quote_nullable(nullif(left(pg_stat_activity.application_name, 64), '')) || ')',
          ', since ' || to_char(pg_stat_activity.xact_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
        )
      end,
      '; ' order by holder.pid
    )
    from (
      select distinct pid
      from pg_locks
      where virtualtransaction = any (p_transactions)
      order by pid
      limit 10
    ) as holder
    left join pg_stat_activity on pg_stat_activity.pid = holder.pid
  );
end;
$$;

comment on function _describe_transactions(text[]) is
  'The processes that are in these transactions, ten at most: number, login, application_name, and since when where one may see it. Never a query.';


-- Whoever writes has read these tables before, and holds a lock on what they have
-- read until their transaction ends. So those who may have read what is over are the
-- ones who hold a lock now; who comes later reads what is. (With an older snapshot
-- they are told to try again: see _require_sealed().)
create function _await_writers()
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_end       timestamptz := clock_timestamp() + interval '5 seconds';
  v_relations oid[] := array['tenant_keys'::regclass, 'blind_index_versions'::regclass];
  v_database  oid := (select oid from pg_database where datname = current_database());
  v_awaited   text[];
begin
  v_awaited := array(
    select virtualtransaction
    from pg_locks
    where database = v_database
      and relation = any (v_relations)
      and mode in ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
      and pid is distinct from pg_backend_pid()
  );

  while exists (
    select
    from pg_locks
    where database = v_database
      and relation = any (v_relations)
      and virtualtransaction = any (v_awaited)
  ) loop
    if clock_timestamp() > v_end then
      raise exception 'transactions that began earlier are still running'
        using errcode = 'SP423',
          detail = _describe_transactions(array(
            select virtualtransaction
            from pg_locks
            where database = v_database
              and relation = any (v_relations)
              and virtualtransaction = any (v_awaited)
          )),
          hint = 'Try again when they are done: a dump is one of them. Who does not end is ended by a DBA: select pg_terminate_backend(pid).';
    end if;
    perform pg_sleep(0.02);
  end loop;
end;
$$;

comment on function _await_writers() is
  'Waits, five seconds at most, until every transaction is done that may have read what was committed before. Raises SP423.';


create function _is_append_only(
  p_table text
)
  returns boolean
  language plpgsql
  stable
  set search_path from current
as $$
begin
  return exists (
    select from pg_trigger
    where tgrelid = p_table::regclass and tgname = '_500_append_only'
  );
end;
$$;

comment on function _is_append_only(text) is
  'Whether a table holds evidence, which is never changed: not even to seal it anew.';


-- The first place that still has a value under a key, or null.
create function _find_sealed_under(
  p_organization_id uuid,
  p_key_id integer
)
  returns text
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_field record;
  v_count bigint;
begin
  if exists (
    select from blind_index_versions
    where tenant_id = coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000')
      and key_id = p_key_id
      and phase <> 'ended'
  ) then
    return 'a version of the blind indexes';
  end if;

  for v_field in
    select table_name, column_name, organization_column
    from sealed_fields
    where (scope = 'cell') = (p_organization_id is null)
    -- Where values wait before where they go: one that moves meanwhile is seen in one of the two.
    order by sealed_as = field_id, field_id
  loop
    execute format(
      'select count(*) from %I where substr(%I, 3, 4) = $1 and %s',
      v_field.table_name, v_field.column_name,
      coalesce(quote_ident(v_field.organization_column) || ' = $2', '$2 is null')
    )
    into v_count
    using int4send(p_key_id), p_organization_id;

    if v_count > 0 then
      return format(
        '%s of %s in %s row%s%s', v_field.column_name, v_field.table_name, v_count,
        case when v_count > 1 then 's' else '' end,
        case when _is_append_only(v_field.table_name) then ', which are evidence' else '' end
      );
    end if;
  end loop;

  return null;
end;
$$;

comment on function _find_sealed_under(uuid, integer) is
  'Something that is still sealed or indexed under a key, in words, or null when nothing is.';


create function retire_key(
  p_organization_id uuid,
  p_key_id integer
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_state     text;
  v_found     text;
  v_id        uuid;
begin
  select state into v_state from tenant_keys where tenant_id = v_tenant_id and key_id = p_key_id;
  if not found then
    raise exception 'there is no key %', p_key_id
      using errcode = 'SP321', hint = 'Ask list_keys() which keys there are and in which state.';
  end if;

  if v_state = 'decrypt_only' then
    perform _await_writers();
    v_found := _find_sealed_under(p_organization_id, p_key_id);
    if v_found is not null then
      raise exception 'key % is still needed, for %', p_key_id, v_found
        using errcode = 'SP424',
          hint = 'Seal it anew under the active key first; evidence keeps its key for as long as it is kept itself.';
    end if;
  end if;

  update tenant_keys
  set state = 'retired'
  where tenant_id = v_tenant_id
    and key_id = p_key_id
  returning id into v_id;

  perform _log_event(
    'key.retired',
    p_organization_id => p_organization_id,
    p_resource_type => 'key',
    p_resource_id => v_id,
    p_additional_data => jsonb_build_object('key_id', p_key_id)
  );
end;
$$;

comment on function retire_key(uuid, integer) is
  'Retires a key that is decrypt_only and under which nothing is sealed any more: it is looked for, and writers that began earlier are waited for. Keep it for as long as there are backups with values under it. Raises SP321 when there is no such key, SP423 when writers do not end, SP424 when something is still under it.';


create function destroy_key(
  p_organization_id uuid,
  p_key_id integer
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_id uuid;
begin
  update tenant_keys
  set
    state = 'destroyed',
    wrapped = null,
    db_share = null
  where tenant_id = coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000')
    and key_id = p_key_id
  returning id into v_id;

  if not found then
    raise exception 'there is no key %', p_key_id
      using errcode = 'SP321', hint = 'Ask list_keys() which keys there are and in which state.';
  end if;

  perform _log_event(
    'key.destroyed',
    p_organization_id => p_organization_id,
    p_resource_type => 'key',
    p_resource_id => v_id,
    p_additional_data => jsonb_build_object('key_id', p_key_id)
  );
end;
$$;

comment on function destroy_key(uuid, integer) is
  'Takes both halves of a retired key out of the database, for good. Backups that are older have them still. Raises SP321 when there is no such key.';


create function list_keys(
  p_after uuid default null,
  p_limit integer default 1000
)
  returns table (
    id uuid,
    organization_id uuid,
    key_id integer,
    state text,
    provider text,
    key_name text,
    wrapped bytea,
    creation_time timestamptz,
    activation_time timestamptz,
    decrypt_only_time timestamptz,
    retirement_time timestamptz,
    destruction_time timestamptz
  )
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  return query
    select
      tenant_keys.id,
      tenant_keys.organization_id,
      tenant_keys.key_id,
      tenant_keys.state,
      tenant_keys.provider,
      tenant_keys.key_name,
      tenant_keys.wrapped,
      tenant_keys.creation_time,
      tenant_keys.activation_time,
      tenant_keys.decrypt_only_time,
      tenant_keys.retirement_time,
      tenant_keys.destruction_time
    from tenant_keys
    where p_after is null or tenant_keys.id > p_after
    order by tenant_keys.id
    limit least(p_limit, 10000);
end;
$$;

comment on function list_keys(uuid, integer) is
  'Every key of the cell and of its organizations, in the order of their ids, after the one that is given: with the wrapped share, and without the other half.';

grant execute on function
  next_key_id(uuid),
  add_key(uuid, integer, text, text, bytea, bytea),
  activate_key(uuid, integer, bytea),
  rewrap_key(uuid, integer, text, text, bytea, bytea),
  retire_key(uuid, integer),
  destroy_key(uuid, integer),
  list_keys(uuid, integer)
to safetypin_operator;


--
-- Shredding: what the keyholder does of it
--

-- Inserted, so that whoever makes the salt of this person at the same moment is waited for.
create function _shred_subject(
  p_user_id uuid
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_index record;
begin
  insert into subject_salts as subject (user_id, salt)
  values (p_user_id, null)
  on conflict (user_id) do update set salt = null;

  -- Blind indexes are made under no salt.
  for v_index in
    select
      blind_indexes.table_name as index_table,
      blind_indexes.row_column as index_row_column,
      sealed_fields.table_name,
      sealed_fields.row_column,
      sealed_fields.subject_column
    from blind_indexes
    join sealed_fields using (field_id)
    where sealed_fields.subject_column is not null
    order by blind_indexes.table_name
  loop
    execute format(
      'delete from %1$I where %2$I in (select %3$I from %4$I where %5$I = $1)',
      v_index.index_table, v_index.index_row_column, v_index.row_column, v_index.table_name,
      v_index.subject_column
    )
    using p_user_id;
  end loop;
end;
$$;

comment on function _shred_subject(uuid) is
  'Takes the salt of a person away for good, and what their values are found by.';


-- Step by step, as every key goes: the trigger knows no other way.
create function _shred_tenant(
  p_organization_id uuid
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_index  record;
  v_key_id integer;
  v_count  integer;
begin
  perform from tenant_keys where tenant_id = p_organization_id order by key_id for no key update;

  update tenant_keys set state = 'decrypt_only' where tenant_id = p_organization_id and state = 'active';
  for v_key_id in
    select key_id from tenant_keys where tenant_id = p_organization_id and state = 'pending' order by key_id
  loop
    update tenant_keys set state = 'active' where tenant_id = p_organization_id and key_id = v_key_id;
    update tenant_keys set state = 'decrypt_only' where tenant_id = p_organization_id and key_id = v_key_id;
  end loop;
  update tenant_keys set state = 'retired' where tenant_id = p_organization_id and state = 'decrypt_only';
  update tenant_keys
  set
    state = 'destroyed',
    wrapped = null,
    db_share = null
  where tenant_id = p_organization_id
    and state = 'retired';
  get diagnostics v_count = row_count;

  update blind_index_versions set phase = 'ended'
  where tenant_id = p_organization_id and phase in ('dual', 'backfill', 'fading');
  update blind_index_versions set phase = 'steady' where tenant_id = p_organization_id and phase = 'cutover';
  update blind_index_versions set phase = 'fading' where tenant_id = p_organization_id and phase = 'steady';
  update blind_index_versions set phase = 'ended' where tenant_id = p_organization_id and phase = 'fading';

  for v_index in
    select table_name, organization_column
    from blind_indexes
    where organization_column is not null
    order by table_name
  loop
    execute format('delete from %I where %I = $1', v_index.table_name, v_index.organization_column)
    using p_organization_id;
  end loop;

  return v_count;
end;
$$;

comment on function _shred_tenant(uuid) is
  'Takes both halves of every key of an organization out of the database for good, and what its values are found by. How many keys that was.';

grant execute on function _shred_subject(uuid), _shred_tenant(uuid) to safetypin_definer;


--
-- Rotation
--

create function _is_subject_shredded(
  p_subject_id uuid
)
  returns boolean
  language plpgsql
  stable
  set search_path from current
as $$
begin
  return exists (select from subject_salts where user_id = p_subject_id and salt is null);
end;
$$;

comment on function _is_subject_shredded(uuid) is
  'Whether this person was shredded.';


-- In blocks of up to 1024 bytes, which is what pgcrypto gives at once.
create function _obliterate(
  p_value bytea,
  p_key_id integer
)
  returns bytea
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_value bytea := substr(p_value, 1, 2) || int4send(p_key_id);
begin
  while octet_length(v_value) < octet_length(p_value) loop
    v_value := v_value || gen_random_bytes(least(1024, octet_length(p_value) - octet_length(v_value)));
  end loop;
  return v_value;
end;
$$;

comment on function _obliterate(bytea, integer) is
  'As long as a sealed value, under the number of a key, and random.';


create function _require_active_key(
  p_organization_id uuid
)
  returns integer
  language plpgsql
  stable
  set search_path from current
as $$
declare
  v_key_id integer;
begin
  select key_id
  into v_key_id
  from tenant_keys
  where tenant_id = coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000')
    and state = 'active';

  if v_key_id is null then
    raise exception '% has no active key',
      case when p_organization_id is null then 'the cell' else 'organization ' || p_organization_id::text end
      using errcode = 'SP321', hint = 'The operator makes the first: "safetypin keys init", of an organization with --organization.';
  end if;
  return v_key_id;
end;
$$;

comment on function _require_active_key(uuid) is
  'The number of the key that seals. Raises SP321 when there is none.';


create function _require_resealed_field(
  p_field_id integer,
  p_algorithm integer,
  p_organization_id uuid,
  p_limit integer
)
  returns sealed_fields
  language plpgsql
  stable
  set search_path from current
as $$
declare
  v_field sealed_fields;
begin
  select *
  into v_field
  from sealed_fields
  where field_id = p_field_id;

  if not found
     or v_field.algorithm <> p_algorithm
     or (v_field.scope = 'cell') <> (p_organization_id is null)
     or p_limit is null
     or p_limit not between 1 and 10000
  then
    raise exception 'field % is not sealed anew like this', p_field_id
      using errcode = 'SP526',
        hint = format(
          'See sealed_fields: its scope has to be that of the call, and what %s. A batch has 1 to 10000 rows.',
          case p_algorithm
            when 1 then 'clients seal is taken by take_client_sealed()'
            else 'is sealed here is sealed anew by reencrypt_batch()'
          end
        );
  end if;
  return v_field;
end;
$$;

comment on function _require_resealed_field(integer, integer, uuid, integer) is
  'A field, where a batch of its values can be sealed anew by this algorithm and for whom the call is. Raises SP526.';


-- What is under another key is all there is to remember of a rotation: whoever is
-- interrupted begins again and finds what is left. Rows that somebody else holds are left
-- to the next pass, and evidence is left for ever.
create function _hold_outdated_values(
  p_field sealed_fields,
  p_key_id integer,
  p_organization_id uuid,
  p_limit integer,
  p_after uuid
)
  returns table (
    row_id uuid,
    value bytea,
    subject_id uuid
  )
  language plpgsql
  volatile
  set search_path from current
as $$
begin
  if _is_append_only(p_field.table_name) then
    return;
  end if;

  return query execute format(
    'select %1$I, %2$I, %3$s
     from %4$I
     where %2$I is not null
       and substr(%2$I, 3, 4) <> $1
       and ($2 is null or %1$I > $2)
       and %5$s
     order by %1$I
     limit $4
     for no key update skip locked',
    p_field.row_column, p_field.column_name, coalesce(quote_ident(p_field.subject_column), 'null::uuid'),
    p_field.table_name, coalesce(quote_ident(p_field.organization_column) || ' = $3', '$3 is null')
  )
  using int4send(p_key_id), p_after, p_organization_id, p_limit;
end;
$$;

comment on function _hold_outdated_values(sealed_fields, integer, uuid, integer, uuid) is
  'Up to so many values of a field that are not under this key, in the order of their rows, after the one that is given, and holds these.';


-- Batch by batch, each a transaction of its own.
create function reencrypt_batch(
  p_field_id integer,
  p_organization_id uuid,
  p_limit integer default 500,
  p_after uuid default null
)
  returns table (
    reencrypted integer,
    last_row_id uuid
  )
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_field  sealed_fields := _require_resealed_field(p_field_id, 1, p_organization_id, p_limit);
  v_key_id integer := _require_active_key(p_organization_id);
  v_row    record;
  v_value  bytea;
  v_ids    uuid[] := '{}';
  v_olds   bytea[] := '{}';
  v_news   bytea[] := '{}';
begin
  for v_row in
    select * from _hold_outdated_values(v_field, v_key_id, p_organization_id, p_limit, p_after)
  loop
    if _is_subject_shredded(v_row.subject_id) then
      -- It opens under no key: random bytes take its place, under the number of the new one.
      v_value := _obliterate(v_row.value, v_key_id);
    else
      v_value := _seal(
        v_field.sealed_as, p_organization_id, v_row.row_id,
        _open(v_field.sealed_as, p_organization_id, v_row.row_id, v_row.value, v_row.subject_id),
        v_row.subject_id
      );
    end if;
    v_ids := v_ids || v_row.row_id;
    v_olds := v_olds || v_row.value;
    v_news := v_news || v_value;
  end loop;

  reencrypted := cardinality(v_ids);
  last_row_id := v_ids[reencrypted];
  if reencrypted > 0 then
    -- All at once: a statement for each row would be planned for each row.
    execute format(
      'update %1$I set %2$I = given.sealed
       from unnest($1, $2, $3) as given (row_id, value, sealed)
       where %1$I.%3$I = given.row_id
         and %1$I.%2$I = given.value',
      v_field.table_name, v_field.column_name, v_field.row_column
    )
    using v_ids, v_olds, v_news;

    perform _log_event(
      'key.reencrypted',
      p_organization_id => p_organization_id,
      p_additional_data => jsonb_build_object('field_id', p_field_id, 'key_id', v_key_id, 'count', reencrypted)
    );
  end if;
  return next;
end;
$$;

comment on function reencrypt_batch(integer, uuid, integer, uuid) is
  'Seals up to so many values of a field anew under the active key, in the order of their rows, after the one that is given: how many, and the last. Both keys have to be unlocked. Evidence is left as it is, and rows that others hold are left to another pass: nothing is left once a pass from the beginning does nothing. Raises SP526 for a field that is not declared so, SP321 without an active key, SP521 for a value that does not open, SP522 when a key is not unlocked.';


-- What clients seal, the database cannot open. So whoever rotates takes it, seals it anew
-- with shares of their own, and brings it back, in one transaction, in which the rows are
-- held. That it says the same is their word; that it is for this field, under the active
-- key, in place of the very value that was taken and as long as that, is ours.
create function take_client_sealed(
  p_field_id integer,
  p_organization_id uuid,
  p_limit integer default 500,
  p_after uuid default null
)
  returns table (
    row_id uuid,
    value bytea
  )
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_field  sealed_fields := _require_resealed_field(p_field_id, 2, p_organization_id, p_limit);
  v_key_id integer := _require_active_key(p_organization_id);
  v_taken  integer;
begin
  return query
    select held.row_id, held.value
    from _hold_outdated_values(v_field, v_key_id, p_organization_id, p_limit, p_after) as held;
  get diagnostics v_taken = row_count;

  if v_taken > 0 then
    perform _log_event(
      'key.values_taken',
      p_organization_id => p_organization_id,
      p_additional_data => jsonb_build_object('field_id', p_field_id, 'key_id', v_key_id, 'count', v_taken)
    );
  end if;
end;
$$;

comment on function take_client_sealed(integer, uuid, integer, uuid) is
  'Holds up to so many values of a field that clients seal (algorithm 2) and that are under older keys, in the order of their rows, after the one that is given, for replace_client_sealed() in the same transaction. Evidence is left as it is, and rows that others hold are left to another pass. Raises SP526 for a field that is not declared so, SP321 without an active key.';


create function replace_client_sealed(
  p_field_id integer,
  p_organization_id uuid,
  p_row_ids uuid[],
  p_old bytea[],
  p_new bytea[]
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_field    record;
  v_key_id   integer;
  v_count    integer := coalesce(cardinality(p_row_ids), 0);
  v_replaced integer := 0;
  v_found    integer;
begin
  select table_name, column_name, row_column, organization_column, algorithm, scope
  into v_field
  from sealed_fields
  where field_id = p_field_id;

  if not found
     or v_field.algorithm <> 2
     or (v_field.scope = 'cell') <> (p_organization_id is null)
     or v_count <> coalesce(cardinality(p_old), 0)
     or v_count <> coalesce(cardinality(p_new), 0)
     or _is_append_only(v_field.table_name)
  then
    raise exception 'field % is not sealed anew like this', p_field_id
      using errcode = 'SP526',
        hint = 'See sealed_fields: it has to be sealed by clients and of the scope of the call; for each row there is a value before and one after.';
  end if;

  v_key_id := _require_active_key(p_organization_id);

  for v_place in 1 .. v_count loop
    if substr(p_new[v_place], 1, 6) <> '\x0102'::bytea || int4send(v_key_id) then
      raise exception 'what is sealed anew is sealed by a client, under the active key'
        using errcode = 'SP525', hint = 'Read the list of keys again, and seal it under the one that is active.';
    end if;
    if octet_length(p_old[v_place]) is distinct from octet_length(p_new[v_place]) then
      raise exception 'what is sealed anew is as long as it was'
        using errcode = 'SP526', hint = 'Seal what the value before opens to, and nothing else.';
    end if;

    execute format(
      'update %1$I set %2$I = $1 where %3$I = $2 and %2$I = $3 and %4$s',
      v_field.table_name, v_field.column_name, v_field.row_column,
      coalesce(quote_ident(v_field.organization_column) || ' = $4', '$4 is null')
    )
    using p_new[v_place], p_row_ids[v_place], p_old[v_place], p_organization_id;
    get diagnostics v_found = row_count;
    v_replaced := v_replaced + v_found;
  end loop;

  if v_replaced > 0 then
    perform _log_event(
      'key.reencrypted',
      p_organization_id => p_organization_id,
      p_additional_data => jsonb_build_object(
        'field_id', p_field_id, 'key_id', v_key_id, 'count', v_replaced
      )
    );
  end if;
  return v_replaced;
end;
$$;

comment on function replace_client_sealed(integer, uuid, uuid[], bytea[], bytea[]) is
  'Puts values that a client sealed anew in the place of those that were taken, row by row, where these are still what they were: how many. Raises SP526 for a field that is not declared so, lists that do not match and a value of another length, SP525 for one that is not under the active key, SP321 without an active key.';


create function count_sealed_values(
  p_field_id integer
)
  returns table (
    organization_id uuid,
    key_id integer,
    value_count bigint,
    is_evidence boolean
  )
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_field record;
begin
  select sealed_fields.table_name, sealed_fields.column_name, sealed_fields.organization_column
  into v_field
  from sealed_fields
  where sealed_fields.field_id = p_field_id;

  if not found then
    raise exception 'field % is not declared', p_field_id
      using errcode = 'SP526', hint = 'See sealed_fields.';
  end if;

  return query execute format(
    'select %1$s, _key_id_of(%2$I), count(*), $1 from %3$I where %2$I is not null group by 1, 2',
    coalesce(quote_ident(v_field.organization_column), 'null::uuid'), v_field.column_name, v_field.table_name
  )
  using _is_append_only(v_field.table_name);
end;
$$;

comment on function count_sealed_values(integer) is
  'How many values of a field are under which key, and whether they are evidence, which keeps its key. Reads the whole table. Raises SP526 for a field that is not declared.';


-- The version that is in one of these phases, its rows locked against whoever else rotates.
create function _require_index_phase(
  p_organization_id uuid,
  p_phases text[]
)
  returns integer
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_version   integer;
begin
  perform from blind_index_versions where tenant_id = v_tenant_id order by version for no key update;

  select version
  into v_version
  from blind_index_versions
  where tenant_id = v_tenant_id
    and phase = any (p_phases);

  if not found then
    raise exception 'no version of the blind indexes is in phase %', array_to_string(p_phases, ' or ')
      using errcode = 'SP421', hint = 'Ask list_index_versions() which versions there are and in which phase.';
  end if;
  return v_version;
end;
$$;

comment on function _require_index_phase(uuid, text[]) is
  'The version of the blind indexes that is in one of the phases; one who rotates them at a time. Raises SP421.';


create function list_index_versions()
  returns table (
    organization_id uuid,
    version integer,
    key_id integer,
    phase text,
    phase_time timestamptz
  )
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  return query
    select
      blind_index_versions.organization_id,
      blind_index_versions.version,
      blind_index_versions.key_id,
      blind_index_versions.phase,
      blind_index_versions.phase_time
    from blind_index_versions
    order by blind_index_versions.tenant_id, blind_index_versions.version;
end;
$$;

comment on function list_index_versions() is
  'The versions of the blind indexes of the cell and of its organizations.';


create function begin_index_rotation(
  p_organization_id uuid default null
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_steady    integer := _require_index_phase(p_organization_id, '{steady}');
  v_key_id    integer;
  v_version   integer;
begin
  select key_id into v_key_id from tenant_keys where tenant_id = v_tenant_id and state = 'active';

  if exists (
    select from blind_index_versions
    where tenant_id = v_tenant_id
      and (
        (version <> v_steady and phase <> 'ended')
        or (version = v_steady and key_id = v_key_id)
      )
  ) then
    raise exception 'the blind indexes are under key % already, or on their way', v_key_id
      using errcode = 'SP421', hint = 'Ask list_index_versions() which versions there are and in which phase.';
  end if;

  insert into blind_index_versions (organization_id, version, key_id, phase)
  select p_organization_id, max(version) + 1, v_key_id, 'dual'
  from blind_index_versions
  where tenant_id = v_tenant_id
  returning version into v_version;

  perform _log_event(
    'blind_index.phase_begun',
    p_organization_id => p_organization_id,
    p_additional_data => jsonb_build_object('version', v_version, 'key_id', v_key_id, 'phase', 'dual')
  );
  return v_version;
end;
$$;

comment on function begin_index_rotation(uuid) is
  'Begins another version of the blind indexes, under the active key: whoever writes a value writes both from now on, and it is looked up in the one before. Raises SP421 when the indexes are under that key already, or on their way to it.';


create function begin_index_backfill(
  p_organization_id uuid default null
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_version integer;
begin
  -- Who began before the version did writes only the one before.
  perform _await_writers();
  v_version := _require_index_phase(p_organization_id, '{dual}');

  update blind_index_versions
  set phase = 'backfill'
  where tenant_id = coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000')
    and version = v_version;

  perform _log_event(
    'blind_index.phase_begun',
    p_organization_id => p_organization_id,
    p_additional_data => jsonb_build_object('version', v_version, 'phase', 'backfill')
  );
  return v_version;
end;
$$;

comment on function begin_index_backfill(uuid) is
  'Begins to index older rows in the version that takes over, once everybody writes it. Raises SP421 when none is in phase dual, SP423 when writers do not end.';


-- The values of somebody who was shredded open no more, and are found by nothing.
create function _unless_shredded(
  p_subject_column text
)
  returns text
  language plpgsql
  immutable
  set search_path from current
as $$
begin
  if p_subject_column is null then
    return 'true';
  end if;
  return format(
    'not exists (select from subject_salts where user_id = indexed.%I and salt is null)', p_subject_column
  );
end;
$$;

comment on function _unless_shredded(text) is
  'What a query asks of the rows it indexes: that their subject, named by this column if any, was not shredded.';


create function backfill_index_batch(
  p_table text,
  p_organization_id uuid,
  p_limit integer default 500,
  p_after uuid default null
)
  returns table (
    indexed integer,
    last_row_id uuid
  )
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_index     record;
  v_version   integer;
  v_row_id    uuid;
begin
  select
    blind_indexes.table_name as index_table,
    blind_indexes.row_column as index_row_column,
    blind_indexes.writer,
    sealed_fields.table_name,
    sealed_fields.column_name,
    sealed_fields.row_column,
    sealed_fields.organization_column,
    sealed_fields.subject_column,
    sealed_fields.scope
  into v_index
  from blind_indexes
  join sealed_fields using (field_id)
  where blind_indexes.table_name = p_table;

  if not found or (v_index.scope = 'cell') <> (p_organization_id is null) or p_limit not between 1 and 10000 then
    raise exception '% is not indexed like this', p_table
      using errcode = 'SP526',
        hint = 'See blind_indexes: the scope of its field has to be that of the call. A batch has 1 to 10000 rows.';
  end if;

  select version
  into v_version
  from blind_index_versions
  where tenant_id = v_tenant_id
    and phase = 'backfill';
  if not found then
    raise exception 'no version of the blind indexes is in phase backfill'
      using errcode = 'SP421', hint = 'Call begin_index_rotation() and begin_index_backfill() first.';
  end if;

  indexed := 0;
  for v_row_id in execute format(
    'select indexed.%1$I
     from %2$I as indexed
     where indexed.%3$I is not null
       and ($2 is null or indexed.%1$I > $2)
       and %4$s
       and not exists (
         select from %5$I as index_row
         where index_row.%6$I = indexed.%1$I and index_row.version = $1
       )
       and %7$s
     order by indexed.%1$I
     limit $4
     for no key update of indexed skip locked',
    v_index.row_column, v_index.table_name, v_index.column_name,
    coalesce('indexed.' || quote_ident(v_index.organization_column) || ' = $3', '$3 is null'),
    v_index.index_table, v_index.index_row_column, _unless_shredded(v_index.subject_column)
  )
  using v_version, p_after, p_organization_id, p_limit
  loop
    execute format('select %I($1, $2)', v_index.writer) using v_row_id, v_version;
    indexed := indexed + 1;
    last_row_id := v_row_id;
  end loop;

  if indexed > 0 then
    perform _log_event(
      'blind_index.backfilled',
      p_organization_id => p_organization_id,
      p_additional_data => jsonb_build_object('table', p_table, 'version', v_version, 'count', indexed)
    );
  end if;
  return next;
end;
$$;

comment on function backfill_index_batch(text, uuid, integer, uuid) is
  'Indexes up to so many rows in the version that takes over, in their order, after the one that is given: how many, and the last. Rows that others hold are left to another pass. Raises SP526 for a table that is not declared so, SP421 when no version is in phase backfill.';


create function cut_over_index(
  p_organization_id uuid default null
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_version   integer := _require_index_phase(p_organization_id, '{backfill}');
  v_index     record;
  v_count     bigint;
begin
  for v_index in
    select
      blind_indexes.table_name as index_table,
      blind_indexes.row_column as index_row_column,
      sealed_fields.table_name,
      sealed_fields.column_name,
      sealed_fields.row_column,
      sealed_fields.organization_column,
      sealed_fields.subject_column
    from blind_indexes
    join sealed_fields using (field_id)
    where (sealed_fields.scope = 'cell') = (p_organization_id is null)
    order by blind_indexes.table_name
  loop
    execute format(
      'select count(*)
       from %1$I as indexed
       where indexed.%2$I is not null
         and %3$s
         and not exists (
           select from %4$I as index_row
           where index_row.%5$I = indexed.%6$I and index_row.version = $1
         )
         and %7$s',
      v_index.table_name, v_index.column_name,
      coalesce('indexed.' || quote_ident(v_index.organization_column) || ' = $2', '$2 is null'),
      v_index.index_table, v_index.index_row_column, v_index.row_column,
      _unless_shredded(v_index.subject_column)
    )
    into v_count
    using v_version, p_organization_id;

    if v_count > 0 then
      raise exception '% rows of % are not indexed in version %', v_count, v_index.table_name, v_version
        using errcode = 'SP424', hint = 'Call backfill_index_batch() until it does nothing.';
    end if;
  end loop;

  update blind_index_versions set phase = 'fading' where tenant_id = v_tenant_id and phase = 'steady';
  update blind_index_versions set phase = 'cutover' where tenant_id = v_tenant_id and version = v_version;

  perform _log_event(
    'blind_index.cut_over',
    p_organization_id => p_organization_id,
    p_additional_data => jsonb_build_object('version', v_version)
  );
  return v_version;
end;
$$;

comment on function cut_over_index(uuid) is
  'Has values looked up in the version that takes over, once every row is found to be indexed in it. The one before is still written: who is at work may look there. Raises SP421 when none is in phase backfill, SP424 when a row is not indexed.';


create function finish_index_rotation(
  p_organization_id uuid default null
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_version   integer;
begin
  -- Who began before the cutover may look values up in the version before.
  perform _await_writers();
  v_version := _require_index_phase(p_organization_id, '{cutover}');

  update blind_index_versions set phase = 'ended' where tenant_id = v_tenant_id and phase = 'fading';
  update blind_index_versions set phase = 'steady' where tenant_id = v_tenant_id and version = v_version;

  perform _log_event(
    'blind_index.finished',
    p_organization_id => p_organization_id,
    p_additional_data => jsonb_build_object('version', v_version)
  );
  return v_version;
end;
$$;

comment on function finish_index_rotation(uuid) is
  'Ends the version before: it is written no more. Its rows go by delete_index_batch(). Raises SP421 when none is in phase cutover, SP423 when those at work do not end.';


create function delete_index_batch(
  p_table text,
  p_organization_id uuid,
  p_limit integer default 5000
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_index     record;
  v_ended     integer[];
  v_count     integer := 0;
begin
  select blind_indexes.row_column, blind_indexes.organization_column, sealed_fields.scope
  into v_index
  from blind_indexes
  join sealed_fields using (field_id)
  where blind_indexes.table_name = p_table;

  if not found
     or (v_index.scope = 'cell') <> (p_organization_id is null)
     or p_limit is null
     or p_limit not between 1 and 100000
  then
    raise exception '% is not indexed like this', p_table
      using errcode = 'SP526',
        hint = 'See blind_indexes: the scope of its field has to be that of the call. A batch has 1 to 100000 rows.';
  end if;

  v_ended := array(
    select version from blind_index_versions where tenant_id = v_tenant_id and phase = 'ended'
  );

  for v_pass in 1 .. 2 loop
    execute format(
      'delete from %1$I
       where (%2$I, version) in (
         select %2$I, version from %1$I where version = any ($1) and %3$s limit $3
       )',
      p_table, v_index.row_column, coalesce(quote_ident(v_index.organization_column) || ' = $2', '$2 is null')
    )
    using v_ended, p_organization_id, p_limit;
    get diagnostics v_count = row_count;

    -- Who began before the end may have written one more.
    exit when v_count > 0 or v_pass = 2 or cardinality(v_ended) = 0;
    perform _await_writers();
  end loop;

  if v_count > 0 then
    perform _log_event(
      'blind_index.swept',
      p_organization_id => p_organization_id,
      p_additional_data => jsonb_build_object('table', p_table, 'versions', v_ended, 'count', v_count)
    );
  end if;
  return v_count;
end;
$$;

comment on function delete_index_batch(text, uuid, integer) is
  'Deletes up to so many rows of versions that ended, and says how many: none once there are none, and nobody is at work who might write one. Raises SP526 for a table that is not declared so, SP423 when writers do not end.';

grant execute on function
  reencrypt_batch(integer, uuid, integer, uuid),
  take_client_sealed(integer, uuid, integer, uuid),
  replace_client_sealed(integer, uuid, uuid[], bytea[], bytea[]),
  count_sealed_values(integer),
  list_index_versions(),
  begin_index_rotation(uuid),
  begin_index_backfill(uuid),
  backfill_index_batch(text, uuid, integer, uuid),
  cut_over_index(uuid),
  finish_index_rotation(uuid),
  delete_index_batch(text, uuid, integer)
to safetypin_operator;

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
