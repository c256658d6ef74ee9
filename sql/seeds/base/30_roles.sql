/*
 * base: the system roles
 *
 * owner, admin and member come with a membership of that name; the others are
 * for granting. Each has exactly the permissions listed here.
 */

insert into roles (name, description)
values
  ('owner', 'Everything in the organization.'),
  ('admin', 'Everything but owning it.'),
  ('member', 'Works here: sees the organization and manages nothing.'),
  ('auditor', 'Reads the evidence of the organization.'),
  ('help_desk', 'Helps people sign in: ends sessions and demands new passwords.')
on conflict (organization_id, name) do update
set description = excluded.description
where roles.description is distinct from excluded.description;

with wanted as (
  select roles.id as role_id, permissions.id as permission_id
  from (
    select 'owner' as role, name as permission from permissions where held_by = 'role'
    union all
    select 'admin', name from permissions where held_by = 'role'
    union all
    values
      ('auditor', 'audit.read'),
      ('auditor', 'sessions.read'),
      ('auditor', 'alerts.manage'),
      ('help_desk', 'members.manage'),
      ('help_desk', 'sessions.read'),
      ('help_desk', 'sessions.revoke'),
      ('help_desk', 'credentials.manage')
  ) as listed
  join roles on roles.organization_id is null and roles.name = listed.role
  join permissions on permissions.name = listed.permission
),
removed as (
  delete from role_permissions
  using roles
  where roles.id = role_permissions.role_id
    and roles.organization_id is null
    and not exists (
      select from wanted
      where wanted.role_id = role_permissions.role_id
        and wanted.permission_id = role_permissions.permission_id
    )
)
insert into role_permissions (role_id, permission_id)
select role_id, permission_id
from wanted
on conflict do nothing;
