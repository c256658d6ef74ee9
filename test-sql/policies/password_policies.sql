-- password_policies: stricter than NIST SP 800-63B-4, never laxer; an organization's
-- own to set, by who may; throttles the cell's alone.
begin;
select plan(105);

select tests.two_organizations();

-- Who sees it
select tests.act_as('bob', 'acme');
select results_eq($$ select organization_id from password_policies $$, $$ values (null::uuid) $$, 'bob sees the cell''s policy');
select tests.act_as_nobody();
select results_eq($$ select min_length from password_policies $$, $$ values (15) $$, 'so does nobody, who may want to register');

-- Who sets it
select throws_ok(
  $$ insert into password_policies (organization_id) values (tests.organization_id('acme')) $$,
  '42501', null,
  'nobody sets none'
);
select tests.act_as('bob', 'acme');
select throws_ok(
  $$ insert into password_policies (organization_id) values (tests.organization_id('acme')) $$,
  '42501', null,
  'bob, a member, sets none'
);
select tests.act_as('zoe', 'zenith');
select throws_ok(
  $$ insert into password_policies (organization_id) values (tests.organization_id('acme')) $$,
  '42501', null,
  'zoe of zenith sets none for acme'
);
select tests.act_as('ann');
select throws_ok(
  $$ insert into password_policies (organization_id) values (tests.organization_id('acme')) $$,
  '42501', null,
  'ann outside sets none'
);
select tests.act_as('amy', 'acme');
select throws_ok($$ insert into password_policies (organization_id) values (null) $$, '42501', null, 'amy sets none for the cell');
select lives_ok(
  $$ insert into password_policies (organization_id, min_length) values (tests.organization_id('acme'), 16) $$,
  'amy, who administers acme, sets its own'
);
select throws_ok(
  $$ insert into password_policies (organization_id) values (tests.organization_id('acme')) $$,
  '23505', null,
  '... one'
);
select results_eq(
  $$ update password_policies set min_length = 17 returning organization_id $$,
  $$ select tests.organization_id('acme') $$,
  'she changes it, and by the same statement not the cell''s'
);
select throws_ok(
  $$ update password_policies set organization_id = tests.organization_id('zenith') $$,
  '42501', null,
  '... nor whose it is'
);
select throws_ok($$ update password_policies set bcrypt_cost = 12 $$, '42501', null, '... nor what digests cost');
select throws_ok($$ update password_policies set lockout_threshold = 20 $$, '42501', null, '... nor how often one may guess');
select tests.act_as('bob', 'acme');
select results_eq(
  $$ select min_length from password_policies where organization_id is not null $$,
  $$ values (17) $$,
  'bob sees acme''s'
);
select is_empty($$ update password_policies set min_length = 64 returning id $$, '... and changes none');
select throws_ok($$ select clear_password_policy() $$, 'SP201', null, '... and gives none up');
select tests.act_as('zoe', 'zenith');
select is_empty($$ select id from password_policies where organization_id is not null $$, 'zoe does not see acme''s');
select is_empty($$ update password_policies set min_length = 64 returning id $$, '... changes none');
select is(clear_password_policy(), false, '... and gives none up, for zenith has none');
select tests.act_as_nobody();
select throws_ok($$ select clear_password_policy() $$, 'SP102', null, 'nobody gives none up');
select tests.act_as_operator();
select results_eq(
  $$ update password_policies set lockout_threshold = 6 returning organization_id $$,
  $$ values (null::uuid) $$,
  'a job sets the cell''s, and sees no organization''s'
);
select throws_ok($$ delete from password_policies $$, '42501', null, '... and deletes none');
select tests.act_as_auditor();
select is((select count(*) from password_policies), 2::bigint, 'an auditor sees both');
select throws_ok($$ update password_policies set min_length = 64 $$, '42501', null, '... and changes none');
select tests.act_as_superuser();
select results_eq(
  $$
    select operation, acting_user_id, new_values ->> 'min_length'
    from data_change_logs
    where table_name = 'password_policies' and organization_id = tests.organization_id('acme')
    order by seq
  $$,
  $$
    values ('insert', tests.user_id('amy'), '16'), ('update', tests.user_id('amy'), '17')
  $$,
  'what amy set and changed is recorded'
);

-- Throttles are the cell's
select throws_ok(
  $$ update password_policies set lockout_threshold = 20 where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_throttles_are_the_cells"',
  'an organization has no threshold of its own: it would tell who works there'
);
select throws_ok(
  $$ update password_policies set lockout_threshold = null where organization_id is null $$,
  '23514', null,
  '... and the cell has one'
);


-- Every bound, and the step beyond it
select lives_ok(
  $$ update password_policies set min_length = 15 where organization_id is not null $$,
  'fifteen characters are enough'
);
select throws_ok(
  $$ update password_policies set min_length = 14 where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_min_length_is_nist"',
  '... fourteen are not'
);
update sessions
set is_mfa_complete = true, assurance_level = 2, authentication_methods = '{password,otp}'
where id = md5('session:amy:acme')::uuid;
select tests.act_as('amy', 'acme');
select lives_ok(
  $$ update password_policies set min_length = 8, mfa_required = true where organization_id is not null $$,
  'eight are where a second factor goes with them'
);
select tests.act_as_superuser();
select throws_ok(
  $$ update password_policies set min_length = 7, mfa_required = true where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_min_length_is_nist"',
  '... seven are not'
);
select lives_ok(
  $$ update password_policies set min_length = 15, mfa_required = false where organization_id is not null $$,
  'without the second factor it is fifteen again'
);
select throws_ok(
  $$ update password_policies set min_length = 14, mfa_required = false where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_min_length_is_nist"',
  '... and not fourteen'
);
select lives_ok(
  $$ update password_policies set min_length = 64 where organization_id is not null $$,
  'sixty-four may be demanded'
);
select throws_ok(
  $$ update password_policies set min_length = 65 where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_min_length_is_nist"',
  '... sixty-five may not'
);
select lives_ok(
  $$ update password_policies set min_length = 15, max_length = 64 where organization_id is not null $$,
  'sixty-four characters may be the most'
);
select throws_ok(
  $$ update password_policies set max_length = 63 where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_max_length_is_nist"',
  '... sixty-three may not'
);
select lives_ok(
  $$ update password_policies set max_length = 1024 where organization_id is not null $$,
  'a thousand and twenty-four may be allowed'
);
select throws_ok(
  $$ update password_policies set max_length = 1025 where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_max_length_is_nist"',
  '... one more may not'
);
select lives_ok(
  $$ update password_policies set maximum_age_days = 1 where organization_id is not null $$,
  'a password may last a day'
);
select throws_ok(
  $$ update password_policies set maximum_age_days = 0 where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_maximum_age_is_sane"',
  '... not none'
);
select lives_ok(
  $$ update password_policies set maximum_age_days = 3650 where organization_id is not null $$,
  '... ten years'
);
select throws_ok(
  $$ update password_policies set maximum_age_days = 3651 where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_maximum_age_is_sane"',
  '... and not a day more'
);
select lives_ok(
  $$ update password_policies set maximum_age_days = null where organization_id is not null $$,
  '... or for ever, as NIST wants it'
);
select lives_ok(
  $$ update password_policies set history_depth = 1 where organization_id is not null $$,
  'one password may be remembered'
);
select throws_ok(
  $$ update password_policies set history_depth = 0 where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_history_is_bounded"',
  '... not none'
);
select lives_ok(
  $$ update password_policies set history_depth = 50 where organization_id is not null $$,
  '... fifty'
);
select throws_ok(
  $$ update password_policies set history_depth = 51 where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_history_is_bounded"',
  '... and no more'
);
select lives_ok(
  $$ update password_policies set history_days = 0 where organization_id is not null $$,
  'a password may be forgotten at once'
);
select throws_ok(
  $$ update password_policies set history_days = -1 where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_history_is_bounded"',
  '... not before'
);
select lives_ok(
  $$ update password_policies set history_days = 3650 where organization_id is not null $$,
  '... after ten years'
);
select throws_ok(
  $$ update password_policies set history_days = 3651 where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_history_is_bounded"',
  '... and not later'
);
select lives_ok(
  $$ update password_policies set max_sessions = 1 where organization_id is not null $$,
  'one session may be all'
);
select throws_ok(
  $$ update password_policies set max_sessions = 0 where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_max_sessions_is_sane"',
  '... none may not'
);
select lives_ok(
  $$ update password_policies set max_sessions = 100 where organization_id is not null $$,
  'a hundred may be had'
);
select throws_ok(
  $$ update password_policies set max_sessions = 101 where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_max_sessions_is_sane"',
  '... and no more'
);
select lives_ok(
  $$ update password_policies set aal1_absolute_limit = '30 days' where organization_id is not null $$,
  'at level 1 a session lasts up to a month'
);
select throws_ok(
  $$ update password_policies set aal1_absolute_limit = '30 days 1 second' where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_aal1_limits_are_nist"',
  '... not a second more'
);
select lives_ok(
  $$ update password_policies set aal1_idle_limit = '30 days' where organization_id is not null $$,
  '... idle as long as it lasts'
);
select throws_ok(
  $$ update password_policies set aal1_idle_limit = '30 days 1 second' where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_aal1_limits_are_nist"',
  '... not a second more'
);
select lives_ok(
  $$ update password_policies set aal1_absolute_limit = '1 hour', aal1_idle_limit = '1 hour' where organization_id is not null $$,
  '... which may be an hour'
);
select throws_ok(
  $$ update password_policies set aal1_idle_limit = '1 hour 1 second' where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_aal1_limits_are_nist"',
  '... and no idler than that'
);
select lives_ok(
  $$ update password_policies set aal1_absolute_limit = '5 minutes', aal1_idle_limit = '2 minutes' where organization_id is not null $$,
  '... two minutes idle are a limit'
);
select throws_ok(
  $$ update password_policies set aal1_idle_limit = '2 minutes -1 microseconds' where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_sessions_can_be_used"',
  '... a microsecond less is not'
);
select lives_ok(
  $$ update password_policies set aal1_absolute_limit = '5 minutes' where organization_id is not null $$,
  '... and five for the whole of it'
);
select throws_ok(
  $$ update password_policies set aal1_absolute_limit = '5 minutes -1 microseconds' where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_sessions_can_be_used"',
  '... neither'
);
select lives_ok(
  $$ update password_policies set aal2_absolute_limit = '24 hours' where organization_id is not null $$,
  'at level 2 it lasts up to a day'
);
select throws_ok(
  $$ update password_policies set aal2_absolute_limit = '24 hours 1 second' where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_aal2_limits_are_nist"',
  '... not a second more'
);
select lives_ok(
  $$ update password_policies set aal2_idle_limit = '1 hour' where organization_id is not null $$,
  '... idle up to an hour'
);
select throws_ok(
  $$ update password_policies set aal2_idle_limit = '1 hour 1 second' where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_aal2_limits_are_nist"',
  '... not a second more'
);
select lives_ok(
  $$ update password_policies set aal2_absolute_limit = '5 minutes', aal2_idle_limit = '2 minutes' where organization_id is not null $$,
  '... two minutes idle are a limit'
);
select throws_ok(
  $$ update password_policies set aal2_idle_limit = '2 minutes -1 microseconds' where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_sessions_can_be_used"',
  '... a microsecond less is not'
);
select lives_ok(
  $$ update password_policies set aal2_absolute_limit = '5 minutes' where organization_id is not null $$,
  '... and five for the whole of it'
);
select throws_ok(
  $$ update password_policies set aal2_absolute_limit = '5 minutes -1 microseconds' where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_sessions_can_be_used"',
  '... neither'
);
select lives_ok(
  $$ update password_policies set aal3_absolute_limit = '12 hours' where organization_id is not null $$,
  'at level 3 it lasts up to half a day'
);
select throws_ok(
  $$ update password_policies set aal3_absolute_limit = '12 hours 1 second' where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_aal3_limits_are_nist"',
  '... not a second more'
);
select lives_ok(
  $$ update password_policies set aal3_idle_limit = '15 minutes' where organization_id is not null $$,
  '... idle up to a quarter of an hour'
);
select throws_ok(
  $$ update password_policies set aal3_idle_limit = '15 minutes 1 second' where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_aal3_limits_are_nist"',
  '... not a second more'
);
select lives_ok(
  $$ update password_policies set aal3_absolute_limit = '5 minutes', aal3_idle_limit = '2 minutes' where organization_id is not null $$,
  '... two minutes idle are a limit'
);
select throws_ok(
  $$ update password_policies set aal3_idle_limit = '2 minutes -1 microseconds' where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_sessions_can_be_used"',
  '... a microsecond less is not'
);
select lives_ok(
  $$ update password_policies set aal3_absolute_limit = '5 minutes' where organization_id is not null $$,
  '... and five for the whole of it'
);
select throws_ok(
  $$ update password_policies set aal3_absolute_limit = '5 minutes -1 microseconds' where organization_id is not null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_sessions_can_be_used"',
  '... neither'
);
select lives_ok(
  $$ update password_policies set bcrypt_cost = 12 where organization_id is null $$,
  'a digest costs twelve at least'
);
select throws_ok(
  $$ update password_policies set bcrypt_cost = 11 where organization_id is null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_bcrypt_cost_is_strong"',
  '... eleven is too cheap'
);
select lives_ok(
  $$ update password_policies set bcrypt_cost = 16 where organization_id is null $$,
  '... sixteen at most'
);
select throws_ok(
  $$ update password_policies set bcrypt_cost = 17 where organization_id is null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_bcrypt_cost_is_strong"',
  '... seventeen is too dear'
);
select lives_ok(
  $$ update password_policies set lockout_threshold = 3 where organization_id is null $$,
  'three failures may throttle'
);
select throws_ok(
  $$ update password_policies set lockout_threshold = 2 where organization_id is null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_throttles_are_sane"',
  '... two may not'
);
select lives_ok(
  $$ update password_policies set lockout_threshold = 20 where organization_id is null $$,
  '... twenty must'
);
select throws_ok(
  $$ update password_policies set lockout_threshold = 21 where organization_id is null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_throttles_are_sane"',
  '... not later'
);
select lives_ok(
  $$ update password_policies set address_threshold = 10 where organization_id is null $$,
  'ten failures may throttle an address'
);
select throws_ok(
  $$ update password_policies set address_threshold = 9 where organization_id is null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_throttles_are_sane"',
  '... nine may not'
);
select lives_ok(
  $$ update password_policies set address_threshold = 10000 where organization_id is null $$,
  '... ten thousand must'
);
select throws_ok(
  $$ update password_policies set address_threshold = 10001 where organization_id is null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_throttles_are_sane"',
  '... not later'
);
select lives_ok(
  $$ update password_policies set lockout_base = '1 second' where organization_id is null $$,
  'the first wait is a second at least'
);
select throws_ok(
  $$ update password_policies set lockout_base = '0.9 seconds' where organization_id is null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_throttles_are_sane"',
  '... not less'
);
select lives_ok(
  $$ update password_policies set lockout_limit = '1 hour', lockout_base = '5 minutes' where organization_id is null $$,
  '... five minutes at most'
);
select throws_ok(
  $$ update password_policies set lockout_base = '5 minutes 1 second' where organization_id is null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_throttles_are_sane"',
  '... not more'
);
select lives_ok(
  $$ update password_policies set lockout_limit = '5 minutes' where organization_id is null $$,
  'the longest wait may be the first'
);
select throws_ok(
  $$ update password_policies set lockout_limit = '4 minutes' where organization_id is null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_throttles_are_sane"',
  '... not shorter'
);
select lives_ok(
  $$ update password_policies set lockout_limit = '1 hour' where organization_id is null $$,
  '... an hour at most'
);
select throws_ok(
  $$ update password_policies set lockout_limit = '1 hour 1 second' where organization_id is null $$,
  '23514', 'new row for relation "password_policies" violates check constraint "password_policies_throttles_are_sane"',
  '... not longer'
);

-- Giving it up
select tests.act_as('amy', 'acme');
select is(clear_password_policy(), true, 'amy gives acme''s policy up');
select is_empty($$ select id from password_policies where organization_id is not null $$, '... and it is gone');
select isnt_empty($$ select id from password_policies where organization_id is null $$, '... and the cell''s stays, for all');

select finish();
rollback;
