import { createCellKeys, LISTED_FOR_MS, type WorkingKey } from "../src/keys/cell-keys.js";
import type { KeyProvider } from "../src/keys/key-provider.js";
import { CELL } from "./contract/key-provider.js";

const keyOf = (keyId: number, state: string): WorkingKey => ({
  keyId, state, provider: "scripted", keyName: "key", bytes: Buffer.of(keyId),
});

describe("the keys of a cell, as a client believes them", () => {
  const given: Buffer[] = [];
  let slownessMs: number;
  let listings: number;

  const provider = {
    name: "scripted",
    async unwrap({ bytes }) {
      jest.advanceTimersByTime(slownessMs);
      const share = Buffer.alloc(32, bytes.readUInt8(0));
      given.push(share);
      return share;
    },
  } as Pick<KeyProvider, "name" | "unwrap"> as KeyProvider;

  /** Whoever lists after the first finds another key, that will soon seal. */
  const list = async () => {
    listings += 1;
    return listings === 1 ? [keyOf(1, "active")] : [keyOf(2, "pending"), keyOf(1, "active")];
  };
  const idsOf = (shares: readonly { readonly keyId: number }[]) => shares.map(({ keyId }) => keyId);

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
    [slownessMs, listings] = [0, 0];
    given.length = 0;
  });
  afterEach(() => jest.useRealTimers());

  it("are listed once in ten seconds", async () => {
    const keys = createCellKeys(CELL, provider);
    for (const _ of [1, 2, 3]) expect(idsOf(await keys.ofCell(list))).toEqual([1]);
    jest.advanceTimersByTime(LISTED_FOR_MS);
    expect(idsOf(await keys.ofCell(list))).toEqual([1]);
    jest.advanceTimersByTime(1);
    expect(idsOf(await keys.ofCell(list))).toEqual([2, 1]);
    expect(listings).toBe(2);
  });

  it("are listed anew where the service took so long that the list is old: a key may seal by then that is not in it", async () => {
    const keys = createCellKeys(CELL, provider);
    await keys.ofCell(list);
    jest.advanceTimersByTime(LISTED_FOR_MS - 100);
    slownessMs = 3_000;
    const shares = await keys.ofCell(list);
    expect(idsOf(shares)).toEqual([2, 1]);
    expect(listings).toBe(2);
    // What was unwrapped by the old list is nobody's.
    expect(given[1]).toEqual(Buffer.alloc(32));
    expect(shares.map(({ share }) => share.readUInt8(31))).toEqual([2, 1]);
  });

  it("are what was listed, where the service is slower than any list is believed", async () => {
    const keys = createCellKeys(CELL, provider);
    slownessMs = 2 * LISTED_FOR_MS;
    expect(idsOf(await keys.ofCell(list))).toEqual([1]);
    expect(idsOf(await keys.ofCell(list))).toEqual([2, 1]);
    expect(listings).toBe(2);
  });
});
