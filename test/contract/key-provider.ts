import type { KeyContext, KeyProvider, WrappedShare } from "../../src/keys/key-provider.js";

/** The cell whose keys a test asks for. */
export const CELL = "0199a0c4-0000-7000-8000-000000000001";

/** One of its organizations, and another. */
export const ACME = "0199a0c4-0000-7000-8000-00000000000a";
export const ZENITH = "0199a0c4-0000-7000-8000-00000000000e";

export const CONTEXT: KeyContext = { cellId: CELL, organizationId: ACME, keyId: 3 };

/** Contexts that differ from {@link CONTEXT} in one thing each. */
export const OTHER_CONTEXTS: readonly (readonly [what: string, context: KeyContext])[] = [
  ["cell", { ...CONTEXT, cellId: "0199a0c4-0000-7000-8000-000000000002" }],
  ["organization", { ...CONTEXT, organizationId: ZENITH }],
  ["key number", { ...CONTEXT, keyId: 30 }],
  ["lack of an organization", { ...CONTEXT, organizationId: null }],
];

/** What any service that keeps keys has to do. */
export function itKeepsKeys(open: () => KeyProvider): void {
  it("makes shares of 32 bytes, no two alike, and gives them back", async () => {
    const provider = open();
    const one = await provider.generate(CONTEXT);
    const two = await provider.generate(CONTEXT);

    expect([one.share.length, two.share.length]).toEqual([32, 32]);
    expect(one.share.equals(two.share)).toBe(false);
    expect(one.wrapped.bytes.includes(one.share)).toBe(false);
    expect(await provider.unwrap(one.wrapped, CONTEXT)).toEqual(one.share);
    expect(await provider.unwrap(two.wrapped, CONTEXT)).toEqual(two.share);
  });

  it("keeps the cell's own key apart from every organization's", async () => {
    const own = { ...CONTEXT, organizationId: null };
    const { share, wrapped } = await open().generate(own);

    expect(await open().unwrap(wrapped, own)).toEqual(share);
    await expect(open().unwrap(wrapped, CONTEXT)).rejects.toMatchObject({ code: "share_refused" });
  });

  it.each(OTHER_CONTEXTS)("opens no share of another %s", async (_, other) => {
    const { wrapped } = await open().generate(CONTEXT);

    await expect(open().unwrap(wrapped, other)).rejects.toMatchObject({
      name: "KeyProviderError",
      code: "share_refused",
      isTransient: false,
    });
    await expect(open().rewrap(wrapped, other)).rejects.toMatchObject({ code: "share_refused" });
  });

  it("opens no share of which a byte was changed, or that was cut off", async () => {
    const { wrapped } = await open().generate(CONTEXT);
    const { length } = wrapped.bytes;
    const altered = (change: (bytes: Buffer) => Buffer): WrappedShare => ({
      ...wrapped,
      bytes: change(Buffer.from(wrapped.bytes)),
    });
    const flip = (place: number) => altered((bytes) => (bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place), bytes));

    for (const changed of [flip(length - 1), flip(length >> 1), altered((bytes) => bytes.subarray(0, -1)), altered(() => Buffer.alloc(0))]) {
      await expect(open().unwrap(changed, CONTEXT)).rejects.toMatchObject({ code: "share_refused" });
    }
    expect((await open().unwrap(wrapped, CONTEXT)).length).toBe(32);
  });

  it("rewraps the same share, in other bytes", async () => {
    const { share, wrapped } = await open().generate(CONTEXT);
    const again = await open().rewrap(wrapped, CONTEXT);

    expect(again.bytes.equals(wrapped.bytes)).toBe(false);
    expect(await open().unwrap(again, CONTEXT)).toEqual(share);
    expect(await open().unwrap(wrapped, CONTEXT)).toEqual(share);
  });

  it("wraps a share that comes from elsewhere, and leaves it to whose it is", async () => {
    const share = Buffer.alloc(32, 7);
    const wrapped = await open().wrap(share, CONTEXT);

    expect(share).toEqual(Buffer.alloc(32, 7));
    expect(wrapped.bytes.includes(share)).toBe(false);
    expect(await open().unwrap(wrapped, CONTEXT)).toEqual(share);
    await expect(open().unwrap(wrapped, { ...CONTEXT, keyId: 30 })).rejects.toMatchObject({ code: "share_refused" });
  });

  it("knows by name what it wrapped, and nothing of another kind", async () => {
    const { wrapped } = await open().generate(CONTEXT);

    expect(await open().relationTo?.(wrapped.keyName)).toBe("wraps");
    expect(await open().relationTo?.("vault:transit/keys/safetypin")).toBe("none");
  });

  it("gives everybody a share of their own", async () => {
    const { share, wrapped } = await open().generate(CONTEXT);
    const [one, two] = await Promise.all([open().unwrap(wrapped, CONTEXT), open().unwrap(wrapped, CONTEXT)]);
    one.fill(0);

    expect(two).toEqual(share);
  });

  it("asks nobody about a context that is no list of ids", async () => {
    const { wrapped } = await open().generate(CONTEXT);
    for (const wrong of [
      { ...CONTEXT, organizationId: "ann@example.com" },
      { ...CONTEXT, cellId: "safetypin" },
      { ...CONTEXT, keyId: 0 },
      { ...CONTEXT, keyId: 1.5 },
    ]) {
      await expect(open().generate(wrong)).rejects.toMatchObject({ code: "id_malformed" });
      await expect(open().unwrap(wrapped, wrong)).rejects.toMatchObject({ code: "id_malformed" });
      await expect(open().rewrap(wrapped, wrong)).rejects.toMatchObject({ code: "id_malformed" });
      await expect(open().wrap(Buffer.alloc(32), wrong)).rejects.toMatchObject({ code: "id_malformed" });
    }
  });

  it("does nothing for who has given up already", async () => {
    const reason = new Error("the request was closed");
    const signal = AbortSignal.abort(reason);
    const { wrapped } = await open().generate(CONTEXT);

    await expect(open().generate(CONTEXT, { signal })).rejects.toBe(reason);
    await expect(open().wrap(Buffer.alloc(32), CONTEXT, { signal })).rejects.toBe(reason);
    await expect(open().unwrap(wrapped, CONTEXT, { signal })).rejects.toBe(reason);
  });
}
