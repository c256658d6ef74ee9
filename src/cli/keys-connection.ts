import { Option } from "commander";
import pg from "pg";

import { ConfigurationError, RuleError, SafetyPinError } from "../errors.js";
import { createKeyCache } from "../keys/key-cache.js";
import { parseKeyProvider } from "../keys/key-provider-address.js";
import type { KeyProvider } from "../keys/key-provider.js";
import { openKeyProvider } from "../keys/open-keys.js";
import type { Environment } from "../limits.js";
import { quoteIdentifier, type CellName } from "../migrations/cell.js";
import { requireOneSession } from "../one-session.js";
import { translateError } from "../translate-error.js";
import { describeHolder, takeTurn, turnAtKeys } from "../turns.js";
import { withConnection } from "./connection.js";
import { argument, parseDuration, type CellOptions } from "./options.js";
import type { Output } from "./output.js";

/** The options of commands that ask where keys are wrapped. */
export interface KeysOptions extends CellOptions {
  readonly keys?: string;
}

/** A connection to a cell, as its operator. */
export interface KeysConnection {
  readonly client: pg.Client;
  readonly cellId: string;
  readonly environment: Environment;
}

/** `--keys`. */
export function keysOption(): Option {
  return new Option("--keys <address>", "where keys are wrapped (default: SAFETYPIN_KEYS; else a file, outside production)").argParser(
    parseKeyAddress,
  );
}

/** An address of a master key, as an argument: whether a cell may have its keys there is asked once it is known. */
export const parseKeyAddress = argument((text) => {
  parseKeyProvider(text, { environment: "development" });
  return text;
});

/** `--organization`. */
export function organizationOption(): Option {
  return new Option("--organization <id>", "an organization's key, not the cell's own").argParser(parseId);
}

/** The options of commands that one runs at a time. */
export interface TurnOptions extends CellOptions {
  readonly wait: number;
}

/** `--wait`. */
export function waitOption(): Option {
  return new Option("--wait <time>", "how long to wait for another who works on the keys").argParser(parseDuration).default(600_000, "10min");
}

/** Waits until nobody else works on the keys, and tells who does. It ends with the connection. */
export async function takeTurnAtKeys(client: pg.Client, { cell, wait }: TurnOptions, output: Output): Promise<void> {
  await takeTurn(client, turnAtKeys(cell), {
    waitMs: wait,
    onWait: (holder) => {
      output.note(`waiting for another who works on the keys: ${describeHolder(holder)}. A DBA ends them: select pg_terminate_backend(${String(holder.pid)})`);
    },
  });
}

/** The id of a person or an organization, as an argument. */
export const parseId = argument((text) => {
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) return text.toLowerCase();
  throw new ConfigurationError(`"${text}" is no id`, { remedy: "An id is a UUID" });
});

/** The number of a key, as an argument. */
export const parseKeyId = argument((text) => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new ConfigurationError(`"${text}" is no key's number`, { remedy: "Keys are 1, 2, 3 …: safetypin keys status" });
});

/** Does the work on a connection whose path is the cell, of another database where one is named. */
export async function withKeysConnection<Result>(
  cell: CellName,
  work: (connection: KeysConnection) => Promise<Result>,
  database?: string,
): Promise<Result> {
  return withConnection(async (client) => {
    try {
      await requireOneSession(client, "commands of keys hold a lock and a path for longer than a transaction");

      // Whatever the login has otherwise: who waits for others has to see what they wrote, the driver
      // reads times of one kind, and entries of a ledger are compared as they are written.
      await client.query(
        `select
           set_config('search_path', $1, false),
           set_config('default_transaction_isolation', 'read committed', false),
           set_config('datestyle', 'iso, mdy', false),
           set_config('bytea_output', 'hex', false),
           set_config('statement_timeout', '0', false)`,
        [`${quoteIdentifier(cell)}, pg_temp`],
      );
      const { rows } = await client.query<{ id: string; environment: Environment }>("select id, environment from cell_settings");
      const { id: cellId, environment } = rows[0]!;
      return await work({ client, cellId, environment });
    } catch (error) {
      throw explain(error, client, cell);
    }
  }, database);
}

/** Does the work with the provider that is meant, whose shares are in memory for as long. */
export async function withProvider<Result>(
  keys: string | undefined,
  environment: Environment,
  work: (provider: KeyProvider) => Promise<Result>,
): Promise<Result> {
  const cache = createKeyCache(openKeyProvider(keys === undefined ? {} : { keys }, environment));
  try {
    return await work(cache);
  } finally {
    await cache.close?.();
  }
}

/** Tells once whom a rotation waits for, and again when that is somebody else. */
export function tellWaiting(output: Output, forWhat = "transactions"): (whom?: string) => void {
  let told: string | undefined;
  return (whom) => {
    const sentence = [
      `waiting for ${forWhat} that began earlier`,
      ...(whom === undefined ? [] : [`${whom}. A DBA ends one that does not end: select pg_terminate_backend(pid)`]),
    ].join(": ");
    if (sentence !== told) output.note(sentence);
    told = sentence;
  };
}

function explain(error: unknown, { user }: pg.Client, cell: CellName): unknown {
  if (error instanceof SafetyPinError || !(error instanceof pg.DatabaseError)) return error;
  switch (error.code) {
    case "42P01":
    case "42883":
      return new ConfigurationError(`"${cell}" is no cell of this database, or an older one: ${error.message}`, {
        remedy: "Name another with --cell, or run: safetypin migrate up",
        cause: error,
      });
    case "42501":
      return new ConfigurationError(`"${user ?? ""}" may not administer the keys of cell "${cell}": ${error.message}`, {
        remedy: `Connect as ${cell}_operator_login`,
        cause: error,
      });
    case "55P03":
      return new ConfigurationError(`Somebody holds what is needed, and does not end: ${error.message}`, {
        remedy: "pg_locks says who. A DBA ends them: select pg_terminate_backend(pid). Then run it again",
        cause: error,
      });
    case "SP423":
    case "SP424":
    case "SP521":
      // Of all details these say nothing but where, the field and the row, and who is waited for or holds a row.
      return new ConfigurationError([error.message, error.detail].filter(Boolean).join(". "), { remedy: error.hint, cause: error });
    default: {
      const translated = translateError(error);
      return translated instanceof RuleError
        ? new ConfigurationError(translated.message, { remedy: translated.remedy, cause: error })
        : translated;
    }
  }
}
