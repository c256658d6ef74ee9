import { RuleError } from "./errors.js";
import { FIRST_KEY_ID, type BareShare, type CellKeys, type ListedKey } from "./keys/cell-keys.js";
import { maskSecret, maskShare } from "./keys/mask.js";
import * as queries from "./queries/tenant_keys.js";
import type { KeyScope, Transaction } from "./transaction.js";

/** What a transaction can do with sealed fields. */
export type Sealing = Pick<Transaction, "unlock" | "giveFirstKey" | "mask">;

/** What that is made of. */
export interface SealingParts {
  /** The keys of the cell. */
  readonly keys: CellKeys;

  /** The connection's pad; `undefined` where each transaction asks for one of its own. */
  readonly pad: Buffer | undefined;
}

/** Runs statements, and says whether one may be sent before another has answered. */
export interface SealingTransaction extends Pick<Transaction, "query"> {
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

  const listOfCell = async (): Promise<ListedKey[]> => {
    const rows = await queries.listWrappedShares.run({ organizationId: null }, tx);
    return rows.map(({ keyId, provider, keyName, wrapped }) => ({ keyId, provider, keyName, bytes: wrapped }));
  };

  /** Of the organization that is chosen, and which that is: work may choose another. */
  const listOfOrganization = async (): Promise<{ organizationId: string; listed: ListedKey[] }> => {
    const rows = await queries.listWrappedSharesOfOrganization.run(undefined, tx);
    const organizationId = rows[0]?.organizationId ?? null;
    if (organizationId === null) {
      throw new RuleError("organization_not_chosen", "No organization is chosen", {
        remedy: "Choose one first: its fields are sealed under its own key",
      });
    }
    const listed = rows.flatMap(({ keyId, provider, keyName, wrapped }) =>
      keyId === null || provider === null || keyName === null || wrapped === null
        ? []
        : [{ keyId, provider, keyName, bytes: wrapped }],
    );
    return { organizationId, listed };
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
        cell ??= keys.ofCell(listOfCell).then((shares) => handOver(null, shares));
        return cell;
      }
      const { organizationId, listed } = await listOfOrganization();
      await handOver(organizationId, await keys.ofOrganization(organizationId, listed));
    },

    async giveFirstKey(organizationId) {
      const { share, provider, wrapped } = await keys.generate(organizationId);
      const maskedShare = maskShare(await padOf(), share, organizationId, FIRST_KEY_ID);
      share.fill(0);
      await queries.addFirstKey.run(
        { organizationId, provider, keyName: wrapped.keyName, wrapped: wrapped.bytes, maskedShare },
        tx,
      );
    },

    async mask(fieldId, text) {
      const secret = Buffer.from(text, "utf8");
      const masked = maskSecret(await padOf(), secret, fieldId);
      secret.fill(0);
      return masked;
    },
  };
}
