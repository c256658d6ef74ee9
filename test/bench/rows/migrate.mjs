import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

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

const CELLS = 100;
const CELLS_DATABASE = "bench_cells";
const COMMAND = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));

/** A database of a hundred cells that are up to date, kept until the chapters change. */
async function findOrMakeCells(server, directory) {
  const hash = createHash("sha256");
  for (const file of (await readdir(directory)).sort()) hash.update(await readFile(join(directory, file)));
  const mark = hash.digest("hex");

  const admin = new pg.Client(server.connectionString());
  await admin.connect();
  try {
    const { rows } = await admin.query(
      "select shobj_description(oid, 'pg_database') as mark from pg_database where datname = $1",
      [CELLS_DATABASE],
    );
    if (rows[0]?.mark === mark) return;

    await admin.query(`drop database if exists ${CELLS_DATABASE} with (force)`);
    await admin.query(`create database ${CELLS_DATABASE} template template0`);
    const client = new pg.Client(server.connectionString(CELLS_DATABASE));
    await client.connect();
    try {
      for (let number = 1; number <= CELLS; number += 1) {
        const cell = parseCellName(`bench_${number}`);
        await bootstrap(client, { cell });
        await up(client, { cell });
      }
    } finally {
      await client.end();
    }
    await admin.query(`comment on database ${CELLS_DATABASE} is '${mark}'`);
  } finally {
    await admin.end();
  }
}

/** A deployment that changes nothing, as somebody waits for it: the command, from its start to its end. */
export const migrateCells = {
  name: "migrate-cells",
  title: `migrate up of ${CELLS} cells, nothing to do`,
  floorTitle: "of one of them",
  reach: 1 / 30,
  // Making the cells takes minutes.
  isOptional: true,
  async measure({ server }, { pairs }) {
    await findOrMakeCells(server, join(SQL_DIRECTORY, "migrations"));
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, DATABASE_URL: server.connectionString(CELLS_DATABASE) };
    const migrate = (...cells) => () =>
      timed(() => promisify(execFile)(process.execPath, [COMMAND, "migrate", "up", ...cells], { env }));

    // The commands compute in processes of their own, which nobody counts here.
    const { ratio, lowest, highest, ratios, subjectMilliseconds, floorMilliseconds } = await compareDuration({
      pairs,
      subject: migrate("--all-cells"),
      floor: migrate("--cell", "bench_1"),
    });
    return { ratio, lowest, highest, ratios, subjectMilliseconds, floorMilliseconds };
  },
};
