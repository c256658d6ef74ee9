-- Functions that cross the fence take the caller's organization from the context
-- and never from the caller: an id of another organization is nobody's id.
begin;
select plan(34);

select tests.two_organizations();
insert into roles (id, organization_id, name)
values (md5('role:zenith')::uuid, tests.organization_id('zenith'), 'Keeper');
insert into security_alerts (id, organization_id, alert_type, severity)
values (md5('alert:zenith')::uuid, tests.organization_id('zenith'), 'refresh_token_reused', 'high');
insert into organization_domains (id, organization_id, domain, verified_time)
values (md5('domain:zenith')::uuid, tests.organization_id('zenith'), 'zenith.example', now());
insert into one_time_tokens (purpose, organization_domain_id, token_hash, expiration_time)
values ('verify_domain', md5('domain:zenith')::uuid, sha256(sha256('zenith')), now() + interval '1 day');
select tests.unlock('zenith');
select tests.act_as('zoe', 'zenith');

-- ann may do everything in acme. What she may not is do it in zenith.
select tests.act_as('ann', 'acme');

select throws_ok($$ select set_member_role(tests.user_id('zoe'), 'member') $$, 'SP302', null, 'ann sets no role of zoe');
select throws_ok($$ select suspend_member(tests.user_id('zoe')) $$, 'SP302', null, 'ann does not suspend zoe');
select throws_ok($$ select reactivate_member(tests.user_id('zoe')) $$, 'SP302', null, 'nor reactivate her');
select throws_ok($$ select remove_member(tests.user_id('zoe')) $$, 'SP302', null, 'nor remove her');
select throws_ok($$ select transfer_ownership(tests.user_id('zoe')) $$, 'SP302', null, 'nor make her an owner of acme');
select throws_ok($$ select revoke_member_sessions(tests.user_id('zoe')) $$, 'SP302', null, 'nor end her sessions');
select throws_ok($$ select require_password_change(tests.user_id('zoe')) $$, 'SP302', null, 'nor have her change her password');
select throws_ok($$ select revoke_session(md5('session:zoe:zenith')::uuid) $$, 'SP303', null, 'nor end one session of hers');

select throws_ok(
  $$ select assign_role(tests.user_id('zoe'), (select id from roles where name = 'member')) $$, 'SP302', null,
  'ann gives zoe no role'
);
select throws_ok(
  $$ select assign_role(tests.user_id('bob'), md5('role:zenith')::uuid) $$, 'SP306', null,
  'ann gives bob no role of zenith'
);
select throws_ok(
  $$ select remove_role(tests.user_id('zoe'), md5('role:zenith')::uuid) $$, 'SP306', null,
  'ann takes no role of zenith from zoe'
);
select throws_ok($$ select update_role(md5('role:zenith')::uuid, 'Mine', '') $$, 'SP306', null, 'nor renames it');
select throws_ok($$ select delete_role(md5('role:zenith')::uuid) $$, 'SP306', null, 'nor deletes it');
select throws_ok(
  $$ select set_role_permissions(md5('role:zenith')::uuid, '{audit.read}') $$, 'SP306', null,
  'nor sets its permissions'
);
select throws_ok(
  $$ select change_role_permissions(md5('role:zenith')::uuid, '{audit.read}', '{}') $$, 'SP306', null,
  'nor changes some of them'
);

select throws_ok($$ select acknowledge_alert(md5('alert:zenith')::uuid) $$, 'SP308', null, 'ann acknowledges no alert of zenith');
select throws_ok($$ select resolve_alert(md5('alert:zenith')::uuid, 'Nothing.') $$, 'SP308', null, 'nor resolves it');
select throws_ok($$ select report_alert('rumour', 'low', tests.user_id('zoe')) $$, 'SP302', null, 'nor opens one about zoe');
select throws_ok($$ select release_domain('zenith.example') $$, 'SP309', null, 'ann gives no domain of zenith up');
select is(verify_domain(sha256('zenith')), false, 'ann proves no domain of zenith, even with its token');
select throws_ok($$ select choose_organization(tests.organization_id('zenith')) $$, 'SP305', null, 'ann does not enter zenith');
select throws_ok($$ select accept_membership(tests.organization_id('zenith')) $$, 'SP302', null, 'nor accept what nobody offered');
select is_empty($$ select from search_users('zoe') $$, 'ann finds no zoe');
select results_eq(
  'select organization_id from list_own_organizations()',
  array[tests.organization_id('acme')],
  'ann lists her own organizations'
);

-- Zenith's share is zenith's, and what it opens is opened in zenith alone.
select throws_ok(
  $$ select unlock(tests.organization_id('zenith'), 1, tests.masked_share('acme')) $$, 'SP221', null,
  'ann does not unlock zenith''s key with a share she has'
);
select throws_ok(
  $$ select add_first_key(tests.organization_id('zenith'), 'local-key-file', 'test', '\x00', tests.masked_share('zenith')) $$,
  'SP204', null,
  'nor gives zenith a key of hers'
);
select is_empty(
  $$ select from list_wrapped_shares(tests.organization_id('zenith')) $$, 'nor learns what zenith''s share is wrapped as'
);
select throws_ok(
  $$ select add_first_key(tests.organization_id('acme'), 'local-key-file', 'test', '\x00', tests.masked_share('zenith')) $$,
  'SP221', null,
  'nor gives acme the key that zenith has'
);

select tests.act_as_superuser();
select results_eq(
  $$
    select role, organization_users.status
    from organization_users
    where organization_id = tests.organization_id('zenith')
  $$,
  $$ values ('owner', 'active') $$,
  'zoe is in zenith as she was'
);
select is_empty(
  $$ select from sessions where user_id = tests.user_id('zoe') and revoked $$,
  'and signed in as she was'
);
select results_eq(
  $$ select name from roles where organization_id = tests.organization_id('zenith') $$,
  array['Keeper'],
  'and zenith has its role'
);

-- A function that takes an id and is not in this file has not been attacked. Three
-- are in the list only, as they make something under an id the client gives; and
-- four, as they take the id of an attempt to sign in, which is attacked elsewhere.
select set_eq(
  $$
    select distinct proname::text collate "default"
    from pg_proc
    cross join lateral aclexplode(proacl)
    where pronamespace = current_schema()::regnamespace
      and grantee = 'safetypin_app'::regrole
      and 'uuid'::regtype = any (proargtypes)
  $$,
  array[
    'accept_membership', 'acknowledge_alert', 'add_first_key', 'assign_role', 'change_password',
    'change_role_permissions', 'choose_organization', 'create_organization', 'create_role',
    'delete_role', 'finish_password_check', 'list_wrapped_shares', 'reactivate_member', 'register_user',
    'rehash_password', 'remove_member', 'remove_role', 'report_alert', 'require_password_change',
    'resolve_alert', 'revoke_member_sessions', 'revoke_session', 'set_member_role',
    'set_role_permissions', 'submit_password_proof', 'suspend_member', 'transfer_ownership',
    'unlock', 'update_role'
  ]::text[],
  'every function that takes an id is attacked here'
);

-- The same without the caller's organization in it.
set local role safetypin_definer;
create function naive_suspend_member(p_user_id uuid) returns void
  language plpgsql security definer set search_path from current
as $$ begin update organization_users set status = 'suspended' where user_id = p_user_id; end $$;
grant execute on function naive_suspend_member(uuid) to safetypin_app;
select tests.act_as_superuser();
insert into organization_users (organization_id, user_id, role)
values (tests.organization_id('zenith'), tests.user_id('bob'), 'member');

select tests.act_as('amy', 'acme');
select lives_ok(
  $$ select naive_suspend_member(tests.user_id('bob')) $$,
  'amy calls a function that forgot to ask where'
);
select tests.act_as_superuser();
select results_eq(
  $$
    select status from organization_users
    where user_id = tests.user_id('bob') and organization_id = tests.organization_id('zenith')
  $$,
  array['suspended'],
  'and bob is out of zenith, where amy has nothing to say'
);

select finish();
rollback;
