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

  constructor(code: string, message: string, { cause }: { readonly cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
