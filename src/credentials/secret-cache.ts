import { withDeadline } from "../keys/deadline.js";
import type { LoginCredentials } from "./credential-source.js";

/** For how long credentials are taken as they were. */
export interface CacheTimes {
  /** How long they are not asked for again. */
  readonly freshMs: number;

  /** How long they still serve while whoever keeps them does not answer. Then they are zeroed. */
  readonly keptMs: number;

  /** How long whoever has something that serves waits for the answer. It goes on being waited for, by nobody. */
  readonly patienceMs: number;
}

/** Credentials that are asked for by one and used by many. */
export interface SecretCache {
  /**
   * A copy of what is known, asked for where that is too old. When the asking fails, or
   * takes long, what is known serves.
   */
  get(): Promise<LoginCredentials>;

  /** As {@link SecretCache.get}, asked for anew, whatever is known; with who else asks right now. */
  renew(): Promise<LoginCredentials>;
}

/** Keeps the answer of `fetch` for a while. However many want it, one asks. */
export function createSecretCache(
  fetch: () => Promise<LoginCredentials>,
  { freshMs, keptMs, patienceMs }: CacheTimes,
  onStale: (error: unknown) => void,
): SecretCache {
  let known: { readonly credentials: LoginCredentials; readonly since: number } | undefined;
  let asking: { readonly answer: Promise<void>; readonly since: number } | undefined;
  let expiry: NodeJS.Timeout | undefined;

  function forget(): void {
    known?.credentials.password.forget();
    known = undefined;
  }

  async function ask(): Promise<void> {
    const credentials = await fetch();
    forget();
    known = { credentials, since: performance.now() };
    clearTimeout(expiry);
    expiry = setTimeout(forget, keptMs);
    expiry.unref();
  }

  /** Whoever waited has taken a copy before another answer can replace it: nothing is awaited in between. */
  async function copyAfter(asked: Promise<void>): Promise<LoginCredentials> {
    await asked;
    return copy();
  }

  function copy(): LoginCredentials {
    const { credentials } = known as NonNullable<typeof known>;
    return { ...credentials, password: credentials.password.copy() };
  }

  const askOnce = () => (asking ??= { answer: ask().finally(() => (asking = undefined)), since: performance.now() });

  return {
    renew: () => copyAfter(askOnce().answer),
    async get() {
      if (known === undefined) return copyAfter(askOnce().answer);
      if (performance.now() - known.since < freshMs) return copy();
      const { answer, since } = askOnce();
      try {
        // Together with whoever asked first: who comes later waits for less, and then not at all.
        await within(since + patienceMs - performance.now(), answer);
        return copy();
      } catch (error) {
        // Too old to serve by now.
        if ((known as unknown) === undefined) return copyAfter(answer);
        onStale(error);
        return copy();
      }
    },
  };
}

/** Waits so long for an answer, which may come later all the same. */
async function within(timeMs: number, answer: Promise<void>): Promise<void> {
  await withDeadline({ timeoutMs: Math.max(0, timeMs), signal: undefined }, () => answer);
}
