/** A flaw of PostgreSQL that matters to this product, and where it was mended. */
export interface ServerFlaw {
  readonly cve: string;

  /** What it lets somebody do, as the end of a sentence. */
  readonly effect: string;

  /**
   * Whether it undoes the fences between organizations: in production that is
   * critical, everything else on this list is a warning.
   */
  readonly breaksIsolation: boolean;

  /** The first minor release without it, by major release; majors that are not named never had it. */
  readonly fixedIn: Readonly<Record<number, number>>;
}

/*
 * From the advisories at https://www.postgresql.org/support/security/. Of the
 * August 2026 release 18.6 is the first of 18: 18.5 was stamped and never
 * published. docs/server-versions.md says why these and not all of them.
 */
const AUGUST_2026 = { 15: 19, 16: 15, 17: 11, 18: 6 };
const MAY_2026 = { 15: 18, 16: 14, 17: 10, 18: 4 };
const FEBRUARY_2026 = { 15: 16, 16: 12, 17: 8, 18: 2 };

/** The flaws that are looked for, newest first. */
export const SERVER_FLAWS: readonly ServerFlaw[] = [
  {
    cve: "CVE-2026-14666",
    effect: "a cached plan keeps the row-level security of a role that the session has left",
    breaksIsolation: true,
    fixedIn: AUGUST_2026,
  },
  {
    cve: "CVE-2026-14663",
    effect: "pgcrypto stores cleartext in place of a cipher that OpenSSL has disabled",
    breaksIsolation: false,
    fixedIn: AUGUST_2026,
  },
  {
    cve: "CVE-2026-14664",
    effect: "a regular expression over badly encoded text runs code as the server",
    breaksIsolation: false,
    fixedIn: AUGUST_2026,
  },
  {
    cve: "CVE-2026-14669",
    effect: "to_char() runs code as the server",
    breaksIsolation: false,
    fixedIn: AUGUST_2026,
  },
  {
    cve: "CVE-2026-6473",
    effect: "sizes that wrap around let a query write past its memory",
    breaksIsolation: false,
    fixedIn: MAY_2026,
  },
  {
    cve: "CVE-2026-2005",
    effect: "a crafted message to pgcrypto's PGP functions runs code as the server",
    breaksIsolation: false,
    fixedIn: FEBRUARY_2026,
  },
  {
    cve: "CVE-2026-2006",
    effect: "text of a wrong length runs code as the server",
    breaksIsolation: false,
    fixedIn: FEBRUARY_2026,
  },
  {
    cve: "CVE-2025-8713",
    effect: "the planner's statistics show values of rows that policies hide",
    breaksIsolation: true,
    fixedIn: { 15: 14, 16: 10, 17: 6 },
  },
  {
    cve: "CVE-2024-10976",
    effect: "row-level security below a subquery forgets that the role has changed",
    breaksIsolation: true,
    fixedIn: { 15: 9, 16: 5, 17: 1 },
  },
  {
    cve: "CVE-2024-10978",
    effect: "SET ROLE and SET SESSION AUTHORIZATION end with another role than they should",
    breaksIsolation: true,
    fixedIn: { 15: 9, 16: 5, 17: 1 },
  },
  {
    cve: "CVE-2024-0985",
    effect: "refreshing a materialized view concurrently runs its owner's functions as who refreshes",
    breaksIsolation: false,
    fixedIn: { 15: 6 },
  },
  {
    cve: "CVE-2023-5869",
    effect: "a long array runs code as the server",
    breaksIsolation: false,
    fixedIn: { 15: 5, 16: 1 },
  },
  {
    cve: "CVE-2023-39418",
    effect: "MERGE does not ask the policies of UPDATE and SELECT",
    breaksIsolation: true,
    fixedIn: { 15: 4 },
  },
  {
    cve: "CVE-2023-2455",
    effect: "a function that is inlined keeps the row-level security of another role",
    breaksIsolation: true,
    fixedIn: { 15: 3 },
  },
  {
    cve: "CVE-2023-2454",
    effect: "CREATE SCHEMA runs a definer's code under another's path",
    breaksIsolation: false,
    fixedIn: { 15: 3 },
  },
];

/** The flaws that a server of this version has (`server_version_num`, such as 180004). */
export function findServerFlaws(versionNumber: number): ServerFlaw[] {
  const { major, minor } = splitVersion(versionNumber);
  return SERVER_FLAWS.filter(({ fixedIn }) => {
    const fixed = fixedIn[major];
    return fixed !== undefined && minor < fixed;
  });
}

/** The first release of the same major that has none of these flaws. */
export function safeVersion(versionNumber: number, flaws: readonly ServerFlaw[]): string {
  const { major } = splitVersion(versionNumber);
  return `${String(major)}.${String(Math.max(...flaws.map(({ fixedIn }) => fixedIn[major] ?? 0)))}`;
}

function splitVersion(versionNumber: number): { major: number; minor: number } {
  return { major: Math.floor(versionNumber / 10_000), minor: versionNumber % 10_000 };
}
