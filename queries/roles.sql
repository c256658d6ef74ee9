/* @name FindRole */
select
  id,
  organization_id as "organizationId",
  name,
  description,
  is_system_role as "isSystemRole!",
  created_by as "createdBy",
  creation_time as "creationTime",
  updated_by as "updatedBy",
  last_update_time as "lastUpdateTime"
from roles
where id = :roleId!;

/* @name FindRoleByName */
-- One of the organization's own, or a system role of that name.
select
  id,
  organization_id as "organizationId",
  name,
  description,
  is_system_role as "isSystemRole!",
  created_by as "createdBy",
  creation_time as "creationTime",
  updated_by as "updatedBy",
  last_update_time as "lastUpdateTime"
from roles
where name = :name!
  and (organization_id = (select current_organization_id()) or organization_id is null)
order by organization_id nulls last
limit 1;

/* @name ListSystemRoles */
-- The package brings a handful.
select
  id,
  organization_id as "organizationId",
  name,
  description,
  is_system_role as "isSystemRole!",
  created_by as "createdBy",
  creation_time as "creationTime",
  updated_by as "updatedBy",
  last_update_time as "lastUpdateTime"
from roles
where organization_id is null
order by name
limit 100;

/* @name ListRoles */
select
  id,
  organization_id as "organizationId",
  name,
  description,
  is_system_role as "isSystemRole!",
  created_by as "createdBy",
  creation_time as "creationTime",
  updated_by as "updatedBy",
  last_update_time as "lastUpdateTime"
from roles
where organization_id = (select current_organization_id())
  and name > :afterName!
order by name
limit :limit!;

/* @name ListRolePermissions */
-- There are a few dozen permissions.
select
  permissions.id,
  permissions.name,
  permissions.description,
  permissions.resource_type as "resourceType",
  permissions.action,
  permissions.is_system_permission as "isSystemPermission",
  permissions.held_by as "heldBy"
from role_permissions
join permissions on permissions.id = role_permissions.permission_id
where role_permissions.role_id = :roleId!
order by permissions.name;

/* @name CreateRole */
select create_role(p_name => :name!, p_description => :description!) as "roleId!";

/* @name UpdateRole */
select update_role(
  p_role_id => :roleId!,
  p_name => coalesce(:name, (select name from roles where id = :roleId!)),
  p_description => coalesce(:description, (select description from roles where id = :roleId!))
);

/* @name DeleteRole */
select delete_role(:roleId!);

/* @name SetRolePermissions */
select set_role_permissions(p_role_id => :roleId!, p_permissions => :permissions!);

/* @name ChangeRolePermissions */
select change_role_permissions(
  p_role_id => :roleId!,
  p_added => :added!,
  p_removed => :removed!
);
