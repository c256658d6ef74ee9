import { ConfigurationError } from "../errors.js";
import type { Environment } from "../limits.js";

/** How many bytes a share has. */
export const SHARE_LENGTH = 32;

/**
 * Whose share it is. Bound to the wrapped share, so that it opens nowhere else; and
 * in clear in the service's own log (CloudTrail, for one), so: ids only.
 */
export interface KeyContext {
  /** The cell's id, from `cell_settings`. */
  readonly cellId: string;

  /** The organization's id; `null` for the cell's own key. */
  readonly organizationId: string | null;

  /** The number of the key within its organization. */
  readonly keyId: number;
}

/** A share as the database keeps it: nothing without the key that wrapped it. */
export interface WrappedShare {
  /** Which key wrapped it, by the name that its service gives it. */
  readonly keyName: string;

  /** Which kind of service that is, where keys of several may be meant. @defaultValue the one that is asked */
  readonly provider?: string | undefined;

  readonly bytes: Buffer;
}

/** A new share. Who asked for it owns `share`, and overwrites it when done. */
export interface GeneratedShare {
  /** {@link SHARE_LENGTH} random bytes. */
  readonly share: Buffer;

  readonly wrapped: WrappedShare;
}

/** How a key is asked for. */
export interface KeyCallOptions {
  /** Ends the waiting: what is thrown then is the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How a provider stands to a key: it wraps by it, only opens with it, or has none of that name. */
export type KeyRelation = "wraps" | "opens" | "none";

/**
 * Where shares are wrapped and unwrapped: a key management service.
 *
 * Every method throws {@link KeyProviderError}, whose code says why there is no key and
 * whose `cause` is the service's own error.
 */
export interface KeyProvider {
  /** Which kind it is: `aws-kms`, `gcp-kms`, `azure-key-vault`, `local-key-file`. */
  readonly name: string;

  /** Whether it protects nothing that matters: a key in a file beside the data. @defaultValue false */
  readonly isForDevelopment?: boolean;

  /** Which further kinds of service it opens the shares of. @defaultValue none */
  readonly alsoOpens?: readonly string[];

  /** Makes a share, and wraps it. */
  generate(context: KeyContext, options?: KeyCallOptions): Promise<GeneratedShare>;

  /** Wraps a share that another service opened. Whose the buffer is overwrites it. */
  wrap(share: Buffer, context: KeyContext, options?: KeyCallOptions): Promise<WrappedShare>;

  /** The share, as a buffer that the caller owns and overwrites when done. */
  unwrap(wrapped: WrappedShare, context: KeyContext, options?: KeyCallOptions): Promise<Buffer>;

  /** Wraps the same share by the key that wraps now. */
  rewrap(wrapped: WrappedShare, context: KeyContext, options?: KeyCallOptions): Promise<WrappedShare>;

  /** How it stands to the key of this name; asks no service. */
  relationTo?(keyName: string): Promise<KeyRelation>;

  /** Lets go of connections and of what is remembered. */
  close?(): Promise<void>;
}

/**
 * Refuses a provider for development where a cell, or the process that opens it, is
 * production.
 *
 * @throws {@link ConfigurationError}
 */
export function requireProviderFor(environment: Environment, provider: Pick<KeyProvider, "name" | "isForDevelopment">): void {
  if (environment !== "production" || provider.isForDevelopment !== true) return;
  throw new ConfigurationError(`a production cell cannot take its keys from ${provider.name}`, {
    remedy:
      "Keep the key in a key management service: aws-kms://, gcp-kms:// or azure-kv:// (docs/keys.md). A cell that is for something else is told so when it is made: safetypin migrate up --environment development",
  });
}
