/** Where a sealed value belongs. It opens nowhere else. */
export interface SealedPlace {
  /** The number of the field, as it is declared in SQL. */
  readonly fieldId: number;

  /** `null` where the cell's own key seals. */
  readonly organizationId: string | null;

  readonly rowId: string;
}

const VERSION = 1;
const HEADER_LENGTH = 6;

export const NIL_ID = "00000000-0000-0000-0000-000000000000";

/** The first six bytes of a sealed value: version, algorithm, key. */
export function sealedHeader(algorithm: 1 | 2, keyId: number): Buffer {
  return Buffer.concat([Buffer.from([VERSION, algorithm]), uint32(keyId)]);
}

/**
 * The key that a value says it is under, or `null` when it is not of this version and
 * algorithm.
 */
export function keyIdOf(value: Buffer, algorithm: 1 | 2): number | null {
  if (value.length < HEADER_LENGTH || value[0] !== VERSION || value[1] !== algorithm) return null;
  return value.readUInt32BE(2);
}

/** A sealed value without its header. */
export function sealedBody(value: Buffer): Buffer {
  return value.subarray(HEADER_LENGTH);
}

/** What a value is authenticated with: 42 bytes, each part of a fixed width. */
export function associatedData(header: Buffer, { fieldId, organizationId, rowId }: SealedPlace): Buffer {
  return Buffer.concat([header, uint32(fieldId), tenantBytes(organizationId), idBytes(rowId)]);
}

/** An organization as sealed values know it: the nil uuid for the cell. */
export function tenantBytes(organizationId: string | null): Buffer {
  return idBytes(organizationId ?? NIL_ID);
}

/**
 * The 16 bytes of a uuid.
 *
 * @throws TypeError for what is none: bytes of another length would be another place.
 */
export function idBytes(id: string): Buffer {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) throw new TypeError("An id is a uuid");
  return Buffer.from(id.replaceAll("-", ""), "hex");
}

/** Four bytes, the highest first: PostgreSQL's int4send(). */
export function uint32(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}
