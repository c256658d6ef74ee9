/*
 * 0006 key lifecycle: pending, active, decrypt_only, retired, destroyed
 *
 * A key goes forward, one step at a time, and each step is an event. Whoever writes
 * while a key changes is not locked out: what was sealed a moment before is let in,
 * and a key is retired only when nothing is under it and nobody may still write.
 * Shredding takes every key of an organization through all of it at once, or one
 * person's salt away.
 */

set local role safetypin_keyholder;


--
-- Administering keys
--

create function _require_new_share(
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
  v_share bytea := _share_of(p_masked, p_tenant_id, p_key_id);
begin
  if v_share is null then
    raise exception 'this is not the share of key %', p_key_id
      using errcode = 'SP221',
        hint = 'Mask its 32 bytes under the pad that hello() answered on this connection.';
  end if;
  return v_share;
end;
$$;

comment on function _require_new_share(bytea, uuid, integer) is
  'The share of a key that is being made. Raises SP221 for anything but 32 bytes, masked under this connection''s pad.';


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

  v_share := _require_new_share(p_masked, v_tenant_id, p_key_id);

  insert into tenant_keys (organization_id, key_id, provider, key_name, wrapped)
  values (p_organization_id, p_key_id, p_provider, p_key_name, p_wrapped)
  returning id, db_share into v_id, v_db_share;

  v_check_value := _check_value(v_share, v_tenant_id, p_key_id, v_db_share);
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

  -- Whose keys were all destroyed while this one was being added.
  if _is_tenant_shredded(v_tenant_id) then
    raise exception 'organization % was shredded: no key of it seals any more', p_organization_id
      using errcode = 'SP425', hint = 'Whoever comes back founds another organization.';
  end if;

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
  'Makes a pending key the one that seals, once its share, unwrapped anew, has proven to be the right one; the one before only opens from then on. Raises SP221, and SP425 for an organization that was shredded.';

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
  set lock_timeout = '5s'
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
  'Makes a pending key the one that seals. Unwrap its share anew for this: what proves to be right here is what the key management service gives back. The one before only opens from then on. Who is at work is waited for: they may not have this key. Raises SP221, SP425 for an organization that was shredded, and SP423 when they do not end.';


-- Nothing was ever sealed under a key that is pending. So one whose share opens nowhere does
-- not end all rotating: it keeps its number and its state, and nothing it was made of. Whoever
-- has its share in memory unlocks nothing with it, and is stopped by nothing.
create function renew_key(
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
  v_state       text;
  v_share       bytea;
  v_id          uuid;
  v_db_share    bytea;
  v_check_value bytea;
begin
  -- One who rotates at a time.
  perform from tenant_keys where tenant_id = v_tenant_id order by key_id for no key update;

  select state into v_state from tenant_keys where tenant_id = v_tenant_id and key_id = p_key_id;
  if not found then
    raise exception 'there is no key %', p_key_id
      using errcode = 'SP321', hint = 'Ask list_keys() which keys there are and in which state.';
  end if;
  if v_state <> 'pending' then
    raise exception 'key % is %: it cannot be made anew', p_key_id, v_state
      using errcode = 'SP421', hint = 'Only one that is pending is: nothing is sealed under it.';
  end if;

  v_share := _require_new_share(p_masked, v_tenant_id, p_key_id);

  update tenant_keys
  set
    provider = p_provider,
    key_name = p_key_name,
    wrapped = p_wrapped,
    db_share = default,
    check_value = default
  where tenant_id = v_tenant_id
    and key_id = p_key_id
  returning id, db_share into v_id, v_db_share;

  v_check_value := _check_value(v_share, v_tenant_id, p_key_id, v_db_share);
  update tenant_keys set check_value = v_check_value where id = v_id;

  perform _log_event(
    'key.renewed',
    p_organization_id => p_organization_id,
    p_resource_type => 'key',
    p_resource_id => v_id,
    p_additional_data => jsonb_build_object('key_id', p_key_id, 'provider', p_provider, 'key_name', p_key_name)
  );
end;
$$;

comment on function renew_key(uuid, integer, text, text, bytea, bytea) is
  'Makes a pending key anew in its place, of two other halves, where its share opens no more: its new share, wrapped and masked as for add_key(). It is pending as if it had been added now. Raises SP321 when there is no such key, SP421 when it is not pending, SP221 when its share was not masked under this pad.';


create function check_share(
  p_organization_id uuid,
  p_key_id integer,
  p_masked bytea
)
  returns void
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  perform _require_share(
    p_masked, p_organization_id, p_key_id, array['pending', 'active', 'decrypt_only', 'retired']
  );
end;
$$;

comment on function check_share(uuid, integer, bytea) is
  'Passes for a share, unwrapped anew and masked, that is its key''s. Nothing is unlocked. Raises SP221.';


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
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_share     bytea;
  v_id        uuid;
begin
  -- Behind whoever makes it anew at this moment: then this is not its share any more.
  perform from tenant_keys where tenant_id = v_tenant_id and key_id = p_key_id for no key update;

  v_share := _require_share(
    p_masked, p_organization_id, p_key_id, array['pending', 'active', 'decrypt_only', 'retired']
  );

  update tenant_keys
  set
    provider = p_provider,
    key_name = p_key_name,
    wrapped = p_wrapped
  where tenant_id = v_tenant_id
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
  return coalesce(
    (
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
    ),
    'they have ended meanwhile'
  );
end;
$$;

comment on function _describe_transactions(text[]) is
  'The processes that are in these transactions, ten at most: number, login, application_name, and since when where one may see it. Never a query.';

grant execute on function _describe_transactions(text[]) to safetypin_definer;


-- No function of PostgreSQL says which transaction holds a row. So those are named that
-- hold any of these tables' rows, the oldest first: who was there when a row was passed
-- over, and is there still, is among them.
create function _describe_holders(
  p_tables regclass[]
)
  returns text
  language plpgsql
  stable
  set search_path from current
as $$
declare
  v_holders text[] := array(
    select held.virtualtransaction
    from pg_locks as held
    join pg_locks as numbered
      on numbered.virtualtransaction = held.virtualtransaction
     and numbered.locktype = 'transactionid'
     and numbered.granted
    where held.database = (select oid from pg_database where datname = current_database())
      and held.relation = any (p_tables::oid[])
      and held.mode <> 'AccessShareLock'
      and held.granted
      and held.pid is distinct from pg_backend_pid()
    group by held.virtualtransaction
    order by max(age(numbered.transactionid)) desc
    limit 3
  );
begin
  if cardinality(v_holders) = 0 then
    return '';
  end if;
  return _describe_transactions(v_holders);
end;
$$;

comment on function _describe_holders(regclass[]) is
  'The three oldest transactions that hold rows of these tables, in the words of _describe_transactions(); empty when there is none.';


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


-- The tables of what a rotation has yet to seal anew. Evidence is not among it.
create function _tables_left_under(
  p_organization_id uuid,
  p_key_id integer
)
  returns regclass[]
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_field  record;
  v_found  boolean;
  v_tables regclass[] := array[]::regclass[];
begin
  for v_field in
    select table_name, column_name, organization_column
    from sealed_fields
    where (scope = 'cell') = (p_organization_id is null)
      and not _is_append_only(table_name)
    order by field_id
  loop
    execute format(
      'select exists (select from %I where substr(%I, 3, 4) = $1 and %s)',
      v_field.table_name, v_field.column_name,
      coalesce(quote_ident(v_field.organization_column) || ' = $2', '$2 is null')
    )
    into v_found
    using int4send(p_key_id), p_organization_id;

    if v_found then
      v_tables := v_tables || v_field.table_name::regclass;
    end if;
  end loop;
  return v_tables;
end;
$$;

comment on function _tables_left_under(uuid, integer) is
  'The tables in which something is under a key that could be sealed anew.';


create function retire_key(
  p_organization_id uuid,
  p_key_id integer
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
  set lock_timeout = '5s'
as $$
declare
  v_tenant_id uuid := coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000');
  v_state     text;
  v_found     text;
  v_id        uuid;
begin
  perform _require_read_committed();

  select state into v_state from tenant_keys where tenant_id = v_tenant_id and key_id = p_key_id;
  if not found then
    raise exception 'there is no key %', p_key_id
      using errcode = 'SP321', hint = 'Ask list_keys() which keys there are and in which state.';
  end if;

  if v_state = 'retired' then
    raise exception 'key % is retired already', p_key_id
      using errcode = 'SP421', hint = 'Destroy it once no backup is left in which it was needed.';
  end if;
  if v_state = 'decrypt_only' then
    perform _await_writers();
    -- And behind those who write under it a moment after it ceased to seal; who comes later waits
    -- for us. Not before the others are done: they may be about to.
    begin
      perform from tenant_keys where tenant_id = v_tenant_id and key_id = p_key_id for no key update;
    exception
      when lock_not_available then
        raise exception 'transactions that began earlier are still running'
          using errcode = 'SP423',
            detail = _describe_holders(array['tenant_keys'::regclass]),
            hint = 'Try again when they are done. Who does not end is ended by a DBA: select pg_terminate_backend(pid).';
    end;
    v_found := _find_sealed_under(p_organization_id, p_key_id);
    if v_found is not null then
      raise exception 'key % is still needed, for %', p_key_id, v_found
        using errcode = 'SP424',
          detail = _describe_holders(_tables_left_under(p_organization_id, p_key_id)),
          hint = 'Seal it anew under the active key first: rows that somebody holds are passed over, and a DBA ends who does not end: select pg_terminate_backend(pid). Evidence keeps its key for as long as it is kept itself.';
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
  'Retires a key that is decrypt_only and under which nothing is sealed any more: it is looked for, and writers that began earlier are waited for. Keep it for as long as there are backups with values under it. Raises SP321 when there is no such key, SP421 when it is not decrypt_only, SP423 when writers do not end, SP424 when something is still under it, SP510 in a transaction that is not read committed.';


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
  p_limit integer default 1000,
  p_tenant_id uuid default null
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
    where (p_after is null or tenant_keys.id > p_after)
      and (p_tenant_id is null or tenant_keys.tenant_id = p_tenant_id)
    order by tenant_keys.id
    limit least(p_limit, 10000);
end;
$$;

comment on function list_keys(uuid, integer, uuid) is
  'Every key of the cell and of its organizations, or of one of them, the nil uuid for the cell, in the order of their ids, after the one that is given: with the wrapped share, and without the other half.';

grant execute on function
  next_key_id(uuid),
  add_key(uuid, integer, text, text, bytea, bytea),
  activate_key(uuid, integer, bytea),
  renew_key(uuid, integer, text, text, bytea, bytea),
  check_share(uuid, integer, bytea),
  rewrap_key(uuid, integer, text, text, bytea, bytea),
  retire_key(uuid, integer),
  destroy_key(uuid, integer),
  list_keys(uuid, integer, uuid)
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
    -- Behind whoever writes such a value at this moment, and its index with it.
    if not _is_append_only(v_index.table_name) then
      execute format(
        'select from %1$I where %2$I = $1 order by %3$I for no key update',
        v_index.table_name, v_index.subject_column, v_index.row_column
      )
      using p_user_id;
    end if;
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


-- Step by step, as every key goes: the trigger knows no other way. By the organization and never by the
-- tenant, which the cell is too.
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
  perform from tenant_keys where organization_id = p_organization_id order by key_id for no key update;

  update tenant_keys set state = 'decrypt_only' where organization_id = p_organization_id and state = 'active';
  for v_key_id in
    select key_id from tenant_keys where organization_id = p_organization_id and state = 'pending' order by key_id
  loop
    update tenant_keys set state = 'active' where organization_id = p_organization_id and key_id = v_key_id;
    update tenant_keys set state = 'decrypt_only' where organization_id = p_organization_id and key_id = v_key_id;
  end loop;
  update tenant_keys set state = 'retired' where organization_id = p_organization_id and state = 'decrypt_only';
  update tenant_keys
  set
    state = 'destroyed',
    wrapped = null,
    db_share = null
  where organization_id = p_organization_id
    and state = 'retired';
  get diagnostics v_count = row_count;

  update blind_index_versions set phase = 'ended'
  where organization_id = p_organization_id and phase in ('dual', 'backfill', 'fading');
  update blind_index_versions set phase = 'steady' where organization_id = p_organization_id and phase = 'cutover';
  update blind_index_versions set phase = 'fading' where organization_id = p_organization_id and phase = 'steady';
  update blind_index_versions set phase = 'ended' where organization_id = p_organization_id and phase = 'fading';

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

set local role safetypin_owner;
