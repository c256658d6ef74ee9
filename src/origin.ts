import { isIP } from "node:net";

import { RuleError } from "./errors.js";

/** Where a request came from, as the application says: evidence, and never a reason to allow anything. */
export interface Origin {
  /** The person's own address, not the load balancer's. */
  readonly ipAddress?: string | undefined;

  /** The `User-Agent` they sent. */
  readonly userAgent?: string | undefined;
}

/** A user agent of a browser has 200 characters; the database keeps no more than this. */
const MAXIMUM_USER_AGENT = 1_000;

/**
 * The address as PostgreSQL takes it. Node.js writes IPv4 as `::ffff:192.0.2.1` on a
 * socket that serves both; left so, all of IPv4 would be throttled as one network.
 *
 * @throws {@link RuleError} `ip_address_malformed`
 */
export function readIpAddress({ ipAddress }: Origin): string | null {
  if (ipAddress === undefined) return null;

  const address = ipAddress.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  if (isIP(address) === 0) {
    throw new RuleError("ip_address_malformed", `${JSON.stringify(ipAddress.slice(0, 60))} is no IP address`, {
      remedy: "Pass one address, without a port: of X-Forwarded-For, the entry your own proxy added",
    });
  }
  return address;
}

/** The user agent, without what no text in PostgreSQL can hold. */
export function readUserAgent({ userAgent }: Origin): string | null {
  return userAgent?.slice(0, MAXIMUM_USER_AGENT).replaceAll("\0", "?") ?? null;
}
