import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type pg from "pg";

import { prepareDatabase } from "../src/development/prepare-database.js";
import { openA256CbcHs512 } from "../src/keys/a256cbc-hs512.js";
import { clientKey, purposeKey, subjectKey } from "../src/keys/key-schedule.js";
import { maskSecret, maskShare } from "../src/keys/mask.js";
import { associatedData, sealedBody, sealedHeader } from "../src/keys/sealed-place.js";
import { SQL_DIRECTORY } from "../src/migrations/chapters.js";
import { userId } from "./support/actors.js";
import { emptyKeys } from "./support/keys.js";
import { findForms } from "./support/log-forms.js";
import { NOTES } from "./support/notes.js";
import { useServer } from "./support/server.js";
import { connect } from "./support/template.js";

/*
 * A server that writes everything it can into its log, and a cell that works on it with
 * keys. Nothing of a key is in the log, in a view of the server, or in what a client is
 * told of an error.
 */

const context = useServer({
  settings: {
    shared_preload_libraries: "pg_stat_statements,auto_explain",
    track_activity_query_size: "100kB",
  },
});

/** Every channel at once. What a version does not know yet is not there to be set. */
const CHANNELS: readonly (readonly [setting: string, value: string, since?: number])[] = [
  ["log_min_messages", "debug1"],
  ["log_error_verbosity", "verbose"],
  ["log_statement", "all"],
  ["log_min_duration_statement", "0"],
  ["log_parameter_max_length", "-1"],
  ["log_parameter_max_length_on_error", "-1"],
  ["debug_print_parse", "on"],
  ["debug_print_rewritten", "on"],
  ["debug_print_plan", "on"],
  ["auto_explain.log_min_duration", "0"],
  ["auto_explain.log_verbose", "on"],
  ["auto_explain.log_nested_statements", "on"],
  ["auto_explain.log_triggers", "on"],
  ["auto_explain.log_settings", "on"],
  ["auto_explain.log_analyze", "on"],
  ["auto_explain.log_parameter_max_length", "-1", 160000],
  ["pg_stat_statements.track", "all"],
  ["pg_stat_statements.track_utility", "on"],
];

const DATABASE = "leaky";
const CELL = "safetypin";
const FIELD = 90001;
const PATH = `set search_path = ${CELL}, extensions, pg_temp`;

const planted = randomBytes(32);
const share = randomBytes(32);
const nextShare = randomBytes(32);
const digest = Buffer.from(`$2a$12$${randomBytes(40).toString("hex").slice(0, 53)}`);
// No words: a comment of a chapter, which the server shows too, may say the same.
const opened = randomBytes(20).toString("hex");

const secrets = new Map<string, Buffer>();
const toldToClients: string[] = [];
let log = Buffer.alloc(0);
let views = "";

const url = (login?: string) => {
  const address = new URL(context.server.connectionString(DATABASE));
  if (login !== undefined) address.username = `${CELL}_${login}_login`;
  return address.href;
};

async function as(login: string | undefined): Promise<pg.Client> {
  const client = await connect(url(login));
  await client.query(PATH);
  return client;
}

async function hello(client: pg.Client, name: string): Promise<Buffer> {
  const { rows } = await client.query<{ pad: Buffer }>("select hello() as pad");
  const pad = rows[0]?.pad ?? Buffer.alloc(0);
  secrets.set(`the pad of ${name}`, pad);
  return pad;
}

/** What a client is told when something fails, all of it. */
async function failing(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => {
      throw new Error("It did not fail");
    },
    (error: unknown) => error as pg.DatabaseError,
  );
  toldToClients.push(JSON.stringify({ ...error, message: error.message, stack: error.stack }));
  return error.code ?? error.message;
}

beforeAll(async () => {
  const server = await connect(context.server.connectionString());
  await server.query(`create database ${DATABASE}`);
  const admin = await connect(url());
  await prepareDatabase(admin, { cell: CELL, environment: "test" });
  await admin.query(PATH);
  // The keys are to be those whose halves this test knows.
  await emptyKeys(admin);
  await admin.query(await readFile(join(SQL_DIRECTORY, "..", "test-sql", "setup.sql"), "utf8"));
  await admin.query("select tests.notes()");
  // What chapters will have: a function that seals, indexes and compares.
  await admin.query(`
    grant select, insert on notes to safetypin_definer;
    grant usage on schema ${CELL} to safetypin_definer;
    create function note(p_about text, p_masked bytea) returns boolean
      language plpgsql security definer set search_path = ${CELL}, extensions, pg_temp
    as $$
    declare
      v_id     uuid := new_id();
      v_digest bytea := _unmask(p_masked, 90003);
      v_sealed bytea;
      v_index  bytea;
    begin
      v_index := _blind_index(90003, null, 1, encode(v_digest, 'hex'));
      v_sealed := _seal(90003, null, v_id, v_digest);
      insert into notes (id, user_id, about, digest)
      values (v_id, '${userId("bob")}', _seal_text(90001, null, v_id, p_about, '${userId("bob")}'), v_sealed);
      select digest into v_sealed from notes where id = v_id;
      return _open(90003, null, v_id, v_sealed) = v_digest and v_index is not null;
    end;
    $$;
    alter function note(text, bytea) owner to safetypin_definer;
    grant execute on function note(text, bytea) to safetypin_app;
    create extension pg_stat_statements schema public;
  `);

  // A key, and a value sealed under it, before anybody listens.
  const pad = await hello(admin, "the preparation");
  await admin.query("select add_key(null, 1, 'local-key-file', 'test', '\\x00', $1)", [maskShare(pad, share, null, 1)]);
  await admin.query("select activate_key(null, 1, $1)", [maskShare(pad, share, null, 1)]);
  await admin.query("begin");
  await admin.query("select unlock(null, 1, $1)", [maskShare(pad, share, null, 1)]);
  const { rows } = await admin.query<{ sealed: Buffer }>("select _seal_text($1, null, $2, $3, $4) as sealed", [
    FIELD, userId("note"), opened, userId("ann"),
  ]);
  await admin.query("commit");
  const sealed = rows[0]?.sealed ?? Buffer.alloc(0);

  const { rows: version } = await admin.query<{ number: number }>(
    "select current_setting('server_version_num')::integer as number",
  );
  for (const [setting, value, since = 0] of CHANNELS) {
    if ((version[0]?.number ?? 0) < since) continue;
    await server.query(`alter database ${DATABASE} set ${setting} = '${value}'`);
  }
  await admin.end();

  // The careless way, so that what finds it is known to find it.
  const careless = await as("app");
  await careless.query("select set_config('careless.key', encode($1, 'hex'), false)", [planted]);
  await careless.query(`select sha256('\\x${planted.toString("hex")}'::bytea), decode('${planted.toString("base64")}', 'base64')`);
  await careless.end();

  const operator = await as("operator");
  const operatorPad = await hello(operator, "the operator");
  await operator.query("select add_key(null, 2, 'local-key-file', 'test', '\\x01', $1)", [
    maskShare(operatorPad, nextShare, null, 2),
  ]);
  await failing(operator.query("select activate_key(null, 2, $1)", [maskShare(operatorPad, share, null, 2)]));
  await operator.query("select rewrap_key(null, 1, 'local-key-file', 'other', '\\x02', $1)", [
    maskShare(operatorPad, share, null, 1),
  ]);

  const app = await as("app");
  const appPad = await hello(app, "the application");
  await app.query("begin");
  await app.query("select unlock(null, 1, $1)", [maskShare(appPad, share, null, 1)]);
  await app.query({ name: "unlock", text: "select unlock(null, 1, $1)", values: [maskShare(appPad, share, null, 1)] });
  const openFields = (value: Buffer) =>
    app.query<{ opened: string[] }>("select open_fields($1, $2, $3, $4) as opened", [
      FIELD, [userId("note")], [value], [userId("ann")],
    ]);
  const { rows: lists } = await openFields(sealed);
  expect(lists[0]?.opened).toEqual([opened]);
  const { rows: noted } = await app.query<{ noted: boolean }>("select note('plain', $1) as noted", [
    maskSecret(appPad, digest, NOTES["notes.digest"]),
  ]);
  expect(noted[0]?.noted).toBe(true);
  // What digests addresses: made by the first of these, opened by each.
  for (const call of ["begin_password_check($1, '203.0.113.7')", "request_password_reset($1)"]) {
    await app.query(`select ${call}`, ["somebody@example.com"]);
  }
  await app.query("savepoint failing");
  const fails = async (work: Promise<unknown>) => {
    const code = await failing(work);
    await app.query("rollback to failing");
    return code;
  };
  const changed = Buffer.from(sealed);
  changed.writeUInt8(changed.readUInt8(30) ^ 1, 30);
  expect(await fails(openFields(changed))).toBe("SP521");
  expect(await fails(app.query("select unlock(null, 1, $1)", [maskShare(appPad, nextShare, null, 1)]))).toBe("SP221");
  expect(await fails(app.query("select note('plain', $1)", [maskSecret(appPad, digest, NOTES["notes.about"])]))).toBe("SP521");
  expect(await fails(app.query("select note('not@plain', $1)", [maskSecret(appPad, digest, NOTES["notes.digest"])]))).toBe("23514");
  expect(await fails(app.query("select 1 / (octet_length($1::bytea) - 102)", [maskShare(appPad, share, null, 1)]))).toBe("22012");
  await app.query("select current_setting('safetypin.shares') is not null");
  const { rows: shares } = await app.query<{ shares: string }>("select current_setting('safetypin.shares') as shares");

  // While it works, what others see of it; and what the server counted.
  const watcher = await connect(context.server.connectionString(DATABASE));
  const { rows: seen } = await watcher.query<{ line: string }>(
    `select concat_ws(' ', query, application_name) as line from pg_stat_activity
     union all select query from public.pg_stat_statements
     union all select concat_ws(' ', name, setting) from pg_settings`,
  );
  views = seen.map(({ line }) => line).join("\n");
  await app.query("commit");

  const { rows: halves } = await watcher.query<{ key_id: number; db_share: Buffer }>(
    `select key_id, db_share from ${CELL}.tenant_keys`,
  );
  for (const { key_id: keyId, db_share: databaseShare } of halves) {
    const half = { share: keyId === 1 ? share : nextShare, databaseShare, organizationId: null, keyId };
    secrets.set(`the share of key ${keyId}`, half.share);
    secrets.set(`the other half of key ${keyId}`, databaseShare);
    secrets.set(`the client's key ${keyId}`, clientKey(half.share, null, keyId));
    for (const purpose of ["enc", "bidx", "audit"] as const) {
      secrets.set(`key ${keyId} for ${purpose}`, purposeKey(purpose, half));
    }
    // Its first 8 bytes are the check value, which is kept.
    secrets.set(`key ${keyId} for kcv`, purposeKey("kcv", half).subarray(8));
  }
  const { rows: salts } = await watcher.query<{ user_id: string; salt: Buffer }>(
    `select user_id, salt from ${CELL}.subject_salts`,
  );
  const enc = secrets.get("key 1 for enc") ?? Buffer.alloc(0);
  for (const { user_id: id, salt } of salts) {
    secrets.set(`the salt of ${id}`, salt);
    secrets.set(`the key of ${id}`, subjectKey(enc, salt, id));
  }
  const { rows: digestKeys } = await watcher.query<{ id: string; purpose: string; secret: Buffer }>(
    `select id, purpose, secret from ${CELL}.digest_keys`,
  );
  for (const { id, purpose, secret } of digestKeys) {
    const header = sealedHeader(1, 1);
    expect(secret.subarray(0, header.length)).toEqual(header);
    const key = openA256CbcHs512(enc, associatedData(header, { fieldId: 11, organizationId: null, rowId: id }), sealedBody(secret));
    expect(key).toHaveLength(64);
    secrets.set(`the key that digests for ${purpose}`, key!);
  }
  expect(digestKeys).toHaveLength(2);
  secrets.set("a digest", digest);
  secrets.set("a digest in hexadecimal", Buffer.from(digest.toString("hex")));
  secrets.set("what was opened", Buffer.from(opened));
  // The mask of the setting, by what it masks: known plaintext makes it known.
  secrets.set("the setting of the share", Buffer.from(/=([0-9a-f]{64})/.exec(shares[0]?.shares ?? "")?.[1] ?? "", "hex"));
  expect(secrets.size).toBeGreaterThan(20);

  await operator.end();
  await app.end();
  await watcher.end();
  await server.end();
  await sleep(200);
  log = await readFile(context.server.logFile);
}, 120_000);

/** The names of the secrets that are there, and how they are written. */
function secretsIn(content: Buffer): [name: string, forms: string[]][] {
  const formsOf = findForms(content);
  return [...secrets].map(([name, secret]): [string, string[]] => [name, formsOf(secret)]).filter(([, forms]) => forms.length > 0);
}

test("everything is logged, and what was handed over carelessly is found in each form", () => {
  const text = log.toString("latin1");
  for (const word of ["Query Text:", "parse tree:", "rewritten parse tree:", "plan:", "Output:", "arameters: $1 = ", "unlock(null, 1, $1)"]) {
    expect([word, text.includes(word)]).toEqual([word, true]);
  }
  // From inside functions, too: also those that digest.
  expect(text).toMatch(/Query Text: select id, secret, retired_time\s+from digest_keys/);
  expect(text).toMatch(/Query Text: select db_share, check_value/);
  expect(findForms(log)(planted)).toEqual(["base64", "hex", "numbers", "numbers of hex"]);
  const written = (content: Buffer | string) => findForms(Buffer.from(content as string))(planted);
  expect(written(Buffer.concat([Buffer.from("…"), planted]))).toEqual(["raw"]);
  expect(written(`[ 64 0 0 0 ${[...Buffer.from(planted.toString("hex"))].join("\n ")} ]`)).toEqual(["numbers of hex"]);
});

test("no key, no half of one, no pad and nothing that was opened is in the log", () => {
  expect(secretsIn(log)).toEqual([]);
});

test("... nor in what the server shows of its sessions and statements", () => {
  expect(/unlock\(.*open_fields\(/s.test(views)).toBe(true);
  expect(secretsIn(Buffer.from(views))).toEqual([]);
});

test("... nor in what clients are told of errors", () => {
  expect(toldToClients).toHaveLength(6);
  const told = Buffer.from(toldToClients.join("\n"));
  expect(told.includes("unnamed portal with parameters") || told.includes("$1 = ")).toBe(true);
  expect(secretsIn(told)).toEqual([]);
});

test("a strict cell does not unlock there, and names the settings", async () => {
  const owner = await as("operator");
  await owner.query("select declare_log_strictness(true)");
  const app = await as("app");
  const pad = await hello(app, "the strict one");
  const unlock = () => app.query("select unlock(null, 1, $1)", [maskShare(pad, share, null, 1)]);
  await expect(unlock()).rejects.toMatchObject({
    code: "SP524",
    message: expect.stringMatching(
      /log_parameter_max_length, log_parameter_max_length_on_error, debug_print_parse, debug_print_rewritten, debug_print_plan, .*auto_explain\.log_verbose, auto_explain\.log_nested_statements$/,
    ),
  });

  // It is the login's settings that count, and an application cannot change them.
  await expect(app.query("set log_parameter_max_length = 0")).rejects.toMatchObject({ code: "42501" });
  await owner.query("select declare_log_strictness(false)");
  await unlock();
  await owner.end();
  await app.end();
});

