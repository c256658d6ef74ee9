import { Command } from "commander";

import { describeDifference } from "../migrations/describe-difference.js";
import { status, type CellStatus } from "../migrations/status.js";
import { withConnection } from "./connection.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { gravest } from "./migrate-plan.js";
import {
  allCellsOption,
  allowProxyOption,
  cellOption,
  chaptersOption,
  chooseCells,
  jsonOption,
  runnerOptions,
  type CellsOptions,
  type RunnerOptions,
} from "./options.js";
import type { Output } from "./output.js";
import { action } from "./run.js";

interface Options extends CellsOptions, RunnerOptions {
  readonly check?: true;
  readonly drift: boolean;
}

/** `safetypin migrate status`. */
export function migrateStatusCommand(): Command {
  return new Command("status")
    .summary("tell which chapters a cell has, and what was changed by hand")
    .description(
      "Tells which chapters a cell has had. With --check also runs the applied ones in\n" +
        "a scratch schema that is rolled back, compares the two catalogs object by object\n" +
        "and says by its exit code what it found. Locks nothing of the cell.",
    )
    .addOption(cellOption())
    .addOption(allCellsOption())
    .option("--check", "compare the catalog, and end with an exit code")
    .option("--no-drift", "with --check: look at the ledger only")
    .addOption(allowProxyOption())
    .addOption(chaptersOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ safetypin migrate status
  $ safetypin migrate status --all-cells --check   for a nightly job
  $ safetypin migrate status --json | jq '.cells[].pending'

Exit codes with --check (without it: 0):
  0  every chapter is there, and nothing else
  3  chapters are waiting
  4  a chapter was changed after it was applied, or is not known here
  5  somebody changed the catalog by hand
`,
    )
    .action(
      action<Options>((options, output) =>
        withConnection(async (client) => {
          const found: CellStatus[] = [];
          for (const cell of await chooseCells(client, options)) {
            const one = await status(client, {
              cell,
              lookForDrift: options.check === true && options.drift,
              ...runnerOptions(options),
            });
            found.push(one);
            showStatus(one, output);
          }
          output.result({ cells: found.map(forScripts) });
          return options.check === true ? gravest(found.map(exitCode)) : EXIT.done;
        }),
      ),
    );
}

function exitCode({ chapters, unknown, drift }: CellStatus): ExitCode {
  const has = (...states: string[]) => chapters.some(({ state }) => states.includes(state));
  if (has("changed", "skipped") || unknown.length > 0) return EXIT.changed;
  if (drift !== undefined && drift.length > 0) return EXIT.drift;
  return has("pending") ? EXIT.pending : EXIT.done;
}

function forScripts({ cell, environment, chapters, unknown, drift }: CellStatus): unknown {
  const filesOf = (...states: string[]) =>
    chapters.filter(({ state }) => states.includes(state)).map(({ fileName }) => fileName);
  return {
    cell,
    environment: environment ?? null,
    applied: filesOf("applied"),
    pending: filesOf("pending"),
    changed: filesOf("changed", "skipped"),
    unknown: unknown.map(({ id, name }) => ({ id, name })),
    drift: drift ?? null,
    chapters,
  };
}

function showStatus({ cell, environment, chapters, unknown, drift }: CellStatus, output: Output): void {
  const tones = { applied: "good", pending: "careful", changed: "bad", skipped: "bad" } as const;
  const what = environment === undefined ? "no chapters yet" : environment;
  output.line(`${output.say("strong", cell)}  ${what}`);
  output.table(
    ["  state", "chapter", "when"],
    chapters.map(({ fileName, state, executionTime }) => [
      `  ${output.say(tones[state], state)}`,
      fileName,
      executionTime?.toISOString().replace("T", " ").replace(/\..*/, " UTC") ?? "",
    ]),
  );
  for (const { id, name } of unknown) {
    output.line(`  ${output.say("bad", "unknown")}  ${String(id)} ${name}: another release applied it`);
  }
  if (drift !== undefined) {
    output.line(
      drift.length === 0
        ? `  ${output.say("good", "no drift")}  the catalog is what these chapters make`
        : `  ${output.say("bad", "drift")}  ${String(drift.length)} difference${drift.length === 1 ? "" : "s"} between the chapters (-) and the cell (+):`,
    );
    for (const difference of drift) output.line(describeDifference(difference).replace(/^/gm, "    "));
  }
  output.line();
}
