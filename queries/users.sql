/* @name FindUser */
-- Addresses and numbers are opened in one call, however many people there are.
with page as materialized (
  select
    id,
    email,
    first_name,
    last_name,
    job_title,
    status,
    email_verified_time,
    phone_number,
    avatar_url,
    timezone,
    locale,
    last_login_time,
    creation_time,
    last_update_time
  from users
  where id = :userId!
)
select
  page.id,
  opened.email,
  page.first_name as "firstName",
  page.last_name as "lastName",
  page.job_title as "jobTitle",
  page.status,
  page.email_verified_time as "emailVerifiedTime",
  opened.phone_number as "phoneNumber",
  page.avatar_url as "avatarUrl",
  page.timezone,
  page.locale,
  page.last_login_time as "lastLoginTime",
  page.creation_time as "creationTime",
  page.last_update_time as "lastUpdateTime"
from page
join open_users(
  (select array_agg(id) from page),
  (select array_agg(email) from page),
  (select array_agg(phone_number) from page)
) as opened on opened.id = page.id;

/* @name FindUserByEmail */
with page as materialized (
  select
    id,
    email,
    first_name,
    last_name,
    job_title,
    status,
    email_verified_time,
    phone_number,
    avatar_url,
    timezone,
    locale,
    last_login_time,
    creation_time,
    last_update_time
  from users
  where id = (select find_user_by_email(:email!))
)
select
  page.id,
  opened.email,
  page.first_name as "firstName",
  page.last_name as "lastName",
  page.job_title as "jobTitle",
  page.status,
  page.email_verified_time as "emailVerifiedTime",
  opened.phone_number as "phoneNumber",
  page.avatar_url as "avatarUrl",
  page.timezone,
  page.locale,
  page.last_login_time as "lastLoginTime",
  page.creation_time as "creationTime",
  page.last_update_time as "lastUpdateTime"
from page
join open_users(
  (select array_agg(id) from page),
  (select array_agg(email) from page),
  (select array_agg(phone_number) from page)
) as opened on opened.id = page.id;

/* @name FindOwnUser */
with page as materialized (
  select
    id,
    email,
    first_name,
    last_name,
    job_title,
    status,
    email_verified_time,
    phone_number,
    avatar_url,
    timezone,
    locale,
    last_login_time,
    creation_time,
    last_update_time
  from users
  where id = (select current_user_id())
)
select
  page.id,
  opened.email,
  page.first_name as "firstName",
  page.last_name as "lastName",
  page.job_title as "jobTitle",
  page.status,
  page.email_verified_time as "emailVerifiedTime",
  opened.phone_number as "phoneNumber",
  page.avatar_url as "avatarUrl",
  page.timezone,
  page.locale,
  page.last_login_time as "lastLoginTime",
  page.creation_time as "creationTime",
  page.last_update_time as "lastUpdateTime"
from page
join open_users(
  (select array_agg(id) from page),
  (select array_agg(email) from page),
  (select array_agg(phone_number) from page)
) as opened on opened.id = page.id;

/* @name ListUsers */
-- The page is cut from the membership, whose key has the organization first, before people
-- are joined: otherwise PostgreSQL takes every organization for one of average size, joins
-- all of its people and sorts them.
with page as materialized (
  select
    users.id,
    users.email,
    users.first_name,
    users.last_name,
    users.job_title,
    users.status,
    users.email_verified_time,
    users.phone_number,
    users.avatar_url,
    users.timezone,
    users.locale,
    users.last_login_time,
    users.creation_time,
    users.last_update_time
  from (
    select user_id
    from organization_users
    where user_id > :afterUserId!
    order by user_id
    limit :limit!
  ) as members
  join users on users.id = members.user_id
)
select
  page.id,
  opened.email,
  page.first_name as "firstName",
  page.last_name as "lastName",
  page.job_title as "jobTitle",
  page.status,
  page.email_verified_time as "emailVerifiedTime",
  opened.phone_number as "phoneNumber",
  page.avatar_url as "avatarUrl",
  page.timezone,
  page.locale,
  page.last_login_time as "lastLoginTime",
  page.creation_time as "creationTime",
  page.last_update_time as "lastUpdateTime"
from page
join open_users(
  (select array_agg(id) from page),
  (select array_agg(email) from page),
  (select array_agg(phone_number) from page)
) as opened on opened.id = page.id
order by page.id;

/* @name ListRecentlyActiveUsers */
-- The newest sign-ins of the window, a bounded number of them, and who they were.
with page as materialized (
  select
    users.id,
    users.email,
    users.first_name,
    users.last_name,
    users.job_title,
    users.status,
    users.email_verified_time,
    users.phone_number,
    users.avatar_url,
    users.timezone,
    users.locale,
    users.last_login_time,
    users.creation_time,
    users.last_update_time,
    recent.latest
  from (
    select
      session_events.user_id,
      max(session_events.recorded_at) as latest
    from (
      select
        user_id,
        recorded_at
      from auth_audit_logs
      where event_type = 'session.opened'
        and recorded_at >= :since!
      order by recorded_at desc
      limit 1000
    ) as session_events
    group by session_events.user_id
    order by latest desc
    limit :limit!
  ) as recent
  join users on users.id = recent.user_id
)
select
  page.id,
  opened.email,
  page.first_name as "firstName",
  page.last_name as "lastName",
  page.job_title as "jobTitle",
  page.status,
  page.email_verified_time as "emailVerifiedTime",
  opened.phone_number as "phoneNumber",
  page.avatar_url as "avatarUrl",
  page.timezone,
  page.locale,
  page.last_login_time as "lastLoginTime",
  page.creation_time as "creationTime",
  page.last_update_time as "lastUpdateTime"
from page
join open_users(
  (select array_agg(id) from page),
  (select array_agg(email) from page),
  (select array_agg(phone_number) from page)
) as opened on opened.id = page.id
order by page.latest desc;

/* @name SearchUsers */
select
  user_id as "userId!",
  email,
  first_name as "firstName!",
  last_name as "lastName!",
  job_title as "jobTitle",
  role as "role!"
from search_users(:query!, :limit!);

/* @name SetOwnPhoneNumber */
select set_own_phone_number(:phoneNumber);

/* @name UpdateOwnProfile */
with page as (
  update users
  set
    first_name = coalesce(:firstName, first_name),
    last_name = coalesce(:lastName, last_name),
    job_title = case when :setsJobTitle! then :jobTitle else job_title end,
    avatar_url = case when :setsAvatarUrl! then :avatarUrl else avatar_url end,
    timezone = coalesce(:timezone, timezone),
    locale = coalesce(:locale, locale)
  where id = (select current_user_id())
  returning
    id,
    email,
    first_name,
    last_name,
    job_title,
    status,
    email_verified_time,
    phone_number,
    avatar_url,
    timezone,
    locale,
    last_login_time,
    creation_time,
    last_update_time
)
select
  page.id,
  opened.email,
  page.first_name as "firstName",
  page.last_name as "lastName",
  page.job_title as "jobTitle",
  page.status,
  page.email_verified_time as "emailVerifiedTime",
  opened.phone_number as "phoneNumber",
  page.avatar_url as "avatarUrl",
  page.timezone,
  page.locale,
  page.last_login_time as "lastLoginTime",
  page.creation_time as "creationTime",
  page.last_update_time as "lastUpdateTime"
from page
join open_users(
  (select array_agg(id) from page),
  (select array_agg(email) from page),
  (select array_agg(phone_number) from page)
) as opened on opened.id = page.id;

/* @name CloseAccount */
select close_account();

/* @name EraseOwnAccount */
select erase_own_account() as "effectiveTime!";

/* @name RegisterUser */
select register_user(
  :userId!, :email!, :firstName!, :lastName!, :passwordDigest!, :historyDigest!, :policyVersion!,
  :timezone!, :locale!
);
