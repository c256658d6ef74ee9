/* @name ListOwnAttempts */
-- What is sealed is opened in one call, however many attempts there are.
with page as materialized (
  select
    id,
    user_id,
    email,
    ip_address,
    user_agent,
    attempt_time,
    result,
    identity_provider_id,
    additional_data,
    recorded_at
  from access_attempt_logs
  where user_id = (select current_user_id())
    and (:results::text[] is null or result = any (:results))
    and recorded_at >= :since!
    and recorded_at <= :beforeTime!
    and (recorded_at, id) < (:beforeTime!, :beforeId!)
  order by recorded_at desc, id desc
  limit :limit!
)
select
  page.id,
  page.user_id as "userId",
  opened.email,
  opened.ip_address as "ipAddress",
  page.user_agent as "userAgent",
  page.attempt_time as "attemptTime",
  page.result,
  page.identity_provider_id as "identityProviderId",
  page.additional_data as "additionalData",
  page.recorded_at::text as "position!"
from page
left join open_attempts(
  (select array_agg(id) from page where :opens!),
  (select array_agg(user_id) from page),
  (select array_agg(email) from page),
  (select array_agg(ip_address) from page)
) as opened on opened.id = page.id
order by page.recorded_at desc, page.id desc;

/* @name ListUserAttempts */
with page as materialized (
  select
    id,
    user_id,
    email,
    ip_address,
    user_agent,
    attempt_time,
    result,
    identity_provider_id,
    additional_data,
    recorded_at
  from access_attempt_logs
  where user_id = :userId!
    and (:results::text[] is null or result = any (:results))
    and recorded_at >= :since!
    and recorded_at <= :beforeTime!
    and (recorded_at, id) < (:beforeTime!, :beforeId!)
  order by recorded_at desc, id desc
  limit :limit!
)
select
  page.id,
  page.user_id as "userId",
  opened.email,
  opened.ip_address as "ipAddress",
  page.user_agent as "userAgent",
  page.attempt_time as "attemptTime",
  page.result,
  page.identity_provider_id as "identityProviderId",
  page.additional_data as "additionalData",
  page.recorded_at::text as "position!"
from page
left join open_attempts(
  (select array_agg(id) from page where :opens!),
  (select array_agg(user_id) from page),
  (select array_agg(email) from page),
  (select array_agg(ip_address) from page)
) as opened on opened.id = page.id
order by page.recorded_at desc, page.id desc;

/* @name ListOwnAttemptsFromAddress */
-- One's own are few: each is opened and compared. In a subquery, as what is looked for is
-- everywhere: a condition of the outer one would show it to whoever reads plans in the log.
with page as materialized (
  select
    id,
    user_id,
    email,
    ip_address,
    user_agent,
    attempt_time,
    result,
    identity_provider_id,
    additional_data,
    recorded_at
  from access_attempt_logs
  where user_id = (select current_user_id())
    and (open_fields(:ipAddressField!, array[id], array[ip_address], array[user_id]))[1] = (select abbrev(:ipAddress!::inet))
    and (:results::text[] is null or result = any (:results))
    and recorded_at >= :since!
    and recorded_at <= :beforeTime!
    and (recorded_at, id) < (:beforeTime!, :beforeId!)
  order by recorded_at desc, id desc
  limit :limit!
)
select
  page.id,
  page.user_id as "userId",
  opened.email,
  opened.ip_address as "ipAddress",
  page.user_agent as "userAgent",
  page.attempt_time as "attemptTime",
  page.result,
  page.identity_provider_id as "identityProviderId",
  page.additional_data as "additionalData",
  page.recorded_at::text as "position!"
from page
left join open_attempts(
  (select array_agg(id) from page where :opens!),
  (select array_agg(user_id) from page),
  (select array_agg(email) from page),
  (select array_agg(ip_address) from page)
) as opened on opened.id = page.id
order by page.recorded_at desc, page.id desc;

/* @name ListAttemptsFromAddress */
-- For the auditor, who finds by index.
with page as materialized (
  select
    id,
    user_id,
    email,
    ip_address,
    user_agent,
    attempt_time,
    result,
    identity_provider_id,
    additional_data,
    recorded_at
  from access_attempt_logs
  where ip_index = any ((select ip_address_indexes(:ipAddress!))::bytea[])
    and (:results::text[] is null or result = any (:results))
    and recorded_at >= :since!
    and recorded_at <= :beforeTime!
    and (recorded_at, id) < (:beforeTime!, :beforeId!)
  order by recorded_at desc, id desc
  limit :limit!
)
select
  page.id,
  page.user_id as "userId",
  opened.email,
  opened.ip_address as "ipAddress",
  page.user_agent as "userAgent",
  page.attempt_time as "attemptTime",
  page.result,
  page.identity_provider_id as "identityProviderId",
  page.additional_data as "additionalData",
  page.recorded_at::text as "position!"
from page
left join open_attempts(
  (select array_agg(id) from page where :opens!),
  (select array_agg(user_id) from page),
  (select array_agg(email) from page),
  (select array_agg(ip_address) from page)
) as opened on opened.id = page.id
order by page.recorded_at desc, page.id desc;

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
with page as materialized (
  select
    id,
    user_id,
    email,
    ip_address,
    user_agent,
    attempt_time,
    result,
    identity_provider_id,
    additional_data,
    login_name,
    recorded_at
  from access_attempt_logs
  where recorded_at >= :since!
    and recorded_at < :until!
    and id > :afterId!
  order by id
  limit :limit!
)
select
  page.id,
  page.user_id as "userId",
  opened.email,
  opened.ip_address as "ipAddress",
  page.user_agent as "userAgent",
  page.attempt_time as "attemptTime",
  page.result,
  page.identity_provider_id as "identityProviderId",
  page.additional_data as "additionalData",
  page.login_name as "loginName",
  page.recorded_at::text as "position!"
from page
left join open_attempts(
  (select array_agg(id) from page where :opens!),
  (select array_agg(user_id) from page),
  (select array_agg(email) from page),
  (select array_agg(ip_address) from page)
) as opened on opened.id = page.id
order by page.id;
