import { open, readFile, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

import { ConfigurationError } from "../errors.js";
import { syncFolderOf } from "../sync-folder.js";
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
      // Under another name until it is whole and on the disk. Whoever was killed before has left it.
      const unfinished = `${pendingPath}.unfinished`;
      try {
        await rm(unfinished, { force: true });
        await write(unfinished, `${JSON.stringify(secret, undefined, 2)}\n`, await readersOf(path));
        await rename(unfinished, pendingPath);
      } catch (error) {
        await rm(unfinished, { force: true });
        throw error instanceof ConfigurationError ? error : unwritable(path, error);
      }
      await syncFolderOf(path);
    },
    async promote() {
      await rename(pendingPath, path).catch((error: unknown) => {
        throw unwritable(path, error);
      });
      await syncFolderOf(path);
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

/** Who may read a file: its owner, and its group where that may. */
interface Readers {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** Those of the file that is replaced: whoever rotates need not be the application that reads it. */
async function readersOf(path: string): Promise<Readers | undefined> {
  try {
    const { uid, gid, mode } = await stat(path);
    return { path, uid, gid, mode: 0o600 | (mode & 0o040) };
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
}

async function write(path: string, text: string, readers: Readers | undefined): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "wx", 0o600);
    if (readers !== undefined) await giveTo(file, readers);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file?.close();
  }
}

async function giveTo(file: FileHandle, { path, uid, gid, mode }: Readers): Promise<void> {
  const own = await file.stat();
  try {
    if (own.uid !== uid || own.gid !== gid) await file.chown(uid, gid);
    await file.chmod(mode);
  } catch (error) {
    throw new ConfigurationError(`The file ${path} is another user's, who would read no more what takes its place`, {
      remedy: `Run this as its owner, the user ${String(uid)} in group ${String(gid)}, or as root`,
      cause: error,
    });
  }
}

function unwritable(path: string, cause: unknown): ConfigurationError {
  return new ConfigurationError(`The file ${path} cannot be written (${(cause as { code?: string }).code ?? ""})`, {
    remedy: `Make its folder, and let this user write there: ${dirname(path)}`,
    cause,
  });
}

