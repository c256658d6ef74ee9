import { Command } from "commander";

import { assertMayReset, reset } from "../reset.js";
import { askBefore } from "./confirm.js";
import { connect, withConnection } from "./connection.js";
import { EXIT } from "./exit-codes.js";
import {
  addRunnerOptions,
  cellOption,
  jsonOption,
  runnerOptions,
  type CellOptions,
  type RunnerOptions,
} from "./options.js";
import { action } from "./run.js";

interface Options extends CellOptions, RunnerOptions {
  readonly yes?: true;
  readonly dryRun?: true;
}

/** `safetypin db …`. */
export function dbCommand(): Command {
  return new Command("db")
    .summary("return a development or test database to its beginning")
    .description("Databases for development and tests. None that says it is production is touched.")
    .addCommand(resetCommand());
}

function resetCommand(): Command {
  const command = new Command("reset")
    .summary("throw everything away: migrated and seeded again")
    .description(
      "Returns a cell for development or tests to migrated and seeded; everything in it is\n" +
        "gone. By a copy of a template database where the login may make databases and the\n" +
        "cell is alone in its own; otherwise every chapter is undone and run again.\n" +
        "A cell that says it is production is never reset, with --yes or without.",
    )
    .addOption(cellOption())
    .option("--dry-run", "say what would be reset, and do nothing")
    .option("--yes", "do not ask");

  return addRunnerOptions(command)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ safetypin db reset          asks first
  $ safetypin db reset --yes    between two runs of a test suite
`,
    )
    .action(
      action<Options>(async (options, output) => {
        const { cell, yes, dryRun } = options;
        const settings = {
          cell,
          ...runnerOptions(options),
          onStep: (step: string) => {
            if (!output.isJson) output.note(step);
          },
          onWait: (holder: string) => output.note(`waiting for another runner: ${holder}`),
        };

        const [environment, database] = await withConnection(async (client) => [
          await assertMayReset(client, settings),
          client.database ?? "",
        ]);
        if (dryRun === true) {
          output.line(`${output.say("careful", "would reset")}  ${output.say("strong", cell)} of database ${database}, ${environment}`);
          output.result({ cell, database, environment, reset: false });
          return EXIT.done;
        }

        await askBefore(
          `Throw away everything in cell ${cell} of database ${database} (${environment})?`,
          yes === true ? { yes } : {},
        );
        const { by, reason } = await reset(connect, settings);
        output.line(
          `${output.say("good", "reset")}  ${output.say("strong", cell)}, ${environment}: ${by === "template" ? "copied from a template" : `chapter by chapter, because ${reason ?? ""}`}`,
        );
        output.result({ cell, database, environment, reset: true, by, reason: reason ?? null });
        return EXIT.done;
      }),
    );
}
