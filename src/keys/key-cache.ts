import { createHash } from "node:crypto";
import { setMaxListeners } from "node:events";

import { ConfigurationError, KeyProviderError, SafetyPinError } from "../errors.js";
import { KEY_CACHE_METRICS, type KeyCacheMetric, type KeyCacheMetrics, type UnwrapReport } from "./key-cache-metrics.js";
import { entriesOf } from "./key-context.js";
import { createKeptShares, type Found } from "./kept-shares.js";
import type { KeyCallOptions, KeyContext, KeyProvider, WrappedShare } from "./key-provider.js";
import { shareRequest, type SharedRequest } from "./shared-request.js";

/** The limits of a cache. */
export interface KeyCacheOptions {
  /** How long a share is served from memory, give or take a tenth. @defaultValue 300 000: five minutes */
  readonly lifetimeMs?: number | undefined;

  /**
   * How long beyond that it is served while its service does not answer; 0 for never.
   * Whoever finds that out has to ask within a lifetime: then what nobody wants is overwritten.
   * A key that was disabled, or may not be used any more, is an answer.
   *
   * @defaultValue 900 000: fifteen minutes
   */
  readonly staleMs?: number | undefined;

  /** How many shares are kept; the one used longest ago makes room. @defaultValue 1 000 */
  readonly maximumShares?: number | undefined;

  /** How often a share is handed out before it is unwrapped again. @defaultValue 2²⁰ */
  readonly maximumUses?: number | undefined;

  /**
   * For how long a failure stands before the service is asked again: many who want the
   * same key at once are not to be many requests to a service that is in trouble.
   *
   * @defaultValue 1 000
   */
  readonly failureMs?: number | undefined;

  /** Told of every request to the service, for a histogram of their durations. */
  readonly onUnwrap?: ((report: UnwrapReport) => void) | undefined;
}

/** Shares in memory before a service that keeps keys. It is a provider itself. */
export interface KeyCache extends KeyProvider {
  /** Forgets the shares of an organization, or one key's of it: it was destroyed, or may be. */
  forget(context: Pick<KeyContext, "cellId" | "organizationId"> & { readonly keyId?: number | undefined }): void;

  /** The counts, for OpenTelemetry's observable instruments. */
  metrics(): KeyCacheMetrics;

  /** Overwrites everything, gives up what is being waited for, and closes the provider. */
  close(): Promise<void>;
}

interface Failure {
  readonly error: unknown;
  readonly until: number;
}

/**
 * Keeps unwrapped shares in memory for a while: a request to the service costs
 * milliseconds and money, and counts against a quota.
 *
 * Everybody gets a copy of their own, so that what is overwritten here is nobody's.
 *
 * @throws {@link ConfigurationError} when a limit makes no sense.
 */
export function createKeyCache(provider: KeyProvider, options: KeyCacheOptions = {}): KeyCache {
  const lifetimeMs = atLeast(1, "lifetimeMs", options.lifetimeMs ?? 300_000);
  const failureMs = atLeast(0, "failureMs", options.failureMs ?? 1_000);
  const counts = Object.fromEntries(Object.keys(KEY_CACHE_METRICS).map((name) => [name, 0])) as Record<KeyCacheMetric, number>;
  const count = (name: KeyCacheMetric): void => void (counts[name] += 1);

  const kept = createKeptShares({
    lifetimeMs,
    staleMs: atLeast(0, "staleMs", options.staleMs ?? 900_000),
    maximumShares: atLeast(1, "maximumShares", options.maximumShares ?? 1_000),
    maximumUses: atLeast(1, "maximumUses", options.maximumUses ?? 2 ** 20),
    onEviction: () => count("safetypin.key_cache.evictions"),
  });
  const failures = new Map<string, Failure>();
  const requests = new Map<string, SharedRequest>();
  const closing = new AbortController();
  setMaxListeners(0, closing.signal); // as many as there are requests
  let timesForgotten = 0;
  let sweeping: NodeJS.Timeout | undefined;

  /** Perhaps nobody asks for a share again: it is overwritten all the same, a lifetime after its own and a tenth late at most. */
  function sweepLater(): void {
    if (sweeping !== undefined || kept.size + failures.size === 0) return;
    sweeping = setTimeout(() => {
      sweeping = undefined;
      kept.sweep();
      for (const [id, { until }] of failures) if (until <= performance.now()) failures.delete(id);
      sweepLater();
    }, lifetimeMs / 10);
    sweeping.unref();
  }

  function keep(id: string, owner: string, share: Buffer): void {
    if (closing.signal.aborted) return;
    kept.keep(id, owner, share);
    sweepLater();
  }

  /** What is in memory outlives silence, and nothing else. */
  function fail(id: string, error: unknown): void {
    count("safetypin.key_cache.failures");
    if (closing.signal.aborted) return;
    const until = performance.now() + failureMs;
    if (error instanceof KeyProviderError && error.isTransient && kept.outlive(id, until)) return;
    kept.remove(id);
    failures.set(id, { error, until });
    sweepLater();
  }

  /** Asks the service, once for everybody who wants the same. */
  function ask(id: string, owner: string, wrapped: WrappedShare, context: KeyContext): SharedRequest {
    const asked = requests.get(id);
    if (asked !== undefined) return asked;

    const timesBefore = timesForgotten;
    count("safetypin.key_cache.unwraps");
    const request = shareRequest(async () => {
      const started = performance.now();
      const report = (errorCode?: string): void => {
        try {
          options.onUnwrap?.({ provider: provider.name, durationMs: performance.now() - started, errorCode });
        } catch {
          // A measurement that fails is no reason to give no key.
        }
      };
      try {
        const share = await provider.unwrap(wrapped, context, { signal: closing.signal });
        // What was forgotten while this was on its way is not brought back.
        if (timesForgotten === timesBefore) keep(id, owner, share);
        failures.delete(id);
        report();
        return share;
      } catch (error) {
        fail(id, error);
        report(error instanceof KeyProviderError ? error.code : "_OTHER");
        throw error;
      } finally {
        if (requests.get(id) === request) requests.delete(id);
      }
    });
    requests.set(id, request);
    return request;
  }

  const requireOpen = (): void => closing.signal.throwIfAborted();

  function fromMemory(id: string): Found | undefined {
    const found = kept.find(id);
    if (found !== undefined) count(found.isStale ? "safetypin.key_cache.stale_serves" : "safetypin.key_cache.hits");
    return found;
  }

  return {
    name: provider.name,
    isForDevelopment: provider.isForDevelopment ?? false,
    alsoOpens: provider.alsoOpens ?? [],
    ...(provider.relationTo !== undefined && { relationTo: (keyName: string) => provider.relationTo!(keyName) }),

    async unwrap(wrapped, context, { signal }: KeyCallOptions = {}) {
      requireOpen();
      signal?.throwIfAborted();
      const owner = ownerOf(context);
      const id = idOf(owner, wrapped);

      const found = fromMemory(id);
      if (found !== undefined) {
        // Nobody waits for this: what is in memory will do until the service is back.
        if (found.isTimeToAsk) ask(id, owner, wrapped, context);
        return found.share;
      }
      const failure = failures.get(id);
      if (failure !== undefined && performance.now() < failure.until) throw failure.error;

      count("safetypin.key_cache.misses");
      try {
        const share = await ask(id, owner, wrapped, context).join(signal);
        kept.use(id);
        return share;
      } catch (error) {
        signal?.throwIfAborted();
        requireOpen();
        const stale = fromMemory(id);
        if (stale === undefined) throw error;
        return stale.share;
      }
    },

    async generate(context, callOptions) {
      requireOpen();
      // Not kept: what is kept was unwrapped, and so is known to open.
      return provider.generate(context, callOptions);
    },

    async wrap(share, context, callOptions) {
      requireOpen();
      return provider.wrap(share, context, callOptions);
    },

    async rewrap(wrapped, context, callOptions) {
      requireOpen();
      return provider.rewrap(wrapped, context, callOptions);
    },

    forget(context) {
      timesForgotten += 1;
      requests.clear();
      failures.clear();
      kept.removeOf(ownerOf(context));
    },

    metrics: () => ({ ...counts, "safetypin.key_cache.size": kept.size }),

    async close() {
      closing.abort(new SafetyPinError("the cache of keys was closed"));
      clearTimeout(sweeping);
      requests.clear();
      failures.clear();
      kept.removeOf("");
      await provider.close?.();
    },
  };
}

/** Whose share: an organization's is the beginning of each of its keys'. */
function ownerOf({ keyId, ...whose }: Pick<KeyContext, "cellId" | "organizationId"> & { keyId?: number | undefined }): string {
  const entries = entriesOf({ ...whose, keyId: keyId ?? 1 });
  const organization = `${entries["safetypin:cell"]}/${entries["safetypin:organization"]}/`;
  return keyId === undefined ? organization : `${organization}${keyId}/`;
}

/** The very bytes too: a share that was swapped in the database is not served as the one it replaced. */
function idOf(owner: string, { keyName, bytes }: WrappedShare): string {
  return owner + createHash("sha256").update(`${keyName}\n`).update(bytes).digest("base64");
}

function atLeast(minimum: number, name: string, value: number): number {
  if (Number.isFinite(value) && value >= minimum) return value;
  throw new ConfigurationError(`the key cache's ${name} must be a number from ${minimum}`);
}
