/*
 * What docs/decisions/0014-growing-tables.md says of the tables that grow, measured:
 *
 *   npm run build && node test/bench/growing-tables.mjs
 *
 * One backend, statements timed by the server itself, medians of several rounds. Times
 * depend on the machine; what is decided by is how they compare.
 */
import { readFile } from "node:fs/promises";
import { performance } from "node:perf_hooks";

import pg from "pg";

import { startServer } from "../../dist/development/embedded-server.js";
import { prepareDatabase } from "../../dist/development/prepare-database.js";

const CELL = "safetypin";
const BATCH = 1000;
const ROUNDS = 7;
const FEW = 10_000;
const MANY = 200_000;

/** Rows that are over, `first` to `last`, and what sweeps them. */
const SWEEPS = [
  {
    name: "sweep_sessions",
    perSignIn: 1,
    live: (first, last) => sessions(first, last, "now()"),
    over: (first, last) => sessions(first, last, "now() - interval '90 days'"),
  },
  {
    name: "sweep_refresh_tokens",
    perSignIn: 1,
    live: (first, last) => refreshTokens(first, last, "false, null"),
    over: (first, last) => refreshTokens(first, last, "true, now() - interval '20 days'"),
  },
  {
    name: "sweep_messages",
    perSignIn: 0,
    live: (first, last) => messages(first, last, "now()"),
    over: (first, last) => messages(first, last, "now() - interval '9 days'"),
  },
  {
    name: "sweep_one_time_tokens",
    perSignIn: 0,
    live: (first, last) => oneTimeTokens(first, last, "now()"),
    over: (first, last) => oneTimeTokens(first, last, "now() - interval '9 days'"),
  },
  {
    name: "sweep_password_attempts",
    perSignIn: 1,
    live: (first, last) => attempts(first, last, "now()"),
    over: (first, last) => attempts(first, last, "now() - interval '1 hour'"),
  },
  {
    name: "sweep_sign_in_throttles",
    perSignIn: 1,
    live: (first, last) => throttles(first, last, "now()"),
    over: (first, last) => throttles(first, last, "now() - interval '3 days'"),
  },
];

const server = await startServer();
const client = new pg.Client({
  connectionString: server.connectionString(),
  options: `-c search_path=${CELL},extensions,pg_temp`,
});
await client.connect();
try {
  await prepareDatabase(client, { cell: CELL, environment: "test" });
  await client.query(await readFile(new URL("../../test-sql/setup.sql", import.meta.url), "utf8"));
  await client.query("select tests.person('ann')");

  const signIns = await signInRate();
  console.log(`sign-ins by one client, without bcrypt: ${Math.round(signIns)} per second\n`);
  console.log("| sweep | rows/s | of what one client writes | 200 000 live rows against 10 000 |");
  console.log("|---|---|---|---|");
  for (const sweep of SWEEPS) {
    const few = await sweepTime(sweep, FEW);
    const many = await sweepTime(sweep, MANY);
    const rate = (1000 * BATCH) / few;
    const share = sweep.perSignIn === 0 ? "" : `${Math.round(rate / (signIns * sweep.perSignIn))} ×`;
    console.log(`| ${sweep.name}() | ${Math.round(rate)} | ${share} | ${(many / few).toFixed(2)} × |`);
  }

  await compareForgetting();
  await measureRows();
} finally {
  await client.end();
  await server.stop();
}

/** All three transactions, unlocked, with everything they record. */
async function signInRate() {
  const started = performance.now();
  let count = 0;
  for (; performance.now() - started < 3000; count += 1) await signIn();
  return (1000 * count) / (performance.now() - started);
}

async function signIn() {
  const begun = await unlocked(
    `select attempt_id, tests.proof(tests.password_digest(), attempt_id, nonce) as proof
     from begin_password_check(tests.email('ann'), '192.0.2.7', $1)`,
    ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"],
  );
  await client.query("select submit_password_proof($1, $2)", [begun.attempt_id, begun.proof]);
  const { status } = await unlocked(
    "select status from finish_password_check($1, sha256(gen_random_bytes(8)), sha256(gen_random_bytes(8)), null, null)",
    [begun.attempt_id],
  );
  if (status !== "signed_in") throw new Error(`the sign-in was ${status}`);
}

/** One statement in a transaction that is unlocked first, as a client does it. */
async function unlocked(text, values) {
  await client.query("begin");
  await client.query(
    "select unlock(null, key_id, tests.masked_share(null, key_id)) from list_wrapped_shares() where state = 'active'",
  );
  const { rows } = await client.query(text, values);
  await client.query("commit");
  return rows[0];
}

/** How long one batch takes, in milliseconds, with so many rows that stay. */
async function sweepTime({ name, live, over }, count) {
  await empty();
  await client.query(live(1, count), []);
  const times = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const first = 1_000_000 + round * BATCH;
    await client.query(over(first, first + BATCH - 1));
    await client.query("analyze sessions, refresh_tokens, messages, one_time_tokens, password_attempts, sign_in_throttles");
    times.push(await timeOf(`select ${name}(${BATCH})`));
  }
  return median(times);
}

/** What it costs to forget a month: its partition dropped, or its rows deleted. */
async function compareForgetting() {
  const fill = (table) => `insert into ${table} (event_type, user_id, result)
    select 'session.opened', tests.user_id('ann'), 'success' from generate_series(1, ${FEW})`;
  const { rows } = await client.query(
    "select to_char(now() at time zone 'UTC', '\"auth_audit_logs\"_YYYY_MM') as partition",
  );
  const times = { plain: [], partitioned: [], deleted: [], dropped: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    await client.query("create table plain (like auth_audit_logs including all)");
    await client.query("alter table plain add foreign key (event_type) references event_types (name)");
    times.plain.push(await timeOf(fill("plain")));
    times.partitioned.push(await timeOf(fill("auth_audit_logs")));
    await client.query(fill("plain").replace(String(FEW), String(MANY)));
    // A deleted row is there until vacuum has been.
    times.deleted.push((await timeOf("delete from plain")) + (await timeOf("vacuum plain")));
    await client.query(fill("auth_audit_logs").replace(String(FEW), String(MANY)));
    times.dropped.push(
      (await timeOf(`alter table auth_audit_logs detach partition ${rows[0].partition}`)) +
        (await timeOf(`drop table ${rows[0].partition}`)),
    );
    await client.query("drop table plain; select make_partitions()");
  }
  const ratio = (over, under) => median(times[over]) / median(times[under]);
  console.log(`\n${MANY} events: deleting them takes ${Math.round(ratio("deleted", "dropped"))} × as long as dropping their month`);
  console.log(`inserting into twelve months takes ${ratio("partitioned", "plain").toFixed(2)} × as long as into one table`);
}

/** Bytes of a row, its indexes included. */
async function measureRows() {
  await empty();
  const tables = "auth_audit_logs access_attempt_logs data_change_logs sessions session_activities refresh_tokens password_attempts".split(" ");
  const parts = (table) => `(
    select pg_total_relation_size('${table}')
      + coalesce(sum(pg_total_relation_size(relid)), 0)::bigint
    from pg_partition_tree('${table}')
    where relid <> '${table}'::regclass
  )`;
  const sizes = async () => {
    const { rows } = await client.query(`select ${tables.map((table) => `${parts(table)} as ${table}`).join(", ")}`);
    return Object.fromEntries(Object.entries(rows[0]).map(([table, size]) => [table, Number(size)]));
  };
  const before = await sizes();
  const count = 3000;
  for (let number = 0; number < count; number += 1) await signIn();
  const after = await sizes();
  console.log("\n| a sign-in adds to | bytes |\n|---|---|");
  for (const table of tables) {
    console.log(`| ${table} | ${Math.round((after[table] - before[table]) / count)} |`);
  }
}

async function empty() {
  await client.query("truncate sessions, refresh_tokens, messages, one_time_tokens, password_attempts, sign_in_throttles cascade");
}

async function timeOf(sql) {
  await client.query("checkpoint");
  const { rows } = await client.query("select clock_timestamp() as at");
  await client.query(sql);
  const { rows: after } = await client.query("select extract(epoch from clock_timestamp() - $1) * 1000 as ms", [rows[0].at]);
  return Number(after[0].ms);
}

function median(numbers) {
  return [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)];
}

function sessions(first, last, begun) {
  return `with made as (
      insert into sessions (
        user_id, token_hash, assurance_level, authentication_methods, creation_time, expiration_time, idle_limit
      )
      select tests.user_id('ann'), sha256(int4send(number)), 1, '{password}', ${begun},
        ${begun} + interval '30 days', '7 days'
      from generate_series(${first}, ${last}) as number
      returning id
    )
    insert into session_activities (session_id) select id from made`;
}

function refreshTokens(first, last, used) {
  return `with session as (
      insert into sessions (user_id, token_hash, assurance_level, authentication_methods, expiration_time, idle_limit)
      values (tests.user_id('ann'), sha256(int4send(-${first})), 1, '{password}', now() + interval '30 days', '7 days')
      returning id
    )
    insert into refresh_tokens (
      session_id, user_id, family_id, generation, token_hash, creation_time, expiration_time, is_used, used_time
    )
    select session.id, tests.user_id('ann'), session.id, number, sha256(int4send(number)), now() - interval '29 days',
      now() + interval '30 days', ${used}
    from session, generate_series(${first}, ${last}) as number`;
}

function messages(first, last, asked) {
  return `insert into messages (
      purpose, user_id, email_digest, next_attempt_time, creation_time, expiration_time
    )
    select 'verify_email', tests.user_id('ann'), sha256(int4send(number)), ${asked}, ${asked}, ${asked} + interval '1 day'
    from generate_series(${first}, ${last}) as number`;
}

function oneTimeTokens(first, last, made) {
  return `insert into one_time_tokens (purpose, user_id, token_hash, creation_time, expiration_time)
    select 'verify_email', tests.user_id('ann'), sha256(int4send(number)), ${made}, ${made} + interval '1 day'
    from generate_series(${first}, ${last}) as number`;
}

function attempts(first, last, begun) {
  return `insert into password_attempts (
      user_id, account_id, email_digest, nonce, salt, creation_time, expiration_time, finished_time,
      succeeded
    )
    select tests.user_id('ann'), new_id(), sha256(int4send(number)), sha256(int4send(number)),
      left(tests.password_digest(), 29), ${begun}, ${begun} + interval '2 minutes', ${begun}, true
    from generate_series(${first}, ${last}) as number`;
}

function throttles(first, last, failed) {
  return `insert into sign_in_throttles (id, kind, last_failure_time)
    select md5(number::text)::uuid, 'address', ${failed}
    from generate_series(${first}, ${last}) as number`;
}
