import { Command } from "commander";

import { readKeyStatus, type KeyStatus } from "../keys/key-status.js";
import { readDigestKey, type DigestKeyStatus } from "../keys/rotate-digest-key.js";
import { listShreddings, readRestoreState, type RestoreState, type Shredding } from "../keys/shredding-ledger.js";
import { EXIT } from "./exit-codes.js";
import { withKeysConnection } from "./keys-connection.js";
import { cellOption, jsonOption, type CellOptions } from "./options.js";
import type { Output, Tone } from "./output.js";
import { action } from "./run.js";

const DAY_MS = 86_400_000;

const TONES: Readonly<Record<KeyStatus["state"], Tone>> = {
  pending: "careful",
  active: "good",
  decrypt_only: "careful",
  retired: "quiet",
  destroyed: "quiet",
};

/** `safetypin keys status`. */
export function keysStatusCommand(): Command {
  return new Command("status")
    .summary("which keys there are, and what is under each")
    .description(
      "Every key of the cell and of its organizations: its state and age, how many values are\n" +
        "under it, and which blind indexes are made under it. Reads every sealed table.",
    )
    .addOption(cellOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ export DATABASE_URL=postgres://safetypin_operator_login@db.internal/clinic
  $ safetypin keys status
  $ safetypin keys status --json | jq '.keys[] | select(.state == "decrypt_only")'
`,
    )
    .action(
      action<CellOptions>(async ({ cell }, output) =>
        withKeysConnection(cell, async ({ client }) => {
          const keys = await readKeyStatus(client);
          const { rows } = await client.query<{ now: Date }>("select clock_timestamp() as now");
          const restore = await readRestoreState(client);
          const pending = (await listShreddings(client)).filter(({ isEffective }) => !isEffective);
          const digest = await readDigestKey(client);
          tell(keys, rows[0]!.now, output);
          tellDigest(digest, rows[0]!.now, output);
          tellShredding(restore, pending, output);
          output.result({
            cell,
            restored: restore.isRestored,
            shreddings: { total: restore.lastSeq, exported: restore.exportedSeq, inBackups: pending.length, backupAgeDays: restore.backupAgeDays },
            keys: keys.map(describe),
            digest,
          });
          return EXIT.done;
        }),
      ),
    );
}

function tell(keys: readonly KeyStatus[], now: Date, output: Output): void {
  if (keys.length === 0) output.line("There is no key. Make the first: safetypin keys init");
  output.table(
    ["of", "key", "state", "age", "values", "indexes", "wrapped by"],
    keys.map((key) => [
      key.organizationId ?? "the cell",
      String(key.keyId),
      output.say(TONES[key.state], key.state),
      daysBetween(key.creationTime, now),
      String(key.values.reduce((total, { count }) => total + count, 0)),
      key.indexes.map(({ version, phase }) => `${String(version)} ${phase}`).join(", "),
      key.state === "destroyed" ? "" : key.keyName,
    ]),
  );
}

function tellShredding({ isRestored, lastSeq, exportedSeq }: RestoreState, pending: readonly Shredding[], output: Output): void {
  if (isRestored) {
    output.line(`${output.say("bad", "restored")}  this database came out of a backup: no key is unlocked before safetypin keys replay FILE`);
  }
  if (lastSeq > exportedSeq) {
    output.line(`${output.say("bad", "not exported")}  ${String(lastSeq - exportedSeq)} shreddings, which a restored backup would undo: safetypin keys ledger --export FILE`);
  }
  const last = pending.reduce((latest, { effectiveTime }) => Math.max(latest, effectiveTime.getTime()), 0);
  if (pending.length > 0) {
    output.line(
      `${output.say("careful", "shredded")}  ${String(pending.length)} that backups may still have, the last until ${new Date(last).toISOString()}: safetypin keys ledger`,
    );
  }
}

function tellDigest({ creationTime, earlierKeyId, drainedTime, peopleCount, otherCount }: DigestKeyStatus, now: Date, output: Output): void {
  output.line();
  output.line(`The digest key of the cell, by which addresses are throttled, is ${daysBetween(creationTime, now)} old.`);
  if (earlierKeyId === null) return;
  output.line(
    peopleCount > 0
      ? `The one before has ${String(peopleCount)} counts of people: go on with safetypin keys rotate --digest`
      : `The one before has ${String(otherCount)} counts of others, and goes after ${drainedTime?.toISOString() ?? "two days"}.`,
  );
}

function daysBetween(start: Date, end: Date): string {
  return `${String(Math.floor((end.getTime() - start.getTime()) / DAY_MS))} d`;
}

function describe(key: KeyStatus) {
  return {
    organizationId: key.organizationId,
    keyId: key.keyId,
    state: key.state,
    provider: key.provider,
    keyName: key.keyName,
    creationTime: key.creationTime,
    activationTime: key.activationTime,
    decryptOnlyTime: key.decryptOnlyTime,
    retirementTime: key.retirementTime,
    destructionTime: key.destructionTime,
    values: key.values.map(({ field, count, isEvidence }) => ({ field: field.name, count, evidence: isEvidence })),
    indexes: key.indexes.map(({ version, phase, phaseTime }) => ({ version, phase, phaseTime })),
  };
}
