import type pg from "pg";

import { useDatabase } from "./support/database.js";

/*
 * Every definer function that somebody may call, and does more than read, is called
 * once for each kind of event it is said to record, and its row is looked for. The
 * functions come from the catalog, the events from event_types: one that is in
 * neither list below fails.
 */

/** How a function is brought to record an event. */
interface Example {
  /** Who calls: a person in acme, nobody, or a database role. */
  readonly as: "ann" | "amy" | "bob" | "zoe" | "nobody" | "mailer" | "operator" | "auditor";

  /** What was there before. */
  readonly given?: string;

  readonly call: string;
}

const BOB = "tests.user_id('bob')";
const ACME = "tests.organization_id('acme')";
const ID = "md5('example')::uuid";
const TOKEN = "sha256('example')";

const oneTimeToken = (purpose: string, of = "bob") => `
  insert into one_time_tokens (purpose, user_id, token_hash, expiration_time)
  values ('${purpose}', tests.user_id('${of}'), sha256(${TOKEN}), now() + interval '5 minutes')`;

// In the database's eyes begun and proven by earlier transactions.
const attempt = (digest: string, more = "") => `
  insert into password_attempts (
    id, user_id, account_id, email_digest, nonce, salt, expiration_time, xid, proof, proof_xid
  )
  values (
    ${ID}, tests.user_id('ann'), tests.throttle_id(tests.email('ann')), ${TOKEN}, ${TOKEN},
    left(${digest}, 29), now() + interval '2 minutes', 1, tests.proof(${digest}, ${ID}, ${TOKEN}), 2
  );
  ${more}`;
const RIGHT = "tests.password_digest()";
const WRONG = "tests.other_password_digest()";

const HUNDREDTH = `
  insert into sign_in_throttles (id, kind, user_id, failure_count, last_failure_time)
  values (tests.throttle_id(tests.email('ann')), 'account', tests.user_id('ann'), 100, now())`;

const refreshToken = (more: string) => `
  select tests.act_as('ann', 'acme');
  select tests.act_as_superuser();
  insert into refresh_tokens (session_id, user_id, family_id, token_hash, expiration_time, is_used, used_time)
  select id, user_id, ${ID}, sha256(${TOKEN}), expiration_time, ${more}
  from sessions
  where token_hash = sha256(tests.token('ann', 'acme'))`;

const MESSAGE = `
  select _request_message('reset_password', tests.email('bob'), ${BOB}, '1 hour')`;

const ROLE = `
  insert into roles (id, organization_id, name) values (${ID}, ${ACME}, 'Reader')`;

const ALERT = `
  insert into security_alerts (id, organization_id, alert_type, severity)
  values (${ID}, ${ACME}, 'refresh_token_reused', 'high')`;

const DOMAIN = `
  insert into organization_domains (id, organization_id, domain) values (${ID}, ${ACME}, 'acme.example')`;

// The first key is pending; what is done to it is said last.
const keyThat = (...becomes: string[]) => `
  select add_key(${ACME}, 1, 'local-key-file', 'test', '\\x00', tests.masked_share('acme'));
  ${becomes.map((state) => `update tenant_keys set state = '${state}' where organization_id = ${ACME}`).join(";")}`;

// A value under the cell's first key, found by an index whose rows a test can do without; and
// a second key, which seals from now on.
const TWO_KEYS = `
  select tests.notes();
  select tests.unlock();
  select tests._become('safetypin_owner');
  create table note_indexes (note_id uuid, version integer);
  select tests._become('safetypin_definer');
  create function _index_note(uuid, integer) returns void language sql as 'select';
  select tests._become('safetypin_owner');
  select _declare_blind_index('note_indexes', 90001, 'note_id', '_index_note');
  select tests.act_as_superuser();
  insert into notes (id, about) values (${ID}, _seal_text(90001, null, ${ID}, 'x'));
  select tests.add_key();
  select tests.unlock();`;

// A value that a client sealed under Acme's first key, and a second key.
const CLIENT_SEALED = `
  select tests.notes();
  select tests.unlock('acme');
  insert into notes (id, organization_id, token) values (${ID}, ${ACME}, '\\x0102'::bytea || int4send(1) || sha256('a'));
  select tests.add_key('acme');`;

/** The indexes on their way to the second key, as far as a phase. */
const indexIn = (phase: string) => `${TWO_KEYS}
  insert into blind_index_versions (version, key_id, phase) values (2, 2, '${phase}')`;

const EXAMPLES: Readonly<Record<string, Example>> = {
  "accept_membership: member.joined": {
    given: `insert into organization_users (organization_id, user_id, status)
            values (${ACME}, tests.user_id('zoe'), 'invited')`,
    as: "zoe",
    call: `accept_membership(${ACME})`,
  },
  "acknowledge_alert: alert.acknowledged": { given: ALERT, as: "ann", call: `acknowledge_alert(${ID})` },
  "activate_key: key.activated": {
    given: keyThat(),
    as: "operator",
    call: `activate_key(${ACME}, 1, tests.masked_share('acme'))`,
  },
  "add_first_key: key.activated": {
    as: "ann",
    call: `add_first_key(${ACME}, 'local-key-file', 'test', '\\x00', tests.masked_share('acme'))`,
  },
  "add_first_key: key.added": {
    as: "ann",
    call: `add_first_key(${ACME}, 'local-key-file', 'test', '\\x00', tests.masked_share('acme'))`,
  },
  "add_key: key.added": {
    as: "operator",
    call: `add_key(${ACME}, 1, 'local-key-file', 'test', '\\x00', tests.masked_share('acme'))`,
  },
  "add_member: member.invited": { as: "ann", call: "add_member(tests.email('zoe'))" },
  "assign_role: role.assigned": { given: ROLE, as: "ann", call: `assign_role(${BOB}, ${ID})` },
  "backfill_index_batch: blind_index.backfilled": {
    given: indexIn("backfill"),
    as: "operator",
    call: "backfill_index_batch('note_indexes', null)",
  },
  "begin_index_backfill: blind_index.phase_begun": {
    given: indexIn("dual"),
    as: "operator",
    call: "begin_index_backfill()",
  },
  "begin_index_rotation: blind_index.phase_begun": { given: TWO_KEYS, as: "operator", call: "begin_index_rotation()" },
  "change_password: password.changed": {
    given: attempt(RIGHT),
    as: "ann",
    call: `tests.change_password(
      ${ID}, tests.other_password_digest(), array[tests.other_history_digest()],
      (read_password_policy()).version
    )`,
  },
  "change_password: password.disabled": {
    given: attempt(WRONG, HUNDREDTH),
    as: "ann",
    call: `tests.change_password(${ID}, tests.other_password_digest(), array[tests.other_history_digest()], '')`,
  },
  "change_role_permissions: role.permissions_set": {
    given: ROLE,
    as: "ann",
    call: `change_role_permissions(${ID}, '{audit.read}', '{}')`,
  },
  "choose_organization: session.organization_chosen": { as: "ann", call: `choose_organization(${ACME})` },
  "claim_domain: domain.claimed": { as: "ann", call: `claim_domain('acme.example', sha256(${TOKEN}))` },
  "clear_password_policy: policy.cleared": { as: "ann", call: "clear_password_policy()" },
  "close_account: user.closed": { as: "bob", call: "close_account()" },
  "close_organization: organization.closed": { as: "ann", call: "close_organization()" },
  "create_organization: organization.created": { as: "bob", call: "create_organization('bobs', 'Bob''s')" },
  "create_role: role.created": { as: "ann", call: "create_role('Reader')" },
  "cut_over_index: blind_index.cut_over": {
    given: `${indexIn("backfill")}; insert into note_indexes values (${ID}, 2);
            select backfill_index_batch(table_name, null) from blind_indexes where organization_column is null`,
    as: "operator",
    call: "cut_over_index()",
  },
  "declare_environment: cell.environment_declared": {
    as: "operator",
    call: "declare_environment('production')",
  },
  "declare_log_strictness: cell.log_strictness_declared": {
    as: "operator",
    call: "declare_log_strictness(true)",
  },
  "delete_role: role.deleted": { given: ROLE, as: "ann", call: `delete_role(${ID})` },
  "destroy_key: key.destroyed": {
    given: keyThat("active", "decrypt_only", "retired"),
    as: "operator",
    call: `destroy_key(${ACME}, 1)`,
  },
  "finish_index_rotation: blind_index.finished": {
    given: `${TWO_KEYS}
            update blind_index_versions set phase = 'fading';
            insert into blind_index_versions (version, key_id, phase) values (2, 2, 'cutover')`,
    as: "operator",
    call: "finish_index_rotation()",
  },
  "finish_password_check: password.change_required": {
    given: attempt(RIGHT, "update password_credentials set must_change = true"),
    as: "nobody",
    call: `tests.finish_password_check(${ID}, ${TOKEN})`,
  },
  "finish_password_check: password.disabled": {
    given: attempt(WRONG, HUNDREDTH),
    as: "nobody",
    call: `tests.finish_password_check(${ID}, ${TOKEN})`,
  },
  "finish_password_check: session.opened": {
    given: attempt(RIGHT),
    as: "nobody",
    call: `tests.finish_password_check(${ID}, ${TOKEN})`,
  },
  "finish_message: message.delivered": {
    given: MESSAGE,
    as: "mailer",
    call: "finish_message((select id from take_messages()), 1, true)",
  },
  "leave_organization: member.left": { as: "bob", call: "leave_organization()" },
  "make_partitions: partitions.made": { as: "operator", call: "make_partitions()" },
  "mark_password_compromised: password.compromised": {
    as: "operator",
    call: `mark_password_compromised(${BOB}, 'seen in a list')`,
  },
  "prepare_password_reset: password.reset_prepared": {
    given: oneTimeToken("reset_password"),
    as: "nobody",
    call: `prepare_password_reset(${TOKEN})`,
  },
  "raise_message_alerts: alerts.checked": { as: "operator", call: "raise_message_alerts()" },
  "raise_operational_alerts: alerts.checked": { as: "operator", call: "raise_operational_alerts()" },
  "reactivate_member: member.reactivated": {
    given: `update organization_users set status = 'suspended' where user_id = ${BOB}`,
    as: "ann",
    call: `reactivate_member(${BOB})`,
  },
  "reactivate_organization: organization.reactivated": {
    given: `update organizations set status = 'suspended' where id = ${ACME}`,
    as: "operator",
    call: `reactivate_organization(${ACME})`,
  },
  "reactivate_user: user.reactivated": {
    given: `update users set status = 'suspended' where id = ${BOB}`,
    as: "operator",
    call: `reactivate_user(${BOB})`,
  },
  "record_auditor_export: audit.exported": {
    as: "auditor",
    call: "record_auditor_export('events', 'csv', now() - interval '1 day', now())",
  },
  "report_alert: alert.reported": { as: "ann", call: "report_alert('shared_password', 'medium')" },
  "record_denial: access.denied": { as: "bob", call: "record_denial('users.list', 'SP201')" },
  "record_export: audit.exported": {
    as: "ann",
    call: "record_export('events', 'csv', now() - interval '1 day', now())",
  },
  "refresh_session: session.refresh_refused": { as: "nobody", call: `refresh_session(${TOKEN})` },
  "refresh_session: session.refresh_reused": {
    given: refreshToken("true, now() - interval '1 minute'"),
    as: "nobody",
    call: `refresh_session(${TOKEN})`,
  },
  "refresh_session: session.refreshed": {
    given: refreshToken("false, null"),
    as: "nobody",
    call: `refresh_session(${TOKEN})`,
  },
  "register_user: user.registered": {
    as: "nobody",
    call: `tests.register_user(
      ${ID}, 'new@example.com', 'New', 'Example', tests.password_digest(), tests.history_digest(),
      (read_password_policy()).version
    )`,
  },
  "rehash_password: password.rehashed": {
    given: attempt(
      RIGHT,
      `update password_policies set bcrypt_cost = 13 where organization_id is null;
       update password_attempts
       set finished_time = now(), succeeded = true, session_id = md5('session:ann:acme')::uuid`,
    ),
    as: "ann",
    call: `tests.rehash_password(${ID}, '$2a$13$' || substr(tests.password_digest(), 8))`,
  },
  "release_domain: domain.released": { given: DOMAIN, as: "ann", call: "release_domain('acme.example')" },
  "remove_member: member.removed": { as: "ann", call: `remove_member(${BOB})` },
  "remove_role: role.removed": {
    given: `${ROLE}; select tests.act_as('ann', 'acme'); select assign_role(${BOB}, ${ID})`,
    as: "ann",
    call: `remove_role(${BOB}, ${ID})`,
  },
  "request_email_verification: email.verification_requested": {
    as: "nobody",
    call: `request_email_verification('new@example.com')`,
  },
  "request_password_reset: password.reset_requested": {
    as: "nobody",
    call: `request_password_reset(tests.email('bob'))`,
  },
  "take_client_sealed: key.values_taken": {
    given: CLIENT_SEALED,
    as: "operator",
    call: `take_client_sealed(90004, ${ACME})`,
  },
  "replace_client_sealed: key.reencrypted": {
    given: CLIENT_SEALED,
    as: "operator",
    call: `replace_client_sealed(
      90004, ${ACME}, array[${ID}], array['\\x0102'::bytea || int4send(1) || sha256('a')],
      array['\\x0102'::bytea || int4send(2) || sha256('b')]
    )`,
  },
  "reencrypt_batch: key.reencrypted": { given: TWO_KEYS, as: "operator", call: "reencrypt_batch(90001, null)" },
  "require_password_change: password.change_demanded": {
    as: "ann",
    call: `require_password_change(${BOB})`,
  },
  "reset_password: password.reset": {
    given: oneTimeToken("reset_password"),
    as: "nobody",
    call: `tests.reset_password(
      ${TOKEN}, tests.other_password_digest(), array[tests.other_history_digest()],
      (read_password_policy()).version
    )`,
  },
  "resolve_alert: alert.resolved": { given: ALERT, as: "ann", call: `resolve_alert(${ID}, 'Nothing.')` },
  "retire_key: key.retired": {
    given: keyThat("active", "decrypt_only"),
    as: "operator",
    call: `retire_key(${ACME}, 1)`,
  },
  "reset_organization_policy: policy.reset": {
    given: `insert into password_policies (organization_id) values (${ACME})`,
    as: "operator",
    call: `reset_organization_policy(${ACME}, 'nobody comes in')`,
  },
  "revoke_all_sessions: session.all_revoked": { as: "bob", call: "revoke_all_sessions()" },
  "revoke_member_sessions: session.member_revoked": { as: "ann", call: `revoke_member_sessions(${BOB})` },
  "revoke_other_sessions: session.others_revoked": { as: "bob", call: "revoke_other_sessions()" },
  "revoke_session: session.revoked": { as: "bob", call: "revoke_session()" },
  "renew_key: key.renewed": {
    given: keyThat(),
    as: "operator",
    call: `renew_key(${ACME}, 1, 'local-key-file', 'another', '\\x01', tests.masked_share('acme'))`,
  },
  "rewrap_key: key.rewrapped": {
    given: keyThat(),
    as: "operator",
    call: `rewrap_key(${ACME}, 1, 'local-key-file', 'another', '\\x01', tests.masked_share('acme'))`,
  },
  "rotate_digest_key: context_key.rotated": { as: "operator", call: "rotate_digest_key()" },
  "move_sign_in_throttles: sign_in_throttles.moved": { as: "operator", call: "move_sign_in_throttles()" },
  "sweep_context_keys: context_keys.swept": { as: "operator", call: "sweep_context_keys()" },
  "rotate_context_key: context_key.rotated": { as: "operator", call: "rotate_context_key()" },
  "set_member_role: member.role_set": { as: "ann", call: `set_member_role(${BOB}, 'admin')` },
  "set_role_permissions: role.permissions_set": {
    given: ROLE,
    as: "ann",
    call: `set_role_permissions(${ID}, '{audit.read}')`,
  },
  "set_session_data: session.data_set": { as: "bob", call: "set_session_data('{}')" },
  "set_subscription: organization.subscription_set": {
    as: "operator",
    call: `set_subscription(${ACME}, 'gold', 500)`,
  },
  "suspend_member: member.suspended": { as: "ann", call: `suspend_member(${BOB})` },
  "suspend_organization: organization.suspended": {
    as: "operator",
    call: `suspend_organization(${ACME}, 'unpaid')`,
  },
  "set_billing_email: organization.contact_set": { as: "ann", call: "set_billing_email(null)" },
  "set_technical_contact_email: organization.contact_set": { as: "ann", call: "set_technical_contact_email(null)" },
  "set_own_phone_number: user.phone_number_set": {
    as: "bob",
    call: "set_own_phone_number('+431234567')",
  },
  "confirm_restore: cell.restore_confirmed": { as: "operator", call: "confirm_restore()" },
  "declare_backup_age: cell.backup_age_declared": { as: "operator", call: "declare_backup_age('7 days')" },
  "declare_restored: cell.declared_restored": { as: "operator", call: "declare_restored()" },
  "erase_own_account: user.shredded": { as: "bob", call: "erase_own_account()" },
  "export_shreddings: shreddings.exported": { as: "operator", call: "export_shreddings()" },
  "finish_replay: cell.ledger_replayed": {
    as: "operator",
    call: "finish_replay((select id from cell_settings), 0, '\\x', (select end_digest from read_ledger_end()))",
  },
  "place_legal_hold: legal_hold.placed": { as: "operator", call: `place_legal_hold(${BOB}, null, 'Matter 7')` },
  "release_legal_hold: legal_hold.released": {
    given: `insert into legal_holds (id, user_id, reason) values (${ID}, ${BOB}, 'Matter 7')`,
    as: "operator",
    call: `release_legal_hold(${ID})`,
  },
  "replay_shreddings: organization.shredded": {
    as: "operator",
    call: `replay_shreddings((select id from cell_settings), tests.ledger_entry(null, ${ACME}))`,
  },
  "replay_shreddings: user.shredded": {
    as: "operator",
    call: `replay_shreddings((select id from cell_settings), tests.ledger_entry(${BOB}, null))`,
  },
  "shred_organization: organization.shredded": {
    given: `update organizations set status = 'suspended' where id = ${ACME}`,
    as: "operator",
    call: `shred_organization(${ACME})`,
  },
  "shred_person: user.shredded": { as: "operator", call: `shred_person(${BOB})` },
  "suspend_user: user.suspended": { as: "operator", call: `suspend_user(${BOB}, 'gone')` },
  "delete_index_batch: blind_index.swept": {
    given: `${TWO_KEYS}
            update blind_index_versions set phase = 'fading'; update blind_index_versions set phase = 'ended';
            insert into note_indexes values (${ID}, 1)`,
    as: "operator",
    call: "delete_index_batch('note_indexes', null)",
  },
  "sweep_messages: messages.swept": { as: "operator", call: "sweep_messages()" },
  "sweep_one_time_tokens: one_time_tokens.swept": { as: "operator", call: "sweep_one_time_tokens()" },
  "sweep_password_attempts: password_attempts.swept": { as: "operator", call: "sweep_password_attempts()" },
  "sweep_refresh_tokens: refresh_tokens.swept": { as: "operator", call: "sweep_refresh_tokens()" },
  "end_sessions: sessions.ended": { as: "operator", call: "end_sessions()" },
  "sweep_sessions: sessions.swept": { as: "operator", call: "sweep_sessions()" },
  "sweep_sign_in_throttles: sign_in_throttles.swept": { as: "operator", call: "sweep_sign_in_throttles()" },
  "take_messages: message.taken": { given: MESSAGE, as: "mailer", call: "take_messages()" },
  "transfer_ownership: organization.ownership_transferred": {
    as: "ann",
    call: `transfer_ownership(${BOB})`,
  },
  "update_role: role.updated": { given: ROLE, as: "ann", call: `update_role(${ID}, 'Writer', '')` },
  "verify_domain: domain.verified": {
    given: `${DOMAIN};
      insert into one_time_tokens (purpose, organization_domain_id, token_hash, expiration_time)
      values ('verify_domain', ${ID}, sha256(${TOKEN}), now() + interval '1 day')`,
    as: "ann",
    call: `verify_domain(${TOKEN})`,
  },
  "verify_email: email.verified": {
    given: oneTimeToken("verify_email"),
    as: "nobody",
    call: `verify_email(${TOKEN})`,
  },
  "withdraw_invitation: member.invitation_withdrawn": {
    as: "ann",
    call: "withdraw_invitation(tests.email('zoe'))",
  },
};

/** What merely reads, and the steps of a sign-in that its end records: as test-sql/conventions has them. */
const NO_EVENT = [
  "begin_password_check",
  "begin_request",
  "check_share",
  "count_sealed_values",
  "find_organization_of_own_domain",
  "find_user_by_email",
  "has_all_permissions",
  "has_any_permission",
  "has_permission",
  "hello",
  "list_index_versions",
  "list_keys",
  "list_legal_holds",
  "list_own_organizations",
  "list_own_permissions",
  "list_shreddings",
  "list_wrapped_shares",
  "next_key_id",
  "ip_address_indexes",
  "open_attempts",
  "open_fields",
  "open_rows",
  "open_users",
  "prepare_password_change",
  "read_digest_rotation",
  "read_ledger_end",
  "read_password_policy",
  "read_restore_state",
  "require_permission",
  "search_users",
  "submit_password_proof",
  "unlock",
  "verified_context",
  "verify_ledger_end",
  "verify_shreddings",
];

const db = useDatabase({ template: "pgtap" });

/** Does the work behind the curtain, where two organizations are, and undoes all of it. */
async function amongTwoOrganizations<Result>(work: (client: pg.ClientBase) => Promise<Result>) {
  const client = await db.admin.connect();
  try {
    await client.query("begin");
    await client.query("select tests.two_organizations()");
    return await work(client);
  } finally {
    await client.query("rollback");
    client.release();
  }
}

async function countEvents(client: pg.ClientBase, type: string): Promise<number> {
  await client.query("select tests.act_as_superuser()");
  const { rows } = await client.query<{ count: number }>(
    "select count(*)::integer as count from auth_audit_logs where event_type = $1",
    [type],
  );
  return rows[0]?.count ?? NaN;
}

const PEOPLE = ["ann", "amy", "bob", "zoe"];

async function actAs(client: pg.ClientBase, who: Example["as"]): Promise<void> {
  if (who === "zoe") await client.query("select tests.act_as('zoe')");
  else if (PEOPLE.includes(who)) await client.query("select tests.act_as($1, 'acme')", [who]);
  else await client.query(`select tests.act_as_${who}()`);
}

/** The events of this type that an example adds. */
async function eventsOf({ as, given = "select", call }: Example, type: string): Promise<number> {
  return amongTwoOrganizations(async (client) => {
    await client.query("select tests.act_as_superuser()");
    await client.query(given);
    const before = await countEvents(client, type);
    await actAs(client, as);
    await client.query(`select * from ${call}`);
    return (await countEvents(client, type)) - before;
  });
}

test("every function that does more than read has an example for each of its events", async () => {
  const { rows } = await db.admin.query<{ name: string }>(
    `select distinct coalesce(proname || ': ' || event_types.name, proname) as name
     from pg_proc
     cross join lateral aclexplode(proacl)
     left join event_types on proname = any (functions)
     where pronamespace = current_schema()::regnamespace
       and prosecdef
       and grantee::regrole::text ~ '^safetypin_(app|mailer|operator|auditor|monitor|backup)$'`,
  );
  expect(rows.map(({ name }) => name).sort()).toEqual([...Object.keys(EXAMPLES), ...NO_EVENT].sort());
});

test.each(Object.entries(EXAMPLES))("%s", async (name, example) => {
  const [, type = ""] = name.split(": ");
  expect(await eventsOf(example, type)).toBe(1);
});

test("a function whose event went missing is noticed", async () => {
  const added = await amongTwoOrganizations(async (client) => {
    await client.query(
      `create or replace function suspend_user(p_user_id uuid, p_reason text) returns void
       language plpgsql security definer set search_path = safetypin, extensions, pg_temp
       as $$ begin update users set status = 'suspended' where id = p_user_id; end $$`,
    );
    const before = await countEvents(client, "user.suspended");
    await actAs(client, "operator");
    await client.query(`select suspend_user(${BOB}, 'gone')`);
    return (await countEvents(client, "user.suspended")) - before;
  });
  expect(added).toBe(0);
});

test("work whose event cannot be written is not done", async () => {
  await amongTwoOrganizations(async (client) => {
    await client.query("revoke insert on auth_audit_logs from safetypin_definer");
    await client.query("savepoint work");
    await actAs(client, "operator");
    await expect(client.query(`select suspend_user(${BOB}, 'gone')`)).rejects.toMatchObject({ code: "42501" });
    await client.query("rollback to work");
    const { rows } = await client.query(`select status from users where id = ${BOB}`);
    expect(rows).toEqual([{ status: "active" }]);
  });
});
