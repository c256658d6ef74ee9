import type { ClientBase } from "pg";

import { isWhole, listKeys, type AdministeredKey } from "./administered-keys.js";
import type { ListedKey } from "./cell-keys.js";
import { inTransaction } from "./in-transaction.js";
import type { KeyProvider, WrappedShare } from "./key-provider.js";
import { maskShare } from "./mask.js";
import { readPad } from "./new-key.js";
import { failureOfKey, tryKey } from "./try-key.js";

/** Which shares are wrapped anew, by whom. */
export interface RewrapOptions {
  readonly cellId: string;

  /** Opens what is wrapped now, and wraps by the key that is to be. */
  readonly provider: KeyProvider;

  /** A backup of the same cell that was restored beside it: a share that no longer opens here, or is not its key's, is taken from there. */
  readonly copy?: ClientBase | undefined;

  /** Whether it says only what would be done. */
  readonly dryRun?: boolean | undefined;

  /** Told after each key. */
  readonly onKey?: ((key: RewrappedKey) => void) | undefined;
}

/** A key whose share was looked at. */
export interface RewrappedKey extends Pick<AdministeredKey, "organizationId" | "keyId"> {
  readonly from: string;

  /** What it is wrapped by now, or is to be; what it was wrapped by where it was left. */
  readonly to: string;
  readonly isRewrapped: boolean;

  /** Whether what there is does not open or is not the key's, and the copy's is. */
  readonly isFromCopy: boolean;

  /** Why it was left as it is: its share does not open, or is not this key's. */
  readonly failure?: Error | undefined;
}

/**
 * Has the share of every key wrapped by the provider's own key, whichever kind of service
 * wrapped it that the provider opens: of retired ones too, since backups have values under them. No value is touched, and nothing is locked: one that is
 * wrapped so already stays as it is, so a run that was ended is begun again.
 *
 * Every share is unwrapped, and the database compares it with the key's check value, where
 * nothing is written too. What was wrapped is unwrapped anew and compared again, before it
 * replaces what there is.
 *
 * Whoever founds an organization says what its share is. So one that is rubbish, or that
 * another kind of service wrapped, is left and told of, and the others are wrapped anew.
 *
 * @throws {@link KeyProviderError} when the service itself does not answer, or takes no one;
 * the driver's error when the connection is lost: each of the others would fail like that.
 */
export async function rewrapKeys(client: ClientBase, options: RewrapOptions): Promise<RewrappedKey[]> {
  const { copy } = options;
  const copied = copy === undefined ? [] : (await listKeys(copy)).filter(isWhole);
  const rewrapped: RewrappedKey[] = [];
  for (const key of (await listKeys(client)).filter(isWhole)) {
    const there = copied.find((one) => one.organizationId === key.organizationId && one.keyId === key.keyId);
    const told = await rewrapKey(client, key, there, options).catch((error: unknown) => leave(key, error));
    options.onKey?.(told);
    rewrapped.push(told);
  }
  return rewrapped;
}

async function rewrapKey(
  client: ClientBase,
  key: AdministeredKey & ListedKey,
  there: ListedKey | undefined,
  options: RewrapOptions,
): Promise<RewrappedKey> {
  const { cellId, provider, dryRun } = options;
  const { organizationId, keyId, keyName } = key;
  const context = { cellId, organizationId, keyId };
  const { share, isFromCopy } = await findShare(client, key, there, options);
  const wrapped = await provider.rewrap(share, context);
  const isRewrapped = isFromCopy || wrapped.keyName !== keyName || key.provider !== provider.name;
  if (isRewrapped && dryRun !== true) {
    const bare = await provider.unwrap(wrapped, context);
    try {
      await inTransaction(client, async () => {
        const masked = maskShare(await readPad(client), bare, organizationId, keyId);
        await client.query("select rewrap_key($1, $2, $3, $4, $5, $6)", [
          organizationId, keyId, provider.name, wrapped.keyName, wrapped.bytes, masked,
        ]);
      });
    } finally {
      bare.fill(0);
    }
  }
  return { organizationId, keyId, from: keyName, to: wrapped.keyName, isRewrapped, isFromCopy };
}

/**
 * Leaves a key as it is, for a reason that is its own.
 *
 * @throws what is not about this key: the service, the database or the way to either is what fails.
 */
function leave({ organizationId, keyId, keyName }: AdministeredKey & ListedKey, error: unknown): RewrappedKey {
  const failure = failureOfKey(error);
  return { organizationId, keyId, from: keyName, to: keyName, isRewrapped: false, isFromCopy: false, failure };
}

/** The share as it is here; or, where that does not open or is not the key's, as the copy has it. */
async function findShare(
  client: ClientBase,
  here: AdministeredKey & ListedKey,
  there: ListedKey | undefined,
  options: RewrapOptions,
): Promise<{ readonly share: WrappedShare; readonly isFromCopy: boolean }> {
  const shareOf = ({ provider, keyName, bytes }: ListedKey) => ({ provider, keyName, bytes });
  const failure = await tryKey(client, here, options);
  if (failure === undefined) return { share: shareOf(here), isFromCopy: false };
  if (there === undefined) throw failure;

  const failureThere = await tryKey(client, { ...here, ...shareOf(there) }, options);
  if (failureThere !== undefined) throw failureThere;
  return { share: shareOf(there), isFromCopy: true };
}
