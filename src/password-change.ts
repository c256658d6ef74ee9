import type { Cell } from "./cell.js";
import type { Cells } from "./cells.js";
import type { EmailAddress } from "./email.js";
import { handOverPassword, prepareNewPassword, underCurrentPolicy, type Judging, type PasswordChecks } from "./new-password.js";
import type { Origin } from "./origin.js";
import { provePasswordOf } from "./password-proof.js";
import { toPassword, type Password } from "./passwords.js";
import {
  changePassword as change,
  preparePasswordChange,
  type PreparePasswordChangeResult,
} from "./queries/password_credentials.js";
import { invalidCredentials } from "./sign-in.js";
import { SessionToken } from "./tokens.js";

/** A password, and what is to take its place. */
export interface PasswordChange extends Origin {
  readonly currentPassword: Password | string;
  readonly newPassword: Password | string;
}

/**
 * Changes the password of a session's holder, who proves the current one once more, and
 * ends their other sessions.
 *
 * @throws {@link AuthenticationError} `session_invalid`; `invalid_credentials` when the
 * current password is not right, which counts as a failure like any other; `throttled`,
 * `account_disabled`.
 * @throws {@link PasswordRefusedError} with every rule the new one breaks;
 * {@link RuleError} `password_reused`.
 */
export async function changePassword(
  cells: Cells,
  checks: PasswordChecks,
  text: SessionToken | string,
  passwords: PasswordChange,
): Promise<void> {
  const token = typeof text === "string" ? SessionToken.parse(text) : text;
  const currentPassword = toPassword(passwords.currentPassword);
  const newPassword = toPassword(passwords.newPassword);
  const cell = cells.ofToken(token);

  await underCurrentPolicy(async () => {
    const prepared = await prepare(cell, token, passwords);
    const judged = await prepareNewPassword(cell, newPassword, readPreparation(prepared), checks);
    const attempt = await provePasswordOf(cell, prepared.email as EmailAddress, currentPassword, passwords);
    const [row] = await cell.withSession(
      token,
      async (tx) => change.run({ attemptId: attempt.id, ...(await handOverPassword(tx, judged)) }, tx),
      passwords,
    );
    if (row?.outcome !== "changed") throw invalidCredentials();
  });
}

/** What the database answers to whoever may choose a new password, as what it is judged against. */
export function readPreparation(row: PreparePasswordChangeResult): Judging {
  const { email, firstName, lastName, organizationNames, historySalts, ...policy } = row;
  return {
    policy,
    context: { email, names: [firstName, lastName], organizationNames },
    historySalts,
  };
}

async function prepare(cell: Cell, token: SessionToken, origin: Origin): Promise<PreparePasswordChangeResult> {
  const { ipAddress, userAgent } = origin;
  const rows = await cell.withSession(
    token,
    async (tx) => {
      await tx.unlock();
      return preparePasswordChange.run(undefined, tx);
    },
    { ipAddress, userAgent, readOnly: true },
  );
  return rows[0] as PreparePasswordChangeResult;
}
