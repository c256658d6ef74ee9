import { setTimeout as delay } from "node:timers/promises";

import type { ClientBase } from "pg";

import { ConfigurationError } from "../errors.js";
import { isWhole, listKeysOf, ownerOf, requireNotShredded, type AdministeredKey, type KeyState } from "./administered-keys.js";
import { awaitHolders, awaitWriters, isStillNeeded, type Patience } from "./await-writers.js";
import { LISTED_FOR_MS } from "./cell-keys.js";
import { inTransaction } from "./in-transaction.js";
import { listIndexVersionsOf, type IndexPhase } from "./index-versions.js";
import { activateKey, addKey, renewKey, type NewKeyOptions } from "./new-key.js";
import { reencryptClientField } from "./reencrypt-client-field.js";
import { reencryptField, type BatchOptions } from "./reencrypt.js";
import { rotateBlindIndexes, sweepBlindIndexes } from "./rotate-blind-indexes.js";
import { countSealedValues, isSealedAnew, listSealedFields, type SealedCount, type CatalogField } from "./sealed-values.js";
import { createThrottle } from "./throttle.js";
import { tryKey } from "./try-key.js";

/** For how long a new key is pending: longer than a client believes a list without it. */
const PENDING_FOR_MS = LISTED_FOR_MS + 2_000;

/** A key that was added so long ago is listed by everybody, however long its own transaction took. */
const LISTED_LONG_AGO_MS = 60_000;

/** The states of keys that open, or soon will. */
const WORKING: ReadonlySet<KeyState> = new Set(["pending", "active", "decrypt_only"]);

/** What a rotation does, in order. */
export type KeyRotationStep = "add" | "renew" | "activate" | "reencrypt" | "index" | "retire";

/** What a rotation would do. */
export interface KeyRotationPlan {
  /** The key that will seal when it is over. */
  readonly keyId: number;

  /** Whether it goes on with one that was begun. */
  readonly isResumed: boolean;
  readonly steps: readonly KeyRotationStep[];

  /** How many values are to be sealed anew. */
  readonly valueCount: number;

  /** What stays under older keys: evidence. */
  readonly kept: readonly SealedCount[];

  /** Older keys that do not open: what is kept under them is read by nobody. */
  readonly closed: readonly ClosedKey[];
}

/** A key that does not open, and why. */
export interface ClosedKey {
  readonly keyId: number;
  readonly failure: Error;
}

/** What a rotation did. */
export interface KeyRotation extends KeyRotationPlan {
  /** How many values this run sealed anew. */
  readonly reencrypted: number;
  readonly retired: readonly number[];
}

/** Whose key rotates, how fast, and what is told of it. */
export interface KeyRotationOptions extends NewKeyOptions, Patience, Pick<BatchOptions, "onBatch"> {
  /** How many rows are one transaction. @defaultValue 500 */
  readonly batchSize?: number | undefined;

  /** How many rows a second at most. @defaultValue as many as there can be */
  readonly rowsPerSecond?: number | undefined;

  /** Told of what was found to do, before anything is done. */
  readonly onPlan?: ((plan: KeyRotationPlan) => void) | undefined;
  readonly onStep?: ((step: KeyRotationStep, keyId: number) => void) | undefined;

  /** As `onBatch`, of rows of blind indexes. */
  readonly onIndexBatch?: BatchOptions["onBatch"];
  readonly onPhase?: ((version: number, phase: IndexPhase) => void) | undefined;
}

/**
 * What {@link rotateKey} would do: go on with what was begun, or begin. Outside a
 * transaction: it has every key that is needed opened, so that nothing is begun that would
 * end in the midst of it.
 *
 * @throws {@link ConfigurationError} when there is no key yet, when one that is needed does
 * not open, or when the provider wraps by another master key than the cell's are wrapped by;
 * {@link KeyProviderError}
 */
export async function planKeyRotation(client: ClientBase, options: NewKeyOptions): Promise<KeyRotationPlan> {
  const { organizationId } = options;
  const keys = await listKeysOf(client, organizationId);
  requireNotShredded(keys);
  const active = keys.find(({ state }) => state === "active");
  const pending = keys.findLast(({ state }) => state === "pending");
  if (active === undefined && pending === undefined) {
    throw new ConfigurationError(
      `${ownerOf(organizationId)} has no key yet`,
      { remedy: `Make the first: safetypin keys init${organizationId === null ? "" : ` --organization ${organizationId}`}` },
    );
  }

  const closed: ClosedKey[] = [];
  for (const key of keys.filter(({ state }) => WORKING.has(state)).filter(isWhole)) {
    const failure = await tryKey(client, key, options);
    if (failure !== undefined) closed.push({ keyId: key.keyId, failure });
  }
  const failureOf = (key: AdministeredKey | undefined) => closed.find(({ keyId }) => keyId === key?.keyId)?.failure;
  if (active !== undefined) requireOpen(active, failureOf(active));
  const isRenewed = failureOf(pending) !== undefined;

  const fields = await fieldsOf(client, organizationId);
  const counts = (await countSealedValues(client, fields)).filter((count) => count.organizationId === organizationId);
  const versions = await listIndexVersionsOf(client, organizationId);

  const older = keys.filter(({ state }) => state === "decrypt_only").map(({ keyId }) => keyId);
  const left = counts.filter(({ keyId }) => older.includes(keyId));
  const isIndexed = versions.every(({ phase, keyId }) => phase === "ended" || (phase === "steady" && keyId === active?.keyId));
  const isBegun =
    pending !== undefined ||
    left.some(isSealedAnew) ||
    !isIndexed ||
    older.some((keyId) => left.every((count) => count.keyId !== keyId));

  const keyId = pending?.keyId ?? (isBegun ? active!.keyId : keys.at(-1)!.keyId + 1);
  const isNew = keyId !== active?.keyId;
  const steps: KeyRotationStep[] = ["reencrypt", "index", "retire"];
  if (isNew) steps.unshift("activate");
  if (isRenewed) steps.unshift("renew");
  if (!isBegun) steps.unshift("add");

  for (const { keyId: number, failure } of closed.filter((one) => one.keyId !== pending?.keyId)) {
    const needs = left.find((count) => count.keyId === number && isSealedAnew(count))?.field.name;
    const isIndexing = versions.some((version) => version.keyId === number && version.phase !== "ended");
    if (needs === undefined && !isIndexing) continue;
    throw doesNotOpen({ organizationId, keyId: number }, failure, {
      why: needs === undefined ? "blind indexes are made under it" : `values of ${needs} are to be sealed anew from it`,
      remedy: "Take its share from a backup of this cell, then rotate: safetypin keys rewrap --copy (docs/disaster-recovery.md)",
    });
  }
  if (isNew) {
    for (const key of [active, isRenewed ? undefined : pending]) if (key !== undefined) await requireWrapper(key, options);
  }

  const stale = counts.filter((count) => count.keyId !== keyId);
  return {
    keyId,
    isResumed: isBegun,
    steps,
    valueCount: sum(stale.filter(isSealedAnew)),
    kept: stale.filter((count) => !isSealedAnew(count)),
    closed: closed.filter((one) => one.keyId !== pending?.keyId),
  };
}

/** Without the key that seals there is nothing to go on with, and nobody else has these keys. */
function requireOpen(active: AdministeredKey, failure: Error | undefined): void {
  if (failure === undefined) return;
  throw doesNotOpen(active, failure, {
    why: "it is the one that seals",
    remedy:
      "Name the master key that applications have: --keys, or SAFETYPIN_KEYS. To move to another one: safetypin keys rewrap, with the former behind ?also= (docs/keys.md). Where the share was altered: safetypin keys rewrap --copy",
  });
}

/** A key is wrapped by what applications have, and nobody is asked what that is but the key that they open. */
async function requireWrapper(
  { organizationId, keyId, provider: kind, keyName }: AdministeredKey,
  { provider }: NewKeyOptions,
): Promise<void> {
  const relation = kind === provider.name ? await provider.relationTo?.(keyName) : "opens";
  if (relation === undefined || relation === "wraps") return;
  throw new ConfigurationError(
    `Key ${keyId} of ${ownerOf(organizationId)} was wrapped by ${keyName}, and these keys wrap by another: a new one would open nowhere that does not have that, too`,
    {
      remedy:
        "Name the master key that applications have; or, where they have both by now, rewrap first: safetypin keys rewrap, then rotate (docs/keys.md)",
    },
  );
}

function doesNotOpen(
  { organizationId, keyId }: Pick<AdministeredKey, "organizationId" | "keyId">,
  failure: Error,
  { why, remedy }: { readonly why: string; readonly remedy: string },
): ConfigurationError {
  return new ConfigurationError(`Key ${keyId} of ${ownerOf(organizationId)} does not open, and ${why}: ${failure.message}`, {
    remedy,
    cause: failure,
  });
}

/**
 * Gives the cell, or an organization, another key: it is added, or made anew where one is
 * pending that does not open, listed by everybody,
 * activated, everything is sealed anew under it and found by indexes made under it, and
 * the one before is retired. Every step is in the database: whoever was ended anywhere
 * begins again and goes on.
 *
 * Connect as the operator, outside a transaction.
 *
 * @throws as {@link planKeyRotation}
 */
export async function rotateKey(client: ClientBase, options: KeyRotationOptions): Promise<KeyRotation> {
  const { organizationId, onStep } = options;
  const batches: BatchOptions & Patience = {
    ...options,
    batchSize: options.batchSize ?? 500,
    throttle: createThrottle(options.rowsPerSecond),
  };

  const indexBatches = { ...batches, onBatch: options.onIndexBatch };

  // The last that a run may have left behind.
  const wasUnswept = (await sweepBlindIndexes(client, indexBatches)) > 0;
  const plan = await planKeyRotation(client, options);
  if (wasUnswept && plan.steps.includes("add")) {
    const active = (await listKeysOf(client, organizationId)).find(({ state }) => state === "active")!;
    return { ...plan, keyId: active.keyId, isResumed: true, steps: [], valueCount: 0, reencrypted: 0, retired: [] };
  }

  options.onPlan?.(plan);
  const { keyId } = plan;
  const older = (await listKeysOf(client, organizationId)).filter(({ state }) => state === "active" || state === "decrypt_only")
    .filter((key) => key.keyId !== keyId);
  if (plan.steps.includes("add")) {
    onStep?.("add", keyId);
    await inTransaction(client, () => addKey(client, options));
  }
  if (plan.steps.includes("renew")) {
    onStep?.("renew", keyId);
    await inTransaction(client, () => renewKey(client, keyId, options));
  }
  if (plan.steps.includes("activate")) {
    onStep?.("activate", keyId);
    await activateOnceListed(client, keyId, options);
  }

  let reencrypted = 0;
  let isAgain = false;
  await awaitHolders(async () => {
    const begin = (step: KeyRotationStep) => {
      if (!isAgain) onStep?.(step, keyId);
    };
    begin("reencrypt");
    for (const field of await fieldsOf(client, organizationId)) {
      reencrypted +=
        field.algorithm === 2
          ? await reencryptClientField(client, field, batches)
          : await reencryptField(client, field, batches);
    }

    begin("index");
    await rotateBlindIndexes(client, { ...indexBatches, keyId, onPhase: options.onPhase });
    await sweepBlindIndexes(client, indexBatches);

    begin("retire");
    isAgain = true;
    const refusals: Error[] = [];
    for (const key of await listKeysOf(client, organizationId)) {
      if (key.state === "decrypt_only") refusals.push(...(await retireUnlessNeeded(client, key, options)));
    }
    // Somebody held a row, or wrote one while the key before still sealed.
    const [refusal] = refusals;
    if (refusal !== undefined && (await countUnderOlderKeys(client, organizationId)).some(isSealedAnew)) throw refusal;
  }, options);

  const before = new Set(older.map(({ keyId: number }) => number));
  const after = (await listKeysOf(client, organizationId)).filter(({ state }) => state === "decrypt_only");
  const kept = await countUnderOlderKeys(client, organizationId);
  for (const { keyId: number } of after) before.delete(number);
  const closed = plan.closed.filter((one) => after.some((key) => key.keyId === one.keyId));
  return { ...plan, kept, closed, reencrypted, retired: [...before] };
}

/** Everybody has to have the share before anything is sealed under it. */
async function activateOnceListed(client: ClientBase, keyId: number, options: KeyRotationOptions): Promise<void> {
  const find = async () => (await listKeysOf(client, options.organizationId)).find((one) => one.keyId === keyId);
  const { rows } = await client.query<{ now: Date }>("select clock_timestamp() as now");
  const addedAt = (await find())?.creationTime.getTime() ?? 0;
  if (rows[0]!.now.getTime() - addedAt < LISTED_LONG_AGO_MS) await delay(PENDING_FOR_MS);

  const key = await find();
  if (key === undefined || !isWhole(key)) throw new ConfigurationError(`Key ${keyId} is gone`);
  const wrapped = { provider: key.provider, keyName: key.keyName, bytes: key.bytes };
  await awaitWriters(() => inTransaction(client, () => activateKey(client, { keyId, wrapped }, options)), options);
}

/** Answers with why it is still needed, if it is. */
async function retireUnlessNeeded(client: ClientBase, { keyId }: AdministeredKey, options: KeyRotationOptions): Promise<Error[]> {
  try {
    await awaitWriters(() => client.query("select retire_key($1, $2)", [options.organizationId, keyId]), options);
    return [];
  } catch (error) {
    if (isStillNeeded(error)) return [error];
    throw error;
  }
}

async function fieldsOf(client: ClientBase, organizationId: string | null): Promise<CatalogField[]> {
  const scope = organizationId === null ? "cell" : "organization";
  return (await listSealedFields(client)).filter((field) => field.scope === scope);
}

async function countUnderOlderKeys(client: ClientBase, organizationId: string | null): Promise<SealedCount[]> {
  const keys = await listKeysOf(client, organizationId);
  const older = new Set(keys.filter(({ state }) => state === "decrypt_only").map(({ keyId }) => keyId));
  const counts = await countSealedValues(client, await fieldsOf(client, organizationId));
  return counts.filter((count) => count.organizationId === organizationId && older.has(count.keyId));
}

function sum(counts: readonly SealedCount[]): number {
  return counts.reduce((total, { count }) => total + count, 0);
}
