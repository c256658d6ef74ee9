import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";

import type { ClientBase, QueryResult } from "pg";

import { nameQuery, type QueryReport } from "./query-report.js";
import { sqlstateOf } from "./translate-error.js";

/** So many different texts of a cell get names; the names stay in every backend's memory. */
const MAXIMUM_NAMES = 1_000;

/** Names statements by what they are, so that name and text stay one to one. */
export interface StatementNames {
  /** The text's name; `undefined` when names are off, or too many texts have one. */
  nameOf(text: string): string | undefined;
}

/** How a cell's connections behave. */
export interface ConnectionOptions {
  /** The cell they are in. */
  readonly cell: string;
  readonly names: StatementNames;

  /** Told of every statement. What it throws goes nowhere. */
  readonly onQuery: (report: QueryReport) => void;
}

/** A connection whose statements are named and timed. */
export interface Connection {
  /** Whether a statement may be sent before the one ahead of it has answered. */
  readonly isPipelined: boolean;

  /** Sends a statement. Rejects with what the driver says, as it is. */
  send(text: string, values?: readonly unknown[]): Promise<QueryResult>;

  /** Whether the server says that no transaction is open, and the connection works. */
  isIdle(): boolean;
}

/**
 * Names for the statements of one cell: the hash of cell and text. PostgreSQL plans a
 * named statement a few times and then keeps the plan; the cell is in the name because
 * the same text means other tables under another path, and each change plans anew.
 *
 * A text that is never the same twice, as one that spells out a list, would fill every
 * backend with statements nobody asks for again: after a thousand, texts stay unnamed.
 */
export function createStatementNames(cell: string, areOn: boolean): StatementNames {
  const names = new Map<string, string>();
  return {
    nameOf(text) {
      const known = names.get(text);
      if (known !== undefined || !areOn || names.size >= MAXIMUM_NAMES) return known;

      const hash = createHash("sha256").update(cell).update("\0").update(text).digest("hex");
      const name = `sp_${hash.slice(0, 24)}`;
      names.set(text, name);
      return name;
    },
  };
}

/** Wraps a driver's connection. */
export function createConnection(
  client: ClientBase,
  { cell, names, onQuery }: ConnectionOptions,
): Connection {
  const isPipelined = (client as { readonly pipeline?: unknown }).pipeline === true;
  let last: Promise<unknown> = Promise.resolve();

  async function run(text: string, values?: readonly unknown[]): Promise<QueryResult> {
    const name = values === undefined ? undefined : names.nameOf(text);
    const start = performance.now();
    const report = (rows: number | undefined, failure: string | undefined) => {
      const durationMs = performance.now() - start;
      notify(onQuery, { name: nameQuery(text), statementName: name, cell, durationMs, rows, failure });
    };

    try {
      const result = await client.query({
        text,
        ...(name === undefined ? {} : { name }),
        ...(values === undefined ? {} : { values: [...values] }),
      });
      report(result.rowCount ?? 0, undefined);
      return result;
    } catch (error) {
      report(undefined, sqlstateOf(error) ?? (error as Error).name);
      throw error;
    }
  }

  return {
    isPipelined,
    send(text, values) {
      if (isPipelined) return run(text, values);
      // The driver would queue them itself, and warn of it.
      const turn = last.then(() => run(text, values));
      last = turn.catch(() => undefined);
      return turn;
    },
    isIdle: () => client.getTransactionStatus() === "I",
  };
}

function notify(onQuery: ConnectionOptions["onQuery"], report: QueryReport): void {
  try {
    onQuery(report);
  } catch {
    // Whoever watches must not change what is watched.
  }
}
