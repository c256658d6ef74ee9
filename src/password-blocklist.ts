import { createHash } from "node:crypto";
import { ConfigurationError } from "./errors.js";

/** How much of a digest the blocklist keeps. */
export const BLOCKED_DIGEST_LENGTH = 6;

/** How much of it is told when the list is asked: one byte, the number of a bucket. */
export const BLOCKED_PREFIX_LENGTH = 1;

/**
 * Asks for the bucket of the blocklist that begins with this byte: the rest of
 * each digest in it, five bytes each, ascending, one after the other.
 */
export type BlocklistLookup = (prefix: number) => Promise<Uint8Array>;

/**
 * What the blocklist knows a password by: the first six bytes of the SHA-256
 * of its lower-case form.
 *
 * Case is folded because `PASSWORD123` is guessed as soon as `password123` is;
 * the whole password is compared, never a part of it (NIST SP 800-63B-4,
 * 3.1.1.2). Six bytes make one innocent password in 500 million look blocked.
 */
export function blockedDigest(password: string): Buffer {
  return createHash("sha256")
    .update(password.toLowerCase().normalize("NFC"), "utf8")
    .digest()
    .subarray(0, BLOCKED_DIGEST_LENGTH);
}

/**
 * Whether a password is on the blocklist, telling whoever reads the
 * statement's parameters no more than eight bits of its digest.
 *
 * @throws ConfigurationError when the bucket is empty, as none of the list is:
 * a list that was never loaded would let everything pass.
 */
export async function isBlocked(password: string, lookup: BlocklistLookup): Promise<boolean> {
  const digest = blockedDigest(password);
  const bucket = Buffer.from(await lookup(digest.readUInt8(0)));
  const rest = digest.subarray(BLOCKED_PREFIX_LENGTH);
  if (bucket.length === 0) {
    throw new ConfigurationError("the password blocklist is not loaded", {
      remedy: "load the base seeds: safetypin seed",
    });
  }

  let place = bucket.indexOf(rest);
  // Found across two digests, it is neither of them.
  while (place % rest.length > 0) place = bucket.indexOf(rest, place + 1);
  return place >= 0;
}
