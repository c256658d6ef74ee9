import { open, readFile, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

import { ConfigurationError } from "../errors.js";
import { parseLoginSecret } from "./login-secret.js";
import type { LoginStore, StoredSecret } from "./login-store.js";

/**
 * A secret in a file that only its owner reads. What is to be next lies beside it in
 * `<path>.pending` until it takes the file's place.
 */
export function fileStore(path: string): LoginStore {
  const pendingPath = `${path}.pending`;
  return {
    name: `the file ${path}`,
    current: () => read(path),
    pending: () => read(pendingPath),
    async stage(secret) {
      // Under a name of its own until it is whole and on the disk.
      const unfinished = `${pendingPath}.${process.pid}`;
      try {
        await write(unfinished, `${JSON.stringify(secret, undefined, 2)}\n`);
        await rename(unfinished, pendingPath);
      } catch (error) {
        await rm(unfinished, { force: true });
        throw unwritable(path, error);
      }
      await syncFolder(path);
    },
    async promote() {
      await rename(pendingPath, path).catch((error: unknown) => {
        throw unwritable(path, error);
      });
      await syncFolder(path);
    },
  };
}

async function read(path: string): Promise<StoredSecret | undefined> {
  let text: string;
  let time: Date;
  try {
    text = await readFile(path, "utf8");
    ({ mtime: time } = await stat(path));
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw new ConfigurationError(`The file ${path} cannot be read (${(error as { code?: string }).code ?? ""})`, {
      remedy: "Run this as its owner",
      cause: error,
    });
  }
  return { secret: parseLoginSecret(text, `the file ${path}`), time };
}

async function write(path: string, text: string): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "w", 0o600);
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file?.close();
  }
}

/** So that a name survives the loss of power too. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), "r");
  await folder.sync().catch(() => undefined);
  await folder.close();
}

function unwritable(path: string, cause: unknown): ConfigurationError {
  return new ConfigurationError(`The file ${path} cannot be written (${(cause as { code?: string }).code ?? ""})`, {
    remedy: `Make its folder, and let this user write there: ${dirname(path)}`,
    cause,
  });
}

