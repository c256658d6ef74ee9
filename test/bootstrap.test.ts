import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import pg from "pg";

import { startServer, type EmbeddedServer } from "../src/development/embedded-server.js";
import { bootstrap, bootstrapScript } from "../src/migrations/bootstrap.js";
import { parseCellName } from "../src/migrations/cell.js";
import { up } from "../src/migrations/up.js";
import { declareEnvironment, seed } from "../src/seeds.js";
import { findInstallations } from "./support/fresh-servers.js";
import { connect } from "./support/template.js";

const run = promisify(execFile);
const cell = parseCellName("safetypin");
const acme = parseCellName("acme");

// Roles belong to a whole server, and who made them matters: each version gets a
// server of its own, where nobody has been before.
describe.each(findInstallations())("bootstrap on $name", ({ installation }) => {
  let server: EmbeddedServer;
  let superuser: pg.Client;
  const open: pg.Client[] = [];

  const connectAs = async (login: string, database: string) => {
    const url = new URL(server.connectionString(database));
    url.username = login;
    const client = await connect(url.href);
    open.push(client);
    return client;
  };

  /** A database of its own, owned by a managed cloud's admin. */
  const databaseOf = async (owner: string, name: string) => {
    await superuser.query(`create database ${name} owner ${owner} template template0`);
    return connectAs(owner, name);
  };

  beforeAll(async () => {
    server = await startServer({ installation });
    superuser = await connect(server.connectionString());
    await superuser.query(
      "create role cloud_admin login nosuperuser nobypassrls createrole; create role nobody_special login",
    );
  }, 60_000);

  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.end()));
  });

  afterAll(async () => {
    await superuser.end();
    await server.stop();
  });

  describe("for an admin who is no superuser", () => {
    let admin: pg.Client;

    beforeAll(async () => {
      const client = await databaseOf("cloud_admin", "clinic");
      await expect(bootstrap(client, { cell })).resolves.toEqual([]);
    });

    beforeEach(async () => {
      admin = await connectAs("cloud_admin", "clinic");
    });

    test("again changes nothing", async () => {
      const before = await standing(admin);
      await bootstrap(admin, { cell });
      expect(await standing(admin)).toEqual(before);
    });

    test("a superuser afterwards changes nothing either", async () => {
      const before = await standing(admin);
      await bootstrap(await connectAs("postgres", "clinic"), { cell });
      expect(await standing(admin)).toEqual(before);
    });

    test("gives back what was borrowed", async () => {
      const { rows } = await admin.query<{ role: string }>(
        `select rolname as role
         from pg_roles
         where rolname in ('safetypin_owner', 'safetypin_definer', 'safetypin_keyholder')
           and pg_has_role(current_user, oid, 'usage')`,
      );
      expect(rows).toEqual([]);
      await expect(admin.query("set role safetypin_definer")).rejects.toMatchObject({ code: "42501" });
    });

    test("keeps what was not: an admin who may become the owner still may", async () => {
      await superuser.query("create role second_admin login createrole");
      await superuser.query("grant safetypin_owner to second_admin");
      await superuser.query(
        `grant ${GROUPS.join(", ")} to second_admin with admin option`,
      );
      const client = await databaseOf("second_admin", "kept");
      await bootstrap(client, { cell: acme });
      await client.query("set role safetypin_owner");
    });

    test("the migration login inherits the owner at most, and sees no row", async () => {
      const migrator = await connectAs("safetypin_migrator", "clinic");
      await up(migrator, { cell });
      await declareEnvironment(migrator, "test", { cell });
      await seed(migrator, { cell });

      const { rows: login } = await migrator.query(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user",
      );
      expect(login).toEqual([
        { rolsuper: false, rolbypassrls: false, rolcreaterole: false, rolcreatedb: false },
      ]);

      const insider = await connectAs("postgres", "clinic");
      await insider.query("set search_path = safetypin, extensions, pg_temp");
      const tables = await tablesWithRows(insider);
      // The search would pass on an empty cell: there have to be secrets to miss.
      expect(tables).toEqual(expect.arrayContaining(["auth_audit_logs", "context_keys"]));

      const visible = async () => {
        const seen: string[] = [];
        for (const role of ["none", "safetypin_owner"]) {
          await migrator.query(`set role ${role}; set search_path = safetypin, extensions, pg_temp`);
          for (const table of tables) {
            if ((await countRows(migrator, table)) > 0) seen.push(table);
          }
        }
        return seen.filter((table) => !CATALOGUES.has(table));
      };
      expect(await visible()).toEqual([]);

      await insider.query("create policy planted on context_keys to safetypin_owner using (true)");
      expect(await visible()).toContain("context_keys");
    }, 60_000);

    test("nobody has what PostgreSQL gives to everybody", async () => {
      const stranger = await connectAs("nobody_special", "clinic");
      for (const statement of [
        "create temporary table mine (id integer)",
        "create schema mine",
        "create table public.mine (id integer)",
        "select safetypin.new_id()",
        "select extensions.gen_random_bytes(8)",
      ]) {
        await expect(stranger.query(statement)).rejects.toMatchObject({ code: "42501" });
      }
    });

    test("a function that the owners make is callable by nobody", async () => {
      const migrator = await connectAs("safetypin_migrator", "clinic");
      await migrator.query("begin; set local search_path = safetypin");
      for (const role of ["safetypin_owner", "safetypin_definer", "safetypin_keyholder"]) {
        await migrator.query(`set local role ${role}`);
        await migrator.query("create function probe() returns integer language sql return 1");
        const { rows } = await migrator.query(
          "select has_function_privilege('nobody_special', 'probe()', 'execute') as may",
        );
        expect(rows).toEqual([{ may: false }]);
        await migrator.query("drop function probe()");
      }
      await migrator.query("rollback");
    });

    test("of two logins that take turns neither may become the other, also where one was a member", async () => {
      const before = await standing(admin);
      const [one, other] = ["safetypin_app_login", "safetypin_app_login_b"];
      await admin.query(`grant ${one} to ${other}`);
      expect(await standing(admin)).not.toEqual(before);
      await bootstrap(admin, { cell });
      expect(await standing(admin)).toEqual(before);
      for (const turn of ["", "_b"]) {
        const { rows } = await admin.query(
          "select pg_has_role($1, 'safetypin_app', 'usage') as is_app, has_schema_privilege($1, 'safetypin', 'usage') as may_enter",
          [`${one}${turn}`],
        );
        expect(rows).toEqual([{ is_app: true, may_enter: true }]);
      }

      // From 16 on whoever granted it takes it back.
      await superuser.query(`grant ${one} to ${other}`);
      try {
        const { rows } = await superuser.query<{ is_free: boolean }>("select current_setting('server_version_num')::integer < 160000 as is_free");
        const again = bootstrap(admin, { cell });
        if (rows[0]?.is_free === true) {
          await again;
        } else {
          await expect(again).rejects.toMatchObject({
            message: expect.stringContaining(`${other} is a member of ${one}, and so may set its password`),
            remedy: expect.stringMatching(/^Whoever granted it, \w+, has to run: revoke safetypin_app_login from safetypin_app_login_b;$/),
          });
        }
      } finally {
        await superuser.query(`revoke ${one} from ${other}`);
      }
    });

    test("the login of one cell does not open another", async () => {
      await bootstrap(admin, { cell: acme });
      const migrator = await connectAs("safetypin_migrator", "clinic");
      await migrator.query(
        `set role safetypin_owner;
         create table acme.probe (id integer);
         grant select on acme.probe to safetypin_app`,
      );
      const [own, other] = [
        await connectAs("acme_app_login", "clinic"),
        await connectAs("safetypin_app_login", "clinic"),
      ];
      await own.query("select id from acme.probe");
      await expect(other.query("select id from acme.probe")).rejects.toMatchObject({ code: "42501" });
      await migrator.query("drop table acme.probe");
    });
  });

  describe("refuses, and changes nothing", () => {
    const refusals: readonly {
      readonly what: string;
      readonly as: string;
      readonly before?: readonly string[];
      readonly after?: readonly string[];
      readonly cell?: string;
      readonly sentence: RegExp;
      readonly remedy: RegExp;
    }[] = [
      {
        what: "a role that is above row level security",
        as: "postgres",
        before: ["alter role safetypin_definer bypassrls"],
        after: ["alter role safetypin_definer nobypassrls"],
        sentence: /safetypin_definer exists and is above row level security/,
        remedy: /alter role safetypin_definer nosuperuser nobypassrls;/,
      },
      {
        what: "a group role that logs in",
        as: "postgres",
        before: ["alter role safetypin_app login"],
        after: ["alter role safetypin_app nologin"],
        sentence: /safetypin_app exists with attributes that a group role must not have/,
        remedy: /alter role safetypin_app nologin/,
      },
      {
        what: "a login that is a superuser",
        as: "postgres",
        before: ["alter role safetypin_migrator superuser"],
        after: ["alter role safetypin_migrator nosuperuser"],
        sentence: /login safetypin_migrator exists and is above row level security/,
        remedy: /alter role safetypin_migrator nosuperuser/,
      },
      {
        what: "somebody who may not create roles",
        as: "nobody_special",
        sentence: /nobody_special may not create roles/,
        remedy: /alter role nobody_special createrole;/,
      },
      {
        what: "a database of somebody else",
        as: "cloud_admin",
        sentence: /cloud_admin does not own database refusing/,
        remedy: /alter database refusing owner to cloud_admin;/,
      },
      {
        what: "a schema of somebody else",
        as: "postgres",
        before: ["create schema safetypin"],
        after: ["drop schema safetypin"],
        sentence: /schema safetypin exists and belongs to postgres/,
        remedy: /alter schema safetypin owner to safetypin_owner;/,
      },
      {
        what: "extensions in the cell itself",
        as: "postgres",
        before: ["create schema safetypin", "create extension pgcrypto with schema safetypin"],
        after: ["drop schema safetypin cascade"],
        sentence: /the extensions are in schema safetypin, which is to be the cell/,
        remedy: /alter extension pgcrypto set schema extensions;/,
      },
      {
        what: "extensions apart",
        as: "postgres",
        before: [
          "create schema here",
          "create schema there",
          "create extension pgcrypto with schema here",
          "create extension pg_trgm with schema there",
        ],
        after: ["drop schema here cascade", "drop schema there cascade"],
        sentence: /extension pg_trgm is in schema there, pgcrypto is in here/,
        remedy: /alter extension pg_trgm set schema here;/,
      },
      {
        what: "a schema for extensions in which everybody may create",
        as: "postgres",
        before: ["create schema extensions", "grant create on schema extensions to public"],
        after: ["drop schema extensions cascade"],
        sentence: /everybody may create in schema extensions/,
        remedy: /revoke create on schema extensions from public;/,
      },
      {
        what: "a name that no cell can have",
        as: "postgres",
        cell: "Acme Health",
        sentence: /"Acme Health" cannot be a cell's name/,
        remedy: /lower-case/,
      },
    ];

    beforeAll(async () => {
      // The roles are there, the database is as PostgreSQL makes it.
      await superuser.query("create database refusing template template0");
    });

    test.each(refusals)("$what", async ({ as, before = [], after = [], cell: name, sentence, remedy }) => {
      const owner = await connectAs("postgres", "refusing");
      const client = as === "postgres" ? owner : await connectAs(as, "refusing");
      for (const statement of before) await owner.query(statement);
      try {
        const state = await standing(owner);
        await expect(bootstrap(client, { cell: (name as typeof cell | undefined) ?? cell })).rejects.toMatchObject({
          name: "ConfigurationError",
          message: expect.stringMatching(sentence),
          remedy: expect.stringMatching(remedy),
        });
        expect(await standing(owner)).toEqual(state);
      } finally {
        for (const statement of after) await owner.query(statement);
      }
    });

    test("while a migration is running", async () => {
      const [runner, client] = [
        await connectAs("postgres", "refusing"),
        await connectAs("postgres", "refusing"),
      ];
      await runner.query("select pg_try_advisory_lock(-8525285245963000605)");
      await expect(client.query(await bootstrapScript(cell))).rejects.toMatchObject({
        message: expect.stringContaining("a migration or another bootstrap is running"),
      });
      await client.query("rollback");
      await expect(bootstrap(client, { cell, waitMs: 0 })).rejects.toMatchObject({ code: "locked" });
    });
  });

  test("takes extensions as it finds them, when they are together", async () => {
    const client = await databaseOf("cloud_admin", "found");
    await client.query("create schema tools; create extension pgcrypto with schema tools");
    await bootstrap(client, { cell });

    const { rows } = await client.query(
      "select extname as name, extnamespace::regnamespace::text as schema from pg_extension where extname in ('pgcrypto', 'pg_trgm') order by 1",
    );
    expect(rows).toEqual([
      { name: "pg_trgm", schema: "tools" },
      { name: "pgcrypto", schema: "tools" },
    ]);
    await up(await connectAs("safetypin_migrator", "found"), { cell });
  });

  test("the printed script does in psql what the command does", async () => {
    const psql = installation === undefined ? undefined : join(installation, "bin", "psql");
    const byScript = await databaseOf("cloud_admin", "by_script");
    const script = await bootstrapScript(acme);

    if (psql === undefined) {
      await byScript.query(script);
    } else {
      const folder = await mkdtemp(join(tmpdir(), "safetypin-test-"));
      const file = join(folder, "review.sql");
      await writeFile(file, script);
      const url = new URL(server.connectionString("by_script"));
      url.username = "cloud_admin";
      await run(psql, ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url.href, "-f", file]);
      await rm(folder, { recursive: true });
    }

    const byCommand = await databaseOf("cloud_admin", "by_command");
    await bootstrap(byCommand, { cell: acme });
    expect(await standing(byScript)).toEqual(await standing(byCommand));
  });

  test("two databases of one server at the same moment", async () => {
    await superuser.query("create role third_admin login superuser");
    const clients: pg.Client[] = [];
    for (const name of ["one", "two", "three", "four"]) {
      clients.push(await databaseOf("third_admin", `at_once_${name}`));
    }
    const cells = ["north", "south", "east", "west"].map(parseCellName);
    await Promise.all(cells.map((name, place) => bootstrap(clients[place] as pg.Client, { cell: name })));

    const { rows } = await superuser.query(
      "select count(*)::integer as logins from pg_roles where rolname ~ '^(north|south|east|west)_.*_login(_b)?$'",
    );
    expect(rows).toEqual([{ logins: 48 }]);
  }, 60_000);
});

const GROUPS = [
  "safetypin_owner",
  "safetypin_definer",
  "safetypin_keyholder",
  "safetypin_app",
  "safetypin_mailer",
  "safetypin_operator",
  "safetypin_backup",
  "safetypin_auditor",
  "safetypin_monitor",
];

/** What seeds write and everybody may know. */
const CATALOGUES = new Set([
  "blind_indexes",
  "cell_settings",
  "cloud_providers",
  "event_types",
  "migrations",
  "password_blocklist",
  "password_policies",
  "permissions",
  "role_permissions",
  "roles",
  "sealed_fields",
]);

/** Everything that bootstrap makes, as the catalogs have it. */
async function standing(client: pg.Client): Promise<unknown> {
  const { rows } = await client.query<{ what: string }>(
    `select concat('role ', to_jsonb(pg_roles) - 'oid') as what
     from pg_roles
     where rolname like '%\\_login' or rolname like '%\\_login\\_b' or rolname like 'safetypin\\_%'
     union all
     select concat(
       'member ', roleid::regrole, ' ', member::regrole, ' ',
       to_jsonb(pg_auth_members) - '{oid,roleid,member,grantor}'::text[]
     )
     from pg_auth_members
     union all
     select concat(
       'schema ', nspname, ' ', nspowner::regrole, ' ', obj_description(oid), ' ',
       (select string_agg(item::text, ' ' order by item::text) from unnest(nspacl) as item)
     )
     from pg_namespace
     where nspname !~ '^pg_'
     union all
     select concat('default ', defaclrole::regrole, ' ', defaclobjtype, ' ', defaclacl)
     from pg_default_acl
     union all
     select concat('extension ', extname, ' ', extnamespace::regnamespace)
     from pg_extension
     union all
     select concat('database ', string_agg(item::text, ' ' order by item::text))
     from pg_database, unnest(datacl) as item
     where datname = current_database()
     order by 1`,
  );
  return rows.map(({ what }) => what);
}

async function tablesWithRows(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name
     from pg_class
     where relnamespace = 'safetypin'::regnamespace and relkind in ('r', 'p') and not relispartition
     order by relname`,
  );
  const tables: string[] = [];
  for (const { name } of rows) {
    if ((await countRows(client, name)) > 0) tables.push(name);
  }
  return tables;
}

/** How many rows a login sees; none where it may not look, or the schema is closed to it. */
async function countRows(client: pg.Client, table: string): Promise<number> {
  try {
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::integer as count from ${table}`,
    );
    return rows[0]?.count ?? 0;
  } catch (error) {
    if (error instanceof pg.DatabaseError && ["42501", "42P01"].includes(error.code ?? "")) return 0;
    throw error;
  }
}
