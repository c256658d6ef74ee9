import type { AwsOptions } from "./aws-options.js";
import { parseLoginSecret } from "./login-secret.js";
import type { LoginStore, StoredSecret } from "./login-store.js";
import { askAbout, isNamed, openSecretsManager } from "./secrets-manager.js";

/**
 * What a new secret begins with. Its first version is current whatever it is called, and
 * must not be one that the server has not heard of.
 */
const NOTHING_YET = JSON.stringify({ engine: "postgres" });

/** A version of a secret, by its id. */
interface Version extends StoredSecret {
  readonly id: string;
}

/**
 * A secret in AWS Secrets Manager, by the stages that its own rotation uses: what is to be
 * next is AWSPENDING, then AWSCURRENT, and what was before is AWSPREVIOUS.
 */
export async function secretsManagerStore(secretId: string, options: AwsOptions = {}): Promise<LoginStore> {
  const manager = await openSecretsManager(options);
  const name = `the secret ${secretId}`;

  async function read(stage: string): Promise<Version | undefined> {
    const answer = await askAbout(secretId, "read", (options) =>
      manager.getSecretValue({ SecretId: secretId, VersionStage: stage }, options).catch((error: unknown) => {
        // No such secret, or no version of that stage.
        if (isNamed(error, "ResourceNotFoundException")) return undefined;
        throw error;
      }),
    );
    if (answer === undefined || (stage === "AWSCURRENT" && answer.SecretString === NOTHING_YET)) return undefined;
    return {
      id: answer.VersionId ?? "",
      secret: parseLoginSecret(answer.SecretString ?? "", name),
      time: answer.CreatedDate ?? new Date(),
    };
  }

  const pending = async () => {
    const found = await read("AWSPENDING");
    // A rotation that is over may have left the stage where the current one is.
    return found !== undefined && found.id !== (await read("AWSCURRENT"))?.id ? found : undefined;
  };

  return {
    name,
    current: () => read("AWSCURRENT"),
    pending,
    async stage(secret) {
      const put = { SecretId: secretId, SecretString: JSON.stringify(secret), VersionStages: ["AWSPENDING"] };
      await askAbout(secretId, "write", async (options) => {
        try {
          await manager.putSecretValue(put, options);
        } catch (error) {
          if (!isNamed(error, "ResourceNotFoundException")) throw error;
          await manager.createSecret({ Name: secretId, SecretString: NOTHING_YET }, options);
          await manager.putSecretValue(put, options);
        }
      });
    },
    async promote() {
      const next = await pending();
      if (next === undefined) return;
      await askAbout(secretId, "write", async (options) => {
        const { VersionIdsToStages = {} } = await manager.describeSecret({ SecretId: secretId }, options);
        const now = Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes("AWSCURRENT"))?.[0];
        await manager.updateSecretVersionStage({
          SecretId: secretId,
          VersionStage: "AWSCURRENT",
          MoveToVersionId: next.id,
          RemoveFromVersionId: now,
        }, options);
        await manager.updateSecretVersionStage({
          SecretId: secretId,
          VersionStage: "AWSPENDING",
          RemoveFromVersionId: next.id,
        }, options);
      });
    },
  };
}
