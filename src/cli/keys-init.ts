import { Command } from "commander";

import { inTransaction } from "../keys/in-transaction.js";
import { makeFirstKey } from "../keys/new-key.js";
import { listKeysOf } from "../keys/administered-keys.js";
import { EXIT } from "./exit-codes.js";
import { keysOption, withKeysConnection, withProvider, type KeysOptions } from "./keys-connection.js";
import { cellOption, jsonOption } from "./options.js";
import { action } from "./run.js";

interface Options extends KeysOptions {
  readonly dryRun?: true;
}

/** `safetypin keys init`. */
export function keysInitCommand(): Command {
  return new Command("init")
    .summary("the cell's first key")
    .description("Makes the first key of a cell and activates it, once. Organizations are given theirs by\nwhoever founds them.")
    .addOption(cellOption())
    .addOption(keysOption())
    .option("--dry-run", "say whether it would be made, and make nothing")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ export DATABASE_URL=postgres://safetypin_operator_login@db.internal/clinic
  $ safetypin keys init --keys aws-kms://arn:aws:kms:eu-central-1:111122223333:key/1234abcd
`,
    )
    .action(
      action<Options>(async ({ cell, keys, dryRun }, output) =>
        withKeysConnection(cell, async ({ client, cellId, environment }) => {
          const isFirst = (await listKeysOf(client, null)).length === 0;
          const isMade =
            isFirst &&
            dryRun !== true &&
            (await withProvider(keys, environment, (provider) =>
              inTransaction(client, () => makeFirstKey(client, { provider, cellId, organizationId: null })),
            ));
          if (isMade) output.line(`${output.say("good", "made")}  key 1 of ${output.say("strong", cell)}, which seals from now on`);
          else if (isFirst) output.line(`${output.say("careful", "would make")}  key 1 of ${output.say("strong", cell)}`);
          else output.line(`nothing to do  ${output.say("strong", cell)} has a key`);
          output.result({ cell, made: isMade });
          return EXIT.done;
        }),
      ),
    );
}
