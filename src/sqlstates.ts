import type { AuthenticationErrorCode } from "./errors.js";

/** What a SQLSTATE of SafetyPin becomes. */
export type SqlstateEntry =
  | { readonly kind: "authentication"; readonly code: AuthenticationErrorCode }
  | { readonly kind: "rule" | "not_found" | "configuration"; readonly code: string };

/**
 * Every SQLSTATE that the functions of a cell raise on purpose, and the stable code
 * it becomes. `docs/errors.md` says what each is about; a test holds both to the
 * catalog.
 *
 * The hundreds: 1 who are you, 2 you may not, 3 there is no such thing, 4 it clashes
 * with something, 5 it makes no sense.
 */
export const SQLSTATES: Readonly<Record<string, SqlstateEntry>> = {
  SP101: { kind: "authentication", code: "session_invalid" },
  SP102: { kind: "authentication", code: "not_signed_in" },
  SP103: { kind: "rule", code: "organization_not_chosen" },
  SP104: { kind: "authentication", code: "recent_sign_in_required" },

  SP201: { kind: "rule", code: "permission_required" },
  SP202: { kind: "rule", code: "grant_beyond_own" },
  SP203: { kind: "rule", code: "evidence_is_append_only" },
  SP204: { kind: "rule", code: "owner_required" },
  SP205: { kind: "rule", code: "system_role_is_fixed" },
  SP206: { kind: "rule", code: "cell_is_production" },
  SP207: { kind: "rule", code: "second_factor_not_given" },
  SP221: { kind: "rule", code: "key_share_refused" },
  SP222: { kind: "rule", code: "field_not_openable" },

  SP301: { kind: "not_found", code: "user_not_found" },
  SP302: { kind: "not_found", code: "member_not_found" },
  SP303: { kind: "not_found", code: "session_not_found" },
  SP305: { kind: "not_found", code: "organization_not_found" },
  SP306: { kind: "not_found", code: "role_not_found" },
  SP307: { kind: "not_found", code: "permission_not_found" },
  SP308: { kind: "not_found", code: "alert_not_found" },
  SP309: { kind: "not_found", code: "domain_not_found" },
  SP310: { kind: "not_found", code: "legal_hold_not_found" },
  SP321: { kind: "not_found", code: "key_not_found" },

  SP402: { kind: "rule", code: "password_policy_changed" },
  SP405: { kind: "rule", code: "environment_is_settled" },
  SP421: { kind: "rule", code: "key_state_is_linear" },
  SP422: { kind: "rule", code: "key_number_taken" },
  SP423: { kind: "rule", code: "writers_still_running" },
  SP424: { kind: "rule", code: "key_still_needed" },
  SP425: { kind: "rule", code: "subject_shredded" },
  SP426: { kind: "rule", code: "legal_hold" },
  SP427: { kind: "rule", code: "organization_at_work" },
  SP428: { kind: "rule", code: "shredding_ledger_refused" },

  SP501: { kind: "configuration", code: "server_too_old" },
  SP502: { kind: "configuration", code: "not_bootstrapped" },
  SP503: { kind: "rule", code: "word_unknown" },
  SP504: { kind: "rule", code: "number_out_of_range" },
  SP505: { kind: "rule", code: "transfer_to_oneself" },
  SP506: { kind: "rule", code: "search_length_out_of_range" },
  SP507: { kind: "rule", code: "password_digest_too_cheap" },
  SP508: { kind: "rule", code: "password_digest_missing" },
  SP509: { kind: "rule", code: "input_missing" },
  SP510: { kind: "rule", code: "read_committed_required" },
  SP521: { kind: "rule", code: "value_cannot_be_opened" },
  SP522: { kind: "rule", code: "key_locked" },
  SP524: { kind: "configuration", code: "server_logs_secrets" },
  SP525: { kind: "rule", code: "sealed_value_refused" },
  SP526: { kind: "rule", code: "sealed_field_misused" },
  SP527: { kind: "configuration", code: "database_restored" },
  SP528: { kind: "configuration", code: "statement_prepared_by_sql" },
};

/** Whether a SQLSTATE says that somebody may not: the database wants to know of it. */
export function isDenial(sqlstate: string): boolean {
  return /^SP2/.test(sqlstate);
}
