-- What is sealed of an attempt: where it came from is opened once it succeeds, and all of
-- it becomes evidence as it is, under whichever key it was sealed.
begin;
select plan(35);

select tests.two_organizations();

create function pg_temp.under(p_table text, p_id uuid) returns integer[] language plpgsql as $$
declare
  v_keys integer[];
begin
  execute format('select array[_key_id_of(email), _key_id_of(ip_address)] from %I where id = $1', p_table)
  using p_id into v_keys;
  return v_keys;
end;
$$;
create function pg_temp.proven(p_name text) returns uuid language sql
  as $$ select tests.prove_password(p_name, p_ip_address => '203.0.113.7') $$;

-- Known or not, the same is kept
select tests.act_as_nobody();
select set_config('tests.bobs', pg_temp.proven('bob')::text, true);
select set_config('tests.anns', pg_temp.proven('ann')::text, true);
select set_config('tests.nobodys', pg_temp.proven('nobody')::text, true);
select tests.act_as_superuser();
select is(
  (
    select count(distinct (octet_length(ip_address), octet_length(ip_index), email is null))
    from password_attempts
  ),
  1::bigint,
  'an attempt at an account nobody has is kept as any other'
);
select is(
  (select count(distinct ip_index) from password_attempts), 1::bigint, 'from one address attempts have one index'
);
select is_empty(
  $$
    select from password_attempts
    where position('@example'::bytea in email) > 0 or position('203.0.113'::bytea in ip_address) > 0
  $$,
  'nothing of what was typed is in its column, nor of where from'
);

-- Another key takes over while they are under way, and long enough ago
select tests.add_key();
select tests.unlock();
select tests.age_keys('decrypt_only', 'decrypt_only_time', '2 minutes');
select is(pg_temp.under('password_attempts', current_setting('tests.bobs')::uuid), '{1,1}', 'bob''s attempt is under the first key');
select tests.act_as_nobody();
select is(
  (select status from finish_password_check(current_setting('tests.bobs')::uuid, sha256('bobs'))), 'signed_in',
  '... and he signs in all the same'
);
select tests.act_as_superuser();
select is(
  (select ip_address from sessions where token_hash = sha256('bobs')), '203.0.113.7'::inet, '... from where he came'
);
select is(
  pg_temp.under('access_attempt_logs', current_setting('tests.bobs')::uuid), '{1,1}',
  '... and it is evidence as it was'
);
select throws_ok(
  $$ insert into password_attempts (account_id, email_digest, nonce, salt, email, expiration_time)
     select account_id, email_digest, sha256('other'), salt, email, expiration_time
     from password_attempts where id = current_setting('tests.anns')::uuid $$,
  'SP525', null,
  'no new attempt is under a key that only opens'
);
savepoint indexes;
update blind_index_versions set phase = 'fading';
update blind_index_versions set phase = 'ended';
select is(
  tests.complaint($$ select retire_key(null, 1) $$),
  'key 1 is still needed, for email of password_attempts in 3 rows',
  'a key is looked for where values wait before it is where they go'
);
rollback to indexes;

-- A rotation seals those anew that are under way, and no evidence
select tests.act_as_operator();
select is((select reencrypted from reencrypt_batch(9, null)), 3, 'what was typed is sealed anew');
select is((select reencrypted from reencrypt_batch(10, null)), 3, '... and where from');
select is((select reencrypted from reencrypt_batch(7, null)), 0, '... but no evidence');
select is((select reencrypted from reencrypt_batch(8, null)), 0, '... of either');
select tests.act_as_superuser();
select is(pg_temp.under('password_attempts', current_setting('tests.anns')::uuid), '{2,2}', 'ann''s is under the second key');
select is(pg_temp.under('access_attempt_logs', current_setting('tests.bobs')::uuid), '{1,1}', '... and bob''s where it was');
select results_eq(
  $$ select key_id, value_count, is_evidence from count_sealed_values(8) $$, $$ values (1, 1::bigint, true) $$,
  '... which a rotation tells of, and keeps'
);
select tests.act_as_nobody();
select is(
  (select status from finish_password_check(current_setting('tests.anns')::uuid, sha256('anns'))), 'signed_in',
  'ann signs in with what was sealed anew'
);
select is(
  (select status from finish_password_check(current_setting('tests.nobodys')::uuid, sha256('nobodys'))), 'invalid',
  '... and nobody does not'
);
select tests.act_as_auditor();
select results_eq(
  $$
    select opened.email, opened.ip_address
    from access_attempt_logs as log
    cross join lateral open_attempts(array[log.id], array[user_id], array[log.email], array[log.ip_address]) as opened
    where xid = txid_current()
    order by seq
  $$,
  $$
    values
      ('bob@example.com', '203.0.113.7'), ('ann@example.com', '203.0.113.7'), ('nobody@example.com', '203.0.113.7')
  $$,
  'and all of it opens'
);

-- Put there from another attempt
select tests.act_as_nobody();
select set_config('tests.bobs', pg_temp.proven('bob')::text, true);
select tests.act_as_superuser();
select throws_ok(
  $$ update password_attempts
     set ip_address = (select ip_address from password_attempts where id = current_setting('tests.anns')::uuid)
     where id = current_setting('tests.bobs')::uuid $$,
  'SP525', null,
  'where ann came from is not written as where bob did'
);
set local session_replication_role = replica;
update password_attempts
set ip_address = (select ip_address from password_attempts where id = current_setting('tests.anns')::uuid)
where id = current_setting('tests.bobs')::uuid;
set local session_replication_role = origin;
select tests.act_as_nobody();
select throws_ok(
  $$ select finish_password_check(current_setting('tests.bobs')::uuid, sha256('again')) $$, 'SP521', null,
  '... and does not open as that'
);
select tests.act_as_superuser();
create function pg_temp.finished_with(p_ip_address bytea, p_email bytea) returns text language plpgsql as $body$
begin
  perform tests.act_as_superuser();
  -- As who writes into the file of the table would: past the trigger.
  alter table password_attempts disable trigger _500_ip_address_is_sealed;
  alter table password_attempts disable trigger _500_email_is_sealed;
  update password_attempts
  set ip_address = p_ip_address, email = p_email
  where id = current_setting('tests.bobs')::uuid;
  perform tests.act_as_nobody();
  perform finish_password_check(current_setting('tests.bobs')::uuid, sha256('again'));
  raise exception 'to be undone' using errcode = 'SPDON';
exception
  when others then return sqlstate;
end;
$body$;
select set_config('tests.bobs', pg_temp.proven('bob')::text, true);
create temporary table attempt as
select ip_address, email from password_attempts where id = current_setting('tests.bobs')::uuid;
select is(
  (select pg_temp.finished_with(ip_address, email) from attempt), 'SPDON', 'as it was bob''s attempt is judged'
);
select is(
  (
    select array_agg(distinct pg_temp.finished_with(set_bit(ip_address, place, 1 - get_bit(ip_address, place)), email))
    from attempt
    cross join generate_series(0, 8 * octet_length(ip_address) - 1, 7) as place
  ),
  '{SP521}',
  '... and with any bit changed of where he came from it is not'
);
select is(
  (
    select array_agg(distinct pg_temp.finished_with(substr(ip_address, 1, length), email))
    from attempt
    cross join generate_series(0, octet_length(ip_address) - 1, 5) as length
  ),
  '{SP521}',
  '... nor cut, anywhere'
);
select throws_ok(
  $$ select open_fields(9, array[current_setting('tests.bobs')::uuid], array['\x00'::bytea]) $$, 'SP222', null,
  'and of attempts under way applications open nothing'
);

-- Evidence comes from where it waits, while it waits there, and from nowhere else
select tests.act_as_nobody();
select set_config('tests.bobs', pg_temp.proven('bob')::text, true);
select tests.act_as_superuser();
-- As an older transaction left it.
set local session_replication_role = replica;
update password_attempts
set
  email = tests.sealed_before(7, null, id, tests.email('bob'), user_id),
  ip_address = tests.sealed_before(8, null, id, '203.0.113.7', user_id),
  expiration_time = now() - interval '1 hour'
where id = current_setting('tests.bobs')::uuid;
set local session_replication_role = origin;
create temporary table waiting on commit drop as
select * from password_attempts where id = current_setting('tests.bobs')::uuid;
create function pg_temp.recorded(p_id uuid, p_email bytea, p_ip_address bytea) returns text language sql as $$
  select tests.outcome(format(
    'insert into access_attempt_logs (id, user_id, email, email_digest, ip_address, result) values (%L, %L, %L, %L, %L, %L)',
    p_id, tests.user_id('bob'), p_email, sha256('x'), p_ip_address, 'invalid'
  ))
$$;
select is((select pg_temp.recorded(new_id(), email, null) from waiting), 'SP525', 'what waits is not evidence of another attempt');
select is((select pg_temp.recorded(new_id(), null, ip_address) from waiting), 'SP525', '... nor is where from');
select is(
  (select pg_temp.recorded(id, tests.sealed_before(7, null, id, 'bob@example.net', user_id), null) from waiting), 'SP525',
  '... and of this one nothing else is'
);
select is(
  (select pg_temp.recorded(id, null, tests.sealed_before(8, null, id, '203.0.113.8', user_id)) from waiting), 'SP525',
  '... nor from elsewhere'
);
select tests.act_as_operator();
select set_config('safetypin.shares', '', true);
select is(sweep_password_attempts(1000) > 0, true, 'a job without a key sweeps the attempt');
select tests.act_as_superuser();
select results_eq(
  $$ select log.result, log.email = waiting.email, log.ip_address = waiting.ip_address
     from access_attempt_logs as log join waiting using (id) $$,
  $$ values ('abandoned', true, true) $$,
  '... and it is evidence as it waited'
);
select is((select pg_temp.recorded(id, email, null) from waiting), 'SP525', '... once: what waits no more does not come again');
select is((select pg_temp.recorded(id, null, ip_address) from waiting), 'SP525', '... nor where from');

-- A subscriber takes what its publisher took, in a transaction of its own
set local session_replication_role = replica;
select is((select pg_temp.recorded(id, email, ip_address) from waiting), 'done', 'where it is replicated, evidence comes as it is');
select is(
  (select pg_temp.recorded(id, 'in clear', null) from waiting), 'SP525', '... and not in clear'
);
set local session_replication_role = origin;

select finish();
rollback;
