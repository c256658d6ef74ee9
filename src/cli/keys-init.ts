import { Command } from "commander";

import { inTransaction } from "../keys/in-transaction.js";
import { makeFirstKey } from "../keys/new-key.js";
import { listKeysOf, ownerOf, requireNotShredded } from "../keys/administered-keys.js";
import { EXIT } from "./exit-codes.js";
import {
  keysOption,
  organizationOption,
  takeTurnAtKeys,
  waitOption,
  withKeysConnection,
  withProvider,
  type KeysOptions,
  type TurnOptions,
} from "./keys-connection.js";
import { cellOption, jsonOption } from "./options.js";
import { action } from "./run.js";

interface Options extends KeysOptions, TurnOptions {
  readonly organization?: string;
  readonly dryRun?: true;
}

/** `safetypin keys init`. */
export function keysInitCommand(): Command {
  return new Command("init")
    .summary("the first key of a cell, or of an organization")
    .description(
      "Makes the first key of a cell and activates it, once. Organizations are given theirs by\n" +
        "whoever founds them; one that has none yet is given it here.",
    )
    .addOption(cellOption())
    .addOption(waitOption())
    .addOption(organizationOption())
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
      action<Options>(async ({ cell, wait, organization, keys, dryRun }, output) =>
        withKeysConnection(cell, async ({ client, cellId, environment }) => {
          const organizationId = organization ?? null;
          const owner = output.say("strong", organizationId === null ? cell : ownerOf(organizationId));
          await takeTurnAtKeys(client, { cell, wait }, output);
          const keysBefore = await listKeysOf(client, organizationId);
          requireNotShredded(keysBefore);
          const isFirst = keysBefore.length === 0;
          const isMade =
            isFirst &&
            dryRun !== true &&
            (await withProvider(keys, environment, (provider) =>
              inTransaction(client, () => makeFirstKey(client, { provider, cellId, organizationId })),
            ));
          if (isMade) output.line(`${output.say("good", "made")}  key 1 of ${owner}, which seals from now on`);
          else if (isFirst) output.line(`${output.say("careful", "would make")}  key 1 of ${owner}`);
          else output.line(`nothing to do  ${owner} has a key`);
          output.result({ cell, organizationId, made: isMade });
          return EXIT.done;
        }),
      ),
    );
}
