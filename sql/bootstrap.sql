/*
 * Bootstrap: what has to exist before the first chapter can run
 *
 * Roles, the logins that belong to them, the cell's schema, two extensions, and
 * the privileges that PostgreSQL hands to everybody and SafetyPin takes back.
 * Nothing else: no table, no function, no data. Everything after this runs as
 * safetypin_migrator, which is nobody special.
 *
 * Run it once per cell, as the database's owner: a superuser, or a managed
 * cloud's admin with CREATEROLE. Running it again changes nothing. The cell is
 * read from a setting, so the text that was reviewed is the text that runs:
 *
 *   psql -v ON_ERROR_STOP=1 -c "set safetypin.cell = 'safetypin'" -f bootstrap.sql
 *
 * The whole of it is one transaction. A sentence that starts with "bootstrap:"
 * means that nothing was changed, and ends with the statement that mends it.
 */

begin;

-- Nothing of the caller's path is believed while roles are being made.
set local search_path = pg_catalog, pg_temp;
set local client_min_messages = notice;


--
-- 1. May this run here?
--

do $$
declare
  v_cell text := coalesce(nullif(current_setting('safetypin.cell', true), ''), 'safetypin');
  v_role text;
begin
  if current_setting('server_version_num')::integer < 150000 then
    raise exception 'bootstrap: this server is PostgreSQL %, SafetyPin needs 15 or newer',
      current_setting('server_version')
      using errcode = '0A000', hint = 'Upgrade the server, then run this again.';
  end if;

  if v_cell !~ '^[a-z][a-z0-9_]{0,39}$' or v_cell ~ '^pg_' then
    raise exception 'bootstrap: "%" cannot be a cell''s name', v_cell
      using errcode = '22023',
        hint = 'Take a lower-case letter, then up to 39 lower-case letters, digits or underscores; not pg_….';
  end if;

  if v_cell in ('public', 'extensions', 'information_schema') then
    raise exception 'bootstrap: "%" is taken by something else and cannot be a cell', v_cell
      using errcode = '22023', hint = 'Choose another name, for instance safetypin.';
  end if;

  if not exists (
    select from pg_roles
    where rolname = current_user and (rolsuper or rolcreaterole)
  ) then
    raise exception 'bootstrap: % may not create roles', current_user
      using errcode = '42501',
        hint = format('Connect as an administrator, or let one run: alter role %I createrole;', current_user);
  end if;

  if not exists (
    select from pg_database
    where datname = current_database()
      and (
        pg_has_role(datdba, 'usage')
        or (select rolsuper from pg_roles where rolname = current_user)
      )
  ) then
    raise exception 'bootstrap: % does not own database %', current_user, current_database()
      using errcode = '42501',
        hint = format(
          'Connect as its owner, or let the owner run: alter database %I owner to %I;',
          current_database(),
          current_user
        );
  end if;

  -- From 16 on only who made a role, or was given its admin option, grants it.
  if current_setting('server_version_num')::integer >= 160000 then
    for v_role in
      select rolname
      from pg_roles
      where rolname in (
          'safetypin_owner',
          'safetypin_definer',
          'safetypin_keyholder',
          'safetypin_app',
          'safetypin_mailer',
          'safetypin_operator',
          'safetypin_backup',
          'safetypin_auditor',
          'safetypin_monitor'
        )
        and not pg_has_role(current_user, oid, 'member with admin option')
      order by rolname
    loop
      raise exception 'bootstrap: role % exists and % may not grant it', v_role, current_user
        using errcode = '42501',
          hint = format(
            'Connect as the administrator who made it, or let that one run for each safetypin_ role: grant %I to %I with admin option, inherit false, set false;',
            v_role,
            current_user
          );
    end loop;
  end if;

  -- The key of the migration runner: the two never work at the same time. Asked
  -- once and not waited for: a wait would hold a snapshot that an index being
  -- built concurrently waits for in turn.
  if not pg_try_advisory_xact_lock(-8525285245963000605) then
    raise exception 'bootstrap: a migration or another bootstrap is running in database %', current_database()
      using errcode = '55P03', hint = 'Run this again when it is done.';
  end if;

  perform set_config('safetypin.cell', v_cell, true);

  -- From 16 on a creator may be made a member of what it creates. Not here: who
  -- inherits safetypin_definer walks through row-level security.
  if current_setting('server_version_num')::integer >= 160000 then
    perform set_config('createrole_self_grant', '', true);
  end if;
end;
$$;


--
-- 2. Group roles, for the whole server: none logs in, none is above row security
--

do $$
declare
  v_role text;
  v_what text;
  v_found record;
begin
  for v_role, v_what in
    values
      ('safetypin_owner', 'Owns the tables of every cell. FORCE row level security binds it too.'),
      ('safetypin_definer', 'Owns the security definer functions: the doors through row level security.'),
      ('safetypin_keyholder', 'Owns the key tables and the functions that use them.'),
      ('safetypin_app', 'What applications may do: call the functions, read the fenced tables.'),
      ('safetypin_mailer', 'What mailers may do: take messages with their tokens, and say how sending went.'),
      ('safetypin_operator', 'What jobs may do: functions only, every call audited.'),
      ('safetypin_backup', 'Reads a whole cell for pg_dump --enable-row-security.'),
      ('safetypin_auditor', 'Reads evidence, reviews and reports.'),
      ('safetypin_monitor', 'Reads counters and health, no rows.')
  loop
    select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin
    into v_found
    from pg_roles
    where rolname = v_role;

    if not found then
      begin
        execute format('create role %I nologin', v_role);
        execute format('comment on role %I is %L', v_role, v_what);
      exception
        -- Somebody bootstraps another database of this server right now.
        when duplicate_object or unique_violation then null;
      end;
    elsif v_found.rolsuper or v_found.rolbypassrls then
      raise exception 'bootstrap: role % exists and is above row level security', v_role
        using errcode = '42501',
          hint = format('If nothing else needs it that way: alter role %I nosuperuser nobypassrls;', v_role);
    elsif v_found.rolcreaterole or v_found.rolcreatedb or v_found.rolreplication or v_found.rolcanlogin then
      raise exception 'bootstrap: role % exists with attributes that a group role must not have', v_role
        using errcode = '42501',
          hint = format('If nothing else needs it that way: alter role %I nologin nocreaterole nocreatedb noreplication;', v_role);
    end if;
  end loop;
end;
$$;


--
-- 3. Login roles: one migrates; this cell has two for each duty, which take turns
--    when a password is rotated. The second logs in from its first turn on. No
--    password is set here.
--

do $$
declare
  v_cell text := current_setting('safetypin.cell');
  v_since_16 boolean := current_setting('server_version_num')::integer >= 160000;
  v_login text;
  v_group text;
  v_what text;
  v_turn text;
  v_found record;
  v_membership record;
begin
  for v_login, v_group, v_turn, v_what in
    select 'safetypin_migrator', null, '', 'Runs the chapters, as safetypin_owner and those it may become. Inherits no row.'
    union all
    select
      v_cell || '_' || duty || '_login' || turn,
      'safetypin_' || duty,
      turn,
      format('What the %s of cell %s log in as%s.', who, v_cell, case turn when '' then '' else ', by turns' end)
    from (
      values
        ('app', 'applications'),
        ('mailer', 'mailers'),
        ('operator', 'jobs'),
        ('auditor', 'auditors'),
        ('monitor', 'scrapers'),
        ('backup', 'backups')
    ) as duties (duty, who)
      cross join unnest(array['', '_b']) as turn
  loop
    select rolsuper, rolbypassrls, rolcreaterole
    into v_found
    from pg_roles
    where rolname = v_login;

    if not found then
      begin
        execute format('create role %I %s', v_login, case v_turn when '' then 'login' else 'nologin' end);
        execute format('comment on role %I is %L', v_login, v_what);

        -- Before 16, what is inherited is a matter of the member and not of the
        -- grant: this one inherits nothing and says "set role" instead.
        if v_group is null and not v_since_16 then
          execute format('alter role %I noinherit', v_login);
        end if;
      exception
        when duplicate_object or unique_violation then null;
      end;
    elsif v_found.rolsuper or v_found.rolbypassrls or v_found.rolcreaterole then
      raise exception 'bootstrap: login % exists and is above row level security, or may make roles', v_login
        using errcode = '42501',
          hint = format('If nothing else needs it that way: alter role %I nosuperuser nobypassrls nocreaterole;', v_login);
    end if;

    if v_group is not null and not exists (
      select from pg_auth_members
      where roleid = to_regrole(v_group) and member = to_regrole(v_login)
    ) then
      execute format('grant %I to %I', v_group, v_login);
    end if;
  end loop;

  -- Of two that take turns neither may become the other: who may become a role sets
  -- its password, and would have the next turn. What an earlier version granted is
  -- taken back.
  for v_membership in
    select roleid::regrole::text as role, member::regrole::text as member, grantor::regrole::text as grantor
    from pg_auth_members
    where roleid::regrole::text ~ ('^' || v_cell || '_(app|mailer|operator|auditor|monitor|backup)_login(_b)?$')
      and member::regrole::text ~ ('^' || v_cell || '_(app|mailer|operator|auditor|monitor|backup)_login(_b)?$')
  loop
    begin
      execute format('revoke %s from %s', v_membership.role, v_membership.member)
        || case when v_since_16 then ' granted by ' || v_membership.grantor else '' end;
    exception
      when insufficient_privilege then
        raise exception 'bootstrap: login % is a member of %, and so may set its password', v_membership.member, v_membership.role
          using errcode = '42501',
            hint = format('Whoever granted it, %s, has to run: revoke %s from %s;', v_membership.grantor, v_membership.role, v_membership.member);
    end;
  end loop;
end;
$$;


--
-- 4. The migration login becomes owner, definer and keyholder, inherits the owner
--

do $$
declare
  v_role text;
  v_inherit boolean;
begin
  foreach v_role in array array['safetypin_owner', 'safetypin_definer', 'safetypin_keyholder']
  loop
    v_inherit := v_role = 'safetypin_owner';

    if current_setting('server_version_num')::integer >= 160000 then
      if not pg_has_role('safetypin_migrator', v_role, 'set')
        or (v_inherit and not pg_has_role('safetypin_migrator', v_role, 'usage'))
      then
        execute format(
          'grant %I to safetypin_migrator with inherit %s, set true',
          v_role,
          v_inherit::text
        );
      end if;
    elsif not pg_has_role('safetypin_migrator', v_role, 'member') then
      execute format('grant %I to safetypin_migrator', v_role);
    end if;
  end loop;

  foreach v_role in array array['safetypin_definer', 'safetypin_keyholder']
  loop
    if pg_has_role('safetypin_migrator', v_role, 'usage') then
      raise exception 'bootstrap: safetypin_migrator inherits % and so walks through row level security', v_role
        using errcode = '42501',
          hint = case
            when current_setting('server_version_num')::integer >= 160000
              then format('revoke inherit option for %I from safetypin_migrator;', v_role)
            else 'alter role safetypin_migrator noinherit;'
          end;
    end if;
  end loop;
end;
$$;


--
-- 5. What this script borrows: an administrator who is no superuser has to
--    belong to the three owners for a moment. Section 9 gives it back.
--

do $$
declare
  v_role text;
  v_borrowed text[] := array[]::text[];
begin
  foreach v_role in array array['safetypin_owner', 'safetypin_definer', 'safetypin_keyholder']
  loop
    if current_setting('server_version_num')::integer >= 160000 then
      if not pg_has_role(current_user, v_role, 'set') then
        execute format('grant %I to %I with inherit false, set true', v_role, current_user);
        v_borrowed := v_borrowed || v_role;
      end if;
    elsif not pg_has_role(current_user, v_role, 'member') then
      execute format('grant %I to %I', v_role, current_user);
      v_borrowed := v_borrowed || v_role;
    end if;
  end loop;

  perform set_config('safetypin.borrowed', array_to_string(v_borrowed, ','), true);
end;
$$;


--
-- 6. The database and the schema public: what everybody may do, nobody may do now
--

do $$
declare
  v_privilege text;
begin
  execute format('revoke create, temporary on database %I from public', current_database());

  -- A scratch schema is how "migrate adopt" and "migrate status --check" compare
  -- the catalog with the chapters, in a transaction that is rolled back.
  execute format('grant create on database %I to safetypin_owner', current_database());

  if to_regnamespace('public') is not null then
    revoke create on schema public from public;
  end if;

  -- PostgreSQL answers a revoke that had no effect with a warning at most.
  for v_privilege in
    select 'create, temporary on database ' || quote_ident(datname)
    from pg_database
      cross join lateral aclexplode(coalesce(datacl, acldefault('d', datdba))) as granted
    where datname = current_database()
      and granted.grantee = 0
      and granted.privilege_type in ('CREATE', 'TEMPORARY')
    union
    select 'create on schema public'
    from pg_namespace
      cross join lateral aclexplode(nspacl) as granted
    where nspname = 'public'
      and granted.grantee = 0
      and granted.privilege_type = 'CREATE'
  loop
    raise exception 'bootstrap: everybody still has %', v_privilege
      using errcode = '42501',
        hint = format('Whoever granted it has to run: revoke %s from public;', v_privilege);
  end loop;
end;
$$;


--
-- 7. Extensions, in a schema of their own unless they are somewhere already
--

do $$
declare
  v_cell text := current_setting('safetypin.cell');
  v_extension text;
  v_schema text;
  v_elsewhere text;
  v_logins text;
begin
  select nspname
  into v_schema
  from pg_extension
    join pg_namespace on pg_namespace.oid = pg_extension.extnamespace
  where extname in ('pgcrypto', 'pg_trgm')
  order by extname = 'pgcrypto' desc
  limit 1;

  v_schema := coalesce(v_schema, 'extensions');

  if v_schema = v_cell then
    raise exception 'bootstrap: the extensions are in schema %, which is to be the cell', v_schema
      using errcode = '55000',
        hint = 'Move them: create schema extensions; alter extension pgcrypto set schema extensions; alter extension pg_trgm set schema extensions;';
  end if;

  if to_regnamespace(quote_ident(v_schema)) is null then
    execute format('create schema %I', v_schema);
    execute format(
      'comment on schema %I is %L',
      v_schema,
      'Extensions that the cells of this database share.'
    );
  end if;

  foreach v_extension in array array['pgcrypto', 'pg_trgm']
  loop
    select nspname
    into v_elsewhere
    from pg_extension
      join pg_namespace on pg_namespace.oid = pg_extension.extnamespace
    where extname = v_extension;

    if not found then
      if not exists (select from pg_available_extensions where name = v_extension) then
        raise exception 'bootstrap: extension % is not installed on this server', v_extension
          using errcode = '58P01',
            hint = 'Install PostgreSQL''s contrib modules (Debian: they come with postgresql-NN; Red Hat: postgresql-contrib), then run this again.';
      end if;

      execute format('create extension %I with schema %I', v_extension, v_schema);
    elsif v_elsewhere <> v_schema then
      raise exception 'bootstrap: extension % is in schema %, pgcrypto is in %', v_extension, v_elsewhere, v_schema
        using errcode = '55000',
          hint = format('One schema for both: alter extension %I set schema %I;', v_extension, v_schema);
    end if;
  end loop;

  -- Who may create there may stand in front of a function of the extensions.
  if exists (
    select
    from pg_namespace
      cross join lateral aclexplode(nspacl) as granted
    where nspname = v_schema
      and granted.grantee = 0
      and granted.privilege_type = 'CREATE'
  ) then
    raise exception 'bootstrap: everybody may create in schema %, where the extensions are', v_schema
      using errcode = '42501',
        hint = format('revoke create on schema %I from public;', v_schema);
  end if;

  select string_agg(quote_ident(v_cell || '_' || duty || '_login' || turn), ', ')
  into strict v_logins
  from unnest(array['app', 'mailer', 'operator', 'auditor', 'monitor', 'backup']) as duty
    cross join unnest(array['', '_b']) as turn;

  execute format(
    'grant usage on schema %I to safetypin_owner, safetypin_definer, safetypin_keyholder, %s',
    v_schema,
    v_logins
  );

  -- PostgreSQL answers a grant that had no effect with a warning at most.
  if not has_schema_privilege(v_cell || '_app_login', v_schema, 'usage') then
    raise exception 'bootstrap: % may not let others use schema %', current_user, v_schema
      using errcode = '42501',
        hint = format('Its owner has to run: grant usage on schema %I to %I with grant option;', v_schema, current_user);
  end if;
end;
$$;


--
-- 8. The cell. Its schema opens to the logins of this cell and to no group role:
--    one credential must not open every cell of a database.
--

do $$
declare
  v_cell text := current_setting('safetypin.cell');
  v_owner text;
  v_logins text;
begin
  select pg_get_userbyid(nspowner)
  into v_owner
  from pg_namespace
  where nspname = v_cell;

  if not found then
    execute format('create schema %I authorization safetypin_owner', v_cell);
  elsif v_owner <> 'safetypin_owner' then
    raise exception 'bootstrap: schema % exists and belongs to %', v_cell, v_owner
      using errcode = '42501',
        hint = format('Choose another cell, or: alter schema %I owner to safetypin_owner;', v_cell);
  end if;

  set local role safetypin_owner;

  execute format('comment on schema %I is %L', v_cell, 'A cell of SafetyPin.');
  execute format('grant usage, create on schema %I to safetypin_definer, safetypin_keyholder', v_cell);
  select string_agg(quote_ident(v_cell || '_' || duty || '_login' || turn), ', ')
  into strict v_logins
  from unnest(array['app', 'mailer', 'operator', 'auditor', 'monitor', 'backup']) as duty
    cross join unnest(array['', '_b']) as turn;

  execute format('grant usage on schema %I to %s', v_cell, v_logins);

  reset role;
end;
$$;

-- A function is callable by nobody until a chapter says by whom. Said as each
-- owner in turn: "for role" would ask for more than the right to become it.
set local role safetypin_owner;
alter default privileges revoke execute on functions from public;
set local role safetypin_definer;
alter default privileges revoke execute on functions from public;
set local role safetypin_keyholder;
alter default privileges revoke execute on functions from public;
reset role;


--
-- 9. What was borrowed is given back
--

do $$
declare
  v_role text;
begin
  foreach v_role in array string_to_array(current_setting('safetypin.borrowed'), ',')
  loop
    if current_setting('server_version_num')::integer >= 160000 then
      execute format('revoke %I from %I granted by %I', v_role, current_user, current_user);
    else
      execute format('revoke %I from %I', v_role, current_user);
    end if;
  end loop;

  if not (select rolsuper from pg_roles where rolname = current_user) then
    foreach v_role in array array['safetypin_definer', 'safetypin_keyholder']
    loop
      if pg_has_role(current_user, v_role, 'usage') then
        raise warning 'bootstrap: % inherits % and so walks through row level security', current_user, v_role
          using hint = format('revoke %I from %I;', v_role, current_user);
      end if;
    end loop;
  end if;
end;
$$;

commit;
