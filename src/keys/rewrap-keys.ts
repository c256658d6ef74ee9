import type { ClientBase } from "pg";

import { isWhole, listKeys, type AdministeredKey } from "./administered-keys.js";
import { requireOpener } from "./cell-keys.js";
import { inTransaction } from "./in-transaction.js";
import type { KeyProvider } from "./key-provider.js";
import { maskShare } from "./mask.js";
import { readPad } from "./new-key.js";

/** Which shares are wrapped anew, by whom. */
export interface RewrapOptions {
  readonly cellId: string;

  /** Opens what is wrapped now, and wraps by the key that is to be. */
  readonly provider: KeyProvider;

  /** Whether it says only what would be done. */
  readonly dryRun?: boolean | undefined;

  /** Told after each key. */
  readonly onKey?: ((key: RewrappedKey) => void) | undefined;
}

/** A key whose share was looked at. */
export interface RewrappedKey extends Pick<AdministeredKey, "organizationId" | "keyId"> {
  readonly from: string;
  readonly to: string;
  readonly isRewrapped: boolean;
}

/**
 * Has the share of every key wrapped by the provider's own key, whichever kind of service
 * wrapped it that the provider opens: of retired ones too, since backups have values under them. No value is touched, and nothing is locked: one that is
 * wrapped so already stays as it is, so a run that was ended is begun again.
 *
 * What was wrapped is unwrapped anew, and the database compares it with the key's check
 * value, before it replaces what there is.
 *
 * @throws {@link KeyProviderError}; {@link ConfigurationError} when another kind of service
 * wrapped one, and the provider does not open its shares.
 */
export async function rewrapKeys(client: ClientBase, options: RewrapOptions): Promise<RewrappedKey[]> {
  const rewrapped: RewrappedKey[] = [];
  for (const key of (await listKeys(client)).filter(isWhole)) {
    const { organizationId, keyId, keyName, bytes } = key;
    const context = { cellId: options.cellId, organizationId, keyId };
    requireOpener(key, options.provider);
    const wrapped = await options.provider.rewrap({ provider: key.provider, keyName, bytes }, context);
    const isRewrapped = wrapped.keyName !== keyName || key.provider !== options.provider.name;
    if (isRewrapped && options.dryRun !== true) {
      const share = await options.provider.unwrap(wrapped, context);
      try {
        await inTransaction(client, async () => {
          const masked = maskShare(await readPad(client), share, organizationId, keyId);
          await client.query("select rewrap_key($1, $2, $3, $4, $5, $6)", [
            organizationId, keyId, options.provider.name, wrapped.keyName, wrapped.bytes, masked,
          ]);
        });
      } finally {
        share.fill(0);
      }
    }
    const told = { organizationId, keyId, from: keyName, to: wrapped.keyName, isRewrapped };
    options.onKey?.(told);
    rewrapped.push(told);
  }
  return rewrapped;
}
