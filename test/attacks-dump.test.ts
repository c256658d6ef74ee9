import { execFile } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";

import { email, OTHER_PASSWORD, proveAttempt, signIn, userId } from "./support/actors.js";
import { useDatabase } from "./support/database.js";
import { inUnlockedCell } from "./support/keys.js";

/*
 * Somebody has a dump, all of it, and thinks of an address. Whether it is in there, in what
 * is counted and asked for, no value of the dump tells them.
 */

jest.setTimeout(120_000);

const db = useDatabase({ template: "pgtap" });

const NOBODY = "nobody.at.all@example.com";
const FROM = "203.0.113.77";

let dump = "";
let opened: { address: Buffer; salt: Buffer };

async function dumpAsBackup(): Promise<string> {
  const { hostname, port, username, password, pathname } = new URL(db.connectionString("backup"));
  const source = {
    host: hostname,
    port: Number(port || 5432),
    user: decodeURIComponent(username),
    password: password === "" ? undefined : decodeURIComponent(password),
    database: pathname.slice(1),
  };
  const args = ["--data-only", "--enable-row-security", `--schema=${db.cell}`, "--exclude-table=*.password_blocklist"];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(__dirname, "support", "dump.mjs"), JSON.stringify({ source, args })],
    { maxBuffer: 1 << 28 },
  );
  return stdout;
}

beforeAll(async () => {
  await db.admin.query("select tests.person(name) from unnest($1::text[]) as name", [["ann", "bob", "shirin"]]);
  await signIn(db.app, email("ann"), { digest: OTHER_PASSWORD.digest });
  await proveAttempt(db.app, NOBODY);
  await inUnlockedCell(db.app, async (client) => {
    await client.query("select begin_password_check($1, $2)", [email("shirin"), FROM]);
    await client.query("select request_password_reset($1)", [email("bob")]);
  });
  dump = await dumpAsBackup();
  opened = await inUnlockedCell(db.pool("admin"), async (client) => {
    const { rows } = await client.query<{ address: Buffer; salt: Buffer }>(
      "select (_open_digest_keys('address'))[1] as address, (_open_digest_keys('salt'))[1] as salt",
    );
    return rows[0]!;
  });
});

const hmac = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest();
const uuidOf = (bytes: Buffer) => bytes.toString("hex", 0, 16).replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");

/** bcrypt's alphabet, over 16 bytes. */
function bcryptSalt(bytes: Buffer): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const theirs = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  return [...bytes.toString("base64", 0, 16).slice(0, 22)].map((letter) => theirs[alphabet.indexOf(letter)]).join("");
}

/** What a guess at an address looks like in a dump, if the key is right. */
const GUESSES: readonly (readonly [what: string, digest: (key: Buffer) => string])[] = [
  ["ann failed", (key) => uuidOf(hmac(key, `account|${email("ann")}`))],
  ["ann tried", (key) => hmac(key, `email|${email("ann")}`).toString("hex")],
  ["bob asked for a reset", (key) => hmac(key, `email|${email("bob")}`).toString("hex")],
  ["somebody came from there", (key) => uuidOf(hmac(key, `address|${FROM}`))],
  ["an address was tried that nobody has", (key) => uuidOf(hmac(key, `account|${NOBODY}`))],
  ["... and was answered a salt", (key) => bcryptSalt(hmac(key, `salt|12|${NOBODY}`))],
  ["somebody who never came tried", (key) => hmac(key, "email|never@example.com").toString("hex")],
];

/** Every value that may be a key: whole, and each 64 and 32 bytes of it. */
function candidatesIn(text: string): Set<string> {
  const candidates = new Set<string>();
  for (const [, digits = ""] of text.matchAll(/(?:\\x|\b)((?:[0-9a-f]{2}){16,})\b/g)) {
    candidates.add(digits);
    for (const length of [64, 128]) {
      for (let at = 0; at + length <= digits.length; at += 2) candidates.add(digits.slice(at, at + length));
    }
  }
  return candidates;
}

/** Which guesses are confirmed by keys out of a text, and others that are given. */
function confirmed(text: string): string[] {
  const known = new Set(
    [...text.matchAll(/[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=\$2a\$12\$)[./A-Za-z0-9]{22}/g)].map(([found]) => found),
  );
  const keys = [...candidatesIn(text)].map((digits) => Buffer.from(digits, "hex"));
  return GUESSES.filter(([, digest]) => keys.some((key) => known.has(digest(key)))).map(([what]) => what);
}

test("a dump has what is counted, asked for and tried", () => {
  for (const table of ["sign_in_throttles", "messages", "password_attempts", "access_attempt_logs", "digest_keys", "context_keys", "tenant_keys"]) {
    expect([table, new RegExp(`^INSERT INTO ${db.cell}\\.${table}\\w* `, "m").test(dump)]).toEqual([table, true]);
  }
  expect(dump).toContain(userId("ann"));
  expect(candidatesIn(dump).size).toBeGreaterThan(1000);
});

test("... and nothing that confirms a guess at an address", () => {
  expect(confirmed(dump)).toEqual([]);
});

test("with the keys as the cell's key opens them, each guess is confirmed that is right", () => {
  const right = GUESSES.map(([what]) => what).slice(0, -1);
  expect(confirmed(`${dump}\n\\\\x${opened.address.toString("hex")}\n\\\\x${opened.salt.toString("hex")}`)).toEqual(right);
  // ... wherever they stood in a longer value, and each for what it digests.
  const hidden = Buffer.concat([randomBytes(21), opened.salt, randomBytes(9)]);
  expect(confirmed(`${dump}\n\\\\x${hidden.toString("hex")}`)).toEqual(["... and was answered a salt"]);
});
