import { Command } from "commander";

import { keysForSeeds } from "../keys/open-keys.js";
import { listScenarios, seed } from "../seeds.js";
import { withConnection } from "./connection.js";
import { EXIT } from "./exit-codes.js";
import {
  allowProxyOption,
  cellOption,
  jsonOption,
  type CellOptions,
  type RunnerOptions,
} from "./options.js";
import { action } from "./run.js";

interface Options extends CellOptions, Pick<RunnerOptions, "allowProxy"> {
  readonly scenario?: string;
  readonly list?: true;
  readonly dryRun?: true;
}

/** `safetypin seed`. */
export function seedCommand(): Command {
  return new Command("seed")
    .summary("fill a cell with what it needs, or with a scenario")
    .description(
      "Loads sql/seeds/base, then the folder of the environment that the cell says it is.\n" +
        "Every file is one transaction and may be loaded again. A cell that says it is\n" +
        "production gets no people and no scenario.",
    )
    .addOption(cellOption())
    .option("--scenario <name>", "load this scenario and nothing else")
    .option("--list", "list the scenarios")
    .option("--dry-run", "say which files would be loaded, and load nothing")
    .addOption(allowProxyOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ safetypin seed                          base, and the environment's own
  $ safetypin seed --list
  $ safetypin seed --scenario small-clinic
`,
    )
    .action(
      action<Options>(async ({ cell, scenario, list, dryRun, allowProxy }, output) => {
        if (list === true) {
          const scenarios = await listScenarios();
          for (const name of scenarios) output.line(name);
          output.result({ scenarios });
          return EXIT.done;
        }

        const { environment, files } = await withConnection((client) =>
          seed(client, {
            cell,
            scenario,
            dryRun,
            allowProxy,
            keys: keysForSeeds,
            onFile: (file) => {
              if (!output.isJson) output.note(file);
            },
            onWait: (holder) => output.note(`waiting for another runner: ${holder}`),
          }),
        );
        output.line(
          `${dryRun === true ? output.say("careful", "would seed") : output.say("good", "seeded")}  ${output.say("strong", cell)}, ${environment}: ${String(files.length)} file${files.length === 1 ? "" : "s"}`,
        );
        output.result({ cell, environment, files, loaded: dryRun !== true });
        return EXIT.done;
      }),
    );
}
