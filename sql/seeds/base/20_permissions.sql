/*
 * base: what can be allowed, and what honours it
 *
 * Those held by a role can be granted. The others say, in the same words, what
 * everybody, whoever is signed in, an owner or a database role may do, so that
 * no entry point is left that nothing covers.
 */

insert into permissions (name, resource_type, action, held_by, database_role, description, functions, policies)
values
  -- Held by a role
  ('organization.update', 'organization', 'update', 'role', 'safetypin_app',
    'Change the name, contacts and settings of the organization.',
    '{set_billing_email,set_technical_contact_email}', '{organizations.update_administrator}'),
  ('members.manage', 'members', 'manage', 'role', 'safetypin_app',
    'Invite, suspend, reactivate and remove members, and set their role.',
    '{add_member,withdraw_invitation,set_member_role,suspend_member,reactivate_member,remove_member}', '{}'),
  ('domains.manage', 'domains', 'manage', 'role', 'safetypin_app',
    'Claim, prove and give up e-mail domains.',
    '{claim_domain,verify_domain,release_domain}', '{}'),
  ('roles.manage', 'roles', 'manage', 'role', 'safetypin_app',
    'Make, change and delete roles of the organization.',
    '{create_role,update_role,delete_role,set_role_permissions,change_role_permissions}', '{}'),
  ('roles.assign', 'roles', 'assign', 'role', 'safetypin_app',
    'Give roles to members and take them.',
    '{assign_role,remove_role}', '{}'),
  ('policies.manage', 'policies', 'manage', 'role', 'safetypin_app',
    'Make the organization stricter about passwords and sessions.',
    '{clear_password_policy}', '{password_policies.insert_administrator,password_policies.update_administrator}'),
  ('sessions.read', 'sessions', 'read', 'role', 'safetypin_app',
    'See the sessions of the organization''s members.',
    '{}', '{sessions.select_administrator}'),
  ('sessions.revoke', 'sessions', 'revoke', 'role', 'safetypin_app',
    'End the sessions of the organization''s members.',
    '{revoke_member_sessions}', '{}'),
  ('credentials.manage', 'credentials', 'manage', 'role', 'safetypin_app',
    'Make members choose a new password.',
    '{require_password_change}', '{}'),
  ('audit.read', 'audit', 'read', 'role', 'safetypin_app',
    'Read and export the events and changes of the organization.',
    '{record_export}', '{auth_audit_logs.select_administrator,data_change_logs.select_administrator}'),
  ('alerts.manage', 'alerts', 'manage', 'role', 'safetypin_app',
    'See, open and close the security alerts of the organization.',
    '{report_alert,acknowledge_alert,resolve_alert}', '{security_alerts.select_administrator}'),

  -- Held by owners
  ('organization.own', 'organization', 'own', 'owner', 'safetypin_app',
    'Close the organization and give it to another owner.',
    '{close_organization,transfer_ownership}', '{}'),

  -- Held by whoever is signed in, for themselves
  ('organizations.found', 'organizations', 'found', 'signed_in', 'safetypin_app',
    'Found an organization.',
    '{create_organization,add_first_key}', '{}'),
  ('organization.see', 'organization', 'see', 'signed_in', 'safetypin_app',
    'See the organization one is in: its people, domains, roles and policy.',
    '{search_users}',
    '{organizations.select_member,organization_users.select_member,organization_domains.select_member,users.select_member,roles.select_member,role_permissions.select_member,user_roles.select_member,password_policies.select_member}'),
  ('own_memberships.manage', 'own_memberships', 'manage', 'signed_in', 'safetypin_app',
    'See the organizations one is in or invited to; join, enter and leave them.',
    '{list_own_organizations,accept_membership,choose_organization,leave_organization,find_organization_of_own_domain}', '{}'),
  ('own_profile.manage', 'own_profile', 'manage', 'signed_in', 'safetypin_app',
    'See and change what is said of oneself, and close or erase one''s account.',
    '{close_account,erase_own_account,set_own_phone_number}', '{users.select_member,users.update_self}'),
  ('own_password.manage', 'own_password', 'manage', 'signed_in', 'safetypin_app',
    'Change one''s own password.',
    '{prepare_password_change,change_password,rehash_password}', '{password_credentials.select_self}'),
  ('own_sessions.manage', 'own_sessions', 'manage', 'signed_in', 'safetypin_app',
    'See and end one''s own sessions.',
    '{revoke_session,revoke_other_sessions,revoke_all_sessions,set_session_data}',
    '{sessions.select_self,session_activities.select_member}'),
  ('own_evidence.read', 'own_evidence', 'read', 'signed_in', 'safetypin_app',
    'See what was done to oneself and in one''s name.',
    '{}', '{auth_audit_logs.select_self,access_attempt_logs.select_self}'),

  -- Held by everyone: the doors, and what tells only about the caller
  ('sign_in.attempt', 'sign_in', 'attempt', 'everyone', 'safetypin_app',
    'Register, verify an address, sign in, refresh a session and reset a password.',
    '{register_user,verify_email,request_email_verification,begin_password_check,submit_password_proof,finish_password_check,refresh_session,request_password_reset,prepare_password_reset,reset_password,read_password_policy,begin_request}',
    '{password_blocklist.select_everyone}'),
  ('context.read', 'context', 'read', 'everyone', 'safetypin_app',
    'Ask who is asking, and what they may do.',
    '{verified_context,current_user_id,current_organization_id,current_session_id,current_assurance_level,current_ip_address,current_user_agent,has_permission,has_any_permission,has_all_permissions,require_permission,list_own_permissions,new_id,is_printable,count_partitions_ahead,record_denial}', '{}'),
  ('sealed_fields.open', 'sealed_fields', 'open', 'everyone', 'safetypin_app',
    'Hand over the share of a key, and open and find what row-level security shows anyway.',
    '{hello,forget_settings,require_own_statements,list_wrapped_shares,unlock,open_fields,open_rows,open_users,open_attempts,find_user_by_email}', '{sealed_fields.select_everyone}'),
  ('catalogue.read', 'catalogue', 'read', 'everyone', 'safetypin_app',
    'Read what is the same for everybody: event types, permissions, cloud providers and the environment.',
    '{}',
    '{event_types.select_everyone,permissions.select_everyone,cloud_providers.select_everyone,cell_settings.select_everyone}'),

  -- Held by database roles
  ('cell.maintain', 'cell', 'maintain', 'database_role', 'safetypin_operator',
    'Make partitions, sweep what has ended, rotate keys and declare the environment.',
    '{make_partitions,sweep_sessions,sweep_refresh_tokens,sweep_messages,sweep_one_time_tokens,sweep_password_attempts,sweep_sign_in_throttles,sweep_context_keys,rotate_context_key,end_sessions,raise_operational_alerts,raise_message_alerts,declare_environment}',
    '{password_policies.select_operator,password_policies.update_operator}'),
  ('cell.administer', 'cell', 'administer', 'database_role', 'safetypin_operator',
    'Suspend and reactivate people and organizations, set subscriptions, and take an organization''s policy away.',
    '{suspend_user,reactivate_user,suspend_organization,reactivate_organization,set_subscription,reset_organization_policy,mark_password_compromised}', '{}'),
  ('cell.keys', 'cell', 'keys', 'database_role', 'safetypin_operator',
    'Add, activate, rotate, rewrap, retire and destroy keys, and work under them.',
    '{hello,forget_settings,require_own_statements,unlock,open_fields,open_rows,next_key_id,list_keys,add_key,activate_key,renew_key,check_share,rewrap_key,retire_key,destroy_key,declare_log_strictness,reencrypt_batch,take_client_sealed,replace_client_sealed,count_sealed_values,rotate_digest_key,move_sign_in_throttles,read_digest_rotation,list_index_versions,begin_index_rotation,begin_index_backfill,backfill_index_batch,cut_over_index,finish_index_rotation,delete_index_batch}', '{sealed_fields.select_everyone,blind_indexes.select_everyone}'),
  ('cell.shred', 'cell', 'shred', 'database_role', 'safetypin_operator',
    'Shred people and organizations, place legal holds, and keep and replay the ledger.',
    '{shred_person,shred_organization,place_legal_hold,release_legal_hold,list_legal_holds,declare_backup_age,list_shreddings,export_shreddings,read_ledger_end,read_restore_state,verify_shreddings,verify_ledger_end,replay_shreddings,finish_replay,confirm_restore,declare_restored}', '{}'),
  ('messages.deliver', 'messages', 'deliver', 'database_role', 'safetypin_mailer',
    'Take the messages that are to be sent, and the tokens in them.',
    '{take_messages,finish_message}', '{}'),
  ('cell.audit', 'cell', 'audit', 'database_role', 'safetypin_auditor',
    'Read and export all evidence of the cell, and see who holds what.',
    '{record_auditor_export,hello,forget_settings,require_own_statements,list_wrapped_shares,unlock,open_attempts,ip_address_indexes}',
    '{auth_audit_logs.select_auditor,access_attempt_logs.select_auditor,data_change_logs.select_auditor,security_alerts.select_auditor,organizations.select_auditor,organization_users.select_auditor,roles.select_auditor,role_permissions.select_auditor,user_roles.select_auditor,password_policies.select_auditor,shreddings.select_auditor,legal_holds.select_auditor}')
on conflict (name) do update
set
  resource_type = excluded.resource_type,
  action = excluded.action,
  held_by = excluded.held_by,
  database_role = excluded.database_role,
  description = excluded.description,
  functions = excluded.functions,
  policies = excluded.policies
where (
  permissions.resource_type, permissions.action, permissions.held_by, permissions.database_role,
  permissions.description, permissions.functions, permissions.policies
) is distinct from (
  excluded.resource_type, excluded.action, excluded.held_by, excluded.database_role,
  excluded.description, excluded.functions, excluded.policies
);
