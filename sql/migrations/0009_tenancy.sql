/*
 * 0009 tenancy: organizations, who belongs to them, and the domains they hold
 *
 * An organization is the wall that everything else lives behind. People get
 * through it by membership and by nothing else. Two counters stand on the
 * organization's own row, how many members and how many owners, kept by a
 * trigger: so "at least one owner" and "no more than max_users" are checks on
 * one row, and a check cannot be raced.
 *
 * Suspending or closing an organization, or losing one's place in it, ends
 * sessions at once, at any size: each of these rows carries the time from which
 * sessions count, and begin_request() compares. Nothing is swept to be safe.
 */

set local role safetypin_owner;


--
-- Tables
--

create table organizations (
  id                      uuid not null default new_id(),
  slug                    text not null,
  name                    text not null,
  domain                  text,
  status                  text not null default 'inactive',
  subscription_tier       text not null default 'standard',
  max_users               integer,
  member_count            integer not null default 0,
  owner_count             integer not null default 0,
  billing_email           bytea,
  technical_contact_email bytea,
  settings                jsonb not null default '{}',
  sessions_valid_from     timestamptz not null default '-infinity',
  creation_time           timestamptz not null default now(),
  last_update_time        timestamptz not null default now(),

  constraint organizations_pkey primary key (id),
  -- Among keys the cell is a tenant like any other, and this is its id.
  constraint organizations_id_is_not_the_cells check (id <> '00000000-0000-0000-0000-000000000000'),
  constraint organizations_slug_key unique (slug),
  constraint organizations_domain_key unique (domain),
  constraint organizations_slug_is_kebab_case check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  constraint organizations_slug_is_short check (char_length(slug) between 3 and 60),
  constraint organizations_name_is_a_name
    check (is_printable(name) and char_length(name) between 1 and 200 and btrim(name) <> ''),
  constraint organizations_status_is_known
    check (status in ('active', 'inactive', 'suspended', 'deleted', 'shredded')),
  constraint organizations_subscription_tier_is_a_word
    check (subscription_tier ~ '^[a-z][a-z0-9_]{0,39}$'),
  constraint organizations_max_users_is_positive check (max_users > 0),
  constraint organizations_have_room check (member_count <= max_users),
  constraint organizations_keep_an_owner
    check (owner_count > 0 or status in ('inactive', 'deleted', 'shredded')),
  constraint organizations_settings_are_known
    check (
      -- Each change of them is kept whole, in evidence that nobody deletes.
      jsonb_typeof(settings) = 'object'
      and octet_length(settings::text) <= 4096
      and is_printable(settings::text)
      and settings - array['locale', 'timezone', 'logo_url', 'support_url'] = '{}'
      and jsonb_typeof(coalesce(settings -> 'locale', '""')) = 'string'
      and jsonb_typeof(coalesce(settings -> 'timezone', '""')) = 'string'
      and jsonb_typeof(coalesce(settings -> 'logo_url', '""')) = 'string'
      and jsonb_typeof(coalesce(settings -> 'support_url', '""')) = 'string'
    )
);

comment on table organizations is 'One row per customer: the wall that all other rows live behind.';
comment on column organizations.id is 'The id of the organization. [internal]';
comment on column organizations.slug is
  'The name used in addresses: lower-case words joined by hyphens. It ends in four digits the database chose, so that asking for a name tells nobody whether another has it. [internal]';
comment on column organizations.name is 'What people call it. [internal]';
comment on column organizations.domain is
  'Its first verified e-mail domain; null before one is verified. All of them are in organization_domains. [internal]';
comment on column organizations.status is
  'inactive while it is being founded, then active; suspended by an operator; deleted by its owner; shredded for good. Nobody signs in unless it is active. [internal]';
comment on column organizations.subscription_tier is 'What it pays for. [internal]';
comment on column organizations.max_users is 'How many members it may have; null for no limit. [internal]';
comment on column organizations.member_count is
  'How many it has, people who are merely invited not counted. [internal]';
comment on column organizations.owner_count is 'How many of them are active owners. [internal]';
comment on column organizations.billing_email is 'Where bills go; null when it is not said. [sealed]';
comment on column organizations.technical_contact_email is 'Whom to ask; null when it is not said. [sealed]';
comment on column organizations.settings is
  'locale, timezone, logo_url and support_url, each a string and each optional. [internal]';
comment on column organizations.sessions_valid_from is
  'Sessions in it that began earlier are void. [internal]';
comment on column organizations.creation_time is 'When it was founded. [internal]';
comment on column organizations.last_update_time is 'When this row last changed. [internal]';

-- Under the organization's own key: destroyed, it leaves the row and nobody to write to.
select _declare_sealed_field(
  'organizations', 'billing_email', 3, 'organization', 'application', 254,
  'It names a person, who answers for what an organization pays.',
  p_pattern => '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$',
  p_constraint_name => 'organizations_billing_email_is_an_address',
  p_organization_column => 'id'
);
select _declare_sealed_field(
  'organizations', 'technical_contact_email', 4, 'organization', 'application', 254,
  'It names a person, whom an attacker would write to first.',
  p_pattern => '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$',
  p_constraint_name => 'organizations_technical_contact_email_is_an_address',
  p_organization_column => 'id'
);


-- A key is its organization's, and outlives it: closing an organization is soft, and
-- destroying a key leaves its row.
grant references (id) on organizations to safetypin_keyholder;
set local role safetypin_keyholder;
alter table tenant_keys
  -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
  add constraint tenant_keys_organization_id_fkey
  foreign key (organization_id) references organizations (id);
alter table blind_index_versions
  -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
  add constraint blind_index_versions_organization_id_fkey
  foreign key (organization_id) references organizations (id);
set local role safetypin_owner;
revoke references (id) on organizations from safetypin_keyholder;


create table organization_users (
  organization_id     uuid not null,
  user_id             uuid not null,
  role                text not null default 'member',
  is_owner            boolean not null generated always as (role = 'owner') stored,
  status              text not null default 'active',
  sessions_valid_from timestamptz not null default '-infinity',
  creation_time       timestamptz not null default now(),
  last_update_time    timestamptz not null default now(),

  constraint organization_users_pkey primary key (organization_id, user_id),
  constraint organization_users_organization_id_fkey
    foreign key (organization_id) references organizations (id) on delete cascade,
  constraint organization_users_user_id_fkey
    foreign key (user_id) references users (id) on delete cascade,
  constraint organization_users_role_is_known check (role in ('owner', 'admin', 'member')),
  constraint organization_users_status_is_known check (status in ('invited', 'active', 'suspended'))
);

comment on table organization_users is 'A person''s place in an organization. No row, no access.';
comment on column organization_users.organization_id is 'Which organization. [internal]';
comment on column organization_users.user_id is 'Which person. [internal]';
comment on column organization_users.role is
  'owner, admin or member: the system role of that name comes with the place. [internal]';
comment on column organization_users.is_owner is 'Whether the role is owner. [internal]';
comment on column organization_users.status is
  'invited until the person accepts, then active; suspended by an administrator. [internal]';
comment on column organization_users.sessions_valid_from is
  'The person''s sessions in this organization that began earlier are void. [internal]';
comment on column organization_users.creation_time is 'Since when. [internal]';
comment on column organization_users.last_update_time is 'When this row last changed. [internal]';

-- "Which organizations am I in?"
create index organization_users_user_id_idx on organization_users (user_id) include (status, role);


create table organization_domains (
  id                uuid not null default new_id(),
  organization_id   uuid not null,
  domain            text not null,
  verified_time     timestamptz,
  claimed_by        uuid,
  creation_time     timestamptz not null default now(),

  constraint organization_domains_pkey primary key (id),
  constraint organization_domains_organization_id_domain_key unique (organization_id, domain),
  constraint organization_domains_organization_id_fkey
    foreign key (organization_id) references organizations (id) on delete cascade,
  constraint organization_domains_claimed_by_fkey
    foreign key (claimed_by) references users (id) on delete set null,
  constraint organization_domains_domain_is_a_domain
    check (domain ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$'),
  constraint organization_domains_domain_is_short check (char_length(domain) <= 253)
);

-- Many may claim a domain, one may hold it.
create unique index organization_domains_verified_domain_key
  on organization_domains (domain)
  where verified_time is not null;
create index organization_domains_claimed_by_idx on organization_domains (claimed_by);

comment on table organization_domains is
  'The e-mail domains an organization claims, and those it has proven to hold.';
comment on column organization_domains.id is 'The id of the claim. [internal]';
comment on column organization_domains.organization_id is 'Who claims it. [internal]';
comment on column organization_domains.domain is 'The domain, in lower case and ASCII. [internal]';
comment on column organization_domains.verified_time is
  'When it was proven; null until then. A proven domain belongs to one organization. [internal]';
comment on column organization_domains.claimed_by is
  'Who claimed it; null once that person is erased. [internal]';
comment on column organization_domains.creation_time is 'When it was claimed. [internal]';


create trigger _100_touch_last_update_time
  before update on organizations
  for each row
  execute function tg__touch_last_update_time();

create trigger _100_touch_last_update_time
  before update on organization_users
  for each row
  execute function tg__touch_last_update_time();


--
-- Counting members and owners
--

set local role safetypin_definer;

-- An insert has new rows, a delete has old ones and an update has both: whichever
-- there are count with their sign, so that what an update only touches is nought.
-- Made of constants, because a statement that names a transition table its trigger
-- does not have cannot be planned.
create function tg_organization_users__count()
  returns trigger
  language plpgsql
  security definer
  set search_path from current
as $$
begin
  execute format(
    $query$
      update organizations
      set
        member_count = member_count + counted.members,
        owner_count = owner_count + counted.owners
      from (
        select
          organization_id,
          coalesce(sum(sign) filter (where status <> 'invited'), 0) as members,
          coalesce(sum(sign) filter (where status = 'active' and role = 'owner'), 0) as owners
        from (%s) as rows (organization_id, status, role, sign)
        group by organization_id
      ) as counted
      where organizations.id = counted.organization_id
        and (counted.members, counted.owners) <> (0, 0)
    $query$,
    concat_ws(
      ' union all ',
      case when tg_op <> 'DELETE' then 'select organization_id, status, role, 1 from new_rows' end,
      case when tg_op <> 'INSERT' then 'select organization_id, status, role, -1 from old_rows' end
    )
  );
  return null;
end;
$$;

comment on function tg_organization_users__count() is
  'Keeps organizations.member_count and owner_count, whose checks hold max_users and the last owner.';

grant execute on function tg_organization_users__count() to safetypin_owner;

set local role safetypin_owner;

create trigger _500_count_insert
  after insert on organization_users
  referencing new table as new_rows
  for each statement
  execute function tg_organization_users__count();

create trigger _500_count_update
  after update on organization_users
  referencing old table as old_rows new table as new_rows
  for each statement
  execute function tg_organization_users__count();

create trigger _500_count_delete
  after delete on organization_users
  referencing old table as old_rows
  for each statement
  execute function tg_organization_users__count();

select _record_changes_of(
  'organizations',
  p_ignored => '{last_update_time, member_count, owner_count}'
);
select _record_changes_of('organization_users', p_key => '{organization_id, user_id}');
select _record_changes_of('organization_domains');


--
-- Who sees what
--

alter table organizations enable row level security;
alter table organizations force row level security;
alter table organization_users enable row level security;
alter table organization_users force row level security;
alter table organization_domains enable row level security;
alter table organization_domains force row level security;

create policy tenant_fence on organizations
  as restrictive
  to safetypin_app
  using (id = (select current_organization_id()))
  with check (id = (select current_organization_id()));
comment on policy tenant_fence on organizations is 'The current organization only.';

create policy tenant_fence on organization_users
  as restrictive
  to safetypin_app
  using (organization_id = (select current_organization_id()))
  with check (organization_id = (select current_organization_id()));
comment on policy tenant_fence on organization_users is
  'Members of the current organization only.';

create policy tenant_fence on organization_domains
  as restrictive
  to safetypin_app
  using (organization_id = (select current_organization_id()))
  with check (organization_id = (select current_organization_id()));
comment on policy tenant_fence on organization_domains is
  'Domains of the current organization only.';

create policy select_member on organizations
  for select
  to safetypin_app
  using (true);
comment on policy select_member on organizations is 'Members see their organization.';

-- Whoever is only invited is a stranger still: whether an address that was
-- invited belongs to anybody is theirs to say, by accepting.
create policy select_member on organization_users
  for select
  to safetypin_app
  using (status <> 'invited');
comment on policy select_member on organization_users is
  'Members see each other, and not who is merely invited.';

create policy select_member on organization_domains
  for select
  to safetypin_app
  using (true);
comment on policy select_member on organization_domains is
  'Members see the domains of their organization.';

-- The people of the organization, and oneself. Lists start from organization_users,
-- whose fence says which organization: asked here again, it would be verified once more
-- a statement. A subquery and not "exists", which the planner may turn into a list of
-- all members, for one person of an organization of millions; it has one row at
-- most, since the fence and this condition are the key.
--
-- One policy and not two, so that the order is ours: who is asking is verified only
-- where somebody is no member.
create policy select_member on users
  for select
  to safetypin_app
  using (
    coalesce(
      (
        select true from organization_users
        where organization_users.user_id = users.id
      ),
      id = (select current_user_id())
    )
  );
comment on policy select_member on users is
  'The people of the current organization are seen by each other, and everybody sees themselves.';

-- Sign-in asks which organizations a person is in before it knows which one.
create policy select_definer on organizations
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on organizations is
  'Sign-in asks which organizations a person is in before one is chosen.';

create policy insert_definer on organizations
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on organizations is
  'Organizations begin in create_organization().';

create policy update_definer on organizations
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on organizations is
  'What an administrator may not change of an organization changes in functions.';

create policy select_definer on organization_users
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on organization_users is
  'Sign-in asks which organizations a person is in before one is chosen.';

create policy insert_definer on organization_users
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on organization_users is
  'Memberships begin with founding and with an invitation.';

create policy update_definer on organization_users
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on organization_users is
  'Roles and places in an organization change in functions.';

create policy delete_definer on organization_users
  for delete
  to safetypin_definer
  using (true);
comment on policy delete_definer on organization_users is 'Memberships end in functions.';

create policy select_definer on organization_domains
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on organization_domains is
  'Whether another organization holds a domain is asked across the fence, and answered uniformly.';

create policy insert_definer on organization_domains
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on organization_domains is
  'Domains are claimed in claim_domain().';

create policy update_definer on organization_domains
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on organization_domains is
  'Domains are proven in verify_domain().';

create policy delete_definer on organization_domains
  for delete
  to safetypin_definer
  using (true);
comment on policy delete_definer on organization_domains is
  'Domains are given up in release_domain().';

create policy select_auditor on organizations
  for select
  to safetypin_auditor
  using (true);
comment on policy select_auditor on organizations is 'Reviews ask about every organization.';

create policy select_auditor on organization_users
  for select
  to safetypin_auditor
  using (true);
comment on policy select_auditor on organization_users is
  'Reviews ask who belongs where, everywhere.';

create policy select_backup on organizations
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on organizations is 'A backup holds every row.';

create policy select_backup on organization_users
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on organization_users is 'A backup holds every row.';

create policy select_backup on organization_domains
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on organization_domains is 'A backup holds every row.';

grant select on organizations, organization_users, organization_domains
  to safetypin_app, safetypin_definer, safetypin_backup;
grant select (id, slug, name, domain, status, subscription_tier, max_users, member_count,
  owner_count, creation_time, last_update_time) on organizations to safetypin_auditor;
grant select on organization_users to safetypin_auditor;
grant update (name, settings) on organizations to safetypin_app;
-- Which of the members may update is a permission: see 0006.

grant insert (id, slug, name) on organizations to safetypin_definer;
grant update (
  status, domain, subscription_tier, max_users, member_count, owner_count, sessions_valid_from,
  billing_email, technical_contact_email
) on organizations to safetypin_definer;
grant insert (organization_id, user_id, role, status) on organization_users to safetypin_definer;
grant update (role, status, sessions_valid_from) on organization_users to safetypin_definer;
grant delete on organization_users to safetypin_definer;
grant insert (organization_id, domain, claimed_by) on organization_domains to safetypin_definer;
grant update (verified_time, claimed_by) on organization_domains to safetypin_definer;
grant delete on organization_domains to safetypin_definer;


--
-- Founding and closing
--

set local role safetypin_definer;

-- Whoever founds an organization owns it. Both rows are written here, together,
-- so an active organization without an owner cannot exist.
create function create_organization(
  p_slug text,
  p_name text,
  p_organization_id uuid default new_id()
)
  returns uuid
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_user_id uuid := _require_user();
  v_slug    text;
begin
  perform _require_given('slug', p_slug is not null);
  perform _require_given('name', p_name is not null);
  perform _require_given('organization_id', p_organization_id is not null);

  -- Looked for and not tried: a clash would tell that another organization has the
  -- name. Four digits, and more only where sixteen times in a row they were taken,
  -- so that neither does their number.
  for v_tries in 0 .. 191 loop
    v_slug := p_slug || '-' || left(encode(gen_random_bytes(8), 'hex'), 4 + v_tries / 16);
    exit when not exists (select from organizations where slug = v_slug);
  end loop;

  insert into organizations (id, slug, name)
  values (p_organization_id, v_slug, p_name);

  insert into organization_users (organization_id, user_id, role)
  values (p_organization_id, v_user_id, 'owner');

  update organizations
  set status = 'active'
  where id = p_organization_id;

  perform _log_event(
    'organization.created',
    p_organization_id => p_organization_id,
    p_resource_type => 'organization',
    p_resource_id => p_organization_id
  );

  return p_organization_id;
end;
$$;

comment on function create_organization(text, text, uuid) is
  'Founds an organization owned by the caller and returns its id; choose_organization() enters it. The slug gets four digits of the database''s own, so it never clashes tellingly. Raises SP102 when nobody is signed in, SP509 for a null.';

grant execute on function create_organization(text, text, uuid) to safetypin_app;


-- An organization has a key from the moment it is founded, or the operator adds one
-- later: nobody gives a key to an organization that lives without.
create function add_first_key(
  p_organization_id uuid,
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
  v_user_id uuid := _require_user();
begin
  if not exists (
    select
    from organization_users
    join organizations on organizations.id = organization_users.organization_id
    where organization_users.organization_id = p_organization_id
      and organization_users.user_id = v_user_id
      and organization_users.role = 'owner'
      and organization_users.status = 'active'
      -- In the transaction that founds it.
      and organizations.creation_time = now()
  ) then
    raise exception 'only an owner may do this'
      using errcode = 'SP204', hint = 'Add the first key in the transaction that founds the organization.';
  end if;

  perform _add_key(p_organization_id, 1, p_provider, p_key_name, p_wrapped, p_masked);
  perform _activate_key(p_organization_id, 1, p_masked);
end;
$$;

comment on function add_first_key(uuid, text, text, bytea, bytea) is
  'Gives an organization its first key, for whoever founds it, in the transaction that does. Raises SP102 when nobody is signed in, SP204 for anybody else and at any other time, SP422 when it has one, SP221 when the share was not masked under this pad.';

grant execute on function add_first_key(uuid, text, text, bytea, bytea) to safetypin_app;


-- Closing is soft: rows stay as evidence, sessions are void from now on.
create function close_organization()
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
begin
  perform _require_owner();

  -- And once more behind the lock that the update would have to wait for.
  perform from organizations where id = v_organization_id for no key update;
  perform _require_owner();

  update organizations
  set
    status = 'deleted',
    sessions_valid_from = _voiding_time()
  where id = v_organization_id
    and status not in ('deleted', 'shredded');

  if found then
    perform _log_event(
      'organization.closed',
      p_resource_type => 'organization',
      p_resource_id => v_organization_id
    );
  end if;
end;
$$;

comment on function close_organization() is
  'Closes the current organization: nobody signs in to it again and its sessions are void at once. Owners only. Raises SP204 for others.';

grant execute on function close_organization() to safetypin_app;


create function suspend_organization(
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
  update organizations
  set
    status = 'suspended',
    sessions_valid_from = _voiding_time()
  where id = p_organization_id
    and status = 'active';

  if not found then
    raise exception 'there is no active organization %', p_organization_id
      using errcode = 'SP305', hint = 'Pass the id of an active organization.';
  end if;

  perform _log_event(
    'organization.suspended',
    p_organization_id => p_organization_id,
    p_resource_type => 'organization',
    p_resource_id => p_organization_id,
    p_additional_data => jsonb_build_object('reason', _printable(p_reason))
  );
end;
$$;

comment on function suspend_organization(uuid, text) is
  'Keeps everybody out of an organization and voids its sessions at once, however many. Raises SP305 when there is no such active organization.';

grant execute on function suspend_organization(uuid, text) to safetypin_operator;


create function reactivate_organization(
  p_organization_id uuid
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  -- Once more, for sessions that were being opened while it was suspended.
  update organizations
  set
    status = 'active',
    sessions_valid_from = _voiding_time()
  where id = p_organization_id
    and status = 'suspended';

  if not found then
    raise exception 'there is no suspended organization %', p_organization_id
      using errcode = 'SP305', hint = 'Pass the id of a suspended organization.';
  end if;

  perform _log_event(
    'organization.reactivated',
    p_organization_id => p_organization_id,
    p_resource_type => 'organization',
    p_resource_id => p_organization_id
  );
end;
$$;

comment on function reactivate_organization(uuid) is
  'Opens a suspended organization again. Sessions voided by the suspension stay void. Raises SP305 when there is no such suspended organization.';

grant execute on function reactivate_organization(uuid) to safetypin_operator;


create function set_subscription(
  p_organization_id uuid,
  p_subscription_tier text,
  p_max_users integer
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _require_given('subscription_tier', p_subscription_tier is not null);

  update organizations
  set
    subscription_tier = p_subscription_tier,
    max_users = p_max_users
  where id = p_organization_id;

  if not found then
    raise exception 'there is no organization %', p_organization_id
      using errcode = 'SP305', hint = 'Pass the id of an organization.';
  end if;

  perform _log_event(
    'organization.subscription_set',
    p_organization_id => p_organization_id,
    p_resource_type => 'organization',
    p_resource_id => p_organization_id,
    p_additional_data => jsonb_build_object('tier', p_subscription_tier, 'max_users', p_max_users)
  );
end;
$$;

comment on function set_subscription(uuid, text, integer) is
  'Sets what an organization pays for and how many members it may have (null for no limit). Raises SP305 when there is no such organization, SP509 without a tier, and breaks organizations_have_room when it has more already.';

grant execute on function set_subscription(uuid, text, integer) to safetypin_operator;


--
-- Members
--

-- Each statement under read committed looks anew. Under repeatable read and
-- serializable a transaction goes on seeing what was so when it first looked, and would
-- go on with rights that were taken since. So there the rows they rest on are locked,
-- which PostgreSQL refuses with 40001 for a row that was changed; and let go at once,
-- because whoever takes a right away must not have to wait for whoever holds it.
create function _require_rights_unchanged(
  p_user_id uuid default current_user_id()
)
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_organization_id uuid := current_organization_id();
begin
  if current_setting('transaction_isolation') in ('read committed', 'read uncommitted') then
    return;
  end if;

  begin
    perform
    from organization_users
    where organization_id = v_organization_id
      and user_id = p_user_id
    for share;

    perform
    from user_roles
    where organization_id = v_organization_id
      and user_id = p_user_id
    for share;

    -- What a role gathers changes under the lock of the role.
    perform
    from roles
    where organization_id = v_organization_id
      and id in (
        select role_id
        from user_roles
        where user_roles.organization_id = v_organization_id
          and user_roles.user_id = p_user_id
      )
    for share;

    raise triggered_action_exception;
  exception
    when triggered_action_exception then
      null;
  end;
end;
$$;

comment on function _require_rights_unchanged(uuid) is
  'Fails with 40001 when the membership or the roles of somebody, the caller if nobody is named, have changed since this transaction first looked; does nothing under read committed, which looks anew.';


create function _require_owner()
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
  v_user_id         uuid := _require_user();
begin
  perform _require_rights_unchanged();

  if not exists (
    select from organization_users
    where organization_id = v_organization_id
      and user_id = v_user_id
      and role = 'owner'
      and status = 'active'
  ) then
    raise exception 'only an owner of the organization may do this'
      using errcode = 'SP204', hint = 'Ask an owner.';
  end if;
end;
$$;

comment on function _require_owner() is
  'Passes for owners of the current organization. Raises SP204 for everybody else.';


-- The list a person chooses from when they sign in, invitations included. It
-- crosses the fence on purpose, for one person: the caller.
create function list_own_organizations()
  returns table (
    organization_id uuid,
    slug text,
    name text,
    role text,
    status text
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
  return query
    select
      organizations.id,
      organizations.slug,
      organizations.name,
      organization_users.role,
      organization_users.status
    from organization_users
    join organizations on organizations.id = organization_users.organization_id
    where organization_users.user_id = v_user_id
      and organizations.status = 'active'
    order by organizations.name, organizations.id;
end;
$$;

comment on function list_own_organizations() is
  'The active organizations the caller belongs to or is invited to, by name. Raises SP102 when nobody is signed in.';

grant execute on function list_own_organizations() to safetypin_app;


-- Says nothing about whether the address belongs to anybody: an administrator
-- learns that when the person accepts.
create function add_member(
  p_email text,
  p_role text default 'member'
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
  v_addressee_id    uuid;
  v_user_id         uuid;
  v_nobody_id       uuid;
begin
  perform _require_permission('members.manage');
  perform _require_role_is_grantable(p_role);
  v_addressee_id := _find_user_by_email(p_email);

  -- By their key, of which there is one: "not exists" is planned as a join, and was
  -- seen to read half of a large organization's members to add one.
  select users.id
  into v_user_id
  from users
  where users.id = v_addressee_id
    and users.status = 'active'
    and (
      select true from organization_users
      where organization_users.organization_id = v_organization_id
        and organization_users.user_id = users.id
    ) is null;

  -- Who counts the rows that this writes finds as many, whoever has the address.
  begin
    v_nobody_id := _invent_person();
    if v_user_id is null then
      insert into organization_users (organization_id, user_id, role, status)
      values (v_organization_id, v_nobody_id, p_role, 'invited');
    end if;
    raise triggered_action_exception;
  exception
    when triggered_action_exception then
      null;
  end;

  if v_user_id is not null then
    insert into organization_users (organization_id, user_id, role, status)
    values (v_organization_id, v_user_id, p_role, 'invited')
    on conflict (organization_id, user_id) do nothing;
  end if;

  -- And once more: who invites the same person at this moment is waited for, and may have
  -- lost the permission meanwhile.
  perform _require_permission('members.manage');
  perform _require_role_is_grantable(p_role);

  perform _log_event(
    'member.invited',
    _require_user(),
    p_additional_data => jsonb_build_object('role', p_role)
  );
end;
$$;

comment on function add_member(text, text) is
  'Asks the person with this address to join the current organization; nothing happens when there is none, and the answer is the same. Raises SP201 without members.manage and SP202 for a role above one''s own, SP522 when the cell''s key is not unlocked.';

grant execute on function add_member(text, text) to safetypin_app;


create function accept_membership(
  p_organization_id uuid
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
  update organization_users
  set status = 'active'
  where organization_id = p_organization_id
    and user_id = v_user_id
    and status = 'invited';

  if not found then
    raise exception 'there is no invitation to organization %', p_organization_id
      using errcode = 'SP302', hint = 'List your invitations with list_own_organizations().';
  end if;

  -- To count the new member was to lock the organization's row: what it says now
  -- holds until this transaction ends.
  if not exists (
    select from organizations where id = p_organization_id and status = 'active'
  ) then
    raise exception 'organization % is not active', p_organization_id
      using errcode = 'SP305', hint = 'The invitation stays. Try again when the organization is open.';
  end if;

  perform _log_event(
    'member.joined',
    v_user_id,
    p_organization_id => p_organization_id
  );
end;
$$;

comment on function accept_membership(uuid) is
  'Joins an organization that invited the caller. Breaks organizations_have_room when it is full. Raises SP302 when it did not invite them and SP305 when it is suspended or closed.';

grant execute on function accept_membership(uuid) to safetypin_app;


-- Takes back what was offered, and says as little as the offer did. Whoever may
-- invite may withdraw, whatever the role: an invitation is nothing that is held yet.
create function withdraw_invitation(
  p_email text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
  v_addressee_id    uuid;
  v_user_id         uuid;
  v_nobody_id       uuid;
begin
  perform _require_permission('members.manage');
  v_addressee_id := _find_user_by_email(p_email);

  select user_id
  into v_user_id
  from organization_users
  where organization_id = v_organization_id
    and user_id = v_addressee_id
    and status = 'invited'
  for update;

  -- As in add_member(): an invitation that was none is taken back all the same.
  begin
    v_nobody_id := _invent_person();
    insert into organization_users (organization_id, user_id, role, status)
    values (v_organization_id, v_nobody_id, 'member', 'invited');
    if v_user_id is null then
      delete from organization_users
      where organization_id = v_organization_id
        and user_id = v_nobody_id;
    end if;
    raise triggered_action_exception;
  exception
    when triggered_action_exception then
      null;
  end;

  if v_user_id is not null then
    delete from organization_users
    where organization_id = v_organization_id
      and user_id = v_user_id;
  end if;

  -- And once more behind the lock.
  perform _require_permission('members.manage');

  perform _log_event('member.invitation_withdrawn', _require_user());
end;
$$;

comment on function withdraw_invitation(text) is
  'Takes back the invitation of the person with this address to the current organization; nothing happens when there is none, and the answer is the same. Raises SP201 without members.manage and SP522 when the cell''s key is not unlocked.';

grant execute on function withdraw_invitation(text) to safetypin_app;


-- The one look for a member, and the lock under which what is done to them is done.
create function _require_member(
  p_user_id uuid,
  p_status text default null
)
  returns text
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
  v_role            text;
begin
  select role
  into v_role
  from organization_users
  where organization_id = v_organization_id
    and user_id = p_user_id
    and status <> 'invited'
    and (p_status is null or status = p_status)
  for update;

  if v_role is null then
    raise exception 'there is no % %', concat_ws(' ', p_status, 'member'), p_user_id
      using
        errcode = 'SP302',
        hint = format(
          'Pass the user id of a member of the current organization%s.', ' who is ' || p_status
        );
  end if;
  return v_role;
end;
$$;

comment on function _require_member(uuid, text) is
  'The membership role of a member of the current organization, whose membership it locks; with a status, of one who is that. Raises SP302.';


-- Everything that is done to another member begins here: does the caller hold the
-- permission, is there such a member, and are they not above the caller?
create function _require_manageable_member(
  p_permission text,
  p_user_id uuid,
  p_status text default null
)
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_role text;
begin
  perform _require_permission(p_permission);
  v_role := _require_member(p_user_id, p_status);

  -- Once more behind the lock: whoever had to wait for it may have lost the permission
  -- meanwhile, and could have waited on purpose.
  perform _require_permission(p_permission);
  perform _require_not_above(p_user_id, v_role);
end;
$$;

comment on function _require_manageable_member(text, uuid, text) is
  'Passes when the caller holds the permission and there is such a member, who holds nothing that the caller does not, and locks the membership. Raises SP102, SP103, SP201, SP202, SP204 or SP302.';


create function set_member_role(
  p_user_id uuid,
  p_role text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _require_manageable_member('members.manage', p_user_id);
  perform _require_role_is_grantable(p_role);

  update organization_users
  set role = p_role
  where organization_id = current_organization_id()
    and user_id = p_user_id;

  perform _log_event(
    'member.role_set',
    p_user_id,
    p_additional_data => jsonb_build_object('role', p_role)
  );
end;
$$;

comment on function set_member_role(uuid, text) is
  'Makes a member an owner, an admin or a member. Raises SP201 without members.manage, SP202 or SP204 for a role or a member above one''s own, SP302 for a stranger, and breaks organizations_keep_an_owner for the last owner.';

grant execute on function set_member_role(uuid, text) to safetypin_app;


create function suspend_member(
  p_user_id uuid
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _require_manageable_member('members.manage', p_user_id);

  update organization_users
  set
    status = 'suspended',
    sessions_valid_from = _voiding_time()
  where organization_id = current_organization_id()
    and user_id = p_user_id;

  perform _log_event('member.suspended', p_user_id);
end;
$$;

comment on function suspend_member(uuid) is
  'Keeps a member out of the current organization and voids their sessions in it. Raises SP201 without members.manage, SP202 or SP204 for a member who holds more than the caller, SP302 for a stranger, and breaks organizations_keep_an_owner for the last owner.';

grant execute on function suspend_member(uuid) to safetypin_app;


create function reactivate_member(
  p_user_id uuid
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _require_manageable_member('members.manage', p_user_id, 'suspended');

  update organization_users
  set
    status = 'active',
    sessions_valid_from = _voiding_time()
  where organization_id = current_organization_id()
    and user_id = p_user_id;

  perform _log_event('member.reactivated', p_user_id);
end;
$$;

comment on function reactivate_member(uuid) is
  'Lets a suspended member back in. Raises SP201 without members.manage, SP202 or SP204 for a member who holds more than the caller, and SP302 for one who is not suspended.';

grant execute on function reactivate_member(uuid) to safetypin_app;


-- Sessions are ended and not deleted: deleting them would wait for their requests
-- under way.
create function _end_memberships(
  p_user_id uuid,
  p_organization_id uuid,
  p_reason text
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now   timestamptz := _now();
  v_ended integer;
begin
  update sessions
  set
    organization_id = null,
    revoked = true,
    revocation_time = coalesce(revocation_time, v_now),
    revocation_reason = coalesce(revocation_reason, p_reason)
  where user_id = p_user_id
    and (p_organization_id is null or organization_id = p_organization_id);

  delete from organization_users
  where user_id = p_user_id
    and (p_organization_id is null or organization_id = p_organization_id);
  get diagnostics v_ended = row_count;

  return v_ended;
end;
$$;

comment on function _end_memberships(uuid, uuid, text) is
  'Ends the sessions a person has in an organization and their membership with them; with null for the organization, all of their sessions and memberships. Returns how many memberships that was. Breaks organizations_keep_an_owner for a last owner.';


create function remove_member(
  p_user_id uuid
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _require_manageable_member('members.manage', p_user_id);

  perform _end_memberships(p_user_id, current_organization_id(), 'membership_ended');
  perform _log_event('member.removed', p_user_id);
end;
$$;

comment on function remove_member(uuid) is
  'Ends a membership, and with it the roles and sessions it carried. Raises SP201 without members.manage, SP202 or SP204 for a member who holds more than the caller, SP302 for a stranger, and breaks organizations_keep_an_owner for the last owner.';

grant execute on function remove_member(uuid) to safetypin_app;


create function leave_organization()
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
  v_user_id         uuid := _require_user();
begin
  -- Of two at once one leaves, and that is written down once.
  if _end_memberships(v_user_id, v_organization_id, 'membership_ended') > 0 then
    perform _log_event('member.left', v_user_id);
  end if;
end;
$$;

comment on function leave_organization() is
  'Ends the caller''s own membership of the current organization. Breaks organizations_keep_an_owner for the last owner.';

grant execute on function leave_organization() to safetypin_app;


-- One step, so that nobody is left between owning and having given away.
create function transfer_ownership(
  p_user_id uuid
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
  v_owner_id        uuid := _require_user();
begin
  -- Both places, in an order that is the same for everybody: two owners who give
  -- way to each other take turns, and nobody gives away what they gave already.
  perform
  from organization_users
  where organization_id = v_organization_id
    and user_id in (p_user_id, v_owner_id)
  order by user_id
  for update;

  perform _require_owner();

  if p_user_id = v_owner_id then
    raise exception 'ownership cannot be transferred to oneself'
      using errcode = 'SP505', hint = 'Pass the user id of another member.';
  end if;

  perform _require_member(p_user_id, 'active');

  update organization_users
  set role = 'owner'
  where organization_id = v_organization_id
    and user_id = p_user_id;

  update organization_users
  set role = 'admin'
  where organization_id = v_organization_id
    and user_id = v_owner_id;

  perform _log_event('organization.ownership_transferred', p_user_id);
end;
$$;

comment on function transfer_ownership(uuid) is
  'Makes another member the owner in the caller''s place, who stays as admin. Owners only. Raises SP204 for others, SP302 for a stranger and SP505 for oneself.';

grant execute on function transfer_ownership(uuid) to safetypin_app;


-- Soft: the row stays, so that ids in the evidence mean somebody. Erasure of
-- what it says about the person is a matter of retention.
create function close_account()
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_user_id uuid := _require_user();
begin
  perform _end_memberships(v_user_id, null, 'account_closed');

  update users
  set
    status = 'deleted',
    sessions_valid_from = _voiding_time()
  where id = v_user_id
    and status not in ('deleted', 'shredded');

  if found then
    delete from one_time_tokens where user_id = v_user_id;
    delete from messages where user_id = v_user_id and status = 'waiting';
    perform _log_event('user.closed', v_user_id);
  end if;
end;
$$;

comment on function close_account() is
  'Ends the caller''s account, memberships and sessions. Breaks organizations_keep_an_owner while they are the last owner of an organization.';

grant execute on function close_account() to safetypin_app;


--
-- Searching people
--

-- Whoever has the address and may not be seen is not there. What this may show is what
-- select_member shows on users; a query that reads the person under
-- those would find nobody else anyhow.
create function find_user_by_email(
  p_email text
)
  returns uuid
  language plpgsql
  stable
  parallel restricted
  security definer
  set search_path from current
as $$
declare
  v_user_id uuid := _find_user_by_email(p_email);
begin
  return (
    select v_user_id
    where v_user_id = current_user_id()
      or exists (
        select from organization_users
        where organization_id = current_organization_id()
          and user_id = v_user_id
          and status <> 'invited'
      )
  );
end;
$$;

comment on function find_user_by_email(text) is
  'The person with this address, if the caller may see them; null otherwise. Raises SP522 when the cell''s key is not unlocked.';

grant execute on function find_user_by_email(text) to safetypin_app;


-- A definer function with the organization first, because LIKE and @@ are not
-- leakproof: under row-level security they never reach an index (measured:
-- 1 005 ms against 1.6). The plan is made for each call, since the right one
-- depends on how many people the organization has.
--
-- An address is not searched in: it is found by all of it, or by its domain.
create function search_users(
  p_query text,
  p_limit integer default 20
)
  returns table (
    user_id uuid,
    email text,
    first_name text,
    last_name text,
    job_title text,
    role text
  )
  language plpgsql
  stable
  parallel restricted
  security definer
  set search_path from current
  set plan_cache_mode to force_custom_plan
as $$
declare
  v_organization_id uuid := _require_organization();
  v_query           text;
  v_pattern         text;
  v_words           tsquery;
  v_version         integer;
  v_index           bytea;
begin
  -- Before anything is made of it: what is parsed takes the square of its length in
  -- time, and heeds no timeout.
  if coalesce(octet_length(p_query), 0) > 1000
     or coalesce(char_length(btrim(p_query)), 0) not between 2 and 100
  then
    raise exception 'a search is for 2 to 100 characters'
      using errcode = 'SP506', hint = 'Pass at least two characters of a name or a title, or an address.';
  end if;
  if p_limit is null or p_limit not between 1 and 100 then
    raise exception 'a search returns 1 to 100 people, not %', p_limit
      using errcode = 'SP504', hint = 'Pass a limit from 1 to 100.';
  end if;

  v_query := lower(btrim(p_query));
  v_pattern := '%' || regexp_replace(v_query, '([\\%_])', '\\\1', 'g') || '%';
  v_words := plainto_tsquery('simple', v_query);

  if strpos(v_query, '@') > 0 then
    v_version := _looked_up_version(null);
    -- Folded as addresses are, and not as names.
    v_index := _blind_index(1, null, v_version, _fold_email(p_query));

    return query
      with page as materialized (
        select
          users.id,
          users.email,
          users.first_name,
          users.last_name,
          users.job_title,
          organization_users.role
        from user_email_indexes
        join organization_users on organization_users.user_id = user_email_indexes.user_id
        join users on users.id = user_email_indexes.user_id
        where user_email_indexes.version = v_version
          and (
            user_email_indexes.email_index = v_index
            or user_email_indexes.domain_index = v_index
          )
          and organization_users.organization_id = v_organization_id
          and organization_users.status <> 'invited'
        order by users.last_name, users.id
        limit p_limit
      )
      select page.id, opened.email, page.first_name, page.last_name, page.job_title, page.role
      from page
      join open_users(
        (select array_agg(page.id) from page),
        (select array_agg(page.email) from page),
        (select array_agg(null::bytea) from page)
      ) as opened on opened.id = page.id
      order by page.last_name, page.id;
    return;
  end if;

  return query
    with page as materialized (
      select
        users.id,
        users.email,
        users.first_name,
        users.last_name,
        users.job_title,
        organization_users.role,
        word_similarity(v_query, users.search_text) as similarity
      from organization_users
      join users on users.id = organization_users.user_id
      where organization_users.organization_id = v_organization_id
        and organization_users.status <> 'invited'
        and (users.search_text like v_pattern or users.search_words @@ v_words)
      order by similarity desc, users.last_name, users.id
      limit p_limit
    )
    select page.id, opened.email, page.first_name, page.last_name, page.job_title, page.role
    from page
    join open_users(
      (select array_agg(page.id) from page),
      (select array_agg(page.email) from page),
      (select array_agg(null::bytea) from page)
    ) as opened on opened.id = page.id
    order by page.similarity desc, page.last_name, page.id;
end;
$$;

comment on function search_users(text, integer) is
  'People of the current organization whose name or title contains the query, best match first; or whose address it is, or whose domain, as @example.com. Raises SP102, SP103, SP504 for a limit out of range, SP506 for a query too short or too long and SP522 when the cell''s key is not unlocked.';

grant execute on function search_users(text, integer) to safetypin_app;

set local role safetypin_owner;
