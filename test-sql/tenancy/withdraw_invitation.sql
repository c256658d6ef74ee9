-- withdraw_invitation(): what was offered is taken back, and nobody learns whether
-- anybody was there to be offered it. accept_membership(): not into what is closed.
begin;
select plan(29);

select tests.two_organizations();
select tests.person(name) from unnest(array['gus', 'hal', 'iva']) as name;
select tests.act_as_superuser();
insert into organization_users (organization_id, user_id, role, status)
select tests.organization_id(organization), tests.user_id(name), role, 'invited'
from (
  values ('acme', 'gus', 'member'), ('acme', 'iva', 'owner'), ('acme', 'hal', 'member'), ('zenith', 'gus', 'member')
) as invited (organization, name, role);

-- Who may not: a member, a stranger, somebody outside, nobody
select tests.act_as('bob', 'acme');
select throws_ok($$ select withdraw_invitation(tests.email('gus')) $$, 'SP201', null, 'bob, a member, withdraws nothing');
select tests.act_as('ann');
select throws_ok($$ select withdraw_invitation(tests.email('gus')) $$, 'SP103', null, 'ann, outside, withdraws nothing');
select tests.act_as_nobody();
select throws_ok($$ select withdraw_invitation(tests.email('gus')) $$, 'SP102', null, 'nobody withdraws nothing');
select tests.act_as_operator();
select throws_ok($$ select withdraw_invitation(tests.email('gus')) $$, '42501', null, 'a job withdraws nothing');
select tests.act_as('zoe', 'zenith');
select lives_ok($$ select withdraw_invitation(tests.email('iva')) $$, 'zoe of zenith is answered as ever, whom zenith did not invite');
select tests.act_as_superuser();
select results_eq(
  $$ select user_id from organization_users where status = 'invited' and organization_id = tests.organization_id('acme') order by user_id $$,
  $$ select tests.user_id(name) from unnest(array['gus', 'hal', 'iva']) as name order by 1 $$,
  '... and the three that acme invited still are'
);

-- Who may, with the same answer whoever is there
select tests.act_as('amy', 'acme');
select lives_ok($$ select withdraw_invitation('GUS@example.com') $$, 'amy, who administers acme, withdraws the invitation of gus, however she writes him');
select lives_ok($$ select withdraw_invitation(tests.email('gus')) $$, '... once more, with the same answer');
select lives_ok($$ select withdraw_invitation('unknown@example.com') $$, '... of an address nobody has');
select lives_ok($$ select withdraw_invitation(tests.email('bob')) $$, '... of bob, who is a member');
select lives_ok($$ select withdraw_invitation(null) $$, '... and of nobody');
select lives_ok($$ select withdraw_invitation(tests.email('iva')) $$, '... and that of iva, who was to be an owner: nothing is held yet');
select results_eq(
  $$
    select user_id, resource_id, additional_data, count(*)
    from tests.events('member.invitation_withdrawn')
    where organization_id = tests.organization_id('acme')
    group by user_id, resource_id, additional_data
  $$,
  $$ values (tests.user_id('amy'), null::uuid, '{}'::jsonb, 6::bigint) $$,
  'six are recorded, none of which tells whom it reached'
);
select is_empty(
  $$
    select row_id from data_change_logs
    where row_id in (tests.user_id('gus'), tests.user_id('hal'), tests.user_id('iva'))
  $$,
  'nor does she see it in the changes'
);
select is((select member_count from organizations), 3, 'acme has three members as before');
select tests.act_as_superuser();
select results_eq(
  $$
    select organization_id, user_id, status from organization_users
    where user_id in (tests.user_id('gus'), tests.user_id('bob'), tests.user_id('iva'), tests.user_id('hal'))
    order by status, organization_id = tests.organization_id('acme')
  $$,
  $$
    values
      (tests.organization_id('acme'), tests.user_id('bob'), 'active'),
      (tests.organization_id('zenith'), tests.user_id('gus'), 'invited'),
      (tests.organization_id('acme'), tests.user_id('hal'), 'invited')
  $$,
  'bob is what he was, zenith''s invitation of gus stands, and so does acme''s of hal'
);
select tests.act_as('gus');
select results_eq($$ select name from list_own_organizations() $$, $$ values ('Zenith') $$, 'gus sees acme''s no more');
select throws_ok($$ select accept_membership(tests.organization_id('acme')) $$, 'SP302', null, '... and does not accept it');
select tests.act_as('amy', 'acme');
select lives_ok($$ select add_member(tests.email('gus'), 'admin') $$, 'amy invites him anew, as an administrator');
select tests.act_as('gus');
select lives_ok($$ select accept_membership(tests.organization_id('acme')) $$, '... which he accepts');
select tests.act_as('amy', 'acme');
select lives_ok($$ select withdraw_invitation(tests.email('gus')) $$, 'what is accepted is withdrawn no more');
select is((select role from organization_users where user_id = tests.user_id('gus')), 'admin', '... he stays');

-- Nobody joins what is not active
select tests.act_as_operator();
select suspend_organization(tests.organization_id('acme'), 'Unpaid');
select tests.act_as('hal');
select throws_ok($$ select accept_membership(tests.organization_id('acme')) $$, 'SP305', null, 'hal does not join acme while it is suspended');
select throws_ok($$ select accept_membership(tests.organization_id('none')) $$, 'SP302', null, '... nor what did not invite him');
select tests.act_as('bob');
select throws_ok($$ select accept_membership(tests.organization_id('acme')) $$, 'SP302', null, 'who is not invited does not learn that it is suspended');
select tests.act_as_operator();
select reactivate_organization(tests.organization_id('acme'));
select tests.act_as('hal');
select lives_ok($$ select accept_membership(tests.organization_id('acme')) $$, 'once it is open again, hal does');
select tests.act_as_nobody();
select is(tests.sign_in('zoe', p_token => 'zoe again'), 'signed_in', 'zoe signs in to zenith');
select begin_request(tests.token('zoe again'));
select close_organization();
select tests.act_as('gus');
select throws_ok($$ select accept_membership(tests.organization_id('zenith')) $$, 'SP305', null, 'gus joins nothing that was closed');
select tests.act_as_superuser();
select is((select member_count from organizations where id = tests.organization_id('zenith')), 1, '... and is not counted there');

select finish();
rollback;
