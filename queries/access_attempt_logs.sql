/* @name ListOwnAttempts */
select
  id,
  user_id as "userId",
  ip_address as "ipAddress",
  user_agent as "userAgent",
  attempt_time as "attemptTime",
  result,
  identity_provider_id as "identityProviderId",
  additional_data as "additionalData",
  recorded_at::text as "position!"
from access_attempt_logs
where user_id = (select current_user_id())
  and (:results::text[] is null or result = any (:results))
  and recorded_at >= :since!
  and recorded_at <= :beforeTime!
  and (recorded_at, id) < (:beforeTime!, :beforeId!)
order by recorded_at desc, id desc
limit :limit!;

/* @name ListUserAttempts */
select
  id,
  user_id as "userId",
  ip_address as "ipAddress",
  user_agent as "userAgent",
  attempt_time as "attemptTime",
  result,
  identity_provider_id as "identityProviderId",
  additional_data as "additionalData",
  recorded_at::text as "position!"
from access_attempt_logs
where user_id = :userId!
  and (:results::text[] is null or result = any (:results))
  and recorded_at >= :since!
  and recorded_at <= :beforeTime!
  and (recorded_at, id) < (:beforeTime!, :beforeId!)
order by recorded_at desc, id desc
limit :limit!;

/* @name ListAttemptsFromAddress */
select
  id,
  user_id as "userId",
  ip_address as "ipAddress",
  user_agent as "userAgent",
  attempt_time as "attemptTime",
  result,
  identity_provider_id as "identityProviderId",
  additional_data as "additionalData",
  recorded_at::text as "position!"
from access_attempt_logs
where ip_address = :ipAddress!
  and (:results::text[] is null or result = any (:results))
  and recorded_at >= :since!
  and recorded_at <= :beforeTime!
  and (recorded_at, id) < (:beforeTime!, :beforeId!)
order by recorded_at desc, id desc
limit :limit!;

/* @name FindLoginsOfAttempts */
-- For the auditor too: tenants may not ask which login it was.
select
  id,
  login_name as "loginName"
from access_attempt_logs
where id = any (:ids!::uuid[])
  and recorded_at >= :since!
  and recorded_at <= :until!;

/* @name ListAllAttempts */
-- For the auditor, who sees every organization: by id, which is by time.
select
  id,
  user_id as "userId",
  ip_address as "ipAddress",
  user_agent as "userAgent",
  attempt_time as "attemptTime",
  result,
  identity_provider_id as "identityProviderId",
  additional_data as "additionalData",
  login_name as "loginName",
  recorded_at::text as "position!"
from access_attempt_logs
where recorded_at >= :since!
  and recorded_at < :until!
  and id > :afterId!
order by id
limit :limit!;
