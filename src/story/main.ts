/*
 * `npm start`: a real PostgreSQL, and the main job done before the reader's eyes.
 *
 *   npm start             tells the story and keeps the server up, until Ctrl-C
 *   npm start -- --once   tells the story and stops
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";

import pg from "pg";

import { connectionStringOf } from "../development/embedded-server.js";
import { ServerInUseError } from "../development/server-process.js";
import { ConfigurationError, SafetyPin } from "../index.js";
import { maintain } from "../maintenance.js";
import { parseCellName } from "../migrations/cell.js";
import { tellAttacks } from "./attacks.js";
import { tellAuditTrail } from "./audit-trail.js";
import { tellFounding } from "./founding.js";
import { openMailboxes } from "./mailboxes.js";
import { chapter, good, quote, say } from "./narrator.js";
import { tellPasswords } from "./passwords.js";
import { castStory, PASSWORD } from "./people.js";
import { tellPermissions } from "./permissions.js";
import { tellSessions } from "./sessions.js";
import { CELL, DATABASE, setStage, type Stage } from "./stage.js";

const { values: options } = parseArgs({
  options: {
    once: { type: "boolean", default: false },
    directory: {
      type: "string",
      default: join(fileURLToPath(new URL("../../", import.meta.url)), ".safetypin"),
    },
  },
});

const startedBy = process.ppid;

chapter("SafetyPin: the database that keeps sign-in safe");
const stage = await setStage(options.directory).catch(tellWhyNot);
if (stage !== undefined) {
  try {
    await tell(stage);
    if (!options.once) await waitForSignal();
  } finally {
    await stage.admin.end();
    await stage.server.stop();
  }
}

/** A folder whose server runs already, or is not ours: a sentence, and what to do. */
async function tellWhyNot(error: unknown): Promise<undefined> {
  if (!(error instanceof ConfigurationError)) throw error;
  process.exitCode = 1;

  if (error instanceof ServerInUseError) {
    say(`It is running already: process ${String(error.startedBy)} keeps a server in ${error.home}`);
    say(`It listens on port ${String(error.port)}. Stop that process with Ctrl-C, or connect to it as its superuser:`);
    quote(`psql '${await connectionStringOf(error, DATABASE)}'`);
  } else {
    say(error.message);
    if (error.remedy !== undefined) say(error.remedy);
  }
  return undefined;
}

async function tell({ admin, connectionStrings }: Stage): Promise<void> {
  const since = new Date();
  await lookAfter(connectionStrings.operator);

  const cast = castStory();
  const safetypin = await SafetyPin.connect({
    connectionString: connectionStrings.app,
    environment: "development",
  });
  try {
    const mailboxes = openMailboxes(connectionStrings.mailer);
    const founded = await tellFounding(safetypin, mailboxes, cast);
    await tellPasswords(safetypin, founded);
    // Ann's other sessions ended with her password; she goes on in the one she used.
    const ben = await tellSessions(safetypin, founded.ben, admin);
    await tellPermissions(safetypin, { ann: founded.ann, ben });
    await tellAttacks(safetypin, mailboxes, admin, connectionStrings.app, founded);
    await tellAuditTrail(connectionStrings.auditor, founded, since);
  } finally {
    await safetypin.close();
  }
  tellWhatToTry(connectionStrings, cast.ben.email);
}

async function lookAfter(connectionString: string): Promise<void> {
  const operator = new pg.Client({ connectionString, application_name: "maintain" });
  await operator.connect();
  try {
    await maintain(operator, { cell: parseCellName(CELL) });
    good("Maintenance ran: twelve months of partitions are ahead, what has ended is swept");
  } finally {
    await operator.end();
  }
}

function tellWhatToTry({ app, auditor }: Stage["connectionStrings"], email: string): void {
  chapter("What to try next");
  say("Connect as the application, who sees nothing until somebody signs in:");
  quote(`psql '${app}'`);
  say("or as the auditor:");
  quote(`psql '${auditor}'`);
  quote(`set search_path = ${CELL}, extensions; select event_type, result, recorded_at from auth_audit_logs;`);
  say(`Sign in as ${email} with “${PASSWORD}”. The same command line, on this server:`);
  quote(`DATABASE_URL='…' npx safetypin doctor`);
  say("The rules are in sql/migrations, one chapter each; the README is the way in.\n");
}

/** Waits for Ctrl-C or SIGTERM, which npm passes on; or until npm was killed, and could not. */
function waitForSignal(): Promise<void> {
  say("The server stays up until Ctrl-C.\n");
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
    if (process.env["npm_lifecycle_event"] === "start") {
      setInterval(() => process.ppid !== startedBy && resolve(), 500).unref();
    }
  });
}
