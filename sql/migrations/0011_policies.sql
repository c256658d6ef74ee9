/*
 * 0011 policies: how strict passwords and sessions are
 *
 * One row is the cell's default; an organization may have a row of its own. The
 * bounds are checks, taken from NIST SP 800-63B-4: an organization may be
 * stricter than NIST, never laxer. Length and a blocklist do the work.
 * Composition, age and history are there for those whose auditors ask, and off
 * by default where NIST says they do harm.
 *
 * Nor so strict that nobody can work: whoever set it could not come back to undo it.
 *
 * A person in several organizations lives by the strictest of them. A password
 * is judged by the client, which alone sees it, against the policy it read
 * here; so each effective policy has a version, and the database accepts a new
 * password only with the version that holds at that moment.
 */

set local role safetypin_owner;

create table password_policies (
  id                   uuid not null default new_id(),
  organization_id      uuid,
  min_length           integer not null default 15,
  max_length           integer not null default 128,
  require_uppercase    boolean not null default false,
  require_lowercase    boolean not null default false,
  require_digit        boolean not null default false,
  require_symbol       boolean not null default false,
  maximum_age_days     integer,
  history_depth        integer not null default 5,
  history_days         integer not null default 0,
  mfa_required         boolean not null default false,
  max_sessions         integer not null default 10,
  aal1_absolute_limit  interval not null default '30 days',
  aal1_idle_limit      interval not null default '7 days',
  aal2_absolute_limit  interval not null default '24 hours',
  aal2_idle_limit      interval not null default '1 hour',
  aal3_absolute_limit  interval not null default '12 hours',
  aal3_idle_limit      interval not null default '15 minutes',
  bcrypt_cost          integer,
  lockout_threshold    integer,
  lockout_base         interval,
  lockout_limit        interval,
  address_threshold    integer,
  creation_time        timestamptz not null default now(),
  last_update_time     timestamptz not null default now(),

  constraint password_policies_pkey primary key (id),
  constraint password_policies_organization_id_key unique nulls not distinct (organization_id),
  constraint password_policies_organization_id_fkey
    foreign key (organization_id) references organizations (id) on delete cascade,
  -- 800-63B-4, 3.1.1.2: 15 characters, or 8 where a second factor always goes with it.
  constraint password_policies_min_length_is_nist
    check (min_length >= case when mfa_required then 8 else 15 end and min_length <= 64),
  constraint password_policies_max_length_is_nist check (max_length between 64 and 1024),
  constraint password_policies_maximum_age_is_sane check (maximum_age_days between 1 and 3650),
  constraint password_policies_history_is_bounded
    check (history_depth between 1 and 50 and history_days between 0 and 3650),
  constraint password_policies_max_sessions_is_sane check (max_sessions between 1 and 100),
  -- 800-63B-4, 2.1.3, 2.2.3 and 2.3.3.
  constraint password_policies_aal1_limits_are_nist
    check (aal1_absolute_limit <= '30 days' and aal1_idle_limit <= aal1_absolute_limit),
  constraint password_policies_aal2_limits_are_nist
    check (aal2_absolute_limit <= '24 hours' and aal2_idle_limit <= '1 hour'),
  constraint password_policies_aal3_limits_are_nist
    check (aal3_absolute_limit <= '12 hours' and aal3_idle_limit <= '15 minutes'),
  -- Activity is noted once a minute, so a session in use outlives an idle limit of two.
  -- A person lives by the strictest of their organizations: with less, one organization
  -- would keep its members out of all of them, and itself from mending it.
  constraint password_policies_sessions_can_be_used
    check (
      least(aal1_idle_limit, aal2_idle_limit, aal3_idle_limit) >= '2 minutes'
      and least(aal1_absolute_limit, aal2_absolute_limit, aal3_absolute_limit) >= '5 minutes'
    ),
  -- A threshold of an organization's own would answer, to anybody who tries an
  -- address, whether it belongs to somebody there. So throttles are the cell's.
  constraint password_policies_throttles_are_the_cells
    check (
      num_nulls(bcrypt_cost, lockout_threshold, lockout_base, lockout_limit, address_threshold)
      = case when organization_id is null then 0 else 5 end
    ),
  constraint password_policies_bcrypt_cost_is_strong check (bcrypt_cost between 12 and 16),
  -- 800-63B-4, 3.2.2: no more than 100 failures in a row, whatever this says.
  constraint password_policies_throttles_are_sane
    check (
      lockout_threshold between 3 and 20
      and address_threshold between 10 and 10000
      and lockout_base between '1 second' and '5 minutes'
      and lockout_limit between lockout_base and interval '1 hour'
    )
);

comment on table password_policies is
  'How strict passwords and sessions are: one row for the cell, and one for each organization that wants its own.';
comment on column password_policies.id is 'The id of the policy. [internal]';
comment on column password_policies.organization_id is 'Whose policy; null for the cell''s default. [internal]';
comment on column password_policies.min_length is
  'Fewest code points: at least 15, or 8 where mfa_required. What holds for a person is 15 at least, for as long as their password alone opens a session. [internal]';
comment on column password_policies.max_length is 'Most code points: at least 64. [internal]';
comment on column password_policies.require_uppercase is 'Whether one must be an upper-case letter. [internal]';
comment on column password_policies.require_lowercase is 'Whether one must be a lower-case letter. [internal]';
comment on column password_policies.require_digit is 'Whether one must be a digit. [internal]';
comment on column password_policies.require_symbol is 'Whether one must be neither letter nor digit. [internal]';
comment on column password_policies.maximum_age_days is
  'Days until a password must be changed; null, as NIST wants it, for never. [internal]';
comment on column password_policies.history_depth is
  'How many of the last passwords may not be used again, the current one included. [internal]';
comment on column password_policies.history_days is
  'For how many days a password may not be used again, whatever the depth. [internal]';
comment on column password_policies.mfa_required is
  'Whether a second factor must be complete before the organization is entered. [internal]';
comment on column password_policies.max_sessions is
  'How many sessions a person may have at once: one more ends the oldest. [internal]';
comment on column password_policies.aal1_absolute_limit is 'How long a session of assurance level 1 lasts at most. [internal]';
comment on column password_policies.aal1_idle_limit is 'How long it lasts without activity. [internal]';
comment on column password_policies.aal2_absolute_limit is 'How long a session of assurance level 2 lasts at most. [internal]';
comment on column password_policies.aal2_idle_limit is 'How long it lasts without activity. [internal]';
comment on column password_policies.aal3_absolute_limit is 'How long a session of assurance level 3 lasts at most. [internal]';
comment on column password_policies.aal3_idle_limit is 'How long it lasts without activity. [internal]';
comment on column password_policies.bcrypt_cost is
  'The cost new digests are made with; older ones are made anew at sign-in. The cell''s alone. [internal]';
comment on column password_policies.lockout_threshold is
  'After how many failures in a row an account is throttled. The cell''s alone. [internal]';
comment on column password_policies.lockout_base is
  'The first wait; each failure doubles it. The cell''s alone. [internal]';
comment on column password_policies.lockout_limit is 'The longest wait. The cell''s alone. [internal]';
comment on column password_policies.address_threshold is
  'After how many failures an address is throttled, whatever accounts it tries. The cell''s alone. [internal]';
comment on column password_policies.creation_time is 'When it was made. [internal]';
comment on column password_policies.last_update_time is 'When it last changed. [internal]';

create trigger _100_touch_last_update_time
  before update on password_policies
  for each row
  execute function tg__touch_last_update_time();

select _record_changes_of('password_policies');

alter table password_policies enable row level security;
alter table password_policies force row level security;

-- The cell's default is seen by all and written by none of the tenants.
create policy tenant_fence on password_policies
  as restrictive
  to safetypin_app
  using (organization_id is null or organization_id = (select current_organization_id()))
  with check (organization_id = (select current_organization_id()));
comment on policy tenant_fence on password_policies is
  'The cell''s policy and that of the current organization; the first is written by no tenant.';

create policy select_member on password_policies
  for select
  to safetypin_app
  using (true);
comment on policy select_member on password_policies is 'Members see the rules they live by.';

create policy insert_administrator on password_policies
  for insert
  to safetypin_app
  with check ((select has_permission('policies.manage')));
comment on policy insert_administrator on password_policies is
  'Whoever holds policies.manage gives the organization a policy of its own.';

create policy update_administrator on password_policies
  for update
  to safetypin_app
  using (organization_id is not null and (select has_permission('policies.manage')));
comment on policy update_administrator on password_policies is
  'Whoever holds policies.manage changes the organization''s own policy.';

create trigger _500_require_permission
  after insert or update on password_policies
  for each row
  when (row_security_active('password_policies'::regclass) and pg_has_role('safetypin_app', 'usage'))
  execute function tg__require_permission('policies.manage');

-- The strictest of a person's organizations is asked before one is chosen.
create policy select_definer on password_policies
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on password_policies is
  'The strictest of a person''s organizations is asked before one is chosen.';

create policy delete_definer on password_policies
  for delete
  to safetypin_definer
  using (organization_id is not null);
comment on policy delete_definer on password_policies is
  'An organization gives up its own policy in clear_password_policy(); operators take it back in reset_organization_policy().';

create policy select_operator on password_policies
  for select
  to safetypin_operator
  using (organization_id is null);
comment on policy select_operator on password_policies is 'Operators see the cell''s policy.';

create policy update_operator on password_policies
  for update
  to safetypin_operator
  using (organization_id is null);
comment on policy update_operator on password_policies is
  'Operators change the cell''s policy.';

create policy select_owner on password_policies
  for select
  to safetypin_owner
  using (organization_id is null);
comment on policy select_owner on password_policies is 'Seeds see the cell''s policy.';

create policy insert_owner on password_policies
  for insert
  to safetypin_owner
  with check (organization_id is null);
comment on policy insert_owner on password_policies is
  'The cell''s policy is made by its chapter.';

create policy update_owner on password_policies
  for update
  to safetypin_owner
  using (organization_id is null);
comment on policy update_owner on password_policies is 'Seeds change the cell''s policy.';

create policy select_auditor on password_policies
  for select
  to safetypin_auditor
  using (true);
comment on policy select_auditor on password_policies is
  'Auditors see the rules of every organization.';

create policy select_backup on password_policies
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on password_policies is 'A backup holds every row.';

grant select on password_policies
  to safetypin_app, safetypin_definer, safetypin_operator, safetypin_auditor, safetypin_backup;
grant insert (
  organization_id, min_length, max_length, require_uppercase, require_lowercase, require_digit,
  require_symbol, maximum_age_days, history_depth, history_days, mfa_required, max_sessions,
  aal1_absolute_limit, aal1_idle_limit, aal2_absolute_limit, aal2_idle_limit,
  aal3_absolute_limit, aal3_idle_limit
) on password_policies to safetypin_app;
grant update (
  min_length, max_length, require_uppercase, require_lowercase, require_digit,
  require_symbol, maximum_age_days, history_depth, history_days, mfa_required, max_sessions,
  aal1_absolute_limit, aal1_idle_limit, aal2_absolute_limit, aal2_idle_limit,
  aal3_absolute_limit, aal3_idle_limit
) on password_policies to safetypin_app, safetypin_operator;
grant update (bcrypt_cost, lockout_threshold, lockout_base, lockout_limit, address_threshold)
  on password_policies to safetypin_operator;
grant delete on password_policies to safetypin_definer;
-- No delete for the application: see clear_password_policy().

insert into password_policies (
  bcrypt_cost, lockout_threshold, lockout_base, lockout_limit, address_threshold
)
values (12, 5, '30 seconds', '15 minutes', 100);


--
-- The strictest
--

create type effective_policy as (
  version            text,
  min_length         integer,
  max_length         integer,
  require_uppercase  boolean,
  require_lowercase  boolean,
  require_digit      boolean,
  require_symbol     boolean,
  maximum_age_days   integer,
  history_depth      integer,
  history_days       integer,
  bcrypt_cost        integer
);

comment on type effective_policy is
  'The password rules a person lives by. The version changes whenever any of them does.';

set local role safetypin_definer;

create function _effective_policy(
  p_user_id uuid
)
  returns effective_policy
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_policy effective_policy;
begin
  -- Fifteen at least, whatever the policies say. NIST allows eight for passwords that
  -- are only ever used together with a second factor (800-63B-4, 3.1.1.2), and with
  -- every policy that demands one there is still a session that the password alone
  -- opens: of level 1, in no organization. Somebody who belongs to two lives by both.
  select
    null,
    greatest(15, max(rules.min_length)),
    min(rules.max_length),
    bool_or(rules.require_uppercase),
    bool_or(rules.require_lowercase),
    bool_or(rules.require_digit),
    bool_or(rules.require_symbol),
    min(rules.maximum_age_days),
    max(rules.history_depth),
    max(rules.history_days),
    (select bcrypt_cost from password_policies where organization_id is null)
  into v_policy
  from (
    -- An organization without a policy of its own goes by the cell's.
    select coalesce(own.id, cell.id) as policy_id
    from organization_users
    join password_policies as cell on cell.organization_id is null
    left join password_policies as own on own.organization_id = organization_users.organization_id
    where organization_users.user_id = p_user_id
      and organization_users.status = 'active'
    union
    select id
    from password_policies
    where organization_id is null
      and not exists (
        select from organization_users where user_id = p_user_id and status = 'active'
      )
  ) as applying
  join password_policies as rules on rules.id = applying.policy_id;

  v_policy.version := left(encode(sha256(convert_to(v_policy::text, 'UTF8')), 'hex'), 16);
  return v_policy;
end;
$$;

comment on function _effective_policy(uuid) is
  'The strictest password rules among a person''s organizations, 15 characters at least; the cell''s default for somebody in none.';


create function read_password_policy()
  returns effective_policy
  language plpgsql
  stable
  parallel restricted
  security definer
  set search_path from current
as $$
begin
  return _effective_policy(current_user_id());
end;
$$;

comment on function read_password_policy() is
  'The password rules that hold for the caller; for nobody, those that hold for whoever registers.';

grant execute on function read_password_policy() to safetypin_app;


-- How long a session lasts, by the strictest of the person's organizations.
create function _session_limits(
  p_user_id uuid,
  p_assurance_level smallint,
  out absolute_limit interval,
  out idle_limit interval,
  out max_sessions integer
)
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  select
    min(case p_assurance_level
      when 1 then rules.aal1_absolute_limit
      when 2 then rules.aal2_absolute_limit
      else rules.aal3_absolute_limit
    end),
    min(case p_assurance_level
      when 1 then rules.aal1_idle_limit
      when 2 then rules.aal2_idle_limit
      else rules.aal3_idle_limit
    end),
    min(rules.max_sessions)
  into absolute_limit, idle_limit, max_sessions
  from password_policies as rules
  where rules.organization_id is null
    or rules.organization_id in (
      select organization_users.organization_id
      from organization_users
      where organization_users.user_id = p_user_id
        and organization_users.status = 'active'
    );
end;
$$;

comment on function _session_limits(uuid, smallint) is
  'The absolute and idle limits and the number of sessions a person may have, the cell''s default included.';


-- A function and not a grant: whoever may delete from a table may also lock the
-- whole of it, and every sign-in reads this one.
create function clear_password_policy()
  returns boolean
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
  v_found           boolean;
begin
  perform _require_permission('policies.manage');

  delete from password_policies
  where organization_id = v_organization_id;
  v_found := found;

  -- And once more behind the lock.
  perform _require_permission('policies.manage');

  perform _log_event(
    'policy.cleared',
    p_additional_data => jsonb_build_object('had_one', v_found)
  );
  return v_found;
end;
$$;

comment on function clear_password_policy() is
  'Gives up the current organization''s own policy, so that it goes by the cell''s, and says whether it had one. Raises SP201 without policies.manage.';

grant execute on function clear_password_policy() to safetypin_app;


-- The way out for an organization that cannot come in to mend its policy.
create function reset_organization_policy(
  p_organization_id uuid,
  p_reason text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  delete from password_policies
  where organization_id = p_organization_id;

  if not found then
    raise exception 'there is no organization % with a policy of its own', p_organization_id
      using errcode = 'SP305', hint = 'Pass the id of an organization that has one.';
  end if;

  perform _log_event(
    'policy.reset',
    p_organization_id => p_organization_id,
    p_resource_type => 'organization',
    p_resource_id => p_organization_id,
    p_additional_data => jsonb_build_object('reason', _printable(p_reason))
  );
end;
$$;

comment on function reset_organization_policy(uuid, text) is
  'Takes an organization''s own policy away, so that it goes by the cell''s: for one that keeps its members out. Raises SP305 when there is no such organization, or it has none.';

grant execute on function reset_organization_policy(uuid, text) to safetypin_operator;

set local role safetypin_owner;
