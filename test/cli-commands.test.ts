import { spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";

import type { Command } from "commander";
import type pg from "pg";

import { EXIT } from "../src/cli/exit-codes.js";
import { createOutput, tellError, type Output } from "../src/cli/output.js";
import { safetypinProgram } from "../src/cli/program.js";
import { useCellNames } from "./support/cell-names.js";
import { writeChapters, type ChapterFiles } from "./support/chapter-files.js";
import { CLI, outcome, runCli, startCli, type CliResult } from "./support/cli.js";
import { aloneWithRoles, useDatabase } from "./support/database.js";
import { connect } from "./support/template.js";

const database = useDatabase({ template: "empty" });
const newCellName = useCellNames();
let client: pg.Client;
let files: ChapterFiles;

beforeAll(async () => {
  client = await connect(database.connectionString("admin"));
});

beforeEach(async () => {
  files = await writeChapters();
});

afterEach(() => files.dispose());

afterAll(async () => {
  await client.end();
});

const run = (...args: string[]): Promise<CliResult> =>
  runCli(args, { env: { DATABASE_URL: database.connectionString("admin") } });

/** What a command answers to a script, and how it ended. */
async function json(...args: string[]): Promise<{ code: number | null; answer: unknown }> {
  const { code, stdout, stderr } = await run(...args, "--json");
  expect(stderr).toBe("");
  return { code, answer: JSON.parse(stdout) as unknown };
}

async function newCell(): Promise<string> {
  const cell = newCellName();
  const { code, stderr } = await aloneWithRoles(() => run("bootstrap", "--cell", cell));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return cell;
}

const small = (cell: string) => ["--cell", cell, "--chapters", files.directory];

/** A command, those below it, and so on. */
function allOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allOf)];
}

/** As it is typed. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** What a person is shown in a terminal that is as wide as the first ones were. */
function helpOf(command: Command): string {
  let shown = "";
  command.configureOutput({ writeOut: (text) => (shown += text), getOutHelpWidth: () => 80 }).outputHelp();
  return shown;
}

describe("help", () => {
  let commands: Command[];

  beforeAll(async () => {
    commands = allOf(await safetypinProgram(undefined));
  });

  const ofWork = () => commands.filter((command) => command.commands.length === 0);

  test("is there for every command that docs/cli.md names, and for no other", async () => {
    const page = await readFile(new URL("../docs/cli.md", import.meta.url), "utf8");
    const rows = page.slice(page.indexOf("| command |"), page.indexOf("## The server")).split("\n").map((row) => row.split("|")[1] ?? "");
    const named = rows.flatMap((cell) => [...cell.matchAll(/`([a-z ]+)`/g)].map(([, name]) => `safetypin ${name!}`));
    expect(ofWork().map(pathOf).sort()).toEqual(named.sort());
  });

  test("has examples", () => {
    const without = ofWork().filter((command) => !/\n {2}\$ (\w+=\S+ )?(safetypin|psql|export)/.test(helpOf(command)));
    expect(without.map(pathOf)).toEqual([]);
  });

  test("describes every command, in lines that nobody has to scroll for and that are not broken off in their midst", () => {
    for (const command of commands) {
      const lines = helpOf(command).split("\n");
      expect({ command: pathOf(command), wide: lines.filter((line) => line.length > 92) }).toEqual({ command: pathOf(command), wide: [] });

      const description = lines.slice(2, lines.findIndex((line) => /^(Arguments|Options):$/.test(line)));
      const brokenOff = description.filter((line, place) => line !== "" && line.length < 50 && (description[place + 1] ?? "") !== "");
      expect({ command: pathOf(command), isDescribed: description.join("") !== "", brokenOff }).toEqual({
        command: pathOf(command), isDescribed: true, brokenOff: [],
      });
    }
  });

  test("is of all commands, whichever is loaded to be run", async () => {
    const alone = await safetypinProgram("keys");
    expect(alone.commands.map((command) => command.name())).toEqual(["keys"]);
    for (const args of [[], ["--help"], ["help"], ["constructor"]]) {
      const { stdout, stderr } = await run(...args);
      for (const command of commands.filter(({ parent }) => parent?.parent === null)) {
        expect({ args, said: stdout + stderr }).toEqual({ args, said: expect.stringContaining(args[0] === "constructor" ? "unknown command" : command.name()) });
      }
    }
  });

  test("ends the process with 0", async () => {
    expect(await run("credentials", "rotate", "--help")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Usage: safetypin credentials rotate /),
      stderr: "",
    });
  });

  test("its version is the package's", async () => {
    const { stdout } = await run("--version");
    expect(stdout).toMatch(/^\d+\.\d+\.\d+/);
  });
});

test("every exit code is in docs/cli.md, and no other", async () => {
  const page = await readFile(new URL("../docs/cli.md", import.meta.url), "utf8");
  const told = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(told).toEqual(Object.values(EXIT));
});

describe("colours", () => {
  const ESCAPE = "\u001b[";

  test("are off where nobody is at the terminal, and on where they are asked for", async () => {
    const cell = await newCell();
    const status = (env: Record<string, string>) =>
      runCli(["migrate", "status", ...small(cell)], {
        env: { DATABASE_URL: database.connectionString("admin"), ...env },
      });
    expect((await status({})).stdout).not.toContain(ESCAPE);
    expect((await status({ FORCE_COLOR: "1" })).stdout).toContain(ESCAPE);
    expect((await status({ FORCE_COLOR: "1", NO_COLOR: "1" })).stdout).not.toContain(ESCAPE);
  });
});

describe("what nobody takes", () => {
  const said = ["--help", "maintain --dry-run", "maintain --dry-run --json"];

  test.each(said)("is not missed by a reader that has gone: %s", async (command) => {
    const child = startCli(command.split(" "));
    child.stdout?.destroy();
    expect(await outcome(child)).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test.each(said)("is an error where it cannot be written: %s", async (command) => {
    const full = await open("/dev/full", "w");
    const child = spawn(process.execPath, [CLI, ...command.split(" ")], { stdio: ["ignore", full.fd, "pipe"] });
    const { code, stderr } = await outcome(child);
    await full.close();
    expect(code).toBe(EXIT.failed);
    expect(stderr).toMatch(/^safetypin: The output cannot be written: ENOSPC\n {2}\S/);
    expect(stderr).not.toMatch(/at .*:\d+/);
  });
});

describe("what a name from a database does to a terminal", () => {
  const name = "file:x\u001b[2K\rthe cell\u009b8m\u202eok";
  const seen = "file:x\\u001b[2K\\u000dthe cell\\u009b8m\\u202eok";

  /** All that an output writes, on standard output and on standard error. */
  function writtenBy(json: boolean, work: (output: Output) => void): string {
    const written: string[] = [];
    const spies = [process.stdout, process.stderr].map((stream) =>
      jest.spyOn(stream, "write").mockImplementation((text) => written.push(String(text)) > 0),
    );
    try {
      work(createOutput({ json }));
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    return written.join("");
  }

  test.each(["0", "1"])("is nothing: it is shown as it is written (FORCE_COLOR=%s)", (colour) => {
    const before = { ...process.env };
    Object.assign(process.env, { NO_COLOR: "", FORCE_COLOR: colour });
    try {
      const text = writtenBy(false, (output) => {
        output.line(`is ${name}`);
        output.line(output.say("good", name));
        output.line("\u001b[32mfine\u001b[39m");
        output.table(["wrapped by"], [[name]]);
        output.note(name);
        output.progress(1).step(name);
        tellError(new Error(name), output);
      });
      expect(text.split(seen)).toHaveLength(7);
      // eslint-disable-next-line no-control-regex -- what must not be there
      expect(text.replace(/\u001b\[(?:[12]|22|3[1-3]|39)m/g, "")).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]/);
      expect(text.includes("\u001b[32mfine\u001b[39m")).toBe(colour === "1");
    } finally {
      process.env = before;
    }
  });

  test("is nothing either for who prints the JSON", () => {
    const text = writtenBy(true, (output) => output.result({ name }));
    expect(JSON.parse(text)).toEqual({ name });
    // eslint-disable-next-line no-control-regex -- what must not be there
    expect(text).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]/);
  });
});

describe("the way of a cell, with its exit codes", () => {
  test("pending, applied, dangerous, changed, drifted, undone", async () => {
    const cell = await newCell();
    for (const args of [["status", "--check"], ["plan"], ["up", "--dry-run"]]) {
      expect([args, (await run("migrate", ...args, ...small(cell))).code]).toEqual([args, 3]);
    }

    const up = await run("migrate", "up", "--to", "2", ...small(cell));
    expect(up).toMatchObject({ code: 0, stdout: `up to date  ${cell}: 2 chapters applied, the newest is 0002_feedings.sql\n` });
    expect(up.stderr).toBe("1/2 0001_animals.sql\n2/2 0002_feedings.sql\n");

    const plan = await run("migrate", "plan", ...small(cell));
    expect(plan.code).toBe(6);
    expect(plan.stdout).toContain("line 3 keeps waiting everybody on animals for a moment");
    expect(plan.stdout).toContain("ACCESS EXCLUSIVE");

    await run("migrate", "up", ...small(cell));
    expect((await run("migrate", "plan", ...small(cell))).code).toBe(0);
    expect((await run("migrate", "status", "--check", ...small(cell))).code).toBe(0);
    expect((await run("migrate", "up", ...small(cell))).stdout).toContain("nothing to do");

    await client.query(`alter table ${cell}.animals add column colour text`);
    const drift = await run("migrate", "status", "--check", ...small(cell));
    expect(drift.code).toBe(5);
    expect(drift.stdout).toContain("+ column animals.colour");
    expect((await run("migrate", "status", "--check", "--no-drift", ...small(cell))).code).toBe(0);
    expect((await run("migrate", "status", ...small(cell))).code).toBe(0);
    await client.query(`alter table ${cell}.animals drop column colour`);

    const refused = await run("migrate", "down", "--to", "2", ...small(cell));
    expect(refused.code).toBe(7);
    expect(refused.stderr).toContain("Say --yes if it is meant");
    expect((await run("migrate", "down", "--to", "2", "--dry-run", ...small(cell))).code).toBe(0);
    expect((await run("migrate", "down", "--to", "2", "--yes", ...small(cell))).code).toBe(0);

    await files.write("migrations/0001_animals.sql", "select 1;");
    for (const args of [["plan"], ["up", "--dry-run"], ["up"], ["status", "--check"], ["down", "--to", "0", "--yes"]]) {
      expect([args, (await run("migrate", ...args, ...small(cell))).code]).toEqual([args, 4]);
    }
  }, 180_000);

  test("the same, told to a script", async () => {
    const cell = await newCell();
    await expect(json("migrate", "status", ...small(cell))).resolves.toMatchObject({
      code: 0,
      answer: {
        cells: [
          {
            cell,
            environment: null,
            applied: [],
            pending: ["0001_animals.sql", "0002_feedings.sql", "0003_animal_age.sql"],
            changed: [],
            unknown: [],
            drift: null,
          },
        ],
      },
    });
    await expect(json("migrate", "up", "--to", "2", ...small(cell))).resolves.toEqual({
      code: 0,
      answer: { cells: [{ cell, applied: ["0001_animals.sql", "0002_feedings.sql"], alreadyApplied: 0 }] },
    });
    await expect(json("migrate", "plan", ...small(cell))).resolves.toMatchObject({
      code: 6,
      answer: {
        cells: [
          {
            cell,
            isDangerous: true,
            chapters: [
              {
                fileName: "0003_animal_age.sql",
                statements: [
                  {
                    line: 3,
                    locks: [{ relation: "animals", mode: "ACCESS EXCLUSIVE", work: "catalog", isOld: true }],
                    danger: "keeps waiting everybody on animals for a moment",
                  },
                  { line: 4 },
                ],
              },
            ],
          },
        ],
      },
    });
    await expect(json("migrate", "adopt", ...small(cell))).resolves.toMatchObject({
      code: 0,
      answer: { cell, newest: "0002_feedings.sql", adopted: [], written: false, differences: [] },
    });
    await expect(json("migrate", "down", "--to", "1", "--yes", ...small(cell))).resolves.toEqual({
      code: 0,
      answer: { cell, chapters: ["0002_feedings.sql"], undone: ["0002_feedings.sql"] },
    });
  }, 180_000);

  test("a chapter that fails says where, and ends with 1", async () => {
    const cell = await newCell();
    await files.write("migrations/0002_feedings.sql", "\nselect nothing;\n");
    const failed = await run("migrate", "up", ...small(cell));
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain(
      'safetypin: 0002_feedings.sql:2:8: column "nothing" does not exist. Nothing of this file was kept.',
    );
  });

  test("every cell of a database at once, and the gravest of their codes", async () => {
    const [one, two] = [await newCell(), await newCell()];
    await run("migrate", "up", ...small(one));
    const status = await run("migrate", "status", "--check", "--all-cells", "--chapters", files.directory);
    expect(status.code).toBe(3);
    expect(status.stdout).toContain(one);
    expect(status.stdout).toContain(two);

    await run("migrate", "up", "--all-cells", "--chapters", files.directory);
    const after = await json("migrate", "status", "--all-cells", "--chapters", files.directory);
    const { cells } = after.answer as { cells: { cell: string; pending: string[] }[] };
    expect(cells.filter(({ cell }) => [one, two].includes(cell)).map(({ pending }) => pending)).toEqual([[], []]);
  }, 180_000);
});

describe("adopt", () => {
  test("says what differs, and ends with 5", async () => {
    const cell = await newCell();
    await run("migrate", "up", ...small(cell));
    await client.query(`drop index ${cell}.animals_name_idx; truncate ${cell}.migrations`);
    const found = await run("migrate", "adopt", ...small(cell));
    expect(found.code).toBe(5);
    expect(found.stdout).toContain(`not adopted  ${cell} is nearest to`);
    expect(found.stdout).toContain("animals_name_idx");

    await client.query(`create index animals_name_idx on ${cell}.animals (name)`);
    const adopted = await run("migrate", "adopt", ...small(cell));
    expect(adopted.stdout).toBe(
      `adopted  ${cell} is at 0003_animal_age.sql; wrote 3 lines of its ledger\n`,
    );
  });
});

describe("bootstrap", () => {
  test("prints the script it would run, and needs no server for that", async () => {
    const { code, stdout } = await runCli(["bootstrap", "--cell", "acme", "--print"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^set safetypin\.cell = 'acme';\n\n\/\*\n \* Bootstrap:/);
    expect(stdout).toMatch(/\ncommit;\n$/);
  });
});

describe("maintain", () => {
  test("does once, as the operator, what has to be done", async () => {
    const cell = await newCell();
    await run("migrate", "up", "--cell", cell);
    await run("seed", "--cell", cell);

    const url = new URL(database.connectionString("admin"));
    await client.query(`alter role ${cell}_operator_login password '${decodeURIComponent(url.password)}'`);
    url.username = `${cell}_operator_login`;
    const done = await runCli(["maintain", "--once", "--cell", cell, "--json"], {
      env: { DATABASE_URL: url.href },
    });
    expect(done.stderr).toBe("");
    const { tasks } = JSON.parse(done.stdout) as { tasks: { name: string; count: number }[] };

    // All there is to do: a function that sweeps and is not in the list is never called.
    const { rows } = await client.query<{ name: string }>(
      `select proname as name
       from pg_proc
       where pronamespace = to_regnamespace($1)
         and proname ~ '^(make|sweep|raise)_'
         and has_function_privilege('safetypin_operator', oid, 'execute')
       order by proname`,
      [cell],
    );
    expect(tasks.map(({ name }) => name).sort()).toEqual(rows.map(({ name }) => name));
  }, 180_000);

  test("goes on until it is told to stop, and then ends in order", async () => {
    const cell = await newCell();
    await run("migrate", "up", "--cell", cell);
    await run("seed", "--cell", cell);

    const child = startCli(["maintain", "--every", "500ms", "--cell", cell], {
      env: { DATABASE_URL: database.connectionString("admin") },
    });
    let told = "";
    const twice = new Promise<void>((resolve) => {
      child.stdout?.on("data", (text) => {
        told += String(text);
        if (told.split("make_partitions()").length > 2) resolve();
      });
    });
    const ended = outcome(child);
    await twice;
    child.kill("SIGTERM");
    await expect(ended).resolves.toMatchObject({ code: 0, stderr: "" });
  }, 180_000);
});
