/** Types generated for queries found in "queries/user_roles.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type DateOrString = Date | string;

export type DateOrStringArray = (DateOrString)[];

export type NumberOrString = number | string;

export type stringArray = (string)[];

/** 'ListMemberRoles' parameters type */
export interface ListMemberRolesParams {
  afterRoleId: string;
  limit: NumberOrString;
  userId: string;
}

/** 'ListMemberRoles' return type */
export interface ListMemberRolesResult {
  /** Until when; null for no end. [internal] */
  expirationTime: Date | null;
  /** Who granted it; null once that person is erased. [internal] */
  grantedBy: string | null;
  /** When. [internal] */
  grantedTime: Date;
  /** Why; null when nobody said. [internal] */
  reason: string | null;
  /** Which role: a system role or one of this organization. [internal] */
  roleId: string;
  /** Its name, unique in the organization. [internal] */
  roleName: string;
  /** Who. [internal] */
  userId: string;
}

/** 'ListMemberRoles' query type */
export interface ListMemberRolesQuery {
  params: ListMemberRolesParams;
  result: ListMemberRolesResult;
}

const listMemberRolesIR: any = {"usedParamSet":{"userId":true,"afterRoleId":true,"limit":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":428,"b":435}]},{"name":"afterRoleId","required":true,"transform":{"type":"scalar"},"locs":[{"a":464,"b":476}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":512,"b":518}]}],"statement":"-- What a member holds besides the role of their membership, expired ones included.\nselect\n  user_roles.user_id as \"userId\",\n  user_roles.role_id as \"roleId\",\n  roles.name as \"roleName\",\n  user_roles.granted_by as \"grantedBy\",\n  user_roles.granted_time as \"grantedTime\",\n  user_roles.expiration_time as \"expirationTime\",\n  user_roles.reason\nfrom user_roles\njoin roles on roles.id = user_roles.role_id\nwhere user_roles.user_id = :userId!\n  and user_roles.role_id > :afterRoleId!\norder by user_roles.role_id\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * -- What a member holds besides the role of their membership, expired ones included.
 * select
 *   user_roles.user_id as "userId",
 *   user_roles.role_id as "roleId",
 *   roles.name as "roleName",
 *   user_roles.granted_by as "grantedBy",
 *   user_roles.granted_time as "grantedTime",
 *   user_roles.expiration_time as "expirationTime",
 *   user_roles.reason
 * from user_roles
 * join roles on roles.id = user_roles.role_id
 * where user_roles.user_id = :userId!
 *   and user_roles.role_id > :afterRoleId!
 * order by user_roles.role_id
 * limit :limit!
 * ```
 */
export const listMemberRoles = new PreparedQuery<ListMemberRolesParams,ListMemberRolesResult>(listMemberRolesIR);


/** 'ListRoleHolders' parameters type */
export interface ListRoleHoldersParams {
  afterUserId: string;
  limit: NumberOrString;
  roleId: string;
}

/** 'ListRoleHolders' return type */
export interface ListRoleHoldersResult {
  /** Until when; null for no end. [internal] */
  expirationTime: Date | null;
  /** Who granted it; null once that person is erased. [internal] */
  grantedBy: string | null;
  /** When. [internal] */
  grantedTime: Date;
  /** Why; null when nobody said. [internal] */
  reason: string | null;
  /** Which role: a system role or one of this organization. [internal] */
  roleId: string;
  /** Its name, unique in the organization. [internal] */
  roleName: string;
  /** Who. [internal] */
  userId: string;
}

/** 'ListRoleHolders' query type */
export interface ListRoleHoldersQuery {
  params: ListRoleHoldersParams;
  result: ListRoleHoldersResult;
}

const listRoleHoldersIR: any = {"usedParamSet":{"roleId":true,"afterUserId":true,"limit":true},"params":[{"name":"roleId","required":true,"transform":{"type":"scalar"},"locs":[{"a":344,"b":351}]},{"name":"afterUserId","required":true,"transform":{"type":"scalar"},"locs":[{"a":380,"b":392}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":428,"b":434}]}],"statement":"select\n  user_roles.user_id as \"userId\",\n  user_roles.role_id as \"roleId\",\n  roles.name as \"roleName\",\n  user_roles.granted_by as \"grantedBy\",\n  user_roles.granted_time as \"grantedTime\",\n  user_roles.expiration_time as \"expirationTime\",\n  user_roles.reason\nfrom user_roles\njoin roles on roles.id = user_roles.role_id\nwhere user_roles.role_id = :roleId!\n  and user_roles.user_id > :afterUserId!\norder by user_roles.user_id\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   user_roles.user_id as "userId",
 *   user_roles.role_id as "roleId",
 *   roles.name as "roleName",
 *   user_roles.granted_by as "grantedBy",
 *   user_roles.granted_time as "grantedTime",
 *   user_roles.expiration_time as "expirationTime",
 *   user_roles.reason
 * from user_roles
 * join roles on roles.id = user_roles.role_id
 * where user_roles.role_id = :roleId!
 *   and user_roles.user_id > :afterUserId!
 * order by user_roles.user_id
 * limit :limit!
 * ```
 */
export const listRoleHolders = new PreparedQuery<ListRoleHoldersParams,ListRoleHoldersResult>(listRoleHoldersIR);


/** 'ListMemberPermissions' parameters type */
export interface ListMemberPermissionsParams {
  userId: string;
}

/** 'ListMemberPermissions' return type */
export interface ListMemberPermissionsResult {
  /** Resource and action: members.manage. [public] */
  name: string;
}

/** 'ListMemberPermissions' query type */
export interface ListMemberPermissionsQuery {
  params: ListMemberPermissionsParams;
  result: ListMemberPermissionsResult;
}

const listMemberPermissionsIR: any = {"usedParamSet":{"userId":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":289,"b":296},{"a":430,"b":437}]}],"statement":"-- As has_permission() would answer the member, were they to ask now.\nselect distinct permissions.name\nfrom (\n  select roles.id as role_id\n  from organization_users\n  join roles on roles.organization_id is null and roles.name = organization_users.role\n  where organization_users.user_id = :userId!\n    and organization_users.status = 'active'\n  union all\n  select user_roles.role_id\n  from user_roles\n  where user_roles.user_id = :userId!\n    and (user_roles.expiration_time is null or user_roles.expiration_time > now())\n) as held\njoin role_permissions on role_permissions.role_id = held.role_id\njoin permissions on permissions.id = role_permissions.permission_id\norder by permissions.name"};

/**
 * Query generated from SQL:
 * ```
 * -- As has_permission() would answer the member, were they to ask now.
 * select distinct permissions.name
 * from (
 *   select roles.id as role_id
 *   from organization_users
 *   join roles on roles.organization_id is null and roles.name = organization_users.role
 *   where organization_users.user_id = :userId!
 *     and organization_users.status = 'active'
 *   union all
 *   select user_roles.role_id
 *   from user_roles
 *   where user_roles.user_id = :userId!
 *     and (user_roles.expiration_time is null or user_roles.expiration_time > now())
 * ) as held
 * join role_permissions on role_permissions.role_id = held.role_id
 * join permissions on permissions.id = role_permissions.permission_id
 * order by permissions.name
 * ```
 */
export const listMemberPermissions = new PreparedQuery<ListMemberPermissionsParams,ListMemberPermissionsResult>(listMemberPermissionsIR);


/** 'AssignRole' parameters type */
export interface AssignRoleParams {
  expirationTime?: DateOrString | null | void;
  reason?: string | null | void;
  roleId: string;
  userId: string;
}

/** 'AssignRole' return type */
export interface AssignRoleResult {
  assign_role: undefined | null;
}

/** 'AssignRole' query type */
export interface AssignRoleQuery {
  params: AssignRoleParams;
  result: AssignRoleResult;
}

const assignRoleIR: any = {"usedParamSet":{"userId":true,"roleId":true,"expirationTime":true,"reason":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":35,"b":42}]},{"name":"roleId","required":true,"transform":{"type":"scalar"},"locs":[{"a":60,"b":67}]},{"name":"expirationTime","required":false,"transform":{"type":"scalar"},"locs":[{"a":93,"b":107}]},{"name":"reason","required":false,"transform":{"type":"scalar"},"locs":[{"a":124,"b":130}]}],"statement":"select assign_role(\n  p_user_id => :userId!,\n  p_role_id => :roleId!,\n  p_expiration_time => :expirationTime,\n  p_reason => :reason\n)"};

/**
 * Query generated from SQL:
 * ```
 * select assign_role(
 *   p_user_id => :userId!,
 *   p_role_id => :roleId!,
 *   p_expiration_time => :expirationTime,
 *   p_reason => :reason
 * )
 * ```
 */
export const assignRole = new PreparedQuery<AssignRoleParams,AssignRoleResult>(assignRoleIR);


/** 'AssignRoles' parameters type */
export interface AssignRolesParams {
  expirationTimes: DateOrStringArray;
  reasons: stringArray;
  roleIds: stringArray;
  userIds: stringArray;
}

/** 'AssignRoles' return type */
export interface AssignRolesResult {
  assign_role: undefined | null;
}

/** 'AssignRoles' query type */
export interface AssignRolesQuery {
  params: AssignRolesParams;
  result: AssignRolesResult;
}

const assignRolesIR: any = {"usedParamSet":{"userIds":true,"roleIds":true,"expirationTimes":true,"reasons":true},"params":[{"name":"userIds","required":true,"transform":{"type":"scalar"},"locs":[{"a":392,"b":400}]},{"name":"roleIds","required":true,"transform":{"type":"scalar"},"locs":[{"a":411,"b":419}]},{"name":"expirationTimes","required":true,"transform":{"type":"scalar"},"locs":[{"a":430,"b":446}]},{"name":"reasons","required":true,"transform":{"type":"scalar"},"locs":[{"a":464,"b":472}]}],"statement":"-- Several or none, in one order. A list holds no null here: infinity is for good, and an\n-- empty reason none.\nselect assign_role(\n  p_user_id => given.user_id,\n  p_role_id => given.role_id,\n  p_expiration_time => nullif(given.expiration_time, 'infinity'),\n  p_reason => nullif(given.reason, '')\n)\nfrom (\n  select\n    user_id,\n    role_id,\n    expiration_time,\n    reason\n  from unnest(\n    :userIds!::uuid[], :roleIds!::uuid[], :expirationTimes!::timestamptz[], :reasons!::text[]\n  ) as role_grant (user_id, role_id, expiration_time, reason)\n  order by user_id, role_id\n) as given"};

/**
 * Query generated from SQL:
 * ```
 * -- Several or none, in one order. A list holds no null here: infinity is for good, and an
 * -- empty reason none.
 * select assign_role(
 *   p_user_id => given.user_id,
 *   p_role_id => given.role_id,
 *   p_expiration_time => nullif(given.expiration_time, 'infinity'),
 *   p_reason => nullif(given.reason, '')
 * )
 * from (
 *   select
 *     user_id,
 *     role_id,
 *     expiration_time,
 *     reason
 *   from unnest(
 *     :userIds!::uuid[], :roleIds!::uuid[], :expirationTimes!::timestamptz[], :reasons!::text[]
 *   ) as role_grant (user_id, role_id, expiration_time, reason)
 *   order by user_id, role_id
 * ) as given
 * ```
 */
export const assignRoles = new PreparedQuery<AssignRolesParams,AssignRolesResult>(assignRolesIR);


/** 'RemoveRole' parameters type */
export interface RemoveRoleParams {
  roleId: string;
  userId: string;
}

/** 'RemoveRole' return type */
export interface RemoveRoleResult {
  remove_role: undefined | null;
}

/** 'RemoveRole' query type */
export interface RemoveRoleQuery {
  params: RemoveRoleParams;
  result: RemoveRoleResult;
}

const removeRoleIR: any = {"usedParamSet":{"userId":true,"roleId":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":32,"b":39}]},{"name":"roleId","required":true,"transform":{"type":"scalar"},"locs":[{"a":55,"b":62}]}],"statement":"select remove_role(p_user_id => :userId!, p_role_id => :roleId!)"};

/**
 * Query generated from SQL:
 * ```
 * select remove_role(p_user_id => :userId!, p_role_id => :roleId!)
 * ```
 */
export const removeRole = new PreparedQuery<RemoveRoleParams,RemoveRoleResult>(removeRoleIR);


