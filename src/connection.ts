import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Writable } from "node:stream";

import type { ClientBase, QueryResult } from "pg";

import { nameQuery, type QueryReport } from "./query-report.js";
import { sqlstateOf } from "./translate-error.js";

/** So many different texts of a cell get names; the names stay in every backend's memory. */
const MAXIMUM_NAMES = 1_000;

/** What a statement is called. */
export interface StatementName {
  /** To PostgreSQL, which keeps its plan under this; `undefined` when it is to have no name. */
  readonly prepared: string | undefined;

  /** To people, in reports. */
  readonly reported: string;
}

/** Names statements by what they are, so that name and text stay one to one. */
export interface StatementNames {
  /** The text's names: looked for in it once, and remembered. */
  of(text: string): StatementName;
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

  /**
   * Lets everything that is sent from now on, until whoever sends has nothing more to say
   * for the moment, leave in one packet: each packet is a system call here, and wakes the
   * server's process for itself.
   */
  gather(): void;

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
  const names = new Map<string, StatementName>();
  return {
    of(text) {
      const known = names.get(text);
      if (known !== undefined) return known;

      const reported = nameQuery(text);
      if (names.size >= MAXIMUM_NAMES) return { prepared: undefined, reported };
      const hash = createHash("sha256").update(cell).update("\0").update(text).digest("hex");
      const name = { prepared: areOn ? `sp_${hash.slice(0, 24)}` : undefined, reported };
      names.set(text, name);
      return name;
    },
  };
}

/** What the driver does not say of its connections. It corks them itself, for one statement. */
interface DriverClient {
  readonly connection: { readonly stream: Pick<Writable, "cork" | "uncork"> };
}

/** Wraps a driver's connection. */
export function createConnection(
  client: ClientBase,
  { cell, names, onQuery }: ConnectionOptions,
): Connection {
  const isPipelined = (client as { readonly pipeline?: unknown }).pipeline === true;
  let last: Promise<unknown> = Promise.resolve();

  async function run(text: string, values?: readonly unknown[]): Promise<QueryResult> {
    const { prepared, reported } = names.of(text);
    const name = values === undefined ? undefined : prepared;
    const start = performance.now();
    const report = (rows: number | undefined, failure: string | undefined) => {
      const durationMs = performance.now() - start;
      notify(onQuery, { name: reported, statementName: name, cell, durationMs, rows, failure });
    };

    try {
      const result = await (values === undefined
        ? client.query(text)
        : client.query({ text, values: [...values], ...(name === undefined ? {} : { name }) }));
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
    gather() {
      if (!isPipelined) return;
      const { stream } = (client as unknown as DriverClient).connection;
      stream.cork();
      process.nextTick(() => stream.uncork());
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
