/*
 * The server, and a cell that looks as if people had used it: kept in
 * .safetypin/bench, made anew when the chapters or the size have changed.
 */
import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import pg from "pg";

import { startServer } from "../../dist/development/embedded-server.js";
import { keysForSeeds } from "../../dist/keys/open-keys.js";
import { unlockCell } from "../../dist/keys/new-key.js";
import { SessionToken, tagOf } from "../../dist/tokens.js";
import { prepareDatabase } from "../../dist/development/prepare-database.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CELL = "safetypin";
const APP_LOGIN = `${CELL}_app_login`;

/** How many organizations people are spread over; everybody is a member of one. */
export const ORGANIZATIONS = 200;

/** Sessions that are in use during a run; the others are there to make the tables large. */
export const BUSY_SESSIONS = 2000;

/** How many people have a password, and which: digested at a cost of 12, the least there is. */
export const PASSWORD_USERS = 500;
export const PASSWORD = {
  text: "correct horse battery staple",
  digest: "$2a$12$abcdefghijklmnopqrstuuXxytZM3ml4cIrUhX.MkZ/PiAmI9VF/u",
};

/** A table of sealed values, each under its person's key, and the same in clear beside it. */
export const SEALED_ROWS = 10_000;
export const SEALED_FIELDS = [
  { id: 9001, column: "one" },
  { id: 9002, column: "two" },
  { id: 9003, column: "three" },
];

/** One that is nobody's in particular, and so under the cell's key itself. */
export const SHARED_FIELD = { id: 9004, column: "shared" };

/** The roles of the first organization, and how many of them each of its first members holds. */
export const ROLES = 500;
export const ROLES_PER_USER = 50;

/**
 * Starts the bench's server and finds or makes its populated database.
 *
 * The server does not wait for the disk at commit: on most machines that wait is
 * many times the work, in the subject and in its floor, and would hide the difference.
 */
export async function openDatabase({ users, say }) {
  const server = await startServer({
    directory: join(ROOT, ".safetypin", "bench"),
    settings: {
      shared_buffers: "1GB",
      max_wal_size: "4GB",
      synchronous_commit: "off",
      max_connections: "100",
      autovacuum: "off",
      jit: "off",
    },
  });
  const password = randomBytes(16).toString("hex");
  const opened = [];
  const open = async (count) => {
    const database = await openOn(server, { users: count, password, say });
    opened.push(database);
    return database;
  };
  try {
    return {
      ...(await open(users)),
      /** Another of another size, on the same server, closed with this one. */
      beside: open,
      async close() {
        await Promise.all(opened.map((database) => database.close()));
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function openOn(server, { users, password, say }) {
  const name = `bench_${users}`;
  const mark = `${await hashOfSql()} ${await hashOfFile(fileURLToPath(import.meta.url))} ${users}`;
  await findOrMake(server, { name, mark, users, say });

  const path = `-c search_path=${CELL},extensions`;
  const admin = new pg.Pool({ connectionString: server.connectionString(name), max: 4, options: path });
  await admin.query(`alter role ${APP_LOGIN} password '${password}'`);
  const appUrl = `postgres://${APP_LOGIN}:${password}@${server.host}:${server.port}/${name}`;

  const pools = [];
  // A connection that the server ends while it stops is nobody's loss.
  const keep = (pool) => {
    pool.on("error", () => undefined);
    pools.push(pool);
    return pool;
  };
  keep(admin);
  // What earlier runs left of failures and evidence would slow this one down.
  await admin.query("delete from sign_in_throttles");
  await admin.query("delete from password_attempts");
  await admin.query("analyze");

  return {
    server,
    admin,
    appUrl,
    connectionString: server.connectionString(name),
    cell: CELL,
    users,
    /** A pool of the application's login. */
    appPool(max, options = {}) {
      const pool = new pg.Pool({
        connectionString: appUrl,
        max,
        options: path,
        ...options,
      });
      return keep(pool);
    },
    /** A pool of the superuser, whom no policy holds: for floors and preparations. */
    barePool(max, options = {}) {
      const pool = new pg.Pool({
        connectionString: server.connectionString(name),
        max,
        options: path,
        ...options,
      });
      return keep(pool);
    },
    cellId: () => cellIdOf(admin),
    /** Lets the transaction of a connection open what is sealed. */
    async unlock(client) {
      await unlockCell(client, { provider: keysForSeeds("test"), cellId: await cellIdOf(admin) });
    },
    /** A token as the client writes it. */
    textOf: (secret) => SessionToken.of(tagOf(CELL), secret).reveal(),
    /** The busy sessions: token, digest, user, organization. */
    async busySessions() {
      const { rows } = await admin.query(
        `select number, sessions.token_hash, sessions.id, sessions.user_id, sessions.organization_id
         from sessions
         join generate_series(1, ${BUSY_SESSIONS}) as number
           on sessions.id = md5('session:' || number)::uuid`,
      );
      return rows.map((row) => ({
        token: tokenOf(row.number),
        tokenHash: row.token_hash,
        id: row.id,
        userId: row.user_id,
        organizationId: row.organization_id,
      }));
    },
    /** As if everybody had clicked a moment ago: within the minute nothing is slid. */
    async touchSessions() {
      await admin.query(
        `update session_activities set last_activity_time = now()
         where session_id in (
           select md5('session:' || number)::uuid from generate_series(1, ${BUSY_SESSIONS}) as number
         )`,
      );
    },
    close: () => Promise.all(pools.map((pool) => pool.end())),
  };
}

/** The secret bytes of a populated session, by arithmetic. */
export function tokenOf(number) {
  return createHash("sha256").update(`token:${number}`).digest();
}

/** The id that the populated rows of this name have. */
export function idOf(text) {
  const digits = createHash("md5").update(text).digest("hex");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

async function findOrMake(server, { name, mark, users, say }) {
  const admin = new pg.Client(server.connectionString());
  await admin.connect();
  try {
    const { rows } = await admin.query(
      "select shobj_description(oid, 'pg_database') as mark from pg_database where datname = $1",
      [name],
    );
    if (rows[0]?.mark === mark) return;

    say(`Filling a database: ${users} people in ${ORGANIZATIONS} organizations (kept for the next run)`);
    await admin.query(`drop database if exists ${name} with (force)`);
    await admin.query(`create database ${name} template template0`);
    const client = new pg.Client(server.connectionString(name));
    await client.connect();
    try {
      await prepareDatabase(client, { cell: CELL, environment: "test" });
      await client.query(`set search_path = ${CELL}, extensions`);
      await populate(client, users);
    } finally {
      await client.end();
    }
    await admin.query(`comment on database ${name} is '${mark}'`);
  } finally {
    await admin.end();
  }
}

/** Rows as they would be, without the evidence of how they came to be. */
async function populate(client, users) {
  const tables = [
    "users", "organizations", "organization_users", "roles", "role_permissions", "user_roles",
    "sessions", "password_credentials",
  ];
  // Everybody who signs in here has the same password: see PASSWORD.
  await client.query("begin");
  await unlockCell(client, { provider: keysForSeeds("test"), cellId: await cellIdOf(client) });
  for (const table of tables) await client.query(`alter table ${table} disable trigger user`);

  await client.query(
    `insert into organizations (id, slug, name, status, member_count, owner_count, max_users)
     select md5('organization:' || number)::uuid, 'organization-' || number, 'Organization ' || number,
       'active', $1::integer / ${ORGANIZATIONS}, 1, $1::integer
     from generate_series(1, ${ORGANIZATIONS}) as number`,
    [users],
  );
  await client.query(
    `insert into users (id, email, first_name, last_name, job_title, status, email_verified_time)
     select md5('user:' || number)::uuid,
       _seal_email(md5('user:' || number)::uuid, 'user' || number || '@example.com'),
       initcap(substr(md5('first' || number % 5000), 1, 7)), initcap(substr(md5('last' || number % 50000), 1, 9)),
       (array['nurse', 'physician', 'pharmacist', 'administrator'])[1 + number % 4], 'active', now()
     from generate_series(1, $1::integer) as number`,
    [users],
  );
  await client.query(
    `insert into user_email_indexes (user_id, version, email_index, domain_index)
     select md5('user:' || number)::uuid, 1, _blind_index(1, null, 1, 'user' || number || '@example.com'), domain_index
     from (select _blind_index(1, null, 1, '@example.com') as domain_index offset 0) as domain
     cross join generate_series(1, $1::integer) as number`,
    [users],
  );
  await client.query(
    `insert into organization_users (organization_id, user_id, role, status)
     select md5('organization:' || 1 + number % ${ORGANIZATIONS})::uuid, md5('user:' || number)::uuid,
       case when number <= ${ORGANIZATIONS} then 'owner' else 'member' end, 'active'
     from generate_series(1, $1::integer) as number`,
    [users],
  );
  await client.query(
    `insert into sessions (
       id, user_id, organization_id, token_hash, assurance_level, authentication_methods,
       creation_time, expiration_time, idle_limit, ip_address, user_agent
     )
     select md5('session:' || number)::uuid, md5('user:' || number)::uuid,
       md5('organization:' || 1 + number % ${ORGANIZATIONS})::uuid,
       sha256(sha256(convert_to('token:' || number, 'UTF8'))),
       1, '{password}', now(), now() + interval '10 years', interval '10 years', '192.0.2.1',
       'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
     from generate_series(1, $1::integer) as number
     order by md5(number::text)`,
    [users],
  );
  await client.query(
    "insert into session_activities (session_id, last_activity_time) select id, now() from sessions",
  );

  await client.query(
    `insert into password_credentials (user_id, digest, salt, history_salt)
     select id, _seal_text(5, null, id, $1, id), left($1, 29), 'abcdefghijklmnopqrstuu'
     from (select md5('user:' || number)::uuid as id from generate_series(1, ${PASSWORD_USERS}) as number) as people`,
    [PASSWORD.digest],
  );

  // A hospital of 500 roles, in the first organization; its first members hold 50 each.
  await client.query(
    `insert into roles (id, organization_id, name)
     select md5('role:' || number)::uuid, md5('organization:1')::uuid, 'Role ' || number
     from generate_series(1, ${ROLES}) as number`,
  );
  await client.query(
    `insert into role_permissions (role_id, permission_id)
     select md5('role:' || number)::uuid, permissions.id
     from generate_series(1, ${ROLES}) as number
     join lateral (
       select id from permissions
       where held_by = 'role' and name <> 'audit.read'
       order by md5(number || name) limit 5
     ) as permissions on true`,
  );
  await client.query(
    `insert into user_roles (organization_id, user_id, role_id)
     select md5('organization:1')::uuid, md5('user:' || person * ${ORGANIZATIONS})::uuid,
       md5('role:' || 1 + (person * 37 + number * 10) % ${ROLES})::uuid
     from generate_series(1, least(100, $1::integer / ${ORGANIZATIONS})) as person
     cross join generate_series(1, ${ROLES_PER_USER}) as number`,
    [users],
  );

  for (const table of tables) {
    const { rows } = await client.query(
      "select tgname from pg_trigger where tgrelid = $1::regclass and not tgisinternal",
      [table],
    );
    for (const { tgname } of rows) {
      const always = tgname.startsWith("_900_") ? "always " : "";
      await client.query(`alter table ${table} enable ${always}trigger ${tgname}`);
    }
  }
  await populateSealed(client, users);
  await client.query("commit");
  await client.query("vacuum (analyze, freeze)");
  await client.query("checkpoint");
}

/** What is read sealed and in clear, and addresses as a cell would have them that seals nothing. */
async function populateSealed(client, users) {
  const fields = [...SEALED_FIELDS, SHARED_FIELD];
  const columns = fields.map(({ column }) => column);
  const subjectOf = (field) => (field === SHARED_FIELD ? "null" : "id");
  // As an application's own table: its rows are of people, and everybody sees them.
  await client.query("set local role safetypin_owner");
  await client.query(`create table bench_sealed (id uuid primary key, ${columns.map((name) => `${name} bytea`).join(", ")})`);
  for (const field of fields) {
    const { id, column } = field;
    await client.query(`comment on column bench_sealed.${column} is 'A value. [sealed]'`);
    await client.query(
      `select _declare_sealed_field('bench_sealed', $1, $2, 'cell', 'application', 100, 'It is measured.', p_subject_column => $3)`,
      [column, id, field === SHARED_FIELD ? null : "id"],
    );
  }
  await client.query("grant select on bench_sealed to safetypin_app");
  await client.query("reset role");

  const value = (column) => `'${column} of person ' || number || ' of many'`;
  await client.query(
    `create table bench_plain (id uuid primary key, ${columns.map((name) => `${name} text`).join(", ")})`,
  );
  await client.query(
    `insert into bench_plain (id, ${columns.join(", ")})
     select md5('sealed:' || number)::uuid, ${columns.map(value).join(", ")}
     from generate_series(1, ${SEALED_ROWS}) as number`,
  );
  await client.query(
    `insert into bench_sealed (id, ${columns.join(", ")})
     select id, ${fields.map((field) => `_seal_text(${field.id}, null, id, ${field.column}, ${subjectOf(field)})`).join(", ")}
     from bench_plain`,
  );
  await client.query("create table bench_addresses (user_id uuid primary key, email text not null unique)");
  await client.query(
    `insert into bench_addresses (user_id, email)
     select md5('user:' || number)::uuid, 'user' || number || '@example.com'
     from generate_series(1, $1::integer) as number`,
    [users],
  );
}

async function cellIdOf(client) {
  const { rows } = await client.query("select id from cell_settings");
  return rows[0].id;
}

async function hashOfSql() {
  const hash = createHash("sha256");
  for (const folder of ["sql/migrations", "sql/seeds/base", "sql/seeds/test"]) {
    for (const file of (await readdir(join(ROOT, folder))).sort()) {
      hash.update(file).update(await readFile(join(ROOT, folder, file)));
    }
  }
  hash.update(await readFile(join(ROOT, "sql", "bootstrap.sql")));
  return hash.digest("hex");
}

async function hashOfFile(path) {
  return createHash("sha256").update(await readFile(path)).digest("hex").slice(0, 16);
}
