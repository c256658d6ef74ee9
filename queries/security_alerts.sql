/* @name FindAlert */
select
  id,
  organization_id as "organizationId",
  user_id as "userId",
  session_id as "sessionId",
  alert_type as "alertType",
  severity,
  status,
  evidence,
  creation_time as "creationTime",
  last_update_time as "lastUpdateTime",
  resolved_by as "resolvedBy",
  resolution_time as "resolutionTime",
  resolution_note as "resolutionNote",
  creation_time::text as "position!"
from security_alerts
where id = :alertId!;

/* @name ListOpenAlerts */
-- Open and acknowledged ones: what is resolved is in the audit log.
select
  id,
  organization_id as "organizationId",
  user_id as "userId",
  session_id as "sessionId",
  alert_type as "alertType",
  severity,
  status,
  evidence,
  creation_time as "creationTime",
  last_update_time as "lastUpdateTime",
  resolved_by as "resolvedBy",
  resolution_time as "resolutionTime",
  resolution_note as "resolutionNote",
  creation_time::text as "position!"
from security_alerts
where status <> 'resolved'
  and (:organizationId::uuid is null or organization_id = :organizationId)
  and (:severity::text is null or severity = :severity)
  and (creation_time, id) < (:beforeTime!, :beforeId!)
order by creation_time desc, id desc
limit :limit!;

/* @name ListUserAlerts */
select
  id,
  organization_id as "organizationId",
  user_id as "userId",
  session_id as "sessionId",
  alert_type as "alertType",
  severity,
  status,
  evidence,
  creation_time as "creationTime",
  last_update_time as "lastUpdateTime",
  resolved_by as "resolvedBy",
  resolution_time as "resolutionTime",
  resolution_note as "resolutionNote",
  creation_time::text as "position!"
from security_alerts
where user_id = :userId!
  and (creation_time, id) < (:beforeTime!, :beforeId!)
order by creation_time desc, id desc
limit :limit!;

/* @name CountOpenAlerts */
-- To a limit: a thousand open alerts are too many, however many more there are.
select count(*)::integer as "count!"
from (
  select
  from security_alerts
  where status <> 'resolved'
  limit :limit!
) as unresolved;

/* @name ReportAlert */
select report_alert(
  p_reason => :reason!,
  p_severity => :severity!,
  p_user_id => :userId
) as "alertId!";

/* @name AcknowledgeAlert */
select acknowledge_alert(:alertId!);

/* @name ResolveAlert */
select resolve_alert(p_alert_id => :alertId!, p_note => :note!);
