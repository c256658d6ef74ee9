import { ConfigurationError } from "../errors.js";
import { ownerOf } from "./administered-keys.js";
import type { KeyCallOptions, KeyContext, KeyProvider, WrappedShare } from "./key-provider.js";

/**
 * For how long a list of the cell's keys is believed. A new key stays pending for longer
 * than that, so that everybody has its share before anything is sealed under it.
 */
export const LISTED_FOR_MS = 10_000;

/** For how long a key that only opens, or is still to seal, is waited for: others need not be late for it. */
const OPTIONAL_FOR_MS = 2_000;

/** How many keys that do not open are remembered at most. */
const PASSED_OVER_LIMIT = 1_000;

/** The number of the key that an organization is founded with. */
export const FIRST_KEY_ID = 1;

/** A key as the database lists it. */
export interface ListedKey extends WrappedShare {
  readonly keyId: number;

  /** Which kind of service wrapped its share. */
  readonly provider: string;
}

/** A key that seals, opens, or soon will. */
export interface WorkingKey extends ListedKey {
  /** `pending`, `active` or `decrypt_only`. */
  readonly state: string;
}

/** A key's share, bare. Who got it overwrites it when done. */
export interface BareShare {
  readonly keyId: number;
  readonly share: Buffer;
}

/** A share that is no key yet. Who got it overwrites it when done. */
export interface NewShare {
  readonly share: Buffer;

  /** Which kind of service wrapped it. */
  readonly provider: string;
  readonly wrapped: WrappedShare;
}

/** The shares that one cell's keys are made of. */
export interface CellKeys {
  /** Those of the cell's own keys that open. The list is read when it is not known, or old. */
  ofCell(list: () => Promise<readonly WorkingKey[]>): Promise<readonly BareShare[]>;

  /**
   * Those of an organization's keys that open. The active one has to. Another that does not
   * is passed over for a while: nothing is under one that is pending, and what is under one
   * that only opens says itself that it is locked.
   */
  ofOrganization(organizationId: string, listed: readonly WorkingKey[]): Promise<readonly BareShare[]>;

  /** Those of keys that are needed, each: of an organization, or of the cell for `null`. */
  unwrap(organizationId: string | null, listed: readonly ListedKey[]): Promise<readonly BareShare[]>;

  /** One for the first key of an organization: unwrapped anew, so that what is kept is known to open. */
  generate(organizationId: string): Promise<NewShare>;
}

/** The keys of a cell, unwrapped by its provider: give one that keeps them in memory. */
export function createCellKeys(cellId: string, provider: KeyProvider): CellKeys {
  let known: { readonly keys: readonly WorkingKey[]; readonly since: number } | undefined;
  const passedOver = createPassedOver();

  const unwrapOne = (organizationId: string | null, key: ListedKey, options?: KeyCallOptions): Promise<BareShare> =>
    unwrapListed(key, { provider, cellId, organizationId }, options);

  async function unwrapUnlessItFails(organizationId: string | null, key: ListedKey): Promise<BareShare | undefined> {
    if (passedOver.has(organizationId, key)) return undefined;
    try {
      return await unwrapOne(organizationId, key, { signal: AbortSignal.timeout(OPTIONAL_FOR_MS) });
    } catch {
      // Whoever measures requests to the service has been told of it.
      passedOver.add(organizationId, key);
      return undefined;
    }
  }

  const unwrapWorking = (organizationId: string | null, listed: readonly WorkingKey[]): Promise<BareShare[]> =>
    allOrNone(
      listed.map((key) =>
        key.state === "active" ? unwrapOne(organizationId, key) : unwrapUnlessItFails(organizationId, key),
      ),
    );

  return {
    async ofCell(list) {
      for (;;) {
        const since = performance.now();
        const isListedHere = known === undefined || since - known.since > LISTED_FOR_MS;
        const listed = isListedHere ? { keys: await list(), since } : known!;
        known = listed;
        const shares = await unwrapWorking(null, listed.keys).catch((error: unknown) => {
          // Whoever mends it is not to be waited for.
          if (known === listed) known = undefined;
          throw error;
        });
        // Whoever listed them themselves is waited for before another key seals. Others are not, and the service may have been slow.
        if (isListedHere || performance.now() - listed.since <= LISTED_FOR_MS) return shares;
        overwrite(shares);
      }
    },
    ofOrganization: unwrapWorking,
    unwrap: (organizationId, listed) => allOrNone(listed.map((key) => unwrapOne(organizationId, key))),
    async generate(organizationId) {
      const context = { cellId, organizationId, keyId: FIRST_KEY_ID };
      const { share: made, wrapped } = await provider.generate(context);
      made.fill(0);
      return { share: await provider.unwrap(wrapped, context), provider: provider.name, wrapped };
    },
  };
}

/** Waits for all of them. Where one fails, what the others brought is overwritten. */
async function allOrNone(unwrapped: readonly Promise<BareShare | undefined>[]): Promise<BareShare[]> {
  const outcomes = await Promise.allSettled(unwrapped);
  const shares = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? (outcome.value ?? []) : []));
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure === undefined) return shares;
  overwrite(shares);
  throw failure.reason;
}

function overwrite(shares: readonly BareShare[]): void {
  for (const { share } of shares) share.fill(0);
}

/** Keys that did not open a moment ago, by the very bytes that did not. */
function createPassedOver() {
  const until = new Map<string, number>();
  const idOf = (organizationId: string | null, { keyId, keyName, bytes }: ListedKey): string =>
    [organizationId ?? "", keyId, keyName, bytes.toString("base64")].join("/");

  return {
    has: (organizationId: string | null, key: ListedKey): boolean =>
      (until.get(idOf(organizationId, key)) ?? 0) > performance.now(),

    add(organizationId: string | null, key: ListedKey): void {
      const [oldest] = until.keys();
      if (oldest !== undefined && until.size >= PASSED_OVER_LIMIT) until.delete(oldest);
      until.set(idOf(organizationId, key), performance.now() + LISTED_FOR_MS);
    },
  };
}

/**
 * The share of a key, bare.
 *
 * @throws {@link ConfigurationError} when another kind of service wrapped it;
 * {@link KeyProviderError}
 */
export async function unwrapListed(
  { keyId, provider: kind, keyName, bytes }: ListedKey,
  { provider, cellId, organizationId }: Pick<KeyContext, "cellId" | "organizationId"> & { readonly provider: KeyProvider },
  options?: KeyCallOptions,
): Promise<BareShare> {
  requireOpener({ keyId, organizationId, provider: kind }, provider);
  const share = await provider.unwrap({ provider: kind, keyName, bytes }, { cellId, organizationId, keyId }, options);
  return { keyId, share };
}

/** Whether a provider opens shares that this kind of service wrapped. */
export function opensSharesOf({ name, alsoOpens }: KeyProvider, kind: string): boolean {
  return kind === name || alsoOpens?.includes(kind) === true;
}

/**
 * Passes where the provider opens shares of the kind of service that wrapped this one.
 *
 * @throws {@link ConfigurationError}
 */
export function requireOpener(
  { keyId, organizationId, provider: kind }: Pick<KeyContext, "keyId" | "organizationId"> & Pick<ListedKey, "provider">,
  provider: KeyProvider,
): void {
  if (opensSharesOf(provider, kind)) return;
  throw new ConfigurationError(
    `Key ${keyId} of ${ownerOf(organizationId)} was wrapped by ${kind}, and keys come from ${provider.name}`,
    { remedy: `Name the key of ${kind} too, which is where it can be unwrapped: two addresses, one after the other (docs/keys.md)` },
  );
}
