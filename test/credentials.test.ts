import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";

import type pg from "pg";

import { callbackCredentials } from "../src/credentials/callback-credentials.js";
import { createCredentialPool, type Connections } from "../src/credentials/credential-pool.js";
import type { CredentialSource } from "../src/credentials/credential-source.js";
import { environmentCredentials } from "../src/credentials/environment-credentials.js";
import { fileCredentials } from "../src/credentials/file-credentials.js";
import { secretsManagerCredentials, type SecretsManagerCredentials } from "../src/credentials/secrets-manager-credentials.js";
import { prepareDatabase } from "../src/development/prepare-database.js";
import { ConfigurationError } from "../src/errors.js";
import type { LogEntry } from "../src/query-report.js";
import { SafetyPin } from "../src/safetypin.js";
import { remember } from "./support/secrets.js";
import { SecretsManagerError, startSecretsManager, type SecretsManagerServer } from "./support/secrets-manager-server.js";
import { useServer } from "./support/server.js";
import { connect } from "./support/template.js";
import { keysOfProduction } from "./support/keys.js";

jest.setTimeout(60_000);

const SECRET = "clinic/app";
const ANN = "safetypin_app_login";
const OTHER = "other_login";

// Its own: the logins of others are not to be rotated.
const context = useServer({ authentication: "scram-sha-256" });
let admin: pg.Client;
let manager: SecretsManagerServer;
let directory: string;

beforeAll(async () => {
  admin = await connect(context.server.connectionString());
  await prepareDatabase(admin, { cell: "safetypin", environment: "test" });
  await admin.query(`create role ${OTHER} login in role ${ANN}`);
  directory = await mkdtemp(join(tmpdir(), "safetypin-test-credentials-"));
}, 120_000);

afterAll(async () => {
  await admin.end();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(async () => {
  manager = await startSecretsManager();
  await admin.query(`alter role ${ANN} login; alter role ${OTHER} login`);
});
afterEach(() => manager.stop());

const newPassword = () => remember(randomBytes(24).toString("base64url"));

/** Gives a login a password that only the server knows yet. */
async function setPassword(password: string, login = ANN): Promise<void> {
  await admin.query(`alter role ${login} password '${password}'`);
}

const secretOf = (password: string, username = ANN) =>
  JSON.stringify({ engine: "postgres", host: "db.internal", port: 5432, dbname: "clinic", username, password });

const source = (options: Partial<SecretsManagerCredentials> = {}): CredentialSource =>
  secretsManagerCredentials({
    secretId: SECRET,
    region: manager.region,
    endpoint: manager.endpoint,
    credentials: manager.keys,
    ...options,
  });

const reads = (stage = "AWSCURRENT") =>
  manager.calls.filter(({ operation, input }) => operation === "GetSecretValue" && input["VersionStage"] === stage).length;

function openPool(credentials: CredentialSource, options: pg.PoolConfig = {}, log: (entry: LogEntry) => void = () => undefined): Connections {
  const { host, port } = context.server;
  return createCredentialPool({ host, port, user: ANN, database: "postgres", max: 5, connectionTimeoutMillis: 5_000, ...options }, credentials, log);
}

/** Does the work with a pool of its own. */
async function withPool<Result>(pool: Connections, work: (pool: Connections) => Promise<Result>): Promise<Result> {
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

async function whoAmI(pool: Connections): Promise<string> {
  const client = await pool.connect();
  try {
    const { rows } = await client.query<{ login: string }>("select session_user as login");
    return rows[0]?.login ?? "";
  } finally {
    client.release();
  }
}

describe("Secrets Manager", () => {
  it("is asked once by however many connect at once, and not again for a while", async () => {
    const password = newPassword();
    await setPassword(password);
    manager.write(SECRET, secretOf(password));

    await withPool(openPool(source()), async (pool) => {
      const logins = await Promise.all(Array.from({ length: 20 }, () => whoAmI(pool)));
      expect(new Set(logins)).toEqual(new Set([ANN]));
    });
    expect(reads()).toBe(1);
    expect(reads("AWSPREVIOUS")).toBe(0);
  });

  it("is asked anew when the server refuses what is known: it was rotated", async () => {
    const [first, second] = [newPassword(), newPassword()];
    await setPassword(first);
    manager.write(SECRET, secretOf(first));
    await withPool(openPool(source(), { maxUses: 1 }), async (pool) => {
      await whoAmI(pool);
      await setPassword(second);
      manager.write(SECRET, secretOf(second));

      await Promise.all(Array.from({ length: 5 }, () => whoAmI(pool)));
      expect(reads()).toBe(2);
      expect(reads("AWSPREVIOUS")).toBe(0);
    });
  });

  it("gives the previous password while the server has not heard of the new one", async () => {
    const [first, second] = [newPassword(), newPassword()];
    await setPassword(first);
    manager.write(SECRET, secretOf(first));
    manager.write(SECRET, secretOf(second));
    await withPool(openPool(source(), { maxUses: 1 }), async (pool) => {
      expect(await whoAmI(pool)).toBe(ANN);
      expect(reads("AWSPREVIOUS")).toBe(1);

      // Once it has, the new one is good again although it was refused before.
      await setPassword(second);
      expect(await whoAmI(pool)).toBe(ANN);
    });
  });

  it("gives up after both, with the server's refusal", async () => {
    manager.write(SECRET, secretOf(newPassword()));
    manager.write(SECRET, secretOf(newPassword()));
    await setPassword(newPassword());
    const connecting = SafetyPin.connect({
      keys: keysOfProduction(),
      environment: "test",
      connectionString: context.server.connectionString(),
      credentials: source(),
    });
    await expect(connecting).rejects.toMatchObject({
      message: expect.stringMatching(/refuses the password of "safetypin_app_login"/) as string,
    });
    // AWSPREVIOUS was tried once, and looked at again for another.
    expect(reads("AWSPREVIOUS")).toBeLessThanOrEqual(3);
  });

  it("need not answer for a while once it has", async () => {
    const password = newPassword();
    await setPassword(password);
    manager.write(SECRET, secretOf(password));
    const stale: unknown[] = [];
    await withPool(openPool(source({ cacheMs: 1, onStale: (error) => stale.push(error) }), { maxUses: 1 }), async (pool) => {
      await whoAmI(pool);
      manager.watch({
        before: () => {
          throw new SecretsManagerError("AccessDeniedException", "no longer");
        },
      });
      expect(await whoAmI(pool)).toBe(ANN);
      expect(stale).toEqual([expect.objectContaining({ message: expect.stringContaining("does not let us read") })]);
    });
  });

  it("keeps nobody waiting where it says nothing at all, once it has", async () => {
    const [first, second] = [newPassword(), newPassword()];
    await setPassword(first);
    manager.write(SECRET, secretOf(first));
    const stale: unknown[] = [];
    const pool = openPool(source({ cacheMs: 1, onStale: (error) => stale.push(error) }), { maxUses: 1 });
    await withPool(pool, async () => {
      await whoAmI(pool);
      let answer: () => void = () => undefined;
      manager.watch({ before: () => new Promise((resolve) => (answer = resolve)) });
      const times: number[] = [];
      for (let connection = 0; connection < 3; connection += 1) {
        const began = performance.now();
        expect(await whoAmI(pool)).toBe(ANN);
        times.push(performance.now() - began);
      }
      // The first one has waited for all.
      expect(times[0]).toBeLessThan(2_500);
      expect(times[2]).toBeLessThan(800);
      expect(stale).toHaveLength(3);
      expect(reads()).toBe(2);

      // What it says in the end is taken.
      manager.write(SECRET, secretOf(second));
      await setPassword(second);
      manager.watch({});
      answer();
      expect(await whoAmI(pool)).toBe(ANN);
    });
  });

  it("is no longer believed once it has been silent for too long", async () => {
    const password = newPassword();
    await setPassword(password);
    manager.write(SECRET, secretOf(password));
    await withPool(openPool(source({ cacheMs: 1, keepMs: 50 }), { maxUses: 1 }), async (pool) => {
      await whoAmI(pool);
      await sleep(100);
      manager.watch({
        before: () => {
          throw new SecretsManagerError("AccessDeniedException", "no longer");
        },
      });
      await expect(whoAmI(pool)).rejects.toThrow("does not let us read");
    });
  });

  it.each([
    ["is not there", () => undefined, /There is no secret "clinic\/app"/, /AWS_REGION/],
    ["is no JSON", () => manager.write(SECRET, "hunter2 and more"), /is no JSON/, /"username"/],
    ["names nobody", () => manager.write(SECRET, '{"password":"hunter2"}'), /no username and password/, /"username"/],
    [
      "may not be read",
      () =>
        manager.watch({
          before: () => {
            throw new SecretsManagerError("AccessDeniedException", "not for you");
          },
        }),
      /does not let us read/,
      /secretsmanager:GetSecretValue/,
    ],
  ])("says so when the secret %s", async (_, prepare, sentence, remedy) => {
    prepare();
    const error: unknown = await withPool(openPool(source()), whoAmI).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as ConfigurationError).message).toMatch(sentence);
    expect((error as ConfigurationError).remedy).toMatch(remedy);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("hunter2");
  });

  it("is asked by a signature: who signs with another key learns nothing", async () => {
    manager.write(SECRET, secretOf(newPassword()));
    const wrong = { ...manager.keys, secretAccessKey: randomBytes(30).toString("base64") };
    await expect(withPool(openPool(source({ credentials: wrong })), whoAmI)).rejects.toThrow("AWS does not accept the credentials");
    expect(reads()).toBe(0);
  });

  it("keeps nobody waiting longer than a connection may take", async () => {
    manager.watch({ before: () => sleep(2_000) });
    const started = performance.now();
    await expect(withPool(openPool(source(), { connectionTimeoutMillis: 300 }), whoAmI)).rejects.toThrow();
    expect(performance.now() - started).toBeLessThan(1_500);
  });
});

describe("under load", () => {
  /** Asks without pause, from many at once, until it is told to stop; what fails is kept. */
  function startLoad(safetypin: SafetyPin) {
    const failures: unknown[] = [];
    let done = 0;
    let goesOn = true;
    const ask = async () => {
      while (goesOn) {
        try {
          await safetypin.requestPasswordReset(`nobody.${done}@example.com`);
          done += 1;
        } catch (error) {
          failures.push(error);
        }
      }
    };
    const all = Promise.all(Array.from({ length: 8 }, ask));
    return {
      failures,
      count: () => done,
      async stop() {
        goesOn = false;
        await all;
      },
    };
  }
  it("two rotations of the password fail nobody's request", async () => {
    const first = newPassword();
    await setPassword(first);
    manager.write(SECRET, secretOf(first));
    const { host, port } = context.server;
    const safetypin = await SafetyPin.connect({
      keys: keysOfProduction(),
      environment: "test",
      // Every connection serves a few pieces of work: new ones are made all the time.
      pool: { host, port, database: "postgres", max: 6, maxUses: 4 },
      credentials: source({ cacheMs: 50 }),
      log: () => undefined,
    });
    const load = startLoad(safetypin);
    try {
      for (let rotation = 1; rotation <= 2; rotation += 1) {
        const before = load.count();
        while (load.count() < before + 40) await sleep(20);
        const password = newPassword();
        // Once the server is first, once the secret: neither fails anybody.
        if (rotation === 1) {
          await setPassword(password);
          await sleep(300);
          manager.write(SECRET, secretOf(password));
        } else {
          manager.write(SECRET, secretOf(password));
          await sleep(300);
          await setPassword(password);
        }
        const after = load.count();
        while (load.count() < after + 40) await sleep(20);
      }
    } finally {
      await load.stop();
      await safetypin.close();
    }
    expect(load.failures).toEqual([]);
    expect(load.count()).toBeGreaterThan(150);
  });

  it("a change to the other login, whose predecessor then may not log in, fails nobody's request", async () => {
    const [first, second] = [newPassword(), newPassword()];
    await setPassword(first);
    await setPassword(second, OTHER);
    manager.write(SECRET, secretOf(first));
    const { host, port } = context.server;
    const entries: LogEntry[] = [];
    const safetypin = await SafetyPin.connect({
      keys: keysOfProduction(),
      environment: "test",
      pool: { host, port, database: "postgres", max: 6 },
      credentials: source({ cacheMs: 50, checkEveryMs: 100 }),
      log: (entry) => entries.push(entry),
    });
    const load = startLoad(safetypin);
    const loginsInUse = async () => {
      const { rows } = await admin.query<{ login: string; count: number }>(
        "select usename as login, count(*)::integer as count from pg_stat_activity where application_name = 'safetypin' group by usename",
      );
      return rows;
    };
    try {
      while (load.count() < 40) await sleep(20);
      expect((await loginsInUse()).map(({ login }) => login)).toEqual([ANN]);

      manager.write(SECRET, secretOf(second, OTHER));
      for (let tries = 0; tries < 100; tries += 1) {
        const logins = await loginsInUse();
        expect(logins.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(7);
        if (logins.length > 0 && logins.every(({ login }) => login === OTHER)) break;
        await sleep(50);
      }
      expect((await loginsInUse()).map(({ login }) => login)).toEqual([OTHER]);
      await admin.query(`alter role ${ANN} nologin password null`);
      const after = load.count();
      while (load.count() < after + 40) await sleep(20);
    } finally {
      await load.stop();
      await safetypin.close();
    }
    expect(load.failures).toEqual([]);
    expect(entries.map(({ event }) => event)).toEqual(["login_changed"]);
  });
});

describe("a file", () => {
  const path = () => join(directory, "password");
  const write = async (text: string, mode = 0o600) => {
    const next = join(directory, "next");
    await writeFile(next, text);
    await chmod(next, mode);
    await rename(next, path());
  };

  it("with the password alone is read again by each new connection", async () => {
    const [first, second] = [newPassword(), newPassword()];
    await write(`${first}\n`);
    await setPassword(first);
    await withPool(openPool(fileCredentials({ path: path() }), { maxUses: 1 }), async (pool) => {
      expect(await whoAmI(pool)).toBe(ANN);
      await write(second);
      await setPassword(second);
      expect(await whoAmI(pool)).toBe(ANN);
    });
  });

  it("with JSON names the login too", async () => {
    const password = newPassword();
    await write(secretOf(password, OTHER));
    await setPassword(password, OTHER);
    expect(await withPool(openPool(fileCredentials({ path: path() })), whoAmI)).toBe(OTHER);
  });

  it.each([
    ["others may read", 0o644, "owner", "chmod 600"],
    ["a group may read", 0o640, "owner", "chmod 600"],
    ["others may change", 0o646, "mount", "chmod go-w"],
  ] as const)("that %s is not read", async (_, mode, readableBy, remedy) => {
    await write(newPassword(), mode);
    await expect(withPool(openPool(fileCredentials({ path: path(), readableBy })), whoAmI)).rejects.toMatchObject({
      message: expect.stringContaining(path()) as string,
      remedy: expect.stringContaining(remedy) as string,
    });
  });

  it("that is mounted may be read by the container's others", async () => {
    const password = newPassword();
    await write(password, 0o444);
    await setPassword(password);
    expect(await withPool(openPool(fileCredentials({ path: path(), readableBy: "mount" })), whoAmI)).toBe(ANN);
  });

  it("that is not there, or empty, is named", async () => {
    await expect(withPool(openPool(fileCredentials({ path: "/nowhere" })), whoAmI)).rejects.toThrow("from /nowhere (ENOENT)");
    await write("");
    await expect(withPool(openPool(fileCredentials({ path: path() })), whoAmI)).rejects.toThrow("is empty");
  });
});

describe("the environment and a function", () => {
  afterEach(() => {
    delete process.env["CLINIC_PASSWORD"];
  });

  it("a variable is read by each new connection", async () => {
    const credentials = environmentCredentials({ password: "CLINIC_PASSWORD" });
    await expect(withPool(openPool(credentials), whoAmI)).rejects.toThrow("The variable CLINIC_PASSWORD is empty");
    const password = newPassword();
    await setPassword(password);
    process.env["CLINIC_PASSWORD"] = password;
    expect(await withPool(openPool(credentials), whoAmI)).toBe(ANN);
  });

  it("a function is told where the connection goes, and gives login and password", async () => {
    const password = newPassword();
    await setPassword(password, OTHER);
    const asked: unknown[] = [];
    const credentials = callbackCredentials({
      get: async ({ destination }) => {
        asked.push(destination);
        return { user: OTHER, password };
      },
    });
    expect(await withPool(openPool(credentials), whoAmI)).toBe(OTHER);
    const { host, port } = context.server;
    expect(asked).toEqual([{ host, port, user: ANN, database: "postgres" }]);
  });

  it("a function that fails is named, and not the way to the server", async () => {
    const failing = callbackCredentials({ name: "the vault", get: () => Promise.reject(new Error("sealed")) });
    const connecting = SafetyPin.connect({
      keys: keysOfProduction(),
      environment: "test",
      connectionString: context.server.connectionString(),
      credentials: failing,
    });
    await expect(connecting).rejects.toMatchObject({
      name: "ConfigurationError",
      message: "No credentials came from the vault: sealed",
      remedy: "See to what gives them",
      cause: expect.objectContaining({ message: "sealed" }) as Error,
    });
  });

  it("a token that needs TLS is not sent without", () => {
    const credentials = callbackCredentials({ needsTls: true, get: async () => ({ password: "token" }) });
    expect(() => openPool(credentials)).toThrow("the connection is not encrypted");
  });

  it("a wrong password is tried once", async () => {
    let count = 0;
    const credentials = callbackCredentials({
      get: async () => {
        count += 1;
        return { password: "the same as before" };
      },
    });
    await expect(withPool(openPool(credentials), whoAmI)).rejects.toMatchObject({ code: "28P01" });
    // Asked again for another, which there was not.
    expect(count).toBe(2);
  });
});

describe("a password", () => {
  it("stands in nothing that can be printed", async () => {
    const password = newPassword();
    await setPassword(password);
    manager.write(SECRET, secretOf(password));
    const show = (value: unknown) => inspect(value, { depth: 30, showHidden: true });
    const credentials = source();
    const pool = openPool(credentials, {});
    const client = await pool.connect();
    const url = `postgres://${ANN}:${password}@${context.server.host}:${context.server.port}/postgres`;
    const safetypin = await SafetyPin.connect({ environment: "test", keys: keysOfProduction(), connectionString: url, log: () => undefined });
    const { host, port } = context.server;
    const refused: unknown = await SafetyPin.connect({
      keys: keysOfProduction(),
      environment: "test",
      connectionString: `postgres://${OTHER}:${password}@${host}:${port}/postgres`,
    }).catch((error: unknown) => error);
    const given = await credentials.get({ destination: { host, port, user: ANN, database: "" }, refused: [], signal: AbortSignal.timeout(1_000) });

    // What is looked for would be found.
    expect(show({ password })).toContain(password);
    for (const value of [pool, client, credentials, safetypin, refused, given]) {
      expect(show(value)).not.toContain(password);
      expect(JSON.stringify(given)).not.toContain(password);
    }
    client.release();
    await pool.end();
    await safetypin.close();
  });

  it("is overwritten once it is sent", async () => {
    const password = newPassword();
    await setPassword(password);
    const handed: { reveal(): string }[] = [];
    const inner = callbackCredentials({ get: async () => ({ password }) });
    const watching: CredentialSource = {
      ...inner,
      async get(request) {
        const credentials = await inner.get(request);
        if (credentials !== undefined) handed.push(credentials.password);
        return credentials;
      },
    };
    await withPool(openPool(watching), whoAmI);
    expect(handed.map((one) => one.reveal())).toEqual(["\0".repeat(password.length)]);
  });
});
