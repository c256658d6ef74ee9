-- organizations: the wall. Members see theirs, administrators describe it, nobody
-- writes what it may cost, hold or be.
begin;
select plan(39);

select tests.two_organizations();

-- Who sees it
select tests.act_as('ann', 'acme');
select results_eq($$ select name from organizations $$, $$ values ('Acme') $$, 'ann, the owner, sees acme');
select tests.act_as('bob', 'acme');
select results_eq($$ select name from organizations $$, $$ values ('Acme') $$, 'bob, a member, sees acme');
select tests.act_as('zoe', 'zenith');
select results_eq($$ select name from organizations $$, $$ values ('Zenith') $$, 'zoe, a stranger, sees zenith');
select tests.act_as('bob');
select is_empty($$ select id from organizations $$, 'bob, who has not chosen, sees none');
select tests.act_as_nobody();
select is_empty($$ select id from organizations $$, 'nobody sees none');
select tests.act_as_auditor();
select is((select count(*) from organizations), 2::bigint, 'an auditor sees that there are two');
select throws_ok($$ select billing_email from organizations $$, '42501', null, '... and not where bills go');
select tests.act_as_operator();
select throws_ok($$ select id from organizations $$, '42501', null, 'a job sees none');
select tests.act_as_owner();
select is_empty($$ select id from organizations $$, 'the owner of the table finds it empty');

-- Row-level security refuses an update by matching no rows, not by raising, so
-- ask what changed rather than whether it complained.
select tests.act_as('ann', 'acme');
select results_eq(
  $$
    update organizations
    set name = 'Acme Health',
      settings = '{"locale": "de", "timezone": "Europe/Berlin", "logo_url": "https://acme.test/a.png", "support_url": "https://acme.test"}'
    returning name
  $$,
  $$ values ('Acme Health') $$,
  'ann describes acme, and by the same statement no other'
);
select tests.act_as('amy', 'acme');
select results_eq(
  $$ update organizations set name = 'Acme Health Group' returning name $$,
  $$ values ('Acme Health Group') $$,
  'amy, an administrator, may too'
);
select tests.act_as('bob', 'acme');
select is_empty($$ update organizations set name = 'Mine' returning id $$, 'bob, a member, changes nothing');
select tests.act_as('zoe', 'zenith');
select is_empty(
  $$ update organizations set name = 'Mine' where id = tests.organization_id('acme') returning id $$,
  'zoe, who may change zenith, does not change acme'
);
select tests.act_as_nobody();
select is_empty($$ update organizations set name = 'Mine' returning id $$, 'nobody changes nothing');
select tests.act_as_owner();
select is_empty($$ update organizations set name = 'Mine' returning id $$, 'the owner of the table changes nothing');

-- What not even an owner writes
select tests.act_as('ann', 'acme');
select throws_ok($$ update organizations set status = 'active' $$, '42501', null, 'ann does not set the status');
select throws_ok($$ update organizations set max_users = 1000000 $$, '42501', null, '... nor how many may come');
select throws_ok($$ update organizations set subscription_tier = 'free' $$, '42501', null, '... nor what it pays for');
select throws_ok($$ update organizations set member_count = 0 $$, '42501', null, '... nor how many there are');
select throws_ok($$ update organizations set owner_count = 5 $$, '42501', null, '... nor how many own it');
select throws_ok($$ update organizations set sessions_valid_from = '-infinity' $$, '42501', null, '... nor which sessions count');
select throws_ok($$ update organizations set slug = 'zenith-0000' $$, '42501', null, '... nor its address');
select throws_ok($$ update organizations set domain = 'example.com' $$, '42501', null, '... nor a domain it has not proven');
select throws_ok($$ update organizations set id = new_id() $$, '42501', null, '... nor which it is');
select throws_ok($$ update organizations set billing_email = null $$, '42501', null, '... nor where bills go, by hand');
select throws_ok($$ update organizations set technical_contact_email = null $$, '42501', null, '... nor whom to ask');
select throws_ok($$ delete from organizations $$, '42501', null, '... nor deletes it');
select throws_ok($$ insert into organizations (slug, name) values ('mine-0000', 'Mine') $$, '42501', null, '... nor makes one by hand');

-- What an organization can be
select throws_ok($$ update organizations set name = '' $$, '23514', null, 'a name is not empty');
select lives_ok($$ update organizations set name = repeat('a', 200) $$, '... two hundred letters are one');
select throws_ok($$ update organizations set name = repeat('a', 201) $$, '23514', null, '... and no more');
select throws_ok($$ update organizations set settings = '[]' $$, '23514', null, 'settings are an object');
select throws_ok($$ update organizations set settings = '{"color": "red"}' $$, '23514', null, '... of what is known');
select throws_ok($$ update organizations set settings = '{"locale": 1}' $$, '23514', null, '... and of strings');
select throws_ok($$ update organizations set settings = '{"logo_url": {}}' $$, '23514', null, '... and of nothing deeper');
select tests.act_as_superuser();
select throws_ok($$ update organizations set status = 'asleep' $$, '23514', null, 'a status is one that is known');
select throws_ok(
  $$ update organizations set slug = 'Acme' where id = tests.organization_id('acme') $$,
  '23514', null,
  'an address is in kebab case'
);
select throws_ok(
  $$ update organizations set slug = 'zenith-0000' where id = tests.organization_id('acme') $$,
  '23505', null,
  'an address is one organization''s'
);
select throws_ok($$ update organizations set max_users = 0 $$, '23514', null, 'room is for one at least');

select finish();
rollback;
