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
  /** Address and password do not go together, for whichever reason. */
  | "invalid_credentials"
  /** Too many failures: not before `retryAfterMs`. */
  | "throttled"
  /** A hundred failures in a row: not before the password is reset. */
  | "account_disabled"
  /** The password is right and must be changed before it opens a session: `changeToken`. */
  | "password_change_required"
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
