/* @name ListChanges */
select
  id,
  event_time as "eventTime",
  organization_id as "organizationId",
  acting_user_id as "actingUserId",
  session_id as "sessionId",
  table_name as "tableName",
  row_id as "rowId",
  operation,
  old_values as "oldValues",
  new_values as "newValues",
  recorded_at::text as "position!"
from data_change_logs
where (:organizationId::uuid is null or organization_id = :organizationId)
  and (:tableName::text is null or table_name = :tableName)
  and (:actingUserId::uuid is null or acting_user_id = :actingUserId)
  and recorded_at >= :since!
  and recorded_at <= :beforeTime!
  and (recorded_at, id) < (:beforeTime!, :beforeId!)
order by recorded_at desc, id desc
limit :limit!;

/* @name ListRowChanges */
select
  id,
  event_time as "eventTime",
  organization_id as "organizationId",
  acting_user_id as "actingUserId",
  session_id as "sessionId",
  table_name as "tableName",
  row_id as "rowId",
  operation,
  old_values as "oldValues",
  new_values as "newValues",
  recorded_at::text as "position!"
from data_change_logs
where row_id = :rowId!
  and (:organizationId::uuid is null or organization_id = :organizationId)
  and (:tableName::text is null or table_name = :tableName)
  and (:actingUserId::uuid is null or acting_user_id = :actingUserId)
  and recorded_at >= :since!
  and recorded_at <= :beforeTime!
  and (recorded_at, id) < (:beforeTime!, :beforeId!)
order by recorded_at desc, id desc
limit :limit!;

/* @name FindLoginsOfChanges */
-- For the auditor too: tenants may not ask which login it was.
select
  id,
  login_name as "loginName"
from data_change_logs
where id = any (:ids!::uuid[])
  and recorded_at >= :since!
  and recorded_at <= :until!;

/* @name ListAllChanges */
-- For the auditor, who sees every organization: by id, which is by time.
select
  id,
  event_time as "eventTime",
  organization_id as "organizationId",
  acting_user_id as "actingUserId",
  session_id as "sessionId",
  table_name as "tableName",
  row_id as "rowId",
  operation,
  old_values as "oldValues",
  new_values as "newValues",
  login_name as "loginName",
  recorded_at::text as "position!"
from data_change_logs
where recorded_at >= :since!
  and recorded_at < :until!
  and id > :afterId!
order by id
limit :limit!;
