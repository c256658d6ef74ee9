-- security_alerts: what somebody has to look at, and what came of it.
begin;
select plan(46);

select tests.two_organizations();
select tests.act_as_superuser();
insert into security_alerts (id, organization_id, user_id, alert_type, severity)
values
  (md5('alert:acme')::uuid, tests.organization_id('acme'), tests.user_id('bob'), 'refresh_token_reused', 'high'),
  (md5('alert:zenith')::uuid, tests.organization_id('zenith'), tests.user_id('zoe'), 'refresh_token_reused', 'high'),
  (md5('alert:cell')::uuid, null, null, 'clock_went_back', 'high');

-- Who sees them
select tests.act_as('ann', 'acme');
select results_eq(
  $$ select id, status from security_alerts $$,
  $$ values (md5('alert:acme')::uuid, 'open') $$,
  'ann, who may manage alerts, sees that of acme: not zenith''s, and not the cell''s'
);
select tests.act_as('bob', 'acme');
select is_empty($$ select id from security_alerts $$, 'bob, who may not, sees none, not even the one about him');
select tests.act_as('zoe', 'zenith');
select results_eq(
  $$ select id from security_alerts $$,
  $$ values (md5('alert:zenith')::uuid) $$,
  'zoe sees that of zenith'
);
select tests.act_as('ann');
select is_empty($$ select id from security_alerts $$, 'ann in no organization sees none');
select tests.act_as_nobody();
select is_empty($$ select id from security_alerts $$, 'nobody sees none');
select tests.act_as_auditor();
select is((select count(*) from security_alerts), 3::bigint, 'an auditor sees all three');
select tests.act_as_monitor();
select throws_ok($$ select id from security_alerts $$, '42501', null, 'a monitor sees none');

-- Who says that somebody is looking
select tests.act_as('bob', 'acme');
select throws_ok(
  $$ select acknowledge_alert(md5('alert:acme')::uuid) $$,
  'SP201', null,
  'bob acknowledges nothing'
);
select throws_ok(
  $$ select resolve_alert(md5('alert:acme')::uuid, 'It was I') $$,
  'SP201', null,
  '... and resolves nothing'
);
select tests.act_as('zoe', 'zenith');
select throws_ok(
  $$ select acknowledge_alert(md5('alert:acme')::uuid) $$,
  'SP308', null,
  'to zoe there is no such alert'
);
select throws_ok(
  $$ select resolve_alert(md5('alert:acme')::uuid, 'Nothing') $$,
  'SP308', null,
  '... to resolve either'
);
select tests.act_as_nobody();
select throws_ok($$ select acknowledge_alert(md5('alert:acme')::uuid) $$, 'SP102', null, 'nobody acknowledges nothing');
select throws_ok($$ select resolve_alert(md5('alert:acme')::uuid, 'x') $$, 'SP102', null, '... and resolves nothing');
select tests.act_as('ann');
select throws_ok($$ select acknowledge_alert(md5('alert:acme')::uuid) $$, 'SP103', null, 'ann chooses an organization first');

select tests.act_as('ann', 'acme');
select throws_ok(
  $$ update security_alerts set status = 'resolved' $$,
  '42501', null,
  'ann does not close an alert behind the function''s back'
);
select throws_ok($$ select acknowledge_alert(md5('alert:cell')::uuid) $$, 'SP308', null, 'the cell''s alerts are not hers');
select lives_ok($$ select acknowledge_alert(md5('alert:acme')::uuid) $$, 'ann says that she is looking');
select results_eq(
  $$ select status, resolved_by from security_alerts $$,
  $$ values ('acknowledged', null::uuid) $$,
  'it is acknowledged'
);
select throws_ok($$ select acknowledge_alert(md5('alert:acme')::uuid) $$, 'SP308', null, '... once');
select throws_ok(
  $$ select resolve_alert(md5('alert:acme')::uuid, null) $$,
  '23514', null,
  'what came of it must be said'
);
select lives_ok(
  $$ select resolve_alert(md5('alert:acme')::uuid, 'Bob had restored an old phone') $$,
  'ann resolves it, with a note'
);
select results_eq(
  $$ select status, resolved_by, resolution_note, resolution_time >= now() from security_alerts $$,
  $$ values ('resolved', tests.user_id('ann'), 'Bob had restored an old phone', true) $$,
  'it says who resolved it, how and when'
);
select throws_ok(
  $$ select resolve_alert(md5('alert:acme')::uuid, 'Again') $$,
  'SP308', null,
  'what is resolved stays resolved'
);
select results_eq(
  $$
    select event_type, acting_user_id, resource_id
    from auth_audit_logs
    where resource_type = 'alert'
    order by seq
  $$,
  $$
    values
      ('alert.acknowledged', tests.user_id('ann'), md5('alert:acme')::uuid),
      ('alert.resolved', tests.user_id('ann'), md5('alert:acme')::uuid)
  $$,
  'both are recorded'
);

-- Who opens one by hand
select throws_ok($$ select report_alert('two words', 'low') $$, 'SP503', null, 'a reason is one word');
select throws_ok($$ select report_alert(null, 'low') $$, 'SP503', null, '... and there is one');
select throws_ok($$ select report_alert('shared_password', 'awful') $$, 'SP503', null, 'a severity is one that there is');
select throws_ok($$ select report_alert('shared_password', null) $$, 'SP503', null, '... and not none');
select throws_ok($$ select report_alert('shared_password', 'low', tests.user_id('zoe')) $$, 'SP302', null, 'zoe is nobody to report in acme');
select lives_ok($$ select report_alert('shared_password', 'medium', tests.user_id('bob')) $$, 'ann reports bob');
select results_eq(
  $$ select user_id, organization_id, status, severity, evidence from security_alerts where alert_type = 'reported' $$,
  $$
    values (
      tests.user_id('bob'), tests.organization_id('acme'), 'open', 'medium',
      jsonb_build_object('reason', 'shared_password', 'reported_by', tests.user_id('ann'))
    )
  $$,
  'it says about whom, why, and who reported it'
);
select is((select user_id from tests.events('alert.reported')), tests.user_id('bob'), 'it is recorded');
select tests.act_as('bob', 'acme');
select throws_ok($$ select report_alert('shared_password', 'low') $$, 'SP201', null, 'bob reports nobody');
select tests.act_as('zoe', 'zenith');
select is_empty($$ select id from security_alerts where alert_type = 'reported' $$, 'zoe hears nothing of it');
select tests.act_as_nobody();
select throws_ok($$ select report_alert('shared_password', 'low') $$, 'SP102', null, 'nobody reports nothing');
select tests.act_as_operator();
select throws_ok($$ select report_alert('shared_password', 'low') $$, '42501', null, 'a job reports nothing');
select tests.act_as('ann');
select throws_ok($$ select report_alert('shared_password', 'low') $$, 'SP103', null, 'ann chooses an organization first');
select tests.act_as('ann', 'acme');

-- Who opens others
select throws_ok(
  $$ insert into security_alerts (alert_type, severity) values ('clock_went_back', 'low') $$,
  '42501', null,
  'ann opens none'
);
select throws_ok($$ select _raise_alert('clock_went_back', 'low') $$, '42501', null, '... by no function either');
select throws_ok($$ select raise_operational_alerts() $$, '42501', null, '... and does not do maintenance''s work');
select throws_ok($$ delete from security_alerts $$, '42501', null, '... nor delete one');
select tests.act_as_monitor();
select throws_ok($$ select raise_operational_alerts() $$, '42501', null, 'a monitor opens none');
select tests.act_as_operator();
select throws_ok($$ select _raise_alert('clock_went_back', 'low') $$, '42501', null, 'a job opens none of its choosing');
select is(raise_operational_alerts(), 0, '... and finds no trouble where an alert is open already');
select is(
  (select additional_data from tests.events('alerts.checked')),
  '{"raised": 0}'::jsonb,
  'that it looked is recorded'
);
select tests.act_as_superuser();
select throws_ok(
  $$ insert into security_alerts (alert_type, severity) values ('boredom', 'low') $$,
  '23514', null,
  'an alert is of a kind that is known'
);

select finish();
rollback;
