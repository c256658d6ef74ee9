import type { SealedField } from "../sealed-fields.js";
import { sealA256CbcHs512 } from "./a256cbc-hs512.js";
import { associatedData, NIL_ID, sealedHeader } from "./sealed-place.js";

/** The field of what is the share of a key. */
const SHARE = 0;

/**
 * A share as `unlock()` takes it: sealed under the pad that `hello()` answered on the
 * same connection, for one key. Whatever the server logs of it is worth nothing.
 */
export function maskShare(pad: Buffer, share: Buffer, organizationId: string | null, keyId: number): Buffer {
  return mask(pad, share, SHARE, organizationId, keyId);
}

/** A secret as functions take it that unmask it for a field, such as a password's digest. */
export function maskSecret(pad: Buffer, secret: Buffer, field: SealedField<string, 1>): Buffer {
  return mask(pad, secret, field.fieldId, null, 0);
}

function mask(
  pad: Buffer,
  secret: Buffer,
  fieldId: number,
  organizationId: string | null,
  keyId: number,
): Buffer {
  const header = sealedHeader(1, keyId);
  const place = associatedData(header, { fieldId, organizationId, rowId: NIL_ID });
  return Buffer.concat([header, sealA256CbcHs512(pad, place, secret)]);
}
