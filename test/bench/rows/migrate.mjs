import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import pg from "pg";

import { bootstrap } from "../../../dist/migrations/bootstrap.js";
import { parseCellName } from "../../../dist/migrations/cell.js";
import { SQL_DIRECTORY } from "../../../dist/migrations/chapters.js";
import { up } from "../../../dist/migrations/up.js";
import { compareDuration, timed } from "../measure.mjs";

/** From nothing to all chapters: by the runner, and as psql --single-transaction would. */
export const migrateUp = {
  name: "migrate-up",
  title: "migrate up from nothing",
  floorTitle: "the same files, one after the other",
  reach: 1 / 1.5,
  async measure({ server, cell: name }, { pairs }) {
    const cell = parseCellName(name);
    const directory = join(SQL_DIRECTORY, "migrations");
    const chapters = await Promise.all(
      (await readdir(directory)).sort().map((file) => readFile(join(directory, file), "utf8")),
    );

    const inFreshDatabase = (work) => async () => {
      const admin = new pg.Client(server.connectionString());
      await admin.connect();
      try {
        await admin.query("drop database if exists bench_migrate with (force)");
        await admin.query("create database bench_migrate template template0");
        const client = new pg.Client(server.connectionString("bench_migrate"));
        await client.connect();
        try {
          await bootstrap(client, { cell });
          return await timed(() => work(client));
        } finally {
          await client.end();
          await admin.query("drop database bench_migrate with (force)");
        }
      } finally {
        await admin.end();
      }
    };

    return compareDuration({
      pairs,
      subject: inFreshDatabase((client) => up(client, { cell })),
      floor: inFreshDatabase(async (client) => {
        await client.query(`set search_path = ${name}, extensions, pg_temp`);
        for (const chapter of chapters) {
          await client.query("begin; set local role safetypin_owner");
          await client.query(chapter);
          await client.query("commit");
        }
      }),
    });
  },
};
