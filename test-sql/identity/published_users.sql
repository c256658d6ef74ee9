-- published_users: the columns of the published schema, and no digest in them.
begin;
select plan(11);

select tests.two_organizations();

select tests.act_as_superuser();
select results_eq(
  $$
    select attname::text collate "C"
    from pg_attribute
    where attrelid = 'published_users'::regclass and attnum > 0
    order by 1
  $$,
  $$
    select column_name collate "C"
    from (values
      ('avatar_url'), ('creation_time'), ('email'), ('first_name'), ('force_password_change'), ('id'),
      ('job_title'), ('last_login_time'), ('last_name'), ('last_update_time'), ('locale'),
      ('password_hash'), ('password_last_changed'), ('phone_number'), ('status'), ('timezone')
    ) as published (column_name)
  $$,
  'it has the columns that were published'
);
select ok(
  (
    select reloptions @> array['security_invoker=true', 'security_barrier=true']
    from pg_class
    where oid = 'published_users'::regclass
  ),
  'it sees with the eyes of whoever looks'
);

select tests.act_as('bob', 'acme');
select results_eq(
  $$ select email, password_hash, password_last_changed is not null, force_password_change from published_users where id = tests.user_id('bob') $$,
  $$ values (tests.email('bob'), null, true, false) $$,
  'bob sees himself and when his password was set, and no digest of it'
);
select results_eq(
  $$ select email, password_last_changed, force_password_change from published_users where id = tests.user_id('ann') $$,
  $$ values (tests.email('ann'), null::timestamptz, false) $$,
  'of ann he sees no more than he may'
);
select is((select count(*) from published_users), 3::bigint, 'he sees the people of acme');
select tests.act_as('ann', 'acme');
select results_eq(
  $$ select password_last_changed from published_users where id = tests.user_id('bob') $$,
  $$ values (null::timestamptz) $$,
  'ann, who owns acme, does not see when bob''s password was set'
);
select tests.act_as('zoe', 'zenith');
select results_eq($$ select email from published_users $$, $$ values (tests.email('zoe')) $$, 'zoe sees herself');
select tests.act_as_nobody();
select is_empty($$ select id from published_users $$, 'nobody sees nobody');
select throws_ok(
  $$ update published_users set first_name = 'Mine' $$,
  '55000', null,
  'it is for reading'
);
select tests.act_as_operator();
select throws_ok($$ select id from published_users $$, '42501', null, 'a job reads nothing in it');

select tests.act_as_superuser();
update password_credentials set must_change = true where user_id = tests.user_id('bob');
select tests.act_as('bob', 'acme');
select ok(
  (select force_password_change from published_users where id = tests.user_id('bob')),
  'bob sees that he must change his password'
);

select finish();
rollback;
