/*
 * 0005 blind indexes, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop function _digest_key_id;
drop function _keyed_digest;
drop function _open_digest_keys;
drop function _make_digest_key;

select _retract_sealed_field('digest_keys', 'secret');
drop table digest_keys;

drop function _retract_blind_index;
drop function _declare_blind_index;
drop function _written_versions;
drop function _looked_up_version;
drop function _evidence_indexes;
drop function _index_evidence;
drop function _index_under;
drop function _blind_index;

drop table blind_indexes;
drop table blind_index_versions;

drop function tg_blind_index_versions__record_changes;
drop function tg_blind_index_versions__only_forward;
