/*
 * 0005 blind indexes: finding a value by equality while nobody can read it
 *
 * A blind index is a keyed digest of a value: the same for the same value, in one
 * field of one organization, and worthless without the key. It outlives the key it
 * was made under, so its versions are counted by themselves, and several may stand
 * side by side while one takes over. Evidence is never indexed anew: there each key
 * that works is asked.
 *
 * What is known by an address and keeps none, a throttle, a message asked for, the salt
 * that an address nobody has is answered, is known by a digest under keys of its own.
 * These are sealed like everything else: whoever has a dump cannot even try a guess.
 */

set local role safetypin_keyholder;


--
-- Versions, and the tables that hold them
--

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

create trigger _500_no_truncate
  before truncate on blind_index_versions
  execute function tg__never_emptied();

alter table blind_index_versions enable always trigger _500_only_forward;
alter table blind_index_versions enable always trigger _500_no_truncate;

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

select _record_changes_of('blind_index_versions', p_ignored => '{phase_time}');

set local role safetypin_keyholder;


--
-- Making indexes
--

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
  v_indexes bytea[] := array[]::bytea[];
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
  _blind_index(integer, uuid, integer, text),
  _index_evidence(integer, bytea, text),
  _evidence_indexes(integer, text),
  _looked_up_version(uuid),
  _written_versions(uuid)
to safetypin_definer;

set local role safetypin_owner;


--
-- Declaring them
--

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


--
-- Digests of what is not kept
--

-- Each is made by whoever needs it first, since only they can seal it: so a rotation
-- asks for no key, and a cell that nobody has signed in to has none.
create table digest_keys (
  id            uuid not null default new_id(),
  purpose       text not null,
  secret        bytea,
  creation_time timestamptz not null default now(),
  retired_time  timestamptz,

  constraint digest_keys_pkey primary key (id),
  constraint digest_keys_purpose_is_known check (purpose in ('address', 'salt'))
);

-- One digests; and what was counted under the one before is moved to it, so one drains.
create unique index digest_keys_purpose_key on digest_keys (purpose, (retired_time is null));

comment on table digest_keys is
  'Keys that digest addresses where the address itself is not kept. Sealed under the cell''s key: nobody confirms a guess at an address by a dump.';
comment on column digest_keys.id is 'The id of the key. [internal]';
comment on column digest_keys.purpose is
  'address makes what addresses and network addresses are known by; salt makes what an address nobody has is answered, and never rotates. [internal]';
comment on column digest_keys.secret is
  '64 random bytes, made by whoever needs them first; null until then. [sealed]';
comment on column digest_keys.creation_time is 'When the key was called for. [internal]';
comment on column digest_keys.retired_time is 'When the next one took over; null while it digests. [internal]';

select _declare_sealed_field(
  'digest_keys', 'secret', 11, 'cell', 'database', 64,
  'Whoever has it confirms a guess at an address that is not even kept.'
);

alter table digest_keys enable row level security;
alter table digest_keys force row level security;

create policy select_definer on digest_keys
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on digest_keys is
  'The functions that digest addresses open the keys, and nobody who calls them.';

create policy insert_definer on digest_keys
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on digest_keys is
  'Keys are called for by their chapter and by rotation.';

create policy update_definer on digest_keys
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on digest_keys is
  'A key is made where it is needed first, and retired by rotation.';

create policy delete_definer on digest_keys
  for delete
  to safetypin_definer
  using (retired_time is not null);
comment on policy delete_definer on digest_keys is 'Only a key that digests no more is deleted.';

create policy select_backup on digest_keys
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on digest_keys is
  'A backup holds the keys, sealed: restored, failures count on.';

grant select, delete on digest_keys to safetypin_definer;
grant insert (id, purpose) on digest_keys to safetypin_definer;
grant update (secret, retired_time) on digest_keys to safetypin_definer;
grant select on digest_keys to safetypin_backup;

set local role safetypin_definer;

insert into digest_keys (purpose)
values ('address'), ('salt');


-- Two who need it first get the same one: the second waits for the first.
create function _make_digest_key(
  p_id uuid
)
  returns bytea
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_sealed bytea := _seal(11, null, p_id, gen_random_bytes(64));
begin
  update digest_keys
  set secret = v_sealed
  where id = p_id
    and secret is null;

  if not found then
    select secret into v_sealed from digest_keys where id = p_id;
  end if;
  return v_sealed;
end;
$$;

comment on function _make_digest_key(uuid) is
  'Makes a key that was called for, if nobody has, and returns it sealed. Raises SP321 and SP522 when the cell''s key does not work here.';


-- Opened once for all that a function digests, and handed on by assignment: no statement
-- has one for a parameter.
create function _open_digest_keys(
  p_purpose text
)
  returns bytea[]
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_key     record;
  v_sealed  bytea;
  v_secret  bytea;
  v_secrets bytea[] := array[]::bytea[];
begin
  for v_key in
    select id, secret, retired_time
    from digest_keys
    where purpose = p_purpose
    order by retired_time nulls first
  loop
    v_sealed := v_key.secret;
    if v_sealed is null and v_key.retired_time is null then
      v_sealed := _make_digest_key(v_key.id);
    end if;
    v_secret := _open(11, null, v_key.id, v_sealed);
    v_secrets := array_append(v_secrets, v_secret);
  end loop;
  return v_secrets;
end;
$$;

comment on function _open_digest_keys(text) is
  'The key that digests for a purpose, opened, and behind it the one before while that drains. Call it by assignment, which has no plan that shows a key. Raises SP321 and SP522 when the cell''s key does not work here, SP521 for a key that does not open.';


create function _keyed_digest(
  p_subject text,
  p_key bytea
)
  returns bytea
  language plpgsql
  stable
  strict
  set search_path from current
as $$
begin
  return hmac(convert_to(p_subject, 'UTF8'), p_key, 'sha256');
end;
$$;

comment on function _keyed_digest(text, bytea) is
  'HMAC-SHA-256 (RFC 2104) of a text under a digest key: 32 bytes, the same for the same text, worthless without the key.';


create function _digest_key_id()
  returns uuid
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  return (select id from digest_keys where purpose = 'address' and retired_time is null);
end;
$$;

comment on function _digest_key_id() is
  'The key that addresses are digested under. Needs no key of the cell''s.';

set local role safetypin_owner;
