import { createHmac, randomBytes } from "node:crypto";

import type { Destination } from "../address.js";
import type { LoginPassword } from "./login-password.js";

/** What one connection logs in with. */
export interface LoginCredentials {
  /** The login, where the source decides it. @defaultValue the address's, or `PGUSER` */
  readonly user?: string | undefined;

  /** Whoever is given it forgets it once it is sent. */
  readonly password: LoginPassword;

  /** Tells these from others that the source has given; it is no secret. */
  readonly version: string;

  /** Whether others are current, and the server did not take them. @defaultValue false */
  readonly isPrevious?: boolean | undefined;
}

/** For which connection credentials are wanted. */
export interface CredentialRequest {
  /** Where it goes, and as whom unless the source says otherwise. */
  readonly destination: Destination;

  /** The versions that the server has just refused: something else is wanted. */
  readonly refused: readonly string[];

  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** Where the login of new connections, or its password, comes from. */
export interface CredentialSource {
  /** What it is, for sentences: `the secret clinic/app`. */
  readonly name: string;

  /** Whether what it gives may only be sent over TLS, since the server asks for it as it is. */
  readonly needsTls?: boolean | undefined;

  /**
   * How often to look whether the login has become another, for a source in which it may.
   * Without it nobody looks.
   */
  readonly checkEveryMs?: number | undefined;

  /**
   * The credentials for one new connection, a copy that is the caller's; `undefined` when
   * there are none but those that were refused.
   *
   * @throws {@link ConfigurationError} when there are none at all, and what to do.
   */
  get(request: CredentialRequest): Promise<LoginCredentials | undefined>;
}

/** Nobody outside this process can make a password of it, or tell two alike from others' marks. */
const MARK_KEY = randomBytes(32);

/** A version for credentials that bring none: the same for the same, and nothing of them in it. */
export function versionOf(user: string | undefined, password: string): string {
  return createHmac("sha256", MARK_KEY).update(JSON.stringify([user, password])).digest("hex").slice(0, 16);
}
