/** Types generated for queries found in "queries/users.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type DateOrString = Date | string;

export type NumberOrString = number | string;

/** 'FindUser' parameters type */
export interface FindUserParams {
  userId: string;
}

/** 'FindUser' return type */
export interface FindUserResult {
  /** An https address of a picture. [personal] */
  avatarUrl: string | null;
  /** When they registered. [internal] */
  creationTime: Date;
  email: string | null;
  /** When they proved that the address is theirs; null until then. [internal] */
  emailVerifiedTime: Date | null;
  /** Given name. [personal] */
  firstName: string;
  /** The id of the person. Never used again, also after erasure. [internal] */
  id: string;
  /** What they do; null when they do not say. [personal] */
  jobTitle: string | null;
  /** When they last signed in; null before the first time. [personal] */
  lastLoginTime: Date | null;
  /** Family name. [personal] */
  lastName: string;
  /** When this row last changed. [internal] */
  lastUpdateTime: Date;
  /** A BCP 47 language tag. [personal] */
  locale: string;
  phoneNumber: string | null;
  /** pending until the address is verified, then active; suspended by an operator; deleted by themselves; shredded for good. Only active people sign in. [internal] */
  status: string;
  /** An IANA time zone name. [personal] */
  timezone: string;
}

/** 'FindUser' query type */
export interface FindUserQuery {
  params: FindUserParams;
  result: FindUserResult;
}

const findUserIR: any = {"usedParamSet":{"userId":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":366,"b":373}]}],"statement":"-- Addresses and numbers are opened in one call, however many people there are.\nwith page as materialized (\n  select\n    id,\n    email,\n    first_name,\n    last_name,\n    job_title,\n    status,\n    email_verified_time,\n    phone_number,\n    avatar_url,\n    timezone,\n    locale,\n    last_login_time,\n    creation_time,\n    last_update_time\n  from users\n  where id = :userId!\n)\nselect\n  page.id,\n  opened.email,\n  page.first_name as \"firstName\",\n  page.last_name as \"lastName\",\n  page.job_title as \"jobTitle\",\n  page.status,\n  page.email_verified_time as \"emailVerifiedTime\",\n  opened.phone_number as \"phoneNumber\",\n  page.avatar_url as \"avatarUrl\",\n  page.timezone,\n  page.locale,\n  page.last_login_time as \"lastLoginTime\",\n  page.creation_time as \"creationTime\",\n  page.last_update_time as \"lastUpdateTime\"\nfrom page\njoin open_users(\n  (select array_agg(id) from page),\n  (select array_agg(email) from page),\n  (select array_agg(phone_number) from page)\n) as opened on opened.id = page.id"};

/**
 * Query generated from SQL:
 * ```
 * -- Addresses and numbers are opened in one call, however many people there are.
 * with page as materialized (
 *   select
 *     id,
 *     email,
 *     first_name,
 *     last_name,
 *     job_title,
 *     status,
 *     email_verified_time,
 *     phone_number,
 *     avatar_url,
 *     timezone,
 *     locale,
 *     last_login_time,
 *     creation_time,
 *     last_update_time
 *   from users
 *   where id = :userId!
 * )
 * select
 *   page.id,
 *   opened.email,
 *   page.first_name as "firstName",
 *   page.last_name as "lastName",
 *   page.job_title as "jobTitle",
 *   page.status,
 *   page.email_verified_time as "emailVerifiedTime",
 *   opened.phone_number as "phoneNumber",
 *   page.avatar_url as "avatarUrl",
 *   page.timezone,
 *   page.locale,
 *   page.last_login_time as "lastLoginTime",
 *   page.creation_time as "creationTime",
 *   page.last_update_time as "lastUpdateTime"
 * from page
 * join open_users(
 *   (select array_agg(id) from page),
 *   (select array_agg(email) from page),
 *   (select array_agg(phone_number) from page)
 * ) as opened on opened.id = page.id
 * ```
 */
export const findUser = new PreparedQuery<FindUserParams,FindUserResult>(findUserIR);


/** 'FindUserByEmail' parameters type */
export interface FindUserByEmailParams {
  email: string;
}

/** 'FindUserByEmail' return type */
export interface FindUserByEmailResult {
  /** An https address of a picture. [personal] */
  avatarUrl: string | null;
  /** When they registered. [internal] */
  creationTime: Date;
  email: string | null;
  /** When they proved that the address is theirs; null until then. [internal] */
  emailVerifiedTime: Date | null;
  /** Given name. [personal] */
  firstName: string;
  /** The id of the person. Never used again, also after erasure. [internal] */
  id: string;
  /** What they do; null when they do not say. [personal] */
  jobTitle: string | null;
  /** When they last signed in; null before the first time. [personal] */
  lastLoginTime: Date | null;
  /** Family name. [personal] */
  lastName: string;
  /** When this row last changed. [internal] */
  lastUpdateTime: Date;
  /** A BCP 47 language tag. [personal] */
  locale: string;
  phoneNumber: string | null;
  /** pending until the address is verified, then active; suspended by an operator; deleted by themselves; shredded for good. Only active people sign in. [internal] */
  status: string;
  /** An IANA time zone name. [personal] */
  timezone: string;
}

/** 'FindUserByEmail' query type */
export interface FindUserByEmailQuery {
  params: FindUserByEmailParams;
  result: FindUserByEmailResult;
}

const findUserByEmailIR: any = {"usedParamSet":{"email":true},"params":[{"name":"email","required":true,"transform":{"type":"scalar"},"locs":[{"a":313,"b":319}]}],"statement":"with page as materialized (\n  select\n    id,\n    email,\n    first_name,\n    last_name,\n    job_title,\n    status,\n    email_verified_time,\n    phone_number,\n    avatar_url,\n    timezone,\n    locale,\n    last_login_time,\n    creation_time,\n    last_update_time\n  from users\n  where id = (select find_user_by_email(:email!))\n)\nselect\n  page.id,\n  opened.email,\n  page.first_name as \"firstName\",\n  page.last_name as \"lastName\",\n  page.job_title as \"jobTitle\",\n  page.status,\n  page.email_verified_time as \"emailVerifiedTime\",\n  opened.phone_number as \"phoneNumber\",\n  page.avatar_url as \"avatarUrl\",\n  page.timezone,\n  page.locale,\n  page.last_login_time as \"lastLoginTime\",\n  page.creation_time as \"creationTime\",\n  page.last_update_time as \"lastUpdateTime\"\nfrom page\njoin open_users(\n  (select array_agg(id) from page),\n  (select array_agg(email) from page),\n  (select array_agg(phone_number) from page)\n) as opened on opened.id = page.id"};

/**
 * Query generated from SQL:
 * ```
 * with page as materialized (
 *   select
 *     id,
 *     email,
 *     first_name,
 *     last_name,
 *     job_title,
 *     status,
 *     email_verified_time,
 *     phone_number,
 *     avatar_url,
 *     timezone,
 *     locale,
 *     last_login_time,
 *     creation_time,
 *     last_update_time
 *   from users
 *   where id = (select find_user_by_email(:email!))
 * )
 * select
 *   page.id,
 *   opened.email,
 *   page.first_name as "firstName",
 *   page.last_name as "lastName",
 *   page.job_title as "jobTitle",
 *   page.status,
 *   page.email_verified_time as "emailVerifiedTime",
 *   opened.phone_number as "phoneNumber",
 *   page.avatar_url as "avatarUrl",
 *   page.timezone,
 *   page.locale,
 *   page.last_login_time as "lastLoginTime",
 *   page.creation_time as "creationTime",
 *   page.last_update_time as "lastUpdateTime"
 * from page
 * join open_users(
 *   (select array_agg(id) from page),
 *   (select array_agg(email) from page),
 *   (select array_agg(phone_number) from page)
 * ) as opened on opened.id = page.id
 * ```
 */
export const findUserByEmail = new PreparedQuery<FindUserByEmailParams,FindUserByEmailResult>(findUserByEmailIR);


/** 'FindOwnUser' parameters type */
export type FindOwnUserParams = void;

/** 'FindOwnUser' return type */
export interface FindOwnUserResult {
  /** An https address of a picture. [personal] */
  avatarUrl: string | null;
  /** When they registered. [internal] */
  creationTime: Date;
  email: string | null;
  /** When they proved that the address is theirs; null until then. [internal] */
  emailVerifiedTime: Date | null;
  /** Given name. [personal] */
  firstName: string;
  /** The id of the person. Never used again, also after erasure. [internal] */
  id: string;
  /** What they do; null when they do not say. [personal] */
  jobTitle: string | null;
  /** When they last signed in; null before the first time. [personal] */
  lastLoginTime: Date | null;
  /** Family name. [personal] */
  lastName: string;
  /** When this row last changed. [internal] */
  lastUpdateTime: Date;
  /** A BCP 47 language tag. [personal] */
  locale: string;
  phoneNumber: string | null;
  /** pending until the address is verified, then active; suspended by an operator; deleted by themselves; shredded for good. Only active people sign in. [internal] */
  status: string;
  /** An IANA time zone name. [personal] */
  timezone: string;
}

/** 'FindOwnUser' query type */
export interface FindOwnUserQuery {
  params: FindOwnUserParams;
  result: FindOwnUserResult;
}

const findOwnUserIR: any = {"usedParamSet":{},"params":[],"statement":"with page as materialized (\n  select\n    id,\n    email,\n    first_name,\n    last_name,\n    job_title,\n    status,\n    email_verified_time,\n    phone_number,\n    avatar_url,\n    timezone,\n    locale,\n    last_login_time,\n    creation_time,\n    last_update_time\n  from users\n  where id = (select current_user_id())\n)\nselect\n  page.id,\n  opened.email,\n  page.first_name as \"firstName\",\n  page.last_name as \"lastName\",\n  page.job_title as \"jobTitle\",\n  page.status,\n  page.email_verified_time as \"emailVerifiedTime\",\n  opened.phone_number as \"phoneNumber\",\n  page.avatar_url as \"avatarUrl\",\n  page.timezone,\n  page.locale,\n  page.last_login_time as \"lastLoginTime\",\n  page.creation_time as \"creationTime\",\n  page.last_update_time as \"lastUpdateTime\"\nfrom page\njoin open_users(\n  (select array_agg(id) from page),\n  (select array_agg(email) from page),\n  (select array_agg(phone_number) from page)\n) as opened on opened.id = page.id"};

/**
 * Query generated from SQL:
 * ```
 * with page as materialized (
 *   select
 *     id,
 *     email,
 *     first_name,
 *     last_name,
 *     job_title,
 *     status,
 *     email_verified_time,
 *     phone_number,
 *     avatar_url,
 *     timezone,
 *     locale,
 *     last_login_time,
 *     creation_time,
 *     last_update_time
 *   from users
 *   where id = (select current_user_id())
 * )
 * select
 *   page.id,
 *   opened.email,
 *   page.first_name as "firstName",
 *   page.last_name as "lastName",
 *   page.job_title as "jobTitle",
 *   page.status,
 *   page.email_verified_time as "emailVerifiedTime",
 *   opened.phone_number as "phoneNumber",
 *   page.avatar_url as "avatarUrl",
 *   page.timezone,
 *   page.locale,
 *   page.last_login_time as "lastLoginTime",
 *   page.creation_time as "creationTime",
 *   page.last_update_time as "lastUpdateTime"
 * from page
 * join open_users(
 *   (select array_agg(id) from page),
 *   (select array_agg(email) from page),
 *   (select array_agg(phone_number) from page)
 * ) as opened on opened.id = page.id
 * ```
 */
export const findOwnUser = new PreparedQuery<FindOwnUserParams,FindOwnUserResult>(findOwnUserIR);


/** 'ListUsers' parameters type */
export interface ListUsersParams {
  afterUserId: string;
  limit: NumberOrString;
}

/** 'ListUsers' return type */
export interface ListUsersResult {
  /** An https address of a picture. [personal] */
  avatarUrl: string | null;
  /** When they registered. [internal] */
  creationTime: Date;
  email: string | null;
  /** When they proved that the address is theirs; null until then. [internal] */
  emailVerifiedTime: Date | null;
  /** Given name. [personal] */
  firstName: string;
  /** The id of the person. Never used again, also after erasure. [internal] */
  id: string;
  /** What they do; null when they do not say. [personal] */
  jobTitle: string | null;
  /** When they last signed in; null before the first time. [personal] */
  lastLoginTime: Date | null;
  /** Family name. [personal] */
  lastName: string;
  /** When this row last changed. [internal] */
  lastUpdateTime: Date;
  /** A BCP 47 language tag. [personal] */
  locale: string;
  phoneNumber: string | null;
  /** pending until the address is verified, then active; suspended by an operator; deleted by themselves; shredded for good. Only active people sign in. [internal] */
  status: string;
  /** An IANA time zone name. [personal] */
  timezone: string;
}

/** 'ListUsers' query type */
export interface ListUsersQuery {
  params: ListUsersParams;
  result: ListUsersResult;
}

const listUsersIR: any = {"usedParamSet":{"afterUserId":true,"limit":true},"params":[{"name":"afterUserId","required":true,"transform":{"type":"scalar"},"locs":[{"a":641,"b":653}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":686,"b":692}]}],"statement":"-- The page is cut from the membership, whose key has the organization first, before people\n-- are joined: otherwise PostgreSQL takes every organization for one of average size, joins\n-- all of its people and sorts them.\nwith page as materialized (\n  select\n    users.id,\n    users.email,\n    users.first_name,\n    users.last_name,\n    users.job_title,\n    users.status,\n    users.email_verified_time,\n    users.phone_number,\n    users.avatar_url,\n    users.timezone,\n    users.locale,\n    users.last_login_time,\n    users.creation_time,\n    users.last_update_time\n  from (\n    select user_id\n    from organization_users\n    where user_id > :afterUserId!\n    order by user_id\n    limit :limit!\n  ) as members\n  join users on users.id = members.user_id\n)\nselect\n  page.id,\n  opened.email,\n  page.first_name as \"firstName\",\n  page.last_name as \"lastName\",\n  page.job_title as \"jobTitle\",\n  page.status,\n  page.email_verified_time as \"emailVerifiedTime\",\n  opened.phone_number as \"phoneNumber\",\n  page.avatar_url as \"avatarUrl\",\n  page.timezone,\n  page.locale,\n  page.last_login_time as \"lastLoginTime\",\n  page.creation_time as \"creationTime\",\n  page.last_update_time as \"lastUpdateTime\"\nfrom page\njoin open_users(\n  (select array_agg(id) from page),\n  (select array_agg(email) from page),\n  (select array_agg(phone_number) from page)\n) as opened on opened.id = page.id\norder by page.id"};

/**
 * Query generated from SQL:
 * ```
 * -- The page is cut from the membership, whose key has the organization first, before people
 * -- are joined: otherwise PostgreSQL takes every organization for one of average size, joins
 * -- all of its people and sorts them.
 * with page as materialized (
 *   select
 *     users.id,
 *     users.email,
 *     users.first_name,
 *     users.last_name,
 *     users.job_title,
 *     users.status,
 *     users.email_verified_time,
 *     users.phone_number,
 *     users.avatar_url,
 *     users.timezone,
 *     users.locale,
 *     users.last_login_time,
 *     users.creation_time,
 *     users.last_update_time
 *   from (
 *     select user_id
 *     from organization_users
 *     where user_id > :afterUserId!
 *     order by user_id
 *     limit :limit!
 *   ) as members
 *   join users on users.id = members.user_id
 * )
 * select
 *   page.id,
 *   opened.email,
 *   page.first_name as "firstName",
 *   page.last_name as "lastName",
 *   page.job_title as "jobTitle",
 *   page.status,
 *   page.email_verified_time as "emailVerifiedTime",
 *   opened.phone_number as "phoneNumber",
 *   page.avatar_url as "avatarUrl",
 *   page.timezone,
 *   page.locale,
 *   page.last_login_time as "lastLoginTime",
 *   page.creation_time as "creationTime",
 *   page.last_update_time as "lastUpdateTime"
 * from page
 * join open_users(
 *   (select array_agg(id) from page),
 *   (select array_agg(email) from page),
 *   (select array_agg(phone_number) from page)
 * ) as opened on opened.id = page.id
 * order by page.id
 * ```
 */
export const listUsers = new PreparedQuery<ListUsersParams,ListUsersResult>(listUsersIR);


/** 'ListRecentlyActiveUsers' parameters type */
export interface ListRecentlyActiveUsersParams {
  limit: NumberOrString;
  since: DateOrString;
}

/** 'ListRecentlyActiveUsers' return type */
export interface ListRecentlyActiveUsersResult {
  /** An https address of a picture. [personal] */
  avatarUrl: string | null;
  /** When they registered. [internal] */
  creationTime: Date;
  email: string | null;
  /** When they proved that the address is theirs; null until then. [internal] */
  emailVerifiedTime: Date | null;
  /** Given name. [personal] */
  firstName: string;
  /** The id of the person. Never used again, also after erasure. [internal] */
  id: string;
  /** What they do; null when they do not say. [personal] */
  jobTitle: string | null;
  /** When they last signed in; null before the first time. [personal] */
  lastLoginTime: Date | null;
  /** Family name. [personal] */
  lastName: string;
  /** When this row last changed. [internal] */
  lastUpdateTime: Date;
  /** A BCP 47 language tag. [personal] */
  locale: string;
  phoneNumber: string | null;
  /** pending until the address is verified, then active; suspended by an operator; deleted by themselves; shredded for good. Only active people sign in. [internal] */
  status: string;
  /** An IANA time zone name. [personal] */
  timezone: string;
}

/** 'ListRecentlyActiveUsers' query type */
export interface ListRecentlyActiveUsersQuery {
  params: ListRecentlyActiveUsersParams;
  result: ListRecentlyActiveUsersResult;
}

const listRecentlyActiveUsersIR: any = {"usedParamSet":{"since":true,"limit":true},"params":[{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":701,"b":707}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":853,"b":859}]}],"statement":"-- The newest sign-ins of the window, a bounded number of them, and who they were.\nwith page as materialized (\n  select\n    users.id,\n    users.email,\n    users.first_name,\n    users.last_name,\n    users.job_title,\n    users.status,\n    users.email_verified_time,\n    users.phone_number,\n    users.avatar_url,\n    users.timezone,\n    users.locale,\n    users.last_login_time,\n    users.creation_time,\n    users.last_update_time,\n    recent.latest\n  from (\n    select\n      session_events.user_id,\n      max(session_events.recorded_at) as latest\n    from (\n      select\n        user_id,\n        recorded_at\n      from auth_audit_logs\n      where event_type = 'session.opened'\n        and recorded_at >= :since!\n      order by recorded_at desc\n      limit 1000\n    ) as session_events\n    group by session_events.user_id\n    order by latest desc\n    limit :limit!\n  ) as recent\n  join users on users.id = recent.user_id\n)\nselect\n  page.id,\n  opened.email,\n  page.first_name as \"firstName\",\n  page.last_name as \"lastName\",\n  page.job_title as \"jobTitle\",\n  page.status,\n  page.email_verified_time as \"emailVerifiedTime\",\n  opened.phone_number as \"phoneNumber\",\n  page.avatar_url as \"avatarUrl\",\n  page.timezone,\n  page.locale,\n  page.last_login_time as \"lastLoginTime\",\n  page.creation_time as \"creationTime\",\n  page.last_update_time as \"lastUpdateTime\"\nfrom page\njoin open_users(\n  (select array_agg(id) from page),\n  (select array_agg(email) from page),\n  (select array_agg(phone_number) from page)\n) as opened on opened.id = page.id\norder by page.latest desc"};

/**
 * Query generated from SQL:
 * ```
 * -- The newest sign-ins of the window, a bounded number of them, and who they were.
 * with page as materialized (
 *   select
 *     users.id,
 *     users.email,
 *     users.first_name,
 *     users.last_name,
 *     users.job_title,
 *     users.status,
 *     users.email_verified_time,
 *     users.phone_number,
 *     users.avatar_url,
 *     users.timezone,
 *     users.locale,
 *     users.last_login_time,
 *     users.creation_time,
 *     users.last_update_time,
 *     recent.latest
 *   from (
 *     select
 *       session_events.user_id,
 *       max(session_events.recorded_at) as latest
 *     from (
 *       select
 *         user_id,
 *         recorded_at
 *       from auth_audit_logs
 *       where event_type = 'session.opened'
 *         and recorded_at >= :since!
 *       order by recorded_at desc
 *       limit 1000
 *     ) as session_events
 *     group by session_events.user_id
 *     order by latest desc
 *     limit :limit!
 *   ) as recent
 *   join users on users.id = recent.user_id
 * )
 * select
 *   page.id,
 *   opened.email,
 *   page.first_name as "firstName",
 *   page.last_name as "lastName",
 *   page.job_title as "jobTitle",
 *   page.status,
 *   page.email_verified_time as "emailVerifiedTime",
 *   opened.phone_number as "phoneNumber",
 *   page.avatar_url as "avatarUrl",
 *   page.timezone,
 *   page.locale,
 *   page.last_login_time as "lastLoginTime",
 *   page.creation_time as "creationTime",
 *   page.last_update_time as "lastUpdateTime"
 * from page
 * join open_users(
 *   (select array_agg(id) from page),
 *   (select array_agg(email) from page),
 *   (select array_agg(phone_number) from page)
 * ) as opened on opened.id = page.id
 * order by page.latest desc
 * ```
 */
export const listRecentlyActiveUsers = new PreparedQuery<ListRecentlyActiveUsersParams,ListRecentlyActiveUsersResult>(listRecentlyActiveUsersIR);


/** 'SearchUsers' parameters type */
export interface SearchUsersParams {
  limit: number;
  query: string;
}

/** 'SearchUsers' return type */
export interface SearchUsersResult {
  email: string | null;
  firstName: string;
  jobTitle: string | null;
  lastName: string;
  role: string;
  userId: string;
}

/** 'SearchUsers' query type */
export interface SearchUsersQuery {
  params: SearchUsersParams;
  result: SearchUsersResult;
}

const searchUsersIR: any = {"usedParamSet":{"query":true,"limit":true},"params":[{"name":"query","required":true,"transform":{"type":"scalar"},"locs":[{"a":161,"b":167}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":170,"b":176}]}],"statement":"select\n  user_id as \"userId!\",\n  email,\n  first_name as \"firstName!\",\n  last_name as \"lastName!\",\n  job_title as \"jobTitle\",\n  role as \"role!\"\nfrom search_users(:query!, :limit!)"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   user_id as "userId!",
 *   email,
 *   first_name as "firstName!",
 *   last_name as "lastName!",
 *   job_title as "jobTitle",
 *   role as "role!"
 * from search_users(:query!, :limit!)
 * ```
 */
export const searchUsers = new PreparedQuery<SearchUsersParams,SearchUsersResult>(searchUsersIR);


/** 'SetOwnPhoneNumber' parameters type */
export interface SetOwnPhoneNumberParams {
  phoneNumber?: string | null | void;
}

/** 'SetOwnPhoneNumber' return type */
export interface SetOwnPhoneNumberResult {
  set_own_phone_number: undefined | null;
}

/** 'SetOwnPhoneNumber' query type */
export interface SetOwnPhoneNumberQuery {
  params: SetOwnPhoneNumberParams;
  result: SetOwnPhoneNumberResult;
}

const setOwnPhoneNumberIR: any = {"usedParamSet":{"phoneNumber":true},"params":[{"name":"phoneNumber","required":false,"transform":{"type":"scalar"},"locs":[{"a":28,"b":39}]}],"statement":"select set_own_phone_number(:phoneNumber)"};

/**
 * Query generated from SQL:
 * ```
 * select set_own_phone_number(:phoneNumber)
 * ```
 */
export const setOwnPhoneNumber = new PreparedQuery<SetOwnPhoneNumberParams,SetOwnPhoneNumberResult>(setOwnPhoneNumberIR);


/** 'UpdateOwnProfile' parameters type */
export interface UpdateOwnProfileParams {
  avatarUrl?: string | null | void;
  firstName?: string | null | void;
  jobTitle?: string | null | void;
  lastName?: string | null | void;
  locale?: string | null | void;
  setsAvatarUrl: boolean;
  setsJobTitle: boolean;
  timezone?: string | null | void;
}

/** 'UpdateOwnProfile' return type */
export interface UpdateOwnProfileResult {
  /** An https address of a picture. [personal] */
  avatarUrl: string | null;
  /** When they registered. [internal] */
  creationTime: Date;
  email: string | null;
  /** When they proved that the address is theirs; null until then. [internal] */
  emailVerifiedTime: Date | null;
  /** Given name. [personal] */
  firstName: string;
  /** The id of the person. Never used again, also after erasure. [internal] */
  id: string;
  /** What they do; null when they do not say. [personal] */
  jobTitle: string | null;
  /** When they last signed in; null before the first time. [personal] */
  lastLoginTime: Date | null;
  /** Family name. [personal] */
  lastName: string;
  /** When this row last changed. [internal] */
  lastUpdateTime: Date;
  /** A BCP 47 language tag. [personal] */
  locale: string;
  phoneNumber: string | null;
  /** pending until the address is verified, then active; suspended by an operator; deleted by themselves; shredded for good. Only active people sign in. [internal] */
  status: string;
  /** An IANA time zone name. [personal] */
  timezone: string;
}

/** 'UpdateOwnProfile' query type */
export interface UpdateOwnProfileQuery {
  params: UpdateOwnProfileParams;
  result: UpdateOwnProfileResult;
}

const updateOwnProfileIR: any = {"usedParamSet":{"firstName":true,"lastName":true,"setsJobTitle":true,"jobTitle":true,"setsAvatarUrl":true,"avatarUrl":true,"timezone":true,"locale":true},"params":[{"name":"firstName","required":false,"transform":{"type":"scalar"},"locs":[{"a":62,"b":71}]},{"name":"lastName","required":false,"transform":{"type":"scalar"},"locs":[{"a":112,"b":120}]},{"name":"setsJobTitle","required":true,"transform":{"type":"scalar"},"locs":[{"a":161,"b":174}]},{"name":"jobTitle","required":false,"transform":{"type":"scalar"},"locs":[{"a":181,"b":189}]},{"name":"setsAvatarUrl","required":true,"transform":{"type":"scalar"},"locs":[{"a":238,"b":252}]},{"name":"avatarUrl","required":false,"transform":{"type":"scalar"},"locs":[{"a":259,"b":268}]},{"name":"timezone","required":false,"transform":{"type":"scalar"},"locs":[{"a":315,"b":323}]},{"name":"locale","required":false,"transform":{"type":"scalar"},"locs":[{"a":359,"b":365}]}],"statement":"with page as (\n  update users\n  set\n    first_name = coalesce(:firstName, first_name),\n    last_name = coalesce(:lastName, last_name),\n    job_title = case when :setsJobTitle! then :jobTitle else job_title end,\n    avatar_url = case when :setsAvatarUrl! then :avatarUrl else avatar_url end,\n    timezone = coalesce(:timezone, timezone),\n    locale = coalesce(:locale, locale)\n  where id = (select current_user_id())\n  returning\n    id,\n    email,\n    first_name,\n    last_name,\n    job_title,\n    status,\n    email_verified_time,\n    phone_number,\n    avatar_url,\n    timezone,\n    locale,\n    last_login_time,\n    creation_time,\n    last_update_time\n)\nselect\n  page.id,\n  opened.email,\n  page.first_name as \"firstName\",\n  page.last_name as \"lastName\",\n  page.job_title as \"jobTitle\",\n  page.status,\n  page.email_verified_time as \"emailVerifiedTime\",\n  opened.phone_number as \"phoneNumber\",\n  page.avatar_url as \"avatarUrl\",\n  page.timezone,\n  page.locale,\n  page.last_login_time as \"lastLoginTime\",\n  page.creation_time as \"creationTime\",\n  page.last_update_time as \"lastUpdateTime\"\nfrom page\njoin open_users(\n  (select array_agg(id) from page),\n  (select array_agg(email) from page),\n  (select array_agg(phone_number) from page)\n) as opened on opened.id = page.id"};

/**
 * Query generated from SQL:
 * ```
 * with page as (
 *   update users
 *   set
 *     first_name = coalesce(:firstName, first_name),
 *     last_name = coalesce(:lastName, last_name),
 *     job_title = case when :setsJobTitle! then :jobTitle else job_title end,
 *     avatar_url = case when :setsAvatarUrl! then :avatarUrl else avatar_url end,
 *     timezone = coalesce(:timezone, timezone),
 *     locale = coalesce(:locale, locale)
 *   where id = (select current_user_id())
 *   returning
 *     id,
 *     email,
 *     first_name,
 *     last_name,
 *     job_title,
 *     status,
 *     email_verified_time,
 *     phone_number,
 *     avatar_url,
 *     timezone,
 *     locale,
 *     last_login_time,
 *     creation_time,
 *     last_update_time
 * )
 * select
 *   page.id,
 *   opened.email,
 *   page.first_name as "firstName",
 *   page.last_name as "lastName",
 *   page.job_title as "jobTitle",
 *   page.status,
 *   page.email_verified_time as "emailVerifiedTime",
 *   opened.phone_number as "phoneNumber",
 *   page.avatar_url as "avatarUrl",
 *   page.timezone,
 *   page.locale,
 *   page.last_login_time as "lastLoginTime",
 *   page.creation_time as "creationTime",
 *   page.last_update_time as "lastUpdateTime"
 * from page
 * join open_users(
 *   (select array_agg(id) from page),
 *   (select array_agg(email) from page),
 *   (select array_agg(phone_number) from page)
 * ) as opened on opened.id = page.id
 * ```
 */
export const updateOwnProfile = new PreparedQuery<UpdateOwnProfileParams,UpdateOwnProfileResult>(updateOwnProfileIR);


/** 'CloseAccount' parameters type */
export type CloseAccountParams = void;

/** 'CloseAccount' return type */
export interface CloseAccountResult {
  close_account: undefined | null;
}

/** 'CloseAccount' query type */
export interface CloseAccountQuery {
  params: CloseAccountParams;
  result: CloseAccountResult;
}

const closeAccountIR: any = {"usedParamSet":{},"params":[],"statement":"select close_account()"};

/**
 * Query generated from SQL:
 * ```
 * select close_account()
 * ```
 */
export const closeAccount = new PreparedQuery<CloseAccountParams,CloseAccountResult>(closeAccountIR);


/** 'EraseOwnAccount' parameters type */
export type EraseOwnAccountParams = void;

/** 'EraseOwnAccount' return type */
export interface EraseOwnAccountResult {
  effectiveTime: Date;
}

/** 'EraseOwnAccount' query type */
export interface EraseOwnAccountQuery {
  params: EraseOwnAccountParams;
  result: EraseOwnAccountResult;
}

const eraseOwnAccountIR: any = {"usedParamSet":{},"params":[],"statement":"select erase_own_account() as \"effectiveTime!\""};

/**
 * Query generated from SQL:
 * ```
 * select erase_own_account() as "effectiveTime!"
 * ```
 */
export const eraseOwnAccount = new PreparedQuery<EraseOwnAccountParams,EraseOwnAccountResult>(eraseOwnAccountIR);


/** 'RegisterUser' parameters type */
export interface RegisterUserParams {
  email: string;
  firstName: string;
  historyDigest: Buffer;
  lastName: string;
  locale: string;
  passwordDigest: Buffer;
  policyVersion: string;
  timezone: string;
  userId: string;
}

/** 'RegisterUser' return type */
export interface RegisterUserResult {
  register_user: undefined | null;
}

/** 'RegisterUser' query type */
export interface RegisterUserQuery {
  params: RegisterUserParams;
  result: RegisterUserResult;
}

const registerUserIR: any = {"usedParamSet":{"userId":true,"email":true,"firstName":true,"lastName":true,"passwordDigest":true,"historyDigest":true,"policyVersion":true,"timezone":true,"locale":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":24,"b":31}]},{"name":"email","required":true,"transform":{"type":"scalar"},"locs":[{"a":34,"b":40}]},{"name":"firstName","required":true,"transform":{"type":"scalar"},"locs":[{"a":43,"b":53}]},{"name":"lastName","required":true,"transform":{"type":"scalar"},"locs":[{"a":56,"b":65}]},{"name":"passwordDigest","required":true,"transform":{"type":"scalar"},"locs":[{"a":68,"b":83}]},{"name":"historyDigest","required":true,"transform":{"type":"scalar"},"locs":[{"a":86,"b":100}]},{"name":"policyVersion","required":true,"transform":{"type":"scalar"},"locs":[{"a":103,"b":117}]},{"name":"timezone","required":true,"transform":{"type":"scalar"},"locs":[{"a":122,"b":131}]},{"name":"locale","required":true,"transform":{"type":"scalar"},"locs":[{"a":134,"b":141}]}],"statement":"select register_user(\n  :userId!, :email!, :firstName!, :lastName!, :passwordDigest!, :historyDigest!, :policyVersion!,\n  :timezone!, :locale!\n)"};

/**
 * Query generated from SQL:
 * ```
 * select register_user(
 *   :userId!, :email!, :firstName!, :lastName!, :passwordDigest!, :historyDigest!, :policyVersion!,
 *   :timezone!, :locale!
 * )
 * ```
 */
export const registerUser = new PreparedQuery<RegisterUserParams,RegisterUserResult>(registerUserIR);


