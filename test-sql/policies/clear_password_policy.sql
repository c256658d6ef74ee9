-- clear_password_policy(): an organization gives its own policy up and goes by the
-- cell's.
begin;
select plan(13);

select tests.two_organizations();
select tests.act_as_superuser();
insert into password_policies (organization_id, min_length)
values (tests.organization_id('acme'), 20), (tests.organization_id('zenith'), 16);

-- Who may not
select tests.act_as('bob', 'acme');
select throws_ok($$ select clear_password_policy() $$, 'SP201', null, 'bob, a member, gives nothing up');
select throws_ok($$ delete from password_policies $$, '42501', null, '... by hand neither');
select tests.act_as('ann');
select throws_ok($$ select clear_password_policy() $$, 'SP103', null, 'ann outside gives nothing up');
select tests.act_as_nobody();
select throws_ok($$ select clear_password_policy() $$, 'SP102', null, 'nobody gives nothing up');
select tests.act_as_operator();
select throws_ok($$ select clear_password_policy() $$, '42501', null, 'a job gives nothing up');

-- Who may, and only their own
select tests.act_as('ann', 'acme');
select throws_ok($$ delete from password_policies $$, '42501', null, 'ann does not delete by hand either');
select is((select min_length from read_password_policy()), 20, 'before, she lives by acme''s');
select is(clear_password_policy(), true, 'she gives acme''s up');
select is((select min_length from read_password_policy()), 15, '... and lives by the cell''s');
select is(clear_password_policy(), false, 'there is none to give up any more');
select tests.act_as('zoe', 'zenith');
select is((select min_length from read_password_policy()), 16, 'zenith''s is what it was');
select results_eq(
  $$ select organization_id, acting_user_id, additional_data from tests.events('policy.cleared') $$,
  $$
    values
      (tests.organization_id('acme'), tests.user_id('ann'), '{"had_one": true}'::jsonb),
      (tests.organization_id('acme'), tests.user_id('ann'), '{"had_one": false}'::jsonb)
  $$,
  'both are recorded'
);
select tests.act_as_superuser();
select is((select count(*) from password_policies where organization_id is null), 1::bigint, 'the cell''s is there for all');

select finish();
rollback;
