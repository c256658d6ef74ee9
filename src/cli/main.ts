#!/usr/bin/env node
import { readFileSync } from "node:fs";

import { Command, CommanderError } from "commander";

import { bootstrapCommand } from "./bootstrap.js";
import { credentialsCommand } from "./credentials.js";
import { dbCommand } from "./db.js";
import { doctorCommand } from "./doctor.js";
import { EXIT } from "./exit-codes.js";
import { keysCommand } from "./keys.js";
import { surviveLostOutput } from "./lost-output.js";
import { maintainCommand } from "./maintain.js";
import { migrateCommand } from "./migrate.js";
import { createOutput } from "./output.js";
import { seedCommand } from "./seed.js";

const { version } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { version: string };

const program = new Command("safetypin")
  .description("Authentication, authorization and audit that PostgreSQL itself keeps.")
  .version(version)
  .addCommand(bootstrapCommand())
  .addCommand(migrateCommand())
  .addCommand(seedCommand())
  .addCommand(dbCommand())
  .addCommand(credentialsCommand())
  .addCommand(keysCommand())
  .addCommand(maintainCommand())
  .addCommand(doctorCommand())
  .addHelpText(
    "after",
    `
The server is named by DATABASE_URL, or PGHOST, PGPORT, PGUSER, PGPASSWORD and
PGDATABASE. From an empty database to people who can sign in:
  $ DATABASE_URL=postgres://admin@db.internal/clinic safetypin bootstrap
  $ export DATABASE_URL=postgres://safetypin_migrator@db.internal/clinic
  $ safetypin migrate up
  $ safetypin seed

Each command has examples of its own: safetypin migrate --help
`,
  );

surviveLostOutput();
let complaint = "";
exitWithCode(program);
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (error.exitCode !== 0) tellUsageError();
}

/** What commander has told people, told scripts that asked for JSON: no option was read yet. */
function tellUsageError(): void {
  const [message = "", ...remedy] = complaint.trimEnd().split("\n").filter(Boolean);
  createOutput({ json: process.argv.includes("--json") }).result({
    error: { message: message.replace(/^error: /, ""), remedy: remedy.join("\n"), code: "usage" },
  });
}

/** A wrong command line ends with a code of its own, and a way to the help. */
function exitWithCode(command: Command): void {
  command
    .exitOverride()
    .configureOutput({
      writeErr: (text) => {
        complaint += text;
        process.stderr.write(text);
      },
    })
    .showHelpAfterError(`Try: safetypin ${pathOf(command)}--help`)
    .configureHelp({ showGlobalOptions: false, sortSubcommands: false });
  for (const child of command.commands) exitWithCode(child);
}

function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null ? "" : `${pathOf(parent)}${command.name()} `;
}
