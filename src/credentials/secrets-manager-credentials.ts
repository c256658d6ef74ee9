import type { AwsOptions } from "./aws-options.js";
import type { CredentialSource, LoginCredentials } from "./credential-source.js";
import { LoginPassword } from "./login-password.js";
import { parseLoginSecret } from "./login-secret.js";
import { createSecretCache } from "./secret-cache.js";
import { askAbout, isNamed, openSecretsManager } from "./secrets-manager.js";

/** Which secret to read. */
export interface SecretsManagerCredentials extends AwsOptions {
  /** The secret's name or ARN. It holds JSON as RDS writes it: `username`, `password`. */
  readonly secretId: string;

  /** How long the secret is not asked for again. @defaultValue 30 000 */
  readonly cacheMs?: number | undefined;

  /**
   * How long the secret that is known still serves new connections while Secrets Manager
   * does not answer. Then it is zeroed.
   *
   * @defaultValue 3 600 000: an hour
   */
  readonly keepMs?: number | undefined;

  /** How often to look whether the login has become another. @defaultValue 60 000 */
  readonly checkEveryMs?: number | undefined;

  /** Told when the secret could not be read and the one that is known serves. */
  readonly onStale?: ((error: unknown) => void) | undefined;
}

/** How long a new connection waits for what is current where something is known that was it a moment ago. */
const PATIENCE_MS = 1_000;

/**
 * Login and password from AWS Secrets Manager: AWSCURRENT for each new connection, asked
 * for once by however many connect. When the server refuses it, AWSCURRENT is read anew,
 * since it was rotated; when that is refused too, AWSPREVIOUS is tried once, since the
 * secret is rotated and the server is not yet.
 *
 * Needs the package `@aws-sdk/client-secrets-manager`.
 */
export function secretsManagerCredentials({
  secretId,
  cacheMs = 30_000,
  keepMs = 3_600_000,
  checkEveryMs = 60_000,
  onStale = () => undefined,
  ...aws
}: SecretsManagerCredentials): CredentialSource {
  const name = `the secret ${secretId}`;
  let opened: ReturnType<typeof openSecretsManager> | undefined;

  async function read(stage: "AWSCURRENT" | "AWSPREVIOUS"): Promise<LoginCredentials | undefined> {
    const manager = await (opened ??= openSecretsManager(aws));
    const answer = await askAbout(secretId, "read", (options) =>
      manager.getSecretValue({ SecretId: secretId, VersionStage: stage }, options).catch((error: unknown) => {
        if (stage === "AWSPREVIOUS" && isNamed(error, "ResourceNotFoundException")) return undefined;
        throw error;
      }),
    );
    if (answer === undefined) return undefined;
    const { username, password } = parseLoginSecret(answer.SecretString ?? "", name);
    return { user: username, password: new LoginPassword(password), version: answer.VersionId ?? stage };
  }

  const current = createSecretCache(
    // There is always one that is current: what is not there is an error.
    async () => (await read("AWSCURRENT")) as LoginCredentials,
    { freshMs: cacheMs, keptMs: keepMs, patienceMs: PATIENCE_MS },
    onStale,
  );

  return {
    name,
    checkEveryMs,
    async get({ refused }) {
      const known = await current.get();
      if (!refused.includes(known.version)) return known;
      known.password.forget();

      const renewed = await current.renew();
      if (!refused.includes(renewed.version)) return renewed;
      renewed.password.forget();

      const previous = await read("AWSPREVIOUS");
      if (previous === undefined || refused.includes(previous.version)) return undefined;
      return { ...previous, isPrevious: true };
    },
  };
}
