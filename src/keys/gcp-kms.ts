import type { KeyManagementServiceClient } from "@google-cloud/kms";

import { loadOptional } from "../credentials/optional-package.js";
import { ConfigurationError, type KeyProviderError } from "../errors.js";
import { crc32c } from "./crc32c.js";
import { withDeadline } from "./deadline.js";
import { codeOfGcp, codeOfGcpCredentials, gcpFailure } from "./gcp-kms-failures.js";
import { bytesOf } from "./key-context.js";
import type { KeyCallOptions, KeyContext, KeyProvider, WrappedShare } from "./key-provider.js";
import { newShare, takeShare } from "./share.js";

/** Which key of Cloud KMS wraps, and how it is reached. */
export interface GcpKmsOptions {
  /** `projects/…/locations/…/keyRings/…/cryptoKeys/…`, without a version: the primary one wraps. */
  readonly keyName: string;

  /** Further keys whose shares are opened, and that wrap nothing: the one before, until every share is rewrapped. */
  readonly alsoUnwraps?: readonly string[] | undefined;

  /** Another way to Cloud KMS than its public address: `HOST` or `HOST:PORT`. */
  readonly endpoint?: string | undefined;

  /** How often a request is sent at most, with growing pauses between; gRPC goes to 5. @defaultValue 4 */
  readonly maximumAttempts?: number | undefined;

  /** How long it may take in all. @defaultValue 10 000 */
  readonly timeoutMs?: number | undefined;
}

const KEY_NAME = /^projects\/[^/]+\/locations\/([^/]+)\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/;
const VERSION = /\/cryptoKeyVersions\/[^/]+$/;

/** What is sent and comes back as a checksum: a wrapper message, whose number may come as text. */
type Checksum = { value?: unknown } | null | undefined;

/**
 * Keys in Google Cloud KMS, by way of `@google-cloud/kms`, which the application
 * installs. Credentials are what Google's libraries find (Application Default
 * Credentials). Shares are made here and encrypted there, with the context as associated
 * data and a CRC-32C of everything in both directions.
 *
 * @throws {@link ConfigurationError} when a key is not named in full; at the first use, when
 * the package is not installed.
 */
export function gcpKms(options: GcpKmsOptions): KeyProvider {
  const { keyName: own, alsoUnwraps = [], timeoutMs = 10_000 } = options;
  const known = [own, ...alsoUnwraps];
  known.forEach(requireKeyName);
  let opening: Promise<KeyManagementServiceClient> | undefined;

  /** One client for everybody. One that did not come to be is given up, and made anew by who asks next. */
  function open(): Promise<KeyManagementServiceClient> {
    if (opening === undefined) {
      const attempt = connect();
      opening = attempt;
      attempt.catch(() => {
        if (opening === attempt) opening = undefined;
      });
    }
    return opening;
  }

  /**
   * A call on a client that found no credentials fails twice: once here, and once where nobody
   * can catch it, which ends the process. So they are found before the first call.
   */
  async function connect(): Promise<KeyManagementServiceClient> {
    const { KeyManagementServiceClient } = await loadOptional("@google-cloud/kms", () => import("@google-cloud/kms"));
    const client = new KeyManagementServiceClient(configurationOf(options));
    try {
      await client.initialize();
    } catch (cause) {
      throw gcpFailure(codeOfGcpCredentials(cause), own, { cause });
    }
    return client;
  }

  /** Asks about a key, and says what went wrong in the terms of keys. */
  async function ask<Answer>(
    key: string,
    version: string | undefined,
    signal: AbortSignal | undefined,
    send: (client: KeyManagementServiceClient, options: typeof CALL) => Promise<[Answer, ...unknown[]]>,
  ): Promise<Answer> {
    try {
      const [answer] = await withDeadline({ timeoutMs, signal }, async (ended) => {
        const client = await open();
        ended.throwIfAborted();
        const call = send(client, { ...CALL, timeout: timeoutMs });
        ended.addEventListener("abort", () => (call as Partial<Cancellable>).cancel?.(), { once: true });
        return call;
      });
      return answer;
    } catch (cause) {
      const code = signal?.aborted === true ? undefined : codeOfGcp(cause);
      if (code === undefined) throw cause;
      throw code === "master_key_unusable" ? await explainState(key, version, cause) : gcpFailure(code, key, { cause });
    }
  }

  /** Google has one status for every state that is wrong: which one, the version says. */
  async function explainState(
    key: string,
    version: string | undefined,
    cause: unknown,
  ): Promise<KeyProviderError> {
    const asking = async () => {
      const opened = await open();
      if (version !== undefined) return (await opened.getCryptoKeyVersion({ name: version }, { ...CALL, timeout: timeoutMs }))[0];
      return (await opened.getCryptoKey({ name: key }, { ...CALL, timeout: timeoutMs }))[0].primary;
    };
    // An identity may have no leave to ask.
    const found = await withDeadline({ timeoutMs, signal: undefined }, asking).catch(() => undefined);
    const { state, destroyTime, name } = found ?? {};
    if (state === "DISABLED") return gcpFailure("master_key_disabled", name ?? key, { cause });
    if (state === "DESTROY_SCHEDULED" || state === "DESTROYED") {
      const detail = destroyTime?.seconds && `on ${new Date(Number(destroyTime.seconds) * 1_000).toISOString()}`;
      const code = state === "DESTROYED" ? "master_key_not_found" : "master_key_pending_deletion";
      return gcpFailure(code, name ?? key, { cause, detail: state === "DESTROYED" ? "it was destroyed" : detail || undefined });
    }
    return gcpFailure("master_key_unusable", key, { cause, detail: state ? `its state is ${String(state)}` : undefined });
  }

  async function wrap(share: Buffer, context: KeyContext, signal: AbortSignal | undefined): Promise<WrappedShare> {
    const associated = bytesOf(context);
    const answer = await ask(own, undefined, signal, (opened, sending) =>
      opened.encrypt(
        {
          name: own,
          plaintext: share,
          plaintextCrc32c: { value: crc32c(share) },
          additionalAuthenticatedData: associated,
          additionalAuthenticatedDataCrc32c: { value: crc32c(associated) },
        },
        sending,
      ),
    );
    const bytes = Buffer.from((answer.ciphertext ?? "") as Uint8Array);
    const isWhole =
      answer.verifiedPlaintextCrc32c === true &&
      answer.verifiedAdditionalAuthenticatedDataCrc32c === true &&
      isChecksumOf(bytes, answer.ciphertextCrc32c) &&
      keyOf(answer.name ?? "") === own;
    if (!isWhole) throw gcpFailure("kms_answer_invalid", own, { detail: "a checksum is wrong" });
    return { keyName: answer.name as string, bytes };
  }

  /** The one key that may have wrapped this share. */
  function pinned({ keyName }: WrappedShare): string {
    const key = keyOf(keyName);
    if (known.includes(key)) return key;
    const location = locationOf(key);
    throw gcpFailure(known.some((one) => locationOf(one) === location) ? "master_key_mismatch" : "master_key_in_another_region", key, {
      detail: `configured is ${known.join(", ")}`,
    });
  }

  const provider: KeyProvider = {
    name: "gcp-kms",

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

    async unwrap(wrapped, context, { signal }: KeyCallOptions = {}) {
      const associated = bytesOf(context);
      const name = pinned(wrapped);
      const answer = await ask(name, wrapped.keyName, signal, (opened, sending) =>
        opened.decrypt(
          {
            name,
            ciphertext: wrapped.bytes,
            ciphertextCrc32c: { value: crc32c(wrapped.bytes) },
            additionalAuthenticatedData: associated,
            additionalAuthenticatedDataCrc32c: { value: crc32c(associated) },
          },
          sending,
        ),
      );
      const plaintext = answer.plaintext as Uint8Array | null | undefined;
      const isWhole = plaintext instanceof Uint8Array && isChecksumOf(plaintext, answer.plaintextCrc32c);
      const share = takeShare(plaintext);
      if (share === undefined || !isWhole) {
        share?.fill(0);
        throw gcpFailure("kms_answer_invalid", name, { detail: "a checksum or the length is wrong" });
      }
      return share;
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
      const key = keyOf(keyName);
      if (!known.includes(key)) return "none";
      return key === own ? "wraps" : "opens";
    },

    async close() {
      const closing = opening;
      opening = undefined;
      const client = await closing?.catch(() => undefined);
      await client?.close();
    },
  };
  return provider;
}

interface Cancellable {
  cancel(): void;
}

/** Whoever retries twice forgets what failed first: gRPC does, and the library around it does not. */
const CALL = { retry: null as never, timeout: 0 };

function configurationOf({ endpoint, maximumAttempts = 4 }: GcpKmsOptions): Record<string, string | number> {
  const retryPolicy = {
    maxAttempts: maximumAttempts,
    initialBackoff: "0.1s",
    maxBackoff: "2s",
    backoffMultiplier: 3,
    retryableStatusCodes: ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
  };
  const methodConfig = [{ name: [{ service: "google.cloud.kms.v1.KeyManagementService" }], retryPolicy }];
  const [host, port] = endpoint?.split(":") ?? [];
  return {
    ...(maximumAttempts > 1 ? { "grpc.service_config": JSON.stringify({ methodConfig }) } : {}),
    ...(host === undefined ? {} : { apiEndpoint: host, ...(port === undefined ? {} : { port: Number(port) }) }),
  };
}

function requireKeyName(text: string): void {
  if (KEY_NAME.test(text)) return;
  throw new ConfigurationError(`${JSON.stringify(text)} is no key of Cloud KMS`, {
    remedy:
      "Name it in full, without a version: projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY",
  });
}

function keyOf(version: string): string {
  return version.replace(VERSION, "");
}

function locationOf(key: string): string | undefined {
  return KEY_NAME.exec(key)?.[1];
}

function isChecksumOf(bytes: Uint8Array, checksum: Checksum): boolean {
  return checksum !== null && checksum !== undefined && Number(checksum.value) === crc32c(bytes);
}
