import { RefusedError } from "./exit-codes.js";

/**
 * Asks a person before something is destroyed, or somebody is locked out.
 *
 * @throws {@link RefusedError} when they say no, or nobody is there to ask.
 */
export async function askBefore(
  question: string,
  { yes }: { readonly yes?: true },
  danger = "This destroys data",
): Promise<void> {
  if (yes === true) return;

  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new RefusedError(`${danger}, and nobody is there to ask`, {
      remedy: "Say --yes if it is meant",
    });
  }
  // Most runs ask nobody, and need not load what asks.
  const { default: confirm } = await import("@inquirer/confirm");
  const isMeant = await confirm({ message: question, default: false }, { output: process.stderr }).catch(
    // Ctrl-C is a no.
    () => false,
  );
  if (!isMeant) throw new RefusedError("Nothing was done");
}
