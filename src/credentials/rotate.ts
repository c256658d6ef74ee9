import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import pg from "pg";

import { ConfigurationError } from "../errors.js";
import { quoteIdentifier, type CellName } from "../migrations/cell.js";
import { takeTurn, turnAtCredentials } from "../turns.js";
import { LoginPassword } from "./login-password.js";
import type { LoginSecret } from "./login-secret.js";
import type { LoginStore } from "./login-store.js";
import { scramVerifier } from "./scram-verifier.js";

/** What a rotation does, in this order. */
export const ROTATION_STEPS = {
  stage: "keep a new password beside the current one",
  vacate: "end what sessions it still has from its last turn",
  set: "give the server its SCRAM verifier",
  prove: "log in with it",
  promote: "make it the current one",
  expire: "let the password before it end after the grace",
  wait: "wait until the grace is over",
  disable: "let the login before it log in no more",
  end: "end the sessions of the login before it",
  confirm: "log in once more with what is kept",
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
  const require = (login: string) => {
    if (states.some(({ name }) => name === login)) return;
    throw new ConfigurationError(`There is no login ${login} on this server`, {
      remedy: `Name another role or --cell, or make it: safetypin bootstrap --cell ${options.cell}`,
    });
  };
  require(first);
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
  require(other);
  const rest: RotationStep[] = ["expire"];
  if (wait) rest.push("wait", "disable", ...(endSessions ? ["end" as const] : []), "confirm");

  // The new one is current and the one before still logs in: only the end is missing.
  if (current !== undefined && pending !== other && states.some(({ name, canLogin }) => name === other && canLogin)) {
    return { next: current, previous: other, isResumed: true, steps: rest };
  }
  const isResumed = pending === other;
  return {
    next: other,
    previous: current,
    isResumed,
    steps: [
      ...(isResumed ? [] : ["stage" as const]),
      // Whoever is logged in as what no secret names was not replaced by a rotation: they may be at work.
      ...(current === undefined ? [] : ["vacate" as const]),
      "set",
      "prove",
      "promote",
      ...(current === undefined ? [] : rest),
    ],
  };
}

/**
 * Rotates the password of a cell's login, by turns between two: `<cell>_<role>_login` and
 * `<cell>_<role>_login_b`, which are members of the same roles and neither of the other. The
 * password is made here and goes into the store; the server is sent its SCRAM verifier and
 * never the password. The one before logs in until the grace is over, so whoever reads the
 * store in between notices nothing.
 *
 * PostgreSQL lets every session change the password of its own login. So nobody may become
 * the next login, and no session of it is left, when it gets its password.
 *
 * Who is killed at whichever moment runs it again, and it goes on where it was.
 *
 * @throws {@link UnprovenLoginError} when the new login does not log in.
 * @throws {@link ConfigurationError} when another rotation is under way, the administrator may
 * not, or the current login logs in no more when the one before is disabled.
 */
export async function rotate(client: pg.Client, options: RotationOptions): Promise<Rotation> {
  // Long enough for two who come at the same moment to find out which of them goes first.
  const leave = await takeTurn(client, turnAtCredentials(options.cell, options.role), { waitMs: 1_000 });
  try {
    return await takeSteps(client, await planRotation(client, options), options);
  } finally {
    await leave();
  }
}

async function takeSteps(client: pg.Client, plan: RotationPlan, options: RotationOptions): Promise<Rotation> {
  const { store, graceMs, onStep } = options;
  const { next, previous, isResumed, steps } = plan;
  let graceUntil: Date | undefined;
  let sessionsEnded = 0;

  for (const step of steps) {
    onStep(step, ABOUT_PREVIOUS.has(step) ? (previous ?? next) : next);
    switch (step) {
      case "stage":
        await store.stage({ ...(await describeServer(client, store)), username: next, password: newPassword() });
        break;
      case "vacate":
        await vacate(client, next);
        break;
      case "set":
        // Who was a member of the other may be it still, whatever is revoked.
        for (const login of await makeAlike(client, options)) await endSessions(client, login);
        await setVerifier(client, next, await pendingOf(store));
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
        await disable(client, previous as string);
        break;
      case "end":
        sessionsEnded = await endSessions(client, previous as string);
        break;
      case "confirm":
        await confirm(next, options);
        break;
    }
  }
  return { login: next, previous, isResumed, graceUntil, sessionsEnded };
}

const ABOUT_PREVIOUS: ReadonlySet<RotationStep> = new Set(["expire", "wait", "disable", "end"]);

function loginsOf({ cell, role }: Pick<RotationOptions, "cell" | "role">): [first: string, second: string] {
  return [`${cell}_${role}_login`, `${cell}_${role}_login_b`];
}

async function readRoles(client: pg.ClientBase, logins: readonly string[]): Promise<RoleState[]> {
  const { rows } = await client.query<RoleState>(
    `select
       rolname as name,
       rolcanlogin as "canLogin",
       rolsuper or rolbypassrls or rolcreaterole as "isPowerful"
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

/**
 * Lets nobody be the next login any more. It was disabled when its last turn was over; a
 * session from then could still change its password, and would have the new one.
 */
async function vacate(client: pg.Client, login: string): Promise<void> {
  await disable(client, login);
  await endSessions(client, login);
}

async function disable(client: pg.Client, login: string): Promise<void> {
  await asAdministrator(client, login, `alter role ${quoteIdentifier(login)} nologin password null`);
}

async function setVerifier(client: pg.Client, login: string, password: LoginPassword): Promise<void> {
  const { rows } = await client.query<{ iterations: string | null }>("select current_setting('scram_iterations', true) as iterations");
  const verifier = await scramVerifier(password, { iterations: Number(rows[0]?.iterations ?? 4096) });
  password.forget();

  // Of the alphabet of base64 and three signs more: nothing in it ends the literal.
  await asAdministrator(client, login, `alter role ${quoteIdentifier(login)} login valid until 'infinity' password '${verifier}'`);
}

/**
 * Makes the two logins members of the same roles, and neither of them of the other. What is
 * granted to one of them alone, be it a table of one's own, is for whoever granted it.
 *
 * @returns The logins that were members of the other.
 */
async function makeAlike(client: pg.Client, options: RotationOptions): Promise<string[]> {
  const logins = loginsOf(options);
  // The first turn, on a server where there is one login only.
  if ((await readRoles(client, logins)).length < logins.length) return [];

  await grantSameRoles(client, logins);
  await requireSameGrants(client, options);

  const { rows: crossing } = await client.query<{ login: string; other: string; grantor: string; since16: boolean }>(
    `select
       pg_get_userbyid(member) as login,
       pg_get_userbyid(roleid) as other,
       grantor::regrole::text as grantor,
       current_setting('server_version_num')::integer >= 160000 as since16
     from pg_catalog.pg_auth_members
     where pg_get_userbyid(member) = any ($1::text[])
       and pg_get_userbyid(roleid) = any ($1::text[])`,
    [logins],
  );
  for (const { login, other, grantor, since16 } of crossing) {
    const revoke = `revoke ${quoteIdentifier(other)} from ${quoteIdentifier(login)}`;
    await asAdministrator(client, other, since16 ? `${revoke} granted by ${grantor}` : revoke);
  }
  return crossing.map(({ login }) => login);
}

async function grantSameRoles(client: pg.Client, logins: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ login: string; role: string; statement: string }>(
    // Before 16 what is inherited is a matter of the member, and whoever is one may become the role.
    `with logins (oid) as (
       select oid from pg_catalog.pg_roles where rolname = any ($1)
     )
     select
       logins.oid::regrole::text as login,
       roleid::regrole::text as role,
       format('grant %s to %s', roleid::regrole, logins.oid::regrole)
         || case
           when current_setting('server_version_num')::integer >= 160000 then
             format(
               ' with inherit %s, set %s',
               bool_or((to_jsonb(held) ->> 'inherit_option')::boolean)::text,
               bool_or((to_jsonb(held) ->> 'set_option')::boolean)::text
             )
           else ''
         end as statement
     from pg_catalog.pg_auth_members as held
       cross join logins
     where held.member in (select oid from logins)
       and held.roleid not in (select oid from logins)
       and not exists (
         select from pg_catalog.pg_auth_members as own where own.roleid = held.roleid and own.member = logins.oid
       )
     group by logins.oid, roleid
     order by 1, 2`,
    [logins],
  );
  for (const { login, role, statement } of rows) {
    await client.query(statement).catch((error: unknown) => {
      if (!(error instanceof pg.DatabaseError) || error.code !== "42501") throw error;
      throw new ConfigurationError(`${login} is no member of ${role}, as the other of the two is, and "${client.user ?? ""}" may not change that`, {
        remedy: `Let somebody who may run: ${statement};`,
        cause: error,
      });
    });
  }
}

/** What PostgreSQL keeps of whom something was granted to: each object is granted to both, or to neither. */
async function requireSameGrants(client: pg.Client, options: RotationOptions): Promise<void> {
  const { rows } = await client.query<{ login: string; what: string }>(
    `with granted as (
       select refobjid, dbid, classid, objid
       from pg_catalog.pg_shdepend
       where refclassid = 'pg_catalog.pg_authid'::regclass
         and deptype = 'a'
         and classid <> 'pg_catalog.pg_auth_members'::regclass
         and refobjid in (to_regrole($1), to_regrole($2))
     )
     select
       other.name as login,
       case
         when dbid in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
           then (select type || ' ' || identity from pg_catalog.pg_identify_object(classid, objid, 0))
         else 'something in database ' || (select datname from pg_catalog.pg_database where oid = dbid)
       end as what
     from granted
       join (values (to_regrole($1)::oid, $2), (to_regrole($2)::oid, $1)) as other (than, name) on refobjid = other.than
     where not exists (
       select
       from granted as same
       where same.refobjid <> granted.refobjid
         and (same.dbid, same.classid, same.objid) = (granted.dbid, granted.classid, granted.objid)
     )
     order by 1, 2
     limit 1`,
    [...loginsOf(options)],
  );
  const [lack] = rows;
  if (lack === undefined) return;
  const [first, second] = loginsOf(options);
  const one = lack.login === first ? second : first;
  throw new ConfigurationError(`${one} was granted something on ${lack.what}, and ${lack.login} was not: they would not be alike`, {
    remedy: `Grant it to ${lack.login} too, or to the role safetypin_${options.role} in place of both; of a cell's schema: safetypin bootstrap --cell ${options.cell}`,
  });
}

/**
 * The secret still holds. Whoever had a session of the current login may have changed its
 * password, and nobody would notice before the next connection fails.
 */
async function confirm(login: string, { store, connectAs }: RotationOptions): Promise<void> {
  const current = await store.current();
  if (current?.secret.username !== login) return;
  const password = new LoginPassword(current.secret.password);
  try {
    const client = await connectAs({ user: login, password: password.reveal() });
    await client.end().catch(() => undefined);
  } catch (error) {
    throw new ConfigurationError(`${login} does not log in any more with what stands in ${store.name}: ${(error as Error).message}`, {
      remedy: `If its password was changed, whoever is logged in as ${login} may have done it: run this again now, with --grace 0s --end-sessions`,
      cause: error,
    });
  } finally {
    password.forget();
  }
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
        remedy: `Run: safetypin bootstrap --cell ${cell}`,
      });
    }
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** How long a session may take to end: it notices between two rows, and waits for nobody. */
const END_WITHIN_MS = 10_000;

/** The server itself ends the password, also when nobody comes back to do the rest. */
async function expire(client: pg.Client, login: string, graceMs: number): Promise<Date> {
  const { rows } = await client.query<{ until: Date; text: string }>(
    // Sooner where it ends sooner, be it by the run that this one goes on with; never later.
    // Of '-infinity' there is no text: a day long ago is as good.
    `select until, to_char(until at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as text
     from (
       select greatest(least(rolvaliduntil, clock_timestamp() + $1 * interval '1 millisecond'), '2000-01-01Z') as until
       from pg_catalog.pg_roles
       where rolname = $2
     ) as grace`,
    [graceMs, login],
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
  const count = async () => {
    // Within a transaction the list of sessions would be the one that was read before.
    await client.query("select pg_stat_clear_snapshot()");
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::integer as count
       from pg_catalog.pg_stat_activity
       where usename = $1 and pid <> pg_backend_pid()`,
      [login],
    );
    return rows[0]?.count ?? 0;
  };
  const end = async () => {
    const { rows } = await client.query<{ count: number }>(
      `select count(*) filter (where pg_terminate_backend(pid, ${String(END_WITHIN_MS)}))::integer as count
       from pg_catalog.pg_stat_activity
       where usename = $1 and pid <> pg_backend_pid()`,
      [login],
    );
    const left = await count();
    if (left === 0) return rows[0]?.count ?? 0;
    throw new ConfigurationError(`${String(left)} of the sessions of ${login} did not end within ${String(END_WITHIN_MS / 1000)} s`, {
      remedy: `See what they wait for: select pid, wait_event, query from pg_stat_activity where usename = '${login}'; then run this again`,
    });
  };
  if ((await count()) === 0) return 0;

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
      remedy: `Connect as the administrator who ran bootstrap, or let that one run: alter role ${quoteIdentifier(client.user ?? "")} createrole; and on 16 and later: grant ${quoteIdentifier(login)} to ${quoteIdentifier(client.user ?? "")} with admin option, inherit false, set false;`,
      // What the driver says quotes no statement, and so no verifier.
      cause: error,
    });
  }
}
