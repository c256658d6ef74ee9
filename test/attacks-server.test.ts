import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import pg from "pg";

import { withMigrationLock } from "../src/migrations/lock.js";
import {
  beginRequest,
  email,
  newToken,
  openSessions,
  organizationId,
  sessionToken,
  sha256,
  signIn,
  userId,
} from "./support/actors.js";
import { useDatabase } from "./support/database.js";

/*
 * What every login of a server shares, whatever the schema says: its files, its
 * notifications, its locks, its list of who is doing what, and its languages.
 */

const db = useDatabase({ template: "pgtap" });
const ZOE = () => sessionToken("zoe", "zenith");

beforeAll(async () => {
  await db.admin.query("select tests.two_organizations()");
  await openSessions(db.admin, ["ann"], "acme");
  await openSessions(db.admin, ["zoe"], "zenith");
});

/** Does the work as zoe in zenith, over the application's login, and undoes it. */
async function asZoe<Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
  const client = await db.app.connect();
  try {
    await client.query("begin");
    await beginRequest(client, ZOE());
    return await work(client);
  } finally {
    await client.query("rollback");
    client.release();
  }
}

const codeOf = (answer: Promise<unknown>) => answer.then(() => "done", (error: { code: string }) => error.code);

describe("COPY", () => {
  /** What `copy … to stdout` sends. */
  const copied = (client: pg.ClientBase, statement: string) =>
    new Promise<string>((resolve, reject) => {
      const chunks: Buffer[] = [];
      const query = new pg.Query(statement);
      Object.assign(query, { handleCopyData: ({ chunk }: { chunk: Buffer }) => chunks.push(chunk) });
      query.on("end", () => resolve(Buffer.concat(chunks).toString()));
      query.on("error", reject);
      client.query(query);
    });

  test("hands out the rows that a select would", async () => {
    await asZoe(async (client) => {
      expect(await copied(client, "copy (select first_name from users) to stdout")).toBe("Zoe\n");
      expect(await copied(client, "copy users (first_name) to stdout")).toBe("Zoe\n");
      expect(await copied(client, "copy organizations (id) to stdout")).toBe(`${organizationId("zenith")}\n`);
    });
  });

  test("hands everything to whom row-level security does not bind", async () => {
    const client = await db.admin.connect();
    try {
      expect(await copied(client, "copy users (first_name) to stdout")).toContain("Ann");
    } finally {
      client.release();
    }
  });

  test.each([
    "copy users to stdout",
    "copy password_credentials (digest) to stdout",
    "copy context_keys to stdout",
    "copy (select token_hash from sessions) to stdout",
    "copy users (email) from stdin",
    "copy organization_users (organization_id, user_id, role) from stdin",
    "copy sessions (id) from stdin",
    "copy password_policies (organization_id) from stdin",
    "copy (select 1) to '/tmp/stolen'",
    "copy (select 1) to program 'id'",
    "copy users (email) from '/etc/passwd'",
    "copy users (email) from program 'id'",
  ])("is refused: %s", async (statement) => {
    // To write into a fenced table COPY is not a way at all: 0A000, feature not supported.
    expect(await asZoe((client) => codeOf(client.query(statement)))).toMatch(/^(42501|0A000)$/);
  });
});

describe("a notification", () => {
  const channels = ["safetypin", "users", "sessions", "organizations", "audit", "alerts", "password", "events"];

  async function heardDuring(work: () => Promise<unknown>): Promise<string[]> {
    const heard: string[] = [];
    const listener = await db.app.connect();
    try {
      listener.on("notification", ({ channel, payload }) => heard.push(`${channel}: ${payload}`));
      for (const channel of channels) await listener.query(`listen ${channel}`);
      await work();
      await listener.query("select 1");
      await sleep(50);
      await listener.query("select 1");
    } finally {
      listener.release(true);
    }
    return heard;
  }

  const rename = () => db.admin.query("update organizations set name = name || '!' where id = $1", [organizationId("acme")]);

  test("is sent by no function of ours", async () => {
    const { rows } = await db.admin.query(
      `select oid::regprocedure
       from pg_proc
       where pronamespace = current_schema()::regnamespace
         and case prokind when 'f' then pg_get_functiondef(oid) end ~* '(pg_notify\\s*\\(|\\mnotify\\s+\\w+)'`,
    );
    expect(rows).toEqual([]);
  });

  test("tells nobody of what others do", async () => {
    const heard = await heardDuring(async () => {
      await signIn(db.app, email("ann"), { organization: "acme" });
      await rename();
    });
    expect(heard).toEqual([]);
  });

  test("would, were there a trigger that sends one", async () => {
    await db.admin.query(`
      create function naive_tell() returns trigger language plpgsql as $$
      begin
        perform pg_notify('organizations', new.name);
        return null;
      end;
      $$;
      create trigger naive_tell after update on organizations for each row execute function naive_tell()`);
    try {
      expect(await heardDuring(rename)).toEqual([expect.stringMatching(/^organizations: Acme/)]);
    } finally {
      await db.admin.query("drop function naive_tell cascade");
    }
  });
});

describe("advisory locks that the application holds", () => {
  let holder: pg.PoolClient;

  beforeAll(async () => {
    holder = await db.app.connect();
    await holder.query("select pg_advisory_lock(-8525285245963000605)");
    await holder.query("select pg_advisory_lock(n) from generate_series(-500, 500) as n");
    await holder.query("select pg_advisory_lock(n, m) from generate_series(0, 20) as n, generate_series(0, 20) as m");
    await holder.query(
      `select pg_advisory_lock(hashtext(subject)), pg_advisory_lock(hashtextextended(subject, 0))
       from unnest($1::text[]) as subject`,
      [[email("ann"), userId("ann"), organizationId("acme"), "users", "sessions", "make_partitions", "safetypin"]],
    );
  });

  afterAll(() => holder.release(true));

  const impatient = async (login: "app" | "operator", statement: string, values: unknown[] = []) => {
    const client = await db.pool(login).connect();
    try {
      await client.query("set lock_timeout = '2s'");
      return await codeOf(client.query(statement, values));
    } finally {
      client.release(true);
    }
  };

  test("keep nobody from signing in, and no request from beginning", async () => {
    expect((await signIn(db.app, email("ann"), { organization: "acme" })).status).toBe("signed_in");
    expect(await impatient("app", "select begin_request($1)", [ZOE()])).toBe("done");
  });

  test.each(["make_partitions()", "sweep_sessions()", "sweep_password_attempts()", "raise_operational_alerts()"])(
    "do not keep %s from its work",
    async (call) => {
      expect(await impatient("operator", `select ${call}`)).toBe("done");
    },
  );

  test("can keep a migration waiting, which says who it is", async () => {
    const client = await db.admin.connect();
    try {
      const migration = withMigrationLock(client, { waitMs: 0 }, async () => "migrated");
      await expect(migration).rejects.toThrow("safetypin_app_login");
    } finally {
      client.release();
    }
  });

  test("would stop a function that takes one", async () => {
    await db.admin.query(`
      create function naive_count() returns bigint language plpgsql as $$
      begin
        perform pg_advisory_xact_lock(1);
        return 1;
      end;
      $$`);
    await db.admin.query("grant execute on function naive_count() to safetypin_app");
    expect(await impatient("app", "select naive_count()")).toBe("55P03");
  });

  test("are taken by no function of ours", async () => {
    const { rows } = await db.admin.query(
      `select oid::regprocedure
       from pg_proc
       where pronamespace = current_schema()::regnamespace
         and case prokind when 'f' then pg_get_functiondef(oid) end ~ 'advisory'
         and proname not like 'naive%'`,
    );
    expect(rows).toEqual([]);
  });
});

describe("the list of who is doing what", () => {
  /** Every statement that the application's login is shown, of every backend. */
  const overheard = async () => {
    const { rows } = await db.app.query<{ query: string }>("select coalesce(query, '') as query from pg_stat_activity");
    return rows.map(({ query }) => query).join("\n");
  };

  test("shows the statements of a sign-in, and no address, proof or token", async () => {
    const client = await db.app.connect();
    try {
      const seen: string[] = [];
      const secrets: string[] = [];
      const run = async (text: string, values: unknown[]) => {
        secrets.push(...values.map((value) => (Buffer.isBuffer(value) ? value.toString("hex") : String(value))));
        const { rows } = await client.query<Record<string, unknown>>(text, values);
        seen.push(await overheard());
        return rows[0] ?? {};
      };

      await client.query("begin");
      await client.query("select tests.unlock()");
      const { attempt_id: id } = await run("select * from begin_password_check($1)", [email("amy")]);
      await client.query("commit");
      await run("select submit_password_proof($1, $2)", [id, randomBytes(32)]);
      await run("select * from tests.finish_password_check($1, $2)", [id, sha256(newToken())]);
      await run("select * from begin_request($1)", [ZOE()]);

      expect(seen.join("\n")).toContain("begin_password_check($1)");
      expect(seen.join("\n")).toContain("begin_request($1)");
      for (const secret of secrets) expect(seen.join("\n")).not.toContain(secret);
    } finally {
      client.release(true);
    }
  });

  test("would show them, were they written into the statement", async () => {
    const client = await db.app.connect();
    try {
      await client.query(`select '${email("amy")}'`);
      expect(await overheard()).toContain(email("amy"));
    } finally {
      client.release(true);
    }
  });

  test("shows nothing of what other logins do", async () => {
    const operator = await db.pool("operator").connect();
    try {
      await operator.query("select 'the operator''s business'");
      expect(await overheard()).toContain("<insufficient privilege>");
      expect(await overheard()).not.toContain("operator''s business");
    } finally {
      operator.release();
    }
  });

  test("lets nobody end what other logins do", async () => {
    const operator = await db.pool("operator").connect();
    try {
      const { rows } = await operator.query<{ pid: number }>("select pg_backend_pid() as pid");
      for (const end of ["pg_cancel_backend", "pg_terminate_backend"]) {
        expect(await codeOf(db.app.query(`select ${end}($1)`, [rows[0]?.pid]))).toBe("42501");
      }
    } finally {
      operator.release();
    }
  });
});

describe("a DO block", () => {
  test("sees what its caller sees, also when it catches what it is refused", async () => {
    await asZoe((client) =>
      client.query(`
        do $$
        declare
          v_organization uuid;
        begin
          if exists (select from users where first_name <> 'Zoe') then raise exception 'others'; end if;
          for v_organization in select unnest(array['${organizationId("acme")}', '${organizationId("zenith")}']::uuid[]) loop
            perform set_config('safetypin.context', concat('|${userId("ann")}|', v_organization, '||3#', repeat('0', 64)), true);
            if exists (select from organizations) then raise exception 'forged'; end if;
            begin
              perform _set_context('${userId("ann")}', v_organization, gen_random_uuid(), 3::smallint);
              raise exception 'written';
            exception when insufficient_privilege then null;
            end;
            begin
              execute 'set local role safetypin_definer';
              raise exception 'became';
            exception when insufficient_privilege then null;
            end;
          end loop;
        end;
        $$`),
    );
  });

  test("raises where there is something to see, so that these would tell", async () => {
    await expect(
      asZoe((client) =>
        client.query(`
          do $$
          begin
            if exists (select from users where first_name = 'Zoe') then raise exception 'herself'; end if;
          end;
          $$`),
      ),
    ).rejects.toThrow("herself");
  });

  test("is in a language that is trusted, and there is no other", async () => {
    const { rows } = await db.app.query<{ name: string }>(
      "select lanname as name from pg_language where not lanpltrusted and lanname not in ('internal', 'c') and has_language_privilege(oid, 'usage')",
    );
    expect(rows).toEqual([]);
    expect(await codeOf(db.app.query("do language c ''"))).not.toBe("done");
  });
});
