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
  opens: boolean;
  results?: stringArray | null | void;
  since: DateOrString;
}

/** 'ListOwnAttempts' return type */
export interface ListOwnAttemptsResult {
  /** More, never a secret. [internal] */
  additionalData: Json;
  /** When. [internal] */
  attemptTime: Date;
  email: string | null;
  /** The id of the attempt. [internal] */
  id: string;
  /** Through which identity provider; null for a password. [internal] */
  identityProviderId: string | null;
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

const listOwnAttemptsIR: any = {"usedParamSet":{"results":true,"since":true,"beforeTime":true,"beforeId":true,"limit":true,"opens":true},"params":[{"name":"results","required":false,"transform":{"type":"scalar"},"locs":[{"a":349,"b":356},{"a":391,"b":398}]},{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":425,"b":431}]},{"name":"beforeTime","required":true,"transform":{"type":"scalar"},"locs":[{"a":456,"b":467},{"a":498,"b":509}]},{"name":"beforeId","required":true,"transform":{"type":"scalar"},"locs":[{"a":512,"b":521}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":569,"b":575}]},{"name":"opens","required":true,"transform":{"type":"scalar"},"locs":[{"a":976,"b":982}]}],"statement":"-- What is sealed is opened in one call, however many attempts there are.\nwith page as materialized (\n  select\n    id,\n    user_id,\n    email,\n    ip_address,\n    user_agent,\n    attempt_time,\n    result,\n    identity_provider_id,\n    additional_data,\n    recorded_at\n  from access_attempt_logs\n  where user_id = (select current_user_id())\n    and (:results::text[] is null or result = any (:results))\n    and recorded_at >= :since!\n    and recorded_at <= :beforeTime!\n    and (recorded_at, id) < (:beforeTime!, :beforeId!)\n  order by recorded_at desc, id desc\n  limit :limit!\n)\nselect\n  page.id,\n  page.user_id as \"userId\",\n  opened.email,\n  opened.ip_address as \"ipAddress\",\n  page.user_agent as \"userAgent\",\n  page.attempt_time as \"attemptTime\",\n  page.result,\n  page.identity_provider_id as \"identityProviderId\",\n  page.additional_data as \"additionalData\",\n  page.recorded_at::text as \"position!\"\nfrom page\nleft join open_attempts(\n  (select array_agg(id) from page where :opens!),\n  (select array_agg(user_id) from page),\n  (select array_agg(email) from page),\n  (select array_agg(ip_address) from page)\n) as opened on opened.id = page.id\norder by page.recorded_at desc, page.id desc"};

/**
 * Query generated from SQL:
 * ```
 * -- What is sealed is opened in one call, however many attempts there are.
 * with page as materialized (
 *   select
 *     id,
 *     user_id,
 *     email,
 *     ip_address,
 *     user_agent,
 *     attempt_time,
 *     result,
 *     identity_provider_id,
 *     additional_data,
 *     recorded_at
 *   from access_attempt_logs
 *   where user_id = (select current_user_id())
 *     and (:results::text[] is null or result = any (:results))
 *     and recorded_at >= :since!
 *     and recorded_at <= :beforeTime!
 *     and (recorded_at, id) < (:beforeTime!, :beforeId!)
 *   order by recorded_at desc, id desc
 *   limit :limit!
 * )
 * select
 *   page.id,
 *   page.user_id as "userId",
 *   opened.email,
 *   opened.ip_address as "ipAddress",
 *   page.user_agent as "userAgent",
 *   page.attempt_time as "attemptTime",
 *   page.result,
 *   page.identity_provider_id as "identityProviderId",
 *   page.additional_data as "additionalData",
 *   page.recorded_at::text as "position!"
 * from page
 * left join open_attempts(
 *   (select array_agg(id) from page where :opens!),
 *   (select array_agg(user_id) from page),
 *   (select array_agg(email) from page),
 *   (select array_agg(ip_address) from page)
 * ) as opened on opened.id = page.id
 * order by page.recorded_at desc, page.id desc
 * ```
 */
export const listOwnAttempts = new PreparedQuery<ListOwnAttemptsParams,ListOwnAttemptsResult>(listOwnAttemptsIR);


/** 'ListUserAttempts' parameters type */
export interface ListUserAttemptsParams {
  beforeId: string;
  beforeTime: DateOrString;
  limit: NumberOrString;
  opens: boolean;
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
  email: string | null;
  /** The id of the attempt. [internal] */
  id: string;
  /** Through which identity provider; null for a password. [internal] */
  identityProviderId: string | null;
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

const listUserAttemptsIR: any = {"usedParamSet":{"userId":true,"results":true,"since":true,"beforeTime":true,"beforeId":true,"limit":true,"opens":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":239,"b":246}]},{"name":"results","required":false,"transform":{"type":"scalar"},"locs":[{"a":257,"b":264},{"a":299,"b":306}]},{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":333,"b":339}]},{"name":"beforeTime","required":true,"transform":{"type":"scalar"},"locs":[{"a":364,"b":375},{"a":406,"b":417}]},{"name":"beforeId","required":true,"transform":{"type":"scalar"},"locs":[{"a":420,"b":429}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":477,"b":483}]},{"name":"opens","required":true,"transform":{"type":"scalar"},"locs":[{"a":884,"b":890}]}],"statement":"with page as materialized (\n  select\n    id,\n    user_id,\n    email,\n    ip_address,\n    user_agent,\n    attempt_time,\n    result,\n    identity_provider_id,\n    additional_data,\n    recorded_at\n  from access_attempt_logs\n  where user_id = :userId!\n    and (:results::text[] is null or result = any (:results))\n    and recorded_at >= :since!\n    and recorded_at <= :beforeTime!\n    and (recorded_at, id) < (:beforeTime!, :beforeId!)\n  order by recorded_at desc, id desc\n  limit :limit!\n)\nselect\n  page.id,\n  page.user_id as \"userId\",\n  opened.email,\n  opened.ip_address as \"ipAddress\",\n  page.user_agent as \"userAgent\",\n  page.attempt_time as \"attemptTime\",\n  page.result,\n  page.identity_provider_id as \"identityProviderId\",\n  page.additional_data as \"additionalData\",\n  page.recorded_at::text as \"position!\"\nfrom page\nleft join open_attempts(\n  (select array_agg(id) from page where :opens!),\n  (select array_agg(user_id) from page),\n  (select array_agg(email) from page),\n  (select array_agg(ip_address) from page)\n) as opened on opened.id = page.id\norder by page.recorded_at desc, page.id desc"};

/**
 * Query generated from SQL:
 * ```
 * with page as materialized (
 *   select
 *     id,
 *     user_id,
 *     email,
 *     ip_address,
 *     user_agent,
 *     attempt_time,
 *     result,
 *     identity_provider_id,
 *     additional_data,
 *     recorded_at
 *   from access_attempt_logs
 *   where user_id = :userId!
 *     and (:results::text[] is null or result = any (:results))
 *     and recorded_at >= :since!
 *     and recorded_at <= :beforeTime!
 *     and (recorded_at, id) < (:beforeTime!, :beforeId!)
 *   order by recorded_at desc, id desc
 *   limit :limit!
 * )
 * select
 *   page.id,
 *   page.user_id as "userId",
 *   opened.email,
 *   opened.ip_address as "ipAddress",
 *   page.user_agent as "userAgent",
 *   page.attempt_time as "attemptTime",
 *   page.result,
 *   page.identity_provider_id as "identityProviderId",
 *   page.additional_data as "additionalData",
 *   page.recorded_at::text as "position!"
 * from page
 * left join open_attempts(
 *   (select array_agg(id) from page where :opens!),
 *   (select array_agg(user_id) from page),
 *   (select array_agg(email) from page),
 *   (select array_agg(ip_address) from page)
 * ) as opened on opened.id = page.id
 * order by page.recorded_at desc, page.id desc
 * ```
 */
export const listUserAttempts = new PreparedQuery<ListUserAttemptsParams,ListUserAttemptsResult>(listUserAttemptsIR);


/** 'ListOwnAttemptsFromAddress' parameters type */
export interface ListOwnAttemptsFromAddressParams {
  beforeId: string;
  beforeTime: DateOrString;
  ipAddress: string;
  ipAddressField: number;
  limit: NumberOrString;
  opens: boolean;
  results?: stringArray | null | void;
  since: DateOrString;
}

/** 'ListOwnAttemptsFromAddress' return type */
export interface ListOwnAttemptsFromAddressResult {
  /** More, never a secret. [internal] */
  additionalData: Json;
  /** When. [internal] */
  attemptTime: Date;
  email: string | null;
  /** The id of the attempt. [internal] */
  id: string;
  /** Through which identity provider; null for a password. [internal] */
  identityProviderId: string | null;
  ipAddress: string | null;
  position: string;
  /** success, invalid, throttled, disabled, or abandoned when the attempt was begun and never finished. [internal] */
  result: string;
  /** With what, as the application says. [personal] */
  userAgent: string | null;
  /** Whose account; null for an unknown address. [internal] */
  userId: string | null;
}

/** 'ListOwnAttemptsFromAddress' query type */
export interface ListOwnAttemptsFromAddressQuery {
  params: ListOwnAttemptsFromAddressParams;
  result: ListOwnAttemptsFromAddressResult;
}

const listOwnAttemptsFromAddressIR: any = {"usedParamSet":{"ipAddressField":true,"ipAddress":true,"results":true,"since":true,"beforeTime":true,"beforeId":true,"limit":true,"opens":true},"params":[{"name":"ipAddressField","required":true,"transform":{"type":"scalar"},"locs":[{"a":471,"b":486}]},{"name":"ipAddress","required":true,"transform":{"type":"scalar"},"locs":[{"a":556,"b":566}]},{"name":"results","required":false,"transform":{"type":"scalar"},"locs":[{"a":585,"b":592},{"a":627,"b":634}]},{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":661,"b":667}]},{"name":"beforeTime","required":true,"transform":{"type":"scalar"},"locs":[{"a":692,"b":703},{"a":734,"b":745}]},{"name":"beforeId","required":true,"transform":{"type":"scalar"},"locs":[{"a":748,"b":757}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":805,"b":811}]},{"name":"opens","required":true,"transform":{"type":"scalar"},"locs":[{"a":1212,"b":1218}]}],"statement":"-- One's own are few: each is opened and compared. In a subquery, as what is looked for is\n-- everywhere: a condition of the outer one would show it to whoever reads plans in the log.\nwith page as materialized (\n  select\n    id,\n    user_id,\n    email,\n    ip_address,\n    user_agent,\n    attempt_time,\n    result,\n    identity_provider_id,\n    additional_data,\n    recorded_at\n  from access_attempt_logs\n  where user_id = (select current_user_id())\n    and (open_fields(:ipAddressField!, array[id], array[ip_address], array[user_id]))[1] = (select abbrev(:ipAddress!::inet))\n    and (:results::text[] is null or result = any (:results))\n    and recorded_at >= :since!\n    and recorded_at <= :beforeTime!\n    and (recorded_at, id) < (:beforeTime!, :beforeId!)\n  order by recorded_at desc, id desc\n  limit :limit!\n)\nselect\n  page.id,\n  page.user_id as \"userId\",\n  opened.email,\n  opened.ip_address as \"ipAddress\",\n  page.user_agent as \"userAgent\",\n  page.attempt_time as \"attemptTime\",\n  page.result,\n  page.identity_provider_id as \"identityProviderId\",\n  page.additional_data as \"additionalData\",\n  page.recorded_at::text as \"position!\"\nfrom page\nleft join open_attempts(\n  (select array_agg(id) from page where :opens!),\n  (select array_agg(user_id) from page),\n  (select array_agg(email) from page),\n  (select array_agg(ip_address) from page)\n) as opened on opened.id = page.id\norder by page.recorded_at desc, page.id desc"};

/**
 * Query generated from SQL:
 * ```
 * -- One's own are few: each is opened and compared. In a subquery, as what is looked for is
 * -- everywhere: a condition of the outer one would show it to whoever reads plans in the log.
 * with page as materialized (
 *   select
 *     id,
 *     user_id,
 *     email,
 *     ip_address,
 *     user_agent,
 *     attempt_time,
 *     result,
 *     identity_provider_id,
 *     additional_data,
 *     recorded_at
 *   from access_attempt_logs
 *   where user_id = (select current_user_id())
 *     and (open_fields(:ipAddressField!, array[id], array[ip_address], array[user_id]))[1] = (select abbrev(:ipAddress!::inet))
 *     and (:results::text[] is null or result = any (:results))
 *     and recorded_at >= :since!
 *     and recorded_at <= :beforeTime!
 *     and (recorded_at, id) < (:beforeTime!, :beforeId!)
 *   order by recorded_at desc, id desc
 *   limit :limit!
 * )
 * select
 *   page.id,
 *   page.user_id as "userId",
 *   opened.email,
 *   opened.ip_address as "ipAddress",
 *   page.user_agent as "userAgent",
 *   page.attempt_time as "attemptTime",
 *   page.result,
 *   page.identity_provider_id as "identityProviderId",
 *   page.additional_data as "additionalData",
 *   page.recorded_at::text as "position!"
 * from page
 * left join open_attempts(
 *   (select array_agg(id) from page where :opens!),
 *   (select array_agg(user_id) from page),
 *   (select array_agg(email) from page),
 *   (select array_agg(ip_address) from page)
 * ) as opened on opened.id = page.id
 * order by page.recorded_at desc, page.id desc
 * ```
 */
export const listOwnAttemptsFromAddress = new PreparedQuery<ListOwnAttemptsFromAddressParams,ListOwnAttemptsFromAddressResult>(listOwnAttemptsFromAddressIR);


/** 'ListAttemptsFromAddress' parameters type */
export interface ListAttemptsFromAddressParams {
  beforeId: string;
  beforeTime: DateOrString;
  ipAddress: string;
  limit: NumberOrString;
  opens: boolean;
  results?: stringArray | null | void;
  since: DateOrString;
}

/** 'ListAttemptsFromAddress' return type */
export interface ListAttemptsFromAddressResult {
  /** More, never a secret. [internal] */
  additionalData: Json;
  /** When. [internal] */
  attemptTime: Date;
  email: string | null;
  /** The id of the attempt. [internal] */
  id: string;
  /** Through which identity provider; null for a password. [internal] */
  identityProviderId: string | null;
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

const listAttemptsFromAddressIR: any = {"usedParamSet":{"ipAddress":true,"results":true,"since":true,"beforeTime":true,"beforeId":true,"limit":true,"opens":true},"params":[{"name":"ipAddress","required":true,"transform":{"type":"scalar"},"locs":[{"a":312,"b":322}]},{"name":"results","required":false,"transform":{"type":"scalar"},"locs":[{"a":345,"b":352},{"a":387,"b":394}]},{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":421,"b":427}]},{"name":"beforeTime","required":true,"transform":{"type":"scalar"},"locs":[{"a":452,"b":463},{"a":494,"b":505}]},{"name":"beforeId","required":true,"transform":{"type":"scalar"},"locs":[{"a":508,"b":517}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":565,"b":571}]},{"name":"opens","required":true,"transform":{"type":"scalar"},"locs":[{"a":972,"b":978}]}],"statement":"-- For the auditor, who finds by index.\nwith page as materialized (\n  select\n    id,\n    user_id,\n    email,\n    ip_address,\n    user_agent,\n    attempt_time,\n    result,\n    identity_provider_id,\n    additional_data,\n    recorded_at\n  from access_attempt_logs\n  where ip_index = any ((select ip_address_indexes(:ipAddress!))::bytea[])\n    and (:results::text[] is null or result = any (:results))\n    and recorded_at >= :since!\n    and recorded_at <= :beforeTime!\n    and (recorded_at, id) < (:beforeTime!, :beforeId!)\n  order by recorded_at desc, id desc\n  limit :limit!\n)\nselect\n  page.id,\n  page.user_id as \"userId\",\n  opened.email,\n  opened.ip_address as \"ipAddress\",\n  page.user_agent as \"userAgent\",\n  page.attempt_time as \"attemptTime\",\n  page.result,\n  page.identity_provider_id as \"identityProviderId\",\n  page.additional_data as \"additionalData\",\n  page.recorded_at::text as \"position!\"\nfrom page\nleft join open_attempts(\n  (select array_agg(id) from page where :opens!),\n  (select array_agg(user_id) from page),\n  (select array_agg(email) from page),\n  (select array_agg(ip_address) from page)\n) as opened on opened.id = page.id\norder by page.recorded_at desc, page.id desc"};

/**
 * Query generated from SQL:
 * ```
 * -- For the auditor, who finds by index.
 * with page as materialized (
 *   select
 *     id,
 *     user_id,
 *     email,
 *     ip_address,
 *     user_agent,
 *     attempt_time,
 *     result,
 *     identity_provider_id,
 *     additional_data,
 *     recorded_at
 *   from access_attempt_logs
 *   where ip_index = any ((select ip_address_indexes(:ipAddress!))::bytea[])
 *     and (:results::text[] is null or result = any (:results))
 *     and recorded_at >= :since!
 *     and recorded_at <= :beforeTime!
 *     and (recorded_at, id) < (:beforeTime!, :beforeId!)
 *   order by recorded_at desc, id desc
 *   limit :limit!
 * )
 * select
 *   page.id,
 *   page.user_id as "userId",
 *   opened.email,
 *   opened.ip_address as "ipAddress",
 *   page.user_agent as "userAgent",
 *   page.attempt_time as "attemptTime",
 *   page.result,
 *   page.identity_provider_id as "identityProviderId",
 *   page.additional_data as "additionalData",
 *   page.recorded_at::text as "position!"
 * from page
 * left join open_attempts(
 *   (select array_agg(id) from page where :opens!),
 *   (select array_agg(user_id) from page),
 *   (select array_agg(email) from page),
 *   (select array_agg(ip_address) from page)
 * ) as opened on opened.id = page.id
 * order by page.recorded_at desc, page.id desc
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
  opens: boolean;
  since: DateOrString;
  until: DateOrString;
}

/** 'ListAllAttempts' return type */
export interface ListAllAttemptsResult {
  /** More, never a secret. [internal] */
  additionalData: Json;
  /** When. [internal] */
  attemptTime: Date;
  email: string | null;
  /** The id of the attempt. [internal] */
  id: string;
  /** Through which identity provider; null for a password. [internal] */
  identityProviderId: string | null;
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

const listAllAttemptsIR: any = {"usedParamSet":{"since":true,"until":true,"afterId":true,"limit":true,"opens":true},"params":[{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":334,"b":340}]},{"name":"until","required":true,"transform":{"type":"scalar"},"locs":[{"a":364,"b":370}]},{"name":"afterId","required":true,"transform":{"type":"scalar"},"locs":[{"a":385,"b":393}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":417,"b":423}]},{"name":"opens","required":true,"transform":{"type":"scalar"},"locs":[{"a":858,"b":864}]}],"statement":"-- For the auditor, who sees every organization: by id, which is by time.\nwith page as materialized (\n  select\n    id,\n    user_id,\n    email,\n    ip_address,\n    user_agent,\n    attempt_time,\n    result,\n    identity_provider_id,\n    additional_data,\n    login_name,\n    recorded_at\n  from access_attempt_logs\n  where recorded_at >= :since!\n    and recorded_at < :until!\n    and id > :afterId!\n  order by id\n  limit :limit!\n)\nselect\n  page.id,\n  page.user_id as \"userId\",\n  opened.email,\n  opened.ip_address as \"ipAddress\",\n  page.user_agent as \"userAgent\",\n  page.attempt_time as \"attemptTime\",\n  page.result,\n  page.identity_provider_id as \"identityProviderId\",\n  page.additional_data as \"additionalData\",\n  page.login_name as \"loginName\",\n  page.recorded_at::text as \"position!\"\nfrom page\nleft join open_attempts(\n  (select array_agg(id) from page where :opens!),\n  (select array_agg(user_id) from page),\n  (select array_agg(email) from page),\n  (select array_agg(ip_address) from page)\n) as opened on opened.id = page.id\norder by page.id"};

/**
 * Query generated from SQL:
 * ```
 * -- For the auditor, who sees every organization: by id, which is by time.
 * with page as materialized (
 *   select
 *     id,
 *     user_id,
 *     email,
 *     ip_address,
 *     user_agent,
 *     attempt_time,
 *     result,
 *     identity_provider_id,
 *     additional_data,
 *     login_name,
 *     recorded_at
 *   from access_attempt_logs
 *   where recorded_at >= :since!
 *     and recorded_at < :until!
 *     and id > :afterId!
 *   order by id
 *   limit :limit!
 * )
 * select
 *   page.id,
 *   page.user_id as "userId",
 *   opened.email,
 *   opened.ip_address as "ipAddress",
 *   page.user_agent as "userAgent",
 *   page.attempt_time as "attemptTime",
 *   page.result,
 *   page.identity_provider_id as "identityProviderId",
 *   page.additional_data as "additionalData",
 *   page.login_name as "loginName",
 *   page.recorded_at::text as "position!"
 * from page
 * left join open_attempts(
 *   (select array_agg(id) from page where :opens!),
 *   (select array_agg(user_id) from page),
 *   (select array_agg(email) from page),
 *   (select array_agg(ip_address) from page)
 * ) as opened on opened.id = page.id
 * order by page.id
 * ```
 */
export const listAllAttempts = new PreparedQuery<ListAllAttemptsParams,ListAllAttemptsResult>(listAllAttemptsIR);


