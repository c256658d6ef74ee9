import { RuleError } from "./errors.js";

declare const isEmailAddress: unique symbol;

/** An e-mail address, known to have the form of one, in lower case. */
export type EmailAddress = string & { readonly [isEmailAddress]: true };

// As the constraint users_email_is_an_address has it, which has the last word.
const ADDRESS = /^[^@\s\p{Cc}]+@[^@\s\p{Cc}.]+(?:\.[^@\s\p{Cc}.]+)+$/u;

/** RFC 5321, 4.5.3.1.3: 256 octets with the angle brackets. */
const MAXIMUM_BYTES = 254;

/**
 * Reads what somebody typed as their address.
 *
 * @throws {@link RuleError} `email_malformed` or `email_too_long`, before anything is asked.
 */
export function parseEmail(text: string): EmailAddress {
  if (typeof text !== "string") {
    throw new RuleError("email_malformed", `An e-mail address must be a string, not ${typeof text}`);
  }
  const email = text.trim().toLowerCase();
  if (Buffer.byteLength(email) > MAXIMUM_BYTES) {
    throw new RuleError("email_too_long", `An e-mail address has at most ${MAXIMUM_BYTES} bytes`, {
      remedy: "Pass one that mail can be sent to",
    });
  }
  if (!ADDRESS.test(email)) {
    throw new RuleError("email_malformed", `${JSON.stringify(email)} is no e-mail address`, {
      remedy: "Pass one like name@example.com",
    });
  }
  return email as EmailAddress;
}
