import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { inspect, promisify } from "node:util";

import { folder } from "./support/reach-clouds.js";
import "./support/errors-of-node.js";

import { status } from "@grpc/grpc-js";

import { ConfigurationError, KeyProviderError } from "../src/errors.js";
import { crc32c } from "../src/keys/crc32c.js";
import { codeOfGcpCredentials } from "../src/keys/gcp-kms-failures.js";
import { gcpKms, type GcpKmsOptions } from "../src/keys/gcp-kms.js";
import type { KeyProvider } from "../src/keys/key-provider.js";
import { ACME, CELL, CONTEXT, itKeepsKeys } from "./contract/key-provider.js";
import { startGcpKms, type GcpKmsServer } from "./support/gcp-kms-server.js";
import { listen, stop } from "./support/local-server.js";

const run = promisify(execFile);
let kms: GcpKmsServer;
let key: string;
const opened: KeyProvider[] = [];

/** Lets Google's libraries find an identity as they do anywhere: by the file that the environment names. */
function actAs(name: string, file: Record<string, string>): void {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify(file));
  process.env["GOOGLE_APPLICATION_CREDENTIALS"] = path;
}

function open(options: Partial<GcpKmsOptions> = {}): KeyProvider {
  const provider = gcpKms({ keyName: key, endpoint: kms.endpoint, ...options });
  opened.push(provider);
  return provider;
}

async function failureOf(work: Promise<unknown>): Promise<KeyProviderError> {
  return work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error as KeyProviderError,
  );
}

let application: Record<string, string>;

beforeAll(async () => {
  kms = await startGcpKms();
  application = kms.addIdentity("application@clinic.iam.gserviceaccount.com");
  key = kms.createKey("europe-west3");
});
beforeEach(() => {
  kms.faults.heal();
  kms.requests.length = 0;
  kms.arrivals.length = 0;
  actAs("application", application);
});
afterAll(async () => {
  for (const provider of opened) await provider.close?.();
  await kms.stop();
  await pause(500); // calls that were given up end, too
});

it("computes CRC-32C as everybody does", () => {
  // RFC 3720, appendix B.4, and the check value of the catalogue of parametrised CRC algorithms.
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, byte) => byte)))).toBe(0x46dd794e);
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
});

itKeepsKeys(open);

describe("what Cloud KMS is told", () => {
  it("is ids, the key's own name and nothing else", async () => {
    const provider = open();
    const { wrapped } = await provider.generate(CONTEXT);
    await provider.unwrap(wrapped, CONTEXT);

    const associated = `safetypin:cell=${CELL}\nsafetypin:key=3\nsafetypin:organization=${ACME}\n`;
    expect(wrapped.keyName).toBe(`${key}/cryptoKeyVersions/1`);
    expect(kms.requests).toEqual([
      { operation: "Encrypt", name: key, associated },
      { operation: "Decrypt", name: key, associated },
    ]);
  });

  it("is signed by a service account: the server would see another's key", async () => {
    const { private_key } = kms.addIdentity("other@clinic.iam.gserviceaccount.com");
    actAs("forged", { ...application, private_key: private_key as string });

    expect(await failureOf(open().generate(CONTEXT))).toMatchObject({ code: "kms_credentials_rejected", cause: { code: 16 } });
    expect(kms.requests).toEqual([]);
  });
});

describe("a key that cannot be used", () => {
  it.each([
    ["DISABLED", "master_key_disabled", "cryptoKeyVersions/1"],
    ["DESTROY_SCHEDULED", "master_key_pending_deletion", "on 2027-01-15"],
    ["DESTROYED", "master_key_not_found", "it was destroyed"],
    ["PENDING_IMPORT", "master_key_unusable", "its state is PENDING_IMPORT"],
  ])("because its version is %s: %s", async (state, code, detail) => {
    const keyName = kms.createKey("europe-west3");
    const provider = open({ keyName });
    const { wrapped } = await provider.generate(CONTEXT);
    kms.setState(wrapped.keyName, state);

    for (const failure of [
      await failureOf(provider.generate(CONTEXT)),
      await failureOf(provider.unwrap(wrapped, CONTEXT)),
      await failureOf(provider.rewrap(wrapped, CONTEXT)),
    ]) {
      expect(failure).toBeInstanceOf(KeyProviderError);
      expect(failure).toMatchObject({ code, isTransient: false, cause: { code: status.FAILED_PRECONDITION } });
      expect(failure.message).toContain(keyName);
      expect(failure.message).toContain(detail);
      expect(failure.remedy).toMatch(/\S/);
    }
  });

  it("is told without its state by who may not ask for it", async () => {
    actAs("modest", kms.addIdentity("modest@clinic.iam.gserviceaccount.com", ["GetCryptoKey", "GetCryptoKeyVersion"]));
    const keyName = kms.createKey("europe-west3");
    kms.setState(`${keyName}/cryptoKeyVersions/1`, "DISABLED");

    expect(await failureOf(open({ keyName }).generate(CONTEXT))).toMatchObject({ code: "master_key_unusable" });
  });

  it("does not exist", async () => {
    expect(await failureOf(open({ keyName: `${key}x` }).generate(CONTEXT))).toMatchObject({ code: "master_key_not_found" });
  });

  it("is another identity's", async () => {
    actAs("stranger", kms.addIdentity("stranger@clinic.iam.gserviceaccount.com", ["Decrypt"]));
    const provider = open();
    const { wrapped } = await provider.generate(CONTEXT);

    expect(await failureOf(provider.unwrap(wrapped, CONTEXT))).toMatchObject({ code: "master_key_access_denied", cause: { code: 7 } });
    expect(kms.arrivals).toEqual(["Encrypt", "Decrypt"]);
  });
});

describe("credentials that are not there", () => {
  /** In a process of its own, which a rejection that nobody handles would end: one provider, and what the environment names time after time. */
  async function attempts(steps: readonly (string | undefined)[]): Promise<unknown> {
    const script = `
      import { gcpKms } from ${JSON.stringify(join(__dirname, "..", "dist", "keys", "index.js"))};
      const provider = gcpKms(${JSON.stringify({ keyName: key, endpoint: kms.endpoint, maximumAttempts: 1 })});
      const wrapping = () => provider.generate(${JSON.stringify(CONTEXT)}).then(() => "done", ({ name, code, isTransient }) => ({ name, code, isTransient }));
      const outcomes = [];
      for (const path of ${JSON.stringify(steps.map((step) => step ?? null))}) {
        if (path === null) delete process.env.GOOGLE_APPLICATION_CREDENTIALS;
        else process.env.GOOGLE_APPLICATION_CREDENTIALS = path;
        outcomes.push(...(await Promise.all([wrapping(), wrapping()])));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await provider.close();
      console.log(JSON.stringify(outcomes));
    `;
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script], {
      env: {
        PATH: process.env["PATH"],
        HOME: folder,
        GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: process.env["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"],
        METADATA_SERVER_DETECTION: "none",
      },
    });
    return JSON.parse(stdout);
  }

  it("are said to be missing, end no process, and are found once they are there", async () => {
    const bad = join(folder, "bad.json");
    writeFileSync(bad, "no json");
    const rejected = { name: "KeyProviderError", code: "kms_credentials_rejected", isTransient: false };
    const steps = [undefined, join(folder, "missing.json"), folder, bad, process.env["GOOGLE_APPLICATION_CREDENTIALS"]];

    expect(await attempts(steps)).toEqual([...Array<unknown>(8).fill(rejected), "done", "done"]);
  });

  it("are not what is wrong where the service that has them is down", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", syscall: "connect" });
    const missing = Object.assign(new Error("no such file"), { code: "ENOENT", syscall: "lstat" });
    const answers = [refused, Object.assign(new Error("Service Unavailable"), { status: 503 }), missing, new Error("Could not load the default credentials")];
    expect(answers.map(codeOfGcpCredentials)).toEqual([
      "kms_unavailable", "kms_unavailable", "kms_credentials_rejected", "kms_credentials_rejected",
    ]);
  });
});

describe("another key", () => {
  it("or another location that is not configured is refused before anybody is asked", async () => {
    const near = kms.createKey("europe-west3");
    const far = kms.createKey("us-central1");
    const shares = [await open({ keyName: near }).generate(CONTEXT), await open({ keyName: far }).generate(CONTEXT)];
    kms.arrivals.length = 0;

    const codes = await Promise.all(shares.map(async ({ wrapped }) => (await failureOf(open().unwrap(wrapped, CONTEXT))).code));
    expect(codes).toEqual(["master_key_mismatch", "master_key_in_another_region"]);
    expect(kms.arrivals).toEqual([]);

    for (const { share, wrapped } of shares) {
      const both = open({ alsoUnwraps: [near, far] });
      expect(await both.unwrap(wrapped, CONTEXT)).toEqual(share);
      expect((await both.rewrap(wrapped, CONTEXT)).keyName).toBe(`${key}/cryptoKeyVersions/1`);
    }
  });

  it("is found out where the row names the wrong one", async () => {
    const { wrapped } = await open({ keyName: kms.createKey("europe-west3") }).generate(CONTEXT);

    expect(await failureOf(open().unwrap({ ...wrapped, keyName: key }, CONTEXT))).toMatchObject({ code: "share_refused" });
  });

  it("is not a new version: that wraps, and the old one opens", async () => {
    const keyName = kms.createKey("europe-west3");
    const provider = open({ keyName });
    const { share, wrapped } = await provider.generate(CONTEXT);
    kms.addVersion(keyName);

    expect(await provider.unwrap(wrapped, CONTEXT)).toEqual(share);
    const again = await provider.rewrap(wrapped, CONTEXT);
    expect(again.keyName).toBe(`${keyName}/cryptoKeyVersions/2`);
    kms.setState(wrapped.keyName, "DISABLED");
    expect(await provider.unwrap(again, CONTEXT)).toEqual(share);
  });

  it.each(["safetypin", "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1", ""])("is not what %p names", (keyName) => {
    expect(() => gcpKms({ keyName })).toThrow(ConfigurationError);
    expect(() => gcpKms({ keyName: key, alsoUnwraps: [keyName] })).toThrow("is no key of Cloud KMS");
  });
});

describe("what is damaged on its way", () => {
  const damaged = async (change: (answer: Record<string, unknown>) => void) => {
    const provider = open();
    const { wrapped } = await provider.generate(CONTEXT);
    kms.faults.inject({ answer: { change } });
    return [await failureOf(provider.generate(CONTEXT)), await failureOf(provider.unwrap(wrapped, CONTEXT))];
  };

  it("to here is seen by its checksum", async () => {
    const flip = (answer: Record<string, unknown>) => {
      const bytes = (answer["ciphertext"] ?? answer["plaintext"]) as Buffer;
      bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
    };
    for (const failure of await damaged(flip)) expect(failure).toMatchObject({ code: "kms_answer_invalid" });
  });

  it("to there is seen, since the service says what it checked", async () => {
    kms.faults.inject({ answer: { change: (answer) => (answer["verifiedAdditionalAuthenticatedDataCrc32c"] = false) } });
    expect(await failureOf(open().generate(CONTEXT))).toMatchObject({ code: "kms_answer_invalid" });
  });

  it.each(["ciphertextCrc32c", "verifiedPlaintextCrc32c", "name"])("is not taken for whole without %s", async (field) => {
    kms.faults.inject({ answer: { change: (answer) => delete answer[field] } });
    expect(await failureOf(open().generate(CONTEXT))).toMatchObject({ code: "kms_answer_invalid" });
  });

  it.each([["no checksum", { plaintextCrc32c: null }], ["half of a share", { plaintext: Buffer.alloc(16), plaintextCrc32c: { value: crc32c(Buffer.alloc(16)) } }]])(
    "is not taken for a share with %s",
    async (_, changes) => {
      const { wrapped } = await open().generate(CONTEXT);
      kms.faults.inject({ answer: { change: (answer) => Object.assign(answer, changes) } });
      expect(await failureOf(open().unwrap(wrapped, CONTEXT))).toMatchObject({ code: "kms_answer_invalid" });
    },
  );
});

describe("a service in trouble", () => {
  it.each([status.RESOURCE_EXHAUSTED, status.UNAVAILABLE])("is asked again, with pauses (status %i)", async (code) => {
    kms.faults.inject({ times: 2, answer: { code } });
    const { share } = await open().generate(CONTEXT);

    expect(share.length).toBe(32);
    expect(kms.arrivals).toHaveLength(3);
  });

  it.each([
    [status.RESOURCE_EXHAUSTED, "kms_throttled", 2],
    [status.UNAVAILABLE, "kms_unavailable", 2],
    [status.INTERNAL, "kms_unavailable", 1],
  ])("for good (status %i) is %s, after so many attempts and no more", async (code, meaning, attempts) => {
    kms.faults.inject({ answer: { code } });
    const failure = await failureOf(open({ maximumAttempts: 2 }).generate(CONTEXT));

    expect(failure).toMatchObject({ code: meaning, isTransient: true, cause: { code } });
    expect(kms.arrivals).toHaveLength(attempts);
  });

  it("that says nothing at all is given up in time", async () => {
    kms.faults.inject({ delayMs: 60_000 });
    const started = performance.now();
    const failure = await failureOf(open({ timeoutMs: 400 }).generate(CONTEXT));

    expect(failure).toMatchObject({ code: "kms_timeout", isTransient: true });
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it("is left at once by who has enough", async () => {
    kms.faults.inject({ delayMs: 60_000 });
    const reason = new Error("the request was closed");
    const giving = new AbortController();
    setTimeout(() => giving.abort(reason), 100);

    await expect(open().generate(CONTEXT, { signal: giving.signal })).rejects.toBe(reason);
  });

  it("that cannot be reached, or is none, says so", async () => {
    const other: Server = createServer((_, response) => response.end("hello"));
    const endpoint = `localhost:${await listen(other)}`;
    expect(await failureOf(open({ endpoint, maximumAttempts: 2 }).generate(CONTEXT))).toMatchObject({ code: "kms_unavailable" });
    await stop(other);
    expect(await failureOf(open({ endpoint, maximumAttempts: 2 }).generate(CONTEXT))).toMatchObject({ code: "kms_unavailable" });
  });
});

it("says nothing of a share in any error", async () => {
  const { share, wrapped } = await open().generate(CONTEXT);
  const shown = (text: string) => [share.toString("base64"), share.toString("hex"), share.toString("hex").match(/../g)!.join(" ")].filter((secret) => text.includes(secret));
  expect(shown(inspect(share, { maxArrayLength: null }))).toHaveLength(1); // the search finds what is there

  kms.faults.inject({ operation: "Encrypt", answer: { code: status.INTERNAL } });
  const failure = await failureOf(open().rewrap(wrapped, CONTEXT));
  expect(failure).toMatchObject({ code: "kms_unavailable" });
  expect(shown(inspect(failure, { depth: null, showHidden: true, maxArrayLength: null }))).toEqual([]);
});
