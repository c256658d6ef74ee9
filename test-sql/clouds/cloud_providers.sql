-- cloud_providers: the clouds there are, for all to read and for none to write.
begin;
select plan(16);

select tests.two_organizations();

select tests.act_as('ann', 'acme');
select results_eq(
  $$ select name collate "C", status from cloud_providers order by 1 $$,
  $$ select name collate "C", 'active' from unnest(array['aws', 'azure', 'gcp']) as name $$,
  'ann reads of three'
);
select is(
  (select capabilities from cloud_providers where name = 'aws'),
  '{"key_management": true, "secrets": true, "iam_tokens": true}'::jsonb,
  '... and what they are used for'
);
select throws_ok($$ insert into cloud_providers (name, display_name) values ('mine', 'Mine') $$, '42501', null, '... adds none');
select throws_ok($$ update cloud_providers set status = 'inactive' $$, '42501', null, '... changes none');
select throws_ok($$ delete from cloud_providers $$, '42501', null, '... deletes none');
select tests.act_as('bob', 'acme');
select is((select count(*) from cloud_providers), 3::bigint, 'bob reads of them too');
select throws_ok($$ delete from cloud_providers $$, '42501', null, '... and deletes none');
select tests.act_as('zoe', 'zenith');
select is((select count(*) from cloud_providers), 3::bigint, 'so does zoe');
select tests.act_as_nobody();
select is((select count(*) from cloud_providers), 3::bigint, 'so does nobody');
select throws_ok($$ update cloud_providers set status = 'inactive' $$, '42501', null, '... who changes none');
select tests.act_as_monitor();
select throws_ok($$ select id from cloud_providers $$, '42501', null, 'a monitor reads no rows');

select tests.act_as_owner();
select lives_ok($$ update cloud_providers set status = 'deprecated' where name = 'gcp' $$, 'seeds, which are the owner''s, change them');
select throws_ok($$ insert into cloud_providers (name, display_name) values ('aws', 'x') $$, '23505', null, 'a name is given once');
select throws_ok($$ insert into cloud_providers (name, display_name) values ('A W S', 'x') $$, '23514', null, '... and is a word');
select throws_ok($$ update cloud_providers set status = 'asleep' $$, '23514', null, 'a status is one that is known');
select throws_ok($$ update cloud_providers set capabilities = '[]' $$, '23514', null, 'what they can do is an object');

select finish();
rollback;
