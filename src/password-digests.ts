import { createHmac } from "node:crypto";
import bcrypt from "bcrypt";
import { type BcryptQueue, bcryptQueue } from "./bcrypt-queue.js";
import { ConfigurationError, SafetyPinError } from "./errors.js";
import { type Password, revealPassword } from "./passwords.js";

/** The cheapest bcrypt cost a digest may have: the database's check refuses less. */
export const MINIMUM_BCRYPT_COST = 12;

/** The dearest accepted: about a minute for one digest. At 31 it would take a day. */
export const MAXIMUM_BCRYPT_COST = 20;

const SALT = /^\$2a\$(\d\d)\$[./A-Za-z0-9]{22}$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

// Another label would make every stored digest worthless: it never changes.
const PREHASH_LABEL = "safetypin password 1";

/** How a password is digested. */
export interface HashPasswordOptions {
  /** bcrypt's cost: each step doubles the work. From 12 to 20. */
  readonly cost: number;
  /** @defaultValue the queue all of this process shares */
  readonly queue?: BcryptQueue;
}

/**
 * Digests a new password under a fresh random salt, for the database to keep.
 *
 * @throws ConfigurationError when the cost is out of bounds.
 * @throws AuthenticationBusyError when the queue is full.
 */
export async function hashPassword(
  password: Password,
  { cost, queue = bcryptQueue }: HashPasswordOptions,
): Promise<string> {
  return digestPassword(password, await createSalt(cost), queue);
}

/**
 * Makes a bcrypt salt that carries its cost: `$2a$12$…`.
 *
 * Always `$2a$`, never the library's own `$2b$`: pgcrypto's `crypt()` does not
 * know that one and silently falls back to DES.
 *
 * @throws ConfigurationError when the cost is out of bounds.
 */
export async function createSalt(cost: number): Promise<string> {
  if (!isAcceptableCost(cost)) {
    throw new ConfigurationError(
      `a bcrypt cost must be a whole number from ${MINIMUM_BCRYPT_COST} to ${MAXIMUM_BCRYPT_COST}`,
    );
  }
  return bcrypt.genSalt(cost, "a");
}

/**
 * Digests a password under a given salt, which carries its cost: the one the
 * database answers at sign-in, or a user's fixed history salt.
 *
 * bcrypt reads 72 bytes and no more, so what it is given is 64 characters that
 * depend on the whole password: base64(HMAC-SHA-384(label, NFC(password))).
 * The label keeps a digest from being tried with the bare hashes of other
 * systems' leaks ("password shucking").
 *
 * @throws SafetyPinError when the salt is not `$2a$` with a cost from 12 to 20.
 * @throws AuthenticationBusyError when the queue is full.
 */
export async function digestPassword(
  password: Password,
  salt: string,
  queue: BcryptQueue = bcryptQueue,
): Promise<string> {
  if (!isAcceptableCost(Number(SALT.exec(salt)?.[1]))) {
    throw new SafetyPinError(
      `the salt must be $2a$ with a cost from ${MINIMUM_BCRYPT_COST} to ${MAXIMUM_BCRYPT_COST}`,
    );
  }

  const prehash = createHmac("sha384", PREHASH_LABEL)
    .update(revealPassword(password), "utf8")
    .digest("base64");

  return queue.run(() => bcrypt.hash(prehash, salt));
}

/**
 * What is sent instead of a digest to finish a sign-in: only who knows the
 * password can make it, and it is good for one attempt.
 *
 * HMAC-SHA-256, keyed with the digest's characters, over the attempt's id (its
 * 16 bytes) and the nonce. The database recomputes it with pgcrypto:
 * `hmac(uuid_send(attempt_id) || nonce, convert_to(digest, 'UTF8'), 'sha256')`.
 *
 * @throws SafetyPinError when the attempt's id is not a UUID.
 */
export function provePassword(digest: string, attemptId: string, nonce: Uint8Array): Buffer {
  if (!UUID.test(attemptId)) throw new SafetyPinError("the attempt's id must be a UUID");

  return createHmac("sha256", digest)
    .update(attemptId.replaceAll("-", ""), "hex")
    .update(nonce)
    .digest();
}

function isAcceptableCost(cost: number): boolean {
  return Number.isInteger(cost) && cost >= MINIMUM_BCRYPT_COST && cost <= MAXIMUM_BCRYPT_COST;
}
