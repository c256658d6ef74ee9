/**
 * One record of a CSV file, its line's end included (RFC 4180).
 *
 * What a spreadsheet would take for a formula gets an apostrophe before it, so that
 * opening evidence does not run what somebody put into a user agent (OWASP, CSV
 * injection).
 */
export function csvRecord(fields: readonly unknown[]): string {
  return `${fields.map(csvField).join(",")}\r\n`;
}

function csvField(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);

  const text = toText(value);
  const safe = /^[\s]*[=+\-@\t\r\n|%]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function toText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Date) return value.toISOString();
  return JSON.stringify(value);
}
