/*
 * 0007 key rotation: everything sealed and indexed anew, in batches
 *
 * Each batch is a transaction of its own, passes over rows that somebody holds, and
 * says how many it did: a rotation that was killed goes on where it was. Blind
 * indexes go from one version to the next without a look-up that misses, since both
 * are written before either is the one that is asked.
 */

set local role safetypin_keyholder;


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
  p_key_id integer,
  p_tenant_id uuid,
  p_place bytea
)
  returns bytea
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_random   bytea := gen_random_bytes(8);
  v_db_share bytea;
  v_value    bytea;
begin
  select db_share
  into v_db_share
  from tenant_keys
  where tenant_id = p_tenant_id
    and key_id = p_key_id;

  v_value := substr(p_value, 1, 2) || int4send(p_key_id) || v_random || _iv_stamp(v_db_share, v_random, p_place);
  while octet_length(v_value) < octet_length(p_value) loop
    v_value := v_value || gen_random_bytes(least(1024, octet_length(p_value) - octet_length(v_value)));
  end loop;
  return v_value;
end;
$$;

comment on function _obliterate(bytea, integer, uuid, bytea) is
  'As long as a value that was sealed here, written like one that this transaction seals for its place under a key, and random.';


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
  v_field     sealed_fields := _require_resealed_field(p_field_id, 1, p_organization_id, p_limit);
  v_key_id    integer := _require_active_key(p_organization_id);
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_row       record;
  v_value     bytea;
  v_ids       uuid[] := array[]::uuid[];
  v_olds      bytea[] := array[]::bytea[];
  v_news      bytea[] := array[]::bytea[];
begin
  for v_row in
    select * from _hold_outdated_values(v_field, v_key_id, p_organization_id, p_limit, p_after)
  loop
    if _is_subject_shredded(v_row.subject_id) then
      -- It opens under no key: random bytes take its place, under the number of the new one.
      v_value := _obliterate(
        v_row.value, v_key_id, v_tenant_id, _sealed_place(v_field.sealed_as, v_tenant_id, v_row.row_id)
      );
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
  set lock_timeout = '2s'
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_version   integer;
begin
  perform _require_read_committed();

  -- Who writes under a snapshot holds these rows until they end: see _written_versions().
  begin
    perform from blind_index_versions where tenant_id = v_tenant_id order by version for no key update;
  exception
    when lock_not_available then
      raise exception 'transactions that began earlier are still running'
        using errcode = 'SP423',
          detail = _describe_holders(array['blind_index_versions'::regclass]),
          hint = 'Try again when they are done. Who does not end is ended by a DBA: select pg_terminate_backend(pid).';
  end;

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
  'The version of the blind indexes that is in one of the phases; one who rotates them at a time. Raises SP421, and SP423 when somebody else holds them and does not end.';


create function list_index_versions(
  p_tenant_id uuid default null
)
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
    where p_tenant_id is null or blind_index_versions.tenant_id = p_tenant_id
    order by blind_index_versions.tenant_id, blind_index_versions.version;
end;
$$;

comment on function list_index_versions(uuid) is
  'The versions of the blind indexes of the cell and of its organizations, or of one of them, the nil uuid for the cell.';


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
  'Begins another version of the blind indexes, under the active key: whoever writes a value writes both from now on, and it is looked up in the one before. Raises SP421 when the indexes are under that key already, or on their way to it; SP510 in a transaction that is not read committed.';


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
  'Begins to index older rows in the version that takes over, once everybody writes it. Raises SP421 when none is in phase dual, SP423 when writers do not end; SP510 in a transaction that is not read committed.';


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
  set lock_timeout = '5s'
as $$
declare
  v_tenant_id  uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_index      record;
  v_version    integer;
  v_row_id     uuid;
  v_subject_id uuid;
begin
  perform _require_read_committed();

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
  for v_row_id, v_subject_id in execute format(
    'select indexed.%1$I, %8$s
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
    v_index.index_table, v_index.index_row_column, _unless_shredded(v_index.subject_column),
    coalesce('indexed.' || quote_ident(v_index.subject_column), 'null::uuid')
  )
  using v_version, p_after, p_organization_id, p_limit
  loop
    last_row_id := v_row_id;
    -- An index may refer to the person as well, and to write it waits for whoever holds
    -- their row.
    perform from users where id = v_subject_id for key share skip locked;
    continue when not found and exists (select from users where id = v_subject_id);

    execute format('select %I($1, $2)', v_index.writer) using v_row_id, v_version;
    indexed := indexed + 1;
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
  'Indexes up to so many rows in the version that takes over, in their order, after the one that is given: how many, and the last that was looked at. Rows that others hold, or whose person''s row they hold, are left to another pass: nothing is left once a pass from the beginning looks at none. Raises SP526 for a table that is not declared so, SP421 when no version is in phase backfill; SP510 in a transaction that is not read committed.';


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
        using errcode = 'SP424',
          detail = _describe_holders(array(
            select v_index.table_name::regclass
            union
            select confrelid::regclass
            from pg_constraint
            where conrelid = v_index.index_table::regclass
              and contype = 'f'
          )),
          hint = 'Call backfill_index_batch() until it looks at none. Rows that somebody holds are passed over: a DBA ends who does not end, select pg_terminate_backend(pid).';
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
  'Has values looked up in the version that takes over, once every row is found to be indexed in it. The one before is still written: who is at work may look there. Raises SP421 when none is in phase backfill, SP424 when a row is not indexed; SP510 in a transaction that is not read committed.';


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
  'Ends the version before: it is written no more. Its rows go by delete_index_batch(). Raises SP421 when none is in phase cutover, SP423 when those at work do not end; SP510 in a transaction that is not read committed.';


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
  set lock_timeout = '2s'
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
    begin
      execute format(
        'delete from %1$I
         where (%2$I, version) in (
           select %2$I, version from %1$I where version = any ($1) and %3$s limit $3
         )',
        p_table, v_index.row_column, coalesce(quote_ident(v_index.organization_column) || ' = $2', '$2 is null')
      )
      using v_ended, p_organization_id, p_limit;
      get diagnostics v_count = row_count;
    exception
      when lock_not_available then
        raise exception 'transactions that began earlier are still running'
          using errcode = 'SP423',
            detail = _describe_holders(array[p_table::regclass]),
            hint = 'Try again when they are done. Who does not end is ended by a DBA: select pg_terminate_backend(pid).';
    end;

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
  list_index_versions(uuid),
  begin_index_rotation(uuid),
  begin_index_backfill(uuid),
  backfill_index_batch(text, uuid, integer, uuid),
  cut_over_index(uuid),
  finish_index_rotation(uuid),
  delete_index_batch(text, uuid, integer)
to safetypin_operator;

set local role safetypin_owner;
