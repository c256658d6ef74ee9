/*
 * `npm test`: everything there is to check, with one answer at the end.
 *
 *   npm test                          all of it
 *   npm test -- test/cli.test.ts      what jest is told, and nothing else
 *   npm test -- --suites-only         jest alone: what is generated is the same on any server
 *
 * The last line is `N passed, N failed`: jest's tests, pgTAP's assertions, and one
 * for each of the checks around them.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const suitesOnly = process.argv.includes("--suites-only");
const jestArguments = process.argv.slice(2).filter((argument) => argument !== "--suites-only");

const total = { passed: 0, failed: 0 };

if (suitesOnly || jestArguments.length > 0) {
  await runJest();
} else {
  await Promise.all([
    check("the package builds", "tsc", ["--build"]),
    check("the tests type-check", "tsc", ["-p", "tsconfig.test.json"]),
  ]);
  await Promise.all([runJest(), checkTheRest()]);
}

console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

async function checkTheRest() {
  await check("src/queries is up to date", process.execPath, ["dist/development/queries.js", "--check"]);
  await check("sql/schema.sql is up to date", process.execPath, ["dist/development/snapshot.js", "--check"]);
  await check("the code is free of lint", "eslint", ["."]);
  await check("the chapters are free of lint", "squawk", ["sql/migrations/*.sql"]);
}

/** Runs one command; what it says is shown where it fails. */
async function check(sentence, command, args) {
  const { code, output } = await run(command, args, "pipe");
  report(sentence, code === 0, output);
}

function report(sentence, isFine, output) {
  if (isFine) {
    total.passed += 1;
    console.log(`✓ ${sentence}`);
  } else {
    total.failed += 1;
    console.log(`✕ ${sentence}\n\n${output}`);
  }
}

/** Runs jest as it is; its numbers come in a file. */
async function runJest() {
  const directory = await mkdtemp(join(tmpdir(), "safetypin-results-"));
  const results = join(directory, "results.json");
  const hunt = join(directory, "hunt");
  const isWhole = jestArguments.length === 0;
  try {
    const { code } = await run("jest", ["--json", `--outputFile=${results}`, ...jestArguments], "inherit", {
      ...(isWhole ? { SAFETYPIN_TEST_HUNT_REPORT: hunt } : {}),
    });
    if (isWhole) {
      const escapes = await readFile(hunt, "utf8").catch(() => "Nobody has looked");
      report("no secret of the suite escaped", escapes === "", escapes);
    }
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(
      await readFile(results, "utf8").catch(() => "{}"),
    );
    const failed = (numFailedTests ?? 0) + (numRuntimeErrorTestSuites ?? 0);
    total.passed += numPassedTests ?? 0;
    // Jest may end badly without a test that failed: in its setup, for instance.
    total.failed += failed === 0 && code !== 0 ? 1 : failed;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function run(command, args, stdio, environment = {}) {
  const program = command === process.execPath ? command : join(ROOT, "node_modules", ".bin", command);
  const child = spawn(program, args, {
    cwd: ROOT,
    stdio: ["ignore", stdio, stdio],
    env: { ...process.env, ...environment },
  });

  let output = "";
  child.stdout?.on("data", (text) => (output += text));
  child.stderr?.on("data", (text) => (output += text));
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: 1, output: String(error) }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}
