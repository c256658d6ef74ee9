import pg from "pg";

/** A server's error, told to a person. */
export interface DescribedError {
  readonly sentence: string;

  /** `:12:3`, the line and column in the text, or nothing. */
  readonly place: string;

  readonly remedy: string | undefined;
}

const REMEDIES: Readonly<Record<string, string>> = {
  "55P03":
    "Somebody uses that table for longer than --lock-timeout; run this again when it is quieter, or raise the timeout",
  "57P01": "The server ended the connection; run this again, it goes on where it stopped",
  "40P01": "Two sessions waited for each other and this one gave way; run this again",
};

/** What the server said of a text, and where in the text it happened. */
export function describeDatabaseError(error: unknown, text: string): DescribedError {
  if (!(error instanceof pg.DatabaseError)) {
    const sentence = error instanceof Error ? error.message : String(error);
    return { sentence, place: "", remedy: undefined };
  }

  const { message, detail, hint, code, position } = error;
  const remedy = [hint, code === undefined ? undefined : REMEDIES[code]].filter(Boolean).join(". ");
  return {
    sentence: detail === undefined ? message : `${message} (${detail})`,
    place: placeOf(text, position),
    remedy: remedy === "" ? undefined : remedy,
  };
}

/** A position counts characters from 1, as PostgreSQL reports it. */
function placeOf(text: string, position: string | undefined): string {
  if (position === undefined) return "";

  const before = [...text].slice(0, Number(position) - 1).join("");
  const lines = before.split("\n");
  return `:${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`;
}
