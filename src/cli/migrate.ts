import { Command } from "commander";

import { migrateAdoptCommand } from "./migrate-adopt.js";
import { migrateDownCommand } from "./migrate-down.js";
import { migratePlanCommand } from "./migrate-plan.js";
import { migrateStatusCommand } from "./migrate-status.js";
import { migrateUpCommand } from "./migrate-up.js";

/** `safetypin migrate …`. */
export function migrateCommand(): Command {
  return new Command("migrate")
    .summary("bring cells up to date, back, or tell where they stand")
    .description(
      "Runs the numbered chapters of sql/migrations in a cell: each in one\n" +
        "transaction together with its line in the cell's ledger, in order, by one\n" +
        "runner at a time. Connect as safetypin_migrator, straight to the server.",
    )
    .addCommand(migratePlanCommand())
    .addCommand(migrateUpCommand())
    .addCommand(migrateStatusCommand())
    .addCommand(migrateDownCommand())
    .addCommand(migrateAdoptCommand())
    .addHelpText(
      "after",
      `
A day with it:
  $ export DATABASE_URL=postgres://safetypin_migrator@db.internal/clinic
  $ safetypin migrate plan                 what would run, and whom it would keep waiting
  $ safetypin migrate up                   run it; nothing to do is fine too
  $ safetypin migrate status --check       is every chapter there, and nothing else?

Exit codes: 0 done, 1 failed, 2 usage, 3 pending, 4 changed, 5 drift,
6 dangerous lock, 7 refused. docs/migrations.md tells the rest.
`,
    );
}
