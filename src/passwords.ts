import { inspect } from "node:util";
import { RuleError } from "./errors.js";

/** No password longer than this is looked at, let alone hashed; no policy may allow more. */
export const MAXIMUM_PASSWORD_LENGTH = 4096;

/**
 * The password's text, for the files that hash and judge it.
 *
 * @internal not part of the package: nothing outside `src/` can import it.
 */
export let revealPassword: (password: Password) => string;

/**
 * What a person typed as their password, in a wrapper that cannot be printed:
 * logging it, inspecting it, putting it into a template or into JSON shows
 * nothing.
 *
 * It is kept in Unicode's composed form (NFC), so that an `é` typed on one
 * keyboard is the `é` of another, and is otherwise exactly as received: not
 * trimmed, not folded, not cut off.
 *
 * @throws RuleError `password_not_text` when it is no string;
 * `password_has_nul` when it holds the character U+0000;
 * `password_is_malformed` when it is no valid Unicode text;
 * `password_is_oversized` beyond {@link MAXIMUM_PASSWORD_LENGTH} code points.
 */
export class Password {
  readonly #text: string;

  constructor(text: string) {
    if (typeof text !== "string") {
      throw new RuleError("password_not_text", "a password must be a string");
    }
    // A code point is at most two of JavaScript's units: what is longer than
    // that need not be walked through to be refused.
    if (text.length > 2 * MAXIMUM_PASSWORD_LENGTH) throw oversized();
    if (text.includes("\0")) {
      throw new RuleError(
        "password_has_nul",
        "a password cannot contain the NUL character (U+0000): leave it out",
      );
    }
    // A lone half of a surrogate pair has no bytes of its own: all of them
    // would be hashed as the same replacement character.
    if (/\p{Surrogate}/u.test(text)) {
      throw new RuleError(
        "password_is_malformed",
        "a password must be valid Unicode text: this one holds half a character",
      );
    }

    this.#text = text.normalize("NFC");
    if (countCodePoints(this.#text) > MAXIMUM_PASSWORD_LENGTH) throw oversized();
  }

  static {
    revealPassword = (password) => password.#text;
  }

  /** Shows nothing. */
  toString(): string {
    return "[password]";
  }

  /** Shows nothing. */
  toJSON(): string {
    return "[password]";
  }

  /** Shows nothing. */
  [inspect.custom](): string {
    return "[password]";
  }
}

/** The password as it is; what was typed, wrapped. */
export function toPassword(typed: Password | string): Password {
  return typed instanceof Password ? typed : new Password(typed);
}

/** A password's length as people count it: a horse is one character, not two. */
export function countCodePoints(text: string): number {
  return [...text].length;
}

function oversized(): RuleError {
  return new RuleError(
    "password_is_oversized",
    `a password can have at most ${MAXIMUM_PASSWORD_LENGTH} characters`,
  );
}
