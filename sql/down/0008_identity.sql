/*
 * 0008 identity, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop function declare_environment;
drop function reactivate_user;
drop function suspend_user;
drop function _invent_person;

drop function set_own_phone_number;
drop function open_users;
drop function _index_user_email;
drop function _email_of;
drop function _find_user_by_email;
drop function _index_email;
drop function _seal_email;
drop function _fold_email;

select _retract_blind_index('user_email_indexes');
drop table user_email_indexes;
select _retract_sealed_field('users', 'phone_number');
select _retract_sealed_field('users', 'email');
drop table users;

drop function tg_users__record_changes;
