import { randomUUID } from "node:crypto";
import { inspect } from "node:util";

import "./support/reach-clouds.js";
import "./support/errors-of-node.js";

import { ClientSecretCredential } from "@azure/identity";

import { ConfigurationError, KeyProviderError } from "../src/errors.js";
import { azureKeyVault, type AzureCredential, type AzureKeyVaultOptions } from "../src/keys/azure-key-vault.js";
import { digestOf } from "../src/keys/key-context.js";
import type { KeyProvider } from "../src/keys/key-provider.js";
import { CONTEXT, itKeepsKeys } from "./contract/key-provider.js";
import { startAzureKeyVault, type AzureKeyVaultServer } from "./support/azure-key-vault-server.js";

const application = { clientId: "0199a0c4-8888-7000-8000-000000000001", clientSecret: "a~secret~of~an~application" };

let azure: AzureKeyVaultServer;
let key: string;

function credentialOf({ clientId, clientSecret }: { clientId: string; clientSecret: string }): AzureCredential {
  return new ClientSecretCredential(azure.tenantId, clientId, clientSecret, {
    authorityHost: azure.authorityHost,
    disableInstanceDiscovery: true,
  });
}

function open(options: Partial<AzureKeyVaultOptions> = {}): KeyProvider {
  return azureKeyVault({ keyUrl: key, credential: credentialOf(application), ...options });
}

async function failureOf(work: Promise<unknown>): Promise<KeyProviderError> {
  return work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error as KeyProviderError,
  );
}

beforeAll(async () => {
  azure = await startAzureKeyVault();
  azure.addApplication(application);
  key = azure.createKey();
});
beforeEach(() => {
  azure.faults.heal();
  azure.requests.length = 0;
  azure.arrivals.length = 0;
});
afterAll(() => azure.stop());

itKeepsKeys(open);

describe("what the vault is told", () => {
  it("comes with a token, after it has said from whom it takes one", async () => {
    await open().generate(CONTEXT);

    expect(azure.arrivals.filter((arrival) => !arrival.startsWith("directory"))).toEqual(["get", "challenge", "get", "wrapkey", "challenge", "wrapkey"]);
    expect(azure.arrivals).toContain("directory token");
  });

  it("is one request for an unwrapped share, to the very version that wrapped it", async () => {
    const provider = open();
    const { wrapped } = await provider.generate(CONTEXT);
    await provider.unwrap(wrapped, CONTEXT);
    azure.requests.length = 0;
    await provider.unwrap(wrapped, CONTEXT);

    expect(wrapped.keyName).toMatch(new RegExp(`^${key}/[0-9a-f]{32}$`));
    expect(azure.requests).toEqual([
      {
        operation: "unwrapkey",
        path: `${new URL(wrapped.keyName).pathname}/unwrapkey`,
        body: { alg: "RSA-OAEP-256", value: wrapped.bytes.toString("base64url") },
      },
    ]);
  });

  it("is the share and the digest of its context, since RSA binds nothing", async () => {
    const { share } = await open().generate(CONTEXT);
    const sent = azure.requests.find(({ operation }) => operation === "wrapkey")?.body["value"];

    expect(Buffer.from(sent ?? "", "base64url")).toEqual(Buffer.concat([share, digestOf(CONTEXT)]));
  });

  it("is nothing when the directory does not know the secret", async () => {
    const provider = open({ credential: credentialOf({ ...application, clientSecret: "another" }) });

    expect(await failureOf(provider.generate(CONTEXT))).toMatchObject({
      code: "kms_credentials_rejected",
      cause: { name: expect.stringMatching(/^Authentication/) },
    });
    expect(azure.requests).toEqual([]);
  });

  it("is asked for by the identity that the environment names, where none is passed", async () => {
    const environment = {
      AZURE_TENANT_ID: azure.tenantId,
      AZURE_CLIENT_ID: application.clientId,
      AZURE_CLIENT_SECRET: application.clientSecret,
      AZURE_AUTHORITY_HOST: azure.authorityHost,
      AZURE_TOKEN_CREDENTIALS: "EnvironmentCredential",
    };
    Object.assign(process.env, environment);
    try {
      // It looks for the directory at its public port, where nobody is.
      expect(await failureOf(azureKeyVault({ keyUrl: key }).generate(CONTEXT))).toMatchObject({
        code: "kms_credentials_rejected",
        cause: { message: expect.stringContaining("EnvironmentCredential") },
      });
    } finally {
      for (const name of Object.keys(environment)) delete process.env[name];
    }
  });

  it("is refused with a token that is nobody's", async () => {
    const credential = { getToken: async () => ({ token: "made-up", expiresOnTimestamp: Date.now() + 3_600_000 }) };

    expect(await failureOf(open({ credential }).generate(CONTEXT))).toMatchObject({ code: "kms_credentials_rejected", cause: { statusCode: 401 } });
  });
});

describe("a key that cannot be used", () => {
  it("because it is disabled", async () => {
    const keyUrl = azure.createKey();
    const provider = open({ keyUrl });
    const { wrapped } = await provider.generate(CONTEXT);
    azure.setAttributes(wrapped.keyName, { enabled: false });

    for (const failure of [
      await failureOf(provider.generate(CONTEXT)),
      await failureOf(provider.unwrap(wrapped, CONTEXT)),
      await failureOf(provider.rewrap(wrapped, CONTEXT)),
    ]) {
      expect(failure).toBeInstanceOf(KeyProviderError);
      expect(failure).toMatchObject({ code: "master_key_disabled", isTransient: false });
      expect(failure.message).toContain(keyUrl);
    }
    expect(await failureOf(provider.unwrap(wrapped, CONTEXT))).toMatchObject({ cause: { statusCode: 403 } });
  });

  it("because it was deleted and can be recovered, and then not any more", async () => {
    const keyUrl = azure.createKey();
    const provider = open({ keyUrl });
    const { wrapped } = await provider.generate(CONTEXT);
    azure.deleteKey(keyUrl, "recoverable");
    for (const failure of [await failureOf(provider.generate(CONTEXT)), await failureOf(provider.unwrap(wrapped, CONTEXT))]) {
      expect(failure).toMatchObject({ code: "master_key_pending_deletion", remedy: expect.stringContaining("az keyvault key recover") });
      expect(failure.message).toContain("on 2027-01-15");
    }

    const gone = azure.createKey();
    azure.deleteKey(gone, "purged");
    expect(await failureOf(open({ keyUrl: gone }).generate(CONTEXT))).toMatchObject({ code: "master_key_not_found", cause: { statusCode: 404 } });
  });

  it("because it expired: then it wraps no more, and goes on opening", async () => {
    const keyUrl = azure.createKey();
    const provider = open({ keyUrl });
    const { share, wrapped } = await provider.generate(CONTEXT);
    azure.setAttributes(wrapped.keyName, { exp: Date.UTC(2020, 0, 1) / 1_000 });

    const failure = await failureOf(provider.generate(CONTEXT));
    expect(failure).toMatchObject({ code: "master_key_unusable" });
    expect(failure.message).toContain("expired on 2020-01-01");
    expect(await provider.unwrap(wrapped, CONTEXT)).toEqual(share);
  });

  it.each([
    [{ kty: "EC" }, "its type is EC"],
    [{ key_ops: ["sign"] }, "it may not wrapKey"],
  ])("because of what it is: %p", async (change, detail) => {
    const keyUrl = azure.createKey();
    azure.changeKey(keyUrl, change);

    const failure = await failureOf(open({ keyUrl }).generate(CONTEXT));
    expect(failure).toMatchObject({ code: "master_key_unusable" });
    expect(failure.message).toContain(detail);
  });

  it("because it is another identity's", async () => {
    const stranger = { clientId: randomUUID(), clientSecret: "s", denied: ["unwrapkey"] };
    azure.addApplication(stranger);
    const provider = open({ credential: credentialOf(stranger) });
    const { wrapped } = await provider.generate(CONTEXT);

    expect(await failureOf(provider.unwrap(wrapped, CONTEXT))).toMatchObject({ code: "master_key_access_denied", cause: { statusCode: 403 } });
  });

  it("is told without its state by who may not ask for it", async () => {
    const keyUrl = azure.createKey();
    const { wrapped } = await open({ keyUrl }).generate(CONTEXT);
    const modest = { clientId: randomUUID(), clientSecret: "s", denied: ["get", "getdeleted"] };
    azure.addApplication(modest);
    const provider = open({ keyUrl, credential: credentialOf(modest) });

    expect(await provider.unwrap(wrapped, CONTEXT)).toHaveLength(32);
    azure.setAttributes(wrapped.keyName, { enabled: false });
    expect(await failureOf(provider.unwrap(wrapped, CONTEXT))).toMatchObject({ code: "master_key_access_denied" });
  });
});

describe("another key", () => {
  it("that is not configured is refused before anybody is asked", async () => {
    const other = azure.createKey();
    const { share, wrapped } = await open({ keyUrl: other }).generate(CONTEXT);
    azure.arrivals.length = 0;

    expect(await failureOf(open().unwrap(wrapped, CONTEXT))).toMatchObject({ code: "master_key_mismatch" });
    expect(azure.arrivals).toEqual([]);

    const both = open({ alsoUnwraps: [other] });
    expect(await both.unwrap(wrapped, CONTEXT)).toEqual(share);
    expect((await both.rewrap(wrapped, CONTEXT)).keyName).toContain(key);
  });

  it("is found out where the row names the wrong one", async () => {
    const { wrapped } = await open({ keyUrl: azure.createKey() }).generate(CONTEXT);
    const { wrapped: own } = await open().generate(CONTEXT);

    expect(await failureOf(open().unwrap({ ...wrapped, keyName: own.keyName }, CONTEXT))).toMatchObject({ code: "share_refused", cause: { statusCode: 400 } });
  });

  it("is not a new version: that wraps, and the old one opens", async () => {
    const keyUrl = azure.createKey();
    const provider = open({ keyUrl });
    const { share, wrapped } = await provider.generate(CONTEXT);
    const next = azure.addVersion(keyUrl);

    expect(await provider.unwrap(wrapped, CONTEXT)).toEqual(share);
    const again = await provider.rewrap(wrapped, CONTEXT);
    expect(again.keyName).toBe(next);
    azure.setAttributes(wrapped.keyName, { enabled: false });
    expect(await provider.unwrap(again, CONTEXT)).toEqual(share);
  });

  it.each(["http://safetypin.vault.azure.net/keys/k", "https://safetypin.vault.azure.net/secrets/k", "k", ""])("is not what %p names", (keyUrl) => {
    expect(() => azureKeyVault({ keyUrl })).toThrow(ConfigurationError);
    expect(() => azureKeyVault({ keyUrl: key, alsoUnwraps: [keyUrl] })).toThrow("is no key of a key vault");
  });
});

describe("a service in trouble", () => {
  it("that throttles is asked again, with pauses", async () => {
    azure.faults.inject({ operation: "wrapkey", times: 2, answer: { status: 429 } });
    const { share } = await open().generate(CONTEXT);

    expect(share.length).toBe(32);
    expect(azure.arrivals.filter((arrival) => arrival === "wrapkey").length).toBeGreaterThanOrEqual(3);
  });

  it.each([
    [429, "kms_throttled"],
    [500, "kms_unavailable"],
    [503, "kms_unavailable"],
  ])("for good (%i) is %s, after so many attempts and no more", async (status, code) => {
    azure.faults.inject({ operation: "get", answer: { status } });
    const failure = await failureOf(open({ maximumAttempts: 2 }).generate(CONTEXT));

    expect(failure).toMatchObject({ code, isTransient: true });
    expect(azure.arrivals.filter((arrival) => arrival === "get")).toHaveLength(2);
  });

  it("is told by its status, whether or not its words are the vault's", async () => {
    const body = { error: { code: "ServiceUnavailable", message: "on purpose" } };
    azure.faults.inject({ answer: { status: 503, body } });
    const failure = await failureOf(open({ maximumAttempts: 1 }).generate(CONTEXT));

    expect(failure).toMatchObject({ code: "kms_unavailable", cause: { statusCode: 503, code: "ServiceUnavailable" } });
  });

  it("that says nothing at all is given up in time", async () => {
    azure.faults.inject({ delayMs: 60_000 });
    const started = performance.now();
    const failure = await failureOf(open({ timeoutMs: 400 }).generate(CONTEXT));

    expect(failure).toMatchObject({ code: "kms_timeout", isTransient: true });
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it("is left at once by who has enough", async () => {
    azure.faults.inject({ delayMs: 60_000 });
    const reason = new Error("the request was closed");
    const giving = new AbortController();
    setTimeout(() => giving.abort(reason), 100);

    await expect(open().generate(CONTEXT, { signal: giving.signal })).rejects.toBe(reason);
  });

  it("that cannot be reached says so", async () => {
    const nobody = await startAzureKeyVault();
    const keyUrl = nobody.createKey();
    await nobody.stop();

    expect(await failureOf(open({ keyUrl, maximumAttempts: 2 }).generate(CONTEXT))).toMatchObject({ code: "kms_unavailable" });
  });

  it("that answers with something else is not believed", async () => {
    const { wrapped } = await open().generate(CONTEXT);
    azure.faults.inject({ operation: "unwrapkey", answer: { status: 200, body: { kid: wrapped.keyName, value: "AAAA" } } });

    expect(await failureOf(open().unwrap(wrapped, CONTEXT))).toMatchObject({ code: "kms_answer_invalid" });
  });
});

it("says nothing of a share, a secret or a token in any error", async () => {
  const provider = open({ maximumAttempts: 1 });
  const { share, wrapped } = await provider.generate(CONTEXT);
  const sent = azure.requests.at(-1)?.body["value"] as string;
  const shown = (text: string) =>
    [share.toString("base64").slice(0, 40), share.toString("base64url").slice(0, 40), share.toString("hex"), application.clientSecret, "Bearer "].filter((secret) => text.includes(secret));
  expect(shown(inspect({ sent }))).toContain(share.toString("base64url").slice(0, 40)); // the search finds what is there

  azure.faults.inject({ operation: "wrapkey", answer: { status: 500, body: { error: { code: "InternalError" } } } });
  const failure = await failureOf(provider.rewrap(wrapped, CONTEXT));
  expect(failure).toMatchObject({ code: "kms_unavailable" });
  expect(shown(inspect(failure, { depth: null }))).toEqual([]);
  expect(shown(JSON.stringify(failure.cause))).toEqual([]);
});
