import { availableParallelism } from "node:os";
import { ConfigurationError, SafetyPinError } from "./errors.js";

/** Too many passwords wait to be hashed. Nothing was checked: worth a 503, and another try. */
export class AuthenticationBusyError extends SafetyPinError {
  override readonly name = "AuthenticationBusyError";

  constructor() {
    super("too many passwords are being checked at this moment: try again in a few seconds");
  }
}

/** The one door to bcrypt: so many digests at a time, so many waiting, and no more. */
export interface BcryptQueue {
  /**
   * Runs the work when its turn has come, first come, first served.
   *
   * @throws AuthenticationBusyError at once, when as many as allowed are waiting already.
   */
  run<Result>(work: () => Promise<Result>): Promise<Result>;

  /**
   * Asks whether there is room, before something is done that would be in vain without.
   *
   * @throws AuthenticationBusyError when as many as allowed are waiting already.
   */
  requireRoom(): void;

  /** How many digests are being computed. */
  readonly running: number;

  /** How many wait for their turn. */
  readonly waiting: number;
}

/** The bounds of a queue. */
export interface BcryptQueueOptions {
  /**
   * Digests computed at the same time.
   *
   * @defaultValue one per core, but one thread fewer than libuv's pool has (four,
   * or `UV_THREADPOOL_SIZE`): bcrypt, files and name look-ups share that pool.
   */
  readonly concurrency?: number;

  /**
   * Digests that may wait. At a cost of 12 one takes about a quarter of a
   * second, so the last of the default's queue waits about eight.
   *
   * @defaultValue 32 for each that runs
   */
  readonly maximumWaiting?: number;
}

/**
 * Makes a queue of its own; the whole process shares {@link bcryptQueue}.
 *
 * Without a bound, a flood of sign-ins would pile up until the oldest answers
 * come too late for anybody, and memory goes with them. Refusing at once is an
 * answer the caller can act on.
 *
 * @throws ConfigurationError when a bound is not a whole number, or no digest may run.
 */
export function createBcryptQueue(options: BcryptQueueOptions = {}): BcryptQueue {
  const concurrency = options.concurrency ?? defaultConcurrency();
  const maximumWaiting = options.maximumWaiting ?? 32 * concurrency;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new ConfigurationError("the bcrypt queue's concurrency must be a whole number from 1");
  }
  if (!Number.isInteger(maximumWaiting) || maximumWaiting < 0) {
    throw new ConfigurationError("the bcrypt queue's maximumWaiting must be a whole number from 0");
  }

  const turns: (() => void)[] = [];
  let running = 0;
  const hasRoom = () => running < concurrency || turns.length < maximumWaiting;

  return {
    requireRoom() {
      if (!hasRoom()) throw new AuthenticationBusyError();
    },
    async run(work) {
      if (running < concurrency) {
        running += 1;
      } else if (turns.length < maximumWaiting) {
        // Whoever finishes hands its place over, so `running` stays as it is.
        await new Promise<void>((turn) => turns.push(turn));
      } else {
        throw new AuthenticationBusyError();
      }

      try {
        return await work();
      } finally {
        const next = turns.shift();
        if (next) next();
        else running -= 1;
      }
    },
    get running() {
      return running;
    },
    get waiting() {
      return turns.length;
    },
  };
}

/** The queue that everything in this process shares, as it shares the cores. */
export const bcryptQueue: BcryptQueue = createBcryptQueue();

function defaultConcurrency(): number {
  const threads = Number(process.env["UV_THREADPOOL_SIZE"]) || 4;
  return Math.max(1, Math.min(availableParallelism(), threads - 1));
}
