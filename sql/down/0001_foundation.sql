/*
 * 0001 foundation, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop function _require_batch;
drop function _require_given;
drop function _require_read_committed;
drop function _require_organization;
drop function _require_user;
drop function current_user_agent;
drop function current_ip_address;
drop function current_assurance_level;
drop function current_session_id;
drop function current_organization_id;
drop function current_user_id;
drop function verified_context;
drop function _set_context;
drop function _context_mac;
drop function _context_nonce;
drop function _voiding_time;
drop function _now;
drop function _clock_time;
drop function _time_of;
drop function _mark_of;
drop function _fold_ascii;
drop function _require_not_production;

drop table context_keys;
drop table cell_settings;

drop function tg__touch_last_update_time;

drop function is_printable;

drop function new_id;

drop sequence clock_high_water;
