import type { OneTimeToken } from "./tokens.js";

/** The root of every error this package throws on purpose. */
export class SafetyPinError extends Error {
  override readonly name: string = "SafetyPinError";
}

/** What an error may carry besides its sentence. */
export interface Remedy {
  /** What the reader does next: a statement, a command, an option. */
  readonly remedy?: string | undefined;

  /** The driver's error, where there is one. */
  readonly cause?: unknown;
}

/**
 * Something around the package is not as it has to be: an address, a role, a
 * server's version. Nothing was changed; `remedy` says what to change.
 */
export class ConfigurationError extends SafetyPinError {
  override readonly name = "ConfigurationError";

  /** What the reader does next, or `undefined` when the sentence says it all. */
  readonly remedy: string | undefined;

  constructor(message: string, { remedy, cause }: Remedy = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.remedy = remedy;
  }
}

/** Why a migration did not run. Switch on this, not on messages. */
export type MigrationErrorCode =
  | "changed"
  | "drift"
  | "failed"
  | "incomplete"
  | "locked"
  | "no_such_chapter"
  | "production"
  | "unknown";

/** A chapter was not applied, undone or adopted. What was committed before it stays. */
export class MigrationError extends SafetyPinError {
  override readonly name = "MigrationError";

  /** Which rule, by its stable name. */
  readonly code: MigrationErrorCode;

  /** What the reader does next, or `undefined` when the sentence says it all. */
  readonly remedy: string | undefined;

  constructor(code: MigrationErrorCode, message: string, { remedy, cause }: Remedy = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = remedy;
  }
}

/** A rule would be broken. Nothing was changed. Switch on `code`, not on messages. */
export class RuleError extends SafetyPinError {
  override readonly name: string = "RuleError";

  /** Which rule, by its stable name. */
  readonly code: string;

  /** What the reader does next, or `undefined` when the sentence says it all. */
  readonly remedy: string | undefined;

  constructor(code: string, message: string, { remedy, cause }: Remedy = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = remedy;
  }
}

/** What was named does not exist, or not for whoever asked: the two look alike. Nothing was changed. */
export class NotFoundError extends SafetyPinError {
  override readonly name = "NotFoundError";

  /** What there is none of, by its stable name: `user_not_found`. */
  readonly code: string;

  /** What the reader does next, or `undefined` when the sentence says it all. */
  readonly remedy: string | undefined;

  constructor(code: string, message: string, { remedy, cause }: Remedy = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = remedy;
  }
}

/** Why somebody is not who they say, or not any more. Switch on this, not on messages. */
export type AuthenticationErrorCode =
  /** The session token is unknown, or its session is over: sign in again. */
  | "session_invalid"
  /** The work acts for somebody, and nobody is signed in. */
  | "not_signed_in"
  /** What cannot be undone takes a session that began a moment ago: sign in again, then repeat it. */
  | "recent_sign_in_required"
  /** Address and password do not go together, for whichever reason. */
  | "invalid_credentials"
  /** Too many failures: not before `retryAfterMs`. */
  | "throttled"
  /** A hundred failures in a row: not before the password is reset. */
  | "account_disabled"
  /** The password is right and must be changed before it opens a session: `changeToken`. */
  | "password_change_required"
  /** The password is right and known to others: only a reset by mail sets another. */
  | "password_compromised"
  /** The refresh token is unknown, or its session is over: sign in again. */
  | "refresh_token_invalid"
  /** The refresh token was used before. The session is over, and an alert is open. */
  | "session_stolen"
  /** The one-time token is unknown, used, or too old: ask for another. */
  | "one_time_token_invalid"
  /** The text is no token of ours at all: cut off, mistyped, or of another cell. */
  | "token_malformed";

/** What an error of authentication may carry besides. */
export interface AuthenticationRemedy extends Remedy {
  readonly retryAfterMs?: number | undefined;
  readonly changeToken?: OneTimeToken | undefined;
}

/** Somebody did not prove who they are. */
export class AuthenticationError extends SafetyPinError {
  override readonly name = "AuthenticationError";

  /** Why, by its stable name. */
  readonly code: AuthenticationErrorCode;

  /** What the reader does next, or `undefined` when the sentence says it all. */
  readonly remedy: string | undefined;

  /** With `throttled`: how long no attempt is even begun. */
  readonly retryAfterMs: number | undefined;

  /** With `password_change_required`: what `resetPassword` takes, for 15 minutes. It cannot be printed. */
  readonly changeToken: OneTimeToken | undefined;

  constructor(
    code: AuthenticationErrorCode,
    message: string,
    { remedy, cause, retryAfterMs, changeToken }: AuthenticationRemedy = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = remedy;
    this.retryAfterMs = retryAfterMs;
    this.changeToken = changeToken;
  }
}

/** Why a key management service gave no key. Switch on this, not on messages. */
export type KeyProviderErrorCode =
  /** The credentials are good, and may not use the key. */
  | "master_key_access_denied"
  /** The answer is not what was asked for: damaged on its way, of another key, or of a wrong length. */
  | "kms_answer_invalid"
  /** There are no credentials, or the service does not take them. */
  | "kms_credentials_rejected"
  /** Somebody switched the key off. */
  | "master_key_disabled"
  /** The share was wrapped in a region that is not configured. */
  | "master_key_in_another_region"
  /** The share was wrapped by a key that is not configured. */
  | "master_key_mismatch"
  /** There is no such key. */
  | "master_key_not_found"
  /** The key was deleted, and can be had back until it is purged. */
  | "master_key_pending_deletion"
  /** The key is in a state in which it wraps and unwraps nothing, or is of the wrong kind. */
  | "master_key_unusable"
  /** The service turns requests away, and did so at every attempt. */
  | "kms_throttled"
  /** No answer within the time that was given. */
  | "kms_timeout"
  /** The service cannot be reached, or fails. */
  | "kms_unavailable"
  /** The wrapped share is another organization's or key's, or was altered. */
  | "share_refused";

const TRANSIENT: ReadonlySet<KeyProviderErrorCode> = new Set(["kms_throttled", "kms_timeout", "kms_unavailable"]);

/** A key could not be had from where keys are kept. Nothing was changed. */
export class KeyProviderError extends SafetyPinError {
  override readonly name = "KeyProviderError";

  /** Why, by its stable name. */
  readonly code: KeyProviderErrorCode;

  /** What the reader does next, or `undefined` when the sentence says it all. */
  readonly remedy: string | undefined;

  /** Whether the same request may well succeed later, with nothing changed. */
  readonly isTransient: boolean;

  constructor(code: KeyProviderErrorCode, message: string, { remedy, cause }: Remedy = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = remedy;
    this.isTransient = TRANSIENT.has(code);
  }
}
