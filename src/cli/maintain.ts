import { setTimeout as delay } from "node:timers/promises";

import { Command, Option } from "commander";
import pg from "pg";

import { ConfigurationError } from "../errors.js";
import { maintain, MAINTENANCE_TASKS } from "../maintenance.js";
import { withConnection } from "./connection.js";
import { EXIT } from "./exit-codes.js";
import { listTerms } from "./help.js";
import { cellOption, jsonOption, parsePause, type CellOptions } from "./options.js";
import type { Output } from "./output.js";
import { action } from "./run.js";

interface Options extends CellOptions {
  readonly once?: true;
  readonly dryRun?: true;
  readonly every: number;
}

/** `safetypin maintain`. */
export function maintainCommand(): Command {
  const tasks = listTerms(Object.fromEntries(MAINTENANCE_TASKS.map(({ name, description }) => [`${name}()`, description])));

  return new Command("maintain")
    .summary("do what has to be done regularly: partitions, sweeping, alerts")
    .description("Calls the operator's functions, each in a transaction of its own. Connect as the\ncell's operator login.")
    .addOption(cellOption())
    .option("--once", "do it once and end, for cron")
    .option("--dry-run", "say what would be called, and call nothing")
    .addOption(
      new Option("--every <time>", "without --once: how long to rest in between")
        .argParser(parsePause)
        .default(600_000, "10min"),
    )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
What it calls, in order:
${tasks}

Examples:
  $ export DATABASE_URL=postgres://safetypin_operator_login@db.internal/clinic
  $ safetypin maintain --once              from cron, or a scheduled job
  $ safetypin maintain --every 5min        as a small service of its own
`,
    )
    .action(
      action<Options>(async (options, output) => {
        if (options.dryRun === true) {
          for (const { name, description } of MAINTENANCE_TASKS) output.line(`${name}()  ${description}`);
          output.result({ cell: options.cell, tasks: MAINTENANCE_TASKS.map(({ name }) => ({ name })) });
          return EXIT.done;
        }
        if (options.once === true) {
          await maintainOnce(options, output);
          return EXIT.done;
        }

        const stop = new AbortController();
        for (const signal of ["SIGINT", "SIGTERM"] as const) {
          process.once(signal, () => stop.abort());
        }
        while (!stop.signal.aborted) {
          await maintainOnce(options, output);
          await delay(options.every, undefined, { signal: stop.signal }).catch(() => undefined);
        }
        return EXIT.done;
      }),
    );
}

async function maintainOnce({ cell }: Options, output: Output): Promise<void> {
  const results = await withConnection((client) =>
    maintain(client, {
      cell,
      onTask: ({ task, count }) => {
        output.line(`${output.say("good", "done")}  ${output.say("strong", cell)}: ${task.name}() ${String(count)}`);
      },
    }).catch((cause: unknown) => {
      throw explain(cause, client, cell);
    }),
  );
  output.result({ cell, tasks: results.map(({ task, count }) => ({ name: task.name, count })) });
}

function explain(cause: unknown, { user }: pg.Client, cell: string): unknown {
  if (!(cause instanceof pg.DatabaseError)) return cause;

  switch (cause.code) {
    case "3F000":
      return new ConfigurationError(`There is no cell "${cell}" in this database`, {
        remedy: "Name another with --cell",
        cause,
      });
    case "42883":
      return new ConfigurationError(`Cell "${cell}" lacks a function: ${cause.message}`, {
        remedy: "Run: safetypin migrate up",
        cause,
      });
    case "42501":
      return new ConfigurationError(`"${user ?? ""}" may not maintain cell "${cell}": ${cause.message}`, {
        remedy: `Connect as ${cell}_operator_login`,
        cause,
      });
    default:
      return cause;
  }
}
