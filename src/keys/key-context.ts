import { createHash } from "node:crypto";

import { RuleError } from "../errors.js";
import { parseCellId, parseOrganizationId } from "../ids.js";
import type { KeyContext } from "./key-provider.js";

/** Stands for the cell where an organization would stand, as it does in the associated data of sealed values. */
const NO_ORGANIZATION = "00000000-0000-0000-0000-000000000000";

/**
 * The context by names that policies and logs can use: what AWS calls an encryption
 * context. Each is checked to be an id, since all of it is written down in clear.
 *
 * @throws {@link RuleError} `id_malformed`
 */
export function entriesOf({ cellId, organizationId, keyId }: KeyContext): Record<string, string> {
  if (!Number.isInteger(keyId) || keyId < 1 || keyId > 0x7fff_ffff) {
    throw new RuleError("id_malformed", "the number of a key is a whole one, from 1 to 2147483647");
  }
  return {
    "safetypin:cell": parseCellId(cellId),
    "safetypin:key": String(keyId),
    "safetypin:organization": organizationId === null ? NO_ORGANIZATION : parseOrganizationId(organizationId),
  };
}

/**
 * The context as the bytes that are bound to a share where a service takes bytes: its
 * entries in the order of their names, a line each. Ids have no line breaks, so no two
 * contexts have the same bytes.
 */
export function bytesOf(context: KeyContext): Buffer {
  const lines = Object.entries(entriesOf(context)).map(([name, value]) => `${name}=${value}\n`);
  return Buffer.from(lines.join(""));
}

/** The SHA-256 of {@link bytesOf}, where a service takes no associated data at all. */
export function digestOf(context: KeyContext): Buffer {
  return createHash("sha256").update(bytesOf(context)).digest();
}
