import { appendFile, readFile, writeFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";

import type pg from "pg";

import { prepareDatabase } from "../src/development/prepare-database.js";
import { checkAtRest } from "../src/doctor/at-rest-check.js";
import { runCatalogChecks } from "../src/doctor/catalog-check.js";
import { CHECKS, examine } from "../src/doctor/doctor.js";
import type { Finding } from "../src/doctor/finding.js";
import { checkIsolation, ISOLATION_CHECKS } from "../src/doctor/isolation.js";
import { credentials } from "../src/doctor/credentials-check.js";
import { checkEvidence } from "../src/doctor/evidence-check.js";
import { checkRestore } from "../src/doctor/restore-check.js";
import { checkAuthentication, checkSettings } from "../src/doctor/settings-check.js";
import { checkTls } from "../src/doctor/tls-check.js";
import { indexes, indexUsage, partitions, triggers } from "../src/doctor/upkeep-checks.js";
import { parseCellName } from "../src/migrations/cell.js";
import { runCli } from "./support/cli.js";
import { useServer } from "./support/server.js";
import { connect } from "./support/template.js";

const cell = parseCellName("safetypin");
const CATALOG_CHECKS = [...ISOLATION_CHECKS, triggers, partitions, indexes, indexUsage, credentials];

// Most flaws are of roles, which belong to the whole server: this file has one of its own.
const context = useServer({ settings: { shared_preload_libraries: "pg_stat_statements" } });
let admin: pg.Client;

const urlOf = (login: string) => {
  const url = new URL(context.server.connectionString());
  url.username = login;
  return url.href;
};

beforeAll(async () => {
  admin = await connect(context.server.connectionString());
  await prepareDatabase(admin, { cell, environment: "test" });
  await admin.query(`
    create role somebody login nosuperuser;
    create role middle nologin;
    create role almighty nologin superuser;
    create role acme_app_login login;
  `);
}, 120_000);

afterAll(() => admin.end());

/** What is told of an object, by a check. */
const about = (findings: readonly Finding[], check: string, object: string) =>
  findings.filter((finding) => finding.check === check && finding.object === object);

/** A server is as old as it is: what is known against it is another test's. */
const apartFromServer = (findings: readonly Finding[]) =>
  findings.filter(({ check }) => check !== "server-version");

describe("a cell that nobody has touched", () => {
  test("is sound, whoever of those who may looks", async () => {
    for (const login of ["postgres", "safetypin_migrator", "safetypin_app_login", "somebody"]) {
      const client = await connect(urlOf(login));
      try {
        const { findings, environment } = await examine(client, { cell });
        expect(apartFromServer(findings)).toEqual([]);
        // Who may not ask is told the worst.
        expect(environment).toBe(login === "somebody" ? "production" : "test");
      } finally {
        await client.end();
      }
    }
  });

  test("is looked at in every way by a superuser, and a lesser login is told what it could not see", async () => {
    expect((await examine(admin, { cell })).skipped.map(({ check }) => check)).toEqual(["at-rest", "slow-queries"]);

    const client = await connect(urlOf("safetypin_app_login"));
    try {
      const { skipped } = await examine(client, { cell });
      expect(skipped.map(({ check }) => check)).toEqual([
        "authentication",
        "clock",
        "alerts",
        "keys",
        "sealed-fields",
        "restore",
        "master-keys",
        "key-shares",
        "at-rest",
        "slow-queries",
        "migrations",
        "privileges",
        "catalog",
      ]);
      expect(skipped.find(({ check }) => check === "catalog")?.reason).toContain("safetypin_migrator");
    } finally {
      await client.end();
    }
  });

  test("is looked at to the end, whatever somebody else has put into its schema", async () => {
    const strange = {
      "view strange_view": "create view safetypin.strange_view as select id from safetypin.users",
      "materialized view strange_summary": "create materialized view safetypin.strange_summary as select 1 as one",
      "table strange_table":
        "create table safetypin.strange_table (a integer generated always as identity primary key, b integer generated always as (1) stored)",
      'table Strange "table': 'create table safetypin."Strange ""table" ("select" safetypin.strange_table)',
      "table strange_child": "create table safetypin.strange_child () inherits (safetypin.strange_table)",
      "foreign table strange_elsewhere":
        "create foreign data wrapper nowhere; create server nowhere foreign data wrapper nowhere; create foreign table safetypin.strange_elsewhere (a integer) server nowhere",
      "aggregate strange_sum(integer)": "create aggregate safetypin.strange_sum(integer) (sfunc = int4pl, stype = integer)",
      "range strange_range": "create type safetypin.strange_range as range (subtype = integer)",
      "rule strange_view.strange_rule":
        "create rule strange_rule as on insert to safetypin.strange_view do instead nothing",
    };
    for (const statement of Object.values(strange)) await admin.query(statement);
    try {
      for (const login of ["postgres", "safetypin_migrator"]) {
        const client = await connect(urlOf(login));
        try {
          const { findings, skipped } = await examine(client, { cell });
          expect(findings.filter(({ check }) => check === "catalog").map(({ object }) => object)).toEqual(
            expect.arrayContaining(Object.keys(strange)),
          );
          expect(skipped.map(({ check }) => check)).not.toContain("catalog");
        } finally {
          await client.end();
        }
      }
    } finally {
      await admin.query(`
        drop table safetypin."Strange ""table", safetypin.strange_child, safetypin.strange_table;
        drop view safetypin.strange_view;
        drop materialized view safetypin.strange_summary;
        drop foreign data wrapper nowhere cascade;
        drop aggregate safetypin.strange_sum(integer);
        drop type safetypin.strange_range;
      `);
    }
  });

  test("is compared with its chapters by the primary only", async () => {
    const client = await connect(urlOf("safetypin_migrator"));
    try {
      await client.query("set default_transaction_read_only = on");
      const { findings, skipped } = await examine(client, { cell });
      expect(apartFromServer(findings)).toEqual([]);
      expect(skipped.filter(({ reason }) => reason.includes("primary")).map(({ check }) => check)).toEqual([
        "privileges",
        "catalog",
      ]);
    } finally {
      await client.end();
    }
  });

  test("is sound to the application that connects to it, on any search_path", async () => {
    const client = await connect(urlOf("safetypin_app_login"));
    try {
      await client.query("set search_path = ''");
      const findings = await checkIsolation(client, { cell, environment: "development" });
      expect(apartFromServer(findings)).toEqual([]);
    } finally {
      await client.end();
    }
  });

  test("says who it is that is above the fences when an application connects as that one", async () => {
    const findings = await checkIsolation(admin, { cell, environment: "development" });
    expect(about(findings, "connected-login", "role postgres")).toEqual([
      expect.objectContaining({ severity: "critical", remedy: expect.stringContaining("safetypin_app_login") }),
    ]);

    const migrator = await connect(urlOf("safetypin_migrator"));
    try {
      const found = await checkIsolation(migrator, { cell, environment: "development" });
      expect(about(found, "connected-login", "role safetypin_migrator")).toHaveLength(1);
    } finally {
      await migrator.end();
    }
  });

  test("that does not exist is a finding for an application, and an error for the doctor", async () => {
    const findings = await checkIsolation(admin, { cell: "nowhere", environment: "development" });
    expect(about(findings, "schemas", "schema nowhere")).toEqual([
      expect.objectContaining({ severity: "critical", remedy: "safetypin bootstrap --cell nowhere" }),
    ]);
    await expect(examine(admin, { cell: parseCellName("nowhere") })).rejects.toThrow(
      'There is no cell "nowhere" in this database; there is safetypin',
    );
  });
});

interface Flaw {
  /** The check that has to see it. */
  readonly check: string;
  readonly severity: "critical" | "warning" | "info";
  readonly object: string;

  /** How the flaw is made. */
  readonly made: string;

  /** Whether what it says is for a person, or outside a transaction. */
  readonly isForPeople?: true;
}

const fifteen = "current_setting('server_version_num')::integer < 160000";

const FLAWS: readonly Flaw[] = [
  // role-attributes
  ...["superuser", "bypassrls", "createrole", "replication", "login"].map((attribute): Flaw => ({
    check: "role-attributes",
    severity: "critical",
    object: "role safetypin_app",
    made: `alter role safetypin_app ${attribute}`,
  })),
  {
    check: "role-attributes",
    severity: "critical",
    object: "role safetypin_app_login",
    made: "alter role safetypin_app_login bypassrls",
  },
  {
    check: "role-attributes",
    severity: "warning",
    object: "role safetypin_backup_login",
    made: "alter role safetypin_backup_login createdb",
  },
  {
    check: "role-attributes",
    severity: "critical",
    object: "role somebody",
    made: "grant safetypin_app to somebody; alter role somebody bypassrls",
  },
  {
    check: "role-attributes",
    severity: "critical",
    object: "role safetypin_monitor",
    made: "alter role safetypin_monitor rename to safetypin_watcher",
    isForPeople: true,
  },

  // memberships
  {
    check: "memberships",
    severity: "critical",
    object: "role safetypin_app_login",
    made: "grant safetypin_owner to safetypin_app_login",
  },
  {
    check: "memberships",
    severity: "critical",
    object: "role safetypin_app",
    made: "grant safetypin_definer to safetypin_app",
  },
  {
    check: "memberships",
    severity: "critical",
    object: "role safetypin_app_login",
    made: "grant safetypin_keyholder to middle; grant middle to safetypin_app_login",
  },
  {
    check: "memberships",
    severity: "critical",
    object: "role safetypin_app_login",
    made: "grant safetypin_operator to safetypin_app_login",
  },
  {
    check: "memberships",
    severity: "critical",
    object: "role safetypin_app",
    made: "grant pg_read_server_files to safetypin_app",
  },
  {
    check: "memberships",
    severity: "critical",
    object: "role safetypin_operator_login",
    made: "grant almighty to safetypin_operator_login",
  },
  {
    check: "memberships",
    severity: "critical",
    object: "role safetypin_auditor_login",
    made: "grant safetypin_migrator to safetypin_auditor_login",
  },
  {
    check: "memberships",
    severity: "warning",
    object: "role safetypin_app_login",
    made: "revoke safetypin_app from safetypin_app_login",
  },
  {
    check: "memberships",
    severity: "warning",
    object: "role safetypin_app_login_b",
    made: "grant safetypin_app_login to safetypin_app_login_b",
  },
  {
    check: "memberships",
    severity: "warning",
    object: "role somebody",
    made: "grant safetypin_app_login to somebody",
  },
  {
    check: "memberships",
    severity: "critical",
    object: "role safetypin_migrator",
    made: `do $$
      begin
        if ${fifteen} then
          alter role safetypin_migrator inherit;
        else
          execute 'grant safetypin_definer to safetypin_migrator with inherit true';
        end if;
      end;
    $$`,
  },
  {
    check: "memberships",
    severity: "critical",
    object: "role safetypin_migrator",
    made: "grant safetypin_backup to safetypin_migrator",
  },
  {
    check: "memberships",
    severity: "warning",
    object: "role somebody",
    made: "grant safetypin_owner to somebody",
  },
  {
    check: "memberships",
    severity: "critical",
    object: "role safetypin_owner",
    made: "grant middle to safetypin_owner",
  },

  // row-security
  {
    check: "row-security",
    severity: "critical",
    object: "table users",
    made: "alter table safetypin.users disable row level security",
  },
  {
    check: "row-security",
    severity: "critical",
    object: "table context_keys",
    made: "alter table safetypin.context_keys no force row level security",
  },
  {
    check: "row-security",
    severity: "critical",
    object: "partition auth_audit_logs_$MONTH",
    made: "alter table safetypin.auth_audit_logs_$MONTH no force row level security",
  },
  {
    check: "row-security",
    severity: "critical",
    object: "partition elsewhere.stray",
    made: `create schema elsewhere;
      create table elsewhere.stray (like safetypin.auth_audit_logs including defaults including constraints);
      alter table safetypin.auth_audit_logs attach partition elsewhere.stray
        for values from ('1999-01-01') to ('1999-02-01')`,
  },
  {
    check: "row-security",
    severity: "critical",
    object: "materialized view everybody",
    made: `create materialized view safetypin.everybody as select * from safetypin.users;
      grant select on safetypin.everybody to safetypin_app`,
  },

  // fences
  {
    check: "fences",
    severity: "critical",
    object: "table user_roles",
    made: "drop policy tenant_fence on safetypin.user_roles",
  },
  {
    check: "fences",
    severity: "critical",
    object: "table sessions",
    made: "alter policy tenant_fence on safetypin.sessions using (true) with check (true)",
  },
  {
    check: "fences",
    severity: "critical",
    object: "table organizations",
    made: "drop policy tenant_fence on safetypin.organizations",
  },
  {
    check: "fences",
    severity: "critical",
    object: "table role_permissions",
    made: "drop policy tenant_fence on safetypin.role_permissions",
    isForPeople: true,
  },
  {
    check: "fences",
    severity: "critical",
    object: "table appointments",
    made: `create table safetypin.appointments (organization_id uuid);
      alter table safetypin.appointments owner to safetypin_owner;
      alter table safetypin.appointments enable row level security;
      alter table safetypin.appointments force row level security;
      grant select on safetypin.appointments to safetypin_app`,
  },
  {
    check: "fences",
    severity: "critical",
    object: "partition data_change_logs_$MONTH",
    made: "grant select on safetypin.data_change_logs_$MONTH to safetypin_auditor",
  },
  {
    check: "fences",
    severity: "critical",
    object: "policy users.update_self",
    made: "alter policy update_self on safetypin.users to public",
  },
  {
    check: "fences",
    severity: "critical",
    object: "policy users.select_all",
    made: "create policy select_all on safetypin.users for select to safetypin_app using (true)",
  },

  // functions
  {
    check: "functions",
    severity: "critical",
    object: "function _open_digest_keys(p_purpose text)",
    made: "alter function safetypin._open_digest_keys(text) reset search_path",
  },
  {
    check: "functions",
    severity: "critical",
    object: "function _open_digest_keys(p_purpose text)",
    made: "alter function safetypin._open_digest_keys(text) set search_path = safetypin, extensions",
  },
  {
    check: "functions",
    severity: "critical",
    object: "function _open_digest_keys(p_purpose text)",
    made: "alter function safetypin._open_digest_keys(text) set search_path = public, safetypin, extensions, pg_temp",
  },
  {
    check: "functions",
    severity: "critical",
    object: "function anybodys(p_id uuid, OUT name text)",
    made: `create function safetypin.anybodys(p_id uuid, out name text)
      language plpgsql security definer as $$ begin select email into name from users where id = p_id; end; $$;
      set local search_path = ''`,
  },
  {
    check: "functions",
    severity: "warning",
    object: "function _require_user()",
    made: "alter function safetypin._require_user() reset search_path",
  },
  {
    check: "functions",
    severity: "critical",
    object: "function _now()",
    made: "alter function safetypin._now() owner to postgres",
  },
  {
    check: "functions",
    severity: "critical",
    object: "function _now()",
    made: "grant execute on function safetypin._now() to public",
  },
  {
    check: "functions",
    severity: "critical",
    object: "function new_id()",
    made: "alter function safetypin.new_id() leakproof",
  },

  {
    check: "functions",
    severity: "critical",
    object: "default privileges of safetypin_definer on functions",
    made: "alter default privileges for role safetypin_definer grant execute on functions to public",
  },

  // views
  {
    check: "views",
    severity: "critical",
    object: "view published_users",
    made: "alter view safetypin.published_users set (security_invoker = false)",
  },
  {
    check: "views",
    severity: "warning",
    object: "view live_sessions",
    made: "alter view safetypin.live_sessions reset (security_barrier)",
  },

  // ownership
  {
    check: "ownership",
    severity: "critical",
    object: "table users",
    made: "alter table safetypin.users owner to somebody",
  },
  {
    check: "ownership",
    severity: "critical",
    object: "table tenant_keys",
    made: "alter table safetypin.tenant_keys owner to safetypin_owner",
  },
  {
    check: "ownership",
    severity: "critical",
    object: "schema safetypin",
    made: "alter schema safetypin owner to somebody",
  },

  // schemas
  {
    check: "schemas",
    severity: "critical",
    object: "schema safetypin",
    made: "grant create on schema safetypin to safetypin_app",
  },
  {
    check: "schemas",
    severity: "critical",
    object: "schema extensions",
    made: "grant create on schema extensions to public",
  },
  {
    check: "schemas",
    severity: "critical",
    object: "schema safetypin",
    made: "grant usage on schema safetypin to safetypin_app",
  },
  {
    check: "schemas",
    severity: "critical",
    object: "schema safetypin",
    made: "grant usage on schema safetypin to acme_app_login",
  },
  {
    check: "schemas",
    severity: "warning",
    object: "schema public",
    made: "grant create on schema public to public",
  },
  {
    check: "schemas",
    severity: "warning",
    object: "database postgres",
    made: "grant temporary on database postgres to public",
  },
  {
    check: "schemas",
    severity: "warning",
    object: "database postgres",
    made: "grant create on database postgres to safetypin_app_login",
  },

  // powers
  {
    check: "powers",
    severity: "critical",
    object: "table users",
    made: "grant truncate, references on safetypin.users to safetypin_app",
  },
  {
    check: "powers",
    severity: "critical",
    object: "table permissions",
    made: "grant select on safetypin.permissions to public",
  },
  {
    check: "powers",
    severity: "critical",
    object: "sequence clock_high_water",
    made: "grant usage on sequence safetypin.clock_high_water to public",
  },
  {
    check: "powers",
    severity: "critical",
    object: "column context_keys.secret",
    made: "grant select on safetypin.context_keys to safetypin_app",
  },
  {
    check: "powers",
    severity: "critical",
    object: "column context_keys.secret",
    made: "grant select (secret) on safetypin.context_keys to safetypin_operator",
  },

  // triggers
  {
    check: "triggers",
    severity: "critical",
    object: "trigger users._900_record_update",
    made: "alter table safetypin.users disable trigger _900_record_update",
  },
  {
    check: "triggers",
    severity: "critical",
    object: "trigger auth_audit_logs._500_append_only",
    made: "alter table safetypin.auth_audit_logs enable trigger _500_append_only",
  },
  {
    check: "triggers",
    severity: "critical",
    object: "trigger organization_users._500_count_insert",
    made: "alter table safetypin.organization_users enable replica trigger _500_count_insert",
  },
  {
    check: "triggers",
    severity: "critical",
    object: "partition auth_audit_logs_$MONTH",
    made: "drop trigger _500_no_truncate on safetypin.auth_audit_logs_$MONTH",
  },
  {
    check: "triggers",
    severity: "critical",
    object: "table data_change_logs",
    made: "drop trigger _500_append_only on safetypin.data_change_logs",
    // The partitions lack it too.
    isForPeople: true,
  },

  // partitions
  {
    check: "partitions",
    severity: "critical",
    object: "table auth_audit_logs",
    made: "alter table safetypin.auth_audit_logs detach partition safetypin.auth_audit_logs_$NEXT",
    isForPeople: true,
  },
  {
    check: "partitions",
    severity: "critical",
    object: "table access_attempt_logs",
    made: "drop table safetypin.access_attempt_logs_$MONTH",
    isForPeople: true,
  },

  // credentials
  {
    check: "credentials",
    severity: "warning",
    object: "role safetypin_app_login",
    made: "alter role safetypin_app_login valid until '2020-01-01'",
    isForPeople: true,
  },
  {
    check: "credentials",
    severity: "warning",
    object: "role safetypin_migrator",
    made: "alter role safetypin_migrator valid until '2020-01-01'",
    isForPeople: true,
  },
  {
    check: "credentials",
    severity: "warning",
    object: "role safetypin_app_login_b",
    made: "alter role safetypin_app_login_b login",
    isForPeople: true,
  },

  // indexes
  {
    check: "indexes",
    severity: "warning",
    object: "index sessions_pkey",
    made: "update pg_index set indisvalid = false where indexrelid = 'safetypin.sessions_pkey'::regclass",
    isForPeople: true,
  },
  {
    check: "indexes",
    severity: "warning",
    object: "constraint notes.notes_user_id_fkey",
    made: `create table safetypin.notes (
      user_id uuid constraint notes_user_id_fkey references safetypin.users
    )`,
  },
];

describe("each flaw of the catalog is found, and what the doctor says mends it", () => {
  const month = (ahead: number) => {
    const now = new Date();
    const then = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1));
    return then.toISOString().slice(0, 7).replace("-", "_");
  };
  const dated = (text: string) => text.replaceAll("$MONTH", month(0)).replaceAll("$NEXT", month(1));
  const look = () => runCatalogChecks(admin, { cell, environment: "test" }, CATALOG_CHECKS);

  test.each(FLAWS)("$check: $made", async ({ check, severity, object, made, isForPeople }) => {
    await admin.query("begin");
    try {
      await admin.query(dated(made));
      const found = about(await look(), check, dated(object));
      expect(found).not.toEqual([]);
      expect(found.map((finding) => finding.severity)).toContain(severity);
      if (isForPeople) return;

      for (const { remedy } of found) {
        // What cannot run in a transaction does the same without that word.
        await admin.query(remedy.replace(" concurrently", ""));
      }
      expect(about(await look(), check, dated(object))).toEqual([]);
    } finally {
      await admin.query("rollback");
    }
  });

  test("no check is without a flaw that it was seen to find, here or in a test of its own", async () => {
    const tried = new Set(FLAWS.map(({ check }) => check));
    const elsewhere: Readonly<Record<string, readonly [string, string]>> = {
      "server-version": ["doctor-server-versions.test.ts", "production"],
      "index-usage": ["doctor.test.ts", "an index that nobody uses and a table that is read whole are worth knowing"],
      migrations: ["doctor.test.ts", "a chapter that waits, one that was changed, one from another release"],
      privileges: ["doctor.test.ts", "whatever was changed by hand is found, and mended by what the doctor says"],
      catalog: ["doctor.test.ts", "whatever was changed by hand is found, and mended by what the doctor says"],
      tls: ["doctor.test.ts", "and takes old TLS, or ciphers that protect nothing, is warned of"],
      settings: ["doctor.test.ts", "settings that would write secrets into the log"],
      authentication: ["doctor.test.ts", "a line that trusts another machine, and one that takes md5"],
      clock: ["doctor.test.ts", "a clock that went back"],
      alerts: ["doctor.test.ts", "critical alerts that nobody resolved, counted also for the migration login"],
      keys: ["doctor-keys.test.ts", "that is older than it was to be"],
      "master-keys": ["doctor-keys.test.ts", "that is another than the one that is configured"],
      "key-shares": ["doctor-keys.test.ts", "a share that does not open"],
      "sealed-fields": ["sealed-fields.test.ts", "a field that one of the two does not know, or knows otherwise"],
      restore: ["doctor.test.ts", "a database that came out of a backup"],
      "at-rest": ["doctor.test.ts", "whether the volume is encrypted is what nobody can see here"],
      "slow-queries": ["doctor.test.ts", "slow queries, where pg_stat_statements tells"],
    };
    expect(CHECKS.map(({ id }) => id).filter((id) => !tried.has(id)).sort()).toEqual(Object.keys(elsewhere).sort());
    for (const [file, title] of Object.values(elsewhere)) {
      expect(await readFile(join(__dirname, file), "utf8")).toMatch(new RegExp(`^\\s*(test|describe)\\("[^"]*${title}`, "m"));
    }
  });

  test.each([
    ["a scraper has the role for scrapers", "grant pg_monitor to safetypin_monitor_login"],
    ["an application has a second login", "grant safetypin_app to somebody; grant usage on schema safetypin to somebody"],
    ["an administrator owns the migration login", "grant safetypin_migrator to somebody with admin option"],
  ])("%s: no flaw of an application", async (_, made) => {
    await admin.query("begin");
    try {
      await admin.query(made);
      const critical = (await look()).filter(({ severity }) => severity === "critical");
      expect(critical).toEqual([]);
    } finally {
      await admin.query("rollback");
    }
  });

  test("an index that nobody uses and a table that is read whole are worth knowing", async () => {
    await admin.query(`
      create table safetypin.heap (id integer);
      create index heap_id_idx on safetypin.heap (id);
      insert into safetypin.heap select generate_series(1, 60000);
      analyze safetypin.heap;
      select pg_stat_force_next_flush();
    `);
    await admin.query(`
      set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off;
      do $$ begin for n in 1..60 loop perform from safetypin.heap where id = n limit 1; end loop; end; $$;
      reset enable_indexscan; reset enable_indexonlyscan; reset enable_bitmapscan;
      select pg_stat_force_next_flush();
    `);
    try {
      const found = (await look()).filter(({ check }) => check === "index-usage");
      expect(found.map(({ object, severity }) => `${severity} ${object}`).sort()).toEqual([
        "info index heap_id_idx",
        "info table heap",
      ]);
    } finally {
      await admin.query("drop table safetypin.heap");
    }
  });
});

describe("a sealed column that applications may read", () => {
  test.each([
    ["application", "safetypin_app", []],
    ["database", "safetypin_app", ["column users.diary"]],
    ["application", "safetypin_operator", ["column users.diary"]],
  ])("opened by the %s, granted to %s", async (openedBy, role, objects) => {
    await admin.query("begin");
    try {
      await admin.query(`set local search_path = safetypin, extensions, pg_temp`);
      await admin.query(`
        alter table users add column diary bytea;
        comment on column users.diary is 'A diary. [sealed]';
        select _declare_sealed_field('users', 'diary', 90001, 'cell', '${openedBy}', 100, 'It is private.');
        grant select (diary) on users to ${role}`);
      const findings = (await checkIsolation(admin, { cell })).filter(({ check }) => check === "powers");
      expect(findings.map(({ object }) => object)).toEqual(objects);
    } finally {
      await admin.query("rollback");
    }
  });
});

describe("settings that would write secrets into the log", () => {
  const look = (environment: "production" | "test") => checkSettings(admin, { cell, environment });

  test.each([
    ["log_parameter_max_length", "alter database postgres set log_statement = 'all'"],
    ["log_parameter_max_length", "alter database postgres set log_min_duration_statement = '1s'"],
    ["log_parameter_max_length", "alter database postgres set log_transaction_sample_rate = 0.01"],
    ["log_parameter_max_length of role safetypin_app_login", "alter role safetypin_app_login set log_statement = 'mod'"],
    [
      "log_parameter_max_length of role safetypin_app_login",
      "alter role safetypin_app_login in database postgres set log_min_duration_statement = 0",
    ],
    ["log_parameter_max_length_on_error", "alter database postgres set log_parameter_max_length_on_error = -1"],
    ["debug_print_plan", "alter database postgres set debug_print_plan = on"],
    ["debug_print_parse", "alter database postgres set debug_print_parse = on"],
    ["debug_print_rewritten", "alter database postgres set debug_print_rewritten = on"],
    [
      "auto_explain.log_verbose",
      "alter database postgres set auto_explain.log_min_duration = 0; alter database postgres set auto_explain.log_verbose = on",
    ],
    [
      "auto_explain.log_nested_statements",
      "alter database postgres set auto_explain.log_min_duration = 0; alter database postgres set auto_explain.log_nested_statements = on",
    ],
    [
      "auto_explain.log_parameter_max_length",
      "alter database postgres set auto_explain.log_min_duration = 0; alter database postgres set auto_explain.log_parameter_max_length = -1",
    ],
    ["pgaudit.log_parameter", "alter database postgres set pgaudit.log_parameter = on"],
    [
      "session_replication_role of role safetypin_operator_login",
      "alter role safetypin_operator_login set session_replication_role = replica",
    ],
    // What a login can do to itself.
    ...["safetypin_app_login", "safetypin_auditor_login"].flatMap((login) =>
      [
        ["row_security", "off"],
        ["role", login.replace("_login", "")],
        ["default_transaction_read_only", "on"],
        ["local_preload_libraries", "$libdir/plugins/x"],
      ].map(([setting, value]) => [
        `${setting} of role ${login}`,
        `set local role ${login}; alter role current_user in database postgres set ${setting} = '${value}'; reset role`,
      ]),
    ),
    ["row_security", "alter database postgres set row_security = off"],
  ])("%s, after %s", async (setting, made) => {
    await admin.query("begin");
    try {
      await admin.query(made);
      const found = (await look("production")).filter(({ object }) => object === `setting ${setting}`);
      expect(found.map(({ severity }) => severity)).toEqual(["critical"]);
      expect((await look("test")).filter(({ object }) => object === `setting ${setting}`)).toEqual([
        expect.objectContaining({ severity: "warning" }),
      ]);

      // A remedy for the whole server cannot run in a transaction; the same for this database can.
      const remedy = (found[0]?.remedy ?? "")
        .replace(/^alter system (.*?); select pg_reload_conf\(\);$/, "alter database postgres $1;");
      await admin.query(remedy);
      expect((await look("production")).filter(({ object }) => object === `setting ${setting}`)).toEqual([]);
    } finally {
      await admin.query("rollback");
    }
  });

  test("what else a login was given is told, but for limits", async () => {
    await admin.query("begin");
    try {
      await admin.query(`
        set local role safetypin_app_login;
        alter role current_user set search_path = public;
        alter role current_user in database postgres set datestyle = 'German, DMY';
        alter role current_user set statement_timeout = '5s';
        alter role current_user set application_name = 'the application';
        reset role`);
      const found = await look("production");
      expect(found.map(({ severity, object }) => `${severity} ${object}`).sort()).toEqual([
        "info setting DateStyle of role safetypin_app_login",
        "info setting search_path of role safetypin_app_login",
      ]);
      for (const { remedy } of found) await admin.query(remedy);
      expect(await look("production")).toEqual([]);
    } finally {
      await admin.query("rollback");
    }
  });

  test("a statement that is logged without its parameters is no flaw", async () => {
    await admin.query("begin");
    try {
      await admin.query(`
        alter database postgres set log_statement = 'all';
        alter database postgres set log_parameter_max_length = 0;
      `);
      expect(await look("production")).toEqual([]);
    } finally {
      await admin.query("rollback");
    }
  });

  test("plans in the log, and digests of md5, are warned of", async () => {
    await admin.query("begin");
    try {
      await admin.query(`
        alter database postgres set auto_explain.log_min_duration = '1s';
        alter database postgres set password_encryption = 'md5';
      `);
      expect((await look("production")).map(({ severity, object }) => `${severity} ${object}`)).toEqual([
        "warning setting auto_explain.log_min_duration",
        "warning setting password_encryption",
      ]);
    } finally {
      await admin.query("rollback");
    }
  });
});

describe("two logins that take turns", () => {
  test("are no flaw, and what is set for the second counts too", async () => {
    await admin.query("begin");
    try {
      await admin.query(`
        alter role safetypin_app_login_b login;
        alter role safetypin_app_login nologin valid until '2020-01-01';
      `);
      expect(await runCatalogChecks(admin, { cell, environment: "production" }, CATALOG_CHECKS)).toEqual([]);

      await admin.query("alter role safetypin_app_login_b set debug_print_plan = on");
      expect(await checkSettings(admin, { cell, environment: "production" })).toEqual([
        expect.objectContaining({ object: "setting debug_print_plan of role safetypin_app_login_b" }),
      ]);
    } finally {
      await admin.query("rollback");
    }
  });
});

describe("a server that listens to other machines", () => {
  const open = useServer({ settings: { listen_addresses: "*" } });

  // Of this machine, and not of its loopback interface.
  const address = Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .find(({ internal, family }) => !internal && family === "IPv4")?.address;

  (address === undefined ? test.skip : test)("and is spoken to in the clear is critical in production", async () => {
    const hba = join(open.server.dataDirectory, "pg_hba.conf");
    await appendFile(hba, "\nhost all all samehost trust\n");
    const owner = await connect(open.server.connectionString());
    await owner.query("create role clinic_app_login login; select pg_reload_conf(), pg_sleep(0.2)");
    const through = new URL(open.server.connectionString());
    through.hostname = address ?? "";
    const inTheClear = await connect(through.href);
    through.username = "clinic_app_login";
    const application = await connect(through.href);
    try {
      const found = await checkTls(inTheClear, { cell: "clinic", environment: "production" });
      expect(found.map(({ severity, object, problem }) => `${severity} ${object} ${problem}`).sort()).toEqual([
        `critical connection of clinic_app_login crosses the network in the clear, from ${address ?? ""}`,
        `critical connection of postgres, this one crosses the network in the clear, from ${address ?? ""}`,
      ]);
      expect((await checkTls(inTheClear, { cell: "clinic", environment: "test" })).map(({ severity }) => severity)).toEqual(["warning", "warning"]);
      expect(await checkTls(owner, { cell: "other", environment: "production" })).toEqual([]);
    } finally {
      for (const client of [owner, inTheClear, application]) await client.end();
    }
  });

  test("and takes old TLS, or ciphers that protect nothing, is warned of, with what mends it", async () => {
    const client = await connect(open.server.connectionString());
    const reload = async () => {
      await client.query("select pg_reload_conf()");
      await client.query("select pg_sleep(0.2)");
    };
    const look = async () => checkTls(client, { cell, environment: "production" });
    try {
      expect(await look()).toEqual([]);
      await client.query("alter system set ssl_min_protocol_version = 'TLSv1.1'");
      await client.query("alter system set ssl_ciphers = 'HIGH:eNULL:!RC4'");
      await reload();
      const found = await look();
      expect(found.map(({ severity, object, problem }) => `${severity} ${object}: ${problem}`).sort()).toEqual([
        "warning setting ssl_ciphers: takes ciphers that protect nothing, or not for long: eNULL",
        "warning setting ssl_min_protocol_version: lets connections be made with TLS 1.0 or 1.1, which are broken",
      ]);
      for (const { remedy } of found) for (const statement of remedy.split("; ")) await client.query(statement);
      await reload();
      expect(await look()).toEqual([]);
    } finally {
      await client.end();
    }
  });

  test("without TLS is critical in production", async () => {
    const client = await connect(open.server.connectionString());
    try {
      expect(await checkSettings(client, { cell, environment: "production" })).toEqual([
        expect.objectContaining({
          severity: "critical",
          object: "setting ssl",
          remedy: "alter system set ssl = 'on'; select pg_reload_conf();",
        }),
      ]);
    } finally {
      await client.end();
    }
  });
});

describe("who gets in", () => {
  test("a line that trusts another machine, and one that takes md5", async () => {
    const file = join(context.server.dataDirectory, "pg_hba.conf");
    const before = await readFile(file, "utf8");
    try {
      await appendFile(
        file,
        `
host all all 10.0.0.0/8 trust
hostssl all all 192.0.2.0/24 md5
host all all 198.51.100.0/24 scram-sha-256
hostssl all all 203.0.113.0/24 scram-sha-256
# It looks like this machine.
host all all 127.0.0.1/0 trust
host all all ::1/0 trust
host all all all ident
# These are this machine, and whoever shows a certificate.
host all all 127.0.0.0/8 trust
host all all ::1/128 trust
hostssl all all 203.0.113.0/24 trust clientcert=verify-full
`,
      );
      const { findings } = await examine(admin, { cell });
      const found = findings.filter(({ check }) => check === "authentication");
      expect(found.map(({ severity, problem }) => `${severity}: ${problem}`)).toEqual([
        "critical: lets everybody at 10.0.0.0/255.0.0.0 be whom they say",
        "critical: lets everybody at 127.0.0.1/0.0.0.0 be whom they say",
        "critical: lets everybody at ::1/:: be whom they say",
        "critical: lets everybody be whom their own machine says, at every machine",
        "warning: takes md5 passwords",
        "warning: lets 198.51.100.0/255.255.255.0 in without TLS",
      ]);
    } finally {
      await writeFile(file, before);
    }
  });

  test("a login of ours whose password is an md5 digest", async () => {
    const login = "safetypin_monitor_login";
    await admin.query(`set password_encryption = 'md5'; alter role ${login} password 'watched by md5'; reset password_encryption`);
    try {
      expect(about((await checkAuthentication(admin)) ?? [], "authentication", `role ${login}`)).toHaveLength(1);
    } finally {
      await admin.query(`alter role ${login} password null`);
    }
  });
});

describe("what the cell has noticed", () => {
  test("a clock that went back", async () => {
    const look = async () => ((await checkEvidence(admin, cell)) ?? []).filter(({ check }) => check === "clock");
    const { rows } = await admin.query<{ mark: string }>("select last_value as mark from safetypin.clock_high_water");
    await admin.query("select setval('safetypin.clock_high_water', safetypin._mark_of(clock_timestamp() + interval '50 minutes'))");
    try {
      const { findings } = await examine(admin, { cell });
      expect(findings.filter(({ check }) => check === "clock")).toEqual([
        expect.objectContaining({ severity: "warning", problem: expect.stringMatching(/^is (2999|3000) s behind/) }),
      ]);
      // By hours, it is the mark that is wrong; and what is told to do mends it, for whom it is told to.
      await admin.query("select setval('safetypin.clock_high_water', safetypin._mark_of(clock_timestamp() + interval '30 days'))");
      const [finding] = await look();
      expect(finding).toMatchObject({ severity: "critical", object: "sequence clock_high_water" });
      const migrator = await connect(urlOf("safetypin_migrator"));
      try {
        // Before PostgreSQL 16 this login inherits nothing, and says who it is.
        await migrator.query("set role safetypin_owner");
        await migrator.query(/select setval.*;/.exec(finding?.remedy ?? "")?.[0] ?? "");
      } finally {
        await migrator.end();
      }
      expect(await look()).toEqual([]);
    } finally {
      await admin.query("select setval('safetypin.clock_high_water', $1)", [rows[0]?.mark]);
    }
  });

  test("a database that came out of a backup, or whose server has another timeline", async () => {
    const migrator = await connect(urlOf("safetypin_migrator"));
    const look = () => checkRestore(migrator, { cell });
    try {
      await admin.query("select safetypin.declare_restored()");
      const { findings, skipped } = await examine(migrator, { cell });
      expect(skipped.map(({ check }) => check)).not.toContain("restore");
      expect(findings.filter(({ check }) => check === "restore")).toEqual(await look());
      expect(await look()).toEqual([
        expect.objectContaining({ severity: "critical", problem: expect.stringContaining("nobody signs in") }),
      ]);
      await admin.query("select safetypin.confirm_restore()");
      expect(await look()).toEqual([]);

      // What the ledger is for is that it is somewhere else.
      await admin.query(
        `insert into safetypin.users (id, first_name, last_name, status)
         values ('00000000-0000-7000-8000-000000000001', 'No', 'Body', 'deleted')`,
      );
      await admin.query("select safetypin.shred_person('00000000-0000-7000-8000-000000000001')");
      expect(await look()).toEqual([
        expect.objectContaining({ severity: "warning", problem: expect.stringContaining("has shredded 1 of which no exported ledger knows") }),
      ]);
      await admin.query("select safetypin.export_shreddings()");
      expect(await look()).toEqual([]);

      // As it is known to be the same, and once was on another.
      await admin.query(
        `update safetypin.cell_incarnations set timeline_id = timeline_id + 6, xid = txid_current()
         where number = (select max(number) from safetypin.cell_incarnations)`,
      );
      expect(await look()).toEqual([
        expect.objectContaining({ severity: "warning", problem: expect.stringMatching(/is on timeline 1 .*was on 7 /) }),
      ]);
      await admin.query("select safetypin.confirm_restore()");
      expect(await look()).toEqual([]);
    } finally {
      await migrator.end();
    }
  }, 90_000);

  test("critical alerts that nobody resolved, counted also for the migration login", async () => {
    await admin.query(
      `insert into safetypin.security_alerts (alert_type, severity)
       values ('refresh_token_reused', 'critical'), ('refresh_token_reused', 'critical'), ('clock_went_back', 'high')`,
    );
    const migrator = await connect(urlOf("safetypin_migrator"));
    try {
      const { findings } = await examine(migrator, { cell });
      expect(findings.filter(({ check }) => check === "alerts")).toEqual([
        expect.objectContaining({
          object: "alert refresh_token_reused",
          problem: expect.stringContaining("2 critical alerts"),
        }),
      ]);
    } finally {
      await migrator.end();
      await admin.query("delete from safetypin.security_alerts");
    }
  });

  test("slow queries, where pg_stat_statements tells", async () => {
    await admin.query("create extension pg_stat_statements schema extensions");
    const app = await connect(urlOf("safetypin_app_login"));
    try {
      for (let call = 0; call < 5; call += 1) await app.query("select pg_sleep(0.11)");
      const { findings, skipped } = await examine(admin, { cell });
      expect(findings.filter(({ check }) => check === "slow-queries").map(({ problem }) => problem)).toEqual([
        expect.stringContaining("pg_sleep"),
      ]);
      expect(skipped.map(({ check }) => check)).toEqual(["at-rest"]);
    } finally {
      await app.end();
      await admin.query("drop extension pg_stat_statements");
    }
  });
});

describe("whether the volume is encrypted is what nobody can see here", () => {
  test.each([
    ["a server of one's own", undefined, "lsblk"],
    ["Amazon RDS or Aurora", "rds.extensions", "StorageEncrypted"],
    ["Azure Database", "azure.extensions", "az postgres flexible-server show"],
    ["Cloud SQL", "cloudsql.iam_authentication", "gcloud sql instances describe"],
  ])("on %s, and whoever can is named", async (_, setting, command) => {
    const client = await connect(urlOf("safetypin_migrator"));
    try {
      // What only that vendor's servers have.
      if (setting !== undefined) await client.query("select set_config($1, 'on', false)", [setting]);
      expect(await checkAtRest(client, cell)).toEqual({ findings: [], unseen: expect.stringContaining(command) as string });
    } finally {
      await client.end();
    }
  });
});

describe("Percona's pg_tde, where it is installed", () => {
  /** What stands for it: an extension of that name, with a function of that name, and a list to answer from. */
  const STAND_IN = `
    create extension tcn schema extensions;
    set allow_system_table_mods = on;
    update pg_extension set extname = 'pg_tde' where extname = 'tcn';
    reset allow_system_table_mods;
    create schema tde;
    create table tde.encrypted (relation oid primary key);
    create function tde.pg_tde_is_encrypted(relation regclass) returns boolean
      strict language sql stable as 'select exists (select from tde.encrypted where encrypted.relation = $1)';
    grant usage on schema tde to public;
    grant select on tde.encrypted to public`;
  const JOIN = "alter extension pg_tde add function tde.pg_tde_is_encrypted(regclass)";
  const DELICATE = `
    select oid from pg_class where relnamespace = 'safetypin'::regnamespace and relkind = 'r'`;

  beforeAll(() => admin.query(STAND_IN));
  afterAll(() => admin.query("drop extension pg_tde cascade; drop schema if exists tde cascade"));
  afterEach(() => admin.query("delete from tde.encrypted; reset pg_tde.wal_encrypt"));

  async function look(client: pg.ClientBase = admin) {
    const { findings, unseen } = await checkAtRest(client, cell);
    return { found: findings.map(({ severity, object, remedy }) => `${severity} ${object}: ${remedy}`), said: unseen };
  }

  test("is not asked by a function that is not its own", async () => {
    expect(await look()).toEqual({ found: [], said: expect.stringMatching(/^PostgreSQL cannot say/) });
    await admin.query(JOIN);
    expect(await look()).toEqual({ found: [], said: expect.stringMatching(/^pg_tde encrypts 0 of the \d+ tables/) });
  });

  test("nor by somebody who may not", async () => {
    const migrator = await connect(urlOf("safetypin_migrator"));
    try {
      expect((await look(migrator)).said).toMatch(/^pg_tde encrypts 0/);
      await admin.query("revoke execute on function tde.pg_tde_is_encrypted(regclass) from public");
      expect((await look(migrator)).said).toMatch(/^PostgreSQL cannot say/);
      await admin.query("grant execute on function tde.pg_tde_is_encrypted(regclass) to public");
      await admin.query("revoke usage on schema tde from public");
      expect((await look(migrator)).said).toMatch(/^PostgreSQL cannot say/);
      await admin.query("grant usage on schema tde to public");
    } finally {
      await migrator.end();
    }
  });

  test("where it encrypts all that says something of people, and the log, that is said", async () => {
    await admin.query(`insert into tde.encrypted ${DELICATE}`);
    await admin.query("select set_config('pg_tde.wal_encrypt', 'on', false)");
    const { found, said } = await look();
    expect(found).toEqual([]);
    const [, encrypted, all] = /^pg_tde encrypts (\d+) of the (\d+) tables .*, and the write-ahead log;/.exec(said) ?? [];
    expect(encrypted).toBe(all);
    expect(Number(all)).toBeGreaterThan(15);
    // The volume is another matter.
    expect(said).toContain("lsblk");
  });

  test("a table that it does not encrypt is named, a partition too, and a log in the clear", async () => {
    const { rows } = await admin.query<{ partition: string }>(
      `select format('%I.%I', 'safetypin', relname) as partition
       from pg_inherits join pg_class on pg_class.oid = inhrelid
       where inhparent = 'safetypin.access_attempt_logs'::regclass order by 1 limit 1`,
    );
    const { partition } = rows[0] as { partition: string };
    await admin.query(
      `insert into tde.encrypted ${DELICATE} and oid <> all (array['safetypin.users', $1, 'safetypin.permissions']::regclass[])`,
      [partition],
    );
    const { found } = await look();
    expect(found.sort()).toEqual(
      [
        `warning table ${partition}: alter table ${partition} set access method tde_heap;`,
        "warning table safetypin.users: alter table safetypin.users set access method tde_heap;",
        expect.stringMatching(/^warning setting pg_tde.wal_encrypt: alter system set pg_tde.wal_encrypt = on;/),
      ].sort(),
    );
    const { findings, skipped } = await examine(admin, { cell });
    expect(findings.filter(({ check }) => check === "at-rest")).toHaveLength(3);
    expect(skipped.find(({ check }) => check === "at-rest")?.reason).toMatch(/^pg_tde encrypts/);
  });

  test("one that answers nothing, or fails, is as none", async () => {
    await admin.query(
      "create or replace function tde.pg_tde_is_encrypted(relation regclass) returns boolean strict language plpgsql as 'begin raise exception $m$not loaded$m$; end'",
    );
    expect(await look()).toEqual({ found: [], said: expect.stringMatching(/^PostgreSQL cannot say/) });
  });
});

describe("the chapters and the cell", () => {
  const migrationsOf = (findings: readonly Finding[]) =>
    findings.filter(({ check }) => check === "migrations").map(({ severity, object }) => `${severity} ${object}`);

  test("a chapter that waits, one that was changed, one from another release", async () => {
    const { rows } = await admin.query("select * from safetypin.migrations order by id");
    const newest = rows.at(-1) as { id: number; name: string; hash: string };
    const file = `${String(newest.id).padStart(4, "0")}_${newest.name}.sql`;
    try {
      await admin.query("update safetypin.migrations set hash = 'another' where id = $1", [newest.id]);
      expect(migrationsOf((await examine(admin, { cell })).findings)).toEqual([`critical chapter ${file}`]);

      await admin.query("update safetypin.migrations set id = 9000, name = 'future' where id = $1", [newest.id]);
      expect(migrationsOf((await examine(admin, { cell })).findings)).toEqual([
        `critical chapter ${file}`,
        "warning chapter 9000_future",
      ]);

      await admin.query("delete from safetypin.migrations where id = 9000");
      expect(migrationsOf((await examine(admin, { cell })).findings)).toEqual([`warning chapter ${file}`]);
    } finally {
      await admin.query("delete from safetypin.migrations where id in ($1, 9000)", [newest.id]);
      await admin.query("insert into safetypin.migrations (id, name, hash) values ($1, $2, $3)", [
        newest.id,
        newest.name,
        newest.hash,
      ]);
    }
  });

  const BY_HAND = [
    ["privileges", "critical", "table users", "grant delete on safetypin.users to safetypin_app"],
    ["privileges", "warning", "table cloud_providers", "revoke select on safetypin.cloud_providers from safetypin_app"],
    ["privileges", "critical", "column users.status", "grant update (status) on safetypin.users to safetypin_app"],
    [
      "privileges",
      "critical",
      "function _now()",
      "grant execute on function safetypin._now() to safetypin_app with grant option",
    ],
    ["privileges", "critical", "sequence clock_high_water", "grant update on sequence safetypin.clock_high_water to safetypin_app"],
    [
      "catalog",
      "critical",
      "policy users.update_self",
      "alter policy update_self on safetypin.users using (true)",
    ],
    ["catalog", "critical", "policy sessions.tenant_fence", "drop policy tenant_fence on safetypin.sessions"],
    ["catalog", "warning", "policy roles.select_member", "comment on policy select_member on safetypin.roles is null"],
    ["catalog", "critical", "policy users.delete_anybody", "create policy delete_anybody on safetypin.users for delete to safetypin_app using (false)"],
    ["catalog", "warning", "index sessions.sessions_user_id_idx", "drop index safetypin.sessions_user_id_idx"],
    ["catalog", "critical", "trigger users._900_record_delete", "alter table safetypin.users disable trigger _900_record_delete"],
    ["catalog", "critical", "table users", "alter table safetypin.users no force row level security"],
    ["catalog", "critical", "trigger users._100_extra", "create trigger _100_extra before update on safetypin.users for each row execute function safetypin.tg__touch_last_update_time()"],
  ] as const;

  test("whatever was changed by hand is found, and mended by what the doctor says", async () => {
    const path = "set search_path = safetypin, extensions, pg_temp";
    try {
      for (const [, , , made] of BY_HAND) await admin.query(made);
      const { findings } = await examine(admin, { cell });
      const remedies: string[] = [];
      for (const [check, severity, object] of BY_HAND) {
        const found = about(findings, check, object);
        expect(found).toContainEqual(expect.objectContaining({ check, severity, object }));
        remedies.push(...found.map(({ remedy }) => remedy));
      }

      for (const remedy of remedies) {
        // A DBA runs it, or becomes whom it names.
        const [, role = "postgres", sql = remedy] = /^Run as (\w+), .*?\): (.*)$/.exec(remedy) ?? [];
        await admin.query(`begin; ${path}; set local role ${role}`);
        await admin.query(sql);
        await admin.query("commit");
      }
    } finally {
      await admin.query("rollback; reset search_path; reset role");
    }
    expect(apartFromServer((await examine(admin, { cell })).findings)).toEqual([]);
  });

  test("a function that was replaced is told with the place of its text", async () => {
    const { rows } = await admin.query<{ before: string }>(
      "select pg_get_functiondef('safetypin._require_user'::regproc) as before",
    );
    await admin.query(`
      set search_path = safetypin, extensions, pg_temp;
      create or replace function _require_user() returns uuid language plpgsql stable parallel restricted
        set search_path from current as $$ begin return new_id(); end; $$;
      reset search_path;
    `);
    try {
      const found = about((await examine(admin, { cell })).findings, "catalog", "function _require_user()");
      expect(found).toEqual([
        expect.objectContaining({
          severity: "critical",
          remedy: expect.stringMatching(/0001_foundation\.sql, line \d+\) the statement "create function _require_user"/),
        }),
      ]);
    } finally {
      await admin.query(rows[0]?.before ?? "");
    }
  });
});

describe("safetypin doctor", () => {
  const doctor = (...args: string[]) =>
    runCli(["doctor", ...args], { env: { DATABASE_URL: urlOf("safetypin_migrator") } });

  test("ends with 0 when nothing is critical, and answers scripts in one shape", async () => {
    const { code, stdout } = await doctor("--json");
    expect(code).toBe(0);
    const answer = JSON.parse(stdout) as Record<string, unknown> & { findings: Finding[] };
    expect(Object.keys(answer)).toEqual(["cell", "environment", "server", "counts", "findings", "skipped"]);
    expect(answer).toMatchObject({ cell, environment: "test", counts: { critical: 0, info: 0 } });
    expect(apartFromServer(answer.findings)).toEqual([]);
  });

  test("ends with 8 for a warning when it has to be strict, with 9 for what is critical", async () => {
    try {
      await admin.query("grant temporary on database postgres to public");
      const lenient = await doctor();
      expect(lenient.code).toBe(0);
      expect(lenient.stdout).toContain("revoke temporary on database postgres from public;");
      expect((await doctor("--strict")).code).toBe(8);

      await admin.query("grant safetypin_owner to safetypin_app_login");
      const { code, stdout } = await doctor("--strict", "--json");
      expect(code).toBe(9);
      expect((JSON.parse(stdout) as { findings: Finding[] }).findings[0]).toEqual({
        check: "memberships",
        severity: "critical",
        object: "role safetypin_app_login",
        problem: "is a member of safetypin_owner, for which there are no fences",
        remedy: "revoke safetypin_owner from safetypin_app_login;",
      });
    } finally {
      await admin.query(`
        revoke temporary on database postgres from public;
        revoke safetypin_owner from safetypin_app_login;
      `);
    }
  });

  test("ends with 1 and a sentence when there is no such cell", async () => {
    const { code, stderr } = await doctor("--cell", "nowhere");
    expect(code).toBe(1);
    expect(stderr).toContain('There is no cell "nowhere"');
  });

  test("its help and its page name every check", async () => {
    const { stdout } = await runCli(["doctor", "--help"]);
    const page = await readFile("docs/doctor.md", "utf8");
    for (const { id } of CHECKS) {
      expect(stdout).toContain(id);
      expect(page).toContain(`\`${id}\``);
    }
  });
});
