import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describeEscape, huntSecrets, type HuntResult } from "./support/secret-hunt.js";
import { matchSecrets } from "./support/secret-matcher.js";
import { gatherSecretsIn, remember } from "./support/secrets.js";
import { useServer } from "./support/server.js";
import { connect } from "./support/template.js";
import type { TestRun } from "./support/run.js";

const TOKEN = Buffer.from("2b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfe", "hex");
const PASSWORD = "the words of a long password";

describe("who looks for secrets", () => {
  const matcher = matchSecrets([TOKEN, Buffer.from(PASSWORD)]);
  const around = (text: string | Buffer) =>
    Buffer.concat([randomBytes(1000), Buffer.from(text as string), randomBytes(1000)]);

  it.each([
    ["as it is", TOKEN],
    ["in hexadecimal", TOKEN.toString("hex")],
    ["as PostgreSQL prints it", `\\x${TOKEN.toString("hex")}`],
    ["in capitals", TOKEN.toString("hex").toUpperCase()],
    ["in base64", TOKEN.toString("base64")],
    ["as the text of a token", `sps_0a1b2c_${TOKEN.toString("base64url")}_abc`],
    ["at the very beginning", Buffer.concat([TOKEN, Buffer.from("tail")])],
  ])("finds a token %s", (_, text) => {
    expect(matcher.find(around(text))).toEqual([TOKEN]);
  });

  it("finds it at the beginning and at the end of what is read", () => {
    expect(matcher.find(TOKEN)).toEqual([TOKEN]);
    expect(matcher.find(Buffer.from(TOKEN.toString("hex")))).toEqual([TOKEN]);
  });

  it.each([0, 1, 2])("finds it in something that is base64 as a whole, %i bytes from where three begin", (before) => {
    for (const encoding of ["base64", "base64url"] as const) {
      const whole = Buffer.concat([randomBytes(30 + before), Buffer.from(PASSWORD), randomBytes(30)]).toString(encoding);
      expect(matcher.find(Buffer.from(whole))).toEqual([Buffer.from(PASSWORD)]);
    }
  });

  it("finds a password in UTF-16, whichever way around", () => {
    const wide = Buffer.from(PASSWORD, "utf16le");
    expect(matcher.find(around(wide))).toEqual([Buffer.from(PASSWORD)]);
    expect(matcher.find(around(Buffer.from(wide).swap16()))).toEqual([Buffer.from(PASSWORD)]);
  });

  it("finds a password, also between two others", () => {
    expect(matcher.find(around(`${PASSWORD}${PASSWORD}`))).toEqual([Buffer.from(PASSWORD)]);
    expect(matcher.find(around(Buffer.from(PASSWORD).toString("base64")))).toEqual([Buffer.from(PASSWORD)]);
  });

  it("finds nothing where nothing is", () => {
    expect(matcher.find(randomBytes(1 << 20))).toEqual([]);
    expect(matcher.find(around(PASSWORD.slice(1)))).toEqual([]);
    expect(matcher.find(around(TOKEN.subarray(0, 31)))).toEqual([]);
  });

  it("knows that a digest may be kept, and that short words are everywhere", () => {
    const digest = Buffer.from("0f4636c78f65d3639ece5a064b5ae753e3408614a14fb18ab4d7540d2c248543", "hex");
    const ofToken = createHash("sha256").update(TOKEN).digest();

    expect(matchSecrets([TOKEN, ofToken, Buffer.from("short"), Buffer.alloc(32)]).size).toBe(1);
    expect(matchSecrets([TOKEN, digest]).size).toBe(2);
  });
});

describe("a hunt through a server", () => {
  const context = useServer();
  let directory: string;
  let result: HuntResult;
  const logged = randomBytes(32);
  const kept = randomBytes(32);
  const dropped = randomBytes(32);
  const digested = randomBytes(32);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "safetypin-hunt-"));
    gatherSecretsIn(join(directory, "secrets"));
    for (const secret of [logged, kept, dropped, digested, PASSWORD]) remember(secret);

    const { server } = context;
    const run: TestRun = { id: "hunt", adminUrl: server.connectionString(), logFile: server.logFile, isOurs: true };
    const client = await connect(run.adminUrl);
    await client.query("create database safetypin_hunted");
    await client.end();
    const hunted = await connect(server.connectionString("safetypin_hunted"));
    // A careless application, on a server that logs what it is given.
    await hunted.query("set log_min_duration_statement = 0");
    await hunted.query("select sha256($1)", [logged]);
    await hunted.query("set log_min_duration_statement = -1");
    await hunted.query("create table careless (token bytea, digest bytea)");
    await hunted.query("insert into careless values ($1, sha256($2))", [kept, digested]);
    await hunted.query("create table short_lived (token text)");
    await hunted.query("insert into short_lived values ($1)", [dropped.toString("base64url")]);
    await hunted.query("drop table short_lived");
    await hunted.end();

    result = await huntSecrets(run);
  }, 60_000);

  afterAll(() => rm(directory, { recursive: true, force: true }));

  const placesOf = (secret: Buffer) =>
    new Set(result.escapes.filter((escape) => escape.secret.equals(secret)).map(({ kind }) => kind));

  it("finds what it hid in the log, the tables, the heap, the write-ahead log, temporary files and a dump", () => {
    expect(result.missedPlants).toEqual([]);
  });

  it("finds what was logged", () => {
    expect(placesOf(logged)).toEqual(new Set(["log"]));
  });

  it("finds what is kept, in the table and in its files", () => {
    expect([...placesOf(kept)]).toEqual(expect.arrayContaining(["tables", "heap", "wal"]));
  });

  it("finds what was kept and dropped", () => {
    expect([...placesOf(dropped)]).toContain("wal");
    expect([...placesOf(dropped)]).not.toContain("tables");
  });

  it("finds nothing of what was only digested, or of what the product was made with", () => {
    expect(placesOf(digested)).toEqual(new Set());
    const others = result.escapes.filter(({ secret }) => ![logged, kept, dropped].some((one) => one.equals(secret)));
    expect(others.map(describeEscape)).toEqual([]);
    expect(result.secrets).toBeGreaterThan(5);
  });

  it("does not tell what it found", () => {
    const [escape] = result.escapes;
    expect(escape).toBeDefined();
    expect(escape && describeEscape(escape)).not.toContain(escape?.secret.toString("hex"));
  });
});
