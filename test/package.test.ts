import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { useCellNames } from "./support/cell-names.js";
import { outcome, type CliResult } from "./support/cli.js";
import { aloneWithRoles, useDatabase } from "./support/database.js";
import { currentRun } from "./support/run.js";
import { connect, loginPassword, setLoginPasswords } from "./support/template.js";

/*
 * What is published, as whoever installs it has it: packed, installed into an empty
 * folder, and used from there.
 */

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const database = useDatabase({ template: "empty" });
const newCellName = useCellNames();

let folder: string;
let packed: string[];

interface Lock {
  readonly packages: Readonly<Record<string, Record<string, unknown>>>;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "safetypin-package-"));
  await install();
}, 180_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

/**
 * Packs what `npm test` has built, and installs it as `npm ci` does: with the versions
 * that this project's lock names, out of npm's cache, which has them since the project
 * itself was installed.
 */
async function install(): Promise<void> {
  const { stdout } = await succeed("npm", [
    "pack", ROOT, "--json", "--ignore-scripts", "--pack-destination", folder,
  ]);
  const [tarball] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  packed = tarball.files.map(({ path }) => path);

  const lock = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8")) as Lock;
  const manifest = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
    version: string;
    dependencies: Record<string, string>;
    peerDependencies: Record<string, string>;
    peerDependenciesMeta: Record<string, { optional: boolean }>;
    bin: Record<string, string>;
  };
  const application = {
    name: "application",
    version: "1.0.0",
    type: "module",
    dependencies: { safetypin: `file:${tarball.filename}` },
  };
  const runtime = Object.entries(lock.packages).filter(
    ([path, { dev, devOptional }]) => path !== "" && dev !== true && devOptional !== true,
  );
  const contents = await readFile(join(folder, tarball.filename));
  const integrity = `sha512-${createHash("sha512").update(contents).digest("base64")}`;
  const { version, dependencies, peerDependencies, peerDependenciesMeta, bin } = manifest;
  await writeFile(join(folder, "package.json"), JSON.stringify(application));
  await writeFile(
    join(folder, "package-lock.json"),
    JSON.stringify({
      name: application.name,
      version: application.version,
      lockfileVersion: 3,
      packages: {
        "": application,
        "node_modules/safetypin": {
          version,
          resolved: application.dependencies.safetypin,
          integrity,
          dependencies,
          peerDependencies,
          peerDependenciesMeta,
          bin,
        },
        ...Object.fromEntries(runtime),
      },
    }),
  );
  await succeed("npm", ["ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]);
}

function start(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const { PATH = "", HOME = "" } = process.env;
  const npm = Object.entries(process.env).filter(([name]) => /^npm_config_/i.test(name));
  return outcome(
    spawn(command, args, {
      cwd: folder,
      env: { ...Object.fromEntries(npm), PATH, HOME, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    }),
  );
}

async function succeed(
  command: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<CliResult> {
  const result = await start(command, args, env);
  if (result.code !== 0) {
    throw new Error(`${command} ${args.join(" ")} ended with ${result.code}: ${result.stdout}${result.stderr}`);
  }
  return result;
}

/** Runs a program of the application's own. */
async function runProgram(text: string, env?: Readonly<Record<string, string>>): Promise<unknown> {
  await writeFile(join(folder, "program.js"), text);
  const { stdout } = await succeed(process.execPath, ["program.js"], env);
  return JSON.parse(stdout) as unknown;
}

describe("the tarball", () => {
  test.each([
    "dist/index.js",
    "dist/index.d.ts",
    "dist/cli/main.js",
    "dist/migrations/index.d.ts",
    "dist/keys/index.d.ts",
    "dist/queries/users.js",
    "dist/queries/users.d.ts",
    "sql/bootstrap.sql",
    "sql/migrations/0001_foundation.sql",
    "sql/down/0001_foundation.sql",
    "sql/seeds/base/10_event_types.sql",
    "sql/schema.sql",
    "queries/users.sql",
    "test-sql/setup.sql",
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
  ])("holds %s", (path) => {
    expect(packed).toContain(path);
  });

  test("holds nothing that is for developing it", () => {
    const foreign = packed.filter((path) =>
      /^(src|test|\.ci|\.safetypin)\/|^dist\/(development|story)\/|^test-sql\/(?!setup\.sql$)|\.map$|tsbuildinfo/.test(path),
    );
    expect(foreign).toEqual([]);
  });
});

test("each dependency has a line that says why it and not another", async () => {
  const page = await readFile(join(ROOT, "docs", "decisions", "0017-dependencies.md"), "utf8");
  const { dependencies, devDependencies } = JSON.parse(
    await readFile(join(ROOT, "package.json"), "utf8"),
  ) as Record<"dependencies" | "devDependencies", Record<string, string>>;
  const linesOf = (section: string) => [...section.matchAll(/^\| `([^`]+)` \| \S/gm)].map(([, name]) => name);
  const [, runtime = "", development = ""] = page.split(/^## /m);

  expect(linesOf(runtime).sort()).toEqual(Object.keys(dependencies).sort());
  expect(linesOf(development).sort()).toEqual(Object.keys(devDependencies).sort());
});

describe("installed into an empty folder", () => {
  test("the command is there", async () => {
    const { stdout } = await succeed("npx", ["--no-install", "safetypin", "--help"]);
    expect(stdout).toContain("Usage: safetypin");
  });

  test("what is for one cloud only is not installed, and not missed before it is used", async () => {
    const { stdout } = await succeed("npm", ["ls", "--all", "--json"]);
    expect(stdout).not.toMatch(/"(?:missing|problems|invalid)"/);
    const installed = (await readFile(join(folder, "node_modules", ".package-lock.json"), "utf8")).match(
      /node_modules\/@(?:aws-sdk|azure|google-cloud)\/[a-z-]+/g,
    );
    expect(installed).toBeNull();

    const failures = await runProgram(
      `import { awsKms, azureKeyVault, gcpKms } from "safetypin/keys";
       const id = "0199a0c4-0000-7000-8000-000000000001";
       const failures = [];
       for (const provider of [
         awsKms({ keyArn: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab" }),
         gcpKms({ keyName: "projects/p/locations/l/keyRings/r/cryptoKeys/k" }),
         azureKeyVault({ keyUrl: "https://clinic.vault.azure.net/keys/k" }),
       ]) {
         await provider.generate({ cellId: id, organizationId: id, keyId: 1 }).catch(({ name, message, remedy }) =>
           failures.push({ name, message, remedy }));
       }
       console.log(JSON.stringify(failures));`,
    );
    expect(failures).toEqual(
      ["@aws-sdk/client-kms", "@google-cloud/kms", "@azure/keyvault-keys"].map((name) => ({
        name: "ConfigurationError",
        message: `The package ${name} is not installed`,
        remedy: `Run: npm install ${name}`,
      })),
    );
  });

  test("its types are those of its exports", async () => {
    const program = `import { SafetyPin, type SignedIn } from "safetypin";
      import { up } from "safetypin/migrations";
      import { awsKms, azureKeyVault, createKeyCache, gcpKms, localKeyFile, type KeyProvider } from "safetypin/keys";
      import { findUser } from "safetypin/queries/users";
      export async function enter(): Promise<SignedIn> {
        const safetypin = await SafetyPin.connect({ environment: "test" });
        return safetypin.signIn({ email: "ann@example.com", password: "…" });
      }
      export const keys: KeyProvider = createKeyCache(localKeyFile({ environment: "test" }));
      export const promises: unknown[] = [up, findUser, awsKms, azureKeyVault, gcpKms];\n`;
    await writeFile(join(folder, "program.ts"), program);
    const { code, stdout } = await start(process.execPath, [
      join(ROOT, "node_modules", "typescript", "bin", "tsc"),
      "--noEmit", "--strict", "--target", "es2022",
      "--module", "nodenext", "--typeRoots", join(ROOT, "node_modules", "@types"),
      "--types", "node", "program.ts",
    ]);
    expect(stdout).toBe("");
    expect(code).toBe(0);
  });

  test("it makes a cell, signs a person in, and runs a generated query", async () => {
    const cell = newCellName();
    const admin = { DATABASE_URL: database.connectionString("admin") };
    const safetypin = (...args: string[]) =>
      succeed("npx", ["--no-install", "safetypin", ...args, "--cell", cell], admin);

    await aloneWithRoles(async () => {
      await safetypin("bootstrap");
      const client = await connect(database.connectionString("admin"));
      await setLoginPasswords(client, currentRun(), cell);
      await client.end();
    });
    await safetypin("migrate", "up", "--environment", "test");
    await safetypin("seed");

    const app = new URL(database.connectionString("app"));
    app.username = `${cell}_app_login`;
    app.password = loginPassword(currentRun(), app.username);
    const mailer = new URL(app);
    mailer.username = `${cell}_mailer_login`;
    mailer.password = loginPassword(currentRun(), mailer.username);

    const answer = await runProgram(
      `import { deliverMessages, SafetyPin } from "safetypin";
       import { findUser } from "safetypin/queries/users";
       import { findCurrentSession } from "safetypin/queries/sessions";

       const safetypin = await SafetyPin.connect({
         connectionString: process.env.DATABASE_URL,
         cell: process.env.CELL,
         environment: "test",
       });
       const email = "ann@example.com";
       const password = "a sentence that nobody else would think of";
       await safetypin.register({ email, password, firstName: "Ann", lastName: "Able" });
       await deliverMessages({
         connectionString: process.env.MAILER_URL,
         cell: process.env.CELL,
         environment: "test",
         send: async ({ token }) => safetypin.verifyEmail(token),
       });
       const { sessionToken, userId, sessionId } = await safetypin.signIn({ email, password });
       const [user, session] = await safetypin.withSession(sessionToken, async (tx) => [
         (await tx.unlock(), await findUser.run({ userId }, tx))[0],
         (await findCurrentSession.run(undefined, tx))[0],
       ]);
       await safetypin.close();
       console.log(JSON.stringify({ email: user.email, isCurrent: session.id === sessionId }));`,
      { DATABASE_URL: app.href, MAILER_URL: mailer.href, CELL: cell },
    );
    expect(answer).toEqual({ email: "ann@example.com", isCurrent: true });
  }, 120_000);

  test("importing it loads pg, pgTyped's runtime, bcrypt and files of its own, and nothing else", async () => {
    // Every module that one of its files asks for, as Node resolves it.
    await writeFile(
      join(folder, "hooks.js"),
      `import { appendFileSync } from "node:fs";
       export async function resolve(specifier, context, next) {
         if (context.parentURL?.includes("/node_modules/safetypin/")) {
           appendFileSync("loaded.txt", specifier + "\\n");
         }
         return next(specifier, context);
       }`,
    );
    const loadedBy = async (specifier: string) => {
      await writeFile(join(folder, "loaded.txt"), "");
      await runProgram(
        `import { register } from "node:module";
         register("./hooks.js", import.meta.url);
         await import("${specifier}");
         console.log("null");`,
      );
      const specifiers = (await readFile(join(folder, "loaded.txt"), "utf8")).trim().split("\n");
      return [...new Set(specifiers)].filter((name) => !/^(\.{1,2}\/|node:)/.test(name)).sort();
    };

    expect(await loadedBy("safetypin")).toEqual(["@pgtyped/runtime", "bcrypt", "pg"]);
    expect(await loadedBy("safetypin/keys")).toEqual([]);
    // The search finds what is there to be found.
    expect(await loadedBy("safetypin/migrations")).toContain("postgres-migrations");
  });
});
