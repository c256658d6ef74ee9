import { createHash } from "node:crypto";

/** Shorter ones are words that stand everywhere. */
const SHORTEST_SECRET = 12;

/** How long the beginning of a form is by which it is looked up. */
const PREFIX = 8;

interface Form {
  readonly bytes: Buffer;
  readonly secret: Buffer;
}

/** Finds any of many secrets in bytes, however they are written. */
export interface SecretMatcher {
  /** How many secrets are looked for. */
  readonly size: number;

  /** How many bytes of what was read last have to be read again with what comes next. */
  readonly overlap: number;

  /** The secrets that are there, each in whichever form it was found. */
  find(bytes: Buffer): Buffer[];
}

/**
 * Makes a matcher for secrets as they are, in hexadecimal, in base64 and in base64 for
 * URLs, wherever in something else that begins, and texts in UTF-16 too. Left out is what cannot be told from something harmless: what is short, what
 * is one byte over and over, and the digest of another secret, which may be kept.
 */
export function matchSecrets(secrets: readonly Buffer[]): SecretMatcher {
  const all = new Map(secrets.map((secret) => [secret.toString("hex"), secret]));
  for (const secret of [...all.values()]) {
    all.delete(createHash("sha256").update(secret).digest("hex"));
  }
  const wanted = [...all.values()].filter(
    (secret) => secret.length >= SHORTEST_SECRET && new Set(secret).size > 3,
  );
  const forms = wanted.flatMap(formsOf);

  // Three bytes are looked up in a table of bits, then eight: nearly all that is read ends there.
  // Of hexadecimal digits any three begin some secret.
  const isBeginning = new Uint8Array(1 << 21);
  const isPrefix = new Uint8Array(1 << 21);
  const byPrefix = new Map<string, Form[]>();
  for (const form of forms) {
    const start = form.bytes.readUIntBE(0, 3);
    isBeginning[start >> 3]! |= 1 << (start & 7);
    const mark = markOf(form.bytes, 0);
    isPrefix[mark >> 3]! |= 1 << (mark & 7);
    const prefix = form.bytes.toString("latin1", 0, PREFIX);
    byPrefix.set(prefix, [...(byPrefix.get(prefix) ?? []), form]);
  }

  return {
    size: wanted.length,
    overlap: forms.reduce((longest, { bytes }) => Math.max(longest, bytes.length - 1), 0),
    find(bytes) {
      const found = new Map<string, Buffer>();
      let start = 0;
      for (let at = 0; at < bytes.length; at += 1) {
        start = ((start << 8) | bytes[at]!) & 0xffffff;
        if ((isBeginning[start >> 3]! & (1 << (start & 7))) === 0) continue;
        const from = at - 2;
        if (from < 0) continue;
        if (from + PREFIX > bytes.length) break;
        const mark = markOf(bytes, from);
        if ((isPrefix[mark >> 3]! & (1 << (mark & 7))) === 0) continue;
        for (const form of byPrefix.get(bytes.toString("latin1", from, from + PREFIX)) ?? []) {
          if (bytes.subarray(from, from + form.bytes.length).equals(form.bytes)) {
            found.set(form.secret.toString("hex"), form.secret);
          }
        }
      }
      return [...found.values()];
    },
  };
}

/** Eight bytes in 24 bits. */
function markOf(bytes: Buffer, from: number): number {
  const [low, high] = [word(bytes, from), word(bytes, from + 4)];
  return (multiply(low, 0x9e3779b1) ^ multiply(high, 0x85ebca6b)) >>> 8;
}

// Jest makes every look at a global dear.
const { imul: multiply } = Math;

const word = (bytes: Buffer, at: number) =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

function formsOf(secret: Buffer): Form[] {
  const hex = secret.toString("hex");
  const forms = [secret, ...texts(hex, hex.toUpperCase(), ...base64Of(secret, "base64"), ...base64Of(secret, "base64url"))];
  if (/^[\x20-\x7e]+$/.test(secret.toString("latin1"))) {
    const wide = Buffer.from(secret.toString("latin1"), "utf16le");
    // Without the zero at either end: what is between says enough of which way around it is.
    forms.push(wide.subarray(0, -1), Buffer.from(wide).swap16().subarray(1));
  }
  return forms.map((bytes) => ({ bytes, secret }));
}

/** As it is encoded at the beginning of something, and behind one or two bytes of something else. */
function base64Of(secret: Buffer, encoding: "base64" | "base64url"): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), secret]).toString(encoding).replace(/=+$/, "");
    // Without the ends, which depend on what is beside it.
    return text.slice(before === 0 ? 0 : before + 1, -1);
  });
}

function texts(...forms: readonly string[]): Buffer[] {
  return [...new Set(forms)].map((form) => Buffer.from(form, "latin1"));
}
