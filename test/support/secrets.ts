import { appendFileSync } from "node:fs";

const VARIABLE = "SAFETYPIN_TEST_SECRETS";

/** Names the file in which this run's secrets are gathered, for the processes that jest starts. */
export function gatherSecretsIn(path: string): void {
  process.env[VARIABLE] = path;
}

/** The file in which this run's secrets are gathered, if they are. */
export function secretsFile(): string | undefined {
  return process.env[VARIABLE];
}

/**
 * Notes a secret that a test uses, so that after the suite it is looked for
 * everywhere it must not be: passwords as text, tokens and keys as bytes.
 *
 * @returns what it was given.
 */
export function remember<Secret extends string | Buffer>(secret: Secret): Secret {
  const path = secretsFile();
  if (path !== undefined) appendFileSync(path, `${Buffer.from(secret).toString("hex")}\n`);
  return secret;
}
