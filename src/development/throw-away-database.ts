import pg from "pg";

import { DEFAULT_CELL } from "../migrations/cell.js";
import { startServer, type EmbeddedServer } from "./embedded-server.js";
import { prepareDatabase } from "./prepare-database.js";

/** A migrated database without a row, whose path is its one cell. */
export interface ThrowAwayDatabase {
  readonly server: EmbeddedServer;
  readonly name: string;
  readonly cell: string;
  readonly connectionString: string;
}

/** Gives the work a server and a database that are gone afterwards. */
export async function withThrowAwayDatabase<Result>(
  work: (database: ThrowAwayDatabase) => Promise<Result>,
): Promise<Result> {
  const server = await startServer({ stopOnSignal: true });
  try {
    const connectionString = server.connectionString();
    const client = new pg.Client(connectionString);
    await client.connect();
    try {
      await prepareDatabase(client, { cell: DEFAULT_CELL });
      await client.query(`alter database postgres set search_path = ${DEFAULT_CELL}, extensions`);
    } finally {
      await client.end();
    }
    return await work({ server, name: "postgres", cell: DEFAULT_CELL, connectionString });
  } finally {
    await server.stop();
  }
}
