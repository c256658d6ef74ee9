import type { ClientBase } from "pg";
import { DatabaseError } from "pg";

import { KeyProviderError, SafetyPinError } from "../errors.js";
import { isWhole, listKeys, type AdministeredKey } from "./administered-keys.js";
import { requireOpener, type ListedKey } from "./cell-keys.js";
import { inTransaction } from "./in-transaction.js";
import type { KeyContext, KeyProvider, WrappedShare } from "./key-provider.js";
import { maskShare } from "./mask.js";
import { readPad } from "./new-key.js";

/** What the database says of a share that is not this key's. */
const NOT_THE_SHARE = "SP221";

/** Which shares are wrapped anew, by whom. */
export interface RewrapOptions {
  readonly cellId: string;

  /** Opens what is wrapped now, and wraps by the key that is to be. */
  readonly provider: KeyProvider;

  /** A backup of the same cell that was restored beside it: whose share no longer opens here is taken from there. */
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

  /** Whether what there is opens no more, and the copy's did. */
  readonly isFromCopy: boolean;

  /** Why it was left as it is: its share does not open, or is not this key's. */
  readonly failure?: Error | undefined;
}

/**
 * Has the share of every key wrapped by the provider's own key, whichever kind of service
 * wrapped it that the provider opens: of retired ones too, since backups have values under them. No value is touched, and nothing is locked: one that is
 * wrapped so already stays as it is, so a run that was ended is begun again.
 *
 * What was wrapped is unwrapped anew, and the database compares it with the key's check
 * value, before it replaces what there is.
 *
 * Whoever founds an organization says what its share is. So one that is rubbish, or that
 * another kind of service wrapped, is left and told of, and the others are wrapped anew.
 *
 * @throws {@link KeyProviderError} when the service itself does not answer, or takes no one:
 * each of the others would fail like that.
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
  { cellId, provider, dryRun }: RewrapOptions,
): Promise<RewrappedKey> {
  const { organizationId, keyId, keyName } = key;
  const context = { cellId, organizationId, keyId };
  const { wrapped, isFromCopy } = await wrapAnew(provider, context, key, there);
  const isRewrapped = isFromCopy || wrapped.keyName !== keyName || key.provider !== provider.name;
  if (isRewrapped && dryRun !== true) {
    const share = await provider.unwrap(wrapped, context);
    try {
      await inTransaction(client, async () => {
        const masked = maskShare(await readPad(client), share, organizationId, keyId);
        await client.query("select rewrap_key($1, $2, $3, $4, $5, $6)", [
          organizationId, keyId, provider.name, wrapped.keyName, wrapped.bytes, masked,
        ]);
      });
    } finally {
      share.fill(0);
    }
  }
  return { organizationId, keyId, from: keyName, to: wrapped.keyName, isRewrapped, isFromCopy };
}

/**
 * Leaves a key as it is, for a reason that is its own.
 *
 * @throws what is not about this key: the service, or the database, is what fails.
 */
function leave({ organizationId, keyId, keyName }: AdministeredKey & ListedKey, error: unknown): RewrappedKey {
  const isOfService =
    error instanceof KeyProviderError && (error.isTransient || error.code === "kms_credentials_rejected");
  const isOfDatabase = error instanceof DatabaseError && error.code !== NOT_THE_SHARE;
  if (isOfService || isOfDatabase || !(error instanceof Error)) throw error;
  return { organizationId, keyId, from: keyName, to: keyName, isRewrapped: false, isFromCopy: false, failure: error };
}

/** The share as it is here; or, where no waiting makes that open, as the copy has it. */
async function wrapAnew(
  provider: KeyProvider,
  context: KeyContext,
  here: ListedKey,
  there: ListedKey | undefined,
): Promise<{ readonly wrapped: WrappedShare; readonly isFromCopy: boolean }> {
  const wrap = ({ provider: kind, keyName, bytes }: ListedKey) => {
    requireOpener({ ...context, provider: kind }, provider);
    return provider.rewrap({ provider: kind, keyName, bytes }, context);
  };
  try {
    return { wrapped: await wrap(here), isFromCopy: false };
  } catch (error) {
    if (there === undefined || !(error instanceof SafetyPinError) || (error instanceof KeyProviderError && error.isTransient)) {
      throw error;
    }
    return { wrapped: await wrap(there), isFromCopy: true };
  }
}
