import { Command, Option } from "commander";

import { adopt } from "../migrations/adopt.js";
import { describeDifference } from "../migrations/describe-difference.js";
import { withConnection } from "./connection.js";
import { EXIT } from "./exit-codes.js";
import {
  addRunnerOptions,
  cellOption,
  jsonOption,
  parseNumber,
  runnerOptions,
  type CellOptions,
  type RunnerOptions,
} from "./options.js";
import { action } from "./run.js";

const SHOWN = 50;

interface Options extends CellOptions, RunnerOptions {
  readonly to?: number;
  readonly dryRun?: true;
}

/** `safetypin migrate adopt`. */
export function migrateAdoptCommand(): Command {
  const command = new Command("adopt")
    .summary("recognise a cell to which the chapters were applied with psql")
    .description(
      "Runs the chapters again in a scratch schema that is rolled back, compares the two\n" +
        "catalogs object by object, and where they are the same writes the ledger that\n" +
        "migrate up would have written. Where they are not, says what differs.",
    )
    .addOption(cellOption())
    .addOption(
      new Option("--to <number>", "the newest chapter that was applied (default: found by comparing)").argParser(
        parseNumber,
      ),
    )
    .option("--dry-run", "compare, and write nothing");

  return addRunnerOptions(command)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Example, for each chapter in order, then once at the end:
  $ psql -v ON_ERROR_STOP=1 --single-transaction \\
      -c 'set role safetypin_owner' \\
      -c 'set search_path = safetypin, extensions, pg_temp' \\
      -f sql/migrations/0001_foundation.sql
  $ safetypin migrate adopt

Exit codes: 0 adopted, or adopted before; 5 the catalog differs, nothing was written.
`,
    )
    .action(
      action<Options>((options, output) =>
        withConnection(async (client) => {
          const { cell, to, dryRun } = options;
          const { newest, adopted, differences } = await adopt(client, {
            cell,
            to,
            dryRun,
            ...runnerOptions(options),
            onWait: (holder) => output.note(`waiting for another runner: ${holder}`),
          });
          const at = newest === undefined ? "no chapter" : newest.fileName;
          output.result({
            cell,
            newest: newest?.fileName ?? null,
            adopted: differences.length > 0 ? [] : adopted.map(({ fileName }) => fileName),
            written: differences.length === 0 && dryRun !== true && adopted.length > 0,
            differences,
          });

          if (differences.length > 0) {
            output.line(
              `${output.say("bad", "not adopted")}  ${output.say("strong", cell)} is nearest to ${at}: ${String(differences.length)} difference${differences.length === 1 ? "" : "s"} between the chapters (-) and the cell (+):`,
            );
            for (const difference of differences.slice(0, SHOWN)) {
              output.line(describeDifference(difference).replace(/^/gm, "  "));
            }
            if (differences.length > SHOWN) output.line(`  … and ${String(differences.length - SHOWN)} more; all with --json`);
            return EXIT.drift;
          }

          const did =
            adopted.length === 0
              ? "its ledger says so already"
              : `${dryRun === true ? "would write" : "wrote"} ${String(adopted.length)} line${adopted.length === 1 ? "" : "s"} of its ledger`;
          output.line(`${output.say("good", "adopted")}  ${output.say("strong", cell)} is at ${at}; ${did}`);
          return EXIT.done;
        }),
      ),
    );
}
