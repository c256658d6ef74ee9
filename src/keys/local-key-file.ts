import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { resolve } from "node:path";

import type { Environment } from "../limits.js";
import { bytesOf } from "./key-context.js";
import { failuresOf } from "./key-failures.js";
import { createKeyFile, readKeyFile, type FileKey, type KeyFile } from "./key-file.js";
import {
  requireProviderFor,
  type KeyCallOptions,
  type KeyContext,
  type KeyProvider,
  type WrappedShare,
} from "./key-provider.js";
import { newShare, takeShare } from "./share.js";

/** Where keys of a development cell are, and what is developed. */
export interface LocalKeyFileOptions {
  /**
   * The file. It is made at the first key, for its owner only.
   *
   * @defaultValue `SAFETYPIN_KEY_FILE`, or `.safetypin/keys.json` below the working directory
   */
  readonly path?: string | undefined;

  /** What the cell says it is: production is refused. */
  readonly environment: Environment;
}

const NAME = "local-key-file";
const VERSION = 1;
const IV_LENGTH = 12;
const TAG_LENGTH = 16;

const failure = failuresOf({
  master_key_not_found: "Copy the file back from where it was: without its keys, what they wrapped opens no more",
});

/**
 * Keys in a file, for development and tests: no service, no network, and no protection
 * against whoever reads the file. Shares are wrapped by AES-256-GCM, with the context
 * as associated data.
 *
 * @throws {@link ConfigurationError} where the cell is production.
 */
export function localKeyFile({ path, environment }: LocalKeyFileOptions): KeyProvider {
  const file = resolve(path ?? process.env["SAFETYPIN_KEY_FILE"] ?? ".safetypin/keys.json");
  requireProviderFor(environment, { name: NAME, isForDevelopment: true });

  // Read each time: another process may have rotated it, and it is a small file.
  const readOrCreate = async (): Promise<KeyFile> => (await readKeyFile(file)) ?? createKeyFile(file);

  const provider: KeyProvider = {
    name: NAME,
    isForDevelopment: true,

    async generate(context, { signal }: KeyCallOptions = {}) {
      signal?.throwIfAborted();
      const associated = bytesOf(context);
      const { active } = await readOrCreate();
      const share = newShare();
      return { share, wrapped: wrap(active, share, associated) };
    },

    async wrap(share, context, { signal }: KeyCallOptions = {}) {
      signal?.throwIfAborted();
      return wrap((await readOrCreate()).active, share, bytesOf(context));
    },

    async unwrap({ keyName, bytes }, context, { signal }: KeyCallOptions = {}) {
      signal?.throwIfAborted();
      const associated = bytesOf(context);
      const keys = (await readKeyFile(file))?.keys;
      const key = keys?.find(({ id }) => keyName === nameOf(id));
      if (key === undefined) {
        throw failure("master_key_not_found", keyName, {
          detail: keys === undefined ? `there is no file ${file}` : `it is not in ${file}`,
        });
      }
      const share = unwrap(key, bytes, associated);
      if (share === undefined) throw failure("share_refused", keyName);
      return share;
    },

    async rewrap(wrapped: WrappedShare, context: KeyContext, options: KeyCallOptions = {}) {
      const share = await provider.unwrap(wrapped, context, options);
      try {
        return await provider.wrap(share, context, options);
      } finally {
        share.fill(0);
      }
    },

    async relationTo(keyName) {
      const read = await readKeyFile(file);
      if (read?.keys.some(({ id }) => keyName === nameOf(id)) !== true) return "none";
      return keyName === nameOf(read.active.id) ? "wraps" : "opens";
    },
  };
  return provider;
}

function nameOf(id: string): string {
  return `file:${id}`;
}

/** `01 | iv | ciphertext | tag`, bound to the key's id and the context. */
function wrap({ id, bytes: key }: FileKey, share: Buffer, associated: Buffer): WrappedShare {
  const iv = randomBytes(IV_LENGTH);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.concat([Buffer.from(`${nameOf(id)}\n`), associated]));
  const sealed = Buffer.concat([cipher.update(share), cipher.final()]);
  return { keyName: nameOf(id), bytes: Buffer.concat([Buffer.of(VERSION), iv, sealed, cipher.getAuthTag()]) };
}

function unwrap({ id, bytes: key }: FileKey, wrapped: Buffer, associated: Buffer): Buffer | undefined {
  if (wrapped[0] !== VERSION || wrapped.length < 1 + IV_LENGTH + TAG_LENGTH) return undefined;
  const iv = wrapped.subarray(1, 1 + IV_LENGTH);
  const decipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: TAG_LENGTH })
    .setAAD(Buffer.concat([Buffer.from(`${nameOf(id)}\n`), associated]))
    .setAuthTag(wrapped.subarray(-TAG_LENGTH));
  const share = decipher.update(wrapped.subarray(1 + IV_LENGTH, -TAG_LENGTH));
  try {
    decipher.final();
  } catch {
    share.fill(0);
    return undefined;
  }
  return takeShare(share);
}
