import { InvalidArgumentError, Option, type Command } from "commander";

import type { ClientBase } from "pg";

import { ConfigurationError, SafetyPinError } from "../errors.js";
import { DEFAULT_CELL, listCells, parseCellName, type CellName } from "../migrations/cell.js";
import { assertDirectServer } from "../migrations/session.js";

/** The options that every command on a cell has. */
export interface CellOptions {
  readonly cell: CellName;
  readonly json?: true;
}

/** The options of commands that may work on many cells. */
export interface CellsOptions extends CellOptions {
  readonly allCells?: true;
}

/** The options of commands that hold a lock, a role and a path. */
export interface RunnerOptions {
  readonly chapters?: string;
  readonly allowProxy?: true;
  readonly lockTimeout?: number;
  readonly wait?: number;
}

/** Turns what a parser throws into what the command line answers with. */
export function argument<Value>(parse: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof SafetyPinError)) throw error;
      const remedy = error instanceof ConfigurationError ? error.remedy : undefined;
      throw new InvalidArgumentError([error.message, remedy].filter(Boolean).join(". "));
    }
  };
}

/** A whole number from zero. */
export const parseNumber = argument((text) => {
  if (!/^\d+$/.test(text)) throw new ConfigurationError(`"${text}" is not a whole number`);
  return Number(text);
});

/** `500ms`, `10s`, `2min`, or a number of seconds; in milliseconds. */
export const parseDuration = argument((text) => {
  const [, amount, unit = "s"] = /^(\d+)\s*(ms|s|min)?$/.exec(text) ?? [];
  if (amount === undefined) {
    throw new ConfigurationError(`"${text}" is no length of time`, { remedy: "Write 500ms, 10s or 2min" });
  }
  return Number(amount) * ({ ms: 1, s: 1000, min: 60_000 }[unit] ?? 1000);
});

/** The same, for what has to take some time. */
export const parsePause = argument((text) => {
  const pauseMs = parseDuration(text);
  if (pauseMs === 0 || pauseMs > 86_400_000) {
    throw new ConfigurationError(`"${text}" is no time to rest`, { remedy: "Write 10s or 5min; a day, 1440min, at most" });
  }
  return pauseMs;
});

/** `--cell`. */
export function cellOption(): Option {
  return new Option("--cell <name>", "the cell, which is a schema")
    .argParser(argument(parseCellName))
    .default(parseCellName(DEFAULT_CELL), DEFAULT_CELL);
}

/** `--json`. */
export function jsonOption(): Option {
  return new Option("--json", "answer with JSON on standard output");
}

/** `--all-cells`. */
export function allCellsOption(): Option {
  return new Option("--all-cells", "every cell of the database, one after another");
}

/** What a runner of chapters may be told about its connection. */
export function addRunnerOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--lock-timeout <time>", "how long a statement may wait for a table in use")
        .argParser(parseDuration)
        .default(10_000, "10s"),
    )
    .addOption(
      new Option("--wait <time>", "how long to wait for another runner (default: until it is done)").argParser(
        parseDuration,
      ),
    )
    .addOption(allowProxyOption())
    .addOption(chaptersOption());
}

/** `--allow-proxy`. */
export function allowProxyOption(): Option {
  return new Option("--allow-proxy", "what stands before the server keeps one session per connection");
}

/** `--chapters`. */
export function chaptersOption(): Option {
  return new Option("--chapters <folder>", "the numbered files (default: those of this package)");
}

/** The options as the modules underneath name them. */
export function runnerOptions({ chapters, allowProxy, lockTimeout, wait }: RunnerOptions): {
  directory: string | undefined;
  allowProxy: boolean | undefined;
  lockTimeoutMs: number | undefined;
  waitMs: number | undefined;
} {
  return { directory: chapters, allowProxy, lockTimeoutMs: lockTimeout, waitMs: wait };
}

/**
 * The cells that a command is about.
 *
 * @throws {@link ConfigurationError} when all are meant and there is none.
 */
export async function chooseCells(
  client: ClientBase,
  { cell, allCells, allowProxy }: CellsOptions & { readonly allowProxy?: true },
): Promise<CellName[]> {
  if (allCells !== true) return [cell];

  await assertDirectServer(client, { allowProxy });
  const cells = await listCells(client);
  if (cells.length === 0) {
    throw new ConfigurationError("There is no cell in this database", { remedy: "Make one: safetypin bootstrap" });
  }
  return cells;
}
