import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, mkdtemp, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

/** The user the server runs as: `nobody` when we are root, whom PostgreSQL refuses, else ourselves. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

const NOBODY: ServerUser = { uid: 65534, gid: 65534 };

/** Where servers of root live whose project the server's user cannot enter. */
const SHARED_HOME = "/var/lib/safetypin";

/** Whom the server runs as. `undefined` means: as ourselves. */
export function serverUser(): ServerUser | undefined {
  return process.getuid?.() === 0 ? NOBODY : undefined;
}

/**
 * A kept server's folder, made if need be: the one asked for, when the server's
 * user can reach it.
 *
 * Root's folders are often closed to others (`/root` is), and PostgreSQL does not
 * run as root. Then it is one below `/var/lib/safetypin`, and `server` in the
 * folder asked for is a link to it.
 */
export async function keptHome(wanted: string): Promise<string> {
  const directory = resolve(wanted);
  await mkdir(directory, { recursive: true });
  const user = serverUser();
  if (user === undefined || (await canReach(directory, user))) return directory;

  const mark = createHash("sha256").update(directory).digest("hex").slice(0, 12);
  const home = join(SHARED_HOME, `${basename(dirname(directory))}-${mark}`);
  await mkdir(home, { recursive: true });
  for (const path of [SHARED_HOME, home]) await chmod(path, 0o755);

  const pointer = join(directory, "server");
  await rm(pointer, { force: true });
  await symlink(home, pointer);
  return home;
}

/** A new folder for a server that is thrown away, where the server's user can reach it. */
export async function throwAwayHome(): Promise<string> {
  const user = serverUser();
  for (const parent of [tmpdir(), "/tmp", "/var/tmp"]) {
    if (user !== undefined && !(await canReach(parent, user))) continue;
    const home = await mkdtemp(join(parent, "safetypin-"));
    await chmod(home, 0o755);
    return home;
  }
  throw new Error(`No folder for temporary files that user ${user?.uid} may enter`);
}

/** Whether every folder on the way is open to the user. */
async function canReach(path: string, user: ServerUser): Promise<boolean> {
  const { mode, uid, gid } = await stat(path);
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
  if ((mode & bit) === 0) return false;
  const parent = dirname(path);
  return parent === path || canReach(parent, user);
}

/** Whether something of this name exists, be it a link that leads nowhere. */
export async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
