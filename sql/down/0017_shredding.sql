/*
 * 0017 shredding, undone: everything the chapter made, newest first
 *
 * What was shredded stays shredded.
 */

set local role safetypin_owner;

drop function declare_restored;
drop function confirm_restore;
drop function finish_replay;
drop function replay_shreddings;
drop function verify_ledger_end;
drop function verify_shreddings;
drop function _require_next_shredding;
drop function _require_ledger;
drop function _parse_shredding;
drop function read_restore_state;
drop function read_ledger_end;
drop function _ledger_end_digest;
drop function export_shreddings;
drop function list_shreddings;
drop function shred_organization;
drop function _erase_organization;
drop function erase_own_account;
drop function shred_person;
drop function _shred_person;
drop function _erase_person;
drop function _begin_shredding;
drop function _require_whole_ledger;
drop function _append_shredding;
drop function _find_effective_time;
drop function _write_shredding;
drop function _last_shredding;
drop function _shredding_digest;
drop function _require_no_hold;
drop trigger _500_keep_held on organization_users;
drop function tg_organization_users__keep_held;
drop function list_legal_holds;
drop function release_legal_hold;
drop function place_legal_hold;
drop function _await_shredding;
drop function _current_effective_time;
drop function declare_backup_age;

drop table legal_holds;
drop table shreddings;

drop function tg_legal_holds__record_changes;
