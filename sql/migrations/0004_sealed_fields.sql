/*
 * 0004 sealed fields: values that only their place opens
 *
 * A sealed column is declared, once, in the chapter that makes it. The declaration
 * names its field id, its algorithm, whose key seals it and whose salt is part of
 * that key; it writes the trigger that looks at every value, and lets rotation in.
 * A value also knows its transaction: it is written in the one that sealed it or never,
 * and so an older one does not come back.
 * Functions of ours seal and open single values. An application opens lists, in one
 * call, and only what row-level security shows it.
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
-- Sealing and opening, for functions of ours
--

-- Half of an iv is random, and half is this: who may write a column has every older value of
-- it, and none that is of their transaction. The number of a transaction comes again after a
-- restore or a failover, and its number with the microsecond it began in does not.
create function _iv_stamp(
  p_db_share bytea,
  p_random bytea,
  p_place bytea
)
  returns bytea
  language sql
  volatile
  return substr(
    hmac(
      '\x697600'::bytea || p_random || p_place
        || xid8send(pg_current_xact_id()) || timestamptz_send(transaction_timestamp()),
      p_db_share, 'sha256'
    ),
    1, 8
  );

comment on function _iv_stamp(bytea, bytea, bytea) is
  'The second half of the iv of a value that this transaction seals for a place: 8 bytes, made of the database''s half of the key and the first half of the iv.';


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
  v_place     bytea := _sealed_place(p_field_id, v_tenant_id, p_row_id);
  v_random    bytea := gen_random_bytes(8);
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
    v_key, v_random || _iv_stamp(v_field.db_share, v_random, v_place), v_header || v_place, p_plaintext
  );
end;
$$;

comment on function _seal(integer, uuid, uuid, bytea, uuid) is
  'Seals a value for one field of one row, to be written in this transaction, under the active key of its organization, or of the cell for null. Raises SP221 and SP522 when that key is not unlocked, SP321 when there is none, SP425 about somebody who was shredded, SP526 for a field that is not declared so.';


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

grant execute on function
  _seal(integer, uuid, uuid, bytea, uuid),
  _open(integer, uuid, uuid, bytea, uuid),
  _seal_text(integer, uuid, uuid, text, uuid),
  _open_text(integer, uuid, uuid, bytea, uuid)
to safetypin_definer;


--
-- Opening, for the application
--

-- A key is retired before it is destroyed, and another seals in its place: so where some are
-- destroyed and none is left that ever sealed, the organization was shredded. One that was
-- being added at that moment is pending, and stays so.
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
    select coalesce(bool_or(state = 'destroyed') and bool_and(state in ('pending', 'destroyed')), false)
    from tenant_keys
    where tenant_id = p_tenant_id
  );
end;
$$;

comment on function _is_tenant_shredded(uuid) is
  'Whether an organization had keys and every one of them that sealed was destroyed.';


-- A list is opened in one call: the key is made once, not once a row, and that of each
-- person once, however many fields are about them. Whose values they are is settled
-- before: row-level security shows the caller only those that they may see, and a value
-- opens nowhere but in its own field and row.
create function _open_values(
  p_field_ids integer[],
  p_row_ids uuid[],
  p_values bytea[],
  p_subject_ids uuid[]
)
  returns text[]
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_tenant_id    uuid := uuid '00000000-0000-0000-0000-000000000000';
  v_fields       integer := cardinality(p_field_ids);
  v_count        integer := cardinality(p_row_ids);
  v_before       integer := 0;
  v_first        record;
  v_field        record;
  v_subject_ids  uuid[];
  v_salts        bytea[];
  v_subject_keys bytea[];
  v_nonce        bytea := gen_random_bytes(16);
  v_place        bytea;
  v_value        bytea;
  v_length       integer;
  v_aad          bytea;
  v_header       bytea;
  v_db_share     bytea;
  v_check_value  bytea;
  v_key          bytea;
  v_is_shredded  boolean;
  v_value_key    bytea;
  v_texts        text[] := array_fill(null::text, array[coalesce(cardinality(p_values), 0)]);
begin
  if p_values is null
     or v_count is null
     or coalesce(v_fields, 0) = 0
     or cardinality(p_values) <> v_fields * v_count
     or array_dims(p_values) <> '[1:' || cardinality(p_values) || ']'
     or (p_subject_ids is not null and cardinality(p_subject_ids) <> v_count)
  then
    raise exception 'there are not as many rows as values'
      using errcode = 'SP526',
        hint = 'Pass the ids of the rows, and of their subjects, in the order of the values: all of the first field, then all of the next.';
  end if;

  for v_number in 1 .. v_fields loop
    select table_name, scope, row_column, subject_column
    into v_field
    from sealed_fields
    where field_id = p_field_ids[v_number]
      and algorithm = 1
      and opened_by = 'application';

    if not found then
      raise exception 'field % is not opened for applications', p_field_ids[v_number]
        using errcode = 'SP222', hint = 'See sealed_fields.opened_by.';
    end if;

    if v_number = 1 then
      v_first := v_field;
    elsif v_field <> v_first then
      raise exception 'fields % and % are not sealed alike', p_field_ids[1], p_field_ids[v_number]
        using errcode = 'SP526',
          hint = 'Open together what is of one table, one scope and one subject: see sealed_fields.';
    end if;
  end loop;

  if v_field.scope = 'organization' then
    v_tenant_id := current_organization_id();
    if v_tenant_id is null then
      raise exception 'no organization is chosen'
        using errcode = 'SP103', hint = 'Call choose_organization() or create_organization() first.';
    end if;
  end if;

  if v_field.subject_column is not null then
    v_subject_ids := p_subject_ids;
    if v_subject_ids is null and v_field.subject_column = v_field.row_column then
      v_subject_ids := p_row_ids;
    end if;
    v_salts := array(
      select subject_salts.salt
      from unnest(v_subject_ids) with ordinality as subject (user_id, place)
      left join subject_salts on subject_salts.user_id = subject.user_id
      order by subject.place
    );
  end if;

  for v_number in 1 .. v_fields loop
    v_place := int4send(p_field_ids[v_number]) || uuid_send(v_tenant_id);

    for v_at in 1 .. v_count loop
      v_value := p_values[v_before + v_at];
      continue when v_value is null;

      -- Few keys, one after the other: mostly one.
      if substr(v_value, 1, 6) is distinct from v_header then
        v_header := substr(v_value, 1, 6);
        v_db_share := null;
        v_key := null;
        v_subject_keys := null;
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
        v_value_key := coalesce(
          v_subject_keys[v_at], _subject_key(v_key, v_salts[v_at], v_subject_ids[v_at])
        );
        if v_number < v_fields then
          v_subject_keys[v_at] := v_value_key;
        end if;
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
            detail = format('Field %s of row %s.', p_field_ids[v_number], p_row_ids[v_at]),
            hint = 'It was changed, or belongs to another place, or its key or its subject is gone.';
      end if;
      v_texts[v_before + v_at] := convert_from(
        decrypt_iv(
          substr(v_value, 23, v_length - 54), substr(v_value_key, 33, 32), substr(v_value, 7, 16),
          'aes-cbc/pad:pkcs'
        ),
        'UTF8'
      );
    end loop;

    v_before := v_before + v_count;
  end loop;

  return v_texts;
end;
$$;

comment on function _open_values(integer[], uuid[], bytea[], uuid[]) is
  'Opens the values of fields of many rows, all of the first field and then all of the next, in their order. Raises SP103, SP222, SP521 and SP526 for what open_rows() raises them for.';

grant execute on function _open_values(integer[], uuid[], bytea[], uuid[]) to safetypin_definer;


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
begin
  return _open_values(array[p_field_id], p_row_ids, p_values, p_subject_ids);
end;
$$;

comment on function open_fields(integer, uuid[], bytea[], uuid[]) is
  'Opens the values of one field of many rows, in their order; null where there is none, or where its subject or its organization was shredded. Raises SP222 for a field that is not for applications, SP526 when the arrays do not match, SP103 when no organization is chosen, SP521 for a value that does not open, SP522 when its key is not unlocked.';


create function open_rows(
  p_field_ids integer[],
  p_row_ids uuid[],
  p_values bytea[],
  p_subject_ids uuid[] default null
)
  returns table (
    id uuid,
    texts text[]
  )
  language plpgsql
  stable
  rows 100
  security definer
  set search_path from current
as $$
declare
  v_texts text[] := _open_values(p_field_ids, p_row_ids, p_values, p_subject_ids);
  v_count integer := cardinality(p_row_ids);
begin
  texts := array_fill(null::text, array[cardinality(p_field_ids)]);
  for v_at in 1 .. v_count loop
    id := p_row_ids[v_at];
    for v_number in 1 .. cardinality(p_field_ids) loop
      texts[v_number] := v_texts[(v_number - 1) * v_count + v_at];
    end loop;
    return next;
  end loop;
end;
$$;

comment on function open_rows(integer[], uuid[], bytea[], uuid[]) is
  'Opens several fields of many rows, which share a table, a scope and a subject, from all values of the first field and then all of the next: the texts of each row in the order of the fields. Raises SP222 for a field that is not for applications, SP526 when the arrays do not match or the fields are not sealed alike, SP103 when no organization is chosen, SP521 for a value that does not open, SP522 when its key is not unlocked.';

grant execute on function
  open_fields(integer, uuid[], bytea[], uuid[]),
  open_rows(integer[], uuid[], bytea[], uuid[])
to safetypin_app, safetypin_operator;


--
-- Guarding what is written
--

-- What seals itself cannot be checked by what it says: these bytes may still open to
-- nothing. They cannot be plaintext that somebody forgot to seal, they cannot be under a
-- key that is about to go, and of algorithm 1 they cannot have been in this place before:
-- they are written by the transaction that sealed them. That one has its number before it
-- asks, so _await_writers() knows of it.
create function _require_sealed(
  p_field_id integer,
  p_sealed_as integer,
  p_algorithm integer,
  p_max_bytes integer,
  p_organization_id uuid,
  p_row_id uuid,
  p_value bytea,
  p_states text[],
  p_is_handed_over boolean
)
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_length    integer := octet_length(p_value);
  v_nonce     bytea;
  v_stamp     bytea;
  v_state     text;
  v_db_share  bytea;
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
    if current_setting('transaction_isolation') = 'read committed' then
      select state, db_share
      into v_state, v_db_share
      from tenant_keys
      where tenant_id = v_tenant_id
        and key_id = _key_id_of(p_value);

      -- Sealed a moment ago under a key that then ceased to seal: rotation seals it anew, and
      -- the key is not retired before this transaction has ended. Who retires it at this moment,
      -- and may have looked here already, is waited for.
      if v_state = 'decrypt_only' and (v_state = any (p_states)) is not true then
        select case
          when state = 'decrypt_only' and decrypt_only_time + interval '1 minute' > now() then 'active'
          else state
        end
        into v_state
        from tenant_keys
        where tenant_id = v_tenant_id
          and key_id = _key_id_of(p_value)
        for share;
      end if;
    else
      select state, db_share
      into v_state, v_db_share
      from tenant_keys
      where tenant_id = v_tenant_id
        and key_id = _key_id_of(p_value)
      for share;
    end if;
    if (v_state = any (p_states)) is not true then
      v_flaw := 'It is under key ' || _key_id_of(p_value) || ', which is '
        || coalesce(v_state, 'not there') || '.';
    elsif p_algorithm = 1 and not p_is_handed_over then
      v_nonce := gen_random_bytes(16);
      v_stamp := _iv_stamp(
        v_db_share, substr(p_value, 7, 8), _sealed_place(p_sealed_as, v_tenant_id, p_row_id)
      );
      -- What a publisher wrote, a subscriber writes in a transaction of its own.
      if not _is_same_tag(v_stamp, substr(p_value, 15, 8), v_nonce)
         and current_setting('session_replication_role') <> 'replica'
      then
        v_flaw := 'It was sealed for another row or column, or in another transaction.';
      end if;
    end if;
  end if;

  if v_flaw is not null then
    raise exception 'field % takes sealed values only', p_field_id
      using errcode = 'SP525', detail = v_flaw,
        hint = 'Seal the value for this field and row under the active key, in the transaction that writes it.';
  end if;
end;
$$;

comment on function _require_sealed(integer, integer, integer, integer, uuid, uuid, bytea, text[], boolean) is
  'Passes for what looks like a value sealed as its field is declared, under a key in one of these states: the active one, or the one that was a minute ago; for evidence, also one that only opens. One of algorithm 1 was sealed for this row in this transaction, or is handed over as it is. Raises SP525.';

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
  -- Whose salt is part of the key that a value opens with. Clients seal with none.
  v_subject      text := case p_algorithm when 1 then p_subject_column end;
  v_is_evidence  boolean := exists (
    select from pg_trigger
    where tgrelid = p_table::regclass and tgname = '_500_append_only'
  );
  v_is_handed    text;
  v_owner        name;
  v_row_column   name;
  v_class        text;
begin
  if exists (select from sealed_fields where field_id = p_sealed_as) then
    raise exception 'field % is declared already, and takes nothing over from %.%', p_sealed_as, p_table, p_column
      using errcode = '42804', hint = 'Declare where values wait first, and then where they go.';
  end if;

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

  -- What waits in another table for the row of its id there comes as it is, while it stands there.
  select string_agg(
    format(
      'exists (select from %I where %I = new.%I and %I = new.%I)',
      table_name, row_column, v_row_column, column_name, p_column
    ),
    ' or ' order by field_id
  )
  into v_is_handed
  from sealed_fields
  where sealed_as = p_field_id;

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
          if (new.%3$I, %4$s, %12$s) is distinct from (old.%3$I, %5$s, %13$s) then
            raise exception 'a sealed value is bound to its row'
              using errcode = 'SP525', detail = 'It would open nowhere else.',
                hint = 'Open it, and seal it for where it goes to, or for whom it is about.';
          end if;
          return new;
        end if;
        perform _require_sealed(%6$s, %10$s, %7$s, %8$s, %4$s, new.%3$I, new.%2$I, %9$L, %11$s);
        return new;
      end;
      $trigger$
    $body$,
    v_function, p_column, v_row_column,
    coalesce('new.' || quote_ident(v_organization), 'null::uuid'),
    coalesce('old.' || quote_ident(v_organization), 'null::uuid'),
    p_field_id, p_algorithm, p_max_bytes,
    -- What waited for it may be under a key that has ceased to seal meanwhile.
    case when v_is_evidence then '{active,decrypt_only}' else '{active}' end,
    coalesce(p_sealed_as, p_field_id), coalesce(v_is_handed, 'false'),
    coalesce('new.' || quote_ident(v_subject), 'null::uuid'),
    coalesce('old.' || quote_ident(v_subject), 'null::uuid')
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
