import { Command } from "commander";

import { tryInTransaction } from "../keys/in-transaction.js";
import { readLedger, readRestoreState, replayLedger, verifyLedger } from "../keys/shredding-ledger.js";
import { askBefore } from "./confirm.js";
import { EXIT, UsageError } from "./exit-codes.js";
import { takeTurnAtKeys, waitOption, withKeysConnection, type TurnOptions } from "./keys-connection.js";
import { cellOption, jsonOption } from "./options.js";
import { action } from "./run.js";

interface Options extends TurnOptions {
  readonly notNeeded?: true;
  readonly dryRun?: true;
  readonly yes?: true;
}

/** `safetypin keys replay`. */
export function keysReplayCommand(): Command {
  return new Command("replay")
    .summary("after a restore: what was shredded is shredded again")
    .description(
      "After a backup was restored: shreds again what the ledger says was shredded, and lets keys be\n" +
        "unlocked. Until then nobody signs in and nothing sealed opens.\n\n" +
        "The cell looks at every entry first: a file that was changed or cut off, or is another cell's, is\n" +
        "refused, and so is one that ends before the backup does. Take the newest there is: what a ledger\n" +
        "does not say is not shredded. Interrupted, run it again. Twice changes nothing.",
    )
    .argument("[file]", "the ledger, as safetypin keys ledger --export wrote it")
    .addOption(cellOption())
    .addOption(waitOption())
    .option("--not-needed", "nothing was shredded since the backup: unlock keys without a ledger")
    .option("--dry-run", "look at the ledger, or whether one is needed, and do nothing")
    .option("--yes", "do not ask (with --not-needed)")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ export DATABASE_URL=postgres://safetypin_operator_login@db.internal/clinic
  $ safetypin keys replay /mnt/elsewhere/shredded.jsonl --dry-run
  $ safetypin keys replay /mnt/elsewhere/shredded.jsonl
`,
    )
    .action((file: string | undefined, options: Options) =>
      action<Options>(async ({ cell, wait, notNeeded, dryRun, yes }, output) => {
        if ((file === undefined) === (notNeeded === undefined)) {
          throw new UsageError("Name the ledger to replay, or say --not-needed", {
            remedy: "It is what safetypin keys ledger --export wrote last",
          });
        }
        return withKeysConnection(cell, async ({ client }) => {
          await takeTurnAtKeys(client, { cell, wait }, output);
          const before = await readRestoreState(client);

          if (file === undefined) {
            const confirm = () => client.query("select confirm_restore()");
            if (dryRun === true) {
              await tryInTransaction(client, confirm);
              output.line(
                before.isRestored
                  ? `${output.say("careful", "would confirm")}  that nothing was shredded since the backup; keys would be unlocked again`
                  : `${output.say("quiet", "is")}  no database that waits for its ledger: keys are unlocked`,
              );
            } else {
              await askBefore(
                "Was nothing shredded since the backup? If something was, it opens again",
                yes === true ? { yes } : {},
                "What was shredded since the backup would open again",
              );
              await confirm();
              output.line(`${output.say("good", "confirmed")}  keys are unlocked again`);
            }
            output.result({ cell, entries: null, shredded: 0, restored: dryRun === true && before.isRestored });
            return EXIT.done;
          }

          const ledger = await readLedger(file);
          await verifyLedger(client, ledger);
          const count = ledger.entries.length;
          if (dryRun === true) {
            output.line(`${output.say("good", "whole")}  ${String(count)} entries, of which this database has ${String(before.lastSeq)}`);
            output.result({ cell, entries: count, shredded: 0, restored: before.isRestored });
            return EXIT.done;
          }
          const shredded = await replayLedger(client, ledger, (done) => {
            if (!output.isJson) output.note(`replayed ${String(done)} of ${String(count)}`);
          });
          output.line(
            `${output.say("good", "replayed")}  ${String(count)} entries, ${String(shredded)} of them not known here; keys are unlocked again`,
          );
          output.result({ cell, entries: count, shredded, restored: false });
          return EXIT.done;
        });
      })(options),
    );
}
