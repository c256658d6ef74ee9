import type { KMSClient, KMSClientConfig } from "@aws-sdk/client-kms";

import type { AwsKeys } from "../credentials/aws-options.js";
import { loadOptional } from "../credentials/optional-package.js";
import type { KeyProviderError, KeyProviderErrorCode } from "../errors.js";
import { isSameAwsKey, parseAwsKeyArn, type AwsKeyArn } from "./aws-key-arn.js";
import { awsFailure, codeOfAws } from "./aws-kms-failures.js";
import { withDeadline } from "./deadline.js";
import { entriesOf } from "./key-context.js";
import { readName } from "./key-name.js";
import { SHARE_LENGTH, type KeyCallOptions, type KeyContext, type KeyProvider, type WrappedShare } from "./key-provider.js";
import { takeShare } from "./share.js";

/** What is asked about once more, to say it better. */
const STATES_OF_KEYS: ReadonlySet<KeyProviderErrorCode> = new Set(["master_key_disabled", "master_key_unusable"]);

/** Which key of AWS KMS wraps, and how it is reached. */
export interface AwsKmsOptions {
  /** The key's ARN, which says its region too. Not an alias: that can be pointed at another key. */
  readonly keyArn: string;

  /**
   * Further keys whose shares are opened, and that wrap nothing: the one before, until
   * every share is rewrapped. The replicas of one multi-Region key are one key.
   */
  readonly alsoUnwraps?: readonly string[] | undefined;

  /** Another way to KMS than its public address, for the key's own region or for each: a VPC endpoint's. */
  readonly endpoint?: string | ((region: string) => string | undefined) | undefined;

  /** @defaultValue what the SDK finds: the environment, the role of the container or the machine */
  readonly credentials?: AwsKeys | (() => Promise<AwsKeys>) | undefined;

  /** How often a request is sent at most, with growing pauses between. @defaultValue 4 */
  readonly maximumAttempts?: number | undefined;

  /** How long one attempt may take. @defaultValue 3 000 */
  readonly attemptTimeoutMs?: number | undefined;

  /** How long it may take in all. @defaultValue 10 000 */
  readonly timeoutMs?: number | undefined;
}

/**
 * Keys in AWS KMS, by way of `@aws-sdk/client-kms`, which the application installs.
 *
 * @throws {@link ConfigurationError} when a key is not named by its ARN; at the first use,
 * when the package is not installed.
 */
export function awsKms(options: AwsKmsOptions): KeyProvider {
  const own = parseAwsKeyArn(options.keyArn);
  const known = [own, ...(options.alsoUnwraps ?? []).map(parseAwsKeyArn)];
  const { timeoutMs = 10_000 } = options;
  const clients = new Map<string, KMSClient>();

  const load = () => loadOptional("@aws-sdk/client-kms", () => import("@aws-sdk/client-kms"));

  async function clientFor({ region }: AwsKeyArn): Promise<KMSClient> {
    const { KMSClient } = await load();
    const { endpoint } = options;
    const address = typeof endpoint === "function" ? endpoint(region) : region === own.region ? endpoint : undefined;
    const client = clients.get(region) ?? new KMSClient({ ...configurationOf(options, region), ...(address !== undefined && { endpoint: address }) });
    clients.set(region, client);
    return client;
  }

  /** Asks about keys of one region, and says what went wrong in the terms of keys. */
  async function ask<Answer>(
    keys: readonly [AwsKeyArn, ...AwsKeyArn[]],
    signal: AbortSignal | undefined,
    send: (client: KMSClient, options: { abortSignal: AbortSignal }) => Promise<Answer>,
  ): Promise<Answer> {
    const client = await clientFor(keys[0]);
    try {
      return await withDeadline({ timeoutMs, signal }, (abortSignal) => send(client, { abortSignal }));
    } catch (cause) {
      const code = signal?.aborted === true ? undefined : codeOfAws(cause);
      if (code === undefined) throw cause;
      if (STATES_OF_KEYS.has(code)) throw await explainState(keys, code, cause);
      throw awsFailure(code, namesOf(keys), { cause });
    }
  }

  /** KMS has one error for many states, and does not say of which of two keys it speaks. */
  async function explainState(
    keys: readonly AwsKeyArn[],
    code: KeyProviderErrorCode,
    cause: unknown,
  ): Promise<KeyProviderError> {
    const { DescribeKeyCommand } = await load();
    for (const key of keys) {
      const client = await clientFor(key);
      const state = await withDeadline({ timeoutMs, signal: undefined }, (abortSignal) =>
        client.send(new DescribeKeyCommand({ KeyId: key.text }), { abortSignal }),
      ).catch(() => undefined); // an identity may have no leave to ask

      const { KeyState, DeletionDate } = state?.KeyMetadata ?? {};
      if (KeyState === undefined || KeyState === "Enabled") continue;
      if (KeyState === "Disabled") return awsFailure("master_key_disabled", key.text, { cause });
      if (KeyState === "PendingDeletion" || KeyState === "PendingReplicaDeletion") {
        const detail = DeletionDate && `on ${DeletionDate.toISOString()}`;
        return awsFailure("master_key_pending_deletion", key.text, { cause, detail });
      }
      return awsFailure("master_key_unusable", key.text, { cause, detail: `its state is ${KeyState}` });
    }
    return awsFailure(code, namesOf(keys), { cause });
  }

  /** The one key that may have wrapped this share, so that the answer cannot be another's. */
  function pinned({ keyName }: WrappedShare): AwsKeyArn {
    const named = parseAwsKeyArn(keyName);
    const key = known.find((one) => one.text === keyName) ?? known.find((one) => isSameAwsKey(one, named));
    if (key !== undefined) return key;

    const isElsewhere = known.every(({ region }) => region !== named.region);
    throw awsFailure(isElsewhere ? "master_key_in_another_region" : "master_key_mismatch", keyName, {
      detail: `configured is ${known.map(({ text }) => text).join(", ")}`,
    });
  }

  async function wrap(share: Buffer, context: KeyContext, signal: AbortSignal | undefined): Promise<WrappedShare> {
    const EncryptionContext = entriesOf(context);
    const { EncryptCommand } = await load();
    const answer = await ask([own], signal, (client, sending) =>
      client.send(new EncryptCommand({ KeyId: own.text, Plaintext: share, EncryptionContext }), sending),
    );
    return wrappedBy(own, answer);
  }

  const provider: KeyProvider = {
    name: "aws-kms",

    async generate(context, { signal }: KeyCallOptions = {}) {
      const EncryptionContext = entriesOf(context);
      const { GenerateDataKeyCommand } = await load();
      const answer = await ask([own], signal, (client, sending) =>
        client.send(
          new GenerateDataKeyCommand({ KeyId: own.text, NumberOfBytes: SHARE_LENGTH, EncryptionContext }),
          sending,
        ),
      );
      const share = takeShare(answer.Plaintext);
      if (share === undefined || answer.CiphertextBlob === undefined || answer.KeyId !== own.text) {
        share?.fill(0);
        throw awsFailure("kms_answer_invalid", own.text);
      }
      return { share, wrapped: { keyName: own.text, bytes: Buffer.from(answer.CiphertextBlob) } };
    },

    wrap: (share, context, { signal }: KeyCallOptions = {}) => wrap(share, context, signal),

    async unwrap(wrapped, context, { signal }: KeyCallOptions = {}) {
      const EncryptionContext = entriesOf(context);
      const key = pinned(wrapped);
      const { DecryptCommand } = await load();
      const answer = await ask([key], signal, (client, sending) =>
        client.send(
          new DecryptCommand({ KeyId: key.text, CiphertextBlob: wrapped.bytes, EncryptionContext }),
          sending,
        ),
      );
      const share = takeShare(answer.Plaintext);
      if (share === undefined || answer.KeyId !== key.text) {
        share?.fill(0);
        throw awsFailure("kms_answer_invalid", key.text);
      }
      return share;
    },

    async rewrap(wrapped, context, options: KeyCallOptions = {}) {
      const key = pinned(wrapped);
      const EncryptionContext = entriesOf(context);
      const { ReEncryptCommand } = await load();
      if (key.region === own.region) {
        const answer = await ask(key === own ? [own] : [key, own], options.signal, (client, sending) =>
          client.send(
            new ReEncryptCommand({
              CiphertextBlob: wrapped.bytes,
              SourceKeyId: key.text,
              SourceEncryptionContext: EncryptionContext,
              DestinationKeyId: own.text,
              DestinationEncryptionContext: EncryptionContext,
            }),
            sending,
          ),
        );
        return wrappedBy(own, answer);
      }

      // KMS re-encrypts within one region only: between two, the share passes through here.
      const share = await provider.unwrap(wrapped, context, options);
      try {
        return await wrap(share, context, options.signal);
      } finally {
        share.fill(0);
      }
    },

    async relationTo(keyName) {
      const key = readName(keyName, parseAwsKeyArn);
      if (key === undefined) return "none";
      if (isSameAwsKey(own, key)) return "wraps";
      return known.some((one) => isSameAwsKey(one, key)) ? "opens" : "none";
    },

    async close() {
      for (const client of clients.values()) client.destroy();
      clients.clear();
    },
  };
  return provider;
}

function namesOf(keys: readonly AwsKeyArn[]): string {
  return keys.map(({ text }) => text).join(" or ");
}

function configurationOf(options: AwsKmsOptions, region: string): KMSClientConfig {
  const { credentials, maximumAttempts = 4, attemptTimeoutMs = 3_000 } = options;
  return {
    region,
    maxAttempts: maximumAttempts,
    requestHandler: {
      connectionTimeout: Math.min(1_000, attemptTimeoutMs),
      requestTimeout: attemptTimeoutMs,
      throwOnRequestTimeout: true,
    },
    ...(credentials !== undefined && { credentials }),
  };
}

function wrappedBy(
  own: AwsKeyArn,
  { CiphertextBlob, KeyId }: { CiphertextBlob?: Uint8Array | undefined; KeyId?: string | undefined },
): WrappedShare {
  if (CiphertextBlob === undefined || KeyId !== own.text) throw awsFailure("kms_answer_invalid", own.text);
  return { keyName: own.text, bytes: Buffer.from(CiphertextBlob) };
}
