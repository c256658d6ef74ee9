-- read_password_policy(): the strictest of a person's organizations, with a version
-- that changes whenever any rule does.
begin;
select plan(24);

select tests.two_organizations();
select tests.member('zenith', 'bob');

-- The cell's, for whoever registers
select tests.act_as_nobody();
select results_eq(
  $$ select min_length, max_length, require_uppercase, require_digit, maximum_age_days, history_depth, history_days, bcrypt_cost from read_password_policy() $$,
  $$ values (15, 128, false, false, null::integer, 5, 0, 12) $$,
  'nobody reads the rules for whoever registers: fifteen characters, no composition, no age'
);
select matches((select version from read_password_policy()), '^[0-9a-f]{16}$', 'they have a version');
select set_config('tests.version', (select version from read_password_policy()), true);
select tests.act_as('bob', 'acme');
select is((select version from read_password_policy()), current_setting('tests.version'), 'where no organization has its own, bob''s rules are the same');
select tests.act_as_operator();
select throws_ok($$ select read_password_policy() $$, '42501', null, 'a job has no password');

-- Two organizations, each stricter in its own way
select tests.act_as_superuser();
insert into password_policies (
  organization_id, min_length, max_length, require_uppercase, require_symbol, maximum_age_days, history_depth, history_days
)
values
  (tests.organization_id('acme'), 20, 100, true, false, 90, 3, 365),
  (tests.organization_id('zenith'), 16, 64, false, true, 30, 10, 0);
select tests.act_as('bob', 'acme');
select results_eq(
  $$
    select
      min_length, max_length, require_uppercase, require_lowercase, require_digit, require_symbol,
      maximum_age_days, history_depth, history_days, bcrypt_cost
    from read_password_policy()
  $$,
  $$ values (20, 64, true, false, false, true, 30, 10, 365, 12) $$,
  'bob, who is in both, lives by the strictest of each'
);
select set_config('tests.bob', (select version from read_password_policy()), true);
select isnt(current_setting('tests.bob'), current_setting('tests.version'), '... which is another version');
select tests.act_as('bob');
select is((select version from read_password_policy()), current_setting('tests.bob'), '... wherever he is');
select tests.act_as('bob', 'zenith');
select is((select version from read_password_policy()), current_setting('tests.bob'), '... in zenith too');
select tests.act_as('ann', 'acme');
select results_eq(
  $$ select min_length, max_length, history_depth from read_password_policy() $$,
  $$ values (20, 100, 3) $$,
  'ann lives by acme''s: even where it is laxer than the cell''s, within NIST'
);
select tests.act_as('zoe', 'zenith');
select results_eq($$ select min_length, history_depth from read_password_policy() $$, $$ values (16, 10) $$, 'zoe by zenith''s');
select tests.act_as_nobody();
select is((select version from read_password_policy()), current_setting('tests.version'), 'nobody by the cell''s, as before');

-- An invitation and a suspension bind nobody
select tests.person('iva');
select tests.act_as_superuser();
insert into organization_users (organization_id, user_id, status)
values (tests.organization_id('acme'), tests.user_id('iva'), 'invited');
select tests.act_as('iva');
select is((select version from read_password_policy()), current_setting('tests.version'), 'iva, only invited, lives by the cell''s');
select tests.act_as_superuser();
update organization_users set status = 'suspended' where organization_id = tests.organization_id('zenith') and user_id = tests.user_id('bob');
select tests.act_as('bob', 'acme');
select results_eq(
  $$ select max_length, require_symbol from read_password_policy() $$,
  $$ values (100, false) $$,
  'bob, suspended in zenith, lives by acme''s'
);

-- Somebody in two of which one has no policy of its own lives by the cell's too
select tests.act_as_superuser();
update organization_users set status = 'active' where user_id = tests.user_id('bob');
delete from password_policies where organization_id = tests.organization_id('zenith');
select tests.act_as('bob', 'acme');
select results_eq(
  $$ select min_length, max_length, history_depth from read_password_policy() $$,
  $$ values (20, 100, 5) $$,
  'bob, in acme and in zenith that goes by the cell''s, lives by the stricter of the two'
);

-- Eight characters, which an organization that demands a second factor may ask for,
-- hold for nobody whose password alone opens a session
select tests.act_as_superuser();
savepoint factor;
select tests.act_as('ann', 'acme');
select tests.act_as_superuser();
update sessions
set is_mfa_complete = true, assurance_level = 2, authentication_methods = '{password,otp}'
where id = md5('session:ann:acme')::uuid;
select tests.act_as('ann', 'acme');
update password_policies set mfa_required = true, min_length = 8 where organization_id = tests.organization_id('acme');
select tests.act_as('ann', 'acme');
select is((select min_length from read_password_policy()), 15, 'ann, whose one organization asks for eight and a second factor, lives by fifteen');
select is((select (policy).min_length from prepare_password_change()), 15, '... and is told so when she chooses a new password');
select is((select min_length from password_policies where organization_id is not null), 8, '... though acme may say eight');
select tests.act_as_nobody();
select is(tests.sign_in('ann', p_token => 'ann alone'), 'signed_in', 'for her password alone still opens a session');
select is((select organization_id from begin_request(tests.token('ann alone'))), null, '... if one in no organization');
select tests.act_as_superuser();
rollback to factor;

-- The version changes with each rule, and comes back with it
select tests.act_as_superuser();
create function pg_temp.version_after(p_change text)
  returns text
  language plpgsql
as $$
declare
  v_version text;
begin
  execute format('update password_policies set %s where organization_id = %L', p_change, tests.organization_id('acme'));
  v_version := (_effective_policy(tests.user_id('ann'))).version;
  return v_version;
end;
$$;
select is(
  (
    select count(distinct pg_temp.version_after(change))
    from unnest(array[
      'min_length = 21', 'max_length = 101', 'require_uppercase = false', 'require_lowercase = true',
      'require_digit = true', 'require_symbol = true', 'maximum_age_days = 91', 'history_depth = 4',
      'history_days = 364'
    ]) as change
  ),
  9::bigint,
  'nine rules change one after another, and the version with each'
);
select is(
  pg_temp.version_after('history_days = 365'), pg_temp.version_after('aal1_idle_limit = ''1 day'''),
  '... not with what passwords have nothing to do with'
);
select set_config('tests.before', (_effective_policy(tests.user_id('ann'))).version, true);
update password_policies set bcrypt_cost = 13 where organization_id is null;
select isnt((_effective_policy(tests.user_id('ann'))).version, current_setting('tests.before'), 'with the cost of digests');
update password_policies set bcrypt_cost = 12 where organization_id is null;
select is((_effective_policy(tests.user_id('ann'))).version, current_setting('tests.before'), '... and it comes back with it');

-- Nobody reads another's
select tests.act_as('zoe', 'zenith');
select throws_ok(
  $$ select _effective_policy(tests.user_id('bob')) $$,
  '42501', null,
  'zoe does not ask by which rules bob lives'
);

select finish();
rollback;
