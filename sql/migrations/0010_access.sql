/*
 * 0010 access: permissions, roles, who holds them, and what each one opens
 *
 * A permission is a promise that something honours it. So each names the
 * database role, the functions and the policies that do, and the tests hold
 * the names to the catalog: a permission that nothing enforces fails, and so
 * does an entry point that no permission covers.
 *
 * Roles gather permissions. System roles belong to the package and are the same
 * everywhere; an organization makes its own beside them. A membership carries
 * the system role of its name (owner, admin, member), and user_roles adds more.
 * Nobody grants what they do not hold, and a change holds from the next
 * statement on, because nothing is cached.
 */

set local role safetypin_owner;


--
-- Tables
--

create table permissions (
  id                   uuid not null default new_id(),
  name                 text not null,
  description          text not null,
  resource_type        text not null,
  action               text not null,
  is_system_permission boolean not null default true,
  held_by              text not null default 'role',
  database_role        text not null default 'safetypin_app',
  functions            text[] not null default '{}',
  policies             text[] not null default '{}',

  constraint permissions_pkey primary key (id),
  constraint permissions_name_key unique (name) include (id),
  constraint permissions_resource_type_action_key unique (resource_type, action),
  constraint permissions_name_is_resource_dot_action check (name = resource_type || '.' || action),
  constraint permissions_name_is_made_of_words check (name ~ '^[a-z_]+\.[a-z_]+$'),
  constraint permissions_held_by_is_known
    check (held_by in ('role', 'everyone', 'signed_in', 'owner', 'database_role'))
);

comment on table permissions is
  'Everything that can be allowed, and what in the database honours it.';
comment on column permissions.id is 'The id of the permission. [public]';
comment on column permissions.name is 'Resource and action: members.manage. [public]';
comment on column permissions.description is 'What it allows. [public]';
comment on column permissions.resource_type is 'What it is about. [public]';
comment on column permissions.action is 'What may be done. [public]';
comment on column permissions.is_system_permission is
  'True for those of SafetyPin; false for an application''s own. [public]';
comment on column permissions.held_by is
  'role: through a role. everyone: before sign-in. signed_in: any session, for oneself. owner: owners of the organization. database_role: members of the database role. [public]';
comment on column permissions.database_role is 'The database role that must connect. [public]';
comment on column permissions.functions is 'The functions that honour it. [public]';
comment on column permissions.policies is 'The policies that honour it, as table.policy. [public]';


create table roles (
  id               uuid not null default new_id(),
  organization_id  uuid,
  name             text not null,
  description      text not null default '',
  is_system_role   boolean not null generated always as (organization_id is null) stored,
  created_by       uuid,
  creation_time    timestamptz not null default now(),
  updated_by       uuid,
  last_update_time timestamptz not null default now(),

  constraint roles_pkey primary key (id),
  constraint roles_organization_id_name_key unique nulls not distinct (organization_id, name),
  constraint roles_organization_id_fkey
    foreign key (organization_id) references organizations (id) on delete cascade,
  constraint roles_name_is_a_name
    check (is_printable(name) and char_length(name) between 1 and 100 and name = btrim(name)),
  -- The one text of several lines.
  constraint roles_description_is_short
    check (is_printable(translate(description, E'\n', '')) and char_length(description) <= 1000)
);

comment on table roles is
  'A named set of permissions: the package''s own, and each organization''s.';
comment on column roles.id is 'The id of the role. [internal]';
comment on column roles.organization_id is 'Whose role; null for a system role. [internal]';
comment on column roles.name is 'Its name, unique in the organization. [internal]';
comment on column roles.description is 'What it is for. [internal]';
comment on column roles.is_system_role is 'Whether it belongs to the package. [internal]';
comment on column roles.created_by is 'Who made it; null for a system role. [internal]';
comment on column roles.creation_time is 'When it was made. [internal]';
comment on column roles.updated_by is 'Who last changed it. [internal]';
comment on column roles.last_update_time is 'When it last changed. [internal]';


create table role_permissions (
  role_id       uuid not null,
  permission_id uuid not null,

  constraint role_permissions_pkey primary key (role_id, permission_id),
  constraint role_permissions_role_id_fkey
    foreign key (role_id) references roles (id) on delete cascade,
  constraint role_permissions_permission_id_fkey
    foreign key (permission_id) references permissions (id) on delete cascade
);

create index role_permissions_permission_id_role_id_idx
  on role_permissions (permission_id, role_id);

comment on table role_permissions is 'Which permissions a role gathers.';
comment on column role_permissions.role_id is 'Which role. [internal]';
comment on column role_permissions.permission_id is 'Which permission. [internal]';


create table user_roles (
  organization_id uuid not null,
  user_id         uuid not null,
  role_id         uuid not null,
  granted_by      uuid,
  granted_time    timestamptz not null default now(),
  expiration_time timestamptz,
  reason          text,

  constraint user_roles_pkey primary key (organization_id, user_id, role_id),
  constraint user_roles_organization_id_user_id_fkey
    foreign key (organization_id, user_id)
    references organization_users (organization_id, user_id) on delete cascade,
  constraint user_roles_role_id_fkey
    foreign key (role_id) references roles (id) on delete cascade,
  constraint user_roles_granted_by_fkey
    foreign key (granted_by) references users (id) on delete set null,
  constraint user_roles_expire_after_they_are_granted check (expiration_time > granted_time),
  constraint user_roles_reason_is_short check (is_printable(reason) and char_length(reason) <= 1000)
);

create index user_roles_role_id_idx on user_roles (role_id);
create index user_roles_granted_by_idx on user_roles (granted_by);

comment on table user_roles is 'Which roles a member holds besides the one of their membership.';
comment on column user_roles.organization_id is 'Where. [internal]';
comment on column user_roles.user_id is 'Who. [internal]';
comment on column user_roles.role_id is 'Which role: a system role or one of this organization. [internal]';
comment on column user_roles.granted_by is 'Who granted it; null once that person is erased. [internal]';
comment on column user_roles.granted_time is 'When. [internal]';
comment on column user_roles.expiration_time is 'Until when; null for no end. [internal]';
comment on column user_roles.reason is 'Why; null when nobody said. [internal]';

create trigger _100_touch_last_update_time
  before update on roles
  for each row
  execute function tg__touch_last_update_time();


-- A key cannot say "the organization's own role, or one of no organization's",
-- so a trigger does. A role never changes organization: no such update is granted.
set local role safetypin_definer;

create function tg_user_roles__role_belongs_here()
  returns trigger
  language plpgsql
  security definer
  set search_path from current
as $$
begin
  if not exists (
    select from roles
    where id = new.role_id
      and (organization_id is null or organization_id = new.organization_id)
  ) then
    raise exception 'there is no role %', new.role_id
      using errcode = 'SP306', hint = 'Pass the id of a system role or of a role of the current organization.';
  end if;
  return new;
end;
$$;

comment on function tg_user_roles__role_belongs_here() is
  'Refuses a role of another organization. Raises SP306.';

grant execute on function tg_user_roles__role_belongs_here() to safetypin_owner;

set local role safetypin_owner;

create trigger _500_role_belongs_here
  before insert or update on user_roles
  for each row
  execute function tg_user_roles__role_belongs_here();

select _record_changes_of('permissions');
select _record_changes_of('roles');
select _record_changes_of('role_permissions', p_key => '{permission_id, role_id}');
select _record_changes_of('user_roles', p_key => '{organization_id, role_id, user_id}');


--
-- Who sees what
--

alter table permissions enable row level security;
alter table permissions force row level security;
alter table roles enable row level security;
alter table roles force row level security;
alter table role_permissions enable row level security;
alter table role_permissions force row level security;
alter table user_roles enable row level security;
alter table user_roles force row level security;

-- System roles are seen by all and written by none of the tenants.
create policy tenant_fence on roles
  as restrictive
  to safetypin_app, safetypin_definer
  using (organization_id is null or organization_id = (select current_organization_id()))
  with check (organization_id = (select current_organization_id()));
comment on policy tenant_fence on roles is
  'System roles and those of the current organization; the first are written by no tenant.';

-- Seen through its role, which has a fence of its own.
create policy tenant_fence on role_permissions
  as restrictive
  to safetypin_app
  using (exists (select from roles where roles.id = role_permissions.role_id))
  with check (false);
comment on policy tenant_fence on role_permissions is
  'What a role gathers is seen by whoever sees the role.';

create policy tenant_fence on user_roles
  as restrictive
  to safetypin_app, safetypin_definer
  using (organization_id = (select current_organization_id()))
  with check (organization_id = (select current_organization_id()));
comment on policy tenant_fence on user_roles is 'Grants in the current organization only.';

create policy select_everyone on permissions
  for select
  to safetypin_app, safetypin_definer, safetypin_owner, safetypin_operator, safetypin_auditor
  using (true);
comment on policy select_everyone on permissions is 'What can be allowed is no secret.';

create policy select_member on roles
  for select
  to safetypin_app
  using (true);
comment on policy select_member on roles is 'Members see which roles there are.';

create policy select_member on role_permissions
  for select
  to safetypin_app
  using (true);
comment on policy select_member on role_permissions is 'Members see what a role gathers.';

create policy select_member on user_roles
  for select
  to safetypin_app
  using (true);
comment on policy select_member on user_roles is 'Members see who holds what.';

-- Seeds are the owner's, and write the package's own rows and no others.
create policy insert_owner on permissions
  for insert
  to safetypin_owner
  with check (true);
comment on policy insert_owner on permissions is 'Seeds name the permissions there are.';

create policy update_owner on permissions
  for update
  to safetypin_owner
  using (true);
comment on policy update_owner on permissions is 'Seeds bring the permissions up to date.';

create policy select_owner on roles
  for select
  to safetypin_owner
  using (organization_id is null);
comment on policy select_owner on roles is
  'Seeds see the package''s own roles and no tenant''s.';

create policy insert_owner on roles
  for insert
  to safetypin_owner
  with check (organization_id is null);
comment on policy insert_owner on roles is 'Seeds make the package''s own roles.';

create policy update_owner on roles
  for update
  to safetypin_owner
  using (organization_id is null);
comment on policy update_owner on roles is 'Seeds bring the package''s own roles up to date.';

create policy select_owner on role_permissions
  for select
  to safetypin_owner
  using (exists (select from roles where roles.id = role_id and roles.organization_id is null));
comment on policy select_owner on role_permissions is
  'Seeds see what the package''s own roles gather.';

create policy insert_owner on role_permissions
  for insert
  to safetypin_owner
  with check (exists (select from roles where roles.id = role_id and roles.organization_id is null));
comment on policy insert_owner on role_permissions is 'Seeds add to the package''s own roles.';

create policy delete_owner on role_permissions
  for delete
  to safetypin_owner
  using (exists (select from roles where roles.id = role_id and roles.organization_id is null));
comment on policy delete_owner on role_permissions is
  'Seeds take from the package''s own roles.';

create policy select_definer on roles
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on roles is 'Every check of a permission reads roles.';

create policy insert_definer on roles
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on roles is 'Roles are made in create_role().';

create policy update_definer on roles
  for update
  to safetypin_definer
  using (organization_id is not null);
comment on policy update_definer on roles is
  'An organization''s own roles change in functions; the package''s do not.';

create policy delete_definer on roles
  for delete
  to safetypin_definer
  using (organization_id is not null);
comment on policy delete_definer on roles is
  'An organization''s own roles are deleted in functions; the package''s are not.';

-- A pair of ids and nothing else, read at every permission check: no fence for
-- the definer, whose functions come to it through user_roles, which has one.
create policy select_definer on role_permissions
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on role_permissions is
  'Every check of a permission reads what roles gather.';

create policy insert_definer on role_permissions
  for insert
  to safetypin_definer
  with check (
    exists (select from roles where roles.id = role_id and roles.organization_id is not null)
  );
comment on policy insert_definer on role_permissions is
  'An organization''s own roles gain permissions in functions.';

create policy delete_definer on role_permissions
  for delete
  to safetypin_definer
  using (exists (select from roles where roles.id = role_id and roles.organization_id is not null));
comment on policy delete_definer on role_permissions is
  'An organization''s own roles lose permissions in functions.';

create policy select_definer on user_roles
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on user_roles is
  'Every check of a permission reads who holds which role.';

create policy insert_definer on user_roles
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on user_roles is 'Roles are granted in assign_role().';

create policy update_definer on user_roles
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on user_roles is
  'A role that is granted again gets its new end and reason.';

create policy delete_definer on user_roles
  for delete
  to safetypin_definer
  using (true);
comment on policy delete_definer on user_roles is 'Roles are taken back in functions.';

-- Reviews ask who holds what, everywhere.
create policy select_auditor on roles
  for select
  to safetypin_auditor
  using (true);
comment on policy select_auditor on roles is 'Reviews ask which roles there are, everywhere.';

create policy select_auditor on role_permissions
  for select
  to safetypin_auditor
  using (true);
comment on policy select_auditor on role_permissions is
  'Reviews ask what roles gather, everywhere.';

create policy select_auditor on user_roles
  for select
  to safetypin_auditor
  using (true);
comment on policy select_auditor on user_roles is 'Reviews ask who holds what, everywhere.';

create policy select_backup on permissions
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on permissions is 'A backup holds every row.';

create policy select_backup on roles
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on roles is 'A backup holds every row.';

create policy select_backup on role_permissions
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on role_permissions is 'A backup holds every row.';

create policy select_backup on user_roles
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on user_roles is 'A backup holds every row.';

grant select on permissions
  to safetypin_app, safetypin_definer, safetypin_operator, safetypin_auditor, safetypin_backup;
grant select on roles, role_permissions, user_roles
  to safetypin_app, safetypin_definer, safetypin_auditor, safetypin_backup;
grant insert (id, organization_id, name, description, created_by, updated_by)
  on roles to safetypin_definer;
grant update (name, description, updated_by) on roles to safetypin_definer;
grant delete on roles to safetypin_definer;
grant insert (role_id, permission_id) on role_permissions to safetypin_definer;
grant delete on role_permissions to safetypin_definer;
grant insert (organization_id, user_id, role_id, granted_by, expiration_time, reason)
  on user_roles to safetypin_definer;
grant update (granted_by, granted_time, expiration_time, reason) on user_roles to safetypin_definer;
grant delete on user_roles to safetypin_definer;
-- The application writes none of these: roles are made and granted in functions.


--
-- Asking
--

set local role safetypin_definer;

create function has_permission(
  p_permission text
)
  returns boolean
  language plpgsql
  stable
  strict
  parallel restricted
  security definer
  set search_path from current
as $$
declare
  v_context         text[] := verified_context();
  v_user_id         uuid := v_context[2]::uuid;
  v_organization_id uuid := v_context[3]::uuid;
  v_permission_id   uuid;
  v_role            text;
  v_now             timestamptz;
begin
  if v_organization_id is null then
    return false;
  end if;

  -- Nobody holds what there is not, and whoever is no active member holds nothing.
  select
    permissions.id,
    organization_users.role
  into
    v_permission_id,
    v_role
  from permissions
  join organization_users
    on organization_users.organization_id = v_organization_id
    and organization_users.user_id = v_user_id
    and organization_users.status = 'active'
  where permissions.name = p_permission;

  if v_permission_id is null then
    return false;
  end if;

  -- Most hold what they hold by their membership, and then nothing more is asked: in
  -- one expression with what follows, its plan would be made ready for nothing.
  if exists (
    select
    from roles
    join role_permissions on role_permissions.role_id = roles.id
    where roles.organization_id is null
      and roles.name = v_role
      and role_permissions.permission_id = v_permission_id
  ) then
    return true;
  end if;

  v_now := _clock_time();
  return exists (
    select
    from user_roles
    join role_permissions on role_permissions.role_id = user_roles.role_id
    where user_roles.organization_id = v_organization_id
      and user_roles.user_id = v_user_id
      and (user_roles.expiration_time is null or user_roles.expiration_time > v_now)
      and role_permissions.permission_id = v_permission_id
  );
end;
$$;

comment on function has_permission(text) is
  'Whether the caller holds a permission in the current organization, as of this statement. False for nobody, for an unknown name and for one without an organization.';

grant execute on function has_permission(text) to safetypin_app;


-- Whoever holds something for an hour may not give it away for a year: what is
-- granted is held at least as long. A null end means for good.
create function _list_permissions_held_until(
  p_end timestamptz
)
  returns setof text
  language plpgsql
  stable
  parallel restricted
  security definer
  set search_path from current
as $$
declare
  v_user_id         uuid := current_user_id();
  v_organization_id uuid := current_organization_id();
begin
  return query
    select distinct permissions.name
    from (
      select roles.id as role_id
      from organization_users
      join roles on roles.organization_id is null and roles.name = organization_users.role
      where organization_users.organization_id = v_organization_id
        and organization_users.user_id = v_user_id
        and organization_users.status = 'active'
      union all
      select user_roles.role_id
      from user_roles
      where user_roles.organization_id = v_organization_id
        and user_roles.user_id = v_user_id
        and (user_roles.expiration_time is null or user_roles.expiration_time > p_end)
        and exists (
          select from organization_users
          where organization_users.organization_id = v_organization_id
            and organization_users.user_id = v_user_id
            and organization_users.status = 'active'
        )
    ) as held
    join role_permissions on role_permissions.role_id = held.role_id
    join permissions on permissions.id = role_permissions.permission_id
    order by permissions.name;
end;
$$;

comment on function _list_permissions_held_until(timestamptz) is
  'The names of all permissions the caller holds in the current organization beyond this time; for null, those held for good.';


create function list_own_permissions()
  returns setof text
  language plpgsql
  stable
  parallel restricted
  security definer
  set search_path from current
as $$
begin
  return query select held from _list_permissions_held_until(_clock_time()) as held;
end;
$$;

comment on function list_own_permissions() is
  'The names of all permissions the caller holds in the current organization, in order. Empty for nobody.';

grant execute on function list_own_permissions() to safetypin_app;


create function has_any_permission(
  p_permissions text[]
)
  returns boolean
  language plpgsql
  stable
  strict
  parallel restricted
  security definer
  set search_path from current
as $$
begin
  return exists (
    select from list_own_permissions() as held
    where held = any (p_permissions)
  );
end;
$$;

comment on function has_any_permission(text[]) is
  'Whether the caller holds at least one of these permissions in the current organization. False for an empty list.';

grant execute on function has_any_permission(text[]) to safetypin_app;


create function has_all_permissions(
  p_permissions text[]
)
  returns boolean
  language plpgsql
  stable
  strict
  parallel restricted
  security definer
  set search_path from current
as $$
begin
  return cardinality(p_permissions) > 0
    and p_permissions <@ array(select list_own_permissions());
end;
$$;

comment on function has_all_permissions(text[]) is
  'Whether the caller holds every one of these permissions in the current organization. False for an empty list.';

grant execute on function has_all_permissions(text[]) to safetypin_app;


--
-- Guards
--

-- For functions that write: what was taken from the caller is taken here as well,
-- whatever their transaction goes on seeing.
create function _require_permission(
  p_permission text
)
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
begin
  perform _require_organization();
  perform _require_rights_unchanged();
  perform require_permission(p_permission);
end;
$$;

comment on function _require_permission(text) is
  'Passes when the caller holds the permission now. Raises SP102, SP103, SP201 when they do not, and 40001 when their rights have changed since the transaction first looked.';


-- For the application's own guards, and ahead of a statement that row-level
-- security would answer with nothing at all.
create function require_permission(
  p_permission text
)
  returns void
  language plpgsql
  stable
  parallel restricted
  security definer
  set search_path from current
as $$
begin
  perform _require_organization();

  if not has_permission(p_permission) then
    raise exception 'this needs the permission %', p_permission
      using errcode = 'SP201', hint = 'Ask an administrator of the organization for a role that has it.';
  end if;
end;
$$;

comment on function require_permission(text) is
  'Passes when the caller holds the permission in the current organization. Raises SP102, SP103, or SP201 when they do not.';

grant execute on function require_permission(text) to safetypin_app;


create function _require_role_permissions_held(
  p_role_id uuid,
  p_end timestamptz
)
  returns void
  language plpgsql
  stable
  parallel restricted
  set search_path from current
as $$
declare
  v_missing text;
begin
  select string_agg(permissions.name, ', ' order by permissions.name)
  into v_missing
  from role_permissions
  join permissions on permissions.id = role_permissions.permission_id
  where role_permissions.role_id = p_role_id
    and permissions.name not in (select _list_permissions_held_until(p_end));

  if v_missing is not null then
    raise exception 'nobody grants, takes or manages what they do not hold: %', v_missing
      using errcode = 'SP202', hint = 'Ask somebody who holds these permissions.';
  end if;
end;
$$;

comment on function _require_role_permissions_held(uuid, timestamptz) is
  'Passes when the caller holds everything the role does, beyond this time or, for null, for good. Raises SP202 when they do not.';


create function _require_role_is_grantable(
  p_role text
)
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_role_id uuid;
begin
  if p_role is null or p_role not in ('owner', 'admin', 'member') then
    raise exception 'there is no membership role %', coalesce(p_role, 'null')
      using errcode = 'SP306', hint = 'Pass owner, admin or member.';
  end if;
  if p_role = 'owner' then
    perform _require_owner();
  end if;

  select id into v_role_id from roles where organization_id is null and name = p_role;
  perform _require_role_permissions_held(v_role_id, null);
end;
$$;

comment on function _require_role_is_grantable(text) is
  'Passes when the caller may give or take this membership role. Raises SP202, SP204 or SP306.';


-- Whoever acts on a member holds all that the member holds, and for at least as
-- long: by the role of the membership, and by each role granted besides. What
-- somebody who is suspended would hold counts, since whoever lets them back in
-- gives it to them.
create function _require_not_above(
  p_user_id uuid,
  p_membership_role text
)
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_now timestamptz := _clock_time();
begin
  perform _require_rights_unchanged(p_user_id);
  perform _require_role_is_grantable(p_membership_role);

  perform _require_owner()
  from user_roles
  join roles on roles.id = user_roles.role_id
  where user_roles.user_id = p_user_id
    and (user_roles.expiration_time is null or user_roles.expiration_time > v_now)
    and roles.organization_id is null
    and roles.name = 'owner';

  perform _require_role_permissions_held(user_roles.role_id, user_roles.expiration_time)
  from user_roles
  where user_roles.user_id = p_user_id
    and (user_roles.expiration_time is null or user_roles.expiration_time > v_now);
end;
$$;

comment on function _require_not_above(uuid, text) is
  'Passes when the caller holds everything that this member does. Raises SP202, or SP204 for an owner, and 40001 when what the member holds has changed since the transaction first looked.';


-- Everything that is done to a role begins here. Locked, so that what it holds does not
-- change between the check and the grant.
create function _require_own_role(
  p_role_id uuid
)
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_role roles;
begin
  perform _require_permission('roles.manage');

  select id, organization_id
  into v_role.id, v_role.organization_id
  from roles
  where id = p_role_id;

  if v_role.id is null then
    raise exception 'there is no role %', p_role_id
      using errcode = 'SP306', hint = 'Pass the id of a role of the current organization.';
  end if;
  if v_role.organization_id is null then
    raise exception 'system roles belong to the package'
      using errcode = 'SP205', hint = 'Make a role of your own with create_role().';
  end if;

  -- Whoever waited here for somebody who deleted it finds it no more.
  perform from roles where id = p_role_id for update;
  if not found then
    raise exception 'there is no role %', p_role_id
      using errcode = 'SP306', hint = 'Pass the id of a role of the current organization.';
  end if;

  -- Once more behind the lock, as in _require_manageable_member().
  perform _require_permission('roles.manage');
end;
$$;

comment on function _require_own_role(uuid) is
  'Passes for a role of the current organization when the caller manages roles, and locks it. Raises SP102, SP103, SP201, SP205 for a system role and SP306 for a stranger''s.';


--
-- Making roles
--

create function create_role(
  p_name text,
  p_description text default '',
  p_role_id uuid default new_id()
)
  returns uuid
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_user_id uuid := _require_user();
begin
  perform _require_permission('roles.manage');
  perform _require_given('name', p_name is not null);
  perform _require_given('description', p_description is not null);
  perform _require_given('role_id', p_role_id is not null);

  insert into roles (id, organization_id, name, description, created_by, updated_by)
  values (p_role_id, current_organization_id(), p_name, p_description, v_user_id, v_user_id);

  -- And once more: who makes a role of the same name is waited for.
  perform _require_permission('roles.manage');

  perform _log_event(
    'role.created', p_resource_type => 'role', p_resource_id => p_role_id
  );

  return p_role_id;
end;
$$;

comment on function create_role(text, text, uuid) is
  'Makes an empty role in the current organization and returns its id. Raises SP201 without roles.manage, SP509 for a null.';

grant execute on function create_role(text, text, uuid) to safetypin_app;


create function update_role(
  p_role_id uuid,
  p_name text,
  p_description text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _require_own_role(p_role_id);
  perform _require_given('name', p_name is not null);
  perform _require_given('description', p_description is not null);

  update roles
  set
    name = p_name,
    description = p_description,
    updated_by = current_user_id()
  where id = p_role_id;

  perform _log_event(
    'role.updated', p_resource_type => 'role', p_resource_id => p_role_id
  );
end;
$$;

comment on function update_role(uuid, text, text) is
  'Renames or describes a role of the current organization. Raises SP201 without roles.manage, SP205 for a system role, SP306 for a stranger''s and SP509 for a null.';

grant execute on function update_role(uuid, text, text) to safetypin_app;


create function delete_role(
  p_role_id uuid
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _require_own_role(p_role_id);
  perform _require_role_permissions_held(p_role_id, _clock_time());

  delete from roles where id = p_role_id;

  perform _log_event(
    'role.deleted', p_resource_type => 'role', p_resource_id => p_role_id
  );
end;
$$;

comment on function delete_role(uuid) is
  'Deletes a role of the current organization and takes it from everybody who held it. Raises SP201 without roles.manage, SP202, SP205 for a system role and SP306 for a stranger''s.';

grant execute on function delete_role(uuid) to safetypin_app;


-- The whole set at once: adding or removing one is setting the set with or
-- without it. Permissions that change hands, either way, must be held.
create function set_role_permissions(
  p_role_id uuid,
  p_permissions text[]
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_unknown text;
  v_foreign text;
begin
  perform _require_own_role(p_role_id);

  -- A null among them would be no permission to give, and keep every one from being taken.
  if p_permissions is null or array_position(p_permissions, null) is not null then
    raise exception 'there is no permission null'
      using errcode = 'SP307', hint = 'Pass names of permissions; an empty list takes everything.';
  end if;

  select string_agg(name, ', ' order by name)
  into v_unknown
  from unnest(p_permissions) as name
  where not exists (
    select from permissions where permissions.name = name.name and held_by = 'role'
  );
  if v_unknown is not null then
    raise exception 'there is no permission %', v_unknown
      using errcode = 'SP307', hint = 'Pass names of permissions that roles can hold.';
  end if;

  select string_agg(changed.name, ', ' order by changed.name)
  into v_foreign
  from (
    select given.name, true as is_given
    from (
      select unnest(p_permissions) as name
      except
      select permissions.name
      from role_permissions
      join permissions on permissions.id = role_permissions.permission_id
      where role_id = p_role_id
    ) as given
    union all
    select taken.name, false
    from (
      select permissions.name
      from role_permissions
      join permissions on permissions.id = role_permissions.permission_id
      where role_id = p_role_id
      except
      select unnest(p_permissions)
    ) as taken
  ) as changed
  where changed.name not in (
    select _list_permissions_held_until(case when changed.is_given then null else _clock_time() end)
  );
  if v_foreign is not null then
    raise exception 'nobody grants, takes or manages what they do not hold: %', v_foreign
      using errcode = 'SP202', hint = 'Ask somebody who holds these permissions.';
  end if;

  delete from role_permissions
  using permissions
  where role_permissions.role_id = p_role_id
    and permissions.id = role_permissions.permission_id
    and permissions.name <> all (p_permissions);

  -- Written and not only locked: a grant whose transaction looked before this one
  -- was done must not go on, also under repeatable read.
  update roles
  set updated_by = current_user_id()
  where id = p_role_id;

  insert into role_permissions (role_id, permission_id)
  select p_role_id, permissions.id
  from permissions
  where permissions.name = any (p_permissions)
  on conflict do nothing;

  perform _log_event(
    'role.permissions_set',
    p_resource_type => 'role',
    p_resource_id => p_role_id,
    p_additional_data => jsonb_build_object('permissions', p_permissions)
  );
end;
$$;

comment on function set_role_permissions(uuid, text[]) is
  'Gives a role of the current organization exactly these permissions. Raises SP201 without roles.manage, SP202 for one the caller does not hold, SP205 for a system role, SP306 for a stranger''s and SP307 for an unknown permission.';

grant execute on function set_role_permissions(uuid, text[]) to safetypin_app;


-- For adding or removing a few where others do so too: what the role holds is
-- read behind its lock, so neither change is lost.
create function change_role_permissions(
  p_role_id uuid,
  p_added text[],
  p_removed text[]
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _require_own_role(p_role_id);

  -- "except" takes a null for a name like any other, and then nothing is taken.
  if array_position(p_removed, null) is not null then
    raise exception 'there is no permission null'
      using errcode = 'SP307', hint = 'Pass names of permissions.';
  end if;

  perform set_role_permissions(
    p_role_id,
    array(
      (
        select permissions.name
        from role_permissions
        join permissions on permissions.id = role_permissions.permission_id
        where role_permissions.role_id = p_role_id
        union
        select unnest(p_added)
      )
      except
      select unnest(p_removed)
    )
  );
end;
$$;

comment on function change_role_permissions(uuid, text[], text[]) is
  'Adds permissions to a role of the current organization and takes others from it; one in both lists is taken. Raises SP201 without roles.manage, SP202 for one the caller does not hold, SP205 for a system role, SP306 for a stranger''s and SP307 for an unknown permission.';

grant execute on function change_role_permissions(uuid, text[], text[]) to safetypin_app;


--
-- Granting roles
--

create function assign_role(
  p_user_id uuid,
  p_role_id uuid,
  p_expiration_time timestamptz default null,
  p_reason text default null
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
begin
  perform _require_permission('roles.assign');

  -- Locked against delete_role() and set_role_permissions(), so that what is
  -- checked is what is granted.
  perform from roles where id = p_role_id and organization_id is not null for share;
  if not exists (select from roles where id = p_role_id) then
    raise exception 'there is no role %', p_role_id
      using errcode = 'SP306', hint = 'Pass the id of a system role or of a role of the current organization.';
  end if;
  perform _require_member(p_user_id);

  -- What the caller holds, once more behind the last lock they may have waited for.
  perform _require_permission('roles.assign');
  if exists (select from roles where id = p_role_id and organization_id is null and name = 'owner') then
    perform _require_owner();
  end if;
  perform _require_role_permissions_held(p_role_id, p_expiration_time);

  insert into user_roles (organization_id, user_id, role_id, granted_by, expiration_time, reason)
  values (
    v_organization_id, p_user_id, p_role_id, current_user_id(), p_expiration_time, p_reason
  )
  on conflict (organization_id, user_id, role_id) do update
  set
    granted_by = excluded.granted_by,
    granted_time = excluded.granted_time,
    expiration_time = excluded.expiration_time,
    reason = excluded.reason;

  -- Written and not only locked: who acts on this member in a transaction that looked before
  -- must not go on as if they held less.
  update organization_users
  set status = status
  where organization_id = v_organization_id
    and user_id = p_user_id;

  perform _log_event(
    'role.assigned',
    p_user_id,
    p_resource_type => 'role',
    p_resource_id => p_role_id,
    p_additional_data => jsonb_build_object('expiration_time', p_expiration_time)
  );
end;
$$;

comment on function assign_role(uuid, uuid, timestamptz, text) is
  'Gives a member a role, until a time or for good; assigning again replaces the terms. Raises SP201 without roles.assign, SP202 for a role that holds more than the caller, SP302 for a stranger and SP306 for an unknown role.';

grant execute on function assign_role(uuid, uuid, timestamptz, text) to safetypin_app;


create function remove_role(
  p_user_id uuid,
  p_role_id uuid
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _require_permission('roles.assign');

  -- Once more behind the lock, as in _require_manageable_member().
  perform
  from user_roles
  where organization_id = current_organization_id()
    and user_id = p_user_id
    and role_id = p_role_id
  for update;
  perform _require_permission('roles.assign');
  perform _require_role_permissions_held(p_role_id, _clock_time());

  delete from user_roles
  where organization_id = current_organization_id()
    and user_id = p_user_id
    and role_id = p_role_id;

  if not found then
    raise exception 'member % does not hold role %', p_user_id, p_role_id
      using errcode = 'SP306', hint = 'List their roles first.';
  end if;

  perform _log_event(
    'role.removed', p_user_id, p_resource_type => 'role', p_resource_id => p_role_id
  );
end;
$$;

comment on function remove_role(uuid, uuid) is
  'Takes a role from a member, from the next statement on. Raises SP201 without roles.assign, SP202 for a role that holds more than the caller and SP306 when they do not hold it.';

grant execute on function remove_role(uuid, uuid) to safetypin_app;

set local role safetypin_owner;


--
-- What permissions open
--

create policy update_administrator on organizations
  for update
  to safetypin_app
  using ((select has_permission('organization.update')));
comment on policy update_administrator on organizations is
  'Whoever holds organization.update changes the organization''s own columns.';

-- A policy asks before the row is locked, and under repeatable read what the
-- transaction saw at first. What it lets a caller write is asked for again behind it.
set local role safetypin_definer;

create function tg__require_permission()
  returns trigger
  language plpgsql
  security definer
  set search_path from current
as $$
begin
  perform _require_permission(tg_argv[0]);
  return null;
end;
$$;

comment on function tg__require_permission() is
  'Asks, once a row is written, whether the caller still holds the permission that its policy asked for. Raises SP201, or 40001 under repeatable read.';

grant execute on function tg__require_permission() to safetypin_owner;


-- What is sealed is written by functions. Moved by assignment: a statement would show
-- it in its plan.
create function _set_contact(
  p_contact text,
  p_field_id integer,
  p_email text
)
  returns void
  language plpgsql
  volatile
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
  v_sealed          bytea;
begin
  perform _require_permission('organization.update');
  v_sealed := _seal_text(p_field_id, v_organization_id, v_organization_id, p_email);

  update organizations
  set
    billing_email = case p_contact when 'billing' then v_sealed else billing_email end,
    technical_contact_email = case p_contact when 'technical' then v_sealed else technical_contact_email end
  where id = v_organization_id;

  -- And once more behind the lock that the update had to wait for.
  perform _require_permission('organization.update');

  perform _log_event(
    'organization.contact_set',
    p_resource_type => 'organization',
    p_resource_id => v_organization_id,
    p_additional_data => jsonb_build_object('contact', p_contact)
  );
end;
$$;

comment on function _set_contact(text, integer, text) is
  'Seals an address of the current organization: billing or technical, each with its field. Raises SP201 without organization.update, and what _seal_text() raises.';


create function set_billing_email(
  p_email text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _set_contact('billing', 3, p_email);
end;
$$;

comment on function set_billing_email(text) is
  'Says where the bills of the current organization go, or no more for null. Breaks organizations_billing_email_is_an_address for what is no address. Raises SP201 without organization.update, SP221, SP321 and SP522 when the organization''s key does not work here.';


create function set_technical_contact_email(
  p_email text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _set_contact('technical', 4, p_email);
end;
$$;

comment on function set_technical_contact_email(text) is
  'Says whom to ask in the current organization, or no more for null. Breaks organizations_technical_contact_email_is_an_address for what is no address. Raises SP201 without organization.update, SP221, SP321 and SP522 when the organization''s key does not work here.';

grant execute on function set_billing_email(text), set_technical_contact_email(text) to safetypin_app;

set local role safetypin_owner;

-- Of those whom the policy is for; what our own functions write has its guards.
create trigger _500_require_permission
  after update on organizations
  for each row
  when (row_security_active('organizations'::regclass) and pg_has_role('safetypin_app', 'usage'))
  execute function tg__require_permission('organization.update');

create policy select_administrator on auth_audit_logs
  for select
  to safetypin_app
  using ((select has_permission('audit.read')));
comment on policy select_administrator on auth_audit_logs is
  'Whoever holds audit.read sees the events of the organization.';

-- Not the invitations: whether an address that was invited belongs to anybody is
-- theirs to say, by accepting.
create policy select_administrator on data_change_logs
  for select
  to safetypin_app
  using (
    (select has_permission('audit.read'))
    and not (
      table_name = 'organization_users'
      and operation in ('insert', 'delete')
      and coalesce(new_values, old_values) ->> 'status' = 'invited'
    )
  );
comment on policy select_administrator on data_change_logs is
  'Whoever holds audit.read sees the changes in the organization, and not who is merely invited.';

create policy select_administrator on security_alerts
  for select
  to safetypin_app
  using ((select has_permission('alerts.manage')));
comment on policy select_administrator on security_alerts is
  'Whoever holds alerts.manage sees the alerts of the organization.';


--
-- Alerts
--

set local role safetypin_definer;

-- What no rule detects somebody may have seen. Words only: who reads alerts need not be
-- one who may read what they are about.
create function report_alert(
  p_reason text,
  p_severity text,
  p_user_id uuid default null
)
  returns uuid
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
  v_alert_id        uuid;
begin
  perform _require_permission('alerts.manage');

  if (p_reason ~ '^[A-Za-z0-9_.:-]{1,100}$') is not true then
    raise exception 'a reason is a word of letters, digits, dots and dashes'
      using errcode = 'SP503', hint = 'Pass what was seen in one word: shared_password.';
  end if;
  if (p_severity in ('low', 'medium', 'high', 'critical')) is not true then
    raise exception 'there is no severity %', quote_nullable(left(p_severity, 100))
      using errcode = 'SP503', hint = 'Pass low, medium, high or critical.';
  end if;
  if p_user_id is not null then
    perform _require_member(p_user_id);
    -- And once more behind the lock.
    perform _require_permission('alerts.manage');
  end if;

  insert into security_alerts (organization_id, user_id, alert_type, severity, evidence)
  values (
    v_organization_id, p_user_id, 'reported', p_severity,
    jsonb_build_object('reason', p_reason, 'reported_by', current_user_id())
  )
  returning id into v_alert_id;

  perform _log_event(
    'alert.reported', p_user_id, p_resource_type => 'alert', p_resource_id => v_alert_id
  );
  return v_alert_id;
end;
$$;

comment on function report_alert(text, text, uuid) is
  'Opens an alert of the current organization by hand, about a member or about nobody in particular. Raises SP201 without alerts.manage, SP302 for a stranger, and SP503 when the reason is no word or the severity none there is.';

grant execute on function report_alert(text, text, uuid) to safetypin_app;


create function acknowledge_alert(
  p_alert_id uuid
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
begin
  perform _require_permission('alerts.manage');

  update security_alerts
  set status = 'acknowledged'
  where id = p_alert_id
    and organization_id = v_organization_id
    and status = 'open';

  if not found then
    raise exception 'there is no open alert %', p_alert_id
      using errcode = 'SP308', hint = 'Pass the id of an open alert of the current organization.';
  end if;

  -- And once more behind the lock.
  perform _require_permission('alerts.manage');

  perform _log_event(
    'alert.acknowledged', p_resource_type => 'alert', p_resource_id => p_alert_id
  );
end;
$$;

comment on function acknowledge_alert(uuid) is
  'Says that somebody is looking at an alert. Raises SP201 without alerts.manage and SP308 when there is no such open alert.';

grant execute on function acknowledge_alert(uuid) to safetypin_app;


create function resolve_alert(
  p_alert_id uuid,
  p_note text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_organization_id uuid := _require_organization();
begin
  perform _require_permission('alerts.manage');

  update security_alerts
  set
    status = 'resolved',
    resolved_by = current_user_id(),
    resolution_time = _now(),
    resolution_note = p_note
  where id = p_alert_id
    and organization_id = v_organization_id
    and status <> 'resolved';

  if not found then
    raise exception 'there is no unresolved alert %', p_alert_id
      using errcode = 'SP308', hint = 'Pass the id of an unresolved alert of the current organization.';
  end if;

  -- And once more behind the lock.
  perform _require_permission('alerts.manage');

  perform _log_event(
    'alert.resolved', p_resource_type => 'alert', p_resource_id => p_alert_id
  );
end;
$$;

comment on function resolve_alert(uuid, text) is
  'Closes an alert with a note on what came of it. Raises SP201 without alerts.manage and SP308 when there is no such unresolved alert.';

grant execute on function resolve_alert(uuid, text) to safetypin_app;


--
-- Exports
--

-- Called twice: before the first row leaves, when nobody knows yet how many
-- there will be, and after the last.
create function _log_export(
  p_stream text,
  p_format text,
  p_since timestamptz,
  p_until timestamptz,
  p_row_count bigint
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  if p_stream is null or p_stream not in ('events', 'attempts', 'changes', 'alerts')
     or p_format is null or p_format not in ('csv', 'jsonl')
  then
    raise exception 'there is no export of % as %', coalesce(p_stream, 'null'), coalesce(p_format, 'null')
      using errcode = 'SP503', hint = 'Pass events, attempts, changes or alerts, and csv or jsonl.';
  end if;
  if p_row_count < 0 or p_since > p_until then
    raise exception 'no export has % rows from % until %', p_row_count, p_since, p_until
      using errcode = 'SP504', hint = 'Pass how many rows there were, and a period that begins before it ends.';
  end if;

  perform _log_event(
    'audit.exported',
    p_additional_data => jsonb_build_object(
      'stream', p_stream, 'format', p_format, 'since', p_since, 'until', p_until, 'rows', p_row_count
    )
  );
end;
$$;

comment on function _log_export(text, text, timestamptz, timestamptz, bigint) is
  'Records an export of evidence. Raises SP503 for an unknown stream or format and SP504 for a number or a period that cannot be.';


create function record_export(
  p_stream text,
  p_format text,
  p_since timestamptz,
  p_until timestamptz,
  p_row_count bigint default null
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _require_permission('audit.read');
  perform _log_export(p_stream, p_format, p_since, p_until, p_row_count);
end;
$$;

comment on function record_export(text, text, timestamptz, timestamptz, bigint) is
  'Records that evidence of the current organization leaves the database, and how many rows (null while that is not known). Raises SP201 without audit.read, SP503 for an unknown stream or format and SP504 for a number or a period that cannot be.';

grant execute on function record_export(text, text, timestamptz, timestamptz, bigint) to safetypin_app;


-- The auditor's login is nobody's session: its right to read is its grant.
create function record_auditor_export(
  p_stream text,
  p_format text,
  p_since timestamptz,
  p_until timestamptz,
  p_row_count bigint default null
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _log_export(p_stream, p_format, p_since, p_until, p_row_count);
end;
$$;

comment on function record_auditor_export(text, text, timestamptz, timestamptz, bigint) is
  'Records that an auditor takes evidence of the cell out of the database, and how many rows (null while that is not known). Raises SP503 for an unknown stream or format and SP504 for a number or a period that cannot be.';

grant execute on function record_auditor_export(text, text, timestamptz, timestamptz, bigint)
  to safetypin_auditor;

set local role safetypin_owner;
