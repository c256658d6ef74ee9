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
  /** The address they sign in with: A to Z in lower case, the domain in ASCII, unique in the cell. [personal] */
  email: string;
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
  /** E.164; null when they give none. [personal] */
  phoneNumber: string | null;
  /** pending until the address is verified, then active; suspended by an operator; deleted. Only active people sign in. [internal] */
  status: string;
  /** An IANA time zone name. [personal] */
  timezone: string;
}

/** 'FindUser' query type */
export interface FindUserQuery {
  params: FindUserParams;
  result: FindUserResult;
}

const findUserIR: any = {"usedParamSet":{"userId":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":379,"b":386}]}],"statement":"select\n  id,\n  email,\n  first_name as \"firstName\",\n  last_name as \"lastName\",\n  job_title as \"jobTitle\",\n  status,\n  email_verified_time as \"emailVerifiedTime\",\n  phone_number as \"phoneNumber\",\n  avatar_url as \"avatarUrl\",\n  timezone,\n  locale,\n  last_login_time as \"lastLoginTime\",\n  creation_time as \"creationTime\",\n  last_update_time as \"lastUpdateTime\"\nfrom users\nwhere id = :userId!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   email,
 *   first_name as "firstName",
 *   last_name as "lastName",
 *   job_title as "jobTitle",
 *   status,
 *   email_verified_time as "emailVerifiedTime",
 *   phone_number as "phoneNumber",
 *   avatar_url as "avatarUrl",
 *   timezone,
 *   locale,
 *   last_login_time as "lastLoginTime",
 *   creation_time as "creationTime",
 *   last_update_time as "lastUpdateTime"
 * from users
 * where id = :userId!
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
  /** The address they sign in with: A to Z in lower case, the domain in ASCII, unique in the cell. [personal] */
  email: string;
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
  /** E.164; null when they give none. [personal] */
  phoneNumber: string | null;
  /** pending until the address is verified, then active; suspended by an operator; deleted. Only active people sign in. [internal] */
  status: string;
  /** An IANA time zone name. [personal] */
  timezone: string;
}

/** 'FindUserByEmail' query type */
export interface FindUserByEmailQuery {
  params: FindUserByEmailParams;
  result: FindUserByEmailResult;
}

const findUserByEmailIR: any = {"usedParamSet":{"email":true},"params":[{"name":"email","required":true,"transform":{"type":"scalar"},"locs":[{"a":388,"b":394}]}],"statement":"select\n  id,\n  email,\n  first_name as \"firstName\",\n  last_name as \"lastName\",\n  job_title as \"jobTitle\",\n  status,\n  email_verified_time as \"emailVerifiedTime\",\n  phone_number as \"phoneNumber\",\n  avatar_url as \"avatarUrl\",\n  timezone,\n  locale,\n  last_login_time as \"lastLoginTime\",\n  creation_time as \"creationTime\",\n  last_update_time as \"lastUpdateTime\"\nfrom users\nwhere email = lower(:email!)"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   email,
 *   first_name as "firstName",
 *   last_name as "lastName",
 *   job_title as "jobTitle",
 *   status,
 *   email_verified_time as "emailVerifiedTime",
 *   phone_number as "phoneNumber",
 *   avatar_url as "avatarUrl",
 *   timezone,
 *   locale,
 *   last_login_time as "lastLoginTime",
 *   creation_time as "creationTime",
 *   last_update_time as "lastUpdateTime"
 * from users
 * where email = lower(:email!)
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
  /** The address they sign in with: A to Z in lower case, the domain in ASCII, unique in the cell. [personal] */
  email: string;
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
  /** E.164; null when they give none. [personal] */
  phoneNumber: string | null;
  /** pending until the address is verified, then active; suspended by an operator; deleted. Only active people sign in. [internal] */
  status: string;
  /** An IANA time zone name. [personal] */
  timezone: string;
}

/** 'FindOwnUser' query type */
export interface FindOwnUserQuery {
  params: FindOwnUserParams;
  result: FindOwnUserResult;
}

const findOwnUserIR: any = {"usedParamSet":{},"params":[],"statement":"select\n  id,\n  email,\n  first_name as \"firstName\",\n  last_name as \"lastName\",\n  job_title as \"jobTitle\",\n  status,\n  email_verified_time as \"emailVerifiedTime\",\n  phone_number as \"phoneNumber\",\n  avatar_url as \"avatarUrl\",\n  timezone,\n  locale,\n  last_login_time as \"lastLoginTime\",\n  creation_time as \"creationTime\",\n  last_update_time as \"lastUpdateTime\"\nfrom users\nwhere id = (select current_user_id())"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   email,
 *   first_name as "firstName",
 *   last_name as "lastName",
 *   job_title as "jobTitle",
 *   status,
 *   email_verified_time as "emailVerifiedTime",
 *   phone_number as "phoneNumber",
 *   avatar_url as "avatarUrl",
 *   timezone,
 *   locale,
 *   last_login_time as "lastLoginTime",
 *   creation_time as "creationTime",
 *   last_update_time as "lastUpdateTime"
 * from users
 * where id = (select current_user_id())
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
  /** The address they sign in with: A to Z in lower case, the domain in ASCII, unique in the cell. [personal] */
  email: string;
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
  /** E.164; null when they give none. [personal] */
  phoneNumber: string | null;
  /** pending until the address is verified, then active; suspended by an operator; deleted. Only active people sign in. [internal] */
  status: string;
  /** An IANA time zone name. [personal] */
  timezone: string;
}

/** 'ListUsers' query type */
export interface ListUsersQuery {
  params: ListUsersParams;
  result: ListUsersResult;
}

const listUsersIR: any = {"usedParamSet":{"afterUserId":true,"limit":true},"params":[{"name":"afterUserId","required":true,"transform":{"type":"scalar"},"locs":[{"a":730,"b":742}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":771,"b":777}]}],"statement":"-- The page is cut from the membership, whose key has the organization first, before people\n-- are joined: otherwise PostgreSQL takes every organization for one of average size, joins\n-- all of its people and sorts them.\nselect\n  users.id,\n  users.email,\n  users.first_name as \"firstName\",\n  users.last_name as \"lastName\",\n  users.job_title as \"jobTitle\",\n  users.status,\n  users.email_verified_time as \"emailVerifiedTime\",\n  users.phone_number as \"phoneNumber\",\n  users.avatar_url as \"avatarUrl\",\n  users.timezone,\n  users.locale,\n  users.last_login_time as \"lastLoginTime\",\n  users.creation_time as \"creationTime\",\n  users.last_update_time as \"lastUpdateTime\"\nfrom (\n  select user_id\n  from organization_users\n  where user_id > :afterUserId!\n  order by user_id\n  limit :limit!\n) as page\njoin users on users.id = page.user_id\norder by page.user_id"};

/**
 * Query generated from SQL:
 * ```
 * -- The page is cut from the membership, whose key has the organization first, before people
 * -- are joined: otherwise PostgreSQL takes every organization for one of average size, joins
 * -- all of its people and sorts them.
 * select
 *   users.id,
 *   users.email,
 *   users.first_name as "firstName",
 *   users.last_name as "lastName",
 *   users.job_title as "jobTitle",
 *   users.status,
 *   users.email_verified_time as "emailVerifiedTime",
 *   users.phone_number as "phoneNumber",
 *   users.avatar_url as "avatarUrl",
 *   users.timezone,
 *   users.locale,
 *   users.last_login_time as "lastLoginTime",
 *   users.creation_time as "creationTime",
 *   users.last_update_time as "lastUpdateTime"
 * from (
 *   select user_id
 *   from organization_users
 *   where user_id > :afterUserId!
 *   order by user_id
 *   limit :limit!
 * ) as page
 * join users on users.id = page.user_id
 * order by page.user_id
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
  /** The address they sign in with: A to Z in lower case, the domain in ASCII, unique in the cell. [personal] */
  email: string;
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
  /** E.164; null when they give none. [personal] */
  phoneNumber: string | null;
  /** pending until the address is verified, then active; suspended by an operator; deleted. Only active people sign in. [internal] */
  status: string;
  /** An IANA time zone name. [personal] */
  timezone: string;
}

/** 'ListRecentlyActiveUsers' query type */
export interface ListRecentlyActiveUsersQuery {
  params: ListRecentlyActiveUsersParams;
  result: ListRecentlyActiveUsersResult;
}

const listRecentlyActiveUsersIR: any = {"usedParamSet":{"since":true,"limit":true},"params":[{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":741,"b":747}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":865,"b":871}]}],"statement":"-- The newest sign-ins of the window, a bounded number of them, and who they were.\nselect\n  users.id,\n  users.email,\n  users.first_name as \"firstName\",\n  users.last_name as \"lastName\",\n  users.job_title as \"jobTitle\",\n  users.status,\n  users.email_verified_time as \"emailVerifiedTime\",\n  users.phone_number as \"phoneNumber\",\n  users.avatar_url as \"avatarUrl\",\n  users.timezone,\n  users.locale,\n  users.last_login_time as \"lastLoginTime\",\n  users.creation_time as \"creationTime\",\n  users.last_update_time as \"lastUpdateTime\"\nfrom (\n  select\n    opened.user_id,\n    max(opened.recorded_at) as latest\n  from (\n    select\n      user_id,\n      recorded_at\n    from auth_audit_logs\n    where event_type = 'session.opened'\n      and recorded_at >= :since!\n    order by recorded_at desc\n    limit 1000\n  ) as opened\n  group by opened.user_id\n  order by latest desc\n  limit :limit!\n) as recent\njoin users on users.id = recent.user_id\norder by recent.latest desc"};

/**
 * Query generated from SQL:
 * ```
 * -- The newest sign-ins of the window, a bounded number of them, and who they were.
 * select
 *   users.id,
 *   users.email,
 *   users.first_name as "firstName",
 *   users.last_name as "lastName",
 *   users.job_title as "jobTitle",
 *   users.status,
 *   users.email_verified_time as "emailVerifiedTime",
 *   users.phone_number as "phoneNumber",
 *   users.avatar_url as "avatarUrl",
 *   users.timezone,
 *   users.locale,
 *   users.last_login_time as "lastLoginTime",
 *   users.creation_time as "creationTime",
 *   users.last_update_time as "lastUpdateTime"
 * from (
 *   select
 *     opened.user_id,
 *     max(opened.recorded_at) as latest
 *   from (
 *     select
 *       user_id,
 *       recorded_at
 *     from auth_audit_logs
 *     where event_type = 'session.opened'
 *       and recorded_at >= :since!
 *     order by recorded_at desc
 *     limit 1000
 *   ) as opened
 *   group by opened.user_id
 *   order by latest desc
 *   limit :limit!
 * ) as recent
 * join users on users.id = recent.user_id
 * order by recent.latest desc
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
  email: string;
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

const searchUsersIR: any = {"usedParamSet":{"query":true,"limit":true},"params":[{"name":"query","required":true,"transform":{"type":"scalar"},"locs":[{"a":173,"b":179}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":182,"b":188}]}],"statement":"select\n  user_id as \"userId!\",\n  email as \"email!\",\n  first_name as \"firstName!\",\n  last_name as \"lastName!\",\n  job_title as \"jobTitle\",\n  role as \"role!\"\nfrom search_users(:query!, :limit!)"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   user_id as "userId!",
 *   email as "email!",
 *   first_name as "firstName!",
 *   last_name as "lastName!",
 *   job_title as "jobTitle",
 *   role as "role!"
 * from search_users(:query!, :limit!)
 * ```
 */
export const searchUsers = new PreparedQuery<SearchUsersParams,SearchUsersResult>(searchUsersIR);


/** 'UpdateOwnProfile' parameters type */
export interface UpdateOwnProfileParams {
  avatarUrl?: string | null | void;
  firstName?: string | null | void;
  jobTitle?: string | null | void;
  lastName?: string | null | void;
  locale?: string | null | void;
  phoneNumber?: string | null | void;
  setsAvatarUrl: boolean;
  setsJobTitle: boolean;
  setsPhoneNumber: boolean;
  timezone?: string | null | void;
}

/** 'UpdateOwnProfile' return type */
export interface UpdateOwnProfileResult {
  /** An https address of a picture. [personal] */
  avatarUrl: string | null;
  /** When they registered. [internal] */
  creationTime: Date;
  /** The address they sign in with: A to Z in lower case, the domain in ASCII, unique in the cell. [personal] */
  email: string;
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
  /** E.164; null when they give none. [personal] */
  phoneNumber: string | null;
  /** pending until the address is verified, then active; suspended by an operator; deleted. Only active people sign in. [internal] */
  status: string;
  /** An IANA time zone name. [personal] */
  timezone: string;
}

/** 'UpdateOwnProfile' query type */
export interface UpdateOwnProfileQuery {
  params: UpdateOwnProfileParams;
  result: UpdateOwnProfileResult;
}

const updateOwnProfileIR: any = {"usedParamSet":{"firstName":true,"lastName":true,"setsJobTitle":true,"jobTitle":true,"setsPhoneNumber":true,"phoneNumber":true,"setsAvatarUrl":true,"avatarUrl":true,"timezone":true,"locale":true},"params":[{"name":"firstName","required":false,"transform":{"type":"scalar"},"locs":[{"a":41,"b":50}]},{"name":"lastName","required":false,"transform":{"type":"scalar"},"locs":[{"a":89,"b":97}]},{"name":"setsJobTitle","required":true,"transform":{"type":"scalar"},"locs":[{"a":136,"b":149}]},{"name":"jobTitle","required":false,"transform":{"type":"scalar"},"locs":[{"a":156,"b":164}]},{"name":"setsPhoneNumber","required":true,"transform":{"type":"scalar"},"locs":[{"a":213,"b":229}]},{"name":"phoneNumber","required":false,"transform":{"type":"scalar"},"locs":[{"a":236,"b":247}]},{"name":"setsAvatarUrl","required":true,"transform":{"type":"scalar"},"locs":[{"a":297,"b":311}]},{"name":"avatarUrl","required":false,"transform":{"type":"scalar"},"locs":[{"a":318,"b":327}]},{"name":"timezone","required":false,"transform":{"type":"scalar"},"locs":[{"a":372,"b":380}]},{"name":"locale","required":false,"transform":{"type":"scalar"},"locs":[{"a":414,"b":420}]}],"statement":"update users\nset\n  first_name = coalesce(:firstName, first_name),\n  last_name = coalesce(:lastName, last_name),\n  job_title = case when :setsJobTitle! then :jobTitle else job_title end,\n  phone_number = case when :setsPhoneNumber! then :phoneNumber else phone_number end,\n  avatar_url = case when :setsAvatarUrl! then :avatarUrl else avatar_url end,\n  timezone = coalesce(:timezone, timezone),\n  locale = coalesce(:locale, locale)\nwhere id = (select current_user_id())\nreturning\n  id,\n  email,\n  first_name as \"firstName\",\n  last_name as \"lastName\",\n  job_title as \"jobTitle\",\n  status,\n  email_verified_time as \"emailVerifiedTime\",\n  phone_number as \"phoneNumber\",\n  avatar_url as \"avatarUrl\",\n  timezone,\n  locale,\n  last_login_time as \"lastLoginTime\",\n  creation_time as \"creationTime\",\n  last_update_time as \"lastUpdateTime\""};

/**
 * Query generated from SQL:
 * ```
 * update users
 * set
 *   first_name = coalesce(:firstName, first_name),
 *   last_name = coalesce(:lastName, last_name),
 *   job_title = case when :setsJobTitle! then :jobTitle else job_title end,
 *   phone_number = case when :setsPhoneNumber! then :phoneNumber else phone_number end,
 *   avatar_url = case when :setsAvatarUrl! then :avatarUrl else avatar_url end,
 *   timezone = coalesce(:timezone, timezone),
 *   locale = coalesce(:locale, locale)
 * where id = (select current_user_id())
 * returning
 *   id,
 *   email,
 *   first_name as "firstName",
 *   last_name as "lastName",
 *   job_title as "jobTitle",
 *   status,
 *   email_verified_time as "emailVerifiedTime",
 *   phone_number as "phoneNumber",
 *   avatar_url as "avatarUrl",
 *   timezone,
 *   locale,
 *   last_login_time as "lastLoginTime",
 *   creation_time as "creationTime",
 *   last_update_time as "lastUpdateTime"
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


