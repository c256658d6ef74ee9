-- Keys are added, proven, activated, rewrapped, retired and destroyed by the operator, and
-- the first of an organization by whoever founds it.
begin;
select plan(79);

select tests.two_organizations();
select tests.without_keys();
select tests.notes();

-- Who may
create function tests.administering() returns setof text language sql as $body$
  select tests.outcome(call)
  from unnest(array[
    $$ select next_key_id() $$,
    $$ select list_keys() $$,
    $$ select add_key(null, 1, 'local-key-file', 'test', '\x00', tests.masked_share()) $$,
    $$ select activate_key(null, 1, tests.masked_share()) $$,
    $$ select renew_key(null, 1, 'local-key-file', 'test', '\x00', tests.masked_share()) $$,
    $$ select check_share(null, 1, tests.masked_share()) $$,
    $$ select rewrap_key(null, 1, 'local-key-file', 'test', '\x00', tests.masked_share()) $$,
    $$ select retire_key(null, 1) $$,
    $$ select destroy_key(null, 1) $$,
    $$ select declare_log_strictness(false) $$
  ]) as call
$body$;
select tests.act_as('ann', 'acme');
select results_eq(
  $$ select distinct tests.administering() $$, array['42501'], 'ann, who owns acme, administers no key'
);
select tests.act_as_nobody();
select results_eq($$ select distinct tests.administering() $$, array['42501'], 'nobody does');
select tests.act_as_auditor();
select results_eq($$ select distinct tests.administering() $$, array['42501'], 'an auditor does not');
select tests.act_as_monitor();
select results_eq($$ select distinct tests.administering() $$, array['42501'], 'a monitor does not');
select tests.act_as_backup();
select results_eq($$ select distinct tests.administering() $$, array['42501'], 'a backup does not');


-- Adding
select tests.act_as_operator();
select is(next_key_id(), 1, 'the first key of the cell is number 1');
select throws_ok(
  $$ select add_key(null, 2, 'local-key-file', 'test', '\x00', tests.masked_share(null, 2)) $$, 'SP422', null,
  'a key is not added under another number'
);
select throws_ok(
  $$ select add_key(null, 1, 'local-key-file', 'test', '\x00', tests.masked_share(null, 2)) $$, 'SP221', null,
  '... or with a share that was masked for another'
);
select throws_ok(
  $$ select add_key(null, 1, 'local-key-file', 'test', '\x00', tests.share()) $$, 'SP221', null, '... or a bare one'
);
select throws_ok(
  $$ select add_key(null, 1, 'local-key-file', 'test', null, tests.masked_share()) $$, '23514', null,
  '... or without its wrapped form'
);
select throws_ok(
  $$ select add_key(null, 1, 'A Provider', 'test', '\x00', tests.masked_share()) $$, '23514', null,
  '... or by a provider whose name is no word'
);
select throws_ok(
  $$ select add_key(new_id(), 1, 'local-key-file', 'test', '\x00',
       tests.mask(tests.share(), 0, null, 1)) $$, 'SP221', null,
  '... or for an organization it was not masked for'
);
select throws_ok(
  $$ select add_key(tests.organization_id('nowhere'), 1, 'local-key-file', 'test', '\x00', tests.masked_share('nowhere')) $$,
  '23503', null,
  '... or for one that there is not'
);
select lives_ok(
  $$ select add_key(null, 1, 'local-key-file', 'test', '\xaa', tests.masked_share()) $$, 'the operator adds a key'
);
select is(next_key_id(), 2, '... and the next is number 2');
select is(next_key_id(tests.organization_id('acme')), 1, '... of the cell; acme counts its own');
select results_eq(
  $$ select key_id, state, provider, key_name, wrapped from list_keys() $$,
  $$ values (1, 'pending', 'local-key-file', 'test', '\xaa'::bytea) $$,
  'it is pending'
);
select ok(
  unlock(null, 1, tests.masked_share()),
  '... and is unlocked, so that everybody has it before anything is sealed under it'
);


-- Proving and activating
select throws_ok(
  $$ select activate_key(null, 1, tests.mask(gen_random_bytes(32), 0, null, 1)) $$, 'SP221', null,
  'what the key management service gives back has to be the share'
);
select lives_ok($$ select activate_key(null, 1, tests.masked_share()) $$, 'once it is, the key seals');
select throws_ok($$ select activate_key(null, 1, tests.masked_share()) $$, 'SP221', null, '... and is not activated twice');
select lives_ok($$ select unlock(null, 1, tests.masked_share()) $$, '... and is unlocked');
select tests.act_as_superuser();
select results_eq(
  $$ select version, key_id, phase from blind_index_versions $$, $$ values (1, 1, 'steady') $$,
  'with the first key comes the first version of the blind indexes'
);
insert into notes (id, about) values (tests.user_id('one'), _seal_text(90001, null, tests.user_id('one'), 'x'));

select tests.act_as_operator();
select lives_ok(
  $$ select add_key(null, 2, 'aws-kms', 'test', '\xbb', tests.masked_share(null, 2)) $$, 'a second key is added'
);

-- Making one anew that is pending
select tests.act_as_superuser();
select tests.age_keys('pending', 'creation_time', interval '1 hour');
create temporary table made_before on commit drop as select db_share from tenant_keys where key_id = 2;
select tests.act_as_operator();
select throws_ok(
  $$ select renew_key(null, 1, 'local-key-file', 'anew', '\xbc', tests.masked_share()) $$, 'SP421',
  'key 1 is active: it cannot be made anew', 'a key that seals is not made anew'
);
select throws_ok(
  $$ select renew_key(null, 9, 'local-key-file', 'anew', '\xbc', tests.masked_share(null, 9)) $$, 'SP321', null,
  '... nor one that there is not'
);
select throws_ok(
  $$ select renew_key(null, 2, 'local-key-file', 'anew', '\xbc', tests.masked_share()) $$, 'SP221', null,
  '... nor with a share that was masked for another'
);
select throws_ok(
  $$ select renew_key(null, 2, 'local-key-file', 'anew', '\xbb', tests.mask(sha256('anew'), 0, null, 2)) $$, 'SP421', null,
  '... nor with what was wrapped before'
);
select lives_ok(
  $$ select renew_key(null, 2, 'local-key-file', 'anew', '\xbc', tests.mask(sha256('anew'), 0, null, 2)) $$,
  'one that is pending is made anew in its place'
);
select results_eq(
  $$ select key_id, state, provider, key_name, wrapped, creation_time = now() from list_keys() where key_id >= 2 $$,
  $$ values (2, 'pending', 'local-key-file', 'anew', '\xbc'::bytea, true) $$,
  '... and is pending, as if it had been added now'
);
select tests.act_as_superuser();
select isnt(
  (select db_share from tenant_keys where key_id = 2), (select db_share from made_before), '... of another half here, too'
);
select tests.act_as_operator();
select throws_ok(
  $$ select activate_key(null, 2, tests.masked_share(null, 2)) $$, 'SP221', null, 'the share that it had proves nothing any more'
);
select is(
  unlock(null, 2, tests.masked_share(null, 2)), false, '... and unlocks nothing, and stops nobody who has it in memory'
);
select lives_ok($$ select check_share(null, 2, tests.mask(sha256('anew'), 0, null, 2)) $$, 'a share is compared');
select throws_ok($$ select check_share(null, 2, tests.masked_share(null, 2)) $$, 'SP221', null, '... and another is refused');
select throws_ok($$ select check_share(null, 9, tests.masked_share(null, 9)) $$, 'SP221', null, '... or one of no key');
select lives_ok(
  $$ select renew_key(null, 2, 'aws-kms', 'test', '\xbb', tests.masked_share(null, 2)) $$, 'as often as need be'
);
select lives_ok($$ select activate_key(null, 2, tests.masked_share(null, 2)) $$, '... and activated');
select results_eq(
  $$ select key_id, state from list_keys() order by 1 $$, $$ values (1, 'decrypt_only'), (2, 'active') $$,
  '... and the first only opens from then on'
);
select tests.act_as_superuser();
select tests.unlock();
select is(_key_id_of(_seal_text(90001, null, tests.user_id('one'), 'x')), 2, '... and the second seals');
select is(_open_text(90001, null, id, about), 'x', '... and what the first sealed is opened') from notes;
select is((select count(*)::integer from blind_index_versions), 1, '... and indexes stay as they are');


-- Rewrapping
select tests.act_as_operator();
select throws_ok(
  $$ select rewrap_key(null, 1, 'aws-kms', 'new', '\xcc', tests.mask(gen_random_bytes(32), 0, null, 1)) $$, 'SP221', null,
  'a wrapped share that opens to something else does not replace the one there is'
);
select lives_ok(
  $$ select rewrap_key(null, 1, 'aws-kms', 'new', '\xcc', tests.masked_share()) $$, 'one that is right does'
);
select results_eq(
  $$ select provider, key_name, wrapped, state from list_keys() where key_id = 1 $$,
  $$ values ('aws-kms', 'new', '\xcc'::bytea, 'decrypt_only') $$,
  '... and nothing else changes'
);
select throws_ok(
  $$ select rewrap_key(null, 9, 'aws-kms', 'new', '\xcc', tests.masked_share(null, 9)) $$, 'SP221', null,
  'a key that there is not is not rewrapped'
);


-- Retiring
select throws_ok($$ select retire_key(null, 9) $$, 'SP321', null, 'a key that there is not is not retired');
select throws_ok($$ select retire_key(null, 2) $$, 'SP421', null, '... nor the one that seals');
select throws_ok($$ select destroy_key(null, 9) $$, 'SP321', null, '... nor destroyed');
select throws_ok($$ select destroy_key(null, 1) $$, 'SP421', null, '... nor one that opens');
select throws_ok(
  $$ select retire_key(null, 1) $$, 'SP424', 'key 1 is still needed, for a version of the blind indexes',
  'a key under which indexes are made is still needed'
);
select tests.act_as_superuser();
insert into blind_index_versions (version, key_id, phase) values (2, 2, 'dual');
update blind_index_versions set phase = 'backfill' where version = 2;
update blind_index_versions set phase = 'fading' where version = 1;
update blind_index_versions set phase = 'cutover' where version = 2;
update blind_index_versions set phase = 'ended' where version = 1;
update blind_index_versions set phase = 'steady' where version = 2;
select tests.act_as_operator();
select throws_ok(
  $$ select retire_key(null, 1) $$, 'SP424', 'key 1 is still needed, for about of notes in 1 row',
  '... and one under which a value is sealed, and it is said where'
);
select tests.act_as_superuser();
update notes set about = _seal_text(90001, null, id, 'x');
select tests.act_as_operator();
select lives_ok($$ select retire_key(null, 1) $$, 'one under which nothing is left is retired');
select throws_ok($$ select retire_key(null, 1) $$, 'SP421', 'key 1 is retired already', '... once');
select tests.act_as_superuser();
select is((select count(*) from auth_audit_logs where event_type = 'key.retired'), 1::bigint, '... of which the evidence tells once');
select tests.act_as_operator();
select is(unlock(null, 1, tests.masked_share()), false, '... and works no more: whoever has it still is told so');
select lives_ok(
  $$ select rewrap_key(null, 1, 'aws-kms', 'newer', '\xdd', tests.masked_share()) $$,
  '... but is rewrapped: there are backups'
);
select throws_ok(
  $$ select renew_key(null, 1, 'aws-kms', 'anew', '\xdf', tests.masked_share()) $$, 'SP421', null, '... and not made anew'
);
select lives_ok($$ select destroy_key(null, 1) $$, '... and destroyed in the end');
select results_eq(
  $$ select state, wrapped, destruction_time is not null from list_keys() where key_id = 1 $$,
  $$ values ('destroyed', null::bytea, true) $$,
  '... and its row says so'
);
select is(next_key_id(), 3, '... and its number is never given again');

-- What an organization's key seals is looked for in its rows alone.
select tests.unlock('acme');
select tests.add_key('acme');
select tests.unlock('acme');
select tests.unlock('zenith');
select tests.act_as_superuser();
update blind_index_versions set key_id = key_id, phase = 'fading' where organization_id = tests.organization_id('acme');
update blind_index_versions set phase = 'ended' where organization_id = tests.organization_id('acme');
insert into notes (id, organization_id, remark)
values (
  tests.user_id('two'), tests.organization_id('zenith'),
  _seal_text(90002, tests.organization_id('zenith'), tests.user_id('two'), 'x')
);
select tests.act_as_operator();
select lives_ok(
  $$ select retire_key(tests.organization_id('acme'), 1) $$, 'zenith''s key 1 does not keep acme''s from being retired'
);


-- The founder
select tests.act_as('bob');
select throws_ok(
  $$ select add_first_key(tests.organization_id('acme'), 'local-key-file', 'test', '\x00', tests.masked_share('acme')) $$,
  'SP204', null,
  'bob, a member, gives acme no key'
);
select tests.act_as('ann', 'acme');
select throws_ok(
  $$ select add_first_key(tests.organization_id('acme'), 'local-key-file', 'test', '\x00', tests.masked_share('acme')) $$,
  'SP422', null,
  'ann gives acme, which has one, no other'
);
select tests.act_as_nobody();
select throws_ok(
  $$ select add_first_key(tests.organization_id('acme'), 'local-key-file', 'test', '\x00', tests.masked_share('acme')) $$,
  'SP102', null,
  'nobody gives anybody a key'
);
select tests.act_as('bob');
select lives_ok(
  $$ select create_organization('bobs', 'Bob''s', tests.organization_id('bobs')) $$, 'bob founds an organization'
);
select throws_ok(
  format(
    $$ select add_first_key(tests.organization_id('bobs'), 'local-key-file', %L, '\x00', tests.masked_share('bobs')) $$, name
  ),
  '23514', null, '... whose first key has no name that a terminal would do as it says: ' || quote_literal(encode(convert_to(name, 'UTF8'), 'escape'))
)
from unnest(array[
  E'file:x\x1b[2Krewritten', E'file:x\nthe cell 1 active', E'file:x\u009b2K', 'file:x  the cell 1 active', E'file:\u202ex', 'file:é', ''
]) as name;
select lives_ok(
  $$ select add_first_key(tests.organization_id('bobs'), 'local-key-file', 'test', '\x00', tests.masked_share('bobs')) $$,
  '... and gives it its first key'
);
select tests.act_as_superuser();
select results_eq(
  $$ select key_id, state from tenant_keys where organization_id = tests.organization_id('bobs') $$,
  $$ values (1, 'active') $$,
  '... which seals at once'
);
select tests.act_as('bob', 'bobs');
select results_eq(
  $$ select key_id, state, provider from list_wrapped_shares(tests.organization_id('bobs')) $$,
  $$ values (1, 'active', 'local-key-file') $$,
  'bob''s application is given what to unwrap'
);
select is_empty(
  $$ select from list_wrapped_shares(tests.organization_id('zenith')) $$, '... of no organization but his own'
);
select tests.act_as_nobody();
select results_eq(
  $$ select key_id from list_wrapped_shares() $$, $$ values (2) $$, 'and anybody that of the cell: sign-in needs it'
);
select tests.act_as_superuser();
update organizations set creation_time = now() - interval '1 second' where id = tests.organization_id('bobs');
select tests.act_as('bob', 'bobs');
select throws_ok(
  $$ select add_first_key(tests.organization_id('bobs'), 'local-key-file', 'test', '\x00', tests.masked_share('bobs')) $$,
  'SP204', null,
  'once it is founded, keys are the operator''s'
);

select finish();
rollback;
