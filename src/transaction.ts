import type { OrganizationId, SessionId, UserId } from "./ids.js";
import type { KeyScope, SealedField } from "./sealed-fields.js";

declare const isTransaction: unique symbol;

/** Who is asking, as the database found out. */
export interface Caller {
  readonly sessionId: SessionId;
  readonly userId: UserId;

  /** `null` before an organization is chosen. */
  readonly organizationId: OrganizationId | null;

  /** How well they proved who they are: 1 to 3 (NIST SP 800-63B-4). */
  readonly assuranceLevel: number;
}

/** What a statement came to. */
export interface StatementResult {
  readonly rows: unknown[];
  readonly rowCount: number;
}

/** A value as it stands in its row. */
export interface SealedValue {
  readonly rowId: string;

  /** `null` where the row has none. */
  readonly value: Buffer | null;
}

/**
 * One unit of work of somebody in particular. Generated queries run on it, and so
 * do repositories; only `withSession` and its kin make one, so a bare connection,
 * which acts for nobody, does not type-check.
 *
 * It is over when the work it was made for is: after that it refuses.
 */
export interface Transaction {
  readonly [isTransaction]: true;

  /**
   * Runs one statement.
   *
   * @throws what the database refused it with, translated: {@link RuleError},
   * {@link NotFoundError}, {@link AuthenticationError}; or the driver's error as it
   * is, where it is none of these.
   */
  query(text: string, values?: readonly unknown[]): Promise<StatementResult>;

  /**
   * Who is asking. The work is begun before the session is known to be good, so
   * that its first statement travels with the check: whatever does not come of a
   * statement, a message or a file, has to wait for this.
   *
   * @throws {@link AuthenticationError} `session_invalid` when the session is not good.
   */
  caller(): Promise<Caller>;

  /**
   * Lets this transaction read and write sealed fields. Repositories ask for it
   * themselves; who runs a generated query on a sealed field asks for it once, before.
   *
   * @param scope whose keys. @defaultValue `cell`, under whose key people are sealed
   * @throws {@link KeyProviderError} when a key cannot be had from where keys are kept.
   * @throws {@link ConfigurationError} when keys come from elsewhere than they did.
   * @throws {@link RuleError} `organization_not_chosen`, where it is about that.
   */
  unlock(scope?: KeyScope): Promise<void>;

  /**
   * Gives an organization that this transaction founds its first key. Whoever founds
   * through the repository need not: it does.
   *
   * @throws {@link KeyProviderError} when there is none to be had from where keys are kept.
   * @throws {@link RuleError} when the caller does not own the organization, or founded it
   * before.
   */
  giveFirstKey(organizationId: OrganizationId): Promise<void>;

  /**
   * A secret as the database's functions take it that seal it in a field: masked, so that
   * no log the server writes shows it. Good in this transaction only.
   */
  mask(field: SealedField<string, 1>, secret: string): Promise<Buffer>;

  /**
   * Seals a text for a row of a field that clients seal (algorithm 2), under the active key of
   * the field's scope. It is for that row alone, and for this transaction to write.
   *
   * @throws {@link ConfigurationError} when the database declares the field otherwise.
   * @throws {@link KeyProviderError} when the key cannot be had from where keys are kept.
   * @throws {@link RuleError} `organization_not_chosen`, or `key_missing` where nothing seals.
   */
  seal(field: SealedField<string, 2>, rowId: string, text: string): Promise<Buffer>;

  /**
   * Opens what {@link seal} sealed, of many rows, in their order; `null` where there is none.
   *
   * @throws {@link RuleError} `value_cannot_be_opened` for one that was changed, or belongs
   * to another place, or whose key is gone; `organization_not_chosen`.
   * @throws {@link ConfigurationError}, {@link KeyProviderError} as {@link seal}.
   */
  open(field: SealedField<string, 2>, rows: readonly SealedValue[]): Promise<(string | null)[]>;
}
