/*
 * 0009 one-time tokens: what is sent once, to be used once
 *
 * Verifying an address, resetting a password and proving a domain all work the
 * same way: somebody is sent 256 random bits by a way that only the right
 * person can read, and brings them back. The database keeps the digest. Using a
 * token is one guarded update, never a look and then an update: of any number
 * who try at once, one wins.
 *
 * Whoever asks for a token learns nothing from the answer: not whether the
 * address belongs to anybody, not whether a token was made.
 */

set local role safetypin_owner;

create table one_time_tokens (
  id                     uuid not null default new_id(),
  purpose                text not null,
  user_id                uuid,
  organization_domain_id uuid,
  token_hash             bytea not null,
  creation_time          timestamptz not null default now(),
  expiration_time        timestamptz not null,
  used_time              timestamptz,
  attempt_count          integer not null default 0,

  constraint one_time_tokens_pkey primary key (id),
  constraint one_time_tokens_token_hash_key unique (token_hash),
  constraint one_time_tokens_user_id_fkey
    foreign key (user_id) references users (id) on delete cascade,
  constraint one_time_tokens_organization_domain_id_fkey
    foreign key (organization_domain_id) references organization_domains (id) on delete cascade,
  constraint one_time_tokens_purpose_is_known
    check (purpose in ('verify_email', 'already_registered', 'reset_password', 'verify_domain')),
  constraint one_time_tokens_are_about_one_thing
    check (
      case purpose
        when 'verify_domain' then organization_domain_id is not null and user_id is null
        else user_id is not null and organization_domain_id is null
      end
    ),
  constraint one_time_tokens_token_hash_is_a_digest check (octet_length(token_hash) = 32),
  constraint one_time_tokens_end_within_a_month
    check (expiration_time > creation_time and expiration_time <= creation_time + interval '31 days'),
  constraint one_time_tokens_attempts_are_limited check (attempt_count between 0 and 10)
);

create index one_time_tokens_user_id_idx on one_time_tokens (user_id, purpose, creation_time);
create index one_time_tokens_organization_domain_id_idx on one_time_tokens (organization_domain_id);
create index one_time_tokens_expiration_time_idx on one_time_tokens (expiration_time);

comment on table one_time_tokens is
  'Digests of tokens that were sent to somebody and may be used once.';
comment on column one_time_tokens.id is 'The id of the token: a name, not the token. [internal]';
comment on column one_time_tokens.purpose is
  'verify_email, reset_password, verify_domain; or already_registered, which tells the owner of an address that somebody registered it again. [internal]';
comment on column one_time_tokens.user_id is 'About whom; null when it is about a domain. [internal]';
comment on column one_time_tokens.organization_domain_id is
  'About which domain; null when it is about a person. [internal]';
comment on column one_time_tokens.token_hash is 'The SHA-256 digest of the token. [secret]';
comment on column one_time_tokens.creation_time is 'When it was made. [internal]';
comment on column one_time_tokens.expiration_time is 'When it ends. [internal]';
comment on column one_time_tokens.used_time is 'When it was used; null until then. [internal]';
comment on column one_time_tokens.attempt_count is
  'How often it was shown without being used; ten times at most. [internal]';

alter table one_time_tokens enable row level security;
alter table one_time_tokens force row level security;

-- A token is looked up by its digest, before anybody is known.
create policy select_definer on one_time_tokens
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on one_time_tokens is
  'A token is looked up by its digest before anybody is known.';

create policy insert_definer on one_time_tokens
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on one_time_tokens is
  'Tokens are kept by the functions that are asked for one.';

create policy update_definer on one_time_tokens
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on one_time_tokens is
  'Tokens are shown and used in functions, once.';

create policy delete_definer on one_time_tokens
  for delete
  to safetypin_definer
  using (true);
comment on policy delete_definer on one_time_tokens is
  'Tokens go when a new one takes their place, and when they ended long ago.';

create policy select_backup on one_time_tokens
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on one_time_tokens is 'A backup holds every row.';

grant select, delete on one_time_tokens to safetypin_definer;
grant insert (purpose, user_id, organization_domain_id, token_hash, expiration_time)
  on one_time_tokens to safetypin_definer;
grant update (used_time, attempt_count) on one_time_tokens to safetypin_definer;
grant select on one_time_tokens to safetypin_backup;
-- Nothing for the application: it makes a token, sends it, and brings back what comes.


--
-- Making and using
--

set local role safetypin_definer;

-- A new token makes the ones before it worthless, and a person gets one a
-- minute: whoever asks again and again for somebody else cannot keep them from
-- using the one they have, nor fill their mailbox.
create function _issue_token(
  p_purpose text,
  p_user_id uuid,
  p_token_hash bytea,
  p_lifetime interval
)
  returns boolean
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now timestamptz := _now();
begin
  perform from users where id = p_user_id for no key update;

  if exists (
    select from one_time_tokens
    where user_id = p_user_id
      and purpose = p_purpose
      and creation_time > v_now - interval '1 minute'
      and used_time is null
  ) then
    return false;
  end if;

  delete from one_time_tokens
  where user_id = p_user_id
    and purpose = p_purpose
    and used_time is null;

  -- Silent about a digest that is there already: it would tell that it was kept
  -- the time before, and so that somebody was there to keep it for.
  insert into one_time_tokens (purpose, user_id, token_hash, expiration_time)
  values (p_purpose, p_user_id, p_token_hash, v_now + p_lifetime)
  on conflict (token_hash) do nothing;
  return found;
end;
$$;

comment on function _issue_token(text, uuid, bytea, interval) is
  'Keeps the digest of a new token for a person, in place of earlier ones; false when they got one within the last minute, or the digest is not new.';


-- Asked before anybody is looked for: the constraint would refuse it for an
-- address that somebody has, and never come to be asked for one that nobody has.
create function _require_digest(
  p_token_hash bytea
)
  returns void
  language plpgsql
  immutable
  set search_path from current
as $$
begin
  if p_token_hash is null or octet_length(p_token_hash) <> 32 then
    raise check_violation
      using
        message = 'the digest of a token is 32 bytes',
        table = 'one_time_tokens',
        constraint = 'one_time_tokens_token_hash_is_a_digest',
        hint = 'Pass the SHA-256 digest of the token.';
  end if;
end;
$$;

comment on function _require_digest(bytea) is
  'Passes for what can be the digest of a token, and breaks one_time_tokens_token_hash_is_a_digest for anything else.';


create function _use_token(
  p_purposes text[],
  p_token bytea
)
  returns one_time_tokens
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now   timestamptz := _now();
  v_token one_time_tokens;
begin
  update one_time_tokens
  set used_time = v_now
  where token_hash = sha256(p_token)
    and purpose = any (p_purposes)
    and used_time is null
    and attempt_count < 10
    and expiration_time > v_now
  returning * into v_token;

  return v_token;
end;
$$;

comment on function _use_token(text[], bytea) is
  'Uses a token, once: returns its row to one caller and null to all others.';


create function _show_token(
  p_purpose text,
  p_token bytea
)
  returns one_time_tokens
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now   timestamptz := _now();
  v_token one_time_tokens;
begin
  update one_time_tokens
  set attempt_count = attempt_count + 1
  where token_hash = sha256(p_token)
    and purpose = p_purpose
    and used_time is null
    and attempt_count < 10
    and expiration_time > v_now
  returning * into v_token;

  return v_token;
end;
$$;

comment on function _show_token(text, bytea) is
  'Looks a token up without using it, ten times at most: returns its row, or null.';


--
-- E-mail addresses
--

-- A result and not an exception, so that its record stays.
create function verify_email(
  p_token bytea
)
  returns text
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_token one_time_tokens := _use_token(array['verify_email', 'already_registered'], p_token);
begin
  if v_token.id is null then
    perform _log_event('email.verified', p_result => 'failure', p_failure_reason => 'unknown_token');
    return 'invalid';
  end if;

  if v_token.purpose = 'already_registered' then
    perform _log_event('email.registered_again', v_token.user_id);
    return 'already_registered';
  end if;

  update users
  set
    email_verified_time = coalesce(email_verified_time, now()),
    status = case status when 'pending' then 'active' else status end
  where id = v_token.user_id;

  perform _log_event('email.verified', v_token.user_id);
  return 'verified';
end;
$$;

comment on function verify_email(bytea) is
  'Takes a token that was sent to an address and makes its owner active. Answers verified, already_registered when the address had an account before, or invalid.';

grant execute on function verify_email(bytea) to safetypin_app;


create function request_email_verification(
  p_email text,
  p_token_hash bytea
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_user_id uuid;
begin
  perform _require_digest(p_token_hash);

  select id
  into v_user_id
  from users
  where email = lower(p_email)
    and status = 'pending';

  if v_user_id is not null then
    perform _issue_token('verify_email', v_user_id, p_token_hash, '1 day');
  end if;

  perform _log_event('email.verification_requested', v_user_id);
end;
$$;

comment on function request_email_verification(text, bytea) is
  'Makes the token with this digest good for verifying an address for a day, if somebody waits to verify it. The answer is the same if nobody does.';

grant execute on function request_email_verification(text, bytea) to safetypin_app;


--
-- Domains
--

create function claim_domain(
  p_domain text,
  p_token_hash bytea
)
  returns uuid
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
  v_now             timestamptz := _now();
  v_domain_id       uuid;
begin
  perform _require_permission('domains.manage');

  insert into organization_domains (organization_id, domain, claimed_by)
  values (v_organization_id, lower(p_domain), current_user_id())
  on conflict (organization_id, domain) do nothing;

  select id
  into v_domain_id
  from organization_domains
  where organization_id = v_organization_id
    and domain = lower(p_domain)
  for update;

  delete from one_time_tokens
  where organization_domain_id = v_domain_id
    and used_time is null;

  insert into one_time_tokens (purpose, organization_domain_id, token_hash, expiration_time)
  values ('verify_domain', v_domain_id, p_token_hash, v_now + interval '30 days')
  on conflict (token_hash) do nothing;

  perform _log_event(
    'domain.claimed', p_resource_type => 'domain', p_resource_id => v_domain_id
  );

  return v_domain_id;
end;
$$;

comment on function claim_domain(text, bytea) is
  'Claims an e-mail domain for the current organization and returns the claim''s id. The token with this digest, published in the domain''s DNS, proves it within 30 days. Any number may claim; raises SP201 without domains.manage.';

grant execute on function claim_domain(text, bytea) to safetypin_app;


-- That the token stood in the DNS is the application's word; that it is the
-- right token, used once, and that nobody else holds the domain, is ours.
create function verify_domain(
  p_token bytea
)
  returns boolean
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
  v_token           one_time_tokens;
  v_verified        boolean := false;
begin
  perform _require_permission('domains.manage');

  -- The DNS is read by everybody: a stranger who shows the token does not use it up.
  if exists (
    select
    from one_time_tokens
    join organization_domains on organization_domains.id = one_time_tokens.organization_domain_id
    where one_time_tokens.token_hash = sha256(p_token)
      and organization_domains.organization_id = v_organization_id
  ) then
    v_token := _use_token(array['verify_domain'], p_token);
  end if;

  -- Whether it fails because another organization holds the domain or because
  -- the token is wrong, the answer is the same.
  begin
    update organization_domains
    set verified_time = coalesce(verified_time, now())
    where id = v_token.organization_domain_id
      and organization_id = v_organization_id;
    v_verified := found;

    update organizations
    set domain = (
      select domain from organization_domains where id = v_token.organization_domain_id
    )
    where id = v_organization_id
      and domain is null
      and v_verified;
  exception
    when unique_violation then
      v_verified := false;
  end;

  perform _log_event(
    'domain.verified',
    p_result => case when v_verified then 'success' else 'failure' end,
    p_failure_reason => case when not v_verified then 'not_verified' end,
    p_resource_type => 'domain',
    p_resource_id => v_token.organization_domain_id
  );

  return v_verified;
end;
$$;

comment on function verify_domain(bytea) is
  'Proves a claimed domain with the token found in its DNS, and says whether it is now the organization''s. Raises SP201 without domains.manage.';

grant execute on function verify_domain(bytea) to safetypin_app;


create function release_domain(
  p_domain text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
  v_domain_id       uuid;
begin
  perform _require_permission('domains.manage');

  delete from organization_domains
  where organization_id = v_organization_id
    and domain = lower(p_domain)
  returning id into v_domain_id;

  if v_domain_id is null then
    raise exception 'the organization does not claim %', p_domain
      using errcode = 'SP309', hint = 'Pass one of the domains of the current organization.';
  end if;

  update organizations
  set domain = (
    select domain
    from organization_domains
    where organization_id = v_organization_id
      and verified_time is not null
    order by verified_time
    limit 1
  )
  where id = v_organization_id
    and domain = lower(p_domain);

  perform _log_event(
    'domain.released', p_resource_type => 'domain', p_resource_id => v_domain_id
  );
end;
$$;

comment on function release_domain(text) is
  'Gives a claimed or proven domain up. Raises SP201 without domains.manage and SP309 when the organization does not claim it.';

grant execute on function release_domain(text) to safetypin_app;


-- Only for the domain of one's own, verified address: asked of any domain, this
-- would tell strangers who is a customer.
create function find_organization_of_own_domain(
  out organization_id uuid,
  out name text
)
  language plpgsql
  stable
  parallel restricted
  security definer
  set search_path from current
as $$
declare
  v_user_id uuid := _require_user();
begin
  select organizations.id, organizations.name
  into organization_id, name
  from users
  join organization_domains
    on organization_domains.domain = split_part(users.email, '@', 2)
    and organization_domains.verified_time is not null
  join organizations on organizations.id = organization_domains.organization_id
  where users.id = v_user_id
    and users.email_verified_time is not null
    and organizations.status = 'active';
end;
$$;

comment on function find_organization_of_own_domain() is
  'The organization that holds the domain of the caller''s own verified address; nulls when there is none. Raises SP102.';

grant execute on function find_organization_of_own_domain() to safetypin_app;


create function sweep_one_time_tokens(
  p_batch integer default 1000
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
  delete from one_time_tokens
  where id = any (array(
    select id
    from one_time_tokens
    where expiration_time < _now() - interval '1 day'
    order by expiration_time
    limit p_batch
    for update skip locked
  ));
  get diagnostics v_swept = row_count;

  perform _log_event('one_time_tokens.swept', p_additional_data => jsonb_build_object('swept', v_swept));

  return v_swept;
end;
$$;

comment on function sweep_one_time_tokens(integer) is
  'Deletes one batch of tokens that ended more than a day ago and returns how many. Call it until it returns 0.';

grant execute on function sweep_one_time_tokens(integer) to safetypin_operator;

set local role safetypin_owner;
