/** Types generated for queries found in "queries/permissions.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type NumberOrString = number | string;

export type stringArray = (string)[];

/** 'FindPermission' parameters type */
export interface FindPermissionParams {
  name: string;
}

/** 'FindPermission' return type */
export interface FindPermissionResult {
  /** What may be done. [public] */
  action: string;
  /** What it allows. [public] */
  description: string;
  /** role: through a role. everyone: before sign-in. signed_in: any session, for oneself. owner: owners of the organization. database_role: members of the database role. [public] */
  heldBy: string;
  /** The id of the permission. [public] */
  id: string;
  /** True for those of SafetyPin; false for an application's own. [public] */
  isSystemPermission: boolean;
  /** Resource and action: members.manage. [public] */
  name: string;
  /** What it is about. [public] */
  resourceType: string;
}

/** 'FindPermission' query type */
export interface FindPermissionQuery {
  params: FindPermissionParams;
  result: FindPermissionResult;
}

const findPermissionIR: any = {"usedParamSet":{"name":true},"params":[{"name":"name","required":true,"transform":{"type":"scalar"},"locs":[{"a":181,"b":186}]}],"statement":"select\n  id,\n  name,\n  description,\n  resource_type as \"resourceType\",\n  action,\n  is_system_permission as \"isSystemPermission\",\n  held_by as \"heldBy\"\nfrom permissions\nwhere name = :name!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   name,
 *   description,
 *   resource_type as "resourceType",
 *   action,
 *   is_system_permission as "isSystemPermission",
 *   held_by as "heldBy"
 * from permissions
 * where name = :name!
 * ```
 */
export const findPermission = new PreparedQuery<FindPermissionParams,FindPermissionResult>(findPermissionIR);


/** 'ListPermissions' parameters type */
export interface ListPermissionsParams {
  afterName: string;
  limit: NumberOrString;
}

/** 'ListPermissions' return type */
export interface ListPermissionsResult {
  /** What may be done. [public] */
  action: string;
  /** What it allows. [public] */
  description: string;
  /** role: through a role. everyone: before sign-in. signed_in: any session, for oneself. owner: owners of the organization. database_role: members of the database role. [public] */
  heldBy: string;
  /** The id of the permission. [public] */
  id: string;
  /** True for those of SafetyPin; false for an application's own. [public] */
  isSystemPermission: boolean;
  /** Resource and action: members.manage. [public] */
  name: string;
  /** What it is about. [public] */
  resourceType: string;
}

/** 'ListPermissions' query type */
export interface ListPermissionsQuery {
  params: ListPermissionsParams;
  result: ListPermissionsResult;
}

const listPermissionsIR: any = {"usedParamSet":{"afterName":true,"limit":true},"params":[{"name":"afterName","required":true,"transform":{"type":"scalar"},"locs":[{"a":181,"b":191}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":213,"b":219}]}],"statement":"select\n  id,\n  name,\n  description,\n  resource_type as \"resourceType\",\n  action,\n  is_system_permission as \"isSystemPermission\",\n  held_by as \"heldBy\"\nfrom permissions\nwhere name > :afterName!\norder by name\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   name,
 *   description,
 *   resource_type as "resourceType",
 *   action,
 *   is_system_permission as "isSystemPermission",
 *   held_by as "heldBy"
 * from permissions
 * where name > :afterName!
 * order by name
 * limit :limit!
 * ```
 */
export const listPermissions = new PreparedQuery<ListPermissionsParams,ListPermissionsResult>(listPermissionsIR);


/** 'ListPermissionsNamed' parameters type */
export interface ListPermissionsNamedParams {
  names: stringArray;
}

/** 'ListPermissionsNamed' return type */
export interface ListPermissionsNamedResult {
  /** What may be done. [public] */
  action: string;
  /** What it allows. [public] */
  description: string;
  /** role: through a role. everyone: before sign-in. signed_in: any session, for oneself. owner: owners of the organization. database_role: members of the database role. [public] */
  heldBy: string;
  /** The id of the permission. [public] */
  id: string;
  /** True for those of SafetyPin; false for an application's own. [public] */
  isSystemPermission: boolean;
  /** Resource and action: members.manage. [public] */
  name: string;
  /** What it is about. [public] */
  resourceType: string;
}

/** 'ListPermissionsNamed' query type */
export interface ListPermissionsNamedQuery {
  params: ListPermissionsNamedParams;
  result: ListPermissionsNamedResult;
}

const listPermissionsNamedIR: any = {"usedParamSet":{"names":true},"params":[{"name":"names","required":true,"transform":{"type":"scalar"},"locs":[{"a":186,"b":192}]}],"statement":"select\n  id,\n  name,\n  description,\n  resource_type as \"resourceType\",\n  action,\n  is_system_permission as \"isSystemPermission\",\n  held_by as \"heldBy\"\nfrom permissions\nwhere name = any (:names!)\norder by name"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   name,
 *   description,
 *   resource_type as "resourceType",
 *   action,
 *   is_system_permission as "isSystemPermission",
 *   held_by as "heldBy"
 * from permissions
 * where name = any (:names!)
 * order by name
 * ```
 */
export const listPermissionsNamed = new PreparedQuery<ListPermissionsNamedParams,ListPermissionsNamedResult>(listPermissionsNamedIR);


/** 'HasPermission' parameters type */
export interface HasPermissionParams {
  permission: string;
}

/** 'HasPermission' return type */
export interface HasPermissionResult {
  isHeld: boolean;
}

/** 'HasPermission' query type */
export interface HasPermissionQuery {
  params: HasPermissionParams;
  result: HasPermissionResult;
}

const hasPermissionIR: any = {"usedParamSet":{"permission":true},"params":[{"name":"permission","required":true,"transform":{"type":"scalar"},"locs":[{"a":22,"b":33}]}],"statement":"select has_permission(:permission!) as \"isHeld!\""};

/**
 * Query generated from SQL:
 * ```
 * select has_permission(:permission!) as "isHeld!"
 * ```
 */
export const hasPermission = new PreparedQuery<HasPermissionParams,HasPermissionResult>(hasPermissionIR);


/** 'RequirePermission' parameters type */
export interface RequirePermissionParams {
  permission: string;
}

/** 'RequirePermission' return type */
export interface RequirePermissionResult {
  require_permission: undefined | null;
}

/** 'RequirePermission' query type */
export interface RequirePermissionQuery {
  params: RequirePermissionParams;
  result: RequirePermissionResult;
}

const requirePermissionIR: any = {"usedParamSet":{"permission":true},"params":[{"name":"permission","required":true,"transform":{"type":"scalar"},"locs":[{"a":26,"b":37}]}],"statement":"select require_permission(:permission!)"};

/**
 * Query generated from SQL:
 * ```
 * select require_permission(:permission!)
 * ```
 */
export const requirePermission = new PreparedQuery<RequirePermissionParams,RequirePermissionResult>(requirePermissionIR);


/** 'HasAnyPermission' parameters type */
export interface HasAnyPermissionParams {
  permissions: stringArray;
}

/** 'HasAnyPermission' return type */
export interface HasAnyPermissionResult {
  isHeld: boolean;
}

/** 'HasAnyPermission' query type */
export interface HasAnyPermissionQuery {
  params: HasAnyPermissionParams;
  result: HasAnyPermissionResult;
}

const hasAnyPermissionIR: any = {"usedParamSet":{"permissions":true},"params":[{"name":"permissions","required":true,"transform":{"type":"scalar"},"locs":[{"a":26,"b":38}]}],"statement":"select has_any_permission(:permissions!) as \"isHeld!\""};

/**
 * Query generated from SQL:
 * ```
 * select has_any_permission(:permissions!) as "isHeld!"
 * ```
 */
export const hasAnyPermission = new PreparedQuery<HasAnyPermissionParams,HasAnyPermissionResult>(hasAnyPermissionIR);


/** 'HasAllPermissions' parameters type */
export interface HasAllPermissionsParams {
  permissions: stringArray;
}

/** 'HasAllPermissions' return type */
export interface HasAllPermissionsResult {
  isHeld: boolean;
}

/** 'HasAllPermissions' query type */
export interface HasAllPermissionsQuery {
  params: HasAllPermissionsParams;
  result: HasAllPermissionsResult;
}

const hasAllPermissionsIR: any = {"usedParamSet":{"permissions":true},"params":[{"name":"permissions","required":true,"transform":{"type":"scalar"},"locs":[{"a":27,"b":39}]}],"statement":"select has_all_permissions(:permissions!) as \"isHeld!\""};

/**
 * Query generated from SQL:
 * ```
 * select has_all_permissions(:permissions!) as "isHeld!"
 * ```
 */
export const hasAllPermissions = new PreparedQuery<HasAllPermissionsParams,HasAllPermissionsResult>(hasAllPermissionsIR);


/** 'ListOwnPermissions' parameters type */
export type ListOwnPermissionsParams = void;

/** 'ListOwnPermissions' return type */
export interface ListOwnPermissionsResult {
  name: string;
}

/** 'ListOwnPermissions' query type */
export interface ListOwnPermissionsQuery {
  params: ListOwnPermissionsParams;
  result: ListOwnPermissionsResult;
}

const listOwnPermissionsIR: any = {"usedParamSet":{},"params":[],"statement":"select permission as \"name!\"\nfrom list_own_permissions() as permission"};

/**
 * Query generated from SQL:
 * ```
 * select permission as "name!"
 * from list_own_permissions() as permission
 * ```
 */
export const listOwnPermissions = new PreparedQuery<ListOwnPermissionsParams,ListOwnPermissionsResult>(listOwnPermissionsIR);


