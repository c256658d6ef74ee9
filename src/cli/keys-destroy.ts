import { Command } from "commander";

import { listKeysOf, ownerOf } from "../keys/administered-keys.js";
import { ConfigurationError } from "../errors.js";
import { askBefore } from "./confirm.js";
import { EXIT } from "./exit-codes.js";
import { organizationOption, parseKeyId, takeTurnAtKeys, waitOption, withKeysConnection, type TurnOptions } from "./keys-connection.js";
import { cellOption, jsonOption } from "./options.js";
import { action } from "./run.js";

interface Options extends TurnOptions {
  readonly organization?: string;
  readonly dryRun?: true;
  readonly yes?: true;
}

/** `safetypin keys destroy`. */
export function keysDestroyCommand(): Command {
  return new Command("destroy")
    .summary("a retired key is gone for good")
    .description(
      "Takes both halves of a retired key out of the database. Nobody brings them back.\n\n" +
        "A backup from before has the key still, and what was under it: restored whole, it opens.\n" +
        "A table that is brought back out of such a backup by itself, or an export that has old\n" +
        "values, opens no more. Destroy a key once no backup is left in which it was needed.",
    )
    .argument("<key>", "its number", parseKeyId)
    .addOption(cellOption())
    .addOption(waitOption())
    .addOption(organizationOption())
    .option("--dry-run", "say whether it would be destroyed, and do nothing")
    .option("--yes", "do not ask")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ export DATABASE_URL=postgres://safetypin_operator_login@db.internal/clinic
  $ safetypin keys destroy 1
`,
    )
    .action((keyId: number, options: Options) =>
      action<Options>(async ({ cell, wait, organization, dryRun, yes }, output) =>
        withKeysConnection(cell, async ({ client }) => {
          const organizationId = organization ?? null;
          const what = `key ${String(keyId)} of ${ownerOf(organizationId)}`;
          await takeTurnAtKeys(client, { cell, wait }, output);
          const key = (await listKeysOf(client, organizationId)).find((one) => one.keyId === keyId);
          if (key?.state !== "retired") {
            throw new ConfigurationError(`${what} is ${key?.state ?? "not there"}: only a retired one is destroyed`, {
              remedy: "See which keys there are: safetypin keys status",
            });
          }
          if (dryRun === true) {
            output.line(`${output.say("careful", "would destroy")}  ${what}, retired ${key.retirementTime?.toISOString() ?? ""}`);
          } else {
            await askBefore(
              `Destroy ${what} for good? What was sealed under it and is brought back by itself, out of a backup, opens no more`,
              yes === true ? { yes } : {},
            );
            await client.query("select destroy_key($1, $2)", [organizationId, keyId]);
            output.line(`${output.say("good", "destroyed")}  ${what}; backups from before have it still`);
          }
          output.result({ cell, organizationId, keyId, state: dryRun === true ? "retired" : "destroyed" });
          return EXIT.done;
        }),
      )(options),
    );
}
