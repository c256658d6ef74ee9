/** What a broken constraint becomes. */
export interface ConstraintEntry {
  /** The rule's stable name. */
  readonly code: string;

  /** What to do about it, as a sentence: the database's own would only name the constraint. */
  readonly sentence: string;
}

/**
 * Every constraint that something a caller says can break, and the rule it stands
 * for. Constraint names are part of what this package promises; a test holds this
 * table and {@link INNER_CONSTRAINTS} to the catalog.
 */
export const CONSTRAINTS: Readonly<Record<string, ConstraintEntry>> = {
  legal_holds_are_of_one_thing: {
    code: "legal_hold_subject_unclear",
    sentence: "A legal hold is of a person or of an organization: pass one of the two",
  },
  legal_holds_reason_is_short: {
    code: "legal_hold_reason_malformed",
    sentence: "The reason of a legal hold has 1 to 1000 characters, on one line",
  },
  organization_domains_domain_is_a_domain: {
    code: "domain_malformed",
    sentence: "A domain is lower-case labels joined by dots: example.com",
  },
  organization_domains_domain_is_short: {
    code: "domain_too_long",
    sentence: "A domain has at most 253 characters",
  },
  organization_domains_verified_domain_key: {
    code: "domain_taken",
    sentence: "The domain is another organization's",
  },
  organization_users_pkey: {
    code: "member_exists",
    sentence: "This person belongs to the organization already",
  },
  organization_users_role_is_known: {
    code: "membership_role_unknown",
    sentence: "A membership's role is owner, admin or member",
  },
  organizations_billing_email_is_an_address: {
    code: "billing_email_malformed",
    sentence: "The billing address must be an e-mail address: name@example.com",
  },
  organizations_have_room: {
    code: "organization_full",
    sentence: "The organization has as many members as it may have",
  },
  organizations_id_is_not_the_cells: {
    code: "id_is_nil",
    sentence: "The nil id is nobody's: make another id",
  },
  organizations_keep_an_owner: {
    code: "last_owner",
    sentence: "An organization keeps at least one owner: make somebody else one first",
  },
  organizations_max_users_is_positive: {
    code: "max_users_out_of_range",
    sentence: "The number of members must be at least 1, or null for no limit",
  },
  organizations_name_is_a_name: {
    code: "organization_name_malformed",
    sentence: "An organization's name has 1 to 200 characters, on one line and not only spaces",
  },
  organizations_pkey: {
    code: "organization_exists",
    sentence: "There is an organization with this id already: make another id",
  },
  organizations_settings_are_known: {
    code: "organization_settings_unknown",
    sentence:
      "An organization's settings are locale, timezone, logo_url and support_url, each a string and each optional, and 4096 bytes at most",
  },
  organizations_slug_is_kebab_case: {
    code: "organization_slug_malformed",
    sentence: "A slug is lower-case letters and digits in words joined by hyphens: acme-health",
  },
  organizations_slug_is_short: {
    code: "organization_slug_too_long",
    sentence: "A slug has at most 55 characters",
  },
  organizations_slug_key: {
    code: "organization_slug_taken",
    sentence: "Another organization got this slug at the same moment: try once more",
  },
  organizations_subscription_tier_is_a_word: {
    code: "subscription_tier_malformed",
    sentence: "A subscription tier is one lower-case word of at most 40 characters",
  },
  organizations_technical_contact_email_is_an_address: {
    code: "technical_contact_email_malformed",
    sentence: "The technical contact must be an e-mail address: name@example.com",
  },
  one_time_tokens_token_hash_is_a_digest: {
    code: "token_digest_malformed",
    sentence: "A token's digest is the 32 bytes of its SHA-256",
  },
  one_time_tokens_token_hash_key: {
    code: "token_exists",
    sentence: "There is a token with this digest already: make another",
  },
  password_attempts_proof_is_a_digest: {
    code: "password_proof_malformed",
    sentence: "The proof of a password is the 32 bytes of an HMAC-SHA-256",
  },
  password_credentials_digest_is_bcrypt: {
    code: "password_digest_malformed",
    sentence: "A password's digest is bcrypt's, $2a$, of cost 12 or more",
  },
  password_credentials_history_salt_is_bcrypt: {
    code: "password_history_salt_malformed",
    sentence: "A history digest begins with a bcrypt salt: $2a$, the cost, and 22 characters",
  },
  password_history_digest_is_bcrypt: {
    code: "password_history_digest_malformed",
    sentence: "A password's history digests are bcrypt's, $2a$, of cost 12 or more",
  },
  password_history_indexes_user_id_version_digest_index_key: {
    code: "password_reused",
    sentence: "The password was used before: choose another",
  },
  password_policies_aal1_limits_are_nist: {
    code: "session_limits_out_of_range",
    sentence:
      "Sessions of assurance level 1 last at most 30 days, and are idle for no longer than they last",
  },
  password_policies_aal2_limits_are_nist: {
    code: "session_limits_out_of_range",
    sentence: "Sessions of assurance level 2 last at most 24 hours, idle at most 1 hour",
  },
  password_policies_aal3_limits_are_nist: {
    code: "session_limits_out_of_range",
    sentence: "Sessions of assurance level 3 last at most 12 hours, idle at most 15 minutes",
  },
  password_policies_bcrypt_cost_is_strong: {
    code: "bcrypt_cost_out_of_range",
    sentence: "The cost of bcrypt is from 12 to 16",
  },
  password_policies_history_is_bounded: {
    code: "password_history_out_of_range",
    sentence: "A history remembers 1 to 50 passwords, for 0 to 3650 days",
  },
  password_policies_max_length_is_nist: {
    code: "password_max_length_out_of_range",
    sentence: "The longest password allowed has 64 to 1024 characters",
  },
  password_policies_max_sessions_is_sane: {
    code: "max_sessions_out_of_range",
    sentence: "A person may have 1 to 100 sessions at once",
  },
  password_policies_maximum_age_is_sane: {
    code: "password_age_out_of_range",
    sentence: "A password's greatest age is 1 to 3650 days, or null for none",
  },
  password_policies_min_length_is_nist: {
    code: "password_min_length_out_of_range",
    sentence:
      "The shortest password allowed has 15 to 64 characters, or 8 to 64 where a second factor is required",
  },
  password_policies_organization_id_key: {
    code: "password_policy_exists",
    sentence: "The organization has a policy already: change that one",
  },
  password_policies_sessions_can_be_used: {
    code: "session_limits_out_of_range",
    sentence: "Sessions last at least 5 minutes, idle at least 2",
  },
  password_policies_throttles_are_sane: {
    code: "throttle_out_of_range",
    sentence:
      "An account is throttled from 3 to 20 failures on, an address from 10 to 10000, for 1 second to 1 hour",
  },
  password_policies_throttles_are_the_cells: {
    code: "throttle_is_the_cells",
    sentence: "The cost of bcrypt and the throttles are the cell's alone",
  },
  roles_description_is_short: {
    code: "role_description_too_long",
    sentence: "A role's description has at most 1000 characters, and of those that are not seen only new lines",
  },
  roles_name_is_a_name: {
    code: "role_name_malformed",
    sentence: "A role's name has 1 to 100 characters, on one line and with no space at either end",
  },
  roles_organization_id_name_key: {
    code: "role_name_taken",
    sentence: "The organization has a role of this name already",
  },
  roles_pkey: {
    code: "role_exists",
    sentence: "There is a role with this id already: make another id",
  },
  security_alerts_resolution_note_is_short: {
    code: "alert_note_malformed",
    sentence: "A note on an alert has 1 to 1000 characters, on one line",
  },
  sessions_organization_id_user_id_fkey: {
    code: "membership_ended",
    sentence: "The membership ended at the same moment: sign in again",
  },
  sessions_session_data_is_a_small_object: {
    code: "session_data_out_of_range",
    sentence: "A session's data is one JSON object of at most 4096 bytes",
  },
  sessions_token_hash_is_a_digest: {
    code: "token_digest_malformed",
    sentence: "A token's digest is the 32 bytes of its SHA-256",
  },
  sessions_token_hash_key: {
    code: "token_exists",
    sentence: "There is a token with this digest already: make another",
  },
  refresh_tokens_token_hash_is_a_digest: {
    code: "token_digest_malformed",
    sentence: "A token's digest is the 32 bytes of its SHA-256",
  },
  refresh_tokens_token_hash_key: {
    code: "token_exists",
    sentence: "There is a token with this digest already: make another",
  },
  tenant_keys_key_name_is_short: {
    code: "key_name_malformed",
    sentence: "The name of a key of the key management service has 1 to 2048 visible characters of ASCII, and no space",
  },
  tenant_keys_organization_id_fkey: {
    code: "key_organization_unknown",
    sentence: "A key is of an organization that there is, or, for null, of the cell",
  },
  tenant_keys_organization_is_not_the_cell: {
    code: "key_organization_unknown",
    sentence: "A key is of an organization that there is, or, for null, of the cell",
  },
  tenant_keys_provider_is_a_word: {
    code: "key_provider_malformed",
    sentence: "A key provider is one lower-case word, with hyphens: aws-kms",
  },
  tenant_keys_tenant_id_key_id_key: {
    code: "key_exists",
    sentence: "Somebody else added a key at the same moment: ask for the next number once more",
  },
  tenant_keys_wrapped_is_short: {
    code: "wrapped_share_out_of_range",
    sentence: "A wrapped share has 1 to 8192 bytes",
  },
  user_roles_expire_after_they_are_granted: {
    code: "role_expiration_in_the_past",
    sentence: "A role that is granted ends in the future, or not at all",
  },
  user_roles_organization_id_user_id_fkey: {
    code: "membership_ended",
    sentence: "The membership ended at the same moment",
  },
  user_roles_reason_is_short: {
    code: "reason_too_long",
    sentence: "A reason has at most 1000 characters, on one line",
  },
  user_roles_role_id_fkey: {
    code: "role_deleted",
    sentence: "The role was deleted at the same moment",
  },
  users_avatar_url_is_https: {
    code: "avatar_url_malformed",
    sentence: "A picture's address begins with https:// and has no spaces",
  },
  users_email_is_an_address: {
    code: "email_malformed",
    sentence: "An e-mail address looks like name@example.com",
  },
  users_first_name_is_a_name: {
    code: "first_name_malformed",
    sentence: "A first name has 1 to 100 characters, on one line and not only spaces",
  },
  users_id_is_somebodys: {
    code: "id_is_nil",
    sentence: "The nil id is nobody's: make another id",
  },
  users_job_title_is_short: {
    code: "job_title_too_long",
    sentence: "A job title has at most 100 characters, on one line",
  },
  users_last_name_is_a_name: {
    code: "last_name_malformed",
    sentence: "A last name has 1 to 100 characters, on one line and not only spaces",
  },
  users_locale_is_a_language_tag: {
    code: "locale_malformed",
    sentence: "A locale is a BCP 47 language tag of up to 35 characters: en, or de-AT",
  },
  users_phone_number_is_e164: {
    code: "phone_number_malformed",
    sentence: "A phone number is a plus and 7 to 15 digits: +12025550123",
  },
  users_pkey: {
    code: "user_exists",
    sentence: "There is a person with this id already: make another id",
  },
  users_timezone_is_a_name: {
    code: "timezone_malformed",
    sentence: "A time zone is an IANA name: Europe/Vienna",
  },
  users_who_are_shredded_have_no_address: {
    code: "account_shredded",
    sentence: "The account was shredded at the same moment: whoever comes back registers anew",
  },
};
