/**
 * `npm run gen`: writes `src/queries/` from `queries/`. With `--check` it writes
 * nothing and fails when what is there is not what it would write.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { withThrowAwayDatabase } from "./throw-away-database.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const ASKED = join(ROOT, "queries");
const GIVEN = join(ROOT, "src", "queries");

/** pgTyped ends well whatever happened; its log tells. */
const COMPLAINT =
  /Parse error|Error in query|Error processing|is not supported by mapping|is invalid|^Skipped/m;

type Files = ReadonlyMap<string, string>;

/**
 * The modules that pgTyped makes of the queries, against a database of the moment.
 *
 * @throws with pgTyped's log when it complained, or when a query got lost.
 */
export async function generateQueries(): Promise<Files> {
  const output = await mkdtemp(join(tmpdir(), "safetypin-queries-"));
  try {
    const log = await withThrowAwayDatabase(({ connectionString }) =>
      runPgTyped(output, connectionString),
    );
    if (COMPLAINT.test(log)) throw new Error(log.trim());

    const generated = await readFiles(join(output, "out"), ".ts");
    const lost = countLost(await readFiles(ASKED, ".sql"), generated);
    if (lost.length > 0) throw new Error(`${log.trim()}\n${lost.join("\n")}`);
    return generated;
  } finally {
    await rm(output, { recursive: true, force: true });
  }
}

async function runPgTyped(output: string, connectionString: string): Promise<string> {
  const config = JSON.parse(await readFile(join(ROOT, "pgtyped.json"), "utf8")) as {
    transforms: { emitTemplate: string }[];
  };
  for (const transform of config.transforms) {
    transform.emitTemplate = join(output, "out", "{{name}}.ts");
  }
  const configFile = join(output, "pgtyped.json");
  await writeFile(configFile, JSON.stringify(config));

  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [join(ROOT, "node_modules", ".bin", "pgtyped"), "-c", configFile, "--uri", connectionString],
    { cwd: ROOT, maxBuffer: 1 << 28, env: withoutServer() },
  );
  return stdout + stderr;
}

/** pgTyped lets PGHOST and its like win over the address it was given. */
function withoutServer(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(PG[A-Z]+|DATABASE_URL)$/.test(name)),
  );
}

function countLost(asked: Files, generated: Files): string[] {
  return [...asked].flatMap(([file, sql]) => {
    const names = sql.match(/@name\s/g)?.length ?? 0;
    const text = generated.get(file.replace(/\.sql$/, ".ts")) ?? "";
    const exports = text.match(/^export const \w+ = new PreparedQuery/gm)?.length ?? 0;
    return names === exports ? [] : [`queries/${file}: ${names} queries, but ${exports} came out`];
  });
}

/** The names of the modules in `src/queries` that are not what they should be. */
function findStale(current: Files, generated: Files): string[] {
  return [...new Set([...current.keys(), ...generated.keys()])]
    .filter((name) => current.get(name) !== generated.get(name))
    .sort();
}

async function readFiles(directory: string, extension: string): Promise<Files> {
  const names = await readdir(directory).catch(() => [] as string[]);
  return new Map(
    await Promise.all(
      names
        .filter((name) => name.endsWith(extension))
        .map(async (name) => [name, await readFile(join(directory, name), "utf8")] as const),
    ),
  );
}

async function main(isCheck: boolean): Promise<void> {
  const generated = await generateQueries();
  const stale = findStale(await readFiles(GIVEN, ".ts"), generated);
  if (isCheck) {
    if (stale.length === 0) return console.log("src/queries is up to date");
    console.error(`src/queries is out of date (${stale.join(", ")}): run npm run gen`);
    process.exitCode = 1;
    return;
  }

  await mkdir(GIVEN, { recursive: true });
  for (const name of stale) {
    const text = generated.get(name);
    if (text === undefined) await rm(join(GIVEN, name));
    else await writeFile(join(GIVEN, name), text);
    console.log(`${text === undefined ? "removed" : "wrote"} src/queries/${name}`);
  }
  console.log(`${generated.size} modules in src/queries are up to date`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(process.argv.includes("--check")).catch((error: unknown) => {
    console.error((error as Error).message);
    process.exitCode = 1;
  });
}
