-- password_blocklist: half a million passwords that many people use, by a byte of
-- their digest: nobody says which one they ask for.
begin;
select plan(14);

select tests.two_organizations();
create function tests.blocked(p_password text)
  returns boolean
  language sql
as $$
  select exists (
    select from password_blocklist
    cross join generate_series(0, octet_length(digests) / 5 - 1) as place
    where prefix = get_byte(sha256(convert_to(p_password, 'UTF8')), 0)
      and substr(digests, place * 5 + 1, 5) = substr(sha256(convert_to(p_password, 'UTF8')), 2, 5)
  )
$$;

select tests.act_as_nobody();
select is((select count(*) from password_blocklist), 256::bigint, 'there is a row for every byte, and nobody may read them');
select ok((select sum(octet_length(digests)) / 5 >= 100000 from password_blocklist), 'they hold the hundred thousand commonest at least');
select ok(tests.blocked('password'), 'one that everybody knows is in it');
select ok(tests.blocked('1234567890'), '... and another');
select ok(not tests.blocked(tests.password() || ' of my own'), 'one that nobody has is not');
select throws_ok($$ delete from password_blocklist $$, '42501', null, 'nobody takes any out');
select throws_ok($$ update password_blocklist set digests = '' $$, '42501', null, '... or empties it');
select tests.act_as('bob', 'acme');
select is((select count(*) from password_blocklist), 256::bigint, 'bob reads it');
select tests.act_as('ann', 'acme');
select throws_ok($$ update password_blocklist set digests = '' $$, '42501', null, 'ann, who owns acme, does not empty it');
select tests.act_as('zoe', 'zenith');
select is((select count(*) from password_blocklist), 256::bigint, 'so does zoe');
select tests.act_as_operator();
select throws_ok($$ select prefix from password_blocklist $$, '42501', null, 'a job reads nothing');

select tests.act_as_superuser();
select throws_ok($$ update password_blocklist set prefix = 256 where prefix = 255 $$, '23514', null, 'a byte is a byte');
select throws_ok($$ update password_blocklist set digests = '\x00' where prefix = 0 $$, '23514', null, 'digests have five bytes each');
select is_empty(
  $$
    select prefix
    from password_blocklist
    cross join generate_series(1, octet_length(digests) / 5 - 1) as place
    where prefix < 8
      and substr(digests, place * 5 + 1, 5) <= substr(digests, place * 5 - 4, 5)
  $$,
  'they stand in order, each once'
);

select finish();
rollback;
