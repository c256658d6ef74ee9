import { timingSafeEqual } from "node:crypto";

import type { CryptographyClient, KeyClient, KeyClientOptions, KeyVaultKey } from "@azure/keyvault-keys";

import { loadOptional } from "../credentials/optional-package.js";
import type { KeyProviderError, KeyProviderErrorCode } from "../errors.js";
import { azureFailure, codeOfAzure } from "./azure-key-vault-failures.js";
import { parseAzureKeyUrl, type AzureKeyUrl } from "./azure-key-url.js";
import { withDeadline } from "./deadline.js";
import { digestOf } from "./key-context.js";
import { readName } from "./key-name.js";
import { SHARE_LENGTH, type KeyCallOptions, type KeyContext, type KeyProvider, type WrappedShare } from "./key-provider.js";
import { newShare, takeShare } from "./share.js";

/** What gives tokens of Microsoft Entra ID: every credential of `@azure/identity` does. */
export interface AzureCredential {
  getToken(
    scopes: string | string[],
    options?: object,
  ): Promise<{ readonly token: string; readonly expiresOnTimestamp: number } | null>;
}

/** Which key of Azure Key Vault wraps, and how it is reached. */
export interface AzureKeyVaultOptions {
  /** `https://VAULT.vault.azure.net/keys/NAME`, without a version: the newest wraps. An RSA key. */
  readonly keyUrl: string;

  /** Further keys whose shares are opened, and that wrap nothing: the one before, until every share is rewrapped. */
  readonly alsoUnwraps?: readonly string[] | undefined;

  /** @defaultValue `DefaultAzureCredential`: the environment, the workload's or the machine's identity */
  readonly credential?: AzureCredential | undefined;

  /** How often a request is sent at most, with growing pauses between. @defaultValue 4 */
  readonly maximumAttempts?: number | undefined;

  /** How long it may take in all. @defaultValue 10 000 */
  readonly timeoutMs?: number | undefined;
}

type OperationOptions = NonNullable<Parameters<CryptographyClient["unwrapKey"]>[2]>;

const ALGORITHM = "RSA-OAEP-256";
const DIGEST_LENGTH = 32;

/**
 * Keys in Azure Key Vault, by way of `@azure/keyvault-keys` and `@azure/identity`, which
 * the application installs. RSA knows no associated data, so the digest of the context
 * is wrapped behind the share, and compared when both come back.
 *
 * @throws {@link ConfigurationError} when a key is not named by its URL; at the first use,
 * when a package is not installed.
 */
export function azureKeyVault(options: AzureKeyVaultOptions): KeyProvider {
  const { maximumAttempts = 4, timeoutMs = 10_000 } = options;
  const own = parseAzureKeyUrl(options.keyUrl);
  const known = [own, ...(options.alsoUnwraps ?? []).map(parseAzureKeyUrl)].map(({ key }) => key);
  let credential = options.credential;
  const vaults = new Map<string, KeyClient>();
  const versions = new Map<string, CryptographyClient>();

  const load = () => loadOptional("@azure/keyvault-keys", () => import("@azure/keyvault-keys"));
  const clientOptions: KeyClientOptions = {
    retryOptions: { maxRetries: maximumAttempts - 1, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 },
    additionalPolicies: [{ position: "perRetry", policy: pauseWhenThrottled }],
  };

  async function identity(): Promise<AzureCredential> {
    if (credential !== undefined) return credential;
    const { DefaultAzureCredential } = await loadOptional("@azure/identity", () => import("@azure/identity"));
    return (credential ??= new DefaultAzureCredential());
  }

  async function vaultOf({ vault }: AzureKeyUrl): Promise<KeyClient> {
    const { KeyClient } = await load();
    const client = vaults.get(vault) ?? new KeyClient(vault, await identity(), { ...clientOptions });
    vaults.set(vault, client);
    return client;
  }

  /**
   * Given a key and not only its URL, the client asks the vault nothing beforehand, and
   * leaves it to the vault what a key may: a version past its date still unwraps.
   */
  async function versionAt(url: string): Promise<CryptographyClient> {
    const { CryptographyClient } = await load();
    const { vault: vaultUrl, name, version } = parseAzureKeyUrl(url);
    const key: KeyVaultKey = { id: url, name, properties: { id: url, vaultUrl, name, ...(version && { version }) } };
    const client = versions.get(url) ?? new CryptographyClient(key, await identity(), { ...clientOptions });
    versions.set(url, client);
    return client;
  }

  /** Asks about a key, and says what went wrong in the terms of keys. */
  async function ask<Answer>(
    url: string,
    signal: AbortSignal | undefined,
    send: (options: Pick<OperationOptions, "abortSignal" | "onResponse">) => Promise<Answer>,
  ): Promise<Answer> {
    // The client stumbles over an error whose body is not the vault's, as a proxy's, and loses its status.
    let status: number | undefined;
    const onResponse = (response: { readonly status: number }): void => void (status = response.status);
    try {
      return await withDeadline({ timeoutMs, signal }, (abortSignal) => send({ abortSignal, onResponse }));
    } catch (cause) {
      const code = signal?.aborted === true ? undefined : codeOfAzure(cause, status);
      if (code === undefined) throw cause;
      throw await explainState(url, code, cause);
    }
  }

  /** A key that is disabled is forbidden, and one that was deleted is not found: the vault says which. */
  async function explainState(url: string, code: KeyProviderErrorCode, cause: unknown): Promise<KeyProviderError> {
    if (code !== "master_key_access_denied" && code !== "master_key_not_found") return azureFailure(code, url, { cause });
    const { name, version, ...where } = parseAzureKeyUrl(url);
    // An identity may have no leave to ask.
    const asking = async (abortSignal: AbortSignal): Promise<KeyProviderError | undefined> => {
      const vault = await vaultOf({ name, version, ...where });
      if (code === "master_key_not_found") {
        const { properties } = await vault.getDeletedKey(name, { abortSignal });
        const { scheduledPurgeDate } = properties;
        const detail = scheduledPurgeDate && `on ${scheduledPurgeDate.toISOString()}`;
        return azureFailure("master_key_pending_deletion", url, { cause, detail });
      }
      return stateOf(await vault.getKey(name, { ...(version && { version }), abortSignal }), cause);
    };
    const explained = await withDeadline({ timeoutMs, signal: undefined }, asking).catch(() => undefined);
    return explained ?? azureFailure(code, url, { cause });
  }

  async function wrap(share: Buffer, context: KeyContext, signal: AbortSignal | undefined): Promise<WrappedShare> {
    const payload = Buffer.concat([share, digestOf(context)]);
    try {
      const vault = await vaultOf(own);
      const key = await ask(own.key, signal, (sending) => vault.getKey(own.name, sending));
      const state = stateOf(key);
      if (state !== undefined) throw state;
      const keyName = key.id ?? "";
      if (parseAzureKeyUrl(keyName).key !== own.key) throw azureFailure("kms_answer_invalid", own.key);

      const version = await versionAt(keyName);
      const { result } = await ask(keyName, signal, (sending) => version.wrapKey(ALGORITHM, payload, sending));
      return { keyName, bytes: Buffer.from(result) };
    } finally {
      payload.fill(0);
    }
  }

  const provider: KeyProvider = {
    name: "azure-key-vault",

    async generate(context, { signal }: KeyCallOptions = {}) {
      const share = newShare();
      try {
        return { share, wrapped: await wrap(share, context, signal) };
      } catch (error) {
        share.fill(0);
        throw error;
      }
    },

    wrap: (share, context, { signal }: KeyCallOptions = {}) => wrap(share, context, signal),

    async unwrap({ keyName, bytes }, context, { signal }: KeyCallOptions = {}) {
      const digest = digestOf(context);
      if (!known.includes(parseAzureKeyUrl(keyName).key)) {
        throw azureFailure("master_key_mismatch", keyName, { detail: `configured is ${known.join(", ")}` });
      }
      const version = await versionAt(keyName);
      const { result } = await ask(keyName, signal, (sending) => version.unwrapKey(ALGORITHM, bytes, sending));
      try {
        if (result.length !== SHARE_LENGTH + DIGEST_LENGTH) throw azureFailure("kms_answer_invalid", keyName);
        if (!timingSafeEqual(result.subarray(SHARE_LENGTH), digest)) throw azureFailure("share_refused", keyName);
        return takeShare(result.subarray(0, SHARE_LENGTH)) as Buffer;
      } finally {
        result.fill(0);
      }
    },

    async rewrap(wrapped, context, options: KeyCallOptions = {}) {
      const share = await provider.unwrap(wrapped, context, options);
      try {
        return await wrap(share, context, options.signal);
      } finally {
        share.fill(0);
      }
    },

    async relationTo(keyName) {
      const key = readName(keyName, parseAzureKeyUrl)?.key;
      if (key === undefined || !known.includes(key)) return "none";
      return key === own.key ? "wraps" : "opens";
    },

    async close() {
      vaults.clear();
      versions.clear();
    },
  };
  return provider;
}

type Policy = NonNullable<KeyClientOptions["additionalPolicies"]>[number]["policy"];

/** The client asks again after a 429 only if it is told for how long to wait, and the vault does not always say. */
const pauseWhenThrottled: Policy = {
  name: "pauseWhenThrottled",
  async sendRequest(request, next) {
    const response = await next(request);
    if (response.status === 429 && !response.headers.has("retry-after")) {
      response.headers.set("retry-after-ms", String(Math.round(300 + 400 * Math.random())));
    }
    return response;
  },
};

/** What keeps a key from being used; `undefined` when nothing does. */
function stateOf({ id = "", properties, keyType, keyOperations }: KeyVaultKey, cause?: unknown): KeyProviderError | undefined {
  const { enabled, notBefore, expiresOn } = properties;
  const now = new Date();
  if (enabled === false) return azureFailure("master_key_disabled", id, { cause });
  if (notBefore !== undefined && now < notBefore) {
    return azureFailure("master_key_unusable", id, { cause, detail: `it may not be used before ${notBefore.toISOString()}` });
  }
  if (expiresOn !== undefined && now > expiresOn) {
    return azureFailure("master_key_unusable", id, { cause, detail: `it expired on ${expiresOn.toISOString()}` });
  }
  if (keyType?.startsWith("RSA") !== true) return azureFailure("master_key_unusable", id, { cause, detail: `its type is ${keyType ?? "unknown"}` });
  if (keyOperations?.includes("wrapKey") === false || keyOperations?.includes("unwrapKey") === false) {
    return azureFailure("master_key_unusable", id, { cause, detail: "it may not wrapKey and unwrapKey" });
  }
  return undefined;
}
