import { setTimeout as sleep } from "node:timers/promises";

import type { Cell } from "./cell.js";
import type { ConnectOptions } from "./connect-options.js";
import { finish, takeMessages, type Message, type MessageStatus } from "./messages.js";
import { DEFAULT_CELL, parseCellName } from "./migrations/cell.js";
import { logToConsole, openCell } from "./open-cell.js";
import type { PoolSource } from "./pool.js";
import type { Log } from "./query-report.js";

const FIRST_PAUSE_MS = 250;

/** How to connect as a mailer, and how to send. */
export interface MailerOptions
  extends PoolSource,
    Pick<
      ConnectOptions,
      | "cell"
      | "environment"
      | "keys"
      | "keyCache"
      | "limits"
      | "tls"
      | "statementNames"
      | "log"
      | "onQuery"
      | "onSlowQuery"
      | "slowQueryMs"
      | "allowVulnerableServer"
    > {
  /**
   * Sends one message. What it throws, or does not return from before the lease ends, is
   * tried again later, ten times at most; so now and then a message is sent twice.
   *
   * The signal is aborted when the lease ends.
   */
  readonly send: (message: Message, signal: AbortSignal) => Promise<void>;

  /** How many messages are sent at once. @defaultValue 10 */
  readonly concurrency?: number | undefined;

  /** How long sending may take: from a second to an hour. @defaultValue 300 000: five minutes */
  readonly leaseMs?: number | undefined;

  /** How long it rests at most when there is nothing to send. @defaultValue 5 000 */
  readonly restMs?: number | undefined;
}

/** How many messages were sent, and how many could not be. */
export interface Delivery {
  readonly delivered: number;

  /** Those that are tried again later, and those that are not. */
  readonly failed: number;
}

/**
 * What sends the messages of a cell: the one login that sees their tokens, which
 * therefore belongs into a process of its own, beside the application and not in it.
 */
export interface Mailer {
  /** Takes no more messages, and waits until those it has are sent. */
  close(): Promise<void>;
}

/** The mailer of SafetyPin. */
export const Mailer = {
  /**
   * Connects as the cell's mailer login, and sends what is to be sent until it is closed.
   * Any number may be at it: each message is taken by one.
   *
   * @throws {@link ConfigurationError} as `SafetyPin.connect` does.
   */
  async connect(options: MailerOptions): Promise<Mailer> {
    const cell = await open(options);
    const stopping = new AbortController();
    const done = work(cell, options, stopping.signal);
    return {
      async close() {
        stopping.abort();
        await done;
        await cell.close();
      },
    };
  },
};

/**
 * Sends once what is to be sent, for cron and for tests: connects as the cell's mailer
 * login, goes on until nothing is due, and closes the connection.
 *
 * @throws {@link ConfigurationError} as `SafetyPin.connect` does.
 */
export async function deliverMessages(options: MailerOptions): Promise<Delivery> {
  const cell = await open(options);
  const total = { delivered: 0, failed: 0 };
  try {
    for (;;) {
      const statuses = await deliverBatch(cell, options);
      if (statuses.length === 0) return total;
      for (const status of statuses) total[status === "delivered" ? "delivered" : "failed"] += 1;
    }
  } finally {
    await cell.close();
  }
}

function open(options: MailerOptions): Promise<Cell> {
  const { environment = "production", log = logToConsole } = options;
  const settings = { ...options, environment, log };
  return openCell(parseCellName(options.cell ?? DEFAULT_CELL), options, settings, "mailer");
}

async function work(cell: Cell, options: MailerOptions, signal: AbortSignal): Promise<void> {
  const { log = logToConsole, restMs = 5_000 } = options;
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    try {
      if ((await deliverBatch(cell, options)).length > 0) {
        pauseMs = FIRST_PAUSE_MS;
        continue;
      }
    } catch (error) {
      log({ level: "error", event: "delivery_failed", message: `Messages of cell "${cell.name}" cannot be taken`, error });
    }
    // Mailers that were started together do not ask together.
    await sleep(pauseMs * (0.75 + 0.5 * Math.random()), undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, restMs);
  }
}

async function deliverBatch(
  cell: Cell,
  { send, concurrency = 10, leaseMs = 300_000, log = logToConsole }: MailerOptions,
): Promise<MessageStatus[]> {
  const messages = await takeMessages(cell, { limit: concurrency, leaseMs });
  // The database has the message until the lease ends: by then somebody else may send it.
  const lease = AbortSignal.timeout(leaseMs);
  return Promise.all(
    messages.map(async (message) => {
      const problem = await attempt(() => send(message, lease), lease, message);
      const status = await finish(cell, message, problem);
      if (problem !== null) tell(log, message, problem, status);
      return status;
    }),
  );
}

/** What kept a message from being sent, without the token that may be in it; `null` when nothing did. */
async function attempt(send: () => Promise<void>, lease: AbortSignal, { token }: Message): Promise<string | null> {
  let stop: (() => void) | undefined;
  const ended = new Promise<never>((_resolve, reject) => {
    stop = () => reject(new Error("it took longer than the lease"));
    lease.addEventListener("abort", stop, { once: true });
  });
  try {
    await Promise.race([send(), ended]);
    return null;
  } catch (error) {
    const problem = (error instanceof Error ? error.message : String(error)) || "it did not say why";
    return (token === null ? problem : problem.replaceAll(token.reveal(), String(token))).slice(0, 1_000);
  } finally {
    if (stop !== undefined) lease.removeEventListener("abort", stop);
  }
}

function tell(log: Log, { id, attempt, purpose }: Message, problem: string, status: MessageStatus): void {
  log({
    level: status === "failed" ? "error" : "warning",
    event: "message_not_sent",
    message: `Message ${id} (${purpose}), attempt ${attempt}, was not sent, and is ${status}`,
    error: new Error(problem),
  });
}
