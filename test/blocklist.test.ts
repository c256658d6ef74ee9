import { readFileSync } from "node:fs";
import {
  BLOCKLIST_SEED,
  readBlockedPasswords,
  renderBlocklistSeed,
} from "../src/development/blocklist.js";
import { ConfigurationError } from "../src/errors.js";
import { type BlocklistLookup, blockedDigest, isBlocked } from "../src/password-blocklist.js";
import { countCodePoints } from "../src/passwords.js";

/** Reads the committed seed as PostgreSQL would, without the code that wrote it. */
function readSeed(): { buckets: Map<number, Buffer>; lookup: BlocklistLookup } {
  const seed = readFileSync(BLOCKLIST_SEED, "utf8");
  const buckets = new Map<number, Buffer>();
  for (const [, prefix, digests] of seed.matchAll(/^ {2}\((\d+), '([A-Za-z0-9+/=]+)'\),?$/gm)) {
    buckets.set(Number(prefix), Buffer.from(digests ?? "", "base64"));
  }

  return { buckets, lookup: async (prefix) => buckets.get(prefix) ?? Buffer.alloc(0) };
}

describe("the blocklist", () => {
  const { buckets, lookup } = readSeed();
  const passwords = readBlockedPasswords();

  async function countBlocked(texts: readonly string[]): Promise<number> {
    let blocked = 0;
    for (const text of texts) if (await isBlocked(text, lookup)) blocked += 1;
    return blocked;
  }

  it("is the npm package's, and would be written again byte for byte", () => {
    // Not toBe() of the two: a difference of megabytes helps nobody.
    expect(renderBlocklistSeed(passwords) === readFileSync(BLOCKLIST_SEED, "utf8")).toBe(true);
  });

  it("holds the 100 000 commonest and every other entry of at least 8 characters", () => {
    const rest = passwords.slice(100_000);

    expect(passwords.slice(0, 3)).toEqual(["123456", "password", "12345678"]);
    expect(passwords).toHaveLength(548_800);
    expect(passwords.filter((password) => countCodePoints(password) >= 8)).toHaveLength(488_130);
    expect(rest.every((password) => countCodePoints(password) >= 8)).toBe(true);
  });

  it("is 256 buckets of five-byte digests, ascending, none twice", () => {
    const digests = [...buckets].flatMap(([prefix, bucket]) => {
      expect(bucket.length % 5).toBe(0);
      return Array.from({ length: bucket.length / 5 }, (_, place) =>
        prefix * 2 ** 40 + bucket.readUIntBE(5 * place, 5),
      );
    });

    expect([...buckets.keys()]).toEqual(Array.from({ length: 256 }, (_, prefix) => prefix));
    expect(digests).toHaveLength(532_809);
    expect(digests.every((digest, place) => digest > (digests[place - 1] ?? -1))).toBe(true);
  });

  it("refuses every one of its entries as the client asks, in any case", async () => {
    const some = passwords.filter((_, rank) => rank % 100 === 0);

    expect(await countBlocked(passwords)).toBe(548_800);
    expect(await countBlocked(some.map((password) => password.toUpperCase()))).toBe(some.length);
  });

  it("refuses no password for a part of it", async () => {
    const some = passwords.filter((_, rank) => rank % 100 === 0);

    expect(await countBlocked(some.map((password) => `x${password}y{`))).toBe(0);
  });

  it("compares digest with digest, and not with halves of two neighbours", async () => {
    const rest = blockedDigest("password").subarray(1);
    const bucket = (...parts: Uint8Array[]) => async () => Buffer.concat(parts);

    const between = [Buffer.alloc(2), rest, Buffer.alloc(3)];

    expect(await isBlocked("password", bucket(...between))).toBe(false);
    expect(await isBlocked("password", bucket(...between, rest))).toBe(true);
  });

  it("lets nothing pass while it is not loaded", async () => {
    const asking = isBlocked("correct horse battery staple", async () => Buffer.alloc(0));

    await expect(asking).rejects.toBeInstanceOf(ConfigurationError);
    await expect(asking).rejects.toMatchObject({ remedy: "load the base seeds: safetypin seed" });
  });
});
