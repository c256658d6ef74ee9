-- sessions: whoever looks sees their own; an administrator sees those in the
-- organization; nobody sees a token.
begin;
select plan(46);

select tests.two_organizations();
select tests.member('zenith', 'bob');
select tests.act_as('bob', 'zenith');
select tests.act_as('bob');
select tests.act_as('bob', 'acme');
select tests.act_as('zoe', 'zenith');
select tests.act_as('amy', 'acme');

-- Who sees what
select tests.act_as('bob', 'acme');
select is((select count(*) from sessions), 3::bigint, 'bob sees his three sessions, in whichever organization');
select is((select count(distinct user_id) from sessions), 1::bigint, '... and nobody else''s');
select is((select count(*) from session_activities), 3::bigint, '... and when they were used');
select tests.act_as('amy', 'acme');
select results_eq(
  $$ select user_id, organization_id from sessions where user_id <> current_user_id() $$,
  $$ values (tests.user_id('bob'), tests.organization_id('acme')) $$,
  'amy, who administers acme, sees bob''s there and not his others'
);
select is((select count(*) from session_activities), 2::bigint, '... and when they were used');
select tests.act_as('zoe', 'zenith');
select results_eq(
  $$ select organization_id from sessions where user_id = tests.user_id('bob') $$,
  $$ values (tests.organization_id('zenith')) $$,
  'zoe, who owns zenith, sees his there'
);
select is_empty($$ select id from sessions where organization_id = tests.organization_id('acme') $$, '... and none in acme');
select is_empty(
  $$ select session_id from session_activities where session_id = md5('session:amy:acme')::uuid $$,
  '... nor when they were used'
);
select tests.act_as('ann');
select is((select count(*) from sessions), 1::bigint, 'ann outside sees the one she is in');
select tests.act_as_nobody();
select is_empty($$ select id from sessions $$, 'nobody sees none');
select is_empty($$ select session_id from session_activities $$, '... nor when they were used');
select throws_ok($$ select id from refresh_tokens $$, '42501', null, '... nor any refresh token');
select tests.act_as_operator();
select throws_ok($$ select id from sessions $$, '42501', null, 'a job sees none');
select tests.act_as_auditor();
select throws_ok($$ select id from sessions $$, '42501', null, 'an auditor sees none');
select tests.act_as_owner();
select is_empty($$ select id from sessions $$, 'the owner of the table finds it empty');

-- Columns
select tests.act_as('bob', 'acme');
select throws_ok($$ select token_hash from sessions $$, '42501', null, 'bob does not read even the digest of his own token');
select throws_ok($$ select refresh_token_id from sessions $$, '42501', null, '... nor which is its refresh token');
select throws_ok($$ select id from refresh_tokens $$, '42501', null, '... nor any of those');
select throws_ok($$ update sessions set expiration_time = 'infinity' $$, '42501', null, '... and makes none last longer');
select throws_ok($$ update sessions set assurance_level = 3 $$, '42501', null, '... nor count for more');
select throws_ok($$ update sessions set revoked = false $$, '42501', null, '... nor revives one');
select throws_ok($$ update sessions set user_id = tests.user_id('ann') $$, '42501', null, '... nor makes it ann''s');
select throws_ok($$ delete from sessions $$, '42501', null, '... nor deletes one');
select throws_ok($$ update session_activities set last_activity_time = 'infinity' $$, '42501', null, '... nor says it was used');
select throws_ok(
  $$ insert into sessions (user_id, token_hash, assurance_level, authentication_methods, expiration_time, idle_limit) values (tests.user_id('ann'), sha256('x'), 3, '{password}', now() + interval '1 day', '1 day') $$,
  '42501', null,
  '... nor opens one'
);
select throws_ok(
  $$ select _open_session(tests.user_id('ann'), null, sha256('x'), null, 3::smallint, '{password}', true, null, null, null) $$,
  '42501', null,
  '... by no function either'
);
select tests.act_as_nobody();
select throws_ok(
  $$ select _open_session(tests.user_id('ann'), null, sha256('x'), null, 3::smallint, '{password}', true, null, null, null) $$,
  '42501', null,
  'nobody opens one without a proof'
);

-- What a session can be
select tests.act_as_superuser();
create function pg_temp.change(p_change text)
  returns text
  language sql
as $$ select format('update sessions set %s where id = %L', p_change, md5('session:bob:acme')::uuid) $$;
select throws_ok(pg_temp.change('assurance_level = 0'), '23514', null, 'a level is 1 at least');
select throws_ok(pg_temp.change('assurance_level = 4'), '23514', null, '... and 3 at most');
select throws_ok(pg_temp.change('authentication_methods = ''{}'''), '23514', null, 'it was proven with something');
select throws_ok(pg_temp.change('authentication_methods = ''{charm}'''), '23514', null, '... that is known');
select throws_ok(pg_temp.change('expiration_time = creation_time'), '23514', null, 'it ends after it begins');
select throws_ok(pg_temp.change('idle_limit = ''0'''), '23514', null, 'it may be idle for a while');
select throws_ok(pg_temp.change('revoked = true'), '23514', null, 'when it is ended, it says when and why');
select throws_ok(pg_temp.change('token_hash = ''\x00'''), '23514', null, 'a digest has 32 bytes');
select throws_ok(pg_temp.change('token_hash = sha256(tests.token(''zoe'', ''zenith''))'), '23505', null, '... and is one session''s');
select throws_ok(pg_temp.change(format('organization_id = %L', tests.organization_id('none'))), '23503', null, 'it is in an organization that bob belongs to');
select throws_ok(pg_temp.change('user_agent = E''a\nb'''), '23514', null, 'a user agent is one line');

-- The application's own
select tests.act_as('bob', 'acme');
select lives_ok($$ select set_session_data('{"theme": "dark"}') $$, 'the application keeps something with bob''s session');
select results_eq(
  $$ select id, session_data from sessions where session_data <> '{}' $$,
  $$ values (md5('session:bob:acme')::uuid, '{"theme": "dark"}'::jsonb) $$,
  '... with this one and no other'
);
select throws_ok($$ select set_session_data('[]') $$, '23514', null, 'it is an object');
select lives_ok($$ select set_session_data(jsonb_build_object('a', repeat('x', 4086))) $$, '... of four thousand and ninety-six octets');
select throws_ok($$ select set_session_data(jsonb_build_object('a', repeat('x', 4088))) $$, '23514', null, '... and no more');
select is((select count(*) from tests.events('session.data_set')), 2::bigint, 'both are recorded, and not what it was');
select tests.act_as_nobody();
select throws_ok($$ select set_session_data('{}') $$, 'SP102', null, 'nobody keeps nothing');
select tests.act_as_operator();
select throws_ok($$ select set_session_data('{}') $$, '42501', null, 'a job keeps nothing');

select finish();
rollback;
