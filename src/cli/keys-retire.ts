import { Command } from "commander";

import { ownerOf } from "../keys/administered-keys.js";
import { awaitWriters } from "../keys/await-writers.js";
import { inTransaction, tryInTransaction } from "../keys/in-transaction.js";
import { EXIT } from "./exit-codes.js";
import { organizationOption, parseKeyId, takeTurnAtKeys, tellWaiting, waitOption, withKeysConnection, type TurnOptions } from "./keys-connection.js";
import { cellOption, jsonOption } from "./options.js";
import { action } from "./run.js";

interface Options extends TurnOptions {
  readonly organization?: string;
  readonly dryRun?: true;
}

/** `safetypin keys retire`. */
export function keysRetireCommand(): Command {
  return new Command("retire")
    .summary("a key that nothing needs opens no more")
    .description(
      "Retires a key that is decrypt_only once nothing is found under it. It refuses otherwise,\n" +
        "and says where something is. Rotation does this by itself, except where evidence was\n" +
        "under the key and has gone since.",
    )
    .argument("<key>", "its number", parseKeyId)
    .addOption(cellOption())
    .addOption(waitOption())
    .addOption(organizationOption())
    .option("--dry-run", "look whether it could be retired, and leave it")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ export DATABASE_URL=postgres://safetypin_operator_login@db.internal/clinic
  $ safetypin keys retire 1
`,
    )
    .action((keyId: number, options: Options) =>
      action<Options>(async ({ cell, wait, organization, dryRun }, output) =>
        withKeysConnection(cell, async ({ client }) => {
          const organizationId = organization ?? null;
          await takeTurnAtKeys(client, { cell, wait }, output);
          const perform = dryRun === true ? tryInTransaction : inTransaction;
          await awaitWriters(() => perform(client, () => client.query("select retire_key($1, $2)", [organizationId, keyId])), {
            onWait: tellWaiting(output),
          });
          const said = dryRun === true ? output.say("careful", "would retire") : output.say("good", "retired");
          output.line(`${said}  key ${String(keyId)} of ${ownerOf(organizationId)}`);
          output.result({ cell, organizationId, keyId, retired: dryRun !== true });
          return EXIT.done;
        }),
      )(options),
    );
}
