-- data_change_logs: what rows became, the secret and the personal redacted.
begin;
select plan(65);

select tests.two_organizations();

-- An insert, and an update of one column
select tests.act_as('ann', 'acme');
select create_role('Night "shift" \ nurses', 'Works at night', md5('role:night')::uuid);
select update_role(md5('role:night')::uuid, 'Night nurses', 'Works at night');
select tests.act_as_auditor();
select results_eq(
  $$
    select
      operation, organization_id, acting_user_id, session_id,
      old_values - 'last_update_time', new_values - 'creation_time' - 'last_update_time'
    from data_change_logs
    where table_name = 'roles' and row_id = md5('role:night')::uuid
    order by seq
  $$,
  format(
    $$
      values
        ('insert', tests.organization_id('acme'), tests.user_id('ann'), md5('session:ann:acme')::uuid, null::jsonb, %L::jsonb),
        ('update', tests.organization_id('acme'), tests.user_id('ann'), md5('session:ann:acme')::uuid, %L::jsonb, %L::jsonb)
    $$,
    jsonb_build_object(
      'id', md5('role:night')::uuid, 'organization_id', tests.organization_id('acme'),
      'name', 'Night "shift" \ nurses', 'description', 'Works at night', 'is_system_role', false,
      'created_by', tests.user_id('ann'), 'updated_by', tests.user_id('ann')
    ),
    jsonb_build_object('name', 'Night "shift" \ nurses'),
    jsonb_build_object('name', 'Night nurses')
  ),
  'ann''s new role is recorded with all it says, and its new name with the old one: who, where, in which session'
);

-- What is personal or secret shows that it changed, and not to what
select tests.act_as('bob', 'acme');
update users set first_name = 'Robert' where id = tests.user_id('bob');
select set_own_phone_number('+4930123456');
select tests.act_as_auditor();
select results_eq(
  $$
    select
      operation, organization_id, acting_user_id,
      old_values - '{last_update_time,search_text,search_words}'::text[],
      new_values - '{last_update_time,search_text,search_words}'::text[]
    from data_change_logs
    where table_name = 'users' and row_id = tests.user_id('bob') and operation = 'update'
    order by seq
  $$,
  $$
    values (
      'update', tests.organization_id('acme'), tests.user_id('bob'),
      '{"first_name": "[redacted]"}'::jsonb, '{"first_name": "[redacted]"}'::jsonb
    ),
    (
      'update', tests.organization_id('acme'), tests.user_id('bob'),
      '{"phone_number": "[redacted]"}'::jsonb, '{"phone_number": "[redacted]"}'::jsonb
    )
  $$,
  'bob''s new name and number are redacted, and so is that there was no number before'
);
select tests.act_as_superuser();
update password_credentials
set digest = _seal_text(5, null, user_id, tests.other_password_digest(), user_id), must_change = true
where user_id = tests.user_id('bob');
select tests.act_as_auditor();
select results_eq(
  $$
    select acting_user_id, old_values, new_values
    from data_change_logs
    where table_name = 'password_credentials' and row_id = tests.user_id('bob') and operation = 'update'
  $$,
  $$
    values (
      null::uuid,
      '{"digest": "[redacted]", "must_change": false}'::jsonb,
      '{"digest": "[redacted]", "must_change": true}'::jsonb
    )
  $$,
  'a digest is redacted; a change behind the curtain was made by nobody'
);
select is_empty(
  $$
    select id
    from data_change_logs
    where coalesce(old_values::text, '') || coalesce(new_values::text, '')
      ~ '\$2a\$|@example\.com|Robert|\+4930'
  $$,
  'in the whole log there is no digest, no address, no name and no number'
);

-- What changes without meaning anything is not recorded
select tests.act_as_superuser();
update users set last_login_time = now() where id = tests.user_id('bob');
update users set first_name = first_name where id = tests.user_id('bob');
select tests.act_as_auditor();
select is(
  (
    select count(*) from data_change_logs
    where table_name = 'users' and row_id = tests.user_id('bob') and operation = 'update'
  ),
  2::bigint,
  'that bob signed in, or wrote what was there already, is no change'
);

-- Many rows at once
select tests.act_as_superuser();
update users set timezone = 'Europe/Berlin' where id in (tests.user_id('ann'), tests.user_id('amy'), tests.user_id('zoe'));
select tests.act_as_auditor();
select results_eq(
  $$
    select row_id
    from data_change_logs
    where table_name = 'users' and operation = 'update' and new_values ? 'timezone'
    order by row_id
  $$,
  $$ select tests.user_id(name) from unnest(array['ann', 'amy', 'zoe']) as name order by 1 $$,
  'one update of three people is three changes, each of its own row'
);

-- A delete, of a link table, with what its row led to
select tests.person('max');
select tests.member('acme', 'max');
select tests.act_as('ann', 'acme');
select remove_member(tests.user_id('max'));
select tests.act_as_auditor();
select results_eq(
  $$
    select operation, organization_id, row_id, old_values ->> 'role', new_values
    from data_change_logs
    where table_name = 'organization_users' and row_id = tests.user_id('max') and operation = 'delete'
  $$,
  $$ values ('delete', tests.organization_id('acme'), tests.user_id('max'), 'member', null::jsonb) $$,
  'max''s membership of acme is recorded as it was when it ended'
);

-- Who reads it
select tests.act_as('ann', 'acme');
select results_eq(
  $$ select distinct organization_id from data_change_logs $$,
  $$ select tests.organization_id('acme') $$,
  'ann, who may read the audit, reads the changes of acme and no others'
);
select tests.act_as('bob', 'acme');
select is_empty($$ select id from data_change_logs $$, 'bob, a member who may not, reads none, not even his own');
select tests.act_as('zoe', 'zenith');
select is_empty(
  $$ select id from data_change_logs where organization_id = tests.organization_id('acme') $$,
  'zoe, a stranger, reads none of acme'
);
select tests.act_as_nobody();
select is_empty($$ select id from data_change_logs $$, 'nobody reads nothing');


-- Nobody changes it
select tests.act_as('ann', 'acme');
select throws_ok($$ update data_change_logs set xid = 0 $$, '42501', null, 'ann, who owns acme, does not update it');
select throws_ok($$ delete from data_change_logs $$, '42501', null, 'ann, who owns acme, does not delete it');
select throws_ok($$ truncate data_change_logs $$, '42501', null, 'ann, who owns acme, does not truncate it');
select throws_ok($$ insert into data_change_logs (table_name, row_id, operation, new_values) values ('users', new_id(), 'insert', '{}') $$, '42501', null, 'ann, who owns acme, does not write into it');
select tests.act_as('bob', 'acme');
select throws_ok($$ update data_change_logs set xid = 0 $$, '42501', null, 'bob does not update it');
select throws_ok($$ delete from data_change_logs $$, '42501', null, 'bob does not delete it');
select throws_ok($$ truncate data_change_logs $$, '42501', null, 'bob does not truncate it');
select throws_ok($$ insert into data_change_logs (table_name, row_id, operation, new_values) values ('users', new_id(), 'insert', '{}') $$, '42501', null, 'bob does not write into it');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ update data_change_logs set xid = 0 $$, '42501', null, 'zoe does not update it');
select throws_ok($$ delete from data_change_logs $$, '42501', null, 'zoe does not delete it');
select throws_ok($$ truncate data_change_logs $$, '42501', null, 'zoe does not truncate it');
select throws_ok($$ insert into data_change_logs (table_name, row_id, operation, new_values) values ('users', new_id(), 'insert', '{}') $$, '42501', null, 'zoe does not write into it');
select tests.act_as_nobody();
select throws_ok($$ update data_change_logs set xid = 0 $$, '42501', null, 'nobody updates it');
select throws_ok($$ delete from data_change_logs $$, '42501', null, 'nobody deletes it');
select throws_ok($$ truncate data_change_logs $$, '42501', null, 'nobody truncates it');
select throws_ok($$ insert into data_change_logs (table_name, row_id, operation, new_values) values ('users', new_id(), 'insert', '{}') $$, '42501', null, 'nobody writes into it');
select tests.act_as_operator();
select throws_ok($$ update data_change_logs set xid = 0 $$, '42501', null, 'a job does not update it');
select throws_ok($$ delete from data_change_logs $$, '42501', null, 'a job does not delete it');
select throws_ok($$ truncate data_change_logs $$, '42501', null, 'a job does not truncate it');
select throws_ok($$ insert into data_change_logs (table_name, row_id, operation, new_values) values ('users', new_id(), 'insert', '{}') $$, '42501', null, 'a job does not write into it');
select tests.act_as_auditor();
select throws_ok($$ update data_change_logs set xid = 0 $$, '42501', null, 'an auditor does not update it');
select throws_ok($$ delete from data_change_logs $$, '42501', null, 'an auditor does not delete it');
select throws_ok($$ truncate data_change_logs $$, '42501', null, 'an auditor does not truncate it');
select throws_ok($$ insert into data_change_logs (table_name, row_id, operation, new_values) values ('users', new_id(), 'insert', '{}') $$, '42501', null, 'an auditor does not write into it');
select tests.act_as_monitor();
select throws_ok($$ update data_change_logs set xid = 0 $$, '42501', null, 'a monitor does not update it');
select throws_ok($$ delete from data_change_logs $$, '42501', null, 'a monitor does not delete it');
select throws_ok($$ truncate data_change_logs $$, '42501', null, 'a monitor does not truncate it');
select throws_ok($$ insert into data_change_logs (table_name, row_id, operation, new_values) values ('users', new_id(), 'insert', '{}') $$, '42501', null, 'a monitor does not write into it');
select tests.act_as_backup();
select throws_ok($$ update data_change_logs set xid = 0 $$, '42501', null, 'a backup does not update it');
select throws_ok($$ delete from data_change_logs $$, '42501', null, 'a backup does not delete it');
select throws_ok($$ truncate data_change_logs $$, '42501', null, 'a backup does not truncate it');
select throws_ok($$ insert into data_change_logs (table_name, row_id, operation, new_values) values ('users', new_id(), 'insert', '{}') $$, '42501', null, 'a backup does not write into it');
select tests.act_as_owner();
select is_empty($$ update data_change_logs set xid = 0 returning id $$, 'the owner''s update finds no row');
select is_empty($$ delete from data_change_logs returning id $$, 'the owner''s delete finds none');
select throws_ok($$ truncate data_change_logs $$, 'SP203', null, 'the owner''s truncate is refused');
select throws_ok($$ insert into data_change_logs (table_name, row_id, operation, new_values) values ('users', new_id(), 'insert', '{}') $$, '42501', null, 'the owner writes no entry');
set local role safetypin_definer;
select throws_ok($$ update data_change_logs set xid = 0 $$, '42501', null, 'the functions'' owner updates nothing');
select throws_ok($$ delete from data_change_logs $$, '42501', null, '... deletes nothing');
select throws_ok($$ truncate data_change_logs $$, '42501', null, '... truncates nothing');
select throws_ok($$ insert into data_change_logs (table_name, row_id, operation, new_values, xid) values ('users', new_id(), 'insert', '{}', 1) $$, '42501', null, '... and does not say in which transaction it writes');
select throws_ok($$ insert into data_change_logs (table_name, row_id, operation, new_values, recorded_at) values ('users', new_id(), 'insert', '{}', now()) $$, '42501', null, '... nor when');
select throws_ok(
  $$ insert into data_change_logs (table_name, row_id, operation, new_values, seq) overriding system value values ('users', new_id(), 'insert', '{}', 1) $$,
  '42501', null,
  '... nor in which place'
);
select tests.act_as_superuser();
select throws_ok($$ update data_change_logs set xid = 0 $$, 'SP203', null, 'a superuser''s update is refused');
select throws_ok($$ delete from data_change_logs $$, 'SP203', null, '... so is a delete');
select throws_ok($$ truncate data_change_logs $$, 'SP203', null, '... and a truncate');
set local session_replication_role = replica;
select throws_ok($$ delete from data_change_logs $$, 'SP203', null, '... and a delete that says it is a replica''s');
set local session_replication_role = origin;


-- The same of a single month
select set_config('tests.month', 'data_change_logs' || to_char(now() at time zone 'UTC', '_YYYY_MM'), true);
select tests.act_as('ann', 'acme');
select throws_ok(
  format('select id from %I', current_setting('tests.month')),
  '42501', null,
  'ann does not read around the fence, from a month directly'
);
select tests.act_as_owner();
select is_empty(
  format('delete from %I returning id', current_setting('tests.month')),
  'the owner''s delete from a month finds no row'
);
select throws_ok(
  format('truncate %I', current_setting('tests.month')),
  'SP203', null,
  'the owner''s truncate of a month is refused'
);
select tests.act_as_superuser();
select throws_ok(
  format('update %I set xid = 0', current_setting('tests.month')),
  'SP203', null,
  'a superuser''s update of a month is refused'
);
select throws_ok(
  format('delete from %I', current_setting('tests.month')),
  'SP203', null,
  '... so is a delete'
);
select throws_ok(
  format('truncate %I', current_setting('tests.month')),
  'SP203', null,
  '... and a truncate'
);


-- The triggers cannot be gone around
select tests.act_as_superuser();
set local session_replication_role = replica;
update users set job_title = 'Nurse' where id = tests.user_id('amy');
set local session_replication_role = origin;
select ok(
  exists (
    select from data_change_logs
    where table_name = 'users' and row_id = tests.user_id('amy') and new_values ? 'job_title'
  ),
  'a change that says it is a replica''s is recorded all the same'
);
do $$
begin
  execute format('alter table data_change_logs detach partition %I', current_setting('tests.month'));
end;
$$;
select tests.act_as('amy', 'acme');
select throws_ok(
  $$ update users set first_name = 'Amelie' where id = current_user_id() $$,
  '23514', null,
  'where there is no month to record it in, amy changes nothing'
);

select finish();
rollback;
