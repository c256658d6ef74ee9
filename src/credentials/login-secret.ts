import { ConfigurationError } from "../errors.js";

/** A login as a secret keeps it, in the form that RDS and its rotation functions write. */
export interface LoginSecret {
  readonly username: string;
  readonly password: string;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly dbname?: string | undefined;
  readonly engine?: string | undefined;

  /** What else stood in it is kept when it is written again. */
  readonly [other: string]: unknown;
}

/**
 * Reads a secret.
 *
 * @throws {@link ConfigurationError} when it is no such JSON, without a word of it.
 */
export function parseLoginSecret(text: string, name: string): LoginSecret {
  const remedy = `Write JSON into ${name}: {"username": "…", "password": "…"}, as RDS does`;
  let secret: unknown;
  try {
    secret = JSON.parse(text);
  } catch {
    // What JSON.parse says quotes what it read.
    throw new ConfigurationError(`What stands in ${name} is no JSON`, { remedy });
  }
  if (typeof secret === "object" && secret !== null) {
    const { username, password } = secret as Partial<LoginSecret>;
    if (isText(username) && isText(password)) return secret as LoginSecret;
  }
  throw new ConfigurationError(`What stands in ${name} names no username and password`, { remedy });
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
