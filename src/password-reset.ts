import type { Cells } from "./cells.js";
import { tokenInvalid } from "./email-verification.js";
import { parseEmail } from "./email.js";
import { handOverPassword, prepareNewPassword, underCurrentPolicy, type PasswordChecks } from "./new-password.js";
import type { Origin } from "./origin.js";
import { readPreparation } from "./password-change.js";
import { toPassword, type Password } from "./passwords.js";
import {
  preparePasswordReset,
  requestPasswordReset as request,
  resetPassword as reset,
} from "./queries/password_credentials.js";
import { OneTimeToken, secretOf } from "./tokens.js";

/**
 * Asks for a message to somebody who forgot their password, by which they reset it within
 * an hour. Nothing is answered, and it takes as long if the address belongs to nobody.
 *
 * @throws {@link RuleError} `email_malformed`
 */
export async function requestPasswordReset(
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

/**
 * Sets a new password with a token that was sent to its owner, or that came with
 * `password_change_required`, and ends all their sessions. It opens none: reading mail
 * proves a mailbox and no second factor.
 *
 * A password that breaks a rule does not use the token up; ten of them do.
 *
 * @throws {@link AuthenticationError} `token_malformed`, or `one_time_token_invalid` when
 * it is unknown, used or too old.
 * @throws {@link PasswordRefusedError} with every rule the password breaks;
 * {@link RuleError} `password_reused`.
 */
export async function resetPassword(
  cells: Cells,
  checks: PasswordChecks,
  text: OneTimeToken | string,
  typed: Password | string,
  origin: Origin,
): Promise<void> {
  const token = typeof text === "string" ? OneTimeToken.parse(text) : text;
  const password = toPassword(typed);
  const cell = cells.ofToken(token);

  await underCurrentPolicy(async () => {
    const [prepared] = await cell.withNobody(async (tx) => {
      await tx.unlock();
      return preparePasswordReset.run({ token: secretOf(token) }, tx);
    }, origin);
    if (prepared === undefined) throw tokenInvalid();

    const judged = await prepareNewPassword(cell, password, readPreparation(prepared), checks);
    const [row] = await cell.withNobody(
      async (tx) => reset.run({ token: secretOf(token), ...(await handOverPassword(tx, judged)) }, tx),
      origin,
    );
    if (row?.outcome !== "reset") throw tokenInvalid();
  });
}
