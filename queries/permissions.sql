/* @name FindPermission */
select
  id,
  name,
  description,
  resource_type as "resourceType",
  action,
  is_system_permission as "isSystemPermission",
  held_by as "heldBy"
from permissions
where name = :name!;

/* @name ListPermissions */
select
  id,
  name,
  description,
  resource_type as "resourceType",
  action,
  is_system_permission as "isSystemPermission",
  held_by as "heldBy"
from permissions
where name > :afterName!
order by name
limit :limit!;

/* @name ListPermissionsNamed */
select
  id,
  name,
  description,
  resource_type as "resourceType",
  action,
  is_system_permission as "isSystemPermission",
  held_by as "heldBy"
from permissions
where name = any (:names!)
order by name;

/* @name HasPermission */
select has_permission(:permission!) as "isHeld!";

/* @name RequirePermission */
select require_permission(:permission!);

/* @name HasAnyPermission */
select has_any_permission(:permissions!) as "isHeld!";

/* @name HasAllPermissions */
select has_all_permissions(:permissions!) as "isHeld!";

/* @name ListOwnPermissions */
select permission as "name!"
from list_own_permissions() as permission;
