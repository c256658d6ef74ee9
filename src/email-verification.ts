import type { Cells } from "./cells.js";
import { parseEmail } from "./email.js";
import { AuthenticationError } from "./errors.js";
import type { Origin } from "./origin.js";
import { requestEmailVerification as request, verifyEmail as verify } from "./queries/one_time_tokens.js";
import { OneTimeToken, secretOf } from "./tokens.js";

/** What came of verifying an address. */
export interface VerifiedEmail {
  /**
   * Whether the password opens anything. It does not where the address was registered
   * more than once: nobody knows by whom. `requestPasswordReset` sends what sets another.
   */
  readonly isPasswordGood: boolean;
}

/**
 * Takes the token that was sent to an address, and makes its owner active.
 *
 * @throws {@link AuthenticationError} `token_malformed`, or `one_time_token_invalid` when
 * it is unknown, used or more than a day old.
 */
export async function verifyEmail(
  cells: Cells,
  text: OneTimeToken | string,
  origin: Origin,
): Promise<VerifiedEmail> {
  const token = typeof text === "string" ? OneTimeToken.parse(text) : text;
  const [row] = await cells
    .ofToken(token)
    .withNobody((tx) => verify.run({ token: secretOf(token) }, tx), origin);
  if (row?.outcome === "verified") return { isPasswordGood: true };
  if (row?.outcome === "verified_without_password") return { isPasswordGood: false };
  throw tokenInvalid();
}

/**
 * Asks for another message to somebody who still has to verify their address. Nothing is
 * answered, and it takes as long if there is nobody.
 *
 * @throws {@link RuleError} `email_malformed`
 */
export async function requestEmailVerification(
  cells: Cells,
  text: string,
  origin: Origin,
): Promise<void> {
  const email = parseEmail(text);
  const cell = await cells.ofEmail(email);
  await cell.withNobody(async (tx) => {
    await tx.unlock();
    await request.run({ email }, tx);
  }, origin);
}

/** The one answer to a token that is not good, whatever the reason. */
export function tokenInvalid(): AuthenticationError {
  return new AuthenticationError("one_time_token_invalid", "The token is not good, or is no more", {
    remedy: "Ask for another: each is good once, and not for long",
  });
}
