import { setTimeout as sleep } from "node:timers/promises";

import pg, { type PoolClient, type PoolConfig } from "pg";

import { destinationOf } from "../address.js";
import { ConfigurationError, SafetyPinError } from "../errors.js";
import type { Log } from "../query-report.js";
import type { CredentialSource, LoginCredentials } from "./credential-source.js";

/** Connections to be used and given back: what of the driver's pool is used here. */
export interface Connections {
  /** @throws whatever the driver says, or the source of the credentials. */
  connect(): Promise<PoolClient>;
  end(): Promise<void>;
  readonly totalCount: number;
  readonly idleCount: number;
  readonly ending: boolean;
  readonly options: { readonly max: number };
}

/** Connections whose login is decided by a source. */
export interface CredentialPool extends Connections {
  /** As whom the last connection was tried. */
  readonly login: string;
}

/**
 * How many credentials are tried for one connection: the current, the current read anew,
 * the previous; and the current once more, which the server may have been told of meanwhile.
 */
const ATTEMPTS = 4;

/** A wrong password; and a login that may not log in any more, or that there is not. */
const REFUSED = new Set(["28P01", "28000"]);

/**
 * A pool whose new connections log in with what a source gives at that moment.
 *
 * Login and password are asked for before a connection says who it is, and so always go
 * together. What the server refuses is followed by what else the source has. When the
 * login becomes another, connections of the one before are closed as nobody uses them: no
 * work is interrupted, and never are there more than the pool's size.
 */
export function createCredentialPool(config: PoolConfig, source: CredentialSource, log: Log): CredentialPool {
  if (source.needsTls === true && (config.ssl === undefined || config.ssl === false)) {
    throw new ConfigurationError(`Credentials from ${source.name} cross the network as they are, and the connection is not encrypted`, {
      remedy: "Use sslmode=verify-full, and name the authority: tls: { ca }",
    });
  }

  /** What a connection that failed had been given. */
  const given = new WeakMap<object, LoginCredentials>();
  /** As whom a connection is, and how often the login had changed by then. */
  const logins = new WeakMap<object, { readonly login: string; readonly change: number }>();
  /** What the server refused and has not taken since. */
  let refused: readonly string[] = [];

  const destination = destinationOf(config);
  const timeoutMs = config.connectionTimeoutMillis || 10_000;
  const stopping = new AbortController();
  let currentLogin: string | undefined;
  let triedLogin = destination.user;
  let changes = 0;
  let hasConnected = false;

  async function ask(): Promise<LoginCredentials | undefined> {
    const signal = AbortSignal.timeout(timeoutMs);
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => {
        reject(
          new ConfigurationError(`No credentials came from ${source.name} within ${timeoutMs} ms`, {
            remedy: "See whether what gives them is reached from here",
          }),
        );
      });
    });
    const credentials = await Promise.race([source.get({ destination, refused, signal }), late]).catch((error: unknown) => {
      // It is not the way to the server that is in the way.
      throw error instanceof SafetyPinError ? error : gaveNone(source, error);
    });
    if (credentials !== undefined && credentials.isPrevious !== true) notice(credentials.user ?? destination.user);
    return credentials;
  }

  function notice(login: string): void {
    const before = currentLogin;
    currentLogin = login;
    if (before === undefined || before === login) return;
    changes += 1;
    log({
      level: "info",
      event: "login_changed",
      message: `New connections are "${login}" from now on, as ${source.name} says; those of "${before}" are closed when their work is done`,
    });
    closeIdle();
  }

  /** Takes every connection that nobody uses: one of the login before is closed by that. */
  function closeIdle(): void {
    for (let count = pool.idleCount; count > 0; count -= 1) {
      void connect().then((client) => client.release(), () => undefined);
    }
  }

  function isOutdated(client: PoolClient): boolean {
    const made = logins.get(client);
    return made !== undefined && made.change < changes && made.login !== currentLogin;
  }

  class Client extends pg.Client {
    // The pool hands over a callback; others wait for a promise.
    override connect(callback?: unknown): Promise<pg.Client> {
      const connecting = this.#connectWithCredentials();
      if (typeof callback === "function") connecting.then(() => callback(), (error: unknown) => callback(error));
      return connecting;
    }

    async #connectWithCredentials(): Promise<pg.Client> {
      const credentials = await ask();
      if (credentials === undefined) throw new NothingElse(source);

      const own = this as unknown as Secrets;
      const login = credentials.user ?? destination.user;
      triedLogin = login;
      logins.set(this, { login, change: changes });
      try {
        this.user = own.connectionParameters.user = login;
        own.password = own.connectionParameters.password = credentials.password.reveal();
        await super.connect();
        hasConnected = true;
        refused = refused.filter((version) => version !== credentials.version);
        return this;
      } catch (error) {
        if (typeof error === "object" && error !== null) given.set(error, credentials);
        throw error;
      } finally {
        credentials.password.forget();
        own.password = own.connectionParameters.password = null;
      }
    }
  }

  const pool = new pg.Pool({ ...config, user: destination.user, Client: Client as unknown as new () => pg.ClientBase });
  // A connection that is lost while nobody uses it leaves the pool; the next one is made anew.
  pool.on("error", () => undefined);

  async function connect(): Promise<PoolClient> {
    const started = performance.now();
    for (let rounds = 1; ; rounds += 1) {
      try {
        return await connectWithAny();
      } catch (error) {
        const pauseMs = Math.min(50 * 2 ** rounds, 500);
        const isLate = performance.now() - started + pauseMs > timeoutMs;
        const mayChange = hasConnected && source.checkEveryMs !== undefined;
        if (!(isRefusal(error) || error instanceof NothingElse) || !mayChange || isLate) throw error;
        // Between the server's new password and the secret's nobody has the right one: it takes a moment.
        await sleep(pauseMs);
      }
    }
  }

  /** Tries what the source has, one after the other. */
  async function connectWithAny(): Promise<PoolClient> {
    let refusedHere: readonly string[] = [];
    let refusals = 0;
    let refusal: Error | undefined;
    for (;;) {
      let client: PoolClient;
      try {
        client = await pool.connect();
      } catch (error) {
        if (error instanceof NothingElse) {
          // What was refused earlier, or before the other was tried, may have become right since.
          const isAllRefusedHere = refused.every((version) => refusedHere.includes(version));
          if (isAllRefusedHere) refused = [];
          if (isAllRefusedHere && refusedHere.length < 2) throw refusal ?? error;
          refusedHere = isAllRefusedHere ? [] : refusedHere;
          refused = refusedHere;
          continue;
        }
        const version = isRefusal(error) ? given.get(error)?.version : undefined;
        refusals += 1;
        if (version === undefined || refusals >= ATTEMPTS) throw error;
        refusal = error as pg.DatabaseError;
        refusedHere = [...refusedHere, version];
        refused = [...new Set([...refused, version])];
        continue;
      }
      if (!isOutdated(client)) return client;
      client.release(true);
    }
  }

  void watch();

  /** Looks from time to time whether the login is another: a full pool makes no connection that would tell. */
  async function watch(): Promise<void> {
    const { signal } = stopping;
    if (source.checkEveryMs === undefined) return;
    while (!signal.aborted) {
      await sleep(source.checkEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        (await ask())?.password.forget();
      } catch (error) {
        log({
          level: "warning",
          event: "credentials_unavailable",
          message: `Nothing came from ${source.name}; connections that are open go on`,
          error,
        });
      }
    }
  }

  return {
    connect,
    async end() {
      stopping.abort();
      await pool.end();
    },
    get totalCount() {
      return pool.totalCount;
    },
    get idleCount() {
      return pool.idleCount;
    },
    get ending() {
      return pool.ending;
    },
    get login() {
      return triedLogin;
    },
    options: { max: pool.options.max },
  };
}

function isRefusal(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && REFUSED.has(error.code ?? "");
}

function gaveNone({ name }: CredentialSource, cause: unknown): ConfigurationError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ConfigurationError(`No credentials came from ${name}: ${message}`, { remedy: "See to what gives them", cause });
}

/** A source has nothing but what was refused. */
class NothingElse extends ConfigurationError {
  constructor({ name }: CredentialSource) {
    super(`The server refuses what ${name} gives, and there is nothing else`, {
      remedy: "See whether login and password there are those of the server",
    });
  }
}

/** Where the driver keeps a password; not enumerable, and in no type of its. */
interface Secrets {
  password: string | null;
  readonly connectionParameters: { user?: string | undefined; password: string | null };
}
