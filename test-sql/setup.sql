/*
 * The vocabulary tests are written in. Loaded once into a database that only
 * tests use, in schemas of their own, so that no snapshot ever sees them. It
 * ships with the package: applications write their own pgTAP tests in it.
 *
 *   tests.person('ann')               -- ann exists and may sign in; the cell is unlocked
 *   tests.newcomer('new')             -- new registered, and did not verify the address yet
 *   tests.give_email('ann', 'ann@example.org') -- ann has another address
 *   tests.organization('acme', 'ann') -- acme exists and ann owns it
 *   tests.member('acme', 'bob')       -- bob works there; a third argument is his role
 *   tests.act_as('ann', 'acme')       -- the statements that follow are ann's, in acme
 *   tests.act_as('ann')               -- ... are ann's, in no organization
 *   tests.act_as_nobody()             -- ... are the application's, for nobody
 *   tests.act_as_operator()           -- ... are a job's; likewise mailer, auditor, monitor, backup
 *   tests.act_as_owner()              -- ... are the tables' owner's, whom row-level security binds
 *   tests.act_as_superuser()          -- set up, and look behind the curtain
 *   tests.sign_in('ann')              -- signs ann in with her password, and answers how it went
 *   tests.committed()                 -- what was done so far counts as committed
 *   tests.read_message('ann', 'reset_password') -- the token in what ann was sent
 *   tests.events('session.opened')    -- what was recorded, whoever is asking
 *   tests.unlock()                    -- the cell's key works in this transaction; or an organization's
 *   tests.mask(value, field)          -- a secret as a client hands it over
 *   tests.masked_digest('$2a$12$…')   -- ... a digest, and tests.masked_history(array['$2a$12$…'])
 *   tests.register_user(…)            -- as a client does it, digests in clear; likewise change_, reset_ and
 *                                      rehash_password()
 *   tests.opened_digest('ann')        -- what is sealed of her password; and tests.opened_history()
 *   tests.throttle_id('ann@example.com') -- what failures of an address are counted under; or, with true,
 *                                      were under the digest key before; likewise tests.throttle_id(inet)
 *   tests.sealed_before(field, …)     -- a value as another transaction sealed it: as _seal_text(), and it opens
 *   tests.notes()                     -- a table with sealed columns, for as long as the test
 *   tests.outcome('select …')         -- the SQLSTATE it fails with, or 'done'
 *
 * Names become ids by arithmetic, the same here and in TypeScript:
 * tests.user_id('ann'), tests.organization_id('acme'), tests.token('ann', 'acme').
 * Everybody's password is tests.password(); its digests are beside it.
 *
 * Run with the cell first on the search_path, then the extensions, then tap.
 */

create schema tests;
grant usage on schema tests to public;


--
-- Names
--

create function tests.user_id(p_name text)
  returns uuid
  language sql
  immutable
  return md5('user:' || p_name)::uuid;

create function tests.organization_id(p_name text)
  returns uuid
  language sql
  immutable
  return md5('organization:' || p_name)::uuid;

create function tests.email(p_name text)
  returns text
  language sql
  immutable
  return p_name || '@example.com';

-- The 32 secret bytes of a session token, for tests to hand to begin_request().
create function tests.token(p_name text, p_organization text default null)
  returns bytea
  language sql
  immutable
  return sha256(convert_to('token:' || p_name || ':' || coalesce(p_organization, ''), 'UTF8'));

create function tests.password()
  returns text
  language sql
  immutable
  return 'correct horse battery staple';

-- bcrypt of the pre-hashed password at cost 12, and under the history salt.
create function tests.password_digest()
  returns text
  language sql
  immutable
  return '$2a$12$abcdefghijklmnopqrstuuXxytZM3ml4cIrUhX.MkZ/PiAmI9VF/u';

create function tests.history_digest()
  returns text
  language sql
  immutable
  return '$2a$12$zyxwvutsrqponmlkjihgfeOmA3FdgIUvyGEVLcZnarCbHprFurHtW';

-- The same of 'a different horse altogether', for changing to.
create function tests.other_password_digest()
  returns text
  language sql
  immutable
  return '$2a$12$abcdefghijklmnopqrstuu/8Yx5IgHnlwWuD4oXLwBJzAtnq3YwXO';

create function tests.other_history_digest()
  returns text
  language sql
  immutable
  return '$2a$12$zyxwvutsrqponmlkjihgfeyDGApqFdFc6ud8.YeMEgDIb20UeAuYO';

-- What a client that knows the password answers to an attempt.
create function tests.proof(p_digest text, p_attempt_id uuid, p_nonce bytea)
  returns bytea
  language sql
  return hmac(uuid_send(p_attempt_id) || p_nonce, convert_to(p_digest, 'UTF8'), 'sha256');


--
-- Acting
--

-- The login role of this cell: `safetypin_app_login` in the cell `safetypin`.
create function tests.login(p_role text)
  returns text
  language sql
  stable
as $$
  select current_schema() || '_' || p_role || '_login'
$$;

create function tests._become(p_role text)
  returns void
  language plpgsql
as $$
begin
  perform set_config('safetypin.context', '', true);
  perform set_config('safetypin.ip_address', '', true);
  perform set_config('safetypin.user_agent', '', true);
  perform set_config('role', p_role, true);
end;
$$;

create function tests.act_as_superuser()
  returns void
  language sql
as $$ select tests._become('none') $$;

create function tests.act_as_nobody()
  returns void
  language sql
as $$ select tests._become(tests.login('app')) $$;

create function tests.act_as_mailer()
  returns void
  language sql
as $$ select tests._become(tests.login('mailer')) $$;

create function tests.act_as_operator()
  returns void
  language sql
as $$ select tests._become(tests.login('operator')) $$;

create function tests.act_as_auditor()
  returns void
  language sql
as $$ select tests._become(tests.login('auditor')) $$;

create function tests.act_as_monitor()
  returns void
  language sql
as $$ select tests._become(tests.login('monitor')) $$;

create function tests.act_as_backup()
  returns void
  language sql
as $$ select tests._become(tests.login('backup')) $$;

create function tests.act_as_owner()
  returns void
  language sql
as $$ select tests._become('safetypin_owner') $$;

-- Opens a session behind the curtain, unless this pair has one, and comes in by
-- the front door with its token.
create function tests.act_as(p_name text, p_organization text default null)
  returns void
  language plpgsql
as $$
declare
  v_session_id uuid := md5('session:' || p_name || ':' || coalesce(p_organization, ''))::uuid;
begin
  perform tests.act_as_superuser();
  insert into sessions (
    id, user_id, organization_id, token_hash, assurance_level, authentication_methods,
    creation_time, expiration_time, idle_limit
  )
  values (
    v_session_id, tests.user_id(p_name), tests.organization_id(p_organization),
    sha256(tests.token(p_name, p_organization)), 1, array['password'],
    _now(), _now() + interval '1 day', '1 hour'
  )
  on conflict (id) do nothing;
  insert into session_activities (session_id, last_activity_time)
  values (v_session_id, _now())
  on conflict (session_id) do nothing;

  perform tests.act_as_nobody();
  perform begin_request(tests.token(p_name, p_organization));
end;
$$;


--
-- Signing in, and what was recorded
--

-- A check of a password looks only at what earlier transactions committed, and a
-- test is one transaction. So the attempts are told that they are older.
create function tests.committed()
  returns void
  language sql
  security definer
as $$
  update password_attempts
  set
    xid = xid - 1,
    proof_xid = proof_xid - 1
$$;

-- Begins a check in a transaction that is unlocked, as a client does.
create function tests.begin_password_check(
  p_email text,
  p_ip_address inet default null,
  out status text,
  out attempt_id uuid,
  out nonce bytea
)
  language plpgsql
as $$
begin
  perform tests.unlock();
  select checked.status, checked.attempt_id, checked.nonce
  into status, attempt_id, nonce
  from begin_password_check(p_email, p_ip_address) as checked;
end;
$$;

-- Begins a check and hands its proof in; null when there is nothing to prove.
create function tests.prove_password(
  p_name text,
  p_digest text default tests.password_digest(),
  p_ip_address inet default null
)
  returns uuid
  language plpgsql
as $$
declare
  v_check record;
begin
  select * into v_check from tests.begin_password_check(tests.email(p_name), p_ip_address);
  if v_check.attempt_id is null then
    return null;
  end if;
  perform tests.committed();
  perform submit_password_proof(
    v_check.attempt_id, tests.proof(p_digest, v_check.attempt_id, v_check.nonce)
  );
  perform tests.committed();
  return v_check.attempt_id;
end;
$$;

-- The three transactions of a sign-in. The session's token is tests.token(p_token),
-- and its refresh token tests.token(p_token, 'refresh').
create function tests.sign_in(
  p_name text,
  p_digest text default tests.password_digest(),
  p_token text default 'signed in',
  p_ip_address inet default null
)
  returns text
  language plpgsql
as $$
begin
  perform tests.unlock();
  return (
    select status
    from finish_password_check(
      tests.prove_password(p_name, p_digest, p_ip_address),
      sha256(tests.token(p_token)),
      sha256(tests.token(p_token, 'refresh')),
      sha256(tests.token(p_token, 'change'))
    )
  );
end;
$$;

-- Sends what waits, and reads what came: whoever is asking, as ann opens her mail.
create function tests.read_message(p_name text, p_purpose text)
  returns bytea
  language plpgsql
  security definer
as $$
declare
  v_user_id uuid;
  v_token   bytea;
begin
  perform tests.unlock();
  v_user_id := _find_user_by_email(tests.email(p_name));

  select token
  into v_token
  from take_messages(1000) as taken
  where taken.email = tests.email(p_name) and taken.purpose = p_purpose;

  -- What else was taken waits for whoever reads it.
  update messages
  set
    next_attempt_time = _now(),
    attempt_count = attempt_count - 1
  where status = 'waiting'
    and attempt_count > 0
    and (user_id, purpose) is distinct from (v_user_id, p_purpose);
  return v_token;
end;
$$;

create function tests.events(p_event_type text)
  returns setof auth_audit_logs
  language sql
  stable
  security definer
as $$
  select * from auth_audit_logs where event_type = p_event_type order by xid, seq
$$;


--
-- Keys
--

-- The first key of the cell, as its share was wrapped: by nobody here. Where clients
-- are tested it is replaced by one that they can have unwrapped.
create function tests.first_key(out share bytea, out key_name text, out wrapped bytea)
  language sql
  immutable
  return (sha256(convert_to('share::1', 'UTF8')), 'test'::text, '\x00'::bytea);

-- The share of a key, as a key management service would unwrap it.
create function tests.share(p_organization text default null, p_key_id integer default 1)
  returns bytea
  language sql
  immutable
as $$
  select case
    when p_organization is null and p_key_id = 1 then (tests.first_key()).share
    else sha256(convert_to('share:' || coalesce(p_organization, '') || ':' || p_key_id, 'UTF8'))
  end
$$;

-- Under the pad of this transaction, made if there is none yet. A field of 0 is the
-- share of a key, and names the key; every other names a field.
create function tests.mask(
  p_plaintext bytea,
  p_field_id integer,
  p_organization_id uuid default null,
  p_key_id integer default 0
)
  returns bytea
  language plpgsql
  security definer
as $$
declare
  v_header bytea := '\x0101'::bytea || int4send(p_key_id);
  v_nil    uuid := '00000000-0000-0000-0000-000000000000';
begin
  if coalesce(current_setting('safetypin.pad', true), '') = '' then
    perform hello(true);
  end if;
  return v_header || _a256cbc_hs512_seal(
    decode(current_setting('safetypin.pad'), 'hex'),
    gen_random_bytes(16),
    v_header || _sealed_place(p_field_id, coalesce(p_organization_id, v_nil), v_nil),
    p_plaintext
  );
end;
$$;

-- Digests as clients hand them over: of a password, and for its history.
create function tests.masked_digest(p_digest text)
  returns bytea
  language sql
  return tests.mask(convert_to(p_digest, 'UTF8'), 5);

create function tests.masked_history(p_digest text)
  returns bytea
  language sql
  return tests.mask(convert_to(p_digest, 'UTF8'), 6);

create function tests.masked_history(p_digests text[])
  returns bytea[]
  language sql
as $$
  select coalesce(array_agg(tests.masked_history(digest) order by place), '{}')
  from unnest(p_digests) with ordinality as given (digest, place)
$$;

create function tests.masked_share(p_organization text default null, p_key_id integer default 1)
  returns bytea
  language sql
  return tests.mask(
    tests.share(p_organization, p_key_id), 0, tests.organization_id(p_organization), p_key_id
  );

-- Adds a key and activates it.
create function tests.add_key(p_organization text default null)
  returns integer
  language plpgsql
  security definer
as $$
declare
  v_key_id   integer := next_key_id(tests.organization_id(p_organization));
  v_is_first boolean := p_organization is null and v_key_id = 1;
begin
  perform add_key(
    tests.organization_id(p_organization), v_key_id, 'local-key-file',
    case when v_is_first then (tests.first_key()).key_name else 'test' end,
    case when v_is_first then (tests.first_key()).wrapped else '\x00' end,
    tests.masked_share(p_organization, v_key_id)
  );
  perform activate_key(
    tests.organization_id(p_organization), v_key_id, tests.masked_share(p_organization, v_key_id)
  );
  return v_key_id;
end;
$$;

-- Makes the first key of the cell, or of an organization, if there is none, and lets
-- this transaction work under every key that works.
create function tests.unlock(p_organization text default null)
  returns void
  language plpgsql
  security definer
as $$
declare
  v_organization_id uuid := tests.organization_id(p_organization);
  v_key             record;
begin
  -- One at a time makes the first.
  if next_key_id(v_organization_id) = 1 then
    lock table tenant_keys in share row exclusive mode;
    if next_key_id(v_organization_id) = 1 then
      perform tests.add_key(p_organization);
    end if;
  end if;
  -- Not what was made elsewhere, by a client: then there is another.
  for v_key in
    select key_id, state
    from tenant_keys
    where organization_id is not distinct from v_organization_id
      and state in ('pending', 'active', 'decrypt_only')
    order by key_id
  loop
    begin
      perform unlock(v_organization_id, v_key.key_id, tests.masked_share(p_organization, v_key.key_id));
    exception
      when sqlstate 'SP221' then
        if v_key.state = 'active' then
          perform tests.add_key(p_organization);
          update blind_index_versions set phase = 'fading'
          where organization_id is not distinct from v_organization_id and phase = 'steady';
          update blind_index_versions set phase = 'ended'
          where organization_id is not distinct from v_organization_id and phase = 'fading';
          insert into blind_index_versions (organization_id, version, key_id, phase)
          select v_organization_id, max(version) + 1, v_key.key_id + 1, 'steady'
          from blind_index_versions
          where organization_id is not distinct from v_organization_id;
          -- What was digested under theirs is theirs: here they are made anew.
          if v_organization_id is null then
            update digest_keys set secret = null;
          end if;
          perform tests.unlock(p_organization);
          return;
        end if;
    end;
  end loop;
end;
$$;

-- What is counted of an account, and of a network address. The cell is unlocked for it.
create function tests.throttle_id(p_email text, p_is_earlier boolean default false)
  returns uuid
  language plpgsql
  stable
  security definer
as $$
begin
  perform tests.unlock();
  return (_account_ids(p_email, _open_digest_keys('address')))[case when p_is_earlier then 2 else 1 end];
end;
$$;

create function tests.throttle_id(p_ip_address inet, p_is_earlier boolean default false)
  returns uuid
  language plpgsql
  stable
  security definer
as $$
begin
  perform tests.unlock();
  return (_address_ids(p_ip_address, _open_digest_keys('address')))[case when p_is_earlier then 2 else 1 end];
end;
$$;


-- What is sealed of somebody's password, and of those they had.
create function tests.opened_digest(p_user_id uuid)
  returns text
  language plpgsql
  security definer
as $$
begin
  perform tests.unlock();
  return (
    select _open_text(5, null, user_id, digest, user_id) from password_credentials where user_id = p_user_id
  );
end;
$$;

create function tests.opened_digest(p_name text)
  returns text
  language sql
  return tests.opened_digest(tests.user_id(p_name));

create function tests.opened_history(p_user_id uuid)
  returns text[]
  language plpgsql
  security definer
as $$
begin
  perform tests.unlock();
  return array(
    select _open_text(6, null, id, digest, user_id)
    from password_history
    where user_id = p_user_id
    order by creation_time, id
  );
end;
$$;

-- Gives somebody a password behind the curtain, with its history.
create function tests.give_password(
  p_user_id uuid,
  p_digest text default tests.password_digest(),
  p_history_digest text default tests.history_digest()
)
  returns void
  language plpgsql
  security definer
as $$
declare
  v_id uuid := new_id();
begin
  perform tests.unlock();
  insert into password_credentials (user_id, digest, salt, history_salt)
  values (
    p_user_id, _seal_text(5, null, p_user_id, p_digest, p_user_id), left(p_digest, 29),
    substr(p_history_digest, 8, 22)
  )
  on conflict (user_id) do update set digest = excluded.digest, salt = excluded.salt;
  insert into password_history (id, user_id, digest, salt)
  values (
    v_id, p_user_id, _seal_text(6, null, v_id, p_history_digest, p_user_id), left(p_history_digest, 29)
  );
  insert into password_history_indexes (password_history_id, user_id, version, digest_index)
  select v_id, p_user_id, version, _blind_index(6, null, version, p_history_digest)
  from unnest(_written_versions(null)) as version;
end;
$$;

-- The functions that take digests, as a client calls them: unlocked, and masked. Whoever
-- may not call them may not call them so either.
create function tests.register_user(
  p_user_id uuid,
  p_email text,
  p_first_name text,
  p_last_name text,
  p_password_digest text,
  p_history_digest text,
  p_policy_version text
)
  returns void
  language plpgsql
as $$
begin
  perform tests.unlock();
  perform register_user(
    p_user_id, p_email, p_first_name, p_last_name, tests.masked_digest(p_password_digest),
    tests.masked_history(p_history_digest), p_policy_version
  );
end;
$$;

create function tests.change_password(
  p_attempt_id uuid,
  p_password_digest text,
  p_history_digests text[],
  p_policy_version text
)
  returns text
  language plpgsql
as $$
begin
  perform tests.unlock();
  return change_password(
    p_attempt_id, tests.masked_digest(p_password_digest), tests.masked_history(p_history_digests), p_policy_version
  );
end;
$$;

create function tests.reset_password(
  p_token bytea,
  p_password_digest text,
  p_history_digests text[],
  p_policy_version text
)
  returns text
  language plpgsql
as $$
begin
  perform tests.unlock();
  return reset_password(
    p_token, tests.masked_digest(p_password_digest), tests.masked_history(p_history_digests), p_policy_version
  );
end;
$$;

create function tests.rehash_password(
  p_attempt_id uuid,
  p_password_digest text
)
  returns boolean
  language plpgsql
as $$
begin
  perform tests.unlock();
  return rehash_password(p_attempt_id, tests.masked_digest(p_password_digest));
end;
$$;

-- finish_password_check() in a transaction of its own, unlocked.
create function tests.finish_password_check(
  p_attempt_id uuid,
  p_session_token_hash bytea,
  p_refresh_token_hash bytea default null,
  p_organization_id uuid default null,
  p_change_token_hash bytea default null
)
  returns table (status text, session_id uuid)
  language plpgsql
as $$
begin
  perform tests.unlock();
  return query
    select finished.status, finished.session_id
    from finish_password_check(
      p_attempt_id, p_session_token_hash, p_refresh_token_hash, p_change_token_hash, p_organization_id
    ) as finished;
end;
$$;


-- A ledger of one entry, as it was exported before a restore.
create function tests.ledger_entry(p_user_id uuid, p_organization_id uuid)
  returns jsonb
  language plpgsql
  security definer
as $$
declare
  v_entry shreddings;
begin
  v_entry.id := md5('shredding')::uuid;
  v_entry.seq := 1;
  v_entry.user_id := p_user_id;
  v_entry.organization_id := p_organization_id;
  v_entry.login_name := 'somebody';
  v_entry.shred_time := '2026-01-01 00:00:00.123456Z';
  v_entry.shred_effective_time := '2026-02-05 00:00:00Z';
  v_entry.digest := _shredding_digest('\x', v_entry);
  return jsonb_build_array(to_jsonb(v_entry) - 'replay_time');
end;
$$;


-- Takes every key away, which nobody but a superuser who goes out of their way can.
create function tests.empty_keys()
  returns void
  language plpgsql
as $$
begin
  alter table tenant_keys disable trigger _500_no_truncate;
  alter table blind_index_versions disable trigger _500_no_truncate;
  truncate tenant_keys, blind_index_versions;
  alter table tenant_keys enable always trigger _500_no_truncate;
  alter table blind_index_versions enable always trigger _500_no_truncate;
end;
$$;

-- Puts one of the times of the keys in this state back by so much.
create function tests.age_keys(
  p_state text,
  p_time text,
  p_by interval
)
  returns void
  language plpgsql
as $$
begin
  alter table tenant_keys disable trigger _500_only_forward;
  execute format('update tenant_keys set %1$I = %1$I - $1 where state = $2', p_time) using p_by, p_state;
  alter table tenant_keys enable always trigger _500_only_forward;
end;
$$;

-- The cell as it is before its first key: people are there, and nothing of them is sealed.
create function tests.without_keys()
  returns void
  language plpgsql
as $$
begin
  perform tests.act_as_superuser();
  alter table users drop constraint users_who_are_not_deleted_have_an_email;
  update users set email = null, phone_number = null;
  delete from user_email_indexes;
  delete from password_credentials;
  delete from password_history;
  delete from subject_salts;
  perform tests.empty_keys();
  perform set_config('safetypin.shares', '', true);
end;
$$;

-- What _seal() made in another transaction, and _seal_text() of a text, under the key that seals now. No
-- iv of 16 random bytes is one that this transaction made: one in 2^64 is.
create function tests.sealed_before(
  p_field_id integer,
  p_organization_id uuid,
  p_row_id uuid,
  p_plaintext bytea,
  p_subject_id uuid default null
)
  returns bytea
  language plpgsql
  security definer
as $$
declare
  v_key_id integer := _require_active_key(p_organization_id);
  v_header bytea := '\x0101'::bytea || int4send(v_key_id);
  v_key    bytea := _derive_key('enc', p_organization_id, v_key_id);
begin
  if p_subject_id is not null then
    v_key := _subject_key(v_key, _make_subject_salt(p_subject_id), p_subject_id);
  end if;
  return v_header || _a256cbc_hs512_seal(
    v_key,
    gen_random_bytes(16),
    v_header
      || _sealed_place(p_field_id, coalesce(p_organization_id, '00000000-0000-0000-0000-000000000000'), p_row_id),
    p_plaintext
  );
end;
$$;

create function tests.sealed_before(
  p_field_id integer,
  p_organization_id uuid,
  p_row_id uuid,
  p_text text,
  p_subject_id uuid default null
)
  returns bytea
  language sql
  return tests.sealed_before(p_field_id, p_organization_id, p_row_id, convert_to(p_text, 'UTF8'), p_subject_id);

-- A table that lasts as long as the test, with a sealed column of each kind: `about`
-- is about a person and the application's to open, `remark` is of an organization,
-- `digest` is opened by the database alone, `token` is sealed by clients (algorithm 2).
create function tests.notes()
  returns void
  language plpgsql
as $$
begin
  perform tests._become('safetypin_owner');
  create table notes (
    id              uuid not null default new_id(),
    organization_id uuid,
    user_id         uuid,
    about           bytea,
    remark          bytea,
    digest          bytea,
    token           bytea,

    constraint notes_pkey primary key (id)
  );
  comment on column notes.about is 'Something about somebody. [sealed]';
  comment on column notes.remark is 'Something that an organization says. [sealed]';
  comment on column notes.digest is 'Something to compare with. [sealed]';
  comment on column notes.token is 'Something that only clients read. [sealed]';

  perform _declare_sealed_field(
    'notes', 'about', 90001, 'cell', 'application', 100, 'It is about somebody.',
    p_subject_column => 'user_id', p_pattern => '^[^@]*$', p_constraint_name => 'notes_about_is_plain'
  );
  perform _declare_sealed_field(
    'notes', 'remark', 90002, 'organization', 'application', 100, 'It is an organization''s.'
  );
  perform _declare_sealed_field(
    'notes', 'digest', 90003, 'cell', 'database', 100, 'It proves something.', p_is_folded => true
  );
  perform _declare_sealed_field(
    'notes', 'token', 90004, 'organization', 'application', 100, 'SQL has no use for it.', p_algorithm => 2
  );
  perform tests.act_as_superuser();
end;
$$;

-- How it ends when something is asked for: the SQLSTATE of what is raised, or 'done'.
create function tests.outcome(p_sql text)
  returns text
  language plpgsql
as $$
begin
  execute p_sql;
  return 'done';
exception
  when others then return sqlstate;
end;
$$;

-- What is said when something is asked for that fails.
create function tests.complaint(p_sql text)
  returns text
  language plpgsql
as $$
begin
  execute p_sql;
  return null;
exception
  when others then return sqlerrm;
end;
$$;


--
-- People and organizations
--

create function tests.person(p_name text)
  returns uuid
  language plpgsql
as $$
begin
  perform tests.act_as_superuser();
  perform tests.unlock();
  insert into users (id, email, first_name, last_name, status, email_verified_time)
  values (
    tests.user_id(p_name), _seal_email(tests.user_id(p_name), tests.email(p_name)),
    initcap(p_name), 'Example', 'active', now()
  );
  perform _index_email(tests.user_id(p_name), tests.email(p_name));
  perform tests.give_password(tests.user_id(p_name));
  return tests.user_id(p_name);
end;
$$;

-- Somebody who registered and has to verify their address.
create function tests.newcomer(p_name text)
  returns uuid
  language plpgsql
as $$
begin
  perform tests.act_as_superuser();
  perform tests.unlock();
  insert into users (id, email, first_name, last_name)
  values (
    tests.user_id(p_name), _seal_email(tests.user_id(p_name), tests.email(p_name)),
    initcap(p_name), 'Example'
  );
  perform _index_email(tests.user_id(p_name), tests.email(p_name));
  return tests.user_id(p_name);
end;
$$;

create function tests.give_email(p_name text, p_email text)
  returns void
  language plpgsql
as $$
begin
  perform tests.act_as_superuser();
  perform tests.unlock();
  update users set email = _seal_email(id, p_email) where id = tests.user_id(p_name);
  delete from user_email_indexes where user_id = tests.user_id(p_name);
  perform _index_email(tests.user_id(p_name), p_email);
end;
$$;

create function tests.member(p_organization text, p_name text, p_role text default 'member')
  returns void
  language plpgsql
as $$
begin
  perform tests.act_as_superuser();
  insert into organization_users (organization_id, user_id, role)
  values (tests.organization_id(p_organization), tests.user_id(p_name), p_role);
end;
$$;

create function tests.organization(p_name text, p_owner text)
  returns uuid
  language plpgsql
as $$
begin
  perform tests.act_as_superuser();
  insert into organizations (id, slug, name)
  values (tests.organization_id(p_name), p_name || '-0000', initcap(p_name));
  perform tests.member(p_name, p_owner, 'owner');
  update organizations set status = 'active' where id = tests.organization_id(p_name);
  return tests.organization_id(p_name);
end;
$$;

-- The actors of most stories: ann owns acme, amy administers it, bob works
-- there; zoe owns zenith and is a stranger to all of them.
create function tests.two_organizations()
  returns void
  language plpgsql
as $$
begin
  perform tests.person(name) from unnest(array['ann', 'amy', 'bob', 'zoe']) as name;
  perform tests.organization('acme', 'ann');
  perform tests.member('acme', 'amy', 'admin');
  perform tests.member('acme', 'bob');
  perform tests.organization('zenith', 'zoe');
end;
$$;

grant execute on all functions in schema tests to public;
