/** What the client runs in. It decides the limits, and how strict the client is with its server. */
export type Environment = "development" | "test" | "production";

/** How many connections, and how long anything may take before it is given up. */
export interface Limits {
  /** Connections one process holds at most. */
  readonly poolSize: number;

  /** PostgreSQL's `statement_timeout`: how long one statement may run. */
  readonly statementTimeoutMs: number;

  /** PostgreSQL's `lock_timeout`: how long a statement may wait for somebody else's lock. */
  readonly lockTimeoutMs: number;

  /** PostgreSQL's `idle_in_transaction_session_timeout`: how long work may do nothing between statements. */
  readonly idleInTransactionTimeoutMs: number;

  /** How long work waits for a connection, be it a free one or a new one. */
  readonly connectionTimeoutMs: number;

  /** After how long unused a connection is closed. */
  readonly idleTimeoutMs: number;

  /** After how long a connection is replaced, used or not; 0 for never. */
  readonly maxLifetimeSeconds: number;
}

/**
 * The limits of each environment.
 *
 * Production answers people who wait, beside many other processes, so each limit is
 * the longest that still helps somebody. Development has a person at a debugger in it.
 * Tests are many small pools on a busy machine, and would rather fail than hang.
 */
export const LIMITS: Readonly<Record<Environment, Limits>> = {
  production: {
    // A transaction takes a millisecond or two, so ten carry thousands of requests a
    // second; a server's 100 to 400 connections are shared by all processes.
    poolSize: 10,
    // A hundred times what the slowest statement of ours takes.
    statementTimeoutMs: 5_000,
    // Shorter than a statement's time, so that the error says that it was a lock.
    lockTimeoutMs: 2_000,
    // An open transaction holds locks and keeps vacuum from cleaning up: nobody's
    // work has to wait that long for something else than the database.
    idleInTransactionTimeoutMs: 10_000,
    // A person has given up by then, and a load balancer asks another process.
    connectionTimeoutMs: 3_000,
    // Kept through the pauses of ordinary traffic, given back at night.
    idleTimeoutMs: 60_000,
    // After a failover all processes find their way to the new server, and the
    // memory of a backend, which grows with its plans, is given back.
    maxLifetimeSeconds: 1_800,
  },
  test: {
    // Test files run side by side, each with a pool of its own.
    poolSize: 5,
    // Machines that test are busy, and a stuck test is to say so before its runner does.
    statementTimeoutMs: 15_000,
    lockTimeoutMs: 10_000,
    idleInTransactionTimeoutMs: 20_000,
    connectionTimeoutMs: 10_000,
    // Databases of tests are dropped, and an idle connection is in the way.
    idleTimeoutMs: 1_000,
    maxLifetimeSeconds: 0,
  },
  development: {
    // One person.
    poolSize: 5,
    // Time for a query that is being explored, not for one that was forgotten.
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 10_000,
    // Time to stand at a breakpoint.
    idleInTransactionTimeoutMs: 300_000,
    // A database that is just starting is worth waiting for.
    connectionTimeoutMs: 10_000,
    idleTimeoutMs: 30_000,
    maxLifetimeSeconds: 0,
  },
};

/** What of a connection's limits is the server's to keep, as settings of one transaction. */
export function settingsOf(limits: Limits): [name: string, value: string][] {
  return [
    ["statement_timeout", `${limits.statementTimeoutMs}ms`],
    ["lock_timeout", `${limits.lockTimeoutMs}ms`],
    ["idle_in_transaction_session_timeout", `${limits.idleInTransactionTimeoutMs}ms`],
  ];
}
