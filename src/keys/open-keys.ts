import { ConfigurationError } from "../errors.js";
import type { Environment } from "../limits.js";
import { createCellKeys, type CellKeys } from "./cell-keys.js";
import { createKeyCache, type KeyCache, type KeyCacheOptions } from "./key-cache.js";
import { parseKeyProvider } from "./key-provider-address.js";
import { requireProviderFor, type KeyProvider } from "./key-provider.js";
import { localKeyFile } from "./local-key-file.js";

/** Where keys come from, as an application or the command says it. */
export interface KeySource {
  /** A provider, or its address. @defaultValue `SAFETYPIN_KEYS`; without it a key file */
  readonly keys?: KeyProvider | string | undefined;
  readonly keyCache?: KeyCacheOptions | undefined;
}

/** A cell as its keys know it. */
export interface KeyedCell {
  readonly cellId: string;

  /** Production, if the cell or the process is. */
  readonly environment: Environment;
}

/** The keys of a cell, and how to let go of them. */
export interface OpenKeys {
  readonly keys: CellKeys;

  /** Overwrites what is in memory, and closes a provider that was made here. */
  close(): Promise<void>;
}

/**
 * The keys of a cell.
 *
 * @throws {@link ConfigurationError} where production is given none, or those of development.
 */
export function openKeys(source: KeySource, { cellId, environment }: KeyedCell): OpenKeys {
  if (isKeyCache(source.keys)) {
    requireProviderFor(environment, source.keys);
    if (source.keyCache !== undefined) {
      throw new ConfigurationError("keys is a cache already, and keyCache has limits for another", {
        remedy: "Give the limits to createKeyCache(), or pass the provider itself as keys",
      });
    }
    // What it forgets is forgotten: nothing of it is kept a second time here. Whoever made it closes it.
    return { keys: createCellKeys(cellId, source.keys), close: async () => undefined };
  }
  const provider = openKeyProvider(source, environment);
  const cache = createKeyCache(provider, source.keyCache);
  return { keys: createCellKeys(cellId, cache), close: () => cache.close() };
}

/**
 * The provider that is meant.
 *
 * @throws {@link ConfigurationError} as {@link openKeys}.
 */
export function openKeyProvider({ keys = process.env["SAFETYPIN_KEYS"] }: KeySource, environment: Environment): KeyProvider {
  if (typeof keys === "string" && keys !== "") return parseKeyProvider(keys, { environment });
  if (typeof keys === "object") {
    requireProviderFor(environment, keys);
    // Whoever made it closes it.
    return {
      name: keys.name,
      isForDevelopment: keys.isForDevelopment ?? false,
      alsoOpens: keys.alsoOpens ?? [],
      generate: (context, options) => keys.generate(context, options),
      wrap: (share, context, options) => keys.wrap(share, context, options),
      unwrap: (wrapped, context, options) => keys.unwrap(wrapped, context, options),
      rewrap: (wrapped, context, options) => keys.rewrap(wrapped, context, options),
      ...(keys.relationTo !== undefined && { relationTo: (keyName: string) => keys.relationTo!(keyName) }),
    };
  }
  if (environment === "production") {
    throw new ConfigurationError("a production cell needs a key management service, and none is named", {
      remedy: "Pass keys, or set SAFETYPIN_KEYS to its address: aws-kms://…, gcp-kms://… or azure-kv://… (docs/keys.md)",
    });
  }
  return localKeyFile({ environment });
}

function isKeyCache(keys: KeySource["keys"]): keys is KeyCache {
  return typeof keys === "object" && "forget" in keys && typeof keys.forget === "function";
}

/** The provider for what seeds say of people: as an application of that environment would have it. */
export function keysForSeeds(environment: Environment): KeyProvider {
  return openKeyProvider({}, environment);
}
