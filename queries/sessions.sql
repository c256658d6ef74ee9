/* @name FindSession */
select
  sessions.id,
  sessions.user_id as "userId",
  sessions.organization_id as "organizationId",
  sessions.assurance_level as "assuranceLevel",
  sessions.authentication_methods as "authenticationMethods",
  sessions.is_mfa_complete as "isMfaComplete",
  sessions.creation_time as "creationTime",
  sessions.expiration_time as "expirationTime",
  session_activities.last_activity_time as "lastActivityTime",
  least(
    sessions.expiration_time,
    session_activities.last_activity_time + sessions.idle_limit
  ) as "endTime!",
  sessions.ip_address as "ipAddress",
  sessions.user_agent as "userAgent",
  sessions.device_id as "deviceId",
  sessions.revoked,
  sessions.revocation_time as "revocationTime",
  sessions.revocation_reason as "revocationReason",
  sessions.session_data as "sessionData",
  sessions.id = (select current_session_id()) as "isCurrent!",
  sessions.creation_time::text as "position!"
from sessions
join session_activities on session_activities.session_id = sessions.id
where sessions.id = :sessionId!;

/* @name FindCurrentSession */
select
  sessions.id,
  sessions.user_id as "userId",
  sessions.organization_id as "organizationId",
  sessions.assurance_level as "assuranceLevel",
  sessions.authentication_methods as "authenticationMethods",
  sessions.is_mfa_complete as "isMfaComplete",
  sessions.creation_time as "creationTime",
  sessions.expiration_time as "expirationTime",
  session_activities.last_activity_time as "lastActivityTime",
  least(
    sessions.expiration_time,
    session_activities.last_activity_time + sessions.idle_limit
  ) as "endTime!",
  sessions.ip_address as "ipAddress",
  sessions.user_agent as "userAgent",
  sessions.device_id as "deviceId",
  sessions.revoked,
  sessions.revocation_time as "revocationTime",
  sessions.revocation_reason as "revocationReason",
  sessions.session_data as "sessionData",
  sessions.id = (select current_session_id()) as "isCurrent!",
  sessions.creation_time::text as "position!"
from sessions
join session_activities on session_activities.session_id = sessions.id
where sessions.id = (select current_session_id());

/* @name ListOwnSessions */
select
  sessions.id,
  sessions.user_id as "userId",
  sessions.organization_id as "organizationId",
  sessions.assurance_level as "assuranceLevel",
  sessions.authentication_methods as "authenticationMethods",
  sessions.is_mfa_complete as "isMfaComplete",
  sessions.creation_time as "creationTime",
  sessions.expiration_time as "expirationTime",
  session_activities.last_activity_time as "lastActivityTime",
  least(
    sessions.expiration_time,
    session_activities.last_activity_time + sessions.idle_limit
  ) as "endTime!",
  sessions.ip_address as "ipAddress",
  sessions.user_agent as "userAgent",
  sessions.device_id as "deviceId",
  sessions.revoked,
  sessions.revocation_time as "revocationTime",
  sessions.revocation_reason as "revocationReason",
  sessions.session_data as "sessionData",
  sessions.id = (select current_session_id()) as "isCurrent!",
  sessions.creation_time::text as "position!"
from sessions
join session_activities on session_activities.session_id = sessions.id
where sessions.user_id = (select current_user_id())
  and not sessions.revoked
  and least(
    sessions.expiration_time,
    session_activities.last_activity_time + sessions.idle_limit
  ) > now()
  and (:deviceId::uuid is null or sessions.device_id = :deviceId)
  and (:network::inet is null or sessions.ip_address <<= :network)
  and (sessions.creation_time, sessions.id) < (:beforeTime!, :beforeId!)
order by sessions.creation_time desc, sessions.id desc
limit :limit!;

/* @name ListMemberSessions */
select
  sessions.id,
  sessions.user_id as "userId",
  sessions.organization_id as "organizationId",
  sessions.assurance_level as "assuranceLevel",
  sessions.authentication_methods as "authenticationMethods",
  sessions.is_mfa_complete as "isMfaComplete",
  sessions.creation_time as "creationTime",
  sessions.expiration_time as "expirationTime",
  session_activities.last_activity_time as "lastActivityTime",
  least(
    sessions.expiration_time,
    session_activities.last_activity_time + sessions.idle_limit
  ) as "endTime!",
  sessions.ip_address as "ipAddress",
  sessions.user_agent as "userAgent",
  sessions.device_id as "deviceId",
  sessions.revoked,
  sessions.revocation_time as "revocationTime",
  sessions.revocation_reason as "revocationReason",
  sessions.session_data as "sessionData",
  sessions.id = (select current_session_id()) as "isCurrent!",
  sessions.creation_time::text as "position!"
from sessions
join session_activities on session_activities.session_id = sessions.id
where sessions.user_id = :userId!
  and sessions.organization_id = (select current_organization_id())
  and not sessions.revoked
  and least(
    sessions.expiration_time,
    session_activities.last_activity_time + sessions.idle_limit
  ) > now()
  and (:deviceId::uuid is null or sessions.device_id = :deviceId)
  and (:network::inet is null or sessions.ip_address <<= :network)
  and (sessions.creation_time, sessions.id) < (:beforeTime!, :beforeId!)
order by sessions.creation_time desc, sessions.id desc
limit :limit!;

/* @name ListOrganizationSessions */
-- By member, the order of the index: a day's sign-ins of everybody are in the audit log.
select
  sessions.id,
  sessions.user_id as "userId",
  sessions.organization_id as "organizationId",
  sessions.assurance_level as "assuranceLevel",
  sessions.authentication_methods as "authenticationMethods",
  sessions.is_mfa_complete as "isMfaComplete",
  sessions.creation_time as "creationTime",
  sessions.expiration_time as "expirationTime",
  session_activities.last_activity_time as "lastActivityTime",
  least(
    sessions.expiration_time,
    session_activities.last_activity_time + sessions.idle_limit
  ) as "endTime!",
  sessions.ip_address as "ipAddress",
  sessions.user_agent as "userAgent",
  sessions.device_id as "deviceId",
  sessions.revoked,
  sessions.revocation_time as "revocationTime",
  sessions.revocation_reason as "revocationReason",
  sessions.session_data as "sessionData",
  sessions.id = (select current_session_id()) as "isCurrent!",
  sessions.creation_time::text as "position!"
from sessions
join session_activities on session_activities.session_id = sessions.id
where sessions.organization_id = (select current_organization_id())
  and not sessions.revoked
  and least(
    sessions.expiration_time,
    session_activities.last_activity_time + sessions.idle_limit
  ) > now()
  and (sessions.user_id, sessions.id) > (:afterUserId!, :afterId!)
order by sessions.user_id, sessions.id
limit :limit!;

/* @name SiftOrganizationSessions */
-- Apart from the list of all, whose plan must not count on a filter: this one reads the
-- organization's sessions that are live.
select
  sessions.id,
  sessions.user_id as "userId",
  sessions.organization_id as "organizationId",
  sessions.assurance_level as "assuranceLevel",
  sessions.authentication_methods as "authenticationMethods",
  sessions.is_mfa_complete as "isMfaComplete",
  sessions.creation_time as "creationTime",
  sessions.expiration_time as "expirationTime",
  session_activities.last_activity_time as "lastActivityTime",
  least(
    sessions.expiration_time,
    session_activities.last_activity_time + sessions.idle_limit
  ) as "endTime!",
  sessions.ip_address as "ipAddress",
  sessions.user_agent as "userAgent",
  sessions.device_id as "deviceId",
  sessions.revoked,
  sessions.revocation_time as "revocationTime",
  sessions.revocation_reason as "revocationReason",
  sessions.session_data as "sessionData",
  sessions.id = (select current_session_id()) as "isCurrent!",
  sessions.creation_time::text as "position!"
from sessions
join session_activities on session_activities.session_id = sessions.id
where sessions.organization_id = (select current_organization_id())
  and not sessions.revoked
  and least(
    sessions.expiration_time,
    session_activities.last_activity_time + sessions.idle_limit
  ) > now()
  and (:deviceId::uuid is null or sessions.device_id = :deviceId)
  and (:network::inet is null or sessions.ip_address <<= :network)
  and (sessions.user_id, sessions.id) > (:afterUserId!, :afterId!)
order by sessions.user_id, sessions.id
limit :limit!;

/* @name RevokeSession */
select revoke_session(:sessionId!);

/* @name RevokeOtherSessions */
select revoke_other_sessions(:except!) as "revoked!";

/* @name RevokeAllSessions */
select revoke_all_sessions() as "revoked!";

/* @name RevokeMemberSessions */
select revoke_member_sessions(:userId!);

/* @name SetSessionData */
select set_session_data(:sessionData!);

/* @name RefreshSession */
select
  status as "status!",
  session_id as "sessionId",
  session_token as "sessionToken",
  refresh_token as "refreshToken",
  expiration_time as "expirationTime"
from refresh_session(:refreshToken!, :ipAddress::inet, :userAgent);
