import { createServer } from "node:http";
import { inspect } from "node:util";

import { ConfigurationError, KeyProviderError } from "../src/errors.js";
import { awsKms, type AwsKmsOptions } from "../src/keys/aws-kms.js";
import { createKeyCache } from "../src/keys/key-cache.js";
import type { KeyProvider } from "../src/keys/key-provider.js";
import { CELL, ACME, CONTEXT, itKeepsKeys } from "./contract/key-provider.js";
import "./support/errors-of-node.js";
import { startAwsKms, type AwsKmsServer } from "./support/aws-kms-server.js";
import { listen, stop } from "./support/local-server.js";

const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };

let kms: AwsKmsServer;
let key: string;
const opened: KeyProvider[] = [];

function open(options: Partial<AwsKmsOptions> = {}): KeyProvider {
  const provider = awsKms({ keyArn: key, endpoint: () => kms.url, credentials, ...options });
  opened.push(provider);
  return provider;
}

/** What a promise fails with. */
async function failureOf(work: Promise<unknown>): Promise<KeyProviderError> {
  return work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error as KeyProviderError,
  );
}

beforeAll(async () => {
  kms = await startAwsKms();
  kms.addIdentity(credentials);
  key = kms.createKey("eu-central-1");
});
beforeEach(() => {
  kms.faults.heal();
  kms.requests.length = 0;
  kms.arrivals.length = 0;
});
afterAll(async () => {
  for (const provider of opened) await provider.close?.();
  await kms.stop();
});

itKeepsKeys(open);

describe("what KMS is told", () => {
  it("is ids, the key's own name and nothing else", async () => {
    const provider = open();
    const { wrapped } = await provider.generate(CONTEXT);
    await provider.unwrap(wrapped, { ...CONTEXT, organizationId: ACME.toUpperCase() });
    await provider.rewrap(wrapped, CONTEXT);

    const context = { "safetypin:cell": CELL, "safetypin:key": "3", "safetypin:organization": ACME };
    expect(wrapped.keyName).toBe(key);
    expect(kms.requests.map(({ operation, body }) => ({ operation, ...body, CiphertextBlob: undefined }))).toEqual([
      { operation: "GenerateDataKey", KeyId: key, NumberOfBytes: 32, EncryptionContext: context },
      { operation: "Decrypt", KeyId: key, EncryptionContext: context },
      {
        operation: "ReEncrypt",
        SourceKeyId: key,
        SourceEncryptionContext: context,
        DestinationKeyId: key,
        DestinationEncryptionContext: context,
      },
    ]);
    expect(new Set(kms.requests.map(({ region }) => region))).toEqual(new Set(["eu-central-1"]));
  });

  it("is signed: the server would see a wrong secret, and no identity", async () => {
    const wrong = open({ credentials: { ...credentials, secretAccessKey: "another" } });
    expect(await failureOf(wrong.generate(CONTEXT))).toMatchObject({
      code: "kms_credentials_rejected",
      cause: { name: "InvalidSignatureException" },
    });
    const nobody = open({ credentials: { ...credentials, accessKeyId: "AKIAISNOBODYEXAMPLE" } });
    expect(await failureOf(nobody.generate(CONTEXT))).toMatchObject({
      code: "kms_credentials_rejected",
      cause: { name: "UnrecognizedClientException" },
    });
    expect(kms.requests).toEqual([]);
  });

  it("is asked for by credentials that may change from request to request", async () => {
    let asked = 0;
    const expiration = new Date(Date.now() + 1_000);
    const provider = open({ credentials: async () => ((asked += 1), { ...credentials, expiration }) });
    await provider.generate(CONTEXT);
    await provider.generate(CONTEXT);

    expect(asked).toBeGreaterThan(1);
  });

  it("is not told at all when there are no credentials", async () => {
    const provider = open({
      credentials: async () => Promise.reject(Object.assign(new Error("none"), { name: "CredentialsProviderError" })),
    });
    expect(await failureOf(provider.generate(CONTEXT))).toMatchObject({ code: "kms_credentials_rejected" });
    expect(kms.arrivals).toEqual([]);
  });
});

describe("a key that cannot be used", () => {
  it.each([
    ["Disabled", "master_key_disabled", "DisabledException", undefined],
    ["PendingDeletion", "master_key_pending_deletion", "KMSInvalidStateException", "on 2027-01-15"],
    ["Unavailable", "master_key_unusable", "KMSInvalidStateException", "its state is Unavailable"],
    ["gone", "master_key_not_found", "NotFoundException", undefined],
  ])("because it is %s: %s", async (state, code, name, detail) => {
    const keyArn = kms.createKey("eu-central-1");
    const provider = open({ keyArn });
    const { wrapped } = await provider.generate(CONTEXT);
    kms.setState(keyArn, state);

    for (const failure of [
      await failureOf(provider.generate(CONTEXT)),
      await failureOf(provider.unwrap(wrapped, CONTEXT)),
      await failureOf(provider.rewrap(wrapped, CONTEXT)),
    ]) {
      expect(failure).toBeInstanceOf(KeyProviderError);
      expect(failure).toMatchObject({ code, isTransient: false, cause: { name } });
      expect(failure.message).toContain(keyArn);
      expect(failure.message).toContain(detail ?? "");
      expect(failure.remedy).toMatch(/\S/);
    }
  });

  it("is named, of two, also when it is the new one", async () => {
    const next = kms.createKey("eu-central-1");
    const { wrapped } = await open().generate(CONTEXT);
    kms.setState(next, "PendingDeletion");

    const failure = await failureOf(open({ keyArn: next, alsoUnwraps: [key] }).rewrap(wrapped, CONTEXT));
    expect(failure).toMatchObject({ code: "master_key_pending_deletion" });
    expect(failure.message).toContain(next);
    expect(failure.message).not.toContain(key);
  });

  it("is told without its state by who may not ask for it", async () => {
    const modest = { accessKeyId: "AKIAMODESTEXAMPLE", secretAccessKey: "modest", denied: ["DescribeKey"] };
    kms.addIdentity(modest);
    const keyArn = kms.createKey("eu-central-1");
    kms.setState(keyArn, "PendingDeletion");

    expect(await failureOf(open({ keyArn, credentials: modest }).generate(CONTEXT))).toMatchObject({ code: "master_key_unusable" });
    kms.setState(keyArn, "Disabled");
    expect(await failureOf(open({ keyArn, credentials: modest }).generate(CONTEXT))).toMatchObject({ code: "master_key_disabled" });
  });

  it("is another identity's", async () => {
    const stranger = { accessKeyId: "AKIASTRANGEREXAMPLE", secretAccessKey: "strange", denied: ["Decrypt"] };
    kms.addIdentity(stranger);
    const provider = open({ credentials: stranger });
    const { wrapped } = await provider.generate(CONTEXT);

    expect(await failureOf(provider.unwrap(wrapped, CONTEXT))).toMatchObject({
      code: "master_key_access_denied",
      cause: { name: "AccessDeniedException" },
    });
    expect(kms.arrivals).toEqual(["GenerateDataKey", "Decrypt"]); // and asked once only
  });
});

describe("another key", () => {
  it("that is not configured is refused before anybody is asked", async () => {
    const other = kms.createKey("eu-central-1");
    const { wrapped } = await open({ keyArn: other }).generate(CONTEXT);
    kms.arrivals.length = 0;

    const failure = await failureOf(open().unwrap(wrapped, CONTEXT));
    expect(failure).toMatchObject({ code: "master_key_mismatch" });
    expect(failure.message).toContain(other);
    expect(failure.message).toContain(key);
    expect(kms.arrivals).toEqual([]);
  });

  it("is found out where the row names the wrong one", async () => {
    const other = kms.createKey("eu-central-1");
    const { wrapped } = await open({ keyArn: other }).generate(CONTEXT);

    expect(await failureOf(open().unwrap({ ...wrapped, keyName: key }, CONTEXT))).toMatchObject({
      code: "master_key_mismatch",
      cause: { name: "IncorrectKeyException" },
    });
  });

  it("goes on opening its shares beside the one that wraps now, and is left behind by rewrapping", async () => {
    const next = kms.createKey("eu-central-1");
    const { share, wrapped } = await open().generate(CONTEXT);
    const both = open({ keyArn: next, alsoUnwraps: [key] });

    expect(await both.unwrap(wrapped, CONTEXT)).toEqual(share);
    const again = await both.rewrap(wrapped, CONTEXT);
    expect(again.keyName).toBe(next);
    expect(await open({ keyArn: next }).unwrap(again, CONTEXT)).toEqual(share);
    // The share itself never came here for that.
    expect(kms.arrivals).toEqual(["GenerateDataKey", "Decrypt", "ReEncrypt", "Decrypt"]);
  });

  it("in another region is a case of its own", async () => {
    const abroad = kms.createKey("us-east-1");
    const { share, wrapped } = await open({ keyArn: abroad }).generate(CONTEXT);

    const failure = await failureOf(open().unwrap(wrapped, CONTEXT));
    expect(failure).toMatchObject({ code: "master_key_in_another_region" });
    expect(failure.message).toContain("us-east-1");

    const both = open({ alsoUnwraps: [abroad] });
    expect(await both.unwrap(wrapped, CONTEXT)).toEqual(share);
    const moved = await both.rewrap(wrapped, CONTEXT);
    expect(moved.keyName).toBe(key);
    expect(await open().unwrap(moved, CONTEXT)).toEqual(share);
  });

  it("is the same one when it is a replica: a region that is down is left", async () => {
    const home = kms.createKey("eu-central-1", ["eu-west-1"]);
    const { share, wrapped } = await open({ keyArn: home }).generate(CONTEXT);
    kms.requests.length = 0;

    const abroad = open({ keyArn: home.replace("eu-central-1", "eu-west-1") });
    expect(await abroad.unwrap(wrapped, CONTEXT)).toEqual(share);
    expect(kms.requests.map(({ region }) => region)).toEqual(["eu-west-1"]);
  });

  it.each(["alias/safetypin", "arn:aws:kms:eu-central-1:111122223333:alias/safetypin", "1234abcd-12ab-34cd-56ef-1234567890ab", ""])(
    "is not what %p names",
    (keyArn) => {
      expect(() => awsKms({ keyArn })).toThrow(ConfigurationError);
      expect(() => awsKms({ keyArn: key, alsoUnwraps: [keyArn] })).toThrow("is no ARN of a KMS key");
    },
  );
});

describe("a service in trouble", () => {
  it("that throttles is asked again, with pauses", async () => {
    kms.faults.inject({ times: 2, answer: { type: "ThrottlingException" } });
    const { share } = await open().generate(CONTEXT);

    expect(share.length).toBe(32);
    expect(kms.arrivals).toHaveLength(3);
  });

  it.each([
    ["ThrottlingException", 400, "kms_throttled"],
    ["KMSInternalException", 500, "kms_unavailable"],
    ["ServiceUnavailable", 503, "kms_unavailable"],
  ])("for good (%s) is asked so often and no more", async (type, status, code) => {
    kms.faults.inject({ answer: { type, status } });
    const failure = await failureOf(open({ maximumAttempts: 2 }).generate(CONTEXT));

    expect(failure).toMatchObject({ code, isTransient: true, cause: { name: type } });
    expect(kms.arrivals).toHaveLength(2);
  });

  it("that is slow once is asked again", async () => {
    kms.faults.inject({ times: 1, delayMs: 5_000 });
    const { share } = await open({ attemptTimeoutMs: 200 }).generate(CONTEXT);

    expect(share.length).toBe(32);
    expect(kms.arrivals).toHaveLength(2);
  });

  it("that says nothing at all is given up in time", async () => {
    kms.faults.inject({ delayMs: 60_000 });
    const started = performance.now();
    const failure = await failureOf(open({ timeoutMs: 300 }).generate(CONTEXT));

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

  it.each([
    [403, "<html>blocked by the proxy</html>", "text/html"],
    [407, "<html>who are you?</html>", "text/html"],
    [200, "welcome to this network", "text/plain"],
    [403, '{"message":"Forbidden"}', "application/json"],
    [403, "", "text/plain"],
    [302, "", "text/plain"],
  ])("that somebody else answers for (%i %p) is unavailable, and what was unwrapped goes on", async (status, page, contentType) => {
    const { share, wrapped } = await open().generate(CONTEXT);
    const { wrapped: unknown } = await open().generate(CONTEXT);
    const cache = createKeyCache(open({ maximumAttempts: 1 }), { maximumUses: 1, failureMs: 0 });
    await cache.unwrap(wrapped, CONTEXT);
    kms.faults.inject({ answer: { page, status, contentType } });

    const failure = await failureOf(cache.unwrap(unknown, CONTEXT));
    expect(failure).toBeInstanceOf(KeyProviderError);
    expect(failure).toMatchObject({ code: "kms_unavailable", isTransient: true });
    for (let asked = 0; asked < 3; asked += 1) expect(await cache.unwrap(wrapped, CONTEXT)).toEqual(share);
    await cache.close();
  });

  it("is not what is wrong where a token's file is not there", async () => {
    const before = { ...process.env };
    Object.assign(process.env, {
      AWS_ROLE_ARN: "arn:aws:iam::111122223333:role/clinic",
      AWS_WEB_IDENTITY_TOKEN_FILE: "/nowhere/token",
      AWS_EC2_METADATA_DISABLED: "true",
      HOME: "/nowhere",
    });
    try {
      const failure = await failureOf(open({ credentials: undefined }).generate(CONTEXT));
      expect(failure).toMatchObject({ code: "kms_credentials_rejected", isTransient: false, cause: { code: "ENOENT" } });
    } finally {
      process.env = before;
    }
  });

  it("that cannot be reached says so", async () => {
    const nobody = createServer();
    const port = await listen(nobody);
    await stop(nobody);
    const failure = await failureOf(open({ endpoint: `http://127.0.0.1:${port}`, maximumAttempts: 2 }).generate(CONTEXT));

    expect(failure).toMatchObject({ code: "kms_unavailable", cause: { code: "ECONNREFUSED" } });
  });

  it("that answers with another key's share, or half of one, is not believed", async () => {
    let answer: unknown;
    const liar = createServer((request, response) => {
      request.resume().on("end", () => {
        response.setHeader("content-type", "application/x-amz-json-1.1");
        response.end(JSON.stringify(answer));
      });
    });
    const provider = open({ endpoint: `http://127.0.0.1:${await listen(liar)}` });
    const wrapped = { keyName: key, bytes: Buffer.from("wrapped") };

    try {
      answer = { KeyId: key.replace(/.$/, "0-"), Plaintext: Buffer.alloc(32, 1).toString("base64"), CiphertextBlob: "AAAA" };
      expect(await failureOf(provider.unwrap(wrapped, CONTEXT))).toMatchObject({ code: "kms_answer_invalid" });
      expect(await failureOf(provider.generate(CONTEXT))).toMatchObject({ code: "kms_answer_invalid" });
      expect(await failureOf(provider.rewrap(wrapped, CONTEXT))).toMatchObject({ code: "kms_answer_invalid" });
      answer = { KeyId: key, Plaintext: Buffer.alloc(16, 1).toString("base64"), CiphertextBlob: "AAAA" };
      expect(await failureOf(provider.unwrap(wrapped, CONTEXT))).toMatchObject({ code: "kms_answer_invalid" });
      answer = { KeyId: key, Plaintext: Buffer.alloc(32, 1).toString("base64") };
      expect(await provider.unwrap(wrapped, CONTEXT)).toEqual(Buffer.alloc(32, 1));
    } finally {
      await stop(liar);
    }
  });
});

it("says nothing of a share or a secret in any error", async () => {
  const { share, wrapped } = await open().generate(CONTEXT);
  const abroad = kms.createKey("us-east-1");
  const shown = (text: string) =>
    [share.toString("base64"), share.toString("hex"), credentials.secretAccessKey].filter((secret) => text.includes(secret));
  expect(shown(inspect({ it: share.toString("base64") }))).toHaveLength(1); // the search finds what is there

  // Between two regions the share is sent: the answer to that is an error of the SDK's.
  kms.faults.inject({ operation: "Encrypt", answer: { type: "KMSInternalException", status: 500 } });
  const failure = await failureOf(open({ keyArn: abroad, alsoUnwraps: [key], maximumAttempts: 1 }).rewrap(wrapped, CONTEXT));
  expect(failure).toMatchObject({ code: "kms_unavailable" });
  expect(shown(inspect(failure, { depth: null, showHidden: true }))).toEqual([]);
});
