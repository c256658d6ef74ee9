import { createHash } from "node:crypto";

import type pg from "pg";

import { OTHER_PASSWORD, organizationId, sha256 } from "./actors.js";

/** How a query is to be found. */
export interface PlanExpectation {
  /**
   * Who runs it: ann, who owns the large organization; somebody who works there; nobody,
   * before they sign in; a mailer; or an auditor. @defaultValue ann
   */
  readonly as?: "ann" | "member" | "nobody" | "mailer" | "auditor";

  /** What it is run with, or what finds that out within the transaction. */
  readonly params?: unknown;

  /**
   * Indexes that must be used, by the query or by a function it calls; one of several where
   * there is a `|`. Partitions' without their month.
   */
  readonly uses: readonly string[];

  /** Those that must answer without the table: what an index carries for a query, it carries for that. */
  readonly alone?: readonly string[];

  /** The most rows that may be looked at, functions, policies and triggers included. @defaultValue 500 */
  readonly rows?: number;
}

const uuid = (text: string) =>
  createHash("md5").update(text).digest("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

const MEMBER = uuid("user:7");
const ROLE = uuid("role:7");
const SESSION = uuid("session:8");
const NO_ID = "00000000-0000-0000-0000-000000000000";
const DIGEST = sha256("nothing");
const MASKED = Buffer.alloc(118, 7);
const TOKEN = Buffer.alloc(32, 7);

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
const PERIOD = { since: minutesAgo(60), until: minutesAgo(-60) };
const NEWEST = { since: "-infinity", beforeTime: "infinity", beforeId: NO_ID, limit: 20 };
const FILTERS = {
  eventType: null,
  result: null,
  actingUserId: null,
  resourceId: null,
  organizationId: null,
  tableName: null,
};
const PROFILE = { setsJobTitle: true, jobTitle: "Nurse", setsPhoneNumber: false, setsAvatarUrl: false };
const POLICY = {
  minLength: 20,
  maxLength: 128,
  requireUppercase: false,
  requireLowercase: false,
  requireDigit: false,
  requireSymbol: false,
  maximumAgeDays: null,
  historyDepth: 5,
  historyDays: 0,
  mfaRequired: false,
  maxSessions: 10,
  aal1AbsoluteMinutes: 600,
  aal1IdleMinutes: 60,
  aal2AbsoluteMinutes: 600,
  aal2IdleMinutes: 60,
  aal3AbsoluteMinutes: 600,
  aal3IdleMinutes: 15,
};

/** Acme's 15 000 sessions, each with when it was last used. */
const READS_THE_SESSIONS = 31_000;

/** A role's permissions are seen through its role, and acme's 500 roles are read to see which. */
const READS_THE_ROLES = 1_000;

/** What counts, reads what it counts: the organization's events of the period. */
const READS_THE_PERIOD = { uses: ["auth_audit_logs_organization_id_recorded_at_idx"], rows: 2_000 };

/** The newest row of a table, as the superuser sees it, in the words of the query. */
const first = (sql: string) => async (client: pg.ClientBase) => {
  const { rows } = await client.query<Record<string, unknown>>(sql);
  return rows[0];
};

/** Every generated query. One that is not here fails, and so does one that is no more. */
export const PLAN_EXPECTATIONS: Readonly<Record<string, PlanExpectation>> = {
  // What happened is found by organization, person or row and then by time; a month that is
  // not asked for is not looked at.
  "access_attempt_logs.listOwnAttempts": { params: { ...NEWEST, opens: true }, uses: ["access_attempt_logs_user_id_recorded_at_idx"] },
  "access_attempt_logs.listUserAttempts": {
    as: "auditor",
    params: { ...NEWEST, userId: MEMBER, opens: true },
    uses: ["access_attempt_logs_user_id_recorded_at_idx"],
  },
  "access_attempt_logs.listOwnAttemptsFromAddress": {
    params: { ...NEWEST, ipAddress: "198.51.100.7", ipAddressField: 8, opens: true },
    uses: ["access_attempt_logs_user_id_recorded_at_idx"],
  },
  "access_attempt_logs.listAttemptsFromAddress": {
    as: "auditor",
    params: { ...NEWEST, ipAddress: "198.51.100.7", opens: true },
    uses: ["access_attempt_logs_ip_index_recorded_at_idx"],
  },
  "access_attempt_logs.findLoginsOfAttempts": {
    as: "auditor",
    params: { ...PERIOD, ids: [NO_ID] },
    uses: ["access_attempt_logs_pkey"],
  },
  "access_attempt_logs.listAllAttempts": {
    as: "auditor",
    params: { ...PERIOD, afterId: NO_ID, limit: 20, opens: true },
    uses: ["access_attempt_logs_pkey"],
  },
  "auth_audit_logs.findEvent": { params: { ...PERIOD, eventId: NO_ID }, uses: ["auth_audit_logs_pkey"] },
  "auth_audit_logs.listEvents": {
    params: { ...FILTERS, ...NEWEST },
    uses: ["auth_audit_logs_organization_id_recorded_at_idx"],
  },
  "auth_audit_logs.listUserEvents": {
    params: { ...FILTERS, ...NEWEST, userId: MEMBER },
    uses: ["auth_audit_logs_user_id_recorded_at_idx"],
  },
  "auth_audit_logs.findLoginsOfEvents": {
    as: "auditor",
    params: { ...PERIOD, ids: [NO_ID] },
    uses: ["auth_audit_logs_pkey"],
  },
  "auth_audit_logs.listAllEvents": {
    as: "auditor",
    params: { ...PERIOD, afterId: NO_ID, limit: 20 },
    uses: ["auth_audit_logs_pkey"],
  },
  "auth_audit_logs.countEventsByType": { params: PERIOD, ...READS_THE_PERIOD },
  "auth_audit_logs.countEventsByResult": { params: PERIOD, ...READS_THE_PERIOD },
  "auth_audit_logs.countEventsByUser": { params: { ...PERIOD, limit: 20 }, ...READS_THE_PERIOD },
  "auth_audit_logs.summarizeEvents": { params: PERIOD, ...READS_THE_PERIOD },
  "auth_audit_logs.recordDenial": { params: { action: "a", reason: "b" }, uses: [] },
  "auth_audit_logs.recordExport": {
    params: { ...PERIOD, stream: "events", format: "csv", rowCount: 1 },
    uses: [],
  },
  "auth_audit_logs.recordAuditorExport": {
    as: "auditor",
    params: { ...PERIOD, stream: "events", format: "csv", rowCount: 1 },
    uses: [],
  },
  "data_change_logs.listChanges": {
    params: { ...FILTERS, ...NEWEST },
    uses: ["data_change_logs_organization_id_recorded_at_idx"],
    // A fifth of this month's changes are acme's: PostgreSQL expects a few and sorts them.
    rows: 12_000,
  },
  "data_change_logs.listRowChanges": {
    params: { ...FILTERS, ...NEWEST, rowId: MEMBER },
    uses: ["data_change_logs_row_id_recorded_at_idx"],
  },
  "data_change_logs.findLoginsOfChanges": {
    as: "auditor",
    params: { ...PERIOD, ids: [NO_ID] },
    uses: ["data_change_logs_pkey"],
  },
  "data_change_logs.listAllChanges": {
    as: "auditor",
    params: { ...PERIOD, afterId: NO_ID, limit: 20 },
    uses: ["data_change_logs_pkey"],
  },
  "security_alerts.findAlert": { params: { alertId: NO_ID }, uses: ["security_alerts_pkey"] },
  "security_alerts.listOpenAlerts": {
    params: { ...FILTERS, ...NEWEST },
    uses: ["security_alerts_open_idx"],
  },
  "security_alerts.listUserAlerts": { params: { ...NEWEST, userId: MEMBER }, uses: ["security_alerts_user_id_idx"] },
  "security_alerts.countOpenAlerts": { params: { limit: 20 }, uses: ["security_alerts_open_idx"] },
  "security_alerts.reportAlert": {
    params: { reason: "shared_password", severity: "low", userId: MEMBER },
    uses: ["organization_users_pkey|organization_users_user_id_idx"],
  },
  "security_alerts.acknowledgeAlert": {
    params: first("select id as \"alertId\" from security_alerts where status = 'open' limit 1"),
    uses: ["security_alerts_pkey"],
  },
  "security_alerts.resolveAlert": {
    params: first("select id as \"alertId\", 'seen to' as note from security_alerts where status = 'open' limit 1"),
    uses: ["security_alerts_pkey"],
  },

  // People: one by key, lists from the membership.
  "users.findUser": { params: { userId: MEMBER }, uses: ["users_pkey", "organization_users_pkey|organization_users_user_id_idx"] },
  "users.findUserByEmail": { params: { email: "person7@domain7.example" }, uses: ["user_email_indexes_version_email_index_key"] },
  "users.findOwnUser": { uses: ["users_pkey"] },
  "users.listUsers": { params: { afterUserId: NO_ID, limit: 20 }, uses: ["organization_users_pkey|organization_users_user_id_idx", "users_pkey"] },
  "users.listRecentlyActiveUsers": {
    params: { since: minutesAgo(60), limit: 20 },
    uses: ["auth_audit_logs_organization_id_recorded_at_idx", "users_pkey"],
    // It sifts the period's events for sign-ins.
    rows: 2_000,
  },
  "users.setOwnPhoneNumber": { params: { phoneNumber: "+431234567" }, uses: ["users_pkey"] },
  "users.searchUsers": { params: { query: "last77", limit: 20 }, uses: [] },
  "users.updateOwnProfile": { params: PROFILE, uses: ["users_pkey"] },
  "users.closeAccount": { as: "member", uses: ["users_pkey", "organization_users_user_id_idx"] },
  "users.eraseOwnAccount": { as: "member", uses: ["users_pkey", "organization_users_user_id_idx"] },
  "users.registerUser": {
    as: "nobody",
    params: first(`
      select
        new_id() as "userId", 'new@example.com' as email, 'New' as "firstName", 'Person' as "lastName",
        tests.masked_digest('${OTHER_PASSWORD.digest}') as "passwordDigest",
        tests.masked_history('${OTHER_PASSWORD.historyDigest}') as "historyDigest",
        (read_password_policy()).version as "policyVersion",
        'UTC' as timezone, 'en' as locale
    `),
    uses: ["password_credentials_pkey"],
  },

  // Organizations, members and domains: the organization leads every key.
  "organizations.findOrganization": { params: { organizationId: organizationId("acme") }, uses: ["organizations_pkey"] },
  "organizations.findCurrentOrganization": { uses: ["organizations_pkey"] },
  "organizations.listOwnOrganizations": { uses: ["organization_users_user_id_idx", "organizations_pkey"] },
  "organizations.findOrganizationOfOwnDomain": { uses: ["users_pkey"] },
  "organizations.createOrganization": { params: { slug: "new", name: "New" }, uses: ["organizations_pkey"] },
  "organizations.chooseOrganization": {
    params: { organizationId: organizationId("acme") },
    uses: ["organization_users_pkey|organization_users_user_id_idx", "sessions_pkey"],
  },
  "organizations.updateOrganization": {
    params: { name: "Acme" },
    uses: ["organizations_pkey"],
  },
  "organizations.openContacts": {
    params: { organizationId: organizationId("acme"), fields: [3, 4] },
    uses: ["organizations_pkey"],
  },
  "organizations.setBillingEmail": { params: { email: null }, uses: ["organizations_pkey"] },
  "organizations.setTechnicalContactEmail": { params: { email: null }, uses: ["organizations_pkey"] },
  "organizations.closeOrganization": { uses: ["organizations_pkey"] },
  "organization_users.findMember": { params: { userId: MEMBER }, uses: ["organization_users_pkey|organization_users_user_id_idx"] },
  "organization_users.listMembers": {
    params: { afterUserId: NO_ID, limit: 20 },
    uses: ["organization_users_pkey|organization_users_user_id_idx", "users_pkey"],
  },
  "organization_users.countActiveMembers": { params: { limit: 20 }, uses: [] },
  "organization_users.addMember": {
    params: { email: "person9999@domain499.example", role: "member" },
    uses: ["user_email_indexes_version_email_index_key"],
  },
  "organization_users.addMembers": {
    params: { emails: ["person9999@domain499.example", "person9998@domain499.example"], roles: ["member", "admin"] },
    uses: ["user_email_indexes_version_email_index_key"],
  },
  "organization_users.withdrawInvitation": {
    params: { email: "person9999@domain499.example" },
    uses: ["user_email_indexes_version_email_index_key", "organization_users_pkey|organization_users_user_id_idx"],
  },
  "organization_users.acceptMembership": {
    as: "member",
    params: { organizationId: uuid("organization:100") },
    uses: ["organization_users_pkey|organization_users_user_id_idx"],
  },
  "organization_users.setMemberRole": { params: { userId: MEMBER, role: "admin" }, uses: ["organization_users_pkey|organization_users_user_id_idx"] },
  "organization_users.setMemberRoles": {
    params: { userIds: [MEMBER, uuid("user:8")], roles: ["admin", "admin"] },
    uses: ["organization_users_pkey|organization_users_user_id_idx"],
  },
  "organization_users.suspendMember": { params: { userId: MEMBER }, uses: ["organization_users_pkey|organization_users_user_id_idx"] },
  "organization_users.reactivateMember": {
    params: async (client: pg.ClientBase) => {
      await client.query("select suspend_member($1)", [MEMBER]);
      return { userId: MEMBER };
    },
    uses: ["organization_users_pkey|organization_users_user_id_idx"],
  },
  "organization_users.removeMember": {
    params: { userId: MEMBER },
    uses: ["organization_users_pkey|organization_users_user_id_idx", "sessions_organization_id_user_id_idx", "user_roles_pkey"],
  },
  "organization_users.removeMembers": {
    params: { userIds: [MEMBER, uuid("user:8")] },
    uses: ["organization_users_pkey|organization_users_user_id_idx", "sessions_organization_id_user_id_idx", "user_roles_pkey"],
  },
  "organization_users.leaveOrganization": { as: "member", uses: ["organization_users_pkey|organization_users_user_id_idx"] },
  "organization_users.transferOwnership": { params: { userId: MEMBER }, uses: ["organization_users_pkey|organization_users_user_id_idx"] },
  "organization_domains.findDomain": {
    params: { domain: "acme7.example" },
    uses: ["organization_domains_organization_id_domain_key"],
  },
  "organization_domains.listDomains": {
    params: { afterDomain: "", limit: 20 },
    uses: ["organization_domains_organization_id_domain_key"],
  },
  "organization_domains.claimDomain": {
    params: { domain: "new.example", tokenHash: DIGEST },
    uses: ["organization_domains_organization_id_domain_key", "one_time_tokens_organization_domain_id_idx"],
  },
  "organization_domains.verifyDomain": { params: { token: TOKEN }, uses: ["one_time_tokens_token_hash_key"] },
  "organization_domains.releaseDomain": {
    params: { domain: "acme7.example" },
    uses: ["organization_domains_organization_id_domain_key", "one_time_tokens_organization_domain_id_idx"],
  },
  "password_policies.findPasswordPolicy": { uses: ["password_policies_organization_id_key"] },
  "password_policies.readPasswordPolicy": {
    as: "nobody",
    uses: ["password_policies_organization_id_key"],
  },
  "password_policies.setPasswordPolicy": { params: POLICY, uses: ["organizations_pkey"] },
  "password_policies.clearPasswordPolicy": { uses: ["password_policies_organization_id_key"] },

  // Sessions: by key, by token, by person; an organization's by member.
  "sessions.findSession": { params: { sessionId: SESSION }, uses: ["sessions_pkey", "session_activities_pkey"] },
  "sessions.findCurrentSession": { uses: ["sessions_pkey", "session_activities_pkey"] },
  "sessions.listOwnSessions": { params: NEWEST, uses: ["session_activities_pkey"] },
  "sessions.listMemberSessions": {
    params: { ...NEWEST, userId: MEMBER },
    uses: ["session_activities_pkey"],
  },
  "sessions.listOrganizationSessions": {
    params: { afterUserId: NO_ID, afterId: NO_ID, limit: 20 },
    uses: ["sessions_organization_id_user_id_idx", "session_activities_pkey"],
  },
  "sessions.siftOrganizationSessions": {
    params: { network: "198.51.100.0/24", afterUserId: NO_ID, afterId: NO_ID, limit: 20 },
    uses: ["sessions_organization_id_user_id_idx"],
    rows: READS_THE_SESSIONS,
  },
  "sessions.revokeSession": {
    params: first('select current_session_id() as "sessionId"'),
    uses: ["sessions_pkey"],
  },
  "sessions.revokeOtherSessions": { params: { except: [SESSION] }, uses: [] },
  "sessions.revokeAllSessions": { uses: ["users_pkey"] },
  "sessions.revokeMemberSessions": { params: { userId: MEMBER }, uses: ["organization_users_pkey|organization_users_user_id_idx"] },
  "sessions.setSessionData": { params: { sessionData: {} }, uses: ["sessions_pkey"] },
  "sessions.refreshSession": {
    as: "nobody",
    params: { refreshToken: TOKEN, ipAddress: null, userAgent: null },
    uses: ["refresh_tokens_token_hash_key"],
  },

  // What is allowed: asked at every statement.
  "permissions.findPermission": { params: { name: "roles.manage" }, uses: [] },
  "permissions.listPermissions": { params: { afterName: "", limit: 20 }, uses: [] },
  "permissions.listPermissionsNamed": { params: { names: ["roles.manage"] }, uses: [] },
  "permissions.hasPermission": {
    params: { permission: "roles.manage" },
    uses: ["organization_users_pkey|organization_users_user_id_idx"],
    alone: ["role_permissions_pkey|role_permissions_permission_id_role_id_idx"],
  },
  "permissions.requirePermission": { params: { permission: "roles.manage" }, uses: ["organization_users_pkey|organization_users_user_id_idx"] },
  "permissions.hasAnyPermission": { params: { permissions: ["roles.manage"] }, uses: ["organization_users_pkey|organization_users_user_id_idx"] },
  "permissions.hasAllPermissions": { params: { permissions: ["roles.manage"] }, uses: ["organization_users_pkey|organization_users_user_id_idx"] },
  "permissions.listOwnPermissions": { uses: ["organization_users_pkey|organization_users_user_id_idx"] },
  "roles.findRole": { params: { roleId: ROLE }, uses: ["roles_pkey"] },
  "roles.findRoleByName": { params: { name: "Role 7" }, uses: ["roles_organization_id_name_key"] },
  "roles.listSystemRoles": { uses: ["roles_organization_id_name_key"] },
  // An organization has few roles: reading acme's 500 and sorting them is as good.
  "roles.listRoles": { params: { afterName: "", limit: 20 }, uses: ["roles_organization_id_name_key"], rows: 600 },
  "roles.listRolePermissions": {
    params: { roleId: ROLE },
    uses: ["role_permissions_pkey|role_permissions_permission_id_role_id_idx"],
    rows: READS_THE_ROLES,
  },
  "roles.createRole": { params: { name: "New", description: "" }, uses: [] },
  "roles.updateRole": { params: { roleId: ROLE, name: "Newer" }, uses: ["roles_pkey"] },
  "roles.deleteRole": { params: { roleId: ROLE }, uses: ["roles_pkey", "role_permissions_pkey|role_permissions_permission_id_role_id_idx", "user_roles_role_id_idx"] },
  "roles.setRolePermissions": {
    params: { roleId: ROLE, permissions: ["audit.read"] },
    uses: ["roles_pkey", "role_permissions_pkey|role_permissions_permission_id_role_id_idx"],
    rows: READS_THE_ROLES,
  },
  "roles.changeRolePermissions": {
    params: { roleId: ROLE, added: ["alerts.manage"], removed: [] },
    uses: ["roles_pkey", "role_permissions_pkey|role_permissions_permission_id_role_id_idx"],
    rows: READS_THE_ROLES,
  },
  "user_roles.listMemberRoles": { params: { userId: MEMBER, afterRoleId: NO_ID, limit: 20 }, uses: ["user_roles_pkey"] },
  "user_roles.listRoleHolders": {
    params: { roleId: ROLE, afterUserId: NO_ID, limit: 20 },
    uses: [],
  },
  "user_roles.listMemberPermissions": { params: { userId: MEMBER }, uses: ["user_roles_pkey", "organization_users_pkey|organization_users_user_id_idx"], rows: READS_THE_ROLES },
  "user_roles.assignRole": {
    params: { userId: MEMBER, roleId: ROLE },
    uses: ["roles_pkey", "organization_users_pkey|organization_users_user_id_idx"],
  },
  "user_roles.assignRoles": {
    params: {
      userIds: [MEMBER, uuid("user:8")],
      roleIds: [ROLE, ROLE],
      expirationTimes: ["infinity", minutesAgo(-60)],
      reasons: ["", "night shift"],
    },
    uses: ["roles_pkey", "organization_users_pkey|organization_users_user_id_idx"],
  },
  "user_roles.removeRole": {
    params: first(`select user_id as "userId", role_id as "roleId" from user_roles limit 1`),
    uses: ["user_roles_pkey"],
  },

  // Passwords and tokens, before anybody is known.
  "password_attempts.beginPasswordCheck": {
    as: "nobody",
    params: { email: "person7@domain7.example", ipAddress: "198.51.100.7", userAgent: "x" },
    uses: ["user_email_indexes_version_email_index_key", "password_credentials_pkey", "sign_in_throttles_pkey"],
  },
  "tenant_keys.hello": { as: "nobody", params: { forTransaction: true }, uses: [] },
  "tenant_keys.listWrappedShares": {
    as: "nobody",
    params: { organizationId: null },
    uses: ["tenant_keys_tenant_id_key_id_key"],
  },
  "tenant_keys.listWrappedSharesOfOrganization": { uses: ["tenant_keys_tenant_id_key_id_key"] },
  "tenant_keys.listWrappedSharesOfField": {
    params: { scope: "organization", tableName: "organizations", columnName: "billing_email" },
    uses: ["tenant_keys_tenant_id_key_id_key"],
  },
  "tenant_keys.addFirstKey": {
    params: first(`
      select create_organization('keyed', 'Keyed', tests.organization_id('keyed')) as "organizationId",
        'local-key-file' as provider, 'test' as "keyName", '\\x00'::bytea as wrapped,
        tests.masked_share('keyed') as "maskedShare"
    `),
    uses: ["organizations_pkey|organization_users_pkey", "tenant_keys_tenant_id_key_id_key"],
  },
  "tenant_keys.unlock": {
    as: "nobody",
    params: first(`select null::uuid as "organizationId", 1 as "keyId", tests.masked_share() as "maskedShare"`),
    uses: ["tenant_keys_tenant_id_key_id_key"],
  },
  "password_attempts.submitPasswordProof": {
    as: "nobody",
    params: { attemptId: NO_ID, proof: DIGEST },
    uses: ["password_attempts_pkey"],
  },
  "password_attempts.finishPasswordCheck": {
    as: "nobody",
    params: {
      attemptId: NO_ID,
      sessionTokenHash: DIGEST,
      refreshTokenHash: DIGEST,
      changeTokenHash: DIGEST,
      organizationId: null,
      deviceId: null,
    },
    uses: ["password_attempts_pkey"],
  },
  "password_blocklist.findBlocklistBucket": { as: "nobody", params: { prefix: 7 }, uses: [] },
  "password_credentials.requirePasswordChange": { params: { userId: MEMBER }, uses: ["password_credentials_pkey"] },
  "password_credentials.preparePasswordChange": { uses: ["users_pkey", "password_credentials_pkey"] },
  "password_credentials.changePassword": {
    params: { attemptId: NO_ID, passwordDigest: MASKED, historyDigests: [MASKED], policyVersion: "x" },
    uses: ["password_attempts_pkey"],
  },
  "password_credentials.requestPasswordReset": {
    as: "nobody",
    params: { email: "person7@domain7.example" },
    uses: ["user_email_indexes_version_email_index_key", "messages_email_digest_idx"],
  },
  "password_credentials.preparePasswordReset": { as: "nobody", params: { token: TOKEN }, uses: ["one_time_tokens_token_hash_key"] },
  "password_credentials.resetPassword": {
    as: "nobody",
    params: { token: TOKEN, passwordDigest: MASKED, historyDigests: [MASKED], policyVersion: "x" },
    uses: ["one_time_tokens_token_hash_key"],
  },
  "password_credentials.rehashPassword": {
    params: first(`select '${NO_ID}' as "attemptId", tests.masked_digest('${OTHER_PASSWORD.digest}') as "passwordDigest"`),
    uses: ["password_attempts_pkey|password_attempts_user_id_idx"],
  },
  "one_time_tokens.verifyEmail": { as: "nobody", params: { token: TOKEN }, uses: ["one_time_tokens_token_hash_key"] },
  "one_time_tokens.requestEmailVerification": {
    as: "nobody",
    params: { email: "person7@domain7.example" },
    uses: ["user_email_indexes_version_email_index_key", "messages_email_digest_idx"],
  },
  "messages.takeMessages": {
    as: "mailer",
    params: { limit: 10, leaseS: 300 },
    uses: ["messages_next_attempt_time_idx", "messages_pkey", "messages_email_digest_idx", "users_pkey"],
    // It looks once through what is due: here two hundred of ten thousand.
    rows: 2_000,
  },
  "messages.finishMessage": {
    as: "mailer",
    params: { messageId: NO_ID, attempt: 1, isDelivered: true, problem: null },
    uses: ["messages_pkey"],
  },
};
