import { Command, Option } from "commander";

import { ConfigurationError } from "../errors.js";
import { tryInTransaction } from "../keys/in-transaction.js";
import { exportLedger, listShreddings, readRestoreState, type Shredding } from "../keys/shredding-ledger.js";
import { EXIT } from "./exit-codes.js";
import { withKeysConnection } from "./keys-connection.js";
import { argument, cellOption, jsonOption, type CellOptions } from "./options.js";
import type { Output } from "./output.js";
import { action } from "./run.js";

interface Options extends CellOptions {
  readonly export?: string;
  readonly backupAge?: number;
  readonly dryRun?: true;
}

/** A number of days, as an argument: how many there may be the cell says. */
const parseDays = argument((text) => {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new ConfigurationError(`"${text}" is no number of days`, { remedy: "Write a whole number, 35 for instance" });
});

/** `safetypin keys ledger`. */
export function keysLedgerCommand(): Command {
  return new Command("ledger")
    .summary("what was shredded, and until when backups undo it")
    .description(
      "What was shredded, by whom and when, and from when on no backup has it. The ledger has ids\n" +
        "and times, and nothing about anybody.\n\n" +
        "Export it after each shredding, or every hour, to where no backup of the database is: after\n" +
        "a restore it is what tells what has to be shredded again (safetypin keys replay). A file that is\n" +
        "there is replaced by a ledger that goes on from it, and by no other.",
    )
    .addOption(cellOption())
    .option("--export <file>", "write it to a file, one line an entry")
    .addOption(
      new Option("--backup-age <days>", "declare how old the oldest backup gets, before it is deleted").argParser(parseDays),
    )
    .addOption(
      new Option("--dry-run", "say whether the age would be declared, and do nothing").conflicts("export"),
    )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ export DATABASE_URL=postgres://safetypin_operator_login@db.internal/clinic
  $ safetypin keys ledger --backup-age 35
  $ safetypin keys ledger --export /mnt/elsewhere/shredded.jsonl
  $ safetypin keys ledger --json | jq '.shreddings[] | select(.effective | not)'
`,
    )
    .action(
      action<Options>(async ({ cell, export: path, backupAge, dryRun }, output) =>
        withKeysConnection(cell, async ({ client }) => {
          if (backupAge !== undefined) {
            const declare = () => client.query("select declare_backup_age(make_interval(days => $1))", [backupAge]);
            if (dryRun === true) {
              await tryInTransaction(client, declare);
              output.line(`${output.say("careful", "would declare")}  that backups are kept for ${String(backupAge)} days`);
            } else {
              await declare();
            }
          }
          const exported = path === undefined ? undefined : await exportLedger(client, path);
          const shreddings = await listShreddings(client);
          const state = await readRestoreState(client);
          tell(shreddings, output);
          output.line(`backups are kept for ${String(state.backupAgeDays)} days`);
          if (path !== undefined) output.line(`${output.say("good", "exported")}  ${String(exported)} entries to ${path}`);
          output.result({
            cell,
            cellId: state.cellId,
            backupAgeDays: state.backupAgeDays,
            exported: exported ?? null,
            shreddings: shreddings.map(({ isEffective, ...shredding }) => ({ ...shredding, effective: isEffective })),
          });
          return EXIT.done;
        }),
      ),
    );
}

function tell(shreddings: readonly Shredding[], output: Output): void {
  if (shreddings.length === 0) output.line("Nothing was shredded.");
  output.table(
    ["entry", "of", "by", "shredded", "backups"],
    shreddings.map(({ seq, userId, organizationId, actingUserId, loginName, shredTime, effectiveTime, isEffective }) => [
      String(seq),
      userId === null ? `organization ${organizationId ?? ""}` : `person ${userId}`,
      actingUserId ?? loginName,
      shredTime.toISOString(),
      isEffective
        ? output.say("good", "have it no more")
        : output.say("careful", `may have it until ${effectiveTime.toISOString()}`),
    ]),
  );
}
