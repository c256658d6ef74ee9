/** Types generated for queries found in "queries/password_policies.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

/** 'FindPasswordPolicy' parameters type */
export type FindPasswordPolicyParams = void;

/** 'FindPasswordPolicy' return type */
export interface FindPasswordPolicyResult {
  aal1AbsoluteMinutes: number;
  aal1IdleMinutes: number;
  aal2AbsoluteMinutes: number;
  aal2IdleMinutes: number;
  aal3AbsoluteMinutes: number;
  aal3IdleMinutes: number;
  /** For how many days a password may not be used again, whatever the depth. [internal] */
  historyDays: number;
  /** How many of the last passwords may not be used again, the current one included. [internal] */
  historyDepth: number;
  /** Days until a password must be changed; null, as NIST wants it, for never. [internal] */
  maximumAgeDays: number | null;
  /** Most code points: at least 64. [internal] */
  maxLength: number;
  /** How many sessions a person may have at once: one more ends the oldest. [internal] */
  maxSessions: number;
  /** Whether a second factor must be complete before the organization is entered. [internal] */
  mfaRequired: boolean;
  /** Fewest code points: at least 15, or 8 where mfa_required. What holds for a person is 15 at least, for as long as their password alone opens a session. [internal] */
  minLength: number;
  /** Whose policy; null for the cell's default. [internal] */
  organizationId: string | null;
  /** Whether one must be a digit. [internal] */
  requireDigit: boolean;
  /** Whether one must be a lower-case letter. [internal] */
  requireLowercase: boolean;
  /** Whether one must be neither letter nor digit. [internal] */
  requireSymbol: boolean;
  /** Whether one must be an upper-case letter. [internal] */
  requireUppercase: boolean;
}

/** 'FindPasswordPolicy' query type */
export interface FindPasswordPolicyQuery {
  params: FindPasswordPolicyParams;
  result: FindPasswordPolicyResult;
}

const findPasswordPolicyIR: any = {"usedParamSet":{},"params":[],"statement":"-- The organization's own, or the cell's default where it has none.\nselect\n  organization_id as \"organizationId\",\n  min_length as \"minLength\",\n  max_length as \"maxLength\",\n  require_uppercase as \"requireUppercase\",\n  require_lowercase as \"requireLowercase\",\n  require_digit as \"requireDigit\",\n  require_symbol as \"requireSymbol\",\n  maximum_age_days as \"maximumAgeDays\",\n  history_depth as \"historyDepth\",\n  history_days as \"historyDays\",\n  mfa_required as \"mfaRequired\",\n  max_sessions as \"maxSessions\",\n  (extract(epoch from aal1_absolute_limit) / 60)::integer as \"aal1AbsoluteMinutes!\",\n  (extract(epoch from aal1_idle_limit) / 60)::integer as \"aal1IdleMinutes!\",\n  (extract(epoch from aal2_absolute_limit) / 60)::integer as \"aal2AbsoluteMinutes!\",\n  (extract(epoch from aal2_idle_limit) / 60)::integer as \"aal2IdleMinutes!\",\n  (extract(epoch from aal3_absolute_limit) / 60)::integer as \"aal3AbsoluteMinutes!\",\n  (extract(epoch from aal3_idle_limit) / 60)::integer as \"aal3IdleMinutes!\"\nfrom password_policies\nwhere organization_id = (select current_organization_id())\n  or organization_id is null\norder by organization_id nulls last\nlimit 1"};

/**
 * Query generated from SQL:
 * ```
 * -- The organization's own, or the cell's default where it has none.
 * select
 *   organization_id as "organizationId",
 *   min_length as "minLength",
 *   max_length as "maxLength",
 *   require_uppercase as "requireUppercase",
 *   require_lowercase as "requireLowercase",
 *   require_digit as "requireDigit",
 *   require_symbol as "requireSymbol",
 *   maximum_age_days as "maximumAgeDays",
 *   history_depth as "historyDepth",
 *   history_days as "historyDays",
 *   mfa_required as "mfaRequired",
 *   max_sessions as "maxSessions",
 *   (extract(epoch from aal1_absolute_limit) / 60)::integer as "aal1AbsoluteMinutes!",
 *   (extract(epoch from aal1_idle_limit) / 60)::integer as "aal1IdleMinutes!",
 *   (extract(epoch from aal2_absolute_limit) / 60)::integer as "aal2AbsoluteMinutes!",
 *   (extract(epoch from aal2_idle_limit) / 60)::integer as "aal2IdleMinutes!",
 *   (extract(epoch from aal3_absolute_limit) / 60)::integer as "aal3AbsoluteMinutes!",
 *   (extract(epoch from aal3_idle_limit) / 60)::integer as "aal3IdleMinutes!"
 * from password_policies
 * where organization_id = (select current_organization_id())
 *   or organization_id is null
 * order by organization_id nulls last
 * limit 1
 * ```
 */
export const findPasswordPolicy = new PreparedQuery<FindPasswordPolicyParams,FindPasswordPolicyResult>(findPasswordPolicyIR);


/** 'SetPasswordPolicy' parameters type */
export interface SetPasswordPolicyParams {
  aal1AbsoluteMinutes: number;
  aal1IdleMinutes: number;
  aal2AbsoluteMinutes: number;
  aal2IdleMinutes: number;
  aal3AbsoluteMinutes: number;
  aal3IdleMinutes: number;
  historyDays: number;
  historyDepth: number;
  maximumAgeDays?: number | null | void;
  maxLength: number;
  maxSessions: number;
  mfaRequired: boolean;
  minLength: number;
  requireDigit: boolean;
  requireLowercase: boolean;
  requireSymbol: boolean;
  requireUppercase: boolean;
}

/** 'SetPasswordPolicy' return type */
export interface SetPasswordPolicyResult {
  aal1AbsoluteMinutes: number;
  aal1IdleMinutes: number;
  aal2AbsoluteMinutes: number;
  aal2IdleMinutes: number;
  aal3AbsoluteMinutes: number;
  aal3IdleMinutes: number;
  /** For how many days a password may not be used again, whatever the depth. [internal] */
  historyDays: number;
  /** How many of the last passwords may not be used again, the current one included. [internal] */
  historyDepth: number;
  /** Days until a password must be changed; null, as NIST wants it, for never. [internal] */
  maximumAgeDays: number | null;
  /** Most code points: at least 64. [internal] */
  maxLength: number;
  /** How many sessions a person may have at once: one more ends the oldest. [internal] */
  maxSessions: number;
  /** Whether a second factor must be complete before the organization is entered. [internal] */
  mfaRequired: boolean;
  /** Fewest code points: at least 15, or 8 where mfa_required. What holds for a person is 15 at least, for as long as their password alone opens a session. [internal] */
  minLength: number;
  /** Whose policy; null for the cell's default. [internal] */
  organizationId: string | null;
  /** Whether one must be a digit. [internal] */
  requireDigit: boolean;
  /** Whether one must be a lower-case letter. [internal] */
  requireLowercase: boolean;
  /** Whether one must be neither letter nor digit. [internal] */
  requireSymbol: boolean;
  /** Whether one must be an upper-case letter. [internal] */
  requireUppercase: boolean;
}

/** 'SetPasswordPolicy' query type */
export interface SetPasswordPolicyQuery {
  params: SetPasswordPolicyParams;
  result: SetPasswordPolicyResult;
}

const setPasswordPolicyIR: any = {"usedParamSet":{"minLength":true,"maxLength":true,"requireUppercase":true,"requireLowercase":true,"requireDigit":true,"requireSymbol":true,"maximumAgeDays":true,"historyDepth":true,"historyDays":true,"mfaRequired":true,"maxSessions":true,"aal1AbsoluteMinutes":true,"aal1IdleMinutes":true,"aal2AbsoluteMinutes":true,"aal2IdleMinutes":true,"aal3AbsoluteMinutes":true,"aal3IdleMinutes":true},"params":[{"name":"minLength","required":true,"transform":{"type":"scalar"},"locs":[{"a":387,"b":397}]},{"name":"maxLength","required":true,"transform":{"type":"scalar"},"locs":[{"a":400,"b":410}]},{"name":"requireUppercase","required":true,"transform":{"type":"scalar"},"locs":[{"a":413,"b":430}]},{"name":"requireLowercase","required":true,"transform":{"type":"scalar"},"locs":[{"a":435,"b":452}]},{"name":"requireDigit","required":true,"transform":{"type":"scalar"},"locs":[{"a":455,"b":468}]},{"name":"requireSymbol","required":true,"transform":{"type":"scalar"},"locs":[{"a":471,"b":485}]},{"name":"maximumAgeDays","required":false,"transform":{"type":"scalar"},"locs":[{"a":488,"b":502}]},{"name":"historyDepth","required":true,"transform":{"type":"scalar"},"locs":[{"a":505,"b":518}]},{"name":"historyDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":523,"b":535}]},{"name":"mfaRequired","required":true,"transform":{"type":"scalar"},"locs":[{"a":538,"b":550}]},{"name":"maxSessions","required":true,"transform":{"type":"scalar"},"locs":[{"a":553,"b":565}]},{"name":"aal1AbsoluteMinutes","required":true,"transform":{"type":"scalar"},"locs":[{"a":592,"b":612}]},{"name":"aal1IdleMinutes","required":true,"transform":{"type":"scalar"},"locs":[{"a":638,"b":654}]},{"name":"aal2AbsoluteMinutes","required":true,"transform":{"type":"scalar"},"locs":[{"a":682,"b":702}]},{"name":"aal2IdleMinutes","required":true,"transform":{"type":"scalar"},"locs":[{"a":728,"b":744}]},{"name":"aal3AbsoluteMinutes","required":true,"transform":{"type":"scalar"},"locs":[{"a":772,"b":792}]},{"name":"aal3IdleMinutes","required":true,"transform":{"type":"scalar"},"locs":[{"a":818,"b":834}]}],"statement":"insert into password_policies (\n  organization_id, min_length, max_length, require_uppercase, require_lowercase, require_digit,\n  require_symbol, maximum_age_days, history_depth, history_days, mfa_required, max_sessions,\n  aal1_absolute_limit, aal1_idle_limit, aal2_absolute_limit, aal2_idle_limit,\n  aal3_absolute_limit, aal3_idle_limit\n)\nvalues (\n  (select current_organization_id()), :minLength!, :maxLength!, :requireUppercase!,\n  :requireLowercase!, :requireDigit!, :requireSymbol!, :maximumAgeDays, :historyDepth!,\n  :historyDays!, :mfaRequired!, :maxSessions!,\n  make_interval(mins => :aal1AbsoluteMinutes!), make_interval(mins => :aal1IdleMinutes!),\n  make_interval(mins => :aal2AbsoluteMinutes!), make_interval(mins => :aal2IdleMinutes!),\n  make_interval(mins => :aal3AbsoluteMinutes!), make_interval(mins => :aal3IdleMinutes!)\n)\non conflict (organization_id) do update\nset\n  min_length = excluded.min_length,\n  max_length = excluded.max_length,\n  require_uppercase = excluded.require_uppercase,\n  require_lowercase = excluded.require_lowercase,\n  require_digit = excluded.require_digit,\n  require_symbol = excluded.require_symbol,\n  maximum_age_days = excluded.maximum_age_days,\n  history_depth = excluded.history_depth,\n  history_days = excluded.history_days,\n  mfa_required = excluded.mfa_required,\n  max_sessions = excluded.max_sessions,\n  aal1_absolute_limit = excluded.aal1_absolute_limit,\n  aal1_idle_limit = excluded.aal1_idle_limit,\n  aal2_absolute_limit = excluded.aal2_absolute_limit,\n  aal2_idle_limit = excluded.aal2_idle_limit,\n  aal3_absolute_limit = excluded.aal3_absolute_limit,\n  aal3_idle_limit = excluded.aal3_idle_limit\nreturning\n  organization_id as \"organizationId\",\n  min_length as \"minLength\",\n  max_length as \"maxLength\",\n  require_uppercase as \"requireUppercase\",\n  require_lowercase as \"requireLowercase\",\n  require_digit as \"requireDigit\",\n  require_symbol as \"requireSymbol\",\n  maximum_age_days as \"maximumAgeDays\",\n  history_depth as \"historyDepth\",\n  history_days as \"historyDays\",\n  mfa_required as \"mfaRequired\",\n  max_sessions as \"maxSessions\",\n  (extract(epoch from aal1_absolute_limit) / 60)::integer as \"aal1AbsoluteMinutes!\",\n  (extract(epoch from aal1_idle_limit) / 60)::integer as \"aal1IdleMinutes!\",\n  (extract(epoch from aal2_absolute_limit) / 60)::integer as \"aal2AbsoluteMinutes!\",\n  (extract(epoch from aal2_idle_limit) / 60)::integer as \"aal2IdleMinutes!\",\n  (extract(epoch from aal3_absolute_limit) / 60)::integer as \"aal3AbsoluteMinutes!\",\n  (extract(epoch from aal3_idle_limit) / 60)::integer as \"aal3IdleMinutes!\""};

/**
 * Query generated from SQL:
 * ```
 * insert into password_policies (
 *   organization_id, min_length, max_length, require_uppercase, require_lowercase, require_digit,
 *   require_symbol, maximum_age_days, history_depth, history_days, mfa_required, max_sessions,
 *   aal1_absolute_limit, aal1_idle_limit, aal2_absolute_limit, aal2_idle_limit,
 *   aal3_absolute_limit, aal3_idle_limit
 * )
 * values (
 *   (select current_organization_id()), :minLength!, :maxLength!, :requireUppercase!,
 *   :requireLowercase!, :requireDigit!, :requireSymbol!, :maximumAgeDays, :historyDepth!,
 *   :historyDays!, :mfaRequired!, :maxSessions!,
 *   make_interval(mins => :aal1AbsoluteMinutes!), make_interval(mins => :aal1IdleMinutes!),
 *   make_interval(mins => :aal2AbsoluteMinutes!), make_interval(mins => :aal2IdleMinutes!),
 *   make_interval(mins => :aal3AbsoluteMinutes!), make_interval(mins => :aal3IdleMinutes!)
 * )
 * on conflict (organization_id) do update
 * set
 *   min_length = excluded.min_length,
 *   max_length = excluded.max_length,
 *   require_uppercase = excluded.require_uppercase,
 *   require_lowercase = excluded.require_lowercase,
 *   require_digit = excluded.require_digit,
 *   require_symbol = excluded.require_symbol,
 *   maximum_age_days = excluded.maximum_age_days,
 *   history_depth = excluded.history_depth,
 *   history_days = excluded.history_days,
 *   mfa_required = excluded.mfa_required,
 *   max_sessions = excluded.max_sessions,
 *   aal1_absolute_limit = excluded.aal1_absolute_limit,
 *   aal1_idle_limit = excluded.aal1_idle_limit,
 *   aal2_absolute_limit = excluded.aal2_absolute_limit,
 *   aal2_idle_limit = excluded.aal2_idle_limit,
 *   aal3_absolute_limit = excluded.aal3_absolute_limit,
 *   aal3_idle_limit = excluded.aal3_idle_limit
 * returning
 *   organization_id as "organizationId",
 *   min_length as "minLength",
 *   max_length as "maxLength",
 *   require_uppercase as "requireUppercase",
 *   require_lowercase as "requireLowercase",
 *   require_digit as "requireDigit",
 *   require_symbol as "requireSymbol",
 *   maximum_age_days as "maximumAgeDays",
 *   history_depth as "historyDepth",
 *   history_days as "historyDays",
 *   mfa_required as "mfaRequired",
 *   max_sessions as "maxSessions",
 *   (extract(epoch from aal1_absolute_limit) / 60)::integer as "aal1AbsoluteMinutes!",
 *   (extract(epoch from aal1_idle_limit) / 60)::integer as "aal1IdleMinutes!",
 *   (extract(epoch from aal2_absolute_limit) / 60)::integer as "aal2AbsoluteMinutes!",
 *   (extract(epoch from aal2_idle_limit) / 60)::integer as "aal2IdleMinutes!",
 *   (extract(epoch from aal3_absolute_limit) / 60)::integer as "aal3AbsoluteMinutes!",
 *   (extract(epoch from aal3_idle_limit) / 60)::integer as "aal3IdleMinutes!"
 * ```
 */
export const setPasswordPolicy = new PreparedQuery<SetPasswordPolicyParams,SetPasswordPolicyResult>(setPasswordPolicyIR);


/** 'ClearPasswordPolicy' parameters type */
export type ClearPasswordPolicyParams = void;

/** 'ClearPasswordPolicy' return type */
export interface ClearPasswordPolicyResult {
  wasCleared: boolean;
}

/** 'ClearPasswordPolicy' query type */
export interface ClearPasswordPolicyQuery {
  params: ClearPasswordPolicyParams;
  result: ClearPasswordPolicyResult;
}

const clearPasswordPolicyIR: any = {"usedParamSet":{},"params":[],"statement":"select clear_password_policy() as \"wasCleared!\""};

/**
 * Query generated from SQL:
 * ```
 * select clear_password_policy() as "wasCleared!"
 * ```
 */
export const clearPasswordPolicy = new PreparedQuery<ClearPasswordPolicyParams,ClearPasswordPolicyResult>(clearPasswordPolicyIR);


/** 'ReadPasswordPolicy' parameters type */
export type ReadPasswordPolicyParams = void;

/** 'ReadPasswordPolicy' return type */
export interface ReadPasswordPolicyResult {
  bcryptCost: number;
  maxLength: number;
  minLength: number;
  requireDigit: boolean;
  requireLowercase: boolean;
  requireSymbol: boolean;
  requireUppercase: boolean;
  version: string;
}

/** 'ReadPasswordPolicy' query type */
export interface ReadPasswordPolicyQuery {
  params: ReadPasswordPolicyParams;
  result: ReadPasswordPolicyResult;
}

const readPasswordPolicyIR: any = {"usedParamSet":{},"params":[],"statement":"select\n  version as \"version!\",\n  min_length as \"minLength!\",\n  max_length as \"maxLength!\",\n  require_uppercase as \"requireUppercase!\",\n  require_lowercase as \"requireLowercase!\",\n  require_digit as \"requireDigit!\",\n  require_symbol as \"requireSymbol!\",\n  bcrypt_cost as \"bcryptCost!\"\nfrom read_password_policy()"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   version as "version!",
 *   min_length as "minLength!",
 *   max_length as "maxLength!",
 *   require_uppercase as "requireUppercase!",
 *   require_lowercase as "requireLowercase!",
 *   require_digit as "requireDigit!",
 *   require_symbol as "requireSymbol!",
 *   bcrypt_cost as "bcryptCost!"
 * from read_password_policy()
 * ```
 */
export const readPasswordPolicy = new PreparedQuery<ReadPasswordPolicyParams,ReadPasswordPolicyResult>(readPasswordPolicyIR);


