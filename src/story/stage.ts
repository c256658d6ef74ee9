import { randomBytes } from "node:crypto";

import pg from "pg";

import { type EmbeddedServer, startServer } from "../development/embedded-server.js";
import { prepareDatabase } from "../development/prepare-database.js";
import { say } from "./narrator.js";

/** The cell the story is played in. */
export const CELL = "safetypin";

/** The database the cell is in. */
export const DATABASE = "safetypin";

/** A login the story connects as. Each gets a password made at this start. */
type Login = "app" | "mailer" | "operator" | "auditor";

/** A server with a cell on it, and the ways in. */
export interface Stage {
  readonly server: EmbeddedServer;

  /** A connection of the server's administrator, for what only they may do. */
  readonly admin: pg.Client;

  /** What each login connects with. */
  readonly connectionStrings: Readonly<Record<Login, string>>;
}

/** Starts the server of this folder, and brings its cell up to date. */
export async function setStage(directory: string): Promise<Stage> {
  const server = await startServer({ directory });
  say(`PostgreSQL is up on ${server.host}:${server.port}; its data are in ${server.directory}`);

  await makeDatabase(server);
  const admin = new pg.Client({ connectionString: server.connectionString(DATABASE) });
  await admin.connect();
  await prepareDatabase(admin, { cell: CELL, environment: "development" });
  say("Roles, cell, migrations and seeds are in place: safetypin bootstrap, migrate up, seed");

  const connectionStrings = {
    app: await openLogin(server, admin, "app"),
    mailer: await openLogin(server, admin, "mailer"),
    operator: await openLogin(server, admin, "operator"),
    auditor: await openLogin(server, admin, "auditor"),
  };
  return { server, admin, connectionStrings };
}

async function makeDatabase(server: EmbeddedServer): Promise<void> {
  const client = new pg.Client({ connectionString: server.connectionString("postgres") });
  await client.connect();
  try {
    const { rowCount } = await client.query("select from pg_database where datname = $1", [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

async function openLogin(
  server: EmbeddedServer,
  admin: pg.Client,
  login: Login,
): Promise<string> {
  const name = `${CELL}_${login}_login`;
  const password = randomBytes(18).toString("base64url");
  await admin.query(`alter role ${name} password ${admin.escapeLiteral(password)}`);

  const url = new URL(server.connectionString(DATABASE));
  url.username = name;
  url.password = password;
  return url.href;
}
