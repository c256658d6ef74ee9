import { createHmac } from "node:crypto";

import { openA256CbcHs512, sealA256CbcHs512 } from "../src/keys/a256cbc-hs512.js";
import { openAes256Gcm, sealAes256Gcm } from "../src/keys/aes-256-gcm.js";
import { useDatabase } from "./support/database.js";
import { describeWycheproof, wycheproof, type WycheproofVector } from "./support/wycheproof.js";

/*
 * Published vectors, through the functions that seal: those in SQL, and those in Node.
 */

const db = useDatabase({ template: "migrated" });

const hex = (text: string) => Buffer.from(text, "hex");

/** The ciphers of SQL, for many vectors at once. */
async function sealInSql(vectors: readonly { key: Buffer; iv: Buffer; aad: Buffer; msg: Buffer }[]) {
  const { rows } = await db.admin.query<{ sealed: Buffer }>(
    `select _a256cbc_hs512_seal(key, iv, aad, msg) as sealed
     from unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[]) with ordinality as v (key, iv, aad, msg, place)
     order by place`,
    [
      vectors.map(({ key }) => key), vectors.map(({ iv }) => iv),
      vectors.map(({ aad }) => aad), vectors.map(({ msg }) => msg),
    ],
  );
  return rows.map(({ sealed }) => sealed);
}

async function openInSql(vectors: readonly { key: Buffer; aad: Buffer; sealed: Buffer }[]) {
  const { rows } = await db.admin.query<{ opened: Buffer | null }>(
    `select _a256cbc_hs512_open(key, aad, sealed) as opened
     from unnest($1::bytea[], $2::bytea[], $3::bytea[]) with ordinality as v (key, aad, sealed, place)
     order by place`,
    [vectors.map(({ key }) => key), vectors.map(({ aad }) => aad), vectors.map(({ sealed }) => sealed)],
  );
  return rows.map(({ opened }) => opened);
}

describe("A256CBC-HS512", () => {
  // RFC 7518, appendix B.3.
  const RFC = {
    key: hex(
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" +
        "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
    ),
    iv: hex("1af38c2dc2b96ffdd86694092341bc04"),
    aad: Buffer.from("The second principle of Auguste Kerckhoffs"),
    msg: Buffer.from(
      "A cipher system must not be required to be secret, and it must be able to fall " +
        "into the hands of the enemy without inconvenience",
    ),
  };
  const SEALED = Buffer.concat([
    RFC.iv,
    hex(
      "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd" +
        "822c301dd67c373bccb584ad3e9279c2e6d12a1374b77f077553df829410446b" +
        "36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3" +
        "a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950b" +
        "be2638d09dd7a4930930806d0703b1f6",
    ),
    hex("4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5"),
  ]);

  it("is that of RFC 7518, appendix B.3, in SQL and in Node", async () => {
    expect(await sealInSql([RFC])).toEqual([SEALED]);
    expect(await openInSql([{ ...RFC, sealed: SEALED }])).toEqual([RFC.msg]);
    expect(sealA256CbcHs512(RFC.key, RFC.aad, RFC.msg, RFC.iv)).toEqual(SEALED);
    expect(openA256CbcHs512(RFC.key, RFC.aad, SEALED)).toEqual(RFC.msg);
  });

  it("opens with no bit changed, in SQL or in Node", async () => {
    const changed = Array.from({ length: SEALED.length * 8 }, (_, bit) => {
      const sealed = Buffer.from(SEALED);
      sealed.writeUInt8(sealed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      return { ...RFC, sealed };
    });
    const shortened = Array.from({ length: SEALED.length }, (_, length) => ({
      ...RFC,
      sealed: SEALED.subarray(0, length),
    }));
    const bad = [...changed, ...shortened];

    expect(new Set(await openInSql(bad))).toEqual(new Set([null]));
    expect(new Set(bad.map(({ key, aad, sealed }) => openA256CbcHs512(key, aad, sealed)))).toEqual(new Set([null]));
  });
});

describe("AES-256-GCM", () => {
  // The Galois/Counter Mode of Operation (McGrew, Viega), test cases 13 to 16, which NIST
  // SP 800-38D refers to.
  const KEY = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
  const TEXT =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
  const CIPHERTEXT =
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";

  it.each([
    ["13", "00".repeat(32), "00".repeat(12), "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"],
    [
      "14", "00".repeat(32), "00".repeat(12), "", "00".repeat(16),
      "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919",
    ],
    ["15", KEY, "cafebabefacedbaddecaf888", "", TEXT, CIPHERTEXT, "b094dac5d93471bdec1a502270e3cc6c"],
    [
      "16", KEY, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      TEXT.slice(0, 120), CIPHERTEXT.slice(0, 120), "76fc6ece0f4e1768cddf8853bb2d551b",
    ],
  ])("is that of test case %s", (_, key, iv, aad, plaintext, ciphertext, tag) => {
    const sealed = hex(iv + ciphertext + tag);
    expect(sealAes256Gcm(hex(key), hex(aad), hex(plaintext), hex(iv))).toEqual(sealed);
    expect(openAes256Gcm(hex(key), hex(aad), sealed)).toEqual(hex(plaintext));
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(openAes256Gcm(hex(key), hex(aad), changed)).toBeNull();
      expect(openAes256Gcm(hex(key), hex(aad), sealed.subarray(0, at))).toBeNull();
    }
  });
});

describeWycheproof("Wycheproof", () => {
  const isValid = ({ result }: WycheproofVector) => result === "valid";

  it("A256CBC-HS512, in SQL and in Node", async () => {
    const vectors = wycheproof("a256cbc_hs512").map((vector) => ({
      isValid: isValid(vector),
      key: hex(vector.key),
      iv: hex(vector.iv),
      aad: hex(vector.aad),
      msg: hex(vector.msg),
      sealed: hex(vector.iv + vector.ct + vector.tag),
    }));
    const opened = vectors.map(({ isValid, msg }) => (isValid ? msg : null));
    const valid = vectors.filter(({ isValid }) => isValid);
    expect([vectors.length, valid.length]).toEqual([94, 67]);

    expect(await openInSql(vectors)).toEqual(opened);
    expect(vectors.map(({ key, aad, sealed }) => openA256CbcHs512(key, aad, sealed))).toEqual(opened);
    expect(await sealInSql(valid)).toEqual(valid.map(({ sealed }) => sealed));
    expect(valid.map(({ key, iv, aad, msg }) => sealA256CbcHs512(key, aad, msg, iv))).toEqual(
      valid.map(({ sealed }) => sealed),
    );
  });

  it("AES-256-GCM with an iv of 96 bits and a tag of 128, in Node", () => {
    const vectors = wycheproof(
      "aes_gcm",
      ({ keySize, ivSize, tagSize }) => keySize === 256 && ivSize === 96 && tagSize === 128,
    );
    expect(vectors.filter(isValid).length).toBeGreaterThan(20);
    expect(vectors.filter((vector) => !isValid(vector)).length).toBeGreaterThan(20);

    for (const vector of vectors) {
      const { key, iv, aad, msg, ct, tag } = vector;
      const opened = openAes256Gcm(hex(key), hex(aad), hex(iv + ct + tag));
      expect([vector.tcId, opened]).toEqual([vector.tcId, isValid(vector) ? hex(msg) : null]);
      if (isValid(vector)) expect(sealAes256Gcm(hex(key), hex(aad), hex(msg), hex(iv))).toEqual(hex(iv + ct + tag));
    }
  });

  /** HMAC as SQL has it, for many at once. */
  async function hmacInSql(hash: string, pairs: readonly (readonly [key: Buffer, message: Buffer])[]) {
    const { rows } = await db.admin.query<{ mac: Buffer }>(
      `select hmac(message, key, $3) as mac
       from unnest($1::bytea[], $2::bytea[]) with ordinality as pairs (key, message, place)
       order by place`,
      [pairs.map(([key]) => key), pairs.map(([, message]) => message), hash],
    );
    return rows.map(({ mac }) => mac);
  }

  it.each(["sha256", "sha384", "sha512"])("HMAC with %s, in SQL and in Node", async (hash) => {
    const vectors = wycheproof(`hmac_${hash}`);
    const inSql = await hmacInSql(hash, vectors.map(({ key, msg }) => [hex(key), hex(msg)]));
    expect(vectors.length).toBe(174);

    for (const [at, vector] of vectors.entries()) {
      const length = vector.tag.length / 2;
      const isRight = (mac: Buffer | undefined) => mac?.subarray(0, length).toString("hex") === vector.tag;
      const inNode = createHmac(hash, hex(vector.key)).update(hex(vector.msg)).digest();
      expect([vector.tcId, isRight(inSql[at]), isRight(inNode)]).toEqual([
        vector.tcId, isValid(vector), isValid(vector),
      ]);
    }
  });

  // RFC 5869 is two loops around the same HMAC: nothing of ours derives keys so, and its
  // vectors try the HMAC with longer and shorter keys than the others.
  it.each(["sha256", "sha512"])("HKDF with %s, made of SQL's HMAC", async (hash) => {
    const vectors = wycheproof(`hkdf_${hash}`).filter(isValid);
    expect(vectors.length).toBeGreaterThan(50);
    const hashLength = hash === "sha256" ? 32 : 64;

    const extracted = await hmacInSql(
      hash,
      vectors.map(({ salt, ikm }) => [salt === "" ? Buffer.alloc(hashLength) : hex(salt), hex(ikm)]),
    );
    let expanded: Buffer[] = vectors.map(() => Buffer.alloc(0));
    let block: Buffer[] = vectors.map(() => Buffer.alloc(0));
    const blocks = Math.ceil(Math.max(...vectors.map(({ size }) => size)) / hashLength);
    for (let counter = 1; counter <= blocks; counter++) {
      const messages = vectors.map(({ info }, at) =>
        Buffer.concat([block[at] as Buffer, hex(info), Buffer.from([counter])]),
      );
      block = await hmacInSql(hash, messages.map((message, at) => [extracted[at] as Buffer, message]));
      expanded = expanded.map((bytes, at) => Buffer.concat([bytes, block[at] as Buffer]));
    }

    expect(expanded.map((bytes, at) => bytes.subarray(0, vectors[at]?.size).toString("hex"))).toEqual(
      vectors.map(({ okm }) => okm),
    );
  });
});
