import type { BreachedPasswordCheck } from "./breached-passwords.js";
import type { Cell } from "./cell.js";
import type { PasswordContext } from "./password-context.js";
import { createSalt, digestPassword, hashPassword } from "./password-digests.js";
import { checkPassword, PasswordRefusedError, type PasswordRules } from "./password-rules.js";
import type { Password } from "./passwords.js";
import { findBlocklistBucket } from "./queries/password_blocklist.js";
import { RuleError } from "./errors.js";
import { SEALED_FIELDS } from "./sealed-fields.js";
import type { Transaction } from "./transaction.js";

/** What the application adds to what the database knows about passwords. */
export interface PasswordChecks {
  /** What the application is called: nobody's password is made of that. */
  readonly serviceNames?: readonly string[] | undefined;

  /** @defaultValue none: nothing is asked over the network */
  readonly breachedPasswords?: BreachedPasswordCheck | undefined;
}

/** The rules a new password is judged by, as the database answers them. */
export interface Policy extends PasswordRules {
  /** Changes whenever a rule does; the database refuses a password judged by another. */
  readonly version: string;
  readonly bcryptCost: number;
}

/** What is made of a new password. */
export interface NewPassword {
  readonly passwordDigest: string;

  /** One for each salt of the history; the first is the one that is kept. */
  readonly historyDigests: string[];
  readonly policyVersion: string;
}

/** The same as it crosses to the database: masked, so that no log shows a digest. */
export interface MaskedPassword {
  readonly passwordDigest: Buffer;
  readonly historyDigests: Buffer[];
  readonly policyVersion: string;
}

/** What a new password is judged against. */
export interface Judging {
  readonly policy: Policy;
  readonly context: PasswordContext;

  /** The salts its history asks for; none for a first password, which brings its own. */
  readonly historySalts?: readonly string[];
}

/**
 * Judges a new password and digests it.
 *
 * @throws {@link PasswordRefusedError} with every rule it breaks.
 */
export async function prepareNewPassword(
  cell: Cell,
  password: Password,
  { policy, context, historySalts }: Judging,
  { serviceNames = [], breachedPasswords }: PasswordChecks,
): Promise<NewPassword> {
  const broken = await checkPassword(
    password,
    policy,
    { ...context, serviceNames },
    { blocklist: (prefix) => readBucket(cell, prefix), breachedPasswords },
  );
  if (broken.length > 0) throw new PasswordRefusedError(broken);

  const salts = historySalts ?? [await createSalt(policy.bcryptCost)];
  const [passwordDigest, ...historyDigests] = await Promise.all([
    hashPassword(password, { cost: policy.bcryptCost }),
    ...salts.map((salt) => digestPassword(password, salt)),
  ]);
  return { passwordDigest, historyDigests, policyVersion: policy.version };
}

/** Masks what {@link prepareNewPassword} made, and unlocks what it is sealed under. */
export async function handOverPassword(
  tx: Transaction,
  { passwordDigest, historyDigests, policyVersion }: NewPassword,
): Promise<MaskedPassword> {
  const [digest, ...history] = await Promise.all([
    handOverDigest(tx, passwordDigest),
    ...historyDigests.map((text) => tx.mask(SEALED_FIELDS["password_history.digest"], text)),
  ]);
  return { passwordDigest: digest, historyDigests: history, policyVersion };
}

/** Masks one digest, and unlocks what it is sealed under. */
export async function handOverDigest(tx: Transaction, digest: string): Promise<Buffer> {
  await tx.unlock();
  return tx.mask(SEALED_FIELDS["password_credentials.digest"], digest);
}

/**
 * Does it again when the rules changed between reading them and setting the password:
 * the new password may well pass the new ones.
 */
export async function underCurrentPolicy<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const isStale = error instanceof RuleError && error.code === "password_policy_changed";
      if (!isStale || tries >= 3) throw error;
    }
  }
}

async function readBucket(cell: Cell, prefix: number): Promise<Uint8Array> {
  const [bucket] = await cell.withNobody((tx) => findBlocklistBucket.run({ prefix }, tx), {
    readOnly: true,
  });
  return bucket?.digests ?? Buffer.alloc(0);
}
