import { RuleError } from "./errors.js";
import type { BareShare, CellKeys, ListedKey } from "./keys/cell-keys.js";
import { maskSecret, maskShare } from "./keys/mask.js";
import * as queries from "./queries/tenant_keys.js";
import type { KeyScope, Transaction } from "./transaction.js";

/** What a transaction can do with sealed fields. */
export type Sealing = Pick<Transaction, "unlock" | "mask">;

/** What that is made of. */
export interface SealingParts {
  /** The keys of the cell. */
  readonly keys: CellKeys;

  /** The connection's pad; `undefined` where each transaction asks for one of its own. */
  readonly pad: Buffer | undefined;
}

/** Runs statements, and says whether one may be sent before another has answered. */
export interface SealingTransaction extends Pick<Transaction, "query" | "caller"> {
  readonly isPipelined: boolean;
}

/**
 * Unlocks keys for a transaction: their shares are unwrapped here and handed over masked.
 *
 * Where the connection is pipelined it costs no round trip of its own: what unlocks is on
 * the wire ahead of the statement that needs it.
 */
export function createSealing({ keys, pad: ofConnection }: SealingParts, tx: SealingTransaction): Sealing {
  let pad = ofConnection === undefined ? undefined : Promise.resolve(ofConnection);
  let cell: Promise<void> | undefined;

  const padOf = (): Promise<Buffer> =>
    (pad ??= queries.hello.run({ forTransaction: true }, tx).then(([row]) => row!.pad));

  const list = async (organizationId: string | null): Promise<ListedKey[]> => {
    const rows = await queries.listWrappedShares.run({ organizationId }, tx);
    return rows.map(({ keyId, provider, keyName, wrapped }) => ({ keyId, provider, keyName, bytes: wrapped }));
  };

  async function handOver(organizationId: string | null, shares: readonly BareShare[]): Promise<void> {
    const mask = await padOf();
    const unlocked = shares.map(({ keyId, share }) => {
      const maskedShare = maskShare(mask, share, organizationId, keyId);
      share.fill(0);
      return queries.unlock.run({ organizationId, keyId, maskedShare }, tx);
    });
    const all = Promise.all(unlocked);
    // Behind one that fails, PostgreSQL refuses everything, and the transaction says why.
    if (tx.isPipelined) all.catch(() => undefined);
    else await all;
  }

  return {
    async unlock(scope: KeyScope = "cell") {
      if (scope === "cell") {
        cell ??= keys.ofCell(() => list(null)).then((shares) => handOver(null, shares));
        return cell;
      }
      const { organizationId } = await tx.caller();
      if (organizationId === null) {
        throw new RuleError("organization_not_chosen", "No organization is chosen", {
          remedy: "Choose one first: its fields are sealed under its own key",
        });
      }
      const shares = await keys.ofOrganization(organizationId, await list(organizationId));
      await handOver(organizationId, shares);
    },

    async mask(fieldId, text) {
      const secret = Buffer.from(text, "utf8");
      const masked = maskSecret(await padOf(), secret, fieldId);
      secret.fill(0);
      return masked;
    },
  };
}
