-- require_permission(): an application's own guard, by the database's own rule.
begin;
select plan(7);

select tests.two_organizations();

select tests.act_as('amy', 'acme');
select lives_ok($$ select require_permission('members.manage') $$, 'amy, an administrator, passes');

select tests.act_as('bob', 'acme');
select throws_ok($$ select require_permission('members.manage') $$, 'SP201', null, 'bob, a member, does not');
select throws_ok($$ select require_permission('no.such') $$, 'SP201', null, 'nobody holds what there is not');

select tests.act_as('zoe', 'zenith');
select lives_ok($$ select require_permission('members.manage') $$, 'zoe passes in zenith, which she owns');

select tests.act_as('amy');
select throws_ok($$ select require_permission('members.manage') $$, 'SP103', null, 'before an organization is chosen, nobody passes');

select tests.act_as_nobody();
select throws_ok($$ select require_permission('members.manage') $$, 'SP102', null, 'nobody does not pass');

select tests.act_as_operator();
select throws_ok($$ select require_permission('members.manage') $$, '42501', null, 'a job has no permissions to ask for');

select finish();
rollback;
