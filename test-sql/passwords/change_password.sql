-- change_password(): with the proof of the current one; not to one of the last; by
-- rules that hold; and the other sessions end.
begin;
select plan(43);

select tests.two_organizations();
-- The password number n of bob's, as digested by a client: by itself, and for the history
create function tests.nth(p_n integer, p_cost integer default 12)
  returns text
  language sql
as $$ select '$2a$' || p_cost || '$abcdefghijklmnopqrstuu' || left(md5('password ' || p_n || p_cost), 31) $$;
create function tests.nth_history(p_n integer, p_cost integer default 12)
  returns text
  language sql
as $$ select '$2a$' || p_cost || '$zyxwvutsrqponmlkjihgfe' || left(md5('history ' || p_n || p_cost), 31) $$;
create function tests.change(p_from text, p_to text, p_history text[])
  returns text
  language sql
as $$ select tests.change_password(tests.prove_password('bob', p_from), p_to, p_history, (select version from read_password_policy())) $$;

-- What he needs to know
select tests.act_as_nobody();
select throws_ok($$ select prepare_password_change() $$, 'SP102', null, 'nobody prepares a change');
select tests.act_as('bob', 'acme');
select results_eq(
  $$ select email, first_name, last_name, organization_names, (policy).min_length, (policy).version = (read_password_policy()).version, history_salts from prepare_password_change() $$,
  $$ values (tests.email('bob'), 'Bob', 'Example', '{Acme}'::text[], 15, true, array[left(tests.history_digest(), 29)]) $$,
  'bob is told the words his password may not be made of, the rules, and the salt of his history'
);

-- Who may
select tests.act_as_nobody();
select throws_ok(
  $$ select tests.change_password(new_id(), tests.nth(1), array[tests.nth_history(1)], (select version from read_password_policy())) $$,
  'SP102', null,
  'nobody changes a password'
);
select tests.act_as_operator();
select throws_ok($$ select tests.change_password(new_id(), 'x', '{}', 'x') $$, '42501', null, 'a job changes none');
select tests.act_as('bob');
select tests.act_as('bob', 'acme');
select is(
  tests.change_password(null, tests.nth(1), array[tests.nth_history(1)], (select version from read_password_policy())), 'invalid',
  'bob without a proof changes nothing'
);
select is(tests.change(tests.other_password_digest(), tests.nth(1), array[tests.nth_history(1)]), 'invalid', '... nor with the proof of another password');
select is(
  tests.change_password(tests.prove_password('amy'), tests.nth(1), array[tests.nth_history(1)], (select version from read_password_policy())), 'invalid',
  '... nor with amy''s proof'
);
select results_eq(
  $$ select result, failure_reason, count(*) from tests.events('password.changed') group by 1, 2 $$,
  $$ values ('failure', 'wrong_password', 2::bigint) $$,
  'that his was not right is recorded'
);

-- By which rules
select throws_ok(
  $$ select tests.change_password(tests.prove_password('bob'), tests.nth(1), array[tests.nth_history(1)], 'stale') $$,
  'SP402', null, 'rules that no longer hold are refused'
);
select throws_ok(
  $$ select tests.change_password(tests.prove_password('bob'), tests.nth(1), array[tests.nth_history(1)], null) $$,
  'SP402', null, '... and so are none'
);
select throws_ok($$ select tests.change(tests.password_digest(), tests.nth(1, 11), array[tests.nth_history(1)]) $$, 'SP507', null, 'a cheap digest is refused');
select throws_ok($$ select tests.change(tests.password_digest(), tests.nth(1), '{}') $$, 'SP508', null, 'without a digest for the history it is refused');
select throws_ok($$ select tests.change(tests.password_digest(), tests.nth(1), array[tests.nth(1)]) $$, 'SP508', null, '... with one under another salt too');
select throws_ok($$ select tests.change(tests.password_digest(), tests.nth(1), array[tests.nth_history(1, 13)]) $$, 'SP508', null, '... with one of another cost too');
select throws_ok($$ select tests.change(tests.password_digest(), 'plain', array[tests.nth_history(1)]) $$, '23514', null, 'what is no digest is refused');
select throws_ok(
  $$ select tests.change(tests.password_digest(), tests.password_digest(), array[tests.history_digest()]) $$,
  '23505', 'the password was used before',
  'the password he has is refused'
);
select is(tests.change(tests.password_digest(), tests.nth(1), array[tests.nth_history(1)]), 'changed', 'another, by the rules, is taken');

-- What follows
select lives_ok($$ select begin_request(tests.token('bob', 'acme')) $$, 'the session he is in goes on');
select throws_ok($$ select begin_request(tests.token('bob')) $$, 'SP101', null, '... his other ends');
select tests.act_as('bob', 'acme');
select results_eq($$ select revocation_reason from sessions where revoked $$, $$ values ('password_changed') $$, '... and says why');
select results_eq(
  $$ select user_id, acting_user_id from tests.events('password.changed') where result = 'success' $$,
  $$ values (tests.user_id('bob'), tests.user_id('bob')) $$,
  'it is recorded'
);
select tests.act_as_nobody();
select is(tests.sign_in('bob'), 'invalid', 'the old password does not sign in');
select is(tests.sign_in('bob', tests.nth(1), 'new'), 'signed_in', '... the new one does');

-- History: the last five, the current one included
select tests.act_as_superuser();
create function tests.set(p_n integer)
  returns void
  language plpgsql
as $$
declare
  v_is_set boolean;
begin
  -- As if a day had passed: entries of one transaction are of one time.
  update password_history set creation_time = creation_time - interval '1 day' where user_id = tests.user_id('bob');
  v_is_set := _set_password(
    tests.user_id('bob'), tests.nth(p_n), array[tests.nth_history(p_n)],
    (_effective_policy(tests.user_id('bob'))).version
  );
end;
$$;
select lives_ok($$ select tests.set(n) from generate_series(2, 5) as n $$, 'bob changes it four times more');
select throws_ok($$ select tests.set(5) $$, '23505', null, 'the one he has is refused');
select throws_ok($$ select tests.set(1) $$, '23505', null, '... and so is the fifth last');
select is((select count(*) from password_history where user_id = tests.user_id('bob')), 5::bigint, 'five are remembered');
select lives_ok($$ select tests.set(6) $$, 'he changes it once more');
select lives_ok($$ select tests.set(1) $$, '... and then the first may come back');
select throws_ok($$ select tests.set(3) $$, '23505', null, '... the third may not yet');

-- By days as well
insert into password_policies (organization_id, history_depth, history_days) values (tests.organization_id('acme'), 1, 3);
savepoint remembered;
select lives_ok($$ select tests.set(7) $$, 'where one is remembered, and those of three days');
select throws_ok($$ select tests.set(1) $$, '23505', null, '... yesterday''s is refused');
select lives_ok($$ select tests.set(8) $$, '... another is taken');
select lives_ok($$ select tests.set(9) $$, '... and another');
select lives_ok($$ select tests.set(1) $$, '... and what is older than three days may come back');
rollback to remembered;
delete from password_policies where organization_id is not null;

-- The cost is raised: a digest for each cost that is in the history
update password_policies set bcrypt_cost = 13 where organization_id is null;
select tests.act_as('bob', 'acme');
select is(
  (select history_salts from prepare_password_change()),
  array['$2a$13$zyxwvutsrqponmlkjihgfe', '$2a$12$zyxwvutsrqponmlkjihgfe'],
  'when digests cost more, bob is asked for both, the new one first'
);
select throws_ok($$ select tests.change(tests.nth(1), tests.nth(20), array[tests.nth_history(20, 13), tests.nth_history(20)]) $$, 'SP507', null, 'a digest at the old cost is refused');
select throws_ok($$ select tests.change(tests.nth(1), tests.nth(20, 13), array[tests.nth_history(20, 13)]) $$, 'SP508', null, 'one salt left out is refused');
select throws_ok($$ select tests.change(tests.nth(1), tests.nth(20, 13), array[tests.nth_history(20)]) $$, 'SP508', null, '... the new one too');
select throws_ok(
  $$ select tests.change(tests.nth(1), tests.nth(6, 13), array[tests.nth_history(6, 13), tests.nth_history(6)]) $$,
  '23505', 'the password was used before',
  'a password of before is known by its old digest'
);
select is(tests.change(tests.nth(1), tests.nth(20, 13), array[tests.nth_history(20, 13), tests.nth_history(20)]), 'changed', 'a new one is taken');
select tests.act_as_superuser();
select results_eq(
  $$ select left(salt, 7), count(*) from password_history where user_id = tests.user_id('bob') group by 1 order by 1 $$,
  $$ values ('$2a$12$', 4::bigint), ('$2a$13$', 1::bigint) $$,
  '... and remembered at the new cost, once'
);

-- Amy's password is none of his
select is(tests.opened_digest('amy'), tests.password_digest(), 'amy''s password is what it was');

select finish();
rollback;
