/*
 * 0004 identity, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop function declare_environment;
drop function reactivate_user;
drop function suspend_user;
drop function _invent_person;

drop table users;

drop function tg_users__record_changes;
