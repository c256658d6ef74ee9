/*
 * 0002 audit, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop trigger _900_record_insert on cell_settings;
drop trigger _900_record_update on cell_settings;
drop trigger _900_record_delete on cell_settings;

drop function _record_changes_of;
drop function count_partitions_ahead;
drop function make_partitions;
drop function record_denial;
drop function _raise_alert;
drop function _log_event;
drop function _printable;

drop table security_alerts;
drop table data_change_logs;
drop table access_attempt_logs;
drop table auth_audit_logs;
drop table event_types;

drop function tg_cell_settings__record_changes;
drop function tg__append_only;
