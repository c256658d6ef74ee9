/*
 * 0009 tenancy, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop policy select_member on users;

drop function search_users;
drop function find_user_by_email;
drop function close_account;
drop function transfer_ownership;
drop function leave_organization;
drop function remove_member;
drop function _end_memberships;
drop function reactivate_member;
drop function suspend_member;
drop function set_member_role;
drop function _require_manageable_member;
drop function _require_member;
drop function withdraw_invitation;
drop function accept_membership;
drop function add_member;
drop function list_own_organizations;
drop function _require_owner;
drop function _require_rights_unchanged;
drop function set_subscription;
drop function reactivate_organization;
drop function suspend_organization;
drop function close_organization;
drop function add_first_key;
drop function create_organization;

drop table organization_domains;
drop table organization_users;
set local role safetypin_keyholder;
alter table blind_index_versions drop constraint blind_index_versions_organization_id_fkey;
alter table tenant_keys drop constraint tenant_keys_organization_id_fkey;
set local role safetypin_owner;
select _retract_sealed_field('organizations', 'technical_contact_email');
select _retract_sealed_field('organizations', 'billing_email');
drop table organizations;

drop function tg_organization_domains__record_changes;
drop function tg_organization_users__record_changes;
drop function tg_organizations__record_changes;
drop function tg_organization_users__count;
