/* @name FindUser */
select
  id,
  email,
  first_name as "firstName",
  last_name as "lastName",
  job_title as "jobTitle",
  status,
  email_verified_time as "emailVerifiedTime",
  phone_number as "phoneNumber",
  avatar_url as "avatarUrl",
  timezone,
  locale,
  last_login_time as "lastLoginTime",
  creation_time as "creationTime",
  last_update_time as "lastUpdateTime"
from users
where id = :userId!;

/* @name FindUserByEmail */
select
  id,
  email,
  first_name as "firstName",
  last_name as "lastName",
  job_title as "jobTitle",
  status,
  email_verified_time as "emailVerifiedTime",
  phone_number as "phoneNumber",
  avatar_url as "avatarUrl",
  timezone,
  locale,
  last_login_time as "lastLoginTime",
  creation_time as "creationTime",
  last_update_time as "lastUpdateTime"
from users
where email = lower(:email!);

/* @name FindOwnUser */
select
  id,
  email,
  first_name as "firstName",
  last_name as "lastName",
  job_title as "jobTitle",
  status,
  email_verified_time as "emailVerifiedTime",
  phone_number as "phoneNumber",
  avatar_url as "avatarUrl",
  timezone,
  locale,
  last_login_time as "lastLoginTime",
  creation_time as "creationTime",
  last_update_time as "lastUpdateTime"
from users
where id = (select current_user_id());

/* @name ListUsers */
-- The page is cut from the membership, whose key has the organization first, before people
-- are joined: otherwise PostgreSQL takes every organization for one of average size, joins
-- all of its people and sorts them.
select
  users.id,
  users.email,
  users.first_name as "firstName",
  users.last_name as "lastName",
  users.job_title as "jobTitle",
  users.status,
  users.email_verified_time as "emailVerifiedTime",
  users.phone_number as "phoneNumber",
  users.avatar_url as "avatarUrl",
  users.timezone,
  users.locale,
  users.last_login_time as "lastLoginTime",
  users.creation_time as "creationTime",
  users.last_update_time as "lastUpdateTime"
from (
  select user_id
  from organization_users
  where user_id > :afterUserId!
  order by user_id
  limit :limit!
) as page
join users on users.id = page.user_id
order by page.user_id;

/* @name ListRecentlyActiveUsers */
-- The newest sign-ins of the window, a bounded number of them, and who they were.
select
  users.id,
  users.email,
  users.first_name as "firstName",
  users.last_name as "lastName",
  users.job_title as "jobTitle",
  users.status,
  users.email_verified_time as "emailVerifiedTime",
  users.phone_number as "phoneNumber",
  users.avatar_url as "avatarUrl",
  users.timezone,
  users.locale,
  users.last_login_time as "lastLoginTime",
  users.creation_time as "creationTime",
  users.last_update_time as "lastUpdateTime"
from (
  select
    opened.user_id,
    max(opened.recorded_at) as latest
  from (
    select
      user_id,
      recorded_at
    from auth_audit_logs
    where event_type = 'session.opened'
      and recorded_at >= :since!
    order by recorded_at desc
    limit 1000
  ) as opened
  group by opened.user_id
  order by latest desc
  limit :limit!
) as recent
join users on users.id = recent.user_id
order by recent.latest desc;

/* @name SearchUsers */
select
  user_id as "userId!",
  email as "email!",
  first_name as "firstName!",
  last_name as "lastName!",
  job_title as "jobTitle",
  role as "role!"
from search_users(:query!, :limit!);

/* @name UpdateOwnProfile */
update users
set
  first_name = coalesce(:firstName, first_name),
  last_name = coalesce(:lastName, last_name),
  job_title = case when :setsJobTitle! then :jobTitle else job_title end,
  phone_number = case when :setsPhoneNumber! then :phoneNumber else phone_number end,
  avatar_url = case when :setsAvatarUrl! then :avatarUrl else avatar_url end,
  timezone = coalesce(:timezone, timezone),
  locale = coalesce(:locale, locale)
where id = (select current_user_id())
returning
  id,
  email,
  first_name as "firstName",
  last_name as "lastName",
  job_title as "jobTitle",
  status,
  email_verified_time as "emailVerifiedTime",
  phone_number as "phoneNumber",
  avatar_url as "avatarUrl",
  timezone,
  locale,
  last_login_time as "lastLoginTime",
  creation_time as "creationTime",
  last_update_time as "lastUpdateTime";

/* @name CloseAccount */
select close_account();

/* @name RegisterUser */
select register_user(
  :userId!, :email!, :firstName!, :lastName!, :passwordDigest!, :historyDigest!, :policyVersion!,
  :timezone!, :locale!
);
