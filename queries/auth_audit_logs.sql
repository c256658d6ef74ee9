/* @name FindEvent */
-- The id says when it was made, and so in which partition to look.
select
  id,
  event_time as "eventTime",
  event_type as "eventType",
  user_id as "userId",
  acting_user_id as "actingUserId",
  organization_id as "organizationId",
  session_id as "sessionId",
  ip_address as "ipAddress",
  user_agent as "userAgent",
  device_id as "deviceId",
  result,
  failure_reason as "failureReason",
  resource_type as "resourceType",
  resource_id as "resourceId",
  additional_data as "additionalData",
  recorded_at::text as "position!"
from auth_audit_logs
where id = :eventId!
  and recorded_at between :since! and :until!;

/* @name ListEvents */
select
  id,
  event_time as "eventTime",
  event_type as "eventType",
  user_id as "userId",
  acting_user_id as "actingUserId",
  organization_id as "organizationId",
  session_id as "sessionId",
  ip_address as "ipAddress",
  user_agent as "userAgent",
  device_id as "deviceId",
  result,
  failure_reason as "failureReason",
  resource_type as "resourceType",
  resource_id as "resourceId",
  additional_data as "additionalData",
  recorded_at::text as "position!"
from auth_audit_logs
where (:organizationId::uuid is null or organization_id = :organizationId)
  and (:eventType::text is null or event_type = :eventType)
  and (:result::text is null or result = :result)
  and (:actingUserId::uuid is null or acting_user_id = :actingUserId)
  and (:resourceId::uuid is null or resource_id = :resourceId)
  and recorded_at >= :since!
  and recorded_at <= :beforeTime!
  and (recorded_at, id) < (:beforeTime!, :beforeId!)
order by recorded_at desc, id desc
limit :limit!;

/* @name ListUserEvents */
select
  id,
  event_time as "eventTime",
  event_type as "eventType",
  user_id as "userId",
  acting_user_id as "actingUserId",
  organization_id as "organizationId",
  session_id as "sessionId",
  ip_address as "ipAddress",
  user_agent as "userAgent",
  device_id as "deviceId",
  result,
  failure_reason as "failureReason",
  resource_type as "resourceType",
  resource_id as "resourceId",
  additional_data as "additionalData",
  recorded_at::text as "position!"
from auth_audit_logs
where user_id = :userId!
  and (:eventType::text is null or event_type = :eventType)
  and (:result::text is null or result = :result)
  and (:actingUserId::uuid is null or acting_user_id = :actingUserId)
  and (:organizationId::uuid is null or organization_id = :organizationId)
  and (:resourceId::uuid is null or resource_id = :resourceId)
  and recorded_at >= :since!
  and recorded_at <= :beforeTime!
  and (recorded_at, id) < (:beforeTime!, :beforeId!)
order by recorded_at desc, id desc
limit :limit!;

/* @name FindLoginsOfEvents */
-- For the auditor too: tenants may not ask which login it was.
select
  id,
  login_name as "loginName"
from auth_audit_logs
where id = any (:ids!::uuid[])
  and recorded_at >= :since!
  and recorded_at <= :until!;

/* @name ListAllEvents */
-- For the auditor, who sees every organization: by id, which is by time.
select
  id,
  event_time as "eventTime",
  event_type as "eventType",
  user_id as "userId",
  acting_user_id as "actingUserId",
  organization_id as "organizationId",
  session_id as "sessionId",
  ip_address as "ipAddress",
  user_agent as "userAgent",
  device_id as "deviceId",
  result,
  failure_reason as "failureReason",
  resource_type as "resourceType",
  resource_id as "resourceId",
  additional_data as "additionalData",
  login_name as "loginName",
  recorded_at::text as "position!"
from auth_audit_logs
where recorded_at >= :since!
  and recorded_at < :until!
  and id > :afterId!
order by id
limit :limit!;

/* @name CountEventsByType */
select
  event_type as "eventType",
  count(*)::integer as "count!"
from auth_audit_logs
where recorded_at >= :since!
  and recorded_at < :until!
group by event_type
order by event_type;

/* @name CountEventsByResult */
select
  result,
  count(*)::integer as "count!"
from auth_audit_logs
where recorded_at >= :since!
  and recorded_at < :until!
group by result
order by result;

/* @name CountEventsByUser */
select
  user_id as "userId!",
  count(*)::integer as "count!"
from auth_audit_logs
where recorded_at >= :since!
  and recorded_at < :until!
  and user_id is not null
group by user_id
order by count(*) desc, user_id
limit :limit!;

/* @name SummarizeEvents */
-- One pass over the period.
select
  count(*)::integer as "events!",
  count(*) filter (where event_type = 'session.opened')::integer as "signIns!",
  count(*) filter (where result = 'failure')::integer as "failures!",
  count(*) filter (where result = 'denied')::integer as "denials!",
  count(*) filter (
    where event_type in (
      'role.assigned', 'role.removed', 'role.permissions_set', 'role.deleted', 'member.role_set',
      'organization.ownership_transferred'
    )
  )::integer as "permissionChanges!",
  count(*) filter (
    where event_type in ('member.joined', 'member.left', 'member.removed', 'member.suspended')
  )::integer as "membershipChanges!",
  count(*) filter (
    where event_type in ('password.changed', 'password.reset') and result = 'success'
  )::integer as "passwordChanges!",
  count(*) filter (where event_type = 'audit.exported')::integer as "exports!"
from auth_audit_logs
where recorded_at >= :since!
  and recorded_at < :until!;

/* @name RecordExport */
select record_export(
  p_stream => :stream!,
  p_format => :format!,
  p_since => :since,
  p_until => :until,
  p_row_count => :rowCount
);

/* @name RecordAuditorExport */
select record_auditor_export(
  p_stream => :stream!,
  p_format => :format!,
  p_since => :since,
  p_until => :until,
  p_row_count => :rowCount
);

/* @name RecordDenial */
select record_denial(p_action => :action!, p_reason => :reason!);
