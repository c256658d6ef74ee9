import { setTimeout as delay } from "node:timers/promises";

import type { ClientBase } from "pg";

import { MigrationError } from "../errors.js";

/**
 * The key that `postgres-migrations` itself uses. Session locks nest, so holding
 * it around several of its runs makes them one; and a runner of that package that
 * knows nothing of ours is kept out too.
 */
export const MIGRATION_LOCK = "-8525285245963000605";

const POLL_MS = 100;

/** How to wait for another runner. */
export interface LockOptions {
  /** Give up after this long, in milliseconds. @defaultValue wait for ever */
  readonly waitMs?: number | undefined;

  /** Told once, when the lock is not free at first. */
  readonly onWait?: ((holder: string) => void) | undefined;
}

/**
 * Does the work while no other runner works in this database.
 *
 * The lock is asked for again and again, never waited for: a session blocked in
 * `pg_advisory_lock` holds a snapshot, and an index being built concurrently
 * waits for that snapshot while the lock waits for the index.
 *
 * @throws {@link MigrationError} `locked` when `waitMs` is over.
 */
export async function withMigrationLock<Result>(
  client: ClientBase,
  { waitMs = Infinity, onWait }: LockOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  const giveUp = Date.now() + waitMs;
  let told = false;

  while (!(await tryLock(client))) {
    if (Date.now() >= giveUp) {
      throw new MigrationError("locked", `Another runner is at work: ${await findHolder(client)}`, {
        remedy: "Run this again when it is done",
      });
    }
    if (!told) {
      told = true;
      onWait?.(await findHolder(client));
    }
    await delay(POLL_MS);
  }

  try {
    return await work();
  } finally {
    // A connection that was lost has let go already; let the real error through.
    await client.query(`select pg_advisory_unlock(${MIGRATION_LOCK})`).catch(() => undefined);
  }
}

async function tryLock(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>(
    `select pg_try_advisory_lock(${MIGRATION_LOCK}) as taken`,
  );
  return rows[0]?.taken === true;
}

/** Who holds the lock, as far as the login may know. */
async function findHolder(client: ClientBase): Promise<string> {
  const { rows } = await client.query<{ holder: string }>(
    `select
       concat_ws(
         ' ',
         'process', pg_locks.pid,
         nullif('(' || nullif(application_name, '') || ')', '()'),
         'of ' || usename,
         'since ' || to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS TZ')
       ) as holder
     from pg_catalog.pg_locks
       left join pg_catalog.pg_stat_activity using (pid)
     where locktype = 'advisory'
       and granted
       and objsubid = 1
       and database = (select oid from pg_catalog.pg_database where datname = current_database())
       and (classid::bigint << 32 | objid::bigint) = ${MIGRATION_LOCK}`,
  );
  return rows[0]?.holder ?? "it has just finished";
}
