import { createHash } from "node:crypto";

/**
 * A service that knows passwords from breaches and answers by range: it is
 * told five hexadecimal digits of a SHA-1 and never the password, nor a hash of
 * it. None is asked unless the application brings one.
 *
 * What it throws refuses the new password with that error. A check that would
 * rather let people carry on while the service is away answers an empty list.
 *
 * @example The range protocol of Have I Been Pwned, over `fetch`:
 * ```ts
 * const breachedPasswords: BreachedPasswordCheck = {
 *   async listSuffixes(prefix) {
 *     const response = await fetch(`https://api.pwnedpasswords.com/range/${prefix}`, {
 *       headers: { "Add-Padding": "true" },
 *       signal: AbortSignal.timeout(2_000),
 *     });
 *     if (!response.ok) throw new Error(`the range service answered ${response.status}`);
 *     const lines = (await response.text()).split(/\r?\n/);
 *     // Padding comes as entries that were seen 0 times.
 *     return lines.filter((line) => !line.endsWith(":0")).map((line) => line.slice(0, 35));
 *   },
 * };
 * ```
 */
export interface BreachedPasswordCheck {
  /** The other 35 hexadecimal digits of each known SHA-1 that begins with these (upper case). */
  listSuffixes(prefix: string): Promise<readonly string[]>;
}

/** Whether the service knows the password. Upper and lower case answers are taken. */
export async function isBreached(
  password: string,
  check: BreachedPasswordCheck,
): Promise<boolean> {
  const digest = createHash("sha1").update(password, "utf8").digest("hex").toUpperCase();
  const suffixes = await check.listSuffixes(digest.slice(0, 5));

  return suffixes.some((suffix) => suffix.toUpperCase() === digest.slice(5));
}
