/*
 * 0003 keys, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop function declare_log_strictness;
drop function delete_index_batch;
drop function finish_index_rotation;
drop function cut_over_index;
drop function backfill_index_batch;
drop function begin_index_backfill;
drop function begin_index_rotation;
drop function list_index_versions;
drop function _require_index_phase;
drop function count_sealed_values;
drop function reencrypt_batch;
drop function list_keys;
drop function destroy_key;
drop function retire_key;
drop function _find_sealed_under;
drop function _is_append_only;
drop function _await_writers;
drop function rewrap_key;
drop function activate_key;
drop function add_key;
drop function next_key_id;
drop function _activate_key;
drop function _add_key;
drop function _retract_blind_index;
drop function _declare_blind_index;
drop function _retract_sealed_field;
drop function _declare_sealed_field;
drop function _require_sealed;
drop function open_fields;
drop function _written_versions;
drop function _looked_up_version;
drop function _blind_index;
drop function _open_text;
drop function _seal_text;
drop function _open;
drop function _make_subject_salt;
drop function _seal;
drop function list_wrapped_shares;
drop function unlock;
drop function _require_share;
drop function _share_of;
drop function _unmask;
drop function _unmask_for;
drop function forget_settings;
drop function hello;
drop function _log_findings;
drop function _derive_key;
drop function _unlocked_key;
drop function _setting_mask;
drop function _subject_key;
drop function _purpose_key;
drop function _sealed_place;
drop function _key_id_of;
drop function _a256cbc_hs512_open;
drop function _a256cbc_hs512_seal;
drop function _is_same_tag;
drop function _a256cbc_hs512_tag;

drop table blind_indexes;
drop table blind_index_versions;
drop table subject_salts;
drop table tenant_keys;
drop table sealed_fields;

drop function tg_blind_index_versions__record_changes;
drop function tg_tenant_keys__record_changes;
drop function tg_blind_index_versions__only_forward;
drop function tg_tenant_keys__only_forward;
