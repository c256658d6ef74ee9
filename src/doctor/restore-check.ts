import type { ClientBase } from "pg";

import { asKeyholder } from "./as-role.js";
import type { Subject } from "./catalog-check.js";
import type { Finding } from "./finding.js";

export const RESTORE = "restore";

/**
 * Whether the database came out of a backup, and nobody has said since that what was shredded
 * is shredded; and whether the next restore could be told what was. Reads as the keyholder, so
 * it needs a login that may become it; `undefined` for others.
 */
export async function checkRestore(client: ClientBase, { cell }: Pick<Subject, "cell">): Promise<Finding[] | undefined> {
  return asKeyholder(client, cell, async () => {
    const { rows } = await client.query<{ isRestored: boolean; unexported: string; timeline: number | null; since: string }>(
      `select
         is_restored as "isRestored",
         last_seq - exported_seq as unexported,
         timeline_id as timeline,
         to_char(creation_time at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') as since
       from read_restore_state(), cell_incarnations order by number desc limit 1`,
    );
    const [known] = rows;
    const finding = { check: RESTORE, object: `cell ${cell}` };
    if (known?.isRestored !== false) {
      return [
        {
          ...finding,
          severity: "critical",
          problem: "came out of a backup: what was shredded since is readable in it, and so no key is unlocked and nobody signs in",
          remedy: `safetypin keys replay FILE --cell ${cell}, with the ledger that was exported last (docs/shredding.md)`,
        },
      ];
    }
    const findings: Finding[] = [];
    if (Number(known.unexported) > 0) {
      findings.push({
        ...finding,
        severity: "warning",
        problem: `has shredded ${known.unexported} of which no exported ledger knows: a backup that is restored would undo it`,
        remedy: `safetypin keys ledger --export FILE --cell ${cell}, to where no backup is`,
      });
    }
    const timeline = await readTimeline(client);
    if (known.timeline !== null && timeline !== undefined && timeline !== known.timeline) {
      findings.push({
        ...finding,
        severity: "warning",
        problem: `is on timeline ${String(timeline)} of its server, and was on ${String(known.timeline)} on ${known.since}: after a failover or an upgrade, or because a copy was restored`,
        remedy: `If it was restored: safetypin keys restored --cell ${cell}, then safetypin keys replay FILE. If it was not: safetypin keys replay --not-needed --cell ${cell}`,
      });
    }
    return findings;
  });
}

/** The server's timeline; `undefined` where a cloud lets nobody ask. */
async function readTimeline(client: ClientBase): Promise<number | undefined> {
  await client.query("savepoint timeline");
  try {
    const { rows } = await client.query<{ timeline: number }>("select timeline_id as timeline from pg_control_checkpoint()");
    return rows[0]?.timeline;
  } catch {
    await client.query("rollback to savepoint timeline");
    return undefined;
  }
}
