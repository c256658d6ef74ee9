-- hello() and unlock(): a share is handed over masked, for one transaction, to whoever has the right one.
begin;
select plan(43);

select tests.two_organizations();
select tests.notes();
select tests.unlock();
select tests.unlock('acme');

create function tests.flipped_shares(p_masked bytea) returns setof text language plpgsql as $body$
begin
  for v_at in 0 .. octet_length(p_masked) - 1 loop
    return next tests.outcome(format(
      'select unlock(null, 1, %L)', set_byte(p_masked, v_at, get_byte(p_masked, v_at) # 1)
    ));
  end loop;
end;
$body$;

select tests.act_as_nobody();
select is(octet_length(hello(true)), 64, 'anybody who can connect is given a pad of 64 bytes');
select isnt(hello(true), hello(true), '... another each time');
select lives_ok(
  $$ select unlock(null, 1, tests.masked_share()) $$, 'whoever has the cell''s share unlocks the cell''s key'
);
select throws_ok(
  $$ select unlock(null, 1, tests.mask(gen_random_bytes(32), 0, null, 1)) $$, 'SP221', null,
  'another share is refused'
);
select throws_ok(
  $$ select unlock(null, 1, tests.mask(tests.share('acme'), 0, null, 1)) $$, 'SP221', null,
  '... an organization''s, too'
);
select throws_ok(
  $$ select unlock(null, 1, tests.mask(substr(tests.share(), 1, 31), 0, null, 1)) $$, 'SP221', null,
  '... and the beginning of the right one'
);
select throws_ok($$ select unlock(null, 1, tests.share()) $$, 'SP221', null, 'a bare share is refused');
select throws_ok($$ select unlock(null, 1, null) $$, 'SP221', null, '... and none');
select is(unlock(null, null, tests.masked_share()), false, 'no key is unlocked by one of no key');
select is(unlock(null, 2, tests.masked_share(null, 2)), false, '... nor by one of a key that there is not');
select throws_ok(
  $$ select unlock(tests.organization_id('acme'), 1, tests.masked_share()) $$, 'SP221', null,
  'what was masked for the cell is not for acme'
);
select is(
  unlock(tests.organization_id('zenith'), 1, tests.masked_share('zenith')), false,
  'zenith, which has no key, is told nothing else'
);
select throws_ok(
  $$ select unlock(null, 1, tests.mask(tests.share(), 90003, null, 1)) $$, 'SP221', null,
  'what was masked for a field is no share'
);

-- Each byte of what is handed over.
select results_eq(
  $$ select outcome, count(*) from tests.flipped_shares(tests.masked_share()) as outcome group by 1 $$,
  $$ values ('SP221', 102::bigint) $$,
  'a bit of any byte that was changed is seen'
);
select results_eq(
  $$ select distinct tests.outcome(format('select unlock(null, 1, %L)', substr(tests.masked_share(), 1, length)))
     from generate_series(0, 101) as length $$,
  array['SP221'],
  'what is cut short is refused'
);

-- A pad is the connection's, and one that was replaced is worth nothing.
select tests.act_as_superuser();
create temporary table handed_over on commit drop as select tests.masked_share() as masked;
grant select on handed_over to public;
select tests.act_as_nobody();
select lives_ok($$ select unlock(null, 1, masked) from handed_over $$, 'what is masked under the pad is taken');
select lives_ok($$ select unlock(null, 1, masked) from handed_over $$, '... again, as long as the pad is the same');
select is(octet_length(hello(true)), 64, 'under another pad');
select throws_ok($$ select unlock(null, 1, masked) from handed_over $$, 'SP221', null, '... it is not');
select set_config('safetypin.pad', '', true);
select throws_ok($$ select unlock(null, 1, masked) from handed_over $$, 'SP221', null, '... nor under none');
select set_config('safetypin.pad', repeat('z', 128), true);
select throws_ok($$ select unlock(null, 1, masked) from handed_over $$, 'SP221', null, '... nor under what is no pad');
select hello(true);

-- What waits in the settings.
select tests.act_as_superuser();
select is(
  strpos(current_setting('safetypin.shares'), encode(tests.share(), 'hex')), 0,
  'the share does not stand in the settings of the transaction'
);
select set_config('safetypin.shares', '', true);
select throws_ok(
  $$ select _derive_key('enc', null, 1) $$, 'SP522', null, 'what was not unlocked is locked'
);
select unlock(null, 1, tests.masked_share());
select is(
  length(current_setting('safetypin.shares')), 36 + 1 + 1 + 1 + 64 + 1, 'unlocking leaves one entry'
);
select unlock(null, 1, tests.masked_share());
select is(
  length(current_setting('safetypin.shares')), 36 + 1 + 1 + 1 + 64 + 1, '... and again, one still'
);
select unlock(tests.organization_id('acme'), 1, tests.masked_share('acme'));
select lives_ok(
  $$ select _derive_key('enc', null, 1), _derive_key('enc', tests.organization_id('acme'), 1) $$,
  'two keys are unlocked side by side'
);
select isnt(
  _derive_key('enc', null, 1), _derive_key('enc', tests.organization_id('acme'), 1), '... and are not the same'
);
select is(
  (select count(distinct _derive_key(purpose, null, 1))::integer from unnest(array['enc', 'bidx', 'audit', 'kcv']) as purpose),
  4,
  'nor are those for different purposes'
);

-- Everybody unlocks every key that works, and one that is damaged is not to stop them all:
-- unless it seals, for then there is nothing to go on with.
select tests.act_as_operator();
select add_key(null, 2, 'local-key-file', 'test', '\x00', tests.masked_share(null, 2));
select is(
  unlock(null, 2, tests.mask(gen_random_bytes(32), 0, null, 2)), false,
  'another share does not unlock a key that is pending, and stops nobody'
);
select is(unlock(null, 2, tests.masked_share(null, 2)), true, '... its own unlocks it');
select activate_key(null, 2, tests.masked_share(null, 2));
select throws_ok(
  $$ select unlock(null, 2, tests.mask(gen_random_bytes(32), 0, null, 2)) $$, 'SP221', null,
  'once it seals, another is refused'
);
select tests.act_as_superuser();
select set_config('safetypin.shares', '', true);
select is(
  unlock(null, 1, tests.mask(gen_random_bytes(32), 0, null, 1)), false,
  'another share does not unlock a key that only opens, and stops nobody'
);
select is(current_setting('safetypin.shares'), '', '... and nothing was unlocked');
select throws_ok($$ select _derive_key('enc', null, 1) $$, 'SP522', null, '... so that what is under it is locked');
select is(unlock(null, 1, tests.masked_share()), true, '... its own unlocks it');

-- An injection that writes the setting.
create temporary table seen (shares text) on commit drop;
insert into seen select current_setting('safetypin.shares');
select set_config(
  'safetypin.shares',
  regexp_replace(
    shares,
    '=([0-9a-f]{63}).',
    '=\1' || translate(substring(shares from '=[0-9a-f]{63}(.)'), '0123456789abcdef', '123456789abcdef0')
  ),
  true
)
from seen;
select throws_ok($$ select _derive_key('enc', null, 1) $$, 'SP321', null, 'a share that was tampered with derives nothing');
select set_config('safetypin.shares', regexp_replace(shares, '=[0-9a-f]{64}', '=' || encode(tests.share(), 'hex')), true) from seen;
select throws_ok($$ select _derive_key('enc', null, 1) $$, 'SP321', null, '... nor does a bare one');
select set_config('safetypin.shares', regexp_replace(shares, '=[0-9a-f]{64}', '=' || repeat('z', 64)), true) from seen;
select throws_ok($$ select _derive_key('enc', null, 1) $$, 'SP321', null, '... nor nonsense');

-- Secrets that are no shares
select tests.act_as_superuser();
select is(
  _unmask(tests.mask('a digest', 90003), 90003), 'a digest'::bytea, 'a secret is handed over for a field'
);
select throws_ok($$ select _unmask(tests.mask('a digest', 90003), 90001) $$, 'SP521', null, '... and for no other');
select throws_ok($$ select _unmask('a digest', 90003) $$, 'SP521', null, 'a bare one is refused');
select is(_unmask(null, 90003), null, 'nothing is nothing');
select throws_ok(
  $$ select _unmask(tests.masked_share(), 0) $$, 'SP521', null, 'a share is never unmasked as a value'
);

select finish();
rollback;
