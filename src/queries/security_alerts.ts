/** Types generated for queries found in "queries/security_alerts.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type DateOrString = Date | string;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type NumberOrString = number | string;

/** 'FindAlert' parameters type */
export interface FindAlertParams {
  alertId: string;
}

/** 'FindAlert' return type */
export interface FindAlertResult {
  /** What was detected. [internal] */
  alertType: string;
  /** When it was detected. [internal] */
  creationTime: Date;
  /** What was seen: ids and numbers. [internal] */
  evidence: Json;
  /** The id of the alert. [internal] */
  id: string;
  /** When this row last changed. [internal] */
  lastUpdateTime: Date;
  /** Whose alert; null when it is the cell's. [internal] */
  organizationId: string | null;
  position: string;
  /** How it was resolved; null until then. [internal] */
  resolutionNote: string | null;
  /** When it was resolved; null until then. [internal] */
  resolutionTime: Date | null;
  /** Who resolved it. [internal] */
  resolvedBy: string | null;
  /** About which session, if about one. [internal] */
  sessionId: string | null;
  /** low, medium, high or critical. [internal] */
  severity: string;
  /** open, acknowledged or resolved. [internal] */
  status: string;
  /** About whom, if about anyone. [internal] */
  userId: string | null;
}

/** 'FindAlert' query type */
export interface FindAlertQuery {
  params: FindAlertParams;
  result: FindAlertResult;
}

const findAlertIR: any = {"usedParamSet":{"alertId":true},"params":[{"name":"alertId","required":true,"transform":{"type":"scalar"},"locs":[{"a":420,"b":428}]}],"statement":"select\n  id,\n  organization_id as \"organizationId\",\n  user_id as \"userId\",\n  session_id as \"sessionId\",\n  alert_type as \"alertType\",\n  severity,\n  status,\n  evidence,\n  creation_time as \"creationTime\",\n  last_update_time as \"lastUpdateTime\",\n  resolved_by as \"resolvedBy\",\n  resolution_time as \"resolutionTime\",\n  resolution_note as \"resolutionNote\",\n  creation_time::text as \"position!\"\nfrom security_alerts\nwhere id = :alertId!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   organization_id as "organizationId",
 *   user_id as "userId",
 *   session_id as "sessionId",
 *   alert_type as "alertType",
 *   severity,
 *   status,
 *   evidence,
 *   creation_time as "creationTime",
 *   last_update_time as "lastUpdateTime",
 *   resolved_by as "resolvedBy",
 *   resolution_time as "resolutionTime",
 *   resolution_note as "resolutionNote",
 *   creation_time::text as "position!"
 * from security_alerts
 * where id = :alertId!
 * ```
 */
export const findAlert = new PreparedQuery<FindAlertParams,FindAlertResult>(findAlertIR);


/** 'ListOpenAlerts' parameters type */
export interface ListOpenAlertsParams {
  beforeId: string;
  beforeTime: DateOrString;
  limit: NumberOrString;
  organizationId?: string | null | void;
  severity?: string | null | void;
}

/** 'ListOpenAlerts' return type */
export interface ListOpenAlertsResult {
  /** What was detected. [internal] */
  alertType: string;
  /** When it was detected. [internal] */
  creationTime: Date;
  /** What was seen: ids and numbers. [internal] */
  evidence: Json;
  /** The id of the alert. [internal] */
  id: string;
  /** When this row last changed. [internal] */
  lastUpdateTime: Date;
  /** Whose alert; null when it is the cell's. [internal] */
  organizationId: string | null;
  position: string;
  /** How it was resolved; null until then. [internal] */
  resolutionNote: string | null;
  /** When it was resolved; null until then. [internal] */
  resolutionTime: Date | null;
  /** Who resolved it. [internal] */
  resolvedBy: string | null;
  /** About which session, if about one. [internal] */
  sessionId: string | null;
  /** low, medium, high or critical. [internal] */
  severity: string;
  /** open, acknowledged or resolved. [internal] */
  status: string;
  /** About whom, if about anyone. [internal] */
  userId: string | null;
}

/** 'ListOpenAlerts' query type */
export interface ListOpenAlertsQuery {
  params: ListOpenAlertsParams;
  result: ListOpenAlertsResult;
}

const listOpenAlertsIR: any = {"usedParamSet":{"organizationId":true,"severity":true,"beforeTime":true,"beforeId":true,"limit":true},"params":[{"name":"organizationId","required":false,"transform":{"type":"scalar"},"locs":[{"a":512,"b":526},{"a":563,"b":577}]},{"name":"severity","required":false,"transform":{"type":"scalar"},"locs":[{"a":587,"b":595},{"a":625,"b":633}]},{"name":"beforeTime","required":true,"transform":{"type":"scalar"},"locs":[{"a":665,"b":676}]},{"name":"beforeId","required":true,"transform":{"type":"scalar"},"locs":[{"a":679,"b":688}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":734,"b":740}]}],"statement":"-- Open and acknowledged ones: what is resolved is in the audit log.\nselect\n  id,\n  organization_id as \"organizationId\",\n  user_id as \"userId\",\n  session_id as \"sessionId\",\n  alert_type as \"alertType\",\n  severity,\n  status,\n  evidence,\n  creation_time as \"creationTime\",\n  last_update_time as \"lastUpdateTime\",\n  resolved_by as \"resolvedBy\",\n  resolution_time as \"resolutionTime\",\n  resolution_note as \"resolutionNote\",\n  creation_time::text as \"position!\"\nfrom security_alerts\nwhere status <> 'resolved'\n  and (:organizationId::uuid is null or organization_id = :organizationId)\n  and (:severity::text is null or severity = :severity)\n  and (creation_time, id) < (:beforeTime!, :beforeId!)\norder by creation_time desc, id desc\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * -- Open and acknowledged ones: what is resolved is in the audit log.
 * select
 *   id,
 *   organization_id as "organizationId",
 *   user_id as "userId",
 *   session_id as "sessionId",
 *   alert_type as "alertType",
 *   severity,
 *   status,
 *   evidence,
 *   creation_time as "creationTime",
 *   last_update_time as "lastUpdateTime",
 *   resolved_by as "resolvedBy",
 *   resolution_time as "resolutionTime",
 *   resolution_note as "resolutionNote",
 *   creation_time::text as "position!"
 * from security_alerts
 * where status <> 'resolved'
 *   and (:organizationId::uuid is null or organization_id = :organizationId)
 *   and (:severity::text is null or severity = :severity)
 *   and (creation_time, id) < (:beforeTime!, :beforeId!)
 * order by creation_time desc, id desc
 * limit :limit!
 * ```
 */
export const listOpenAlerts = new PreparedQuery<ListOpenAlertsParams,ListOpenAlertsResult>(listOpenAlertsIR);


/** 'ListUserAlerts' parameters type */
export interface ListUserAlertsParams {
  beforeId: string;
  beforeTime: DateOrString;
  limit: NumberOrString;
  userId: string;
}

/** 'ListUserAlerts' return type */
export interface ListUserAlertsResult {
  /** What was detected. [internal] */
  alertType: string;
  /** When it was detected. [internal] */
  creationTime: Date;
  /** What was seen: ids and numbers. [internal] */
  evidence: Json;
  /** The id of the alert. [internal] */
  id: string;
  /** When this row last changed. [internal] */
  lastUpdateTime: Date;
  /** Whose alert; null when it is the cell's. [internal] */
  organizationId: string | null;
  position: string;
  /** How it was resolved; null until then. [internal] */
  resolutionNote: string | null;
  /** When it was resolved; null until then. [internal] */
  resolutionTime: Date | null;
  /** Who resolved it. [internal] */
  resolvedBy: string | null;
  /** About which session, if about one. [internal] */
  sessionId: string | null;
  /** low, medium, high or critical. [internal] */
  severity: string;
  /** open, acknowledged or resolved. [internal] */
  status: string;
  /** About whom, if about anyone. [internal] */
  userId: string | null;
}

/** 'ListUserAlerts' query type */
export interface ListUserAlertsQuery {
  params: ListUserAlertsParams;
  result: ListUserAlertsResult;
}

const listUserAlertsIR: any = {"usedParamSet":{"userId":true,"beforeTime":true,"beforeId":true,"limit":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":425,"b":432}]},{"name":"beforeTime","required":true,"transform":{"type":"scalar"},"locs":[{"a":463,"b":474}]},{"name":"beforeId","required":true,"transform":{"type":"scalar"},"locs":[{"a":477,"b":486}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":532,"b":538}]}],"statement":"select\n  id,\n  organization_id as \"organizationId\",\n  user_id as \"userId\",\n  session_id as \"sessionId\",\n  alert_type as \"alertType\",\n  severity,\n  status,\n  evidence,\n  creation_time as \"creationTime\",\n  last_update_time as \"lastUpdateTime\",\n  resolved_by as \"resolvedBy\",\n  resolution_time as \"resolutionTime\",\n  resolution_note as \"resolutionNote\",\n  creation_time::text as \"position!\"\nfrom security_alerts\nwhere user_id = :userId!\n  and (creation_time, id) < (:beforeTime!, :beforeId!)\norder by creation_time desc, id desc\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   organization_id as "organizationId",
 *   user_id as "userId",
 *   session_id as "sessionId",
 *   alert_type as "alertType",
 *   severity,
 *   status,
 *   evidence,
 *   creation_time as "creationTime",
 *   last_update_time as "lastUpdateTime",
 *   resolved_by as "resolvedBy",
 *   resolution_time as "resolutionTime",
 *   resolution_note as "resolutionNote",
 *   creation_time::text as "position!"
 * from security_alerts
 * where user_id = :userId!
 *   and (creation_time, id) < (:beforeTime!, :beforeId!)
 * order by creation_time desc, id desc
 * limit :limit!
 * ```
 */
export const listUserAlerts = new PreparedQuery<ListUserAlertsParams,ListUserAlertsResult>(listUserAlertsIR);


/** 'CountOpenAlerts' parameters type */
export interface CountOpenAlertsParams {
  limit: NumberOrString;
}

/** 'CountOpenAlerts' return type */
export interface CountOpenAlertsResult {
  count: number;
}

/** 'CountOpenAlerts' query type */
export interface CountOpenAlertsQuery {
  params: CountOpenAlertsParams;
  result: CountOpenAlertsResult;
}

const countOpenAlertsIR: any = {"usedParamSet":{"limit":true},"params":[{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":194,"b":200}]}],"statement":"-- To a limit: a thousand open alerts are too many, however many more there are.\nselect count(*)::integer as \"count!\"\nfrom (\n  select\n  from security_alerts\n  where status <> 'resolved'\n  limit :limit!\n) as unresolved"};

/**
 * Query generated from SQL:
 * ```
 * -- To a limit: a thousand open alerts are too many, however many more there are.
 * select count(*)::integer as "count!"
 * from (
 *   select
 *   from security_alerts
 *   where status <> 'resolved'
 *   limit :limit!
 * ) as unresolved
 * ```
 */
export const countOpenAlerts = new PreparedQuery<CountOpenAlertsParams,CountOpenAlertsResult>(countOpenAlertsIR);


/** 'ReportAlert' parameters type */
export interface ReportAlertParams {
  reason: string;
  severity: string;
  userId?: string | null | void;
}

/** 'ReportAlert' return type */
export interface ReportAlertResult {
  alertId: string;
}

/** 'ReportAlert' query type */
export interface ReportAlertQuery {
  params: ReportAlertParams;
  result: ReportAlertResult;
}

const reportAlertIR: any = {"usedParamSet":{"reason":true,"severity":true,"userId":true},"params":[{"name":"reason","required":true,"transform":{"type":"scalar"},"locs":[{"a":35,"b":42}]},{"name":"severity","required":true,"transform":{"type":"scalar"},"locs":[{"a":61,"b":70}]},{"name":"userId","required":false,"transform":{"type":"scalar"},"locs":[{"a":88,"b":94}]}],"statement":"select report_alert(\n  p_reason => :reason!,\n  p_severity => :severity!,\n  p_user_id => :userId\n) as \"alertId!\""};

/**
 * Query generated from SQL:
 * ```
 * select report_alert(
 *   p_reason => :reason!,
 *   p_severity => :severity!,
 *   p_user_id => :userId
 * ) as "alertId!"
 * ```
 */
export const reportAlert = new PreparedQuery<ReportAlertParams,ReportAlertResult>(reportAlertIR);


/** 'AcknowledgeAlert' parameters type */
export interface AcknowledgeAlertParams {
  alertId: string;
}

/** 'AcknowledgeAlert' return type */
export interface AcknowledgeAlertResult {
  acknowledge_alert: undefined | null;
}

/** 'AcknowledgeAlert' query type */
export interface AcknowledgeAlertQuery {
  params: AcknowledgeAlertParams;
  result: AcknowledgeAlertResult;
}

const acknowledgeAlertIR: any = {"usedParamSet":{"alertId":true},"params":[{"name":"alertId","required":true,"transform":{"type":"scalar"},"locs":[{"a":25,"b":33}]}],"statement":"select acknowledge_alert(:alertId!)"};

/**
 * Query generated from SQL:
 * ```
 * select acknowledge_alert(:alertId!)
 * ```
 */
export const acknowledgeAlert = new PreparedQuery<AcknowledgeAlertParams,AcknowledgeAlertResult>(acknowledgeAlertIR);


/** 'ResolveAlert' parameters type */
export interface ResolveAlertParams {
  alertId: string;
  note: string;
}

/** 'ResolveAlert' return type */
export interface ResolveAlertResult {
  resolve_alert: undefined | null;
}

/** 'ResolveAlert' query type */
export interface ResolveAlertQuery {
  params: ResolveAlertParams;
  result: ResolveAlertResult;
}

const resolveAlertIR: any = {"usedParamSet":{"alertId":true,"note":true},"params":[{"name":"alertId","required":true,"transform":{"type":"scalar"},"locs":[{"a":35,"b":43}]},{"name":"note","required":true,"transform":{"type":"scalar"},"locs":[{"a":56,"b":61}]}],"statement":"select resolve_alert(p_alert_id => :alertId!, p_note => :note!)"};

/**
 * Query generated from SQL:
 * ```
 * select resolve_alert(p_alert_id => :alertId!, p_note => :note!)
 * ```
 */
export const resolveAlert = new PreparedQuery<ResolveAlertParams,ResolveAlertResult>(resolveAlertIR);


