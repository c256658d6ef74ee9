import { randomBytes, randomInt, randomUUID } from "node:crypto";

import type pg from "pg";

import { openA256CbcHs512, sealA256CbcHs512 } from "../src/keys/a256cbc-hs512.js";
import { openInClient, sealInClient, type ClientSealedPlace } from "../src/keys/client-sealing.js";
import { clientKey, purposeKey, subjectKey, type KeyHalves } from "../src/keys/key-schedule.js";
import { maskSecret, maskShare } from "../src/keys/mask.js";
import { associatedData, keyIdOf, NIL_ID, sealedBody, sealedHeader, type SealedPlace } from "../src/keys/sealed-place.js";
import { declareSealedFields } from "../src/sealed-fields.js";
import { organizationId } from "./support/actors.js";
import { useDatabase } from "./support/database.js";
import { NOTES } from "./support/notes.js";

/*
 * The same bytes in SQL and in Node, both ways: keys, masks and values of any length,
 * under any key, about anybody.
 */

const db = useDatabase({ template: "pgtap" });

const ACME = organizationId("acme");
const CELL_FIELD = 90001;
const ORGANIZATION_FIELD = 90002;
const DATABASE_FIELD = NOTES["notes.digest"];
const KEY_IDS = [1, 2, 255, 256, 65_536, 2_147_483_647];
const ROUNDS = 25;

/** A key whose both halves are known here. */
interface KnownKey extends KeyHalves {
  readonly enc: Buffer;
}

const keys: KnownKey[] = [];

function knownKey(organizationId: string | null, keyId: number): KnownKey {
  const halves = { share: randomBytes(32), databaseShare: randomBytes(32), organizationId, keyId };
  return { ...halves, enc: purposeKey("enc", halves) };
}

/** Puts a key where add_key() would, as its owner may not: with a number and a half of our own. */
async function plant(client: pg.ClientBase, key: KnownKey): Promise<void> {
  await client.query(
    `insert into tenant_keys (organization_id, key_id, provider, key_name, wrapped, db_share, check_value)
     values ($1, $2, 'local-key-file', 'test', '\\x00', $3, $4)`,
    [key.organizationId, key.keyId, key.databaseShare, purposeKey("kcv", key).subarray(0, 8)],
  );
}

/** Makes a key the active one, for the length of the work. */
async function whileActive<Result>(client: pg.ClientBase, key: KnownKey, work: () => Promise<Result>) {
  const advance = (state: string) =>
    client.query(
      "update tenant_keys set state = $1 where organization_id is not distinct from $2 and key_id = $3",
      [state, key.organizationId, key.keyId],
    );
  await advance("active");
  const result = await work();
  await advance("decrypt_only");
  return result;
}

async function hello(client: pg.ClientBase): Promise<Buffer> {
  const { rows } = await client.query<{ pad: Buffer }>("select hello() as pad");
  return rows[0]?.pad ?? Buffer.alloc(0);
}

async function unlock(client: pg.ClientBase, pad: Buffer, key: KnownKey): Promise<void> {
  await client.query("select unlock($1, $2, $3)", [
    key.organizationId, key.keyId, maskShare(pad, key.share, key.organizationId, key.keyId),
  ]);
}

beforeAll(async () => {
  await db.admin.query("select tests.two_organizations()");
  await db.admin.query("select tests.notes()");
  await db.admin.query("update sealed_fields set max_bytes = 5000, pattern = null");
  // People were sealed under a key of which only SQL knows both halves: nobody opens them here.
  await db.admin.query("select tests.empty_keys()");
  const client = await db.admin.connect();
  for (const organization of [null, ACME]) {
    for (const keyId of KEY_IDS) {
      const key = knownKey(organization, keyId);
      await plant(client, key);
      keys.push(key);
    }
  }
  client.release();
});

/** Values that anything could be: no byte, whole blocks and not, Unicode, random. */
function somePlaintext(round: number): Buffer {
  const edges = [0, 1, 15, 16, 17, 31, 32, 33, 4999, 5000];
  if (round < edges.length) return randomBytes(edges[round] as number);
  if (round % 2 === 0) return randomBytes(randomInt(5001));
  const alphabet = ["a", "ß", "é", "Ж", "漢", "🏥", "\u0301", "\u202e", "\\", "'", "\n"];
  return Buffer.from(Array.from({ length: randomInt(1, 1000) }, () => alphabet[randomInt(alphabet.length)]).join(""));
}

function somePlace(key: KnownKey, round: number): { place: SealedPlace; subject: string | null } {
  const ids = [NIL_ID, "ffffffff-ffff-ffff-ffff-ffffffffffff"];
  return {
    place: {
      fieldId: key.organizationId === null ? CELL_FIELD : ORGANIZATION_FIELD,
      organizationId: key.organizationId,
      rowId: ids[round] ?? randomUUID(),
    },
    // Only the field of the cell is about somebody.
    subject: key.organizationId === null && round % 3 > 0 ? randomUUID() : null,
  };
}

async function keyFor(client: pg.ClientBase, key: KnownKey, subject: string | null): Promise<Buffer> {
  if (subject === null) return key.enc;
  await client.query("insert into subject_salts (user_id) values ($1) on conflict do nothing", [subject]);
  const { rows } = await client.query<{ salt: Buffer }>("select salt from subject_salts where user_id = $1", [subject]);
  return subjectKey(key.enc, rows[0]?.salt ?? Buffer.alloc(0), subject);
}

test.each(KEY_IDS)("under key %d, what either seals the other opens", async (keyId) => {
  const client = await db.admin.connect();
  try {
    const pad = await hello(client);
    for (const key of keys.filter((key) => key.keyId === keyId)) {
      await whileActive(client, key, async () => {
        await client.query("begin");
        await unlock(client, pad, key);
        for (let round = 0; round < ROUNDS; round++) {
          const plaintext = somePlaintext(round);
          const { place, subject } = somePlace(key, round);
          const where = [place.fieldId, place.organizationId, place.rowId];

          const { rows: sealedRows } = await client.query<{ sealed: Buffer }>(
            "select _seal($1, $2, $3, $4, $5) as sealed",
            [...where, plaintext, subject],
          );
          const sealed = sealedRows[0]?.sealed ?? Buffer.alloc(0);
          const valueKey = await keyFor(client, key, subject);
          const data = associatedData(sealedHeader(1, keyId), place);
          expect(keyIdOf(sealed, 1)).toBe(keyId);
          expect(openA256CbcHs512(valueKey, data, sealedBody(sealed))).toEqual(plaintext);

          const ours = Buffer.concat([sealedHeader(1, keyId), sealA256CbcHs512(valueKey, data, plaintext)]);
          const { rows: openedRows } = await client.query<{ opened: Buffer }>(
            "select _open($1, $2, $3, $4, $5) as opened",
            [...where, ours, subject],
          );
          expect(openedRows[0]?.opened).toEqual(plaintext);
        }
        await client.query("commit");
      });
    }
  } finally {
    client.release();
  }
});

test("the keys for each purpose are the same", async () => {
  const client = await db.admin.connect();
  try {
    const pad = await hello(client);
    await client.query("begin");
    for (const key of keys) {
      await unlock(client, pad, key);
      for (const purpose of ["enc", "bidx", "audit", "kcv"] as const) {
        const { rows } = await client.query<{ key: Buffer }>("select _derive_key($1, $2, $3) as key", [
          purpose, key.organizationId, key.keyId,
        ]);
        expect(rows[0]?.key).toEqual(purposeKey(purpose, key));
      }
    }
    await client.query("rollback");
  } finally {
    client.release();
  }
});

test("the application opens a list that was sealed in Node, in one call", async () => {
  const cellKeys = keys.filter(({ organizationId }) => organizationId === null);
  const client = await db.app.connect();
  const admin = await db.admin.connect();
  try {
    const list: { rowId: string; subject: string | null; text: string; value: Buffer }[] = [];
    for (const key of cellKeys) {
      for (const text of ["Ann", "漢字 🏥", ""]) {
        const rowId = randomUUID();
        const subject = text === "Ann" ? randomUUID() : null;
        const header = sealedHeader(1, key.keyId);
        const data = associatedData(header, { fieldId: CELL_FIELD, organizationId: null, rowId });
        const sealed = sealA256CbcHs512(await keyFor(admin, key, subject), data, Buffer.from(text));
        list.push({ rowId, subject, text, value: Buffer.concat([header, sealed]) });
      }
    }

    const pad = await hello(client);
    await client.query("begin");
    for (const key of cellKeys) await unlock(client, pad, key);
    const { rows } = await client.query<{ opened: string[] }>("select open_fields($1, $2, $3, $4) as opened", [
      CELL_FIELD, list.map(({ rowId }) => rowId), list.map(({ value }) => value), list.map(({ subject }) => subject),
    ]);
    await client.query("commit");
    expect(rows[0]?.opened).toEqual(list.map(({ text }) => text));
  } finally {
    client.release();
    admin.release();
  }
});

test("what is masked in Node is unmasked in SQL, for its field and under its pad", async () => {
  const client = await db.admin.connect();
  const unmask = (masked: Buffer, fieldId: number) =>
    client.query<{ secret: Buffer }>("select _unmask($1, $2) as secret", [masked, fieldId]).then(({ rows }) => rows[0]?.secret);
  try {
    const pad = await hello(client);
    for (const length of [0, 1, 16, 60, 1000]) {
      const secret = randomBytes(length);
      expect(await unmask(maskSecret(pad, secret, DATABASE_FIELD), DATABASE_FIELD.fieldId)).toEqual(secret);
    }
    const masked = maskSecret(pad, Buffer.from("a digest"), DATABASE_FIELD);
    await expect(unmask(masked, CELL_FIELD)).rejects.toMatchObject({ code: "SP521" });
    await hello(client);
    await expect(unmask(masked, DATABASE_FIELD.fieldId)).rejects.toMatchObject({ code: "SP521" });
  } finally {
    client.release();
  }
});

test("a share that is handed over for the transaction is gone with it", async () => {
  const [key] = keys as [KnownKey];
  const client = await db.app.connect();
  try {
    const pad = await hello(client);
    const openNothing = () => client.query("select open_fields($1, $2, $3)", [
      CELL_FIELD, [NIL_ID], [Buffer.concat([sealedHeader(1, key.keyId), Buffer.alloc(64)])],
    ]);
    await client.query("begin");
    await unlock(client, pad, key);
    await expect(openNothing()).rejects.toMatchObject({ code: "SP521" });
    await client.query("rollback");

    await client.query("begin");
    await expect(openNothing()).rejects.toMatchObject({ code: "SP522" });
    await client.query("rollback");

    // Outside a transaction it is gone with the statement.
    await unlock(client, pad, key);
    await expect(openNothing()).rejects.toMatchObject({ code: "SP522" });

    // What waits in the setting is bound to its transaction.
    await client.query("begin");
    await unlock(client, pad, key);
    const { rows } = await client.query<{ shares: string }>("select current_setting('safetypin.shares') as shares");
    await client.query("commit");
    await client.query("begin");
    await client.query("select set_config('safetypin.shares', $1, true)", [rows[0]?.shares]);
    await expect(openNothing()).rejects.toMatchObject({ code: "SP521" });
    await client.query("rollback");
  } finally {
    client.release();
  }
});

describe("algorithm 2", () => {
  const OTHER = declareSealedFields({ "others.token": { fieldId: 90005, scope: "organization", algorithm: 2 } });
  const share = randomBytes(32);
  const place: ClientSealedPlace = { field: NOTES["notes.token"], organizationId: ACME, rowId: randomUUID() };
  const value = sealInClient(share, 7, place, Buffer.from("an OAuth token"));

  it("opens in its place, and is what its column takes", async () => {
    expect(openInClient(share, place, value)?.toString()).toBe("an OAuth token");
    expect(keyIdOf(value, 2)).toBe(7);
    const key = keys.find(({ organizationId }) => organizationId === ACME) as KnownKey;
    const ours = sealInClient(key.share, key.keyId, place, Buffer.from("an OAuth token"));
    const insert = "insert into notes (id, organization_id, token) values ($1, $2, $3)";
    // Its key only opens by now, and has for longer than a statement under way may take.
    await db.admin.query("select tests.age_keys('decrypt_only', 'decrypt_only_time', '1 hour')");
    await expect(db.admin.query(insert, [place.rowId, ACME, ours])).rejects.toMatchObject({ code: "SP525" });
    await db.admin.query("select tests.add_key('zenith')");
    const zenith = organizationId("zenith");
    await db.admin.query(insert, [
      place.rowId, zenith,
      sealInClient(randomBytes(32), 1, { ...place, organizationId: zenith }, Buffer.from("an OAuth token")),
    ]);
  });

  it.each<[string, Partial<ClientSealedPlace>]>([
    ["another field", { field: OTHER["others.token"] }],
    ["another organization", { organizationId: randomUUID() }],
    ["the cell", { organizationId: null }],
    ["another row", { rowId: randomUUID() }],
  ])("does not open in %s", (_, elsewhere) => {
    expect(openInClient(share, { ...place, ...elsewhere }, value)).toBeNull();
  });

  it("does not open under another share, changed, or cut short", () => {
    expect(openInClient(randomBytes(32), place, value)).toBeNull();
    for (let at = 0; at < value.length; at++) {
      const changed = Buffer.from(value);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(openInClient(share, place, changed)).toBeNull();
      expect(openInClient(share, place, value.subarray(0, at))).toBeNull();
    }
  });

  it("has a key of its own, which the database cannot derive", () => {
    const halves = { share, databaseShare: randomBytes(32), organizationId: ACME, keyId: 7 };
    expect(clientKey(share, ACME, 7)).toHaveLength(32);
    expect(clientKey(share, ACME, 7)).not.toEqual(clientKey(share, ACME, 8));
    expect(clientKey(share, ACME, 7)).not.toEqual(clientKey(share, null, 7));
    expect(purposeKey("enc", halves).subarray(0, 32)).not.toEqual(clientKey(share, ACME, 7));
  });

  it("takes no id that is none", () => {
    expect(() => sealInClient(share, 7, { ...place, rowId: "1" }, value)).toThrow(TypeError);
  });
});
