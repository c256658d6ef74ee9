/** What became of one statement. There is no parameter in it, and no row. */
export interface QueryReport {
  /** What it is called: the function it calls, or the verb and the table: `search_users`, `select users`. */
  readonly name: string;

  /** The name it was prepared under, as in `pg_prepared_statements`; `undefined` when it has none. */
  readonly statementName: string | undefined;

  /** Where. */
  readonly cell: string;

  /** How long the caller waited, from sending it to having all of its rows. */
  readonly durationMs: number;

  /** How many rows it returned or changed; `undefined` when it failed. */
  readonly rows: number | undefined;

  /** The SQLSTATE it failed with, or what else went wrong; `undefined` when it did not fail. */
  readonly failure: string | undefined;
}

/** Something worth a line in the application's log. Nothing in it is secret. */
export interface LogEntry {
  readonly level: "info" | "warning" | "error";

  /** What kind of thing, by its stable name. */
  readonly event:
    | "slow_query"
    | "retry"
    | "denial_not_recorded"
    | "password_not_rehashed"
    | "pooler_detected"
    | "finding"
    | "maintained"
    | "maintenance_failed"
    | "login_changed"
    | "credentials_unavailable"
    | "message_not_sent"
    | "delivery_failed";

  /** It in a sentence. */
  readonly message: string;

  /** What it is about. */
  readonly report?: QueryReport | undefined;

  /** What went wrong, where something did. */
  readonly error?: unknown;
}

/** Where the client writes what is worth writing. */
export type Log = (entry: LogEntry) => void;

const VERB = /^\s*(?:\/\*.*?\*\/\s*|--[^\n]*\n\s*)*(\w+)/s;
const CALL = /\bselect\s+(?:"?\w+"?\.)?(\w+)\s*\(/i;
const CALL_OF_ROWS = /\bfrom\s+(?:"?\w+"?\.)?(\w+)\s*\(/i;
const TABLE = /\b(?:from|into|update)\s+(?:only\s+)?(?:"?\w+"?\.)?"?(\w+)"?/i;
/** Where `from` names no table. */
const OTHER_FROM = /\bextract\s*\(\s*\w+\s+from\b|\bdistinct\s+from\b/gi;

/** What to call a statement whose text may not be printed, since somebody may have written a value into it. */
export function nameQuery(text: string): string {
  const plain = text.replace(OTHER_FROM, "");
  const verb = VERB.exec(plain)?.[1]?.toLowerCase() ?? "statement";
  if (verb === "select") {
    const call = /\bfrom\b/i.test(plain) ? CALL_OF_ROWS.exec(plain) : CALL.exec(plain);
    if (call?.[1] !== undefined) return call[1].toLowerCase();
  }

  const table = TABLE.exec(plain)?.[1]?.toLowerCase();
  return table === undefined ? verb : `${verb} ${table}`;
}
