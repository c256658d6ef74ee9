import { Command, Option } from "commander";
import type { ClientBase } from "pg";

import type { CellName } from "../migrations/cell.js";
import { blockedBy } from "../migrations/lock-modes.js";
import { plan, type ChapterPlan, type Plan, type StatementPlan } from "../migrations/plan.js";
import { withConnection } from "./connection.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import {
  addRunnerOptions,
  allCellsOption,
  cellOption,
  chooseCells,
  jsonOption,
  parseNumber,
  runnerOptions,
  type CellsOptions,
  type RunnerOptions,
} from "./options.js";
import type { Output } from "./output.js";
import { action } from "./run.js";

interface Options extends CellsOptions, RunnerOptions {
  readonly to?: number;
  readonly all?: true;
}

/** `safetypin migrate plan`. */
export function migratePlanCommand(): Command {
  const command = new Command("plan")
    .summary("show what up would run, and which locks each statement takes")
    .description(
      "Reads every waiting chapter with PostgreSQL's own grammar, and the catalog; runs\n" +
        "nothing. Shows the locks on what is there already and may be in use; a table\n" +
        "that the same run makes keeps nobody waiting.",
    )
    .addOption(cellOption())
    .addOption(allCellsOption())
    .addOption(new Option("--to <number>", "stop after this chapter").argParser(parseNumber))
    .option("--all", "show every statement, and locks on new relations too");

  return addRunnerOptions(command)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ safetypin migrate plan
  $ safetypin migrate plan --all | less
  $ safetypin migrate plan --json | jq '.cells[].chapters[].statements[] | select(.danger)'

Exit codes:
  0  nothing is waiting
  3  chapters are waiting, and nobody would notice them
  4  a chapter was changed after it was applied, or is not known here
  6  chapters are waiting, and one takes a lock that others would notice:
     ACCESS EXCLUSIVE on a table in use, or a lock that keeps writers waiting while
     a table is read, indexed or written again
`,
    )
    .action(
      action<Options>((options, output) =>
        withConnection(async (client) =>
          showPlans(client, await chooseCells(client, options), options, output),
        ),
      ),
    );
}

/** Shows the plans of some cells, and answers with the gravest exit code. */
export async function showPlans(
  client: ClientBase,
  cells: readonly CellName[],
  options: Options,
  output: Output,
): Promise<ExitCode> {
  const plans: Plan[] = [];
  for (const cell of cells) {
    const found = await plan(client, { cell, to: options.to, ...runnerOptions(options) });
    plans.push(found);
    showPlan(found, options, output);
  }

  output.result({
    cells: plans.map(({ cell, ledger, chapters, isDangerous }) => ({
      cell,
      isDangerous,
      applied: ledger.applied.map(({ fileName }) => fileName),
      changed: [...ledger.changed, ...ledger.skipped].map(({ fileName }) => fileName),
      unknown: ledger.unknown.map(({ id, name }) => ({ id, name })),
      chapters,
    })),
  });
  return gravest(plans.map(exitCode));
}

/** Changed before dangerous before pending: what makes the rest worthless comes first. */
export function gravest(codes: readonly ExitCode[]): ExitCode {
  const order: readonly ExitCode[] = [EXIT.changed, EXIT.drift, EXIT.danger, EXIT.pending];
  return order.find((code) => codes.includes(code)) ?? EXIT.done;
}

function exitCode({ ledger, chapters, isDangerous }: Plan): ExitCode {
  const { changed, unknown, skipped } = ledger;
  if (changed.length + unknown.length + skipped.length > 0) return EXIT.changed;
  if (isDangerous) return EXIT.danger;
  return chapters.length > 0 ? EXIT.pending : EXIT.done;
}

function showPlan({ cell, ledger, chapters }: Plan, { all }: Options, output: Output): void {
  const { changed, skipped, unknown } = ledger;
  for (const { fileName } of [...changed, ...skipped]) {
    output.line(`${output.say("bad", "changed")}  ${output.say("strong", cell)}: ${fileName} is not what was applied`);
  }
  for (const { id, name } of unknown) {
    output.line(`${output.say("bad", "unknown")}  ${output.say("strong", cell)}: ${String(id)} ${name} was applied and is not here`);
  }
  if (chapters.length === 0) {
    output.line(`${output.say("good", "up to date")}  ${output.say("strong", cell)}: nothing is waiting`);
    return;
  }
  for (const chapter of chapters) showChapter(cell, chapter, all === true, output);
}

function showChapter(cell: CellName, chapter: ChapterPlan, all: boolean, output: Output): void {
  const { fileName, statements, inTransaction } = chapter;
  const dangerous = statements.filter(({ danger }) => danger !== undefined);
  const tone = dangerous.length > 0 ? output.say("careful", "careful") : output.say("good", "pending");
  const count = `${String(statements.length)} statement${statements.length === 1 ? "" : "s"}`;
  const how = inTransaction ? "" : ", outside a transaction";
  output.line(`${tone}  ${output.say("strong", cell)}: ${fileName}, ${count}${how}`);

  const shown = all ? statements : statements.filter(isNoticeable);
  output.table(
    ["  line", "lock", "on", "keeps waiting", "statement"],
    shown.flatMap((statement) => rowsOf(statement, all, output)),
  );
  for (const { line, danger } of dangerous) {
    output.line(`  line ${String(line)} ${output.say("careful", danger ?? "")}`);
  }
  if (shown.length > 0) output.line();
}

function isNoticeable({ locks, unseen, danger }: StatementPlan): boolean {
  return danger !== undefined || unseen !== undefined || locks.some(({ isOld }) => isOld);
}

function rowsOf({ line, summary, locks, unseen }: StatementPlan, all: boolean, output: Output): string[][] {
  const told = summary.length > 60 ? `${summary.slice(0, 59)}…` : summary;
  const rows = locks
    .filter(({ isOld }) => all || isOld)
    .map(({ relation, mode, isOld }) => [
      `  ${String(line)}`,
      mode,
      relation,
      isOld ? blockedBy(mode) : output.say("quiet", "nobody, it is new"),
      told,
    ]);
  if (unseen !== undefined) rows.push([`  ${String(line)}`, "unknown", "", unseen, told]);
  return rows.length > 0 ? rows : [[`  ${String(line)}`, "", "", "", told]];
}
