-- context_keys: read by none but the definer's functions; rotated under way.
begin;
select plan(27);

select tests.two_organizations();

select tests.act_as('ann', 'acme');
select throws_ok($$ select secret from context_keys $$, '42501', null, 'ann reads no key');
select throws_ok($$ select id from context_keys $$, '42501', null, '... not even which there are');
select tests.act_as_nobody();
select throws_ok($$ select secret from context_keys $$, '42501', null, 'nobody reads a key');
select tests.act_as_operator();
select throws_ok($$ select secret from context_keys $$, '42501', null, 'a job, which rotates keys, reads none');
select tests.act_as_auditor();
select throws_ok($$ select secret from context_keys $$, '42501', null, 'an auditor reads none');
select tests.act_as_monitor();
select throws_ok($$ select secret from context_keys $$, '42501', null, 'a monitor reads none');
select tests.act_as_owner();
select is_empty($$ select secret from context_keys $$, 'the owner of the table finds it empty');
select throws_ok(
  $$ insert into context_keys (purpose, secret) values ('context', sha256('a') || sha256('b')) $$,
  '42501', null,
  '... and puts no key of its own into it'
);

select tests.act_as_superuser();
select results_eq(
  $$ select purpose, count(*) from context_keys where retired_time is null group by purpose order by purpose $$,
  $$ values ('context', 1::bigint), ('ledger', 1::bigint), ('refresh', 1::bigint) $$,
  'there is one key for each purpose'
);
select throws_ok(
  $$ insert into context_keys (purpose, secret) values ('context', sha256('a') || sha256('b')) $$,
  '23505', null,
  'two keys never sign at once'
);
select throws_ok(
  $$ insert into context_keys (purpose, secret, retired_time) values ('context', sha256('a'), now()) $$,
  '23514', null,
  'a key has 64 bytes'
);
select throws_ok(
  $$ insert into context_keys (purpose, secret) values ('other', sha256('a') || sha256('b')) $$,
  '23514', null,
  'a key has a purpose that is known'
);


-- Rotation
select tests.act_as('ann', 'acme');
select throws_ok($$ select rotate_context_key() $$, '42501', null, 'ann, who owns acme, rotates no key of the cell');
select tests.act_as_nobody();
select throws_ok($$ select rotate_context_key() $$, '42501', null, 'nobody rotates a key');
select tests.act_as_monitor();
select throws_ok($$ select rotate_context_key() $$, '42501', null, 'a monitor rotates none');

-- Ann's request is under way while the key changes. Her context is carried from
-- role to role by hand: acting as somebody else starts from none.
select tests.act_as('ann', 'acme');
select set_config('tests.under_way', current_setting('safetypin.context'), true);
select tests.act_as_operator();
select set_config('tests.new_key', rotate_context_key()::text, true);
select is(
  (select additional_data ->> 'purpose' from tests.events('context_key.rotated')),
  'context',
  'the rotation is recorded'
);
select is(
  (select resource_id::text from tests.events('context_key.rotated')),
  current_setting('tests.new_key'),
  '... with the id of the new key, and no secret'
);
select throws_ok(
  $$ select rotate_context_key('address') $$,
  'SP504', null,
  'the key for digests is rotated by another function, which waits for those who count'
);
select throws_ok($$ select rotate_context_key('ledger') $$, 'SP504', null, 'that of the ledger never is');
select throws_ok($$ select rotate_context_key(null) $$, 'SP504', null, 'nor is a key for nothing');

select tests.act_as_nobody();
select set_config('safetypin.context', current_setting('tests.under_way'), true);
select is(current_user_id(), tests.user_id('ann'), 'a request under way goes on under the old key');

select tests.act_as('bob', 'acme');
select is(
  split_part(current_setting('safetypin.context'), '|', 1),
  current_setting('tests.new_key'),
  'bob, who comes in later, is signed for by the new one'
);
select is(current_user_id(), tests.user_id('bob'), '... and is bob');

-- A day later nothing can be under way, and the old key is deleted.
select tests.act_as_superuser();
update context_keys
set retired_time = now() - interval '1 day 1 second'
where purpose = 'context'
  and retired_time is not null;
select tests.act_as_operator();
select lives_ok($$ select rotate_context_key() $$, 'a job rotates once more');
select tests.act_as_nobody();
select set_config('safetypin.context', current_setting('tests.under_way'), true);
select is(current_user_id(), null, 'a context under a key that is gone is nobody');
select tests.act_as_superuser();
select is(
  (select count(*) from context_keys where purpose = 'context'),
  2::bigint,
  'the key in use and the one before it are left'
);
select ok(
  exists (select from context_keys where id::text = current_setting('tests.new_key') and retired_time is not null),
  '... which no longer signs'
);

select finish();
rollback;
