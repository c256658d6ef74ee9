/** What a cache counts, by the names under which OpenTelemetry is told. */
export const KEY_CACHE_METRICS = {
  "safetypin.key_cache.hits": { kind: "counter", unit: "{request}", description: "Shares served from memory" },
  "safetypin.key_cache.misses": { kind: "counter", unit: "{request}", description: "Shares that had to be unwrapped, or waited for one that was being unwrapped" },
  "safetypin.key_cache.stale_serves": { kind: "counter", unit: "{request}", description: "Shares served past their time, since their service did not answer" },
  "safetypin.key_cache.unwraps": { kind: "counter", unit: "{call}", description: "Requests to the service" },
  "safetypin.key_cache.failures": { kind: "counter", unit: "{call}", description: "Requests to the service that failed" },
  "safetypin.key_cache.evictions": { kind: "counter", unit: "{share}", description: "Shares overwritten before their time, to make room" },
  "safetypin.key_cache.size": { kind: "updowncounter", unit: "{share}", description: "Shares in memory" },
} as const;

/** One of the names. */
export type KeyCacheMetric = keyof typeof KEY_CACHE_METRICS;

/** All counts of one moment, by their names. */
export type KeyCacheMetrics = Readonly<Record<KeyCacheMetric, number>>;

/** What became of one request to the service. */
export interface UnwrapReport {
  /** Which kind of service: the attribute `safetypin.key_provider`. */
  readonly provider: string;

  /** OpenTelemetry counts in seconds: divide by 1 000. */
  readonly durationMs: number;

  /** The attribute `error.type`; `undefined` when it succeeded. */
  readonly errorCode: string | undefined;
}
