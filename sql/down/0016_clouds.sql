/*
 * 0016 clouds, undone: everything the chapter made, newest first
 */

set local role safetypin_owner;

drop table cloud_providers;
