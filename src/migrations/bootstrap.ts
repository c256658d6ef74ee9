import { readFile } from "node:fs/promises";
import { join } from "node:path";

import pg, { type ClientBase } from "pg";

import { ConfigurationError } from "../errors.js";
import { SQL_DIRECTORY } from "./chapters.js";
import type { CellName } from "./cell.js";
import { withMigrationLock, type LockOptions } from "./lock.js";
import { assertDirectServer, type SessionOptions } from "./session.js";

/** Which cell to prepare. */
export interface BootstrapOptions extends LockOptions, Pick<SessionOptions, "allowProxy"> {
  readonly cell: CellName;
}

/**
 * Roles are the whole server's: who bootstraps two databases of one server at
 * the same moment meets the other here, and is whole again a moment later.
 */
const MET_ANOTHER = new Set(["23505", "42710", "XX000", "40001", "40P01"]);
const ATTEMPTS = 5;

/**
 * Makes what has to exist before the first chapter: roles, logins, the cell's
 * schema, extensions, and the revocations. Whole or not at all; changes nothing
 * that is there already.
 *
 * @returns what the script warned of, in sentences.
 * @throws {@link ConfigurationError} when something is in the way, with the
 * statement that mends it.
 */
export async function bootstrap(
  client: ClientBase,
  options: BootstrapOptions,
): Promise<readonly string[]> {
  const script = await bootstrapScript(options.cell);
  await assertDirectServer(client, options);

  const warnings: string[] = [];
  const hear = ({ severity, message, hint }: { severity?: string | undefined; message?: string | undefined; hint?: string | undefined }) => {
    if (severity === "WARNING" && message !== undefined) {
      warnings.push([message, hint].filter(Boolean).join(". "));
    }
  };

  client.on("notice", hear);
  try {
    await withMigrationLock(client, options, () => run(client, script));
  } finally {
    client.removeListener("notice", hear);
  }
  return warnings;
}

/**
 * The script, for a reader and for psql: the reviewed text, with the cell set
 * before it.
 */
export async function bootstrapScript(cell: CellName): Promise<string> {
  const text = await readFile(join(SQL_DIRECTORY, "bootstrap.sql"), "utf8");
  return `set safetypin.cell = '${cell}';\n\n${text}`;
}

async function run(client: ClientBase, script: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query(script);
      return;
    } catch (error) {
      await client.query("rollback").catch(() => undefined);
      if (!(error instanceof pg.DatabaseError)) throw error;
      if (MET_ANOTHER.has(error.code ?? "") && attempt < ATTEMPTS) continue;

      throw new ConfigurationError(error.message, { remedy: error.hint, cause: error });
    } finally {
      await client.query("reset safetypin.cell").catch(() => undefined);
    }
  }
}
