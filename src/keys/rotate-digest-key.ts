import type { ClientBase } from "pg";

import { awaitWriters, type Patience } from "./await-writers.js";
import { inTransaction } from "./in-transaction.js";
import type { NewKeyOptions } from "./new-key.js";
import { unlockForRotation } from "./reencrypt.js";
import { createThrottle } from "./throttle.js";

/** The key that makes digests of addresses, and the one before while it drains. */
export interface DigestKeyStatus {
  readonly keyId: string;
  readonly creationTime: Date;

  /** `null` when nothing is counted under another any more, and maintenance has deleted it. */
  readonly earlierKeyId: string | null;
  readonly earlierRetiredTime: Date | null;

  /** How many people's failures are counted under the one before: these are moved. */
  readonly peopleCount: number;

  /** How many of addresses nobody has, and of network addresses: these are forgotten in time. */
  readonly otherCount: number;

  /** When the last of those is forgotten, and the key may go; `null` when there is none before. */
  readonly drainedTime: Date | null;
}

/** What a rotation does, in order. */
export type DigestRotationStep = "replace" | "move" | "sweep";

/** What a rotation would do. */
export interface DigestRotationPlan extends DigestKeyStatus {
  /** Whether it goes on with one that was begun. */
  readonly isResumed: boolean;
  readonly steps: readonly DigestRotationStep[];
}

/** What a rotation did, and what is left of the key before. */
export interface DigestRotation extends DigestRotationPlan {
  readonly moved: number;
}

/** How fast, and what is told of it. */
export interface DigestRotationOptions extends Omit<NewKeyOptions, "organizationId">, Patience {
  /** How many rows are one transaction. @defaultValue 500 */
  readonly batchSize?: number | undefined;

  /** How many rows a second at most. @defaultValue as many as there can be */
  readonly rowsPerSecond?: number | undefined;
  readonly onStep?: ((step: DigestRotationStep) => void) | undefined;

  /** Told after each batch, once it is committed. */
  readonly onBatch?: ((rows: number) => void) | undefined;
}

/** The digest key, as the operator sees it. */
export async function readDigestKey(client: ClientBase): Promise<DigestKeyStatus> {
  const { rows } = await client.query<DigestKeyStatus>(
    `select key_id as "keyId", creation_time as "creationTime", earlier_key_id as "earlierKeyId",
       earlier_retired_time as "earlierRetiredTime", people_count::integer as "peopleCount",
       other_count::integer as "otherCount", drained_time as "drainedTime"
     from read_digest_rotation()`,
  );
  return rows[0]!;
}

/** What {@link rotateDigestKey} would do: go on with what was begun, or begin. */
export async function planDigestRotation(client: ClientBase): Promise<DigestRotationPlan> {
  const status = await readDigestKey(client);
  const isResumed = status.earlierKeyId !== null;
  return { ...status, isResumed, steps: isResumed ? ["move", "sweep"] : ["replace", "move", "sweep"] };
}

/**
 * Gives the cell another key for digests of addresses. Failures are found under either and
 * add up; those of people are moved, a batch a transaction; the others are forgotten within
 * 30 days, and then maintenance, or another run, deletes the key before. Until then a run
 * begins nothing new.
 *
 * Connect as the operator, outside a transaction.
 *
 * @throws {@link KeyProviderError}; the database's error while sign-ins that began earlier
 * are not over in time.
 */
export async function rotateDigestKey(client: ClientBase, options: DigestRotationOptions): Promise<DigestRotation> {
  const { batchSize = 500, onStep, onBatch } = options;
  const throttle = createThrottle(options.rowsPerSecond);
  const plan = await planDigestRotation(client);

  if (plan.steps.includes("replace")) {
    onStep?.("replace");
    await awaitWriters(() => client.query("select rotate_digest_key()"), options);
  }

  onStep?.("move");
  let moved = 0;
  for (;;) {
    const rows = await inTransaction(client, async () => {
      await unlockForRotation(client, { ...options, organizationId: null });
      const answer = await client.query<{ moved: number }>("select move_sign_in_throttles($1) as moved", [batchSize]);
      return answer.rows[0]!.moved;
    });
    if (rows === 0) break;
    moved += rows;
    onBatch?.(rows);
    await throttle(rows);
  }

  onStep?.("sweep");
  await client.query("select sweep_context_keys()");
  return { ...plan, ...(await readDigestKey(client)), moved };
}
