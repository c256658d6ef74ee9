import type { LoginSecret } from "./login-secret.js";

/** A version of a secret that was read. */
export interface StoredSecret {
  readonly secret: LoginSecret;

  /** When it was written. */
  readonly time: Date;
}

/**
 * Where a login's secret is kept while it is rotated. Between two calls whoever calls may
 * die: each leaves the store whole, and doing it again does no more.
 */
export interface LoginStore {
  /** What it is, for sentences. */
  readonly name: string;

  /** The secret that applications log in with; `undefined` before there is any. */
  current(): Promise<StoredSecret | undefined>;

  /** The one that is to be next, where a rotation is under way. */
  pending(): Promise<StoredSecret | undefined>;

  /** Keeps what is to be next, beside the current one. */
  stage(secret: LoginSecret): Promise<void>;

  /** Makes the next one the current, in one step. */
  promote(): Promise<void>;
}
