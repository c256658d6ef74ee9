import { isIP } from "node:net";
import { types } from "node:util";

import { RuleError } from "./errors.js";

/**
 * A point in time.
 *
 * @throws {@link RuleError} `time_invalid`.
 */
export function parseTime(time: Date, name: string): Date {
  if (!types.isDate(time) || Number.isNaN(time.getTime())) {
    throw new RuleError("time_invalid", `${name} is no point in time`, { remedy: "Pass a Date" });
  }
  return time;
}

/**
 * A text of words and lines: PostgreSQL keeps no NUL.
 *
 * @throws {@link RuleError} `text_invalid`.
 */
export function parseText(text: string, name: string): string {
  if (typeof text !== "string" || text.includes("\0")) {
    throw new RuleError("text_invalid", `${name} is no text that can be kept`, {
      remedy: "Pass a string without the NUL character (U+0000)",
    });
  }
  return text;
}

/** The most things that one call takes. */
const MAXIMUM_BATCH = 1_000;

/**
 * Several things of one kind.
 *
 * @throws {@link RuleError} `batch_out_of_range`.
 */
export function parseBatch<Item>(items: readonly Item[], name: string): readonly Item[] {
  if (!Array.isArray(items) || items.length > MAXIMUM_BATCH) {
    throw new RuleError("batch_out_of_range", `${name} is no list of at most ${MAXIMUM_BATCH}`, {
      remedy: "Do it in several calls",
    });
  }
  return items;
}

/**
 * The id of something of any kind.
 *
 * @throws {@link RuleError} `id_malformed`.
 */
export function parseUuid(text: string): string {
  if (typeof text !== "string" || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) {
    throw new RuleError("id_malformed", `${JSON.stringify(String(text).slice(0, 80))} is no id`, {
      remedy: "Pass a uuid",
    });
  }
  return text.toLowerCase();
}

/**
 * A network, such as `192.0.2.0/24` or `2001:db8::/32`, or one address.
 *
 * @throws {@link RuleError} `network_malformed`.
 */
export function parseNetwork(text: string): string {
  const [address = "", bits, ...more] = typeof text === "string" ? text.split("/") : [];
  const family = isIP(address);
  const isBits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
  if (family === 0 || address.includes("%") || !isBits || more.length > 0) {
    throw new RuleError("network_malformed", `${JSON.stringify(text)} is no network address`, {
      remedy: "Pass an address, or a network such as 192.0.2.0/24",
    });
  }
  return text;
}

/**
 * An object that can be kept as JSON.
 *
 * @throws {@link RuleError} `json_invalid`.
 */
export function parseJsonObject(value: unknown, name: string): JsonObject {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const text = isObject ? stringify(value) : undefined;
  // PostgreSQL keeps no NUL in its JSON.
  if (text === undefined || text.includes("\\u0000")) {
    throw new RuleError("json_invalid", `${name} is no object that can be kept as JSON`, {
      remedy: "Pass a plain object without the NUL character (U+0000)",
    });
  }
  return JSON.parse(text) as JsonObject;
}

/** What JSON calls an object. */
export type JsonObject = { [key: string]: JsonValue };

/** What JSON calls a value. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;

function stringify(value: object): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
