/* @name FindMember */
with page as materialized (
  select
    organization_users.user_id,
    users.email,
    users.first_name,
    users.last_name,
    organization_users.role,
    organization_users.is_owner,
    organization_users.status,
    organization_users.creation_time
  from organization_users
  join users on users.id = organization_users.user_id
  where organization_users.user_id = :userId!
)
select
  page.user_id as "userId",
  opened.email,
  page.first_name as "firstName",
  page.last_name as "lastName",
  page.role,
  page.is_owner as "isOwner!",
  page.status,
  page.creation_time as "creationTime"
from page
join open_users(
  (select array_agg(user_id) from page),
  (select array_agg(email) from page),
  (select array_agg(null::bytea) from page)
) as opened on opened.id = page.user_id;

/* @name ListMembers */
-- The page is cut before people are joined: see ListUsers.
with page as materialized (
  select
    members.user_id,
    users.email,
    users.first_name,
    users.last_name,
    members.role,
    members.is_owner,
    members.status,
    members.creation_time
  from (
    select
      user_id,
      role,
      is_owner,
      status,
      creation_time
    from organization_users
    where user_id > :afterUserId!
    order by user_id
    limit :limit!
  ) as members
  join users on users.id = members.user_id
)
select
  page.user_id as "userId",
  opened.email,
  page.first_name as "firstName",
  page.last_name as "lastName",
  page.role,
  page.is_owner as "isOwner!",
  page.status,
  page.creation_time as "creationTime"
from page
join open_users(
  (select array_agg(user_id) from page),
  (select array_agg(email) from page),
  (select array_agg(null::bytea) from page)
) as opened on opened.id = page.user_id
order by page.user_id;

/* @name CountActiveMembers */
-- To a limit: whoever wants to know whether there are more than so many need not count them all.
select count(*)::integer as "count!"
from (
  select
  from organization_users
  where organization_id = (select current_organization_id())
    and status = 'active'
  limit :limit!
) as active;

/* @name AddMember */
select add_member(p_email => :email!, p_role => :role!);

/* @name WithdrawInvitation */
select withdraw_invitation(p_email => :email!);

/* @name AddMembers */
-- Several or none. In one order, so that two who do the same do not wait in a circle.
select add_member(p_email => given.email, p_role => given.role)
from (
  select
    email,
    role
  from unnest(:emails!::text[], :roles!::text[]) as member (email, role)
  order by email
) as given;

/* @name AcceptMembership */
select accept_membership(:organizationId!);

/* @name SetMemberRole */
select set_member_role(p_user_id => :userId!, p_role => :role!);

/* @name SetMemberRoles */
-- Several or none, in one order.
select set_member_role(p_user_id => given.user_id, p_role => given.role)
from (
  select
    user_id,
    role
  from unnest(:userIds!::uuid[], :roles!::text[]) as member (user_id, role)
  order by user_id
) as given;

/* @name SuspendMember */
select suspend_member(:userId!);

/* @name ReactivateMember */
select reactivate_member(:userId!);

/* @name RemoveMember */
select remove_member(:userId!);

/* @name RemoveMembers */
-- Several or none, in one order.
select remove_member(given.user_id)
from (
  select user_id
  from unnest(:userIds!::uuid[]) as member (user_id)
  order by user_id
) as given;

/* @name LeaveOrganization */
select leave_organization();

/* @name TransferOwnership */
select transfer_ownership(:userId!);
