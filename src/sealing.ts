import { ConfigurationError, NotFoundError, RuleError } from "./errors.js";
import { ownerOf } from "./keys/administered-keys.js";
import { FIRST_KEY_ID, type BareShare, type CellKeys, type WorkingKey } from "./keys/cell-keys.js";
import { openInClient, sealInClient } from "./keys/client-sealing.js";
import { maskSecret, maskShare } from "./keys/mask.js";
import { keyIdOf } from "./keys/sealed-place.js";
import * as queries from "./queries/tenant_keys.js";
import { differenceOf, type KeyScope, type SealedField } from "./sealed-fields.js";
import type { Transaction } from "./transaction.js";

/** What a transaction can do with sealed fields. */
export type Sealing = Pick<Transaction, "unlock" | "giveFirstKey" | "mask" | "seal" | "open">;

/** What that is made of. */
export interface SealingParts {
  /** The keys of the cell. */
  readonly keys: CellKeys;

  /** The connection's pad; `undefined` where each transaction asks for one of its own. */
  readonly pad: Buffer | undefined;
}

/** The keys that seal and open a field, and whose they are. */
interface KeysOfField {
  /** `null` for the cell. */
  readonly organizationId: string | null;
  readonly listed: readonly WorkingKey[];
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

  const listOfCell = async (): Promise<WorkingKey[]> => {
    const rows = await queries.listWrappedShares.run({ organizationId: null }, tx);
    return rows.map(({ wrapped, ...key }) => ({ ...key, bytes: wrapped }));
  };

  /** Of the organization that is chosen, and which that is: work may choose another. */
  const listOfOrganization = async (): Promise<{ organizationId: string; listed: WorkingKey[] }> => {
    const rows = await queries.listWrappedSharesOfOrganization.run(undefined, tx);
    const organizationId = rows[0]?.organizationId ?? null;
    if (organizationId === null) throw organizationNotChosen();
    return { organizationId, listed: keysIn(rows) };
  };

  /**
   * The keys of a field's scope, as they are now: what seals has to be active. Refuses where
   * the database has declared it otherwise, since nobody would notice until it is to be opened.
   */
  const listOfField = async (field: SealedField<string, 2>): Promise<KeysOfField> => {
    const { table: tableName, column: columnName, scope } = field;
    const rows = await queries.listWrappedSharesOfField.run({ tableName, columnName, scope }, tx);
    const [{ organizationId, fieldId, sealedAs, scope: declaredScope, algorithm }] = rows as [(typeof rows)[0]];
    const declared = fieldId === null ? undefined : { fieldId, sealedAs, scope: declaredScope, algorithm };
    const difference = differenceOf(field, declared);
    if (difference !== undefined) {
      throw new ConfigurationError(`${field.name} ${difference}`, {
        remedy: "Declare it alike in both: migrate the database, or run the application that goes with it",
      });
    }
    if (scope === "organization" && organizationId === null) throw organizationNotChosen();
    return { organizationId, listed: keysIn(rows) };
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

    async mask(field, text) {
      const secret = Buffer.from(text, "utf8");
      const masked = maskSecret(await padOf(), secret, field);
      secret.fill(0);
      return masked;
    },

    async seal(field, rowId, text) {
      const { organizationId, listed } = await listOfField(field);
      const active = listed.filter(({ state }) => state === "active");
      const [key] = await keys.unwrap(organizationId, active);
      if (key === undefined) {
        throw new NotFoundError("key_not_found", `No key of ${ownerOf(organizationId)} seals`);
      }
      const plaintext = Buffer.from(text, "utf8");
      try {
        return sealInClient(key.share, key.keyId, { field, organizationId, rowId }, plaintext);
      } finally {
        plaintext.fill(0);
        key.share.fill(0);
      }
    },

    async open(field, rows) {
      const { organizationId, listed } = await listOfField(field);
      const needed = new Set(rows.map(({ value }) => value && keyIdOf(value, 2)));
      const bare = await keys.unwrap(organizationId, listed.filter(({ keyId }) => needed.has(keyId)));
      const shares = new Map(bare.map(({ keyId, share }) => [keyId, share]));
      try {
        return rows.map(({ rowId, value }) => {
          if (value === null) return null;
          const share = shares.get(keyIdOf(value, 2) ?? 0);
          const plaintext = share === undefined ? null : openInClient(share, { field, organizationId, rowId }, value);
          if (plaintext === null) throw cannotBeOpened(field, rowId);
          const text = plaintext.toString("utf8");
          plaintext.fill(0);
          return text;
        });
      } finally {
        for (const { share } of bare) share.fill(0);
      }
    },
  };
}

/** The keys in rows of which one without a key says whose there are none. */
function keysIn(rows: readonly (queries.ListWrappedSharesOfOrganizationResult | queries.ListWrappedSharesOfFieldResult)[]): WorkingKey[] {
  return rows.flatMap(({ keyId, state, provider, keyName, wrapped }) =>
    keyId === null || state === null || provider === null || keyName === null || wrapped === null
      ? []
      : [{ keyId, state, provider, keyName, bytes: wrapped }],
  );
}

function organizationNotChosen(): RuleError {
  return new RuleError("organization_not_chosen", "No organization is chosen", {
    remedy: "Choose one first: its fields are sealed under its own key",
  });
}

function cannotBeOpened({ name }: SealedField, rowId: string): RuleError {
  return new RuleError("value_cannot_be_opened", `The value of ${name} in row ${rowId} cannot be opened`, {
    remedy: "It was changed, or belongs to another place, or its key is gone",
  });
}
