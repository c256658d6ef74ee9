/*
 * 0010 access, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop policy select_administrator on security_alerts;
drop policy select_administrator on data_change_logs;
drop policy select_administrator on auth_audit_logs;
drop trigger _500_require_permission on organizations;
drop function set_technical_contact_email;
drop function set_billing_email;
drop function _set_contact;
drop function tg__require_permission;
drop policy update_administrator on organizations;

drop function record_auditor_export;
drop function record_export;
drop function _log_export;
drop function resolve_alert;
drop function acknowledge_alert;
drop function report_alert;
drop function remove_role;
drop function assign_role;
drop function change_role_permissions;
drop function set_role_permissions;
drop function delete_role;
drop function update_role;
drop function create_role;
drop function _require_own_role;
drop function _require_not_above;
drop function _require_role_is_grantable;
drop function _require_role_permissions_held;
drop function require_permission;
drop function _require_permission;
drop function has_all_permissions;
drop function has_any_permission;
drop function list_own_permissions;
drop function _list_permissions_held_until;
drop function has_permission;

drop table user_roles;
drop table role_permissions;
drop table roles;
drop table permissions;

drop function tg_user_roles__record_changes;
drop function tg_role_permissions__record_changes;
drop function tg_roles__record_changes;
drop function tg_permissions__record_changes;
drop function tg_user_roles__role_belongs_here;
