/** How much a finding matters, the gravest first. */
export const SEVERITIES = ["critical", "warning", "info"] as const;

/**
 * How much a finding matters: `critical` means that somebody may see, change or
 * hide what is not theirs, or soon may; `warning` that a line of defence is down;
 * `info` is worth knowing.
 */
export type Severity = (typeof SEVERITIES)[number];

/** One thing that is not as it has to be. */
export interface Finding {
  /** The check that found it, by its stable name: `memberships`, `fences`, … */
  readonly check: string;

  readonly severity: Severity;

  /** What it is about: `role safetypin_app`, `table sessions`, `setting log_statement`, … */
  readonly object: string;

  /** What is wrong with it, as the end of a sentence that begins with the object. */
  readonly problem: string;

  /** The statement, or the command, that mends it. */
  readonly remedy: string;
}

/** The findings, the gravest first, in a stable order. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity }: Finding) => SEVERITIES.indexOf(severity);
  return [...findings].sort(
    (one, other) =>
      rank(one) - rank(other) ||
      one.check.localeCompare(other.check) ||
      one.object.localeCompare(other.object),
  );
}
