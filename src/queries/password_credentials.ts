/** Types generated for queries found in "queries/password_credentials.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type BufferArray = (Buffer)[];

export type stringArray = (string)[];

/** 'RequirePasswordChange' parameters type */
export interface RequirePasswordChangeParams {
  userId: string;
}

/** 'RequirePasswordChange' return type */
export interface RequirePasswordChangeResult {
  require_password_change: undefined | null;
}

/** 'RequirePasswordChange' query type */
export interface RequirePasswordChangeQuery {
  params: RequirePasswordChangeParams;
  result: RequirePasswordChangeResult;
}

const requirePasswordChangeIR: any = {"usedParamSet":{"userId":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":31,"b":38}]}],"statement":"select require_password_change(:userId!)"};

/**
 * Query generated from SQL:
 * ```
 * select require_password_change(:userId!)
 * ```
 */
export const requirePasswordChange = new PreparedQuery<RequirePasswordChangeParams,RequirePasswordChangeResult>(requirePasswordChangeIR);


/** 'PreparePasswordChange' parameters type */
export type PreparePasswordChangeParams = void;

/** 'PreparePasswordChange' return type */
export interface PreparePasswordChangeResult {
  bcryptCost: number;
  email: string;
  firstName: string;
  historySalts: stringArray;
  lastName: string;
  maxLength: number;
  minLength: number;
  organizationNames: stringArray;
  requireDigit: boolean;
  requireLowercase: boolean;
  requireSymbol: boolean;
  requireUppercase: boolean;
  version: string;
}

/** 'PreparePasswordChange' query type */
export interface PreparePasswordChangeQuery {
  params: PreparePasswordChangeParams;
  result: PreparePasswordChangeResult;
}

const preparePasswordChangeIR: any = {"usedParamSet":{},"params":[],"statement":"select\n  email as \"email!\",\n  first_name as \"firstName!\",\n  last_name as \"lastName!\",\n  organization_names as \"organizationNames!\",\n  history_salts as \"historySalts!\",\n  (policy).version as \"version!\",\n  (policy).min_length as \"minLength!\",\n  (policy).max_length as \"maxLength!\",\n  (policy).require_uppercase as \"requireUppercase!\",\n  (policy).require_lowercase as \"requireLowercase!\",\n  (policy).require_digit as \"requireDigit!\",\n  (policy).require_symbol as \"requireSymbol!\",\n  (policy).bcrypt_cost as \"bcryptCost!\"\nfrom prepare_password_change()"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   email as "email!",
 *   first_name as "firstName!",
 *   last_name as "lastName!",
 *   organization_names as "organizationNames!",
 *   history_salts as "historySalts!",
 *   (policy).version as "version!",
 *   (policy).min_length as "minLength!",
 *   (policy).max_length as "maxLength!",
 *   (policy).require_uppercase as "requireUppercase!",
 *   (policy).require_lowercase as "requireLowercase!",
 *   (policy).require_digit as "requireDigit!",
 *   (policy).require_symbol as "requireSymbol!",
 *   (policy).bcrypt_cost as "bcryptCost!"
 * from prepare_password_change()
 * ```
 */
export const preparePasswordChange = new PreparedQuery<PreparePasswordChangeParams,PreparePasswordChangeResult>(preparePasswordChangeIR);


/** 'ChangePassword' parameters type */
export interface ChangePasswordParams {
  attemptId: string;
  historyDigests: BufferArray;
  passwordDigest: Buffer;
  policyVersion: string;
}

/** 'ChangePassword' return type */
export interface ChangePasswordResult {
  outcome: string;
}

/** 'ChangePassword' query type */
export interface ChangePasswordQuery {
  params: ChangePasswordParams;
  result: ChangePasswordResult;
}

const changePasswordIR: any = {"usedParamSet":{"attemptId":true,"passwordDigest":true,"historyDigests":true,"policyVersion":true},"params":[{"name":"attemptId","required":true,"transform":{"type":"scalar"},"locs":[{"a":26,"b":36}]},{"name":"passwordDigest","required":true,"transform":{"type":"scalar"},"locs":[{"a":39,"b":54}]},{"name":"historyDigests","required":true,"transform":{"type":"scalar"},"locs":[{"a":57,"b":72}]},{"name":"policyVersion","required":true,"transform":{"type":"scalar"},"locs":[{"a":84,"b":98}]}],"statement":"select change_password(\n  :attemptId!, :passwordDigest!, :historyDigests!::bytea[], :policyVersion!\n) as \"outcome!\""};

/**
 * Query generated from SQL:
 * ```
 * select change_password(
 *   :attemptId!, :passwordDigest!, :historyDigests!::bytea[], :policyVersion!
 * ) as "outcome!"
 * ```
 */
export const changePassword = new PreparedQuery<ChangePasswordParams,ChangePasswordResult>(changePasswordIR);


/** 'RequestPasswordReset' parameters type */
export interface RequestPasswordResetParams {
  email: string;
}

/** 'RequestPasswordReset' return type */
export interface RequestPasswordResetResult {
  request_password_reset: undefined | null;
}

/** 'RequestPasswordReset' query type */
export interface RequestPasswordResetQuery {
  params: RequestPasswordResetParams;
  result: RequestPasswordResetResult;
}

const requestPasswordResetIR: any = {"usedParamSet":{"email":true},"params":[{"name":"email","required":true,"transform":{"type":"scalar"},"locs":[{"a":30,"b":36}]}],"statement":"select request_password_reset(:email!)"};

/**
 * Query generated from SQL:
 * ```
 * select request_password_reset(:email!)
 * ```
 */
export const requestPasswordReset = new PreparedQuery<RequestPasswordResetParams,RequestPasswordResetResult>(requestPasswordResetIR);


/** 'PreparePasswordReset' parameters type */
export interface PreparePasswordResetParams {
  token: Buffer;
}

/** 'PreparePasswordReset' return type */
export interface PreparePasswordResetResult {
  bcryptCost: number;
  email: string;
  firstName: string;
  historySalts: stringArray;
  lastName: string;
  maxLength: number;
  minLength: number;
  organizationNames: stringArray;
  requireDigit: boolean;
  requireLowercase: boolean;
  requireSymbol: boolean;
  requireUppercase: boolean;
  version: string;
}

/** 'PreparePasswordReset' query type */
export interface PreparePasswordResetQuery {
  params: PreparePasswordResetParams;
  result: PreparePasswordResetResult;
}

const preparePasswordResetIR: any = {"usedParamSet":{"token":true},"params":[{"name":"token","required":true,"transform":{"type":"scalar"},"locs":[{"a":584,"b":590}]}],"statement":"-- No row when the token is not good.\nselect\n  email as \"email!\",\n  first_name as \"firstName!\",\n  last_name as \"lastName!\",\n  organization_names as \"organizationNames!\",\n  history_salts as \"historySalts!\",\n  (policy).version as \"version!\",\n  (policy).min_length as \"minLength!\",\n  (policy).max_length as \"maxLength!\",\n  (policy).require_uppercase as \"requireUppercase!\",\n  (policy).require_lowercase as \"requireLowercase!\",\n  (policy).require_digit as \"requireDigit!\",\n  (policy).require_symbol as \"requireSymbol!\",\n  (policy).bcrypt_cost as \"bcryptCost!\"\nfrom prepare_password_reset(:token!)\nwhere email is not null"};

/**
 * Query generated from SQL:
 * ```
 * -- No row when the token is not good.
 * select
 *   email as "email!",
 *   first_name as "firstName!",
 *   last_name as "lastName!",
 *   organization_names as "organizationNames!",
 *   history_salts as "historySalts!",
 *   (policy).version as "version!",
 *   (policy).min_length as "minLength!",
 *   (policy).max_length as "maxLength!",
 *   (policy).require_uppercase as "requireUppercase!",
 *   (policy).require_lowercase as "requireLowercase!",
 *   (policy).require_digit as "requireDigit!",
 *   (policy).require_symbol as "requireSymbol!",
 *   (policy).bcrypt_cost as "bcryptCost!"
 * from prepare_password_reset(:token!)
 * where email is not null
 * ```
 */
export const preparePasswordReset = new PreparedQuery<PreparePasswordResetParams,PreparePasswordResetResult>(preparePasswordResetIR);


/** 'ResetPassword' parameters type */
export interface ResetPasswordParams {
  historyDigests: BufferArray;
  passwordDigest: Buffer;
  policyVersion: string;
  token: Buffer;
}

/** 'ResetPassword' return type */
export interface ResetPasswordResult {
  outcome: string;
}

/** 'ResetPassword' query type */
export interface ResetPasswordQuery {
  params: ResetPasswordParams;
  result: ResetPasswordResult;
}

const resetPasswordIR: any = {"usedParamSet":{"token":true,"passwordDigest":true,"historyDigests":true,"policyVersion":true},"params":[{"name":"token","required":true,"transform":{"type":"scalar"},"locs":[{"a":25,"b":31}]},{"name":"passwordDigest","required":true,"transform":{"type":"scalar"},"locs":[{"a":34,"b":49}]},{"name":"historyDigests","required":true,"transform":{"type":"scalar"},"locs":[{"a":52,"b":67}]},{"name":"policyVersion","required":true,"transform":{"type":"scalar"},"locs":[{"a":79,"b":93}]}],"statement":"select reset_password(\n  :token!, :passwordDigest!, :historyDigests!::bytea[], :policyVersion!\n) as \"outcome!\""};

/**
 * Query generated from SQL:
 * ```
 * select reset_password(
 *   :token!, :passwordDigest!, :historyDigests!::bytea[], :policyVersion!
 * ) as "outcome!"
 * ```
 */
export const resetPassword = new PreparedQuery<ResetPasswordParams,ResetPasswordResult>(resetPasswordIR);


/** 'RehashPassword' parameters type */
export interface RehashPasswordParams {
  attemptId: string;
  passwordDigest: Buffer;
}

/** 'RehashPassword' return type */
export interface RehashPasswordResult {
  isRehashed: boolean;
}

/** 'RehashPassword' query type */
export interface RehashPasswordQuery {
  params: RehashPasswordParams;
  result: RehashPasswordResult;
}

const rehashPasswordIR: any = {"usedParamSet":{"attemptId":true,"passwordDigest":true},"params":[{"name":"attemptId","required":true,"transform":{"type":"scalar"},"locs":[{"a":23,"b":33}]},{"name":"passwordDigest","required":true,"transform":{"type":"scalar"},"locs":[{"a":36,"b":51}]}],"statement":"select rehash_password(:attemptId!, :passwordDigest!) as \"isRehashed!\""};

/**
 * Query generated from SQL:
 * ```
 * select rehash_password(:attemptId!, :passwordDigest!) as "isRehashed!"
 * ```
 */
export const rehashPassword = new PreparedQuery<RehashPasswordParams,RehashPasswordResult>(rehashPasswordIR);


