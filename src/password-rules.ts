import { type BreachedPasswordCheck, isBreached } from "./breached-passwords.js";
import { RuleError } from "./errors.js";
import { type BlocklistLookup, isBlocked } from "./password-blocklist.js";
import { isMadeOfContext, type PasswordContext } from "./password-context.js";
import { countCodePoints, type Password, revealPassword } from "./passwords.js";

/** What a new password must be, as the database answers it for the user's organizations. */
export interface PasswordRules {
  /** In code points. 15, or 8 where the password is never the only factor. */
  readonly minLength: number;
  /** In code points. At least 64. */
  readonly maxLength: number;
  readonly requireUppercase: boolean;
  readonly requireLowercase: boolean;
  readonly requireDigit: boolean;
  /** Anything that is neither letter nor digit; a space will do. */
  readonly requireSymbol: boolean;
}

/** Where a new password is looked up. */
export interface PasswordSources {
  readonly blocklist: BlocklistLookup;
  /** @defaultValue none: nothing is asked over the network */
  readonly breachedPasswords?: BreachedPasswordCheck | undefined;
}

/** The stable name of a rule that a new password breaks. Switch on this, not on the sentence. */
export type PasswordRuleCode =
  | "password_too_short"
  | "password_too_long"
  | "password_needs_uppercase"
  | "password_needs_lowercase"
  | "password_needs_digit"
  | "password_needs_symbol"
  | "password_is_unstable"
  | "password_is_made_of_context"
  | "password_is_common"
  | "password_is_breached";

/** One rule that a new password breaks, and what to do about it. */
export interface BrokenPasswordRule {
  readonly code: PasswordRuleCode;
  readonly sentence: string;
}

/** A new password was refused; `broken` names every rule it breaks. Nothing was changed. */
export class PasswordRefusedError extends RuleError {
  override readonly name = "PasswordRefusedError";

  /** Never empty. */
  readonly broken: readonly BrokenPasswordRule[];

  constructor(broken: readonly BrokenPasswordRule[]) {
    super("password_refused", broken.map(({ sentence }) => sentence).join("; "));
    this.broken = broken;
  }
}

/**
 * Every rule that a new password breaks, at once; an empty list when it may be set.
 *
 * The database never sees a password and so cannot check any of this: it asks
 * for the version of the policy that was checked, and takes the application's
 * word for the rest.
 *
 * @throws whatever a look-up throws: a list that cannot be asked has not been passed.
 */
export async function checkPassword(
  password: Password,
  rules: PasswordRules,
  context: PasswordContext,
  sources: PasswordSources,
): Promise<readonly BrokenPasswordRule[]> {
  const text = revealPassword(password);
  const length = countCodePoints(text);
  const [common, breached] = await Promise.all([
    isBlocked(text, sources.blocklist),
    sources.breachedPasswords ? isBreached(text, sources.breachedPasswords) : false,
  ]);

  const findings: [boolean, PasswordRuleCode, string][] = [
    [length < rules.minLength, "password_too_short", `use at least ${rules.minLength} characters`],
    [length > rules.maxLength, "password_too_long", `use at most ${rules.maxLength} characters`],
    [
      rules.requireUppercase && !/\p{Lu}/u.test(text),
      "password_needs_uppercase",
      "use at least one capital letter",
    ],
    [
      rules.requireLowercase && !/\p{Ll}/u.test(text),
      "password_needs_lowercase",
      "use at least one small letter",
    ],
    [rules.requireDigit && !/\p{Nd}/u.test(text), "password_needs_digit", "use at least one digit"],
    [
      rules.requireSymbol && !/[^\p{L}\p{M}\p{N}]/u.test(text),
      "password_needs_symbol",
      "use at least one character that is neither a letter nor a digit",
    ],
    // Unicode promises a stable composed form only for characters it has given
    // a meaning (UAX 15, 12.1: stabilized strings); the others could come out
    // differently on the next version of Node.js, and lock their owner out.
    [
      /\p{Cn}/u.test(text),
      "password_is_unstable",
      "leave out the character that this version of Unicode does not know",
    ],
    [
      isMadeOfContext(text, context),
      "password_is_made_of_context",
      "use at least 8 characters besides your name, e-mail address and organization",
    ],
    [
      common,
      "password_is_common",
      "choose another password: this one is on the list of commonly used passwords",
    ],
    [
      breached,
      "password_is_breached",
      "choose another password: this one is known from a data breach",
    ],
  ];

  return findings
    .filter(([isBroken]) => isBroken)
    .map(([, code, sentence]) => ({ code, sentence }));
}
