-- digest_keys: what addresses are digested under is sealed like what is kept of them. Who
-- has all of the tables and not the cell's key can make no digest.
begin;
select plan(48);

select tests.two_organizations();

-- What is in the table, as a dump has it; and the key, as nothing but the cell's key gives it
create function tests.kept(p_purpose text)
  returns bytea
  language sql
  security definer
as $$ select secret from digest_keys where purpose = p_purpose and retired_time is null $$;
create function tests.opened(p_purpose text, p_place integer default 1)
  returns bytea
  language plpgsql
  security definer
as $$
begin
  perform tests.unlock();
  return (_open_digest_keys(p_purpose))[p_place];
end;
$$;
-- What it says without the cell's key, which is there again after
create function tests.locked_out(p_query text)
  returns text
  language plpgsql
as $$
begin
  perform forget_settings();
  execute p_query;
  raise sqlstate 'TEST1';
exception
  when sqlstate 'TEST1' then return 'done';
  when others then return sqlstate;
end;
$$;


-- Whose business it is: nobody's
select tests.act_as('ann', 'acme');
select throws_ok($$ select secret from digest_keys $$, '42501', null, 'ann, who owns acme, reads no key');
select throws_ok($$ select id from digest_keys $$, '42501', null, '... not even which there are');
select throws_ok($$ select _open_digest_keys('address') $$, '42501', null, '... opens none');
select throws_ok($$ select _keyed_digest('ann@example.com', 'key') $$, '42501', null, '... and digests nothing');
select throws_ok($$ select open_fields(11, array[new_id()], array['\x00'::bytea]) $$, 'SP222', null, '... nor as she opens a list');
select tests.act_as('bob', 'acme');
select throws_ok($$ select _open_digest_keys('salt') $$, '42501', null, 'bob, a member, opens none');
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select _open_digest_keys('address') $$, '42501', null, 'zoe, a stranger, neither');
select tests.act_as_nobody();
select throws_ok($$ select secret from digest_keys $$, '42501', null, 'nobody reads a key');
select throws_ok($$ select _open_digest_keys('address') $$, '42501', null, '... or opens one');
select throws_ok($$ select _make_digest_key(new_id()) $$, '42501', null, '... or makes one');
select throws_ok($$ insert into digest_keys (purpose) values ('address') $$, '42501', null, '... or calls for one');
select tests.act_as_operator();
select throws_ok($$ select secret from digest_keys $$, '42501', null, 'a job, which rotates keys, reads none');
select throws_ok($$ select _open_digest_keys('address') $$, '42501', null, '... and opens none');
select throws_ok($$ update digest_keys set secret = null $$, '42501', null, '... or takes one away');
select tests.act_as_auditor();
select throws_ok($$ select secret from digest_keys $$, '42501', null, 'an auditor reads none');
select tests.act_as_monitor();
select throws_ok($$ select secret from digest_keys $$, '42501', null, 'a monitor reads none');
select tests.act_as_mailer();
select throws_ok($$ select secret from digest_keys $$, '42501', null, 'a mailer reads none');
select tests.act_as_owner();
select is_empty($$ select secret from digest_keys $$, 'the owner of the table finds it empty');
select throws_ok($$ insert into digest_keys (purpose) values ('address') $$, '42501', null, '... and puts no key of its own into it');


-- What may be in it
select tests.act_as_superuser();
select results_eq(
  $$ select purpose, count(*) from digest_keys group by purpose order by purpose $$,
  $$ values ('address', 1::bigint), ('salt', 1::bigint) $$,
  'there is one key for each purpose'
);
select throws_ok($$ insert into digest_keys (purpose) values ('address') $$, '23505', null, 'two never digest at once');
select lives_ok($$ insert into digest_keys (purpose, retired_time) values ('salt', now()); delete from digest_keys where retired_time is not null $$, 'one before may drain');
select throws_ok(
  $$ insert into digest_keys (purpose, retired_time) values ('salt', now()), ('salt', now() - interval '1 day') $$,
  '23505', null, '... and not two'
);
select throws_ok($$ insert into digest_keys (purpose) values ('other') $$, '23514', null, 'a key has a purpose that is known');
select throws_ok(
  $$ update digest_keys set secret = sha256('a') || sha256('b') $$, 'SP525', null,
  'what is not sealed is no key'
);


-- Made by whoever needs it first, once
update digest_keys set secret = null;
select tests.act_as_nobody();
select is(tests.kept('address'), null, 'a key that nobody needed yet is not made');
select is(
  tests.locked_out($$ select begin_password_check(tests.email('ann')) $$), 'SP522',
  'who signs in has the cell''s key'
);
select is(
  tests.locked_out($$ select request_password_reset(tests.email('ann')) $$), 'SP522',
  'who asks for a message has it too'
);
select is(tests.kept('address'), null, '... so without it none is made');
select tests.unlock();
select lives_ok($$ select request_password_reset(tests.email('ann')) $$, 'who has it makes it with what they ask for');
select isnt(tests.kept('address'), null, '... the one for addresses');
select is(tests.kept('salt'), null, '... and not the one that they do not need');
select set_config('tests.kept', tests.kept('address')::text, true);
select lives_ok($$ select begin_password_check(tests.email('ann'), '203.0.113.7') $$, 'who signs in finds it');
select is(tests.kept('address')::text, current_setting('tests.kept'), '... and makes no other');
select isnt(tests.kept('salt'), null, '... but that for salts');
select is(octet_length(tests.opened('address')), 64, 'it has 64 bytes');
select isnt(tests.opened('address'), tests.opened('salt'), '... and the two are two');


-- What is digested under it, and not under what is kept
select tests.act_as_superuser();
select is(
  (select email_digest from messages where user_id = tests.user_id('ann')),
  hmac(convert_to('email|' || tests.email('ann'), 'UTF8'), tests.opened('address'), 'sha256'),
  'an address is known by its HMAC under the key'
);
select is(
  (
    select count(*)
    from digest_keys
    cross join generate_series(0, octet_length(secret) - 64) as place
    where hmac(convert_to('email|' || tests.email('ann'), 'UTF8'), substr(secret, place + 1, 64), 'sha256')
      in (select email_digest from messages)
  ),
  0::bigint, '... and under nothing that is kept of it'
);


-- Another key of the cell's, and the same digests
select set_config('tests.opened', tests.opened('address')::text, true);
select set_config('tests.opened_salt', tests.opened('salt')::text, true);
select tests.act_as_operator();
select tests.add_key();
select tests.unlock();
select is(
  (select sum(reencrypted)::integer from reencrypt_batch(11, null)), 2,
  'a rotation of the cell''s key seals both anew'
);
select isnt(tests.kept('address')::text, current_setting('tests.kept'), '... as another value');
select is(tests.opened('address')::text, current_setting('tests.opened'), '... of the same key');
select is(tests.opened('salt')::text, current_setting('tests.opened_salt'), '... for salts too');


-- The next one, called for by a job without the cell's key
select is(tests.locked_out($$ select rotate_digest_key() $$), 'done', 'who rotates it needs no key of the cell''s');
select is(tests.locked_out($$ select sweep_sign_in_throttles(), sweep_context_keys(), sweep_messages() $$), 'done', 'nor does who sweeps');
select rotate_digest_key();
select is(tests.kept('address'), null, 'the next one is not made yet');
select isnt(tests.opened('address')::text, current_setting('tests.opened'), 'whoever digests next makes it');
select is(tests.opened('address', 2)::text, current_setting('tests.opened'), '... and has the one before at hand');

select finish();
rollback;
