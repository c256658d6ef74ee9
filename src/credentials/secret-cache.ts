import type { LoginCredentials } from "./credential-source.js";

/** For how long credentials are taken as they were. */
export interface CacheTimes {
  /** How long they are not asked for again. */
  readonly freshMs: number;

  /** How long they still serve while whoever keeps them does not answer. Then they are zeroed. */
  readonly keptMs: number;
}

/** Credentials that are asked for by one and used by many. */
export interface SecretCache {
  /**
   * A copy of what is known, asked for where that is too old. When the asking fails, what
   * is known serves.
   */
  get(): Promise<LoginCredentials>;

  /** As {@link SecretCache.get}, asked for anew, whatever is known; with who else asks right now. */
  renew(): Promise<LoginCredentials>;
}

/** Keeps the answer of `fetch` for a while. However many want it, one asks. */
export function createSecretCache(
  fetch: () => Promise<LoginCredentials>,
  { freshMs, keptMs }: CacheTimes,
  onStale: (error: unknown) => void,
): SecretCache {
  let known: { readonly credentials: LoginCredentials; readonly since: number } | undefined;
  let asking: Promise<void> | undefined;
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

  const askOnce = () => (asking ??= ask().finally(() => (asking = undefined)));

  return {
    renew: () => copyAfter(askOnce()),
    async get() {
      if (known !== undefined && performance.now() - known.since < freshMs) return copy();
      try {
        return await copyAfter(askOnce());
      } catch (error) {
        if (known === undefined) throw error;
        onStale(error);
        return copy();
      }
    },
  };
}
