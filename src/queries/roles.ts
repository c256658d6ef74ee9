/** Types generated for queries found in "queries/roles.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type NumberOrString = number | string;

export type stringArray = (string)[];

/** 'FindRole' parameters type */
export interface FindRoleParams {
  roleId: string;
}

/** 'FindRole' return type */
export interface FindRoleResult {
  /** Who made it; null for a system role. [internal] */
  createdBy: string | null;
  /** When it was made. [internal] */
  creationTime: Date;
  /** What it is for. [internal] */
  description: string;
  /** The id of the role. [internal] */
  id: string;
  /** Whether it belongs to the package. [internal] */
  isSystemRole: boolean;
  /** When it last changed. [internal] */
  lastUpdateTime: Date;
  /** Its name, unique in the organization. [internal] */
  name: string;
  /** Whose role; null for a system role. [internal] */
  organizationId: string | null;
  /** Who last changed it. [internal] */
  updatedBy: string | null;
}

/** 'FindRole' query type */
export interface FindRoleQuery {
  params: FindRoleParams;
  result: FindRoleResult;
}

const findRoleIR: any = {"usedParamSet":{"roleId":true},"params":[{"name":"roleId","required":true,"transform":{"type":"scalar"},"locs":[{"a":266,"b":273}]}],"statement":"select\n  id,\n  organization_id as \"organizationId\",\n  name,\n  description,\n  is_system_role as \"isSystemRole!\",\n  created_by as \"createdBy\",\n  creation_time as \"creationTime\",\n  updated_by as \"updatedBy\",\n  last_update_time as \"lastUpdateTime\"\nfrom roles\nwhere id = :roleId!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   organization_id as "organizationId",
 *   name,
 *   description,
 *   is_system_role as "isSystemRole!",
 *   created_by as "createdBy",
 *   creation_time as "creationTime",
 *   updated_by as "updatedBy",
 *   last_update_time as "lastUpdateTime"
 * from roles
 * where id = :roleId!
 * ```
 */
export const findRole = new PreparedQuery<FindRoleParams,FindRoleResult>(findRoleIR);


/** 'FindRoleByName' parameters type */
export interface FindRoleByNameParams {
  name: string;
}

/** 'FindRoleByName' return type */
export interface FindRoleByNameResult {
  /** Who made it; null for a system role. [internal] */
  createdBy: string | null;
  /** When it was made. [internal] */
  creationTime: Date;
  /** What it is for. [internal] */
  description: string;
  /** The id of the role. [internal] */
  id: string;
  /** Whether it belongs to the package. [internal] */
  isSystemRole: boolean;
  /** When it last changed. [internal] */
  lastUpdateTime: Date;
  /** Its name, unique in the organization. [internal] */
  name: string;
  /** Whose role; null for a system role. [internal] */
  organizationId: string | null;
  /** Who last changed it. [internal] */
  updatedBy: string | null;
}

/** 'FindRoleByName' query type */
export interface FindRoleByNameQuery {
  params: FindRoleByNameParams;
  result: FindRoleByNameResult;
}

const findRoleByNameIR: any = {"usedParamSet":{"name":true},"params":[{"name":"name","required":true,"transform":{"type":"scalar"},"locs":[{"a":333,"b":338}]}],"statement":"-- One of the organization's own, or a system role of that name.\nselect\n  id,\n  organization_id as \"organizationId\",\n  name,\n  description,\n  is_system_role as \"isSystemRole!\",\n  created_by as \"createdBy\",\n  creation_time as \"creationTime\",\n  updated_by as \"updatedBy\",\n  last_update_time as \"lastUpdateTime\"\nfrom roles\nwhere name = :name!\n  and (organization_id = (select current_organization_id()) or organization_id is null)\norder by organization_id nulls last\nlimit 1"};

/**
 * Query generated from SQL:
 * ```
 * -- One of the organization's own, or a system role of that name.
 * select
 *   id,
 *   organization_id as "organizationId",
 *   name,
 *   description,
 *   is_system_role as "isSystemRole!",
 *   created_by as "createdBy",
 *   creation_time as "creationTime",
 *   updated_by as "updatedBy",
 *   last_update_time as "lastUpdateTime"
 * from roles
 * where name = :name!
 *   and (organization_id = (select current_organization_id()) or organization_id is null)
 * order by organization_id nulls last
 * limit 1
 * ```
 */
export const findRoleByName = new PreparedQuery<FindRoleByNameParams,FindRoleByNameResult>(findRoleByNameIR);


/** 'ListSystemRoles' parameters type */
export type ListSystemRolesParams = void;

/** 'ListSystemRoles' return type */
export interface ListSystemRolesResult {
  /** Who made it; null for a system role. [internal] */
  createdBy: string | null;
  /** When it was made. [internal] */
  creationTime: Date;
  /** What it is for. [internal] */
  description: string;
  /** The id of the role. [internal] */
  id: string;
  /** Whether it belongs to the package. [internal] */
  isSystemRole: boolean;
  /** When it last changed. [internal] */
  lastUpdateTime: Date;
  /** Its name, unique in the organization. [internal] */
  name: string;
  /** Whose role; null for a system role. [internal] */
  organizationId: string | null;
  /** Who last changed it. [internal] */
  updatedBy: string | null;
}

/** 'ListSystemRoles' query type */
export interface ListSystemRolesQuery {
  params: ListSystemRolesParams;
  result: ListSystemRolesResult;
}

const listSystemRolesIR: any = {"usedParamSet":{},"params":[],"statement":"-- The package brings a handful.\nselect\n  id,\n  organization_id as \"organizationId\",\n  name,\n  description,\n  is_system_role as \"isSystemRole!\",\n  created_by as \"createdBy\",\n  creation_time as \"creationTime\",\n  updated_by as \"updatedBy\",\n  last_update_time as \"lastUpdateTime\"\nfrom roles\nwhere organization_id is null\norder by name\nlimit 100"};

/**
 * Query generated from SQL:
 * ```
 * -- The package brings a handful.
 * select
 *   id,
 *   organization_id as "organizationId",
 *   name,
 *   description,
 *   is_system_role as "isSystemRole!",
 *   created_by as "createdBy",
 *   creation_time as "creationTime",
 *   updated_by as "updatedBy",
 *   last_update_time as "lastUpdateTime"
 * from roles
 * where organization_id is null
 * order by name
 * limit 100
 * ```
 */
export const listSystemRoles = new PreparedQuery<ListSystemRolesParams,ListSystemRolesResult>(listSystemRolesIR);


/** 'ListRoles' parameters type */
export interface ListRolesParams {
  afterName: string;
  limit: NumberOrString;
}

/** 'ListRoles' return type */
export interface ListRolesResult {
  /** Who made it; null for a system role. [internal] */
  createdBy: string | null;
  /** When it was made. [internal] */
  creationTime: Date;
  /** What it is for. [internal] */
  description: string;
  /** The id of the role. [internal] */
  id: string;
  /** Whether it belongs to the package. [internal] */
  isSystemRole: boolean;
  /** When it last changed. [internal] */
  lastUpdateTime: Date;
  /** Its name, unique in the organization. [internal] */
  name: string;
  /** Whose role; null for a system role. [internal] */
  organizationId: string | null;
  /** Who last changed it. [internal] */
  updatedBy: string | null;
}

/** 'ListRoles' query type */
export interface ListRolesQuery {
  params: ListRolesParams;
  result: ListRolesResult;
}

const listRolesIR: any = {"usedParamSet":{"afterName":true,"limit":true},"params":[{"name":"afterName","required":true,"transform":{"type":"scalar"},"locs":[{"a":327,"b":337}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":359,"b":365}]}],"statement":"select\n  id,\n  organization_id as \"organizationId\",\n  name,\n  description,\n  is_system_role as \"isSystemRole!\",\n  created_by as \"createdBy\",\n  creation_time as \"creationTime\",\n  updated_by as \"updatedBy\",\n  last_update_time as \"lastUpdateTime\"\nfrom roles\nwhere organization_id = (select current_organization_id())\n  and name > :afterName!\norder by name\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   organization_id as "organizationId",
 *   name,
 *   description,
 *   is_system_role as "isSystemRole!",
 *   created_by as "createdBy",
 *   creation_time as "creationTime",
 *   updated_by as "updatedBy",
 *   last_update_time as "lastUpdateTime"
 * from roles
 * where organization_id = (select current_organization_id())
 *   and name > :afterName!
 * order by name
 * limit :limit!
 * ```
 */
export const listRoles = new PreparedQuery<ListRolesParams,ListRolesResult>(listRolesIR);


/** 'ListRolePermissions' parameters type */
export interface ListRolePermissionsParams {
  roleId: string;
}

/** 'ListRolePermissions' return type */
export interface ListRolePermissionsResult {
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

/** 'ListRolePermissions' query type */
export interface ListRolePermissionsQuery {
  params: ListRolePermissionsParams;
  result: ListRolePermissionsResult;
}

const listRolePermissionsIR: any = {"usedParamSet":{"roleId":true},"params":[{"name":"roleId","required":true,"transform":{"type":"scalar"},"locs":[{"a":396,"b":403}]}],"statement":"-- There are a few dozen permissions.\nselect\n  permissions.id,\n  permissions.name,\n  permissions.description,\n  permissions.resource_type as \"resourceType\",\n  permissions.action,\n  permissions.is_system_permission as \"isSystemPermission\",\n  permissions.held_by as \"heldBy\"\nfrom role_permissions\njoin permissions on permissions.id = role_permissions.permission_id\nwhere role_permissions.role_id = :roleId!\norder by permissions.name"};

/**
 * Query generated from SQL:
 * ```
 * -- There are a few dozen permissions.
 * select
 *   permissions.id,
 *   permissions.name,
 *   permissions.description,
 *   permissions.resource_type as "resourceType",
 *   permissions.action,
 *   permissions.is_system_permission as "isSystemPermission",
 *   permissions.held_by as "heldBy"
 * from role_permissions
 * join permissions on permissions.id = role_permissions.permission_id
 * where role_permissions.role_id = :roleId!
 * order by permissions.name
 * ```
 */
export const listRolePermissions = new PreparedQuery<ListRolePermissionsParams,ListRolePermissionsResult>(listRolePermissionsIR);


/** 'CreateRole' parameters type */
export interface CreateRoleParams {
  description: string;
  name: string;
}

/** 'CreateRole' return type */
export interface CreateRoleResult {
  roleId: string;
}

/** 'CreateRole' query type */
export interface CreateRoleQuery {
  params: CreateRoleParams;
  result: CreateRoleResult;
}

const createRoleIR: any = {"usedParamSet":{"name":true,"description":true},"params":[{"name":"name","required":true,"transform":{"type":"scalar"},"locs":[{"a":29,"b":34}]},{"name":"description","required":true,"transform":{"type":"scalar"},"locs":[{"a":54,"b":66}]}],"statement":"select create_role(p_name => :name!, p_description => :description!) as \"roleId!\""};

/**
 * Query generated from SQL:
 * ```
 * select create_role(p_name => :name!, p_description => :description!) as "roleId!"
 * ```
 */
export const createRole = new PreparedQuery<CreateRoleParams,CreateRoleResult>(createRoleIR);


/** 'UpdateRole' parameters type */
export interface UpdateRoleParams {
  description?: string | null | void;
  name?: string | null | void;
  roleId: string;
}

/** 'UpdateRole' return type */
export interface UpdateRoleResult {
  update_role: undefined | null;
}

/** 'UpdateRole' query type */
export interface UpdateRoleQuery {
  params: UpdateRoleParams;
  result: UpdateRoleResult;
}

const updateRoleIR: any = {"usedParamSet":{"roleId":true,"name":true,"description":true},"params":[{"name":"roleId","required":true,"transform":{"type":"scalar"},"locs":[{"a":35,"b":42},{"a":108,"b":115},{"a":204,"b":211}]},{"name":"name","required":false,"transform":{"type":"scalar"},"locs":[{"a":66,"b":70}]},{"name":"description","required":false,"transform":{"type":"scalar"},"locs":[{"a":148,"b":159}]}],"statement":"select update_role(\n  p_role_id => :roleId!,\n  p_name => coalesce(:name, (select name from roles where id = :roleId!)),\n  p_description => coalesce(:description, (select description from roles where id = :roleId!))\n)"};

/**
 * Query generated from SQL:
 * ```
 * select update_role(
 *   p_role_id => :roleId!,
 *   p_name => coalesce(:name, (select name from roles where id = :roleId!)),
 *   p_description => coalesce(:description, (select description from roles where id = :roleId!))
 * )
 * ```
 */
export const updateRole = new PreparedQuery<UpdateRoleParams,UpdateRoleResult>(updateRoleIR);


/** 'DeleteRole' parameters type */
export interface DeleteRoleParams {
  roleId: string;
}

/** 'DeleteRole' return type */
export interface DeleteRoleResult {
  delete_role: undefined | null;
}

/** 'DeleteRole' query type */
export interface DeleteRoleQuery {
  params: DeleteRoleParams;
  result: DeleteRoleResult;
}

const deleteRoleIR: any = {"usedParamSet":{"roleId":true},"params":[{"name":"roleId","required":true,"transform":{"type":"scalar"},"locs":[{"a":19,"b":26}]}],"statement":"select delete_role(:roleId!)"};

/**
 * Query generated from SQL:
 * ```
 * select delete_role(:roleId!)
 * ```
 */
export const deleteRole = new PreparedQuery<DeleteRoleParams,DeleteRoleResult>(deleteRoleIR);


/** 'SetRolePermissions' parameters type */
export interface SetRolePermissionsParams {
  permissions: stringArray;
  roleId: string;
}

/** 'SetRolePermissions' return type */
export interface SetRolePermissionsResult {
  set_role_permissions: undefined | null;
}

/** 'SetRolePermissions' query type */
export interface SetRolePermissionsQuery {
  params: SetRolePermissionsParams;
  result: SetRolePermissionsResult;
}

const setRolePermissionsIR: any = {"usedParamSet":{"roleId":true,"permissions":true},"params":[{"name":"roleId","required":true,"transform":{"type":"scalar"},"locs":[{"a":41,"b":48}]},{"name":"permissions","required":true,"transform":{"type":"scalar"},"locs":[{"a":68,"b":80}]}],"statement":"select set_role_permissions(p_role_id => :roleId!, p_permissions => :permissions!)"};

/**
 * Query generated from SQL:
 * ```
 * select set_role_permissions(p_role_id => :roleId!, p_permissions => :permissions!)
 * ```
 */
export const setRolePermissions = new PreparedQuery<SetRolePermissionsParams,SetRolePermissionsResult>(setRolePermissionsIR);


/** 'ChangeRolePermissions' parameters type */
export interface ChangeRolePermissionsParams {
  added: stringArray;
  removed: stringArray;
  roleId: string;
}

/** 'ChangeRolePermissions' return type */
export interface ChangeRolePermissionsResult {
  change_role_permissions: undefined | null;
}

/** 'ChangeRolePermissions' query type */
export interface ChangeRolePermissionsQuery {
  params: ChangeRolePermissionsParams;
  result: ChangeRolePermissionsResult;
}

const changeRolePermissionsIR: any = {"usedParamSet":{"roleId":true,"added":true,"removed":true},"params":[{"name":"roleId","required":true,"transform":{"type":"scalar"},"locs":[{"a":47,"b":54}]},{"name":"added","required":true,"transform":{"type":"scalar"},"locs":[{"a":70,"b":76}]},{"name":"removed","required":true,"transform":{"type":"scalar"},"locs":[{"a":94,"b":102}]}],"statement":"select change_role_permissions(\n  p_role_id => :roleId!,\n  p_added => :added!,\n  p_removed => :removed!\n)"};

/**
 * Query generated from SQL:
 * ```
 * select change_role_permissions(
 *   p_role_id => :roleId!,
 *   p_added => :added!,
 *   p_removed => :removed!
 * )
 * ```
 */
export const changeRolePermissions = new PreparedQuery<ChangeRolePermissionsParams,ChangeRolePermissionsResult>(changeRolePermissionsIR);


