import { randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";

import type pg from "pg";

import { prepareDatabase } from "../src/development/prepare-database.js";
import { localKeyFile } from "../src/keys/local-key-file.js";
import { maskShare } from "../src/keys/mask.js";
import { readPad } from "../src/keys/new-key.js";
import { deliverMessages } from "../src/mailer.js";
import { parseCellName, quoteIdentifier } from "../src/migrations/cell.js";
import { createRepositories } from "../src/repositories.js";
import { SafetyPin } from "../src/safetypin.js";
import { newPassword } from "./support/client.js";
import type { TestRun } from "./support/run.js";
import { describeEscape, hunt, spill, type Place } from "./support/secret-hunt.js";
import { useServer } from "./support/server.js";
import { connect } from "./support/template.js";

/*
 * What people give the API to keep, and what the database seals, is looked for everywhere a
 * server writes. Which columns those are is asked of the catalog: one that is declared
 * tomorrow has to be written here, and is then looked for.
 */

jest.setTimeout(180_000);

const cell = parseCellName("safetypin");
const DATABASE = "safetypin_marked";

/** A server that logs every statement and every temporary file; as production does, without parameters. */
const context = useServer({
  settings: {
    work_mem: "64kB",
    log_temp_files: "0",
    log_statement: "all",
    log_min_duration_statement: "0",
    log_parameter_max_length: "0",
    log_parameter_max_length_on_error: "0",
    log_error_verbosity: "verbose",
  },
});

const marker = (what: string) => `${what}.${randomBytes(6).toString("hex")}`;
const urlOf = (login: string) => {
  const url = new URL(context.server.connectionString(DATABASE));
  url.username = login;
  return url.href;
};

/** What was handed to the API, by what it is. */
const written = new Map<string, string>();
const write = (what: string, value: string) => {
  written.set(what, value);
  return value;
};

/** What the sealed columns hold, opened, by column. */
let opened: ReadonlyMap<string, readonly Buffer[]>;
let admin: pg.Client;
let loggedOfApi = "";

beforeAll(async () => {
  const server = await connect(context.server.connectionString());
  await server.query(`create database ${DATABASE}`);
  await server.end();
  admin = await connect(context.server.connectionString(DATABASE));
  await prepareDatabase(admin, { cell, environment: "test" });
  await admin.query(`set search_path = ${cell}, extensions, pg_temp`);
  const before = (await stat(context.server.logFile)).size;
  await useApi();
  loggedOfApi = (await readFile(context.server.logFile)).subarray(before).toString("latin1");
  opened = await openEverything();
}, 120_000);

afterAll(() => admin.end());

/** How a value stands in a file: a network address as its bytes too, when it is kept as one. */
function bytesOf(value: Buffer): Buffer[] {
  const words = /^([\da-f]{1,4}(?::[\da-f]{1,4}){7})$/.exec(value.toString("latin1"))?.[1]?.split(":");
  const packed = words?.map((word) => word.padStart(4, "0")).join("");
  return [value, ...(packed === undefined ? [] : [Buffer.from(packed, "hex")])];
}

/** People do what people do, and get wrong what people get wrong. */
async function useApi(): Promise<void> {
  const safetypin = await SafetyPin.connect({ connectionString: urlOf(`${cell}_app_login`), environment: "test", log: () => undefined });
  const origin = { ipAddress: "2001:db8:4d41:524b:4552:3132:3334:3536", userAgent: "markers/1.0" };
  const email = write("the address of somebody", `${marker("ann")}@${marker("clinic")}.example`);
  const password = newPassword();
  const refused = async (work: Promise<unknown>) => {
    await expect(work).rejects.toThrow();
  };
  try {
    await safetypin.register({ email, password, firstName: "Ann", lastName: "Archer" });
    await safetypin.register({
      email: write("the address of somebody who never verifies it", `${marker("vic")}@example.com`),
      password: newPassword(),
      firstName: "Vic",
      lastName: "Vague",
    });
    await deliverMessages({
      connectionString: urlOf(`${cell}_mailer_login`),
      environment: "test",
      log: () => undefined,
      send: async ({ token, email: to }) => {
        if (token !== null && to === email) await safetypin.verifyEmail(token);
      },
    });
    await safetypin.register({ email, password, firstName: "Ann", lastName: "Archer" });
    await refused(safetypin.register({ email: write("what is no address", `${marker("no")} ${marker("address")}`), password, firstName: "N", lastName: "N" }));
    await refused(safetypin.signIn({ email: write("an address nobody has", `${marker("nobody")}@example.com`), password, ...origin }));
    await refused(safetypin.signIn({ email, password: newPassword(), ...origin }));

    const { sessionToken } = await safetypin.signIn({ email, password });
    await safetypin.withSession(sessionToken, async (tx) => {
      const { organizations, users } = createRepositories(tx);
      await organizations.choose(await organizations.create({ slug: "acme", name: "Acme Clinic" }));
      await organizations.update({
        billingEmail: write("where bills go", `${marker("bills")}@example.com`),
        technicalContactEmail: write("whom to ask", `${marker("ask")}@example.com`),
      });
      await users.updateOwnProfile({ phoneNumber: write("a phone number", `+1555${randomBytes(4).readUInt32BE().toString().padStart(10, "7")}`) });
      await users.findByEmail(email);
      await users.search(email);
      await users.search(email.slice(email.indexOf("@")));
      await users.findByEmail(write("an address that is looked for", `${marker("lost")}@example.com`));
    });
    await refused(
      safetypin.withSession(sessionToken, (tx) =>
        createRepositories(tx).users.updateOwnProfile({ phoneNumber: write("what is no phone number", marker("phone")) }),
      ),
    );
    await safetypin.changePassword(sessionToken, { currentPassword: password, newPassword: newPassword() });
    // From nowhere in particular: events keep in clear where they came from.
    await safetypin.requestPasswordReset(email);
  } finally {
    await safetypin.close();
  }
}

/** Everything that any declared column holds, as its keys open it. */
async function openEverything(): Promise<ReadonlyMap<string, readonly Buffer[]>> {
  const provider = localKeyFile({ environment: "test" });
  await admin.query("begin");
  const { rows: keys } = await admin.query<{
    cellId: string; organizationId: string | null; keyId: number; keyName: string; bytes: Buffer;
  }>(
    `select cell_settings.id as "cellId", organization_id as "organizationId", key_id as "keyId", key_name as "keyName", wrapped as bytes
     from tenant_keys, cell_settings where state in ('active', 'decrypt_only')`,
  );
  for (const { keyName, bytes, ...of } of keys) {
    const share = await provider.unwrap({ keyName, bytes }, of);
    const masked = maskShare(await readPad(admin), share, of.organizationId, of.keyId);
    await admin.query("select unlock($1, $2, $3)", [of.organizationId, of.keyId, masked]);
  }

  const { rows: fields } = await admin.query<{
    table: string; column: string; id: string; organization: string | null; subject: string | null; fieldId: number;
  }>(
    `select table_name as table, column_name as column, row_column as id, organization_column as organization,
       subject_column as subject, coalesce((to_jsonb(sealed_fields) ->> 'sealed_as')::integer, field_id) as "fieldId"
     from sealed_fields where algorithm = 1 order by field_id`,
  );
  const values = new Map<string, readonly Buffer[]>();
  for (const { table, column, id, organization, subject, fieldId } of fields) {
    const name = (part: string | null) => (part === null ? "null::uuid" : quoteIdentifier(part));
    const { rows } = await admin.query<{ value: Buffer }>(
      `select _open($1, ${name(organization)}, ${name(id)}, ${quoteIdentifier(column)}, ${name(subject)}) as value
       from ${quoteIdentifier(table)} where ${quoteIdentifier(column)} is not null`,
      [fieldId],
    );
    values.set(`${table}.${column}`, rows.map(({ value }) => value));
  }
  await admin.query("rollback");
  return values;
}

test("every column that is declared to be sealed was written through the API", () => {
  expect([...opened].filter(([, values]) => values.length === 0).map(([name]) => name)).toEqual([]);
  expect([...opened.keys()]).toEqual(expect.arrayContaining(["users.email", "users.phone_number", "password_credentials.digest", "digest_keys.secret"]));
  // What is opened is what was written: the hunt is for the very values.
  const all = new Set([...opened.values()].flat().map(String));
  for (const what of ["the address of somebody", "where bills go", "whom to ask", "a phone number"]) {
    expect(all).toContain(written.get(what));
  }
});

test("nothing of it is in the log, a table, a heap file, the write-ahead log, a temporary file or a dump", async () => {
  // Two sorts that memory does not hold, of what is sealed as it is kept.
  const spills = [
    "select users.* from users cross join generate_series(1, 2000) as place order by md5(place::text)",
    "select digest, salt from password_credentials cross join generate_series(1, 2000) as place order by md5(place::text)",
  ];
  const clients = await Promise.all(spills.map(() => connect(context.server.connectionString(DATABASE))));
  for (const [index, client] of clients.entries()) {
    await client.query(`set search_path = ${cell}`);
    await spill(client, spills[index]!);
  }

  const { server } = context;
  const run: TestRun = { id: "markers", adminUrl: server.connectionString(), logFile: server.logFile, isOurs: true };
  const all = [...[...written.values()].map((text) => Buffer.from(text)), ...[...opened.values()].flat()];
  const values = [...new Map(all.map((value) => [value.toString("hex"), value])).values()];
  const secrets = values.flatMap(bytesOf);
  const { escapes, missedPlants, searched, secrets: count } = await hunt({
    run,
    database: DATABASE,
    secrets,
  });
  for (const client of clients) await client.end();

  expect(escapes.map((escape) => `${escape.secret.toString()}: ${describeEscape(escape)}`)).toEqual([]);
  expect(missedPlants).toEqual([]);
  expect(count).toBe(secrets.length);
  expect(count).toBe(values.length + 1);
  for (const place of ["log", "tables", "heap", "wal", "dump", "temporary files"] satisfies Place[]) {
    expect([place, searched[place] > 100_000]).toEqual([place, true]);
  }
});

test("what the API opens fits into the least memory there is: nothing opened goes to a temporary file", () => {
  expect(loggedOfApi).toContain("LOG:");
  expect(loggedOfApi).not.toContain("temporary file:");
});

test("one that is written past the API is found in each place", async () => {
  const value = marker("planted");
  const forms = {
    plain: value,
    hexadecimal: Buffer.from(value).toString("hex"),
    base64: Buffer.from(`{"email":"${value}"}`).toString("base64"),
    "UTF-16": Buffer.from(value, "utf16le"),
  };
  const client = await connect(context.server.connectionString(DATABASE));
  try {
    await client.query("create table public.careless (form text, content bytea)");
    for (const [form, content] of Object.entries(forms)) {
      await client.query("insert into public.careless values ($1, $2)", [form, Buffer.from(content as string)]);
      await client.query(`do $$ begin raise log 'careless: ${Buffer.from(content as string).toString("hex")}'; end $$`);
    }
    const holding = await connect(context.server.connectionString(DATABASE));
    await spill(holding, "select content from public.careless cross join generate_series(1, 5000) as place order by md5(place::text)");
    const { server } = context;
    const run: TestRun = { id: "markers", adminUrl: server.connectionString(), logFile: server.logFile, isOurs: true };
    await client.query("drop table public.planted");
    const { escapes } = await hunt({ run, database: DATABASE, secrets: [Buffer.from(value)] });
    await holding.end();
    expect(new Set(escapes.map(({ kind }) => kind))).toEqual(new Set(["log", "tables", "heap", "wal", "dump", "temporary files"]));
  } finally {
    await client.end();
  }
});
