import type { SealedField } from "../sealed-fields.js";
import { openAes256Gcm, sealAes256Gcm } from "./aes-256-gcm.js";
import { clientKey } from "./key-schedule.js";
import { associatedData, keyIdOf, sealedBody, sealedHeader } from "./sealed-place.js";

/** Where a value belongs that clients seal: in a field that is declared so, and nowhere else. */
export interface ClientSealedPlace {
  readonly field: SealedField<string, 2>;

  /** `null` where the cell's own key seals. */
  readonly organizationId: string | null;

  readonly rowId: string;
}

/** Seals a value that the database is never to have in clear (algorithm 2). */
export function sealInClient(share: Buffer, keyId: number, place: ClientSealedPlace, plaintext: Buffer): Buffer {
  const header = sealedHeader(2, keyId);
  const key = clientKey(share, place.organizationId, keyId);
  return Buffer.concat([header, sealAes256Gcm(key, authenticated(header, place), plaintext)]);
}

/**
 * Opens what {@link sealInClient} sealed, or answers `null`, without a reason, for
 * everything else. The share is that of the key which {@link keyIdOf} names.
 */
export function openInClient(share: Buffer, place: ClientSealedPlace, value: Buffer): Buffer | null {
  const keyId = keyIdOf(value, 2);
  if (keyId === null) return null;
  const key = clientKey(share, place.organizationId, keyId);
  return openAes256Gcm(key, authenticated(sealedHeader(2, keyId), place), sealedBody(value));
}

function authenticated(header: Buffer, { field, organizationId, rowId }: ClientSealedPlace): Buffer {
  return associatedData(header, { fieldId: field.sealedAs, organizationId, rowId });
}
