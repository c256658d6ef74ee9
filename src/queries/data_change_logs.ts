/** Types generated for queries found in "queries/data_change_logs.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type DateOrString = Date | string;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type NumberOrString = number | string;

export type stringArray = (string)[];

/** 'ListChanges' parameters type */
export interface ListChangesParams {
  actingUserId?: string | null | void;
  beforeId: string;
  beforeTime: DateOrString;
  limit: NumberOrString;
  organizationId?: string | null | void;
  since: DateOrString;
  tableName?: string | null | void;
}

/** 'ListChanges' return type */
export interface ListChangesResult {
  /** Who changed it; null when nobody was signed in. [internal] */
  actingUserId: string | null;
  /** When. [internal] */
  eventTime: Date;
  /** The id of the change. [internal] */
  id: string;
  /** The changed columns after; personal, secret and sealed values read "[redacted]". [internal] */
  newValues: Json | null;
  /** The changed columns before; personal, secret and sealed values read "[redacted]". [internal] */
  oldValues: Json | null;
  /** insert, update or delete. [internal] */
  operation: string;
  /** The organization of the row, or of whoever changed it. [internal] */
  organizationId: string | null;
  position: string;
  /** Which row; of a link table, the row on its far side. [internal] */
  rowId: string;
  /** In which session. [internal] */
  sessionId: string | null;
  /** Which table. [internal] */
  tableName: string;
}

/** 'ListChanges' query type */
export interface ListChangesQuery {
  params: ListChangesParams;
  result: ListChangesResult;
}

const listChangesIR: any = {"usedParamSet":{"organizationId":true,"tableName":true,"actingUserId":true,"since":true,"beforeTime":true,"beforeId":true,"limit":true},"params":[{"name":"organizationId","required":false,"transform":{"type":"scalar"},"locs":[{"a":331,"b":345},{"a":382,"b":396}]},{"name":"tableName","required":false,"transform":{"type":"scalar"},"locs":[{"a":406,"b":415},{"a":447,"b":456}]},{"name":"actingUserId","required":false,"transform":{"type":"scalar"},"locs":[{"a":466,"b":478},{"a":514,"b":526}]},{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":550,"b":556}]},{"name":"beforeTime","required":true,"transform":{"type":"scalar"},"locs":[{"a":579,"b":590},{"a":619,"b":630}]},{"name":"beforeId","required":true,"transform":{"type":"scalar"},"locs":[{"a":633,"b":642}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":686,"b":692}]}],"statement":"select\n  id,\n  event_time as \"eventTime\",\n  organization_id as \"organizationId\",\n  acting_user_id as \"actingUserId\",\n  session_id as \"sessionId\",\n  table_name as \"tableName\",\n  row_id as \"rowId\",\n  operation,\n  old_values as \"oldValues\",\n  new_values as \"newValues\",\n  recorded_at::text as \"position!\"\nfrom data_change_logs\nwhere (:organizationId::uuid is null or organization_id = :organizationId)\n  and (:tableName::text is null or table_name = :tableName)\n  and (:actingUserId::uuid is null or acting_user_id = :actingUserId)\n  and recorded_at >= :since!\n  and recorded_at <= :beforeTime!\n  and (recorded_at, id) < (:beforeTime!, :beforeId!)\norder by recorded_at desc, id desc\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   event_time as "eventTime",
 *   organization_id as "organizationId",
 *   acting_user_id as "actingUserId",
 *   session_id as "sessionId",
 *   table_name as "tableName",
 *   row_id as "rowId",
 *   operation,
 *   old_values as "oldValues",
 *   new_values as "newValues",
 *   recorded_at::text as "position!"
 * from data_change_logs
 * where (:organizationId::uuid is null or organization_id = :organizationId)
 *   and (:tableName::text is null or table_name = :tableName)
 *   and (:actingUserId::uuid is null or acting_user_id = :actingUserId)
 *   and recorded_at >= :since!
 *   and recorded_at <= :beforeTime!
 *   and (recorded_at, id) < (:beforeTime!, :beforeId!)
 * order by recorded_at desc, id desc
 * limit :limit!
 * ```
 */
export const listChanges = new PreparedQuery<ListChangesParams,ListChangesResult>(listChangesIR);


/** 'ListRowChanges' parameters type */
export interface ListRowChangesParams {
  actingUserId?: string | null | void;
  beforeId: string;
  beforeTime: DateOrString;
  limit: NumberOrString;
  organizationId?: string | null | void;
  rowId: string;
  since: DateOrString;
  tableName?: string | null | void;
}

/** 'ListRowChanges' return type */
export interface ListRowChangesResult {
  /** Who changed it; null when nobody was signed in. [internal] */
  actingUserId: string | null;
  /** When. [internal] */
  eventTime: Date;
  /** The id of the change. [internal] */
  id: string;
  /** The changed columns after; personal, secret and sealed values read "[redacted]". [internal] */
  newValues: Json | null;
  /** The changed columns before; personal, secret and sealed values read "[redacted]". [internal] */
  oldValues: Json | null;
  /** insert, update or delete. [internal] */
  operation: string;
  /** The organization of the row, or of whoever changed it. [internal] */
  organizationId: string | null;
  position: string;
  /** Which row; of a link table, the row on its far side. [internal] */
  rowId: string;
  /** In which session. [internal] */
  sessionId: string | null;
  /** Which table. [internal] */
  tableName: string;
}

/** 'ListRowChanges' query type */
export interface ListRowChangesQuery {
  params: ListRowChangesParams;
  result: ListRowChangesResult;
}

const listRowChangesIR: any = {"usedParamSet":{"rowId":true,"organizationId":true,"tableName":true,"actingUserId":true,"since":true,"beforeTime":true,"beforeId":true,"limit":true},"params":[{"name":"rowId","required":true,"transform":{"type":"scalar"},"locs":[{"a":339,"b":345}]},{"name":"organizationId","required":false,"transform":{"type":"scalar"},"locs":[{"a":354,"b":368},{"a":405,"b":419}]},{"name":"tableName","required":false,"transform":{"type":"scalar"},"locs":[{"a":429,"b":438},{"a":470,"b":479}]},{"name":"actingUserId","required":false,"transform":{"type":"scalar"},"locs":[{"a":489,"b":501},{"a":537,"b":549}]},{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":573,"b":579}]},{"name":"beforeTime","required":true,"transform":{"type":"scalar"},"locs":[{"a":602,"b":613},{"a":642,"b":653}]},{"name":"beforeId","required":true,"transform":{"type":"scalar"},"locs":[{"a":656,"b":665}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":709,"b":715}]}],"statement":"select\n  id,\n  event_time as \"eventTime\",\n  organization_id as \"organizationId\",\n  acting_user_id as \"actingUserId\",\n  session_id as \"sessionId\",\n  table_name as \"tableName\",\n  row_id as \"rowId\",\n  operation,\n  old_values as \"oldValues\",\n  new_values as \"newValues\",\n  recorded_at::text as \"position!\"\nfrom data_change_logs\nwhere row_id = :rowId!\n  and (:organizationId::uuid is null or organization_id = :organizationId)\n  and (:tableName::text is null or table_name = :tableName)\n  and (:actingUserId::uuid is null or acting_user_id = :actingUserId)\n  and recorded_at >= :since!\n  and recorded_at <= :beforeTime!\n  and (recorded_at, id) < (:beforeTime!, :beforeId!)\norder by recorded_at desc, id desc\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   event_time as "eventTime",
 *   organization_id as "organizationId",
 *   acting_user_id as "actingUserId",
 *   session_id as "sessionId",
 *   table_name as "tableName",
 *   row_id as "rowId",
 *   operation,
 *   old_values as "oldValues",
 *   new_values as "newValues",
 *   recorded_at::text as "position!"
 * from data_change_logs
 * where row_id = :rowId!
 *   and (:organizationId::uuid is null or organization_id = :organizationId)
 *   and (:tableName::text is null or table_name = :tableName)
 *   and (:actingUserId::uuid is null or acting_user_id = :actingUserId)
 *   and recorded_at >= :since!
 *   and recorded_at <= :beforeTime!
 *   and (recorded_at, id) < (:beforeTime!, :beforeId!)
 * order by recorded_at desc, id desc
 * limit :limit!
 * ```
 */
export const listRowChanges = new PreparedQuery<ListRowChangesParams,ListRowChangesResult>(listRowChangesIR);


/** 'FindLoginsOfChanges' parameters type */
export interface FindLoginsOfChangesParams {
  ids: stringArray;
  since: DateOrString;
  until: DateOrString;
}

/** 'FindLoginsOfChanges' return type */
export interface FindLoginsOfChangesResult {
  /** The id of the change. [internal] */
  id: string;
  /** Which login of the database it came from, set by the server: who it was, where nobody is signed in. Not for tenants. [internal] */
  loginName: string;
}

/** 'FindLoginsOfChanges' query type */
export interface FindLoginsOfChangesQuery {
  params: FindLoginsOfChangesParams;
  result: FindLoginsOfChangesResult;
}

const findLoginsOfChangesIR: any = {"usedParamSet":{"ids":true,"since":true,"until":true},"params":[{"name":"ids","required":true,"transform":{"type":"scalar"},"locs":[{"a":143,"b":147}]},{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":179,"b":185}]},{"name":"until","required":true,"transform":{"type":"scalar"},"locs":[{"a":208,"b":214}]}],"statement":"-- For the auditor too: tenants may not ask which login it was.\nselect\n  id,\n  login_name as \"loginName\"\nfrom data_change_logs\nwhere id = any (:ids!::uuid[])\n  and recorded_at >= :since!\n  and recorded_at <= :until!"};

/**
 * Query generated from SQL:
 * ```
 * -- For the auditor too: tenants may not ask which login it was.
 * select
 *   id,
 *   login_name as "loginName"
 * from data_change_logs
 * where id = any (:ids!::uuid[])
 *   and recorded_at >= :since!
 *   and recorded_at <= :until!
 * ```
 */
export const findLoginsOfChanges = new PreparedQuery<FindLoginsOfChangesParams,FindLoginsOfChangesResult>(findLoginsOfChangesIR);


/** 'ListAllChanges' parameters type */
export interface ListAllChangesParams {
  afterId: string;
  limit: NumberOrString;
  since: DateOrString;
  until: DateOrString;
}

/** 'ListAllChanges' return type */
export interface ListAllChangesResult {
  /** Who changed it; null when nobody was signed in. [internal] */
  actingUserId: string | null;
  /** When. [internal] */
  eventTime: Date;
  /** The id of the change. [internal] */
  id: string;
  /** Which login of the database it came from, set by the server: who it was, where nobody is signed in. Not for tenants. [internal] */
  loginName: string;
  /** The changed columns after; personal, secret and sealed values read "[redacted]". [internal] */
  newValues: Json | null;
  /** The changed columns before; personal, secret and sealed values read "[redacted]". [internal] */
  oldValues: Json | null;
  /** insert, update or delete. [internal] */
  operation: string;
  /** The organization of the row, or of whoever changed it. [internal] */
  organizationId: string | null;
  position: string;
  /** Which row; of a link table, the row on its far side. [internal] */
  rowId: string;
  /** In which session. [internal] */
  sessionId: string | null;
  /** Which table. [internal] */
  tableName: string;
}

/** 'ListAllChanges' query type */
export interface ListAllChangesQuery {
  params: ListAllChangesParams;
  result: ListAllChangesResult;
}

const listAllChangesIR: any = {"usedParamSet":{"since":true,"until":true,"afterId":true,"limit":true},"params":[{"name":"since","required":true,"transform":{"type":"scalar"},"locs":[{"a":448,"b":454}]},{"name":"until","required":true,"transform":{"type":"scalar"},"locs":[{"a":476,"b":482}]},{"name":"afterId","required":true,"transform":{"type":"scalar"},"locs":[{"a":495,"b":503}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":523,"b":529}]}],"statement":"-- For the auditor, who sees every organization: by id, which is by time.\nselect\n  id,\n  event_time as \"eventTime\",\n  organization_id as \"organizationId\",\n  acting_user_id as \"actingUserId\",\n  session_id as \"sessionId\",\n  table_name as \"tableName\",\n  row_id as \"rowId\",\n  operation,\n  old_values as \"oldValues\",\n  new_values as \"newValues\",\n  login_name as \"loginName\",\n  recorded_at::text as \"position!\"\nfrom data_change_logs\nwhere recorded_at >= :since!\n  and recorded_at < :until!\n  and id > :afterId!\norder by id\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * -- For the auditor, who sees every organization: by id, which is by time.
 * select
 *   id,
 *   event_time as "eventTime",
 *   organization_id as "organizationId",
 *   acting_user_id as "actingUserId",
 *   session_id as "sessionId",
 *   table_name as "tableName",
 *   row_id as "rowId",
 *   operation,
 *   old_values as "oldValues",
 *   new_values as "newValues",
 *   login_name as "loginName",
 *   recorded_at::text as "position!"
 * from data_change_logs
 * where recorded_at >= :since!
 *   and recorded_at < :until!
 *   and id > :afterId!
 * order by id
 * limit :limit!
 * ```
 */
export const listAllChanges = new PreparedQuery<ListAllChangesParams,ListAllChangesResult>(listAllChangesIR);


