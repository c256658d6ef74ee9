/*
 * 0007 key rotation, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop function delete_index_batch;
drop function finish_index_rotation;
drop function cut_over_index;
drop function backfill_index_batch;
drop function _unless_shredded;
drop function begin_index_backfill;
drop function begin_index_rotation;
drop function list_index_versions;
drop function _require_index_phase;
drop function count_sealed_values;
drop function replace_client_sealed;
drop function take_client_sealed;
drop function reencrypt_batch;
drop function _hold_outdated_values;
drop function _require_resealed_field;
drop function _require_active_key;
drop function _obliterate;
drop function _is_subject_shredded;
