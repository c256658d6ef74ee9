import type { ClientBase } from "pg";
import { DatabaseError } from "pg";

import { ConfigurationError, KeyProviderError } from "../errors.js";
import type { AdministeredKey } from "./administered-keys.js";
import { unwrapListed, type ListedKey } from "./cell-keys.js";
import { inTransaction } from "./in-transaction.js";
import type { KeyContext, KeyProvider } from "./key-provider.js";
import { maskShare } from "./mask.js";
import { readPad } from "./new-key.js";

/** What the database says of a share that is not this key's. */
const NOT_THE_SHARE = "SP221";

/** Of which cell, and who unwraps. */
export interface TryKeyOptions extends Pick<KeyContext, "cellId"> {
  readonly provider: KeyProvider;
}

/**
 * Why a key does not open: its share is unwrapped anew, and the database compares it with
 * the key's check value. Nothing is unlocked. Outside a transaction: the database is asked
 * in one of its own, or in what is given for that.
 *
 * @returns `undefined` where it opens
 * @throws what is not about this key: the service does not answer, or the database does not.
 */
export async function tryKey(
  client: ClientBase,
  key: AdministeredKey & ListedKey,
  { cellId, provider }: TryKeyOptions,
  asking: (work: () => Promise<void>) => Promise<void> = (work) => inTransaction(client, work),
): Promise<Error | undefined> {
  const { organizationId, keyId } = key;
  try {
    const { share } = await unwrapListed(key, { provider, cellId, organizationId });
    try {
      await asking(async () => {
        const masked = maskShare(await readPad(client), share, organizationId, keyId);
        await client.query("select check_share($1, $2, $3)", [organizationId, keyId, masked]);
      });
    } finally {
      share.fill(0);
    }
    return undefined;
  } catch (error) {
    return failureOfKey(error);
  }
}

/**
 * What failed, where it is one key's own affair: its share opens nowhere, or is not its own.
 *
 * @throws it, where it is not: the service is what fails, or the database.
 */
export function failureOfKey(error: unknown): Error {
  if (error instanceof ConfigurationError) return error;
  if (error instanceof KeyProviderError && !error.isTransient && error.code !== "kms_credentials_rejected") return error;
  if (error instanceof DatabaseError && error.code === NOT_THE_SHARE) {
    return new ConfigurationError(`${error.message}: what was wrapped is another's`, {
      remedy: "Take it from a backup of this cell: safetypin keys rewrap --copy (docs/disaster-recovery.md)",
      cause: error,
    });
  }
  throw error;
}
