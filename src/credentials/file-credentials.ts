import { open, type FileHandle } from "node:fs/promises";

import { ConfigurationError } from "../errors.js";
import { versionOf, type CredentialSource } from "./credential-source.js";
import { LoginPassword } from "./login-password.js";
import { parseLoginSecret } from "./login-secret.js";

/** Which file to read, and how closed it has to be. */
export interface FileCredentials {
  /** It holds the password alone, or JSON as a secret does. */
  readonly path: string;

  /**
   * `owner`: nobody else may read it. `mount`: others may, as in the secrets that Docker
   * and Kubernetes mount, where only the container's own processes see the file.
   *
   * @defaultValue `mount` below `/run/secrets` and `/var/run/secrets`, else `owner`
   */
  readonly readableBy?: "owner" | "mount" | undefined;

  /** How often to look whether the login has become another. @defaultValue 10 000 */
  readonly checkEveryMs?: number | undefined;
}

/** The password, or login and password, from a file that is read for each new connection. */
export function fileCredentials({
  path,
  readableBy = /^(\/var)?\/run\/secrets\//.test(path) ? "mount" : "owner",
  checkEveryMs = 10_000,
}: FileCredentials): CredentialSource {
  const name = `the file ${path}`;
  return {
    name,
    checkEveryMs,
    async get({ refused }) {
      const text = await read(path, readableBy);
      const { username: user, password } = text.startsWith("{")
        ? parseLoginSecret(text, name)
        : { username: undefined, password: text };
      const version = versionOf(user, password);
      return refused.includes(version) ? undefined : { user, password: new LoginPassword(password), version };
    },
  };
}

async function read(path: string, readableBy: "owner" | "mount"): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    // Of the very file that is read, not of one that had the name before.
    const { mode } = await file.stat();
    requireClosed(path, mode, readableBy);
    const text = (await file.readFile("utf8")).replace(/\r?\n$/, "");
    if (text !== "") return text;
  } catch (cause) {
    if (cause instanceof ConfigurationError) throw cause;
    const { code = "" } = cause as { code?: string };
    throw new ConfigurationError(`The password of a database login cannot be read from ${path} (${code})`, {
      remedy: "Name a file that is there and that this process may read",
      cause,
    });
  } finally {
    await file?.close();
  }
  throw new ConfigurationError(`The file ${path} is empty, and a database login's password was to be read from it`, {
    remedy: "Write the password into it",
  });
}

function requireClosed(path: string, mode: number, readableBy: "owner" | "mount"): void {
  if (process.platform === "win32") return;
  const foreign = readableBy === "owner" ? 0o077 : 0o022;
  if ((mode & foreign) === 0) return;
  const others = (mode & 0o022) === 0 ? "read" : "changed";
  throw new ConfigurationError(
    `The file ${path} with a database login's password may be ${others} by others: its mode is 0${(mode & 0o777).toString(8)}`,
    { remedy: `Run: chmod ${readableBy === "owner" ? "600" : "go-w"} ${path}` },
  );
}
