-- A restored database unlocks nothing until what was shredded since is shredded again.
begin;
select plan(84);

select tests.two_organizations();
select tests.person('max');
select tests.notes();
select tests.unlock('acme');
insert into notes (id, user_id, about)
values (md5('note')::uuid, tests.user_id('bob'), _seal_text(90001, null, md5('note')::uuid, 'of bob', tests.user_id('bob')));
create temporary table cell on commit drop as select id from cell_settings;
grant select on cell to public;

-- Bob, somebody who registered after the backup, acme, and ann, who had given acme away by then.
create function tests.ledger() returns jsonb language plpgsql security definer as $$
declare
  v_entry   shreddings;
  v_ledger  jsonb := '[]';
  v_digest  bytea := '\x';
  v_users   uuid[] := array[tests.user_id('bob'), tests.user_id('late'), null, tests.user_id('ann'), tests.user_id('zoe')];
begin
  for v_seq in 1 .. 5 loop
    v_entry := null;
    v_entry.id := md5('shredding ' || v_seq)::uuid;
    v_entry.seq := v_seq;
    v_entry.user_id := v_users[v_seq];
    v_entry.organization_id := case v_seq when 3 then tests.organization_id('acme') end;
    v_entry.login_name := 'safetypin_operator_login';
    v_entry.shred_time := '2026-01-01 00:00:00.123456Z';
    v_entry.shred_effective_time := '2026-02-05 00:00:00.123456Z';
    v_entry.digest := _shredding_digest(v_digest, v_entry);
    v_digest := v_entry.digest;
    v_ledger := v_ledger || (to_jsonb(v_entry) - 'replay_time');
  end loop;
  return v_ledger;
end;
$$;
create function tests.part(p_from integer, p_to integer) returns jsonb language sql as $$
  select jsonb_agg(value order by place)
  from jsonb_array_elements(tests.ledger()) with ordinality as entry (value, place)
  where place between p_from and p_to
$$;
create function tests.digest(p_seq integer) returns bytea language sql as $$
  select (tests.ledger() -> p_seq - 1 ->> 'digest')::bytea
$$;
create function tests.end_digest(p_seq integer) returns bytea language sql security definer as $$
  select _ledger_end_digest(p_seq, case p_seq when 0 then '\x' else tests.digest(p_seq) end)
$$;

create function tests.changed() returns setof text language sql as $body$
  select tests.outcome(format($$ select verify_shreddings((select id from cell), %L::jsonb) $$, jsonb_set(tests.ledger(), path, value)))
  from (
    values
      ('{0,user_id}'::text[], to_jsonb(tests.user_id('max'))),
      ('{0,user_id}', 'null'),
      ('{0,organization_id}', to_jsonb(tests.organization_id('zenith'))),
      ('{1,id}', to_jsonb(new_id())),
      ('{1,seq}', '7'),
      ('{1,seq}', 'null'),
      ('{2,acting_user_id}', to_jsonb(new_id())),
      ('{2,login_name}', '"somebody"'),
      ('{3,shred_time}', '"2026-01-01T00:00:00.123457+00:00"'),
      ('{3,shred_effective_time}', '"2026-01-02T00:00:00.123456+00:00"'),
      ('{4,digest}', '"\\x00"'),
      ('{4,digest}', 'null'),
      ('{0,user_id}', '"nobody"'),
      ('{0,shred_time}', '"yesterday or so"')
  ) as change (path, value)
$body$;

-- A database that is what it was
select ok(not _is_restored(), 'this database is the one it was');
select tests.act_as_operator();
select results_eq(
  $$ select is_restored, last_seq, last_digest, exported_seq from read_restore_state() $$, $$ values (false, 0::bigint, '\x'::bytea, 0::bigint) $$,
  '... and says so'
);

-- What a dump writes again was written by another transaction, or to another table
select tests.act_as_superuser();
savepoint before;
update cell_incarnations set number = number;
select ok(_is_restored(), 'a row that was written again knows it');
rollback to before;
update cell_incarnations set relation_id = relation_id::bigint::oid where false;
select ok(not _is_restored(), '... and one that was left alone too');
insert into cell_incarnations (number, origin, relation_id, xid) select number + 1, origin, relation_id, xid from cell_incarnations;
select ok(_is_restored(), 'the newest row speaks');
rollback to before;
delete from cell_incarnations;
select ok(_is_restored(), 'where there is none, nobody can say');
rollback to before;
select tests.act_as_operator();
select confirm_restore();
select is((select is_restored from read_restore_state()), false, 'what a savepoint writes is known too');
select tests.act_as_superuser();
rollback to before;

-- Restored
select tests.act_as_operator();
select lives_ok('select declare_restored()', 'the operator says that it was restored');
select results_eq('select is_restored from read_restore_state()', array[true], '... and so it is');
select throws_ok(
  $$ select unlock(null, 1, tests.masked_share()) $$, 'SP527', null, 'no key is unlocked, not with the right share'
);
select throws_ok($$ select shred_person(tests.user_id('max')) $$, 'SP527', null, '... and nobody shredded, before the ledger is whole');
select throws_ok('select rotate_digest_key()', 'SP527', null, '... and the key for digests not replaced, since nothing under it could be moved');
select tests.act_as('max');
select throws_ok($$ select unlock(null, 1, tests.masked_share()) $$, 'SP527', null, '... nor for anybody else');
select throws_ok($$ select erase_own_account() $$, 'SP527', null, '... nor erased');
select throws_ok('select from list_wrapped_shares()', 'SP527', null, '... nor a share handed out');

select tests.act_as_operator();
select throws_ok('select from export_shreddings()', 'SP527', null, 'what it lacks is not exported over what was');
select throws_ok('select from read_ledger_end()', 'SP527', null, '... nor is its end the end of a ledger');
select is((select count(*)::integer from tests.events('shreddings.exported')), 0, '... and no export is recorded');

-- Looking at a ledger
select is(verify_shreddings((select id from cell), tests.ledger()), tests.digest(5), 'a ledger that is whole is found to be');
select is(
  verify_shreddings((select id from cell), tests.part(3, 5), tests.digest(2)), tests.digest(5), '... also in parts'
);
select is(verify_shreddings((select id from cell), '[]'), '\x'::bytea, '... or with nothing in it');
select throws_ok($$ select verify_shreddings(new_id(), tests.ledger()) $$, 'SP428', null, 'one of another cell is refused');
select throws_ok($$ select verify_shreddings((select id from cell), tests.part(2, 5)) $$, 'SP428', null, '... or without its beginning');
select throws_ok(
  $$ select verify_shreddings((select id from cell), tests.part(1, 2) || tests.part(4, 5)) $$, 'SP428', null, '... or with a gap'
);
select results_eq('select distinct tests.changed()', array['SP428'], 'one of which a word was changed is refused, whichever');
select is((select count(*)::integer from tests.changed()), 14, '... of fourteen');
select throws_ok($$ select verify_shreddings((select id from cell), '[7]') $$, 'SP428', null, '... and what is no ledger at all');
select throws_ok(format($$ select %s((select id from cell), %L) $$, name, entries), 'SP428', null, format('%s refuses %s', name, entries))
from unnest(array['verify_shreddings', 'replay_shreddings']) as name
cross join unnest(array['1', '{"seq": 1}', '[{"seq": "x"}]', 'null']) as entries;
select is(
  verify_shreddings(
    (select id from cell), jsonb_set(tests.ledger(), '{3,shred_time}', '"2026-01-01T01:00:00.123456+01:00"')
  ),
  tests.digest(5), 'a time that is only written otherwise is the same time'
);

select lives_ok(
  $$ select verify_ledger_end((select id from cell), 5, tests.digest(5), tests.end_digest(5)) $$, 'a ledger ends where it ended'
);
select lives_ok($$ select verify_ledger_end((select id from cell), 0, '\x', tests.end_digest(0)) $$, '... also with nothing in it');
select throws_ok(
  format($$ select verify_ledger_end(%s, %s, %s, %s) $$, cell, seq, digest, end_digest), 'SP428', null, '... and not ' || elsewhere
)
from (
  values
    ('(select id from cell)', '4', 'tests.digest(4)', 'tests.end_digest(5)', 'an entry before'),
    ('(select id from cell)', '0', quote_literal('\x'), 'tests.end_digest(5)', 'before the first'),
    ('(select id from cell)', '4', 'tests.digest(4)', 'tests.digest(4)', 'where a chain can be cut: an entry''s digest is no end'),
    ('(select id from cell)', '4', 'tests.digest(4)', 'tests.digest(5)', 'before the next'),
    ('(select id from cell)', '5', 'tests.digest(4)', 'tests.end_digest(5)', 'behind another entry'),
    ('(select id from cell)', '5', 'tests.digest(5)', 'null', 'where nothing says so'),
    ('(select id from cell)', 'null', 'null', 'null', 'where there is nothing'),
    ('new_id()', '5', 'tests.digest(5)', 'tests.end_digest(5)', 'in another cell')
) as change (cell, seq, digest, end_digest, elsewhere);

-- Replaying
select throws_ok($$ select replay_shreddings(new_id(), tests.ledger()) $$, 'SP428', null, 'another cell''s is not replayed');
select throws_ok($$ select replay_shreddings((select id from cell), tests.part(2, 5)) $$, 'SP428', null, '... nor one without its beginning');
select throws_ok(
  $$ select replay_shreddings((select id from cell), jsonb_set(tests.ledger(), '{4,user_id}', to_jsonb(tests.user_id('max')))) $$,
  'SP428', null, '... nor one that was changed'
);
select is((select last_seq from read_restore_state()), 0::bigint, '... and then nothing of it');
select throws_ok(
  $$ select finish_replay((select id from cell), 5, tests.digest(5), tests.end_digest(5)) $$, 'SP428', null, 'what was not replayed is not finished'
);
select is(replay_shreddings((select id from cell), tests.part(1, 2)), 2, 'the first two are replayed');
select throws_ok($$ select unlock(null, 1, tests.masked_share()) $$, 'SP527', null, '... and no key is unlocked yet');
select throws_ok(
  $$ select finish_replay((select id from cell), 5, tests.digest(5), tests.end_digest(5)) $$, 'SP428', null, '... because it is not finished'
);
select is(replay_shreddings((select id from cell), tests.ledger()), 3, 'the rest is, and what was done is passed over');
select is(replay_shreddings((select id from cell), tests.ledger()), 0, '... all of it, the next time');
select throws_ok(
  $$ select finish_replay((select id from cell), 5, tests.digest(5), tests.end_digest(4)) $$, 'SP428', null,
  'it is not finished by a ledger that was cut off'
);
select throws_ok(
  $$ select finish_replay(new_id(), 5, tests.digest(5), tests.end_digest(5)) $$, 'SP428', null, 'it is not finished for another cell'
);
select throws_ok(
  $$ select finish_replay((select id from cell), 4, tests.digest(4), tests.end_digest(4)) $$, 'SP428', null, '... nor by an older ledger'
);
select lives_ok($$ select finish_replay((select id from cell), 5, tests.digest(5), tests.end_digest(5)) $$, 'it is finished');
select ok(unlock(null, 1, tests.masked_share()), '... and keys are unlocked');
select results_eq(
  $$ select seq, user_id, shred_time, effective_time, is_effective, replay_time between now() and clock_timestamp(), login_name from list_shreddings() where seq = 1 $$,
  $$ values (
    1::bigint, tests.user_id('bob'), '2026-01-01 00:00:00.123456Z'::timestamptz, '2026-02-05 00:00:00.123456Z'::timestamptz,
    true, true, 'safetypin_operator_login'
  ) $$,
  'the ledger says when it was done first, and that it was done again'
);
select results_eq(
  $$ select additional_data from tests.events('cell.ledger_replayed') $$, $$ values ('{"last": 5, "shredded": 5}'::jsonb) $$,
  '... which is recorded'
);
select is((select count(*)::integer from tests.events('user.shredded')), 4, '... for each person');
select is((select count(*)::integer from tests.events('organization.shredded')), 1, '... and each organization');

select tests.act_as_superuser();
select results_eq(
  $$ select id, status from users where id in (tests.user_id('bob'), tests.user_id('ann')) order by 2, 1 $$,
  $$ select id, 'shredded' from unnest(array[tests.user_id('bob'), tests.user_id('ann')]) as id order by 1 $$,
  'bob and ann are shredded'
);
select is(
  (select count(*)::integer from subject_salts where salt is null), 4, '... and somebody who was not here yet gets no salt'
);
select is((select status from organizations where id = tests.organization_id('acme')), 'shredded', 'and so is acme');
select results_eq(
  $$ select role, status from organization_users where user_id = tests.user_id('zoe') $$, $$ values ('owner', 'active') $$,
  'zoe keeps her place in zenith, whose last owner she was in the backup'
);
select is((select owner_count from organizations where id = tests.organization_id('zenith')), 1, '... which goes on');
select tests.act_as_nobody();
select is(tests.sign_in('zoe'), 'invalid', '... without her');

-- What comes after is behind it
select tests.act_as_operator();
select lives_ok($$ select shred_person(tests.user_id('max')) $$, 'max is shredded after that');
select results_eq(
  $$ select last_seq, exported_seq from read_restore_state() $$, $$ values (6::bigint, 5::bigint) $$,
  '... as the sixth, of which no exported ledger knows'
);
select throws_ok(
  $$ select finish_replay((select id from cell), 5, tests.digest(5), tests.end_digest(5)) $$, 'SP428', null, '... and the ledger of before is an old one'
);
select lives_ok(
  $$ select replay_shreddings((select id from cell), entries) from (select jsonb_agg(entry order by seq) as entries from export_shreddings()) as exported $$,
  'what is exported is replayed'
);

select results_eq(
  $$ select seq, digest from read_ledger_end() $$, $$ select last_seq, last_digest from read_restore_state() $$,
  'a ledger that is exported ends where this database does'
);

-- Where a ledger ends cannot be read in a restored database; one that has nothing to shred is finished, and the evidence says so
select tests.act_as_superuser();
create temporary table ledger_end on commit drop as select seq, digest, end_digest from read_ledger_end();
grant select on ledger_end to public;
select tests.act_as_operator();
select declare_restored();
select throws_ok(
  $$ select finish_replay((select id from cell), last_seq, last_digest, null) from read_restore_state() $$, 'SP428', null,
  'what this database says of itself finishes no replay'
);
select finish_replay((select id from cell), seq, digest, end_digest) from ledger_end;
select results_eq(
  $$ select additional_data -> 'shredded' from tests.events('cell.ledger_replayed') order by seq desc limit 1 $$, $$ values ('0'::jsonb) $$,
  'what is finished without a replay says that nothing was shredded'
);

-- The key for digests rotates, that of the ledger does not
select lives_ok('select rotate_digest_key()', 'the key for digests is rotated');
select is(
  (select verify_shreddings((select id from cell), jsonb_agg(entry order by seq)) from export_shreddings()),
  (select last_digest from read_restore_state()), '... and the ledger of before is still whole'
);
select is(replay_shreddings((select id from cell), (select jsonb_agg(entry order by seq) from export_shreddings())), 0, '... and replayed without a change');
select tests.person('sue');
select lives_ok($$ select shred_person(tests.user_id('sue')) $$, 'what is shredded then stands behind it');
select is(
  (select verify_shreddings((select id from cell), jsonb_agg(entry order by seq)) from export_shreddings()),
  (select last_digest from read_restore_state()), '... in one chain'
);

-- Another history
select throws_ok(
  $$ select replay_shreddings((select id from cell), (
       select jsonb_agg(jsonb_set(entry, '{digest}', to_jsonb('\x01'::bytea)) order by seq) from export_shreddings()
     )) $$, 'SP428', null, 'a ledger that tells another story is refused'
);

select finish();
rollback;
