/*
 * 0011 policies, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop function reset_organization_policy;
drop function clear_password_policy;
drop function _session_limits;
drop function read_password_policy;
drop function _effective_policy;

drop table password_policies;

drop function tg_password_policies__record_changes;

drop type effective_policy;
