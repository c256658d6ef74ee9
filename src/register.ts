import type { Cell } from "./cell.js";
import type { Cells } from "./cells.js";
import { parseEmail } from "./email.js";
import { RuleError } from "./errors.js";
import { newId } from "./ids.js";
import { handOverPassword, prepareNewPassword, underCurrentPolicy, type PasswordChecks, type Policy } from "./new-password.js";
import type { Origin } from "./origin.js";
import { toPassword, type Password } from "./passwords.js";
import { readPasswordPolicy } from "./queries/password_policies.js";
import { registerUser } from "./queries/users.js";

/** Who registers. */
export interface Registration extends Origin {
  readonly email: string;
  readonly password: Password | string;
  readonly firstName: string;
  readonly lastName: string;

  /** An IANA time zone name. @defaultValue `UTC` */
  readonly timezone?: string | undefined;

  /** A BCP 47 language tag. @defaultValue `en` */
  readonly locale?: string | undefined;
}

/**
 * Registers somebody, who becomes active when `verifyEmail` gets the token that the
 * mailer sends them.
 *
 * Nothing is answered, whether the address was new or not. Where it has an account, its
 * owner is sent a message that says so; whoever asked learns nothing.
 *
 * @throws {@link RuleError} `email_malformed` and its like, {@link PasswordRefusedError}
 * with every rule the password breaks, `first_name_malformed` and its like. Nothing was
 * written then.
 */
export async function register(
  cells: Cells,
  checks: PasswordChecks,
  registration: Registration,
): Promise<void> {
  const email = parseEmail(registration.email);
  const password = toPassword(registration.password);
  const { firstName, lastName, timezone = "UTC", locale = "en" } = registration;
  requireName("first", firstName);
  requireName("last", lastName);

  const cell = await cells.ofEmail(email);
  await underCurrentPolicy(async () => {
    const policy = await readPolicy(cell);
    const context = { email, names: [firstName, lastName] };
    const prepared = await prepareNewPassword(cell, password, { policy, context }, checks);
    await cell.withNobody(
      async (tx) => {
        const { passwordDigest, historyDigests, policyVersion } = await handOverPassword(tx, prepared);
        const [historyDigest] = historyDigests as [Buffer];
        await registerUser.run(
          { userId: newId(), email, firstName, lastName, passwordDigest, historyDigest, policyVersion, timezone, locale },
          tx,
        );
      },
      registration,
    );
  });
}

async function readPolicy(cell: Cell): Promise<Policy> {
  const [policy] = await cell.withNobody((tx) => readPasswordPolicy.run(undefined, tx), {
    readOnly: true,
  });
  return policy as Policy;
}

/** The database has the last word; asked first, it costs no digest. */
function requireName(which: "first" | "last", name: string): void {
  const length = typeof name === "string" ? [...name].length : 0;
  if (length < 1 || length > 100) {
    throw new RuleError(`${which}_name_malformed`, `A ${which} name has 1 to 100 characters, not ${length}`);
  }
}
