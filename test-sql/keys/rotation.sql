-- A key takes over: values are sealed anew batch by batch, blind indexes are made anew
-- beside the old ones, and evidence stays as it is.
begin;
select plan(74);

select tests.two_organizations();
select tests.notes();
select tests.unlock();
select tests.unlock('acme');
select tests.unlock('zenith');

-- An index of digests, as chapters declare one.
select tests._become('safetypin_owner');
create table note_indexes (
  note_id uuid not null references notes (id) on delete cascade,
  version integer not null,
  digest_index bytea not null,
  constraint note_indexes_pkey primary key (note_id, version),
  constraint note_indexes_version_digest_index_key unique (version, digest_index)
);
alter table note_indexes enable row level security;
create policy all_definer on note_indexes to safetypin_definer using (true);
create policy select_definer on notes for select to safetypin_definer using (true);
grant select, insert, update on note_indexes to safetypin_definer;
grant select on notes to safetypin_definer;
select throws_ok(
  $$ select _declare_blind_index('note_indexes', 90003, 'note_id', '_index_note') $$, '42883', null,
  'an index is not declared before its writer is made'
);
select tests._become('safetypin_definer');
create function _index_note(p_row_id uuid, p_version integer) returns void
  language plpgsql security definer set search_path from current
as $$
declare
  v_digest text := (select _open_text(90003, null, id, digest) from notes where id = p_row_id);
begin
  insert into note_indexes (note_id, version, digest_index)
  values (p_row_id, p_version, _blind_index(90003, null, p_version, v_digest))
  on conflict (note_id, version) do update set digest_index = excluded.digest_index;
end
$$;
select tests._become('safetypin_owner');
select _declare_blind_index('note_indexes', 90003, 'note_id', '_index_note');
select tests.act_as_superuser();

-- Seven rows under key 1, of the cell and of two organizations.
insert into notes (id, organization_id, user_id, about, remark, digest)
select
  id, tests.organization_id(name), tests.user_id('ann'),
  _seal_text(90001, null, id, 'about ' || n, tests.user_id('ann')),
  _seal(90002, tests.organization_id(name), id, convert_to('remark ' || n, 'UTF8')),
  _seal(90003, null, id, convert_to('digest ' || n, 'UTF8'))
from (
  select n, tests.user_id('note ' || n) as id, case when n % 2 = 0 then 'acme' else 'zenith' end as name
  from generate_series(1, 7) as n
) as numbered;
select _index_note(id, 1) from notes;
insert into notes (id) values (tests.user_id('empty'));

create function tests.under() returns table (field text, key_id integer, count bigint) language sql as $$
  select 'about', _key_id_of(about), count(*) from notes where about is not null group by 2
  union all
  select 'remark of ' || split_part(slug, '-', 1), _key_id_of(remark), count(*)
  from notes join organizations on organizations.id = organization_id
  group by slug, 2
  union all
  select 'digest', _key_id_of(digest), count(*) from notes where digest is not null group by 2
  order by 1, 2
$$;

-- What other chapters seal and index of the cell is rotated beside, and is not what is asked about.
create function tests.reencrypt_the_rest() returns void language plpgsql as $$
begin
  perform reencrypt_batch(field_id, null, 10000)
  from sealed_fields
  where scope = 'cell' and algorithm = 1 and table_name <> 'notes';
end
$$;
create function tests.backfill_the_rest() returns void language plpgsql as $$
begin
  perform backfill_index_batch(table_name, null, 10000)
  from blind_indexes
  where organization_column is null and table_name <> 'note_indexes';
end
$$;


-- Who may
create function tests.rotating() returns setof text language sql as $body$
  select tests.outcome(call)
  from unnest(array[
    $$ select reencrypt_batch(90001, null) $$,
    $$ select count_sealed_values(90001) $$,
    $$ select list_index_versions() $$,
    $$ select begin_index_rotation() $$,
    $$ select begin_index_backfill() $$,
    $$ select backfill_index_batch('note_indexes', null) $$,
    $$ select cut_over_index() $$,
    $$ select finish_index_rotation() $$,
    $$ select delete_index_batch('note_indexes', null) $$
  ]) as call
$body$;
select tests.act_as('ann', 'acme');
select results_eq($$ select distinct tests.rotating() $$, array['42501'], 'ann, who owns acme, rotates nothing');
select tests.act_as_nobody();
select results_eq($$ select distinct tests.rotating() $$, array['42501'], 'nobody does');
select tests.act_as_auditor();
select results_eq($$ select distinct tests.rotating() $$, array['42501'], 'an auditor does not');
select tests.act_as_monitor();
select results_eq($$ select distinct tests.rotating() $$, array['42501'], 'a monitor does not');
select tests.act_as_backup();
select results_eq($$ select distinct tests.rotating() $$, array['42501'], 'a backup does not');


-- With one key there is nothing to do
select tests.act_as_operator();
select results_eq(
  $$ select * from reencrypt_batch(90001, null) $$, $$ values (0, null::uuid) $$,
  'under one key there is nothing to seal anew'
);
select throws_ok($$ select begin_index_rotation() $$, 'SP421', null, '... nor to index anew');
select throws_ok($$ select begin_index_backfill() $$, 'SP421', null, '... nor to backfill');
select throws_ok($$ select backfill_index_batch('note_indexes', null) $$, 'SP421', null, '... row by row');
select throws_ok($$ select cut_over_index() $$, 'SP421', null, '... nor to cut over');
select throws_ok($$ select finish_index_rotation() $$, 'SP421', null, '... nor to finish');
select is(delete_index_batch('note_indexes', null), 0, '... nor to sweep');
select results_eq(
  $$ select key_id, value_count, is_evidence from count_sealed_values(90001) $$, $$ values (1, 7::bigint, false) $$,
  'what is under which key is counted'
);
select results_eq(
  $$ select value_count from count_sealed_values(90002) order by 1 $$, $$ values (3::bigint), (4) $$,
  '... for each organization'
);
select throws_ok($$ select count_sealed_values(90009) $$, 'SP526', null, '... of a field that is declared');


-- Another key of the cell
select tests.act_as_superuser();
select tests.add_key();
select tests.act_as_operator();
select throws_ok(
  $$ select reencrypt_batch(90001, null) $$, 'SP522', null, 'nothing is sealed anew before the keys are unlocked'
);
select tests.unlock();
select throws_ok($$ select reencrypt_batch(90009, null) $$, 'SP526', null, '... of a field that is not declared');
select throws_ok($$ select reencrypt_batch(90002, null) $$, 'SP526', null, '... of another scope');
select throws_ok(
  $$ select reencrypt_batch(90001, tests.organization_id('acme')) $$, 'SP526', null, '... or of another'
);
select throws_ok(
  $$ select reencrypt_batch(90004, tests.organization_id('acme')) $$, 'SP526', null, '... or what clients seal'
);
select throws_ok($$ select reencrypt_batch(90001, null, 0) $$, 'SP526', null, '... in batches of nothing');
select throws_ok($$ select reencrypt_batch(90001, null, 10001) $$, 'SP526', null, '... or of too much');
select throws_ok($$ select reencrypt_batch(90001, null, null) $$, 'SP526', null, '... or of no number');
select throws_ok(
  $$ select reencrypt_batch(90002, tests.organization_id('nowhere')) $$, 'SP321', null,
  '... or for an organization without a key'
);

select is(reencrypted, 3, 'a batch is as large as was said')
from (select *, set_config('tests.last', last_row_id::text, true) from reencrypt_batch(90001, null, 3)) as batch;
select tests.act_as_superuser();
select results_eq(
  $$ select key_id, count from tests.under() where field = 'about' $$, $$ values (1, 4::bigint), (2, 3) $$,
  '... and is under the active key, and the others are not'
);
select is(
  current_setting('tests.last')::uuid, (select max(id::text)::uuid from notes where _key_id_of(about) = 2),
  '... and it is said which was the last'
);
select tests.act_as_operator();
select is(reencrypted, 4, 'the next takes what is left')
from reencrypt_batch(90001, null, 10, current_setting('tests.last')::uuid);
select is(reencrypted, 0, '... and then there is nothing') from reencrypt_batch(90001, null, 10);
select tests.act_as_superuser();
select results_eq(
  $$ select distinct _open_text(90001, null, id, about, user_id) from notes where about is not null order by 1 $$,
  $$ select 'about ' || n from generate_series(1, 7) as n $$,
  'everything opens to what it was, for its subject'
);
select results_eq(
  $$ select field, key_id, count from tests.under() where field <> 'about' $$,
  $$ values ('digest', 1, 7::bigint), ('remark of acme', 1, 3), ('remark of zenith', 1, 4) $$,
  '... and no other field was touched'
);
select results_eq(
  $$ select (additional_data ->> 'count')::integer from auth_audit_logs where event_type = 'key.reencrypted' and additional_data @> '{"field_id": 90001}' order by 1 $$,
  $$ values (3), (4) $$,
  '... and each batch left an event'
);

-- An organization's
select tests.add_key('acme');
select tests.unlock('acme');
select tests.act_as_operator();
select is(reencrypted, 3, 'acme''s values are sealed anew')
from reencrypt_batch(90002, tests.organization_id('acme'));
select tests.act_as_superuser();
select results_eq(
  $$ select field, key_id, count from tests.under() where field like 'remark%' $$,
  $$ values ('remark of acme', 2, 3::bigint), ('remark of zenith', 1, 4) $$,
  '... and zenith''s are not'
);

-- What does not open stops it, and it is said where
savepoint before;
alter table notes disable trigger user;
update notes set digest = set_byte(digest, 40, get_byte(digest, 40) # 1) where id = tests.user_id('note 4');
alter table notes enable trigger user;
select tests.act_as_operator();
select throws_ok($$ select reencrypt_batch(90003, null) $$, 'SP521', null, 'a value that was changed is not sealed anew');
select tests.act_as_superuser();
rollback to before;

select tests.act_as_operator();
select tests.reencrypt_the_rest();
select tests.act_as_superuser();

-- Evidence
savepoint before;
select tests._become('safetypin_owner');
create function _nothing() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger _500_append_only before update on notes for each row execute function _nothing();
select tests.act_as_operator();
select is(reencrypted, 0, 'evidence is left as it is') from reencrypt_batch(90003, null);
select ok(bool_and(is_evidence), '... and is counted as such') from count_sealed_values(90003);
select tests.act_as_superuser();
update blind_index_versions set phase = 'fading' where organization_id is null;
update blind_index_versions set phase = 'ended' where organization_id is null;
select tests.act_as_operator();
select throws_ok(
  $$ select retire_key(null, 1) $$, 'SP424', 'key 1 is still needed, for digest of notes in 7 rows, which are evidence',
  '... and keeps its key'
);
select tests.act_as_superuser();
rollback to before;


-- Blind indexes
create function tests.found(p_digest text) returns integer language sql as $$
  select count(*)::integer
  from note_indexes
  where version = _looked_up_version(null)
    and digest_index = _blind_index(90003, null, _looked_up_version(null), p_digest)
$$;
select is(tests.found('digest 3'), 1, 'a value is found in version 1');

select tests.act_as_operator();
select is(begin_index_rotation(), 2, 'version 2 begins');
select throws_ok($$ select begin_index_rotation() $$, 'SP421', null, '... once');
select throws_ok(
  $$ select backfill_index_batch('note_indexes', null) $$, 'SP421', null,
  'nothing is indexed in it before everybody writes it'
);
select throws_ok($$ select cut_over_index() $$, 'SP421', null, '... and nothing looked up');
select is(begin_index_backfill(), 2, 'then older rows are');
select tests.backfill_the_rest();
select throws_ok($$ select cut_over_index() $$, 'SP424', null, 'it is not looked up while a row is missing');
select throws_ok($$ select backfill_index_batch('notes', null) $$, 'SP526', null, 'only what is declared is indexed');
select throws_ok(
  $$ select backfill_index_batch('note_indexes', tests.organization_id('acme')) $$, 'SP526', null, '... in its scope'
);
select throws_ok($$ select backfill_index_batch('note_indexes', null, 0) $$, 'SP526', null, '... in batches of something');
select is(indexed, 5, 'a batch is as large as was said')
from (
  select *, set_config('tests.last', last_row_id::text, true) from backfill_index_batch('note_indexes', null, 5)
) as batch;
select is(indexed, 2, '... and the next takes what is left')
from backfill_index_batch('note_indexes', null, 5, current_setting('tests.last')::uuid);
select is(indexed, 0, '... and then there is nothing') from backfill_index_batch('note_indexes', null, 5);
select tests.act_as_superuser();
select results_eq(
  $$ select version, count(*) from note_indexes group by 1 order by 1 $$, $$ values (1, 7::bigint), (2, 7) $$,
  'both versions stand side by side'
);
select is(tests.found('digest 3'), 1, '... and a value is found, in version 1');
select tests.act_as_operator();
select is(cut_over_index(), 2, 'it takes over');
select throws_ok($$ select cut_over_index() $$, 'SP421', null, '... once');
select tests.act_as_superuser();
select is(_looked_up_version(null), 2, '... and is looked up');
select is(_written_versions(null), array[1, 2], '... and the one before is written still');
select is(tests.found('digest 3'), 1, '... and a value is found, in version 2');
select tests.act_as_operator();
select throws_ok(
  $$ select retire_key(null, 1) $$, 'SP424', 'key 1 is still needed, for a version of the blind indexes',
  'the key of the one before is needed still'
);
select is(finish_index_rotation(), 2, 'it is the only one');
select is(delete_index_batch('note_indexes', null, 5), 5, 'the rows of the one before go');
select is(delete_index_batch('note_indexes', null, 5), 2, '... batch by batch');
select is(delete_index_batch('note_indexes', null, 5), 0, '... until there is none');
select throws_ok($$ select delete_index_batch('notes', null) $$, 'SP526', null, '... of what is declared');
select throws_ok($$ select delete_index_batch('note_indexes', null, null) $$, 'SP526', null, '... and in batches of a number');
select results_eq(
  $$ select version, key_id, phase from list_index_versions() where organization_id is null $$,
  $$ values (1, 1, 'ended'), (2, 2, 'steady') $$,
  'and it is seen which is which'
);
select results_eq(
  $$ select version, phase from list_index_versions('00000000-0000-0000-0000-000000000000') $$,
  $$ values (1, 'ended'), (2, 'steady') $$,
  '... of the cell'
);
select results_eq(
  $$ select version, phase, organization_id = tests.organization_id('acme') from list_index_versions(tests.organization_id('acme')) $$,
  $$ values (1, 'steady', true) $$,
  '... and of one organization'
);
select results_eq(
  $$ select organization_id, count(*)
     from (
       select * from list_keys(p_tenant_id => tests.organization_id('acme'))
       union all
       select * from list_keys(p_tenant_id => '00000000-0000-0000-0000-000000000000')
     ) as keys
     group by 1
     order by 1 nulls first $$,
  $$ values (null, 2::bigint), (tests.organization_id('acme'), 2::bigint) $$,
  'and so are keys'
);
select throws_ok(
  $$ select retire_key(null, 1) $$, 'SP424', 'key 1 is still needed, for digest of notes in 7 rows',
  'what is sealed needs its key still'
);
select is(reencrypted, 7, 'once it is sealed anew') from reencrypt_batch(90003, null);
select lives_ok($$ select retire_key(null, 1) $$, '... the key is retired');
select tests.act_as_superuser();
select is(tests.found('digest 3'), 1, '... and a value is found as before');

select finish();
rollback;
