import { RuleError } from "./errors.js";

declare const cursor: unique symbol;

/**
 * Where a list goes on. Text that may travel to a browser and back: it holds the
 * place of the last item and no right to see anything.
 */
export type Cursor = string & { readonly [cursor]: true };

/** How much of a list is asked for. */
export interface PageOptions {
  /** The `next` of the page before; without it the list begins. */
  readonly after?: Cursor | string | undefined;

  /** The most items to return, from 1 to {@link MAXIMUM_PAGE_SIZE}. @defaultValue 50 */
  readonly limit?: number | undefined;
}

/** A part of a list. */
export interface Page<Item> {
  /** In the list's order. */
  readonly items: readonly Item[];

  /** What to pass as `after` for the items that follow, or `null` when there are none. */
  readonly next: Cursor | null;
}

/** The most items of one page. */
export const MAXIMUM_PAGE_SIZE = 100;

const DEFAULT_PAGE_SIZE = 50;

/**
 * The number of items a caller asks for.
 *
 * @throws RuleError `limit_out_of_range` when it is no whole number from 1 to `maximum`.
 */
export function parseLimit(
  limit: number | undefined,
  { maximum = MAXIMUM_PAGE_SIZE }: { readonly maximum?: number } = {},
): number {
  const asked = limit ?? Math.min(DEFAULT_PAGE_SIZE, maximum);
  if (!Number.isInteger(asked) || asked < 1 || asked > maximum) {
    throw new RuleError("limit_out_of_range", `limit cannot be ${String(asked)}`, {
      remedy: `Pass a whole number from 1 to ${maximum}`,
    });
  }
  return asked;
}

/**
 * Reads one page. One item more than asked for is read, to know whether any follow.
 *
 * A list goes on behind its last item (a keyset) and not at a number, so that it
 * costs the same at its end as at its beginning, and what is added or removed
 * meanwhile neither repeats nor hides an item.
 *
 * @throws RuleError `limit_out_of_range`; `cursor_invalid` when `after` is no cursor of this list.
 */
export async function readPage<Row, Item>(
  { after, limit }: PageOptions,
  list: {
    /** What the list begins behind. */
    readonly start: readonly string[];
    /** What tells two items of this list apart and orders them. */
    readonly keyOf: (row: Row) => readonly string[];
    /** How each part of a key looks. */
    readonly pattern: readonly RegExp[];
    readonly read: (position: readonly string[], limit: number) => Promise<readonly Row[]>;
    readonly item: (row: Row) => Item;
  },
): Promise<Page<Item>> {
  const size = parseLimit(limit);
  const position = after === undefined ? list.start : parseCursor(after, list.pattern);

  const rows = await list.read(position, size + 1);
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  return {
    items: shown.map(list.item),
    next: rows.length > size && last !== undefined ? makeCursor(list.keyOf(last)) : null,
  };
}

/** A key that is a UUID. */
export const UUID_KEY = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A key that is a time, to the microsecond: JavaScript's own would lose three digits. */
export const TIME_KEY = /^(infinity|\d{4,6}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d(:\d\d){0,2}))$/;

/** A key that is a name. */
export const NAME_KEY = /^[^\0]{1,300}$/s;

/** What sorts before every UUID. */
export const BEFORE_ALL_IDS = "00000000-0000-0000-0000-000000000000";

function makeCursor(key: readonly string[]): Cursor {
  return Buffer.from(JSON.stringify(key)).toString("base64url") as Cursor;
}

function parseCursor(text: string, pattern: readonly RegExp[]): readonly string[] {
  const key = decode(text);
  const isOurs =
    Array.isArray(key)
    && key.length === pattern.length
    && pattern.every((part, place) => typeof key[place] === "string" && part.test(key[place]));
  if (!isOurs) {
    throw new RuleError("cursor_invalid", "after is no cursor of this list", {
      remedy: "Pass the next of one of its pages, as it was",
    });
  }
  return key as readonly string[];
}

function decode(text: string): unknown {
  if (typeof text !== "string" || text.length > 2000) return undefined;
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
