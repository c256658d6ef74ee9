import { styleText } from "node:util";

import { SingleBar } from "cli-progress";
import Table from "cli-table3";

import { SafetyPinError } from "../errors.js";
import { exitNameOf } from "./exit-codes.js";

/** What the words of a line mean, and so how they look. */
export type Tone = "good" | "bad" | "careful" | "quiet" | "strong";

const STYLES = {
  good: "green",
  bad: "red",
  careful: "yellow",
  quiet: "dim",
  strong: "bold",
} as const;

/** How those begin and end. */
// eslint-disable-next-line no-control-regex -- it begins with one
const OWN_STYLE = /(\x1b\[(?:[12]|22|3[1-3]|39)m)/;

/** What a terminal does not show but obey, or that turns or hides what stands beside it; line ends and tabs are ours. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const UNPRINTABLE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** How a command speaks: to a person, or with `--json` to a script. */
export interface Output {
  readonly isJson: boolean;

  /** A line for a person, on standard output; nothing with `--json`. */
  line(text?: string): void;

  /** Rows under headings, for a person; nothing with `--json`. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void;

  /** A line beside the result, on standard error. */
  note(text: string): void;

  /** The result for a script, with `--json`; nothing without. */
  result(value: unknown): void;

  /** Words with a tone; plain where colours are off. */
  say(tone: Tone, text: string): string;

  /** A bar on a terminal, a line per step elsewhere; silent with `--json`. */
  progress(total: number): Progress;
}

/** Long work, told as it goes. */
export interface Progress {
  /** The next step begins. */
  step(name: string): void;

  /** So much more is done; with 0, something that is not counted. */
  advance(count: number, name: string): void;

  /** All steps are done, or one failed. */
  end(): void;
}

/** Speaks on this process's standard output and error. */
export function createOutput({ json = false }: { readonly json?: boolean | undefined }): Output {
  const say = (tone: Tone, text: string) =>
    isColourful(process.stdout) ? styleText(STYLES[tone], text) : text;

  const line = (text = "") => {
    if (!json) process.stdout.write(`${shown(text, process.stdout)}\n`);
  };

  return {
    isJson: json,
    say,
    line,
    note: (text) => void process.stderr.write(`${shown(text, process.stderr)}\n`),
    result: (value) => {
      if (json) process.stdout.write(`${JSON.stringify(value, undefined, 2).replace(UNPRINTABLE, escaped)}\n`);
    },
    table: (head, rows) => {
      if (json || rows.length === 0) return; // many rows take a while to draw
      line(drawTable(head.map((word) => say("quiet", word)), rows.map((row) => row.map((cell) => shown(cell, process.stdout)))));
    },
    progress: (total) => createProgress(total, json),
  };
}

/** Tells an error: the sentence, then the remedy. With `--json` also to the script. */
export function tellError(error: unknown, output: Output): void {
  const message = error instanceof Error ? error.message : String(error);
  const found = error instanceof SafetyPinError && "remedy" in error ? error.remedy : undefined;
  const remedy = typeof found === "string" ? found : undefined;

  const label = isColourful(process.stderr) ? styleText("red", "safetypin:") : "safetypin:";
  output.note(`${label} ${message}`);
  if (remedy !== undefined) output.note(`  ${remedy.split("\n").join("\n  ")}`);

  output.result({
    error: { message, ...(remedy === undefined ? {} : { remedy }), code: codeOf(error) },
  });
}

/** The error's own: ours, PostgreSQL's or Node's; else why the command ended. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : exitNameOf(error);
}

/** Without what moves a cursor, as names from the database may: what is left are our own colours, where there are any. */
function shown(text: string, stream: NodeJS.WriteStream): string {
  if (!isColourful(stream)) return text.replace(UNPRINTABLE, escaped);
  return text.split(OWN_STYLE).map((part, at) => (at % 2 === 1 ? part : part.replace(UNPRINTABLE, escaped))).join("");
}

/** As JSON has it, so that one who looks sees what it is. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** `NO_COLOR` and `FORCE_COLOR` as everywhere; otherwise colours are for terminals. */
function isColourful(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== "") return FORCE_COLOR !== "0";
  return stream.isTTY;
}

function drawTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const none = Object.fromEntries(
    [
      "top", "top-mid", "top-left", "top-right",
      "bottom", "bottom-mid", "bottom-left", "bottom-right",
      "left", "left-mid", "mid", "mid-mid", "right", "right-mid",
    ].map((part) => [part, ""]),
  );
  const table = new Table({
    head: [...head],
    chars: { ...none, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString().replace(/ +$/gm, "");
}

function createProgress(total: number, isJson: boolean): Progress {
  if (isJson || total === 0) return { step: () => undefined, advance: () => undefined, end: () => undefined };

  // What others write meanwhile is done as well: there may be more to do than was counted.
  let done = 0;
  if (!process.stderr.isTTY) {
    const advance = (count: number, name: string) => {
      done += count;
      const counted = count === 0 ? "" : `${String(done)}/${String(Math.max(done, total))} `;
      process.stderr.write(`${counted}${shown(name, process.stderr)}\n`);
    };
    return { step: (name) => advance(1, name), advance, end: () => undefined };
  }

  const bar = new SingleBar({
    format: "{bar} {value}/{total} {name}",
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    barsize: 24,
  });
  bar.start(total, 0, { name: "" });
  return {
    step: (name) => {
      bar.update(done, { name: shown(name, process.stderr) });
      done += 1;
    },
    advance: (count, name) => {
      done += count;
      bar.setTotal(Math.max(done, total));
      bar.update(done, { name: shown(name, process.stderr) });
    },
    end: () => bar.stop(),
  };
}
