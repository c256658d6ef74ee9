import { Command, Option } from "commander";
import type { ClientBase } from "pg";

import type { CellName } from "../migrations/cell.js";
import { ENVIRONMENTS, parseEnvironment, type Environment } from "../migrations/environment.js";
import { withMigrationLock } from "../migrations/lock.js";
import { status } from "../migrations/status.js";
import { up, type UpResult } from "../migrations/up.js";
import { declareEnvironment } from "../seeds.js";
import { withConnection } from "./connection.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import {
  addRunnerOptions,
  allCellsOption,
  argument,
  cellOption,
  chooseCells,
  jsonOption,
  parseNumber,
  runnerOptions,
  type CellsOptions,
  type RunnerOptions,
} from "./options.js";
import type { Output } from "./output.js";
import { showPlans } from "./migrate-plan.js";
import { action } from "./run.js";

interface Options extends CellsOptions, RunnerOptions {
  readonly to?: number;
  readonly environment?: Environment;
  readonly dryRun?: true;
}

/** `safetypin migrate up`. */
export function migrateUpCommand(): Command {
  const command = new Command("up")
    .summary("run the chapters that are waiting")
    .description(
      "Runs the chapters that are waiting, in order. A chapter that fails leaves\n" +
        "nothing; those before it stay, and the next run goes on from there.",
    )
    .addOption(cellOption())
    .addOption(allCellsOption())
    .addOption(new Option("--to <number>", "stop after this chapter").argParser(parseNumber))
    .addOption(
      new Option(
        "--environment <name>",
        `say what the cell is for: ${ENVIRONMENTS.join(", ")} (a new cell is production)`,
      ).argParser(argument(parseEnvironment)),
    )
    .option("--dry-run", "show the plan and run nothing; exit codes as of migrate plan");

  return addRunnerOptions(command)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ safetypin migrate up                            everything that is waiting
  $ safetypin migrate up --environment development  and let the cell be reset later
  $ safetypin migrate up --all-cells                every cell, under one lock
  $ safetypin migrate up --to 7                     chapter 7 and those before it
  $ safetypin migrate up --dry-run --json | jq      the same plan, for a script

A chapter waits for a table in use for 10 s at most (--lock-timeout): whoever comes
after it waits behind it. Another runner is waited for without blocking anybody.
`,
    )
    .action(
      action<Options>((options, output) =>
        withConnection(async (client) => {
          const cells = await chooseCells(client, options);
          return options.dryRun === true
            ? showPlans(client, cells, options, output)
            : runCells(client, cells, options, output);
        }),
      ),
    );
}

async function runCells(
  client: ClientBase,
  cells: readonly CellName[],
  options: Options,
  output: Output,
): Promise<ExitCode> {
  const onWait = (holder: string) => output.note(`waiting for another runner: ${holder}`);

  // One lock for all cells: nobody comes in between.
  const results = await withMigrationLock(client, { ...runnerOptions(options), onWait }, async () => {
    const done: UpResult[] = [];
    for (const cell of cells) done.push(await runCell(client, cell, options, output));
    return done;
  });

  output.result({
    cells: results.map(({ cell, applied, alreadyApplied }) => ({
      cell,
      applied: applied.map(({ fileName }) => fileName),
      alreadyApplied,
    })),
  });
  return EXIT.done;
}

async function runCell(
  client: ClientBase,
  cell: CellName,
  options: Options,
  output: Output,
): Promise<UpResult> {
  const { to, environment } = options;
  const runner = runnerOptions(options);
  const { chapters } = await status(client, { cell, ...runner });
  const waiting = chapters.filter(({ id, state }) => state === "pending" && (to === undefined || id <= to));

  const progress = output.progress(waiting.length);
  let result: UpResult;
  try {
    result = await up(client, {
      cell,
      to,
      ...runner,
      onChapter: ({ fileName }) => progress.step(fileName),
    });
  } finally {
    progress.end();
  }
  if (environment !== undefined) await declareEnvironment(client, environment, { ...runner, cell, directory: undefined });

  const count = result.applied.length;
  const did = count === 0 ? "nothing to do" : `${String(count)} chapter${count === 1 ? "" : "s"} applied`;
  const newest = result.applied.at(-1)?.fileName;
  output.line(
    `${output.say("good", "up to date")}  ${output.say("strong", cell)}: ${did}${newest === undefined ? "" : `, the newest is ${newest}`}`,
  );
  return result;
}
