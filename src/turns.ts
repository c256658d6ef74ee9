import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import type { ClientBase } from "pg";

import { ConfigurationError } from "./errors.js";
import { requireOneSession } from "./one-session.js";

/*
 * Work that one does at a time, and that nobody keeps others from who may not do it.
 *
 * Everybody may take advisory locks, and everybody sees which are taken: a lock on a
 * number that is known would be held by whoever wants to. So each takes a number of their
 * own, by chance, under the name of the work, and then looks who else has one. Only those
 * count who may do the work at all. Two who come at the same moment see each other, step
 * back and come again. The lock ends with the session, however that ends.
 */

/** Some work that one does at a time. */
export interface Turn {
  /** What the locks are named after. */
  readonly name: string;

  /** The sentence for whom somebody else keeps waiting. */
  readonly isTaken: string;

  /** Whose locks count. */
  readonly by: keyof typeof COUNTS;

  /** Whether it is of this database, or of the whole server. */
  readonly of: "database" | "server";
}

/** SQL: whether the lock of a session of this role counts. A role that is a superuser is a member of every other. */
const COUNTS = {
  operators: "pg_has_role(usesysid, to_regrole('safetypin_operator'), 'member')",
  administrators: "exists (select from pg_catalog.pg_roles where pg_roles.oid = usesysid and (rolsuper or rolcreaterole))",
} as const;

const KEYS = "safetypin keys ";

/** Whoever makes, moves or ends keys of a cell. */
export function turnAtKeys(cell: string): Turn {
  return { name: `${KEYS}${cell}`, isTaken: `Somebody else works on the keys of cell "${cell}"`, by: "operators", of: "database" };
}

/** Whoever maintains a cell. */
export function turnAtMaintenance(cell: string): Turn {
  return { name: `safetypin maintenance of ${cell}`, isTaken: `Somebody else maintains cell "${cell}"`, by: "operators", of: "database" };
}

/** Whoever rotates the login of a role: logins are the whole server's. */
export function turnAtCredentials(cell: string, role: string): Turn {
  return {
    name: `safetypin credentials ${cell} ${role}`,
    isTaken: `The login of role ${role} of cell ${cell} is being rotated by somebody else`,
    by: "administrators",
    of: "server",
  };
}

/** Who has a turn. */
export interface TurnHolder {
  readonly pid: number;
  readonly login: string;

  /** Since when they are connected; PostgreSQL tells it to the same login, and to monitors. */
  readonly since: string | null;
}

/** Ours, until it is left or the connection ends; or somebody's. */
export type TurnTaken = { readonly isOurs: true; leave(): Promise<void> } | { readonly isOurs: false; readonly holder: TurnHolder };

/** Takes the turn if nobody has it. Not within a transaction, which would see who was there when it began. */
export async function tryTurn(client: ClientBase, turn: Turn): Promise<TurnTaken> {
  const lock = [turn.name, await takeNumber(client, turn)];
  const leave = async () => {
    // A connection that was lost has let go already.
    await client.query("select pg_advisory_unlock(hashtext($1), $2)", lock).catch(() => undefined);
  };
  const { rows } = await client.query<TurnHolder>(`${holders("$1", turn)} order by pg_locks.pid limit 1`, [turn.name]);
  const [holder] = rows;
  if (holder === undefined) return { isOurs: true, leave };
  await leave();
  return { isOurs: false, holder };
}

/** How to wait for a turn. */
export interface TurnOptions {
  /** Give up after this long. */
  readonly waitMs: number;

  /** Told who has it, and again when that is somebody else. */
  readonly onWait?: (holder: TurnHolder) => void;
}

/**
 * Takes the turn, when whoever has it is done.
 *
 * @returns What gives it back; the end of the connection does so too.
 * @throws {@link ConfigurationError} when they are not done in time: who they are, and how they are ended; and through a pooler.
 */
export async function takeTurn(client: ClientBase, turn: Turn, { waitMs, onWait }: TurnOptions): Promise<() => Promise<void>> {
  await requireOneSession(client, "a turn is held for longer than a transaction");
  const giveUp = Date.now() + waitMs;
  let told: number | undefined;
  for (;;) {
    const taken = await tryTurn(client, turn);
    if (taken.isOurs) return taken.leave;
    const { holder } = taken;
    if (Date.now() >= giveUp) {
      throw new ConfigurationError(`${turn.isTaken}: ${describeHolder(holder)}`, {
        remedy: `Run this again when they are done; or let a DBA end them: select pg_terminate_backend(${String(holder.pid)});`,
      });
    }
    if (holder.pid !== told) onWait?.(holder);
    told = holder.pid;
    await sleep(randomInt(20, 200));
  }
}

/** `process 4711 of safetypin_operator_login, connected since 2026-01-01 12:00:00 UTC`. */
export function describeHolder({ pid, login, since }: TurnHolder): string {
  return `process ${String(pid)} of ${login}${since === null ? "" : `, connected since ${since}`}`;
}

/** SQL: whether somebody has the turn at a cell's keys just now. One row, `is_now`; `$1` is the cell. */
export const TURN_AT_KEYS_IS_TAKEN = `select exists (${holders(`'${KEYS}' || $1`, turnAtKeys(""))}) as is_now`;

function holders(name: string, { by, of }: Pick<Turn, "by" | "of">): string {
  return `
    select
      pg_locks.pid,
      usename as login,
      to_char(backend_start at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS "UTC"') as since
    from pg_catalog.pg_locks
      join pg_catalog.pg_stat_activity on pg_stat_activity.pid = pg_locks.pid
    where locktype = 'advisory'
      and granted
      and objsubid = 2
      and classid = (hashtext(${name})::bigint & 4294967295)::oid
      and pg_locks.pid <> pg_backend_pid()
      and ${COUNTS[by]}
      ${of === "server" ? "" : "and pg_locks.database = (select oid from pg_catalog.pg_database where datname = current_database())"}`;
}

async function takeNumber(client: ClientBase, { name }: Turn): Promise<number> {
  for (;;) {
    const number = randomInt(2 ** 31);
    const { rows } = await client.query<{ is_free: boolean }>("select pg_try_advisory_lock(hashtext($1), $2) as is_free", [name, number]);
    // Somebody who may not do the work has this one, by chance or on purpose: there are others.
    if (rows[0]?.is_free === true) return number;
  }
}
