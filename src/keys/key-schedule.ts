import { createHmac } from "node:crypto";

import { idBytes, tenantBytes, uint32 } from "./sealed-place.js";

/** The two halves of a key, and whose it is. */
export interface KeyHalves {
  /** The half that a key management service wraps: 32 bytes. */
  readonly share: Buffer;

  /** The half that stands in `tenant_keys`: 32 bytes. No client has it. */
  readonly databaseShare: Buffer;

  /** `null` for the cell. */
  readonly organizationId: string | null;

  readonly keyId: number;
}

/**
 * The key for one purpose, made of both halves: 64 bytes. Only the database has both,
 * so this is for whoever has to open values without it: a drill, an audit, a rescue.
 *
 * NIST SP 800-108, counter mode with HMAC-SHA-512, one block; `_purpose_key()` in SQL.
 */
export function purposeKey(
  purpose: "enc" | "bidx" | "audit" | "kcv",
  { share, databaseShare, organizationId, keyId }: KeyHalves,
): Buffer {
  return derive(share, purpose, Buffer.concat([tenantBytes(organizationId), uint32(keyId), databaseShare]));
}

/** The key for what is sealed about one person: `_subject_key()` in SQL. */
export function subjectKey(key: Buffer, salt: Buffer, userId: string): Buffer {
  return createHmac("sha512", key).update("subject\0").update(salt).update(idBytes(userId)).digest();
}

/**
 * The key of algorithm 2: 32 bytes, made of the share alone, so that the database never
 * has what opens those values.
 */
export function clientKey(share: Buffer, organizationId: string | null, keyId: number): Buffer {
  return derive(share, "gcm", Buffer.concat([tenantBytes(organizationId), uint32(keyId)])).subarray(0, 32);
}

function derive(share: Buffer, label: string, context: Buffer): Buffer {
  return createHmac("sha512", share)
    .update(uint32(1))
    .update(`${label}\0`)
    .update(context)
    .update(uint32(512))
    .digest();
}
