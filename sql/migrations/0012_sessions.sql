/*
 * 0012 sessions: who is signed in, from where, and until when
 *
 * A session token is the only thing that turns a stranger into somebody, so the
 * database keeps its digest and never the token. Every rule here answers one of
 * two questions: is this session still good, and who ended it?
 *
 * "Still good" is said once, in the view live_sessions. It compares with the
 * times from which sessions count, on the person, the organization and the
 * membership, so that ending a million sessions is one update of one row.
 *
 * A refresh token is used once. Its successor is derived from it under a key
 * of the cell, so two tabs that refresh at once, and a client whose reply was
 * lost, get the same successor; after ten seconds a second use is theft, and
 * the whole family dies with an alert.
 */

set local role safetypin_owner;


--
-- Tables
--

create table sessions (
  id                     uuid not null default new_id(),
  user_id                uuid not null,
  organization_id        uuid,
  token_hash             bytea not null,
  refresh_token_id       uuid,
  assurance_level        smallint not null,
  authentication_methods text[] not null,
  is_mfa_complete        boolean not null default false,
  creation_time          timestamptz not null default now(),
  expiration_time        timestamptz not null,
  idle_limit             interval not null,
  ip_address             inet,
  user_agent             text,
  device_id              uuid,
  revoked                boolean not null default false,
  revocation_time        timestamptz,
  revocation_reason      text,
  session_data           jsonb not null default '{}',

  constraint sessions_pkey primary key (id),
  -- Everything a request asks of the row, so that the index answers. None of it is
  -- updated where another index would not have to be written anyway.
  constraint sessions_token_hash_key
    unique (token_hash)
    include (
      id, user_id, organization_id, assurance_level, creation_time, expiration_time, idle_limit,
      revoked
    ),
  constraint sessions_user_id_fkey
    foreign key (user_id) references users (id) on delete cascade,
  -- Skipped while organization_id is null, which is what MATCH SIMPLE is for here.
  constraint sessions_organization_id_user_id_fkey
    foreign key (organization_id, user_id)
    references organization_users (organization_id, user_id) on delete cascade,
  constraint sessions_token_hash_is_a_digest check (octet_length(token_hash) = 32),
  constraint sessions_assurance_level_is_known check (assurance_level between 1 and 3),
  constraint sessions_authentication_methods_are_known
    check (
      cardinality(authentication_methods) > 0
      and authentication_methods <@ array[
        'password', 'otp', 'sms', 'email', 'webauthn', 'recovery_code', 'magic_link', 'sso'
      ]
    ),
  constraint sessions_end_after_they_begin check (expiration_time > creation_time),
  constraint sessions_idle_limit_is_positive check (idle_limit > '0'),
  constraint sessions_revoked_ones_say_when_and_why
    check (revoked = (revocation_time is not null and revocation_reason is not null)),
  constraint sessions_user_agent_is_one_line
    check (is_printable(user_agent) and char_length(user_agent) <= 1000),
  constraint sessions_session_data_is_a_small_object
    check (jsonb_typeof(session_data) = 'object' and octet_length(session_data::text) <= 4096)
);

comment on table sessions is 'Who is signed in, from where, and until when.';
comment on column sessions.id is 'The id of the session: a name, not the token. [internal]';
comment on column sessions.user_id is 'Who. [internal]';
comment on column sessions.organization_id is
  'Where; null before a first organization is chosen: then the session sees its own user and nothing else. [internal]';
comment on column sessions.token_hash is 'The SHA-256 digest of the session token. [secret]';
comment on column sessions.refresh_token_id is
  'The first of its refresh tokens, whose family the others are; null when it has none. [internal]';
comment on column sessions.assurance_level is 'How well they proved who they are: 1 to 3 (NIST SP 800-63B-4). [internal]';
comment on column sessions.authentication_methods is 'With what they proved it. [internal]';
comment on column sessions.is_mfa_complete is 'Whether a second factor was given. [internal]';
comment on column sessions.creation_time is 'When it began. [internal]';
comment on column sessions.expiration_time is 'When it ends at the latest. [internal]';
comment on column sessions.idle_limit is 'After how long without activity it ends. [internal]';
comment on column sessions.ip_address is 'Where it began, as the application says. [personal]';
comment on column sessions.user_agent is 'What it began with, as the application says. [personal]';
comment on column sessions.device_id is 'The device, when one is known. [internal]';
comment on column sessions.revoked is 'Whether somebody ended it. [internal]';
comment on column sessions.revocation_time is 'When somebody ended it; null while nobody has. [internal]';
comment on column sessions.revocation_reason is 'Why; null while nobody has. [internal]';
comment on column sessions.session_data is 'A small object of the application''s own. [personal]';

-- "My sessions", the count against the maximum, and the foreign keys.
create index sessions_user_id_idx on sessions (user_id, creation_time) where not revoked;
create index sessions_organization_id_user_id_idx on sessions (organization_id, user_id);
create index sessions_user_id_fkey_idx on sessions (user_id);
-- What the sweep walks.
create index sessions_expiration_time_idx on sessions (expiration_time);


-- A table of its own: were it a column of sessions, a request that slides the
-- idle limit would hold the row's lock until it commits, and whoever revokes
-- the session would wait for it.
create table session_activities (
  session_id         uuid not null,
  last_activity_time timestamptz not null default now(),

  constraint session_activities_pkey primary key (session_id),
  constraint session_activities_session_id_fkey
    foreign key (session_id) references sessions (id) on delete cascade
) with (fillfactor = 80);

comment on table session_activities is
  'When each session was last used, to the minute.';
comment on column session_activities.session_id is 'Which session. [internal]';
comment on column session_activities.last_activity_time is
  'When it was last used: written at most once a minute. [internal]';


create table refresh_tokens (
  id              uuid not null default new_id(),
  session_id      uuid not null,
  user_id         uuid not null,
  family_id       uuid not null,
  generation      integer not null default 0,
  token_hash      bytea not null,
  client_id       text,
  scope           text,
  creation_time   timestamptz not null default now(),
  expiration_time timestamptz not null,
  is_used         boolean not null default false,
  used_time       timestamptz,
  is_revoked      boolean not null default false,

  constraint refresh_tokens_pkey primary key (id),
  constraint refresh_tokens_token_hash_key unique (token_hash),
  constraint refresh_tokens_family_id_generation_key unique (family_id, generation),
  constraint refresh_tokens_session_id_fkey
    foreign key (session_id) references sessions (id) on delete cascade,
  constraint refresh_tokens_user_id_fkey
    foreign key (user_id) references users (id) on delete cascade,
  constraint refresh_tokens_token_hash_is_a_digest check (octet_length(token_hash) = 32),
  constraint refresh_tokens_generation_is_counted check (generation >= 0),
  constraint refresh_tokens_used_ones_say_when check (is_used = (used_time is not null)),
  constraint refresh_tokens_end_after_they_begin check (expiration_time > creation_time)
);

create index refresh_tokens_session_id_idx on refresh_tokens (session_id);
create index refresh_tokens_user_id_idx on refresh_tokens (user_id);
create index refresh_tokens_used_time_idx on refresh_tokens (used_time) where is_used;

comment on table refresh_tokens is
  'What keeps a session''s tokens short-lived. Each is used once; a used one that comes back is theft.';
comment on column refresh_tokens.id is 'The id of the refresh token: a name, not the token. [internal]';
comment on column refresh_tokens.session_id is 'Whose tokens it renews. [internal]';
comment on column refresh_tokens.user_id is 'Whose session that is. [internal]';
comment on column refresh_tokens.family_id is 'The first token of its line. [internal]';
comment on column refresh_tokens.generation is 'How many came before it in its line. [internal]';
comment on column refresh_tokens.token_hash is 'The SHA-256 digest of the refresh token. [secret]';
comment on column refresh_tokens.client_id is 'For which client; null when the application has one. [internal]';
comment on column refresh_tokens.scope is 'For what; null for everything the session may. [internal]';
comment on column refresh_tokens.creation_time is 'When it was made. [internal]';
comment on column refresh_tokens.expiration_time is 'When it ends at the latest: with its session. [internal]';
comment on column refresh_tokens.is_used is 'Whether it was exchanged for its successor. [internal]';
comment on column refresh_tokens.used_time is 'When; null until then. [internal]';
comment on column refresh_tokens.is_revoked is 'Whether its family is dead. [internal]';


--
-- Which sessions are good
--

create view live_sessions
  with (security_invoker = true, security_barrier = true)
as
select
  sessions.id,
  sessions.user_id,
  sessions.organization_id,
  sessions.token_hash,
  sessions.refresh_token_id,
  sessions.assurance_level,
  sessions.is_mfa_complete,
  sessions.creation_time,
  sessions.expiration_time,
  session_activities.last_activity_time,
  least(
    sessions.expiration_time,
    session_activities.last_activity_time + sessions.idle_limit
  ) as end_time
from sessions
join session_activities on session_activities.session_id = sessions.id
where not sessions.revoked
  -- Each by its key and for a value: a row that is not there is no good session.
  and (
    select users.status = 'active' and users.sessions_valid_from <= sessions.creation_time
    from users
    where users.id = sessions.user_id
  )
  and (
    sessions.organization_id is null
    or (
      (
        select
          organizations.status = 'active'
          and organizations.sessions_valid_from <= sessions.creation_time
        from organizations
        where organizations.id = sessions.organization_id
      )
      and (
        select
          organization_users.status = 'active'
          and organization_users.sessions_valid_from <= sessions.creation_time
        from organization_users
        where organization_users.organization_id = sessions.organization_id
          and organization_users.user_id = sessions.user_id
      )
    )
  );

comment on view live_sessions is
  'Sessions that nobody has ended. Those whose end_time is later than _now() are good.';
comment on column live_sessions.id is 'The id of the session. [internal]';
comment on column live_sessions.user_id is 'Who. [internal]';
comment on column live_sessions.organization_id is 'Where; null before one is chosen. [internal]';
comment on column live_sessions.token_hash is 'The SHA-256 digest of the session token. [secret]';
comment on column live_sessions.refresh_token_id is 'The first of its refresh tokens. [internal]';
comment on column live_sessions.assurance_level is '1 to 3. [internal]';
comment on column live_sessions.is_mfa_complete is 'Whether a second factor was given. [internal]';
comment on column live_sessions.creation_time is 'When it began. [internal]';
comment on column live_sessions.expiration_time is 'When it ends at the latest. [internal]';
comment on column live_sessions.last_activity_time is 'When it was last used, to the minute. [internal]';
comment on column live_sessions.end_time is
  'When it ends unless it is used: the earlier of the absolute and the idle limit. [internal]';


--
-- Who sees what
--

alter table sessions enable row level security;
alter table sessions force row level security;
alter table session_activities enable row level security;
alter table session_activities force row level security;
alter table refresh_tokens enable row level security;
alter table refresh_tokens force row level security;

-- One's own sessions are one's own in whichever organization. Written with "=",
-- never "is not distinct from": with no context that would open every row that
-- has no organization.
create policy tenant_fence on sessions
  as restrictive
  to safetypin_app
  using (
    organization_id = (select current_organization_id())
    or user_id = (select current_user_id())
  )
  with check (false);
comment on policy tenant_fence on sessions is
  'Sessions in the current organization and one''s own, and none is written by hand.';

create policy tenant_fence on session_activities
  as restrictive
  to safetypin_app
  using (exists (select from sessions where sessions.id = session_activities.session_id))
  with check (false);
comment on policy tenant_fence on session_activities is
  'The activity of a session is seen by whoever sees the session.';

create policy select_self on sessions
  for select
  to safetypin_app
  using (user_id = (select current_user_id()));
comment on policy select_self on sessions is 'Everybody sees their own sessions.';

create policy select_administrator on sessions
  for select
  to safetypin_app
  using ((select has_permission('sessions.read')));
comment on policy select_administrator on sessions is
  'Whoever holds sessions.read sees the sessions in the organization.';

create policy select_member on session_activities
  for select
  to safetypin_app
  using (true);
comment on policy select_member on session_activities is 'Activity is seen with its session.';

-- A session is looked up by its token before anybody is known.
create policy select_definer on sessions
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on sessions is
  'A session is looked up by its token before anybody is known.';

create policy insert_definer on sessions
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on sessions is 'Sessions begin in functions.';

create policy update_definer on sessions
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on sessions is 'Sessions change and are ended in functions.';

create policy delete_definer on sessions
  for delete
  to safetypin_definer
  using (true);
comment on policy delete_definer on sessions is 'Sessions that ended long ago are swept.';

create policy select_definer on session_activities
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on session_activities is
  'Whether a session is idle is asked before anybody is known.';

create policy insert_definer on session_activities
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on session_activities is 'Activity begins with its session.';

create policy update_definer on session_activities
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on session_activities is
  'Requests note that the session is in use.';

create policy select_definer on refresh_tokens
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on refresh_tokens is
  'A refresh token is looked up by its digest before anybody is known.';

create policy insert_definer on refresh_tokens
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on refresh_tokens is
  'Refresh tokens are made with their session and by rotation.';

create policy update_definer on refresh_tokens
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on refresh_tokens is
  'Refresh tokens are used once, and their family dies by theft.';

create policy delete_definer on refresh_tokens
  for delete
  to safetypin_definer
  using (true);
comment on policy delete_definer on refresh_tokens is
  'Refresh tokens that were used long ago are swept.';

create policy select_backup on sessions
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on sessions is 'A backup holds every row.';

create policy select_backup on session_activities
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on session_activities is 'A backup holds every row.';

create policy select_backup on refresh_tokens
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on refresh_tokens is 'A backup holds every row.';

grant select (
  id, user_id, organization_id, assurance_level, authentication_methods, is_mfa_complete,
  creation_time, expiration_time, idle_limit, ip_address, user_agent, device_id, revoked,
  revocation_time, revocation_reason, session_data
) on sessions to safetypin_app;
grant select on session_activities to safetypin_app;
-- Nothing on refresh_tokens, and no writing anywhere: sessions begin, live and
-- end in functions.

grant select on sessions, session_activities, refresh_tokens, live_sessions to safetypin_definer;
grant insert (
  id, user_id, organization_id, token_hash, refresh_token_id, assurance_level,
  authentication_methods, is_mfa_complete, creation_time, expiration_time, idle_limit,
  ip_address, user_agent, device_id
) on sessions to safetypin_definer;
grant update (
  organization_id, token_hash, revoked, revocation_time, revocation_reason, session_data,
  ip_address, user_agent
) on sessions to safetypin_definer;
grant delete on sessions to safetypin_definer;
grant insert (session_id, last_activity_time), update (last_activity_time)
  on session_activities to safetypin_definer;
grant insert (
  id, session_id, user_id, family_id, generation, token_hash, client_id, scope, creation_time,
  expiration_time
) on refresh_tokens to safetypin_definer;
grant update (is_used, used_time, is_revoked) on refresh_tokens to safetypin_definer;
grant delete on refresh_tokens to safetypin_definer;
grant select on sessions, session_activities, refresh_tokens to safetypin_backup;


--
-- The door
--

set local role safetypin_definer;

-- The one way in. plpgsql, because a definer function in `language sql` plans
-- its query at every call (measured: twice the cost). The price of a random
-- page is that of an SSD, so that the plan is kept as the cell grows: with four,
-- organizations were scanned while there were few of them.
create function begin_request(
  p_token bytea,
  p_ip_address inet default null,
  p_user_agent text default null,
  out session_id uuid,
  out user_id uuid,
  out organization_id uuid,
  out assurance_level smallint
)
  language plpgsql
  volatile
  security definer
  set search_path from current
  set random_page_cost to 1.1
as $$
declare
  v_now           timestamptz := _clock_time();
  v_last_activity timestamptz;
  v_end_time      timestamptz;
  v_written       text;
begin
  select
    live_sessions.id,
    live_sessions.user_id,
    live_sessions.organization_id,
    live_sessions.assurance_level,
    live_sessions.last_activity_time,
    live_sessions.end_time
  into
    session_id,
    user_id,
    organization_id,
    assurance_level,
    v_last_activity,
    v_end_time
  from live_sessions
  where live_sessions.token_hash = sha256(p_token);

  if session_id is null or v_end_time <= v_now then
    -- Seen to have ended: from now on the clock cannot go back before that. To the
    -- microsecond: anybody can have a session end and be refused here, and rounded up
    -- that would put the mark ahead of the clock.
    if session_id is not null and current_setting('transaction_read_only') = 'off' then
      perform setval('clock_high_water', greatest(
        (select last_value from clock_high_water),
        _mark_of(v_end_time)
      ));
    end if;
    raise exception 'the session is not good, or is no more'
      using errcode = 'SP101', hint = 'Sign in again.';
  end if;

  v_written := _set_context(user_id, organization_id, session_id, assurance_level);
  if p_ip_address is not null then
    v_written := set_config('safetypin.ip_address', host(p_ip_address), true);
  end if;
  if p_user_agent is not null then
    v_written := set_config('safetypin.user_agent', _printable(p_user_agent), true);
  end if;

  -- Whoever holds the row is sliding the same limit: no need to wait for them. The
  -- mark of the clock moves along, so it is never more than a minute behind a request.
  if v_last_activity < v_now - interval '1 minute'
     and current_setting('transaction_read_only') = 'off'
  then
    v_now := _now();
    update session_activities
    set last_activity_time = v_now
    where session_activities.session_id = (
      select sliding.session_id
      from session_activities as sliding
      where sliding.session_id = begin_request.session_id
        and sliding.last_activity_time < v_now
      for update skip locked
    );
  end if;
end;
$$;

comment on function begin_request(bytea, inet, text) is
  'Begins acting for whoever holds this session token, until the transaction ends. Takes the 32 secret bytes of the token. Raises SP101 for a token that is unknown, ended, idle for too long or void.';

grant execute on function begin_request(bytea, inet, text) to safetypin_app;


--
-- Beginning
--

-- The organization a session begins in: the one asked for, or the only one
-- there is. None, when a second factor is required and has not been given.
create function _organization_to_enter(
  p_user_id uuid,
  p_organization_id uuid,
  p_is_mfa_complete boolean
)
  returns uuid
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_organization_ids uuid[];
begin
  select array_agg(organization_users.organization_id)
  into v_organization_ids
  from organization_users
  join organizations on organizations.id = organization_users.organization_id
  where organization_users.user_id = p_user_id
    and organization_users.status = 'active'
    and organizations.status = 'active'
    and (p_organization_id is null or organizations.id = p_organization_id)
    and (
      p_is_mfa_complete
      or not coalesce(
        (
          select mfa_required
          from password_policies
          where password_policies.organization_id = organizations.id
        ),
        (select mfa_required from password_policies where organization_id is null)
      )
    );

  return case when cardinality(v_organization_ids) = 1 then v_organization_ids[1] end;
end;
$$;

comment on function _organization_to_enter(uuid, uuid, boolean) is
  'The organization a person may enter: the one asked for if they may, the only one if none was asked for, else null.';


-- Demanded by somebody who has none, a second factor keeps out whoever demanded it,
-- and everybody who could take it back. So whoever demands it has given one; for the
-- cell, somebody has.
create function tg_password_policies__factor_can_be_met()
  returns trigger
  language plpgsql
  security definer
  set search_path from current
as $$
begin
  if tg_op = 'UPDATE' and old.mfa_required then
    return new;
  end if;

  if not exists (
    select
    from sessions
    where is_mfa_complete
      and (new.organization_id is null or id = current_session_id())
  ) then
    raise exception 'a second factor is demanded by those who have given one'
      using errcode = 'SP207', hint = 'Sign in with a second factor first.';
  end if;
  return new;
end;
$$;

comment on function tg_password_policies__factor_can_be_met() is
  'Refuses mfa_required from a session that has not given a second factor, and for the cell while no session has. Raises SP207.';

grant execute on function tg_password_policies__factor_can_be_met() to safetypin_owner;

set local role safetypin_owner;

create trigger _500_factor_can_be_met
  before insert or update of mfa_required on password_policies
  for each row
  when (new.mfa_required)
  execute function tg_password_policies__factor_can_be_met();

set local role safetypin_definer;


create function _open_session(
  p_user_id uuid,
  p_organization_id uuid,
  p_token_hash bytea,
  p_refresh_token_hash bytea,
  p_assurance_level smallint,
  p_authentication_methods text[],
  p_is_mfa_complete boolean,
  p_ip_address inet,
  p_user_agent text,
  p_device_id uuid
)
  returns uuid
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_session_id       uuid := new_id();
  v_refresh_token_id uuid := case when p_refresh_token_hash is not null then new_id() end;
  v_organization_id  uuid;
  v_limits           record;
  v_now              timestamptz;
begin
  -- The person's row is locked first: sign-ins of one person take turns here,
  -- and so the maximum is exact.
  update users
  set last_login_time = _now()
  where id = p_user_id;

  v_now := _now();
  v_organization_id := _organization_to_enter(p_user_id, p_organization_id, p_is_mfa_complete);
  select * into v_limits from _session_limits(p_user_id, p_assurance_level);

  update sessions
  set
    revoked = true,
    revocation_time = v_now,
    revocation_reason = 'too_many_sessions'
  where id in (
    select id
    from live_sessions
    where user_id = p_user_id
      and end_time > v_now
    order by creation_time desc, id desc
    offset v_limits.max_sessions - 1
  );

  insert into sessions (
    id, user_id, organization_id, token_hash, refresh_token_id, assurance_level,
    authentication_methods, is_mfa_complete, creation_time, expiration_time, idle_limit,
    ip_address, user_agent, device_id
  )
  values (
    v_session_id, p_user_id, v_organization_id, p_token_hash, v_refresh_token_id,
    p_assurance_level, p_authentication_methods, p_is_mfa_complete, v_now,
    v_now + v_limits.absolute_limit, v_limits.idle_limit, p_ip_address,
    _printable(p_user_agent), p_device_id
  );

  insert into session_activities (session_id, last_activity_time)
  values (v_session_id, v_now);

  if p_refresh_token_hash is not null then
    insert into refresh_tokens (
      id, session_id, user_id, family_id, token_hash, creation_time, expiration_time
    )
    values (
      v_refresh_token_id, v_session_id, p_user_id, v_refresh_token_id, p_refresh_token_hash,
      v_now, v_now + v_limits.absolute_limit
    );
  end if;

  perform _log_event(
    'session.opened',
    p_user_id,
    p_organization_id => v_organization_id,
    p_session_id => v_session_id,
    p_ip_address => p_ip_address,
    p_user_agent => p_user_agent,
    p_additional_data => jsonb_build_object(
      'methods', p_authentication_methods, 'assurance_level', p_assurance_level
    )
  );

  return v_session_id;
end;
$$;

comment on function _open_session(uuid, uuid, bytea, bytea, smallint, text[], boolean, inet, text, uuid) is
  'Opens a session for somebody who has proven who they are, and returns its id. Only sign-in functions may call it.';


create function choose_organization(
  p_organization_id uuid
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_user_id       uuid := _require_user();
  v_session_id    uuid := current_session_id();
  v_mfa           boolean;
  v_creation_time timestamptz;
begin
  select is_mfa_complete, creation_time
  into v_mfa, v_creation_time
  from sessions
  where id = v_session_id;

  -- Sessions that the organization has voided are void in it wherever they were: one
  -- that stood outside must not come in, not even for a transaction that rolls back.
  -- No organization is none to enter: asked for nothing, the next would answer the only
  -- one there is.
  if p_organization_id is null
     or _organization_to_enter(v_user_id, p_organization_id, v_mfa) is null
     or exists (
       select from organization_users
       join organizations on organizations.id = organization_users.organization_id
       where organization_users.organization_id = p_organization_id
         and organization_users.user_id = v_user_id
         and v_creation_time
           < greatest(organizations.sessions_valid_from, organization_users.sessions_valid_from)
     )
  then
    raise exception 'organization % cannot be entered', p_organization_id
      using errcode = 'SP305', hint = 'List your organizations with list_own_organizations(); one may require a second factor, or a new sign-in.';
  end if;

  update sessions
  set organization_id = p_organization_id
  where id = v_session_id;

  perform _set_context(v_user_id, p_organization_id, v_session_id, current_assurance_level());

  perform _log_event(
    'session.organization_chosen',
    v_user_id,
    p_organization_id => p_organization_id
  );
end;
$$;

comment on function choose_organization(uuid) is
  'Enters an organization the caller is an active member of, for this and later requests of the session. Raises SP102, and SP305 when it cannot be entered.';

grant execute on function choose_organization(uuid) to safetypin_app;


--
-- Renewing
--

-- What a refresh token turns into: two values that only the key and the token
-- together can make, and that are the same however often they are made.
create function _derive_tokens(
  p_refresh_token bytea,
  p_generation integer,
  p_secret bytea,
  out session_token bytea,
  out refresh_token bytea
)
  language plpgsql
  immutable
  set search_path from current
as $$
begin
  session_token := hmac(p_refresh_token || int4send(p_generation) || '\x01'::bytea, p_secret, 'sha256');
  refresh_token := hmac(p_refresh_token || int4send(p_generation) || '\x02'::bytea, p_secret, 'sha256');
end;
$$;

comment on function _derive_tokens(bytea, integer, bytea) is
  'The session token and the refresh token that follow a refresh token: HMAC-SHA-256 under the cell''s key.';


create function refresh_session(
  p_refresh_token bytea,
  p_ip_address inet default null,
  p_user_agent text default null,
  out status text,
  out session_id uuid,
  out session_token bytea,
  out refresh_token bytea,
  out expiration_time timestamptz
)
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now     timestamptz := _now();
  v_token   refresh_tokens;
  v_session record;
  v_key     record;
begin
  status := 'invalid';

  select *
  into v_token
  from refresh_tokens
  where token_hash = sha256(p_refresh_token)
  for update;

  if v_token.id is null then
    perform _log_event(
      'session.refresh_refused',
      p_result => 'failure',
      p_failure_reason => 'unknown_token',
      p_ip_address => p_ip_address,
      p_user_agent => p_user_agent
    );
    return;
  end if;

  select live_sessions.user_id, live_sessions.organization_id, live_sessions.expiration_time
  into v_session
  from live_sessions
  where live_sessions.id = v_token.session_id
    and live_sessions.end_time > v_now;

  if v_session.user_id is null or v_token.is_revoked or v_token.expiration_time <= v_now then
    perform _log_event(
      'session.refresh_refused',
      v_token.user_id,
      p_result => 'failure',
      p_failure_reason => 'session_ended',
      p_session_id => v_token.session_id,
      p_ip_address => p_ip_address,
      p_user_agent => p_user_agent
    );
    return;
  end if;

  -- Or used in what is still to come: with the clock set back the grace would last
  -- until it has caught up.
  if v_token.is_used and (
    v_token.used_time < v_now - interval '10 seconds'
    or v_token.used_time > clock_timestamp() + interval '1 second'
  ) then
    status := 'reused';

    update refresh_tokens set is_revoked = true where family_id = v_token.family_id;
    update sessions
    set
      revoked = true,
      revocation_time = v_now,
      revocation_reason = 'refresh_token_reused'
    where id = v_token.session_id
      and not revoked;

    perform _raise_alert(
      'refresh_token_reused', 'high', v_session.organization_id, v_token.user_id,
      v_token.session_id,
      jsonb_build_object(
        'generation', v_token.generation, 'used_time', v_token.used_time, 'ip_address', p_ip_address
      )
    );
    perform _log_event(
      'session.refresh_reused',
      v_token.user_id,
      p_result => 'denied',
      p_failure_reason => 'refresh_token_reused',
      p_organization_id => v_session.organization_id,
      p_session_id => v_token.session_id,
      p_ip_address => p_ip_address,
      p_user_agent => p_user_agent
    );
    return;
  end if;

  if not v_token.is_used then
    select secret into v_key from context_keys where purpose = 'refresh' and retired_time is null;
    select derived.session_token, derived.refresh_token
    into session_token, refresh_token
    from _derive_tokens(p_refresh_token, v_token.generation, v_key.secret) as derived;

    update refresh_tokens
    set
      is_used = true,
      used_time = v_now
    where id = v_token.id;

    insert into refresh_tokens (
      session_id, user_id, family_id, generation, token_hash, client_id, scope, creation_time,
      expiration_time
    )
    values (
      v_token.session_id, v_token.user_id, v_token.family_id, v_token.generation + 1,
      sha256(refresh_session.refresh_token), v_token.client_id, v_token.scope, v_now,
      v_token.expiration_time
    );

    update sessions
    set token_hash = sha256(refresh_session.session_token)
    where id = v_token.session_id;

    -- As in begin_request(): a request that goes on must not hold this up.
    update session_activities
    set last_activity_time = v_now
    where session_activities.session_id = (
      select sliding.session_id
      from session_activities as sliding
      where sliding.session_id = v_token.session_id
      for update skip locked
    );

    perform _log_event(
      'session.refreshed',
      v_token.user_id,
      p_organization_id => v_session.organization_id,
      p_session_id => v_token.session_id,
      p_ip_address => p_ip_address,
      p_user_agent => p_user_agent,
      p_additional_data => jsonb_build_object('generation', v_token.generation + 1)
    );
  else
    -- Another tab, or a reply that was lost: the same successor again, under
    -- whichever key made it.
    for v_key in
      select secret from context_keys where purpose = 'refresh' order by retired_time desc nulls first
    loop
      select derived.session_token, derived.refresh_token
      into session_token, refresh_token
      from _derive_tokens(p_refresh_token, v_token.generation, v_key.secret) as derived;
      exit when exists (
        select from refresh_tokens where token_hash = sha256(refresh_session.refresh_token)
      );
    end loop;
  end if;

  status := 'refreshed';
  session_id := v_token.session_id;
  expiration_time := v_session.expiration_time;
end;
$$;

comment on function refresh_session(bytea, inet, text) is
  'Exchanges a refresh token for the next session token and the next refresh token (32 bytes each). Status: refreshed; invalid when the token is unknown or the session is over; reused when it was used more than 10 seconds ago, which ends the session and raises an alert.';

grant execute on function refresh_session(bytea, inet, text) to safetypin_app;


--
-- Ending
--

create function revoke_session(
  p_session_id uuid default current_session_id()
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_user_id uuid := _require_user();
begin
  update sessions
  set
    revoked = true,
    revocation_time = _now(),
    revocation_reason = case when id = current_session_id() then 'signed_out' else 'revoked_by_user' end
  where id = p_session_id
    and user_id = v_user_id
    and not revoked;

  if not found then
    raise exception 'there is no session %', p_session_id
      using errcode = 'SP303', hint = 'List your sessions first.';
  end if;

  perform _log_event(
    'session.revoked', v_user_id, p_resource_type => 'session', p_resource_id => p_session_id
  );
end;
$$;

comment on function revoke_session(uuid) is
  'Ends one of the caller''s own sessions; without an argument, the one they are using. Raises SP102, and SP303 when it is not theirs or has ended.';

grant execute on function revoke_session(uuid) to safetypin_app;


create function revoke_other_sessions(
  p_except uuid[] default '{}'
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_user_id uuid := _require_user();
  v_now     timestamptz := _now();
  v_revoked integer;
begin
  update sessions
  set
    revoked = true,
    revocation_time = v_now,
    revocation_reason = 'revoked_by_user'
  where user_id = v_user_id
    and id <> current_session_id()
    -- Not "<> all": a null among them would keep every session.
    and array_position(p_except, id) is null
    and not revoked;
  get diagnostics v_revoked = row_count;

  perform _log_event(
    'session.others_revoked',
    v_user_id,
    p_additional_data => jsonb_build_object('revoked', v_revoked)
  );

  return v_revoked;
end;
$$;

comment on function revoke_other_sessions(uuid[]) is
  'Ends all of the caller''s sessions but the one they are using and those they name, and returns how many that was. Raises SP102.';

grant execute on function revoke_other_sessions(uuid[]) to safetypin_app;


create function _void_sessions(
  p_user_id uuid,
  p_reason text
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now     timestamptz;
  v_revoked integer;
begin
  -- Locked first: a sign-in that is being finished holds the same row.
  perform from users where id = p_user_id for no key update;
  v_now := _voiding_time();

  update users
  set sessions_valid_from = v_now
  where id = p_user_id;

  update sessions
  set
    revoked = true,
    revocation_time = v_now,
    revocation_reason = p_reason
  where user_id = p_user_id
    and not revoked;
  get diagnostics v_revoked = row_count;

  return v_revoked;
end;
$$;

comment on function _void_sessions(uuid, text) is
  'Ends all sessions of a person, those being opened at this moment included.';


create function revoke_all_sessions()
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_user_id uuid := _require_user();
  v_revoked integer;
begin
  v_revoked := _void_sessions(v_user_id, 'revoked_by_user');

  perform _log_event(
    'session.all_revoked',
    v_user_id,
    p_additional_data => jsonb_build_object('revoked', v_revoked)
  );

  return v_revoked;
end;
$$;

comment on function revoke_all_sessions() is
  'Ends every session of the caller, this one included, and returns how many that was. Raises SP102.';

grant execute on function revoke_all_sessions() to safetypin_app;


-- One row, whatever the number of sessions: the membership says from when they count.
create function revoke_member_sessions(
  p_user_id uuid
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _require_manageable_member('sessions.revoke', p_user_id);

  update organization_users
  set sessions_valid_from = _voiding_time()
  where organization_id = current_organization_id()
    and user_id = p_user_id;

  perform _log_event('session.member_revoked', p_user_id);
end;
$$;

comment on function revoke_member_sessions(uuid) is
  'Voids all sessions a member has in the current organization. Raises SP201 without sessions.revoke, SP202 or SP204 for a member who holds more than the caller, and SP302 for a stranger.';

grant execute on function revoke_member_sessions(uuid) to safetypin_app;


create function set_session_data(
  p_session_data jsonb
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_user_id uuid := _require_user();
begin
  perform _require_given('session_data', p_session_data is not null);

  update sessions
  set session_data = p_session_data
  where id = current_session_id();

  perform _log_event('session.data_set', v_user_id);
end;
$$;

comment on function set_session_data(jsonb) is
  'Keeps a small object of the application''s own with the current session. Raises SP102, and SP509 for null.';

grant execute on function set_session_data(jsonb) to safetypin_app;


--
-- Keeping house
--

-- Each sweep gathers its batch in an array, which is done once: a subquery after
-- "in" may be run again for every row, and then takes more than a batch.

create function sweep_sessions(
  p_batch integer default 1000,
  p_keep interval default '30 days'
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_swept integer;
begin
  perform _require_batch(p_batch, p_keep);

  delete from sessions
  where id = any (array(
    select id
    from sessions
    where expiration_time < _now() - greatest(p_keep, '1 day')
    order by expiration_time
    limit p_batch
    for update skip locked
  ));
  get diagnostics v_swept = row_count;

  perform _log_event('sessions.swept', p_additional_data => jsonb_build_object('swept', v_swept));

  return v_swept;
end;
$$;

comment on function sweep_sessions(integer, interval) is
  'Deletes one batch of sessions that ended long ago, their refresh tokens with them, and returns how many. Call it until it returns 0; locked rows wait for the next time. Raises SP504 for a batch out of range.';

grant execute on function sweep_sessions(integer, interval) to safetypin_operator;


-- A used token is kept for a week, to know a thief by; a session that lives
-- longer than that would otherwise gather thousands.
create function sweep_refresh_tokens(
  p_batch integer default 1000,
  p_keep interval default '7 days'
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_swept integer;
begin
  perform _require_batch(p_batch, p_keep);

  delete from refresh_tokens
  where id = any (array(
    select id
    from refresh_tokens
    where is_used
      and used_time < _now() - greatest(p_keep, '1 day')
    order by used_time
    limit p_batch
    for update skip locked
  ));
  get diagnostics v_swept = row_count;

  perform _log_event('refresh_tokens.swept', p_additional_data => jsonb_build_object('swept', v_swept));

  return v_swept;
end;
$$;

comment on function sweep_refresh_tokens(integer, interval) is
  'Deletes one batch of refresh tokens used long ago and returns how many. Call it until it returns 0. Raises SP504 for a batch out of range.';

grant execute on function sweep_refresh_tokens(integer, interval) to safetypin_operator;


-- A cell that comes out of a backup has sessions in it that have ended since: on a
-- telephone that was lost, or when somebody was let go. Nobody there knows which.
create function end_sessions(
  p_batch integer default 1000,
  p_begun_before timestamptz default null
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now    timestamptz := _now();
  v_before timestamptz := least(p_begun_before, v_now);
  v_ended  integer;
begin
  perform _require_batch(p_batch);

  update sessions
  set
    revoked = true,
    revocation_time = v_now,
    revocation_reason = 'ended_by_operator'
  where id = any (array(
    select id
    from sessions
    where not revoked
      and creation_time < v_before
    order by user_id, creation_time
    limit p_batch
    for update skip locked
  ));
  get diagnostics v_ended = row_count;

  perform _log_event(
    'sessions.ended',
    p_additional_data => jsonb_build_object('ended', v_ended, 'begun_before', v_before)
  );

  return v_ended;
end;
$$;

comment on function end_sessions(integer, timestamptz) is
  'Ends one batch of everybody''s sessions that began before a time, or before now, and returns how many. Call it until it returns 0; locked rows wait for the next time. For a cell that was restored. Raises SP504 for a batch out of range.';

grant execute on function end_sessions(integer, timestamptz) to safetypin_operator;


create function rotate_context_key(
  p_purpose text default 'context'
)
  returns uuid
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_key_id uuid := new_id();
  v_now    timestamptz := _now();
begin
  if p_purpose is null or p_purpose not in ('context', 'refresh') then
    raise exception 'keys for % are not rotated', coalesce(p_purpose, 'null')
      using errcode = 'SP504', hint = 'Pass context or refresh. The key of digests is rotated by rotate_digest_key(); that of the ledger never is.';
  end if;

  -- One at a time. Whoever reads keys goes on reading.
  lock table context_keys in share row exclusive mode;

  -- No context outlives its transaction, and no grace lasts a day.
  delete from context_keys
  where purpose = p_purpose
    and retired_time < v_now - interval '1 day';

  update context_keys
  set retired_time = v_now
  where purpose = p_purpose
    and retired_time is null;

  insert into context_keys (id, purpose, secret)
  values (v_key_id, p_purpose, gen_random_bytes(64));

  perform _log_event(
    'context_key.rotated',
    p_resource_type => 'context_key',
    p_resource_id => v_key_id,
    p_additional_data => jsonb_build_object('purpose', p_purpose)
  );

  return v_key_id;
end;
$$;

comment on function rotate_context_key(text) is
  'Makes a new key for signing contexts or deriving refresh tokens; requests under way go on under the old one. Returns the new key''s id. Raises SP504 for another purpose.';

grant execute on function rotate_context_key(text) to safetypin_operator;


-- What maintenance asks besides sweeping: is anything about to go wrong?
create function raise_operational_alerts()
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_behind  interval;
  v_ahead   integer := count_partitions_ahead();
  v_raised  integer := 0;
begin
  select _time_of(last_value) - clock_timestamp() into v_behind from clock_high_water;

  if v_behind > '5 seconds' and not exists (
    select from security_alerts where alert_type = 'clock_went_back' and status <> 'resolved'
  ) then
    perform _raise_alert(
      'clock_went_back', 'high',
      p_evidence => jsonb_build_object('seconds_behind', round(extract(epoch from v_behind)))
    );
    v_raised := v_raised + 1;
  end if;

  if v_ahead < 2 and not exists (
    select from security_alerts where alert_type = 'partitions_running_out' and status <> 'resolved'
  ) then
    perform _raise_alert(
      'partitions_running_out', 'critical',
      p_evidence => jsonb_build_object('months_ahead', v_ahead)
    );
    v_raised := v_raised + 1;
  end if;

  perform _log_event('alerts.checked', p_additional_data => jsonb_build_object('raised', v_raised));

  return v_raised;
end;
$$;

comment on function raise_operational_alerts() is
  'Opens an alert when the clock has gone back or fewer than two months of partitions are ahead, unless one is open already. Returns how many it opened.';

grant execute on function raise_operational_alerts() to safetypin_operator;

set local role safetypin_owner;
