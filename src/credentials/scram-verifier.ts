import { createHash, createHmac, pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";

import type { LoginPassword } from "./login-password.js";

const KEY_LENGTH = 32;
const SALT_LENGTH = 16;

/** With what a verifier is made. */
export interface ScramOptions {
  /** The server's `scram_iterations`. @defaultValue 4096, PostgreSQL's */
  readonly iterations?: number | undefined;

  /** @defaultValue sixteen random bytes */
  readonly salt?: Buffer | undefined;
}

/**
 * What PostgreSQL keeps of a password, made here, so that the password itself is never sent:
 * `alter role … password` takes it as it is. RFC 5802, section 3, with SHA-256 (RFC 7677).
 *
 * SASLprep is not applied: a password in ASCII, as ours are, is what it was before.
 */
export async function scramVerifier(
  password: LoginPassword,
  { iterations = 4096, salt = randomBytes(SALT_LENGTH) }: ScramOptions = {},
): Promise<string> {
  const salted = await promisify(pbkdf2)(password.reveal(), salt, iterations, KEY_LENGTH, "sha256");
  const clientKey = hmac(salted, "Client Key");
  const storedKey = createHash("sha256").update(clientKey).digest();
  const serverKey = hmac(salted, "Server Key");
  const verifier = `SCRAM-SHA-256$${iterations}:${base64(salt)}$${base64(storedKey)}:${base64(serverKey)}`;
  for (const secret of [salted, clientKey]) secret.fill(0);
  return verifier;
}

const hmac = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest();
const base64 = (bytes: Buffer) => bytes.toString("base64");
