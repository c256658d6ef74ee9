-- shred_person() and erase_own_account(): what is sealed about somebody opens no more, what
-- is said in clear is overwritten, rows and ids and evidence stay.
begin;
select plan(57);

select tests.two_organizations();
select tests.person('max');
select tests.notes();
select tests.unlock();
update users set phone_number = _seal_text(2, null, id, '+12025550123', id), job_title = 'Nurse', avatar_url = 'https://example.com/bob'
where id = tests.user_id('bob');
insert into notes (id, user_id, about)
select md5(name)::uuid, tests.user_id(name), _seal_text(90001, null, md5(name)::uuid, 'about ' || name, tests.user_id(name))
from unnest(array['ann', 'bob']) as name;
insert into organization_domains (organization_id, domain, claimed_by)
values (tests.organization_id('acme'), 'acme.example', tests.user_id('bob'));
select tests.act_as('bob', 'acme');
select tests.act_as_superuser();
update sessions set ip_address = '203.0.113.7', user_agent = 'Bob''s telephone', session_data = '{"theme": "dark"}'
where user_id = tests.user_id('bob');

select tests.act_as_nobody();
select tests.sign_in('bob', p_token => 'bob at home', p_ip_address => '203.0.113.8');
select tests.sign_in('ann', p_token => 'ann at home', p_ip_address => '203.0.113.9');
select tests.act_as_superuser();
create function tests.attempts() returns table (who uuid, result text, email text, ip_address text) language sql as $$
  select user_id, result, opened.email, opened.ip_address
  from access_attempt_logs
  join open_attempts(
    (select array_agg(id) from access_attempt_logs),
    (select array_agg(user_id) from access_attempt_logs),
    (select array_agg(email) from access_attempt_logs),
    (select array_agg(ip_address) from access_attempt_logs)
  ) as opened using (id)
  order by opened.ip_address nulls first
$$;
select tests.unlock();
select results_eq(
  'select * from tests.attempts()',
  $$ values
    (tests.user_id('bob'), 'success', tests.email('bob'), '203.0.113.8'),
    (tests.user_id('ann'), 'success', tests.email('ann'), '203.0.113.9') $$,
  'bob and ann have signed in, from somewhere'
);

-- What whoever has the database and its key can compare an address with
create function tests.traces(p_name text) returns text[] language sql as $$
  with digest as (
    select tests.throttle_id(tests.email(p_name)) as id,
      _keyed_digest('email|' || tests.email(p_name), (_open_digest_keys('address'))[1]) as email_digest
  )
  select array_agg(found.what order by found.what)
  from digest
  cross join lateral (
    select 'a message' as what from messages where messages.email_digest = digest.email_digest
    union select 'an attempt under way' from password_attempts where password_attempts.email_digest = digest.email_digest
    union select 'evidence' from access_attempt_logs where access_attempt_logs.email_digest = digest.email_digest
    union select 'failures' from sign_in_throttles where sign_in_throttles.id = digest.id
  ) as found
$$;
select tests.act_as_nobody();
select tests.unlock();
select request_password_reset(tests.email('bob'));
select begin_password_check(tests.email('eve'));
select tests.finish_password_check(tests.prove_password('eve'), sha256('x'));
select tests.act_as_superuser();
select tests.unlock();
select is(tests.traces('bob'), '{"a message","an attempt under way",failures}'::text[], 'bob''s address is known by its digest where something is counted or under way');
select is(tests.traces('eve'), '{"an attempt under way",evidence,failures}'::text[], '... and evidence has the digest of an address that is nobody''s, and of none that is somebody''s');

-- Who may
create function tests.shredding() returns setof text language sql as $body$
  select tests.outcome(call)
  from unnest(array[
    $$ select shred_person(tests.user_id('bob')) $$,
    $$ select shred_organization(tests.organization_id('acme')) $$,
    $$ select list_shreddings() $$,
    $$ select export_shreddings() $$,
    $$ select read_restore_state() $$,
    $$ select verify_shreddings(null, '[]') $$,
    $$ select replay_shreddings(null, '[]') $$,
    $$ select read_ledger_end() $$,
    $$ select verify_ledger_end(null, 0, '\x', '\x') $$,
    $$ select finish_replay(null, 0, '\x', '\x') $$,
    $$ select confirm_restore() $$,
    $$ select declare_restored() $$,
    $$ select declare_backup_age('1 day') $$,
    $$ select place_legal_hold(tests.user_id('bob'), null, 'x') $$,
    $$ select release_legal_hold(tests.user_id('bob')) $$,
    $$ select list_legal_holds() $$
  ]) as call
$body$;
select tests.act_as('ann', 'acme');
select results_eq($$ select distinct tests.shredding() $$, array['42501'], 'ann, who owns acme, shreds nobody');
select tests.act_as('bob', 'acme');
select results_eq($$ select distinct tests.shredding() $$, array['42501'], 'bob does not');
select tests.act_as('zoe', 'zenith');
select results_eq($$ select distinct tests.shredding() $$, array['42501'], 'zoe does not');
select tests.act_as_nobody();
select results_eq($$ select distinct tests.shredding() $$, array['42501'], 'nobody does');
select throws_ok($$ select erase_own_account() $$, 'SP102', null, 'nobody is no account to erase');
select tests.act_as_auditor();
select results_eq($$ select distinct tests.shredding() $$, array['42501'], 'an auditor does not');
select is_empty($$ select from shreddings $$, '... and reads in the ledger that nobody was');
select tests.act_as_backup();
select results_eq($$ select distinct tests.shredding() $$, array['42501'], 'a backup does not');

-- Whom
select tests.act_as_operator();
select throws_ok($$ select shred_person(tests.user_id('eve')) $$, 'SP301', null, 'who does not exist is not shredded');
select throws_ok($$ select shred_person(null) $$, 'SP301', null, '... nor nobody');
select throws_ok(
  $$ select shred_person(tests.user_id('ann')) $$, '23514', null, '... nor the last owner of an organization'
);
select tests.act_as_superuser();
select isnt((select salt from subject_salts where user_id = tests.user_id('ann')), null, 'she keeps her salt');

-- Evidence as it was, for later
create temporary table evidence on commit drop as
select 'event' as kind, id, to_jsonb(auth_audit_logs) as row from auth_audit_logs
union all
select 'change', id, to_jsonb(data_change_logs) from data_change_logs
union all
select 'attempt', id, to_jsonb(access_attempt_logs) from access_attempt_logs;
create temporary table memberships on commit drop as
select * from organization_users where user_id <> tests.user_id('bob');
grant select on evidence, memberships to public;

-- Doing it
select tests.act_as_operator();
select lives_ok($$ select shred_person(tests.user_id('bob')) $$, 'bob is shredded');
select is(
  shred_person(tests.user_id('bob')), (select shred_time + interval '35 days' from list_shreddings()),
  '... once, however often it is asked for, and a backup has him for 35 days'
);
select results_eq(
  $$ select seq, user_id, organization_id, acting_user_id, shred_time between now() and clock_timestamp(), effective_time - shred_time, is_effective, replay_time from list_shreddings() $$,
  $$ values (1::bigint, tests.user_id('bob'), null::uuid, null::uuid, true, interval '35 days', false, null::timestamptz) $$,
  '... and so it stands in the ledger'
);
select results_eq(
  $$ select user_id, acting_user_id from tests.events('user.shredded') $$,
  $$ values (tests.user_id('bob'), null::uuid) $$,
  '... and in the evidence'
);

select tests.act_as_superuser();
select results_eq(
  $$
    select status, email, phone_number, first_name, last_name, job_title, avatar_url, timezone, locale, last_login_time, search_text
    from users where id = tests.user_id('bob')
  $$,
  $$ values ('shredded', null::bytea, null::bytea, 'Shredded', 'Person', null, null, 'UTC', 'en', null::timestamptz, 'shredded person ') $$,
  'his row stays, and says nothing of him'
);
select results_eq(
  $$ select salt from subject_salts where user_id = tests.user_id('bob') $$, $$ values (null::bytea) $$, 'his salt is gone'
);
select is_empty($$ select from user_email_indexes where user_id = tests.user_id('bob') $$, 'nobody finds him by his address');
select is_empty(
  $$
    select from password_credentials where user_id = tests.user_id('bob')
    union all select from password_history where user_id = tests.user_id('bob')
    union all select from password_history_indexes where user_id = tests.user_id('bob')
    union all select from password_attempts where user_id = tests.user_id('bob')
    union all select from sign_in_throttles where user_id = tests.user_id('bob')
    union all select from one_time_tokens where user_id = tests.user_id('bob')
    union all select from messages where user_id = tests.user_id('bob')
    union all select from organization_users where user_id = tests.user_id('bob')
  $$,
  'he has no password, no token, no message and no membership'
);
select tests.unlock();
select is(tests.traces('bob'), null, 'nothing compares with his address, for whoever has the keys either');
select results_eq(
  $$ select distinct revoked, ip_address, user_agent, session_data from sessions where user_id = tests.user_id('bob') $$,
  $$ values (true, null::inet, null::text, '{}'::jsonb) $$,
  'his sessions are ended, and do not say where he was'
);
select is(
  (select claimed_by from organization_domains where domain = 'acme.example'), null, 'what he claimed, nobody claimed'
);
select results_eq(
  $$ select * from organization_users where user_id <> tests.user_id('bob') order by 1, 2 $$,
  $$ select * from memberships order by 1, 2 $$,
  'everybody else is where they were'
);
select is((select member_count from organizations where id = tests.organization_id('acme')), 2, 'acme counts one member less');
select is_empty(
  $$
    select kind, id, row from evidence
    except
    (
      select 'event', id, to_jsonb(auth_audit_logs) from auth_audit_logs
      union all
      select 'change', id, to_jsonb(data_change_logs) from data_change_logs
      union all
      select 'attempt', id, to_jsonb(access_attempt_logs) from access_attempt_logs
    )
  $$,
  'no evidence is gone, and none reads otherwise'
);
select is_empty(
  $$
    select table_name, old_values, new_values
    from data_change_logs
    where concat(old_values, new_values) ~* '(203\.0\.113\.7|telephone|Nurse|example\.com/bob|bob@|12025550123)'
  $$,
  'what was recorded of the changes says nothing of him'
);
select is_empty(
  $$
    select conname
    from pg_constraint
    where connamespace = current_schema()::regnamespace and contype = 'f' and not convalidated
  $$,
  'every foreign key holds'
);

-- A request of his that was let in before goes on to its end, and writes nothing back.
select _set_context(tests.user_id('bob'), null, null, 1::smallint);
select set_config('role', tests.login('app'), true);
update users set first_name = 'Bob', job_title = 'Nurse' where id = (select current_user_id());
select tests.unlock();
select throws_ok($$ select set_own_phone_number('+12025550123') $$, 'SP425', null, 'he seals nothing about himself any more');
select tests.act_as_superuser();
select results_eq(
  $$ select first_name, job_title, phone_number from users where id = tests.user_id('bob') $$,
  $$ values ('Shredded', null::text, null::bytea) $$,
  '... and says nothing of himself'
);

-- Opening
select tests.unlock();
select results_eq(
  $$ select * from tests.attempts() where result = 'success' $$,
  $$ values
    (tests.user_id('bob'), 'success', null, null),
    (tests.user_id('ann'), 'success', tests.email('ann'), '203.0.113.9') $$,
  'evidence says that he signed in, and not from where'
);
select throws_ok(
  $$ select _open_text(90001, null, id, about, user_id) from notes where user_id = tests.user_id('bob') $$, 'SP521', null,
  'what is sealed about him opens no more'
);
select results_eq(
  $$
    select unnest(open_fields(90001, array_agg(id order by id), array_agg(about order by id), array_agg(user_id order by id)))
    from notes
  $$,
  $$ select case user_id when tests.user_id('bob') then null else 'about ann' end from notes order by id $$,
  '... in a list he is null, and others are what they are'
);
select throws_ok(
  $$ select _seal_text(90001, null, new_id(), 'again', tests.user_id('bob')) $$, 'SP425', null,
  'nothing is sealed about him any more'
);
select throws_ok(
  $$ insert into subject_salts (user_id) values (tests.user_id('bob')) $$, '23505', null, '... and he gets no other salt'
);
select tests._become('safetypin_keyholder');
select throws_ok(
  $$ update subject_salts set salt = gen_random_bytes(32) where user_id = tests.user_id('bob') $$, '42501', null,
  '... not of the keyholder either'
);

-- Signing in, and coming back
select tests.act_as_nobody();
select throws_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'SP101', null, 'bob''s session is void');
select is(tests.sign_in('bob'), 'invalid', '... and he signs in like an address that nobody has');
select tests.act_as('ann', 'acme');
select tests.unlock();
select is(find_user_by_email(tests.email('bob')), null, 'ann finds him no more');
select is_empty($$ select from search_users('shredded') $$, '... not as a shredded person either');
select tests.act_as_superuser();
select tests.unlock();
insert into users (id, email, first_name, last_name, email_verified_time, status)
values (md5('bob again')::uuid, _seal_email(md5('bob again')::uuid, tests.email('bob')), 'Bob', 'Again', now(), 'active');
select lives_ok(
  $$ select _index_email(md5('bob again')::uuid, tests.email('bob')) $$, 'his address is free for somebody who registers anew'
);
select is(_find_user_by_email(tests.email('bob')), md5('bob again')::uuid, '... who is another person');

-- Rotation
select tests.add_key();
select tests.unlock();
select is((select reencrypted from reencrypt_batch(90001, null)), 2, 'when keys rotate, what is his is passed over with the others');
select is(
  (select count(*)::integer from notes where _key_id_of(about) = 2 and octet_length(about) between 70 and 150), 2,
  '... and is random bytes under the new key'
);
select results_eq(
  $$
    select unnest(open_fields(90001, array_agg(id order by id), array_agg(about order by id), array_agg(user_id order by id)))
    from notes
  $$,
  $$ select case user_id when tests.user_id('bob') then null else 'about ann' end from notes order by id $$,
  '... which read like before'
);

-- The ledger
select throws_ok($$ update shreddings set user_id = tests.user_id('ann') $$, 'SP203', null, 'the ledger is not changed');
select throws_ok($$ delete from shreddings $$, 'SP203', null, '... and nothing goes from it');
select throws_ok($$ truncate shreddings $$, 'SP203', null, '... nor all of it at once');
select tests.act_as_auditor();
select results_eq($$ select user_id from shreddings $$, $$ values (tests.user_id('bob')) $$, 'an auditor reads it');

-- One's own doing
select tests.act_as_superuser();
select tests.act_as('max');
select tests.act_as_superuser();
update sessions set creation_time = _now() - interval '11 minutes', expiration_time = _now() + interval '1 day'
where user_id = tests.user_id('max');
select tests.act_as_nobody();
select begin_request(tests.token('max'));
select throws_ok($$ select erase_own_account() $$, 'SP104', null, 'max erases nothing in a session of a while ago');
select tests.act_as_superuser();
update sessions set creation_time = _now() - interval '9 minutes' where user_id = tests.user_id('max');
select tests.act_as_nobody();
select begin_request(tests.token('max'));
select lives_ok('select erase_own_account()', 'max, who signed in a moment ago, erases himself');
select results_eq(
  $$ select user_id, acting_user_id from tests.events('user.shredded') order by seq desc limit 1 $$,
  $$ values (tests.user_id('max'), tests.user_id('max')) $$,
  '... which is recorded as his doing'
);
select tests.act_as_operator();
select results_eq(
  $$ select seq, user_id, acting_user_id from list_shreddings(1) $$,
  $$ values (2::bigint, tests.user_id('max'), tests.user_id('max')) $$,
  '... in the ledger too'
);
select tests.act_as('ann', 'acme');
select throws_ok($$ select erase_own_account() $$, '23514', null, 'ann, the last owner of acme, does not');

select finish();
rollback;
