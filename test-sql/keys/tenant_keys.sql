-- tenant_keys: read by nobody, and only ever forward from state to state.
begin;
select plan(59);

select tests.two_organizations();

select tests.act_as('ann', 'acme');
select throws_ok($$ select db_share from tenant_keys $$, '42501', null, 'ann, who owns acme, reads no key');
select throws_ok($$ select id from tenant_keys $$, '42501', null, '... not even which there are');
select throws_ok($$ select salt from subject_salts $$, '42501', null, '... and no salt, not her own');
select throws_ok($$ select version from blind_index_versions $$, '42501', null, '... and no version of the indexes');
select tests.act_as_nobody();
select throws_ok($$ select wrapped from tenant_keys $$, '42501', null, 'nobody reads a key');
select throws_ok($$ select _derive_key('enc', null, 1) $$, '42501', null, 'nobody has a key derived');
select throws_ok(
  $$ select _unlocked_key('enc', tests.user_id('a'), 1, '', '') $$, '42501', null, '... nor by hand'
);
select throws_ok($$ select _seal(1, null, null, '') $$, '42501', null, 'nobody has a value sealed');
select throws_ok($$ select _open(1, null, null, '') $$, '42501', null, '... or opened past open_fields()');
select throws_ok($$ select _blind_index(1, null, 1, 'a') $$, '42501', null, '... or indexed');
select throws_ok($$ select _unmask('', 1) $$, '42501', null, '... or unmasked');
select tests.act_as_operator();
select throws_ok($$ select db_share from tenant_keys $$, '42501', null, 'a job, which rotates keys, reads none');
select throws_ok($$ select _seal(1, null, null, '') $$, '42501', null, '... and seals nothing itself');
select tests.act_as_auditor();
select throws_ok($$ select db_share from tenant_keys $$, '42501', null, 'an auditor reads none');
select tests.act_as_monitor();
select throws_ok($$ select db_share from tenant_keys $$, '42501', null, 'a monitor reads none');

select tests.unlock();
select tests.unlock('acme');
select tests.act_as_owner();
select throws_ok($$ select db_share from tenant_keys $$, '42501', null, 'the owner of the tables reads none');
select tests.act_as_backup();
select results_eq(
  $$ select count(*) from tenant_keys where wrapped is not null and db_share is not null $$,
  $$ values (2::bigint) $$,
  'a backup holds both halves, of which one is wrapped'
);

-- Among functions of ours, the definer may have things sealed and reads no key either.
select tests._become('safetypin_definer');
select throws_ok($$ select db_share from tenant_keys $$, '42501', null, 'the definer reads none');
select throws_ok($$ select _derive_key('enc', null, 1) $$, '42501', null, '... and has none derived');


-- From state to state
select tests.act_as_superuser();
select throws_ok(
  $$ insert into tenant_keys (key_id, state, provider, key_name, wrapped, activation_time)
     values (7, 'active', 'local-key-file', 'test', '\x00', now()) $$,
  'SP421', null,
  'a key begins as pending'
);
select throws_ok(
  $$ insert into tenant_keys (key_id, provider, key_name, wrapped) values (1, 'local-key-file', 'test', '\x00') $$,
  '23505', null,
  'the cell has one key of a number'
);
select throws_ok(
  $$ insert into tenant_keys (organization_id, key_id, provider, key_name, wrapped)
     values ('00000000-0000-0000-0000-000000000000', 1, 'local-key-file', 'test', '\x00') $$,
  '23514', null,
  'no organization passes for the cell'
);
select throws_ok($$ delete from tenant_keys $$, 'SP421', null, 'not even a superuser deletes a key in passing');

insert into tenant_keys (key_id, provider, key_name, wrapped) values (2, 'local-key-file', 'test', '\x00');
update tenant_keys set check_value = '\x0102030405060708' where organization_id is null and key_id = 2;
select throws_ok(
  $$ update tenant_keys set db_share = gen_random_bytes(32) where organization_id is null and key_id = 2 $$,
  'SP421', null,
  'a key that is pending keeps its half'
);
select throws_ok(
  $$ update tenant_keys set db_share = gen_random_bytes(32), check_value = default where organization_id is null and key_id = 2 $$,
  'SP421', null,
  '... unless the other is made anew, too'
);
select throws_ok(
  $$ update tenant_keys set db_share = gen_random_bytes(32), wrapped = '\x01' where organization_id is null and key_id = 2 $$,
  'SP421', null,
  '... and nothing proves it any more'
);
select lives_ok(
  $$ update tenant_keys set db_share = default, wrapped = '\x01', check_value = default where organization_id is null and key_id = 2 $$,
  'as one of two other halves it begins again'
);
select throws_ok(
  $$ update tenant_keys set state = 'active' where tenant_id = '00000000-0000-0000-0000-000000000000' and key_id = 2 $$,
  '23505', null,
  'two keys of the cell are never active at once'
);

-- The times that it has
select throws_ok(
  format('update tenant_keys set %I = %L where key_id = 1 and organization_id is null', column_name, '2000-01-01'),
  'SP421', null,
  'a key keeps its ' || column_name
)
from unnest(array['creation_time', 'activation_time', 'decrypt_only_time', 'retirement_time', 'destruction_time']) as column_name;
select throws_ok(
  $$ update tenant_keys set state = 'decrypt_only', activation_time = '2000-01-01' where key_id = 1 and organization_id is null $$,
  'SP421', null,
  '... also on its way to another state'
);
select is(
  (select creation_time from tenant_keys where key_id = 2 and organization_id is null), now(),
  '... and begins when it does'
);

-- Emptied by nobody
select tests._become('safetypin_keyholder');
select throws_ok(format('truncate %I cascade', relation), 'SP421', null, relation || ' is not emptied by its owner')
from unnest(array['tenant_keys', 'subject_salts', 'blind_index_versions']) as relation;
select tests.act_as_owner();
select throws_ok(format('truncate %I cascade', relation), '42501', null, relation || ' is not emptied by the owner of the others')
from unnest(array['tenant_keys', 'subject_salts', 'blind_index_versions']) as relation;
select tests.act_as_superuser();
set local session_replication_role = replica;
select throws_ok(format('truncate %I cascade', relation), 'SP421', null, '... nor by a superuser who says that it is a replica')
from unnest(array['tenant_keys', 'subject_salts', 'blind_index_versions']) as relation;
set local session_replication_role = origin;

-- Every pair of states, but for the five that follow each other.
create function pg_temp.changes() returns setof text language plpgsql as $body$
declare
  v_states text[] := array['pending', 'active', 'decrypt_only', 'retired', 'destroyed'];
  v_key_id integer := 10;
begin
  for v_from in 1 .. 5 loop
    for v_to in 1 .. 5 loop
      continue when v_from = v_to;
      v_key_id := v_key_id + 1;
      insert into tenant_keys (organization_id, key_id, provider, key_name, wrapped)
      values (tests.organization_id('zenith'), v_key_id, 'local-key-file', 'test', '\x00');
      for v_step in 2 .. v_from loop
        update tenant_keys
        set
          state = v_states[v_step],
          wrapped = case when v_step < 5 then wrapped end,
          db_share = case when v_step < 5 then db_share end
        where key_id = v_key_id;
      end loop;
      return next v_states[v_from] || ' to ' || v_states[v_to] || ': ' || tests.outcome(format(
        'update tenant_keys set state = %L, wrapped = %L, db_share = case when %L then db_share end where key_id = %s',
        v_states[v_to], case when v_to < 5 then '\x00' end, v_to < 5, v_key_id
      ));
      -- Out of the way of the next.
      for v_step in v_from + 1 .. 4 loop
        perform tests.outcome(format(
          'update tenant_keys set state = %L where key_id = %s', v_states[v_step], v_key_id
        ));
      end loop;
    end loop;
  end loop;
end;
$body$;
create temporary table changes on commit drop as select pg_temp.changes() as change;

select bag_eq(
  $$ select change from changes where change like '%: done' $$,
  $$ values
       ('pending to active: done'), ('active to decrypt_only: done'),
       ('decrypt_only to retired: done'), ('retired to destroyed: done') $$,
  'four changes of state are possible'
);
select is(
  (select count(*)::integer from changes where change like '%: SP421'), 16,
  '... and the sixteen others are refused'
);

select tests.act_as_superuser();
select throws_ok(
  $$ update tenant_keys set key_id = 9 where key_id = 1 $$, 'SP421', null, 'a key keeps its number'
);
select throws_ok(
  $$ update tenant_keys set organization_id = tests.organization_id('zenith') where organization_id = tests.organization_id('acme') $$,
  'SP421', null,
  '... and its organization'
);
select throws_ok(
  $$ update tenant_keys set db_share = default, wrapped = '\x01', check_value = default where key_id = 1 $$,
  'SP421', null,
  '... and its half, both of them or one'
);
select throws_ok(
  $$ update tenant_keys set check_value = gen_random_bytes(8) where key_id = 1 $$,
  'SP421', null,
  '... and what proves it'
);
select throws_ok(
  $$ update tenant_keys set wrapped = null where key_id = 1 $$, '23514', null, 'a key that is not destroyed is whole'
);
select throws_ok(
  $$ update tenant_keys set state = 'destroyed' where state = 'retired' $$, '23514', null, '... and one that is, is gone'
);
select lives_ok(
  $$ update tenant_keys set state = 'destroyed', wrapped = null, db_share = null where state = 'retired' $$,
  'a retired key is destroyed'
);
select throws_ok(
  $$ update tenant_keys set provider = 'aws-kms' where state = 'destroyed' $$, 'SP421', null, '... and then stays as it is'
);
select is_empty(
  $$ select from tenant_keys
     where state = 'destroyed'
       and (activation_time is null or decrypt_only_time is null or retirement_time is null or destruction_time is null) $$,
  'its row says when it came to each state'
);
select throws_ok(
  $$ delete from tenant_keys where state = 'destroyed' $$, 'SP421', null, '... and stays'
);
select throws_ok(
  $$ delete from organizations where id = tests.organization_id('acme') $$,
  '23503', null,
  'an organization does not go and leave its keys behind'
);
select is_empty(
  $$ select from data_change_logs
     where table_name = 'tenant_keys'
       and concat(old_values, new_values) ~ '"(wrapped|db_share|check_value)": "(?!\[redacted\])' $$,
  'that a key changed is recorded, what it is made of is not'
);
select isnt_empty(
  $$ select from data_change_logs
     where table_name = 'tenant_keys' and operation = 'update' and new_values ->> 'state' = 'destroyed' $$,
  '... by a record of each change'
);

select finish();
rollback;
