import { readFileSync } from "node:fs";

import { Command } from "commander";

import { HELP } from "./help.js";

/** The commands in the order of their help. Each brings what it needs, and most runs are of one. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  bootstrap: async () => (await import("./bootstrap.js")).bootstrapCommand(),
  migrate: async () => (await import("./migrate.js")).migrateCommand(),
  seed: async () => (await import("./seed.js")).seedCommand(),
  db: async () => (await import("./db.js")).dbCommand(),
  credentials: async () => (await import("./credentials.js")).credentialsCommand(),
  keys: async () => (await import("./keys.js")).keysCommand(),
  maintain: async () => (await import("./maintain.js")).maintainCommand(),
  doctor: async () => (await import("./doctor.js")).doctorCommand(),
};

/**
 * `safetypin` with the command that is named first, or with all of them where none is. What
 * it says to a wrong command line is told to `complain`, too.
 */
export async function safetypinProgram(
  named: string | undefined,
  complain: (text: string) => void = () => undefined,
): Promise<Command> {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const program = new Command("safetypin")
    .description("Authentication, authorization and audit that PostgreSQL itself keeps.")
    .version(version)
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
  const one = named !== undefined && Object.hasOwn(COMMANDS, named) ? COMMANDS[named] : undefined;
  for (const load of one === undefined ? Object.values(COMMANDS) : [one]) program.addCommand(await load());
  exitWithCode(program, complain);
  return program;
}

/** A wrong command line ends with a code of its own, and a way to the help. */
function exitWithCode(command: Command, complain: (text: string) => void): void {
  command
    .exitOverride()
    .configureOutput({
      writeErr: (text) => {
        complain(text);
        process.stderr.write(text);
      },
    })
    .showHelpAfterError(`Try: safetypin ${pathOf(command)}--help`)
    .configureHelp(HELP);
  for (const child of command.commands) exitWithCode(child, complain);
}

function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null ? "" : `${pathOf(parent)}${command.name()} `;
}
