/*
 * 0012 sessions, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop function raise_operational_alerts;
drop function rotate_context_key;
drop function end_sessions;
drop function sweep_refresh_tokens;
drop function sweep_sessions;
drop function set_session_data;
drop function revoke_member_sessions;
drop function revoke_all_sessions;
drop function _void_sessions;
drop function revoke_other_sessions;
drop function revoke_session;
drop function refresh_session;
drop function _derive_tokens;
drop function choose_organization;
drop function _open_session;

drop trigger _500_factor_can_be_met on password_policies;
drop function tg_password_policies__factor_can_be_met;

drop function _organization_to_enter;
drop function begin_request;

drop view live_sessions;

drop table refresh_tokens;
drop table session_activities;
drop table sessions;
