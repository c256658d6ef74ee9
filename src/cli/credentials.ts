import { Command, Option } from "commander";

import { ConfigurationError } from "../errors.js";
import { fileStore } from "../credentials/file-store.js";
import type { LoginStore } from "../credentials/login-store.js";
import { planRotation, rotate, ROTATION_STEPS, type Rotation, type RotationPlan } from "../credentials/rotate.js";
import { secretsManagerStore } from "../credentials/secrets-manager-store.js";
import { askBefore } from "./confirm.js";
import { connect, withConnection } from "./connection.js";
import { EXIT, UsageError } from "./exit-codes.js";
import { listTerms } from "./help.js";
import { argument, cellOption, jsonOption, parseDuration, type CellOptions } from "./options.js";
import type { Output } from "./output.js";
import { action } from "./run.js";

interface Options extends CellOptions {
  readonly secret?: string;
  readonly file?: string;
  readonly grace: number;
  readonly endSessions?: true;
  readonly wait: boolean;
  readonly dryRun?: true;
  readonly yes?: true;
}

/** `safetypin credentials …`. */
export function credentialsCommand(): Command {
  return new Command("credentials")
    .summary("give a cell's login a new password")
    .description("Passwords of a cell's logins. Connect as an administrator with CREATEROLE.")
    .addCommand(rotateCommand());
}

function rotateCommand(): Command {
  return new Command("rotate")
    .summary("a new password for a login, which nobody notices")
    .description(
      "Gives a role of a cell another login with a new password, by turns between\n" +
        "<cell>_<role>_login and <cell>_<role>_login_b. The password goes into a secret of\n" +
        "AWS Secrets Manager, or a file; the server is sent its SCRAM verifier and never the\n" +
        "password. The login before it goes on until the grace is over.\n\n" +
        "Whoever is interrupted runs it again: it goes on where it was. Connect as an\n" +
        "administrator with CREATEROLE, as for bootstrap.",
    )
    .argument("<role>", "app, mailer, operator, auditor, monitor or backup", argument(parseRole))
    .addOption(cellOption())
    .addOption(new Option("--secret <id>", "the name or ARN of a secret in AWS Secrets Manager").conflicts("file"))
    .addOption(new Option("--file <path>", "a file that is written whole, for its owner alone"))
    .addOption(
      new Option("--grace <time>", "how long the login before still logs in").argParser(parseDuration).default(300_000, "5min"),
    )
    .option("--end-sessions", "end what sessions the login before still has, after the grace")
    .option("--no-wait", "do not wait for the end of the grace: the next run disables the login before")
    .option("--dry-run", "say what would be done, and do nothing")
    .option("--yes", "do not ask")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
What it does, in order:
${listTerms(ROTATION_STEPS)}

Examples:
  $ export DATABASE_URL=postgres://admin@db.internal/clinic
  $ safetypin credentials rotate app --secret clinic/app
  $ safetypin credentials rotate operator --file /etc/clinic/operator.json --grace 10min
  $ safetypin credentials rotate app --secret clinic/app --yes --json      from a job

Exit codes:
  0   done; with --no-wait: all but disabling the login before
  1   it failed; run it again
  2   the command line makes no sense: neither --secret nor --file
  7   refused: nobody said yes
  10  the new login does not log in; the one before is still current
`,
    )
    .action((role: string, options: Options) =>
      action<Options>(async (_, output) => run(role, options, output))(options),
    );
}

async function run(role: string, options: Options, output: Output) {
  const { cell, grace, endSessions, wait, dryRun, yes } = options;
  const store = await openStore(options);
  const settings = {
    cell,
    role,
    store,
    graceMs: grace,
    endSessions: endSessions === true,
    wait,
    connectAs: (login: { readonly user: string; readonly password: string }) => connect(undefined, login),
    onStep: (step: keyof typeof ROTATION_STEPS, login: string) => {
      output.note(`${step}  ${login}: ${ROTATION_STEPS[step]}`);
    },
  };
  return withConnection(async (client) => {
    const plan = await planRotation(client, settings);
    if (dryRun === true) {
      for (const step of plan.steps) output.line(`${output.say("careful", "would")} ${ROTATION_STEPS[step]}  ${output.say("quiet", step)}`);
      output.result({ ...describe(cell, role, store, plan), steps: plan.steps, rotated: false });
      return EXIT.done;
    }

    await askBefore(question(plan), yes === true ? { yes } : {}, "This changes who may log in");
    const done = await rotate(client, settings);
    tell(done, output);
    output.result({
      ...describe(cell, role, store, { next: done.login, previous: done.previous, isResumed: done.isResumed }),
      graceUntil: done.graceUntil?.toISOString() ?? null,
      sessionsEnded: done.sessionsEnded,
      rotated: true,
    });
    return EXIT.done;
  });
}

async function openStore({ secret, file }: Options): Promise<LoginStore> {
  if (secret !== undefined) return secretsManagerStore(secret);
  if (file !== undefined) return fileStore(file);
  throw new UsageError("Nobody said where the new password is to be kept", {
    remedy: "Say --secret NAME, for AWS Secrets Manager, or --file PATH",
  });
}

function parseRole(text: string): string {
  if (/^[a-z][a-z0-9]{0,15}$/.test(text) && !["owner", "definer", "keyholder", "migrator"].includes(text)) return text;
  throw new ConfigurationError(`"${text}" is no role that logs in for a cell`, {
    remedy: "Say app, mailer, operator, auditor, monitor or backup; safetypin_migrator has its password from psql: \\password safetypin_migrator",
  });
}

function question({ next, previous, isResumed }: RotationPlan): string {
  if (previous === undefined) return `Set a new password for ${next}, so that whoever logs in with another does so no more?`;
  return `${isResumed ? "Go on to make" : "Make"} ${next} the current login, and let ${previous} log in no more after the grace?`;
}

function describe(
  cell: string,
  role: string,
  { name }: LoginStore,
  { next, previous, isResumed }: Pick<RotationPlan, "next" | "previous" | "isResumed">,
) {
  return { cell, role, store: name, login: next, previous: previous ?? null, resumed: isResumed };
}

function tell({ login, previous, graceUntil, sessionsEnded }: Rotation, output: Output): void {
  output.line(`${output.say("good", "rotated")}  ${output.say("strong", login)} is the current login`);
  if (previous === undefined) return;
  if (graceUntil !== undefined) {
    output.line(`${previous} logs in until ${graceUntil.toISOString()}. Run this again then, to disable it`);
  } else {
    output.line(`${previous} logs in no more${sessionsEnded > 0 ? `; ${String(sessionsEnded)} of its sessions ended` : ""}`);
  }
}
