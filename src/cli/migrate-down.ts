import { Command, Option } from "commander";

import { down, planDown, type DownPlan } from "../migrations/down.js";
import { withConnection } from "./connection.js";
import { askBefore } from "./confirm.js";
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
import type { Output } from "./output.js";
import { action } from "./run.js";

interface Options extends CellOptions, RunnerOptions {
  readonly to: number;
  readonly yes?: true;
  readonly dryRun?: true;
}

/** `safetypin migrate down`. */
export function migrateDownCommand(): Command {
  const command = new Command("down")
    .summary("undo chapters, newest first; this destroys data")
    .description(
      "Undoes the chapters after --to, newest first: each down file and the removal of\n" +
        "the ledger's line in one transaction. What those chapters' tables hold is gone.\n" +
        "Refuses, before anything runs, where a chapter was changed since it was applied,\n" +
        "where the ledger has gaps, and where a down file is missing.",
    )
    .addOption(cellOption())
    .addOption(
      new Option("--to <number>", "the chapter that stays the newest; 0 leaves an empty cell")
        .argParser(parseNumber)
        .makeOptionMandatory(),
    )
    .option("--dry-run", "show what would go, and run nothing")
    .option("--yes", "do not ask");

  return addRunnerOptions(command)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ safetypin migrate down --to 6 --dry-run   what would go?
  $ safetypin migrate down --to 6             asks first
  $ safetypin migrate down --to 0 --yes       an empty cell, for scripts

In production a new chapter that mends is nearly always better than this.
`,
    )
    .action(
      action<Options>((options, output) =>
        withConnection(async (client) => {
          const { cell, to, yes, dryRun } = options;
          const settings = {
            cell,
            to,
            ...runnerOptions(options),
            onWait: (holder: string) => output.note(`waiting for another runner: ${holder}`),
          };

          const planned = await planDown(client, settings);
          const answer = { cell, chapters: planned.chapters.map(({ fileName }) => fileName) };
          if (planned.chapters.length === 0) {
            output.line(`${output.say("good", "nothing to undo")}  ${output.say("strong", cell)}`);
            output.result({ ...answer, undone: [] });
            return EXIT.done;
          }
          showPlan(planned, output);
          if (dryRun === true) {
            output.result({ ...answer, undone: [] });
            return EXIT.done;
          }

          await askBefore(`Undo ${planned.chapters.length === 1 ? "this chapter" : `these ${String(planned.chapters.length)} chapters`} of cell ${cell}?`, yes === true ? { yes } : {});
          const progress = output.progress(planned.chapters.length);
          try {
            await down(client, { ...settings, onChapter: ({ fileName }) => progress.step(fileName) });
          } finally {
            progress.end();
          }
          output.line(`${output.say("good", "undone")}  ${output.say("strong", cell)} is at ${String(to)}`);
          output.result({ ...answer, undone: answer.chapters });
          return EXIT.done;
        }),
      ),
    );
}

function showPlan({ cell, chapters, tables }: DownPlan, output: Output): void {
  output.line(
    `${output.say("careful", "destroys data")}  ${output.say("strong", cell)}: undoes ${chapters.map(({ fileName }) => fileName).join(", ")}`,
  );
  const largest = tables.filter(({ estimatedRows }) => estimatedRows > 0).slice(0, 10);
  output.table(
    ["  about so many rows", "size", "in the cell's largest tables, as the statistics have it"],
    largest.map(({ name, estimatedRows, size }) => [`  ${String(Math.round(estimatedRows))}`, inUnits(size), name]),
  );
}

function inUnits(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1024)));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power] ?? ""}`;
}
