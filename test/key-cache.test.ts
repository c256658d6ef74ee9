import { setImmediate as settled } from "node:timers/promises";

import { ConfigurationError, KeyProviderError, type KeyProviderErrorCode } from "../src/errors.js";
import { awsKms } from "../src/keys/aws-kms.js";
import { withDeadline } from "../src/keys/deadline.js";
import { createKeyCache, type KeyCache, type KeyCacheOptions } from "../src/keys/key-cache.js";
import { KEY_CACHE_METRICS, type UnwrapReport } from "../src/keys/key-cache-metrics.js";
import type { KeyContext, KeyProvider, WrappedShare } from "../src/keys/key-provider.js";
import { ACME, CELL, CONTEXT, ZENITH } from "./contract/key-provider.js";
import { startAwsKms } from "./support/aws-kms-server.js";

/** A service whose shares are known: a share is its wrapped byte, 32 times. */
interface Service extends KeyProvider {
  /** Every request that arrived. */
  readonly requests: number[];

  /** Every buffer that was given away. */
  readonly given: Buffer[];

  /** Keeps all requests waiting until it is called. */
  hold(): () => void;

  /** Fails from now on; heals with `undefined`. */
  break(code: KeyProviderErrorCode | undefined): void;
  isClosed: boolean;
}

function createService(): Service {
  let failing: KeyProviderErrorCode | undefined;
  let gate: Promise<void> = Promise.resolve();
  const service: Service = {
    name: "scripted",
    requests: [],
    given: [],
    isClosed: false,
    hold() {
      let open = () => undefined as void;
      gate = new Promise((resolve) => (open = resolve));
      return open;
    },
    break(code) {
      failing = code;
    },
    async generate() {
      const share = Buffer.alloc(32, 200);
      return { share, wrapped: wrappedOf(200) };
    },
    async unwrap({ bytes }, _context, { signal } = {}) {
      const value = bytes.readUInt8(0);
      service.requests.push(value);
      await withDeadline({ timeoutMs: 3_600_000, signal }, () => gate);
      if (failing !== undefined) throw new KeyProviderError(failing, "on purpose");
      const share = Buffer.alloc(32, value);
      service.given.push(share);
      return share;
    },
    async wrap(share) {
      return wrappedOf(share.readUInt8(0));
    },
    async rewrap(wrapped) {
      return wrapped;
    },
    async close() {
      service.isClosed = true;
    },
  };
  return service;
}

function wrappedOf(value: number): WrappedShare {
  return { keyName: "key", bytes: Buffer.of(value) };
}

const shareOf = (value: number) => Buffer.alloc(32, value);
const isZero = (buffer: Buffer) => buffer.every((byte) => byte === 0);

const caches: KeyCache[] = [];
let service: Service;
let cache: KeyCache;

function open(options: KeyCacheOptions = {}): KeyCache {
  cache = createKeyCache(service, options);
  caches.push(cache);
  return cache;
}
const get = (value = 7, context: KeyContext = CONTEXT, signal?: AbortSignal) => cache.unwrap(wrappedOf(value), context, { signal });

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
  service = createService();
  open();
});
afterEach(async () => {
  await Promise.all(caches.splice(0).map((one) => one.close()));
  jest.useRealTimers();
});

const MINUTE = 60_000;

describe("one share for many", () => {
  it("is asked for once, and everybody has a copy", async () => {
    const release = service.hold();
    const waiting = Array.from({ length: 500 }, () => get());
    await settled();
    expect(service.requests).toEqual([7]);

    release();
    const shares = await Promise.all(waiting);
    expect(new Set(shares.map(({ buffer }) => buffer)).size).toBe(500);
    expect(shares.every((share) => share.equals(shareOf(7)))).toBe(true);
    expect(cache.metrics()).toMatchObject({
      "safetypin.key_cache.misses": 500,
      "safetypin.key_cache.unwraps": 1,
      "safetypin.key_cache.size": 1,
    });
  });

  it("is intact for each, whatever the others do with theirs", async () => {
    const [one, two] = await Promise.all([get(), get()]);
    one.fill(0);
    const three = await get();
    cache.forget(CONTEXT);
    await cache.close();

    expect([two, three]).toEqual([shareOf(7), shareOf(7)]);
  });

  it("fails for all of them at once, and for nobody who comes later", async () => {
    const release = service.hold();
    service.break("master_key_disabled");
    const waiting = Array.from({ length: 50 }, () => get());
    release();
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.every(({ status }) => status === "rejected")).toBe(true);
    expect(service.requests).toHaveLength(1);

    service.break(undefined);
    jest.advanceTimersByTime(1_001);
    expect(await get()).toEqual(shareOf(7));
  });

  it("goes on for the others when one gives up", async () => {
    const release = service.hold();
    const giving = new AbortController();
    const impatient = get(7, CONTEXT, giving.signal);
    const patient = get();
    const reason = new Error("the request was closed");
    giving.abort(reason);
    await expect(impatient).rejects.toBe(reason);

    release();
    expect(await patient).toEqual(shareOf(7));
    expect(service.requests).toHaveLength(1);
  });

  it("is whole for who joins after all before have given up", async () => {
    const release = service.hold();
    const giving = new AbortController();
    const impatient = get(7, CONTEXT, giving.signal).catch(() => undefined);
    await settled();
    giving.abort();
    await impatient;
    const late = get();
    release();

    expect(await late).toEqual(shareOf(7));
    await settled();
    expect(service.given.every(isZero)).toBe(true);
  });

  it("is whole also where there is room for one and three are wanted", async () => {
    open({ maximumShares: 1 });
    const values = Array.from({ length: 60 }, (_, index) => 1 + (index % 3));
    const shares = await Promise.all(values.map((value) => get(value)));

    expect(shares).toEqual(values.map(shareOf));
    expect(service.requests).toHaveLength(3);
    expect(cache.metrics()).toMatchObject({ "safetypin.key_cache.size": 1, "safetypin.key_cache.evictions": 2 });
  });
});

describe("the limits", () => {
  it("are five minutes, give or take a tenth, no two alike", async () => {
    await get();
    jest.advanceTimersByTime(4.5 * MINUTE - 1);
    await get();
    expect(service.requests).toHaveLength(1);
    jest.advanceTimersByTime(MINUTE + 2);
    await get();
    expect(service.requests).toHaveLength(2);

    // Of many that began together, some are asked for again and some not yet.
    const values = Array.from({ length: 100 }, (_, index) => index);
    open();
    await Promise.all(values.map((value) => get(value)));
    jest.advanceTimersByTime(5 * MINUTE);
    service.requests.length = 0;
    await Promise.all(values.map((value) => get(value)));
    expect(service.requests.length).toBeGreaterThan(10);
    expect(service.requests.length).toBeLessThan(90);
  });

  it("are so many shares, and the one used longest ago goes first", async () => {
    open({ maximumShares: 3 });
    for (const value of [1, 2, 3, 1, 4]) await get(value);
    service.requests.length = 0;
    for (const value of [1, 3, 4]) await get(value);
    expect(service.requests).toEqual([]);
    await get(2);
    expect(service.requests).toEqual([2]);
  });

  it("are so many uses", async () => {
    open({ maximumUses: 3 });
    for (let use = 0; use < 7; use += 1) await get();
    expect(service.requests).toHaveLength(3);
  });

  it.each([{ lifetimeMs: 0 }, { staleMs: -1 }, { maximumShares: 0 }, { maximumUses: Number.NaN }, { failureMs: -1 }])(
    "make sense: not %p",
    (options) => {
      expect(() => createKeyCache(service, options)).toThrow(ConfigurationError);
    },
  );
});

describe("whose share it is", () => {
  it("is looked at: another context or other bytes are another share", async () => {
    await get(7);
    for (const [value, context] of [
      [8, CONTEXT],
      [7, { ...CONTEXT, keyId: 4 }],
      [7, { ...CONTEXT, organizationId: ZENITH }],
      [7, { ...CONTEXT, organizationId: null }],
    ] as const) {
      service.requests.length = 0;
      await get(value, context);
      expect(service.requests).toEqual([value]);
    }
    service.requests.length = 0;
    await get(7, { ...CONTEXT, organizationId: ACME.toUpperCase() });
    await cache.unwrap({ keyName: "another", bytes: Buffer.of(7) }, CONTEXT);
    expect(service.requests).toEqual([7]);
  });

  it("is forgotten by key or by organization, and no other's with it", async () => {
    const ask = async () => {
      service.requests.length = 0;
      await get(1, CONTEXT);
      await get(2, { ...CONTEXT, keyId: 30 });
      await get(3, { ...CONTEXT, organizationId: ZENITH });
      return service.requests.length;
    };
    expect(await ask()).toBe(3);
    expect(await ask()).toBe(0);
    cache.forget(CONTEXT);
    expect(await ask()).toBe(1);
    cache.forget({ cellId: CELL, organizationId: ACME });
    expect(await ask()).toBe(2);
  });

  it("is not remembered again by a request that was on its way when it was forgotten", async () => {
    const release = service.hold();
    const before = get();
    await settled();
    cache.forget(CONTEXT);
    release();
    expect(await before).toEqual(shareOf(7));

    expect(cache.metrics()["safetypin.key_cache.size"]).toBe(0);
    await get();
    expect(service.requests).toHaveLength(2);
  });

  it("is unwrapped anew when it was made here: what is kept is known to open", async () => {
    const { share, wrapped } = await cache.generate(CONTEXT);
    share.fill(0);
    expect(service.requests).toEqual([]);
    expect(await cache.unwrap(wrapped, CONTEXT)).toEqual(shareOf(200));
    expect(service.requests).toEqual([200]);
  });
});

describe("a service that does not answer", () => {
  const expire = () => jest.advanceTimersByTime(5.5 * MINUTE + 1);

  it.each(["kms_unavailable", "kms_throttled", "kms_timeout"] as const)("(%s) is outlived by fifteen minutes", async (code) => {
    await get();
    service.break(code);
    expire();
    expect(await get()).toEqual(shareOf(7));
    expect(await get()).toEqual(shareOf(7));
    jest.advanceTimersByTime(13 * MINUTE);
    expect(await get()).toEqual(shareOf(7));
    expect(cache.metrics()).toMatchObject({ "safetypin.key_cache.stale_serves": 3, "safetypin.key_cache.hits": 0 });

    jest.advanceTimersByTime(3 * MINUTE);
    await expect(get()).rejects.toMatchObject({ code });
    expect(cache.metrics()["safetypin.key_cache.size"]).toBe(0);
  });

  it("keeps nobody waiting once that is known, and is asked now and then", async () => {
    await get();
    service.break("kms_unavailable");
    expire();
    await get();
    service.requests.length = 0;

    const release = service.hold();
    for (let use = 0; use < 50; use += 1) expect(await get()).toEqual(shareOf(7));
    expect(service.requests).toHaveLength(0);
    jest.advanceTimersByTime(1_001);
    for (let use = 0; use < 50; use += 1) expect(await get()).toEqual(shareOf(7));
    await settled();
    expect(service.requests).toHaveLength(1);

    service.break(undefined);
    release();
    await settled();
    const before = cache.metrics();
    await get();
    expect(cache.metrics()["safetypin.key_cache.hits"]).toBe(before["safetypin.key_cache.hits"] + 1);
    expect(service.requests).toHaveLength(1);
  });

  it.each(["master_key_disabled", "master_key_access_denied", "master_key_pending_deletion", "share_refused", "kms_credentials_rejected"] as const)(
    "is not one that answers %s: that ends it at once",
    async (code) => {
      await get();
      service.break(code);
      expire();
      await expect(get()).rejects.toMatchObject({ code });
      expect(cache.metrics()).toMatchObject({ "safetypin.key_cache.stale_serves": 0, "safetypin.key_cache.size": 0 });
    },
  );

  it("ends what was outlived, too, when it comes back and says no", async () => {
    await get();
    service.break("kms_unavailable");
    expire();
    await get();
    service.break("master_key_disabled");
    jest.advanceTimersByTime(1_001);
    await get(); // which sends somebody to look
    await settled();
    await expect(get()).rejects.toMatchObject({ code: "master_key_disabled" });
  });

  it("is not outlived at all where nobody wants that", async () => {
    open({ staleMs: 0 });
    await get();
    service.break("kms_unavailable");
    expire();
    await expect(get()).rejects.toMatchObject({ code: "kms_unavailable" });
  });

  it("is spared: one request a second, however many ask", async () => {
    service.break("kms_unavailable");
    for (let use = 0; use < 100; use += 1) await expect(get()).rejects.toMatchObject({ code: "kms_unavailable" });
    expect(service.requests).toHaveLength(1);
    jest.advanceTimersByTime(1_001);
    await expect(get()).rejects.toMatchObject({ code: "kms_unavailable" });
    expect(service.requests).toHaveLength(2);

    open({ failureMs: 0 });
    service.requests.length = 0;
    for (let use = 0; use < 3; use += 1) await expect(get()).rejects.toMatchObject({ code: "kms_unavailable" });
    expect(service.requests).toHaveLength(3);
  });
});

describe("what is over is overwritten", () => {
  /** Every buffer that is made while the work runs. */
  async function buffersOf(work: () => Promise<Buffer[]>): Promise<{ made: Buffer[]; handedOut: Buffer[] }> {
    const made: Buffer[] = [];
    const alloc = Buffer.alloc.bind(Buffer);
    const spy = jest.spyOn(Buffer, "alloc").mockImplementation((...input) => {
      const buffer = alloc(...input);
      made.push(buffer);
      return buffer;
    });
    try {
      return { handedOut: await work(), made };
    } finally {
      spy.mockRestore();
    }
  }

  it.each<[string, (opened: KeyCache) => Promise<unknown> | void]>([
    ["when its time is over and nobody asks: a lifetime later", () => jest.advanceTimersByTime(11 * MINUTE)],
    ["when it is forgotten", (opened) => opened.forget({ cellId: CELL, organizationId: ACME })],
    ["when others need the room", () => Promise.all([get(101), get(102), get(103)]).then((shares) => shares.forEach((share) => share.fill(0)))],
    ["when the cache is closed", (opened) => opened.close()],
  ])("%s", async (_, end) => {
    const opened = open({ maximumShares: 3 });
    const { made, handedOut } = await buffersOf(async () => {
      const shares = await Promise.all([get(1), get(2), get(2), get(3)]);
      await settled();
      return shares;
    });
    const inside = made.filter((buffer) => !handedOut.includes(buffer));
    expect(inside.filter((buffer) => !isZero(buffer))).toHaveLength(3); // what is kept, and no more

    await end(opened);
    await settled();
    expect(inside.every(isZero)).toBe(true);
    expect(handedOut).toEqual([1, 2, 2, 3].map(shareOf));
  });

  it("later where the service does not answer, and sooner where silence is not outlived", async () => {
    await get();
    service.break("kms_unavailable");
    jest.advanceTimersByTime(5.5 * MINUTE + 1);
    await get();
    jest.advanceTimersByTime(13 * MINUTE);
    expect(cache.metrics()["safetypin.key_cache.size"]).toBe(1);
    jest.advanceTimersByTime(3 * MINUTE);
    expect(cache.metrics()["safetypin.key_cache.size"]).toBe(0);

    service.break(undefined);
    open({ staleMs: 0 });
    await get();
    jest.advanceTimersByTime(6 * MINUTE);
    expect(cache.metrics()["safetypin.key_cache.size"]).toBe(0);
  });

  it("is there for who comes within a lifetime, and then learns that the service is silent", async () => {
    await get();
    service.break("kms_unavailable");
    jest.advanceTimersByTime(9 * MINUTE);
    expect(await get()).toEqual(shareOf(7));
  });

  it("keeps no process alive for that", async () => {
    const spy = jest.spyOn(global, "setTimeout");
    await get();
    const timers = spy.mock.results
      .filter((_, call) => spy.mock.calls[call]?.[1] !== 3_600_000) // the service's own
      .map(({ value }) => value as NodeJS.Timeout);
    expect(timers).toHaveLength(1);
    expect(timers.every((timer) => !timer.hasRef())).toBe(true);
    spy.mockRestore();
  });
});

describe("a closed cache", () => {
  it("gives nothing, and leaves nobody waiting", async () => {
    service.hold();
    const waiting = get();
    await settled();
    const closed = cache.close();
    await expect(waiting).rejects.toThrow("the cache of keys was closed");
    await closed;

    await expect(get()).rejects.toThrow("the cache of keys was closed");
    await expect(cache.generate(CONTEXT)).rejects.toThrow("closed");
    await expect(cache.rewrap(wrappedOf(7), CONTEXT)).rejects.toThrow("closed");
    expect(service.isClosed).toBe(true);
  });
});

describe("the counts", () => {
  it("have names, units and a kind each", async () => {
    expect(Object.keys(cache.metrics()).sort()).toEqual(Object.keys(KEY_CACHE_METRICS).sort());
    for (const [name, { unit, description, kind }] of Object.entries(KEY_CACHE_METRICS)) {
      expect(name).toMatch(/^safetypin\.key_cache\.[a-z_]+$/);
      expect(unit).toMatch(/^\{[a-z]+\}$/);
      expect(description).toMatch(/^[A-Z]/);
      expect(["counter", "updowncounter"]).toContain(kind);
    }
  });

  it("add up: whoever asked hit, missed, was served late, or was told of a failure", async () => {
    await get();
    await get();
    service.break("kms_unavailable");
    jest.advanceTimersByTime(6 * MINUTE);
    await get();
    await get();
    await expect(get(9)).rejects.toThrow();

    expect(cache.metrics()).toEqual({
      "safetypin.key_cache.hits": 1,
      "safetypin.key_cache.misses": 3,
      "safetypin.key_cache.stale_serves": 2,
      "safetypin.key_cache.unwraps": 3,
      "safetypin.key_cache.failures": 2,
      "safetypin.key_cache.evictions": 0,
      "safetypin.key_cache.size": 1,
    });
  });

  it("come with a report of each request, and outlive one who cannot take it", async () => {
    const reports: UnwrapReport[] = [];
    open({
      onUnwrap(report) {
        reports.push(report);
        throw new Error("no disk left");
      },
    });
    const release = service.hold();
    const waiting = get();
    await settled();
    jest.advanceTimersByTime(40);
    release();
    expect(await waiting).toEqual(shareOf(7));
    service.break("kms_throttled");
    await expect(get(8)).rejects.toMatchObject({ code: "kms_throttled" });

    expect(reports).toEqual([
      { provider: "scripted", durationMs: 40, errorCode: undefined },
      { provider: "scripted", durationMs: 0, errorCode: "kms_throttled" },
    ]);
  });
});

describe("whatever happens, in whatever order", () => {
  /** A generator of numbers below a bound that can be run again. */
  function dice(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }

  it.each(Array.from({ length: 40 }, (_, index) => index + 1))("no share is another's or damaged, and none is left (seed %i)", async (seed) => {
    const roll = dice(seed);
    const maximumShares = 1 + roll(4);
    open({ maximumShares, maximumUses: 1 + roll(20), lifetimeMs: 1_000, staleMs: roll(2) * 2_000, failureMs: roll(2) * 100 });
    const handedOut: { share: Buffer; value: number }[] = [];
    const pending: Promise<void>[] = [];
    let release: () => void = () => undefined;

    for (let step = 0; step < 200; step += 1) {
      switch (roll(9)) {
        case 0:
          jest.advanceTimersByTime(roll(1_500));
          break;
        case 1:
          service.break(([undefined, undefined, "kms_unavailable", "master_key_disabled"] as const)[roll(4)]);
          break;
        case 2:
          release();
          release = roll(2) === 0 ? service.hold() : () => undefined;
          break;
        case 3:
          if (roll(4) === 0) cache.forget({ cellId: CELL, organizationId: [ACME, ZENITH, null][roll(3)]! });
          break;
        case 4:
          await settled();
          break;
        default: {
          const value = 1 + roll(6);
          const context = { ...CONTEXT, organizationId: [ACME, ZENITH][value % 2]! };
          const giving = new AbortController();
          if (roll(5) === 0) queueMicrotask(() => giving.abort());
          pending.push(
            get(value, context, giving.signal).then(
              (share) => void handedOut.push({ share, value }),
              (error: unknown) => {
                if (!(error instanceof KeyProviderError) && !giving.signal.aborted) throw error;
              },
            ),
          );
        }
      }
      expect(cache.metrics()["safetypin.key_cache.size"]).toBeLessThanOrEqual(maximumShares);
    }
    release();
    await Promise.all(pending);
    await cache.close();
    await settled();

    expect(handedOut.length).toBeGreaterThan(0);
    for (const { share, value } of handedOut) expect(share).toEqual(shareOf(value));
    expect(service.given.every(isZero)).toBe(true);
  });
});

describe("before a real service", () => {
  it("500 requests of a burst are one; while it is down nobody notices; when it says no, everybody does", async () => {
    jest.useRealTimers();
    const kms = await startAwsKms();
    const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
    kms.addIdentity(credentials);
    const keyArn = kms.createKey("eu-central-1");
    const provider = awsKms({ keyArn, endpoint: kms.url, credentials, maximumAttempts: 1 });
    const { share, wrapped } = await provider.generate(CONTEXT);
    kms.arrivals.length = 0;
    const opened = createKeyCache(provider, { lifetimeMs: 500, staleMs: 60_000, failureMs: 10 });
    const burst = () => Promise.all(Array.from({ length: 500 }, () => opened.unwrap(wrapped, CONTEXT)));
    const pause = (ms: number) => new Promise((over) => setTimeout(over, ms));

    try {
      expect((await burst()).every((one) => one.equals(share))).toBe(true);
      expect(kms.arrivals).toEqual(["Decrypt"]);

      kms.faults.inject({ answer: { type: "KMSInternalException", status: 500 } });
      await pause(560);
      expect((await burst()).every((one) => one.equals(share))).toBe(true);

      kms.faults.heal();
      kms.setState(keyArn, "Disabled");
      await pause(20);
      await burst();
      for (let attempt = 0; attempt < 100 && opened.metrics()["safetypin.key_cache.size"] > 0; attempt += 1) await pause(20);
      await expect(opened.unwrap(wrapped, CONTEXT)).rejects.toMatchObject({ code: "master_key_disabled" });
    } finally {
      await opened.close();
      await kms.stop();
    }
  });
});
