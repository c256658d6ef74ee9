/*
 * pg_dump and psql where there are none of the server's version: pg_dump 18 as WebAssembly, and
 * psql as far as a page of ours uses it. Called as `node client-programs.mjs PROGRAM …`.
 */
import { readFileSync, writeFileSync } from "node:fs";

import pg from "pg";

import { dumpDatabase } from "../../dist/development/dump.js";

const [program, address, ...args] = process.argv.slice(2);

function take(name) {
  const at = args.findIndex((arg) => arg.startsWith(`--${name}=`));
  if (at >= 0) return args.splice(at, 1)[0].slice(name.length + 3);
  const apart = args.indexOf(`--${name}`);
  return apart < 0 ? undefined : args.splice(apart, 2)[1];
}

function takeFlag(name) {
  const at = args.indexOf(`--${name}`);
  if (at >= 0) args.splice(at, 1);
  return at >= 0;
}

async function dump() {
  const { hostname, port, username, pathname } = new URL(address);
  const file = take("file");
  const source = { host: hostname, port: Number(port), user: username, database: pathname.slice(1) };
  writeFileSync(file, await dumpDatabase(source, args));
}

async function runSql() {
  takeFlag("quiet");
  const isPlain = takeFlag("no-align") && takeFlag("tuples-only");
  take("set");
  const isOne = takeFlag("single-transaction");
  const command = take("command");
  if (args.length > 0) throw new Error(`this psql knows no ${args.join(" ")}`);
  // Of psql's own commands a dump has two, which keep psql from obeying others.
  const sql = command ?? readFileSync(0, "utf8").replace(/^\\(un)?restrict .*$/gm, "");
  const client = new pg.Client(address);
  await client.connect();
  try {
    const { rows } = await client.query({ text: isOne ? `begin; ${sql}\n; commit` : sql, rowMode: "array" });
    if (isPlain) for (const row of rows) console.log(row.join("|"));
  } finally {
    await client.end();
  }
}

await { pg_dump: dump, psql: runSql }[program]();
