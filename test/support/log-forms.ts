const WINDOW = 16;

/**
 * Finds in a server's log any sixteen bytes of a secret that begin at a multiple of
 * eight: as they are, in hexadecimal, in base64, escaped, as the list of numbers that
 * `debug_print_plan` makes of a constant, and as that list of the hexadecimal text.
 * What it makes answers the forms that were found.
 */
export function findForms(log: Buffer): (secret: Buffer) => string[] {
  const text = log.toString("latin1");
  // What is printed prettily is broken anywhere, also within a number.
  const joined = text.replace(/\s+/g, "");
  const lower = text.toLowerCase();

  return (secret) => {
    const found = new Set<string>();
    for (let at = 0; at === 0 || at + WINDOW <= secret.length; at += 8) {
      const part = secret.subarray(at, at + WINDOW);
      const hex = part.toString("hex");
      if (log.includes(part)) found.add("raw");
      if (lower.includes(hex)) found.add("hex");
      if (base64Of(part).some((form) => text.includes(form))) found.add("base64");
      if (text.includes(octal(part))) found.add("escaped");
      if (joined.includes(numbers(part)) || joined.includes(part.join(""))) found.add("numbers");
      if (joined.includes(numbers(Buffer.from(hex)))) found.add("numbers of hex");
    }
    return [...found].sort();
  };
}

/** What base64 makes of the bytes whatever stands before them, without what depends on it. */
function base64Of(part: Buffer): string[] {
  return [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), part]).toString("base64");
    return text.slice(shift === 0 ? 0 : 4, 20);
  });
}

/** A constant's bytes are printed as signed numbers. */
const numbers = (bytes: Buffer) => [...bytes].map((byte) => (byte > 127 ? byte - 256 : byte)).join("");

/** As `bytea_output = 'escape'` has it. */
const octal = (bytes: Buffer) =>
  [...bytes]
    .map((byte) => {
      if (byte === 0x5c) return "\\\\";
      return byte < 0x20 || byte > 0x7e ? `\\${byte.toString(8).padStart(3, "0")}` : String.fromCharCode(byte);
    })
    .join("");
