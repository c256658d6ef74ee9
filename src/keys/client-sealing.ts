import { openAes256Gcm, sealAes256Gcm } from "./aes-256-gcm.js";
import { clientKey } from "./key-schedule.js";
import { associatedData, keyIdOf, sealedBody, sealedHeader, type SealedPlace } from "./sealed-place.js";

/** Seals a value that the database is never to have in clear (algorithm 2). */
export function sealInClient(share: Buffer, keyId: number, place: SealedPlace, plaintext: Buffer): Buffer {
  const header = sealedHeader(2, keyId);
  const key = clientKey(share, place.organizationId, keyId);
  return Buffer.concat([header, sealAes256Gcm(key, associatedData(header, place), plaintext)]);
}

/**
 * Opens what {@link sealInClient} sealed, or answers `null`, without a reason, for
 * everything else. The share is that of the key which {@link keyIdOf} names.
 */
export function openInClient(share: Buffer, place: SealedPlace, value: Buffer): Buffer | null {
  const keyId = keyIdOf(value, 2);
  if (keyId === null) return null;
  const key = clientKey(share, place.organizationId, keyId);
  return openAes256Gcm(key, associatedData(sealedHeader(2, keyId), place), sealedBody(value));
}
