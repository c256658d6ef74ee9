import { UnprovenLoginError } from "../credentials/rotate.js";
import { ConfigurationError, MigrationError } from "../errors.js";

/** How the command ends; `docs/cli.md` tells the same. */
export const EXIT = {
  /** Done, or nothing to do. */
  done: 0,

  /** It failed; the sentence on standard error says why. */
  failed: 1,

  /** The command line makes no sense. */
  usage: 2,

  /** Chapters are waiting. */
  pending: 3,

  /** A chapter is not the one that was applied, or the ledger has one that is not here. */
  changed: 4,

  /** The catalog is not what the chapters make. */
  drift: 5,

  /** A waiting chapter takes a lock that others would notice. */
  danger: 6,

  /** Refused, because it would destroy data or lock somebody out: production, or nobody said yes. */
  refused: 7,

  /** The doctor warns, and was asked to be strict. */
  warnings: 8,

  /** The doctor found something critical. */
  critical: 9,

  /** A login's new password does not log in; the one before is still current. */
  unproven: 10,

  /** Something was left as it was, and named; everything else is done. */
  left: 11,
} as const;

/** One of the numbers above. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** How the command ends when this was thrown. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof RefusedError) return EXIT.refused;
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof UnprovenLoginError) return EXIT.unproven;
  if (!(error instanceof MigrationError)) return EXIT.failed;

  switch (error.code) {
    case "changed":
    case "unknown":
      return EXIT.changed;
    case "drift":
      return EXIT.drift;
    case "production":
      return EXIT.refused;
    case "no_such_chapter":
      return EXIT.usage;
    default:
      return EXIT.failed;
  }
}

/** The same in a word. */
export function exitNameOf(error: unknown): string {
  const code = exitCodeOf(error);
  return Object.entries(EXIT).find(([, number]) => number === code)![0];
}

/** Nobody said yes. */
export class RefusedError extends ConfigurationError {}

/** Options that were read, and make no sense together. */
export class UsageError extends ConfigurationError {}
