#!/usr/bin/env node
import { CommanderError } from "commander";

import { EXIT } from "./exit-codes.js";
import { surviveLostOutput } from "./lost-output.js";
import { createOutput } from "./output.js";
import { safetypinProgram } from "./program.js";

surviveLostOutput();
let complaint = "";
try {
  const program = await safetypinProgram(process.argv[2], (text) => (complaint += text));
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
