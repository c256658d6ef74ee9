import { Command, Option } from "commander";

import { CHECKS, countFindings, examine, type Diagnosis } from "../doctor/doctor.js";
import type { Severity } from "../doctor/finding.js";
import { KEY_AGE_DAYS } from "../doctor/keys-check.js";
import { ConfigurationError } from "../errors.js";
import { withConnection } from "./connection.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { listTerms } from "./help.js";
import { keysOption, type KeysOptions } from "./keys-connection.js";
import {
  allowProxyOption,
  argument,
  cellOption,
  chaptersOption,
  jsonOption,
  runnerOptions,
  type RunnerOptions,
} from "./options.js";
import type { Output, Tone } from "./output.js";
import { action } from "./run.js";

interface Options extends KeysOptions, RunnerOptions {
  readonly strict?: true;
  readonly keyAge: number;
  readonly allowVulnerableServer?: true;
}

/** `safetypin doctor`. */
export function doctorCommand(): Command {
  const checks = listTerms(Object.fromEntries(CHECKS.map(({ id, about }) => [id, about])));

  return new Command("doctor")
    .summary("look for what would open a cell, hide evidence or stop the work")
    .description(
      "Examines a cell and its server, and names each thing that is not as it has to\n" +
        "be with the statement that mends it. Changes nothing and locks nothing of the\n" +
        "cell. Connect as safetypin_migrator: other logins see less, and are told what.",
    )
    .addOption(cellOption())
    .option("--strict", "end with an exit code for warnings too")
    .addOption(
      new Option(
        "--allow-vulnerable-server",
        "take a server's known flaws as warnings in production: its vendor mended them",
      ),
    )
    .addOption(keysOption())
    .addOption(
      new Option("--key-age <days>", "after how many days a key that seals is old").argParser(parseDays).default(KEY_AGE_DAYS),
    )
    .addOption(allowProxyOption())
    .addOption(chaptersOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
What it looks at:
${checks}

Examples:
  $ safetypin doctor
  $ safetypin doctor --strict                             for a nightly job
  $ safetypin doctor --json | jq -r '.findings[].remedy'  what to run

Exit codes:
  0  nothing critical; with --strict nothing to warn of either
  1  it could not look
  8  with --strict: warnings, and nothing critical
  9  something critical
`,
    )
    .action(
      action<Options>(async (options, output) => {
        const { cell, strict, allowVulnerableServer, keys, keyAge } = options;
        const diagnosis = await withConnection((client) =>
          examine(client, { cell, allowVulnerableServer, keys, keyAgeDays: keyAge, ...runnerOptions(options) }),
        );
        show(diagnosis, output);
        return exitCode(diagnosis, strict === true);
      }),
    );
}

function exitCode({ findings }: Diagnosis, isStrict: boolean): ExitCode {
  const { critical, warning } = countFindings(findings);
  if (critical > 0) return EXIT.critical;
  return isStrict && warning > 0 ? EXIT.warnings : EXIT.done;
}

const TONES: Readonly<Record<Severity, Tone>> = { critical: "bad", warning: "careful", info: "quiet" };

function show({ cell, environment, server, findings, skipped }: Diagnosis, output: Output): void {
  const counts = countFindings(findings);
  output.line(`${output.say("strong", cell)}  ${environment}, PostgreSQL ${server.version}`);
  for (const { severity, check, object, problem, remedy } of findings) {
    output.line();
    output.line(`${output.say(TONES[severity], severity)}  ${output.say("strong", object)} ${problem}  ${output.say("quiet", `[${check}]`)}`);
    output.line(`  ${remedy}`);
  }
  output.line();
  for (const { check, reason } of skipped) {
    output.line(`${output.say("quiet", "not looked at")}  ${check}: ${reason}`);
  }
  output.line(
    findings.length === 0
      ? `${output.say("good", "sound")}  nothing found`
      : `${String(counts.critical)} critical, ${String(counts.warning)} to be warned of, ${String(counts.info)} to know`,
  );

  output.result({
    cell,
    environment,
    server,
    counts,
    findings: findings.map(({ check, severity, object, problem, remedy }) => ({
      check,
      severity,
      object,
      problem,
      remedy,
    })),
    skipped,
  });
}

const parseDays = argument((text) => {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new ConfigurationError(`"${text}" is no number of days`, { remedy: "Write one from 1 to 99999" });
});
