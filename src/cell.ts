import { escapeLiteral, type PoolClient } from "pg";

import { createConnection, type ConnectionOptions } from "./connection.js";
import { RuleError, SafetyPinError } from "./errors.js";
import type { OrganizationId, SessionId, UserId } from "./ids.js";
import type { CellKeys } from "./keys/cell-keys.js";
import { settingsOf, type Limits } from "./limits.js";
import { quoteIdentifier, searchPathOf, type CellName } from "./migrations/cell.js";
import { readIpAddress, readUserAgent, type Origin } from "./origin.js";
import { explainNoConnection } from "./no-connection.js";
import type { OpenPool } from "./pool.js";
import { recordDenial } from "./queries/auth_audit_logs.js";
import type { Log } from "./query-report.js";
import { pauseBeforeRetry, isWorthRetrying } from "./retries.js";
import { secretOf, tagOf, type SessionToken } from "./tokens.js";
import type { Caller, Transaction } from "./transaction.js";
import { isDenied } from "./translate-error.js";
import { FailedWork, runUnitOfWork, type Opening, type Statement } from "./unit-of-work.js";

/** How a unit of work is done. */
export interface WorkOptions extends Origin {
  /**
   * The organization to act in, where the session is in another: it is chosen first,
   * as `choose_organization()` does, for later requests too.
   */
  readonly organizationId?: OrganizationId | undefined;

  /**
   * Whether the work only reads: PostgreSQL then refuses whatever would write, and the
   * work is tried again where that is safe.
   *
   * @defaultValue false
   */
  readonly readOnly?: boolean | undefined;

  /**
   * Whether doing the work twice is as good as doing it once, also for what it does
   * outside the database. Then it is tried again after a deadlock, a failure to
   * serialize, or a lost connection, of which nobody knows whether it committed.
   *
   * @defaultValue the value of `readOnly`
   */
  readonly idempotent?: boolean | undefined;

  /** @defaultValue `read committed` */
  readonly isolation?: "read committed" | "repeatable read" | "serializable" | undefined;
}

/** Work to be done in one transaction. */
export type Work<Result> = (tx: Transaction) => Promise<Result>;

/** One cell as the client reaches it. */
export interface Cell {
  readonly name: CellName;

  /** What the tokens of this cell carry. */
  readonly tag: string;

  /** Does work in the name of a session's holder. */
  withSession<Result>(token: SessionToken, work: Work<Result>, options?: WorkOptions): Promise<Result>;

  /** Does work in nobody's name: before sign-in there is nobody yet. */
  withNobody<Result>(work: Work<Result>, options?: WorkOptions): Promise<Result>;

  /** Refuses new work, waits for what is under way, and closes the pool if it is ours. */
  close(): Promise<void>;
}

/** What a cell is made of. */
export interface CellParts {
  readonly name: CellName;
  readonly extensionsSchema: string;
  readonly open: OpenPool;
  readonly limits: Limits;
  readonly connection: ConnectionOptions;
  readonly keys: CellKeys;

  /** Lets go of the keys. */
  readonly closeKeys: () => Promise<void>;

  /** Whether a connection stays one server's process's: then one pad lasts as long. */
  readonly isDirect: boolean;
  readonly log: Log;
}

/** Puts a cell together. */
export function createCell(parts: CellParts): Cell {
  const { name, extensionsSchema, open, limits, connection, keys, closeKeys, isDirect, log } = parts;
  const pads = new WeakMap<PoolClient, Buffer>();
  const underWay = new Set<Promise<unknown>>();
  let isClosed = false;

  const settings = setEach([
    ["search_path", searchPathOf(name, extensionsSchema)],
    // What the driver reads: a server or a login may have others.
    ["datestyle", "iso, mdy"],
    ["intervalstyle", "postgres"],
    ...settingsOf(limits),
  ]);
  const schema = quoteIdentifier(name);
  const caller = "session_id, user_id, organization_id, assurance_level";
  const origin = "set_config('safetypin.ip_address', $1, true), set_config('safetypin.user_agent', $2, true)";
  // What an earlier transaction has set for the session it has set for whoever gets the
  // connection next, so it is put back first. A pad is a setting as well: where there is
  // one, a function puts back all the others, in the same statement and ahead of the rest:
  // it answers null, which makes no argument another.
  const forgetting = `${schema}.forget_settings()`;
  // A statement that was prepared by such a query may have the name of one of ours: then
  // nothing is bound to any name. Sent without one, for that reason.
  const checking = `select ${schema}.require_own_statements()`;
  const entering = {
    withPad: {
      begin: `set role none; ${checking}`,
      enterAs: `select ${caller}, ${settings} from ${schema}.begin_request($1, $2::inet, coalesce(${forgetting}, $3))`,
      enter: `select ${settings}, ${origin} from ${forgetting} as forgot`,
    },
    withoutPad: {
      begin: `set role none; reset all; ${checking}`,
      enterAs: `select ${caller}, ${settings} from ${schema}.begin_request($1, $2::inet, $3)`,
      enter: `select ${settings}, ${origin}`,
    },
  } as const;

  function opening(token: SessionToken | undefined, options: WorkOptions, hasPad: boolean): Opening {
    const { begin, enterAs, enter } = entering[hasPad ? "withPad" : "withoutPad"];
    const { isolation = "read committed", organizationId, readOnly = false } = options;
    const ipAddress = readIpAddress(options);
    const userAgent = readUserAgent(options);
    const context: Statement[] = [];
    if (token === undefined) {
      context.push({ text: enter, values: [ipAddress ?? "", userAgent ?? ""] });
    } else {
      context.push({ text: enterAs, values: [secretOf(token), ipAddress, userAgent] });
    }
    if (organizationId !== undefined) context.push({ text: CHOOSE, values: [organizationId] });
    // Only now: using a session is a write, when it has not been used for a minute.
    if (readOnly) context.push({ text: "set transaction read only" });

    return {
      // Not said of work that only reads: a replica refuses it.
      begin: `begin isolation level ${isolation}, not deferrable${readOnly ? "" : ", read write"}; ${begin}`,
      context,
      readCaller: (row) =>
        token === undefined ? undefined : readCaller(row as CallerRow, organizationId),
    };
  }

  async function attempt<Result>(
    token: SessionToken | undefined,
    work: Work<Result>,
    options: WorkOptions,
  ): Promise<Result> {
    const client = await connect(open);
    const ignore = () => undefined;
    // What it has to say of a lost connection, the statements say too.
    client.on("error", ignore);
    let isClean = true;
    try {
      const pad = isDirect ? await padOf(client) : undefined;
      const how = opening(token, options, pad !== undefined);
      return await runUnitOfWork(createConnection(client, connection), how, { keys, pad }, work);
    } catch (error) {
      isClean = error instanceof FailedWork && error.isConnectionClean && !isOfPad(error.error);
      throw error;
    } finally {
      client.release(!isClean);
      client.removeListener("error", ignore);
    }
  }

  /** Asked for outside of any transaction: one that is rolled back takes its settings along. */
  async function padOf(client: PoolClient): Promise<Buffer> {
    const known = pads.get(client);
    if (known !== undefined) return known;
    const { rows } = await client.query<{ pad: Buffer }>(`select ${schema}.hello() as pad`);
    const { pad } = rows[0]!;
    pads.set(client, pad);
    return pad;
  }

  async function run<Result>(
    token: SessionToken | undefined,
    work: Work<Result>,
    options: WorkOptions,
  ): Promise<Result> {
    const { readOnly = false, idempotent = readOnly } = options;

    for (let tries = 1; ; tries += 1) {
      try {
        return await attempt(token, work, options);
      } catch (failure) {
        if (!(failure instanceof FailedWork)) throw failure;
        const { error } = failure;
        if (idempotent && isWorthRetrying(failure, tries)) {
          log({ level: "info", event: "retry", message: `Tries work again, after ${tries} time(s)`, error });
          await pauseBeforeRetry(tries);
          continue;
        }
        if (token !== undefined && isDenied(error)) await tellOfDenial(token, failure, options);
        throw error;
      }
    }
  }

  /** What was refused was rolled back, its record with it: so it is recorded by itself. */
  async function tellOfDenial(token: SessionToken, failure: FailedWork, options: WorkOptions): Promise<void> {
    const { code } = failure.error as { code: string };
    const action = (failure.operation ?? "commit").replace(/[^A-Za-z0-9_.:-]/g, ".").slice(0, 100);
    try {
      await attempt(token, (tx) => recordDenial.run({ action, reason: code }, tx), { ...options, readOnly: false });
    } catch (problem) {
      const error = problem instanceof FailedWork ? problem.error : problem;
      log({ level: "error", event: "denial_not_recorded", message: `The denial of ${action} was not recorded`, error });
    }
  }

  async function track<Result>(start: () => Promise<Result>): Promise<Result> {
    if (isClosed) throw new SafetyPinError("The client is closed: connect again");
    const promise = start();
    underWay.add(promise);
    try {
      return await promise;
    } finally {
      underWay.delete(promise);
    }
  }

  return {
    name,
    tag: tagOf(name),
    withSession: (token, work, options = {}) => track(() => run(token, work, options)),
    withNobody: (work, options = {}) => track(() => run(undefined, work, options)),
    async close() {
      isClosed = true;
      await Promise.allSettled(underWay);
      await closeKeys();
      if (open.isOurs && !open.pool.ending) await open.pool.end();
    },
  };
}

/** Whether what was handed over was not masked under the pad that the server has: then it is another. */
function isOfPad(error: unknown): boolean {
  return error instanceof RuleError && ["key_share_refused", "value_cannot_be_opened"].includes(error.code);
}

const CHOOSE =
  "select choose_organization($1) where current_organization_id() is distinct from $1";

async function connect({ pool, config }: OpenPool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    // What the server or a source says has a code or a name of its own; waiting in vain has neither.
    const isSaid = error instanceof SafetyPinError || (error instanceof Error && "code" in error);
    const isExhausted = !isSaid && pool.totalCount >= pool.options.max && pool.idleCount === 0;
    const reason = isExhausted
      ? new SafetyPinError(`All ${pool.options.max} connections of this process were in use for too long: allow more with limits.poolSize, or do less at once`, { cause: error })
      : explainNoConnection(error, config);
    throw new FailedWork(reason, undefined, false, !isExhausted);
  }
}

/**
 * One expression that sets each setting for the transaction. Written out rather than bound,
 * and counted rather than returned: the same for every request, and eight parameters and
 * three columns less of each.
 */
function setEach(settings: readonly (readonly [name: string, value: string])[]): string {
  const calls = settings.map(
    ([name, value]) => `set_config(${escapeLiteral(name)}, ${escapeLiteral(value)}, true)`,
  );
  return `num_nonnulls(${calls.join(", ")}) as settings`;
}

interface CallerRow {
  readonly session_id: SessionId;
  readonly user_id: UserId;
  readonly organization_id: OrganizationId | null;
  readonly assurance_level: number;
}

function readCaller(row: CallerRow, chosen: OrganizationId | undefined): Caller {
  return {
    sessionId: row.session_id,
    userId: row.user_id,
    organizationId: chosen ?? row.organization_id,
    assuranceLevel: row.assurance_level,
  };
}
