import { setTimeout as pause } from "node:timers/promises";

/** What a service of a test does wrong, on purpose. */
export interface Fault<Answer> {
  /** Which operation; all of them when it is not said. */
  readonly operation?: string | undefined;

  /** How often. @defaultValue until it is healed */
  readonly times?: number | undefined;

  /** How long it keeps the caller waiting before anything else. */
  readonly delayMs?: number | undefined;

  /** What it answers in place of the truth; nothing when it only waits. */
  readonly answer?: Answer | undefined;
}

/** The faults of one service. */
export interface Faults<Answer> {
  inject(fault: Fault<Answer>): void;

  /** Waits and answers as the first fault says that fits; `undefined` where there is none. */
  suffer(operation: string): Promise<Answer | undefined>;
  heal(): void;
}

/** A service that does nothing wrong yet. */
export function createFaults<Answer>(): Faults<Answer> {
  let faults: { fault: Fault<Answer>; left: number }[] = [];
  return {
    inject(fault) {
      faults.push({ fault, left: fault.times ?? Infinity });
    },
    async suffer(operation) {
      const found = faults.find(({ fault, left }) => left > 0 && (fault.operation ?? operation) === operation);
      if (found === undefined) return undefined;
      found.left -= 1;
      if (found.fault.delayMs !== undefined) await pause(found.fault.delayMs, undefined, { ref: false });
      return found.fault.answer;
    },
    heal() {
      faults = [];
    },
  };
}
