import { csvRecord } from "./csv.js";
import { RuleError } from "./errors.js";
import { parseTime } from "./parameters.js";

/** What can be exported. */
export type ExportStream = "events" | "attempts" | "changes";

/** `csv` as RFC 4180 says, with a head; `jsonl`: one JSON object a line. */
export type ExportFormat = "csv" | "jsonl";

/** What is exported, and how. */
export interface ExportOptions {
  readonly stream: ExportStream;
  readonly format: ExportFormat;

  /** Nothing recorded before this. */
  readonly since: Date;

  /** Nothing recorded from this on. */
  readonly until: Date;
}

/** A row, by the names of its columns. */
export type ExportRow = Readonly<Record<string, unknown>> & { readonly id: string };

/** Where exported rows come from and where it is written down that they went. */
export interface ExportSource {
  /** Writes down that an export begins (no count yet) or has ended. */
  readonly record: (options: ExportOptions, rowCount: number | null) => Promise<void>;

  /** The next rows, or none at the end. */
  readonly read: (options: ExportOptions, last: ExportRow | null, limit: number) => Promise<readonly ExportRow[]>;
}

/** Rows of one look: enough to be fast, few enough to be held. */
const ROWS_PER_READ = 1000;

/** The columns of an export, in order. */
const COLUMNS: Readonly<Record<ExportStream, readonly string[]>> = {
  events: [
    "id", "position", "eventType", "result", "failureReason", "userId", "actingUserId",
    "organizationId", "sessionId", "deviceId", "ipAddress", "userAgent", "resourceType",
    "resourceId", "additionalData", "loginName",
  ],
  attempts: [
    "id", "position", "result", "userId", "email", "ipAddress", "userAgent", "identityProviderId",
    "additionalData", "loginName",
  ],
  changes: [
    "id", "position", "tableName", "rowId", "operation", "organizationId", "actingUserId",
    "sessionId", "oldValues", "newValues", "loginName",
  ],
};

/**
 * Reads evidence in pieces and yields it as text. That it was exported is written down
 * before the first row leaves, and once more with the count when the last one has, or
 * when the reader stops early.
 *
 * @throws {@link RuleError} `period_invalid`, `time_invalid` or `word_unknown`.
 */
export async function* exportEvidence(
  options: ExportOptions,
  source: ExportSource,
): AsyncGenerator<string, void, undefined> {
  const { stream, format } = options;
  parsePeriod(options);
  const columns = Object.hasOwn(COLUMNS, stream) ? COLUMNS[stream] : undefined;
  if (columns === undefined || (format !== "csv" && format !== "jsonl")) {
    throw new RuleError("word_unknown", `there is no export of ${String(stream)} as ${String(format)}`, {
      remedy: "Pass events, attempts or changes, and csv or jsonl",
    });
  }

  await source.record(options, null);
  let count = 0;
  let isWhole = true;
  try {
    if (format === "csv") yield csvRecord(columns.map(columnName));

    let last: ExportRow | null = null;
    for (;;) {
      isWhole = false;
      const rows: readonly ExportRow[] = await source.read(options, last, ROWS_PER_READ);
      isWhole = true;
      if (rows.length === 0) break;
      last = rows.at(-1)!;
      count += rows.length;
      yield rows.map((row) => (format === "csv" ? toCsv(row, columns) : toJson(row, columns))).join("");
    }
  } finally {
    // A statement that failed has ended the transaction, and this record with it.
    if (isWhole) await source.record(options, count);
  }
}

/**
 * A period that has a beginning and an end.
 *
 * @throws {@link RuleError} `period_invalid` or `time_invalid`.
 */
export function parsePeriod({ since, until }: { readonly since: Date; readonly until: Date }): void {
  if (parseTime(since, "since") >= parseTime(until, "until")) {
    throw new RuleError("period_invalid", "until is not later than since", {
      remedy: "Pass the beginning as since and the end as until",
    });
  }
}

const columnName = (column: string) => (column === "position" ? "recordedAt" : column);

function toCsv(row: ExportRow, columns: readonly string[]): string {
  return csvRecord(columns.map((column) => row[column]));
}

function toJson(row: ExportRow, columns: readonly string[]): string {
  const entries = columns.map((column) => [columnName(column), row[column] ?? null]);
  return `${JSON.stringify(Object.fromEntries(entries))}\n`;
}
