import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import pg from "pg";

import { ConfigurationError } from "../errors.js";
import { quoteIdentifier, type CellName } from "../migrations/cell.js";
import { LoginPassword } from "./login-password.js";
import type { LoginSecret } from "./login-secret.js";
import type { LoginStore } from "./login-store.js";
import { scramVerifier } from "./scram-verifier.js";

/** What a rotation does, in this order. */
export const ROTATION_STEPS = {
  stage: "keep a new password beside the current one",
  set: "give the server its SCRAM verifier",
  prove: "log in with it",
  promote: "make it the current one",
  expire: "let the password before it end after the grace",
  wait: "wait until the grace is over",
  disable: "let the login before it log in no more",
  end: "end the sessions of the login before it",
} as const;

/** One step of a rotation. */
export type RotationStep = keyof typeof ROTATION_STEPS;

/** Which login to rotate, and how. */
export interface RotationOptions {
  readonly cell: CellName;

  /** `app`, `operator`, `auditor`, …: the login is `<cell>_<role>_login`. */
  readonly role: string;

  /** Where the secret is kept. */
  readonly store: LoginStore;

  /** How long the password before still logs in. */
  readonly graceMs: number;

  /** Whether to end the sessions of the login before, after the grace. */
  readonly endSessions: boolean;

  /** Whether to wait for the end of the grace; else the next run does what is left. */
  readonly wait: boolean;

  /** Logs in, to prove a password. */
  readonly connectAs: (login: { readonly user: string; readonly password: string }) => Promise<pg.Client>;

  /** Told before each step. */
  readonly onStep: (step: RotationStep, login: string) => void;
}

/** How a rotation stands. */
export interface Rotation {
  /** The login that is current now. */
  readonly login: string;

  /** The one before it, where there is one. */
  readonly previous: string | undefined;

  /** Whether it was begun by an earlier run. */
  readonly isResumed: boolean;

  /** Until when the password before still logs in, where the end was not waited for. */
  readonly graceUntil: Date | undefined;

  readonly sessionsEnded: number;
}

/** What a rotation would do: the same steps that {@link rotate} takes from here. */
export interface RotationPlan {
  /** The login that is to be current at the end. */
  readonly next: string;

  /** The other one. */
  readonly previous: string | undefined;
  readonly isResumed: boolean;
  readonly steps: readonly RotationStep[];
}

/** The new login did not log in. The one before is still current, and nothing of it was changed. */
export class UnprovenLoginError extends ConfigurationError {}

interface RoleState {
  readonly name: string;
  readonly canLogin: boolean;
  readonly isPowerful: boolean;
  readonly validUntil: Date | null;
}

/**
 * Where a rotation stands, and what is left of it. Nothing is kept for that but what is
 * there anyway: the secret, and the two logins.
 *
 * @throws {@link ConfigurationError} when there is no such login, or the secret is another's.
 */
export async function planRotation(client: pg.ClientBase, options: RotationOptions): Promise<RotationPlan> {
  const { store, endSessions, wait } = options;
  const [first, second] = loginsOf(options);
  const states = await readRoles(client, [first, second]);
  const exists = (login: string) => states.some(({ name }) => name === login);
  if (!exists(first)) {
    throw new ConfigurationError(`There is no login ${first} on this server`, {
      remedy: `Name another role or --cell, or make it: safetypin bootstrap --cell ${options.cell}`,
    });
  }
  const powerful = states.find(({ isPowerful }) => isPowerful);
  if (powerful !== undefined) {
    throw new ConfigurationError(`The login ${powerful.name} is above row-level security, or may make roles`, {
      remedy: `Run: alter role ${quoteIdentifier(powerful.name)} nosuperuser nobypassrls nocreaterole;`,
    });
  }

  const current = (await store.current())?.secret.username;
  const pending = (await store.pending())?.secret.username;
  if (current !== undefined && current !== first && current !== second) {
    throw new ConfigurationError(`What stands in ${store.name} is of "${current}", and neither of ${first} nor of ${second}`, {
      remedy: "Name another secret or file, or another role",
    });
  }
  const other = current === first ? second : first;
  const rest: RotationStep[] = ["expire", ...(wait ? (["wait", "disable", ...(endSessions ? ["end"] : [])] as RotationStep[]) : [])];

  // The new one is current and the one before still logs in: only the end is missing.
  if (current !== undefined && pending !== other && states.some(({ name, canLogin }) => name === other && canLogin)) {
    return { next: current, previous: other, isResumed: true, steps: rest };
  }
  const isResumed = pending === other;
  return {
    next: other,
    previous: current,
    isResumed,
    steps: [...(isResumed ? [] : ["stage" as const]), "set", "prove", "promote", ...(current === undefined ? [] : rest)],
  };
}

/**
 * Rotates the password of a cell's login, by turns between two: `<cell>_<role>_login` and
 * `<cell>_<role>_login_b`, which is a member of the first and so is what it is. The password
 * is made here and goes into the store; the server is sent its SCRAM verifier and never the
 * password. The one before logs in until the grace is over, so whoever reads the store in
 * between notices nothing.
 *
 * Who is killed at whichever moment runs it again, and it goes on where it was.
 *
 * @throws {@link UnprovenLoginError} when the new login does not log in.
 * @throws {@link ConfigurationError} when another rotation is under way, or the
 * administrator may not.
 */
export async function rotate(client: pg.Client, options: RotationOptions): Promise<Rotation> {
  const { cell, role } = options;
  const key = [`safetypin credentials ${cell} ${role}`];
  const { rows } = await client.query<{ is_ours: boolean }>("select pg_try_advisory_lock(hashtextextended($1, 0)) as is_ours", key);
  if (rows[0]?.is_ours !== true) {
    throw new ConfigurationError(`The login of role ${role} of cell ${cell} is being rotated by somebody else`, {
      remedy: "Run this again when they are done",
    });
  }
  try {
    return await takeSteps(client, await planRotation(client, options), options);
  } finally {
    await client.query("select pg_advisory_unlock(hashtextextended($1, 0))", key).catch(() => undefined);
  }
}

async function takeSteps(client: pg.Client, plan: RotationPlan, options: RotationOptions): Promise<Rotation> {
  const { store, graceMs, onStep } = options;
  const { next, previous, isResumed, steps } = plan;
  let graceUntil: Date | undefined;
  let sessionsEnded = 0;

  for (const step of steps) {
    onStep(step, step === "stage" || step === "set" || step === "prove" || step === "promote" ? next : (previous ?? next));
    switch (step) {
      case "stage":
        await store.stage({ ...(await describeServer(client, store)), username: next, password: newPassword() });
        break;
      case "set":
        await setVerifier(client, next, await pendingOf(store), options);
        break;
      case "prove":
        await prove(next, await pendingOf(store), options);
        break;
      case "promote":
        await store.promote();
        break;
      case "expire":
        graceUntil = await expire(client, previous as string, graceMs);
        break;
      case "wait":
        await waitUntil(client, graceUntil as Date);
        graceUntil = undefined;
        break;
      case "disable":
        await asAdministrator(client, previous as string, `alter role ${quoteIdentifier(previous as string)} nologin password null`);
        break;
      case "end":
        sessionsEnded = await endSessions(client, previous as string);
        break;
    }
  }
  return { login: next, previous, isResumed, graceUntil, sessionsEnded };
}

function loginsOf({ cell, role }: Pick<RotationOptions, "cell" | "role">): [first: string, second: string] {
  return [`${cell}_${role}_login`, `${cell}_${role}_login_b`];
}

async function readRoles(client: pg.ClientBase, logins: readonly string[]): Promise<RoleState[]> {
  const { rows } = await client.query<RoleState>(
    `select
       rolname as name,
       rolcanlogin as "canLogin",
       rolsuper or rolbypassrls or rolcreaterole as "isPowerful",
       nullif(rolvaliduntil, 'infinity') as "validUntil"
     from pg_catalog.pg_roles
     where rolname = any ($1)`,
    [logins],
  );
  return rows;
}

/** Letters, digits, `-` and `_`: what SASLprep, URLs, JSON and shells leave as it is. 256 bits. */
const newPassword = () => randomBytes(32).toString("base64url");

/** What the secret says besides the login; of a new one, where the server is. */
async function describeServer(client: pg.Client, store: LoginStore): Promise<Omit<LoginSecret, "username" | "password">> {
  const current = await store.current();
  if (current !== undefined) return current.secret;
  const { host, port, database } = client;
  return { engine: "postgres", host, port, dbname: database };
}

async function pendingOf(store: LoginStore): Promise<LoginPassword> {
  const pending = await store.pending();
  if (pending !== undefined) return new LoginPassword(pending.secret.password);
  throw new ConfigurationError(`What was to be next is gone from ${store.name}: somebody else has changed it`, {
    remedy: "Let one rotate it at a time, then run this again",
  });
}

async function setVerifier(
  client: pg.Client,
  login: string,
  password: LoginPassword,
  options: RotationOptions,
): Promise<void> {
  const { rows } = await client.query<{ iterations: string | null }>("select current_setting('scram_iterations', true) as iterations");
  const verifier = await scramVerifier(password, { iterations: Number(rows[0]?.iterations ?? 4096) });
  password.forget();

  const [first] = loginsOf(options);
  const name = quoteIdentifier(login);
  const [state] = await readRoles(client, [login]);
  if (state === undefined) {
    await asAdministrator(client, first, `create role ${name} nologin in role ${quoteIdentifier(first)}`);
  } else if (login !== first) {
    await asAdministrator(client, first, `grant ${quoteIdentifier(first)} to ${name}`);
  }
  // Of the alphabet of base64 and three signs more: nothing in it ends the literal.
  await asAdministrator(client, login, `alter role ${name} login valid until 'infinity' password '${verifier}'`);
}

async function prove(login: string, password: LoginPassword, { cell, role, connectAs, store }: RotationOptions): Promise<void> {
  const remedy = `Nothing was switched. See what keeps ${login} out: pg_hba.conf, a pooler's list of users, a policy of passwords; then run this again`;
  let client: pg.Client;
  try {
    client = await connectAs({ user: login, password: password.reveal() });
  } catch (error) {
    throw new UnprovenLoginError(`${login} does not log in with its new password: ${(error as Error).message}`, { remedy, cause: error });
  } finally {
    password.forget();
  }
  try {
    const { rows } = await client.query<{ is_let_in: boolean }>(
      `select session_user = $1
         and pg_has_role(session_user, $2, 'usage')
         and has_schema_privilege(session_user, $3, 'usage') as is_let_in`,
      [login, `safetypin_${role}`, cell],
    );
    if (rows[0]?.is_let_in !== true) {
      throw new UnprovenLoginError(`${login} logs in with the password in ${store.name}, and is not let into cell ${cell} as safetypin_${role}`, {
        remedy: `Run: grant ${loginsOf({ cell, role })[0]} to ${login}; or safetypin bootstrap --cell ${cell}`,
      });
    }
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The server itself ends the password, also when nobody comes back to do the rest. */
async function expire(client: pg.Client, login: string, graceMs: number): Promise<Date> {
  const [state] = await readRoles(client, [login]);
  if (state?.validUntil instanceof Date) return state.validUntil;
  const { rows } = await client.query<{ until: Date; text: string }>(
    `select until, to_char(until at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as text
     from (select clock_timestamp() + $1 * interval '1 millisecond' as until) as grace`,
    [graceMs],
  );
  const { until, text } = rows[0] as { until: Date; text: string };
  await asAdministrator(client, login, `alter role ${quoteIdentifier(login)} valid until '${text}'`);
  return until;
}

async function waitUntil(client: pg.Client, time: Date): Promise<void> {
  for (;;) {
    // By the server's clock, which is the one that ends the password.
    const { rows } = await client.query<{ left: number }>(
      "select extract(epoch from $1::timestamptz - clock_timestamp())::double precision * 1000 as left",
      [time],
    );
    const left = rows[0]?.left ?? 0;
    if (left <= 0) return;
    await sleep(Math.min(left + 1, 60_000));
  }
}

/**
 * Ends what the login still does. Who may end the sessions of a role belongs to it: an
 * administrator who does not does so for this one transaction, which is rolled back.
 */
async function endSessions(client: pg.Client, login: string): Promise<number> {
  const end = async () => {
    const { rows } = await client.query<{ count: number }>(
      `select count(*) filter (where pg_terminate_backend(pid))::integer as count
       from pg_catalog.pg_stat_activity
       where usename = $1 and pid <> pg_backend_pid()`,
      [login],
    );
    return rows[0]?.count ?? 0;
  };
  const { rows } = await client.query<{ may: boolean; since_16: boolean }>(
    `select
       (select rolsuper from pg_catalog.pg_roles where rolname = current_user)
         or pg_has_role('pg_signal_backend', 'usage')
         or pg_has_role($1, 'usage') as may,
       current_setting('server_version_num')::integer >= 160000 as since_16`,
    [login],
  );
  if (rows[0]?.may === true) return end();

  await client.query("begin");
  try {
    const how = rows[0]?.since_16 === true ? " with inherit true, set false" : "";
    await asAdministrator(client, login, `grant ${quoteIdentifier(login)} to current_user${how}`);
    return await end();
  } finally {
    await client.query("rollback");
  }
}

async function asAdministrator(client: pg.Client, login: string, statement: string): Promise<void> {
  try {
    await client.query(statement);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== "42501") throw error;
    throw new ConfigurationError(`"${client.user ?? ""}" may not change the login ${login}: ${error.message}`, {
      remedy: `Connect as the administrator who ran bootstrap, or let that one run: grant ${quoteIdentifier(login)} to ${quoteIdentifier(client.user ?? "")} with admin option; alter role ${quoteIdentifier(client.user ?? "")} createrole;`,
      // What the driver says quotes no statement, and so no verifier.
      cause: error,
    });
  }
}
