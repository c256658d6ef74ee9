import { copyOf } from "./share.js";

/** One request for a share, for all who want the same at the same time. */
export interface SharedRequest {
  /**
   * Waits for it, and copies what it brings.
   *
   * @throws what the request failed with, or the signal's reason: others go on waiting.
   */
  join(signal: AbortSignal | undefined): Promise<Buffer>;
}

/** Starts the request. What it brought is overwritten once all who wait have their copies. */
export function shareRequest(request: () => Promise<Buffer>): SharedRequest {
  let waiting = 0;
  const overwrite = (share: Buffer): void => {
    if (waiting === 0) share.fill(0);
  };
  // Later, so that whoever starts it waits for it before it is over.
  const brought = Promise.resolve().then(request);
  brought.then(overwrite, () => undefined); // its failure is told to those who wait

  return {
    async join(signal) {
      waiting += 1;
      try {
        return copyOf(await orAborted(brought, signal));
      } finally {
        waiting -= 1;
        brought.then(overwrite, () => undefined);
      }
    },
  };
}

async function orAborted(brought: Promise<Buffer>, signal: AbortSignal | undefined): Promise<Buffer> {
  if (signal === undefined) return brought;
  let giveUp: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(signal.reason as Error);
    signal.addEventListener("abort", giveUp, { once: true });
  });
  return Promise.race([brought, aborted]).finally(() => signal.removeEventListener("abort", giveUp));
}
