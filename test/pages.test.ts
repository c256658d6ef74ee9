import { MAXIMUM_PAGE_SIZE, NAME_KEY, parseLimit, readPage, TIME_KEY, UUID_KEY } from "../src/pages.js";

/** A list of numbers as texts, read as a repository reads rows. */
function pageOf(size: number, options: { after?: string; limit?: number } = {}) {
  const rows = Array.from({ length: size }, (_, index) => `name ${String(index).padStart(3, "0")}`);
  return readPage(options, {
    start: [""],
    pattern: [NAME_KEY],
    keyOf: (row: string) => [row],
    read: async ([after = ""], limit) => rows.filter((row) => row > after).slice(0, limit),
    item: (row) => row,
  });
}

describe("a page", () => {
  it.each([0, 1, 49, 50, 51, 99, 100, 101])("of a list of %i loses nothing and repeats nothing", async (size) => {
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await pageOf(size, after === undefined ? {} : { after });
      seen.push(...page.items);
      after = page.next ?? undefined;
    } while (after !== undefined);

    expect(seen).toHaveLength(size);
    expect(new Set(seen).size).toBe(size);
  });

  it("says that nothing follows, where nothing does", async () => {
    expect((await pageOf(50)).next).toBeNull();
    expect((await pageOf(51)).next).not.toBeNull();
  });

  it("has from one to a hundred items", () => {
    expect(parseLimit(undefined)).toBe(50);
    expect(parseLimit(MAXIMUM_PAGE_SIZE)).toBe(100);
    for (const limit of [0, -1, 101, 1.5, Number.NaN, Infinity, "10" as never]) {
      expect(() => parseLimit(limit)).toThrow(expect.objectContaining({ code: "limit_out_of_range" }));
    }
  });

  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  it.each([
    ["nothing", ""],
    ["no cursor", "hello"],
    ["a key too many", encode(["a", "b"])],
    ["a key that is no text", encode([7])],
    ["a key with a NUL", encode(["a\0"])],
    ["an object", encode({ length: 1, 0: "a" })],
    ["a text far too long", encode(["x".repeat(5000)])],
    ["no text at all", 7 as unknown as string],
  ])("is refused after %s", async (_, after) => {
    await expect(pageOf(3, { after })).rejects.toMatchObject({ name: "RuleError", code: "cursor_invalid" });
  });

  it("begins after a time to the microsecond, and after an id", () => {
    expect(TIME_KEY.test("2026-11-23 22:00:00.123456+00")).toBe(true);
    expect(TIME_KEY.test("2026-11-23T22:00:00.123Z")).toBe(true);
    expect(TIME_KEY.test("infinity")).toBe(true);
    expect(TIME_KEY.test("2026-11-23'; drop table users; --")).toBe(false);
    expect(UUID_KEY.test("0190a5b2-0000-7000-8000-000000000000")).toBe(true);
    expect(UUID_KEY.test("0190a5b2")).toBe(false);
  });
});
