/*
 * 0013 one-time tokens, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop function sweep_one_time_tokens;
drop function find_organization_of_own_domain;
drop function release_domain;
drop function verify_domain;
drop function claim_domain;
drop function request_email_verification;
drop function verify_email;
drop function _show_token;
drop function _use_token;
drop function _is_token_good;
drop function sweep_messages;
drop function raise_message_alerts;
drop function finish_message;
drop function take_messages;
drop function _close_messages;
drop function _is_answered_by_another;
drop function _alert_undelivered;
drop function _request_message;

drop table messages;
drop table one_time_tokens;
