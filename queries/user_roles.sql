/* @name ListMemberRoles */
-- What a member holds besides the role of their membership, expired ones included.
select
  user_roles.user_id as "userId",
  user_roles.role_id as "roleId",
  roles.name as "roleName",
  user_roles.granted_by as "grantedBy",
  user_roles.granted_time as "grantedTime",
  user_roles.expiration_time as "expirationTime",
  user_roles.reason
from user_roles
join roles on roles.id = user_roles.role_id
where user_roles.user_id = :userId!
  and user_roles.role_id > :afterRoleId!
order by user_roles.role_id
limit :limit!;

/* @name ListRoleHolders */
select
  user_roles.user_id as "userId",
  user_roles.role_id as "roleId",
  roles.name as "roleName",
  user_roles.granted_by as "grantedBy",
  user_roles.granted_time as "grantedTime",
  user_roles.expiration_time as "expirationTime",
  user_roles.reason
from user_roles
join roles on roles.id = user_roles.role_id
where user_roles.role_id = :roleId!
  and user_roles.user_id > :afterUserId!
order by user_roles.user_id
limit :limit!;

/* @name ListMemberPermissions */
-- As has_permission() would answer the member, were they to ask now.
select distinct permissions.name
from (
  select roles.id as role_id
  from organization_users
  join roles on roles.organization_id is null and roles.name = organization_users.role
  where organization_users.user_id = :userId!
    and organization_users.status = 'active'
  union all
  select user_roles.role_id
  from user_roles
  where user_roles.user_id = :userId!
    and (user_roles.expiration_time is null or user_roles.expiration_time > now())
) as held
join role_permissions on role_permissions.role_id = held.role_id
join permissions on permissions.id = role_permissions.permission_id
order by permissions.name;

/* @name AssignRole */
select assign_role(
  p_user_id => :userId!,
  p_role_id => :roleId!,
  p_expiration_time => :expirationTime,
  p_reason => :reason
);

/* @name AssignRoles */
-- Several or none, in one order. A list holds no null here: infinity is for good, and an
-- empty reason none.
select assign_role(
  p_user_id => given.user_id,
  p_role_id => given.role_id,
  p_expiration_time => nullif(given.expiration_time, 'infinity'),
  p_reason => nullif(given.reason, '')
)
from (
  select
    user_id,
    role_id,
    expiration_time,
    reason
  from unnest(
    :userIds!::uuid[], :roleIds!::uuid[], :expirationTimes!::timestamptz[], :reasons!::text[]
  ) as role_grant (user_id, role_id, expiration_time, reason)
  order by user_id, role_id
) as given;

/* @name RemoveRole */
select remove_role(p_user_id => :userId!, p_role_id => :roleId!);
