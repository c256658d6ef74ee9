import type { ClientBase } from "pg";

import { unwrapListed, type ListedKey } from "./cell-keys.js";
import type { KeyContext, KeyProvider, WrappedShare } from "./key-provider.js";
import { maskShare } from "./mask.js";

/** A key that was added: its number, and its share as the provider wrapped it. */
export interface AddedKey {
  readonly keyId: number;
  readonly wrapped: WrappedShare;
}

/** Whose key, and where its share is wrapped. */
export interface NewKeyOptions extends Pick<KeyContext, "cellId" | "organizationId"> {
  readonly provider: KeyProvider;
}

/**
 * Adds a key that is pending, in the transaction the connection is in, whose role may. The
 * share is made and wrapped by the provider and crosses masked.
 *
 * @throws {@link KeyProviderError}; the database's error when another was added meanwhile.
 */
export async function addKey(client: ClientBase, options: NewKeyOptions): Promise<AddedKey> {
  return handOverNewShare(client, "add_key", await nextKeyId(client, options.organizationId), options);
}

/**
 * Makes a pending key anew in its place, as {@link addKey} adds one: where its share opens
 * no more, or was wrapped where nobody else has it unwrapped.
 *
 * @throws {@link KeyProviderError}; the database's error when it is not pending any more.
 */
export async function renewKey(client: ClientBase, keyId: number, options: NewKeyOptions): Promise<AddedKey> {
  return handOverNewShare(client, "renew_key", keyId, options);
}

async function handOverNewShare(
  client: ClientBase,
  to: "add_key" | "renew_key",
  keyId: number,
  { provider, cellId, organizationId }: NewKeyOptions,
): Promise<AddedKey> {
  const { share, wrapped } = await provider.generate({ cellId, organizationId, keyId });
  try {
    const maskedShare = maskShare(await readPad(client), share, organizationId, keyId);
    await client.query(`select ${to}($1, $2, $3, $4, $5, $6)`, [
      organizationId,
      keyId,
      provider.name,
      wrapped.keyName,
      wrapped.bytes,
      maskedShare,
    ]);
    return { keyId, wrapped };
  } finally {
    share.fill(0);
  }
}

/**
 * Makes a pending key the one that seals. Its share is unwrapped anew: so what proves to
 * be right is what the provider will give everybody.
 *
 * @throws {@link KeyProviderError}; the database's error when the share is not the key's.
 */
export async function activateKey(
  client: ClientBase,
  { keyId, wrapped }: AddedKey,
  { provider, cellId, organizationId }: NewKeyOptions,
): Promise<void> {
  const share = await provider.unwrap(wrapped, { cellId, organizationId, keyId });
  try {
    const maskedShare = maskShare(await readPad(client), share, organizationId, keyId);
    await client.query("select activate_key($1, $2, $3)", [organizationId, keyId, maskedShare]);
  } finally {
    share.fill(0);
  }
}

/**
 * Makes the first key and activates it, if there is none yet, in the transaction the
 * connection is in.
 *
 * @returns whether it did
 */
export async function makeFirstKey(client: ClientBase, options: NewKeyOptions): Promise<boolean> {
  if ((await nextKeyId(client, options.organizationId)) !== 1) return false;
  await activateKey(client, await addKey(client, options), options);
  return true;
}

/** Lets the transaction the connection is in seal and open under the cell's keys. */
export async function unlockCell(client: ClientBase, { provider, cellId }: Omit<NewKeyOptions, "organizationId">): Promise<void> {
  const { rows } = await client.query<ListedKey>(
    'select key_id as "keyId", provider, key_name as "keyName", wrapped as bytes from list_wrapped_shares()',
  );
  await unlockKeys(client, rows, { provider, cellId, organizationId: null });
}

/** Lets the transaction the connection is in seal and open under these keys of the cell, or of an organization. */
export async function unlockKeys(client: ClientBase, keys: readonly ListedKey[], whose: NewKeyOptions): Promise<void> {
  const pad = await readPad(client);
  for (const key of keys) {
    const { keyId, share } = await unwrapListed(key, whose);
    try {
      await client.query("select unlock($1, $2, $3)", [
        whose.organizationId,
        keyId,
        maskShare(pad, share, whose.organizationId, keyId),
      ]);
    } finally {
      share.fill(0);
    }
  }
}

async function nextKeyId(client: ClientBase, organizationId: string | null): Promise<number> {
  const { rows } = await client.query<{ key_id: number }>("select next_key_id($1) as key_id", [organizationId]);
  return rows[0]?.key_id ?? 1;
}

/** A pad under which secrets are handed over, for the transaction the connection is in. */
export async function readPad(client: ClientBase): Promise<Buffer> {
  const { rows } = await client.query<{ pad: Buffer }>("select hello(true) as pad");
  return rows[0]!.pad;
}
