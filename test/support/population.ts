import type pg from "pg";

/**
 * Enough of everything that indexes win: 20 000 people, a hundred in each of 200
 * organizations and 5 000 in a large one, and their sessions, roles and evidence. Ann owns acme, the large one;
 * person 7 is a member there.
 */
export async function populate(admin: pg.ClientBase): Promise<void> {
  for (const statement of STATEMENTS) await admin.query(statement);
  await admin.query("vacuum analyze");
}

/** The id of a person or an organization of the population, as its SQL makes them. */
const id = (kind: string, number: string) => `md5('${kind}:' || (${number}))::uuid`;

const STATEMENTS: readonly string[] = [
  "select tests.person('ann')",
  "select tests.organization('acme', 'ann')",

  `with unlocked as materialized (select tests.unlock()),
   people as materialized (
     select n, ${id("user", "n")} as id, 'person' || n || '@domain' || n % 500 || '.example' as email
     from unlocked, generate_series(1, 20000) as n
   ),
   users as (
     insert into users (id, email, first_name, last_name, job_title, status, email_verified_time)
     select id, _seal_email(id, email), 'First' || n, 'Last' || n % 3000, 'Title' || n % 40, 'active', now()
     from people
   )
   insert into user_email_indexes (user_id, version, email_index, domain_index)
   select id, 1, _blind_index(1, null, 1, email), _blind_index(1, null, 1, substr(email, strpos(email, '@')))
   from people`,

  `insert into organizations (id, slug, name)
   select ${id("organization", "n")}, 'organization-' || n, 'Organization ' || n
   from generate_series(1, 2000) as n`,
  // Each with a key and an index of its own: whose they are is looked up among many.
  `insert into tenant_keys (organization_id, key_id, provider, key_name, wrapped)
   select ${id("organization", "n")}, 1, 'local-key-file', 'test', '\\x00' from generate_series(1, 2000) as n`,
  `insert into blind_index_versions (organization_id, version, key_id, phase)
   select ${id("organization", "n")}, 1, 1, 'steady' from generate_series(1, 2000) as n`,
  `insert into organization_users (organization_id, user_id, role)
   select ${id("organization", "1 + n % 200")}, ${id("user", "n")}, case when n > 19800 then 'owner' else 'member' end
   from generate_series(1, 20000) as n`,
  "update organizations set status = 'active' where owner_count > 0",
  `insert into organization_users (organization_id, user_id)
   select tests.organization_id('acme'), ${id("user", "n")}
   from generate_series(1, 5000) as n`,

  `insert into organization_users (organization_id, user_id, status)
   values (${id("organization", "100")}, ${id("user", "7")}, 'invited')`,

  `insert into organization_domains (organization_id, domain, verified_time)
   select ${id("organization", "1 + n % 200")}, 'domain' || n || '.example', now()
   from generate_series(1, 2000) as n`,
  `insert into organization_domains (organization_id, domain)
   select tests.organization_id('acme'), 'acme' || n || '.example'
   from generate_series(1, 20) as n`,
  `insert into password_policies (organization_id)
   select ${id("organization", "n")} from generate_series(1, 2000) as n`,

  `insert into roles (id, organization_id, name)
   select ${id("role", "n")},
     case when n <= 500 then tests.organization_id('acme') else ${id("organization", "1 + n % 200")} end,
     'Role ' || n
   from generate_series(1, 5000) as n`,
  `insert into role_permissions (role_id, permission_id)
   select roles.id, permissions.id
   from roles
   cross join permissions
   where permissions.name in ('sessions.read', 'audit.read', 'roles.assign')
     and not roles.is_system_role`,
  // Whether a role belongs here is asked in the name of somebody; nobody is asking.
  "set session_replication_role = replica",
  `insert into user_roles (organization_id, user_id, role_id)
   select tests.organization_id('acme'), ${id("user", "1 + n % 5000")}, ${id("role", "1 + n % 500")}
   from generate_series(1, 20000) as n
   on conflict do nothing`,
  "reset session_replication_role",

  `insert into sessions (
     id, user_id, organization_id, token_hash, assurance_level, authentication_methods,
     creation_time, expiration_time, idle_limit, ip_address
   )
   select ${id("session", "n")}, ${id("user", "1 + n % 5000")},
     case when n % 4 = 0 then tests.organization_id('acme') end,
     sha256(convert_to('session' || n, 'UTF8')), 1, '{password}',
     now() - n * interval '1 second', now() + interval '1 day', '12 hours', '192.0.2.1'
   from generate_series(1, 40000) as n`,
  "insert into session_activities (session_id) select id from sessions on conflict do nothing",
  `insert into refresh_tokens (session_id, user_id, family_id, token_hash, expiration_time)
   select id, user_id, id, sha256(convert_to('refresh' || id, 'UTF8')), now() + interval '1 day'
   from sessions`,

  `insert into one_time_tokens (purpose, user_id, token_hash, expiration_time)
   select 'reset_password', ${id("user", "n")}, sha256(convert_to('token' || n, 'UTF8')), now() + interval '1 hour'
   from generate_series(1, 10000) as n`,
  // One in ten for nobody, most of them sent.
  `insert into messages (purpose, user_id, email_digest, status, next_attempt_time, creation_time, expiration_time, finished_time)
   select 'reset_password', case when n % 10 <> 0 then ${id("user", "n")} end,
     sha256(convert_to('address' || n, 'UTF8')),
     case when n % 10 = 0 or n % 50 = 1 then 'waiting' else 'delivered' end,
     case when n % 10 = 0 then 'infinity' else now() end,
     now() - interval '2 minutes', now() + interval '1 hour',
     case when n % 10 <> 0 and n % 50 <> 1 then now() end
   from generate_series(1, 10000) as n`,
  `select tests.unlock();
   insert into password_credentials (user_id, digest, salt, history_salt)
   select id, _seal_text(5, null, id, tests.password_digest(), id), left(tests.password_digest(), 29), substr(tests.history_digest(), 8, 22)
   from (select ${id("user", "n")} as id from generate_series(1, 20000) as n) as people;
   insert into password_history (id, user_id, digest, salt)
   select user_id, user_id, _seal_text(6, null, user_id, tests.history_digest(), user_id), left(tests.history_digest(), 29)
   from password_credentials
   where user_id not in (select user_id from password_history);
   insert into password_history_indexes (password_history_id, user_id, version, digest_index)
   select id, user_id, 1, substr(sha256(uuid_send(id)), 1, 16) from password_history where id = user_id`,
  `insert into password_attempts (user_id, account_id, email_digest, nonce, salt, expiration_time)
   select ${id("user", "n")}, ${id("account", "n")}, sha256('x'), sha256('y'), left(tests.password_digest(), 29), now() + interval '1 minute'
   from generate_series(1, 10000) as n`,
  `insert into sign_in_throttles (id, kind, user_id, last_failure_time)
   select ${id("throttle", "n")}, 'account', ${id("user", "n")}, now()
   from generate_series(1, 10000) as n`,

  // Two months of evidence, so that a plan has partitions to leave out.
  `insert into auth_audit_logs (event_type, user_id, acting_user_id, organization_id, result, failure_reason, recorded_at)
   select
     (array['session.opened', 'role.assigned', 'member.joined', 'access.denied'])[1 + n % 4],
     ${id("user", "1 + n % 5000")}, ${id("user", "1 + n % 5000")},
     case when n % 50 = 1 then tests.organization_id('acme') else ${id("organization", "1 + n % 200")} end,
     case when n % 4 = 3 then 'denied' else 'success' end,
     case when n % 4 = 3 then 'permission_required' end,
     case when n % 10 = 0 then date_trunc('month', now(), 'UTC') + interval '40 days' else now() end
       - n * interval '1 millisecond' + interval '2 minutes'
   from generate_series(1, 60000) as n`,
  `insert into access_attempt_logs (user_id, email_digest, ip_index, result, recorded_at)
   select ${id("user", "1 + n % 5000")}, sha256('x'), substr(sha256(int4send(n % 200)), 1, 16), 'invalid',
     now() + n * interval '1 millisecond'
   from generate_series(1, 30000) as n`,
  `insert into security_alerts (
     organization_id, user_id, alert_type, severity, status, resolution_time, resolution_note, creation_time
   )
   select
     case when n % 50 = 1 then tests.organization_id('acme') else ${id("organization", "1 + n % 200")} end,
     ${id("user", "1 + n % 5000")}, 'refresh_token_reused', 'high',
     case when n % 2 = 0 then 'resolved' else 'open' end,
     case when n % 2 = 0 then now() end, case when n % 2 = 0 then 'seen to' end,
     now() - n * interval '1 second'
   from generate_series(1, 10000) as n`,
];
