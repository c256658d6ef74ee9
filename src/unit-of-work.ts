import type { Connection } from "./connection.js";
import { AuthenticationError, SafetyPinError } from "./errors.js";
import { nameQuery } from "./query-report.js";
import { createSealing, type SealingParts } from "./sealing.js";
import type { Caller, Transaction } from "./transaction.js";
import { sqlstateOf, translateError } from "./translate-error.js";

/** A statement and its parameters. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** What makes a transaction somebody's. */
export interface Opening {
  /** `begin`, and how. */
  readonly begin: string;

  /** What says in which cell and for whom, sent with `begin`. */
  readonly context: readonly Statement[];

  /** Reads who is asking out of the first statement of `context`; nobody may be. */
  readonly readCaller: (row: unknown) => Caller | undefined;
}

/** How a unit of work ended that did not end well: for the files that decide what comes of it. */
export class FailedWork extends Error {
  constructor(
    /** What to throw, translated. */
    readonly error: unknown,
    /** What the statement was called that the database refused, if it refused one. */
    readonly operation: string | undefined,
    /** Whether the connection can be used again. */
    readonly isConnectionClean: boolean,
    /** Whether it failed with the connection, which is gone or refused. */
    readonly isConnectionLost: boolean,
  ) {
    super("the work failed", { cause: error });
  }
}

/** SQLSTATE 25P02, in_failed_sql_transaction. */
const IN_FAILED_TRANSACTION = "25P02";

/** SQL prepared a statement on the connection: names on it may be somebody else's. */
const REFUSED_CONNECTION = "SP528";

/**
 * SQLSTATE 57014. Until a transaction is open its limit is not ours but one that the connection
 * was left with, and would fail whoever gets it next as well.
 */
const QUERY_CANCELED = "57014";

/**
 * Opens a transaction, lets the work run on it, and commits; or rolls back.
 *
 * Where the connection is pipelined, opening costs no round trip of its own: the work
 * is begun at once, and its first statement is on the wire behind the opening's. If the
 * opening fails, PostgreSQL refuses everything behind it.
 *
 * @throws {@link FailedWork}
 */
export async function runUnitOfWork<Result>(
  connection: Connection,
  opening: Opening,
  sealing: SealingParts,
  work: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  let isOver = false;
  let operation: string | undefined;
  let firstFailure: unknown;

  connection.gather();
  const opened = open(connection, opening);
  // Looked at below; until then nobody may be waiting.
  opened.catch(() => undefined);

  const query = async (text: string, values: readonly unknown[] = []) => {
    if (isOver) {
      throw new SafetyPinError("The transaction is over: what is asked of it has to be awaited inside its work");
    }
    try {
      const { rows, rowCount } = await connection.send(text, values);
      return { rows, rowCount: rowCount ?? 0 };
    } catch (error) {
      // If opening failed, this failed for that reason and no other.
      await opened;
      firstFailure ??= error;
      operation ??= nameQuery(text);
      // What is refused because something before it failed, failed for that reason.
      throw translateError(sqlstateOf(error) === IN_FAILED_TRANSACTION ? firstFailure : error) as Error;
    }
  };
  const caller = async () => {
    const asking = await opened;
    if (asking === undefined) throw new AuthenticationError("not_signed_in", "Nobody is signed in");
    return asking;
  };
  const { isPipelined } = connection;
  const tx = {
    query,
    caller,
    ...createSealing(sealing, { query, isPipelined }),
  } as unknown as Transaction;

  try {
    // On the wire ahead of whatever the work asks.
    const result = connection.isPipelined ? await work(tx) : await opened.then(() => work(tx));
    await opened;
    isOver = true;

    const { command } = await connection.send("commit");
    if (command !== "COMMIT") {
      throw new SafetyPinError(
        "Nothing was kept: one of the work's statements failed, and the work went on as if it had not",
        { cause: firstFailure },
      );
    }
    return result;
  } catch (error) {
    isOver = true;
    const openingFailure = await opened.then(() => undefined, (reason: unknown) => ({ reason }));
    const reason = openingFailure === undefined ? error : openingFailure.reason;
    const sqlstate = sqlstateOf(reason);
    const isSpoiled = sqlstate === REFUSED_CONNECTION || (sqlstate === QUERY_CANCELED && openingFailure !== undefined);
    const isClean = (await rollBack(connection)) && !isSpoiled;
    throw new FailedWork(translateError(reason), operation, isClean, !isClean);
  }
}

async function open(
  connection: Connection,
  { begin, context, readCaller }: Opening,
): Promise<Caller | undefined> {
  const sent = [
    connection.send(begin),
    ...context.map(({ text, values }) => connection.send(text, values)),
  ];
  // The first to fail is the reason; the others only follow from it.
  const settled = await Promise.allSettled(sent);
  const failed = settled.find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw translateError(failed.reason) as Error;

  const first = settled[1];
  return readCaller(first?.status === "fulfilled" ? first.value.rows[0] : undefined);
}

async function rollBack(connection: Connection): Promise<boolean> {
  try {
    // Also where the connection says it is idle: something may be on its way still.
    await connection.send("rollback");
    return connection.isIdle();
  } catch {
    return false;
  }
}
