import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BESIDE = fileURLToPath(new URL("../../../shared/data/wycheproof", import.meta.url));

/** Google's vectors (C2SP/wycheproof), where they stand beside the project. */
const DIRECTORY = process.env["SAFETYPIN_WYCHEPROOF"] || BESIDE;

/** A group of vectors, as the files have it: hexadecimal, and numbers of bits. */
export interface WycheproofGroup {
  readonly keySize: number;
  readonly ivSize?: number;
  readonly tagSize?: number;
  readonly tests: readonly WycheproofVector[];
}

export interface WycheproofVector {
  readonly tcId: number;
  readonly comment: string;
  readonly result: "valid" | "invalid" | "acceptable";
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
  readonly ikm: string;
  readonly salt: string;
  readonly info: string;
  readonly size: number;
  readonly okm: string;
}

/** `describe` where the vectors are, `describe.skip`, which is reported, where they are not. */
export const describeWycheproof: jest.Describe = existsSync(DIRECTORY) ? describe : describe.skip;

/** The groups of a file that fit. */
export function wycheproof(
  file: string,
  fits: (group: WycheproofGroup) => boolean = () => true,
): readonly WycheproofVector[] {
  const text = readFileSync(join(DIRECTORY, `${file}_test.json`), "utf8");
  const { testGroups } = JSON.parse(text) as { testGroups: WycheproofGroup[] };
  return testGroups.filter(fits).flatMap(({ tests }) => tests);
}
