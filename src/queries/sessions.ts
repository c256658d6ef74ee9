/** Types generated for queries found in "queries/sessions.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type DateOrString = Date | string;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type NumberOrString = number | string;

export type stringArray = (string)[];

/** 'FindSession' parameters type */
export interface FindSessionParams {
  sessionId: string;
}

/** 'FindSession' return type */
export interface FindSessionResult {
  /** How well they proved who they are: 1 to 3 (NIST SP 800-63B-4). [internal] */
  assuranceLevel: number;
  /** With what they proved it. [internal] */
  authenticationMethods: stringArray;
  /** When it began. [internal] */
  creationTime: Date;
  /** The device, when one is known. [internal] */
  deviceId: string | null;
  endTime: Date;
  /** When it ends at the latest. [internal] */
  expirationTime: Date;
  /** The id of the session: a name, not the token. [internal] */
  id: string;
  /** Where it began, as the application says. [personal] */
  ipAddress: string | null;
  isCurrent: boolean;
  /** Whether a second factor was given. [internal] */
  isMfaComplete: boolean;
  /** When it was last used: written at most once a minute. [internal] */
  lastActivityTime: Date;
  /** Where; null before a first organization is chosen: then the session sees its own user and nothing else. [internal] */
  organizationId: string | null;
  position: string;
  /** Why; null while nobody has. [internal] */
  revocationReason: string | null;
  /** When somebody ended it; null while nobody has. [internal] */
  revocationTime: Date | null;
  /** Whether somebody ended it. [internal] */
  revoked: boolean;
  /** A small object of the application's own. [personal] */
  sessionData: Json;
  /** What it began with, as the application says. [personal] */
  userAgent: string | null;
  /** Who. [internal] */
  userId: string;
}

/** 'FindSession' query type */
export interface FindSessionQuery {
  params: FindSessionParams;
  result: FindSessionResult;
}

const findSessionIR: any = {"usedParamSet":{"sessionId":true},"params":[{"name":"sessionId","required":true,"transform":{"type":"scalar"},"locs":[{"a":1024,"b":1034}]}],"statement":"select\n  sessions.id,\n  sessions.user_id as \"userId\",\n  sessions.organization_id as \"organizationId\",\n  sessions.assurance_level as \"assuranceLevel\",\n  sessions.authentication_methods as \"authenticationMethods\",\n  sessions.is_mfa_complete as \"isMfaComplete\",\n  sessions.creation_time as \"creationTime\",\n  sessions.expiration_time as \"expirationTime\",\n  session_activities.last_activity_time as \"lastActivityTime\",\n  least(\n    sessions.expiration_time,\n    session_activities.last_activity_time + sessions.idle_limit\n  ) as \"endTime!\",\n  sessions.ip_address as \"ipAddress\",\n  sessions.user_agent as \"userAgent\",\n  sessions.device_id as \"deviceId\",\n  sessions.revoked,\n  sessions.revocation_time as \"revocationTime\",\n  sessions.revocation_reason as \"revocationReason\",\n  sessions.session_data as \"sessionData\",\n  sessions.id = (select current_session_id()) as \"isCurrent!\",\n  sessions.creation_time::text as \"position!\"\nfrom sessions\njoin session_activities on session_activities.session_id = sessions.id\nwhere sessions.id = :sessionId!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   sessions.id,
 *   sessions.user_id as "userId",
 *   sessions.organization_id as "organizationId",
 *   sessions.assurance_level as "assuranceLevel",
 *   sessions.authentication_methods as "authenticationMethods",
 *   sessions.is_mfa_complete as "isMfaComplete",
 *   sessions.creation_time as "creationTime",
 *   sessions.expiration_time as "expirationTime",
 *   session_activities.last_activity_time as "lastActivityTime",
 *   least(
 *     sessions.expiration_time,
 *     session_activities.last_activity_time + sessions.idle_limit
 *   ) as "endTime!",
 *   sessions.ip_address as "ipAddress",
 *   sessions.user_agent as "userAgent",
 *   sessions.device_id as "deviceId",
 *   sessions.revoked,
 *   sessions.revocation_time as "revocationTime",
 *   sessions.revocation_reason as "revocationReason",
 *   sessions.session_data as "sessionData",
 *   sessions.id = (select current_session_id()) as "isCurrent!",
 *   sessions.creation_time::text as "position!"
 * from sessions
 * join session_activities on session_activities.session_id = sessions.id
 * where sessions.id = :sessionId!
 * ```
 */
export const findSession = new PreparedQuery<FindSessionParams,FindSessionResult>(findSessionIR);


/** 'FindCurrentSession' parameters type */
export type FindCurrentSessionParams = void;

/** 'FindCurrentSession' return type */
export interface FindCurrentSessionResult {
  /** How well they proved who they are: 1 to 3 (NIST SP 800-63B-4). [internal] */
  assuranceLevel: number;
  /** With what they proved it. [internal] */
  authenticationMethods: stringArray;
  /** When it began. [internal] */
  creationTime: Date;
  /** The device, when one is known. [internal] */
  deviceId: string | null;
  endTime: Date;
  /** When it ends at the latest. [internal] */
  expirationTime: Date;
  /** The id of the session: a name, not the token. [internal] */
  id: string;
  /** Where it began, as the application says. [personal] */
  ipAddress: string | null;
  isCurrent: boolean;
  /** Whether a second factor was given. [internal] */
  isMfaComplete: boolean;
  /** When it was last used: written at most once a minute. [internal] */
  lastActivityTime: Date;
  /** Where; null before a first organization is chosen: then the session sees its own user and nothing else. [internal] */
  organizationId: string | null;
  position: string;
  /** Why; null while nobody has. [internal] */
  revocationReason: string | null;
  /** When somebody ended it; null while nobody has. [internal] */
  revocationTime: Date | null;
  /** Whether somebody ended it. [internal] */
  revoked: boolean;
  /** A small object of the application's own. [personal] */
  sessionData: Json;
  /** What it began with, as the application says. [personal] */
  userAgent: string | null;
  /** Who. [internal] */
  userId: string;
}

/** 'FindCurrentSession' query type */
export interface FindCurrentSessionQuery {
  params: FindCurrentSessionParams;
  result: FindCurrentSessionResult;
}

const findCurrentSessionIR: any = {"usedParamSet":{},"params":[],"statement":"select\n  sessions.id,\n  sessions.user_id as \"userId\",\n  sessions.organization_id as \"organizationId\",\n  sessions.assurance_level as \"assuranceLevel\",\n  sessions.authentication_methods as \"authenticationMethods\",\n  sessions.is_mfa_complete as \"isMfaComplete\",\n  sessions.creation_time as \"creationTime\",\n  sessions.expiration_time as \"expirationTime\",\n  session_activities.last_activity_time as \"lastActivityTime\",\n  least(\n    sessions.expiration_time,\n    session_activities.last_activity_time + sessions.idle_limit\n  ) as \"endTime!\",\n  sessions.ip_address as \"ipAddress\",\n  sessions.user_agent as \"userAgent\",\n  sessions.device_id as \"deviceId\",\n  sessions.revoked,\n  sessions.revocation_time as \"revocationTime\",\n  sessions.revocation_reason as \"revocationReason\",\n  sessions.session_data as \"sessionData\",\n  sessions.id = (select current_session_id()) as \"isCurrent!\",\n  sessions.creation_time::text as \"position!\"\nfrom sessions\njoin session_activities on session_activities.session_id = sessions.id\nwhere sessions.id = (select current_session_id())"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   sessions.id,
 *   sessions.user_id as "userId",
 *   sessions.organization_id as "organizationId",
 *   sessions.assurance_level as "assuranceLevel",
 *   sessions.authentication_methods as "authenticationMethods",
 *   sessions.is_mfa_complete as "isMfaComplete",
 *   sessions.creation_time as "creationTime",
 *   sessions.expiration_time as "expirationTime",
 *   session_activities.last_activity_time as "lastActivityTime",
 *   least(
 *     sessions.expiration_time,
 *     session_activities.last_activity_time + sessions.idle_limit
 *   ) as "endTime!",
 *   sessions.ip_address as "ipAddress",
 *   sessions.user_agent as "userAgent",
 *   sessions.device_id as "deviceId",
 *   sessions.revoked,
 *   sessions.revocation_time as "revocationTime",
 *   sessions.revocation_reason as "revocationReason",
 *   sessions.session_data as "sessionData",
 *   sessions.id = (select current_session_id()) as "isCurrent!",
 *   sessions.creation_time::text as "position!"
 * from sessions
 * join session_activities on session_activities.session_id = sessions.id
 * where sessions.id = (select current_session_id())
 * ```
 */
export const findCurrentSession = new PreparedQuery<FindCurrentSessionParams,FindCurrentSessionResult>(findCurrentSessionIR);


/** 'ListOwnSessions' parameters type */
export interface ListOwnSessionsParams {
  beforeId: string;
  beforeTime: DateOrString;
  deviceId?: string | null | void;
  limit: NumberOrString;
  network?: string | null | void;
}

/** 'ListOwnSessions' return type */
export interface ListOwnSessionsResult {
  /** How well they proved who they are: 1 to 3 (NIST SP 800-63B-4). [internal] */
  assuranceLevel: number;
  /** With what they proved it. [internal] */
  authenticationMethods: stringArray;
  /** When it began. [internal] */
  creationTime: Date;
  /** The device, when one is known. [internal] */
  deviceId: string | null;
  endTime: Date;
  /** When it ends at the latest. [internal] */
  expirationTime: Date;
  /** The id of the session: a name, not the token. [internal] */
  id: string;
  /** Where it began, as the application says. [personal] */
  ipAddress: string | null;
  isCurrent: boolean;
  /** Whether a second factor was given. [internal] */
  isMfaComplete: boolean;
  /** When it was last used: written at most once a minute. [internal] */
  lastActivityTime: Date;
  /** Where; null before a first organization is chosen: then the session sees its own user and nothing else. [internal] */
  organizationId: string | null;
  position: string;
  /** Why; null while nobody has. [internal] */
  revocationReason: string | null;
  /** When somebody ended it; null while nobody has. [internal] */
  revocationTime: Date | null;
  /** Whether somebody ended it. [internal] */
  revoked: boolean;
  /** A small object of the application's own. [personal] */
  sessionData: Json;
  /** What it began with, as the application says. [personal] */
  userAgent: string | null;
  /** Who. [internal] */
  userId: string;
}

/** 'ListOwnSessions' query type */
export interface ListOwnSessionsQuery {
  params: ListOwnSessionsParams;
  result: ListOwnSessionsResult;
}

const listOwnSessionsIR: any = {"usedParamSet":{"deviceId":true,"network":true,"beforeTime":true,"beforeId":true,"limit":true},"params":[{"name":"deviceId","required":false,"transform":{"type":"scalar"},"locs":[{"a":1209,"b":1217},{"a":1257,"b":1265}]},{"name":"network","required":false,"transform":{"type":"scalar"},"locs":[{"a":1275,"b":1282},{"a":1325,"b":1332}]},{"name":"beforeTime","required":true,"transform":{"type":"scalar"},"locs":[{"a":1382,"b":1393}]},{"name":"beforeId","required":true,"transform":{"type":"scalar"},"locs":[{"a":1396,"b":1405}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":1469,"b":1475}]}],"statement":"select\n  sessions.id,\n  sessions.user_id as \"userId\",\n  sessions.organization_id as \"organizationId\",\n  sessions.assurance_level as \"assuranceLevel\",\n  sessions.authentication_methods as \"authenticationMethods\",\n  sessions.is_mfa_complete as \"isMfaComplete\",\n  sessions.creation_time as \"creationTime\",\n  sessions.expiration_time as \"expirationTime\",\n  session_activities.last_activity_time as \"lastActivityTime\",\n  least(\n    sessions.expiration_time,\n    session_activities.last_activity_time + sessions.idle_limit\n  ) as \"endTime!\",\n  sessions.ip_address as \"ipAddress\",\n  sessions.user_agent as \"userAgent\",\n  sessions.device_id as \"deviceId\",\n  sessions.revoked,\n  sessions.revocation_time as \"revocationTime\",\n  sessions.revocation_reason as \"revocationReason\",\n  sessions.session_data as \"sessionData\",\n  sessions.id = (select current_session_id()) as \"isCurrent!\",\n  sessions.creation_time::text as \"position!\"\nfrom sessions\njoin session_activities on session_activities.session_id = sessions.id\nwhere sessions.user_id = (select current_user_id())\n  and not sessions.revoked\n  and least(\n    sessions.expiration_time,\n    session_activities.last_activity_time + sessions.idle_limit\n  ) > now()\n  and (:deviceId::uuid is null or sessions.device_id = :deviceId)\n  and (:network::inet is null or sessions.ip_address <<= :network)\n  and (sessions.creation_time, sessions.id) < (:beforeTime!, :beforeId!)\norder by sessions.creation_time desc, sessions.id desc\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   sessions.id,
 *   sessions.user_id as "userId",
 *   sessions.organization_id as "organizationId",
 *   sessions.assurance_level as "assuranceLevel",
 *   sessions.authentication_methods as "authenticationMethods",
 *   sessions.is_mfa_complete as "isMfaComplete",
 *   sessions.creation_time as "creationTime",
 *   sessions.expiration_time as "expirationTime",
 *   session_activities.last_activity_time as "lastActivityTime",
 *   least(
 *     sessions.expiration_time,
 *     session_activities.last_activity_time + sessions.idle_limit
 *   ) as "endTime!",
 *   sessions.ip_address as "ipAddress",
 *   sessions.user_agent as "userAgent",
 *   sessions.device_id as "deviceId",
 *   sessions.revoked,
 *   sessions.revocation_time as "revocationTime",
 *   sessions.revocation_reason as "revocationReason",
 *   sessions.session_data as "sessionData",
 *   sessions.id = (select current_session_id()) as "isCurrent!",
 *   sessions.creation_time::text as "position!"
 * from sessions
 * join session_activities on session_activities.session_id = sessions.id
 * where sessions.user_id = (select current_user_id())
 *   and not sessions.revoked
 *   and least(
 *     sessions.expiration_time,
 *     session_activities.last_activity_time + sessions.idle_limit
 *   ) > now()
 *   and (:deviceId::uuid is null or sessions.device_id = :deviceId)
 *   and (:network::inet is null or sessions.ip_address <<= :network)
 *   and (sessions.creation_time, sessions.id) < (:beforeTime!, :beforeId!)
 * order by sessions.creation_time desc, sessions.id desc
 * limit :limit!
 * ```
 */
export const listOwnSessions = new PreparedQuery<ListOwnSessionsParams,ListOwnSessionsResult>(listOwnSessionsIR);


/** 'ListMemberSessions' parameters type */
export interface ListMemberSessionsParams {
  beforeId: string;
  beforeTime: DateOrString;
  deviceId?: string | null | void;
  limit: NumberOrString;
  network?: string | null | void;
  userId: string;
}

/** 'ListMemberSessions' return type */
export interface ListMemberSessionsResult {
  /** How well they proved who they are: 1 to 3 (NIST SP 800-63B-4). [internal] */
  assuranceLevel: number;
  /** With what they proved it. [internal] */
  authenticationMethods: stringArray;
  /** When it began. [internal] */
  creationTime: Date;
  /** The device, when one is known. [internal] */
  deviceId: string | null;
  endTime: Date;
  /** When it ends at the latest. [internal] */
  expirationTime: Date;
  /** The id of the session: a name, not the token. [internal] */
  id: string;
  /** Where it began, as the application says. [personal] */
  ipAddress: string | null;
  isCurrent: boolean;
  /** Whether a second factor was given. [internal] */
  isMfaComplete: boolean;
  /** When it was last used: written at most once a minute. [internal] */
  lastActivityTime: Date;
  /** Where; null before a first organization is chosen: then the session sees its own user and nothing else. [internal] */
  organizationId: string | null;
  position: string;
  /** Why; null while nobody has. [internal] */
  revocationReason: string | null;
  /** When somebody ended it; null while nobody has. [internal] */
  revocationTime: Date | null;
  /** Whether somebody ended it. [internal] */
  revoked: boolean;
  /** A small object of the application's own. [personal] */
  sessionData: Json;
  /** What it began with, as the application says. [personal] */
  userAgent: string | null;
  /** Who. [internal] */
  userId: string;
}

/** 'ListMemberSessions' query type */
export interface ListMemberSessionsQuery {
  params: ListMemberSessionsParams;
  result: ListMemberSessionsResult;
}

const listMemberSessionsIR: any = {"usedParamSet":{"userId":true,"deviceId":true,"network":true,"beforeTime":true,"beforeId":true,"limit":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":1029,"b":1036}]},{"name":"deviceId","required":false,"transform":{"type":"scalar"},"locs":[{"a":1259,"b":1267},{"a":1307,"b":1315}]},{"name":"network","required":false,"transform":{"type":"scalar"},"locs":[{"a":1325,"b":1332},{"a":1375,"b":1382}]},{"name":"beforeTime","required":true,"transform":{"type":"scalar"},"locs":[{"a":1432,"b":1443}]},{"name":"beforeId","required":true,"transform":{"type":"scalar"},"locs":[{"a":1446,"b":1455}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":1519,"b":1525}]}],"statement":"select\n  sessions.id,\n  sessions.user_id as \"userId\",\n  sessions.organization_id as \"organizationId\",\n  sessions.assurance_level as \"assuranceLevel\",\n  sessions.authentication_methods as \"authenticationMethods\",\n  sessions.is_mfa_complete as \"isMfaComplete\",\n  sessions.creation_time as \"creationTime\",\n  sessions.expiration_time as \"expirationTime\",\n  session_activities.last_activity_time as \"lastActivityTime\",\n  least(\n    sessions.expiration_time,\n    session_activities.last_activity_time + sessions.idle_limit\n  ) as \"endTime!\",\n  sessions.ip_address as \"ipAddress\",\n  sessions.user_agent as \"userAgent\",\n  sessions.device_id as \"deviceId\",\n  sessions.revoked,\n  sessions.revocation_time as \"revocationTime\",\n  sessions.revocation_reason as \"revocationReason\",\n  sessions.session_data as \"sessionData\",\n  sessions.id = (select current_session_id()) as \"isCurrent!\",\n  sessions.creation_time::text as \"position!\"\nfrom sessions\njoin session_activities on session_activities.session_id = sessions.id\nwhere sessions.user_id = :userId!\n  and sessions.organization_id = (select current_organization_id())\n  and not sessions.revoked\n  and least(\n    sessions.expiration_time,\n    session_activities.last_activity_time + sessions.idle_limit\n  ) > now()\n  and (:deviceId::uuid is null or sessions.device_id = :deviceId)\n  and (:network::inet is null or sessions.ip_address <<= :network)\n  and (sessions.creation_time, sessions.id) < (:beforeTime!, :beforeId!)\norder by sessions.creation_time desc, sessions.id desc\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   sessions.id,
 *   sessions.user_id as "userId",
 *   sessions.organization_id as "organizationId",
 *   sessions.assurance_level as "assuranceLevel",
 *   sessions.authentication_methods as "authenticationMethods",
 *   sessions.is_mfa_complete as "isMfaComplete",
 *   sessions.creation_time as "creationTime",
 *   sessions.expiration_time as "expirationTime",
 *   session_activities.last_activity_time as "lastActivityTime",
 *   least(
 *     sessions.expiration_time,
 *     session_activities.last_activity_time + sessions.idle_limit
 *   ) as "endTime!",
 *   sessions.ip_address as "ipAddress",
 *   sessions.user_agent as "userAgent",
 *   sessions.device_id as "deviceId",
 *   sessions.revoked,
 *   sessions.revocation_time as "revocationTime",
 *   sessions.revocation_reason as "revocationReason",
 *   sessions.session_data as "sessionData",
 *   sessions.id = (select current_session_id()) as "isCurrent!",
 *   sessions.creation_time::text as "position!"
 * from sessions
 * join session_activities on session_activities.session_id = sessions.id
 * where sessions.user_id = :userId!
 *   and sessions.organization_id = (select current_organization_id())
 *   and not sessions.revoked
 *   and least(
 *     sessions.expiration_time,
 *     session_activities.last_activity_time + sessions.idle_limit
 *   ) > now()
 *   and (:deviceId::uuid is null or sessions.device_id = :deviceId)
 *   and (:network::inet is null or sessions.ip_address <<= :network)
 *   and (sessions.creation_time, sessions.id) < (:beforeTime!, :beforeId!)
 * order by sessions.creation_time desc, sessions.id desc
 * limit :limit!
 * ```
 */
export const listMemberSessions = new PreparedQuery<ListMemberSessionsParams,ListMemberSessionsResult>(listMemberSessionsIR);


/** 'ListOrganizationSessions' parameters type */
export interface ListOrganizationSessionsParams {
  afterId: string;
  afterUserId: string;
  limit: NumberOrString;
}

/** 'ListOrganizationSessions' return type */
export interface ListOrganizationSessionsResult {
  /** How well they proved who they are: 1 to 3 (NIST SP 800-63B-4). [internal] */
  assuranceLevel: number;
  /** With what they proved it. [internal] */
  authenticationMethods: stringArray;
  /** When it began. [internal] */
  creationTime: Date;
  /** The device, when one is known. [internal] */
  deviceId: string | null;
  endTime: Date;
  /** When it ends at the latest. [internal] */
  expirationTime: Date;
  /** The id of the session: a name, not the token. [internal] */
  id: string;
  /** Where it began, as the application says. [personal] */
  ipAddress: string | null;
  isCurrent: boolean;
  /** Whether a second factor was given. [internal] */
  isMfaComplete: boolean;
  /** When it was last used: written at most once a minute. [internal] */
  lastActivityTime: Date;
  /** Where; null before a first organization is chosen: then the session sees its own user and nothing else. [internal] */
  organizationId: string | null;
  position: string;
  /** Why; null while nobody has. [internal] */
  revocationReason: string | null;
  /** When somebody ended it; null while nobody has. [internal] */
  revocationTime: Date | null;
  /** Whether somebody ended it. [internal] */
  revoked: boolean;
  /** A small object of the application's own. [personal] */
  sessionData: Json;
  /** What it began with, as the application says. [personal] */
  userAgent: string | null;
  /** Who. [internal] */
  userId: string;
}

/** 'ListOrganizationSessions' query type */
export interface ListOrganizationSessionsQuery {
  params: ListOrganizationSessionsParams;
  result: ListOrganizationSessionsResult;
}

const listOrganizationSessionsIR: any = {"usedParamSet":{"afterUserId":true,"afterId":true,"limit":true},"params":[{"name":"afterUserId","required":true,"transform":{"type":"scalar"},"locs":[{"a":1349,"b":1361}]},{"name":"afterId","required":true,"transform":{"type":"scalar"},"locs":[{"a":1364,"b":1372}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":1420,"b":1426}]}],"statement":"-- By member, the order of the index: a day's sign-ins of everybody are in the audit log.\nselect\n  sessions.id,\n  sessions.user_id as \"userId\",\n  sessions.organization_id as \"organizationId\",\n  sessions.assurance_level as \"assuranceLevel\",\n  sessions.authentication_methods as \"authenticationMethods\",\n  sessions.is_mfa_complete as \"isMfaComplete\",\n  sessions.creation_time as \"creationTime\",\n  sessions.expiration_time as \"expirationTime\",\n  session_activities.last_activity_time as \"lastActivityTime\",\n  least(\n    sessions.expiration_time,\n    session_activities.last_activity_time + sessions.idle_limit\n  ) as \"endTime!\",\n  sessions.ip_address as \"ipAddress\",\n  sessions.user_agent as \"userAgent\",\n  sessions.device_id as \"deviceId\",\n  sessions.revoked,\n  sessions.revocation_time as \"revocationTime\",\n  sessions.revocation_reason as \"revocationReason\",\n  sessions.session_data as \"sessionData\",\n  sessions.id = (select current_session_id()) as \"isCurrent!\",\n  sessions.creation_time::text as \"position!\"\nfrom sessions\njoin session_activities on session_activities.session_id = sessions.id\nwhere sessions.organization_id = (select current_organization_id())\n  and not sessions.revoked\n  and least(\n    sessions.expiration_time,\n    session_activities.last_activity_time + sessions.idle_limit\n  ) > now()\n  and (sessions.user_id, sessions.id) > (:afterUserId!, :afterId!)\norder by sessions.user_id, sessions.id\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * -- By member, the order of the index: a day's sign-ins of everybody are in the audit log.
 * select
 *   sessions.id,
 *   sessions.user_id as "userId",
 *   sessions.organization_id as "organizationId",
 *   sessions.assurance_level as "assuranceLevel",
 *   sessions.authentication_methods as "authenticationMethods",
 *   sessions.is_mfa_complete as "isMfaComplete",
 *   sessions.creation_time as "creationTime",
 *   sessions.expiration_time as "expirationTime",
 *   session_activities.last_activity_time as "lastActivityTime",
 *   least(
 *     sessions.expiration_time,
 *     session_activities.last_activity_time + sessions.idle_limit
 *   ) as "endTime!",
 *   sessions.ip_address as "ipAddress",
 *   sessions.user_agent as "userAgent",
 *   sessions.device_id as "deviceId",
 *   sessions.revoked,
 *   sessions.revocation_time as "revocationTime",
 *   sessions.revocation_reason as "revocationReason",
 *   sessions.session_data as "sessionData",
 *   sessions.id = (select current_session_id()) as "isCurrent!",
 *   sessions.creation_time::text as "position!"
 * from sessions
 * join session_activities on session_activities.session_id = sessions.id
 * where sessions.organization_id = (select current_organization_id())
 *   and not sessions.revoked
 *   and least(
 *     sessions.expiration_time,
 *     session_activities.last_activity_time + sessions.idle_limit
 *   ) > now()
 *   and (sessions.user_id, sessions.id) > (:afterUserId!, :afterId!)
 * order by sessions.user_id, sessions.id
 * limit :limit!
 * ```
 */
export const listOrganizationSessions = new PreparedQuery<ListOrganizationSessionsParams,ListOrganizationSessionsResult>(listOrganizationSessionsIR);


/** 'SiftOrganizationSessions' parameters type */
export interface SiftOrganizationSessionsParams {
  afterId: string;
  afterUserId: string;
  deviceId?: string | null | void;
  limit: NumberOrString;
  network?: string | null | void;
}

/** 'SiftOrganizationSessions' return type */
export interface SiftOrganizationSessionsResult {
  /** How well they proved who they are: 1 to 3 (NIST SP 800-63B-4). [internal] */
  assuranceLevel: number;
  /** With what they proved it. [internal] */
  authenticationMethods: stringArray;
  /** When it began. [internal] */
  creationTime: Date;
  /** The device, when one is known. [internal] */
  deviceId: string | null;
  endTime: Date;
  /** When it ends at the latest. [internal] */
  expirationTime: Date;
  /** The id of the session: a name, not the token. [internal] */
  id: string;
  /** Where it began, as the application says. [personal] */
  ipAddress: string | null;
  isCurrent: boolean;
  /** Whether a second factor was given. [internal] */
  isMfaComplete: boolean;
  /** When it was last used: written at most once a minute. [internal] */
  lastActivityTime: Date;
  /** Where; null before a first organization is chosen: then the session sees its own user and nothing else. [internal] */
  organizationId: string | null;
  position: string;
  /** Why; null while nobody has. [internal] */
  revocationReason: string | null;
  /** When somebody ended it; null while nobody has. [internal] */
  revocationTime: Date | null;
  /** Whether somebody ended it. [internal] */
  revoked: boolean;
  /** A small object of the application's own. [personal] */
  sessionData: Json;
  /** What it began with, as the application says. [personal] */
  userAgent: string | null;
  /** Who. [internal] */
  userId: string;
}

/** 'SiftOrganizationSessions' query type */
export interface SiftOrganizationSessionsQuery {
  params: SiftOrganizationSessionsParams;
  result: SiftOrganizationSessionsResult;
}

const siftOrganizationSessionsIR: any = {"usedParamSet":{"deviceId":true,"network":true,"afterUserId":true,"afterId":true,"limit":true},"params":[{"name":"deviceId","required":false,"transform":{"type":"scalar"},"locs":[{"a":1356,"b":1364},{"a":1404,"b":1412}]},{"name":"network","required":false,"transform":{"type":"scalar"},"locs":[{"a":1422,"b":1429},{"a":1472,"b":1479}]},{"name":"afterUserId","required":true,"transform":{"type":"scalar"},"locs":[{"a":1523,"b":1535}]},{"name":"afterId","required":true,"transform":{"type":"scalar"},"locs":[{"a":1538,"b":1546}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":1594,"b":1600}]}],"statement":"-- Apart from the list of all, whose plan must not count on a filter: this one reads the\n-- organization's sessions that are live.\nselect\n  sessions.id,\n  sessions.user_id as \"userId\",\n  sessions.organization_id as \"organizationId\",\n  sessions.assurance_level as \"assuranceLevel\",\n  sessions.authentication_methods as \"authenticationMethods\",\n  sessions.is_mfa_complete as \"isMfaComplete\",\n  sessions.creation_time as \"creationTime\",\n  sessions.expiration_time as \"expirationTime\",\n  session_activities.last_activity_time as \"lastActivityTime\",\n  least(\n    sessions.expiration_time,\n    session_activities.last_activity_time + sessions.idle_limit\n  ) as \"endTime!\",\n  sessions.ip_address as \"ipAddress\",\n  sessions.user_agent as \"userAgent\",\n  sessions.device_id as \"deviceId\",\n  sessions.revoked,\n  sessions.revocation_time as \"revocationTime\",\n  sessions.revocation_reason as \"revocationReason\",\n  sessions.session_data as \"sessionData\",\n  sessions.id = (select current_session_id()) as \"isCurrent!\",\n  sessions.creation_time::text as \"position!\"\nfrom sessions\njoin session_activities on session_activities.session_id = sessions.id\nwhere sessions.organization_id = (select current_organization_id())\n  and not sessions.revoked\n  and least(\n    sessions.expiration_time,\n    session_activities.last_activity_time + sessions.idle_limit\n  ) > now()\n  and (:deviceId::uuid is null or sessions.device_id = :deviceId)\n  and (:network::inet is null or sessions.ip_address <<= :network)\n  and (sessions.user_id, sessions.id) > (:afterUserId!, :afterId!)\norder by sessions.user_id, sessions.id\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * -- Apart from the list of all, whose plan must not count on a filter: this one reads the
 * -- organization's sessions that are live.
 * select
 *   sessions.id,
 *   sessions.user_id as "userId",
 *   sessions.organization_id as "organizationId",
 *   sessions.assurance_level as "assuranceLevel",
 *   sessions.authentication_methods as "authenticationMethods",
 *   sessions.is_mfa_complete as "isMfaComplete",
 *   sessions.creation_time as "creationTime",
 *   sessions.expiration_time as "expirationTime",
 *   session_activities.last_activity_time as "lastActivityTime",
 *   least(
 *     sessions.expiration_time,
 *     session_activities.last_activity_time + sessions.idle_limit
 *   ) as "endTime!",
 *   sessions.ip_address as "ipAddress",
 *   sessions.user_agent as "userAgent",
 *   sessions.device_id as "deviceId",
 *   sessions.revoked,
 *   sessions.revocation_time as "revocationTime",
 *   sessions.revocation_reason as "revocationReason",
 *   sessions.session_data as "sessionData",
 *   sessions.id = (select current_session_id()) as "isCurrent!",
 *   sessions.creation_time::text as "position!"
 * from sessions
 * join session_activities on session_activities.session_id = sessions.id
 * where sessions.organization_id = (select current_organization_id())
 *   and not sessions.revoked
 *   and least(
 *     sessions.expiration_time,
 *     session_activities.last_activity_time + sessions.idle_limit
 *   ) > now()
 *   and (:deviceId::uuid is null or sessions.device_id = :deviceId)
 *   and (:network::inet is null or sessions.ip_address <<= :network)
 *   and (sessions.user_id, sessions.id) > (:afterUserId!, :afterId!)
 * order by sessions.user_id, sessions.id
 * limit :limit!
 * ```
 */
export const siftOrganizationSessions = new PreparedQuery<SiftOrganizationSessionsParams,SiftOrganizationSessionsResult>(siftOrganizationSessionsIR);


/** 'RevokeSession' parameters type */
export interface RevokeSessionParams {
  sessionId: string;
}

/** 'RevokeSession' return type */
export interface RevokeSessionResult {
  revoke_session: undefined | null;
}

/** 'RevokeSession' query type */
export interface RevokeSessionQuery {
  params: RevokeSessionParams;
  result: RevokeSessionResult;
}

const revokeSessionIR: any = {"usedParamSet":{"sessionId":true},"params":[{"name":"sessionId","required":true,"transform":{"type":"scalar"},"locs":[{"a":22,"b":32}]}],"statement":"select revoke_session(:sessionId!)"};

/**
 * Query generated from SQL:
 * ```
 * select revoke_session(:sessionId!)
 * ```
 */
export const revokeSession = new PreparedQuery<RevokeSessionParams,RevokeSessionResult>(revokeSessionIR);


/** 'RevokeOtherSessions' parameters type */
export interface RevokeOtherSessionsParams {
  except: stringArray;
}

/** 'RevokeOtherSessions' return type */
export interface RevokeOtherSessionsResult {
  revoked: number;
}

/** 'RevokeOtherSessions' query type */
export interface RevokeOtherSessionsQuery {
  params: RevokeOtherSessionsParams;
  result: RevokeOtherSessionsResult;
}

const revokeOtherSessionsIR: any = {"usedParamSet":{"except":true},"params":[{"name":"except","required":true,"transform":{"type":"scalar"},"locs":[{"a":29,"b":36}]}],"statement":"select revoke_other_sessions(:except!) as \"revoked!\""};

/**
 * Query generated from SQL:
 * ```
 * select revoke_other_sessions(:except!) as "revoked!"
 * ```
 */
export const revokeOtherSessions = new PreparedQuery<RevokeOtherSessionsParams,RevokeOtherSessionsResult>(revokeOtherSessionsIR);


/** 'RevokeAllSessions' parameters type */
export type RevokeAllSessionsParams = void;

/** 'RevokeAllSessions' return type */
export interface RevokeAllSessionsResult {
  revoked: number;
}

/** 'RevokeAllSessions' query type */
export interface RevokeAllSessionsQuery {
  params: RevokeAllSessionsParams;
  result: RevokeAllSessionsResult;
}

const revokeAllSessionsIR: any = {"usedParamSet":{},"params":[],"statement":"select revoke_all_sessions() as \"revoked!\""};

/**
 * Query generated from SQL:
 * ```
 * select revoke_all_sessions() as "revoked!"
 * ```
 */
export const revokeAllSessions = new PreparedQuery<RevokeAllSessionsParams,RevokeAllSessionsResult>(revokeAllSessionsIR);


/** 'RevokeMemberSessions' parameters type */
export interface RevokeMemberSessionsParams {
  userId: string;
}

/** 'RevokeMemberSessions' return type */
export interface RevokeMemberSessionsResult {
  revoke_member_sessions: undefined | null;
}

/** 'RevokeMemberSessions' query type */
export interface RevokeMemberSessionsQuery {
  params: RevokeMemberSessionsParams;
  result: RevokeMemberSessionsResult;
}

const revokeMemberSessionsIR: any = {"usedParamSet":{"userId":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":30,"b":37}]}],"statement":"select revoke_member_sessions(:userId!)"};

/**
 * Query generated from SQL:
 * ```
 * select revoke_member_sessions(:userId!)
 * ```
 */
export const revokeMemberSessions = new PreparedQuery<RevokeMemberSessionsParams,RevokeMemberSessionsResult>(revokeMemberSessionsIR);


/** 'SetSessionData' parameters type */
export interface SetSessionDataParams {
  sessionData: Json;
}

/** 'SetSessionData' return type */
export interface SetSessionDataResult {
  set_session_data: undefined | null;
}

/** 'SetSessionData' query type */
export interface SetSessionDataQuery {
  params: SetSessionDataParams;
  result: SetSessionDataResult;
}

const setSessionDataIR: any = {"usedParamSet":{"sessionData":true},"params":[{"name":"sessionData","required":true,"transform":{"type":"scalar"},"locs":[{"a":24,"b":36}]}],"statement":"select set_session_data(:sessionData!)"};

/**
 * Query generated from SQL:
 * ```
 * select set_session_data(:sessionData!)
 * ```
 */
export const setSessionData = new PreparedQuery<SetSessionDataParams,SetSessionDataResult>(setSessionDataIR);


/** 'RefreshSession' parameters type */
export interface RefreshSessionParams {
  ipAddress?: string | null | void;
  refreshToken: Buffer;
  userAgent?: string | null | void;
}

/** 'RefreshSession' return type */
export interface RefreshSessionResult {
  expirationTime: Date | null;
  refreshToken: Buffer | null;
  sessionId: string | null;
  sessionToken: Buffer | null;
  status: string;
}

/** 'RefreshSession' query type */
export interface RefreshSessionQuery {
  params: RefreshSessionParams;
  result: RefreshSessionResult;
}

const refreshSessionIR: any = {"usedParamSet":{"refreshToken":true,"ipAddress":true,"userAgent":true},"params":[{"name":"refreshToken","required":true,"transform":{"type":"scalar"},"locs":[{"a":188,"b":201}]},{"name":"ipAddress","required":false,"transform":{"type":"scalar"},"locs":[{"a":204,"b":213}]},{"name":"userAgent","required":false,"transform":{"type":"scalar"},"locs":[{"a":222,"b":231}]}],"statement":"select\n  status as \"status!\",\n  session_id as \"sessionId\",\n  session_token as \"sessionToken\",\n  refresh_token as \"refreshToken\",\n  expiration_time as \"expirationTime\"\nfrom refresh_session(:refreshToken!, :ipAddress::inet, :userAgent)"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   status as "status!",
 *   session_id as "sessionId",
 *   session_token as "sessionToken",
 *   refresh_token as "refreshToken",
 *   expiration_time as "expirationTime"
 * from refresh_session(:refreshToken!, :ipAddress::inet, :userAgent)
 * ```
 */
export const refreshSession = new PreparedQuery<RefreshSessionParams,RefreshSessionResult>(refreshSessionIR);


