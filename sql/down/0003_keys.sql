/*
 * 0003 keys, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop function declare_log_strictness;
drop function list_wrapped_shares;
drop function unlock;
drop function _require_share;
drop function _proven_share;
drop function _share_of;
drop function _unmask;
drop function _unmask_for;
drop function require_own_statements;
drop function forget_settings;
drop function hello;
drop function _log_findings;
drop function _derive_key;
drop function _unlocked_key;
drop function _setting_mask;
drop function _subject_key;
drop function _check_value;
drop function _purpose_key;
drop function _sealed_place;
drop function _key_id_of;
drop function _a256cbc_hs512_open;
drop function _a256cbc_hs512_seal;
drop function _is_same_tag;
drop function _a256cbc_hs512_tag;
drop function _require_not_restored;
drop function _incarnation_time;
drop function _is_restored;
drop function _begin_incarnation;

drop table cell_incarnations;
drop table subject_salts;
drop table tenant_keys;

drop function tg_tenant_keys__record_changes;
drop function tg_tenant_keys__only_forward;
drop function tg__never_emptied;
