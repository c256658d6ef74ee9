/*
 * 0015 passwords, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop function _index_password_history;
drop function sweep_password_attempts;
drop function ip_address_indexes;
drop function open_attempts;
drop function mark_password_compromised;
drop function require_password_change;
drop function rehash_password;
drop function reset_password;
drop function prepare_password_reset;
drop function request_password_reset;
drop function change_password;
drop function prepare_password_change;
drop function register_user;
drop function _register_user;
drop function _register_again;
drop function _unmask_digests;
drop function _set_password;
drop function _prune_password_history;
drop function _prepare_password;
drop function finish_password_check;
drop function _judge_attempt;
drop function _ip_address_of;
drop function submit_password_proof;
drop function begin_password_check;
drop function _salt_for_nobody;
drop function _cost_for_nobody;
drop function _disable_password;

drop view published_users;

drop table password_blocklist;
drop table password_costs;
select _retract_sealed_field('access_attempt_logs', 'ip_address');
select _retract_sealed_field('access_attempt_logs', 'email');
drop policy select_keyholder on access_attempt_logs;
revoke select (id, user_id, email, ip_address) on access_attempt_logs from safetypin_keyholder;
select _retract_sealed_field('password_attempts', 'ip_address');
select _retract_sealed_field('password_attempts', 'email');
drop table password_attempts;
select _retract_blind_index('password_history_indexes');
drop table password_history_indexes;
select _retract_sealed_field('password_history', 'digest');
drop table password_history;
select _retract_sealed_field('password_credentials', 'digest');
drop table password_credentials;

drop function tg_password_credentials__count_cost;
drop function tg_password_credentials__record_changes;

drop type password_preparation;
