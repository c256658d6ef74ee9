import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { link, mkdir, open, rename, stat, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { ConfigurationError } from "../errors.js";
import { syncFolderOf } from "../sync-folder.js";

/** One key of the file. */
export interface FileKey {
  /** Names it among all files' keys: random, so that another file's is not taken for it. */
  readonly id: string;
  readonly creationTime: string;
  readonly bytes: Buffer;
}

/** What a key file holds: the keys that ever wrapped, and which one does. */
export interface KeyFile {
  readonly active: FileKey;
  readonly keys: readonly FileKey[];
}

const FORMAT = 1;
const KEY_LENGTH = 32;
const LOCK_ATTEMPTS = 50;
const LOCK_PAUSE_MS = 20;

/**
 * Reads a key file; `undefined` when there is none.
 *
 * @throws {@link ConfigurationError} when others may read it, or it is no key file.
 */
export async function readKeyFile(path: string): Promise<KeyFile | undefined> {
  const file = await open(path, constants.O_RDONLY).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new ConfigurationError(`the key file ${path} cannot be read: ${error.code ?? error.message}`, {
      remedy: "Let it belong to the user that this process runs as",
      cause: error,
    });
  });
  if (file === undefined) return undefined;

  try {
    // Of the open file, not of the path: nobody can put another in between.
    const status = await file.stat();
    if (!status.isFile()) throw new ConfigurationError(`${path} is no file`, { remedy: "Name a file for the keys" });
    if (process.platform !== "win32" && (status.mode & 0o077) !== 0) {
      throw new ConfigurationError(`others than its owner may use the key file ${path}`, {
        remedy: `chmod 600 ${path}. If others could read it, rotate the keys it wrapped (docs/keys.md)`,
      });
    }
    return parse(path, await file.readFile("utf8"));
  } finally {
    await file.close();
  }
}

/**
 * Makes a key file with one key, unless somebody was faster; then theirs is taken.
 * It appears with all of its contents or not at all, and no one else may read it.
 */
export async function createKeyFile(path: string): Promise<KeyFile> {
  await makeDirectory(dirname(path));
  const key = newKey();
  const written = await writeBeside(path, { active: key, keys: [key] });
  try {
    // A rename would replace the file of whoever was faster, and with it their key.
    await link(written, path);
    await syncFolderOf(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await unlink(written);
  }
  return requireKeyFile(path);
}

/**
 * Adds a key that wraps from now on; the others go on opening what they wrapped.
 *
 * @throws {@link ConfigurationError} when there is no such file, or somebody else holds its lock.
 */
export async function rotateKeyFile(path: string): Promise<KeyFile> {
  const unlock = await lock(`${path}.lock`);
  try {
    const { keys } = await requireKeyFile(path);
    const key = newKey();
    await rename(await writeBeside(path, { active: key, keys: [...keys, key] }), path);
    await syncFolderOf(path);
    return await requireKeyFile(path);
  } finally {
    await unlock();
  }
}

async function requireKeyFile(path: string): Promise<KeyFile> {
  const file = await readKeyFile(path);
  if (file !== undefined) return file;
  throw new ConfigurationError(`there is no key file ${path}`, { remedy: "Name the file, or copy it back from where it was" });
}

/** A folder of our own says to version control that it is not to be committed. */
async function makeDirectory(directory: string): Promise<void> {
  const made = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (made !== undefined) await writeFile(join(directory, ".gitignore"), "*\n", { flag: "wx" }).catch(() => undefined);
}

function newKey(): FileKey {
  return {
    id: randomBytes(8).toString("hex"),
    creationTime: new Date().toISOString(),
    bytes: randomBytes(KEY_LENGTH),
  };
}

/** Writes a whole file beside the one that is meant, for its owner only. */
async function writeBeside(path: string, { active, keys }: KeyFile): Promise<string> {
  const beside = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  const file = await open(beside, "wx", 0o600);
  try {
    const text = {
      warning: "Keys of a development cell. Whoever has them and the database reads everything in it.",
      format: FORMAT,
      active: active.id,
      keys: keys.map(({ id, creationTime, bytes }) => ({ id, creationTime, key: bytes.toString("base64") })),
    };
    await file.writeFile(`${JSON.stringify(text, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return beside;
}

/** Takes turns with other processes. */
async function lock(path: string): Promise<() => Promise<void>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await (await open(path, "wx", 0o600)).close();
      return () => unlink(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (attempt === LOCK_ATTEMPTS) {
        const since = await stat(path).then(({ mtime }) => ` since ${mtime.toISOString()}`, () => "");
        throw new ConfigurationError(`the key file is locked by ${path}${since}`, {
          remedy: "Wait for whoever rotates it; delete the lock if nobody does",
          cause: error,
        });
      }
      await pause(LOCK_PAUSE_MS);
    }
  }
}

function parse(path: string, text: string): KeyFile {
  const damaged = (what: string, cause?: unknown) =>
    new ConfigurationError(`${path} is no key file: ${what}`, {
      remedy: "Copy it back from where it was. A new file opens nothing that the old one wrapped",
      cause,
    });

  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    // Its message quotes the text, which may be keys.
    throw damaged("it is not JSON");
  }
  const { format, active, keys } = (read ?? {}) as { format?: unknown; active?: unknown; keys?: unknown };
  if (format !== FORMAT) throw damaged(`its format is not ${FORMAT}`);
  if (!Array.isArray(keys)) throw damaged("it has no keys");

  const parsed = keys.map((entry: unknown): FileKey => {
    const { id, creationTime, key } = (entry ?? {}) as Record<string, unknown>;
    const bytes = Buffer.from(typeof key === "string" ? key : "", "base64");
    if (typeof id !== "string" || !/^[0-9a-f]{16}$/.test(id)) throw damaged("a key has no id");
    if (bytes.length !== KEY_LENGTH) throw damaged(`the key ${id} has not ${KEY_LENGTH} bytes`);
    return { id, creationTime: String(creationTime), bytes };
  });
  const activeKey = parsed.find(({ id }) => id === active);
  if (activeKey === undefined) throw damaged("none of its keys is active");
  return { active: activeKey, keys: parsed };
}
