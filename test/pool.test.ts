import { createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";

import type { ConnectOptions } from "../src/connect-options.js";
import { ConfigurationError } from "../src/errors.js";
import { LIMITS, type Environment } from "../src/limits.js";
import { SafetyPin } from "../src/safetypin.js";
import type { LogEntry } from "../src/query-report.js";
import type { Transaction } from "../src/transaction.js";
import { connectForTest, newPerson, type Person } from "./support/client.js";
import { useDatabase } from "./support/database.js";
import { keysOfProduction } from "./support/keys.js";
import { openRelay } from "./support/relay.js";

jest.setTimeout(60_000);

const database = useDatabase();
let ann: Person;

beforeAll(async () => {
  ann = await newPerson(database, "ann");
});

/** Does the work with a client of its own. */
async function withClient<Result>(
  options: ConnectOptions,
  work: (safetypin: SafetyPin) => Promise<Result>,
): Promise<Result> {
  const safetypin = await connectForTest(database, options);
  try {
    return await work(safetypin);
  } finally {
    await safetypin.close();
  }
}

const backend = async (tx: Transaction): Promise<number> => {
  const { rows } = await tx.query("select pg_backend_pid() as pid");
  return (rows as [{ pid: number }])[0].pid;
};

/** The process ids of the cell's application. */
async function backends(): Promise<number[]> {
  const { rows } = await database.admin.query<{ pid: number }>(
    "select pid from pg_stat_activity where datname = $1 and application_name = 'safetypin'",
    [database.name],
  );
  return rows.map(({ pid }) => pid);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await isSo()) return;
    await sleep(50);
  }
  throw new Error("it never came");
}

describe("each environment", () => {
  it.each<Environment>(["development", "test", "production"])(
    "%s sets its limits for every transaction",
    async (environment) => {
      const keys = keysOfProduction();
      const options = { environment, keys, tls: "as-configured", allowVulnerableServer: true } as const;
      const settings = await withClient(options, (safetypin) =>
        safetypin.withSession(ann.sessionToken, (tx) =>
          tx.query(
            `select name, setting::integer as milliseconds from pg_settings
             where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout')
             order by name`,
          ),
        ),
      );

      const { idleInTransactionTimeoutMs, lockTimeoutMs, statementTimeoutMs } = LIMITS[environment];
      expect(settings.rows).toEqual([
        { name: "idle_in_transaction_session_timeout", milliseconds: idleInTransactionTimeoutMs },
        { name: "lock_timeout", milliseconds: lockTimeoutMs },
        { name: "statement_timeout", milliseconds: statementTimeoutMs },
      ]);
      // A lock is named as the cause before the statement's own time is over.
      expect(lockTimeoutMs).toBeLessThan(statementTimeoutMs);
    },
  );
});

describe("a limit", () => {
  it("ends a statement that runs for too long, and leaves the connection clean", async () => {
    await withClient({ limits: { statementTimeoutMs: 100, poolSize: 1 } }, async (safetypin) => {
      await expect(
        safetypin.withSession(ann.sessionToken, (tx) => tx.query("select pg_sleep(20)")),
      ).rejects.toMatchObject({ code: "57014" });

      expect(await safetypin.withSession(ann.sessionToken, backend)).toEqual(expect.any(Number));
      expect(await backends()).toHaveLength(1);
    });
  });

  it("ends waiting for somebody else's lock", async () => {
    await withClient({ limits: { lockTimeoutMs: 100 } }, async (safetypin) => {
      const holder = await database.admin.connect();
      try {
        await holder.query("begin");
        await holder.query("update users set last_name = 'Held' where id = $1", [ann.userId]);
        await expect(
          safetypin.withSession(ann.sessionToken, (tx) =>
            tx.query("update users set last_name = 'Wanted' where id = $1", [ann.userId]),
          ),
        ).rejects.toMatchObject({ code: "55P03" });
      } finally {
        await holder.query("rollback");
        holder.release();
      }
    });
  });

  it("ends work that does nothing with its transaction open", async () => {
    await withClient({ limits: { idleInTransactionTimeoutMs: 100, poolSize: 1 } }, async (safetypin) => {
      const idle = safetypin.withSession(ann.sessionToken, async (tx) => {
        await backend(tx);
        await sleep(1_000);
        return backend(tx);
      });

      await expect(idle).rejects.toThrow();
      expect(await safetypin.withSession(ann.sessionToken, backend)).toEqual(expect.any(Number));
    });
  });

  it("ends waiting for a connection that others use", async () => {
    await withClient({ limits: { poolSize: 1, connectionTimeoutMs: 200 } }, async (safetypin) => {
      let done: () => void = () => undefined;
      const held = safetypin.withSession(ann.sessionToken, async (tx) => {
        await tx.caller();
        await new Promise<void>((resolve) => (done = resolve));
      });
      await sleep(50);

      await expect(safetypin.withSession(ann.sessionToken, backend)).rejects.toThrow(
        "All 1 connections of this process were in use",
      );
      done();
      await held;
    });
  });

  it("ends waiting for a server that does not answer", async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
    const { port } = silent.address() as AddressInfo;
    try {
      await expect(
        SafetyPin.connect({
          environment: "test",
          connectionString: `postgres://ann@127.0.0.1:${port}/none`,
          limits: { connectionTimeoutMs: 100 },
        }),
      ).rejects.toThrow(`No connection to 127.0.0.1:${port}`);
    } finally {
      silent.close();
    }
  });

  it("closes a connection that nobody uses", async () => {
    await withClient({ limits: { idleTimeoutMs: 100 } }, async (safetypin) => {
      await safetypin.withSession(ann.sessionToken, backend);
      await until(async () => (await backends()).length === 0);
    });
  });

  it("replaces a connection after its lifetime, used or not", async () => {
    await withClient({ limits: { maxLifetimeSeconds: 1, idleTimeoutMs: 60_000, poolSize: 1 } }, async (safetypin) => {
      const first = await safetypin.withSession(ann.sessionToken, backend);
      await until(async () => (await safetypin.withSession(ann.sessionToken, backend)) !== first);
    });
  });

  it("keeps the pool to its size", async () => {
    await withClient({ limits: { poolSize: 2 } }, async (safetypin) => {
      const used = await Promise.all(
        Array.from({ length: 8 }, () =>
          safetypin.withSession(ann.sessionToken, async (tx) => {
            const pid = await backend(tx);
            await tx.query("select pg_sleep(0.05)");
            return pid;
          }),
        ),
      );
      expect(new Set(used).size).toBe(2);
    });
  });
});

describe("connecting", () => {
  const url = () => new URL(database.connectionString("app"));
  const refusal = async (options: ConnectOptions): Promise<ConfigurationError> => {
    const error: unknown = await connectForTest(database, options).then(
      (safetypin) => safetypin.close(),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(inspect(error, { depth: null })).not.toContain(url().password || "no password is empty");
    return error as ConfigurationError;
  };

  it.each([
    ["another scheme", "mysql://ann:secret@db/clinic", 'is no address of a PostgreSQL: "mysql://…@db/clinic"'],
    ["a password with a slash", "postgres://ann:se/cret@db:port/clinic", "cannot be read"],
  ])("refuses %s, without the password", async (_, connectionString, sentence) => {
    const error = await refusal({ connectionString });

    expect(error.message).toContain(sentence);
    expect(error.remedy).toContain("postgres://USER:PASSWORD@HOST:PORT/DATABASE");
    expect(inspect(error)).not.toMatch(/secret|se\/cret/);
  });

  it("names the address where no server listens", async () => {
    const error = await refusal({ connectionString: "postgres://ann@127.0.0.1:1/clinic" });
    expect(error.message).toBe("No server listens at 127.0.0.1:1");
  });

  it("names the database that there is not", async () => {
    const wrong = url();
    wrong.pathname = "/no_such_database";
    expect((await refusal({ connectionString: wrong.href })).message).toContain('no database "no_such_database"');
  });

  it("names the cell that there is not, and one that cannot be", async () => {
    expect(await refusal({ cell: "elsewhere" })).toMatchObject({
      message: 'There is no cell "elsewhere" in this database',
      remedy: expect.stringContaining("safetypin bootstrap --cell elsewhere") as string,
    });
    expect((await refusal({ cell: "Else where" })).message).toBe('"Else where" cannot be a cell\'s name');
  });

  it("names the login that is none of an application's", async () => {
    const error = await refusal({ connectionString: database.connectionString("operator") });
    expect(error).toMatchObject({
      message: `"${database.cell}_operator_login" is not let into cell "${database.cell}" as an application`,
      remedy: expect.stringContaining(`${database.cell}_app_login`) as string,
    });
  });

  it("names the cell that is not migrated", async () => {
    await database.admin.query("create schema bare authorization safetypin_owner");
    await database.admin.query(`grant usage on schema bare to ${database.cell}_app_login`);
    try {
      expect(await refusal({ cell: "bare" })).toMatchObject({
        message: 'Cell "bare" is not migrated',
        remedy: "Run: safetypin migrate up --cell bare",
      });
    } finally {
      await database.admin.query("drop schema bare");
    }
  });

  it("names the extensions that are missing", async () => {
    const rename = (from: string, to: string) =>
      database.admin.query("update pg_extension set extname = $2 where extname = $1", [from, to]);
    await rename("pg_trgm", "hidden");
    try {
      expect(await refusal({})).toMatchObject({
        message: "The database lacks the extension pg_trgm",
        remedy: "Run: safetypin bootstrap",
      });
    } finally {
      await rename("hidden", "pg_trgm");
    }
  });

  it("refuses a server that is too old", async () => {
    const { rows } = await database.admin.query<{ version: string }>(
      "select current_setting('server_version_num') as version",
    );
    const version = Number(rows[0]?.version);
    // As the driver gets it: an integer in text.
    const older = (chunk: Buffer) => {
      const place = chunk.indexOf(String(version));
      if (place >= 0) chunk.write("140011", place);
      return chunk;
    };
    const relay = await openRelay(database.connectionString("app"), { fromServer: older });
    try {
      expect((await refusal({ connectionString: relay.connectionString })).message).toBe(
        "The server is PostgreSQL 14, and SafetyPin needs 15 or later",
      );
    } finally {
      await relay.close();
    }
  });

  it("notices a pooler, and gives statements no names unless told to", async () => {
    // BackendKeyData names the pooler's own key, and not the backend's process.
    const pooled = (chunk: Buffer) => {
      const place = chunk.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
      if (place >= 0) chunk.writeInt32BE(chunk.readInt32BE(place + 5) + 1, place + 5);
      return chunk;
    };
    const relay = await openRelay(database.connectionString("app"), { fromServer: pooled });
    const log: LogEntry[] = [];
    const named = (safetypin: SafetyPin) =>
      safetypin.withSession(ann.sessionToken, async (tx) => {
        await tx.query("select $1::integer", [1]);
        return (await tx.query("select name from pg_prepared_statements")).rows.length > 0;
      });
    const options = { connectionString: relay.connectionString, log: (entry: LogEntry) => log.push(entry) };
    try {
      expect(await withClient(options, named)).toBe(false);
      expect(await withClient({ ...options, statementNames: true }, named)).toBe(true);
    } finally {
      await relay.close();
    }
    expect(log.map(({ event }) => event)).toEqual(["pooler_detected"]);
    expect(await withClient({}, named)).toBe(true);
    expect(await withClient({ statementNames: false }, named)).toBe(false);
  });
});

describe("in production", () => {
  const production = { environment: "production", keys: keysOfProduction(), tls: "as-configured", allowVulnerableServer: true } as const;

  it("serves nobody over a network in the clear", async () => {
    for (const sslmode of ["disable", "prefer", "require", "no-verify"]) {
      const url = new URL(database.connectionString("app"));
      url.searchParams.set("sslmode", sslmode);
      await expect(SafetyPin.connect({ connectionString: url.href })).rejects.toThrow(
        `would cross the network in the clear: sslmode=${sslmode}`,
      );
    }
    await expect(SafetyPin.connect({ pool: { host: "db", ssl: false } })).rejects.toThrow("in the clear: ssl: false");
    await expect(SafetyPin.connect({ connectionString: database.connectionString("app") })).rejects.toThrow(
      /No connection to|TLS/,
    );
  });

  it("serves nobody while a table's fence is down, and names it", async () => {
    await database.admin.query("alter table users no force row level security");
    try {
      await expect(withClient(production, async () => undefined)).rejects.toMatchObject({
        name: "ConfigurationError",
        message: expect.stringMatching(/^In production nobody is served while .*table users/) as string,
        remedy: expect.stringContaining("alter table") as string,
      });
    } finally {
      await database.admin.query("alter table users force row level security");
    }
    await withClient(production, async () => undefined);
  });

  it("does not serve as a superuser", async () => {
    await expect(
      withClient({ ...production, connectionString: database.connectionString("admin") }, async () => undefined),
    ).rejects.toThrow("superuser");
  });
});
