import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

import { CLI } from "./cli.js";

const ROOT = join(__dirname, "..", "..");
const run = promisify(execFile);

/** A page whose blocks are run as they are written. */
export interface Page {
  /** The blocks of a language below a heading, whichever its level, in order. */
  blocks(heading: string, language: "sh" | "sql"): readonly string[];

  /** The rows of the first table below a heading, without its own head. */
  table(heading: string): readonly (readonly string[])[];
}

/** Reads a page of the project. */
export function readPage(path: string): Page {
  const text = readFileSync(join(ROOT, path), "utf8");
  const sectionOf = (heading: string): string => {
    const at = text.search(new RegExp(`^#+ ${heading}$`, "m"));
    if (at < 0) throw new Error(`${path} has no heading "${heading}"`);
    return /^#.*\n([^]*?)(?=^#+ |(?![^]))/m.exec(withoutComments(text.slice(at)))?.[1] ?? "";
  };
  return {
    table(heading) {
      const lines = /(?:^\|.*\n)+/m.exec(sectionOf(heading))?.[0].trim().split("\n") ?? [];
      return lines.slice(2).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
    },
    blocks(heading, language) {
      const section = sectionOf(heading);
      return [...section.matchAll(new RegExp(`^ *\`\`\`${language}\\n([^]*?)^ *\`\`\`$`, "gm"))].map(([, block]) =>
        block!.replaceAll(HASH, "#"),
      );
    },
  };
}

const HASH = "\u0000";

/** A comment in a block is no heading. */
function withoutComments(text: string): string {
  return text.replace(/^ *```[^]*?^ *```$/gm, (block) => block.replaceAll("#", HASH));
}

/** A shell that knows `safetypin`, and PostgreSQL's programs of the version that is tested. */
export interface Shell {
  /** Runs a block; what fails in it fails it. Returns what it printed. */
  run(block: string, environment: Readonly<Record<string, string>>): Promise<string>;
  close(): Promise<void>;
}

/** PostgreSQL's own programs, of the version that is tested. */
const PROGRAMS = process.env["SAFETYPIN_TEST_INSTALLATION"] ? join(process.env["SAFETYPIN_TEST_INSTALLATION"], "bin") : undefined;

/** Whether there is one of them. */
export function hasProgram(name: string): boolean {
  return PROGRAMS !== undefined && existsSync(join(PROGRAMS, name));
}

/**
 * Opens a shell in a folder of its own. Where PostgreSQL is npm's, which has none of the
 * programs, `pg_dump` and `psql` are those of `client-programs.mjs`.
 */
export async function openShell(): Promise<Shell> {
  const folder = await mkdtemp(join(tmpdir(), "safetypin-shell-"));
  const write = async (name: string, ...command: string[]) => {
    await writeFile(join(folder, name), `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(" ")} "$@"\n`);
    await chmod(join(folder, name), 0o755);
  };
  await write("safetypin", process.execPath, CLI);
  if (PROGRAMS === undefined) {
    const standIn = join(__dirname, "client-programs.mjs");
    for (const name of ["pg_dump", "psql"]) await write(name, process.execPath, standIn, name);
  }
  const path = [folder, ...(PROGRAMS === undefined ? [] : [PROGRAMS]), process.env["PATH"]].join(delimiter);

  return {
    async run(block, environment) {
      const { stdout } = await run("bash", ["--norc", "-euo", "pipefail", "-c", block], {
        cwd: folder,
        env: { PATH: path, HOME: process.env["HOME"], ...environment },
        maxBuffer: 1 << 26,
      });
      return stdout;
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
