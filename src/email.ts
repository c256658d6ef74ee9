import { domainToASCII } from "node:url";

import { RuleError } from "./errors.js";

declare const isEmailAddress: unique symbol;

/** An e-mail address, known to have the form of one: A to Z in lower case, the domain in ASCII. */
export type EmailAddress = string & { readonly [isEmailAddress]: true };

// As the constraint users_email_is_an_address has it, which has the last word.
const ADDRESS = /^[^@\s\p{Cc}]+@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/u;

/** A domain in another script: what IDNA has a way to write in ASCII. */
const INTERNATIONAL_DOMAIN = /^[\p{L}\p{M}\p{N}.-]+$/u;

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
  const email = foldEmail(text.trim());
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

/**
 * What mail takes for the same address. In front of the @ that is A to Z and their small
 * letters, by custom, and nothing else (RFC 5321, 2.4; RFC 6531, 3.2): whoever folded
 * every letter would join K, the sign for kelvin, with k, and hand one person's reset to
 * another. Behind it is a name of the DNS, which IDNA writes in ASCII. With nothing in front it is a
 * domain, and all of its addresses.
 */
export function foldEmail(address: string): string {
  const at = address.lastIndexOf("@");
  const local = address.slice(0, at + 1);
  const domain = address.slice(at + 1);
  const isInternational = /[^\0-\x7f]/.test(domain) && INTERNATIONAL_DOMAIN.test(domain);
  const inAscii = isInternational ? domainToASCII(domain) : domain;
  return (local + inAscii).replace(/[A-Z]/g, (capital) => capital.toLowerCase());
}
