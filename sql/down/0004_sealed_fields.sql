/*
 * 0004 sealed fields, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop function _retract_sealed_field;
drop function _declare_sealed_field;
drop function _require_sealed;
drop function open_rows;
drop function open_fields;
drop function _open_values;
drop function _is_tenant_shredded;
drop function _open_text;
drop function _seal_text;
drop function _open;
drop function _make_subject_salt;
drop function _seal;
drop function _iv_stamp;

drop table sealed_fields;
