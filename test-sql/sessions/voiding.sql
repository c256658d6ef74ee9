-- live_sessions: a session is void from the moment somebody says so, by one row,
-- whatever the number of sessions.
begin;
select plan(36);

select tests.two_organizations();
select tests.member('zenith', 'bob');
select tests.act_as('bob', 'acme');
select tests.act_as('bob', 'zenith');
select tests.act_as('bob');
select tests.act_as('ann', 'acme');

select tests.act_as_superuser();
create function pg_temp.good()
  returns text[]
  language plpgsql
as $$
declare
  v_good text[] := '{}';
  v_name text;
  v_organization text;
begin
  for v_name, v_organization in
    values ('ann', 'acme'), ('bob', null), ('bob', 'acme'), ('bob', 'zenith')
  loop
    begin
      perform begin_request(tests.token(v_name, v_organization));
      v_good := v_good || concat_ws(' in ', v_name, v_organization);
    exception
      when sqlstate 'SP101' then null;
    end;
  end loop;
  return v_good;
end;
$$;

select is(pg_temp.good(), '{"ann in acme",bob,"bob in acme","bob in zenith"}'::text[], 'four sessions are good');

-- By membership
savepoint all_good;
update organization_users set sessions_valid_from = clock_timestamp() where organization_id = tests.organization_id('acme') and user_id = tests.user_id('bob');
select is(pg_temp.good(), '{"ann in acme",bob,"bob in zenith"}'::text[], 'a membership voids the sessions of one person in one organization');
rollback to all_good;
update organization_users set status = 'suspended' where organization_id = tests.organization_id('acme') and user_id = tests.user_id('bob');
select is(pg_temp.good(), '{"ann in acme",bob,"bob in zenith"}'::text[], '... so does its suspension');
rollback to all_good;
delete from organization_users where organization_id = tests.organization_id('acme') and user_id = tests.user_id('bob');
select is(pg_temp.good(), '{"ann in acme",bob,"bob in zenith"}'::text[], '... and its end');
rollback to all_good;

-- By organization
update organizations set sessions_valid_from = clock_timestamp() where id = tests.organization_id('acme');
select is(pg_temp.good(), '{bob,"bob in zenith"}'::text[], 'an organization voids everybody''s in it');
rollback to all_good;
update organizations set status = 'suspended' where id = tests.organization_id('acme');
select is(pg_temp.good(), '{bob,"bob in zenith"}'::text[], '... so does its suspension');
rollback to all_good;
update organizations set status = 'deleted' where id = tests.organization_id('acme');
select is(pg_temp.good(), '{bob,"bob in zenith"}'::text[], '... and its end');
rollback to all_good;
update organizations set status = 'inactive' where id = tests.organization_id('acme');
select is(pg_temp.good(), '{bob,"bob in zenith"}'::text[], '... and its sleep');
rollback to all_good;

-- By person
update users set sessions_valid_from = clock_timestamp() where id = tests.user_id('bob');
select is(pg_temp.good(), '{"ann in acme"}'::text[], 'a person voids their own everywhere');
rollback to all_good;
update users set status = 'suspended' where id = tests.user_id('bob');
select is(pg_temp.good(), '{"ann in acme"}'::text[], '... so does a suspension');
rollback to all_good;
update users set status = 'deleted' where id = tests.user_id('bob');
select is(pg_temp.good(), '{"ann in acme"}'::text[], '... and an end');
rollback to all_good;
update users set status = 'pending' where id = tests.user_id('bob');
select is(pg_temp.good(), '{"ann in acme"}'::text[], '... and an address no longer proven');
rollback to all_good;

-- By session
update sessions set revoked = true, revocation_time = now(), revocation_reason = 'x' where id = md5('session:bob:acme')::uuid;
select is(pg_temp.good(), '{"ann in acme",bob,"bob in zenith"}'::text[], 'a session voids itself');
rollback to all_good;
delete from session_activities where session_id = md5('session:bob:acme')::uuid;
select is(pg_temp.good(), '{"ann in acme",bob,"bob in zenith"}'::text[], 'one of which nobody knows when it was used is not good');
rollback to all_good;

-- A session that begins at the very moment counts; an instant earlier it does not.
update organizations
set sessions_valid_from = (select creation_time from sessions where id = md5('session:bob:acme')::uuid)
where id = tests.organization_id('acme');
select ok('bob in acme' = any (pg_temp.good()), 'a session that began at the moment from which they count is good');
update organizations
set sessions_valid_from = sessions_valid_from + interval '1 microsecond'
where id = tests.organization_id('acme');
select ok('bob in acme' <> all (pg_temp.good()), '... a microsecond before, it is not');
rollback to all_good;
select is(pg_temp.good(), '{"ann in acme",bob,"bob in acme","bob in zenith"}'::text[], 'and four are good as before');

-- The same moment, seen by the mark of the clock: whoever signs in after a voiding gets in.
select tests.act_as_nobody();
select begin_request(tests.token('bob', 'acme'));
select lives_ok($$ select revoke_all_sessions() $$, 'bob ends all of his');
select tests.act_as_nobody();
select is(tests.sign_in('bob', p_token => 'right after'), 'signed_in', '... signs in right after');
select lives_ok($$ select begin_request(tests.token('right after')) $$, '... and is in');

-- Also while the time stands still, because somebody set the clock back: a voiding is
-- later than every session before it, and a session later than every voiding before it.
select tests.act_as_superuser();
select setval('clock_high_water', _mark_of(clock_timestamp() + interval '1 hour'));
select tests.act_as_nobody();
select is(tests.sign_in('ann', p_token => 'ann 1'), 'signed_in', 'ann signs in an hour ahead of the clock');
select begin_request(tests.token('ann 1'));
select lives_ok($$ select revoke_all_sessions() $$, '... ends all of hers');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('ann 1')) $$, 'SP101', null, '... that one too');
select is(tests.sign_in('ann', p_token => 'ann 2'), 'signed_in', '... signs in again');
select lives_ok($$ select begin_request(tests.token('ann 2')) $$, '... and is in');
select tests.act_as_superuser();
update organization_users set role = 'owner' where user_id = tests.user_id('amy');
select tests.act_as('amy', 'acme');
select lives_ok($$ select revoke_member_sessions(tests.user_id('ann')) $$, 'amy, by now an owner too, ends ann''s');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('ann 2')) $$, 'SP101', null, '... the new one too');
select is(tests.sign_in('ann', p_token => 'ann 3'), 'signed_in', 'ann signs in once more');
select is((select organization_id from begin_request(tests.token('ann 3'))), tests.organization_id('acme'), '... and is in acme');
select tests.act_as_operator();
select suspend_organization(tests.organization_id('acme'), 'x'), reactivate_organization(tests.organization_id('acme'));
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('ann 3')) $$, 'SP101', null, 'acme is suspended and opened again: void');
select is(tests.sign_in('ann', p_token => 'ann 4'), 'signed_in', '... ann signs in');
select is((select organization_id from begin_request(tests.token('ann 4'))), tests.organization_id('acme'), '... and is in acme');
select tests.act_as_operator();
select suspend_user(tests.user_id('ann'), 'x'), reactivate_user(tests.user_id('ann'));
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('ann 4')) $$, 'SP101', null, 'ann is suspended and let back in: void');
select is(tests.sign_in('ann', p_token => 'ann 5'), 'signed_in', '... ann signs in');
select lives_ok($$ select begin_request(tests.token('ann 5')) $$, '... and is in');
select tests.act_as_superuser();
select setval('clock_high_water', _mark_of(clock_timestamp()));

-- Nobody else asks the view
select tests.act_as_nobody();
select throws_ok($$ select id from live_sessions $$, '42501', null, 'the view is not for callers');

select finish();
rollback;
