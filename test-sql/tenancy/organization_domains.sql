-- claim_domain(), verify_domain(), release_domain(): many may claim, one may hold,
-- and nobody learns from an answer who does.
begin;
select plan(51);

select tests.two_organizations();

-- Who may
select tests.act_as('bob', 'acme');
select throws_ok($$ select claim_domain('acme.test', sha256('a')) $$, 'SP201', null, 'bob claims nothing');
select throws_ok($$ select verify_domain('a') $$, 'SP201', null, '... proves nothing');
select throws_ok($$ select release_domain('acme.test') $$, 'SP201', null, '... and gives nothing up');
select tests.act_as_nobody();
select throws_ok($$ select claim_domain('acme.test', sha256('a')) $$, 'SP102', null, 'nobody claims nothing');
select throws_ok($$ select verify_domain('a') $$, 'SP102', null, '... proves nothing');
select throws_ok($$ select release_domain('acme.test') $$, 'SP102', null, '... and gives nothing up');
select tests.act_as('ann');
select throws_ok($$ select claim_domain('acme.test', sha256('a')) $$, 'SP103', null, 'ann outside claims nothing');
select tests.act_as_operator();
select throws_ok($$ select claim_domain('acme.test', sha256('a')) $$, '42501', null, 'a job claims nothing');

-- Claiming
select tests.act_as('ann', 'acme');
select lives_ok($$ select claim_domain('Example.COM', sha256('acme 1')) $$, 'ann claims a domain for acme');
select results_eq(
  $$ select domain, claimed_by, verified_time from organization_domains $$,
  $$ values ('example.com', tests.user_id('ann'), null::timestamptz) $$,
  'it is claimed in lower case, and not proven'
);
select is((select domain from organizations), null, 'acme holds no domain yet');
select tests.act_as('zoe', 'zenith');
select lives_ok($$ select claim_domain('example.com', sha256('zenith 1')) $$, 'zoe claims the same for zenith, with the same answer');
select results_eq($$ select domain from organization_domains $$, $$ values ('example.com') $$, '... and sees her own claim');
select tests.act_as('bob', 'acme');
select is((select count(*) from organization_domains), 1::bigint, 'bob sees what acme claims');
select throws_ok($$ delete from organization_domains $$, '42501', null, '... and deletes nothing by hand');
select throws_ok($$ update organization_domains set verified_time = now() $$, '42501', null, '... nor proves anything by hand');
select tests.act_as('bob');
select is_empty($$ select id from organization_domains $$, 'bob outside sees nothing');
select tests.act_as_nobody();
select is_empty($$ select id from organization_domains $$, 'nobody sees nothing');

select tests.act_as('ann', 'acme');
select throws_ok($$ select claim_domain('localhost', sha256('x')) $$, '23514', null, 'a domain has a dot');
select throws_ok($$ select claim_domain('-a.com', sha256('x')) $$, '23514', null, '... and no word that begins with a hyphen');
select throws_ok($$ select claim_domain('münchen.de', sha256('x')) $$, '23514', null, '... and is written in ASCII');
select throws_ok(
  $$ select claim_domain(repeat('a.', 126) || 'com', sha256('x')) $$,
  '23514', null,
  '... and has 253 letters at most'
);
select throws_ok($$ select claim_domain('acme.test', '\x00') $$, '23514', null, 'a digest has 32 bytes');

-- Proving
select is(verify_domain('nonsense'), false, 'what was never given proves nothing');
select is(verify_domain('zenith 1'), false, 'what zenith published proves nothing for acme');
select tests.act_as('zoe', 'zenith');
select is(verify_domain('acme 1'), false, '... nor what acme published for zenith');
select tests.act_as('ann', 'acme');
select claim_domain('example.com', sha256('acme 2'));
select is(verify_domain('acme 1'), false, 'a new claim makes the token of before worthless');
select is(verify_domain('acme 2'), true, 'the one of now proves it');
select is(verify_domain('acme 2'), false, '... once');
select results_eq(
  $$ select domain, verified_time between now() and clock_timestamp() from organization_domains $$,
  $$ values ('example.com', true) $$,
  'it is proven'
);
select is((select domain from organizations), 'example.com', '... and acme''s first');
select tests.act_as('zoe', 'zenith');
select is(verify_domain('zenith 1'), false, 'with her own token zoe does not get what another holds: the answer is that of a wrong one');
select is((select domain from organizations), null, 'zenith has none');
select results_eq(
  $$ select organization_id, result, count(*) from tests.events('domain.verified') group by 1, 2 order by 3 $$,
  $$
    values
      (tests.organization_id('acme'), 'success', 1::bigint),
      (tests.organization_id('zenith'), 'failure', 2),
      (tests.organization_id('acme'), 'failure', 4)
  $$,
  'every try is recorded'
);

-- Whose address is in it
select tests.act_as('bob');
select results_eq(
  $$ select organization_id, name from find_organization_of_own_domain() $$,
  $$ values (tests.organization_id('acme'), 'Acme') $$,
  'bob''s address is in acme''s domain'
);
select tests.act_as('zoe', 'zenith');
select is(
  (select organization_id from find_organization_of_own_domain()), tests.organization_id('acme'),
  'so is zoe''s, and she may know that of her own'
);
select tests.act_as_nobody();
select throws_ok($$ select find_organization_of_own_domain() $$, 'SP102', null, 'nobody asks');
select tests.act_as_superuser();
select tests.give_email('bob', 'bob@elsewhere.test');
select tests.act_as('bob');
select is((select organization_id from find_organization_of_own_domain()), null, 'of an address elsewhere nobody holds the domain');

-- A token ends after thirty days
select tests.act_as('ann', 'acme');
select claim_domain('acme.test', sha256('acme 3'));
select tests.act_as_superuser();
select ok(
  (
    select expiration_time between now() + interval '30 days' and clock_timestamp() + interval '30 days 1 second'
    from one_time_tokens
    where token_hash = sha256('acme 3')
  ),
  'a token is good for thirty days'
);
update one_time_tokens
set creation_time = now() - interval '2 days', expiration_time = now() - interval '1 second'
where token_hash = sha256('acme 3');
select tests.act_as('ann', 'acme');
select is(verify_domain('acme 3'), false, '... and then no more');
select claim_domain('acme.test', sha256('acme 4'));
select is(verify_domain('acme 4'), true, 'a second domain is proven');
select is((select domain from organizations), 'example.com', '... and the first stays the first');

-- Giving up
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select release_domain('acme.test') $$, 'SP309', null, 'zoe gives up nothing that zenith does not claim');
select tests.act_as('ann', 'acme');
select lives_ok($$ select release_domain('EXAMPLE.com') $$, 'ann gives the first up');
select is((select domain from organizations), 'acme.test', '... and the second comes first');
select throws_ok($$ select release_domain('example.com') $$, 'SP309', null, 'what is given up is not given up again');
select lives_ok($$ select release_domain('acme.test') $$, 'she gives up the other');
select is((select domain from organizations), null, '... and acme has none');
select is((select count(*) from tests.events('domain.released')), 2::bigint, 'both are recorded');
select is((select count(*) from tests.events('domain.claimed')), 5::bigint, '... and so is every claim');
select tests.act_as('zoe', 'zenith');
select claim_domain('example.com', sha256('zenith 2'));
select is(verify_domain('zenith 2'), true, 'what acme gave up zenith may hold');

select finish();
rollback;
