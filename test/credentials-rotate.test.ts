import { randomBytes } from "node:crypto";
import { chmod, chown, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type pg from "pg";

import { EXIT } from "../src/cli/exit-codes.js";
import { fileStore } from "../src/credentials/file-store.js";
import { LoginPassword } from "../src/credentials/login-password.js";
import type { LoginStore } from "../src/credentials/login-store.js";
import { rotate as rotateLogin, type Rotation } from "../src/credentials/rotate.js";
import { scramVerifier } from "../src/credentials/scram-verifier.js";
import { secretsManagerCredentials } from "../src/credentials/secrets-manager-credentials.js";
import { secretsManagerStore } from "../src/credentials/secrets-manager-store.js";
import { bootstrap } from "../src/migrations/bootstrap.js";
import { parseCellName } from "../src/migrations/cell.js";
import { SafetyPin } from "../src/safetypin.js";
import { SessionToken, tagOf } from "../src/tokens.js";
import { takeTurn, turnAtCredentials } from "../src/turns.js";
import { outcome, runCli, startCli, type CliResult } from "./support/cli.js";
import { remember } from "./support/secrets.js";
import { SecretsManagerError, startSecretsManager, type Call, type SecretsManagerServer } from "./support/secrets-manager-server.js";
import { useServer } from "./support/server.js";
import { startStatementProxy, type AtMoment, type Moment } from "./support/statement-proxy.js";
import { connect } from "./support/template.js";
import { keysOfProduction } from "./support/keys.js";

jest.setTimeout(300_000);

const FIRST = "safetypin_app_login";
const SECOND = "safetypin_app_login_b";
const SECRET = "clinic/app";
const ADMIN = "clinic_admin";

// Its own: logins are the whole server's, and its log is read.
const context = useServer({ authentication: "scram-sha-256", settings: { log_statement: "all" } });
let superuser: pg.Client;
let adminUrl: string;
let directory: string;
let manager: SecretsManagerServer;

beforeAll(async () => {
  superuser = await connect(context.server.connectionString());
  const password = remember(randomBytes(12).toString("hex"));
  // No superuser: what a managed cloud gives.
  await superuser.query(`create role ${ADMIN} login createrole createdb nosuperuser nobypassrls password '${password}'`);
  await superuser.query(`create database clinic owner ${ADMIN}`);
  const { host, port } = context.server;
  adminUrl = `postgres://${ADMIN}:${password}@${host}:${port}/clinic`;

  const admin = await connect(adminUrl);
  await bootstrap(admin, { cell: parseCellName("safetypin") });
  await admin.end();
  const migrator = remember(randomBytes(12).toString("hex"));
  await superuser.query(`alter role safetypin_migrator password '${migrator}'`);
  const url = new URL(adminUrl);
  url.username = "safetypin_migrator";
  url.password = migrator;
  for (const args of [["migrate", "up"], ["seed"]]) {
    expect(await runCli(args, { env: { DATABASE_URL: url.href } })).toMatchObject({ code: 0 });
  }
  directory = await mkdtemp(join(tmpdir(), "safetypin-test-rotate-"));
  manager = await startSecretsManager();
}, 120_000);

afterAll(async () => {
  await superuser.end();
  await manager.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Somewhere a secret is kept, as the command is told and as an application reads it. */
interface Place {
  readonly name: string;
  args(): readonly string[];
  read(): Promise<{ readonly username: string; readonly password: string } | undefined>;

  /** What is to be next and is not yet. */
  pending(): Promise<string | undefined>;
  forget(): Promise<void>;

  /** As the command opens it. */
  open(): Promise<LoginStore>;
}

const path = () => join(directory, "app.json");
const inFile: Place = {
  name: "a file",
  args: () => ["--file", path()],
  read: async () => parse(await readFile(path(), "utf8").catch(() => undefined)),
  pending: () => readFile(`${path()}.pending`, "utf8").catch(() => undefined),
  forget: async () => {
    for (const name of await readdir(directory)) await rm(join(directory, name));
  },
  open: async () => fileStore(path()),
};
let secretId = SECRET;
const inSecret: Place = {
  name: "a secret",
  args: () => ["--secret", secretId],
  read: async () => parse(manager.read(secretId)),
  // Where the current one is, the stage says nothing.
  pending: async () => {
    const text = manager.read(secretId, "AWSPENDING");
    return text === manager.read(secretId) ? undefined : text;
  },
  forget: async () => {
    secretId = `${SECRET}-${randomBytes(3).toString("hex")}`;
  },
  open: () => secretsManagerStore(secretId, { region: manager.region, endpoint: manager.endpoint, credentials: manager.keys }),
};

const passwords = new Set<string>();

function parse(text: string | undefined): { username: string; password: string } | undefined {
  const secret = text === undefined ? undefined : (JSON.parse(text) as { username?: string; password: string });
  if (secret?.username === undefined) return undefined;
  passwords.add(remember(secret.password));
  return { username: secret.username, password: secret.password };
}

const environment = (url = adminUrl) => ({ DATABASE_URL: url, ...manager.environment });

function rotate(place: Place, ...args: string[]): Promise<CliResult> {
  return runCli(["credentials", "rotate", "app", ...place.args(), "--yes", "--grace", "0ms", ...args], { env: environment() });
}

/** What the command does, done by this process: where it is not the command that is looked at. */
async function rotateHere(place: Pick<Place, "open">, role = "app"): Promise<Rotation> {
  const admin = await connect(adminUrl);
  try {
    return await rotateLogin(admin, {
      cell: parseCellName("safetypin"),
      role,
      store: await place.open(),
      graceMs: 0,
      endSessions: false,
      wait: true,
      connectAs: ({ user, password }) => connect(urlOf(user, password)),
      onStep: () => undefined,
    });
  } finally {
    await admin.end();
  }
}

function urlOf(user: string, password: string): string {
  const url = new URL(adminUrl);
  url.username = user;
  url.password = password;
  return url.href;
}

/** As whom an application that reads the secret now logs in. */
async function loginOf(place: Place): Promise<string> {
  const secret = await place.read();
  if (secret === undefined) throw new Error("there is no secret");
  const client = await connect(urlOf(secret.username, secret.password));
  try {
    const { rows } = await client.query<{ login: string }>("select session_user as login");
    return rows[0]?.login ?? "";
  } finally {
    await client.end();
  }
}

async function whoMayLogIn(): Promise<string[]> {
  const { rows } = await superuser.query<{ name: string }>(
    "select rolname as name from pg_roles where rolname in ($1, $2) and rolcanlogin order by 1",
    [FIRST, SECOND],
  );
  return rows.map(({ name }) => name);
}

/** The rotation is over: one login, the one in the secret, and nothing that waits. */
async function expectWhole(place: Place): Promise<string> {
  const login = await loginOf(place);
  expect(await whoMayLogIn()).toEqual([login]);
  if (place === inFile) expect(await readdir(directory)).toEqual(["app.json"]);
  else expect(await place.pending()).toBeUndefined();
  return login;
}

async function asAdmin(statement: string): Promise<void> {
  const admin = await connect(adminUrl);
  await admin.query(statement).finally(() => admin.end());
}

async function membershipsBetweenThem(): Promise<number> {
  const { rowCount } = await superuser.query(
    "select from pg_auth_members where pg_get_userbyid(roleid) = any ($1) and pg_get_userbyid(member) = any ($1)",
    [[FIRST, SECOND]],
  );
  return rowCount ?? 0;
}

/** A session of whoever has the secret now: the application's, or a thief's. */
async function sessionOf(place: Place): Promise<pg.Client> {
  const secret = await place.read();
  const client = await connect(urlOf(secret?.username ?? "", secret?.password ?? ""));
  client.on("error", () => undefined);
  return client;
}

/** Until nobody rotates any more: a backend outlives its client by a moment. */
async function untilQuiet(): Promise<void> {
  for (let tries = 0; tries < 1_200; tries += 1) {
    const { rowCount } = await superuser.query("select from pg_stat_activity where usename = $1", [ADMIN]);
    if (rowCount === 0) return;
    await sleep(25);
  }
  throw new Error("somebody still rotates");
}

describe.each([inFile, inSecret])("into $name", (place) => {
  beforeAll(async () => {
    await place.forget();
    await superuser.query(`alter role ${FIRST} login valid until 'infinity'; alter role ${SECOND} nologin`);
  });

  it("goes by turns between two logins", async () => {
    for (const expected of [FIRST, SECOND, FIRST, SECOND]) {
      const { code, stdout, stderr } = await rotate(place, "--json");
      expect({ code, stderr }).toMatchObject({ code: 0 });
      const before = expected === FIRST ? SECOND : FIRST;
      expect(JSON.parse(stdout)).toMatchObject({ login: expected, resumed: false, rotated: true });
      if ((JSON.parse(stdout) as { previous: string | null }).previous !== null) {
        expect(JSON.parse(stdout)).toMatchObject({ previous: before });
        expect(await expectWhole(place)).toBe(expected);
      }
      expect(await loginOf(place)).toBe(expected);
    }
    if (place === inFile) expect((await stat(path())).mode & 0o777).toBe(0o600);
  });

  // The statements are the same wherever the secret is kept.
  if (place === inFile) {
    it("is whole again after a kill at every statement, and serves whoever reads it meanwhile", async () => {
      const run = async (atMoment: AtMoment) => {
        const proxy = await startStatementProxy(adminUrl, atMoment);
        const child = startCli(["credentials", "rotate", "app", ...place.args(), "--yes", "--grace", "50ms"], {
          env: environment(proxy.url),
        });
        const ending = outcome(child);
        await Promise.race([ending, proxy.stopped]);
        child.kill("SIGKILL");
        const { code } = await ending;
        const moments = [...proxy.moments];
        await proxy.close();
        await untilQuiet();
        return { code, moments };
      };
      // The same of either login and of any password.
      const kindOf = ({ statement, when }: Moment) =>
        `${when} ${statement.replace(/safetypin_app_login(_b)?/g, "login").replace(/'.*$/, "…")}`;
      const kinds = new Set<string>();
      for (let turn = 0; turn < 2; turn += 1) {
        const { code, moments } = await run(() => "go on");
        expect(code).toBe(0);
        for (const moment of moments) {
          // Only some statements change something; between the others it is the same.
          const isOfInterest = /^(create|grant|alter) |session_user = |advisory_/i.test(moment.statement);
          if (isOfInterest && moment.when !== "within") kinds.add(kindOf(moment));
        }
        await expectWhole(place);
      }
      expect([...kinds].filter((kind) => /^before (grant|alter)/.test(kind)).sort()).toEqual([
        "before alter role login login valid until …",
        "before alter role login nologin password null",
        "before alter role login valid until …",
      ]);

      for (const kind of kinds) {
        const kill = () => run((moment) => (kindOf(moment) === kind ? "stop" : "go on"));
        let killed = await kill();
        // Some statements belong to one of the two turns.
        if (killed.code === 0) killed = await kill();
        expect({ kind, code: killed.code }).toEqual({ kind, code: null });
        await loginOf(place);
        await rotateHere(place);
        await expectWhole(place);
      }

      // And where one was a member of the other, as an earlier version made it.
      for (const when of ["before", "after"]) {
        while ((await loginOf(place)) !== SECOND) await rotateHere(place);
        await asAdmin(`grant ${FIRST} to ${SECOND}`);
        const killed = await run((moment) => (kindOf(moment).startsWith(`${when} revoke login from login`) ? "stop" : "go on"));
        expect(killed.code).toBeNull();
        await rotateHere(place);
        expect(await expectWhole(place)).toBe(FIRST);
        expect(await membershipsBetweenThem()).toBe(0);
      }
    });
  }

  if (place === inSecret) {
    it("is whole again after a kill at every call of Secrets Manager, before it and after it", async () => {
      const run = async (at: number, when: "before" | "after") => {
        const operations: string[] = [];
        const child = startCli(["credentials", "rotate", "app", ...place.args(), "--yes", "--grace", "0ms"], { env: environment() });
        const stop = (phase: string) => async ({ operation }: Call) => {
          if (phase === "before") operations.push(operation);
          if (operations.length !== at || phase !== when) return;
          child.kill("SIGKILL");
          await sleep(20);
          if (phase === "before") throw new Error("nobody is there any more");
        };
        manager.watch({ before: stop("before"), after: stop("after") });
        const { code } = await outcome(child);
        manager.watch({});
        await untilQuiet();
        return { code, operations };
      };
      const { operations, code } = await run(0, "before");
      expect(code).toBe(0);
      expect(operations.filter((operation) => operation !== "GetSecretValue")).toEqual([
        "PutSecretValue", "DescribeSecret", "UpdateSecretVersionStage", "UpdateSecretVersionStage",
      ]);
      for (const [index, operation] of operations.entries()) {
        // Before one that only reads it is as after the one before, or as at a statement between the two.
        for (const when of /^(Get|Describe)/.test(operation) ? (["after"] as const) : (["before", "after"] as const)) {
          await run(index + 1, when);
          await loginOf(place);
          await rotateHere(place);
          await expectWhole(place);
        }
      }
    });
  }

  it("does nothing on a dry run, and nothing that nobody said yes to", async () => {
    const before = await place.read();
    const dry = await rotate(place, "--dry-run", "--json");
    expect(dry.code).toBe(0);
    expect(JSON.parse(dry.stdout)).toMatchObject({
      rotated: false,
      resumed: false,
      steps: ["stage", "vacate", "set", "prove", "promote", "expire", "wait", "disable", "confirm"],
    });
    const refused = await runCli(["credentials", "rotate", "app", ...place.args()], { env: environment() });
    expect(refused.code).toBe(EXIT.refused);
    expect(refused.stderr).toContain("This changes who may log in, and nobody is there to ask");
    expect(await place.read()).toEqual(before);
    await expectWhole(place);
  });

  it("leaves the current login alone when the new one does not log in", async () => {
    const before = await expectWhole(place);
    const next = before === FIRST ? SECOND : FIRST;
    const hbaPath = join(context.server.dataDirectory, "pg_hba.conf");
    const hba = await readFile(hbaPath, "utf8");
    await writeFile(hbaPath, `host all ${next} all reject\n${hba}`);
    await superuser.query("select pg_reload_conf(), pg_sleep(0.2)");
    try {
      const { code, stderr } = await rotate(place);
      expect(code).toBe(EXIT.unproven);
      expect(stderr).toContain(`${next} does not log in with its new password`);
      expect(stderr).toContain("Nothing was switched");
      expect(await loginOf(place)).toBe(before);
    } finally {
      await writeFile(hbaPath, hba);
      await superuser.query("select pg_reload_conf(), pg_sleep(0.2)");
    }
    const { code, stdout } = await rotate(place, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ login: next, resumed: true });
    await expectWhole(place);
  });

  it("lets the login before go on until the grace is over, though nobody waits, and then ends its sessions", async () => {
    const before = (await place.read()) as { username: string; password: string };
    const url = urlOf(before.username, before.password);
    const session = await connect(url);
    const first = await rotate(place, "--grace", "2s", "--no-wait", "--json");
    expect(first.code).toBe(0);
    const { graceUntil } = JSON.parse(first.stdout) as { graceUntil: string };
    expect(Date.parse(graceUntil)).toBeGreaterThan(Date.now());
    await (await connect(url)).end();

    // The server ends the password by itself.
    await sleep(Date.parse(graceUntil) - Date.now() + 100);
    await expect(connect(url)).rejects.toMatchObject({ code: "28P01" });

    const second = await rotate(place, "--end-sessions", "--json");
    expect(JSON.parse(second.stdout)).toMatchObject({ resumed: true, sessionsEnded: 1, graceUntil: null });
    await expectWhole(place);
    await expect(session.query("select 1")).rejects.toThrow();
    const { rows } = await superuser.query<{ is_member: boolean }>("select pg_has_role($1, $2, 'usage') as is_member", [ADMIN, before.username]);
    expect(rows).toEqual([{ is_member: false }]);
  });
});

describe("a file", () => {
  const NOBODY = { uid: 65_534, gid: 65_534 };
  // Another user's file takes somebody who may give files away.
  const asRoot = process.getuid?.() === 0 ? it : it.skip;

  beforeEach(async () => {
    await inFile.forget();
    await superuser.query(`alter role ${FIRST} login valid until 'infinity'; alter role ${SECOND} nologin`);
    await rotateHere(inFile);
  });

  asRoot("is read by whom it was read, whoever rotates", async () => {
    await chown(path(), NOBODY.uid, NOBODY.gid);
    await chmod(path(), 0o606);
    await rotateHere(inFile);
    expect(await stat(path())).toMatchObject({ ...NOBODY, mode: 0o100600 });
    // As one that a group may read, too.
    await chmod(path(), 0o640);
    await rotateHere(inFile);
    expect(await stat(path())).toMatchObject({ ...NOBODY, mode: 0o100640 });
    await expectWhole(inFile);
  });

  asRoot("of another user's is left to them by who could not give it to them", async () => {
    await chmod(directory, 0o777);
    await chmod(path(), 0o644);
    process.seteuid!(NOBODY.uid);
    try {
      await expect(fileStore(path()).stage({ username: FIRST, password: "never used" })).rejects.toMatchObject({
        message: `The file ${path()} is another user's, who would read no more what takes its place`,
        remedy: expect.stringContaining("the user 0 in group 0, or as root") as string,
      });
    } finally {
      process.seteuid!(0);
      await chmod(directory, 0o700);
    }
    await expectWhole(inFile);
  });

  it("that was half written when somebody was killed is written again, and nobody else's to read", async () => {
    await writeFile(`${path()}.pending.unfinished`, '{"username":"half', { mode: 0o644 });
    await rotateHere(inFile);
    await expectWhole(inFile);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
  });
});

describe("rotating", () => {
  it("says what is lacking to write a secret that may be read", async () => {
    await inSecret.forget();
    await superuser.query(`alter role ${FIRST} login valid until 'infinity'; alter role ${SECOND} nologin`);
    expect(await rotate(inSecret)).toMatchObject({ code: 0 });
    for (const denied of ["PutSecretValue", "UpdateSecretVersionStage"]) {
      manager.watch({
        before: ({ operation }) => {
          if (operation === denied) throw new SecretsManagerError("AccessDeniedException", "not for you");
        },
      });
      const { code, stderr } = await rotate(inSecret);
      manager.watch({});
      expect(code).toBe(1);
      expect(stderr).toContain("Secrets Manager does not let us write the secret");
      expect(stderr).toContain(denied);
    }
    expect(await rotate(inSecret)).toMatchObject({ code: 0 });
    await expectWhole(inSecret);
  });

  it("by two at once is one's", async () => {
    await inFile.forget();
    await rotate(inFile);
    const holder = await connect(adminUrl);
    await takeTurn(holder, turnAtCredentials("safetypin", "app"), { waitMs: 0 });
    try {
      const { code, stderr } = await rotate(inFile);
      expect(code).toBe(1);
      expect(stderr).toMatch(/is being rotated by somebody else: process \d+ of clinic_admin/);
    } finally {
      await holder.end();
    }
  });

  it.each([
    ["a role that there is not", ["credentials", "rotate", "janitor", "--file", "x", "--yes"], 1, /There is no login safetypin_janitor_login/],
    ["a role that is nobody's login", ["credentials", "rotate", "owner", "--file", "x"], 2, /no role that logs in/],
    ["no place for the secret", ["credentials", "rotate", "app", "--yes"], 2, /--secret NAME.*--file PATH/s],
    ["two places", ["credentials", "rotate", "app", "--file", "x", "--secret", "y"], 2, /cannot be used with/],
  ])("refuses %s", async (_, args, code, sentence) => {
    const result = await runCli(args, { env: environment() });
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(sentence);
  });

  it("refuses a secret of somebody else", async () => {
    await writeFile(path(), '{"username":"postgres","password":"x"}');
    const { code, stderr } = await rotate(inFile);
    expect(code).toBe(1);
    expect(stderr).toContain('is of "postgres"');
    await inFile.forget();
  });

  it("is refused to who may not change logins, without the verifier", async () => {
    const url = new URL(adminUrl);
    url.username = "somebody";
    url.password = remember(randomBytes(12).toString("hex"));
    await superuser.query(`create role somebody login password '${url.password}'`);
    const { code, stderr } = await runCli(["credentials", "rotate", "app", ...inFile.args(), "--yes"], { env: environment(url.href) });
    expect(code).toBe(1);
    expect(stderr).toContain('"somebody" may not change the login');
    expect(stderr).not.toContain("SCRAM-SHA-256$");
    await inFile.forget();
  });

  it("under load, with the sessions of the login before ended, fails nobody's request", async () => {
    await inSecret.forget();
    await superuser.query(`alter role ${FIRST} login`);
    expect(await rotate(inSecret)).toMatchObject({ code: 0 });
    const { host, port } = context.server;
    const failures: unknown[] = [];
    let done = 0;
    let goesOn = true;
    const safetypin = await SafetyPin.connect({
      keys: keysOfProduction(),
      environment: "test",
      pool: { host, port, database: "clinic", max: 6 },
      credentials: secretsManagerCredentials({
        secretId,
        region: manager.region,
        endpoint: manager.endpoint,
        credentials: manager.keys,
        cacheMs: 50,
        checkEveryMs: 100,
      }),
      log: () => undefined,
    });
    const ask = async () => {
      while (goesOn) {
        await safetypin.signOut(SessionToken.of(tagOf("safetypin"))).then(
          () => (done += 1),
          (error: unknown) => failures.push(error),
        );
      }
    };
    const load = Promise.all(Array.from({ length: 8 }, ask));
    try {
      for (let rotation = 1; rotation <= 2; rotation += 1) {
        expect(await rotate(inSecret, "--grace", "2s", "--end-sessions")).toMatchObject({ code: 0 });
      }
    } finally {
      goesOn = false;
      await load;
      await safetypin.close();
    }
    expect(failures).toEqual([]);
    expect(done).toBeGreaterThan(100);
  });
});

describe("whoever has a session of a login", () => {
  const EVIL = "alter role CURRENT password 'evil'";

  beforeEach(async () => {
    await inFile.forget();
    await superuser.query(`alter role ${FIRST} login valid until 'infinity'; alter role ${SECOND} nologin`);
    await rotateHere(inFile);
  });

  it("of one that is over cannot become the other, whichever of the two it is", async () => {
    for (const before of [FIRST, SECOND]) {
      expect(await loginOf(inFile)).toBe(before);
      const thief = await sessionOf(inFile);
      await rotateHere(inFile);
      const after = await expectWhole(inFile);
      await expect(thief.query(`set role ${after}`)).rejects.toMatchObject({ code: "42501" });
      await expect(thief.query(`alter role ${after} password 'evil'`)).rejects.toMatchObject({ code: "42501" });
      // And its own, which logs in no more, whatever its password.
      await thief.query(EVIL.replace("CURRENT", before));
      await expectWhole(inFile);
      await thief.end();
    }
  });

  it("of the turn before last has it no more when that login is the next one", async () => {
    const thief = await sessionOf(inFile);
    await rotateHere(inFile);
    await thief.query("select 1");
    await rotateHere(inFile);
    expect(await expectWhole(inFile)).toBe(FIRST);
    await expect(thief.query(EVIL.replace("CURRENT", FIRST))).rejects.toThrow();
    await loginOf(inFile);
  });

  it("and had become the other, of which it was a member, is sent away before that has its turn", async () => {
    await rotateHere(inFile);
    await asAdmin(`grant ${FIRST} to ${SECOND}`);
    const thief = await sessionOf(inFile);
    await thief.query(`set role ${FIRST}`);
    // As it was: this is how the next turn was taken.
    await thief.query(EVIL.replace("CURRENT", FIRST));
    await rotateHere(inFile);
    await expect(thief.query(EVIL.replace("CURRENT", FIRST))).rejects.toThrow();
    expect(await expectWhole(inFile)).toBe(FIRST);
    expect(await membershipsBetweenThem()).toBe(0);
  });

  it("that is current can lock others out by its password: the rotation notices, and the next one mends it", async () => {
    expect(await rotate(inFile, "--grace", "1s", "--no-wait")).toMatchObject({ code: 0 });
    const thief = await sessionOf(inFile);
    await thief.query(EVIL.replace("CURRENT", SECOND));
    const noticed = await rotate(inFile);
    expect(noticed.code).toBe(1);
    expect(noticed.stderr).toContain(`${SECOND} does not log in any more with what stands in`);
    expect(noticed.stderr).toContain("run this again now, with --grace 0s --end-sessions");
    expect(await rotate(inFile, "--end-sessions")).toMatchObject({ code: 0 });
    expect(await expectWhole(inFile)).toBe(FIRST);
    await expect(thief.query("select 1")).rejects.toThrow();
  });
});

it.each(["mailer", "operator", "auditor", "monitor", "backup"])("the %s has two logins that take turns, too", async (role) => {
  const place = { open: async () => fileStore(join(directory, `${role}.json`)) };
  const [first, second] = [`safetypin_${role}_login`, `safetypin_${role}_login_b`];
  expect(await rotateHere(place, role)).toMatchObject({ login: first, previous: undefined });
  expect(await rotateHere(place, role)).toMatchObject({ login: second, previous: first });
  expect(await rotateHere(place, role)).toMatchObject({ login: first, previous: second });
});

describe("the two logins", () => {
  beforeEach(async () => {
    await inFile.forget();
    await superuser.query(`alter role ${FIRST} login valid until 'infinity'; alter role ${SECOND} nologin`);
    await rotateHere(inFile);
  });

  it("belong to the same roles, also to what was granted to one of them later", async () => {
    await asAdmin(`create role reports; grant reports to ${FIRST}`);
    await rotateHere(inFile);
    const { rows } = await superuser.query("select pg_has_role($1, 'reports', 'usage') as may", [SECOND]);
    expect(rows).toEqual([{ may: true }]);
    await superuser.query("drop role reports");
  });

  it.each([
    ["a role that the administrator may not grant", `grant pg_monitor to ${FIRST}`, `revoke pg_monitor from ${FIRST}`, /no member of pg_monitor.*grant pg_monitor to safetypin_app_login_b/s],
    ["a schema", `grant usage on schema public to ${FIRST}`, `revoke usage on schema public from ${FIRST}`, /granted something on schema public.*Grant it to safetypin_app_login_b too/s],
    ["nothing in the cell", `revoke usage on schema safetypin from ${SECOND}`, `grant usage on schema safetypin to ${SECOND}`, /granted something on schema safetypin.*safetypin bootstrap/s],
  ])("are refused where %s was granted to one of them alone", async (what, grant, revoke, sentence) => {
    const database = await connect(context.server.connectionString("clinic"));
    // Whoever has CREATEROLE grants all roles before 16, but for a superuser's.
    const { rows } = await database.query<{ is_free: boolean }>("select current_setting('server_version_num')::integer < 160000 as is_free");
    try {
      await database.query(grant);
      const { code, stderr } = await rotate(inFile);
      if (what.startsWith("a role") && rows[0]?.is_free === true) {
        expect(code).toBe(0);
      } else {
        expect(code).toBe(1);
        expect(stderr).toMatch(sentence);
        expect(await loginOf(inFile)).toBe(FIRST);
      }
    } finally {
      await database.query(revoke);
      await database.end();
    }
    await rotateHere(inFile);
  });

  it("are made by bootstrap", async () => {
    await superuser.query(`alter role ${SECOND} rename to ${SECOND}_away`);
    try {
      const { code, stderr } = await rotate(inFile);
      expect(code).toBe(1);
      expect(stderr).toMatch(/There is no login safetypin_app_login_b.*safetypin bootstrap --cell safetypin/s);
    } finally {
      await superuser.query(`alter role ${SECOND}_away rename to ${SECOND}`);
    }
  });
});

describe("the grace", () => {
  beforeEach(async () => {
    await inFile.forget();
    await superuser.query(`alter role ${FIRST} login valid until 'infinity'; alter role ${SECOND} nologin`);
    await rotateHere(inFile);
  });

  it("is the one that was asked for, whatever the login had before", async () => {
    await superuser.query(`alter role ${FIRST} valid until '2099-12-31'`);
    const { code, stdout } = await rotate(inFile, "--grace", "30s", "--no-wait", "--json");
    expect(code).toBe(0);
    const { graceUntil } = JSON.parse(stdout) as { graceUntil: string };
    expect(Date.parse(graceUntil) - Date.now()).toBeLessThan(31_000);
    const { rows } = await superuser.query<{ until: Date }>("select rolvaliduntil as until from pg_roles where rolname = $1", [FIRST]);
    expect(rows[0]?.until.toISOString()).toBe(graceUntil);

    // Going on with it makes it shorter, and never longer.
    const again = await rotate(inFile, "--grace", "10min", "--no-wait", "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ resumed: true, graceUntil });
    await rotateHere(inFile);
    expect(await expectWhole(inFile)).toBe(SECOND);
  });

  it("is over where the login's password had ended before", async () => {
    for (const ended of ["2001-01-01", "-infinity"]) {
      const before = await loginOf(inFile);
      await superuser.query(`alter role ${before} valid until '${ended}'`);
      expect(await rotate(inFile, "--grace", "10min")).toMatchObject({ code: 0 });
      expect(await expectWhole(inFile)).not.toBe(before);
    }
  });
});

describe("a password", () => {
  it("is in no line of the server's log, though every statement is; and in nothing that the command says", async () => {
    await inFile.forget();
    const said: string[] = [];
    for (let turn = 0; turn < 2; turn += 1) {
      for (const args of [["--json"], ["--dry-run"], []]) {
        const { stdout, stderr } = await rotate(inFile, ...args);
        said.push(stdout, stderr);
        await inFile.read();
      }
    }
    const log = await readFile(context.server.logFile, "utf8");
    // What is looked for would be found: its verifier is there.
    expect(log).toContain("password 'SCRAM-SHA-256$");
    expect(passwords.size).toBeGreaterThan(10);
    for (const password of passwords) {
      expect(log.includes(password)).toBe(false);
      expect(said.join("").includes(password)).toBe(false);
    }
    expect(said.join("")).not.toContain("SCRAM-SHA-256$");
  });

  it("has the verifier that PostgreSQL makes of it", async () => {
    const password = randomBytes(32).toString("base64url");
    await superuser.query(`create role verified login; set log_statement = 'none'; alter role verified password '${password}'; reset log_statement`);
    const { rows } = await superuser.query<{ verifier: string }>("select rolpassword as verifier from pg_authid where rolname = 'verified'");
    const verifier = rows[0]?.verifier ?? "";
    const [, iterations, salt] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(verifier) ?? [];
    const options = { iterations: Number(iterations), salt: Buffer.from(salt ?? "", "base64") };
    expect(await scramVerifier(new LoginPassword(password), options)).toBe(verifier);
  });

  it("has the verifier of RFC 7677", async () => {
    // Section 3: user "user", password "pencil"; the keys are what its proof and signature follow from.
    const verifier = await scramVerifier(new LoginPassword("pencil"), {
      iterations: 4096,
      salt: Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64"),
    });
    expect(verifier).toBe(
      "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
    );
  });
});
