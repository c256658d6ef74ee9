-- The signed context: who is asking is what the database looked up, and nothing
-- that a caller can write makes it somebody else.
begin;
select plan(45);

select tests.two_organizations();

-- Nobody
select tests.act_as_nobody();
select is(current_user_id(), null, 'before anybody came in there is no user');
select is(current_organization_id(), null, '... no organization');
select is(current_session_id(), null, '... no session');
select is(current_assurance_level(), 0::smallint, '... and no assurance at all');
select is(verified_context(), null, '... because there is no context');
select is_empty($$ select id from users $$, 'nobody sees no people');
select is_empty($$ select id from organizations $$, 'nobody sees no organizations');
select is_empty($$ select id from sessions $$, 'nobody sees no sessions');
select is_empty(
  $$ update users set first_name = 'Mine' returning id $$,
  'nobody changes no one'
);
select throws_ok(
  $$ insert into password_policies (organization_id) values (null) $$,
  '42501', null,
  'nobody writes a policy'
);


-- Somebody
select tests.act_as('ann', 'acme');
select is(current_user_id(), tests.user_id('ann'), 'with her token, ann is ann');
select is(current_organization_id(), tests.organization_id('acme'), '... in acme');
select is(current_session_id(), md5('session:ann:acme')::uuid, '... in her session');
select is(current_assurance_level(), 1::smallint, '... at the level a password gives');
select is(
  array_length(verified_context(), 1), 5,
  'her context has five fields: key, user, organization, session and level'
);

select tests.act_as('bob');
select is(current_user_id(), tests.user_id('bob'), 'bob without an organization is bob');
select is(current_organization_id(), null, '... in none');
select results_eq(
  $$ select id from users $$,
  $$ select tests.user_id('bob') $$,
  '... who sees himself and nobody else'
);
select is_empty($$ select id from organizations $$, '... and no organization');
select throws_ok(
  $$ select _require_organization() $$,
  '42501', null,
  'the guards are not for callers'
);
select throws_ok(
  $$ select search_users('ann') $$,
  'SP103', null,
  'what needs an organization tells bob to choose one'
);

select tests.act_as_nobody();
select throws_ok(
  $$ select list_own_organizations() $$,
  'SP102', null,
  'what needs a person tells nobody to sign in'
);


-- Garbage is nobody, and raises nothing that a forger could learn from.
select tests.act_as('ann', 'acme');
select results_eq(
  format(
    $$
      select forged.context, verified_context()
      from (select set_config('safetypin.context', context, true) as context from unnest(%L::text[]) as context) as forged
    $$,
    array[
      'garbage', '|', '|||||', '||||||||||||', repeat('x', 100000), 'null', '{}',
      E'\n', '00000000-0000-0000-0000-000000000000|||||', repeat('f', 64),
      '|' || tests.user_id('ann') || '|' || tests.organization_id('acme') || '||1#' || repeat('0', 64),
      '#', '##', '#|', '|#', '|||||#', '|||||#' || repeat('0', 64), '#' || repeat('0', 64)
    ]
  ),
  format(
    $$ select context, null::text[] from unnest(%L::text[]) as context $$,
    array[
      'garbage', '|', '|||||', '||||||||||||', repeat('x', 100000), 'null', '{}',
      E'\n', '00000000-0000-0000-0000-000000000000|||||', repeat('f', 64),
      '|' || tests.user_id('ann') || '|' || tests.organization_id('acme') || '||1#' || repeat('0', 64),
      '#', '##', '#|', '|#', '|||||#', '|||||#' || repeat('0', 64), '#' || repeat('0', 64)
    ]
  ),
  'whatever garbage a caller writes, the context is none'
);
select set_config('safetypin.context', '', true);
select is(current_user_id(), null, 'an empty context is nobody');
select is(current_assurance_level(), 0::smallint, '... at no level');
select is_empty($$ select id from users $$, '... who sees nothing');


-- A context of one's own, with one field changed, is nobody.
select tests.act_as('bob', 'acme');
select set_config('tests.own', current_setting('safetypin.context'), true);

select set_config(
  'safetypin.context',
  replace(current_setting('tests.own'), tests.user_id('bob')::text, tests.user_id('ann')::text),
  true
);
select is(current_user_id(), null, 'bob who writes ann in his place is nobody');
select is_empty($$ select id from users $$, '... and loses even himself');

select set_config(
  'safetypin.context',
  replace(current_setting('tests.own'), tests.organization_id('acme')::text, tests.organization_id('zenith')::text),
  true
);
select is(current_organization_id(), null, 'bob who writes zenith in the place of acme is nowhere');
select is_empty($$ select id from organizations $$, '... and sees neither');

select set_config(
  'safetypin.context',
  replace(current_setting('tests.own'), md5('session:bob:acme')::uuid::text, md5('session:ann:acme')::uuid::text),
  true
);
select is(current_session_id(), null, 'bob who writes another session is in none');

select set_config('safetypin.context', replace(current_setting('tests.own'), '|1#', '|3#'), true);
select is(current_assurance_level(), 0::smallint, 'bob who raises his assurance has none');

select set_config('safetypin.context', left(current_setting('tests.own'), -1), true);
select is(current_user_id(), null, 'a signature cut short signs nothing');

select results_eq(
  $$
    select suffix, verified_context() is not null
    from (
      select suffix, set_config('safetypin.context', current_setting('tests.own') || suffix, true) as context
      from unnest(array['', '#', '#|', '|', ' ', '0']) as suffix
    ) as forged
    where forged.context is not null
  $$,
  $$ values ('', true), ('#', false), ('#|', false), ('|', false), (' ', false), ('0', false) $$,
  'nor does one with something behind it'
);

select set_config(
  'safetypin.context',
  left(current_setting('tests.own'), -64) || translate(right(current_setting('tests.own'), 64), '0123456789abcdef', '123456789abcdef0'),
  true
);
select is(current_user_id(), null, 'another signature signs nothing');

select is_empty(
  format(
    $$
      select id
      from users
      where set_config('safetypin.context', %L, true) is not null
    $$,
    replace(current_setting('tests.own'), tests.user_id('bob')::text, tests.user_id('ann')::text)
  ),
  'a forgery written inside the very statement that reads finds nothing'
);

select set_config('safetypin.context', current_setting('tests.own'), true);
select is(
  current_user_id(), tests.user_id('bob'),
  'his own context, put back untouched in the same transaction, is his still'
);


-- A context is bound to the backend and to the start of its transaction. The
-- signature is made here by hand, over both: first as it should be, to see that it
-- would do.
select tests.act_as_superuser();
create function pg_temp.sign(p_user_id uuid, p_organization_id uuid, p_nonce bytea)
  returns text
  language sql
as $$
  select payload || '#' || encode(
    sha256(substr(secret, 33) || sha256(substr(secret, 1, 32) || p_nonce || convert_to(payload, 'UTF8'))),
    'hex'
  )
  from context_keys
  cross join lateral (
    select concat(id, '|', p_user_id, '|', p_organization_id, '||1') as payload
  ) as written
  where purpose = 'context' and retired_time is null
$$;
select
  set_config('tests.here', pg_temp.sign(
    tests.user_id('zoe'), tests.organization_id('zenith'),
    int4send(pg_backend_pid()) || timestamptz_send(transaction_timestamp())
  ), true),
  set_config('tests.earlier', pg_temp.sign(
    tests.user_id('zoe'), tests.organization_id('zenith'),
    int4send(pg_backend_pid()) || timestamptz_send(transaction_timestamp() - interval '1 microsecond')
  ), true),
  set_config('tests.elsewhere', pg_temp.sign(
    tests.user_id('zoe'), tests.organization_id('zenith'),
    int4send(pg_backend_pid() + 1) || timestamptz_send(transaction_timestamp())
  ), true),
  set_config('tests.anywhere', pg_temp.sign(tests.user_id('zoe'), tests.organization_id('zenith'), ''::bytea), true);

select tests.act_as_nobody();
select set_config('safetypin.context', current_setting('tests.here'), true);
select is(current_user_id(), tests.user_id('zoe'), 'a context signed for this transaction of this backend is good');
select set_config('safetypin.context', current_setting('tests.earlier'), true);
select is(current_user_id(), null, 'one signed a microsecond earlier, in another transaction, is not');
select set_config('safetypin.context', current_setting('tests.elsewhere'), true);
select is(current_user_id(), null, 'one signed in another backend is not');
select set_config('safetypin.context', current_setting('tests.anywhere'), true);
select is(current_user_id(), null, 'one signed for no transaction in particular is not');


-- Only who looked a token up may sign.
select throws_ok(
  format(
    $$ select _set_context(%L, %L, null, 3::smallint) $$,
    tests.user_id('ann'), tests.organization_id('acme')
  ),
  '42501', null,
  'the application cannot have a context signed without a token'
);
select throws_ok(
  $$ select _context_mac('\x00', 'x') $$,
  '42501', null,
  'nor can it ask for a signature'
);
select tests.act_as_operator();
select throws_ok(
  format(
    $$ select _set_context(%L, %L, null, 3::smallint) $$,
    tests.user_id('ann'), tests.organization_id('acme')
  ),
  '42501', null,
  'no job can either'
);
select tests.act_as_owner();
select throws_ok(
  format(
    $$ select _set_context(%L, %L, null, 3::smallint) $$,
    tests.user_id('ann'), tests.organization_id('acme')
  ),
  '42501', null,
  'nor the owner of the tables'
);

select finish();
rollback;
