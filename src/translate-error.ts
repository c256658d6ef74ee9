import { CONSTRAINTS } from "./constraints.js";
import { AuthenticationError, ConfigurationError, NotFoundError, RuleError } from "./errors.js";
import { isDenial, SQLSTATES } from "./sqlstates.js";

/** What the driver's errors have, whichever copy of the driver made them. */
interface DatabaseError extends Error {
  readonly code: string;
  readonly severity: string;
  readonly constraint?: string | undefined;
  readonly hint?: string | undefined;
  detail?: string | undefined;
  where?: string | undefined;
}

/** Citus appends the number of the shard, which begins at 102008. */
const SHARD_SUFFIX = /_\d{6,}$/;

/**
 * The error of this package that a database's error stands for, the database's as its
 * cause; or the error itself, when it stands for none. By its SQLSTATE or the
 * constraint's name, never by its message.
 *
 * A database's error loses its detail, which may quote the row that was refused and
 * so a digest in it, and what it says of parameters.
 */
export function translateError(error: unknown): unknown {
  if (!isDatabaseError(error)) return error;
  hideValues(error);

  const entry = SQLSTATES[error.code];
  if (entry !== undefined) {
    const context = { remedy: error.hint, cause: error };
    switch (entry.kind) {
      case "authentication":
        return new AuthenticationError(entry.code, error.message, context);
      case "not_found":
        return new NotFoundError(entry.code, error.message, context);
      case "configuration":
        return new ConfigurationError(error.message, context);
      case "rule":
        return new RuleError(entry.code, error.message, context);
    }
  }

  const constraint = CONSTRAINTS[(error.constraint ?? "").replace(SHARD_SUFFIX, "")];
  if (constraint !== undefined && error.code.startsWith("23")) {
    return new RuleError(constraint.code, constraint.sentence, { cause: error });
  }

  switch (error.code) {
    // character_not_in_repertoire
    case "22021":
      return new RuleError("text_malformed", "A text holds the NUL character or is no valid Unicode", {
        remedy: "Leave the character out",
        cause: error,
      });
    // invalid_sql_statement_name, duplicate_prepared_statement
    case "26000":
    case "42P05":
      return new ConfigurationError("A statement's name is not the connection's own: a pooler is in the way", {
        remedy: "Pass statementNames: false, or let PgBouncer (1.21 or later) keep max_prepared_statements",
        cause: error,
      });
  }
  return error;
}

/** Whether a translated error says that somebody may not. */
export function isDenied(error: unknown): error is RuleError {
  return error instanceof RuleError && isDatabaseError(error.cause) && isDenial(error.cause.code);
}

/** The SQLSTATE behind an error, translated or not, if a database raised it. */
export function sqlstateOf(error: unknown): string | undefined {
  if (isDatabaseError(error)) return error.code;
  return error instanceof Error && isDatabaseError(error.cause) ? error.cause.code : undefined;
}

function isDatabaseError(error: unknown): error is DatabaseError {
  return (
    error instanceof Error &&
    "severity" in error &&
    "code" in error &&
    /^[0-9A-Z]{5}$/.test(String(error.code))
  );
}

function hideValues(error: DatabaseError): void {
  if (error.detail !== undefined) error.detail = undefined;
  // log_parameter_max_length_on_error adds a line: "unnamed portal with parameters: $1 = '…'".
  if (error.where !== undefined) {
    const lines = error.where.split("\n").filter((line) => !line.includes("parameter"));
    error.where = lines.join("\n");
  }
}
