/** Types generated for queries found in "queries/access_attempt_logs.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type DateOrString = Date | string;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type NumberOrString = number | string;

export type stringArray = (string)[];

/** 'ListOwnAttempts' parameters type */
export interface ListOwnAttemptsParams {
  beforeId: string;
  beforeTime: DateOrString;
  limit: NumberOrString;
  results?: stringArray | null | void;
  since: DateOrString;
}

/** 'ListOwnAttempts' return type */
export interface ListOwnAttemptsResult {
  /** More, never a secret. [internal] */
  additionalData: Json;
  /** When. [internal] */
  attemptTime: Date;
  /** The id of the attempt. [internal] */
  id: string;
  /** Through which identity provider; null for a password. [internal] */
  identityProviderId: string | null;
  /** Where from, as the application says. [personal] */
  ipAddress: string | null;
  position: string;
  /** success, invalid, throttled, disabled, or abandoned when the attempt was begun and never finished. [internal] */
  result: string;
  /** With what, as the application says. [personal] */
  userAgent: string | null;
  /** Whose account; null for an unknown address. [internal] */
  userId: string | null;
}

/** 'ListOwnAttempts' query type */
export interface ListOwnAttemptsQuery {
  params: ListOwnAttemptsParams;
  result: ListOwnAttemptsResult;
}

const listOwnAttemptsIR: any = {"usedParamSet":{"results":true,"since":true,"beforeTime":true,"beforeId":true,"limit":true},"params":[{"name":"results","required":false,"transform":{"type":"scalar"},"locs":[{"a":334,"b":341},{"a":376,"b":383}]},{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":408,"b":414}]},{"name":"beforeTime","required":true,"transform":{"type":"scalar"},"locs":[{"a":437,"b":448},{"a":477,"b":488}]},{"name":"beforeId","required":true,"transform":{"type":"scalar"},"locs":[{"a":491,"b":500}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":544,"b":550}]}],"statement":"select\n  id,\n  user_id as \"userId\",\n  ip_address as \"ipAddress\",\n  user_agent as \"userAgent\",\n  attempt_time as \"attemptTime\",\n  result,\n  identity_provider_id as \"identityProviderId\",\n  additional_data as \"additionalData\",\n  recorded_at::text as \"position!\"\nfrom access_attempt_logs\nwhere user_id = (select current_user_id())\n  and (:results::text[] is null or result = any (:results))\n  and recorded_at >= :since!\n  and recorded_at <= :beforeTime!\n  and (recorded_at, id) < (:beforeTime!, :beforeId!)\norder by recorded_at desc, id desc\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   user_id as "userId",
 *   ip_address as "ipAddress",
 *   user_agent as "userAgent",
 *   attempt_time as "attemptTime",
 *   result,
 *   identity_provider_id as "identityProviderId",
 *   additional_data as "additionalData",
 *   recorded_at::text as "position!"
 * from access_attempt_logs
 * where user_id = (select current_user_id())
 *   and (:results::text[] is null or result = any (:results))
 *   and recorded_at >= :since!
 *   and recorded_at <= :beforeTime!
 *   and (recorded_at, id) < (:beforeTime!, :beforeId!)
 * order by recorded_at desc, id desc
 * limit :limit!
 * ```
 */
export const listOwnAttempts = new PreparedQuery<ListOwnAttemptsParams,ListOwnAttemptsResult>(listOwnAttemptsIR);


/** 'ListUserAttempts' parameters type */
export interface ListUserAttemptsParams {
  beforeId: string;
  beforeTime: DateOrString;
  limit: NumberOrString;
  results?: stringArray | null | void;
  since: DateOrString;
  userId: string;
}

/** 'ListUserAttempts' return type */
export interface ListUserAttemptsResult {
  /** More, never a secret. [internal] */
  additionalData: Json;
  /** When. [internal] */
  attemptTime: Date;
  /** The id of the attempt. [internal] */
  id: string;
  /** Through which identity provider; null for a password. [internal] */
  identityProviderId: string | null;
  /** Where from, as the application says. [personal] */
  ipAddress: string | null;
  position: string;
  /** success, invalid, throttled, disabled, or abandoned when the attempt was begun and never finished. [internal] */
  result: string;
  /** With what, as the application says. [personal] */
  userAgent: string | null;
  /** Whose account; null for an unknown address. [internal] */
  userId: string | null;
}

/** 'ListUserAttempts' query type */
export interface ListUserAttemptsQuery {
  params: ListUserAttemptsParams;
  result: ListUserAttemptsResult;
}

const listUserAttemptsIR: any = {"usedParamSet":{"userId":true,"results":true,"since":true,"beforeTime":true,"beforeId":true,"limit":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":300,"b":307}]},{"name":"results","required":false,"transform":{"type":"scalar"},"locs":[{"a":316,"b":323},{"a":358,"b":365}]},{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":390,"b":396}]},{"name":"beforeTime","required":true,"transform":{"type":"scalar"},"locs":[{"a":419,"b":430},{"a":459,"b":470}]},{"name":"beforeId","required":true,"transform":{"type":"scalar"},"locs":[{"a":473,"b":482}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":526,"b":532}]}],"statement":"select\n  id,\n  user_id as \"userId\",\n  ip_address as \"ipAddress\",\n  user_agent as \"userAgent\",\n  attempt_time as \"attemptTime\",\n  result,\n  identity_provider_id as \"identityProviderId\",\n  additional_data as \"additionalData\",\n  recorded_at::text as \"position!\"\nfrom access_attempt_logs\nwhere user_id = :userId!\n  and (:results::text[] is null or result = any (:results))\n  and recorded_at >= :since!\n  and recorded_at <= :beforeTime!\n  and (recorded_at, id) < (:beforeTime!, :beforeId!)\norder by recorded_at desc, id desc\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   user_id as "userId",
 *   ip_address as "ipAddress",
 *   user_agent as "userAgent",
 *   attempt_time as "attemptTime",
 *   result,
 *   identity_provider_id as "identityProviderId",
 *   additional_data as "additionalData",
 *   recorded_at::text as "position!"
 * from access_attempt_logs
 * where user_id = :userId!
 *   and (:results::text[] is null or result = any (:results))
 *   and recorded_at >= :since!
 *   and recorded_at <= :beforeTime!
 *   and (recorded_at, id) < (:beforeTime!, :beforeId!)
 * order by recorded_at desc, id desc
 * limit :limit!
 * ```
 */
export const listUserAttempts = new PreparedQuery<ListUserAttemptsParams,ListUserAttemptsResult>(listUserAttemptsIR);


/** 'ListAttemptsFromAddress' parameters type */
export interface ListAttemptsFromAddressParams {
  beforeId: string;
  beforeTime: DateOrString;
  ipAddress: string;
  limit: NumberOrString;
  results?: stringArray | null | void;
  since: DateOrString;
}

/** 'ListAttemptsFromAddress' return type */
export interface ListAttemptsFromAddressResult {
  /** More, never a secret. [internal] */
  additionalData: Json;
  /** When. [internal] */
  attemptTime: Date;
  /** The id of the attempt. [internal] */
  id: string;
  /** Through which identity provider; null for a password. [internal] */
  identityProviderId: string | null;
  /** Where from, as the application says. [personal] */
  ipAddress: string | null;
  position: string;
  /** success, invalid, throttled, disabled, or abandoned when the attempt was begun and never finished. [internal] */
  result: string;
  /** With what, as the application says. [personal] */
  userAgent: string | null;
  /** Whose account; null for an unknown address. [internal] */
  userId: string | null;
}

/** 'ListAttemptsFromAddress' query type */
export interface ListAttemptsFromAddressQuery {
  params: ListAttemptsFromAddressParams;
  result: ListAttemptsFromAddressResult;
}

const listAttemptsFromAddressIR: any = {"usedParamSet":{"ipAddress":true,"results":true,"since":true,"beforeTime":true,"beforeId":true,"limit":true},"params":[{"name":"ipAddress","required":true,"transform":{"type":"scalar"},"locs":[{"a":303,"b":313}]},{"name":"results","required":false,"transform":{"type":"scalar"},"locs":[{"a":322,"b":329},{"a":364,"b":371}]},{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":396,"b":402}]},{"name":"beforeTime","required":true,"transform":{"type":"scalar"},"locs":[{"a":425,"b":436},{"a":465,"b":476}]},{"name":"beforeId","required":true,"transform":{"type":"scalar"},"locs":[{"a":479,"b":488}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":532,"b":538}]}],"statement":"select\n  id,\n  user_id as \"userId\",\n  ip_address as \"ipAddress\",\n  user_agent as \"userAgent\",\n  attempt_time as \"attemptTime\",\n  result,\n  identity_provider_id as \"identityProviderId\",\n  additional_data as \"additionalData\",\n  recorded_at::text as \"position!\"\nfrom access_attempt_logs\nwhere ip_address = :ipAddress!\n  and (:results::text[] is null or result = any (:results))\n  and recorded_at >= :since!\n  and recorded_at <= :beforeTime!\n  and (recorded_at, id) < (:beforeTime!, :beforeId!)\norder by recorded_at desc, id desc\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   user_id as "userId",
 *   ip_address as "ipAddress",
 *   user_agent as "userAgent",
 *   attempt_time as "attemptTime",
 *   result,
 *   identity_provider_id as "identityProviderId",
 *   additional_data as "additionalData",
 *   recorded_at::text as "position!"
 * from access_attempt_logs
 * where ip_address = :ipAddress!
 *   and (:results::text[] is null or result = any (:results))
 *   and recorded_at >= :since!
 *   and recorded_at <= :beforeTime!
 *   and (recorded_at, id) < (:beforeTime!, :beforeId!)
 * order by recorded_at desc, id desc
 * limit :limit!
 * ```
 */
export const listAttemptsFromAddress = new PreparedQuery<ListAttemptsFromAddressParams,ListAttemptsFromAddressResult>(listAttemptsFromAddressIR);


/** 'FindLoginsOfAttempts' parameters type */
export interface FindLoginsOfAttemptsParams {
  ids: stringArray;
  since: DateOrString;
  until: DateOrString;
}

/** 'FindLoginsOfAttempts' return type */
export interface FindLoginsOfAttemptsResult {
  /** The id of the attempt. [internal] */
  id: string;
  /** Which login of the database it came from, set by the server: who it was, where nobody is signed in. Not for tenants. [internal] */
  loginName: string;
}

/** 'FindLoginsOfAttempts' query type */
export interface FindLoginsOfAttemptsQuery {
  params: FindLoginsOfAttemptsParams;
  result: FindLoginsOfAttemptsResult;
}

const findLoginsOfAttemptsIR: any = {"usedParamSet":{"ids":true,"since":true,"until":true},"params":[{"name":"ids","required":true,"transform":{"type":"scalar"},"locs":[{"a":146,"b":150}]},{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":182,"b":188}]},{"name":"until","required":true,"transform":{"type":"scalar"},"locs":[{"a":211,"b":217}]}],"statement":"-- For the auditor too: tenants may not ask which login it was.\nselect\n  id,\n  login_name as \"loginName\"\nfrom access_attempt_logs\nwhere id = any (:ids!::uuid[])\n  and recorded_at >= :since!\n  and recorded_at <= :until!"};

/**
 * Query generated from SQL:
 * ```
 * -- For the auditor too: tenants may not ask which login it was.
 * select
 *   id,
 *   login_name as "loginName"
 * from access_attempt_logs
 * where id = any (:ids!::uuid[])
 *   and recorded_at >= :since!
 *   and recorded_at <= :until!
 * ```
 */
export const findLoginsOfAttempts = new PreparedQuery<FindLoginsOfAttemptsParams,FindLoginsOfAttemptsResult>(findLoginsOfAttemptsIR);


/** 'ListAllAttempts' parameters type */
export interface ListAllAttemptsParams {
  afterId: string;
  limit: NumberOrString;
  since: DateOrString;
  until: DateOrString;
}

/** 'ListAllAttempts' return type */
export interface ListAllAttemptsResult {
  /** More, never a secret. [internal] */
  additionalData: Json;
  /** When. [internal] */
  attemptTime: Date;
  /** The id of the attempt. [internal] */
  id: string;
  /** Through which identity provider; null for a password. [internal] */
  identityProviderId: string | null;
  /** Where from, as the application says. [personal] */
  ipAddress: string | null;
  /** Which login of the database it came from, set by the server: who it was, where nobody is signed in. Not for tenants. [internal] */
  loginName: string;
  position: string;
  /** success, invalid, throttled, disabled, or abandoned when the attempt was begun and never finished. [internal] */
  result: string;
  /** With what, as the application says. [personal] */
  userAgent: string | null;
  /** Whose account; null for an unknown address. [internal] */
  userId: string | null;
}

/** 'ListAllAttempts' query type */
export interface ListAllAttemptsQuery {
  params: ListAllAttemptsParams;
  result: ListAllAttemptsResult;
}

const listAllAttemptsIR: any = {"usedParamSet":{"since":true,"until":true,"afterId":true,"limit":true},"params":[{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":408,"b":414}]},{"name":"until","required":true,"transform":{"type":"scalar"},"locs":[{"a":436,"b":442}]},{"name":"afterId","required":true,"transform":{"type":"scalar"},"locs":[{"a":455,"b":463}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":483,"b":489}]}],"statement":"-- For the auditor, who sees every organization: by id, which is by time.\nselect\n  id,\n  user_id as \"userId\",\n  ip_address as \"ipAddress\",\n  user_agent as \"userAgent\",\n  attempt_time as \"attemptTime\",\n  result,\n  identity_provider_id as \"identityProviderId\",\n  additional_data as \"additionalData\",\n  login_name as \"loginName\",\n  recorded_at::text as \"position!\"\nfrom access_attempt_logs\nwhere recorded_at >= :since!\n  and recorded_at < :until!\n  and id > :afterId!\norder by id\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * -- For the auditor, who sees every organization: by id, which is by time.
 * select
 *   id,
 *   user_id as "userId",
 *   ip_address as "ipAddress",
 *   user_agent as "userAgent",
 *   attempt_time as "attemptTime",
 *   result,
 *   identity_provider_id as "identityProviderId",
 *   additional_data as "additionalData",
 *   login_name as "loginName",
 *   recorded_at::text as "position!"
 * from access_attempt_logs
 * where recorded_at >= :since!
 *   and recorded_at < :until!
 *   and id > :afterId!
 * order by id
 * limit :limit!
 * ```
 */
export const listAllAttempts = new PreparedQuery<ListAllAttemptsParams,ListAllAttemptsResult>(listAllAttemptsIR);


