import Table from "cli-table3";

const { isTTY } = process.stdout;
const paint = (code: string) => (text: string) =>
  isTTY && process.env["NO_COLOR"] === undefined ? `\u001b[${code}m${text}\u001b[0m` : text;

const bold = paint("1");
const dim = paint("2");
const green = paint("32");
const red = paint("31");

/** A new chapter of the story. */
export function chapter(title: string): void {
  console.log(`\n${bold(title)}\n`);
}

/** What is about to happen, or what to make of it. */
export function say(text = ""): void {
  console.log(text === "" ? "" : `  ${text}`);
}

/** Something that went as it should: done, or refused where it had to be. */
export function good(text: string): void {
  console.log(`  ${green("✓")} ${text}`);
}

/** What an attacker got: shown of the naive twin, and only there. */
export function bad(text: string): void {
  console.log(`  ${red("✗")} ${text}`);
}

/** The statement that is sent, as it is sent. */
export function quote(sql: string): void {
  for (const line of sql.trim().split("\n")) console.log(dim(`    ${line}`));
}

/** Rows as a table. */
export function table(head: string[], rows: readonly (readonly unknown[])[]): void {
  const drawn = new Table({
    head,
    style: { head: [], border: [] },
    // No line between rows: there are many.
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const row of rows) drawn.push(row.map((cell) => String(cell ?? "")));
  for (const line of drawn.toString().split("\n")) console.log(`  ${line}`);
}

/**
 * The story says what must be: where it is not so, the story is over.
 *
 * @throws Error naming what did not come true.
 */
export function insist(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`The story did not come true: ${what}`);
}
