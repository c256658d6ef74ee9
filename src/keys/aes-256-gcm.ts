import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const IV_LENGTH = 12;
const TAG_LENGTH = 16;

/**
 * AES-256-GCM: iv, ciphertext and tag. A random iv is good for 2^32 values under one
 * key (NIST SP 800-38D, 8.3).
 */
export function sealAes256Gcm(
  key: Buffer,
  associatedData: Buffer,
  plaintext: Buffer,
  iv: Buffer = randomBytes(IV_LENGTH),
): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(associatedData);
  return Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** What {@link sealAes256Gcm} sealed, or `null`, without a reason, for everything else. */
export function openAes256Gcm(key: Buffer, associatedData: Buffer, sealed: Buffer): Buffer | null {
  const end = sealed.length - TAG_LENGTH;
  if (end < IV_LENGTH) return null;

  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, IV_LENGTH), {
    authTagLength: TAG_LENGTH,
  })
    .setAAD(associatedData)
    .setAuthTag(sealed.subarray(end));
  const plaintext = decipher.update(sealed.subarray(IV_LENGTH, end));
  try {
    return Buffer.concat([plaintext, decipher.final()]);
  } catch {
    return null;
  }
}
