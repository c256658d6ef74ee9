import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, open, realpath, rename, stat, unlink } from "node:fs/promises";
import { createInterface } from "node:readline";

import type { ClientBase } from "pg";

import { ConfigurationError } from "../errors.js";
import { syncFolderOf } from "../sync-folder.js";
import { isOfFiles } from "./file-errors.js";
import { inTransaction } from "./in-transaction.js";

/** What was shredded, as it is known now. */
export interface Shredding {
  readonly seq: number;

  /** `null` for an organization. */
  readonly userId: string | null;

  /** `null` for a person. */
  readonly organizationId: string | null;

  /** `null` for an operator. */
  readonly actingUserId: string | null;
  readonly loginName: string;
  readonly shredTime: Date;

  /** From when on no backup undoes it, as backups are kept now. */
  readonly effectiveTime: Date;
  readonly isEffective: boolean;

  /** When it was done again after a restore; `null` where it was done first. */
  readonly replayTime: Date | null;
}

/** How a database stands to its ledger. */
export interface RestoreState {
  readonly cellId: string;

  /** Whether no key is unlocked until the ledger is replayed. */
  readonly isRestored: boolean;

  /** The last entry of the ledger in this database, 0 for none. */
  readonly lastSeq: number;

  /** The last one that stands in a ledger which was exported. */
  readonly exportedSeq: number;

  /** How old the oldest backup gets, in days. */
  readonly backupAgeDays: number;
}

/** A ledger that was exported. */
export interface ShreddingLedger {
  readonly cellId: string;

  /** As the database wrote them, which is who reads them. */
  readonly entries: readonly unknown[];

  /** The digest of the last of them. */
  readonly digest: string;

  /** By which the cell knows that it was the last when they were exported. */
  readonly endDigest: string;
}

const FORMAT = "safetypin-shredding-ledger/1";
const PAGE = 1_000;

/** How many entries are shredded again in one transaction. */
const REPLAY_BATCH = 25;

/** What was shredded, oldest first. */
export async function listShreddings(client: ClientBase): Promise<Shredding[]> {
  const shreddings: Shredding[] = [];
  for (;;) {
    const { rows } = await client.query<Omit<Shredding, "seq"> & { readonly seq: string }>(
      `select seq, user_id as "userId", organization_id as "organizationId", acting_user_id as "actingUserId",
         login_name as "loginName", shred_time as "shredTime", effective_time as "effectiveTime",
         is_effective as "isEffective", replay_time as "replayTime"
       from list_shreddings($1, $2)`,
      [shreddings.at(-1)?.seq ?? 0, PAGE],
    );
    shreddings.push(...rows.map((row) => ({ ...row, seq: Number(row.seq) })));
    if (rows.length < PAGE) return shreddings;
  }
}

/** Whether the database waits for its ledger, and where that ends. */
export async function readRestoreState(client: ClientBase): Promise<RestoreState> {
  const { rows } = await client.query<Record<"lastSeq" | "exportedSeq", string> & Omit<RestoreState, "lastSeq" | "exportedSeq">>(
    `select cell_settings.id as "cellId", is_restored as "isRestored", last_seq as "lastSeq", exported_seq as "exportedSeq",
       (extract(epoch from state.oldest_backup_age) / 86400)::double precision as "backupAgeDays"
     from read_restore_state() as state cross join cell_settings`,
  );
  const [state] = rows;
  return { ...state!, lastSeq: Number(state!.lastSeq), exportedSeq: Number(state!.exportedSeq) };
}

/**
 * Writes the ledger to a file, a line an entry, and answers how many there are. The file
 * appears with all of them or not at all, and they count as exported once it is there. A
 * ledger that is there already is replaced by one that goes on from it, and by no other: a
 * database that came out of a backup, or is another, takes nothing away from it.
 *
 * @throws {@link ConfigurationError} where it cannot be written, or what is there is not the
 * beginning of it; what the database says, SP527, where it was restored.
 */
export async function exportLedger(client: ClientBase, path: string): Promise<number> {
  try {
    // Where a link stands for it, it is where that leads.
    const target = await resolveLinks(path);
    // A name of its own: what a run that was killed has left is in nobody's way.
    const beside = `${target}.${randomBytes(4).toString("hex")}.part`;
    return await inTransaction(client, async () => {
      // Whoever exports at this moment is waited for here, and has then replaced what is there.
      const ledger = await readEntries(client);
      await requireBeginning(target, ledger);
      const file = await open(beside, "wx", 0o600);
      try {
        await file.writeFile(textOf(ledger));
        await file.sync();
        await rename(beside, target);
        await syncFolderOf(target);
        return ledger.entries.length;
      } catch (error) {
        await unlink(beside).catch(() => undefined);
        throw error;
      } finally {
        await file.close();
      }
    });
  } catch (error) {
    if (!isOfFiles(error)) throw error;
    throw new ConfigurationError(`The ledger cannot be written to ${path}: ${error.code}`, {
      remedy: "Name a file in a folder that there is, and that you may write to",
      cause: error,
    });
  }
}

/** The file itself. A link that leads nowhere is no place for it: a folder may be missing that is mounted elsewhere. */
async function resolveLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const isThere = await lstat(path).then(() => true, () => false);
    if (isThere || !isOfFiles(error) || error.code !== "ENOENT") throw error;
    return path;
  }
}

/** All of it, in a transaction in which nobody adds to it. */
async function readEntries(client: ClientBase): Promise<ShreddingLedger> {
  const { cellId } = await readRestoreState(client);
  const entries: unknown[] = [];
  for (let isRead = false; !isRead; ) {
    const { rows } = await client.query<{ entry: unknown }>("select entry from export_shreddings($1, $2)", [entries.length, PAGE]);
    for (const { entry } of rows) entries.push(entry);
    isRead = rows.length < PAGE;
  }
  const { rows } = await client.query<Pick<ShreddingLedger, "digest" | "endDigest">>(
    `select '\\x' || encode(digest, 'hex') as digest, '\\x' || encode(end_digest, 'hex') as "endDigest" from read_ledger_end()`,
  );
  return { cellId, entries, ...rows[0]! };
}

function textOf({ cellId, entries, digest, endDigest }: ShreddingLedger): string {
  const lines = [{ format: FORMAT, cellId }, ...entries, { entries: entries.length, digest, endDigest }];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** What is there may be nothing but the beginning of what takes its place. */
async function requireBeginning(path: string, ledger: ShreddingLedger): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    if (isOfFiles(error) && error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isFile()) {
    throw new ConfigurationError(`The ledger cannot be written to ${path}: it is there, and no file`, {
      remedy: "Name a file that there is, or that is to be made",
    });
  }

  const kept = await readLedger(path).catch((error: unknown) => {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new ConfigurationError(`${error.message}. It is not replaced`, {
      remedy: "Name another file, and keep this one until you know what it is",
      cause: error,
    });
  });
  if (kept.cellId !== ledger.cellId) {
    throw new ConfigurationError(`The ledger ${path} is of cell ${kept.cellId}, not of ${ledger.cellId}. It is not replaced`, {
      remedy: "Name a file of its own for each cell",
    });
  }
  const place = kept.entries.findIndex((entry, at) => digestOf(entry) !== digestOf(ledger.entries[at]));
  if (place === -1) return;
  throw new ConfigurationError(
    place < ledger.entries.length
      ? `The ledger ${path} and this database tell two stories from entry ${String(place + 1)} on. It is not replaced`
      : `The ledger ${path} has ${String(kept.entries.length)} entries, and this database ${String(place)}. It is not replaced`,
    {
      remedy:
        "Keep it. If this database came out of a backup: safetypin keys restored, then safetypin keys replay FILE. If it is to have a ledger of its own: name another file",
    },
  );
}

function digestOf(entry: unknown): unknown {
  return (entry as { readonly digest?: unknown } | undefined)?.digest;
}

/**
 * Reads a ledger that was exported. Whether its entries are genuine only the cell knows.
 *
 * @throws {@link ConfigurationError} where the file is none, or was cut off.
 */
export async function readLedger(path: string): Promise<ShreddingLedger> {
  const lines: Record<string, unknown>[] = [];
  try {
    for await (const line of createInterface({ input: createReadStream(path, "utf8"), crlfDelay: Infinity })) {
      if (line !== "") lines.push(parseLine(line, path, lines.length + 1));
    }
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ConfigurationError(`The ledger ${path} cannot be read: ${code ?? message}`, {
      remedy: 'Name a file that "safetypin keys ledger --export" wrote, and that you may read',
      cause: error,
    });
  }

  const [head, ...entries] = lines;
  const tail = entries.pop();
  if (head?.["format"] !== FORMAT || typeof head["cellId"] !== "string") {
    throw new ConfigurationError(`${path} is no ledger of this release`, {
      remedy: 'Name a file that "safetypin keys ledger --export" wrote',
    });
  }
  const { digest, endDigest } = tail ?? {};
  if (tail?.["entries"] !== entries.length || typeof digest !== "string" || typeof endDigest !== "string") {
    throw new ConfigurationError(`The ledger ${path} was cut off or added to: its last line does not count the others`, {
      remedy: 'Take the file as "safetypin keys ledger --export" wrote it',
    });
  }
  return { cellId: head["cellId"], entries, digest, endDigest };
}

/**
 * Has the cell look at every entry, and change nothing.
 *
 * @throws what the cell says: SP428 where an entry was changed, is missing or is another cell's, also the last.
 */
export async function verifyLedger(client: ClientBase, { cellId, entries, digest, endDigest }: ShreddingLedger): Promise<void> {
  let last = "\\x";
  // Also where there is none: whose ledger it is matters all the same.
  for (let at = 0; at < Math.max(entries.length, 1); at += PAGE) {
    const { rows } = await client.query<{ digest: string }>(
      "select '\\x' || encode(verify_shreddings($1, $2, $3::text::bytea), 'hex') as digest",
      [cellId, JSON.stringify(entries.slice(at, at + PAGE)), last],
    );
    last = rows[0]!.digest;
  }
  if (last !== digest) {
    throw new ConfigurationError("The ledger's last line is not about its last entry", {
      remedy: 'Take the file as "safetypin keys ledger --export" wrote it',
    });
  }
  await client.query("select verify_ledger_end($1, $2, $3::text::bytea, $4::text::bytea)", [cellId, entries.length, digest, endDigest]);
}

/**
 * Shreds again what the ledger says and this database does not know, a few entries a
 * transaction, and lets keys be unlocked. Answers how many that was.
 *
 * @param onProgress - told after each transaction how many entries are behind it
 */
export async function replayLedger(
  client: ClientBase,
  { cellId, entries, digest, endDigest }: ShreddingLedger,
  onProgress: (done: number) => void,
): Promise<number> {
  let shredded = 0;
  for (let at = 0; at < entries.length; at += REPLAY_BATCH) {
    const batch = entries.slice(at, at + REPLAY_BATCH);
    const { rows } = await client.query<{ count: number }>("select replay_shreddings($1, $2) as count", [
      cellId,
      JSON.stringify(batch),
    ]);
    shredded += rows[0]!.count;
    onProgress(at + batch.length);
  }
  await client.query("select finish_replay($1, $2, $3::text::bytea, $4::text::bytea)", [cellId, entries.length, digest, endDigest]);
  return shredded;
}

function parseLine(line: string, path: string, number: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new ConfigurationError(`Line ${String(number)} of ${path} is no entry of a ledger`, {
    remedy: 'Take the file as "safetypin keys ledger --export" wrote it',
  });
}
