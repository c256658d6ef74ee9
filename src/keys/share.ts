import { randomFillSync } from "node:crypto";

import { SHARE_LENGTH } from "./key-provider.js";

/** A new share, in memory of its own: Node's pool would keep a copy beside other people's bytes. */
export function newShare(): Buffer {
  return randomFillSync(Buffer.alloc(SHARE_LENGTH));
}

/** The same share in memory of its own. */
export function copyOf(share: Uint8Array): Buffer {
  const copy = Buffer.alloc(share.length);
  copy.set(share);
  return copy;
}

/** Takes a share out of somebody's answer, and overwrites it there; `undefined` when it is none. */
export function takeShare(bytes: Uint8Array | null | undefined): Buffer | undefined {
  if (bytes === null || bytes === undefined) return undefined;
  const share = bytes.length === SHARE_LENGTH ? copyOf(bytes) : undefined;
  bytes.fill(0);
  return share;
}
