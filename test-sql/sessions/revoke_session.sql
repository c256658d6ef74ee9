-- revoke_session() and its kin: who ends which sessions.
begin;
select plan(42);

select tests.two_organizations();
select tests.member('zenith', 'bob');
select tests.act_as('amy', 'acme');
select tests.act_as('bob', 'zenith');
select tests.act_as('bob');
select tests.act_as('bob', 'acme');

-- One
select throws_ok($$ select revoke_session(md5('session:amy:acme')::uuid) $$, 'SP303', null, 'bob does not end amy''s');
select throws_ok($$ select revoke_session(md5('session:none')::uuid) $$, 'SP303', null, '... nor one that does not exist');
select throws_ok($$ select revoke_session(null) $$, 'SP303', null, '... nor none');
select tests.act_as('ann', 'acme');
select throws_ok($$ select revoke_session(md5('session:bob:acme')::uuid) $$, 'SP303', null, 'ann, who owns acme, does not end a single one of bob''s');
select tests.act_as_nobody();
select throws_ok($$ select revoke_session(md5('session:bob:acme')::uuid) $$, 'SP102', null, 'nobody ends none');
select tests.act_as_operator();
select throws_ok($$ select revoke_session(md5('session:bob:acme')::uuid) $$, '42501', null, 'a job ends none');

select tests.act_as('bob', 'acme');
select lives_ok($$ select revoke_session(md5('session:bob:zenith')::uuid) $$, 'bob ends the one he left in zenith');
select throws_ok($$ select revoke_session(md5('session:bob:zenith')::uuid) $$, 'SP303', null, '... once');
select results_eq(
  $$ select id, revocation_time between now() and clock_timestamp(), revocation_reason from sessions where revoked $$,
  $$ values (md5('session:bob:zenith')::uuid, true, 'revoked_by_user') $$,
  'it says when and why'
);
select throws_ok($$ select begin_request(tests.token('bob', 'zenith')) $$, 'SP101', null, 'nobody comes in with it');
select begin_request(tests.token('bob', 'acme'));
select lives_ok($$ select revoke_session() $$, 'bob signs out');
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, '... and is out');
select tests.act_as_superuser();
select is((select revocation_reason from sessions where id = md5('session:bob:acme')::uuid), 'signed_out', '... having signed out');
select is((select count(*) from tests.events('session.revoked')), 2::bigint, 'both are recorded');

-- The others
select tests.act_as_superuser();
update sessions set revoked = false, revocation_time = null, revocation_reason = null where user_id = tests.user_id('bob');
select tests.act_as('bob', 'acme');
select is(revoke_other_sessions(), 2, 'bob ends his two others');
select is(revoke_other_sessions(), 0, '... once');
select lives_ok($$ select begin_request(tests.token('bob', 'acme')) $$, '... and stays in this one');
select throws_ok($$ select begin_request(tests.token('bob')) $$, 'SP101', null, '... and not in the others');
select lives_ok($$ select begin_request(tests.token('amy', 'acme')) $$, 'amy is not touched');
select tests.act_as_nobody();
select throws_ok($$ select revoke_other_sessions() $$, 'SP102', null, 'nobody ends none');
select tests.act_as_operator();
select throws_ok($$ select revoke_other_sessions() $$, '42501', null, 'a job ends none');
select is((select count(*) from tests.events('session.others_revoked')), 2::bigint, 'it is recorded, with how many');

select tests.act_as_superuser();
update sessions set revoked = false, revocation_time = null, revocation_reason = null where user_id = tests.user_id('bob');
select tests.act_as('bob', 'acme');
select is(
  revoke_other_sessions(array[md5('session:bob:zenith')::uuid, md5('session:amy:acme')::uuid, null]), 1,
  'bob ends his others but one, and names amy''s in vain'
);
select lives_ok($$ select begin_request(tests.token('bob', 'zenith')) $$, '... the one he named goes on');
select begin_request(tests.token('bob', 'acme'));
select is(revoke_other_sessions(null), 1, 'none is named, none goes on');
select throws_ok($$ select begin_request(tests.token('bob', 'zenith')) $$, 'SP101', null, '... neither does that one');

-- All
select tests.act_as_superuser();
update sessions set revoked = false, revocation_time = null, revocation_reason = null where user_id = tests.user_id('bob');
select tests.act_as('bob', 'acme');
select is(revoke_all_sessions(), 3, 'bob ends all three');
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, '... this one included');
select lives_ok($$ select begin_request(tests.token('amy', 'acme')) $$, 'amy is not touched');
select tests.act_as_superuser();
update sessions set revoked = false, revocation_time = null, revocation_reason = null where user_id = tests.user_id('bob');
select tests.act_as_nobody();
select throws_ok(
  $$ select begin_request(tests.token('bob', 'acme')) $$,
  'SP101', null,
  'also one that was being opened at that moment, which no row says is revoked'
);
select throws_ok($$ select revoke_all_sessions() $$, 'SP102', null, 'nobody ends none');
select tests.act_as_operator();
select throws_ok($$ select revoke_all_sessions() $$, '42501', null, 'a job ends none');
select results_eq(
  $$ select user_id, additional_data from tests.events('session.all_revoked') $$,
  $$ values (tests.user_id('bob'), '{"revoked": 3}'::jsonb) $$,
  'it is recorded, with how many'
);

-- A member's, by whoever may
select tests.act_as_superuser();
delete from sessions where user_id = tests.user_id('bob');
select tests.act_as('bob', 'zenith');
select tests.act_as('bob', 'acme');
select throws_ok($$ select revoke_member_sessions(tests.user_id('amy')) $$, 'SP201', null, 'bob ends nobody''s');
select throws_ok($$ select revoke_member_sessions(tests.user_id('bob')) $$, 'SP201', null, '... nor his own by this way');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select revoke_member_sessions(tests.user_id('amy')) $$, 'SP302', null, 'to zoe of zenith amy is no member');
select tests.act_as_nobody();
select throws_ok($$ select revoke_member_sessions(tests.user_id('bob')) $$, 'SP102', null, 'nobody ends nobody''s');
select tests.act_as_operator();
select throws_ok($$ select revoke_member_sessions(tests.user_id('bob')) $$, '42501', null, 'a job ends nobody''s');
select tests.act_as('amy', 'acme');
select lives_ok($$ select revoke_member_sessions(tests.user_id('bob')) $$, 'amy ends bob''s in acme');
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, '... which is void');
select lives_ok($$ select begin_request(tests.token('bob', 'zenith')) $$, '... the one in zenith is not hers to end');
select results_eq(
  $$ select user_id, acting_user_id from tests.events('session.member_revoked') $$,
  $$ values (tests.user_id('bob'), tests.user_id('amy')) $$,
  'it is recorded'
);

select finish();
rollback;
