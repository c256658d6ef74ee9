import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import pg from "pg";
import ts from "typescript";

import type { ConnectOptions } from "../src/connect-options.js";
import type { MailerOptions } from "../src/mailer.js";
import { prepareDatabase } from "../src/development/prepare-database.js";
import * as safetypin from "../src/index.js";
import { speakTls, writeCertificate } from "./support/certificate.js";
import { newPerson } from "./support/client.js";
import type { Login, TestCell } from "./support/database.js";
import { examplesOf, promised, runExample } from "./support/examples.js";
import { inUnlockedCell, keysOfProduction } from "./support/keys.js";
import { useServer } from "./support/server.js";

/*
 * The examples of the README and of docs/client.md, as an application in production
 * would run them: over TLS, which takes a server of one's own.
 */

jest.setTimeout(60_000);

const ROOT = join(__dirname, "..");
const PAGES = ["README.md", "docs/client.md"];

/** What the pages say there is, for who checks types. */
const GIVEN = `
  import type { SafetyPin, SessionToken } from "safetypin";
  declare global {
    const safetypin: SafetyPin;
    const sessionToken: SessionToken;
    const email: string;
    const password: string;
    const submitted: string;
    const ipAddress: string;
    const request: { readonly ip: string };
  }
`;

const context = useServer();
const pools: pg.Pool[] = [];
let directory: string;
let certificate: string;
let given: Record<string, unknown>;
let exported: Record<string, unknown>;
let client: safetypin.SafetyPin;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "safetypin-test-examples-"));
  ({ certificate } = await writeCertificate(directory, undefined));

  const admin = new pg.Client(context.server.connectionString());
  await admin.connect();
  for (const cell of ["safetypin", "safetypin_acme"]) await prepareDatabase(admin, { cell, environment: "test" });
  await admin.end();
  await speakTls(context.server);
  const home = cellNamed("safetypin");
  const acme = cellNamed("safetypin_acme");
  const ann = await newPerson(home, "ann");
  await rename(home, ann.userId, "ann@example.com");
  const amy = await newPerson(acme, "amy");
  await rename(acme, amy.userId, "amy@acme.example");
  await Promise.all(pools.map((pool) => pool.end()));

  // The servers at hand have flaws that production would not serve with.
  const connect = (options: ConnectOptions) =>
    safetypin.SafetyPin.connect({ keys: keysOfProduction(), ...options, allowVulnerableServer: true, log: () => undefined });
  exported = {
    ...safetypin,
    SafetyPin: { connect },
    Mailer: {
      connect: (options: MailerOptions) =>
        safetypin.Mailer.connect({ keys: keysOfProduction(), ...options, allowVulnerableServer: true, log: () => undefined }),
    },
    deliverMessages: (options: MailerOptions) =>
      safetypin.deliverMessages({ keys: keysOfProduction(), ...options, allowVulnerableServer: true, log: () => undefined }),
  };
  client = await connect({ connectionString: home.connectionString("app") });
  given = {
    safetypin: client,
    sessionToken: ann.sessionToken,
    email: "ann@example.com",
    password: ann.password,
    submitted: ann.password,
    ipAddress: "192.0.2.1",
    request: { ip: "192.0.2.1" },
    process: {
      env: {
        DATABASE_URL: home.connectionString("app"),
        MAILER_DATABASE_URL: home.connectionString("mailer"),
        OPERATOR_DATABASE_URL: home.connectionString("operator"),
        ACME_DATABASE_URL: acme.connectionString("app"),
      },
    },
  };
}, 180_000);

afterAll(async () => {
  await client?.close();
  await rm(directory, { recursive: true, force: true });
});

function cellNamed(cell: string): TestCell {
  const connectionString = (login: Login) => {
    const url = new URL(context.server.connectionString());
    if (login === "admin") return url.href;
    url.hostname = "localhost";
    url.username = `${cell}_${login}_login`;
    url.searchParams.set("sslrootcert", certificate);
    return url.href;
  };
  const pool = (login: Login) => {
    const opened = new pg.Pool({
      connectionString: connectionString(login),
      options: `-c search_path=${cell},extensions,pg_temp`,
    });
    pools.push(opened);
    return opened;
  };
  return { cell, connectionString, pool };
}

async function rename(cell: TestCell, id: string, email: string): Promise<void> {
  await inUnlockedCell(cell.pool("admin"), async (client) => {
    await client.query("update users set email = _seal_email(id, $2) where id = $1", [id, email]);
    await client.query("delete from user_email_indexes where user_id = $1", [id]);
    await client.query("select _index_email($1, $2)", [id, email]);
  });
}

/** What TypeScript says of blocks that stand each in a file of its own, as an application's would. */
function typeErrorsOf(blocks: readonly string[]): string[] {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ["node"],
  };
  const files = new Map(blocks.map((text, place) => [join(ROOT, `example-${place}.mts`), `${text}\nexport {};\n`]));
  files.set(join(ROOT, "given.mts"), GIVEN);
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  host.getSourceFile = (name, version, ...rest) => {
    const text = files.get(name);
    return text === undefined ? getSourceFile(name, version, ...rest) : ts.createSourceFile(name, text, version);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ file, messageText }) => `${file?.fileName ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`);
}

describe.each(PAGES)("%s", (page) => {
  const examples = examplesOf(page);

  it("has examples that type-check", () => {
    expect(examples.length).toBeGreaterThan(page === "README.md" ? 0 : 6);
    expect(typeErrorsOf(examples.map(({ code }) => code))).toEqual([]);
  });

  it.each(examples)("prints what it says, at line $line", async ({ code }) => {
    expect(await runExample(code, given, exported)).toEqual(promised(code));
  });
});

it("would not type-check with a query in nobody's name", () => {
  const block = 'import { createRepositories } from "safetypin";\nawait createRepositories({}).users.list();';
  expect(typeErrorsOf([block])).toEqual([expect.stringContaining("not assignable to parameter of type 'Transaction'")]);
});
