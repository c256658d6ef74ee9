import { Command } from "commander";

import { bootstrap, bootstrapScript } from "../migrations/bootstrap.js";
import { withConnection } from "./connection.js";
import { EXIT } from "./exit-codes.js";
import {
  allowProxyOption,
  cellOption,
  jsonOption,
  type CellOptions,
  type RunnerOptions,
} from "./options.js";
import { action } from "./run.js";

interface Options extends CellOptions, Pick<RunnerOptions, "allowProxy"> {
  readonly print?: true;
}

/** `safetypin bootstrap`. */
export function bootstrapCommand(): Command {
  return new Command("bootstrap")
    .summary("make the roles, the cell's schema and the extensions, once per cell")
    .description(
      "Makes what has to exist before the first migration: roles, logins without a\n" +
        "password, the cell's schema, pgcrypto and pg_trgm; and takes from everybody\n" +
        "what PostgreSQL gives to everybody. Whole or not at all; again changes nothing.\n\n" +
        "Run it as the owner of the database: a superuser, or a managed cloud's admin\n" +
        "with CREATEROLE. All that comes after runs as safetypin_migrator.",
    )
    .addOption(cellOption())
    .option("--print", "print the script instead, for a DBA to read and run with psql")
    .addOption(allowProxyOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ export DATABASE_URL=postgres://admin@db.internal/clinic
  $ safetypin bootstrap                        the default cell, safetypin
  $ safetypin bootstrap --cell safetypin_acme  another cell beside it
  $ safetypin bootstrap --print > review.sql   what it would run, to review first
  $ psql -v ON_ERROR_STOP=1 -f review.sql      and how to run it without this command

Then give the logins their passwords: psql -c '\\password safetypin_migrator'
`,
    )
    .action(
      action<Options>(async ({ cell, print, allowProxy }, output) => {
        if (print === true) {
          process.stdout.write(await bootstrapScript(cell));
          return EXIT.done;
        }

        const warnings = await withConnection((client) =>
          bootstrap(client, {
            cell,
            allowProxy,
            onWait: (holder) => output.note(`waiting for another runner: ${holder}`),
          }),
        );
        for (const warning of warnings) output.note(output.say("careful", warning));

        output.line(`${output.say("good", "ready")}  cell ${output.say("strong", cell)}`);
        output.line(`next: safetypin migrate up${cell === "safetypin" ? "" : ` --cell ${cell}`}`);
        output.result({ cell, warnings });
        return EXIT.done;
      }),
    );
}
