import type { ExitCode } from "./exit-codes.js";
import { exitCodeOf } from "./exit-codes.js";
import { createOutput, tellError, type Output } from "./output.js";

/**
 * Makes an action of a piece of work that answers with how the command ends: the
 * output is made for it, and what it throws is told.
 */
export function action<Options extends { readonly json?: true }>(
  work: (options: Options, output: Output) => Promise<ExitCode>,
): (options: Options) => Promise<void> {
  return async (options) => {
    const output = createOutput(options);
    try {
      process.exitCode = await work(options, output);
    } catch (error) {
      tellError(error, output);
      process.exitCode = exitCodeOf(error);
    }
  };
}
