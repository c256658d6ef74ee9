import { Command } from "commander";

import { tryInTransaction } from "../keys/in-transaction.js";
import { askBefore } from "./confirm.js";
import { EXIT } from "./exit-codes.js";
import { withKeysConnection } from "./keys-connection.js";
import { cellOption, jsonOption, type CellOptions } from "./options.js";
import { action } from "./run.js";

interface Options extends CellOptions {
  readonly dryRun?: true;
  readonly yes?: true;
}

/** `safetypin keys restored`. */
export function keysRestoredCommand(): Command {
  return new Command("restored")
    .summary("say that this database came out of a backup, where it cannot see so")
    .description(
      "Says that this database was restored, so that no key is unlocked before the ledger is replayed.\n\n" +
        "A database that comes out of a dump sees that itself. One that comes out of a snapshot, of a base\n" +
        "backup or of recovery to a point in time does not: it is the same, byte for byte. Run this\n" +
        "before applications connect to it.",
    )
    .addOption(cellOption())
    .option("--dry-run", "say whether it would be declared, and do nothing")
    .option("--yes", "do not ask")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ export DATABASE_URL=postgres://safetypin_operator_login@restored.internal/clinic
  $ safetypin keys restored
  $ safetypin keys replay /mnt/elsewhere/shredded.jsonl
`,
    )
    .action(
      action<Options>(async ({ cell, dryRun, yes }, output) =>
        withKeysConnection(cell, async ({ client }) => {
          const declare = () => client.query("select declare_restored()");
          if (dryRun === true) {
            await tryInTransaction(client, declare);
            output.line(`${output.say("careful", "would declare")}  that this database was restored: nobody would sign in until its ledger is replayed`);
            output.result({ cell, restored: false });
            return EXIT.done;
          }
          await askBefore(
            "Was this database restored? Nobody signs in until its ledger is replayed",
            yes === true ? { yes } : {},
            "Nobody signs in afterwards, until the ledger is replayed",
          );
          await declare();
          output.line(`${output.say("careful", "restored")}  no key is unlocked before: safetypin keys replay FILE`);
          output.result({ cell, restored: true });
          return EXIT.done;
        }),
      ),
    );
}
