/*
 * base: what can happen, and which functions record it
 *
 * One row per kind of event. A definer function that is in none of these lists
 * fails a test, unless it merely reads.
 */

insert into event_types (name, severity, description, functions)
values
  ('access.denied', 'warning', 'A request was refused.', '{record_denial}'),
  ('alert.acknowledged', 'info', 'Somebody is looking at an alert.', '{acknowledge_alert}'),
  ('alert.resolved', 'info', 'An alert was closed with a note.', '{resolve_alert}'),
  ('alerts.checked', 'info', 'Maintenance looked for trouble.', '{raise_operational_alerts}'),
  ('audit.exported', 'notice', 'Evidence left the database, or was about to.', '{record_export,record_auditor_export}'),
  ('cell.environment_declared', 'notice', 'The cell was declared production, test or development.', '{declare_environment}'),
  ('context_key.rotated', 'notice', 'A new key signs contexts or derives refresh tokens.', '{rotate_context_key}'),
  ('domain.claimed', 'info', 'An organization claimed an e-mail domain.', '{claim_domain}'),
  ('domain.released', 'notice', 'An organization gave an e-mail domain up.', '{release_domain}'),
  ('domain.verified', 'notice', 'An organization proved, or failed to prove, an e-mail domain.', '{verify_domain}'),
  ('email.registered_again', 'info', 'The owner of an address learned that it was registered again.', '{verify_email}'),
  ('email.verification_requested', 'info', 'A message to verify an address was asked for.', '{request_email_verification}'),
  ('email.verified', 'info', 'An address was verified.', '{verify_email}'),
  ('member.invitation_withdrawn', 'info', 'An invitation to an organization was taken back.', '{withdraw_invitation}'),
  ('member.invited', 'info', 'Somebody was asked to join an organization.', '{add_member}'),
  ('member.joined', 'info', 'Somebody joined an organization.', '{accept_membership}'),
  ('member.left', 'info', 'Somebody left an organization.', '{leave_organization}'),
  ('member.reactivated', 'notice', 'A suspended member was let back in.', '{reactivate_member}'),
  ('member.removed', 'notice', 'A membership was ended.', '{remove_member}'),
  ('member.role_set', 'notice', 'A member was made owner, admin or member.', '{set_member_role}'),
  ('member.suspended', 'notice', 'A member was kept out.', '{suspend_member}'),
  ('one_time_tokens.swept', 'info', 'Tokens that had ended were deleted.', '{sweep_one_time_tokens}'),
  ('organization.closed', 'warning', 'An organization was closed by its owner.', '{close_organization}'),
  ('organization.created', 'info', 'An organization was founded.', '{create_organization}'),
  ('organization.ownership_transferred', 'warning', 'An organization got another owner.', '{transfer_ownership}'),
  ('organization.reactivated', 'warning', 'A suspended organization was opened again.', '{reactivate_organization}'),
  ('organization.subscription_set', 'notice', 'What an organization pays for was set.', '{set_subscription}'),
  ('organization.suspended', 'warning', 'Everybody was kept out of an organization.', '{suspend_organization}'),
  ('partitions.made', 'info', 'Monthly partitions of the logs were made.', '{make_partitions}'),
  ('password.change_demanded', 'notice', 'A member must choose a new password.', '{require_password_change}'),
  ('password.change_required', 'notice', 'The password was right and must be changed before it opens a session.', '{finish_password_check}'),
  ('password.changed', 'notice', 'A password was changed, or its change was refused.', '{change_password}'),
  ('password.compromised', 'warning', 'A password was found to be known to others.', '{mark_password_compromised}'),
  ('password.disabled', 'warning', 'A hundred failures in a row disabled a password.', '{finish_password_check,change_password}'),
  ('password.rehashed', 'info', 'A digest was replaced by a dearer one.', '{rehash_password}'),
  ('password.reset', 'notice', 'A password was reset, or its reset was refused.', '{reset_password}'),
  ('password.reset_prepared', 'info', 'The holder of a reset token asked for the rules.', '{prepare_password_reset}'),
  ('password.reset_requested', 'info', 'A message to reset a password was asked for.', '{request_password_reset}'),
  ('password_attempts.swept', 'info', 'Attempts that were over were deleted.', '{sweep_password_attempts}'),
  ('policy.cleared', 'notice', 'An organization gave its own password policy up.', '{clear_password_policy}'),
  ('refresh_tokens.swept', 'info', 'Refresh tokens used long ago were deleted.', '{sweep_refresh_tokens}'),
  ('role.assigned', 'notice', 'A member was given a role.', '{assign_role}'),
  ('role.created', 'info', 'A role was made.', '{create_role}'),
  ('role.deleted', 'notice', 'A role was deleted.', '{delete_role}'),
  ('role.permissions_set', 'notice', 'A role was given a set of permissions.', '{set_role_permissions,change_role_permissions}'),
  ('role.removed', 'notice', 'A role was taken from a member.', '{remove_role}'),
  ('role.updated', 'info', 'A role was renamed or described.', '{update_role}'),
  ('session.all_revoked', 'notice', 'Somebody ended all their sessions.', '{revoke_all_sessions}'),
  ('session.data_set', 'info', 'The application kept something with a session.', '{set_session_data}'),
  ('session.member_revoked', 'notice', 'A member''s sessions were ended.', '{revoke_member_sessions}'),
  ('session.opened', 'info', 'Somebody signed in.', '{finish_password_check}'),
  ('session.organization_chosen', 'info', 'A session entered an organization.', '{choose_organization}'),
  ('session.others_revoked', 'notice', 'Somebody ended all their other sessions.', '{revoke_other_sessions}'),
  ('session.refresh_refused', 'notice', 'A refresh token was not good.', '{refresh_session}'),
  ('session.refresh_reused', 'warning', 'A used refresh token came back: the session was ended.', '{refresh_session}'),
  ('session.refreshed', 'info', 'A session got its next tokens.', '{refresh_session}'),
  ('session.revoked', 'info', 'Somebody signed out or ended a session of theirs.', '{revoke_session}'),
  ('sessions.swept', 'info', 'Sessions that ended long ago were deleted.', '{sweep_sessions}'),
  ('sign_in_throttles.swept', 'info', 'Failures long past were forgotten.', '{sweep_sign_in_throttles}'),
  ('user.closed', 'warning', 'Somebody closed their account.', '{close_account}'),
  ('user.reactivated', 'warning', 'A suspended person may sign in again.', '{reactivate_user}'),
  ('user.registered', 'info', 'Somebody registered.', '{register_user}'),
  ('user.suspended', 'warning', 'A person may no longer sign in.', '{suspend_user}')
on conflict (name) do update
set
  severity = excluded.severity,
  description = excluded.description,
  functions = excluded.functions
where (event_types.severity, event_types.description, event_types.functions)
  is distinct from (excluded.severity, excluded.description, excluded.functions);
