/** Types generated for queries found in "queries/organization_users.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type NumberOrString = number | string;

export type stringArray = (string)[];

/** 'FindMember' parameters type */
export interface FindMemberParams {
  userId: string;
}

/** 'FindMember' return type */
export interface FindMemberResult {
  /** Since when. [internal] */
  creationTime: Date;
  email: string | null;
  /** Given name. [personal] */
  firstName: string;
  /** Whether the role is owner. [internal] */
  isOwner: boolean;
  /** Family name. [personal] */
  lastName: string;
  /** owner, admin or member: the system role of that name comes with the place. [internal] */
  role: string;
  /** invited until the person accepts, then active; suspended by an administrator. [internal] */
  status: string;
  /** Which person. [internal] */
  userId: string;
}

/** 'FindMember' query type */
export interface FindMemberQuery {
  params: FindMemberParams;
  result: FindMemberResult;
}

const findMemberIR: any = {"usedParamSet":{"userId":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":376,"b":383}]}],"statement":"with page as materialized (\n  select\n    organization_users.user_id,\n    users.email,\n    users.first_name,\n    users.last_name,\n    organization_users.role,\n    organization_users.is_owner,\n    organization_users.status,\n    organization_users.creation_time\n  from organization_users\n  join users on users.id = organization_users.user_id\n  where organization_users.user_id = :userId!\n)\nselect\n  page.user_id as \"userId\",\n  opened.email,\n  page.first_name as \"firstName\",\n  page.last_name as \"lastName\",\n  page.role,\n  page.is_owner as \"isOwner!\",\n  page.status,\n  page.creation_time as \"creationTime\"\nfrom page\njoin open_users(\n  (select array_agg(user_id) from page),\n  (select array_agg(email) from page),\n  (select array_agg(null::bytea) from page)\n) as opened on opened.id = page.user_id"};

/**
 * Query generated from SQL:
 * ```
 * with page as materialized (
 *   select
 *     organization_users.user_id,
 *     users.email,
 *     users.first_name,
 *     users.last_name,
 *     organization_users.role,
 *     organization_users.is_owner,
 *     organization_users.status,
 *     organization_users.creation_time
 *   from organization_users
 *   join users on users.id = organization_users.user_id
 *   where organization_users.user_id = :userId!
 * )
 * select
 *   page.user_id as "userId",
 *   opened.email,
 *   page.first_name as "firstName",
 *   page.last_name as "lastName",
 *   page.role,
 *   page.is_owner as "isOwner!",
 *   page.status,
 *   page.creation_time as "creationTime"
 * from page
 * join open_users(
 *   (select array_agg(user_id) from page),
 *   (select array_agg(email) from page),
 *   (select array_agg(null::bytea) from page)
 * ) as opened on opened.id = page.user_id
 * ```
 */
export const findMember = new PreparedQuery<FindMemberParams,FindMemberResult>(findMemberIR);


/** 'ListMembers' parameters type */
export interface ListMembersParams {
  afterUserId: string;
  limit: NumberOrString;
}

/** 'ListMembers' return type */
export interface ListMembersResult {
  /** Since when. [internal] */
  creationTime: Date;
  email: string | null;
  /** Given name. [personal] */
  firstName: string;
  /** Whether the role is owner. [internal] */
  isOwner: boolean;
  /** Family name. [personal] */
  lastName: string;
  /** owner, admin or member: the system role of that name comes with the place. [internal] */
  role: string;
  /** invited until the person accepts, then active; suspended by an administrator. [internal] */
  status: string;
  /** Which person. [internal] */
  userId: string;
}

/** 'ListMembers' query type */
export interface ListMembersQuery {
  params: ListMembersParams;
  result: ListMembersResult;
}

const listMembersIR: any = {"usedParamSet":{"afterUserId":true,"limit":true},"params":[{"name":"afterUserId","required":true,"transform":{"type":"scalar"},"locs":[{"a":409,"b":421}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":454,"b":460}]}],"statement":"-- The page is cut before people are joined: see ListUsers.\nwith page as materialized (\n  select\n    members.user_id,\n    users.email,\n    users.first_name,\n    users.last_name,\n    members.role,\n    members.is_owner,\n    members.status,\n    members.creation_time\n  from (\n    select\n      user_id,\n      role,\n      is_owner,\n      status,\n      creation_time\n    from organization_users\n    where user_id > :afterUserId!\n    order by user_id\n    limit :limit!\n  ) as members\n  join users on users.id = members.user_id\n)\nselect\n  page.user_id as \"userId\",\n  opened.email,\n  page.first_name as \"firstName\",\n  page.last_name as \"lastName\",\n  page.role,\n  page.is_owner as \"isOwner!\",\n  page.status,\n  page.creation_time as \"creationTime\"\nfrom page\njoin open_users(\n  (select array_agg(user_id) from page),\n  (select array_agg(email) from page),\n  (select array_agg(null::bytea) from page)\n) as opened on opened.id = page.user_id\norder by page.user_id"};

/**
 * Query generated from SQL:
 * ```
 * -- The page is cut before people are joined: see ListUsers.
 * with page as materialized (
 *   select
 *     members.user_id,
 *     users.email,
 *     users.first_name,
 *     users.last_name,
 *     members.role,
 *     members.is_owner,
 *     members.status,
 *     members.creation_time
 *   from (
 *     select
 *       user_id,
 *       role,
 *       is_owner,
 *       status,
 *       creation_time
 *     from organization_users
 *     where user_id > :afterUserId!
 *     order by user_id
 *     limit :limit!
 *   ) as members
 *   join users on users.id = members.user_id
 * )
 * select
 *   page.user_id as "userId",
 *   opened.email,
 *   page.first_name as "firstName",
 *   page.last_name as "lastName",
 *   page.role,
 *   page.is_owner as "isOwner!",
 *   page.status,
 *   page.creation_time as "creationTime"
 * from page
 * join open_users(
 *   (select array_agg(user_id) from page),
 *   (select array_agg(email) from page),
 *   (select array_agg(null::bytea) from page)
 * ) as opened on opened.id = page.user_id
 * order by page.user_id
 * ```
 */
export const listMembers = new PreparedQuery<ListMembersParams,ListMembersResult>(listMembersIR);


/** 'CountActiveMembers' parameters type */
export interface CountActiveMembersParams {
  limit: NumberOrString;
}

/** 'CountActiveMembers' return type */
export interface CountActiveMembersResult {
  count: number;
}

/** 'CountActiveMembers' query type */
export interface CountActiveMembersQuery {
  params: CountActiveMembersParams;
  result: CountActiveMembersResult;
}

const countActiveMembersIR: any = {"usedParamSet":{"limit":true},"params":[{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":272,"b":278}]}],"statement":"-- To a limit: whoever wants to know whether there are more than so many need not count them all.\nselect count(*)::integer as \"count!\"\nfrom (\n  select\n  from organization_users\n  where organization_id = (select current_organization_id())\n    and status = 'active'\n  limit :limit!\n) as active"};

/**
 * Query generated from SQL:
 * ```
 * -- To a limit: whoever wants to know whether there are more than so many need not count them all.
 * select count(*)::integer as "count!"
 * from (
 *   select
 *   from organization_users
 *   where organization_id = (select current_organization_id())
 *     and status = 'active'
 *   limit :limit!
 * ) as active
 * ```
 */
export const countActiveMembers = new PreparedQuery<CountActiveMembersParams,CountActiveMembersResult>(countActiveMembersIR);


/** 'AddMember' parameters type */
export interface AddMemberParams {
  email: string;
  role: string;
}

/** 'AddMember' return type */
export interface AddMemberResult {
  add_member: undefined | null;
}

/** 'AddMember' query type */
export interface AddMemberQuery {
  params: AddMemberParams;
  result: AddMemberResult;
}

const addMemberIR: any = {"usedParamSet":{"email":true,"role":true},"params":[{"name":"email","required":true,"transform":{"type":"scalar"},"locs":[{"a":29,"b":35}]},{"name":"role","required":true,"transform":{"type":"scalar"},"locs":[{"a":48,"b":53}]}],"statement":"select add_member(p_email => :email!, p_role => :role!)"};

/**
 * Query generated from SQL:
 * ```
 * select add_member(p_email => :email!, p_role => :role!)
 * ```
 */
export const addMember = new PreparedQuery<AddMemberParams,AddMemberResult>(addMemberIR);


/** 'WithdrawInvitation' parameters type */
export interface WithdrawInvitationParams {
  email: string;
}

/** 'WithdrawInvitation' return type */
export interface WithdrawInvitationResult {
  withdraw_invitation: undefined | null;
}

/** 'WithdrawInvitation' query type */
export interface WithdrawInvitationQuery {
  params: WithdrawInvitationParams;
  result: WithdrawInvitationResult;
}

const withdrawInvitationIR: any = {"usedParamSet":{"email":true},"params":[{"name":"email","required":true,"transform":{"type":"scalar"},"locs":[{"a":38,"b":44}]}],"statement":"select withdraw_invitation(p_email => :email!)"};

/**
 * Query generated from SQL:
 * ```
 * select withdraw_invitation(p_email => :email!)
 * ```
 */
export const withdrawInvitation = new PreparedQuery<WithdrawInvitationParams,WithdrawInvitationResult>(withdrawInvitationIR);


/** 'AddMembers' parameters type */
export interface AddMembersParams {
  emails: stringArray;
  roles: stringArray;
}

/** 'AddMembers' return type */
export interface AddMembersResult {
  add_member: undefined | null;
}

/** 'AddMembers' query type */
export interface AddMembersQuery {
  params: AddMembersParams;
  result: AddMembersResult;
}

const addMembersIR: any = {"usedParamSet":{"emails":true,"roles":true},"params":[{"name":"emails","required":true,"transform":{"type":"scalar"},"locs":[{"a":201,"b":208}]},{"name":"roles","required":true,"transform":{"type":"scalar"},"locs":[{"a":219,"b":225}]}],"statement":"-- Several or none. In one order, so that two who do the same do not wait in a circle.\nselect add_member(p_email => given.email, p_role => given.role)\nfrom (\n  select\n    email,\n    role\n  from unnest(:emails!::text[], :roles!::text[]) as member (email, role)\n  order by email\n) as given"};

/**
 * Query generated from SQL:
 * ```
 * -- Several or none. In one order, so that two who do the same do not wait in a circle.
 * select add_member(p_email => given.email, p_role => given.role)
 * from (
 *   select
 *     email,
 *     role
 *   from unnest(:emails!::text[], :roles!::text[]) as member (email, role)
 *   order by email
 * ) as given
 * ```
 */
export const addMembers = new PreparedQuery<AddMembersParams,AddMembersResult>(addMembersIR);


/** 'AcceptMembership' parameters type */
export interface AcceptMembershipParams {
  organizationId: string;
}

/** 'AcceptMembership' return type */
export interface AcceptMembershipResult {
  accept_membership: undefined | null;
}

/** 'AcceptMembership' query type */
export interface AcceptMembershipQuery {
  params: AcceptMembershipParams;
  result: AcceptMembershipResult;
}

const acceptMembershipIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":25,"b":40}]}],"statement":"select accept_membership(:organizationId!)"};

/**
 * Query generated from SQL:
 * ```
 * select accept_membership(:organizationId!)
 * ```
 */
export const acceptMembership = new PreparedQuery<AcceptMembershipParams,AcceptMembershipResult>(acceptMembershipIR);


/** 'SetMemberRole' parameters type */
export interface SetMemberRoleParams {
  role: string;
  userId: string;
}

/** 'SetMemberRole' return type */
export interface SetMemberRoleResult {
  set_member_role: undefined | null;
}

/** 'SetMemberRole' query type */
export interface SetMemberRoleQuery {
  params: SetMemberRoleParams;
  result: SetMemberRoleResult;
}

const setMemberRoleIR: any = {"usedParamSet":{"userId":true,"role":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":36,"b":43}]},{"name":"role","required":true,"transform":{"type":"scalar"},"locs":[{"a":56,"b":61}]}],"statement":"select set_member_role(p_user_id => :userId!, p_role => :role!)"};

/**
 * Query generated from SQL:
 * ```
 * select set_member_role(p_user_id => :userId!, p_role => :role!)
 * ```
 */
export const setMemberRole = new PreparedQuery<SetMemberRoleParams,SetMemberRoleResult>(setMemberRoleIR);


/** 'SetMemberRoles' parameters type */
export interface SetMemberRolesParams {
  roles: stringArray;
  userIds: stringArray;
}

/** 'SetMemberRoles' return type */
export interface SetMemberRolesResult {
  set_member_role: undefined | null;
}

/** 'SetMemberRoles' query type */
export interface SetMemberRolesQuery {
  params: SetMemberRolesParams;
  result: SetMemberRolesResult;
}

const setMemberRolesIR: any = {"usedParamSet":{"userIds":true,"roles":true},"params":[{"name":"userIds","required":true,"transform":{"type":"scalar"},"locs":[{"a":159,"b":167}]},{"name":"roles","required":true,"transform":{"type":"scalar"},"locs":[{"a":178,"b":184}]}],"statement":"-- Several or none, in one order.\nselect set_member_role(p_user_id => given.user_id, p_role => given.role)\nfrom (\n  select\n    user_id,\n    role\n  from unnest(:userIds!::uuid[], :roles!::text[]) as member (user_id, role)\n  order by user_id\n) as given"};

/**
 * Query generated from SQL:
 * ```
 * -- Several or none, in one order.
 * select set_member_role(p_user_id => given.user_id, p_role => given.role)
 * from (
 *   select
 *     user_id,
 *     role
 *   from unnest(:userIds!::uuid[], :roles!::text[]) as member (user_id, role)
 *   order by user_id
 * ) as given
 * ```
 */
export const setMemberRoles = new PreparedQuery<SetMemberRolesParams,SetMemberRolesResult>(setMemberRolesIR);


/** 'SuspendMember' parameters type */
export interface SuspendMemberParams {
  userId: string;
}

/** 'SuspendMember' return type */
export interface SuspendMemberResult {
  suspend_member: undefined | null;
}

/** 'SuspendMember' query type */
export interface SuspendMemberQuery {
  params: SuspendMemberParams;
  result: SuspendMemberResult;
}

const suspendMemberIR: any = {"usedParamSet":{"userId":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":22,"b":29}]}],"statement":"select suspend_member(:userId!)"};

/**
 * Query generated from SQL:
 * ```
 * select suspend_member(:userId!)
 * ```
 */
export const suspendMember = new PreparedQuery<SuspendMemberParams,SuspendMemberResult>(suspendMemberIR);


/** 'ReactivateMember' parameters type */
export interface ReactivateMemberParams {
  userId: string;
}

/** 'ReactivateMember' return type */
export interface ReactivateMemberResult {
  reactivate_member: undefined | null;
}

/** 'ReactivateMember' query type */
export interface ReactivateMemberQuery {
  params: ReactivateMemberParams;
  result: ReactivateMemberResult;
}

const reactivateMemberIR: any = {"usedParamSet":{"userId":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":25,"b":32}]}],"statement":"select reactivate_member(:userId!)"};

/**
 * Query generated from SQL:
 * ```
 * select reactivate_member(:userId!)
 * ```
 */
export const reactivateMember = new PreparedQuery<ReactivateMemberParams,ReactivateMemberResult>(reactivateMemberIR);


/** 'RemoveMember' parameters type */
export interface RemoveMemberParams {
  userId: string;
}

/** 'RemoveMember' return type */
export interface RemoveMemberResult {
  remove_member: undefined | null;
}

/** 'RemoveMember' query type */
export interface RemoveMemberQuery {
  params: RemoveMemberParams;
  result: RemoveMemberResult;
}

const removeMemberIR: any = {"usedParamSet":{"userId":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":21,"b":28}]}],"statement":"select remove_member(:userId!)"};

/**
 * Query generated from SQL:
 * ```
 * select remove_member(:userId!)
 * ```
 */
export const removeMember = new PreparedQuery<RemoveMemberParams,RemoveMemberResult>(removeMemberIR);


/** 'RemoveMembers' parameters type */
export interface RemoveMembersParams {
  userIds: stringArray;
}

/** 'RemoveMembers' return type */
export interface RemoveMembersResult {
  remove_member: undefined | null;
}

/** 'RemoveMembers' query type */
export interface RemoveMembersQuery {
  params: RemoveMembersParams;
  result: RemoveMembersResult;
}

const removeMembersIR: any = {"usedParamSet":{"userIds":true},"params":[{"name":"userIds","required":true,"transform":{"type":"scalar"},"locs":[{"a":108,"b":116}]}],"statement":"-- Several or none, in one order.\nselect remove_member(given.user_id)\nfrom (\n  select user_id\n  from unnest(:userIds!::uuid[]) as member (user_id)\n  order by user_id\n) as given"};

/**
 * Query generated from SQL:
 * ```
 * -- Several or none, in one order.
 * select remove_member(given.user_id)
 * from (
 *   select user_id
 *   from unnest(:userIds!::uuid[]) as member (user_id)
 *   order by user_id
 * ) as given
 * ```
 */
export const removeMembers = new PreparedQuery<RemoveMembersParams,RemoveMembersResult>(removeMembersIR);


/** 'LeaveOrganization' parameters type */
export type LeaveOrganizationParams = void;

/** 'LeaveOrganization' return type */
export interface LeaveOrganizationResult {
  leave_organization: undefined | null;
}

/** 'LeaveOrganization' query type */
export interface LeaveOrganizationQuery {
  params: LeaveOrganizationParams;
  result: LeaveOrganizationResult;
}

const leaveOrganizationIR: any = {"usedParamSet":{},"params":[],"statement":"select leave_organization()"};

/**
 * Query generated from SQL:
 * ```
 * select leave_organization()
 * ```
 */
export const leaveOrganization = new PreparedQuery<LeaveOrganizationParams,LeaveOrganizationResult>(leaveOrganizationIR);


/** 'TransferOwnership' parameters type */
export interface TransferOwnershipParams {
  userId: string;
}

/** 'TransferOwnership' return type */
export interface TransferOwnershipResult {
  transfer_ownership: undefined | null;
}

/** 'TransferOwnership' query type */
export interface TransferOwnershipQuery {
  params: TransferOwnershipParams;
  result: TransferOwnershipResult;
}

const transferOwnershipIR: any = {"usedParamSet":{"userId":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":26,"b":33}]}],"statement":"select transfer_ownership(:userId!)"};

/**
 * Query generated from SQL:
 * ```
 * select transfer_ownership(:userId!)
 * ```
 */
export const transferOwnership = new PreparedQuery<TransferOwnershipParams,TransferOwnershipResult>(transferOwnershipIR);


