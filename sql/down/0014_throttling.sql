/*
 * 0014 throttling, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop function sweep_context_keys;
drop function read_digest_rotation;
drop function move_sign_in_throttles;
drop function rotate_digest_key;
drop function sweep_sign_in_throttles;
drop function _forgive_account;
drop function _release_attempt;
drop function _charge_attempt;
drop function _hold_throttle;
drop function _lock_throttles;
drop function _address_ids;
drop function _account_ids;
drop function _throttle_ids;

drop table sign_in_throttles;
