import { Command, Option } from "commander";

import { ConfigurationError } from "../errors.js";
import { ownerOf } from "../keys/administered-keys.js";
import {
  planDigestRotation,
  rotateDigestKey,
  type DigestRotationPlan,
  type DigestRotationStep,
} from "../keys/rotate-digest-key.js";
import { planKeyRotation, rotateKey, type KeyRotationPlan, type KeyRotationStep } from "../keys/rotate-key.js";
import { EXIT } from "./exit-codes.js";
import { listTerms } from "./help.js";
import {
  keysOption,
  organizationOption,
  takeTurnAtKeys,
  tellWaiting,
  waitOption,
  withKeysConnection,
  withProvider,
  type KeysOptions,
  type TurnOptions,
} from "./keys-connection.js";
import { argument, cellOption, jsonOption } from "./options.js";
import type { Output } from "./output.js";
import { action } from "./run.js";

interface Options extends KeysOptions, TurnOptions {
  readonly organization?: string;
  readonly digest?: true;
  readonly batch: number;
  readonly rowsPerSecond?: number;
  readonly dryRun?: true;
}

const STEPS: Readonly<Record<KeyRotationStep, string>> = {
  add: "a new key is added, pending",
  renew: "or the pending one is made anew, where its share does not open",
  activate: "once every client lists it, it seals; the one before only opens",
  reencrypt: "what older keys seal is sealed anew, batch by batch",
  index: "blind indexes are made under it, take over, and the older ones go",
  retire: "older keys that nothing needs are retired",
};

const DIGEST_STEPS: Readonly<Record<DigestRotationStep, string>> = {
  replace: "another key digests addresses; what the one before counted goes on counting",
  move: "people's failures are moved to it, batch by batch",
  sweep: "the key before goes once nothing is under it: within 30 days, by maintain",
};

/** `safetypin keys rotate`. */
export function keysRotateCommand(): Command {
  return new Command("rotate")
    .summary("another key, and everything sealed anew under it")
    .description(
      "Gives the cell, or an organization, another key and seals everything anew under it,\n" +
        "while applications work. Whoever is interrupted runs it again: it goes on where the\n" +
        "database says it was, and begins nothing new.",
    )
    .addOption(cellOption())
    .addOption(waitOption())
    .addOption(organizationOption())
    .addOption(
      new Option("--digest", "the key that digests addresses for throttles, not one that seals").conflicts("organization"),
    )
    .addOption(keysOption())
    .addOption(new Option("--batch <rows>", "how many rows are one transaction").argParser(rowsUpTo(10_000)).default(500))
    .addOption(new Option("--rows-per-second <rows>", "how many at most").argParser(rowsUpTo(1_000_000)))
    .option("--dry-run", "say what would be done, and do nothing")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
What it does, in order:
${listTerms(STEPS)}

With --digest:
${listTerms(DIGEST_STEPS)}

Examples:
  $ export DATABASE_URL=postgres://safetypin_operator_login@db.internal/clinic
  $ safetypin keys rotate --dry-run
  $ safetypin keys rotate --rows-per-second 2000
  $ safetypin keys rotate --organization 0199a0c4-0000-7000-8000-00000000000a
  $ safetypin keys rotate --digest
`,
    )
    .action(action<Options>((options, output) => (options.digest === true ? runDigest : run)(options, output)));
}

async function run({ cell, wait, organization, keys, batch, rowsPerSecond, dryRun }: Options, output: Output) {
  const organizationId = organization ?? null;
  return withKeysConnection(cell, async ({ client, cellId, environment }) => {
    await takeTurnAtKeys(client, { cell, wait }, output);
    return withProvider(keys, environment, async (provider) => {
      if (dryRun === true) {
        const plan = await planKeyRotation(client, { provider, cellId, organizationId });
        tellPlan(plan, organizationId, output);
        output.result({ cell, ...describe(plan, organizationId), rotated: false });
        return exitOf(plan);
      }

      let progress = output.progress(0);
      try {
        const done = await rotateKey(client, {
          provider,
          cellId,
          organizationId,
          batchSize: batch,
          rowsPerSecond,
          onPlan: ({ valueCount }) => {
            progress = output.progress(Math.max(1, valueCount));
          },
          onStep: (step, keyId) => {
            if (!output.isJson) output.note(`${step}  key ${String(keyId)}: ${STEPS[step]}`);
          },
          onBatch: (what, rows) => progress.advance(rows, `${what}: ${String(rows)} rows`),
          onIndexBatch: (what, rows) => progress.advance(0, `${what}: ${String(rows)} rows`),
          onPhase: (version, phase) => {
            if (!output.isJson) output.note(`index  version ${String(version)}: ${phase}`);
          },
          onWait: tellWaiting(output),
        });
        progress.end();
        output.line(
          `${output.say("good", "rotated")}  key ${String(done.keyId)} of ${output.say("strong", ownerOf(organizationId))} seals; ` +
            `${String(done.reencrypted)} values sealed anew; retired: ${done.retired.join(", ") || "none"}`,
        );
        tellKept(done, organizationId, output);
        output.result({
          cell,
          ...describe(done, organizationId),
          reencrypted: done.reencrypted,
          retired: done.retired,
          rotated: true,
        });
        return exitOf(done);
      } finally {
        progress.end();
      }
    });
  });
}

async function runDigest({ cell, wait, keys, batch, rowsPerSecond, dryRun }: Options, output: Output) {
  return withKeysConnection(cell, async ({ client, cellId, environment }) => {
    await takeTurnAtKeys(client, { cell, wait }, output);
    if (dryRun === true) {
      const plan = await planDigestRotation(client);
      output.line(
        `${output.say("careful", plan.isResumed ? "would go on" : "would rotate")}  the digest key of the cell: ` +
          `${String(plan.peopleCount)} counts of people to move`,
      );
      for (const step of plan.steps) output.line(`  ${step.padEnd(11)}${DIGEST_STEPS[step]}`);
      output.result({ cell, ...describeDigest(plan), rotated: false });
      return EXIT.done;
    }

    const done = await withProvider(keys, environment, (provider) =>
      rotateDigestKey(client, {
        provider,
        cellId,
        batchSize: batch,
        rowsPerSecond,
        onStep: (step) => {
          if (!output.isJson) output.note(`${step}  ${DIGEST_STEPS[step]}`);
        },
        onBatch: (rows) => {
          if (!output.isJson) output.note(`move  ${String(rows)} rows`);
        },
        onWait: tellWaiting(output, "sign-ins"),
      }),
    );
    output.line(
      `${output.say("good", "rotated")}  another key of ${output.say("strong", "the cell")} digests addresses; ` +
        `${String(done.moved)} counts of people moved`,
    );
    if (done.earlierKeyId !== null) {
      output.line(
        `${output.say("careful", "kept")}  the key before: ${String(done.otherCount)} counts are under it, ` +
          `and maintain deletes it after ${done.drainedTime?.toISOString() ?? "two days"}`,
      );
    }
    output.result({ cell, ...describeDigest(done), moved: done.moved, rotated: true });
    return EXIT.done;
  });
}

function describeDigest({ isResumed, peopleCount, otherCount, ...plan }: DigestRotationPlan) {
  return {
    keyId: plan.keyId,
    resumed: isResumed,
    steps: plan.steps,
    earlierKeyId: plan.earlierKeyId,
    people: peopleCount,
    others: otherCount,
    drainedTime: plan.drainedTime,
  };
}

function tellPlan(plan: KeyRotationPlan, organizationId: string | null, output: Output): void {
  output.line(
    `${output.say("careful", plan.isResumed ? "would go on" : "would rotate")}  to key ${String(plan.keyId)} of ${ownerOf(organizationId)}: ` +
      `${String(plan.valueCount)} values to seal anew`,
  );
  for (const step of plan.steps) output.line(`  ${step.padEnd(11)}${STEPS[step]}`);
  tellKept(plan, organizationId, output);
}

const exitOf = ({ closed }: KeyRotationPlan) => (closed.length === 0 ? EXIT.done : EXIT.left);

function tellKept({ kept, closed }: KeyRotationPlan, organizationId: string | null, output: Output): void {
  for (const { field, keyId, count } of kept) {
    output.line(
      `${output.say("careful", "kept")}  ${String(count)} values of ${field.name} under key ${String(keyId)}: evidence is not touched`,
    );
  }
  for (const { keyId, failure } of closed) {
    output.line(
      `${output.say("bad", "left")}  key ${String(keyId)} of ${ownerOf(organizationId)} does not open, and nobody reads what is under it: ${failure.message}`,
    );
    if ("remedy" in failure && typeof failure.remedy === "string") output.note(`→ ${failure.remedy}`);
  }
}

function describe(plan: KeyRotationPlan, organizationId: string | null) {
  return {
    organizationId,
    keyId: plan.keyId,
    resumed: plan.isResumed,
    steps: plan.steps,
    values: plan.valueCount,
    kept: plan.kept.map(({ field, keyId, count, isEvidence }) => ({ field: field.name, keyId, count, evidence: isEvidence })),
    closed: plan.closed.map(({ keyId, failure }) => ({ keyId, failure: failure.message })),
  };
}

function rowsUpTo(most: number): (text: string) => number {
  return argument((text) => {
    const rows = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (rows >= 1 && rows <= most) return rows;
    throw new ConfigurationError(`"${text}" is no number of rows`, { remedy: `Write one from 1 to ${String(most)}` });
  });
}
