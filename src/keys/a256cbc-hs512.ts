import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const IV_LENGTH = 16;
const BLOCK_LENGTH = 16;
const TAG_LENGTH = 32;

/**
 * AES-256-CBC with HMAC-SHA-512: iv, ciphertext and tag. The first half of the 64
 * bytes of the key authenticates, the second encrypts.
 *
 * RFC 7518, section 5.2.5 (A256CBC-HS512): the same bytes as `_a256cbc_hs512_seal()`
 * in SQL.
 */
export function sealA256CbcHs512(
  key: Buffer,
  associatedData: Buffer,
  plaintext: Buffer,
  iv: Buffer = randomBytes(IV_LENGTH),
): Buffer {
  const cipher = createCipheriv("aes-256-cbc", key.subarray(32, 64), iv);
  const ciphertext = Buffer.concat([iv, cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([ciphertext, tagOf(key, associatedData, ciphertext)]);
}

/**
 * What {@link sealA256CbcHs512} sealed, or `null`, without a reason, for everything
 * else. Nothing is decrypted before the tag is right.
 */
export function openA256CbcHs512(key: Buffer, associatedData: Buffer, sealed: Buffer): Buffer | null {
  const end = sealed.length - TAG_LENGTH;
  if (end < IV_LENGTH + BLOCK_LENGTH || end % BLOCK_LENGTH !== 0) return null;

  const ciphertext = sealed.subarray(0, end);
  if (!timingSafeEqual(tagOf(key, associatedData, ciphertext), sealed.subarray(end))) return null;

  const decipher = createDecipheriv("aes-256-cbc", key.subarray(32, 64), sealed.subarray(0, IV_LENGTH));
  return Buffer.concat([decipher.update(sealed.subarray(IV_LENGTH, end)), decipher.final()]);
}

function tagOf(key: Buffer, associatedData: Buffer, ciphertext: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(associatedData.length) * 8n);
  return createHmac("sha512", key.subarray(0, 32))
    .update(associatedData)
    .update(ciphertext)
    .update(length)
    .digest()
    .subarray(0, TAG_LENGTH);
}
