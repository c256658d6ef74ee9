import { Command, Option } from "commander";

import { tryInTransaction } from "../keys/in-transaction.js";
import { EXIT, UsageError } from "./exit-codes.js";
import { parseId, withKeysConnection } from "./keys-connection.js";
import { cellOption, jsonOption, type CellOptions } from "./options.js";
import { action } from "./run.js";

interface Options extends CellOptions {
  readonly user?: string;
  readonly organization?: string;
  readonly reason?: string;
  readonly release?: string;
  readonly dryRun?: true;
}

interface LegalHold {
  readonly id: string;
  readonly userId: string | null;
  readonly organizationId: string | null;
  readonly reason: string;
  readonly creationTime: Date;
}

/** `safetypin keys hold`. */
export function keysHoldCommand(): Command {
  return new Command("hold")
    .summary("legal holds: who is not to be shredded")
    .description(
      "Lists the legal holds there are; places one, or releases one.\n\n" +
        "A person or an organization that is held is not shredded, and neither is anybody who belongs\n" +
        "to an organization that is. The reason is the number of a matter, not its story.",
    )
    .addOption(cellOption())
    .addOption(new Option("--user <id>", "hold a person").argParser(parseId).conflicts(["organization", "release"]))
    .addOption(new Option("--organization <id>", "hold an organization").argParser(parseId).conflicts("release"))
    .addOption(new Option("--reason <text>", "why, on one line").conflicts("release"))
    .addOption(new Option("--release <id>", "end a hold").argParser(parseId))
    .option("--dry-run", "say whether it would be done, and do nothing")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ export DATABASE_URL=postgres://safetypin_operator_login@db.internal/clinic
  $ safetypin keys hold --user 01a20abb-6fa6-71f2-8a0c-92df57066e3e --reason "Matter 2026-7"
  $ safetypin keys hold
  $ safetypin keys hold --release 01a20abb-7caa-7e0b-a636-d8cbeb612c5d
`,
    )
    .action(
      action<Options>(async ({ cell, user, organization, reason, release, dryRun }, output) => {
        const isPlacing = user !== undefined || organization !== undefined;
        if (isPlacing !== (reason !== undefined)) {
          throw new UsageError("A hold is of somebody, and has a reason", {
            remedy: "Pass --user ID or --organization ID, and --reason TEXT",
          });
        }
        return withKeysConnection(cell, async ({ client }) => {
          const change = async (): Promise<string | null> => {
            if (release !== undefined) await client.query("select release_legal_hold($1)", [release]);
            if (!isPlacing) return null;
            const { rows } = await client.query<{ id: string }>("select place_legal_hold($1, $2, $3) as id", [
              user ?? null,
              organization ?? null,
              reason,
            ]);
            return rows[0]!.id;
          };
          let placed: string | null = null;
          if (dryRun === true) {
            await tryInTransaction(client, change);
            const said = isPlacing ? "would hold" : release === undefined ? undefined : "would release";
            if (said !== undefined) output.line(`${output.say("careful", said)}  ${user ?? organization ?? release ?? ""}`);
          } else {
            placed = await change();
          }

          const { rows: holds } = await client.query<LegalHold>(
            `select id, user_id as "userId", organization_id as "organizationId", reason, creation_time as "creationTime"
             from list_legal_holds()`,
          );
          if (holds.length === 0) output.line("Nobody is held.");
          output.table(
            ["hold", "of", "since", "reason"],
            holds.map((hold) => [
              hold.id,
              hold.userId === null ? `organization ${hold.organizationId ?? ""}` : `person ${hold.userId}`,
              hold.creationTime.toISOString(),
              hold.reason,
            ]),
          );
          output.result({ cell, placed, released: dryRun === true ? null : (release ?? null), holds });
          return EXIT.done;
        });
      }),
    );
}
