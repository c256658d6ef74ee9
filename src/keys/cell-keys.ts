import { performance } from "node:perf_hooks";

import { ConfigurationError } from "../errors.js";
import type { KeyContext, KeyProvider, WrappedShare } from "./key-provider.js";

/**
 * For how long a list of the cell's keys is believed. A new key stays pending for longer
 * than that, so that everybody has its share before anything is sealed under it.
 */
export const LISTED_FOR_MS = 10_000;

/** The number of the key that an organization is founded with. */
export const FIRST_KEY_ID = 1;

/** A key as the database lists it. */
export interface ListedKey extends WrappedShare {
  readonly keyId: number;

  /** Which kind of service wrapped its share. */
  readonly provider: string;
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
  /** Those of the cell's own keys. The list is read when it is not known, or old. */
  ofCell(list: () => Promise<readonly ListedKey[]>): Promise<readonly BareShare[]>;

  /** Those of keys that were listed: of an organization, or of the cell for `null`. */
  unwrap(organizationId: string | null, listed: readonly ListedKey[]): Promise<readonly BareShare[]>;

  /** One for the first key of an organization: unwrapped anew, so that what is kept is known to open. */
  generate(organizationId: string): Promise<NewShare>;
}

/** The keys of a cell, unwrapped by its provider: give one that keeps them in memory. */
export function createCellKeys(cellId: string, provider: KeyProvider): CellKeys {
  let known: { readonly keys: readonly ListedKey[]; readonly since: number } | undefined;

  async function unwrap(organizationId: string | null, listed: readonly ListedKey[]): Promise<BareShare[]> {
    return Promise.all(listed.map((key) => unwrapListed(key, { provider, cellId, organizationId })));
  }

  return {
    async ofCell(list) {
      const now = performance.now();
      if (known === undefined || now - known.since > LISTED_FOR_MS) known = { keys: await list(), since: now };
      return unwrap(null, known.keys);
    },
    unwrap,
    async generate(organizationId) {
      const context = { cellId, organizationId, keyId: FIRST_KEY_ID };
      const { share: made, wrapped } = await provider.generate(context);
      made.fill(0);
      return { share: await provider.unwrap(wrapped, context), provider: provider.name, wrapped };
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
): Promise<BareShare> {
  requireOpener({ keyId, organizationId, provider: kind }, provider);
  const share = await provider.unwrap({ provider: kind, keyName, bytes }, { cellId, organizationId, keyId });
  return { keyId, share };
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
  if (kind === provider.name || provider.alsoOpens?.includes(kind) === true) return;
  throw new ConfigurationError(
    `Key ${keyId} of ${organizationId === null ? "the cell" : `organization ${organizationId}`} was wrapped by ${kind}, and keys come from ${provider.name}`,
    { remedy: `Name the key of ${kind} too, which is where it can be unwrapped: two addresses, one after the other (docs/keys.md)` },
  );
}
