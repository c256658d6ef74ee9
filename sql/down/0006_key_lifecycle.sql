/*
 * 0006 key lifecycle, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop function _shred_tenant;
drop function _shred_subject;
drop function list_keys;
drop function destroy_key;
drop function retire_key;
drop function _tables_left_under;
drop function _find_sealed_under;
drop function _is_append_only;
drop function _await_writers;
drop function _describe_holders;
drop function _describe_transactions;
drop function rewrap_key;
drop function check_share;
drop function renew_key;
drop function activate_key;
drop function add_key;
drop function next_key_id;
drop function _activate_key;
drop function _add_key;
drop function _require_new_share;
