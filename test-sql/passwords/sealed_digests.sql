-- What is kept of a password opens in its own row, under the cell's key and its owner's
-- salt, and nowhere else; and reuse is found by blind indexes, in every version.
begin;
select plan(23);

select tests.two_organizations();
create function tests.tampered(p_change text)
  returns text
  language plpgsql
as $$
declare
  v_answer text;
begin
  perform tests.act_as_superuser();
  -- As whoever writes to the files, or restores what he wrote.
  alter table password_credentials disable trigger user;
  execute 'update password_credentials set digest = ' || p_change || ' where user_id = tests.user_id(''bob'')';
  alter table password_credentials enable trigger user;
  delete from sign_in_throttles;
  perform tests.act_as_nobody();
  v_answer := tests.sign_in('bob');
  return v_answer;
exception
  when sqlstate 'SP521' then
    return sqlstate;
end;
$$;

select is(
  (select count(*) from password_credentials where position('$2a$12$'::bytea in digest) > 0), 0::bigint,
  'no digest stands in clear'
);
select is(
  (select count(*) from password_history where position('$2a$12$'::bytea in digest) > 0), 0::bigint,
  '... nor in the history'
);
select is(
  (select count(distinct digest) from password_credentials), 4::bigint, 'four people with one password have four values'
);
select is(tests.opened_digest('bob'), tests.password_digest(), 'each of which opens to what it was');

-- Changed
select is(tests.tampered('digest'), 'signed_in', 'as it is, bob signs in');
select is(
  (
    select array_agg(distinct tests.tampered(format('set_byte(digest, %s, get_byte(digest, %s) # 1)', at, at)))
    from unnest(array[2, 6, 21, 22, 40, 85, 117]) as at
  ),
  array['SP521'],
  'with a bit changed anywhere he does not'
);
select is(tests.tampered('substr(digest, 1, octet_length(digest) - 16)'), 'SP521', '... nor cut short');
select is(tests.tampered('digest || repeat(''x'', 16)::bytea'), 'SP521', '... nor drawn out');
select is(
  tests.tampered($$ (select digest from password_credentials where user_id = tests.user_id('amy')) $$), 'SP521',
  '... nor with amy''s, of the same password'
);
select is(
  tests.tampered($$ (select digest from password_history where user_id = tests.user_id('bob') limit 1) $$), 'SP521',
  '... nor with what is in his history'
);
select is(tests.tampered($$ convert_to(tests.password_digest(), 'UTF8') $$), 'SP521', '... nor with a digest in clear');
select tests.act_as_superuser();
select throws_ok(
  $$ update password_credentials set digest = convert_to(tests.password_digest(), 'UTF8') $$, 'SP525', null,
  'which the table does not take'
);
delete from subject_salts where user_id = tests.user_id('amy');
select tests.act_as_nobody();
select throws_ok($$ select tests.sign_in('amy') $$, 'SP521', null, 'without amy''s salt hers is nothing');

-- Locked
select tests.act_as_superuser();
create temporary table attempts on commit drop as
select name, (begin_password_check(tests.email(name))).* from unnest(array['ann', 'nobody']) as name;
update password_attempts set xid = xid - 1;
select submit_password_proof(attempt_id, sha256('x')) from attempts;
update password_attempts set xid = xid - 1, proof_xid = proof_xid - 1;
select set_config('safetypin.shares', '', true);
select throws_ok(
  format('select finish_password_check(%L, sha256(%L))', attempt_id, 'x'), 'SP522', null,
  'where nothing is unlocked no proof is judged, ' || name || '''s like anybody''s'
)
from attempts;
select throws_ok(
  $$ select reset_password(tests.token('x'), 'x'::bytea, '{}', 'x'), register_user(new_id(), 'x@example.com', 'X', 'X', '\x01', '\x01', 'x') $$,
  'SP521', null,
  'a digest that was not masked is not taken'
);
select throws_ok(
  $$ select register_user(new_id(), 'x@example.com', 'X', 'X', tests.masked_history(tests.password_digest()), tests.masked_history(tests.history_digest()), 'x') $$,
  'SP521', null,
  '... nor one that was masked for another field'
);

-- Versions
select tests.unlock();
create function tests.set(p_digest text, p_history_digest text)
  returns boolean
  language sql
as $$
  select _set_password(
    tests.user_id('zoe'), p_digest, array[p_history_digest], (_effective_policy(tests.user_id('zoe'))).version
  )
$$;
select tests.add_key();
select tests.unlock();
insert into blind_index_versions (version, key_id, phase) values (2, 2, 'dual');
select throws_ok(
  $$ select tests.set(tests.password_digest(), tests.history_digest()) $$, '23505', 'the password was used before',
  'while another version begins, what is known to the old one alone is refused'
);
select lives_ok(
  $$ select tests.set(tests.other_password_digest(), tests.other_history_digest()) $$, '... what is new is taken'
);
select results_eq(
  $$ select version, count(*) from password_history_indexes where user_id = tests.user_id('zoe') group by 1 order by 1 $$,
  $$ values (1, 2::bigint), (2, 1) $$,
  '... and known to both'
);
update blind_index_versions set phase = 'backfill' where version = 2;
update blind_index_versions set phase = 'fading' where version = 1 and organization_id is null;
update blind_index_versions set phase = 'cutover' where version = 2;
select throws_ok(
  $$ select tests.set(tests.password_digest(), tests.history_digest()) $$, '23505', 'the password was used before',
  'while the old one fades it counts still'
);
update blind_index_versions set phase = 'ended' where version = 1 and organization_id is null;
update blind_index_versions set phase = 'steady' where version = 2;
select throws_ok(
  $$ select tests.set(tests.other_password_digest(), tests.other_history_digest()) $$, '23505', 'the password was used before',
  'once it ended, the new one refuses what was set since'
);
select throws_ok(
  $$
    insert into password_history_indexes (password_history_id, user_id, version, digest_index)
    select password_history_id, user_id, 3, digest_index from password_history_indexes where user_id = tests.user_id('zoe') and version = 2
    union all
    select (select id from password_history where user_id = tests.user_id('bob')), user_id, 3, digest_index from password_history_indexes where user_id = tests.user_id('zoe') and version = 2
  $$,
  '23505', null,
  'and what the functions forgot to ask the table refuses'
);

select finish();
rollback;
