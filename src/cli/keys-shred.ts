import { Command, Option } from "commander";

import { tryInTransaction } from "../keys/in-transaction.js";
import { listSealedFields } from "../keys/sealed-values.js";
import { askBefore } from "./confirm.js";
import { EXIT, UsageError } from "./exit-codes.js";
import { parseId, withKeysConnection } from "./keys-connection.js";
import { cellOption, jsonOption, type CellOptions } from "./options.js";
import { action } from "./run.js";

interface Options extends CellOptions {
  readonly user?: string;
  readonly organization?: string;
  readonly dryRun?: true;
  readonly yes?: true;
}

/** `safetypin keys shred`. */
export function keysShredCommand(): Command {
  return new Command("shred")
    .summary("a person or an organization is unreadable for good")
    .description(
      "Takes away what everything sealed about a person, or in an organization, is opened with.\n" +
        "Nobody brings it back. Rows, ids and evidence stay.\n\n" +
        "Backups have it until they are as old as was declared (safetypin keys ledger), and a\n" +
        "restored one is shredded again by the ledger: export that afterwards, to where no backup is.\n" +
        "An organization has to be closed or suspended first. A legal hold keeps either.",
    )
    .addOption(cellOption())
    .addOption(new Option("--user <id>", "a person").argParser(parseId).conflicts("organization"))
    .addOption(new Option("--organization <id>", "an organization").argParser(parseId))
    .option("--dry-run", "say what would be lost and whether it would be done, and do nothing")
    .option("--yes", "do not ask")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ export DATABASE_URL=postgres://safetypin_operator_login@db.internal/clinic
  $ safetypin keys shred --user 01a20abb-6fa6-71f2-8a0c-92df57066e3e --dry-run
  $ safetypin keys shred --organization 01a20abb-7caa-7e0b-a636-d8cbeb612c5d
  $ safetypin keys ledger --export /mnt/elsewhere/shredded.jsonl
`,
    )
    .action(
      action<Options>(async ({ cell, user, organization, dryRun, yes }, output) => {
        const id = user ?? organization;
        if (id === undefined) {
          throw new UsageError("Nobody is named to be shredded", { remedy: "Pass --user ID or --organization ID" });
        }
        return withKeysConnection(cell, async ({ client }) => {
          const what = user === undefined ? `organization ${id}` : `person ${id}`;
          const statement = `select ${user === undefined ? "shred_organization" : "shred_person"}($1) as "effectiveTime"`;
          const shred = async () => (await client.query<{ effectiveTime: Date }>(statement, [id])).rows[0]!.effectiveTime;
          // What it would be refused for, before anybody is asked.
          let effectiveTime = await tryInTransaction(client, shred);

          const fields = (await listSealedFields(client))
            .filter(({ scope, hasSubject }) => (user === undefined ? scope === "organization" : hasSubject))
            .map(({ name }) => name);
          const lost = [
            ...(user === undefined ? ["every key of it"] : ["their name, password, sessions and memberships"]),
            ...(fields.length === 0 ? [] : [`what is sealed in ${fields.join(", ")}`]),
          ].join(", and ");

          if (dryRun === true) {
            output.line(`${output.say("careful", "would shred")}  ${what}: lost is ${lost}`);
            output.line(`no backup would have it from ${effectiveTime.toISOString()}`);
          } else {
            await askBefore(`Shred ${what} for good? Lost is ${lost}`, yes === true ? { yes } : {});
            effectiveTime = await shred();
            output.line(`${output.say("good", "shredded")}  ${what}; no backup has it from ${effectiveTime.toISOString()}`);
            output.note("Export the ledger to where no backup is: safetypin keys ledger --export FILE");
          }
          output.result({
            cell,
            userId: user ?? null,
            organizationId: organization ?? null,
            fields,
            effectiveTime,
            shredded: dryRun !== true,
          });
          return EXIT.done;
        });
      }),
    );
}
