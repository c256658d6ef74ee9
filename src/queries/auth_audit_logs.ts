/** Types generated for queries found in "queries/auth_audit_logs.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type DateOrString = Date | string;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type NumberOrString = number | string;

export type stringArray = (string)[];

/** 'FindEvent' parameters type */
export interface FindEventParams {
  eventId: string;
  since: DateOrString;
  until: DateOrString;
}

/** 'FindEvent' return type */
export interface FindEventResult {
  /** Who did it; null before anyone is signed in. [internal] */
  actingUserId: string | null;
  /** More, by event type. Ids and words, never secrets or free text about people. [internal] */
  additionalData: Json;
  /** The device, when one is known. [internal] */
  deviceId: string | null;
  /** When it happened. [internal] */
  eventTime: Date;
  /** What happened: a name in event_types. [internal] */
  eventType: string;
  /** Why not; null on success. [internal] */
  failureReason: string | null;
  /** The id of the event. [internal] */
  id: string;
  /** Where the application says the request came from. [personal] */
  ipAddress: string | null;
  /** Where it happened; null outside any organization. [internal] */
  organizationId: string | null;
  position: string;
  /** Which one. [internal] */
  resourceId: string | null;
  /** What kind of thing it was done to. [internal] */
  resourceType: string | null;
  /** success, failure or denied. [internal] */
  result: string;
  /** In which session. [internal] */
  sessionId: string | null;
  /** The user agent the application says it came with, control characters replaced. [personal] */
  userAgent: string | null;
  /** Whom it happened to; null when unknown. [internal] */
  userId: string | null;
}

/** 'FindEvent' query type */
export interface FindEventQuery {
  params: FindEventParams;
  result: FindEventResult;
}

const findEventIR: any = {"usedParamSet":{"eventId":true,"since":true,"until":true},"params":[{"name":"eventId","required":true,"transform":{"type":"scalar"},"locs":[{"a":570,"b":578}]},{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":606,"b":612}]},{"name":"until","required":true,"transform":{"type":"scalar"},"locs":[{"a":618,"b":624}]}],"statement":"-- The id says when it was made, and so in which partition to look.\nselect\n  id,\n  event_time as \"eventTime\",\n  event_type as \"eventType\",\n  user_id as \"userId\",\n  acting_user_id as \"actingUserId\",\n  organization_id as \"organizationId\",\n  session_id as \"sessionId\",\n  ip_address as \"ipAddress\",\n  user_agent as \"userAgent\",\n  device_id as \"deviceId\",\n  result,\n  failure_reason as \"failureReason\",\n  resource_type as \"resourceType\",\n  resource_id as \"resourceId\",\n  additional_data as \"additionalData\",\n  recorded_at::text as \"position!\"\nfrom auth_audit_logs\nwhere id = :eventId!\n  and recorded_at between :since! and :until!"};

/**
 * Query generated from SQL:
 * ```
 * -- The id says when it was made, and so in which partition to look.
 * select
 *   id,
 *   event_time as "eventTime",
 *   event_type as "eventType",
 *   user_id as "userId",
 *   acting_user_id as "actingUserId",
 *   organization_id as "organizationId",
 *   session_id as "sessionId",
 *   ip_address as "ipAddress",
 *   user_agent as "userAgent",
 *   device_id as "deviceId",
 *   result,
 *   failure_reason as "failureReason",
 *   resource_type as "resourceType",
 *   resource_id as "resourceId",
 *   additional_data as "additionalData",
 *   recorded_at::text as "position!"
 * from auth_audit_logs
 * where id = :eventId!
 *   and recorded_at between :since! and :until!
 * ```
 */
export const findEvent = new PreparedQuery<FindEventParams,FindEventResult>(findEventIR);


/** 'ListEvents' parameters type */
export interface ListEventsParams {
  actingUserId?: string | null | void;
  beforeId: string;
  beforeTime: DateOrString;
  eventType?: string | null | void;
  limit: NumberOrString;
  organizationId?: string | null | void;
  resourceId?: string | null | void;
  result?: string | null | void;
  since: DateOrString;
}

/** 'ListEvents' return type */
export interface ListEventsResult {
  /** Who did it; null before anyone is signed in. [internal] */
  actingUserId: string | null;
  /** More, by event type. Ids and words, never secrets or free text about people. [internal] */
  additionalData: Json;
  /** The device, when one is known. [internal] */
  deviceId: string | null;
  /** When it happened. [internal] */
  eventTime: Date;
  /** What happened: a name in event_types. [internal] */
  eventType: string;
  /** Why not; null on success. [internal] */
  failureReason: string | null;
  /** The id of the event. [internal] */
  id: string;
  /** Where the application says the request came from. [personal] */
  ipAddress: string | null;
  /** Where it happened; null outside any organization. [internal] */
  organizationId: string | null;
  position: string;
  /** Which one. [internal] */
  resourceId: string | null;
  /** What kind of thing it was done to. [internal] */
  resourceType: string | null;
  /** success, failure or denied. [internal] */
  result: string;
  /** In which session. [internal] */
  sessionId: string | null;
  /** The user agent the application says it came with, control characters replaced. [personal] */
  userAgent: string | null;
  /** Whom it happened to; null when unknown. [internal] */
  userId: string | null;
}

/** 'ListEvents' query type */
export interface ListEventsQuery {
  params: ListEventsParams;
  result: ListEventsResult;
}

const listEventsIR: any = {"usedParamSet":{"organizationId":true,"eventType":true,"result":true,"actingUserId":true,"resourceId":true,"since":true,"beforeTime":true,"beforeId":true,"limit":true},"params":[{"name":"organizationId","required":false,"transform":{"type":"scalar"},"locs":[{"a":498,"b":512},{"a":549,"b":563}]},{"name":"eventType","required":false,"transform":{"type":"scalar"},"locs":[{"a":573,"b":582},{"a":614,"b":623}]},{"name":"result","required":false,"transform":{"type":"scalar"},"locs":[{"a":633,"b":639},{"a":667,"b":673}]},{"name":"actingUserId","required":false,"transform":{"type":"scalar"},"locs":[{"a":683,"b":695},{"a":731,"b":743}]},{"name":"resourceId","required":false,"transform":{"type":"scalar"},"locs":[{"a":753,"b":763},{"a":796,"b":806}]},{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":830,"b":836}]},{"name":"beforeTime","required":true,"transform":{"type":"scalar"},"locs":[{"a":859,"b":870},{"a":899,"b":910}]},{"name":"beforeId","required":true,"transform":{"type":"scalar"},"locs":[{"a":913,"b":922}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":966,"b":972}]}],"statement":"select\n  id,\n  event_time as \"eventTime\",\n  event_type as \"eventType\",\n  user_id as \"userId\",\n  acting_user_id as \"actingUserId\",\n  organization_id as \"organizationId\",\n  session_id as \"sessionId\",\n  ip_address as \"ipAddress\",\n  user_agent as \"userAgent\",\n  device_id as \"deviceId\",\n  result,\n  failure_reason as \"failureReason\",\n  resource_type as \"resourceType\",\n  resource_id as \"resourceId\",\n  additional_data as \"additionalData\",\n  recorded_at::text as \"position!\"\nfrom auth_audit_logs\nwhere (:organizationId::uuid is null or organization_id = :organizationId)\n  and (:eventType::text is null or event_type = :eventType)\n  and (:result::text is null or result = :result)\n  and (:actingUserId::uuid is null or acting_user_id = :actingUserId)\n  and (:resourceId::uuid is null or resource_id = :resourceId)\n  and recorded_at >= :since!\n  and recorded_at <= :beforeTime!\n  and (recorded_at, id) < (:beforeTime!, :beforeId!)\norder by recorded_at desc, id desc\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   event_time as "eventTime",
 *   event_type as "eventType",
 *   user_id as "userId",
 *   acting_user_id as "actingUserId",
 *   organization_id as "organizationId",
 *   session_id as "sessionId",
 *   ip_address as "ipAddress",
 *   user_agent as "userAgent",
 *   device_id as "deviceId",
 *   result,
 *   failure_reason as "failureReason",
 *   resource_type as "resourceType",
 *   resource_id as "resourceId",
 *   additional_data as "additionalData",
 *   recorded_at::text as "position!"
 * from auth_audit_logs
 * where (:organizationId::uuid is null or organization_id = :organizationId)
 *   and (:eventType::text is null or event_type = :eventType)
 *   and (:result::text is null or result = :result)
 *   and (:actingUserId::uuid is null or acting_user_id = :actingUserId)
 *   and (:resourceId::uuid is null or resource_id = :resourceId)
 *   and recorded_at >= :since!
 *   and recorded_at <= :beforeTime!
 *   and (recorded_at, id) < (:beforeTime!, :beforeId!)
 * order by recorded_at desc, id desc
 * limit :limit!
 * ```
 */
export const listEvents = new PreparedQuery<ListEventsParams,ListEventsResult>(listEventsIR);


/** 'ListUserEvents' parameters type */
export interface ListUserEventsParams {
  actingUserId?: string | null | void;
  beforeId: string;
  beforeTime: DateOrString;
  eventType?: string | null | void;
  limit: NumberOrString;
  organizationId?: string | null | void;
  resourceId?: string | null | void;
  result?: string | null | void;
  since: DateOrString;
  userId: string;
}

/** 'ListUserEvents' return type */
export interface ListUserEventsResult {
  /** Who did it; null before anyone is signed in. [internal] */
  actingUserId: string | null;
  /** More, by event type. Ids and words, never secrets or free text about people. [internal] */
  additionalData: Json;
  /** The device, when one is known. [internal] */
  deviceId: string | null;
  /** When it happened. [internal] */
  eventTime: Date;
  /** What happened: a name in event_types. [internal] */
  eventType: string;
  /** Why not; null on success. [internal] */
  failureReason: string | null;
  /** The id of the event. [internal] */
  id: string;
  /** Where the application says the request came from. [personal] */
  ipAddress: string | null;
  /** Where it happened; null outside any organization. [internal] */
  organizationId: string | null;
  position: string;
  /** Which one. [internal] */
  resourceId: string | null;
  /** What kind of thing it was done to. [internal] */
  resourceType: string | null;
  /** success, failure or denied. [internal] */
  result: string;
  /** In which session. [internal] */
  sessionId: string | null;
  /** The user agent the application says it came with, control characters replaced. [personal] */
  userAgent: string | null;
  /** Whom it happened to; null when unknown. [internal] */
  userId: string | null;
}

/** 'ListUserEvents' query type */
export interface ListUserEventsQuery {
  params: ListUserEventsParams;
  result: ListUserEventsResult;
}

const listUserEventsIR: any = {"usedParamSet":{"userId":true,"eventType":true,"result":true,"actingUserId":true,"organizationId":true,"resourceId":true,"since":true,"beforeTime":true,"beforeId":true,"limit":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":507,"b":514}]},{"name":"eventType","required":false,"transform":{"type":"scalar"},"locs":[{"a":523,"b":532},{"a":564,"b":573}]},{"name":"result","required":false,"transform":{"type":"scalar"},"locs":[{"a":583,"b":589},{"a":617,"b":623}]},{"name":"actingUserId","required":false,"transform":{"type":"scalar"},"locs":[{"a":633,"b":645},{"a":681,"b":693}]},{"name":"organizationId","required":false,"transform":{"type":"scalar"},"locs":[{"a":703,"b":717},{"a":754,"b":768}]},{"name":"resourceId","required":false,"transform":{"type":"scalar"},"locs":[{"a":778,"b":788},{"a":821,"b":831}]},{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":855,"b":861}]},{"name":"beforeTime","required":true,"transform":{"type":"scalar"},"locs":[{"a":884,"b":895},{"a":924,"b":935}]},{"name":"beforeId","required":true,"transform":{"type":"scalar"},"locs":[{"a":938,"b":947}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":991,"b":997}]}],"statement":"select\n  id,\n  event_time as \"eventTime\",\n  event_type as \"eventType\",\n  user_id as \"userId\",\n  acting_user_id as \"actingUserId\",\n  organization_id as \"organizationId\",\n  session_id as \"sessionId\",\n  ip_address as \"ipAddress\",\n  user_agent as \"userAgent\",\n  device_id as \"deviceId\",\n  result,\n  failure_reason as \"failureReason\",\n  resource_type as \"resourceType\",\n  resource_id as \"resourceId\",\n  additional_data as \"additionalData\",\n  recorded_at::text as \"position!\"\nfrom auth_audit_logs\nwhere user_id = :userId!\n  and (:eventType::text is null or event_type = :eventType)\n  and (:result::text is null or result = :result)\n  and (:actingUserId::uuid is null or acting_user_id = :actingUserId)\n  and (:organizationId::uuid is null or organization_id = :organizationId)\n  and (:resourceId::uuid is null or resource_id = :resourceId)\n  and recorded_at >= :since!\n  and recorded_at <= :beforeTime!\n  and (recorded_at, id) < (:beforeTime!, :beforeId!)\norder by recorded_at desc, id desc\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   event_time as "eventTime",
 *   event_type as "eventType",
 *   user_id as "userId",
 *   acting_user_id as "actingUserId",
 *   organization_id as "organizationId",
 *   session_id as "sessionId",
 *   ip_address as "ipAddress",
 *   user_agent as "userAgent",
 *   device_id as "deviceId",
 *   result,
 *   failure_reason as "failureReason",
 *   resource_type as "resourceType",
 *   resource_id as "resourceId",
 *   additional_data as "additionalData",
 *   recorded_at::text as "position!"
 * from auth_audit_logs
 * where user_id = :userId!
 *   and (:eventType::text is null or event_type = :eventType)
 *   and (:result::text is null or result = :result)
 *   and (:actingUserId::uuid is null or acting_user_id = :actingUserId)
 *   and (:organizationId::uuid is null or organization_id = :organizationId)
 *   and (:resourceId::uuid is null or resource_id = :resourceId)
 *   and recorded_at >= :since!
 *   and recorded_at <= :beforeTime!
 *   and (recorded_at, id) < (:beforeTime!, :beforeId!)
 * order by recorded_at desc, id desc
 * limit :limit!
 * ```
 */
export const listUserEvents = new PreparedQuery<ListUserEventsParams,ListUserEventsResult>(listUserEventsIR);


/** 'FindLoginsOfEvents' parameters type */
export interface FindLoginsOfEventsParams {
  ids: stringArray;
  since: DateOrString;
  until: DateOrString;
}

/** 'FindLoginsOfEvents' return type */
export interface FindLoginsOfEventsResult {
  /** The id of the event. [internal] */
  id: string;
  /** Which login of the database it came from, set by the server: who it was, where nobody is signed in. Not for tenants. [internal] */
  loginName: string;
}

/** 'FindLoginsOfEvents' query type */
export interface FindLoginsOfEventsQuery {
  params: FindLoginsOfEventsParams;
  result: FindLoginsOfEventsResult;
}

const findLoginsOfEventsIR: any = {"usedParamSet":{"ids":true,"since":true,"until":true},"params":[{"name":"ids","required":true,"transform":{"type":"scalar"},"locs":[{"a":142,"b":146}]},{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":178,"b":184}]},{"name":"until","required":true,"transform":{"type":"scalar"},"locs":[{"a":207,"b":213}]}],"statement":"-- For the auditor too: tenants may not ask which login it was.\nselect\n  id,\n  login_name as \"loginName\"\nfrom auth_audit_logs\nwhere id = any (:ids!::uuid[])\n  and recorded_at >= :since!\n  and recorded_at <= :until!"};

/**
 * Query generated from SQL:
 * ```
 * -- For the auditor too: tenants may not ask which login it was.
 * select
 *   id,
 *   login_name as "loginName"
 * from auth_audit_logs
 * where id = any (:ids!::uuid[])
 *   and recorded_at >= :since!
 *   and recorded_at <= :until!
 * ```
 */
export const findLoginsOfEvents = new PreparedQuery<FindLoginsOfEventsParams,FindLoginsOfEventsResult>(findLoginsOfEventsIR);


/** 'ListAllEvents' parameters type */
export interface ListAllEventsParams {
  afterId: string;
  limit: NumberOrString;
  since: DateOrString;
  until: DateOrString;
}

/** 'ListAllEvents' return type */
export interface ListAllEventsResult {
  /** Who did it; null before anyone is signed in. [internal] */
  actingUserId: string | null;
  /** More, by event type. Ids and words, never secrets or free text about people. [internal] */
  additionalData: Json;
  /** The device, when one is known. [internal] */
  deviceId: string | null;
  /** When it happened. [internal] */
  eventTime: Date;
  /** What happened: a name in event_types. [internal] */
  eventType: string;
  /** Why not; null on success. [internal] */
  failureReason: string | null;
  /** The id of the event. [internal] */
  id: string;
  /** Where the application says the request came from. [personal] */
  ipAddress: string | null;
  /** Which login of the database it came from, set by the server: who it was, where nobody is signed in. Not for tenants. [internal] */
  loginName: string;
  /** Where it happened; null outside any organization. [internal] */
  organizationId: string | null;
  position: string;
  /** Which one. [internal] */
  resourceId: string | null;
  /** What kind of thing it was done to. [internal] */
  resourceType: string | null;
  /** success, failure or denied. [internal] */
  result: string;
  /** In which session. [internal] */
  sessionId: string | null;
  /** The user agent the application says it came with, control characters replaced. [personal] */
  userAgent: string | null;
  /** Whom it happened to; null when unknown. [internal] */
  userId: string | null;
}

/** 'ListAllEvents' query type */
export interface ListAllEventsQuery {
  params: ListAllEventsParams;
  result: ListAllEventsResult;
}

const listAllEventsIR: any = {"usedParamSet":{"since":true,"until":true,"afterId":true,"limit":true},"params":[{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":615,"b":621}]},{"name":"until","required":true,"transform":{"type":"scalar"},"locs":[{"a":643,"b":649}]},{"name":"afterId","required":true,"transform":{"type":"scalar"},"locs":[{"a":662,"b":670}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":690,"b":696}]}],"statement":"-- For the auditor, who sees every organization: by id, which is by time.\nselect\n  id,\n  event_time as \"eventTime\",\n  event_type as \"eventType\",\n  user_id as \"userId\",\n  acting_user_id as \"actingUserId\",\n  organization_id as \"organizationId\",\n  session_id as \"sessionId\",\n  ip_address as \"ipAddress\",\n  user_agent as \"userAgent\",\n  device_id as \"deviceId\",\n  result,\n  failure_reason as \"failureReason\",\n  resource_type as \"resourceType\",\n  resource_id as \"resourceId\",\n  additional_data as \"additionalData\",\n  login_name as \"loginName\",\n  recorded_at::text as \"position!\"\nfrom auth_audit_logs\nwhere recorded_at >= :since!\n  and recorded_at < :until!\n  and id > :afterId!\norder by id\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * -- For the auditor, who sees every organization: by id, which is by time.
 * select
 *   id,
 *   event_time as "eventTime",
 *   event_type as "eventType",
 *   user_id as "userId",
 *   acting_user_id as "actingUserId",
 *   organization_id as "organizationId",
 *   session_id as "sessionId",
 *   ip_address as "ipAddress",
 *   user_agent as "userAgent",
 *   device_id as "deviceId",
 *   result,
 *   failure_reason as "failureReason",
 *   resource_type as "resourceType",
 *   resource_id as "resourceId",
 *   additional_data as "additionalData",
 *   login_name as "loginName",
 *   recorded_at::text as "position!"
 * from auth_audit_logs
 * where recorded_at >= :since!
 *   and recorded_at < :until!
 *   and id > :afterId!
 * order by id
 * limit :limit!
 * ```
 */
export const listAllEvents = new PreparedQuery<ListAllEventsParams,ListAllEventsResult>(listAllEventsIR);


/** 'CountEventsByType' parameters type */
export interface CountEventsByTypeParams {
  since: DateOrString;
  until: DateOrString;
}

/** 'CountEventsByType' return type */
export interface CountEventsByTypeResult {
  count: number;
  /** What happened: a name in event_types. [internal] */
  eventType: string;
}

/** 'CountEventsByType' query type */
export interface CountEventsByTypeQuery {
  params: CountEventsByTypeParams;
  result: CountEventsByTypeResult;
}

const countEventsByTypeIR: any = {"usedParamSet":{"since":true,"until":true},"params":[{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":110,"b":116}]},{"name":"until","required":true,"transform":{"type":"scalar"},"locs":[{"a":138,"b":144}]}],"statement":"select\n  event_type as \"eventType\",\n  count(*)::integer as \"count!\"\nfrom auth_audit_logs\nwhere recorded_at >= :since!\n  and recorded_at < :until!\ngroup by event_type\norder by event_type"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   event_type as "eventType",
 *   count(*)::integer as "count!"
 * from auth_audit_logs
 * where recorded_at >= :since!
 *   and recorded_at < :until!
 * group by event_type
 * order by event_type
 * ```
 */
export const countEventsByType = new PreparedQuery<CountEventsByTypeParams,CountEventsByTypeResult>(countEventsByTypeIR);


/** 'CountEventsByResult' parameters type */
export interface CountEventsByResultParams {
  since: DateOrString;
  until: DateOrString;
}

/** 'CountEventsByResult' return type */
export interface CountEventsByResultResult {
  count: number;
  /** success, failure or denied. [internal] */
  result: string;
}

/** 'CountEventsByResult' query type */
export interface CountEventsByResultQuery {
  params: CountEventsByResultParams;
  result: CountEventsByResultResult;
}

const countEventsByResultIR: any = {"usedParamSet":{"since":true,"until":true},"params":[{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":91,"b":97}]},{"name":"until","required":true,"transform":{"type":"scalar"},"locs":[{"a":119,"b":125}]}],"statement":"select\n  result,\n  count(*)::integer as \"count!\"\nfrom auth_audit_logs\nwhere recorded_at >= :since!\n  and recorded_at < :until!\ngroup by result\norder by result"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   result,
 *   count(*)::integer as "count!"
 * from auth_audit_logs
 * where recorded_at >= :since!
 *   and recorded_at < :until!
 * group by result
 * order by result
 * ```
 */
export const countEventsByResult = new PreparedQuery<CountEventsByResultParams,CountEventsByResultResult>(countEventsByResultIR);


/** 'CountEventsByUser' parameters type */
export interface CountEventsByUserParams {
  limit: NumberOrString;
  since: DateOrString;
  until: DateOrString;
}

/** 'CountEventsByUser' return type */
export interface CountEventsByUserResult {
  count: number;
  /** Whom it happened to; null when unknown. [internal] */
  userId: string;
}

/** 'CountEventsByUser' query type */
export interface CountEventsByUserQuery {
  params: CountEventsByUserParams;
  result: CountEventsByUserResult;
}

const countEventsByUserIR: any = {"usedParamSet":{"since":true,"until":true,"limit":true},"params":[{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":105,"b":111}]},{"name":"until","required":true,"transform":{"type":"scalar"},"locs":[{"a":133,"b":139}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":222,"b":228}]}],"statement":"select\n  user_id as \"userId!\",\n  count(*)::integer as \"count!\"\nfrom auth_audit_logs\nwhere recorded_at >= :since!\n  and recorded_at < :until!\n  and user_id is not null\ngroup by user_id\norder by count(*) desc, user_id\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   user_id as "userId!",
 *   count(*)::integer as "count!"
 * from auth_audit_logs
 * where recorded_at >= :since!
 *   and recorded_at < :until!
 *   and user_id is not null
 * group by user_id
 * order by count(*) desc, user_id
 * limit :limit!
 * ```
 */
export const countEventsByUser = new PreparedQuery<CountEventsByUserParams,CountEventsByUserResult>(countEventsByUserIR);


/** 'SummarizeEvents' parameters type */
export interface SummarizeEventsParams {
  since: DateOrString;
  until: DateOrString;
}

/** 'SummarizeEvents' return type */
export interface SummarizeEventsResult {
  denials: number;
  events: number;
  exports: number;
  failures: number;
  membershipChanges: number;
  passwordChanges: number;
  permissionChanges: number;
  signIns: number;
}

/** 'SummarizeEvents' query type */
export interface SummarizeEventsQuery {
  params: SummarizeEventsParams;
  result: SummarizeEventsResult;
}

const summarizeEventsIR: any = {"usedParamSet":{"since":true,"until":true},"params":[{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":935,"b":941}]},{"name":"until","required":true,"transform":{"type":"scalar"},"locs":[{"a":963,"b":969}]}],"statement":"-- One pass over the period.\nselect\n  count(*)::integer as \"events!\",\n  count(*) filter (where event_type = 'session.opened')::integer as \"signIns!\",\n  count(*) filter (where result = 'failure')::integer as \"failures!\",\n  count(*) filter (where result = 'denied')::integer as \"denials!\",\n  count(*) filter (\n    where event_type in (\n      'role.assigned', 'role.removed', 'role.permissions_set', 'role.deleted', 'member.role_set',\n      'organization.ownership_transferred'\n    )\n  )::integer as \"permissionChanges!\",\n  count(*) filter (\n    where event_type in ('member.joined', 'member.left', 'member.removed', 'member.suspended')\n  )::integer as \"membershipChanges!\",\n  count(*) filter (\n    where event_type in ('password.changed', 'password.reset') and result = 'success'\n  )::integer as \"passwordChanges!\",\n  count(*) filter (where event_type = 'audit.exported')::integer as \"exports!\"\nfrom auth_audit_logs\nwhere recorded_at >= :since!\n  and recorded_at < :until!"};

/**
 * Query generated from SQL:
 * ```
 * -- One pass over the period.
 * select
 *   count(*)::integer as "events!",
 *   count(*) filter (where event_type = 'session.opened')::integer as "signIns!",
 *   count(*) filter (where result = 'failure')::integer as "failures!",
 *   count(*) filter (where result = 'denied')::integer as "denials!",
 *   count(*) filter (
 *     where event_type in (
 *       'role.assigned', 'role.removed', 'role.permissions_set', 'role.deleted', 'member.role_set',
 *       'organization.ownership_transferred'
 *     )
 *   )::integer as "permissionChanges!",
 *   count(*) filter (
 *     where event_type in ('member.joined', 'member.left', 'member.removed', 'member.suspended')
 *   )::integer as "membershipChanges!",
 *   count(*) filter (
 *     where event_type in ('password.changed', 'password.reset') and result = 'success'
 *   )::integer as "passwordChanges!",
 *   count(*) filter (where event_type = 'audit.exported')::integer as "exports!"
 * from auth_audit_logs
 * where recorded_at >= :since!
 *   and recorded_at < :until!
 * ```
 */
export const summarizeEvents = new PreparedQuery<SummarizeEventsParams,SummarizeEventsResult>(summarizeEventsIR);


/** 'RecordExport' parameters type */
export interface RecordExportParams {
  format: string;
  rowCount?: NumberOrString | null | void;
  since?: DateOrString | null | void;
  stream: string;
  until?: DateOrString | null | void;
}

/** 'RecordExport' return type */
export interface RecordExportResult {
  record_export: undefined | null;
}

/** 'RecordExport' query type */
export interface RecordExportQuery {
  params: RecordExportParams;
  result: RecordExportResult;
}

const recordExportIR: any = {"usedParamSet":{"stream":true,"format":true,"since":true,"until":true,"rowCount":true},"params":[{"name":"stream","required":true,"transform":{"type":"scalar"},"locs":[{"a":36,"b":43}]},{"name":"format","required":true,"transform":{"type":"scalar"},"locs":[{"a":60,"b":67}]},{"name":"since","required":false,"transform":{"type":"scalar"},"locs":[{"a":83,"b":88}]},{"name":"until","required":false,"transform":{"type":"scalar"},"locs":[{"a":104,"b":109}]},{"name":"rowCount","required":false,"transform":{"type":"scalar"},"locs":[{"a":129,"b":137}]}],"statement":"select record_export(\n  p_stream => :stream!,\n  p_format => :format!,\n  p_since => :since,\n  p_until => :until,\n  p_row_count => :rowCount\n)"};

/**
 * Query generated from SQL:
 * ```
 * select record_export(
 *   p_stream => :stream!,
 *   p_format => :format!,
 *   p_since => :since,
 *   p_until => :until,
 *   p_row_count => :rowCount
 * )
 * ```
 */
export const recordExport = new PreparedQuery<RecordExportParams,RecordExportResult>(recordExportIR);


/** 'RecordAuditorExport' parameters type */
export interface RecordAuditorExportParams {
  format: string;
  rowCount?: NumberOrString | null | void;
  since?: DateOrString | null | void;
  stream: string;
  until?: DateOrString | null | void;
}

/** 'RecordAuditorExport' return type */
export interface RecordAuditorExportResult {
  record_auditor_export: undefined | null;
}

/** 'RecordAuditorExport' query type */
export interface RecordAuditorExportQuery {
  params: RecordAuditorExportParams;
  result: RecordAuditorExportResult;
}

const recordAuditorExportIR: any = {"usedParamSet":{"stream":true,"format":true,"since":true,"until":true,"rowCount":true},"params":[{"name":"stream","required":true,"transform":{"type":"scalar"},"locs":[{"a":44,"b":51}]},{"name":"format","required":true,"transform":{"type":"scalar"},"locs":[{"a":68,"b":75}]},{"name":"since","required":false,"transform":{"type":"scalar"},"locs":[{"a":91,"b":96}]},{"name":"until","required":false,"transform":{"type":"scalar"},"locs":[{"a":112,"b":117}]},{"name":"rowCount","required":false,"transform":{"type":"scalar"},"locs":[{"a":137,"b":145}]}],"statement":"select record_auditor_export(\n  p_stream => :stream!,\n  p_format => :format!,\n  p_since => :since,\n  p_until => :until,\n  p_row_count => :rowCount\n)"};

/**
 * Query generated from SQL:
 * ```
 * select record_auditor_export(
 *   p_stream => :stream!,
 *   p_format => :format!,
 *   p_since => :since,
 *   p_until => :until,
 *   p_row_count => :rowCount
 * )
 * ```
 */
export const recordAuditorExport = new PreparedQuery<RecordAuditorExportParams,RecordAuditorExportResult>(recordAuditorExportIR);


/** 'RecordDenial' parameters type */
export interface RecordDenialParams {
  action: string;
  reason: string;
}

/** 'RecordDenial' return type */
export interface RecordDenialResult {
  record_denial: undefined | null;
}

/** 'RecordDenial' query type */
export interface RecordDenialQuery {
  params: RecordDenialParams;
  result: RecordDenialResult;
}

const recordDenialIR: any = {"usedParamSet":{"action":true,"reason":true},"params":[{"name":"action","required":true,"transform":{"type":"scalar"},"locs":[{"a":33,"b":40}]},{"name":"reason","required":true,"transform":{"type":"scalar"},"locs":[{"a":55,"b":62}]}],"statement":"select record_denial(p_action => :action!, p_reason => :reason!)"};

/**
 * Query generated from SQL:
 * ```
 * select record_denial(p_action => :action!, p_reason => :reason!)
 * ```
 */
export const recordDenial = new PreparedQuery<RecordDenialParams,RecordDenialResult>(recordDenialIR);


