/** No answer came in time. */
export class DeadlinePassed extends Error {
  override readonly name = "DeadlinePassed";
}

/**
 * Does work that ends when its time is over or the caller has enough, whichever comes
 * first, also where the work itself does not listen to its signal.
 *
 * @throws {@link DeadlinePassed} after `timeoutMs`; the signal's reason once it is aborted.
 */
export async function withDeadline<Result>(
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort(new DeadlinePassed(`nothing within ${timeoutMs} ms`)), timeoutMs);
  const giveUp = () => ended.abort(signal?.reason);
  signal?.addEventListener("abort", giveUp, { once: true });

  const over = new Promise<never>((_, reject) => {
    ended.signal.addEventListener("abort", () => reject(ended.signal.reason as Error), { once: true });
  });
  try {
    return await Promise.race([work(ended.signal), over]);
  } catch (error) {
    // The work may have noticed first, and says so in its own words.
    throw ended.signal.aborted ? ended.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}
