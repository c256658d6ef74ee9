import { EXIT } from "./exit-codes.js";

/**
 * Goes on where nobody takes what the command says. A reader that has gone, as head does, has
 * read enough: the work is done to its end, quietly. Where it cannot be written, as to a disk
 * that is full, that is said once, and the command has failed.
 */
export function surviveLostOutput(): void {
  let failure: NodeJS.ErrnoException | undefined;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || failure !== undefined) return;
    failure = error;
    process.stderr.write(
      `safetypin: The output cannot be written: ${error.code ?? error.message}\n  What the command did is done; see that there is room, and ask again\n`,
    );
  });
  // There is nowhere left to say it.
  process.stderr.on("error", () => undefined);
  process.on("exit", (code) => {
    if (failure !== undefined && code === EXIT.done) process.exitCode = EXIT.failed;
  });
}
